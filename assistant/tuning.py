"""Every number that was learned rather than decided: frozen sets, from files that name the runs behind them.

`tuning.json` holds weights and thresholds, `judges.json` the trees that judge whether there is an answer.
`python -m eval tune` chooses them on the tuning half of the questions and writes the files; nothing else does.
`support.json` holds the judge of what a language model writes; `python -m eval support --choose` writes it.
`grouping.json` says which questions count as alike; `python -m eval gaps --choose` writes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from assistant.forest import Forest

TUNING_PATH = Path(__file__).with_name("tuning.json")
JUDGES_PATH = Path(__file__).with_name("judges.json")
SUPPORT_PATH = Path(__file__).with_name("support.json")
GROUPING_PATH = Path(__file__).with_name("grouping.json")
JUDGES = ("answerable", "false_premise")


@dataclass(frozen=True, slots=True)
class Tuning:
    """Weights and thresholds.

    Attributes:
        dense_english: Weight of the vector search beside the word search (1 minus it) for an English question.
        dense_norwegian: The same for a Norwegian question; the default model is an English one.
        gloss: Whether a Norwegian question is embedded as its English gloss; right for an English model only.
        translation: Weight of a translated word of the question beside its own words.
        other_language: Factor on the score of a text that is not in the language of the question.
        sentence: What the question's words in a sentence itself count, the best sentence being 1.
        window: What they count in the sentence with its neighbours, heading and title.
        hit: What the fused score of the sentence's chunk counts, the best chunk being 1.
        heading: What it counts that the heading above asks the same as the question.
        semantic_english: What the cosine of question and sentence counts for an English question, the best being 1.
        semantic_norwegian: The same for a Norwegian question.
        answer_type: What it counts that a sentence holds the kind of answer asked for.
        joins_from: A further sentence joins the answer from this share of the best one's score.
        threshold: Probability of an answer under which the assistant abstains.
        off_topic_below: Coverage of the question under which an abstention counts as off topic.
        premise_denied: Probability of a false premise from which the assistant abstains and quotes the sources.
        premise_doubted: The same from which it answers, and says that the premise is not confirmed.
        answerable: Judges from the features of `answering.features` whether the hits hold the answer.
        false_premise: Judges from the same whether the question takes something wrong for granted.
        run: The command and figures that chose the weights of search and sentences.
        answerability_run: The command and figures that chose the rest.
    """

    dense_english: float
    dense_norwegian: float
    gloss: bool
    translation: float
    other_language: float
    sentence: float
    window: float
    hit: float
    heading: float
    semantic_english: float
    semantic_norwegian: float
    answer_type: float
    joins_from: float
    threshold: float
    off_topic_below: float
    premise_denied: float
    premise_doubted: float
    answerable: Forest = field(default_factory=Forest)
    false_premise: Forest = field(default_factory=Forest)
    run: str = ""
    answerability_run: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers of `tuning.json` as plain values."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in JUDGES}

    def judges_to_dict(self) -> dict[str, Any]:
        """Return the numbers of `judges.json` as plain values."""
        return {name: getattr(self, name).to_dict() for name in JUDGES}


@cache
def load_tuning(path: Path = TUNING_PATH, judges: Path = JUDGES_PATH) -> Tuning:
    """Return the numbers that ship with the assistant."""
    forests: dict[str, Any] = {
        name: Forest.read(values) for name, values in json.loads(judges.read_text(encoding="utf-8")).items()
    }
    return Tuning(**json.loads(path.read_text(encoding="utf-8")), **forests)


@dataclass(frozen=True, slots=True)
class SupportTuning:
    """How much of a written sentence its quote must cover.

    Attributes:
        weights: What each feature of `answering.support` counts in a logistic regression.
        threshold: Probability under which a sentence is not shown.
        run: The command and figures that chose them.
    """

    weights: dict[str, float]
    bias: float
    threshold: float
    run: str = ""


@cache
def load_support_tuning(path: Path = SUPPORT_PATH) -> SupportTuning:
    """Return the numbers of the judge of written sentences that ship with the assistant."""
    return SupportTuning(**json.loads(path.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class GroupingTuning:
    """Which questions belong to one group.

    Attributes:
        common: In how many directions the differences between ordinary questions say nothing of a subject.
        alike_from: How alike two groups are, on average, that become one.
        run: The command and figures that chose them.
    """

    common: int
    alike_from: float
    run: str = ""


@cache
def load_grouping_tuning(path: Path = GROUPING_PATH) -> GroupingTuning:
    """Return the numbers of the gap board that ship with the assistant."""
    return GroupingTuning(**json.loads(path.read_text(encoding="utf-8")))
