"""The first day at the desk, in a real browser over a real assistant: documents in, tried, replaced, taken out."""

from __future__ import annotations

import io
import re
import shutil
import socket
import threading
import time
import warnings
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import docx
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Page, expect
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from assistant.build import Assistant
from assistant.settings import read_settings
from assistant.web.visits import Door
from tests.conftest import write_corpus
from tests.web.browsing import ask
from tests.web.desk import PASSWORD, PASSWORD_HASH, MemoryStaff

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]
# Language, colours, width, and which share of the pages axe sees: a page at 200 % is one of half the width.
LOOKS = (("en-US", "light", 1280, 1), ("nb-NO", "dark", 390, 2), ("en-US", "light", 640, 100))
MORE_RULES = {"target-size": {"enabled": True}, "label-content-name-mismatch": {"enabled": True}}
HOSTILE = "<img src=x onerror=alert(1)> \u202efees & more"


def pdf(*pages: str | None) -> bytes:
    """Return a PDF; a page that is None is a picture without text."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for words in pages:
        if words is None:
            canvas.drawImage(ImageReader(Image.new("L", (300, 400), 230)), 60, 200, 300, 400)
        for number, line in enumerate((words or "").split("\n")):
            canvas.drawString(72, 760 - 16 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def word(title: str, *paragraphs: str) -> bytes:
    """Return a Word document."""
    document, out = docx.Document(), io.BytesIO()
    document.add_heading(title, 1)
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(out)
    return out.getvalue()


def file_of(name: str, content: bytes | str) -> Any:
    """Return a file as the browser is given it."""
    raw = content if isinstance(content, bytes) else content.encode()
    return {"name": name, "mimeType": "application/octet-stream", "buffer": raw}


@dataclass
class Site:
    """A site that runs: its address, and the assistant behind it."""

    address: str
    assistant: Any


@pytest.fixture(scope="module")
def lasting_site(read_data, two_page_pdf, tmp_path_factory):
    """The whole site over the tiny corpus, with the desk on; this machine's own addresses may be fetched."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(read_data, folder / "data")
    corpus = write_corpus(folder / "corpus", two_page_pdf)
    settings = read_settings(corpus=corpus, data=folder / "data", ingest_threads=1, fetch_networks="127.0.0.0/8")
    with Assistant(settings) as assistant:
        assistant.warm_up()
        staff = MemoryStaff(drafts=assistant.staff.drafts, shelf=assistant.staff.shelf)
        with warnings.catch_warnings():
            # Gradio's own use of its neighbours' older names; none of it is ours.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="gradio")
            from assistant.web.server import create_app

            door = Door(staff_password_hash=PASSWORD_HASH)
            app = create_app(assistant, door=door, staff=staff, uploads=folder / "uploads")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            while not server.started:
                time.sleep(0.02)
            yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", assistant)
            server.should_exit = True
            thread.join()


@pytest.fixture
def site(lasting_site):
    """The site, with no draft on its way in."""
    yield lasting_site
    drafts = lasting_site.assistant.staff.drafts
    for draft in drafts.all():
        drafts.discard(draft.id, by="Ola")


@pytest.fixture
def sit_down(browser, site):
    """Log in with a browser that looks so; every request and every complaint of the page is kept."""
    contexts = []

    def open_desk(locale="en-US", colours="light", width=1280, *, script=True) -> Page:
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": 900}, color_scheme=colours, reduced_motion="reduce",
            java_script_enabled=script,
        )  # fmt: skip
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.problems = [], []
        context.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if "Refused" in line.text else None)
        page.goto(f"{site.address}/staff/login")
        page.locator("#name").fill("Kari")
        page.locator("#password").fill(PASSWORD)
        page.locator("#password").press("Enter")
        page.locator(".desk-nav").wait_for()
        return page

    yield open_desk
    for context in contexts:
        context.close()


@pytest.fixture
def publisher():
    """A web site on this machine whose one page can be changed."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/fares.html"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if found:
                self.wfile.write(server.page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Pages)
    server.page = "<html lang=en><title>Tram fares</title><h1>Tram fares</h1><p>A ride on the tram costs 44 kroner.</p>"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def read(page: Page, *names: str) -> None:
    """Wait until the page says of each file what has become of it."""
    for name in names:
        row = page.locator("#sent-files li", has_text=name)
        expect(row).to_be_visible()
        expect(row.locator("progress")).to_have_count(0, timeout=60_000)


def test_the_first_day(site, sit_down, publisher):
    """Files and a link in, receipts read, published, answered, replaced, undone, unpublished, withdrawn."""
    page = sit_down()
    page.get_by_role("link", name="Add", exact=True).click()
    files = [
        file_of(
            "fee.pdf", pdf("The tugboat fee\n\nThe tugboat fee is 9,150 kroner for each ship.", "Ships pay in May.")
        ),
        file_of("hiring.docx", word("Hiring divers", "A diver of the harbour earns 310 kroner for each hour.")),
        file_of("insurance.pdf", pdf("The insurance covers every crane of the harbour.", None)),
        file_of("scan.pdf", pdf(None)),
        file_of("photo.jpg", b"\xff\xd8\xff"),
        file_of("empty.txt", b""),
    ]
    page.locator("#files").set_input_files(files)
    read(page, *(file["name"] for file in files))
    said = page.locator("#sent-files").inner_text()
    assert "empty (0 bytes)" in said
    assert ".jpg" in said
    assert page.locator("#sent-files li.failed").count() == 3

    # A scanned page is named in the receipt; a file of nothing else cannot be read, and another takes its place.
    page.goto(f"{site.address}/staff/drafts")
    page.get_by_role("link", name="insurance", exact=False).first.click()
    assert "2" in page.locator(".desk-facts", has_text="Pages without text").inner_text()
    expect(page.locator(".desk-pages .empty")).to_have_count(1)
    page.goto(f"{site.address}/staff/drafts")
    page.get_by_role("link", name="scan.pdf").click()
    expect(page.locator(".desk-problems")).to_contain_text("What helps:")
    page.locator("#files").set_input_files(file_of("read.pdf", pdf("The pilot boards every ship at the outer buoy.")))
    page.wait_for_url(re.compile(r"/draft\?id="))
    expect(page.locator("#receipt")).to_be_visible(timeout=60_000)
    page.goto(f"{site.address}/staff/drafts")
    assert page.get_by_role("link", name="scan.pdf").count() == 0

    # Details, a test question, publishing; founders are answered from it.
    page.locator("tr", has_text="fee.pdf").get_by_role("link").click()
    page.get_by_label("Publisher").fill("The Harbour Office")
    page.get_by_label("Review date").fill("2027-05-01")
    page.get_by_role("button", name="Save the details").click()
    expect(page.locator("#receipt")).to_be_visible(timeout=60_000)
    page.get_by_label("A test question").fill("What is the tugboat fee?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer")).to_contain_text("9,150 kroner")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Published.")
    document = page.url
    page.goto(site.address)
    page.locator(".banner:not(.unsettled)").wait_for()
    assert "9,150 kroner" in ask(page, "What is the tugboat fee?").inner_text()

    # A new version: what changes, published, undone.
    page.goto(document)
    page.get_by_role("link", name="Put in a new version").click()
    new = pdf("The tugboat fee\n\nThe tugboat fee is 9,900 kroner for each ship.", "Ships pay in May.")
    page.locator("#files").set_input_files(file_of("fee-2027.pdf", new))
    page.get_by_role("link", name="See what changes").click(timeout=60_000)
    expect(page.locator("ins")).to_have_text("9,900")
    expect(page.locator("del")).to_have_text("9,150")
    page.get_by_role("link", name="Back to the draft").click()
    page.get_by_role("button", name="Publish the new version").click()
    assert "9,900" in site.assistant.ask("What is the tugboat fee?").text
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_role("status").first).to_contain_text("Undone.")
    assert "9,150" in site.assistant.ask("What is the tugboat fee?").text

    # A link; fetched again after it has changed, it shows what changed.
    page.goto(f"{site.address}/staff/add")
    page.get_by_label("Address of a page or a file").fill(f"http://127.0.0.1:{publisher.server_port}/fares.html")
    page.get_by_role("button", name="Fetch it").click()
    page.get_by_role("button", name="Publish").click(timeout=60_000)
    assert "44 kroner" in site.assistant.ask("What does a ride on the tram cost?").text
    publisher.page = publisher.page.replace("44", "46")
    page.get_by_role("button", name="Fetch it again").click()
    page.get_by_role("link", name="See what changes").click(timeout=60_000)
    expect(page.locator("ins")).to_have_text("46")

    # Unpublished, published again, withdrawn.
    page.goto(document)
    page.get_by_role("button", name="Unpublish").click()
    assert "9,150" not in site.assistant.ask("What is the tugboat fee?").text
    page.get_by_role("button", name="Publish again").click()
    assert "9,150" in site.assistant.ask("What is the tugboat fee?").text
    page.get_by_role("link", name="Withdraw for good").click()
    page.get_by_label("To confirm, type").fill(page.locator(".desk-phrase").inner_text())
    page.get_by_role("button", name="Withdraw for good").click()
    expect(page.locator(".desk-note.care")).to_contain_text("Its text is shown nowhere.")
    assert "9,150" not in site.assistant.ask("What is the tugboat fee?").text
    assert page.problems == []
    assert all(url.startswith((site.address, "data:", "blob:")) for url in page.requested)


def test_without_a_script_everything_essential_works(site, sit_down):
    """Files are chosen and sent, drafts are described and published."""
    page = sit_down(script=False)
    page.goto(f"{site.address}/staff/add")
    assert page.get_by_text("Drag files or a folder here").is_hidden()
    page.locator("#files").set_input_files([file_of("eel.txt", "The eel of the harbour sleeps in the winter."),
                                            file_of("photo.jpg", b"\xff\xd8")])  # fmt: skip
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("photo.jpg")
    for _ in range(600):
        if page.get_by_role("checkbox").count():
            break
        time.sleep(0.1)
        page.reload()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Publish those chosen").click()
    expect(page.get_by_role("status").first).to_contain_text("One document is published")


def test_files_chosen_while_the_script_is_on_its_way_are_sent(site, sit_down):
    """A slow line: the page can be used before its script is there, and what was chosen is not forgotten."""
    page = sit_down()
    held = []
    page.route("**/staff.js", lambda route: held.append(route))
    page.goto(f"{site.address}/staff/add", wait_until="commit")
    page.locator("#files").set_input_files(
        [file_of("shrimp.txt", "The shrimp of the harbour is boiled at sea."),
         file_of("whelk.txt", "The whelk of the harbour is sold by the kilo.")]
    )  # fmt: skip
    assert page.locator("#sent-files li").count() == 0
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    read(page, "shrimp.txt", "whelk.txt")
    assert page.locator("#sent-files li").count() == 2
    assert page.evaluate("document.querySelector('#files').files.length") == 0


def test_a_folder_that_is_dropped_is_gone_through(site, sit_down):
    """Files of the system in it are passed over, and the browser does not leave the page for a file."""
    page = sit_down()
    page.goto(f"{site.address}/staff/add")
    page.evaluate(
        """() => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["The crab of the harbour walks in the summer."], "crab.txt"));
          transfer.items.add(new File(["x"], ".DS_Store"));
          for (const name of ["dragover", "drop"])
            document.body.dispatchEvent(new DragEvent(name, {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }"""
    )
    read(page, "crab.txt")
    assert page.locator("#sent-files li").count() == 1
    expect(page.locator("#sent-line")).to_contain_text("passed over: 1")


def test_nothing_on_these_pages_hinders_anybody(site, sit_down, tmp_path):
    """In each look: axe finds nothing, and nothing is wider than the screen, whatever a document is called."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    staff = site.assistant.staff
    for name, content in (
        (f"{HOSTILE}.md", f"# {HOSTILE} {'long' * 60}\n\nThe harbour takes <b>20 kroner</b> for each boat.\n"),
        ("fee.pdf", pdf("The tugboat fee is 9,150 kroner for each ship.", None, "Ships pay in May, by wire.")),
        ("scan.pdf", pdf(None)),
    ):
        (tmp_path / "one").write_bytes(content if isinstance(content, bytes) else content.encode())
        staff.drafts.add(name, tmp_path / "one", by="Ola")
    (tmp_path / "two").write_text("# Mentors\n\nThe walrus fee is 5,000 dollars per company.\n")
    (new,) = staff.drafts.add("mentors.md", tmp_path / "two", by="Ola", replaces="programme/mentors.md")
    while any(draft.state in ("waiting", "reading") for draft in staff.drafts.all()):
        time.sleep(0.05)
    mentors, harbour = "id=programme/mentors.md", "id=reports/harbour.pdf"
    pages = ["add", "drafts", "documents", *(f"draft?id={draft.id}" for draft in staff.drafts.all())]
    pages += [f"draft?id={new.id}&question=What is the walrus fee?", f"document-difference?{mentors}&draft={new.id}"]
    pages += [f"draft-text?id={staff.drafts.all()[1].id}", f"document?{mentors}", f"document-text?{harbour}"]
    pages += [f"{name}?{mentors}" for name in ("document-edit", "document-receipt", "document-replace")]
    pages += [f"document-withdraw?{harbour}", "document?id=nothing"]
    found = []
    for locale, colours, width, share in LOOKS:
        page = sit_down(locale, colours, width)
        for place, path in enumerate(pages):
            page.goto(f"{site.address}/staff/{path}")
            found += hindrances(axe, page, path) if place % share == 0 else []
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [(path, width, "wider than the screen", wide)] if wide > 0 else []
        assert page.problems == []
    assert found == []


def hindrances(axe, page: Page, path: str) -> list[tuple[str, str, list]]:
    """Return what axe finds on a page."""
    seen = axe.run(page, options={"rules": MORE_RULES, "resultTypes": ["violations"]}).response
    assert len(seen["passes"]) > 10
    return [(path, one["id"], [node["target"] for node in one["nodes"]]) for one in seen["violations"]]
