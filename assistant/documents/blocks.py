"""Blocks: what every parser makes of a file, and the one way in which blocks become stored text.

A parser decides what is a heading, a paragraph, a list item or a table row. Everything else (white space, Unicode form,
list marks, offsets, page starts) is decided here, once for all formats. Nothing here reads a file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from assistant.documents.hidden import HiddenWords, without_tags
from assistant.domain import Findings, Heading, HiddenText, Metadata

Kind = Literal["heading", "paragraph", "item", "row"]

PAGE_BREAK = "\f"
BULLET = "-"

# Invisible joiners and byte order marks at the edge of a block belong to no word.
_INVISIBLE = "\u200b\u2060\ufeff"
_SOFT_HYPHEN = "\u00ad"


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, paragraph, list item or table row of a document.

    Attributes:
        text: The words. A form feed is a page break inside the block; a tab parts the cells of a row.
        level: Of a heading from 1 (title) to 6; of a list item how deep it is nested, from 0.
        page: The physical page (from 1) on which the block starts, or None where the format has no pages.
        marker: What stands before a list item: `-`, a number such as `1.`, or nothing for a further paragraph of it.
        lines_kept: Line breaks carry meaning here (code, verse, addresses) and stay.
        starts_group: A new list or table begins, although another one ends right above.
        starts_section: A new article begins here because the format says so.
    """

    kind: Kind
    text: str
    level: int = 0
    page: int | None = None
    marker: str = BULLET
    lines_kept: bool = False
    starts_group: bool = False
    starts_section: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser found in one file.

    Attributes:
        front_matter: What the author wrote on top of the file about it.
        properties: What the file format itself says about the file; the weakest source.
        page_count: Physical pages (or slides); 0 where the format has none.
        notices: What staff should know and did not stop the file, one sentence each.
        findings: What was dropped and what is hidden; tables are counted later, see `findings_of`.
    """

    blocks: tuple[Block, ...]
    front_matter: Metadata = field(default_factory=Metadata)
    properties: Metadata = field(default_factory=Metadata)
    page_count: int = 0
    page_labels: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block and the place of its words in the stored text, list mark left out: `text[start:end]`."""

    block: Block
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class StoredText:
    """The stored text of a document with everything that is an offset into it.

    Attributes:
        hidden: What was spelt in characters that no program draws; they are left out.
    """

    text: str
    headings: tuple[Heading, ...]
    pages: tuple[int, ...]
    blocks: tuple[PlacedBlock, ...]
    hidden: tuple[HiddenText, ...] = ()


def findings_of(parsed: Parsed, stored: StoredText) -> Findings:
    """Return what staff should know about how a file was read; a table has two rows or more."""
    rows = tables = 0
    before: PlacedBlock | None = None
    for placed in stored.blocks:
        if placed.block.kind == "row":
            goes_on = before is not None and before.block.kind == "row" and not placed.block.starts_group
            rows = rows + 1 if goes_on else 1
            tables += rows == 2
        before = placed
    return replace(parsed.findings, tables=tables, hidden=parsed.findings.hidden + stored.hidden)


def assemble(blocks: Iterable[Block], page_count: int = 0) -> StoredText:
    """Write blocks down as stored text.

    Blocks without words leave nothing behind. A page without words starts where the next words stand, so that
    `Document.page_at` never names it.
    """
    writer = _Writer()
    for block in blocks:
        writer.write(block)
    return writer.finish(page_count)


class _Writer:
    """Collects the stored text and the offsets while it grows."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._last: Block | None = None
        self._pages: list[int] = []
        self._headings: list[Heading] = []
        self._placed: list[PlacedBlock] = []
        self._hidden = HiddenWords()

    def write(self, block: Block) -> None:
        """Append one block, unless it holds no words."""
        text, spelt = without_tags(block.text)
        for words in spelt:
            self._hidden.add("not_shown", words, block.page)
        pieces = [_clean(piece, block) for piece in _split_at_pages(text)]
        if not "".join(pieces).strip():
            return
        self._append(self._separator(block))
        if block.page is not None:
            self._start_pages(block.page)
        self._append(_mark(block))
        start = self._length
        self._append_pieces(pieces)
        self._placed.append(PlacedBlock(block, start, self._length))
        if block.kind == "heading":
            self._headings.append(Heading(start, self._length, max(1, min(6, block.level))))
        self._last = block

    def finish(self, page_count: int) -> StoredText:
        """Return the text; pages after the last words start at its end."""
        self._start_pages(page_count)
        return StoredText(
            text="".join(self._parts),
            headings=tuple(self._headings),
            pages=tuple(self._pages[:page_count]),
            blocks=tuple(self._placed),
            hidden=self._hidden.found(),
        )

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)

    def _append_pieces(self, pieces: list[str]) -> None:
        """Append the words of a block; each piece after the first starts a page at its first word."""
        written = pieces[0].lstrip(" \n")
        for piece in pieces[1:]:
            head = piece.lstrip(" \n")
            gap = " " if head and written and (piece != head or written[-1] in " \n") else ""
            self._append(written.rstrip(" \n") + gap if gap else written)
            self._pages.append(self._length)
            written = head
        self._append(written.rstrip(" \n\t"))

    def _start_pages(self, page: int) -> None:
        """Record that all pages up to `page` start here, as far as they have not started."""
        self._pages.extend([self._length] * (page - len(self._pages)))

    def _separator(self, block: Block) -> str:
        if self._last is None:
            return ""
        together = block.kind in ("item", "row") and self._last.kind == block.kind and not block.starts_group
        return "\n" if together else "\n\n"


def _split_at_pages(text: str) -> list[str]:
    return text.split(PAGE_BREAK)


def _mark(block: Block) -> str:
    if block.kind != "item":
        return ""
    if not block.marker:
        return "  " * (block.level + 1)
    return f"{'  ' * block.level}{block.marker} "


def _clean(text: str, block: Block) -> str:
    text = clean_characters(text)
    if block.kind == "row":
        return "\t".join(" ".join(cell.split()) for cell in text.split("\t"))
    if block.lines_kept:
        lines = [line.rstrip() for line in text.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    # Edges are kept as one space: at a page break they tell whether the word goes on.
    return re.sub(r"\s+", " ", text)


def clean_characters(text: str) -> str:
    """Return text in Unicode NFC with plain spaces and line feeds, without control characters and soft hyphens.

    Letters and punctuation stay as they are: a quote must be found again in the original.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(_SOFT_HYPHEN, "")
    text = _UNUSUAL.sub(lambda found: _plain(found[0]), text)
    return unicodedata.normalize("NFC", text).strip(_INVISIBLE)


# Neither letter nor digit nor printable ASCII: few, so the slow look at each one's category costs little.
_UNUSUAL = re.compile(r"[^\w\n\t -~]")


def _plain(character: str) -> str:
    """Map one character: white space of any kind to a space, controls and lone surrogates to nothing."""
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or (category == "Cc" and character.isspace()):
        return " "
    return "" if category in ("Cc", "Cs") else character
