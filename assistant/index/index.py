"""Both searches kept in step with the library: adding, removing, self-test, and rebuilding beside the old.

Knows the library only through plain values and its public methods; the order of steps that makes an ingest safe lives
in `ingest.corpus`.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.domain import Chunk, Language
from assistant.errors import IndexingError, ManifestMismatch
from assistant.index.embedding import Vectors
from assistant.index.lexical import LEXICAL_VERSION, LexicalIndex, Term
from assistant.index.vectors import ChromaVectors, VectorsLook
from assistant.store.library import Library

logger = logging.getLogger(__name__)

VECTORS_FOLDER = "chroma"
_SELF_TEST_VECTORS = 5
_SELF_TEST_SECONDS = 120
_SELF_TEST = "from assistant.index.selftest import main; sys.exit(main())"
_LOOK_SECONDS = 600
_LOOK = "from assistant.index.selftest import look; sys.exit(look())"


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
    """

    def __init__(self, data: Path, library: Library) -> None:
        self._data = data
        self._library = library
        self.generation = int(library.fact("generation") or 0)
        self.vectors = ChromaVectors(data / VECTORS_FOLDER, _collection(library, self.generation))
        self.lexical = LexicalIndex(lexical_folder(data, self.generation))
        self._next: tuple[ChromaVectors, LexicalIndex] | None = None
        self.drop_others()  # what a killed rebuild left

    @property
    def _written_vectors(self) -> ChromaVectors:
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
        """Take chunks out of both searches; words leave with the next `commit_words`."""
        self._written_vectors.remove(ids)
        self._written_words.remove(ids)

    def search_vectors(self, vector: Vectors, limit: int) -> list[tuple[str, float]]:
        """Return chunk ids with their cosine, best first."""
        vectors = self.vectors
        try:
            return vectors.search(vector, limit)
        except Exception:
            if vectors is self.vectors:
                raise
            return self.vectors.search(vector, limit)  # a rebuild switched, and dropped the old ones, meanwhile

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
        self._next = self.vectors.beside(_collection(self._library, self.generation + 1)), LexicalIndex(folder)
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


def _collection(library: Library, generation: int) -> str:
    return f"library-{library.library_id}-{generation}"


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
    generation = int(library.fact("generation") or 0)
    embedded = [id_ for id_, now in library.current.items() if now.embedded]
    sample = embedded[:: max(1, len(embedded) // _SELF_TEST_VECTORS)][:_SELF_TEST_VECTORS]
    chunks = [chunk for id_ in sample for chunk in library.chunks_of(id_, library.current[id_].version)[:1]]
    known = library.vectors(model, [chunk.content_hash for chunk in chunks])
    probes = [(chunk.id, known[chunk.content_hash].tolist()) for chunk in chunks if chunk.content_hash in known]
    if not probes:
        return True
    request = {"folder": str(data / VECTORS_FOLDER), "collection": _collection(library, generation), "probes": probes}
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


def look_at_vectors(data: Path, library: Library, ids: Sequence[str], matrix: Vectors) -> VectorsLook | None:
    """Return what the vector index holds and finds, looked at in a child process; None where that ends badly.

    Only while no process has the index open.

    Args:
        ids: What is searched for.
        matrix: Their unit vectors, shape (len(ids), dimensions).
    """
    collection = _collection(library, int(library.fact("generation") or 0))
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
