"""The page's bench: what a visit is, what a crowd is, and that a wrong answer, an error or another host is found."""

from __future__ import annotations

import asyncio
import importlib
import logging
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from assistant.web.logs import JsonLines
from assistant.web.rendering import Exchange
from assistant.web.rendering import conversation as rendered
from eval import page_crowd
from eval.bench import Crowd, Findings
from eval.errors import EvaluationError
from tests.web.conftest import DOCUMENTS, Shelf, fill, make_app

page_browser = pytest.importorskip("eval.page_browser", reason="playwright is not installed")
page_bench = importlib.import_module("eval.page_bench")

START, FEE, TRIP = "When did USA next! start?", "What does a place in the programme cost?", "How long is each trip?"
# Who joins a line hears of the place a moment later.
LISTENING_SECONDS = 0.3
FAILS, CRASHES, UNKNOWN = "Raise the flag", "Crash the car", "Xylophone?"
TABLE = "Houston Price NOK person"
NORWEGIAN = "Hva koster plassen på norsk?"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A library in memory that answers with real quotes."""
    shelf = fill(Shelf(tmp_path))
    yield shelf
    shelf.journal.close()
    shelf.pages.close()


class Line:
    """The site, with a count of the visitors who were shown a place in line."""

    def __init__(self, site) -> None:
        self.site = site
        self.told: set[int] = set()
        self.changed = threading.Condition()

    async def __call__(self, scope, receive, send) -> None:
        async def look(message) -> None:
            if b" in line" in message.get("body", b""):
                with self.changed:
                    self.told.add(id(scope))
                    self.changed.notify()
            await send(message)

        await self.site(scope, receive, look)

    def fills(self, count: int) -> None:
        """Wait until so many stand in line."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, 60)


@contextmanager
def served(shelf: Shelf) -> Iterator[tuple[page_bench.Server, Line]]:
    """Serve the real site, which reads one question at a time, and let the bench read its real log."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = page_bench.Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    log = logging.getLogger("assistant.web.logs")
    handler, level = Told(server), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    line = Line(make_app(shelf, concurrent_questions=1))
    site = uvicorn.Server(uvicorn.Config(line, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=site.run, kwargs={"sockets": [listener]})
    thread.start()
    while not site.started:
        time.sleep(0.02)
    try:
        yield server, line
    finally:
        site.should_exit = True
        thread.join()
        listener.close()
        log.removeHandler(handler)
        log.setLevel(level)


class Told(logging.Handler):
    """Hands the log's lines to the bench, as a process's standard error does."""

    def __init__(self, server: page_bench.Server) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.server = server

    def emit(self, record: logging.LogRecord) -> None:
        self.server.listen(iter([self.format(record)]))


@pytest.mark.browser
@pytest.mark.slow
# Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning")
def test_visits_and_a_crowd_on_the_real_page(shelf):
    """A visit's times are in order, nobody else is asked; at once, who fails is counted and the others wait in line."""
    if not any(map(shutil.which, page_browser.BROWSERS)):
        pytest.skip("there is no chromium on this machine")
    plain: list[float] = []
    asked = [START, FAILS, FEE, TRIP, CRASHES, UNKNOWN, TABLE]

    async def look(server: page_bench.Server, line: Line):
        async with page_browser.opened_browser(page_browser.find_chromium()) as browser:
            pair = await page_browser.visits(browser, server.address, server.answered, FEE, plain)
            shelf.before_answer = lambda question: (line.fills(len(asked) - 1), time.sleep(LISTENING_SECONDS))
            visitors = page_browser.mixed_visitors(browser, server.address, len(asked), 1)
            return pair, await page_crowd.crowd(visitors, asked)

    with served(shelf) as (server, line):
        (cold, warm), told = asyncio.run(look(server, line))
        shelf.before_answer = lambda question: None
        alone = [
            frozenset() if question in (FAILS, CRASHES) else page_crowd.quotes_alone(server.address, question)
            for question in asked
        ]
        with pytest.raises(EvaluationError, match=r"Asked alone, 'Raise the flag' got status 503: .*make chat"):
            page_crowd.quotes_alone(server.address, FAILS)
    for visit in (cold, warm):
        assert visit.first_words == "USA next!"
        assert 0 < visit.title < visit.usable
        assert visit.words_kept
        assert visit.foreign == ()
        assert visit.wait > visit.lag > 0
        assert visit.assistant >= 0
    assert dict(cold.largest()).keys() <= cold.sizes.keys()
    assert cold.sizes["/static/usanext/chat.js"] > 10_000
    assert warm.sizes["/static/usanext/chat.js"] == 0
    assert warm.from_cache > cold.from_cache
    assert len(plain) == 1
    crowd = page_bench.crowd_figures(told, alone, 1)
    assert crowd.faults == (
        f"no answer to {FAILS!r}: an error on the page",
        f"no answer to {CRASHES!r}: an error on the page",
    )
    assert (crowd.visitors, crowd.in_chromium, crowd.errors, crowd.wrong_answers) == (7, 1, 2, 0)
    assert crowd.different_answers == 5  # three have none: two that failed, and the one that the documents do not hold
    # Six wait; the line moves on with the last of them, who may have heard of no place yet or of a better one.
    assert crowd.shown_a_place in (5, 6)
    assert crowd.largest_place in (5, 6)
    assert list(crowd.places_of_the_slowest) == sorted(crowd.places_of_the_slowest, reverse=True)
    assert crowd.slowest_seconds > crowd.answer_p50_seconds > 0


def shown(shelf: Shelf, *exchanges: Exchange) -> page_crowd.Shown:
    """Return what the bench reads from the page's own HTML."""
    return page_crowd.read_conversation(rendered(exchanges, "en"))


def answered(shelf: Shelf, question: str) -> Exchange:
    """Return an exchange with the real answer."""
    titles = {document.id: document.title for document in DOCUMENTS}
    return Exchange(question, answer=shelf.ask(question), titles=titles)


@pytest.mark.parametrize("question", [START, FEE, TABLE, NORWEGIAN, UNKNOWN, "star under tick"])
def test_the_bench_reads_what_the_page_shows(shelf, question):
    """Question and quotes come out as the documents have them, table rows and hostile words included."""
    exchange = answered(shelf, question)
    seen = shown(shelf, exchange)
    assert seen.questions == (question,)
    assert {"".join(quote.split()) for quote in seen.quotes} == {
        "".join(citation.quote.replace("|", " ").split()) for citation in exchange.answer.citations
    }
    assert not seen.failed
    assert seen.reading is None


@pytest.mark.parametrize(
    ("exchange", "failed", "reading"),
    [
        pytest.param(Exchange(START, place=41), False, "Busy just now. Number 41 in line", id="waits in line"),
        pytest.param(Exchange(START), False, "Looking in the documents", id="is read"),
        pytest.param(Exchange(START, failure="The library was closed."), True, None, id="foreseen failure"),
        pytest.param(Exchange(START, failed=True), True, None, id="bug"),
    ],
)
def test_waiting_and_failing_are_told_apart_from_answers(shelf, exchange, failed, reading):
    """None of them holds a quote."""
    assert shown(shelf, exchange) == page_crowd.Shown((START,), frozenset(), failed, reading)


@pytest.mark.parametrize(
    ("mixed", "errors", "wrong"),
    [
        pytest.param((START, START), 0, 0, id="own answer"),
        pytest.param((FEE, START), 0, 1, id="another's question with its answer"),
        pytest.param((START, FEE), 0, 1, id="own question with another's answer"),
        pytest.param((None, None), 1, 0, id="nothing"),
    ],
)
def test_a_visitor_who_gets_what_is_another_visitors_is_found(shelf, mixed, errors, wrong):
    """The question that stands in the conversation and the quotes below it are both compared."""
    question, answer = mixed
    seen = None
    if question:
        seen = shown(shelf, Exchange(question, answer=shelf.ask(answer)))
    alone = [shown(shelf, answered(shelf, one)).quotes for one in (START, FEE)]
    other = page_crowd.Told(FEE, shown(shelf, answered(shelf, FEE)), 2.0, (3, 1))
    crowd = page_bench.crowd_figures([page_crowd.Told(START, seen, 1.0), other], alone, 0)
    assert (crowd.errors, crowd.wrong_answers, len(crowd.faults)) == (errors, wrong, errors + wrong)
    assert (crowd.slowest_seconds, crowd.places_of_the_slowest, crowd.largest_place) == (2.0, (3, 1), 3)


def test_two_questions_in_one_conversation_are_a_mix_up(shelf):
    """A visitor has asked one question, so another one that stands there is somebody else's."""
    both = shown(shelf, answered(shelf, START), answered(shelf, FEE))
    crowd = page_bench.crowd_figures([page_crowd.Told(START, both, 1.0)], [both.quotes], 0)
    assert crowd.faults == (f"not its own answer: {START!r}",)


def visit(**changed: object) -> page_browser.Visit:
    """Return a visit that meets every target."""
    values = {
        "title": 0.5, "usable": 2.0, "first_words": "USA next!", "words_kept": True,
        "sizes": {"/": 2000, "/a.js": 5000}, "from_cache": 0, "foreign": (), "lag": 0.1, "wait": 0.3, "assistant": 0.1,
    }  # fmt: skip
    return page_browser.Visit(**values | changed)


@pytest.mark.parametrize(
    ("changed", "missed", "faults"),
    [
        pytest.param({}, [], [], id="good"),
        pytest.param({"title": 1.6}, ["title, warm cache: 1.60 s instead of 1.5 s (p95)"], [], id="late name"),
        pytest.param({"usable": 3.6}, ["question box, warm cache: 3.60 s instead of 3.5 s (p95)"], [], id="late box"),
        pytest.param({"lag": 0.4}, ["answer on screen: 0.40 s instead of 0.3 s (p95)"], [], id="late answer"),
        pytest.param({"first_words": "Loading"}, [], ["painted something before the name"], id="other words first"),
        pytest.param({"words_kept": False}, [], ["lost words typed early"], id="words lost"),
        pytest.param({"foreign": ("https://x.example/",)}, [], ["another host: https://x.example/"], id="other host"),
    ],
)
def test_missed_targets_are_named_and_faults_fail(changed, missed, faults):
    """A missed time is told with its figure; what is wrong at any speed is a fault, which fails the run."""
    crowd = Crowd(50, 5, 0, 0, 50, 42, 42, 1.0, 3.0, (42, 1), ())
    figures = page_bench.figures([visit()], [visit(**changed)], [0.1], crowd, (1.0, 2.0))
    assert list(figures.missed) == missed
    assert len(figures.faults) == len(faults)
    assert all(one in fault for one, fault in zip(faults, figures.faults, strict=True))
    findings = Findings({"page": figures})
    assert findings.faults == figures.faults
    table = findings.as_table().splitlines()
    assert "    kilobytes                       7.000" in table
    assert "    5.0 kB /a.js" in table
    assert "    places_of_the_slowest           42, 1" in table


def test_an_answer_of_the_log_is_its_time_and_its_seconds():
    """Only questions of the page count; other lines are kept as last words."""
    server = page_bench.Server("http://127.0.0.1:1")
    line = '{"time": "2026-11-22T10:00:00.250+00:00", "event": "question", "surface": "%s", "seconds": 0.125}\n'
    server.listen(iter([line % "api", "not JSON\n", "[1]\n", line % "page", "Error: too late\n", "\n"]))
    assert server.answered == [(1795341600250.0, 0.125)]
    assert server.last_words == "Error: too late"


def test_an_app_that_does_not_start_says_why(tmp_path):
    """Its own sentence reaches the person who measures."""
    with (
        pytest.raises(EvaluationError, match=r"The app did not start: Error: The corpus .*none is not a folder"),
        page_bench.serving(tmp_path / "none", tmp_path / "data", lambda words: None),
    ):
        pass


def test_a_machine_without_chromium_is_told_so():
    """One sentence, with what to install."""
    with pytest.raises(EvaluationError, match=r"there is no chromium-of-nobody on this machine. Install the package"):
        page_browser.find_chromium(["chromium-of-nobody"])
