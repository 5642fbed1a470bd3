"""Documents on their way in: the page that takes files and links, the list of drafts, and the page of each.

`GET add`, `GET drafts`, `GET draft?id=`, `GET draft-text?id=&page=`; `GET reading` is how far the reading is, as JSON,
for our script. `POST upload` takes files (a form, or one file from our script, which gets JSON), and `POST draft-...`
changes one draft. What founders see changes with `draft-publish` and `drafts-publish` alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import fastapi
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse, Response

from assistant.desk import Draft, Drafts, Held, Reading, Shelf
from assistant.domain import Answer, DocumentReport
from assistant.errors import AssistantError
from assistant.web import staff_receipts as receipts
from assistant.web.pages import language_of
from assistant.web.rendering import escape
from assistant.web.staff_access import Form, Notice, Session, form_of
from assistant.web.staff_forms import (
    LONGEST_NAME,
    Reader,
    address,
    button,
    changed_values,
    chip,
    cut,
    facts,
    foreign,
    hidden,
    link,
    metadata_form,
    notice,
    seen,
    sentence,
    typed_values,
)
from assistant.web.staff_frame import READ, page, see_other
from assistant.web.staff_uploads import ReceivedFile, UploadLimits, UploadRefused, receive

logger = logging.getLogger(__name__)

ACCEPTED = ".pdf,.docx,.pptx,.html,.htm,.md,.markdown,.txt,.zip"
# The same as for a founder's question.
LONGEST_QUESTION = 2000
MANY = ("audience", "stage")
_STATE_CHIPS = {"waiting": "quiet", "reading": "quiet", "ready": "good", "failed": "care"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file that was sent: drafts, or the sentence that says why there is none."""

    name: str
    drafts: tuple[Draft, ...] = ()
    sentence: str = ""


def reader_of(request: fastapi.Request, today: Callable[[], date]) -> Reader:
    """Return whom a page is made for: the session of a request that has come in by the door."""
    session: Session = request.state.session
    return Reader(language_of(request), session.form_token, today())


def add_drafts(
    router: fastapi.APIRouter,
    drafts: Drafts,
    shelf: Shelf,
    *,
    folder: Path,
    limits: UploadLimits,
    today: Callable[[], date],
) -> None:
    """Add the pages and forms of documents on their way in to the router of the desk.

    Args:
        folder: Where files lie while they are sent; what a stop of the server left there may be deleted at the start.
    """
    _add_pages(router, drafts, shelf, limits, today)
    _add_sending(router, drafts, folder, limits, today)
    _add_changes(router, drafts, shelf, limits, today)
    _add_publishing(router, drafts, today)


def _add_pages(
    router: fastapi.APIRouter, drafts: Drafts, shelf: Shelf, limits: UploadLimits, today: Callable[[], date]
) -> None:
    @router.api_route("/add", methods=READ)
    def add(request: fastapi.Request) -> HTMLResponse:
        reader = reader_of(request, today)
        body = add_page(reader, limits, waiting=len(drafts.all()))
        return page(request, reader.plain("add_title"), body, section="add", script=True)

    @router.api_route("/drafts", methods=READ)
    def all_drafts(request: fastapi.Request) -> HTMLResponse:
        reader = reader_of(request, today)
        body = drafts_page(reader, drafts.all(), drafts.reading())
        return page(request, reader.plain("drafts_title"), body, section="add", script=True)

    @router.api_route("/draft", methods=READ)
    def one_draft(request: fastapi.Request, id: str = "", question: str = "") -> Response:
        draft = drafts.get(id)
        if draft is None:
            return gone(request, today, "draft_gone")
        return _show(request, drafts, shelf, draft, reader_of(request, today), limits, question=question)

    @router.api_route("/draft-text", methods=READ)
    def text(
        request: fastapi.Request, id: str = "", page_: Annotated[str, fastapi.Query(alias="page")] = ""
    ) -> Response:
        draft = drafts.get(id)
        shown = drafts.preview(id) if draft else None
        if draft is None or shown is None:
            return gone(request, today, "draft_gone" if draft is None else "draft_no_text")
        reader = reader_of(request, today)
        body = tabs(reader, draft, "draft-text") + receipts.preview(reader, shown, page_, "draft-text", id=id)
        return page(request, cut(draft.title, LONGEST_NAME), body, section="add")

    @router.api_route("/reading", methods=READ)
    def reading(request: fastapi.Request) -> JSONResponse:
        found, reader = drafts.all(), reader_of(request, today)
        return JSONResponse(reading_values(reader, found, drafts.reading()))


def _add_sending(
    router: fastapi.APIRouter, drafts: Drafts, folder: Path, limits: UploadLimits, today: Callable[[], date]
) -> None:
    @router.post("/upload")
    async def upload(request: fastapi.Request) -> Response:
        reader, session = reader_of(request, today), request.state.session
        as_json = request.headers.get("accept", "").startswith("application/json")
        try:
            received = await receive(request, folder, limits)
        except UploadRefused as refused:
            why = Outcome("", sentence=_refusal(reader, refused.word, limits))
            return _sent(request, reader, [why], as_json, refused.status)
        # Asked in the address: our script knows it before a file, and a form without one knows it too.
        replaces, instead = (request.query_params.get(name) or None for name in ("replaces", "instead"))
        outcomes = [
            await run_in_threadpool(_take, drafts, reader, file, session.name, replaces, instead, limits)
            for file in received.files
        ]
        if not outcomes:
            outcomes, status = [Outcome("", sentence=reader.plain("upload_nothing"))], 422
        else:
            status = 200 if all(outcome.drafts for outcome in outcomes) else 422
        return _sent(request, reader, outcomes, as_json, status)

    @router.post("/add-link")
    def add_link(request: fastapi.Request) -> Response:
        form, session, reader = form_of(request), request.state.session, reader_of(request, today)
        url = form.text("url")
        try:
            draft = drafts.add_link(url, by=session.name, replaces=form.text("replaces") or None)
        except AssistantError as error:
            body = add_page(reader, limits, waiting=len(drafts.all()), url=url, link_problem=str(error))
            return page(request, reader.plain("add_title"), body, section="add", script=True, status=422)
        return see_other(request, "/draft", reader.plain("link_added"), id=draft.id)


def _add_changes(
    router: fastapi.APIRouter, drafts: Drafts, shelf: Shelf, limits: UploadLimits, today: Callable[[], date]
) -> None:
    @router.post("/draft-describe")
    def describe(request: fastapi.Request) -> Response:
        form, reader = form_of(request), reader_of(request, today)
        draft = drafts.get(form.text("id"))
        if draft is None:
            return gone(request, today, "draft_gone")
        typed = typed_form(form)
        changed = changed_values(draft.metadata, typed)
        if form.text("seen") != seen(draft.metadata):
            problem = reader.plain("changed_meanwhile")
            return _show(request, drafts, shelf, draft, reader, limits, typed=typed, problem=problem)
        if not changed:
            return see_other(request, "/draft", reader.plain("nothing_changed"), id=draft.id)
        try:
            drafts.describe(draft.id, changed, by=request.state.session.name)
        except AssistantError as error:
            return _show(request, drafts, shelf, draft, reader, limits, typed=typed, problem=str(error))
        return see_other(request, "/draft", reader.plain("metadata_saved"), id=draft.id)

    @router.post("/draft-version")
    def version(request: fastapi.Request) -> Response:
        form, reader = form_of(request), reader_of(request, today)
        document = form.text("document") or None
        draft = drafts.make_version_of(form.text("id"), document, by=request.state.session.name)
        said = reader.plain("made_version" if document else "made_own")
        return see_other(request, "/draft", said, id=draft.id)

    @router.post("/draft-discard")
    def discard(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        draft = drafts.get(form_of(request).text("id"))
        if draft is None:
            return gone(request, today, "draft_gone")
        drafts.discard(draft.id, by=request.state.session.name)
        return see_other(request, "/drafts", reader.plain("draft_discarded", name=cut(draft.title, 80)))


def _add_publishing(router: fastapi.APIRouter, drafts: Drafts, today: Callable[[], date]) -> None:
    @router.post("/draft-publish")
    def publish(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        draft = drafts.get(form_of(request).text("id"))
        if draft is None:
            return see_other(request, "/drafts", reader.plain("draft_gone"), kind="problem")
        report = drafts.publish(draft.id, by=request.state.session.name)
        if report.change == "failed":
            return see_other(request, "/draft", _why(report), kind="problem", id=draft.id)
        said = "published_new_version" if draft.replaces else "published"
        return see_other(request, "/document", reader.plain(said), id=report.document)

    @router.post("/drafts-publish")
    def publish_chosen(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        form, name = form_of(request), request.state.session.name
        chosen = [draft for draft in map(drafts.get, form.texts("id")) if draft is not None]
        done = 0
        for draft in chosen:
            try:
                if "discard" in form:
                    drafts.discard(draft.id, by=name)
                else:
                    report = drafts.publish(draft.id, by=name)
                    if report.change == "failed":
                        raise AssistantError(_why(report))
                done += 1
            except AssistantError as error:
                tell(request, f"{cut(draft.title, 80)}: {error}")
        if not chosen:
            return see_other(request, "/drafts", reader.plain("none_chosen"), kind="problem")
        said = reader.plain("discarded_many" if "discard" in form else "published_many", count=done) if done else ""
        return see_other(request, "/drafts", said)


def tell(request: fastapi.Request, problem: str) -> None:
    """Let the next page of a session say what did not work."""
    session: Session = request.state.session
    session.notices.append(Notice(problem, "problem"))


def _why(report: DocumentReport) -> str:
    return f"{sentence(report.reason or '')} {sentence(report.remedy or '')}"


def gone(request: fastapi.Request, today: Callable[[], date], word: str, section: str = "add") -> HTMLResponse:
    """Return the page for a draft or a document that is not there: what may have happened, and where to go on."""
    reader = reader_of(request, today)
    to = link(section if section != "add" else "drafts", reader.say(f"to_{section}"))
    body = f'<p class="own-lead">{reader.say(word)}</p><p>{to}</p>'
    return page(request, reader.plain("gone_title"), body, section=section, status=404)


def typed_form(form: Form) -> dict[str, Any]:
    """Return what the form of metadata brought."""
    texts = {name: form.text(name) for name in ("title", "publisher", "language", "url", "status")}
    days = {name: form.text(name) for name in ("published", "checked", "check_again_by", "valid_until")}
    return typed_values(texts | days, {name: form.texts(name) for name in MANY})


def _take(
    drafts: Drafts,
    reader: Reader,
    file: ReceivedFile,
    by: str,
    replaces: str | None,
    instead: str | None,
    limits: UploadLimits,
) -> Outcome:
    """Hand one file over, and take away what nobody took."""
    if file.path is None:
        return Outcome(file.name, sentence=_refusal(reader, f"upload_{file.refusal}", limits))
    try:
        old = drafts.get(instead) if instead else None
        made = drafts.add(file.name, file.path, by=by, replaces=replaces or (old.replaces if old else None))
        if old:
            drafts.discard(old.id, by=by)
        return Outcome(file.name, tuple(made))
    except AssistantError as error:
        return Outcome(file.name, sentence=str(error))
    finally:
        file.path.unlink(missing_ok=True)


def _sent(
    request: fastapi.Request, reader: Reader, outcomes: Sequence[Outcome], as_json: bool, status: int
) -> Response:
    """Return what became of what was sent: for our script, or the way to the draft or to all drafts."""
    made = [draft for outcome in outcomes for draft in outcome.drafts]
    failed = [outcome for outcome in outcomes if not outcome.drafts]
    if as_json:
        values = {"drafts": [draft_values(reader, draft) for draft in made], "error": " ".join(
            outcome.sentence for outcome in failed
        )}  # fmt: skip
        return JSONResponse(values, status)
    for outcome in failed:
        name = f"{cut(outcome.name, 80)}: " if outcome.name else ""
        tell(request, f"{name}{outcome.sentence}")
    said = reader.plain("files_added", count=len(made)) if made else ""
    if len(made) == 1 and not failed:
        return see_other(request, "/draft", said, id=made[0].id)
    return see_other(request, "/drafts" if made else "/add", said)


def _refusal(reader: Reader, word: str, limits: UploadLimits) -> str:
    megabytes = limits.file_bytes // 1_000_000
    return reader.plain(word, megabytes=megabytes, total=limits.request_bytes // 1_000_000, files=limits.files)


def _show(
    request: fastapi.Request,
    drafts: Drafts,
    shelf: Shelf,
    draft: Draft,
    reader: Reader,
    limits: UploadLimits,
    *,
    question: str = "",
    typed: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> HTMLResponse:
    """Return the page of a draft, with the answer to a test question where one was asked."""
    answer: Answer | str | None = None
    asked = question.strip()[:LONGEST_QUESTION]
    if asked and draft.state == "ready":
        try:
            answer = drafts.ask(draft.id, asked)
        except AssistantError as error:
            answer = str(error)
    replaced = shelf.get(draft.replaces) if draft.replaces else None
    body = draft_page(
        reader, draft, drafts.reading(), limits, replaced=replaced, question=asked, answer=answer, typed=typed,
        problem=problem,
    )  # fmt: skip
    title = cut(draft.title, LONGEST_NAME)
    return page(request, title, body, section="add", script=True, status=422 if problem else 200)


# ---- Adding ----


def add_page(reader: Reader, limits: UploadLimits, *, waiting: int, url: str = "", link_problem: str = "") -> str:
    """Return the page that takes files and links.

    Args:
        waiting: How many drafts there are already.
        url: What was typed as a link and could not be fetched, with why.
    """
    wrong = notice(f'<p id="url-problem">{foreign(link_problem, 600)}</p>', "care") if link_problem else ""
    described = f'aria-describedby="{"url-problem " if link_problem else ""}url-help"'
    invalid = ' aria-invalid="true"' if link_problem else ""
    there = link("drafts", reader.say("drafts_waiting", count=waiting)) if waiting else ""
    steps = "".join(f"<li>{reader.say(f'add_step_{number}')}</li>" for number in (1, 2, 3))
    return (
        f'<p class="own-lead">{reader.say("add_lead")} {there}</p>{drop(reader, limits)}'
        f'<section class="desk-part" aria-labelledby="link-title"><h2 id="link-title">{reader.say("link_title")}</h2>'
        f'{wrong}<form method="post" action="add-link">{hidden({}, reader)}'
        f'<label for="url">{reader.say("link_label")}</label>'
        f'<div class="desk-row"><input id="url" name="url" type="text" inputmode="url" value="{escape(url)}" required '
        f'maxlength="2000" placeholder="https://" autocomplete="off" spellcheck="false" '
        f"{described}{invalid}>"
        f'<button class="own-button" type="submit">{reader.say("link_fetch")}</button></div>'
        f'<span class="desk-help" id="url-help">{reader.say("link_help")}</span></form></section>'
        f'<section class="desk-part"><h2>{reader.say("add_then")}</h2><ol class="desk-steps">{steps}</ol></section>'
    )


def drop(reader: Reader, limits: UploadLimits, *, replaces: str | None = None, instead: str | None = None) -> str:
    """Return the area that takes files: a form that works by itself, and better with our script.

    Args:
        replaces: The document that the file is a new version of; then it is one file.
        instead: The draft that the file takes the place of; then too.
    """
    single = replaces is not None or instead is not None
    # The body is not read before it is known who sends it.
    action = address("upload", token=reader.token, replaces=replaces, instead=instead)
    words = (
        "sending",
        "read_next",
        "not_sent",
        "stop_leaving",
        "skipped_files",
        "left_in_line",
        "to_draft",
        "all_sent",
    )
    said = "".join(f'<span data-say="{word}">{reader.say(f"script_{word}")}</span>' for word in words)
    limit = reader.say("upload_limits", megabytes=limits.file_bytes // 1_000_000, files=limits.files)
    one = reader.say("upload_limit_one", megabytes=limits.file_bytes // 1_000_000)
    folder = (
        ""
        if single
        else '<span class="desk-pick with-script"><input class="desk-file" id="folder" type="file" webkitdirectory '
        f'multiple><label class="own-act" for="folder">{reader.say("choose_folder")}</label></span>'
    )
    large = escape(_refusal(reader, "upload_file_too_large", limits))
    title = reader.say("drop_title_one" if single else "drop_title")
    name = reader.say("choose_file" if single else "choose_files")
    # What a browser fills in again after a reload was chosen before: it would be sent a second time.
    return (
        f'<form class="desk-drop" id="upload" method="post" enctype="multipart/form-data" action="{action}" '
        f'autocomplete="off" data-most="{limits.file_bytes}"{" data-single" if single else ""}>'
        f'<p class="desk-drop-title with-script">{title}</p>'
        f'<p class="desk-picks"><span class="desk-pick"><input class="desk-file" id="files" name="file" type="file" '
        f'accept="{ACCEPTED}"{"" if single else " multiple"} required aria-describedby="upload-help">'
        f'<label class="own-button" for="files">{name}</label></span>{folder}</p>'
        f'<p class="without-script"><button class="own-button" type="submit">{reader.say("send_files")}</button></p>'
        f'<p class="desk-help" id="upload-help">{reader.say("upload_formats")} {one if single else limit}</p>'
        f'<div hidden id="say" data-large="{large}">{said}</div></form>'
        f'<section id="sent" hidden aria-labelledby="sent-title"><h2 id="sent-title">{reader.say("sent_title")}</h2>'
        f'<p id="sent-line" role="status"></p><ul class="desk-sent" id="sent-files"></ul>'
        f'<p class="desk-acts">{link("drafts", reader.say("to_drafts"), "own-button")}</p></section>'
    )


# ---- All drafts ----


def drafts_page(reader: Reader, found: Sequence[Draft], reading: Reading) -> str:
    """Return the list of drafts; those that are ready can be chosen and published together."""
    if not found:
        lead = f'<p class="own-lead">{reader.say("drafts_none")}</p>'
        return f"{lead}<p>{link('add', reader.say('to_adding'), 'own-button')}</p>"
    ready = [draft for draft in found if draft.state == "ready"]
    rows = "".join(_row(reader, draft) for draft in found)
    columns = ("choose", "draft_title", "state", "draft_found", "draft_added")
    head = "".join(f'<th scope="col">{reader.say(f"column_{name}")}</th>' for name in columns)
    acts = (
        f'<div class="desk-acts"><button class="own-button" type="submit">{reader.say("publish_chosen")}</button>'
        f'<button class="desk-quiet" type="submit" name="discard" value="1">{reader.say("discard_chosen")}</button>'
        "</div>"
        f'<p class="desk-help">{reader.say("publish_chosen_help")}</p>'
        if ready
        else ""
    )
    return (
        f'<p class="own-lead">{reader.say("drafts_lead")} {link("add", reader.say("to_adding"))}</p>'
        f"{reading_line(reader, found, reading)}"
        f'<form method="post" action="drafts-publish">{hidden({}, reader)}<div class="desk-table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{acts}</form>"
    )


def _row(reader: Reader, draft: Draft) -> str:
    """Return one line of the list."""
    found = draft.receipt
    if draft.state == "ready":
        box = (
            f'<input type="checkbox" name="id" value="{escape(draft.id)}" '
            f'aria-label="{reader.say("choose_draft", title=cut(draft.title, LONGEST_NAME))}">'
        )
    else:
        box = ""
    said = ""
    if found:
        pages = reader.say("count_pages", count=found.pages) + ", " if found.pages is not None else ""
        said = f"{pages}{reader.say('count_chunks', count=found.chunks)}"
        said += f"<br>{chip(reader.say('chip_problems', count=len(found.problems)), 'care')}" if found.problems else ""
        said += f" {chip(reader.say('chip_twin'), 'care')}" if _others(draft) else ""
    elif draft.problem:
        said = foreign(sentence(draft.problem.reason), 160)
    replaces = f"<br>{chip(reader.say('chip_replaces'))}" if draft.replaces else ""
    name = f'<br><small class="desk-soft">{foreign(draft.name, 80)}</small>' if draft.name != draft.title else ""
    title = link(address("draft", id=draft.id), foreign(draft.title))
    added = f'{foreign(draft.added_by, 60)}<br><small class="desk-soft">{reader.moment(draft.added_at)}</small>'
    cells = (
        ("choose", box),
        ("draft_title", f"{title}{name}"),
        ("state", f"{state_chip(reader, draft)}{replaces}"),
        ("draft_found", said),
        ("draft_added", added),
    )
    return f"<tr>{''.join(_cell(reader, name, inside) for name, inside in cells)}</tr>"


def _cell(reader: Reader, column: str, inside: str) -> str:
    css = {"choose": "choose", "draft_title": "first", "draft_found": ""}.get(column, "tight")
    return f'<td class="{css}" data-name="{reader.say(f"column_{column}")}">{inside}</td>'


def state_chip(reader: Reader, draft: Draft) -> str:
    """Return the state of a draft as a chip."""
    return chip(reader.say(f"draft_{draft.state}"), _STATE_CHIPS[draft.state])


def reading_line(reader: Reader, found: Sequence[Draft], reading: Reading) -> str:
    """Return how far the reading is, for people and for our script, which loads the page again when a state changes."""
    watched = " ".join(f"{draft.id}:{draft.state}" for draft in found)
    hidden_now = "" if reading.done < reading.total else " hidden"
    return (
        f'<div class="desk-reading" id="reading" data-watch="{escape(watched)}"{hidden_now}><p role="status">'
        f'{escape(reading_words(reader, reading))}</p><progress max="{max(reading.total, 1)}" value="{reading.done}" '
        f'aria-label="{reader.say("reading_progress")}"></progress></div>'
    )


def reading_words(reader: Reader, reading: Reading) -> str:
    """Return how far the reading is in one sentence, with the time left where it is known."""
    if reading.done >= reading.total:
        return reader.plain("reading_done")
    place = min(reading.done + 1, reading.total)
    said = reader.plain("reading_now", place=place, total=reading.total)
    left = time_left(reader, reading.seconds_left)
    return f"{said} {left}" if left else said


def time_left(reader: Reader, seconds: float | None) -> str:
    """Return about how long it still takes; empty while nobody knows."""
    if seconds is None:
        return ""
    if seconds < 60:
        return reader.plain("left_seconds", seconds=max(5, -(-int(seconds) // 5) * 5))
    return reader.plain("left_minutes", count=-(-int(seconds) // 60))


def reading_values(reader: Reader, found: Sequence[Draft], reading: Reading) -> dict[str, Any]:
    """Return how far the reading is as plain values for our script, in the words that it shows."""
    return {
        "done": reading.done,
        "total": reading.total,
        "sentence": reading_words(reader, reading),
        "drafts": [draft_values(reader, draft) for draft in found],
    }


def draft_values(reader: Reader, draft: Draft) -> dict[str, Any]:
    """Return a draft as plain values for our script: its address, and what to say of it."""
    said = reader.plain(f"draft_{draft.state}")
    if draft.problem:
        said = f"{said}: {sentence(cut(draft.problem.reason, 200))} {sentence(cut(draft.problem.remedy, 200))}"
    elif draft.receipt and draft.state == "ready":
        said = reader.plain("draft_ready_with", count=len(draft.receipt.problems)) if draft.receipt.problems else said
    return {
        "id": draft.id,
        "title": cut(draft.title, LONGEST_NAME),
        "state": draft.state,
        "says": said,
        "href": f"draft?id={draft.id}",
    }


# ---- One draft ----


def draft_page(
    reader: Reader,
    draft: Draft,
    reading: Reading,
    limits: UploadLimits,
    *,
    replaced: Held | None = None,
    question: str = "",
    answer: Answer | str | None = None,
    typed: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> str:
    """Return the page of a draft.

    Args:
        replaced: The document that it is a new version of.
        answer: What the draft says on `question`, or the sentence that says why nothing was asked.
        typed: What was typed as metadata and could not be kept, and `problem` why.
    """
    head = _draft_head(reader, draft, replaced)
    if draft.state in ("waiting", "reading"):
        lead = f"<p>{reader.say('draft_is_read')}</p>"
        again = link(address("draft", id=draft.id), reader.say("look_again"), "own-act")
        return f"{head}{reading_line(reader, [draft], reading)}{lead}<p>{again}</p>{_discard(reader, draft)}"
    if draft.state == "failed":
        return head + _failed(reader, draft, limits, typed, problem)
    form = metadata_form(
        reader,
        draft.metadata,
        "draft-describe",
        {"id": draft.id},
        found_title=draft.title,
        typed=typed,
        problem=problem,
    )
    found = receipts.receipt(reader, draft.receipt, "draft-text", draft.id) if draft.receipt else ""
    twins = receipts.twins(reader, draft.receipt.twins, draft.id, draft.replaces) if draft.receipt else ""
    return (
        f"{head}{tabs(reader, draft, 'draft')}{twins}{_replaces(reader, draft, replaced)}"
        f'<div class="desk-two"><div><section class="desk-part" aria-labelledby="receipt">'
        f'<h2 id="receipt">{reader.say("receipt_title")}</h2>{found}</section>'
        f"{_ask(reader, draft, question, answer)}"
        f'<section class="desk-part" aria-labelledby="details"><h2 id="details">{reader.say("metadata_title")}</h2>'
        f'<p class="desk-help">{reader.say("metadata_why")}</p>{form}</section></div>'
        f"{_publishing(reader, draft, replaced)}</div>"
    )


def tabs(reader: Reader, draft: Draft, here: str) -> str:
    """Return the ways to the other pages of a draft."""
    pages = [("draft", address("draft", id=draft.id)), ("draft-text", address("draft-text", id=draft.id))]
    if draft.replaces:
        pages.append(("document-difference", address("document-difference", id=draft.replaces, draft=draft.id)))
    links = "".join(
        f'<a href="{href}"{" aria-current=page" if name == here else ""}>{reader.say(f"tab_{name}")}</a>'
        for name, href in pages
    )
    return f'<nav class="desk-tabs" aria-label="{reader.say("tabs_draft")}">{links}</nav>'


def _draft_head(reader: Reader, draft: Draft, replaced: Held | None) -> str:
    """Return what a draft is: its state, its file, who added it, and where it will stand."""
    pairs = [
        (reader.say("fact_file"), foreign(draft.name)),
        (reader.say("fact_stands"), f"<code>{foreign(draft.document)}</code>"),
        (reader.say("fact_added"), f"{foreign(draft.added_by, 60)}, {reader.moment(draft.added_at)}"),
    ]
    if draft.source_url:
        pairs.append((reader.say("fact_fetched"), foreign(draft.source_url)))
    chips = [chip(reader.say("chip_draft")), state_chip(reader, draft)]
    chips += [chip(reader.say("chip_replaces"))] if replaced else []
    back = link("drafts", reader.say("to_drafts"))
    return f'<p class="desk-chips">{"".join(chips)}<span class="desk-back">{back}</span></p>{facts(pairs)}'


def _failed(
    reader: Reader, draft: Draft, limits: UploadLimits, typed: Mapping[str, Any] | None, problem: str | None
) -> str:
    """Return why a draft cannot be read, and the way to send another file in its place."""
    found = [draft.problem] if draft.problem else []
    title, why = reader.say("draft_failed_why"), receipts.problems(reader, found)
    # What was written about the document may be what is wrong with it.
    form = metadata_form(
        reader,
        draft.metadata,
        "draft-describe",
        {"id": draft.id},
        found_title=draft.title,
        typed=typed,
        problem=problem,
    )
    return (
        f"{notice(f'<p><strong>{title}</strong></p>', 'care')}{why}"
        f'<section class="desk-part"><h2>{reader.say("replace_file")}</h2><p class="desk-help">'
        f"{reader.say('replace_file_help')}</p>{drop(reader, limits, instead=draft.id)}</section>"
        f'<details class="desk-more"><summary>{reader.say("metadata_title")}</summary>{form}</details>'
        f"{_discard(reader, draft)}"
    )


def _replaces(reader: Reader, draft: Draft, replaced: Held | None) -> str:
    """Return which document a draft is a new version of, with the way to what changes."""
    if draft.replaces is None:
        return ""
    title = link(address("document", id=draft.replaces), foreign(replaced.title if replaced else draft.replaces))
    href = address("document-difference", id=draft.replaces, draft=draft.id)
    own = button(reader, "draft-version", "make_own", {"id": draft.id, "document": ""})
    return notice(
        f"<p><strong>{reader.say('replaces_title')}</strong> {title}. {reader.say('replaces_why')}</p>"
        f'<div class="desk-acts">{link(href, reader.say("see_difference"), "own-act")}{own}</div>'
    )


def _ask(reader: Reader, draft: Draft, question: str, answer: Answer | str | None) -> str:
    """Return the box that asks this draft alone, with what it says."""
    said = ""
    if isinstance(answer, str):
        said = notice(f"<p>{foreign(answer, 600)}</p>", "care")
    elif answer is not None:
        paragraphs = "".join(f"<p>{escape(line)}</p>" for line in answer.text.split("\n") if line.strip())
        found = [(each.number, each.quote, each.page, each.heading) for each in answer.citations]
        word = (
            "ask_not_answered" if answer.abstained else "ask_partly" if answer.outcome == "partly" else "ask_answered"
        )
        said = (
            f'<p class="desk-verdict">{reader.say(word)}</p><div class="desk-said" dir="auto" lang="{answer.language}">'
            f"{paragraphs}</div>{receipts.quotes(reader, found)}"
        )
    shown = f'<div class="desk-answer" id="answer" role="status">{said}</div>' if said else ""
    return (
        f'<section class="desk-part" id="test" aria-labelledby="test-title">'
        f'<h2 id="test-title">{reader.say("ask_title")}</h2><form class="desk-ask" method="get" action="draft#test">'
        f'<input type="hidden" name="id" value="{escape(draft.id)}">'
        f'<label for="question">{reader.say("ask_label")}</label><div class="desk-row">'
        f'<input id="question" name="question" type="text" dir="auto" maxlength="{LONGEST_QUESTION}" required '
        f'value="{escape(question)}" autocomplete="off" aria-describedby="ask-help"><button class="own-button" '
        f'type="submit">{reader.say("ask_button")}</button></div>'
        f'<span class="desk-help" id="ask-help">{reader.say("ask_help")}</span></form>{shown}</section>'
    )


def _publishing(reader: Reader, draft: Draft, replaced: Held | None) -> str:
    """Return the side of the page on which a draft is published or thrown away, with what will happen."""
    what = "publish_replaces" if draft.replaces else "publish_what"
    word = "publish_version" if draft.replaces else "publish_all_the_same" if _others(draft) else "publish"
    checks = _checklist(reader, draft)
    return (
        f'<aside class="desk-aside" aria-labelledby="publishing"><h2 id="publishing">{reader.say("publish_title")}</h2>'
        f"{checks}<p>{reader.say(what, title=cut(replaced.title, 80) if replaced else '')}</p>"
        f"{button(reader, 'draft-publish', word, {'id': draft.id}, css='own-button')}{_discard(reader, draft)}</aside>"
    )


def _checklist(reader: Reader, draft: Draft) -> str:
    """Return what to look at before publishing, each ticked off or not."""
    found = draft.receipt
    looks = [
        ("check_problems", not (found and found.problems)),
        ("check_twins", not _others(draft)),
        ("check_review", bool(draft.metadata.valid_until)),
        ("check_publisher", bool(draft.metadata.publisher)),
    ]
    rows = "".join(
        f'<li class="{"good" if fine else "care"}">{reader.say(word + ("_yes" if fine else "_no"))}</li>'
        for word, fine in looks
    )
    return f'<ul class="desk-checks">{rows}</ul>'


def _discard(reader: Reader, draft: Draft) -> str:
    done = button(reader, "draft-discard", "discard", {"id": draft.id})
    return f'<div class="desk-discard"><p class="desk-help">{reader.say("discard_what")}</p>{done}</div>'


def _others(draft: Draft) -> bool:
    """Return whether another document says the same as a draft, besides the one that it replaces."""
    return bool(draft.receipt) and any(twin.document != draft.replaces for twin in draft.receipt.twins)  # type: ignore[union-attr]
