"""The only door to the journal: feedback, and the conversations that visitors saved under a link.

One SQLite file beside the library but apart from it: the library can be built anew from the corpus, the journal from
nothing. It knows no person: no address, no cookie, no session, and of a moment only its day (UTC). Texts are in it
only where a visitor pressed *Save link* or agreed to share a question; both end by themselves after their days.

Erasing is real: SQLite overwrites deleted rows with zeros, and without a write-ahead log no second file keeps them.
What remains is out of our hands: blocks of the disk that held the rollback log of that change, and backups.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from assistant.domain import Answer, Citation, Outcome, Query, Reason
from assistant.errors import DataFolderError

logger = logging.getLogger(__name__)

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
)
FORMAT = len(MIGRATIONS)

# An answer with its citations takes some 10 kB; a conversation holds 50.
MOST_SNAPSHOT_CHARACTERS = 1_000_000
# Against a program that fills the disk: far more than a cohort saves or says in a day.
MOST_SNAPSHOTS_A_DAY = 2_000
MOST_FEEDBACK_A_DAY = 5_000
MOST_BYTES = 2_000_000_000
_KEY_BYTES = 16
# SQLite's primary result codes SQLITE_CORRUPT and SQLITE_NOTADB.
_DAMAGE = (11, 26)

Full = Literal["too_large", "too_many_today"]


class Said(Protocol):
    """One question of a conversation and what became of it, as the page has it."""

    @property
    def question(self) -> str:
        """The question as asked."""
        ...

    @property
    def answer(self) -> Answer | None:
        """The answer, or None where there was none."""
        ...

    @property
    def failure(self) -> str | None:
        """The sentence that was shown instead of an answer, or None."""
        ...

    @property
    def failed(self) -> bool:
        """Whether something unforeseen happened."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the visitor stopped the answer."""
        ...

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the documents that the answer names only by id."""
        ...


@dataclass(frozen=True, slots=True)
class SavedExchange:
    """One question of a saved conversation, see `Said`; the answer without its hits and its query's history."""

    question: str
    answer: Answer | None = None
    failure: str | None = None
    failed: bool = False
    stopped: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A saved conversation, as it was.

    Attributes:
        created: The day it was saved.
        expires: The last day on which it can be opened.
        language: The interface's language when it was saved.
    """

    id: str
    created: date
    expires: date
    language: str
    exchanges: tuple[SavedExchange, ...]


@dataclass(frozen=True, slots=True)
class SavedLink:
    """What a visitor gets for saving.

    Attributes:
        id: 128 random bits: whoever has it can read the snapshot.
        delete_key: 128 more: whoever has it too can delete the snapshot. It is told here and never stored.
        expires: The last day on which it can be opened.
    """

    id: str
    delete_key: str
    expires: date


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody thought of an answer.

    Attributes:
        id: 128 random bits, known to the visitor's browser, which can delete or replace it with them.
        day: When it was given, or last changed.
        why: In the visitor's words, or None.
        language: The interface's.
        documents: Each document that the answer cites, with the version cited.
        question: As asked, only where the visitor agreed to share it; `answer` likewise.
    """

    id: str
    day: date
    helpful: bool
    why: str | None
    outcome: Outcome
    reason: Reason | None
    language: str
    documents: tuple[tuple[str, str], ...]
    question: str | None = None
    answer: str | None = None


class Journal:
    """Feedback and saved conversations in one SQLite file; safe to use from several threads.

    What is too old goes on opening and with the first use of each day.
    """

    def __init__(
        self,
        file: Path,
        *,
        saved_days: int = 180,
        feedback_days: int = 365,
        most_snapshots_a_day: int = MOST_SNAPSHOTS_A_DAY,
        most_feedback_a_day: int = MOST_FEEDBACK_A_DAY,
        most_bytes: int = MOST_BYTES,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        """Open the journal, creating it when it is missing.

        A damaged one is set aside under another name, beside it, and a new one begun: the log says so.

        Args:
            saved_days: How long a new snapshot can be opened.
            feedback_days: How long feedback is kept.
            most_snapshots_a_day: Further ones are not taken; `most_feedback_a_day` likewise.
            most_bytes: How large the file may grow.
            today: Returns the day it is (UTC).

        Raises:
            DataFolderError: It cannot be opened or set aside, or a newer program wrote it.
        """
        self.file = file
        self.set_aside: Path | None = None
        self.saved_days = saved_days
        self.feedback_days = feedback_days
        self._most_snapshots_a_day = most_snapshots_a_day
        self._most_feedback_a_day = most_feedback_a_day
        self._most_bytes = most_bytes
        self._today = today
        self._lock = threading.RLock()
        self._cleared_on: date | None = None
        try:
            try:
                self._open()
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self.set_aside = _put_aside(file)
                logger.warning(
                    "The journal %s is damaged (%s). It was set aside as %s and a new one begun: feedback and saved "
                    "links of before are in that file alone; restore a backup of it if there is one.",
                    file, error, self.set_aside.name,
                )  # fmt: skip
                self._open()
        except (sqlite3.Error, OSError) as error:
            raise DataFolderError(
                f"The journal {file} cannot be opened ({error}). Check that the folder can be written and has room."
            ) from error

    # ---- Saved conversations ----

    def save(self, exchanges: Sequence[Said], language: str) -> SavedLink | Full:
        """Keep a conversation as it is now and return its link, or why it is not kept.

        Args:
            language: The interface's.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        content = json.dumps([_exchange_values(exchange) for exchange in exchanges])
        if len(content) > MOST_SNAPSHOT_CHARACTERS:
            return "too_large"
        link_id, delete_key = secrets.token_urlsafe(_KEY_BYTES), secrets.token_urlsafe(_KEY_BYTES)
        with self._writing() as connection:
            today = self._today()
            row = connection.execute("SELECT count(*) FROM snapshots WHERE created = ?", (today.isoformat(),))
            if row.fetchone()[0] >= self._most_snapshots_a_day:
                return "too_many_today"
            expires = today + timedelta(days=self.saved_days)
            connection.execute(
                "INSERT INTO snapshots (id, key_hash, created, expires, language, exchanges) VALUES (?, ?, ?, ?, ?, ?)",
                (link_id, _hash(delete_key), today.isoformat(), expires.isoformat(), language, content),
            )
        return SavedLink(link_id, delete_key, expires)

    def snapshot(self, link_id: str) -> Snapshot | None:
        """Return a saved conversation; None for one that is unknown, deleted or past its last day.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        rows = self._rows("SELECT created, expires, language, exchanges FROM snapshots WHERE id = ?", (link_id,))
        if not rows:
            return None
        created, expires, language, content = rows[0]
        exchanges = tuple(_exchange(values) for values in json.loads(content))
        return Snapshot(link_id, date.fromisoformat(created), date.fromisoformat(expires), language, exchanges)

    def opens(self, link_id: str, delete_key: str) -> bool:
        """Return whether the key is the one that deletes this snapshot; False where there is no such snapshot."""
        rows = self._rows("SELECT key_hash FROM snapshots WHERE id = ?", (link_id,))
        return bool(rows) and hmac.compare_digest(str(rows[0][0]), _hash(delete_key))

    def delete_snapshot(self, link_id: str, delete_key: str) -> bool:
        """Erase a saved conversation and return True; False, and nothing is changed, where the key is not its own.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        if not self.opens(link_id, delete_key):
            return False
        with self._writing() as connection:
            return connection.execute("DELETE FROM snapshots WHERE id = ?", (link_id,)).rowcount > 0

    # ---- Feedback ----

    def give_feedback(
        self,
        *,
        helpful: bool,
        why: str | None,
        outcome: Outcome,
        reason: Reason | None,
        language: str,
        documents: Sequence[tuple[str, str]],
        question: str | None = None,
        answer: str | None = None,
        replaces: str | None = None,
    ) -> str | None:
        """Keep feedback and return its id, or None where too much came in today.

        Args:
            documents: Ids and versions that the answer cites.
            question: Only where the visitor agreed to share it; `answer` likewise.
            replaces: The id of earlier feedback, which it takes over; one that is no longer here gets a new id.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        why, question, answer = (_storable(text) for text in (why, question, answer))
        values = (
            self._today().isoformat(), helpful, why, outcome, reason, language, json.dumps(list(documents)),
            question, answer,
        )  # fmt: skip
        with self._writing() as connection:
            if replaces is not None:
                changed = connection.execute(
                    "UPDATE feedback SET day = ?, helpful = ?, why = ?, outcome = ?, reason = ?, language = ?, "
                    "documents = ?, question = ?, answer = ? WHERE id = ?",
                    (*values, replaces),
                )
                if changed.rowcount:
                    return replaces
            row = connection.execute("SELECT count(*) FROM feedback WHERE day = ?", values[:1])
            if row.fetchone()[0] >= self._most_feedback_a_day:
                return None
            feedback_id = secrets.token_urlsafe(_KEY_BYTES)
            connection.execute(
                "INSERT INTO feedback (id, day, helpful, why, outcome, reason, language, documents, question, answer) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (feedback_id, *values),
            )
        return feedback_id

    def delete_feedback(self, ids: Sequence[str]) -> int:
        """Erase feedback and return how many there were; unknown ids are passed over.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._writing() as connection:
            deleted = [connection.execute("DELETE FROM feedback WHERE id = ?", (id_,)).rowcount for id_ in ids]
        return sum(deleted)

    def feedback(self) -> list[Feedback]:
        """Return all feedback, oldest first.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        rows = self._rows(
            "SELECT id, day, helpful, why, outcome, reason, language, documents, question, answer "
            "FROM feedback ORDER BY day, rowid"
        )
        return [_feedback(*row) for row in rows]

    # ---- The file ----

    def clear(self) -> None:
        """Erase what is past its last day; called by itself on opening and with the first use of each day.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._lock:
            self._cleared_on = None
            with self._writing():
                pass

    def close(self) -> None:
        """Close the file; twice is no error."""
        with self._lock:
            self._connection.close()

    def _open(self) -> None:
        if not self.file.exists():
            self.file.touch(mode=0o600)
        connection = sqlite3.connect(self.file, check_same_thread=False, isolation_level=None)
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
            self._connection = connection
            with self._transaction():
                self._clear_once_a_day()
        except BaseException:
            connection.close()
            raise

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Bring an older file up to date, step by step; each step is one transaction with its format number."""
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            raise DataFolderError(
                f"The journal {self.file} has format {found} and this program reads format {FORMAT}. "
                "Use the program's matching release, or another data folder."
            )
        for step in range(found, FORMAT):
            connection.execute("BEGIN IMMEDIATE")
            for statement in MIGRATIONS[step].split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")
            connection.execute("COMMIT")

    def _clear_once_a_day(self) -> None:
        """Erase what is too old, where that was not done today; inside a transaction."""
        today = self._today()
        if self._cleared_on == today:
            return
        oldest = today - timedelta(days=self.feedback_days)
        self._connection.execute("DELETE FROM snapshots WHERE expires < ?", (today.isoformat(),))
        self._connection.execute("DELETE FROM feedback WHERE day < ?", (oldest.isoformat(),))
        self._cleared_on = today

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            cleared_on = self._cleared_on
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._cleared_on = cleared_on
                if self._connection.in_transaction:  # a full disk may have rolled it back already
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a full or read-only disk becomes one sentence, with nothing half-written."""
        try:
            with self._transaction() as connection:
                self._clear_once_a_day()
                yield connection
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError):
                raise  # a mistake of ours
            raise DataFolderError(
                f"The journal {self.file} cannot be written ({error}). "
                "Make room or make the data folder writable; a damaged journal is set aside at the next start."
            ) from error

    def _rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            if self._cleared_on != self._today():
                self.clear()
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except sqlite3.DatabaseError as error:
                raise DataFolderError(
                    f"The journal {self.file} cannot be read ({error}). Check the disk; a damaged journal is set aside "
                    "at the next start."
                ) from error


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


def _hash(delete_key: str) -> str:
    """Return what is stored of a delete key; 128 random bits need no slow hash."""
    return hashlib.sha256(delete_key.encode("utf-8", "replace")).hexdigest()


def _storable(text: str | None) -> str | None:
    """Return the text without lone surrogates, which a browser can send and SQLite cannot keep."""
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


def _feedback(
    id_: str, day: str, helpful: int, why: str | None, outcome: Outcome, reason: Reason | None, language: str,
    documents: str, question: str | None, answer: str | None,
) -> Feedback:  # fmt: skip
    cited = tuple((document_id, version) for document_id, version in json.loads(documents))
    return Feedback(
        id_, date.fromisoformat(day), bool(helpful), why, outcome, reason, language, cited, question, answer
    )


# ---- Conversations as JSON ----


def _exchange_values(exchange: Said) -> dict[str, Any]:
    answer = exchange.answer
    return {
        "question": exchange.question,
        "answer": None if answer is None else _answer_values(answer),
        "failure": exchange.failure,
        "failed": exchange.failed,
        "stopped": exchange.stopped,
        "titles": dict(exchange.titles),
    }


def _answer_values(answer: Answer) -> dict[str, Any]:
    """Return the answer as plain values, without what nobody is shown.

    The hits are the search's own notes, and the history repeats the exchanges before.
    """
    values = asdict(replace(answer, hits=(), query=replace(answer.query, history=())))
    del values["hits"], values["query"]["history"]
    return values


def _exchange(values: Mapping[str, Any]) -> SavedExchange:
    known = _known(SavedExchange, values)
    if known["answer"] is not None:
        known["answer"] = _answer(known["answer"])
    return SavedExchange(**known)


def _answer(values: Mapping[str, Any]) -> Answer:
    known = _known(Answer, values)
    known["query"] = Query(**_known(Query, known["query"]))
    known["citations"] = tuple(Citation(**_known(Citation, citation)) for citation in known["citations"])
    return Answer(**known)


def _known(noun: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a noun has fields for, lists as the tuples that they were.

    So a row of an older or newer program loads: what it does not hold takes the noun's default (which a field that is
    added to a noun therefore needs), and what the noun does not know is left out.
    """
    names = {known.name for known in fields(noun)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in names}
