"""Words on a page of a PDF that a reader does not see, told while pypdf reads the page for its words.

Followed are colours, areas of colour, pictures, type sizes and places: as much as the operators of the page say in
passing. What is not known (a pattern, a special colour, a curve) counts as visible: a false alarm costs trust.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from pypdf.generic._font import Font

from assistant.documents.hidden import BLACK, WHITE, Colour, HiddenKind, HiddenWords, are_alike

logger = logging.getLogger(__name__)

# Type below this size, in points, is read by nobody; the smallest print of contracts has four.
SMALLEST_TYPE = 1.5
# Words must stand so far beside the page, in points, to be out of sight.
_BESIDE = 2.0
# A rule or a border is no ground that words stand on.
_SMALLEST_AREA = 3.0
# A page of more areas is a drawing; so many looks for what is behind some words are enough on one page.
_MOST_AREAS = 4000
_MOST_LOOKS = 200_000
_MOST_PATH_POINTS = 1000
# In a line of TJ, a gap of this many thousandths of the type size is a space.
_SPACE = -180

Matrix = tuple[float, float, float, float, float, float]
Area = tuple[float, float, float, float]
"""Left, lower, right and upper edge in points."""

_IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_INVISIBLE = 3
_FILLED = (0, 4)


@dataclass(slots=True)
class _State:
    """What `q` puts aside and `Q` brings back.

    Attributes:
        fill: The colour of areas and letters; None where it is not known.
        parts: How many numbers name a colour of the colour space; 0 where they do not name it by themselves.
        clip: The part of the page that is painted on; None for all of it.
        alpha: How much of what is behind is covered, 0 to 1.
    """

    fill: Colour | None = BLACK
    parts: int = 1
    mode: int = 0
    font: str = ""
    size: float = 1.0
    alpha: float = 1.0
    clip: Area | None = None


@dataclass(slots=True)
class _Frame:
    """A page or a form on it, while its operators are read."""

    operands: object
    resources: Any
    base: Matrix
    state: _State
    saved: list[_State] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Words:
    """Some hidden words and where they stand: start and end on their line, and height of the line.

    Attributes:
        gap: What parts them from the hidden words before; None where something visible stands between.
    """

    kind: HiddenKind
    words: str
    x: float
    y: float
    end: float
    gap: str | None


@dataclass(frozen=True, slots=True)
class _Inkless:
    """What is shown without ink: read only if no picture is there, since a scan may have thousands of such words."""

    shown: Any
    resources: Any
    font: str
    size: float
    place: Matrix


class HiddenOnPage:
    """Follows the operators of one page; `before` and `after` are what pypdf calls for each."""

    def __init__(self, page: Any) -> None:
        """Take a page of pypdf; nothing of it is read before pypdf reads it."""
        self._page = page
        self._frames = [_Frame(None, None, _IDENTITY, _State())]
        self._box: Area | None = None
        self._areas: list[tuple[Area, Colour | None]] = []
        self._colours: set[Colour] = {WHITE}
        self._grounds: dict[Colour, bool] = {}
        self._pictures: list[Area] = []
        self._path: list[list[tuple[float, float]]] = []
        self._is_curved = self._clips = self._gave_up = False
        self._found: list[_Words] = []
        self._inkless: list[_Inkless] = []
        self._is_run = False  # nothing visible since the last hidden words
        self._looks = 0
        self._fonts: dict[tuple[int, str], Font | None] = {}
        self._handlers: dict[bytes, Callable[[Sequence[Any], Any, Any], None]] = {
            b"q": self._save, b"Q": self._restore, b"gs": self._graphics_state,
            b"g": self._gray, b"rg": self._rgb, b"k": self._cmyk, b"cs": self._colour_space, b"sc": self._colour,
            b"scn": self._colour, b"Tr": self._mode, b"Tf": self._font, b"Tj": self._show, b"TJ": self._show,
            b"'": self._show, b'"': self._show, b"re": self._rectangle, b"m": self._move, b"l": self._line,
            b"c": self._curve, b"v": self._curve, b"y": self._curve, b"W": self._clip, b"W*": self._clip,
            b"f": self._fill, b"F": self._fill, b"f*": self._fill, b"B": self._fill, b"B*": self._fill,
            b"b": self._fill, b"b*": self._fill, b"S": self._end_path, b"s": self._end_path, b"n": self._end_path,
            b"sh": self._shade, b"Do": self._do, b"INLINE IMAGE": self._picture,
        }  # fmt: skip

    def before(self, operator: bytes, operands: Any, cm: Any, tm: Any) -> None:
        """Take one operator before pypdf acts on it."""
        handler = self._handlers.get(operator)
        if handler is None or self._gave_up:
            return
        try:
            handler(operands, cm, tm)
        except Exception:  # a file whose colours are broken still has words to read
            logger.debug("hidden words of a page cannot be told", exc_info=True)
            self._gave_up = True

    def after(self, operator: bytes, operands: Any, cm: Any, tm: Any) -> None:
        """Leave a form on the page."""
        if operator == b"Do" and any(frame.operands is operands for frame in self._frames[1:]):
            while self._frames[-1].operands is not operands:
                self._frames.pop()
            self._frames.pop()

    def finish(self, number: int, hidden: HiddenWords) -> None:
        """Hand over the hidden words of this page (from 1).

        Letters without ink over or under a picture are its text recognition: there they say what a reader sees.
        """
        self._is_run = False
        for shown in self._inkless:
            if self._is_on_picture(shown.place[4], shown.place[5]):
                continue
            font = self._font_of(shown.resources, shown.font)
            if font is not None:
                words, width = _words(shown.shown, font)
                self._note("not_shown", words, shown.place, width * shown.size, shown.size)
        for each in self._found:
            hidden.add(each.kind, each.words, number, gap=each.gap)

    # ---- Graphics state ----

    @property
    def _frame(self) -> _Frame:
        return self._frames[-1]

    def _save(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        if len(self._frame.saved) < 1000:
            self._frame.saved.append(copy(self._frame.state))

    def _restore(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        if self._frame.saved:
            self._frame.state = self._frame.saved.pop()

    def _graphics_state(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        stated = self._resource("/ExtGState", operands[0])
        alpha = stated.get("/ca") if stated is not None else None
        if alpha is not None:
            self._frame.state.alpha = float(alpha)

    def _mode(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._frame.state.mode = int(operands[0])

    def _font(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        state = self._frame.state
        state.font, state.size = str(operands[0]), float(operands[1])

    @property
    def _resources(self) -> Any:
        frame = self._frame
        if frame.resources is None:
            frame.resources = self._page["/Resources"].get_object()
        return frame.resources

    def _resource(self, kind: str, name: Any) -> Any:
        """Return a resource of the page or form, or None."""
        return _named(self._resources, kind, name)

    # ---- Colours ----

    def _gray(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._set_fill(operands, 1)

    def _rgb(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._set_fill(operands, 3)

    def _cmyk(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._set_fill(operands, 4)

    def _set_fill(self, operands: Sequence[Any], parts: int) -> None:
        state = self._frame.state
        state.parts, state.fill = parts, _colour(tuple(operands), parts)

    def _colour_space(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        name = str(operands[0])
        parts = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4}.get(name)
        if parts is None:
            parts = _parts(self._resource("/ColorSpace", name))
        state = self._frame.state
        state.parts, state.fill = parts, BLACK if parts else None

    def _colour(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        state = self._frame.state
        state.fill = _colour(tuple(operands), state.parts) if state.parts else None

    # ---- Paths and pictures ----

    def _rectangle(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        x, y, width, height = map(float, operands[:4])
        self._add_path([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])

    def _move(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._add_path([(float(operands[0]), float(operands[1]))])

    def _line(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        if self._path:
            self._add_point(float(operands[0]), float(operands[1]))

    def _curve(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._is_curved = True
        if self._path:
            self._add_point(float(operands[-2]), float(operands[-1]))

    def _add_path(self, points: list[tuple[float, float]]) -> None:
        if len(self._path) < _MOST_PATH_POINTS:
            self._path.append(points)
        else:
            self._is_curved = True

    def _add_point(self, x: float, y: float) -> None:
        if len(self._path[-1]) < _MOST_PATH_POINTS:
            self._path[-1].append((x, y))
        else:
            self._is_curved = True

    def _clip(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._clips = True

    def _fill(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        state, place = self._frame.state, _product(_matrix(cm), self._frame.base)
        is_upright = place[0] == place[3] == 0 or place[1] == place[2] == 0
        is_even = state.alpha > 0.98 and is_upright and not self._is_curved
        if is_even and all(_is_rectangle(path) for path in self._path):
            for path in self._path:
                self._add_area(_bounds(path, place), state.fill)
        elif self._path:
            self._add_area(_bounds([point for path in self._path for point in path], place), None)
        self._end_path(operands, cm, tm)

    def _end_path(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        if self._clips and self._path:
            points = [point for path in self._path for point in path]
            area = _bounds(points, _product(_matrix(cm), self._frame.base))
            self._frame.state.clip = _common(area, self._frame.state.clip)
        self._path, self._is_curved, self._clips = [], False, False

    def _shade(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        self._add_area(self._frame.state.clip or (-math.inf, -math.inf, math.inf, math.inf), None)

    def _picture(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
        area = _bounds(square, _product(_matrix(cm), self._frame.base))
        self._add_area(area, None)
        if len(self._pictures) < _MOST_AREAS:
            self._pictures.append(area)

    def _do(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        painted = self._resource("/XObject", operands[0])
        if painted is None:
            return
        if painted.get("/Subtype") == "/Image":
            self._picture(operands, cm, tm)
            return
        frame = self._frame
        base = _product(_matrix(painted.get("/Matrix", _IDENTITY)), _product(_matrix(cm), frame.base))
        own = painted.get("/Resources")
        resources = own.get_object() if own is not None else self._resources
        self._frames.append(_Frame(operands, resources, base, copy(frame.state)))

    def _add_area(self, area: Area, colour: Colour | None) -> None:
        visible = _common(area, self._frame.state.clip)
        if visible[2] - visible[0] < _SMALLEST_AREA or visible[3] - visible[1] < _SMALLEST_AREA:
            return
        if len(self._areas) >= _MOST_AREAS:
            self._looks = _MOST_LOOKS
            return
        self._areas.append((visible, colour))
        if colour is not None and colour not in self._colours and len(self._colours) < 100:
            self._colours.add(colour)
            self._grounds.clear()

    def _is_on_picture(self, x: float, y: float) -> bool:
        return any(left - 2 <= x <= right + 2 and low - 2 <= y <= high + 2 for left, low, right, high in self._pictures)

    # ---- Words ----

    def _show(self, operands: Sequence[Any], cm: Any, tm: Any) -> None:
        if not operands:
            return
        state = self._frame.state
        place = _product(_product(_matrix(tm), _matrix(cm)), self._frame.base)
        if state.mode == _INVISIBLE:
            self._inkless.append(_Inkless(operands[-1], self._resources, state.font, state.size, place))
            return
        kind = self._kind(state, place)
        if kind is None and not self._may_be_beside(place):
            self._is_run = False
            return
        font = self._font_of(self._resources, state.font)
        if font is None or font.sub_type == "Type3":  # its letters are drawings of any size and colour
            self._is_run = False
            return
        words, width = _words(operands[-1], font)
        if kind is None and self._is_beside(place, width * state.size, state.size):
            kind = "off_page"
        if kind is None:
            self._is_run = False if words.strip() else self._is_run
            return
        self._note(kind, words, place, width * state.size, state.size)

    def _kind(self, state: _State, place: Matrix) -> HiddenKind | None:
        if abs(state.size) * math.hypot(place[2], place[3]) < SMALLEST_TYPE:
            return "tiny"
        if state.mode in _FILLED and (state.alpha < 0.02 or self._is_like_ground(state, place)):
            return "same_colour"
        return None

    def _is_like_ground(self, state: _State, place: Matrix) -> bool:
        """Tell whether letters have the colour of what is behind their beginning; False where that is not known."""
        colour = state.fill
        if colour is None or not self._may_be_ground(colour):
            return False
        x, y = _point(place, 0.3 * state.size, 0.3 * state.size)
        for (left, low, right, high), ground in reversed(self._areas):
            self._looks += 1
            if left <= x <= right and low <= y <= high:
                return self._looks < _MOST_LOOKS and ground is not None and are_alike(colour, ground)
        return self._looks < _MOST_LOOKS and are_alike(colour, WHITE)

    def _may_be_ground(self, colour: Colour) -> bool:
        """Tell whether the paper or any area has about this colour."""
        if colour not in self._grounds:
            self._grounds[colour] = any(are_alike(colour, each) for each in self._colours)
        return self._grounds[colour]

    def _may_be_beside(self, place: Matrix) -> bool:
        """Tell, without the width of the words, whether they may stand beside the page."""
        left, low, right, high = self._page_box()
        return not (left <= place[4] <= right and low <= place[5] <= high)

    def _is_beside(self, place: Matrix, width: float, size: float) -> bool:
        left, low, right, high = self._page_box()
        area = _bounds([(0.0, 0.0), (width, 0.0), (width, size), (0.0, size)], place)
        is_aside = area[2] < left - _BESIDE or area[0] > right + _BESIDE
        return is_aside or area[3] < low - _BESIDE or area[1] > high + _BESIDE

    def _page_box(self) -> Area:
        if self._box is None:
            left, low, right, high = map(float, self._page.cropbox)
            self._box = min(left, right), min(low, high), max(left, right), max(low, high)
        return self._box

    def _note(self, kind: HiddenKind, words: str, place: Matrix, width: float, size: float) -> None:
        """Note hidden words, `width` wide and `size` high in their own measure."""
        x, y, size = place[4], place[5], abs(size) * math.hypot(place[2], place[3])
        last = self._found[-1] if self._found and self._is_run else None
        gap: str | None = None
        if last is not None and last.kind == kind:
            # pypdf does not move on along a line, so the same place means: right behind the words before.
            is_behind = abs(last.y - y) < 0.3 * max(size, 0.1) and (x == last.x or x - last.end < 0.15 * size)
            gap = "" if is_behind and x >= last.x else " "
        self._found.append(_Words(kind, words, x, y, x + width * math.hypot(place[0], place[1]), gap))
        self._is_run = True

    def _font_of(self, resources: Any, name: str) -> Font | None:
        key = (id(resources), name)
        if key not in self._fonts:
            stated = _named(resources, "/Font", name)
            self._fonts[key] = Font.from_font_resource(stated) if stated is not None else None
        return self._fonts[key]


def _named(resources: Any, kind: str, name: Any) -> Any:
    of_kind = resources.get(kind)
    found = of_kind.get_object().get(name) if of_kind is not None else None
    return found.get_object() if found is not None else None


@lru_cache(maxsize=1_000)
def _colour(operands: tuple[Any, ...], parts: int) -> Colour | None:
    """Return the colour that numbers of a gray, RGB or CMYK space name, or None where they do not."""
    if len(operands) != parts or not all(isinstance(each, int | float) for each in operands):
        return None
    values = [min(1.0, max(0.0, float(each))) for each in operands]
    if parts == 1:
        return values[0], values[0], values[0]
    if parts == 3:
        return values[0], values[1], values[2]
    cyan, magenta, yellow, black = values
    return (1 - cyan) * (1 - black), (1 - magenta) * (1 - black), (1 - yellow) * (1 - black)


def _parts(space: Any) -> int:
    """Return how many numbers name a colour; 0 for a space of inks, patterns or places in a list."""
    if space is None:
        return 0
    if isinstance(space, str):
        return {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4}.get(space, 0)
    kind = str(space[0])
    if kind == "/ICCBased":
        count = int(space[1].get_object().get("/N", 0))
        return count if count in (1, 3, 4) else 0
    return {"/CalGray": 1, "/CalRGB": 3}.get(kind, 0)


def _words(shown: Any, font: Font) -> tuple[str, float]:
    """Return what a string or a line of strings and gaps says, and its width in type sizes."""
    words: list[str] = []
    width = 0.0
    for part in shown if isinstance(shown, list) else [shown]:
        if isinstance(part, str | bytes):
            raw = _decoded(part, font)
            words.append("".join(str(font.character_map.get(each, each)) for each in raw))
            width += sum(font.space_width if each == font.space_char else font.get_text_width(each) for each in raw)
        elif isinstance(part, int | float):
            width -= float(part)
            if part < _SPACE:
                words.append(" ")
    return "".join(words), width / 1000


def _decoded(part: str | bytes, font: Font) -> str:
    if isinstance(part, str):
        return part
    encoding = font.encoding
    if isinstance(encoding, str):
        return part.decode(encoding, "replace")
    return "".join(encoding.get(code, chr(code)) for code in part)


def _matrix(stated: Sequence[Any]) -> Matrix:
    a, b, c, d, e, f = stated
    return float(a), float(b), float(c), float(d), float(e), float(f)


def _product(first: Matrix, second: Matrix) -> Matrix:
    """Return the matrix that does what the first does and then what the second does."""
    if second == _IDENTITY:
        return first
    a, b, c, d, e, f = first
    g, h, i, j, k, m = second
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _point(place: Matrix, x: float, y: float) -> tuple[float, float]:
    return x * place[0] + y * place[2] + place[4], x * place[1] + y * place[3] + place[5]


def _bounds(points: Sequence[tuple[float, float]], place: Matrix) -> Area:
    """Return the smallest upright rectangle around some points, put where the matrix says."""
    placed = [_point(place, x, y) for x, y in points]
    across, up = [x for x, _ in placed], [y for _, y in placed]
    return min(across), min(up), max(across), max(up)


def _common(area: Area, clip: Area | None) -> Area:
    if clip is None:
        return area
    return max(area[0], clip[0]), max(area[1], clip[1]), min(area[2], clip[2]), min(area[3], clip[3])


def _is_rectangle(path: Sequence[tuple[float, float]]) -> bool:
    """Tell whether the corners of a path are those of an upright rectangle."""
    if len(path) == 5 and path[0] == path[4]:
        path = path[:4]
    if len(path) != 4:
        return False
    sides = zip(path, [*path[1:], path[0]], strict=True)
    upright = [abs(x - u) < 0.01 for (x, _), (u, _) in sides]
    flat = [abs(y - v) < 0.01 for (_, y), (_, v) in zip(path, [*path[1:], path[0]], strict=True)]
    return all(one != other for one, other in zip(upright, flat, strict=True)) and upright[0] != upright[1]
