"""`python app.py` as people meet it: it says where it listens, or in one sentence why not."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request

import pytest

import app
from assistant.settings import read_settings
from assistant.store.library import Library
from assistant.store.owner import ADDRESS_NAME, FolderLock, is_owned

pytestmark = pytest.mark.slow


@pytest.fixture
def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def refused(corpus, data, capsys, monkeypatch):
    """Run the script in this process up to its refusal; return status and error stream."""
    monkeypatch.setattr(signal, "signal", lambda *arguments: None)

    def main(*arguments: object) -> tuple[int, str]:
        status = app.main([*map(str, arguments), "--data", str(data)])
        return status, capsys.readouterr().err

    return main


def test_it_serves_until_it_is_stopped(start, corpus, data, free_port, until):
    """It prints its address and one warning, brings the corpus in by itself, and closes the data folder cleanly."""
    process = start("app.py", "--corpus", corpus, "--data", data, "--port", free_port, "--host", "0.0.0.0")
    assert f"http://127.0.0.1:{free_port}" in process.stdout.readline()

    def health():
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/health") as response:
            return json.load(response)

    until(lambda: health()["documents"] == 3)
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


def test_a_busy_port_is_one_sentence(start, corpus, data):
    """A port that is in use is named, with the flag that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = start("app.py", "--corpus", corpus, "--data", data, "--port", port)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert (
        err == f"Error: Port {port} is in use on this machine. Stop the other program or choose another with --port.\n"
    )


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


def test_a_folder_in_use_is_one_sentence(refused, corpus, data):
    """Two apps do not share a data folder."""
    with FolderLock(data):
        status, err = refused("--corpus", corpus)
    assert status == 1
    assert err.startswith(f"Error: The data folder {data} is in use by another process.")


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
