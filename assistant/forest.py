"""Boosted decision trees that can be read: small trees over named features, whose sum becomes a probability.

Trained by `eval` (gradient boosting, Friedman, Annals of Statistics 2001) and kept as plain numbers; nothing of the
library that grew them is needed to use them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A leaf is its value; a split is the feature's name, the cut, the mean of what lies below, and the two sides: where the
# feature is at most the cut, and where it is more.
Tree = float | tuple[str, float, float, "Tree", "Tree"]


@dataclass(frozen=True, slots=True)
class Forest:
    """A sum of trees, in log odds, and the line that turns the sum into a calibrated probability.

    Attributes:
        start: Log odds before any tree.
        slope: Of the calibration (Platt, 1999): probability = logistic(slope * sum + offset).
        offset: Of the same.
        trees: See `Tree`.
    """

    start: float = 0.0
    slope: float = 1.0
    offset: float = 0.0
    trees: tuple[Tree, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Forest:
        """Return the forest of a mapping as `to_dict` makes it."""
        trees = tuple(_read(tree) for tree in values["trees"])
        return cls(float(values["start"]), float(values["slope"]), float(values["offset"]), trees)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values for a file."""
        return {"start": self.start, "slope": self.slope, "offset": self.offset, "trees": list(self.trees)}

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Return the sum of all trees before calibration; a feature that is missing counts as 0."""
        return self.start + sum(_value(tree, features) for tree in self.trees)

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the calibrated probability, 0 to 1."""
        return logistic(self.slope * self.log_odds(features) + self.offset)

    def contributions(self, features: Mapping[str, float]) -> dict[str, float]:
        """Return by how much each feature moved the log odds, the strongest first.

        With a constant they make the sum. At each split the move is the mean of the side taken less the mean of both
        (Saabas, 2014).
        """
        moved: dict[str, float] = {}
        for tree in self.trees:
            while not isinstance(tree, float):
                name, cut, mean, low, high = tree
                tree = low if features.get(name, 0.0) <= cut else high
                moved[name] = moved.get(name, 0.0) + _mean(tree) - mean
        return dict(sorted(moved.items(), key=lambda item: -abs(item[1])))


def logistic(value: float) -> float:
    """Return 1 / (1 + e^-value) without overflow."""
    return 1 / (1 + math.exp(-value)) if value > -500 else 0.0


def _value(tree: Tree, features: Mapping[str, float]) -> float:
    while not isinstance(tree, float):
        name, cut, _, low, high = tree
        tree = low if features.get(name, 0.0) <= cut else high
    return tree


def _mean(tree: Tree) -> float:
    return tree if isinstance(tree, float) else tree[2]


def _read(values: float | Sequence[Any]) -> Tree:
    if isinstance(values, (int, float)):
        return float(values)
    name, cut, mean, low, high = values
    return (str(name), float(cut), float(mean), _read(low), _read(high))
