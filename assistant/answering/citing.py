"""The judge: a draft and the hits to an answer's text and citations. The only maker of `Citation`.

A citation exists only if its quote equals the stored text of its document version at its offsets. What fails is left
out of the answer, whoever wrote the draft.

`[n]` in an answer's text is always our marker. A source may hold such marks too: footnotes, or a forged reference.
The citation keeps them, letter by letter; in the text a footnote's mark is left out, as it points to nothing that the
reader can see, and any other number in square brackets stands in round ones.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from assistant.answering.answer_types import is_dated
from assistant.answering.planted import is_planted
from assistant.answering.tables import labelled
from assistant.domain import Citation, Claim, Document, Draft, Hit, Quote

logger = logging.getLogger(__name__)

FindDocument = Callable[[str, str], Document | None]

# Marks at the end of a clause, behind a word or a full stop, are footnotes.
_FOOTNOTES = re.compile(
    r"(?<=[^\W_])(?:\s?\[\d+\])+(?=\s*(?:[.,;:!?)\"'”’»]|$))|(?<=[.!?,;)\"'”’»])(?:\s?\[\d+\])+(?=\s|$)"
)
_NUMBER_IN_BRACKETS = re.compile(r"\[(\d+)\]")


class Verifier:
    """Takes claims one by one and keeps the answer that holds so far: its text only ever grows.

    Attributes:
        citations: What the text cites, numbered from 1.
    """

    def __init__(self, hits: Sequence[Hit], find_document: FindDocument) -> None:
        self._by_chunk = {hit.chunk.id: hit for hit in hits}
        self._find_document = find_document
        self._parts: list[tuple[Claim | None, str]] = []
        self.citations: list[Citation] = []

    def add(self, claim: Claim) -> bool:
        """Add a claim with those of its quotes that hold, and return whether one did; otherwise nothing changes.

        A quote holds that stands word for word in the stored text, at the place it names and inside one of the hits.
        A table row is shown with the names of its columns.
        """
        found = [_check(quote, self._by_chunk, self._find_document) for quote in claim.quotes]
        held = [citation for citation in found if citation is not None]
        if not held:
            logger.warning("A claim was left out because its quote is not in the source.")
            return False
        numbers = dict.fromkeys(_number(citation, self.citations) for citation in held)
        marks = "".join(f" [{number}]" for number in numbers)
        self._parts.append((_readable(claim, held[0], self._find_document), marks))
        return True

    def remark(self, words: str) -> None:
        """Add a paragraph of our own, which says something about the answer and cites nothing."""
        self._parts.append((None, words))

    @property
    def text(self) -> str:
        """The answer's text, with `[n]` right after each sentence; empty when nothing was added."""
        return _text(self._parts)


def verify(draft: Draft, hits: Sequence[Hit], find_document: FindDocument) -> tuple[str, tuple[Citation, ...]]:
    """Return the answer's text and its citations, see `Verifier`; empty when nothing holds."""
    verifier = Verifier(hits, find_document)
    for claim in draft.claims:
        verifier.add(claim)
    return verifier.text, tuple(verifier.citations)


def unmarked(text: str) -> str:
    """Return words that are not ours (a source's, a question's) without `[n]`, which would look like our marker.

    Footnotes behind a clause are left out, other numbers in square brackets stand in round ones.
    """
    return _NUMBER_IN_BRACKETS.sub(r"(\1)", _FOOTNOTES.sub("", text))


def _check(quote: Quote, by_chunk: dict[str, Hit], find_document: FindDocument) -> Citation | None:
    """Return the quote's citation, still without its number, or None when it does not hold."""
    hit = by_chunk.get(quote.chunk_id)
    if hit is None or not quote.words:
        return None
    chunk, end = hit.chunk, quote.start + len(quote.words)
    document = find_document(chunk.document_id, chunk.version)
    if document is None or quote.start < chunk.start or end > chunk.end:
        return None
    if document.text[quote.start : end] != quote.words:
        return None
    section = document.section_at(quote.start)
    metadata, heading = document.metadata, document.heading_at(quote.start)
    # An order in a title or a heading is not shown either: it would stand beside every quote below it.
    return Citation(
        number=0,
        quote=quote.words,
        document=document.id,
        version=document.version,
        title=document.id.rsplit("/", 1)[-1] if is_planted(section.title) else section.title,
        language=section.language,
        page=document.page_at(quote.start),
        page_label=document.page_label_at(quote.start),
        heading=None if heading is None or is_planted(heading) else heading,
        start=quote.start,
        end=end,
        source_url=section.url or metadata.url,
        publisher=metadata.publisher,
        published=section.published or metadata.published,
        checked=metadata.checked,
        valid_until=metadata.valid_until,
        status=metadata.status,
        dated=is_dated(quote.words),
        also_in=hit.also_in,
    )


def _readable(claim: Claim, citation: Citation, find_document: FindDocument) -> Claim:
    """Return a table row with the names of its columns, which the same table gives; any other claim as it is."""
    document = find_document(citation.document, citation.version)
    if claim.form != "row" or claim.sentence != citation.quote or document is None:
        return claim
    return replace(claim, sentence=labelled(document.text, citation.start, citation.end) or claim.sentence)


def _number(citation: Citation, citations: list[Citation]) -> int:
    """Return the number of an equal citation, or add this one with the next number."""
    for known in citations:
        if _place(known) == _place(citation):
            return known.number
    numbered = replace(citation, number=len(citations) + 1)
    citations.append(numbered)
    return numbered.number


def _place(citation: Citation) -> tuple[str, str, int, int]:
    return citation.document, citation.version, citation.start, citation.end


def _text(parts: Sequence[tuple[Claim | None, str]]) -> str:
    """Set sentences as running text, items as a list, rows on lines of their own, our own words as paragraphs."""
    text = ""
    before = ""
    for claim, marks in parts:
        if claim is None:
            text += f"\n\n{marks}" if text else marks
            before = "remark"
            continue
        sentence = unmarked(claim.sentence)
        piece = f"- {sentence}{marks}" if claim.form == "item" else f"{sentence}{marks}"
        if before:
            text += "\n\n" if before == "remark" else " " if claim.form == before == "sentence" else "\n"
        text += piece
        before = claim.form
    return text
