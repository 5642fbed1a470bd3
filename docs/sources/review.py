"""The review of the library, `docs/library-review.md`: which statements were read where, and the words that say so.

The review holds one table a document under a heading that is the document's file name. The columns are the statement
as it stands in the document, where it was read, the words that support it, and the verdict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from texts import Block, Grid, Heading, Listing, Prose, Source

from assistant.sentences import split_units

REVIEW = Path(__file__).resolve().parents[1] / "library-review.md"

VERDICTS = ("supported", "not opened", "unsure")
"""A text was opened that says so; nothing was opened; opened or not, the document itself tells the reader to check."""

LONGEST_WORDS = 25
"""Supporting words are a pointer into a source, not a copy of it."""

# Digits that belong to a name and tell no fact by themselves.
_NAMES = re.compile(
    r"\b5(?:10|13)\s?\(?[a-z]\b\)?|\b(?:ISO|IEC|IEEE|NS|EN)(?:[/ ](?:ISO|IEC|EN))*\s?\d[\d-]*(?::20\d\d)?|"
    r"\bICD-10(?:-\w+)?|\b(?:B|E|F|H|J|L|O|P|Q|TN)-\d[AB]?\b|\bSOC\s?[12]\b|\b24/7\b|\bHL7\b|\bMDS2\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Statement:
    """One line of the review.

    Attributes:
        line: Its line in the review, from 1.
        mended: The document was changed because of it.
    """

    document: str
    text: str
    read_where: str
    words: str
    verdict: str
    mended: bool
    line: int


def read_review(text: str) -> list[Statement]:
    """Return the statements of a review; a row without four cells gives a statement with an empty verdict."""
    found: list[Statement] = []
    document = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(r"#{2,3} (\S+\.(?:md|pdf|docx))\s*$", line):
            document = heading[1]
        elif document and line.startswith("|") and not re.match(r"\|\s*(?:Statement|-)", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            statement, where, words, verdict = cells if len(cells) == 4 else (cells[0], "", "", "")
            mended = verdict.endswith(", mended")
            verdict = verdict.removesuffix(", mended")
            found.append(Statement(document, statement, where, words.strip('"“”«» '), verdict, mended, number))
    return found


def words_of(text: str) -> str:
    """Return the words of a text in lower case with one space between them: what statements are compared by."""
    return " ".join(re.findall(r"\w+", text.lower()))


def bears_figure(text: str) -> bool:
    """Whether a text holds a digit that is not part of a name such as `510(k)` or `ISO 13485`."""
    return bool(re.search(r"\d", _NAMES.sub("", text)))


def units_of(block: Block) -> Iterator[tuple[str, int]]:
    """Yield the sentences, list items and table rows of a block, each with its line."""
    if isinstance(block, Prose):
        for unit in split_units(block.text):
            yield block.text[unit.start : unit.end], block.line
    elif isinstance(block, Listing):
        for number, item in enumerate(block.items):
            yield item, block.line + number
    elif isinstance(block, Grid):
        for number, row in enumerate(block.rows):
            yield " / ".join(row), block.line + 2 + number


def figures_of(source: Source) -> list[tuple[str, int]]:
    """Return each sentence, item and row of a document that bears a figure, with its line; title and notice exempt."""
    body = [block for block in source.body if not isinstance(block, Heading)]
    return [(text, line) for block in body for text, line in units_of(block) if bears_figure(text)]


def by_document(statements: list[Statement]) -> Mapping[str, list[Statement]]:
    """Group statements by the file name of their document."""
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        grouped.setdefault(statement.document, []).append(statement)
    return grouped
