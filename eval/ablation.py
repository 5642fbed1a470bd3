"""What each ingredient of search and sentence scores is worth: left out one at a time, and no question refused.

The embedding of Norwegian questions by their English gloss is not among them: sentences were embedded for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant import Assistant, Tuning
from eval import looks, measures
from eval.answer_file import GivenAnswer, given_answer
from eval.answering import Say
from eval.errors import Misuse
from eval.intervals import Interval, paired_bootstrap
from eval.question_set import Half, Question, read_questions
from eval.run import open_quoting

FULL = "full system"
# Each ingredient with the values that leave it out: a search has two sides, and 1 leaves out the words.
INGREDIENTS: Mapping[str, Sequence[float]] = {
    "sentence": (0.0,),
    "window": (0.0,),
    "hit": (0.0,),
    "heading": (0.0,),
    "semantic_english": (0.0,),
    "semantic_norwegian": (0.0,),
    "answer_type": (0.0,),
    "dense_english": (0.0, 1.0),
    "dense_norwegian": (0.0, 1.0),
    "translation": (0.0,),
}
MEASURES = ("lead", "first", "evidence")

# A question's measures by name; `evidence` is absent where the question has no evidence to look for.
Points = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AblationPlan:
    """What one ablation does.

    Attributes:
        only: Ingredients to leave out in turn; empty for all.
        why: Reason for a look at the reporting half.
    """

    questions: Path
    corpus: Path
    data: Path
    half: Half = "tuning"
    only: Sequence[str] = ()
    why: str | None = None
    looks: Path = looks.LOOKS


@dataclass(frozen=True, slots=True)
class Worth:
    """One measure of one system over the questions of one language.

    Attributes:
        system: FULL, or the ingredient with the value that leaves it out.
        value: Mean over the questions, 0 to 1.
        difference: To the full system, below 0 where the ingredient helps.
        interval: 95 % of the difference, by a paired bootstrap over questions.
    """

    system: str
    language: str
    measure: str
    questions: int
    value: float
    difference: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return {
            "system": self.system,
            "language": self.language,
            "measure": self.measure,
            "questions": self.questions,
            "value": round(self.value, 4),
            "difference": round(self.difference, 4),
            "low": round(self.interval.low, 4),
            "high": round(self.interval.high, 4),
        }


def ablate(plan: AblationPlan, say: Say) -> list[Worth]:
    """Answer the answerable questions of a half with each ingredient left out, and return what that costs.

    Raises:
        Misuse: A name in `only` is no ingredient, the half holds no answerable question with facts, or the reporting
            half is asked without a reason.
        AssistantError: The corpus or the data folder cannot be opened.
    """
    if unknown := set(plan.only) - INGREDIENTS.keys():
        raise Misuse(f"There is no ingredient {', '.join(sorted(unknown))}. Choose from {', '.join(INGREDIENTS)}.")
    if plan.half == "reporting" and not (plan.why or "").strip():
        raise Misuse("A look at the reporting half needs a reason: --why TEXT. It is written to eval/looks.csv.")
    questions = [one for one in read_questions(plan.questions, plan.half) if one.has_answer and one.facts]
    if not questions:
        raise Misuse(f"{plan.questions}: holds no answerable question with facts in the half {plan.half!r}.")
    if plan.half == "reporting":
        looks.log_look(plan.half, str(plan.why), plan.looks)
    with open_quoting(plan.corpus, plan.data) as assistant:
        return _worths(assistant, questions, plan.only or tuple(INGREDIENTS), say)


def _worths(assistant: Assistant, questions: Sequence[Question], names: Sequence[str], say: Say) -> list[Worth]:
    full = replace(assistant.tuning, threshold=0.0, premise_denied=1.1, premise_doubted=1.1)
    assistant.use_tuning(full)
    say(f"{FULL}: {len(questions)} questions.")
    found = {one.id: assistant.ask(one.question, one.history) for one in questions}
    whole = {one.id: points(one, given_answer(found[one.id].to_dict())) for one in questions}
    languages = {id_: "en" if answer.language == "en" else "nb" for id_, answer in found.items()}
    worths = _compared(FULL, questions, whole, whole)
    for name in INGREDIENTS:
        for value in INGREDIENTS[name] if name in names else ():
            touched = [one for one in questions if _matters(name, languages[one.id])]
            say(f"{name} = {value:g}: {len(touched)} questions.")
            without = _asked(assistant, touched, replace(full, **{name: value}))  # type: ignore[arg-type]
            worths += _compared(f"{name} = {value:g}", questions, whole, without)
    return worths


def _matters(name: str, language: str) -> bool:
    """Return whether an ingredient can change an answer in a language: those of the other language are never read."""
    of_one_language = {"english": "en", "norwegian": "nb"}.get(name.rpartition("_")[2])
    return of_one_language in (None, language)


def _asked(assistant: Assistant, questions: Sequence[Question], tuning: Tuning) -> dict[str, Points]:
    assistant.use_tuning(tuning)
    return {one.id: points(one, given_answer(assistant.ask(one.question, one.history).to_dict())) for one in questions}


def points(question: Question, answer: GivenAnswer) -> dict[str, float]:
    """Return lead and first, 0 or 1, and the share of shown sentences that are evidence.

    An answer that shows nothing has a share of 0; a question without evidence has none.
    """
    found = {"lead": measures.lead(question, answer).hits, "first": measures.first(question, answer).hits}
    if question.evidence:
        found["evidence"] = measures.evidence_share(question, answer).value or 0.0
    return found


def _compared(
    system: str, questions: Sequence[Question], whole: Mapping[str, Points], without: Mapping[str, Points]
) -> list[Worth]:
    """Return a worth a language and measure; a language of which no question was asked anew is left out.

    A question that was not asked anew has the points of the full system.
    """
    worths = []
    for language in sorted({one.language for one in questions if one.id in without}):
        ids = [one.id for one in questions if one.language == language]
        for measure in MEASURES:
            before = [whole[id_][measure] for id_ in ids if measure in whole[id_]]
            after = [without.get(id_, whole[id_])[measure] for id_ in ids if measure in whole[id_]]
            if before:
                worths.append(_worth(system, language, measure, before, after))
    return worths


def _worth(system: str, language: str, measure: str, before: Sequence[float], after: Sequence[float]) -> Worth:
    differences = [new - old for new, old in zip(after, before, strict=True)]
    return Worth(
        system=system,
        language=language,
        measure=measure,
        questions=len(before),
        value=sum(after) / len(after),
        difference=sum(differences) / len(differences),
        interval=paired_bootstrap(differences),
    )


def ablation_table(worths: Sequence[Worth]) -> str:
    """Return a row a system and language: each measure, its difference to the full system, and the interval of that."""
    lines = [f"  {'left out':<24}{'':<4}{'n':>4}  " + "".join(f"{name:<32}" for name in MEASURES).rstrip()]
    for system in dict.fromkeys(one.system for one in worths):
        for language in dict.fromkeys(one.language for one in worths if one.system == system):
            row = {one.measure: one for one in worths if (one.system, one.language) == (system, language)}
            size = max(one.questions for one in row.values())
            cells = "".join(f"{_cell(row.get(name)):<32}" for name in MEASURES)
            lines.append(f"  {system:<24}{language:<4}{size:>4}  {cells}".rstrip())
    return "\n".join(["without each ingredient (difference to the full system, 95 %)", *lines]) + "\n"


def _cell(worth: Worth | None) -> str:
    if worth is None:
        return "-"
    if worth.system == FULL:
        return f"{worth.value:.3f}"
    return f"{worth.value:.3f} {worth.difference:+.3f} [{worth.interval.low:+.3f}, {worth.interval.high:+.3f}]"
