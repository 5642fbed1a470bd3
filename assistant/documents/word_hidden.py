"""Words of a Word document that a reader does not see: hidden letters, white on white, type too small to read.

Colours are compared only where the ground behind the words is stated plainly; in text boxes and under the patterns of
a table's style it is not, and the words count as visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.documents.hidden import WHITE, Colour, HiddenKind, HiddenWords, are_alike, colour_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

# In half points: type of one point and less.
_TINY = 2
_OFF = ("0", "false", "off")
# Styles of tables that colour no cell.
_PLAIN_TABLES = frozenset({"TableNormal", "TableGrid", "Tabellrutenett", "Vanligtabell"})


@dataclass(frozen=True, slots=True)
class _Look:
    """How letters are set, as far as it is stated; None where it is not."""

    vanish: bool | None = None
    colour: str | None = None
    half_points: int | None = None
    shading: Any = None
    highlight: str | None = None

    def over(self, below: _Look) -> _Look:
        """Return this look where it states something, and the one below it otherwise."""
        return _Look(
            below.vanish if self.vanish is None else self.vanish,
            self.colour or below.colour,
            self.half_points or below.half_points,
            below.shading if self.shading is None else self.shading,
            self.highlight or below.highlight,
        )


class HiddenRuns:
    """Judges the runs of one document, in order."""

    def __init__(self, document: Any, styles: Mapping[str | None, Any], hidden: HiddenWords) -> None:
        """Take a document of python-docx and its styles by id."""
        self._styles = styles
        self._hidden = hidden
        self._page = _page_colour(document)
        defaults = document.styles.element.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr")
        self._defaults = _look(defaults)
        self._normal = next((key for key, style in styles.items() if _is_default_paragraph(style)), None)
        self._known: dict[tuple[str | None, str | None], _Look] = {}
        self._last: tuple[Any, HiddenKind | None] = (None, None)

    def takes_out(self, run: Any, paragraph: Any) -> bool:
        """Note what a run hides, and tell whether the format says not to show it."""
        words = "".join(text.text or "" for text in run.findall(f"{_W}t"))
        kind = self._kind(run, paragraph) if words.strip() else None
        if kind is not None:
            self._hidden.add(kind, words, gap="" if self._last == (paragraph, kind) else None)
        if words.strip():
            self._last = (paragraph, kind)
        return kind == "not_shown"

    def _kind(self, run: Any, paragraph: Any) -> HiddenKind | None:
        look = self._look_of(run, paragraph)
        if look.vanish:
            return "not_shown"
        if look.half_points is not None and look.half_points <= _TINY:
            return "tiny"
        colour = colour_of(look.colour)
        if colour is None:
            return None
        ground = self._ground(look, paragraph)
        return "same_colour" if ground is not None and are_alike(colour, ground) else None

    def _look_of(self, run: Any, paragraph: Any) -> _Look:
        properties = run.find(f"{_W}rPr")
        key = (_style_id(paragraph, "pPr", "pStyle"), _style_id(run, "rPr", "rStyle"))
        if key not in self._known:
            look = self._defaults
            for style_id in (key[0] or self._normal, key[1]):
                for style in reversed(list(self._chain(style_id))):
                    look = _look(style.find(f"{_W}rPr")).over(look)
            self._known[key] = look
        return _look(properties).over(self._known[key]) if properties is not None else self._known[key]

    def _chain(self, style_id: str | None) -> Iterator[Any]:
        seen: set[str] = set()
        while style_id and style_id not in seen and style_id in self._styles:
            seen.add(style_id)
            style = self._styles[style_id]
            yield style
            base = style.find(f"{_W}basedOn")
            style_id = base.get(f"{_W}val") if base is not None else None

    def _ground(self, look: _Look, paragraph: Any) -> Colour | None:
        """Return the colour behind the words of a paragraph, or None where it is not known."""
        if look.highlight not in (None, "none"):
            return colour_of(look.highlight)
        shadings = [look.shading, paragraph.find(f"{_W}pPr/{_W}shd")]
        style_id = _style_id(paragraph, "pPr", "pStyle") or self._normal
        shadings += [style.find(f"{_W}pPr/{_W}shd") for style in self._chain(style_id)]
        for above in paragraph.iterancestors():
            if above.tag == f"{_W}txbxContent":
                return None
            if above.tag == f"{_W}tc":
                shadings.append(above.find(f"{_W}tcPr/{_W}shd"))
            if above.tag == f"{_W}tbl":
                shadings.append(above.find(f"{_W}tblPr/{_W}shd"))
                if all(_fill(each) == "auto" for each in shadings) and _has_coloured_style(above):
                    return None
        stated = next((fill for each in shadings if (fill := _fill(each)) != "auto"), "auto")
        return self._page if stated == "auto" else colour_of(stated)


def _look(properties: Any) -> _Look:
    if properties is None:
        return _Look()
    vanish = properties.find(f"{_W}vanish")
    size = _stated(properties, "sz")
    return _Look(
        vanish=None if vanish is None else vanish.get(f"{_W}val", "1") not in _OFF,
        colour=_stated(properties, "color"),
        half_points=int(size) if size and re.fullmatch(r"\d{1,4}", size) else None,
        shading=properties.find(f"{_W}shd"),
        highlight=_stated(properties, "highlight"),
    )


def _stated(properties: Any, name: str) -> str | None:
    found = properties.find(f"{_W}{name}")
    return found.get(f"{_W}val") if found is not None else None


def _style_id(element: Any, properties: str, name: str) -> str | None:
    found = element.find(f"{_W}{properties}/{_W}{name}")
    return found.get(f"{_W}val") if found is not None else None


def _fill(shading: Any) -> str:
    """Return the colour of a shading: `auto` where it leaves what is behind, `pattern` where two colours mix."""
    if shading is None or shading.get(f"{_W}val") == "nil":
        return "auto"
    kind = shading.get(f"{_W}val", "clear")
    if kind == "clear":
        return str(shading.get(f"{_W}fill", "auto"))
    return str(shading.get(f"{_W}color", "pattern")) if kind == "solid" else "pattern"


def _has_coloured_style(table: Any) -> bool:
    style = table.find(f"{_W}tblPr/{_W}tblStyle")
    return style is not None and style.get(f"{_W}val") not in _PLAIN_TABLES


def _is_default_paragraph(style: Any) -> bool:
    return style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default", "0") not in _OFF


def _page_colour(document: Any) -> Colour | None:
    background = document.element.find(f"{_W}background")
    return WHITE if background is None else colour_of(background.get(f"{_W}color"))
