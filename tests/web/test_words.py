"""The words of the interface, and the choice of its language."""

from __future__ import annotations

from string import Formatter

import pytest

from assistant.answering.phrases import CONTACT
from assistant.web.words import ENGLISH, NORWEGIAN, STARTER_QUESTIONS, WORDS, preferred_language


def test_both_languages_have_the_same_keys():
    """Nothing is said in one language only."""
    assert ENGLISH.keys() == NORWEGIAN.keys()


@pytest.mark.parametrize("language", WORDS)
def test_no_word_is_empty(language):
    """Every text says something."""
    assert [key for key, text in WORDS[language].items() if not text.strip()] == []


@pytest.mark.parametrize("key", ENGLISH)
def test_both_languages_fill_in_the_same_names(key):
    """A text in braces means the same in both languages."""
    names = [{name for _, name, _, _ in Formatter().parse(words[key]) if name} for words in (ENGLISH, NORWEGIAN)]
    assert names[0] == names[1]


def test_there_are_six_starter_questions_in_each_language():
    """One button shows a question in either language."""
    assert {language: len(set(questions)) for language, questions in STARTER_QUESTIONS.items()} == {"en": 6, "nb": 6}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, "en", id="nothing said"),
        pytest.param({"accept_language": "nb-NO,nb;q=0.9,en;q=0.8"}, "nb", id="Norwegian browser"),
        pytest.param({"accept_language": "nn"}, "nb", id="nynorsk reads bokmål"),
        pytest.param({"accept_language": "no"}, "nb", id="the older code"),
        pytest.param({"accept_language": "en;q=0.4, nb;q=0.9"}, "nb", id="weights count"),
        pytest.param({"accept_language": "nb;q=0, en;q=0.1"}, "en", id="zero means no"),
        pytest.param({"accept_language": "de, fr"}, "en", id="neither of ours"),
        pytest.param({"accept_language": ";;q=,nb;q=x,\x00"}, "en", id="garbage"),
        pytest.param({"asked": "nb", "accept_language": "en"}, "nb", id="asked wins"),
        pytest.param({"remembered": "nb", "accept_language": "en"}, "nb", id="remembered beats the browser"),
        pytest.param({"asked": "en", "remembered": "nb"}, "en", id="asked beats remembered"),
        pytest.param({"asked": "xx", "remembered": "nb"}, "nb", id="an unknown one is passed over"),
    ],
)
def test_the_interface_speaks_the_visitors_language(given, expected):
    """Asked for, else remembered, else the browser's, else English."""
    assert preferred_language(**given) == expected


@pytest.mark.parametrize("language", WORDS)
def test_without_a_contact_the_page_names_the_people_whom_the_assistant_names(language):
    """The page may know nothing of the room that answers, so the names stand in both; they are the same."""
    assert WORDS[language]["contact_nobody"] == CONTACT[language]
