"""The door, the first page, gap board, health, history and upkeep as a browser shows them, and by keyboard alone."""

from __future__ import annotations

import socket
import threading
import time
from importlib.resources import files

import pytest
import uvicorn
from fastapi.responses import Response

from tests.web.desk import PASSWORD, MemoryStaff, make_desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MORE_RULES = {"target-size": {"enabled": True}, "label-content-name-mismatch": {"enabled": True}}
PAGES = ("today", "gaps", "gap?id=7", "why?gap=7&question=71", "health", "history", "upkeep", "no/such/page")
LOOKS = pytest.mark.parametrize(
    ("locale", "colours", "width"),
    [("en-US", "light", 1280), ("nb-NO", "dark", 390)],
    ids=["wide, light, English", "phone, dark, Norwegian"],
)


@pytest.fixture(scope="module")
def address():
    """The desk, served from a thread with its style sheets, at a distance from Gradio, which is slow to start."""

    def with_styles(app):
        @app.get("/static/usanext/{name}")
        def style(name: str):
            kind = "text/css" if name.endswith(".css") else "image/svg+xml"
            return Response((files("assistant.web") / "static" / name).read_bytes(), media_type=kind)

        @app.get("/static/fonts/{path:path}")
        def font(path: str):
            return Response(b"", media_type="font/woff2")

    app = make_desk(MemoryStaff(), more=with_styles).client.app
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/staff"
        server.should_exit = True
        thread.join()


@LOOKS
def test_nothing_hinders_anybody(browser, address, locale, colours, width):
    """No rule of axe is broken, nothing is wider than the screen, and no page breaks its own policy."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(locale=locale, color_scheme=colours, viewport={"width": width, "height": 900})
    context.set_default_timeout(15_000)
    page, found = context.new_page(), []
    page.on("console", lambda line: found.append(line.text) if "Content Security Policy" in line.text else None)

    def look(path):
        seen = axe.run(page, options={"rules": MORE_RULES, "resultTypes": ["violations"]}).response
        assert len(seen["passes"]) > 10, "axe saw the page"
        found.extend((path, one["id"], [node["html"] for node in one["nodes"]]) for one in seen["violations"])
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{path} is wider than the screen")

    page.goto(address)
    look("login")
    page.keyboard.type("Kari")
    page.keyboard.press("Tab")
    page.keyboard.type("not-the-password")
    page.keyboard.press("Enter")
    page.locator("[role=alert]").wait_for()
    look("login, wrong")
    # The name is kept, and the cursor stands where the password is missing.
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    for path in PAGES:
        page.goto(f"{address}/{path}")
        look(path)
    context.close()
    assert found == []


def test_a_topic_is_merged_checked_and_left_by_keyboard_alone(browser, address):
    """Every field is reached, and what was done is said."""
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(address)
    page.keyboard.type("Kari")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    page.goto(f"{address}/gap?id=9")
    page.locator("input[name=status]:checked").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("Ola writes it")
    page.keyboard.press("Enter")
    page.locator("[role=status]").wait_for()
    assert page.locator("input[value=writing]").is_checked()
    assert page.locator("#note").input_value() == "Ola writes it"
    page.get_by_role("button", name="Norsk").press("Enter")
    page.wait_for_selector("html[lang=nb]")
    assert page.url.endswith("/gap?id=9")
    page.get_by_role("button", name="Logg ut").press("Enter")
    page.wait_for_url("**/login?out=1")
    page.go_back()
    page.wait_for_url("**/login?next=gap*")
    context.close()
