"""Answers and citations as HTML: pure functions, without a server, a browser or a clock.

Every text that comes from a document, a question or an answer passes through `escape`, and so stays text. The HTML
travels inside a Gradio `Markdown` component (Gradio's `HTML` component needs `unsafe-eval`, which our policy forbids),
so it is one line without a raw newline: a blank line would end Markdown's HTML block.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import takewhile
from urllib.parse import quote as percent_encode

from assistant.domain import Answer, Citation, WritingModel
from assistant.web import mail
from assistant.web.among import link_among
from assistant.web.words import WORDS, InterfaceLanguage

# Letters, digits, spaces and everything outside ASCII mean nothing to HTML, Markdown or LaTeX; all else is encoded.
_ACTIVE = re.compile(r"[^0-9A-Za-z \u0080-\U0010ffff]")
# A browser cannot show these, and a lone surrogate cannot be sent at all.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MARKERS = re.compile(r"((?:\s?\[\d+\])+)")
_NUMBERS = re.compile(r"\[(\d+)\]")
_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
# For these the page has words of its own for all that the text of a refusal says.
_EXPLAINED_BY_THE_PAGE = ("off_topic", "not_covered", "false_premise")
_PUBLISHER = 'class="publisher"'
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question of a conversation and what became of it.

    Attributes:
        answer: What the assistant said, so far or in full; None while it looks, and where it could not say anything.
        failure: The sentence of an `AssistantError`, shown under what was said before; None otherwise.
        failed: Something unforeseen happened: the page says so in its own words.
        stopped: The visitor stopped it: nothing more comes.
        titles: Titles of the documents that the answer names only by id.
        suggestions: Questions to go on with, that the documents answer.
        place: How many stand in line until this one is read, itself included; 0 while it is read.
    """

    question: str
    answer: Answer | None = None
    failure: str | None = None
    failed: bool = False
    stopped: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    place: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        whole = self.answer is not None and self.answer.complete
        return whole or self.stopped or self.failed or self.failure is not None

    def sorry(self, language: InterfaceLanguage) -> str | None:
        """Return the sentence that stands in the place of an answer, or None."""
        return WORDS[language]["unexpected"] if self.failed else self.failure


def escape(text: str) -> str:
    """Return `text` as HTML that shows exactly these characters, and means nothing to Markdown or LaTeX."""
    return _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", _UNSHOWABLE.sub("\ufffd", text))


def source_address(document_id: str) -> str:
    """Return our viewer's address of a document in its current version."""
    return f"/source/{percent_encode(document_id, safe='/')}"


def format_date(value: str, language: InterfaceLanguage) -> str:
    """Return an ISO date of any precision as people write it: `22 Nov 2026`, `Nov 2026`, `2026`.

    Anything else is returned as it stands, since a source may say "spring 2021".
    """
    words = WORDS[language]
    match = _PARTIAL_DATE.fullmatch(value.strip())
    if not match:
        return value
    year, month, day = match.groups()
    name = words.get(f"month_{month}")
    if month is None:
        return year
    if name is None:
        return value
    if day is None:
        return words["date_month"].format(month=name, year=year)
    return words["date_day"].format(day=int(day), month=name, year=year)


def is_past(valid_until: str, today: date) -> bool:
    """Return whether a date of any precision lies wholly before `today`; False for words that are no date."""
    match = _PARTIAL_DATE.fullmatch(valid_until.strip())
    if not match:
        return False
    # `2026` is past when 2026 is over: ISO dates of equal length compare as text.
    precise = match[0]
    return today.isoformat()[: len(precise)] > precise


def web_address(address: str | None) -> str | None:
    """Return the address if a link may carry it: http or https, nothing that runs a script; else None."""
    return address if address and _WEB_ADDRESS.fullmatch(address) else None


def conversation(
    exchanges: Sequence[Exchange], language: InterfaceLanguage, contact: str | None = None, below: Sequence[str] = ()
) -> str:
    """Return the whole conversation; an empty one is the empty string.

    Args:
        below: HTML that stands below each exchange, as many as there are; nothing where none is given.
    """
    if not exchanges:
        return ""
    feet = below or [""] * len(exchanges)
    parts = "".join(
        _exchange(exchange, language, contact, under) for exchange, under in zip(exchanges, feet, strict=True)
    )
    title = f'<h2 class="hidden">{escape(WORDS[language]["conversation"])}</h2>'
    return f'<div class="conversation">{title}{parts}</div>'


def sources(answer: Answer | None, titles: Mapping[str, str], language: InterfaceLanguage, today: date) -> str:
    """Return the sources panel of the latest answer: a card for each citation, or one calm sentence."""
    words = WORDS[language]
    heading = f'<h2 class="panel-title">{escape(words["sources"])}</h2>'
    if answer is None or not answer.citations:
        sentence = words["sources_empty" if answer is None else "sources_none"]
        return f'<div class="sources">{heading}<p class="quiet">{escape(sentence)}</p></div>'
    count = len(answer.citations)
    line = words["source_count_one"] if count == 1 else words["source_count"].format(count=count)
    of_source: dict[tuple[str, str, str], list[Citation]] = {}
    for citation in answer.citations:
        of_source.setdefault((citation.document, citation.version, citation.title), []).append(citation)
    cards = "".join(_card(cited, answer.citations, titles, language, today) for cited in of_source.values())
    return f'<div class="sources">{heading}<p class="quiet">{escape(line)}</p><ol class="cards">{cards}</ol></div>'


def announcement(exchange: Exchange, language: InterfaceLanguage) -> str:
    """Return what a screen reader is told when something new stands in the conversation."""
    words = WORDS[language]
    sorry = exchange.sorry(language)
    if sorry is not None:
        return f"<p>{escape(sorry)}</p>"
    if exchange.answer is None:
        return f"<p>{escape(words['stopped_empty' if exchange.stopped else 'reading'])}</p>"
    if not exchange.ended:
        # The same for every sentence that comes: a region that does not change does not interrupt the reader.
        return f"<p>{escape(words['writing'])}</p>"
    said = f'<p lang="{exchange.answer.language}">{escape(exchange.answer.plain_text)}</p>'
    stopped = f"<p>{escape(words['stopped'])}</p>" if exchange.stopped else ""
    return f"<p>{escape(words['assistant_answered'])}</p>{said}{stopped}"


def banner(language: InterfaceLanguage, *, settled: bool = True) -> str:
    """Return the head of the page: the programme's name, and what the assistant does and does not do.

    The style sheet hides a page that is not settled: its language is still being asked for, and a page that changes
    language under the reader's eyes is worse than one that comes a moment later.
    """
    words = WORDS[language]
    name = f'<span class="wordmark">{escape(words["wordmark"])}</span>'
    line = f'<span class="wordmark-line">{escape(words["wordmark_line"])}</span>'
    does = f'<span>{escape(words["does"])}</span> <span class="does-not">{escape(words["does_not"])}</span>'
    title = f'<span class="page-title">{escape(words["page_title"])}</span>'
    state = "" if settled else " unsettled"
    return f'<div class="banner{state}" lang="{language}"><h1>{name} {line}</h1><p class="does">{does}</p>{title}</div>'


def welcome(language: InterfaceLanguage, *, ready: bool, model: WritingModel | None = None) -> str:
    """Return what opens an empty page.

    There is a note while the documents are being prepared, and one that says where questions go where a model writes.
    """
    words = WORDS[language]
    note = "" if ready else f'<p class="note">{escape(words["not_ready"])}</p>'
    return f'<div class="welcome"><h2>{escape(words["hero"])}</h2>{note}{_where_questions_go(model, language)}</div>'


def lead(language: InterfaceLanguage) -> str:
    """Return the line above the starter questions."""
    return f'<p class="quiet">{escape(WORDS[language]["starters"])}</p>'


def hint(text: str, *, warning: bool = False) -> str:
    """Return the line under the question box."""
    return f'<p class="hint{" warning" if warning else ""}">{escape(text)}</p>'


def confidence_hint(language: InterfaceLanguage, model: WritingModel | None, *, keeps_words: bool = False) -> str:
    """Return the line under the question box that asks for nothing confidential, and says where questions go.

    Args:
        keeps_words: Whether questions without a whole answer are written down.
    """
    words = WORDS[language]
    elsewhere = model is not None and not model.stays_here
    said = words["hint_host"].format(host=model.host) if model and elsewhere else words["hint_memory"]
    return hint(f"{said} {words['hint_kept']}" if keeps_words else said)


def _where_questions_go(model: WritingModel | None, language: InterfaceLanguage) -> str:
    """Return who writes the answers and where questions go; nothing where no model writes."""
    if model is None:
        return ""
    line = WORDS[language]["model_here" if model.stays_here else "model_elsewhere"]
    return f'<p class="who-writes">{escape(line.format(model=model.name, host=model.host))}</p>'


def _exchange(exchange: Exchange, language: InterfaceLanguage, contact: str | None, below: str) -> str:
    """Return one question, its answer, and what stands below it."""
    words = WORDS[language]
    question = (
        f'<div class="question"><h3 class="hidden">{escape(words["you_asked"])}</h3>'
        f'<p dir="auto">{escape(exchange.question)}</p></div>'
    )
    return f'<div class="exchange">{question}{_reply(exchange, language, contact)}{below}</div>'


def _reply(exchange: Exchange, language: InterfaceLanguage, contact: str | None) -> str:
    """Return what stands under a question: an answer, a refusal, a failure, or that the assistant is looking.

    What was shown before a failure stays, since the reader may have read it.
    """
    words = WORDS[language]
    sorry = exchange.sorry(language)
    failure = "" if sorry is None else _notice("failure", words["not_answered"], f"<p>{escape(sorry)}</p>")
    if exchange.answer is None and failure:
        return f'<div class="reply">{failure}</div>'
    if exchange.answer is None and exchange.stopped:
        return f'<div class="reply">{_quiet_line("stopped", words["stopped_empty"])}</div>'
    if exchange.answer is None:
        doing = words["in_line"].format(place=exchange.place) if exchange.place else words["reading"]
        return f'<div class="reply reading"><p>{escape(doing)}<span class="dots"></span></p></div>'
    if exchange.answer.abstained:
        return _refusal(exchange.answer, exchange, language, contact)
    inside = _answer(exchange.answer, exchange, language, contact)
    return f'<div class="reply{"" if exchange.ended else " writing"}">{inside}{failure}</div>'


def _quiet_line(name: str, sentence: str) -> str:
    """Return a line about an answer, set more softly than the answer."""
    return f'<p class="{name}">{escape(sentence)}</p>'


def _answer(answer: Answer, exchange: Exchange, language: InterfaceLanguage, contact: str | None) -> str:
    """Return an answer with its markers and how the question was understood.

    A doubt about the question stands before the quotes, since they are to be read with it; what the documents do not
    hold stands after them, with the way to a person.
    """
    words = WORDS[language]
    title = f'<h3 class="hidden">{escape(words["assistant_answered"])}</h3>'
    before = after = ""
    if answer.reason == "false_premise":
        before = _notice("doubt", words["doubted"], f"<p>{escape(words['doubted_advice'])}</p>")
    if answer.missing:
        part = f"<p>{escape(words['quoted_part'].format(part=answer.missing))}</p>"
        nearest = _nearest(answer.nearest, exchange.titles, language)
        after = _notice("gap", words["missing"], part + nearest + _contact(exchange, contact, language))
    elif answer.model and answer.outcome == "partly" and not before:
        after = _notice("gap", words["may_be_more"], _contact(exchange, contact, language))
    said = _written(answer, exchange.ended, language) if answer.model else _said(answer, language)
    return f"{title}{_understood_as(answer, language)}{before}{said}{_state(exchange, language)}{after}"


def _written(answer: Answer, ended: bool, language: InterfaceLanguage) -> str:
    """Return an answer that a model wrote: its sentences, who wrote them, and quotes of ours where it wrote too little.

    The paragraph between the two is the assistant's own and says why the quotes follow. What it says at the end of part
    of an answer, or of left out sentences, the page says itself, in the visitor's language.
    """
    numbers = {str(citation.number) for citation in answer.citations}
    paragraphs = answer.text.split("\n\n")
    quoting = [bool(numbers & set(_NUMBERS.findall(one))) for one in paragraphs]
    written = list(takewhile(lambda place: quoting[place], range(len(paragraphs))))
    rest = range(len(written), len(paragraphs))
    quoted = [place for place in rest if quoting[place]]
    by_model = _said(answer, language, "\n\n".join(paragraphs[place] for place in written)) if written else ""
    remark = ""
    said_by_the_page = answer.reason != "model_failed" and (answer.outcome == "partly" or answer.left_out)
    if quoted or (rest and not said_by_the_page):
        own = f'<p lang="{answer.language}">{escape(paragraphs[rest[0]])}</p>'
        remark = _notice("aside", WORDS[language]["from_documents"], own)
    said_already = bool(remark) and answer.reason != "model_failed"
    line = _who_wrote(answer, language, left_out=0 if said_already else answer.left_out) if written and ended else ""
    by_us = _said(answer, language, "\n\n".join(paragraphs[place] for place in quoted)) if quoted else ""
    return by_model + line + remark + by_us


def _who_wrote(answer: Answer, language: InterfaceLanguage, *, left_out: int) -> str:
    """Return which model wrote the sentences, how they were checked and how many are not shown."""
    words = WORDS[language]
    sentences = [words["written_by"].format(model=answer.model)]
    if left_out:
        sentences.append(words["left_out_one" if left_out == 1 else "left_out"].format(count=left_out))
    return _quiet_line("written", " ".join(sentences))


def _state(exchange: Exchange, language: InterfaceLanguage) -> str:
    """Return that an answer is still being written, or that it was stopped; nothing for a whole one."""
    words = WORDS[language]
    if exchange.stopped:
        return _quiet_line("stopped", words["stopped"])
    return "" if exchange.ended else f'<p class="in-writing">{escape(words["writing"])}<span class="dots"></span></p>'


def _refusal(answer: Answer, exchange: Exchange, language: InterfaceLanguage, contact: str | None) -> str:
    """Return a calm notice: why there is no answer, what to read instead, and whom to ask.

    What the documents say against a question is quoted as in an answer. Otherwise the answer's words are shown only for
    a reason that the page does not explain itself: it names the missing words and the nearest documents with links.
    """
    words = WORDS[language]
    title = words[f"refused_{answer.reason}" if answer.reason else "refused"]
    understood, person = _understood_as(answer, language), _contact(exchange, contact, language)
    if answer.citations:
        says = f"<p>{escape(words['documents_say'])}</p>" if answer.reason == "false_premise" else ""
        notice = _notice("refusal", title, says)
        return f'<div class="reply refused">{understood}{notice}{_said(answer, language)}{person}</div>'
    inside = "" if answer.reason in _EXPLAINED_BY_THE_PAGE or not answer.text else _said(answer, language)
    if answer.missing:
        inside += f"<p>{escape(words['nothing_on'].format(words=answer.missing))}</p>"
    inside += _nearest(answer.nearest, exchange.titles, language) + person
    return f'<div class="reply refused">{understood}{_notice("refusal", title, inside)}</div>'


def _notice(name: str, title: str, inside: str) -> str:
    """Return a box in which the page itself speaks; `inside` is HTML already."""
    return f'<div class="notice {name}"><h3 class="notice-title">{escape(title)}</h3>{inside}</div>'


def _said(answer: Answer, language: InterfaceLanguage, text: str | None = None) -> str:
    """Return the answer's words in the answer's language: all that the page does not say itself, or a part of them."""
    shown = _without_own_words(answer) if text is None else text
    return f'<div class="answer" lang="{answer.language}">{_answer_text(shown, answer.citations, language)}</div>'


def _understood_as(answer: Answer, language: InterfaceLanguage) -> str:
    """Return how a follow-up was read, where it was not read as written."""
    if answer.query.search_text == answer.query.text:
        return ""
    line = WORDS[language]["understood_as"].format(question=answer.query.search_text)
    return f'<p class="understood">{escape(line)}</p>'


def _nearest(document_ids: Sequence[str], titles: Mapping[str, str], language: InterfaceLanguage) -> str:
    """Return links to the nearest documents; nothing where there are none."""
    if not document_ids:
        return ""
    items = "".join(f"<li>{_document_link(document_id, titles)}</li>" for document_id in document_ids)
    return f'<p class="nearest-title">{escape(WORDS[language]["nearest"])}</p><ul class="nearest">{items}</ul>'


def _document_link(document_id: str, titles: Mapping[str, str]) -> str:
    """Return a link to a document by its title, or by its id where the title is not known."""
    return _link(source_address(document_id).lstrip("/"), escape(titles.get(document_id, document_id)))


def _contact(exchange: Exchange, contact: str | None, language: InterfaceLanguage) -> str:
    """Return the way to a person: whom to ask, and an e-mail with the question and what was found filled in."""
    words = WORDS[language]
    if contact:
        shown = _link(contact, escape(contact)) if web_address(contact) else f"<strong>{escape(contact)}</strong>"
        person = f"{escape(words['contact'])} {shown}"
    else:
        person = escape(words["contact_nobody"])
    letter = ""
    if exchange.answer:
        address = mail.draft(exchange.question, exchange.answer, exchange.titles, contact, language)
        letter = f' <a class="letter" href="{escape(address)}">{escape(words["write_mail"])}</a>'
    return f'<p class="contact">{person}{letter}</p>'


def _answer_text(text: str, cited: Sequence[Citation], language: InterfaceLanguage) -> str:
    """Return an answer's lines as paragraphs and lists, with each marker as a link to its quote."""
    citations = {citation.number: citation for citation in cited}
    blocks: list[str] = []
    items: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("- "):
            items.append(f"<li>{_line(line[2:], citations, language)}</li>")
            continue
        if items:
            blocks.append(f"<ul>{''.join(items)}</ul>")
            items = []
        if line.strip():
            blocks.append(f"<p>{_line(line, citations, language)}</p>")
    return "".join(blocks)


def _without_own_words(answer: Answer) -> str:
    """Return the text without the paragraphs before and after the quotes, in an answer that is not a whole one.

    There the assistant speaks itself, about what is missing or doubtful, and the page says the same in a notice.
    """
    if answer.outcome == "answered":
        return answer.text
    numbers = {str(citation.number) for citation in answer.citations}
    paragraphs = answer.text.split("\n\n")
    quoting = [place for place, one in enumerate(paragraphs) if numbers & set(_NUMBERS.findall(one))]
    return "\n\n".join(paragraphs[quoting[0] : quoting[-1] + 1]) if quoting else answer.text


def _line(line: str, citations: Mapping[int, Citation], language: InterfaceLanguage) -> str:
    """Return one line of an answer: its words as written, each run of markers as links with their dates."""
    parts = _MARKERS.split(line)
    return "".join(
        _markers(part, citations, language) if index % 2 else escape(_cells(part)) for index, part in enumerate(parts)
    )


def _markers(run: str, citations: Mapping[int, Citation], language: InterfaceLanguage) -> str:
    """Return a run such as ` [1][2]` as links; a number without a citation stays as it was written."""
    links: list[str] = []
    dates: list[str] = []
    for marker, number in re.findall(r"(\s?\[(\d+)\])", run):
        citation = citations.get(int(number)) if len(number) < 6 else None
        if citation is None:
            links.append(escape(marker))
            continue
        links.append(_marker(citation, tuple(citations.values()), language))
        if citation.dated and _told_first(citation, citations, language):
            dates.append(_source_dates(citation, language))
    notes = "".join(f' <small class="dated">({escape(note)})</small>' for note in dict.fromkeys(dates))
    return "".join(links) + notes


def _told_first(citation: Citation, citations: Mapping[int, Citation], language: InterfaceLanguage) -> bool:
    """Return whether a citation is the first of the answer whose source has these dates: they are told once."""
    dates = _source_dates(citation, language)
    same = (one.number for one in citations.values() if one.dated and _source_dates(one, language) == dates)
    return citation.number == min(same)


def _marker(citation: Citation, among: Sequence[Citation], language: InterfaceLanguage) -> str:
    """Return the marker of one citation: a link to the quote in the viewer, and the card that shows it on the spot.

    The style sheet opens the card under the marker while the pointer or the keyboard is on it.
    """
    words = WORDS[language]
    # Gradio's sanitising takes `aria-label` away, so what only a screen reader says is hidden text.
    before = f'<span class="hidden">{escape(words["source_number"].format(number=""))}</span>'
    after = f'<span class="hidden">: {escape(citation.title)}, {escape(words["new_tab"])}</span>'
    marker = _link(link_among(among, citation.number), f"{before}{citation.number}{after}", 'class="marker"')
    quote = f'<span class="peek-quote" lang="{citation.language}" dir="auto">{escape(_cells(citation.quote))}</span>'
    facts = " · ".join([citation.title, *_place(citation, language)[:-1], *_byline(citation, language)[-1:]])
    card = f'<span class="peek" role="tooltip">{quote}<span class="peek-facts">{escape(facts)}</span></span>'
    return f'<span class="cite">{marker}{card}</span>'


def _source_dates(citation: Citation, language: InterfaceLanguage) -> str:
    """Return `source 2021, checked 22 Nov 2026`, or that no date is stated."""
    words = WORDS[language]
    published = (
        words["source_dated"].format(date=format_date(citation.published[:4], language))
        if citation.published
        else words["date_not_stated"]
    )
    if not citation.checked:
        return published
    return f"{published}, {words['checked'].format(date=format_date(citation.checked, language))}"


def _card(
    cited: Sequence[Citation],
    among: Sequence[Citation],
    titles: Mapping[str, str],
    language: InterfaceLanguage,
    today: date,
) -> str:
    """Return one source of the panel: whose words, how old, and each quote from it with its place.

    Args:
        cited: The citations of this source, at least one.
        among: All citations of the answer.
    """
    source = cited[0]
    head = f'<h3 lang="{source.language}">{escape(source.title)}</h3>'
    quotes = "".join(_quoted(citation, among, titles, language) for citation in cited)
    address = web_address(source.source_url)
    publisher = ""
    if address:
        publisher = f'<p class="card-links">{_link(address, _tab("publisher_page", language), _PUBLISHER)}</p>'
    return (
        f'<li class="card">{head}{_facts("byline", _byline(source, language))}{_flags(source, language, today)}'
        f"{quotes}{publisher}</li>"
    )


def _quoted(
    citation: Citation, among: Sequence[Citation], titles: Mapping[str, str], language: InterfaceLanguage
) -> str:
    """Return one quote of a card: its number, its words, where they stand, and the way there."""
    before = f'<span class="hidden">{escape(WORDS[language]["source_number"].format(number=""))}</span>'
    number = f'<span class="number">{before}{citation.number}</span>'
    words = f'<blockquote lang="{citation.language}" dir="auto">{escape(_cells(citation.quote))}</blockquote>'
    opens = _link(link_among(among, citation.number), _tab("open_source", language), 'class="open"')
    return (
        f'<div class="quoted">{number}{words}{_facts("place", _place(citation, language))}'
        f'{_also_in(citation, titles, language)}<p class="card-links">{opens}</p></div>'
    )


def _byline(citation: Citation, language: InterfaceLanguage) -> list[str]:
    """Return publisher and dates; that no date is stated where neither is known."""
    words = WORDS[language]
    facts = [citation.publisher] if citation.publisher else []
    if citation.published:
        facts.append(words["published"].format(date=format_date(citation.published, language)))
    if citation.checked:
        facts.append(words["checked"].format(date=format_date(citation.checked, language)))
    if not citation.published and not citation.checked:
        facts.append(words["date_not_stated"])
    return facts


def _flags(citation: Citation, language: InterfaceLanguage, today: date) -> str:
    """Return what readers must know before they rely on the quote: its status, and a review date that has passed."""
    flags = [citation.status] if citation.status else []
    if citation.valid_until and is_past(citation.valid_until, today):
        flags.append(WORDS[language]["past_review"].format(date=format_date(citation.valid_until, language)))
    return "".join(f'<p class="flag">{escape(flag)}</p>' for flag in flags)


def _place(citation: Citation, language: InterfaceLanguage) -> list[str]:
    """Return where the quote stands, page or heading, and its language."""
    words = WORDS[language]
    facts = []
    page = citation.page_label or (str(citation.page) if citation.page else None)
    if page:
        facts.append(words["page"].format(label=page))
    elif citation.heading and citation.heading != citation.title:
        facts.append(words["section"].format(heading=citation.heading))
    facts.append(words["quote_language"].format(language=words[f"language_{citation.language}"]))
    return facts


def _also_in(citation: Citation, titles: Mapping[str, str], language: InterfaceLanguage) -> str:
    """Return links to the documents that hold the same words; nothing where there are none."""
    if not citation.also_in:
        return ""
    links = ", ".join(_document_link(document_id, titles) for document_id in citation.also_in)
    return f'<p class="also">{escape(WORDS[language]["also_in"])} {links}</p>'


def _tab(word: str, language: InterfaceLanguage) -> str:
    """Return what a link says that opens in a new tab, as HTML."""
    words = WORDS[language]
    return f'{escape(words[word])}<span class="hidden"> ({escape(words["new_tab"])})</span>'


def _facts(name: str, facts: Sequence[str]) -> str:
    """Return a line of short facts, parted by dots; the style sheet hides a dot that would open a line."""
    dotted = (f"<span>{'<i>·</i> ' if place else ''}{escape(fact)}</span>" for place, fact in enumerate(facts))
    return f'<p class="{name}">{" ".join(dotted)}</p>'


def _link(address: str, shown: str, attributes: str = "") -> str:
    """Return a link that opens in a new tab and tells the other page nothing; `shown` is HTML already."""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer" {attributes}>{shown}</a>'


def _cells(text: str) -> str:
    """Return `text` with the tabs between table cells as bars, for people to read."""
    return text.replace("\t", " | ")
