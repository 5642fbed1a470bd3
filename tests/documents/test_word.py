"""Word documents: styles, lists, tables, revisions, and files without text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from assistant.errors import NoTextFound

from .conftest import Load

MakeDocx = Callable[[Callable[[Any], object]], bytes]


def test_headings_lists_and_tables(load: Load, make_docx: MakeDocx) -> None:
    """Styles say what is a heading or a list; rows part their cells by tabs; merged cells stand once."""

    def build(document: Any) -> None:
        document.add_heading("The guide", 0)
        document.add_heading("A part", 2)
        document.add_paragraph("Words\nwith a break.")
        for words in ("one", "two"):
            document.add_paragraph(words, style="List Number")
        document.add_paragraph("dot", style="List Bullet")
        table = document.add_table(rows=2, cols=3)
        table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
        table.cell(0, 2).text = "c"
        for place, words in enumerate("def"):
            table.cell(1, place).text = words

    document = load("x.docx", make_docx(build))
    assert document.text == (
        "The guide\n\nA part\n\nWords with a break.\n\n1. one\n2. two\n\n- dot\n\nwide\t\tc\nd\te\tf"
    )
    assert [(document.text[h.start : h.end], h.level) for h in document.headings] == [("The guide", 1), ("A part", 2)]


def test_norwegian_style_names_are_headings(load: Load, make_docx: MakeDocx) -> None:
    """Word in Norwegian writes its own names, which other programs store."""

    def build(document: Any) -> None:
        style = document.styles.add_style("Overskrift 2", 1)
        document.add_paragraph("Kapittel", style=style)
        document.add_paragraph("Ord og ord.")

    document = load("x.docx", make_docx(build))
    assert [(document.text[h.start : h.end], h.level) for h in document.headings] == [("Kapittel", 2)]


def test_bold_lines_are_headings_where_no_style_is(load: Load, make_docx: MakeDocx) -> None:
    """People who do not know styles make headings bold."""

    def build(document: Any) -> None:
        document.add_paragraph().add_run("The title").bold = True
        document.add_paragraph("Words and words.")

    document = load("x.docx", make_docx(build))
    assert [document.text[h.start : h.end] for h in document.headings] == ["The title"]


def test_revisions_links_and_text_boxes(load: Load, make_docx: MakeDocx) -> None:
    """Deleted words stay out; inserted ones, links and text boxes come in once."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    box = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>"
    xml = (
        f"<w:p {space} xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
        "<w:r><w:t xml:space='preserve'>Kept </w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t xml:space='preserve'>new </w:t></w:r></w:ins>"
        "<w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink>"
        f"<w:r><mc:AlternateContent><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )

    def build(document: Any) -> None:
        from docx.oxml import parse_xml

        document.element.body.insert(0, parse_xml(xml))

    assert load("x.docx", make_docx(build)).text == "Kept new link\n\nboxed"


def test_properties_give_the_title_but_not_the_language(load: Load, make_docx: MakeDocx) -> None:
    """Word says en-US of most Norwegian texts: a language that the words contradict is dropped."""

    def build(document: Any) -> None:
        document.core_properties.title = "Veikart"
        document.core_properties.language = "en-US"
        document.add_paragraph(
            "Bedriften skal ikke betale for utstyret, og det er klyngen som hjelper dem med søknaden."
        )

    document = load("x.docx", make_docx(build))
    assert (document.title, document.metadata.language, document.sections[0].language) == ("Veikart", None, "nb")


def test_empty_and_picture_only_documents_say_which(load: Load, make_docx: MakeDocx) -> None:
    """An empty file is told from one that only holds images."""
    from PIL import Image

    def build(document: Any) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (8, 8)).save(picture, "PNG")
        picture.seek(0)
        document.add_picture(picture)

    with pytest.raises(NoTextFound, match="holds only images and no text"):
        load("x.docx", make_docx(build))
    with pytest.raises(NoTextFound, match="is empty"):
        load("y.docx", make_docx(lambda document: document.add_paragraph("  ")))


def test_the_strict_dialect_is_read(load: Load, make_docx: MakeDocx) -> None:
    """Word's "Strict Open XML" differs in its namespaces only."""
    usual = make_docx(lambda document: document.add_paragraph("Strict words."))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(usual)) as source, zipfile.ZipFile(buffer, "w") as strict:
        for name in source.namelist():
            content = source.read(name)
            for area in (b"officeDocument", b"wordprocessingml", b"drawingml"):
                content = content.replace(
                    b"http://schemas.openxmlformats.org/" + area + b"/2006", b"http://purl.oclc.org/ooxml/" + area
                )
            strict.writestr(name, content)
    assert load("x.docx", buffer.getvalue()).text == "Strict words."
