"""Whether the hits hold the answer: a probability, and a reason where it is too low."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.answering.answerability import judge
from assistant.answering.evidence import Evidence, gather
from assistant.tuning import load_tuning

TEXT = "The walrus fee is 4,711 dollars per company. It is paid in October."


@pytest.fixture
def judged(idf, make_query, make_hit):
    """Return the judgement of a question over one hit, with the shipped numbers or others."""

    def judge_question(question: str, **numbers: float):
        tuning = replace(load_tuning(), **numbers)
        query = make_query(question)
        return judge(query, gather(query, [make_hit(TEXT)], idf, tuning), tuning)

    return judge_question


def test_without_candidates_there_is_no_answer(make_query):
    """Nothing found is off topic, with probability 0."""
    judgement = judge(make_query("What is the walrus fee?"), Evidence((), "definition", ()), load_tuning())
    assert (judgement.probability, judgement.reason) == (0.0, "off_topic")


@pytest.mark.parametrize(
    "question", ["What is the walrus fee?", "Who repairs bicycles?", "Is the fee paid in June?", ""]
)
def test_a_reason_is_given_exactly_below_the_threshold(judged, question):
    """The probability lies between 0 and 1, and a reason is there exactly when it is below the threshold."""
    probability = judged(question).probability
    assert 0 <= probability <= 1
    assert judged(question, threshold=probability).reason is None
    assert judged(question, threshold=min(1.0, probability + 1e-6)).reason in ("off_topic", "not_covered")


def test_more_of_the_question_found_is_more_likely_answered(judged):
    """A question whose words all stand in the hit is likelier answered than one of which some are missing."""
    whole, half, none = (
        judged("What is the walrus fee?"),
        judged("What is the walrus visa?"),
        judged("Who repairs bikes?"),
    )
    assert whole.probability > half.probability > none.probability


def test_off_topic_is_what_shares_little(judged):
    """An abstention counts as off topic when little of the question is covered, otherwise as not covered."""
    assert judged("Who repairs bicycles?", threshold=1.0).reason == "off_topic"
    assert judged("What is the walrus fee?", threshold=1.0).reason == "not_covered"


@pytest.mark.parametrize("intercept", [-1e6, -800.0, 800.0, 1e6])
def test_extreme_weights_do_not_overflow(judged, intercept):
    """However far a weight goes, the probability stays a number between 0 and 1."""
    assert judged("What is the walrus fee?", answerability={"intercept": intercept}).probability == (intercept > 0)
