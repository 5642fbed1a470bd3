"""Text as sentences, and sentences with the citation markers that stand after them.

Written apart from `assistant`, so that a mistake in its sentence splitting cannot hide itself from the measures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKER = re.compile(r"[ \t]?\[(\d+)\]")
# A full stop after one of these, after one letter or after an ordinal ends no sentence (English and Norwegian).
_NO_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Mrs|Ms|Prof|St|Inc|Ltd|Co|Corp|No|Nos|Sec|Fig|Art|pp?|ca|bl\.a|f\.eks|"
    r"dvs|osv|mv|jf|nr|kl|evt|inkl|ekskl|iht|pga|mht|ift|o\.l|m\.m|s|kap|pkt)|\b[A-Za-zÆØÅæøå]|^\d{1,3})\.$"
)
_END = re.compile(
    r"(?<=[.!?])[\"')\]»”’]*\s+(?=[\"'(\[«“‘-]*[A-ZÆØÅÄÖ0-9])"  # an end mark, then a sentence's beginning
    r"|\n\s*\n\s*"  # a new block
    r"|\n\s*(?=(?:[-*•]|\d{1,3}[.)])\s)"  # a new item of a list
    r"|(?<=[.!?:])\s*\n\s*"  # a line that ended with its sentence
)


@dataclass(frozen=True, slots=True)
class Span:
    """One sentence: `text[start:end]`, without white space at its ends."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ShownSentence:
    """A sentence of an answer and the numbers of the markers that stand after it."""

    text: str
    numbers: tuple[int, ...]


def sentence_spans(text: str, breaks: tuple[int, ...] = ()) -> list[Span]:
    """Split text into sentences; a sentence also ends at each offset in `breaks`. Empty text has none."""
    ends = sorted({*(match.end() for match in _END.finditer(text) if not _abbreviates(text, match)), *breaks})
    spans = []
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        piece = text[start:end]
        if piece.strip():
            left = start + len(piece) - len(piece.lstrip())
            spans.append(Span(piece.strip(), left, left + len(piece.strip())))
    return spans


def _abbreviates(text: str, match: re.Match[str]) -> bool:
    if "\n" in match.group():
        return False
    line_start = text.rfind("\n", 0, match.start()) + 1
    return bool(_NO_END.search(text[line_start : match.start()]))


def without_markers(text: str) -> str:
    """Return an answer's text without its `[n]` markers."""
    return MARKER.sub("", text)


def shown_sentences(text: str) -> list[ShownSentence]:
    """Split an answer into sentences, each with the markers right after it.

    A marker before the full stop belongs to that sentence too. A marker ends a sentence that has no end mark (a row
    of a table, an item of a list) when what follows does not go on in lower case.
    """
    pieces: list[str] = []
    markers: list[tuple[int, int]] = []
    length = position = 0
    for match in MARKER.finditer(text):
        pieces.append(text[position : match.start()])
        length += match.start() - position
        markers.append((length, int(match.group(1))))
        position = match.end()
    plain = "".join([*pieces, text[position:]])
    breaks = tuple(offset for offset, _ in markers if re.match(r"\s*[^\s\w.,;:!?)]|\s+[A-ZÆØÅÄÖ0-9]", plain[offset:]))
    spans = sentence_spans(plain, breaks)
    return [ShownSentence(span.text, _numbers(spans, index, markers)) for index, span in enumerate(spans)]


def _numbers(spans: list[Span], index: int, markers: list[tuple[int, int]]) -> tuple[int, ...]:
    """Return the numbers that stand after the sentence's start and at or before the next one's."""
    start = spans[index].start
    following = spans[index + 1].start if index + 1 < len(spans) else None
    return tuple(number for offset, number in markers if offset > start and (following is None or offset <= following))


def first_words(text: str, count: int) -> str:
    """Return the text up to the end of its `count`-th word, markers removed."""
    words = re.finditer(r"\S+", without_markers(text))
    plain = without_markers(text)
    end = 0
    for _, word in zip(range(count), words, strict=False):
        end = word.end()
    return plain[:end]
