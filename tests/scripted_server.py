"""A server that speaks OpenAI's protocol on loopback and answers from a script: fast, slow, broken or dishonest.

Tests start it, so that the real client talks to a real socket. By hand, `python tests/scripted_server.py` prints the
settings to ask it with. Standard library only, and nothing of the assistant: what plays the model must not share a
mistake with what checks it.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from types import TracebackType
from typing import Any

PIECE_CHARACTERS = 7
SILENCE_SECONDS = 60.0
ENDLESS_CHARACTERS = 200_000
LOOK_SECONDS = 0.02
CLOSE_SECONDS = 5.0
MODEL = "scripted"
SENTENCES_AT_MOST = 3


# ---- What is asked and answered ----


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model, as it came over the wire.

    Attributes:
        messages: As sent, each with `role` and `content`.
        max_tokens: Whichever of `max_tokens` and `max_completion_tokens` was sent; None without both.
        temperature: None when it was not sent.
        headers: Names in lower case.
        usage: A stream was asked to end with the number of its tokens.
    """

    messages: list[dict[str, Any]]
    model: str = MODEL
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    usage: bool = False

    @property
    def instructions(self) -> str:
        """The text of the system messages; empty without one."""
        return "\n".join(_content(one) for one in self.messages if one.get("role") in ("system", "developer"))

    @property
    def message(self) -> str:
        """The text of the last message of the user; empty without one."""
        return next((_content(one) for one in reversed(self.messages) if one.get("role") == "user"), "")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server does with one request.

    Attributes:
        text: The whole answer; streamed in pieces of seven characters.
        pieces: The answer as it is streamed, instead of `text`.
        status: Others than 200 send `error_message` as OpenAI does, and none of the answer.
        headers: Sent besides the usual ones, such as `retry-after`.
        before_seconds: Silence before the headers.
        between_seconds: Pause before each piece but the first.
        silent_after: After so many pieces it is silent until the client leaves, a minute at most, and then hangs up.
            Without a stream it is silent before the headers, whatever the number.
        break_after: After so many pieces it hangs up without an end; without a stream, half way through the answer.
        malformed: One event after the first piece, or the whole answer without a stream, is not JSON.
        endless: The pieces are repeated until the client leaves, to 200,000 characters at most.

    Raises:
        ValueError: Text and pieces are both given, or nothing is to be repeated without end.
    """

    text: str = ""
    pieces: tuple[str, ...] = ()
    status: int = 200
    error_message: str = "The scripted server was told to fail."
    headers: Mapping[str, str] = field(default_factory=dict)
    before_seconds: float = 0
    between_seconds: float = 0
    silent_after: int | None = None
    break_after: int | None = None
    malformed: bool = False
    endless: bool = False
    finish_reason: str = "stop"

    def __post_init__(self) -> None:
        if self.text and self.pieces:
            raise ValueError("A reply has a text or pieces, not both.")
        if self.endless and not any(self.streamed):
            raise ValueError("An endless reply needs a text to repeat.")

    @property
    def streamed(self) -> tuple[str, ...]:
        """The pieces, once."""
        starts = range(0, len(self.text), PIECE_CHARACTERS)
        return self.pieces or tuple(self.text[start : start + PIECE_CHARACTERS] for start in starts)

    def written(self) -> Iterator[str]:
        """Yield every piece that is sent when nothing interrupts it."""
        if not self.endless:
            yield from self.streamed
            return
        left = ENDLESS_CHARACTERS
        for piece in cycle(self.streamed):
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return


Script = Callable[[Request], Reply] | Sequence[Reply]


# ---- The server ----


class ScriptedServer:
    """A model server on a port of its own, from `with` to its end.

    A script is asked for each reply; a sequence gives its replies in order, and the last one again and again. Leaving
    `with` hangs up on everybody, and raises what the script itself raised, if it did (its client got status 500).
    """

    def __init__(self, script: Script, *, port: int = 0) -> None:
        """Remember the script; the port, any free one by default, is taken on entering.

        Raises:
            ValueError: A sequence without a reply.
        """
        if not callable(script) and not script:
            raise ValueError("A script needs at least one reply.")
        self._script = script
        self._port = port
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._closed_early = 0
        self._failure: Exception | None = None
        self._listener: _Listener | None = None

    def __enter__(self) -> ScriptedServer:
        self._listener = _Listener(self, self._port)
        self._port = self._listener.server_address[1]
        threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": LOOK_SECONDS}, name="scripted", daemon=True
        ).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._listener is not None
        self._listener.end()
        # A failing test fails by its own words; a script that failed unseen would let one pass.
        if error is None and self._failure is not None:
            raise self._failure

    @property
    def url(self) -> str:
        """The address for clients, such as `http://127.0.0.1:40123/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Request]:
        """The questions so far, in the order they came."""
        with self._lock:
            return list(self._requests)

    @property
    def closed_early(self) -> int:
        """How many replies, streamed or not, lost their client before their end."""
        with self._lock:
            return self._closed_early

    def reply_to(self, request: Request) -> Reply:
        """Record a request and return what the script says to it; called by the server's own threads."""
        with self._lock:
            self._requests.append(request)
            if not callable(self._script):
                return self._script[min(len(self._requests), len(self._script)) - 1]
        # Not under the lock: a script may look at the server, or wait.
        return self._script(request)

    def note_failure(self, error: Exception) -> None:
        """Keep the first exception of the script, or of the server itself."""
        with self._lock:
            self._failure = self._failure or error

    def note_closed_early(self) -> None:
        """Count a client that left."""
        with self._lock:
            self._closed_early += 1


class _ClientLeft(Exception):
    """Nobody reads any more."""


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, owner: ScriptedServer, port: int) -> None:
        self.owner = owner
        self.ending = threading.Event()
        self._open: set[Any] = set()
        self._changed = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # The base class asks the name service who 127.0.0.1 is, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self.owner.note_failure(error)

    def end(self) -> None:
        """Hang up on everybody, and wait until no thread holds a connection."""
        self.ending.set()
        self.shutdown()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # its client was faster
            self._changed.wait_for(lambda: not self._open, timeout=CLOSE_SECONDS)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the requests are kept."""

    def do_GET(self) -> None:
        """Answer with the list of models, or with 404."""
        if self._path() == "/v1/models":
            self._send_json({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "tests"}]})
        else:
            self._send_error(404, f"Unknown address: {self.path}")

    def do_POST(self) -> None:
        """Answer a question as the script says."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self._path() != "/v1/chat/completions":
            return self._send_error(404, f"Unknown address: {self.path}")
        try:
            request = _request(body, {name.lower(): value for name, value in self.headers.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._send_error(400, f"Not a request for a chat completion: {error!r}")
        try:
            reply = self.server.owner.reply_to(request)
        except Exception as error:
            self.server.owner.note_failure(error)
            return self._send_error(500, f"The script failed: {type(error).__name__}")
        try:
            self._answer(request, reply)
        except (_ClientLeft, OSError):
            self.close_connection = True
            if not self.server.ending.is_set():
                self.server.owner.note_closed_early()
        return None

    def _other_method(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self._send_error(404, f"Unknown address: {self.command} {self.path}")

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _other_method

    def _answer(self, request: Request, reply: Reply) -> None:
        self._pause(reply.before_seconds)
        if reply.status != 200:
            self._send_error(reply.status, reply.error_message, reply.headers)
        elif request.stream:
            self._stream(request, reply)
        else:
            self._send_whole(request, reply)

    # -- In one --

    def _send_whole(self, request: Request, reply: Reply) -> None:
        if reply.silent_after is not None:
            self._pause(SILENCE_SECONDS)
            self.close_connection = True
            return
        text = "".join(reply.written())
        message = {"role": "assistant", "content": text}
        body = json.dumps(
            _completion(request, "chat.completion", {"message": message}, reply.finish_reason)
            | {"usage": _usage(request, text)}
        ).encode()
        if reply.malformed:
            body = body[:-1]
        sent = len(body) if reply.break_after is None else len(body) // 2
        self._send_head(200, reply.headers, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body[:sent])

    def _send_json(self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self._send_head(status, headers or {}, {"Content-Type": "application/json", "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _send_error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        kind = "server_error" if status >= 500 else "invalid_request_error"
        self._send_json({"error": {"message": message, "type": kind, "param": None, "code": None}}, status, headers)

    # -- Piece by piece --

    def _stream(self, request: Request, reply: Reply) -> None:
        self._send_head(200, reply.headers, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
        self._send_events(_chunk(request, {"role": "assistant", "content": ""}))
        sent = 0
        for piece in reply.written():
            if self._hangs_up(reply, sent):
                return
            self._pause(reply.between_seconds if sent else 0)
            self._send_events(_chunk(request, {"content": piece}))
            sent += 1
            if reply.malformed and sent == 1:
                self._send_events('{"choices": [this is not JSON')
        if self._hangs_up(reply, sent):
            return
        self._pause(0)
        events = [_chunk(request, {}, reply.finish_reason)]
        if request.usage:
            events.append(_chunk(request, None) | {"usage": _usage(request, "".join(reply.written()))})
        # In one write: a client that hangs up at [DONE] has not left early.
        self._send_events(*events, "[DONE]", last=True)

    def _hangs_up(self, reply: Reply, sent: int) -> bool:
        if reply.silent_after == sent:
            self._pause(SILENCE_SECONDS)
            return True
        return reply.break_after == sent

    def _send_events(self, *events: dict[str, Any] | str, last: bool = False) -> None:
        data = [event if isinstance(event, str) else json.dumps(event, ensure_ascii=False) for event in events]
        body = "".join(f"data: {one}\n\n" for one in data).encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(body), body) + (b"0\r\n\r\n" if last else b""))

    # -- Below both --

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _send_head(self, status: int, *headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in ((name, value) for some in headers for name, value in some.items()):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()

    def _pause(self, seconds: float) -> None:
        """Wait, but raise `_ClientLeft` as soon as the client hangs up; with 0, only look."""
        until = time.monotonic() + seconds
        while True:
            if self.server.ending.is_set():
                raise _ClientLeft
            left = max(until - time.monotonic(), 0)
            readable, _, _ = select.select([self.connection], [], [], min(left, LOOK_SECONDS))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise _ClientLeft
            if not left:
                return
            if readable:  # it sent more than it should, so select would not wait
                time.sleep(min(left, LOOK_SECONDS))


def _request(body: bytes, headers: dict[str, str]) -> Request:
    sent = json.loads(body)
    if not isinstance(sent["messages"], list) or not sent["messages"]:
        raise ValueError("no messages")
    limits = (sent.get(name) for name in ("max_completion_tokens", "max_tokens"))
    return Request(
        messages=sent["messages"],
        model=sent["model"],
        stream=bool(sent.get("stream")),
        max_tokens=next((limit for limit in limits if limit is not None), None),
        temperature=sent.get("temperature"),
        headers=headers,
        usage=bool((sent.get("stream_options") or {}).get("include_usage")),
    )


def _content(message: Mapping[str, Any]) -> str:
    """Return the text of a message, which is a string or a list of parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _completion(
    request: Request, kind: str, choice: dict[str, Any] | None, finish_reason: str | None
) -> dict[str, Any]:
    choices = [] if choice is None else [{"index": 0, **choice, "finish_reason": finish_reason}]
    return {"id": "chatcmpl-scripted", "object": kind, "created": 0, "model": request.model, "choices": choices}


def _chunk(request: Request, delta: dict[str, Any] | None, finish_reason: str | None = None) -> dict[str, Any]:
    choice = None if delta is None else {"delta": delta}
    return _completion(request, "chat.completion.chunk", choice, finish_reason)


def _usage(request: Request, text: str) -> dict[str, int]:
    """Return how many tokens were read and written, a word being one."""
    read, written = sum(len(_content(one).split()) for one in request.messages), len(text.split())
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


# ---- Three models: honest, inventive, obedient ----

_REWRITES = "You prepare a search"
_PASSAGE = re.compile(r"<passage (P\d+) (\w+)>\n(.*?)\n?</passage \2>", re.DOTALL)
_QUESTION = re.compile(r"<question (\w+)>\n(.*?)\n?</question \1>", re.DOTALL)
_MARKS = re.compile(r"</?(?:passage|question)\b[^>\n]*>")
_LAST_QUESTION = re.compile(r".*\blast question:", re.IGNORECASE | re.DOTALL)
_ITEM_MARK = re.compile(r"\s*(?:[-•*]|\d{1,3}[.)](?=\s+[A-ZÆØÅ]))\s+")
_BOUNDARY = re.compile(r"[.!?…]+[\"'”»)\]]*\s+(?=[\"'“«(\[]?[A-ZÆØÅ0-9])")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|vs|cf|nos?|dr|mr|ms|prof|art|sec|inc|ltd|u\.s|bl\.a|f\.eks|ca|nr|kl|jf|[A-ZÆØÅ])\.\s+$",
    re.IGNORECASE,
)
_COMMON = frozenset(
    "a an the of to in on for from by with at as is are was were be been do does did has have had can may must shall "
    "will and or not no it its this that these those there who what which when where why how much many i we you they "
    "our your en ei et den det de som av til i på for fra med om ved er var være blir ble har hadde kan må skal vil og "
    "eller ikke dette disse der hvem hva hvilken hvilke hvilket når hvor hvorfor hvordan mye mange jeg vi du dere man "
    "seg sin".split()
)
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve".split(),
    "en to tre fire fem seks sju åtte ni ti elleve tolv".split(),
)
_IGNORE = re.compile(
    r"\b(?:ignore|disregard|forget|override|instead|ignorer|glem|gløym|overse|se bort fra|i stedet)\b[\s,:]*",
    re.IGNORECASE,
)
# Only as an order: `We say` and `et svar` are what documents are made of.
_SAY = re.compile(
    r"(?:^\W*|[,:;.–—\"“«(]\s*|"
    r"\b(?:and|or|then|please|must|should|only|just|always|instead|og|må|skal|bare|kun|alltid)\s+)"
    r"(?:say|write|(?:reply|respond|answer)(?=\s+(?:with|that|only)\b|\s*[:\"“«])|svar|skriv|si)\b[\s:,]*"
    r"(?:(?:only|just|with|that|bare|kun|med|at)\b[\s:,]*)*"
    r"|\byou must answer\b[\s:,]*(?:(?:with|that)\b[\s:,]*)*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|«([^»]+)»|(?<!\w)'(.+?)'(?!\w)|‘(.+?)’(?!\w)")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence of a passage or of the question.

    Attributes:
        key: Of its passage; empty in the question.
        line: Its line from where it starts.
        states: It says something: no heading, no question.
    """

    key: str
    text: str
    line: str
    states: bool


def honest(request: Request) -> Reply:
    """Quote the three sentences, at most, that share most words with the question, and claim each word for word."""
    if _is_rewrite(request):
        return _rewritten(_last_question(request.message))
    return _claimed([(one, one.text) for one in _best(request)])


def inventive(request: Request) -> Reply:
    """Quote like the honest model, and change a number of each claim, or add a year, so that no quote carries it."""
    if _is_rewrite(request):
        return honest(request)
    taken = _numbers(request.message)
    return _claimed([(one, _invented(one.text, taken)) for one in _best(request)])


def obedient(request: Request) -> Reply:
    """Do what the first order in passages or question says; without one, be honest.

    An order to say something goes before one that only asks to ignore something. What is to be said is written plainly,
    then as a claim that quotes the order (as if it stood in P1, when the question gave it), then as a claim that quotes
    the first sentence of P1. An order in a conversation to be rewritten becomes the rewritten question.
    """
    passages, question = _read(request.message)
    given = [*passages, *_sentences("", question)]
    found = _order(given)
    if found is None:
        return honest(request)
    order, payload = found
    if _is_rewrite(request):
        return _rewritten(payload)
    first = next((one for one in passages if one.key == "P1" and one.states and one != order), None)
    claims = _claim_lines([(one, payload) for one in (order, first) if one is not None])
    return Reply("\n".join([payload, *claims]))


def _is_rewrite(request: Request) -> bool:
    return request.instructions.lstrip().startswith(_REWRITES)


def _rewritten(question: str) -> Reply:
    return Reply(f"SAME: {question}\nOTHER: {question}")


def _last_question(message: str) -> str:
    """Return the question behind the last `Last question:`; without one, the last line that asks, or the last line."""
    if label := _LAST_QUESTION.match(message):
        return " ".join(message[label.end() :].split())
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return next((line for line in reversed(lines) if line.endswith("?")), lines[-1] if lines else "")


def _claimed(claims: Sequence[tuple[_Sentence, str]]) -> Reply:
    return Reply("\n".join(_claim_lines(claims)) or "NOT IN SOURCES")


def _claim_lines(claims: Sequence[tuple[_Sentence, str]]) -> list[str]:
    return [line for one, said in claims for line in (f"QUOTE {one.key or 'P1'}: {one.text}", f"CLAIM: {said}")]


def _best(request: Request) -> list[_Sentence]:
    """Return the sentences that share most words with the question, best first, equals in their order."""
    passages, question = _read(request.message)
    asked = _words(question)
    candidates = {one.text: one for one in reversed(passages) if one.states and asked & _words(one.text)}
    ranked = sorted(reversed(candidates.values()), key=lambda one: -len(asked & _words(one.text)))
    return ranked[:SENTENCES_AT_MOST]


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", text.lower())) - _COMMON


def _read(message: str) -> tuple[list[_Sentence], str]:
    """Return the sentences of the passages, and the question; the whole message where nothing is marked."""
    blocks = list(_PASSAGE.finditer(message))
    # A passage may hold marks that its author invented; the first one is ours.
    blocks = [block for block in blocks if block[2] == blocks[0][2]]
    question = _QUESTION.search(message, blocks[-1].end() if blocks else 0)
    asked = question[2] if question else "" if blocks else message
    return [one for block in blocks for one in _sentences(block[1], block[3])], asked


def _sentences(key: str, text: str) -> Iterator[_Sentence]:
    """Yield the sentences of a passage without its title, or of the question."""
    lines = text.splitlines()
    for line in lines[1:] if key and lines and lines[0].startswith("(") and lines[0].endswith(")") else lines:
        mark = _ITEM_MARK.match(line)
        line = line[mark.end() if mark else 0 :].strip()
        whole = bool(mark) or "|" in line or "\t" in line or ": " in line
        for start, end in _spans(line):
            said = line[start:end].strip()
            ends = said.rstrip("\"'”»)]")[-1:]
            yield _Sentence(key, said, line[start:], states=ends != "?" and (whole or ends in (".", "!", "…")))


def _spans(line: str) -> Iterator[tuple[int, int]]:
    position = 0
    for boundary in _BOUNDARY.finditer(line):
        if not _ABBREVIATION.search(line[position : boundary.end()]):
            yield position, boundary.end()
            position = boundary.end()
    if line[position:].strip():
        yield position, len(line)


def _numbers(message: str) -> frozenset[int]:
    """Return the numbers that a message holds, in figures or in small words, but for those of its marks."""
    message = _MARKS.sub("", message)
    said = set(re.findall(r"[^\W\d_]+", message.lower()))
    small = {number for names in _NUMBER_WORDS for number, name in enumerate(names, start=1) if name in said}
    return frozenset(small | {int(digits) for digits in re.findall(r"\d{1,15}", message)})


def _invented(sentence: str, taken: frozenset[int]) -> str:
    """Return a sentence with another number, one that stands nowhere in what was read."""
    if not (found := re.search(r"\b\d{1,15}\b", sentence)):
        return re.sub(r"([.!?…]?[\"'”»)\]]*)$", r" in 2031\1", sentence, count=1)
    number = int(found[0]) + 1
    while number in taken:
        number += 1
    return f"{sentence[: found.start()]}{number}{sentence[found.end() :]}"


def _order(given: Sequence[_Sentence]) -> tuple[_Sentence, str] | None:
    """Return the sentence to obey and what it wants said; None when nothing gives an order."""
    for pattern in (_SAY, _IGNORE):
        for position, one in enumerate(given):
            if not (verb := pattern.search(one.text)):
                continue
            start = verb.end()
            # A quote may hold several sentences, so its end is looked for in all of the line.
            quoted = _QUOTED.search(one.line, start)
            if quoted and quoted.start() < len(one.text):
                said = next(filter(None, quoted.groups()))
            else:
                said = one.text[start:]
            following = given[position + 1].text if position + 1 < len(given) else ""
            return one, said.strip() or following or one.text
    return None


# ---- By hand ----

SCRIPTS: Mapping[str, Callable[[Request], Reply]] = {"honest": honest, "inventive": inventive, "obedient": obedient}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; returns 0, or 1 when the port is taken."""
    parser = argparse.ArgumentParser(description="Serve a scripted language model on this machine, until Ctrl-C.")
    parser.add_argument("--script", choices=SCRIPTS, default="honest", help="which model is played (honest)")
    parser.add_argument("--port", type=int, default=0, help="any free port unless given")
    parser.add_argument("--between", type=float, default=0.05, help="seconds between two pieces (0.05)")
    chosen = parser.parse_args(arguments)
    script = SCRIPTS[chosen.script]
    try:
        with ScriptedServer(
            lambda request: replace(script(request), between_seconds=chosen.between), port=chosen.port
        ) as server:
            sys.stdout.write(
                f"The {chosen.script} model listens until Ctrl-C. To ask it:\n"
                f"ASSISTANT_MODEL=openai:{MODEL} ASSISTANT_MODEL_ADDRESS={server.url} python app.py\n"
            )
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"Port {chosen.port} cannot be used ({error}): choose another with --port.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
