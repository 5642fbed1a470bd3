"""The first bytes of the founders' page: Gradio's own page, with our name, style and script in it from the start.

Gradio adds what it is given as `head` only when its script runs, so the page would stay empty until then; and its page
describes itself to link previews as a Gradio app. Both are put right here, in the page as it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from html import escape
from typing import Any

from assistant.web.visits import path_inside
from assistant.web.words import LANGUAGE_COOKIE, WORDS, InterfaceLanguage, preferred_language

# Not deferred: it names the page's parts as they come.
HEAD = (
    '<link rel="stylesheet" href="static/usanext/chat.css">'
    '<link rel="icon" href="static/usanext/icon.svg" type="image/svg+xml">'
    '<link rel="preload" href="static/fonts/SourceSansPro/SourceSansPro-Bold.woff2" as="font" crossorigin>'
    '<script src="static/usanext/chat.js"></script>'
)
_PREVIEW = re.compile(r'\s*<meta\s[^>]*?(?:property="og:|name="twitter:)[^>]*>|\s*<link rel="manifest"[^>]*>')
_OPENING = re.compile(r"<html\s[^>]*>.*?<head>.*?<base\s[^>]*>", re.DOTALL)
_BODY = re.compile(r"<body[^>]*>")

Application = Callable[..., Any]
Scope = MutableMapping[str, Any]


class FrontPage:
    """Middleware that completes the page at the root; everything else passes as it is."""

    def __init__(self, app: Application) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Pass a request on, and complete the answer where it is the page at the root."""
        if scope["type"] != "http" or path_inside(scope) != "/" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # Compressed, it could not be read.
        plain = [(name, value) for name, value in scope["headers"] if name.lower() != b"accept-encoding"]
        start: MutableMapping[str, Any] = {}
        parts: list[bytes] = []

        async def complete(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts)
            sent = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            if any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in sent):
                body = front_page(body.decode(), _language(scope, headers)).encode() if body else body
            sent += [(b"content-length", str(len(body)).encode()), (b"vary", b"accept-language, cookie")]
            await send({**start, "headers": sent})
            await send({"type": "http.response.body", "body": body})

        await self._app({**scope, "headers": plain}, receive, complete)


def front_page(html: str, language: InterfaceLanguage) -> str:
    """Return Gradio's page with our head, title and name in it, and without its description of itself.

    A page that is not built as expected is returned as it is: it works, and only comes later to the screen.
    """
    words = WORDS[language]
    opening, body = _OPENING.search(html), _BODY.search(html)
    if not opening or not body:
        return html
    title = f"<title>{escape(words['page_title'])}</title>"
    about = f'<meta name="description" content="{escape(words["does"])}"><meta name="robots" content="noindex">'
    first = re.sub(r'<html\s+lang="[^"]*"', f'<html lang="{language}"', opening[0], count=1)
    name = f'<div id="splash">{escape(words["wordmark"])}</div><noscript>{escape(words["needs_script"])}</noscript>'
    rest = html[opening.end() : body.start()]
    page = f"{html[: opening.start()]}{first}{title}{about}{HEAD}{rest}{body[0]}{name}{html[body.end() :]}"
    return _PREVIEW.sub("", page)


def _language(scope: Scope, headers: dict[bytes, str]) -> InterfaceLanguage:
    """Return the interface language of a request, as the page itself will choose it."""
    asked = re.search(r"(?:^|&)lang=([a-zA-Z_-]{2,12})", scope.get("query_string", b"").decode("latin-1"))
    remembered = re.search(rf"(?:^|;\s*){LANGUAGE_COOKIE}=(\w+)", headers.get(b"cookie", ""))
    return preferred_language(
        asked=asked[1] if asked else None,
        remembered=remembered[1] if remembered else None,
        accept_language=headers.get(b"accept-language"),
    )
