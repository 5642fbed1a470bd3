"""The addresses of sources: a document version with its quote marked, and the download of the original."""

from __future__ import annotations

import mimetypes
import unicodedata
from pathlib import Path
from typing import Protocol

import fastapi
from fastapi.responses import FileResponse, HTMLResponse, Response

from assistant.domain import Document
from assistant.web import viewer
from assistant.web.gate import STRICT_POLICY
from assistant.web.pages import is_document_id, language_of, own_page
from assistant.web.words import WORDS


class Holds(Protocol):
    """What the addresses of sources need of the assistant."""

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version (the current one without `version`), or None when it is not known."""
        ...

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        """Return the original file of a version, or None when it is not kept."""
        ...


def add_sources(app: fastapi.FastAPI, assistant: Holds) -> None:
    """Add the viewer and the download of originals. Files are reached through the assistant alone, never by path."""

    @app.api_route("/source/{document_id:path}", methods=["GET", "HEAD"])
    def source(
        request: fastapi.Request,
        document_id: str,
        version: str | None = None,
        start: str | None = None,
        end: str | None = None,
    ) -> HTMLResponse:
        language = language_of(request)
        document_id = unicodedata.normalize("NFC", document_id)
        current = assistant.document(document_id) if is_document_id(document_id) else None
        document = current if not version or (current and current.version == version) else None
        if document is None and version and is_document_id(document_id):
            document = assistant.document(document_id, version)
        if document is None:
            return own_page(viewer.not_found(language, WORDS[language]["not_found"]), 404)
        original = assistant.original(document.id, document.version) is not None
        return own_page(
            viewer.page(document, language=language, start=start, end=end, current=current, original=original)
        )

    @app.api_route("/original/{document_id:path}", methods=["GET", "HEAD"])
    def original(request: fastapi.Request, document_id: str, version: str | None = None) -> Response:
        words = WORDS[language_of(request)]
        document_id = unicodedata.normalize("NFC", document_id)
        path = assistant.original(document_id, version or None) if is_document_id(document_id) else None
        if path is None or not path.is_file():
            return own_page(viewer.not_found(language_of(request), words["original_missing"]), 404)
        name = document_id.rsplit("/", 1)[-1]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Attachment: a browser must never show somebody's HTML or SVG as a page of this server.
        headers = {"content-security-policy": f"{STRICT_POLICY}; sandbox"}
        return FileResponse(path, media_type=media_type, filename=name, headers=headers)
