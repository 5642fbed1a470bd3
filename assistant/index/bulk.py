"""Many texts to vectors in one low-priority worker process, so that chat need not wait for an ingest.

The child has its own command line instead of `multiprocessing`'s, which would run the caller's main module again. It
returns vectors and touches no file; only the owner of the data folder writes. It has the next job before it is done
with one, and answers each in parts of texts of like length: little is padded, and how fast it goes is known early.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import BinaryIO, cast

import numpy as np

from assistant.errors import AssistantError, ModelUnavailable
from assistant.index.embedding import Embedder, ModelEmbedder, Vectors

NICENESS = 10
# Jobs that the worker holds: the one that it does and the next.
JOBS_AHEAD = 2
# A part is a multiple of so many texts, which is a multiple of any batch, and holds at least so many characters.
PART_TEXTS = 16
PART_CHARACTERS = 16_000

# Told by the thread that waits for the worker: texts of a part, their characters, and the worker's seconds for them.
PartDone = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """Some texts of a job by their places, with their vectors or why there are none."""

    job: int
    places: list[int]
    vectors: Vectors | AssistantError
    seconds: float
    runtime: str | None


@dataclass(eq=False, slots=True)
class _Job:
    """Texts on their way to vectors."""

    number: int
    texts: list[str]
    part_done: PartDone
    future: Future[Vectors] = field(default_factory=Future)
    vectors: Vectors | None = None
    left: int = 0

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for it."""
        if self.future.cancelled():
            return False
        return self.future.running() or self.future.set_running_or_notify_cancel()


class BulkEmbedder:
    """Embeds in a worker process that is started with the first job, or by `start`, and kept until `close`.

    Attributes:
        runtime_name: What computes there, with its number type, as the worker told last; None before it has embedded.
    """

    def __init__(self, model: str, *, threads: int, exports: Path | None = None) -> None:
        # The child finds the package where we found it, whatever its working directory.
        code = f"import sys; sys.path[:] = {sys.path!r}; from assistant.index.bulk import main; main()"
        self._command = [sys.executable, "-c", code, model, str(threads), *([str(exports)] if exports else [])]
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._numbered = 0
        self.runtime_name: str | None = None
        self._closed = False

    def start(self) -> None:
        """Start the worker, which loads its model; for somebody who knows that texts will come, and has none yet."""
        self.submit(())

    def submit(
        self, texts: Sequence[str], part_done: PartDone = lambda texts, characters, seconds: None
    ) -> Future[Vectors]:
        """Queue texts; the future gives one unit vector per text, or raises ModelUnavailable.

        Args:
            part_done: Told as the texts are embedded, part by part, in another thread.
        """
        with self._changed:
            self._numbered += 1
            job = _Job(self._numbered, list(texts), part_done, left=len(texts))
            if self._closed:
                job.future.cancel()
                return job.future
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="bulk-embedding", daemon=True)
                self._thread.start()
            self._changed.notify()
        return job.future

    def _work(self) -> None:
        """Keep the worker busy and hand on what it returns, until `close`."""
        sent: deque[_Job] = deque()
        while self._await_job(sent):
            try:
                self._top_up(sent)
                if sent:
                    self._take(sent)
            except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
                self._end_child()
                self._fail_first(sent, error)

    def _await_job(self, sent: deque[_Job]) -> bool:
        """Wait until there is something to do; False when there will be nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting or sent)
            if not self._closed:
                return True
            for job in (*sent, *self._waiting):
                if not job.future.cancel():
                    job.future.set_exception(_ended())
            self._waiting.clear()
            return False

    def _top_up(self, sent: deque[_Job]) -> None:
        if self._child is not None and not sent and self._child.poll() is not None:
            self._end_child()
        child = self._living_child()
        while len(sent) < JOBS_AHEAD:
            with self._changed:
                if not self._waiting:
                    return
                job = self._waiting.popleft()
            if not job.texts:
                if job.is_wanted:
                    job.future.set_result(np.zeros((0, 0), dtype=np.float32))
                continue
            if job.future.cancelled():
                continue
            sent.append(job)  # before the attempt: it fails with the worker
            pickle.dump((job.number, job.texts), cast(BinaryIO, child.stdin))
            cast(BinaryIO, child.stdin).flush()

    def _take(self, sent: deque[_Job]) -> None:
        """Wait for the next part of the first job."""
        job = sent[0]
        wanted = job.is_wanted
        part: _Part = pickle.load(cast(BinaryIO, self._living_child().stdout))  # noqa: S301 - from our own child
        if part.job != job.number:
            raise ValueError(f"part of job {part.job} while job {job.number} is under way")
        job.left -= len(part.places)
        if not job.left:
            sent.popleft()
        if not wanted:
            return
        if isinstance(part.vectors, AssistantError):
            job.future.set_exception(part.vectors)
            return
        self.runtime_name = part.runtime
        if job.vectors is None:
            job.vectors = np.empty((len(job.texts), part.vectors.shape[1]), dtype=np.float32)
        job.vectors[part.places] = part.vectors
        job.part_done(len(part.places), sum(len(job.texts[place]) for place in part.places), part.seconds)
        if not job.left:
            job.future.set_result(job.vectors)

    def _fail_first(self, sent: deque[_Job], error: Exception) -> None:
        """Fail the job that the worker ended with; those behind it get another worker, from their beginning."""
        with self._changed:
            self._waiting.extendleft(reversed(sent))
            sent.clear()
            job = self._waiting.popleft() if self._waiting else None
        if job is not None and job.is_wanted:
            failure = _ended()
            failure.__cause__ = error
            job.future.set_exception(failure)

    def _living_child(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._closed:
                raise EOFError("closed")
            if self._child is None:
                self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            return self._child

    def _end_child(self) -> None:
        with self._starting:
            child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            try:
                cast(BinaryIO, pipe).close()
            except (OSError, ValueError):  # what was still to be written has no reader, or a thread reads its end now
                pass

    def close(self) -> None:
        """End the worker; jobs that have not begun are dropped, and none can follow."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._end_child()
        if self._thread is not None:
            self._thread.join()  # it drops all jobs at once, since its worker is gone


def _ended() -> ModelUnavailable:
    return ModelUnavailable(
        "The embedding worker ended unexpectedly, perhaps for lack of memory. "
        "Run the ingest again; documents that are in are found by their words meanwhile."
    )


def main() -> None:
    """Serve jobs from standard input until it ends: the owner has closed it or is gone, however it ended."""
    model, threads = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform != "win32":
        os.nice(NICENESS)
    # Replies own the real standard output; whatever a library prints goes to the error stream.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: SimpleQueue[tuple[int, list[str]]] = SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    exports = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    embedder = ModelEmbedder(model, threads=threads, exports=exports, bulk=True)
    ahead = 1
    with suppress(AssistantError):  # each job says so
        ahead += embedder.overlaps
        embedder.embed(["ready"])
    for part in _embedded(embedder, jobs, ahead):
        try:
            pickle.dump(part, replies)
            replies.flush()
        except BrokenPipeError:
            os._exit(0)


@dataclass(frozen=True, slots=True)
class _Todo:
    """A part that is still to be embedded.

    Attributes:
        parts: All of its job, by places.
        position: Which of them it is.
    """

    job: int
    texts: Sequence[str]
    parts: Sequence[list[int]]
    position: int

    def embedded(self, embedder: Embedder) -> Vectors:
        return embedder.embed([self.texts[place] for place in self.parts[self.position]])


def _embedded(embedder: Embedder, jobs: SimpleQueue[tuple[int, list[str]]], ahead: int) -> Iterator[_Part]:
    """Yield the parts of one job after the other, without end; an error stands for all that is left of its job.

    Args:
        ahead: How many parts are under way at once. With two, one is cut into tokens while the last batches of the
            other are computed, and no processor waits for the end of a part.
    """
    under_way: deque[tuple[_Todo, Future[Vectors], float]] = deque()
    todo = _todo(jobs, may_wait=lambda: not under_way)
    failed, done = 0, 0.0
    with ThreadPoolExecutor(ahead) as computing:
        while True:
            while len(under_way) < ahead and (each := next(todo)) is not None:
                if each.job != failed:
                    under_way.append((each, computing.submit(each.embedded, embedder), time.perf_counter()))
            each, vectors, begun = under_way.popleft()
            if each.job == failed:
                continue
            try:
                places, found = each.parts[each.position], vectors.result()
            except AssistantError as error:
                failed = each.job
                left = [place for part in each.parts[each.position :] for place in part]
                yield _Part(each.job, left, error, time.perf_counter() - begun, embedder.runtime_name)
                continue
            begun, done = max(begun, done), time.perf_counter()
            yield _Part(each.job, places, found, done - begun, embedder.runtime_name)


def _todo(jobs: SimpleQueue[tuple[int, list[str]]], *, may_wait: Callable[[], bool]) -> Iterator[_Todo | None]:
    """Yield the parts of one job after the other; None where there is no job and nobody may wait for one."""
    while True:
        try:
            number, texts = jobs.get(block=may_wait())
        except Empty:
            yield None
            continue
        parts = parts_of([len(text) for text in texts])
        for position in range(len(parts)):
            yield _Todo(number, texts, parts, position)


def parts_of(lengths: Sequence[int]) -> list[list[int]]:
    """Return the places of texts in parts of like length, long and short ones in turn, so that a few tell the pace.

    Args:
        lengths: Of the texts, in characters.
    """
    parts: list[list[int]] = [[]]
    characters = 0
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if len(parts[-1]) >= PART_TEXTS and len(parts[-1]) % PART_TEXTS == 0 and characters >= PART_CHARACTERS:
            parts.append([])
            characters = 0
        parts[-1].append(place)
        characters += lengths[place]
    middle = len(parts) // 2
    shorter, longer = parts[:middle], parts[middle:][::-1]
    return [part for pair in zip_longest(longer, shorter) for part in pair if part]


def _read_jobs(jobs: SimpleQueue[tuple[int, list[str]]]) -> None:
    """Pass jobs on, and end the process with the input, in the middle of a job: nobody waits for it any more."""
    while True:
        try:
            jobs.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)
