"""Robots: what a site asks of programs in its robots.txt, read as RFC 9309 says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

# What has to be read at least; the rest of a longer file is passed over.
MAX_ROBOTS_BYTES = 500 * 1024

_TOKEN = re.compile(r"\*|[A-Za-z_-]+")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_VISIBLE = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one site for one program.

    Attributes:
        rules: Whether it allows, and the pattern of paths that it speaks of.
    """

    rules: tuple[tuple[bool, str], ...] = ()

    def allows(self, target: str) -> bool:
        """Tell whether a path, with its query, may be read: the longest rule that fits decides, a kind one first."""
        target = _normal(target)
        fitting = [(len(pattern), allowed) for allowed, pattern in self.rules if _fits(pattern, target)]
        return target == "/robots.txt" or max(fitting, default=(0, True))[1]


def read_robots(raw: bytes, agent: str) -> Robots:
    """Return the rules that a robots.txt has for a program; those for `*` where it is not named.

    Args:
        raw: The file; what is no rule is passed over, so a page in its place allows everything.
        agent: The program's product token.
    """
    groups: dict[str, list[tuple[bool, str]]] = {}
    named: list[str] = []
    heads = True
    for key, value in _lines(raw[:MAX_ROBOTS_BYTES].decode("utf-8", "replace")):
        if key == "user-agent":
            token = _TOKEN.match(value)
            named = [*(named if heads else []), token[0].lower() if token else ""]
            groups.setdefault(named[-1], [])
            heads = True
        elif key in ("allow", "disallow"):
            heads = False
            for name in named if value else ():
                groups[name].append((key == "allow", _normal(value)))
    return Robots(tuple(groups.get(agent.lower(), groups.get("*", ()))))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in re.split(r"[\r\n]+", text.removeprefix("\ufeff")):
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _normal(path: str) -> str:
    """Return a path or pattern in the one spelling in which they are compared: encoded where it must be, only there."""

    def spelled(found: re.Match[str]) -> str:
        character = chr(int(found[1], 16))
        return character if _UNRESERVED.match(character) else found[0].upper()

    return _ENCODED.sub(spelled, quote(path, safe=_VISIBLE))


def _fits(pattern: str, target: str) -> bool:
    """Tell whether a pattern fits the start of a path; `*` stands for anything, `$` at the end for the path's end."""
    anchored = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not target.startswith(first):
        return False
    if not others:
        return not anchored or target == first
    place = len(first)
    # No regular expression: a hostile pattern would keep it busy for ever.
    for piece in others[:-1]:
        place = target.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    last = others[-1]
    return target.endswith(last) and len(target) - len(last) >= place if anchored else target.find(last, place) >= 0
