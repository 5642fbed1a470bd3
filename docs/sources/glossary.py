"""The glossary of the library: its rows, the rules that they keep, and the pairs that the search may use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from texts import Finding, Grid, Source

HEADER = ("English term", "Norwegian term", "Meaning", "Document")

TERMS_AT_LEAST = 200


@dataclass(frozen=True)
class Term:
    """One row of the glossary."""

    english: str
    norwegian: str
    meaning: str
    document: str
    line: int


def terms_of(source: Source) -> list[Term]:
    """Return the terms of a glossary, in order; none for a document without tables of terms."""
    grids = [block for block in source.blocks if isinstance(block, Grid) and block.header == HEADER]
    return [
        Term(english, norwegian, meaning, document, line=grid.line + 2 + number)
        for grid in grids
        for number, (english, norwegian, meaning, document) in enumerate(grid.rows)
    ]


_BRACKETS = re.compile(r"\s*\(([^()]*)\)")
# An abbreviation, such as `PMA`, `510k` or `eSTAR`: no blank and at least two capitals, or a digit.
_ABBREVIATION = re.compile(r"(?=\S*(?:[A-Z]\S*[A-Z]|\d))\S+")


def search_pairs(terms: list[Term]) -> str:
    """Return the terms as `norwegian<TAB>english; abbreviation` lines for the search, by Norwegian term.

    A term that is the same in both languages is left out, as it needs no translation; so is what stands in brackets,
    unless it is an abbreviation of the English term.
    """
    lines = {}
    for term in terms:
        # One code for the brackets to leave alone: the search knows `510(k)` as `510k`.
        english, norwegian = (each.replace("(k)", "k") for each in (term.english, term.norwegian))
        short = [each for each in _BRACKETS.findall(english) if _ABBREVIATION.fullmatch(each)]
        names = [_BRACKETS.sub("", english).strip(), *short]
        known = {name.lower() for name in names}
        for variant in re.split(r"[;,/]\s+", _BRACKETS.sub("", norwegian)):
            if variant.strip() and variant.strip().lower() not in known:
                lines[variant.strip()] = "; ".join(names)
    notice = "# Written from the glossary of the library by docs/sources/build.py; change the glossary instead.\n"
    return notice + "".join(f"{norwegian}\t{english}\n" for norwegian, english in sorted(lines.items()))


def glossary_rules(source: Source, file_names: set[str]) -> Iterator[Finding]:
    """Enough terms, each once, each cell filled, each document in the library; nothing to say of other documents."""
    terms = terms_of(source)
    if not terms:
        return
    if len(terms) < TERMS_AT_LEAST:
        yield Finding(0, f"the glossary has {len(terms)} terms", f"Give it {TERMS_AT_LEAST} at least")
    seen: dict[str, int] = {}
    for term in terms:
        if not all((term.english, term.norwegian, term.meaning, term.document)):
            yield Finding(term.line, f"the term {term.english!r} has an empty cell", "Fill it")
        if term.english.lower() in seen:
            yield Finding(term.line, f"{term.english!r} stands on line {seen[term.english.lower()]} too", "Keep one")
        seen[term.english.lower()] = term.line
        for document in term.document.split(", "):
            if document not in file_names:
                yield Finding(term.line, f"{document!r} is no document of the library", "Correct the file name")
