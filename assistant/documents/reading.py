"""Reading: the bytes of one file, taken once, and only from a regular file inside the corpus.

What a path names may change between a look and the reading: a file may become a link, or grow. So what is checked is
the file that was opened, and what is read is bounded.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path, PurePosixPath

from assistant.errors import DamagedFile, LimitExceeded

# Opening a pipe must not wait for somebody who writes into it.
_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def corpus_of(path: Path, document_id: str) -> Path | None:
    """Return the folder that `document_id` is relative to, or None where the path does not end in the id."""
    parts = PurePosixPath(document_id).parts
    ending = [unicodedata.normalize("NFC", part) for part in path.absolute().parts[-len(parts) :]]
    return path.absolute().parents[len(parts) - 1] if ending == list(parts) else None


def read_file(path: Path, document_id: str, *, corpus: Path | None, limit: int, remedy: str, called: str = "") -> bytes:
    """Return the bytes of a file.

    Args:
        corpus: The folder that it must lie in, links followed; None where any place will do.
        limit: The most bytes that it may have.
        remedy: What to do about one that has more.
        called: What stands before the reason in an error, such as "its sidecar x.yaml ".

    Raises:
        DamagedFile: It is missing, not a regular file, outside the corpus, unreadable, or written meanwhile.
        LimitExceeded: It has more bytes.
    """
    _check_place(path, document_id, called)
    try:
        with os.fdopen(os.open(path, _OPEN), "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            _check_opened(file.fileno(), before.st_mode, path, document_id, corpus, called)
            if before.st_size > limit:
                reason = f"{called}is {_amount(before.st_size)} and the limit is {_amount(limit)}"
                raise LimitExceeded(document_id, reason, remedy)
            raw = _bytes(file.fileno(), before.st_size + 1)
            after = os.fstat(file.fileno())
    except PermissionError as error:
        raise DamagedFile(
            document_id, f"{called}may not be read by this user", "Grant read permission on the file"
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DamagedFile(document_id, f"{called}cannot be read from disk ({reason})", "Check the file") from error
    if len(raw) != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise DamagedFile(
            document_id, f"{called}was written while it was read", "Add it again when it is written completely"
        )
    return raw


def _check_place(path: Path, document_id: str, called: str) -> None:
    """Name what is plainly no file: nothing, a dead link, a folder, a pipe or a device, which is not even opened."""
    if path.is_symlink() and not path.exists():
        raise DamagedFile(document_id, f"{called}is a link to a file that does not exist", "Put the file itself there")
    if not path.exists():
        raise DamagedFile(document_id, f"{called}does not exist", "Check the path")
    if path.is_dir():
        raise DamagedFile(document_id, f"{called}is a folder", "Name the files in it")
    if not path.is_file():
        raise _not_regular(document_id, called)


def _check_opened(descriptor: int, mode: int, path: Path, document_id: str, corpus: Path | None, called: str) -> None:
    """Refuse an opened file that is not a regular one of the corpus."""
    if not stat.S_ISREG(mode):
        raise _not_regular(document_id, called)
    if corpus is not None and not _place_of(descriptor, path).is_relative_to(corpus.resolve()):
        raise DamagedFile(
            document_id, f"{called}is a link that leads out of the corpus", "Put a copy of the file itself there"
        )


def _place_of(descriptor: int, path: Path) -> Path:
    """Return where an open file lies; the kernel knows on Linux, elsewhere the path is looked at once more."""
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    except OSError:
        return path.resolve()


def _bytes(descriptor: int, most: int) -> bytes:
    """Return the bytes of an open file, at most so many; what grows without end is left alone."""
    parts: list[bytes] = []
    while most > 0 and (part := os.read(descriptor, min(most, 16_000_000))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _not_regular(document_id: str, called: str) -> DamagedFile:
    return DamagedFile(document_id, f"{called}is not a regular file", "Put a copy of its content there")


def _amount(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1_000_000 else f"{size / 1e3:.0f} KB"
