"""What the explanations of a run tell: whether its probabilities can be believed, and why its worst answers went wrong.

Both read `assistant-why.jsonl`, which holds for each question what was found, judged and chosen. Nothing is asked anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval import measures
from eval.answer_file import GivenAnswer, read_answers
from eval.errors import Misuse
from eval.intervals import Interval, wilson
from eval.jsonlines import read_objects
from eval.matching import holds, holds_all, is_evidence, normalised
from eval.measures import LEAD_WORDS
from eval.question_set import Question
from eval.ranking import auroc, auroc_interval, threshold_at
from eval.run_record import RunRecord
from eval.sentences import first_words, sentence_spans, without_markers

BINS = 10
# Next to the shipped threshold: the one that refuses this share of the questions that have an answer.
FALSE_REFUSALS = 0.05
SHOWN_WORDS = 60

Explanations = Mapping[str, Mapping[str, Any]]


def read_explanations(path: Path) -> dict[str, Mapping[str, Any]]:
    """Read an explanation file into `Assistant.explain`'s values by question id.

    Questions for which nothing was searched are left out.

    Raises:
        Misuse: The file is missing, or a line is not JSON or no explanation.
    """
    if not path.is_file():
        raise Misuse(f"{path}: is no file, so nothing says how the answers came about; `python -m eval run` writes it.")
    explanations: dict[str, Mapping[str, Any]] = {}
    for number, line in read_objects(path):
        id_, why = line.get("id"), line.get("why")
        if isinstance(why, Mapping) and "outcome" in why and "query" not in why:
            continue  # nothing was searched, as for a greeting
        if not isinstance(id_, str) or not isinstance(why, Mapping) or not _has_numbers(why):
            raise Misuse(
                f"{path}, line {number}: no explanation; it needs 'id', and 'why' with 'probability' and 'threshold'."
            )
        explanations[id_] = why
    return explanations


def _has_numbers(why: Mapping[str, Any]) -> bool:
    return all(isinstance(why.get(name), int | float) for name in ("probability", "threshold"))


# --- calibration -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judged:
    """One labelled question with the probability that it was given; the kind `partly` has an answer."""

    id: str
    kind: str
    has_answer: bool
    probability: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of similar probability.

    Attributes:
        low: Lowest probability among them; `high` the highest, `mean` their mean.
        share: How many of them have an answer, 0 to 1.
        interval: 95 % of `share`.
    """

    questions: int
    low: float
    high: float
    mean: float
    share: float
    interval: Interval

    @property
    def gap(self) -> float:
        """Mean probability minus share: above 0 where the assistant is too sure."""
        return self.mean - self.share


@dataclass(frozen=True, slots=True)
class Refused:
    """How much of one kind of question is judged to have no answer, 0 to 1.

    Attributes:
        kind: A kind of unanswerable question, or `answerable` for all that have an answer.
        shipped: At the shipped threshold.
        at_false_refusals: At the threshold that refuses 5 % of the questions that have an answer; None without any.
    """

    kind: str
    questions: int
    shipped: float
    at_false_refusals: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the probabilities of one run are worth.

    Attributes:
        error: Expected calibration error, 0 to 1; see `calibration_error`.
        auroc: How often a question with an answer gets a higher probability than one without; None without both.
        threshold: The shipped one.
        threshold_at_false_refusals: The one of this run that refuses 5 % of the questions with an answer.
        refused: By kind, `answerable` last.
    """

    questions: int
    error: float
    bins: Sequence[Bin]
    auroc: float | None
    auroc_interval: Interval
    threshold: float
    threshold_at_false_refusals: float | None
    refused: Sequence[Refused]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "questions": self.questions,
            "expected_calibration_error": round(self.error, 4),
            "bins": [
                {
                    "questions": one.questions,
                    "low": round(one.low, 4),
                    "high": round(one.high, 4),
                    "mean": round(one.mean, 4),
                    "answerable": round(one.share, 4),
                    "answerable_low": round(one.interval.low, 4),
                    "answerable_high": round(one.interval.high, 4),
                }
                for one in self.bins
            ],
            "auroc": _rounded(self.auroc),
            "auroc_low": round(self.auroc_interval.low, 4),
            "auroc_high": round(self.auroc_interval.high, 4),
            "threshold": self.threshold,
            "threshold_at_5_percent": self.threshold_at_false_refusals,
            "refused": [
                {
                    "kind": one.kind,
                    "questions": one.questions,
                    "shipped": round(one.shipped, 4),
                    "at_5_percent": _rounded(one.at_false_refusals),
                }
                for one in self.refused
            ],
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def judged(questions: Sequence[Question], explanations: Explanations) -> list[Judged]:
    """Return the questions that are labelled and explained; nobody can say whether small talk has an answer."""
    return [
        Judged(one.id, one.kind, one.has_answer, float(explanations[one.id]["probability"]))
        for one in questions
        if one.id in explanations and (one.has_answer or one.answerable is False) and one.kind != "small_talk"
    ]


def calibrate(questions: Sequence[Question], explanations: Explanations) -> Calibration | None:
    """Return what the probabilities are worth against the labels; None where no labelled question is explained."""
    found = judged(questions, explanations)
    if not found:
        return None
    right = [one.probability for one in found if one.has_answer]
    wrong = [one.probability for one in found if not one.has_answer]
    shipped = float(explanations[found[0].id]["threshold"])
    at_false_refusals = threshold_at(right, FALSE_REFUSALS)
    bins = reliability(found)
    return Calibration(
        questions=len(found),
        error=calibration_error(bins),
        bins=bins,
        auroc=auroc(right, wrong),
        auroc_interval=auroc_interval(right, wrong),
        threshold=shipped,
        threshold_at_false_refusals=at_false_refusals,
        refused=_refused(found, shipped, at_false_refusals),
    )


def reliability(found: Sequence[Judged], bins: int = BINS) -> list[Bin]:
    """Return the questions in bins of equal count, least probable first; fewer bins for fewer questions.

    Counts differ by 1 at most. Questions of equal probability go by id, so the order of the file changes nothing.
    """
    ordered = sorted(found, key=lambda one: (one.probability, one.id))
    places = np.array_split(np.arange(len(ordered)), bins)
    return [_bin([ordered[place] for place in part]) for part in places if part.size]


def _bin(members: Sequence[Judged]) -> Bin:
    probabilities = [one.probability for one in members]
    hits = sum(one.has_answer for one in members)
    return Bin(
        questions=len(members),
        low=probabilities[0],
        high=probabilities[-1],
        mean=sum(probabilities) / len(members),
        share=hits / len(members),
        interval=wilson(hits, len(members)),
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error of bins, 0 to 1; 0 for none.

    ECE = sum over bins of (questions of the bin / all questions) * |share that has an answer - mean probability|
    (Guo et al., ICML 2017, section 2), here with bins of equal count instead of equal width: probabilities crowd at
    the ends, and a bin of three questions says nothing.
    """
    questions = sum(one.questions for one in bins)
    return sum(one.questions * abs(one.gap) for one in bins) / questions if questions else 0.0


def _refused(found: Sequence[Judged], shipped: float, at_false_refusals: float | None) -> list[Refused]:
    kinds: dict[str, list[float]] = {}
    for one in sorted(found, key=lambda one: (one.has_answer, one.kind)):
        kinds.setdefault("answerable" if one.has_answer else one.kind, []).append(one.probability)
    return [
        Refused(
            kind,
            len(probabilities),
            _share_below(probabilities, shipped),
            None if at_false_refusals is None else _share_below(probabilities, at_false_refusals),
        )
        for kind, probabilities in kinds.items()
    ]


def _share_below(probabilities: Sequence[float], threshold: float) -> float:
    return sum(one < threshold for one in probabilities) / len(probabilities)


def calibration_table(calibration: Calibration, *, learned_here: bool = False) -> str:
    """Return the calibration as a table; with `learned_here` it says that the judge was grown on these questions."""
    ranked = "-"
    if calibration.auroc is not None:
        ranked = f"{calibration.auroc:.3f} {_interval(calibration.auroc_interval)}"
    lines = [
        f"calibration of the probability of an answer ({calibration.questions})",
        *(["  (the judge was grown on this half: these figures flatter)"] if learned_here else []),
        f"  {'expected calibration error':<28}{calibration.error:.3f}",
        f"  {'AUROC':<28}{ranked}",
        "",
        f"  {'probability':<18}{'mean':>6}{'answerable':>12}  {'95 %':<18}{'gap':>6}{'n':>6}",
    ]
    for one in calibration.bins:
        span = f"{one.low:.3f} to {one.high:.3f}"
        numbers = f"{one.mean:>6.3f}{one.share:>12.3f}  {_interval(one.interval):<18}{one.gap:>+6.3f}"
        lines.append(f"  {span:<18}{numbers}{one.questions:>6}")
    lower = calibration.threshold_at_false_refusals
    named = "5 % false refusals" + ("" if lower is None else f" ({lower:.3f})")
    lines += ["", f"  {'refused below':<20}{f'shipped ({calibration.threshold:.3f})':>18}{named:>28}{'n':>6}"]
    for kind in calibration.refused:
        at = "-" if kind.at_false_refusals is None else f"{kind.at_false_refusals:.3f}"
        lines.append(f"  {kind.kind:<20}{kind.shipped:>18.3f}{at:>28}{kind.questions:>6}")
    return "\n".join(lines) + "\n"


def _interval(interval: Interval) -> str:
    return f"[{interval.low:.3f}, {interval.high:.3f}]"


# --- the worst answers -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """One answer that went wrong.

    Attributes:
        cause: The likely reason, told from what was found, judged and chosen.
    """

    question: Question
    answer: GivenAnswer
    probability: float
    cause: str


@dataclass(frozen=True, slots=True)
class Worst:
    """The answers of a run that went wrong, worst first.

    Attributes:
        wrong: Answered wrongly, the surest first.
        refused: Refused though there is an answer, the least probable first.
        unexplained: Answers that went wrong and of which nothing says how they came about.
    """

    name: str
    wrong: Sequence[Case]
    refused: Sequence[Case]
    unexplained: int = 0


def worst_answers(record: RunRecord) -> Worst:
    """Return what went wrong in a run of the assistant.

    Answered wrongly is an answer from the sources to a question that has none, unless it says that its premise is not
    confirmed, and one without every fact in its first 80 words. A question without an answer line is neither.

    Raises:
        Misuse: The run kept no explanations, or a file of it is broken.
    """
    explanations = read_explanations(record.answers.with_name(f"{record.answers.stem}-why.jsonl"))
    answers = read_answers(record.answers)
    wrong: list[Case] = []
    refused: list[Case] = []
    unexplained = 0
    for question in record.questions:
        answer = answers.get(question.id)
        if answer is None or not (_is_wrong(question, answer) or _is_refused(question, answer)):
            continue
        why = explanations.get(question.id)
        if why is None:
            unexplained += 1
            continue
        case = Case(question, answer, float(why["probability"]), likely_cause(question, answer, why))
        (refused if answer.abstained else wrong).append(case)
    return Worst(
        record.name,
        sorted(wrong, key=lambda case: (-case.probability, case.question.id)),
        sorted(refused, key=lambda case: (case.probability, case.question.id)),
        unexplained,
    )


def _is_wrong(question: Question, answer: GivenAnswer) -> bool:
    if not answer.shows_sources or question.kind == "small_talk":
        return False
    if question.answerable is False and not question.has_answer:
        return not measures.not_confirmed(question, answer).hits
    found = measures.lead(question, answer)
    return found.hits < found.of


def _is_refused(question: Question, answer: GivenAnswer) -> bool:
    return bool(measures.false_refusal(question, answer).hits)


def likely_cause(question: Question, answer: GivenAnswer, why: Mapping[str, Any]) -> str:
    """Return in words why an answer that went wrong did so, as far as its explanation tells."""
    if not question.has_answer:
        uncovered = ", ".join(why.get("query", {}).get("uncovered") or ())
        return "answered though unanswerable: " + (
            f"no hit holds {uncovered}" if uncovered else "the hits hold every word of the question"
        )
    if answer.abstained:
        place = _place(question, why)
        return f"refused though found: {place}" if place else f"refused, {_not_found(question, why)}"
    if measures.correct(question, answer).hits:
        return f"shown beyond {LEAD_WORDS} words"
    if any(_carries(question, span.text) for span in sentence_spans(without_markers(answer.text))):
        lead = first_words(answer.text, LEAD_WORDS)
        absent = "; ".join(fact.pattern for fact in question.facts if not holds(fact, lead))
        return f"a right sentence is shown, and not every fact with it: {absent}"
    place = _place(question, why)
    return f"found, but ranked below what was shown: {place}" if place else _not_found(question, why)


def _place(question: Question, why: Mapping[str, Any]) -> str:
    """Return where the first right sentence stood among the sentences or, failing that, the hits; empty for nowhere."""
    candidates = list(why.get("candidates") or ())
    for rank, candidate in enumerate(candidates, start=1):
        if _carries(question, candidate["text"]):
            return f"sentence {rank}, score {candidate['score']:.2f}, the best {candidates[0]['score']:.2f}"
    for hit in why.get("hits") or ():
        sentences = [hit["text"], *(span.text for span in sentence_spans(hit["text"]))]
        if any(_carries(question, sentence) for sentence in sentences):
            return f"in hit {hit['rank']}, below the {len(candidates)} best sentences"
    return ""


def _not_found(question: Question, why: Mapping[str, Any]) -> str:
    hits = why.get("hits") or ()
    rank = next((hit["rank"] for hit in hits if hit["document"] in question.gold), None)
    where = f"hit {rank} is of a right document" if rank else "no hit is of a right document"
    return f"evidence not among the {len(hits)} hits: {where}"


def _carries(question: Question, text: str) -> bool:
    return is_evidence(text, question.evidence) or holds_all(question.facts, text)


def worst_text(worst: Worst, count: int) -> str:
    """Return up to `count` cases of either sort as text: what was asked, shown and right, and the likely cause."""
    blocks = []
    for title, cases in (
        ("answered wrongly, the surest first", worst.wrong),
        ("refused though there is an answer, the least probable first", worst.refused),
    ):
        blocks.append(f"{worst.name}: {title} ({min(count, len(cases))} of {len(cases)})")
        blocks += [_case_text(number, case) for number, case in enumerate(cases[:count], start=1)]
    if worst.unexplained:
        blocks.append(f"{worst.unexplained} more went wrong without an explanation in the run.")
    return "\n\n".join(blocks) + "\n"


def _case_text(number: int, case: Case) -> str:
    question, answer = case.question, case.answer
    before = [("before", turn["question"] or "") for turn in question.history]
    reason = f", {answer.reason}" if answer.reason else ""
    rows = [
        *before,
        ("asked", question.question),
        ("shown", _cut(without_markers(answer.text))),
        ("right", _right(question)),
        ("cause", case.cause),
    ]
    head = f"{number}. {question.id} ({question.language}, {question.kind}), {answer.outcome}{reason}"
    return "\n".join([f"{head}, probability {case.probability:.3f}", *(f"   {name:<8}{text}" for name, text in rows)])


def _right(question: Question) -> str:
    if not question.has_answer:
        return f"no answer; {_cut(question.corrects[0])}" if question.corrects else "no answer"
    facts = "; ".join(fact.pattern for fact in question.facts)
    said = _cut(question.evidence[0]) if question.evidence else f"facts {facts}"
    return f"{said} ({', '.join(question.gold)})" if question.gold else said


def _cut(text: str) -> str:
    """Return a text on one line, cut after some words."""
    whole = normalised(text)
    head = first_words(whole, SHOWN_WORDS)
    return head if head == whole else f"{head} …"
