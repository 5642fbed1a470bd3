"""Saved links: a conversation kept because its visitor pressed *Save link*, and the page that opens it again.

`POST conversation/KEY/save` with `{"language": "en"}` replies 201 and
`{"link": "saved/ID", "delete": "saved/ID/delete?key=...", "expires": "2027-05-21"}`, both addresses relative to the
site's root. Whoever has the link can read; whoever has the key can delete. Search engines are told to stay away, no
browser or proxy keeps a copy, and a link that is unknown looks like one that has expired.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Protocol, TypeVar, cast
from urllib.parse import parse_qs

import fastapi
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from assistant.domain import Answer, Document
from assistant.errors import DataFolderError
from assistant.web import rendering
from assistant.web.conversations import Conversations
from assistant.web.exports import Exports, FileFormat, as_file
from assistant.web.gate import FORM_POLICY, STRICT_POLICY
from assistant.web.pages import framed, language_of, own_page
from assistant.web.posted import Refused, json_reply, read_body, read_language, read_object
from assistant.web.rendering import Exchange, format_date, source_address
from assistant.web.withdrawn import Withdraws, as_shown
from assistant.web.words import LANGUAGE_COOKIE, WORDS, InterfaceLanguage

logger = logging.getLogger(__name__)

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
# `rendering` links to the viewer from the root; a saved page lies one level below. All else that could look like this
# is escaped.
_TO_VIEWER = 'href="source&#47;'
_FORMATS: tuple[tuple[FileFormat, str], ...] = (("docx", "as_word"), ("pdf", "as_pdf"), ("md", "as_markdown"))
_PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow", "referrer-policy": "no-referrer"}

Reply = TypeVar("Reply", bound=Response)


class Said(Protocol):
    """One exchange of a saved conversation."""

    @property
    def question(self) -> str:
        """The question as asked."""
        ...

    @property
    def answer(self) -> Answer | None:
        """The answer, or None where there was none."""
        ...

    @property
    def failure(self) -> str | None:
        """The sentence that was shown instead of an answer, or None."""
        ...

    @property
    def failed(self) -> bool:
        """Whether something unforeseen happened."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the visitor stopped the answer."""
        ...

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the documents that the answer names only by id."""
        ...


class Saved(Protocol):
    """A saved conversation, as it was."""

    @property
    def created(self) -> date:
        """The day it was saved."""
        ...

    @property
    def expires(self) -> date:
        """The last day on which it can be opened."""
        ...

    @property
    def language(self) -> str:
        """The interface's language when it was saved."""
        ...

    @property
    def exchanges(self) -> Sequence[Said]:
        """The conversation."""
        ...


class Link(Protocol):
    """What a visitor gets for saving."""

    @property
    def id(self) -> str:
        """What opens it."""
        ...

    @property
    def delete_key(self) -> str:
        """What deletes it."""
        ...

    @property
    def expires(self) -> date:
        """The last day on which it can be opened."""
        ...


class Keeps(Protocol):
    """The journal, as these routes see it."""

    def save(self, exchanges: Sequence[Exchange], language: str) -> Link | str:
        """Keep a conversation and return its link, or `too_large` or `too_many_today`."""
        ...

    def snapshot(self, link_id: str) -> Saved | None:
        """Return a saved conversation; None for one that is unknown, deleted or past its last day."""
        ...

    def opens(self, link_id: str, delete_key: str) -> bool:
        """Return whether the key deletes this snapshot."""
        ...

    def delete_snapshot(self, link_id: str, delete_key: str) -> bool:
        """Erase a saved conversation; False where the key is not its own."""
        ...


class Knows(Withdraws, Protocol):
    """What the page needs of the assistant: whether a document has changed since."""

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        """Return a stored version (the current one without `version`), or None when it is not known."""
        ...


def add_saved(
    app: fastapi.FastAPI,
    journal: Keeps,
    conversations: Conversations,
    assistant: Knows,
    export: Exports,
    *,
    contact: str | None = None,
    today: Callable[[], date] = date.today,
) -> None:
    """Add the routes of saved links, and the page that tells search engines to stay away from the whole site.

    Args:
        export: Makes a file of a conversation; the assistant's `export`.
        contact: Where a refused visitor can turn.
        today: Returns the date that review dates are compared with, and that files are dated with.
    """
    _add_save(app, journal, conversations)
    _add_page(app, journal, assistant, contact, today)
    _add_files(app, journal, assistant, export, today)
    _add_delete(app, journal)

    @app.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> PlainTextResponse:
        return PlainTextResponse("User-agent: *\nDisallow: /\n", headers={"content-security-policy": STRICT_POLICY})


def _add_save(app: fastapi.FastAPI, journal: Keeps, conversations: Conversations) -> None:
    @app.post("/conversation/{key}/save")
    async def save(request: fastapi.Request, key: str) -> JSONResponse:
        language = language_of(request)
        try:
            language = read_language(await read_object(request, ("language",)), language)
            conversation = conversations.find(key)
            if conversation is None:
                raise Refused(404, "gone")
            whole = [exchange for exchange in conversation if exchange.ended]
            if not whole:
                raise Refused(422, "save_nothing")
            link = await run_in_threadpool(journal.save, whole, language)
            if isinstance(link, str):
                raise Refused(413 if link == "too_large" else 503, f"save_{link}")
        except Refused as refused:
            return refused.reply(language)
        except DataFolderError as error:
            logger.warning("%s", error)
            return Refused(503, "journal_closed").reply(language)
        address = f"saved/{link.id}"
        deleting = f"{address}/delete?key={link.delete_key}"
        return json_reply({"link": address, "delete": deleting, "expires": link.expires.isoformat()}, 201)


def _add_page(
    app: fastapi.FastAPI, journal: Keeps, assistant: Knows, contact: str | None, today: Callable[[], date]
) -> None:
    @app.api_route("/saved/{link_id}", methods=["GET", "HEAD"])
    def saved(request: fastapi.Request, link_id: str) -> HTMLResponse:
        try:
            snapshot = _find(journal, link_id)
        except DataFolderError as error:
            return _closed(request, error)
        if snapshot is None or not _holds(snapshot, assistant):
            return _nothing_here(request)
        language = _language(request, snapshot)
        return _private(own_page(page(link_id, snapshot, language, assistant, contact, today())))


def _add_files(
    app: fastapi.FastAPI, journal: Keeps, assistant: Knows, export: Exports, today: Callable[[], date]
) -> None:
    @app.api_route("/saved/{link_id}/answers.{ending}", methods=["GET", "HEAD"])
    def file(request: fastapi.Request, link_id: str, ending: str) -> Response:
        try:
            snapshot = _find(journal, link_id)
        except DataFolderError as error:
            return _closed(request, error)
        file_format = next((known for known, _ in _FORMATS if known == ending), None)
        if snapshot is None or file_format is None or not _holds(snapshot, assistant):
            return _nothing_here(request)
        language = _language(request, snapshot)
        return as_file(snapshot.exchanges, file_format, language, assistant, export=export, day=today())


def _add_delete(app: fastapi.FastAPI, journal: Keeps) -> None:
    @app.api_route("/saved/{link_id}/delete", methods=["GET", "HEAD"])
    def ask(request: fastapi.Request, link_id: str, key: str = "") -> HTMLResponse:
        try:
            snapshot = _find(journal, link_id)
        except DataFolderError as error:
            return _closed(request, error)
        if snapshot is None:
            return _nothing_here(request)
        if not journal.opens(link_id, key):
            return _wrong_key(request)
        asking = _private(own_page(confirmation(link_id, key, snapshot, language_of(request))))
        asking.headers["content-security-policy"] = FORM_POLICY
        return asking

    @app.post("/saved/{link_id}/delete")
    async def delete(request: fastapi.Request, link_id: str) -> HTMLResponse:
        try:
            form = parse_qs((await read_body(request)).decode("ascii", "replace"))
            # The page's button sends the key in the form; a script may send the address that it was given.
            key = (form.get("key") or request.query_params.getlist("key") or [""])[0]
            if await run_in_threadpool(_find, journal, link_id) is None:
                return _nothing_here(request)
            if not await run_in_threadpool(journal.delete_snapshot, link_id, key):
                return _wrong_key(request)
        except DataFolderError as error:
            return _closed(request, error)
        except Refused as refused:
            words = WORDS[language_of(request)]
            return _plain(request, words["not_deleted_title"], words[refused.word], refused.status)
        words = WORDS[language_of(request)]
        return _plain(request, words["deleted_title"], words["deleted"], 200)


def page(
    link_id: str,
    snapshot: Saved,
    language: InterfaceLanguage,
    assistant: Knows,
    contact: str | None,
    today: date,
) -> str:
    """Return the page of a saved conversation: the same answers with the same quotes, and what has changed since."""
    words = WORDS[language]
    exchanges = tuple(as_shown(exchange, language, assistant) for exchange in _exchanges(snapshot))
    days = (
        words["saved_on"].format(date=format_date(snapshot.created.isoformat(), language)),
        words["saved_until"].format(date=format_date(snapshot.expires.isoformat(), language)),
    )
    facts = "".join(f"<li>{escape(day)}</li>" for day in days)
    files = "".join(
        f'<a class="own-act" href="{link_id}/answers.{suffix}?lang={language}" download>{escape(words[word])}</a>'
        for suffix, word in _FORMATS
    )
    head = (
        f'<h1>{escape(words["saved_title"])}</h1><ul class="own-facts">{facts}</ul>'
        f'<p class="own-lead">{escape(words["saved_same"])}</p>{_changes(exchanges, language, assistant)}'
        f'<p class="own-acts"><span>{escape(words["take_along"])}</span>{files}</p>'
    )
    body = "".join(
        _exchange(number, exchange, language, contact, today) for number, exchange in enumerate(exchanges, start=1)
    )
    foot = f'<footer class="own-foot"><a href="../privacy?lang={language}">{escape(words["stored"])}</a></footer>'
    return framed(language, words["saved_title"], head + body + foot, up="../", here=link_id)


def confirmation(link_id: str, key: str, snapshot: Saved, language: InterfaceLanguage) -> str:
    """Return the page that asks whether to delete a saved conversation."""
    words = WORDS[language]
    what = words["delete_what"].format(date=format_date(snapshot.created.isoformat(), language))
    questions = "".join(f'<li dir="auto">{rendering.escape(exchange.question)}</li>' for exchange in snapshot.exchanges)
    body = (
        f'<h1>{escape(words["delete_title"])}</h1><p class="own-lead">{escape(what)}</p>'
        f'<ul class="own-questions">{questions}</ul>'
        f'<form class="own-acts" method="post" action="delete?lang={language}">'
        f'<input type="hidden" name="key" value="{escape(key)}">'
        f'<button class="own-button" type="submit">{escape(words["delete_now"])}</button>'
        f'<a class="own-act" href="../{link_id}?lang={language}">{escape(words["delete_keep"])}</a></form>'
    )
    return framed(language, words["delete_title"], body, up="../../", here="delete", query=f"key={key}")


def _exchange(number: int, exchange: Exchange, language: InterfaceLanguage, contact: str | None, today: date) -> str:
    """Return one question with its answer and the sources under it."""
    words = WORDS[language]
    cited = exchange.answer is not None and bool(exchange.answer.citations)
    sources = rendering.sources(exchange.answer, exchange.titles, language, today) if cited else ""
    said = rendering.conversation([exchange], language, contact) + sources
    heading = f'<h2 class="own-number">{escape(words["saved_question"].format(number=number))}</h2>'
    inside = said.replace(_TO_VIEWER, _TO_VIEWER.replace("source", "../source"))
    inside = f'<div class="gradio-container"><div class="prose">{inside}</div></div>'
    return f'<section class="own-exchange">{heading}{inside}</section>'


def _changes(exchanges: Sequence[Exchange], language: InterfaceLanguage, assistant: Knows) -> str:
    """Return which of the cited documents have a newer version since, or were taken out; nothing where none has."""
    words = WORDS[language]
    cited = {
        (citation.document, citation.version): citation.title
        for exchange in exchanges
        for citation in (exchange.answer.citations if exchange.answer else ())
    }
    lines: dict[str, None] = {}
    for (document_id, version), title in cited.items():
        current = assistant.document(document_id)
        if current is None:
            lines[f"<li>{escape(words['saved_withdrawn'].format(title=title))}</li>"] = None
        elif current.version != version:
            address = f"../{source_address(document_id).lstrip('/')}?lang={language}"
            link = f'<a href="{escape(address)}">{escape(words["newer_link"])}</a>'
            lines[f"<li>{escape(words['saved_newer'].format(title=title))} {link}</li>"] = None
    if not lines:
        return ""
    return (
        f'<div class="own-changes"><p>{escape(words["saved_changed"])}</p><ul>{"".join(lines)}</ul>'
        f"<p>{escape(words['saved_quoted'])}</p></div>"
    )


def _exchanges(snapshot: Saved) -> tuple[Exchange, ...]:
    return tuple(
        Exchange(said.question, said.answer, said.failure, said.failed, said.stopped, said.titles)
        for said in snapshot.exchanges
    )


def _find(journal: Keeps, link_id: str) -> Saved | None:
    return journal.snapshot(link_id) if _ID.fullmatch(link_id) else None


def _holds(snapshot: Saved, assistant: Knows) -> bool:
    """Return whether each quote still equals the stored text that it names, where that version is kept.

    A journal that somebody has written into shows nothing rather than a quote that stands nowhere.
    """
    for said in snapshot.exchanges:
        for citation in said.answer.citations if said.answer else ():
            document = assistant.document(citation.document, citation.version)
            if document is not None and document.text[citation.start : citation.end] != citation.quote:
                logger.warning("A saved quote from %s is not in its version: not shown.", citation.document)
                return False
    return True


def _language(request: fastapi.Request, snapshot: Saved) -> InterfaceLanguage:
    """Return the language that the reader has chosen, else the one that it was saved in.

    A browser's mere preference counts less: the page was made for somebody to read.
    """
    if request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE) or snapshot.language not in WORDS:
        return language_of(request)
    return cast(InterfaceLanguage, snapshot.language)


def _nothing_here(request: fastapi.Request) -> HTMLResponse:
    """Return the same page for what never was, is past or was deleted: it tells nobody which."""
    words = WORDS[language_of(request)]
    return _plain(request, words["not_found_title"], words["saved_gone"], 404)


def _wrong_key(request: fastapi.Request) -> HTMLResponse:
    words = WORDS[language_of(request)]
    return _plain(request, words["not_deleted_title"], words["not_deleted"], 403)


def _closed(request: fastapi.Request, error: DataFolderError) -> HTMLResponse:
    logger.warning("%s", error)
    words = WORDS[language_of(request)]
    return _plain(request, words["journal_closed_title"], words["journal_closed"], 503)


def _plain(request: fastapi.Request, title: str, sentence: str, status: int) -> HTMLResponse:
    """Return a page that says one thing."""
    depth = request.url.path.removeprefix(request.scope.get("root_path", "")).count("/") - 1
    here = request.url.path.rsplit("/", 1)[-1]
    body = f'<h1>{escape(title)}</h1><p class="own-lead">{escape(sentence)}</p>'
    return _private(own_page(framed(language_of(request), title, body, up="../" * depth, here=here), status))


def _private(response: Reply) -> Reply:
    """Return a response that nobody keeps, finds by searching, or learns of by a link that is followed from it."""
    response.headers.update(_PRIVATE)
    return response
