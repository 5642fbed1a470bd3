"""The way of a founder without a mouse, and the page as people set it up: large, calm, in colours of their own."""

from __future__ import annotations

import threading
from itertools import groupby

import pytest

from assistant.web.words import WORDS
from tests.web.browsing import ask, reply

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

ENGLISH = "When did USA next! start?"
OWN_PAGES = {
    "Markdown": "source/programme/usa-next.md?start=30&end=300",
    "two languages": "source/reports/two%20languages.pdf?start=30&end=60",
    "hostile": "source/notes/tricky%20%26%20%3Codd%3E%20%231.txt?start=20&end=30",
    "not found": "source/nothing.md",
    "what is stored": "privacy",
    "a link that is gone": "saved/" + "A" * 22,
}

# What has the focus: whether its ring can be seen, whether it lies under something else, and what it is called here.
FOCUSED = """() => {
  const focused = document.activeElement;
  const ringed = [focused, focused.closest("label"), focused.closest("#ask-row")].filter(Boolean).some((element) => {
    const style = getComputedStyle(element);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const shown = focused.closest("label") || focused;
  const box = shown.getBoundingClientRect();
  const places = [0.1, 0.5, 0.9].map((part) => [box.left + box.width * part, box.top + box.height / 2]);
  const free = places.some(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return top && (shown.contains(top) || top.contains(shown));
  });
  const within = ["#language", "#segment", "#stage", "#starters", ".acts", ".feedback", ".go-on", ".card", "#foot"];
  const group = within.map((selector) => focused.closest(selector)).find(Boolean);
  const place = group ? group.id || group.className.split(" ")[0] : focused.id || focused.tagName.toLowerCase();
  return { lost: focused === document.body, ringed, free, place, words: focused.outerHTML.slice(0, 120) };
}"""


def focused(page):
    """Return what has the focus, once it is sure that something has it, that it shows, and that nothing covers it."""
    now = page.evaluate(FOCUSED)
    assert not now["lost"], "the focus is lost"
    assert now["ringed"], f"the focus does not show: {now['words']}"
    assert now["free"], f"the focus lies under something else: {now['words']}"
    return now


def tab_to(page, selector, key="Tab"):
    """Press a key until the focus is on what was wanted; each stop on the way can be seen. Return the parts passed."""
    stops = []
    for _ in range(40):
        page.keyboard.press(key)
        stops.append(focused(page)["place"])
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return [part for part, _ in groupby(stops)]
    raise AssertionError(f"{selector} is not reached: {stops}")


def comes_true(page, condition, argument=None):
    """Wait until something is so, for a while; Playwright's own way needs an `eval` that our policy forbids."""
    for _ in range(300):
        if page.evaluate(condition, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never was so: {condition} {argument or ''}")


def stays(page, selector):
    """Wait until the focus is there, and see that it is still there when the page has come to rest."""
    comes_true(page, "selector => document.activeElement.matches(selector)", selector)
    page.wait_for_timeout(300)
    assert page.evaluate("selector => document.activeElement.matches(selector)", selector)
    return focused(page)


@pytest.fixture
def site(visit, address):
    """Open one of our own pages, or the founders' page, in a browser set up in some way."""

    def open_page(path="", **chosen):
        page = visit(**chosen)
        if path:
            page.goto(f"{address}/{path}")
        return page

    return open_page


# ---- By keyboard alone ----


def test_everything_is_done_by_keyboard(visit, shelf):
    """From the link past the head to a new conversation; the focus is always somewhere, and shows."""
    page = visit()
    keyboard = page.keyboard

    # The language and the field, and past both with the first link.
    assert tab_to(page, "#language input") == ["skip", "language"]
    keyboard.press("ArrowRight")
    page.locator("html[lang=nb]").wait_for()
    stays(page, "#language input[value=nb]")
    keyboard.press("ArrowLeft")
    page.locator("html[lang=en]").wait_for()
    stays(page, "#language input[value=en]")
    tab_to(page, "#segment input")
    keyboard.press("ArrowDown")
    page.locator(".starter", has_text="medtech").wait_for()
    stays(page, "#segment input[value=medtech]")
    tab_to(page, "#skip", "Shift+Tab")
    keyboard.press("Enter")
    stays(page, "#box textarea")

    keyboard.type(ENGLISH)
    keyboard.press("Enter")
    reply(page, 0)
    page.locator(".follow").first.wait_for()
    stays(page, "#box textarea")

    # A marker shows its quote, opens the source beside, and is where Escape leads back to.
    tab_to(page, "a.marker", "Shift+Tab")
    card = page.locator(".peek").first
    assert card.is_visible()
    keyboard.press("Escape")
    assert card.is_hidden()
    keyboard.press("Enter")
    viewer = page.frame_locator("#beside iframe")
    assert viewer.locator("mark#quote").inner_text() == shelf.ask(ENGLISH).citations[0].quote
    focused(page)
    keyboard.press("Escape")
    page.locator("#beside").wait_for(state="detached")
    stays(page, "a.marker")
    assert card.is_hidden()

    # From inside the frame too.
    keyboard.press("Enter")
    viewer.locator("mark#quote").wait_for()
    for _ in range(6):
        keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "IFRAME":
            break
    assert page.evaluate("document.activeElement.tagName") == "IFRAME"
    keyboard.press("Escape")
    page.locator("#beside").wait_for(state="detached")
    stays(page, "a.marker")

    # Judge, say why, send.
    tab_to(page, ".judge.unhelpful")
    keyboard.press("Space")
    stays(page, "#why-1")
    keyboard.type("The month is missing.")
    tab_to(page, ".feedback .share")
    tab_to(page, ".feedback .send")
    keyboard.press("Enter")
    stays(page, ".judge.unhelpful")

    # Go on with a suggestion, save, read what was saved.
    tab_to(page, ".follow")
    keyboard.press("Enter")
    reply(page, 1)
    stays(page, "#box textarea")
    tab_to(page, "#save")
    keyboard.press("Enter")
    page.locator(".saved-address").wait_for()
    stays(page, "#save")
    tab_to(page, ".saved-address")
    with page.context.expect_page() as opened:
        keyboard.press("Enter")
    saved = opened.value
    saved.wait_for_load_state()
    saved.bring_to_front()
    assert saved.locator("h1").inner_text() == WORDS["en"]["saved_title"]
    tab_to(saved, "a.marker")
    saved.close()
    page.bring_to_front()

    # And from the beginning.
    tab_to(page, "#again", "Shift+Tab")
    keyboard.press("Enter")
    page.locator(".starter").first.wait_for()
    stays(page, "#box textarea")
    tab_to(page, ".starter", "Shift+Tab")
    keyboard.press("Enter")
    reply(page, 0)
    stays(page, "#box textarea")
    assert page.problems == []


def test_the_keyboard_goes_through_the_page_as_the_eye_does(visit):
    """From the top to the foot, each part once: nothing is jumped back to."""
    page = visit()
    tab_to(page, "#skip")
    assert tab_to(page, "#foot a") == ["language", "segment", "stage", "starters", "textarea", "ask", "foot"]
    ask(page, ENGLISH)
    page.locator(".follow").first.wait_for()
    tab_to(page, "#skip", "Shift+Tab")
    talk, sources = ["a", "acts", "go-on", "textarea", "ask", "again"], ["card", "acts"]
    assert tab_to(page, "#foot a") == ["language", *talk, *sources, "foot"]


@pytest.mark.parametrize("width", [pytest.param(1280, id="screen"), pytest.param(390, id="phone")])
def test_nothing_covers_what_has_the_focus(visit, width):
    """In a long conversation on a low screen, forwards and backwards, past the box that stays at the foot."""
    page = visit(width=width, height=560)
    for question in (ENGLISH, "xyzzy?", "Which company can join?"):
        ask(page, question)
    page.locator(".follow").first.wait_for()
    tab_to(page, "#skip", "Shift+Tab")
    tab_to(page, "#foot a")
    tab_to(page, "#skip", "Shift+Tab")


# ---- What is said aloud ----


def test_the_page_says_what_happens(visit, shelf):
    """That it looks, then the answer; each once, in a region that stands still."""
    go = threading.Event()
    shelf.before_answer = lambda question: go.wait(15) and None
    page = visit()
    page.evaluate(
        "() => { const region = document.querySelector('#announcement'); window.said = []; window.region = region;"
        " new MutationObserver(() => { const words = region.innerText.trim();"
        " if (words && words !== window.said.at(-1)) window.said.push(words); })"
        ".observe(region, { childList: true, characterData: true, subtree: true }); }"
    )
    page.locator("#box textarea").fill(ENGLISH)
    page.locator("#box textarea").press("Enter")
    comes_true(page, "window.said.length > 0")
    go.set()
    reply(page, 0)
    comes_true(page, "window.said.length > 1")
    said = page.evaluate("window.said")
    assert said[0] == WORDS["en"]["reading"]
    assert "January 2022" in said[1]
    assert len(said) == 2
    assert page.evaluate("window.region === document.querySelector('#announcement')")


@pytest.mark.parametrize("locale", ["en-US", "nb-NO"])
def test_each_page_has_one_heading_a_language_and_a_title(site, address, locale):
    """The founders' page and ours."""
    page = site(locale=locale)
    titles = set()
    for path in ("", *OWN_PAGES.values()):
        page.goto(f"{address}/{path}")
        page.locator("h1").first.wait_for()
        assert page.locator("h1").count() == 1, path
        assert page.locator("html").get_attribute("lang") == locale[:2], path
        titles.add(page.title())
    assert len(titles) == len(OWN_PAGES), "two of the pages say that something is not there"
    assert all("USA next!" in title for title in titles)


# ---- Large ----

BEYOND_THE_EDGE = """(width) => [...document.querySelectorAll("h1, h2, h3, p, li, a, button, label, textarea, mark")]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".hidden, .table"))
  .filter((element) => !["absolute", "fixed"].includes(getComputedStyle(element).position))
  .filter((element) => {
    const box = element.getBoundingClientRect();
    const left = box.left + parseFloat(getComputedStyle(element).paddingLeft);
    return box.width > 1 && (box.right > width + 1 || left < -1);
  })
  .map((element) => element.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize(
    ("width", "height"), [pytest.param(640, 450, id="200 percent"), pytest.param(320, 256, id="400 percent")]
)
def test_large_letters_need_no_sideways_scrolling(site, address, width, height):
    """A screen of 1280 pixels at 200 and 400 percent: all stands inside, and the box leaves room to read."""
    page = site(width=width, height=height)
    for path in OWN_PAGES.values():
        page.goto(f"{address}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(BEYOND_THE_EDGE, width) == [], path
    page.goto(address)
    page.locator(".banner:not(.unsettled)").wait_for()
    ask(page, ENGLISH)
    page.locator(".follow").first.wait_for()
    page.locator(".judge.unhelpful").click()
    page.locator(".feedback:not(.closed)").wait_for()
    page.locator("#save").click()
    page.locator(".saved-address").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND_THE_EDGE, width) == []
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#form").bounding_box()
    assert box["y"] > 0.5 * height, "half of the screen is there to read"
    page.goto(f"{address}/{page.locator('.saved-address').get_attribute('href')}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND_THE_EDGE, width) == []


# ---- Calm ----


def moving(page):
    """Return the names of the animations that run now."""
    return page.evaluate("document.getAnimations().map((one) => one.animationName || one.transitionProperty)")


@pytest.mark.parametrize(
    ("motion", "moves"), [pytest.param("reduce", False, id="calm"), pytest.param("no-preference", True, id="lively")]
)
def test_nothing_moves_for_who_wants_calm(visit, shelf, motion, moves):
    """While it looks, and when the source opens; without that wish both move a little."""
    go = threading.Event()
    shelf.before_answer = lambda question: go.wait(15) and None
    page = visit()
    page.emulate_media(reduced_motion=motion)
    page.locator("#box textarea").fill(ENGLISH)
    page.locator("#box textarea").press("Enter")
    page.locator(".reply.reading").wait_for()
    assert bool(moving(page)) is moves
    go.set()
    reply(page, 0)
    page.locator(".foot").wait_for()  # nothing comes after it that could replace the marker
    marker = page.locator("a.marker").first
    marker.evaluate("marker => { marker.click(); window.came = document.getAnimations().length; }")
    assert bool(page.evaluate("window.came")) is moves
    page.frame_locator("#beside iframe").locator("mark#quote").wait_for()
    if not moves:
        assert moving(page) == []
        assert page.frames[-1].evaluate("document.getAnimations().length") == 0
        assert page.frames[-1].evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


# ---- In the colours of the system ----


def test_forced_colours_hide_nothing(site, address):
    """The edge and the focus of the box, what is chosen, and the mark are seen without our grounds."""
    page = site()
    page.emulate_media(forced_colors="active")

    def style(selector, name, frame=page):
        return frame.locator(selector).first.evaluate("(element, name) => getComputedStyle(element)[name]", name)

    paper = style("body", "backgroundColor")
    for selector in ("#ask-row", "#ask"):
        assert style(selector, "borderTopStyle") == "solid", selector
        assert style(selector, "borderTopColor") != paper, selector
    page.locator("#box textarea").focus()
    assert style("#ask-row", "outlineStyle") == "solid"
    chosen, other = (style(f"#language label{kind}", "backgroundColor") for kind in (".selected", ":not(.selected)"))
    assert chosen != other
    ask(page, ENGLISH)
    assert style(".icon.copy", "backgroundColor") != paper
    assert style("a.marker", "borderTopStyle") == "solid"
    page.goto(f"{address}/{OWN_PAGES['Markdown']}")
    assert style("mark", "backgroundColor") not in (paper, "rgba(0, 0, 0, 0)")
    assert style("mark", "backgroundColor") != style(".text", "backgroundColor")
