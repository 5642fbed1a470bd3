"""The way into the staff desk and out of it: the form for the password, or how to turn the desk on."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import parse_qsl, unquote, urlencode

import fastapi
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assistant.web.gate import waiting_time
from assistant.web.pages import language_of
from assistant.web.staff_access import (
    LONGEST_NAME,
    LONGEST_PASSWORD,
    Notice,
    SignedIn,
    StaffDoor,
    clean_name,
    form_of,
    read_form,
)
from assistant.web.staff_frame import (
    DESK,
    FIRST_PAGE,
    READ,
    DeskRoute,
    address,
    desk_router,
    framed,
    notice_html,
    page,
    see_other,
    way,
)
from assistant.web.staff_words import STAFF_WORDS
from assistant.web.visits import STAFF_COOKIE, Visit
from assistant.web.words import LANGUAGE_COOKIE, WORDS

_YEAR_SECONDS = 365 * 24 * 3600
_LOOPBACK = re.compile(r"(localhost|127(\.[0-9]+){3}|\[::1\])(:[0-9]+)?")


def off_router() -> fastapi.APIRouter:
    """Return the one route of a desk that is off: how to turn it on."""
    router = fastapi.APIRouter(prefix=f"/{DESK}", route_class=DeskRoute)

    @router.api_route("", methods=READ)
    def off(request: fastapi.Request) -> Response:
        words = STAFF_WORDS[language_of(request)]
        steps = (
            (words["off_make"], "python -m assistant hash-password"),
            (words["off_set"], "ASSISTANT_STAFF_PASSWORD_HASH='$2b$12$...'"),
            (words["off_restart"], ""),
        )
        listed = "".join(
            f"<li>{escape(sentence)}{f'<pre><code>{escape(line)}</code></pre>' if line else ''}</li>"
            for sentence, line in steps
        )
        body = f"<p>{escape(words['off_why'])}</p><p>{escape(words['off_how'])}</p><ol class=desk-steps>{listed}</ol>"
        return page(request, words["off_title"], body)

    return router


def entering_router(door: StaffDoor) -> fastapi.APIRouter:
    """Return the routes that need no session: the form for the password."""
    router = fastapi.APIRouter(prefix=f"/{DESK}", route_class=DeskRoute)

    @router.api_route("/login", methods=READ)
    def login(request: fastapi.Request, next: str = "") -> Response:
        if door.session(request.cookies.get(STAFF_COOKIE, "")) is not None:
            return _lead_on(request, next)
        said = Notice(STAFF_WORDS[language_of(request)]["logged_out"]) if "out" in request.query_params else None
        return _form(request, next, said)

    @router.post("/login")
    async def give_password(request: fastapi.Request) -> Response:
        words, visit = STAFF_WORDS[language_of(request)], _visit(request)
        form = await read_form(request)
        wanted, name = form.text("next"), clean_name(form.text("name"))
        password = form.texts("password")[-1] if "password" in form else ""
        seconds = door.wait(visit)
        if seconds:
            return _wait(request, wanted, name, seconds)
        if not name:
            return _form(request, wanted, Notice(words["login_no_name"], "problem"), status=422)
        if door.is_busy(visit):
            return _form(request, wanted, Notice(words["login_busy"], "problem"), name=name, status=503)
        if not await door.opens(password, visit):
            seconds = door.wait(visit)
            if seconds:
                return _wait(request, wanted, name, seconds)
            return _form(request, wanted, Notice(words["login_wrong"], "problem"), name=name, status=403)
        # A token that somebody else may have put into this browser ends here.
        door.end(request.cookies.get(STAFF_COOKIE, ""))
        response = _lead_on(request, wanted)
        response.headers.append("set-cookie", _cookie(door.begin(name), visit))
        return response

    return router


def leaving_router(door: StaffDoor) -> fastapi.APIRouter:
    """Return the routes of everybody who has logged in: the way out, the language, and what is no page.

    Added last: it answers whatever no other route of the desk does.
    """
    router = desk_router()

    @router.post("/logout")
    def log_out(request: fastapi.Request) -> Response:
        door.end(request.cookies.get(STAFF_COOKIE, ""))
        if "everywhere" in form_of(request):
            door.end_all()
        response = RedirectResponse(address(request, "/login", out=1), 303)
        response.headers.append("set-cookie", _cookie("", _visit(request), ended=True))
        return response

    @router.post("/language")
    def language(request: fastapi.Request) -> Response:
        form = form_of(request)
        response = _lead_on(request, form.text("back"))
        if form.text("language") in WORDS:
            # As the founders' page sets it, which shares the choice and reads it by script.
            lasting = f"Path=/; Max-Age={_YEAR_SECONDS}; SameSite=Strict"
            response.headers.append("set-cookie", f"{LANGUAGE_COOKIE}={form.text('language')}; {lasting}")
        return response

    @router.api_route("", methods=READ)
    @router.api_route("/", methods=READ)
    def first_page(request: fastapi.Request) -> Response:
        return see_other(request, FIRST_PAGE)

    @router.api_route("/{rest:path}", methods=[*READ, "POST"])
    def none(request: fastapi.Request, session: SignedIn) -> Response:
        words = STAFF_WORDS[language_of(request)]
        return page(request, words["not_found_title"], f"<p>{escape(words['not_found'])}</p>", status=404)

    return router


def _lead_on(request: fastapi.Request, wanted: str) -> Response:
    """Return the way to the page of the desk that was wanted, where it is one, else to the first one."""
    path, _, query = wanted.partition("?")
    inside = unquote(path)
    if not path or re.search(r"(^|/)\.{1,2}(/|$)|[\\\x00-\x1f]|//", inside) or inside.startswith(("login", "logout")):
        return RedirectResponse(address(request, FIRST_PAGE), 303)
    asked = urlencode(parse_qsl(query, keep_blank_values=True))
    return RedirectResponse(address(request, f"/{inside}") + (f"?{asked}" if asked else ""), 303)


def _wait(request: fastapi.Request, wanted: str, name: str, seconds: float) -> Response:
    sentence = STAFF_WORDS[language_of(request)]["login_wait"].format(wait=waiting_time(seconds))
    response = _form(request, wanted, Notice(sentence, "problem"), name=name, status=429)
    response.headers["retry-after"] = str(int(seconds) + 1)
    return response


def _form(
    request: fastapi.Request, wanted: str, said: Notice | None = None, *, name: str = "", status: int = 200
) -> HTMLResponse:
    """Return the form for the password; the name stays in it, the password never."""
    language = language_of(request)
    words, visit = STAFF_WORDS[language], _visit(request)
    unsafe = "" if visit.secure or _LOOPBACK.fullmatch(visit.host) else notice_html(words["login_insecure"], "problem")
    at_name = " autofocus" if not name else ""
    at_password = " autofocus" if name else ""
    body = (
        f"<p>{escape(words['login_why'])}</p>{unsafe}{notice_html(said.sentence, said.kind) if said else ''}"
        f'<form class="desk-form desk-login" method="post" action="{address(request, "/login", lang=language)}">'
        f'<input type="hidden" name="next" value="{escape(wanted)}">'
        f'<p class="desk-field"><label for="name">{escape(words["login_name"])}</label>'
        f'<input id="name" name="name" value="{escape(name)}" autocomplete="username" maxlength="{LONGEST_NAME}" '
        f'required aria-describedby="name-why"{at_name}>'
        f'<span class="desk-help" id="name-why">{escape(words["login_name_why"])}</span></p>'
        f'<p class="desk-field"><label for="password">{escape(words["login_password"])}</label>'
        f'<input id="password" name="password" type="password" autocomplete="current-password" '
        f'maxlength="{LONGEST_PASSWORD}" required{at_password}></p>'
        f'<p><button class="own-button">{escape(words["login_button"])}</button></p></form>'
        f'<p class="desk-help">{escape(words["login_cookie"])}</p>'
    )
    html = framed(language, words["login_title"], body, root=way(request), query={"next": wanted} if wanted else None)
    return HTMLResponse(html.encode("utf-8", "replace"), status)


def _cookie(token: str, visit: Visit, *, ended: bool = False) -> str:
    secure = "; Secure" if visit.secure else ""
    over = "; Max-Age=0" if ended else ""
    return f"{STAFF_COOKIE}={token}; Path={visit.prefix}/{DESK}; HttpOnly; SameSite=Strict{over}{secure}"


def _visit(request: fastapi.Request) -> Visit:
    visit: Visit = request.state.visit
    return visit
