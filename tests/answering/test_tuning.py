"""The learned numbers that ship."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import get_type_hints

import pytest

from assistant.answering.evidence import gather
from assistant.answering.features import features
from assistant.forest import Tree
from assistant.tuning import JUDGES, JUDGES_PATH, TUNING_PATH, Tuning, load_tuning


def splits(tree: Tree) -> Iterator[tuple[str, float, float]]:
    """Yield the feature, cut and mean of each split of a tree."""
    if not isinstance(tree, float):
        name, cut, mean, low, high = tree
        yield name, cut, mean
        yield from splits(low)
        yield from splits(high)


def written(values: object) -> object:
    """Return values as a file gives them back."""
    return json.loads(json.dumps(values))


def test_the_shipped_numbers_load():
    """Both files together hold exactly the fields of `Tuning`, so that no number is forgotten and none is idle."""
    numbers, judges = (json.loads(path.read_text(encoding="utf-8")) for path in (TUNING_PATH, JUDGES_PATH))
    assert sorted([*numbers, *judges]) == sorted(field.name for field in fields(Tuning))
    assert tuple(judges) == JUDGES
    assert written(load_tuning().to_dict()) == numbers
    assert written(load_tuning().judges_to_dict()) == judges


def test_the_numbers_say_where_they_come_from():
    """Both runs that chose them are named, with the command, the time, the questions and the figures."""
    for run in (load_tuning().run, load_tuning().answerability_run):
        assert run.startswith("python -m eval tune, 20")
        assert "tuning half of own (" in run
        assert len(run.split()) >= 12


@pytest.mark.parametrize(
    "name",
    [
        "dense_english",
        "dense_norwegian",
        "translation",
        "other_language",
        "joins_from",
        "threshold",
        "off_topic_below",
        "premise_denied",
        "premise_doubted",
    ],
)
def test_shares_lie_between_zero_and_one(name):
    """Weights of one search beside the other, factors and thresholds are shares."""
    assert 0 <= getattr(load_tuning(), name) <= 1


@pytest.mark.parametrize("name", [name for name, kind in get_type_hints(Tuning).items() if kind is float])
def test_no_weight_counts_against_a_sentence(name):
    """What speaks for a sentence has a weight of 0 or more, and no threshold lies below 0."""
    assert getattr(load_tuning(), name) >= 0


def test_a_premise_is_doubted_before_it_is_denied():
    """What is refused outright is at least as sure as what is answered with a remark."""
    assert load_tuning().premise_doubted <= load_tuning().premise_denied


@pytest.mark.parametrize("judge", JUDGES)
def test_the_shipped_trees_ask_for_existing_features(judge, make_hit, make_query, idf):
    """A tree that asks for a feature which nobody computes would silently go one way for every question."""
    query, hits = make_query("What is the walrus fee?"), [make_hit("The walrus fee is 4,711 dollars.")]
    known = features(query, hits, gather(query, hits, idf, load_tuning()))
    trees = getattr(load_tuning(), judge).trees
    assert trees
    assert {name for tree in trees for name, _, _ in splits(tree)} <= set(known)


@pytest.mark.parametrize("judge", JUDGES)
def test_the_shipped_trees_can_be_read(judge):
    """Trees are few and shallow enough for a person, and a better sum never means a lower probability."""
    forest = getattr(load_tuning(), judge)
    assert len(forest.trees) <= 200
    assert all(len(list(splits(tree))) < 8 for tree in forest.trees)
    assert forest.slope > 0


def test_other_numbers_can_be_read_from_another_file(tmp_path):
    """A run that tries other numbers reads them from its own file."""
    file = tmp_path / "other.json"
    file.write_text(json.dumps({**load_tuning().to_dict(), "threshold": 0.125}), encoding="utf-8")
    assert load_tuning(file).threshold == 0.125
    assert load_tuning(file).answerable == load_tuning().answerable


def test_other_judges_can_be_read_from_another_file(tmp_path):
    """The trees have a file of their own, which can be another one."""
    file = tmp_path / "other.json"
    constant = {"start": 0.0, "slope": 1.0, "offset": 2.0, "trees": []}
    file.write_text(json.dumps({**load_tuning().judges_to_dict(), "answerable": constant}), encoding="utf-8")
    assert load_tuning(judges=file).answerable.to_dict() == constant
    assert load_tuning(judges=file).false_premise == load_tuning().false_premise


def test_an_unknown_number_is_refused(tmp_path):
    """A misspelt name in the file is an error and not a number that silently does nothing."""
    file = tmp_path / "other.json"
    file.write_text(json.dumps({**load_tuning().to_dict(), "treshold": 0.5}), encoding="utf-8")
    with pytest.raises(TypeError, match="treshold"):
        load_tuning(file)
