"""What hinders people, looked for with axe-core on every page and in every state; and the contrast of our colours.

axe cannot tell the contrast over a gradient or beneath a card, so all pairs of our colours are computed as well.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.documents import Limits, load_document
from assistant.domain import WritingModel
from assistant.web.visits import Door
from tests.web.browsing import ask

STATIC = Path(__file__).resolve().parents[2] / "assistant" / "web" / "static"
CODE = "fjord-and-fell-2026"
QUESTION = {"en-US": "When did USA next! start?", "nb-NO": "Hva koster en plass i programmet?"}
# Rules of WCAG 2.2, and one of 2.1, that axe does not look for unless it is told to.
MORE_RULES = {"target-size": {"enabled": True}, "label-content-name-mismatch": {"enabled": True}}

in_a_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]


def marked(function):
    """Mark a test as one that drives the browser."""
    for mark in in_a_browser:
        function = mark(function)
    return function


# ---- Looks: each state is seen in two that share nothing ----


@dataclass(frozen=True)
class Look:
    """How a visitor sees the site."""

    locale: str
    colours: str
    width: int

    @property
    def height(self) -> int:
        """A tall phone or an ordinary screen."""
        return 900 if self.width > 600 else 844


WIDE_DAY = Look("en-US", "light", 1280)
WIDE_NIGHT = Look("nb-NO", "dark", 1280)
PHONE_NIGHT = Look("nb-NO", "dark", 390)
PHONE_DAY = Look("nb-NO", "light", 390)
ENGLISH_NIGHT = Look("en-US", "dark", 1280)


def in_looks(*looks: Look):
    """Run a test once in each of these."""
    return pytest.mark.parametrize("look", looks, ids=lambda look: f"{look.locale}-{look.colours}-{look.width}")


@pytest.fixture
def axe():
    """Look for hindrances on a page, its frames too: `rule (impact): elements`, one line for each; none is good."""
    tool = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def look_for(page, state: str) -> list[str]:
        for frame in page.frames[1:]:
            frame.evaluate(tool.axe_script)
        found = tool.run(page, options={"rules": MORE_RULES, "resultTypes": ["violations"]}).response
        assert len(found["passes"]) > 10, "axe saw the page"
        return [
            f"{state}: {violation['id']} ({violation['impact']}): {[node['target'] for node in violation['nodes']]}"
            for violation in found["violations"]
        ]

    return look_for


@pytest.fixture
def open_at(browser, shelf):
    """Open an address in a look, as a new visitor; more pages of the same visitor come from `page.context`."""
    contexts = []

    def open_page(look: Look, url: str):
        context = browser.new_context(
            locale=look.locale, viewport={"width": look.width, "height": look.height}, color_scheme=look.colours,
            reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def locked(another_app):
    """The site behind an access code, with room for one question at a time."""
    import uvicorn

    app = another_app(door=Door(access_code=CODE), concurrent_questions=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def printed(shelf, tmp_path):
    """A PDF of two pages on the shelf, whose pages can be shown."""
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "printed.pdf"
    canvas = Canvas(str(path), invariant=1)
    for words in ("The fee is paid once a year, in October.", "Send the form with the fee."):
        canvas.drawString(72, 700, words)
        canvas.showPage()
    canvas.save()
    document = load_document(path, "guides/printed.pdf", Limits())
    shelf.put(document)
    shelf.original(document.id).write_bytes(path.read_bytes())
    return document


# ---- The founders' page ----


@marked
@in_looks(WIDE_DAY, PHONE_NIGHT)
def test_asking_reading_judging_and_saving(look, axe, open_at, address):
    """The first sight, an answer, the card of a quote, the form, a saved link; then its page and its deletion."""
    page = open_at(look, address)
    page.locator(".banner:not(.unsettled)").wait_for()
    found = axe(page, "start")
    ask(page, QUESTION[look.locale])
    page.locator(".follow").first.wait_for()
    found += axe(page, "answer")
    page.locator("a.marker").first.focus()
    page.locator(".peek").first.wait_for()
    found += axe(page, "card of a quote")
    page.locator("#box textarea").focus()
    page.locator(".judge.unhelpful").click()
    page.locator(".feedback:not(.closed)").wait_for()
    page.locator("#save").click()
    page.locator(".saved-address").wait_for()
    found += axe(page, "form and saved link")
    for name, link in (("saved", ".saved-address"), ("deletion", "#saved-link a.act")):
        other = page.context.new_page()
        other.goto(f"{address}/{page.locator(link).get_attribute('href')}")
        found += axe(other, name)
    other.locator(".own-button").click()
    other.wait_for_load_state()
    found += axe(other, "deleted")
    assert found == []


@marked
@in_looks(WIDE_DAY, WIDE_NIGHT)
def test_the_source_beside_the_answer(look, axe, open_at, address):
    """The dialog, with the viewer in its frame."""
    page = open_at(look, address)
    page.locator(".banner:not(.unsettled)").wait_for()
    ask(page, QUESTION[look.locale])
    page.locator("a.marker").first.click()
    page.frame_locator("#beside iframe").locator("mark#quote").wait_for()
    assert axe(page, "source beside") == []


@marked
@in_looks(ENGLISH_NIGHT, PHONE_DAY)
def test_refusals_gaps_doubts_and_warnings(look, axe, open_at, address):
    """Whatever is not a whole answer."""
    page = open_at(look, address)
    page.locator(".banner:not(.unsettled)").wait_for()
    ask(page, "xyzzy?")
    found = axe(page, "refused")
    ask(page, "When did USA next! start, and what does a place in Japan cost?")
    found += axe(page, "partly")
    ask(page, "Why does USA next! start in 2030?")
    ask(page, "Raise")
    page.locator("#box textarea").fill(" ")
    page.locator("#box textarea").press("Enter")
    page.locator(".hint.warning").wait_for()
    found += axe(page, "false premise, failure and warning")
    assert found == []


@marked
@in_looks(ENGLISH_NIGHT, PHONE_DAY)
def test_while_it_is_written(look, axe, open_at, address, shelf):
    """A model writes: where questions go, the answer as it grows, the button that stops it."""
    shelf.writing_model = WritingModel("scripted:model", "models.example", stays_here=False)
    go = threading.Event()
    shelf.holds = lambda number: number > 1 and not go.is_set()
    try:
        page = open_at(look, address)
        page.locator(".banner:not(.unsettled)").wait_for()
        found = axe(page, "start with a model")
        page.locator("#box textarea").fill("Which company can join?")
        page.locator("#box textarea").press("Enter")
        page.locator(".in-writing").wait_for()
        found += axe(page, "being written")
    finally:
        go.set()
    page.locator(".written").wait_for()
    assert found + axe(page, "written") == []


@marked
@in_looks(WIDE_DAY, PHONE_NIGHT)
def test_the_access_code_and_the_line(look, axe, open_at, locked, shelf):
    """The form, what was wrong with the code, and the place in line behind another question."""
    page = open_at(look, locked)
    found = axe(page, "access code")
    for code in ("wrong", CODE):
        page.locator("#code").fill(code)
        page.locator("#code").press("Enter")
        if code == "wrong":
            page.locator("#problem").wait_for()
            found += axe(page, "wrong code")
    go = threading.Event()
    shelf.before_answer = lambda question: go.wait(60) and None
    try:
        for visitor in (page.context.new_page(), page):
            visitor.goto(locked)
            visitor.locator(".banner:not(.unsettled)").wait_for()
            visitor.locator("#box textarea").fill(QUESTION[look.locale])
            visitor.locator("#box textarea").press("Enter")
            visitor.locator(".reply.reading").wait_for()
        page.locator(".reply.reading", has_text="1").wait_for()
        found += axe(page, "in line")
    finally:
        go.set()
    assert found == []


# ---- Our own pages ----

OWN_PAGES = {
    "Markdown": "source/programme/usa-next.md?start=30&end=300",
    "Norwegian, without a quote": "source/programme/om-usa-next.md",
    "text": "source/notes/tricky%20%26%20%3Codd%3E%20%231.txt?start=20&end=30",
    "two languages": "source/reports/two%20languages.pdf?start=30&end=60",
    "pages of a PDF": "source/guides/printed.pdf?start=0&end=20",
    "a quote that is not there": "source/programme/usa-next.md?start=9&end=3",
    "not found": "source/nothing.md",
    "what is stored": "privacy",
    "a link that is gone": "saved/" + "A" * 22,
}


@marked
@in_looks(WIDE_DAY, PHONE_NIGHT)
def test_pages_without_a_script(look, axe, open_at, address, printed):
    """The viewer for each kind of document, and the pages that say one thing."""
    page = open_at(look, f"{address}/privacy")
    found = []
    for name, path in OWN_PAGES.items():
        page.goto(f"{address}/{path}")
        found += axe(page, name)
    assert found == []


# ---- Colours ----


def colours(sheet: str) -> dict[str, dict[str, str]]:
    """Return the named colours of a style sheet, by day and by night."""
    by_day, by_night = re.findall(r":root[^{]*\{([^}]*)\}", (STATIC / sheet).read_text(encoding="utf-8"))[:2]
    day = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6});", by_day))
    night = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6});", by_night))
    assert day.keys() >= night.keys() >= {"paper", "ink", "fjord"}
    return {"light": day, "dark": day | night}


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rgb` or `#rrggbb`, as WCAG defines it."""
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


# What stands on what; `saved.css` uses the colours of `chat.css`.
PAIRS = {
    "chat.css": {
        "text": "ink on paper card mist amber-ground, soft on paper card mist, fjord on paper card mist amber-ground, "
        "fjord-dark on paper card mist amber-ground, on-fjord on fjord fjord-dark, amber on amber-ground paper",
        "edge": "edge on paper card, fjord on paper card mist, amber on amber-ground paper",
    },
    "viewer.css": {
        "text": "ink on paper card mist mark-ground, soft on paper card, fjord on paper card mist mark-ground, "
        "on-fjord on fjord, amber on amber-ground, mark-ink on mark",
        "edge": "edge on paper card, fjord on paper card mist, mark-edge on card mark-ground, amber on amber-ground",
    },
}
EACH_PAIR = [
    pytest.param(sheet, scheme, front, ground, least, id=f"{sheet} {scheme}: {front} on {ground}, {kind}")
    for sheet, kinds in PAIRS.items()
    for kind, least in (("text", 4.5), ("edge", 3.0))
    for front, _, grounds in (pair.partition(" on ") for pair in kinds[kind].split(", "))
    for ground in grounds.split()
    for scheme in ("light", "dark")
]


@pytest.mark.parametrize(("sheet", "scheme", "front", "ground", "least"), EACH_PAIR)
def test_colours_stand_out_from_what_they_stand_on(sheet, scheme, front, ground, least):
    """4.5 to 1 for words, 3 to 1 for what shows where a control or a mark is."""
    named = colours(sheet)[scheme]
    assert contrast(named[front], named[ground]) >= least


def test_the_measure_of_contrast_is_that_of_wcag():
    """Known values."""
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.005)


def test_both_style_sheets_mean_the_same_colours():
    """What has one name has one look, in the answer and in its source."""
    one, other = colours("chat.css"), colours("viewer.css")
    for scheme in ("light", "dark"):
        for name in ("paper", "ink", "soft", "line", "edge", "fjord"):
            assert one[scheme][name] == other[scheme][name], (scheme, name)
