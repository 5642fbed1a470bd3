"""Word documents: DOCX to blocks. Deleted text and comments stay out, inserted text and text boxes come in."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assistant.documents.blocks import Block, Parsed
from assistant.documents.hidden import HiddenWords, beginnings
from assistant.documents.office import properties_of, transitional
from assistant.documents.plaintext import MAX_HEADING_WORDS, looks_like_heading
from assistant.documents.word_hidden import HiddenRuns
from assistant.domain import Findings
from assistant.errors import NoTextFound

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

# Names in English and Norwegian, as Word shows and as it stores them.
_HEADING_NAME = re.compile(r"(?:heading|overskrift)\s*([1-9])", re.IGNORECASE)
_TITLE_NAME = re.compile(r"(?:title|tittel)\Z", re.IGNORECASE)
_BULLET_NAME = re.compile(r"(?:list bullet|punktliste)", re.IGNORECASE)

# Text that was deleted or moved away, and what a field or a comment would show.
_SKIPPED = {f"{_W}{name}" for name in ("del", "moveFrom", "instrText", "delText", "rPr", "pPr", "fldChar")}
_SKIPPED.add(f"{_MC}Fallback")  # the same text box again, for older programs


def parse(raw: bytes, document_id: str) -> Parsed:
    """Return the blocks of a Word document: body first, then its footnotes and endnotes.

    Letters that are marked as hidden are found and left out; words that cannot be seen for their colour or size are
    found and stay in. Headers and footers count only where the body is empty.

    Raises:
        NoTextFound: It is empty or holds only images, or all its words are hidden.
    """
    import docx

    document = docx.Document(io.BytesIO(transitional(raw)))
    reader = _Reader(document)
    blocks = reader.blocks(document.element.body)
    for note in reader.notes():
        blocks.extend(reader.blocks(note))
    has_body = any(block.text.strip() for block in blocks)
    if not has_body:
        blocks = [block for part in reader.margins() for block in reader.blocks(part)]
    if not any(block.text.strip() for block in blocks):
        raise _no_text(document, document_id, reader.hidden)
    hidden = reader.hidden.found()
    margins = [block.text for part in reader.margins() for block in reader.blocks(part)] if has_body else []
    return Parsed(
        blocks=tuple(_with_bold_headings(blocks)),
        properties=properties_of(document.core_properties),
        findings=Findings(dropped=beginnings(margins), hidden=hidden),
    )


def _no_text(document: Any, document_id: str, hidden: HiddenWords) -> NoTextFound:
    if hidden.found():
        return NoTextFound(
            document_id, "holds only words that are marked as hidden", "Unmark them in Word, under Font, and save it"
        )
    pictures = any(True for _ in document.element.body.iter("{*}blip", "{*}imagedata", "{*}chart", "{*}OLEObject"))
    if pictures:
        return NoTextFound(document_id, "holds only images and no text", "Add the words as text, or run OCR on it")
    return NoTextFound(document_id, "is empty: it has no text", "Save the document with its text and add it again")


@dataclass(frozen=True, slots=True)
class _BoldBlock(Block):
    """A paragraph in bold letters throughout: a heading, where the document marks none."""


def _with_bold_headings(blocks: list[Block]) -> Iterator[Block]:
    """Yield the blocks; where no style marks a heading, short bold lines above other text are the headings."""
    has_headings = any(block.kind == "heading" for block in blocks)
    for place, block in enumerate(blocks):
        is_above_text = place + 1 < len(blocks)
        if isinstance(block, _BoldBlock) and not has_headings and is_above_text and looks_like_heading(block.text):
            yield Block("heading", block.text, level=1 if place == 0 else 2)
        else:
            yield block


class _Reader:
    """Reads paragraphs and tables with the help of the document's styles and numberings."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._styles = {style.get(f"{_W}styleId"): style for style in document.styles.element.iter(f"{_W}style")}
        self.hidden = HiddenWords()
        self._runs = HiddenRuns(document, self._styles, self.hidden)
        self._levels = _Numbering(document)
        self._last_list: str | None = None

    def blocks(self, container: Any) -> list[Block]:
        """Return the blocks of a body, a note or a table cell."""
        found: list[Block] = []
        for child in container:
            if child.tag == f"{_W}p":
                found.extend(self._paragraph(child))
            elif child.tag == f"{_W}tbl":
                found.extend(self._table(child))
            elif child.tag in (f"{_MC}AlternateContent", f"{_W}del", f"{_W}moveFrom"):
                continue
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}moveTo", f"{_W}customXml"):
                found.extend(self.blocks(child))
        return found

    def notes(self) -> Iterator[Any]:
        """Yield the footnotes and endnotes that people wrote."""
        for relation in self._document.part.rels.values():
            if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
                continue
            for note in _xml(relation.target_part):
                if note.get(f"{_W}type", "normal") == "normal":
                    yield note

    def margins(self) -> Iterator[Any]:
        """Yield the headers and footers, which count only where the body is empty."""
        for relation in self._document.part.rels.values():
            if not relation.is_external and relation.reltype.endswith(("/header", "/footer")):
                yield _xml(relation.target_part)

    def _paragraph(self, paragraph: Any) -> Iterator[Block]:
        text = self._words(paragraph)
        if text.strip():
            yield self._classified(paragraph, text)
        for box in _text_boxes(paragraph):
            yield from self.blocks(box)

    def _words(self, paragraph: Any) -> str:
        """Return the words of a paragraph: hyperlinks, insertions, content controls and equations included."""
        words: list[str] = []
        pending = list(reversed(paragraph))
        while pending:
            element = pending.pop()
            if element.tag in _SKIPPED or element.tag == f"{_W}txbxContent" or not isinstance(element.tag, str):
                continue
            if element.tag == f"{_W}r" and self._runs.takes_out(element, paragraph):
                continue
            if element.tag in (f"{_W}t", f"{_M}t"):
                words.append(element.text or "")
            elif element.tag in (f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}ptab"):
                words.append(" ")
            elif element.tag == f"{_W}noBreakHyphen":
                words.append("-")
            else:
                pending.extend(reversed(element))
        return "".join(words)

    def _classified(self, paragraph: Any, text: str) -> Block:
        level = self._heading_level(paragraph)
        if level:
            self._last_list = None
            return Block("heading", text, level=level)
        numbering = self._numbering(paragraph)
        if numbering is not None:
            list_id, depth = numbering
            starts, self._last_list = self._last_list not in (None, list_id) and depth == 0, list_id
            return Block("item", text, level=depth, marker=self._levels.mark(list_id, depth), starts_group=starts)
        self._last_list = None
        return _BoldBlock("paragraph", text) if _is_bold(paragraph) else Block("paragraph", text)

    def _heading_level(self, paragraph: Any) -> int:
        """Return the level that the paragraph's own outline, or a style behind it, gives; 0 for no heading."""
        for element in self._style_chain(paragraph):
            name = element.find(f"{_W}name")
            name_text = name.get(f"{_W}val", "") if name is not None else ""
            if found := _HEADING_NAME.match(name_text):
                return min(6, int(found[1]))
            if _TITLE_NAME.match(name_text):
                return 1
            outline = element.find(f"{_W}pPr/{_W}outlineLvl")
            if element is paragraph or name is not None:
                value = outline.get(f"{_W}val", "9") if outline is not None else "9"
                if value.isdigit() and int(value) < 9:
                    return min(6, int(value) + 1)
        return 0

    def _numbering(self, paragraph: Any) -> tuple[str, int] | None:
        """Return the list and the depth that a paragraph is in, or None."""
        depth: str | None = None
        for element in self._style_chain(paragraph):
            properties = element.find(f"{_W}pPr/{_W}numPr")
            if properties is not None:
                level, number = properties.find(f"{_W}ilvl"), properties.find(f"{_W}numId")
                depth = depth or (level.get(f"{_W}val") if level is not None else None)
                if number is not None:
                    list_id = number.get(f"{_W}val", "0")
                    return None if list_id == "0" else (list_id, min(8, _number(depth)))
            name = element.find(f"{_W}name")
            if name is not None and _BULLET_NAME.match(name.get(f"{_W}val", "")):
                return ("", 0)
        return None

    def _style_chain(self, paragraph: Any) -> Iterator[Any]:
        """Yield the paragraph, its style, the style that is based on, and so on."""
        yield paragraph
        link = paragraph.find(f"{_W}pPr/{_W}pStyle")
        seen: set[str] = set()
        while link is not None and (style_id := link.get(f"{_W}val", "")) not in seen:
            seen.add(style_id)
            style = self._styles.get(style_id)
            if style is None:
                return
            yield style
            link = style.find(f"{_W}basedOn")

    def _table(self, table: Any) -> Iterator[Block]:
        rows = [list(self._cells(row)) for row in _children(table, "tr")]
        if max((len(row) for row in rows), default=0) <= 1:  # a frame around text, not a table
            for row in rows:
                for cell in row:
                    yield from self.blocks(cell) if cell is not None else ()
            return
        starts = True
        for row in rows:
            text = "\t".join("" if cell is None else self._cell_text(cell) for cell in row)
            if text.strip():
                yield Block("row", text, starts_group=starts)
                starts = False

    def _cells(self, row: Any) -> Iterator[Any | None]:
        """Yield the cells of a row; None for the further columns and rows of a merged cell."""
        for cell in _children(row, "tc"):
            merged = cell.find(f"{_W}tcPr/{_W}vMerge")
            yield None if merged is not None and merged.get(f"{_W}val", "continue") == "continue" else cell
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            for _ in range(min(60, _number(span.get(f"{_W}val") if span is not None else "1")) - 1):
                yield None

    def _cell_text(self, cell: Any) -> str:
        return " ".join(" ".join(block.text.split()) for block in self.blocks(cell) if block.text.strip())


class _Numbering:
    """The marks of the document's lists, counted while it is read."""

    def __init__(self, document: Any) -> None:
        self._formats: dict[str, dict[int, tuple[str, str, int]]] = {}
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._shared: dict[str, str] = {}
        part = next((r.target_part for r in document.part.rels.values() if r.reltype.endswith("/numbering")), None)
        if part is not None:
            self._read(_xml(part))

    def mark(self, list_id: str, depth: int) -> str:
        """Return the mark of the next item: `-`, or its number as Word would print it."""
        kind, pattern, start = self._formats.get(list_id, {}).get(depth, ("bullet", "", 1))
        counts = self._counts[self._shared.get(list_id, list_id)]
        counts[depth] = counts.get(depth, start - 1) + 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        if kind in ("bullet", "none") or "%" not in pattern:
            return "-"
        formats = self._formats[list_id]
        return re.sub(
            r"%([1-9])",
            lambda found: _numeral(counts.get(int(found[1]) - 1, 1), formats.get(int(found[1]) - 1, (kind,))[0]),
            pattern,
        )

    def _read(self, numbering: Any) -> None:
        patterns: dict[str, dict[int, tuple[str, str, int]]] = {}
        for abstract in _children(numbering, "abstractNum"):
            levels = {}
            for level in _children(abstract, "lvl"):
                levels[_number(level.get(f"{_W}ilvl"))] = (
                    _value(level, "numFmt", "decimal"),
                    _value(level, "lvlText", ""),
                    _number(_value(level, "start", "1")),
                )
            patterns[abstract.get(f"{_W}abstractNumId", "")] = levels
        for number in _children(numbering, "num"):
            list_id, abstract_id = number.get(f"{_W}numId", ""), _value(number, "abstractNumId", "")
            self._formats[list_id] = patterns.get(abstract_id, {})
            restarts = any(True for _ in number.iter(f"{_W}startOverride"))
            self._shared[list_id] = f"own {list_id}" if restarts else abstract_id


def _text_boxes(paragraph: Any) -> Iterator[Any]:
    """Yield the text boxes that hang on a paragraph, each once and none of those inside another."""
    for box in paragraph.iter(f"{_W}txbxContent"):
        above = [ancestor.tag for ancestor in box.iterancestors() if ancestor is not paragraph]
        inner = above[: len(above) - sum(1 for _ in paragraph.iterancestors())]
        if f"{_MC}Fallback" not in inner and f"{_W}txbxContent" not in inner:
            yield box


def _is_bold(paragraph: Any) -> bool:
    """Tell whether all words of a short paragraph are bold."""
    runs = [run for run in paragraph.iter(f"{_W}r") if "".join(run.itertext(f"{_W}t")).strip()]
    if not runs or sum(len("".join(run.itertext(f"{_W}t")).split()) for run in runs) > MAX_HEADING_WORDS:
        return False
    marks = [run.find(f"{_W}rPr/{_W}b") for run in runs]
    return all(mark is not None and mark.get(f"{_W}val", "1") not in ("0", "false", "off") for mark in marks)


def _children(element: Any, name: str) -> Iterator[Any]:
    """Yield the rows, cells or levels of an element; content controls and insertions around them are opened."""
    for child in element:
        if child.tag == f"{_W}{name}":
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"):
            yield from _children(child, name)


def _xml(part: Any) -> Any:
    """Return the root element of a part; entities of any kind are left alone."""
    if hasattr(part, "element"):
        return part.element
    from lxml import etree

    return etree.fromstring(part.blob, etree.XMLParser(resolve_entities=False, no_network=True))


def _value(element: Any, name: str, default: str) -> str:
    child = element.find(f"{_W}{name}")
    return str(child.get(f"{_W}val", default)) if child is not None else default


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,6}", text) else 0


def _numeral(number: int, kind: str) -> str:
    """Return a number as a list prints it: decimal, letters or Roman."""
    if kind in ("lowerLetter", "upperLetter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter if kind == "lowerLetter" else letter.upper()
    if kind in ("lowerRoman", "upperRoman") and 0 < number < 4000:
        return _roman(number) if kind == "lowerRoman" else _roman(number).upper()
    return str(number)


def _roman(number: int) -> str:
    numerals = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
                (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip
    written = ""
    for value, numeral in numerals:
        written += numeral * (number // value)
        number %= value
    return written
