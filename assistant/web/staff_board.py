"""The gap board: what founders asked in vain, and *why this answer* for any question.

The pages are made by pure functions from the nouns of `desk`; whatever founders wrote is escaped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, cast, get_args

import fastapi
from fastapi.responses import Response

from assistant.desk import AskedInVain, Gap, GapKeeping, GapStatus, Staff
from assistant.web.rendering import escape
from assistant.web.staff_access import SignedIn, form_of
from assistant.web.staff_forms import Reader, address, chip, cut, facts, foreign, hidden, link, notice
from assistant.web.staff_frame import READ, desk_router, page, problem, reader_of, see_other
from assistant.web.words import WORDS

STATUSES: tuple[GapStatus, ...] = get_args(GapStatus)
_STATUS_KINDS: Mapping[GapStatus, str] = {"open": "care", "writing": "", "answered": "good", "out_of_scope": "quiet"}
LONGEST_NOTE = 1000
LONGEST_QUESTION = 2000
# Months that are drawn; the numbers of all of them stand in the file.
_MONTHS_DRAWN = 12
_BAR_WIDTH, _BAR_STEP, _BAR_HEIGHT = 9, 12, 32


def board_router(staff: Staff, today: Callable[[], date] = date.today) -> fastapi.APIRouter:
    """Return the routes of the gap board."""
    router = desk_router()
    asking = threading.Lock()

    @router.api_route("/gaps", methods=READ)
    def gaps(request: fastapi.Request, status: str = "") -> Response:
        reader = reader_of(request, today)
        shown = next((one for one in STATUSES if one == status), None)
        body = board_body(reader, staff.gaps.board(), shown, staff.gaps.keeping)
        return page(request, reader.plain("gaps_title"), body, section="gaps")

    @router.api_route("/gap", methods=READ)
    def one_gap(request: fastapi.Request, id: int = 0) -> Response:
        reader = reader_of(request, today)
        gap = _find(staff, id)
        if gap is None:
            return problem(request, reader.plain("gap_gone"), 404)
        return page(request, _title(reader, gap.title), gap_body(reader, gap), section="gaps")

    @router.post("/gap/status")
    def set_status(request: fastapi.Request, session: SignedIn) -> Response:
        reader, form = reader_of(request, today), form_of(request)
        gap = _find(staff, (form.numbers("id") or (0,))[0])
        if gap is None or form.text("status") not in STATUSES:
            return problem(request, reader.plain("gap_gone"), 404)
        status = cast(GapStatus, form.text("status"))
        gap = staff.gaps.set_status(gap.id, status, by=session.name, note=form.text("note")[:LONGEST_NOTE])
        said = reader.plain("gap_saved", title=_title(reader, gap.title))
        return see_other(request, "/gap", said, id=gap.id)

    @router.post("/gaps/merge")
    def merge(request: fastapi.Request, session: SignedIn) -> Response:
        reader, chosen = reader_of(request, today), dict.fromkeys(form_of(request).numbers("gap"))
        if len(chosen) < 2:
            return see_other(request, "/gaps", reader.plain("gap_merge_few"), kind="problem")
        gap = staff.gaps.merge(tuple(chosen), by=session.name)
        said = reader.plain("gap_merged", title=_title(reader, gap.title))
        return see_other(request, "/gap", said, id=gap.id)

    @router.post("/gap/split")
    def split(request: fastapi.Request, session: SignedIn) -> Response:
        reader, form = reader_of(request, today), form_of(request)
        gap, chosen = _find(staff, (form.numbers("id") or (0,))[0]), dict.fromkeys(form.numbers("question"))
        if gap is None:
            return problem(request, reader.plain("gap_gone"), 404)
        if not chosen:
            return see_other(request, "/gap", reader.plain("gap_split_few"), kind="problem", id=gap.id)
        if not {question.id for question in gap.questions} - set(chosen):
            return see_other(request, "/gap", reader.plain("gap_split_all"), kind="problem", id=gap.id)
        made = staff.gaps.split(gap.id, tuple(chosen), by=session.name)
        return see_other(request, "/gap", reader.plain("gap_split_done"), id=made.id)

    @router.post("/gaps/again")
    def ask_again(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        if not asking.acquire(blocking=False):
            return see_other(request, "/gaps", reader.plain("gap_asking"), kind="problem")
        try:
            answered = staff.gaps.ask_again()
        finally:
            asking.release()
        if not answered:
            return see_other(request, "/gaps", reader.plain("gap_asked_again_none"))
        title = _title(reader, answered[0].title)
        return see_other(request, "/gaps", reader.plain("gap_asked_again", count=len(answered), title=title))

    @router.api_route("/gaps.csv", methods=READ)
    def as_csv(request: fastapi.Request) -> Response:
        named = f'attachment; filename="usa-next-gaps-{today().isoformat()}.csv"'
        return Response(staff.gaps.csv(), media_type="text/csv", headers={"content-disposition": named})

    @router.api_route("/why", methods=READ)
    def why(request: fastapi.Request, gap: int = 0, question: int = 0) -> Response:
        reader = reader_of(request, today)
        found = _find(staff, gap)
        asked = next((one.text for one in found.questions if one.id == question), None) if found else None
        return _why(request, reader, asked or "", staff.gaps.why)

    # A `POST`, so that nobody's question stands in an address, which proxies write down.
    @router.post("/why")
    def why_this(request: fastapi.Request) -> Response:
        reader = reader_of(request, today)
        question = form_of(request).text("question")[:LONGEST_QUESTION]
        if not question:
            return _why(request, reader, "", staff.gaps.why, reader.plain("why_no_question"))
        return _why(request, reader, question, staff.gaps.why)

    return router


def _why(
    request: fastapi.Request, reader: Reader, question: str, explain: Callable[[str], Mapping[str, Any]],
    wrong: str = "",
) -> Response:  # fmt: skip
    body = why_form(reader, question, wrong) + (why_body(reader, explain(question)) if question else "")
    return page(request, reader.plain("why_title"), body, section="gaps", status=422 if wrong else 200)


def _find(staff: Staff, gap_id: int) -> Gap | None:
    return next((gap for gap in staff.gaps.board() if gap.id == gap_id), None)


# ---- The board ----


def board_body(reader: Reader, gaps: Sequence[Gap], shown: GapStatus | None, keeping: GapKeeping) -> str:
    """Return the board as HTML.

    Args:
        gaps: All groups, in their order.
        shown: The status whose groups are listed; None for all.
    """
    lead = f'<p class="own-lead">{reader.say("gaps_lead")}</p>'
    if not gaps:
        return f'{lead}<p class="desk-empty">{reader.say("gaps_none")}</p>{_keeping(reader, keeping)}'
    listed = [gap for gap in gaps if shown in (None, gap.status)]
    months = _months(gaps)
    highest = max((count for gap in gaps for _, count in gap.counts), default=1)
    rows = "".join(_row(reader, gap, months, highest) for gap in listed)
    merge = (
        f'<p class="desk-acts"><button class="desk-quiet" type="submit">{reader.say("gap_merge")}</button></p>'
        if len(listed) > 1
        else ""
    )
    board = (
        f'<form method="post" action="gaps/merge">{hidden({}, reader)}<ul class="desk-gaps">{rows}</ul>{merge}</form>'
        if listed
        else f'<p class="desk-empty">{reader.say("gaps_none_here")}</p>'
    )
    again = (
        f'<form class="desk-one" method="post" action="gaps/again">{hidden({}, reader)}'
        f'<button class="own-button" type="submit">{reader.say("gap_ask_again")}</button></form>'
    )
    acts = (
        f'<div class="desk-acts">{again}<a class="own-act" href="gaps.csv" download>{reader.say("gap_csv")}</a>'
        f'<a class="own-act" href="why">{reader.say("why_try")}</a></div>'
        f'<p class="desk-help">{reader.say("gap_ask_again_why")}</p>'
    )
    return f"{lead}{acts}{_filter(reader, gaps, shown)}{board}{_keeping(reader, keeping)}"


def bars(reader: Reader, counts: Sequence[tuple[str, int]], months: Sequence[str], highest: int) -> str:
    """Return how often something was asked, by month, as a small drawing that is read out in words.

    Args:
        counts: By month, such as `2026-11`; months without any may be missing.
        months: What is drawn, oldest first.
        highest: What fills the whole height.
    """
    known = dict(counts)
    drawn, told = [], []
    for place, month in enumerate(months):
        count = known.get(month, 0)
        height = max(round((_BAR_HEIGHT - 2) * count / max(highest, 1)), 3) if count else 1
        css = "" if count else ' class="none"'
        drawn.append(
            f'<rect{css} x="{place * _BAR_STEP}" y="{_BAR_HEIGHT - height}" width="{_BAR_WIDTH}" height="{height}"/>'
        )
        if count:
            told.append(reader.plain("gap_month", month=reader.day(month), count=count))
    width = max(len(months) * _BAR_STEP - (_BAR_STEP - _BAR_WIDTH), 1)
    label = escape(f"{reader.plain('gap_months')}: {', '.join(told)}")
    return (
        f'<svg class="desk-bars" role="img" aria-label="{label}" viewBox="0 0 {width} {_BAR_HEIGHT}" '
        f'width="{width}" height="{_BAR_HEIGHT}"><title>{label}</title>{"".join(drawn)}</svg>'
    )


def _months(gaps: Sequence[Gap]) -> list[str]:
    """Return the months that are drawn: all from the first to the last in which something was asked, twelve at most."""
    asked = sorted({month for gap in gaps for month, count in gap.counts if count})
    if not asked:
        return []
    year, month = (int(part) for part in asked[-1].split("-"))
    months: list[str] = []
    while len(months) < _MONTHS_DRAWN and (name := f"{year:04d}-{month:02d}") >= asked[0]:
        months.append(name)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return months[::-1]


def _row(reader: Reader, gap: Gap, months: Sequence[str], highest: int) -> str:
    title = _title(reader, gap.title)
    last = max((question.last_day for question in gap.questions), default="")
    nearest = "".join(
        f" · {link(address('document', id=document), foreign(name, 60))}" for document, name in gap.nearest[:1]
    )
    asked = f" · {reader.say('gap_last')}: {escape(reader.day(last))}" if last else ""
    return (
        f'<li><input type="checkbox" name="gap" value="{gap.id}" aria-label="'
        f'{reader.say("gap_select", title=cut(title, 120))}">'
        f'<div class="desk-gap"><h2>{link(address("gap", id=gap.id), foreign(title, 200))}</h2>'
        f"<p>{_status(reader, gap)} {reader.say('gap_times')}: <b>{reader.number(gap.count)}</b>"
        f"{asked}{nearest}</p></div>"
        f"{bars(reader, gap.counts, months, highest)}</li>"
    )


def _status(reader: Reader, gap: Gap) -> str:
    shown = chip(reader.say(f"gap_{gap.status}"), _STATUS_KINDS[gap.status])
    if gap.status in ("open", "writing") and is_answered(gap):
        shown += f" {chip(reader.say('gap_now'), 'good')}"
    return shown


def is_answered(gap: Gap) -> bool:
    """Return whether the documents answer every question of a group by now."""
    return bool(gap.questions) and all(question.answered_now for question in gap.questions)


def _filter(reader: Reader, gaps: Sequence[Gap], shown: GapStatus | None) -> str:
    """Return the choice of a status, with how many groups have it."""
    choices: list[tuple[GapStatus | None, str, int]] = [(None, "gaps_all", len(gaps))]
    choices += [(status, f"gap_{status}", sum(gap.status == status for gap in gaps)) for status in STATUSES]
    links = "".join(
        f'<li><a href="{address("gaps", status=status)}"{_current(status == shown)}>'
        f"{reader.say(word)} <b>{reader.number(count)}</b></a></li>"
        for status, word, count in choices
        if count or status == shown
    )
    return f'<nav class="desk-filter" aria-label="{reader.say("gaps_filter")}"><ul>{links}</ul></nav>'


def _current(here: bool) -> str:
    return ' aria-current="true"' if here else ""


def _keeping(reader: Reader, keeping: GapKeeping) -> str:
    word = "keeping_texts" if keeping.texts else "keeping_no_texts"
    return (
        f'<section class="desk-foot"><h2>{reader.say("keeping_title")}</h2>'
        f"<p>{reader.say(word, count=keeping.days)}</p></section>"
    )


def _title(reader: Reader, title: str) -> str:
    return title or reader.plain("gap_no_text")


# ---- One group ----


def gap_body(reader: Reader, gap: Gap) -> str:
    """Return the page of one group as HTML: what is done about it, its questions, and what comes near."""
    times = f"{reader.say('gap_times')}: <b>{reader.number(gap.count)}</b>"
    months = _months((gap,))
    highest = max((count for _, count in gap.counts), default=1)
    head = f'<p class="desk-line">{_status(reader, gap)} {times} {bars(reader, gap.counts, months, highest)}</p>'
    questions = "".join(_question(reader, gap, question) for question in gap.questions)
    split = (
        f'<p class="desk-acts"><button class="desk-quiet" type="submit">{reader.say("gap_split")}</button></p>'
        if len(gap.questions) > 1
        else ""
    )
    nearest = "".join(
        f"<li>{link(address('document', id=document), foreign(name))}</li>" for document, name in gap.nearest
    )
    documents = f'<ul class="desk-list">{nearest}</ul>' if nearest else f"<p>{reader.say('gap_nearest_none')}</p>"
    return (
        f'<p class="desk-help"><a href="gaps">{reader.say("gap_back")}</a></p>{head}{_status_form(reader, gap)}'
        f'<section><h2>{reader.say("gap_questions")}</h2><form method="post" action="gap/split">'
        f'{hidden({"id": gap.id}, reader)}<ul class="desk-questions">{questions}</ul>{split}</form></section>'
        f"<section><h2>{reader.say('gap_nearest')}</h2>{documents}"
        f'<p><a class="own-act" href="add">{reader.say("gap_add")}</a></p></section>'
    )


def _status_form(reader: Reader, gap: Gap) -> str:
    boxes = "".join(
        f'<label class="desk-tick"><input type="radio" name="status" value="{status}"'
        f"{' checked' if status == gap.status else ''}> {reader.say(f'gap_{status}')}</label>"
        for status in STATUSES
    )
    return (
        f'<form class="desk-form" method="post" action="gap/status">{hidden({"id": gap.id}, reader)}'
        f'<fieldset class="desk-ticks"><legend>{reader.say("gap_write")}</legend><div>{boxes}</div></fieldset>'
        f'<p class="desk-field wide"><label for="note">{reader.say("gap_note")}</label>'
        f'<input id="note" name="note" value="{escape(gap.note)}" maxlength="{LONGEST_NOTE}" dir="auto"></p>'
        f'<p class="desk-acts"><button class="own-button" type="submit">{reader.say("gap_save")}</button></p></form>'
    )


def _question(reader: Reader, gap: Gap, question: AskedInVain) -> str:
    text = _title(reader, question.text or "")
    first, last = escape(reader.day(question.first_day)), escape(reader.day(question.last_day))
    one_day = question.count > 1 and question.first_day == question.last_day
    word = "gap_question_times_day" if one_day else "gap_question_times"
    times = reader.plain(word, count=question.count, first=first, last=last)
    now = {None: "gap_now_unknown", True: "gap_now", False: "gap_not_now"}[question.answered_now]
    lang = f' lang="{question.language}"' if question.text else ""
    missing = (
        f"<p>{reader.say('gap_missing', missing=question.missing)}</p>" if question.missing and question.text else ""
    )
    why = (
        f' · <a href="{address("why", gap=gap.id, question=question.id)}">{reader.say("gap_why")}'
        f'<span class="hidden"> {escape(cut(text, 120))}</span></a>'
        if question.text
        else ""
    )
    return (
        f'<li><input type="checkbox" name="question" value="{question.id}" aria-label="'
        f'{reader.say("gap_select", title=cut(text, 120))}">'
        f'<div><p class="desk-asked"{lang}>{foreign(text, 1000)}</p>{missing}'
        f'<p class="desk-help">{chip(reader.say(f"gap_kind_{question.kind}"), "quiet")} '
        f"{chip(reader.say(now), 'good' if question.answered_now else 'quiet')} "
        f"{escape(_language(reader, question.language))} · {times}{why}</p></div></li>"
    )


def _language(reader: Reader, code: str) -> str:
    return WORDS[reader.language].get(f"language_{code}", code)


# ---- Why this answer ----


def why_form(reader: Reader, question: str, wrong: str = "") -> str:
    """Return the form for any question, with the one that is shown below it."""
    said = notice(f'<p id="wrong" role="alert">{escape(wrong)}</p>', "care") if wrong else ""
    described = ' aria-invalid="true" aria-describedby="wrong why-help"' if wrong else ' aria-describedby="why-help"'
    return (
        f'<form class="desk-form" method="post" action="why">{hidden({}, reader)}{said}'
        f'<p class="desk-field wide"><label for="question">{reader.say("why_question")}</label>'
        f'<input id="question" name="question" value="{escape(question)}" maxlength="{LONGEST_QUESTION}" dir="auto" '
        f'required{described}><span class="desk-help" id="why-help">{reader.say("why_try_why")}</span></p>'
        f'<p class="desk-acts"><button class="own-button" type="submit">{reader.say("why_button")}</button></p></form>'
    )


def why_body(reader: Reader, why: Mapping[str, Any]) -> str:
    """Return how an answer came about as HTML, from the plain values of `Gaps.why`."""
    outcome = reader.plain(f"why_outcome_{why['outcome']}")
    reason = ": " + reader.plain(f"why_reason_{why['reason']}") if why.get("reason") else ""
    head = f'<section><h2>{reader.say("why_outcome")}</h2><p class="desk-outcome">{escape(outcome + reason)}</p>'
    if "query" not in why:
        return f"{head}<p>{reader.say('why_unsearched')}</p></section>"
    missing = f"<p>{reader.say('why_missing', missing=why['missing'])}</p>" if why.get("missing") else ""
    return (
        f"{head}{missing}</section>{_judged(reader, why)}{_searched(reader, why['query'])}"
        f"{_hits(reader, why['hits'])}{_sentences(reader, why['candidates'])}{_numbers(reader, why)}"
        f'<p class="desk-help">{reader.say("why_help")}</p>'
    )


def _judged(reader: Reader, why: Mapping[str, Any]) -> str:
    likely, threshold = _percent(why["probability"]), _percent(why["threshold"])
    return (
        f"<section><h2>{reader.say('why_judged')}</h2>"
        f'<p><meter class="desk-meter" min="0" max="100" low="{threshold}" high="{threshold}" optimum="100" '
        f'value="{likely}" aria-hidden="true"></meter><br>'
        f"{reader.say('why_likely', percent=likely, threshold=threshold)}</p>"
        f"<p>{reader.say('why_premise', percent=_percent(why['false_premise']))}</p></section>"
    )


def _searched(reader: Reader, query: Mapping[str, Any]) -> str:
    shown = [
        (reader.say("why_searched_text"), foreign(str(query["search_text"]), 500)),
        (reader.say("why_language"), escape(_language(reader, str(query["language"])))),
        (reader.say("why_wanted"), reader.say(f"why_wanted_{query['wanted']}")),
    ]
    if query["uncovered"]:
        shown.append((reader.say("why_uncovered"), foreign(", ".join(map(str, query["uncovered"])), 500)))
    return f"<section><h2>{reader.say('why_searched')}</h2>{facts(shown)}</section>"


def _hits(reader: Reader, hits: Sequence[Mapping[str, Any]]) -> str:
    if not hits:
        return f"<section><h2>{reader.say('why_hits')}</h2><p>{reader.say('why_no_hits')}</p></section>"
    heads = ("why_rank", "why_passage", "why_by_meaning", "why_by_words", "why_similarity")
    rows = [
        (
            str(hit["rank"]),
            f"<p>{link(address('document', id=hit['document']), _hit(hit))}</p>"
            f'<details class="desk-more"><summary>{reader.say("why_read")}</summary>'
            f"<p>{foreign(str(hit['text']), 2000)}</p></details>",
            _place(hit["dense_rank"]),
            _place(hit["lexical_rank"]),
            _figure(reader, hit["similarity"]),
        )
        for hit in hits
    ]
    return f"<section><h2>{reader.say('why_hits')}</h2>{_table(reader, heads, rows)}</section>"


def _hit(hit: Mapping[str, Any]) -> str:
    return foreign(": ".join(filter(None, (str(hit["document"]), hit.get("heading")))))


def _sentences(reader: Reader, candidates: Sequence[Mapping[str, Any]]) -> str:
    if not candidates:
        return ""
    rows = "".join(
        f"<li><p>{chip(reader.say('why_shown'), 'good') if one['chosen'] else ''} {foreign(str(one['text']), 1000)}</p>"
        f'<p class="desk-help">{foreign(str(one["document"]))} · '
        f"{reader.say('why_score')}: {_figure(reader, one['score'])} · "
        f"{reader.say('why_parts', parts=_parts(reader, one['parts']))}</p></li>"
        for one in candidates
    )
    return f'<section><h2>{reader.say("why_sentences")}</h2><ol class="desk-sentences">{rows}</ol></section>'


def _parts(reader: Reader, parts: Mapping[str, float]) -> str:
    return ", ".join(
        f"{reader.plain(f'why_part_{name}')} {_figure(reader, value)}" for name, value in parts.items() if value
    )


def _numbers(reader: Reader, why: Mapping[str, Any]) -> str:
    moves: Mapping[str, float] = why["for_and_against"]
    if not moves:
        return ""
    rows = [
        (escape(str(name)), _figure(reader, why["features"].get(name)), _figure(reader, move, "+.2f"))
        for name, move in moves.items()
    ]
    table = _table(reader, ("why_number", "why_value", "why_move"), rows)
    return f'<details class="desk-more"><summary>{reader.say("why_numbers")}</summary>{table}</details>'


def _table(reader: Reader, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; on a phone its rows stack, and each cell says what it is."""
    head = "".join(f'<th scope="col">{reader.say(word)}</th>' for word in heads)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-name="{reader.say(word)}">{cell}</td>' for word, cell in zip(heads, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="desk-table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _percent(value: float | None) -> int:
    return round(100 * (value or 0.0))


def _place(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _figure(reader: Reader, value: float | None, form: str = ".2f") -> str:
    """Return a decimal number as people of the language write it."""
    if value is None:
        return "–"
    shown = format(value, form).replace("-", "−")
    return shown if reader.language == "en" else shown.replace(".", ",")
