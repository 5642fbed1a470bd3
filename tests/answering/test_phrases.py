"""What the assistant says in its own words."""

from __future__ import annotations

import pytest

from assistant.answering.phrases import CONTACT, phrase, small_talk, small_talk_language

SMALL_TALK = {
    "greeting": ["Hi", "hello there!", "Good morning", "How are you?", "Hei", "Heisann!", "Hvordan går det?"],
    "thanks": ["Thanks!", "Thank you so much", "Great, thanks", "Takk", "Tusen takk for hjelpen!", "Takk skal du ha"],
    "goodbye": ["Bye", "Goodbye!", "See you later", "Ha det bra", "Vi snakkes"],
    "abilities": ["What can you do?", "Who are you?", "help", "Are you a bot?", "Hva kan du hjelpe meg med?"],
    "abilities, Norwegian": [
        "Hvem er du?",
        "Er du et menneske?",
        "Kva kan du?",
        "Kven er du?",
        "Hvordan virker dette?",
    ],
}


@pytest.mark.parametrize(
    ("question", "reply"),
    [(question, reply.split(",")[0]) for reply, questions in SMALL_TALK.items() for question in questions],
)
def test_small_talk_is_known(question, reply):
    """Greetings, thanks, goodbyes and *what can you do* are told by the whole message, in any case."""
    assert small_talk(question) == reply
    assert small_talk(f"  {question.upper()} 😊") == reply


@pytest.mark.parametrize(
    "question",
    [
        "Hi, who leads USA next!?",
        "Hei, hvem leder USA neste!?",
        "Thanks, and what does it cost?",
        "Who are the four clusters?",
        "What can you tell me about HIPAA?",
        "Hva kan en mentor hjelpe med?",
        "Help with FDA registration",
        "Good manufacturing practice",
        "Hello Kitty",
        "",
        "?",
    ],
)
def test_a_question_is_no_small_talk(question):
    """A message that asks for anything from the documents is searched, however politely it begins."""
    assert small_talk(question) is None


@pytest.mark.parametrize(
    "name", ["not_covered", "off_topic", "empty_corpus", "no_words", "greeting", "thanks", "goodbye", "abilities"]
)
def test_phrases_speak_both_languages(name):
    """Every phrase is there in English and Bokmål, which also answers Nynorsk."""
    assert phrase(name, "en") != phrase(name, "nb") == phrase(name, "nn")


def test_phrases_take_their_values():
    """Values stand in the sentence as given, also when they look like a format."""
    assert "{x} [1]" in phrase("missing", "en", missing="{x} [1]")
    assert "2001" in phrase("too_long", "nb", length=2001, limit=2000)


@pytest.mark.parametrize("language", ["en", "nb"])
def test_the_contact_names_people_of_all_four_clusters(language):
    """Whoever gets no answer learns whom to ask."""
    for cluster in (
        "Norway Health Tech",
        "Norwegian Smart Care Cluster",
        "Oslo Cancer Cluster",
        "The Life Science Cluster",
    ):
        assert cluster in CONTACT[language]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        pytest.param("Hei!", "nb", id="hei"),
        pytest.param("Heisann", "nb", id="heisann"),
        pytest.param("Takk!", "nb", id="takk"),
        pytest.param("Flott", "nb", id="flott"),
        pytest.param("Hva kan du?", "nb", id="abilities, Norwegian"),
        pytest.param("Hello", "en", id="hello"),
        pytest.param("Thanks a lot", "en", id="thanks"),
        pytest.param("Who are you?", "en", id="abilities, English"),
        pytest.param("ok", None, id="both languages"),
    ],
)
def test_small_talk_tells_its_language(question, language):
    """One word is enough to know in which language to greet back; a word of both languages says nothing."""
    assert small_talk_language(question) == language


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        pytest.param("Good morning, are you a bot?", "abilities", id="greeting and question about us"),
        pytest.param("Thanks, that was really helpful!", "thanks", id="thanks twice"),
        pytest.param("Hei, takk!", "thanks", id="Norwegian"),
        pytest.param("Hi, what is your name?", "abilities", id="asks for the name"),
        pytest.param("Topp, god helg!", "goodbye", id="a weekend"),
        pytest.param("Hello, what is a 510(k)?", None, id="a greeting before a real question"),
    ],
)
def test_small_talk_of_several_parts(question, reply):
    """Small talk in several parts is small talk only when every part is."""
    assert small_talk(question) == reply
