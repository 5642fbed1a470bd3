"""`python -m assistant verify`: an export against the library, also while the assistant runs."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assistant.__main__ import main
from assistant.answering.exporting import FORMATS
from assistant.build import Assistant
from assistant.settings import read_settings
from assistant.web.passwords import fits

FEE = "How much is the walrus fee?"


@pytest.fixture
def exported(synced: Assistant, tmp_path: Path) -> Callable[[str], Path]:
    """Ask the real assistant about the fee and the puffins, and export both answers."""
    asked = [(question, synced.ask(question)) for question in (FEE, "How many puffins were counted in 2023?")]
    assert [answer.outcome for _, answer in asked] == ["answered", "answered"]
    # One quote each, so that every verdict is one document's.
    exchanges = [
        (question, replace(answer, text=f"{answer.citations[0].quote} [1]", citations=answer.citations[:1]))
        for question, answer in asked
    ]

    def write(ending: str) -> Path:
        file = tmp_path / f"answers.{ending}"
        file.write_bytes(synced.export(exchanges, ending, language="en", date="2026-11-22", titles={}))
        return file

    return write


@pytest.fixture
def verify(synced: Assistant, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command beside the running assistant; return exit status, output and error output."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["verify", *map(str, arguments), "--data", str(synced.data), "--corpus", str(synced.corpus)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@pytest.mark.parametrize("ending", FORMATS)
def test_a_fresh_export_holds_while_the_assistant_runs(ending, exported, verify):
    """One line for each quote, and a summary; nobody owns the folder but the assistant."""
    status, out, err = verify(exported(ending))
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"answers.{ending}: exported 2026-11-22, 2 questions",
        "  [1] programme/mentors.md: holds, word for word",
        "  [2] reports/harbour.pdf, page 1: holds, word for word",
        "All 2 quotes hold.",
    ]


def test_json_is_one_object(exported, verify):
    """For programs: the same verdicts."""
    status, out, _ = verify(exported("md"), "--json")
    found: dict[str, Any] = json.loads(out)
    assert status == 0
    assert (found["holds"], found["exported"], found["changes"], found["remarks"]) == (True, "2026-11-22", [], [])
    assert [(quote["number"], quote["verdict"], quote["holds"]) for quote in found["quotes"]] == [
        (1, "holds", True),
        (2, "holds", True),
    ]


def test_a_changed_digit_is_named(exported, verify):
    """With what the file says now; answer and quote are told apart."""
    file = exported("md")
    head, proof = file.read_text().rsplit("<!--", 1)
    changed = head.replace("4,711", "4,911\x1b[2J")
    file.write_text(f"{changed}<!--{proof}")
    status, out, _ = verify(file)
    assert status == 1
    assert "[1] programme/mentors.md: the quote’s words were changed after the export" in out
    assert re.search(r"the file says: \[1\].*4,911.* dollars", out)
    assert "\x1b" not in out, "a file must not order the reader's terminal about"
    assert f"Question 1 “{FEE}”: the answer’s words were changed after the export." in out
    assert out.endswith("1 of 2 quotes hold, 1 does not, and 1 text was changed after the export.\n")


def test_documents_that_move_on_are_told_apart(exported, verify, synced):
    """A newer version that still says so, one that does not, a file that is not read yet, and one that is gone."""
    file = exported("docx")
    mentors = synced.corpus / "programme/mentors.md"
    before = mentors.read_text()

    mentors.write_text(f"{before}\nA line more.\n")
    status, out, _ = verify(file)
    assert status == 0
    assert "Note: The file of programme/mentors.md in the corpus has changed since the library read it." in out

    synced.sync()
    status, out, _ = verify(file)
    assert (status, "Note" in out) == (0, False)
    assert "[1] programme/mentors.md: holds: the document has a newer version, which still says so" in out

    mentors.write_text(before.replace("4,711", "5,000"))
    synced.sync()
    status, out, _ = verify(file)
    assert status == 1
    assert "[1] programme/mentors.md: does not hold any more: the document’s current version no longer" in out

    mentors.unlink()
    synced.sync()
    status, out, _ = verify(file)
    assert status == 1
    assert "[1] programme/mentors.md: the document has been taken out of the collection since" in out
    assert "1 of 2 quotes hold, 1 does not." in out


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda folder: folder / "none.md", r"none\.md cannot be read: No such file", id="no file"),
        pytest.param(lambda folder: folder, "cannot be read: Is a directory", id="a folder"),
        pytest.param(lambda folder: _written(folder / "a.md"), "it holds no proof", id="not ours"),
        pytest.param(lambda folder: _written(folder / "a.txt"), r"only exports as \.md", id="another format"),
    ],
)
def test_misuse_is_one_sentence(make, sentence, verify, tmp_path):
    """Exit status 2."""
    status, out, err = verify(make(tmp_path))
    assert (status, out) == (2, "")
    assert re.fullmatch(rf"Error: .*{sentence}.*\n", err)


def _written(file: Path) -> Path:
    file.write_text("# Notes\n")
    return file


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--data", "nowhere"], "There is no library in nowhere. Run: python ingest.py", id="no library"),
        pytest.param(["--corpus", "nowhere"], "The corpus nowhere is not a folder", id="no corpus"),
    ],
)
def test_folders_that_are_none_are_named(arguments, sentence, tmp_path, capsys, monkeypatch):
    """And nothing is created there."""
    monkeypatch.chdir(tmp_path)
    file = _written(tmp_path / "a.md")
    assert main(["verify", str(file), *arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert sentence in json.loads(out)["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.md"]


def test_help_is_quick_and_shows_examples(script):
    """No model, no vector database and no server is loaded for it."""
    code = (
        "import runpy, sys\n"
        "try:\n    runpy.run_module('assistant', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n    print('status', end.code)\n"
        "heavy = {'torch', 'chromadb', 'tantivy', 'langchain', 'gradio', 'docx', 'reportlab', 'pypdfium2'}\n"
        "print('heavy', sorted(heavy & set(sys.modules)))"
    )
    done = script(code, "--help")
    assert "python -m assistant verify usa-next-answers-2026-11-22.docx" in done.stdout
    assert done.stdout.endswith("status 0\nheavy []\n")
    assert done.stderr == ""


# ---- The password of the staff desk ----


def test_a_password_from_a_pipe_becomes_a_line_for_the_environment(monkeypatch, capsys):
    """That the settings take; the password itself is nowhere in it, and no hash is made twice."""
    lines = []
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.StringIO("blåbær-og-tyttebær\nanother line\n"))
        assert main(["hash-password"]) == 0
        lines.append(capsys.readouterr().out.strip())
    name, made = lines[0].split("=", 1)
    assert name == "ASSISTANT_STAFF_PASSWORD_HASH"
    assert fits("blåbær-og-tyttebær", made.strip("'"))
    assert read_settings(staff_password_hash=made.strip("'")).staff_password_hash is not None
    assert lines[0] != lines[1]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        pytest.param("", "fewer than 12 characters", id="nothing"),
        pytest.param("short\n", "fewer than 12 characters", id="short"),
        pytest.param("x" * 73, "more than 72 bytes", id="long"),
    ],
)
def test_a_password_that_cannot_be_used_is_misuse(given, sentence, monkeypatch, capsys):
    """Exit status 2, nothing on standard output, and the password in neither."""
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    assert main(["hash-password"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"Error: .*{sentence}.*\n", err)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        pytest.param(("blåbær-og-tyttebær",) * 2, 0, "ASSISTANT_STAFF_PASSWORD_HASH='$2b$", id="the same twice"),
        pytest.param(("blåbær-og-tyttebær", "blåbær"), 2, "The two are not the same", id="two different ones"),
    ],
)
def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(typed, status, said):
    """On a real one, which shows what a program does not hide."""
    command = [sys.executable, "-m", "assistant", "hash-password"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, command)  # the child of the fork becomes the command
    shown = b""
    for password, prompt in zip(typed, (b"Password of the staff desk: ", b"The same again: "), strict=True):
        while prompt not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, f"{password}\n".encode())
    while True:
        try:
            more = os.read(terminal, 1000)
        except OSError:
            break  # the other side is closed
        if not more:
            break
        shown += more
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == status
    assert said in shown.decode()
    assert "tyttebær" not in shown.decode()
