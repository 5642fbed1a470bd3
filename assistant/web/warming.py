"""What the server answers from its first second, while the data folder is opened and the page is made.

A small ASGI application: signs of life for monitors, one page of ours that opens the real one by itself, and one
sentence for programs. It stands behind the same `Gate` as the site, and knows nothing that would need the access code.
"""

from __future__ import annotations

import re
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from assistant.web.gate import STRICT_POLICY, Gate
from assistant.web.pages import framed, language_of, static_files, static_response
from assistant.web.visits import Door, Proxies, path_inside
from assistant.web.words import WORDS, InterfaceLanguage

# After how many seconds the page looks again, and a program may.
AGAIN_SECONDS = 2
_HEADERS = {"cache-control": "no-store", "content-security-policy": STRICT_POLICY}
_STATIC = {path: (content, media_type) for path, content, media_type in static_files()}
_LATER = {**_HEADERS, "retry-after": str(AGAIN_SECONDS), "vary": "accept-language, cookie"}
_FONT = re.compile(r"/static/fonts/SourceSansPro/SourceSansPro-\w+\.woff2")
# What a page or a program asks for in the background; nobody would see a page there.
_UNSEEN = ("/gradio_api/", "/assets/", "/static/", "/svelte/", "/api/")


def warming_site(door: Door) -> Gate:
    """Return the site that answers until the real one is there.

    Args:
        door: By which way visitors come in. Its code is not asked for: there is nothing behind it yet.
    """
    return Gate(
        _answer,
        proxies=Proxies(door.trusted_proxies, door.path_prefix),
        staff=_NobodyIsIn() if door.staff_password_hash else None,
    )


class _NobodyIsIn:
    """The desk's door, before anybody can have logged in."""

    def session(self, token: str) -> None:
        """Return no session."""


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope)
    path, words = path_inside(scope), WORDS[language_of(request)]
    static = _STATIC.get(path)
    response: Response
    if path == "/health":
        response = JSONResponse({"status": "ok", "ready": False, "documents": 0}, headers=_HEADERS)
    elif path == "/ready":
        response = JSONResponse({"ready": False, "missing": ["page", "model", "documents"]}, 503, _LATER)
    elif static is not None:
        response = static_response(*static)
    elif _FONT.fullmatch(path):
        response = _font(path)
    elif path.startswith(("/api/", "/gradio_api/")):
        response = JSONResponse({"error": words["warming_later"]}, 503, _LATER)
    elif request.method == "POST" or path.startswith(_UNSEEN):
        response = PlainTextResponse(words["warming_later"], 503, _LATER)
    else:
        page = _page(language_of(request), request)
        # A header, since a policy without scripts does not hold it back, and it is no part of the page's text.
        response = HTMLResponse(page, 503, {**_LATER, "refresh": str(AGAIN_SECONDS)})
    await response(scope, receive, send)


def _font(path: str) -> Response:
    """Return a font that our styles name; it lies beside Gradio's page, which need not be imported for that."""
    found = find_spec("gradio")
    for folder in (found.submodule_search_locations if found else None) or ():
        file = Path(folder, "templates", "frontend", path[1:])
        if file.is_file():
            return static_response(file.read_bytes(), "font/woff2")
    return PlainTextResponse("", 404, _HEADERS)


def _page(language: InterfaceLanguage, request: Request) -> str:
    """Return the page that stands at every address meanwhile; in the other language it is at the same address."""
    words = WORDS[language]
    body = (
        f'<div class="own-warming"><h1>{escape(words["warming_title"])}</h1>'
        f'<p class="own-lead">{escape(words["warming_what"])}</p></div>'
    )
    raw: bytes = request.scope["raw_path"].removeprefix(request.scope["root_path"].encode())
    above, _, name = raw.decode("latin-1").rpartition("/")
    asked = [(key, value) for key, value in parse_qsl(request.url.query, keep_blank_values=True) if key != "lang"]
    up = "../" * above.count("/")
    return framed(language, words["warming_title"], body, up=up, here=name, query=urlencode(asked), way_back=False)
