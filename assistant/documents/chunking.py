"""A document's stored text as chunks with exact spans: whole sentences, lists and tables kept together.

Never reads files and never embeds. Lengths are counted by the embedding model's own tokenizer, which is passed in, so
that the model never cuts a chunk without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.domain import Chunk, Document, Section
from assistant.sentences import Unit, split_units

# Raised whenever the same text would give other chunks: the indexes are then built anew.
CHUNKING_VERSION = "3"
# A chunk shorter than this is joined with the next one instead of standing alone under its heading.
SMALL_CHUNK_TOKENS = 24

CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never parted: one sentence, or a list or table of at most half a chunk, with what introduces it."""

    start: int
    end: int
    tokens: int
    opens_heading: bool


def chunk_document(document: Document, count_tokens: CountTokens, *, max_tokens: int) -> list[Chunk]:
    """Return the chunks of a document in order; empty only for a text without a single word.

    Every character but white space and list marks stands in exactly one chunk, and no chunk crosses a section. A chunk
    has at most `max_tokens` tokens with its title and heading, except that a single sentence longer than that stands
    alone and whole: the embedder then embeds it in windows.
    """
    chunks: list[Chunk] = []
    for section in document.sections:
        for start, end in _spans(document, section, count_tokens, max_tokens):
            goes_on = bool(chunks) and start == chunks[-1].end + 1
            chunks.append(_chunk(document, section, start, end, ordinal=len(chunks), goes_on=goes_on))
    return chunks


def _chunk(document: Document, section: Section, start: int, end: int, *, ordinal: int, goes_on: bool) -> Chunk:
    return Chunk(
        id=f"{document.id}:{document.version[:16]}:{ordinal}",
        document_id=document.id,
        version=document.version,
        text=document.text[start:end],
        start=start,
        end=end,
        title=section.title,
        heading=document.heading_at(start),
        page=document.page_at(start),
        language=section.language,
        goes_on=goes_on,
    )


def _spans(
    document: Document, section: Section, count_tokens: CountTokens, max_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield the spans of the chunks of one section, filled greedily from its pieces."""

    def room(start: int) -> int:
        # Title and heading are embedded with every chunk and are part of its length.
        return max_tokens - sum(count_tokens([section.title, document.heading_at(start) or ""])) - 2

    start, end, tokens, free = -1, -1, 0, 0
    for piece in _pieces(document, section, count_tokens, max_tokens, room):
        if start >= 0 and (tokens + piece.tokens > free or (piece.opens_heading and tokens >= SMALL_CHUNK_TOKENS)):
            yield start, end
            start = -1
        if start < 0:
            start, tokens, free = piece.start, 0, room(piece.start)
        end = piece.end
        tokens += piece.tokens
    if start >= 0:
        yield start, end


def _pieces(
    document: Document, section: Section, count_tokens: CountTokens, max_tokens: int, room: Callable[[int], int]
) -> Iterator[_Piece]:
    text, headings = document.text, {heading.start for heading in document.headings}
    units = [_shifted(unit, section.start) for unit in split_units(text[section.start : section.end])]
    # A list mark stands between two units and is read by the model too.
    ends = [unit.end for unit in units]
    lengths = count_tokens(
        [text[before:end] for before, end in zip([section.start, *ends], ends, strict=False)]
    )  # one end is left over

    def piece(members: Sequence[int]) -> _Piece:
        first, last = units[members[0]], units[members[-1]]
        return _Piece(first.start, last.end, sum(lengths[index] for index in members), first.start in headings)

    for whole in _groups(units, headings, keep_lists=True):
        if piece(whole).tokens <= min(max_tokens // 2, room(units[whole[0]].start)):
            yield piece(whole)
            continue
        # A list or table that cannot fit is parted between its items or rows, never inside one, and what introduces
        # it stays with the first of them.
        for group in _groups([units[index] for index in whole], headings, keep_lists=False):
            members = [whole[index] for index in group]
            fits = piece(members).tokens <= room(units[members[0]].start)
            yield from map(piece, [members] if fits else [[index] for index in members])


def _shifted(unit: Unit, offset: int) -> Unit:
    return Unit(unit.start + offset, unit.end + offset, unit.kind, unit.block, unit.introduces)


def _groups(units: Sequence[Unit], headings: set[int], *, keep_lists: bool) -> Iterator[list[int]]:
    """Yield the numbers of units that belong together.

    Those are a heading and its first unit, what introduces a list or table and its first item or row, the header of a
    table and its first row and, with `keep_lists`, the rest of the list or table.
    """
    group: list[int] = []
    for index, unit in enumerate(units):
        if group:
            before = units[index - 1]
            in_list = unit.kind in ("item", "row")
            same_list = keep_lists and in_list and unit.block == before.block and before.kind == unit.kind
            introduced = in_list and before.introduces
            opens_table = before.kind == "row" and (index == 1 or units[index - 2].block != before.block)
            under_header = opens_table and unit.kind == "row" and unit.block == before.block
            if not (same_list or introduced or under_header or before.start in headings):
                yield group
                group = []
        group.append(index)
    if group:
        yield group
