"""The server: our own routes first, Gradio's page mounted last, and the headers on everything.

The assistant is passed in, so this wing knows neither how it searches nor where its documents lie.
"""

from __future__ import annotations

import errno
import mimetypes
import re
import socket
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import fastapi
import uvicorn
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response

from assistant.errors import AssistantError
from assistant.web import api, chat, viewer
from assistant.web.reading import Readers
from assistant.web.words import LANGUAGE_COOKIE, STARTER_QUESTIONS, WORDS, InterfaceLanguage, preferred_language

STATIC = "/static/usanext"
_STATIC_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

# Our own pages hold no script at all.
STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Gradio's page holds inline scripts and styles; it is still kept from asking any other machine for anything.
GRADIO_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "content-security-policy": GRADIO_POLICY,
}

# What Gradio's page needs; the rest of its interface (uploads, API page, recordings, links to other spaces) is shut.
_GRADIO_GET = re.compile(
    r"/(|config|theme\.css|robots\.txt|manifest\.json|(assets|static|svelte)/.*"
    r"|gradio_api/(queue/data|heartbeat/[^/]+|startup-events|app_id))"
)
_GRADIO_POST = re.compile(r"/gradio_api/(queue/join|cancel|reset)")
# A question of 2,000 characters fits ten times over, whatever letters it is written in; so do 50 turns as people talk.
MAX_BODY_BYTES = 100_000


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
    _add_sources(app, assistant)
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


class Gate:
    """Middleware around everything: shuts what is not offered, and puts the security headers on every response.

    Plain ASGI, because Starlette's `BaseHTTPMiddleware` would hold Gradio's event streams back.
    """

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_security(message.get("headers", []))
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)


def _with_security(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with ours added; what a route has set itself, such as a stricter policy, stands."""
    present = {name.lower() for name, _ in headers}
    added = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    return [*kept, *((name, value) for name, value in added if name not in present)]


def _refusal(scope: MutableMapping[str, Any]) -> Response | None:
    """Return the answer to a request that nobody here has a use for, or None."""
    path, method = scope["path"], scope["method"]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    words = WORDS[preferred_language(accept_language=headers.get("accept-language"))]
    if path.startswith("/gradio_api/upload"):
        return PlainTextResponse(words["upload_refused"], 403)
    if not _offered(path, method):
        return PlainTextResponse(words["not_offered"], 404)
    if method == "POST" and not _is_small(headers):
        too_large = words["too_large"]
        return JSONResponse({"error": too_large}, 413) if path == api.PATH else PlainTextResponse(too_large, 413)
    return None


def _offered(path: str, method: str) -> bool:
    """Return whether a path is one of our own or one that Gradio's page needs."""
    if method == "POST":
        return path == api.PATH or bool(_GRADIO_POST.fullmatch(path))
    if method not in ("GET", "HEAD"):
        return False
    own = path in ("/health", "/favicon.ico") or path.startswith(("/source/", "/original/"))
    return own or bool(_GRADIO_GET.fullmatch(path))


def _is_small(headers: Mapping[str, str]) -> bool:
    """Return whether a request says that its body is small; one that does not say is refused."""
    length = headers.get("content-length", "")
    return bool(re.fullmatch(r"[0-9]{1,9}", length)) and int(length) <= MAX_BODY_BYTES


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


def _add_sources(app: fastapi.FastAPI, assistant: Asks) -> None:
    """Add the viewer and the download of originals. Files are reached through the assistant alone, never by path."""

    @app.api_route("/source/{document_id:path}", methods=["GET", "HEAD"])
    def source(
        request: fastapi.Request,
        document_id: str,
        version: str | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> HTMLResponse:
        language = _language(request)
        document_id = unicodedata.normalize("NFC", document_id)
        current = assistant.document(document_id) if _is_document_id(document_id) else None
        document = current if not version or (current and current.version == version) else None
        if document is None and version and _is_document_id(document_id):
            document = assistant.document(document_id, version)
        if document is None:
            return _page(viewer.not_found(language, WORDS[language]["not_found"]), 404)
        original = assistant.original(document.id, document.version) is not None
        return _page(viewer.page(document, language=language, start=start, end=end, current=current, original=original))

    @app.api_route("/original/{document_id:path}", methods=["GET", "HEAD"])
    def original(request: fastapi.Request, document_id: str, version: str | None = None) -> Response:
        words = WORDS[_language(request)]
        document_id = unicodedata.normalize("NFC", document_id)
        path = assistant.original(document_id, version or None) if _is_document_id(document_id) else None
        if path is None or not path.is_file():
            return _page(viewer.not_found(_language(request), words["original_missing"]), 404)
        name = document_id.rsplit("/", 1)[-1]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Attachment: a browser must never show somebody's HTML or SVG as a page of this server.
        headers = {"content-security-policy": f"{STRICT_POLICY}; sandbox"}
        return FileResponse(path, media_type=media_type, filename=name, headers=headers)


def _is_document_id(document_id: str) -> bool:
    """Return whether a text can be a path inside a corpus at all: relative, no way up, no control characters."""
    parts = document_id.split("/")
    clean = not any(unicodedata.category(character) in ("Cc", "Cs") for character in document_id)
    return clean and "\\" not in document_id and not any(part in ("", ".", "..") for part in parts)


def _page(html: str, status_code: int = 200) -> HTMLResponse:
    """Return one of our own pages, under the strict policy."""
    headers = {"content-security-policy": STRICT_POLICY, "vary": "accept-language, cookie"}
    return HTMLResponse(html.encode("utf-8", "replace"), status_code, headers=headers)


def _language(request: fastapi.Request) -> InterfaceLanguage:
    """Return the interface language of a request."""
    return preferred_language(
        asked=request.query_params.get("lang"),
        remembered=request.cookies.get(LANGUAGE_COOKIE),
        accept_language=request.headers.get("accept-language"),
    )


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
