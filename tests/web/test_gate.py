"""What passes the gate: whose headers are believed, which requests come from our own pages, and what they may do."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from assistant.web.gate import WRITINGS, Gate
from assistant.web.visits import Proxies, Visit

PROXY = "10.0.0.2"
FORWARDED = {
    "x-forwarded-for": "198.51.100.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "usanext.example",
    "x-forwarded-prefix": "/ask",
}
SAVE = "/conversation/key/save"


def site(*, trusted="", prefix="", peer=PROXY):
    """Return a client of a small site that says who it thinks has come."""
    app = FastAPI()

    @app.api_route("/source/{name}", methods=["GET", "HEAD"])
    @app.get("/privacy")
    @app.post(SAVE)
    @app.post("/gradio_api/queue/join")
    @app.post("/feedback/delete")
    @app.post("/saved/abc/delete")
    @app.get("/")
    def say(request: Request):
        visit = request.state.visit
        return {
            "address": visit.address,
            "client": request.client.host,
            "url": str(request.url),
            "secure": visit.secure,
            "prefix": visit.prefix,
            "headers": sorted(name for name in request.headers if "forwarded" in name or name.startswith("x-")),
        }

    app.add_middleware(Gate, proxies=Proxies(trusted, prefix))
    return TestClient(app, client=(peer, 4711), follow_redirects=False)


# ---- Proxies ----


@pytest.mark.parametrize("trusted", ["", "10.0.0.3", "192.168.0.0/16, ::1"])
def test_nobody_is_believed_who_is_not_trusted(trusted):
    """Anybody can write these headers; they do not even reach the rooms behind, Gradio among them."""
    response = site(trusted=trusted).get("/privacy", headers={**FORWARDED, "x-gradio-server": "https://evil.example"})
    assert response.json() == {
        "address": PROXY,
        "client": PROXY,
        "url": "http://testserver/privacy",
        "secure": False,
        "prefix": "",
        "headers": [],
    }
    assert "strict-transport-security" not in response.headers


@pytest.mark.parametrize("trusted", [PROXY, "10.0.0.0/8", f"::1, {PROXY}"])
def test_a_trusted_proxy_is_believed(trusted):
    """Address, scheme, host and prefix are the visitor's."""
    response = site(trusted=trusted).get("/privacy", headers=FORWARDED)
    assert response.json() == {
        "address": "198.51.100.9",
        "client": "198.51.100.9",
        "url": "https://usanext.example/ask/privacy",
        "secure": True,
        "prefix": "/ask",
        "headers": [],
    }
    assert response.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        pytest.param("198.51.100.9", "198.51.100.9", id="one"),
        pytest.param("1.2.3.4, 198.51.100.9", "198.51.100.9", id="made up by the visitor"),
        pytest.param("1.2.3.4, 198.51.100.9, 10.0.0.7", "198.51.100.9", id="two proxies of ours"),
        pytest.param("10.0.0.8, 10.0.0.7", "10.0.0.8", id="a visitor inside"),
        pytest.param("1.2.3.4, <script>", PROXY, id="no address"),
        pytest.param("", PROXY, id="nothing"),
        pytest.param("198.51.100.9:443", "198.51.100.9", id="with a port"),
        pytest.param("[2001:db8::1]:443", "2001:db8::1", id="IPv6 with a port"),
        pytest.param("::ffff:198.51.100.9", "198.51.100.9", id="IPv4 as IPv6"),
    ],
)
def test_the_visitor_is_the_nearest_address_that_is_no_proxy_of_ours(forwarded, address):
    """What stands before it in the chain was written by the visitor."""
    client = site(trusted="10.0.0.0/8")
    assert client.get("/privacy", headers={"x-forwarded-for": forwarded}).json()["address"] == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-host", "evil.example/path"),
        ("x-forwarded-host", "a b"),
        ("x-forwarded-prefix", "//evil.example"),
        ("x-forwarded-prefix", '/a"><script>'),
        ("x-forwarded-prefix", "no-slash"),
    ],
)
def test_nonsense_of_a_trusted_proxy_is_passed_over(name, value):
    """As if it had said nothing."""
    assert site(trusted=PROXY).get("/privacy", headers={name: value}).json()["url"] == "http://testserver/privacy"


@pytest.mark.parametrize(("trusted", "prefix"), [("10.0.0.256", ""), ("proxy.example", ""), ("*", ""), ("", "ask")])
def test_what_is_no_address_or_path_is_refused(trusted, prefix):
    """The settings have checked it with a sentence of their own."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.256|proxy\.example|\*|ask"):
        Proxies(trusted, prefix)


# ---- The path prefix ----


@pytest.mark.parametrize("path", ["/source/x", "/ask/source/x"])
def test_a_prefix_works_whether_the_proxy_strips_it_or_not(path):
    """Either way the site knows its own paths, and its addresses begin with the prefix."""
    response = site(prefix="/ask").get(path)
    assert response.json()["url"] == "http://testserver/ask/source/x"


@pytest.mark.parametrize(("prefix", "location"), [("/ask", "ask/"), ("/a/b", "b/")])
def test_the_prefix_without_its_slash_leads_to_the_page(prefix, location):
    """Else the page's relative links would miss the last part."""
    response = site(prefix=prefix).get(prefix)
    assert (response.status_code, response.headers["location"]) == (308, location)


def test_cookies_are_for_the_prefix_alone():
    """Another site on the same host name does not get them."""
    client = site(trusted=PROXY)
    cookie = client.get("/", headers=FORWARDED).headers["set-cookie"]
    assert cookie.partition(";")[2] == " Path=/ask/; HttpOnly; SameSite=Lax; Secure"


# ---- The session ----


def test_the_page_gives_a_session_once():
    """Random, unreadable for scripts, gone with the browser; who has one keeps it."""
    client = site()
    first = client.get("/").headers["set-cookie"]
    name, _, value = first.partition(";")[0].partition("=")
    assert (name, len(value)) == ("usanext_visitor", 22)
    assert first.partition(";")[2] == " Path=/; HttpOnly; SameSite=Lax"
    assert "set-cookie" not in client.get("/").headers
    assert site().get("/").headers["set-cookie"] != first


@pytest.mark.parametrize("value", ["", "short", "x" * 5000, "<script>"])
def test_a_session_that_we_did_not_give_is_replaced(value):
    """It would be a name of any length in memory."""
    assert "set-cookie" in site().get("/", headers={"cookie": f"usanext_visitor={value}"}).headers


@pytest.mark.parametrize("path", ["/privacy", "/source/x"])
def test_other_pages_set_no_cookie(path):
    """Only who may ask needs one."""
    assert "set-cookie" not in site().get(path).headers


# ---- Requests that change something ----


@pytest.mark.parametrize("path", [SAVE, "/gradio_api/queue/join", "/feedback/delete"])
@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        pytest.param({"origin": "http://testserver"}, True, id="our own page"),
        pytest.param({"sec-fetch-site": "same-origin"}, True, id="the browser says so"),
        pytest.param({"origin": "null", "sec-fetch-site": "same-origin"}, True, id="a form without a referrer"),
        pytest.param({}, False, id="a program"),
        pytest.param({"origin": "https://evil.example"}, False, id="another site"),
        pytest.param({"origin": "http://testserver:81"}, False, id="another port"),
        pytest.param({"origin": "http://testserver.evil.example"}, False, id="a name that begins like ours"),
        pytest.param({"origin": "null"}, False, id="nowhere"),
        pytest.param({"origin": "http://["}, False, id="nonsense"),
        pytest.param({"origin": "http://testserver", "sec-fetch-site": "cross-site"}, False, id="the browser says no"),
        pytest.param({"sec-fetch-site": "same-site"}, False, id="a sister site"),
        pytest.param({"sec-fetch-site": "none"}, False, id="no page at all"),
    ],
)
def test_only_our_own_pages_change_something(path, headers, passes):
    """Gradio's own requests included; what is refused says why in one sentence."""
    response = site().post(path, headers=headers, content=b"{}")
    assert response.status_code == (200 if passes else 403)
    if not passes:
        assert response.text.startswith("This request came from no page of this site")


def test_behind_a_proxy_our_page_is_that_of_the_forwarded_host():
    """The visitor's browser knows no other."""
    client = site(trusted=PROXY)
    assert client.post(SAVE, headers={**FORWARDED, "origin": "https://usanext.example"}).status_code == 200
    assert client.post(SAVE, headers={**FORWARDED, "origin": "http://testserver"}).status_code == 403


@pytest.mark.parametrize("path", [SAVE, "/feedback/delete"])
def test_saving_and_judging_have_a_limit(path):
    """Thirty an hour for a visitor, counted together; deleting and asking at once is not shut for the neighbours."""
    client = site()
    client.cookies.set("usanext_visitor", "v" * 22)
    headers = {"origin": "http://testserver"}
    statuses = [client.post(path, headers=headers).status_code for _ in range(WRITINGS + 1)]
    assert statuses == [200] * WRITINGS + [429]
    late = client.post("/saved/abc/delete", headers={**headers, "accept-language": "nb"})
    assert 0 < int(late.headers["retry-after"]) <= 3600
    assert late.text == "Mye er lagret eller meldt herfra den siste timen. Prøv igjen om 60 min."
    client.cookies.set("usanext_visitor", "w" * 22)
    assert client.post(path, headers=headers).status_code == 200


def test_a_route_keeps_its_own_headers():
    """A stricter policy or a caching rule of its own stands."""
    app = FastAPI()

    @app.get("/privacy")
    def page():
        return PlainTextResponse("x", headers={"content-security-policy": "sandbox", "x-frame-options": "DENY"})

    app.add_middleware(Gate)
    headers = TestClient(app).get("/privacy").headers
    assert headers.get_list("content-security-policy") == ["sandbox"]
    assert headers.get_list("x-frame-options") == ["DENY"]


def test_a_visit_without_an_address_is_one_of_nobody():
    """A server on a socket file has none to tell."""
    scope = {"headers": [], "client": None, "path": "/", "scheme": "http"}
    assert Proxies("10.0.0.0/8").receive(scope) == Visit("unknown")
