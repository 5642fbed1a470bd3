"""The founders' page in Chromium: what a visit costs, timed by the browser itself. The only room that drives one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from eval.errors import EvaluationError
from eval.page_crowd import PATIENCE_SECONDS, Told, Visitor, protocol_visitor, read_conversation

NAME = "USA next!"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# Streams that stay open as long as the page, so they never come to an end that could be waited for.
STREAMS = ("/gradio_api/queue/data", "/gradio_api/heartbeat/")
LARGEST_SHOWN = 10
# Begins with every document of a measured visit. The page paints what is found by an animation frame in that frame, so
# the next frame's time is an upper bound.
WATCH = """
(() => {
  const seen = (window.usanextSeen = { painted: [], first: null, usable: null, asked: null, shown: null, places: [] });
  const tell = {};
  window.usanextWhen = {};
  for (const name of ["first", "usable", "shown"]) {
    window.usanextWhen[name] = new Promise((resolve) => { tell[name] = resolve; });
  }
  const note = (name, value) => { seen[name] = value; tell[name](value); };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) note("first", entry.startTime);
  }).observe({ type: "paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      seen.painted.push([entry.startTime, entry.element ? entry.element.textContent.trim() : ""]);
    }
  }).observe({ type: "largest-contentful-paint", buffered: true });
  const look = () => {
    const box = document.querySelector("#box textarea");
    if (box && !box.disabled && !box.readOnly) {
      const place = box.getBoundingClientRect();
      const above = document.elementFromPoint(place.x + place.width / 2, place.y + place.height / 2);
      if (above === box) { note("usable", performance.now()); return; }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") seen.asked = Date.now();
  }, true);
  let ended = false;
  new MutationObserver(() => {
    if (seen.asked === null || ended) return;
    const reading = document.querySelector(".exchange .reply.reading p");
    if (reading) {
      const place = Number((/[0-9]+/.exec(reading.textContent) || [0])[0]);
      if (place && seen.places[seen.places.length - 1] !== place) seen.places.push(place);
    }
    if (!document.querySelector(".exchange .reply:not(.reading):not(.writing)")) return;
    ended = true;
    requestAnimationFrame(() => requestAnimationFrame(() => note("shown", Date.now())));
  }).observe(document, { childList: true, subtree: true, characterData: true });
})();
"""
# The page's policy forbids what waiting for an expression needs; a promise can be waited for.
SEEN, FIRST, USABLE, ANSWERED = "usanextSeen", "usanextWhen.first", "usanextWhen.usable", "usanextWhen.shown"
# The page has loaded when its words are in the visitor's language.
SETTLED = ".banner:not(.unsettled)"


def find_chromium(names: Sequence[str] = BROWSERS) -> str:
    """Return the machine's Chromium.

    Raises:
        EvaluationError: There is none by these names.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise EvaluationError(
            f"The page cannot be measured: there is no {' or '.join(names)} on this machine. Install the package "
            "chromium of the system."
        )
    return found


# Of each answer: time since the epoch in milliseconds, and seconds that the assistant took.
Answered = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of the page and one question; all times in seconds.

    Attributes:
        title: From the start of the navigation until our name is painted.
        usable: Until the question box stands on the screen with nothing above it, and takes letters.
        first_words: What the first contentful paint showed.
        words_kept: Whether letters typed at that moment still stood in the box once the page was settled.
        sizes: Bytes over the network, headers included, by path; 0 for what came from the cache.
        foreign: Addresses of other hosts that were asked.
        lag: From the assistant's having the answer to its standing on the screen.
        wait: From Enter to its standing on the screen.
        assistant: What the assistant itself took.
    """

    title: float
    usable: float
    first_words: str
    words_kept: bool
    sizes: Mapping[str, float]
    from_cache: int
    foreign: tuple[str, ...]
    lag: float
    wait: float
    assistant: float

    def largest(self) -> list[tuple[str, float]]:
        """Return path and bytes of the heaviest requests, the heaviest first."""
        return sorted(self.sizes.items(), key=lambda one: -one[1])[:LARGEST_SHOWN]


@asynccontextmanager
async def opened_browser(chromium: str) -> AsyncIterator[Browser]:
    """Start Chromium without a screen."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


async def _context(browser: Browser) -> BrowserContext:
    """Return a new visitor: no cookies, an empty cache."""
    context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    await context.add_init_script(WATCH)
    return context


async def visits(
    browser: Browser, address: str, answered: Answered, question: str, plain: list[float]
) -> tuple[Visit, Visit]:
    """Return a new visitor's first visit and the next one, with the cache that the first has filled.

    Before them another new visitor opens a page of ours that holds no script: its first contentful paint goes to
    `plain`, to tell a slow machine from a slow page.

    Args:
        answered: When the page's questions were answered, the newest last; grows while the visits last.
    """
    other = await _context(browser)
    page = await other.new_page()
    await page.goto(f"{address}/privacy")
    plain.append(await _in_time(page.evaluate(FIRST)) / 1000)
    await other.close()
    context = await _context(browser)
    pair = await _visit(context, address, answered, question), await _visit(context, address, answered, question)
    await context.close()
    return pair


async def _in_time(waited: Awaitable[Any]) -> Any:
    try:
        return await asyncio.wait_for(waited, PATIENCE_SECONDS)
    except TimeoutError as error:
        raise EvaluationError(f"The page did not show what was waited for within {PATIENCE_SECONDS:.0f} s.") from error


async def _visit(context: BrowserContext, address: str, answered: Answered, question: str) -> Visit:
    page = await context.new_page()
    traffic = await Traffic.of(page)
    await page.goto(address, wait_until="commit")
    await _in_time(page.evaluate(USABLE))
    # At once, as somebody in a hurry: the page is not settled yet.
    await page.locator("#box textarea").press_sequentially(question)
    await page.locator(SETTLED).wait_for()
    await traffic.calm()
    sizes, from_cache = dict(traffic.sizes), len(traffic.cached)
    kept = await page.locator("#box textarea").input_value() == question
    if not kept:
        await page.locator("#box textarea").fill(question)
    before = len(answered)
    await page.locator("#box textarea").press("Enter")
    await _in_time(page.evaluate(ANSWERED))
    while len(answered) == before:
        await asyncio.sleep(0.01)  # the log's line comes by another way than the answer
    seen = await page.evaluate(SEEN)
    answered_at, assistant = answered[before]
    painted = [(at, words) for at, words in seen["painted"] if words]
    await page.close()
    return Visit(
        title=next((at for at, words in painted if words == NAME), float("inf")) / 1000,
        usable=seen["usable"] / 1000,
        first_words=painted[0][1] if painted and painted[0][0] <= seen["first"] else "",
        words_kept=kept,
        sizes=sizes,
        from_cache=from_cache,
        foreign=tuple(url for url in traffic.asked if urlsplit(url).netloc != urlsplit(address).netloc),
        lag=(seen["shown"] - answered_at) / 1000,
        wait=(seen["shown"] - seen["asked"]) / 1000,
        assistant=assistant,
    )


class Traffic:
    """What a page asks of the network, as the browser's own tools for developers count it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sizes: dict[str, float] = {}
        self.cached: set[str] = set()
        self._paths: dict[str, str] = {}
        self._open: set[str] = set()

    @classmethod
    async def of(cls, page: Page) -> Self:
        """Watch a page from here on."""
        traffic = cls()
        session = await page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", traffic._sent)
        session.on("Network.responseReceived", traffic._received)
        session.on("Network.requestServedFromCache", lambda event: traffic.cached.add(event["requestId"]))
        session.on("Network.loadingFinished", traffic._ended)
        session.on("Network.loadingFailed", traffic._ended)
        await session.send("Network.enable")
        return traffic

    async def calm(self) -> None:
        """Wait until every request has ended but the streams that stay open."""
        while self._open:
            await asyncio.sleep(0.02)

    def _sent(self, event: Mapping[str, Any]) -> None:
        url = event["request"]["url"]
        if not url.startswith(("http:", "https:")):
            return
        self.asked.append(url)
        path = urlsplit(url).path
        self._paths[event["requestId"]] = path
        self.sizes.setdefault(path, 0)
        if not path.startswith(STREAMS):
            self._open.add(event["requestId"])

    def _received(self, event: Mapping[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self.cached.add(event["requestId"])

    def _ended(self, event: Mapping[str, Any]) -> None:
        number = event["requestId"]
        self._open.discard(number)
        if number in self._paths and number not in self.cached:
            self.sizes[self._paths[number]] += event.get("encodedDataLength", 0)


@dataclass(frozen=True, slots=True)
class _PageVisitor:
    page: Page

    async def ask(self, question: str) -> Told:
        """Type, press Enter, wait until the answer is on the screen and the page has ended its work."""
        await self.page.locator("#box textarea").fill(question)
        await self.page.locator("#box textarea").press("Enter")
        await self.page.evaluate(ANSWERED)
        seen = await self.page.evaluate(SEEN)
        html = await self.page.locator("#conversation .conversation").first.evaluate("element => element.outerHTML")
        seconds = (seen["shown"] - seen["asked"]) / 1000
        return Told(question, read_conversation(html), seconds, tuple(seen["places"]))


@asynccontextmanager
async def page_visitor(browser: Browser, address: str) -> AsyncIterator[Visitor]:
    """Open the page in Chromium as a new visitor."""
    context = await _context(browser)
    page = await context.new_page()
    await page.goto(address, wait_until="commit")
    await page.locator(SETTLED).wait_for()
    try:
        yield _PageVisitor(page)
    finally:
        await context.close()


def mixed_visitors(
    browser: Browser, address: str, count: int, browsers: int
) -> list[AbstractAsyncContextManager[Visitor]]:
    """Return visitors who will open the page: so many in Chromium, the others by the page's protocol alone."""
    in_chromium = min(browsers, count)
    return [
        *(page_visitor(browser, address) for _ in range(in_chromium)),
        *(protocol_visitor(address) for _ in range(count - in_chromium)),
    ]
