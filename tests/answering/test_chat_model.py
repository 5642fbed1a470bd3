"""The door to language models, over real HTTP: names and keys, limits, every failure by its kind, and clean ends."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import AsyncGeneratorType

import pytest

from assistant.answering.chat_model import ChatModel, _host, _is_here
from assistant.errors import AssistantError, ModelFailed, ModelUnavailable, SettingsError
from tests.scripted_server import ENDLESS_CHARACTERS, Reply, Request, ScriptedServer

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-heron-4711"
QUESTION = "How many puffins does the harbour feed?"
ANSWER = "Seven puffins, and a walrus on Sundays."
VARIABLES = (
    "OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_BASE OLLAMA_HOST ANTHROPIC_API_KEY GOOGLE_API_KEY MISTRAL_API_KEY "
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy"
).split()
# Each provider with its package, our extra that installs it, and the variable of its key.
PROVIDERS = [
    pytest.param("openai", "langchain_openai", "openai", "OPENAI_API_KEY", id="openai"),
    pytest.param("anthropic", "langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY", id="anthropic"),
    pytest.param("google", "langchain_google_genai", "google", "GOOGLE_API_KEY", id="google"),
    pytest.param("mistral", "langchain_mistralai", "mistral", "MISTRAL_API_KEY", id="mistral"),
    pytest.param("ollama", "langchain_ollama", "ollama", None, id="ollama"),
]
# Room for a busy machine; what would not end in this time is silent for a minute, or goes on for ever.
AT_ONCE_SECONDS = 20.0
# Limits for models that keep quiet; the others have time enough on any machine.
IMPATIENT = {"seconds": 3.0, "silence_seconds": 1.0}


@pytest.fixture(autouse=True)
def _own_keys_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clear the variables that choose a server or a key."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def open_model() -> Iterator[Callable[..., ChatModel]]:
    """Open models, and close them at the end."""
    opened: list[ChatModel] = []

    def open_one(address: str | None, name: str = "openai:scripted", **limits: object) -> ChatModel:
        chosen = {"seconds": 30.0, "silence_seconds": 30.0, "retries": 1, "tokens": 500, "temperature": 0.0}
        opened.append(ChatModel(name, address=address, **{**chosen, **limits}))
        return opened[-1]

    yield open_one
    for model in opened:
        model.close()


@pytest.fixture
def dead_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def answers_with() -> Iterator[Callable[[bytes], tuple[str, list[bytes]]]]:
    """Start servers that are no model: each answers every connection with the same bytes and hangs up."""
    listeners: list[socket.socket] = []

    def start(content: bytes) -> tuple[str, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        received: list[bytes] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(65536))
                    connection.sendall(content)
                    connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1", received

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def lasting_server() -> Iterator[str]:
    """A model server that keeps its connections open for the next question, as those of all providers do."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _LastingConnections)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


class _LastingConnections(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "delta": {"content": ANSWER}, "finish_reason": "stop"}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
        body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask(model: ChatModel, **limits: float) -> str:
    """Return the whole answer."""
    return "".join(model.stream("Be brief.", QUESTION, **limits))


def outcome(model: ChatModel) -> str:
    """Return the whole answer, or the kind of the failure."""
    try:
        return ask(model)
    except ModelFailed as failure:
        return failure.kind


def until_it_fails(model: ChatModel) -> tuple[str, str]:
    """Return the text that came before the failure, and the kind of the failure."""
    got = ""
    try:
        for piece in model.stream("Be brief.", QUESTION):
            got += piece
    except ModelFailed as failure:
        return got, failure.kind
    pytest.fail(f"the stream ended without a failure, after {got[:80]!r}")


def in_time(holds: Callable[[], object], seconds: float = AT_ONCE_SECONDS) -> bool:
    """Return whether something came true in time."""
    give_up = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True


# ---- Names, packages and keys ----


@pytest.mark.parametrize("name", ["gpt-4o-mini", "", ":", "openai:", ":gpt-4o-mini", "openai/gpt-4o-mini"])
def test_a_name_is_a_provider_and_a_model(open_model, name):
    """Anything else is refused with a sentence that shows how it is written."""
    expected = f"ASSISTANT_MODEL is {name!r}: write it as provider:model, such as ollama:llama3.1"
    with pytest.raises(SettingsError, match=re.escape(expected)):
        open_model(None, name)


def test_a_model_may_have_colons_in_its_name(open_model):
    """Only the first one parts: `ollama:llama3.1:8b` is how tags are written."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        model = open_model(server.url, "openai:llama3.1:8b")
        assert ask(model) == ANSWER
        assert (model.name, server.requests[0].model) == ("openai:llama3.1:8b", "llama3.1:8b")


@pytest.mark.parametrize(("provider", "package", "extra", "key"), PROVIDERS)
def test_a_missing_package_is_named_with_its_install_command(open_model, monkeypatch, provider, package, extra, key):
    """One command mends it; where the package is there, the model opens without asking anybody anything."""
    if key:
        monkeypatch.setenv(key, KEY)
    if find_spec(package):
        assert open_model(None, f"{provider}:any").name == f"{provider}:any"
        return
    with pytest.raises(ModelUnavailable, match=re.escape(f'pip install -c constraints.txt -e ".[{extra}]"')) as error:
        open_model(None, f"{provider}:any")
    assert KEY not in str(error.value)


@pytest.mark.parametrize(("provider", "package", "extra", "key"), PROVIDERS)
def test_a_missing_key_is_named_by_its_variable(open_model, provider, package, extra, key):
    """The variable is the one that the provider's own package reads; the keys of others do not help."""
    if key is None:
        pytest.skip("needs no key")
    with pytest.raises(ModelUnavailable, match=f"needs its key in the variable {key}"):
        open_model(None, f"{provider}:any")


@pytest.mark.parametrize("name", ["walrus:any", "azure_walrus:any"])
def test_an_unknown_provider_is_answered_with_the_known_ones(open_model, name):
    """A typing error in the name is no stack trace."""
    with pytest.raises(
        ModelUnavailable, match="Known providers are openai, anthropic, google_genai, mistralai, ollama"
    ):
        open_model(None, name)


def test_a_server_of_ones_own_needs_no_key(open_model):
    """With an address and no key the question goes out with a placeholder."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        assert ask(open_model(server.url)) == ANSWER
        assert server.requests[0].headers["authorization"] == "Bearer not-needed"


def test_the_key_of_the_variable_is_sent(open_model, monkeypatch):
    """It reaches the server, and only the server."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedServer([Reply(ANSWER)]) as server:
        ask(open_model(server.url))
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


# ---- Where questions go ----

WHERE = [
    pytest.param("openai", None, {}, "api.openai.com", False, id="OpenAI"),
    pytest.param("anthropic", None, {}, "api.anthropic.com", False, id="Anthropic"),
    pytest.param("google_genai", None, {}, "generativelanguage.googleapis.com", False, id="Google"),
    pytest.param("mistralai", None, {}, "api.mistral.ai", False, id="Mistral"),
    pytest.param("ollama", None, {}, "127.0.0.1", True, id="Ollama"),
    pytest.param("walrus", None, {}, "walrus", False, id="another provider"),
    pytest.param("openai", "http://127.0.0.1:8080/v1", {}, "127.0.0.1", True, id="address here"),
    pytest.param("openai", "http://localhost:8080/v1", {}, "localhost", True, id="localhost"),
    pytest.param("openai", "http://LOCALHOST/v1", {}, "localhost", True, id="localhost in capitals"),
    pytest.param("openai", "http://[::1]:8080/v1", {}, "::1", True, id="IPv6"),
    pytest.param("openai", "127.0.0.1:8080", {}, "127.0.0.1", True, id="without a scheme"),
    pytest.param("openai", "http://192.168.1.5:8080/v1", {}, "192.168.1.5", False, id="the next machine"),
    pytest.param("openai", "https://models.example.org/v1", {}, "models.example.org", False, id="a named machine"),
    pytest.param("openai", "http://127.0.0.1.example.org/v1", {}, "127.0.0.1.example.org", False, id="looks like here"),
    pytest.param("openai", "http://localhost@models.example.org/v1", {}, "models.example.org", False, id="a user name"),
    pytest.param("ollama", "http://192.168.1.5:11434", {}, "192.168.1.5", False, id="Ollama elsewhere"),
    pytest.param("openai", None, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "127.0.0.1", True, id="OPENAI_BASE_URL"),
    pytest.param(
        "openai", None, {"OPENAI_API_BASE": "https://m.example.org"}, "m.example.org", False, id="OPENAI_API_BASE"
    ),
    pytest.param("openai", None, {"OPENAI_BASE_URL": ""}, "api.openai.com", False, id="an empty variable"),
    pytest.param("ollama", None, {"OLLAMA_HOST": "gpu.example.org:11434"}, "gpu.example.org", False, id="OLLAMA_HOST"),
    pytest.param(
        "anthropic", None, {"OPENAI_BASE_URL": "http://127.0.0.1:1"}, "api.anthropic.com", False, id="others'"
    ),
    pytest.param(
        "openai",
        "https://m.example.org/v1",
        {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
        "m.example.org",
        False,
        id="the setting goes before a variable",
    ),
]


@pytest.mark.parametrize(("provider", "address", "variables", "host", "here"), WHERE)
def test_it_is_known_where_questions_go(monkeypatch, provider, address, variables, host, here):
    """The page says so to whoever asks, so an address only counts as this machine when it certainly is."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (_host(provider, address), _is_here(host)) == (host, here)


@pytest.mark.parametrize(("provider", "address", "variables", "host", "here"), WHERE)
def test_an_open_model_says_where_questions_go(open_model, monkeypatch, provider, address, variables, host, here):
    """The same of the model itself, for each provider whose package is there."""
    if provider == "walrus" or find_spec(f"langchain_{provider}") is None:
        pytest.skip("its package is not installed")
    keys = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "MISTRAL_API_KEY"), KEY)
    for name, value in {**keys, **variables}.items():
        monkeypatch.setenv(name, value)
    model = open_model(address, f"{provider}:any")
    assert (model.host, model.stays_here) == (host, here)


@pytest.mark.parametrize("first", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
def test_of_two_variables_the_one_counts_that_questions_go_to(open_model, monkeypatch, first):
    """With different addresses in both, what is shown is where the question arrives."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedServer([Reply(ANSWER)]) as here:
        second = "OPENAI_API_BASE" if first == "OPENAI_BASE_URL" else "OPENAI_BASE_URL"
        monkeypatch.setenv(first, here.url)
        monkeypatch.setenv(second, "http://models.invalid/v1")
        model = open_model(None, retries=0)
        if model.stays_here:
            assert ask(model) == ANSWER
        else:
            assert until_it_fails(model)[1] == "unreachable"
        assert len(here.requests) == model.stays_here


@pytest.mark.parametrize("address", ["http://", "http:///v1", "http://[::1/v1", "//"])
def test_what_is_no_address_is_refused(open_model, address):
    """One sentence shows how an address is written."""
    with pytest.raises(SettingsError, match=re.escape("is not the address of a server. Write it as http://127.0.0.1")):
        open_model(address)


# ---- What is sent, and what comes back ----


class _Gated(tuple[str, ...]):
    """Pieces of which the second is only sent once the gate is open."""

    gate: threading.Event

    def __iter__(self) -> Iterator[str]:
        yield self[0]
        assert self.gate.wait(30)
        yield from self[1:]


def test_pieces_come_as_they_are_written(open_model):
    """Nothing waits for the end: the server sends the second piece only once the first one was read."""
    pieces = _Gated(("Seven ", "puffins."))
    pieces.gate = threading.Event()
    with ScriptedServer([Reply(pieces=pieces)]) as server:
        model = open_model(server.url)
        with closing(model.stream("Be brief.", QUESTION)) as reading:
            assert next(piece for piece in reading if piece) == "Seven "
            pieces.gate.set()
            assert "".join(reading) == "puffins."


def test_instructions_and_question_are_sent_apart(open_model):
    """As a system's and a user's message, to be streamed."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        assert ask(open_model(server.url)) == ANSWER
        (request,) = server.requests
        assert [one["role"] for one in request.messages] == ["system", "user"]
        assert (request.instructions, request.message, request.stream) == ("Be brief.", QUESTION, True)


@pytest.mark.parametrize(
    ("asked", "sent"), [(None, 500), (160, 160), (9000, 500)], ids=["the configured", "a lower", "never a higher"]
)
def test_there_is_a_ceiling_of_tokens(open_model, asked, sent):
    """A question may lower it."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        ask(open_model(server.url), tokens=asked)
        assert server.requests[0].max_tokens == sent


@pytest.mark.parametrize("temperature", [0.0, 0.7, None], ids=["none at all", "some", "left to the provider"])
def test_the_temperature_is_sent_as_configured(open_model, temperature):
    """Without one the server gets none: some models refuse any."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        ask(open_model(server.url, temperature=temperature))
        assert server.requests[0].temperature == temperature


def test_an_empty_answer_is_no_failure_of_the_connection(open_model):
    """What to make of it is for the reader."""
    with ScriptedServer([Reply("")]) as server:
        assert ask(open_model(server.url)) == ""


def test_any_character_comes_whole(open_model):
    """Cut into pieces of seven characters, over chunks of bytes."""
    text = "«Ærlig» talt 🐋: 4 711 dollar — og 25 °C.\nNy linje.\r\n\tTabell"
    with ScriptedServer([Reply(text)]) as server:
        assert ask(open_model(server.url)) == text


# ---- Failures ----

FAILURES = [
    pytest.param(Reply(status=401), "", "key", 1, id="401"),
    pytest.param(Reply(status=403), "", "key", 1, id="403"),
    pytest.param(Reply(status=429), "", "busy", 2, id="429"),
    pytest.param(Reply(status=429, headers={"retry-after": "3600"}), "", "busy", 2, id="429, come back in an hour"),
    pytest.param(Reply(status=500), "", "busy", 2, id="500"),
    pytest.param(Reply(status=404, error_message="No such model."), "", "refused", 1, id="404"),
    pytest.param(Reply(status=400, error_message="The temperature is not supported."), "", "refused", 1, id="400"),
    pytest.param(Reply(status=413), "", "too_long", 1, id="413"),
    pytest.param(
        Reply(status=400, error_message="This model's maximum context length is 4096 tokens."),
        "",
        "too_long",
        1,
        id="400 too long",
    ),
    pytest.param(
        Reply(status=400, error_message="The prompt is too long for the window."),
        "",
        "too_long",
        1,
        id="400 too long, 2",
    ),
    pytest.param(Reply(ANSWER, before_seconds=30), "", "timeout", 1, id="silence before the headers"),
    pytest.param(Reply(ANSWER, silent_after=0), "", "timeout", 1, id="silence after the headers"),
    pytest.param(Reply(ANSWER, silent_after=2), ANSWER[:14], "timeout", 1, id="silence midway"),
    pytest.param(Reply(ANSWER, break_after=0), "", "unreachable", 2, id="hangs up before a word"),
    pytest.param(Reply(ANSWER, break_after=2), ANSWER[:14], "broken", 1, id="hangs up midway"),
    pytest.param(Reply(ANSWER, malformed=True), ANSWER[:7], "broken", 1, id="malformed"),
]


@pytest.mark.parametrize(("reply", "before", "kind", "tries"), FAILURES)
def test_each_failure_has_its_kind(open_model, reply, before, kind, tries):
    """What came before it is kept, and only a busy or lost server is tried again; all of it within the stated time."""
    with ScriptedServer([reply]) as server:
        began = time.monotonic()
        limits = IMPATIENT if kind == "timeout" else {}
        assert until_it_fails(open_model(server.url, **limits)) == (before, kind)
        assert len(server.requests) == tries
        assert time.monotonic() - began < AT_ONCE_SECONDS


def test_nobody_listens(open_model, dead_port):
    """The host is named for staff, and tried again after half a second."""
    model = open_model(f"http://127.0.0.1:{dead_port}/v1")
    began = time.monotonic()
    with pytest.raises(ModelFailed, match=re.escape("at 127.0.0.1 gave no answer (unreachable)")):
        ask(model)
    assert 0.5 <= time.monotonic() - began < AT_ONCE_SECONDS


def test_a_machine_that_does_not_exist_is_not_reached(open_model):
    """A name without an address is one more way of not being there."""
    model = open_model("http://models.invalid/v1", retries=0, silence_seconds=2.0)
    assert until_it_fails(model)[1] in ("unreachable", "timeout")  # a slow name service may never say so


CONTENTS = [
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Welcome to the harbour</h1>", id="a web page"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", id="no event"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [DONE]\n\n", id="only the end"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: [1, 2]\n\n", id="a list"),
    pytest.param(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"a": 1}\n\n', id="another object"),
    pytest.param(
        b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"error": {"message": "out of memory"}}\n\n',
        id="an error as an event",
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\xff\xfe\x00", id="bytes"),
    pytest.param(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/v1\r\nContent-Length: 0\r\n\r\n", id="moved"),
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="no web server"),
    pytest.param(b"", id="nothing"),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_no_model_gives_a_failure_or_nothing(open_model, answers_with, content):
    """A wrong address is never an exception of somebody else's, and never text."""
    address, received = answers_with(content)
    began = time.monotonic()
    assert outcome(open_model(address)) in ("", "broken", "unreachable", "refused")
    assert received
    assert time.monotonic() - began < AT_ONCE_SECONDS


# ---- Time ----


def test_an_answer_without_an_end_is_cut_off(open_model):
    """It costs the stated time and no more, and the connection is closed."""
    with ScriptedServer([Reply("and a puffin ", endless=True, between_seconds=0.01)]) as server:
        began = time.monotonic()
        got, kind = until_it_fails(open_model(server.url, seconds=0.8))
        assert kind == "timeout"
        assert 0.7 < time.monotonic() - began < 0.8 + AT_ONCE_SECONDS
        assert 0 < len(got) < ENDLESS_CHARACTERS
        assert in_time(lambda: server.closed_early == 1)


def test_an_answer_that_comes_faster_than_it_is_read_is_cut_off_too(open_model):
    """A server that always has the next piece ready leaves no pause in which to stop it."""
    with ScriptedServer([Reply(pieces=("puffin " * 3,), endless=True)]) as server:
        began = time.monotonic()
        got, kind = until_it_fails(open_model(server.url, seconds=0.4))
        assert kind == "timeout"
        assert time.monotonic() - began < 0.4 + AT_ONCE_SECONDS
        assert len(got) < ENDLESS_CHARACTERS


def test_a_slow_answer_has_the_whole_time_and_no_more(open_model):
    """Each pause is short enough; all of them together are not."""
    with ScriptedServer([Reply(ANSWER, between_seconds=0.4)]) as server:
        began = time.monotonic()
        got, kind = until_it_fails(open_model(server.url, seconds=1.5, silence_seconds=1.2))
        assert (ANSWER.startswith(got), kind) == (True, "timeout")
        assert got
        assert time.monotonic() - began < 1.5 + AT_ONCE_SECONDS


def test_a_question_may_shorten_the_time(open_model):
    """Preparing a search must not take as long as an answer; a longer time than configured is not given."""
    with ScriptedServer([Reply(ANSWER, between_seconds=0.2)]) as server:
        for model, seconds in ((open_model(server.url), 0.5), (open_model(server.url, seconds=0.5), 60.0)):
            began = time.monotonic()
            with pytest.raises(ModelFailed, match="timeout"):
                ask(model, seconds=seconds)
            assert time.monotonic() - began < 0.5 + AT_ONCE_SECONDS


# ---- Tries ----


def test_a_busy_server_is_tried_again(open_model):
    """The reader sees one answer."""
    with ScriptedServer([Reply(status=503), Reply(ANSWER)]) as server:
        assert ask(open_model(server.url)) == ANSWER
        assert len(server.requests) == 2


def test_without_retries_there_is_one_try(open_model):
    """A setting of 0 means it."""
    with ScriptedServer([Reply(status=503), Reply(ANSWER)]) as server:
        assert until_it_fails(open_model(server.url, retries=0)) == ("", "busy")
        assert len(server.requests) == 1


def test_the_tries_share_one_time(open_model):
    """Ten tries take no longer than one may."""
    with ScriptedServer([Reply(status=503)]) as server:
        began = time.monotonic()
        assert until_it_fails(open_model(server.url, retries=10, seconds=1.4))[1] in ("timeout", "busy")
        assert time.monotonic() - began < 1.4 + AT_ONCE_SECONDS
        assert len(server.requests) == 2


def test_once_a_word_has_come_nothing_is_tried_again(open_model):
    """A second try would say the beginning twice."""
    with ScriptedServer([Reply(ANSWER, break_after=1), Reply(ANSWER)]) as server:
        assert until_it_fails(open_model(server.url, retries=5)) == (ANSWER[:7], "broken")
        assert len(server.requests) == 1


def test_a_server_that_hangs_up_at_once_is_tried_again(open_model, answers_with):
    """Nothing came, so it was not reached."""
    address, received = answers_with(b"")
    assert until_it_fails(open_model(address)) == ("", "unreachable")
    assert len(received) == 2


# ---- Ends ----


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply("and a puffin ", endless=True, between_seconds=0.05), id="while it writes"),
        pytest.param(Reply("and a puffin ", endless=True), id="while it writes fast"),
        pytest.param(Reply(ANSWER, silent_after=1), id="while it is silent"),
    ],
)
def test_closing_the_generator_closes_the_connection(open_model, reply):
    """Whoever stops reading stops the model: words that nobody reads cost money."""
    with ScriptedServer([reply]) as server:
        pieces = open_model(server.url).stream("Be brief.", QUESTION)
        while not next(pieces):
            pass
        began = time.monotonic()
        pieces.close()
        assert in_time(lambda: server.closed_early == 1)
        assert time.monotonic() - began < AT_ONCE_SECONDS


def test_a_reader_that_fails_closes_the_connection(open_model):
    """An exception in the middle of reading is an end like any other."""
    with ScriptedServer([Reply(ANSWER, silent_after=1)]) as server:
        model = open_model(server.url)
        with pytest.raises(ZeroDivisionError):
            _fail_midway(model)
        assert in_time(lambda: server.closed_early == 1)


def _fail_midway(model: ChatModel) -> None:
    with closing(model.stream("Be brief.", QUESTION)) as pieces:
        raise ZeroDivisionError(next(piece for piece in pieces if piece))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(ANSWER), id="answered"),
        pytest.param(Reply(ANSWER, break_after=2), id="broken"),
        pytest.param(Reply(ANSWER, malformed=True), id="malformed"),
        pytest.param(Reply(ANSWER, silent_after=2), id="silent"),
        pytest.param(Reply(ANSWER, between_seconds=0.5), id="closed by the reader"),
    ],
)
def test_what_a_call_opened_it_closes(open_model, reply):
    """The packages leave their generators to the garbage collector; one of another thread may run into them.

    The interpreter then prints that a generator "is already executing".
    """
    garbage_is_collected = gc.isenabled()
    gc.disable()
    try:
        before = _suspended()
        with ScriptedServer([reply]) as server, suppress(ModelFailed):
            pieces = open_model(server.url, **IMPATIENT, retries=0).stream("Be brief.", QUESTION)
            with closing(pieces):
                for piece in pieces:
                    if piece and reply.between_seconds:
                        break
        assert in_time(lambda: not _suspended() - before), _suspended() - before
    finally:
        if garbage_is_collected:
            gc.enable()


def _suspended() -> set[AsyncGeneratorType[object, object]]:
    """Return all asynchronous generators that were begun and have not come to their end."""
    # By type alone: asking others for their class makes some libraries warn.
    generators = [one for one in gc.get_objects() if type(one) is AsyncGeneratorType]
    return {one for one in generators if one.ag_frame is not None and one.ag_frame.f_lasti >= 0}


def test_a_stream_that_is_never_read_asks_nobody(open_model):
    """The question goes out with the first piece that is asked for."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        open_model(server.url).stream("Be brief.", QUESTION).close()
        assert server.requests == []


def test_two_streams_at_once(open_model):
    """Each gets its own answer, while the other waits for its."""
    both = threading.Barrier(2, timeout=30)

    def echo(request: Request) -> Reply:
        both.wait()
        return Reply(f"You asked: {request.message}")

    with ScriptedServer(echo) as server, ThreadPoolExecutor(2) as threads:
        model = open_model(server.url)
        answers = threads.map(lambda one: "".join(model.stream("", one)), ["first", "second"])
        assert list(answers) == ["You asked: first", "You asked: second"]


def test_closing_twice_is_no_error(open_model):
    """Also before anything was asked."""
    with ScriptedServer([Reply(ANSWER)]) as server:
        model = open_model(server.url)
        model.close()
        assert ask(model) == ANSWER
        model.close()
        model.close()


def test_closing_the_model_ends_what_is_being_read(open_model):
    """The reader in another thread is told, and the connection is closed."""
    with ScriptedServer([Reply(ANSWER, silent_after=1)]) as server, ThreadPoolExecutor(1) as thread:
        model = open_model(server.url)
        reading = thread.submit(until_it_fails, model)
        assert in_time(lambda: server.requests)
        time.sleep(0.1)
        model.close()
        assert reading.result(timeout=AT_ONCE_SECONDS)[1] == "stopped"
        assert in_time(lambda: server.closed_early == 1)


def test_models_with_one_address_do_not_disturb_each_other(open_model, lasting_server):
    """Providers keep connections open, and the packages share them: a closed model must not break the next one."""
    first = open_model(lasting_server)
    assert [ask(first), ask(first)] == [ANSWER, ANSWER]
    first.close()
    second, third = open_model(lasting_server), open_model(lasting_server)
    assert [ask(model) for model in (second, third, second, first, third)] == [ANSWER] * 5


# ---- What is not told ----

LEAKS = [
    pytest.param(
        [Reply(status=401, error_message=f"Incorrect API key provided: {KEY}.")], id="the server repeats the key"
    ),
    pytest.param(
        [Reply(status=400, error_message=f"Cannot answer {QUESTION!r}.")], id="the server repeats the question"
    ),
    pytest.param([Reply(status=500, error_message=f"{KEY} {QUESTION}")], id="a failing server"),
    pytest.param([Reply(ANSWER, break_after=1)], id="a broken stream"),
    pytest.param([Reply(ANSWER, malformed=True)], id="a malformed stream"),
    pytest.param([Reply(ANSWER, silent_after=1)], id="silence"),
    pytest.param([Reply(ANSWER)], id="no failure"),
]


@pytest.mark.parametrize("script", LEAKS)
def test_key_and_question_are_in_no_log_and_no_error(open_model, monkeypatch, caplog, script):
    """Not even where the server repeats them; what is logged is enough to find the cause."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, logger="assistant")
    with ScriptedServer(script) as server:
        model = open_model(server.url, **(IMPATIENT if script[0].silent_after is not None else {}))
        try:
            told = ask(model)
        except ModelFailed as failure:
            told = "".join(traceback.format_exception(failure))
    logged = f"{caplog.text} {[record.__dict__ for record in caplog.records]}"
    for secret in (KEY, QUESTION):
        assert secret not in told
        assert secret not in logged
    assert KEY not in repr(model)


@pytest.mark.parametrize("key", [f"{KEY}\nX-Walrus: tusk", f"{KEY}-ø", " "], ids=["two lines", "a letter", "a space"])
def test_a_key_that_cannot_be_sent_is_not_told_either(open_model, monkeypatch, caplog, key):
    """A key with a line end or a foreign letter is a failure, and neither log nor error shows it."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    caplog.set_level(logging.INFO)
    with ScriptedServer([Reply(ANSWER)]) as server:
        try:
            told = ask(open_model(server.url, retries=0))
        except AssistantError as failure:
            told = str(failure)
        assert all("x-walrus" not in request.headers for request in server.requests)
    assert KEY not in told
    assert KEY not in caplog.text


TRACED = """\
import sys, time
from assistant.answering.chat_model import ChatModel
model = ChatModel("openai:any", address=sys.argv[1], seconds=30, silence_seconds=9, retries=0, tokens=50, temperature=0)
print("".join(model.stream("Be brief.", "How many puffins?")))
if "langsmith" in sys.modules:
    from langchain_core.tracers.langchain import wait_for_all_tracers
    wait_for_all_tracers()
"""


def test_no_variable_sends_questions_to_a_third_party(answers_with):
    """LangChain's tracing copies all that is asked to a service where a variable says so: here it stays off."""
    service, received = answers_with(b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}")
    tracing = {"TRACING": "true", "TRACING_V2": "true", "ENDPOINT": service, "API_KEY": "lsv2_walrus"}
    variables = {f"{prefix}_{name}": value for prefix in ("LANGSMITH", "LANGCHAIN") for name, value in tracing.items()}
    del variables["LANGCHAIN_TRACING"]  # of a version that is gone: LangChain refuses to work with it
    with ScriptedServer([Reply(ANSWER)]) as server:
        done = subprocess.run(
            [sys.executable, "-c", TRACED, server.url],
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stdout.strip() == ANSWER, done.stderr
    assert received == []


def test_the_environment_is_left_as_it_was(open_model):
    """Opening a model writes no variable that another library would read."""
    before = dict(os.environ)
    with ScriptedServer([Reply(ANSWER)]) as server:
        ask(open_model(server.url))
    assert dict(os.environ) == before
