"""Many texts to vectors in one low-priority worker process, so that chat need not wait for an ingest.

The child has its own command line instead of `multiprocessing`'s, which would run the caller's main module again. It
returns vectors and touches no file; only the owner of the data folder writes.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import BinaryIO, cast

from assistant.errors import AssistantError, ModelUnavailable
from assistant.index.embedding import SentenceTransformerEmbedder, Vectors

NICENESS = 10


class BulkEmbedder:
    """Embeds in a worker process that is started with the first job and kept until `close`."""

    def __init__(self, model: str, *, threads: int) -> None:
        # The child finds the package where we found it, whatever its working directory.
        code = f"import sys; sys.path[:] = {sys.path!r}; from assistant.index.bulk import main; main()"
        self._command = [sys.executable, "-c", code, model, str(threads)]
        self._queue: ThreadPoolExecutor | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()
        self._closed = False

    def submit(self, texts: Sequence[str]) -> Future[Vectors]:
        """Queue texts; the future gives one unit vector per text, or raises ModelUnavailable."""
        if self._queue is None:
            self._queue = ThreadPoolExecutor(1, thread_name_prefix="bulk-embedding")
        return self._queue.submit(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Vectors:
        try:
            child = self._living_child()
            pickle.dump(texts, cast(BinaryIO, child.stdin))
            cast(BinaryIO, child.stdin).flush()
            reply = pickle.load(cast(BinaryIO, child.stdout))  # noqa: S301 - from our own child
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self._end_child()
            raise ModelUnavailable(
                "The embedding worker ended unexpectedly, perhaps for lack of memory. "
                "Run the ingest again; documents that are in are found by their words meanwhile."
            ) from error
        if isinstance(reply, AssistantError):
            raise reply
        return cast(Vectors, reply)

    def _living_child(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self._end_child()
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
        with self._starting:
            self._closed = True
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.shutdown(wait=False, cancel_futures=True)
        self._end_child()
        if queue is not None:
            queue.shutdown(wait=True)  # the running job ends at once, since its worker is gone


def main() -> None:
    """Serve jobs from standard input until it ends: the owner has closed it or is gone, however it ended."""
    model, threads = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform != "win32":
        os.nice(NICENESS)
    # Replies own the real standard output; whatever a library prints goes to the error stream.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: SimpleQueue[list[str]] = SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    embedder = SentenceTransformerEmbedder(model, threads=threads)
    while True:
        try:
            reply: Vectors | AssistantError = embedder.embed(jobs.get())
        except AssistantError as error:
            reply = error
        try:
            pickle.dump(reply, replies)
            replies.flush()
        except BrokenPipeError:
            os._exit(0)


def _read_jobs(jobs: SimpleQueue[list[str]]) -> None:
    """Pass jobs on, and end the process with the input, in the middle of a job: nobody waits for it any more."""
    while True:
        try:
            jobs.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own parent
        except (EOFError, OSError, pickle.UnpicklingError):
            os._exit(0)
