"""Growing the trees that judge whether there is an answer (`assistant/judges.json`), on tuning halves only.

What has no answer is learned from three sources: the questions labelled so, the questions of other corpora, and each
answerable question with its documents taken away, which is how a near miss looks. Thresholds come from probabilities
out of fold, so that no question is judged by trees that saw it or its twin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from assistant import Assistant, Forest, Tuning
from eval.errors import Misuse
from eval.matching import holds_all
from eval.question_set import Question
from eval.ranking import auroc

# How many of the answerable tuning questions may be refused, out of fold: for want of an answer, and for a premise that
# the sources deny. Together they stay below one in twenty.
FALSE_REFUSALS = 0.04
DENIED_REFUSALS = 0.01
# How many answerable ones may carry the remark that their premise is not confirmed.
DOUBTED = 0.10
FOLDS = 8
# Small trees, slowly added, each on a part of the questions and features. Depth 3 was chosen by AUROC out of fold among
# depths 1 to 4 on the tuning half of the project's own set; number and rate of the trees were not searched.
GROWTH: Mapping[str, Any] = {
    "max_depth": 3,
    "n_estimators": 120,
    "learning_rate": 0.06,
    "subsample": 0.7,
    "min_samples_leaf": 10,
    "max_features": 0.4,
    "random_state": 0,
}
PREMISE_DEPTH = 2
# An answerable question without its documents is no question that anybody asked: it counts half.
TAKEN_AWAY_WEIGHT = 0.5
# A question of another corpus counts for so much of one of our own.
ELSEWHERE_WEIGHT = 0.4
DIGITS = 5

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Example:
    """One question as the judge sees it.

    Attributes:
        origin: Name of its set; the first set is the project's own.
        kind: Kind of question, or `taken_away`.
        group: Examples of one question stay in one fold.
    """

    origin: str
    kind: str
    group: str
    answerable: bool
    features: Mapping[str, float]


def examples_of(origin: str, assistant: Assistant, questions: Sequence[Question]) -> list[Example]:
    """Return the examples of a set: each labelled question, and each answerable one without its documents.

    Taken away are the documents that hold the answer with their translations; where the facts stand in what is found
    all the same, the example is left out.
    """
    examples = []
    for question in questions:
        if question.answerable is None:
            continue
        found, _ = assistant.features(question.question, question.history)
        examples.append(Example(origin, question.kind, question.id, question.answerable, found))
        if question.answerable and question.gold and question.kind != "partly":
            gold = assistant.with_translations(question.gold)
            found, hits = assistant.features(question.question, question.history, without=gold)
            if not holds_all(question.facts, " ".join(hit.chunk.text for hit in hits)):
                examples.append(Example(origin, "taken_away", question.id, False, found))
    return examples


def choose_judges(examples: Sequence[Example], tuning: Tuning) -> tuple[Tuning, str]:
    """Return the tuning with both judges and their thresholds, and what they do out of fold in words.

    Raises:
        Misuse: The project's own questions lack answerable ones or false premises.
    """
    own = [one for one in examples if one.origin == examples[0].origin]
    if not {(one.answerable, one.kind == "false_premise") for one in own if one.kind != "partly"} >= {
        (True, False),
        (False, True),
    }:
        raise Misuse("Tuning needs answerable questions and false premises in the tuning half.")
    for name, count in (("answerable", sum(one.answerable for one in own)), ("false premises", _premises(own))):
        if count < FOLDS:
            raise Misuse(f"Tuning needs at least {FOLDS} questions of each kind; {name}: {count}.")
    table = _Table.of(examples)
    natural, labels = table.own & (table.kind != "taken_away"), table.answerable
    odds = _out_of_fold(table, table.answerable, table.importance(), GROWTH)
    answerable = _calibrated(
        _grow(table, table.answerable, table.importance(), GROWTH), odds, table.answerable, natural
    )
    probability = np.array([answerable.slope * one + answerable.offset for one in odds])
    asked = natural & labels & (table.kind != "partly")
    threshold = float(np.quantile(probability[asked], FALSE_REFUSALS, method="lower"))

    growth = {**GROWTH, "max_depth": PREMISE_DEPTH}
    wrong = table.kind == "false_premise"
    premises = natural & (labels | wrong)
    even = np.where(premises, 1.0, 0.0)
    premise_odds = _out_of_fold(table, wrong, even, growth)
    premise = _calibrated(_grow(table, wrong, even, growth), premise_odds, wrong, premises)
    premise_line = premise.slope * premise_odds + premise.offset
    kept = asked & (probability >= threshold)
    denied = float(np.quantile(premise_line[kept], 1 - DENIED_REFUSALS, method="higher"))
    doubted = float(np.quantile(premise_line[kept], 1 - DOUBTED, method="higher"))

    off_topic = natural & (table.kind == "off_topic")
    chosen = replace(
        tuning,
        answerable=answerable,
        false_premise=premise,
        threshold=_probability(threshold),
        premise_denied=_probability(denied),
        premise_doubted=_probability(doubted),
        off_topic_below=round(float(np.median(table.column("covered")[off_topic])), 4)
        if off_topic.any()
        else tuning.off_topic_below,
    )
    refused = (probability < threshold) | (premise_line >= denied)
    return chosen, _in_words(table, refused, premise_line >= doubted, probability, natural)


def _premises(examples: Sequence[Example]) -> int:
    return sum(one.kind == "false_premise" for one in examples)


def leave_one_corpus_out(examples: Sequence[Example]) -> str:
    """Return, a line each, what trees and a threshold from the other corpora do on each corpus."""
    table, lines = _Table.of(examples), []
    for name in dict.fromkeys(table.origin.tolist()):
        here = table.origin == name
        importance = np.where(here, 0.0, 1.0)
        if len(set(table.answerable[here].tolist())) < 2 or len(set(table.answerable[~here].tolist())) < 2:
            continue
        forest = _grow(table, table.answerable, importance, GROWTH)
        odds = np.array([forest.log_odds(row) for row in table.rows])
        threshold = np.quantile(odds[~here & table.answerable], FALSE_REFUSALS, method="lower")
        own_threshold = np.quantile(odds[here & table.answerable], 0.05, method="lower")
        refused = here & ~table.answerable
        lines.append(
            f"{name}: AUROC {auroc_by_label(odds[here], table.answerable[here]):.3f}, "
            f"refused {np.mean(odds[refused] < threshold):.3f} "
            f"at {np.mean(odds[here & table.answerable] < threshold):.3f} false refusals, "
            f"{np.mean(odds[refused] < own_threshold):.3f} at 0.05"
        )
    return "\n".join(lines)


def auroc_by_label(scores: Matrix, labels: Mask) -> float:
    """Return `ranking.auroc` of scores whose right ones are marked; 0 where all or none are."""
    return auroc(scores[labels].tolist(), scores[~labels].tolist()) or 0.0


@dataclass(frozen=True, slots=True)
class _Table:
    """The examples as columns."""

    names: tuple[str, ...]
    rows: Sequence[Mapping[str, float]]
    values: Matrix
    answerable: Mask
    kind: npt.NDArray[np.str_]
    origin: npt.NDArray[np.str_]
    group: npt.NDArray[np.str_]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> _Table:
        names = tuple(examples[0].features)
        return cls(
            names,
            [one.features for one in examples],
            np.array([[one.features[name] for name in names] for one in examples]),
            np.array([one.answerable for one in examples]),
            np.array([one.kind for one in examples]),
            np.array([one.origin for one in examples]),
            np.array([one.group for one in examples]),
        )

    @property
    def own(self) -> Mask:
        return np.asarray(self.origin == self.origin[0])

    def column(self, name: str) -> Matrix:
        return self.values[:, self.names.index(name)]

    def importance(self) -> Matrix:
        """Answerable and unanswerable examples count alike in sum, however many there are of each."""
        weight = np.where(self.own, 1.0, ELSEWHERE_WEIGHT) * np.where(self.kind == "taken_away", TAKEN_AWAY_WEIGHT, 1.0)
        sums = np.where(self.answerable, weight[self.answerable].sum(), weight[~self.answerable].sum())
        return np.asarray(weight / sums * len(weight) / 2)


def _grow(table: _Table, labels: Mask, importance: Matrix, growth: Mapping[str, Any]) -> Forest:
    """Return uncalibrated trees grown on the examples of some importance."""
    used = importance > 0
    model = GradientBoostingClassifier(**growth)
    model.fit(table.values[used], labels[used], sample_weight=importance[used])
    share = float(np.average(labels[used], weights=importance[used]))
    trees = tuple(_tree(one.tree_, 0, table.names, growth["learning_rate"]) for one in model.estimators_[:, 0])
    return Forest(start=round(float(np.log(share / (1 - share))), DIGITS), trees=trees)


def _tree(grown: Any, node: int, names: Sequence[str], rate: float) -> Any:
    mean = round(float(grown.value[node][0][0]) * rate, DIGITS)
    if grown.children_left[node] < 0:
        return mean
    low, high = (_tree(grown, side[node], names, rate) for side in (grown.children_left, grown.children_right))
    weights = [float(grown.weighted_n_node_samples[side[node]]) for side in (grown.children_left, grown.children_right)]
    means = [side if isinstance(side, float) else side[2] for side in (low, high)]
    below = round(float(np.average(means, weights=weights)), DIGITS)
    return (names[grown.feature[node]], round(float(grown.threshold[node]), 9), below, low, high)


def _out_of_fold(table: _Table, labels: Mask, importance: Matrix, growth: Mapping[str, Any]) -> Matrix:
    """Return each example's log odds by trees that saw neither it nor another example of its question."""
    odds = np.empty(len(labels))
    folds = GroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(table.values, labels, table.group):
        part = np.zeros_like(importance)
        part[train] = importance[train]
        forest = _grow(table, labels, part, growth)
        odds[test] = [forest.log_odds(table.rows[place]) for place in test]
    return odds


def _calibrated(forest: Forest, odds: Matrix, labels: Mask, among: Mask) -> Forest:
    """Return the forest with the line that fits its out-of-fold log odds to how often they were right."""
    line = LogisticRegression(C=1e6).fit(odds[among].reshape(-1, 1), labels[among])
    return replace(forest, slope=round(float(line.coef_[0][0]), 4), offset=round(float(line.intercept_[0]), 4))


def _probability(line: float) -> float:
    return round(float(1 / (1 + np.exp(-line))), 5)


def _in_words(table: _Table, refused: Mask, doubted: Mask, probability: Matrix, natural: Mask) -> str:
    parts = []
    for kind in dict.fromkeys(table.kind[natural & ~table.answerable].tolist()):
        chosen = natural & ~table.answerable & (table.kind == kind)
        parts.append(f"{kind} {refused[chosen].mean():.3f} ({int(chosen.sum())})")
    for origin in dict.fromkeys(table.origin.tolist()):
        here = table.origin == origin
        taken, asked = here & (table.kind == "taken_away"), here & table.answerable
        if taken.any():
            parts.append(f"{origin} taken away {refused[taken].mean():.3f}")
        if asked.any():
            parts.append(f"{origin} answerable {refused[asked].mean():.3f}")
        if len(set(table.answerable[here].tolist())) == 2:
            parts.append(f"{origin} AUROC {auroc_by_label(probability[here], table.answerable[here]):.3f}")
    wrong = natural & (table.kind == "false_premise")
    if wrong.any():
        parts.append(f"false premise refused or doubted {(refused | doubted)[wrong].mean():.3f}")
    return "refused out of fold: " + ", ".join(parts)
