"""The server: our own routes first, Gradio's page mounted last, and the headers on everything.

The assistant is passed in, so this wing knows neither how it searches nor where its documents lie.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import fastapi
import uvicorn
from fastapi.responses import JSONResponse, Response

from assistant.errors import AssistantError
from assistant.web import api, chat
from assistant.web.gate import STRICT_POLICY, Gate
from assistant.web.reading import Readers
from assistant.web.sources import add_sources
from assistant.web.words import STARTER_QUESTIONS, InterfaceLanguage

STATIC = "/static/usanext"
_STATIC_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asks(chat.Answers, Protocol):
    """The assistant, as the server sees it: what the page needs of it, and the files."""

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        """Return the original file of a version, or None when it is not kept."""
        ...

    @property
    def document_count(self) -> int:
        """How many documents can be searched."""
        ...


def create_app(
    assistant: Asks,
    *,
    starter_questions: Mapping[str, Sequence[str]] | None = None,
    contact: str | None = None,
    concurrent_questions: int = 8,
    today: Callable[[], date] = date.today,
) -> fastapi.FastAPI:
    """Return the whole site as one application.

    Args:
        starter_questions: At most six for `en` and for `nb`; a language that is missing gets our own.
        contact: Where a refused visitor can turn: an e-mail address, a web address or words.
        concurrent_questions: How many questions are answered at the same time, on the page and for programs together;
            more wait in line.
        today: Returns the date that review dates are compared with.
    """
    app = fastapi.FastAPI(title="USA next!", docs_url=None, redoc_url=None, openapi_url=None)
    _add_health(app, assistant)
    _add_static(app)
    add_sources(app, assistant)
    readers = Readers(concurrent_questions)
    # Starlette takes any ASGI application here, and its types say less.
    app.add_route(api.PATH, api.Chat(assistant.stream, readers), methods=["POST"])  # type: ignore[arg-type]
    desk = chat.Desk(assistant, readers, _starters(starter_questions or {}), contact, today)
    # Last: a route that is added after Gradio's mount at the root would answer 404.
    chat.mount(app, desk, concurrent_questions=concurrent_questions)
    app.add_middleware(Gate)
    return app


def run(app: fastapi.FastAPI, host: str, port: int) -> None:
    """Serve until Ctrl-C, then let running answers end for three seconds.

    Args:
        port: 0 takes any free one; the address that is printed names it.

    Raises:
        AssistantError: The port is in use or not allowed, or the host is not this machine's.
    """
    listener = _listen(host, port)
    # A page's open event streams would hold a graceful stop up for ever.
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3, server_header=False)
    try:
        _Server(config, _address(host, listener.getsockname()[1])).run(sockets=[listener])
    except KeyboardInterrupt:
        # Uvicorn raises the signal again once it has stopped; stopping was the wish.
        pass
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """Uvicorn that says where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address."""
        await super().startup(sockets)
        if self.started:
            line = f"The USA next! assistant is ready: {self._address}  (Ctrl-C stops it)"
            print(line, flush=True)  # noqa: T201 - for the person who started it


def _add_health(app: fastapi.FastAPI, assistant: Asks) -> None:
    """Add the route that tells a monitor how we are."""

    @app.api_route("/health", methods=["GET", "HEAD"])
    def health() -> JSONResponse:
        values = {"status": "ok", "ready": assistant.ready, "documents": assistant.document_count}
        return JSONResponse(values, headers={"cache-control": "no-store", "content-security-policy": STRICT_POLICY})


def _add_static(app: fastapi.FastAPI) -> None:
    """Add one route for each of our own style sheets, scripts and pictures; Gradio has `/static/` for itself."""
    for resource in files("assistant.web").joinpath("static").iterdir():
        media_type = _STATIC_TYPES.get(Path(resource.name).suffix)
        if media_type:
            paths = [f"{STATIC}/{resource.name}"] + (["/favicon.ico"] if resource.name == "icon.svg" else [])
            for path in paths:
                _add_static_file(app, path, resource.read_bytes(), media_type)


def _add_static_file(app: fastapi.FastAPI, path: str, content: bytes, media_type: str) -> None:
    """Add the route of one file that never changes while the server runs."""

    @app.api_route(path, methods=["GET", "HEAD"])
    def static_file() -> Response:
        headers = {"cache-control": "max-age=300", "content-security-policy": STRICT_POLICY}
        return Response(content, media_type=media_type, headers=headers)


def _starters(given: Mapping[str, Sequence[str]]) -> dict[InterfaceLanguage, Sequence[str]]:
    """Return the starter questions of both languages, as many in each, since one button shows both."""
    languages: tuple[InterfaceLanguage, ...] = ("en", "nb")
    chosen = {language: list(given.get(language) or STARTER_QUESTIONS[language]) for language in languages}
    shown = min(chat.STARTERS_SHOWN, *(len(questions) for questions in chosen.values()))
    return {language: questions[:shown] for language, questions in chosen.items()}


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
        listener.listen(128)
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
