"""The learned numbers that ship."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from assistant.tuning import TUNING_PATH, Tuning, load_tuning


def test_the_shipped_numbers_load():
    """The file holds exactly the fields of `Tuning`, so that no number is forgotten and none is idle."""
    assert set(json.loads(TUNING_PATH.read_text(encoding="utf-8"))) == {field.name for field in fields(Tuning)}
    assert load_tuning() == Tuning(**load_tuning().to_dict())


def test_the_numbers_say_where_they_come_from():
    """`run` names the run that chose them."""
    assert len(load_tuning().run.split()) >= 3


@pytest.mark.parametrize(
    "name", ["dense_english", "dense_norwegian", "other_language", "joins_from", "threshold", "off_topic_below"]
)
def test_shares_lie_between_zero_and_one(name):
    """Weights of one search beside the other, factors and thresholds are shares."""
    assert 0 <= getattr(load_tuning(), name) <= 1


@pytest.mark.parametrize("name", ["sentence", "window", "hit", "heading", "semantic", "answer_type"])
def test_ingredients_never_count_against_a_sentence(name):
    """What speaks for a sentence has a weight of 0 or more."""
    assert getattr(load_tuning(), name) >= 0


def test_answerability_has_its_intercept():
    """The regression knows where it starts, and every weight is a number."""
    weights = load_tuning().answerability
    assert "intercept" in weights
    assert all(isinstance(weight, int | float) for weight in weights.values())


def test_other_numbers_can_be_read_from_another_file(tmp_path):
    """A run that tries other numbers reads them from its own file."""
    file = tmp_path / "other.json"
    file.write_text(json.dumps({**load_tuning().to_dict(), "threshold": 0.125}), encoding="utf-8")
    assert load_tuning(file).threshold == 0.125


def test_an_unknown_number_is_refused(tmp_path):
    """A misspelt name in the file is an error and not a number that silently does nothing."""
    file = tmp_path / "other.json"
    file.write_text(json.dumps({**load_tuning().to_dict(), "treshold": 0.5}), encoding="utf-8")
    with pytest.raises(TypeError, match="treshold"):
        load_tuning(file)
