"""What founders asked in vain, and the groups that staff see of it.

Kept is what helps to write the missing text: the question without what leads to a person, its language, what became of
it, the nearest documents, and how often in which month. Of a moment only the day; nothing of who asked. Where texts are
not wanted neither words nor anything that is made of them is kept: only counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assistant.desk import AskedInVain, GapKind, GapStatus
from assistant.domain import Answer
from assistant.language import words
from assistant.store.cleaning import without_personal
from assistant.store.journal_file import Connection, JournalFile, storable

# Against a program that fills the disk and the board: more than a cohort asks in a day.
MOST_NEW_A_DAY = 500
MOST_NEAREST = 5
_REFUSED_FOR = ("off_topic", "not_covered", "false_premise")


@dataclass(frozen=True, slots=True)
class Kept:
    """A question that was asked in vain, with what is not for the page.

    Attributes:
        gap: The id of its group; None until it is put into one.
        months: How often it was asked by month (`2026-11`), oldest first.
        documents: The nearest documents or, for `partly` and `unhelpful`, those that were cited, with their versions.
    """

    question: AskedInVain
    gap: int | None
    months: tuple[tuple[str, int], ...]
    documents: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class KeptGap:
    """A group.

    Attributes:
        by_staff: Whether staff did something about it: such a group stays as it is, and only new questions join it.
    """

    id: int
    status: GapStatus
    note: str
    by_staff: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where questions belong.

    Attributes:
        gap: The id of their group; None for a new one.
        questions: All that stand in it.
    """

    gap: int | None
    questions: tuple[int, ...]


class Questions:
    """What founders asked in vain, in the journal's file; safe to use from several threads.

    Attributes:
        days: How long a question is kept after it was last asked.
        texts: Whether its words are kept.
    """

    def __init__(
        self, file: JournalFile, *, days: int = 180, texts: bool = True, most_new_a_day: int = MOST_NEW_A_DAY
    ) -> None:
        """Take the open file, and erase the words in it where words are not wanted any more.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        self.days = days
        self.texts = texts
        self._file = file
        self._most_new_a_day = most_new_a_day
        if not texts:
            with file.writing() as connection:
                _forget_words(connection)
        file.each_day(self._erase)

    # ---- What founders ask ----

    def record(self, answer: Answer) -> None:
        """Keep a question that was refused or answered in part; every other is passed over.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        kind = _kind(answer)
        if kind is not None:
            with self._file.writing() as connection:
                self._add(connection, answer, kind)

    def share(self, connection: Connection, feedback: str, answer: Answer | None) -> None:
        """Keep the question of an answer that did not help, for as long as its feedback; nothing for None.

        One that was refused or answered in part is kept already.
        """
        if answer is None or answer.outcome != "answered":
            return
        question = self._add(connection, answer, "unhelpful")
        if question is not None:
            connection.execute(
                "INSERT OR REPLACE INTO shared_questions (feedback, question, month) VALUES (?, ?, ?)",
                (feedback, question, _month(self._file.today())),
            )

    def unshare(self, connection: Connection, feedback: str) -> None:
        """Take back what came with a feedback: one asking less, and with the last one the question is erased."""
        row = connection.execute("SELECT question, month FROM shared_questions WHERE feedback = ?", (feedback,))
        for question, month in row.fetchall():
            connection.execute("DELETE FROM shared_questions WHERE feedback = ?", (feedback,))
            one = (question, month)
            connection.execute("UPDATE question_months SET count = count - 1 WHERE question = ? AND month = ?", one)
            connection.execute("DELETE FROM question_months WHERE question = ? AND month = ? AND count < 1", one)
            connection.execute(
                "DELETE FROM questions WHERE id = ? AND id NOT IN (SELECT question FROM question_months)", (question,)
            )
        _tidy(connection)

    def _add(self, connection: Connection, answer: Answer, kind: GapKind) -> int | None:
        """Count a question, or keep it where it is new; None where too many new ones came in today."""
        today, query = self._file.today(), answer.query
        documents = json.dumps(_documents(answer))
        text = missing = None
        if self.texts:
            # A follow-up says little by itself: its topic, which the search added, comes along.
            text = without_personal(storable(query.search_text if query.history else query.text))
            missing = without_personal(storable(answer.missing)) if answer.missing else None
            same = " ".join(words(text)) or text
        else:
            same = " ".join((query.language, answer.outcome, answer.reason or "", documents))
        days, latest = today.isoformat(), (answer.outcome, answer.reason, missing, documents)
        found = connection.execute("SELECT id, gap FROM questions WHERE same = ? AND kind = ?", (same, kind)).fetchone()
        if found is None:
            begun = connection.execute("SELECT count(*) FROM questions WHERE first_day = ?", (days,)).fetchone()[0]
            if begun >= self._most_new_a_day:
                return None
            added = connection.execute(
                "INSERT INTO questions (same, kind, text, language, outcome, reason, missing, documents, first_day, "
                "last_day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (same, kind, text, query.language, *latest, days, days),
            )
            id_, gap = int(added.lastrowid or 0), None
        else:
            id_, gap = found
            connection.execute(
                "UPDATE questions SET outcome = ?, reason = ?, missing = ?, documents = ?, last_day = ?, "
                "answered_now = NULL WHERE id = ?",
                (*latest, days, id_),
            )
        _reopen(connection, gap)
        connection.execute(
            "INSERT INTO question_months (question, month, count) VALUES (?, ?, 1) "
            "ON CONFLICT (question, month) DO UPDATE SET count = count + 1",
            (id_, _month(today)),
        )
        return id_

    def _erase(self, connection: Connection, today: date) -> None:
        oldest = today - timedelta(days=self.days)
        connection.execute("DELETE FROM questions WHERE last_day < ?", (oldest.isoformat(),))
        _tidy(connection)

    # ---- What staff see ----

    def all(self) -> list[Kept]:
        """Return all questions, oldest first.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        months: dict[int, list[tuple[str, int]]] = {}
        for id_, month, count in self._file.rows("SELECT question, month, count FROM question_months ORDER BY month"):
            months.setdefault(id_, []).append((month, count))
        rows = self._file.rows(
            "SELECT id, text, language, kind, outcome, reason, missing, first_day, last_day, answered_now, gap, "
            "documents FROM questions ORDER BY id"
        )
        found = []
        for id_, text, language, kind, outcome, reason, missing, first, last, answered_now, gap, documents in rows:
            by_month = tuple(months.get(id_, ()))
            question = AskedInVain(
                id_, text, language, kind, outcome, reason, missing, first, last, sum(count for _, count in by_month),
                None if answered_now is None else bool(answered_now),
            )  # fmt: skip
            found.append(
                Kept(question, gap, by_month, tuple((name, version) for name, version in json.loads(documents)))
            )
        return found

    def gaps(self) -> dict[int, KeptGap]:
        """Return the groups by id.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        rows = self._file.rows("SELECT id, status, note, by_staff FROM gaps ORDER BY id")
        return {id_: KeptGap(id_, status, note, bool(by_staff)) for id_, status, note, by_staff in rows}

    def place(self, places: Sequence[Placed]) -> None:
        """Put questions into their groups; an answered group that gets one is open again.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._file.writing() as connection:
            for placed in places:
                gap = placed.gap if placed.gap is not None else _new_gap(connection, by_staff=False)
                if _move(connection, placed.questions, gap):
                    _reopen(connection, gap)
            _tidy(connection)

    def set_status(self, gap: int, status: GapStatus, note: str | None = None) -> None:
        """Change what is being done about a group; without a note the old one stays.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._file.writing() as connection:
            connection.execute("UPDATE gaps SET status = ?, by_staff = 1 WHERE id = ?", (status, gap))
            if note is not None:
                connection.execute("UPDATE gaps SET note = ? WHERE id = ?", (storable(note), gap))

    def merge(self, gap: int, others: Sequence[int]) -> None:
        """Make other groups a part of one, which staff answer for from then on.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._file.writing() as connection:
            for other in others:
                connection.execute("UPDATE questions SET gap = ? WHERE gap = ?", (gap, other))
            connection.execute("UPDATE gaps SET by_staff = 1 WHERE id = ?", (gap,))
            _tidy(connection)

    def split(self, gap: int, questions: Sequence[int]) -> int:
        """Make an open group of its own of some questions, and return its id; both are staff's from then on.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._file.writing() as connection:
            new = _new_gap(connection, by_staff=True)
            _move(connection, questions, new)
            connection.execute("UPDATE gaps SET by_staff = 1 WHERE id = ?", (gap,))
        return new

    def mark(self, answered: Mapping[int, bool]) -> list[int]:
        """Write down which questions are answered now; return the groups, then answered, of which every one is.

        Groups that are answered or out of scope already stay as they are.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._file.writing() as connection:
            for question, yes in answered.items():
                connection.execute("UPDATE questions SET answered_now = ? WHERE id = ?", (yes, question))
            rows = connection.execute(
                "SELECT gaps.id FROM gaps JOIN questions ON questions.gap = gaps.id "
                "WHERE gaps.status IN ('open', 'writing') GROUP BY gaps.id "
                "HAVING min(coalesce(questions.answered_now, 0)) = 1 ORDER BY gaps.id"
            )
            closed = [id_ for (id_,) in rows.fetchall()]
            for id_ in closed:
                connection.execute("UPDATE gaps SET status = 'answered' WHERE id = ?", (id_,))
        return closed


def _kind(answer: Answer) -> GapKind | None:
    """Return in which way a question was asked in vain, or None."""
    if answer.outcome == "partly":
        return "partly"
    return "refused" if answer.outcome == "abstained" and answer.reason in _REFUSED_FOR else None


def _documents(answer: Answer) -> list[tuple[str, str | None]]:
    """Return the documents that an answer cites, with their versions, or else those that come nearest."""
    cited = dict.fromkeys((citation.document, citation.version) for citation in answer.citations)
    found: list[tuple[str, str | None]] = [*cited] if cited else [(id_, None) for id_ in answer.nearest]
    return found[:MOST_NEAREST]


def _month(day: date) -> str:
    return day.isoformat()[:7]


def _new_gap(connection: Connection, *, by_staff: bool) -> int:
    made = connection.execute("INSERT INTO gaps (status, note, by_staff) VALUES ('open', '', ?)", (by_staff,))
    return int(made.lastrowid or 0)


def _move(connection: Connection, questions: Sequence[int], gap: int) -> int:
    """Put questions into a group, and return how many of them stood elsewhere before."""
    statement = "UPDATE questions SET gap = ? WHERE id = ? AND gap IS NOT ?"
    return sum(connection.execute(statement, (gap, question, gap)).rowcount for question in questions)


def _reopen(connection: Connection, gap: int | None) -> None:
    """Let an answered group be open again: it was asked in vain once more."""
    connection.execute("UPDATE gaps SET status = 'open' WHERE id = ? AND status = 'answered'", (gap,))


def _tidy(connection: Connection) -> None:
    """Erase what belonged to questions that are gone."""
    connection.execute("DELETE FROM question_months WHERE question NOT IN (SELECT id FROM questions)")
    connection.execute("DELETE FROM shared_questions WHERE question NOT IN (SELECT id FROM questions)")
    connection.execute("DELETE FROM gaps WHERE id NOT IN (SELECT gap FROM questions WHERE gap IS NOT NULL)")


def _forget_words(connection: Connection) -> None:
    """Erase the words that were kept and what was made of them: `same`, and the groups, which are formed by meaning."""
    connection.execute(
        "UPDATE questions SET same = 'once ' || id, text = NULL, missing = NULL, gap = NULL WHERE text IS NOT NULL"
    )
    _tidy(connection)
