"""Recording: what was asked in vain on the page and by programs is kept, and never stands in an answer's way."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest
from fastapi.testclient import TestClient

from assistant.domain import Answer, Query
from assistant.errors import DataFolderError
from assistant.web.chat import Desk
from assistant.web.conversations import Conversations
from assistant.web.reading import Readers
from assistant.web.recording import recorded

SECRET = "the walrus fee of our secret product"
REFUSED = Answer("No.", "abstained", "en", Query(SECRET, SECRET, "en"), "not_covered")
BEGUN = Answer("N", "abstained", "en", Query(SECRET, SECRET, "en"), complete=False)


def stream(*answers: Answer):
    """Yield answers as an assistant would."""
    yield from answers


# ---- What is handed over ----


def test_the_whole_answer_is_handed_over_after_it_was_shown():
    """Nothing before it, so that nobody waits for a disk."""
    told: list[object] = []
    for answer in recorded(stream(BEGUN, REFUSED), told.append):
        told.append("shown")
        assert REFUSED not in told
        assert answer in (BEGUN, REFUSED)
    assert told == ["shown", "shown", REFUSED]


def test_a_visitor_who_leaves_with_the_whole_answer_has_asked():
    """Closing the page is no reason not to count."""
    told: list[Answer] = []
    answers = recorded(stream(BEGUN, REFUSED), told.append)
    assert [next(answers), next(answers)] == [BEGUN, REFUSED]
    answers.close()
    assert told == [REFUSED]


@pytest.mark.parametrize("ends", ["broken off", "failing", "unfinished"])
def test_what_has_no_whole_answer_is_not_handed_over(ends):
    """Stopped, failed, or never ended."""

    def answers():
        yield BEGUN
        if ends == "failing":
            raise DataFolderError("The library was closed.")

    told: list[Answer] = []
    reading = recorded(answers(), told.append)
    next(reading)
    if ends == "broken off":
        reading.close()
    elif ends == "failing":
        with pytest.raises(DataFolderError, match=r"^The library was closed"):
            next(reading)
    else:
        assert list(reading) == []
    assert told == []


@pytest.mark.parametrize(
    "error", [DataFolderError("The journal cannot be written."), ValueError(SECRET)], ids=["foreseen", "a bug"]
)
def test_a_journal_that_fails_breaks_no_answer(error, caplog):
    """The log says so, without the question; the visitor sees the answer."""

    def fail(answer: Answer) -> None:
        raise error

    with caplog.at_level(logging.WARNING):
        assert list(recorded(stream(REFUSED), fail)) == [REFUSED]
    (line,) = caplog.records
    assert "a question asked in vain was not kept" in line.getMessage().lower()
    assert "walrus" not in line.getMessage()


# ---- On the page and for programs ----


@pytest.fixture
def kept(shelf):
    """Return the words of questions asked in vain since the test began."""
    before = {kept.question.id: kept.question.count for kept in shelf.journal.questions.all()}

    def new() -> list[tuple[str | None, str]]:
        return [
            (one.question.text, one.question.kind)
            for one in shelf.journal.questions.all()
            if one.question.count > before.get(one.question.id, 0)
        ]

    return new


def test_a_question_on_the_page_is_kept_without_its_visitor(shelf, kept):
    """Refused, and answered in part; what was answered is not kept."""
    desk = Desk(shelf, Readers(1), Conversations(), record=shelf.journal.questions.record)
    for question in ("zzz qqq 912 34 567", "When did USA next! start, and in Japan?", "When did USA next! start?"):
        exchanges = list(desk.answer(question, (), "en"))
        assert exchanges[-1].ended
    assert kept() == [("zzz qqq [number]", "refused"), ("When did USA next! start, and in Japan?", "partly")]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_program_that_asks_in_vain_is_counted_too(client: TestClient, kept, until, streamed):
    """By the same route to the journal."""
    question = f"yyy xxx {'www' if streamed else 'vvv'}"
    reply = client.post("/api/chat", json={"question": question, "stream": streamed})
    assert reply.status_code == 200
    until(kept)
    assert kept() == [(question, "refused")]


def test_nothing_of_who_asks_is_in_the_file(client: TestClient, shelf, kept, until):
    """Neither address, nor cookie, nor what the browser says of itself."""
    marks = {
        "user-agent": "walrus-browser",
        "cookie": "usanext_visitor=walrus-visitor",
        "x-forwarded-for": "203.0.113.9",
    }
    client.post("/api/chat", json={"question": "uuu ttt", "id": "walrus-id"}, headers=marks)
    until(kept)
    with closing(sqlite3.connect(shelf.journal.file)) as connection:
        everything = "\n".join(connection.iterdump())
    assert "uuu ttt" in everything
    assert not [mark for mark in ("walrus-", "203.0.113", "testclient") if mark in everything]


# ---- What did not help ----


GIVEN = {"number": 1, "helpful": False}


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        pytest.param({"share": True}, 1, id="shared"),
        pytest.param({"share": False}, 0, id="not shared"),
        pytest.param({"share": True, "helpful": True}, 0, id="helpful"),
    ],
)
def test_what_did_not_help_counts_where_it_was_shared(keeping, shelf, said, counted):
    """With the visitor's consent alone; deleted feedback takes it along."""
    question = "When did USA next! start?"
    key = keeping.talk(shelf_exchange(shelf, question))
    id_ = keeping.client.post(f"/conversation/{key}/feedback", json={**GIVEN, **said}).json()["id"]
    questions = [kept.question for kept in keeping.journal.questions.all()]
    assert [(one.text, one.kind) for one in questions] == [(question, "unhelpful")] * counted
    keeping.client.post("/feedback/delete", json={"ids": [id_]})
    assert keeping.journal.questions.all() == []


def shelf_exchange(shelf, question):
    """Return the exchange that a visitor would have seen."""
    *_, last = Desk(shelf, Readers(1), Conversations()).answer(question, (), "en")
    return last
