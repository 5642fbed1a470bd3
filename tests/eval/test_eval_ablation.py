"""What each ingredient is worth: how a question counts, which differences are shown, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.__main__ import main
from eval.ablation import FULL, INGREDIENTS, AblationPlan, Worth, ablate, ablation_table, points
from eval.answer_file import given_answer
from eval.errors import Misuse
from eval.intervals import Interval
from eval.question_set import Question, half_of
from tests.eval.eval_cases import FEE, OFFICE, TEXTS, answer_values

Write = Callable[..., Path]

QUESTION = Question("q", "?", answerable=True, facts=(re.compile("26,067"),), evidence=(FEE,))
TUNING = next(f"q{number}" for number in range(50) if half_of(f"q{number}") == "tuning")
LINE = {"id": TUNING, "half": "tuning", "lang": "en", "answerable": True, "facts": ["26,067"], "evidence": [FEE]}
FEE_LINE = {**LINE, "question": "What is the fee for a 510(k) submission?"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """TEXTS as Markdown files."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(f"# {text}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("quotes", "expected"),
    [
        pytest.param([("fees.md", FEE)], {"lead": 1, "first": 1, "evidence": 1}, id="right"),
        pytest.param(
            [("office.md", OFFICE), ("fees.md", FEE)], {"lead": 1, "first": 0, "evidence": 0.5}, id="right, second"
        ),
        pytest.param([], {"lead": 0, "first": 0, "evidence": 0}, id="nothing shown is no evidence"),
    ],
)
def test_points(quotes: list[tuple[str, str]], expected: dict[str, float]) -> None:
    """One answer's share of evidence counts as one question, however many sentences it shows."""
    assert points(QUESTION, given_answer(answer_values(quotes))) == expected


def test_a_question_without_evidence_has_no_share_of_it() -> None:
    """Nothing could be found, so nothing is missing."""
    found = points(Question("q", "?", answerable=True, facts=QUESTION.facts), given_answer(answer_values()))
    assert set(found) == {"lead", "first"}


def test_the_table_shows_differences_with_their_intervals() -> None:
    """A row a system and language; the full system has no difference to itself."""
    worths = [
        Worth(FULL, "en", "lead", 20, 0.75, 0.0, Interval(0, 0)),
        Worth("hit = 0", "en", "lead", 20, 0.7, -0.05, Interval(-0.15, 0.0)),
    ]
    _, heading, full, without = ablation_table(worths).splitlines()
    assert heading.split() == ["left", "out", "n", "lead", "first", "evidence"]
    assert full.split() == ["full", "system", "en", "20", "0.750", "-", "-"]
    assert "hit = 0                 en    20  0.700 -0.050 [-0.150, +0.000]" in without


@pytest.mark.parametrize(
    ("line", "changes", "reason"),
    [
        pytest.param(FEE_LINE, {"only": ("gloss",)}, "There is no ingredient gloss. Choose from sentence", id="name"),
        pytest.param({**FEE_LINE, "facts": []}, {}, "holds no answerable question with facts", id="no facts"),
        pytest.param(FEE_LINE, {"half": "reporting"}, "A look at the reporting half needs a reason", id="no reason"),
        pytest.param(FEE_LINE, {"half": "reporting", "why": " "}, "needs a reason: --why TEXT", id="empty reason"),
        pytest.param(FEE_LINE, {"half": "reporting", "why": "0.2"}, "in the half 'reporting'", id="empty half"),
    ],
)
def test_misuse(
    write_lines: Write, tmp_path: Path, line: dict[str, object], changes: dict[str, object], reason: str
) -> None:
    """Refused before anything is opened, and no look is logged."""
    plan = AblationPlan(
        write_lines("q.jsonl", line), tmp_path / "corpus", tmp_path / "data", looks=tmp_path / "looks.csv", **changes
    )
    with pytest.raises(Misuse, match=re.escape(reason)):
        ablate(plan, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["q.jsonl"]


@pytest.mark.slow
def test_ingredients_are_left_out_one_at_a_time(
    write_lines: Write, corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every ingredient that can touch the question's language has its rows, and a run gives the same twice."""
    questions = write_lines("q.jsonl", FEE_LINE, {**LINE, "id": "other", "half": "reporting", "question": "?"})
    command = ["ablation", str(questions), "--corpus", str(corpus), "--data", str(tmp_path / "data"), "--json"]
    assert main(command) == 0
    once = json.loads(capsys.readouterr().out)
    systems = list(dict.fromkeys(one["system"] for one in once["worths"]))
    english = [f"{name} = {value:g}" for name, values in INGREDIENTS.items() for value in values]
    assert systems == [FULL, *(name for name in english if "norwegian" not in name)]
    assert {one["questions"] for one in once["worths"]} == {1}
    lead = {one["system"]: one for one in once["worths"] if one["measure"] == "lead"}
    assert (lead[FULL]["value"], lead[FULL]["difference"]) == (1, 0)
    assert main([*command[:-1], "--only", "hit,semantic_norwegian"]) == 0
    table = capsys.readouterr().out
    assert "hit = 0" in table
    assert "semantic_norwegian" not in table
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == once
