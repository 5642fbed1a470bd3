"""How often each document was cited: a number and two days, nothing of who asked or what."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import date

from assistant.domain import Answer
from assistant.store.journal_file import JournalFile

# An answer waits for no disk: what was counted is written so often, and when it is asked for.
WRITE_SECONDS = 60.0


class Citations:
    """Counts which documents answers rest on, in the journal's file; safe to use from several threads."""

    def __init__(self, file: JournalFile) -> None:
        """Take the open file."""
        self._file = file
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._written = time.monotonic()

    def record(self, answer: Answer) -> None:
        """Count each document that an answer cites once.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        with self._lock:
            self._counted.update({citation.document for citation in answer.citations})
            due = time.monotonic() - self._written >= WRITE_SECONDS
        if due:
            self.write()

    def write(self) -> None:
        """Write down what was counted since the last time.

        Raises:
            DataFolderError: The journal cannot be written; nothing that was counted is lost.
        """
        with self._lock:
            counted, day = dict(self._counted), self._file.today().isoformat()
            if counted:
                with self._file.writing() as connection:
                    connection.executemany(
                        "INSERT INTO cited (document, first_day, last_day, count) VALUES (?, ?, ?, ?) "
                        "ON CONFLICT DO UPDATE SET last_day = excluded.last_day, count = count + excluded.count",
                        [(document, day, day, count) for document, count in counted.items()],
                    )
            self._counted.clear()
            self._written = time.monotonic()

    def counts(self) -> dict[str, int]:
        """Return how many answers cited each document, those that were never cited left out."""
        self.write()
        return {str(document): int(count) for document, count in self._file.rows("SELECT document, count FROM cited")}

    @property
    def since(self) -> date | None:
        """The day of the first answer that was counted, or None before there is one."""
        self.write()
        first = self._file.rows("SELECT min(first_day) FROM cited")[0][0]
        return date.fromisoformat(first) if first else None
