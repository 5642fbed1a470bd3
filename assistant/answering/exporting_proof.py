"""The proof inside an export, and words compared as people read them.

The proof holds every block as it was exported and every quote with its place: whoever changes a word of the file can
be found out by comparing the two. It is no signature: who changes the proof as well is found out only by the library.
"""

from __future__ import annotations

import base64
import json
import re
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from assistant.answering.exporting_blocks import Block, Export, ExportedQuote, Role, exported_quotes
from assistant.errors import UsageError

PROOF_NAME = "usa-next-proof"
_FORMAT = 1
# A file could claim to hold more than any conversation does.
_BYTES_AT_MOST = 30_000_000
_NUMBERED = re.compile(r"\[(U\+[0-9A-F]{4,6}(?:\s+U\+[0-9A-F]{4,6})*)\]")
# What programs change without asking (quotation marks, dashes) counts as the same; what nobody sees does not count.
_SAME = str.maketrans(
    dict.fromkeys("“”„‟«»″", '"')
    | dict.fromkeys("‘’‚‛‹›′", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", "")
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a file held when it was exported.

    Attributes:
        date: The day of the export, ISO 8601.
    """

    date: str
    blocks: tuple[Block, ...]
    quotes: tuple[ExportedQuote, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text without white space, in which only differences that people see are left.

    Attributes:
        places: For each character, its offset in `text`.
        text: The text that it was made from, with characters where it showed Unicode numbers.
    """

    characters: str
    places: tuple[int, ...]
    text: str


def fold(text: str) -> Folded:
    """Return a text for comparison; `[U+2603]` counts as the character itself."""
    text = _NUMBERED.sub(_characters, unicodedata.normalize("NFC", text)).translate(_SAME)
    kept = [(offset, character) for offset, character in enumerate(text) if not character.isspace()]
    return Folded("".join(character for _, character in kept), tuple(offset for offset, _ in kept), text)


def _characters(run: re.Match[str]) -> str:
    numbers = (int(number[2:], 16) for number in run[1].split())
    return "".join(chr(number) if number < 0x110000 else run[0] for number in numbers)


def encode_proof(export: Export, blocks: Iterable[Block]) -> str:
    """Return the proof of an export as ASCII letters, digits, `+`, `/` and `=`."""
    values = {
        "format": _FORMAT,
        "date": export.date,
        "blocks": [asdict(block) for block in blocks],
        "quotes": [asdict(quote) for quote in exported_quotes(export)],
    }
    return base64.b64encode(zlib.compress(json.dumps(values, ensure_ascii=True).encode(), 9)).decode()


def decode_proof(encoded: str | None) -> Proof:
    """Return the proof of a file.

    Raises:
        UsageError: There is none, it is damaged, or a later release wrote it.
    """
    if encoded is None:
        raise UsageError(
            "it holds no proof. Only files that the assistant exported can be checked, or the proof was lost"
        )
    try:
        values = json.loads(_unpacked(base64.b64decode("".join(encoded.split()), validate=True)))
        newer = values["format"] != _FORMAT
        if not newer:
            blocks = tuple(_made(Block, one) for one in values["blocks"])
            return Proof(str(values["date"]), blocks, tuple(_made(ExportedQuote, one) for one in values["quotes"]))
    except (ValueError, KeyError, TypeError, zlib.error, RecursionError) as error:
        raise UsageError("its proof is damaged. Export the conversation again") from error
    raise UsageError("another release of the assistant wrote its proof. Check it with that release")


def _unpacked(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj()
    unpacked = unpacking.decompress(packed, _BYTES_AT_MOST)
    if not unpacking.eof:
        raise ValueError("cut short, or too large")
    return unpacked


def _made(kind: type[Any], values: dict[str, Any]) -> Any:
    """Return one block or quote, its values of the types that the class names."""
    allowed = {"str": str, "int": int, "str | None": str | None, "int | None": int | None}
    for one in fields(kind):
        value = values[one.name]
        if not isinstance(value, allowed.get(str(one.type), str)) or isinstance(value, bool):
            raise TypeError(one.name)
        if one.name == "role" and value not in get_args(Role):
            raise ValueError(value)
    return kind(**values)
