"""The addresses of sources: a document version with its quote marked, its pages as pictures, and its original file."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from pathlib import Path
from typing import Protocol

import fastapi
from fastapi.responses import FileResponse, HTMLResponse, Response

from assistant.domain import Document
from assistant.web import viewer
from assistant.web.among import read_among
from assistant.web.gate import STRICT_POLICY
from assistant.web.pages import is_document_id, language_of, own_page
from assistant.web.sheets import Look, Sheet, shows_pages
from assistant.web.withdrawn import Withdraws, sentence
from assistant.web.words import WORDS

_PAGE = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
# A version never changes, and neither do its pages.
_FOR_EVER = "private, max-age=31536000, immutable"


class Holds(Withdraws, Protocol):
    """What the addresses of sources need of the assistant."""

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version (the current one without `version`), or None when it is not known."""
        ...

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        """Return the original file of a version, or None when it is not kept."""
        ...

    def page_look(self, document: Document, page: int, start: int, end: int) -> Look | None:
        """Return how a page (from 1) of a PDF looks and where on it `text[start:end]` stands, as far as it does.

        None where the page cannot be shown.
        """
        ...

    def page_picture(self, document: Document, page: int) -> bytes | None:
        """Return a page (from 1) of a PDF as PNG, or None where it cannot be shown."""
        ...


def add_sources(app: fastapi.FastAPI, assistant: Holds) -> None:
    """Add the viewer, pages as pictures, and the download of originals.

    Files are reached through the assistant alone, never by path.
    """
    _add_viewer(app, assistant)
    _add_pages(app, assistant)
    _add_originals(app, assistant)


def _add_viewer(app: fastapi.FastAPI, assistant: Holds) -> None:
    @app.api_route("/source/{document_id:path}", methods=["GET", "HEAD"])
    def source(
        request: fastapi.Request,
        document_id: str,
        version: str | None = None,
        start: str | None = None,
        end: str | None = None,
        page: str | None = None,
        among: str | None = None,
    ) -> HTMLResponse:
        document = _find(assistant, document_id, version)
        if document is None:
            return _withdrawn(request, assistant, document_id, version) or _not_found(request, document_id, "not_found")
        html = viewer.page(
            document,
            language=language_of(request),
            start=start,
            end=end,
            current=assistant.document(document.id),
            original=assistant.original(document.id, document.version) is not None,
            sheets=_sheets(assistant, document, viewer.quote_span(document, start, end), page),
            among=read_among(among),
            framed=request.headers.get("sec-fetch-dest") == "iframe",
        )
        return own_page(html)


def _add_pages(app: fastapi.FastAPI, assistant: Holds) -> None:
    @app.api_route("/page/{document_id:path}", methods=["GET", "HEAD"])
    def picture(
        request: fastapi.Request, document_id: str, version: str | None = None, page: str | None = None
    ) -> Response:
        document = _find(assistant, document_id, version)
        number = int(page) if page and _PAGE.fullmatch(page) else 0
        if document is None or not shows_pages(document) or not 1 <= number <= len(document.pages):
            return _not_found(request, document_id, "page_missing")
        tag = f'"{document.version[:32]}-{number}"'
        # Without a version it is the current one's page, which another may replace.
        headers = {"etag": tag, "cache-control": _FOR_EVER if version else "private, no-cache"}
        if tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        png = assistant.page_picture(document, number)
        if png is None:
            return _not_found(request, document_id, "page_missing")
        headers["content-security-policy"] = f"{STRICT_POLICY}; sandbox"
        return Response(png, media_type="image/png", headers=headers)


def _add_originals(app: fastapi.FastAPI, assistant: Holds) -> None:
    @app.api_route("/original/{document_id:path}", methods=["GET", "HEAD"])
    def original(request: fastapi.Request, document_id: str, version: str | None = None) -> Response:
        known = unicodedata.normalize("NFC", document_id)
        path = assistant.original(known, version or None) if is_document_id(known) else None
        if path is None or not path.is_file():
            return _not_found(request, document_id, "original_missing")
        name = known.rsplit("/", 1)[-1]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Attachment: a browser must never show somebody's HTML or SVG as a page of this server.
        headers = {"content-security-policy": f"{STRICT_POLICY}; sandbox"}
        return FileResponse(path, media_type=media_type, filename=name, headers=headers)


def _find(assistant: Holds, document_id: str, version: str | None) -> Document | None:
    """Return a version of a document, the current one by default, or None where it is not known."""
    known = unicodedata.normalize("NFC", document_id)
    return assistant.document(known, version or None) if is_document_id(known) else None


def _withdrawn(
    request: fastapi.Request, assistant: Holds, document_id: str, version: str | None
) -> HTMLResponse | None:
    """Return what is left of a withdrawn version: its title and the day; None for one that was not withdrawn."""
    known = unicodedata.normalize("NFC", document_id)
    withdrawn = assistant.withdrawn(known, version) if version and is_document_id(known) else None
    if withdrawn is None:
        return None
    language = language_of(request)
    return own_page(viewer.not_found(language, sentence(withdrawn, language), viewer.way_up(document_id)), 410)


def _sheets(assistant: Holds, document: Document, quote: viewer.Span | None, page: str | None) -> list[Sheet]:
    """Return the pages to show as they look; none for other formats, and where the original is not kept."""
    numbers = viewer.pages_to_show(document, quote, page)
    if not numbers or assistant.original(document.id, document.version) is None:
        return []
    span = quote or viewer.Span(0, 0)
    sheets = []
    for number in numbers:
        end = document.pages[number] if number < len(document.pages) else len(document.text)
        quoted = max(span.start, document.pages[number - 1]) < min(span.end, end)
        sheets.append(Sheet(number, assistant.page_look(document, number, span.start, span.end), quoted))
    return sheets


def _not_found(request: fastapi.Request, document_id: str, sentence: str) -> HTMLResponse:
    language = language_of(request)
    return own_page(viewer.not_found(language, WORDS[language][sentence], viewer.way_up(document_id)), 404)
