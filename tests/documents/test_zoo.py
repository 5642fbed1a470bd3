"""The zoo: every hostile file is read, or refused with a reason and a remedy, and the next file is read right after."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.documents import Limits, ParsingWorker
from assistant.documents.page_images import PageImages
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, LoadError, NoTextFound

from . import zoo
from .zoo import WORDS

pytestmark = pytest.mark.slow

# What an honest file gets by default is more.
LIMITS = Limits(memory_bytes=1_000_000_000, characters=2_000_000)

Build = Callable[[], bytes | str]


@dataclass(frozen=True)
class Animal:
    """A hostile file.

    Attributes:
        name: Its file name; the ending says what it pretends to be.
        build: Makes it.
        error: What it must be refused with, or None where it is read.
        says: A pattern of the reason, or of a notice.
        text: What must stand in the text where it is read.
    """

    name: str
    build: Build
    error: type[LoadError] | None = None
    says: str | None = None
    text: str = WORDS


def _each(animals: list[Animal]) -> Any:
    return pytest.mark.parametrize("animal", animals, ids=lambda animal: animal.name)


@pytest.fixture(scope="module")
def worker() -> Iterator[ParsingWorker]:
    """One worker for the whole zoo."""
    with ParsingWorker(LIMITS) as each:
        yield each


@pytest.fixture(scope="module")
def viewer() -> Iterator[PageImages]:
    """One viewer for the whole zoo."""
    with PageImages(Limits(seconds=2, memory_bytes=500_000_000)) as each:
        yield each


@pytest.fixture
def meet(worker: ParsingWorker, tmp_path: Path) -> Callable[[Animal], None]:
    """Return a function that reads an animal, compares its fate, and reads an ordinary file right after."""

    def read(animal: Animal) -> None:
        path = tmp_path / animal.name
        made = animal.build()
        path.write_bytes(made if isinstance(made, bytes) else made.encode("utf-8", errors="surrogatepass"))
        if animal.error is None:
            document = worker.load(path, animal.name)
            assert animal.text in document.text
            assert animal.says is None or animal.says in "\n".join(document.notices)
        else:
            with pytest.raises(animal.error, match=animal.says) as caught:
                worker.load(path, animal.name)
            assert type(caught.value) is animal.error
            assert caught.value.remedy
            assert len(str(caught.value)) < 300
        (tmp_path / "next.txt").write_text("An ordinary file.")
        assert worker.load(tmp_path / "next.txt", "next.txt").text == "An ordinary file."

    return read


# ---- PDF ----

_TOO_MUCH = "unpacks to more than a PDF should"
PDFS = [
    Animal("flate-bomb.pdf", zoo.pdf_flate_bomb, LimitExceeded, _TOO_MUCH),
    Animal("flate-twice.pdf", zoo.pdf_flate_twice, LimitExceeded, _TOO_MUCH),
    Animal("many-filters.pdf", zoo.pdf_many_filters, LimitExceeded, _TOO_MUCH),
    Animal("object-stream-bomb.pdf", zoo.pdf_object_stream_bomb),
    Animal("table-stream-bomb.pdf", zoo.pdf_table_stream_bomb, DamagedFile, "is damaged"),
    Animal("character-table-bomb.pdf", zoo.pdf_character_table_bomb, LimitExceeded, _TOO_MUCH),
    Animal("nested-arrays.pdf", zoo.pdf_nested_arrays, DamagedFile, "is damaged"),
    Animal("nested-dictionaries.pdf", zoo.pdf_nested_dictionaries),
    Animal("nested-content.pdf", zoo.pdf_nested_content, DamagedFile, "no page can be read"),
    Animal("graphics-states.pdf", zoo.pdf_graphics_states),
    Animal("deep-page-tree.pdf", zoo.pdf_deep_page_tree, LimitExceeded, "a maze"),
    Animal("cyclic-page-tree.pdf", zoo.pdf_cyclic_page_tree, DamagedFile, "is damaged"),
    Animal("inherits-in-a-circle.pdf", zoo.pdf_inherits_in_a_circle, LimitExceeded, "a maze"),
    Animal("cyclic-references.pdf", zoo.pdf_cyclic_references, LimitExceeded, "a maze"),
    Animal("previous-table-in-a-circle.pdf", zoo.pdf_previous_table_in_a_circle),
    Animal("huge-table.pdf", zoo.pdf_huge_table, LimitExceeded, "a maze"),
    Animal("ten-thousand-pages.pdf", lambda: zoo.pdf_pages(10_000), LimitExceeded, "10000 pages and the limit is 3000"),
    Animal("claims-pages.pdf", zoo.pdf_claims_pages),
    Animal("same-page-often.pdf", zoo.pdf_same_page_often, LimitExceeded, "a maze"),
    Animal("giant-page.pdf", zoo.pdf_giant_page),
    Animal("form-in-itself.pdf", zoo.pdf_form_in_itself),
    Animal("pattern-in-itself.pdf", zoo.pdf_pattern_in_itself),
    Animal("huge-picture.pdf", zoo.pdf_huge_picture),
    Animal("huge-picture-of-points.pdf", lambda: zoo.pdf_huge_picture("/JBIG2Decode")),
    Animal("huge-photo.pdf", lambda: zoo.pdf_huge_picture("/DCTDecode")),
    Animal("labels-in-a-circle.pdf", zoo.pdf_labels_in_a_circle),
    Animal(
        "page-in-front.pdf", lambda: zoo.one_page(head=b"<html><script>alert(1)</script><p>Other words</p></html>\n")
    ),
    Animal("archive-behind.pdf", lambda: zoo.one_page() + zoo.docx()),
    Animal(
        "program.pdf",
        lambda: b"MZ\x90\0" + bytes(100) + b"%PDF-1.4 cannot be run in DOS mode",
        DamagedFile,
        "is damaged",
    ),
]


@_each(PDFS)
def test_a_hostile_pdf_is_read_or_refused(animal: Animal, meet: Callable[[Animal], None]) -> None:
    """Bombs, mazes, circles, lies about sizes, and disguises."""
    meet(animal)


ENDLESS = [
    Animal("forms-of-forms.pdf", zoo.pdf_forms_of_forms),
    Animal("endless-content.pdf", zoo.pdf_endless_content),
]


@_each(PDFS + ENDLESS)
def test_a_hostile_pdf_leaves_the_viewer_alive(animal: Animal, viewer: PageImages, tmp_path: Path) -> None:
    """Its page is shown or refused with a reason; the page of the next file is shown."""
    path = tmp_path / animal.name
    made = animal.build()
    assert isinstance(made, bytes)
    path.write_bytes(made)
    with suppress(LoadError):
        assert viewer.picture(path, animal.name, 1).startswith(b"\x89PNG")
        assert viewer.look(path, animal.name, 1).width > 0
    honest = tmp_path / "honest.pdf"
    honest.write_bytes(zoo.one_page())
    assert viewer.look(honest, "honest.pdf", 1).width == 612


# ---- Word and PowerPoint ----


def _presentation() -> bytes:
    from pptx import Presentation

    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Title"
    slide.placeholders[1].text = WORDS
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def _in_slide(old: bytes, new: bytes) -> bytes:
    return zoo.replaced(_presentation(), {"ppt/slides/slide1.xml": lambda raw: raw.replace(old, new, 1)})


def _nested(opening: str, closing: str, depth: int) -> bytes:
    return zoo.docx(opening * depth + zoo.paragraph(WORDS) + closing * depth)


_GROUP = '<p:grpSp><p:nvGrpSpPr><p:cNvPr id="9" name="g"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAUGHS = zoo.laughs()
_NO_XML = "is damaged: XMLSyntaxError"
OFFICE = [
    Animal("plain.docx", zoo.docx),
    Animal("bomb.docx", lambda: zoo.with_bomb(zoo.docx()), LimitExceeded, "unpacks to more than"),
    Animal("bomb.pptx", lambda: zoo.with_bomb(_presentation()), LimitExceeded, "unpacks to more than"),
    Animal("lies-about-sizes.docx", lambda: zoo.lying(zoo.docx()), DamagedFile, "cannot be unpacked"),
    Animal("overlapping.docx", lambda: zoo.overlapping(zoo.docx()), DamagedFile, "cannot be unpacked"),
    Animal("many-parts.docx", lambda: zoo.many_members(zoo.docx(), 25_000), LimitExceeded, "more than 20000 parts"),
    Animal("archive-in-archive.docx", zoo.archive_in_archive, DamagedFile, r"is a ZIP archive .* Unpack it"),
    Animal(
        "holds-such-an-archive.docx", lambda: zoo.with_members(zoo.docx(), [("word/a.zip", zoo.archive_in_archive())])
    ),
    Animal(
        "climbs-out.docx", lambda: zoo.with_members(zoo.docx(), [("../../../zoo-evil", "x"), ("/tmp/zoo-evil", "x")])
    ),
    Animal(
        "two-of-one-name.docx",
        lambda: zoo.with_members(zoo.docx(), [("word/document.xml", "<x/>")]),
        DamagedFile,
        "is damaged",
    ),
    Animal("laughs.docx", lambda: zoo.docx(zoo.paragraph(f"{WORDS}&l9;"), doctype=_LAUGHS), DamagedFile, _NO_XML),
    Animal("laughs-in-types.docx", lambda: zoo.docx(doctype_of_types=_LAUGHS), DamagedFile, _NO_XML),
    Animal(
        "laughs-quadratic.docx",
        lambda: zoo.docx(zoo.paragraph("&l9;" * 1000), doctype=zoo.laughs_quadratic()),
        DamagedFile,
        _NO_XML,
    ),
    Animal("laughs.pptx", lambda: _in_slide(b"<p:sld ", _LAUGHS.encode() + b"<p:sld "), None),
    Animal("nested.docx", lambda: _nested("<w:sdt><w:sdtContent>", "</w:sdtContent></w:sdt>", 100)),
    Animal(
        "nested-tables.docx", lambda: _nested("<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc>", "</w:tc></w:tr></w:tbl>", 80)
    ),
    Animal("nested-too-deep.docx", lambda: _nested("<w:ins>", "</w:ins>", 50_000), DamagedFile, _NO_XML),
    Animal(
        "nested-groups.pptx",
        lambda: _in_slide(b"</p:spTree>", f"{_GROUP * 100}{'</p:grpSp>' * 100}</p:spTree>".encode()),
    ),
    Animal(
        "macros.docx",
        lambda: zoo.docx(macros=True, more=[("word/vbaProject.bin", _OLE)]),
        says="macros, which were not run",
    ),
    Animal(
        "hidden-macros.docx", lambda: zoo.docx(more=[("word/vbaProject.bin", _OLE)]), says="macros, which were not run"
    ),
    Animal("old.docx", lambda: _OLE + bytes(600), DamagedFile, r"of before 2007 .* save it as .docx"),
    Animal("locked.docx", lambda: _OLE + "EncryptedPackage".encode("utf-16-le"), EncryptedFile, "needs a password"),
    Animal(
        "picture.docx", lambda: b"\x89PNG\r\n\x1a\n" + bytes(99), DamagedFile, "is an image by its content. Run OCR"
    ),
    Animal("page-in-front.docx", lambda: b"<html><script>1</script>" + zoo.docx(), DamagedFile, "is an HTML page"),
    Animal("pdf-in-front.docx", lambda: zoo.one_page() + zoo.docx(), DamagedFile, "is a PDF by its content"),
]


@_each(OFFICE)
def test_a_hostile_office_file_is_read_or_refused(animal: Animal, meet: Callable[[Animal], None]) -> None:
    """Archive bombs, XML bombs, files with macros, and disguises."""
    meet(animal)


def test_an_external_entity_brings_nothing_in(worker: ParsingWorker, tmp_path: Path) -> None:
    """A file of this machine never becomes text."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the combination of the safe")
    doctype = f'<!DOCTYPE w [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    files = {
        "x.docx": zoo.docx(zoo.paragraph(f"{WORDS}&x;{include}"), doctype=doctype),
        "x.html": f"{doctype}<html><body><p>{WORDS} &x; {include}</p></body></html>".encode(),
        "x.md": f"{doctype}\n\n{WORDS} &x; {include}".encode(),
        "x.pptx": _in_slide(b"<p:sld ", doctype.encode() + b"<p:sld ").replace(b"Title", b"&x;"),
    }
    for name, raw in files.items():
        (tmp_path / name).write_bytes(raw)
        text = worker.load(tmp_path / name, name).text
        assert WORDS in text
        assert "combination" not in text


# ---- Web pages, Markdown, text ----


def _tags(tag: str, depth: int) -> bytes:
    return zoo.html(f"<p>{WORDS}</p>" + f"<{tag}>" * depth + "<p>The end.</p>")


_NESTED = "nested more than 2000 deep"
PAGES = [
    Animal("divs.html", lambda: _tags("div", 100_000), LimitExceeded, _NESTED),
    Animal("divs-within-reason.html", lambda: _tags("div", 1500), text="The end."),
    Animal("spans.html", lambda: _tags("span", 100_000), LimitExceeded, _NESTED),
    Animal("tables.html", lambda: _tags("table><tr><td>a<td", 5000), LimitExceeded, _NESTED),
    Animal("lists.html", lambda: _tags("ul><li", 5000), LimitExceeded, _NESTED),
    Animal("laughs.html", lambda: f"{_LAUGHS}<html><body><p>{WORDS} &l9;</p></body></html>"),
    Animal("laughs-xhtml.html", lambda: f'<?xml version="1.0"?>{_LAUGHS}<html><body><p>{WORDS} &l9;</p></body></html>'),
    Animal("comments.html", lambda: b"<!-- -->" * 100_000 + b"x" + zoo.html(f"<p>{WORDS}</p>")),
    Animal("open-comments.html", lambda: b"<!--" * 500_000 + zoo.html(WORDS), NoTextFound, "is a page without text"),
    Animal("scripts.html", lambda: zoo.html("<script>" * 100_000 + WORDS), NoTextFound, "a script fills it"),
    Animal("long-attribute.html", lambda: zoo.html(f'<p title="{"x" * 20_000_000}">{WORDS}</p>')),
    Animal("long-style.html", lambda: zoo.html(f'<p style="{"display " * 1_000_000}">{WORDS}</p>')),
    Animal("one-line.html", lambda: zoo.html(f"<p>{f'{WORDS} ' * 45_000}</p>"), LimitExceeded, "million characters"),
    Animal("zero.html", lambda: zoo.html(f"<p>{WORDS}\0</p>"), DamagedFile, "is not text"),
    Animal("utf-7.html", lambda: zoo.html(f"<p>{WORDS} +ADw-script+AD4-x+ADw-/script+AD4-", '<meta charset="utf-7">')),
    Animal("punycode.html", lambda: zoo.html(f"<p>{WORDS}æ</p>", '<meta charset="punycode">')),
    Animal("codec.html", lambda: zoo.html(f"<p>{WORDS}</p>", '<meta charset="zlib_codec">')),
    Animal("drawing.html", lambda: f"<svg><script>1</script><text>{WORDS}</text></svg>", NoTextFound, "without text"),
    Animal("program.html", lambda: b"\x7fELF\x02\x01\x01" + bytes(500), DamagedFile, "is not text"),
    Animal("pdf.html", zoo.one_page, DamagedFile, "is a PDF by its content. Rename it to pdf.pdf"),
]  # fmt: skip

_TOO_DEEP = "nested more than 50 deep"
MARKDOWN = [
    Animal("quotes.md", lambda: ">" * 100_000 + WORDS, LimitExceeded, _TOO_DEEP),
    Animal("quotes-within-reason.md", lambda: ">" * 40 + WORDS),
    Animal("bullets.md", lambda: "- " * 50_000 + WORDS, LimitExceeded, _TOO_DEEP),
    Animal("numbers.md", lambda: "1. " * 50_000 + WORDS, LimitExceeded, _TOO_DEEP),
    Animal("stairs.md", lambda: "\n".join(f"{'  ' * depth}- a" for depth in range(500)), LimitExceeded, _TOO_DEEP),
    Animal("brackets.md", lambda: f"{'[' * 15_000}{WORDS}{']' * 15_000}"),
    Animal("links.md", lambda: "[a](" * 50_000 + WORDS),
    Animal("references.md", lambda: "[a\n" * 10_000 + WORDS),
    Animal("stars.md", lambda: f"{'*a ' * 30_000}{WORDS}{' a*' * 30_000}"),
    Animal("mixed-stars.md", lambda: "**x *y " * 20_000 + WORDS),
    Animal("underscores.md", lambda: "_" * 100_000 + WORDS),
    Animal("backticks.md", lambda: "".join(f"{'`' * count} " for count in range(1000)) + WORDS),
    Animal("angles.md", lambda: "<" * 100_000 + WORDS),
    Animal("open-tags.md", lambda: "<a " * 50_000 + WORDS),
    Animal("open-cdata.md", lambda: "a <![CDATA[ " * 5000 + WORDS),
    Animal("table.md", lambda: f"{'|' * 20_000}\n{'|-' * 20_000}|\n{'a{chr(10)}' * 1000}{WORDS}"),
    Animal("blocks.md", lambda: "<div>\n\n" * 10_000 + WORDS),
    Animal("nested-html.md", lambda: f"{'<div>' * 100_000}\n\n{WORDS}", LimitExceeded, _NESTED),
    Animal("spaces-in-code.md", lambda: f"{WORDS}\n\n```\n{' ' * 500_000}x\n```\n"),
    Animal("hashes-on-top.md", lambda: f"---\n{'#' * 100_000}\nx y\n\n{WORDS}\n"),
    Animal("aliases.md", lambda: "---\na: &a [x]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefghijk", "bcdefghijkl", strict=True)
    ) + f"audience: *l\n---\n\n{WORDS}", DamagedFile, "expected a list of short texts"),
    Animal("alias-of-itself.md", lambda: f"---\naudience: &a [*a]\n---\n\n{WORDS}", DamagedFile, "not valid YAML"),
    Animal("deep-yaml.md", lambda: f"---\ntitle: {'[' * 30_000}\n---\n\n{WORDS}", DamagedFile, "nested too deeply"),
    Animal("yaml-that-runs.md", lambda: f"---\ntitle: !!python/object/apply:os.system [id]\n---\n\n{WORDS}",
           DamagedFile, "expected one line of text"),
    Animal("page.md", lambda: zoo.html(f"<h1>T</h1><p>{WORDS}</p><script>alert(1)</script>")),
    Animal("program.md", lambda: b"MZ\x90\x01\x02\x03\x04" * 100, DamagedFile, "is not text"),
]  # fmt: skip

TEXTS = [
    Animal("one-line.txt", lambda: f"{WORDS} " * 860_000, LimitExceeded, "at least 12.5 million characters"),
    Animal("one-word.txt", lambda: "x" * 50_000_000, LimitExceeded, "million characters"),
    Animal("lines.txt", lambda: "\n" * 50_000_000 + WORDS, LimitExceeded, "million characters"),
    Animal("spaces.txt", lambda: f"{WORDS}{' ' * 5_000_000}x"),
    Animal("wide-spaces.txt", lambda: f"{WORDS}{chr(0x2003) * 1_000_000}x"),
    Animal("marks.txt", lambda: f"{WORDS}a{chr(0x301) + chr(0x316)}" + (chr(0x301) + chr(0x316)) * 5000),
    Animal("zero.txt", lambda: f"{WORDS}\0", DamagedFile, "is not text"),
    Animal("half-a-character.txt", lambda: f"{WORDS}\ud800"),
    Animal("utf-16.txt", lambda: b"\xff\xfe" + WORDS.encode("utf-16-le") + b"\x00\xd8"),
    Animal("utf-16-unmarked.txt", lambda: WORDS.encode("utf-16-le"), DamagedFile, "save it as UTF-8"),
    Animal("utf-32.txt", lambda: WORDS.encode("utf-32"), DamagedFile, "save it as UTF-8"),
    Animal("right-to-left.txt", lambda: f"{WORDS} \u202efdp.exe\u202c \u2066x\u2069"),
    Animal("program.txt", lambda: b"MZ\x90\0" + bytes(100), DamagedFile, "is not text"),
    Animal("archive.txt", zoo.docx, DamagedFile, "is a Word document by its content. Rename it to archive.docx"),
]  # fmt: skip


@_each(PAGES + MARKDOWN + TEXTS)
def test_a_hostile_text_is_read_or_refused(animal: Animal, meet: Callable[[Animal], None]) -> None:
    """Nesting without end, endless lines, YAML bombs, wrong encodings, disguises."""
    meet(animal)


@pytest.fixture(scope="module")
def hasty() -> Iterator[ParsingWorker]:
    """A worker that gives up soon."""
    with ParsingWorker(Limits(seconds=0.5)) as each:
        yield each


@pytest.mark.parametrize(
    "animal",
    [
        *ENDLESS,
        Animal("marks.txt", lambda: f"a{chr(0x301) + chr(0x316)}" * 2 + (chr(0x301) + chr(0x316)) * 2_000_000),
        Animal("boxes.html", lambda: zoo.html("<div>x</div>" * 200_000)),
        Animal("attributes.html", lambda: zoo.html(f"<p {' '.join(f'a{n}=1' for n in range(200_000))}>{WORDS}</p>")),
        Animal("blank-lines.txt", lambda: "a\n\n" * 3_000_000),
    ],
    ids=lambda animal: animal.name,
)
def test_what_never_ends_is_ended(animal: Animal, hasty: ParsingWorker, tmp_path: Path) -> None:
    """Inside a library that lets nothing else run, too; the worker reads the next file with a new child."""
    made = animal.build()
    (tmp_path / animal.name).write_bytes(made if isinstance(made, bytes) else made.encode())
    (tmp_path / "next.txt").write_text("An ordinary file.")
    with pytest.raises(LimitExceeded, match=r"took more than 0.5 seconds to read. Split it"):
        hasty.load(tmp_path / animal.name, animal.name)
    assert hasty.load(tmp_path / "next.txt", "next.txt").text == "An ordinary file."
