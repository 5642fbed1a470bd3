"""The access code: what it shuts, who gets in, and for how long."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.web import api
from assistant.web.access import COOKIE_SECONDS, TRIES, AccessCode
from assistant.web.entering import add_entering
from assistant.web.gate import Gate
from assistant.web.reading import Readers
from assistant.web.visits import Door, Visit

CODE = "fjord-and-fell-2026"
VISIT = Visit("203.0.113.7")
FORM = {"origin": "http://testserver"}


@pytest.fixture(scope="module")
def locked(another_app):
    """The whole site behind the code; nobody gives it a wrong one, since that counts."""
    return another_app(door=Door(access_code=CODE))


@pytest.fixture
def small_site(shelf):
    """Form and API alone, with a count of wrong codes of their own."""

    def make(code=CODE):
        app, access = FastAPI(), AccessCode(code)
        add_entering(app, access)
        app.add_route(api.PATH, api.Chat(shelf.stream, Readers(1)), methods=["POST"])
        app.add_middleware(Gate, access=access)
        return app

    return make


@pytest.fixture
def stranger(locked, shelf):
    """A browser that has not given the code; it does not follow where it is led."""
    return TestClient(locked, follow_redirects=False)


def give(client, code, wanted=""):
    """Send the form."""
    return client.post("/enter", data={"code": code, "next": wanted}, headers=FORM)


# ---- The code and its cookie ----


def test_a_cookie_admits_for_thirty_days_and_only_with_its_code():
    """Another code logs everybody out; a program that is started again does not."""
    cookie = AccessCode(CODE).cookie(now=1000)
    assert AccessCode(CODE).admits(cookie, now=1000 + COOKIE_SECONDS - 1)
    assert not AccessCode(CODE).admits(cookie, now=1000 + COOKIE_SECONDS)
    assert not AccessCode(f"{CODE}!").admits(cookie, now=1000)


@pytest.mark.parametrize("cookie", ["", CODE, "9999999999.", f"9999999999.{'0' * 64}", "x.y", "9" * 5000])
def test_a_made_up_cookie_admits_nobody(cookie):
    """Whatever it looks like."""
    assert not AccessCode(CODE).admits(cookie)


def test_a_cookie_cannot_be_made_to_last_longer():
    """The time it ends is signed."""
    ends, signature = AccessCode(CODE).cookie(now=1000).split(".")
    assert not AccessCode(CODE).admits(f"{int(ends) + 1}.{signature}", now=1000)


def test_ten_wrong_codes_and_then_even_the_right_one_waits():
    """Else guessing would only have to go on. Another address is not kept waiting, nor are programs."""
    access = AccessCode(CODE)
    assert [access.opens("wrong", VISIT) for _ in range(TRIES)] == [False] * TRIES
    assert 0 < access.wait(VISIT) <= 600
    assert not access.opens(CODE, VISIT)
    assert access.opens(CODE, Visit("203.0.113.8"))
    assert access.opens(CODE, VISIT, "program")


def test_right_codes_do_not_count_as_tries():
    """A cohort behind one address comes in at once."""
    access = AccessCode(CODE)
    assert all(access.opens(CODE, VISIT) for _ in range(5 * TRIES))


# ---- The site behind it ----


def all_paths(app):
    """Yield every path that is registered, Gradio's among them, with something in the place of its parameters."""
    for route in app.routes:
        # Gradio is mounted at the root, and includes a router in it.
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(inner, "routes"):
            yield from all_paths(inner)
        elif getattr(route, "path", None) is not None:
            yield re.sub(r"\{[^}]*\}", "x", route.path)


def test_without_the_code_only_signs_of_life_and_the_form_answer(locked, stranger):
    """Every registered address is asked, by both methods that anybody uses: this is all that says yes."""
    paths = sorted({*all_paths(locked), "/", "/source/programme/usa-next.md", "/original/programme/usa-next.md"})
    assert len(paths) > 50
    got = {path for path in paths if stranger.get(path).status_code == 200}
    static = {path for path in got if path.startswith("/static/")}
    # `/staff` says how to turn the desk on, which has a password of its own.
    assert got - static == {"/health", "/ready", "/enter", "/favicon.ico", "/staff"} | (got & {"/robots.txt"})
    posted = {path: stranger.post(path, json={}, headers=FORM).status_code for path in paths}
    assert {path for path, status in posted.items() if status < 400} == set()


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        pytest.param("/", "./enter", id="chat"),
        pytest.param("/?lang=nb", "./enter?next=%3Flang%3Dnb", id="chat in Norwegian"),
        pytest.param("/saved/abc", "../enter?next=saved%2Fabc", id="saved link"),
        pytest.param(
            "/source/a/b%20c.pdf?start=1", "../../enter?next=source%2Fa%2Fb%2520c.pdf%3Fstart%3D1", id="source"
        ),
        pytest.param("/conversation/k/answers.pdf", "../../enter?next=conversation%2Fk%2Fanswers.pdf", id="export"),
    ],
)
def test_every_page_leads_to_the_form(stranger, path, leads_to):
    """By a way that also works under a path prefix."""
    response = stranger.get(path)
    assert (response.status_code, response.headers["location"]) == (303, leads_to)


@pytest.mark.parametrize("path", ["/config", "/gradio_api/queue/data", "/theme.css"])
def test_parts_of_the_chat_page_are_just_shut(stranger, path):
    """A script has no use for a form."""
    assert stranger.get(path).status_code == 401


def test_the_right_code_leads_back_to_what_was_wanted(stranger):
    """Once given, the browser remembers."""
    response = give(stranger, f" {CODE} ", "source/programme/usa-next.md?start=0&end=4")
    assert response.status_code == 303
    assert response.headers["location"] == "./source/programme/usa-next.md?start=0&end=4"
    cookie = response.headers["set-cookie"]
    assert re.fullmatch(
        rf"usanext_access=\d+\.[0-9a-f]{{64}}; Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_SECONDS}", cookie
    )
    page = stranger.get("/source/programme/usa-next.md")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "private"


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\evil.example", "javascript:alert(1)", "enter",
     "../other", "source/../../other", "source/%2e%2e/%2e%2e/other", "gradio_api/upload", "a\r\nset-cookie: x=1", "[",
     "/[", "source/x\r\ny"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(stranger, wanted):
    """Only to a page of ours: whatever else was wanted, to the first one."""
    response = give(stranger, CODE, wanted)
    assert (response.status_code, response.headers["location"]) == (303, "./")


def test_a_wrong_code_is_told_and_after_ten_one_waits(small_site):
    """The form comes again, in the visitor's language, with what was wanted; then 429 with the time to wait."""
    client = TestClient(small_site(), follow_redirects=False, headers={"accept-language": "nb"})
    response = give(client, "<b>wrong", "privacy")
    assert response.status_code == 403
    assert "Det er ikke riktig adgangskode." in response.text
    assert 'name="next" value="privacy"' in response.text
    assert "<b>" not in response.text
    assert "set-cookie" not in response.headers
    assert [give(client, "wrong").status_code for _ in range(TRIES)] == [403] * (TRIES - 1) + [429]
    late = give(client, CODE)
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 601
    assert "Prøv igjen om 10 min." in late.text


def test_the_form_is_a_page_of_ours_in_both_languages(stranger):
    """Without script, under the strict policy, with a way to the other language that keeps what was wanted."""
    english, norwegian = stranger.get("/enter?next=privacy"), stranger.get("/enter?next=privacy&lang=nb")
    assert '<html lang="en">' in english.text
    assert "Access code" in english.text
    assert '<html lang="nb">' in norwegian.text
    assert "Adgangskode" in norwegian.text
    assert 'href="enter?lang=nb&amp;next=privacy"' in english.text
    assert "<script" not in english.text + norwegian.text
    policy = english.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "form-action 'self'" in policy
    assert not re.search(r'(href|src|action)="/', english.text)
    assert '"><img' not in stranger.get("/enter", params={"next": '"><img src=x>'}).text


def test_a_foreign_page_cannot_send_the_form(stranger):
    """Not even with the right code."""
    response = stranger.post("/enter", data={"code": CODE}, headers={"origin": "https://evil.example"})
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_programs_send_the_code_as_a_bearer(small_site):
    """Without it 401, with a wrong one 401 and after ten of them 429; with the right one the answer."""
    client = TestClient(small_site())
    asked = {"question": "When did USA next! start?"}

    def post(code):
        return client.post("/api/chat", json=asked, headers={"authorization": f"Bearer {code}"} if code else {})

    assert post(None).status_code == 401
    assert post(None).headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer CODE" in post(None).json()["error"]
    assert post(CODE).json()["answer"]["outcome"] == "answered"
    assert [post("wrong").status_code for _ in range(TRIES + 1)] == [401] * TRIES + [429]
    assert post(CODE).status_code == 429


def test_the_code_of_programs_may_hold_norwegian_letters(small_site):
    """A header's bytes are compared as they come."""
    client = TestClient(small_site("blåbærsyltetøy"))
    headers = {"authorization": "Bearer blåbærsyltetøy".encode()}
    assert client.post("/api/chat", json={"question": "What?"}, headers=headers).status_code == 200


def test_without_a_code_the_form_leads_on(client):
    """An old bookmark does no harm."""
    response = client.get("/enter?next=privacy", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (303, "./privacy")
