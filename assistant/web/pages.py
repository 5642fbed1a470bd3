"""What our own pages share: the strict policy they are sent under, and the language they are sent in."""

from __future__ import annotations

import unicodedata
from html import escape

import fastapi
from fastapi.responses import HTMLResponse

from assistant.web.gate import STRICT_POLICY
from assistant.web.words import LANGUAGE_COOKIE, LANGUAGE_NAMES, WORDS, InterfaceLanguage, preferred_language


def own_page(html: str, status_code: int = 200) -> HTMLResponse:
    """Return one of our own pages, under the strict policy."""
    headers = {"content-security-policy": STRICT_POLICY, "vary": "accept-language, cookie, sec-fetch-dest"}
    return HTMLResponse(html.encode("utf-8", "replace"), status_code, headers=headers)


def framed(language: InterfaceLanguage, title: str, body: str, *, up: str = "", here: str, query: str = "") -> str:
    """Return a whole page around `body`: its head, the way back to the assistant, and the other language.

    Args:
        title: Plain text.
        body: HTML; the page's own heading stands in it.
        up: The way from the page to the root of the site: `../` for each level.
        here: The page's own address, relative to itself; `./` before it keeps `javascript:...` a mere name.
        query: What else than `lang` its address must carry, such as `key=...`.
    """
    words = WORDS[language]
    links = "".join(
        f'<a class="language" lang="{other}" hreflang="{other}" '
        f'href="{escape(f"./{here}?{query}&lang={other}" if query else f"./{here}?lang={other}")}">{escape(name)}</a>'
        for name, other in LANGUAGE_NAMES
        if other != language
    )
    home = up or "./"
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} – {escape(words['wordmark'])}</title>"
        f'<link rel="icon" href="{up}static/usanext/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{up}static/usanext/chat.css">'
        f'<link rel="stylesheet" href="{up}static/usanext/saved.css"></head><body class="own">'
        f'<header class="own-top"><a class="own-name" href="{home}">{escape(words["wordmark"])}</a>'
        f'<nav><a href="{home}">{escape(words["back"])}</a>{links}</nav></header>'
        f'<main class="own-main">{body}</main></body></html>'
    )


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
