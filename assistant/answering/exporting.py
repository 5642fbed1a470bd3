"""Answers as files with their proof, and the check of such a file against the library.

A file is checked twice. Its visible words are compared with its proof, so that a changed digit is found whoever changed
it; and every quote is compared with the library, so that it holds only if the documents say so.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, get_args

from assistant.answering.exporting_blocks import ANSWER_ROLES, PLACE_ROLES, Block, Export, ExportedQuote, shown
from assistant.answering.exporting_proof import Folded, Proof, decode_proof, fold
from assistant.domain import Document
from assistant.errors import UsageError

FileFormat = Literal["md", "docx", "pdf"]
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)
# A conversation of fifty questions takes less than a megabyte in each format.
BYTES_AT_MOST = 50_000_000

Verdict = Literal[
    "holds", "moved_on", "no_longer", "withdrawn", "not_in_library", "not_in_source", "other_place", "words_changed",
    "place_changed", "taken_out", "without_proof",
]  # fmt: skip
HOLDING: frozenset[Verdict] = frozenset({"holds", "moved_on"})
SENTENCES: dict[Verdict, str] = {
    "holds": "holds, word for word",
    "moved_on": "holds: the document has a newer version, which still says so",
    "no_longer": "does not hold any more: the document’s current version no longer says this",
    "withdrawn": "the document has been taken out of the collection since",
    "not_in_library": "cannot be confirmed: this library does not hold the document in this version",
    "not_in_source": "does not hold: these words do not stand at this place of the document",
    "other_place": "the words stand in the document, but not where the file says",
    "words_changed": "the quote’s words were changed after the export",
    "place_changed": "what the file says of its document, version, page or dates was changed after the export",
    "taken_out": "the quote was taken out of the file, and the answer that rests on it was not",
    "without_proof": "a quote without proof: it was not in the export",
}
# The beginning of what looks like a quote of ours.
_QUOTE_LIKE = re.compile(r"\[(\d{1,5})\]\s*[\"“„«]")
_FOUND_CHARACTERS = 160

# Returns a stored version of a document, the current one for None; None when there is none.
FindVersion = Callable[[str, str | None], Document | None]


@dataclass(frozen=True, slots=True)
class QuoteCheck:
    """What became of one quote.

    Attributes:
        document: Its document and page as the proof names them; None for a quote without proof.
        found: What stands in the file in its place, where its words were changed; else None.
    """

    number: int
    document: str | None
    page: str | None
    verdict: Verdict
    found: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the documents still say these words, and the file shows them."""
        return self.verdict in HOLDING

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return SENTENCES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "number": self.number,
            "document": self.document,
            "page": self.page,
            "verdict": self.verdict,
            "holds": self.holds,
            "sentence": self.sentence,
            "found": self.found,
        }


@dataclass(frozen=True, slots=True)
class Check:
    """What the check of a file found.

    Attributes:
        date: The day of the export, ISO 8601.
        questions: How many questions were exported.
        quotes: By number; quotes without proof come last. Those taken out together with their question are left out.
        changes: Sentences on questions and answers that were changed after the export.
        remarks: Sentences on what is worth knowing and no fault.
    """

    date: str
    questions: int
    quotes: tuple[QuoteCheck, ...]
    changes: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every quote holds and no answer was changed."""
        return not self.changes and all(quote.holds for quote in self.quotes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "holds": self.holds,
            "exported": self.date,
            "questions": self.questions,
            "quotes": [quote.to_dict() for quote in self.quotes],
            "changes": list(self.changes),
            "remarks": list(self.remarks),
        }


def write(export: Export, file_format: FileFormat) -> bytes:
    """Return a conversation as a file.

    Raises:
        UsageError: There is nothing to export.
    """
    if not export.exchanges:
        raise UsageError("There is no answered question to export. Ask one first.")
    writer, _ = _room(file_format)
    return writer(export)


def check(content: bytes, name: str, find: FindVersion) -> Check:
    """Return what became of every quote of an exported file.

    Args:
        name: The file's name; its ending tells the format.

    Raises:
        UsageError: It is no export of ours, or one that cannot be read.
    """
    file_format = PurePath(name).suffix.lower().removeprefix(".")
    if file_format not in FORMATS:
        raise UsageError(f"{name} cannot be checked: only exports as .md, .docx or .pdf can.")
    if len(content) > BYTES_AT_MOST:
        raise UsageError(f"{name} cannot be checked: it is larger than any export.")
    try:
        visible, encoded = _room(file_format)[1](content)
        proof = decode_proof(encoded)
    except UsageError as error:
        raise UsageError(f"{name} cannot be checked: {error}.") from error
    return _Comparison(proof, fold(visible)).check(find)


def _room(file_format: FileFormat) -> tuple[Callable[[Export], bytes], Callable[[bytes], tuple[str, str | None]]]:
    """Return writer and reader of a format; its room is entered only now, since its library takes time to import."""
    match file_format:
        case "md":
            from assistant.answering import exporting_markdown

            return exporting_markdown.write, exporting_markdown.read
        case "docx":
            from assistant.answering import exporting_word

            return exporting_word.write, exporting_word.read
        case "pdf":
            from assistant.answering import exporting_pdf

            return exporting_pdf.write, exporting_pdf.read


class _Comparison:
    """The blocks of a proof and the visible words of a file, laid side by side."""

    def __init__(self, proof: Proof, visible: Folded) -> None:
        self._proof = proof
        self._visible = visible
        self._folded = [fold(block.text) for block in proof.blocks]
        self._places = _align([folded.characters for folded in self._folded], visible.characters)

    def check(self, find: FindVersion) -> Check:
        """Return what became of every quote, and of the questions and answers."""
        gaps = list(self._gaps())
        gone = self._gone(gaps)
        quotes = [self._quote(quote, gaps, find) for quote in self._proof.quotes if quote.question not in gone]
        known = {quote.number for quote in self._proof.quotes}
        foreign = [QuoteCheck(number, None, None, "without_proof") for number in self._foreign(gaps, known)]
        questions = [block for block in self._proof.blocks if block.role == "question"]
        changes = [change for block in questions if block.question not in gone for change in self._changes(block, gaps)]
        remarks = [f"Question {number} was taken out of the file with its answer." for number in sorted(gone)]
        return Check(self._proof.date, len(questions), (*quotes, *foreign), tuple(changes), tuple(remarks))

    # ---- What the file shows ----

    def _gaps(self) -> Iterator[_Gap]:
        """Yield what stands in the file between two blocks that are as exported, with the blocks missing there."""
        last, end = -1, 0
        for index, start in [*((i, p) for i, p in enumerate(self._places) if p is not None), (len(self._places), None)]:
            stop = len(self._visible.characters) if start is None else start
            missing = tuple(range(last + 1, index))
            if missing or stop > end:
                yield _Gap(last, missing, self._text(end, stop))
            if start is not None:
                last, end = index, start + len(self._folded[index].characters)

    def _text(self, start: int, end: int) -> str:
        """Return visible words by their places among the folded characters."""
        if start >= end:
            return ""
        places = self._visible.places
        return self._visible.text[places[start] : places[end - 1] + 1]

    def _gone(self, gaps: Sequence[_Gap]) -> set[int]:
        """Return the questions taken out whole: nothing of them is left, and nothing stands in their place."""
        left = {
            block.question for block, place in zip(self._proof.blocks, self._places, strict=True) if place is not None
        }
        replaced = {self._proof.blocks[index].question for gap in gaps if gap.words for index in gap.missing}
        return {block.question for block in self._proof.blocks if block.question} - left - replaced

    def _foreign(self, gaps: Sequence[_Gap], known: set[int]) -> Iterator[int]:
        """Yield the numbers of what looks like a quote and was not in the export."""
        for gap in gaps:
            expected = {self._proof.blocks[index].number for index in gap.missing}
            for number in _QUOTE_LIKE.findall(gap.words):
                if int(number) not in expected & known:
                    yield int(number)

    def _changes(self, question: Block, gaps: Sequence[_Gap]) -> Iterator[str]:
        """Yield what was changed in one question and its answer."""
        blocks, number = self._proof.blocks, question.question
        shortened = question.text if len(question.text) <= 60 else f"{question.text[:57]}…"
        name = f"Question {number} “{shortened}”"
        own = [index for index, block in enumerate(blocks) if block.question == number]
        missing = {index for gap in gaps for index in gap.missing}
        if any(blocks[index].role == "question" and self._is_changed(index, missing) for index in own):
            yield f"{name}: the question’s words were changed after the export"
        # Words that were put in before the sources, or in place of the answer's, stand between these blocks.
        answer = {index for index in own if blocks[index].role in ANSWER_ROLES}
        inside = answer | {index for index in own if blocks[index].role == "question"}
        added = any(gap.words and not gap.missing and gap.after in inside for gap in gaps)
        if added or any(self._is_changed(index, missing) for index in answer):
            yield f"{name}: the answer’s words were changed after the export"

    def _is_changed(self, index: int, missing: set[int]) -> bool:
        return index in missing or not self._is_spaced_alike(index)

    def _is_spaced_alike(self, index: int) -> bool:
        """Return whether a block that is there has its spaces where it had them; a line end may stand for any."""
        place, expected = self._places[index], self._folded[index]
        if place is None:
            return False
        for offset in range(1, len(expected.characters)):
            before = _between(expected, offset)
            now = _between(self._visible, place + offset)
            if "\n" not in now and bool(before) != bool(now):
                return False
        return True

    # ---- The quotes ----

    def _quote(self, quote: ExportedQuote, gaps: Sequence[_Gap], find: FindVersion) -> QuoteCheck:
        page = quote.page_label or (str(quote.page) if quote.page else None)
        verdict, found = self._as_shown(quote, gaps)
        return QuoteCheck(quote.number, quote.document, page, verdict or _in_library(quote, find), found)

    def _as_shown(self, quote: ExportedQuote, gaps: Sequence[_Gap]) -> tuple[Verdict | None, str | None]:
        """Return what is wrong with a quote in the file itself, and what stands there; None when it is as exported."""
        own = [index for index, block in enumerate(self._proof.blocks) if block.number == quote.number]
        words = [index for index in own if self._proof.blocks[index].role == "quote"]
        if len(words) != 1 or not _says(self._folded[words[0]].characters, quote):
            return "words_changed", None
        if self._places[words[0]] is None:
            gap = next(gap for gap in gaps if words[0] in gap.missing)
            if not gap.words:
                return "taken_out", None
            at = next((match.start() for match in _QUOTE_LIKE.finditer(gap.words) if int(match[1]) == quote.number), 0)
            found = " ".join(gap.words[at:].split())
            return "words_changed", found if len(found) <= _FOUND_CHARACTERS else f"{found[:_FOUND_CHARACTERS]}…"
        if not self._is_spaced_alike(words[0]):
            return "words_changed", None
        places = [index for index in own if self._proof.blocks[index].role in PLACE_ROLES]
        touched = {gap.after for gap in gaps if gap.words and not gap.missing and not _QUOTE_LIKE.search(gap.words)}
        # Words put in under a quote, before the last line about it, read as if they were said about it.
        if any(self._places[index] is None for index in places) or touched & {words[0], *places[:-1]}:
            return "place_changed", None
        return None, None


@dataclass(frozen=True, slots=True)
class _Gap:
    """A stretch between two blocks that are as exported.

    Attributes:
        after: The block before it; -1 at the file's beginning.
        missing: The blocks that should stand there.
        words: What stands there; empty when nothing does.
    """

    after: int
    missing: tuple[int, ...]
    words: str


def _between(folded: Folded, index: int) -> str:
    """Return the white space before a character."""
    return folded.text[folded.places[index - 1] + 1 : folded.places[index]]


def _says(block: str, quote: ExportedQuote) -> bool:
    """Return whether a block shows the quote's words in quotation marks behind its number, and nothing else."""
    return block == f'[{quote.number}]"{fold(shown(quote.quote)).characters}"'


def _in_library(quote: ExportedQuote, find: FindVersion) -> Verdict:
    """Return whether the documents say a quote's words, then and now."""
    current, version = find(quote.document, None), find(quote.document, quote.version)
    if version is None:
        return "not_in_library"
    if not quote.quote or version.text[quote.start : quote.end] != quote.quote:
        return "not_in_source"
    section = version.section_at(quote.start)
    # A title or heading that gives orders is not shown, so those two may be missing.
    stated = (quote.page, quote.page_label, quote.heading or version.heading_at(quote.start))
    if stated != (version.page_at(quote.start), version.page_label_at(quote.start), version.heading_at(quote.start)):
        return "other_place"
    if quote.title not in (section.title, quote.document.rsplit("/", 1)[-1]):
        return "other_place"
    if current is None:
        return "withdrawn"
    if current.version == quote.version:
        return "holds"
    return "moved_on" if fold(quote.quote).characters in fold(current.text).characters else "no_longer"


def _align(blocks: Sequence[str], visible: str) -> list[int | None]:
    """Return where each block stands in the visible words, in order; None for one that is not there.

    Blocks that stand there once hold the others in place; what repeats is looked for between them.
    """
    places: list[int | None] = [None] * len(blocks)
    for index, place in _longest_rise(_unique(blocks, visible)):
        places[index] = place
    # From each block that is found, on to its neighbours that follow directly, then back.
    for index in range(len(blocks)):
        before = places[index - 1] if index else None
        end = 0 if not index else None if before is None else before + len(blocks[index - 1])
        if places[index] is None and end is not None and visible.startswith(blocks[index], end):
            places[index] = end
    for index in range(len(blocks) - 2, -1, -1):
        after = places[index + 1]
        if places[index] is None and after is not None and visible.endswith(blocks[index], 0, after):
            places[index] = after - len(blocks[index])
    _fill(blocks, visible, places)
    return places


def _fill(blocks: Sequence[str], visible: str, places: list[int | None]) -> None:
    """Look for the blocks that are not found yet in the stretches between those that are."""
    end = 0
    for index, block in enumerate(blocks):
        found = places[index]
        if found is None:
            limit = next((place for place in places[index:] if place is not None), len(visible))
            at = visible.find(block, end, limit)
            if at < 0:
                continue
            places[index] = found = at
        end = found + len(block)


def _unique(blocks: Sequence[str], visible: str) -> Iterator[tuple[int, int]]:
    """Yield the blocks that stand in both exactly once, with their places."""
    counts: dict[str, int] = {}
    for block in blocks:
        counts[block] = counts.get(block, 0) + 1
    for index, block in enumerate(blocks):
        place = visible.find(block) if block and counts[block] == 1 else -1
        if place >= 0 and visible.find(block, place + 1) < 0:
            yield index, place


def _longest_rise(pairs: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs in which the places rise."""
    ends: list[int] = []
    chains: list[tuple[tuple[int, int], Any]] = []
    for pair in pairs:
        at = bisect_left(ends, pair[1])
        chain = (pair, chains[at - 1] if at else None)
        ends[at : at + 1] = [pair[1]]
        chains[at : at + 1] = [chain]
    rise: list[tuple[int, int]] = []
    chain_: Any = chains[-1] if chains else None
    while chain_ is not None:
        rise.append(chain_[0])
        chain_ = chain_[1]
    return rise[::-1]
