"""Ranked lists in, one out."""

from __future__ import annotations

import random

import pytest

from assistant.retrieval.fusion import fuse, scaled

HIGH, LOW = {"a": 9.0, "b": 4.0, "c": 1.0}, {"c": 0.9, "d": 0.5, "a": 0.1}


def some_scores(generator: random.Random) -> dict[str, float]:
    """Return up to eight ids with scores of one search, best first."""
    ids = generator.sample("abcdefghijkl", generator.randint(0, 8))
    scores = sorted((generator.uniform(-5, 40) for _ in ids), reverse=True)
    return dict(zip(ids, scores, strict=True))


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param([], [], id="no lists"),
        pytest.param([({}, 0.5), ({}, 0.5)], [], id="empty lists"),
        pytest.param([(HIGH, 1.0)], ["a", "b", "c"], id="one list keeps its order"),
        pytest.param([(HIGH, 0.5), ({}, 0.5)], ["a", "b", "c"], id="beside an empty list"),
        pytest.param([(HIGH, 0.5), (HIGH, 0.5)], ["a", "b", "c"], id="a list with itself"),
        pytest.param([(HIGH, 1.0), (LOW, 0.0)], ["a", "b", "c", "d"], id="weight 0 silences a list"),
        pytest.param([(HIGH, 0.0), (LOW, 1.0)], ["c", "d", "a", "b"], id="weight 1 is that list alone"),
        pytest.param([({"a": 2.0, "b": 1.0}, 0.5), ({"b": 7.0}, 0.5)], ["a", "b"], id="a tie goes to the first list"),
        pytest.param([({"a": 3.0, "b": 3.0}, 0.5)], ["a", "b"], id="equal scores keep their order"),
        pytest.param([({"a": 5.0, "b": 4.0}, 0.5), ({"b": 5.0, "c": 4.0}, 0.5)], ["a", "b", "c"], id="found high"),
        pytest.param(
            [({"a": 9.0, "b": 8.0, "c": 0.0}, 0.5), ({"d": 9.0, "b": 8.0, "e": 0.0}, 0.5)],
            ["b", "a", "d", "c", "e"],
            id="found high twice beats found first once",
        ),
    ],
)
def test_fusion_orders_ids(lists, expected):
    """Ids found high and in both lists come first."""
    assert list(fuse(lists)) == expected


@pytest.mark.parametrize("seed", range(30))
def test_fused_scores_stay_inside_the_weights(seed):
    """With weights that add up to 1 every fused score lies between 0 and 1, highest first, and no id is lost."""
    generator = random.Random(seed)
    first, second, weight = some_scores(generator), some_scores(generator), generator.random()
    fused = fuse([(first, weight), (second, 1 - weight)])
    assert set(fused) == set(first) | set(second)
    assert all(0 <= score <= 1 + 1e-12 for score in fused.values())
    assert list(fused.values()) == sorted(fused.values(), reverse=True)


@pytest.mark.parametrize("seed", range(10))
def test_fusing_a_list_with_itself_changes_nothing(seed):
    """Two searches that agree give their common order, whatever the weights."""
    generator = random.Random(seed)
    scores, weight = some_scores(generator), generator.random()
    assert list(fuse([(scores, weight), (scores, 1 - weight)])) == list(scores)


def test_a_missing_id_gets_nothing_from_that_list():
    """What a list does not hold counts 0 there, and nothing below 0."""
    assert fuse([({"a": 2.0, "b": 1.0}, 0.3), ({"b": 2.0, "c": 1.0}, 0.7)]) == {"b": 0.7, "a": 0.3, "c": 0.0}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param({}, {}, id="empty"),
        pytest.param({"a": 0.0}, {"a": 1.0}, id="one id"),
        pytest.param({"a": -2.0, "b": -2.0}, {"a": 1.0, "b": 1.0}, id="all equal"),
        pytest.param({"a": 10.0, "b": 5.0, "c": 0.0}, {"a": 1.0, "b": 0.5, "c": 0.0}, id="evenly spread"),
        pytest.param({"a": 0.9, "b": -0.1}, {"a": 1.0, "b": 0.0}, id="cosines below 0"),
    ],
)
def test_scores_are_scaled_to_the_unit_interval(scores, expected):
    """The best of a list becomes 1 and the last 0, so lists of different units can be added."""
    assert scaled(scores) == pytest.approx(expected)
