"""Question and answer files: what is refused and how it is said, and going on after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.answer_file import AnswerFile, RunMeta, meta_path, read_answers
from eval.answering import Progress, answer_questions
from eval.errors import Misuse
from eval.question_set import Question, half_of, read_questions, split
from tests.eval.eval_cases import FEE, FixedSystem, answer_values

Write = Callable[..., Path]
META = RunMeta("assistant", "0" * 64)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("{", "line 2: not JSON", id="not JSON"),
        pytest.param("[]", "line 2: not a JSON object but list", id="no object"),
        pytest.param({"question": "?"}, "line 2: the key 'id' is missing", id="no id"),
        pytest.param({"id": "b"}, "line 2: the key 'question' is missing", id="no question"),
        pytest.param({"id": 7, "question": "?"}, "line 2: 'id' is no text", id="id is a number"),
        pytest.param({"id": "a", "question": "?"}, "line 2: the id 'a' stands on line 1 already", id="twice"),
        pytest.param({"id": "b", "question": "?", "facts": ["("]}, "line 2: a fact is no regular", id="bad regex"),
        pytest.param({"id": "b", "question": "?", "facts": "x"}, "line 2: 'facts' is no list", id="facts is a text"),
        pytest.param({"id": "b", "question": "?", "answerable": 1}, "'answerable' is 1, expected", id="answerable 1"),
        pytest.param({"id": "b", "question": "?", "half": "last"}, "'half' is 'last', expected", id="no such half"),
        pytest.param({"id": "b", "question": "?", "history": ["x"]}, "a turn of 'history'", id="history of texts"),
    ],
)
def test_question_file_misuse(write_lines: Write, line: Any, reason: str) -> None:
    """A broken question file is refused with its line and the reason."""
    path = write_lines("q.jsonl", {"id": "a", "question": "?"}, line)
    with pytest.raises(Misuse, match=r"q\.jsonl, line 2") as caught:
        read_questions(path)
    assert reason in str(caught.value)


def test_questions_keep_their_labels(write_lines: Write) -> None:
    """Labels become values; evidence sets are evidence too; what is unknown is passed over."""
    line = {"id": "a", "question": "?", "lang": "nb", "answerable": True, "facts": ["BOSTON"], "evidence": ["One."]}
    extra = {"evidence_sets": [["One."], ["Two."]], "history": [{"question": "Before?"}], "set": "x", "half": "tuning"}
    (question,) = read_questions(write_lines("q.jsonl", {**line, **extra}), "tuning")
    assert question.facts[0].search("in Boston")
    assert question.evidence == ("One.", "Two.")
    assert question.history == ({"question": "Before?", "answer": None},)
    assert (question.language, question.kind, question.answerable) == ("nb", "?", True)


def test_a_half_is_asked_of_a_file_that_was_split(write_lines: Write) -> None:
    """Without a half on every line nothing may be tuned or reported."""
    with pytest.raises(Misuse, match="no half; run `python -m eval split"):
        read_questions(write_lines("q.jsonl", {"id": "a", "question": "?"}), "tuning")


def test_split_assigns_once(write_lines: Write) -> None:
    """Splitting again, also with new questions, moves no question; both halves are used."""
    path = write_lines("q.jsonl", *({"id": f"q{n}", "question": "?", "note": "æ"} for n in range(40)))
    counts = split(path)
    once = path.read_text()
    assert counts == split(path)
    assert path.read_text() == once
    assert sum(counts.values()) == 40
    assert min(counts.values()) > 8
    assert {question.half for question in read_questions(path, "tuning")} == {"tuning"}


def test_split_refuses_to_reassign(write_lines: Write) -> None:
    """A question that was tuned on is never reported on; the file stays as it was."""
    other = {"tuning": "reporting", "reporting": "tuning"}[half_of("a")]
    path = write_lines("q.jsonl", {"id": "b", "question": "?"}, {"id": "a", "question": "?", "half": other})
    before = path.read_bytes()
    with pytest.raises(Misuse, match=r"line 2: 'a' is in the half .* not reassigned"):
        split(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param({"id": "a"}, "no answer line", id="no answer"),
        pytest.param({"id": "a", "answer": {}}, "cannot be read .KeyError: 'text'", id="empty answer"),
        pytest.param({"id": "a", "answer": answer_values(outcome="fine")}, "outcome 'fine' is none of", id="outcome"),
        pytest.param({"id": "a", "answer": answer_values(citations=[{}])}, "KeyError: 'number'", id="citation"),
        pytest.param("half a li", "not JSON", id="half a line"),
    ],
)
def test_answer_file_misuse(write_lines: Write, line: Any, reason: str) -> None:
    """A broken answer file is refused with its line and the reason."""
    with pytest.raises(Misuse, match=rf"a\.jsonl, line 1: .*{reason}"):
        read_answers(write_lines("a.jsonl", line))


QUESTIONS = [Question(f"q{number}", f"Question {number}?") for number in range(6)]
KNOWN = {question.question: answer_values([("fees.md", FEE)]) for question in QUESTIONS}


def ask_all(out: Path, system: FixedSystem, meta: RunMeta = META) -> tuple[Progress, list[str]]:
    """Answer QUESTIONS and return the progress and what was said."""
    said: list[str] = []
    return answer_questions(QUESTIONS, system, out, meta=meta, say=said.append), said


@pytest.mark.parametrize("cut", [0, 1, 40, -1, -30], ids=["all", "first byte", "in line 1", "line end", "in last line"])
def test_a_killed_run_goes_on(tmp_path: Path, cut: int) -> None:
    """Wherever a run was cut off, running it again gives the same file, and whole lines are not asked twice."""
    out = tmp_path / "a.jsonl"
    ask_all(out, FixedSystem(KNOWN))
    whole = out.read_bytes()
    out.write_bytes(whole[:cut])
    again = FixedSystem(KNOWN)
    ask_all(out, again)
    assert out.read_bytes() == whole
    assert len(again.asked) == len(QUESTIONS) - whole[:cut].count(b"\n") - (cut == -1)


def test_a_failed_line_is_named_and_tried_again(tmp_path: Path) -> None:
    """One broken answer costs that line only; the next run asks for it alone."""
    out = tmp_path / "a.jsonl"
    progress, said = ask_all(out, FixedSystem(KNOWN, breaks_at=["Question 2?"]))
    assert progress == Progress(answered=5, skipped=0, failed=1)
    assert "q2: failed (ValueError: the reader fell asleep)" in said
    again = FixedSystem(KNOWN)
    assert ask_all(out, again)[0] == Progress(answered=1, skipped=5, failed=0)
    assert again.asked == ["Question 2?"]


@pytest.mark.parametrize(
    ("meta", "reason"),
    [
        pytest.param(RunMeta("tutorial", META.documents), "answers of the system 'assistant'", id="other system"),
        pytest.param(RunMeta("assistant", "1" * 64), "answered from other documents", id="other documents"),
    ],
)
def test_another_runs_file_is_refused(tmp_path: Path, meta: RunMeta, reason: str) -> None:
    """Answers of two systems or two corpora never mix; the file stays as it was."""
    out = tmp_path / "a.jsonl"
    ask_all(out, FixedSystem(KNOWN))
    before = out.read_bytes()
    with pytest.raises(Misuse, match=reason):
        ask_all(out, FixedSystem(KNOWN), meta)
    assert out.read_bytes() == before


def test_a_file_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    """Without the small file beside it nobody knows who answered."""
    out = tmp_path / "a.jsonl"
    ask_all(out, FixedSystem(KNOWN))
    meta_path(out).unlink()
    with pytest.raises(Misuse, match=r"has answers but no a\.jsonl\.meta\.json"):
        AnswerFile(out, META)


def test_answer_lines_hold_nothing_but_answers(tmp_path: Path) -> None:
    """What the answers were made from stands beside the file, never in it."""
    out = tmp_path / "a.jsonl"
    ask_all(out, FixedSystem(KNOWN))
    assert [set(json.loads(line)) for line in out.read_text().splitlines()] == [{"id", "answer"}] * 6
    assert json.loads(meta_path(out).read_text()) == META.to_dict()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["score", "none.jsonl", "a.jsonl"], "none.jsonl: cannot be read (No such file", id="no questions"),
        pytest.param(["score", "q.jsonl", "none.jsonl"], "none.jsonl: cannot be read (No such file", id="no answers"),
        pytest.param(["score", "q.jsonl", "a.jsonl", "a.jsonl"], "Two answer files have the same name", id="twice"),
        pytest.param(["score", "q.jsonl", "a.jsonl", "--data", "."], "--data needs --corpus", id="data alone"),
        pytest.param(
            ["answer", "q.jsonl", "--corpus", "none", "--data", "d", "--out", "o.jsonl"], "is no folder", id="no corpus"
        ),
        pytest.param(
            ["answer", "q.jsonl", "--corpus", "c", "--data", "d", "--out", "c/o.jsonl"], "inside the corpus", id="out"
        ),
        pytest.param(
            ["answer", "q.jsonl", "--corpus", "c", "--data", "c/d", "--out", "o.jsonl"], "inside the corpus", id="data"
        ),
        pytest.param(["bench", "--part", "none"], "--part names one of: ingest", id="no such part"),
    ],
)
def test_command_line_misuse(
    write_lines: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    reason: str,
) -> None:
    """Misuse is exit 2 with a sentence on stderr, nothing on stdout, and nothing written."""
    folder = write_lines("q.jsonl", {"id": "a", "question": "?"}).parent
    write_lines("a.jsonl", {"id": "a", "answer": answer_values()})
    (folder / "c").mkdir()
    monkeypatch.chdir(folder)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert not captured.out
    assert sorted(path.name for path in folder.rglob("*")) == ["a.jsonl", "c", "q.jsonl"]


def test_score_prints_systems_side_by_side(write_lines: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """A table with a column a file, numbers with interval and count; as JSON one object."""
    question = {"id": "a", "question": "?", "answerable": True, "facts": ["26,067"], "lang": "en", "kind": "single"}
    questions = write_lines("q.jsonl", question)
    good = write_lines("good.jsonl", {"id": "a", "answer": answer_values([("fees.md", FEE)])})
    timid = write_lines("timid.jsonl", {"id": "a", "answer": answer_values()})
    assert main(["score", str(questions), str(good), str(timid)]) == 0
    table = capsys.readouterr().out
    assert "good                       timid" in table
    assert "correct             1.000 [0.207, 1.000] 1     0.000 [0.000, 0.793] 1" in table
    assert main(["score", str(questions), str(good), str(timid), "--json"]) == 0
    reports = json.loads(capsys.readouterr().out)
    assert reports["timid"]["overall"]["measures"]["false_refusal"]["value"] == 1
