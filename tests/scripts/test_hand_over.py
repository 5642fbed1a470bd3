"""`python ingest.py` while an app owns the data folder: the app does the work, and the output is the same."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

APP = """
import json, sys
from assistant.build import Assistant
from assistant.settings import read_settings
with Assistant(read_settings(corpus=sys.argv[1], data=sys.argv[2])) as assistant:
    if sys.argv[3] == "warm":
        assistant.warm_up()
    assistant.take_work()
    print("ready", flush=True)
    for line in sys.stdin:
        hits = assistant.ask(line.strip()).hits
        print(json.dumps([hit.chunk.document_id for hit in hits]), flush=True)
"""


@pytest.fixture
def app(start, corpus, data) -> Callable[..., tuple[subprocess.Popen[str], Callable[[str], Any]]]:
    """Start an assistant that takes work in another process; return it and a way to ask it."""

    def run(mode: str = "warm"):
        process = start(APP, corpus, data, mode)
        assert process.stdout.readline() == "ready\n", process.stderr.read()

        def ask(question: str) -> list[str]:
            process.stdin.write(f"{question}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        return process, ask

    return run


def test_the_app_does_the_work(app, script, corpus, data, tmp_path):
    """What ingest.py hands over is answered from without a restart, with the output and status of a direct run."""
    _, ask = app()
    here = ("--corpus", corpus, "--data", data)
    (corpus / "bad.jpg").write_bytes(b"x")
    first = script("ingest.py", *here)
    assert first.returncode == 1
    assert first.stderr.startswith(f"The running app owns {data} and does the work.")
    assert "+ programme/mentors.md (" in first.stderr
    assert "! bad.jpg: files of type .jpg are not read." in first.stderr
    assert ask("What is the walrus fee?")[0] == "programme/mentors.md"

    (corpus / "bad.jpg").unlink()
    (tmp_path / "osprey.txt").write_text("The osprey rents its nest for nine crowns.", encoding="utf-8")
    added = script("ingest.py", *here, "--json", "osprey.txt")  # relative to the client's folder
    assert (added.returncode, json.loads(added.stdout)["counts"]["added"]) == (0, 1)
    assert ask("What does the osprey rent?")[0] == "added/osprey.txt"

    planned = script("ingest.py", *here, "--json", "--dry-run")
    assert json.loads(planned.stdout)["counts"] == {"added": 0, "changed": 0, "unchanged": 4, "removed": 0, "failed": 0}

    rebuilt = script("ingest.py", *here, "--json", "--rebuild")
    assert (rebuilt.returncode, json.loads(rebuilt.stdout)["embedded_chunks"]) == (0, 0)
    assert ask("What does the osprey rent?")[0] == "added/osprey.txt"

    other_chunks = script("ingest.py", *here, "--rebuild", env={"ASSISTANT_CHUNK_TOKENS": "64"})
    assert other_chunks.returncode == 2
    assert "runs with chunk_tokens 200, not 64. Stop the app" in other_chunks.stderr

    text = script("ingest.py", *here, "--text", "notes/lighthouse.txt")
    assert (text.returncode, text.stderr, text.stdout[:16]) == (0, "", "Fyrtårnet i Bodø")

    missing = script("ingest.py", *here, "nothing.md")
    assert (missing.returncode, missing.stderr.splitlines()[-1]) == (
        2, f"Error: {tmp_path / 'nothing.md'} does not exist. Check the path.",
    )  # fmt: skip

    (tmp_path / "other").mkdir()
    other = script("ingest.py", "--corpus", tmp_path / "other", "--data", data)
    assert other.returncode == 2
    assert f"serves the corpus {corpus}, not {tmp_path / 'other'}" in other.stderr


def many(corpus: Path) -> None:
    """Write enough documents to keep an app busy for a while."""
    for number in range(150):
        (corpus / f"oar{number}.md").write_text(
            f"# Oar {number}\n\n" + f"Oar {number} is blue. " * 40, encoding="utf-8"
        )


def test_ctrl_c_stops_watching_not_the_work(app, start, corpus, data, until):
    """Ctrl-C leaves the app at its work and says so."""
    many(corpus)
    _, ask = app("cold")
    client = start("ingest.py", "--corpus", corpus, "--data", data)
    while "+ " not in client.stderr.readline():
        pass
    client.send_signal(signal.SIGINT)
    _, err = client.communicate(timeout=120)
    assert client.returncode == 130
    assert err.splitlines()[-1] == "No longer watching; the app goes on with the work."
    assert "Traceback" not in err
    until(lambda: "oar149.md" in ask("Is oar 149 blue?"))


def test_an_app_that_is_lost_is_said_so(app, start, script, corpus, data):
    """When the app dies midway the client says so with status 1, and the same command then works."""
    many(corpus)
    owner, _ = app("cold")
    client = start("ingest.py", "--corpus", corpus, "--data", data)
    while "+ " not in client.stderr.readline():
        pass
    owner.kill()
    _, err = client.communicate(timeout=120)
    assert client.returncode == 1
    assert err.splitlines()[-1] == (
        "Error: The app that owns the data folder was lost before the work was done. "
        "Run the same command again; nothing is lost."
    )
    again = script("ingest.py", "--corpus", corpus, "--data", data, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["counts"]["failed"] == 0
