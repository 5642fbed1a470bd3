"""The log of looks at the reporting half: how often, when, at which commit and why.

A half that is looked at after every change is a tuning half by another name; the log shows how near we are to that.
"""

from __future__ import annotations

import csv
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from eval.question_set import Half

LOOKS = Path(__file__).with_name("looks.csv")
COLUMNS = ("date", "commit", "half", "why")


def now() -> str:
    """Return the present moment, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def commit() -> str:
    """Return the commit that is checked out, with `+` after it when files differ from it; `none` outside git."""
    here = Path(__file__).parent
    try:
        head = _git(here, "rev-parse", "--short=12", "HEAD")
        changed = _git(here, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return "none"
    return head + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


def log_look(half: Half, why: str, path: Path = LOOKS) -> None:
    """Add one line to the log, with its head if the log is new."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        writer.writerow((now(), commit(), half, why))
