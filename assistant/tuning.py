"""Every number that was learned rather than decided: one frozen set, read from one file that names the run behind it.

`python -m eval tune` chooses them on the tuning half of the questions and writes the file; nothing else does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TUNING_PATH = Path(__file__).with_name("tuning.json")


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
        semantic: What the cosine of question and sentence counts, the best sentence being 1.
        answer_type: What it counts that a sentence holds the kind of answer asked for.
        joins_from: A further sentence joins the answer from this share of the best one's score.
        answerability: Weights of the features of `answering.evidence.features`, with the intercept under that name.
        threshold: Probability of an answer under which the assistant abstains.
        off_topic_below: Coverage of the question under which an abstention counts as off topic.
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
    semantic: float
    answer_type: float
    joins_from: float
    threshold: float
    off_topic_below: float
    answerability: Mapping[str, float] = field(default_factory=dict)
    run: str = ""
    answerability_run: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values for the file."""
        return {**asdict(self), "answerability": dict(self.answerability)}


@cache
def load_tuning(path: Path = TUNING_PATH) -> Tuning:
    """Return the numbers that ship with the assistant."""
    return Tuning(**json.loads(path.read_text(encoding="utf-8")))
