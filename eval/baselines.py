"""Two systems that anybody could put together, to see what the assistant adds.

`Tutorial` is the retrieval tutorial that every LangChain user starts from: chunks of 1,000 characters, Chroma, the top
four chunks as the answer. `BestSentence` shows the one sentence nearest to the question and abstains below a threshold.
The only room of `eval` that knows chromadb and LangChain's splitters; both read the documents and the embedder of an
open assistant, so that all systems differ in method alone.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote as percent_encode

import chromadb
import numpy as np
import numpy.typing as npt
from chromadb.config import Settings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from assistant import Document
from eval.sentences import Span, sentence_spans
from eval.systems import History

# The numbers of LangChain's "Build a RAG application" tutorial.
CHUNK_CHARACTERS = 1000
OVERLAP_CHARACTERS = 200
TOP_CHUNKS = 4
# Chroma refuses more rows in one call (get_max_batch_size() of 1.5.9).
CHROMA_BATCH = 5000
# Texts embedded between two words of progress, and lost at most by a kill.
EMBED_BATCH = 512
# Provisional, until `python -m eval tune-sentence` has chosen one on the tuning half and written it to baselines.json.
PROVISIONAL_THRESHOLD = 0.35
TUNED = Path(__file__).with_name("baselines.json")

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Text to unit vectors, one row a text."""

    @property
    def key(self) -> str:
        """Name the space that the vectors live in."""
        ...

    def embed(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts, float32, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of characters of one document: `document.text[start:end]`."""

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words of the passage."""
        return self.document.text[self.start : self.end]


def split_documents(documents: Sequence[Document]) -> list[Passage]:
    """Cut each document's stored text as the tutorial does; a chunk whose offset the splitter lost is left out."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=CHUNK_CHARACTERS, chunk_overlap=OVERLAP_CHARACTERS, add_start_index=True
    )
    passages = []
    for document in documents:
        for chunk in splitter.create_documents([document.text]):
            start = int(chunk.metadata["start_index"])
            passage = Passage(document, start, start + len(chunk.page_content))
            if start >= 0 and passage.text == chunk.page_content:
                passages.append(passage)
    return passages


class ChunkIndex:
    """The tutorial's chunks in an in-memory Chroma; their vectors are kept in a file, since embedding takes minutes."""

    def __init__(self, documents: Sequence[Document], embedder: Embedder, cache: Path) -> None:
        """Cut, embed (or fetch from the folder `cache`) and index all documents."""
        self.passages = split_documents(documents)
        self._embedder = embedder
        texts = "\0".join([embedder.key, *(passage.text for passage in self.passages)])
        digest = hashlib.sha256(texts.encode("utf-8")).hexdigest()
        # One process has one in-memory Chroma: the name keeps two corpora, and two models, apart.
        self._collection = chromadb.EphemeralClient(Settings(anonymized_telemetry=False)).get_or_create_collection(
            f"tutorial-{digest[:32]}", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        vectors = _cached_vectors(cache / f"tutorial-{digest[:32]}.npy", self.passages, embedder)
        for first in range(0, len(self.passages), CHROMA_BATCH):
            last = min(first + CHROMA_BATCH, len(self.passages))
            ids = [str(number) for number in range(first, last)]
            self._collection.upsert(ids=ids, embeddings=vectors[first:last])

    def search(self, question: str, count: int) -> list[Passage]:
        """Return the passages nearest to a question, nearest first; none from an empty corpus."""
        if not self.passages or not question.strip():
            return []
        vector = self._embedder.embed([question])
        found = self._collection.query(query_embeddings=vector, n_results=min(count, len(self.passages)), include=[])
        return [self.passages[int(id_)] for id_ in found["ids"][0]]


def _cached_vectors(path: Path, passages: Sequence[Passage], embedder: Embedder) -> Vectors:
    if path.exists():
        kept: Vectors = np.load(path)
        if len(kept) == len(passages):
            return kept
    texts = [passage.text for passage in passages]
    batches = [embedder.embed(texts[first : first + EMBED_BATCH]) for first in range(0, len(texts), EMBED_BATCH)]
    vectors: Vectors = np.concatenate(batches) if batches else np.empty((0, 0), dtype=np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npy")
    np.save(part, vectors)
    part.replace(path)
    return vectors


class Tutorial:
    """The top four chunks, joined, each cited. Never abstains while there is a chunk."""

    def __init__(self, chunks: ChunkIndex) -> None:
        """Answer from an index of chunks."""
        self._chunks = chunks

    def ask(self, question: str, history: History) -> Mapping[str, Any]:
        """Return the four nearest chunks; like the tutorial, it knows nothing of earlier turns."""
        begun = time.perf_counter()
        return answer_line(self._chunks.search(question, TOP_CHUNKS), seconds=time.perf_counter() - begun)


class BestSentence:
    """The sentence of the nearest chunk that is nearest to the question, if it is near enough."""

    def __init__(self, chunks: ChunkIndex, embedder: Embedder, *, threshold: float) -> None:
        """Answer from an index of chunks; `threshold` is a cosine."""
        self._chunks = chunks
        self._embedder = embedder
        self._embedded: dict[tuple[str, int], Vectors] = {}
        self.threshold = threshold

    def ask(self, question: str, history: History) -> Mapping[str, Any]:
        """Return the best sentence, or abstain when its cosine is below the threshold."""
        begun = time.perf_counter()
        best, similarity = self.best(question)
        shown = [best] if best and similarity >= self.threshold else []
        nearest = [best.document.id] if best else []
        return answer_line(shown, seconds=time.perf_counter() - begun, nearest=nearest)

    def best(self, question: str) -> tuple[Passage | None, float]:
        """Return the best sentence and its cosine with the question; None and -1 from an empty corpus."""
        found = self._chunks.search(question, 1)
        sentences = sentence_spans(found[0].text) if found else []
        if not sentences:
            return None, -1.0
        similarities = self._sentences(found[0], sentences) @ self._embedder.embed([question])[0]
        best = int(similarities.argmax())
        return _within(found[0], sentences[best]), float(similarities[best])

    def _sentences(self, passage: Passage, sentences: Sequence[Span]) -> Vectors:
        """Return the vectors of a chunk's sentences, embedded once for all questions."""
        place = (passage.document.id, passage.start)
        if place not in self._embedded:
            self._embedded[place] = self._embedder.embed([sentence.text for sentence in sentences])
        return self._embedded[place]


def _within(passage: Passage, span: Span) -> Passage:
    return Passage(passage.document, passage.start + span.start, passage.start + span.end)


def sentence_threshold() -> float:
    """Return the tuned threshold of `BestSentence`, or the provisional one where none was tuned."""
    if not TUNED.exists():
        return PROVISIONAL_THRESHOLD
    return float(json.loads(TUNED.read_text(encoding="utf-8"))["sentence_threshold"])


def answer_line(shown: Sequence[Passage], *, seconds: float, nearest: Sequence[str] = ()) -> dict[str, Any]:
    """Return the `answer` object that shows these passages, or abstains where there are none."""
    texts = [f"{passage.text} [{number}]" for number, passage in enumerate(shown, start=1)]
    return {
        "text": "\n\n".join(texts),
        "outcome": "answered" if shown else "abstained",
        "abstained": not shown,
        "reason": None if shown else ("not_covered" if nearest else "empty_corpus"),
        "missing": None,
        "nearest": [] if shown else list(nearest),
        "language": shown[0].document.section_at(shown[0].start).language if shown else "en",
        "citations": [_citation(number, passage) for number, passage in enumerate(shown, start=1)],
        "seconds": round(seconds, 4),
    }


def _citation(number: int, passage: Passage) -> dict[str, Any]:
    document, start = passage.document, passage.start
    section = document.section_at(start)
    path = percent_encode(document.id, safe="/")
    return {
        "number": number,
        "quote": passage.text,
        "document": document.id,
        "version": document.version,
        "title": section.title,
        "language": section.language,
        "page": document.page_at(start),
        "page_label": document.page_label_at(start),
        "heading": document.heading_at(start),
        "start": start,
        "end": passage.end,
        "source_url": section.url or document.metadata.url,
        "link": f"/source/{path}?version={document.version}&start={start}&end={passage.end}#quote",
    }
