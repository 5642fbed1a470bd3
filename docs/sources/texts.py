"""The texts of the library before they are built or checked: front matter, blocks, and the section on sources.

The texts use a small part of Markdown: ``#`` headings, paragraphs, ``- `` and ``1. `` lists of one line an item, and
pipe tables. Markup inside a sentence is not supported: it would be printed as it stands.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LANGUAGE_TAGS = {"en": "en-GB", "nb": "nb-NO"}

SOURCES = Path(__file__).resolve().parent
CORPUS = SOURCES.parents[1] / "corpus"

ROADMAP = "roadmap/"
"""The folder of the corpus whose documents close with a section on sources."""

BUILD_KEYS = ("builds", "columns")
"""Keys of the front matter that say how to build a document; they do not reach its sidecar."""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title of the document. `line` of every block is its first line in the file, from 1."""

    level: int
    text: str
    line: int = 0


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    text: str
    line: int = 0


@dataclass(frozen=True)
class Listing:
    """A list, numbered or with bullets."""

    items: tuple[str, ...]
    numbered: bool
    line: int = 0


@dataclass(frozen=True)
class Grid:
    """A table with one header row; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    line: int = 0


Block = Heading | Prose | Listing | Grid


@dataclass(frozen=True)
class Source:
    """A document before it is built: its metadata, and its text as blocks.

    Attributes:
        lines: The line of the file on which each key of the front matter stands, from 1.
    """

    path: Path
    metadata: dict[str, Any]
    blocks: tuple[Block, ...]
    lines: Mapping[str, int]

    @property
    def title(self) -> str:
        """The title that the metadata gives."""
        return str(self.metadata["title"])

    @property
    def publisher(self) -> str:
        """The publisher that the metadata gives."""
        return str(self.metadata["publisher"])

    @property
    def language_tag(self) -> str:
        """The language as a tag with a region, as PDF and DOCX want it."""
        return LANGUAGE_TAGS[str(self.metadata["language"])]

    @property
    def published(self) -> dt.datetime:
        """Midnight of the day of publication."""
        day: dt.date = self.metadata["published"]
        return dt.datetime(day.year, day.month, day.day)

    @property
    def builds(self) -> str | None:
        """The document inside the corpus that is built from this text; None where the text is itself the document."""
        found = self.metadata.get("builds")
        return str(found) if found else None

    @property
    def body(self) -> tuple[Block, ...]:
        """The blocks after title and notice, up to the section on sources."""
        found: list[Block] = []
        for block in self.blocks[2:]:
            if isinstance(block, Heading) and block.text in CLOSING_HEADINGS:
                break
            found.append(block)
        return tuple(found)

    @property
    def full_blocks(self) -> tuple[Block, ...]:
        """The blocks, with the section on sources at the end of a roadmap document that is built."""
        if self.builds is None or not self.builds.startswith(ROADMAP):
            return self.blocks
        return (*self.blocks, *parse_blocks(sources_section(self.metadata)))


@dataclass(frozen=True)
class Finding:
    """A defect: on which line of the text (0: the whole file), what it is, and what to do."""

    line: int
    problem: str
    remedy: str


class BadText(ValueError):
    """A text of the library that cannot be read: which file and line, and what to do."""


def read_source(path: Path) -> Source:
    """Read a text of the library.

    Raises:
        BadText: It does not begin with front matter, the front matter is not YAML, or a table row has a cell too many
            or too few.
    """
    text = path.read_text(encoding="utf-8")
    match = re.match(r"---\n(.*?)\n---\n(.*)", text, flags=re.DOTALL)
    if match is None:
        raise BadText(f"{path.name}:1: it must begin with front matter between two lines of ---")
    try:
        metadata = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 2 + (mark.line if mark else 0)
        raise BadText(f"{path.name}:{line}: the front matter is not valid YAML; quote values that hold ': '") from error
    if not isinstance(metadata, dict):
        raise BadText(f"{path.name}:2: the front matter must be lines of 'key: value'")
    keys = {
        line.split(":")[0]: number for number, line in enumerate(match[1].split("\n"), start=2) if line[:1].isalpha()
    }
    first_line = text[: match.start(2)].count("\n") + 1
    try:
        blocks = parse_blocks(match[2], first_line)
    except ValueError as error:
        raise BadText(f"{path.name}:{error}") from error
    return Source(path=path, metadata=metadata, blocks=blocks, lines=keys)


def read_sources() -> list[Source]:
    """Read every text beside this file that a document is built from, by name.

    Raises:
        BadText: One of them cannot be read.
    """
    return [read_source(path) for path in sorted(SOURCES.glob("*.md"))]


def parse_blocks(text: str, first_line: int = 1) -> tuple[Block, ...]:
    """Cut Markdown into blocks at its blank lines; `first_line` is the number of the text's first line in its file.

    Raises:
        ValueError: A table row has more or fewer cells than the header; the text begins with its line.
    """
    return tuple(parse_block(lines, number) for number, lines in _paragraphs(text, first_line))


def _paragraphs(text: str, first_line: int) -> Iterator[tuple[int, list[str]]]:
    lines: list[str] = []
    start = first_line
    for number, line in enumerate([*text.split("\n"), ""], start=first_line):
        if line.strip():
            start = start if lines else number
            lines.append(line)
        elif lines:
            yield start, lines
            lines = []


def parse_block(lines: list[str], line: int) -> Block:
    """Read one block from its lines, none of them blank."""
    if heading := re.fullmatch(r"(#{1,3}) (.+)", lines[0]):
        return Heading(level=len(heading[1]), text=heading[2].strip(), line=line)
    if lines[0].startswith("|"):
        return parse_grid(lines, line)
    for marker, numbered in ((r"- ", False), (r"\d+\. ", True)):
        if all(re.match(marker, each) for each in lines):
            items = tuple(re.sub(f"^{marker}", "", each).strip() for each in lines)
            return Listing(items=items, numbered=numbered, line=line)
    return Prose(text=" ".join(each.strip() for each in lines), line=line)


def parse_grid(lines: list[str], line: int) -> Grid:
    """Read a pipe table; the second line is its rule.

    Raises:
        ValueError: A row has more or fewer cells than the header.
    """
    header, _, *rows = (tuple(cell.strip() for cell in each.strip().strip("|").split("|")) for each in lines)
    for number, row in enumerate(rows, start=line + 2):
        if len(row) != len(header):
            raise ValueError(f"{number}: a table row needs {len(header)} cells, got {len(row)}: {' / '.join(row)}")
    return Grid(header=header, rows=tuple(rows), line=line)


# The section on sources, which a reader sees at the end of a document.

_MONTHS_NB = "januar februar mars april mai juni juli august september oktober november desember".split()

SOURCE_HEADINGS = {"en": "Which sources does this document rest on?", "nb": "Hvilke kilder bygger dokumentet på?"}

CLOSING_HEADINGS = frozenset(
    {*SOURCE_HEADINGS.values(), "Where does this information come from?", "Hvor kommer opplysningene fra?"}
)
"""Where the body of a document ends: sources may stand in many documents, and are not statements of their own."""

_READ = {"en": "Read for this document, in whole or in part:", "nb": "Lest for dette dokumentet, helt eller delvis:"}

_NOT_OPENED = {
    "en": "Not opened, stated from general knowledge; check these before you rely on them:",
    "nb": "Ikke åpnet, gjengitt etter allmenn kunnskap; kontroller disse før du bygger på dem:",
}

_READ_ON = {"en": "read on {date}", "nb": "lest {date}"}


def in_words(day: dt.date, language: str) -> str:
    """Write a date as the language does: `22 November 2026`, `22. november 2026`."""
    if language == "nb":
        return f"{day.day}. {_MONTHS_NB[day.month - 1]} {day.year}"
    return f"{day.day} {day:%B} {day.year}"


def sources_section(metadata: Mapping[str, Any]) -> str:
    """Return the section on sources as Markdown: what was read, with the date, and what was not opened."""
    language = str(metadata["language"])
    sources = metadata.get("sources") or []
    parts = [f"## {SOURCE_HEADINGS[language]}"]
    for lead, chosen in (
        (_READ, [each for each in sources if each.get("accessed")]),
        (_NOT_OPENED, [each for each in sources if not each.get("accessed")]),
    ):
        if chosen:
            parts += [lead[language], "\n".join(_source_item(each, language) for each in chosen)]
    return "\n\n".join(parts) + "\n"


def _source_item(source: Mapping[str, Any], language: str) -> str:
    told = [f"{source['authority']}: {source['title']}", str(source.get("section") or "")]
    if source.get("accessed"):
        told.append(_READ_ON[language].format(date=in_words(source["accessed"], language)))
    address = f" {source['url']}" if source.get("url") else ""
    return "- " + ", ".join(part for part in told if part) + "." + address
