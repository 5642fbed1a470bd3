"""One question file answered by one system, line by line, so that a kill costs one answer at most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.answer_file import AnswerFile, RunMeta
from eval.question_set import Question
from eval.systems import System

Say = Callable[[str], None]
# Questions between two words of progress.
PROGRESS_EVERY = 25


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of the lines of a question file.

    Attributes:
        answered: Lines answered now.
        skipped: Lines that an earlier run had answered.
        failed: Lines without an answer; a later run tries them again.
    """

    answered: int
    skipped: int
    failed: int


def answer_questions(questions: Sequence[Question], system: System, out: Path, *, meta: RunMeta, say: Say) -> Progress:
    """Answer what `out` does not hold yet; a line that fails is named through `say` and the rest goes on.

    Raises:
        Misuse: `out` was made by another system or from other documents, or is no answer file.
    """
    file = AnswerFile(out, meta)
    waiting = [question for question in questions if question.id not in file.answered]
    skipped = len(questions) - len(waiting)
    if skipped:
        say(f"{skipped} of {len(questions)} questions were answered before.")
    failed = 0
    for done, question in enumerate(waiting, start=1):
        try:
            file.append(question.id, system.ask(question.question, question.history))
        except Exception as error:  # one broken answer must not cost an evaluator the run; it is counted and named
            failed += 1
            say(f"{question.id}: failed ({type(error).__name__}: {error})")
        if done % PROGRESS_EVERY == 0 or done == len(waiting):
            say(f"{done} of {len(waiting)} questions asked, {failed} failed.")
    return Progress(len(waiting) - failed, skipped, failed)
