"""Intervals: known values, seeds, and the edges."""

from __future__ import annotations

import pytest

from eval.intervals import Interval, clustered_bootstrap, paired_bootstrap, wilson


@pytest.mark.parametrize(
    ("hits", "of", "expected"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        pytest.param(81, 263, (0.2553, 0.3662), id="81 of 263"),
        pytest.param(15, 148, (0.0624, 0.1605), id="15 of 148"),
        pytest.param(0, 20, (0.0, 0.1611), id="0 of 20"),
        pytest.param(1, 29, (0.0061, 0.1718), id="1 of 29"),
        pytest.param(0, 0, (0.0, 1.0), id="nothing known"),
    ],
)
def test_wilson(hits: int, of: int, expected: tuple[float, float]) -> None:
    """The published values come out."""
    interval = wilson(hits, of)
    assert (interval.low, interval.high) == pytest.approx(expected, abs=5e-5)


def test_bootstrap_is_seeded() -> None:
    """The same input gives the same interval, whatever random state the process is in."""
    hits, of = [1, 2, 0, 3, 1], [2, 2, 1, 3, 4]
    assert clustered_bootstrap(hits, of) == clustered_bootstrap(hits, of)
    assert paired_bootstrap([0.0, 1.0, -1.0, 0.0]) == paired_bootstrap([0.0, 1.0, -1.0, 0.0])


def test_bootstrap_holds_its_value() -> None:
    """The interval lies around the share, inside 0 to 1."""
    interval = clustered_bootstrap([1, 2, 0, 3, 1] * 10, [2, 2, 1, 3, 4] * 10)
    assert 0 <= interval.low < 35 / 60 + 0.01 < interval.high <= 1


def test_clusters_widen_the_interval() -> None:
    """Ten sentences of one question are one observation, not ten."""
    apart = clustered_bootstrap([1.0] * 50 + [0.0] * 50, [1.0] * 100)
    together = clustered_bootstrap([10.0] * 5 + [0.0] * 5, [10.0] * 10)
    assert together.high - together.low > 2 * (apart.high - apart.low)


@pytest.mark.parametrize(
    ("hits", "of", "expected"),
    [
        pytest.param([], [], Interval(0, 1), id="no questions"),
        pytest.param([0], [0], Interval(0, 1), id="nothing counted"),
        pytest.param([3, 2, 0], [3, 2, 0], wilson(2, 2), id="all hits: Wilson over the questions"),
        pytest.param([0, 0], [3, 2], wilson(0, 2), id="no hits: Wilson over the questions"),
    ],
)
def test_bootstrap_edges(hits: list[float], of: list[float], expected: Interval) -> None:
    """Where resampling cannot vary, the interval is still honest."""
    assert clustered_bootstrap(hits, of) == expected


def test_paired_bootstrap_of_nothing() -> None:
    """No shared question, no difference."""
    assert paired_bootstrap([]) == Interval(0, 0)
