"""The gate, the log of looks, the schema and the generator."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from assistant import domain
from eval import gate, looks
from eval.errors import EvaluationError, Misuse
from eval.generate import generated_documents, write_documents
from eval.run import Plan, evaluate, make_baseline
from eval.schema import SCHEMA_FILE, answer_line_schema
from tests.eval.eval_cases import FEE, answer_values


def run_of(right: int, wrong: int) -> dict[str, dict[str, float]]:
    """Return verdicts with the first questions right and the rest wrong."""
    return {"lead": {f"q{n:03d}": float(n < right) for n in range(right + wrong)}}


@pytest.mark.parametrize(
    ("new", "old", "regressed", "strictly"),
    [
        pytest.param(run_of(80, 20), run_of(80, 20), False, False, id="the same"),
        pytest.param(run_of(90, 10), run_of(80, 20), False, False, id="better"),
        pytest.param(run_of(70, 30), run_of(80, 20), True, True, id="ten points lost"),
        pytest.param(run_of(79, 21), run_of(80, 20), False, True, id="one question lost"),
    ],
)
def test_gate(new: gate.Verdicts, old: gate.Verdicts, regressed: bool, strictly: bool) -> None:
    """A loss beyond chance fails; strictly, so does one that cannot be ruled out."""
    (comparison,) = gate.compare(new, old)
    assert comparison.regressed() is regressed
    assert comparison.regressed(strict=True) is strictly


def test_gate_names_the_questions_that_changed_sides() -> None:
    """Only questions that both runs scored are compared."""
    new = {"lead": {"a": 1.0, "b": 0.0, "new": 0.0}}
    (comparison,) = gate.compare(new, {"lead": {"a": 0.0, "b": 1.0, "gone": 1.0}, "correct": {"gone": 1.0}})
    assert (comparison.won, comparison.lost, comparison.questions, comparison.difference) == (["a"], ["b"], 2, 0)
    table = gate.comparison_table([comparison])
    assert "lost: b" in table
    assert "won: a" in table


def test_baseline_keeps_the_other_half(tmp_path: Path) -> None:
    """Each half has a baseline of its own; none is no error."""
    path = tmp_path / "baseline.json"
    assert gate.read_baseline("tuning", path) is None
    gate.write_baseline("tuning", run_of(1, 1), commit="a", date="d", path=path)
    gate.write_baseline("reporting", run_of(2, 0), commit="b", date="d", path=path)
    tuning = gate.read_baseline("tuning", path)
    assert tuning is not None
    assert tuning["verdicts"] == run_of(1, 1)
    path.write_text("{")
    with pytest.raises(Misuse, match="not JSON"):
        gate.read_baseline("tuning", path)


def test_make_baseline_takes_the_named_run(tmp_path: Path) -> None:
    """A run that is not there is named."""
    with pytest.raises(EvaluationError, match="no finished run"):
        make_baseline(runs=tmp_path / "runs", baseline=tmp_path / "b.json")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    verdicts = {"half": "tuning", "commit": "c", "date": "d", "verdicts": run_of(1, 0)}
    (tmp_path / "runs" / "one" / "verdicts.json").write_text(json.dumps(verdicts))
    assert "one is the baseline" in make_baseline("one", runs=tmp_path / "runs", baseline=tmp_path / "b.json")
    with pytest.raises(EvaluationError, match="no finished run 'two'"):
        make_baseline("two", runs=tmp_path / "runs", baseline=tmp_path / "b.json")


@pytest.mark.parametrize("why", [None, "", "  "])
def test_the_reporting_half_needs_a_reason(tmp_path: Path, why: str | None) -> None:
    """Without one nothing is asked and nothing is logged."""
    plan = Plan("reporting", tmp_path, tmp_path / "data", looks=tmp_path / "looks.csv", why=why)
    with pytest.raises(Misuse, match="needs a reason"):
        evaluate(plan, lambda _: None)
    assert not list(tmp_path.iterdir())


def test_looks_are_logged(tmp_path: Path) -> None:
    """One line a look below one head, commas and quotes in the reason kept."""
    path = tmp_path / "looks.csv"
    for why in ("release 0.1", 'after "fusion", again'):
        looks.log_look("reporting", why, path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["why"] for row in rows] == ["release 0.1", 'after "fusion", again']
    assert all(row["half"] == "reporting" and row["date"].endswith("Z") and row["commit"] for row in rows)


def test_the_committed_schema_is_current() -> None:
    """docs/answer.schema.json is what `python -m eval schema` writes."""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == answer_line_schema()


def test_the_schema_describes_the_assistants_answer() -> None:
    """Answers made of the assistant's own nouns validate, and the schema knows every field and choice of theirs."""
    citation = domain.Citation(1, FEE, "a.md", "0" * 64, "t", "en", 1, "i", "h", 0, len(FEE), None)
    query = domain.Query("?", "?", "en")
    for answer in (
        domain.Answer(f"{FEE} [1]", "answered", "en", query, citations=(citation,)),
        domain.Answer("No.", "abstained", "nb", query, reason="off_topic", nearest=("a.md",)),
        domain.Answer("Hello!", "small_talk", "nn", query),
    ):
        jsonschema.validate({"id": "a", "answer": answer.to_dict()}, answer_line_schema())
    schema = answer_line_schema()["properties"]["answer"]["properties"]
    assert schema["outcome"]["enum"] == list(domain.Outcome.__args__)
    assert schema["reason"]["enum"][1:] == list(domain.Reason.__args__)
    assert schema["language"]["enum"] == list(domain.Language.__args__)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"outcome": "maybe"}, id="outcome"),
        pytest.param({"abstained": False}, id="abstained against the outcome"),
        pytest.param({"reason": None}, id="abstained without a reason"),
        pytest.param({"extra": 1}, id="a key too many"),
        pytest.param({"citations": [{}]}, id="empty citation"),
    ],
)
def test_the_schema_refuses(changes: dict[str, object]) -> None:
    """What readers could trip over does not validate."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": "a", "answer": answer_values(**changes)}, answer_line_schema())


def test_generated_documents_are_seeded_and_differ(tmp_path: Path) -> None:
    """A number always gives the same document, every fact stands in it word for word, no two sections are alike."""
    documents = list(generated_documents(5, 3))
    assert documents == list(generated_documents(5, 3))
    assert documents[1:] == list(generated_documents(6, 2))
    sections = [section for document in documents for section in document.markdown.split("## ")]
    assert len(set(sections)) == len(sections) == 21
    assert all(fact.sentence in document.markdown for document in documents for fact in document.facts)
    assert write_documents(tmp_path, 5, 3) == [fact for document in documents for fact in document.facts]
