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
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from assistant.documents.chunking import CountTokens, chunk_document
from assistant.documents.worker import ParsingWorker
from assistant.domain import Chunk, Document, DocumentReport, IngestReport, version_of
from assistant.errors import AssistantError, DamagedFile, DataFolderError, LoadError, ModelUnavailable, VectorsAway
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import Embedder, Vectors
from assistant.index.index import Index
from assistant.index.sentence_vectors import SentenceVectors
from assistant.ingest.folder import CorpusFile, CorpusFolder, Selection, fingerprint
from assistant.ingest.pace import Pace, load_of
from assistant.store.library import EMBEDDED_BY, CurrentVersion, Library

logger = logging.getLogger(__name__)

ORIGINALS_FOLDER = "originals"
# What was read becomes findable by words at least this often, also while a slow file is being read.
COMMIT_SECONDS = 1.0
# Passages per job of the embedding worker, with their sentences: enough to sort by length. A worker that has nothing to
# do gets what there is.
EMBED_BATCH = 256
# Up to so many texts are embedded in this process when its model is at hand: starting a worker would take longer.
EMBED_HERE_AT_MOST = 160
# Embedded here at once; a question that comes in meanwhile waits no longer than that.
EMBED_HERE_BATCH = 16
# Files that are read while others are written to the library and the index.
READ_AHEAD = 2
# While vectors are made, progress is told so often.
PROGRESS_SECONDS = 1.0
# A file that is written while it is read is read again so often.
READ_ATTEMPTS = 3
_UNPUBLISHED = "It is unpublished: kept, and not searched."

Progress = Callable[[Mapping[str, Any]], None]


@dataclass
class _Batch:
    """Documents whose texts are embedded in one job: those of chunks and of sentences, by the hash of the text."""

    documents: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    passages: dict[str, str] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> list[str]:
        """What is embedded: passages first."""
        return [*self.passages.values(), *self.sentences.values()]


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read: what it holds, its fingerprint, and where its original is kept."""

    document: Document
    fingerprint: str
    original: str


@dataclass(frozen=True, slots=True)
class _Compared:
    """A file and what the library has of it.

    Attributes:
        unchanged: The version that is in, where file, metadata and loader are those that it was read from.
        size: In bytes; 0 for an unchanged file, which is not read.
    """

    file: CorpusFile
    known: CurrentVersion | None
    unchanged: str | None
    size: int

    @property
    def kind(self) -> str:
        """Files of one kind give about as much text for a byte."""
        return self.file.path.suffix.lower()


@dataclass(frozen=True, slots=True)
class _Pending:
    """A version that is written, and becomes current once its words are found again."""

    compared: _Compared
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
            VectorsAway: The server of the vectors was away; all documents are in by their words.
        """
        started = time.perf_counter()
        selection = self._folder.select(paths, self._library.known, copy=not dry_run)
        if dry_run:
            return plan(selection, self._library.known)
        away = self._mend()
        reports = self._remove(selection.gone)
        embedding = self._embedding()
        try:
            for report in self._load_all(self._compare(selection.files), embedding):
                reports.append(report)
                total = len(selection.files) + len(selection.gone)
                done = {"done": len(reports), "total": total, "seconds_left": embedding.seconds_left()}
                progress({**report.to_dict(), **done})
            embedding.add_waiting()
            embedding.finish(progress)
        finally:
            embedding.cancel()
        if away is not None:
            raise away
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

    def _mend(self) -> VectorsAway | None:
        """After a sync that did not complete: put into the indexes what is current, take out what is not.

        Returns why only the words were mended, where the server of the vectors is away.
        """
        complete = self._library.fact("sync") == "complete"
        self._library.remember("sync", "running")
        if complete:
            return None
        self._index.commit_words()  # what a failed sync has written and not committed is listed, too
        current = self._library.current_chunk_ids()
        listed_words, listed_vectors, away = self._index.lexical.ids(), set[str](), None
        try:
            listed_vectors = self._index.vectors.ids()
        except VectorsAway as error:
            away = error
        self._index.remove(sorted((listed_words | listed_vectors) - current))
        missing = sorted(current - listed_words)
        self._index.add_words(self._library.chunks(missing).values())
        self._index.commit_words()
        if away is not None:
            return away
        for id_, now in self._library.current.items():
            chunk_ids = {chunk.id for chunk in self._library.chunks_of(id_, now.version)}
            if now.embedded and not chunk_ids <= listed_vectors:
                self._library.mark_not_embedded(id_)
        return None

    def restore_words(self) -> None:
        """Add the words of all current documents that the word index lost."""
        self._library.remember("sync", "running")
        away = self._mend()
        if away is not None:
            raise away

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

    def _compare(self, files: Sequence[CorpusFile]) -> list[_Compared]:
        """Find out which files must be read, and how large they are."""
        known = self._library.known
        compared = []
        for file in files:
            self._check_not_stopped()
            now, unchanged, size = known.get(file.document_id), None, 0
            if file.problem is None:
                try:
                    if now is not None and now.fingerprint == fingerprint(file.path):
                        unchanged = now.version
                    else:
                        size = file.path.stat().st_size
                except OSError:
                    pass  # who reads it says why
            compared.append(_Compared(file, now, unchanged, size))
        return compared

    def _load_all(self, files: Sequence[_Compared], embedding: _Embedding) -> Iterator[DocumentReport]:
        """Load files one by one; what was read since the last commit becomes current with the next one.

        Reading runs beside and a little ahead, so that a file that takes long keeps no other from being found.
        """
        embedding.will_read(files)
        pending: list[_Pending] = []
        committed = time.perf_counter()
        reader = ThreadPoolExecutor(1, thread_name_prefix="reading")
        to_read = iter([each for each in files if each.unchanged is None])
        ahead = deque((each, reader.submit(self._read, each)) for each in islice(to_read, READ_AHEAD))
        try:
            for file in files:
                self._check_not_stopped()
                if file.unchanged is not None:
                    yield self._unchanged(file.file.document_id, file.unchanged)
            while ahead:
                self._check_not_stopped()
                file, reading = ahead.popleft()
                while True:
                    left = max(0.0, committed + COMMIT_SECONDS - time.perf_counter()) if pending else None
                    if wait([reading], timeout=left).done:
                        break
                    yield from self._publish(pending, embedding)
                    pending, committed = [], time.perf_counter()
                ahead.extend((each, reader.submit(self._read, each)) for each in islice(to_read, 1))
                read = reading.result()
                self._check_not_stopped()
                outcome = self._write(file, read) if isinstance(read, _Read) else read
                if isinstance(outcome, DocumentReport):
                    embedding.has_read(file)
                    yield outcome
                    continue
                embedding.expect()
                pending.append(outcome)
                if time.perf_counter() - committed >= COMMIT_SECONDS:
                    yield from self._publish(pending, embedding)
                    pending, committed = [], time.perf_counter()
            yield from self._publish(pending, embedding)
        except BaseException:
            for _, reading in ahead:
                reading.cancel()
            self._stop_reading()  # nobody waits for a slow file after Ctrl-C
            raise
        finally:
            reader.shutdown(cancel_futures=True)

    def _read(self, compared: _Compared) -> DocumentReport | _Read:
        """Return what a file holds, or a finished report (unchanged, failed)."""
        file, now = compared.file, compared.known
        id_ = file.document_id
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

    def _write(self, compared: _Compared, read: _Read) -> DocumentReport | _Pending:
        """Write a new version to the library and its words to the index; a report when the words did not change."""
        document, print_ = read.document, read.fingerprint
        if document.metadata.unpublished is not None:
            return self._rest(read)
        now = self._library.current.get(document.id)
        if now is not None and now.version == document.version:
            self._library.make_current(document.id, now.version, print_)
            return self._unchanged(document.id, now.version)
        chunks = self._chunks(document)
        self._library.store(document, chunks, fingerprint=print_, original=read.original)
        self._index.add_words(chunks)
        report = _report(document, len(chunks), "added" if now is None else "changed")
        return _Pending(compared, document, chunks, print_, report)

    def _chunks(self, document: Document) -> list[Chunk]:
        return chunk_document(document, _counting_once(self._embedder.count_tokens), max_tokens=self._chunk_tokens)

    def _rest(self, read: _Read) -> DocumentReport:
        """Keep a version that staff do not want to be searched; one that was searched until now leaves the indexes."""
        document = read.document
        chunks = self._chunks(document)
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
        return _report(document, self._library.chunk_count_of(id_, version), "unchanged")

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
        found: list[tuple[str, str, str]] = []
        for new in pending:
            document = new.document
            if any(not self._index.lexical.holds(chunk.id) for chunk in new.chunks):
                reason, remedy = "the word index does not find it again", "Run: python ingest.py --rebuild"
                reports.append(DocumentReport(document.id, "failed", reason=reason, remedy=remedy))
                continue
            before = self._library.current.get(document.id)
            if before is not None and before.version != document.version:
                stale.extend(chunk.id for chunk in self._library.chunks_of(document.id, before.version))
            found.append((document.id, document.version, new.fingerprint))
            reports.append(new.report)
        self._library.make_all_current(found)
        if stale:
            self._index.remove(stale)
            self._index.commit_words()
        for new, report in zip(pending, reports, strict=True):
            load = 0
            if report.change != "failed":
                load = embedding.add(new.document.id, new.document.version, new.chunks)
            embedding.has_read(new.compared, load)
            yield report
        embedding.feed()

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
                    written[id_] = self._chunks(document)
                    self._index.add_words(written[id_])
                    embedding.will_embed(embedding.add(id_, now.version, written[id_]))
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
        self._started = False
        # Nobody needs to look for what was embedded before: whatever comes from now on is in `_asked`.
        self._all_are_new = not library.has_vectors(embedder.key)
        self._open = _Batch()
        self._jobs: deque[tuple[_Batch, Future[Vectors]]] = deque()
        self._asked: set[str] = set()
        self._waiting_for = 0
        self._pace = Pace(time.perf_counter)
        self._away: VectorsAway | None = None
        self._embedded_here = False
        self.count = 0

    # ---- How long it takes ----

    def will_read(self, files: Iterable[_Compared]) -> None:
        """Note which files are to be read."""
        sizes: Counter[str] = Counter()
        for each in files:
            sizes[each.kind] += each.size
        self._pace.will_read(sizes)

    def has_read(self, file: _Compared, load: int = 0) -> None:
        """Note that a file is read, and the load that `add` has returned for it."""
        self._pace.has_read(file.kind, file.size, load)

    def will_embed(self, load: int) -> None:
        """Note a load that `add` has returned for a document of the library."""
        self._pace.will_embed(load)

    def seconds_left(self) -> float | None:
        """Return how long reading and embedding still take; None as long as nothing tells."""
        left = self._pace.seconds_left()
        return None if left is None else round(left, 1)

    # ---- The texts and their vectors ----

    def expect(self) -> None:
        """Let the worker load its model when there will be texts for it; nothing when they can be embedded here."""
        if not (self._started or self._embedder_is_at_hand()):
            self._started = True
            self._bulk.start()

    def add(self, document_id: str, version: str, chunks: Sequence[Chunk]) -> int:
        """Ask for a document's vectors and return what they cost, see `load_of`; known texts cost nothing."""
        batch = self._open
        batch.documents.append((document_id, version))
        batch.chunks.extend(chunks)
        passages = {chunk.content_hash: chunk.index_text for chunk in chunks if chunk.content_hash not in self._asked}
        if self._all_are_new:
            sentences = self._sentences.texts(chunks)
        else:
            for known in self._library.hashes_with_vectors(self._embedder.key, list(passages)):
                del passages[known]
            sentences = self._sentences.missing(chunks)
        sentences = {hash_: text for hash_, text in sentences.items() if hash_ not in self._asked}
        self._asked.update(passages, sentences)
        self._waiting_for += len(passages)
        batch.passages |= passages
        batch.sentences |= sentences
        if len(batch.chunks) >= EMBED_BATCH:
            self._submit()
        self._keep_what_is_done()
        texts = [*passages.values(), *sentences.values()]
        return load_of(len(texts), sum(map(len, texts)))

    def feed(self) -> None:
        """Give the worker what there is, when it has nothing to do; few texts may still be embedded here."""
        self._keep_what_is_done()
        texts = len(self._open.passages) + len(self._open.sentences)
        if not self._jobs and texts and (texts > EMBED_HERE_AT_MOST or not self._embedder_is_at_hand()):
            self._submit()

    def _keep_what_is_done(self) -> None:
        # A job that failed is raised by `finish`, when all documents are in by their words.
        while self._jobs and self._jobs[0][1].done() and self._jobs[0][1].exception() is None:
            self._finish_first()

    def add_waiting(self) -> None:
        """Ask for the vectors of current documents that an earlier run left without."""
        asked = {document for batch, _ in self._jobs for document in batch.documents} | set(self._open.documents)
        for id_, now in self._library.current.items():
            if not now.embedded and (id_, now.version) not in asked:
                self.will_embed(self.add(id_, now.version, self._library.chunks_of(id_, now.version)))

    def _submit(self) -> None:
        batch, self._open = self._open, _Batch()
        self._jobs.append((batch, self._embed(batch.texts)))

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
            return self._bulk.submit(texts, self._has_embedded)
        return done

    def _has_embedded(self, texts: int, characters: int, seconds: float) -> None:
        self._pace.has_embedded(load_of(texts, characters), seconds)

    def _embed_here(self, texts: Sequence[str]) -> Iterator[Vectors]:
        for start in range(0, len(texts), EMBED_HERE_BATCH):
            self._check_not_stopped()
            batch, begun = texts[start : start + EMBED_HERE_BATCH], time.perf_counter()
            yield self._embedder.embed(batch)
            self._embedded_here = True
            self._has_embedded(len(batch), sum(map(len, batch)), time.perf_counter() - begun)
            time.sleep(0.001)  # a waiting question takes the model first

    def finish(self, progress: Progress) -> None:
        """Wait for all vectors, keep them in the library and make them searchable, batch by batch.

        Raises:
            VectorsAway: Their server was away; all else is done.
        """
        if self._open.documents:
            self._submit()
        while self._jobs:
            if wait([self._jobs[0][1]], timeout=PROGRESS_SECONDS).done:
                self._finish_first()
            self._check_not_stopped()
            if self._waiting_for:
                left = self.seconds_left()
                progress({"embedded": self.count, "to_embed": self._waiting_for, "seconds_left": left})
        if self._away is not None:
            raise self._away

    def _note_runtime(self) -> None:
        """Have the library remember what computed its vectors; number types agree nearly, not wholly."""
        used = {self._bulk.runtime_name, self._embedder.runtime_name if self._embedded_here else None} - {None}
        known = self._library.fact(EMBEDDED_BY)
        names = "; ".join(sorted({*(known.split("; ") if known else ()), *map(str, used)}))
        if names != (known or ""):
            self._library.remember(EMBEDDED_BY, names)

    def _finish_first(self) -> None:
        batch, job = self._jobs[0]
        try:
            vectors = job.result()
        finally:
            self._check_not_stopped()
        new = dict(zip(batch.passages, vectors[: len(batch.passages)], strict=True))
        self._library.store_vectors(self._embedder.key, new.items())
        self._sentences.store(zip(batch.sentences, vectors[len(batch.passages) :], strict=True))
        self._note_runtime()
        self._jobs.popleft()
        self.count += len(new)
        before = dict.fromkeys(chunk.content_hash for chunk in batch.chunks if chunk.content_hash not in new)
        known = self._library.vectors(self._embedder.key, list(before))
        try:
            self._index.add_vectors(batch.chunks, {**new, **known})
        except VectorsAway as error:
            if self._rebuilding:
                raise
            self._away = error  # kept in the library, and put where they belong by the next sync
            return
        if not self._rebuilding:  # a rebuild notes all of them in one transaction, when it switches
            self._library.mark_all_embedded(batch.documents)

    def cancel(self) -> None:
        """Drop the jobs that nobody waits for any more; none is left after `finish`."""
        for _, job in self._jobs:
            job.cancel()


def _counting_once(count_tokens: CountTokens) -> CountTokens:
    """Return the same count, which asks for no text twice: title and heading are counted with each passage."""
    known: dict[str, int] = {}

    def count(texts: Sequence[str]) -> list[int]:
        new = list(dict.fromkeys(text for text in texts if text not in known))
        known.update(zip(new, count_tokens(new), strict=True) if new else ())
        return [known[text] for text in texts]

    return count


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
