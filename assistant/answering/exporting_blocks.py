"""What an export says, block by block, before any format: questions, answers and their numbered quotes.

Every format shows the same blocks, and the check of a file looks for exactly these words. Quotes are numbered through
the whole file, so that `[7]` means one thing wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.domain import Answer, Citation, Language

PaperLanguage = Literal["en", "nb"]
Role = Literal[
    "title", "about", "question", "understood", "notice", "paragraph", "item", "written", "sources", "quote", "place",
    "flag", "address", "trace", "closing",
]  # fmt: skip
# What the reader takes for the answer: a change here changes what was said.
ANSWER_ROLES = frozenset({"understood", "notice", "paragraph", "item", "written"})
# What is said about a quote, under it.
PLACE_ROLES = frozenset({"place", "flag", "address", "trace"})

AUTHOR = "USA next! assistant"
# Beyond so many characters a question is set smaller: it is a letter rather than a heading.
LONG_QUESTION = 180
MARKER = re.compile(r"\[(\d+)\]")
# Behind a word that is longer than a line can be, a marker may begin a line.
_BEFORE_MARKER = re.compile(r"(?<!\S{40})\s+\Z")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.IGNORECASE)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Nobody sees these, some of them turn the words around them, and a Word file cannot hold others.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]+"
)
# How many digits of a version people see; the proof holds all of them.
_VERSION_DIGITS = 16

WORDS: Mapping[PaperLanguage, Mapping[str, str]] = {
    "en": {
        "title": "Answers from the USA next! assistant",
        "about": "Exported {date}. {questions}, {quotes}.",
        "question": "1 question",
        "questions": "{count} questions",
        "quote": "1 quote",
        "quotes": "{count} quotes",
        "understood": "Understood as: {question}",
        "abstained": "Not answered: the documents do not hold the answer.",
        "abstained_off_topic": "Not answered: the question lies outside what the documents are about.",
        "abstained_false_premise": "Not answered: the documents do not confirm what the question takes for granted.",
        "abstained_empty_corpus": "Not answered: there were no documents to answer from.",
        "abstained_bad_question": "Not answered: the assistant did not understand the question.",
        "abstained_model_failed": "Not answered: the answer could not be written.",
        "partly": "Partly answered: the documents may not answer all of the question.",
        "partly_missing": "Partly answered. Not in the documents: {missing}.",
        "partly_false_premise": (
            "Partly answered: the documents may not confirm all that the question takes for granted. Compare the "
            "answer with its quotes."
        ),
        "nearest": "The nearest documents: {titles}.",
        "own_words": "The sentences are the documents’ own.",
        "written": "Written by {model} and checked sentence by sentence against the quotes.",
        "left_out_one": "One sentence was left out because no quote carries it.",
        "left_out": "{count} sentences were left out because no quote carries them.",
        "sources": "Sources",
        "quoted": "“{words}”",
        "page": "page {label}",
        "page_printed": "page {label} (page {page} of the file)",
        "heading": "under “{heading}”",
        "published": "published {date}",
        "checked": "checked {date}",
        "undated": "date not stated",
        "language_en": "in English",
        "language_nb": "in Norwegian (bokmål)",
        "language_nn": "in Norwegian (nynorsk)",
        "also_in": "also in {titles}",
        "past_review": "Past its review date, {date}.",
        "review": "to be reviewed by {date}",
        "trace": "{document} · version {version} · characters {start}–{end}",
        "closing": (
            "Each number in square brackets leads to the quote that the sentence before it rests on. The quotes stand "
            "word for word in the documents. “python -m assistant verify” with this file checks every quote, and finds "
            "words that were changed here."
        ),
        "unicode": "Characters that this typeface lacks stand as Unicode numbers, such as [U+2603].",
        "page_of": "{page} of {pages}",
        "date_day": "{day} {month} {year}",
        "date_month": "{month} {year}",
        "months": "January February March April May June July August September October November December",
    },
    "nb": {
        "title": "Svar fra USA next!-assistenten",
        "about": "Eksportert {date}. {questions}, {quotes}.",
        "question": "1 spørsmål",
        "questions": "{count} spørsmål",
        "quote": "1 sitat",
        "quotes": "{count} sitater",
        "understood": "Forstått som: {question}",
        "abstained": "Ikke besvart: Dokumentene har ikke svaret.",
        "abstained_off_topic": "Ikke besvart: Spørsmålet ligger utenfor det dokumentene handler om.",
        "abstained_false_premise": "Ikke besvart: Dokumentene bekrefter ikke det spørsmålet tar for gitt.",
        "abstained_empty_corpus": "Ikke besvart: Det var ingen dokumenter å svare ut fra.",
        "abstained_bad_question": "Ikke besvart: Assistenten forsto ikke spørsmålet.",
        "abstained_model_failed": "Ikke besvart: Svaret kunne ikke skrives.",
        "partly": "Delvis besvart: Dokumentene svarer kanskje ikke på hele spørsmålet.",
        "partly_missing": "Delvis besvart. Står ikke i dokumentene: {missing}.",
        "partly_false_premise": (
            "Delvis besvart: Dokumentene bekrefter kanskje ikke alt spørsmålet tar for gitt. Sammenlign svaret med "
            "sitatene."
        ),
        "nearest": "De nærmeste dokumentene: {titles}.",
        "own_words": "Setningene er dokumentenes egne.",
        "written": "Skrevet av {model} og kontrollert setning for setning mot sitatene.",
        "left_out_one": "Én setning er utelatt fordi ingen av sitatene dekker den.",
        "left_out": "{count} setninger er utelatt fordi ingen av sitatene dekker dem.",
        "sources": "Kilder",
        "quoted": "«{words}»",
        "page": "side {label}",
        "page_printed": "side {label} (side {page} i filen)",
        "heading": "under «{heading}»",
        "published": "utgitt {date}",
        "checked": "kontrollert {date}",
        "undated": "dato ikke oppgitt",
        "language_en": "på engelsk",
        "language_nb": "på norsk (bokmål)",
        "language_nn": "på norsk (nynorsk)",
        "also_in": "også i {titles}",
        "past_review": "Fristen for ny kontroll er ute: {date}.",
        "review": "skal kontrolleres innen {date}",
        "trace": "{document} · versjon {version} · tegn {start}–{end}",
        "closing": (
            "Hvert tall i hakeparentes viser til sitatet som setningen foran bygger på. Sitatene står ord for ord i "
            "dokumentene. «python -m assistant verify» med denne filen kontrollerer hvert sitat og finner ord som er "
            "endret her."
        ),
        "unicode": "Tegn som mangler i denne skriften, står som Unicode-nummer, for eksempel [U+2603].",
        "page_of": "{page} av {pages}",
        "date_day": "{day}. {month} {year}",
        "date_month": "{month} {year}",
        "months": "januar februar mars april mai juni juli august september oktober november desember",
    },
}


@dataclass(frozen=True, slots=True)
class Export:
    """What somebody takes along.

    Attributes:
        exchanges: Each question with its whole answer, in the order asked.
        language: Of the paper's own words; questions, answers and quotes keep theirs.
        date: The day of the export, ISO 8601.
        titles: Titles of the documents that answers name only by id.
    """

    exchanges: tuple[tuple[str, Answer], ...]
    language: PaperLanguage
    date: str
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph of the paper.

    Attributes:
        text: As it is shown; a line end is a line break.
        language: Of these words.
        question: Which question it belongs to, from 1; None for the paper's frame.
        number: The quote's, for a quote and what stands under it.
    """

    role: Role
    text: str
    language: Language
    question: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ExportedQuote:
    """One quote of an export with all that the check needs; the fields are the citation's.

    Attributes:
        number: Its number in the file, from 1.
        question: The question that it belongs to, from 1.
    """

    number: int
    question: int
    quote: str
    document: str
    version: str
    start: int
    end: int
    title: str
    page: int | None
    page_label: str | None
    heading: str | None


def compose(export: Export, typeset: Callable[[str], str] = lambda text: text) -> tuple[Block, ...]:
    """Return the blocks of a paper, in order.

    Args:
        typeset: Returns a text as the format's typeface can show it, see `numbered`; by default it can show all.
    """
    words = WORDS[export.language]
    quotes = sum(len(answer.citations) for _, answer in export.exchanges)
    about = words["about"].format(
        date=written_date(export.date, export.language),
        questions=_count(words, "question", len(export.exchanges)),
        quotes=_count(words, "quote", quotes),
    )
    blocks = [Block("title", words["title"], export.language), Block("about", about, export.language)]
    before = 0
    for place, (question, answer) in enumerate(export.exchanges, start=1):
        blocks += _exchange(export, place, question, answer, before)
        before += len(answer.citations)
    blocks.append(Block("closing", words["closing"], export.language))
    composed = tuple(_set(block, typeset) for block in blocks)
    if any(block.text != shown(plain.text) for block, plain in zip(composed, blocks, strict=True)):
        composed += (Block("closing", words["unicode"], export.language),)
    return composed


def exported_quotes(export: Export) -> tuple[ExportedQuote, ...]:
    """Return every quote under its number in the file."""
    found: list[ExportedQuote] = []
    for place, (_, answer) in enumerate(export.exchanges, start=1):
        for citation in answer.citations:
            found.append(
                ExportedQuote(
                    len(found) + 1, place, citation.quote, citation.document, citation.version, citation.start,
                    citation.end, citation.title, citation.page, citation.page_label, citation.heading,
                )
            )  # fmt: skip
    return tuple(found)


def shown(text: str) -> str:
    """Return a text as every format shows it: table cells parted by bars, hidden characters as Unicode numbers."""
    lines = _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", text))
    return _HIDDEN.sub(lambda run: numbered(run[0]), lines.replace("\t", " | "))


def numbered(characters: str) -> str:
    """Return characters that cannot be shown as their Unicode numbers: `[U+1F600 U+2603]`."""
    return f"[{' '.join(f'U+{ord(character):04X}' for character in characters)}]"


def web_address(text: str) -> str | None:
    """Return a text if a link may carry it: http or https, nothing that runs a script; else None."""
    return text if _WEB_ADDRESS.fullmatch(text) else None


def written_date(value: str, language: PaperLanguage) -> str:
    """Return an ISO date of any precision as people write it: `22 November 2026`; anything else as it stands."""
    match = _DATE.fullmatch(value.strip())
    if not match:
        return value
    year, month, day = match.groups()
    words = WORDS[language]
    months = words["months"].split()
    if month is None or not 1 <= int(month) <= len(months):
        return value
    name = months[int(month) - 1]
    if day is None:
        return words["date_month"].format(month=name, year=year)
    return words["date_day"].format(day=int(day), month=name, year=year)


def _set(block: Block, typeset: Callable[[str], str]) -> Block:
    return Block(block.role, typeset(shown(block.text)), block.language, block.question, block.number)


def _count(words: Mapping[str, str], noun: str, count: int) -> str:
    return words[noun] if count == 1 else words[f"{noun}s"].format(count=count)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _exchange(export: Export, place: int, question: str, answer: Answer, before: int) -> list[Block]:
    """Return one question, what was answered, and the quotes behind it."""
    words, language = WORDS[export.language], export.language
    # A question that is only white space or hidden characters would be a heading without words.
    blocks = [Block("question", _one_line(question) or "–", answer.language, place)]
    if answer.query.search_text != answer.query.text:
        understood = words["understood"].format(question=_one_line(answer.query.search_text))
        blocks.append(Block("understood", understood, language, place))
    notice = _notice(answer, words)
    if notice:
        blocks.append(Block("notice", notice, language, place))
    blocks += _said(answer, place, before)
    nearest = [export.titles.get(id_, id_) for id_ in answer.nearest]
    if any(title not in answer.text for title in nearest):
        blocks.append(Block("paragraph", words["nearest"].format(titles="; ".join(nearest)), language, place))
    if answer.citations:
        blocks.append(Block("written", _who_wrote(answer, words), language, place))
        blocks.append(Block("sources", words["sources"], language, place))
    for number, citation in enumerate(answer.citations, start=before + 1):
        blocks += _source(export, place, number, citation)
    return blocks


def _notice(answer: Answer, words: Mapping[str, str]) -> str | None:
    """Return that a question was not answered, or only in part; None for a whole answer."""
    if answer.outcome == "abstained":
        return words.get(f"abstained_{answer.reason}", words["abstained"])
    if answer.outcome != "partly":
        return None
    if answer.reason == "false_premise":
        return words["partly_false_premise"]
    if answer.missing:
        return words["partly_missing"].format(missing=words["quoted"].format(words=_one_line(answer.missing)))
    return words["partly"]


def _said(answer: Answer, place: int, before: int) -> list[Block]:
    """Return the answer's lines, its markers numbered as in the file."""
    numbers = {citation.number: before + index for index, citation in enumerate(answer.citations, start=1)}

    def renumbered(marker: re.Match[str]) -> str:
        number = numbers.get(int(marker[1])) if len(marker[1]) < 6 else None
        return f"({marker[1]})" if number is None else f"[{number}]"

    blocks: list[Block] = []
    for line in answer.text.splitlines():
        text = MARKER.sub(renumbered, line)
        if text.startswith("- ") and text[2:].strip():
            blocks.append(Block("item", text[2:].strip(), answer.language, place))
        elif text.strip():
            blocks.append(Block("paragraph", text.strip(), answer.language, place))
    return blocks


def _who_wrote(answer: Answer, words: Mapping[str, str]) -> str:
    if not answer.model:
        return words["own_words"]
    sentences = [words["written"].format(model=answer.model)]
    if answer.left_out:
        key = "left_out_one" if answer.left_out == 1 else "left_out"
        sentences.append(words[key].format(count=answer.left_out))
    return " ".join(sentences)


def _source(export: Export, place: int, number: int, citation: Citation) -> list[Block]:
    """Return one quote, whose words they are, how old, and where exactly they stand."""
    words, language = WORDS[export.language], export.language
    quote = f"[{number}] {words['quoted'].format(words=citation.quote)}"
    blocks = [Block("quote", quote, citation.language, place, number)]

    def add(role: Role, text: str) -> None:
        blocks.append(Block(role, text, language, place, number))

    add("place", _place(export, citation))
    flags = _flags(export, citation)
    if flags:
        add("flag", flags)
    if citation.source_url:
        add("address", citation.source_url)
    version = citation.version[:_VERSION_DIGITS]
    span = {"start": citation.start, "end": citation.end}
    add("trace", words["trace"].format(document=citation.document, version=version, **span))
    return blocks


def _place(export: Export, citation: Citation) -> str:
    """Return whose words a quote is, where they stand and how old they are, as short facts."""
    words, language = WORDS[export.language], export.language
    facts = [_one_line(citation.title)]
    if citation.publisher and citation.publisher != citation.title:
        facts.append(_one_line(citation.publisher))
    label, page = citation.page_label, citation.page
    if label and page and label != str(page):
        facts.append(words["page_printed"].format(label=label, page=page))
    elif label or page:
        facts.append(words["page"].format(label=label or page))
    if citation.heading and citation.heading != citation.title:
        facts.append(words["heading"].format(heading=_one_line(citation.heading)))
    if citation.published:
        facts.append(words["published"].format(date=written_date(citation.published, language)))
    if citation.checked:
        facts.append(words["checked"].format(date=written_date(citation.checked, language)))
    if not citation.published and not citation.checked:
        facts.append(words["undated"])
    if citation.valid_until and not _is_past(citation.valid_until, export.date):
        facts.append(words["review"].format(date=written_date(citation.valid_until, language)))
    facts.append(words[f"language_{citation.language}"])
    if citation.also_in:
        titles = "; ".join(_one_line(export.titles.get(id_, id_)) for id_ in citation.also_in)
        facts.append(words["also_in"].format(titles=titles))
    return " · ".join(facts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _flags(export: Export, citation: Citation) -> str:
    """Return what readers must know before they rely on the quote, or an empty text."""
    flags = [f"{_capital(_one_line(citation.status).rstrip('.'))}."] if citation.status else []
    if citation.valid_until and _is_past(citation.valid_until, export.date):
        date = written_date(citation.valid_until, export.language)
        flags.append(WORDS[export.language]["past_review"].format(date=date))
    return " ".join(flags)


def _is_past(value: str, today: str) -> bool:
    """Return whether an ISO date of any precision lies wholly before another day; False for words that are no date."""
    match = _DATE.fullmatch(value.strip())
    return match is not None and today[: len(match[0])] > match[0]


def unbroken(facts: str) -> str:
    """Return facts parted by dots with the short ones, such as dates, kept on one line each."""
    return " · ".join(one.replace(" ", "\u00a0") if len(one) <= 36 else one for one in facts.split(" · "))


def marked(text: str) -> Sequence[tuple[str, int | None]]:
    """Return an answer's line in runs; a run with a number is the marker of that quote.

    The space before a marker does not break, so that none begins a line.
    """
    pieces = MARKER.split(text)
    runs = [(f"[{piece}]", int(piece)) if index % 2 else (piece, None) for index, piece in enumerate(pieces)]
    return [(run if number is not None else _BEFORE_MARKER.sub("\u00a0", run), number) for run, number in runs[:-1]] + [
        run for run in runs[-1:] if run[0]
    ]
