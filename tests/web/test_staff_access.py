"""The door of the staff desk: its password, its sessions and cookies, and what each form must carry."""

from __future__ import annotations

import asyncio
import re

import bcrypt
import pytest
from fastapi import Request
from fastapi.responses import PlainTextResponse

from assistant.web.gate import Gate
from assistant.web.passwords import PasswordRefused, fits, hash_password, is_hash
from assistant.web.staff_access import (
    LONGEST_IDLE,
    LONGEST_SESSION,
    MOST_SESSIONS,
    STAFF_COOKIE,
    TRIES,
    WAITING_OF_ADDRESS,
    SignedIn,
    StaffDoor,
    clean_name,
    form_of,
)
from assistant.web.staff_frame import address, desk_router, see_other, way
from assistant.web.visits import Visit
from tests.web.desk import OWN, PASSWORD, PASSWORD_HASH, make_desk

PROXY = "10.0.0.2"


@pytest.fixture
def desk():
    """The desk, before which a stranger stands."""
    return make_desk()


@pytest.fixture
def inside(desk):
    """The desk, to which Kari has logged in."""
    assert desk.log_in().status_code == 303
    return desk


# ---- Passwords ----


def test_a_hash_fits_its_password_alone():
    """Also where the keyboard sends `å` as two characters; two hashes of one password differ."""
    made = hash_password("blåbær-og-tyttebær")
    assert is_hash(made)
    assert fits("bla\u030abær-og-tyttebær", made)
    assert not fits("blabær-og-tyttebær", made)
    assert made != hash_password("blåbær-og-tyttebær")


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        pytest.param("short-one", "fewer than 12 characters", id="short"),
        pytest.param("å" * 37, "more than 72 bytes", id="37 letters of two bytes"),
        pytest.param(" surrounded by spaces ", "begins or ends with a space", id="spaces"),
        pytest.param("twelve\tcharacters", "cannot be seen", id="a tabulator"),
    ],
)
def test_a_password_that_cannot_be_used_is_refused_without_showing_it(password, sentence):
    """The hash would read no further than 72 bytes, so that a longer one would be open to its beginning."""
    with pytest.raises(PasswordRefused, match=sentence) as caught:
        hash_password(password)
    assert password not in str(caught.value)


def test_72_bytes_fit_and_a_longer_password_never_does():
    """The beginning that bcrypt reads is not enough, and nothing that is sent is an error."""
    made = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(10)).decode()
    assert is_hash(made)
    assert fits("x" * 72, made)
    assert not any(fits(given, made) for given in ("x" * 73, "x" * 500, "", "\0", "x" * 71 + "\0", "\ud800"))


@pytest.mark.parametrize(
    "text", ["", "password-in-plain", "$2b$04$" + "a" * 53, "$2b$31$" + "a" * 53, "$2b$12$short", "$argon2id$v=19$"]
)
def test_what_is_no_hash_opens_no_desk(text):
    """Nor one that is too weak, or that would take a server minutes."""
    assert not is_hash(text)
    with pytest.raises(ValueError, match="no bcrypt hash"):
        StaffDoor(text)


# ---- Logging in ----


def test_the_right_password_leads_to_the_page_that_was_wanted(desk):
    """From there the desk is open; the name is shown on every page."""
    wanted = desk.client.get("/staff/history?document=a%2Fb.md")
    assert (wanted.status_code, wanted.headers["location"]) == (
        303,
        "../staff/login?next=history%3Fdocument%3Da%252Fb.md",
    )
    form = desk.client.get("/staff/login?next=history%3Fdocument%3Da%252Fb.md")
    assert 'name="next" value="history?document=a%2Fb.md"' in form.text
    response = desk.log_in("Kari Nordmann", next="history?document=a%2Fb.md")
    assert (response.status_code, response.headers["location"]) == (303, "../staff/history?document=a%2Fb.md")
    page = desk.client.get("/staff/history?document=a%2Fb.md")
    assert page.status_code == 200
    assert "Logged in as Kari Nordmann" in page.text


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "../../enter", "a/../../x", "\\evil", "login?next=login", "a\r\nb: c"],
)
def test_nobody_is_led_away_from_the_desk(desk, wanted):
    """Whatever stands in `next`, the way ends below the desk."""
    response = desk.log_in(next=wanted)
    assert response.status_code == 303
    assert re.fullmatch(r"\.\./staff/[\w%?=/.:-]*", response.headers["location"])
    assert ".." not in response.headers["location"].removeprefix("../")
    assert "b: c" not in str(response.headers.raw)


def test_a_wrong_password_keeps_the_name_and_is_not_shown(desk):
    """403 and one sentence; the same for every wrong one."""
    for password in ("wrong-password", "", PASSWORD * 5, "\0"):
        response = desk.log_in("Kari", password)
        assert response.status_code == 403
        assert "That is not the password of the desk." in response.text
        assert 'value="Kari"' in response.text
        assert "wrong-password" not in response.text
        assert "set-cookie" not in response.headers


def test_without_a_name_nobody_comes_in(desk):
    """The history would not know who did what."""
    response = desk.log_in(" \u200b ")
    assert response.status_code == 422
    assert "Write your name" in response.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("  Kari \t Nordmann ", "Kari Nordmann", id="spaces"),
        pytest.param("Ola\r\nSet-Cookie: x=1", "Ola Set-Cookie: x=1", id="lines of a header"),
        pytest.param("\u202eirak\u200b\x00\ud800", "irak", id="what cannot be seen"),
        pytest.param("a\u030ase", "\u00e5se", id="two ways to write it"),
        pytest.param("x" * 200, "x" * 60, id="long"),
    ],
)
def test_a_name_is_one_line_that_can_be_seen(given, kept):
    """It stands in the history and on pages."""
    assert clean_name(given) == kept


def test_a_name_is_text_on_every_page(desk):
    """Not HTML, and not part of a header."""
    response = desk.log_in("<b>Ola</b>\r\nx-evil: 1")
    assert "x-evil" not in response.headers
    page = desk.client.get("/staff/upkeep").text
    assert "&lt;b&gt;Ola&lt;/b&gt; x-evil: 1" in page
    assert "<b>Ola" not in page


def test_ten_wrong_passwords_shut_the_door_for_a_while(desk):
    """Also for the right one, and whatever else the visitor throws away; other addresses still come in."""
    statuses = [desk.log_in("Kari", "wrong-password").status_code for _ in range(TRIES)]
    assert statuses == [403] * (TRIES - 1) + [429]
    late = desk.log_in()
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 601
    assert "Try again in 10 min" in late.text


def test_right_passwords_do_not_count(desk):
    """A whole staff behind one address can log in."""
    assert {desk.log_in(f"Number {number}").status_code for number in range(TRIES + 2)} == {303}


def test_tries_that_come_together_are_counted_one_by_one():
    """Who sends forty at once has no more tries than who sends them one after the other."""
    door, visit = StaffDoor(PASSWORD_HASH), Visit("203.0.113.7")

    async def try_all():
        return await asyncio.gather(
            *(door.opens("wrong-password", visit) for _ in range(2 * TRIES)), door.opens(PASSWORD, visit)
        )

    assert not any(asyncio.run(try_all()))
    assert door.wait(visit) > 0
    assert not door.wait(Visit("198.51.100.9"))


def test_few_passwords_of_one_address_wait_at_a_time():
    """Each takes a processor a quarter of a second; other addresses are not held up."""
    door, visit = StaffDoor(PASSWORD_HASH), Visit("203.0.113.7")

    async def crowd():
        tries = [asyncio.create_task(door.opens(PASSWORD, visit)) for _ in range(WAITING_OF_ADDRESS)]
        await asyncio.sleep(0)
        busy = door.is_busy(visit), door.is_busy(Visit("198.51.100.9"))
        return busy, await asyncio.gather(*tries), door.is_busy(visit)

    assert asyncio.run(crowd()) == ((True, False), [True] * WAITING_OF_ADDRESS, False)


# ---- Sessions ----


def test_a_session_ends_when_nothing_is_done(inside):
    """Each request keeps it for two hours more, twelve in all."""
    inside.clock.now += LONGEST_IDLE - 1
    assert inside.client.get("/staff/upkeep").status_code == 200
    inside.clock.now += LONGEST_IDLE
    assert inside.client.get("/staff/upkeep").status_code == 303


def test_a_session_ends_after_twelve_hours_whatever_is_done(inside):
    """Somebody who has found the cookie does not keep it alive for ever."""
    steps = LONGEST_SESSION // 3600
    statuses = []
    for _ in range(steps):
        inside.clock.now += 3600
        statuses.append(inside.client.get("/staff/upkeep").status_code)
    assert statuses == [200] * (steps - 1) + [303]


def test_logging_in_makes_a_new_token_and_ends_the_old_one(desk):
    """A token that somebody has planted in the browser opens nothing."""
    desk.client.cookies.set(STAFF_COOKIE, "planted")
    desk.log_in()
    first = desk.client.cookies.get(STAFF_COOKIE, path="/staff")
    assert first not in (None, "planted")
    desk.client.cookies.delete(STAFF_COOKIE, domain="")  # the planted one
    desk.log_in()
    second = desk.client.cookies.get(STAFF_COOKIE)
    assert first != second
    assert desk.door.session(first) is None
    assert desk.door.session(second).name == "Kari"
    assert desk.door.session("planted") is None


def test_logging_out_ends_the_session_on_the_server(inside):
    """A copy of the cookie opens nothing; the others stay logged in."""
    copy, other = inside.client.cookies.get(STAFF_COOKIE), inside.door.begin("Ola")
    response = inside.send("/staff/logout")
    assert (response.status_code, response.headers["location"]) == (303, "../staff/login?out=1")
    assert f"{STAFF_COOKIE}=; Path=/staff; HttpOnly; SameSite=Strict; Max-Age=0" in response.headers["set-cookie"]
    assert "You are logged out." in inside.client.get("/staff/login?out=1").text
    assert inside.door.session(copy) is None
    assert inside.door.session(other).name == "Ola"


def test_logging_out_everywhere_ends_every_session(inside):
    """For the day on which somebody has left a machine open."""
    other = inside.door.begin("Ola")
    inside.send("/staff/logout", everywhere="1")
    assert inside.door.session(other) is None


def test_another_process_knows_no_session(inside):
    """A restart logs everybody out."""
    assert StaffDoor(PASSWORD_HASH).session(inside.client.cookies.get(STAFF_COOKIE)) is None


def test_sessions_do_not_fill_the_memory():
    """The one idle longest makes room."""
    desk = make_desk()
    tokens = []
    for number in range(MOST_SESSIONS + 1):
        desk.clock.now += 1
        tokens.append(desk.door.begin(f"Number {number}"))
    assert desk.door.session(tokens[0]) is None
    assert all(desk.door.session(token) for token in tokens[1:])


# ---- The cookie ----


@pytest.mark.parametrize(
    ("site", "headers", "flags"),
    [
        pytest.param({}, {}, "Path=/staff; HttpOnly; SameSite=Strict", id="plain"),
        pytest.param({"prefix": "/usanext"}, {}, "Path=/usanext/staff; HttpOnly; SameSite=Strict", id="under a path"),
        pytest.param(
            {"trusted": PROXY, "peer": PROXY},
            {"x-forwarded-proto": "https", "x-forwarded-prefix": "/ask", "x-forwarded-for": "198.51.100.9"},
            "Path=/ask/staff; HttpOnly; SameSite=Strict; Secure",
            id="TLS and a path at a trusted proxy",
        ),
    ],
)  # fmt: skip
def test_the_cookie_is_for_the_desk_alone_and_no_script(site, headers, flags):
    """256 random bits, `Secure` wherever the visitor came by TLS."""
    desk = make_desk(**site)
    response = desk.client.post("/staff/login", data={"name": "Kari", "password": PASSWORD}, headers={**OWN, **headers})
    made = re.fullmatch(rf"{STAFF_COOKIE}=([\w-]{{43}}); (.*)", response.headers["set-cookie"])
    assert made[2] == flags


@pytest.mark.parametrize(
    ("host", "headers", "warns"),
    [
        pytest.param("127.0.0.1:7860", {}, False, id="this machine"),
        pytest.param("localhost", {}, False, id="this machine by name"),
        pytest.param("desk.example", {}, True, id="elsewhere without TLS"),
        pytest.param("desk.example", {"x-forwarded-proto": "https"}, False, id="elsewhere with TLS"),
    ],
)
def test_the_door_warns_where_a_password_would_travel_in_the_open(host, headers, warns):
    """Before it is written, not after."""
    page = make_desk(trusted=PROXY, peer=PROXY).client.get("/staff/login", headers={"host": host, **headers}).text
    assert ("This page came without encryption" in page) == warns


# ---- What changes something ----


def counting():
    """Return a desk with a route that counts what reaches it."""
    done: list[str] = []

    def more(app):
        router = desk_router()

        @router.post("/count")
        def count(request: Request, session: SignedIn):
            done.append(form_of(request).text("value"))
            return see_other(request, "/upkeep", "Counted.")

        @router.post("/upload")
        async def upload(request: Request, session: SignedIn):
            done.append(str(len(await request.body())))
            return PlainTextResponse("taken")

        @router.get("/deep/er")
        def deeper(request: Request):
            return PlainTextResponse(f"{way(request)} {address(request, '/a b/ø', q='x&y')}")

        app.include_router(router)

    desk = make_desk(more=more)
    desk.log_in()
    return desk, done


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(OWN, 303, id="from our page"),
        pytest.param({"origin": "http://testserver"}, 303, id="from our page, by an older browser"),
        pytest.param({"origin": "https://evil.example"}, 403, id="from another site"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="from another site, says the browser"),
        pytest.param({"sec-fetch-site": "same-site"}, 403, id="from a neighbour"),
        pytest.param({"origin": "null"}, 403, id="from nowhere"),
        pytest.param({}, 403, id="not said"),
    ],
)
def test_a_form_comes_from_our_own_page(headers, status):
    """Even with cookie and token."""
    desk, done = counting()
    response = desk.client.post("/staff/count", data={"token": desk.token(), "value": "1"}, headers=headers)
    assert response.status_code == status
    assert done == (["1"] if status == 303 else [])


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="none"),
        pytest.param({"token": ""}, id="empty"),
        pytest.param({"token": "x" * 43}, id="another"),
        pytest.param({"token": "\ud800".encode("utf-8", "surrogatepass")}, id="no text"),
    ],
)
def test_a_form_without_its_sessions_token_changes_nothing(given):
    """403, and what to do."""
    desk, done = counting()
    response = desk.client.post("/staff/count", data={**given, "value": "1"}, headers=OWN)
    assert response.status_code == 403
    assert "Nothing was changed" in response.text
    assert done == []


def test_the_token_of_another_session_does_not_fit():
    """Of a colleague, or of the session before this one."""
    desk, done = counting()
    token = desk.token()
    desk.log_in("Ola")
    assert desk.client.post("/staff/count", data={"token": token}, headers=OWN).status_code == 403
    assert done == []


def test_the_token_may_stand_in_a_header_and_for_files_in_the_address():
    """For our script; in the address it counts only for files, whose body is read by its route."""
    desk, done = counting()
    token = desk.token()
    header = {**OWN, "x-desk-token": token}
    assert desk.client.post("/staff/count", data={"value": "1"}, headers=header).status_code == 303
    assert (
        desk.client.post("/staff/count", params={"token": token}, data={"value": "2"}, headers=OWN).status_code == 403
    )
    files = {"file": ("a.md", b"text")}
    assert desk.client.post("/staff/upload", params={"token": token}, files=files, headers=OWN).status_code == 200
    assert desk.client.post("/staff/upload", files=files, headers=OWN).status_code == 403
    assert len(done) == 2


def test_what_was_done_is_said_once(inside):
    """By the next page that is looked at; `HEAD` looks at nothing."""
    desk, _ = counting()
    response = desk.client.post("/staff/count", data={"token": desk.token()}, headers=OWN)
    assert (response.status_code, response.headers["location"]) == (303, "../staff/upkeep")
    desk.client.head("/staff/upkeep")
    assert '<div class="desk-note good" role="status"><p>Counted.</p></div>' in desk.client.get("/staff/upkeep").text
    assert "Counted." not in desk.client.get("/staff/upkeep").text


def test_addresses_are_relative_from_every_depth():
    """A path prefix may stand before all of them."""
    desk, _ = counting()
    assert desk.client.get("/staff/deep/er").text == "../../ ../../staff/a%20b/%C3%B8?q=x%26y"


def test_under_a_path_every_way_stays_below_it():
    """Links, forms and where a form leads are relative, so the browser's own prefix stays before them."""
    desk = make_desk(prefix="/ask")
    assert desk.client.get("/ask/staff").headers["location"] == "./staff/login"
    assert desk.client.get("/ask/staff/upkeep").headers["location"] == "../staff/login?next=upkeep"
    desk.client.post("/ask/staff/login", data={"name": "Kari", "password": PASSWORD}, headers=OWN)
    page = desk.client.get("/ask/staff/upkeep").text
    assert 'href="../staff/gaps"' in page
    assert "/ask" not in page


def test_a_form_of_thousands_of_fields_is_refused():
    """Before anything is done with it."""
    desk, done = counting()
    body = "&".join(["a=1"] * 5001)
    response = desk.client.post(
        "/staff/count", content=body, headers={**OWN, "content-type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code == 400
    assert done == []


# ---- Files ----


@pytest.mark.parametrize(
    ("signed", "size", "status"),
    [
        pytest.param(True, 900, 200, id="fits"),
        pytest.param(True, 1001, 413, id="too large"),
        pytest.param(False, 900, 401, id="nobody"),
    ],
)
def test_a_large_body_is_taken_from_who_has_logged_in_alone(signed, size, status):
    """The gate says no before it is read."""
    desk, done = counting()
    header = {**OWN, "x-desk-token": desk.token()}
    if not signed:
        desk.client.cookies.clear()
    response = desk.client.post("/staff/upload", content=b"x" * size, headers=header)
    assert response.status_code == status
    assert done == ([str(size)] if status == 200 else [])


def test_the_body_of_a_stranger_is_never_read():
    """Nor one that does not say how long it is: the answer comes before the first byte is asked for."""
    answers = []

    async def nobody_reads():
        raise AssertionError("the body was read")

    async def note(message):
        answers.append(message.get("status"))

    async def beyond(scope, receive, send):
        raise AssertionError("the gate let it through")

    door = StaffDoor(PASSWORD_HASH)
    gate = Gate(beyond, staff=door, upload_bytes=1000)
    for headers in (
        [(b"content-length", b"900")],
        [(b"content-length", b"900"), (b"cookie", f"{STAFF_COOKIE}=made-up".encode())],
        [(b"transfer-encoding", b"chunked"), (b"cookie", f"{STAFF_COOKIE}={door.begin('Kari')}".encode())],
    ):
        own = [*headers, (b"sec-fetch-site", b"same-origin")]
        scope = {"type": "http", "method": "POST", "path": "/staff/upload", "headers": own, "client": ("::1", 1)}
        asyncio.run(gate(scope, nobody_reads, note))
    assert answers == [401, None, 401, None, 413, None]


def test_other_forms_of_the_desk_stay_small(inside):
    """Whoever has logged in sends large bodies to one address."""
    response = inside.client.post("/staff/upkeep/check", content=b"x" * 100_001, headers=OWN)
    assert response.status_code == 413
