"""What explanations tell: calibration by hand, which share is refused where, and why an answer went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.answer_file import RunMeta, given_answer, meta_path
from eval.calibration import (
    Judged,
    calibrate,
    calibration_error,
    calibration_table,
    likely_cause,
    read_explanations,
    reliability,
)
from eval.errors import Misuse
from eval.jsonlines import write_json
from eval.question_set import Question
from eval.run import Plan, evaluate
from tests.eval.eval_cases import FEE, OFFICE, SMALL, TEXTS, answer_values

Write = Callable[..., Path]


def why(probability: float = 0.5, **changes: Any) -> dict[str, Any]:
    """Return what an explanation says that is read here."""
    values = {"probability": probability, "threshold": 0.3, "query": {"uncovered": []}, "hits": [], "candidates": []}
    return {**values, **changes}


def of(*pairs: tuple[float, bool]) -> list[Judged]:
    """Return judged questions with those probabilities, which have an answer or not."""
    return [Judged(f"q{number:03}", "natural", right, value) for number, (value, right) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("found", "bins", "error"),
    [
        pytest.param([], 10, 0.0, id="nothing"),
        pytest.param(of((1.0, True), (0.0, False)), 2, 0.0, id="certain and right"),
        pytest.param(of((1.0, False), (0.0, True)), 2, 1.0, id="certain and wrong"),
        pytest.param(of(*[(0.8, n < 8) for n in range(10)]), 1, 0.0, id="eight of ten at 0.8"),
        pytest.param(of(*[(0.8, n < 5) for n in range(10)]), 1, 0.3, id="five of ten at 0.8"),
        pytest.param(of((0.2, False), (0.4, True), (0.9, True)), 2, (2 * 0.2 + 0.1) / 3, id="weighed by count"),
    ],
)
def test_calibration_error_by_hand(found: Sequence[Judged], bins: int, error: float) -> None:
    """The gap of each bin, weighed by its share of the questions."""
    assert calibration_error(reliability(found, bins)) == pytest.approx(error)


def test_bins_hold_equally_many_and_do_not_depend_on_order() -> None:
    """23 questions in ten bins: three of three, seven of two, sorted by probability; few questions make few bins."""
    found = of(*[((number % 7) / 7, number % 2 == 0) for number in range(23)])
    bins = reliability(found)
    assert [one.questions for one in bins] == [3] * 3 + [2] * 7
    assert all(before.high <= after.low for before, after in pairwise(bins))
    assert reliability(found[::-1]) == bins
    assert [one.questions for one in reliability(found[:4])] == [1] * 4


QUESTION = Question("q", "?", answerable=True, facts=(re.compile("26,067"),), evidence=(FEE,), gold=("fees.md",))


def labelled(kind: str, answerable: bool | None, *ids: str) -> list[Question]:
    """Return questions of a kind."""
    return [replace(QUESTION, id=id_, kind=kind, answerable=answerable) for id_ in ids]


QUESTIONS = [
    *labelled("natural", True, "a", "b", "c"),
    *labelled("partly", None, "d"),
    *labelled("off_topic", False, "e", "f"),
    *labelled("false_premise", False, "g"),
    *labelled("false_premise", None, "h"),
    *labelled("small_talk", None, "i"),
    *labelled("natural", True, "not explained"),
]
EXPLAINED = {
    id_: why(probability)
    for id_, probability in zip("abcdefghi", (0.9, 0.8, 0.25, 0.6, 0.1, 0.28, 0.7, 0.0, 0.0), strict=True)
}


def test_calibration_of_labelled_questions() -> None:
    """Half an answer counts as one; what has no label or no explanation counts for nothing."""
    found = calibrate(QUESTIONS, EXPLAINED)
    assert found is not None
    assert found.questions == 7
    # Of twelve pairs, 0.25 loses to 0.28 and 0.7, and 0.6 to 0.7.
    assert found.auroc == pytest.approx(9 / 12)
    assert found.threshold == 0.3
    # A twentieth of four questions is none: the threshold lies at the lowest of them.
    assert found.threshold_at_false_refusals == 0.25
    refused = {one.kind: (one.questions, one.shipped, one.at_false_refusals) for one in found.refused}
    assert refused == {"off_topic": (2, 1.0, 0.5), "false_premise": (1, 0.0, 0.0), "answerable": (4, 0.25, 0.0)}
    assert list(refused)[-1] == "answerable"


def test_calibration_table_and_values() -> None:
    """The table says when its questions taught the judge; the values are plain JSON."""
    found = calibrate(QUESTIONS, EXPLAINED)
    assert found is not None
    table = calibration_table(found)
    assert "expected calibration error" in table
    assert "refused below          shipped (0.300)  5 % false refusals (0.250)     n" in table
    assert "these figures flatter" not in table
    assert "these figures flatter" in calibration_table(found, learned_here=True)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["auroc"] == 0.75
    assert [one["questions"] for one in values["bins"]] == [1] * 7


def test_one_sided_labels() -> None:
    """Without unanswerable questions there is no AUROC, without answerable ones no threshold, without any nothing."""
    only_right, only_wrong = calibrate(QUESTIONS[:4], EXPLAINED), calibrate(QUESTIONS[4:7], EXPLAINED)
    assert only_right is not None
    assert only_wrong is not None
    assert only_right.auroc is None
    assert only_wrong.threshold_at_false_refusals is None
    assert calibration_table(only_right)
    assert calibration_table(only_wrong)
    assert calibrate(QUESTIONS, {}) is None


@pytest.mark.parametrize(
    "line",
    [
        pytest.param({"id": "a"}, id="no why"),
        pytest.param({"why": why()}, id="no id"),
        pytest.param({"id": "a", "why": []}, id="why is a list"),
        pytest.param({"id": "a", "why": {"probability": "high", "threshold": 0.3}}, id="probability is a word"),
        pytest.param({"id": "a", "why": {"probability": 0.5}}, id="no threshold"),
    ],
)
def test_broken_explanations(write_lines: Write, line: Mapping[str, Any]) -> None:
    """Refused with file, line and reason."""
    with pytest.raises(Misuse, match=r"why\.jsonl, line 2: no explanation; it needs 'id', and 'why' with"):
        read_explanations(write_lines("why.jsonl", {"id": "z", "why": why()}, line))


# ---- The worst answers ----

UNANSWERABLE = Question("u", "Who sings?", answerable=False, kind="off_topic")
FILLER = " ".join(["word"] * 80)
RIGHT = {"text": FEE, "score": 3.0}
OTHER = {"text": OFFICE, "score": 4.5}
OFFICE_HIT = {"rank": 1, "document": "office.md", "text": OFFICE}
FEE_HIT = {"rank": 2, "document": "fees.md", "text": f"FDA fees\n\n{FEE} {SMALL}"}
GOLD_HIT = {"rank": 2, "document": "fees.md", "text": SMALL}
SHOWS_OFFICE = answer_values([("office.md", OFFICE)])


@pytest.mark.parametrize(
    ("question", "answer", "explained", "cause"),
    [
        pytest.param(
            QUESTION,
            SHOWS_OFFICE,
            {"hits": [OFFICE_HIT, FEE_HIT], "candidates": [OTHER, OTHER, RIGHT]},
            "found, but ranked below what was shown: sentence 3, score 3.00, the best 4.50",
            id="ranked below",
        ),
        pytest.param(
            QUESTION,
            SHOWS_OFFICE,
            {"hits": [OFFICE_HIT, FEE_HIT], "candidates": [OTHER]},
            "found, but ranked below what was shown: in hit 2, below the 1 best sentences",
            id="far below",
        ),
        pytest.param(
            QUESTION,
            SHOWS_OFFICE,
            {"hits": [OFFICE_HIT, GOLD_HIT], "candidates": [OTHER]},
            "evidence not among the 2 hits: hit 2 is of a right document",
            id="right document, wrong passage",
        ),
        pytest.param(
            QUESTION,
            SHOWS_OFFICE,
            {"hits": [OFFICE_HIT], "candidates": [OTHER]},
            "evidence not among the 1 hits: no hit is of a right document",
            id="not found",
        ),
        pytest.param(
            QUESTION,
            answer_values([("fees.md", FEE)], text=f"{FILLER} {FEE} [1]"),
            {"hits": [FEE_HIT], "candidates": [RIGHT]},
            "shown beyond 80 words",
            id="late",
        ),
        pytest.param(
            replace(QUESTION, facts=(*QUESTION.facts, re.compile("quarter"))),
            answer_values([("fees.md", FEE)]),
            {"hits": [FEE_HIT], "candidates": [RIGHT]},
            "a right sentence is shown, and not every fact with it: quarter",
            id="half of the facts",
        ),
        pytest.param(
            QUESTION,
            answer_values(),
            {"hits": [FEE_HIT], "candidates": [RIGHT]},
            "refused though found: sentence 1, score 3.00, the best 3.00",
            id="refused though found",
        ),
        pytest.param(
            QUESTION,
            answer_values(),
            {"hits": []},
            "refused, evidence not among the 0 hits: no hit is of a right document",
            id="refused, not found",
        ),
        pytest.param(
            UNANSWERABLE,
            SHOWS_OFFICE,
            {"query": {"uncovered": ["sings", "who"]}},
            "answered though unanswerable: no hit holds sings, who",
            id="unanswerable, words uncovered",
        ),
        pytest.param(
            UNANSWERABLE,
            SHOWS_OFFICE,
            {},
            "answered though unanswerable: the hits hold every word of the question",
            id="unanswerable, all covered",
        ),
    ],
)
def test_likely_cause(question: Question, answer: Mapping[str, Any], explained: Mapping[str, Any], cause: str) -> None:
    """Told from what was found, judged and chosen."""
    assert likely_cause(question, given_answer(answer), why(**explained)) == cause


FEE_LINE = {"question": "What is the fee?", "lang": "en", "kind": "natural", "answerable": True, "facts": ["26,067"]}
FEE_LINE |= {"evidence": [FEE], "gold": ["fees.md"]}
ASKED = {
    "right": (FEE_LINE, answer_values([("fees.md", FEE)]), 0.99),
    "sure": (FEE_LINE, SHOWS_OFFICE, 0.9),
    "unsure": (FEE_LINE, SHOWS_OFFICE, 0.4),
    "none": ({"question": "Who sings?", "kind": "off_topic", "answerable": False}, SHOWS_OFFICE, 0.6),
    "doubted": (
        {"question": "Why free?", "kind": "false_premise", "answerable": False},
        {**SHOWS_OFFICE, "outcome": "partly", "reason": "false_premise"},
        0.95,
    ),
    "refused": (FEE_LINE, answer_values(), 0.29),
    "far": ({**FEE_LINE, "history": [{"question": "Hello?"}]}, answer_values(), 0.1),
    "rightly": ({"question": "Who wins?", "kind": "off_topic", "answerable": False}, answer_values(), 0.01),
}


@pytest.fixture
def run(tmp_path: Path, write_lines: Write) -> Path:
    """A folder as a run leaves it, with ASKED."""
    write_lines("questions.jsonl", *({"id": id_, **line} for id_, (line, _, _) in ASKED.items()))
    answers = write_lines("assistant.jsonl", *({"id": id_, "answer": one} for id_, (_, one, _) in ASKED.items()))
    write_lines("assistant-why.jsonl", *({"id": id_, "why": why(value)} for id_, (_, _, value) in ASKED.items()))
    write_json(meta_path(answers), RunMeta("assistant", "0" * 64).to_dict())
    write_json(tmp_path / "run.json", {"half": "tuning", "documents": {}})
    return tmp_path


def numbered(text: str) -> list[str]:
    """Return the ids in the order of their entries."""
    return re.findall(r"^\d+\. (\S+)", text, re.MULTILINE)


def test_the_worst_come_first(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong answers by falling probability, then refusals by rising; what went right is not among them."""
    assert main(["worst", str(run)]) == 0
    text = capsys.readouterr().out
    assert numbered(text) == ["sure", "none", "unsure", "far", "refused"]
    assert f"{run.name}: answered wrongly, the surest first (3 of 3)" in text
    assert "1. sure (en, natural), answered, probability 0.900" in text
    assert f"   right   {FEE} (fees.md)" in text
    assert "   before  Hello?" in text
    assert main(["worst", str(run)]) == 0
    assert capsys.readouterr().out == text


def test_no_more_than_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The count holds for wrong answers and for refusals each, and the heading says how many there are."""
    assert main(["worst", str(run), "--count", "1"]) == 0
    text = capsys.readouterr().out
    assert numbered(text) == ["sure", "far"]
    assert "(1 of 3)" in text
    assert main(["worst", str(run), "--count", "0"]) == 2
    assert "--count 0: shows nothing; ask for 1 or more." in capsys.readouterr().err


def test_runs_without_explanations(run: Path, write_lines: Write, capsys: pytest.CaptureFixture[str]) -> None:
    """One question without an explanation is counted; a run without any cannot be told from."""
    write_lines("assistant-why.jsonl", {"id": "sure", "why": why(0.9)})
    assert main(["worst", str(run)]) == 0
    assert "4 more went wrong without an explanation in the run." in capsys.readouterr().out
    (run / "assistant-why.jsonl").unlink()
    assert main(["worst", str(run)]) == 2
    assert "assistant-why.jsonl: is no file, so nothing says how the answers came about" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_reports_its_calibration_and_can_be_told_from(
    write_lines: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text and JSON of a run hold the calibration and the strata, and its folder is enough for its worst answers."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, text in TEXTS.items():
        (corpus / name).write_text(f"# {text}\n", encoding="utf-8")
    lines = [{"id": "a", **FEE_LINE}, {"id": "b", "question": "Who won in 1998?", "answerable": False}]
    plan = Plan(
        "tuning",
        corpus,
        tmp_path / "data",
        questions=write_lines("q.jsonl", *({**line, "half": "tuning"} for line in lines)),
        runs=tmp_path / "runs",
        baseline=tmp_path / "baseline.json",
        systems=("assistant",),
        name="run",
    )
    finding = evaluate(plan, lambda _: None)
    report = json.loads((finding.folder / "report.json").read_text(encoding="utf-8"))["assistant"]
    assert report["calibration"]["questions"] == 2
    assert report["by_stratum"]["en on en"]["questions"] == 1
    text = (finding.folder / "report.txt").read_text(encoding="utf-8")
    assert "calibration of the probability of an answer (2)" in text
    assert "language across: en on en (1) (under 100: no verdict)" in text
    assert main(["worst", str(finding.folder)]) == 0
    assert "answered wrongly, the surest first" in capsys.readouterr().out
