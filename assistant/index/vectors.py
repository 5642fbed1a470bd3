"""The one door to Chroma: vectors by chunk id, and nothing else.

Chroma holds no text and is never the truth: it is rebuilt from the library. One process only may open its folder
(two lose data without an error), so the owner's lock is taken before this room is entered.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from assistant.errors import IndexingError

if TYPE_CHECKING:
    from assistant.index.embedding import Vectors

logger = logging.getLogger(__name__)

BATCH = 2000
# Vectors are rounded once on their way into an index and back.
SAME = 0.999
# Equal texts share a vector, so a chunk may stand behind its twins.
_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True)
class VectorsLook:
    """What a vector index holds, and whether it finds it.

    Attributes:
        ids: All that it lists, which proves nothing yet.
        others: Those that are stored with another vector than their own.
        lost: Those that a search for their own vector does not find.
        collections: Names of collections besides the one that answers: what a killed rebuild left.
    """

    ids: frozenset[str]
    others: tuple[str, ...]
    lost: tuple[str, ...]
    collections: tuple[str, ...]


class VectorIndex(Protocol):
    """Nearest chunks by cosine; a server or another engine can stand behind it."""

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store or replace the vectors of these chunks."""
        ...

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these chunks; unknown ids are no error."""
        ...

    def search(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine to `vector` (shape (dimensions,)), best first."""
        ...

    def ids(self) -> set[str]:
        """Return the ids of all stored chunks."""
        ...


class ChromaVectors:
    """Vectors in one Chroma collection of a persistent folder.

    Attributes:
        collection_name: The collection; a rebuild fills another one and switches.
    """

    def __init__(self, folder: Path, collection_name: str) -> None:
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        self.collection_name = collection_name
        self._closed = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # resolve(): the same folder under two spellings would be two systems in one process.
            self._client = chromadb.PersistentClient(
                path=str(folder.resolve()), settings=ChromaSettings(anonymized_telemetry=False)
            )
            self._collection = self._open(collection_name)
        except Exception as error:  # Chroma raises its own, Rust's and SQLite's errors here
            raise IndexingError(
                f"The vector index in {folder} cannot be opened ({error}). Run: python ingest.py --rebuild"
            ) from error

    def _open(self, name: str) -> Any:
        # The metric cannot be changed later and the default is not cosine; without embedding_function=None Chroma
        # would fetch a model.
        return self._client.get_or_create_collection(
            name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store or replace the vectors of these chunks (upsert: `add` would keep an old vector silently)."""
        with _writing():
            for start in range(0, len(ids), BATCH):
                batch = slice(start, start + BATCH)
                self._collection.upsert(ids=list(ids[batch]), embeddings=vectors[batch])

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these chunks; unknown ids and no ids are no error."""
        with _writing():
            for start in range(0, len(ids), BATCH):
                self._collection.delete(ids=list(ids[start : start + BATCH]))

    def search(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine, best first; empty for an empty collection."""
        result = self._collection.query(
            query_embeddings=np.asarray(vector, dtype=np.float32).reshape(1, -1),
            n_results=limit,
            include=["distances"],
        )
        return [(id_, 1.0 - distance) for id_, distance in zip(result["ids"][0], result["distances"][0], strict=True)]

    def ids(self) -> set[str]:
        """Return the ids that Chroma lists. That an id is listed does not prove that its vector can be found."""
        return set(self._collection.get(include=[])["ids"])

    def stored(self, id_: str) -> Vectors | None:
        """Return the vector that is stored for a chunk, or None."""
        found = self._collection.get(ids=[id_], include=["embeddings"])["embeddings"]
        return np.asarray(found[0], dtype=np.float32) if len(found) else None

    def look(self, ids: Sequence[str], vectors: Vectors) -> VectorsLook:
        """Return what is listed, and which of these chunks are not found by their own vectors; unlisted ones are not.

        Args:
            ids: What is searched for.
            vectors: Their unit vectors, shape (len(ids), dimensions).
        """
        listed = self.ids()
        others: list[str] = []
        lost: list[str] = []
        for start in range(0, len(ids), BATCH):
            batch, matrix = ids[start : start + BATCH], np.asarray(vectors[start : start + BATCH], dtype=np.float32)
            held = self._collection.get(ids=list(batch), include=["embeddings"])
            stored = dict(zip(held["ids"], held["embeddings"], strict=True))
            found = self._collection.query(query_embeddings=matrix, n_results=_NEIGHBOURS, include=["distances"])
            rows = zip(batch, matrix, found["ids"], found["distances"], strict=True)
            for id_, vector, near, distances in rows:
                if id_ not in listed:
                    continue
                own = id_ in stored and float(np.asarray(stored[id_], dtype=np.float32) @ vector) >= SAME
                if not own:
                    others.append(id_)
                elif id_ not in near and not (near and 1.0 - distances[0] >= SAME):
                    lost.append(id_)
        return VectorsLook(frozenset(listed), tuple(others), tuple(lost), tuple(self._other_collections()))

    def _other_collections(self) -> list[str]:
        names = [collection.name for collection in self._client.list_collections()]
        return sorted(name for name in names if name != self.collection_name)

    def beside(self, name: str) -> ChromaVectors:
        """Return another, empty collection of the folder; one of that name that was left half-filled is dropped."""
        other = copy(self)
        with _writing():
            if name in {collection.name for collection in self._client.list_collections()}:
                self._client.delete_collection(name)
            other._collection = self._open(name)
        other.collection_name = name
        return other

    def drop_others(self) -> None:
        """Delete every collection but the current one."""
        for name in self._other_collections():
            self._client.delete_collection(name)

    def close(self) -> None:
        """Release the folder; closing twice is no error."""
        if not self._closed:
            self._closed = True
            cast(Any, self._client).close()


@contextmanager
def _writing() -> Iterator[None]:
    """Turn what Chroma, its Rust core or SQLite raise on a full disk into one sentence."""
    try:
        yield
    except Exception as error:
        raise IndexingError(
            f"The vector index cannot be written ({error}). "
            "Make room or make the data folder writable, then run the ingest again; nothing was lost."
        ) from error


os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
