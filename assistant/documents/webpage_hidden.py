"""Words of a web page that a reader does not see, by the page's own attributes, inline styles and simple style rules.

Rules count where one class, id or element name selects alone: `.x { ... }`, `#x`, `p`, `p.x`. A class that another rule
shows again is switched by the reader (a menu, a fold), and hides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from assistant.documents.hidden import HiddenKind, HiddenWords, are_alike, colour_of

Declarations = dict[str, str]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SELECTOR = re.compile(r"[a-z][a-z0-9]*|(?:[a-z][a-z0-9]*)?[.#][\w-]+", re.IGNORECASE)
_LAST_NAME = re.compile(r"[.#][\w-]+")
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?|-?\.\d+)\s*(px|pt|em|rem|%|vw|vh)?")
_NO_CLIP = re.compile(r"rect\(\s*(?:[01](?:px)?[\s,]+){3}[01](?:px)?\s*\)|inset\(\s*(?:50|[6-9]\d|100)%\s*\)", re.I)
# What holds only under a condition, `@media ... { ... }`, or is no rule.
_CONDITIONAL = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_MOST_STYLE = 300_000

# So far away, in pixels, is off any screen.
_FAR = -900
_TINY_PIXELS = 2
# Rules that hide more of a page's words than this are undone by its script: the page is shown.
_MOST_HIDDEN_SHARE = 0.3
_NO_WORDS = frozenset({"script", "style", "template", "noscript", "head", "title", "svg", "iframe"})
_WORDS_UNDER = f".//text()[not({' or '.join(f'ancestor::{name}' for name in sorted(_NO_WORDS))})]"


def take_out_hidden(page: Any, hidden: HiddenWords) -> None:
    """Take out of a tree what it marks as not to be shown, and note this and what else a reader does not see.

    `aria-hidden` hides nothing from those who see.
    """
    marked, ruled = [], []
    rules = _Rules(page)
    for element in page.iterdescendants():
        if not isinstance(element.tag, str) or element.tag in ("html", "body") or element.tag in _NO_WORDS:
            continue
        if is_marked_hidden(element):
            marked.append(element)
        elif _is_not_shown(rules.of(element)):
            ruled.append(element)
    total = len("".join(_shown_texts(page)))
    among = set(ruled)
    outer = [each for each in ruled if not any(above in among for above in each.iterancestors())]
    if outer and sum(len("".join(_shown_texts(each))) for each in outer) > _MOST_HIDDEN_SHARE * total:
        outer = []
    for element in [*marked, *outer]:
        if any(above is page for above in element.iterancestors()):
            hidden.add("not_shown", " ".join(_shown_texts(element)))
            element.drop_tree()
    _note_unseen(page, rules, hidden)


def is_marked_hidden(element: Any) -> bool:
    """Tell whether an element itself says that it is not to be shown."""
    style = element.get("style")
    return element.get("hidden") is not None or (style is not None and _is_not_shown(_declarations(style)))


def _note_unseen(page: Any, rules: _Rules, hidden: HiddenWords) -> None:
    """Note words that stay in: too small, beside the screen, in the colour of their ground."""
    noted: set[Any] = set()
    for element in page.iterdescendants():
        if not isinstance(element.tag, str) or element.tag in _NO_WORDS:
            continue
        if element.getparent() in noted:
            noted.add(element)
            continue
        kind = _kind({**rules.of(element), **_declarations(element.get("style") or "")})
        if kind is not None and (words := " ".join(_shown_texts(element))):
            noted.add(element)
            hidden.add(kind, words)


def _kind(stated: Mapping[str, str]) -> HiddenKind | None:
    if not stated:
        return None
    if "font-size" in stated and _is_tiny(stated["font-size"]):
        return "tiny"
    is_placed = stated.get("position", "static") in ("absolute", "fixed", "relative")
    if is_placed and any(_pixels(stated.get(side)) <= _FAR for side in ("left", "top", "right", "bottom")):
        return "off_page"
    if _pixels(stated.get("text-indent")) <= _FAR or any(
        _NO_CLIP.search(stated.get(name, "")) for name in ("clip", "clip-path")
    ):
        return "off_page"
    colour = colour_of(stated.get("color"))
    ground = colour_of(stated.get("background-color")) or colour_of(stated.get("background"))
    return "same_colour" if colour is not None and ground is not None and are_alike(colour, ground) else None


def _is_not_shown(stated: Mapping[str, str]) -> bool:
    return stated.get("display") == "none" or stated.get("visibility") in ("hidden", "collapse")


def _is_tiny(size: str) -> bool:
    found = _LENGTH.fullmatch(size)
    if not found:
        return False
    value, unit = float(found[1]), found[2] or "px"
    smallest = {"px": _TINY_PIXELS, "pt": _TINY_PIXELS * 0.75, "%": 10}.get(unit, 0.1)
    return value < smallest and (value == 0 or found[2] is not None)


def _pixels(length: str | None) -> float:
    """Return a length in pixels, as far as it is one; 0 for none."""
    found = _LENGTH.fullmatch(length or "")
    if not found:
        return 0.0
    return float(found[1]) * {"em": 16, "rem": 16, "pt": 1.33, "vw": 10, "vh": 10, "%": 10}.get(found[2] or "px", 1)


def _declarations(style: str) -> Declarations:
    """Return what a style says, in lower case; a later word on the same thing wins."""
    stated: Declarations = {}
    for part in style.split(";"):
        name, colon, value = part.partition(":")
        if colon:
            stated[name.strip().lower()] = value.lower().replace("!important", "").strip()
    return stated


class _Rules:
    """The simple style rules of a page, by what they select."""

    def __init__(self, page: Any) -> None:
        self._rules: dict[str, Declarations] = {}
        switched: set[str] = set()
        text = " ".join(_style_texts(page))[:_MOST_STYLE]
        for selectors, body in _RULE.findall(_CONDITIONAL.sub(" ", _COMMENT.sub(" ", text))):
            stated = _declarations(body)
            shows = stated.get("display", "none") != "none" or stated.get("visibility") == "visible"
            for selector in selectors.split(","):
                selector = selector.strip()
                if shows:
                    switched.update(_LAST_NAME.findall(selector))
                if _SELECTOR.fullmatch(selector):
                    self._rules.setdefault(selector, {}).update(stated)
        for selector, stated in self._rules.items():
            if any(name in switched for name in _LAST_NAME.findall(selector)):
                stated.pop("display", None)
                stated.pop("visibility", None)

    def of(self, element: Any) -> Declarations:
        """Return what the rules say of an element."""
        if not self._rules:
            return {}
        tag = element.tag
        names = [f".{name}" for name in (element.get("class") or "").split()]
        if element.get("id"):
            names.append(f"#{element.get('id')}")
        stated: Declarations = {}
        for selector in (tag, *names, *(f"{tag}{name}" for name in names)):
            stated.update(self._rules.get(selector, {}))
        return stated


def _style_texts(page: Any) -> Iterator[str]:
    for style in page.iter("style"):
        media = (style.get("media") or "all").lower()
        if "screen" in media or "all" in media:
            yield style.text or ""


def _shown_texts(element: Any) -> list[str]:
    """Return the words under an element, those of its scripts and comments aside."""
    return [squeezed for text in element.xpath(_WORDS_UNDER) if (squeezed := " ".join(text.split()))]
