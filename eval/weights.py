"""Choosing the assistant's learned numbers (`assistant/tuning.json`), on the tuning half only.

First the weights of search and sentences, by coordinate ascent with the assistant never abstaining; then the logistic
regression of answerability and its threshold, judged by cross-validation so that no question is judged by weights that
saw it. Deterministic: the same questions, corpus and start give the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant import Assistant, Tuning, open_assistant
from eval import measures
from eval.answer_file import given_answer
from eval.answering import Say
from eval.errors import Misuse
from eval.jsonlines import write_json
from eval.looks import commit, now
from eval.question_set import Question, read_questions

TUNING_FILE = Path("assistant/tuning.json")
# Tried in turn for each number; the grid is coarse because a hundred questions cannot tell finer ones apart.
GRID: Mapping[str, Sequence[float]] = {
    "joins_from": (0.6, 0.65, 0.7, 0.75, 0.8, 0.85),
    "hit": (0.5, 1.0, 1.5, 2.0, 3.0),
    "heading": (0.0, 0.5, 1.0, 1.5),
    "semantic": (0.0, 1.0, 1.5, 2.0, 3.0, 4.0),
    "window": (0.0, 0.5, 1.0, 1.5),
    "answer_type": (0.0, 0.15, 0.3, 0.5, 0.8),
    "dense_english": (0.2, 0.35, 0.5, 0.65),
    "dense_norwegian": (0.0, 0.1, 0.25, 0.4, 0.55),
    "translation": (0.5, 0.7, 0.85, 1.0),
    "other_language": (0.7, 0.8, 0.9, 1.0),
}
# What the search is for: the right answer in the first 80 words, then the right sentence first, then little else.
LEAD, FIRST, EVIDENCE = 1.0, 0.25, 0.25
PASSES = 2
# How many of the answerable tuning questions the threshold may refuse, out of fold.
FALSE_REFUSALS = 0.08
FOLDS = 10
PENALTY = 0.02
# Off-topic questions are many and varied in life, and near misses are like answerable ones in every feature: they
# steer less, so that telling off-topic questions apart is not given up for them.
NEAR_MISS_WEIGHT = 0.25
# A question of another corpus counts for so much of one of our own.
EXTRA_WEIGHT = 0.3
FEATURES = (
    "covered",
    "matched",
    "covered_by_best",
    "known_words",
    "known_numbers",
    "similarity_english",
    "similarity_norwegian",
    "sentence_similarity",
    "names_met",
    "type_held",
    "agreement",
    "met",
    "norwegian",
    "without_english",
)

Matrix = npt.NDArray[np.float64]


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
    say: Say,
) -> Tuning:
    """Choose all numbers, write the file, and return them.

    Args:
        questions: The project's question file; only its tuning half is read.
        extra: More (questions, corpus, data) whose tuning halves steer the weights, not the threshold.
        only_answerability: Keep the weights of search and sentences.
        only: Choose only these of the weights; empty for all.

    Raises:
        Misuse: A name in `only` is no weight, or the questions are not of both kinds.
    """
    if unknown := set(only) - GRID.keys():
        raise Misuse(f"There is no weight {', '.join(sorted(unknown))}. Choose from {', '.join(GRID)}.")
    with open_assistant(corpus=corpus, data=data) as assistant:
        sets = [Set("own", assistant, read_questions(questions, "tuning"))]
        more = [open_assistant(corpus=folder, data=folder_data) for _, folder, folder_data in extra]
        try:
            for (path, _, _), opened in zip(extra, more, strict=True):
                sets.append(Set(path.parent.name, opened, read_questions(path, "tuning")))
            start = replace(assistant.tuning, threshold=0.0)
            chosen, score = (
                (start, "weights kept") if only_answerability else _ascend(sets, start, only or tuple(GRID), say)
            )
            for one in sets:
                one.assistant.use_tuning(chosen)
            chosen, judged = _choose_answerability(sets, chosen)
        finally:
            for opened in more:
                opened.close()
    names = ", ".join(f"{one.name} ({len(one.questions)} questions)" for one in sets)
    command = f"python -m eval tune, {now()}, commit {commit()}, tuning half of {names}"
    chosen = replace(chosen, answerability_run=f"{command}: {judged}")
    if not only_answerability:
        chosen = replace(chosen, run=f"{command}: {score}")
    write_json(TUNING_FILE, chosen.to_dict())
    say(json.dumps(chosen.to_dict(), indent=2))
    return chosen


# ---- Search and sentences ----


def _ascend(sets: Sequence[Set], start: Tuning, names: Sequence[str], say: Say) -> tuple[Tuning, str]:
    best, best_value, best_words = start, *_value(sets, start)
    for _ in range(PASSES):
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
        groups: dict[str, list[tuple[float, float, float]]] = {}
        for question in one.questions:
            if question.answerable and question.facts:
                language = "en" if question.language == "en" else "nb"
                groups.setdefault(language, []).append(_points(one.assistant, question))
        for language, points in sorted(groups.items()):
            lead, first, evidence = (sum(column) / len(points) for column in zip(*points, strict=True))
            values.append(LEAD * lead + FIRST * first + EVIDENCE * evidence)
            parts.append(f"{one.name} {language} lead {lead:.3f} first {first:.3f} evidence {evidence:.3f}")
    if not values:
        raise Misuse("Tuning needs answerable questions with facts in the tuning half.")
    return sum(values) / len(values), ", ".join(parts)


def _points(assistant: Assistant, question: Question) -> tuple[float, float, float]:
    answer = given_answer(assistant.ask(question.question, question.history).to_dict())
    evidence = measures.evidence_share(question, answer).value
    return measures.lead(question, answer).hits, measures.first(question, answer).hits, evidence or 0.0


# ---- Whether to answer ----


def _choose_answerability(sets: Sequence[Set], tuning: Tuning) -> tuple[Tuning, str]:
    """Fit on all sets; choose the threshold, and report, on the first one (the project's own) alone."""
    labelled = [(one, question) for one in sets for question in one.questions if question.answerable is not None]
    rows = [one.assistant.features(question.question, question.history) for one, question in labelled]
    matrix = np.array([[row[name] for name in FEATURES] for row in rows])
    labels = np.array([float(bool(question.answerable)) for _, question in labelled])
    own = np.array([one is sets[0] for one, _ in labelled])
    if len(set(labels[own].tolist())) < 2:
        raise Misuse("Tuning needs answerable and unanswerable questions in the tuning half.")
    off_topic = np.array([question.kind == "off_topic" for _, question in labelled])
    importance = np.where((labels == 1) | off_topic, 1.0, NEAR_MISS_WEIGHT) * np.where(own, 1.0, EXTRA_WEIGHT)
    out_of_fold = _cross_validated(matrix, labels, importance)
    threshold = float(np.quantile(out_of_fold[own & (labels == 1)], FALSE_REFUSALS, method="lower"))
    refused = out_of_fold < threshold
    weights, intercept = _fit(matrix, labels, importance)
    coverage = [row["covered"] for row, off in zip(rows, off_topic, strict=True) if off]
    chosen = replace(
        tuning,
        answerability={"intercept": round(intercept, 4), **_rounded(weights)},
        threshold=round(threshold, 4),
        off_topic_below=round(float(np.median(coverage)), 4) if coverage else tuning.off_topic_below,
    )
    masks = {
        "off topic": own & off_topic,
        "other unanswerable": own & (labels == 0) & ~off_topic,
        "unanswerable elsewhere": ~own & (labels == 0),
        "answerable": own & (labels == 1),
        "answerable elsewhere": ~own & (labels == 1),
    }
    shares = ", ".join(f"{name} {refused[mask].mean():.3f}" for name, mask in masks.items() if mask.any())
    return chosen, f"refused out of fold: {shares}"


def _rounded(weights: Matrix) -> dict[str, Any]:
    return {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)}


def _cross_validated(matrix: Matrix, labels: Matrix, importance: Matrix) -> Matrix:
    """Return each question's probability from weights fitted on the other folds, each with both labels."""
    order = np.argsort(labels, kind="stable")
    fold = np.empty(len(labels), dtype=int)
    fold[order] = np.arange(len(labels)) % FOLDS
    found = np.empty(len(labels))
    for number in range(FOLDS):
        weights, intercept = _fit(matrix[fold != number], labels[fold != number], importance[fold != number])
        found[fold == number] = _logistic(matrix[fold == number] @ weights + intercept)
    return found


def _fit(matrix: Matrix, labels: Matrix, importance: Matrix) -> tuple[Matrix, float]:
    """Return weights and intercept of a logistic regression with an L2 penalty on the weights, by Newton's method.

    Answerable and unanswerable questions count alike in sum, however many there are of each; within either side a
    question counts with its importance.
    """
    design = np.hstack([matrix, np.ones((len(matrix), 1))])
    sums = np.where(labels == 1, importance[labels == 1].sum(), importance[labels == 0].sum())
    importance = importance * len(labels) / (2 * sums)
    penalty = np.diag([PENALTY] * matrix.shape[1] + [0.0])
    solution = np.zeros(design.shape[1])
    for _ in range(50):
        probability = _logistic(design @ solution)
        gradient = design.T @ (importance * (labels - probability)) - penalty @ solution
        curvature = (design.T * (importance * probability * (1 - probability))) @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        solution = solution + step
        if np.abs(step).max() < 1e-8:
            break
    return solution[:-1], float(solution[-1])


def _logistic(values: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-values)))
