"""One folder kept in step with the library, as a straight line: compare, load, chunk, index, verify, report.

A bad file is a line in the report. A new version is written and found again before one transaction makes it current,
and only then does the old one leave the indexes; killed anywhere, the next sync mends what was left.
"""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from assistant.documents.chunking import chunk_document
from assistant.documents.worker import ParsingWorker
from assistant.domain import Chunk, Document, DocumentReport, IngestReport, version_of
from assistant.errors import AssistantError, DamagedFile, DataFolderError, LoadError, ModelUnavailable
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import Embedder, Vectors
from assistant.index.index import Index
from assistant.index.sentence_vectors import SentenceVectors
from assistant.ingest.folder import CorpusFile, CorpusFolder, Selection, fingerprint
from assistant.store.library import CurrentVersion, Library

logger = logging.getLogger(__name__)

ORIGINALS_FOLDER = "originals"
# What was read becomes findable by words at least this often, also while a slow file is being read.
COMMIT_SECONDS = 1.0
# Texts per job of the embedding worker: enough to sort by length, few enough to show progress.
EMBED_BATCH = 256
# Up to so many texts are embedded in this process when its model is at hand: starting a worker would take longer.
EMBED_HERE_AT_MOST = 160
# Embedded here at once; a question that comes in meanwhile waits no longer than that.
EMBED_HERE_BATCH = 16
# A file that is written while it is read is read again so often.
READ_ATTEMPTS = 3
_UNPUBLISHED = "It is unpublished: kept, and not searched."

Progress = Callable[[Mapping[str, Any]], None]


@dataclass
class _Batch:
    """Documents whose texts are embedded in one job."""

    documents: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read: what it holds, its fingerprint, and where its original is kept."""

    document: Document
    fingerprint: str
    original: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """A version that is written, and becomes current once its words are found again."""

    document: Document
    chunks: list[Chunk]
    fingerprint: str
    report: DocumentReport


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
        sentences: SentenceVectors,
        bulk: BulkEmbedder,
        worker: ParsingWorker,
        chunk_tokens: int,
        embedder_is_at_hand: Callable[[], bool],
    ) -> None:
        self.corpus = corpus
        self._folder = CorpusFolder(corpus, data=data)
        self._data = data
        self._library = library
        self._index = index
        self._embedder = embedder
        self._sentences = sentences
        self._bulk = bulk
        self._worker = worker
        self._chunk_tokens = min(chunk_tokens, embedder.max_tokens)
        self._embedder_is_at_hand = embedder_is_at_hand
        self._stopped = threading.Event()

    def sync(
        self, paths: Sequence[Path] = (), *, dry_run: bool = False, progress: Progress = lambda event: None
    ) -> IngestReport:
        """Bring documents in, up to date, or out.

        Without paths the whole corpus is compared and documents whose file is gone are removed. A path inside the
        corpus stands for itself alone; a file or folder outside is first copied to `added/`, never over another file.

        Raises:
            UsageError: A path does not exist, or the corpus folder does not.
            AssistantError: It was stopped midway; the next sync goes on.
        """
        started = time.perf_counter()
        selection = self._folder.select(paths, self._library.known, copy=not dry_run)
        if dry_run:
            return plan(selection, self._library.known)
        self._mend()
        reports = self._remove(selection.gone)
        embedding = self._embedding()
        try:
            for report in self._load_all(selection.files, embedding):
                reports.append(report)
                total = len(selection.files) + len(selection.gone)
                progress({**report.to_dict(), "done": len(reports), "total": total})
            embedding.add_waiting()
            embedding.finish(progress)
        finally:
            embedding.cancel()
        self._library.remember("sync", "complete")
        return IngestReport(tuple(reports), time.perf_counter() - started, embedding.count)

    def take_out(self, document_ids: Sequence[str]) -> None:
        """Let documents answer no more, whether their files are gone or not; the next sync looks at the files."""
        self._remove(document_ids)

    def stop(self) -> None:
        """Let a sync that runs in another thread end soon, with an error that says so; for good."""
        self._stopped.set()
        self._stop_reading()

    def _stop_reading(self) -> None:
        pid = self._worker.pid
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)  # our own child, which may be at one file for a minute
            except ProcessLookupError:
                pass

    def _check_not_stopped(self) -> None:
        if self._stopped.is_set():
            raise AssistantError(
                "The work was stopped before it was done. Run the same command again; nothing is lost."
            )

    def _embedding(self, *, rebuilding: bool = False) -> _Embedding:
        return _Embedding(
            self._library,
            self._index,
            self._embedder,
            self._sentences,
            self._bulk,
            self._embedder_is_at_hand,
            self._check_not_stopped,
            rebuilding=rebuilding,
        )

    # ---- Mending ----

    def _mend(self) -> None:
        """After a sync that did not complete: put into the indexes what is current, take out what is not."""
        complete = self._library.fact("sync") == "complete"
        self._library.remember("sync", "running")
        if complete:
            return
        self._index.commit_words()  # what a failed sync has written and not committed is listed, too
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

    def restore_words(self) -> None:
        """Add the words of all current documents that the word index lost."""
        self._library.remember("sync", "running")
        self._mend()

    def restore_vectors(self, progress: Progress = lambda event: None) -> None:
        """Add the vectors of all current documents that the vector index lost; known texts are not embedded again."""
        embedding = self._embedding()
        embedding.add_waiting()
        embedding.finish(progress)

    # ---- Doing it ----

    def _remove(self, gone: Sequence[str]) -> list[DocumentReport]:
        """Let documents answer no more, then take them out of the indexes."""
        chunk_ids: list[str] = []
        for document_id in gone:
            chunk_ids.extend(self._searched_chunk_ids(document_id))
            self._library.remove(document_id)
        if chunk_ids:
            self._index.remove(chunk_ids)
            self._index.commit_words()
        return [DocumentReport(document_id, "removed") for document_id in gone]

    def _searched_chunk_ids(self, document_id: str) -> list[str]:
        now = self._library.current.get(document_id)
        return [chunk.id for chunk in self._library.chunks_of(document_id, now.version)] if now else []

    def _load_all(self, files: Sequence[CorpusFile], embedding: _Embedding) -> Iterator[DocumentReport]:
        """Load files one by one; what was read since the last commit becomes current with the next one.

        Reading runs beside, so that a file that takes long keeps no other from being found.
        """
        pending: list[_Pending] = []
        committed = time.perf_counter()
        reader = ThreadPoolExecutor(1, thread_name_prefix="reading")
        try:
            for file in files:
                self._check_not_stopped()
                reading = reader.submit(self._read, file)
                while True:
                    left = max(0.0, committed + COMMIT_SECONDS - time.perf_counter()) if pending else None
                    if wait([reading], timeout=left).done:
                        break
                    yield from self._publish(pending, embedding)
                    pending, committed = [], time.perf_counter()
                read = reading.result()
                self._check_not_stopped()
                outcome = self._write(read) if isinstance(read, _Read) else read
                if isinstance(outcome, DocumentReport):
                    yield outcome
                    continue
                pending.append(outcome)
                if time.perf_counter() - committed >= COMMIT_SECONDS:
                    yield from self._publish(pending, embedding)
                    pending, committed = [], time.perf_counter()
            yield from self._publish(pending, embedding)
        except BaseException:
            self._stop_reading()  # nobody waits for a slow file after Ctrl-C
            raise
        finally:
            reader.shutdown(cancel_futures=True)

    def _read(self, file: CorpusFile) -> DocumentReport | _Read:
        """Return what a file holds, or a finished report (unchanged, failed)."""
        id_ = file.document_id
        now = self._library.known.get(id_)
        try:
            if file.problem is not None:
                raise file.problem
            for _ in range(READ_ATTEMPTS):
                print_ = fingerprint(file.path)
                if now is not None and now.fingerprint == print_:
                    return self._unchanged(id_, now.version)
                document = self._worker.load(file.path, id_)
                content = file.path.read_bytes()
                if version_of(content, document.metadata, document.text) == document.version:
                    return _Read(document, print_, keep_original(self._data, content, file.path.suffix.lower()))
            raise DamagedFile(id_, "changed while it was read", "Wait until it is written, then run the ingest again")
        except (LoadError, OSError) as error:
            return self._failed(id_, error)

    def _write(self, read: _Read) -> DocumentReport | _Pending:
        """Write a new version to the library and its words to the index; a report when the words did not change."""
        document, print_ = read.document, read.fingerprint
        if document.metadata.unpublished is not None:
            return self._rest(read)
        now = self._library.current.get(document.id)
        if now is not None and now.version == document.version:
            self._library.make_current(document.id, now.version, print_)
            return self._unchanged(document.id, now.version)
        chunks = chunk_document(document, self._embedder.count_tokens, max_tokens=self._chunk_tokens)
        self._library.store(document, chunks, fingerprint=print_, original=read.original)
        self._index.add_words(chunks)
        report = _report(document, len(chunks), "added" if now is None else "changed")
        return _Pending(document, chunks, print_, report)

    def _rest(self, read: _Read) -> DocumentReport:
        """Keep a version that staff do not want to be searched; one that was searched until now leaves the indexes."""
        document = read.document
        chunks = chunk_document(document, self._embedder.count_tokens, max_tokens=self._chunk_tokens)
        searched = self._searched_chunk_ids(document.id)
        self._library.store(document, chunks, fingerprint=read.fingerprint, original=read.original)
        self._library.rest(document.id, document.version, read.fingerprint)
        if searched:
            self._index.remove(searched)
            self._index.commit_words()
        return replace(_report(document, 0, "removed" if searched else "unchanged"), notices=(_UNPUBLISHED,))

    def _unchanged(self, id_: str, version: str) -> DocumentReport:
        document = self._library.document(id_, version)
        assert document is not None
        if id_ in self._library.resting:
            return replace(_report(document, 0, "unchanged"), notices=(_UNPUBLISHED,))
        return _report(document, len(self._library.chunks_of(id_, version)), "unchanged")

    def _failed(self, id_: str, error: LoadError | OSError) -> DocumentReport:
        report = _failure(id_, error)
        if id_ in self._library.current:
            return replace(report, notices=("The version of before still answers.",))
        return report

    def _publish(self, pending: Sequence[_Pending], embedding: _Embedding) -> Iterator[DocumentReport]:
        """Commit the words, check that they are found, make the versions current, then let the old ones leave."""
        if not pending:
            return
        self._index.commit_words()
        stale: list[str] = []
        reports: list[DocumentReport] = []
        for new in pending:
            document = new.document
            if any(not self._index.lexical.holds(chunk.id) for chunk in new.chunks):
                reason, remedy = "the word index does not find it again", "Run: python ingest.py --rebuild"
                reports.append(DocumentReport(document.id, "failed", reason=reason, remedy=remedy))
                continue
            before = self._library.current.get(document.id)
            self._library.make_current(document.id, document.version, new.fingerprint)
            if before is not None and before.version != document.version:
                stale.extend(chunk.id for chunk in self._library.chunks_of(document.id, before.version))
            reports.append(new.report)
        if stale:
            self._index.remove(stale)
            self._index.commit_words()
        for new, report in zip(pending, reports, strict=True):
            if report.change != "failed":
                embedding.add(new.document.id, new.document.version, new.chunks)
            yield report

    # ---- Rebuilding ----

    def rebuild(self, manifest: str, progress: Progress = lambda event: None) -> IngestReport:
        """Build both indexes anew from the library, beside the old ones, which answer until the switch.

        Documents are cut into chunks again, so that another model or chunking takes effect; texts that this model has
        embedded before are not embedded again. Indexes, chunks and manifest change in one transaction.

        Args:
            manifest: What the indexes are now built with.
        """
        started = time.perf_counter()
        current = self._library.current
        reports: list[DocumentReport] = []
        written: dict[str, list[Chunk]] = {}
        embedding = self._embedding(rebuilding=True)
        try:
            with self._index.building():
                for id_, now in current.items():
                    self._check_not_stopped()
                    document = self._library.document(id_, now.version)
                    assert document is not None
                    written[id_] = chunk_document(document, self._embedder.count_tokens, max_tokens=self._chunk_tokens)
                    self._index.add_words(written[id_])
                    embedding.add(id_, now.version, written[id_])
                    reports.append(_report(document, len(written[id_]), "unchanged"))
                self._index.commit_words()
                embedding.finish(progress)
                self._index.switch(written, manifest)
        finally:
            embedding.cancel()
        self._library.remember("sync", "complete")
        return IngestReport(tuple(reports), time.perf_counter() - started, embedding.count)


class _Embedding:
    """The vectors of documents that are current by words: asked for as documents come in, added as vectors arrive."""

    def __init__(
        self,
        library: Library,
        index: Index,
        embedder: Embedder,
        sentences: SentenceVectors,
        bulk: BulkEmbedder,
        embedder_is_at_hand: Callable[[], bool],
        check_not_stopped: Callable[[], None],
        *,
        rebuilding: bool,
    ) -> None:
        self._library = library
        self._index = index
        self._embedder = embedder
        self._sentences = sentences
        self._bulk = bulk
        self._embedder_is_at_hand = embedder_is_at_hand
        self._check_not_stopped = check_not_stopped
        self._rebuilding = rebuilding
        self._open = _Batch()
        # Each with the hashes of the chunks and of the sentences that it embeds, in this order.
        self._jobs: deque[tuple[_Batch, list[str], list[str], Future[Vectors]]] = deque()
        self._asked: set[str] = set()
        self._waiting_for = 0
        self.count = 0

    def add(self, document_id: str, version: str, chunks: Sequence[Chunk]) -> None:
        """Ask for a document's vectors; known texts cost nothing."""
        self._open.documents.append((document_id, version))
        self._open.chunks.extend(chunks)
        if len(self._open.chunks) >= EMBED_BATCH:
            self._submit()
        # A job that failed is raised by `finish`, when all documents are in by their words.
        while self._jobs and self._jobs[0][-1].done() and self._jobs[0][-1].exception() is None:
            self._finish_first()

    def add_waiting(self) -> None:
        """Ask for the vectors of current documents that an earlier run left without."""
        asked = {document for batch, *_ in self._jobs for document in batch.documents} | set(self._open.documents)
        for id_, now in self._library.current.items():
            if not now.embedded and (id_, now.version) not in asked:
                self.add(id_, now.version, self._library.chunks_of(id_, now.version))

    def _submit(self) -> None:
        batch, self._open = self._open, _Batch()
        hashes = list(dict.fromkeys(chunk.content_hash for chunk in batch.chunks))
        known = self._library.vectors(self._embedder.key, hashes)
        missing = [hash_ for hash_ in hashes if hash_ not in known and hash_ not in self._asked]
        sentences = {
            hash_: text for hash_, text in self._sentences.missing(batch.chunks).items() if hash_ not in self._asked
        }
        self._asked.update(missing, sentences)
        self._waiting_for += len(missing)
        texts = {chunk.content_hash: chunk.index_text for chunk in batch.chunks}
        job = self._embed([*(texts[hash_] for hash_ in missing), *sentences.values()])
        self._jobs.append((batch, missing, list(sentences), job))

    def _embed(self, texts: Sequence[str]) -> Future[Vectors]:
        done: Future[Vectors] = Future()
        if not texts:
            done.set_result(np.zeros((0, 0), dtype=np.float32))
        elif len(texts) <= EMBED_HERE_AT_MOST and self._embedder_is_at_hand():
            try:
                done.set_result(np.concatenate(list(self._embed_here(texts))))
            except ModelUnavailable as error:  # raised by `finish`, as the worker's is
                done.set_exception(error)
        else:
            return self._bulk.submit(texts)
        return done

    def _embed_here(self, texts: Sequence[str]) -> Iterator[Vectors]:
        for start in range(0, len(texts), EMBED_HERE_BATCH):
            self._check_not_stopped()
            yield self._embedder.embed(texts[start : start + EMBED_HERE_BATCH])
            time.sleep(0.001)  # a waiting question takes the model first

    def finish(self, progress: Progress) -> None:
        """Wait for all vectors, keep them in the library and make them searchable, batch by batch."""
        if self._open.documents:
            self._submit()
        while self._jobs:
            self._finish_first()
            if self._waiting_for:
                progress({"embedded": self.count, "to_embed": self._waiting_for})

    def _finish_first(self) -> None:
        batch, missing, sentences, job = self._jobs[0]
        try:
            vectors = job.result()
        finally:
            self._check_not_stopped()
        self._library.store_vectors(self._embedder.key, zip(missing, vectors[: len(missing)], strict=True))
        self._sentences.store(zip(sentences, vectors[len(missing) :], strict=True))
        self._jobs.popleft()
        self.count += len(missing)
        hashes = list(dict.fromkeys(chunk.content_hash for chunk in batch.chunks))
        self._index.add_vectors(batch.chunks, self._library.vectors(self._embedder.key, hashes))
        if not self._rebuilding:  # a rebuild notes all of them in one transaction, when it switches
            for document_id, version in batch.documents:
                self._library.mark_embedded(document_id, version)

    def cancel(self) -> None:
        """Drop the jobs that nobody waits for any more; none is left after `finish`."""
        for *_, job in self._jobs:
            job.cancel()


def keep_original(data: Path, content: bytes, suffix: str) -> str:
    """Keep a copy of a file under the hash of its bytes and return its name inside the originals folder.

    Raises:
        DataFolderError: It cannot be written.
    """
    digest = hashlib.sha256(content).hexdigest()
    name = f"{digest[:2]}/{digest}{suffix}"
    target = data / ORIGINALS_FOLDER / name
    if target.is_file():
        return name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".part")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # after a power cut the name must not stand for half of it
        temporary.rename(target)
    except OSError as error:
        raise DataFolderError(
            f"The data folder {data} cannot be written ({error.strerror or error}). "
            "Make room or make it writable, then run the ingest again; nothing was lost."
        ) from error
    return name


def plan(selection: Selection, current: Mapping[str, CurrentVersion]) -> IngestReport:
    """Return what a sync would do, by comparing files with the library; nothing is read into it."""
    started = time.perf_counter()
    reports = [_planned(file, current.get(file.document_id)) for file in selection.files]
    reports.extend(DocumentReport(id_, "removed") for id_ in selection.gone)
    return IngestReport(tuple(reports), time.perf_counter() - started)


def _planned(file: CorpusFile, now: CurrentVersion | None) -> DocumentReport:
    if file.problem is not None:
        return _failure(file.document_id, file.problem)
    try:
        same = now is not None and now.fingerprint == fingerprint(file.path)
    except OSError as error:
        return _failure(file.document_id, error)
    return DocumentReport(file.document_id, "added" if now is None else "unchanged" if same else "changed")


def _failure(id_: str, error: LoadError | OSError) -> DocumentReport:
    if isinstance(error, LoadError):
        return DocumentReport(error.document, "failed", reason=error.reason, remedy=error.remedy)
    reason = f"cannot be read ({error.strerror or error})"
    return DocumentReport(id_, "failed", reason=reason, remedy="Check its permissions and try again")


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
