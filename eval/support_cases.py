"""Labelled pairs for the judge of written sentences: what a language model might write under which quote.

A case is one claim with the quote that it is said to rest on, and whether the quote carries it. The templates below
say how each kind is made; they were fixed before the judge in `assistant.answering.support` was tuned. The tuning
half (`eval/support/tuning-*.jsonl`) is made of our own documents. The held-out half (`eval/support/held-out-*.jsonl`)
is made of public text by writers who had not seen the judge: such a text is not copied but named by place and sha256,
and a claim near its wording is kept as the changes made to the quote.

A line:

    {"id": "own-en-amount-01", "template": "amount_changed", "language": "en",
     "passages": [{"title": "...", "heading": "..." or null, "text": "..."}],
     "quotes": [{"passage": 0, "words": "..."}],
     "claim": "..."}

`passages` are what was retrieved. One of public text is `{"file": "norquad/corpus.jsonl", "line_id": "...", "start": 0,
"end": 400, "sha256": "..."}` (offsets into the line's `text`) or the same without `line_id` for a plain file (offsets
into the file); `title` and `heading` may stand beside it. A quote of public text is `{"passage": 0, "start": 10, "end":
90}` with offsets into the passage; `edits` (pairs of old and new words, each found exactly once) make a false quote of
it. A claim near the wording is `{"quote": 0, "edits": [["old", "new"], ...]}`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from eval.errors import Misuse
from eval.jsonlines import read_objects

CaseLanguage = Literal["en", "nb"]
_NORWEGIAN = re.compile(r"[æøåÆØÅ]|\b(?:og|ikke|som|det|er|av|på|til|med|den|et|en|ved|kan|skal)\b")
_ENGLISH = re.compile(r"\b(?:and|not|the|of|is|are|that|with|by|may|shall|an|which|or|from)\b")


@dataclass(frozen=True, slots=True)
class Template:
    """How one kind of case is made.

    Attributes:
        category: The row of the report it counts in.
        supported: Whether the quote carries the claim.
        how: What the writer does.
    """

    category: str
    supported: bool
    how: str


TEMPLATES: Mapping[str, Template] = {
    # Figures: the sentence repeats the quote, or says it in other words, with one thing changed.
    "number_changed": Template("figures", False, "A count, share, age, duration or other bare number is another one."),
    "amount_changed": Template("figures", False, "An amount of money is another one: other digits, ten times as much."),
    "date_changed": Template("figures", False, "A year, month, day or deadline is another one."),
    "name_swapped": Template("figures", False, "A person, agency, company or place is another of its kind."),
    "code_changed": Template("figures", False, "A code is another: form, section, standard, class, visa."),
    "unit_changed": Template("figures", False, "Days become months, dollars kroner, per cent points, kilos pounds."),
    # Polarity: the sentence is true but for whether, and how far, it holds.
    "negation_dropped": Template("polarity", False, "The quote denies (not, no, without, exempt); the claim affirms."),
    "negation_added": Template("polarity", False, "The quote affirms; the claim denies."),
    "modality_strengthened": Template(
        "polarity", False, "May, can, should, is planned, is proposed, not yet become must, will, is or always."
    ),
    "modality_weakened": Template("polarity", False, "Must, shall, is required become may, can, should, is optional."),
    # Quotes: the claim may even be true; what is quoted does not show it.
    "invented_quote": Template("quotes", False, "The quote stands nowhere: made up, or true words with some changed."),
    "other_passage": Template("quotes", False, "The quote's words stand in another passage than the one it names."),
    "unrelated_quote": Template("quotes", False, "A true quote of the passage, which is about something else."),
    "merged_claims": Template(
        "quotes", False, "Two facts in one sentence; the quote shows one, the other stands elsewhere or nowhere."
    ),
    # Relations: every word and figure is in the quote, the tie between them is not. Reported, without a target.
    "roles_swapped": Template("relations", False, "Who does it and to whom, what leads to what, change places."),
    "figure_moved": Template("relations", False, "Of two figures or names each is tied to the other's thing."),
    "subject_widened": Template("relations", False, "What holds for some, or under a condition, is said of all."),
    # True sentences.
    "near": Template("near", True, "The quote's wording but for order, a clause left out, a word replaced."),
    "paraphrase": Template("paraphrase", True, "The same in other words, as a good writer would, figures kept."),
    "translated": Template("translated", True, "The same in the other language, figures in its conventions."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CasePassage:
    """A passage as it was retrieved."""

    title: str
    heading: str | None
    text: str

    @property
    def language(self) -> CaseLanguage:
        """The language of its text, by the letters and words that only Norwegian has."""
        norwegian = len(_NORWEGIAN.findall(self.text))
        return "nb" if norwegian > len(_ENGLISH.findall(self.text)) else "en"


@dataclass(frozen=True, slots=True)
class CaseQuote:
    """The words that are said to stand in the passage with this number, from 0."""

    passage: int
    words: str


@dataclass(frozen=True, slots=True)
class SupportCase:
    """One claim, what it is said to rest on, and whether that carries it.

    Attributes:
        language: The language that the claim is written in.
    """

    id: str
    template: str
    language: CaseLanguage
    passages: tuple[CasePassage, ...]
    quotes: tuple[CaseQuote, ...]
    claim: str

    @property
    def category(self) -> str:
        """The row of the report it counts in."""
        return TEMPLATES[self.template].category

    @property
    def supported(self) -> bool:
        """Whether the quote carries the claim."""
        return TEMPLATES[self.template].supported


def load_cases(paths: Sequence[Path], material: Path | None = None) -> list[SupportCase]:
    """Return the cases of all files, in order.

    Args:
        material: The folder that ASSISTANT_TEST_DATA names, for cases of public text.

    Raises:
        Misuse: A file or line cannot be read, an id stands twice, public text is missing or has changed, or a case
            contradicts its template (a quote that should stand in its passage does not, or the other way round).
    """
    cases: dict[str, SupportCase] = {}
    for path in paths:
        for number, line in read_objects(path):
            place = f"{path}, line {number}"
            try:
                case = _case(line, material, place)
                _check(case, place)
            except (KeyError, TypeError, IndexError) as error:
                raise Misuse(f"{place}: a field is missing or of the wrong kind ({error!r}).") from error
            if case.id in cases:
                raise Misuse(f"{place}: the id {case.id} stands twice.")
            cases[case.id] = case
    return list(cases.values())


def _case(line: Mapping[str, Any], material: Path | None, place: str) -> SupportCase:
    if line["template"] not in TEMPLATES:
        raise Misuse(f"{place}: {line['template']!r} is no template. Choose one of {', '.join(TEMPLATES)}.")
    if line["language"] not in ("en", "nb"):
        raise Misuse(f"{place}: the language {line['language']!r} is neither en nor nb.")
    passages = tuple(_passage(passage, material, place) for passage in line["passages"])
    quotes = tuple(_quote(quote, passages, place) for quote in line["quotes"])
    claim = line["claim"]
    words = claim if isinstance(claim, str) else _edited(quotes[claim["quote"]].words, claim["edits"], place)
    return SupportCase(line["id"], line["template"], line["language"], passages, quotes, words)


def _passage(value: Mapping[str, Any], material: Path | None, place: str) -> CasePassage:
    if "text" in value:
        return CasePassage(value["title"], value.get("heading"), value["text"])
    if material is None:
        raise Misuse(f"{place}: rests on public text. Name the folder with it in ASSISTANT_TEST_DATA.")
    source = _source(material / "data" / value["file"], value.get("line_id"), place)
    text = source[1][value["start"] : value["end"]]
    if hashlib.sha256(text.encode()).hexdigest() != value["sha256"]:
        raise Misuse(f"{place}: {value['file']} holds another text at {value['start']}:{value['end']}.")
    return CasePassage(value.get("title") or source[0], value.get("heading"), text)


def _source(path: Path, line_id: str | None, place: str) -> tuple[str, str]:
    """Return title and text of a line of a corpus, or of a plain file (its name is the title)."""
    try:
        if line_id is None:
            return path.stem, path.read_text(encoding="utf-8")
        found = _lines(path).get(line_id)
    except OSError as error:
        raise Misuse(f"{place}: {path} cannot be read ({error.strerror}).") from error
    if found is None:
        raise Misuse(f"{place}: {path} has no line with the id {line_id}.")
    return found


@lru_cache(maxsize=8)
def _lines(path: Path) -> dict[str, tuple[str, str]]:
    with path.open(encoding="utf-8") as file:
        values = [json.loads(line) for line in file if line.strip()]
    return {value["_id"]: (value.get("title", ""), value["text"]) for value in values}


def _quote(value: Mapping[str, Any], passages: Sequence[CasePassage], place: str) -> CaseQuote:
    if "words" in value:
        return CaseQuote(value["passage"], value["words"])
    # `of` names the passage whose words are taken, where a false quote names another one.
    words = passages[value.get("of", value["passage"])].text[value["start"] : value["end"]]
    return CaseQuote(value["passage"], _edited(words, value.get("edits", ()), place))


def _edited(words: str, edits: Sequence[Sequence[str]], place: str) -> str:
    for old, new in edits:
        if words.count(old) != 1:
            raise Misuse(f"{place}: {old!r} stands {words.count(old)} times in {words!r}, not once.")
        words = words.replace(old, new)
    return words


def _check(case: SupportCase, place: str) -> None:
    if not isinstance(case.id, str):
        raise Misuse(f"{place}: the id {case.id!r} is not a text.")
    if any(not 0 <= quote.passage < len(case.passages) for quote in case.quotes):
        raise Misuse(f"{place}: a quote names a passage that is not there.")
    if not case.claim.strip() or not case.passages or not case.quotes:
        raise Misuse(f"{place}: a case needs a claim, a passage and a quote.")
    stand = [quote.words in case.passages[quote.passage].text for quote in case.quotes]
    should = case.template not in ("invented_quote", "other_passage")
    if should and not all(stand):
        raise Misuse(f"{place}: the quote does not stand in the passage it names.")
    if not should and all(stand):
        raise Misuse(f"{place}: the quote stands in the passage it names, which {case.template} must not.")
