"""`python app.py` as people meet it: it says where it listens, or in one sentence why not."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import signal
import socket
import time
from contextlib import closing

import pytest

import app
from assistant.settings import read_settings
from assistant.store.library import Library
from assistant.store.owner import ADDRESS_NAME, FolderLock, is_owned
from assistant.web.gate import STRICT_POLICY
from assistant.web.words import WORDS
from eval.page_crowd import protocol_visitor

pytestmark = pytest.mark.slow


@pytest.fixture
def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def refused(corpus, data, free_port, capsys, monkeypatch):
    """Run the script in this process up to its refusal; return status and error stream."""
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)

    def main(*arguments: object) -> tuple[int, str]:
        status = app.main(["--port", str(free_port), "--data", str(data), *map(str, arguments)])
        return status, capsys.readouterr().err

    return main


def asked(port, path="/health", method="GET", body=None, **headers):
    """Return status, headers and text of what the app answers now."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode()


async def answer_of_the_page(address, question):
    """Open the page and ask, in Gradio's own words; return the exchange that it shows."""
    async with protocol_visitor(address) as visitor:
        return await visitor.ask(question)


def test_it_answers_at_once_and_serves_until_it_is_stopped(start, corpus, data, free_port, until):
    """Signs of life and a page that warms up; then the real page, in the same process, answers.

    It brings the corpus in by itself, and closes the data folder cleanly.
    """
    process = start("app.py", "--corpus", corpus, "--data", data, "--port", free_port, "--host", "0.0.0.0")
    address = f"http://127.0.0.1:{free_port}"
    assert process.stdout.readline() == f"Listening on {address} and warming up.\n"

    status, _, health = asked(free_port)
    assert (status, json.loads(health)) == (200, {"status": "ok", "ready": False, "documents": 0})
    status, headers, page = asked(free_port, "/", **{"accept-language": "nb"})
    assert (status, headers["content-security-policy"]) == (503, STRICT_POLICY)
    assert WORDS["nb"]["warming_title"] in page
    status, headers, said = asked(free_port, "/api/chat", "POST", '{"question": "What is the walrus fee?"}')
    assert (status, json.loads(said)) == (503, {"error": WORDS["en"]["warming_later"]})
    assert headers["retry-after"]

    assert process.stdout.readline() == f"The USA next! assistant is ready: {address}  (Ctrl-C stops it)\n"
    assert asked(free_port, "/")[0] == 200
    until(lambda: json.loads(asked(free_port)[2])["documents"] == 3)
    told = asyncio.run(answer_of_the_page(address, "What is the walrus fee?"))
    assert told.error is None
    assert "4,711 dollars" in str(told)
    assert is_owned(data)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert err.startswith("Warning: 0.0.0.0 lets other machines in without a TLS proxy")
    assert err.count("\n") == 1
    assert not (data / ADDRESS_NAME).exists()
    assert not is_owned(data)
    library = Library(data / "library.sqlite", read_only=True)
    assert library.fact("stop").startswith("clean ")
    library.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
@pytest.mark.parametrize("seconds", [0.0, 0.7, 2.0], ids=["at once", "opening the folder", "making the page"])
def test_it_is_stopped_while_it_warms_up(start, corpus, data, free_port, number, seconds):
    """Nothing is said, nothing is left behind."""
    process = start("app.py", "--corpus", corpus, "--data", data, "--port", free_port)
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert not is_owned(data)
    with FolderLock(data):
        assert not (data / ADDRESS_NAME).exists()


def test_a_busy_port_is_one_sentence(start, corpus, data):
    """A port that is in use is named, with the flag that chooses another, before anything else is begun."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = start("app.py", "--corpus", corpus, "--data", data, "--port", port)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert (
        err == f"Error: Port {port} is in use on this machine. Stop the other program or choose another with --port.\n"
    )
    assert not data.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        pytest.param(["--corpus", "/nowhere"], 2, "The corpus /nowhere is not a folder", id="no corpus"),
        pytest.param(["--port", "70000"], 2, "ASSISTANT_PORT is 70000: input should be less", id="impossible port"),
    ],
)
def test_misuse_is_one_sentence(refused, arguments, status, message):
    """What makes no sense is refused before anything is served."""
    ended, err = refused(*arguments)
    assert ended == status
    assert message in err
    assert err.count("\n") == 1


def damaged_library(data):
    """Leave no database where one should be."""
    data.mkdir()
    (data / "library.sqlite").write_bytes(b"no database at all, but long enough to be read as one" * 100)


@pytest.mark.parametrize(
    ("before", "arguments", "variables", "status", "message"),
    [
        pytest.param(damaged_library, [], {}, 1, "library.sqlite", id="a damaged library"),
        pytest.param(None, [], {"MODEL": "nobody"}, 2, "nobody", id="no such language model"),
        pytest.param(None, ["--data", "/dev/null/x"], {}, 1, "/dev/null/x", id="no data folder"),
    ],
)
def test_what_fails_while_it_warms_up_is_one_sentence(
    refused, data, free_port, monkeypatch, before, arguments, variables, status, message
):
    """It listens already; then it ends as if it had not begun, and the port is free."""
    for name, value in variables.items():
        monkeypatch.setenv(f"ASSISTANT_{name}", value)
    if before:
        before(data)
    ended, err = refused(*arguments)
    assert (ended, err.count("\n")) == (status, 1)
    assert err.startswith("Error: ")
    assert message in err
    with socket.create_server(("127.0.0.1", free_port)):
        assert not is_owned(data)


def test_an_index_of_other_settings_is_one_sentence(refused, read_data, corpus, data, monkeypatch):
    """What the folder was filled with is compared before the page is there."""
    shutil.copytree(read_data, data)
    monkeypatch.setenv("ASSISTANT_CHUNK_TOKENS", "100")
    status, err = refused("--corpus", corpus)
    assert status == 1
    assert err.startswith("Error: The index was built with chunking")
    assert err.count("\n") == 1


def test_a_folder_in_use_is_one_sentence(refused, corpus, data):
    """Two apps do not share a data folder."""
    with FolderLock(data):
        status, err = refused("--corpus", corpus)
    assert status == 1
    assert err.startswith(f"Error: The data folder {data} is in use by another process.")
    assert err.count("\n") == 1


BOTH = "without a TLS proxy (ASSISTANT_TRUSTED_PROXIES is not set) and without an access code (ASSISTANT_ACCESS_CODE is"


@pytest.mark.parametrize(
    ("chosen", "warning"),
    [
        pytest.param({}, "", id="this machine only"),
        pytest.param({"host": "127.0.0.9"}, "", id="another loopback address"),
        pytest.param({"host": "::1"}, "", id="loopback of IPv6"),
        pytest.param({"host": "localhost"}, "", id="loopback by name"),
        pytest.param({"host": "0.0.0.0"}, BOTH, id="everywhere"),
        pytest.param({"host": "::"}, BOTH, id="everywhere by IPv6"),
        pytest.param({"host": "usanext.example"}, BOTH, id="a host name"),
        pytest.param({"host": "0.0.0.0", "access_code": "12345678"}, "in without a TLS proxy (", id="no TLS"),
        pytest.param({"host": "0.0.0.0", "trusted_proxies": "10.0.0.2"}, "in without an access code (", id="no code"),
        pytest.param({"host": "0.0.0.0", "trusted_proxies": "10.0.0.2", "access_code": "12345678"}, "", id="both"),
    ],
)
def test_other_machines_come_in_with_a_warning(chosen, warning):
    """One line that names what is missing and where to read on; none where nothing is."""
    said = app.exposure(read_settings(**chosen))
    assert warning in said
    assert said.count("\n") == bool(warning)
    assert ("docs/deploy.md" in said) is bool(warning)
