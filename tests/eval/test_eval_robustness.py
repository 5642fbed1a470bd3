"""Robustness: what counts as a fault, how copies are made, and one run over the invented documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.domain import Answer, Hit, Query
from eval.__main__ import main
from eval.answer_file import given_answer
from eval.errors import Misuse
from eval.intervals import wilson
from eval.question_set import Question
from eval.robustness import (
    COPIES,
    CORPUS,
    QUESTIONS,
    Case,
    Findings,
    Line,
    add_copies,
    document_recall,
    faults,
    near_copy,
    read_cases,
    run_robustness,
)
from tests.eval.eval_cases import FEE, OFFICE, SMALL, TEXTS, answer_values, text_of

ALL_TEXTS = list(TEXTS.values())


def case(kind: str, *, facts: tuple[str, ...] = (), must_not: tuple[str, ...] = (), gold: tuple[str, ...] = ()) -> Case:
    """Return a question of a kind with its labels."""
    labelled = Question("q", "?", answerable=True, facts=tuple(map(re.compile, facts)), gold=gold, kind=kind)
    return Case(labelled, tuple(map(re.compile, must_not)))


# ---- Faults ----


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("The fee is 23 kroner.", (), id="the newest alone"),
        pytest.param("The fee is 23 kroner. It was 18 kroner.", (), id="the newest first"),
        pytest.param("It was 18 kroner. It is 23.", ("the outdated answer comes first",), id="led by the old"),
        pytest.param("It is 18 kroner.", ("the right answer is not shown",), id="the old alone"),
    ],
)
def test_the_newest_figure_must_lead(text: str, found: tuple[str, ...]) -> None:
    """The outdated one may follow as history, never come first."""
    given = given_answer(answer_values(text=text, outcome="answered", abstained=False))
    assert faults(case("version", facts=("23",), must_not=("18",)), given, text_of, ALL_TEXTS) == found


@pytest.mark.parametrize("kind", ["version", "duplicate", "conflict"])
def test_an_abstention_is_a_fault_where_there_is_an_answer(kind: str) -> None:
    """Safe is not enough: somebody asked."""
    assert faults(case(kind, facts=("23",)), given_answer(answer_values()), text_of, ALL_TEXTS) == ("abstained",)


QUOTED = [("fees.md", FEE)]


@pytest.mark.parametrize(
    ("changes", "must_not", "fault"),
    [
        pytest.param({}, (), None, id="the documents' words"),
        pytest.param({}, ("26,067",), "shows '26,067'", id="a forbidden word"),
        pytest.param({"text": f"{FEE} [1] Buy now. [1]"}, (), "not the words of a document: Buy now.", id="own words"),
        pytest.param({"text": f"{FEE} [1] {SMALL} [9]"}, (), "the marker [9] has no citation", id="a fake marker"),
        pytest.param({"text": f"- {FEE} [1]\n- {OFFICE} [1]"}, (), None, id="a list"),
    ],
)
def test_an_answer_holds_the_words_of_documents_and_no_order(
    changes: dict[str, str], must_not: tuple[str, ...], fault: str | None
) -> None:
    """Each sentence word for word, each marker with its citation, nothing forbidden."""
    given = given_answer(answer_values(QUOTED, **changes))
    found = faults(case("injection", must_not=must_not), given, text_of, ALL_TEXTS)
    assert found == ((fault,) if fault else ())


def test_words_of_the_question_are_no_source() -> None:
    """A citation that stands in no document is a fault, whatever it says."""
    values = answer_values(QUOTED)
    values["citations"][0]["quote"] = "According to [1] the fee is 5 dollars."
    assert "cites what does not stand in the document" in faults(
        case("injection"), given_answer(values), text_of, ALL_TEXTS
    )


def test_an_abstention_speaks_in_its_own_words() -> None:
    """What it may not do is to repeat what is forbidden."""
    given = given_answer(answer_values(text="I found nothing about pineapples."))
    assert faults(case("injection"), given, text_of, ALL_TEXTS) == ()
    assert faults(case("injection", must_not=("pineapple",)), given, text_of, ALL_TEXTS) == ("shows 'pineapple'",)


# ---- Questions ----


def test_the_questions_fit_their_documents() -> None:
    """Each gold document is there, its evidence stands in it, holds a fact, and nothing that must not be shown."""
    cases = read_cases()
    counts = {kind: sum(one.question.kind == kind for one in cases) for kind in ("version", "injection")}
    assert counts == {"version": 25, "injection": 25}
    for one in cases:
        text = "\n".join((CORPUS / document).read_text(encoding="utf-8") for document in one.question.gold)
        evidence = "\n".join(one.question.evidence)
        assert all(sentence in text for sentence in one.question.evidence), one.question.id
        assert all(fact.search(evidence) for fact in one.question.facts), one.question.id
        assert not any(pattern.search(evidence) for pattern in one.must_not), one.question.id


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param({"kind": "rumour"}, "line 1: the kind is 'rumour', expected one of version", id="kind"),
        pytest.param({"kind": "version", "must_not": "18"}, "line 1: 'must_not' is no list", id="no list"),
        pytest.param({"kind": "version", "must_not": ["("]}, "line 1: .* no regular expression", id="no regex"),
    ],
)
def test_a_broken_line_is_named(write_lines: Callable[..., Path], line: dict[str, object], message: str) -> None:
    """File, line and what is expected."""
    with pytest.raises(Misuse, match=message):
        read_cases(write_lines("q.jsonl", {"id": "q", "question": "?", **line}))


def test_a_gold_document_that_is_missing_is_named(write_lines: Callable[..., Path], tmp_path: Path) -> None:
    """Before anything heavy is loaded."""
    questions = write_lines("q.jsonl", {"id": "q7", "question": "?", "kind": "conflict", "gold": ["lost.md"]})
    with pytest.raises(Misuse, match=r"'q7' names 'lost.md', which is not in"):
        run_robustness(lambda _: None, questions=questions, corpus=tmp_path)
    with pytest.raises(Misuse, match="is no folder"):
        run_robustness(lambda _: None, questions=questions, corpus=tmp_path / "lost")


# ---- Copies ----


def test_a_near_copy_is_edited_and_the_same_each_time() -> None:
    """Most words stay, some change, a date line comes on top, and the seed decides all."""
    text = (CORPUS / "partner-page.md").read_text(encoding="utf-8")
    copied = near_copy(text, 1)
    assert copied == near_copy(text, 1)
    assert copied != near_copy(text, 3)
    assert re.search(r"^\d+\.\d+\.2025$", copied, re.MULTILINE)
    assert "published:" not in copied
    shared = set(copied.split()) & set(text.split())
    assert 0.7 < len(shared) / len(set(copied.split())) < 1


def test_ten_documents_with_answers_are_copied(tmp_path: Path) -> None:
    """Into a folder of their own, the originals untouched."""
    cases = read_cases()
    for document in {document for one in cases for document in one.question.gold}:
        (tmp_path / document).write_text((CORPUS / document).read_text(encoding="utf-8"), encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(add_copies(tmp_path, cases)) == COPIES
    assert {path: path.read_bytes() for path in tmp_path.glob("*.md")} == before


def test_recall_counts_documents_and_not_passages(make_chunk: Callable[..., object]) -> None:
    """Several hits of one document take one place; a document named beside a hit is found with it."""

    def answer(*found: tuple[str, tuple[str, ...]]) -> Answer:
        hits = [Hit(make_chunk(id_, id_=id_, ordinal=n), n, 1.0, also_in=also) for n, (id_, also) in enumerate(found)]  # type: ignore[arg-type]
        return Answer("", "answered", "en", Query("?", "?", "en"), hits=tuple(hits))

    wanted = case("duplicate", gold=("gold", "second"))
    assert document_recall(wanted, answer(("a", ()), ("a", ()), ("gold", ())), at=2) == 0.5
    assert document_recall(wanted, answer(("a", ("gold",)), ("second", ())), at=2) == 1.0
    assert document_recall(wanted, answer(("a", ()), ("b", ()), ("gold", ())), at=2) == 0.0
    assert document_recall(wanted, answer()) == 0.0


# ---- The report ----


def test_small_strata_have_no_verdict_and_say_so() -> None:
    """Every line with fewer than 100 questions is named below the table and carries no verdict."""
    lines = (
        Line("version", "the newest leads", 0.5, wilson(5, 10), 10),
        Line("copies", "x", 1.0, wilson(200, 200), 200),
    )
    findings = Findings(lines, {"version-01": ("abstained",)}, 0)
    assert "No verdict, fewer than 100 questions: version." in findings.as_table()
    assert "version-01: abstained" in findings.as_table()
    assert [line["verdict"] for line in findings.to_dict()["lines"]] == [None, None]


@pytest.mark.slow
def test_the_command_measures_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """One object with a line of every kind, all citations verbatim, and the invented corpus untouched."""
    before = {path: path.read_bytes() for path in CORPUS.rglob("*") if path.is_file()}
    assert main(["robustness", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {line["kind"] for line in found["lines"]} == {"version", "duplicate", "injection", "conflict", "copies"}
    assert all(-1 <= line["low"] <= line["value"] <= line["high"] <= 1 for line in found["lines"])
    assert found["not_verbatim"] == 0
    assert set(found["failures"]) <= {one.question.id for one in read_cases(QUESTIONS)}
    assert {path: path.read_bytes() for path in CORPUS.rglob("*") if path.is_file()} == before
