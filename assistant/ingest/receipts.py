"""Receipts: what became of a document, whether each of its pages is found by its own words, and what to do if not.

Knows no index: the search is passed in. Nothing is drawn by chance, so the same document gives the same receipt.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeVar

from assistant.desk import PageCheck, Problem, Receipt, Twin
from assistant.domain import Chunk, Document, HiddenText, Hit, Language
from assistant.language import STOP_WORDS
from assistant.sentences import Unit, split_units

_Member = TypeVar("_Member")
Search = Callable[[str], Sequence[Hit] | Sequence[Chunk] | Sequence[str]]
"""What the indexes find for some words, best first: hits, chunks, or the ids of chunks."""

# A passage is found when it is among so many hits: near copies of it, in other documents, may well stand before it.
FOUND_WITHIN = 10
# For one document, so many searches; a page gets at most three of them, a document without pages twelve.
MOST_SEARCHES = 200
_PER_PAGE = 3
_WITHOUT_PAGES = 12
# A shorter sentence may stand anywhere; of a longer one the beginning is searched for.
_FEWEST_WORDS = 6
_MOST_QUERY_WORDS = 60

# Below this share of found sentences the index is not to be trusted.
_ENOUGH_FOUND = 0.8
_SHORT_TEXT_WORDS = 40
# Of the words of a text in another language, so many are among the frequent ones that are not ours.
_OTHER_SHARE = 0.04
# Signs without a meaning among the letters of a page: above this share its font was broken.
_MOST_BROKEN = 0.02
_MOST_NAMED = 3

_WORD = re.compile(r"[^\W\d_]+")
# UTF-8 read as Windows-1252: "Ã¥" for "å", "â€™" for an apostrophe.
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf†…‡˜¸¦¥©¶¼]|â€[\u0080-\u00bf™œ\u009d“”˜¢¦]")

# Frequent words that neither English nor Norwegian has.
_OTHER_WORDS = {
    "German": "und der das ist nicht mit ein eine auf zu den sich dem werden auch wird sind bei",
    "French": "le la les des est une dans pour que qui pas sur avec sont aux cette nous vous",
    "Spanish": "el la los las que una por con para es del como más pero sus este son",
    "Swedish": "och att är som för inte med den ett från eller när också har på av till vid",
    "Danish": "og af at ikke blev efter også være havde mellem eller hvordan meget nogle sig til",
    "Dutch": "het een van niet voor zijn met dat aan ook worden deze wordt door bij naar",
    "Finnish": "ja on ei että se oli hän mutta ovat tai kun myös sekä joka mukaan",
    "Polish": "i w nie na się jest z do że jak to po ale przez oraz dla są",
    "Italian": "il di che la per una del con non è sono gli della nel alla anche",
    "Portuguese": "o de que não uma os em para com por mais como mas ao dos foi",
}  # fmt: skip
_OURS = STOP_WORDS["en"] | STOP_WORDS["nb"]
_THEIRS = {name: frozenset(words.split()) - _OURS for name, words in _OTHER_WORDS.items()}


@dataclass(frozen=True, slots=True)
class _Probe:
    """A sentence that is searched for: `text[start:end]` of the stored text."""

    text: str
    start: int
    end: int


def check_pages(document: Document, chunks: Sequence[Chunk], search: Search) -> tuple[PageCheck, ...]:
    """Search for sentences of each page, and return how many of them were found; one check where there are no pages.

    Taken are a page's own sentences, spread over it: those that stand nowhere else in the document go first, and where
    a page has no sentences, its lines serve. Found is a sentence when, among the first ten hits, there is a chunk of
    this version that holds its place, or one (of a copy) that holds its words. At most about 200 sentences are searched
    for; of a document of more pages, pages at even distances, the others with `tried` 0.

    Args:
        chunks: Those of this version.
    """
    if not document.pages:
        text = document.text
        units = split_units(text)
        probes = _probes(document, units, Counter(_plain(text[unit.start : unit.end]) for unit in units), _many(text))
        found = sum(_is_found(probe, chunks, search) for probe in probes)
        return (PageCheck(None, bool(text.strip()), len(probes), found),)
    return tuple(_page_checks(document, chunks, search))


def receipt_of(
    document: Document, chunks: Sequence[Chunk], checks: Sequence[PageCheck] = (), twins: Sequence[Twin] = ()
) -> Receipt:
    """Return the receipt of a document: what it holds, what was found out about it, and what readers would miss.

    Args:
        chunks: Those of this version.
        checks: From `check_pages`; empty where nothing was searched.
    """
    spans = enumerate(_spans(document), start=1)
    empty = tuple(number for number, (start, end) in spans if not document.text[start:end].strip())
    return Receipt(
        document=document.id,
        title=document.title,
        version=document.version,
        languages=_languages(document),
        characters=len(document.text),
        words=len(document.text.split()),
        chunks=len(chunks),
        pages=len(document.pages) or None,
        empty_pages=empty,
        findings=document.findings,
        notices=(*document.notices, *_sampling(checks)),
        checks=tuple(checks),
        problems=tuple(_problems(document, chunks, checks)),
        twins=tuple(twins),
    )


# ---- Searching ----


def _page_checks(document: Document, chunks: Sequence[Chunk], search: Search) -> Iterator[PageCheck]:
    text, spans = document.text, _spans(document)
    units = split_units(text)
    counts = Counter(_plain(text[unit.start : unit.end]) for unit in units)
    by_page: dict[int, list[Unit]] = {}
    for unit in units:
        by_page.setdefault(bisect_right(document.pages, unit.start), []).append(unit)
    with_text = [number for number, (start, end) in enumerate(spans, start=1) if text[start:end].strip()]
    chosen = set(_spread(with_text, MOST_SEARCHES))
    per_page = max(1, min(_PER_PAGE, MOST_SEARCHES // max(1, len(chosen))))
    for number, (start, end) in enumerate(spans, start=1):
        if number not in chosen:
            yield PageCheck(number, bool(text[start:end].strip()), 0, 0)
            continue
        # A page in the middle of a long sentence has none of its own: the part on it is searched for.
        own = by_page.get(number) or [Unit(start, end, "sentence", 0)]
        probes = _probes(document, own, counts, per_page)
        yield PageCheck(number, True, len(probes), sum(_is_found(probe, chunks, search) for probe in probes))


def _probes(document: Document, units: Sequence[Unit], counts: Counter[str], many: int) -> list[_Probe]:
    """Return what to search for, in the order of the text: the best kind of units first, then the next best."""
    text = document.text

    def is_telling(unit: Unit) -> bool:
        words = text[unit.start : unit.end].split()
        return len(words) >= _FEWEST_WORDS and unit.kind in ("sentence", "item")

    def is_own(unit: Unit) -> bool:
        return counts[_plain(text[unit.start : unit.end])] <= 1

    with_words = [unit for unit in units if _WORD.search(text, unit.start, unit.end)] or list(units)
    long = [unit for unit in with_words if len(text[unit.start : unit.end].split()) >= _MOST_NAMED]
    chosen: dict[Unit, None] = {}
    for candidates in ([unit for unit in with_words if is_telling(unit)], long, with_words):
        for some in ([unit for unit in candidates if is_own(unit)], candidates):
            rest = [unit for unit in some if unit not in chosen]
            chosen.update(dict.fromkeys(_spread(rest, many - len(chosen))))
    return [_probe(text, unit) for unit in sorted(chosen, key=lambda each: each.start)]


def _probe(text: str, unit: Unit) -> _Probe:
    words = [found for found in re.finditer(r"\S+", text[unit.start : unit.end])][:_MOST_QUERY_WORDS]
    end = unit.start + words[-1].end() if words else unit.end
    return _Probe(text[unit.start : end], unit.start, end)


def _is_found(probe: _Probe, chunks: Sequence[Chunk], search: Search) -> bool:
    own = {chunk.id for chunk in chunks if chunk.start < probe.end and probe.start < chunk.end}
    words = _plain(probe.text)
    hits: Sequence[Hit | Chunk | str] = search(" ".join(probe.text.split()))
    for hit in hits[:FOUND_WITHIN]:
        if isinstance(hit, str):
            is_found = hit in own
        else:
            chunk = hit.chunk if isinstance(hit, Hit) else hit
            is_found = chunk.id in own or words in _plain(chunk.text)
        if is_found:
            return True
    return False


def _many(text: str) -> int:
    """Return how many sentences to try of a text without pages: more of a long one."""
    return max(_WITHOUT_PAGES, min(MOST_SEARCHES // 5, len(text) // 5000))


def _spread(members: Sequence[_Member], many: int) -> list[_Member]:
    """Return so many members at even distances, or all of them where there are no more."""
    if len(members) <= many:
        return list(members)
    return [members[(2 * place + 1) * len(members) // (2 * many)] for place in range(many)]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _spans(document: Document) -> list[tuple[int, int]]:
    """Return start and end of each page."""
    return list(zip(document.pages, (*document.pages[1:], len(document.text)), strict=True)) if document.pages else []


def _sampling(checks: Sequence[PageCheck]) -> Iterator[str]:
    with_text = [check for check in checks if check.has_text]
    tried = [check for check in with_text if check.tried]
    if tried and len(tried) < len(with_text):
        yield f"Of {len(with_text)} pages with text, {len(tried)} were searched for, at even distances"


# ---- What readers would miss ----


def _problems(document: Document, chunks: Sequence[Chunk], checks: Sequence[PageCheck]) -> Iterator[Problem]:
    yield from _pages_without_text(document)
    if not chunks:
        yield Problem("Nothing of it can be searched: it has no passages.", "Add a version that holds whole sentences.")
    yield from _pages_not_found(checks)
    yield from _broken_signs(document)
    yield from _hidden_words(document)
    yield from _short_or_foreign(document)
    yield from _what_is_not_said(document)


def _pages_without_text(document: Document) -> Iterator[Problem]:
    findings, is_show = document.findings, document.id.lower().endswith(".pptx")
    if findings.scanned and is_show:
        yield Problem(
            f"{_named(findings.scanned, 'Slide')} {_hold(findings.scanned)} no text that can be searched.",
            "If their pictures say something, write it into the slide or its notes, and replace the file.",
        )
    elif findings.scanned:
        them = "it is a picture of a page" if len(findings.scanned) == 1 else "they are pictures of pages"
        yield Problem(
            f"{_named(findings.scanned, 'Page')} {_hold(findings.scanned)} no text: {them}.",
            "Run text recognition (OCR) on the file and replace it.",
        )
    if findings.unreadable:
        yield Problem(
            f"{_named(findings.unreadable, 'Page')} could not be read.",
            "Open the file in its program, export it again and replace it.",
        )


def _pages_not_found(checks: Sequence[PageCheck]) -> Iterator[Problem]:
    tried = sum(check.tried for check in checks)
    found = sum(check.found for check in checks)
    lost = [check.page for check in checks if check.tried and not check.found and check.page is not None]
    remedy = "Check the index (python ingest.py --check --repair); if it says that all is well, tell your engineer."
    if tried and not found:
        yield Problem("It is not found: none of its own sentences bring it back.", remedy)
    elif lost:
        yield Problem(f"{_named(lost, 'Page')} {'is' if len(lost) == 1 else 'are'} not found by own sentences.", remedy)
    elif tried and found < _ENOUGH_FOUND * tried:
        yield Problem(f"Of {tried} of its own sentences, {tried - found} do not bring their passage back.", remedy)


def _broken_signs(document: Document) -> Iterator[Problem]:
    spans = _spans(document) or [(0, len(document.text))]
    broken = [number for number, (start, end) in enumerate(spans, start=1) if _is_broken(document.text[start:end])]
    if broken:
        where = _named(broken, "Page") if document.pages else "It"
        verb = "hold" if document.pages and len(broken) > 1 else "holds"
        yield Problem(
            f"{where} {verb} signs that are no letters: the font or the encoding of the file is broken.",
            "Export the file again with its fonts, or run text recognition (OCR) on it, and replace it.",
        )


def _is_broken(text: str) -> bool:
    signs = sum(1 for character in text if character == "\ufffd" or unicodedata.category(character) in ("Co", "Cn"))
    spoilt = len(_MOJIBAKE.findall(text))
    letters = sum(1 for character in text if not character.isspace())
    return (signs >= 3 and signs > _MOST_BROKEN * letters) or (spoilt >= 3 and spoilt * 500 > letters)


def _hidden_words(document: Document) -> Iterator[Problem]:
    suffix = PurePosixPath(document.id).suffix.lower()
    whole = _plain(document.text)
    single = frozenset(whole.split())

    def is_inside(hidden: HiddenText) -> bool:
        words = _plain(hidden.words.removesuffix("…"))
        # Lines of a PDF may stand in another order in the text than in the file.
        own = words.split()
        return words in whole or (suffix == ".pdf" and sum(1 for word in own if word in single) >= 0.8 * len(own))

    inside = [each for each in document.findings.hidden if is_inside(each)]
    if inside:
        pages = sorted({each.page for each in inside if each.page is not None})
        where = f" on {_named(pages, 'page')}" if pages else ""
        example = _short(inside[0].words)
        yield Problem(
            f"It holds words that a reader does not see{where}, such as “{example}”; answers may quote them.",
            "Look at the file: take these words out, or make them visible, and replace it.",
        )
    # A web page is full of menus and folds that are not shown; in other files somebody has hidden the words.
    is_page = suffix in (".html", ".htm", ".md")
    rest = [each for each in document.findings.hidden if each not in inside]
    left_out = [each for each in rest if each.kind == "not_shown" and not is_page]
    if left_out:
        yield Problem(
            f"Words that the file marks as hidden are left out, such as “{_short(left_out[0].words)}”.",
            "If founders should find them, show them in the file and replace it.",
        )


def _short_or_foreign(document: Document) -> Iterator[Problem]:
    words = _WORD.findall(document.text.lower())
    if len(words) < _SHORT_TEXT_WORDS:
        counted = "1 word" if len(words) == 1 else f"{len(words)} words"
        yield Problem(
            f"It is very short: {counted}.", "Check that this is the whole text, and that its pictures say no more."
        )
    letters = [character for character in document.text if character.isalpha()]
    latin = sum(1 for character in letters if character < "\u0250")
    if len(letters) >= 100 and latin < len(letters) / 2:
        yield _foreign("another script")
        return
    ours = sum(1 for word in words if word in _OURS)
    counts = {name: sum(1 for word in words if word in theirs) for name, theirs in _THEIRS.items()}
    other = max(counts, key=lambda name: counts[name])
    if counts[other] >= max(5, _OTHER_SHARE * len(words)) and counts[other] >= 0.25 * ours:
        yield _foreign(other)


def _foreign(language: str) -> Problem:
    return Problem(
        f"It seems to be written in {language}, and the assistant reads English and Norwegian.",
        "Add a translation into English or Norwegian beside it.",
    )


def _what_is_not_said(document: Document) -> Iterator[Problem]:
    known = document.metadata
    missing = []
    if known.title is None and _is_makeshift(document):
        missing.append("title")
    if not (known.published or known.checked):
        missing.append("date")
    if not known.publisher:
        missing.append("publisher")
    if missing:
        yield Problem(
            f"It states no {' and no '.join(missing)}.",
            "Fill it in here: founders see it beside each quote, and judge by it.",
        )


def _is_makeshift(document: Document) -> bool:
    """Tell whether a title is only the file's name or the first words of the text."""
    headings = {document.text[heading.start : heading.end] for heading in document.headings}
    opens = document.text.lstrip("- ").startswith(document.title) and document.title not in headings
    return opens or document.title == PurePosixPath(document.id).stem


def _languages(document: Document) -> tuple[Language, ...]:
    """Return the languages of the sections, the one with most text first."""
    amounts: Counter[Language] = Counter()
    for section in document.sections:
        amounts[section.language] += section.end - section.start
    return tuple(language for language, _ in amounts.most_common())


def _named(pages: Sequence[int], word: str) -> str:
    """Name pages, runs of them as `3-5`; at most twenty runs."""
    runs: list[list[int]] = []
    for number in pages:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs[:20])
    return f"{word}{'' if len(pages) == 1 else 's'} {listed}{' and more' if len(runs) > 20 else ''}"


def _hold(pages: Sequence[int]) -> str:
    return "holds" if len(pages) == 1 else "hold"


def _short(words: str) -> str:
    return words if len(words) <= 80 else f"{words[:79]}…"
