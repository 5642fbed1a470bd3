"""What tells a question that the hits answer from one that they do not: the numbers that `answerability` judges by.

Most say something about the fit of question and sources. Four look at the question alone (does it deny, presume, ask
how or why, ask for yes or no): they serve the judge of false premises, and lean on how such questions are worded. The
length of a question is left out: it tells question sets apart, not answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from assistant.answering.answer_types import TELLING_TYPES, holds
from assistant.answering.evidence import Candidate, Evidence
from assistant.domain import Hit, Language, Query
from assistant.language import content_words, words

# What the best sentences are judged by as a group, and up to which rank a search counts as having found a passage.
LOOKED_AT = 3
_HIGH_RANK = 10
# A term counts as met from this share, so that a part of a compound does and a neighbour's word does not.
_MET = 0.5
# A capital inside a sentence: a person, a body, a place or an abbreviation.
_NAME = re.compile(r"(?<=[\w,;:] )[A-ZÆØÅ][\w'’-]+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# A number that counts something: no code (`510(k)`, `ISO 13485`), no ordinal of a list.
_FIGURE = re.compile(
    r"(?<![\w.-])(?:(?:USD|NOK|EUR|US\$|[$€])\s?(\d[\d.,\u00a0\u202f ]*\d|\d)|(\d[\d.,\u00a0\u202f ]*\d|\d)\s?"
    r"(?:%|percent|prosent|dollars?|kroner|kr\b|days?|dag(?:er|ar)?\b|"
    r"weeks?|uker?|veker?|months?|måned(?:er)?|månader?|years?|år\b|hours?|timer?|million|mill\b|NOK|USD))",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[ ,.\u00a0\u202f](?=\d{3}(?!\d))")
_ENGLISH_DENIAL = re.compile(
    r"\b(?:no|not|never|neither|nor|cannot|none|nobody|nothing|without)\b|n['’]t\b", re.IGNORECASE
)
_NORWEGIAN_DENIAL = re.compile(r"\b(?:ikke|ikkje|aldri|verken|ingen|inga|intet|uten|utan)\b", re.IGNORECASE)
# What is taken for granted before or inside the question itself.
_PRESUMES = re.compile(
    r"[.!]\s+\S.*\?|\b(?:since|because|given that|now that|as long as|after|even though|siden|ettersom|fordi|"
    r"når jo|nå som|no som|"
    r"etter at|sidan|selv om|så da|altså|so|then)\b",
    re.IGNORECASE,
)
_OPEN = re.compile(r"\b(?:why|how|hvorfor|hvordan|kvifor|korleis)\b", re.IGNORECASE)


def features(query: Query, hits: Sequence[Hit], evidence: Evidence) -> Mapping[str, float]:
    """Return the features by name. All zero or one where there is no hit.

    Shares lie from 0 to 1, cosines from -1 to 1. A Norwegian question is embedded as an English gloss, so its cosine
    with a passage says something about English passages only.
    """
    candidates = evidence.candidates
    best = candidates[:LOOKED_AT]
    return {
        **_coverage(query, evidence, best),
        **_search(query, hits, evidence),
        **_similarity(query, hits, candidates),
        **_details(query, hits, evidence, best),
    }


def _coverage(query: Query, evidence: Evidence, best: Sequence[Candidate]) -> dict[str, float]:
    """Return how much of the question's words, by idf, the sentences hold, and what they leave out."""
    candidates = evidence.candidates
    asked = set(content_words(query.search_text, query.language))
    covered = max((one.covered for one in candidates), default=0.0)
    weights = _weights(evidence, best)
    met = [
        max((one.terms[place] for one in best if len(one.terms) == len(weights)), default=0.0)
        for place in range(len(weights))
    ]
    first = best[0].terms if best else ()
    rarest = max(weights, default=1.0) or 1.0
    return {
        "matched": max((one.matched for one in candidates), default=0.0),
        "matched_by_best": best[0].matched if best else 0.0,
        "covered": covered,
        "covered_by_best": best[0].covered if best else 0.0,
        "known_words": 1 - len(asked & set(evidence.uncovered)) / len(asked) if asked else 0.0,
        "met": math.log1p(sum(_weights_of(evidence, query.language)) * covered),
        "met_by_three": _share(weights, met),
        "rarest_unmet": max((weight for weight, one in zip(weights, met, strict=True) if one < _MET), default=0.0)
        / rarest,
        "rarest_unmet_by_best": max(
            (weight for weight, one in zip(weights, first, strict=False) if one < _MET), default=0.0
        )
        / rarest,
    }


def _weights(evidence: Evidence, best: Sequence[Candidate]) -> tuple[float, ...]:
    return _weights_of(evidence, best[0].hit.chunk.language) if best else ()


def _weights_of(evidence: Evidence, language: Language) -> tuple[float, ...]:
    return evidence.weights.get("en" if language == "en" else "nb", ())


def _share(weights: Sequence[float], met: Sequence[float]) -> float:
    total = sum(weights)
    return sum(weight * one for weight, one in zip(weights, met, strict=True)) / total if total else 0.0


def _search(query: Query, hits: Sequence[Hit], evidence: Evidence) -> dict[str, float]:
    """Return whether both searches agree, and how far the best document stands out from the corpus' own background."""
    own = sum(_weights_of(evidence, query.language)) or 1.0
    words_by_document = _best_by_document(hits, lambda hit: hit.lexical_score)
    meaning_by_document = _best_by_document(hits, lambda hit: hit.similarity)
    lexical = sorted(words_by_document.values(), reverse=True)
    meaning = sorted(meaning_by_document.values(), reverse=True)
    others = lexical[1:6]
    both = [hit for hit in hits if _found_twice(hit)]
    documents = [hit.chunk.document_id for hit in hits[:5]]
    best = evidence.candidates[0].hit if evidence.candidates else None
    return {
        "agreement": sum(_found_twice(hit) for hit in hits[:LOOKED_AT]) / LOOKED_AT,
        "found_twice": len(both) / len(hits) if hits else 0.0,
        "words_score": lexical[0] / own if lexical else 0.0,
        "words_margin": (lexical[0] - sum(others) / len(others)) / own if others else 0.0,
        "words_lead": (lexical[0] - lexical[1]) / lexical[0] if len(lexical) > 1 and lexical[0] else 0.0,
        "meaning_lead": meaning[0] - meaning[1] if len(meaning) > 1 else 0.0,
        "same_document": float(bool(lexical and meaning) and _top(words_by_document) == _top(meaning_by_document)),
        "one_document": 1 - (len(set(documents)) - 1) / 4 if documents else 0.0,
        "best_rank": 1 / best.rank if best else 0.0,
    }


def _best_by_document(hits: Sequence[Hit], of: Callable[[Hit], float | None]) -> dict[str, float]:
    found: dict[str, float] = {}
    for hit in hits:
        value = of(hit)
        if value is not None:
            found[hit.chunk.document_id] = max(value, found.get(hit.chunk.document_id, -1.0))
    return found


def _top(values: Mapping[str, float]) -> str:
    return max(values, key=lambda name: values[name])


def _found_twice(hit: Hit) -> bool:
    ranks = (hit.dense_rank, hit.lexical_rank)
    return all(rank is not None and rank <= _HIGH_RANK for rank in ranks)


def _similarity(query: Query, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> dict[str, float]:
    """Return the cosines of passages and sentences, and how far the best sentence stands out."""
    english = query.language == "en"
    near = max(
        (hit.similarity for hit in hits if hit.similarity is not None and hit.chunk.language == "en"), default=0.0
    )
    cosines = sorted((cosine for hit in hits for cosine in hit.sentences), reverse=True)
    background = cosines[5:25]
    return {
        "similarity_english": near if english else 0.0,
        "similarity_norwegian": 0.0 if english else near,
        "sentence_similarity": cosines[0] if cosines else 0.0,
        "sentence_margin": cosines[0] - sum(background) / len(background) if background else 0.0,
        "best_similarity": _cosine(candidates[0]) if candidates else 0.0,
        "words_and_meaning": max((one.covered * _cosine(one) for one in candidates), default=0.0),
        "own_language": float(bool(candidates) and (candidates[0].hit.chunk.language == "en") == english),
    }


def _cosine(candidate: Candidate) -> float:
    cosines = candidate.hit.sentences
    return max(cosines[candidate.position], 0.0) if candidate.position < len(cosines) else 0.0


def _details(query: Query, hits: Sequence[Hit], evidence: Evidence, best: Sequence[Candidate]) -> dict[str, float]:
    """Return whether names, years, figures and the kind of answer are there, and what the best sentences deny."""
    shown = " ".join(f"{one.text} {one.hit.chunk.heading or ''} {one.hit.chunk.title}" for one in best)
    found = " ".join(f"{hit.chunk.text} {hit.chunk.title}" for hit in hits)
    asks_for_kind = evidence.wanted in TELLING_TYPES
    numbers = [word for word in content_words(query.search_text, query.language) if word[0].isdigit()]
    names = [match.group().lower() for match in _NAME.finditer(query.text)]
    figures = _figures(query.text)
    return {
        "known_numbers": _part(numbers, lambda word: word not in evidence.uncovered),
        "numbers_met": _part(numbers, set(words(shown)).__contains__),
        "years_met": _part(_YEAR.findall(query.text), shown.__contains__),
        "years_known": _part(_YEAR.findall(query.text), found.__contains__),
        "figures_met": _part(figures, _figures(shown).__contains__),
        "other_figures": float(bool(figures) and not figures & _figures(shown) and bool(_figures(shown))),
        "names_met": _part(names, shown.lower().__contains__),
        "names_known": _part(names, found.lower().__contains__),
        "type_held": float(not asks_for_kind or any(holds(evidence.wanted, one.text) for one in best)),
        "denied": float(bool(best) and _denies(best[0].text, best[0].hit.chunk.language)),
        "denials": sum(_denies(one.text, one.hit.chunk.language) for one in best) / LOOKED_AT,
        "asks_denial": float(_denies(query.text, query.language)),
        "presumes": float(bool(_PRESUMES.search(query.text))),
        "asks_how_or_why": float(bool(_OPEN.search(query.text))),
        "asks_yes_no": float(evidence.wanted == "yes_no"),
    }


def _denies(text: str, language: Language) -> bool:
    return bool((_ENGLISH_DENIAL if language == "en" else _NORWEGIAN_DENIAL).search(text))


def _figures(text: str) -> set[str]:
    """Return the amounts, shares and times that a text names, without separators of thousands."""
    found = (match.group(1) or match.group(2) for match in _FIGURE.finditer(text))
    return {_SEPARATOR.sub("", figure).replace(",", ".") for figure in found}


def _part(wanted: Collection[str], is_met: Callable[[str], bool]) -> float:
    """Return the share of what is wanted that is met; 1 where nothing is."""
    return sum(is_met(one) for one in wanted) / len(wanted) if wanted else 1.0
