"""Grouping by meaning: alike questions of both languages together, ids that last, and what staff did respected."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.answering.grouping import (
    Grouping,
    background,
    english_readings,
    features,
    group,
    most_typical,
    wordings,
)
from assistant.tuning import load_grouping_tuning

VISA = (
    "Which visa does our chief executive need to work in the United States?",
    "How long does it take to get a work visa?",
    "Hvilket visum trenger en ansatt som skal flytte til USA?",
)
TAX = (
    "Do we have to collect sales tax in every state?",
    "Are medical devices exempt from sales tax in Texas?",
    "Er medisinsk utstyr fritatt for sales tax i delstatene?",
)


def places(*groups: tuple[int | None, tuple[int, ...]]) -> set[tuple[int | None, tuple[int, ...]]]:
    """Return groups as they are compared."""
    return set(groups)


def made(found):
    """Return the groups that were found, alike."""
    return {(one.gap, one.members) for one in found}


def rows(*angles: float) -> np.ndarray:
    """Return one row a question, as directions in a plane, in degrees: 0 and 90 have nothing in common."""
    turned = np.radians(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)


# ---- Real questions ----


def test_questions_of_both_languages_meet_in_their_topic(embedder):
    """The bundled model is an English one: Norwegian questions are compared by their gloss."""
    found = Grouping(embedder.embed).group([*VISA, *TAX])
    assert made(found) == places((None, (0, 1, 2)), (None, (3, 4, 5)))


def test_a_new_question_joins_its_topic_or_opens_one(embedder):
    """The ids of the others stay."""
    texts = [*VISA, *TAX, "Can we get a visa for our engineers?", "Where is the lighthouse?"]
    found = Grouping(embedder.embed).group(texts, [7, 7, 7, 4, 4, 4, None, None])
    assert made(found) == places((7, (0, 1, 2, 6)), (4, (3, 4, 5)), (None, (7,)))


def test_nothing_asked_makes_no_group(embedder):
    """And embeds nothing."""
    assert Grouping(embedder.embed).group([]) == []


def test_each_question_is_embedded_once(embedder):
    """However often the board is looked at; what is gone from it is forgotten."""
    embedded: list[str] = []

    def embed(texts):
        embedded.extend(texts)
        return embedder.embed(texts)

    grouping = Grouping(embed, gloss=False, ordinary=())
    for _ in range(3):
        grouping.group(VISA[:2])
    grouping.compare(VISA[:2])
    assert embedded == list(VISA[:2])
    grouping.group(VISA[:1])
    grouping.group(VISA[:2])
    assert embedded == [*VISA[:2], VISA[1]]


def test_a_norwegian_question_is_embedded_in_english_where_the_model_is_english(embedder):
    """By the mean of its readings; a model of many languages reads it as it is."""
    embedded: list[str] = []

    def embed(texts):
        embedded.extend(texts)
        return embedder.embed(texts)

    for gloss in (True, False):
        (one,) = wordings(VISA[2:], embed, gloss=gloss)
        assert one.norwegian
        assert np.isclose(np.linalg.norm(one.vector), 1)
    *readings, as_it_is = embedded
    assert readings == list(english_readings(VISA[2]))
    assert as_it_is == VISA[2]


@pytest.mark.parametrize(
    ("question", "there", "absent"),
    [
        pytest.param("Hvilken advokat bør vi bruke?", {"lawyer"}, {"stock", "exchange"}, id="no modal verb as a noun"),
        pytest.param("hvordan få amerikansk organisasjonsnummer (EIN)", {"EIN"}, {"ein"}, id="its acronyms"),
        pytest.param("Trenger vi visum til USA?", {"visa", "United"}, {"USA"}, id="but not the country twice"),
    ],
)
def test_all_readings_hold_what_says_something(question, there, absent):
    """And no function word that looks like a noun."""
    for reading in english_readings(question):
        assert there <= set(reading.split())
        assert absent.isdisjoint(reading.split())


def test_the_readings_differ_in_the_senses_of_a_word():
    """The first word of the lexicon and the second; and all of them, also of the parts of a compound."""
    two, every = (set(reading.split()) for reading in english_readings("Hvordan finner vi det?"))
    assert two == {"found", "find"}
    assert every > two
    assert english_readings("visum") == ("visa",)


def test_what_all_questions_have_in_common_makes_none_alike(embedder):
    """Two questions that share what ordinary ones share are less alike before that background."""
    asked = wordings(
        ["How does a Norwegian company hire a lawyer?", "How does a Norwegian company buy a car?"], embedder.embed
    )
    ordinary = [f"How does a Norwegian company {what}?" for what in ("sell", "grow", "apply", "start", "travel")]
    alone, before = (features(asked, background(wordings(behind, embedder.embed), 1)) for behind in ((), ordinary))
    assert before[0] @ before[1] < alone[0] @ alone[1] - 0.2
    assert np.allclose(np.linalg.norm(before, axis=1), 1, atol=1e-5)


def test_directions_in_which_ordinary_questions_differ_make_none_alike():
    """Here the second of three: two questions that differ from others in nothing else have nothing to compare."""
    ordinary, asked = (
        wordings(texts, lambda texts: np.array([[1, len(text), 0] for text in texts], dtype=np.float32), gloss=False)
        for texts in (["to", "for", "with us"], ["under", "something"])
    )
    _, second, third = features(asked, background(ordinary, 0)).T
    assert np.abs(second).max() > 0.1
    along = background(ordinary, 1).directions
    assert np.allclose(features(asked, background(ordinary, 1)) @ along.T, 0, atol=1e-5)
    assert not third.any()


def test_a_question_without_a_word_of_its_own_is_alone():
    """Nothing can be said of it, and nothing fails."""
    found = wordings(["???", "!!"], lambda texts: np.zeros((len(texts), 4), dtype=np.float32))
    assert not features(found, background((), 2)).any()


def test_the_numbers_say_which_run_chose_them():
    """So that they can be chosen again."""
    tuning = load_grouping_tuning()
    assert tuning.run.startswith("python -m eval gaps --choose, 20")
    assert 0 <= tuning.common < 10
    assert 0 < tuning.alike_from < 1


# ---- Groups of directions ----


def test_groups_become_one_while_they_are_alike_on_average():
    """The nearest first; 40 degrees are a likeness of 0.77, 60 of 0.5."""
    assert made(group(rows(0, 20, 60, 80), 0.7)) == places((None, (0, 1)), (None, (2, 3)))
    assert made(group(rows(0, 20, 60, 80), 0.4)) == places((None, (0, 1, 2, 3)))
    assert made(group(rows(0, 90), 0.1)) == places((None, (0,)), (None, (1,)))


@pytest.mark.parametrize("seed", range(5))
def test_it_does_not_matter_in_which_order_they_were_asked(seed):
    """The same questions in the same topics."""
    angles = np.array([0, 5, 10, 80, 84, 170, 175, 171])
    order = np.random.default_rng(seed).permutation(len(angles))
    found = group(rows(*angles[order]), 0.9)
    assert {tuple(sorted(angles[order[list(one.members)]])) for one in found} == {
        (0, 5, 10),
        (80, 84),
        (170, 171, 175),
    }


def test_what_staff_put_together_stays_together():
    """However little alike; and what they put apart stays apart, however much."""
    found = group(rows(0, 90, 1, 2), 0.5, [1, 1, 2, 2], fixed={1, 2})
    assert made(found) == places((1, (0, 1)), (2, (2, 3)))


def test_a_new_question_joins_the_nearest_of_the_groups_that_staff_made():
    """Only a new one: what stands in another group is not drawn over."""
    assert made(group(rows(0, 40, 35), 0.5, [1, 2, None], fixed={1, 2})) == places((1, (0,)), (2, (1, 2)))
    assert made(group(rows(0, 5), 0.5, [1, 2], fixed={1})) == places((1, (0,)), (2, (1,)))


def test_groups_that_nobody_touched_become_one_under_the_older_id():
    """Where a question between them comes, or they were alike all along."""
    assert made(group(rows(0, 10), 0.9, [5, 3])) == places((3, (0, 1)))


def test_a_group_that_falls_apart_leaves_its_id_to_the_larger_part():
    """The other part is a new group."""
    assert made(group(rows(0, 3, 90), 0.9, [5, 5, 5])) == places((5, (0, 1)), (None, (2,)))


def test_the_most_typical_question_stands_for_its_group():
    """The one that is most like all of them."""
    assert most_typical(rows(0, 30, 60)) == 1
    assert most_typical(rows(10)) == 0
