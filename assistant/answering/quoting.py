"""Quotes as a language model gives them, found in the passage they name: its own words to exact places.

A model changes white space, quotation marks and dashes, drops a full stop or puts dots for what it leaves out; none of
that makes a quote false. Anything else does. What is found is widened to whole sentences, list items or table rows:
half a sentence may say the opposite of the whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answering.planted import is_planted, planted_positions
from assistant.answering.tables import labelled
from assistant.domain import Chunk
from assistant.sentences import Unit, split_units

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "|": " ",
        "…": ".",
    }
)
_LEFT_OUT = re.compile(r"\s*(?:\[\s*(?:\.{2,}|…)\s*\]|\(\s*(?:\.{2,}|…)\s*\)|\.{3,}|…)\s*")
# A sentence that opens like this says of whom or what it speaks in the one before it.
_LEANS = re.compile(
    r"(?:It|Its|They|Their|He|She|His|Her|This|That|These|Those|The same|Such|(?:Den|Det|De)(?! (?:\w+(?:e|de|te)|"
    r"som)\b)|Han|Hun|Dette|Denne|Disse|Samme|Den samme|"
    r"Det samme|Slike?|Ho|Dei)\b"
)
_EDGES = " \t\n.,;:!?-\"'()[]*_•"
# Shorter than this, words prove nothing unless they are a whole unit: a table's cell is not its row.
_SHORTEST_LETTERS = 12
_PART_LETTERS = 6
# A quote of half the passage shows nothing in particular.
WORDS_AT_MOST = 160


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as a model reads it.

    Attributes:
        text: Its words without those that give orders to machines; cells of a table parted by ` | `.
    """

    key: str
    chunk: Chunk
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """Whole units that a quote stands in.

    Attributes:
        units: Neighbours, in order; `chunk.text[units[0].start : units[-1].end]` is what is cited.
        positions: Their numbers among the units of the chunk.
        above: Title, heading, the line that introduces a list, the row with the names of a table's columns.
        before: The sentence before, where the first unit opens with a pronoun; it is not cited.
    """

    chunk: Chunk
    units: tuple[Unit, ...]
    positions: tuple[int, ...]
    above: str
    before: str = ""

    @property
    def words(self) -> str:
        """The words of the chunk, as stored."""
        return self.chunk.text[self.units[0].start : self.units[-1].end]


def passage(key: str, chunk: Chunk) -> Passage:
    """Return a chunk as a model reads it."""
    units = split_units(chunk.text)
    planted = planted_positions(chunk.text, units)
    text = chunk.text
    for position in sorted(planted, reverse=True):
        text = text[: units[position].start] + text[units[position].end :]
    return Passage(key, chunk, text.replace("\t", " | ").strip())


def find(words: str, chunk: Chunk) -> Found | None:
    """Return the units of a chunk that hold the quoted words, or None when they do not stand there."""
    folded, places = _folded(chunk.text)
    spans: list[tuple[int, int]] = []
    whole = unicodedata.normalize("NFC", words)
    parts = [part for part in _LEFT_OUT.split(whole) if part.strip(_EDGES)]
    for part in parts:
        wanted = _folded(part)[0].strip(_EDGES)
        start = folded.find(wanted, spans[-1][1] if spans else 0)
        if start < 0 or not wanted or (len(parts) > 1 and len(wanted) < _PART_LETTERS):
            return None
        spans.append((start, start + len(wanted)))
    if not spans:
        return None
    units = split_units(chunk.text)
    planted = planted_positions(chunk.text, units)
    touched = [
        position
        for position, unit in enumerate(units)
        if any(unit.start <= places[end - 1] and places[start] < unit.end for start, end in spans)
    ]
    if not touched or planted & set(touched):
        return None
    quoted = [position for position in touched if units[position].kind != "heading"]
    if not quoted or quoted != list(range(quoted[0], quoted[-1] + 1)):
        # Nothing but a heading, or sentences that others part: a quote is one run of words.
        quoted = _run(quoted)
    if not quoted:
        return None
    letters = sum(end - start for start, end in spans)
    chosen = tuple(units[position] for position in quoted)
    named = sum(units[position].end - units[position].start for position in touched)
    if letters < _SHORTEST_LETTERS and letters < 0.9 * named - 2:
        return None
    if len(chunk.text[chosen[0].start : chosen[-1].end].split()) > WORDS_AT_MOST:
        return None
    before = _before(chunk, units, quoted[0])
    return Found(
        chunk, chosen, tuple(quoted), _above(chunk, units, quoted[0]), "" if quoted[0] - 1 in planted else before
    )


def _run(positions: list[int]) -> list[int]:
    """Return the first unbroken run of positions."""
    run = positions[:1]
    for position in positions[1:]:
        if position != run[-1] + 1:
            break
        run.append(position)
    return run


def _folded(text: str) -> tuple[str, list[int]]:
    """Return a text in which equal quotes look equal, with the place of each of its characters in `text`."""
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if character == "\u00ad":
            continue
        plain = unicodedata.normalize("NFKC", character).translate(_SAME).lower()
        if plain.isspace() or not plain:
            if folded and folded[-1] == " ":
                continue
            plain = " "
        for one in plain:
            folded.append(one)
            places.append(place)
    return "".join(folded), places


def _before(chunk: Chunk, units: Sequence[Unit], first: int) -> str:
    """Return the sentence before one that opens with a pronoun, in the same paragraph; empty where it stands alone."""
    unit = units[first]
    if not first or unit.kind != "sentence" or not _LEANS.match(chunk.text, unit.start):
        return ""
    before = units[first - 1]
    return chunk.text[before.start : before.end] if before.kind == "sentence" and before.block == unit.block else ""


def _above(chunk: Chunk, units: Sequence[Unit], first: int) -> str:
    """Return what speaks with the unit: title, heading, a list's opening line, the names of a table's columns."""
    parts = [words for words in (chunk.title, chunk.heading or "") if not is_planted(words)]
    unit = units[first]
    for position in range(first - 1, -1, -1):
        before = units[position]
        if before.kind == "heading":
            heading = chunk.text[before.start : before.end]
            parts += [] if is_planted(heading) else [heading]
            break
        if before.introduces and unit.kind in ("item", "row") and before.kind not in ("item", "row"):
            line = chunk.text[before.start : before.end]
            parts += [] if is_planted(line) else [line]
            break
    has_header = not (chunk.goes_on and unit.block == units[0].block)  # else it stands in the passage before
    if unit.kind == "row" and has_header and (row := labelled(chunk.text, unit.start, unit.end)):
        parts.append(row)
    return ". ".join(dict.fromkeys(part for part in parts if part))
