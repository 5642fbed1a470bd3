"""The log: a line for each question, and never what was asked or what an error said about it."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import nullcontext

import pytest

from assistant.domain import WritingModel
from assistant.errors import AssistantError
from assistant.web.logs import JsonLines, TextLines, refused, watched

QUESTION = "When did USA next! start?"


@pytest.fixture
def lines(caplog):
    """Return what the log holds since, as the objects of its lines."""
    caplog.set_level(logging.INFO, logger="assistant.web.logs")
    return lambda: [json.loads(JsonLines().format(record)) for record in caplog.records]


def test_a_question_is_one_line_without_its_words(shelf, lines):
    """How it ended, in which language, how long it took, how many quotes, and which model wrote."""
    shelf.writing_model = WritingModel("scripted:model", "models.example", stays_here=False)
    answer = list(watched(shelf.stream(QUESTION), "page"))[-1]
    [line] = lines()
    assert line.pop("seconds") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info", "room": "assistant.web.logs", "event": "question", "surface": "page", "status": 200,
        "outcome": "answered", "reason": None, "language": "en", "citations": len(answer.citations),
        "model": "scripted:model",
    }  # fmt: skip
    assert "next" not in json.dumps(lines())


@pytest.mark.parametrize(
    ("question", "status", "reason"),
    [
        pytest.param("xyzzy", 200, "not_covered", id="a refusal is an answer"),
        pytest.param("Raise", 503, None, id="foreseen"),
        pytest.param("Crash", 500, None, id="a bug"),
    ],
)
def test_every_end_has_its_status(shelf, lines, question, status, reason):
    """Errors pass through: whoever shows the answer has to say something."""
    with nullcontext() if status == 200 else pytest.raises((AssistantError, RuntimeError)):
        list(watched(shelf.stream(question), "api"))
    [line] = lines()
    assert (line["status"], line["reason"], line["citations"]) == (status, reason, 0)


def test_who_leaves_is_a_line_too_and_the_model_is_stopped(shelf, lines):
    """499, as proxies call it."""
    shelf.writing_model = WritingModel("scripted:model", "models.example", stays_here=False)
    answers = watched(shelf.stream("Which company can join?"), "api")
    next(answers)
    answers.close()
    assert shelf.closed == ["Which company can join?"]
    assert [line["status"] for line in lines()] == [499]


def test_a_question_that_was_not_taken_is_a_line(lines):
    """So that somebody sees that the limit is too low."""
    refused("api", 429)
    assert [(line["event"], line["surface"], line["status"]) for line in lines()] == [("refused", "api", 429)]


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_an_error_is_told_by_its_places_and_never_by_its_words(form, caplog):
    """Its words may quote a question, and the words of what it came from too."""
    try:
        try:
            raise KeyError("a question about my company")
        except KeyError as error:
            raise ValueError("a question about my company") from error
    except ValueError:
        logging.getLogger("assistant").exception("a question failed")
    line = form.format(caplog.records[0])
    assert "my company" not in line
    assert "ValueError" in line
    assert "test_logs.py" in line
    assert "a question failed" in line
    assert isinstance(form, TextLines) or "\n" not in line


def test_another_handler_still_tells_an_error_in_its_own_form():
    """A record is shared by all that write it down: ours must not take the words out of theirs."""
    try:
        raise RuntimeError("in full")
    except RuntimeError:
        record = logging.LogRecord("room", logging.ERROR, "file.py", 1, "it failed", (), sys.exc_info())
    assert "in full" not in TextLines().format(record)
    assert "in full" in logging.Formatter().format(record)
