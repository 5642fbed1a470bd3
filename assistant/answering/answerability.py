"""Do these hits hold the answer? A probability from what was found, with the reason when it is too low.

A logistic regression over the features of `evidence.features`; its weights are a readable file that one command
trains (`python -m eval train-answerability`) on tuning questions. Never looks at a fused score, which compares inside
one list only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from assistant.answering.evidence import Evidence, features
from assistant.domain import Query, Reason

WEIGHTS_PATH = Path(__file__).with_name("answerability.json")


@dataclass(frozen=True, slots=True)
class Model:
    """The trained weights.

    Attributes:
        threshold: Probability under which the assistant abstains.
        off_topic_below: Coverage of the question by the best passage under which it counts as off topic.
        run: The command, data and figures that chose them.
    """

    weights: Mapping[str, float]
    intercept: float
    threshold: float
    off_topic_below: float
    run: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to answer.

    Attributes:
        probability: That the hits hold the answer, 0 to 1.
        reason: Why not, or None when there is enough.
    """

    probability: float
    reason: Reason | None


@cache
def load_model(path: Path = WEIGHTS_PATH) -> Model:
    """Return the weights that ship with the assistant."""
    values = json.loads(path.read_text(encoding="utf-8"))
    return Model(values["weights"], values["intercept"], values["threshold"], values["off_topic_below"], values["run"])


def judge(query: Query, evidence: Evidence, model: Model) -> Judgement:
    """Return the probability that the evidence answers the query; 0 without any candidate."""
    if not evidence.candidates:
        return Judgement(0.0, "off_topic")
    found = features(query, evidence)
    probability = _logistic(model.intercept + sum(model.weights.get(name, 0.0) * found[name] for name in found))
    if probability >= model.threshold:
        return Judgement(probability, None)
    return Judgement(probability, "off_topic" if found["covered"] < model.off_topic_below else "not_covered")


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -500 else 0.0
