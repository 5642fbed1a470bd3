"""Sections: where one article of a document ends and the next one begins, and in which language each is written.

A boundary stands where the format says that a new article begins, or where the language of the text changes for good.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.documents.blocks import Block, Kind, PlacedBlock, StoredText
from assistant.domain import Language, Metadata, Section
from assistant.language import detect_language

# A quotation, a caption or a "read this in Norwegian" is shorter than this; an article is longer.
MIN_RUN_WORDS = 60

# Blocks of fewer words say too little about their language; lists and tables are full of names. Headings move with
# the text below them.
_MIN_WORDS: Mapping[Kind, float] = {"paragraph": 5, "item": 10, "row": 10, "heading": float("inf")}

# Enough to be sure of a language, and cheap on a document of a thousand pages.
_SAMPLE_CHARACTERS = 20_000

_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(slots=True)
class _Run:
    """Neighbouring blocks in one language: from block `first` on; `words` were counted in it."""

    first: int
    is_norwegian: bool
    words: int


def find_sections(
    stored: StoredText, title: str, metadata: Metadata, *, one_language: bool = False
) -> tuple[Section, ...]:
    """Return the sections of a stored text, in order and without gaps, from 0 to its end.

    A document with one section carries its title, language, date and address. Where there are several, each has its
    own title and language, and no date: the document's date may not be the article's.

    Args:
        one_language: Somebody has stated the document's language: a list of titles in another one is no new article.
    """
    text = stored.text
    changes = set() if one_language else _language_changes(stored)
    firsts = _with_words(stored.blocks, sorted({0} | _declared(stored.blocks) | changes))
    if len(firsts) == 1:
        language = metadata.language or language_of_text(text)
        return (Section(0, len(text), title, language, metadata.published, metadata.url),)
    starts = [0, *(_line_start(text, stored.blocks[first].start) for first in firsts[1:])]
    ends = [*starts[1:], len(text)]
    return tuple(
        Section(start, end, _title(stored.blocks, first, title), language_of_text(text[start:end]), None, metadata.url)
        for start, end, first in zip(starts, ends, firsts, strict=True)
    )


def start_at_titles(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield the blocks; where several headings of level 1 stand among them, each but the first starts a section."""
    all_blocks = tuple(blocks)
    titles = [place for place, block in enumerate(all_blocks) if block.kind == "heading" and block.level == 1]
    later = frozenset(titles[1:])
    for place, block in enumerate(all_blocks):
        yield replace(block, starts_section=True) if place in later else block


def language_of_text(text: str) -> Language:
    """Return the language of a text, judged by samples of its beginning, middle and end where it is long."""
    if len(text) <= _SAMPLE_CHARACTERS:
        return detect_language(text)
    third = _SAMPLE_CHARACTERS // 3
    middle = len(text) // 2
    return detect_language("\n".join((text[:third], text[middle : middle + third], text[-third:])))


def _line_start(text: str, offset: int) -> int:
    """Return where the line of a block starts, list mark and indentation included."""
    return text.rfind("\n", 0, offset) + 1


def _declared(blocks: Sequence[PlacedBlock]) -> set[int]:
    """Blocks at which the format itself starts an article."""
    return {place for place, placed in enumerate(blocks) if placed.block.starts_section}


def _with_words(blocks: Sequence[PlacedBlock], firsts: Sequence[int]) -> list[int]:
    """Drop boundaries whose section would be headings only: these open the section that follows them."""
    kept = [0]
    for first in firsts[1:]:
        if all(placed.block.kind == "heading" for placed in blocks[kept[-1] : first]):
            continue
        kept.append(first)
    if len(kept) > 1 and all(placed.block.kind == "heading" for placed in blocks[kept[-1] :]):
        kept.pop()
    return kept


def _language_changes(stored: StoredText) -> set[int]:
    """Blocks at which the language changes, moved up to the headings in the new language right above."""
    runs = _runs(stored)
    return {_move_to_headings(stored, run) for run in runs[1:]}


def _runs(stored: StoredText) -> list[_Run]:
    runs: list[_Run] = []
    for place, placed in enumerate(stored.blocks):
        words = len(_WORD.findall(stored.text[placed.start : placed.end]))
        if words < _MIN_WORDS[placed.block.kind]:
            continue
        is_norwegian = _is_norwegian(stored.text[placed.start : placed.end])
        if runs and runs[-1].is_norwegian == is_norwegian:
            runs[-1].words += words
        else:
            runs.append(_Run(place, is_norwegian, words))
    return _confirmed(_absorb_short(runs), stored)


def _confirmed(runs: list[_Run], stored: StoredText) -> list[_Run]:
    """Judge each run again as a whole, and join neighbours that turn out to be in one language.

    Names, codes and short list items mislead one by one; a run of them together seldom does.
    """
    confirmed: list[_Run] = []
    for place, run in enumerate(runs):
        after = runs[place + 1].first if place + 1 < len(runs) else len(stored.blocks)
        text = stored.text[stored.blocks[run.first].start : stored.blocks[after - 1].end]
        run.is_norwegian = language_of_text(text) != "en"
        if confirmed and confirmed[-1].is_norwegian == run.is_norwegian:
            confirmed[-1].words += run.words
        else:
            confirmed.append(run)
    return confirmed


def _is_norwegian(text: str) -> bool:
    return detect_language(text[:2000]) != "en"


def _absorb_short(runs: list[_Run]) -> list[_Run]:
    """Let the shortest run go up in its neighbours until every run is an article."""
    while len(runs) > 1:
        shortest = min(range(len(runs)), key=lambda place: runs[place].words)
        if runs[shortest].words >= MIN_RUN_WORDS:
            break
        absorbed = runs.pop(shortest)
        if shortest == 0:
            runs[0].first = absorbed.first
            runs[0].words += absorbed.words
            continue
        runs[shortest - 1].words += absorbed.words
        if shortest < len(runs):
            runs[shortest - 1].words += runs.pop(shortest).words
    return runs


def _move_to_headings(stored: StoredText, run: _Run) -> int:
    """Return the first of the headings that stand right above a run.

    The nearest one belongs to the run whatever its words look like (it may be a name); those above it only if they are
    in the run's language.
    """
    place = run.first
    while place > 0 and stored.blocks[place - 1].block.kind == "heading":
        above = stored.blocks[place - 1]
        if place < run.first and _is_norwegian(stored.text[above.start : above.end]) != run.is_norwegian:
            break
        place -= 1
    return place


def _title(blocks: Sequence[PlacedBlock], first: int, fallback: str) -> str:
    """Return the last heading of the run of headings that opens a section, or else the document's title."""
    title = fallback
    for placed in blocks[first:]:
        if placed.block.kind != "heading":
            break
        title = " ".join(placed.block.text.split())
    return title
