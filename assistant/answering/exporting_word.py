"""An export as a Word file in styles of its own, so that it takes a company's template well; and its visible words."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from assistant.answering.exporting_blocks import (
    AUTHOR,
    LONG_QUESTION,
    WORDS,
    Block,
    Export,
    PaperLanguage,
    Role,
    compose,
    marked,
    unbroken,
    web_address,
)
from assistant.answering.exporting_proof import PROOF_NAME, encode_proof
from assistant.errors import UsageError

_FONT = "Calibri"
_INK, _SOFT, _ACCENT = RGBColor(0x1F, 0x29, 0x33), RGBColor(0x52, 0x5F, 0x6B), RGBColor(0x0B, 0x5C, 0x8A)
_CARE = RGBColor(0x8A, 0x4B, 0x00)
_LOCALES: dict[str, str] = {"en": "en-GB", "nb": "nb-NO", "nn": "nn-NO"}
_NAMESPACE = "urn:usa-next:proof"
_PROOF = re.compile(rb"proof[^>]*urn:usa-next:proof[^>]*>([A-Za-z0-9+/=\s]+)<")
# A conversation of fifty questions takes less than one megabyte.
_BYTES_AT_MOST = 100_000_000
# Word's own styles carry the outline; ours are based on its body text.
_STYLES: dict[Role, str] = {
    "title": "Title", "question": "Heading 1", "sources": "Heading 2", "item": "List Bullet", "paragraph": "Body Text",
    "about": "Export About", "understood": "Export Remark", "notice": "Export Notice", "written": "Export Remark",
    "quote": "Export Quote", "place": "Export Source", "flag": "Export Flag", "address": "Export Source",
    "trace": "Export Trace", "closing": "Export Closing",
}  # fmt: skip
_KEPT_WITH_NEXT = frozenset({"question", "sources", "place", "flag", "address", "notice", "understood"})


def write(export: Export) -> bytes:
    """Return the paper as a Word file, A4, with its proof in a part that Word keeps and does not show."""
    blocks = compose(export)
    document = docx.Document()
    _set_page(document)
    _set_styles(document, export.language)
    _set_properties(document, export, blocks[0].text)
    _add_footer(document, WORDS[export.language]["page_of"])
    for block in blocks:
        _add(document, block)
    _add_proof(document, encode_proof(export, blocks))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def read(content: bytes) -> tuple[str, str | None]:
    """Return the words that a Word file shows, paragraph by paragraph, and its encoded proof or None.

    Words that were struck out while changes were tracked, or are hidden, are not shown; words put in are.

    Raises:
        UsageError: It is no Word file, or unpacks to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _BYTES_AT_MOST:
                raise UsageError("it unpacks to more than an export holds")
        document = docx.Document(io.BytesIO(content))
        paragraphs = ["".join(_runs(paragraph)) for paragraph in document.element.body.iter(qn("w:p"))]
        parts = [part.blob for part in document.part.package.iter_parts() if "customxml" in str(part.partname).lower()]
    except UsageError:
        raise
    except Exception as error:  # a damaged file fails in as many ways as its libraries have
        raise UsageError("it is not a Word file, or is damaged") from error
    proofs = [match[1].decode() for part in parts for match in [_PROOF.search(part)] if match]
    return "\n".join(paragraphs), proofs[0] if proofs else None


def _runs(paragraph: Any) -> Iterator[str]:
    """Yield what a paragraph shows, without the paragraphs of a text box inside it, which come by themselves."""
    for element in paragraph.iter(qn("w:t"), qn("w:tab"), qn("w:br"), qn("w:cr"), qn("w:noBreakHyphen")):
        run = element.getparent()
        owner = next((one for one in element.iterancestors() if one.tag == qn("w:p")), None)
        if run is None or run.tag != qn("w:r") or owner is not paragraph or _is_hidden(run):
            continue
        if element.tag == qn("w:t"):
            yield element.text or ""
        else:
            yield {qn("w:tab"): "\t", qn("w:noBreakHyphen"): "-"}.get(element.tag, "\n")


def _is_hidden(run: Any) -> bool:
    marks = run.findall(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return any(mark.get(qn("w:val")) not in ("0", "false", "off") for mark in marks)


def _set_page(document: Any) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.7)
    section.top_margin, section.bottom_margin = Cm(2.4), Cm(2.2)
    section.footer_distance = Cm(1.1)


def _set_styles(document: Any, language: PaperLanguage) -> None:
    styles = document.styles
    normal = styles["Normal"]
    _set_font(normal, 11, _INK)
    normal.paragraph_format.space_after, normal.paragraph_format.line_spacing = Pt(6), 1.15
    _set_language(normal.element.get_or_add_rPr(), language)
    looks = {
        "Title": (22, _INK, True, 0, 2, 0), "Heading 1": (15, _INK, True, 22, 6, 0),
        "Heading 2": (10.5, _ACCENT, True, 12, 4, 0), "Body Text": (11, _INK, False, 0, 6, 0),
        "List Bullet": (11, _INK, False, 0, 3, None), "Export About": (10.5, _SOFT, False, 0, 8, 0),
        "Export Remark": (9.5, _SOFT, False, 0, 6, 0), "Export Notice": (11, _INK, True, 0, 6, 0),
        "Export Quote": (10.5, _INK, False, 8, 2, 0.8), "Export Source": (9.5, _SOFT, False, 0, 1, 0.8),
        "Export Flag": (9.5, _CARE, False, 0, 1, 0.8), "Export Trace": (8.5, _SOFT, False, 0, 4, 0.8),
        "Export Closing": (9.5, _SOFT, False, 14, 4, 0),
    }  # fmt: skip
    names = {style.name for style in styles}
    for name, (size, color, bold, before, after, indent) in looks.items():
        if name not in names:
            styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH).base_style = normal
        style = styles[name]
        _set_font(style, size, color)
        style.font.bold = bold
        layout = style.paragraph_format
        layout.space_before, layout.space_after, layout.widow_control = Pt(before), Pt(after), True
        if indent is not None:
            layout.left_indent = Cm(indent)
    styles["Export Quote"].paragraph_format.first_line_indent = Cm(-0.8)
    styles["Export Quote"].paragraph_format.tab_stops.add_tab_stop(Cm(0.8))
    _add_rule(styles["Title"], None)
    _add_rule(styles["Export About"], ("bottom", "C9D1D9", 6))
    _add_rule(styles["Export Notice"], ("left", "0B5C8A", 18))


def _set_font(style: Any, size: float, color: RGBColor) -> None:
    """Set a font by name, in place of the theme's, which another program may show as another one."""
    style.font.name, style.font.size, style.font.color.rgb, style.font.italic = _FONT, Pt(size), color, False
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{name}"), None)
    for name in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{name}"), _FONT)


def _set_language(properties: Any, language: str) -> None:
    for old in properties.findall(qn("w:lang")):
        properties.remove(old)
    element = OxmlElement("w:lang")
    element.set(qn("w:val"), _LOCALES[language])
    properties.append(element)


def _add_rule(style: Any, rule: tuple[str, str, int] | None) -> None:
    """Replace the rules around a paragraph style by one, or by none."""
    properties = style.element.get_or_add_pPr()
    for old in properties.findall(qn("w:pBdr")):
        properties.remove(old)
    if rule is None:
        return
    side, color, eighths = rule
    border, line = OxmlElement("w:pBdr"), OxmlElement(f"w:{side}")
    for name, value in (("val", "single"), ("sz", str(eighths)), ("space", "6"), ("color", color)):
        line.set(qn(f"w:{name}"), value)
    border.append(line)
    # The schema wants the rule before the spacing, else Word calls the file damaged.
    properties.insert_element_before(
        border, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:outlineLvl", "w:rPr"
    )


def _set_properties(document: Any, export: Export, title: str) -> None:
    properties = document.core_properties
    day = datetime.fromisoformat(export.date).replace(tzinfo=UTC)
    properties.title, properties.author, properties.last_modified_by = title, AUTHOR, AUTHOR
    properties.language, properties.comments = _LOCALES[export.language], ""
    properties.created = properties.modified = day
    properties.revision = 1


def _add_footer(document: Any, page_of: str) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    for piece in re.split(r"(\{page\}|\{pages\})", page_of):
        field = {"{page}": "PAGE", "{pages}": "NUMPAGES"}.get(piece)
        if field:
            _add_field(paragraph, field)
        elif piece:
            _small(paragraph.add_run(piece))


def _add_field(paragraph: Any, name: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" {name} ")
    run = paragraph.add_run("1")
    _small(run)
    field.append(run._r)
    paragraph._p.append(field)


def _small(run: Any) -> None:
    run.font.size, run.font.color.rgb = Pt(9), _SOFT


def _add(document: Any, block: Block) -> None:
    paragraph = document.add_paragraph(style=_STYLES[block.role])
    paragraph.paragraph_format.keep_with_next = True if block.role in _KEPT_WITH_NEXT else None
    match block.role:
        case "paragraph" | "item":
            for words, number in marked(block.text):
                if number is None:
                    _set_language(paragraph.add_run(words)._r.get_or_add_rPr(), block.language)
                else:
                    _link(paragraph, words, anchor=f"quote_{number}")
        case "quote":
            _add_quote(paragraph, block)
        case "address" if web_address(block.text):
            _link(paragraph, block.text, document.part.relate_to(block.text, RELATIONSHIP_TYPE.HYPERLINK, True))
        case "question":
            run = paragraph.add_run(block.text)
            _set_language(run._r.get_or_add_rPr(), block.language)
            if len(block.text) > LONG_QUESTION:
                run.font.size = Pt(12)
        case "place":
            _set_language(paragraph.add_run(unbroken(block.text))._r.get_or_add_rPr(), block.language)
        case _:
            _set_language(paragraph.add_run(block.text)._r.get_or_add_rPr(), block.language)


def _add_quote(paragraph: Any, block: Block) -> None:
    """Add a quote that its markers lead to; only a short one is kept on one page with its source."""
    marker, _, words = block.text.partition(" ")
    start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
    for element in (start, end):
        element.set(qn("w:id"), str(block.number))
    start.set(qn("w:name"), f"quote_{block.number}")
    paragraph._p.append(start)
    number = paragraph.add_run(f"{marker}\t")
    number.font.bold, number.font.color.rgb = True, _ACCENT
    paragraph._p.append(end)
    _set_language(paragraph.add_run(words)._r.get_or_add_rPr(), block.language)
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.keep_together = len(words) < 1_000


def _link(paragraph: Any, words: str, relation: str | None = None, anchor: str | None = None) -> None:
    link = OxmlElement("w:hyperlink")
    if relation is not None:
        link.set(qn("r:id"), relation)
    if anchor is not None:
        link.set(qn("w:anchor"), anchor)
    run = paragraph.add_run(words)
    run.font.color.rgb = _ACCENT
    link.append(run._r)
    paragraph._p.append(link)


def _add_proof(document: Any, proof: str) -> None:
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<proof xmlns="{_NAMESPACE}">{proof}</proof>'
    name = PackURI(f"/customXml/{PROOF_NAME}.xml")
    part = Part(name, "application/xml", xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)
