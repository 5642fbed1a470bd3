"""`POST /api/chat`: the assistant for programs, as one JSON object or as a stream of server-sent events.

The body is a JSON object: `question`, and as wanted `history` (a list of `{"question", "answer"}`, oldest first),
`stream` and `id`. The reply is `{"answer": ...}`, with `id` where one was given: an answer line, see
`docs/answer.schema.json`. Streamed, a question that has to wait is an event `waiting` with its `place` in the line,
each growth is an event `progress` with `text` and `citations` so far, and the whole answer is the event `answer`; a
failure after the stream has begun is an event `error`. Whatever else goes wrong is a status with
`{"error": "one sentence"}`.

There are no CORS headers, and `Gate` refuses what a foreign page sends: it can ask nothing here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from assistant.domain import Answer, Turn
from assistant.errors import AssistantError
from assistant.web.limits import Limit
from assistant.web.logs import refused, watched
from assistant.web.reading import Readers, Reading, TooBusy
from assistant.web.recording import Record, recorded

logger = logging.getLogger(__name__)

PATH = "/api/chat"
MAX_TURNS = 50
# How long a question whose answer is not streamed waits for a thread before it is told that all are busy; a proxy that
# hears nothing gives up after a minute.
PATIENCE_SECONDS = 50.0
# A stream tells the place in the line at most so often.
PLACE_SECONDS = 1.0
# A proxy takes a connection without a byte for dead, often after a minute.
KEEP_ALIVE_SECONDS = 15.0
_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
_FIELDS = ("question", "history", "stream", "id")
# Of the events that can end an answer: `sorry` is a failure that was foreseen.
_STATUS = {"answer": 200, "sorry": 503, "error": 500}
_LINE_IS_FULL = "Very many people are asking just now: {line} wait in line already. Try again in a minute."
_STILL_IN_LINE = (
    "Very many people are asking just now: this question is still number {place} in line. Try again in a minute."
)
_UNEXPECTED = "Something went wrong on our side, and this question was not answered. Please try again."

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Stream = Callable[[str, Sequence[Turn]], Generator[Answer, None, None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's body, checked.

    Attributes:
        id: Given back with the answer, or None.
    """

    question: str
    history: tuple[Turn, ...] = ()
    stream: bool = False
    id: str | None = None


class Refused(Exception):
    """A request that is not answered, with its status and one sentence that says why.

    Attributes:
        retry_after: Seconds after which it may be answered, or None.
    """

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_after = retry_after


class Chat:
    """The route as an ASGI application: it must hear of a client that leaves while nothing is sent."""

    def __init__(
        self, stream: Stream, readers: Readers, limit: Limit | None = None, record: Record = lambda answer: None
    ) -> None:
        """Answer nothing yet.

        Args:
            stream: Yields an answer as it grows; closing it stops its model.
            readers: The threads to read it in, shared with the page.
            limit: How often a visitor may ask, shared with the page; needs the `Visit` that `Gate` puts into the scope.
            record: Takes each whole answer, for the questions that were asked in vain.
        """
        self._stream = stream
        self._readers = readers
        self._limit = limit
        self._record = record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            _check_type(headers.get(b"content-type", ""))
            asked = read_body(await _body(receive))
            self._check_limit(scope)
            reading = self._begin(asked)
        except Refused as refusal:
            await _send_refusal(send, refusal)
            return
        leaving = asyncio.create_task(_stop_when_client_leaves(receive, reading))
        try:
            if asked.stream or "text/event-stream" in headers.get(b"accept", ""):
                await _send_events(send, asked, reading)
            elif await reading.begins(PATIENCE_SECONDS):
                await _send_answer(send, asked, reading)
            else:
                await _send_refusal(send, Refused(503, _STILL_IN_LINE.format(place=max(reading.place, 1)), 60))
        finally:
            reading.stop()
            leaving.cancel()

    def _check_limit(self, scope: Scope) -> None:
        seconds = self._limit.take(scope["state"]["visit"]) if self._limit else 0
        if seconds:
            whole = math.ceil(seconds)
            raise Refused(429, f"Too many questions in a short time. Ask again in {whole} s.", whole)

    def _begin(self, asked: Asked) -> Reading[Answer]:
        try:
            return self._readers.begin(
                lambda: watched(recorded(self._stream(asked.question, asked.history), self._record), "api")
            )
        except TooBusy as busy:
            raise Refused(503, _LINE_IS_FULL.format(line=busy.waiting), 60) from None


def read_body(body: bytes) -> Asked:
    """Return what a request asks.

    Raises:
        Refused: The body is not JSON (400), or not a question (422).
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, 'The body is not JSON. Send an object such as {"question": "What is USA next!?"}.') from None
    if not isinstance(values, dict):
        raise Refused(422, 'The body is not a JSON object. Send one such as {"question": "What is USA next!?"}.')
    for name in values:
        if name not in _FIELDS:
            raise Refused(422, f"There is no field {_shown(name)} here. Use question, history, stream and id.")
    stream, id_ = values.get("stream", False), values.get("id")
    if not isinstance(stream, bool):
        raise Refused(422, "The field stream is neither true nor false.")
    if id_ is not None and not isinstance(id_, str):
        raise Refused(422, "The field id is not a string.")
    return Asked(
        _question(values, "The field question"), _history(values.get("history")), stream, id_ and _sendable(id_)
    )


def _history(turns: Any) -> tuple[Turn, ...]:
    if turns is None:
        return ()
    if not isinstance(turns, list):
        raise Refused(422, 'The field history is not a list of objects such as {"question": "...", "answer": "..."}.')
    if len(turns) > MAX_TURNS:
        raise Refused(422, f"The history has {len(turns)} turns, and {MAX_TURNS} are read. Send the latest ones.")
    return tuple(_turn(turn, f"Turn {number} of the history") for number, turn in enumerate(turns, start=1))


def _turn(turn: Any, where: str) -> Turn:
    if not isinstance(turn, dict):
        raise Refused(422, f'{where} is not an object such as {{"question": "...", "answer": "..."}}.')
    answer = turn.get("answer")
    if answer is not None and not isinstance(answer, str):
        raise Refused(422, f"{where} has an answer that is not a string.")
    return Turn(_question(turn, f"{where}: its question"), answer and _sendable(answer))


def _question(values: Mapping[str, Any], what: str) -> str:
    question = values.get("question")
    if question is None:
        raise Refused(422, f"{what} is missing.")
    if not isinstance(question, str):
        raise Refused(422, f"{what} is not a string.")
    if not question.strip():
        raise Refused(422, f"{what} is empty.")
    return _sendable(question.strip())


def _sendable(text: str) -> str:
    """Return the text without lone surrogates, which JSON can write and nothing can send."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _shown(name: str) -> str:
    """Return a name as a sentence can hold it, however long it is."""
    return json.dumps(name if len(name) <= 40 else f"{name[:40]}…", ensure_ascii=True)


def _check_type(content_type: str) -> None:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "Only JSON is read here. Send it with the header Content-Type: application/json.")


async def _body(receive: Receive) -> bytes:
    """Return the whole body; `Gate` has looked at its size."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "The request ended before its body did.")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _stop_when_client_leaves(receive: Receive, reading: Reading[Answer]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.stop()


async def _send_refusal(send: Send, refusal: Refused) -> None:
    """Send the sentence of a request that is not answered."""
    if refusal.retry_after is not None:
        refused("api", refusal.status)
    later = () if refusal.retry_after is None else ((b"retry-after", str(refusal.retry_after).encode()),)
    await _send_json(send, refusal.status, {"error": str(refusal)}, *later)


async def _send_answer(send: Send, asked: Asked, reading: Reading[Answer]) -> None:
    """Send the whole answer; nothing where the client has left."""
    async with aclosing(_events(asked, reading)) as events:
        async for name, said in events:
            if name != "progress":
                await _send_json(send, _STATUS[name], said)


async def _send_events(send: Send, asked: Asked, reading: Reading[Answer]) -> None:
    """Send each growth as an event, then the whole answer; a comment now and then keeps the connection open."""
    kind = (b"content-type", b"text/event-stream; charset=utf-8")
    sending = asyncio.Lock()

    async def send_piece(piece: bytes) -> None:
        async with sending:
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def keep_alive() -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_SECONDS)
            await send_piece(b": still here\n\n")

    # A proxy that collects the reply first would make one of many events.
    await send(_start(200, kind, (b"x-accel-buffering", b"no")))
    keeping = asyncio.create_task(keep_alive())
    try:
        async with aclosing(reading.waiting(PLACE_SECONDS)) as places:
            async for place in places:
                await send_piece(_event("waiting", {"place": place}))
        async with aclosing(_events(asked, reading)) as events:
            async for name, said in events:
                event = "error" if name == "sorry" else name
                await send_piece(_event(event, said))
    finally:
        keeping.cancel()
    await send({"type": "http.response.body", "body": b""})


def _event(name: str, said: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(said)}\n\n".encode()


async def _events(asked: Asked, reading: Reading[Answer]) -> AsyncGenerator[tuple[str, Mapping[str, Any]], None]:
    """Yield `progress` for each growth, then `answer`; instead of it `sorry` or `error`, with its sentence.

    A reading that was stopped just ends: its client has left.
    """
    shown = ""
    try:
        async with aclosing(reading.steps()) as answers:
            async for answer in answers:
                if answer.complete:
                    yield "answer", {**({"id": asked.id} if asked.id is not None else {}), "answer": answer.to_dict()}
                    return
                if answer.text != shown:
                    shown = answer.text
                    cited = [citation.to_dict() for citation in answer.citations]
                    yield "progress", {"text": answer.text, "citations": cited}
        if not reading.stopped:
            raise RuntimeError("an answer ended before it was complete")
    except AssistantError as error:
        yield "sorry", {"error": str(error)}
    except Exception:
        # The question is the asker's: it stays out of the log.
        logger.exception("a question failed")
        yield "error", {"error": _UNEXPECTED}


def _start(status: int, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    common = ((b"cache-control", b"no-store"), (b"content-security-policy", _POLICY))
    return {"type": "http.response.start", "status": status, "headers": [*headers, *common]}


async def _send_json(send: Send, status: int, values: Mapping[str, Any], *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps(values, ensure_ascii=False).encode()
    kind, length = (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())
    await send(_start(status, kind, length, *headers))
    await send({"type": "http.response.body", "body": body})
