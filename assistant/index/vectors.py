"""The one door to Chroma, in the data folder or at a server: vectors by chunk id, and nothing else.

Chroma holds no text and is never the truth: it is rebuilt from the library. One process only may open its folder
(two lose data without an error), so the owner's lock is taken before this room is entered. A server keeps a collection
for each data folder.
"""

from __future__ import annotations

import ctypes
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, cast
from urllib.parse import urlsplit

import numpy as np

from assistant.errors import IndexingError, VectorsAway, VectorsGone

if TYPE_CHECKING:
    import httpx

    from assistant.index.embedding import Vectors

Result = TypeVar("Result")

BATCH = 2000
# Of glibc's malloc.h: what is freed is filled with this byte, what is handed out with its complement, zero.
_M_PERTURB, _CLEARED = -6, 0xFF
# How many near vectors Chroma keeps in sight while it searches (HNSW's ef). With its own 100 a question unlike the
# texts loses some of its nearest: for 193 tuning questions 50 neighbours were found with a recall of 0.982 among 1,854
# passages, 0.90 among 10,000 and 0.71 among 100,000, and not the same ones after each start. With 1000 it is 1.000,
# 1.000 and 0.982, for 1, 2 and 4 ms more (`docs/speed.md`).
SEARCHED = 1000
# Vectors are rounded once on their way into an index and back.
SAME = 0.999
# Equal texts share a vector, so a chunk may stand behind its twins.
_NEIGHBOURS = 10
_LOOKED_AT = 500
# How long a server may be silent, in seconds: before a question goes on without it, and in any other work.
QUESTION_SECONDS = 10.0
WORK_SECONDS = 120.0
CONNECT_SECONDS = 3.0
# So long a server that was silent is not asked again, or every question would wait for it.
PAUSE_SECONDS = 10.0


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

    def count(self) -> int:
        """Return how many chunks are stored."""
        ...


class ChromaCollection(ABC):
    """Vectors in one Chroma collection, wherever Chroma is.

    Attributes:
        collection_name: The collection; a rebuild fills another one and switches.
    """

    collection_name: str
    _client: Any
    _collection: Any
    _closed = False

    @abstractmethod
    def _read(self, work: Callable[..., Result], **arguments: object) -> Result:
        """Return what Chroma answers."""

    @abstractmethod
    def _write(self, work: Callable[..., object], **arguments: object) -> None:
        """Let Chroma do something; what goes wrong is one sentence."""

    def _is_ours(self, collection_name: str) -> bool:
        """Return whether a collection belongs to this library: it can be left by a rebuild that was killed."""
        return True

    def _open(self, name: str) -> Any:
        # The metric cannot be changed later and the default is not cosine; without embedding_function=None Chroma
        # would fetch a model.
        collection = self._client.get_or_create_collection(
            name, configuration={"hnsw": {"space": "cosine", "ef_search": SEARCHED}}, embedding_function=None
        )
        # One that exists keeps what it was made with.
        graph = collection.configuration_json.get("hnsw") or {}
        if graph.get("ef_search") not in (None, SEARCHED):
            collection.modify(configuration={"hnsw": {"ef_search": SEARCHED}})
        return collection

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Store or replace the vectors of these chunks (upsert: `add` would keep an old vector silently)."""
        for start in range(0, len(ids), BATCH):
            batch = slice(start, start + BATCH)
            self._write(self._collection.upsert, ids=list(ids[batch]), embeddings=vectors[batch])

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these chunks; unknown ids and no ids are no error."""
        for start in range(0, len(ids), BATCH):
            self._write(self._collection.delete, ids=list(ids[start : start + BATCH]))

    def search(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine, best first; empty for an empty collection."""
        matrix = np.asarray(vector, dtype=np.float32).reshape(1, -1)
        result = self._query(matrix, limit)
        return [(id_, 1.0 - distance) for id_, distance in zip(result["ids"][0], result["distances"][0], strict=True)]

    def _query(self, matrix: Vectors, limit: int) -> Any:
        return self._read(self._collection.query, query_embeddings=matrix, n_results=limit, include=["distances"])

    def ids(self) -> set[str]:
        """Return the ids that Chroma lists. That an id is listed does not prove that its vector can be found."""
        return set(self._read(self._collection.get, include=[])["ids"])

    def count(self) -> int:
        """Return how many chunks Chroma lists."""
        return int(self._read(self._collection.count))

    def stored(self, id_: str) -> Vectors | None:
        """Return the vector that is stored for a chunk, or None."""
        found = self._read(self._collection.get, ids=[id_], include=["embeddings"])["embeddings"]
        return np.asarray(found[0], dtype=np.float32) if len(found) else None

    def read_ahead(self) -> None:
        """Have Chroma read its graph, which takes as long as several answers, before a question waits for it."""
        some = self._read(self._collection.get, limit=1, include=["embeddings"])["embeddings"]
        if len(some):
            self._query(np.asarray(some, dtype=np.float32), 1)

    def look(self, ids: Sequence[str], vectors: Vectors) -> VectorsLook:
        """Return what is listed, and which of these chunks are not found by their own vectors; unlisted ones are not.

        Args:
            ids: What is searched for.
            vectors: Their unit vectors, shape (len(ids), dimensions).
        """
        listed = self.ids()
        others: list[str] = []
        lost: list[str] = []
        for start in range(0, len(ids), _LOOKED_AT):
            batch = list(ids[start : start + _LOOKED_AT])
            matrix = np.asarray(vectors[start : start + _LOOKED_AT], dtype=np.float32)
            held = self._read(self._collection.get, ids=batch, include=["embeddings"])
            stored = dict(zip(held["ids"], held["embeddings"], strict=True))
            found = self._query(matrix, _NEIGHBOURS)
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
        names = [collection.name for collection in self._read(self._client.list_collections)]
        return sorted(name for name in names if name != self.collection_name and self._is_ours(name))

    def beside(self, name: str) -> Self:
        """Return another, empty collection; one of that name that was left half-filled is dropped."""
        other = copy(self)
        other.collection_name = name
        other.empty()
        return other

    def empty(self) -> None:
        """Begin the collection anew, whether it exists or not."""

        def begin() -> None:
            if self.collection_name in {collection.name for collection in self._client.list_collections()}:
                self._client.delete_collection(self.collection_name)
            self._collection = self._open(self.collection_name)

        self._write(begin)

    def drop_others(self) -> None:
        """Delete the other collections of this library."""
        for name in self._other_collections():
            self._write(self._client.delete_collection, name=name)

    def close(self) -> None:
        """Release what Chroma holds; closing twice is no error."""
        if not self._closed:
            self._closed = True
            cast(Any, self._client).close()


class ChromaVectors(ChromaCollection):
    """Vectors in one Chroma collection of a persistent folder."""

    def __init__(self, folder: Path, collection_name: str) -> None:
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        self.collection_name = collection_name
        _clear_memory()
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

    def _read(self, work: Callable[..., Result], **arguments: object) -> Result:
        return work(**arguments)

    def _write(self, work: Callable[..., object], **arguments: object) -> None:
        """Turn what Chroma, its Rust core or SQLite raise on a full disk into one sentence."""
        try:
            work(**arguments)
        except Exception as error:
            raise IndexingError(
                f"The vector index cannot be written ({error}). "
                "Make room or make the data folder writable, then run the ingest again; nothing was lost."
            ) from error


class ChromaServerVectors(ChromaCollection):
    """Vectors in one collection of a Chroma server (`chroma run`), which keeps those of other libraries, too.

    Every wait is bounded, see `QUESTION_SECONDS`. A server that restarts is used again by itself.
    """

    def __init__(
        self, address: str, collection_name: str, *, create: bool = True, question_seconds: float = QUESTION_SECONDS
    ) -> None:
        """Open the collection.

        Args:
            address: Such as `http://127.0.0.1:8000`.
            create: Whether a collection that is not there is made.
            question_seconds: How long a search may take.

        Raises:
            VectorsAway: The server does not answer.
            VectorsGone: It has no such collection, and none is made.
            IndexingError: What answers there is no Chroma server, or too old.
        """
        import chromadb
        from chromadb.config import Settings as ChromaSettings

        self.collection_name = collection_name
        self._address = address
        self._silent_until = 0.0
        self._check_server()
        try:
            self._client = chromadb.HttpClient(host=address, settings=ChromaSettings(anonymized_telemetry=False))
        except Exception as error:  # it turns whatever happens into a ValueError
            raise self._no_use(error) from error
        # Chroma's own clients (there are two in one) would wait for ever, and do not close what they opened.
        clients = cast(Any, self._client), cast(Any, self._client)._admin_client
        self._sessions: list[httpx.Client] = [client._server._session for client in clients]
        for session in self._sessions:
            session.event_hooks = {"request": [partial(_be_patient, question_seconds)]}
        try:
            if create:
                self._write(self._begin)
            else:
                self._collection = self._read(
                    self._client.get_collection, name=collection_name, embedding_function=None
                )
        except BaseException:
            self.close()
            raise

    def _check_server(self) -> None:
        """See that a Chroma server answers, before its client, which waits for ever, is made."""
        import httpx

        patience = httpx.Timeout(QUESTION_SECONDS, connect=CONNECT_SECONDS)
        try:
            beat, version = (
                httpx.get(f"{self._address}/api/v2/{what}", timeout=patience) for what in ("heartbeat", "version")
            )
        except httpx.TransportError as error:
            raise self._silent(error) from error
        try:
            known = "nanosecond heartbeat" in beat.json()
            major = int(str(version.json()).partition(".")[0])
        except (ValueError, TypeError):
            known, major = False, 0
        if not known or major < 1:
            raise IndexingError(
                f"What answers at {self._address} is no Chroma server of version 1 or later. Correct the setting "
                "ASSISTANT_CHROMA_SERVER, or remove it to keep the vectors in the data folder."
            )

    def _begin(self) -> None:
        self._collection = self._open(self.collection_name)

    def _is_ours(self, collection_name: str) -> bool:
        return collection_name.rpartition("-")[0] == self.collection_name.rpartition("-")[0]

    def search(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their cosine, best first; empty for an empty collection.

        Raises:
            VectorsAway: The server does not answer, or was silent a moment ago.
            VectorsGone: It does not hold the collection any more.
        """
        if time.monotonic() < self._silent_until:
            raise self._silent(None)
        return super().search(vector, limit)

    def ids(self) -> set[str]:
        """Return the ids that the server lists; a collection that it has lost is begun anew, so that it can be filled.

        That an id is listed does not prove that its vector can be found.
        """
        try:
            return super().ids()
        except VectorsGone:
            self._write(self._begin)
            return super().ids()

    def close(self) -> None:
        """Close the connections; closing twice is no error."""
        super().close()
        for session in self._sessions:
            session.close()

    def _write(self, work: Callable[..., object], **arguments: object) -> None:
        self._read(work, **arguments)

    def _read(self, work: Callable[..., Result], **arguments: object) -> Result:
        import httpx
        from chromadb.errors import ChromaError, InternalError, NotFoundError

        try:
            try:
                return work(**arguments)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                return work(
                    **arguments
                )  # a kept connection to a server that has restarted; all our work can be done twice
        except httpx.TransportError as error:
            if isinstance(error, httpx.TimeoutException):
                self._silent_until = time.monotonic() + PAUSE_SECONDS
            raise self._silent(error) from error
        except NotFoundError as error:
            raise VectorsGone(
                f"The Chroma server at {self._address} does not hold the vectors of this library any more. "
                "Run: python ingest.py; they come back from the library."
            ) from error
        except ChromaError as error:
            if isinstance(error, InternalError):
                raise self._failing(error) from error
            raise self._no_use(error) from error
        except Exception as error:  # whatever stands before the server may answer anything
            raise self._failing(error) from error

    def _silent(self, error: Exception | None) -> VectorsAway:
        parts = urlsplit(self._address)
        why = f" ({str(error) or type(error).__name__})" if error is not None else ""
        return VectorsAway(
            f"The Chroma server at {self._address} does not answer{why}. Start it with: chroma run --path FOLDER "
            f"--host {parts.hostname} --port {parts.port or (443 if parts.scheme == 'https' else 80)}, or remove the "
            "setting ASSISTANT_CHROMA_SERVER; nothing was lost."
        )

    def _failing(self, error: Exception) -> VectorsAway:
        return VectorsAway(
            f"The Chroma server at {self._address} fails ({_short(error)}). Read its log and see that it has room on "
            "its disk, or remove the setting ASSISTANT_CHROMA_SERVER; nothing was lost."
        )

    def _no_use(self, error: Exception) -> IndexingError:
        return IndexingError(
            f"The Chroma server at {self._address} cannot be used ({_short(error)}). Give it the version of Chroma "
            "that is installed here, or remove the setting ASSISTANT_CHROMA_SERVER; nothing was lost."
        )


def _clear_memory() -> None:
    """Let the C library clear every block of memory that it hands out or takes back, from now on.

    Chroma writes the whole memory of a graph to the disk, also places that it has not filled: old questions, texts that
    were erased, whatever stood there. Where the C library is another one, nothing changes.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_PERTURB, _CLEARED)
    except (AttributeError, OSError):
        pass


def _be_patient(question_seconds: float, request: httpx.Request) -> None:
    """Bound the wait of a request: a question goes on without the server, other work may take its time."""
    seconds = question_seconds if request.url.path.endswith("/query") else WORK_SECONDS
    request.extensions["timeout"] = {"connect": CONNECT_SECONDS, "read": seconds, "write": seconds, "pool": seconds}


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
