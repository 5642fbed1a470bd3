"""Kept answers: the same question in the same state is answered at once, and nothing outlives the state."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from assistant.answering.kept import ANSWERS_AT_MOST, KeptAnswers
from assistant.domain import Answer, Hit, Query, Turn

FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)
KEY = ("What is the walrus fee?", ())


@pytest.fixture
def answer(make_chunk) -> Answer:
    """An answer with a hit that was found by meaning."""
    hit = Hit(make_chunk("The walrus fee is 4,711 dollars."), 1, 1.0, similarity=0.8, dense_rank=1)
    return Answer("The walrus fee is 4,711 dollars.", "answered", "en", Query(KEY[0], KEY[0], "en"), hits=(hit,))


def test_an_answer_is_found_in_its_own_state_alone(answer):
    """Other documents, even equal ones, another day, another question or history: nothing is found."""
    kept, documents = KeptAnswers(), {"a.md": "1"}
    kept.keep(KEY, documents, FIRST, answer)
    assert kept.find(KEY, documents, FIRST) is answer
    assert kept.find(KEY, dict(documents), FIRST) is None
    assert kept.find(KEY, documents, SECOND) is None
    assert kept.find(("What is the heron fee?", ()), documents, FIRST) is None
    assert kept.find((KEY[0], (Turn("And before?"),)), documents, FIRST) is None


def test_a_new_state_forgets_the_old_one(answer):
    """What was right before a document changed is not found again, also when the old state returns."""
    kept, before, after = KeptAnswers(), object(), object()
    kept.keep(KEY, before, FIRST, answer)
    kept.keep(("Another?", ()), after, FIRST, answer)
    assert kept.find(KEY, after, FIRST) is None
    assert kept.find(KEY, before, FIRST) is None


def test_an_answer_without_a_search_by_meaning_is_not_kept(answer):
    """Vectors that are on their way would change it, and nothing would tell."""
    kept, documents = KeptAnswers(), object()
    words_alone = replace(answer, hits=tuple(replace(hit, dense_rank=None) for hit in answer.hits))
    kept.keep(KEY, documents, FIRST, words_alone)
    assert kept.find(KEY, documents, FIRST) is None


def test_the_oldest_go_first(answer):
    """So many are kept, and no more."""
    kept, documents = KeptAnswers(), object()
    keys = [(f"Question {number}?", ()) for number in range(ANSWERS_AT_MOST + 1)]
    for key in keys:
        kept.keep(key, documents, FIRST, answer)
    assert kept.find(keys[0], documents, FIRST) is None
    assert all(kept.find(key, documents, FIRST) is answer for key in keys[1:])


def test_the_assistant_answers_again_what_has_not_changed(synced):
    """The same question gives the same answer, whatever way it is asked; its time is its own."""
    first, again = synced.ask("What is the walrus fee?"), synced.ask("What is the walrus fee?")
    assert first.citations
    assert replace(again, seconds=first.seconds) == first
    assert again.hits[0] is first.hits[0]
    assert synced.ask("What is the walrus fee?", history=[{"question": "Who is the heron?"}]).query.history


def test_the_assistant_answers_anew_what_has_changed(synced, corpus):
    """The first question after a sync sees it."""
    assert "4,711" in synced.ask("What is the walrus fee?").text
    document = corpus / "programme" / "mentors.md"
    document.write_text(document.read_text().replace("4,711", "5,822"))
    synced.sync()
    assert "5,822" in synced.ask("What is the walrus fee?").text
    document.unlink()
    synced.sync()
    assert "5,822" not in synced.ask("What is the walrus fee?").text


def test_without_its_words_an_answer_is_made_anew(synced):
    """Whether an answer rests on its quotes is found out by asking, not by remembering."""
    whole = synced.ask("What is the walrus fee?")
    assert "4,711" not in synced.ask_without("What is the walrus fee?", whole.citations).text
