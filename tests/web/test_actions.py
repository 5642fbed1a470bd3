"""What stands under an answer: each thing once, named in words, for whole answers only."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

from assistant.domain import Answer, Query
from assistant.web import actions
from assistant.web.rendering import Exchange
from assistant.web.words import WORDS

ANSWER = Answer("So. [1]", "answered", "en", Query("So?", "So?", "en"))
KEY = "k-_3" * 5
HOSTILE = '<img src=x onerror="alert(1)"> $x$ [a](b)'


def plain(html: str) -> str:
    """Return the HTML with its character references read."""
    return re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), html)


def test_a_whole_answer_can_be_copied_and_judged():
    """Its own number is in its ids."""
    whole = Exchange("So?", answer=ANSWER)
    first, second = actions.below([whole, whole], KEY, "en")
    assert first.count('class="act copy"') == 1
    assert 'id="feedback-1"' in first
    assert 'id="feedback-2"' in second
    assert [first.count(f'class="act judge {name}"') for name in ("helpful", "unhelpful")] == [1, 1]


@pytest.mark.parametrize(
    ("exchange", "key"),
    [
        pytest.param(Exchange("So?"), KEY, id="no answer yet"),
        pytest.param(Exchange("So?", answer=replace(ANSWER, complete=False)), KEY, id="in writing"),
        pytest.param(Exchange("So?", failed=True), KEY, id="failed"),
        pytest.param(Exchange("So?", answer=ANSWER), None, id="not kept yet"),
    ],
)
def test_what_is_not_whole_or_not_kept_offers_nothing(exchange, key):
    """There is nothing that could be copied or judged."""
    assert actions.below([exchange], key, "en") == ("",)


@pytest.mark.parametrize(("outcome", "title"), [("answered", "go_on"), ("abstained", "instead")])
@pytest.mark.parametrize("language", ["en", "nb"])
def test_the_latest_answer_leads_on(outcome, title, language):
    """Questions to go on with stand under the last exchange alone; a refusal says that these have an answer."""
    exchange = Exchange("So?", answer=replace(ANSWER, outcome=outcome), suggestions=("What next?",))
    first, last = map(plain, actions.below([exchange, exchange], KEY, language))
    assert "What next?" not in first
    assert "What next?" in last
    assert WORDS[language][title] in last


def test_nothing_suggested_is_nothing_shown():
    """No heading without questions, nothing below no conversation."""
    assert actions.suggestions((), "Go on with") == ""
    assert actions.below((), KEY, "en") == ()


def test_a_suggestion_is_text():
    """The bank of questions is a file that staff may change."""
    shown = actions.suggestions((HOSTILE,), HOSTILE)
    assert "<img" not in shown
    assert plain(shown).count(HOSTILE) == 2


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_conversation_can_be_taken_along_in_three_formats(language):
    """In the interface's language, under its key."""
    row = plain(actions.take_along(KEY, language))
    for suffix in ("docx", "pdf", "md"):
        assert f'href="conversation/{KEY}/answers.{suffix}?lang={language}"' in row
    assert WORDS[language]["save"] in row


def test_the_browsers_own_sentences_are_there_in_words():
    """Every sentence that the script says is one of the interface's."""
    script = files("assistant.web").joinpath("static/chat.js").read_text(encoding="utf-8")
    names = {name for call in re.findall(r"say\(([^)]*)\)", script) for name in re.findall(r'"(\w+)"', call)}
    assert {"copied", "gone", "saved"} <= names
    page = actions.told_words("nb")
    assert [name for name in names if f'id="say-{name}"' not in page] == []
