"""An export as a PDF for print and board papers, and the visible words of such a file.

The typeface is embedded. A character that it lacks stands as its Unicode number, `[U+2603]`, never as another one.
"""

from __future__ import annotations

import io
import re
import threading
from functools import cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pypdfium2
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfdoc, pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph

from assistant.answering.exporting_blocks import (
    AUTHOR,
    LONG_QUESTION,
    WORDS,
    Block,
    Export,
    Role,
    compose,
    marked,
    numbered,
    unbroken,
    web_address,
)
from assistant.answering.exporting_proof import PROOF_NAME, encode_proof
from assistant.errors import UsageError

_REGULAR, _BOLD = "SourceSansPro", "SourceSansPro-Semibold"
_FONT_FILES = {_REGULAR: "SourceSansPro-Regular.ttf", _BOLD: "SourceSansPro-Semibold.ttf"}
_INK, _SOFT, _ACCENT, _RULE = HexColor("#1f2933"), HexColor("#525f6b"), HexColor("#0b5c8a"), HexColor("#c9d1d9")
_CARE = HexColor("#8a4b00")
_SIDE, _TOP, _BOTTOM = 2.7 * cm, 2.3 * cm, 2.3 * cm
_INDENT = 0.8 * cm
_PROOF_FILE = f"{PROOF_NAME}.txt"
_LOCALES = {"en": "en-GB", "nb": "nb-NO"}
# Characters that a line may hold and a typeface need not: spaces of all widths, hyphens, and what nobody sees.
_ALIKE = str.maketrans(
    dict.fromkeys("\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
    | dict.fromkeys("\u2010\u2011", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", "")
)
# reportlab keeps fonts and their subsets in tables of the process.
_SETTING = threading.Lock()


def write(export: Export) -> bytes:
    """Return the paper as a PDF, A4, with page numbers, an outline, and its proof as an attached file."""
    with _SETTING:
        lacking = _lacking()
        blocks = compose(export, lambda text: _typeset(text, lacking))
        buffer = io.BytesIO()
        paper = _Paper(buffer, export, blocks[0].text, encode_proof(export, blocks))
        paper.build([_paragraph(block) for block in blocks], canvasmaker=paper.make_canvas)
        return buffer.getvalue()


def read(content: bytes) -> tuple[str, str | None]:
    """Return the words of a PDF's pages without their footers, and its encoded proof or None.

    Raises:
        UsageError: It is no PDF, is damaged, or needs a password.
    """
    try:
        with pypdfium2.PdfDocument(content) as document:
            pages = [_page_words(document, index) for index in range(len(document))]
            proof = _attached(document)
    except pypdfium2.PdfiumError as error:
        raise UsageError("it is not a PDF, is damaged, or needs a password") from error
    return "\n".join(pages), proof


def _page_words(document: Any, index: int) -> str:
    page = document[index]
    try:
        words = page.get_textpage()
        try:
            text: str = words.get_text_bounded(bottom=_BOTTOM - 4)
        finally:
            words.close()
    finally:
        page.close()
    # pdfium writes a hyphen that ends a line in ways of its own.
    return text.replace("\r\n", "\n").replace("\x02", "-").replace("\ufffe", "-")


def _attached(document: Any) -> str | None:
    for index in range(document.count_attachments()):
        attachment = document.get_attachment(index)
        if attachment.get_name() == _PROOF_FILE:
            return bytes(attachment.get_data()).decode("ascii", "replace")
    return None


@cache
def _fonts() -> frozenset[int]:
    """Register the typeface and return the characters that all its cuts have."""
    folder = files("font_source_sans_pro").joinpath("files")
    fonts = [TTFont(name, io.BytesIO(folder.joinpath(file).read_bytes())) for name, file in _FONT_FILES.items()]
    for font in fonts:
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(_REGULAR, normal=_REGULAR, bold=_BOLD, italic=_REGULAR, boldItalic=_BOLD)
    return frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in fonts))


def _lacking() -> re.Pattern[str]:
    """Return a pattern of runs of characters that the typeface does not have."""
    ranges: list[str] = []
    start = 0
    # Combining marks need shaping to sit on their letter, and letters of scripts written from the right an order.
    for code in [
        *sorted(code for code in _fonts() if not 0x300 <= code < 0x370 and not 0x590 <= code < 0x900),
        0x110000,
    ]:
        if code > start:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
        start = code + 1
    return re.compile(f"(?:(?!\\n)[{''.join(ranges)}])+")


def _typeset(text: str, lacking: re.Pattern[str]) -> str:
    return lacking.sub(lambda run: numbered(run[0]), text.translate(_ALIKE))


def _style(role: Role) -> ParagraphStyle:
    size, color, bold, before, after, indent = _LOOKS[role]
    return ParagraphStyle(
        role,
        fontName=_BOLD if bold else _REGULAR,
        fontSize=size,
        leading=size * (1.2 if role in ("title", "question") else 1.36),
        textColor=color,
        spaceBefore=before,
        spaceAfter=after,
        leftIndent=indent,
        firstLineIndent=0,
        bulletIndent=0,
        bulletFontName=_BOLD,
        bulletFontSize=size,
        bulletColor=_ACCENT,
        keepWithNext=role in ("question", "sources", "place", "flag", "address", "notice", "understood"),
        allowWidows=0,
        allowOrphans=0,
        splitLongWords=1,
        linkUnderline=0,
        borderWidth=0,
    )


_LOOKS: dict[Role, tuple[float, HexColor, bool, float, float, float]] = {
    "title": (22, _INK, True, 0, 4, 0),
    "about": (10, _SOFT, False, 0, 4, 0),
    "question": (15, _INK, True, 24, 7, 0),
    "understood": (9.5, _SOFT, False, 0, 5, 0),
    "notice": (10.5, _INK, True, 0, 6, 10),
    "paragraph": (10.5, _INK, False, 0, 5, 0),
    "item": (10.5, _INK, False, 0, 3, 12),
    "written": (9, _SOFT, False, 3, 0, 0),
    "sources": (10, _ACCENT, True, 12, 2, 0),
    "quote": (10, _INK, False, 7, 2, _INDENT),
    "place": (9, _SOFT, False, 0, 0, _INDENT),
    "flag": (9, _CARE, False, 0, 0, _INDENT),
    "address": (9, _SOFT, False, 0, 0, _INDENT),
    "trace": (8, _SOFT, False, 0, 3, _INDENT),
    "closing": (9, _SOFT, False, 16, 2, 0),
}


def _paragraph(block: Block) -> Paragraph:
    style = _style(block.role)
    match block.role:
        case "quote":
            # A short quote stays with its source; a long one may run over pages.
            style.keepWithNext = len(block.text) < 1_200
            marker, _, words = block.text.partition(" ")
            quote = _Goal(_words(words), style, bulletText=marker)
            quote.name = f"quote_{block.number}"
            return quote
        case "paragraph" | "item":
            runs = (
                _words(words) if number is None else f'<a href="#quote_{number}" color="#0b5c8a">{words}</a>'
                for words, number in marked(block.text)
            )
            return (_Item if block.role == "item" else Paragraph)("".join(runs), style)
        case "address" if web_address(block.text):
            link = f"<a href={quoteattr(block.text)} color='#0b5c8a'>{_words(block.text)}</a>"
            return Paragraph(link, style)
        case "place":
            return Paragraph(_words(unbroken(block.text)), style)
        case "question":
            if len(block.text) > LONG_QUESTION:
                style.fontSize, style.leading = 11.5, 14.5
            question = _Goal(_words(block.text), style)
            question.name, question.outline = f"question_{block.question}", block.text
            return question
        case "notice":
            return _Notice(_words(block.text), style)
        case "about":
            return _Ruled(_words(block.text), style)
        case _:
            return Paragraph(_words(block.text), style)


def _words(text: str) -> str:
    return escape(text).replace("\n", "<br/>")


class _Goal(Paragraph):  # type: ignore[misc]  # reportlab ships no types
    """A paragraph that links lead to. An anchor among its words would keep reportlab from breaking a long one.

    reportlab makes the parts of a split paragraph itself, so the first one is given the name afterwards.
    """

    name: str | None = None
    outline: str | None = None

    def draw(self) -> None:
        if self.name is not None:
            self.canv.bookmarkHorizontal(self.name, 0, self.height)
        if self.outline is not None:
            self.canv.addOutlineEntry(self.outline, self.name, 0)
        super().draw()

    def split(self, available_width: float, available_height: float) -> list[Paragraph]:
        """Split over two pages; links lead to the first part."""
        parts: list[Paragraph] = super().split(available_width, available_height)
        for part in parts[:1]:
            part.name, part.outline = self.name, self.outline
        return parts


class _Item(Paragraph):  # type: ignore[misc]  # reportlab ships no types
    """A list item with a drawn dot, since a written one would be one of its words."""

    continues = False

    def draw(self) -> None:
        if not self.continues:
            self.canv.saveState()
            self.canv.setFillColor(_SOFT)
            self.canv.circle(4, self.height - self.style.leading * 0.62, 1.3, stroke=0, fill=1)
            self.canv.restoreState()
        super().draw()

    def split(self, available_width: float, available_height: float) -> list[Paragraph]:
        """Split over two pages; the second part has no dot."""
        parts: list[Paragraph] = super().split(available_width, available_height)
        for part in parts[1:]:
            part.continues = True
        return parts


class _Notice(Paragraph):  # type: ignore[misc]  # reportlab ships no types
    """A notice with a bar at its side."""

    def draw(self) -> None:
        self.canv.saveState()
        self.canv.setFillColor(_ACCENT)
        self.canv.rect(0, 0, 2, self.height - 2, stroke=0, fill=1)
        self.canv.restoreState()
        super().draw()


class _Ruled(Paragraph):  # type: ignore[misc]  # reportlab ships no types
    """A paragraph with a thin rule under it."""

    def draw(self) -> None:
        super().draw()
        self.canv.saveState()
        self.canv.setStrokeColor(_RULE)
        self.canv.setLineWidth(0.6)
        self.canv.line(0, -8, A4[0] - 2 * _SIDE, -8)
        self.canv.restoreState()


class _Paper(BaseDocTemplate):  # type: ignore[misc]  # reportlab ships no types
    """One column on A4 with what a reader's program shows about the file."""

    def __init__(self, buffer: io.BytesIO, export: Export, title: str, proof: str) -> None:
        super().__init__(
            buffer, pagesize=A4, title=title, author=AUTHOR, creator=AUTHOR, subject=export.date,
            lang=_LOCALES[export.language], displayDocTitle=True,
        )  # fmt: skip
        self._page_of = WORDS[export.language]["page_of"]
        self._proof = proof
        width, height = A4[0] - 2 * _SIDE, A4[1] - _TOP - _BOTTOM
        frame = Frame(_SIDE, _BOTTOM, width, height, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        self.addPageTemplates([PageTemplate("page", [frame])])

    def make_canvas(self, *arguments: Any, **options: Any) -> _NumberedCanvas:
        """Return the canvas that draws the footers and attaches the proof."""
        return _NumberedCanvas(self._page_of, self._proof, *arguments, **options)


class _NumberedCanvas(Canvas):  # type: ignore[misc]  # reportlab ships no types
    """A canvas that knows at its end how many pages there are."""

    def __init__(self, page_of: str, proof: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._page_of = page_of
        self._proof = proof
        self._drawn: list[dict[str, Any]] = []

    def showPage(self) -> None:
        """Keep a page until the number of pages is known."""
        self._drawn.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Draw every page's footer, attach the proof and write the file."""
        for number, drawn in enumerate(self._drawn, start=1):
            self.__dict__.update(drawn)
            self.setFont(_REGULAR, 8.5)
            self.setFillColor(_SOFT)
            footer = self._page_of.format(page=number, pages=len(self._drawn))
            self.drawRightString(A4[0] - _SIDE, 1.2 * cm, footer)
            super().showPage()
        self._attach()
        super().save()

    def _attach(self) -> None:
        """Put the proof into the file, where readers' programs list attachments."""
        document = self._doc
        kind = pdfdoc.PDFDictionary({"Type": pdfdoc.PDFName("EmbeddedFile")})
        stream = pdfdoc.PDFStream(kind, self._proof)
        name = pdfdoc.PDFString(_PROOF_FILE)
        specification = pdfdoc.PDFDictionary(
            {
                "Type": pdfdoc.PDFName("Filespec"),
                "F": name,
                "UF": name,
                "EF": pdfdoc.PDFDictionary({"F": document.Reference(stream)}),
            }
        )
        files = pdfdoc.PDFDictionary({"Names": pdfdoc.PDFArray([name, document.Reference(specification)])})
        document.Catalog.Names = pdfdoc.PDFDictionary({"EmbeddedFiles": files})
