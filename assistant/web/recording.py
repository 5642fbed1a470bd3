"""Questions that were not wholly answered, handed to the journal once their visitor has all there is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol

from assistant.domain import Answer
from assistant.errors import AssistantError

logger = logging.getLogger(__name__)

Record = Callable[[Answer], None]


class KeepsQuestions(Protocol):
    """What was asked in vain, as these routes see it."""

    @property
    def days(self) -> int:
        """How many days a question is kept after it was last asked."""
        ...

    @property
    def texts(self) -> bool:
        """Whether its words are kept."""
        ...


def recorded(answers: Generator[Answer, None, None], record: Record) -> Generator[Answer, None, None]:
    """Yield the answers of one question as they come; when the whole one has been taken, hand it to `record`.

    An answer that was broken off is not recorded. A failure to record is told to the log, without the question, and to
    nobody else.
    """
    latest: Answer | None = None
    try:
        with closing(answers):
            for latest in answers:
                yield latest
    finally:
        # Also where the visitor left with the whole answer, which closes this generator.
        if latest is not None and latest.complete:
            _record(latest, record)


def _record(answer: Answer, record: Record) -> None:
    try:
        record(answer)
    except AssistantError as error:
        logger.warning("A question asked in vain was not kept: %s", error)
    except Exception:
        logger.exception("a question asked in vain was not kept")
