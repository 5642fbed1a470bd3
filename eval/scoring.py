"""Answers and labels to scores: per question, and added up with intervals over all, by language and by kind.

Where the languages of the documents are known, also by language across: what a question in one language is worth when
the answer stands in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval import measures
from eval.answer_file import CitedQuote, GivenAnswer
from eval.intervals import Interval, clustered_bootstrap, wilson
from eval.jsonlines import read_objects
from eval.measures import Share, TextOf
from eval.question_set import Question

OriginalOf = Callable[[str], str | None]

# In the order of the table. The first group has one verdict a question (Wilson); the second counts sentences or
# citations, several to a question (bootstrap over questions).
VERDICTS: Mapping[str, Callable[[Question, GivenAnswer | None], Share]] = {
    "correct": measures.correct,
    "lead": measures.lead,
    "first": measures.first,
    "refusal": measures.refusal,
    "false_refusal": measures.false_refusal,
    "small_talk": measures.small_talk,
    "not_confirmed": measures.not_confirmed,
    "corrected": measures.corrected,
    "half_answered": measures.half_answered,
}
# One verdict a question too, asked only where what the answers name as missing is at hand.
NAMED = "missing_named"
COUNTS: Mapping[str, Callable[[Question, GivenAnswer | None], Share]] = {
    "evidence_share": measures.evidence_share,
    "evidence_recall": measures.evidence_recall,
    "citation_precision": measures.citation_precision,
    "citation_recall": measures.citation_recall,
}
# Asked only where the stored texts, or the original files, are at hand.
CHECKS = ("verbatim", "in_source")
MEASURES = (*VERDICTS, NAMED, *COUNTS, *CHECKS)
# What a question may fail in: the last verdict is better when lower.
LOWER_IS_BETTER = frozenset({"false_refusal"})
# Language of the question on languages of its gold documents; "only" where none is in the question's own.
STRATA = ("en on en", "nb on nb", "nb on en only", "en on nb only", "nn")
# A stratum with fewer questions is shown and decides nothing.
STRATUM_QUESTIONS = 100


@dataclass(frozen=True, slots=True)
class Score:
    """One question's shares by measure, without those that do not apply."""

    question: Question
    answer: GivenAnswer | None
    shares: Mapping[str, Share]

    @property
    def failures(self) -> list[str]:
        """The measures with one verdict a question, and the checks, that went wrong."""
        wrong = []
        for name, share in self.shares.items():
            bad = share.hits > 0 if name in LOWER_IS_BETTER else share.hits < share.of
            if bad and (name in VERDICTS or name == NAMED or name in CHECKS):
                wrong.append(name)
        return wrong


@dataclass(frozen=True, slots=True)
class Estimate:
    """One measure over many questions.

    Attributes:
        value: sum of hits / sum of counted.
        interval: 95 %.
        counted: Verdicts, sentences or citations.
        questions: Questions that had something to count.
    """

    value: float
    interval: Interval
    counted: int
    questions: int

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as plain values for JSON."""
        return {
            "value": round(self.value, 4),
            "low": round(self.interval.low, 4),
            "high": round(self.interval.high, 4),
            "counted": self.counted,
            "questions": self.questions,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """All measures over a group of questions; a measure that nothing was counted for is absent.

    Attributes:
        questions: Questions in the group.
        missing: Those without an answer line.
        reasons: Reasons given by abstaining answers, most frequent first, by what was right ("refusal" for
            unanswerable questions, "false_refusal" for answerable ones).
    """

    questions: int
    missing: int
    estimates: Mapping[str, Estimate]
    reasons: Mapping[str, Mapping[str, int]]
    median_words: float | None
    seconds_p50: float | None
    seconds_p95: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain values for JSON."""
        return {
            "questions": self.questions,
            "missing": self.missing,
            "measures": {name: estimate.to_dict() for name, estimate in self.estimates.items()},
            "reasons": {name: dict(counts) for name, counts in self.reasons.items()},
            "median_words": self.median_words,
            "seconds_p50": self.seconds_p50,
            "seconds_p95": self.seconds_p95,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """One system's scores.

    Attributes:
        system: The name at the head of its column.
        by_stratum: By language across, see `stratum`; empty where the documents' languages are not known.
        unknown: Ids in the answer file that the question file does not hold.
        misses: Citations that a check found wrong, by check.
    """

    system: str
    scores: Sequence[Score]
    overall: Summary
    by_language: Mapping[str, Summary]
    by_kind: Mapping[str, Summary]
    by_stratum: Mapping[str, Summary] = field(default_factory=dict)
    unknown: Sequence[str] = ()
    misses: Mapping[str, Sequence[tuple[str, CitedQuote]]] = field(default_factory=dict)

    @property
    def verbatim_failed(self) -> bool:
        """Whether any citation is not what stands at its offsets."""
        return bool(self.misses.get("verbatim"))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "system": self.system,
            "overall": self.overall.to_dict(),
            "by_language": {name: summary.to_dict() for name, summary in self.by_language.items()},
            "by_kind": {name: summary.to_dict() for name, summary in self.by_kind.items()},
            "by_stratum": {name: summary.to_dict() for name, summary in self.by_stratum.items()},
            "unknown": list(self.unknown),
            "misses": {
                check: [
                    {"id": id_, "document": quote.document, "start": quote.start, "quote": quote.quote}
                    for id_, quote in missed
                ]
                for check, missed in self.misses.items()
            },
        }


def score(
    system: str,
    questions: Sequence[Question],
    answers: Mapping[str, GivenAnswer],
    *,
    text_of: TextOf | None = None,
    original_of: OriginalOf | None = None,
    missing: Mapping[str, str | None] | None = None,
    languages: Mapping[str, str] | None = None,
) -> Report:
    """Score one system's answers.

    Args:
        text_of: Stored texts; without them `verbatim` is left out.
        original_of: Texts of the original files; without them `in_source` is left out.
        missing: What each answer names as missing, see `named_missing`; without it `missing_named` is left out.
        languages: The language of each document; without it the strata are left out.
    """
    scores = []
    for question in questions:
        shares = _shares(question, answers.get(question.id), text_of, original_of)
        if missing is not None:
            shares[NAMED] = measures.missing_named(question, answers.get(question.id), missing.get(question.id))
        applying = {name: shares[name] for name in MEASURES if name in shares and shares[name].of}
        scores.append(Score(question, answers.get(question.id), applying))
    known = {question.id for question in questions}
    strata = {question.id: stratum(question, languages or {}) for question in questions}
    return Report(
        system=system,
        scores=scores,
        overall=summarise(scores),
        by_language=_by(scores, lambda one: one.question.language),
        by_kind=_by(scores, lambda one: one.question.kind),
        by_stratum={
            name: summarise(inside)
            for name in STRATA
            if (inside := [one for one in scores if strata[one.question.id] == name])
        },
        unknown=[id_ for id_ in answers if id_ not in known],
        misses=_misses(scores, text_of, original_of),
    )


def named_missing(answers: Path) -> dict[str, str | None]:
    """Return what each line of an answer file names as not held by the sources, by question id.

    Raises:
        Misuse: The file is missing, or a line is not JSON.
    """
    found = ((line.get("id"), line.get("answer")) for _, line in read_objects(answers))
    return {
        id_: answer["missing"] if isinstance(answer.get("missing"), str) else None
        for id_, answer in found
        if isinstance(id_, str) and isinstance(answer, Mapping)
    }


def stratum(question: Question, languages: Mapping[str, str]) -> str | None:
    """Return which of STRATA a question belongs to, or None.

    None stands for a question without gold documents, and for one of which nobody knows whether the answer stands in
    its own language: a document whose language is not known, and no other in the question's. Nynorsk documents count
    as Norwegian.
    """
    known = {languages.get(document, "?") for document in question.gold}
    if not known - {"?"}:
        return None
    if question.language == "nn":
        return "nn"
    documents = {"nb" if language == "nn" else language for language in known}
    if question.language in documents:
        name = f"{question.language} on {question.language}"
    elif len(documents) == 1:
        name = f"{question.language} on {documents.pop()} only"
    else:
        return None
    return name if name in STRATA else None


def _shares(
    question: Question, answer: GivenAnswer | None, text_of: TextOf | None, original_of: OriginalOf | None
) -> dict[str, Share]:
    shares = {name: measure(question, answer) for name, measure in {**VERDICTS, **COUNTS}.items()}
    if text_of is not None:
        shares["verbatim"] = measures.verbatim(answer, text_of)
    if original_of is not None:
        shares["in_source"] = measures.in_source(answer, original_of)
    return shares


def summarise(scores: Sequence[Score]) -> Summary:
    """Add up the scores of a group; an empty group has no estimates."""
    answers = [score.answer for score in scores if score.answer is not None]
    seconds = [answer.seconds for answer in answers]
    estimates = {name: _estimate(name, [s.shares[name] for s in scores if name in s.shares]) for name in MEASURES}
    return Summary(
        questions=len(scores),
        missing=len(scores) - len(answers),
        estimates={name: estimate for name, estimate in estimates.items() if estimate is not None},
        reasons={name: _reasons(scores, name) for name in ("refusal", "false_refusal")},
        median_words=measures.median_words(answers),
        seconds_p50=measures.percentile(seconds, 0.50),
        seconds_p95=measures.percentile(seconds, 0.95),
    )


def _estimate(name: str, shares: Sequence[Share]) -> Estimate | None:
    hits = [share.hits for share in shares]
    counted = [share.of for share in shares]
    if not sum(counted):
        return None
    proportion = name in VERDICTS or name == NAMED
    interval = wilson(int(sum(hits)), sum(counted)) if proportion else clustered_bootstrap(hits, counted)
    return Estimate(sum(hits) / sum(counted), interval, sum(counted), len(shares))


def _reasons(scores: Iterable[Score], measure: str) -> Mapping[str, int]:
    given = [score.answer for score in scores if measure in score.shares]
    counts = Counter(answer.reason or "none" for answer in given if answer is not None and answer.abstained)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _by(scores: Sequence[Score], key: Callable[[Score], str]) -> dict[str, Summary]:
    names = sorted({key(score) for score in scores})
    return {name: summarise([score for score in scores if key(score) == name]) for name in names}


def _misses(
    scores: Sequence[Score], text_of: TextOf | None, original_of: OriginalOf | None
) -> dict[str, list[tuple[str, CitedQuote]]]:
    cited = [(score.question.id, citation) for score in scores if score.answer for citation in score.answer.citations]
    misses = {}
    if text_of is not None:
        misses["verbatim"] = [(id_, one) for id_, one in cited if not measures.is_verbatim(one, text_of)]
    if original_of is not None:
        misses["in_source"] = [(id_, one) for id_, one in cited if not measures.is_in_source(one, original_of)]
    return misses
