"""Original files as plain text, by other means than the assistant's loaders: the second opinion behind `in_source`.

Shares no code with `assistant/documents`, on purpose: PDF goes through PDFium (the assistant reads with pypdf), office
files are unzipped and read as XML, HTML goes through the standard library. Layout does not matter here, words do.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from eval.matching import normalised

_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_PART_NUMBER = re.compile(r"(\d+)\.xml$")


class Originals:
    """Normalised texts of the original files of one corpus folder, each read once."""

    def __init__(self, corpus: Path) -> None:
        """Read from the folder `corpus`; document ids are POSIX paths inside it."""
        self.corpus = corpus
        self._texts: dict[str, str | None] = {}

    def __call__(self, document: str) -> str | None:
        """Return the normalised text of a document, or None where the file is missing or of no known format."""
        if document not in self._texts:
            self._texts[document] = self._read(document)
        return self._texts[document]

    def _read(self, document: str) -> str | None:
        path = self.corpus / document
        extract = _EXTRACTORS.get(path.suffix.lower())
        if extract is None or not path.resolve().is_relative_to(self.corpus.resolve()) or not path.is_file():
            return None
        return normalised(extract(path))


def pdf_text(path: Path) -> str:
    """Return the text of a PDF's pages as PDFium reads it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def docx_text(path: Path) -> str:
    """Return the text of a Word file: body, then foot and end notes, headers and footers."""
    with zipfile.ZipFile(path) as archive:
        parts = re.compile(r"word/(document|footnotes|endnotes|header\d*|footer\d*)\.xml")
        names = sorted((name for name in archive.namelist() if parts.fullmatch(name)), key=_body_first)
        return "\n".join(_paragraphs(archive.read(name), _WORD) for name in names)


def pptx_text(path: Path) -> str:
    """Return the text of a presentation: slides in order, then notes and drawings inside them."""
    with zipfile.ZipFile(path) as archive:
        parts = re.compile(r"ppt/(slides/slide|notesSlides/notesSlide|diagrams/data)\d+\.xml")
        names = sorted((name for name in archive.namelist() if parts.fullmatch(name)), key=_slide_order)
        return "\n".join(_paragraphs(archive.read(name), _DRAWING) for name in names)


def _body_first(name: str) -> tuple[bool, str]:
    return name != "word/document.xml", name


def _slide_order(name: str) -> tuple[bool, int]:
    match = _PART_NUMBER.search(name)
    return not name.startswith("ppt/slides/"), int(match.group(1)) if match else 0


def _paragraphs(xml: bytes, namespace: str) -> str:
    # Only files of the evaluator's own corpus come here, and expat refuses entity bombs since 2.4.1.
    root = ElementTree.fromstring(xml)  # noqa: S314
    return "\n".join(_runs(paragraph, namespace) for paragraph in root.iter(f"{namespace}p"))


def _runs(paragraph: ElementTree.Element, namespace: str) -> str:
    pieces = []
    for element in paragraph.iter():
        if element.tag == f"{namespace}t":
            pieces.append(element.text or "")
        elif element.tag in (f"{namespace}tab", f"{namespace}br", f"{namespace}cr"):
            pieces.append("\n")
        elif element.tag == f"{namespace}noBreakHyphen":
            pieces.append("-")
    return "".join(pieces)


def html_text(path: Path) -> str:
    """Return the text of a web page, menus and all, without scripts and styles."""
    reader = _PageText()
    reader.feed(_decoded(path))
    reader.close()
    return "".join(reader.pieces)


class _PageText(HTMLParser):
    """Collects the words of a page; everything but inline markup parts words."""

    SILENT = frozenset({"script", "style", "template"})
    INLINE = frozenset(
        "a abbr acronym b bdi bdo cite code data del dfn em font i ins kbd label mark nobr q s samp small span strike "
        "strong sub sup time tt u var wbr".split()
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self.SILENT
        if tag not in self.INLINE:
            # A list item shows a bullet, which the stored text writes as "- ".
            self.pieces.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self.SILENT and self._silent > 0
        if tag not in self.INLINE:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def plain_text(path: Path) -> str:
    """Return a text file as it stands."""
    return _decoded(path)


_MARKDOWN = (
    (re.compile(r"\A---\n.*?\n---\n", re.DOTALL), ""),  # front matter
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"^\s*(```|~~~).*$", re.MULTILINE), ""),
    (re.compile(r"^\s*\|?[\s:|-]*-{3,}[\s:|-]*\|?\s*$", re.MULTILINE), ""),  # rule under a table's head, or a rule
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$", re.MULTILINE), r"\1"),
    (re.compile(r"^([ \t]*)[*+-][ \t]+(?:\[[ xX]\][ \t]+)?", re.MULTILINE), r"\1- "),
    (re.compile(r"!?\[([^\]\[]*)\](?:\([^()\s]*(?:\([^()]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)|\[[^\]]*\])"), r"\1"),
    (re.compile(r"<((?:https?|mailto):[^>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^>]*>"), " "),
    (re.compile(r"(?<![\w\\])(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=[^\s\\])\1(?!\w)", re.DOTALL), r"\2"),
    (re.compile(r"(?<!\\)\*{1,3}(?=\S)(.+?)(?<=[^\s\\])\*{1,3}", re.DOTALL), r"\1"),  # emphasis inside a word
    (re.compile(r"`+([^`]+)`+"), r"\1"),
    (re.compile(r"(?<!\\)\|"), " "),
    (re.compile(r"\\([!-/:-@\[-`{-~\n])"), r"\1"),
)


def markdown_text(path: Path) -> str:
    """Return a Markdown file without its marks; a simple reader for prose, lists and tables, not a renderer."""
    text = _decoded(path).replace("\r\n", "\n")
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    return html.unescape(text)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    for encoding in _encodings(content):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("utf-8", errors="replace")


def _encodings(content: bytes) -> Iterator[str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        yield "utf-16"
    yield "utf-8-sig"
    declared = re.search(rb"charset=[\"']?([\w-]+)", content[:2048])
    if declared:
        yield declared.group(1).decode("ascii")
    yield "cp1252"


_EXTRACTORS: dict[str, Callable[[Path], str]] = {
    ".pdf": pdf_text,
    ".docx": docx_text,
    ".pptx": pptx_text,
    ".html": html_text,
    ".htm": html_text,
    ".xhtml": html_text,
    ".md": markdown_text,
    ".markdown": markdown_text,
    ".txt": plain_text,
    ".text": plain_text,
}
