"""A follow-up and its history become a query that stands alone, and an old topic never leaks into a new one."""

from __future__ import annotations

import pytest

from assistant.domain import Turn
from assistant.language import STOP_WORDS, stem, words
from assistant.retrieval.conversation import leans_on_history, make_query, stand_alone, topic_words

LEANING = [
    pytest.param("And why?", "en", id="and why"),
    pytest.param("Why?", "en", id="why"),
    pytest.param("How long does it take?", "en", id="it"),
    pytest.param("Who leads it?", "en", id="leads it"),
    pytest.param("What about software?", "en", id="what about"),
    pytest.param("Do they charge a fee?", "en", id="they"),
    pytest.param("And in Norwegian?", "en", id="and in"),
    pytest.param("What does that cost?", "en", id="that"),
    pytest.param("Hvorfor det?", "nb", id="hvorfor det"),
    pytest.param("Hvor lang tid tar det?", "nb", id="tar det"),
    pytest.param("Og hva koster den?", "nb", id="den"),
    pytest.param("Hva med programvare?", "nb", id="hva med"),
    pytest.param("Hvem leder det?", "nb", id="leder det"),
    pytest.param("Kvifor det?", "nn", id="kvifor det"),
    pytest.param("Kva med programvare?", "nn", id="kva med"),
    pytest.param("Og kven leier det?", "nn", id="kven leier det"),
]
STANDING = [
    pytest.param("Who leads USA next!?", "en", id="names its subject"),
    pytest.param("What is a predicate device in a 510(k) submission?", "en", id="long"),
    pytest.param("Is there an application deadline for USA next!?", "en", id="is there"),
    pytest.param("How much does a premarket notification cost?", "en", id="cost of something named"),
    pytest.param("Is it true that wellness software escapes the FDA?", "en", id="is it true that"),
    pytest.param("What does SPARK Norway do?", "en", id="two names"),
    pytest.param("What is HIPAA?", "en", id="an acronym alone"),
    pytest.param("What is a De Novo request?", "en", id="Latin de is no pointer"),
    pytest.param("What is a 510(k)?", "en", id="a code alone"),
    pytest.param("Hvem leder USA neste!?", "nb", id="names its subject, Norwegian"),
    pytest.param("Finnes det en søknadsfrist for USA neste!?", "nb", id="finnes det"),
    pytest.param("Hvilke fire klynger står bak prosjektet?", "nb", id="hvilke"),
    pytest.param("Hva er SPARK Norway?", "nb", id="two names, Norwegian"),
    pytest.param("Kven finansierer veikartet for helseselskap?", "nn", id="names its subject, Nynorsk"),
]
HISTORY = [Turn("What is a predicate device in a 510(k) submission?", "A device that is on the market. [1]")]


@pytest.mark.parametrize(("question", "language"), LEANING)
def test_what_only_points_leans_on_the_question_before(question, language):
    """A question without a subject of its own cannot be searched alone."""
    assert leans_on_history(question, language)


@pytest.mark.parametrize(("question", "language"), STANDING)
def test_what_names_its_subject_stands_alone(question, language):
    """A question with a subject of its own needs no history."""
    assert not leans_on_history(question, language)


@pytest.mark.parametrize(("question", "language"), [*LEANING, *STANDING])
def test_without_history_a_question_is_searched_as_asked(question, language):
    """The first question of a conversation is its own search text, letter by letter."""
    assert make_query(question, ()).search_text == question
    assert stand_alone(question, []) == question


@pytest.mark.parametrize(("question", "language"), STANDING)
def test_a_new_topic_drops_the_old_one_whole(question, language):
    """Not one word of the old question or its answer is searched beside a question that stands alone."""
    query = make_query(question, HISTORY)
    assert query.search_text == question
    assert query.history == tuple(HISTORY)


@pytest.mark.parametrize(
    ("asked", "follow_up"),
    [
        pytest.param("What is a De Novo request?", "How long does it take?", id="English"),
        pytest.param("Hva er en De Novo-søknad?", "Hvor lang tid tar det?", id="Bokmål"),
        pytest.param("Kva er ein De Novo-søknad?", "Kor lang tid tar det?", id="Nynorsk"),
        pytest.param("Hva er en De Novo-søknad?", "And why?", id="the language changes"),
    ],
)
def test_a_follow_up_is_searched_with_its_topic(asked, follow_up):
    """The words of a follow-up stay, and those of its subject join them."""
    search_text = make_query(follow_up, [Turn(asked)]).search_text
    assert search_text.startswith(follow_up)
    assert "novo" in words(search_text)


@pytest.mark.parametrize(
    "follow_ups",
    [
        pytest.param(["Who leads it?"], id="one"),
        pytest.param(["Who leads it?", "And when does it start?"], id="two"),
        pytest.param(["Who leads it?", "And when does it start?", "Why?", "And why?"], id="four"),
    ],
)
def test_a_chain_of_follow_ups_keeps_its_first_topic(follow_ups):
    """However often it is asked further, the subject of the first question is still there."""
    history = [Turn("What is the harbour programme in Bodø?"), *(Turn(text) for text in follow_ups[:-1])]
    assert {"harbour", "bodø"} <= set(words(make_query(follow_ups[-1], history).search_text))


def test_a_topic_that_was_left_does_not_come_back():
    """A follow-up leans on the topic that is being spoken of, not on the one before it."""
    history = [Turn("What is the harbour programme in Bodø?"), Turn("Who owns the tech transfer office Inven2?")]
    found = set(words(make_query("And why?", history).search_text))
    assert "inven2" in found
    assert not {"harbour", "bodø"} & found


def test_the_topic_comes_from_questions_never_from_answers():
    """What an answer said is not searched for: it may have been wrong, or about something else."""
    history = [Turn("What is a De Novo request?", "The walrus fee is 4,711 dollars. [1]")]
    assert "walrus" not in words(make_query("How long does it take?", history).search_text)


def test_no_word_is_carried_twice():
    """A word that the follow-up has already, in any form, is not added to it again."""
    query = make_query("What about mentors?", [Turn("What does a mentor from AstraZeneca cost?")])
    carried = [stem(word, "en") for word in words(query.search_text) if word not in STOP_WORDS["en"]]
    assert len(carried) == len(set(carried))
    assert "astrazeneca" in words(query.search_text)


@pytest.mark.parametrize(
    ("question", "history", "language"),
    [
        pytest.param("Who leads USA next!?", [], "en", id="English"),
        pytest.param("Hvem leder USA neste!?", [], "nb", id="Bokmål"),
        pytest.param("Kven er det som leiar prosjektet, og kvifor?", [], "nn", id="Nynorsk"),
        pytest.param("And why?", [Turn("Who leads USA next!?")], "en", id="English goes on"),
        pytest.param(
            "Inven2?", [Turn("Hvem eier kontoret for teknologioverføring?")], "nb", id="a name after Norwegian"
        ),
        pytest.param("Inven2?", [Turn("Who owns the tech transfer office?")], "en", id="a name after English"),
        pytest.param("510(k)?", [Turn("Hvor lang tid tar en De Novo-søknad?")], "nb", id="a code after Norwegian"),
        pytest.param(
            "Hvorfor tar det så lang tid?",
            [Turn("Who leads the project, and when does it start?")],
            "nb",
            id="switches to Norwegian",
        ),
        pytest.param("Who funds the whole project?", [Turn("Hvem leder prosjektet?")], "en", id="switches to English"),
    ],
)
def test_the_answer_is_in_the_language_of_the_question(question, history, language):
    """A question that tells its language decides; one that tells nothing follows the conversation."""
    assert make_query(question, history).language == language


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        pytest.param("What is a De Novo request?", "en", ["De", "Novo", "request"], id="as written"),
        pytest.param("Tell me about 510(k), please.", "en", ["510(k)"], id="a code, without asking words"),
        pytest.param("Hva betyr HIPAA for bedriften?", "nb", ["HIPAA", "bedriften"], id="Norwegian"),
        pytest.param("And why?", "en", [], id="nothing"),
    ],
)
def test_topic_words_are_what_a_question_is_about(question, language, expected):
    """Topic words are written as in the question and hold no function word and no word of asking."""
    assert topic_words(question, language) == expected
