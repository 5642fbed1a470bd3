"""The parts of a message that asks more than one thing, so that the part without an answer can be named."""

from __future__ import annotations

import re

_ASKING = (
    r"(?:how|what|who|whom|whose|when|where|which|why|do|does|did|is|are|can|could|must|should|may|will|would|has|have|"
    r"hvor|hva|hvem|når|hvilke[nt]?|hvordan|hvorfor|må|kan|er|skal|bør|får|gjelder|trenger|kva|kven|korleis|kvifor|kor|finnes|"
    r"finst|finn)"
)
# A full stop ends a part only after a word and before a capital: no abbreviation is cut.
_BORDER = re.compile(
    rf"\?\s+|;\s+|(?<=\w{{3}})(?<!\.\w{{3}})(?<!\bdvs)[.!]\s+(?=(?-i:[A-ZÆØÅ]))|,?\s+(?:and|or|but|og|eller|men|samt)\s+(?={_ASKING}\b)|"
    rf",\s+(?={_ASKING}\b)|\s+[-–]\s+(?={_ASKING}\b)",
    re.IGNORECASE,
)
_OPENS = re.compile(
    rf"(?:(?:in|for|to|on|at|by|of|i|på|til|av)\s+)?{_ASKING}\b|(?:name|list|tell|nevn|fortell)\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<=[\w,] )[A-ZÆØÅ0-9][\w'’-]+")
# Fewer words are not understood alone and stay with the part before.
WORDS_AT_LEAST = 3


def parts(question: str) -> list[str]:
    """Return the clauses of a message that could stand alone, in order; the whole when it is one."""
    found: list[str] = []
    for part in filter(None, (piece.strip(" ,.;?") for piece in _BORDER.split(question))):
        if found and len(part.split()) < WORDS_AT_LEAST:
            found[-1] = f"{found[-1]}, {part}"
        else:
            found.append(part)
    return found if len(found) > 1 else [question]


def asks(part: str) -> bool:
    """Return whether a part asks something, rather than telling the situation it is asked in."""
    return bool(_OPENS.match(part))


def names_in(part: str) -> list[str]:
    """Return the names and numbers of a part, without its first word, which is written large anyway."""
    return _NAME.findall(part)
