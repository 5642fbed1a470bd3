"""The gap board: what staff see of questions without an answer, and what they can do about them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html import unescape
from typing import get_args

import pytest

from assistant.answering.answer_types import AnswerType
from assistant.desk import Gap, GapKeeping, GapKind
from assistant.domain import Outcome, Reason
from assistant.web.staff_board import STATUSES, bars, board_body, gap_body, why_body
from assistant.web.staff_forms import Reader
from assistant.web.staff_words import STAFF_WORDS
from tests.web.desk import GAPS, HOSTILE, OWN, WHY, empty_staff, make_desk

ENGLISH = Reader("en", "token", date(2026, 11, 22))
NORWEGIAN = Reader("nb", "token", date(2026, 11, 22))
KEEPING = GapKeeping(180, texts=True)
LANGUAGES = pytest.mark.parametrize("reader", [ENGLISH, NORWEGIAN], ids=["en", "nb"])


@pytest.fixture
def desk():
    """The desk, to which Kari has logged in."""
    made = make_desk()
    made.log_in()
    return made


def words(html: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


# ---- The board ----


def test_the_board_lists_topics_with_counts_months_and_the_nearest_document():
    """In the order of the backend; each leads to its page."""
    html = board_body(ENGLISH, GAPS, None, KEEPING)
    assert re.findall(r'<h2><a href="(gap\?id=\d+)">', unescape(html)) == ["gap?id=7", "gap?id=9", "gap?id=11"]
    assert "Open Asked: 15 · Last asked: 20 Nov 2026 · USA next! in short" in words(html)
    assert "Open Answered now Asked: 1" in words(html)
    assert "Out of scope Asked: 1" in words(html)
    assert '<a href="document?id=programme%2Fusa-next.md">' in unescape(html)


def test_topics_can_be_listed_by_status():
    """The choice shows how many there are of each."""
    html = board_body(ENGLISH, GAPS, "out_of_scope", KEEPING)
    assert re.findall(r'name="gap" value="(\d+)"', html) == ["11"]
    assert "All 3 Open 2 Out of scope 1" in words(html)
    assert "No topic has this status." in words(board_body(ENGLISH, GAPS, "writing", KEEPING))


@LANGUAGES
def test_an_empty_board_says_why(reader):
    """Nobody wonders whether it works, and what is kept is said already."""
    html = words(board_body(reader, (), None, KEEPING))
    assert STAFF_WORDS[reader.language]["gaps_none"] in html
    assert "180" in html


def test_what_is_kept_is_said_and_for_how_long():
    """Also where the words are not."""
    assert "for 180 days. No names" in words(board_body(ENGLISH, GAPS, None, KEEPING))
    html = words(board_body(ENGLISH, GAPS, None, GapKeeping(30, texts=False)))
    assert "The words of questions are not kept" in html
    assert "for 30 days" in html


def test_months_are_drawn_and_read_out():
    """Heights compare with the highest of all topics; a month without questions is a line, not a gap."""
    svg = bars(ENGLISH, (("2026-09", 4), ("2026-11", 8)), ("2026-09", "2026-10", "2026-11"), 8)
    assert re.findall(r'height="(\d+)"/>', svg) == ["15", "1", "30"]
    assert 'aria-label="By month: Sep 2026: 4, Nov 2026: 8"' in unescape(svg)
    assert "style" not in svg


def test_twelve_months_are_drawn_at_most_also_across_a_year():
    """Up to the last in which anything was asked."""
    counts = tuple((f"{year}-{month:02d}", 1) for year in (2025, 2026) for month in range(1, 13))[:14]
    html = board_body(ENGLISH, (Gap(1, "a", "open", GAPS[1].questions, counts),), None, KEEPING)
    assert html.count("<rect") == 12
    assert "Mar 2025: 1" in unescape(html)
    assert "Feb 2025: 1" not in unescape(html)


@LANGUAGES
def test_what_founders_wrote_is_text(reader):
    """On the board, on a topic's page and in *why this answer*."""
    gap = Gap(1, HOSTILE, "open", GAPS[0].questions, (), ((HOSTILE, HOSTILE),), HOSTILE)
    for html in (board_body(reader, (gap,), None, KEEPING), gap_body(reader, gap), why_body(reader, WHY)):
        assert "alert(1)" in words(html)
        assert not re.search(r"<script|<img|<b>fee", html)
        assert not re.search(r'="[^"]*"[^\s>/][^>]*alert', html)


# ---- One topic ----


def test_a_topic_shows_its_questions_with_language_kind_and_days():
    """And what is missing in a part, and whether the documents answer it by now."""
    text = words(gap_body(ENGLISH, GAPS[0]))
    assert "What does an FDA 510(k) cost? No answer Still not answered English · 12 times, 2 Sep 2026 to 20 Nov" in text
    assert "Missing: hva den koster Partly answered Not asked again yet Norwegian (bokmål) · Once, on 1 Nov" in text
    assert "Marked as not helpful Answered now English · 2 times" in text


def test_a_question_asked_often_on_one_day_names_the_day_once():
    """Not from a day to the same day."""
    question = replace(GAPS[1].questions[0], count=3)
    assert "3 times, on 3 Nov 2026" in words(gap_body(ENGLISH, replace(GAPS[1], questions=(question,))))


def test_a_question_whose_words_are_not_kept_says_so():
    """There is nothing to explain then."""
    html = gap_body(ENGLISH, GAPS[2])
    assert "(words not kept)" in words(html)
    assert "Why this answer" not in words(html)


def test_a_status_and_a_note_are_saved(desk):
    """With the name of who did it, and shown at once."""
    response = desk.send("/staff/gap/status", id=7, status="writing", note="  Ola writes it <i>now</i> ")
    assert (response.status_code, response.headers["location"]) == (303, "../../staff/gap?id=7")
    assert (desk.staff.gaps.groups[0].status, desk.staff.gaps.groups[0].note) == ("writing", "Ola writes it <i>now</i>")
    page = desk.client.get("/staff/gap?id=7").text
    assert "Saved: What does an FDA 510(k) cost?" in words(page)
    assert 'value="Ola writes it <i>now</i>"' in unescape(page)
    assert "<i>" not in page
    assert 'value="writing" checked' in page


@pytest.mark.parametrize(
    "fields", [{"id": 7, "status": "deleted"}, {"id": 8, "status": "open"}, {"id": "x", "status": "open"}, {}]
)
def test_a_wrong_status_or_topic_changes_nothing(desk, fields):
    """A sentence, and everything as it was."""
    response = desk.send("/staff/gap/status", **fields)
    assert response.status_code == 404
    assert "This topic is not there any more" in response.text
    assert desk.staff.gaps.groups == list(GAPS)


def test_topics_are_merged(desk):
    """Those that were ticked."""
    response = desk.send("/staff/gaps/merge", gap=[7, 9])
    assert response.headers["location"] == "../../staff/gap?id=7"
    assert [gap.id for gap in desk.staff.gaps.groups] == [7, 11]
    assert "Hvilke stater har lavest skatt?" in words(desk.client.get("/staff/gap?id=7").text)


@pytest.mark.parametrize("chosen", [[], [7], [7, 7]], ids=["none", "one", "one twice"])
def test_one_topic_cannot_be_merged(desk, chosen):
    """It needs two."""
    desk.send("/staff/gaps/merge", gap=chosen)
    assert "Select at least two topics" in words(desk.client.get("/staff/gaps").text)
    assert len(desk.staff.gaps.groups) == 3


def test_what_the_backend_refuses_is_said_in_its_sentence(desk):
    """Such as a topic that somebody else has merged meanwhile."""
    response = desk.send("/staff/gaps/merge", gap=[7, 8])
    assert response.status_code == 422
    assert "There is no topic 8. Load the board again." in response.text


def test_questions_become_a_topic_of_their_own(desk):
    """Those that were ticked; at least one stays."""
    response = desk.send("/staff/gap/split", id=7, question=[72])
    assert response.headers["location"] == "../../staff/gap?id=100"
    assert [question.id for question in desk.staff.gaps.groups[0].questions] == [71, 73]
    for chosen, sentence in (([], "Select the questions"), ([71, 73], "Leave at least one")):
        desk.send("/staff/gap/split", id=7, question=chosen)
        assert sentence in words(desk.client.get("/staff/gap?id=7").text)
    assert len(desk.staff.gaps.groups) == 4


@pytest.mark.parametrize(
    ("answered", "sentence"),
    [
        ((), "None of the topics is answered yet."),
        ((9,), "One topic is answered now: Hvilke stater"),
        ((7, 9), "2 topics are answered now."),
    ],
)
def test_open_questions_are_asked_again(desk, answered, sentence):
    """And what came of it is said."""
    desk.staff.gaps.now_answered = answered
    desk.send("/staff/gaps/again")
    assert sentence in words(desk.client.get("/staff/gaps").text)


def test_the_board_is_taken_along_as_csv(desk):
    """Under a name with the day."""
    response = desk.client.get("/staff/gaps.csv")
    assert response.content.startswith(b"\xef\xbb\xbftopic")
    assert response.headers["content-type"].startswith("text/csv")
    assert re.fullmatch(
        r'attachment; filename="usa-next-gaps-\d{4}-\d\d-\d\d\.csv"', response.headers["content-disposition"]
    )
    assert response.headers["cache-control"] == "no-store"


def test_the_first_day_has_an_empty_board():
    """Nothing fails where nothing is."""
    desk = make_desk(empty_staff())
    desk.log_in()
    assert "No question has gone unanswered" in words(desk.client.get("/staff/gaps").text)


# ---- Why this answer ----


@LANGUAGES
def test_why_shows_query_passages_sentences_and_numbers(reader):
    """In words; decimals as the language writes them."""
    text = words(why_body(reader, WHY))
    expected = {
        "en": ("Not answered: the documents do not hold the answer", "12 %. An answer is given from 50 %", "0.61",
               "an amount", "510(k), <b>fee</b>", "words in the sentence 1.10, meaning 1.31", "−1.50"),
        "nb": ("Ikke besvart: dokumentene har ikke svaret", "12 %. Svar gis fra 50 %", "0,61", "et beløp", "510(k)",
               "ord i setningen 1,10, mening 1,31", "−1,50"),
    }  # fmt: skip
    assert [part for part in expected[reader.language] if part not in text] == []


def test_why_of_what_was_not_searched_says_so():
    """A greeting has no passages."""
    text = words(why_body(ENGLISH, {"outcome": "small_talk", "reason": None}))
    assert "Small talk Nothing was searched for this question." in text


def test_why_of_a_question_of_the_board_has_an_address(desk):
    """Without the question in it."""
    page = desk.client.get("/staff/why?gap=7&question=72")
    assert page.status_code == 200
    assert desk.staff.gaps.asked == ["Hva koster en 510(k)-søknad og hvor lang tid tar den?"]
    assert 'value="Hva koster en 510(k)-søknad og hvor lang tid tar den?"' in unescape(page.text)


def test_any_question_can_be_explained(desk):
    """By a form, so that no proxy writes the question down with the address."""
    response = desk.send("/staff/why", question=" Hello ")
    assert response.status_code == 200
    assert desk.staff.gaps.asked == ["Hello"]
    assert desk.send("/staff/why", question=" ").status_code == 422
    assert desk.client.post("/staff/why", data={"question": "Hello"}, headers=OWN).status_code == 403
    assert desk.staff.gaps.asked == ["Hello"]


@LANGUAGES
def test_there_are_words_for_everything_that_can_come(reader):
    """Every outcome, reason, kind of answer and status."""
    keys = [f"why_outcome_{one}" for one in get_args(Outcome)] + [f"why_reason_{one}" for one in get_args(Reason)]
    keys += [f"why_wanted_{one}" for one in get_args(AnswerType)] + [f"gap_{one}" for one in STATUSES]
    keys += [f"gap_kind_{one}" for one in get_args(GapKind)]
    assert [key for key in keys if not reader.plain(key)] == []
