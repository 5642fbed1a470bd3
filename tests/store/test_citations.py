"""How often each document was cited: a number and a day, nothing else, written now and then."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import pytest

from assistant.domain import Answer, Citation, Query
from assistant.errors import DataFolderError
from assistant.store.journal import Journal


@pytest.fixture
def answer():
    """Return an answer that cites these documents, each with a quote of its own."""

    def make(*documents: str) -> Answer:
        cited = tuple(
            Citation(number, "Words.", document, "v", "Title", "en", None, None, None, 0, 6, None)
            for number, document in enumerate(documents, start=1)
        )
        return Answer("Words.", "answered", "en", Query("A question?", "A question?", "en"), citations=cited)

    return make


def test_an_answer_counts_once_for_each_document(tmp_path, answer):
    """However many quotes it takes from it; days are those of the first count; a restart keeps all of it."""
    file = tmp_path / "journal.sqlite"
    with closing(Journal(file, today=lambda: date(2026, 11, 22))) as journal:
        assert journal.citations.counts() == {}
        assert journal.citations.since is None
        journal.record(answer("a.md", "a.md", "b.md"))
        journal.record(answer("a.md"))
        journal.record(answer())
        assert journal.citations.counts() == {"a.md": 2, "b.md": 1}
        journal.record(answer("b.md"))
    with closing(Journal(file, today=lambda: date(2026, 11, 23))) as journal:
        journal.record(answer("c.md"))
        assert journal.citations.counts() == {"a.md": 2, "b.md": 2, "c.md": 1}
        assert journal.citations.since == date(2026, 11, 22)


def test_no_word_of_question_or_answer_is_kept(tmp_path, answer):
    """Only the document's id, two days and a number."""
    file = tmp_path / "journal.sqlite"
    with closing(Journal(file)) as journal:
        journal.record(answer("a.md"))
    assert b"A question" not in file.read_bytes()
    assert b"Words." not in file.read_bytes()


def test_what_cannot_be_written_is_counted_later(tmp_path, answer):
    """A full disk loses no count."""
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        journal.record(answer("a.md"))
        connection = journal._opened._connection
        connection.execute("PRAGMA query_only = ON")
        with pytest.raises(DataFolderError, match="cannot be written"):
            journal.citations.write()
        connection.execute("PRAGMA query_only = OFF")
        assert journal.citations.counts() == {"a.md": 1}
