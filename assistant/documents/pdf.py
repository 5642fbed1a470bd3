"""PDF: pages to lines with pypdf; `layout` makes blocks of the lines."""

from __future__ import annotations

import io
import logging
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from assistant.documents import metadata
from assistant.documents.blocks import Parsed
from assistant.documents.hidden import HiddenWords, beginnings
from assistant.documents.layout import Cell, Line, lay_out
from assistant.documents.pdf_hidden import HiddenOnPage
from assistant.domain import Findings, Metadata
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, NoTextFound

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

logger = logging.getLogger(__name__)

# A gap of so many type sizes parts two cells; the widest gaps of justified text are below one.
_CELL_GAP = 1.6

# Between two pieces on one line, a gap of this many type sizes is a space.
_SPACE_GAP = 0.16

# A font without a table of characters gives such signs instead of letters.
_MAX_UNREADABLE_SHARE = 0.3

_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)
_EMPTY_TITLE = re.compile(
    r"(?:microsoft (?:word|powerpoint)\s*-.*|untitled.*|.*\.(?:docx?|pptx?|xlsx?|indd|pdf|tex|dvi))\Z", re.I
)


def parse(raw: bytes, document_id: str, *, max_pages: int) -> Parsed:
    """Return the blocks of a PDF; pages without text are named in a notice.

    Words that a reader would not see are found and stay in, since text recognition writes its words that way too;
    running headers, footers and page numbers are left out.

    Raises:
        DamagedFile: Truncated, broken, or without pages.
        EncryptedFile: It needs a password; one that opens with the empty password is read.
        LimitExceeded: More than `max_pages` pages, or a stream that unpacks without end.
        NoTextFound: No page has text.
    """
    from pypdf.errors import FileNotDecryptedError, LimitReachedError, PyPdfError

    try:
        reader = _open(raw, document_id)
        count = len(reader.pages)
        if count > max_pages:
            raise LimitExceeded(document_id, f"has {count} pages and the limit is {max_pages}", "Split it")
        if count == 0:
            raise DamagedFile(document_id, "has no pages", "Export or download it again")
        return _parsed(reader, document_id, count)
    except FileNotDecryptedError as error:
        raise _encrypted(document_id) from error
    except LimitReachedError as error:
        raise LimitExceeded(
            document_id,
            "unpacks to more than a PDF should, or leads its reader through a maze",
            "Print it to a new PDF, if it is an honest document",
        ) from error
    except (PyPdfError, RecursionError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise DamagedFile(
            document_id, f"is damaged: {type(error).__name__} while reading it", "Export or download it again"
        ) from error


def _open(raw: bytes, document_id: str) -> PdfReader:
    from pypdf import PasswordType, PdfReader
    from pypdf.errors import DependencyError

    try:
        reader = PdfReader(io.BytesIO(raw), strict=False)
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise _encrypted(document_id)
    except DependencyError as error:
        raise EncryptedFile(
            document_id, "is encrypted with AES", "Install the package cryptography, or save a copy without protection"
        ) from error
    return reader


def _encrypted(document_id: str) -> EncryptedFile:
    return EncryptedFile(document_id, "needs a password", "Save a copy without a password and add that")


def _parsed(reader: PdfReader, document_id: str, count: int) -> Parsed:
    from pypdf.errors import FileNotDecryptedError, LimitReachedError

    pages: list[list[Line]] = []
    hidden = HiddenWords()
    failed: list[int] = []
    last_error: Exception | None = None
    for number, page in enumerate(reader.pages, start=1):
        try:
            pages.append(_lines(page, number, hidden))
        except (FileNotDecryptedError, LimitReachedError, MemoryError):
            raise
        except Exception as error:  # one broken page must not hide the others
            logger.info("page %d of %s failed", number, document_id, exc_info=True)
            pages.append([])
            failed.append(number)
            last_error = error
    if not any(pages):
        if last_error is not None:
            raise DamagedFile(document_id, "is damaged: no page can be read", "Export it again") from last_error
        pages_in_words = "1 page" if count == 1 else f"{count} pages"
        raise NoTextFound(document_id, f"has {pages_in_words} and no text", "Run OCR on it first, and add the result")
    bare = [
        number
        for number, (page, lines) in enumerate(zip(reader.pages, pages, strict=True), start=1)
        if not lines and number not in failed and not _is_blank(page)
    ]
    laid_out = lay_out(pages)
    return Parsed(
        blocks=laid_out.blocks,
        properties=_properties(reader),
        page_count=count,
        page_labels=_labels(reader, count),
        notices=tuple(_notices(bare, failed, count)),
        findings=Findings(
            dropped=beginnings(laid_out.dropped), hidden=hidden.found(), scanned=tuple(bare), unreadable=tuple(failed)
        ),
    )


def _notices(bare: list[int], failed: list[int], count: int) -> list[str]:
    notices = []
    if bare:
        notices.append(
            f"{_pages(bare)} of {count} without text, probably scanned, cannot be searched: run OCR on the file"
        )
    if failed:
        notices.append(f"{_pages(failed)} of {count} could not be read: export the file again")
    return notices


def _pages(numbers: list[int]) -> str:
    """Name pages, runs of them as `3-5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:20])
    return f"page {named}" if len(numbers) == 1 else f"pages {named}{' and more' if len(runs) > 20 else ''}"


def _is_blank(page: PageObject) -> bool:
    """Tell a page with nothing on it, such as the back of a title page, from a scanned one."""
    try:
        contents = page.get_contents()
        return contents is None or not re.search(rb"\bDo\b|\bBI\b|\b[fSB]\*?\s", contents.get_data())
    except Exception:  # a page that cannot be judged counts as one that should be looked at
        return False


class _LineCollector:
    """Collects the pieces of text that pypdf meets on a page, and puts those of one line together."""

    def __init__(self, page: int) -> None:
        self._page = page
        self.lines: list[Line] = []
        self._fonts: dict[int, tuple[bool, Mapping[str, float]]] = {}
        self._cells: list[Cell] = []
        self._y = self._x = self._end = 0.0
        self._letters = self._bold_letters = 0
        self._sizes: list[tuple[int, float]] = []
        self._broken = False

    def visit(self, text: str, cm: Any, tm: Any, font: Any, font_size: float) -> None:
        """Take one piece of text; pypdf calls this for each."""
        x, y, scale = _place(tm, cm)
        size = abs(font_size or 1.0) * scale or 1.0
        parts = text.split("\n")
        for place, part in enumerate(parts):
            if part.strip():
                self._take(part, x, y, size, font)
            elif part and self._cells and not self._cells[-1].text.endswith(" "):
                last = self._cells[-1]
                self._cells[-1] = Cell(f"{last.text} ", last.x, last.end)
            if place < len(parts) - 1:
                self._broken = True

    def _take(self, part: str, x: float, y: float, size: float, font: Any) -> None:
        is_bold, widths = self._font(font)
        if self._broken and not self._is_same_line(x, y, size):
            self.finish()
        words = part.lstrip() if x > self._end else part
        start = max(x, self._end) if self._cells and x < self._end else x
        end = start + _width(words, widths) * size
        if not self._cells or (start - self._end > _CELL_GAP * size and x > self._x):
            self._cells.append(Cell(words.lstrip(), start, end))
        else:
            last = self._cells[-1]
            gap = " " if self._broken and start - self._end > _SPACE_GAP * size else ""
            gap = gap or (" " if part[0] == " " else "")
            gap = "" if last.text.endswith(" ") else gap
            self._cells[-1] = Cell(f"{last.text}{gap}{words.lstrip() if gap else words}", last.x, end)
        if not self._sizes:
            self._y = y
        self._x, self._end, self._broken = x, end, False
        letters = len(part.strip())
        self._letters += letters
        self._bold_letters += letters if is_bold else 0
        self._sizes.append((letters, size))

    def _is_same_line(self, x: float, y: float, size: float) -> bool:
        """Tell whether pypdf broke a line although the next piece stands right behind on the same baseline."""
        return bool(self._cells) and abs(y - self._y) < 0.15 * size and -0.3 * size < x - self._end < 40 * size

    def finish(self) -> None:
        """End the line that is being collected."""
        cells = tuple(Cell(" ".join(cell.text.split()), cell.x, cell.end) for cell in self._cells if cell.text.strip())
        if cells:
            size = max(self._sizes)[1]
            bold = self._bold_letters >= 0.9 * self._letters
            self.lines.append(Line(cells, self._page, self._y, size, bold))
        self._cells, self._sizes = [], []
        self._letters = self._bold_letters = 0
        self._end = self._x = 0.0
        self._broken = False

    def _font(self, font: Any) -> tuple[bool, Mapping[str, float]]:
        if font is None:
            return False, {}
        if id(font) not in self._fonts:
            self._fonts[id(font)] = (bool(_BOLD.search(str(font.get("/BaseFont", "")))), _letter_widths(font))
        return self._fonts[id(font)]


def _lines(page: PageObject, number: int, hidden: HiddenWords) -> list[Line]:
    """Return the lines of a page, and note the hidden words; no lines where its letters cannot be read."""
    collector, on_page = _LineCollector(number), HiddenOnPage(page)
    page.extract_text(
        visitor_text=collector.visit, visitor_operand_before=on_page.before, visitor_operand_after=on_page.after
    )
    collector.finish()
    on_page.finish(number, hidden)
    text = "".join(line.text for line in collector.lines)
    unreadable = sum(1 for character in text if unicodedata.category(character) in ("Cc", "Co", "Cn", "Cs"))
    unreadable += text.count("\ufffd")
    return [] if unreadable > _MAX_UNREADABLE_SHARE * len(text) else collector.lines


def _place(tm: Any, cm: Any) -> tuple[float, float, float]:
    """Return where a piece of text starts, along and across its direction, and the scale of its type."""
    a, b, c, d = (
        tm[0] * cm[0] + tm[1] * cm[2],
        tm[0] * cm[1] + tm[1] * cm[3],
        tm[2] * cm[0] + tm[3] * cm[2],
        tm[2] * cm[1] + tm[3] * cm[3],
    )
    x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
    y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
    length = math.hypot(a, b) or 1.0
    along, across = (a / length, b / length), (-b / length, a / length)
    return x * along[0] + y * along[1], x * across[0] + y * across[1], math.hypot(c, d)


def _letter_widths(font: Any) -> Mapping[str, float]:
    """Return the widths that a simple font states for its letters, in type sizes; none for other fonts."""
    try:
        widths, first = font.get("/Widths"), font.get("/FirstChar")
        if widths is None or first is None:
            return {}
        stated = {}
        for place, width in enumerate(widths.get_object()):
            code = int(first) + place
            if 32 <= code < 256 and float(width) > 0:
                stated[bytes([code]).decode("cp1252", errors="replace")] = float(width) / 1000
        return stated
    except (TypeError, ValueError, AttributeError, OverflowError):
        return {}


def _width(text: str, widths: Mapping[str, float]) -> float:
    """Return about how wide a text is set, in type sizes."""
    return sum(widths.get(character) or _usual_width(character) for character in text)


def _usual_width(character: str) -> float:
    """Return the width of a letter in a usual text type."""
    if character in " iljtfrI.,;:'|!()[]-":
        return 0.29
    if character in "mwMW@%":
        return 0.83
    if unicodedata.east_asian_width(character) in "WF":
        return 1.0
    return 0.66 if character.isupper() else 0.5


def _labels(reader: PdfReader, count: int) -> tuple[str, ...]:
    """Return the page numbers as printed; counted from 1 where the file's own are broken."""
    try:
        labels = tuple(reader.page_labels)
    except Exception:  # a broken label tree must not cost the document
        labels = ()
    return labels if len(labels) == count else tuple(str(number) for number in range(1, count + 1))


def _properties(reader: PdfReader) -> Metadata:
    try:
        stated = reader.metadata
        title = " ".join(str(stated.title or "").split()) if stated else ""
        language = str(reader.root_object.get("/Lang", ""))
    except Exception:  # properties are a courtesy: broken ones are left out
        return Metadata()
    return Metadata(
        title=title if len(title) > 3 and not _EMPTY_TITLE.match(title) else None,
        language=metadata.language_of(language),
    )
