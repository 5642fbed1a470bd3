"""Plain text: bytes to characters, and lines to blocks."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import pairwise

from assistant.documents.blocks import Block, Parsed
from assistant.errors import DamagedFile

MAX_HEADING_WORDS = 12

# A line longer than this was not wrapped by hand or by a mail program: each line is a paragraph.
_WRAP_LIMIT = 160

# A dash opens a spoken line in Norwegian, so only the hyphen counts as a bullet, never the dash.
_BULLET = re.compile(r"(?P<indent>[ \t]*)(?:[•◦▪‣·●○■]|[-*](?=\s))\s*(?P<words>\S.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?P<indent>[ \t]*)(?P<marker>\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+(?P<words>\S.*)", re.DOTALL)
# "HVEM: ..." labels a value; "Photo: ..." and "Bilde av ..." stand under a picture. Neither is a heading.
_LABEL = re.compile(
    r"[A-ZÆØÅ ]{3,}:\s|(?i:.*\b(?:photo|foto|illustration|illustrasjon|image|bilde)\s*:"
    r"|(?:photo|picture|image|portrait|logo|logoen|bilde|foto|portrett)\s(?:of|av|til|from|fra)\s)"
)
_SENTENCE_END = tuple(".!?:;,")


def parse(raw: bytes, document_id: str) -> Parsed:
    """Return the blocks of a plain text file.

    Raises:
        DamagedFile: The bytes are not text.
    """
    return Parsed(blocks=tuple(_blocks(decode(raw, document_id))))


def decode(raw: bytes, document_id: str) -> str:
    """Return the characters of a text file: UTF-8, UTF-16 with a byte order mark, else Windows-1252.

    Raises:
        DamagedFile: The bytes are not text.
    """
    text = _decode(raw)
    controls = sum(1 for character in text[:100_000] if character < " " and character not in "\n\r\t\f\v\x1b")
    if "\0" in text or controls * 20 > len(text[:100_000]):
        raise DamagedFile(document_id, "is not text", "Give it the ending of its real format, or save it as UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(raw: bytes) -> str:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not raw.startswith(codecs.BOM_UTF32_LE):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Windows-1252 leaves five bytes open; Latin-1 gives them a meaning, so that nothing is lost.
        return raw.decode("cp1252", errors="ignore") if _is_windows_1252(raw) else raw.decode("latin-1")


def _is_windows_1252(raw: bytes) -> bool:
    return not any(byte in raw for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))


def _blocks(text: str) -> Iterator[Block]:
    groups = [group for group in re.split(r"\n(?:[^\S\n]*\n)+", text.replace("\f", "\n\n")) if group.strip()]
    level = 1
    for place, group in enumerate(groups):
        is_last = place == len(groups) - 1
        if "\n" not in group.strip("\n") and not is_last and looks_like_heading(group.strip()):
            yield Block("heading", group.strip(), level=level)
            level = 2
        else:
            yield from _group_blocks(group.strip("\n"))


def looks_like_heading(line: str) -> bool:
    """Tell whether a line that stands alone above other text is a heading, by its words only."""
    if line.endswith(_SENTENCE_END) or is_list_item(line):
        return False
    first = line.lstrip("\"'«“‘([¿¡")[:1]
    return (
        len(line.split()) <= MAX_HEADING_WORDS
        and len(line) <= 120
        and bool(re.search(r"[^\W\d_]", line))
        and not first.islower()
        and not line.startswith(("–", "—"))
        and not re.search(r"[.!?] [A-ZÆØÅ]\w* \w+", line)
        and not _LABEL.match(line)
        and "://" not in line
        and "@" not in line
    )


def is_list_item(line: str) -> bool:
    """Tell whether a line starts with a bullet or a number of a list."""
    return bool(_BULLET.match(line) or _NUMBERED.match(line))


def item_of(line: str) -> Block | None:
    """Return the list item that a line holds, or None where it holds none; the level is left at 0."""
    if bullet := _BULLET.match(line):
        return Block("item", bullet["words"])
    if numbered := _NUMBERED.match(line):
        return Block("item", numbered["words"], marker=numbered["marker"])
    return None


def _group_blocks(group: str) -> Iterator[Block]:
    """Blocks of lines that no blank line parts: list items, and paragraphs between them."""
    lines = group.split("\n")
    width = max(len(line) for line in lines)
    run: list[str] = []
    indents: list[int] = []
    for line in lines:
        if run and is_list_item(line) and not _is_wrapped_number(run[-1], line, width):
            yield _run_block(run, indents)
            run = []
        run.append(line)
    yield _run_block(run, indents)


def _is_wrapped_number(before: str, line: str, width: int) -> bool:
    """Tell whether a line starts with a number only because the sentence before it was wrapped there."""
    if item_of(before) is not None or not _NUMBERED.match(line):
        return False
    return not before.rstrip().endswith((".", ":", ";", "!", "?")) and _had_no_room(before, line, width)


def _run_block(lines: list[str], indents: list[int]) -> Block:
    item = item_of("\n".join(lines))
    if item is None:
        return _paragraph(lines)
    indent = len(lines[0].expandtabs(4)) - len(lines[0].expandtabs(4).lstrip())
    while indents and indents[-1] > indent:
        indents.pop()
    if not indents or indents[-1] < indent:
        indents.append(indent)
    return Block("item", item.text, level=len(indents) - 1, marker=item.marker)


def _paragraph(lines: list[str]) -> Block:
    """Join wrapped lines; keep lines that were broken although there was room for the next word."""
    width = max(len(line) for line in lines)
    if len(lines) >= 3 and any(
        not _had_no_room(line, after, width) and not line.rstrip().endswith(tuple(".!?,;"))
        for line, after in pairwise(lines)
    ):
        return Block("paragraph", "\n".join(line.strip() for line in lines), lines_kept=True)
    return Block("paragraph", "\n".join(lines), lines_kept=width > _WRAP_LIMIT and len(lines) > 1)


def _had_no_room(line: str, after: str, width: int) -> bool:
    return len(line.rstrip()) + 1 + len(after.split(maxsplit=1)[0] if after.split() else "") > width * 0.85
