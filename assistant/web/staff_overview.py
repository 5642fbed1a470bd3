"""The desk's first page, documents that need a look, the history, and upkeep: the doctor and backups.

The pages are made by pure functions from the nouns of `desk`; titles, names and sentences of others are escaped.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, cast

import fastapi
from fastapi.responses import Response, StreamingResponse

from assistant.desk import CheckReport, Deed, Draft, Gap, HealthLine, Held, Reading, Staff
from assistant.web.rendering import escape
from assistant.web.staff_access import SignedIn, form_of
from assistant.web.staff_board import is_answered
from assistant.web.staff_documents import detail_of
from assistant.web.staff_forms import Reader, address, button, chip, cut, foreign, hidden, link
from assistant.web.staff_frame import READ, desk_router, page, reader_of, see_other

# The most urgent first, as the page shows them.
HEALTH_KINDS = ("out_of_date", "review_past", "review_near", "not_approved", "no_translation", "never_cited")
# What is wrong today; the others are for a quiet hour.
_URGENT = ("out_of_date", "review_past")
_DATED = (*_URGENT, "review_near")
# More of one kind are shown on demand.
_HEALTH_SHOWN = 12
_GAPS_SHOWN, _DEEDS_SHOWN, _DIFFERENCES_SHOWN = 3, 5, 200
_BACKUP_PARTS, _BACKUP_PATIENCE = 16, 600.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What the doctor found last, and when: a moment in UTC to the minute."""

    report: CheckReport
    at: str


class Doctor:
    """The last check, kept until the process ends; one runs at a time."""

    def __init__(self) -> None:
        self.last: Checked | None = None
        self._running = threading.Lock()

    def run(self, look: Callable[[], CheckReport]) -> CheckReport | None:
        """Look now and keep what was found; None while another look is under way."""
        if not self._running.acquire(blocking=False):
            return None
        try:
            report = look()
        finally:
            self._running.release()
        self.last = Checked(report, datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"))
        return report


def overview_router(staff: Staff, today: Callable[[], date] = date.today) -> fastapi.APIRouter:
    """Return the routes of the first page, health, history and upkeep."""
    router = desk_router()
    doctor = Doctor()

    @router.api_route("/today", methods=READ)
    def first(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        now = Now(
            staff.shelf.all(), staff.drafts.all(), staff.drafts.reading(), staff.gaps.board(), staff.upkeep.health(),
            staff.shelf.history(limit=_DEEDS_SHOWN), doctor.last,
        )  # fmt: skip
        return page(request, reader.plain("today_title"), today_body(reader, now), section="today")

    @router.api_route("/health", methods=READ)
    def health(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        return page(request, reader.plain("health_title"), health_body(reader, staff.upkeep.health()), section="health")

    @router.api_route("/history", methods=READ)
    def history(request: fastapi.Request, document: str = "") -> Response:
        reader = reader_of(request, today)
        deeds = staff.shelf.history(document or None)
        title = reader.plain("history_title")
        if document:
            title = reader.plain("history_of", title=cut(deeds[0].title if deeds else document, 120))
        return page(request, title, history_body(reader, deeds, document), section="history")

    @router.post("/history/undo")
    def undo(request: fastapi.Request, session: SignedIn) -> Response:
        reader, form = reader_of(request, today), form_of(request)
        deed = staff.shelf.undo((form.numbers("deed") or (0,))[0], by=session.name)
        said = reader.plain("history_undone", title=deed.title)
        return see_other(request, "/history", said, document=form.text("document") or None)

    @router.api_route("/upkeep", methods=READ)
    def upkeep(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        return page(request, reader.plain("upkeep_title"), upkeep_body(reader, doctor.last), section="upkeep")

    @router.post("/upkeep/check")
    def check(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        report = doctor.run(staff.upkeep.check)
        if report is None:
            return see_other(request, "/upkeep", reader.plain("doctor_busy"), kind="problem")
        return see_other(request, "/upkeep", reader.plain("doctor_checked"))

    @router.post("/upkeep/repair")
    def repair(request: fastapi.Request, session: SignedIn) -> Response:
        reader = reader_of(request, today)
        report = doctor.run(lambda: staff.upkeep.repair(by=session.name))
        if report is None:
            return see_other(request, "/upkeep", reader.plain("doctor_busy"), kind="problem")
        if report.differences:
            said = reader.plain("doctor_left", count=len(report.differences))
            return see_other(request, "/upkeep", said, kind="problem")
        return see_other(request, "/upkeep", reader.plain("doctor_repaired"))

    _add_backup(router, staff, today)
    return router


def _add_backup(router: fastapi.APIRouter, staff: Staff, today: Callable[[], date]) -> None:
    making = threading.Lock()

    # A `POST`: it costs minutes of a disk, and a link could be followed in advance by a browser.
    @router.post("/upkeep/backup")
    def backup(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        if not making.acquire(blocking=False):
            return see_other(request, "/upkeep", reader.plain("backup_busy"), kind="problem")
        parts = sent_while_written(staff.upkeep.backup, making.release)
        # What goes wrong at once is still a sentence on a page; later it can only break the download off.
        first = next(parts, b"")
        named = f'attachment; filename="usa-next-backup-{today().isoformat()}.zip"'
        return StreamingResponse(
            _after(first, parts), media_type="application/zip", headers={"content-disposition": named}
        )


def _after(first: bytes, parts: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from parts


class _Pipe:
    """A file that can only be written: what is written waits until somebody takes it, a little at a time."""

    def __init__(self) -> None:
        self.parts: queue.Queue[bytes | BaseException | None] = queue.Queue(_BACKUP_PARTS)
        self.left = threading.Event()

    def write(self, data: Any) -> int:
        """Take bytes, as soon as there is room."""
        self.put(bytes(data))
        return len(data)

    def put(self, part: bytes | BaseException | None) -> None:
        """Hand something on; raises `BrokenPipeError` once nobody reads any more."""
        waited = 0.0
        while not self.left.is_set() and waited < _BACKUP_PATIENCE:
            try:
                return self.parts.put(part, timeout=0.5)
            except queue.Full:
                waited += 0.5
        raise BrokenPipeError("nobody reads the backup any more")

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def seekable(self) -> bool:
        """Say no, so that whoever writes does not go back."""
        return False


def sent_while_written(write: Callable[[BinaryIO], None], done: Callable[[], None]) -> Iterator[bytes]:
    """Yield what `write` writes, while it is being written in a thread of its own; never much of it in memory.

    Args:
        write: Writes to a file that cannot seek.
        done: Called once it has ended, in whichever way, also where nobody reads to the end.

    Raises:
        Exception: Whatever `write` raised.
    """
    pipe = _Pipe()

    def run() -> None:
        try:
            write(cast(BinaryIO, pipe))
            pipe.put(None)
        except BrokenPipeError:
            pass  # the reader has left, and knows
        except BaseException as error:
            try:
                pipe.put(error)
            except BrokenPipeError:
                pass
        finally:
            done()

    threading.Thread(target=run, name="backup", daemon=True).start()
    try:
        while (part := pipe.parts.get()) is not None:
            if isinstance(part, BaseException):
                raise part
            yield part
    finally:
        pipe.left.set()


# ---- The first page ----


@dataclass(frozen=True, slots=True)
class Now:
    """How everything stands just now, as the first page shows it."""

    documents: Sequence[Held]
    drafts: Sequence[Draft]
    reading: Reading
    gaps: Sequence[Gap]
    health: Sequence[HealthLine]
    deeds: Sequence[Deed]
    checked: Checked | None


def today_body(reader: Reader, now: Now) -> str:
    """Return what needs doing as HTML: numbers, the list of what waits, and what was done last."""
    published = sum(one.state == "published" for one in now.documents)
    due = len({line.document for line in now.health if line.kind in _DATED})
    figures = "".join(
        _figure(reader, count, word, place)
        for count, word, place in (
            (published, "figure_documents", "documents"),
            (len(now.drafts), "figure_drafts", "drafts"),
            (sum(gap.status == "open" for gap in now.gaps), "figure_gaps", "gaps"),
            (due, "figure_health", "health"),
        )
    )
    things = "".join(f"<li>{thing}</li>" for thing in _waiting(reader, now))
    if things:
        shown = f'<ul class="desk-todo">{things}</ul>'
    elif published:
        shown = f'<p class="desk-empty">{reader.say("today_nothing", count=published)}</p>'
    else:
        shown = ""
    if not published:
        shown += f'<p class="desk-empty">{link("add", reader.say("today_empty"))}</p>'
    latest = ""
    if now.deeds:
        latest = (
            f"<section><h2>{reader.say('today_latest')}</h2>{_deeds(reader, now.deeds, brief=True)}"
            f'<p><a href="history">{reader.say("today_all_history")}</a></p></section>'
        )
    return f'<ul class="desk-figures">{figures}</ul>{shown}{latest}'


def _figure(reader: Reader, count: int, word: str, place: str) -> str:
    name = reader.say(word, count=count)
    return f'<li><a href="{place}"><b>{reader.number(count)}</b> <span>{name}</span></a></li>'


def _waiting(reader: Reader, now: Now) -> Iterator[str]:
    """Yield what waits for somebody as HTML, the most urgent first."""
    if now.reading.done < now.reading.total:
        yield link("drafts", reader.say("do_reading", done=now.reading.done, count=now.reading.total))
    for state in ("failed", "ready"):
        count = sum(draft.state == state for draft in now.drafts)
        if count:
            yield link("drafts", reader.say(f"do_{state}", count=count))
    if now.checked and now.checked.report.differences:
        yield link("upkeep", reader.say("do_differences", count=len(now.checked.report.differences)))
    for kind in _URGENT:
        count = sum(line.kind == kind for line in now.health)
        if count:
            yield link(f"health#{kind}", reader.say(f"do_{kind}", count=count))
    answered = [gap for gap in now.gaps if gap.status in ("open", "writing") and is_answered(gap)]
    if answered:
        place = address("gap", id=answered[0].id) if len(answered) == 1 else "gaps"
        yield link(place, reader.say("do_answered", count=len(answered)))
    for gap in [gap for gap in now.gaps if gap.status == "open" and gap not in answered][:_GAPS_SHOWN]:
        title = foreign(gap.title or reader.plain("gap_no_text"), 160)
        yield f"{reader.say('do_gap', count=gap.count)} {link(address('gap', id=gap.id), title)}"
    unfinished = sum(one.state == "published" and not one.embedded for one in now.documents)
    if unfinished:
        yield reader.say("do_not_embedded", count=unfinished)


# ---- Health ----


def health_body(reader: Reader, lines: Sequence[HealthLine]) -> str:
    """Return the documents that need a look as HTML, by kind."""
    lead = f'<p class="own-lead">{reader.say("health_lead")}</p>'
    if not lines:
        return f'{lead}<p class="desk-empty">{reader.say("health_none")}</p>'
    sections = []
    for kind in HEALTH_KINDS:
        of_kind = [line for line in lines if line.kind == kind]
        if of_kind:
            listed = [f"<li>{_health(reader, line)}</li>" for line in of_kind]
            first, rest = "".join(listed[:_HEALTH_SHOWN]), listed[_HEALTH_SHOWN:]
            more = (
                f'<details class="desk-more"><summary>{reader.say("health_all", count=len(rest))}</summary>'
                f'<ul class="desk-list">{"".join(rest)}</ul></details>'
                if rest
                else ""
            )
            count = chip(reader.number(len(of_kind)), "care" if kind in _URGENT else "quiet")
            sections.append(
                f'<section id="{kind}"><h2>{reader.say(f"health_{kind}")} {count}</h2>'
                f'<p class="desk-help">{reader.say(f"health_{kind}_why")}</p>'
                f'<ul class="desk-list">{first}</ul>{more}</section>'
            )
    return lead + "".join(sections)


def _health(reader: Reader, line: HealthLine) -> str:
    word = "health_on" if line.kind == "review_near" else "health_since"
    day = f' <span class="desk-help">{reader.say(word, day=reader.day(line.day))}</span>' if line.day else ""
    return f"{_document(line.document, line.title)}{day}"


def _document(document: str, title: str) -> str:
    return link(address("document", id=document), foreign(title or document))


# ---- History ----


def history_body(reader: Reader, deeds: Sequence[Deed], document: str = "") -> str:
    """Return who did what as HTML, newest first; of one document where it is named."""
    whole = f'<p class="desk-help"><a href="history">{reader.say("history_all")}</a></p>' if document else ""
    if not deeds:
        return f'{whole}<p class="desk-empty">{reader.say("history_none")}</p>'
    return f'{whole}{_deeds(reader, deeds, document=document)}<p class="desk-help">{reader.say("history_by_names")}</p>'


def _deeds(reader: Reader, deeds: Sequence[Deed], *, brief: bool = False, document: str = "") -> str:
    rows = "".join(_deed(reader, deed, brief=brief, document=document) for deed in deeds)
    return f'<ul class="desk-deeds">{rows}</ul>'


def _deed(reader: Reader, deed: Deed, *, brief: bool, document: str) -> str:
    what = reader.plain(f"deed_{deed.action}")
    about = reader.plain("history_undo_about", what=what, title=cut(deed.title, 120)).partition(" ")[2]
    undo = (
        button(reader, "history/undo", "history_undo", {"deed": deed.id, "document": document or None}, about=about)
        if deed.undoable and not brief
        else ""
    )
    detail = f'<p class="desk-help">{foreign(detail_of(reader, deed), 500)}</p>' if deed.detail and not brief else ""
    # An erased document has no page of its own any more; what was done to all has no document.
    named = _document(deed.document, deed.title) if deed.document else foreign(deed.title)
    return (
        f"<li><div><p>{chip(escape(what), 'quiet')} {named}</p>{detail}"
        f'<p class="desk-help">{reader.moment(deed.at)} · {foreign(deed.by, 80)}</p></div>{undo}</li>'
    )


# ---- Upkeep ----


def upkeep_body(reader: Reader, checked: Checked | None) -> str:
    """Return the page of upkeep as HTML: what the doctor found last, a backup, and how to restore one."""
    return (
        f"<section><h2>{reader.say('doctor_title')}</h2><p>{reader.say('doctor_lead')}</p>{_found(reader, checked)}"
        f'<div class="desk-acts"><form class="desk-one" method="post" action="upkeep/check">{hidden({}, reader)}'
        f'<button class="own-button" type="submit">{reader.say("doctor_run")}</button></form>{_repair(reader, checked)}'
        f"</div></section>"
        f"<section><h2>{reader.say('backup_title')}</h2><p>{reader.say('backup_lead')}</p>"
        f'<form class="desk-one" method="post" action="upkeep/backup">{hidden({}, reader)}'
        f'<button class="own-button" type="submit">{reader.say("backup_make")}</button></form></section>'
        f"<section><h2>{reader.say('restore_title')}</h2><p>{reader.say('restore_lead')}</p>"
        f'<pre class="desk-code"><code>python ingest.py --restore FILE</code></pre>'
        f"<p>{reader.say('restore_after')}</p></section>"
        f"<section><h2>{reader.say('sessions_title')}</h2><p>{reader.say('sessions_lead')}</p>"
        f"{button(reader, 'logout', 'sessions_end', {'everywhere': 1})}</section>"
    )


def _found(reader: Reader, checked: Checked | None) -> str:
    if checked is None:
        return f'<p class="desk-help">{reader.say("doctor_never")}</p>'
    report = checked.report
    seconds = f"{report.seconds:.1f}" if reader.language == "en" else f"{report.seconds:.1f}".replace(".", ",")
    moment = f"{reader.day(checked.at)}, {checked.at[11:16]} UTC"
    when = reader.say("doctor_when", moment=moment, seconds=seconds, documents=report.documents, chunks=report.chunks)
    if not report.differences:
        return f'<p>{chip(reader.say("doctor_well"), "good")}</p><p class="desk-help">{when}</p>'
    found = reader.say("doctor_found", count=len(report.differences))
    listed = "".join(
        f"<li>{foreign(one.sentence, 1000)} "
        f"{chip(reader.say('doctor_repairable' if one.repairable else 'doctor_by_hand'), 'quiet')}</li>"
        for one in report.differences[:_DIFFERENCES_SHOWN]
    )
    return f'<p>{chip(found, "care")}</p><p class="desk-help">{when}</p><ul class="desk-list">{listed}</ul>'


def _repair(reader: Reader, checked: Checked | None) -> str:
    if checked is None or not any(one.repairable for one in checked.report.differences):
        return ""
    return button(reader, "upkeep/repair", "doctor_repair", {})
