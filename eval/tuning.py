"""Choosing the threshold of the sentence baseline, on the tuning half only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.answering import Say
from eval.baselines import TUNED, BestSentence, ChunkIndex
from eval.errors import Misuse
from eval.jsonlines import write_json
from eval.looks import commit, now
from eval.matching import holds_all
from eval.question_set import Question, read_questions
from eval.run import open_quoting
from eval.systems import documents_fingerprint

# The same share that the assistant's own threshold may refuse, so that both are compared alike.
FALSE_REFUSALS = 0.08


@dataclass(frozen=True, slots=True)
class Trial:
    """What the baseline would do with one question.

    Attributes:
        similarity: Cosine of the question and the best sentence.
        right: Whether showing that sentence would be right.
        answerable: Whether the corpus holds the answer.
    """

    similarity: float
    right: bool
    answerable: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """The threshold and what it gives: shares of answerable and of unanswerable questions treated rightly."""

    threshold: float
    correct: float
    refusal: float


def choose_threshold(trials: Sequence[Trial]) -> Choice:
    """Return the highest cosine that refuses at most 8 % of the answerable questions, as the assistant is held to.

    (The best mean of correct and refusal would be to refuse nearly everything: a weak sentence is seldom right.)

    Raises:
        Misuse: The trials lack answerable or unanswerable questions: nothing to weigh against each other.
    """
    if not {trial.answerable for trial in trials} == {True, False}:
        raise Misuse("Tuning needs answerable questions with facts and unanswerable ones in the tuning half.")
    answerable = sorted(trial.similarity for trial in trials if trial.answerable)
    refused_at_most = int(FALSE_REFUSALS * len(answerable))
    return _choice(math.floor(answerable[refused_at_most] * 10_000) / 10_000, trials)


def _choice(threshold: float, trials: Sequence[Trial]) -> Choice:
    shown = [trial.similarity >= threshold for trial in trials]
    right = [trial.right and show for trial, show in zip(trials, shown, strict=True) if trial.answerable]
    refused = [not show for trial, show in zip(trials, shown, strict=True) if not trial.answerable]
    return Choice(threshold, sum(right) / len(right), sum(refused) / len(refused))


def tune_sentence(path: Path, *, corpus: Path, data: Path, say: Say) -> dict[str, Any]:
    """Choose the threshold on the tuning half of `path`, write it with its run to baselines.json, and return that.

    Raises:
        Misuse: The questions cannot be read, name no half, or lack one of the two kinds.
    """
    questions = [question for question in read_questions(path, "tuning") if _can_tune(question)]
    with open_quoting(corpus, data) as assistant:
        documents = assistant.documents()
        chunks = ChunkIndex(documents, assistant.embedder, cache=data / "baselines")
        system = BestSentence(chunks, assistant.embedder, threshold=0.0)
        say(f"Trying {len(questions)} questions of the tuning half.")
        choice = choose_threshold([_trial(system, question) for question in questions])
        fingerprint = documents_fingerprint(documents)
    tuned = {
        "sentence_threshold": choice.threshold,
        "run": {
            "date": now(),
            "commit": commit(),
            "half": "tuning",
            "questions": len(questions),
            "correct": round(choice.correct, 4),
            "refusal": round(choice.refusal, 4),
            "documents": fingerprint,
        },
    }
    write_json(TUNED, tuned)
    return tuned


def _can_tune(question: Question) -> bool:
    return question.kind != "small_talk" and (
        question.answerable is False or bool(question.answerable and question.facts)
    )


def _trial(system: BestSentence, question: Question) -> Trial:
    best, similarity = system.best(question.question)
    right = best is not None and holds_all(question.facts, best.text)
    return Trial(similarity, right, bool(question.answerable))
