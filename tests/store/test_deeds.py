"""The history of the staff desk: who did what, newest first, and what it takes to undo it."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from assistant.store.deeds import Deeds
from assistant.store.journal_file import JournalFile


@pytest.fixture
def deeds(tmp_path):
    """A desk at which nothing was done yet."""
    with closing(JournalFile(tmp_path / "journal.sqlite")) as file:
        yield Deeds(file)


def test_what_was_done_is_told_newest_first(deeds):
    """To all documents or to one, and as many as are wanted."""
    first = deeds.add("Kari", "published", "a.md", "Fees", "title")
    second = deeds.add("Ola", "edited", "b.md", "Visas")
    third = deeds.add("Kari", "withdrawn", "a.md", "Fees")
    assert [deed.id for deed in deeds.all()] == [third, second, first]
    assert [deed.id for deed in deeds.all("a.md")] == [third, first]
    assert [deed.id for deed in deeds.all(limit=1)] == [third]
    deed = deeds.get(first)
    assert (deed.by, deed.action, deed.document, deed.title, deed.detail) == (
        "Kari", "published", "a.md", "Fees", "title",
    )  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", deed.at)
    assert deeds.get(99) is None


def test_what_can_be_undone_is_undone_once(deeds):
    """The values come back as they were; after that the deed stays in the history and can be undone no more."""
    undo = {"version": "ab", "metadata": {"title": "Å «x»", "stage": ["S1"]}}
    able, unable = deeds.add("Kari", "edited", "a.md", "A", undo=undo), deeds.add("Kari", "erased", "a.md", "A")
    assert (deeds.get(able).undoable, deeds.get(unable).undoable) == (True, False)
    assert (deeds.undo_of(able), deeds.undo_of(unable), deeds.undo_of(99)) == (undo, None, None)
    assert [deeds.mark_undone(able) for _ in range(2)] == [True, False]
    assert deeds.mark_undone(99) is False
    assert deeds.get(able).undoable is False
    assert deeds.undo_of(able) is None


def test_after_an_erasure_nothing_of_the_document_can_be_undone(deeds, tmp_path):
    """The old values are gone from the file; those of other documents stay."""
    gone = deeds.add("Kari", "edited", "a.md", "A", undo={"title": "the walrus fee"})
    other = deeds.add("Kari", "edited", "b.md", "B", undo={"title": "B"})
    deeds.forget_undo("a.md")
    assert (deeds.undo_of(gone), deeds.undo_of(other)) == (None, {"title": "B"})
    assert b"walrus" not in (tmp_path / "journal.sqlite").read_bytes()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("  Kari \n\t Nordmann ", "Kari Nordmann", id="white space"),
        pytest.param("Kari\x00\u202e\ud800N", "Kari N", id="what cannot be printed"),
        pytest.param("K" * 100, "K" * 60, id="long"),
        pytest.param("Åse Ærfugl-Øy 李", "Åse Ærfugl-Øy 李", id="letters of all kinds"),
        pytest.param("\u200b ", "?", id="nothing"),
    ],
)
def test_a_name_is_one_short_printable_line(deeds, given, kept):
    """It is not checked, so it must do no harm where it is shown."""
    assert deeds.get(deeds.add(given, "published", "a.md", "A")).by == kept


def test_the_history_outlives_a_restart(deeds, tmp_path):
    """It is kept until the journal is deleted, and ids are never given twice."""
    id_ = deeds.add("Kari", "published", "a.md\ud800", "A\ud800")
    with closing(JournalFile(tmp_path / "journal.sqlite")) as file:
        again = Deeds(file)
        assert [deed.document for deed in again.all()] == ["a.md?"]
        assert again.add("Kari", "published", "a.md", "A") > id_
