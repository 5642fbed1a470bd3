"""Trees that can be read: what they add up to, what each feature moved, and numbers that survive a file."""

from __future__ import annotations

import json
import math
import random

import pytest

from assistant.forest import Forest, Tree, logistic
from assistant.tuning import JUDGES, load_tuning

# Whether many words are covered, and where they are, whether names are met. A split's third number is its mean.
TWO_SPLITS: Tree = ("covered", 0.5, 0.1, -2.0, ("names_met", 0.25, 1.0, 0.5, 3.0))
FOREST = Forest(start=0.25, slope=2.0, offset=-1.0, trees=(TWO_SPLITS, ("presumes", 0.5, -0.3, 0.0, -1.0), 0.125))


def mean_of(tree: Tree) -> float:
    """Return what a tree says before anything is asked of it."""
    return tree if isinstance(tree, float) else tree[2]


# ---- The sum ----


@pytest.mark.parametrize(
    ("features", "log_odds"),
    [
        pytest.param({"covered": 0.4, "names_met": 1.0}, -1.625, id="few covered"),
        pytest.param({"covered": 0.5, "names_met": 1.0}, -1.625, id="on the cut goes low"),
        pytest.param({"covered": 0.51, "names_met": 0.25}, 0.875, id="covered, names missing"),
        pytest.param({"covered": 0.9, "names_met": 1.0}, 3.375, id="covered, names met"),
        pytest.param({"covered": 0.9, "names_met": 1.0, "presumes": 1.0}, 2.375, id="presuming"),
        pytest.param(
            {"covered": 0.9, "names_met": 1.0, "unheard_of": 7.0}, 3.375, id="a feature that no tree asks for"
        ),
    ],
)
def test_the_trees_are_walked_and_added_up(features, log_odds):
    """The log odds are the start and one leaf of each tree; the probability is the logistic of a line over them."""
    assert FOREST.log_odds(features) == pytest.approx(log_odds)
    assert FOREST.probability(features) == pytest.approx(1 / (1 + math.exp(-(2 * log_odds - 1))))


@pytest.mark.parametrize("missing", ["covered", "names_met", "presumes"])
def test_a_missing_feature_counts_as_zero(missing):
    """A mapping without a feature is judged like one that holds 0 for it."""
    features = {"covered": 0.9, "names_met": 1.0, "presumes": 1.0}
    without = {name: value for name, value in features.items() if name != missing}
    assert FOREST.log_odds(without) == FOREST.log_odds({**features, missing: 0.0})
    assert FOREST.contributions(without) == FOREST.contributions({**features, missing: 0.0})


def walked(tree: Tree, features: dict[str, float]) -> float:
    """Return the leaf that a tree leads to, one split after the other."""
    if isinstance(tree, float):
        return tree
    name, cut, _, low, high = tree
    return walked(low if features.get(name, 0.0) <= cut else high, features)


@pytest.mark.parametrize("forest", [FOREST, *(getattr(load_tuning(), name) for name in JUDGES)], ids=["made", *JUDGES])
@pytest.mark.parametrize("seed", range(20))
def test_the_log_odds_are_those_of_the_trees_as_they_are_written(forest, seed):
    """To the last digit, also where a feature lies on a cut."""
    generator = random.Random(seed)
    cuts = [(name, cut) for tree in forest.trees for name, cut in splits(tree)]
    features = {name: generator.choice((cut, 0.0, 1.0, generator.uniform(-0.2, 1.2))) for name, cut in cuts}
    assert forest.log_odds(features) == forest.start + sum(walked(tree, features) for tree in forest.trees)


def test_a_forest_without_trees_knows_nothing():
    """The default is a half; with an offset it is a constant, whatever is asked."""
    assert Forest().probability({"covered": 1.0}) == 0.5
    assert Forest().contributions({"covered": 1.0}) == {}
    assert Forest(offset=2.0).probability({}) == Forest(offset=2.0).probability({"covered": 1.0}) == logistic(2.0)


@pytest.mark.parametrize(
    ("covered", "rises"), [pytest.param(0.9, True, id="for it"), pytest.param(0.1, False, id="against it")]
)
def test_a_steeper_line_is_surer(covered, rises):
    """With the slope a probability moves away from a half, always to the side of the log odds."""
    features = {"covered": covered, "names_met": 1.0}
    surer = [Forest(slope=slope, trees=(TWO_SPLITS,)).probability(features) for slope in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert surer[0] == 0.5
    assert surer == sorted(set(surer), reverse=not rises)


@pytest.mark.parametrize(
    ("start", "probability"),
    [(-math.inf, 0.0), (-1e300, 0.0), (-800.0, 0.0), (800.0, 1.0), (1e300, 1.0), (math.inf, 1)],
)
def test_extreme_values_do_not_overflow(start, probability):
    """However far the log odds go, the probability stays between 0 and 1."""
    assert Forest(start=start, trees=(TWO_SPLITS,)).probability({}) == probability
    assert Forest(trees=(TWO_SPLITS,)).probability({"covered": start, "names_met": -start}) in (
        logistic(-2),
        logistic(0.5),
    )


def test_the_logistic_is_symmetric_and_rising():
    """What speaks for it as much as against it is a half; the curve rises and never leaves 0 to 1."""
    values = [place / 4 for place in range(-80, 81)]
    curve = [logistic(value) for value in values]
    assert logistic(0.0) == 0.5
    assert curve == sorted(set(curve))
    assert [logistic(-value) for value in values] == pytest.approx([1 - one for one in curve])


# ---- What each feature moved ----


def test_contributions_by_hand():
    """Each split moves the sum from the mean of both sides to the mean of the side taken; the strongest comes first."""
    moved = FOREST.contributions({"covered": 0.9, "names_met": 1.0, "presumes": 1.0})
    assert moved == pytest.approx({"names_met": 3.0 - 1.0, "covered": 1.0 - 0.1, "presumes": -1.0 + 0.3})
    assert list(moved) == ["names_met", "covered", "presumes"]
    assert FOREST.contributions({}) == pytest.approx({"covered": -2.1, "presumes": 0.3})


@pytest.mark.parametrize("forest", [FOREST, *(getattr(load_tuning(), name) for name in JUDGES)], ids=["made", *JUDGES])
@pytest.mark.parametrize("seed", range(20))
def test_contributions_and_a_constant_make_the_log_odds(forest, seed):
    """Nothing is left unexplained: the constant, the same for all questions, is the start with every tree's mean."""
    generator = random.Random(seed)
    names = {str(name) for tree in forest.trees for name, _ in splits(tree)}
    features = {name: generator.choice((0.0, 1.0, generator.uniform(-0.2, 1.2))) for name in sorted(names)}
    constant = forest.start + sum(mean_of(tree) for tree in forest.trees)
    moved = forest.contributions(features)
    assert constant + sum(moved.values()) == pytest.approx(forest.log_odds(features), abs=1e-9)
    assert set(moved) <= names
    assert [abs(one) for one in moved.values()] == sorted(map(abs, moved.values()), reverse=True)


def splits(tree: Tree) -> list[tuple[str, float]]:
    """Return the features that a tree asks for, each with its cut."""
    if isinstance(tree, float):
        return []
    name, cut, _, low, high = tree
    return [(name, cut), *splits(low), *splits(high)]


# ---- Files ----


@pytest.mark.parametrize("forest", [Forest(), FOREST, *(getattr(load_tuning(), name) for name in JUDGES)])
def test_a_forest_survives_a_file(forest):
    """What is written as JSON is read as the same forest, with the same answers."""
    again = Forest.read(json.loads(json.dumps(forest.to_dict())))
    assert again == forest
    assert again.to_dict() == forest.to_dict()
    assert hash(again) == hash(forest)


def test_whole_numbers_in_a_file_are_numbers():
    """A file may write 1 for 1.0, also for a tree that is one leaf."""
    forest = Forest.read({"start": 1, "slope": 2, "offset": 0, "trees": [["covered", 0, 1, -1, 1], 3]})
    assert forest.probability({"covered": 1}) == logistic(10.0)
    assert forest.probability({}) == logistic(6.0)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"start": 0.0, "slope": 1.0, "offset": 0.0}, KeyError, id="no trees"),
        pytest.param({"slope": 1.0, "offset": 0.0, "trees": []}, KeyError, id="no start"),
        pytest.param(
            {"start": 0.0, "slope": 1.0, "offset": 0.0, "trees": [["a", 0.5, 1.0]]}, ValueError, id="no sides"
        ),
        pytest.param({"start": 0.0, "slope": "steep", "offset": 0.0, "trees": []}, ValueError, id="no number"),
    ],
)
def test_a_damaged_forest_is_refused(values, error):
    """What is no forest is an error when it is read and no wrong probability later."""
    with pytest.raises(error, match=r"trees|start|unpack|steep"):
        Forest.read(values)
