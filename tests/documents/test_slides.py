"""Presentations: one page per slide, in reading order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assistant.documents import Limits
from assistant.errors import LimitExceeded, NoTextFound

from .conftest import Load

MakePptx = Callable[[Callable[[Any], object]], bytes]


def _slides(presentation: Any) -> None:
    from pptx.util import Inches

    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "The plan"
    slide.placeholders[1].text = "First\nSecond"
    slide.placeholders[1].text_frame.paragraphs[1].level = 1
    slide.notes_slide.notes_text_frame.text = "Say this slowly."
    presentation.slides.add_slide(presentation.slide_layouts[6])
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Shapes"
    for top, words in ((5, "below"), (2, "above")):
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(Inches(1), Inches(top), Inches(3), Inches(1)).text_frame.text = words
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(6), Inches(4), Inches(1)).table
    for place, words in enumerate(["a", "b", "c", "d"]):
        table.cell(place // 2, place % 2).text = words


def test_slides_are_pages(load: Load, make_pptx: MakePptx) -> None:
    """Title, bodies from top to bottom, groups opened, tables as rows, notes last; slides without text are named."""
    document = load("x.pptx", make_pptx(_slides))
    assert document.text == (
        "The plan\n\n- First\n  - Second\n\nSay this slowly.\n\nShapes\n\nabove\n\nbelow\n\na\tb\nc\td"
    )
    assert [document.page_at(document.text.index(words)) for words in ("First", "slowly", "Shapes")] == [1, 1, 3]
    assert (len(document.pages), document.page_labels) == (3, ("1", "2", "3"))
    assert document.notices == ("1 of 3 slides have no text and cannot be searched: 2",)


def test_a_presentation_without_text_says_why(load: Load, make_pptx: MakePptx) -> None:
    """No slides at all is empty."""
    with pytest.raises(NoTextFound, match="is empty"):
        load("x.pptx", make_pptx(lambda presentation: None))


def test_slides_are_limited(load: Load, make_pptx: MakePptx) -> None:
    """Both numbers are named."""
    with pytest.raises(LimitExceeded, match="has 3 slides and the limit is 2"):
        load("x.pptx", make_pptx(_slides), limits=Limits(pages=2))
