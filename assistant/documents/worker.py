"""The worker: one child process that handles files under limits on time and memory, and is replaced when it dies.

What the child may do is little (`confinement`), and what it answers is taken as plain values only: a file that takes
the child over has won nothing.

The child is started with its own command line and not by `multiprocessing`, which would import the parent's main
module again: a script without a main guard would run twice, and the web server's modules would load for nothing.
"""

from __future__ import annotations

import io
import logging
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import is_dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from assistant.documents.confinement import confine, environment, limit_processor_time
from assistant.documents.loading import DEFAULT_LIMITS, Limits, load_document
from assistant.domain import Document
from assistant.errors import DamagedFile, LimitExceeded, LoadError

# Parsers leak a little; a fresh child now and then costs less than a second.
MAX_FILES_PER_CHILD = 200

# Starting Python and the first import of a parser on a busy machine; not a part of a file's own time.
_START_SECONDS = 60.0

# The child finds the package where the parent found it, whatever the current folder is.
_CHILD = "import sys; sys.path[:] = {path!r}; from assistant.documents.worker import serve; serve({fd}, {memory})"


Outcome = TypeVar("Outcome")


class Worker:
    """Calls functions of ours in a child process. A context manager, for any thread, one call after the other."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._files = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is no child."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the child; the next call starts another."""
        with self._lock:
            self._stop()

    def call(self, job: Callable[..., Outcome], document_id: str, *arguments: object) -> Outcome:
        """Return what a function makes of one file, called in the child.

        Args:
            job: A function at the top of one of our modules; the child imports it by its name.
            document_id: The file that errors name.
            arguments: What the function is called with; plain values, as the answer is.

        Raises:
            LimitExceeded: The file takes too much time or memory, or as the function.
            DamagedFile: The child dies of the file, or as the function.
            LoadError: Everything else that the function raises.
        """
        with self._lock:
            outcome = self._ask(job, document_id, arguments)
        if isinstance(outcome, LoadError):
            raise outcome
        return outcome

    def _ask(self, job: Callable[..., Outcome], document_id: str, arguments: tuple[object, ...]) -> Outcome | LoadError:
        """Send one call to the child and wait for what becomes of it."""
        try:
            connection = self._start()
        except (EOFError, OSError):
            self._stop()
            return _not_started(document_id)
        try:
            connection.send((job, document_id, arguments, self.limits.seconds))
            if not connection.poll(self.limits.seconds):
                self._stop()
                return _too_slow(document_id, self.limits.seconds)
            outcome: Outcome | LoadError | MemoryError = _PlainValues(io.BytesIO(connection.recv_bytes())).load()
        except pickle.UnpicklingError:
            self._stop()
            return _crashed(document_id)
        except (EOFError, OSError):
            return self._epitaph(document_id)
        except BaseException:  # Ctrl-C: the answer that is still to come must not reach the next file
            self._stop()
            raise
        if isinstance(outcome, MemoryError):
            self._stop()  # what it could not get is not what it has given back
            return _too_large(document_id, self.limits.memory_bytes)
        return outcome

    def _start(self) -> Connection:
        """Return the connection to a living child.

        Raises:
            EOFError: The child has ended at its start.
            OSError: It cannot be started, or does not answer.
        """
        if self._process is not None and (self._process.poll() is not None or self._files >= MAX_FILES_PER_CHILD):
            self._stop()
        self._files += 1
        if self._connection is not None:
            return self._connection
        ours, theirs = Pipe()
        with theirs:
            path = [str(Path(entry).absolute()) for entry in sys.path]
            code = _CHILD.format(path=path, fd=theirs.fileno(), memory=self.limits.memory_bytes)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-B", "-X", "utf8", "-c", code],
                cwd="/",
                env=environment(),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._connection = ours
        self._files = 1
        if not ours.poll(_START_SECONDS):
            raise TimeoutError
        ours.recv_bytes()
        return ours

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def _epitaph(self, document_id: str) -> LoadError:
        """Say what the child died of, and clear it away."""
        code = self._process.wait() if self._process else 0
        self._stop()
        if code == -signal.SIGKILL:  # nobody but the kernel's memory killer does this
            return _too_large(document_id, self.limits.memory_bytes)
        if code == -signal.SIGXCPU:
            return _too_slow(document_id, self.limits.seconds)
        return _crashed(document_id)


class ParsingWorker(Worker):
    """Reads files to documents in a child process."""

    def load(self, path: Path, document_id: str) -> Document:
        """Read one file as `loading.load_document` does, in the child.

        Raises:
            LimitExceeded: As there, and when the file takes too much time or memory.
            DamagedFile: As there, and when the child dies of the file.
            LoadError: Everything else that `load_document` raises.
        """
        return self.call(load_document, document_id, path.absolute(), document_id, self.limits)


class _PlainValues(pickle.Unpickler):
    """Makes of an answer plain values, our own dataclasses and our own errors; nothing else can be called."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that an answer is made of.

        Raises:
            pickle.UnpicklingError: The answer asks for anything else.
        """
        if (module, name) == ("builtins", "MemoryError"):
            return MemoryError
        ours = getattr(sys.modules.get(module), name, None) if module.split(".")[0] == "assistant" else None
        if isinstance(ours, type) and (is_dataclass(ours) or issubclass(ours, LoadError)):
            return ours
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an answer")


def _crashed(document_id: str) -> DamagedFile:
    return DamagedFile(
        document_id,
        "is damaged: the program that reads it crashed on it",
        "Open it in its program, save it again and add that copy",
    )


def _not_started(document_id: str) -> DamagedFile:
    return DamagedFile(
        document_id,
        "could not be read: the program that reads files did not start",
        "Try again; if it stays so, see that the machine has memory to spare, and install the assistant again",
    )


def _too_slow(document_id: str, seconds: float) -> LimitExceeded:
    return LimitExceeded(
        document_id, f"took more than {seconds:g} seconds to read", "Split it into smaller files, or raise the limit"
    )


def _too_large(document_id: str, memory_bytes: int) -> LimitExceeded:
    return LimitExceeded(
        document_id,
        f"needs more than {memory_bytes / 1e9:.1f} GB of memory to read",
        "Split it into smaller files, or raise the limit",
    )


def serve(file_descriptor: int, memory_bytes: int) -> None:
    """Be the child: make the calls that arrive, answer with what they return or an error, until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    connection = Connection(file_descriptor)
    confine(file_descriptor, memory_bytes)
    connection.send("ready")
    while True:
        try:
            job, document_id, arguments, seconds = connection.recv()
        except (EOFError, OSError):
            return
        limit_processor_time(seconds)
        connection.send(_outcome(job, document_id, arguments))


def _outcome(job: Callable[..., Any], document_id: str, arguments: tuple[object, ...]) -> object:
    """Return what a call returns, or the error of the file that it stumbled over."""
    try:
        return job(*arguments)
    except LoadError as error:
        return error
    except MemoryError:
        return MemoryError()
    except Exception as error:  # a mistake of ours must not stop a sync, and the child has nobody to show it to
        reason = f"could not be read: {job.__name__} failed with {type(error).__name__}"
        return DamagedFile(
            document_id, reason, f"Report the file to the developers: {job.__name__} shows where it fails"
        )
