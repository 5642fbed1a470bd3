"""Whether these hits hold the answer, and whether the question takes for granted what they deny.

Two calibrated probabilities from the features of `features`, by the trees in `assistant/judges.json`. Never looks at a
fused score, which compares inside one list only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assistant.answering.evidence import Evidence
from assistant.answering.features import features
from assistant.domain import Hit, Query, Reason
from assistant.tuning import Tuning


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether to answer.

    Attributes:
        probability: That the hits hold the answer, 0 to 1.
        reason: Why not, or None when there is enough.
        premise: Probability that the question takes something wrong for granted, 0 to 1.
        doubtful: It is answered, but what it takes for granted should not pass as confirmed.
        features: What both probabilities were judged from; empty where there was nothing to judge.
    """

    probability: float
    reason: Reason | None
    premise: float = 0.0
    doubtful: bool = False
    features: Mapping[str, float] = field(default_factory=dict)


def judge(query: Query, hits: Sequence[Hit], evidence: Evidence, tuning: Tuning) -> Judgement:
    """Return how likely the hits answer the query; 0 and off topic without any candidate."""
    if not evidence.candidates:
        return Judgement(0.0, "off_topic")
    found = features(query, hits, evidence)
    probability = tuning.answerable.probability(found)
    premise = tuning.false_premise.probability(found)
    doubtful = premise >= tuning.premise_doubted
    reason: Reason | None = None
    if probability < tuning.threshold:
        # Without a denial among the best sentences there is nothing to hold against the premise.
        denied = doubtful and found["denials"] > 0
        covered = found["covered"] >= tuning.off_topic_below
        reason = "off_topic" if not covered else "false_premise" if denied else "not_covered"
    elif premise >= tuning.premise_denied:
        reason = "false_premise"
    return Judgement(probability, reason, premise, doubtful and reason is None, found)
