"""The history of the staff desk: who did what to which document, and what it takes to undo it.

Kept until the journal is deleted: a history that forgets answers no question about an old citation. It holds the names
that staff gave at the door, and nothing of visitors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from assistant.desk import Action, Deed
from assistant.store.journal_file import JournalFile, storable

LONGEST_NAME = 60
NOBODY = "?"


class Deeds:
    """What was done at the desk, in the journal's file; safe to use from several threads."""

    def __init__(self, file: JournalFile) -> None:
        """Take the open file."""
        self._file = file

    def add(
        self,
        by: str,
        action: Action,
        document: str,
        title: str,
        detail: str = "",
        undo: Mapping[str, Any] | None = None,
    ) -> int:
        """Write down what was done, and return its id: higher than every one before.

        Args:
            by: Made a name of at most 60 printable characters; `?` where none are left.
            undo: What it takes to take it back, as plain values; None where nothing can.

        Raises:
            DataFolderError: The journal cannot be written.
        """
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
        texts = (clean_name(by), action, *(storable(text) for text in (document, title, detail)))
        values = None if undo is None else json.dumps(dict(undo))
        with self._file.writing() as connection:
            added = connection.execute(
                "INSERT INTO deeds (at, by, action, document, title, detail, undo, undone) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                (at, *texts, values),
            )
        assert added.lastrowid is not None
        return added.lastrowid

    def all(self, document: str | None = None, *, limit: int = 200) -> list[Deed]:
        """Return what was done, newest first; to one document or to all.

        Raises:
            DataFolderError: The journal cannot be read.
        """
        chosen = "" if document is None else "WHERE document = ? "
        named = () if document is None else (document,)
        rows = self._file.rows(f"{_SELECT} {chosen}ORDER BY id DESC LIMIT ?", (*named, limit))
        return [_deed(*row) for row in rows]

    def get(self, deed_id: int) -> Deed | None:
        """Return one deed, or None."""
        rows = self._file.rows(f"{_SELECT} WHERE id = ?", (deed_id,))
        return _deed(*rows[0]) if rows else None

    def undo_of(self, deed_id: int) -> dict[str, Any] | None:
        """Return what it takes to take a deed back; None where nothing can, or it is unknown or undone already."""
        rows = self._file.rows("SELECT undo FROM deeds WHERE id = ? AND undone = 0", (deed_id,))
        return None if not rows or rows[0][0] is None else dict(json.loads(rows[0][0]))

    def mark_undone(self, deed_id: int) -> bool:
        """Say that a deed was taken back and return True; False where that was said before or it is unknown."""
        with self._file.writing() as connection:
            changed = connection.execute("UPDATE deeds SET undone = 1 WHERE id = ? AND undone = 0", (deed_id,))
            return changed.rowcount > 0

    def forget_undo(self, document: str) -> None:
        """Erase what it would take to take back what was done to a document: after its erasure nothing can."""
        with self._file.writing() as connection:
            connection.execute("UPDATE deeds SET undo = NULL WHERE document = ?", (document,))


_SELECT = "SELECT id, at, by, action, document, title, detail, undo IS NOT NULL AND undone = 0 FROM deeds"


def clean_name(name: str) -> str:
    """Return a name as it can be shown on one line: printable, single spaces, at most 60 characters, never empty."""
    printable = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(printable.split())[:LONGEST_NAME].rstrip() or NOBODY


def _deed(id_: int, at: str, by: str, action: Action, document: str, title: str, detail: str, undoable: int) -> Deed:
    return Deed(id_, at, by, action, document, title, detail, bool(undoable))
