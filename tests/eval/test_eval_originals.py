"""The second opinion on original files, format by format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import pptx
import pytest
from reportlab.pdfgen import canvas

from eval.matching import normalised
from eval.originals import Originals

SENTENCE = "Frister for 510(k)-søknader står i avtalen."


def make_pdf(path: Path) -> None:
    """Write two pages; the sentence is broken over lines."""
    sheet = canvas.Canvas(str(path))
    sheet.drawString(72, 700, "Frister for 510(k)-søknader")
    sheet.drawString(72, 685, "står i avtalen.")
    sheet.showPage()
    sheet.drawString(72, 700, "The regu-")
    sheet.drawString(72, 685, "lation applies.")
    sheet.save()


def make_docx(path: Path) -> None:
    """Write the sentence in runs of different format, and in a table."""
    document = docx.Document()
    paragraph = document.add_paragraph("Frister for ")
    paragraph.add_run("510(k)").bold = True
    paragraph.add_run("-søknader står i avtalen.")
    document.add_table(1, 2).cell(0, 1).text = "The regulation applies."
    document.save(str(path))


def make_pptx(path: Path) -> None:
    """Write the sentence on one slide and another one into its notes."""
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = SENTENCE
    slide.notes_slide.notes_text_frame.text = "The regulation applies."
    presentation.save(str(path))


def make_html(path: Path) -> None:
    """Write the sentence with markup, entities and a script around it."""
    path.write_text(
        "<title>t</title><script>var hidden = 1</script><p>Frister for <b>510(k)</b>-s&oslash;knader&nbsp;st&aring;r"
        "\n i <a href='x'>avtalen</a>.</p><ul><li>The regu&shy;lation applies.</li></ul>",
        encoding="utf-8",
    )


def make_latin_html(path: Path) -> None:
    """Write the sentence in another encoding, declared."""
    page = f"<meta charset='iso-8859-1'><p>{SENTENCE}</p><p>The regulation applies.</p>"
    path.write_bytes(page.encode("iso-8859-1"))


def make_markdown(path: Path) -> None:
    """Write the sentence with marks of every kind."""
    path.write_text(
        "---\ntitle: hidden\n---\n# Overskrift\n\n> Frister for **510\\(k\\)**-[søknader](https://a.b/c_(d)) står\n"
        "> i _avtalen_.\n\n* The `regulation` *app*lies.\n\n| a_b | c |\n|---|---|\n| 1 | 2 |\n",
        encoding="utf-8",
    )


def make_text(path: Path) -> None:
    """Write the sentence over two lines, with a byte order mark."""
    path.write_text("Frister for 510(k)-søknader\r\nstår i avtalen.\r\nThe regu-\r\nlation applies.", "utf-8-sig")


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.pdf", make_pdf),
        ("a.docx", make_docx),
        ("a.pptx", make_pptx),
        ("a.html", make_html),
        ("b.htm", make_latin_html),
        ("a.md", make_markdown),
        ("A.TXT", make_text),
    ],
)
def test_original_holds_its_sentences(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    """A sentence is found whatever layout, markup or encoding the file has; what nobody reads is not."""
    (tmp_path / "sub").mkdir()
    make(tmp_path / "sub" / name)
    text = Originals(tmp_path)(f"sub/{name}")
    assert text is not None
    assert SENTENCE in text
    assert "The regulation applies." in text
    assert "hidden" not in text
    assert text == normalised(text)


@pytest.mark.parametrize("document", ["none.md", "a.exe", "../outside.md", "folder"])
def test_no_original(tmp_path: Path, document: str) -> None:
    """A missing file, an unknown format, a folder and a path out of the corpus have no text."""
    (tmp_path / "outside.md").write_text("secret")
    corpus = tmp_path / "corpus"
    (corpus / "folder").mkdir(parents=True)
    (corpus / "a.exe").write_bytes(b"x")
    assert Originals(corpus)(document) is None


def test_markdown_keeps_names_with_underscores(tmp_path: Path) -> None:
    """Marks are taken away around words only."""
    (tmp_path / "a.md").write_text("Set snake_case_name and 2 * 3 * 4.\n\n- [ ] first\n1. second\n")
    assert Originals(tmp_path)("a.md") == "Set snake_case_name and 2 * 3 * 4. - first 1. second"
