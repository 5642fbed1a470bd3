"""The page that asks for the access code: a form, both languages, no script."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlencode

import fastapi
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assistant.web.access import ACCESS_COOKIE, COOKIE_SECONDS, AccessCode
from assistant.web.gate import FORM_POLICY, cookie_header, is_page, waiting_time
from assistant.web.pages import language_of
from assistant.web.visits import Visit
from assistant.web.words import LANGUAGE_NAMES, WORDS, InterfaceLanguage

# Longer is no code that anybody has chosen.
_LONGEST_CODE = 500


def add_entering(app: fastapi.FastAPI, access: AccessCode | None) -> None:
    """Add the page `enter`; where no code is needed it leads on at once."""

    @app.api_route("/enter", methods=["GET", "HEAD"])
    def enter(request: fastapi.Request, next: str = "") -> Response:
        return _lead_on(next) if access is None else _page(language_of(request), next)

    @app.post("/enter")
    async def give_code(request: fastapi.Request) -> Response:
        given = parse_qs((await request.body()).decode("utf-8", "replace"))
        wanted, code = (given.get(name, [""])[0] for name in ("next", "code"))
        if access is None:
            return _lead_on(wanted)
        visit: Visit = request.state.visit
        words = WORDS[language_of(request)]
        seconds = access.wait(visit)
        if seconds:
            sentence = words["too_many_tries"].format(wait=waiting_time(seconds))
            return _page(language_of(request), wanted, sentence, 429, retry_after=seconds)
        if not access.opens(code.strip()[:_LONGEST_CODE], visit):
            return _page(language_of(request), wanted, words["code_wrong"], 403)
        response = _lead_on(wanted)
        response.headers["set-cookie"] = cookie_header(ACCESS_COOKIE, access.cookie(), visit, max_age=COOKIE_SECONDS)
        return response


def _lead_on(wanted: str) -> Response:
    """Return the way to the page that was wanted, where it is one of ours, else to the first one."""
    own = wanted if is_page(f"/{wanted}") and not wanted.startswith("enter") else ""
    # With `./` before it nothing can be read as another scheme or host.
    return RedirectResponse(f"./{own}", 303, {"cache-control": "no-store"})


def _page(
    language: InterfaceLanguage, wanted: str, problem: str = "", status: int = 200, *, retry_after: float = 0
) -> HTMLResponse:
    """Return the form, with what was wrong with the last code."""
    words = WORDS[language]
    wrong = f'<p class="problem" id="problem" role="alert">{escape(problem)}</p>' if problem else ""
    described = ' aria-invalid="true" aria-describedby="problem"' if problem else ""
    others = "".join(
        f'<a class="language" lang="{other}" href="enter?{escape(urlencode({"lang": other, "next": wanted}))}">'
        f"{escape(name)}</a>"
        for name, other in LANGUAGE_NAMES
        if other != language
    )
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="robots" content="noindex">'
        f"<title>{escape(words['enter_title'])} – {escape(words['wordmark'])}</title>"
        f'<link rel="icon" href="static/usanext/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="static/usanext/viewer.css"></head><body>'
        f'<nav class="top"><span class="wordmark">{escape(words["wordmark"])}</span>{others}</nav>'
        f'<main><header class="source"><h1>{escape(words["enter_title"])}</h1>'
        f"<p>{escape(words['enter_why'])}</p></header>"
        f'{wrong}<form class="enter" method="post" action="enter?{escape(urlencode({"lang": language}))}">'
        f'<input type="hidden" name="next" value="{escape(wanted)}">'
        f'<p><label for="code">{escape(words["enter_label"])}</label> '
        f'<input id="code" name="code" type="password" autocomplete="current-password" maxlength="{_LONGEST_CODE}" '
        f"required autofocus{described}></p>"
        f'<p><button class="button" type="submit">{escape(words["enter_button"])}</button></p></form>'
        f"<p>{escape(words['enter_cookie'])}</p></main></body></html>"
    )
    headers = {"content-security-policy": FORM_POLICY, "cache-control": "no-store"}
    if retry_after:
        headers["retry-after"] = str(int(retry_after) + 1)
    return HTMLResponse(html.encode("utf-8", "replace"), status, headers)
