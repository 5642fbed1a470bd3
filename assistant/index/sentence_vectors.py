"""Vectors of the sentences inside a chunk: small to judge by, where the chunk is large enough to be found by.

They are made at ingest and kept in the library by the hash of their text; a question only compares. For a model that
knows English alone a Norwegian sentence is embedded as its English gloss.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from assistant.domain import Chunk
from assistant.index.embedding import Vectors
from assistant.language import lexicon_digest, load_lexicon
from assistant.sentences import split_units
from assistant.store.library import Library

# Raised whenever the same sentence would be embedded as another text.
SENTENCES_VERSION = "1"
KEPT_CHUNKS = 1_000


class SentenceVectors:
    """The sentence vectors of one library and model.

    Attributes:
        key: Names model, form of the sentences and, where they are glossed, the lexicon.
    """

    def __init__(self, library: Library, model_key: str, *, gloss: bool) -> None:
        self._library = library
        self._gloss = gloss
        form = f"gloss-{lexicon_digest()[:12]}" if gloss else "as-written"
        self.key = f"{model_key}:sentences-{SENTENCES_VERSION}:{form}"
        # Passages that were found last, with the vectors of their units: what answers one question is found for others.
        self._matrices: dict[Chunk, Vectors] = {}
        self._keeping = threading.Lock()

    def texts(self, chunks: Iterable[Chunk]) -> dict[str, str]:
        """Return what is embedded for the sentences of these chunks, by its hash."""
        wanted = {hash_: (chunk, text) for chunk in chunks for hash_, text in _hashed(chunk)}
        return {hash_: self._input(chunk, text) for hash_, (chunk, text) in wanted.items()}

    def hashes(self, chunk: Chunk) -> set[str]:
        """Return the hashes under which the vectors of a chunk's sentences are kept."""
        return {hash_ for hash_, _ in _hashed(chunk)}

    def missing(self, chunks: Iterable[Chunk]) -> dict[str, str]:
        """Return the same without the texts of which the library has a vector."""
        texts = self.texts(chunks)
        known = self._library.hashes_with_vectors(self.key, list(texts))
        return {hash_: text for hash_, text in texts.items() if hash_ not in known}

    def _input(self, chunk: Chunk, text: str) -> str:
        return load_lexicon().gloss(text) if self._gloss and chunk.language != "en" else text

    def store(self, vectors: Iterable[tuple[str, Vectors]]) -> None:
        """Keep vectors by the hash of their sentence."""
        self._library.store_vectors(self.key, vectors)

    def of_units(self, chunk: Chunk) -> list[Vectors | None]:
        """Return the vector of each unit of a chunk, in order; None for one that has none yet."""
        hashes = [hash_ for hash_, _ in _hashed(chunk)]
        known = self._library.vectors(self.key, list(dict.fromkeys(hashes)))
        return [known.get(hash_) for hash_ in hashes]

    def similarities(self, vector: Vectors, chunks: Sequence[Chunk]) -> dict[str, tuple[float, ...]]:
        """Return, per chunk id, the cosine of each of its units with a query; 0 for one without a vector yet."""
        matrices = {chunk: kept for chunk in chunks if (kept := self._matrices.get(chunk)) is not None}
        hashes = {chunk: [hash_ for hash_, _ in _hashed(chunk)] for chunk in chunks if chunk not in matrices}
        known = self._read(hashes)
        for chunk, each in hashes.items():
            if each and all(hash_ in known for hash_ in each):
                matrices[chunk] = np.stack([known[hash_] for hash_ in each])
                self._keep(chunk, matrices[chunk])
        found = {chunk.id: tuple((matrix @ vector).tolist()) for chunk, matrix in matrices.items()}
        if not found and not known:
            return {}
        for chunk, each in hashes.items():
            if chunk.id not in found:
                found[chunk.id] = tuple(float(known[hash_] @ vector) if hash_ in known else 0.0 for hash_ in each)
        return found

    def read_ahead(self, chunks: Sequence[Chunk]) -> None:
        """Have the vectors of these chunks' units at hand for the next question."""
        hashes = {chunk: [hash_ for hash_, _ in _hashed(chunk)] for chunk in chunks if chunk not in self._matrices}
        known = self._read(hashes)
        for chunk, each in hashes.items():
            if each and all(hash_ in known for hash_ in each):
                self._keep(chunk, np.stack([known[hash_] for hash_ in each]))

    def _read(self, hashes: Mapping[Chunk, Sequence[str]]) -> dict[str, Vectors]:
        wanted = list(dict.fromkeys(hash_ for each in hashes.values() for hash_ in each))
        return self._library.vectors(self.key, wanted) if wanted else {}

    def _keep(self, chunk: Chunk, matrix: Vectors) -> None:
        with self._keeping:
            if len(self._matrices) >= KEPT_CHUNKS:
                self._matrices.pop(next(iter(self._matrices)))
            self._matrices[chunk] = matrix


def _hashed(chunk: Chunk) -> list[tuple[str, str]]:
    """Return each unit of a chunk under its heading, with the hash of that text and of the language."""
    texts = []
    for unit in split_units(chunk.text):
        text = chunk.text[unit.start : unit.end].replace("\t", " ")
        texts.append(f"{chunk.heading} {text}" if chunk.heading and chunk.heading != text else text)
    language = "en" if chunk.language == "en" else "nb"
    return [(hashlib.sha256(f"{language}\n{text}".encode()).hexdigest(), text) for text in texts]
