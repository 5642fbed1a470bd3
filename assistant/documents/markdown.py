"""Markdown: CommonMark with tables and YAML front matter, to blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from assistant.documents import metadata
from assistant.documents.blocks import Block, Parsed
from assistant.documents.hidden import HiddenWords
from assistant.documents.plaintext import decode
from assistant.documents.sections import start_at_titles
from assistant.domain import Findings, Metadata
from assistant.errors import DamagedFile, LimitExceeded

if TYPE_CHECKING:
    from markdown_it.token import Token

_FENCE = re.compile(r"---[ \t]*\n")
_CLOSING_FENCE = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
# A list and its item are two levels. What is nested deeper the parser leaves out without a word.
_MOST_NESTED = 100
_NESTING = ("list_item_open", "blockquote_open")
_KEY = re.compile(r"[\w.-]+[ \t]*:(?:\s|$)")
# What has matched is not tried in another way: a line of many # would take for ever.
_COMMENTS_ONLY = re.compile(r"\s*+(?:#.*+\s*+)*+$")
_WHERE = "its front matter"


def parse(raw: bytes, document_id: str) -> Parsed:
    """Return the blocks of a Markdown file and what its front matter says; of HTML in it what `webpage` would take.

    Raises:
        DamagedFile: The bytes are not text, or the front matter is broken: it is never half-read.
        LimitExceeded: Lists, quotes or the HTML in it are nested too deeply.
    """
    text = decode(raw, document_id)
    front_matter, body = split_front_matter(text, document_id)
    hidden = HiddenWords()
    blocks = tuple(start_at_titles(_blocks(body, document_id, hidden)))
    return Parsed(blocks=blocks, front_matter=front_matter, findings=Findings(hidden=hidden.found()))


def split_front_matter(text: str, document_id: str) -> tuple[Metadata, str]:
    """Return what the front matter says, and the text below it.

    A line `---` on top that closes nothing and holds no keys is a rule across the page, not front matter.
    """
    opening = _FENCE.match(text)
    if not opening:
        return Metadata(), text
    closing = _CLOSING_FENCE.search(text, opening.end())
    content = text[opening.end() : closing.start() if closing else None]
    if not _KEY.match(content.lstrip("\n")) and not _COMMENTS_ONLY.match(content):
        if closing and _looks_like_yaml(content):
            return metadata.read_yaml(content, document_id, where=_WHERE, first_line=2), text[closing.end() :]
        return Metadata(), text
    if not closing:
        raise DamagedFile(
            document_id,
            "the front matter that opens on line 1 is never closed",
            "Put a line with --- below its last key",
        )
    return metadata.read_yaml(content, document_id, where=_WHERE, first_line=2), text[closing.end() :]


def _looks_like_yaml(content: str) -> bool:
    """Tell whether lines between two rules were meant as keys and values, although the first one is not."""
    lines = [line for line in content.split("\n") if line.strip()]
    return bool(lines) and sum(1 for line in lines if _KEY.match(line.strip())) * 2 >= len(lines)


def _blocks(body: str, document_id: str, hidden: HiddenWords) -> Iterator[Block]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MOST_NESTED}).enable(["table", "strikethrough"])
    tokens = parser.parse(body)
    if any(token.type in _NESTING and token.level + 1 >= _MOST_NESTED for token in tokens):
        reason = f"has lists or quotes nested more than {_MOST_NESTED // 2} deep"
        raise LimitExceeded(document_id, reason, "Write it with fewer levels")
    yield from _Walker(tokens, document_id, hidden).blocks()


class _Walker:
    """Walks the flat tokens of markdown-it and keeps count of the lists around them."""

    def __init__(self, tokens: Sequence[Token], document_id: str, hidden: HiddenWords) -> None:
        self._tokens = tokens
        self._document_id = document_id
        self._hidden = hidden
        self._lists: list[int | None] = []  # the next number of each open list; None for bullets
        self._marker: str | None = None  # the mark of the list item that has no words yet
        self._new_group = False

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in order."""
        cells: list[str] = []
        heading = 0
        for token in self._tokens:
            match token.type:
                case "heading_open":
                    heading = int(token.tag[1:])
                case "heading_close":
                    heading = 0
                case "bullet_list_open" | "ordered_list_open":
                    self._open_list(token)
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._open_item()
                case "table_open":
                    self._new_group = True
                case "tr_open":
                    cells = []
                case "td_open" | "th_open":
                    cells.append("")
                case "tr_close":
                    yield self._row(cells)
                    cells = []
                case "inline":
                    words = words_of(token)
                    if cells:
                        cells[-1] = words.replace("\t", " ")
                    elif heading and not self._lists:
                        yield Block("heading", words, level=heading)
                    else:
                        yield self._words(words)
                case "code_block" | "fence":
                    yield self._words(token.content, lines_kept=True)
                case "html_block":
                    yield from self._html(token.content)

    def _open_list(self, token: Token) -> None:
        self._new_group = self._new_group or not self._lists
        ordered = token.type == "ordered_list_open"
        self._lists.append(int(token.attrGet("start") or 1) if ordered else None)

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._marker = "-" if number is None else f"{number}."
        if number is not None:
            self._lists[-1] = number + 1

    def _row(self, cells: Sequence[str]) -> Block:
        starts, self._new_group = self._new_group, False
        return Block("row", "\t".join(cells), starts_group=starts)

    def _words(self, words: str, *, lines_kept: bool = False) -> Block:
        if not self._lists:
            return Block("paragraph", words, lines_kept=lines_kept)
        marker, self._marker = self._marker or "", None
        starts, self._new_group = self._new_group and bool(words.strip()), False
        return Block("item", words, level=len(self._lists) - 1, marker=marker, starts_group=starts)

    def _html(self, content: str) -> Iterator[Block]:
        """Blocks of HTML that stands between paragraphs: its words, without its tags."""
        from assistant.documents.webpage import fragment_blocks

        for block in fragment_blocks(content, self._document_id, self._hidden):
            yield self._words(block.text) if self._lists else block


def words_of(inline: Token) -> str:
    """Return the words of a line of Markdown: emphasis, links and escapes undone, images and HTML tags dropped."""
    words: list[str] = []
    for token in inline.children or []:
        match token.type:
            case "text" | "code_inline" | "text_special":
                words.append(token.content)
            case "softbreak" | "hardbreak":
                words.append("\n")
            case "html_inline" if re.match(r"<br\b", token.content, re.IGNORECASE):
                words.append("\n")
    return "".join(words)
