"""The nouns of the assistant: frozen dataclasses that travel between the rooms.

No input, no output, nothing but the standard library. Offsets are Python code points into the stored text of one
document version (Unicode NFC, line ends LF), with the end exclusive. Dates are ISO 8601 strings of any precision
(`2021`, `2021-11` or `2021-11-22`), so that a source which only names a year is not made to look more exact.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote as percent_encode

Language = Literal["en", "nb", "nn"]
Outcome = Literal["answered", "partly", "abstained", "small_talk"]
Reason = Literal["off_topic", "not_covered", "false_premise", "empty_corpus", "bad_question", "model_failed"]
Change = Literal["added", "changed", "unchanged", "removed", "failed"]

# A whole citation marker, with the numbers of every quote that carries the sentence before it.
CITATION_MARKER = re.compile(r"\s?\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Section:
    """One article of a document: the unit that chunks, sentences and citations never leave.

    A page that holds three articles in two languages is one document with three sections. `title` is the article's
    own heading, or the document's title where there is only one section.
    """

    start: int
    end: int
    title: str
    language: Language
    published: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as it stands in the stored text: `text[start:end]`, with its level from 1 (title) to 6."""

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known about a document besides its words, from front matter, a sidecar or the file's own properties.

    Attributes:
        checked: When somebody last compared the text with its sources.
        valid_until: After this date the text is out of date (front matter `valid_until`), or is to be compared with its
            sources again (`check_again_by`).
        is_review_date: `valid_until` only asks for a check: the text does not end with it.
        status: What readers must know before they rely on it, such as "draft, not reviewed by the programme".
        url: The publisher's address of the document, never ours.
        translations: Ids of documents that say the same in another language.
        unpublished: The day since which it is kept and not searched, or None.
    """

    title: str | None = None
    language: Language | None = None
    publisher: str | None = None
    published: str | None = None
    checked: str | None = None
    valid_until: str | None = None
    status: str | None = None
    url: str | None = None
    audience: tuple[str, ...] = ()
    stage: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    translations: tuple[str, ...] = ()
    is_review_date: bool = False
    # Not a part of what a version is: a document that comes back is the one that it was.
    unpublished: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HiddenText:
    """Words of a file that a reader of it would not see.

    Attributes:
        kind: In the colour of what is behind them, too small to read, beside the page, or marked as not to be shown.
        words: Their beginning, at most 200 characters.
        page: Physical page, from 1, or None.
    """

    kind: Literal["same_colour", "tiny", "off_page", "not_shown"]
    words: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What staff should know about how a file was read.

    Attributes:
        tables: How many tables were found.
        dropped: What was left out as menu, header, footer or the like: the beginning of each piece, at most 200
            characters.
        hidden: Words that a reader would not see; they are left in unless the format says not to show them.
        scanned: Pages, from 1, that show something and hold no text, such as pictures of pages.
        unreadable: Pages, from 1, that are broken.
    """

    tables: int = 0
    dropped: tuple[str, ...] = ()
    hidden: tuple[HiddenText, ...] = ()
    scanned: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the corpus as the assistant reads it.

    Attributes:
        id: POSIX path inside the corpus (NFC). Stable over all versions.
        text: The stored text. Blocks are parted by blank lines, list items start with `- ` or a number, table rows
            stand on one line with cells parted by tabs.
        sections: At least one; in order, without gaps or overlap, from 0 to `len(text)`.
        pages: Start offset of each physical page; empty where the format has no pages.
        page_labels: The page numbers as printed, one per page; empty where there are no pages.
        version: sha256 over file bytes, metadata and stored text.
    """

    id: str
    title: str
    text: str
    sections: tuple[Section, ...]
    version: str
    metadata: Metadata = field(default_factory=Metadata)
    pages: tuple[int, ...] = ()
    page_labels: tuple[str, ...] = ()
    headings: tuple[Heading, ...] = ()
    notices: tuple[str, ...] = ()
    findings: Findings = field(default_factory=Findings)

    def section_at(self, offset: int) -> Section:
        """Return the section that holds the character at `offset`; the last one for an offset past the end."""
        for section in self.sections:
            if offset < section.end:
                return section
        return self.sections[-1]

    def page_at(self, offset: int) -> int | None:
        """Return the physical page (from 1) that holds `offset`, or None where the format has no pages."""
        if not self.pages:
            return None
        return sum(1 for start in self.pages if start <= offset)

    def page_label_at(self, offset: int) -> str | None:
        """Return the printed number of the page that holds `offset`, or None."""
        page = self.page_at(offset)
        return self.page_labels[page - 1] if page and page <= len(self.page_labels) else None

    def heading_at(self, offset: int) -> str | None:
        """Return the nearest heading at or before `offset` inside the same section, or None."""
        section = self.section_at(offset)
        found: str | None = None
        for heading in self.headings:
            if heading.start > offset:
                break
            if heading.start >= section.start:
                found = self.text[heading.start : heading.end]
        return found


def version_of(file_bytes: bytes, metadata: Metadata, text: str) -> str:
    """Return the version of a document: sha256 over its file bytes, metadata and stored text, in hexadecimal."""
    digest = hashlib.sha256()
    for part in (file_bytes, repr(metadata).encode(), text.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences of one section. Law: `document.text[start:end] == chunk.text`.

    Attributes:
        id: `document_id:version:ordinal` with the first 16 digits of the version.
        title: The title of the chunk's section.
        heading: The nearest heading above the chunk, or None.
        page: Physical page (from 1) on which the chunk starts, or None.
        goes_on: It starts inside the paragraph or table in which the chunk before it ends: the first row of a table is
            then one of many, and names no columns.
    """

    id: str
    document_id: str
    version: str
    text: str
    start: int
    end: int
    title: str
    heading: str | None
    page: int | None
    language: Language
    goes_on: bool = False

    @property
    def index_text(self) -> str:
        """The text that is embedded: title and heading travel along, since a passage alone may not name its subject."""
        parts = [self.title]
        if self.heading not in (None, self.title):
            parts.append(self.heading or "")
        # A chunk that opens with its title or heading needs it only once.
        context = [part for part in parts if not self.text.startswith(part)]
        return "\n".join([". ".join(context), self.text]) if context else self.text

    @property
    def content_hash(self) -> str:
        """sha256 of what is embedded: equal texts under equal headings share one vector."""
        return hashlib.sha256(self.index_text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier question of the conversation, with the answer's text where it is known."""

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A question that can be searched.

    Attributes:
        text: As asked.
        search_text: Standing alone: what a follow-up left out is filled in from the history.
        language: The language to answer in.
    """

    text: str
    search_text: str
    language: Language
    history: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk in one ranked list.

    Attributes:
        rank: 1 for the best hit of the list, 2 for the next.
        score: What the list is sorted by; it compares hits of one list and says nothing across lists.
        similarity: Cosine of query and chunk, -1 to 1; None if only the word search found it.
        dense_rank: Place in the vector search, from 1, or None.
        lexical_rank: Place in the word search, from 1, or None.
        lexical_score: BM25 score in the word search, or None.
        also_in: Ids of documents that hold a near-identical text, collapsed into this hit.
        sentences: Cosine of the query with each unit of the chunk's text; empty until the chunk is embedded.
    """

    chunk: Chunk
    rank: int
    score: float
    similarity: float | None = None
    dense_rank: int | None = None
    lexical_rank: int | None = None
    also_in: tuple[str, ...] = ()
    sentences: tuple[float, ...] = ()
    lexical_score: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """Words that an answerer says stand in a chunk: not yet checked. `start` is an offset into the stored text."""

    chunk_id: str
    words: str
    start: int


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer and the quotes it rests on; `form` says how it is set."""

    sentence: str
    quotes: tuple[Quote, ...]
    form: Literal["sentence", "item", "row"] = "sentence"


@dataclass(frozen=True, slots=True)
class Lapse:
    """What an answerer cannot give.

    Attributes:
        kind: `left_out`, a sentence that its quotes do not carry; `not_in_sources`, the language model says that the
            passages hold no answer; `failed`, the language model gives no more; `waiting`, nothing has come for a
            moment, and the reader may stop.
        detail: Why, for staff: a check that failed, or the kind of a `ModelFailed`.
    """

    kind: Literal["left_out", "not_in_sources", "failed", "waiting"]
    detail: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer claims. Nobody sees it before the judge in `citing` has checked it."""

    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that was found, word for word, at its offsets in the stored text. Only `citing` makes one.

    Attributes:
        page: Physical page, from 1, or None; `page_label` is the number printed on it.
        source_url: The publisher's address; `link` is our viewer's.
        dated: The quote holds an amount, a date or a deadline, so its source's dates are shown beside it.
    """

    number: int
    quote: str
    document: str
    version: str
    title: str
    language: Language
    page: int | None
    page_label: str | None
    heading: str | None
    start: int
    end: int
    source_url: str | None
    publisher: str | None = None
    published: str | None = None
    checked: str | None = None
    valid_until: str | None = None
    status: str | None = None
    dated: bool = False
    also_in: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The address of our viewer, relative to the server's root, that opens the quote in its version."""
        path = percent_encode(self.document, safe="/")
        return f"/source/{path}?version={self.version}&start={self.start}&end={self.end}#quote"

    def to_dict(self) -> dict[str, Any]:
        """Return the citation's fields of the answer line."""
        return {
            "number": self.number,
            "quote": self.quote,
            "document": self.document,
            "version": self.version,
            "title": self.title,
            "language": self.language,
            "page": self.page,
            "page_label": self.page_label,
            "heading": self.heading,
            "start": self.start,
            "end": self.end,
            "source_url": self.source_url,
            "link": self.link,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What every surface shows.

    Attributes:
        text: The answer, with `[n]` right after each supported sentence.
        missing: The part of the question that the sources do not hold, or None.
        nearest: Ids of the nearest documents, for an answer that could not be given.
        seconds: Wall time of this answer, with the model loaded.
        evidence: How sure the answerability check was, from 0 to 1; None where it was not asked.
        model: The language model that wrote the sentences, or None where they are the documents' own.
        left_out: How many of its sentences are not shown because no quote carries them.
        complete: Whether this is the whole answer; while one is written it is the beginning that was checked so far.
    """

    text: str
    outcome: Outcome
    language: Language
    query: Query
    reason: Reason | None = None
    missing: str | None = None
    nearest: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    seconds: float = 0.0
    evidence: float | None = None
    model: str | None = None
    left_out: int = 0
    complete: bool = True

    @property
    def abstained(self) -> bool:
        """Whether the assistant declined to answer."""
        return self.outcome == "abstained"

    @property
    def plain_text(self) -> str:
        """The answer's text without citation markers."""
        return CITATION_MARKER.sub("", self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return the `answer` object of an answer line; its JSON Schema stands in `docs/answer.schema.json`."""
        return {
            "text": self.text,
            "outcome": self.outcome,
            "abstained": self.abstained,
            "reason": self.reason,
            "missing": self.missing,
            "nearest": list(self.nearest),
            "language": self.language,
            "citations": [citation.to_dict() for citation in self.citations],
            "seconds": round(self.seconds, 4),
        }


@dataclass(frozen=True, slots=True)
class WritingModel:
    """The language model that writes the answers.

    Attributes:
        name: As configured, `provider:model`.
        host: The machine that questions and passages are sent to.
        stays_here: Whether that is this machine.
    """

    name: str
    host: str
    stays_here: bool


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """What became of one file in a sync.

    Attributes:
        reason: For `failed`: what happened; None otherwise.
        remedy: For `failed`: what to do about it; None otherwise.
        pages: Physical pages, or None where the format has none.
        searchable_pages: Pages that hold text, or None where the format has none.
        notices: Findings that did not stop it, such as pages without text.
    """

    document: str
    change: Change
    chunks: int = 0
    pages: int | None = None
    searchable_pages: int | None = None
    language: Language | None = None
    reason: str | None = None
    remedy: str | None = None
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "document": self.document,
            "change": self.change,
            "chunks": self.chunks,
            "pages": self.pages,
            "searchable_pages": self.searchable_pages,
            "language": self.language,
            "reason": self.reason,
            "remedy": self.remedy,
            "notices": list(self.notices),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DocumentReport:
        """Return the report that `to_dict` described."""
        return cls(**{**values, "notices": tuple(values["notices"])})


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of every file in a sync. A bad file is a line in it, not a crash."""

    documents: tuple[DocumentReport, ...]
    seconds: float = 0.0
    embedded_chunks: int = 0

    def count(self, change: Change) -> int:
        """Return how many documents met this change."""
        return sum(1 for report in self.documents if report.change == change)

    @property
    def failed(self) -> Sequence[DocumentReport]:
        """The documents that are not in, each with its reason."""
        return [report for report in self.documents if report.change == "failed"]

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        changes: tuple[Change, ...] = ("added", "changed", "unchanged", "removed", "failed")
        return {
            "counts": {change: self.count(change) for change in changes},
            "seconds": round(self.seconds, 3),
            "embedded_chunks": self.embedded_chunks,
            "documents": [report.to_dict() for report in self.documents],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IngestReport:
        """Return the report that `to_dict` described."""
        documents = tuple(DocumentReport.from_dict(report) for report in values["documents"])
        return cls(documents, values["seconds"], values["embedded_chunks"])
