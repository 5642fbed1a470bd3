"""Pages of a PDF as pictures, and where on them a quote stands: the one door to pdfium.

Pdfium takes no two calls at once and may crash on a hostile file, so it lives in a child process under limits on time
and memory. What it found is kept for a while: a page is looked at by many readers of one answer.
"""

from __future__ import annotations

import io
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_double, c_int
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from assistant.documents.loading import Limits
from assistant.documents.quote_places import Box, Letter, Passage, boxes_of_quote, clipped
from assistant.documents.worker import Worker
from assistant.domain import Document
from assistant.errors import DamagedFile, EncryptedFile, LoadError

# Sharp on a screen of two dots to the pixel at the width of a phone, and at reading width on others.
_DOTS_PER_INCH = 144
# However large a page says it is, its picture has no more dots than this, and no longer side.
_MOST_DOTS = 2_600_000
_LONGEST_SIDE = 4000
# A page of text has few colours: so many are as good as all, and make the picture a third as large.
_COLOURS = 128
_TEXT_PAGE_COLOURS = 4096
# A page with more letters is not searched: no reader could use it.
_MOST_LETTERS = 60_000

# What is kept: pictures by their size, places by their number.
_KEPT_PICTURE_BYTES = 48_000_000
_KEPT_LOOKS = 2000
_ERROR_SECONDS = 300.0

# A page that takes longer is no page to read; others wait behind it.
PAGE_LIMITS = Limits(seconds=15.0, memory_bytes=800_000_000)

_Kept = TypeVar("_Kept")
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PageLook:
    """What a page looks like, without its picture.

    Attributes:
        width: As shown, in points.
        height: As shown, in points.
        boxes: Where the quote stands, one for each line or cell, as parts of width and height from 0 to 1, from the
            upper left corner; empty where it was not asked for, is not there, or where nothing tells which of two
            places is meant.
    """

    width: float
    height: float
    boxes: tuple[Box, ...] = ()


class PageImages:
    """Shows pages of PDFs. A context manager, for any thread; the child starts with the first page."""

    def __init__(self, limits: Limits = PAGE_LIMITS) -> None:
        self._worker = Worker(limits)
        self._pictures: _Recent[bytes] = _Recent(_KEPT_PICTURE_BYTES)
        self._looks: _Recent[PageLook] = _Recent(_KEPT_LOOKS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; the next page starts another."""
        self._worker.close()

    def picture(self, path: Path, document_id: str, page: int) -> bytes:
        """Return a page (from 1) as PNG.

        Raises:
            LoadError: There is no such page, or it cannot be shown; asking again gives the same error.
        """
        return self._pictures.get(
            (path, page), lambda: self._worker.call(_picture, document_id, path.absolute(), document_id, page)
        )

    def look(self, path: Path, document_id: str, page: int, quote: Passage | None = None) -> PageLook:
        """Return the size of a page (from 1), and where the words of a quote stand on it.

        Raises:
            LoadError: As `picture`.
        """
        return self._looks.get(
            (path, page, quote),
            lambda: self._worker.call(_look, document_id, path.absolute(), document_id, page, quote),
        )


def passage_on(document: Document, page: int, start: int, end: int) -> Passage | None:
    """Return the part of `text[start:end]` that stands on a page (from 1), or None where none does."""
    if not 1 <= page <= len(document.pages):
        return None
    first = document.pages[page - 1]
    last = document.pages[page] if page < len(document.pages) else len(document.text)
    start, end = max(start, first), min(end, last)
    return Passage(document.text[first:last], start - first, end - first) if start < end else None


class _Recent(Generic[_Kept]):
    """What was made last, up to a total size; an error is kept too, so that a hostile page costs its time once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._kept: OrderedDict[_Key, tuple[_Kept | LoadError, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key, make: Callable[[], _Kept]) -> _Kept:
        """Return what is kept under a key, made first where it is not.

        Raises:
            LoadError: As `make`, now or a short while ago.
        """
        with self._lock:
            kept, until = self._kept.get(key, (None, 0.0))
            if kept is not None and time.monotonic() < until:
                self._kept.move_to_end(key)
                return _returned(kept)
        until = math.inf
        try:
            made: _Kept | LoadError = make()
        except LoadError as error:
            made, until = error, time.monotonic() + _ERROR_SECONDS
        with self._lock:
            self._forget(key)
            self._kept[key] = made, until
            self._used += _weight(made)
            while self._used > self._size and len(self._kept) > 1:
                self._forget(next(iter(self._kept)))
        return _returned(made)

    def _forget(self, key: _Key) -> None:
        if key in self._kept:
            self._used -= _weight(self._kept.pop(key)[0])


def _weight(kept: object) -> int:
    """Return the bytes of a picture; 1 for anything else."""
    return len(kept) if isinstance(kept, bytes) else 1


def _returned(kept: _Kept | LoadError) -> _Kept:
    """Return a value, or raise the error that was kept in its place."""
    if isinstance(kept, LoadError):
        raise kept
    return kept


# ---- In the child. Pdfium is imported there alone: the server has no use for it, and a slower start with it. ----


def _picture(path: Path, document_id: str, page: int) -> bytes:
    """Return a page as PNG; called in the child."""
    with _page(path, document_id, page) as shown:
        width, height = shown.get_size()
        scale = _scale(width, height)
        picture = shown.render(scale=scale, limit_image_cache=True).to_pil().convert("RGB")
    if picture.getcolors(_TEXT_PAGE_COLOURS):
        picture = picture.quantize(_COLOURS, dither=0)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def _look(path: Path, document_id: str, page: int, quote: Passage | None) -> PageLook:
    """Return the size of a page and the places of a quote; called in the child."""
    with _page(path, document_id, page) as shown:
        width, height = shown.get_size()
        if quote is None:
            return PageLook(width, height)
        boxes = clipped(boxes_of_quote(list(_letters(shown, width, height)), quote), width, height)
        return PageLook(width, height, boxes or ())


@contextmanager
def _page(path: Path, document_id: str, page: int) -> Iterator[Any]:
    """Open one page of a file.

    Raises:
        EncryptedFile: It needs a password.
        DamagedFile: It is no PDF, broken, or has no such page.
    """
    import pypdfium2
    from pypdfium2 import raw

    try:
        file = pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError) as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise EncryptedFile(document_id, "needs a password", "Save a copy without a password") from error
        raise DamagedFile(document_id, "cannot be shown as pages", "Export or download it again") from error
    try:
        if not 1 <= page <= len(file):
            raise DamagedFile(document_id, f"has no page {page}", f"Ask for 1 to {len(file)}")
        file.init_forms()
        try:
            shown = file[page - 1]
        except pypdfium2.PdfiumError as error:
            raise DamagedFile(document_id, f"has a broken page {page}", "Export or download it again") from error
        if not all(0 < side < math.inf for side in shown.get_size()):
            raise DamagedFile(document_id, f"has a page {page} without a size", "Export or download it again")
        yield shown
    finally:
        file.close()


def _scale(width: float, height: float) -> float:
    """Return dots to the point: as sharp as can be within the bounds of a picture."""
    return min(
        _DOTS_PER_INCH / 72, math.sqrt(_MOST_DOTS / (width * height)), _LONGEST_SIDE / width, _LONGEST_SIDE / height
    )


def _letters(page: Any, width: float, height: float) -> Iterator[Letter]:
    """Yield the characters of a page in the order of the file, without the spaces and line ends that pdfium adds."""
    from pypdfium2 import raw

    text = page.get_textpage()
    to_page = _Frame(page, width, height)
    for place in range(min(text.count_chars(), _MOST_LETTERS)):
        if raw.FPDFText_IsGenerated(text, place) == 1:
            continue
        character = chr(raw.FPDFText_GetUnicode(text, place))
        box = _box(text, place)
        if box is not None and not character.isspace():
            yield Letter(character, to_page.box(*box), to_page.turn(text, place))


def _box(text: Any, place: int) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right and top of a character: the height of its type, or of its ink where that is odd."""
    from pypdfium2 import raw

    loose = raw.FS_RECTF()
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    has_ink = raw.FPDFText_GetCharBox(text, place, byref(left), byref(right), byref(bottom), byref(top))
    if raw.FPDFText_GetLooseCharBox(text, place, byref(loose)):
        edges = (loose.left, loose.bottom, loose.right, loose.top)
        if all(map(math.isfinite, edges)) and loose.right > loose.left and loose.top > loose.bottom:
            return edges
    edges = (left.value, bottom.value, right.value, top.value)
    return edges if has_ink and all(map(math.isfinite, edges)) else None


class _Frame:
    """From a page's own coordinates to points from the upper left corner of the page as shown: turned and cut."""

    def __init__(self, page: Any, width: float, height: float) -> None:
        from pypdfium2 import raw

        # Pdfium gives whole dots only, so a page of very many is asked for.
        dots, far = 1 << 24, 1000.0
        corners = []
        for x, y in ((0.0, 0.0), (far, 0.0), (0.0, far)):
            across, down = c_int(), c_int()
            raw.FPDF_PageToDevice(page, 0, 0, dots, dots, 0, x, y, byref(across), byref(down))
            corners.append((across.value / dots * width, down.value / dots * height))
        (self._x, self._y), (right, right_down), (up, up_down) = corners
        self._right = ((right - self._x) / far, (right_down - self._y) / far)
        self._up = ((up - self._x) / far, (up_down - self._y) / far)

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Return a rectangle of the page."""
        one, other = self._point(left, bottom), self._point(right, top)
        return Box(min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1]))

    def turn(self, text: Any, place: int) -> int:
        """Return which way a character is read, in quarter turns clockwise."""
        from pypdfium2 import raw

        matrix = raw.FS_MATRIX()
        if not raw.FPDFText_GetMatrix(text, place, byref(matrix)):
            return 0
        across = matrix.a * self._right[0] + matrix.b * self._up[0]
        down = matrix.a * self._right[1] + matrix.b * self._up[1]
        return round(math.atan2(down, across) / (math.pi / 2)) % 4

    def _point(self, x: float, y: float) -> tuple[float, float]:
        return (
            self._x + x * self._right[0] + y * self._up[0],
            self._y + x * self._right[1] + y * self._up[1],
        )
