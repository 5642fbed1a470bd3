"""What a language model writes, measured beside the quotes: a scripted model on a real socket, over a tiny corpus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Assistant, read_settings
from eval.__main__ import main
from eval.errors import Misuse
from eval.question_set import Question
from eval.run import Plan, evaluate, open_quoting
from eval.written import WrittenFinding, WrittenPlan, drawn, evaluate_written
from tests.eval.eval_cases import FEE, TEXTS
from tests.scripted_server import Reply, Request, Script, ScriptedServer, honest, inventive

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PARROT = "The parrot of the programme lives in Savannah."
PAGES = {
    **TEXTS,
    "lodge.md": "Lodge\n\nThe lodge of the programme lies in Hammerfest. The keeper serves waffles every Thursday.",
    "hytte.md": "Hytta\n\nHytta til programmet ligger i Tromsø. Vertinnen serverer vafler hver torsdag.",
    # The same sentence in two documents that are no copies: it stays when the words of one are hidden.
    "parrot.md": f"Animals of the south\n\n{PARROT} It eats pecan nuts and learns the names of all founders.",
    "zoo.md": f"A walk through the zoo\n\nThe tour takes two hours and starts at noon beside the fountain. {PARROT}",
}
ASKED = {
    "fee": ("en", "What is the fee for a 510(k) submission?", "26,067", "fees.md"),
    "hut": ("nb", "Hvor ligger hytta til programmet?", "Tromsø", "hytte.md"),
    "parrot": ("en", "Where does the parrot of the programme live?", "Savannah", "parrot.md"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PAGES as a corpus, already brought in, and a question file whose lines are all of the tuning half."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "corpus").mkdir()
    for name, text in PAGES.items():
        (folder / "corpus" / name).write_text(f"# {text}\n", encoding="utf-8")
    lines = [
        {"id": id_, "half": "tuning", "question": question, "lang": language, "kind": "single", "answerable": True}
        | {"facts": [fact], "gold": [document]}
        for id_, (language, question, fact, document) in ASKED.items()
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "q.jsonl").write_text(text, encoding="utf-8")
    with Assistant(read_settings(corpus=folder / "corpus", data=folder / "data")) as assistant:
        assistant.warm_up()
        assert not assistant.sync().failed
    return folder


@pytest.fixture
def plan(folder: Path, tmp_path: Path) -> WrittenPlan:
    """Ask everything, all of it again."""
    return WrittenPlan(folder / "corpus", folder / "data", questions=folder / "q.jsonl", looks=tmp_path / "looks.csv")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Script], ScriptedServer]]:
    """Start a language model that does what a script says, and name it in the settings."""
    with ExitStack() as running:

        def start(script: Script) -> ScriptedServer:
            server = running.enter_context(ScriptedServer(script))
            monkeypatch.setenv("ASSISTANT_MODEL", "openai:scripted")
            monkeypatch.setenv("ASSISTANT_MODEL_ADDRESS", server.url)
            return server

        yield start


def found(plan: WrittenPlan, *, only: str | None = None) -> WrittenFinding:
    """Return what an evaluation finds, on one of ASKED where `only` names it."""
    if only is not None:
        line = next(one for one in plan.questions.read_text(encoding="utf-8").splitlines() if f'"{only}"' in one)
        plan = replace(plan, questions=plan.looks.with_name("only.jsonl"))
        plan.questions.write_text(line + "\n", encoding="utf-8")
    return evaluate_written(plan, lambda _: None)


# ---- The figures ----


def test_an_honest_model_loses_nothing(plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]) -> None:
    """Every question is asked with and without the model, every sentence is shown, and goes when its quote goes."""
    serve(honest)
    finding = found(plan)
    assert (finding.model, finding.wanted) == ("openai:scripted", 3)
    assert {one.question.id for one in finding.written} == finding.quotes.keys() == ASKED.keys()
    by_id = {one.question.id: one for one in finding.written}
    assert by_id["fee"].sentences[0] == f"{FEE} [1]"
    assert [citation.quote for citation in by_id["fee"].first_cited] == [FEE]
    values = {name: estimate.value for name, estimate in finding.estimates().items()}
    assert values["sentences shown per answer"] >= 1
    assert values["sentences lost"] == values["answers fallen back to quotes"] == 0
    assert values["lead, written"] == values["lead, quotes"] == 1
    assert values["lead, written minus quotes"] == 0
    assert values["citation_recall, written"] == 1
    faithful = {one.question.id: (one.sentence, one.faithful) for one in finding.again}
    assert faithful["fee"] == (FEE, True)
    assert all(0 < first <= one.seconds for one in finding.written if (first := one.first_seconds) is not None)


def test_an_inventive_model_is_lost_whole(plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]) -> None:
    """No sentence is shown, every answer falls back to quotes, and there is no claim to ask again for."""
    serve(inventive)
    finding = found(plan)
    estimates = finding.estimates()
    assert estimates["sentences shown per answer"].value == 0
    assert estimates["sentences lost"].value == estimates["answers fallen back to quotes"].value == 1
    assert estimates["answers fallen back to quotes"].interval.low < 0.5, "three answers prove little"
    assert estimates["lead, written"].value == 1, "the quotes stand in"
    assert "claims kept without their quote" not in estimates
    assert not finding.again


def test_a_model_that_is_not_reached_writes_nothing(
    plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]
) -> None:
    """Its answers fall back; of no sentence at all no share is lost."""
    serve([Reply(status=401)])
    estimates = found(plan, only="fee").estimates()
    assert estimates["answers fallen back to quotes"].value == 1
    assert "sentences lost" not in estimates


def test_the_table_and_the_json_hold_the_same(plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]) -> None:
    """Each figure is a line with its interval and count; times have none."""
    serve(honest)
    finding = found(plan, only="fee")
    table, values = finding.as_table(), finding.to_dict()
    assert table.startswith("openai:scripted: 1 of 1 questions of the half 'tuning' asked in ")
    assert list(values["measures"]) == list(finding.estimates())
    for name, estimate in finding.estimates().items():
        bounds = f"{estimate.value:.3f} [{estimate.interval.low:.3f}, {estimate.interval.high:.3f}] {estimate.counted}"
        (row,) = (line for line in table.splitlines() if line.startswith(f"  {name}  "))
        assert row.removeprefix(f"  {name}").strip() == bounds
        assert values["measures"][name] == estimate.to_dict()
    assert values["times"].keys() == {"first verified sentence", "whole answer"}
    assert values["asked"] == values["shown"] == values["asked_again"] == 1
    json.dumps(values)


# ---- Asked again without the quote ----


def test_a_claim_that_comes_again_from_elsewhere_is_not(
    plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]
) -> None:
    """The words that it cited are hidden, and it is said all the same; the table names it."""
    serve(honest)
    finding = found(plan, only="parrot")
    (again,) = finding.again
    assert (again.sentence, again.faithful) == (PARROT, False)
    assert finding.unfaithful == [again]
    assert finding.estimates()["claims kept without their quote"].value == 1
    assert f"kept without its quote, parrot: {PARROT}" in finding.as_table()


def test_a_model_that_fails_the_second_time_is_not_judged(
    plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]
) -> None:
    """An answer without the model says nothing about what its claim rested on."""
    asked: list[Request] = []

    def once(request: Request) -> Reply:
        asked.append(request)
        return honest(request) if len(asked) == 1 else Reply(status=401)

    serve(once)
    finding = found(plan, only="parrot")
    assert [one.faithful for one in finding.again] == [None]
    assert finding.to_dict()["not_judged"] == 1
    assert "claims kept without their quote" not in finding.estimates()


def test_no_more_is_asked_again_than_wanted(plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]) -> None:
    """One of three."""
    serve(honest)
    assert len(found(replace(plan, asked_again=1)).again) == 1


# ---- What is asked ----


def test_it_stops_when_the_time_is_spent(plan: WrittenPlan, serve: Callable[[Script], ScriptedServer]) -> None:
    """The question at hand is finished, the others are not asked, and the finding says so."""
    serve(lambda request: replace(honest(request), before_seconds=0.2))
    said: list[str] = []
    finding = evaluate_written(replace(plan, seconds=0.1), said.append)
    assert len(finding.written) == len(finding.quotes) == 1
    assert "1 of 3 questions" in finding.as_table()
    assert "The time is spent after 1 of 3 questions." in said


def test_each_beginning_of_the_sample_holds_the_languages_in_proportion() -> None:
    """Unanswerable questions and small talk are left out; the draw is the same each time."""
    questions = [
        Question(f"{language}{number}", "?", answerable=True, language=language)
        for language, count in (("en", 60), ("nb", 30), ("nn", 10))
        for number in range(count)
    ]
    others = [Question("none", "?", answerable=False), Question("hi", "?", answerable=True, kind="small_talk")]
    sample = drawn([*others, *questions], 40)
    assert Counter(one.language for one in sample) == {"en": 24, "nb": 12, "nn": 4}
    assert Counter(one.language for one in sample[:10]) == {"en": 6, "nb": 3, "nn": 1}
    assert drawn([*others, *questions], 10) == sample[:10]
    assert [one.id for one in sample if one.language == "en"] != [f"en{number}" for number in range(24)]
    assert len(drawn(questions, 1000)) == 100


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"sample": 0}, "--sample 0: asks nothing", id="no question"),
        pytest.param({"seconds": 0.0}, "--seconds 0: leaves no time", id="no time"),
        pytest.param({"seconds": float("nan")}, "--seconds nan: leaves no time", id="no number"),
        pytest.param({"half": "reporting"}, "needs a reason: --why", id="reporting without a reason"),
        pytest.param({"half": "reporting", "why": "a test"}, "no answerable question of the half", id="an empty half"),
    ],
)
def test_what_makes_no_sense_is_refused(
    plan: WrittenPlan, serve: Callable[[Script], ScriptedServer], changes: dict[str, object], complaint: str
) -> None:
    """Before anything is asked or logged."""
    server = serve(honest)
    with pytest.raises(Misuse, match=complaint):
        evaluate_written(replace(plan, **changes), lambda _: None)  # type: ignore[arg-type]
    assert not server.requests
    assert not plan.looks.exists()


def test_a_look_at_the_reporting_half_is_logged(
    plan: WrittenPlan, serve: Callable[[Script], ScriptedServer], tmp_path: Path
) -> None:
    """With its reason, as `run` does."""
    serve(honest)
    questions = tmp_path / "reporting.jsonl"
    questions.write_text(plan.questions.read_text(encoding="utf-8").replace("tuning", "reporting"), encoding="utf-8")
    found(replace(plan, questions=questions, half="reporting", why="a test", sample=1))
    assert plan.looks.read_text(encoding="utf-8").splitlines()[1].endswith(",reporting,a test")


# ---- The commands ----


def test_without_a_model_the_command_says_what_to_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, and the status of a misuse."""
    assert main(["written", "--corpus", str(folder / "corpus"), "--data", str(folder / "data")]) == 2
    complaint = capsys.readouterr().err
    assert "No language model is set" in complaint
    assert "ASSISTANT_MODEL" in complaint
    assert complaint.count("\n") == 1


def test_the_command_prints_json(
    folder: Path, serve: Callable[[Script], ScriptedServer], capsys: pytest.CaptureFixture[str]
) -> None:
    """One object on stdout; of the project's own questions, as many as wanted."""
    serve(honest)
    command = ["written", "--corpus", str(folder / "corpus"), "--data", str(folder / "data"), "--sample", "2", "--json"]
    assert main(command) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["sample"], values["asked"]) == (2, 2)


def test_a_run_measures_the_quotes_whatever_is_set(
    folder: Path, tmp_path: Path, serve: Callable[[Script], ScriptedServer]
) -> None:
    """The model is not asked once, and the answers are the documents' words."""
    server = serve(inventive)
    plan = Plan(
        "tuning",
        folder / "corpus",
        folder / "data",
        questions=folder / "q.jsonl",
        runs=tmp_path / "runs",
        baseline=tmp_path / "baseline.json",
        systems=("assistant",),
    )
    finding = evaluate(plan, lambda _: None)
    lines = (finding.folder / "assistant.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(ASKED)
    assert all(json.loads(line)["answer"]["reason"] is None for line in lines)
    assert not server.requests


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"ASSISTANT_MODEL": "nobody:knows"}, id="a provider that nobody knows"),
        pytest.param({"ASSISTANT_MODEL": "openai:x", "ASSISTANT_MODEL_ADDRESS": "nonsense"}, id="a broken address"),
    ],
)
def test_quotes_need_no_model_that_works(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """Whatever the settings name, it is not opened."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with open_quoting(folder / "corpus", folder / "data", sync=False) as assistant:
        assert assistant.writing_model is None


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
@pytest.mark.parametrize(
    ("model", "commands"),
    [
        pytest.param(
            "openai:scripted",
            [
                "openai:scripted eval run --half tuning",
                "openai:scripted eval robustness",
                "openai:scripted eval written --half tuning",
            ],
            id="a model",
        ),
        pytest.param("", [" eval run --half tuning", " eval robustness"], id="no model"),
    ],
)
def test_make_eval_asks_the_model_last(tmp_path: Path, model: str, commands: list[str]) -> None:
    """Only where one is set; the parts before it open no model, whatever is set."""
    log, ready, python = tmp_path / "log", tmp_path / "ready", tmp_path / "python"
    python.write_text(f'#!/bin/sh\nshift\necho "$ASSISTANT_MODEL $*" >> "{log}"\n', encoding="utf-8")
    python.chmod(0o755)
    ready.touch()
    # A make around the tests must not hand its own variables down.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = {name: value for name, value in environment.items() if name not in ("HALF", "WHY")}
    subprocess.run(
        ["make", "eval", f"BIN={tmp_path}", f"READY={ready}"],
        cwd=ROOT,
        env=environment | {"ASSISTANT_MODEL": model},
        check=True,
        capture_output=True,
        timeout=300,
    )
    assert log.read_text(encoding="utf-8").splitlines() == commands
