"""What founders asked in vain: kept without whoever asked, counted, grouped, and gone after its days."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta

import pytest

from assistant.domain import Answer, Citation, Query, Turn
from assistant.store.journal import Journal
from assistant.store.questions import Placed

CITATION = Citation(1, "A fee.", "fees.md", "v1", "Fees", "en", None, None, None, 0, 6, None)


class Calendar:
    """Days that pass when a test says so."""

    def __init__(self) -> None:
        self.day = date(2026, 11, 22)

    def __call__(self) -> date:
        return self.day


def refusal(text: str, *, reason: str = "not_covered", language: str = "en", nearest=("a.md", "b.md")) -> Answer:
    """Return a refusal."""
    return Answer("Not found.", "abstained", language, Query(text, text, language), reason, nearest=nearest)


def answered(text: str, outcome: str = "answered", missing: str | None = None) -> Answer:
    """Return an answer from one document."""
    return Answer("A fee. [1]", outcome, "en", Query(text, text, "en"), missing=missing, citations=(CITATION,))


@pytest.fixture
def calendar():
    """A calendar that stands on 22 November 2026."""
    return Calendar()


@pytest.fixture
def file(tmp_path):
    """Where the journal lies."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(file, calendar):
    """An empty journal."""
    with closing(Journal(file, today=calendar)) as opened:
        yield opened


@pytest.fixture
def questions(journal):
    """Nothing asked yet."""
    return journal.questions


def everything_on_disk(file) -> bytes:
    """Return the bytes of all files in the journal's folder."""
    return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))


# ---- What is kept ----


def test_a_refused_question_is_kept_with_what_helps_to_answer_it(questions):
    """Its words, language, reason, nearest documents and day."""
    questions.record(refusal("What does a walrus cost?", language="nb"))
    (kept,) = questions.all()
    one = kept.question
    assert (one.text, one.language, one.kind, one.outcome, one.reason, one.missing) == (
        "What does a walrus cost?", "nb", "refused", "abstained", "not_covered", None,
    )  # fmt: skip
    assert (one.first_day, one.last_day, one.count, one.answered_now) == ("2026-11-22", "2026-11-22", 1, None)
    assert (kept.documents, kept.months, kept.gap) == ((("a.md", None), ("b.md", None)), (("2026-11", 1),), None)


def test_a_question_answered_in_part_is_kept_with_what_is_missing(questions):
    """And with the documents that were cited, in their versions."""
    questions.record(answered("Fees and walruses?", "partly", "what a walrus of ola@firma.no costs"))
    (kept,) = questions.all()
    assert (kept.question.kind, kept.question.missing) == ("partly", "what a walrus of [e-mail] costs")
    assert kept.documents == (("fees.md", "v1"),)


@pytest.mark.parametrize("reason", ["off_topic", "not_covered", "false_premise"])
def test_every_refusal_for_want_of_an_answer_counts(questions, reason):
    """What the documents lack, deny, or were never meant for."""
    questions.record(refusal("A walrus?", reason=reason))
    assert [kept.question.reason for kept in questions.all()] == [reason]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(answered("Fees?"), id="answered"),
        pytest.param(replace(answered("Hello"), outcome="small_talk", citations=()), id="small talk"),
        pytest.param(refusal("???", reason="bad_question"), id="bad question"),
        pytest.param(refusal("Fees?", reason="empty_corpus"), id="empty corpus"),
        pytest.param(refusal("Fees?", reason="model_failed"), id="model failed"),
    ],
)
def test_other_answers_are_passed_over(questions, answer):
    """There is nothing to write because of them."""
    questions.record(answer)
    assert questions.all() == []


def test_what_leads_to_a_person_is_never_written(questions, file):
    """Not even for a moment: it is cleaned before."""
    questions.record(refusal("Ring 912 34 567 eller ola@firma.no, 010190 12345: hva koster hvalross?\ud800"))
    (kept,) = questions.all()
    assert kept.question.text == "Ring [number] eller [e-mail], [number]: hva koster hvalross??"
    assert not [word for word in (b"912 34", b"ola@", b"12345") if word in everything_on_disk(file)]


def test_a_follow_up_is_kept_with_its_topic(questions):
    """By itself nobody could understand it; a first question stays as it was asked."""
    query = Query("And what does that cost?", "And what does that cost? (walrus visa)", "en", (Turn("A walrus visa?"),))
    questions.record(replace(refusal("x"), query=query))
    questions.record(replace(refusal("x"), query=Query("walrsu fee", "walrus fee", "en")))
    assert [kept.question.text for kept in questions.all()] == ["And what does that cost? (walrus visa)", "walrsu fee"]


def test_the_same_question_is_counted_not_repeated(questions, calendar):
    """However it is written; month by month, and with what came of it last."""
    questions.record(refusal("What does a walrus cost?"))
    questions.record(refusal("what does a WALRUS cost"))
    calendar.day = date(2026, 12, 3)
    questions.record(refusal("What does a walrus cost ?", reason="off_topic", nearest=("c.md",)))
    (kept,) = questions.all()
    assert (kept.question.text, kept.question.count) == ("What does a walrus cost?", 3)
    assert kept.months == (("2026-11", 2), ("2026-12", 1))
    assert (kept.question.first_day, kept.question.last_day) == ("2026-11-22", "2026-12-03")
    assert (kept.question.reason, kept.documents) == ("off_topic", (("c.md", None),))


def test_nobody_floods_the_board(questions, journal, calendar):
    """New questions have a number a day; what was asked before is still counted, and the next day begins anew."""
    questions._most_new_a_day = 2
    for text in ("One walrus?", "Two walruses?", "Three walruses?", "One walrus?"):
        questions.record(refusal(text))
    assert [(kept.question.text, kept.question.count) for kept in questions.all()] == [
        ("One walrus?", 2),
        ("Two walruses?", 1),
    ]
    calendar.day += timedelta(days=1)
    questions.record(refusal("Three walruses?"))
    assert len(questions.all()) == 3


@pytest.mark.parametrize("how", ["by the next use", "on opening"])
def test_a_question_ends_after_its_days(file, calendar, how):
    """Counted from when it was last asked; its group goes with its last question, and its words from the file."""
    journal = Journal(file, gap_days=180, today=calendar)
    journal.questions.record(refusal("A walrus fee?"))
    (kept,) = journal.questions.all()
    journal.questions.place([Placed(None, (kept.question.id,))])
    calendar.day += timedelta(days=180)
    assert len(journal.questions.all()) == 1
    calendar.day += timedelta(days=1)
    if how == "on opening":
        journal.close()
        journal = Journal(file, gap_days=180, today=calendar)
    with closing(journal):
        if how == "by the next use":
            assert journal.questions.all() == []
        assert journal.questions.gaps() == {}
        assert b"walrus" not in everything_on_disk(file)


# ---- Without texts ----


def test_without_texts_only_counts_are_kept(file, calendar):
    """By language, outcome and nearest documents; nothing in the file is made of the words."""
    with closing(Journal(file, gap_texts=False, today=calendar)) as journal:
        for text in ("A walrus fee?", "The walrus visa?"):
            journal.questions.record(refusal(text))
        journal.questions.record(refusal("En hvalross?", language="nb"))
        journal.questions.record(answered("Fees and walruses?", "partly", "walruses"))
        kept = journal.questions.all()
        assert [(one.question.text, one.question.missing, one.question.count) for one in kept] == [
            (None, None, 2), (None, None, 1), (None, None, 1),
        ]  # fmt: skip
    assert not [word for word in (b"walrus", b"hvalross", b"visa") if word in everything_on_disk(file)]


def test_words_are_erased_where_they_are_not_wanted_any_more(file, calendar):
    """The counts stay; groups, which were formed by meaning, go."""
    with closing(Journal(file, today=calendar)) as journal:
        for text in ("A walrus fee?", "A walrus fee?", "The walrus visa?"):
            journal.questions.record(refusal(text))
        journal.questions.place([Placed(None, tuple(one.question.id for one in journal.questions.all()))])
    with closing(Journal(file, gap_texts=False, today=calendar)) as journal:
        kept = journal.questions.all()
        assert [(one.question.text, one.question.count, one.gap) for one in kept] == [(None, 2, None), (None, 1, None)]
        assert journal.questions.gaps() == {}
    assert b"walrus" not in everything_on_disk(file)


# ---- What did not help ----


GIVEN = {"why": None, "outcome": "answered", "reason": None, "language": "en", "documents": [("fees.md", "v1")]}


def test_what_did_not_help_counts_while_its_feedback_is_there(journal, questions, file):
    """Deleted with it, by those who gave it."""
    ids = [
        journal.give_feedback(**GIVEN, helpful=False, question="q", in_vain=answered("A walrus fee?")) for _ in range(2)
    ]
    (kept,) = questions.all()
    assert (kept.question.kind, kept.question.outcome, kept.question.count) == ("unhelpful", "answered", 2)
    journal.delete_feedback(ids[:1])
    assert [kept.question.count for kept in questions.all()] == [1]
    journal.delete_feedback(ids)
    assert questions.all() == []
    assert b"walrus" not in everything_on_disk(file)


def test_feedback_that_is_replaced_takes_its_question_along(journal, questions):
    """Helpful after all, or not shared any more; sent twice it counts once."""
    id_ = journal.give_feedback(**GIVEN, helpful=False, in_vain=answered("A walrus fee?"))
    journal.give_feedback(**GIVEN, helpful=False, in_vain=answered("A walrus fee?"), replaces=id_)
    assert [kept.question.count for kept in questions.all()] == [1]
    journal.give_feedback(**GIVEN, helpful=True, replaces=id_)
    assert questions.all() == []


def test_a_refusal_that_did_not_help_is_counted_once(journal, questions):
    """It was when it was refused."""
    questions.record(refusal("A walrus fee?"))
    journal.give_feedback(**GIVEN, helpful=False, in_vain=refusal("A walrus fee?"))
    assert [(kept.question.kind, kept.question.count) for kept in questions.all()] == [("refused", 1)]


# ---- Groups ----


@pytest.fixture
def placed(questions):
    """Three questions in two groups; return the ids of both."""
    for text in ("A walrus fee?", "The walrus price?", "A heron visa?"):
        questions.record(refusal(text))
    first, second, third = (kept.question.id for kept in questions.all())
    questions.place([Placed(None, (first, second)), Placed(None, (third,))])
    return first, second, third


def test_groups_get_ids_that_are_never_given_twice(questions, placed):
    """A link to a group that is gone leads to no other."""
    assert {id_: (gap.status, gap.by_staff) for id_, gap in questions.gaps().items()} == {
        1: ("open", False),
        2: ("open", False),
    }
    questions.place([Placed(1, placed)])
    assert list(questions.gaps()) == [1]
    questions.place([Placed(None, placed[2:])])
    assert list(questions.gaps()) == [1, 3]


def test_a_group_is_answered_when_every_question_is(questions, placed):
    """And says so once."""
    first, second, _ = placed
    assert questions.mark({first: True, second: False}) == []
    assert questions.mark({second: True}) == [1]
    assert questions.mark({first: True, second: True}) == []
    assert {id_: gap.status for id_, gap in questions.gaps().items()} == {1: "answered", 2: "open"}
    assert [kept.question.answered_now for kept in questions.all()] == [True, True, None]


@pytest.mark.parametrize("again", ["the same question", "another one that joins"])
def test_an_answered_group_is_open_again_when_founders_ask_in_vain(questions, placed, again):
    """Whoever set it to answered."""
    questions.set_status(1, "answered", "written")
    if again == "the same question":
        questions.record(refusal("A walrus fee?"))
    else:
        questions.record(refusal("What do walruses cost?"))
        questions.place([Placed(1, (*placed[:2], questions.all()[-1].question.id))])
    assert (questions.gaps()[1].status, questions.gaps()[1].note) == ("open", "written")
    assert questions.all()[0].question.answered_now is None


@pytest.mark.parametrize("status", ["writing", "out_of_scope"])
def test_another_status_stays(questions, placed, status):
    """Staff know better."""
    questions.set_status(1, status)
    questions.record(refusal("A walrus fee?"))
    assert questions.gaps()[1].status == status
