"""The journal's file: its format, what it never holds, and what becomes of damage, a full disk and many threads."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import pytest

from assistant.domain import Answer, Query
from assistant.errors import DataFolderError
from assistant.store.journal import Journal
from assistant.store.journal_file import FORMAT, MIGRATIONS, JournalFile

SECRET = "The walrus fee of our secret product Ærfugl"
GIVEN = {
    "helpful": False, "why": "Prisen mangler", "outcome": "partly", "reason": "false_premise", "language": "nb",
    "documents": [("a.md", "v1"), ("b.md", "v2")],
}  # fmt: skip
REFUSED = Answer(
    "The documents say nothing on this.", "abstained", "en", Query(SECRET, SECRET, "en"), "not_covered",
    nearest=("a.md",),
)  # fmt: skip


@dataclass(frozen=True)
class Exchange:
    """One exchange as a page might have it."""

    question: str = "And the fee?"
    answer: Answer | None = None
    failure: str | None = None
    failed: bool = False
    stopped: bool = False
    titles: tuple[()] = ()


def today() -> date:
    """Return a day that does not pass."""
    return date(2026, 11, 22)


@pytest.fixture
def file(tmp_path):
    """Where the journal lies."""
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(file):
    """An empty journal."""
    with closing(Journal(file, today=today)) as opened:
        yield opened


def test_it_knows_no_visitor_and_no_moment(journal, file):
    """The columns are these; a day is the smallest time in them, but for what staff do."""
    journal.save([Exchange()], "en")
    journal.give_feedback(**GIVEN)
    journal.questions.record(REFUSED)
    with closing(sqlite3.connect(file)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = {
            table: " ".join(row[1] for row in connection.execute(f"PRAGMA table_info({table})"))
            for table in tables
            if not table.startswith("sqlite_")
        }
        days = connection.execute(
            "SELECT day FROM feedback UNION SELECT created FROM snapshots UNION SELECT first_day FROM questions "
            "UNION SELECT last_day FROM questions"
        ).fetchall()
    assert columns == {
        "feedback": "id day helpful why outcome reason language documents question answer",
        "snapshots": "id key_hash created expires language exchanges",
        "questions": "id same kind text language outcome reason missing documents first_day last_day answered_now gap",
        "question_months": "question month count",
        "cited": "document first_day last_day count",
        "shared_questions": "feedback question month",
        "gaps": "id status note by_staff",
        "deeds": "id at by action document title detail undo undone",
    }
    assert days == [("2026-11-22",)]


def test_nobody_else_on_the_machine_reads_it(journal, file):
    """It may hold what visitors shared."""
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("start", range(FORMAT))
def test_an_older_format_is_brought_up_to_date_step_by_step(file, start):
    """What was in it stays, whatever release wrote it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(";".join(MIGRATIONS[:start]))
        connection.execute(f"PRAGMA user_version = {start}")
        if start:
            connection.execute(
                "INSERT INTO feedback VALUES ('old', '2026-11-01', 1, NULL, 'answered', NULL, 'en', '[]', NULL, NULL)"
            )
        connection.commit()
    with closing(Journal(file, today=today)) as journal:
        assert [kept.id for kept in journal.feedback()] == ["old"] * bool(start)
        assert journal.snapshot(journal.save([Exchange()], "en").id) is not None
        journal.questions.record(REFUSED)
        assert len(journal.questions.all()) == 1
        assert journal.deeds.add("Kari", "published", "a.md", "A") == 1
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT


def test_a_newer_format_is_left_alone(file):
    """An older program would not know what it drops."""
    Journal(file).close()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = file.read_bytes()
    with pytest.raises(DataFolderError, match=rf"journal .* has format 99 and this program reads format {FORMAT}"):
        Journal(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["no database", "torn page", "cut off"])
def test_a_damaged_journal_is_set_aside_and_a_new_one_begun(file, damage, caplog):
    """The assistant goes on; what is left of the old file is not deleted, and the log says where it is."""
    with closing(Journal(file)) as journal:
        for _ in range(40):
            journal.give_feedback(**GIVEN, question=SECRET)
    whole = file.read_bytes()
    broken = {
        "no database": b"no database " * 1000,
        "torn page": whole[:4096] + b"\xff" * 4096 + whole[8192:],
        "cut off": whole[: len(whole) // 2],
    }[damage]
    file.write_bytes(broken)
    with closing(Journal(file)) as journal:
        assert journal.feedback() == []
        assert journal.give_feedback(**GIVEN)
        assert journal.set_aside.name == "journal.sqlite.damaged-1"
        assert journal.set_aside.read_bytes() == broken
    assert "is damaged" in caplog.text
    assert "journal.sqlite.damaged-1" in caplog.text
    file.write_bytes(broken)
    with closing(Journal(file)) as journal:
        assert journal.set_aside.name == "journal.sqlite.damaged-2"


@pytest.mark.parametrize(
    "place", ["/proc/nowhere/journal.sqlite", "{tmp}/file/journal.sqlite"], ids=["no folder", "file"]
)
def test_a_place_that_cannot_hold_it_gets_one_sentence(tmp_path, place):
    """Nothing is set aside for a folder that is missing."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderError, match=r"The journal .* cannot be opened .* Check that the folder"):
        Journal(type(tmp_path)(place.format(tmp=tmp_path)))


def test_damage_that_shows_later_gets_one_sentence(journal, file):
    """A visitor is told that it cannot be read now; the next start sets it aside."""
    link = journal.save([Exchange("x" * 100_000)], "en")
    with file.open("r+b") as open_file:
        open_file.write(b"\xff" * 200_000)
    with pytest.raises(DataFolderError, match=r"journal .* cannot be read .* set aside at the next start"):
        journal.snapshot(link.id)


def test_threads_share_it(journal):
    """Every save and every word of feedback arrives once."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                link = journal.save([Exchange()], "en")
                assert journal.snapshot(link.id).exchanges[0].question == "And the fee?"
                journal.give_feedback(**GIVEN)
                assert journal.delete_snapshot(link.id, link.delete_key)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({kept.id for kept in journal.feedback()}) == 30


def test_what_is_too_old_goes_once_a_day(file):
    """Each room says what that is; it is asked on opening and with the first use of a day."""
    days = [date(2026, 11, 22)]
    asked = []
    with closing(JournalFile(file, today=lambda: days[-1])) as opened:
        opened.each_day(lambda connection, day: asked.append(day))
        opened.rows("SELECT 1")
        assert asked == days
        days.append(date(2026, 11, 23))
        opened.rows("SELECT 1")
        with opened.writing():
            pass
        assert asked == days
        days.append(date(2026, 11, 24))
        with opened.writing():
            pass
        assert asked == days
