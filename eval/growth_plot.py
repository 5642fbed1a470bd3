"""The curves of growth as one SVG file: times on the left, memory and disk on the right, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from eval.growth import Growth

WIDTH, HEIGHT = 1310, 640
# Where a panel's axes stand; on the right of each there is room for the names of its curves.
TOP, BOTTOM = 132, 548
PANEL_WIDTH, NAMES_WIDTH, LEFT, BETWEEN = 370, 190, 84, 76
LINE_HEIGHT = 17
# Two curves of one colour belong together; all can be told apart by those who see fewer colours, and in grey by dashes.
BLUE, GREEN, GREY, ORANGE, PURPLE, INK, FAINT = (
    "#0060a8", "#007a5a", "#6b7280", "#c2540a", "#8a3f8f", "#1f2937", "#e5e7eb",
)  # fmt: skip
_STYLE = """
  text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1f2937 }
  .title { font-size: 22px; font-weight: 650 }
  .subtitle { font-size: 14px; fill: #4b5563 }
  .panel { font-size: 16px; font-weight: 600 }
  .tick { font-size: 13px; fill: #4b5563; font-variant-numeric: tabular-nums }
  .axis { font-size: 13px; fill: #4b5563 }
  .name { font-size: 13.5px; font-weight: 550 }
"""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through measured points.

    Attributes:
        points: Size and cost, smallest size first, all above zero.
        dashed: The rarer case of the curve of the same colour, or its estimate from the indexes alone.
        hollow: Measured on synthetic passages.
    """

    name: str
    colour: str
    points: tuple[Point, ...]
    dashed: bool = False
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves over the same axes.

    Attributes:
        written: How a cost is written beside the axis.
    """

    title: str
    written: Callable[[float], str]
    curves: tuple[Curve, ...]


def growth_plot(growth: Growth) -> str:
    """Return the plot as SVG, with its figures as a description for those who do not see it.

    Raises:
        ValueError: Nothing was measured.
    """
    panels = [panel for panel in _panels(growth) if panel.curves]
    if not panels:
        raise ValueError("nothing was measured, so there is nothing to draw")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" aria-labelledby="what figures">',
        '<title id="what">How cost grows with the library</title>',
        f'<desc id="figures">{escape(_described(panels))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text class="title" x="{LEFT - 48}" y="44">How cost grows with the library</text>',
        f'<text class="subtitle" x="{LEFT - 48}" y="70">{escape(_subtitle(growth))}</text>',
    ]
    for number, panel in enumerate(panels):
        lines += _drawn(panel, LEFT + number * (PANEL_WIDTH + NAMES_WIDTH + BETWEEN))
    return "\n".join([*lines, "</svg>"]) + "\n"


def _panels(growth: Growth) -> Iterator[Panel]:
    real, alone = growth.grown, growth.indexes
    yield Panel("Time for one question", _time, tuple(_curves([
        Curve("answer, 95th percentile", BLUE, tuple((one.chunks, one.answer_p95_seconds) for one in real),
              dashed=True),
        Curve("answer, median", BLUE, tuple((one.chunks, one.answer_p50_seconds) for one in real)),
        Curve("passages, median", GREEN, tuple((one.chunks, one.passages_p50_seconds) for one in real)),
        Curve("embedding alone", GREY, tuple((one.chunks, one.embed_p50_seconds) for one in real)),
        Curve("indexes alone, 95th p.", ORANGE, tuple((one.passages, one.spent["whole"][1]) for one in alone),
              dashed=True, hollow=True),
        Curve("indexes alone, median", ORANGE, tuple((one.passages, one.spent["whole"][0]) for one in alone),
              hollow=True),
    ])))  # fmt: skip
    yield Panel("Memory and disk", _megabytes, tuple(_curves([
        Curve("memory, ingesting", PURPLE, tuple((one.chunks, one.ingesting_megabytes) for one in real),
              dashed=True),
        Curve("memory, answering", PURPLE, tuple((one.chunks, one.answering_megabytes) for one in real)),
        Curve("disk", GREEN, tuple((one.chunks, sum(one.disk_bytes.values()) / 2**20) for one in real)),
        Curve("memory, indexes alone", ORANGE, tuple((one.passages, one.peak_megabytes) for one in alone),
              hollow=True),
        Curve("disk, indexes alone", GREY, tuple((one.passages, sum(one.disk_bytes.values()) / 2**20) for one in alone),
              hollow=True),
    ])))  # fmt: skip


def _curves(curves: Sequence[Curve]) -> Iterator[Curve]:
    """Yield the curves that have points."""
    for curve in curves:
        if curve.points and all(size > 0 and cost > 0 for size, cost in curve.points):
            yield curve


def _subtitle(growth: Growth) -> str:
    parts = []
    if growth.grown:
        parts.append("filled: real documents, one short passage a section")
    if growth.indexes:
        parts.append("hollow: the indexes alone, synthetic vectors and passages")
    return f"{'; '.join(parts).capitalize()}. Both axes are logarithmic."


def _described(panels: Sequence[Panel]) -> str:
    return " ".join(
        f"{panel.title}: {curve.name}: "
        + ", ".join(f"{panel.written(cost)} at {size:,.0f}" for size, cost in curve.points)
        + "."
        for panel in panels
        for curve in panel.curves
    )


def _drawn(panel: Panel, left: float) -> Iterator[str]:
    points = [point for curve in panel.curves for point in curve.points]
    across = _Scale.over([size for size, _ in points], left, left + PANEL_WIDTH)
    up = _Scale.over([cost for _, cost in points], BOTTOM, TOP)
    yield f'<text class="panel" x="{left}" y="{TOP - 22}">{escape(panel.title)}</text>'
    yield from _grid(panel, across, up, left)
    for curve in panel.curves:
        yield from _line(curve, across, up)
    yield from _names(panel, across, up, left + PANEL_WIDTH)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Costs to places on the paper, by their logarithm."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> _Scale:
        """Return a scale that begins and ends a little beyond the values and spans a decade at least."""
        low, high = math.log10(min(values)), math.log10(max(values))
        missing = max(0.0, 1.0 - (high - low)) / 2
        room = 0.06 * max(1.0, high - low)
        return cls(low - missing - room, high + missing + room, start, end)

    def __call__(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> Iterator[tuple[float, bool]]:
        """Yield round values in range, each with whether it is a power of ten."""
        for power in range(math.floor(self.low), math.ceil(self.high) + 1):
            for first in (1, 2, 5):
                value = first * 10.0**power
                if self.low <= math.log10(value) <= self.high:
                    yield value, first == 1


def _grid(panel: Panel, across: _Scale, up: _Scale, left: float) -> Iterator[str]:
    right = left + PANEL_WIDTH
    # Where the axis is short, 2 and 5 are written too.
    few = up.high - up.low < 2.2
    for value, is_power in up.ticks():
        y = up(value)
        yield (f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}" stroke="{FAINT}" '
               f'stroke-width="{1.2 if is_power else 0.7}"/>')  # fmt: skip
        if is_power or few:
            yield f'<text class="tick" x="{left - 9}" y="{y + 4.5}" text-anchor="end">{panel.written(value)}</text>'
    for value, is_power in across.ticks():
        if is_power:
            x = across(value)
            yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}" stroke="{FAINT}" stroke-width="1.2"/>'
            yield f'<text class="tick" x="{x}" y="{BOTTOM + 21}" text-anchor="middle">{value:,.0f}</text>'
    yield f'<path d="M{left} {TOP}V{BOTTOM}H{right}" fill="none" stroke="#9ca3af" stroke-width="1.2"/>'
    middle = left + PANEL_WIDTH / 2
    yield f'<text class="axis" x="{middle}" y="{BOTTOM + 48}" text-anchor="middle">passages in the library</text>'


def _line(curve: Curve, across: _Scale, up: _Scale) -> Iterator[str]:
    places = [(across(size), up(cost)) for size, cost in curve.points]
    dashes = ' stroke-dasharray="6 5"' if curve.dashed else ""
    drawn = " ".join(f"{x},{y}" for x, y in places)
    yield (f'<polyline points="{drawn}" fill="none" stroke="{curve.colour}" stroke-width="2.4" '
           f'stroke-linejoin="round"{dashes}/>')  # fmt: skip
    fill = "#ffffff" if curve.hollow else curve.colour
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="4.2" fill="{fill}" stroke="{curve.colour}" stroke-width="2"/>'


def _names(panel: Panel, across: _Scale, up: _Scale, right: float) -> Iterator[str]:
    """Yield each curve's name at the height of its end, pushed apart where they would overlap."""
    ends = sorted(((up(curve.points[-1][1]), curve) for curve in panel.curves), key=lambda end: end[0])
    for y, (end, curve) in zip(apart([end for end, _ in ends], LINE_HEIGHT, TOP, BOTTOM), ends, strict=True):
        x = across(curve.points[-1][0])
        yield (f'<path d="M{x + 7} {end}L{right + 10} {y:.1f}" fill="none" stroke="{curve.colour}" '
               'stroke-width="0.8" opacity="0.55"/>')  # fmt: skip
        yield (f'<text class="name" x="{right + 14}" y="{y + 4.5:.1f}" style="fill: {curve.colour}">'
               f"{escape(curve.name)}</text>")  # fmt: skip


def apart(heights: Sequence[float], least: float, top: float, bottom: float) -> list[float]:
    """Return heights, ascending as given, moved as little as need be until neighbours are `least` apart.

    They stay between top and bottom as long as there is room for all of them.
    """
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + least) if placed else max(height, top))
    lowest = bottom
    for place in range(len(placed) - 1, -1, -1):
        placed[place] = min(placed[place], lowest)
        lowest = placed[place] - least
    return placed


def _time(seconds: float) -> str:
    """Return a time in the unit in which it is a small number."""
    return _short(seconds, "s") if seconds >= 1 else _short(seconds * 1000, "ms")


def _megabytes(count: float) -> str:
    """Return a size, given in megabytes, in the unit in which it is a small number."""
    if count >= 1:
        return _short(count / 1000, "GB") if count >= 1000 else _short(count, "MB")
    return _short(count * 1000, "kB")


def _short(value: float, unit: str) -> str:
    return f"{float(f'{value:.3g}'):g} {unit}"
