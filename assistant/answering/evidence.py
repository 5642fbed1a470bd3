"""The sentences of the hits, scored for one question: what an answer can be made of, and what is missing.

Pure: takes hits and a function for the weight of a stem. The same scores choose sentences (`extractive`) and decide
whether there is an answer at all (`answerability`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assistant.answering.answer_types import AnswerType, answer_type, holds
from assistant.domain import Hit, Language, Query
from assistant.index.lexical import Term, question_terms
from assistant.language import stems
from assistant.sentences import Unit, split_units

InverseDocumentFrequency = Callable[[str, Language], float]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each ingredient of a sentence's score counts. Chosen on the tuning half by the run in eval/weights.json."""

    sentence: float = 1.0
    window: float = 1.0
    hit: float = 1.0
    answer_type: float = 0.3


# BM25's saturation and length normalisation, for sentences of about 20 stems.
_LENGTH_NORMALISATION = 0.4
_SATURATION = 1.2
_USUAL_LENGTH = 14
# A stem inside a compound (`klynge` in `helseklynge`) is weaker evidence than the word itself.
_COMPOUND = 0.6
_COMPOUND_LETTERS = 4
# Questions, headings and fragments seldom answer.
_WEAK_UNIT = 0.55
_FRAGMENT_WORDS = 3


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
    """

    hit: Hit
    unit: Unit
    position: int
    score: float
    matched: float
    covered: float

    @property
    def text(self) -> str:
        """The unit's words."""
        return self.hit.chunk.text[self.unit.start : self.unit.end]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All candidates of a question, best first.

    Attributes:
        wanted: Kind of answer asked for.
        uncovered: Words of the question that no hit holds, the rarest first.
        total_weight: Sum of the weights of the question's terms.
    """

    candidates: tuple[Candidate, ...]
    wanted: AnswerType
    uncovered: tuple[str, ...]
    total_weight: float


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A question's term in the language of one chunk, with its weight."""

    alternatives: tuple[tuple[str, ...], ...]
    weight: float
    share: float


def gather(query: Query, hits: Sequence[Hit], idf: InverseDocumentFrequency, weights: Weights = Weights()) -> Evidence:
    """Score every unit of the hits for the query; no candidates for no hits."""
    wanted = answer_type(query.text)
    terms = question_terms(query.search_text, query.language)
    by_language = {language: _weigh(terms[_field(language)], language, idf) for language in ("en", "nb")}
    scored: list[tuple[Hit, Unit, int, float, float, float, bool]] = []
    for hit in hits:
        language = _field(hit.chunk.language)
        scored.extend(_score_units(hit, by_language[language], wanted))
    candidates = _combine(scored, weights)
    own = by_language[_field(query.language)]
    return Evidence(candidates, wanted, _uncovered(own, hits), sum(term.weight for term in own))


def _field(language: Language) -> Language:
    return "en" if language == "en" else "nb"


def _weigh(terms: Sequence[Term], language: Language, idf: InverseDocumentFrequency) -> list[_Wanted]:
    """Weigh each term by its idf: a group by its most frequent alternative, a phrase by its rarest word."""
    weighed = []
    for term in terms:
        rarity = min(max(idf(part, language) for part in alternative) for alternative in term.alternatives)
        weighed.append((term.alternatives, rarity, rarity * term.weight))
    total = sum(rarity for _, rarity, _ in weighed) or 1.0
    return [_Wanted(alternatives, weight, rarity / total) for alternatives, rarity, weight in weighed]


def _score_units(
    hit: Hit, terms: Sequence[_Wanted], wanted: AnswerType
) -> list[tuple[Hit, Unit, int, float, float, float, bool]]:
    """Return, per unit: sentence score, matched and covered share, and whether the wanted kind of answer is there."""
    chunk = hit.chunk
    units = split_units(chunk.text)
    unit_stems = [stems(chunk.text[unit.start : unit.end], chunk.language) for unit in units]
    context = set(stems(f"{chunk.title} {chunk.heading or ''}", chunk.language))
    matches = [[_match(term, set(found)) for term in terms] for found in unit_stems]
    in_context = [_match(term, context) for term in terms]
    heading_of = _headings(units)
    rows = []
    for position, unit in enumerate(units):
        length = 1 - _LENGTH_NORMALISATION + _LENGTH_NORMALISATION * len(unit_stems[position]) / _USUAL_LENGTH
        saturated = (_SATURATION + 1) / (1 + _SATURATION * length)
        own = matches[position]
        sentence = saturated * sum(term.weight * found for term, found in zip(terms, own, strict=True))
        neighbours = [own, in_context]
        neighbours += [
            matches[near] for near in (position - 1, position + 1, heading_of[position]) if 0 <= near < len(units)
        ]
        near_best = [max(column) for column in zip(*neighbours, strict=True)]
        matched = sum(term.share * found for term, found in zip(terms, own, strict=True))
        covered = sum(term.share * found for term, found in zip(terms, near_best, strict=True))
        text = chunk.text[unit.start : unit.end]
        rows.append((hit, unit, position, sentence, matched, covered, holds(wanted, text)))
    return rows


def _headings(units: Sequence[Unit]) -> list[int]:
    """Return, for each unit, the position of the nearest heading or introduction above it, or -1."""
    nearest, found = -1, []
    for position, unit in enumerate(units):
        found.append(nearest)
        if unit.kind == "heading" or unit.introduces:
            nearest = position
    return found


def _match(term: _Wanted, present: set[str]) -> float:
    """Return 1 where an alternative is present, less where it stands inside a compound, 0 where it is missing."""
    best = 0.0
    for alternative in term.alternatives:
        if all(part in present for part in alternative):
            return 1.0
        if len(alternative) == 1 and len(alternative[0]) >= _COMPOUND_LETTERS and _in_compound(alternative[0], present):
            best = _COMPOUND
    return best


def _in_compound(part: str, present: set[str]) -> bool:
    longer = len(part) + 3
    return any(
        (len(word) >= longer and (word.endswith(part) or word.startswith(part)))
        or (
            len(part) >= len(word) + 3
            and len(word) >= _COMPOUND_LETTERS
            and (part.endswith(word) or part.startswith(word))
        )
        for word in present
    )


def _combine(
    scored: Sequence[tuple[Hit, Unit, int, float, float, float, bool]], weights: Weights
) -> tuple[Candidate, ...]:
    """Add up the ingredients, each scaled by its highest value, and sort; equal scores keep the order of the hits."""
    top_sentence = max((row[3] for row in scored), default=0.0) or 1.0
    top_window = max((row[5] for row in scored), default=0.0) or 1.0
    top_hit = max((row[0].score for row in scored), default=0.0) or 1.0
    candidates = []
    for hit, unit, position, sentence, matched, covered, right_type in scored:
        score = (
            weights.sentence * sentence / top_sentence
            + weights.window * covered / top_window
            + weights.hit * hit.score / top_hit
            + weights.answer_type * right_type
        )
        text = hit.chunk.text[unit.start : unit.end]
        if unit.kind == "heading" or text.endswith("?") or len(text.split()) < _FRAGMENT_WORDS:
            score *= _WEAK_UNIT
        candidates.append(Candidate(hit, unit, position, score, matched, covered))
    return tuple(sorted(candidates, key=lambda candidate: -candidate.score))


def _uncovered(terms: Sequence[_Wanted], hits: Sequence[Hit]) -> tuple[str, ...]:
    present: set[str] = set()
    for hit in hits:
        present.update(stems(hit.chunk.index_text, hit.chunk.language))
    missing = [term for term in terms if not _match(term, present)]
    return tuple(" ".join(term.alternatives[0]) for term in sorted(missing, key=lambda term: -term.share))


def features(query: Query, evidence: Evidence) -> Mapping[str, float]:
    """Return what tells an answerable question from one that the sources do not cover; see `answerability`."""
    candidates = evidence.candidates
    best = candidates[0] if candidates else None
    similarities = [candidate.hit.similarity for candidate in candidates if candidate.hit.similarity is not None]
    english = query.language == "en"
    top = max(similarities, default=0.0)
    return {
        "matched": max((candidate.matched for candidate in candidates), default=0.0),
        "covered": max((candidate.covered for candidate in candidates), default=0.0),
        "covered_by_best": best.covered if best else 0.0,
        "similarity_english": top if english else 0.0,
        "similarity_norwegian": 0.0 if english else top,
        "agreement": float(bool(best and best.hit.dense_rank and best.hit.lexical_rank and best.hit.dense_rank <= 5)),
        "type_found": float(bool(best and holds(evidence.wanted, best.text))),
        "norwegian": float(not english),
    }
