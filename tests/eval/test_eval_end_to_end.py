"""The commands with the real assistant: answers, scores, the run and its gate."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from eval.__main__ import main
from eval.question_set import half_of
from eval.run import Plan, evaluate, make_baseline
from eval.schema import answer_line_schema
from eval.tuning import tune_sentence
from tests.eval.eval_cases import TEXTS

pytestmark = pytest.mark.slow

QUESTIONS = [
    {
        "question": "What is the fee for a 510(k) submission?",
        "lang": "en",
        "kind": "single",
        "answerable": True,
        "facts": ["26,067"],
        "evidence": ["The fee for a 510(k) submission is 26,067 US dollars."],
        "gold": ["fees.md"],
    },
    {
        "question": "Where does the programme have an office?",
        "lang": "en",
        "kind": "single",
        "answerable": True,
        "facts": ["Boston"],
        "gold": ["office.md"],
    },
    {"question": "Who won the football world cup in 1998?", "lang": "en", "kind": "off_topic", "answerable": False},
]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """TEXTS as Markdown files."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(f"# {text}\n", encoding="utf-8")
    return folder


@pytest.fixture
def questions(write_lines: Callable[..., Path]) -> Path:
    """QUESTIONS, all in the tuning half."""
    ids = [f"q{number}" for number in range(50) if half_of(f"q{number}") == "tuning"]
    return write_lines(
        "q.jsonl", *({"id": id_, "half": "tuning", **line} for id_, line in zip(ids, QUESTIONS, strict=False))
    )


def test_every_system_answers_and_is_verbatim(
    corpus: Path, questions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All lines validate, the corpus stays as it was, a second run asks nothing, and every quote is verbatim."""
    before = {path: path.read_bytes() for path in corpus.rglob("*")}
    outs = []
    for system in ("assistant", "tutorial", "sentence"):
        out = tmp_path / f"{system}.jsonl"
        command = ["answer", str(questions), "--corpus", str(corpus), "--data", str(tmp_path / "data")]
        command += ["--out", str(out), "--system", system]
        assert main(command) == 0
        written = out.read_bytes()
        assert main(command) == 0
        assert out.read_bytes() == written
        for line in written.decode().splitlines():
            jsonschema.validate(json.loads(line), answer_line_schema())
        outs.append(str(out))
    assert {path: path.read_bytes() for path in corpus.rglob("*")} == before
    capsys.readouterr()
    checks = ["--corpus", str(corpus), "--data", str(tmp_path / "data"), "--json"]
    assert main(["score", str(questions), *outs, *checks]) == 0
    reports = json.loads(capsys.readouterr().out)
    assert reports["assistant"]["overall"]["measures"]["verbatim"]["value"] == 1
    assert reports["assistant"]["overall"]["measures"]["in_source"]["value"] == 1


def test_a_planted_regression_fails_the_run(corpus: Path, questions: Path, tmp_path: Path) -> None:
    """A run passes against itself; when the documents lose their facts, it fails and says in what."""
    plan = Plan(
        "tuning",
        corpus,
        tmp_path / "data",
        questions=questions,
        runs=tmp_path / "runs",
        baseline=tmp_path / "baseline.json",
        looks=tmp_path / "looks.csv",
        systems=("assistant",),
        name="first",
    )
    first = evaluate(plan, lambda _: None)
    assert not first.reasons
    assert "No baseline for the half 'tuning'" in first.table
    make_baseline(runs=plan.runs, baseline=plan.baseline)
    assert not evaluate(plan, lambda _: None).reasons
    for name, text in TEXTS.items():
        (corpus / name).write_text(text.replace("26,067", "many").replace("Boston", "a city"), encoding="utf-8")
    worse = evaluate(replace(plan, name="second"), lambda _: None)
    assert any("correct got worse" in reason for reason in worse.reasons)
    failing = (worse.folder / "assistant-failing.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"correct", "lead"} <= set(json.loads(failing[0])["failed"])
    assert not plan.looks.exists()


def test_tuning_stores_its_run(corpus: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold is written with the run that chose it."""
    from eval import baselines, tuning

    for module in (baselines, tuning):
        monkeypatch.setattr(module, "TUNED", tmp_path / "baselines.json")
    tuned = tune_sentence(questions, corpus=corpus, data=tmp_path / "data", say=lambda _: None)
    assert baselines.sentence_threshold() == tuned["sentence_threshold"]
    assert tuned["run"]["questions"] == 3


def test_bench_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A small bench of three parts gives positive ratios and keeps what it built."""
    command = ["bench", "--quick", "--json", "--folder", str(tmp_path), "--part", "answers", "--part", "findable"]
    command += ["--part", "beside"]
    assert main(command) == 0
    parts = json.loads(capsys.readouterr().out)
    assert set(parts) == {"answers at 60", "findable", "beside"}
    assert all(value > 0 for part in parts.values() for name, value in part.items() if "ratio" in name)
    assert len(list(tmp_path.glob("60-*/facts.json"))) == 1
