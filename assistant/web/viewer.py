"""The source viewer: one stored version of a document as a page of its own, with the quoted words marked.

Pure functions, no script. Law: every character of the stored text stands in the page once, in order, inside the
element with the class `text` (page marks and nothing else are added there), so that the marked characters are exactly
`text[start:end]`. What HTML shows by structure (the tab between cells, the line between blocks) stays in the page
inside spans of the class `gap`, which the style sheet hides. Pages of a PDF stand above the text as they look.

All links are relative to the page itself, so that the site works under any path.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby, pairwise
from typing import Literal

from assistant.domain import Document, Section
from assistant.web.among import Place, source_link
from assistant.web.rendering import format_date, source_address, web_address
from assistant.web.sheets import TEXT_MARK, Sheet, figure, shows_pages
from assistant.web.words import LANGUAGE_NAMES, WORDS, InterfaceLanguage

_ITEM = re.compile(r"(?P<indent> *)(?P<marker>(?:-|\d{1,4}[.)]) +)(?=\S)")
# Deeper lists are shown at this depth: a page nested by a hostile file would break browsers.
_DEEPEST_LIST = 8
_OFFSET = re.compile(r"[0-9]{1,9}")

Kind = Literal["heading", "row", "item", "words"]


@dataclass(frozen=True, slots=True)
class Span:
    """A run of characters of the stored text; `end` is exclusive."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the stored text, up to and without its line end.

    Attributes:
        gap_end: Where the next line with words starts: the line end and blank lines lie between.
        opens_block: Whether a blank line, or the start of the section, lies before it.
    """

    start: int
    end: int
    gap_end: int
    kind: Kind
    opens_block: bool
    level: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One list item: its first line and the lines that continue it."""

    span: Span
    words_start: int
    gap_end: int
    depth: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class View:
    """A document, the quote to mark in it, and the language to show it in.

    Attributes:
        sheets: Pages to show as they look; none for a format without pages.
        among: The quotes of the answer that this one belongs to; none where the address does not say.
    """

    document: Document
    quote: Span | None
    language: InterfaceLanguage
    sheets: tuple[Sheet, ...] = ()
    among: tuple[Place, ...] = ()

    @property
    def up(self) -> str:
        """The way from this page to the root of the site."""
        return way_up(self.document.id)

    @property
    def place(self) -> Place | None:
        """Where the quote stands, or None."""
        if self.quote is None:
            return None
        return Place(self.document.id, self.document.version, self.quote.start, self.quote.end)

    @property
    def target(self) -> Sheet | None:
        """The page on whose picture a reader wants to see the mark first, or None where the text has it."""
        return next((sheet for sheet in self.sheets if sheet.marked), None)


def way_up(document_id: str) -> str:
    """Return the way from the page or file of a document to the root of the site."""
    return "../" * (document_id.count("/") + 1)


def quote_span(document: Document, start: str | None, end: str | None) -> Span | None:
    """Return the span that the link's two numbers name, or None where they are missing or do not fit the text."""
    if not (start and end and _OFFSET.fullmatch(start) and _OFFSET.fullmatch(end)):
        return None
    span = Span(int(start), int(end))
    return span if span.start < span.end <= len(document.text) else None


def pages_to_show(document: Document, quote: Span | None, asked: str | None) -> tuple[int, ...]:
    """Return the pages to show as they look: the one asked for, else those of the quote (two at most), else the first.

    None for a document whose pages cannot be shown; a wrong number counts as not asked.
    """
    if not shows_pages(document):
        return ()
    if asked and _OFFSET.fullmatch(asked) and 1 <= int(asked) <= len(document.pages):
        return (int(asked),)
    if quote is None:
        return (1,)
    first = document.page_at(quote.start) or 1
    last = document.page_at(quote.end - 1) or first
    return (first,) if last == first else (first, first + 1)


def page(
    document: Document,
    *,
    language: InterfaceLanguage,
    start: str | None = None,
    end: str | None = None,
    current: Document | None,
    original: bool = True,
    sheets: Sequence[Sheet] = (),
    among: Sequence[Place] = (),
    framed: bool = False,
) -> str:
    """Return the whole page of one document version.

    Args:
        start: Offset of the quote as the link gives it; a missing or wrong one marks nothing, and the page says so.
        end: The same for its end.
        current: The version that answers questions now; None when the document has been taken out.
        original: Whether the original file can be downloaded.
        sheets: The pages to show as they look, above the text.
        among: The quotes of the answer; without this one among them they are passed over.
        framed: Whether it stands beside the answer, in a frame of the founders' page: then it leads nowhere else.
    """
    view = View(document, quote_span(document, start, end), language, tuple(sheets))
    if view.place in among:
        view = View(document, view.quote, language, tuple(sheets), tuple(among))
    asked = start is not None or end is not None
    words = WORDS[language]
    text_title = f'<h2 class="part">{escape(words["text_title"])}</h2>' if sheets else ""
    body = (
        f'<header class="source">{_head(view)}{_version_notice(view, current)}'
        f"{_quote_notice(view, asked)}{_actions(view, original)}</header>{_looks(view)}{text_title}"
        f'<article class="text" aria-label="{escape(words["contents_label"])}">{_text(view)}</article>'
    )
    switch = _language_switch(view, start, end)
    return _shell(language, document.title, body, up=view.up, switch=switch, bar=_beside(view), leads_back=not framed)


def not_found(language: InterfaceLanguage, sentence: str, up: str = "../") -> str:
    """Return the page for a document, version, page or file that is not here; `up` leads to the root of the site."""
    title = WORDS[language]["not_found_title"]
    body = f'<header class="source"><h1>{escape(title)}</h1><p>{escape(sentence)}</p></header>'
    return _shell(language, title, body, up=up)


def _shell(
    language: InterfaceLanguage,
    title: str,
    body: str,
    *,
    up: str,
    switch: str = "",
    bar: str = "",
    leads_back: bool = True,
) -> str:
    """Return a page around `body`: head, the way back to the assistant, and nothing from elsewhere."""
    words = WORDS[language]
    back = (
        f'<nav class="top" aria-label="{escape(words["wordmark"])}">'
        f'<a class="wordmark" href="{up}">{escape(words["wordmark"])}</a>'
        f'<a href="{up}">{escape(words["back"])}</a>{switch}</nav>'
    )
    # In a frame it is the second main part on the screen, so it says which.
    name = "" if leads_back else f' aria-label="{escape(title)}"'
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} – {escape(words['wordmark'])}</title>"
        f'<link rel="icon" href="{up}static/usanext/icon.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{up}static/usanext/viewer.css"></head><body>'
        f"{back if leads_back else ''}{bar}<main{name}>{body}</main></body></html>"
    )


def _language_switch(view: View, start: str | None, end: str | None) -> str:
    """Return links to the same page in the other interface language."""
    links = []
    for name, language in LANGUAGE_NAMES:
        if language == view.language:
            continue
        address = _address(view, more=f"&lang={language}", missed=start is not None or end is not None)
        links.append(f'<a class="language" lang="{language}" href="{escape(address)}">{escape(name)}</a>')
    return "".join(links)


def _address(view: View, *, more: str = "", fragment: str = "#quote", missed: bool = False) -> str:
    """Return this page's own address with something more; `missed` keeps that a quote was asked for and not found."""
    if view.place is not None:
        return view.up + source_link(view.place, among=view.among, more=more, fragment=fragment)
    place = "&start=&end=" if missed else ""
    own_fragment = "" if fragment == "#quote" else fragment
    address = source_address(view.document.id).lstrip("/")
    return f"{view.up}{address}?version={view.document.version}{place}{more}{own_fragment}"


def _beside(view: View) -> str:
    """Return the bar that leads to the quotes before and after this one in the same answer; nothing without them."""
    if view.place is None or not view.among:
        return ""
    words = WORDS[view.language]
    number = view.among.index(view.place)
    position = words["cite_position"].format(number=number + 1, count=len(view.among))
    steps = (("prev", "cite_previous", number - 1), ("next", "cite_next", number + 1))
    links = ""
    for relation, name, other in steps:
        shown = f'<span class="step-name">{escape(words[name])}</span>'
        if 0 <= other < len(view.among):
            address = view.up + source_link(view.among[other], among=view.among, more=f"&lang={view.language}")
            links += f'<a class="step {relation}" rel="{relation}" href="{escape(address)}">{shown}</a>'
        else:
            links += f'<span class="step {relation} none" aria-hidden="true">{shown}</span>'
    inside = f'<p class="position">{escape(position)}</p>{links}'
    return f'<nav class="beside" aria-label="{escape(words["cite_nav"])}"><div>{inside}</div></nav>'


def _looks(view: View) -> str:
    """Return the pages as they look, what must be said of the quote on them, and the way to the pages around them."""
    if not view.sheets:
        return ""
    words = WORDS[view.language]
    document, quote = view.document, view.quote
    figures = ""
    for sheet in view.sheets:
        figures += figure(
            document,
            sheet,
            _quote_on(document, quote, sheet.number),
            language=view.language,
            up=view.up,
            is_target=sheet is view.target,
        )
    notices = "".join(f'<p class="notice">{notice}</p>' for notice in _look_notices(view))
    title = f'<h2 class="part" id="look-title">{escape(words["look_title"])}</h2>'
    return (
        f'<section class="look" id="look" aria-labelledby="look-title">{title}{notices}{figures}{_turn(view)}</section>'
    )


def _quote_on(document: Document, quote: Span | None, number: int) -> str:
    """Return the part of the quote that stands on a page."""
    if quote is None:
        return ""
    end = document.pages[number] if number < len(document.pages) else len(document.text)
    return " ".join(document.text[max(quote.start, document.pages[number - 1]) : min(quote.end, end)].split())


def _look_notices(view: View) -> Iterator[str]:
    """Yield what readers must know about the quote on the pages shown, as HTML."""
    words = WORDS[view.language]
    if view.quote is None:
        return
    if not any(sheet.quoted for sheet in view.sheets):
        link = f'<a href="{escape(_address(view))}">{escape(words["look_to_quote"])}</a>'
        yield f"{escape(words['look_elsewhere'])} {link}"
        return
    if any(sheet.quoted and sheet.look is not None and not sheet.marked for sheet in view.sheets):
        yield escape(words["look_unsure"])
    if len(view.sheets) > 1:
        yield escape(words["look_goes_on"])


def _turn(view: View) -> str:
    """Return links to the pages before and after those shown."""
    words = WORDS[view.language]
    steps = (("prev", view.sheets[0].number - 1), ("next", view.sheets[-1].number + 1))
    links = "".join(
        f'<a class="step {relation}" href="{escape(_address(view, more=f"&page={number}", fragment="#look"))}">'
        f"{escape(words['look_to_page'].format(page=number))}</a>"
        for relation, number in steps
        if 1 <= number <= len(view.document.pages)
    )
    return f'<nav class="turn" aria-label="{escape(words["look_turn"])}">{links}</nav>' if links else ""


def _head(view: View) -> str:
    """Return the title and what is known about the document: publisher, dates, language, version, status."""
    document, words = view.document, WORDS[view.language]
    section = _section(view)
    metadata = document.metadata
    facts: list[str] = [escape(metadata.publisher)] if metadata.publisher else []
    published = section.published or metadata.published
    if not published and not metadata.checked:
        facts.append(escape(words["date_not_stated"]))
    for key, value in (("published", published), ("checked", metadata.checked), ("valid_until", metadata.valid_until)):
        if value:
            facts.append(escape(words[key].format(date=format_date(value, view.language))))
    facts += [escape(words[f"language_{language}"]) for language in _languages(view)]
    facts.append(f"<code>{escape(words['version'].format(version=document.version[:8]))}</code>")
    status = f'<p class="flag">{escape(metadata.status)}</p>' if metadata.status else ""
    items = "".join(f"<li>{fact}</li>" for fact in facts)
    return f'<h1 lang="{section.language}">{escape(document.title)}</h1><ul class="facts">{items}</ul>{status}'


def _section(view: View) -> Section:
    """Return the section that holds the quote, or the first one."""
    return view.document.section_at(view.quote.start if view.quote else 0)


def _languages(view: View) -> list[str]:
    """Return the language of the quote's section, or those of all sections where nothing is marked."""
    if view.quote:
        return [_section(view).language]
    return list(dict.fromkeys(section.language for section in view.document.sections))


def _version_notice(view: View, current: Document | None) -> str:
    """Return a line when another version answers questions now, or none does."""
    words = WORDS[view.language]
    if current is None:
        return f'<p class="notice">{escape(words["withdrawn"])}</p>'
    if current.version == view.document.version:
        return ""
    address = view.up + source_address(current.id).lstrip("/")
    link = f'<a href="{escape(address)}">{escape(words["newer_link"])}</a>'
    return f'<p class="notice">{escape(words["newer"])} {link}</p>'


def _quote_notice(view: View, asked: bool) -> str:
    """Return one line that says what is marked, with the way there, or why nothing is."""
    words = WORDS[view.language]
    if view.target is not None:
        jumps = (("#quote", "jump_to_page"), (f"#{TEXT_MARK}", "jump_to_text"))
        links = " ".join(f'<a href="{target}">{escape(words[name])}</a>' for target, name in jumps)
        return f'<p class="marked-note">{escape(words["marked_on_page"])} {links}</p>'
    if view.quote:
        jump = f'<a href="#quote">{escape(words["jump_to_quote"])}</a>'
        return f'<p class="marked-note">{escape(words["quote_marked"])} {jump}</p>'
    return f'<p class="notice">{escape(words["quote_missing" if asked else "quote_none"])}</p>'


def _actions(view: View, original: bool) -> str:
    """Return the links to the original file and to the publisher's page, where they are known."""
    words = WORDS[view.language]
    links = []
    if original:
        address = source_address(view.document.id).replace("/source/", "original/", 1)
        address = f"{view.up}{address}?version={view.document.version}"
        links.append(f'<a class="button" href="{escape(address)}" download>{escape(words["download"])}</a>')
    publisher = web_address(_section(view).url) or web_address(view.document.metadata.url)
    if publisher:
        attributes = f'href="{escape(publisher)}" target="_blank" rel="noopener noreferrer"'
        links.append(f"<a {attributes}>{escape(words['publisher_page'])}</a>")
    return f'<p class="actions">{"".join(links)}</p>' if links else ""


def _text(view: View) -> str:
    """Return the stored text, section by section, each in its language, with the marks of empty pages at its end."""
    sections = "".join(
        f'<section lang="{section.language}">{_section_blocks(view, section)}</section>'
        for section in view.document.sections
    )
    return sections + _page_marks(view, len(view.document.text))


def _section_blocks(view: View, section: Section) -> str:
    """Return the blocks of one section: headings, paragraphs, lists and tables."""
    lines = list(_lines(view.document, section))
    lead = lines[0].start if lines else section.end
    blocks = "".join(_block(view, block) for block in _blocks(lines))
    return _inline(view, section.start, lead, gap=True) + blocks


def _lines(document: Document, section: Section) -> Iterator[Line]:
    """Yield the lines of a section that hold words, each with the gap behind it and what kind it is."""
    text = document.text
    spans = [
        Span(section.start + match.start(), section.start + match.end())
        for match in re.finditer(r"[^\n]+", text[section.start : section.end])
        if match[0].strip()
    ]
    for index, span in enumerate(spans):
        gap_end = spans[index + 1].start if index + 1 < len(spans) else section.end
        before = text[spans[index - 1].end : span.start] if index else "\n\n"
        level = _heading_level(document, span)
        yield Line(span.start, span.end, gap_end, _kind(text, span, level), before.count("\n") > 1, level)


def _kind(text: str, span: Span, level: int) -> Kind:
    """Return what a line is, by its heading offset, its tabs or its first characters."""
    if level:
        return "heading"
    line = text[span.start : span.end]
    if "\t" in line.strip():
        return "row"
    return "item" if _ITEM.match(line) else "words"


def _heading_level(document: Document, span: Span) -> int:
    """Return the level of the heading that reaches into a line, or 0."""
    after = bisect_left(document.headings, span.end, key=lambda heading: heading.start)
    if after and document.headings[after - 1].end > span.start:
        return document.headings[after - 1].level
    return 0


def _blocks(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield runs of lines that are shown as one block; a line that continues a list item belongs to the list."""
    block: list[Line] = []
    for line in lines:
        continues_item = bool(block) and block[-1].kind == "item" and line.kind == "words" and not line.opens_block
        if continues_item:
            line = Line(line.start, line.end, line.gap_end, "item", False, -1)
        if block and (line.opens_block or line.kind != block[-1].kind):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _block(view: View, lines: Sequence[Line]) -> str:
    """Return one block with the gap behind it."""
    first, last = lines[0], lines[-1]
    if first.kind == "item":
        return _list(view, list(_items(view.document.text, lines)))
    if first.kind == "row":
        rows = "".join(_row(view, line) for line in lines)
        return f'<div class="table"><table><tbody>{rows}</tbody></table></div>'
    # The page's own title is the one `h1`, so a heading of level 1 is an `h2` here.
    tag = f"h{min(first.level + 1, 6)}" if first.kind == "heading" else "p"
    words = _inline(view, first.start, last.end) + _inline(view, last.end, last.gap_end, gap=True)
    return f"<{tag}>{words}</{tag}>"


def _row(view: View, line: Line) -> str:
    """Return a table row; the tab behind a cell, and the line end behind the last one, stay in it as gaps."""
    cells = []
    start = line.start
    for match in re.finditer(r"\t", view.document.text[line.start : line.end]):
        tab = line.start + match.start()
        cells.append(_inline(view, start, tab) + _inline(view, tab, tab + 1, gap=True))
        start = tab + 1
    cells.append(_inline(view, start, line.end) + _inline(view, line.end, line.gap_end, gap=True))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _items(text: str, lines: Sequence[Line]) -> Iterator[Item]:
    """Yield the items of a list; a line of level -1 continues the item before it."""
    runs: list[list[Line]] = []
    for line in lines:
        if line.level < 0:
            runs[-1].append(line)
        else:
            runs.append([line])
    for run in runs:
        # `_kind` called the first line of the run an item, so its marker matches again.
        for match in _ITEM.finditer(text, run[0].start, run[0].end):
            depth = min(len(match["indent"]) // 2, _DEEPEST_LIST)
            ordered = not match["marker"].startswith("-")
            yield Item(Span(run[0].start, run[-1].end), match.end(), run[-1].gap_end, depth, ordered)
            break


def _list(view: View, items: Sequence[Item]) -> str:
    """Return a list; the items below one that stand deeper are a list inside it."""
    nested: list[tuple[Item, list[Item]]] = []
    for item in items:
        if nested and item.depth > nested[-1][0].depth:
            nested[-1][1].append(item)
        else:
            nested.append((item, []))
    parts = []
    for ordered, group in groupby(nested, key=lambda pair: pair[0].ordered):
        tag = "ol" if ordered else "ul"
        shown = "".join(f"<li>{_item(view, item)}{_list(view, below)}</li>" for item, below in group)
        parts.append(f'<{tag} role="list">{shown}</{tag}>')
    return "".join(parts)


def _item(view: View, item: Item) -> str:
    """Return a list item with its marker as it is stored: a drawn bullet would not be part of the text."""
    kind = "number" if item.ordered else "dash"
    marker = f'<span class="{kind}">{_inline(view, item.span.start, item.words_start)}</span>'
    words = _inline(view, item.words_start, item.span.end)
    return marker + words + _inline(view, item.span.end, item.gap_end, gap=True)


def _inline(view: View, start: int, end: int, *, gap: bool = False) -> str:
    """Return `text[start:end]` as HTML, cut where pages start and where the quote starts and ends."""
    cuts = sorted({start, end, *_cuts(view, start, end)})
    return "".join(_page_marks(view, left) + _piece(view, left, right, gap) for left, right in pairwise(cuts))


def _cuts(view: View, start: int, end: int) -> Iterator[int]:
    """Yield the offsets strictly inside a run at which something changes."""
    pages = view.document.pages
    yield from pages[bisect_right(pages, start) : bisect_left(pages, end)]
    if view.quote:
        yield from (offset for offset in (view.quote.start, view.quote.end) if start < offset < end)


def _piece(view: View, start: int, end: int, gap: bool) -> str:
    """Return a run that is marked wholly or not at all; the first marked one carries the id that the link names."""
    shown = escape(view.document.text[start:end])
    if gap:
        shown = f'<span class="gap">{shown}</span>'
    quote = view.quote
    if quote is None or not (quote.start <= start and end <= quote.end):
        return shown
    name = f' id="{TEXT_MARK if view.target else "quote"}"' if start == quote.start else ""
    return f"<mark{name}>{shown}</mark>"


def _page_marks(view: View, offset: int) -> str:
    """Return the marks of the pages that start at an offset: more than one where a page holds no text."""
    document = view.document
    words = WORDS[view.language]
    marks = []
    for index in range(bisect_left(document.pages, offset), bisect_right(document.pages, offset)):
        label = document.page_labels[index] if index < len(document.page_labels) else str(index + 1)
        shown = escape(words["page_mark"].format(label=label))
        marks.append(f'<span class="page-mark" lang="{view.language}">{shown}</span>')
    return "".join(marks)
