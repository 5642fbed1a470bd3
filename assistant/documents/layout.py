"""Layout: lines of a PDF, with their place and type on the page, to blocks. No PDF library is needed here.

A PDF knows neither words nor paragraphs, only glyphs at places. What is guessed here: which lines are one paragraph, a
heading or a row of a table, which hyphens only stand at the end of a line, and what is printed on every page. Where a
guess is unsure, a line stays a line of its own: that costs less than two things glued together.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from assistant.documents.blocks import PAGE_BREAK, Block
from assistant.documents.plaintext import item_of

# A heading is at least so much larger than the text (less is rounding or a different font).
_LARGER = 1.12
_MAX_HEADING_WORDS = 20
# Height of a table row whose cells run over several lines, in type sizes.
_TALLEST_ROW = 10
# The same in lines.
_TALLEST_CELL = 12

# Lines of one size that stand together hold at least so many letters on average where they are text.
_LONG_RUN = 160

# Lines of one paragraph lie at most so many usual line distances apart.
_PARAGRAPH_GAP = 1.35

# Printed at the same height on this share of the pages, or on so many: a running header or footer. Left and right
# pages differ, and so do chapters.
_RUNNING_SHARE = 0.4
_RUNNING_PAGES = 5
_RUNNING_LINES = 4
_SAME_HEIGHT = 4.0
_PROSE_WORDS = 5

_LIGATURES = {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl"}
# In the usual encoding of PDF fonts, unused codes show a bullet (ISO 32000-1, annex D.2, note 3).
_UNUSED_CODES = dict.fromkeys("\x7f\x81\x8d\x8f\x90\x9d", "•")
_SIGNS = str.maketrans(_LIGATURES | _UNUSED_CODES)
_HYPHEN_AT_END = re.compile(r"([^\W\d_][\w’'-]*)([-\u2010\u00ad])\Z")
_NUMBER_AT_END = re.compile(r"\d[-\u2010]\Z")
_HYPHENATED = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)+")
_FIRST_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?:;][\"”’»)\]]*\Z")
_BULLET_ALONE = re.compile(r"[•◦▪‣·●○■\u2022\uf0b7\uf0a7-]\Z|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,5})[.)]\Z|–\Z")
_SECTION_NUMBER = re.compile(r"(?:§+\s*)?\d{1,3}(?:\.\d{1,3})*\.?\Z")
_BULLETS = re.compile(r"[\uf0b7\uf0a7▪●■○]\s*")
_PAGE_NUMBER = re.compile(r"(?:page|side|s\.|p\.)\s*\d+(?:\s*(?:of|av|/)\s*\d+)?\Z|\d+\s*(?:of|av|/)\s*\d+\Z", re.I)
_LEADERS = re.compile(r"\s*(?:\.\s?){5,}\s*")

# With these words nothing ends: no sentence, and hardly a heading or a caption.
_GOING_ON = frozenset(
    """
    a an the and or nor but of to in on at by for from with into under over between than that which whose as if
    en et ei og eller men av til i på ved for fra frå med mot under over mellom enn at som der om den det de
    """.split()
)
# "helse- og omsorg", "pre- and post-market": the hyphen stands for a part that follows later.
_SUSPENDED = {"og", "eller", "and", "or", "to", "til", "samt", "as"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of words without a wide gap in it, from `x` to `end` in points."""

    text: str
    x: float
    end: float


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line.

    Attributes:
        y: Height of its baseline above the page's lower edge, in points.
        size: Height of the type, in points.
        bold: Nearly all of it is bold.
        hangs: A bullet or number stands to the left of `x`, where the words start.
    """

    cells: tuple[Cell, ...]
    page: int
    y: float
    size: float
    bold: bool
    hangs: bool = False

    @property
    def text(self) -> str:
        """All words of the line."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def x(self) -> float:
        """Where the line starts."""
        return self.cells[0].x

    @property
    def end(self) -> float:
        """Where the line ends, as far as the widths of its letters can be guessed."""
        return max(cell.end for cell in self.cells)


@dataclass(frozen=True, slots=True)
class _Style:
    """What is usual in a document: type size, whether the text is bold, the distance of lines (in type sizes)."""

    size: float
    bold: bool
    pitch: float
    heading_levels: dict[float, int]
    hyphenated: frozenset[str]


@dataclass(frozen=True, slots=True)
class LaidOut:
    """The blocks of a document, and its running headers, footers and page numbers, each once, that are left out."""

    blocks: tuple[Block, ...]
    dropped: tuple[str, ...] = ()


def lay_out(pages: Sequence[Sequence[Line]]) -> LaidOut:
    """Make blocks of a document, given the lines of each page in reading order.

    Where nothing but headers and footers would be found, they are the text.
    """
    cleaned = [[_with_plain_signs(line) for line in page] for page in pages]
    apart = [_columns_apart(page) for page in cleaned]
    kept = _without_running_lines(apart)
    lines = [line for page in kept for line in page]
    dropped: dict[str, str] = {}
    for page, rest in zip(apart, kept, strict=True):
        if lines and len(rest) < len(page):
            left = {id(line) for line in rest}
            for line in page:
                if id(line) not in left:
                    dropped.setdefault(_running_key(line), line.text)
    if not lines:
        lines = [line for page in cleaned for line in page]
    return LaidOut(tuple(_Composer(_style_of(lines)).compose(lines)), tuple(dropped.values()))


def _with_plain_signs(line: Line) -> Line:
    cells = tuple(replace(cell, text=_BULLETS.sub("• ", cell.text.translate(_SIGNS))) for cell in line.cells)
    return replace(line, cells=cells)


def _columns_apart(lines: list[Line]) -> list[Line]:
    """Put the left column before the right one on a page that was written line by line across both."""
    starts = Counter(round(line.cells[1].x / 6) for line in lines if len(line.cells) == 2)
    if not starts:
        return lines
    start, count = starts.most_common(1)[0]
    pairs = [line for line in lines if len(line.cells) == 2 and abs(round(line.cells[1].x / 6) - start) <= 1]
    words = [len(cell.text.split()) for line in pairs for cell in line.cells]
    if count < 8 or len(pairs) < 0.6 * len(lines) or sum(words) < 4 * len(words):
        return lines
    split = min(line.cells[1].x for line in pairs) - 3
    halves: dict[bool, list[Line]] = {False: [], True: []}
    for line in lines:
        for is_right in (False, True):
            cells = tuple(cell for cell in line.cells if (cell.x >= split) == is_right)
            if cells:
                halves[is_right].append(replace(line, cells=cells))
    return halves[False] + halves[True]


def _without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Drop headers, footers and page numbers: lines that stand at the same height on many pages, digits aside."""
    places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    edges = [_edge_lines(page) for page in pages]
    for number, edge in enumerate(edges):
        for line in edge:
            places[_running_key(line)].append((number, line.y))
    with_text = sum(1 for page in pages if page)
    needed = min(_RUNNING_PAGES, max(3, _RUNNING_SHARE * with_text))
    kept: list[list[Line]] = []
    table_heads: set[str] = set()
    for page, edge in zip(pages, edges, strict=True):
        rest: list[Line] = []
        for line in page:
            key = _running_key(line)
            near = {number for number, y in places.get(key, ()) if abs(y - line.y) <= _SAME_HEIGHT}
            is_running = any(line is each for each in edge) and len(near) >= needed
            # The head of a table that goes on over many pages stays once.
            is_table_head = len(line.cells) >= 3 and "#" not in key and key not in table_heads
            if is_table_head:
                table_heads.add(key)
            if (is_running and not is_table_head) or (with_text > 1 and line in edge and _is_page_number(line)):
                continue
            rest.append(line)
        kept.append(rest or _own_lines(page, pages))
    return kept


def _own_lines(page: Sequence[Line], pages: Sequence[Sequence[Line]]) -> list[Line]:
    """Return what is kept of a page that would lose all its lines: those that no other page has, where they are prose.

    Sentences that differ in their numbers alone look like headers with page numbers; but a header is no sentence.
    """
    counts = Counter(line.text for each in pages for line in each)
    own = [line for line in page if counts[line.text] == 1 and not _is_page_number(line)]
    is_prose = any(len(line.text.split()) >= _PROSE_WORDS and _SENTENCE_END.search(line.text) for line in own)
    return own if is_prose else []


def _edge_lines(page: Sequence[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: line.y)
    return by_height[:_RUNNING_LINES] + by_height[_RUNNING_LINES:][-_RUNNING_LINES:]


def _running_key(line: Line) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", " ".join(line.text.lower().split()))


def _is_page_number(line: Line) -> bool:
    return bool(_PAGE_NUMBER.match(line.text.strip(" -–|")))


def _style_of(lines: Sequence[Line]) -> _Style:
    letters: Counter[float] = Counter()
    for line in lines:
        letters[_rounded(line.size)] += len(line.text)
    size = letters.most_common(1)[0][0] if letters else 10.0
    bold = sum(len(line.text) for line in lines if line.bold)
    running_text = _text_sizes(lines, letters)
    larger = sorted({each for each in letters if each > size * _LARGER} - running_text, reverse=True)
    return _Style(
        size,
        bold > 0.5 * letters.total(),
        _pitch(lines, size),
        {each: min(5, place) for place, each in enumerate(larger, start=1)},
        frozenset(found.lower() for line in lines for found in _HYPHENATED.findall(line.text)),
    )


def _text_sizes(lines: Sequence[Line], letters: Counter[float]) -> set[float]:
    """Return the type sizes in which text is set, not headings: much of it, or in long runs of lines."""
    runs: Counter[float] = Counter()
    before: Line | None = None
    for line in lines:
        is_same_run = before is not None and _rounded(before.size) == _rounded(line.size) and before.y > line.y
        if not is_same_run or before is None or before.y - line.y > 2.2 * line.size:
            runs[_rounded(line.size)] += 1
        before = line
    total = letters.total()
    return {size for size, count in letters.items() if count > 0.2 * total or count > _LONG_RUN * runs[size]}


def _pitch(lines: Sequence[Line], size: float) -> float:
    """Return the usual distance of two lines of text, in type sizes."""
    distances = Counter(
        round((above.y - below.y) / size, 1)
        for above, below in pairwise(lines)
        if above.page == below.page
        and _rounded(above.size) == _rounded(below.size) == size
        and 0.8 * size < above.y - below.y < 2.6 * size
    )
    return distances.most_common(1)[0][0] if distances else 1.2


def _rounded(size: float) -> float:
    return round(size * 2) / 2


class _Composer:
    """Puts lines together, block by block."""

    def __init__(self, style: _Style) -> None:
        self._style = style
        self._open: list[Line] = []  # the lines of the paragraph, item or heading that may go on
        self._kind = "paragraph"
        self._row: list[tuple[float, str]] = []  # the cells of the row that may go on: start and words
        self._row_line: Line | None = None  # its line that was added last
        self._row_edges = (0.0, 0.0)  # where its first line and its lowest line stand
        self._row_starts = True
        self._columns: list[float] = []
        self._on_page: defaultdict[int, list[Line]] = defaultdict(list)

    def compose(self, lines: Sequence[Line]) -> Iterator[Block]:
        """Yield the blocks of the lines."""
        for line in lines:
            self._on_page[line.page].append(line)
        place = 0
        while place < len(lines):
            line = _marker_joined(lines[place])
            place += 1
            level = self._heading_level(line)
            if self._continues_row(line) or self._stands_beside_row(line):
                continue
            if count := self._first_cell(lines, place - 1):
                cell, beside = lines[place - 1 : place - 1 + count], lines[place - 1 + count]
                yield from self._close_row()
                self._open_row(replace(beside, cells=(self._cell(cell), *beside.cells)), starts_table=False)
                place += count
                continue
            if level or len(line.cells) == 1:
                yield from self._close_row()
                kind = f"heading {level}" if level else "item" if item_of(line.text) else "paragraph"
                if not self._continues(line, kind):
                    yield from self._close()
                    self._kind = kind
                self._open.append(line)
            else:
                yield from self._close()
                yield from self._start_row(line)
        yield from self._close()
        yield from self._close_row()

    def _heading_level(self, line: Line) -> int:
        text = line.text
        is_larger = _rounded(line.size) in self._style.heading_levels
        if not (is_larger or (line.bold and not self._style.bold)):
            return 0
        words = len(text.split())
        if words > _MAX_HEADING_WORDS or not re.search(r"[^\W\d_]{2}", text) or text.endswith((",", ";")):
            return 0
        if text[0] in "•◦-–" or (len(line.cells) > 1 and not _SECTION_NUMBER.match(line.cells[0].text)):
            return 0
        if not is_larger and ((text.endswith(".") and words > 6) or line.size < self._style.size * 0.9):
            return 0
        lowest = max(self._style.heading_levels.values(), default=0) + 1
        return self._style.heading_levels.get(_rounded(line.size), lowest) if is_larger else min(6, lowest)

    def _continues(self, line: Line, kind: str) -> bool:
        """Tell whether a line goes on with the block that is open."""
        if not self._open:
            return False
        last = self._open[-1]
        if self._kind.startswith("heading"):
            return self._continues_heading(last, line)
        if kind != "paragraph" or abs(line.size - last.size) > 0.15 * last.size:
            return False
        if last.page != line.page or line.y > last.y + last.size:
            return self._goes_on_elsewhere(last, line)
        if not self._is_next_line(last, line):
            return False
        if self._is_under_item(line):
            return True
        return not (self._had_room(last, line) and _may_be_new(last, line)) and not self._is_indented(line)

    def _is_under_item(self, line: Line) -> bool:
        """Tell whether a line stands right below the words of a list item, clear of its mark."""
        first = self._open[0]
        set_in = line.x - first.x
        return self._kind == "item" and (abs(set_in) < 0.6 * line.size if first.hangs else 0.6 < set_in / line.size < 4)

    def _goes_on_elsewhere(self, last: Line, line: Line) -> bool:
        """Tell whether a paragraph goes on in the next column or on the next page."""
        if _SENTENCE_END.search(last.text):
            return False
        if line.text[:1].islower():
            return True
        # A single line may as well be a caption; but not one that ends with `of`.
        return (len(self._open) > 1 or _is_unfinished(last.text)) and not self._had_room(last, line)

    def _continues_heading(self, last: Line, line: Line) -> bool:
        words = sum(len(each.text.split()) for each in self._open) + len(line.text.split())
        is_alike = _rounded(last.size) == _rounded(line.size) and last.bold == line.bold
        return is_alike and words <= _MAX_HEADING_WORDS + 5 and self._is_next_line(last, line)

    def _is_next_line(self, last: Line, line: Line) -> bool:
        distance = last.y - line.y
        return last.page == line.page and -0.3 * last.size < distance <= max(
            self._style.pitch * _PARAGRAPH_GAP * last.size, 1.0
        )

    def _had_room(self, last: Line, line: Line) -> bool:
        """Tell whether the first word of a line would have had room at the end of the one above it."""
        words = line.text.split(maxsplit=2)
        first = words[0] if words[0].strip("§") else " ".join(words[:2])
        return self._column_edge(last) - last.end > (len(first) + 1) * 0.55 * last.size

    def _column_edge(self, line: Line) -> float:
        """Return where the lines end that start about where this one does."""
        return max(each.end for each in self._on_page[line.page] if abs(each.x - line.x) < 4 * line.size)

    def _is_indented(self, line: Line) -> bool:
        """Tell whether a line is set in from a paragraph's lines above it: the first line of the next one."""
        if self._kind == "item" or len(self._open) < 2:
            return False
        left = min(each.x for each in self._open[1:])
        return line.x > left + 0.8 * line.size and bool(_SENTENCE_END.search(self._open[-1].text))

    def _close(self) -> Iterator[Block]:
        lines, self._open = self._open, []
        if not lines:
            return
        text = joined([line.text for line in lines], [line.page for line in lines], self._style.hyphenated)
        page = lines[0].page
        if self._kind.startswith("heading"):
            yield Block("heading", text, level=int(self._kind.split()[1]), page=page)
        elif self._kind == "item" and (item := item_of(text)) is not None:
            yield replace(item, page=page)
        else:
            yield Block("paragraph", text, page=page)

    def _start_row(self, line: Line) -> Iterator[Block]:
        """Close the row above and open the next one; cells stand in the columns of the table so far."""
        above = self._row_line
        is_same_table = above is not None and self._is_same_table(replace(above, y=self._row_edges[1]), line)
        yield from self._close_row()
        if not is_same_table:
            self._columns = []
        self._open_row(line, starts_table=not is_same_table)

    def _open_row(self, line: Line, *, starts_table: bool) -> None:
        self._row_starts = starts_table
        self._row = [(cell.x, cell.text) for cell in line.cells]
        self._columns = self._columns or [cell.x for cell in line.cells]
        lead = sum(1 for column in self._columns if column < line.x - line.size)
        if 0 < lead < len(self._columns) and lead + len(line.cells) <= len(self._columns):
            self._row = [(column, "") for column in self._columns[:lead]] + self._row
        self._row_line = line
        self._row_edges = (line.y, line.y)

    def _stands_beside_row(self, line: Line) -> bool:
        """Add cells to the open row that stand beside its first line, right of those that are known.

        A table is often written cell by cell: after a cell of several lines the next one begins above its last line.
        """
        above = self._row_line
        if above is None or not self._is_beside(above, self._row_edges[0], line):
            return False
        if line.x <= max(x for x, _ in self._row) + line.size:
            return False
        self._row += [(cell.x, cell.text) for cell in line.cells]
        if len(self._row) > len(self._columns):
            self._columns = [x for x, _ in self._row]
        self._row_line = line
        return True

    def _first_cell(self, lines: Sequence[Line], place: int) -> int:
        """Return how many lines from a place are the first cell of the table's next row, whose others stand beside it.

        0 where they are no such cell: where nothing stands beside the first of them, in the columns of the table.
        """
        first, above = lines[place], self._row_line
        if above is None or len(first.cells) > 1 or first.page != above.page or not self._is_in(first, [0]):
            return 0
        if not 0 < self._row_edges[1] - first.y < _TALLEST_ROW * first.size:
            return 0
        last = first
        for count, line in enumerate(lines[place + 1 : place + 1 + _TALLEST_CELL], start=1):
            if self._is_beside(first, first.y, line) and line.x > first.x + line.size:
                return count if self._is_in(line, range(1, len(self._columns))) else 0
            is_below = abs(line.x - first.x) <= 0.5 * line.size and last.y > line.y and self._is_near(last, line)
            if not is_below or len(line.cells) > 1:
                return 0
            last = line
        return 0

    def _cell(self, lines: Sequence[Line]) -> Cell:
        words = joined([line.text for line in lines], [line.page for line in lines], self._style.hyphenated)
        return Cell(words, lines[0].x, max(line.end for line in lines))

    def _is_in(self, line: Line, columns: Iterable[int]) -> bool:
        """Tell whether each cell of a line starts where one of these columns does."""
        starts = [self._columns[column] for column in columns]
        return all(any(abs(cell.x - start) <= 0.5 * line.size for start in starts) for cell in line.cells)

    def _is_beside(self, first: Line, y: float, line: Line) -> bool:
        return first.page == line.page and abs(line.y - y) <= 0.15 * line.size and 0.85 < line.size / first.size < 1.15

    def _continues_row(self, line: Line) -> bool:
        """Add a line to a cell of the open row, where it stands right below that cell."""
        above = self._row_line
        if above is None or len(line.cells) != 1 or not self._row or not self._is_near(above, line):
            return False
        if abs(line.size - above.size) > 0.15 * above.size or line.bold != above.bold:
            return False
        for place, (x, text) in enumerate(self._row):
            if place > 0 and abs(x - line.x) <= 0.5 * line.size:
                pages = [above.page, line.page]
                words = joined([text, line.text], [pages[0], pages[0]], self._style.hyphenated)
                self._row[place] = (x, words)
                self._row_line = replace(above, y=line.y)
                self._row_edges = (self._row_edges[0], min(self._row_edges[1], line.y))
                return True
        return False

    def _is_near(self, above: Line, line: Line) -> bool:
        return above.page == line.page and -0.3 * line.size < above.y - line.y < 2.2 * max(line.size, above.size)

    def _is_same_table(self, above: Line, line: Line) -> bool:
        """Tell whether a row goes on with the table above it: near, or further down in two or more of its columns."""
        in_columns = sum(any(abs(cell.x - x) <= 0.5 * line.size for x in self._columns) for cell in line.cells)
        is_below = above.page == line.page and 0 < above.y - line.y < _TALLEST_ROW * line.size
        return self._is_near(above, line) or (is_below and in_columns >= 2)

    def _close_row(self) -> Iterator[Block]:
        row, line = self._row, self._row_line
        self._row, self._row_line = [], None
        if line is not None:
            text = "\t".join(text.replace("\t", " ") for _, text in row)
            yield Block("row", text, page=line.page, starts_group=self._row_starts)


def _marker_joined(line: Line) -> Line:
    """Take a bullet or number that stands apart from its words as the start of them; leader dots part two cells."""
    if _LEADERS.search(line.text):
        return replace(line, cells=tuple(_without_leaders(line)))
    if len(line.cells) > 1 and (_BULLET_ALONE.match(line.cells[0].text)):
        first, second, *rest = line.cells
        bullet = "•" if first.text in "-–" else first.text
        return replace(line, cells=(Cell(f"{bullet} {second.text}", second.x, second.end), *rest), hangs=True)
    return line


def _without_leaders(line: Line) -> Iterator[Cell]:
    words = [part for part in _LEADERS.split(line.text) if part] or ["."]
    step = (line.end - line.x) / len(words)
    for place, part in enumerate(words):
        yield Cell(part, line.x + place * step, line.x + (place + 1) * step)


def _may_be_new(last: Line, line: Line) -> bool:
    """Tell by the words whether a new paragraph may start: the one before is finished, or this starts afresh.

    A figure or a bracket right below prose belongs to it: writers tie `in 2024` and `18 percent` together.
    """
    if _SENTENCE_END.search(last.text):
        return True
    if line.text[:1].islower() or _is_unfinished(last.text):
        return False
    is_below = abs(line.x - last.x) < 0.6 * line.size and len(last.text.split()) >= _PROSE_WORDS
    return not (is_below and (line.text[:1].isdigit() or line.text[:1] == "("))


def _is_unfinished(last: str) -> bool:
    # As written: `Class I` and `Part A` end where they end.
    return last.split()[-1] in _GOING_ON


def joined(lines: Sequence[str], pages: Sequence[int], hyphenated: Iterable[str]) -> str:
    """Join the lines of a paragraph, mending words that were parted at a line's end.

    Args:
        pages: The page of each line; a page break is kept as a form feed in front of the first word.
        hyphenated: Words that are written with a hyphen elsewhere in the document, in lower case.
    """
    known = hyphenated if isinstance(hyphenated, frozenset) else frozenset(hyphenated)
    text = ""
    page = pages[0] if pages else 0
    for line, line_page in zip(lines, pages, strict=True):
        breaks, page = PAGE_BREAK * (line_page - page), line_page
        if not text:
            text = line
            continue
        head, gap = _mended(text, line, known)
        text = f"{head}{gap}{breaks}{line}"
    return text


def _mended(text: str, line: str, hyphenated: frozenset[str]) -> tuple[str, str]:
    """Return the text without a hyphen that only the line end put there, and what parts it from the next line."""
    end = _HYPHEN_AT_END.search(text)
    first = _FIRST_WORD.match(line)
    first_word = first[0].lower() if first else ""
    if not end and _NUMBER_AT_END.search(text) and line[:1].isalnum() and first_word not in _SUSPENDED:
        return text, ""
    if not end or not first:
        return text, ("" if end and line[:1].isdigit() else " ")
    if first_word in _SUSPENDED and end[2] != "\u00ad":
        return text, " "
    whole = f"{end[1]}-{first[0]}".lower()
    if end[2] == "\u00ad":
        return text[:-1], ""
    if not line[0].islower() or "-" in end[1] or whole in hyphenated:
        return text, ""
    return text[:-1], ""
