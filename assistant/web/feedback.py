"""What a visitor thinks of an answer: taken, replaced, and deleted again by the ids that the visitor's browser keeps.

`POST conversation/KEY/feedback` with `{"number": 2, "helpful": false, "why": "...", "share": false}`; `number` is the
place of the exchange in the conversation, from 1; with `share` the question and the answer are kept too, else no text
but `why`, and a question whose answer did not help counts as asked in vain, for as long as the feedback is there. The
reply is 201 and `{"id": "..."}`; sent again with this `id`, it replaces what was said before.
`POST feedback/delete` with `{"ids": ["..."]}` replies `{"deleted": 1}`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, Protocol

import fastapi
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from assistant.domain import Answer, Outcome, Reason
from assistant.errors import DataFolderError
from assistant.web.conversations import Conversations
from assistant.web.pages import language_of
from assistant.web.posted import Refused, json_reply, read_language, read_object
from assistant.web.words import InterfaceLanguage

logger = logging.getLogger(__name__)

MOST_CHARACTERS = 1_000
MOST_IDS = 200
_ID = re.compile(r"[A-Za-z0-9_-]{22}")


class TakesFeedback(Protocol):
    """The journal, as these routes see it."""

    def give_feedback(
        self,
        *,
        helpful: bool,
        why: str | None,
        outcome: Outcome,
        reason: Reason | None,
        language: str,
        documents: Sequence[tuple[str, str]],
        question: str | None = None,
        answer: str | None = None,
        in_vain: Answer | None = None,
        replaces: str | None = None,
    ) -> str | None:
        """Keep feedback and return its id, or None where too much came in today."""
        ...

    def delete_feedback(self, ids: Sequence[str]) -> int:
        """Erase feedback and return how many there were."""
        ...


def add_feedback(app: fastapi.FastAPI, journal: TakesFeedback, conversations: Conversations) -> None:
    """Add the two routes."""

    @app.post("/conversation/{key}/feedback")
    async def give(request: fastapi.Request, key: str) -> JSONResponse:
        language = language_of(request)
        try:
            values = await read_object(request, ("number", "helpful", "why", "share", "id", "language"))
            language = read_language(values, language)
            given = _read(values, key, conversations, language)
            id_ = await run_in_threadpool(lambda: journal.give_feedback(**given))
            if id_ is None:
                raise Refused(503, "feedback_full")
            return json_reply({"id": id_}, 201)
        except Refused as refused:
            return refused.reply(language)
        except DataFolderError as error:
            logger.warning("%s", error)
            return Refused(503, "journal_closed").reply(language)

    @app.post("/feedback/delete")
    async def delete(request: fastapi.Request) -> JSONResponse:
        language = language_of(request)
        try:
            ids = _read_ids(await read_object(request, ("ids",)))
            return json_reply({"deleted": await run_in_threadpool(journal.delete_feedback, ids)})
        except Refused as refused:
            return refused.reply(language)
        except DataFolderError as error:
            logger.warning("%s", error)
            return Refused(503, "journal_closed").reply(language)


def _read(
    values: dict[str, Any], key: str, conversations: Conversations, language: InterfaceLanguage
) -> dict[str, Any]:
    """Return what the journal is to keep.

    Raises:
        Refused: A field is not what it should be (422), or there is no such conversation or answer (404).
    """
    number, helpful, share = values.get("number"), values.get("helpful"), values.get("share", False)
    # True is an integer to Python, and no number to anybody else.
    if type(number) is not int or number < 1:
        raise Refused(422, "feedback_number")
    if not isinstance(helpful, bool):
        raise Refused(422, "feedback_helpful")
    if not isinstance(share, bool):
        raise Refused(422, "feedback_consent")
    replaces = values.get("id")
    if replaces is not None and not (isinstance(replaces, str) and _ID.fullmatch(replaces)):
        raise Refused(422, "feedback_id")
    why = _read_why(values.get("why"))
    question, answer = _find(key, number, conversations)
    return {
        "helpful": helpful,
        "why": why,
        "outcome": answer.outcome,
        "reason": answer.reason,
        "language": language,
        "documents": list(dict.fromkeys((cited.document, cited.version) for cited in answer.citations)),
        "question": question if share else None,
        "answer": answer.text if share else None,
        "in_vain": answer if share and not helpful else None,
        "replaces": replaces,
    }


def _read_why(why: Any) -> str | None:
    if why is not None and not isinstance(why, str):
        raise Refused(422, "feedback_why_words")
    if why and len(why.strip()) > MOST_CHARACTERS:
        raise Refused(422, "feedback_why_long", limit=MOST_CHARACTERS, length=len(why.strip()))
    return (why or "").strip() or None


def _find(key: str, number: int, conversations: Conversations) -> tuple[str, Answer]:
    """Return the question and the whole answer at a place of a conversation."""
    conversation = conversations.find(key)
    if conversation is None:
        raise Refused(404, "gone")
    exchange = conversation[number - 1] if number <= len(conversation) else None
    if exchange is None or exchange.answer is None or not exchange.ended:
        # The number may have thousands of digits, which no sentence needs.
        raise Refused(404, "feedback_no_answer", number=str(number) if number < 10**6 else "…")
    return exchange.question, exchange.answer


def _read_ids(values: dict[str, Any]) -> list[str]:
    ids = values.get("ids")
    whole = isinstance(ids, list) and len(ids) <= MOST_IDS
    if not whole or not all(isinstance(id_, str) and _ID.fullmatch(id_) for id_ in ids or ()):
        raise Refused(422, "feedback_ids", limit=MOST_IDS)
    return list(ids or ())
