"""A document's stored text as chunks with exact spans: whole sentences, lists and tables kept together.

Never reads files and never embeds. Lengths are counted by the embedding model's own tokenizer, which is passed in, so
that the model never cuts a chunk without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.domain import Chunk, Document, Section
from assistant.sentences import Unit, split_units

# Raised whenever the same text would give other chunks: the indexes are then built anew.
CHUNKING_VERSION = "1"
# A chunk shorter than this is joined with the next one instead of standing alone under its heading.
SMALL_CHUNK_TOKENS = 24

CountTokens = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never parted: one sentence, or a list or table that fits, with the line that introduces it."""

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
            chunks.append(_chunk(document, section, start, end, ordinal=len(chunks)))
    return chunks


def _chunk(document: Document, section: Section, start: int, end: int, *, ordinal: int) -> Chunk:
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
    )


def _spans(
    document: Document, section: Section, count_tokens: CountTokens, max_tokens: int
) -> Iterator[tuple[int, int]]:
    """Yield the spans of the chunks of one section, filled greedily from its pieces."""
    headings = {heading.start for heading in document.headings}
    pieces = _pieces(document.text, section, headings, count_tokens, max_tokens)
    start, end, tokens = -1, -1, 0
    for piece in pieces:
        # Title and heading are embedded with every chunk and are part of its length.
        context = sum(count_tokens([section.title, document.heading_at(piece.start) or ""])) + 2
        full = tokens + piece.tokens > max_tokens - context
        if start >= 0 and (full or (piece.opens_heading and tokens >= SMALL_CHUNK_TOKENS)):
            yield start, end
            start, tokens = -1, 0
        start = piece.start if start < 0 else start
        end = piece.end
        tokens += piece.tokens
    if start >= 0:
        yield start, end


def _pieces(
    text: str, section: Section, headings: set[int], count_tokens: CountTokens, max_tokens: int
) -> list[_Piece]:
    units = [_shifted(unit, section.start) for unit in split_units(text[section.start : section.end])]
    if not units:
        return []
    lengths = count_tokens([text[unit.start : unit.end] for unit in units])
    pieces: list[_Piece] = []
    for group in _groups(units, headings):
        total = sum(lengths[index] for index in group)
        # A list or table that cannot fit is parted between its items or rows, never inside one.
        members = [group] if total <= max_tokens // 2 or len(group) == 1 else [[index] for index in group]
        for member in members:
            first, last = units[member[0]], units[member[-1]]
            opens_heading = first.start in headings
            pieces.append(_Piece(first.start, last.end, sum(lengths[index] for index in member), opens_heading))
    return pieces


def _shifted(unit: Unit, offset: int) -> Unit:
    return Unit(unit.start + offset, unit.end + offset, unit.kind, unit.block, unit.introduces)


def _groups(units: Sequence[Unit], headings: set[int]) -> list[list[int]]:
    """Group the numbers of units that belong together: a list or table, what introduces it, a heading and its first."""
    groups: list[list[int]] = [[0]]
    for (_, before), (index, unit) in pairwise(enumerate(units)):
        same_list = unit.block == before.block and unit.kind in ("item", "row") and before.kind == unit.kind
        introduced = before.introduces and unit.kind in ("item", "row")
        under_heading = before.start in headings
        if same_list or introduced or under_heading:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
