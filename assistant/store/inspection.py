"""Both SQLite files as wholes, looked at beside their owner: sound or damaged, a copy of one moment, what they name.

Every function opens the file for itself and writes nothing into it; an app that has it open goes on meanwhile.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import DataFolderError

# A writer of the journal holds it for milliseconds; whoever copies it waits so long at most.
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class KeptOriginal:
    """The original that a version was read from.

    Attributes:
        name: Inside the folder of originals: the first two digits of its sha256, `/`, all of them, its suffix.
    """

    document_id: str
    version: str
    name: str


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing file; `rw` so that what a killed process left half-done is taken back, as its owner would."""
    with closing(
        sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE_SECONDS)
    ) as connection:
        yield connection


def damage(file: Path) -> str | None:
    """Return what SQLite's own check finds wrong with a file, or None for a sound one."""
    try:
        with _opened(file) as connection:
            verdict = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
            if verdict != "ok":
                return " ".join(verdict.split())
            astray = connection.execute("PRAGMA foreign_key_check").fetchone()
            return f"a row of {astray[0]} belongs to no row of {astray[2]}" if astray else None
    except sqlite3.Error as error:
        return str(error)


def copy_database(file: Path, target: Path) -> None:
    """Write a copy of the file as it is at one moment; what was erased is in no corner of the copy.

    Raises:
        DataFolderError: The file cannot be read, or the copy not be written.
    """
    try:
        with _opened(file) as connection:
            connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise DataFolderError(
            f"{file} cannot be copied to {target.parent} ({error}). Make room or make the folder writable, and look at "
            "the file with: python ingest.py --check"
        ) from error


def originals(library: Path) -> list[KeptOriginal]:
    """Return the original of each version that the library keeps, withdrawn ones too, by document and age.

    Raises:
        DataFolderError: The library cannot be read.
    """
    return [KeptOriginal(*row) for row in _rows(library, "SELECT document_id, version, original FROM versions")]


def cited_versions(journal: Path) -> list[tuple[str, str]]:
    """Return each document and version that a saved conversation cites, in order.

    Raises:
        DataFolderError: The journal cannot be read.
    """
    cited = {
        (citation["document"], citation["version"])
        for (exchanges,) in _rows(journal, "SELECT exchanges FROM snapshots")
        for exchange in json.loads(exchanges)
        for citation in (exchange.get("answer") or {}).get("citations", ())
    }
    return sorted(cited)


def saved_conversations(journal: Path) -> int:
    """Return how many saved conversations the journal holds.

    Raises:
        DataFolderError: The journal cannot be read.
    """
    return int(_rows(journal, "SELECT count(*) FROM snapshots")[0][0])


def _rows(file: Path, statement: str) -> list[tuple[Any, ...]]:
    try:
        with _opened(file) as connection:
            return connection.execute(statement).fetchall()
    except sqlite3.Error as error:
        raise DataFolderError(f"{file} cannot be read ({error}). Look at it with: python ingest.py --check") from error
