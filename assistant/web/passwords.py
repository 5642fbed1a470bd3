"""The desk's password: its hash, made once and kept in the environment, and the comparison with what somebody gives."""

from __future__ import annotations

import re
import unicodedata

import bcrypt

MIN_CHARACTERS = 12
# bcrypt reads no further.
MAX_BYTES = 72
# Of a hash: 10 is a sixteenth of a second, 16 four of them.
MIN_COST, MAX_COST, COST = 10, 16, 12
_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


class PasswordRefused(ValueError):
    """A password that cannot be used; the text is one sentence that does not show it."""


def hash_password(password: str) -> str:
    """Return a bcrypt hash of a password, with a salt of its own.

    Raises:
        PasswordRefused: It is shorter than 12 characters, longer than 72 bytes, or cannot be typed again.
    """
    if len(_normal(password)) < MIN_CHARACTERS:
        raise PasswordRefused(f"The password has fewer than {MIN_CHARACTERS} characters. Choose a longer one.")
    if not password.isprintable() or password != password.strip():
        raise PasswordRefused("The password begins or ends with a space, or holds a character that cannot be seen.")
    given = _bytes(password)
    if len(given) > MAX_BYTES:
        raise PasswordRefused(f"The password has more than {MAX_BYTES} bytes, which bcrypt cannot hold. Shorten it.")
    return bcrypt.hashpw(given, bcrypt.gensalt(COST)).decode("ascii")


def is_hash(text: str) -> bool:
    """Return whether a text is a bcrypt hash of a cost that a server can bear."""
    parts = _HASH.fullmatch(text)
    return parts is not None and MIN_COST <= int(parts[1]) <= MAX_COST


def fits(password: str, password_hash: str) -> bool:
    """Return whether a password is the one that was hashed; it takes as long for one that is too long to be it."""
    given = _bytes(password)
    right = bcrypt.checkpw(given[:MAX_BYTES].replace(b"\0", b"?"), password_hash.encode("ascii"))
    return right and len(given) <= MAX_BYTES and b"\0" not in given


def _bytes(password: str) -> bytes:
    return _normal(password).encode("utf-8", "replace")


def _normal(password: str) -> str:
    """Return a password as every keyboard writes it: some send `å` as two characters."""
    return unicodedata.normalize("NFC", password)
