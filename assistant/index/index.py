"""Both searches kept in step with the library: adding, removing, self-test, and rebuilding beside the old.

Knows the library only through plain values and its public methods; the order of steps that makes an ingest safe lives
in `ingest.corpus`.
"""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.domain import Chunk, Language
from assistant.errors import IndexingError, ManifestMismatch, VectorsAway, VectorsGone
from assistant.index.embedding import Vectors
from assistant.index.lexical import LEXICAL_VERSION, LexicalIndex, Term
from assistant.index.vectors import SAME, ChromaCollection, ChromaServerVectors, ChromaVectors, VectorsLook
from assistant.store.library import Library

logger = logging.getLogger(__name__)

VECTORS_FOLDER = "chroma"
# What the fact `vectors_at` says while they stand in the data folder.
FOLDER = "folder"
_SELF_TEST_VECTORS = 5
_NEIGHBOURS = 10
_SELF_TEST_SECONDS = 120
_SELF_TEST = "from assistant.index.selftest import main; sys.exit(main())"
_LOOK_SECONDS = 600
_LOOK = "from assistant.index.selftest import look; sys.exit(look())"
# A server that is away is named in the log so often, however many ask meanwhile.
_SAY_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the indexes were built with; another value makes them useless, so it is compared at every start."""

    embedding: str
    chunking: str
    loader: str
    sentences: str
    lexical: str = LEXICAL_VERSION

    def to_json(self) -> str:
        """Return the manifest as the library remembers it."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


class Index:
    """The two searches over the current chunks of one library.

    While `building`, additions go to empty indexes beside the old ones, which answer until `switch`.

    Attributes:
        searched_without_vectors: How many searches by meaning found nothing because the server was away.
    """

    def __init__(self, data: Path, library: Library, server: str | None = None) -> None:
        """Open both searches.

        Args:
            server: Address of the Chroma server that keeps the vectors; without it they stand in the data folder.

        Raises:
            IndexingError: One cannot be opened, or the server does not answer.
        """
        self._data = data
        self._library = library
        self._server = server
        self.searched_without_vectors = 0
        self._said = -_SAY_AGAIN_SECONDS
        self._left: set[str] = set()  # to be removed when the server answers again
        self.generation = int(library.fact("generation") or 0)
        self._collection_name = _server_collection(library) if server else _collection(library)
        name = f"{self._collection_name}-{self.generation}"
        self.vectors: ChromaCollection = (
            ChromaServerVectors(server, name) if server else ChromaVectors(data / VECTORS_FOLDER, name)
        )
        self._next: tuple[ChromaCollection, LexicalIndex] | None = None
        try:
            if server is None:
                library.remember("vectors_at", FOLDER)
            self.lexical = LexicalIndex(lexical_folder(data, self.generation))
            self.drop_others()  # what a killed rebuild left
        except BaseException:
            self.vectors.close()
            raise

    def match_server(self, model: str) -> bool:
        """Compare a server's vectors with the library; return whether it lacks some, whose documents are then marked.

        They are compared one by one only after another place was used, and where the server lists more or fewer than
        the library has. Where it does not find known ones, nothing that it holds is relied on.

        Args:
            model: Key of the embedding model.
        """
        if self._server is None:
            return False
        library = self._library
        cut = {id_: library.chunks_of(id_, now.version) for id_, now in library.current.items() if not now.embedded}
        expected = library.chunk_count() - sum(map(len, cut.values()))
        listed = self.vectors.count()
        if listed and not all(self._finds(*probe) for probe in _probes(library, model)):
            logger.warning("The vectors at the Chroma server %s are put there anew.", self._server)
            self.vectors.empty()
            listed = 0
        if expected and not listed:
            library.mark_nothing_embedded()
            return True
        if listed == expected and library.fact("vectors_at") == self._server:
            return False
        held = self.vectors.ids()
        self.vectors.remove(sorted(held - library.current_chunk_ids()))
        for id_, now in library.current.items():
            if now.embedded and not {chunk.id for chunk in library.chunks_of(id_, now.version)} <= held:
                library.mark_not_embedded(id_)
        return True

    def _finds(self, id_: str, vector: Vectors) -> bool:
        stored = self.vectors.stored(id_)
        if stored is None:
            return True  # it is missing, which the count tells
        found = self.vectors.search(vector, _NEIGHBOURS)
        near = bool(found) and (found[0][1] >= SAME or id_ in {name for name, _ in found})
        return near and float(stored @ vector) >= SAME

    def settle_at_server(self) -> None:
        """Note that the server now has all that the library has, and drop the vectors that the data folder had.

        They are copies of what the library keeps; forgotten ones would outlive what is erased.
        """
        if self._server is not None:
            self._library.remember("vectors_at", self._server)
            shutil.rmtree(self._data / VECTORS_FOLDER, ignore_errors=True)

    @property
    def _written_vectors(self) -> ChromaCollection:
        return self._next[0] if self._next else self.vectors

    @property
    def _written_words(self) -> LexicalIndex:
        return self._next[1] if self._next else self.lexical

    def add_words(self, chunks: Iterable[Chunk]) -> None:
        """Make chunks findable by words after `commit_words`."""
        self._written_words.add(chunks)

    def commit_words(self) -> None:
        """Write added and removed words."""
        self._written_words.commit()

    def add_vectors(self, chunks: Sequence[Chunk], vectors: Mapping[str, Vectors]) -> None:
        """Add the vectors of chunks and check that the last of them is found again.

        Args:
            chunks: What is added.
            vectors: Unit vectors by content hash; one for every chunk.

        Raises:
            IndexingError: The vector index does not find what it has just stored.
        """
        if not chunks:
            return
        matrix = np.stack([vectors[chunk.content_hash] for chunk in chunks])
        self._left.difference_update(chunk.id for chunk in chunks)
        self._written_vectors.add([chunk.id for chunk in chunks], matrix)
        nearest = self._written_vectors.search(matrix[-1], 1)
        if nearest and nearest[0][1] >= 0.999:
            return
        # Among a thousand equal vectors the graph of an approximate index may lead past them all.
        stored = self._written_vectors.stored(chunks[-1].id)
        if stored is None or float(stored @ matrix[-1]) < 0.999:
            raise IndexingError("The vector index does not find what was stored. Run: python ingest.py --rebuild")
        logger.warning("%s holds so many equal passages that not all are found by meaning.", chunks[-1].document_id)

    def remove(self, ids: Sequence[str]) -> None:
        """Take chunks out of both searches; words leave with the next `commit_words`.

        The vectors stay where a server is away, until the next removal or start finds it again: nobody is answered
        from what is not current.
        """
        self._written_words.remove(ids)
        self._left.update(ids)
        try:
            self._written_vectors.remove(sorted(self._left))
        except VectorsAway as error:
            self._say(error)
        else:
            self._left.clear()

    def search_vectors(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return chunk ids with their cosine, best first; none where a server is away, so that words alone answer."""
        vectors = self.vectors
        try:
            return vectors.search(vector, limit)
        except Exception as error:
            if vectors is not self.vectors:  # a rebuild switched, and dropped the old ones, meanwhile
                return self.search_vectors(vector, limit)
            if not isinstance(error, VectorsAway):
                raise
            self.searched_without_vectors += 1
            if isinstance(error, VectorsGone) and self._library.fact("sync") == "complete":
                self._library.remember("sync", "vectors lost")  # the next one compares and puts them back
            self._say(error)
            return []

    def _say(self, error: VectorsAway) -> None:
        if time.monotonic() - self._said >= _SAY_AGAIN_SECONDS:
            self._said = time.monotonic()
            logger.warning("%s Until then questions are answered by their words alone.", error)

    def look(self, ids: Sequence[str], matrix: Vectors) -> VectorsLook:
        """Return what the vector index holds and finds, see `ChromaVectors.look`."""
        return self.vectors.look(ids, matrix)

    def search_words(self, terms: Mapping[str, Sequence[Term]], limit: int) -> list[tuple[str, float]]:
        """Return chunk ids with their BM25 score, best first."""
        return self.lexical.search(terms, limit)

    @property
    def vocabulary(self) -> LexicalIndex:
        """The words of the corpus as written, for mending typing errors."""
        return self.lexical

    def inverse_document_frequency(self, stem: str, language: Language) -> float:
        """Return the BM25 idf of a stem in texts of a language; highest for a stem that no text holds."""
        return self.lexical.inverse_document_frequency(stem, language)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Fill empty indexes beside the old ones; without a `switch` they are dropped again."""
        folder = lexical_folder(self._data, self.generation + 1)
        LexicalIndex.erase(folder)
        vectors = self.vectors.beside(f"{self._collection_name}-{self.generation + 1}")
        self._next = vectors, LexicalIndex(folder)
        try:
            yield
        finally:
            unused, self._next = self._next, None
            if unused is not None:
                unused[1].close()
                LexicalIndex.erase(folder)

    def switch(self, chunks: Mapping[str, Sequence[Chunk]], manifest: str) -> None:
        """Let the new indexes answer from now on, and after a restart, and remove the old ones.

        Args:
            chunks: By document id: the chunks of its current version that the new indexes hold.
            manifest: What the new indexes were built with.
        """
        assert self._next is not None
        self._library.switch_generation(self.generation + 1, manifest=manifest, chunks=chunks)
        former = self.lexical
        (self.vectors, self.lexical), self._next = self._next, None
        self.generation += 1
        former.close()
        self.drop_others()

    def drop_others(self) -> None:
        """Remove what belongs to other generations: a former one, or one that a killed rebuild left."""
        self.vectors.drop_others()
        for folder in other_lexical_folders(self._data, self.generation):
            LexicalIndex.erase(folder)

    def close(self) -> None:
        """Close both searches."""
        self.lexical.close()
        self.vectors.close()


def _collection(library: Library) -> str:
    return f"library-{library.library_id}"


def _server_collection(library: Library, *, read_only: bool = False) -> str:
    """Return the name at a server, without the generation; a copy of a data folder gets one of its own.

    Otherwise two apps over such copies would write to one collection, and a rebuild of one would drop the other's.
    """
    inode = library.file.stat().st_ino
    name, _, owner = (library.fact("server_collection") or "").partition(" ")
    if not read_only and owner != str(inode):
        name = f"{_collection(library)}-{secrets.token_hex(4)}"
        library.remember("server_collection", f"{name} {inode}")
    return name if owner == str(inode) or not read_only else ""


def lexical_folder(data: Path, generation: int) -> Path:
    """Return where the word index of a generation stands."""
    return data / f"words-{generation}"


def other_lexical_folders(data: Path, generation: int) -> list[Path]:
    """Return the word indexes of other generations: what a killed rebuild left."""
    return sorted(folder for folder in data.glob("words-*") if folder != lexical_folder(data, generation))


def check_manifest(library: Library, manifest: Manifest) -> bool:
    """Compare with what the indexes were built with; return whether they must begin anew, empty as they are.

    Raises:
        ManifestMismatch: Model, chunking or word index differ; names each with both values and the remedy.
    """
    if library.fact("manifest") is None:
        library.remember("manifest", manifest.to_json())
        return False
    differing = manifest_differences(library, manifest)
    if differing and library.current:
        raise ManifestMismatch(
            f"The index was built with {', '.join(differing)}. "
            "Run: python ingest.py --rebuild, or go back to the former settings."
        )
    return bool(differing)


def manifest_differences(library: Library, manifest: Manifest) -> list[str]:
    """Return what the indexes were built with otherwise, each as its name with both values; empty where all agrees."""
    before = json.loads(library.fact("manifest") or manifest.to_json())
    # Another loader version does not make an index wrong: the next sync reads the files again.
    return [
        f"{name} {before.get(name)!r} (now {getattr(manifest, name)!r})"
        for name in ("embedding", "sentences", "chunking", "lexical")
        if before.get(name) != getattr(manifest, name)
    ]


def folder_state(data: Path) -> str:
    """Return names and sizes of the vector index's files: another state after a clean stop means that it was harmed."""
    folder = data / VECTORS_FOLDER
    sizes = {str(file.relative_to(folder)): file.stat().st_size for file in folder.rglob("*") if file.is_file()}
    return json.dumps(sizes, sort_keys=True)


def vectors_work(data: Path, library: Library, model: str) -> bool:
    """Return whether the vector index finds stored vectors, tried in a child process that may crash.

    A damaged index can end the process that opens it, and `count()` proves nothing, so a child asks for known vectors
    and has ended before this process opens the folder.
    """
    probes = [(id_, vector.tolist()) for id_, vector in _probes(library, model)]
    if not probes:
        return True
    collection = f"{_collection(library)}-{int(library.fact('generation') or 0)}"
    request = {"folder": str(data / VECTORS_FOLDER), "collection": collection, "probes": probes}
    try:
        child = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {_SELF_TEST}"],
            input=json.dumps(request),
            text=True,
            capture_output=True,
            timeout=_SELF_TEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if child.returncode != 0:
        logger.warning("The vector index failed its self-test and is built anew.")
    return child.returncode == 0


def _probes(library: Library, model: str) -> list[tuple[str, Vectors]]:
    """Return the first chunk of a few documents with the vectors that the library keeps."""
    embedded = [id_ for id_, now in library.current.items() if now.embedded]
    sample = embedded[:: max(1, len(embedded) // _SELF_TEST_VECTORS)][:_SELF_TEST_VECTORS]
    chunks = [chunk for id_ in sample for chunk in library.chunks_of(id_, library.current[id_].version)[:1]]
    known = library.vectors(model, [chunk.content_hash for chunk in chunks])
    return [(chunk.id, known[chunk.content_hash]) for chunk in chunks if chunk.content_hash in known]


def look_at_vectors(
    data: Path, library: Library, ids: Sequence[str], matrix: Vectors, server: str | None = None
) -> VectorsLook | None:
    """Return what the vector index holds and finds; None where it is missing or damaged.

    Only while no process has the index open; a folder is looked at in a child process, which may crash.

    Args:
        ids: What is searched for.
        matrix: Their unit vectors, shape (len(ids), dimensions).
        server: As `Index`.

    Raises:
        IndexingError: The server does not answer, or is none.
    """
    generation = int(library.fact("generation") or 0)
    if server is not None:
        return _look_at_server(server, f"{_server_collection(library, read_only=True)}-{generation}", ids, matrix)
    collection = f"{_collection(library)}-{generation}"
    request = {
        "folder": str(data / VECTORS_FOLDER),
        "collection": collection,
        "ids": list(ids),
        "width": matrix.shape[1],
    }
    try:
        child = subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {_LOOK}"],
            input=json.dumps(request).encode() + b"\n" + np.ascontiguousarray(matrix, dtype=np.float32).tobytes(),
            capture_output=True,
            timeout=_LOOK_SECONDS,
            check=False,
        )
        if child.returncode != 0:
            return None
        seen = json.loads(child.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return VectorsLook(frozenset(seen["ids"]), tuple(seen["others"]), tuple(seen["lost"]), tuple(seen["collections"]))


def _look_at_server(server: str, collection: str, ids: Sequence[str], matrix: Vectors) -> VectorsLook | None:
    try:
        vectors = ChromaServerVectors(server, collection, create=False)
    except VectorsGone:
        return None
    try:
        return vectors.look(ids, matrix)
    finally:
        vectors.close()
