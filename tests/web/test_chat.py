"""What a question becomes on the page: exchanges that grow."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pytest

from assistant.domain import Turn, WritingModel
from assistant.web.rendering import Exchange, conversation

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")

QUESTION = "Which company can join?"
ANSWER = re.compile('<div class="answer" lang="en">(.*?)</p></div>')
MODEL = WritingModel("scripted:model", "models.example", stays_here=False)


@pytest.fixture
def desk(app, shelf):
    """A desk over the library; the site is imported first, since Gradio's import warns."""
    from assistant.web.chat import Desk
    from assistant.web.conversations import Conversations
    from assistant.web.reading import Readers

    shelf.writing_model = MODEL
    return Desk(shelf, Readers(1), Conversations())


def test_without_a_model_the_answer_comes_at_once(desk, shelf):
    """It is whole at first sight; then come questions to go on with, in the interface's language."""
    shelf.writing_model = None
    answered, leading_on = desk.answer(QUESTION, (), "nb")
    assert answered.ended
    assert answered.answer == replace(shelf.ask(QUESTION), hits=())
    assert leading_on == replace(answered, suggestions=shelf.starters(None, None, "nb"))


def test_what_was_asked_is_not_suggested_again(desk, shelf):
    """Neither the question itself nor an earlier one."""
    first, second, *others = shelf.starters(None, None, "en")
    *_, latest = desk.answer(second, (Exchange(first),), "en")
    assert latest.suggestions == tuple(others)


def test_an_answer_stands_where_no_suggestion_can_be_found(desk, shelf, caplog):
    """Questions to go on with are a courtesy: without them nothing is lost."""
    shelf.suggests = False
    *_, latest = desk.answer(QUESTION, (), "en")
    assert latest.ended
    assert latest.suggestions == ()
    assert "no questions to go on with" in caplog.text


def test_what_was_shown_is_never_withdrawn(desk, shelf):
    """Each text begins with the one before, and so does what the page shows of it."""
    *exchanges, _ = desk.answer(QUESTION, (), "en")
    texts = [exchange.answer.text for exchange in exchanges]
    assert len(texts) == 4
    assert all(after.startswith(before) for before, after in pairwise(texts))
    assert [exchange.ended for exchange in exchanges] == [False, False, False, True]
    assert texts[-1] == shelf.ask(QUESTION).text
    # A link grows with the answer, since it leads on to its other quotes; what is seen does not change.
    pages = [re.sub(r'href="[^"]*"', "", conversation([exchange], "en")) for exchange in exchanges]
    shown = [ANSWER.search(page)[1] for page in pages]
    assert all(after.startswith(before) for before, after in pairwise(shown))


def test_closing_stops_the_model(desk, shelf):
    """The first sentence is there, the rest is not written."""
    with closing(desk.answer(QUESTION, (), "en")) as exchanges:
        next(exchanges)
    assert shelf.closed == [QUESTION]


@pytest.mark.parametrize(
    ("question", "failure"),
    [
        pytest.param("Break: which company can join?", {"failure": "The library was closed."}, id="foreseen"),
        pytest.param("Crash", {"failed": True}, id="a bug"),
    ],
)
def test_a_failure_leaves_what_was_shown(desk, question, failure, caplog):
    """An exception never leaves the desk."""
    *shown, last = desk.answer(question, (), "en")
    assert last == replace(shown[-1] if shown else Exchange(question), **failure)
    assert ("a question failed" in caplog.text) == last.failed
    assert question not in caplog.text


def test_an_answer_without_an_end_is_a_failure(desk, caplog):
    """An assistant that breaks its promise leaves no page that waits for ever."""
    *_, last = desk.answer(f"Unfinished: {QUESTION}", (), "en")
    assert last.failed
    assert last.answer.text.endswith("[3]")
    assert "ended before it was complete" in caplog.text


def test_a_stopped_answer_can_be_followed_up(desk, shelf):
    """What was shown is the history's answer; where nothing was shown the question stands alone."""
    with closing(desk.answer(QUESTION, (), "en")) as exchanges:
        stopped = replace(next(exchanges), stopped=True)
    *_, follow_up = desk.answer("And what does a place cost?", (stopped, Exchange("Who?", stopped=True)), "en")
    assert follow_up.answer.query.history == (Turn(QUESTION, stopped.answer.text), Turn("Who?"))
