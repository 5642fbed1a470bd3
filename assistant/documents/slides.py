"""Presentations: PPTX to blocks, one page per slide: title, bodies in reading order, tables, speaker's notes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

from assistant.documents.blocks import Block, Parsed
from assistant.documents.hidden import HiddenWords
from assistant.documents.office import properties_of, transitional
from assistant.documents.slides_hidden import HiddenOnSlides, is_marked_hidden, words_of_shape
from assistant.domain import Findings
from assistant.errors import LimitExceeded, NoTextFound


def parse(raw: bytes, document_id: str, *, max_slides: int) -> Parsed:
    """Return the blocks of a presentation.

    Slides and shapes that are marked as hidden are found and left out; words that cannot be seen for their colour,
    size or place are found and stay in.

    Raises:
        LimitExceeded: It has more than `max_slides` slides.
        NoTextFound: It has no slides, only pictures on them, or all of them are hidden.
    """
    from pptx import Presentation

    presentation = Presentation(io.BytesIO(transitional(raw)))
    count = len(presentation.slides)
    if count > max_slides:
        raise LimitExceeded(document_id, f"has {count} slides and the limit is {max_slides}", "Split it")
    hidden = HiddenWords()
    slides = [
        list(_visible_blocks(presentation, slide, page, hidden)) for page, slide in enumerate(presentation.slides, 1)
    ]
    bare = [page for page, blocks in enumerate(slides, start=1) if not any(block.text.strip() for block in blocks)]
    if len(bare) == count:
        raise _no_text(presentation, document_id, count)
    unseen = [page for page, slide in enumerate(presentation.slides, start=1) if _is_hidden(slide)]
    bare = [page for page in bare if page not in unseen]
    return Parsed(
        blocks=tuple(block for blocks in slides for block in blocks),
        properties=properties_of(presentation.core_properties),
        page_count=count,
        page_labels=tuple(str(page) for page in range(1, count + 1)),
        notices=(_notice(bare, count),) if bare else (),
        findings=Findings(hidden=hidden.found(), scanned=tuple(bare)),
    )


def _no_text(presentation: Any, document_id: str, count: int) -> NoTextFound:
    if not any(len(slide.shapes) for slide in presentation.slides):
        return NoTextFound(document_id, "is empty: its slides have no text", "Add the presentation with its text")
    if all(_is_hidden(slide) for slide in presentation.slides):
        return NoTextFound(document_id, "has only hidden slides", "Show them in PowerPoint, and save it")
    return NoTextFound(
        document_id, f"has {count} slides with only images and no text", "Add the words as text, or run OCR on it"
    )


def _notice(bare: list[int], count: int) -> str:
    named = ", ".join(map(str, bare[:20])) + (" and more" if len(bare) > 20 else "")
    return f"{len(bare)} of {count} slides have no text and cannot be searched: {named}"


def _is_hidden(slide: Any) -> bool:
    """Tell whether a slide is left out of the show."""
    return slide._element.get("show") in ("0", "false")


def _visible_blocks(presentation: Any, slide: Any, page: int, hidden: HiddenWords) -> Iterator[Block]:
    """Yield the blocks of a slide that is shown, and note what is hidden."""
    if _is_hidden(slide):
        hidden.add("not_shown", " ".join(words_of_shape(shape) for shape in slide.shapes), page)
        return
    for shape in slide.shapes:
        if is_marked_hidden(shape):
            hidden.add("not_shown", words_of_shape(shape), page)
    HiddenOnSlides(presentation, hidden).look_at(slide, page)
    yield from _slide_blocks(slide, page)


def _slide_blocks(slide: Any, page: int) -> Iterator[Block]:
    title = slide.shapes.title
    if title is not None and title.has_text_frame and not is_marked_hidden(title):
        yield Block("heading", _one_line(title.text_frame.text), level=1 if page == 1 else 2, page=page)
    for shape in _in_reading_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape_blocks(shape, page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        for paragraph in slide.notes_slide.notes_text_frame.paragraphs:
            yield Block("paragraph", _words(paragraph), page=page)


def _in_reading_order(shapes: Iterable[Any]) -> list[Any]:
    """Sort shapes from top to bottom, then left to right; those without a place of their own keep their turn."""
    return sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0))


def _shape_blocks(shape: Any, page: int) -> Iterator[Block]:
    from pptx.enum.shapes import MSO_SHAPE_TYPE

    if is_marked_hidden(shape):
        return
    if _shape_type(shape) == MSO_SHAPE_TYPE.GROUP:
        for member in _in_reading_order(shape.shapes):
            yield from _shape_blocks(member, page)
    elif getattr(shape, "has_table", False) and shape.has_table:
        yield from _table_blocks(shape.table, page)
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart_blocks(shape.chart, page)
    elif shape.has_text_frame:
        yield from _text_blocks(shape, page)


def _shape_type(shape: Any) -> Any:
    """Return what kind of shape it is; None for one that the library does not know."""
    try:
        return shape.shape_type
    except NotImplementedError:
        return None


def _text_blocks(shape: Any, page: int) -> Iterator[Block]:
    """Paragraphs of a text shape; those of a body placeholder are its bullet points."""
    paragraphs = [paragraph for paragraph in shape.text_frame.paragraphs if _words(paragraph).strip()]
    is_list = _is_body(shape) and len(paragraphs) > 1
    for place, paragraph in enumerate(paragraphs):
        if is_list or paragraph.level > 0:
            yield Block("item", _words(paragraph), level=paragraph.level, page=page, starts_group=place == 0)
        else:
            yield Block("paragraph", _words(paragraph), page=page)


def _is_body(shape: Any) -> bool:
    from pptx.enum.shapes import PP_PLACEHOLDER

    bodies = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY)
    return bool(shape.is_placeholder and shape.placeholder_format.type in bodies)


def _table_blocks(table: Any, page: int) -> Iterator[Block]:
    for place, row in enumerate(table.rows):
        cells = ["" if cell.is_spanned else _one_line(cell.text_frame.text) for cell in row.cells]
        yield Block("row", "\t".join(cells), page=page, starts_group=place == 0)


def _chart_blocks(chart: Any, page: int) -> Iterator[Block]:
    """A chart's title, and its numbers as a table: a row of series, then a row for each category.

    Read from the XML, since python-pptx knows only some kinds of charts.
    """
    space = chart._chartSpace
    for title in space.iter("{*}title"):
        yield Block("paragraph", " ".join("".join(part.itertext("{*}t")) for part in title.iter("{*}p")), page=page)
    series = list(space.iter("{*}ser"))
    names = [" ".join(_points(each, "tx").values()) for each in series]
    categories = _points(series[0], "cat") if series else {}
    values = [_points(each, "val") for each in series]
    yield Block("row", "\t".join(["", *names]), page=page, starts_group=True)
    for place in sorted(set(categories).union(*values)):
        cells = [categories.get(place, ""), *(each.get(place, "") for each in values)]
        yield Block("row", "\t".join(cells), page=page)


def _points(series: Any, name: str) -> dict[int, str]:
    """Return the words or numbers that a chart keeps of one part of a series, by their place."""
    part = next(series.iterchildren(f"{{*}}{name}"), None)
    if part is None:
        return {}
    points = list(part.iter("{*}pt"))
    return {int(point.get("idx", "0")): "".join(point.itertext("{*}v")) for point in points}


def _words(paragraph: Any) -> str:
    """Return the words of a paragraph; fields such as dates, and breaks, included."""
    words = []
    for element in paragraph._p.iter("{*}t", "{*}br"):  # python-pptx leaves the text of fields out
        words.append(" " if element.tag.endswith("}br") else element.text or "")
    return "".join(words)


def _one_line(text: str) -> str:
    return " ".join(text.split())
