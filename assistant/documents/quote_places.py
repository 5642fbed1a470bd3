"""Where on a page a quote stands: pure geometry and letters, without a PDF library.

The stored text and the letters of the page come from two readers, so they agree on the words and on little else:
spaces, line ends, hyphens at line ends, ligatures, marks of lists and the order of columns and cells may differ. Both
are brought to bare letters first. Where the same words stand more than once, the neighbourhood in the stored text
decides. Law: a place that cannot be told safely is no place at all, since a wrong mark is worse than none.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

# How many bare letters on either side are compared where words stand more than once.
_NEIGHBOURHOOD = 4000
# The best place must share so many more letters with the neighbourhood than the next best.
_MARGIN = 6
# Fewer letters than this may stand anywhere, for instance in a running header that is not stored.
_TELLING = 20
# In heights of the letters: a wider gap parts two cells or columns.
_WIDE_GAP = 1.6
# Bounds of the search that puts a quote together from pieces.
_MOST_STEPS = 20_000
_MOST_WAYS = 5000
_DEAREST = 40

_QUOTATION_MARKS = {ord(mark): "'" for mark in '"`´‘’‚‛“”„‟«»‹›′″'}
# In a table of contents, from a title to its page; the stored text has a tab there.
_LEADER = re.compile(r"\.{4,}")
# What draws the dot or dash of a list item; the stored text has a dash of its own.
_LIST_MARKS = frozenset("•‣◦▪▫■□●○◆◇▸►➢✓✔·∙⁃−")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, measured from the page's upper left corner as the page is shown."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Half way down."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class Letter:
    """One character as it stands on the page.

    Attributes:
        box: In points.
        turn: Which way it is read, in quarter turns clockwise: 0 to the right, 1 downwards, 2 to the left, 3 upwards.
    """

    character: str
    box: Box
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a quote that stands on one page: `text[start:end]` of that page's stored text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Letters that follow one another on one line without a wide gap; `first` to `end` in the page's order."""

    first: int
    end: int
    box: Box
    turn: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Places of letters that spell the quote, in its order, and how much of its neighbourhood stands around them."""

    letters: tuple[int, ...]
    shared: int


def boxes_of_quote(letters: Sequence[Letter], passage: Passage) -> tuple[Box, ...]:
    """Return where the quote stands, one box for each line or cell in reading order, in points.

    Empty where the words are not on the page, or stand there more than once and nothing tells which are meant.
    """
    quote = bare(passage.text[passage.start : passage.end])
    page = _Page(letters)
    if not quote or not page.places:
        return ()
    before, after = bare(passage.text[: passage.start]), bare(passage.text[passage.end :])
    candidates = page.find(quote, before, after) or page.find_in_pieces(quote, before, after)
    doubtful = len(quote) < _TELLING or _count(before + quote + after, quote) > 1
    needed = min(_MARGIN, len(before) + len(after)) if doubtful else 0
    chosen = _decide(candidates, needed)
    return tuple(page.boxes(chosen)) if chosen else ()


def bare(text: str) -> str:
    """Return what both readers agree on: letters, digits and signs without spaces, accents, hyphens or list marks."""
    return _LEADER.sub("", "".join(map(_bare_character, text)))


def _between_leaders(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of what lies between rows of dots."""
    start = 0
    for leader in _LEADER.finditer(text):
        yield start, leader.start()
        start = leader.end()
    yield start, len(text)


@lru_cache(maxsize=4096)
def _bare_character(character: str) -> str:
    """Return what is left of one character; ligatures become their letters."""
    if character in _LIST_MARKS:
        return ""
    plain = unicodedata.normalize("NFKD", character.translate(_QUOTATION_MARKS))
    return "".join(each for each in plain if not each.isspace() and unicodedata.category(each) not in _DROPPED)


# Accents, all kinds of dashes, controls, invisible signs, private and lone characters.
_DROPPED = frozenset({"Mn", "Pd", "Cc", "Cf", "Co", "Cs", "Cn"})


def _decide(candidates: Sequence[_Place], needed: int) -> tuple[int, ...] | None:
    """Return the letters of the one place that is safe, or None.

    Args:
        needed: How much of its neighbourhood a place must share even where it is the only one.
    """
    if not candidates:
        return None
    best, *others = sorted(candidates, key=lambda place: -place.shared)
    if others:
        needed = others[0].shared + _MARGIN
    return best.letters if best.shared >= needed else None


def _count(text: str, words: str) -> int:
    """Return how many times words stand in a text; places may overlap."""
    return sum(1 for _ in _occurrences(text, words))


def _occurrences(text: str, words: str) -> Iterator[int]:
    """Yield each place at which words stand in a text."""
    place = text.find(words)
    while place >= 0:
        yield place
        place = text.find(words, place + 1)


class _Page:
    """The letters of a page in two orders: as written in the file, and row by row."""

    def __init__(self, letters: Sequence[Letter]) -> None:
        self._letters = letters
        places = [place for place, letter in enumerate(letters) for _ in _bare_character(letter.character)]
        text = "".join(_bare_character(letter.character) for letter in letters)
        kept = [place for start, end in _between_leaders(text) for place in range(start, end)]
        # One entry for each bare letter: the place of its letter on the page (a ligature gives two).
        self.places = [places[place] for place in kept]
        self._text = "".join(text[place] for place in kept)
        self._runs = list(self._read_runs())
        self._rows = self._read_rows()
        # Of each run: its row, and its place in it.
        self._seats = {number: (row, seat) for row, runs in enumerate(self._rows) for seat, number in enumerate(runs)}

    def find(self, quote: str, before: str, after: str) -> list[_Place]:
        """Return the places at which the quote stands in one piece, in either order."""
        found: dict[tuple[int, ...], _Place] = {}
        for order in (range(len(self._text)), self._by_rows()):
            text = "".join(self._text[place] for place in order)
            for start in _occurrences(text, quote):
                end = start + len(quote)
                shared = _shared_end(text[:start], before) + _shared_start(text[end : end + _NEIGHBOURHOOD], after)
                letters = tuple(dict.fromkeys(self.places[place] for place in order[start:end]))
                key = tuple(sorted(letters))
                if key not in found or found[key].shared < shared:
                    found[key] = _Place(letters, shared)
        return list(found.values())

    def find_in_pieces(self, quote: str, before: str, after: str) -> list[_Place]:
        """Return the best ways to put the quote together from pieces that end where lines or cells end.

        A piece may be followed by any other, but what lies next on the line or below is cheaper than what lies
        elsewhere. Only the cheapest ways are returned, with those that cost nearly the same; none where the search
        grows too long to be sure.
        """
        starts: defaultdict[str, list[int]] = defaultdict(list)
        for number, run in enumerate(self._runs):
            starts[self._text[run.first]].append(number)
        queue = list(self._beginnings(quote))
        heapq.heapify(queue)
        found: dict[tuple[int, ...], _Place] = {}
        cheapest = _DEAREST
        for _ in range(_MOST_STEPS):
            if not queue or queue[0][0] > cheapest:
                return list(found.values())
            if len(queue) > _MOST_WAYS:
                break
            cost, done, path = heapq.heappop(queue)
            if done == len(quote):
                cheapest = min(cheapest, cost + 1)
                place = self._put_together(path, before, after)
                found.setdefault(tuple(sorted(place.letters)), place)
                continue
            last, used = path[-1][0], {piece[0] for piece in path}
            for number in starts[quote[done]]:
                length = self._reach(number, self._runs[number].first, quote, done)
                if length and number not in used:
                    piece = (number, self._runs[number].first, self._runs[number].first + length)
                    heapq.heappush(queue, (cost + self._jump(last, number), done + length, (*path, piece)))
        return []

    def boxes(self, letters: Sequence[int]) -> Iterator[Box]:
        """Yield one box for each line or cell that letters stand in, in their order."""
        line: Box | None = None
        turn = 0
        for place in letters:
            letter = self._letters[place]
            upright = _turned(letter.box, letter.turn)
            if line is not None and letter.turn == turn and _goes_on(line, upright):
                line = _around(line, upright)
                continue
            if line is not None:
                yield _turned(line, -turn)
            line, turn = upright, letter.turn
        if line is not None:
            yield _turned(line, -turn)

    def _read_runs(self) -> Iterator[_Run]:
        """Yield the runs of bare letters, in the order of the file."""
        first = 0
        box: Box | None = None
        turn = 0
        for place, at in enumerate(self.places):
            letter = self._letters[at]
            upright = _turned(letter.box, letter.turn)
            if box is not None and letter.turn == turn and _goes_on(box, upright):
                box = _around(box, upright)
                continue
            if box is not None:
                yield _Run(first, place, box, turn)
            first, box, turn = place, upright, letter.turn
        if box is not None:
            yield _Run(first, len(self.places), box, turn)

    def _read_rows(self) -> list[list[int]]:
        """Return the numbers of the runs row by row from the top, each row from its beginning."""
        runs = self._runs
        rows: list[list[int]] = []
        for number in sorted(range(len(runs)), key=lambda each: (runs[each].turn, runs[each].box.middle)):
            head = runs[rows[-1][0]] if rows else None
            if head is not None and head.turn == runs[number].turn and _is_same_row(head.box, runs[number].box):
                rows[-1].append(number)
            else:
                rows.append([number])
        return [sorted(row, key=lambda each: runs[each].box.left) for row in rows]

    def _by_rows(self) -> list[int]:
        """Return the bare letters row by row, whatever the file's order."""
        runs = (self._runs[number] for row in self._rows for number in row)
        return [place for run in runs for place in range(run.first, run.end)]

    def _beginnings(self, quote: str) -> Iterator[tuple[int, int, tuple[tuple[int, int, int], ...]]]:
        """Yield each way to begin the quote: cost, letters covered, and the piece as (run, first letter, end)."""
        for number, run in enumerate(self._runs):
            for place in range(run.first, run.end):
                length = self._reach(number, place, quote, 0)
                if length:
                    yield 0, length, ((number, place, place + length),)

    def _reach(self, number: int, place: int, quote: str, done: int) -> int:
        """Return how many letters a piece covers that begins at a place of a run: to the end of either, or none."""
        length = min(self._runs[number].end - place, len(quote) - done)
        return length if self._text.startswith(quote[done : done + length], place) else 0

    def _jump(self, one: int, other: int) -> int:
        """Return what it costs to go on from the end of one run at the start of another."""
        if other == one + 1:
            return 0
        here, there = self._runs[one], self._runs[other]
        if here.turn != there.turn:
            return 12
        (row, seat), (other_row, other_seat) = self._seats[one], self._seats[other]
        if row == other_row and other_seat > seat:
            return other_seat - seat
        overlap = min(here.box.right, there.box.right) - max(here.box.left, there.box.left)
        gap = (there.box.top - here.box.bottom) / (here.box.height or 1.0)
        return 1 if overlap > 0 and -0.6 < gap < 1.5 else 6

    def _put_together(self, path: Sequence[tuple[int, int, int]], before: str, after: str) -> _Place:
        """Return the letters of a path through runs, with how much of the neighbourhood stands around it."""
        covered = [place for _, start, end in path for place in range(start, end)]
        end = path[-1][2]
        shared = _shared_end(self._text[: path[0][1]], before)
        shared += _shared_start(self._text[end : end + _NEIGHBOURHOOD], after)
        return _Place(tuple(dict.fromkeys(self.places[place] for place in covered)), shared)


def _shared_start(one: str, other: str) -> int:
    """Return how many letters two texts begin with together."""
    shared = 0
    for left, right in zip(one[:_NEIGHBOURHOOD], other, strict=False):
        if left != right:
            break
        shared += 1
    return shared


def _shared_end(one: str, other: str) -> int:
    """Return how many letters two texts end with together."""
    return _shared_start(one[: -_NEIGHBOURHOOD - 1 : -1], other[::-1])


def _turned(box: Box, turn: int) -> Box:
    """Return a box as it lies when a page is turned so that letters of this turn are read to the right."""
    match turn % 4:
        case 1:
            return Box(box.top, -box.right, box.bottom, -box.left)
        case 2:
            return Box(-box.right, -box.bottom, -box.left, -box.top)
        case 3:
            return Box(-box.bottom, box.left, -box.top, box.right)
        case _:
            return box


def _around(one: Box, other: Box) -> Box:
    """Return the smallest box that holds both."""
    return Box(
        min(one.left, other.left), min(one.top, other.top), max(one.right, other.right), max(one.bottom, other.bottom)
    )


def _is_same_row(one: Box, other: Box) -> bool:
    """Tell whether two boxes stand on one line: at least half of the lower one lies beside the other."""
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    return overlap > 0.5 * min(one.height, other.height)


def _goes_on(line: Box, letter: Box) -> bool:
    """Tell whether a letter follows on a line: right behind it, or right before it where a script runs to the left."""
    height = max(line.height, letter.height)
    behind, before = letter.left - line.right, line.left - letter.right
    is_near = -0.5 * height < behind < _WIDE_GAP * height or -0.5 * height < before < 0.5 * height
    return is_near and _is_same_row(line, letter)


def clipped(boxes: Iterable[Box], width: float, height: float) -> tuple[Box, ...] | None:
    """Return boxes as parts of a page of that size, from 0 to 1; None where one lies mostly outside it."""
    shares = []
    for box in boxes:
        across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        if not (0 <= across <= width and 0 <= down <= height):
            return None
        left, right = max(0.0, box.left / width), min(1.0, box.right / width)
        shares.append(Box(left, max(0.0, box.top / height), right, min(1.0, box.bottom / height)))
    return tuple(shares)
