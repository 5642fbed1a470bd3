"""Documents that are in: their list, and the pages of each.

`GET documents` (with filters and an order), `GET document?id=` (what it is, and what can be done), `document-edit`,
`document-receipt` (searched just now), `document-text`, `document-difference`, `document-replace`, `document-withdraw`.
Ids are paths, so they stand in the query. `POST document-...` changes one, and ends at its page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, get_args

import fastapi
from fastapi.responses import HTMLResponse, Response

from assistant.desk import Action, Deed, Drafts, Held, HeldState, HeldVersion, Shelf
from assistant.errors import AssistantError
from assistant.web import staff_receipts as receipts
from assistant.web.rendering import escape, web_address
from assistant.web.staff_access import form_of
from assistant.web.staff_drafts import drop, gone, reader_of, typed_form
from assistant.web.staff_forms import (
    AUDIENCES,
    EVERYBODY,
    LONGEST_NAME,
    Reader,
    address,
    audience_name,
    button,
    changed_values,
    chip,
    cut,
    facts,
    fields_of,
    foreign,
    hidden,
    language_names,
    languages,
    link,
    metadata_form,
    notice,
    review_chip,
    seen,
    stage_name,
    status_chip,
)
from assistant.web.staff_frame import READ, page, see_other
from assistant.web.staff_uploads import UploadLimits

DOCUMENTS_AT_ONCE = 100
# A longer title is confirmed by its first words alone.
LONGEST_CONFIRMATION, WORDS_OF_CONFIRMATION = 60, 5
DEEDS_SHOWN, VERSIONS_SHOWN = 20, 50
_STATES: tuple[HeldState, ...] = get_args(HeldState)
_STATE_CHIPS: Mapping[HeldState, str] = {"published": "good", "unpublished": "quiet", "withdrawn": "care"}
_NEVER = "9999"
# How the list can be sorted; what comes first is the default.
_ORDERS: Mapping[str, Callable[[Held], Any]] = {
    "title": lambda held: (held.title.casefold(), held.id),
    "newest": lambda held: (not held.stored_at, *(-ord(character) for character in held.stored_at)),
    "review": lambda held: (held.metadata.valid_until or _NEVER, held.title.casefold()),
    "publisher": lambda held: ((held.metadata.publisher or "\U0010ffff").casefold(), held.title.casefold()),
    "size": lambda held: -held.chunks,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which documents a list shows, and in which order; an unknown value chooses nothing.

    Attributes:
        state: One of `HeldState`, `review` for those past their review date, or empty for all but withdrawn ones.
        field: A code of an audience, or empty.
        text: Words that title, path or publisher hold.
        place: The number of the first document shown, from 1.
    """

    state: str = ""
    language: str = ""
    field: str = ""
    text: str = ""
    order: str = "title"
    place: int = 1


def add_documents(
    router: fastapi.APIRouter, drafts: Drafts, shelf: Shelf, *, limits: UploadLimits, today: Callable[[], date]
) -> None:
    """Add the pages and forms of documents that are in to the router of the desk."""
    _add_list(router, drafts, shelf, today)
    _add_pages(router, shelf, limits, today)
    _add_changes(router, shelf, today)
    _add_ends(router, shelf, today)


def _add_list(router: fastapi.APIRouter, drafts: Drafts, shelf: Shelf, today: Callable[[], date]) -> None:
    @router.api_route("/documents", methods=READ)
    def documents(
        request: fastapi.Request,
        state: str = "",
        language: str = "",
        field: str = "",
        text: str = "",
        order: str = "title",
        place: str = "1",
    ) -> HTMLResponse:
        first = int(place) if place.isascii() and place.isdecimal() and len(place) < 7 else 1
        chosen = Chosen(
            state, language, field, text.strip()[:200], order if order in _ORDERS else "title", max(first, 1)
        )
        reader = reader_of(request, today)
        body = documents_page(reader, shelf.all(), chosen, drafts=len(drafts.all()))
        return page(request, reader.plain("documents_title"), body, section="documents")


def _add_pages(router: fastapi.APIRouter, shelf: Shelf, limits: UploadLimits, today: Callable[[], date]) -> None:
    @router.api_route("/document", methods=READ)
    def document(request: fastapi.Request, id: str = "") -> Response:
        held, reader = shelf.get(id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        deeds = shelf.history(held.id, limit=DEEDS_SHOWN)
        body = document_page(reader, held, shelf.versions(held.id), deeds)
        return _page(request, held, body)

    @router.api_route("/document-edit", methods=READ)
    def edit(request: fastapi.Request, id: str = "") -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        return _page(request, held, edit_page(reader, held))

    @router.api_route("/document-receipt", methods=READ)
    def receipt(request: fastapi.Request, id: str = "") -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        found = shelf.check(held.id)
        shown = receipts.receipt(reader, found, "document-text", held.id)
        again = link(address("document-receipt", id=held.id), reader.say("check_again"), "own-act")
        lead = f'<p class="desk-help">{reader.say("checked_now")} {again}</p>'
        title = f"<h2>{reader.say('receipt_title')}</h2>"
        body = f'{tabs(reader, held, "document-receipt")}<section class="desk-part">{title}{lead}{shown}</section>'
        return _page(request, held, body)

    @router.api_route("/document-text", methods=READ)
    def text(
        request: fastapi.Request,
        id: str = "",
        version: str | None = None,
        page_: Annotated[str, fastapi.Query(alias="page")] = "",
    ) -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        shown = shelf.preview(id, version or None) if held else None
        if held is None or shown is None:
            return gone(request, today, "version_gone" if held else "document_gone", "documents")
        of = {"id": held.id, "version": version or None}
        older = version and version != held.version
        said = notice(f"<p>{reader.say('older_version', version=version[:8])}</p>", "care") if version and older else ""
        inside = receipts.preview(reader, shown, page_, "document-text", **of)
        return _page(request, held, f"{tabs(reader, held, 'document-text')}{said}{inside}")

    @router.api_route("/document-difference", methods=READ)
    def difference(
        request: fastapi.Request, id: str = "", version: str | None = None, draft: str | None = None
    ) -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        if not draft and not version and len(shelf.versions(held.id)) < 2:
            only = notice(f"<p>{reader.say('difference_one_version')}</p>")
            return _page(request, held, f"{tabs(reader, held, 'document-difference')}{only}")
        lines = shelf.difference(held.id, draft_id=draft or None, version=version or None)
        word = "difference_draft" if draft else "difference_version" if version else "difference_before"
        said = f'<p class="desk-help">{reader.say(word, version=(version or "")[:8])}</p>'
        to_draft = link(address("draft", id=draft), reader.say("to_draft"), "own-act") if draft else ""
        back = f'<p class="desk-acts">{to_draft}</p>' if to_draft else ""
        body = f"{tabs(reader, held, 'document-difference')}{said}{back}{receipts.difference(reader, lines)}"
        return _page(request, held, body)

    @router.api_route("/document-replace", methods=READ)
    def replace(request: fastapi.Request, id: str = "") -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        return _page(request, held, replace_page(reader, held, limits), script=True)

    @router.api_route("/document-withdraw", methods=READ)
    def withdraw(request: fastapi.Request, id: str = "") -> Response:
        held, reader = _standing(shelf, id), reader_of(request, today)
        if held is None:
            return gone(request, today, "document_gone", "documents")
        return _page(request, held, withdraw_page(reader, held))


def _add_changes(router: fastapi.APIRouter, shelf: Shelf, today: Callable[[], date]) -> None:
    @router.post("/document-edit")
    def edit(request: fastapi.Request) -> Response:
        form, reader = form_of(request), reader_of(request, today)
        held = _standing(shelf, form.text("id"))
        if held is None:
            return gone(request, today, "document_gone", "documents")
        typed = typed_form(form)
        changed = changed_values(held.metadata, typed)
        if form.text("seen") != seen(held.metadata):
            body = edit_page(reader, held, typed=typed, problem=reader.plain("changed_meanwhile"))
            return _page(request, held, body, status=422)
        if not changed:
            return see_other(request, "/document", reader.plain("nothing_changed"), id=held.id)
        try:
            shelf.edit(held.id, changed, by=request.state.session.name)
        except AssistantError as error:
            return _page(request, held, edit_page(reader, held, typed=typed, problem=str(error)), status=422)
        return see_other(request, "/document", reader.plain("metadata_saved"), id=held.id)

    @router.post("/document-fetch")
    def fetch(request: fastapi.Request) -> Response:
        reader, document_id = reader_of(request, today), form_of(request).text("id")
        try:
            draft = shelf.fetch_again(document_id, by=request.state.session.name)
        except AssistantError as error:
            return see_other(request, "/document", str(error), kind="problem", id=document_id)
        return see_other(request, "/draft", reader.plain("fetched_again"), id=draft.id)

    @router.post("/document-undo")
    def undo(request: fastapi.Request) -> Response:
        form, reader = form_of(request), reader_of(request, today)
        document_id = form.text("id")
        try:
            deeds = form.numbers("deed")
            if not deeds:
                raise AssistantError(reader.plain("nothing_to_undo"))
            deed = shelf.undo(deeds[-1], by=request.state.session.name)
        except AssistantError as error:
            return see_other(request, "/document", str(error), kind="problem", id=document_id)
        return see_other(request, "/document", reader.plain("undone"), id=deed.document)


def _add_ends(router: fastapi.APIRouter, shelf: Shelf, today: Callable[[], date]) -> None:
    @router.post("/document-unpublish")
    def unpublish(request: fastapi.Request) -> Response:
        return _do(request, shelf.unpublish, reader_of(request, today), "unpublished")

    @router.post("/document-republish")
    def republish(request: fastapi.Request) -> Response:
        return _do(request, shelf.republish, reader_of(request, today), "republished")

    @router.post("/document-withdraw")
    def withdraw(request: fastapi.Request) -> Response:
        form, reader = form_of(request), reader_of(request, today)
        held = _standing(shelf, form.text("id"))
        if held is None:
            return gone(request, today, "document_gone", "documents")
        typed = form.text("title")
        if not _is_same(typed, confirmation(held)):
            body = withdraw_page(reader, held, typed=typed, problem=reader.plain("withdraw_other_title"))
            return _page(request, held, body, status=422)
        return _do(request, shelf.withdraw, reader, "withdrawn")


def _do(request: fastapi.Request, verb: Callable[..., Held], reader: Reader, word: str) -> Response:
    """Do one thing to one document, and lead to its page with what has become of it."""
    document_id = form_of(request).text("id")
    try:
        held = verb(document_id, by=request.state.session.name)
    except AssistantError as error:
        return see_other(request, "/document", str(error), kind="problem", id=document_id)
    return see_other(request, "/document", reader.plain(f"done_{word}"), id=held.id)


def _standing(shelf: Shelf, document_id: str) -> Held | None:
    """Return a document whose text may be shown and changed, or None."""
    held = shelf.get(document_id)
    return None if held is None or held.state == "withdrawn" else held


def _page(request: fastapi.Request, held: Held, body: str, *, script: bool = False, status: int = 200) -> HTMLResponse:
    return page(request, cut(held.title, LONGEST_NAME), body, section="documents", script=script, status=status)


# ---- The list ----


def documents_page(reader: Reader, found: Sequence[Held], chosen: Chosen, *, drafts: int = 0) -> str:
    """Return the list of documents with its filters.

    Args:
        found: All documents.
        drafts: How many documents wait on their way in.
    """
    waiting = link("drafts", reader.say("drafts_waiting", count=drafts)) if drafts else ""
    lead = f'<p class="own-lead">{reader.say("documents_lead")} {waiting}</p>'
    if not found:
        return f"{lead}<p>{reader.say('documents_none')} {link('add', reader.say('to_adding'))}</p>"
    shown = sorted((held for held in found if _fits(reader, held, chosen)), key=_ORDERS[chosen.order])
    place = min(chosen.place, max(len(shown), 1))
    place -= (place - 1) % DOCUMENTS_AT_ONCE
    part = shown[place - 1 : place - 1 + DOCUMENTS_AT_ONCE]
    rows = "".join(_row(reader, held) for held in part)
    columns = ("title", "state", "language", "fields", "review", "size")
    head = "".join(f'<th scope="col">{reader.say(f"column_{name}")}</th>' for name in columns)
    table = (
        f'<div class="desk-table"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        if part
        else f"<p>{reader.say('documents_no_match')} {link('documents', reader.say('filter_clear'))}</p>"
    )
    return (
        f"{lead}{_states(reader, found, chosen)}{_filters(reader, found, chosen)}"
        f'<p class="desk-count" role="status">{reader.say("documents_count", count=len(shown))}</p>'
        f"{table}{_turn(reader, chosen, place, len(shown))}"
    )


def _fits(reader: Reader, held: Held, chosen: Chosen) -> bool:
    """Return whether a document is one of those that were chosen."""
    if chosen.state == "review":
        wanted = held.state != "withdrawn" and bool(review_chip(reader, held.metadata))
    else:
        wanted = held.state == chosen.state if chosen.state in _STATES else held.state != "withdrawn"
    of_field = not chosen.field or chosen.field in held.metadata.audience or EVERYBODY in held.metadata.audience
    said = f"{held.title}\n{held.id}\n{held.metadata.publisher or ''}".casefold()
    return (
        wanted
        and of_field
        and (not chosen.language or held.language == chosen.language)
        and all(word in said for word in chosen.text.casefold().split())
    )


def _states(reader: Reader, found: Sequence[Held], chosen: Chosen) -> str:
    """Return the states to choose from, each with its count."""
    here = " aria-current=true"
    counts = {state: sum(_fits(reader, held, Chosen(state)) for held in found) for state in ("", *_STATES, "review")}
    links = "".join(
        f'<a href="{_list_address(chosen, state=state, place=None)}"{here if state == chosen.state else ""}>'
        f"{reader.say('filter_' + (state or 'all'))} <b>{reader.number(count)}</b></a>"
        for state, count in counts.items()
        if count or state in ("", chosen.state)
    )
    return f'<nav class="desk-tabs" aria-label="{reader.say("filter_state")}">{links}</nav>'


def _filters(reader: Reader, found: Sequence[Held], chosen: Chosen) -> str:
    """Return the form that narrows the list down."""
    used = dict.fromkeys(code for held in found for code in held.metadata.audience if code != EVERYBODY)
    fields = [code for code in AUDIENCES if code in used] + [code for code in used if code not in AUDIENCES]
    selects = (
        (
            "language",
            [("", reader.plain("filter_any"))]
            + [(code, language_names(reader, (code,))) for code in ("en", "nb", "nn")],
        ),
        (
            "field",
            [("", reader.plain("filter_any"))] + [(code, cut(audience_name(reader, code), 60)) for code in fields[:60]],
        ),
        ("order", [(name, reader.plain(f"order_{name}")) for name in _ORDERS]),
    )
    now = {"language": chosen.language, "field": chosen.field, "order": chosen.order}
    inside = "".join(_select(reader, name, options, now[name]) for name, options in selects)
    state = f'<input type="hidden" name="state" value="{escape(chosen.state)}">' if chosen.state else ""
    return (
        f'<form class="desk-filters" method="get" action="documents" role="search">{state}<p class="wide">'
        f'<label for="filter-text">{reader.say("filter_text")}</label><input id="filter-text" name="text" '
        f'type="search" dir="auto" value="{escape(chosen.text)}" maxlength="200"></p>{inside}'
        f'<p><button class="desk-quiet" type="submit">{reader.say("filter_show")}</button></p></form>'
    )


def _select(reader: Reader, name: str, options: Sequence[tuple[str, str]], now: str) -> str:
    inside = "".join(
        f'<option value="{escape(value)}"{" selected" if value == now else ""}>{escape(text)}</option>'
        for value, text in options
    )
    return (
        f'<p><label for="filter-{name}">{reader.say(f"filter_{name}")}</label>'
        f'<select id="filter-{name}" name="{name}">{inside}</select></p>'
    )


def _list_address(chosen: Chosen, **changed: object) -> str:
    """Return the address of the list with something else chosen; what is at its default does not stand in it."""
    now: dict[str, object] = {
        "state": chosen.state, "language": chosen.language, "field": chosen.field, "text": chosen.text,
        "order": chosen.order if chosen.order != "title" else "", "place": chosen.place if chosen.place > 1 else None,
    }  # fmt: skip
    return address("documents", **{name: value for name, value in (now | changed).items() if value})


def _turn(reader: Reader, chosen: Chosen, place: int, count: int) -> str:
    """Return the way to the documents before and after; nothing where all are shown."""
    if count <= DOCUMENTS_AT_ONCE:
        return ""
    last = min(place + DOCUMENTS_AT_ONCE - 1, count)
    back = link(_list_address(chosen, place=place - DOCUMENTS_AT_ONCE), reader.say("turn_back")) if place > 1 else ""
    on = link(_list_address(chosen, place=last + 1), reader.say("turn_on")) if last < count else ""
    here = reader.say("documents_shown", first=place, last=last, of=count)
    return f'<nav class="desk-turn" aria-label="{reader.say("turn")}">{back}<span>{here}</span>{on}</nav>'


def _row(reader: Reader, held: Held) -> str:
    """Return one line of the list."""
    metadata = held.metadata
    publisher = f"{foreign(metadata.publisher, 80)} · " if metadata.publisher else ""
    title = (
        f"{link(address('document', id=held.id), foreign(held.title))}<br>"
        f'<small class="desk-soft">{publisher}{foreign(held.id, 100)}</small>'
    )
    state = chip(reader.say(f"state_{held.state}"), _STATE_CHIPS[held.state])
    review = review_chip(reader, metadata) or escape(reader.day(metadata.valid_until or ""))
    cells = (
        ("title", title),
        ("state", f"{state} {status_chip(metadata)}"),
        ("language", languages(reader, (held.language,))),
        ("fields", foreign(fields_of(reader, metadata), 80) if metadata.audience else ""),
        ("review", review),
        ("size", reader.say("count_chunks", count=held.chunks) if held.chunks else ""),
    )
    return "".join(("<tr>", *(_cell(reader, name, inside) for name, inside in cells), "</tr>"))


def _cell(reader: Reader, column: str, inside: str) -> str:
    # On phones the first one is the heading of its row.
    css = {"title": ' class="first"', "review": ' class="tight"', "size": ' class="tight"'}.get(column, "")
    return f'<td{css} data-name="{reader.say(f"column_{column}")}">{inside}</td>'


# ---- One document ----


def document_page(reader: Reader, held: Held, versions: Sequence[HeldVersion], deeds: Sequence[Deed]) -> str:
    """Return what a document is, what can be done with it, its versions and its history."""
    history = _history(reader, held, deeds)
    if held.state == "withdrawn":
        return f"{_chips(reader, held)}{_withdrawn(reader, held)}{history}"
    return (
        f"{_chips(reader, held)}{tabs(reader, held, 'document')}{_state_notice(reader, held)}"
        f'<div class="desk-two"><div>{_facts(reader, held)}{_versions(reader, held, versions)}{history}</div>'
        f"{_acts(reader, held)}</div>"
    )


def tabs(reader: Reader, held: Held, here: str) -> str:
    """Return the ways to the other pages of a document."""
    names = ("document", "document-text", "document-receipt", "document-edit", "document-difference")
    links = "".join(
        f'<a href="{address(name, id=held.id)}"{" aria-current=page" if name == here else ""}>'
        f"{reader.say(f'tab_{name}')}</a>"
        for name in names
    )
    return f'<nav class="desk-tabs" aria-label="{reader.say("tabs_document")}">{links}</nav>'


def _chips(reader: Reader, held: Held) -> str:
    chips = [chip(reader.say(f"state_{held.state}"), _STATE_CHIPS[held.state]), review_chip(reader, held.metadata)]
    chips += [status_chip(held.metadata)]
    if held.state == "published" and not held.embedded:
        chips.append(chip(reader.say("chip_not_embedded"), "quiet"))
    back = link("documents", reader.say("to_documents"))
    return f'<p class="desk-chips">{"".join(chips)}<span class="desk-back">{back}</span></p>'


def _state_notice(reader: Reader, held: Held) -> str:
    if held.state != "unpublished":
        return ""
    since = reader.day(held.since) if held.since else ""
    return notice(f"<p>{reader.say('is_unpublished', date=since)}</p>")


def _withdrawn(reader: Reader, held: Held) -> str:
    """Return what is left of a withdrawn document, and until when it can be brought back."""
    since = reader.day(held.since or "")
    if held.erase_on is None:
        return notice(f"<p>{reader.say('is_erased', date=since)}</p>", "care")
    return notice(f"<p>{reader.say('is_withdrawn', date=since, erase=reader.day(held.erase_on))}</p>", "care")


def _facts(reader: Reader, held: Held) -> str:
    """Return what is known about a document; what nobody has stated is left out."""
    known = held.metadata
    until = "fact_review" if known.is_review_date else "fact_valid_until"
    url = web_address(known.url)
    shown_url = (
        f'<a href="{escape(url)}" rel="noopener noreferrer" target="_blank">{foreign(url, 100)}</a>' if url else ""
    )
    stages = ", ".join(stage_name(reader, code) for code in known.stage)
    pairs = [
        ("fact_publisher", foreign(known.publisher) if known.publisher else ""),
        ("fact_published", escape(reader.day(known.published or ""))),
        ("fact_checked", escape(reader.day(known.checked or ""))),
        (until, escape(reader.day(known.valid_until or ""))),
        ("fact_status", foreign(known.status) if known.status else ""),
        ("fact_languages", languages(reader, (held.language,))),
        ("fact_audience", foreign(fields_of(reader, known)) if known.audience else ""),
        ("fact_stage", foreign(stages) if stages else ""),
        ("fact_url", shown_url),
        ("fact_pages", reader.number(held.pages) if held.pages is not None else ""),
        ("fact_chunks", reader.number(held.chunks)),
        ("fact_read", reader.moment(held.stored_at)),
        ("fact_path", f"<code>{foreign(held.id, 300)}</code>"),
        ("fact_version", f"<code>{escape(held.version[:8])}</code>"),
    ]
    shown = facts((reader.say(name), value) for name, value in pairs if value)
    see = link(receipts.viewer_address(held.id), reader.say("see_as_founder"))
    return f'<section class="desk-part"><h2>{reader.say("facts_title")}</h2>{shown}<p>{see}</p></section>'


def _acts(reader: Reader, held: Held) -> str:
    """Return what can be done with a document: each with what it does to what founders see."""
    one = {"id": held.id}
    acts = [
        ("act_replace", link(address("document-replace", id=held.id), reader.say("act_replace"), "own-act")),
        ("act_edit", link(address("document-edit", id=held.id), reader.say("act_edit"), "own-act")),
    ]
    if web_address(held.metadata.url):
        acts.append(("act_fetch", button(reader, "document-fetch", "act_fetch", one)))
    if held.state == "published":
        acts.append(("act_unpublish", button(reader, "document-unpublish", "act_unpublish", one)))
    else:
        acts.append(("act_republish", button(reader, "document-republish", "act_republish", one, css="own-button")))
    acts.append(
        ("act_withdraw", link(address("document-withdraw", id=held.id), reader.say("act_withdraw"), "desk-danger"))
    )
    rows = "".join(f"<li>{act}<p>{reader.say(f'{word}_what')}</p></li>" for word, act in acts)
    return (
        f'<aside class="desk-aside" aria-labelledby="acts"><h2 id="acts">{reader.say("acts_title")}</h2>'
        f'<ul class="desk-can">{rows}</ul></aside>'
    )


def _versions(reader: Reader, held: Held, versions: Sequence[HeldVersion]) -> str:
    """Return the versions that are kept, with their texts and what changed since."""
    if not versions:
        return ""
    rows = ""
    for each in versions[:VERSIONS_SHOWN]:
        now = chip(reader.say("version_current"), "good") if each.current else ""
        name = reader.say("version_name", version=each.version[:8])
        text = link(address("document-text", id=held.id, version=each.version), reader.say("version_text"))
        since = address("document-difference", id=held.id, version=each.version)
        changed = "" if each.current else link(since, reader.say("version_difference"))
        rows += (
            f"<li><span>{name} {now}</span><span>{reader.moment(each.stored_at)}</span>"
            f'<span class="desk-links">{text} {changed}</span></li>'
        )
    why = f'<p class="desk-help">{reader.say("versions_why")}</p>'
    title = reader.say("versions_title")
    return f'<section class="desk-part"><h2>{title}</h2>{why}<ul class="desk-lines">{rows}</ul></section>'


def _history(reader: Reader, held: Held, deeds: Sequence[Deed]) -> str:
    """Return what was done to a document, newest first, with what can be taken back."""
    if not deeds:
        return ""
    rows = ""
    for deed in deeds:
        undo = (
            button(reader, "document-undo", "undo", {"id": held.id, "deed": deed.id}, about=f"{deed.action} {deed.at}")
            if deed.undoable
            else ""
        )
        detail = f' <span class="desk-soft">{foreign(detail_of(reader, deed), 200)}</span>' if deed.detail else ""
        rows += (
            f"<li><span><b>{reader.say(f'deed_{deed.action}')}</b>{detail}</span>"
            f"<span>{foreign(deed.by, 60)}, {reader.moment(deed.at)}</span><span>{undo}</span></li>"
        )
    return f'<section class="desk-part"><h2>{reader.say("past_title")}</h2><ul class="desk-lines">{rows}</ul></section>'


def detail_of(reader: Reader, deed: Deed) -> str:
    """Return what staff should know besides about a deed: the names of fields that were changed, or a day."""
    if deed.action == "edited":
        names = [
            reader.plain(f"field_{key.strip()}") if key.strip() in _FIELDS else key for key in deed.detail.split(",")
        ]
        return ", ".join(names)
    if deed.action == "withdrawn":
        return reader.plain("deed_erase_on", date=reader.day(deed.detail))
    if deed.action == "undone" and deed.detail in get_args(Action):
        return reader.plain(f"deed_{deed.detail}")
    return deed.detail


_FIELDS = frozenset(
    ("title", "language", "publisher", "published", "checked", "check_again_by", "valid_until", "status", "url",
     "audience", "stage")
)  # fmt: skip


def edit_page(reader: Reader, held: Held, *, typed: Mapping[str, Any] | None = None, problem: str | None = None) -> str:
    """Return the form of what is known about a document."""
    form = metadata_form(
        reader, held.metadata, "document-edit", {"id": held.id}, found_title=held.title, typed=typed, problem=problem
    )
    return f'{tabs(reader, held, "document-edit")}<p class="desk-help">{reader.say("edit_why")}</p>{form}'


def replace_page(reader: Reader, held: Held, limits: UploadLimits) -> str:
    """Return the page that takes a new file for a document."""
    back = link(address("document", id=held.id), reader.say("leave_as_it_is"))
    return (
        f"<h2>{reader.say('act_replace')}</h2>"
        f"<p>{reader.say('replace_why')}</p>{drop(reader, limits, replaces=held.id)}"
        f'<p class="desk-acts">{back}</p>'
    )


def withdraw_page(reader: Reader, held: Held, *, typed: str = "", problem: str = "") -> str:
    """Return the page that asks whether a document is to be taken out for good: what happens, and what stays."""
    points = "".join(f"<li>{reader.say(f'withdraw_{point}')}</li>" for point in ("at_once", "later", "stays", "other"))
    wrong = notice(f'<p id="problem" role="alert">{foreign(problem, 600)}</p>', "care") if problem else ""
    described = ' aria-invalid="true" aria-describedby="problem"' if problem else ""
    rest = link(address("document", id=held.id), reader.say("leave_as_it_is"), "own-act")
    return (
        f'<h2>{reader.say("withdraw_title")}</h2><ul class="desk-list">{points}</ul>{wrong}'
        f'<form class="desk-form" method="post" action="document-withdraw">{hidden({"id": held.id}, reader)}'
        f'<p class="desk-field wide"><label for="title">{reader.say("withdraw_type")} '
        f'<strong class="desk-phrase">{foreign(confirmation(held), LONGEST_NAME)}</strong></label>'
        f'<input id="title" name="title" type="text" dir="auto" value="{escape(typed)}" autocomplete="off" '
        f'spellcheck="false" required{described}></p>'
        f'<p class="desk-acts"><button class="desk-danger" type="submit">{reader.say("withdraw_now")}</button>{rest}'
        "</p></form>"
    )


def confirmation(held: Held) -> str:
    """Return what is typed to confirm that a document goes: its title, or the first words of one that is long.

    A title of which nothing can be seen is confirmed by the document's path.
    """
    seen_words = _visible(held.title).split()
    if not seen_words:
        return held.id
    whole = " ".join(seen_words)
    if len(whole) <= LONGEST_CONFIRMATION:
        return whole
    return " ".join(seen_words[:WORDS_OF_CONFIRMATION])[:LONGEST_CONFIRMATION].strip()


def _is_same(typed: str, wanted: str) -> bool:
    """Return whether two texts look the same: case, spaces and what cannot be seen make no difference."""
    one, other = (
        unicodedata.normalize("NFKC", " ".join(_visible(text).split())).casefold() for text in (typed, wanted)
    )
    return one == other


def _visible(text: str) -> str:
    """Return a text without characters that nobody sees or can type, such as marks of direction."""
    return "".join(one for one in text if unicodedata.category(one)[0] != "C" or one in "\t\n ")
