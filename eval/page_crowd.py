"""Many visitors at once: what each asks and sees; visitors that speak the page's protocol without a browser."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any, Protocol

import httpx

from eval.errors import EvaluationError

# Far above every target: whoever waits longer gets an error.
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one of many visitors asked and got.

    Attributes:
        shown: The conversation as it stood on the page, None where there was none.
        seconds: From the question to the answer.
        places: The places in line that were shown, in their order; none for who did not wait.
        error: What went wrong, None for nothing.
        hint: What stood below the box in the end, as HTML; empty where it was not looked at.
    """

    question: str
    shown: Shown | None = None
    seconds: float = 0.0
    places: tuple[int, ...] = ()
    error: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation as the page shows it: its questions, the quotes behind its answers, and whether one failed."""

    questions: tuple[str, ...]
    quotes: frozenset[str]
    failed: bool
    reading: str | None


class _Reader(HTMLParser):
    """Collects the words of the elements that are looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self._inside: list[str | None] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "img", "input", "hr", "link", "meta"):
            return
        classes = (dict(attributes).get("class") or "").split()
        outer = self._inside[-1] if self._inside else None
        name: str | None = next(
            (one for one in ("question", "reading", "failure", "peek-quote") if one in classes), None
        )
        if name == "failure":
            self.found.append((name, []))
        # The question stands in a paragraph beside a heading for screen readers.
        if (outer in ("question", "reading") and tag == "p") or name == "peek-quote":
            name = f"{outer} words" if name is None else name
            self.found.append((name, []))
        self._inside.append(name or outer)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] in ("question words", "reading words", "peek-quote"):
            self.found[-1][1].append(data)


def read_conversation(html: str) -> Shown:
    """Return what a conversation's HTML shows, as the server sends it or as the browser holds it."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    words = [(name, "".join(parts)) for name, parts in reader.found]
    return Shown(
        questions=tuple(text for name, text in words if name == "question words"),
        quotes=frozenset(_plain(text) for name, text in words if name == "peek-quote"),
        failed=any(name == "failure" for name, _ in words),
        reading=next((text for name, text in words if name == "reading words"), None),
    )


def _plain(text: str) -> str:
    """Return words without the spaces and the lines between the cells of a table."""
    return " ".join(re.split(r"[\s|]+", text)).strip()


class Visitor(Protocol):
    """Somebody who has the page open."""

    async def ask(self, question: str) -> Told:
        """Ask a question and wait for its answer."""
        ...


async def crowd(visitors: Sequence[AbstractAsyncContextManager[Visitor]], questions: Sequence[str]) -> list[Told]:
    """Let every visitor open the page, then all ask at the same moment, each the question in the same place."""
    async with AsyncExitStack() as stack:
        there = [await stack.enter_async_context(visitor) for visitor in visitors]
        asking = [_unfailing(visitor.ask, question) for visitor, question in zip(there, questions, strict=True)]
        return await asyncio.gather(*asking)


async def _unfailing(ask: Callable[[str], Awaitable[Told]], question: str) -> Told:
    try:
        return await asyncio.wait_for(ask(question), PATIENCE_SECONDS)
    except Exception as error:  # whatever a visitor meets instead of an answer is what is counted
        return Told(question, error=f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _ProtocolVisitor:
    """Gradio's own protocol, as the page speaks it: join the queue, then read the stream of events.

    Attributes:
        events: The page's events by the name of what answers them.
        conversation: Where the conversation stands among the values that a question changes; `hint` where that does
            which stands below the box.
    """

    client: httpx.AsyncClient
    session: str
    events: Mapping[str, Mapping[str, Any]]
    conversation: int
    hint: int

    async def open(self) -> None:
        """Send what the page sends once it is loaded."""
        async for _ in self._values("open_page", []):
            pass

    async def ask(self, question: str) -> Told:
        """Send a question as the page does in English, with neither field nor stage chosen."""
        begun = time.perf_counter()
        html, hint, seconds = "", "", 0.0
        places: list[int] = []
        async for html, hint in self._values("respond", [question, None, "en", "any", "any"]):  # noqa: B007 - the last counts
            reading = read_conversation(html).reading
            place = re.search("[0-9]+", reading or "")
            if place and places[-1:] != [int(place[0])]:
                places.append(int(place[0]))
            if html and reading is None:
                seconds = seconds or time.perf_counter() - begun
        return Told(question, read_conversation(html) if html else None, seconds, tuple(places), hint=hint)

    async def _values(self, name: str, values: Sequence[object]) -> AsyncIterator[tuple[str, str]]:
        """Yield the HTML of conversation and hint at each step of an event; empty while there is none."""
        event = self.events[name]
        body = {
            "data": values,
            "event_data": None,
            "fn_index": event["id"],
            "trigger_id": event["targets"][0][0],
            "session_hash": self.session,
        }
        joined = await self.client.post("/gradio_api/queue/join", json=body)
        joined.raise_for_status()
        html, hint, whole = "", "", True
        async with self.client.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if said.get("msg") in ("process_generating", "process_completed"):
                    if not said["success"]:
                        raise EvaluationError("the page's event failed")
                    # The first step and the end come whole, what is between as the difference to the step before.
                    whole = whole or said["msg"] == "process_completed"
                    data = said["output"]["data"]
                    html = _changed(html, data[self.conversation], whole=whole)
                    hint = _changed(hint, data[self.hint], whole=whole)
                    whole = False
                    yield html, hint
                if said.get("msg") in ("close_stream", "unexpected_error"):
                    if said["msg"] == "unexpected_error":
                        raise EvaluationError(str(said.get("message")))
                    return


def _changed(html: str, value: Any, *, whole: bool) -> str:
    """Return a component's HTML after one step; what is neither words nor a change of words leaves it as it is."""
    if isinstance(value, str):
        return value if whole else html
    for action, _, words in value if isinstance(value, list) and not whole else ():
        html = html + words if action == "append" else words
    return html


@asynccontextmanager
async def protocol_visitor(address: str) -> AsyncIterator[Visitor]:
    """Open the page as a new visitor, without what only a browser needs: styles, scripts and fonts."""
    headers = {"origin": address, "accept-language": "en"}
    async with httpx.AsyncClient(
        base_url=address, headers=headers, timeout=PATIENCE_SECONDS, verify=_certificates()
    ) as client:
        (await client.get("/")).raise_for_status()
        config = (await client.get("/config")).raise_for_status().json()
        events = {event["api_name"]: event for event in config["dependencies"]}
        ids = {one["props"].get("elem_id"): one["id"] for one in config["components"]}
        places = [events["respond"]["outputs"].index(ids[name]) for name in ("conversation", "hint")]
        session = secrets.token_hex(6)
        visitor = _ProtocolVisitor(client, session, events, *places)
        # As long as the page is open, so is this; when it closes the server forgets the visitor.
        async with client.stream("GET", f"/gradio_api/heartbeat/{session}"):
            await visitor.open()
            yield visitor


@cache
def _certificates() -> ssl.SSLContext:
    """Return what certificates are judged by: each visitor would read the system's list anew, for 30 ms."""
    return ssl.create_default_context()


def quotes_alone(address: str, question: str) -> frozenset[str]:
    """Return the quotes that a question gets where nobody else asks.

    Raises:
        EvaluationError: It gets no answer.
    """
    reply = httpx.post(f"{address}/api/chat", json={"question": question}, timeout=PATIENCE_SECONDS)
    if reply.status_code != 200:
        raise EvaluationError(f"Asked alone, {question!r} got status {reply.status_code}: {reply.text}")
    return frozenset(_plain(citation["quote"]) for citation in reply.json()["answer"]["citations"])
