"""What our own pages share: the policy they are sent under, their language, their frame, and the files beside them.

Imports no web framework whole: a page of ours is there before the others can be.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assistant.web.gate import STRICT_POLICY
from assistant.web.words import LANGUAGE_COOKIE, LANGUAGE_NAMES, WORDS, InterfaceLanguage, preferred_language

STATIC = "/static/usanext"
_STATIC_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def own_page(html: str, status_code: int = 200) -> HTMLResponse:
    """Return one of our own pages, under the strict policy."""
    headers = {"content-security-policy": STRICT_POLICY, "vary": "accept-language, cookie, sec-fetch-dest"}
    return HTMLResponse(html.encode("utf-8", "replace"), status_code, headers=headers)


def framed(
    language: InterfaceLanguage,
    title: str,
    body: str,
    *,
    up: str = "",
    here: str,
    query: str = "",
    way_back: bool = True,
) -> str:
    """Return a whole page around `body`: its head, the way back to the assistant, and the other language.

    Args:
        title: Plain text.
        body: HTML; the page's own heading stands in it.
        up: The way from the page to the root of the site: `../` for each level.
        here: The page's own address, relative to itself; `./` before it keeps `javascript:...` a mere name.
        query: What else than `lang` its address must carry, such as `key=...`.
        way_back: Whether there is an assistant to go back to.
    """
    words = WORDS[language]
    links = "".join(
        f'<a class="language" lang="{other}" hreflang="{other}" '
        f'href="{escape(f"./{here}?{query}&lang={other}" if query else f"./{here}?lang={other}")}">{escape(name)}</a>'
        for name, other in LANGUAGE_NAMES
        if other != language
    )
    home = up or "./"
    back = f'<a href="{home}">{escape(words["back"])}</a>' if way_back else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} – {escape(words['wordmark'])}</title>"
        f'<link rel="icon" href="{up}static/usanext/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{up}static/usanext/chat.css">'
        f'<link rel="stylesheet" href="{up}static/usanext/saved.css"></head><body class="own">'
        f'<header class="own-top"><a class="own-name" href="{home}">{escape(words["wordmark"])}</a>'
        f"<nav>{back}{links}</nav></header>"
        f'<main class="own-main">{body}</main></body></html>'
    )


def language_of(request: Request) -> InterfaceLanguage:
    """Return the interface language of a request."""
    return preferred_language(
        asked=request.query_params.get("lang"),
        remembered=request.cookies.get(LANGUAGE_COOKIE),
        accept_language=request.headers.get("accept-language"),
    )


def static_files() -> Iterator[tuple[str, bytes, str]]:
    """Yield path, content and media type of our own style sheets, scripts and pictures; the icon under two paths."""
    for resource in files("assistant.web").joinpath("static").iterdir():
        media_type = _STATIC_TYPES.get(Path(resource.name).suffix)
        if media_type:
            for path in [f"{STATIC}/{resource.name}"] + (["/favicon.ico"] if resource.name == "icon.svg" else []):
                yield path, resource.read_bytes(), media_type


def static_response(content: bytes, media_type: str) -> Response:
    """Return one of those files, which never changes while the server runs."""
    headers = {"cache-control": "max-age=300", "content-security-policy": STRICT_POLICY}
    return Response(content, media_type=media_type, headers=headers)


def is_document_id(document_id: str) -> bool:
    """Return whether a text can be a path inside a corpus at all: relative, no way up, no control characters."""
    parts = document_id.split("/")
    clean = not any(unicodedata.category(character) in ("Cc", "Cs") for character in document_id)
    return clean and "\\" not in document_id and not any(part in ("", ".", "..") for part in parts)
