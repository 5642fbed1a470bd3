"""Pages of a PDF in the viewer: the page as it looks, with the quote marked on the picture.

The picture is an image with a drawing over it, both scaled by the style sheet; the drawing marks the quote and holds
the place that the address leads to. What the picture shows stands as text further down, for search and screen readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol
from urllib.parse import quote as percent_encode

from assistant.domain import Document
from assistant.web.words import WORDS, InterfaceLanguage

# The drawing's own width; its height follows from the page.
_WIDTH = 1000
# How far above the mark a browser shows the page when it goes to the quote, and how far a mark reaches over its words.
_ROOM_ABOVE = 110
_EDGE = 1
_QUOTE_READ_OUT = 400
# The mark in the text, where the picture above it has the mark that the address leads to.
TEXT_MARK = "quote-in-text"


class Box(Protocol):
    """A rectangle as parts of the page's width and height, from 0 to 1, from the upper left corner."""

    @property
    def left(self) -> float:
        """Left edge."""
        ...

    @property
    def top(self) -> float:
        """Upper edge."""
        ...

    @property
    def right(self) -> float:
        """Right edge."""
        ...

    @property
    def bottom(self) -> float:
        """Lower edge."""
        ...


class Look(Protocol):
    """The size of a page as shown, and where the quote stands on it."""

    @property
    def width(self) -> float:
        """In points."""
        ...

    @property
    def height(self) -> float:
        """In points."""
        ...

    @property
    def boxes(self) -> Sequence[Box]:
        """One for each line or cell of the quote; empty where it is not on the page or its place is not sure."""
        ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page to show.

    Attributes:
        number: Physical page, from 1.
        look: None where the page cannot be shown.
        quoted: Whether a part of the quote stands on this page.
    """

    number: int
    look: Look | None
    quoted: bool

    @property
    def marked(self) -> bool:
        """Whether the quote, or its part on this page, is marked on the picture."""
        return self.look is not None and bool(self.look.boxes)


def shows_pages(document: Document) -> bool:
    """Tell whether a document is one whose pages can be shown as they look."""
    return bool(document.pages) and document.id.lower().endswith(".pdf")


def page_address(document: Document, number: int) -> str:
    """Return the address of a page's picture, relative to the root of the site."""
    return f"page/{percent_encode(document.id, safe='/')}?version={document.version}&page={number}"


def figure(
    document: Document, sheet: Sheet, quote: str, *, language: InterfaceLanguage, up: str, is_target: bool
) -> str:
    """Return one page as a picture with its caption, or a sentence where it cannot be shown.

    Args:
        quote: The quoted words, for readers who do not see the mark.
        up: The way from the viewer's page to the root of the site.
        is_target: Whether the address leads to the mark of this page.
    """
    words = WORDS[language]
    caption = escape(words["look_of"].format(page=sheet.number, pages=len(document.pages)))
    label = document.page_labels[sheet.number - 1] if len(document.page_labels) >= sheet.number else str(sheet.number)
    if label != str(sheet.number):
        caption += f" · {escape(words['look_printed'].format(label=label))}"
    if sheet.look is None:
        return f'<p class="notice quiet">{caption}: {escape(words["look_failed"])}</p>'
    address = escape(up + page_address(document, sheet.number))
    height = max(1, round(_WIDTH * sheet.look.height / sheet.look.width))
    alternative = escape(words["look_alt"].format(page=sheet.number, title=document.title))
    picture = f'<img src="{address}" width="{_WIDTH}" height="{height}" alt="{alternative}" decoding="async">'
    links = f'<a href="{address}">{escape(words["look_larger"])}</a>'
    if is_target:
        links = f'<a href="#{TEXT_MARK}">{escape(words["look_read"])}</a>{links}'
    marks = _marks(sheet.look.boxes, height, quote, language, is_target=is_target) if sheet.marked else ""
    shape = "wide" if sheet.look.width > sheet.look.height else "tall"
    return (
        f'<figure class="sheet {shape}"><div class="paper">{picture}{marks}</div>'
        f"<figcaption><span>{caption}</span>{links}</figcaption></figure>"
    )


def _marks(boxes: Sequence[Box], height: int, quote: str, language: InterfaceLanguage, *, is_target: bool) -> str:
    """Return the drawing over a picture: the marks, and the place that the address leads to."""
    said = quote if len(quote) <= _QUOTE_READ_OUT else f"{quote[:_QUOTE_READ_OUT]}…"
    name = escape(WORDS[language]["look_marked"].format(quote=said))
    rectangles = "".join(_rectangle(box, height) for box in boxes)
    target = ""
    if is_target:
        top = max(0, round(boxes[0].top * height) - _ROOM_ABOVE)
        bottom = round(boxes[0].bottom * height)
        target = f'<rect id="quote" class="target" x="0" y="{top}" width="{_WIDTH}" height="{bottom - top}"/>'
    return (
        f'<svg class="marks" viewBox="0 0 {_WIDTH} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{name}">{target}<g class="mark">{rectangles}</g></svg>'
    )


def _rectangle(box: Box, height: int) -> str:
    """Return one mark, a little wider than its words."""
    left, right = max(0.0, box.left * _WIDTH - _EDGE), min(float(_WIDTH), box.right * _WIDTH + _EDGE)
    top, bottom = box.top * height, box.bottom * height
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{max(1.0, bottom - top):.1f}" rx="2"/>'
    )
