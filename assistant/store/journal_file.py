"""The journal's file: one SQLite database beside the library, its format, its transactions, what becomes of damage.

It lies apart from the library, which can be built anew from the corpus, the journal from nothing. `journal.py`,
`questions.py` and `deeds.py` say what stands in it.

Erasing is real: SQLite overwrites deleted rows with zeros, and without a write-ahead log no second file keeps them.
What remains is out of our hands: blocks of the disk that held the rollback log of that change, and backups.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from assistant.errors import DataFolderError

logger = logging.getLogger(__name__)

Connection = sqlite3.Connection
# Erases what is too old on that day, inside a transaction.
Erase = Callable[[Connection, date], None]

# Step n leads from format n to format n + 1. A step that was released never changes: a new need is a new step.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE feedback (
        id TEXT PRIMARY KEY, day TEXT NOT NULL, helpful INTEGER NOT NULL, why TEXT,
        outcome TEXT NOT NULL, reason TEXT, language TEXT NOT NULL, documents TEXT NOT NULL,
        question TEXT, answer TEXT);
    CREATE INDEX feedback_by_day ON feedback (day)
    """,
    """
    CREATE TABLE snapshots (
        id TEXT PRIMARY KEY, key_hash TEXT NOT NULL, created TEXT NOT NULL, expires TEXT NOT NULL,
        language TEXT NOT NULL, exchanges TEXT NOT NULL);
    CREATE INDEX snapshots_by_creation ON snapshots (created);
    CREATE INDEX snapshots_by_expiry ON snapshots (expires)
    """,
    """
    CREATE TABLE questions (
        id INTEGER PRIMARY KEY AUTOINCREMENT, same TEXT NOT NULL, kind TEXT NOT NULL, text TEXT,
        language TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT, missing TEXT, documents TEXT NOT NULL,
        first_day TEXT NOT NULL, last_day TEXT NOT NULL, answered_now INTEGER, gap INTEGER,
        UNIQUE (same, kind));
    CREATE INDEX questions_by_first_day ON questions (first_day);
    CREATE INDEX questions_by_last_day ON questions (last_day);
    CREATE INDEX questions_by_gap ON questions (gap);
    CREATE TABLE question_months (
        question INTEGER NOT NULL, month TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (question, month));
    CREATE TABLE shared_questions (
        feedback TEXT PRIMARY KEY, question INTEGER NOT NULL, month TEXT NOT NULL);
    CREATE TABLE gaps (
        id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT NOT NULL, note TEXT NOT NULL, by_staff INTEGER NOT NULL)
    """,
    """
    CREATE TABLE deeds (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, by TEXT NOT NULL, action TEXT NOT NULL,
        document TEXT NOT NULL, title TEXT NOT NULL, detail TEXT NOT NULL, undo TEXT, undone INTEGER NOT NULL);
    CREATE INDEX deeds_by_document ON deeds (document)
    """,
    """
    CREATE TABLE cited (
        document TEXT PRIMARY KEY, first_day TEXT NOT NULL, last_day TEXT NOT NULL, count INTEGER NOT NULL)
    """,
)
FORMAT = len(MIGRATIONS)
# Against a program that fills the disk: far more than a cohort leaves behind.
MOST_BYTES = 2_000_000_000
# SQLite's primary result codes SQLITE_CORRUPT and SQLITE_NOTADB.
_DAMAGE = (11, 26)


def utc_today() -> date:
    """Return the day it is, UTC."""
    return datetime.now(UTC).date()


class JournalFile:
    """The open file; safe to use from several threads."""

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES, today: Callable[[], date] = utc_today) -> None:
        """Open the file, creating it when it is missing.

        A damaged one is set aside under another name, beside it, and a new one begun: the log says so.

        Args:
            most_bytes: How large the file may grow.
            today: Returns the day it is (UTC).

        Raises:
            DataFolderError: It cannot be opened or set aside, or a newer program wrote it.
        """
        self.path = path
        self.set_aside: Path | None = None
        self.today = today
        self._most_bytes = most_bytes
        self._lock = threading.RLock()
        self._erases: list[Erase] = []
        self._erased_on: date | None = None
        try:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self.set_aside = _put_aside(path)
                logger.warning(
                    "The journal %s is damaged (%s). It was set aside as %s and a new one begun: feedback, saved "
                    "links, questions asked in vain and the history of the staff desk of before are in that file "
                    "alone; restore a backup of it if there is one.",
                    path, error, self.set_aside.name,
                )  # fmt: skip
                self._open()
        except (sqlite3.Error, OSError) as error:
            raise DataFolderError(
                f"The journal {path} cannot be opened ({error}). Check that the folder can be written and has room."
            ) from error

    def each_day(self, erase: Erase) -> None:
        """Erase what is too old now, and again with the first use of each day.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._lock:
            self._erases.append(erase)
            self.clear()

    def clear(self) -> None:
        """Erase what is past its last day.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._lock:
            self._erased_on = None
            with self.writing():
                pass

    def close(self) -> None:
        """Close the file; twice is no error."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction; a full or read-only disk becomes one sentence, with nothing half-written.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        try:
            with self._transaction() as connection:
                self._erase_once_a_day()
                yield connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise  # a mistake of ours
            raise DataFolderError(
                f"The journal {self.path} cannot be written ({error}). "
                "Make room or make the data folder writable; a damaged journal is set aside at the next start."
            ) from error

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a question to the database.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        with self._lock:
            if self._erased_on != self.today():
                self.clear()
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except sqlite3.DatabaseError as error:
                raise DataFolderError(
                    f"The journal {self.path} cannot be read ({error}). Check the disk; a damaged journal is set aside "
                    "at the next start."
                ) from error

    def _open(self) -> None:
        if not self.path.exists():
            self.path.touch(mode=0o600)
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        try:
            # No write-ahead log: what is erased must not live on in a second file.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA secure_delete = ON")
            page_bytes = connection.execute("PRAGMA page_size").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {max(self._most_bytes // page_bytes, 1)}")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise _Damaged(verdict)
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _migrate(self, connection: Connection) -> None:
        """Bring an older file up to date, step by step; each step is one transaction with its format number."""
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            raise DataFolderError(
                f"The journal {self.path} has format {found} and this program reads format {FORMAT}. "
                "Use the program's matching release, or another data folder."
            )
        for step in range(found, FORMAT):
            connection.execute("BEGIN IMMEDIATE")
            for statement in MIGRATIONS[step].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            connection.execute("COMMIT")

    def _erase_once_a_day(self) -> None:
        """Erase what is too old, where that was not done today; inside a transaction."""
        today = self.today()
        if self._erased_on == today:
            return
        for erase in self._erases:
            erase(self._connection, today)
        self._erased_on = today

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            erased_on = self._erased_on
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._erased_on = erased_on
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise


def storable(text: str) -> str:
    """Return the text without lone surrogates, which a browser can send and SQLite cannot keep."""
    return text.encode("utf-8", "replace").decode("utf-8")


class _Damaged(sqlite3.DatabaseError):
    """SQLite's own check of the file found something."""


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether the file itself is at fault, rather than the disk, the folder or another process."""
    return isinstance(error, _Damaged) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _put_aside(file: Path) -> Path:
    """Give a damaged file, and the log that belongs to it, a name that is free; return the file's."""
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    log = file.with_name(f"{file.name}-journal")
    if log.exists():
        log.rename(aside.with_name(f"{aside.name}-journal"))
    return file.rename(aside)
