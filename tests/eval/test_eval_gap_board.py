"""`python -m eval gaps`: how questions are grouped, and who may look at which half."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from eval import gap_board
from eval.__main__ import main
from eval.gap_board import b_cubed, read_asked

PARTS = ("tuning", "reporting", "fresh")


@pytest.mark.parametrize(
    ("groups", "topics", "expected"),
    [
        pytest.param([1, 1, 2, 2], "aabb", (1, 1, 1), id="as labelled"),
        pytest.param([1, 1, 1, 1], "aabb", (0.5, 1, 2 / 3), id="all in one"),
        pytest.param([1, 2, 3, 4], "aabb", (1, 0.5, 2 / 3), id="each alone"),
        # By hand: precision (2/3 + 2/3 + 1/3 + 1) / 4, recall (1 + 1 + 1/2 + 1/2) / 4.
        pytest.param([1, 1, 1, 2], "aabb", (2 / 3, 3 / 4, 12 / 17), id="one astray"),
    ],
)
def test_b_cubed_is_that_of_the_hand(groups, topics, expected):
    """Per question, then the mean."""
    found = b_cubed(groups, list(topics))
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected)
    assert (found.groups, found.topics) == (len(set(groups)), 2)


@pytest.mark.parametrize("part", PARTS)
def test_every_topic_has_five_questions_in_both_languages(part):
    """What is reported is sixty in twelve each; none shares a question with the others."""
    asked = read_asked(part)
    topics = Counter(one.topic for one in asked)
    assert set(topics.values()) == {5}
    assert len(topics) == {"tuning": 24, "reporting": 12, "fresh": 12}[part]
    for topic in topics:
        assert {one.language for one in asked if one.topic == topic} >= {"en", "nb"}
    assert len({one.question for one in asked}) == len({one.id for one in asked}) == len(asked)
    others = {one.question for other in PARTS if other != part for one in read_asked(other)}
    assert others.isdisjoint(one.question for one in asked)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two topics in each half, and a log and learned numbers of our own."""
    lines = [
        {"id": f"{topic}-{number}", "question": question, "lang": "en", "topic": topic}
        for topic, questions in {
            "visa": ("Which visa do our engineers need?", "How long does a visa take?"),
            "tax": ("Who collects sales tax in Texas?", "Is sales tax the same in every state?"),
        }.items()
        for number, question in enumerate(questions)
    ]
    for half in PARTS:
        (tmp_path / f"gap-{half}.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    monkeypatch.setattr("eval.looks.LOOKS", tmp_path / "looks.csv")
    monkeypatch.setattr("eval.__main__.GROUPING_FILE", tmp_path / "grouping.json")
    monkeypatch.setattr(gap_board, "FOLDER", tmp_path)
    return tmp_path


def test_the_figures_are_a_table_or_json(folder, capsys):
    """Grouped at once and as the questions come; the tuning half needs no reason."""
    assert main(["gaps"]) == 0
    assert "together" in capsys.readouterr().out
    assert main(["gaps", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["half"] == "tuning"
    assert found["together"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "groups": 2, "topics": 2}
    assert found["one_by_one"]["f1"] == 1.0
    assert not (folder / "looks.csv").exists()


@pytest.mark.parametrize("part", ["reporting", "fresh"])
def test_a_look_at_what_is_reported_is_logged_with_its_reason(folder, capsys, part):
    """And refused without one; numbers are never chosen on it."""
    assert main(["gaps", "--half", part]) == 2
    assert "needs a reason" in capsys.readouterr().err
    assert main(["gaps", "--half", part, "--choose", "--why", "x"]) == 2
    assert "tuning half alone" in capsys.readouterr().err
    assert main(["gaps", "--half", part, "--why", "a walrus"]) == 0
    assert f",gaps-{part},a walrus" in (folder / "looks.csv").read_text(encoding="utf-8")


def test_the_numbers_are_chosen_and_written_with_their_run(folder, monkeypatch, capsys):
    """The run says when, at which commit, and with which figures."""
    monkeypatch.setattr(gap_board, "COMMON", (1,))
    monkeypatch.setattr(gap_board, "ALIKE_FROM", (0.2, 0.99))
    assert main(["gaps", "--choose"]) == 0
    written = json.loads((folder / "grouping.json").read_text(encoding="utf-8"))
    assert (written["common"], written["alike_from"]) == (1, 0.2)
    assert written["run"].startswith("python -m eval gaps --choose, 20")
    assert "F1 1.000" in written["run"]
    assert "on the others F1 1.000 in 1.00 groups a topic" in written["run"]


def test_a_line_without_a_topic_is_named(folder, capsys):
    """With its number."""
    (folder / "gap-tuning.jsonl").write_text('{"id": "a", "question": "b", "lang": "en"}', encoding="utf-8")
    assert main(["gaps"]) == 2
    assert "gap-tuning.jsonl, line 1: the key 'topic' is missing." in capsys.readouterr().err
