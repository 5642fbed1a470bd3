"""What all pages of the desk share: their frame, their headers, their addresses, and what follows on a request.

A page of the desk is made of forms and links, has an address of its own and works without a script. What changes
something is a `POST` that ends in `see_other`, so that going back and loading again change nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

import fastapi
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from assistant.errors import AssistantError
from assistant.web.gate import FORM_POLICY
from assistant.web.pages import language_of
from assistant.web.staff_access import (
    TOKEN_FIELD,
    FormRefused,
    Notice,
    NoticeKind,
    NotSignedIn,
    Session,
    signed_in,
)
from assistant.web.staff_forms import Reader
from assistant.web.staff_words import STAFF_WORDS
from assistant.web.words import LANGUAGE_NAMES, WORDS, InterfaceLanguage

# Both, since monitors and browsers look before they load.
READ = ["GET", "HEAD"]
DESK = "staff"
FIRST_PAGE = "/today"
# The parts of the desk, in the order of the navigation: key and address below the desk.
SECTIONS = (
    ("today", FIRST_PAGE),
    ("add", "/add"),
    ("documents", "/documents"),
    ("gaps", "/gaps"),
    ("health", "/health"),
    ("history", "/history"),
    ("upkeep", "/upkeep"),
)
_POLICY = FORM_POLICY.replace("frame-ancestors 'self'", "frame-ancestors 'none'")
# For a page with our script, which asks this server alone.
_SCRIPT_POLICY = f"{_POLICY}; script-src 'self'; connect-src 'self'"
DESK_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
}


class DeskRoute(APIRoute):
    """A route of the desk: leads to the door who is not logged in, and says in one sentence what did not work."""

    def get_route_handler(self) -> Callable[[fastapi.Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with the answers to what it may raise and the headers of the desk."""
        handle = super().get_route_handler()

        async def guarded(request: fastapi.Request) -> Response:
            try:
                response = await handle(request)
            except NotSignedIn:
                response = to_login(request)
            except FormRefused as refused:
                sentence = STAFF_WORDS[language_of(request)][refused.word]
                response = problem(request, sentence, refused.status)
            except AssistantError as error:
                response = problem(request, str(error), 422)
            for name, value in DESK_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return guarded


def desk_router() -> fastapi.APIRouter:
    """Return an empty router below `/staff`, all of whose routes are for people who have logged in."""
    return fastapi.APIRouter(prefix=f"/{DESK}", dependencies=[fastapi.Depends(signed_in)], route_class=DeskRoute)


def way(request: fastapi.Request) -> str:
    """Return the relative way from the page of a request to the root of the site: `./` or `../` for each level."""
    raw: bytes = request.scope["raw_path"].removeprefix(request.scope.get("root_path", "").encode())
    return "../" * (raw.count(b"/") - 1) or "./"


def address(request: fastapi.Request, below: str = "", **query: str | int | None) -> str:
    """Return the relative address of a page of the desk, for a link, a form or `see_other`; not yet escaped for HTML.

    Args:
        below: What stands after `/staff`, such as `/documents/a/b.md`; whatever an address cannot hold is encoded.
        query: What stands after the question mark; None is left out.
    """
    asked = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items() if value is not None)
    return f"{way(request)}{DESK}{quote(below, safe='/')}{f'?{asked}' if asked else ''}"


def reader_of(request: fastapi.Request, today: Callable[[], date]) -> Reader:
    """Return whom the page of a request is made for: somebody who has logged in."""
    session: Session = request.state.session
    return Reader(language_of(request), session.form_token, today())


def token_field(session: Session) -> str:
    """Return the hidden field that every form of the desk holds."""
    return f'<input type="hidden" name="{TOKEN_FIELD}" value="{escape(session.form_token)}">'


def see_other(
    request: fastapi.Request,
    below: str = "",
    notice: str = "",
    *,
    kind: NoticeKind = "done",
    **query: str | int | None,
) -> Response:
    """Return the answer to a form: the way to the page that shows what has become of it, and a sentence for it.

    Args:
        below: As for `address`.
        notice: Plain text, shown once by the session's next page.
    """
    session: Session | None = getattr(request.state, "session", None)
    if notice and session is not None:
        session.notices.append(Notice(notice, kind))
    return RedirectResponse(address(request, below, **query), 303)


def page(
    request: fastapi.Request,
    title: str,
    body: str,
    *,
    section: str = "",
    status: int = 200,
    script: bool = False,
    heading: bool = True,
) -> HTMLResponse:
    """Return a page of the desk, with the notices that wait for it.

    Args:
        title: Plain text.
        body: HTML, below the page's heading.
        section: The key of its part in `SECTIONS`, marked in the navigation.
        script: Whether it needs `static/usanext/staff.js`, whose policy it then gets.
        heading: Whether the title stands over the body as `h1`; else the body holds one itself.
    """
    language = language_of(request)
    session: Session | None = getattr(request.state, "session", None)
    notices: list[Notice] = []
    if session is not None and request.method != "HEAD":
        notices, session.notices[:] = list(session.notices), []
    html = framed(
        language, title, body, root=way(request), session=session, section=section, notices=notices, script=script,
        heading=heading, here=_here(request),
    )  # fmt: skip
    response = HTMLResponse(html.encode("utf-8", "replace"), status)
    if script:
        response.headers["content-security-policy"] = _SCRIPT_POLICY
    return response


def problem(request: fastapi.Request, sentence: str, status: int = 422) -> Response:
    """Return the page that says what did not work; plain text for our script, which shows it itself."""
    if request.headers.get("sec-fetch-dest", "document") == "empty":
        return PlainTextResponse(sentence, status)
    words = STAFF_WORDS[language_of(request)]
    return page(request, words["failed_title"], notice_html(sentence, "problem"), status=status)


def to_login(request: fastapi.Request) -> Response:
    """Return what somebody gets who has not logged in: the door, or for a form and our script a sentence."""
    words = STAFF_WORDS[language_of(request)]
    if request.method in ("GET", "HEAD") and request.headers.get("sec-fetch-dest", "document") != "empty":
        return RedirectResponse(address(request, "/login", next=_here(request) or None), 303)
    return problem(request, words["session_over"], 401)


def notice_html(sentence: str, kind: NoticeKind = "done") -> str:
    """Return one sentence as the pages show it: what was done, or a problem, which is read out at once."""
    role, look = ("alert", "care") if kind == "problem" else ("status", "good")
    return f'<div class="desk-note {look}" role="{role}"><p>{escape(sentence)}</p></div>'


def framed(
    language: InterfaceLanguage,
    title: str,
    body: str,
    *,
    root: str,
    session: Session | None = None,
    section: str = "",
    notices: list[Notice] | None = None,
    script: bool = False,
    heading: bool = True,
    here: str = "",
    query: Mapping[str, str] | None = None,
) -> str:
    """Return a whole page of the desk; without a session it has no navigation.

    Args:
        root: The relative way to the root of the site, such as `../`.
        here: The page's address below the desk, which another language comes back to.
        query: What its address holds besides the language, where there is no session.
    """
    words = STAFF_WORDS[language]
    static = f"{root}static/usanext"
    said = "".join(notice_html(notice.sentence, notice.kind) for notice in notices or ())
    loaded = f'<script src="{static}/staff.js" defer></script>' if script else ""
    inside = _navigation(language, root, section, session) if session else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} – {escape(words['desk'])}</title>"
        f'<link rel="icon" href="{static}/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{static}/chat.css">'
        f'<link rel="stylesheet" href="{static}/saved.css">'
        f'<link rel="stylesheet" href="{static}/staff.css">'
        f"{loaded}"
        f'</head><body class="own desk"><a class="desk-skip" href="#content">{escape(words["skip"])}</a>'
        f'<header class="desk-top"><div class="desk-bar">'
        f'<a class="own-name" href="{root}{DESK}">{escape(WORDS[language]["wordmark"])} '
        f'<span class="desk-name">{escape(words["desk"])}</span></a>'
        f"{_who(language, root, session, here, query or {})}</div>{inside}</header>"
        f'<main class="desk-main" id="content" tabindex="-1">'
        f"{f'<h1>{escape(title)}</h1>' if heading else ''}{said}{body}</main></body></html>"
    )


def _navigation(language: InterfaceLanguage, root: str, section: str, session: Session) -> str:
    words = STAFF_WORDS[language]
    marks = {section: ' aria-current="page"'}
    links = "".join(
        f'<li><a href="{root}{DESK}{below}"{marks.get(key, "")}>{escape(words[f"section_{key}"])}</a></li>'
        for key, below in SECTIONS
    )
    return f'<nav class="desk-nav" aria-label="{escape(words["sections"])}"><ul>{links}</ul></nav>'


def _here(request: fastapi.Request) -> str:
    """Return the address of a page below the desk, without the slash before it."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).removeprefix(f"/{DESK}")
    query = request.scope.get("query_string", b"").decode("latin-1")
    return (quote(path, safe="/") + (f"?{query}" if query else "")).lstrip("/")


def _who(language: InterfaceLanguage, root: str, session: Session | None, here: str, query: Mapping[str, str]) -> str:
    """Return the other language, who is logged in, and the way out."""
    words = STAFF_WORDS[language]
    other, name = next((code, name) for name, code in LANGUAGE_NAMES if code != language)
    chat = f'<a href="{root}">{escape(words["to_chat"])}</a>'
    if session is None:
        asked = escape(urlencode({**query, "lang": other}))
        return f'<div class="desk-who">{chat}<a lang="{other}" hreflang="{other}" href="?{asked}">{name}</a></div>'
    token = token_field(session)
    return (
        f'<div class="desk-who">{chat}'
        f'<form method="post" action="{root}{DESK}/language">{token}'
        f'<input type="hidden" name="back" value="{escape(here)}">'
        f'<button class="desk-link" name="language" value="{other}" lang="{other}">{name}</button></form>'
        f'<span class="desk-by">{escape(words["signed_in_as"].format(name=session.name))}</span>'
        f'<form method="post" action="{root}{DESK}/logout">{token}'
        f'<button class="desk-link">{escape(words["log_out"])}</button></form></div>'
    )
