"""A small library in memory, answered from honestly: the web wing's tests and its demonstration share it.

`Shelf` keeps real documents and answers with real sentences at their real offsets; it is a second assistant behind the
same Protocol, not a stand-in for parts of ours.
"""

from __future__ import annotations

import re
import shutil
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.answering import exporting
from assistant.answering.exporting import FileFormat
from assistant.answering.exporting_blocks import Export, PaperLanguage
from assistant.desk import Withdrawn
from assistant.documents.page_images import PageImages, PageLook, passage_on
from assistant.domain import (
    Answer,
    Citation,
    Document,
    Heading,
    Language,
    Metadata,
    Query,
    Section,
    Turn,
    WritingModel,
    version_of,
)
from assistant.errors import AssistantError, LoadError
from assistant.store.journal import Journal
from assistant.web.conversations import Conversations
from assistant.web.feedback import add_feedback
from assistant.web.gate import Gate
from assistant.web.privacy import add_privacy
from assistant.web.rendering import Exchange
from assistant.web.saved import add_saved
from assistant.web.sources import add_sources
from assistant.web.visits import Door

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
TODAY = date(2026, 11, 22)
CONTACT = "usanext@programme.example"
# What a browser says of a request that a page of ours makes.
OWN_PAGE = {"sec-fetch-site": "same-origin"}

STARTERS = {
    "en": ("When did USA next! start?", "What does a place in the programme cost?", "How long does each trip take?"),
    "nb": ("Hva koster en plass i programmet?", "Hvem driver programmet?"),
}

HOSTILE = (
    'The fee is $5 or $$x^2$$ & <b>bold</b> <img src="https://evil.example/x.png" onerror="alert(1)"> '
    "<script>alert(1)</script> *star* _under_ `tick` |bar| back\\slash \\(x\\) [link](https://evil.example) "
    "&amp; &#36; § 7 æøå ~~no~~ # not a heading ${value} {{value}}."
)


def make_document(
    document_id: str, sections: Sequence[tuple[Language, str, Sequence[str]]], *, metadata: Metadata | None = None,
    page_at: Sequence[str] = (), page_labels: Sequence[str] = (),
) -> Document:  # fmt: skip
    """Return a document from blocks; a block that starts with `# ` (or more) is a heading.

    `page_at` names the words with which each page begins.
    """
    text = ""
    headings: list[Heading] = []
    made: list[Section] = []
    for language, title, blocks in sections:
        start = len(text)
        for block in blocks:
            level = len(block) - len(block.lstrip("#")) if block.startswith("#") else 0
            words = block[level + 1 :] if level else block
            if level:
                headings.append(Heading(len(text), len(text) + len(words), level))
            text += words + "\n\n"
        made.append(Section(start, len(text), title, language))
    text = text.rstrip("\n") + "\n"
    made[-1] = replace(made[-1], end=len(text))
    metadata = metadata or Metadata()
    return Document(
        id=document_id,
        title=sections[0][1],
        text=text,
        sections=tuple(made),
        version=version_of(text.encode(), metadata, text),
        metadata=metadata,
        pages=tuple(text.index(words) for words in page_at),
        page_labels=tuple(page_labels),
        headings=tuple(headings),
    )


PROGRAMME = make_document(
    "programme/usa-next.md",
    [
        (
            "en",
            "USA next! in short",
            [
                "# USA next! in short",
                "USA next! started in January 2022. Four Norwegian health clusters run it together, for Norwegian "
                "health companies that want to enter the American market.",
                "## What the programme offers",
                "- Workshops on reimbursement, on the FDA and on hospital purchasing.\n"
                "- Study trips to Boston, Houston and Minneapolis.\n"
                "  - Each trip takes a week.\n"
                "- Introductions to American mentors.",
                "## What it costs",
                "A place in the programme costs NOK 25,000 per company, and the study trips come on top.",
                "Trip\tPrice per person\tPlaces\nBoston\tNOK 18,500\t12\nHouston\tNOK 21,000\t10",
                "## How to apply",
                "1. Send a short description of the company.\n2. Meet the cluster nearest to you.\n"
                "3. The clusters decide together within three weeks.",
            ],
        )
    ],
    metadata=Metadata(
        publisher="Norwegian Smart Care Cluster",
        published="2021",
        checked="2026-11-22",
        valid_until="2026-06",
        status="draft, not reviewed by the programme",
        url="https://publisher.example/usa-next",
    ),
)
NORWEGIAN = make_document(
    "programme/om-usa-next.md",
    [
        (
            "nb",
            "Om USA next!",
            [
                "# Om USA next!",
                "USA next! startet i januar 2022. Fire norske helseklynger står bak programmet, som hjelper norske "
                "helsebedrifter inn i det amerikanske markedet.",
                "## Pris",
                "En plass i programmet koster 25 000 kroner per bedrift, og studieturene kommer i tillegg.",
            ],
        )
    ],
    metadata=Metadata(publisher="Norway Health Tech", published="2024-03", checked="2026-10-05"),
)
REPORT = make_document(
    "reports/two languages.pdf",
    [
        (
            "en",
            "Paying for care in the USA",
            [
                "# Paying for care in the USA",
                "Employers insure about half of all Americans. Medicare insures people from the age of 65,\n"
                "and people with certain illnesses.",
                "Medicaid insures people with low incomes, and each state has rules of its own.",
            ],
        ),
        (
            "nb",
            "Hvem betaler i USA",
            ["# Hvem betaler i USA", "Arbeidsgivere forsikrer omtrent halvparten av alle amerikanere."],
        ),
    ],
    metadata=Metadata(publisher="Oslo Cancer Cluster"),
    page_at=["Paying for care", "and people with certain", "Hvem betaler i USA"],
    page_labels=["i", "ii", "3"],
)
TRICKY = make_document("notes/tricky & <odd> #1.txt", [("en", "Tricky & <odd>", ["# Tricky & <odd>", HOSTILE])])
DOCUMENTS = (PROGRAMME, NORWEGIAN, REPORT, TRICKY)


@dataclass
class Shelf:
    """Documents in memory, with every version, answered from by counting shared words."""

    folder: Path
    documents: dict[str, list[Document]] = field(default_factory=dict)
    ready: bool = True
    suggests: bool = True
    before_answer: Callable[[str], None] = lambda question: None
    before_suggestions: Callable[[], object] = lambda: None
    writing_model: WritingModel | None = None
    holds: Callable[[int], bool] = lambda number: False
    closed: list[str] = field(default_factory=list)
    gone: dict[tuple[str, str], Withdrawn] = field(default_factory=dict)
    pages: PageImages = field(default_factory=PageImages)
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / "journal.sqlite")

    def export(
        self, exchanges: Sequence[tuple[str, Answer]], file_format: FileFormat, *, language: PaperLanguage, date: str,
        titles: Mapping[str, str],
    ) -> bytes:  # fmt: skip
        """Return a file of a conversation, made as the assistant makes it."""
        return exporting.write(Export(tuple(exchanges), language, date, titles), file_format)

    @property
    def document_count(self) -> int:
        return len(self.documents)

    def put(self, document: Document) -> None:
        """Make a version current, and keep its original."""
        self.documents.setdefault(document.id, []).append(document)
        self._file(document).write_text(document.text, encoding="utf-8")

    def withdraw(self, document_id: str) -> None:
        """Show no version of a document any more."""
        for document in self.documents[document_id]:
            gone = Withdrawn(document_id, document.version, document.title, "en", "2026-11-20", "2026-12-20", False)
            self.gone[document_id, document.version] = gone
        del self.documents[document_id]

    def withdrawn(self, document_id: str, version: str) -> Withdrawn | None:
        return self.gone.get((document_id, version))

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        versions = self.documents.get(document_id, [])
        if version is None:
            return versions[-1] if versions else None
        return next((document for document in versions if document.version == version), None)

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        document = self.document(document_id, version)
        return self._file(document) if document else None

    def page_look(self, document: Document, page: int, start: int, end: int) -> PageLook | None:
        try:
            return self.pages.look(self._file(document), document.id, page, passage_on(document, page, start, end))
        except LoadError:
            return None

    def page_picture(self, document: Document, page: int) -> bytes | None:
        try:
            return self.pages.picture(self._file(document), document.id, page)
        except LoadError:
            return None

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer, whole."""
        *_, answer = self.stream(question, history)
        return answer

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Generator[Answer, None, None]:
        """Yield the answer at once, or by sentences where a model writes; `closed` keeps what was broken off."""
        closed = self.closed  # this test's: who leaves late must not be counted in the next one
        whole = self._answer(question, history)
        if self.writing_model is None or not whole.citations or whole.abstained:
            yield whole
            return
        written = replace(whole, model=self.writing_model.name)
        growth = replace(written, text="", citations=(), complete=False)
        ended = False
        try:
            for number in range(1, len(whole.citations) + 1):
                while self.holds(number):
                    time.sleep(0.02)
                    yield growth
                if "Break" in question and number == 2:
                    raise AssistantError("The library was closed.")
                upto = whole.text.index(f"[{number}]") + len(f"[{number}]")
                growth = replace(growth, text=whole.text[:upto], citations=whole.citations[:number])
                yield growth
            if not question.startswith("Unfinished"):
                yield written
            ended = True
        finally:
            if not ended:
                closed.append(question)

    def _answer(self, question: str, history: Sequence[Turn]) -> Answer:
        """Answer with the sentences that share most words with the question, or refuse."""
        self.before_answer(question)
        if question.startswith("Raise"):
            raise AssistantError("The model <b>cannot</b> be loaded: run `make chat` again.")
        if question.startswith("Crash"):
            raise RuntimeError("a secret that no visitor may see")
        follow_up = bool(history) and question.lower().startswith(("and ", "og "))
        search_text = f"{history[-1].question} {question}" if follow_up else question
        language: Language = "nb" if re.search(r"\b(hva|hvem|når|koster|det|og)\b", search_text.lower()) else "en"
        query = Query(question, search_text, language, tuple(history))
        found = self._sentences(search_text, language)
        if not found:
            text = "Dokumentene sier ikke noe om dette." if language == "nb" else "The documents say nothing on this."
            return Answer(text, "abstained", language, query, "not_covered", nearest=tuple(self.documents)[:2])
        citations = tuple(self._citation(number, *place) for number, place in enumerate(found, start=1))
        text = " ".join(f"{citation.quote} [{citation.number}]" for citation in citations)
        if question.startswith("Why does"):
            text = f"The documents do not confirm it. They say:\n\n{text}\n\nAsk somebody."
            return Answer(text, "abstained", language, query, "false_premise", citations=citations)
        if " Japan" in question:
            text += "\n\nThe documents do not answer this part: what a place in Japan costs."
            missing = "what a place in Japan costs"
            return Answer(text, "partly", language, query, missing=missing, citations=citations)
        return Answer(text, "answered", language, query, citations=citations)

    def starters(self, segment: str | None, stage: str | None, language: Language, count: int = 6) -> tuple[str, ...]:
        """Return questions about the demonstration documents; the first one names field and stage where chosen."""
        about = " ".join(value for value in (segment, stage) if value)
        first = () if not about else (f"USA next! {about}?",)
        return (*first, *STARTERS["en" if language == "en" else "nb"])[:count]

    def follow_ups(self, asked: Sequence[str], answer: Answer, language: Language, count: int = 3) -> tuple[str, ...]:
        """Return the starters that were not asked yet; fails where the shelf was told to."""
        self.before_suggestions()
        if not self.suggests:
            raise RuntimeError("nothing comes to mind")
        return tuple(question for question in self.starters(None, None, language) if question not in asked)[:count]

    def _file(self, document: Document) -> Path:
        return self.folder / document.version

    def _sentences(self, question: str, language: Language) -> list[tuple[Document, int, int]]:
        wanted = _stems(question) - {"next"}
        places = []
        for versions in self.documents.values():
            for match in re.finditer(r"[^\s.\-\d][^\n]*?[.](?=\s|$)|[^\n]+\t[^\n]+", versions[-1].text):
                if versions[-1].section_at(match.start()).language == language:
                    shared = len(wanted & _stems(match[0]))
                    places.append((shared, (versions[-1], match.start(), match.end())))
        best = max((shared for shared, _ in places), default=0)
        return [place for shared, place in places if shared == best][:3] if best else []

    def _citation(self, number: int, document: Document, start: int, end: int) -> Citation:
        section, metadata = document.section_at(start), document.metadata
        quote = document.text[start:end]
        return Citation(
            number, quote, document.id, document.version, section.title, section.language,
            document.page_at(start), document.page_label_at(start), document.heading_at(start), start, end,
            metadata.url, metadata.publisher, metadata.published, metadata.checked, metadata.valid_until,
            metadata.status, dated=bool(re.search(r"\d", quote)),
            also_in=(NORWEGIAN.id,) if document is PROGRAMME and "2022" in quote else (),
        )  # fmt: skip


@dataclass
class Calendar:
    """Days that pass when a test says so."""

    day: date = TODAY

    def __call__(self) -> date:
        return self.day


@dataclass
class Keeping:
    """The routes that write something down, over a real journal, at a distance from Gradio, which is slow to start."""

    client: TestClient
    journal: Journal
    conversations: Conversations
    calendar: Calendar
    file: Path

    def talk(self, *exchanges: Exchange) -> str:
        """Keep a conversation and return its key."""
        return self.conversations.keep(None, exchanges)


def _stems(text: str) -> set[str]:
    """Return the beginnings of the longer words."""
    return {word[:5] for word in re.findall(r"\w{4,}", text.lower())}


def fill(shelf: Shelf) -> Shelf:
    """Put every demonstration document on the shelf."""
    for document in DOCUMENTS:
        shelf.put(document)
    return shelf


@pytest.fixture(scope="session")
def lasting_shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """The library behind the site: one for the session, since Gradio takes two seconds to build a page."""
    shelf = Shelf(tmp_path_factory.mktemp("originals"))
    yield shelf
    shelf.journal.close()
    shelf.pages.close()


@pytest.fixture
def shelf(lasting_shelf: Shelf) -> Iterator[Shelf]:
    """The library with all demonstration documents, as new for each test."""
    lasting_shelf.documents.clear()
    lasting_shelf.gone.clear()
    yield fill(lasting_shelf)
    lasting_shelf.ready = lasting_shelf.suggests = True
    lasting_shelf.before_answer = lambda question: None
    lasting_shelf.before_suggestions = lambda: None
    lasting_shelf.holds = lambda number: False
    lasting_shelf.writing_model = None
    lasting_shelf.closed = []


@pytest.fixture
def keeping(shelf: Shelf, tmp_path: Path) -> Iterator[Keeping]:
    """What is written down for visitors, with nothing in it yet."""
    site, file = FastAPI(), tmp_path / "journal.sqlite"
    calendar, conversations = Calendar(), Conversations()
    with closing(Journal(file, today=calendar)) as journal:
        add_saved(site, journal, conversations, shelf, shelf.export, contact=CONTACT, today=lambda: TODAY)
        add_feedback(site, journal, conversations)
        add_privacy(site, journal, lambda: shelf.writing_model)
        add_sources(site, shelf)
        site.add_middleware(Gate)
        with TestClient(site, headers=OWN_PAGE) as client:
            yield Keeping(client, journal, conversations, calendar, file)


@pytest.fixture
def save(keeping, shelf):
    """Save a conversation of these questions and return the reply as an object."""

    def press(*questions, language="en"):
        key = keeping.talk(*(Exchange(question, shelf.ask(question)) for question in questions))
        reply = keeping.client.post(f"/conversation/{key}/save", json={"language": language})
        assert reply.status_code == 201
        return reply.json()

    return press


@pytest.fixture
def documents() -> dict[str, Document]:
    """The demonstration documents by short name."""
    return {"programme": PROGRAMME, "norwegian": NORWEGIAN, "report": REPORT, "tricky": TRICKY}


@pytest.fixture
def hostile() -> str:
    """A sentence of everything that HTML, Markdown and LaTeX would rather understand than show."""
    return HOSTILE


@pytest.fixture
def make() -> Callable[..., Document]:
    """Make a document from blocks."""
    return make_document


@pytest.fixture(scope="session")
def app(lasting_shelf: Shelf) -> FastAPI:
    """The whole site over the library in memory."""
    return make_app(lasting_shelf)


def make_app(shelf: Shelf, **chosen: Any) -> FastAPI:
    """Return the site; Gradio is slow to import, so only what needs it does. `chosen` goes to `create_app`."""
    with warnings.catch_warnings():
        # Gradio's own use of its neighbours' older names; none of it is ours.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="gradio")
        from assistant.web.server import create_app

        return create_app(shelf, contact="usanext@programme.example", today=lambda: TODAY, **chosen)


def serve(site: FastAPI) -> None:
    """Serve a site as `app.py` does, on any free port, which is printed, until a signal ends it."""
    from assistant.web.serving import Serving
    from assistant.web.warming import warming_site

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with suppress(KeyboardInterrupt), Serving(warming_site(Door()), "127.0.0.1", 0) as serving:
        serving.hand_over(site, site.state.readers)
        print(serving.address, flush=True)  # noqa: T201 - for the test that started it
        serving.wait()


@pytest.fixture(scope="session")
def another_app(lasting_shelf: Shelf) -> Callable[..., FastAPI]:
    """Make another site over the same library, for a server: a queue can be started once."""
    return lambda **chosen: make_app(lasting_shelf, **chosen)


@pytest.fixture(scope="session")
def address(another_app: Callable[..., FastAPI]) -> Iterator[str]:
    """The site, served for the session from a thread; it has an app of its own, since a queue can be started once."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(another_app(concurrent_questions=8), log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def lasting_client(app: FastAPI) -> Iterator[TestClient]:
    """One client for the session: Gradio's queue can be started once."""
    with TestClient(app, headers={"origin": "http://testserver"}) as client:
        yield client


@pytest.fixture
def client(lasting_client: TestClient, shelf: Shelf) -> TestClient:
    """A client that stands where a browser would, over a library as new."""
    lasting_client.cookies.clear()
    return lasting_client


# ---- A real browser ----


# One for each module: while it lives its thread has a running event loop, which other tests must not find.
@pytest.fixture(scope="module")
def browser():
    """A Chromium of this machine; playwright brings none."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address, shelf):
    """Open the founders' page as a new visitor; every request of the visitor is kept in `page.requested`."""
    contexts = []

    def open_page(locale="en-US", width=1280, height=900, colours="light"):
        context = browser.new_context(
            locale=locale, viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce"
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.problems = [], []
        context.on("request", lambda request: page.requested.append(request.url))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
        page.goto(address)
        page.locator(".banner:not(.unsettled)").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
