"""The rules that every text of the library keeps; each takes what it checks and yields findings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from review import LONGEST_WORDS, VERDICTS, Statement, bears_figure, figures_of, units_of, words_of
from texts import (
    ROADMAP,
    SOURCE_HEADINGS,
    Block,
    Finding,
    Grid,
    Heading,
    Listing,
    Prose,
    Source,
    in_words,
    sources_section,
)

REQUIRED = {
    "title": str,
    "language": str,
    "publisher": str,
    "author_role": str,
    "published": dt.date,
    "checked": dt.date,
    "check_again_by": dt.date,
    "audience": list,
    "stage": list,
    "topics": list,
    "status": str,
    "sources": list,
}
OPTIONAL = {"translations": list, "translation_of": str, "builds": str, "columns": int, "url": str}
_KIND_NAMES = {str: "one line of text", dt.date: "a date, YYYY-MM-DD", list: "a list", int: "a whole number"}

AUDIENCES = ("MD", "IVD", "DH", "BIO", "ELD", "ALL")
STAGES = ("S1", "S2", "S3", "S4")
LANGUAGES = ("en", "nb")
STATUS_DRAFT = "draft, not reviewed by the programme"
STATUS_APPROVED = re.compile(r"approved by \S.*, \d{4}-\d{2}-\d{2}")
BASIS = "general knowledge, not opened"

LONGEST_DAYS_TO_REVIEW = 366
"""A document is read again at least once a year; what changes faster says so with an earlier date."""

WORDS_AT_LEAST, WORDS_AT_MOST = 900, 2500
"""Of a roadmap document; the upper limit leaves out tables, notice and sources."""

SHORTEST_COPY_WORDS = 6
"""A shorter line, such as `USD 100 in 2026`, may stand in two documents without being a copy."""

NOTICES = {
    "en": (
        "Date checked: {checked}.",
        "Next date to check: {again}.",
        "Status: draft, not reviewed by the programme.",
        "not legal advice",
    ),
    "nb": (
        "Kontrollert: {checked}.",
        "Kontrolleres på nytt innen: {again}.",
        "Status: utkast, ikke gjennomgått av programmet.",
        "ikke juridisk rådgivning",
    ),
}

_MARKUP = (
    (re.compile(r"\*\*|__|(?<![\w*])\*\w"), "bold or italics", "Write the words plainly"),
    (re.compile(r"\[[^\]]*\]\([^)]*\)"), "a Markdown link", "Name the document or authority by its title"),
    (re.compile(r"<[a-zA-Z/!]"), "HTML", "Use plain Markdown"),
    (re.compile(r"`"), "code marks", "Write the words plainly"),
)


# Metadata.


def metadata_rules(source: Source, today: dt.date) -> Iterator[Finding]:
    """Keys complete and valid, dates in order, nothing past its review date."""
    about, lines = source.metadata, source.lines
    for key, kind in (REQUIRED | OPTIONAL).items():
        value = about.get(key)
        if key in REQUIRED and value in (None, "", []):
            yield Finding(lines.get(key, 1), f"the key '{key}' is missing or empty", f"Give it {_KIND_NAMES[kind]}")
        elif value is not None and not isinstance(value, kind):
            yield Finding(lines.get(key, 1), f"the key '{key}' is {value!r}", f"Give it {_KIND_NAMES[kind]}")
    for key in about.keys() - REQUIRED.keys() - OPTIONAL.keys():
        yield Finding(lines.get(key, 1), f"the key '{key}' is not known", "Correct its spelling or take it out")
    for key, allowed in (("audience", AUDIENCES), ("stage", STAGES)):
        for value in _list(about, key):
            if value not in allowed:
                yield Finding(lines.get(key, 1), f"{key} holds {value!r}", f"Use {', '.join(allowed)}")
    if about.get("language") not in LANGUAGES:
        yield Finding(lines.get("language", 1), f"the language is {about.get('language')!r}", "Use en or nb")
    status = str(about.get("status", ""))
    if status != STATUS_DRAFT and not STATUS_APPROVED.fullmatch(status):
        remedy = f"Write '{STATUS_DRAFT}' or 'approved by NAME, YYYY-MM-DD'"
        yield Finding(lines.get("status", 1), f"the status is {status!r}", remedy)
    yield from _date_rules(about, lines, today)


def _date_rules(about: Mapping[str, Any], lines: Mapping[str, int], today: dt.date) -> Iterator[Finding]:
    published, checked, again = (_day(about, key) for key in ("published", "checked", "check_again_by"))
    if published is None or checked is None or again is None:
        return
    if published > checked:
        yield Finding(lines["published"], "it is published after it was checked", "Correct 'published' or 'checked'")
    if not checked < again:
        yield Finding(lines["check_again_by"], "it is to be checked again before it was checked", "Set a later date")
    elif (again - checked).days > LONGEST_DAYS_TO_REVIEW:
        yield Finding(lines["check_again_by"], "its next check is more than a year away", "Set an earlier date")
    if again < today:
        remedy = "Read it against its sources, set 'checked' and 'check_again_by', or take it out of the corpus"
        yield Finding(lines["check_again_by"], f"it should have been checked by {again}", remedy)


def source_list_rules(source: Source) -> Iterator[Finding]:
    """Each source whole, its basis said, its sections found; each section with figures has a source."""
    line = source.lines.get("sources", 1)
    headings = [block.text for block in source.blocks if isinstance(block, Heading) and block.level > 1]
    checked = _day(source.metadata, "checked")
    supported: set[str] = set()
    for number, each in enumerate(_list(source.metadata, "sources"), start=1):
        name = f"source {number}"
        if not isinstance(each, dict):
            yield Finding(line, f"{name} is not keys and values", "Give it authority, title and section")
            continue
        for key in ("authority", "title", "section"):
            if not each.get(key):
                yield Finding(line, f"{name} has no {key}", f"Add '{key}'")
        accessed, basis = each.get("accessed"), each.get("basis")
        if (accessed is None) == (basis is None):
            remedy = f"Give the date of access if the text was opened, else 'basis: {BASIS}', never both"
            yield Finding(line, f"{name} has both or neither of accessed and basis", remedy)
        elif basis is not None and basis != BASIS:
            yield Finding(line, f"{name} has the basis {basis!r}", f"Write '{BASIS}'")
        elif accessed is not None and not isinstance(accessed, dt.date):
            yield Finding(line, f"{name} was accessed on {accessed!r}", "Write the date as YYYY-MM-DD")
        elif accessed is not None and checked is not None and accessed > checked:
            yield Finding(line, f"{name} was accessed after the document was checked", "Correct one of the dates")
        if each.get("url") and not well_formed(str(each["url"])):
            yield Finding(line, f"{name} has the address {each['url']!r}", "Give a whole http(s) address")
        for heading in _list(each, "supports"):
            if heading != "all sections" and heading not in headings:
                yield Finding(
                    line, f"{name} supports {heading!r}, which is no heading here", "Copy the heading exactly"
                )
            supported.add(str(heading))
    if "all sections" not in supported:
        for heading, at in _sections_with_figures(source):
            if heading not in supported:
                remedy = "Name the heading under 'supports' of the source that its figures come from"
                yield Finding(at, f"the section {heading!r} has figures and no source", remedy)


def _sections_with_figures(source: Source) -> Iterator[tuple[str, int]]:
    heading: Heading | None = None
    seen: set[str] = set()
    for block in source.body:
        if isinstance(block, Heading):
            heading = block
        elif heading is None or heading.text in seen:
            continue
        elif any(bears_figure(text) for text, _ in units_of(block)):
            seen.add(heading.text)
            yield heading.text, heading.line


def translation_rules(source: Source, documents: Mapping[str, Source], name: str) -> Iterator[Finding]:
    """Translations name each other, in two languages, for the same readers; `documents` is the library by path."""
    about = source.metadata
    names = [*_list(about, "translations"), *([about["translation_of"]] if about.get("translation_of") else [])]
    line = source.lines.get("translations", source.lines.get("translation_of", 1))
    for other_name in names:
        other = documents.get(str(other_name))
        if other is None:
            yield Finding(line, f"its translation {other_name} is not in the library", "Correct the path or add it")
            continue
        back = [*_list(other.metadata, "translations"), other.metadata.get("translation_of")]
        if name not in back:
            yield Finding(line, f"{other_name} does not name it in return", f"Add {name} there")
        if other.metadata.get("language") == about.get("language"):
            yield Finding(line, f"{other_name} is in the same language", "Correct 'language' of one of them")
        for key in ("audience", "stage"):
            if sorted(_list(other.metadata, key)) != sorted(_list(about, key)):
                yield Finding(
                    source.lines.get(key, 1), f"its {key} differs from that of {other_name}", "Make them equal"
                )


# The text.


def text_rules(source: Source, name: str) -> Iterator[Finding]:
    """Title, headings, markup, letters and, in the roadmap, notice, length and the section on sources."""
    blocks = source.blocks
    if not blocks or not isinstance(blocks[0], Heading) or blocks[0].text != source.metadata.get("title"):
        yield Finding(
            blocks[0].line if blocks else 0, "it does not open with its title", "Begin with '# ' and the title"
        )
        return
    headings: dict[str, int] = {}
    for block in blocks[1:]:
        if isinstance(block, Heading):
            if block.text in headings:
                yield Finding(block.line, f"the heading {block.text!r} stands twice", "Give each section its own")
            headings[block.text] = block.line
        yield from _markup_rules(block, built=source.builds)
    if name.startswith(ROADMAP):
        yield from _notice_rules(source)
        yield from _length_rules(source)
        yield from _closing_rules(source)


def _markup_rules(block: Block, built: str | None) -> Iterator[Finding]:
    texts = [(block.text, block.line)] if isinstance(block, Heading) else list(units_of(block))
    for text, line in texts:
        for pattern, what, remedy in _MARKUP:
            if pattern.search(text):
                yield Finding(line, f"it holds {what}: {text[:60]!r}", remedy)
        if built and built.endswith(".pdf") and (odd := set(text) - _printable(text)):
            yield Finding(line, f"the PDF cannot show {' '.join(sorted(odd))}", "Write it with letters that it has")


def _printable(text: str) -> set[str]:
    return set(text.encode("cp1252", "ignore").decode("cp1252"))


def _notice_rules(source: Source) -> Iterator[Finding]:
    notice = source.blocks[1] if len(source.blocks) > 1 else None
    language, checked = str(source.metadata.get("language")), _day(source.metadata, "checked")
    again = _day(source.metadata, "check_again_by")
    if not isinstance(notice, Prose) or language not in NOTICES or checked is None or again is None:
        yield Finding(
            0, "no notice follows its title", "Say scope, dates, status and 'not legal advice' in a paragraph"
        )
        return
    for phrase in NOTICES[language]:
        wanted = phrase.format(checked=in_words(checked, language), again=in_words(again, language))
        if source.metadata.get("status") != STATUS_DRAFT and wanted.startswith("Status:"):
            continue
        if wanted not in notice.text:
            yield Finding(notice.line, f"the notice does not say {wanted!r}", "Make notice and front matter agree")


def _length_rules(source: Source) -> Iterator[Finding]:
    body = source.body
    prose = sum(len(words_of(text).split()) for block in body if not isinstance(block, Grid) for text in _texts(block))
    total = sum(len(words_of(text).split()) for block in body for text in _texts(block))
    if total < WORDS_AT_LEAST:
        yield Finding(0, f"it has {total} words", f"Write at least {WORDS_AT_LEAST}, or join it with another document")
    if prose > WORDS_AT_MOST:
        yield Finding(0, f"it has {prose} words outside tables", f"Keep it to {WORDS_AT_MOST}, or split it by subject")


def _closing_rules(source: Source) -> Iterator[Finding]:
    if source.builds or source.metadata.get("language") not in SOURCE_HEADINGS:
        return
    text = source.path.read_text(encoding="utf-8")
    if not text.endswith("\n" + sources_section(source.metadata)):
        remedy = "Run: python docs/sources/check.py --write"
        yield Finding(0, "its section on sources is not what its front matter says", remedy)


def copy_rules(documents: Mapping[str, Source]) -> Iterator[tuple[str, Finding]]:
    """No paragraph or list item stands in two places of the library; notices and sections on sources are exempt."""
    seen: dict[str, tuple[str, int]] = {}
    for name, source in documents.items():
        for block in source.body:
            if isinstance(block, Heading | Grid):
                continue
            lines = [block.text] if isinstance(block, Prose) else block.items
            for number, text in enumerate(lines):
                words = words_of(text)
                line = block.line + (number if isinstance(block, Listing) else 0)
                if len(words.split()) < SHORTEST_COPY_WORDS:
                    continue
                if words in seen:
                    where, at = seen[words]
                    remedy = "Say it once, and name the other document by its title"
                    yield name, Finding(line, f"the same words stand in {where}:{at}", remedy)
                else:
                    seen[words] = (name, line)


# The review.


def review_rules(source: Source, statements: Iterable[Statement]) -> Iterator[Finding]:
    """Each sentence, item and row with a figure was reviewed, and each reviewed statement still stands in the text."""
    reviewed = [words_of(statement.text) for statement in statements]
    for text, line in figures_of(source):
        words = words_of(text)
        if not any(words in each or (each and each in words) for each in reviewed):
            remedy = "Read it in its source and add it to docs/library-review.md"
            yield Finding(line, f"it was not reviewed: {text[:80]!r}", remedy)


def statement_rules(statement: Statement, standing: Iterable[str]) -> Iterator[Finding]:
    """A statement of the review is whole and stands in its document, whose units have the words `standing`."""
    words = words_of(statement.text)
    if not words or not any(words in each or each in words for each in standing):
        remedy = "Review the sentence as it now stands, or take the line out"
        yield Finding(statement.line, f"{statement.document} does not say {statement.text[:80]!r}", remedy)
    if statement.verdict not in VERDICTS:
        remedy = f"Use {', '.join(VERDICTS)}, with ', mended' where the text was changed"
        yield Finding(statement.line, f"the verdict is {statement.verdict!r}", remedy)
    if statement.verdict == "supported" and not statement.read_where:
        yield Finding(statement.line, "it is supported and does not say where it was read", "Name the text")
    elif statement.verdict == "supported" and not statement.words and "as in " not in statement.read_where:
        yield Finding(statement.line, "it is supported by no words", "Quote the words, or write 'not opened'")
    if len(statement.words.split()) > LONGEST_WORDS:
        yield Finding(
            statement.line, f"it quotes {len(statement.words.split())} words", f"Quote {LONGEST_WORDS} at most"
        )


# Shared.


def well_formed(address: str) -> bool:
    """Whether an address is whole: http or https, a host with a dot, no white space."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and "." in (parts.hostname or "") and not re.search(r"\s", address)


def reading_level(source: Source) -> float:
    """Return LIX of the running text: words a sentence plus the percentage of words over six letters (Björnsson, 1968).

    Tables are left out, each list item counts as a sentence; 0 for a text without words.
    """
    units = [text for block in source.body if not isinstance(block, Heading | Grid) for text, _ in units_of(block)]
    words = [word for text in units for word in words_of(text).split()]
    long_words = sum(len(word) > 6 for word in words)
    return len(words) / len(units) + 100 * long_words / len(words) if words else 0.0


def word_count(source: Source) -> int:
    """Return the number of words of a text, tables included; title, notice and section on sources left out."""
    return sum(len(words_of(text).split()) for block in source.body for text in _texts(block))


def _texts(block: Block) -> list[str]:
    return [block.text] if isinstance(block, Heading) else [text for text, _ in units_of(block)]


def _list(about: Mapping[str, Any], key: str) -> list[Any]:
    value = about.get(key)
    return value if isinstance(value, list) else []


def _day(about: Mapping[str, Any], key: str) -> dt.date | None:
    value = about.get(key)
    return value if isinstance(value, dt.date) else None
