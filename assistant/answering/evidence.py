"""The sentences of the hits, scored for one question: what an answer can be made of, and what is missing.

Pure: takes hits and a function for the weight of a stem. The same scores choose sentences (`extractive`) and are
read by what decides whether there is an answer at all (`features`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from assistant.answering.answer_types import AnswerType, answer_type, holds
from assistant.answering.planted import planted_positions
from assistant.domain import Chunk, Hit, Language, Query
from assistant.index.lexical import Term, question_terms
from assistant.language import content_words, index_stems, stem
from assistant.retrieval.retriever import ABOUT_SOURCES
from assistant.sentences import Unit, split_units
from assistant.tuning import Tuning

InverseDocumentFrequency = Callable[[str, Language], float]


# BM25's saturation and length normalisation, for sentences of about 14 stems.
_LENGTH_NORMALISATION = 0.4
_SATURATION = 1.2
_USUAL_LENGTH = 14
# A stem inside a compound is weaker evidence than the word itself, and a compound's last part says what it is: `klynge`
# meets `helseklynge` and the other way round, `helse` says less, and `stat` next to nothing about `statsminister`.
_COMPOUND = 0.6
_COMPOUND_OPENS = 0.4
_COMPOUND_ONLY_OPENED = 0.2
# What a question asks with rather than about, as stems: how long something takes is asked of many things.
_ASKED_WITH: Mapping[Language, frozenset[str]] = {
    "en": frozenset(stem(word, "en") for word in ("time", "long", "take", "takes")),
    "nb": frozenset(stem(word, "nb") for word in ("tid", "lang", "lenge", "tar", "ta", "varer")),
}
# Decided, not tuned, as are the shares of a compound above.
_ASKED_WITH_WEIGHT = 0.4
_COMPOUND_LETTERS = 4
_COMPOUND_REST = 3
# Questions and fragments seldom answer; neither does the part of a document that lists its sources.
_WEAK_UNIT = 0.55
_FRAGMENT_WORDS = 4
# What a document says about itself rather than about its subject.
_NOTICE = re.compile(r"(?:scope|status|note|draft|utkast|omfang|merk|not legal advice|ikke juridisk)\b", re.IGNORECASE)
# Where a passage in the language of the question holds nearly as much of it as one in another language, expressed as a
# share, the others step back by the factor.
_OWN_LANGUAGE_HOLDS = 0.9
_OTHER_LANGUAGE = 0.8
# The first sentence under a heading answers it; the ones after it add to that.
_BELOW_HEADING = (1.0, 0.7, 0.5)


# What a score is made of, in the order in which it is added up.
INGREDIENTS = ("sentence", "window", "hit", "heading", "semantic", "answer_type")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One unit of a hit with its score.

    Attributes:
        hit: Where it was found.
        unit: Its place inside the hit's chunk.
        position: Its number among the units of the chunk.
        score: 0 upwards; comparable inside one question only.
        matched: idf-weighted share of the question's terms in the unit itself, 0 to 1.
        covered: The same for the unit with its neighbours, heading and title.
        terms: How well each of the question's terms is met by the unit and its heading, 0 to 1.
        ingredients: What each of `INGREDIENTS` added to the score, before it was lowered for what makes a unit weak.
    """

    hit: Hit
    unit: Unit
    position: int
    score: float
    matched: float
    covered: float
    terms: tuple[float, ...] = ()
    ingredients: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The unit's words."""
        return self.hit.chunk.text[self.unit.start : self.unit.end]

    @property
    def parts(self) -> dict[str, float]:
        """What each ingredient added to the score, by its name."""
        return dict(zip(INGREDIENTS, self.ingredients, strict=True))


@dataclass(frozen=True, slots=True)
class Evidence:
    """All candidates of a question, best first.

    Attributes:
        wanted: Kind of answer asked for.
        uncovered: Words of the question that no hit holds, the rarest first.
        weights: idf of each of the question's terms as it stands in texts of the language, `en` or `nb`; what a
            candidate's `terms` are in step with.
    """

    candidates: tuple[Candidate, ...]
    wanted: AnswerType
    uncovered: tuple[str, ...]
    weights: Mapping[Language, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A question's term in the language of one chunk.

    Attributes:
        weight: idf, less for a translation.
        share: idf as a share of the idf of all terms.
        rarity: idf itself.
    """

    alternatives: tuple[tuple[str, ...], ...]
    weight: float
    share: float
    rarity: float


@dataclass(frozen=True, slots=True)
class _Scored:
    """The ingredients of one unit's score, before they are scaled over all units."""

    hit: Hit
    unit: Unit
    position: int
    sentence: float
    matched: float
    covered: float
    heading: float
    semantic: float
    right_type: bool
    weak: bool
    terms: tuple[float, ...]

    @property
    def text(self) -> str:
        return self.hit.chunk.text[self.unit.start : self.unit.end]


@dataclass(frozen=True, slots=True)
class _Stems:
    """The stems of some words.

    Attributes:
        joined: All of them in one text, in which a part of a compound is looked for at once.
    """

    all: frozenset[str]
    joined: str

    @classmethod
    def of(cls, stems: Iterable[str]) -> _Stems:
        own = frozenset(stems)
        return cls(own, "\n".join(own))


@dataclass(frozen=True, slots=True)
class _Passage:
    """What a chunk says whatever is asked, by the positions of its units.

    Attributes:
        every: Of its text, its title and its heading.
        headers: Positions of rows that name the columns of a table.
        weak: Whether a unit seldom answers: a question, a fragment, a word about the document itself.
        saturated: By what a unit's matches are multiplied, so that a long one does not win by its length.
        planted: Positions of units that speak to machines.
    """

    units: Sequence[Unit]
    stems: tuple[_Stems, ...]
    title: _Stems
    heading: _Stems
    every: _Stems
    is_heading: tuple[bool, ...]
    headers: frozenset[int]
    weak: tuple[bool, ...]
    saturated: tuple[float, ...]
    planted: frozenset[int]


# A passage that is found for one question is found for others.
@lru_cache(maxsize=4_096)
def read_passage(chunk: Chunk) -> _Passage:
    """Return what scoring needs of a chunk and no question changes.

    It takes longer than all the rest of scoring, so a search reads the likeliest passages while it waits.
    """
    units, language = split_units(chunk.text), chunk.language
    stems = tuple(_Stems.of(index_stems(chunk.text[unit.start : unit.end], language)) for unit in units)
    title, heading = (_Stems.of(index_stems(text, language)) for text in (chunk.title, chunk.heading or ""))
    return _Passage(
        units,
        stems,
        title,
        heading,
        _Stems.of(frozenset[str]().union(title.all, heading.all, *(found.all for found in stems))),
        tuple(_is_heading(unit, chunk) for unit in units),
        frozenset(_table_headers(units)),
        _weak(units, chunk),
        tuple(_saturated(len(found.all)) for found in stems),
        planted_positions(chunk.text, units),
    )


def _weak(units: Sequence[Unit], chunk: Chunk) -> tuple[bool, ...]:
    notices = _notices(units, chunk)
    weak = []
    for position, unit in enumerate(units):
        text = chunk.text[unit.start : unit.end]
        weak.append(
            unit.block in notices
            or text.endswith("?")
            or _announces_nothing(units, position)
            or (len(text.split()) < _FRAGMENT_WORDS and ":" not in text)
        )
    return tuple(weak)


def _saturated(stems: int) -> float:
    length = 1 - _LENGTH_NORMALISATION + _LENGTH_NORMALISATION * stems / _USUAL_LENGTH
    return (_SATURATION + 1) / (1 + _SATURATION * length)


def gather(query: Query, hits: Sequence[Hit], idf: InverseDocumentFrequency, tuning: Tuning) -> Evidence:
    """Score every unit of the hits for the query; no candidates for no hits."""
    wanted = answer_type(query.text)
    terms = question_terms(query.search_text, query.language, translation=tuning.translation)
    by_language: dict[Language, list[_Wanted]] = {
        language: _weigh(terms[_field(language)], language, idf) for language in ("en", "nb")
    }
    scored = [unit for hit in hits for unit in _score_units(hit, by_language[_field(hit.chunk.language)], wanted)]
    candidates = _combine(scored, tuning, query)
    weights = {language: tuple(term.rarity for term in found) for language, found in by_language.items()}
    return Evidence(candidates, wanted, _uncovered(query, hits, idf), weights)


def _field(language: Language) -> Language:
    return "en" if language == "en" else "nb"


def _weigh(terms: Sequence[Term], language: Language, idf: InverseDocumentFrequency) -> list[_Wanted]:
    """Weigh each term by its idf: a group by its most frequent alternative, a phrase by its rarest word.

    What a question asks with counts less.
    """
    weighed = []
    for term in terms:
        rarity = min(max(idf(part, language) for part in alternative) for alternative in term.alternatives)
        if all(part in _ASKED_WITH[language] for alternative in term.alternatives for part in alternative):
            rarity *= _ASKED_WITH_WEIGHT
        weighed.append((term.alternatives, rarity, rarity * term.weight))
    total = sum(rarity for _, rarity, _ in weighed) or 1.0
    return [_Wanted(alternatives, weight, rarity / total, rarity) for alternatives, rarity, weight in weighed]


def _score_units(hit: Hit, asked: Sequence[_Wanted], wanted: AnswerType) -> list[_Scored]:
    """Return the ingredients of each unit of a hit; headings lend theirs to the units below and are no units.

    Planted units are left out, and lend their words to no neighbour.
    """
    chunk, read = hit.chunk, read_passage(hit.chunk)
    units, planted = read.units, read.planted
    # Most of a question's terms are nowhere in a passage, and then in none of its units.
    places = [place for place, term in enumerate(asked) if _match(term, read.every)]
    terms = [asked[place] for place in places]
    matches = [[_match(term, found) for term in terms] for found in read.stems]
    title = [_match(term, read.title) for term in terms]
    heading, below = (read.heading, [_match(term, read.heading) for term in terms]), 0
    rows = []
    only_headings = all(read.is_heading)
    introduced = [0.0] * len(terms)
    for position, unit in enumerate(units):
        if position in planted:
            continue
        own = matches[position]
        if read.is_heading[position] and not only_headings:
            heading, below, introduced = (read.stems[position], own), 0, [0.0] * len(terms)
            continue
        if position in read.headers:
            introduced = own
            continue
        near = [
            matches[other] for other in (position - 1, position + 1) if 0 <= other < len(units) and other not in planted
        ]
        window = [max(column) for column in zip(own, title, heading[1], introduced, *near, strict=True)]
        with_heading = [0.0] * len(asked)
        for place, here, above in zip(places, own, heading[1], strict=True):
            with_heading[place] = max(here, above)
        rows.append(
            _Scored(
                hit,
                unit,
                position,
                sentence=read.saturated[position]
                * sum(term.weight * found for term, found in zip(terms, own, strict=True)),
                matched=_share(terms, own),
                covered=_share(terms, window),
                heading=_heading_fit(asked, _share(terms, heading[1]), heading[0])
                * _BELOW_HEADING[min(below, len(_BELOW_HEADING) - 1)],
                semantic=max(hit.sentences[position], 0.0) if position < len(hit.sentences) else 0.0,
                right_type=holds(wanted, chunk.text[unit.start : unit.end]),
                weak=read.weak[position],
                terms=tuple(with_heading),
            )
        )
        below += 1
        introduced = own if unit.introduces else introduced
    return rows


def _table_headers(units: Sequence[Unit]) -> set[int]:
    """Return the positions of rows that open a table of several rows: they name columns and answer nothing alone."""
    return {
        position
        for position, unit in enumerate(units)
        if unit.kind == "row"
        and (position == 0 or units[position - 1].block != unit.block)
        and position + 1 < len(units)
        and units[position + 1].block == unit.block
    }


def _announces_nothing(units: Sequence[Unit], position: int) -> bool:
    """Return whether a unit ends with a colon and the passage ends before more than a table's header follows."""
    if not units[position].introduces:
        return False
    following = units[position + 1 : position + 3]
    if not following or following[0].kind not in ("item", "row"):
        return True
    return following[0].kind == "row" and (len(following) < 2 or following[1].block != following[0].block)


def _notices(units: Sequence[Unit], chunk: Chunk) -> set[int]:
    """Return the blocks in which a document speaks about itself, by how they begin."""
    first: dict[int, Unit] = {}
    for unit in units:
        first.setdefault(unit.block, unit)
    return {block for block, unit in first.items() if _NOTICE.match(chunk.text[unit.start : unit.end])}


def _is_heading(unit: Unit, chunk: Chunk) -> bool:
    """Return whether a unit is a heading, also one that looks like a sentence ("What is USA next!?")."""
    return unit.kind == "heading" or chunk.text[unit.start : unit.end] in (chunk.title, chunk.heading)


def _share(terms: Sequence[_Wanted], found: Sequence[float]) -> float:
    return sum((term.share * met for term, met in zip(terms, found, strict=True)), 0.0)


def _heading_fit(asked: Sequence[_Wanted], share: float, heading: _Stems) -> float:
    """Return how well a heading asks the same: harmonic mean of the shares of either's words that the other holds."""
    if not heading.all or not share:
        return 0.0
    parts = {part for term in asked for alternative in term.alternatives for part in alternative}
    precision = len(heading.all & parts) / len(heading.all)
    return 2 * share * precision / (share + precision)


def _match(term: _Wanted, present: _Stems) -> float:
    """Return 1 where an alternative is present, less where it stands inside a compound, 0 where it is missing."""
    best = 0.0
    for alternative in term.alternatives:
        if present.all.issuperset(alternative):
            return 1.0
        if len(alternative) == 1 and len(alternative[0]) >= _COMPOUND_LETTERS:
            best = max(best, _in_compound(alternative[0], present))
    return best


def _in_compound(part: str, present: _Stems) -> float:
    """Return how well a stem is met by a compound that holds it, or a compound by the part of it that is there."""
    best = 0.0
    if part in present.joined:  # in some word, which is seldom so
        for word in present.all:
            if len(word) >= len(part) + _COMPOUND_REST:
                if word.endswith(part):
                    return _COMPOUND
                if word.startswith(part):
                    best = _COMPOUND_OPENS
    for letters in range(_COMPOUND_LETTERS, len(part) - _COMPOUND_REST + 1):
        if part[-letters:] in present.all:
            return _COMPOUND
        if part[:letters] in present.all:
            best = max(best, _COMPOUND_ONLY_OPENED)
    return best


def _combine(scored: Sequence[_Scored], tuning: Tuning, query: Query) -> tuple[Candidate, ...]:
    """Add up the ingredients, each scaled by its highest value, and sort; equal scores keep the order of the hits."""
    top_sentence = max((row.sentence for row in scored), default=0.0) or 1.0
    top_window = max((row.covered for row in scored), default=0.0) or 1.0
    top_hit = max((row.hit.score for row in scored), default=0.0) or 1.0
    top_semantic = max((row.semantic for row in scored), default=0.0) or 1.0
    semantic = tuning.semantic_english if query.language == "en" else tuning.semantic_norwegian
    asks_for_sources = bool(ABOUT_SOURCES.search(query.text))
    own = max((row.covered for row in scored if _is_in(query.language, row)), default=0.0)
    others = max((row.covered for row in scored if not _is_in(query.language, row)), default=0.0)
    other_language = _OTHER_LANGUAGE if own >= _OWN_LANGUAGE_HOLDS * others else 1.0
    candidates = []
    for row in scored:
        ingredients = (  # in the order of their names
            tuning.sentence * row.sentence / top_sentence,
            tuning.window * row.covered / top_window,
            tuning.hit * row.hit.score / top_hit,
            tuning.heading * row.heading,
            semantic * row.semantic / top_semantic,
            tuning.answer_type * row.right_type,
        )
        score = sum(ingredients)
        if not _is_in(query.language, row):
            score *= other_language
        if row.weak:
            score *= _WEAK_UNIT
        if not asks_for_sources and _lists_sources(row.hit.chunk.heading or ""):
            score *= _WEAK_UNIT
        candidates.append(
            Candidate(row.hit, row.unit, row.position, score, row.matched, row.covered, row.terms, ingredients)
        )
    return tuple(sorted(candidates, key=lambda candidate: -candidate.score))


@lru_cache(maxsize=4_096)
def _lists_sources(heading: str) -> bool:
    return bool(ABOUT_SOURCES.search(heading))


def _is_in(language: Language, row: _Scored) -> bool:
    return _field(row.hit.chunk.language) == _field(language)


def _uncovered(query: Query, hits: Sequence[Hit], idf: InverseDocumentFrequency) -> tuple[str, ...]:
    """Return the question's words, as written, that stand in no hit in either language, the rarest first."""
    present: dict[Language, set[str]] = {"en": set(), "nb": set()}
    for hit in hits:
        present[_field(hit.chunk.language)].update(read_passage(hit.chunk).every.all)
    stems = {language: _Stems.of(found) for language, found in present.items()}
    own = _field(query.language)
    missing: dict[str, float] = {}
    for word in content_words(query.search_text, query.language):
        terms = question_terms(word, query.language)
        found = any(
            _match(term, stems[language]) for language in stems for term in _weigh(terms[language], language, idf)
        )
        if not found:
            missing[word] = idf(stem(word, query.language), own)
    return tuple(sorted(missing, key=lambda word: -missing[word]))
