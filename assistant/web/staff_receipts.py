"""What became of a document, as staff read it: its receipt, its text with the borders of passages, and what changed.

Pure functions. Words of files, such as hidden ones, are shown as text and as nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape as escape_attribute
from itertools import groupby, islice, pairwise, zip_longest
from math import floor
from urllib.parse import quote

from assistant.desk import ChangedLine, PageCheck, Preview, Problem, Receipt, Twin
from assistant.domain import Chunk, Document, HiddenText
from assistant.web.rendering import escape
from assistant.web.staff_forms import Reader, address, button, facts, foreign, languages, link, notice, sentence

# A grid of more pages says nothing: then only those that need a look are shown.
MOST_PAGES_IN_GRID = 120
# How much of a text is shown at once.
PAGES_AT_ONCE, CHUNKS_AT_ONCE = 20, 60
# Lines of a comparison: around a change, and in all.
LINES_AROUND, MOST_LINES = 2, 2000
_LONGEST_LIST = 40
# Two lines of which so much is the same are compared word by word, as far as they are of this length.
_RESEMBLES, _MOST_WORDS = 0.4, 600
_WORDS = re.compile(r"\d[\d.,]*\d|\w+|\W")


# ---- The receipt ----


def receipt(reader: Reader, found: Receipt, text_page: str, of: str) -> str:
    """Return what was read, what was left out, and whether it is found.

    Args:
        text_page: The name of the page that shows the text.
        of: The id that it is asked with.
    """
    return (
        verdict(reader, found)
        + problems(reader, found.problems)
        + _counts(reader, found)
        + _coverage(reader, found, text_page, of)
        + _hidden(reader, found.findings.hidden)
        + _dropped(reader, found.findings.dropped)
        + _notices(reader, found.notices)
    )


def verdict(reader: Reader, found: Receipt) -> str:
    """Return one sentence on the whole: all is found, or how much there is to look at."""
    count = len(found.problems)
    if count:
        return notice(f"<p><strong>{reader.say('verdict_problems', count=count)}</strong></p>", "care")
    coverage = found.coverage
    if coverage is None:
        return notice(f"<p>{reader.say('verdict_unchecked')}</p>")
    if coverage < 1 or found.empty_pages:
        share = _percent(coverage)
        return notice(f"<p><strong>{reader.say('verdict_partly', percent=share)}</strong></p>", "care")
    return notice(f"<p><strong>{reader.say('verdict_good')}</strong></p>", "good")


def problems(reader: Reader, found: Sequence[Problem]) -> str:
    """Return what readers would miss, each with what to do about it; nothing where there is nothing."""
    rows = "".join(
        f'<li><p class="desk-reason">{foreign(sentence(problem.reason), 600)}</p>'
        f'<p><span class="desk-do">{reader.say("remedy")}</span> {foreign(sentence(problem.remedy), 600)}</p></li>'
        for problem in found
    )
    return f'<ul class="desk-problems">{rows}</ul>' if rows else ""


def _counts(reader: Reader, found: Receipt) -> str:
    pairs = [
        (reader.say("fact_pages"), reader.say("fact_no_pages") if found.pages is None else reader.number(found.pages)),
        (reader.say("fact_chunks"), reader.number(found.chunks)),
        (reader.say("fact_words"), reader.number(found.words)),
        (reader.say("fact_languages"), languages(reader, found.languages)),
        (reader.say("fact_tables"), reader.number(found.findings.tables)),
    ]
    if found.pages is not None:
        empty = page_ranges(found.empty_pages) if found.empty_pages else reader.plain("fact_none")
        pairs.append((reader.say("fact_empty_pages"), escape(empty)))
    return facts(pairs)


def _coverage(reader: Reader, found: Receipt, text_page: str, of: str) -> str:
    """Return whether the document is found by its own sentences: all in all, and page by page."""
    title = f"<h3>{reader.say('searchable')}</h3>"
    coverage = found.coverage
    if coverage is None:
        return f"{title}<p>{reader.say('searchable_unknown')}</p>"
    tried = sum(check.tried for check in found.checks)
    hits = sum(check.found for check in found.checks)
    said = reader.say("searchable_how", tried=tried, found=hits, percent=_percent(coverage))
    bar = (
        f'<meter class="desk-meter" min="0" max="{tried}" low="{tried * 0.9:.2f}" optimum="{tried}" value="{hits}" '
        f'aria-label="{reader.say("searchable")}">{_percent(coverage)} %</meter>'
    )
    return f"{title}<p>{said}</p>{bar}{_grid(reader, found.checks, text_page, of)}"


def _grid(reader: Reader, checks: Sequence[PageCheck], text_page: str, of: str) -> str:
    """Return a box for each page, or for those alone that need a look where there are very many."""
    paged = [check for check in checks if check.page is not None]
    if len(paged) < 2 and all(check.has_text and check.found == check.tried for check in paged):
        return ""
    shown = paged if len(paged) <= MOST_PAGES_IN_GRID else [check for check in paged if _state(check) != "good"]
    boxes = "".join(_page_box(reader, check, text_page, of) for check in shown[: 2 * MOST_PAGES_IN_GRID])
    left = len(paged) - min(len(shown), 2 * MOST_PAGES_IN_GRID)
    more = f'<p class="desk-help">{reader.say("searchable_others", count=left)}</p>' if left else ""
    return f'<ol class="desk-pages" aria-label="{reader.say("searchable_pages")}">{boxes}</ol>{more}' if boxes else more


def _page_box(reader: Reader, check: PageCheck, text_page: str, of: str) -> str:
    state = _state(check)
    words = {
        "good": reader.say("page_found", found=check.found, tried=check.tried),
        "care": reader.say("page_found", found=check.found, tried=check.tried),
        "empty": reader.say("page_empty"),
        "quiet": reader.say("page_untried"),
    }[state]
    href = f"{address(text_page, id=of, page=check.page)}#page-{check.page}"
    name = reader.say("page_number", page=check.page)
    return f'<li class="{state}"><a href="{href}"><b>{name}</b> <span>{words}</span></a></li>'


def _state(check: PageCheck) -> str:
    if not check.has_text:
        return "empty"
    if not check.tried:
        return "quiet"
    return "good" if check.found == check.tried else "care"


def _hidden(reader: Reader, found: Sequence[HiddenText]) -> str:
    """Return words that a reader of the file would not see: somebody may have put them there for a machine."""
    if not found:
        return ""
    rows = ""
    for text in found[:_LONGEST_LIST]:
        where = f", {reader.say('page_number', page=text.page)}" if text.page else ""
        rows += f"<li><span>{reader.say(f'hidden_{text.kind}')}{where}</span> <q>{foreign(text.words, 220)}</q></li>"
    lead = f"<p><strong>{reader.say('hidden_title', count=len(found))}</strong> {reader.say('hidden_why')}</p>"
    return notice(f'{lead}<ul class="desk-hidden">{rows}</ul>{_and_more(reader, len(found))}', "care")


def _dropped(reader: Reader, found: Sequence[str]) -> str:
    if not found:
        return ""
    rows = "".join(f"<li>{foreign(text, 220)}</li>" for text in found[:_LONGEST_LIST])
    title = reader.say("dropped_title", count=len(found))
    return (
        f'<details class="desk-more"><summary>{title}</summary><p class="desk-help">{reader.say("dropped_why")}</p>'
        f"<ul>{rows}</ul>{_and_more(reader, len(found))}</details>"
    )


def _notices(reader: Reader, found: Sequence[str]) -> str:
    rows = "".join(f"<li>{foreign(text, 600)}</li>" for text in found[:_LONGEST_LIST])
    return f'<h3>{reader.say("notices_title")}</h3><ul class="desk-list">{rows}</ul>' if rows else ""


def _and_more(reader: Reader, count: int) -> str:
    left = count - _LONGEST_LIST
    return f'<p class="desk-help">{reader.say("and_more", count=left)}</p>' if left > 0 else ""


def page_ranges(pages: Sequence[int]) -> str:
    """Return page numbers as people write them: `3, 7–9`."""
    runs: list[list[int]] = []
    for page in sorted(set(pages)):
        if runs and page == runs[-1][-1] + 1:
            runs[-1].append(page)
        else:
            runs.append([page])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _percent(share: float) -> int:
    # Rounded down: what is not quite all is never called 100.
    return floor(share * 100 + 1e-9)


# ---- Twins ----


def twins(reader: Reader, found: Sequence[Twin], draft_id: str, replaces: str | None) -> str:
    """Return the documents that say the same as a draft, with what can be done about each; nothing for none."""
    others = [twin for twin in found if twin.document != replaces]
    if not others:
        return ""
    rows = "".join(_twin(reader, twin, draft_id) for twin in others[:_LONGEST_LIST])
    title = f"<p><strong>{reader.say('twins_title', count=len(others))}</strong> {reader.say('twins_why')}</p>"
    return notice(f'{title}<ul class="desk-twins">{rows}</ul>{_and_more(reader, len(others))}', "care")


def _twin(reader: Reader, twin: Twin, draft_id: str) -> str:
    similarity = reader.say("twin_nearly_same", percent=_percent(twin.similarity))
    same = similarity if twin.kind == "nearly_same" else reader.say(f"twin_{twin.kind}")
    page = "draft" if twin.where == "draft" else "document"
    name = link(address(page, id=twin.document), foreign(twin.title))
    choice = ""
    if twin.where != "draft":
        values = {"id": draft_id, "document": twin.document}
        choice = button(reader, "draft-version", "make_version_of", values, about=twin.title)
    where = reader.say(f"twin_{twin.where}")
    return f"<li><p>{same} {name} <span>({where})</span></p>{choice}</li>"


# ---- The text as the assistant reads it ----


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a text that is shown at once: from `start` to `end`, and where the parts before and after begin."""

    start: int
    end: int
    place: int
    of: int


def preview(reader: Reader, shown: Preview, page: str | None, text_page: str, **of: object) -> str:
    """Return a part of a text with the borders of its passages.

    Args:
        page: The page or, where there are none, the passage to show, from 1, as an address gave it; anything else is
            the first.
        text_page: The name of the page that this stands on; `of` are its fields.
    """
    document = shown.document
    unit, starts = _units(shown)
    at_once = PAGES_AT_ONCE if unit == "page" else CHUNKS_AT_ONCE
    asked = int(page) if page and page.isascii() and page.isdecimal() and len(page) < 7 else 1
    first = min(max(asked, 1), max(len(starts), 1))
    first -= (first - 1) % at_once
    last = min(first + at_once - 1, len(starts))
    start = starts[first - 1] if starts and first > 1 else 0
    end = starts[last] if last < len(starts) else len(document.text)
    turning = _turning(reader, unit, first, last, len(starts), at_once, text_page, of)
    body = "".join(_stretch(reader, shown, start, end, is_last=end == len(document.text)))
    return (
        f'<p class="desk-help">{reader.say("preview_why", count=len(shown.chunks))}</p>{turning}'
        f'<div class="desk-text" lang="{document.sections[0].language}">{body}</div>{turning}'
    )


def _units(shown: Preview) -> tuple[str, Sequence[int]]:
    """Return what a text is turned by, and where each begins: its pages, or its passages where it has none."""
    if shown.document.pages:
        return "page", shown.document.pages
    return "chunk", [chunk.start for chunk in shown.chunks]


def _turning(
    reader: Reader, unit: str, first: int, last: int, count: int, at_once: int, text_page: str, of: dict[str, object]
) -> str:
    """Return the way to the parts before and after; nothing where all is shown."""
    if count <= at_once:
        return ""
    here = reader.say(f"preview_{unit}s", first=first, last=last, of=count)
    before = link(address(text_page, **of, page=first - at_once), reader.say("turn_back")) if first > 1 else ""
    after = link(address(text_page, **of, page=last + 1), reader.say("turn_on")) if last < count else ""
    return f'<nav class="desk-turn" aria-label="{reader.say("turn")}">{before}<span>{here}</span>{after}</nav>'


def _stretch(reader: Reader, shown: Preview, start: int, end: int, *, is_last: bool) -> Iterator[str]:
    """Yield what stands between two offsets: boxes of passages, and the marks of pages that hold nothing."""
    document = shown.document
    position = start
    for number, chunk in enumerate(shown.chunks, start=1):
        if chunk.end <= start or chunk.start >= end:
            continue
        yield _between(reader, document, position, max(chunk.start, start))
        yield _passage(reader, document, chunk, number, max(chunk.start, start), min(chunk.end, end))
        position = min(chunk.end, end)
    yield _between(reader, document, position, end, with_end=is_last)


def _between(reader: Reader, document: Document, start: int, end: int, *, with_end: bool = False) -> str:
    """Return what stands between two passages: marks of pages, and words that belong to none."""
    if start == end and not with_end:
        return ""  # what begins here stands in the passage that does
    pieces = _pieces(reader, document, start, end, with_end=with_end)
    words = document.text[start:end].strip()
    marks = "".join(mark for mark, _ in pieces)
    loose = f'<p class="desk-loose">{escape(words)}</p>' if words.strip("-•* \t\n") else ""
    return marks + loose


def _passage(reader: Reader, document: Document, chunk: Chunk, number: int, start: int, end: int) -> str:
    """Return one passage as a box; its number and heading stand above it, marks of pages inside."""
    heading = f" · {foreign(chunk.heading, 80)}" if chunk.heading else ""
    goes_on = f" · {reader.say('passage_goes_on')}" if start > chunk.start else ""
    words = "".join(mark + escape(text) for mark, text in _pieces(reader, document, start, end))
    return (
        f'<section class="desk-passage" id="passage-{number}" lang="{chunk.language}">'
        f'<h2 lang="{reader.language}">{reader.say("passage", number=number)}{heading}{goes_on}</h2>'
        f'<p dir="auto">{words}</p></section>'
    )


def _pieces(
    reader: Reader, document: Document, start: int, end: int, *, with_end: bool = False
) -> Sequence[tuple[str, str]]:
    """Return `text[start:end]` cut where pages begin: the marks of pages before each piece, and its words."""
    pages = document.pages
    inside = [offset for offset in pages if start <= offset < end or (with_end and offset == end)]
    cuts = [start, *sorted({offset for offset in inside if offset > start}), end]
    return [(_marks(reader, document, left), document.text[left:right]) for left, right in pairwise(cuts)]


def _marks(reader: Reader, document: Document, offset: int) -> str:
    """Return the marks of all pages that begin at an offset; all but the last of them hold no text."""
    pages = document.pages
    numbers = [index + 1 for index, start in enumerate(pages) if start == offset]
    marks = ""
    for number in numbers:
        after = pages[number] if number < len(pages) else len(document.text)
        empty = not document.text[offset:after].strip()
        label = document.page_labels[number - 1] if number <= len(document.page_labels) else str(number)
        printed = reader.plain("page_printed", label=label) if label != str(number) else ""
        name = escape(f"{reader.plain('page_number', page=number)}{printed}")
        without = f" – {reader.say('page_empty')}" if empty else ""
        css = "desk-page empty" if empty else "desk-page"
        marks += f'<span class="{css}" id="page-{number}" lang="{reader.language}">{name}{without}</span>'
    return marks


# ---- What changed ----


def difference(reader: Reader, lines: Sequence[ChangedLine]) -> str:
    """Return a comparison: what was added and taken away, each with some lines around it."""
    changed = [line for line in lines if line.kind != "same"]
    if not changed:
        return notice(f"<p>{reader.say('difference_none')}</p>")
    added = sum(line.kind == "added" for line in changed)
    count = reader.say("difference_count", added=added, removed=len(changed) - added)
    shown = list(islice(_runs(reader, lines), MOST_LINES + 1))
    rows = "".join(shown[:MOST_LINES])
    more = f'<p class="desk-help">{reader.say("and_more_lines")}</p>' if len(shown) > MOST_LINES else ""
    return f'<p>{count}</p><div class="desk-difference">{rows}</div>{more}'


def _runs(reader: Reader, lines: Sequence[ChangedLine]) -> Iterator[str]:
    """Yield runs of lines of one kind; of a long run that is the same only what stands beside a change."""
    runs = [(kind, list(run)) for kind, run in groupby(lines, key=lambda line: line.kind)]
    for place, (kind, run) in enumerate(runs):
        if kind != "same":
            # What was taken away and what was added beside it are compared word by word.
            beside = place + 1 if kind == "removed" else place - 1
            others = runs[beside][1] if 0 <= beside < len(runs) and runs[beside][0] != "same" else []
            yield from (_changed(reader, line, other) for line, other in zip_longest(run, others[: len(run)]))
            continue
        head = LINES_AROUND if place else 0
        tail = LINES_AROUND if place + 1 < len(runs) else 0
        middle = run[head : len(run) - tail]
        if len(middle) < 3:
            yield from map(_line, run)
            continue
        yield from map(_line, run[:head])
        yield f'<p class="desk-skipped">{reader.say("difference_same", count=len(middle))}</p>'
        yield from map(_line, run[len(run) - tail :])


def _line(line: ChangedLine) -> str:
    return f'<p dir="auto">{escape(line.text)}</p>'


def _changed(reader: Reader, line: ChangedLine, other: ChangedLine | None) -> str:
    """Return a line that was added or taken away; where it resembles the one beside it, what differs is marked."""
    tag, word = ("ins", "line_added") if line.kind == "added" else ("del", "line_removed")
    words, others = (_WORDS.findall(each.text if each else "")[:_MOST_WORDS] for each in (line, other))
    alike = SequenceMatcher(None, words, others, autojunk=False)
    if alike.ratio() < _RESEMBLES or len(words) == _MOST_WORDS:
        inside = f"<{tag}>{escape(line.text)}</{tag}>"
    else:
        pieces = [(kind, escape("".join(words[i:j]))) for kind, i, j, _, _ in alike.get_opcodes() if i < j]
        inside = "".join(text if kind == "equal" else f"<{tag}>{text}</{tag}>" for kind, text in pieces)
    return f'<p class="{line.kind}" dir="auto"><span class="hidden">{reader.say(word)} </span>{inside}</p>'


# ---- Answers of one document alone ----


def quotes(reader: Reader, found: Iterable[tuple[int, str, int | None, str | None]]) -> str:
    """Return quotes, each with its number, page and heading; nothing for none."""
    rows = ""
    for number, words, page, heading in found:
        place = [reader.say("page_number", page=page)] if page else []
        place += [foreign(heading, 80)] if heading else []
        rows += (
            f'<li><span class="desk-number">{number}</span><blockquote dir="auto">{escape(words)}</blockquote>'
            f"<p>{' · '.join(place)}</p></li>"
        )
    return f'<ol class="desk-quotes">{rows}</ol>' if rows else ""


def viewer_address(document: str, version: str | None = None) -> str:
    """Return the address of a document in the source viewer, as an attribute can hold it."""
    asked = f"?version={quote(version)}" if version else ""
    return escape_attribute(f"../source/{quote(document.encode('utf-8', 'replace'), safe='/')}{asked}")
