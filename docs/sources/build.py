"""Build the PDF and DOCX documents of the starter corpus from their Markdown sources.

Each source lies beside this file and has the front matter of a corpus document. The build
writes the document into ``corpus/`` and its metadata into a sidecar, ``<document>.yaml``::

    python docs/sources/build.py            build every document
    python docs/sources/build.py --check    fail if corpus/ differs from a fresh build

A source says in its front matter what it becomes (``builds``) and whether it is set in two columns (``columns: 2``).
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import zipfile
from html import escape
from pathlib import Path
from typing import Any

import docx
import pypdf
import yaml
from docx.document import Document as DocxDocument
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import Table as DocxTable
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph as DocxParagraph
from glossary import search_pairs, terms_of
from reportlab import platypus  # type: ignore[import-untyped, unused-ignore]
from reportlab.lib import colors  # type: ignore[import-untyped, unused-ignore]
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped, unused-ignore]
from reportlab.lib.styles import ParagraphStyle  # type: ignore[import-untyped, unused-ignore]
from reportlab.lib.units import cm  # type: ignore[import-untyped, unused-ignore]
from reportlab.pdfbase import pdfmetrics  # type: ignore[import-untyped, unused-ignore]
from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped, unused-ignore]
from texts import (
    BUILD_KEYS,
    CLOSING_HEADINGS,
    CORPUS,
    BadText,
    Block,
    Grid,
    Heading,
    Listing,
    Prose,
    Source,
    read_source,
    read_sources,
)

GLOSSARY = "roadmap/glossary-english-norwegian.md"
SEARCH_PAIRS = CORPUS.parent / "assistant" / "glossary.tsv"

INK = "1F3A5F"
PALE = "E8EEF5"
RULE = "B8C4D3"

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Date of every member of a DOCX: the earliest a ZIP can hold, so that bytes do not change."""


def column_shares(grid: Grid) -> list[float]:
    """Share out the table's width among its columns, by the text that they hold.

    The longest word keeps a column from being so narrow that a word is broken; the square
    root keeps one long sentence from taking the whole width.
    """
    columns = zip(grid.header, *grid.rows, strict=True)
    weights = [
        max(
            max(len(cell) for cell in column) ** 0.5 * 3,
            max(len(word) for cell in column for word in cell.split() or [""]) * 1.3,
        )
        for column in columns
    ]
    return [weight / sum(weights) for weight in weights]


# PDF.

PAGE_MARGIN = 2.3 * cm
TEXT_WIDTH = A4[0] - 2 * PAGE_MARGIN

LONGEST_UNBROKEN_LIST = 6
"""A list of at most so many items stays on one page."""

PAGE_WORDS = {"en": "Page", "nb": "Side"}

BULLET_FONT = "Vera"
"""A font inside reportlab; a bullet in its Helvetica is extracted as a control character."""

pdfmetrics.registerFont(TTFont(BULLET_FONT, "Vera.ttf"))


def pdf_style(name: str, **changes: Any) -> Any:
    """Make a paragraph style: body text with the changes named."""
    body: dict[str, Any] = {
        "fontName": "Helvetica",
        "fontSize": 10,
        "leading": 14.5,
        "spaceAfter": 7,
        "allowWidows": 0,
        "allowOrphans": 0,
    }
    return ParagraphStyle(name, **(body | changes))


def pdf_heading(name: str, size: float, before: float, after: float = 5) -> Any:
    """Make a heading style; a heading never stays alone at the foot of a page."""
    return pdf_style(
        name,
        fontName="Helvetica-Bold",
        fontSize=size,
        leading=size * 1.25,
        spaceBefore=before,
        spaceAfter=after,
        textColor=colors.HexColor(f"#{INK}"),
        keepWithNext=1,
    )


def pdf_item(name: str, **changes: Any) -> Any:
    """Make a style for list items."""
    return pdf_style(
        name,
        leftIndent=17,
        bulletIndent=3,
        bulletFontName=BULLET_FONT,
        bulletFontSize=9,
        spaceAfter=3.5,
        **changes,
    )


PDF_STYLES = {
    "h1": pdf_heading("h1", size=21, before=0, after=14),
    "h2": pdf_heading("h2", size=13, before=11),
    "h3": pdf_heading("h3", size=11, before=8),
    "body": pdf_style("body"),
    "lead": pdf_style("lead", keepWithNext=1),
    "notice": pdf_style(
        "notice",
        fontSize=9,
        leading=13,
        backColor=colors.HexColor(f"#{PALE}"),
        borderPadding=7,
        leftIndent=7,
        rightIndent=7,
        spaceBefore=10,
        spaceAfter=16,
    ),
    "item": pdf_item("item"),
    "held item": pdf_item("held item", keepWithNext=1),
    "small item": pdf_item("small item", fontSize=8.5, leading=11.5),
    "cell": pdf_style("cell", fontSize=8.8, leading=11.4, spaceAfter=0),
    "head": pdf_style(
        "head",
        fontName="Helvetica-Bold",
        fontSize=8.8,
        leading=11.4,
        spaceAfter=0,
        textColor=colors.white,
    ),
}


COLUMN_GAP = 0.8 * cm
FRAME_BOTTOM, FRAME_TOP = 2.2 * cm, A4[1] - 2.1 * cm

LONGEST_UNBROKEN_TABLE = 9
"""A table of at most so many rows stays in one piece."""


def write_pdf(source: Source, target: Path) -> None:
    """Write a document as a PDF with page numbers, its text in one column or in two below title and notice."""
    columns = int(source.metadata.get("columns", 1))
    column_width = (TEXT_WIDTH - COLUMN_GAP * (columns - 1)) / columns

    def page_number(canvas: Any, _template: Any) -> None:
        """Draw the foot of a page: the publisher to the left, the number to the right."""
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(colors.HexColor("#5A6675"))
        canvas.drawString(PAGE_MARGIN, 1.3 * cm, source.publisher)
        page = PAGE_WORDS[str(source.metadata["language"])]
        canvas.drawRightString(A4[0] - PAGE_MARGIN, 1.3 * cm, f"{page} {canvas.getPageNumber()}")
        canvas.restoreState()

    def frames(top: float) -> list[Any]:
        """Make the columns of a page, down from `top`."""
        steps = [PAGE_MARGIN + number * (column_width + COLUMN_GAP) for number in range(columns)]
        return [pdf_frame(left, column_width, FRAME_BOTTOM, top) for left in steps]

    story = pdf_story(source.full_blocks, column_width)
    first_frames = frames(FRAME_TOP)
    if columns > 1:
        head = [platypus.Paragraph(escape(block.text), PDF_STYLES[style]) for block, style in pdf_head(source)]
        height = sum(each.wrap(TEXT_WIDTH, A4[1])[1] + each.getSpaceBefore() + each.getSpaceAfter() for each in head)
        middle = FRAME_TOP - height
        first_frames = [pdf_frame(PAGE_MARGIN, TEXT_WIDTH, middle - 1, FRAME_TOP), *frames(middle)]
        story = [*head, platypus.FrameBreak(), platypus.NextPageTemplate("next"), *story[len(head) :]]
    template = platypus.BaseDocTemplate(
        str(target),
        pagesize=A4,
        # The foot is drawn at the end of a page, so that it is also read last.
        pageTemplates=[
            platypus.PageTemplate("first", frames=first_frames, onPageEnd=page_number),
            platypus.PageTemplate("next", frames=frames(FRAME_TOP), onPageEnd=page_number),
        ],
        title=source.title,
        author=source.publisher,
        subject=str(source.metadata["status"]),
        creator="docs/sources/build.py",
        lang=source.language_tag,
        invariant=1,  # a fixed date and id: the same source gives the same bytes
    )
    template.build(story)


def pdf_frame(left: float, width: float, bottom: float, top: float) -> Any:
    """Make a frame without padding; all in points from the lower left corner of the page."""
    return platypus.Frame(
        left, bottom, width, top - bottom, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
    )


def pdf_head(source: Source) -> list[tuple[Heading | Prose, str]]:
    """Return title and notice, which stand above the columns, each with its style."""
    styles = {Heading: "h1", Prose: "notice"}
    return [(block, styles[type(block)]) for block in source.blocks[:2] if isinstance(block, Heading | Prose)]


def pdf_story(blocks: tuple[Block, ...], width: float) -> list[Any]:
    """Turn blocks into flowables; the paragraph right after the title is the notice."""
    story: list[Any] = []
    closing = False
    for number, block in enumerate(blocks):
        if isinstance(block, Heading):
            closing = block.text in CLOSING_HEADINGS
            story.append(platypus.Paragraph(escape(block.text), PDF_STYLES[f"h{block.level}"]))
        elif isinstance(block, Listing):
            story += pdf_items(block, small=closing)
        elif isinstance(block, Grid):
            table = pdf_table(block, width)
            short = len(block.rows) <= LONGEST_UNBROKEN_TABLE
            story += [platypus.KeepTogether([table]) if short else table, platypus.Spacer(1, 9)]
        else:
            leads_in = block.text.endswith(":")
            style = "notice" if number == 1 else "lead" if leads_in else "body"
            story.append(platypus.Paragraph(escape(block.text), PDF_STYLES[style]))
    return story


def pdf_items(listing: Listing, *, small: bool = False) -> list[Any]:
    """Make one paragraph an item, and a little air after the last; a short list is not broken."""
    last = len(listing.items)
    items: list[Any] = []
    for number, item in enumerate(listing.items, start=1):
        held = number < last <= LONGEST_UNBROKEN_LIST and not small
        items.append(
            platypus.Paragraph(
                escape(item),
                PDF_STYLES["held item" if held else "small item" if small else "item"],
                bulletText=f"{number}." if listing.numbered else "\u2022",
            )
        )
    return [*items, platypus.Spacer(1, 4)]


def pdf_table(grid: Grid, width: float) -> Any:
    """Make a ruled table whose header is repeated on every page it runs over."""
    cells = [[platypus.Paragraph(escape(cell), PDF_STYLES["head"]) for cell in grid.header]]
    cells += [[platypus.Paragraph(escape(c), PDF_STYLES["cell"]) for c in row] for row in grid.rows]
    return platypus.Table(
        cells,
        colWidths=[share * width for share in column_shares(grid)],
        repeatRows=1,
        spaceBefore=3,
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor(f"#{INK}")),
            ("LINEBELOW", (0, 1), (-1, -1), 0.5, colors.HexColor(f"#{RULE}")),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), [colors.white, colors.HexColor("#F6F8FB")]),
            ("LEFTPADDING", (0, 0), (-1, -1), 5),
            ("RIGHTPADDING", (0, 0), (-1, -1), 5),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ],
    )


# DOCX.


def write_docx(source: Source, target: Path) -> None:
    """Write a document as a DOCX with Word's own heading, list and table styles."""
    document = docx.Document()
    set_docx_properties(document, source)
    set_docx_styles(document, source.language_tag)
    for number, block in enumerate(source.full_blocks):
        if isinstance(block, Heading):
            style = "Title" if block.level == 1 else f"Heading {block.level - 1}"
            document.add_paragraph(block.text, style=style)
        elif isinstance(block, Listing):
            for item in block.items:
                style = "List Number" if block.numbered else "List Bullet"
                document.add_paragraph(item, style=style)
        elif isinstance(block, Grid):
            add_docx_table(document, block)
        else:
            document.add_paragraph(block.text, style="Subtitle" if number == 1 else "Normal")
    buffer = io.BytesIO()
    document.save(buffer)
    target.write_bytes(with_fixed_dates(buffer.getvalue()))


def set_docx_properties(document: DocxDocument, source: Source) -> None:
    """Fill the core properties; every date is the day of publication."""
    properties = document.core_properties
    properties.title = source.title
    properties.author = properties.last_modified_by = source.publisher
    properties.language = source.language_tag
    properties.subject = str(source.metadata["status"])
    properties.comments = ""
    properties.created = properties.modified = source.published
    properties.revision = 1


def set_docx_styles(document: DocxDocument, language_tag: str) -> None:
    """Set page, fonts and language of the default template."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    for name, size, colour in (
        ("Normal", 10.5, None),
        ("Title", 22, INK),
        ("Subtitle", 9.5, "5A6675"),
        ("Heading 1", 14, INK),
        ("Heading 2", 12, INK),
    ):
        style: Any = document.styles[name]
        style.font.name = "Calibri"
        style.font.size = Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in [key for key in fonts.attrib if key.endswith("Theme")]:
            del fonts.attrib[attribute]  # a theme font would win over the name set above
        if colour is not None:
            style.font.color.rgb = RGBColor.from_string(colour)
    normal: Any = document.styles["Normal"]
    normal.paragraph_format.space_before = Pt(4)
    normal.paragraph_format.space_after = Pt(6)
    subtitle: Any = document.styles["Subtitle"]
    subtitle.font.italic = False
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), language_tag)
    normal.element.get_or_add_rPr().append(language)


def add_docx_table(document: DocxDocument, grid: Grid) -> None:
    """Add a table whose header row Word repeats on each page."""
    table = document.add_table(rows=0, cols=len(grid.header), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for number, texts in enumerate((grid.header, *grid.rows)):
        row = table.add_row()
        forbid_row_break(row)
        for cell, text, share in zip(row.cells, texts, column_shares(grid), strict=True):
            cell.width = Cm(16 * share)
            spacing = cell.paragraphs[0].paragraph_format
            spacing.space_before = spacing.space_after = Pt(2)
            run = cell.paragraphs[0].add_run(text)
            run.font.size = Pt(9.5)
            if number == 0:
                run.bold = True
                shade(cell)
        if number == 0:
            row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def forbid_row_break(row: _Row) -> None:
    """Keep a table row on one page."""
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def shade(cell: _Cell) -> None:
    """Give a cell the pale background of a header."""
    shading = OxmlElement("w:shd")
    shading.set(qn("w:val"), "clear")
    shading.set(qn("w:fill"), PALE)
    cell._tc.get_or_add_tcPr().append(shading)


def with_fixed_dates(content: bytes) -> bytes:
    """Pack a ZIP file again with the same date on every member."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            member = zipfile.ZipInfo(name, ZIP_EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(member, old.read(name))
    return packed.getvalue()


# Building and checking.

WRITERS = {".pdf": write_pdf, ".docx": write_docx}


def sidecar_of(document: Path) -> Path:
    """Name the file that holds a document's metadata."""
    return document.with_name(f"{document.name}.yaml")


def build(corpus: Path) -> list[Path]:
    """Build every document that has a source, and its sidecar.

    :param corpus: The corpus folder to write into; folders are made as needed.
    :return: The documents written.
    :raises BadText: If a source cannot be read, or does not say what it becomes.
    """
    written = []
    for source in read_sources():
        if source.builds is None or Path(source.builds).suffix not in WRITERS:
            raise BadText(f"{source.path.name}:1: its key 'builds' must name a .pdf or .docx inside the corpus")
        target = corpus / source.builds
        target.parent.mkdir(parents=True, exist_ok=True)
        WRITERS[target.suffix](source, target)
        about = {key: value for key, value in source.metadata.items() if key not in BUILD_KEYS}
        sidecar = yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=1000)
        sidecar_of(target).write_text(sidecar, encoding="utf-8")
        written.append(target)
    return written


def build_search_pairs() -> str:
    """Return what the search is told of the glossary, as the text of `assistant/glossary.tsv`."""
    return search_pairs(terms_of(read_source(CORPUS / GLOSSARY)))


def extracted_text(document: Path) -> str:
    """Extract what a reader gets out of a PDF or a DOCX, tables included."""
    if document.suffix == ".pdf":
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(document).pages)
    lines: list[str] = []
    for part in docx.Document(str(document)).iter_inner_content():
        if isinstance(part, DocxParagraph):
            lines.append(part.text)
        elif isinstance(part, DocxTable):
            lines += [" | ".join(cell.text for cell in row.cells) for row in part.rows]
    return "\n".join(lines)


def differences(corpus: Path) -> list[str]:
    """Compare a corpus with a fresh build.

    :param corpus: The corpus folder to look at; it is not changed.
    :return: One sentence for each document that differs, empty if none does.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for fresh in build(Path(folder)):
            name = fresh.relative_to(folder)
            present = corpus / name
            if not present.exists() or not sidecar_of(present).exists():
                found.append(f"corpus/{name} or its sidecar is missing.")
            elif extracted_text(present) != extracted_text(fresh):
                found.append(f"The text of corpus/{name} differs from its source.")
            elif sidecar_of(present).read_bytes() != sidecar_of(fresh).read_bytes():
                found.append(f"The sidecar of corpus/{name} differs from its source.")
    if corpus == CORPUS and SEARCH_PAIRS.read_text(encoding="utf-8") != build_search_pairs():
        found.append("assistant/glossary.tsv differs from the glossary.")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    :param arguments: The arguments; those of the process if left out.
    :return: The exit status: 0, or 1 if a check found a difference or a source cannot be read.
    """
    parser = argparse.ArgumentParser(description="Build the PDF and DOCX documents of the corpus.")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check_only = parser.parse_args(arguments).check
    try:
        found = differences(CORPUS) if check_only else []
        written = [] if check_only else build(CORPUS)
    except BadText as error:
        print(f"docs/sources/{error}", file=sys.stderr)
        return 1
    for sentence in found:
        print(sentence, "Run: python docs/sources/build.py", file=sys.stderr)
    if not check_only:
        SEARCH_PAIRS.write_text(build_search_pairs(), encoding="utf-8")
        written.append(SEARCH_PAIRS)
    for document in written:
        print(document.relative_to(CORPUS.parent))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
