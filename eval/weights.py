"""Choosing the assistant's learned numbers (`assistant/tuning.json`, `assistant/judges.json`), on the tuning half only.

First the weights of search and sentences, by coordinate ascent with the assistant never abstaining; then what judges
whether there is an answer, see `judges`. Deterministic: the same questions, corpus and start give the same files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant import Assistant, Tuning
from eval import measures
from eval.answer_file import given_answer
from eval.answering import Say
from eval.errors import Misuse
from eval.jsonlines import write_json
from eval.judges import choose_judges, examples_of, leave_one_corpus_out
from eval.looks import commit, now
from eval.question_set import Question, read_questions
from eval.run import open_quoting

TUNING_FILE = Path("assistant/tuning.json")
JUDGES_FILE = Path("assistant/judges.json")
# Tried in turn for each number; the grid is coarse because a hundred questions cannot tell finer ones apart.
GRID: Mapping[str, Sequence[float]] = {
    "joins_from": (0.4, 0.5, 0.6, 0.7, 0.8),
    "hit": (0.5, 1.0, 1.5, 2.0, 3.0),
    "heading": (0.0, 0.5, 1.0, 1.5),
    "semantic_english": (1.0, 2.0, 3.0, 4.0, 5.0),
    "semantic_norwegian": (0.0, 0.5, 1.0, 2.0, 4.0),
    "sentence": (0.0, 0.5, 1.0, 1.5),
    "window": (0.0, 0.5, 1.0, 1.5, 2.0, 2.5),
    "answer_type": (0.0, 0.15, 0.3, 0.5, 0.8),
    "dense_english": (0.2, 0.35, 0.5, 0.65),
    "dense_norwegian": (0.0, 0.15, 0.25, 0.4, 0.55),
    "translation": (0.5, 0.7, 0.85, 1.0),
    "other_language": (0.7, 0.8, 0.9, 1.0),
}
# What the search is for: the right answer in the first 80 words, then the right sentence first, little else, and a
# passage of the right document early among the hits.
LEAD, FIRST, EVIDENCE, FOUND = 1.0, 0.25, 0.25, 0.5


@dataclass(frozen=True, slots=True)
class Set:
    """Questions and the assistant whose corpus they are asked of; each set counts alike in the objective."""

    name: str
    assistant: Assistant
    questions: Sequence[Question]


def tune(
    questions: Path,
    corpus: Path,
    data: Path,
    *,
    extra: Sequence[tuple[Path, Path, Path]],
    only_answerability: bool,
    only: Sequence[str] = (),
    passes: int = 2,
    say: Say,
) -> Tuning:
    """Choose all numbers, write the file, and return them.

    Args:
        questions: The project's question file; only its tuning half is read.
        extra: More (questions, corpus, data) whose tuning halves steer weights and judges, not the thresholds.
        only_answerability: Keep the weights of search and sentences.
        only: Choose only these of the weights; empty for all.
        passes: How often each of them is tried anew.

    Raises:
        Misuse: A name in `only` is no weight, or the questions are not of both kinds.
    """
    if unknown := set(only) - GRID.keys():
        raise Misuse(f"There is no weight {', '.join(sorted(unknown))}. Choose from {', '.join(GRID)}.")
    with open_quoting(corpus, data) as assistant:
        sets = [Set("own", assistant, read_questions(questions, "tuning"))]
        # A set that asks of the project's own corpus shares its data folder, which one process owns.
        more = [
            assistant if folder_data.resolve() == data.resolve() else open_quoting(folder, folder_data)
            for _, folder, folder_data in extra
        ]
        try:
            for (path, _, _), opened in zip(extra, more, strict=True):
                sets.append(Set(path.parent.name, opened, read_questions(path, "tuning")))
            start = replace(assistant.tuning, threshold=0.0, premise_denied=1.1, premise_doubted=1.1)
            chosen, score = (
                (start, "weights kept")
                if only_answerability
                else _ascend(sets, start, only or tuple(GRID), passes, say)
            )
            for one in sets:
                one.assistant.use_tuning(chosen)
            say("Asking every question, and the answerable ones without their documents.")
            examples = [example for one in sets for example in examples_of(one.name, one.assistant, one.questions)]
            chosen, judged = choose_judges(examples, chosen)
            left_out = leave_one_corpus_out(examples)
        finally:
            for opened in more:
                opened.close()
    names = ", ".join(f"{one.name} ({len(one.questions)} questions)" for one in sets)
    command = f"python -m eval tune, {now()}, commit {commit()}, tuning half of {names}"
    chosen = replace(chosen, answerability_run=f"{command}: {judged}; left out: {left_out}")
    if not only_answerability:
        chosen = replace(chosen, run=f"{command}: {score}")
    write_json(TUNING_FILE, chosen.to_dict())
    _write_judges(chosen.judges_to_dict())
    say(json.dumps(chosen.to_dict(), indent=2))
    return chosen


def _write_judges(judges: Mapping[str, Any]) -> None:
    """Write the forests with a tree a line, so that a person can read them and a difference shows."""
    parts = []
    for name, forest in judges.items():
        numbers = ", ".join(f'"{key}": {json.dumps(value)}' for key, value in forest.items() if key != "trees")
        trees = ",\n".join(json.dumps(tree) for tree in forest["trees"])
        parts.append(f'"{name}": {{{numbers}, "trees": [\n{trees}\n]}}')
    JUDGES_FILE.write_text("{" + ",\n".join(parts) + "}\n", encoding="utf-8")


# ---- Search and sentences ----


def _ascend(sets: Sequence[Set], start: Tuning, names: Sequence[str], passes: int, say: Say) -> tuple[Tuning, str]:
    best, best_value, best_words = start, *_value(sets, start)
    for _ in range(passes):
        for name in names:
            for value in GRID[name]:
                if value == getattr(best, name):
                    continue
                trial = replace(best, **{name: value})  # type: ignore[arg-type]  # every name of GRID is a float
                found, in_words = _value(sets, trial)
                if found > best_value + 1e-9:
                    best, best_value, best_words = trial, found, in_words
            say(f"{name} = {getattr(best, name)}: {best_words}")
    return best, best_words


def _value(sets: Sequence[Set], tuning: Tuning) -> tuple[float, str]:
    """Return the objective, the mean over sets and languages, and its parts in words."""
    values, parts = [], []
    for one in sets:
        one.assistant.use_tuning(tuning)
        groups: dict[str, list[tuple[float, ...]]] = {}
        for question in one.questions:
            if question.answerable and question.facts:
                language = "en" if question.language == "en" else "nb"
                groups.setdefault(language, []).append(_points(one.assistant, question))
        for language, points in sorted(groups.items()):
            lead, first, evidence, found = (sum(column) / len(points) for column in zip(*points, strict=True))
            values.append(LEAD * lead + FIRST * first + EVIDENCE * evidence + FOUND * found)
            parts.append(
                f"{one.name} {language} lead {lead:.3f} first {first:.3f} evidence {evidence:.3f} found {found:.3f}"
            )
    if not values:
        raise Misuse("Tuning needs answerable questions with facts in the tuning half.")
    return sum(values) / len(values), ", ".join(parts)


def _points(assistant: Assistant, question: Question) -> tuple[float, float, float, float]:
    asked = assistant.ask(question.question, question.history)
    answer = given_answer(asked.to_dict())
    evidence = measures.evidence_share(question, answer).value
    documents = list(dict.fromkeys(hit.chunk.document_id for hit in asked.hits))
    right = [place for place, id_ in enumerate(documents, start=1) if id_ in question.gold]
    return (
        measures.lead(question, answer).hits,
        measures.first(question, answer).hits,
        evidence or 0.0,
        1 / right[0] if right else 0.0,
    )
