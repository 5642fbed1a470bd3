"""The journal: feedback, the conversations that visitors saved under a link, and the doors to its other rooms.

It knows no visitor: no address, no cookie, no session, and of a moment only its day (UTC). Texts are in it where a
visitor pressed *Save link* or agreed to share a question, and of questions that were asked in vain (`questions.py`);
all of them end by themselves after their days. Names are those that staff gave at the desk (`deeds.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from assistant.domain import Answer, Citation, Outcome, Query, Reason
from assistant.errors import DataFolderError
from assistant.store.citations import Citations
from assistant.store.deeds import Deeds
from assistant.store.journal_file import MOST_BYTES, Connection, JournalFile, storable, utc_today
from assistant.store.questions import Questions

logger = logging.getLogger(__name__)

# An answer with its citations takes some 10 kB; a conversation holds 50.
MOST_SNAPSHOT_CHARACTERS = 1_000_000
# Against a program that fills the disk: far more than a cohort saves or says in a day.
MOST_SNAPSHOTS_A_DAY = 2_000
MOST_FEEDBACK_A_DAY = 5_000
_KEY_BYTES = 16

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
    """Everything that the journal's one file holds; safe to use from several threads.

    What is too old goes on opening and with the first use of each day.

    Attributes:
        file: Where it lies.
        set_aside: Where a damaged one was put on opening, or None.
        questions: What founders asked in vain.
        deeds: Who did what at the staff desk.
        citations: How often each document was cited.
    """

    def __init__(
        self,
        file: Path,
        *,
        saved_days: int = 180,
        feedback_days: int = 365,
        gap_days: int = 180,
        gap_texts: bool = True,
        most_snapshots_a_day: int = MOST_SNAPSHOTS_A_DAY,
        most_feedback_a_day: int = MOST_FEEDBACK_A_DAY,
        most_bytes: int = MOST_BYTES,
        today: Callable[[], date] = utc_today,
    ) -> None:
        """Open the journal, creating it when it is missing.

        A damaged one is set aside under another name, beside it, and a new one begun: the log says so.

        Args:
            saved_days: How long a new snapshot can be opened.
            feedback_days: How long feedback is kept.
            gap_days: How long a question that was asked in vain is kept after it was last asked.
            gap_texts: Whether its words are kept.
            most_snapshots_a_day: Further ones are not taken; `most_feedback_a_day` likewise.
            most_bytes: How large the file may grow.
            today: Returns the day it is (UTC).

        Raises:
            DataFolderError: It cannot be opened or set aside, or a newer program wrote it.
        """
        self.saved_days = saved_days
        self.feedback_days = feedback_days
        self._most_snapshots_a_day = most_snapshots_a_day
        self._most_feedback_a_day = most_feedback_a_day
        self._closed = False
        self._opened = JournalFile(file, most_bytes=most_bytes, today=today)
        self.file, self.set_aside = file, self._opened.set_aside
        try:
            self._opened.each_day(self._erase)
            self.questions = Questions(self._opened, days=gap_days, texts=gap_texts)
            self.deeds = Deeds(self._opened)
            self.citations = Citations(self._opened)
        except BaseException:
            self._opened.close()
            raise

    def clear(self) -> None:
        """Erase what is past its last day; called by itself on opening and with the first use of each day.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        self._opened.clear()

    def close(self) -> None:
        """Close the file; twice is no error."""
        if not self._closed:
            self._closed = True
            try:
                self.citations.write()
            except DataFolderError as error:  # a few counts less
                logger.warning("%s", error)
            self._opened.close()

    def record(self, answer: Answer) -> None:
        """Count what a whole answer cites, and keep its question where it was asked in vain.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        self.citations.record(answer)
        self.questions.record(answer)

    def erase_quotes(self, document_id: str, version: str) -> int:
        """Erase the words of a version that is erased itself from all that was saved, and return from how much.

        A saved answer that cites it keeps question, numbers and titles; an answer that was shared with feedback goes.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        changed = 0
        with self._opened.writing() as connection:
            cites = f"%{json.dumps(version)}%"
            for id_, content in connection.execute(
                "SELECT id, exchanges FROM snapshots WHERE exchanges LIKE ?", (cites,)
            ).fetchall():
                exchanges = [_without_quotes(values, document_id, version) for values in json.loads(content)]
                connection.execute("UPDATE snapshots SET exchanges = ? WHERE id = ?", (json.dumps(exchanges), id_))
                changed += 1
            pair = f"%{json.dumps([document_id, version])}%"
            shared = connection.execute(
                "UPDATE feedback SET answer = NULL WHERE answer IS NOT NULL AND documents LIKE ?", (pair,)
            )
        return changed + shared.rowcount

    def _erase(self, connection: Connection, today: date) -> None:
        oldest = today - timedelta(days=self.feedback_days)
        connection.execute("DELETE FROM snapshots WHERE expires < ?", (today.isoformat(),))
        connection.execute("DELETE FROM feedback WHERE day < ?", (oldest.isoformat(),))

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
        with self._opened.writing() as connection:
            today = self._opened.today()
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
        rows = self._opened.rows("SELECT created, expires, language, exchanges FROM snapshots WHERE id = ?", (link_id,))
        if not rows:
            return None
        created, expires, language, content = rows[0]
        exchanges = tuple(_exchange(values) for values in json.loads(content))
        return Snapshot(link_id, date.fromisoformat(created), date.fromisoformat(expires), language, exchanges)

    def opens(self, link_id: str, delete_key: str) -> bool:
        """Return whether the key is the one that deletes this snapshot; False where there is no such snapshot."""
        rows = self._opened.rows("SELECT key_hash FROM snapshots WHERE id = ?", (link_id,))
        return bool(rows) and hmac.compare_digest(str(rows[0][0]), _hash(delete_key))

    def delete_snapshot(self, link_id: str, delete_key: str) -> bool:
        """Erase a saved conversation and return True; False, and nothing is changed, where the key is not its own.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        if not self.opens(link_id, delete_key):
            return False
        with self._opened.writing() as connection:
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
        in_vain: Answer | None = None,
        replaces: str | None = None,
    ) -> str | None:
        """Keep feedback and return its id, or None where too much came in today.

        Args:
            documents: Ids and versions that the answer cites.
            question: Only where the visitor agreed to share it; `answer` likewise.
            in_vain: The answer, where its question counts as asked in vain; it does so until the feedback is replaced
                or deleted.
            replaces: The id of earlier feedback, which it takes over; one that is no longer here gets a new id.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        why, question, answer = (None if text is None else storable(text) for text in (why, question, answer))
        values = (
            self._opened.today().isoformat(), helpful, why, outcome, reason, language, json.dumps(list(documents)),
            question, answer,
        )  # fmt: skip
        with self._opened.writing() as connection:
            if replaces is not None:
                changed = connection.execute(
                    "UPDATE feedback SET day = ?, helpful = ?, why = ?, outcome = ?, reason = ?, language = ?, "
                    "documents = ?, question = ?, answer = ? WHERE id = ?",
                    (*values, replaces),
                )
                if changed.rowcount:
                    self.questions.unshare(connection, replaces)
                    self.questions.share(connection, replaces, in_vain)
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
            self.questions.share(connection, feedback_id, in_vain)
        return feedback_id

    def delete_feedback(self, ids: Sequence[str]) -> int:
        """Erase feedback and return how many there were; unknown ids are passed over.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._opened.writing() as connection:
            deleted = [connection.execute("DELETE FROM feedback WHERE id = ?", (id_,)).rowcount for id_ in ids]
            for id_ in ids:
                self.questions.unshare(connection, id_)
        return sum(deleted)

    def feedback(self) -> list[Feedback]:
        """Return all feedback, oldest first.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        rows = self._opened.rows(
            "SELECT id, day, helpful, why, outcome, reason, language, documents, question, answer "
            "FROM feedback ORDER BY day, rowid"
        )
        return [_feedback(*row) for row in rows]


def _hash(delete_key: str) -> str:
    """Return what is stored of a delete key; 128 random bits need no slow hash."""
    return hashlib.sha256(delete_key.encode("utf-8", "replace")).hexdigest()


def _feedback(
    id_: str, day: str, helpful: int, why: str | None, outcome: Outcome, reason: Reason | None, language: str,
    documents: str, question: str | None, answer: str | None,
) -> Feedback:  # fmt: skip
    cited = tuple((document_id, version) for document_id, version in json.loads(documents))
    return Feedback(
        id_, date.fromisoformat(day), bool(helpful), why, outcome, reason, language, cited, question, answer
    )


# ---- Conversations as JSON ----


def _without_quotes(values: dict[str, Any], document_id: str, version: str) -> dict[str, Any]:
    """Return a saved exchange; where its answer cites a version, without the answer's words and those quotes."""
    answer: dict[str, Any] = values.get("answer") or {}
    mine = [
        citation
        for citation in answer.get("citations", ())
        if citation["document"] == document_id and citation["version"] == version
    ]
    for citation in mine:
        citation["quote"] = ""
    if mine:
        answer["text"] = ""
    return values


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
