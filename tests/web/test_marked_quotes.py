"""The viewer's promise, counted: of 100 citations over the five formats, what is marked is the quote.

The quotes are chosen at random, with a seed, from the project's own corpus. What stands marked in the text is read from
the page; what is marked on the picture of a PDF's page is read again by pdfium, as the characters whose middle lies in
a mark, and compared as readers would: without spaces, hyphens and the dots of lists. None of it uses the finder.
"""

from __future__ import annotations

import os
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pypdfium2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.documents import load_document
from assistant.documents.loading import Limits
from assistant.documents.page_images import PageImages, PageLook, passage_on
from assistant.domain import Document
from assistant.web.among import Place, source_link
from assistant.web.gate import Gate
from assistant.web.sources import add_sources

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
EACH = 20
DOCUMENTS = 6
FORMATS = ("pdf", "docx", "html", "md", "txt")


@dataclass
class Files:
    """Documents read from their files, as the viewer needs them."""

    pages: PageImages
    documents: dict[str, Document] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    def add(self, path: Path, document_id: str) -> Document:
        document = load_document(path, document_id, Limits())
        self.documents[document_id], self.paths[document_id] = document, path
        return document

    def document(self, document_id: str, version: str | None = None) -> Document | None:
        document = self.documents.get(document_id)
        return document if document and version in (None, document.version) else None

    def original(self, document_id: str, version: str | None = None) -> Path | None:
        return self.paths.get(document_id)

    def page_look(self, document: Document, page: int, start: int, end: int) -> PageLook | None:
        return self.pages.look(self.paths[document.id], document.id, page, passage_on(document, page, start, end))

    def page_picture(self, document: Document, page: int) -> bytes | None:
        return self.pages.picture(self.paths[document.id], document.id, page)


class Marks(HTMLParser):
    """What a viewer's page marks: the text in its marks, and for each picture the marks' rectangles as parts of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.depth = 0
        self.text = ""
        self.height = 0.0
        self.sheets: list[tuple[int, list[tuple[float, float, float, float]]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "mark":
            self.depth += 1
        elif tag == "img":
            self.sheets.append((int(re.search(r"&page=(\d+)", values["src"])[1]), []))
        elif tag == "svg":
            self.height = float(values["viewbox"].split()[3])
        elif tag == "rect" and "id" not in values:
            x, y, width, height = (float(values[name]) for name in ("x", "y", "width", "height"))
            box = (x / 1000, y / self.height, (x + width) / 1000, (y + height) / self.height)
            self.sheets[-1][1].append(box)

    def handle_endtag(self, tag):
        self.depth -= tag == "mark"

    def handle_data(self, data):
        if self.depth:
            self.text += data


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """Six files of each format of the corpus, and the Markdown ones as web pages and as plain text."""
    folder = tmp_path_factory.mktemp("corpus")
    with PageImages() as pages:
        files = Files(pages)
        for suffix in (".pdf", ".docx", ".md"):
            paths = sorted(CORPUS.rglob(f"*{suffix}"))
            for path in random.Random(6).sample(paths, DOCUMENTS):
                document = files.add(path, path.relative_to(CORPUS).as_posix())
                if path.suffix == ".md":
                    _add_as(files, folder / f"{path.stem}.txt", document.text)
                    _add_as(files, folder / f"{path.stem}.html", _as_web_page(document))
        yield files


def _add_as(files: Files, path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    files.add(path, path.name)


def _as_web_page(document: Document) -> str:
    """Return a document's own text as a web page: headings, paragraphs, lists and tables."""
    headings = {document.text[heading.start : heading.end] for heading in document.headings}
    parts = []
    for block in document.text.split("\n\n"):
        shown = block.strip().replace("&", "&amp;").replace("<", "&lt;")
        if "\t" in shown:
            rows = "".join(f"<tr><td>{row.replace(chr(9), '</td><td>')}</td></tr>" for row in shown.split("\n"))
            parts.append(f"<table>{rows}</table>")
        elif shown.startswith("- "):
            items = "".join(f"<li>{item.strip().removeprefix('- ')}</li>" for item in shown.split("\n"))
            parts.append(f"<ul>{items}</ul>")
        elif shown:
            parts.append(f"<h2>{shown}</h2>" if block in headings else f"<p>{shown}</p>")
    body = "\n".join(parts)
    head = f"<head><title>{document.title}</title></head>"
    return f'<!doctype html><html lang="en">{head}<body><main><article>{body}</article></main></body></html>'


@pytest.fixture(scope="module")
def client(files: Files) -> Iterator[TestClient]:
    """The viewer over these files."""
    site = FastAPI()
    add_sources(site, files)
    site.add_middleware(Gate)
    with TestClient(site) as client:
        yield client


def choose(documents: list[Document], count: int, seed: int) -> Iterator[tuple[Document, int, int]]:
    """Yield quotes as answers have them: one to three sentences, a list item, a heading or a table row."""
    chooser = random.Random(seed)
    for _ in range(count):
        document = chooser.choice(documents)
        units = list(re.finditer(r"[^\s-][^\n]*?(?:[.?!](?=\s)|(?=\n|$))", document.text))
        first = chooser.randrange(len(units))
        last = min(len(units) - 1, first + chooser.choice((0, 0, 0, 1, 2)))
        yield document, units[first].start(), units[last].end()


def printed_inside(path: Path, page: int, boxes: list[tuple[float, float, float, float]]) -> str:
    """Return the characters of a straight page whose middle lies in one of the boxes, in the order of the file."""
    with pypdfium2.PdfDocument(path) as file:
        shown = file[page - 1]
        width, height = shown.get_size()
        text = shown.get_textpage()
        found = ""
        for place in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(place)
            across, down = (left + right) / 2 / width, 1 - (bottom + top) / 2 / height
            if any(x0 <= across <= x1 and y0 <= down <= y1 for x0, y0, x1, y1 in boxes):
                found += chr(pypdfium2.raw.FPDFText_GetUnicode(text, place))
    return found


def as_read(text: str) -> str:
    """Return a text without what only its setting puts there."""
    return re.sub(r"[\s\x02\xad\u2010-\u2015\u2022-]", "", unicodedata.normalize("NFKC", text))


def marked(client: TestClient, document: Document, start: int, end: int) -> Marks:
    """Open a quote in the viewer and return what is marked."""
    response = client.get("/" + source_link(Place(document.id, document.version, start, end)))
    assert response.status_code == 200
    return Marks(response.text)


def on_the_pictures(files: Files, document: Document, marks: Marks) -> str:
    """Return what is printed under the marks of all pictures of a viewer's page."""
    return "".join(printed_inside(files.paths[document.id], page, boxes) for page, boxes in marks.sheets)


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_marked_is_the_quote(client, files, suffix):
    """Twenty quotes of each format: each one whole and alone, in the text, and in a PDF on its page as well."""
    documents = [document for document in files.documents.values() if document.id.endswith(f".{suffix}")]
    quotes = list(choose(documents, EACH, seed=6))
    assert len(quotes) == EACH
    assert len({document.id for document, _, _ in quotes}) > 3
    for document, start, end in quotes:
        quote = document.text[start:end]
        marks = marked(client, document, start, end)
        assert marks.text == quote
        if suffix == "pdf":
            assert sorted(as_read(on_the_pictures(files, document, marks))) == sorted(as_read(quote)), (
                document.id,
                quote,
            )
            assert len(marks.sheets) in (1, 2)
        else:
            assert marks.sheets == []


def test_a_link_that_fits_nowhere_marks_nothing(client, files):
    """Neither in the text nor on the picture, which is the first page then."""
    document = next(document for document in files.documents.values() if document.id.endswith(".pdf"))
    for query in ("start=5&end=2", "start=0&end=99999999", "start=x&end=y", ""):
        page = client.get(f"/source/{document.id}?version={document.version}&{query}").text
        marks = Marks(page)
        assert (marks.text, marks.sheets) == ("", [(1, [])])
        assert 'id="quote"' not in page


SHARED = os.environ.get("ASSISTANT_TEST_DATA")
WILD = (
    "usgov_docs/files/hhs_nofo_prototypes/acl_prototype.pdf", "usgov_docs/files/agency_reports/DHS2020.pdf",
    "usgov_docs/files/ntsb/20080111X00040.pdf", "openfda_docs/files/pdf/deviceudi_reference.pdf",
    "awkward/py-pdf/files/multicolumn.pdf", "awkward/docling/files/multi_page.pdf",
)  # fmt: skip


@pytest.mark.skipif(not SHARED, reason="ASSISTANT_TEST_DATA names no folder of shared documents")
@pytest.mark.parametrize("name", WILD, ids=[Path(name).stem for name in WILD])
def test_pages_that_others_have_made_are_marked_right_or_not_at_all(client, files, name):
    """Columns, tables, reports of authorities: of ten quotes each at most one has no mark, and none a wrong one."""
    path = Path(SHARED or "") / "data" / name
    if not path.is_file():
        pytest.skip(f"{name} is not among the shared documents")
    document = files.documents.get(path.name) or files.add(path, path.name)
    unmarked = 0
    for _, start, end in choose([document], 10, seed=7):
        marks = marked(client, document, start, end)
        assert marks.text == document.text[start:end]
        printed, quote = as_read(on_the_pictures(files, document, marks)), as_read(marks.text)
        unmarked += not printed
        assert not printed or sorted(printed) == sorted(quote), marks.text
    assert unmarked <= 1
