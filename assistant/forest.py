"""Boosted decision trees that can be read: small trees over named features, whose sum becomes a probability.

Trained by `eval` (gradient boosting, Friedman, Annals of Statistics 2001) and kept as plain numbers; nothing of the
library that grew them is needed to use them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

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
    _table: _Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay the trees out in a table, in which all of them are followed at once."""
        object.__setattr__(self, "_table", _lay_out(self.trees))

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
        return self.start + sum(self._table.values(features))

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


@dataclass(frozen=True, slots=True)
class _Table:
    """The nodes of all trees, a row each; a leaf leads to itself.

    Attributes:
        names: Features, in the order in which `feature` counts them.
        roots: The row of each tree's first node.
        depth: Splits from a root to its farthest leaf.
        feature: Number of the feature that a node splits by.
        cut: Where it does.
        sides: The row of a node's higher side, at twice its own row, and of its lower side after that.
        value: Of a leaf.
    """

    names: tuple[str, ...]
    roots: npt.NDArray[np.intp]
    depth: int
    feature: npt.NDArray[np.intp]
    cut: npt.NDArray[np.float64]
    sides: npt.NDArray[np.intp]
    value: npt.NDArray[np.float64]

    def values(self, features: Mapping[str, float]) -> list[float]:
        """Return the value of each tree's leaf for these features, in the order of the trees."""
        known = np.array([features.get(name, 0.0) for name in self.names])
        rows = self.roots
        for _ in range(self.depth):
            rows = self.sides[2 * rows + (known[self.feature[rows]] <= self.cut[rows])]
        found: list[float] = self.value[rows].tolist()
        return found


def _lay_out(trees: Sequence[Tree]) -> _Table:
    numbers: dict[str, int] = {}
    nodes: list[tuple[int, float, int, int, float]] = []
    depth = 0

    def add(tree: Tree, level: int) -> int:
        nonlocal depth
        depth = max(depth, level)
        row = len(nodes)
        nodes.append((0, 0.0, row, row, tree if isinstance(tree, float) else 0.0))
        if not isinstance(tree, float):
            name, cut, _, low, high = tree
            number = numbers.setdefault(name, len(numbers))
            nodes[row] = (number, cut, add(high, level + 1), add(low, level + 1), 0.0)
        return row

    roots = [add(tree, 0) for tree in trees]
    if not numbers:  # nothing but leaves, or nothing
        numbers[""] = 0
    feature, cut, high, low, value = zip(*nodes, strict=True) if nodes else ((), (), (), (), ())
    return _Table(
        tuple(numbers),
        np.array(roots, dtype=np.intp),
        depth,
        np.array(feature, dtype=np.intp),
        np.array(cut, dtype=np.float64),
        np.array([side for pair in zip(high, low, strict=True) for side in pair], dtype=np.intp),
        np.array(value, dtype=np.float64),
    )


def _mean(tree: Tree) -> float:
    return tree if isinstance(tree, float) else tree[2]


def _read(values: float | Sequence[Any]) -> Tree:
    if isinstance(values, (int, float)):
        return float(values)
    name, cut, mean, low, high = values
    return (str(name), float(cut), float(mean), _read(low), _read(high))
