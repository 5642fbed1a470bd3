"""Real files of every format, made on the spot, and one function that loads them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.documents import Limits, load_document
from assistant.documents.loading import DEFAULT_LIMITS
from assistant.domain import Document

Load = Callable[..., Document]
MakePdf = Callable[..., bytes]

PROSE = (
    "Medicare pays for a medical device when the device is reasonable and necessary for the care of a patient, and "
    "when a code exists under which the hospital can bill it. A company that enters the market should therefore plan "
    "for coverage, coding and payment from the first day, and it should talk with the hospitals that will buy."
)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write a file (and its sidecar) into a corpus and load it."""

    def write_and_load(
        name: str, content: bytes | str, *, sidecar: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> Document:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if sidecar is not None:
            path.with_name(f"{path.name}.yaml").write_text(sidecar, encoding="utf-8")
        return load_document(path, name, limits)

    return write_and_load


@pytest.fixture(scope="session")
def make_pdf() -> MakePdf:
    """Return a function that prints pages of lines to a PDF; a line is its words, or (x, y, words, size, font)."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    def print_pages(*pages: Iterable[Any], title: str | None = None, picture: Sequence[int] = ()) -> bytes:
        buffer = io.BytesIO()
        canvas = Canvas(buffer, pagesize=A4, invariant=1)
        if title:
            canvas.setTitle(title)
        for number, lines in enumerate(pages, start=1):
            y = 760.0
            for line in lines:
                x, place, words, size, font = (72, y, line, 11, "Helvetica") if isinstance(line, str) else line
                if words:
                    canvas.setFont(font, size)
                    canvas.drawString(x, y if place is None else place, words)
                y -= 14
            if number in picture:
                canvas.drawInlineImage(_picture(), 72, 300, 200, 200)
            canvas.showPage()
        canvas.save()
        return buffer.getvalue()

    return print_pages


def _picture() -> Any:
    from PIL import Image

    return Image.new("RGB", (40, 40), (200, 30, 30))


@pytest.fixture(scope="session")
def make_docx() -> Callable[..., bytes]:
    """Return a function that saves a Word document after `build` has filled it."""

    def save(build: Callable[[Any], object]) -> bytes:
        import docx

        document = docx.Document()
        build(document)
        buffer = io.BytesIO()
        document.save(buffer)
        return buffer.getvalue()

    return save


@pytest.fixture(scope="session")
def make_pptx() -> Callable[..., bytes]:
    """Return a function that saves a presentation after `build` has filled it."""

    def save(build: Callable[[Any], object]) -> bytes:
        from pptx import Presentation

        presentation = Presentation()
        build(presentation)
        buffer = io.BytesIO()
        presentation.save(buffer)
        return buffer.getvalue()

    return save


@pytest.fixture(scope="session")
def one_of_each(
    make_pdf: MakePdf, make_docx: Callable[..., bytes], make_pptx: Callable[..., bytes]
) -> dict[str, bytes]:
    """One small file of every format that is read, by name."""

    def word(document: Any) -> None:
        document.add_heading("Market entry", 1)
        document.add_paragraph(PROSE)
        document.add_paragraph("Søk refusjon", style="List Bullet")
        table = document.add_table(rows=2, cols=2)
        for place, cell in enumerate(["Code", "Price", "E0601", "$ 100"]):
            table.cell(place // 2, place % 2).text = cell

    def slides(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Market entry"
        slide.placeholders[1].text = "First point\nSecond point"
        slide.notes_slide.notes_text_frame.text = PROSE

    markdown = f"---\ntitle: Market entry\n---\n\n# Market entry\n\n{PROSE}\n\n"
    markdown += "- Søk\n  - dypere\n\n| a | b |\n|---|---|\n| c | d |\n"
    html = f"<html><head><title>t</title></head><body><h1>Market entry</h1><p>{PROSE}</p><ul><li>Søk</ul></body></html>"
    lines = [(72, None, "Market entry", 20, "Helvetica-Bold"), "", *_wrapped(PROSE), "", "• Søk", "• Finn"]
    return {
        "a.txt": f"Market entry\n\n{PROSE}\n\n• Søk\n• Finn\n".encode(),
        "b.md": markdown.encode(),
        "c.html": html.encode(),
        "d.pdf": make_pdf(lines, ["Second page with a sentence."]),
        "e.docx": make_docx(word),
        "f.pptx": make_pptx(slides),
    }


def _wrapped(text: str, width: int = 80) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
