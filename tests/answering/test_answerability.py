"""Whether the hits hold the answer and whether the premise is denied: two probabilities, and a reason for a no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.answering.answerability import judge
from assistant.answering.evidence import Evidence, gather
from assistant.answering.features import features
from assistant.forest import Forest
from assistant.tuning import load_tuning

TEXT = "The walrus fee is 4,711 dollars per company. It is paid in October."
DENYING = "The walrus fee is 4,711 dollars per company. It is not paid in June."
COVERED, UNCOVERED = "What is the walrus fee?", "Who repairs bicycles?"
LIKELY, HALF, UNLIKELY = Forest(offset=3.0), Forest(), Forest(offset=-3.0)
THRESHOLDS = {"threshold": 0.3, "off_topic_below": 0.5, "premise_denied": 0.8, "premise_doubted": 0.4}


@pytest.fixture
def judged(idf, make_query, make_hit):
    """Return the judgement of a question over one hit, with the shipped numbers or others."""

    def judge_question(question: str, text: str = TEXT, **numbers: object):
        tuning = replace(load_tuning(), **numbers)
        query, hits = make_query(question), [make_hit(text)]
        return judge(query, hits, gather(query, hits, idf, tuning), tuning)

    return judge_question


def test_without_candidates_there_is_no_answer(make_query):
    """Nothing found is off topic, with probability 0, and nothing that it was judged from."""
    judgement = judge(make_query(COVERED), [], Evidence((), "definition", ()), load_tuning())
    assert (judgement.probability, judgement.reason) == (0.0, "off_topic")
    assert (judgement.premise, judgement.doubtful, judgement.features) == (0.0, False, {})


@pytest.mark.parametrize(
    ("question", "answerable", "false_premise", "reason", "doubtful"),
    [
        pytest.param(COVERED, LIKELY, UNLIKELY, None, False, id="answered"),
        pytest.param(COVERED, LIKELY, HALF, None, True, id="answered, with a doubtful premise"),
        pytest.param(COVERED, LIKELY, LIKELY, "false_premise", False, id="a premise that is denied"),
        pytest.param(COVERED, UNLIKELY, UNLIKELY, "not_covered", False, id="covered, but no answer"),
        pytest.param(COVERED, UNLIKELY, HALF, "not_covered", False, id="no answer, with a doubtful premise"),
        pytest.param(COVERED, UNLIKELY, LIKELY, "not_covered", False, id="no answer, with a very doubtful premise"),
        pytest.param(UNCOVERED, UNLIKELY, UNLIKELY, "off_topic", False, id="nothing covered"),
        pytest.param(UNCOVERED, UNLIKELY, LIKELY, "off_topic", False, id="nothing covered, whatever the premise"),
        pytest.param(UNCOVERED, LIKELY, UNLIKELY, None, False, id="an answer in other words"),
    ],
)
def test_reasons(judged, question, answerable, false_premise, reason, doubtful):
    """An unlikely answer is refused by coverage and premise; a likely one only where its premise is denied."""
    judgement = judged(question, answerable=answerable, false_premise=false_premise, **THRESHOLDS)
    assert (judgement.reason, judgement.doubtful) == (reason, doubtful)
    assert judgement.probability == answerable.probability({})
    assert judgement.premise == false_premise.probability({})


@pytest.mark.parametrize(
    ("question", "text", "premise", "reason"),
    [
        pytest.param(COVERED, DENYING, HALF, "false_premise", id="doubtful, and something is denied"),
        pytest.param(COVERED, DENYING, LIKELY, "false_premise", id="very doubtful, and something is denied"),
        pytest.param(COVERED, DENYING, UNLIKELY, "not_covered", id="denied, but not doubtful"),
        pytest.param(COVERED, TEXT, LIKELY, "not_covered", id="doubtful, but nothing is denied"),
        pytest.param(UNCOVERED, DENYING, LIKELY, "off_topic", id="off topic, whatever is denied"),
    ],
)
def test_what_is_refused_has_a_false_premise_only_where_the_sources_deny_something(
    judged, question, text, premise, reason
):
    """Without a denial among the best sentences there is nothing to quote against the premise."""
    judgement = judged(question, text, answerable=UNLIKELY, false_premise=premise, **THRESHOLDS)
    assert (judgement.features["denials"] > 0) == (text == DENYING)
    assert (judgement.reason, judgement.doubtful) == (reason, False)


@pytest.mark.parametrize(
    ("threshold", "doubted", "denied", "reason", "doubtful"),
    [
        pytest.param(0.5, 0.6, 0.7, None, False, id="on the threshold is enough"),
        pytest.param(0.500001, 0.6, 0.7, "not_covered", False, id="just below the threshold"),
        pytest.param(0.4, 0.5, 0.7, None, True, id="on the doubt is doubtful"),
        pytest.param(0.4, 0.4, 0.5, "false_premise", False, id="on the denial is denied"),
        pytest.param(0.0, 1.1, 1.1, None, False, id="never abstaining, as for a run that chooses weights"),
    ],
)
def test_thresholds_belong_to_what_lies_above(judged, threshold, doubted, denied, reason, doubtful):
    """A probability that equals a threshold has reached it."""
    numbers = {"threshold": threshold, "premise_doubted": doubted, "premise_denied": denied, "off_topic_below": 0.0}
    judgement = judged(COVERED, answerable=HALF, false_premise=HALF, **numbers)
    assert (judgement.reason, judgement.doubtful) == (reason, doubtful)


@pytest.mark.parametrize("question", [COVERED, UNCOVERED, "Is the fee paid in June?", ""])
def test_a_reason_is_given_exactly_below_the_threshold(judged, question):
    """With the trees that ship: a probability from 0 to 1, and a reason exactly when it is below the threshold."""
    judgement = judged(question)
    assert 0 <= judgement.probability <= 1
    assert 0 <= judgement.premise <= 1
    believed = {"premise_denied": 1.1, "premise_doubted": 1.1}
    assert judged(question, threshold=judgement.probability, **believed).reason is None
    above = min(1.0, judgement.probability + 1e-6)
    assert judged(question, threshold=above, **believed).reason in ("off_topic", "not_covered")


def test_more_of_the_question_found_is_more_likely_answered(judged):
    """By a judge of coverage, a question whose words all stand in the hit is likelier answered than any other."""
    by_coverage = Forest(trees=(("covered", 0.75, 0.0, ("covered", 0.25, -1.0, -2.0, 0.0), 2.0),))
    whole, half, none = (
        judged(question, answerable=by_coverage) for question in (COVERED, "What is the walrus visa?", UNCOVERED)
    )
    assert whole.probability > half.probability > none.probability


def test_a_judgement_says_what_it_was_judged_from(judged, idf, make_query, make_hit):
    """The features are those of the question, and the trees give the same probabilities from them."""
    judgement, tuning = judged(COVERED), load_tuning()
    query, hits = make_query(COVERED), [make_hit(TEXT)]
    assert judgement.features == features(query, hits, gather(query, hits, idf, tuning))
    assert judgement.probability == tuning.answerable.probability(judgement.features)
    assert judgement.premise == tuning.false_premise.probability(judgement.features)


@pytest.mark.parametrize("start", [-1e300, -800.0, 800.0, 1e300])
def test_extreme_trees_do_not_overflow(judged, start):
    """However far the trees go, the probability stays a number between 0 and 1."""
    assert judged(COVERED, answerable=Forest(start=start)).probability == (start > 0)
