"""The server: it answers from its first second by a small site, and is handed the real one once that is made.

It runs in a thread of its own, so that whoever makes the real site does it in the main thread: what goes wrong there is
raised there, and a signal ends it at once.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol, Self

import uvicorn

from assistant.errors import AssistantError

# An ASGI application.
Site = Callable[[Any, Any, Any], Awaitable[None]]

# How long answers that are being made may go on when the server stops, and how long their last words take to be sent.
GRACE_SECONDS, SENDING_SECONDS = 3.0, 0.3
# What may stand before the body of a request, in bytes.
LONGEST_HEAD = 64_000


class Reads(Protocol):
    """What makes answers, as the server sees it."""

    @property
    def idle(self) -> bool:
        """Whether no answer is being made."""
        ...


class Serving:
    """A server that listens from the moment it is made, and answers while its `with` lasts."""

    def __init__(self, first: Site, host: str, port: int) -> None:
        """Listen, before anything else is started.

        Args:
            first: Answers until `hand_over`; it has no lifespan.
            port: 0 takes any free one; `address` names it.

        Raises:
            AssistantError: The port is in use or not allowed, or the host is not this machine's.
        """
        self._listener = _listen(host, port)
        self.address = _address(host, self._listener.getsockname()[1])
        self._server = _Server(first)
        self._thread = threading.Thread(target=self._serve, name="server", daemon=True)
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._server.listening.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def hand_over(self, site: Site, readers: Reads) -> None:
        """Start a site, and let it answer every request that comes from now on; what is being answered goes on.

        Args:
            readers: Whose answers may end when the server stops, within three seconds.
        """
        self._raise_failure()
        asyncio.run_coroutine_threadsafe(self._server.change_to(site, readers), self._server.loop).result()

    def wait(self) -> None:
        """Serve until a signal's handler raises, then let running answers end for three seconds."""
        try:
            self._thread.join()
        finally:
            self.stop()
        self._raise_failure()

    def stop(self) -> None:
        """Let running answers end for three seconds, and stop; stopping twice is no error."""
        self._server.should_exit = True
        try:
            self._thread.join()
        except BaseException:  # a second signal: whoever sends one does not want to wait for answers
            self._server.force_exit = True
            self._thread.join()
            raise
        finally:
            self._listener.close()

    def _serve(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:  # raised where somebody sees it
            self._failure = error
        finally:
            self._server.listening.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


class _Current:
    """The site that answers now."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.site(scope, receive, send)


class _Server(uvicorn.Server):
    """Uvicorn that changes its site while it runs, and that closes open streams when it stops."""

    loop: asyncio.AbstractEventLoop

    def __init__(self, first: Site) -> None:
        self._current = _Current(first)
        super().__init__(_config(self._current, "off"))
        self.listening = threading.Event()
        self._readers: Reads | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.loop = asyncio.get_running_loop()
        self.listening.set()

    async def change_to(self, site: Site, readers: Reads) -> None:
        """Start a site, as uvicorn starts one, and answer by it."""
        config = _config(site, "on")
        config.load()
        lifespan = config.lifespan_class(config)
        await lifespan.startup()
        if lifespan.should_exit:  # the log says why
            raise RuntimeError("The site could not be started.")
        self.lifespan = lifespan  # which uvicorn ends when it stops
        self._readers = readers
        self._current.site = site

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop, once the answers that are being made have ended or their time is over."""
        closing = asyncio.create_task(self._close_streams())
        try:
            await super().shutdown(sockets)
        finally:
            closing.cancel()

    async def _close_streams(self) -> None:
        """Hang up on every open page: its streams never end by themselves and would hold the stop up."""
        ends = time.monotonic() + GRACE_SECONDS
        while self._readers is not None and not self._readers.idle and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        await asyncio.sleep(SENDING_SECONDS)
        for connection in list(self.server_state.connections):
            transport: asyncio.Transport | None = getattr(connection, "transport", None)
            if transport is not None:
                transport.close()


def _config(site: Site, lifespan: Any) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        lifespan=lifespan,
        # The parser that bounds what stands before a body: an address with its quotes fits, and again as `Referer`.
        # There are no web sockets here.
        http="h11",
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none",
        # What is logged where is the caller's choice; addresses of requests nowhere.
        log_config=None,
        access_log=False,
        server_header=False,
        # `Gate` alone decides whose headers are believed.
        proxy_headers=False,
        # Longer than proxies keep theirs: else one of them now and then sends a request into a connection that closes.
        timeout_keep_alive=130,
        timeout_graceful_shutdown=int(GRACE_SECONDS) + 2,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens already, so that a busy port is found before anything is started."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AssistantError(f"{host} is not an address of this machine. Choose another with --host.") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # A crowd that comes at one moment: who is not let in knocks again only after a second, and is overtaken.
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise AssistantError(_why_not(error, host, port)) from error
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    """Return one sentence on why nobody can listen there, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use on this machine. Stop the other program or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} is not allowed for this user. Choose one above 1023 with --port."
    return f"Nobody can listen on {host}, port {port}: {error.strerror}. Choose others with --host and --port."


def _address(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else "[::1]" if host == "::" else host  # noqa: S104 - only compared
    return f"http://{f'[{shown}]' if ':' in shown and not shown.startswith('[') else shown}:{port}"
