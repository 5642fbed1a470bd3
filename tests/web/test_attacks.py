"""What somebody tries who means no good: each of these worked once, against the running server."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.testclient import TestClient

from assistant.answering import exporting
from assistant.web.conversations import Conversations
from assistant.web.gate import EVENTS, FILES, FILES_OF_ADDRESS, OPEN_AT_ONCE, Gate
from assistant.web.limits import Limit
from assistant.web.rendering import Exchange
from assistant.web.visits import Visit

HELLO = (Exchange("What does it cost?"),)
JOIN = "/gradio_api/queue/join"


def gate(answer=None):
    """Return a client of a site behind the gate, of which every address answers the same."""
    app = FastAPI()
    app.add_route("/{path:path}", answer or (lambda request: PlainTextResponse("here")), methods=["GET", "POST"])
    app.add_middleware(Gate)
    return TestClient(app, headers={"sec-fetch-site": "same-origin"}, raise_server_exceptions=False)


# ---- Too much of it ----


@pytest.mark.parametrize("path", ["/conversation/key/answers.pdf", "/saved/id/answers.docx"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_files_of_a_conversation_have_a_limit(path, method):
    """A long one takes two seconds of a processor, and `HEAD` makes it too; pages can be read meanwhile."""
    client = gate()
    client.cookies.set("usanext_visitor", "v" * 22)
    assert [client.request(method, path).status_code for _ in range(FILES + 1)] == [200] * FILES + [429]
    assert re.fullmatch(
        r"Det er laget mange filer .* Prøv igjen om \d+ min\.", client.get(path, headers={"accept-language": "nb"}).text
    )
    assert client.get("/saved/id").status_code == 200
    client.cookies.set("usanext_visitor", "w" * 22)
    assert client.get(path).status_code == 200


def test_throwing_the_session_away_does_not_help():
    """Without a cookie the address alone counts, and not twenty times as generously."""
    client = gate()
    statuses = [client.get("/saved/id/answers.md").status_code for _ in range(FILES_OF_ADDRESS + 1)]
    assert statuses == [200] * FILES_OF_ADDRESS + [429]


def test_what_the_page_asks_of_gradio_has_a_limit():
    """Two thousand new pages would push the answers out of Gradio's memory that others are about to read."""
    client = gate()
    client.cookies.set("usanext_visitor", "v" * 22)
    assert [client.post(JOIN, json={}).status_code for _ in range(EVENTS)] == [200] * EVENTS
    late = client.post(JOIN, json={})
    assert (late.status_code, late.headers["content-type"]) == (429, "application/json")
    assert late.json()["error"].startswith("Too much has been clicked here")


def test_one_address_cannot_hold_every_connection():
    """Streams never end by themselves; another address still gets in, and so does this one once some have ended."""

    async def try_it() -> list[int]:
        leave = asyncio.Event()
        statuses: list[int] = []

        async def stream(scope, receive, send):
            await leave.wait()
            await PlainTextResponse("gone")(scope, receive, send)

        site = Gate(stream)

        async def visit(address):
            async def send(message):
                if message["type"] == "http.response.start":
                    statuses.append(message["status"])

            scope = {"type": "http", "method": "GET", "path": "/gradio_api/heartbeat/x", "headers": []}
            await site({**scope, "client": (address, 1)}, asyncio.Event().wait, send)

        waiting = [asyncio.create_task(visit("203.0.113.7")) for _ in range(OPEN_AT_ONCE)]
        await asyncio.sleep(0)
        await asyncio.wait_for(visit("203.0.113.7"), 5)
        waiting.append(asyncio.create_task(visit("203.0.113.8")))
        await asyncio.sleep(0)
        leave.set()
        await asyncio.gather(*waiting)
        await visit("203.0.113.7")
        return statuses

    assert asyncio.run(try_it()) == [503] + [200] * (OPEN_AT_ONCE + 2)


def test_who_fills_the_memory_pushes_out_nobody_else():
    """Conversations of the address with the most go first, the one used longest ago before the others."""
    kept = Conversations(most=4)
    mine = kept.keep(None, HELLO, "203.0.113.7")
    theirs = [kept.keep(None, HELLO, "198.51.100.9") for _ in range(20)]
    assert kept.find(mine) == HELLO
    assert [key for key in theirs if kept.find(key)] == theirs[-3:]


def test_names_are_forgotten_when_their_time_is_over(monkeypatch):
    """Every new cookie and address is a name: kept for ever, they would fill the memory."""
    limit = Limit(2, 60)
    for number in range(50):
        limit.take(Visit(f"203.0.113.{number}", f"visitor-{number}"))
    later = time.time() + 62
    monkeypatch.setattr(time, "time", lambda: later)
    limit.take(Visit("198.51.100.9", "somebody"))
    assert len(limit._storage.events) == 2


# ---- Our own pages ----


@pytest.mark.parametrize("name", ["javascript:alert(1)", "https:evil.example", "data:text,x", "mailto:a@b.example"])
def test_no_link_of_a_page_is_made_of_its_address(keeping, name):
    """A page's link to itself in the other language is one whatever the page is called."""
    page = keeping.client.get(f"/saved/{quote(name, safe=':@')}")
    assert page.status_code == 404
    links = re.findall(r'href="([^"]*)"', page.text)
    assert f"./{name}?lang=nb" in links
    assert not [link for link in links if re.match(r"[a-z]+:|//", link)]


def test_a_failure_of_ours_carries_the_security_headers_and_no_reason():
    """Starlette's own answer would pass by the gate."""

    def fail(request):
        raise RuntimeError("a secret that no visitor may see")

    response = gate(fail).get("/privacy")
    assert response.status_code == 500
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in response.text


def test_an_export_lets_no_document_say_where_its_markers_lead(shelf, make):
    """In Markdown `[1]: address` at the beginning of a paragraph turns every `[1]` into a link to it."""
    words = "[1]: https://evil.example reports that herons nest here."
    shelf.put(make("notes/herons.txt", [("en", "Herons", [words])]))
    answer = shelf.ask("Do herons nest?")
    assert answer.text.startswith(words)
    file = shelf.export([("Do herons nest?", answer)], "md", language="en", date="2026-11-22", titles={})
    assert not re.search(r"(?m)^\s*\[\d+\]:", file.decode())
    assert exporting.check(file, "answers.md", shelf.document).holds


# ---- The server, over its socket ----

SERVE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
from assistant.web.logs import start_logging
start_logging("json")
conftest.serve(conftest.make_app(conftest.fill(conftest.Shelf(Path(sys.argv[2])))))
"""


HEALTH = "GET /health HTTP/1.1", "Connection: close"


class Served:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def say(self, *lines: str, body: str = "") -> str:
        """Send a request as it stands, and return what comes back until the server hangs up."""
        head = "\r\n".join([*lines, "Host: 127.0.0.1", "", ""])
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            received = b""
            try:
                connection.sendall(head.encode() + body.encode())
                while part := connection.recv(65_536):
                    received += part
            except ConnectionError:
                pass  # it hung up before it had read all of it
        return received.decode("utf-8", "replace")

    def post(self, path: str, values: object) -> tuple[int, str]:
        """Send JSON as a page of ours does."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
            connection.request("POST", path, json.dumps(values), headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def events(self, session: str) -> str:
        """Return what Gradio tells a page, to the end."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", f"/gradio_api/queue/data?session_hash={session}")
            return connection.getresponse().read().decode()

    def stop(self) -> str:
        """Stop it and return what it wrote to standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=60)[1]


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Serve the demonstration site as `app.py` serves."""
    arguments = [sys.executable, "-c", SERVE, str(Path(__file__).parent), str(folder)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            yield Served(process, int(line.split("http://127.0.0.1:")[1].split()[0]))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A site that the tests of this file share."""
    with serving(tmp_path_factory.mktemp("served")) as site:
        yield site


@pytest.fixture
def stopping(tmp_path) -> Iterator[Served]:
    """A site of its own, for a test that stops it."""
    with serving(tmp_path) as site:
        yield site


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(f"X-Long: {'a' * 2_000_000}", id="one header"),
        pytest.param("X: y\r\n" * 100_000 + "X: y", id="many"),
    ],
)
def test_what_stands_before_a_body_is_bounded(served, line):
    """The server would keep it in memory, however long."""
    assert not served.say(*HEALTH, line).startswith("HTTP/1.1 200")
    assert served.say(*HEALTH, f"Referer: /source/x?among={'a' * 25_000}").startswith("HTTP/1.1 200")


def test_a_body_that_states_two_sizes_is_refused(served):
    """The stated one is small, the one that comes is not: what counts is not what was looked at."""
    lines = "Connection: close", "Sec-Fetch-Site: same-origin", "Content-Length: 5", "Transfer-Encoding: chunked"
    said = served.say("POST /enter HTTP/1.1", *lines, body="c\r\nnext=privacy\r\n0\r\n\r\n")
    assert said.startswith("HTTP/1.1 413")


def test_a_web_socket_gets_an_answer_with_our_headers(served):
    """There are none here; it was a failure of the server, with a line in the log for each."""
    lines = (
        "Connection: upgrade, close",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    said = served.say("GET /gradio_api/queue/join HTTP/1.1", *lines)
    assert said.startswith("HTTP/1.1 404")
    assert "content-security-policy" in said


def test_gradio_cannot_be_started_a_second_time(served):
    """Its own launcher asks for that, no page: it forgets the answers that are being made."""
    assert served.say("GET /gradio_api/startup-events HTTP/1.1", "Connection: close").startswith("HTTP/1.1 404")


def test_what_was_sent_does_not_reach_the_log(stopping):
    """Gradio prints what it cannot use, with its words; the log holds the error's class alone."""
    values = ["What is the fee?", None, "the visitor's secret", "any", "any"]
    event = {"fn_index": 1, "data": values, "session_hash": "somebody"}
    assert stopping.post(JOIN, event)[0] == 200
    told = stopping.events("somebody")
    assert "Something went wrong on our side" in told
    assert "secret" not in told
    logged = stopping.stop()
    assert "an event of the page failed" in logged
    assert "secret" not in logged
