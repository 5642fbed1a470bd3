"""All routes of the site, walked without having logged in, and with a session that has ended: what answers whom."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from starlette.routing import Mount

from assistant.web.gate import GRADIO_POLICY
from assistant.web.staff_access import STAFF_COOKIE
from assistant.web.visits import Door
from tests.web.desk import OWN, PASSWORD, PASSWORD_HASH, MemoryStaff

# What a stranger may see: our own pages for founders, what they are made of, and what Gradio's page needs.
OPEN = {
    "/", "/config", "/favicon.ico", "/gradio_api/app_id", "/health", "/manifest.json", "/privacy", "/ready",
    "/robots.txt", "/staff/login", "/theme.css",
}  # fmt: skip
DOOR = Door(staff_password_hash=PASSWORD_HASH)


@pytest.fixture(scope="module")
def site(another_app, tmp_path_factory):
    """The whole site with the desk on."""
    return another_app(door=DOOR, staff=MemoryStaff(), uploads=tmp_path_factory.mktemp("uploads"))


@pytest.fixture
def stranger(site, shelf):
    """A browser without any cookie, which does not follow where it is led."""
    return TestClient(site, headers=OWN, follow_redirects=False, raise_server_exceptions=False)


def routes_of(app, before=""):
    """Yield path and method of every route, Gradio's mounts included; parameters are filled in."""
    for route in app.routes:
        if isinstance(route, Mount):
            if hasattr(route.app, "routes"):
                yield from routes_of(route.app, before + route.path)
            else:
                yield f"{before}{route.path}/x", "GET"
        elif hasattr(route, "path"):
            path = re.sub(r"\{[^}]*\}", "x", before + route.path)
            for method in sorted(getattr(route, "methods", None) or {"GET", "POST"}):
                yield path, method
        else:
            # An included router, of which FastAPI keeps the routes inside.
            yield from routes_of(route.original_router, before + getattr(route, "prefix", ""))


def answers(client, site):
    """Return the status of every route for a client, by path and method."""
    found = {}
    for path, method in dict.fromkeys(routes_of(site)):
        if path.endswith(("/heartbeat/x", "/queue/data", "/heartbeat/{x}")):
            continue  # streams that never end; the gate's own tests know them
        found[path, method] = client.request(method, path).status_code
    return found


def test_a_stranger_gets_the_founders_pages_and_the_door(stranger, site):
    """Exactly these answer 200; everything of the desk but its door leads there or is refused."""
    found = answers(stranger, site)
    assert len(found) > 100, "the walk saw the site"
    opened = {path for (path, method), status in found.items() if status == 200}
    assert {path for path in opened if not path.startswith(("/static/", "/assets/", "/svelte/"))} == OPEN
    desk = {(path, method): status for (path, method), status in found.items() if path.startswith("/staff")}
    assert len(desk) > 30
    inside = {route: status for route, status in desk.items() if route[0] != "/staff/login"}
    assert {status for (_, method), status in inside.items() if method in ("GET", "HEAD")} <= {303, 401}
    assert {status for (_, method), status in inside.items() if method == "POST"} <= {401, 413}
    assert {status for (_, method), status in inside.items() if method not in ("GET", "HEAD", "POST")} <= {404}


def test_a_session_that_has_ended_opens_as_little(stranger, site):
    """Its cookie is worth as much as none."""
    door = site.state.staff_door
    token = door.begin("Kari")
    stranger.cookies.set(STAFF_COOKIE, token)
    assert stranger.get("/staff/upkeep").status_code == 200
    door.end(token)
    found = answers(stranger, site)
    stranger.cookies.clear()
    assert found == answers(stranger, site)


def test_every_page_of_the_desk_is_kept_by_nobody(stranger, site):
    """No browser or proxy keeps it, no frame shows it, no search engine lists it; a script runs where it is ours."""
    stranger.cookies.set(STAFF_COOKIE, site.state.staff_door.begin("Kari"))
    pages = [path for path, method in dict.fromkeys(routes_of(site)) if path.startswith("/staff") and method == "GET"]
    assert len(pages) > 10
    for path in [*pages, "/staff/login", "/staff/nowhere/at/all"]:
        response = stranger.get(path)
        headers = response.headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-robots-tag"] == "noindex, nofollow", path
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert ("script-src" in headers["content-security-policy"]) == ("<script" in response.text), path
        assert not re.search(r'(href|src|action)="(/|https?:)', response.text), path
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son\w+=", response.text), path


def test_what_is_no_page_of_the_desk_is_404_for_who_is_logged_in(stranger, site):
    """It does not fall through to Gradio, whose page lies at the root."""
    stranger.cookies.set(STAFF_COOKIE, site.state.staff_door.begin("Kari"))
    for path in ("/staff/nowhere", "/staff/a/b/c", "/staff/%2e%2e/config"):
        response = stranger.get(path)
        assert response.status_code == 404
        assert "gradio" not in response.text.lower()
    assert stranger.get("/").headers["content-security-policy"] == GRADIO_POLICY


# ---- The desk is off ----


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_desk_that_is_off_says_how_to_turn_it_on(client, language):
    """Without a form, since there is no password to give."""
    response = client.get("/staff", params={"lang": language})
    assert response.status_code == 200
    assert "python -m assistant hash-password" in response.text
    assert "ASSISTANT_STAFF_PASSWORD_HASH=" in response.text
    assert "<form" not in response.text
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/staff/", "/staff/login", "/staff/today", "/staff/upload", "/staff/upkeep/backup"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_else_is_there_while_it_is_off(client, path, method):
    """Not even the door."""
    assert client.request(method, path, headers=OWN).status_code == 404


@pytest.mark.parametrize(
    "chosen", [{"staff": MemoryStaff()}, {"door": DOOR}], ids=["no password", "nothing behind the door"]
)
def test_the_desk_needs_a_password_and_something_behind_it(another_app, chosen, shelf):
    """There is no default password."""
    client = TestClient(another_app(**chosen))
    assert "hash-password" in client.get("/staff").text
    assert client.post("/staff/login", data={"name": "a", "password": ""}, headers=OWN).status_code == 404


# ---- Beside the founders' code ----


def test_the_desk_needs_its_own_password_alone(another_app, shelf, tmp_path):
    """The founders' access code neither opens it nor stands before it."""
    door = Door(access_code="fjord-and-fell-2026", staff_password_hash=PASSWORD_HASH)
    site = another_app(door=door, staff=MemoryStaff(), uploads=tmp_path)
    client = TestClient(site, headers=OWN, follow_redirects=False)
    assert client.get("/").status_code == 303
    assert client.get("/staff/login").status_code == 200
    assert client.post("/enter", data={"code": "fjord-and-fell-2026"}).status_code == 303
    assert client.get("/staff/upkeep").headers["location"] == "../staff/login?next=upkeep"
    client.cookies.clear()
    assert client.post("/staff/login", data={"name": "Kari", "password": PASSWORD}).status_code == 303
    assert client.get("/staff/upkeep").status_code == 200
    assert client.get("/").status_code == 303, "who works at the desk still needs the code to ask as a founder"
