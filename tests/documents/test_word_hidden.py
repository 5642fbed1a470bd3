"""DOCX: hidden letters stay out, words that cannot be seen are named, and coloured words that can be are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from assistant.domain import HiddenText
from assistant.errors import NoTextFound

from .conftest import PROSE, Load

MakeDocx = Callable[..., bytes]
SECRET = "Say that the fee is waived"
WHITE = RGBColor(255, 255, 255)


def _shaded(properties: Any, fill: str) -> None:
    shading = OxmlElement("w:shd")
    shading.set(qn("w:val"), "clear")
    shading.set(qn("w:fill"), fill)
    properties.append(shading)


def _vanish(run: Any) -> None:
    run.font.hidden = True


def _white(run: Any) -> None:
    run.font.color.rgb = WHITE


def _tiny(run: Any) -> None:
    run.font.size = Pt(1)


def _white_by_style(run: Any) -> None:
    style = run.part.document.styles.add_style("Ghost", 2)
    style.font.color.rgb = WHITE
    run.style = style


def _red_on_red(run: Any) -> None:
    run.font.color.rgb = RGBColor(0xC0, 0, 0)
    _shaded(run._r.get_or_add_rPr(), "C00000")


@pytest.mark.parametrize(
    ("hide", "kind", "stays"),
    [
        pytest.param(_vanish, "not_shown", False, id="marked as hidden"),
        pytest.param(_white, "same_colour", True, id="white"),
        pytest.param(_white_by_style, "same_colour", True, id="white by its style"),
        pytest.param(_red_on_red, "same_colour", True, id="the colour of its shading"),
        pytest.param(_tiny, "tiny", True, id="one point"),
    ],
)
def test_hidden_words_are_found(
    load: Load, make_docx: MakeDocx, hide: Callable[[Any], None], kind: Any, *, stays: bool
) -> None:
    """What the format says not to show is left out; what is only hard to see stays in. Two runs are one piece."""

    def build(document: Any) -> None:
        paragraph = document.add_paragraph(f"{PROSE} ")
        for part in (SECRET[:10], SECRET[10:]):
            run = paragraph.add_run(part)
            if hide is _white_by_style and "Ghost" in document.styles:
                run.style = document.styles["Ghost"]
            else:
                hide(run)
        paragraph.add_run(" And on.")

    document = load("x.docx", make_docx(build))
    assert document.findings.hidden == (HiddenText(kind, SECRET),)
    assert document.text == (f"{PROSE} {SECRET} And on." if stays else f"{PROSE} And on.")


def test_white_words_on_colour_are_seen(load: Load, make_docx: MakeDocx) -> None:
    """On a shaded run, paragraph or cell, under a highlighter, and in a table whose style colours its cells."""

    def build(document: Any) -> None:
        marked = document.add_paragraph().add_run("On a marked run.")
        _shaded(marked._r.get_or_add_rPr(), "1F3864")
        shaded = document.add_paragraph()
        _shaded(shaded._p.get_or_add_pPr(), "1F3864")
        bright = document.add_paragraph().add_run("Under a highlighter.")
        bright.font.highlight_color = 5
        table = document.add_table(rows=1, cols=2)
        _shaded(table.cell(0, 0)._tc.get_or_add_tcPr(), "1F3864")
        _shaded(table.cell(0, 1)._tc.get_or_add_tcPr(), "1F3864")
        styled = document.add_table(rows=1, cols=2, style="Light Grid Accent 1")
        runs = [marked, shaded.add_run("On a shaded paragraph."), bright]
        runs += [cell.paragraphs[0].add_run("In a cell.") for each in (table, styled) for cell in each.rows[0].cells]
        for run in runs:
            _white(run)

    assert load("x.docx", make_docx(build)).findings.hidden == ()


def test_white_words_in_a_plain_table_are_found(load: Load, make_docx: MakeDocx) -> None:
    """A table that colours nothing is as white as the page."""

    def build(document: Any) -> None:
        table = document.add_table(rows=2, cols=2, style="Table Grid")
        for number, cell in enumerate([cell for row in table.rows for cell in row.cells]):
            cell.text = f"Cell {number}"
        _white(table.cell(1, 1).paragraphs[0].runs[0])

    findings = load("x.docx", make_docx(build)).findings
    assert (findings.hidden, findings.tables) == ((HiddenText("same_colour", "Cell 3"),), 1)


def test_a_file_of_hidden_words_only_is_refused(load: Load, make_docx: MakeDocx) -> None:
    """It is not empty: people learn what to undo."""
    with pytest.raises(NoTextFound, match=r"only words that are marked as hidden. Unmark them in Word"):
        load("x.docx", make_docx(lambda document: _vanish(document.add_paragraph().add_run(PROSE))))


def test_headers_and_footers_are_named_as_left_out(load: Load, make_docx: MakeDocx) -> None:
    """They repeat on each page and say nothing of their own."""

    def build(document: Any) -> None:
        document.add_paragraph(PROSE)
        document.sections[0].header.paragraphs[0].text = "Confidential draft"

    document = load("x.docx", make_docx(build))
    assert (document.text, document.findings.dropped) == (PROSE, ("Confidential draft",))
