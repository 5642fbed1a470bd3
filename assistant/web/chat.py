"""The founders' page: a Gradio page with a conversation, a question box and the sources of the latest answer.

The server keeps each visitor's conversation apart (`gr.State`); nothing of it is written down here, but for questions
without a whole answer (`recording.py`). The page's look is
`static/chat.css`, what little happens in the browser is `static/chat.js`, its words are `words.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import math
import os
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol

# Read by Gradio while it is imported: no model hub is ever asked.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import fastapi
import gradio as gr

from assistant.domain import Answer, Document, Turn, WritingModel
from assistant.errors import AssistantError
from assistant.web import actions, rendering
from assistant.web.conversations import Conversation, Conversations
from assistant.web.logs import refused, watched
from assistant.web.reading import Readers, Reading, TooBusy
from assistant.web.recording import Record, recorded
from assistant.web.rendering import Exchange
from assistant.web.words import (
    ABOUT_COOKIE,
    ANY,
    LANGUAGE_COOKIE,
    LANGUAGE_NAMES,
    SEGMENTS,
    STAGES,
    WORDS,
    InterfaceLanguage,
    preferred_language,
)

logger = logging.getLogger(__name__)

# Longer than any question people ask; a search by more words finds less.
MAX_QUESTION_CHARACTERS = 2_000
# What one visitor's conversation may hold in memory, and what a follow-up may refer to.
MAX_EXCHANGES = 50
STARTERS_SHOWN = 6
# A step of one takes the whole line one place further: the first in it hear of it at most so often, those behind less
# often, or telling the places would take longer than answering.
PLACE_SECONDS = 1.0
# Events of the page that Gradio runs at once, waiting ones included. It lets the others wait unseen, and programs pass
# them: so more than `Readers` lets wait.
MOST_EVENTS = 500
# How often Gradio looks for an event: a thousand times a second by itself, which takes 4 % of a core while nobody asks.
# Then for news of how far an event has come, which none of ours tells.
EVENT_SECONDS, PROGRESS_SECONDS = 0.01, 0.5
# Open pages, and those closed within the hour, that Gradio remembers: some 100 kB each.
MOST_PAGES = 4_000
_STARTER = "starter-"

# Once more, behind Gradio's own styles, over which ours go; `front` has it in the page's first bytes.
STYLE = '<link rel="stylesheet" href="static/usanext/chat.css">'

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

    def starters(
        self, segment: str | None, stage: str | None, language: InterfaceLanguage, count: int = 6
    ) -> Sequence[str]:
        """Return questions to begin with, which the documents answer, for a field and a stage or for all."""
        ...

    def follow_ups(
        self, asked: Sequence[str], answer: Answer, language: InterfaceLanguage, count: int = 3
    ) -> Sequence[str]:
        """Return questions to go on with, which the documents answer; none is an answer too."""
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
        conversations: Where open conversations are kept, so that they can be taken along and saved.
        contact: An e-mail address, web address or words that lead to a person; None where there is none.
        today: Returns the date that review dates are compared with.
        may_ask: Returns how many seconds the visitor who sends a request has to wait; 0 lets the question pass.
        address: Returns where a request comes from, so that no address takes up the room of `conversations`.
        record: Takes each whole answer, for the questions that were asked in vain.
        keeps_words: Whether the words of those are kept, which the page has to say.
    """

    assistant: Answers
    readers: Readers
    conversations: Conversations
    contact: str | None = None
    today: Callable[[], date] = date.today
    may_ask: Callable[[gr.Request], float] = lambda request: 0.0
    address: Callable[[gr.Request], str] = lambda request: ""
    record: Record = lambda answer: None
    keeps_words: bool = False

    def answer(
        self, question: str, conversation: Conversation, language: InterfaceLanguage
    ) -> Generator[Exchange, None, None]:
        """Yield the exchange that answers a question as the answer grows; closing the generator stops its model.

        What comes after the whole answer is the same with questions to go on with, in the interface's language.

        A failure is a sentence in the exchange, never an exception, and leaves what was shown before. An
        `AssistantError` speaks for itself; anything else is a bug, so it is logged with its traceback.
        """
        history = [
            Turn(exchange.question, exchange.answer.text if exchange.answer else None) for exchange in conversation
        ]
        latest = Exchange(question)
        try:
            stream = recorded(self.assistant.stream(question, history=history), self.record)
            with closing(watched(stream, "page")) as answers:
                for answer in answers:
                    # The hits are the search's own notes: they are large, and no visitor sees them.
                    latest = Exchange(question, answer=replace(answer, hits=()), titles=self._titles(answer))
                    yield latest
            if not latest.ended:
                raise RuntimeError("an answer ended before it was complete")
            yield self._leading_on(latest, conversation, language)
        except AssistantError as error:
            yield replace(latest, failure=str(error))
        except Exception:
            # The question is the visitor's: it stays out of the log.
            logger.exception("a question failed")
            yield replace(latest, failed=True)

    def _leading_on(self, latest: Exchange, conversation: Conversation, language: InterfaceLanguage) -> Exchange:
        """Return the exchange with questions to go on with; as it is where none can be found."""
        assert latest.answer is not None
        asked = [exchange.question for exchange in (*conversation, latest)]
        try:
            return replace(latest, suggestions=tuple(self.assistant.follow_ups(asked, latest.answer, language)))
        except Exception:  # the answer stands: nobody is told that there is nothing to go on with
            logger.exception("no questions to go on with")
            return latest

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
        talk: The conversation with this answer, once it is whole.
        over: Set when nothing more of it comes.
    """

    reading: Reading[Exchange]
    latest: Exchange
    language: InterfaceLanguage
    wanted: bool = True
    talk: Talk | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Talk:
    """One visitor's conversation on one open page.

    Attributes:
        key: The key under which the conversation is kept for its visitor; None until there is something to keep.
    """

    conversation: Conversation = ()
    key: str | None = None

    def grown(self, latest: Exchange) -> Talk:
        """Return the conversation with one exchange more, and without the oldest beyond what is kept."""
        return replace(self, conversation=(*self.conversation, latest)[-MAX_EXCHANGES:])


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the page knows of its visitor: the interface's language, and field and stage where they were chosen."""

    language: InterfaceLanguage
    segment: str = ANY
    stage: str = ANY

    @classmethod
    def remembered(cls, cookie: str | None, language: InterfaceLanguage) -> Visitor:
        """Return the visitor whose browser sends this cookie; what is not one of our words counts as not chosen."""
        segment, _, stage = (cookie or "").partition(".")
        return cls(language, segment if segment in SEGMENTS else ANY, stage if stage in STAGES else ANY)


@dataclass(frozen=True, slots=True)
class Page:
    """The components of the page that change."""

    banner: gr.Markdown
    language: gr.Radio
    conversation: gr.Markdown
    along: gr.Markdown
    start: gr.Column
    welcome: gr.Markdown
    segment: gr.Radio
    stage: gr.Radio
    lead: gr.Markdown
    starters: tuple[gr.Button, ...]
    box: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    hint: gr.Markdown
    again: gr.Button
    sources: gr.Markdown
    announcement: gr.Markdown
    foot: gr.Markdown
    words: gr.Markdown


def mount(app: fastapi.FastAPI, desk: Desk) -> None:
    """Mount the page at the root of an application, before its server starts (else Gradio's queue never runs)."""

    async def mount_inside_a_loop() -> None:
        _mount(app, desk)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Without a running loop Gradio makes some of its own and never closes them.
        asyncio.run(mount_inside_a_loop())
    else:
        _mount(app, desk)


def _mount(app: fastapi.FastAPI, desk: Desk) -> None:
    """Mount the page; Gradio's other pages, its footer and its recordings are left out."""
    gr.mount_gradio_app(
        app,
        _build_page(desk),
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
        head=STYLE,
    )


class _Blocks(gr.Blocks):
    """Gradio's page, without its habit of printing an error's words: they may quote a visitor's."""

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Run one event; what goes wrong, such as a value that no page of ours sends, goes to the log alone."""
        try:
            result: dict[str, Any] = await super().process_api(*arguments, **named)
        except Exception:
            logger.exception("an event of the page failed")
            raise gr.Error(WORDS["en"]["unexpected"], print_exception=False) from None
        return result


def _build_page(desk: Desk) -> gr.Blocks:
    """Return the page, with its events."""
    blocks: gr.Blocks
    with _Blocks(analytics_enabled=False, title=WORDS["en"]["page_title"], fill_width=True) as blocks:
        talk = gr.State(Talk())
        page = _components(desk)
        _connect(desk, page, talk, blocks)
    # Nobody waits in Gradio's line, where no place can be shown: `Readers` is the one line.
    blocks.queue(max_size=None, api_open=False)
    events = blocks._queue
    events.max_thread_count = MOST_EVENTS
    events.sleep_when_free, events.progress_update_sleep_when_free = EVENT_SECONDS, PROGRESS_SECONDS
    blocks.state_session_capacity = MOST_PAGES
    _write_signatures_down(blocks)
    return blocks


def _write_signatures_down(blocks: gr.Blocks) -> None:
    """Write down the signatures of the page's components once: Gradio works each out anew at every step of an answer.

    That was a fifth of what an answer on the page costs beside the answering itself.
    """
    for kind in {type(block) for block in blocks.blocks.values()}:
        for making in (kind.__init__, getattr(kind.__init__, "__wrapped__", None)):
            if making is not None:
                setattr(making, "__signature__", inspect.signature(making))  # noqa: B010 - functions do not declare it


def _theme() -> gr.themes.Base:
    """Return Gradio's plainest theme in our fonts and colours, by day and by night; the rest is `chat.css`."""
    fonts = ["Source Sans Pro", "system-ui", "sans-serif"]
    base = gr.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"])
    return base.set(
        body_background_fill="#faf8f4",
        body_background_fill_dark="#12191d",
        body_text_color="#1d2a33",
        body_text_color_dark="#e8ecee",
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
                with gr.Column(elem_id="about"):
                    segment = gr.Radio(**_about("segment", SEGMENTS, "en"), value=ANY, elem_id="segment")
                    stage = gr.Radio(**_about("stage", STAGES, "en"), value=ANY, elem_id="stage")
                lead = _html("", "lead")
                with gr.Row(elem_id="starters"):
                    starters = tuple(
                        gr.Button("", elem_id=f"{_STARTER}{index}", elem_classes="starter")
                        for index in range(STARTERS_SHOWN)
                    )
            with gr.Column(elem_id="form"):
                with gr.Row(elem_id="ask-row"):
                    box = _question_box(words)
                    ask = gr.Button(words["ask"], variant="primary", elem_id="ask", min_width=0)
                    stop = gr.Button(words["stop"], elem_id="stop", visible=False, min_width=0)
                with gr.Row(elem_id="under-box"):
                    hint = _html(
                        rendering.confidence_hint("en", desk.assistant.writing_model, keeps_words=desk.keeps_words),
                        "hint",
                    )
                    again = gr.Button(words["new_conversation"], elem_id="again", visible=False, min_width=0)
            announcement = _html("", "announcement")
        with gr.Column(elem_id="side"):
            sources = _html("", "sources")
            along = _html("", "along")
    foot = _html("", "foot")
    said = _html("", "said-words")
    return Page(
        banner, language, conversation, along, start, welcome, segment, stage, lead, starters, box, ask, stop, hint,
        again, sources, announcement, foot, said,
    )  # fmt: skip


def _about(name: str, values: Sequence[str], language: InterfaceLanguage) -> dict[str, Any]:
    """Return the label and the choices of what a visitor may say about the company, none of them first."""
    words = WORDS[language]
    choices = [(words[f"{name}_{value}"], value) for value in (ANY, *values)]
    return {"label": words[f"{name}_label"], "choices": choices}


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


def _connect(desk: Desk, page: Page, talk: gr.State, blocks: gr.Blocks) -> None:
    """Say what happens when the page opens, a question is sent, a choice is made, a new start is wanted."""
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
        visitor = Visitor.remembered(request.cookies.get(ABOUT_COOKIE), language)
        return _worded(desk, page, Talk(), visitor)

    async def switch_language(
        talked: Talk, language: InterfaceLanguage, segment: str, stage: str, request: gr.Request
    ) -> Updates:
        visitor = Visitor(language, segment, stage)
        writing = writings.get(_session(request))
        if writing is None:
            return _worded(desk, page, talked, visitor)
        writing.language = language
        return _worded(desk, page, talked.grown(writing.latest), visitor, stoppable=can_stop())

    def choose(language: InterfaceLanguage, segment: str, stage: str) -> Updates:
        return _offered(desk, page, Visitor(language, segment, stage))

    async def start_again(
        talked: Talk, language: InterfaceLanguage, segment: str, stage: str, request: gr.Request
    ) -> Updates:
        writing = writings.get(_session(request))
        if writing is not None:
            writing.wanted = False
            writing.reading.stop()
        if talked.key:
            desk.conversations.forget(talked.key)
        worded = _worded(desk, page, Talk(), Visitor(language, segment, stage))
        return {talk: Talk(), **worded, page.box: gr.update(value="")}

    async def stop(request: gr.Request) -> Updates:
        writing = writings.get(_session(request))
        if writing is not None:
            writing.reading.stop()
        return {page.stop: gr.update(visible=False)}

    async def leave(request: gr.Request) -> None:
        await stop(request)

    async def respond(
        typed: str,
        talked: Talk,
        language: InterfaceLanguage,
        segment: str,
        stage: str,
        event: gr.EventData,
        request: gr.Request,
    ) -> AsyncIterator[Updates]:
        question = _asked(event, desk, Visitor(language, segment, stage), typed)
        problem = _problem(question, language) or _too_much(desk, request, language)
        if problem:
            yield {page.hint: rendering.hint(problem, warning=True)}
            return
        question = question.strip()
        before = writings.get(_session(request))
        if before is not None:
            if before.latest.question == question:  # Enter pressed twice
                return
            if not before.latest.ended:
                yield {page.hint: rendering.hint(WORDS[language]["hint_still"], warning=True)}
                return
            await before.over.wait()  # its answer is on the screen; what leads on comes in a moment
            talked = before.talk or talked
        try:
            reading = desk.readers.begin(lambda: desk.answer(question, talked.conversation, language))
        except TooBusy as busy:
            refused("page", 503)
            yield {page.hint: rendering.hint(WORDS[language]["line_full"].format(line=busy.waiting), warning=True)}
            return
        writing = writings[_session(request)] = Writing(reading, Exchange(question), language)
        try:
            waiting = _waiting(desk, page, talked.grown(writing.latest), language)
            yield {page.box: "", page.stop: gr.update(visible=can_stop()), **_hinted(desk, page, language), **waiting}
            async with aclosing(reading.waiting(PLACE_SECONDS)) as places:
                async for place in places:
                    writing.latest = Exchange(question, place=place)
                    yield _waiting(desk, page, talked.grown(writing.latest), writing.language)
            if writing.latest.place:  # nobody is before it any more
                writing.latest = Exchange(question)
                yield _waiting(desk, page, talked.grown(writing.latest), writing.language)
            async with aclosing(reading.steps()) as steps:
                shown = writing.latest
                async for writing.latest in steps:
                    # A step may bring nothing new: it only lets a stop in.
                    if _shows_more(writing.latest, shown):
                        shown = writing.latest
                        yield _talked(desk, page, talked.grown(shown), writing.language)
            if writing.wanted:
                latest = writing.latest if writing.latest.ended else replace(writing.latest, stopped=True)
                talked = talked.grown(latest)
                key = desk.conversations.keep(talked.key, talked.conversation, desk.address(request))
                talked = replace(talked, key=key)
                writing.talk = talked
                shown_now = _talked(desk, page, talked, writing.language)
                yield {talk: talked, page.stop: gr.update(visible=False), **shown_now}
        finally:
            # Also where the visitor left: Gradio closes this generator then.
            reading.stop()
            if writings.get(_session(request)) is writing:
                del writings[_session(request)]
            writing.over.set()

    outputs: list[Any] = [talk, *_changing(page)]
    about = [page.language, page.segment, page.stage]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    gr.on([blocks.load], open_page, None, outputs, **quiet)
    gr.on(
        [page.box.submit, page.ask.click, *(button.click for button in page.starters)],
        respond,
        [page.box, talk, *about],
        [talk, *_answering(page)],
        # By default Gradio drops, without a word, what is sent before the last answer is complete.
        trigger_mode="multiple",
        **quiet,
    )
    page.language.input(switch_language, [talk, *about], outputs, **quiet)
    gr.on(
        [page.segment.input, page.stage.input],
        choose,
        about,
        [page.lead, *page.starters],
        # Who chooses the second before the first is answered gets the questions for both.
        trigger_mode="always_last",
        **quiet,
    )
    page.again.click(start_again, [talk, *about], outputs, **quiet)
    page.stop.click(stop, None, [page.stop], **quiet)
    blocks.unload(leave)


def _session(request: gr.Request) -> str:
    """Return the name that Gradio gives one open page."""
    return request.session_hash or ""


def _asked(event: gr.EventData, desk: Desk, visitor: Visitor, typed: str) -> str:
    """Return the starter question whose button was pressed, or what was typed.

    The button is known by its name: what Gradio passes is this visitor's copy of it, which equals no other.
    """
    name = str(getattr(event.target, "elem_id", None) or "")
    if not name.startswith(_STARTER):
        return typed
    starters, place = _starters(desk, visitor), int(name.removeprefix(_STARTER))
    return starters[place] if place < len(starters) else ""


def _starters(desk: Desk, visitor: Visitor) -> Sequence[str]:
    """Return the questions to begin with, as many as there are buttons or fewer."""
    segment, stage = (None if value == ANY else value for value in (visitor.segment, visitor.stage))
    return desk.assistant.starters(segment, stage, visitor.language, STARTERS_SHOWN)[:STARTERS_SHOWN]


def _changing(page: Page) -> list[Any]:
    """Return every component that an event may change."""
    return [
        page.banner, page.language, page.conversation, page.along, page.start, page.welcome, page.segment, page.stage,
        page.lead, *page.starters, page.box, page.ask, page.stop, page.hint, page.again, page.sources,
        page.announcement, page.foot, page.words,
    ]  # fmt: skip


def _answering(page: Page) -> list[Any]:
    """Return the components that a question changes: Gradio makes each one anew at every step, also where it stays."""
    return [
        page.conversation, page.along, page.start, page.box, page.stop, page.hint, page.again, page.sources,
        page.announcement,
    ]  # fmt: skip


def _worded(desk: Desk, page: Page, talked: Talk, visitor: Visitor, *, stoppable: bool = False) -> Updates:
    """Return the whole page in a language, with its conversation."""
    language = visitor.language
    words = WORDS[language]
    return {
        page.banner: rendering.banner(language),
        page.language: gr.update(value=language, label=words["language_label"]),
        page.welcome: rendering.welcome(language, ready=desk.assistant.ready, model=desk.assistant.writing_model),
        **_starting(desk, page, visitor),
        page.box: gr.update(label=words["box_label"], placeholder=words["box_placeholder"]),
        page.ask: gr.update(value=words["ask"]),
        page.stop: gr.update(value=words["stop"], visible=stoppable),
        **_hinted(desk, page, language),
        **_talked(desk, page, talked, language),
        page.again: gr.update(value=words["new_conversation"], visible=bool(talked.conversation)),
        page.announcement: "",
        page.foot: actions.stored(language),
        page.words: actions.told_words(language),
    }


def _starting(desk: Desk, page: Page, visitor: Visitor) -> Updates:
    """Return what stands on the page before a question: field and stage, and the questions that go with them."""
    language = visitor.language
    return {
        page.segment: gr.update(**_about("segment", SEGMENTS, language), value=visitor.segment),
        page.stage: gr.update(**_about("stage", STAGES, language), value=visitor.stage),
        **_offered(desk, page, visitor),
    }


def _offered(desk: Desk, page: Page, visitor: Visitor) -> Updates:
    """Return the questions to begin with.

    Field and stage themselves are left as they are: another one may have been chosen meanwhile.
    """
    questions = _starters(desk, visitor)
    buttons = {
        button: gr.update(value=questions[place] if place < len(questions) else "", visible=place < len(questions))
        for place, button in enumerate(page.starters)
    }
    return {page.lead: rendering.lead(visitor.language), **buttons}


def _hinted(desk: Desk, page: Page, language: InterfaceLanguage) -> Updates:
    """Return what stands below the box when nothing is wrong.

    A step of an answer never brings it: it would wipe out a warning about what was typed meanwhile.
    """
    model = desk.assistant.writing_model
    return {page.hint: rendering.confidence_hint(language, model, keeps_words=desk.keeps_words)}


def _waiting(desk: Desk, page: Page, talked: Talk, language: InterfaceLanguage) -> Updates:
    """Return what changes when a question has been sent: it stands in the conversation, the starters make room."""
    conversation = talked.conversation
    below = actions.below(conversation, talked.key, language)
    return {
        page.conversation: rendering.conversation(conversation, language, desk.contact, below),
        page.start: gr.update(visible=not conversation),
        page.announcement: rendering.announcement(conversation[-1], language) if conversation else "",
    }


def _talked(desk: Desk, page: Page, talked: Talk, language: InterfaceLanguage) -> Updates:
    """Return what changes when an answer has come: the conversation and the sources of its latest answer."""
    conversation = talked.conversation
    latest = conversation[-1] if conversation else Exchange("")
    return {
        **_waiting(desk, page, talked, language),
        page.sources: rendering.sources(latest.answer, latest.titles, language, desk.today()),
        page.along: actions.take_along(talked.key, language) if talked.key else "",
        page.again: gr.update(visible=bool(conversation)),
    }


def _shows_more(latest: Exchange, shown: Exchange) -> bool:
    """Return whether there is more to show than before: more words, or the end."""
    if latest.ended != shown.ended:
        return True
    before = shown.answer.text if shown.answer else ""
    return latest.answer is not None and latest.answer.text != before


def _too_much(desk: Desk, request: gr.Request, language: InterfaceLanguage) -> str | None:
    """Return that a visitor has asked too much in a short time, or None."""
    seconds = desk.may_ask(request)
    if seconds > 0:
        refused("page", 429)
    return WORDS[language]["wait"].format(seconds=math.ceil(seconds)) if seconds > 0 else None


def _problem(question: str, language: InterfaceLanguage) -> str | None:
    """Return why a question is not sent, or None: the box's own limit is the browser's, so it is checked again."""
    if not question.strip():
        return WORDS[language]["hint_empty"]
    if len(question) > MAX_QUESTION_CHARACTERS:
        return WORDS[language]["hint_too_long"].format(limit=MAX_QUESTION_CHARACTERS, length=len(question))
    return None
