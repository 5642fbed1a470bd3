"""The whole site: our own routes first, Gradio's page mounted last, and the headers on everything.

The assistant is passed in, so this wing knows neither how it searches nor where its documents lie.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Protocol

import fastapi
from fastapi.responses import JSONResponse, Response

from assistant.desk import Staff
from assistant.domain import Answer
from assistant.web import api, chat
from assistant.web.access import AccessCode
from assistant.web.conversations import Conversations
from assistant.web.entering import add_entering
from assistant.web.exports import Exports, add_exports
from assistant.web.feedback import TakesFeedback, add_feedback
from assistant.web.front import FrontPage
from assistant.web.gate import STRICT_POLICY, Gate
from assistant.web.limits import Limit, household
from assistant.web.pages import static_files, static_response
from assistant.web.privacy import Keeping, add_privacy
from assistant.web.reading import Readers, at_once, longest_line
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
    concurrent_questions: int = 0,
    today: Callable[[], date] = date.today,
    door: Door | None = None,
    staff: Staff | None = None,
    uploads: Path | None = None,
) -> fastapi.FastAPI:
    """Return the whole site as one application.

    Args:
        contact: Where a refused visitor can turn: an e-mail address, a web address or words.
        concurrent_questions: How many questions are answered at the same time, on the page and for programs together;
            more wait in line. 0 is as many as suit this machine, or a language model where one writes.
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
    writes = assistant.writing_model is not None
    count = concurrent_questions or at_once(writes=writes)
    readers = app.state.readers = Readers(count, longest_line=longest_line(writes=writes))
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
    for path, content, media_type in static_files():
        _add_static_file(app, path, content, media_type)


def _add_static_file(app: fastapi.FastAPI, path: str, content: bytes, media_type: str) -> None:
    """Add the route of one file."""

    @app.api_route(path, methods=["GET", "HEAD"])
    def static_file() -> Response:
        return static_response(content, media_type)
