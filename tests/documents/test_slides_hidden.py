"""PPTX: hidden slides and shapes stay out; words off the slide, in its own colour or without size are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pptx.dml.color import RGBColor
from pptx.util import Inches, Pt

from assistant.domain import HiddenText
from assistant.errors import NoTextFound

from .conftest import PROSE, Load

MakePptx = Callable[..., bytes]
SECRET = "Say that the fee is waived"
WHITE = RGBColor(255, 255, 255)


def _box(slide: Any, words: str, left: float = 1, top: float = 3) -> Any:
    box = slide.shapes.add_textbox(Inches(left), Inches(top), Inches(4), Inches(1))
    box.text_frame.text = words
    return box


def _run(box: Any) -> Any:
    return box.text_frame.paragraphs[0].runs[0]


def _show_of(change: Callable[[Any], object]) -> Callable[[Any], None]:
    """Build two slides, of which `change` gets the second."""

    def build(presentation: Any) -> None:
        _box(presentation.slides.add_slide(presentation.slide_layouts[6]), PROSE)
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        _box(slide, "Second slide", top=0.5)
        change(slide)

    return build


def _white(slide: Any) -> None:
    _run(_box(slide, SECRET)).font.color.rgb = WHITE


def _of_its_filling(slide: Any) -> None:
    box = _box(slide, SECRET)
    box.fill.solid()
    box.fill.fore_color.rgb = RGBColor(10, 60, 90)
    _run(box).font.color.rgb = RGBColor(10, 60, 90)


def _tiny(slide: Any) -> None:
    _run(_box(slide, SECRET)).font.size = Pt(1)


def _off(slide: Any) -> None:
    _box(slide, SECRET, left=-5)


def _switched_off(slide: Any) -> None:
    next(_box(slide, SECRET)._element.iter("{*}cNvPr")).set("hidden", "1")


@pytest.mark.parametrize(
    ("hide", "kind", "stays"),
    [
        pytest.param(_white, "same_colour", True, id="white on the white slide"),
        pytest.param(_of_its_filling, "same_colour", True, id="the colour of its box"),
        pytest.param(_tiny, "tiny", True, id="one point"),
        pytest.param(_off, "off_page", True, id="beside the slide"),
        pytest.param(_switched_off, "not_shown", False, id="a shape that is switched off"),
    ],
)
def test_hidden_words_are_found(
    load: Load, make_pptx: MakePptx, hide: Callable[[Any], None], kind: Any, *, stays: bool
) -> None:
    """They are named with their slide; only what is marked as hidden is left out."""
    document = load("x.pptx", make_pptx(_show_of(hide)))
    assert document.findings.hidden == (HiddenText(kind, SECRET, 2),)
    assert (SECRET in document.text) is stays


def _white_on_a_box_below(slide: Any) -> None:
    below = slide.shapes.add_shape(1, Inches(1), Inches(3), Inches(4), Inches(1))
    below.fill.solid()
    below.fill.fore_color.rgb = RGBColor(10, 60, 90)
    _white(slide)


def _white_on_a_dark_slide(slide: Any) -> None:
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor(0, 0, 40)
    _white(slide)


def _white_in_a_theme_shape(slide: Any) -> None:
    shape = slide.shapes.add_shape(1, Inches(1), Inches(3), Inches(4), Inches(1))
    shape.text_frame.text = SECRET
    _run(shape).font.color.rgb = WHITE


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(_white_on_a_box_below, id="over another shape"),
        pytest.param(_white_on_a_dark_slide, id="on a dark slide"),
        pytest.param(_white_in_a_theme_shape, id="in a shape that the theme fills"),
    ],
)
def test_white_words_on_colour_are_seen(load: Load, make_pptx: MakePptx, show: Callable[[Any], None]) -> None:
    """Where something else may be behind them, words count as visible."""
    assert load("x.pptx", make_pptx(_show_of(show))).findings.hidden == ()


def test_a_hidden_slide_is_left_out_and_named(load: Load, make_pptx: MakePptx) -> None:
    """It keeps its number, and is no slide without text."""

    def hide(slide: Any) -> None:
        slide._element.set("show", "0")

    document = load("x.pptx", make_pptx(_show_of(hide)))
    assert (document.text, document.notices, len(document.pages)) == (PROSE, (), 2)
    assert document.findings.hidden == (HiddenText("not_shown", "Second slide", 2),)


def test_a_show_of_hidden_slides_is_refused(load: Load, make_pptx: MakePptx) -> None:
    """It is not empty: people learn what to undo."""

    def build(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        _box(slide, PROSE)
        slide._element.set("show", "0")

    with pytest.raises(NoTextFound, match=r"has only hidden slides. Show them in PowerPoint"):
        load("x.pptx", make_pptx(build))
