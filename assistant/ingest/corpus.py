"""One folder kept in step with the library, as a straight line: compare, load, chunk, index, verify, report.

A bad file is a line in the report. A new version is written and found again before one transaction makes it current,
and only then does the old one leave the indexes; killed anywhere, the next sync mends what was left.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant.documents.chunking import chunk_document
from assistant.documents.loading import LOADER_VERSION, SUPPORTED_SUFFIXES, is_sidecar
from assistant.documents.worker import ParsingWorker
from assistant.domain import Chunk, Document, DocumentReport, IngestReport
from assistant.errors import DataFolderError, LoadError, UnsupportedFormat, UsageError
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import Embedder, Vectors
from assistant.index.index import Index
from assistant.store.library import Library

logger = logging.getLogger(__name__)

ADDED_FOLDER = "added"
ORIGINALS_FOLDER = "originals"
# What was read becomes findable by words at least this often.
COMMIT_SECONDS = 1.0
# Texts per job of the embedding worker: enough to sort by length, few enough to show progress.
EMBED_BATCH = 256
# Up to so many texts are embedded in this process when its model is loaded: starting a worker would take longer.
EMBED_HERE_AT_MOST = 160

Progress = Callable[[Mapping[str, Any]], None]


@dataclass
class _Batch:
    """Documents whose texts are embedded in one job."""

    documents: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the corpus and what tells whether it changed."""

    document_id: str
    path: Path
    fingerprint: str


class Ingest:
    """Keeps one corpus folder in the library and its indexes. Its caller owns the data folder."""

    def __init__(
        self,
        corpus: Path,
        data: Path,
        *,
        library: Library,
        index: Index,
        embedder: Embedder,
        bulk: BulkEmbedder,
        worker: ParsingWorker,
        chunk_tokens: int,
        embedder_is_warm: Callable[[], bool],
    ) -> None:
        self.corpus = corpus
        self._data = data
        self._library = library
        self._index = index
        self._embedder = embedder
        self._bulk = bulk
        self._worker = worker
        self._chunk_tokens = min(chunk_tokens, embedder.max_tokens)
        self._embedder_is_warm = embedder_is_warm

    def sync(
        self, paths: Sequence[Path] = (), *, dry_run: bool = False, progress: Progress = lambda event: None
    ) -> IngestReport:
        """Bring documents in, up to date, or out.

        Without paths the whole corpus is compared and documents whose file is gone are removed. A path inside the
        corpus stands for itself alone; a file or folder outside is first copied to `added/`, never over another file.

        Raises:
            UsageError: A path does not exist, or the corpus folder does not.
        """
        started = time.perf_counter()
        if not self.corpus.is_dir():
            raise UsageError(f"The corpus {self.corpus} is not a folder. Create it or name another one with --corpus.")
        files, gone = self._selection(paths, dry_run=dry_run)
        if dry_run:
            return IngestReport(tuple(self._planned(files, gone)), time.perf_counter() - started)
        self._mend()
        reports = [self._remove(document_id) for document_id in gone]
        embedding = _Embedding(self._library, self._index, self._embedder, self._bulk, self._embedder_is_warm)
        try:
            for report in self._load_all(files, embedding):
                reports.append(report)
                progress({**report.to_dict(), "done": len(reports), "total": len(files) + len(gone)})
            embedding.add_waiting()
            embedding.finish(progress)
        finally:
            self._index.commit_words()
        self._library.remember("sync", "complete")
        return IngestReport(tuple(reports), time.perf_counter() - started, embedding.count)

    # ---- What to do ----

    def _selection(self, paths: Sequence[Path], *, dry_run: bool) -> tuple[list[Path], list[str]]:
        """Return the files to look at and the ids of documents to remove."""
        if not paths:
            files = sorted(self._files(self.corpus))
            present = {self._id(path) for path in files}
            return files, [id_ for id_ in self._library.current if id_ not in present]
        files, gone = [], []
        for given in paths:
            path = given.absolute()
            if not path.exists():
                id_ = self._id(path) if path.is_relative_to(self.corpus) else None
                if id_ not in self._library.current:
                    raise UsageError(f"{given} does not exist. Check the path.")
                gone.append(str(id_))
            elif path.is_relative_to(self.corpus) or dry_run:
                files.extend(sorted(self._files(path)))
            else:
                files.extend(self._copy_in(path))
        return files, gone

    def _files(self, path: Path) -> Iterator[Path]:
        """Yield the files below a folder (or the file itself) that should be documents; hidden ones are none."""
        if not path.is_dir():
            yield path
            return
        for file in path.rglob("*"):
            hidden = any(part.startswith((".", "~$")) for part in file.relative_to(path).parts)
            if file.is_file() and not hidden and not is_sidecar(file):
                yield file

    def _id(self, path: Path) -> str:
        relative = path.relative_to(self.corpus) if path.is_relative_to(self.corpus) else Path(ADDED_FOLDER, path.name)
        return unicodedata.normalize("NFC", relative.as_posix())

    def _copy_in(self, path: Path) -> list[Path]:
        """Copy a file or folder from outside to `added/` and return the copies; sidecars travel along."""
        root = path.parent
        copies = []
        for file in sorted(self._files(path)):
            target = self.corpus / ADDED_FOLDER / file.relative_to(root)
            copies.append(_copy_without_overwriting(file, target))
            sidecar = file.with_name(file.name + ".yaml")
            if sidecar.is_file():
                shutil.copyfile(sidecar, copies[-1].with_name(copies[-1].name + ".yaml"))
        return copies

    def _planned(self, files: Sequence[Path], gone: Sequence[str]) -> Iterator[DocumentReport]:
        for path in files:
            id_ = self._id(path)
            now = self._library.current.get(id_)
            if path.suffix.lower() not in SUPPORTED_SUFFIXES:
                yield _failure(_unsupported(id_, path))
            elif now is None:
                yield DocumentReport(id_, "added")
            else:
                yield DocumentReport(id_, "unchanged" if now.fingerprint == _fingerprint(path) else "changed")
        for id_ in gone:
            yield DocumentReport(id_, "removed")

    # ---- Doing it ----

    def _mend(self) -> None:
        """After a sync that did not complete: put into the indexes what is current, take out what is not."""
        complete = self._library.fact("sync") == "complete"
        self._library.remember("sync", "running")
        if complete:
            return
        current = self._library.current_chunk_ids()
        listed_words, listed_vectors = self._index.lexical.ids(), self._index.vectors.ids()
        self._index.remove(sorted((listed_words | listed_vectors) - current))
        missing = sorted(current - listed_words)
        self._index.add_words(self._library.chunks(missing).values())
        self._index.commit_words()
        for id_, now in self._library.current.items():
            chunk_ids = {chunk.id for chunk in self._library.chunks_of(id_, now.version)}
            if now.embedded and not chunk_ids <= listed_vectors:
                self._library.mark_not_embedded(id_)

    def _remove(self, document_id: str) -> DocumentReport:
        version = self._library.current[document_id].version
        self._library.remove(document_id)
        self._index.remove([chunk.id for chunk in self._library.chunks_of(document_id, version)])
        self._index.commit_words()
        return DocumentReport(document_id, "removed")

    def _load_all(self, files: Sequence[Path], embedding: _Embedding) -> Iterator[DocumentReport]:
        """Load files one by one; what was read since the last commit becomes current with the next one."""
        pending: list[tuple[Document, list[Chunk], str, DocumentReport]] = []
        committed = time.perf_counter()
        for path in files:
            outcome = self._load(path)
            if isinstance(outcome, DocumentReport):
                yield outcome
                continue
            pending.append(outcome)
            if time.perf_counter() - committed >= COMMIT_SECONDS:
                yield from self._publish(pending, embedding)
                pending, committed = [], time.perf_counter()
        yield from self._publish(pending, embedding)

    def _load(self, path: Path) -> DocumentReport | tuple[Document, list[Chunk], str, DocumentReport]:
        """Return a finished report (unchanged, failed), or a document written to the library and the word index."""
        id_ = self._id(path)
        now = self._library.current.get(id_)
        try:
            if path.suffix.lower() not in SUPPORTED_SUFFIXES:
                raise _unsupported(id_, path)
            fingerprint = _fingerprint(path)
            if now is not None and now.fingerprint == fingerprint:
                return self._unchanged(id_, now.version)
            document = self._worker.load(path, id_)
            original = self._keep_original(path)
        except (LoadError, OSError) as error:
            return self._failed(id_, error)
        chunks = chunk_document(document, self._embedder.count_tokens, max_tokens=self._chunk_tokens)
        if now is not None and now.version == document.version:
            self._library.make_current(id_, now.version, fingerprint)
            return self._unchanged(id_, now.version)
        self._library.store(document, chunks, fingerprint=fingerprint, original=original)
        self._index.add_words(chunks)
        report = _report(document, len(chunks), "added" if now is None else "changed")
        return document, chunks, fingerprint, report

    def _unchanged(self, id_: str, version: str) -> DocumentReport:
        document = self._library.document(id_, version)
        assert document is not None
        return _report(document, len(self._library.chunks_of(id_, version)), "unchanged")

    def _failed(self, id_: str, error: LoadError | OSError) -> DocumentReport:
        if isinstance(error, LoadError):
            report = _failure(error)
        else:
            reason = f"the file cannot be read ({error.strerror or error})"
            report = DocumentReport(id_, "failed", reason=reason, remedy="Check its permissions and try again.")
        if id_ in self._library.current:
            return replace(report, notices=("The version of before still answers.",))
        return report

    def _publish(
        self, pending: Sequence[tuple[Document, list[Chunk], str, DocumentReport]], embedding: _Embedding
    ) -> Iterator[DocumentReport]:
        """Commit the words, check that they are found, make the versions current, then let the old ones leave."""
        if not pending:
            return
        self._index.commit_words()
        stale: list[str] = []
        for document, chunks, fingerprint, report in pending:
            lost = [chunk.id for chunk in chunks if not self._index.lexical.holds(chunk.id)]
            if lost:
                reason, remedy = "the word index does not find it again", "Run: python ingest.py --rebuild"
                yield DocumentReport(document.id, "failed", reason=reason, remedy=remedy)
                continue
            before = self._library.current.get(document.id)
            self._library.make_current(document.id, document.version, fingerprint)
            if before is not None and before.version != document.version:
                stale.extend(chunk.id for chunk in self._library.chunks_of(document.id, before.version))
            embedding.add(document.id, document.version, chunks)
            yield report
        if stale:
            self._index.remove(stale)
            self._index.commit_words()

    def _keep_original(self, path: Path) -> str:
        """Keep a copy of the file under the hash of its bytes and return its name inside the originals folder."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        name = f"{digest[:2]}/{digest}{path.suffix.lower()}"
        target = self._data / ORIGINALS_FOLDER / name
        if target.is_file():
            return name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(".part")
            temporary.write_bytes(content)
            temporary.rename(target)
        except OSError as error:
            raise DataFolderError(
                f"The data folder {self._data} cannot be written ({error.strerror or error}). "
                "Make room or make it writable, then run the ingest again; nothing was lost."
            ) from error
        return name

    # ---- Rebuilding ----

    def restore_vectors(self, progress: Progress = lambda event: None) -> None:
        """Add the vectors of all current documents that the vector index lost; known texts are not embedded again."""
        embedding = _Embedding(self._library, self._index, self._embedder, self._bulk, self._embedder_is_warm)
        embedding.add_waiting()
        embedding.finish(progress)

    def rebuild(self, progress: Progress = lambda event: None) -> IngestReport:
        """Build both indexes anew from the library, beside the old ones, and switch.

        Documents are cut into chunks again, so that another model or chunking takes effect; texts that this model has
        embedded before are not embedded again.
        """
        started = time.perf_counter()
        self._library.remember("sync", "running")
        reports: list[DocumentReport] = []
        self._index.start_generation()
        embedding = _Embedding(self._library, self._index, self._embedder, self._bulk, self._embedder_is_warm)
        self._library.mark_nothing_embedded()
        for id_, now in self._library.current.items():
            document = self._library.document(id_, now.version)
            assert document is not None
            chunks = chunk_document(document, self._embedder.count_tokens, max_tokens=self._chunk_tokens)
            original = self._library.original(id_, now.version) or ""
            self._library.store(document, chunks, fingerprint=now.fingerprint, original=original)
            self._index.add_words(chunks)
            embedding.add(id_, now.version, chunks)
            reports.append(_report(document, len(chunks), "unchanged"))
        self._index.commit_words()
        embedding.finish(progress)
        self._index.finish_generation()
        self._library.remember("sync", "complete")
        return IngestReport(tuple(reports), time.perf_counter() - started, embedding.count)


class _Embedding:
    """The vectors of documents that are current by words: asked for as documents come in, added as vectors arrive."""

    def __init__(
        self,
        library: Library,
        index: Index,
        embedder: Embedder,
        bulk: BulkEmbedder,
        embedder_is_warm: Callable[[], bool],
    ) -> None:
        self._library = library
        self._index = index
        self._embedder = embedder
        self._bulk = bulk
        self._embedder_is_warm = embedder_is_warm
        self._open = _Batch()
        self._jobs: list[tuple[_Batch, list[str], Future[Vectors]]] = []
        self._asked: set[str] = set()
        self.count = 0

    def add(self, document_id: str, version: str, chunks: Sequence[Chunk]) -> None:
        """Ask for a document's vectors; known texts cost nothing."""
        self._open.documents.append((document_id, version))
        self._open.chunks.extend(chunks)
        if len(self._open.chunks) >= EMBED_BATCH:
            self._submit()

    def add_waiting(self) -> None:
        """Ask for the vectors of current documents that an earlier run left without."""
        asked = {document for batch, _, _ in self._jobs for document in batch.documents} | set(self._open.documents)
        for id_, now in self._library.current.items():
            if not now.embedded and (id_, now.version) not in asked:
                self.add(id_, now.version, self._library.chunks_of(id_, now.version))

    def _submit(self) -> None:
        batch, self._open = self._open, _Batch()
        hashes = list(dict.fromkeys(chunk.content_hash for chunk in batch.chunks))
        known = self._library.vectors(self._embedder.key, hashes)
        missing = [hash_ for hash_ in hashes if hash_ not in known and hash_ not in self._asked]
        self._asked.update(missing)
        texts = {chunk.content_hash: chunk.index_text for chunk in batch.chunks}
        self._jobs.append((batch, missing, self._embed([texts[hash_] for hash_ in missing])))

    def _embed(self, texts: Sequence[str]) -> Future[Vectors]:
        here = not texts or (len(texts) <= EMBED_HERE_AT_MOST and self._embedder_is_warm())
        if not here:
            return self._bulk.submit(texts)
        done: Future[Vectors] = Future()
        done.set_result(self._embedder.embed(texts))
        return done

    def finish(self, progress: Progress) -> None:
        """Wait for all vectors, keep them in the library and make them searchable, batch by batch."""
        if self._open.documents:
            self._submit()
        total = sum(len(missing) for _, missing, _ in self._jobs)
        for batch, missing, job in self._jobs:
            vectors = job.result()
            self._library.store_vectors(self._embedder.key, zip(missing, vectors, strict=True))
            self.count += len(missing)
            self._make_searchable(batch)
            progress({"embedded": self.count, "to_embed": total})

    def _make_searchable(self, batch: _Batch) -> None:
        hashes = list(dict.fromkeys(chunk.content_hash for chunk in batch.chunks))
        self._index.add_vectors(batch.chunks, self._library.vectors(self._embedder.key, hashes))
        for document_id, version in batch.documents:
            self._library.mark_embedded(document_id, version)


def _fingerprint(path: Path) -> str:
    """Return the hash over file bytes, sidecar and loader version that tells whether a file must be read again."""
    digest = hashlib.sha256(LOADER_VERSION.encode())
    for file in (path, path.with_name(path.name + ".yaml")):
        digest.update(hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b"-")
    return digest.hexdigest()


def _copy_without_overwriting(source: Path, target: Path) -> Path:
    """Copy a file and return where it stands; another file of that name is kept, and the copy gets a number."""
    content = source.read_bytes()
    candidate, number = target, 2
    while candidate.exists():
        if candidate.is_file() and candidate.read_bytes() == content:
            return candidate
        candidate = target.with_name(f"{target.stem}-{number}{target.suffix}")
        number += 1
    candidate.parent.mkdir(parents=True, exist_ok=True)
    temporary = candidate.with_name(f".{candidate.name}.part")
    temporary.write_bytes(content)
    temporary.rename(candidate)
    return candidate


def _unsupported(id_: str, path: Path) -> UnsupportedFormat:
    known = ", ".join(sorted(SUPPORTED_SUFFIXES))
    return UnsupportedFormat(
        id_, f"files of type {path.suffix or '(none)'} are not read", f"Convert it to one of {known}, or take it out."
    )


def _failure(error: LoadError) -> DocumentReport:
    return DocumentReport(error.document, "failed", reason=error.reason, remedy=error.remedy)


def _report(document: Document, chunks: int, change: Any) -> DocumentReport:
    pages = len(document.pages) or None
    ends = [*document.pages[1:], len(document.text)]
    filled = (
        sum(bool(document.text[start:end].strip()) for start, end in zip(document.pages, ends, strict=True))
        if pages
        else None
    )
    return DocumentReport(
        document.id,
        change,
        chunks=chunks,
        pages=pages,
        searchable_pages=filled,
        language=document.sections[0].language,
        notices=document.notices,
    )
