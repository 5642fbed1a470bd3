"""One process owns a data folder: the lock, and the hand-over of work to the process that holds it.

The lock is an OS file lock, so it ends with the process however that ends. While an app owns the folder, it listens on
a loopback port of its own; port, token and instance id stand in a file that only the user can read. A client trusts
that file only while the lock is held and the app answers with the same instance id.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from assistant import errors
from assistant.errors import AssistantError, DataFolderError, FolderOwned

logger = logging.getLogger(__name__)

LOCK_NAME = "owner.lock"
ADDRESS_NAME = "owner.json"
_ANSWER_SECONDS = 5.0

Progress = Callable[[Mapping[str, Any]], None]
# Takes the work as plain values and a progress callback, returns the result as plain values.
Work = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]


class FolderLock:
    """The lock on a data folder; a context manager."""

    def __init__(self, folder: Path) -> None:
        """Take the lock, creating the folder when it is missing.

        Raises:
            FolderOwned: Another process holds it.
            DataFolderError: The folder cannot be created or written.
        """
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / LOCK_NAME).open("a+")
        except OSError as error:
            raise DataFolderError(
                f"The data folder {folder} cannot be used ({error.strerror or error}). "
                "Make it writable or name another one with --data."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise FolderOwned(
                f"The data folder {folder} is in use by another process. Stop it, or name another folder with --data."
            ) from error

    def release(self) -> None:
        """Give the folder free; releasing twice is no error."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_owned(folder: Path) -> bool:
    """Return whether some process holds the lock on the folder; False for a folder that does not exist."""
    lock = folder / LOCK_NAME
    if not lock.exists():
        return False
    try:
        with lock.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class HandOver:
    """The owner's side: takes work from `ingest.py` and does it in this process."""

    def __init__(self, folder: Path, work: Work) -> None:
        """Start to listen on a free loopback port and write the address file; the caller holds the folder's lock."""
        self._address_file = folder / ADDRESS_NAME
        token, instance = secrets.token_urlsafe(32), secrets.token_hex(16)
        self._server = _Server(("127.0.0.1", 0), _handler(work, token, instance))
        self._thread = threading.Thread(target=self._server.serve, name="hand-over", daemon=True)
        self._thread.start()
        address = {"port": self._server.server_address[1], "token": token, "instance": instance}
        _write_private(self._address_file, json.dumps(address))

    def close(self) -> None:
        """Stop listening at once and remove the address file; work that was taken goes on."""
        self._address_file.unlink(missing_ok=True)
        self._server.stop()
        self._thread.join(_ANSWER_SECONDS)
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Waits for requests without waking up in between, so that an idle app sleeps and closing waits for no interval."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._stopped = threading.Event()
        super().__init__(address, handler)

    def serve(self) -> None:
        """Take requests until `stop`."""
        while not self._stopped.is_set():
            self.handle_request()

    def stop(self) -> None:
        """Wake `serve` up to end; calling it twice is no error."""
        self._stopped.set()
        try:
            socket.create_connection(("127.0.0.1", self.server_port), _ANSWER_SECONDS).close()
        except OSError:  # nobody listens any more
            pass

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return not self._stopped.is_set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        logger.debug("A request from %s failed", client_address, exc_info=True)


def _write_private(file: Path, text: str) -> None:
    """Write a file that nobody else can read at any moment."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)


def _handler(work: Work, token: str, instance: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            logger.debug(format, *arguments)

        def _allowed(self) -> bool:
            given = self.headers.get("Authorization", "").encode("utf-8", "replace")
            if secrets.compare_digest(given, f"Bearer {token}".encode()):
                return True
            self.send_error(403)
            return False

        def do_GET(self) -> None:
            if self._allowed():
                self._reply_headers()
                self._line({"instance": instance})

        def do_POST(self) -> None:
            if not self._allowed():
                return
            request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self._reply_headers()
            attached = True

            def progress(event: Mapping[str, Any]) -> None:
                nonlocal attached
                if attached:
                    attached = self._line({"progress": event})

            try:
                result = work(request, progress)
            except AssistantError as error:
                self._line({"error": str(error), "kind": type(error).__name__})
            except Exception:
                logger.exception("Handed-over work failed")
                self._line({"error": "The app met an unexpected error; its log names it.", "kind": "AssistantError"})
            else:
                self._line({"result": result})

        def _reply_headers(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-ndjson")
            self.end_headers()

        def _line(self, value: Mapping[str, Any]) -> bool:
            """Send one line; False when the client has left (the work goes on without it)."""
            try:
                self.wfile.write(json.dumps(value).encode() + b"\n")
                self.wfile.flush()
            except OSError:
                return False
            return True

    return Handler


class Owner:
    """The client's side: the app that owns a data folder."""

    def __init__(self, folder: Path) -> None:
        """Find the owner of the folder and make sure that it is who the address file says.

        Raises:
            FolderOwned: The folder is locked, but no app takes work for it (another ingest runs, or it just started).
        """
        self.folder = folder
        try:
            address = json.loads((folder / ADDRESS_NAME).read_text())
            self._port, self._token = int(address["port"]), str(address["token"])
            identity = self._read_identity()
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
            raise self._busy() from error
        if identity != address["instance"] or not is_owned(folder):
            raise self._busy()

    def _busy(self) -> FolderOwned:
        return FolderOwned(
            f"The data folder {self.folder} is in use by another process that takes no work "
            "(an ingest or an evaluation). Wait until it has ended, then run this again."
        )

    def _read_identity(self) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=_ANSWER_SECONDS)) as connection:
            connection.request("GET", "/", headers={"Authorization": f"Bearer {self._token}"})
            with connection.getresponse() as response:
                if response.status != 200:
                    raise ValueError("not the owner")
                return str(json.loads(response.read())["instance"])

    def do(self, request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
        """Hand work over and wait for its result; progress events arrive meanwhile.

        Raises:
            AssistantError: What the owner raised, or that it was lost midway.
        """
        try:
            for line in self._lines(request):
                if "progress" in line:
                    progress(line["progress"])
                elif "result" in line:
                    return dict(line["result"])
                else:
                    raise _raised(line)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._lost() from error
        raise self._lost()

    def _lost(self) -> AssistantError:
        return AssistantError(
            "The app that owns the data folder was lost before the work was done. "
            "Run the same command again; nothing is lost."
        )

    def _lines(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        body = json.dumps(request)
        # No timeout: a large ingest may embed for a long time between two lines.
        with closing(http.client.HTTPConnection("127.0.0.1", self._port)) as connection:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            connection.request("POST", "/ingest", body=body, headers=headers)
            with connection.getresponse() as response:
                if response.status != 200:
                    raise ValueError(f"the app answered {response.status}")
                while line := response.readline():
                    yield json.loads(line)


def _raised(line: Mapping[str, Any]) -> AssistantError:
    """Return the error that the owner raised, of its own class where that makes another exit status."""
    kind = getattr(errors, str(line.get("kind")), AssistantError)
    misuse = isinstance(kind, type) and issubclass(kind, (errors.UsageError, errors.SettingsError))
    return kind(str(line["error"])) if misuse else AssistantError(str(line["error"]))
