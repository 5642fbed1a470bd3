"""The words of the staff desk."""

from __future__ import annotations

from string import Formatter

import pytest

from assistant.web.staff_words import ENGLISH, NORWEGIAN, STAFF_WORDS


def test_both_languages_have_the_same_keys():
    """Nothing is said in one language only."""
    assert ENGLISH.keys() == NORWEGIAN.keys()


@pytest.mark.parametrize("language", STAFF_WORDS)
def test_no_word_is_empty(language):
    """Every text says something."""
    assert [key for key, text in STAFF_WORDS[language].items() if not text.strip()] == []


def test_both_languages_fill_in_the_same_names():
    """A text in braces means the same in both languages."""

    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert [key for key in ENGLISH if names(ENGLISH[key]) != names(NORWEGIAN[key])] == []
