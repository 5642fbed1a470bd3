"""The sentences of the hits, scored for one question: what an answer can be made of, and what is missing.

Pure: takes hits and a function for the weight of a stem. The same scores choose sentences (`extractive`) and are
read by what decides whether there is an answer at all (`features`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import attrgetter, mul
from typing import NamedTuple

from assistant.answering.answer_types import AnswerType, answer_type, holds
from assistant.answering.planted import planted_positions
from assistant.domain import Chunk, Hit, Language, Query
from assistant.index.lexical import Term, question_terms
from assistant.language import content_words, index_stems, stem
from assistant.retrieval.retriever import is_about_sources
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
    """The ingredients of one unit's score that its words make, before they are scaled over all units."""

    unit: Unit
    position: int
    sentence: float
    matched: float
    covered: float
    heading: float
    right_type: bool
    weak: bool
    terms: tuple[float, ...]


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
        frozenset(_table_headers(units, chunk)),
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


class Asked:
    """What one question asks for, and how the passages that were looked at so far meet it; for one thread.

    Passages can be looked at before it is known which of them are hits, while something else is waited for.
    """

    def __init__(self, query: Query, idf: InverseDocumentFrequency, tuning: Tuning) -> None:
        """Nothing is looked at yet."""
        self._query = query
        self._idf = idf
        self._tuning = tuning
        self._looked_at: dict[Chunk, list[_Scored]] = {}

    @cached_property
    def _wanted(self) -> AnswerType:
        return answer_type(self._query.text)

    @cached_property
    def _terms(self) -> Mapping[Language, list[_Wanted]]:
        query = self._query
        terms = question_terms(query.search_text, query.language, translation=self._tuning.translation)
        return {"en": _weigh(terms["en"], "en", self._idf), "nb": _weigh(terms["nb"], "nb", self._idf)}

    def look_at(self, chunk: Chunk) -> None:
        """Score the units of a passage, as far as their words go."""
        self._units(chunk)

    def _units(self, chunk: Chunk) -> list[_Scored]:
        found = self._looked_at.get(chunk)
        if found is None:
            found = self._looked_at[chunk] = _score_units(chunk, self._terms[_field(chunk.language)], self._wanted)
        return found

    def evidence(self, hits: Sequence[Hit]) -> Evidence:
        """Score every unit of the hits; no candidates for no hits."""
        scored = [(hit, unit) for hit in hits for unit in self._units(hit.chunk)]
        candidates = _combine(scored, self._tuning, self._query)
        weights = {language: tuple(term.rarity for term in found) for language, found in self._terms.items()}
        return Evidence(candidates, self._wanted, _uncovered(self._query, hits, self._idf), weights)


def gather(query: Query, hits: Sequence[Hit], idf: InverseDocumentFrequency, tuning: Tuning) -> Evidence:
    """Score every unit of the hits for the query; no candidates for no hits."""
    return Asked(query, idf, tuning).evidence(hits)


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


def _score_units(chunk: Chunk, asked: Sequence[_Wanted], wanted: AnswerType) -> list[_Scored]:
    """Return the ingredients of each unit of a passage; headings lend theirs to the units below and are no units.

    Planted units are left out, and lend their words to no neighbour.
    """
    read = read_passage(chunk)
    units, planted = read.units, read.planted
    # Most of a question's terms are nowhere in a passage, and then in none of its units.
    met = {place: ways for place, term in enumerate(asked) if (ways := _ways(term, read.every))}
    places, terms = list(met), [asked[place] for place in met]
    matches = [[_met(ways, found.all) for ways in met.values()] for found in read.stems]
    weights, shares = [term.weight for term in terms], [term.share for term in terms]
    parts = {part for term in asked for alternative in term.alternatives for part in alternative}
    title = [_met(ways, read.title.all) for ways in met.values()]
    above, below = [_met(ways, read.heading.all) for ways in met.values()], 0
    heading_fit = _heading_fit(parts, _dot(shares, above), read.heading)
    right_type = _holding(chunk, wanted)
    rows = []
    only_headings = all(read.is_heading)
    nothing = introduced = [0.0] * len(terms)
    for position, unit in enumerate(units):
        if position in planted:
            continue
        own = matches[position]
        if read.is_heading[position] and not only_headings:
            above, below, introduced = own, 0, nothing
            heading_fit = _heading_fit(parts, _dot(shares, above), read.stems[position])
            continue
        if position in read.headers:
            introduced = own
            continue
        near = [
            matches[other] for other in (position - 1, position + 1) if 0 <= other < len(units) and other not in planted
        ]
        window = [max(column) for column in zip(own, title, above, introduced, *near, strict=True)]
        with_heading = [0.0] * len(asked)
        for place, here, over in zip(places, own, above, strict=True):
            with_heading[place] = max(here, over)
        rows.append(
            _Scored(
                unit,
                position,
                sentence=read.saturated[position] * _dot(weights, own),
                matched=_dot(shares, own),
                covered=_dot(shares, window),
                heading=heading_fit * _BELOW_HEADING[min(below, len(_BELOW_HEADING) - 1)],
                right_type=right_type[position],
                weak=read.weak[position],
                terms=tuple(with_heading),
            )
        )
        below += 1
        introduced = own if unit.introduces else introduced
    return rows


@lru_cache(maxsize=8_192)
def _holding(chunk: Chunk, wanted: AnswerType) -> tuple[bool, ...]:
    """Return, for each unit of a passage, whether it holds an answer of this kind."""
    return tuple(holds(wanted, chunk.text[unit.start : unit.end]) for unit in split_units(chunk.text))


def _table_headers(units: Sequence[Unit], chunk: Chunk) -> set[int]:
    """Return the positions of rows that open a table of several rows: they name columns and answer nothing alone."""
    return {
        position
        for position, unit in enumerate(units)
        if unit.kind == "row"
        and (units[position - 1].block != unit.block if position else not chunk.goes_on)
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


def _dot(weights: Sequence[float], found: Sequence[float]) -> float:
    return sum(map(mul, weights, found), 0.0)


def _heading_fit(parts: Set[str], share: float, heading: _Stems) -> float:
    """Return how well a heading asks the same: harmonic mean of the shares of either's words that the other holds.

    Args:
        parts: All stems that would meet the question.
    """
    if not heading.all or not share:
        return 0.0
    precision = len(heading.all & parts) / len(heading.all)
    return 2 * share * precision / (share + precision)


class _Ways(NamedTuple):
    """By what a term is met in one passage.

    Attributes:
        whole: Alternatives of which every stem is there.
        compounds: How well a single stem of the passage meets it, by stem, the best first.
    """

    whole: list[tuple[str, ...]]
    compounds: list[tuple[str, float]]


def _ways(term: _Wanted | Term, present: _Stems) -> _Ways | None:
    """Return by what a term is met among these stems, or None where by nothing."""
    whole = [alternative for alternative in term.alternatives if present.all.issuperset(alternative)]
    compounds: dict[str, float] = {}
    for alternative in term.alternatives:
        if len(alternative) == 1 and len(alternative[0]) >= _COMPOUND_LETTERS:
            for word, share in _compounds(alternative[0], present):
                compounds[word] = max(share, compounds.get(word, 0.0))
    if not whole and not compounds:
        return None
    return _Ways(whole, sorted(compounds.items(), key=lambda one: -one[1]))


def _met(ways: _Ways, present: frozenset[str]) -> float:
    """Return 1 where an alternative is present, less where it stands inside a compound, 0 where it is missing."""
    for alternative in ways.whole:
        if present.issuperset(alternative):
            return 1.0
    for word, share in ways.compounds:
        if word in present:
            return share
    return 0.0


def _compounds(part: str, present: _Stems) -> Iterator[tuple[str, float]]:
    """Yield the stems that meet one as a compound that holds it, or as the part of it that is there, and how well."""
    if part in present.joined:  # in some word, which is seldom so
        for word in present.all:
            if len(word) >= len(part) + _COMPOUND_REST:
                if word.endswith(part):
                    yield word, _COMPOUND
                elif word.startswith(part):
                    yield word, _COMPOUND_OPENS
    for letters in range(_COMPOUND_LETTERS, len(part) - _COMPOUND_REST + 1):
        if part[-letters:] in present.all:
            yield part[-letters:], _COMPOUND
        if part[:letters] in present.all:
            yield part[:letters], _COMPOUND_ONLY_OPENED


def _combine(scored: Sequence[tuple[Hit, _Scored]], tuning: Tuning, query: Query) -> tuple[Candidate, ...]:
    """Add up the ingredients, each scaled by its highest value, and sort; equal scores keep the order of the hits."""
    near = [max(hit.sentences[row.position], 0.0) if row.position < len(hit.sentences) else 0.0 for hit, row in scored]
    top_sentence = max((row.sentence for _, row in scored), default=0.0) or 1.0
    top_window = max((row.covered for _, row in scored), default=0.0) or 1.0
    top_hit = max((hit.score for hit, _ in scored), default=0.0) or 1.0
    top_semantic = max(near, default=0.0) or 1.0
    semantic = tuning.semantic_english if query.language == "en" else tuning.semantic_norwegian
    asks_for_sources = is_about_sources(query.text)
    language = _field(query.language)
    own = max((row.covered for hit, row in scored if _field(hit.chunk.language) == language), default=0.0)
    others = max((row.covered for hit, row in scored if _field(hit.chunk.language) != language), default=0.0)
    other_language = _OTHER_LANGUAGE if own >= _OWN_LANGUAGE_HOLDS * others else 1.0
    # What lowers every unit of a hit is the same for all of them.
    lowered = {
        id(hit): (
            other_language if _field(hit.chunk.language) != language else 1.0,
            _WEAK_UNIT if not asks_for_sources and is_about_sources(hit.chunk.heading or "") else 1.0,
        )
        for hit, _ in scored
    }
    candidates = []
    for (hit, row), cosine in zip(scored, near, strict=True):
        ingredients = (  # in the order of their names
            tuning.sentence * row.sentence / top_sentence,
            tuning.window * row.covered / top_window,
            tuning.hit * hit.score / top_hit,
            tuning.heading * row.heading,
            semantic * cosine / top_semantic,
            tuning.answer_type * row.right_type,
        )
        language_factor, sources_factor = lowered[id(hit)]
        score = sum(ingredients) * language_factor * (_WEAK_UNIT if row.weak else 1.0) * sources_factor
        candidates.append(
            Candidate(hit, row.unit, row.position, score, row.matched, row.covered, row.terms, ingredients)
        )
    return tuple(sorted(candidates, key=attrgetter("score"), reverse=True))


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
        if not any(_ways(term, stems[language]) for language in stems for term in terms[language]):
            missing[word] = idf(stem(word, query.language), own)
    return tuple(sorted(missing, key=lambda word: -missing[word]))
