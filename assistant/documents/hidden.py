"""Words of a file that a reader of it would not see: how every format lists them. Nothing here reads a file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from assistant.domain import HiddenText

HiddenKind = Literal["same_colour", "tiny", "off_page", "not_shown"]
Colour = tuple[float, float, float]
"""Red, green and blue, each from 0 to 1."""

WHITE: Colour = (1.0, 1.0, 1.0)
BLACK: Colour = (0.0, 0.0, 0.0)

# Nobody reads a longer list, and a hostile file has pieces without end.
MOST_PIECES = 50
MOST_CHARACTERS = 200
# A white bullet, dot or page number is no words.
_FEWEST_LETTERS = 3
# Two colours that differ by less in each part are one to the eye.
_ALIKE = 0.04

_LETTER = re.compile(r"[^\W_]")
_NAMED = {
    "white": WHITE, "black": BLACK, "snow": (1.0, 0.98, 0.98), "ivory": (1.0, 1.0, 0.94), "red": (1.0, 0.0, 0.0),
    "green": (0.0, 0.5, 0.0), "blue": (0.0, 0.0, 1.0), "yellow": (1.0, 1.0, 0.0), "gray": (0.5, 0.5, 0.5),
    "grey": (0.5, 0.5, 0.5), "silver": (0.75, 0.75, 0.75), "navy": (0.0, 0.0, 0.5), "whitesmoke": (0.96, 0.96, 0.96),
}  # fmt: skip
# Letters that no program draws, of which each stands for one of ASCII; behind a black flag a few of them name a land.
_TAGS = re.compile(r"(\U0001f3f4[\U000e0020-\U000e007f]{3,7})|[\U000e0000-\U000e007f]+")
_FIRST_TAG = 0xE0000


class HiddenWords:
    """Collects the hidden words of one file in pieces; those that hang together become one."""

    def __init__(self) -> None:
        self._pieces: list[HiddenText] = []

    def add(self, kind: HiddenKind, words: str, page: int | None = None, *, gap: str | None = None) -> None:
        """Note some words.

        Args:
            page: Physical page, from 1, or None.
            gap: What parts them from the words noted before, where they go on with these (same kind, same page).
        """
        last = self._pieces[-1] if self._pieces else None
        if gap is not None and last is not None and (last.kind, last.page) == (kind, page):
            if len(last.words) <= MOST_CHARACTERS * 2:
                self._pieces[-1] = replace(last, words=f"{last.words}{gap}{words}")
            return
        if last is not None and not _is_telling(last.words):
            self._pieces.pop()
        if len(self._pieces) < MOST_PIECES * 4:
            self._pieces.append(HiddenText(kind, words[: MOST_CHARACTERS * 2], page))

    def found(self) -> tuple[HiddenText, ...]:
        """Return the pieces that hold words, each once per page, at most 50."""
        pieces = (replace(each, words=beginning(each.words)) for each in self._pieces if _is_telling(each.words))
        return tuple(dict.fromkeys(pieces))[:MOST_PIECES]


def beginning(text: str) -> str:
    """Return the beginning of a text on one line: whole words, at most 200 characters."""
    line = " ".join(text.split())
    if len(line) <= MOST_CHARACTERS:
        return line
    cut = line[: MOST_CHARACTERS - 1]
    return f"{cut.rsplit(' ', 1)[0] if ' ' in cut[MOST_CHARACTERS // 2 :] else cut}…"


def beginnings(pieces: Iterable[str]) -> tuple[str, ...]:
    """Return the beginnings of pieces that were left out, each once, those without a letter or digit aside."""
    lines = (beginning(piece) for piece in pieces if _LETTER.search(piece))
    return tuple(dict.fromkeys(lines))[:MOST_PIECES]


def are_alike(first: Colour, second: Colour) -> bool:
    """Tell whether a reader sees no difference between two colours."""
    return all(abs(one - other) < _ALIKE for one, other in zip(first, second, strict=True))


def colour_of(text: str | None) -> Colour | None:
    """Return the colour that a page or an Office file names, or None for one that is not known or lets shine through.

    Understood are `FFFFFF`, `#fff`, `#ffffff`, `rgb(255, 255, 255)` and the names of a few colours.
    """
    name = (text or "").strip().lower()
    if name in _NAMED:
        return _NAMED[name]
    if parts := re.fullmatch(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,\s*1(?:\.0*)?\s*)?\)", name):
        red, green, blue = (min(255, int(part)) / 255 for part in parts.groups())
        return red, green, blue
    digits = name.removeprefix("#")
    if re.fullmatch(r"[0-9a-f]{3}", digits) and name.startswith("#"):
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-f]{6}", digits):
        return None
    return int(digits[:2], 16) / 255, int(digits[2:4], 16) / 255, int(digits[4:], 16) / 255


def without_tags(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without the tag characters of Unicode, and what they spell.

    No program draws them, and language models read them: a favourite of those who plant words.
    """
    if not _TAGS.search(text):
        return text, ()
    runs = [found[0] for found in _TAGS.finditer(text) if found[1] is None]
    spelt = ["".join(chr(ord(tag) - _FIRST_TAG) for tag in run if ord(tag) - _FIRST_TAG >= 32) for run in runs]
    return _TAGS.sub(lambda found: found[1] or "", text), tuple(each for each in spelt if _is_telling(each))


def _is_telling(words: str) -> bool:
    """Tell whether there are words: three letters or digits. Signs of private use count, as letters nobody can read."""
    letters = sum(1 for character in words if character.isalnum() or unicodedata.category(character) == "Co")
    return letters >= _FEWEST_LETTERS
