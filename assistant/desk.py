"""The nouns and verbs of the staff desk: what travels between the pages that staff see and the rooms that do the work.

Like `domain`, nothing but the standard library. Moments are UTC to the minute (`2026-11-22T14:05Z`), days ISO 8601.
`by` is the name that somebody gave at the desk's door: it says who did what, and is not checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol

from assistant.domain import Answer, Chunk, Document, DocumentReport, Findings, Language, Metadata, Outcome, Reason

DraftState = Literal["waiting", "reading", "ready", "failed"]
# `unpublished`: not searched, old links open. `withdrawn`: to be erased on a day, or erased already.
HeldState = Literal["published", "unpublished", "withdrawn"]
Action = Literal[
    "published", "replaced", "edited", "unpublished", "republished", "withdrawn", "erased", "undone", "discarded",
    "removed", "restored", "repaired", "rebuilt",
]  # fmt: skip
GapKind = Literal["refused", "partly", "unhelpful"]
GapStatus = Literal["open", "writing", "answered", "out_of_scope"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something is not as it should be, in one sentence, and what to do about it, in another."""

    reason: str
    remedy: str


# ---- Receipts ----


@dataclass(frozen=True, slots=True)
class PageCheck:
    """Whether one page is found by its own sentences.

    Attributes:
        page: Physical page, from 1; None for a document without pages.
        has_text: False for a page that holds none, such as a scan.
        tried: How many of its sentences were searched for.
        found: How many of them brought their own passage back.
    """

    page: int | None
    has_text: bool
    tried: int
    found: int


@dataclass(frozen=True, slots=True)
class Twin:
    """A document that says the same as another: `same_file` byte by byte, `same_text` word by word, or nearly.

    Attributes:
        similarity: Share of common runs of words, 0 to 1.
        where: Whether the other is published, unpublished, or a draft itself.
    """

    document: str
    title: str
    kind: Literal["same_file", "same_text", "nearly_same"]
    similarity: float
    where: Literal["published", "unpublished", "draft"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one document.

    Attributes:
        pages: None where the format has none.
        empty_pages: Those without text, from 1.
        checks: Per page, or one for a document without pages; empty where nothing was searched.
        problems: What readers would miss, each with its remedy.
    """

    document: str
    title: str
    version: str
    languages: tuple[Language, ...]
    characters: int
    words: int
    chunks: int
    pages: int | None
    empty_pages: tuple[int, ...]
    findings: Findings
    notices: tuple[str, ...] = ()
    checks: tuple[PageCheck, ...] = ()
    problems: tuple[Problem, ...] = ()
    twins: tuple[Twin, ...] = ()

    @property
    def coverage(self) -> float | None:
        """The share of searched sentences that brought their own passage back; None where nothing was searched."""
        tried = sum(check.tried for check in self.checks)
        return sum(check.found for check in self.checks) / tried if tried else None


# ---- Drafts: documents on their way in ----


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is not published yet.

    Attributes:
        id: Random, for addresses.
        name: The file's name as it was given, without any folder.
        document: The path inside the corpus that it would get.
        metadata: What the file says and staff have changed; goes into the sidecar when it is published.
        source_url: Where it was fetched, or None.
        replaces: The published document that it is a new version of, or None.
        problem: Why it cannot be read; None unless `failed`.
    """

    id: str
    name: str
    state: DraftState
    added_by: str
    added_at: str
    document: str
    title: str
    metadata: Metadata = field(default_factory=Metadata)
    source_url: str | None = None
    replaces: str | None = None
    receipt: Receipt | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """How far the reading of drafts is: `done` of `total` files, and the seconds left (None while nobody can say)."""

    done: int
    total: int
    current: str | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """A document as the assistant reads it, with the borders of its chunks, in order."""

    document: Document
    chunks: tuple[Chunk, ...]


class Drafts(Protocol):
    """Documents on their way in. Every method raises `UsageError` for a draft that is not (or no longer) there."""

    def add(self, name: str, file: Path, *, by: str, replaces: str | None = None) -> Sequence[Draft]:
        """Take a file over (it is moved away) and read it in the background; a zip file becomes one draft per document.

        Args:
            name: As the browser gave it; never used as a path unchecked.

        Raises:
            UsageError: It cannot be taken: reason and remedy in one sentence.
        """
        ...

    def add_link(self, url: str, *, by: str, replaces: str | None = None) -> Draft:
        """Fetch a public address and take what it gives as a draft.

        Raises:
            FetchError: It cannot be fetched, or must not be.
        """
        ...

    def all(self) -> Sequence[Draft]:
        """Return all drafts, oldest first."""
        ...

    def get(self, draft_id: str) -> Draft | None:
        """Return one draft, or None."""
        ...

    def reading(self) -> Reading:
        """Return how far the reading is."""
        ...

    def describe(self, draft_id: str, values: Mapping[str, Any], *, by: str) -> Draft:
        """Change what is known about a draft and read it again.

        Args:
            values: Keys of front matter (`title`, `language`, `publisher`, `published`, `checked`, `valid_until`,
                `check_again_by`, `status`, `url`, `audience`, `stage`) with text, or a list of texts; empty takes the
                key out.

        Raises:
            UsageError: A value is wrong: which, and what is expected.
        """
        ...

    def make_version_of(self, draft_id: str, document: str | None, *, by: str) -> Draft:
        """Make a draft the new version of a document that is in; None lets it be a document of its own again.

        Raises:
            UsageError: There is no such document, or another draft already replaces it.
        """
        ...

    def preview(self, draft_id: str) -> Preview | None:
        """Return the draft as the assistant reads it, or None while it is not read or cannot be."""
        ...

    def ask(self, draft_id: str, question: str) -> Answer:
        """Answer a question from this draft alone."""
        ...

    def publish(self, draft_id: str, *, by: str) -> DocumentReport:
        """Put the draft into the corpus and make it searchable; afterwards it is no draft any more."""
        ...

    def discard(self, draft_id: str, *, by: str) -> None:
        """Throw the draft away."""
        ...


# ---- The shelf: documents that are in ----


@dataclass(frozen=True, slots=True)
class Held:
    """One document of the library.

    Attributes:
        since: For `unpublished` and `withdrawn`: the day on which it became so.
        erase_on: For `withdrawn`: the day on which it is erased for good; None once that has happened.
        embedded: Whether it is found by meaning too; until then by its words.
        pages: None where the format has none.
        stored_at: When this version was read.
    """

    id: str
    title: str
    state: HeldState
    version: str
    language: Language
    metadata: Metadata
    chunks: int
    pages: int | None
    embedded: bool
    stored_at: str
    since: str | None = None
    erase_on: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A version whose text is shown nowhere any more.

    Attributes:
        withdrawn_on: The day since which; `erase_on` the day on which its words are erased for good.
        erased: Whether they are.
    """

    document_id: str
    version: str
    title: str
    language: Language
    withdrawn_on: str
    erase_on: str
    erased: bool


@dataclass(frozen=True, slots=True)
class HeldVersion:
    """One version of a document that is kept, so that old citations open."""

    version: str
    stored_at: str
    current: bool


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """One line of a comparison of two versions."""

    kind: Literal["same", "added", "removed"]
    text: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did at the desk.

    Attributes:
        detail: What staff should know besides, in plain words, such as the keys that were changed; may be empty.
        undoable: Whether `undo` can still take it back.
    """

    id: int
    at: str
    by: str
    action: Action
    document: str
    title: str
    detail: str = ""
    undoable: bool = False


class Shelf(Protocol):
    """Documents that are in. Every method raises `UsageError` with one sentence where it cannot do what it is asked."""

    def all(self) -> Sequence[Held]:
        """Return the documents, by id: published, unpublished and withdrawn ones."""
        ...

    def get(self, document_id: str) -> Held | None:
        """Return one document, or None."""
        ...

    def versions(self, document_id: str) -> Sequence[HeldVersion]:
        """Return the versions that are kept, newest first."""
        ...

    def preview(self, document_id: str, version: str | None = None) -> Preview | None:
        """Return a version (the current one by default) as the assistant reads it, or None."""
        ...

    def check(self, document_id: str) -> Receipt:
        """Return the receipt of a document, with its pages searched for just now."""
        ...

    def edit(self, document_id: str, values: Mapping[str, Any], *, by: str) -> Held:
        """Change what is known about a document; `values` as for `Drafts.describe`."""
        ...

    def unpublish(self, document_id: str, *, by: str) -> Held:
        """Let a document answer no more; its old links still open."""
        ...

    def republish(self, document_id: str, *, by: str) -> Held:
        """Let an unpublished document answer again."""
        ...

    def withdraw(self, document_id: str, *, by: str) -> Held:
        """Take a document out for good: its text is shown nowhere from now on, and all of it is erased in 30 days."""
        ...

    def undo(self, deed_id: int, *, by: str) -> Deed:
        """Take back a deed, as long as nothing newer stands on it, and return the deed that did so."""
        ...

    def fetch_again(self, document_id: str, *, by: str) -> Draft:
        """Fetch the address that a document came from, as a draft that replaces it.

        Raises:
            FetchError: It cannot be fetched, or must not be.
        """
        ...

    def difference(
        self, document_id: str, *, draft_id: str | None = None, version: str | None = None
    ) -> Sequence[ChangedLine]:
        """Return what changed between a version (the one before by default) or the current one and a draft."""
        ...

    def history(self, document_id: str | None = None, *, limit: int = 200) -> Sequence[Deed]:
        """Return what was done, newest first; to one document or to all."""
        ...


# ---- The gap board ----


@dataclass(frozen=True, slots=True)
class AskedInVain:
    """A question that founders got no whole answer to.

    Attributes:
        text: As asked, without addresses and numbers of persons; None where texts are not kept.
        missing: The part that was not answered, for `partly`.
        count: How often it was asked, in the same words.
        answered_now: Whether the documents answer it since; None until it was asked again.
    """

    id: int
    text: str | None
    language: Language
    kind: GapKind
    outcome: Outcome
    reason: Reason | None
    missing: str | None
    first_day: str
    last_day: str
    count: int
    answered_now: bool | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that mean the same.

    Attributes:
        title: The question that stands for them; empty where no words are kept.
        counts: By month (`2026-11`), oldest first.
        nearest: Documents that come nearest: id and title.
    """

    id: int
    title: str
    status: GapStatus
    questions: tuple[AskedInVain, ...]
    counts: tuple[tuple[str, int], ...]
    nearest: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def count(self) -> int:
        """How often its questions were asked."""
        return sum(question.count for question in self.questions)


@dataclass(frozen=True, slots=True)
class GapKeeping:
    """What the gap board keeps: for how many days, and whether the words of questions are among it."""

    days: int
    texts: bool


class Gaps(Protocol):
    """The gap board. Every method raises `UsageError` with one sentence where it cannot do what it is asked."""

    @property
    def keeping(self) -> GapKeeping:
        """What is kept, and for how long."""
        ...

    def board(self) -> Sequence[Gap]:
        """Return the groups, those asked most first; open ones before the others."""
        ...

    def set_status(self, gap_id: int, status: GapStatus, *, by: str, note: str | None = None) -> Gap:
        """Change what is being done about a group."""
        ...

    def merge(self, gap_ids: Sequence[int], *, by: str) -> Gap:
        """Make one group of several."""
        ...

    def split(self, gap_id: int, question_ids: Sequence[int], *, by: str) -> Gap:
        """Make a group of its own of some questions of another, and return it."""
        ...

    def ask_again(self) -> Sequence[Gap]:
        """Ask the open questions once more, and return the groups of which every question is answered now."""
        ...

    def why(self, question: str) -> Mapping[str, Any]:
        """Return *why this answer* for a question, as `Assistant.explain`."""
        ...

    def csv(self) -> bytes:
        """Return the board as CSV, in UTF-8 with a byte order mark; no cell starts a formula."""
        ...


# ---- Health and upkeep ----


@dataclass(frozen=True, slots=True)
class HealthLine:
    """A document that needs a look, and why.

    Attributes:
        kind: Past its review date, near it, past its last day, never cited, a draft that nobody approved, without a
            translation.
        day: The day that the kind speaks of, or None.
    """

    document: str
    title: str
    kind: Literal["review_past", "review_near", "out_of_date", "never_cited", "not_approved", "no_translation"]
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree between corpus, library, vector index, word index and journal."""

    kind: str
    document: str | None
    sentence: str
    repairable: bool = True


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the doctor found.

    Attributes:
        chunks: How many there are; the ids of all of them were compared.
        seconds: The wall time.
        searched: How many of them were searched for by their own words and vectors: all, or a sample of many.
        embedded_by: What computed the vectors, with number types; None where nothing has.
    """

    differences: tuple[Difference, ...]
    documents: int
    chunks: int
    seconds: float
    searched: int = 0
    embedded_by: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "healthy": not self.differences,
            "documents": self.documents,
            "chunks": self.chunks,
            "searched": self.searched,
            "embedded_by": self.embedded_by,
            "seconds": round(self.seconds, 3),
            "differences": [
                {"kind": found.kind, "document": found.document, "sentence": found.sentence,
                 "repairable": found.repairable}
                for found in self.differences
            ],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CheckReport:
        """Return the report that `to_dict` described."""
        differences = tuple(Difference(**found) for found in values["differences"])
        return cls(
            differences,
            values["documents"],
            values["chunks"],
            values["seconds"],
            values["searched"],
            values.get("embedded_by"),  # which an older release does not tell
        )


class Upkeep(Protocol):
    """Looking after the whole."""

    def health(self) -> Sequence[HealthLine]:
        """Return the documents that need a look."""
        ...

    def check(self) -> CheckReport:
        """Compare corpus, library, both indexes and journal."""
        ...

    def repair(self, *, by: str) -> CheckReport:
        """Mend what can be mended, and return what is left."""
        ...

    def backup(self, out: BinaryIO) -> None:
        """Write corpus, library, originals and journal as one file that `ingest.py --restore` reads."""
        ...


class Staff(Protocol):
    """Everything that the desk can do."""

    @property
    def drafts(self) -> Drafts:
        """Documents on their way in."""
        ...

    @property
    def shelf(self) -> Shelf:
        """Documents that are in."""
        ...

    @property
    def gaps(self) -> Gaps:
        """What founders asked in vain."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """Looking after the whole."""
        ...
