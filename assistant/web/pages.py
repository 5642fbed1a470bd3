"""What our own pages share: the strict policy they are sent under, and the language they are sent in."""

from __future__ import annotations

import unicodedata

import fastapi
from fastapi.responses import HTMLResponse

from assistant.web.gate import STRICT_POLICY
from assistant.web.words import LANGUAGE_COOKIE, InterfaceLanguage, preferred_language


def own_page(html: str, status_code: int = 200) -> HTMLResponse:
    """Return one of our own pages, under the strict policy."""
    headers = {"content-security-policy": STRICT_POLICY, "vary": "accept-language, cookie"}
    return HTMLResponse(html.encode("utf-8", "replace"), status_code, headers=headers)


def language_of(request: fastapi.Request) -> InterfaceLanguage:
    """Return the interface language of a request."""
    return preferred_language(
        asked=request.query_params.get("lang"),
        remembered=request.cookies.get(LANGUAGE_COOKIE),
        accept_language=request.headers.get("accept-language"),
    )


def is_document_id(document_id: str) -> bool:
    """Return whether a text can be a path inside a corpus at all: relative, no way up, no control characters."""
    parts = document_id.split("/")
    clean = not any(unicodedata.category(character) in ("Cc", "Cs") for character in document_id)
    return clean and "\\" not in document_id and not any(part in ("", ".", "..") for part in parts)
