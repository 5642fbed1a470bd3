"""Words of a presentation that its audience does not see: off the slide, white on white, type too small to read.

Colours are compared only where the ground is plain: the shape's own, or the slide's with nothing between.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from assistant.documents.hidden import WHITE, Colour, HiddenKind, HiddenWords, are_alike, colour_of

logger = logging.getLogger(__name__)

# In hundredths of a point.
_SMALLEST_TYPE = 150
_FILLS = ("solidFill", "gradFill", "blipFill", "pattFill", "grpFill")
_PAPER = ("bg1", "lt1")

Place = tuple[int, int, int, int]
"""Left, top, right and bottom edge, in the file's own small units."""


class HiddenOnSlides:
    """Notes the hidden words of one presentation."""

    def __init__(self, presentation: Any, hidden: HiddenWords) -> None:
        """Take a presentation of python-pptx."""
        self._width = presentation.slide_width
        self._height = presentation.slide_height
        self._hidden = hidden

    def look_at(self, slide: Any, page: int) -> None:
        """Note the words of a slide that cannot be seen, although nothing says that they are not to be shown."""
        for shape in slide.shapes:
            try:
                self._look_at_shape(slide, shape, page)
            except Exception:  # a shape whose colours are broken still has words to read
                logger.debug("hidden words of a shape cannot be told", exc_info=True)

    def _look_at_shape(self, slide: Any, shape: Any, page: int) -> None:
        place = _place(shape)
        if is_marked_hidden(shape):
            return
        if place is not None and self._is_off(place):
            self._hidden.add("off_page", words_of_shape(shape), page)
        elif shape.has_text_frame:
            self._look_at_runs(slide, shape, page)

    def _is_off(self, place: Place) -> bool:
        left, top, right, bottom = place
        return right <= 0 or bottom <= 0 or left >= (self._width or right) or top >= (self._height or bottom)

    def _look_at_runs(self, slide: Any, shape: Any, page: int) -> None:
        for paragraph in shape.text_frame.paragraphs:
            before: HiddenKind | None = None
            for run in paragraph.runs:
                kind = _kind(slide, shape, run._r)
                if kind is not None:
                    self._hidden.add(kind, run.text, page, gap="" if kind == before else None)
                before = kind


def is_marked_hidden(shape: Any) -> bool:
    """Tell whether a shape is switched off in the list of shapes."""
    properties = next(shape._element.iter("{*}cNvPr"), None)
    return properties is not None and properties.get("hidden") in ("1", "true")


def words_of_shape(shape: Any) -> str:
    """Return all words of a shape, a group or a table on one line."""
    return " ".join(_texts(shape._element))


def _texts(element: Any) -> Iterator[str]:
    for paragraph in element.iter("{*}p"):
        if words := "".join(text.text or "" for text in paragraph.iter("{*}t")).strip():
            yield words


def _place(shape: Any) -> Place | None:
    if None in (shape.left, shape.top, shape.width, shape.height):
        return None
    return shape.left, shape.top, shape.left + shape.width, shape.top + shape.height


def _kind(slide: Any, shape: Any, run: Any) -> HiddenKind | None:
    properties = _child(run, "rPr")
    if properties is None:
        return None
    size = properties.get("sz", "")
    if size.isdigit() and int(size) < _SMALLEST_TYPE:
        return "tiny"
    colour = _named_colour(slide, _child(properties, "solidFill"))
    if colour is None:
        return None
    ground = _ground(slide, shape)
    return "same_colour" if ground is not None and are_alike(colour, ground) else None


def _named_colour(slide: Any, fill: Any) -> Colour | None:
    """Return the colour of a fill, or None where it is mixed, or named by a theme that may say anything."""
    if fill is None or len(fill) != 1 or len(fill[0]):
        return None
    value = fill[0].get("val")
    if fill[0].tag.endswith("}srgbClr"):
        return colour_of(value)
    return WHITE if value in _PAPER and _has_white_paper(slide) else None


def _has_white_paper(slide: Any) -> bool:
    mapped = next(slide.slide_layout.slide_master._element.iter("{*}clrMap"), None)
    return mapped is None or mapped.get("bg1", "lt1") == "lt1"


def _ground(slide: Any, shape: Any) -> Colour | None:
    """Return the colour behind the words of a shape, or None where it is not known."""
    own = _child(shape._element, "spPr")
    for name in _FILLS:
        fill = _child(own, name)
        if fill is not None:
            return _named_colour(slide, fill) if name == "solidFill" else None
    if _child(own, "noFill") is None and (shape.is_placeholder or _child(shape._element, "style") is not None):
        return None  # the layout or the theme may fill it
    place = _place(shape)
    if place is None or any(_lies_under(place, other) for other in _below(slide, shape)):
        return None
    return _background(slide)


def _below(slide: Any, shape: Any) -> Iterator[Any]:
    """Yield what is painted before a shape: what the layouts show, and the shapes of the slide up to it."""
    for layer in (slide.slide_layout.slide_master, slide.slide_layout):
        yield from (each for each in layer.shapes if not each.is_placeholder)
    for other in slide.shapes:
        if other.shape_id == shape.shape_id:
            return
        yield other


def _lies_under(place: Place, other: Any) -> bool:
    under = _place(other)
    if under is None:
        return True
    return under[0] < place[2] and place[0] < under[2] and under[1] < place[3] and place[1] < under[3]


def _background(slide: Any) -> Colour | None:
    for layer in (slide, slide.slide_layout, slide.slide_layout.slide_master):
        background = next(layer._element.iter("{*}bg"), None)
        if background is None:
            continue
        stated = _child(background, "bgPr")
        if stated is not None:
            return _named_colour(slide, _child(stated, "solidFill"))
        reference = _child(background, "bgRef")
        plain = reference is not None and reference.get("idx") in ("0", "1001")
        return _named_colour(slide, reference) if plain else None
    return WHITE if _has_white_paper(slide) else None


def _child(element: Any, name: str) -> Any:
    return None if element is None else next(element.iterchildren(f"{{*}}{name}"), None)
