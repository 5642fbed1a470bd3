"""The glossary of the library: its rows, the rules that they keep, and the pairs that the search may use."""

from __future__ import annotations

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
