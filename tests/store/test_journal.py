"""The journal: feedback and saved conversations, kept as they were, for their days, and then really gone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta

import pytest

from assistant.domain import Answer, Chunk, Citation, Hit, Query, Turn
from assistant.errors import DataFolderError
from assistant.store import journal as room
from assistant.store.journal import Journal, SavedExchange, SavedLink

SECRET = "The walrus fee of our secret product Ærfugl"
CITATION = Citation(
    number=1, quote="The fee is 4,711\tdollars.", document="programme/mentors – ny.pdf", version="ab" * 32,
    title="Mentors «2024»", language="nn", page=3, page_label="iii", heading="Costs", start=17, end=42,
    source_url="https://publisher.example/mentors", publisher="The Harbour Office", published="2024-03",
    checked="2026-11-22", valid_until="2027", status="draft", dated=True, also_in=("a.md", "b.md"),
)  # fmt: skip
QUERY = Query("And the fee?", "What is the walrus fee?", "nb", (Turn("Who pays?", "The heron [1]."),))
CHUNK = Chunk("m:ab:0", CITATION.document, CITATION.version, "The fee", 0, 7, "Mentors", None, 3, "en")
# No field has its default, so that one which is lost is missed.
ANSWER = Answer(
    text="The fee is 4,711\tdollars. [1]\n\nThe documents do not answer this part.", outcome="partly", language="nb",
    query=QUERY, reason="false_premise", missing="what a “place” costs", nearest=("x.md", "y.md"),
    citations=(CITATION, replace(CITATION, number=2, page=None, page_label=None, also_in=())),
    hits=(Hit(CHUNK, 1, 0.5),), seconds=0.1 + 0.2, evidence=1 / 3, model="openai:gpt", left_out=2, complete=False,
)  # fmt: skip
GIVEN = {
    "helpful": False, "why": "Prisen mangler", "outcome": "partly", "reason": "false_premise", "language": "nb",
    "documents": [("a.md", "v1"), ("b.md", "v2")],
}  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    """One exchange as a page might have it, with more than the journal keeps."""

    question: str = "And the fee?"
    answer: Answer | None = ANSWER
    failure: str | None = "The model is gone."
    failed: bool = True
    stopped: bool = True
    titles: dict[str, str] = field(default_factory=lambda: {"x.md": "Ex & <why>"})
    suggestions: tuple[str, ...] = ("What else?",)


class Calendar:
    """Days that pass when a test says so."""

    def __init__(self) -> None:
        self.day = date(2026, 11, 22)

    def __call__(self) -> date:
        return self.day


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


def everything_on_disk(file) -> bytes:
    """Return the bytes of all files in the journal's folder."""
    return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))


# ---- Saved conversations ----


def test_a_saved_conversation_comes_back_as_it_was(journal, file):
    """Every field that a page shows or exports survives, also a restart; notes of the search are not kept."""
    unset = [one.name for noun in (ANSWER, CITATION) for one in fields(noun) if getattr(noun, one.name) == one.default]
    assert unset == [], "a field at its default would not be missed"
    nothing = Exchange("Why?", answer=None, failure=None, failed=False, stopped=False, titles={})
    link = journal.save([Exchange(), nothing], "nb")
    journal.close()
    with closing(Journal(file)) as again:
        snapshot = again.snapshot(link.id)
    kept = replace(ANSWER, hits=(), query=replace(QUERY, history=()))
    assert snapshot.exchanges == (
        SavedExchange("And the fee?", kept, "The model is gone.", True, True, {"x.md": "Ex & <why>"}),
        SavedExchange("Why?"),
    )
    assert (snapshot.id, snapshot.language) == (link.id, "nb")


@pytest.mark.parametrize("text", ["\ud800 alone", "nul \x00", "æøå 🧪 \u2028", "'; DROP TABLE snapshots; --"])
def test_any_text_can_be_saved(journal, text):
    """What a browser can send comes back exactly."""
    link = journal.save([Exchange(text)], "en")
    assert journal.snapshot(link.id).exchanges[0].question == text


def test_a_link_lasts_to_the_end_of_its_last_day(file, calendar):
    """It tells the day; on the day after it is gone, from the file too."""
    with closing(Journal(file, saved_days=180, today=calendar)) as journal:
        link = journal.save([Exchange(SECRET)], "en")
        assert link.expires == date(2027, 5, 21)
        calendar.day = link.expires
        snapshot = journal.snapshot(link.id)
        assert (snapshot.created, snapshot.expires) == (date(2026, 11, 22), date(2027, 5, 21))
        calendar.day += timedelta(days=1)
        assert journal.snapshot(link.id) is None
        assert b"walrus" not in everything_on_disk(file)


def test_links_and_keys_hold_128_bits_and_differ(journal):
    """Nobody guesses one."""
    links = [journal.save([], "en") for _ in range(20)]
    made = {link.id for link in links} | {link.delete_key for link in links}
    assert len(made) == 40
    assert {len(one) for one in made} == {22}


def test_the_delete_key_opens_its_own_link_alone_and_is_not_stored(journal, file):
    """A wrong key changes nothing."""
    link, other = journal.save([Exchange()], "en"), journal.save([Exchange()], "en")
    assert link.delete_key.encode() not in everything_on_disk(file)
    for wrong in (other.delete_key, "", "x" * 22, "\ud800", link.delete_key.lower() + "x"):
        assert journal.delete_snapshot(link.id, wrong) is False
    assert journal.opens(link.id, link.delete_key)
    assert not journal.opens("unknown", link.delete_key)
    assert journal.snapshot(link.id) is not None
    assert journal.delete_snapshot(link.id, link.delete_key) is True
    assert journal.snapshot(link.id) is None
    assert journal.delete_snapshot(link.id, link.delete_key) is False
    assert journal.snapshot(other.id) is not None


def test_too_much_is_not_saved(file, calendar):
    """A conversation has a size and a day has a number, so that nobody fills the disk; the next day begins anew."""
    with closing(Journal(file, most_snapshots_a_day=2, today=calendar)) as journal:
        assert journal.save([Exchange("x" * room.MOST_SNAPSHOT_CHARACTERS)], "en") == "too_large"
        assert isinstance(journal.save([Exchange()], "en"), SavedLink)
        assert isinstance(journal.save([Exchange()], "en"), SavedLink)
        assert journal.save([Exchange()], "en") == "too_many_today"
        calendar.day += timedelta(days=1)
        assert isinstance(journal.save([Exchange()], "en"), SavedLink)


def test_a_full_journal_says_so_and_keeps_what_it_has(file):
    """The file has a largest size; what does not fit leaves nothing half-written."""
    with closing(Journal(file, most_bytes=270_000)) as journal:
        first, _, _ = (journal.save([Exchange("x" * 50_000)], "en") for _ in range(3))
        with pytest.raises(DataFolderError, match=r"journal .* cannot be written .*full.* Make room"):
            journal.save([Exchange("x" * 50_000)], "en")
        assert journal.snapshot(first.id) is not None
        assert journal.delete_snapshot(first.id, first.delete_key)
    assert file.stat().st_size <= 270_000


def test_rows_of_another_release_still_load(journal, file):
    """A field that the row lacks takes its default; one that this program does not know is passed over."""
    link = journal.save([Exchange()], "en")
    journal.close()
    with closing(sqlite3.connect(file)) as connection:
        values = json.loads(connection.execute("SELECT exchanges FROM snapshots").fetchone()[0])
        values[0]["mood"] = values[0]["answer"]["mood"] = values[0]["answer"]["citations"][0]["mood"] = "good"
        del values[0]["stopped"], values[0]["answer"]["left_out"], values[0]["answer"]["citations"][0]["also_in"]
        connection.execute("UPDATE snapshots SET exchanges = ?", (json.dumps(values),))
        connection.commit()
    with closing(Journal(file)) as again:
        (exchange,) = again.snapshot(link.id).exchanges
    assert (exchange.stopped, exchange.answer.left_out, exchange.answer.citations[0].also_in) == (False, 0, ())
    assert exchange.answer.text == ANSWER.text


# ---- Feedback ----


def test_feedback_is_kept_with_its_day_and_without_texts(journal, file):
    """What was judged can be read again; the question is not in it."""
    id_ = journal.give_feedback(**GIVEN)
    journal.close()
    with closing(Journal(file)) as again:
        (kept,) = again.feedback()
    assert kept == room.Feedback(
        id_, date(2026, 11, 22), False, "Prisen mangler", "partly", "false_premise", "nb",
        (("a.md", "v1"), ("b.md", "v2")),
    )  # fmt: skip
    assert len(id_) == 22


def test_feedback_holds_the_texts_that_were_shared(journal):
    """With the visitor's consent, and whatever letters they have."""
    journal.give_feedback(**GIVEN, question="Hva koster \ud800 det?", answer="Gebyret er 4 711 dollar. [1]")
    (kept,) = journal.feedback()
    assert (kept.question, kept.answer) == ("Hva koster ? det?", "Gebyret er 4 711 dollar. [1]")


def test_feedback_given_again_replaces(journal, file):
    """A visitor who changes their mind has said one thing, and what was shared before is gone."""
    id_ = journal.give_feedback(**GIVEN, question=SECRET, answer=SECRET * 500)
    assert journal.give_feedback(**{**GIVEN, "helpful": True, "why": None}, replaces=id_) == id_
    (kept,) = journal.feedback()
    assert (kept.helpful, kept.why, kept.question, kept.answer) == (True, None, None, None)
    assert b"walrus" not in everything_on_disk(file)


def test_feedback_that_replaces_nothing_is_new(journal):
    """An id that is gone is not given again: whoever deleted it has it no more."""
    gone = journal.give_feedback(**GIVEN)
    journal.delete_feedback([gone])
    assert journal.give_feedback(**GIVEN, replaces=gone) not in (gone, None)
    assert len(journal.feedback()) == 1


def test_feedback_is_erased_by_its_ids(journal, file):
    """Only those named, however often; and their words are in no file any more."""
    ids = [journal.give_feedback(**GIVEN, question=SECRET, answer=SECRET * 500) for _ in range(3)]
    other = journal.give_feedback(**GIVEN)
    assert b"walrus" in everything_on_disk(file)
    assert journal.delete_feedback([*ids, ids[0], "unknown"]) == 3
    assert [kept.id for kept in journal.feedback()] == [other]
    assert b"walrus" not in everything_on_disk(file)


@pytest.mark.parametrize("how", ["by the next use", "by clear", "on opening"])
def test_feedback_ends_after_its_days(file, calendar, how):
    """Also where nobody asks for it: a server runs for months, or is started again."""
    journal = Journal(file, feedback_days=365, today=calendar)
    journal.give_feedback(**{**GIVEN, "why": SECRET})
    calendar.day += timedelta(days=365)
    assert len(journal.feedback()) == 1
    calendar.day += timedelta(days=1)
    if how == "by clear":
        journal.clear()
    if how == "on opening":
        journal.close()
        journal = Journal(file, feedback_days=365, today=calendar)
    with closing(journal):
        if how == "by the next use":
            assert journal.feedback() == []
        assert b"walrus" not in everything_on_disk(file)


def test_feedback_has_a_number_a_day(file, calendar):
    """Changing what was said still works."""
    with closing(Journal(file, most_feedback_a_day=2, today=calendar)) as journal:
        first, _ = journal.give_feedback(**GIVEN), journal.give_feedback(**GIVEN)
        assert journal.give_feedback(**GIVEN) is None
        assert journal.give_feedback(**GIVEN, replaces=first) == first
        calendar.day += timedelta(days=1)
        assert journal.give_feedback(**GIVEN) is not None


# ---- In the data folder ----


def test_the_assistant_keeps_its_journal_through_rebuilds_and_a_lost_library(open_over, data):
    """It opens it with the days of the settings, closes it, and builds nothing of it anew."""
    assistant = open_over(warm=False, saved_days=3, feedback_days=4)
    assert (assistant.journal.saved_days, assistant.journal.feedback_days) == (3, 4)
    link = assistant.journal.save([Exchange()], "en")
    assistant.rebuild()
    assistant.close()
    with pytest.raises(DataFolderError, match=r"journal .* cannot be read"):
        assistant.journal.feedback()
    for path in data.glob("library.sqlite*"):
        path.unlink()
    assert open_over(warm=False).journal.snapshot(link.id).exchanges[0].question == "And the fee?"
