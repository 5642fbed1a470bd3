"""The public sets: retrieval beside floors, answers against labels, and honest refusal of what was taken out.

Reads the folder that ASSISTANT_TEST_DATA names and writes below a folder of its own; never downloads anything. Queries
and questions have halves by `question_set.half_of`: numbers are chosen on *tuning*, figures come from *reporting*.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assistant import Assistant
from eval import looks, scoring
from eval.answer_file import GivenAnswer, given_answer
from eval.answering import Say
from eval.beir import RetrievalSet, read_set
from eval.errors import Misuse
from eval.intervals import wilson
from eval.jsonlines import read_objects
from eval.measures import percentile
from eval.question_set import Half, Question, half_of, read_questions
from eval.ranking import auroc, auroc_interval, threshold_at
from eval.retrieval import (
    DEFAULT_FOLDER,
    Place,
    Retrieval,
    Timing,
    cell,
    check_place,
    measure,
    opened,
    retrieval_table,
    row,
)
from eval.run import stored_texts
from eval.scoring import Estimate, Report

# The smallest first, so that a mistake shows early.
SETS = (
    "clapnq",
    "norquad",
    "mtrag-govt",
    "tatoeba-no-en",
    "tatoeba-en-no",
    "mtrag-fiqa",
    "mtrag-clapnq",
    "scifact",
)
MATERIAL_VARIABLE = "ASSISTANT_TEST_DATA"
# The share of answerable questions that may be refused when two refusers are compared.
FALSE_REFUSALS = 0.05
LOOK = "public-reporting"


@dataclass(frozen=True, slots=True)
class PublicPlan:
    """What one evaluation on public sets does.

    Attributes:
        material: The folder that holds `data/SET`.
        folder: Where corpora, libraries and vectors are kept.
        why: Reason for a look at the reporting half.
    """

    material: Path
    half: Half
    sets: Sequence[str] = SETS
    folder: Path = DEFAULT_FOLDER
    looks: Path = looks.LOOKS
    why: str | None = None


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One set as it is read, before anything is opened.

    Attributes:
        retrieval: The queries of the half; the documents are the whole set's.
        questions: Those of both halves, with gold documents as the assistant names them; none without labels.
        removed: Questions of both halves that nothing can answer without the documents `gone`.
    """

    source: Path
    retrieval: RetrievalSet
    questions: Sequence[Question]
    removed: Sequence[Question]
    gone: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refusals:
    """Whether questions are refused whose document was taken out, and others are not.

    Attributes:
        removed: Probabilities of the questions whose document is gone, by the assistant's own judgement.
        kept: Those of questions whose document is still there.
        refused: Share of the removed ones that the assistant refused at its own threshold.
        falsely: Share of the kept ones that it refused.
        threshold: The probability that refuses 5 % of the kept questions of the tuning half; None without any.
    """

    removed: Sequence[float]
    kept: Sequence[float]
    refused: Estimate | None
    falsely: Estimate | None
    threshold: float | None
    timing: Timing

    def estimates(self) -> dict[str, Estimate]:
        """Return all figures that there is something to count for."""
        found = {
            "refused": self.refused,
            "false refusals": self.falsely,
            "AUROC": self._auroc(),
            "refused at 5 %": self._below(self.removed),
            "false refusals there": self._below(self.kept),
        }
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    def _auroc(self) -> Estimate | None:
        value = auroc(self.kept, self.removed)
        counted = len(self.kept) + len(self.removed)
        return None if value is None else Estimate(value, auroc_interval(self.kept, self.removed), counted, counted)

    def _below(self, probabilities: Sequence[float]) -> Estimate | None:
        if self.threshold is None or not probabilities:
            return None
        below = sum(one < self.threshold for one in probabilities)
        of = len(probabilities)
        return Estimate(below / of, wilson(below, of), of, of)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON."""
        return {
            "measures": {name: estimate.to_dict() for name, estimate in self.estimates().items()},
            "threshold": self.threshold,
            "ingest": self.timing.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class SetFinding:
    """All that was found on one set; what it has no labels for is None.

    Attributes:
        seconds: The whole set took, everything included.
    """

    name: str
    retrieval: Retrieval
    answers: Report | None
    refusals: Refusals | None
    seconds: float

    @property
    def verbatim_failed(self) -> bool:
        """Whether any citation is not what stands at its offsets."""
        return self.answers is not None and self.answers.verbatim_failed

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON."""
        return {
            "retrieval": self.retrieval.to_dict(),
            "answers": self.answers.overall.to_dict() if self.answers else None,
            "removed": self.refusals.to_dict() if self.refusals else None,
            "seconds": round(self.seconds, 1),
        }

    def table(self) -> str:
        """Return the tables of the set, each measure as value, 95 % interval and how many were counted."""
        blocks = [retrieval_table(self.retrieval)]
        if self.answers:
            blocks.append(_answers_table(self.answers))
        if self.refusals:
            blocks.append(_refusals_table(self.refusals))
        blocks.append(row("seconds, the whole set", [f"{self.seconds:.0f}"]) + "\n")
        return "".join(blocks)


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers by question id, each with the probability that the hits hold the answer."""

    answers: Mapping[str, GivenAnswer] = field(default_factory=dict)
    probabilities: Mapping[str, float] = field(default_factory=dict)


def evaluate_public(plan: PublicPlan, say: Say) -> Iterator[SetFinding]:
    """Yield what is found on each set, one after the other.

    Everything is checked, and a look at the reporting half logged, before the first question is asked.

    Raises:
        Misuse: The reporting half without a reason, or material that is missing or broken.
        AssistantError: A library cannot be used.
    """
    if plan.half == "reporting" and not (plan.why or "").strip():
        raise Misuse("A look at the reporting half needs a reason: --why TEXT. It is written to eval/looks.csv.")
    sets = [one for name in plan.sets if (one := _read(plan, name)).retrieval.queries]
    # A publisher may have split by the same rule as we do: clapnq holds ids of the reporting half only.
    for name in sorted(set(plan.sets) - {one.source.name for one in sets}):
        say(f"{name}: none of its ids belongs to the half {plan.half!r}; left out.")
    if not sets:
        raise Misuse(f"None of the sets named holds anything of the half {plan.half!r}.")
    if plan.half == "reporting":
        # The column says which half of which questions; the project's own are called by their half alone.
        looks.log_look(LOOK, str(plan.why), plan.looks)  # type: ignore[arg-type]
    return (_evaluate(one, plan, say) for one in sets)


def _read(plan: PublicPlan, name: str) -> PublicSet:
    source = plan.material / "data" / name
    if not source.is_dir():
        raise Misuse(f"{source} is not there. Name the folder that holds data/{name} with --material, or leave it out.")
    check_place(Place(plan.folder / name), source)
    retrieval = read_set(source).part(plan.half)
    names = {document.id: document.file_name for document in retrieval.documents}
    removed_path = source / "questions_removed.jsonl"
    has_removed = removed_path.is_file()
    return PublicSet(
        source=source,
        retrieval=retrieval,
        questions=_questions(source / "questions.jsonl", names),
        removed=read_questions(removed_path) if has_removed else (),
        gone=_removed_documents(removed_path, names) if has_removed else frozenset(),
    )


def _questions(path: Path, names: Mapping[str, str]) -> list[Question]:
    """Return the questions of a set with their gold documents as `names` calls them; none without a file."""
    if not path.is_file():
        return []
    questions = read_questions(path)
    for question in questions:
        for id_ in question.gold:
            if id_ not in names:
                raise Misuse(f"{path}: {question.id!r} names {id_!r} as gold, which does not stand in corpus.jsonl.")
    return [replace(question, gold=tuple(names[id_] for id_ in question.gold)) for question in questions]


def _removed_documents(path: Path, names: Mapping[str, str]) -> frozenset[str]:
    gone: set[str] = set()
    for number, line in read_objects(path):
        for id_ in line.get("remove") or ():
            if id_ not in names:
                raise Misuse(f"{path}, line {number}: the document {id_!r} does not stand in corpus.jsonl.")
            gone.add(id_)
    return frozenset(gone)


def _evaluate(one: PublicSet, plan: PublicPlan, say: Say) -> SetFinding:
    started = time.perf_counter()
    name = one.source.name
    place = Place(plan.folder / name)
    with opened(one.retrieval.documents, place, say) as (assistant, timing):
        retrieval = measure(one.retrieval, plan.half, assistant, place, timing, say)
        answers = _answers(name, _of_half(one.questions, plan.half), assistant, say)
    refusals = _refusals(one, plan, say) if one.removed else None
    return SetFinding(name, retrieval, answers, refusals, time.perf_counter() - started)


# --- answers -----------------------------------------------------------------------------------------------------


def _of_half(questions: Iterable[Question], half: Half) -> list[Question]:
    return [question for question in questions if half_of(question.id) == half]


def _answers(name: str, questions: Sequence[Question], assistant: Assistant, say: Say) -> Report | None:
    if not questions:
        return None
    say(f"{name}: {len(questions)} questions to answer.")
    asked = _ask(questions, assistant, say)
    return scoring.score(name, questions, asked.answers, text_of=stored_texts(assistant))


def _ask(questions: Sequence[Question], assistant: Assistant, say: Say) -> Asked:
    answers: dict[str, GivenAnswer] = {}
    probabilities: dict[str, float] = {}
    for question in questions:
        try:
            answer = assistant.ask(question.question, question.history)
        except Exception as error:  # as in `answering`: counted as no answer, and named
            say(f"{question.id}: failed ({type(error).__name__}: {error})")
            continue
        answers[question.id] = given_answer(answer.to_dict())
        # Where no judgement was asked for, the outcome is the judgement.
        probabilities[question.id] = (0.0 if answer.abstained else 1.0) if answer.evidence is None else answer.evidence
    return Asked(answers, probabilities)


# --- questions whose document was taken out ----------------------------------------------------------------------


def _refusals(one: PublicSet, plan: PublicPlan, say: Say) -> Refusals:
    documents = one.retrieval.documents
    gone_files = {document.file_name for document in documents if document.id in one.gone}
    answerable = [asked for asked in one.questions if asked.answerable and not gone_files.intersection(asked.gold)]
    kept, steering = _of_half(answerable, plan.half), _of_half(answerable, "tuning")
    removed = _of_half(one.removed, plan.half)
    place = Place(plan.folder / f"{one.source.name}-removed")
    _start_from(Place(plan.folder / one.source.name), place)
    say(f"{place.root.name}: {len(removed) + len(kept)} questions without {len(one.gone)} documents.")
    with opened([document for document in documents if document.id not in one.gone], place, say) as (assistant, timing):
        asked = _ask([*removed, *kept], assistant, say)
        # The threshold is never chosen on the half that is reported.
        asked_to_steer = asked if plan.half == "tuning" else _ask(steering, assistant, say)
    estimates = scoring.score(place.root.name, [*removed, *kept], asked.answers).overall.estimates
    return Refusals(
        removed=_probabilities(removed, asked),
        kept=_probabilities(kept, asked),
        refused=estimates.get("refusal"),
        falsely=estimates.get("false_refusal"),
        threshold=threshold_at(_probabilities(steering, asked_to_steer), FALSE_REFUSALS),
        timing=timing,
    )


def _start_from(whole: Place, place: Place) -> None:
    """Give the smaller corpus a copy of the whole one's library, so that nothing is embedded twice."""
    if not place.library.exists():
        part = place.root / "library.part"
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(whole.library, part)
        part.rename(place.library)


def _probabilities(questions: Iterable[Question], asked: Asked) -> list[float]:
    return [asked.probabilities[one.id] for one in questions if one.id in asked.probabilities]


# --- tables ------------------------------------------------------------------------------------------------------


def _answers_table(report: Report) -> str:
    overall = report.overall
    lines = [f"  answers: {overall.questions} questions"]
    lines += [row(name, [cell(estimate)]) for name, estimate in overall.estimates.items()]
    if overall.missing:
        lines.append(row("without an answer", [str(overall.missing)]))
    seconds = [score.answer.seconds for score in report.scores if score.answer is not None]
    p50, p95 = percentile(seconds, 0.50) or 0.0, percentile(seconds, 0.95) or 0.0
    lines.append(row("seconds p50 / p95", [f"{p50:.3f} / {p95:.3f}"]))
    return "\n".join(lines) + "\n"


def _refusals_table(found: Refusals) -> str:
    chosen = "-" if found.threshold is None else f"{found.threshold:.3f}"
    lines = [f"  documents taken out: {len(found.removed)} questions to refuse, {len(found.kept)} to answer"]
    lines += [row(name, [cell(estimate)]) for name, estimate in found.estimates().items()]
    lines.append(row("threshold at 5 %", [f"{chosen} (from the tuning half)"]))
    lines.append(row("seconds", [str(found.timing)]))
    return "\n".join(lines) + "\n"
