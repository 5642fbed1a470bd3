"""Intervals of 95 %: Wilson for proportions, and the bootstrap with whole questions as its units.

Everything is seeded: the same input gives the same interval, on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

# Two-sided 95 % of the normal distribution.
Z = 1.959963984540054
SEED = 20260701
RESAMPLES = 2_000
# The gate decides on a bound, so its bound is drawn more finely than one that is only shown.
GATE_RESAMPLES = 10_000
# Resamples drawn at a time: bounds the memory at this many times the number of questions.
BATCH = 500

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """The two bounds of a 95 % interval."""

    low: float
    high: float


def wilson(hits: int, of: int) -> Interval:
    """Return the Wilson score interval of a proportion (E. B. Wilson, JASA 22, 1927); 0 to 1 where `of` is 0.

    centre = (p + z^2 / 2n) / (1 + z^2 / n); half width = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2).
    Unlike p +- z * sqrt(p (1 - p) / n) it does not shrink to a point when nothing, or everything, was a hit.
    """
    if of == 0:
        return Interval(0.0, 1.0)
    share = hits / of
    scale = 1 + Z**2 / of
    centre = (share + Z**2 / (2 * of)) / scale
    half_width = Z / scale * sqrt(share * (1 - share) / of + Z**2 / (4 * of**2))
    return Interval(max(0.0, centre - half_width), min(1.0, centre + half_width))


def clustered_bootstrap(hits: Sequence[float], of: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """Return the percentile bootstrap interval of sum(hits) / sum(of), drawing whole questions with replacement.

    `hits[i]` and `of[i]` belong to question i: its sentences or citations are drawn together, since they are right or
    wrong together (Efron and Tibshirani, 1993, chapter 8; clusters as in Miller, arXiv 2411.00640). Where nothing
    was counted the interval is 0 to 1. Where everything was a hit, or nothing, every resample is the same, and the
    Wilson interval over the questions says more than a point would.
    """
    if not sum(of):
        return Interval(0.0, 1.0)
    if sum(hits) in (0, sum(of)):
        counted_questions = sum(count > 0 for count in of)
        return wilson(counted_questions if sum(hits) else 0, counted_questions)
    hit_array = np.asarray(hits, dtype=np.float64)
    of_array = np.asarray(of, dtype=np.float64)
    means = []
    for drawn in _draws(len(hit_array), resamples):
        counted = of_array[drawn].sum(axis=1)
        means.append(hit_array[drawn].sum(axis=1)[counted > 0] / counted[counted > 0])
    return _percentiles(np.concatenate(means))


def paired_bootstrap(differences: Sequence[float], resamples: int = GATE_RESAMPLES) -> Interval:
    """Return the percentile bootstrap interval of the mean of per-question differences, new minus old; 0 to 0 for none.

    Pairing by question takes out how hard each question is, which is most of the variance (arXiv 2411.00640).
    """
    if not differences:
        return Interval(0.0, 0.0)
    array = np.asarray(differences, dtype=np.float64)
    return _percentiles(np.concatenate([array[drawn].mean(axis=1) for drawn in _draws(len(array), resamples)]))


def _draws(size: int, resamples: int) -> Iterator[npt.NDArray[np.int64]]:
    generator = np.random.default_rng(SEED)
    for done in range(0, resamples, BATCH):
        yield generator.integers(0, size, size=(min(BATCH, resamples - done), size))


def _percentiles(means: Floats) -> Interval:
    low, high = np.percentile(means, (2.5, 97.5))
    return Interval(float(low), float(high))
