"""Feedback: a judgement of one answer, without texts unless they are shared, and deleted by those who gave it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from assistant.web.rendering import Exchange

QUESTION = "When did USA next! start?"
JUDGED = {"number": 1, "helpful": True}


@pytest.fixture
def key(keeping, shelf) -> str:
    """A conversation of one answer, one failure and one refusal."""
    answered, refused = shelf.ask(QUESTION), shelf.ask("zzz qqq")
    answered = replace(answered, citations=(*answered.citations, replace(answered.citations[0], number=2)))
    return keeping.talk(
        Exchange(QUESTION, answered), Exchange("And then?", failure="No."), Exchange("zzz qqq", refused)
    )


@pytest.fixture
def give(keeping, key):
    """Send feedback on the conversation."""

    def post(body, **changes):
        return keeping.client.post(f"/conversation/{key}/feedback", json=body, **changes)

    return post


def test_a_judgement_is_kept_with_what_it_is_about(give, keeping, shelf):
    """Outcome, language of the page, and each cited document once with its version; no text of the visitor."""
    (cited,) = shelf.ask(QUESTION).citations
    reply = give({"number": 1, "helpful": False, "why": "  Too short. ", "share": False, "language": "nb"})
    assert reply.status_code == 201
    (kept,) = keeping.journal.feedback()
    assert reply.json() == {"id": kept.id}
    assert (kept.helpful, kept.why, kept.outcome, kept.reason, kept.language) == (
        False, "Too short.", "answered", None, "nb",
    )  # fmt: skip
    assert kept.documents == ((cited.document, cited.version),)
    assert (kept.question, kept.answer) == (None, None)
    assert QUESTION.encode() not in keeping.file.read_bytes()


def test_a_refusal_is_judged_with_its_reason(give, keeping):
    """The gap board counts what was refused and found unhelpful."""
    assert give({"number": 3, "helpful": False}).status_code == 201
    (kept,) = keeping.journal.feedback()
    assert (kept.outcome, kept.reason, kept.documents) == ("abstained", "not_covered", ())


def test_question_and_answer_are_kept_where_they_were_shared(give, keeping, shelf):
    """With the visitor's consent alone."""
    give({**JUDGED, "share": True})
    (kept,) = keeping.journal.feedback()
    assert (kept.question, kept.answer) == (QUESTION, shelf.ask(QUESTION).text)


def test_feedback_sent_again_replaces(give, keeping):
    """Pressed, then explained, then taken back: one piece of feedback, as it was said last."""
    id_ = give(JUDGED).json()["id"]
    assert give({**JUDGED, "why": "Clear.", "share": True, "id": id_}).json() == {"id": id_}
    assert give({**JUDGED, "helpful": False, "why": "", "id": id_}).json() == {"id": id_}
    (kept,) = keeping.journal.feedback()
    assert (kept.helpful, kept.why, kept.question) == (False, None, None)


def test_feedback_is_deleted_by_its_ids(give, keeping):
    """As often as one likes; what others said stays."""
    mine, other = (give({**JUDGED, "why": "a walrus"}).json()["id"] for _ in range(2))
    for expected in (1, 0):
        reply = keeping.client.post("/feedback/delete", json={"ids": [mine]})
        assert (reply.status_code, reply.json()) == (200, {"deleted": expected})
    assert [kept.id for kept in keeping.journal.feedback()] == [other]
    keeping.client.post("/feedback/delete", json={"ids": [other]})
    assert b"walrus" not in keeping.file.read_bytes()


WRONG = [
    pytest.param({}, "The field number must be", id="no number"),
    pytest.param({**JUDGED, "number": True}, "The field number must be", id="number is true"),
    pytest.param({**JUDGED, "number": 0}, "The field number must be", id="number is 0"),
    pytest.param({**JUDGED, "number": -1}, "The field number must be", id="number is -1"),
    pytest.param({**JUDGED, "number": 1.0}, "The field number must be", id="number is 1.0"),
    pytest.param({**JUDGED, "number": "1"}, "The field number must be", id="number is text"),
    pytest.param({"number": 1}, "The field helpful must be true or false", id="not judged"),
    pytest.param({**JUDGED, "helpful": 1}, "The field helpful must be true or false", id="judged by 1"),
    pytest.param({**JUDGED, "share": "yes"}, "The field share must be true or false", id="consent in words"),
    pytest.param({**JUDGED, "why": ["x"]}, "The field why must be text", id="why is a list"),
    pytest.param({**JUDGED, "why": "x" * 1001}, "can hold 1000 characters; this one holds 1001", id="why is long"),
    pytest.param({**JUDGED, "id": "short"}, "The field id must be", id="id of another kind"),
    pytest.param({**JUDGED, "id": 7}, "The field id must be", id="id is a number"),
    pytest.param({**JUDGED, "language": "de"}, "The field language must be", id="language not ours"),
    pytest.param({**JUDGED, "language": ["en"]}, "The field language must be", id="language is a list"),
    pytest.param({**JUDGED, "address": "x"}, "There is no field “address” here", id="unknown field"),
    pytest.param({**JUDGED, "\ud800" * 50: 1}, "There is no field “????", id="unsendable field"),
    pytest.param([JUDGED], "not an object", id="a list"),
]


@pytest.mark.parametrize(("body", "sentence"), WRONG)
def test_a_wrong_field_gets_one_sentence(give, keeping, key, body, sentence):
    """422, and nothing is kept."""
    content = json.dumps(body)
    reply = keeping.client.post(
        f"/conversation/{key}/feedback", content=content, headers={"content-type": "application/json"}
    )
    assert reply.status_code == 422
    assert sentence in reply.json()["error"]
    assert keeping.journal.feedback() == []


@pytest.mark.parametrize("address", ["/conversation/KEY/feedback", "/feedback/delete", "/conversation/KEY/save"])
@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        pytest.param(b"{}", "text/plain", 415, id="not called JSON"),
        pytest.param(b"{}", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b"{", "application/json", 400, id="broken"),
        pytest.param(b"\xff{}", "application/json", 400, id="no text"),
        pytest.param(b"[" * 9_000, "application/json", 400, id="deep"),
        pytest.param(b" " * 20_001, "application/json; charset=utf-8", 413, id="large"),
    ],
)
def test_what_is_no_small_json_is_refused(keeping, key, address, content, type_, status):
    """Before anything is looked at; in the language of the browser."""
    address = address.replace("KEY", key)
    for language, words in (("en", "e"), ("nb", "r")):
        headers = {"content-type": type_, "accept-language": language}
        reply = keeping.client.post(address, content=content, headers=headers)
        assert reply.status_code == status
        assert words in reply.json()["error"]
        assert reply.headers["cache-control"] == "no-store"


def test_refusals_speak_the_visitors_language(give):
    """The page says which one; else the browser does."""
    assert give({**JUDGED, "number": 9, "language": "nb"}).json()["error"].startswith("Det finnes ikke noe svar")
    assert give({"number": 1}, headers={"accept-language": "nb"}).json()["error"] == (
        "Feltet helpful må være true eller false."
    )


@pytest.mark.parametrize("number", [2, 4, 10**9, 10**3000], ids=["failed", "next", "large", "huge"])
def test_an_answer_that_is_not_there_is_not_judged(give, keeping, number):
    """A failure is no answer; nor is what comes after the last one."""
    reply = give({**JUDGED, "number": number})
    assert reply.status_code == 404
    assert "There is no answer number" in reply.json()["error"]
    assert len(reply.json()["error"]) < 100
    assert keeping.journal.feedback() == []


def test_an_answer_that_is_still_written_is_not_judged(keeping, shelf):
    """It is not known yet what it says."""
    key = keeping.talk(Exchange(QUESTION, replace(shelf.ask(QUESTION), complete=False)))
    assert keeping.client.post(f"/conversation/{key}/feedback", json=JUDGED).status_code == 404


@pytest.mark.parametrize(
    "key", ["x", "x" * 22, "%ED%A0%80", "a" * 2000, ".."], ids=["short", "unknown", "unsendable", "long", "way up"]
)
def test_a_conversation_that_is_gone_says_so(keeping, key):
    """It was left alone for hours, or never was."""
    reply = keeping.client.post(f"/conversation/{key}/feedback", json=JUDGED)
    assert reply.status_code == 404
    assert reply.text.strip()


@pytest.mark.parametrize(
    "ids",
    [None, "x", {}, [1], ["short"], ["\ud800" * 22], ["x" * 22] * 201],
    ids=["none", "text", "object", "number", "short", "unsendable", "too many"],
)
def test_only_lists_of_ids_are_deleted(keeping, ids):
    """At most 200 at once."""
    content = json.dumps({"ids": ids})
    reply = keeping.client.post("/feedback/delete", content=content, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert "The field ids must be a list" in reply.json()["error"]


def test_as_many_ids_as_a_browser_sends_at_once_are_deleted(keeping):
    """Two hundred fit into one request."""
    assert keeping.client.post("/feedback/delete", json={"ids": ["x" * 22] * 200}).json() == {"deleted": 0}


def test_a_journal_that_fails_is_one_calm_sentence(give, keeping, caplog):
    """The visitor is asked to try again, and the log says why; no word of the visitor stands in it."""
    keeping.journal.close()
    with caplog.at_level(logging.WARNING):
        reply = give({**JUDGED, "why": "a walrus"})
        deletion = keeping.client.post("/feedback/delete", json={"ids": ["x" * 22]})
    for refused in (reply, deletion):
        assert refused.status_code == 503
        assert refused.json()["error"] == "What is stored cannot be read or written just now. Try again in a minute."
    assert "journal" in caplog.text
    assert "walrus" not in caplog.text
