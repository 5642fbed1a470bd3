"""The default answerer: picks whole sentences, list items and table rows, word for word, and writes nothing itself."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.answering.answer_types import TELLING_TYPES, holds
from assistant.answering.evidence import Candidate, Evidence
from assistant.answering.planted import planted_positions
from assistant.domain import Chunk, Claim, Draft, Hit, Lapse, Query, Quote
from assistant.retrieval.families import overlap, shingles
from assistant.sentences import Unit, split_units

SENTENCES_AT_MOST = 5
# A sentence that meets a term which the picked ones leave open may join from this share of the best score.
ADDS_FROM = 0.4
# A list that answers is shown whole up to this many words.
LIST_WORDS_AT_MOST = 160
SAME_SENTENCE = 0.7
# A sentence that opens like this is not understood alone.
_PRONOUN = re.compile(
    r"(?:It|Its|They|Their|He|She|His|Her|This|That|These|Those|Den|Det|De|Han|Hun|Dette|Denne|Disse|Ho|Dei)\b"
)


class Answerer(Protocol):
    """Turns hits into claims about a question, each with the quotes that carry it."""

    def claims(self, query: Query, hits: Sequence[Hit], evidence: Evidence) -> Generator[Claim | Lapse, None, None]:
        """Yield claims with their quotes as they are ready, and a lapse for what cannot be given; nothing raises."""
        ...


@dataclass(frozen=True, slots=True)
class _Pick:
    """Units of one hit that go into the answer together."""

    hit: Hit
    units: tuple[Unit, ...]

    @property
    def text(self) -> str:
        chunk = self.hit.chunk
        return " ".join(chunk.text[unit.start : unit.end] for unit in self.units)

    @property
    def word_count(self) -> int:
        return len(self.text.split())


class ExtractiveAnswerer:
    """Picks the best-scored units up to a number of words."""

    def __init__(self, *, answer_words: int, joins_from: float) -> None:
        self._answer_words = answer_words
        self._joins_from = joins_from

    def claims(self, query: Query, hits: Sequence[Hit], evidence: Evidence) -> Generator[Claim | Lapse, None, None]:
        """Yield the claims of the draft."""
        yield from self.draft(query, hits, evidence).claims

    def draft(self, query: Query, hits: Sequence[Hit], evidence: Evidence) -> Draft:
        """Return the picked units: the best passage first, reading order inside a passage, no repeats."""
        picks: list[_Pick] = []
        word_count = 0
        best = evidence.candidates[0].score if evidence.candidates else 0.0
        met: tuple[float, ...] = ()
        for candidate in evidence.candidates:
            if len(picks) >= SENTENCES_AT_MOST or candidate.score < ADDS_FROM * best:
                break
            if (
                picks
                and not self._joins(candidate, picks, best=best, met=met)
                and not _tells(candidate, picks, evidence)
            ):
                continue
            pick = _without_shown(_without_planted(_expand(candidate, evidence)), picks)
            if not pick.units:
                continue
            fits = not picks or word_count + pick.word_count <= self._answer_words
            if fits and not _is_repeat(pick, picks):
                picks.append(pick)
                word_count += pick.word_count
                met = _join(met, candidate.terms)
        return Draft(tuple(claim for pick in _in_reading_order(picks) for claim in _claims(pick)))

    def _joins(self, candidate: Candidate, picks: Sequence[_Pick], *, best: float, met: tuple[float, ...]) -> bool:
        """Return whether a further sentence is good enough, in the language that the answer has begun in."""
        if candidate.hit.chunk.language != picks[0].hit.chunk.language:
            return False
        return candidate.score >= self._joins_from * best or _adds(candidate, met)


def _tells(candidate: Candidate, picks: Sequence[_Pick], evidence: Evidence) -> bool:
    """Return whether a sentence holds the kind of answer asked for, such as a date, where no picked one does."""
    wanted = evidence.wanted
    return (
        wanted in TELLING_TYPES
        and candidate.hit.chunk.language == picks[0].hit.chunk.language
        and holds(wanted, candidate.text)
        and not any(holds(wanted, pick.text) for pick in picks)
    )


def _adds(candidate: Candidate, met: tuple[float, ...]) -> bool:
    """Return whether a sentence meets a term of the question that no picked one does, as in a comparison."""
    return len(met) == len(candidate.terms) and any(
        new >= 1.0 and not old for old, new in zip(met, candidate.terms, strict=True)
    )


def _join(met: tuple[float, ...], terms: tuple[float, ...]) -> tuple[float, ...]:
    """Return the better match of each term; another language's terms are others, and the first language's stay."""
    return tuple(map(max, met, terms)) if len(met) == len(terms) else (met or terms)


def _expand(candidate: Candidate, evidence: Evidence) -> _Pick:
    """Return the unit with what belongs to it: the list that it introduces, or is part of when a list is asked for."""
    chunk = candidate.hit.chunk
    units = split_units(chunk.text)
    position = candidate.position
    unit = units[position]
    asks_for_many = evidence.wanted in ("list", "count")
    if unit.introduces or asks_for_many:
        listed = _list_after(units, position)
        only_header = len(listed) == 1 and listed[0].kind == "row"
        following = _without_header(listed, units, chunk)
        whole = _Pick(candidate.hit, (unit, *following))
        if unit.kind == "sentence" and following and not only_header and whole.word_count <= LIST_WORDS_AT_MOST:
            return whole
    if unit.kind in ("item", "row") and asks_for_many:
        members = [other for other in units if other.block == unit.block and other.kind == unit.kind]
        first = units.index(members[0])
        opening = [units[first - 1]] if first and units[first - 1].introduces else []
        whole = _Pick(candidate.hit, (*opening, *_without_header(members, units, chunk)))
        if whole.word_count <= LIST_WORDS_AT_MOST:
            return whole
    return _Pick(candidate.hit, (*_leans_on(units, position, chunk.text), unit))


def _leans_on(units: Sequence[Unit], position: int, text: str) -> list[Unit]:
    """Return the sentence before one that opens with a pronoun, in the same paragraph: it says who or what is meant."""
    unit = units[position]
    if position == 0 or unit.kind != "sentence" or not _PRONOUN.match(text, unit.start):
        return []
    before = units[position - 1]
    return [before] if before.kind == "sentence" and before.block == unit.block else []


def _list_after(units: Sequence[Unit], position: int) -> list[Unit]:
    """Return the items or rows that follow directly, all of one list or table."""
    following: list[Unit] = []
    for unit in units[position + 1 :]:
        if unit.kind not in ("item", "row") or (following and unit.block != following[0].block):
            break
        following.append(unit)
    return following


def _without_header(members: Sequence[Unit], units: Sequence[Unit], chunk: Chunk) -> Sequence[Unit]:
    """Return the rows of a table without the one that names its columns: each row is shown with those names.

    A table that began in the passage before has its header there.
    """
    if len(members) < 2 or members[0].kind != "row" or (chunk.goes_on and units.index(members[0]) == 0):
        return members
    return members[1:]


def _without_planted(pick: _Pick) -> _Pick:
    """Return the pick without planted units: a list may hold an order among its items."""
    units = split_units(pick.hit.chunk.text)
    planted = {units[position] for position in planted_positions(pick.hit.chunk.text, units)}
    return _Pick(pick.hit, tuple(unit for unit in pick.units if unit not in planted))


def _without_shown(pick: _Pick, picks: Sequence[_Pick]) -> _Pick:
    """Return the pick without units that the answer already shows."""
    shown = {unit for other in picks if other.hit.chunk.id == pick.hit.chunk.id for unit in other.units}
    return _Pick(pick.hit, tuple(unit for unit in pick.units if unit not in shown))


def _is_repeat(pick: _Pick, picks: Sequence[_Pick]) -> bool:
    own = shingles(pick.text)
    for other in picks:
        theirs = shingles(other.text)
        # What the shorter one says first may be said again with more: only what adds nothing is a repeat.
        if len(own) <= len(theirs) and overlap(own, theirs) >= SAME_SENTENCE:
            return True
    return False


def _in_reading_order(picks: Sequence[_Pick]) -> list[_Pick]:
    """Return the best pick first, since it is the answer; the others passage by passage, in order inside a passage."""
    passages = list(dict.fromkeys(pick.hit.chunk.id for pick in picks))
    return [
        *picks[:1],
        *sorted(picks[1:], key=lambda pick: (passages.index(pick.hit.chunk.id), pick.units[0].start)),
    ]


def _claims(pick: _Pick) -> list[Claim]:
    chunk = pick.hit.chunk
    claims = []
    for unit in pick.units:
        words = chunk.text[unit.start : unit.end]
        form = unit.kind if unit.kind in ("item", "row") else "sentence"
        claims.append(Claim(words, (Quote(chunk.id, words, chunk.start + unit.start),), form))
    return claims
