"""Do these hits hold the answer? A probability from what was found, with the reason when it is too low.

A logistic regression over the features of `evidence.features`, with the weights in `assistant/tuning.json`. Never
looks at a fused score, which compares inside one list only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from assistant.answering.evidence import Evidence, features
from assistant.domain import Query, Reason
from assistant.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to answer.

    Attributes:
        probability: That the hits hold the answer, 0 to 1.
        reason: Why not, or None when there is enough.
    """

    probability: float
    reason: Reason | None


def judge(query: Query, evidence: Evidence, tuning: Tuning) -> Judgement:
    """Return the probability that the evidence answers the query; 0 without any candidate."""
    if not evidence.candidates:
        return Judgement(0.0, "off_topic")
    found = features(query, evidence)
    weights = tuning.answerability
    probability = _logistic(weights["intercept"] + sum(weights.get(name, 0.0) * found[name] for name in found))
    if probability >= tuning.threshold:
        return Judgement(probability, None)
    return Judgement(probability, "off_topic" if found["covered"] < tuning.off_topic_below else "not_covered")


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -500 else 0.0
