"""Measures and floors against numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eval.ranking import (
    Bm25,
    auroc,
    auroc_interval,
    best_first,
    mean_of_scaled,
    ndcg,
    recall,
    stems,
    threshold_at,
)

# 1 / log2(rank + 1) of the first four ranks.
FIRST, SECOND, THIRD, FOURTH = 1.0, 0.6309297535714575, 0.5, 0.43067655807339306


@pytest.mark.parametrize(
    ("ranked", "gold", "expected"),
    [
        pytest.param(["a", "b"], {"a": 1}, 1.0, id="the one relevant document first"),
        pytest.param(["b", "a"], {"a": 1}, SECOND, id="second"),
        pytest.param(["b", "c", "d", "a"], {"a": 1}, FOURTH, id="fourth"),
        pytest.param(["b", "c"], {"a": 1}, 0.0, id="not found"),
        pytest.param([], {"a": 1}, 0.0, id="nothing found"),
        pytest.param(["a", "x", "b"], {"a": 1, "b": 1}, (FIRST + THIRD) / (FIRST + SECOND), id="two, first and third"),
        pytest.param(["b", "a"], {"a": 2, "b": 1}, (FIRST + 2 * SECOND) / (2 * FIRST + SECOND), id="grades count"),
        pytest.param(["a"], {"a": 0}, 0.0, id="nothing is relevant"),
    ],
)
def test_ndcg_is_that_worked_out_by_hand(ranked, gold, expected):
    """DCG over the best DCG, with linear gain and log2(rank + 1)."""
    assert ndcg(ranked, gold) == pytest.approx(expected)


def test_ndcg_looks_no_deeper_than_asked():
    """A relevant document below the cut counts nothing, and the best order is cut as well."""
    assert ndcg(["x", "y", "a"], {"a": 1}, at=2) == 0
    assert ndcg(["a", "b"], {"a": 1, "b": 1, "c": 1}, at=2) == 1


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(1, 1 / 2, id="one of two at 1"),
        pytest.param(2, 1 / 2, id="still one at 2"),
        pytest.param(5, 1.0, id="both at 5"),
    ],
)
def test_recall_is_the_share_of_all_relevant_documents(at, expected):
    """A document graded 0 is not relevant."""
    assert recall(["a", "z", "b"], {"a": 1, "b": 2, "z": 0}, at) == expected


def test_bm25_gives_the_score_of_its_formula():
    """Three documents of 2, 2 and 4 words; `cat` stands twice in the last and in no other."""
    floor = Bm25([["dog", "runs"], ["dog", "sleeps"], ["cat", "cat", "sees", "dog"]])
    idf = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    norm = 1.2 * (1 - 0.75 + 0.75 * 4 / (8 / 3))
    assert floor.scores(["cat"]) == pytest.approx([0, 0, idf * 2 * 2.2 / (2 + norm)])


def test_bm25_counts_a_repeated_word_of_the_query_twice_and_an_unknown_one_not():
    """The sum goes over the query's words, as they stand."""
    floor = Bm25([["dog"], ["cat"]])
    assert floor.scores(["dog", "dog", "heron"]) == pytest.approx(2 * floor.scores(["dog"]))


@pytest.mark.parametrize("documents", [pytest.param([], id="no document"), pytest.param([[], []], id="no words")])
def test_bm25_over_nothing_scores_nothing(documents):
    """No division by a mean length of zero."""
    assert list(Bm25(documents).scores(["dog"])) == [0] * len(documents)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("Running dogs", "en", ["run", "dog"], id="English"),
        pytest.param("Hundene løper", "nb", ["hund", "løp"], id="Bokmål"),
        pytest.param("Hundane", "nn", ["hund"], id="Nynorsk by the Norwegian stemmer"),
        pytest.param("Running", "?", ["run"], id="an unknown language as English"),
    ],
)
def test_words_are_stemmed_by_the_language_of_the_set(text, language, expected):
    """Snowball, lower-cased."""
    assert stems(text, language) == expected


def test_the_mean_scales_both_lists_first():
    """A list without spread adds nothing."""
    assert list(mean_of_scaled(np.array([0.0, 5.0, 10.0]), np.array([0.4, 0.2, 0.3]))) == pytest.approx(
        [0.5, 0.25, 0.75]
    )
    assert list(mean_of_scaled(np.array([3.0, 3.0]), np.array([0.0, 1.0]))) == [0.0, 0.5]


def test_equal_scores_stand_by_id():
    """File order, where relevant documents may stand first, tells nothing."""
    assert best_first(np.array([1.0, 2.0, 1.0]), ["z", "m", "a"], 3) == ["m", "a", "z"]
    assert best_first(np.array([1.0, 2.0, 1.0]), ["z", "m", "a"], 1) == ["m"]


def test_auroc_counts_pairs():
    """Of six pairs four are won and one is tied."""
    assert auroc([0.9, 0.5, 0.3], [0.5, 0.1]) == pytest.approx((2 + 1.5 + 1) / 6)
    assert auroc([0.9], []) is None


def test_the_interval_of_auroc_holds_it_and_is_repeatable():
    """Both sides are drawn anew, seeded."""
    positives, negatives = [0.2 + 0.01 * n for n in range(60)], [0.01 * n for n in range(60)]
    interval = auroc_interval(positives, negatives)
    assert interval == auroc_interval(positives, negatives)
    assert interval.low < (auroc(positives, negatives) or 0) < interval.high
    assert (auroc_interval([], negatives).low, auroc_interval([], negatives).high) == (0, 1)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.0, 0.1, id="none may be refused"),
        pytest.param(0.25, 0.2, id="one of four"),
        pytest.param(0.26, 0.2, id="not a bit more than one of four"),
        pytest.param(1.0, 0.4, id="never above the highest"),
    ],
)
def test_the_threshold_refuses_at_most_the_share(share, expected):
    """What is below the threshold is refused."""
    assert threshold_at([0.4, 0.1, 0.3, 0.2], share) == expected


def test_no_answerable_question_gives_no_threshold():
    """There is nothing that may not be refused."""
    assert threshold_at([], 0.05) is None
