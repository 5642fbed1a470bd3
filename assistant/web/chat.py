"""The founders' page: a Gradio page with a conversation, a question box and the sources of the latest answer.

The server keeps each visitor's conversation apart (`gr.State`); nothing of it is written down here. The page's look is
`static/chat.css`, what little happens in the browser is `static/chat.js`, its words are `words.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

# Read by Gradio while it is imported: no usage reports, and no model hub is ever asked.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import fastapi
import gradio as gr

from assistant.domain import Answer, Document, Turn, WritingModel
from assistant.errors import AssistantError
from assistant.web import rendering
from assistant.web.reading import Readers, Reading
from assistant.web.rendering import Exchange
from assistant.web.words import LANGUAGE_COOKIE, LANGUAGE_NAMES, WORDS, InterfaceLanguage, preferred_language

logger = logging.getLogger(__name__)

# Longer than any question people ask; a search by more words finds less.
MAX_QUESTION_CHARACTERS = 2_000
# What one visitor's conversation may hold in memory, and what a follow-up may refer to.
MAX_EXCHANGES = 50
STARTERS_SHOWN = 6
_STARTER = "starter-"

# Our own files, beside Gradio's: linked rather than passed as `css=`, which Gradio rewrites.
HEAD = (
    '<link rel="stylesheet" href="/static/usanext/chat.css">'
    '<link rel="icon" href="/static/usanext/icon.svg" type="image/svg+xml">'
    '<script src="/static/usanext/chat.js" defer></script>'
)

Conversation = tuple[Exchange, ...]
# What an event changes: component to its new value or settings.
Updates = dict[Any, Any]


class Answers(Protocol):
    """What the page needs of the assistant."""

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Generator[Answer, None, None]:
        """Yield the answer as it grows, each text beginning with the one before; the last is complete.

        Refusing is an answer too. Closing the generator stops the model that writes.

        Raises:
            AssistantError: With one sentence for the visitor.
        """
        ...

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version (the current one without `version`), or None when it is not known."""
        ...

    @property
    def ready(self) -> bool:
        """Whether questions can be answered now."""
        ...

    @property
    def writing_model(self) -> WritingModel | None:
        """The language model that writes the answers, or None where they are quotes alone."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What every visitor's page shares.

    Attributes:
        readers: The threads that questions are answered in.
        starters: At most six questions for each interface language.
        contact: An e-mail address, web address or words that lead to a person; None where there is none.
        today: Returns the date that review dates are compared with.
    """

    assistant: Answers
    readers: Readers
    starters: Mapping[InterfaceLanguage, Sequence[str]]
    contact: str | None = None
    today: Callable[[], date] = date.today

    def answer(self, question: str, conversation: Conversation) -> Generator[Exchange, None, None]:
        """Yield the exchange that answers a question as the answer grows; closing the generator stops its model.

        A failure is a sentence in the exchange, never an exception, and leaves what was shown before. An
        `AssistantError` speaks for itself; anything else is a bug, so it is logged with its traceback.
        """
        history = [
            Turn(exchange.question, exchange.answer.text if exchange.answer else None) for exchange in conversation
        ]
        latest = Exchange(question)
        try:
            with closing(self.assistant.stream(question, history=history)) as answers:
                for answer in answers:
                    # The hits are the search's own notes: they are large, and no visitor sees them.
                    latest = Exchange(question, answer=replace(answer, hits=()), titles=self._titles(answer))
                    yield latest
            if not latest.ended:
                raise RuntimeError("an answer ended before it was complete")
        except AssistantError as error:
            yield replace(latest, failure=str(error))
        except Exception:
            # The question is the visitor's: it stays out of the log.
            logger.exception("a question failed")
            yield replace(latest, failed=True)

    def _titles(self, answer: Answer) -> dict[str, str]:
        """Return the titles of the documents that the answer names only by id."""
        ids = dict.fromkeys([*answer.nearest, *(id_ for citation in answer.citations for id_ in citation.also_in)])
        documents = {document_id: self.assistant.document(document_id) for document_id in ids}
        return {document_id: document.title for document_id, document in documents.items() if document}


@dataclass(slots=True)
class Writing:
    """The answer that one visitor waits for.

    Attributes:
        latest: What is shown of it.
        language: The interface's, which the visitor may change meanwhile.
        wanted: False once the visitor has begun a new conversation.
    """

    reading: Reading[Exchange]
    latest: Exchange
    language: InterfaceLanguage
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """The components of the page that change."""

    banner: gr.Markdown
    language: gr.Radio
    conversation: gr.Markdown
    start: gr.Column
    welcome: gr.Markdown
    starters: tuple[gr.Button, ...]
    box: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    hint: gr.Markdown
    again: gr.Button
    sources: gr.Markdown
    announcement: gr.Markdown


def mount(app: fastapi.FastAPI, desk: Desk, *, concurrent_questions: int) -> None:
    """Mount the page at the root of an application, before its server starts (else Gradio's queue never runs).

    Args:
        concurrent_questions: How many questions are answered at the same time; more wait in line.
    """

    async def mount_inside_a_loop() -> None:
        _mount(app, desk, concurrent_questions)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Without a running loop Gradio makes some of its own and never closes them.
        asyncio.run(mount_inside_a_loop())
    else:
        _mount(app, desk, concurrent_questions)


def _mount(app: fastapi.FastAPI, desk: Desk, concurrent_questions: int) -> None:
    """Mount the page; Gradio's other pages, its footer and its recordings are left out."""
    gr.mount_gradio_app(
        app,
        _build_page(desk, concurrent_questions),
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=0,
        theme=_theme(),
        head=HEAD,
    )


def _build_page(desk: Desk, concurrent_questions: int) -> gr.Blocks:
    """Return the page, with its events."""
    blocks: gr.Blocks
    with gr.Blocks(analytics_enabled=False, title=WORDS["en"]["page_title"], fill_width=True) as blocks:
        exchanges = gr.State(())
        page = _components(desk)
        _connect(desk, page, exchanges, blocks, concurrent_questions)
    blocks.queue(max_size=20 * concurrent_questions, api_open=False)
    return blocks


def _theme() -> gr.themes.Base:
    """Return Gradio's plainest theme in our fonts and colours, the same by day and by night; the rest is `chat.css`."""
    fonts = ["Source Sans Pro", "system-ui", "sans-serif"]
    base = gr.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"])
    return base.set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#faf8f4",
        body_text_color="#1d2a33",
        body_text_color_dark="#1d2a33",
    )


def _components(desk: Desk) -> Page:
    """Place the components, in English: the load event puts them into the visitor's language before they are seen."""
    words = WORDS["en"]
    with gr.Row(elem_id="top"):
        banner = _html(rendering.banner("en", settled=False), "banner")
        language = gr.Radio(list(LANGUAGE_NAMES), value="en", label=words["language_label"], elem_id="language")
    with gr.Row(elem_id="room"):
        with gr.Column(elem_id="talk"):
            conversation = _html("", "conversation")
            with gr.Column(elem_id="start") as start:
                welcome = _html("", "welcome")
                with gr.Row(elem_id="starters"):
                    starters = tuple(
                        gr.Button(question, elem_id=f"{_STARTER}{index}", elem_classes="starter")
                        for index, question in enumerate(desk.starters["en"][:STARTERS_SHOWN])
                    )
            with gr.Column(elem_id="form"):
                with gr.Row(elem_id="ask-row"):
                    box = _question_box(words)
                    ask = gr.Button(words["ask"], variant="primary", elem_id="ask", min_width=0)
                    stop = gr.Button(words["stop"], elem_id="stop", visible=False, min_width=0)
                with gr.Row(elem_id="under-box"):
                    hint = _html(rendering.confidence_hint("en", desk.assistant.writing_model), "hint")
                    again = gr.Button(words["new_conversation"], elem_id="again", visible=False, min_width=0)
            announcement = _html("", "announcement")
        with gr.Column(elem_id="side"):
            sources = _html("", "sources")
    return Page(
        banner, language, conversation, start, welcome, starters, box, ask, stop, hint, again, sources, announcement
    )  # fmt: skip


def _html(value: str, name: str) -> gr.Markdown:
    """Return a component that shows our own HTML, with Gradio's sanitising behind our escaping and no LaTeX."""
    return gr.Markdown(value, elem_id=name, latex_delimiters=[], sanitize_html=True, show_label=False)


def _question_box(words: Mapping[str, str]) -> gr.Textbox:
    """Return the question box: one line that grows, sent by Enter (a new line is Shift and Enter)."""
    return gr.Textbox(
        label=words["box_label"],
        placeholder=words["box_placeholder"],
        lines=1,
        max_lines=6,
        max_length=MAX_QUESTION_CHARACTERS,
        autofocus=True,
        elem_id="box",
    )


def _connect(desk: Desk, page: Page, exchanges: gr.State, blocks: gr.Blocks, concurrent_questions: int) -> None:
    """Say what happens when the page opens, a question is sent, the language is switched, a new start is wanted."""
    # By session. Gradio's own way to cancel an event would leave the visitor's conversation without it.
    writings: dict[str, Writing] = {}

    def can_stop() -> bool:
        return desk.assistant.writing_model is not None

    def open_page(request: gr.Request) -> Updates:
        language = preferred_language(
            asked=request.query_params.get("lang"),
            remembered=request.cookies.get(LANGUAGE_COOKIE),
            accept_language=request.headers.get("accept-language"),
        )
        return _worded(desk, page, (), language)

    async def switch_language(conversation: Conversation, language: InterfaceLanguage, request: gr.Request) -> Updates:
        writing = writings.get(_session(request))
        if writing is None:
            return _worded(desk, page, conversation, language)
        writing.language = language
        return _worded(desk, page, (*conversation, writing.latest), language, stoppable=can_stop())

    async def start_again(language: InterfaceLanguage, request: gr.Request) -> Updates:
        writing = writings.get(_session(request))
        if writing is not None:
            writing.wanted = False
            writing.reading.stop()
        return {exchanges: (), **_worded(desk, page, (), language), page.box: gr.update(value="")}

    async def stop(request: gr.Request) -> Updates:
        writing = writings.get(_session(request))
        if writing is not None:
            writing.reading.stop()
        return {page.stop: gr.update(visible=False)}

    async def leave(request: gr.Request) -> None:
        await stop(request)

    async def respond(
        typed: str, conversation: Conversation, language: InterfaceLanguage, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[Updates]:
        question = _asked(event, desk.starters[language], typed)
        problem = _problem(question, language)
        if problem:
            yield {page.hint: rendering.hint(problem, warning=True)}
            return
        question = question.strip()
        reading = desk.readers.begin(lambda: desk.answer(question, conversation))
        writing = writings[_session(request)] = Writing(reading, Exchange(question), language)
        try:
            waiting = _waiting(desk, page, (*conversation, writing.latest), language)
            yield {page.box: "", page.stop: gr.update(visible=can_stop()), **waiting}
            async with aclosing(reading.steps()) as steps:
                shown = ""
                async for writing.latest in steps:
                    # A step may bring nothing new: it only lets a stop in.
                    if not writing.latest.ended and writing.latest.answer and writing.latest.answer.text != shown:
                        shown = writing.latest.answer.text
                        yield _talked(desk, page, (*conversation, writing.latest), writing.language)
            if writing.wanted:
                latest = writing.latest if writing.latest.ended else replace(writing.latest, stopped=True)
                conversation = (*conversation, latest)[-MAX_EXCHANGES:]
                talked = _talked(desk, page, conversation, writing.language)
                yield {exchanges: conversation, page.stop: gr.update(visible=False), **talked}
        finally:
            # Also where the visitor left: Gradio closes this generator then.
            reading.stop()
            if writings.get(_session(request)) is writing:
                del writings[_session(request)]

    outputs: list[Any] = [exchanges, *_changing(page)]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([blocks.load], open_page, None, outputs, **quiet)
    gr.on(
        [page.box.submit, page.ask.click, *(button.click for button in page.starters)],
        respond,
        [page.box, exchanges, page.language],
        outputs,
        concurrency_limit=concurrent_questions,
        **quiet,
    )
    page.language.input(switch_language, [exchanges, page.language], outputs, **quiet)
    page.again.click(start_again, [page.language], outputs, **quiet)
    page.stop.click(stop, None, [page.stop], **quiet)
    blocks.unload(leave)


def _session(request: gr.Request) -> str:
    """Return the name that Gradio gives one open page."""
    return request.session_hash or ""


def _asked(event: gr.EventData, starters: Sequence[str], typed: str) -> str:
    """Return the starter question whose button was pressed, or what was typed.

    The button is known by its name: what Gradio passes is this visitor's copy of it, which equals no other.
    """
    name = str(getattr(event.target, "elem_id", None) or "")
    return starters[int(name.removeprefix(_STARTER))] if name.startswith(_STARTER) else typed


def _changing(page: Page) -> list[Any]:
    """Return every component that an event may change."""
    return [
        page.banner, page.language, page.conversation, page.start, page.welcome, *page.starters,
        page.box, page.ask, page.stop, page.hint, page.again, page.sources, page.announcement,
    ]  # fmt: skip


def _worded(
    desk: Desk, page: Page, conversation: Conversation, language: InterfaceLanguage, *, stoppable: bool = False
) -> Updates:
    """Return the whole page in a language, with its conversation."""
    words = WORDS[language]
    starters = zip(page.starters, desk.starters[language], strict=False)
    return {
        page.banner: rendering.banner(language),
        page.language: gr.update(value=language, label=words["language_label"]),
        page.welcome: rendering.welcome(language, ready=desk.assistant.ready, model=desk.assistant.writing_model),
        **{button: gr.update(value=question) for button, question in starters},
        page.box: gr.update(label=words["box_label"], placeholder=words["box_placeholder"]),
        page.ask: gr.update(value=words["ask"]),
        page.stop: gr.update(value=words["stop"], visible=stoppable),
        **_talked(desk, page, conversation, language),
        page.again: gr.update(value=words["new_conversation"], visible=bool(conversation)),
        page.announcement: "",
    }


def _waiting(desk: Desk, page: Page, conversation: Conversation, language: InterfaceLanguage) -> Updates:
    """Return what changes when a question has been sent: it stands in the conversation, the starters make room."""
    return {
        page.conversation: rendering.conversation(conversation, language, desk.contact),
        page.start: gr.update(visible=not conversation),
        page.hint: rendering.confidence_hint(language, desk.assistant.writing_model),
        page.announcement: rendering.announcement(conversation[-1], language) if conversation else "",
    }


def _talked(desk: Desk, page: Page, conversation: Conversation, language: InterfaceLanguage) -> Updates:
    """Return what changes when an answer has come: the conversation and the sources of its latest answer."""
    latest = conversation[-1] if conversation else Exchange("")
    return {
        **_waiting(desk, page, conversation, language),
        page.sources: rendering.sources(latest.answer, latest.titles, language, desk.today()),
        page.again: gr.update(visible=bool(conversation)),
    }


def _problem(question: str, language: InterfaceLanguage) -> str | None:
    """Return why a question is not sent, or None: the box's own limit is the browser's, so it is checked again."""
    if not question.strip():
        return WORDS[language]["hint_empty"]
    if len(question) > MAX_QUESTION_CHARACTERS:
        return WORDS[language]["hint_too_long"].format(limit=MAX_QUESTION_CHARACTERS, length=len(question))
    return None
