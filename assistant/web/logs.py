"""What the log holds: for each question how it went, and never what was asked, by whom or from where.

Two forms of the same lines: `text` for people, who see warnings and errors, and `json`, one object a line, which also
holds a line for each question. An error is told by its class and the places in the code that it went through; its own
words are left out, since they may quote a question or a key.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

from assistant.domain import Answer
from assistant.errors import AssistantError

Surface = Literal["page", "api"]

logger = logging.getLogger(__name__)

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_FACTS = "facts"


def start_logging(form: Literal["text", "json"]) -> None:
    """Send every library's log to standard error in one form, from here to the end of the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(logging.INFO if form == "json" else logging.WARNING)


def watched(answers: Generator[Answer, None, None], surface: Surface) -> Generator[Answer, None, None]:
    """Yield the answers of one question as they come, and tell the log how it ended; errors pass through.

    The status is that of HTTP: 200 for an answer, also where the documents do not hold one, 503 for a failure that was
    foreseen, 500 for a bug, 499 where the asker left or pressed stop.
    """
    began = time.monotonic()
    latest: Answer | None = None
    status = 499
    try:
        with closing(answers):
            for latest in answers:
                yield latest
        status = 200 if latest is not None and latest.complete else 500
    except AssistantError:
        status = 503
        raise
    except Exception:
        status = 500
        raise
    finally:
        whole = latest if latest is not None and latest.complete else None
        if whole is not None and status == 499:
            status = 200  # nobody waits for the end once the answer is whole
        _tell(
            "question",
            surface=surface,
            status=status,
            outcome=whole.outcome if whole else None,
            reason=whole.reason if whole else None,
            language=latest.language if latest else None,
            seconds=round(time.monotonic() - began, 3),
            citations=len(whole.citations) if whole else 0,
            model=latest.model if latest else None,
        )


def refused(surface: Surface, status: int) -> None:
    """Tell the log that a question was not taken: 429 for too many of one visitor, 503 for a line that is full."""
    _tell("refused", surface=surface, status=status)


def _tell(event: str, **facts: object) -> None:
    logger.info("%s", event, extra={_FACTS: facts})


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, room, and the event with its facts, or a message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "room": record.name,
        }
        facts = getattr(record, _FACTS, None)
        line |= {"message": record.getMessage()} if facts is None else {"event": record.getMessage(), **facts}
        if record.exc_info and record.exc_info[0]:
            line |= {"error": record.exc_info[0].__name__, "at": _places(record.exc_info)}
        return json.dumps(line, ensure_ascii=False, default=str)


class TextLines(logging.Formatter):
    """Level, room and message; below them the class and the places of an error."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of one record."""
        # Handlers share the record: neither do we want another's form of the error, nor leave it ours.
        record.exc_text = None
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: _Raised) -> str:
        """Return the places an error went through, and its class without its words."""
        return "\n".join([*(f"  {place}" for place in _places(ei)), f"  {ei[0].__name__ if ei[0] else 'no error'}"])


def _places(raised: _Raised) -> list[str]:
    """Return the places of an error, the outermost first, as file, line and function."""
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(raised[2])]
