"""Families among the hits: copies of one text count once, a newer edition stands for an older, translations in order.

Pure functions. What is known of a document's age arrives as an `Edition`, made by `validity.edition`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zlib import crc32

from assistant.domain import Hit, Language
from assistant.language import words

# Share of the shorter text's word triples that the longer one holds, from which both count as one text. Two news pages
# with the same article edited lightly share about 0.9, different passages on one subject under 0.2.
SAME_TEXT = 0.75
# The same share with every number and date masked, from which two passages are editions of one text: editors change a
# word beside the figure as well.
SAME_EDITION = 0.6
# In fewer words a shared template ("Fee: 100 dollars") is no shared text.
EDITION_WORDS = 8
# A text so many times as long as its twin says more, and stays beside it.
SAYS_MORE = 1.5
# A translation into the language of the question goes first when it is at least this share as good.
NEARLY_AS_GOOD = 0.6
_SHINGLE = 3
_MASK = "#"

_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "januar|februar|mars|mai|juni|juli|oktober|desember"
)
_MONTH_WORDS = frozenset(_MONTHS.split("|"))
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_DATE = re.compile(
    rf"\b\d{{4}}-\d{{2}}(?:-\d{{2}})?\b|\b\d{{1,2}}\.\d{{1,2}}\.\d{{4}}\b|\b\d{{1,2}}\.?\s+(?:{_MONTHS})\b|"
    rf"\b(?:{_MONTHS})\s+\d{{1,2}}\b(?!\d)|{_YEAR.pattern}",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d+(?:[ .,\u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Edition:
    """What tells the age of a document's text; dates are ISO 8601 of any precision, None where unknown.

    Attributes:
        outdated: The document is past its time or superseded.
        year: The year that its title names.
    """

    outdated: bool = False
    year: int | None = None
    published: str | None = None
    valid_until: str | None = None
    checked: str | None = None


def is_newer(first: Edition, second: Edition) -> bool | None:
    """Return whether the first edition is the newer one; None where nothing that both state tells them apart.

    What says most about the text decides first: out of date or not, the year in the title, the day of publication, the
    end of validity, the last check.
    """
    if first.outdated != second.outdated:
        return second.outdated
    if first.year and second.year and first.year != second.year:
        return first.year > second.year
    for own, other in (
        (first.published, second.published),
        (first.valid_until, second.valid_until),
        (first.checked, second.checked),
    ):
        if own and other:
            # `2026` and `2026-03` may be the same day: only what both state is compared.
            precision = min(len(own), len(other))
            if own[:precision] != other[:precision]:
                return own[:precision] > other[:precision]
    return None


def years_in(text: str) -> frozenset[int]:
    """Return the years, 1900 to 2099, that a text names."""
    return frozenset(int(year) for year in _YEAR.findall(text))


def figures_in(text: str) -> frozenset[str]:
    """Return the numbers of a text that are no part of a date, without separators of thousands."""
    return frozenset(_plain(figure) for figure in _FIGURE.findall(_DATE.sub(" ", text)))


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the set of word triples of `text`; of shorter runs where it has fewer words than three."""
    return _runs(words(text))


def masked_shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the word triples of `text` with every number and date masked; none for a text of under 8 words."""
    return _masked(words(text))


def _masked(found: Sequence[str]) -> frozenset[tuple[str, ...]]:
    masked: list[str] = []
    for word in found:
        mask = word in _MONTH_WORDS or not (word.isalpha() or any(letter.isalpha() for letter in word))
        if not (mask and masked and masked[-1] == _MASK):
            masked.append(_MASK if mask else word)
    return _runs(masked) if len(masked) >= EDITION_WORDS else frozenset()


def overlap(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> float:
    """Return the share of the smaller set that the larger one holds (containment), 0 for an empty set."""
    smaller = min(len(first), len(second))
    return len(first & second) / smaller if smaller else 0.0


def collapse(hits: Sequence[Hit], editions: Mapping[str, Edition] | None = None, question: str = "") -> list[Hit]:
    """Return the hits with each family once, ranked anew; the order of the families stays.

    Copies (near-identical texts of other documents) are named in `also_in` of the one that stays. Of two editions of
    one text, which differ in figures or dates, the older goes without a trace: it does not say what the newer says.
    Where `editions` tells which is newer, that one takes the best place of its family; else the first stays, and two
    texts with different figures both stay, since nobody knows which is right. Texts much longer than their twin are
    kept, since they say more, and so is an older edition that names a year which the question asks about.

    Args:
        editions: By document id; a document without one is as old as any.
        question: As asked; the years in it matter.
    """
    known = editions or {}
    asked = years_in(question)
    kept: list[_Text] = []
    for hit in hits:
        mark = text_mark(hit.chunk.text)
        text = _Text(hit, known.get(hit.chunk.document_id, Edition()), mark, mark.bit_count())
        for place, other in enumerate(kept):
            joined = _joined(text, other, asked) if _may_join(text, other) else None
            if joined is not None:
                kept[place] = joined
                break
        else:
            kept.append(text)
    return ranked_anew(text.hit for text in kept)


def ranked_anew(hits: Iterable[Hit]) -> list[Hit]:
    """Return the hits with their places as ranks, from 1."""
    return [hit if hit.rank == rank else replace(hit, rank=rank) for rank, hit in enumerate(hits, start=1)]


def question_language_first(
    hits: Sequence[Hit], translations: Mapping[str, frozenset[str]], language: Language
) -> list[Hit]:
    """Return the hits with each translation into the question's language before its original, ranked anew.

    A hit in another language steps back behind the best hit of a document that says the same in the language asked in,
    where that one scores at least 0.6 of it; all else keeps its place. Bokmål and Nynorsk count as one language.

    Args:
        translations: Documents that say the same in another language, by document id.
    """
    ordered = list(hits)
    for hit in hits:
        if _spoken(hit.chunk.language) == _spoken(language):
            continue
        others = translations.get(hit.chunk.document_id, frozenset())
        translated = [
            position
            for position, other in enumerate(ordered)
            if other.chunk.document_id in others and _spoken(other.chunk.language) == _spoken(language)
        ]
        # By identity: comparing hits compares their texts, and a hit in another language is never replaced here.
        place = next(position for position, other in enumerate(ordered) if other is hit)
        if translated and translated[0] > place and ordered[translated[0]].score >= NEARLY_AS_GOOD * hit.score:
            best = ordered.pop(translated[0])
            ordered.insert(place, replace(best, score=max(best.score, hit.score)))
    return ranked_anew(ordered)


@dataclass(frozen=True, slots=True)
class _Text:
    """A hit with what its text is compared by.

    Attributes:
        marks: How many bits of the mark are set.
    """

    hit: Hit
    edition: Edition
    mark: int
    marks: int

    @property
    def triples(self) -> frozenset[tuple[str, ...]]:
        return _triples(self.hit.chunk.text)

    @property
    def masked(self) -> frozenset[tuple[str, ...]]:
        return _masked_triples(self.hit.chunk.text)

    @property
    def numbers(self) -> frozenset[str]:
        return _numbers(self.hit.chunk.text)

    @property
    def figures(self) -> frozenset[str]:
        return _kept_figures(self.hit.chunk.text)

    @property
    def years(self) -> frozenset[int]:
        own = {self.edition.year} if self.edition.year else set()
        return years_in(f"{self.hit.chunk.title} {self.hit.chunk.text}") | own


# Below these shares of common marks two texts are no editions of each other, and no copies. Over all 1.7 million pairs
# of passages of the corpus the share of editions was never under 0.47 and that of copies never under 0.69; four pairs
# in ten thousand reach 0.4. Of which text is the newer nothing may tell: then only copies are joined.
_ALIKE = 0.4
_NEARLY_SAME = 0.55
_MARK_BITS = 12
_MARKS = 2**_MARK_BITS
_ONE = ord("1")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


@lru_cache(maxsize=8_192)
def text_mark(text: str) -> int:
    """Return a number with a bit set for each three words of a text: compared at once, where sets take long.

    Words are runs of letters here, so that editions of a text have nearly the same mark.
    """
    codes = [_code(word) for word in _LETTERS.findall(text.lower())]
    digits = bytearray(b"0") * _MARKS
    for first, second, third in zip(codes, codes[1:], codes[2:], strict=False):
        # Odd factors mix the three differently, and the upper bits of a product are its best mixed ones.
        mixed = (first * 0x9E3779B1) ^ (second * 0x85EBCA77) ^ (third * 0xC2B2AE3D)
        digits[mixed >> (32 - _MARK_BITS) & (_MARKS - 1)] = _ONE
    return int(digits, 2)


@lru_cache(maxsize=65_536)
def _code(word: str) -> int:
    """Return a number for a word, the same in every process."""
    return crc32(word.encode())


def _may_join(text: _Text, other: _Text) -> bool:
    """Return whether two marks have so much in common that their texts must be compared."""
    shared = (text.mark & other.mark).bit_count()
    fewer = min(text.marks, other.marks)
    if shared < _ALIKE * fewer:
        return False
    return shared >= _NEARLY_SAME * fewer or is_newer(text.edition, other.edition) is not None


# A passage that is found for one question is found for others.
_kept = lru_cache(maxsize=8_192)


@_kept
def _words(text: str) -> tuple[str, ...]:
    return tuple(words(text))


@_kept
def _triples(text: str) -> frozenset[tuple[str, ...]]:
    return _runs(_words(text))


@_kept
def _masked_triples(text: str) -> frozenset[tuple[str, ...]]:
    return _masked(_words(text))


@_kept
def _numbers(text: str) -> frozenset[str]:
    """Return the numbers and months of a text."""
    return frozenset(_plain(number) for number in _FIGURE.findall(text)) | _MONTH_WORDS.intersection(_words(text))


_kept_figures = _kept(figures_in)


def _joined(text: _Text, kept: _Text, asked: frozenset[int]) -> _Text | None:
    """Return the one that stands for both, in the place of the kept one, or None where both stay."""
    chunk, other = text.hit.chunk, kept.hit.chunk
    same_document = chunk.document_id == other.document_id and chunk.language == other.language
    if same_document or len(text.triples) > SAYS_MORE * len(kept.triples):
        return None
    newer, is_same = is_newer(text.edition, kept.edition), _is_same(text, kept)
    if newer is None and not is_same:
        return None
    shorter = len(kept.triples) > SAYS_MORE * len(text.triples)
    if _differ(text.numbers, kept.numbers, text, kept):
        if newer is None:
            only_dates = not _differ(text.figures, kept.figures, text, kept)
            return _copy(text, kept) if only_dates else None
        if overlap(text.masked, kept.masked) < SAME_EDITION:
            return None
        young, old = (text, kept) if newer else (kept, text)
        if (newer and shorter) or asked & (old.years - young.years):
            return None
        return replace(young, hit=replace(young.hit, score=max(text.hit.score, kept.hit.score)))
    if not is_same:
        return None
    return _copy(kept, text) if newer and not shorter else _copy(text, kept)


def _is_same(text: _Text, other: _Text) -> bool:
    return overlap(text.triples, other.triples) >= SAME_TEXT


def _differ(own: frozenset[str], others: frozenset[str], text: _Text, other: _Text) -> bool:
    """Return whether the shorter text holds a number that the longer one does not."""
    return bool(own - others if len(text.triples) <= len(other.triples) else others - own)


def _copy(copy: _Text, stays: _Text) -> _Text:
    """Return the text that stays with its copy's documents named and the better score of both."""
    others = dict.fromkeys((*stays.hit.also_in, copy.hit.chunk.document_id, *copy.hit.also_in))
    others.pop(stays.hit.chunk.document_id, None)
    score = max(stays.hit.score, copy.hit.score)
    return replace(stays, hit=replace(stays.hit, score=score, also_in=tuple(others)))


def _runs(found: Sequence[str]) -> frozenset[tuple[str, ...]]:
    length = min(_SHINGLE, len(found))
    if not length:
        return frozenset()
    return frozenset(zip(*(found[start:] for start in range(length)), strict=False))


def _plain(figure: str) -> str:
    """Return a figure without separators of thousands, so that 4,711 and 4 711 are one."""
    return re.sub(r"[ ,.\u00a0\u202f](?=\d{3}(?!\d))", "", figure).replace(",", ".")


def _spoken(language: Language) -> str:
    return "en" if language == "en" else "no"
