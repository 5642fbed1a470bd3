"""The server: our own routes first, Gradio's page mounted last, and the headers on everything.

The assistant is passed in, so this wing knows neither how it searches nor where its documents lie.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
import time
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import fastapi
import uvicorn
from fastapi.responses import JSONResponse, Response

from assistant.desk import Staff
from assistant.domain import Answer
from assistant.errors import AssistantError
from assistant.web import api, chat
from assistant.web.access import AccessCode
from assistant.web.conversations import Conversations
from assistant.web.entering import add_entering
from assistant.web.exports import Exports, add_exports
from assistant.web.feedback import TakesFeedback, add_feedback
from assistant.web.front import FrontPage
from assistant.web.gate import STRICT_POLICY, Gate
from assistant.web.limits import Limit, household
from assistant.web.privacy import Keeping, add_privacy
from assistant.web.reading import Readers
from assistant.web.recording import KeepsQuestions
from assistant.web.saved import Keeps, add_saved
from assistant.web.sources import Holds, add_sources
from assistant.web.staff_access import StaffDoor
from assistant.web.staff_board import board_router
from assistant.web.staff_documents import add_documents
from assistant.web.staff_drafts import add_drafts
from assistant.web.staff_entering import entering_router, leaving_router, off_router
from assistant.web.staff_frame import desk_router
from assistant.web.staff_overview import overview_router
from assistant.web.staff_uploads import UploadLimits
from assistant.web.visits import Door, Proxies

STATIC = "/static/usanext"
# How long answers that are being made may go on when the server stops, and how long their last words take to be sent.
GRACE_SECONDS, SENDING_SECONDS = 3.0, 0.3
# What may stand before the body of a request, in bytes.
LONGEST_HEAD = 64_000
_STATIC_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Journals(Keeps, TakesFeedback, Keeping, Protocol):
    """What visitors wanted to be written down, and what they asked in vain."""

    @property
    def questions(self) -> KeepsQuestions:
        """Questions that were not wholly answered."""
        ...

    def record(self, answer: Answer) -> None:
        """Count what a whole answer cites, and keep its question where it was asked in vain."""
        ...


class Asks(chat.Answers, Holds, Protocol):
    """The assistant, as the server sees it: what the page needs of it, the files, and the journal."""

    @property
    def document_count(self) -> int:
        """How many documents can be searched."""
        ...

    @property
    def journal(self) -> Journals:
        """Feedback and saved conversations."""
        ...

    @property
    def export(self) -> Exports:
        """Makes a file of a conversation."""
        ...


def create_app(
    assistant: Asks,
    *,
    contact: str | None = None,
    concurrent_questions: int = 8,
    today: Callable[[], date] = date.today,
    door: Door | None = None,
    staff: Staff | None = None,
    uploads: Path | None = None,
) -> fastapi.FastAPI:
    """Return the whole site as one application.

    Args:
        contact: Where a refused visitor can turn: an e-mail address, a web address or words.
        concurrent_questions: How many questions are answered at the same time, on the page and for programs together;
            more wait in line.
        today: Returns the date that review dates are compared with.
        door: Who may come in, by which way, and how often; by default everybody from everywhere without a limit.
        staff: What the staff desk does; the desk is off without it, and where the door has no password for it.
        uploads: Where files lie while staff send them, best beside the data; a new temporary folder by default.

    Raises:
        ValueError: The door names an address or a path that is none.
    """
    door = door or Door()
    access = AccessCode(door.access_code) if door.access_code else None
    questions = Limit(door.questions_per_minute, 60)
    app = fastapi.FastAPI(title="USA next!", docs_url=None, redoc_url=None, openapi_url=None)
    _add_health(app, assistant)
    add_entering(app, access)
    _add_static(app)
    add_sources(app, assistant)
    readers = app.state.readers = Readers(concurrent_questions)
    # Starlette takes any ASGI application here, and its types say less.
    in_vain = assistant.journal.questions
    chat_route = api.Chat(assistant.stream, readers, questions, assistant.journal.record)
    app.add_route(api.PATH, chat_route, methods=["POST"])  # type: ignore[arg-type]
    conversations = Conversations()
    add_exports(app, conversations, assistant, assistant.export, today)
    add_saved(app, assistant.journal, conversations, assistant, assistant.export, contact=contact, today=today)
    add_feedback(app, assistant.journal, conversations)
    add_privacy(app, assistant.journal, lambda: assistant.writing_model)
    staff_door = _add_staff(app, staff, door, today, uploads)
    desk = chat.Desk(
        assistant,
        readers,
        conversations,
        contact,
        today,
        may_ask=lambda request: questions.take(request.state.visit),
        address=lambda request: household(request.state.visit.address),
        record=assistant.journal.record,
        keeps_words=in_vain.texts,
    )
    # Last: a route that is added after Gradio's mount at the root would answer 404.
    chat.mount(app, desk)
    app.add_middleware(FrontPage)
    app.add_middleware(
        Gate,
        proxies=Proxies(door.trusted_proxies, door.path_prefix),
        access=access,
        staff=staff_door,
        upload_bytes=door.upload_bytes,
    )
    return app


def run(app: fastapi.FastAPI, host: str, port: int) -> None:
    """Serve until Ctrl-C, then let running answers end for three seconds.

    Args:
        port: 0 takes any free one; the address that is printed names it.

    Raises:
        AssistantError: The port is in use or not allowed, or the host is not this machine's.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
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
    try:
        _Server(config, _address(host, listener.getsockname()[1]), app.state.readers).run(sockets=[listener])
    except KeyboardInterrupt:
        # Uvicorn raises the signal again once it has stopped; stopping was the wish.
        pass
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """Uvicorn that says where it listens, once it does, and that closes open streams when it stops."""

    def __init__(self, config: uvicorn.Config, address: str, readers: Readers) -> None:
        super().__init__(config)
        self._address = address
        self._readers = readers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the address."""
        await super().startup(sockets)
        if self.started:
            line = f"The USA next! assistant is ready: {self._address}  (Ctrl-C stops it)"
            print(line, flush=True)  # noqa: T201 - for the person who started it

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
        while not self._readers.idle and time.monotonic() < ends:
            await asyncio.sleep(0.05)
        await asyncio.sleep(SENDING_SECONDS)
        for connection in list(self.server_state.connections):
            transport: asyncio.Transport | None = getattr(connection, "transport", None)
            if transport is not None:
                transport.close()


def _add_staff(
    app: fastapi.FastAPI, staff: Staff | None, door: Door, today: Callable[[], date], uploads: Path | None
) -> StaffDoor | None:
    """Add the staff desk and return its door; where it is off, the page that says how to turn it on, and None."""
    if staff is None or door.staff_password_hash is None:
        app.include_router(off_router())
        return None
    staff_door = StaffDoor(door.staff_password_hash)
    app.state.staff_door = staff_door
    limits = UploadLimits(request_bytes=door.upload_bytes)
    folder = uploads or Path(tempfile.mkdtemp(prefix="usa-next-uploads-"))
    documents = desk_router()
    add_drafts(documents, staff.drafts, staff.shelf, folder=folder, limits=limits, today=today)
    add_documents(documents, staff.drafts, staff.shelf, limits=limits, today=today)
    app.include_router(entering_router(staff_door))
    app.include_router(overview_router(staff, today))
    app.include_router(board_router(staff, today))
    app.include_router(documents)
    # Last: it answers whatever is no page of the desk.
    app.include_router(leaving_router(staff_door))
    return staff_door


def _add_health(app: fastapi.FastAPI, assistant: Asks) -> None:
    """Add the two routes for monitors: whether the process lives, and whether questions can be answered."""
    headers = {"cache-control": "no-store", "content-security-policy": STRICT_POLICY}

    @app.api_route("/health", methods=["GET", "HEAD"])
    def health() -> JSONResponse:
        values = {"status": "ok", "ready": assistant.ready, "documents": assistant.document_count}
        return JSONResponse(values, headers=headers)

    @app.api_route("/ready", methods=["GET", "HEAD"])
    def ready() -> JSONResponse:
        has = {"model": assistant.ready, "documents": assistant.document_count > 0}
        missing = [name for name, there in has.items() if not there]
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200, headers)


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
