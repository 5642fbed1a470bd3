"""Boosted decision trees that can be read: small trees over named features, whose sum becomes a probability.

Trained by `eval` (gradient boosting, Friedman, Annals of Statistics 2001) and kept as plain numbers; nothing of the
library that grew them is needed to use them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    _table: _Table = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Lay the trees out in a table, in which they are walked faster."""
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
    """The nodes of all trees in rows, which are walked faster than the trees themselves.

    Attributes:
        names: Features, in the order in which `feature` counts them.
        roots: The row of each tree's first node.
        feature: Number of the feature that a node splits by; -1 for a leaf.
        cut: Where it does; of a leaf, its value.
        low: The row of the side where the feature is at most the cut.
        high: The row of the other side.
    """

    names: tuple[str, ...]
    roots: tuple[int, ...]
    feature: tuple[int, ...]
    cut: tuple[float, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]

    def values(self, features: Mapping[str, float]) -> Iterator[float]:
        """Yield the value of each tree's leaf for these features."""
        known = [features.get(name, 0.0) for name in self.names]
        feature, cut, low, high = self.feature, self.cut, self.low, self.high
        for row in self.roots:
            while (number := feature[row]) >= 0:
                row = low[row] if known[number] <= cut[row] else high[row]
            yield cut[row]


def _lay_out(trees: Sequence[Tree]) -> _Table:
    numbers: dict[str, int] = {}
    nodes: list[tuple[int, float, int, int]] = []

    def add(tree: Tree) -> int:
        row = len(nodes)
        nodes.append((-1, tree if isinstance(tree, float) else 0.0, row, row))
        if not isinstance(tree, float):
            name, cut, _, low, high = tree
            nodes[row] = (numbers.setdefault(name, len(numbers)), cut, add(low), add(high))
        return row

    roots = tuple(add(tree) for tree in trees)
    feature, cut, low, high = zip(*nodes, strict=True) if nodes else ((), (), (), ())
    return _Table(tuple(numbers), roots, feature, cut, low, high)


def _mean(tree: Tree) -> float:
    return tree if isinstance(tree, float) else tree[2]


def _read(values: float | Sequence[Any]) -> Tree:
    if isinstance(values, (int, float)):
        return float(values)
    name, cut, mean, low, high = values
    return (str(name), float(cut), float(mean), _read(low), _read(high))
