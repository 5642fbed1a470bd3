"""Web pages: HTML to blocks, without menus, footers and cookie notices. Nothing is fetched.

trafilatura finds the main text. Where it finds nothing or far too little, the whole body is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assistant.documents import metadata
from assistant.documents.blocks import Block, Parsed
from assistant.documents.hidden import HiddenWords, beginnings
from assistant.documents.plaintext import decode
from assistant.documents.sections import start_at_titles
from assistant.documents.webpage_hidden import take_out_hidden
from assistant.domain import Findings, Metadata
from assistant.errors import LimitExceeded, NoTextFound

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# When trafilatura keeps less than this share of the body's prose, it has taken text for decoration.
_MIN_KEPT_SHARE = 0.4

# On a shorter page there is too little to tell the text from what stands around it.
_MIN_PAGE_WORDS = 100

# Menus and lists of links have blocks of fewer words.
_MIN_PROSE_WORDS = 12

# So many blocks that are not found as they are get searched for inside others.
_MOST_LOOKS = 500

# An <article> of fewer words is a teaser in a list.
_MIN_ARTICLE_WORDS = 60

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# fmt: off
_NEVER_SHOWN = frozenset({
    "script", "style", "template", "noscript", "svg", "head", "title", "iframe", "object", "select", "button",
    "textarea", "img", "graphic", "video", "audio", "canvas", "map", "datalist",
})
_HEAD_ONLY = frozenset({
    "base", "basefont", "bgsound", "link", "meta", "noframes", "noscript", "script", "style", "template", "title",
})
_DECORATION = frozenset({"nav", "footer", "aside", "dialog"})
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "hi", "i",
    "ins", "kbd", "label", "mark", "nobr", "q", "ref", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "math", "mi", "mo", "mn", "mrow",
})
_DATE_NAMES = (
    "article:published_time", "datepublished", "dc.date", "dcterms.date", "dcterms.created", "date", "publish-date",
    "pubdate",
)
# fmt: on
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)


def parse(raw: bytes, document_id: str) -> Parsed:
    """Return the blocks of an HTML page's main text, and what its head says about it.

    Left out are menus, footers and the like, and what the page marks as not to be shown; words that cannot be seen
    for their colour, size or place are found and stay in.

    Raises:
        DamagedFile: The bytes are not text.
        LimitExceeded: Its elements are nested too deeply.
        NoTextFound: The page shows no words without its scripts or pictures.
    """
    page = _tree(_decode(raw, document_id), document_id)
    hidden = HiddenWords()
    if page is not None:
        take_out_hidden(page, hidden)
    blocks = _main_blocks(page) if page is not None else []
    if page is None or not any(block.text.strip() for block in blocks):
        raise NoTextFound(
            document_id,
            "is a page without text: it is empty, or a script fills it in the browser",
            "Open it in a browser, print it to PDF and add that",
        )
    return Parsed(
        blocks=tuple(start_at_titles(_mark_articles(page, blocks))),
        properties=_properties(page),
        findings=Findings(dropped=_dropped(page, blocks), hidden=hidden.found()),
    )


def fragment_blocks(html: str, document_id: str, hidden: HiddenWords) -> list[Block]:
    """Return the blocks of a piece of HTML, such as stands inside Markdown, and note its hidden words.

    Raises:
        LimitExceeded: It is nested too deeply.
    """
    tree = _tree(f"<div>{html}</div>", document_id)
    if tree is None:
        return []
    take_out_hidden(tree, hidden)
    return _Walker().walk(tree)


def _dropped(page: HtmlElement, blocks: Sequence[Block]) -> tuple[str, ...]:
    """Return the beginning of each run of blocks that did not become text."""
    kept = {_squeeze(block.text) for block in blocks}
    whole = _squeeze(" ".join(block.text for block in blocks))
    pieces: list[list[str]] = []
    is_open = False
    looks = 0
    for block in _Walker().walk(page):
        words = _squeeze(block.text)
        if words not in kept and looks < _MOST_LOOKS:
            looks += 1
            is_kept = words in whole
        else:
            is_kept = words in kept
        if not is_kept and not is_open:
            pieces.append([])
        if not is_kept:
            pieces[-1].append(words)
        is_open = not is_kept
    return beginnings(" ".join(piece) for piece in pieces)


def _decode(raw: bytes, document_id: str) -> str:
    """Honour the encoding that the page names; judge by the bytes where it names none or a wrong one."""
    named = _CHARSET.search(raw[:4096])
    if named and not raw.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        encoding = named[1].decode("ascii").lower()
        # Browsers read these as Windows-1252, so that is what authors saw.
        encoding = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "utf8": "utf-8"}.get(
            encoding, encoding
        )
        try:
            text = raw.decode(encoding)
            if "\0" not in text:
                return text
        except (LookupError, UnicodeError):
            pass
    return decode(raw, document_id)


def _tree(text: str, document_id: str) -> HtmlElement | None:
    from lxml import etree, html

    # Bytes and a named encoding, since a page may carry an XML declaration that names the encoding it had on disk.
    parser = html.HTMLParser(encoding="utf-8", remove_pis=True, no_network=True, huge_tree=True)
    try:
        tree = html.document_fromstring(text.encode("utf-8", errors="replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    last = parser.error_log.last_error
    if last is not None and last.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        # The parser has stopped there, and what follows is not in the tree.
        raise LimitExceeded(document_id, "has elements nested more than 2000 deep", "Print it to PDF and add that")
    return _mend(tree) if isinstance(tree, html.HtmlElement) else None


def _mend(page: HtmlElement) -> HtmlElement:
    """Put into the body all that browsers put there.

    The parser knows the elements of HTML 4: without a <body> tag it leaves others, such as <main>, in the head. What
    follows </html> it sets beside the page.
    """
    body = page.find("body")
    if body is None:
        body = page.makeelement("body")
        page.append(body)
    shown = [each for each in page.iterfind("head/*") if isinstance(each.tag, str) and each.tag not in _HEAD_ONLY]
    if shown:
        before, body.text = body.text, None
        body[:0] = shown
        shown[-1].tail = (shown[-1].tail or "") + (before or "")
    for rest in list(page.itersiblings("html")):
        for part in list(rest.iter("html", "body")):
            part.tag = "div"
        body.append(rest)
    return page


def _main_blocks(page: HtmlElement) -> list[Block]:
    everything = _Walker(leave_out=_DECORATION).walk(page)
    if _count_words(everything) < _MIN_PAGE_WORDS:
        return everything or _Walker().walk(page)
    main = _extracted(page)
    kept = _share_kept(main, everything)
    # Nearly all the words in far fewer blocks: what trafilatura gives where it finds no structure.
    is_glued = kept > 0.7 and len(_prose(main)) * 2 < len(_prose(everything))
    if kept < _MIN_KEPT_SHARE or is_glued:
        return everything
    return _with_title(page, main)


def _extracted(page: HtmlElement) -> list[Block]:
    """Return what trafilatura takes for the main text; nothing where it fails."""
    from copy import deepcopy

    from trafilatura import bare_extraction

    try:
        found: Any = bare_extraction(
            _without_ornaments(deepcopy(page)),
            favor_recall=True,
            include_comments=False,
            include_tables=True,
            include_formatting=True,
            include_links=False,
            include_images=False,
            deduplicate=False,
            with_metadata=False,
        )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        return []  # the whole body is taken then
    body = getattr(found, "body", None)
    return [] if body is None else _Walker().walk(body)


def _without_ornaments(page: HtmlElement) -> HtmlElement:
    """Take out what is not read aloud, which trafilatura does not look for."""
    for element in list(page.iterdescendants()):
        if isinstance(element.tag, str) and _is_ornament(element) and element.getparent() is not None:
            element.drop_tree()
    return page


def _is_ornament(element: Any) -> bool:
    """Tell an icon, or words that stand on the page a second time, from its text."""
    return bool(element.get("aria-hidden") == "true")


def _with_title(page: HtmlElement, blocks: list[Block]) -> list[Block]:
    """Put the page's first level-1 heading back on top, which trafilatura drops with the banner around it."""
    titles = [_squeeze(heading.text_content()) for heading in page.iter("h1")]
    if not titles or not titles[0]:
        return blocks
    known = {_squeeze(block.text) for block in blocks[:10]}
    return blocks if titles[0] in known else [Block("heading", titles[0], level=1), *blocks]


def _mark_articles(page: HtmlElement, blocks: Sequence[Block]) -> Iterator[Block]:
    """Start a section at the heading of each <article>, where the page has several of some length."""
    openings = _article_headings(page)
    for block in blocks:
        if len(openings) > 1 and block.kind == "heading" and _squeeze(block.text) in openings:
            yield replace(block, starts_section=True)
        else:
            yield block


def _article_headings(page: HtmlElement) -> set[str]:
    found = set()
    for article in page.iter("article"):
        is_nested = any(True for _ in article.iterancestors("article"))
        heading = next((each for each in article.iter("h1", "h2", "h3")), None)
        if heading is None or is_nested or len(article.text_content().split()) < _MIN_ARTICLE_WORDS:
            continue
        found.add(_squeeze(heading.text_content()))
    return found


class _Walker:
    """Walks a tree of HTML, or of trafilatura's own tags, without recursion, and collects blocks."""

    def __init__(self, leave_out: frozenset[str] = frozenset()) -> None:
        self._leave_out = _NEVER_SHOWN | leave_out
        self._blocks: list[Block] = []
        self._words: list[str] = []
        self._lists: list[int | None] = []
        self._marker: str | None = None
        self._new_group = False
        self._heading = 0
        self._lines_kept = 0
        self._tables: list[bool] = []  # for each open table: is it data?
        self._cells: list[str] | None = None

    def walk(self, root: Any) -> list[Block]:
        """Return the blocks under `root`."""
        from lxml import etree

        walker = etree.iterwalk(root, events=("start", "end", "comment"))
        for event, element in walker:
            if event == "comment":
                self._add(element.tail)
                continue
            tag = _tag(element)
            if event == "start":
                if self._is_left_out(element, tag):
                    walker.skip_subtree()
                else:
                    self._open(element, tag)
                    self._add(element.text)
                continue
            if not self._is_left_out(element, tag):
                self._close(tag)
            if element is not root:
                self._add(element.tail)
        self._flush()
        return self._blocks

    def _is_left_out(self, element: Any, tag: str) -> bool:
        return tag in self._leave_out or _is_ornament(element)

    def _add(self, words: str | None) -> None:
        if not words:
            return
        if self._cells:
            self._cells[-1] += words
        else:
            self._words.append(words if self._lines_kept else re.sub(r"\s+", " ", words))

    def _open(self, element: Any, tag: str) -> None:
        if self._cells is not None:
            self._open_in_row(element, tag)
        elif tag in _HEADINGS:
            self._flush()
            self._heading = _HEADINGS[tag]
        elif tag in ("ul", "ol"):
            self._flush()
            self._new_group = self._new_group or not self._lists
            self._lists.append(_start_number(element) if tag == "ol" else None)
        elif tag == "li" and self._lists:
            self._flush()
            self._open_item()
        elif tag == "table":
            self._flush()
            self._tables.append(_is_data_table(element))
            self._new_group = True
        elif tag == "tr" and self._tables and self._tables[-1]:
            self._flush()
            self._cells = []
        elif tag == "pre":
            self._flush()
            self._lines_kept += 1
        elif tag == "br":
            self._words.append("\n")
        elif tag not in _INLINE:
            self._flush()

    def _open_in_row(self, element: Any, tag: str) -> None:
        assert self._cells is not None
        if tag == "table":
            self._tables.append(False)
        if tag in ("td", "th") and self._tables[-1]:
            self._cells.append("")
        elif self._cells and tag not in _INLINE:
            self._cells[-1] += " "

    def _close(self, tag: str) -> None:
        if tag == "table" and self._tables:
            self._flush()
            self._tables.pop()
        elif self._cells is not None:
            if tag == "tr" and self._tables and self._tables[-1]:
                self._close_row(self._cells)
            elif self._cells and tag not in _INLINE:
                self._cells[-1] += " "
        elif tag in _HEADINGS:
            self._flush()
            self._heading = 0
        elif tag in ("ul", "ol") and self._lists:
            self._flush()
            self._lists.pop()
        elif tag == "pre":
            self._flush()
            self._lines_kept -= 1
        elif tag not in _INLINE and tag != "br":
            self._flush()

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._marker = "-" if number is None else f"{number}."
        if number is not None:
            self._lists[-1] = number + 1

    def _close_row(self, cells: list[str]) -> None:
        self._cells = None
        text = "\t".join(_squeeze(cell) for cell in cells)
        if text.strip():
            self._blocks.append(Block("row", text, starts_group=self._new_group))
            self._new_group = False

    def _flush(self) -> None:
        if self._cells is not None:
            return
        text = "".join(self._words)
        self._words = []
        if not text.strip():
            return
        if self._heading and not self._lists:
            self._blocks.append(Block("heading", _squeeze(text), level=self._heading))
        elif self._lists:
            marker, self._marker = self._marker or "", None
            self._blocks.append(
                Block("item", text, level=len(self._lists) - 1, marker=marker, starts_group=self._new_group)
            )
            self._new_group = False
        else:
            self._blocks.append(Block("paragraph", text.strip("\n"), lines_kept=bool(self._lines_kept)))


def _tag(element: Any) -> str:
    """Return the HTML name of an element; trafilatura's own names are translated."""
    tag = element.tag if isinstance(element.tag, str) else ""
    tag = tag.rsplit("}", 1)[-1].lower()
    if tag == "head" and element.get("rend", "").startswith("h"):
        return str(element.get("rend"))
    if tag == "list":
        return "ol" if element.get("rend") == "ol" else "ul"
    if tag == "code" and "\n" in "".join(element.itertext()):
        return "pre"
    return {"item": "li", "row": "tr", "cell": "td", "lb": "br", "quote": "blockquote"}.get(tag, tag)


def _start_number(element: Any) -> int:
    start = element.get("start") or "1"
    return int(start) if re.fullmatch(r"\d{1,6}", start) else 1


def _is_data_table(table: Any) -> bool:
    """Tell a table of data from one that only places things on the page."""
    tags = [_tag(element) for element in table.iter() if isinstance(element.tag, str)]
    if "table" in tags[1:] or any(tag in _HEADINGS for tag in tags):
        return False
    rows = [element for element in table.iter() if isinstance(element.tag, str) and _tag(element) == "tr"]
    return any(sum(1 for cell in row if _tag(cell) in ("td", "th")) > 1 for row in rows)


def _properties(page: HtmlElement) -> Metadata:
    names = _meta_values(page)
    title = page.findtext(".//head/title") or names.get("og:title") or ""
    canonical = next((link.get("href") for link in page.iter("link") if link.get("rel") == "canonical"), None)
    url = (canonical or names.get("og:url") or "").strip()
    published = next((names[name] for name in _DATE_NAMES if name in names), "")
    return Metadata(
        title=_squeeze(title) or None,
        language=metadata.language_of(page.get("lang") or page.get("{http://www.w3.org/XML/1998/namespace}lang")),
        publisher=_squeeze(names.get("og:site_name", "")) or None,
        published=metadata.date_of(published[:10]),
        url=url if re.match(r"https?://[^\s/]+", url) else None,
    )


def _meta_values(page: HtmlElement) -> dict[str, str]:
    """Return the page's <meta> values by lower-case name; the first of each name counts."""
    values: dict[str, str] = {}
    for meta in page.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if name and meta.get("content"):
            values.setdefault(name.lower(), meta.get("content") or "")
    return values


def _share_kept(main: Sequence[Block], everything: Sequence[Block]) -> float:
    """Return the share of a page's words that its main text holds, links and labels aside where there is prose."""
    prose = _prose(everything)
    if _count_words(prose) >= _MIN_PAGE_WORDS:
        return _count_words(_prose(main)) / _count_words(prose)
    return _count_words(main) / _count_words(everything)


def _prose(blocks: Sequence[Block]) -> list[Block]:
    return [block for block in blocks if len(block.text.split()) >= _MIN_PROSE_WORDS]


def _count_words(blocks: Sequence[Block]) -> int:
    return sum(len(block.text.split()) for block in blocks)


def _squeeze(text: str) -> str:
    return " ".join(text.split())
