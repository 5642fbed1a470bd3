"""The doctor: compares corpus, library, both indexes, originals and journal, and names every difference.

Looking changes nothing; `mending` does.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.desk import CheckReport, Difference
from assistant.domain import Chunk
from assistant.errors import DataFolderError, UsageError, VectorsAway
from assistant.index.embedding import Vectors
from assistant.index.index import Manifest, manifest_differences, other_lexical_folders
from assistant.index.lexical import LexicalIndex
from assistant.index.sentence_vectors import SentenceVectors
from assistant.index.vectors import VectorsLook
from assistant.ingest.corpus import ORIGINALS_FOLDER, plan
from assistant.ingest.folder import CorpusFolder
from assistant.store.inspection import KeptOriginal, cited_versions, damage, originals
from assistant.store.library import EMBEDDED_BY, Library
from assistant.store.owner import ADDRESS_NAME

# Of more chunks than these a sample is searched for, the same at every check; the ids of all are compared.
SEARCHED_AT_MOST = 3000
# What a killed backup or restore, or a killed copy, leaves behind.
BACKUP_FOLDER = ".backup-"
RESTORING_FOLDER = ".restoring"
_BY_SYNC = "python ingest.py"


@dataclass(frozen=True, slots=True)
class House:
    """Everything that has to agree, opened by whoever owns the data folder.

    Attributes:
        words: The word index, or None where there is none or it cannot be opened.
        look: Searches the vector index for chunks by their vectors; None where it cannot be opened.
        manifest: What the indexes should have been built with.
        journal: The file, which may not exist yet.
        in_use: An app has the folder open, so that its address file is no leftover.
    """

    folder: CorpusFolder
    data: Path
    library: Library
    words: LexicalIndex | None
    look: Callable[[Sequence[str], Vectors], VectorsLook | None]
    model_key: str
    sentences: SentenceVectors
    manifest: Manifest
    journal: Path
    in_use: bool = False


def check(house: House, failures: Mapping[str, str] | None = None) -> CheckReport:
    """Compare everything with everything else and change nothing.

    Args:
        failures: Why documents could not be read just now, by their id; said with the difference that is left.
    """
    started = time.perf_counter()
    library = house.library
    wrong = damage(library.file)
    if wrong is not None:  # nothing that it says can be relied on
        sentence = (
            f"The library is damaged ({wrong}). Stop the app and restore a backup; without one, delete {library.file} "
            f"and run {_BY_SYNC}: the documents come back, links to older versions do not."
        )
        return _report([Difference("library", None, sentence, repairable=False)], 0, 0, started)
    chunks = {id_: library.chunks_of(id_, now.version) for id_, now in library.current.items()}
    ids = sorted(chunk.id for cut in chunks.values() for chunk in cut)
    sample = set(ids if len(ids) <= SEARCHED_AT_MOST else random.Random(11).sample(ids, SEARCHED_AT_MOST))  # noqa: S311
    searched = [chunk for cut in chunks.values() for chunk in cut if chunk.id in sample]
    found = [
        *_corpus(house, failures or {}),
        *_library(house, chunks),
        *_originals(house),
        *_words(house, set(ids), searched),
        *_vectors(house, set(ids), searched),
        *_sentences(house, chunks),
        *_translations(house),
        *_journal(house),
        *_leftovers(house),
    ]
    embedded_by = library.fact(EMBEDDED_BY)
    return _report(found, len(library.known), len(ids), started, len(searched), embedded_by)


def without_library(file: Path, why: str | None) -> CheckReport:
    """Return the report on a data folder whose library is missing (`why` is None) or cannot be opened."""
    if why is None:
        sentence = f"There is no library in {file.parent}: no document can be found. Run: {_BY_SYNC}"
        return _report([Difference("library", None, sentence)], 0, 0, time.perf_counter())
    return _report([Difference("library", None, why, repairable=False)], 0, 0, time.perf_counter())


def _report(
    found: list[Difference],
    documents: int,
    chunks: int,
    started: float,
    searched: int = 0,
    embedded_by: str | None = None,
) -> CheckReport:
    return CheckReport(tuple(found), documents, chunks, time.perf_counter() - started, searched, embedded_by)


# ---- Corpus and library ----


def _corpus(house: House, failures: Mapping[str, str]) -> Iterator[Difference]:
    known = house.library.known
    try:
        selection = house.folder.select([], known, copy=False)
    except UsageError as error:
        yield Difference("corpus", None, str(error), repairable=False)
        return
    if known and not selection.files:
        yield Difference("corpus", None, (
            f"The corpus {house.folder.folder} is empty, while the library holds {len(known)} documents. Put the files "
            f"back, or run {_BY_SYNC} to let all documents go; they answer until then."
        ), repairable=False)  # fmt: skip
        return
    for report in plan(selection, known).documents:
        id_ = report.document
        because = f" It could not be read: {failures[id_]}" if id_ in failures else ""
        can = id_ not in failures
        match report.change:
            case "added":
                yield Difference("corpus", id_, f"{id_} is in the corpus and not in the library.{because}", can)
            case "changed":
                what = "its sidecar or the program that reads it" if _same_bytes(house, id_) else "its file"
                sentence = f"{id_} is not what the library has read: {what} has changed.{because}"
                yield Difference("corpus", id_, sentence, can)
            case "removed":
                sentence = f"{id_} is in the library, and its file in the corpus is gone."
                yield Difference("corpus", id_, sentence, can)
            case "failed" if id_.endswith(".yaml"):
                sentence = (
                    f"{id_} describes a document that is not beside it. Put the document there, or delete the sidecar."
                )
                yield Difference("sidecar", id_, sentence, repairable=False)
            case "failed":
                yield Difference("corpus", id_, f"{id_} cannot be read: {report.reason}. {report.remedy}.", False)
            case _:
                pass


def _same_bytes(house: House, document_id: str) -> bool:
    """Return whether the file in the corpus still is the original that the library has read."""
    kept = house.library.versions(document_id)
    version = house.library.known[document_id].version
    names = [digest_of(stored.original) for stored in kept if stored.version == version]
    try:
        return file_digest(house.folder.folder / document_id) in names
    except OSError:  # its name on the disk is composed otherwise
        return False


def _library(house: House, chunks: Mapping[str, Sequence[Chunk]]) -> Iterator[Difference]:
    differing = manifest_differences(house.library, house.manifest)
    if differing and house.library.current:
        yield Difference("library", None, f"The indexes were built with {', '.join(differing)}.")
    for id_, cut in chunks.items():
        document = house.library.document(id_)
        if document is None:
            yield Difference("library", id_, f"{id_} answers, and its text is not in the library.", repairable=False)
        elif wrong := sum(document.text[chunk.start : chunk.end] != chunk.text for chunk in cut):
            sentence = f"Passages of {id_} are not what stands at their place in its text: {wrong} of {len(cut)}."
            yield Difference("library", id_, sentence)


def _translations(house: House) -> Iterator[Difference]:
    known = house.library.known
    for id_ in known:
        document = house.library.document(id_, known[id_].version)
        for other in document.metadata.translations if document else ():
            if other not in known:
                sentence = (
                    f"{id_} names {other} as its translation, and there is no such document. Correct it in its front "
                    "matter or sidecar, or add the document."
                )
                yield Difference("translation", id_, sentence, repairable=False)


# ---- Originals ----


def _originals(house: House) -> Iterator[Difference]:
    """Name originals that are missing, are not what their name says, or belong to no version."""
    by_name: dict[str, list[KeptOriginal]] = {}
    for kept in originals(house.library.file):
        by_name.setdefault(kept.name, []).append(kept)
    in_corpus: dict[str, Path] | None = None
    root = house.data / ORIGINALS_FOLDER
    for name, kepts in by_name.items():
        state = trouble(root / name)
        if state is None:
            continue
        in_corpus = corpus_by_digest(house) if in_corpus is None else in_corpus
        ids = ", ".join(dict.fromkeys(kept.document_id for kept in kepts))
        can = digest_of(name) in in_corpus
        remedy = "A file in the corpus holds the same bytes." if can else "Only a backup brings it back."
        sentence = f"The original of a version of {ids} {state} ({name}). {remedy}"
        yield Difference("original", kepts[0].document_id, sentence, can)
    astray = [name for name in kept_originals(root) if name not in by_name]
    for name in astray:
        in_corpus = corpus_by_digest(house) if in_corpus is None else in_corpus
        can = name.endswith(".part") or digest_of(name) in in_corpus
        remedy = "" if can else " It cannot be made again: delete it by hand if nobody needs it."
        yield Difference("leftover", None, f"No version belongs to the file {ORIGINALS_FOLDER}/{name}.{remedy}", can)


def trouble(file: Path) -> str | None:
    """Return what is wrong with a file that is named by its sha256, or None."""
    try:
        return None if file_digest(file) == digest_of(file.name) else "is damaged: its bytes are not those of its name"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def digest_of(name: str) -> str:
    """Return the sha256 that an original's name holds."""
    return name.rpartition("/")[2].partition(".")[0]


def kept_originals(root: Path) -> list[str]:
    """Return the names of all files in the folder of originals."""
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def corpus_by_digest(house: House) -> dict[str, Path]:
    """Return the files of the corpus by the sha256 of their bytes."""
    digests: dict[str, Path] = {}
    try:
        files = house.folder.select([], (), copy=False).files
    except UsageError:
        return digests
    for file in files:
        try:
            digests.setdefault(file_digest(file.path), file.path)
        except OSError:  # the comparison with the corpus names it
            continue
    return digests


def file_digest(file: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


# ---- Indexes ----


def _words(house: House, wanted: set[str], searched: Sequence[Chunk]) -> Iterator[Difference]:
    if house.words is None:
        if wanted:
            yield Difference("words", None, "The word index is missing or cannot be opened.")
        return
    listed = house.words.ids()
    yield from _by_document("words", "are missing from the word index", wanted - listed, wanted)
    yield from _by_document("words", "are in the word index and may not answer", listed - wanted, None)
    lost = {chunk.id for chunk in searched if chunk.id in listed and not house.words.finds(chunk)}
    yield from _by_document("words", "are not found by their own words", lost, wanted)


def _vectors(house: House, wanted: set[str], searched: Sequence[Chunk]) -> Iterator[Difference]:
    library = house.library
    waiting = {id_ for id_, now in library.current.items() if not now.embedded}
    for id_ in sorted(waiting):
        yield Difference("vectors", id_, f"{id_} is found by its words and not yet by its meaning.")
    expected = {chunk_id for chunk_id in wanted if _document_of(chunk_id) not in waiting}
    asked = [chunk for chunk in searched if chunk.document_id not in waiting]
    known = library.vectors(house.model_key, list(dict.fromkeys(chunk.content_hash for chunk in asked)))
    unknown = {chunk.id for chunk in asked if chunk.content_hash not in known}
    yield from _by_document("vectors", "have no vector in the library", unknown, wanted)
    probes = [chunk for chunk in asked if chunk.id not in unknown]
    width = len(next(iter(known.values()))) if known else 0
    matrix = np.stack([known[chunk.content_hash] for chunk in probes]) if probes else np.zeros((0, width), np.float32)
    try:
        look = house.look([chunk.id for chunk in probes], matrix)
    except VectorsAway as error:  # all else can be compared without it
        yield Difference("vectors", None, str(error), repairable=False)
        return
    if look is None:
        if expected:
            sentence = "The vector index is missing, cannot be opened, or ends the process that opens it."
            yield Difference("vectors", None, sentence)
        return
    yield from _by_document("vectors", "are missing from the vector index", expected - look.ids, wanted)
    yield from _by_document("vectors", "are in the vector index and may not answer", set(look.ids) - wanted, None)
    yield from _by_document("vectors", "stand with another vector in the vector index", set(look.others), wanted)
    yield from _by_document("vectors", "are not found by their own vectors", set(look.lost), wanted)
    for name in look.collections:
        yield Difference("leftover", None, f"The vector index holds {name}, which belongs to an unfinished rebuild.")


def _document_of(chunk_id: str) -> str:
    return chunk_id.rsplit(":", 2)[0]


def _by_document(kind: str, what: str, ids: Iterable[str], wanted: set[str] | None) -> Iterator[Difference]:
    """Yield one difference for each document that has chunks among these; `wanted` are all that may answer."""
    counts = Counter(_document_of(id_) for id_ in ids)
    totals = Counter(_document_of(id_) for id_ in wanted or ()) if counts else Counter()
    for id_, count in sorted(counts.items()):
        of = f"{count} of {totals[id_]}" if wanted is not None else str(count)
        yield Difference(kind, id_, f"Passages of {id_} {what}: {of}.")


def _sentences(house: House, chunks: Mapping[str, Sequence[Chunk]]) -> Iterator[Difference]:
    for id_, cut in chunks.items():
        if house.library.current[id_].embedded and (missing := len(house.sentences.missing(cut))):
            yield Difference("sentences", id_, f"Sentences of {id_} have no vector: {missing}.")


# ---- Journal and leftovers ----


def _journal(house: House) -> Iterator[Difference]:
    if not house.journal.is_file():
        return
    wrong = damage(house.journal)
    if wrong is not None:
        remedy = "restart the app" if house.in_use else "the next start does it"
        yield Difference("journal", None, (
            f"The journal is damaged ({wrong}). It has to be set aside as another file and a new one begun: {remedy}. "
            "Feedback and saved links of before are in that file and in a backup."
        ), repairable=not house.in_use)  # fmt: skip
        return
    withdrawn = {(version.document_id, version.version) for version in house.library.all_withdrawn()}
    kept = {(kept.document_id, kept.version) for kept in originals(house.library.file)} | withdrawn
    try:
        lost = [cited for cited in cited_versions(house.journal) if cited not in kept]
    except DataFolderError as error:
        yield Difference("journal", None, str(error), repairable=False)
        return
    for document_id, version in lost:
        sentence = (
            f"A saved conversation cites version {version[:12]} of {document_id}, which the library does not hold. "
            "Only a backup brings it back."
        )
        yield Difference("journal", document_id, sentence, repairable=False)


def _leftovers(house: House) -> Iterator[Difference]:
    for path in strays(house):
        place = path.relative_to(house.data if path.is_relative_to(house.data) else house.folder.folder).as_posix()
        yield Difference("leftover", None, f"{place} was left by something that was ended midway.")
    for folder in (house.data, house.folder.folder):
        if _is_filled(folder / RESTORING_FOLDER):
            sentence = f"{folder} holds the beginning of a restore. Stop the app and run the restore again."
            yield Difference("leftover", None, sentence, repairable=False)


def strays(house: House) -> list[Path]:
    """Return files and folders that nobody needs any more: everything in them exists elsewhere, or never was whole."""
    found = [folder for folder in house.data.glob(f"{BACKUP_FOLDER}*") if not _is_busy(folder)]
    found += house.folder.folder.rglob(".copy-*.part")
    found += [folder for folder in (house.data / RESTORING_FOLDER,) if folder.is_dir() and not _is_filled(folder)]
    found += other_lexical_folders(house.data, int(house.library.fact("generation") or 0))
    if not house.in_use:
        found += house.data.glob(ADDRESS_NAME)
    return sorted(found)


def _is_filled(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _is_busy(folder: Path) -> bool:
    """Return whether a backup is being written from copies in the folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
