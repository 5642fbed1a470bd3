"""A stored text as units that can be quoted alone: sentences, list items, table rows and headings.

Works on the form that `documents.blocks` gives every stored text: blocks parted by blank lines, list items starting
with `- ` or a number, table rows with tabs between their cells. Offsets are those of the text given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

UnitKind = Literal["sentence", "item", "row", "heading"]

_LINE = re.compile(r"[^\n]+")
_MONTHS = "januar|februar|mars|april|mai|juni|juli|august|september|oktober|november|desember"
# `17. mai er fri.` opens with a date and not with the mark of a list.
_ITEM_MARK = re.compile(rf"\s*(?:[-•◦▪*]|\d{{1,3}}(?:\)|\.(?!\s+(?:{_MONTHS}|kvartal|halvår|århundre)\b))|[a-z]\))\s+")
# A full stop, question or exclamation mark with closing quotes and brackets, then white space before a new start.
_BOUNDARY = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+(?:[\"'“‘«(\[–—-]*\s?[A-ZÆØÅÉÖÄÜ0-9§]|<\|))")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\[“\"«])(?:e\.g|i\.e|etc|vs|cf|approx|dept|no|nos|art|sec|pt|vol|fig|inc|ltd|co|corp|dr|mr|mrs|ms|prof|st|"
    r"u\.s|u\.s\.c|u\.k|e\.u|d\.c|ph\.d|f\.d|jr|sr|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec|"
    r"bl\.a|f\.eks|dvs|mv|m\.v|osv|ca|nr|kl|mill|mrd|kap|pkt|jf|evt|inkl|ekskl|s\.k|o\.l|m\.m|pst|tlf|div|if|[A-ZÆØÅ])\.$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?:^|\s)\d{1,3}\.$")
_AFTER_ORDINAL = re.compile(rf"\s+(?:{_MONTHS}|[a-zæøå])")
# A title that has just begun: «USA next! Roadmap to ...» is one name.
_OPENED_QUOTE = re.compile(r"(?:[«“]|(?<!\w)\")(?![^«“\"»”]*[»”\"]$)[^«“»”\".?]{1,25}[.!?…]+$")
_SENTENCE_END = re.compile(r"[.!?…:;][\"'”’»)\]]*$")
# `START: January 2022` states a fact, although it looks like a heading.
_LABELLED = re.compile(r"[^\s:][^:]{0,40}:\s+\S")
# In characters; the longest sentence of the corpus has a tenth of it.
LONGEST_SENTENCE = 4_000
HEADING_WORDS_AT_MOST = 14


@dataclass(frozen=True, slots=True)
class Unit:
    """A quotable piece: `text[start:end]`, without list mark and surrounding white space.

    Attributes:
        block: Number of the block (paragraph, list, table) it stands in, from 0.
        introduces: It ends with a colon, so what follows (a list, a table) belongs to it.
    """

    start: int
    end: int
    kind: UnitKind
    block: int
    introduces: bool = False


def split_units(text: str) -> list[Unit]:
    """Return the units of `text` in order; together they hold every character but white space and list marks."""
    return list(_split(text))


# A passage is cut anew for every question that finds it, otherwise.
@lru_cache(maxsize=8_192)
def _split(text: str) -> tuple[Unit, ...]:
    units: list[Unit] = []
    for number, (start, end) in enumerate(_blocks(text)):
        alone = "\n" not in text[start:end].strip()
        for line in _LINE.finditer(text, start, end):
            units.extend(_line_units(text, line.start(), line.end(), number, alone=alone))
    return tuple(units)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans between blank lines."""
    position = 0
    for gap in re.finditer(r"\n\s*\n", text):
        if text[position : gap.start()].strip():
            yield position, gap.start()
        position = gap.end()
    if text[position:].strip():
        yield position, len(text)


def _line_units(text: str, start: int, end: int, block: int, *, alone: bool) -> Iterator[Unit]:
    mark = _ITEM_MARK.match(text, start, end)
    if mark:
        yield from _sentence_units(text, mark.end(), end, "item", block)
    elif "\t" in text[start:end].strip():
        yield _unit(text, start, end, "row", block)
    elif alone and _looks_like_heading(text[start:end]):
        yield _unit(text, start, end, "heading", block)
    else:
        yield from _sentence_units(text, start, end, "sentence", block)


def _looks_like_heading(line: str) -> bool:
    stripped = line.strip()
    if not stripped or len(stripped) > LONGEST_SENTENCE or _LABELLED.match(stripped):
        return False
    if len(stripped.split()) > HEADING_WORDS_AT_MOST:
        return False
    return stripped.endswith("?") or not _SENTENCE_END.search(stripped)


def _no_longer(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the spans, those of more than `LONGEST_SENTENCE` characters in parts: nobody writes such sentences.

    They are what is left of a table or a file without any full stop; each part ends with a word where it can.
    """
    for start, end in spans:
        while end - start > LONGEST_SENTENCE:
            space = text.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
            cut = space if space > 0 else start + LONGEST_SENTENCE
            yield start, cut
            start = cut
        yield start, end


def _sentence_units(text: str, start: int, end: int, kind: UnitKind, block: int) -> Iterator[Unit]:
    """Yield the sentences of one line; a list item that holds several sentences gives several units of kind item."""
    for sentence_start, sentence_end in _no_longer(text, sentence_spans(text, start, end)):
        unit = _unit(text, sentence_start, sentence_end, kind, block)
        if unit.end > unit.start:
            yield unit


def _unit(text: str, start: int, end: int, kind: UnitKind, block: int) -> Unit:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Unit(start, end, kind, block, introduces=text[start:end].endswith(":"))


def sentence_spans(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield the spans of the sentences of `text[start:end]`, in order and without gaps.

    Abbreviations, initials, decimals and Norwegian ordinals (`1. januar`) do not end a sentence. The rule errs on the
    side of too long: a quote may then hold two sentences, but never half of one.
    """
    stop = len(text) if end is None else end
    position = start
    for match in _BOUNDARY.finditer(text, start, stop):
        # Only the last few characters: a line may hold megabytes without one end of a sentence.
        until = text[max(position, match.end() - 60) : match.end()]
        before = until.rstrip("\"'”’»)]")
        if _ABBREVIATION.search(before[-12:]):
            continue
        if _OPENED_QUOTE.search(until):
            continue
        if _ORDINAL.search(before[-6:]) and _AFTER_ORDINAL.match(text, match.end(), stop):
            continue
        yield position, match.end()
        position = match.end()
    if text[position:stop].strip():
        yield position, stop
