"""A staff desk in memory: gaps, upkeep, documents and history that behave as `assistant.desk` says, without a library.

As `Shelf` in `conftest`, another backend behind the same Protocols, not a stand-in for parts of ours. What the tests of
the pages of documents need besides stands with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import bcrypt
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.desk import (
    AskedInVain,
    CheckReport,
    Deed,
    Difference,
    Draft,
    Gap,
    GapKeeping,
    HealthLine,
    Held,
    Reading,
)
from assistant.domain import Metadata
from assistant.errors import UsageError
from assistant.web.gate import Gate
from assistant.web.staff_access import StaffDoor
from assistant.web.staff_board import board_router
from assistant.web.staff_entering import entering_router, leaving_router
from assistant.web.staff_overview import overview_router
from assistant.web.visits import Proxies

PASSWORD = "blåbær-og-tyttebær-2026"
# Of the least cost that is allowed: a test waits for it with each login.
PASSWORD_HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e$5 {braces} & 'quotes'"
OWN = {"sec-fetch-site": "same-origin"}

GAPS = (
    Gap(
        7,
        "What does an FDA 510(k) cost?",
        "open",
        (
            AskedInVain(71, "What does an FDA 510(k) cost?", "en", "refused", "abstained", "not_covered", None,
                        "2026-09-02", "2026-11-20", 12, False),
            AskedInVain(72, "Hva koster en 510(k)-søknad og hvor lang tid tar den?", "nb", "partly", "partly", None,
                        "hva den koster", "2026-11-01", "2026-11-01", 1),
            AskedInVain(73, f"Is {HOSTILE} a fee?", "en", "unhelpful", "answered", None, None, "2026-10-01",
                        "2026-10-09", 2, True),
        ),
        (("2026-08", 1), ("2026-09", 4), ("2026-10", 2), ("2026-11", 8)),
        (("programme/usa-next.md", "USA next! in short"), ("notes/tricky & <odd> #1.txt", HOSTILE)),
        "Ask Kari",
    ),
    Gap(
        9,
        "Hvilke stater har lavest skatt?",
        "open",
        (AskedInVain(91, "Hvilke stater har lavest skatt?", "nb", "refused", "abstained", "not_covered", None,
                     "2026-11-03", "2026-11-03", 1, True),),
        (("2026-11", 1),),
    ),
    Gap(
        11,
        "Who won the football match?",
        "out_of_scope",
        (AskedInVain(111, None, "en", "refused", "abstained", "off_topic", None, "2025-02-01", "2025-02-02", 1,
                     False),),
        (("2025-02", 1),),
    ),
)  # fmt: skip
HEALTH = (
    HealthLine("programme/usa-next.md", "USA next! in short", "review_past", "2026-06"),
    HealthLine("programme/usa-next.md", "USA next! in short", "not_approved"),
    HealthLine("notes/tricky & <odd> #1.txt", HOSTILE, "never_cited"),
    HealthLine("reports/fda.pdf", "FDA fees", "review_near", "2026-12-01"),
)
DEEDS = (
    Deed(3, "2026-11-22T14:05Z", "Kari <b>Nordmann</b>", "edited", "programme/usa-next.md", "USA next! in short",
         "title, published", True),
    Deed(2, "2026-11-21T09:00Z", "Ola", "published", "notes/tricky & <odd> #1.txt", HOSTILE),
    Deed(1, "2026-11-20T08:00Z", "Ola", "repaired", "", ""),
)  # fmt: skip
HELD = (
    Held("programme/usa-next.md", "USA next! in short", "published", "a" * 64, "en", Metadata(), 12, None, True,
         "2026-11-20T08:00Z"),
    Held("reports/fda.pdf", "FDA fees", "published", "b" * 64, "en", Metadata(), 40, 9, False, "2026-11-21T08:00Z"),
    Held("old.md", "Old", "withdrawn", "c" * 64, "en", Metadata(), 0, None, True, "2026-01-01T08:00Z", "2026-11-01",
         "2026-12-01"),
)  # fmt: skip
DRAFTS = (
    Draft("d1", "fees.pdf", "ready", "Ola", "2026-11-22T08:00Z", "added/fees.pdf", "Fees"),
    Draft("d2", "scan.pdf", "failed", "Ola", "2026-11-22T08:01Z", "added/scan.pdf", "Scan"),
)
WHY: Mapping[str, Any] = {
    "outcome": "abstained",
    "reason": "not_covered",
    "missing": None,
    "query": {"text": "?", "search_text": f"What does it cost {HOSTILE}", "language": "en", "wanted": "amount",
              "uncovered": ["510(k)", "<b>fee</b>"]},
    "probability": 0.123,
    "threshold": 0.5,
    "false_premise": 0.04,
    "features": {"coverage": 0.25, "top_similarity": 0.61},
    "for_and_against": {"coverage": -1.5, "top_similarity": 0.3},
    "hits": [
        {"rank": 1, "document": "reports/fda.pdf", "heading": "Fees", "language": "en", "score": 0.031,
         "similarity": 0.61, "dense_rank": 1, "lexical_rank": None, "also_in": [], "text": f"The fee {HOSTILE} is"},
    ],
    "candidates": [
        {"document": "reports/fda.pdf", "heading": "Fees", "text": "The fee is due in October.", "score": 2.41,
         "parts": {"sentence": 1.1, "window": 0.0, "semantic": 1.31}, "chosen": True},
    ],
}  # fmt: skip


@dataclass
class MemoryGaps:
    """The gap board."""

    groups: list[Gap] = field(default_factory=lambda: list(GAPS))
    keeping: GapKeeping = field(default_factory=lambda: GapKeeping(180, texts=True))
    asked: list[str] = field(default_factory=list)
    now_answered: tuple[int, ...] = ()

    def board(self) -> Sequence[Gap]:
        return tuple(self.groups)

    def set_status(self, gap_id: int, status: Any, *, by: str, note: str | None = None) -> Gap:
        gap = self._get(gap_id)
        return self._put(replace(gap, status=status, note=gap.note if note is None else note))

    def merge(self, gap_ids: Sequence[int], *, by: str) -> Gap:
        first, *others = (self._get(gap_id) for gap_id in gap_ids)
        questions = tuple(question for gap in (first, *others) for question in gap.questions)
        self.groups = [gap for gap in self.groups if gap not in others]
        return self._put(replace(first, questions=questions))

    def split(self, gap_id: int, question_ids: Sequence[int], *, by: str) -> Gap:
        gap = self._get(gap_id)
        leaving = tuple(question for question in gap.questions if question.id in question_ids)
        staying = tuple(question for question in gap.questions if question.id not in question_ids)
        self._put(replace(gap, questions=staying))
        made = Gap(100, leaving[0].text or "", "open", leaving, ((leaving[0].last_day[:7], leaving[0].count),))
        self.groups.append(made)
        return made

    def ask_again(self) -> Sequence[Gap]:
        return [gap for gap in self.groups if gap.id in self.now_answered]

    def why(self, question: str) -> Mapping[str, Any]:
        self.asked.append(question)
        return {"outcome": "small_talk", "reason": None} if question == "Hello" else WHY

    def csv(self) -> bytes:
        return "\ufefftopic;count\r\n".encode()

    def _get(self, gap_id: int) -> Gap:
        for gap in self.groups:
            if gap.id == gap_id:
                return gap
        raise UsageError(f"There is no topic {gap_id}. Load the board again.")

    def _put(self, gap: Gap) -> Gap:
        self.groups = [gap if one.id == gap.id else one for one in self.groups]
        return gap


@dataclass
class MemoryUpkeep:
    """A doctor that mends what it can, and backups of `parts`."""

    lines: tuple[HealthLine, ...] = HEALTH
    differences: tuple[Difference, ...] = ()
    parts: Callable[[], Any] = lambda: (b"PK", b"\x03\x04", b"the rest")

    def health(self) -> Sequence[HealthLine]:
        return self.lines

    def check(self) -> CheckReport:
        return CheckReport(self.differences, 2, 52, 1.25, 52)

    def repair(self, *, by: str) -> CheckReport:
        self.differences = tuple(one for one in self.differences if not one.repairable)
        return self.check()

    def backup(self, out: Any) -> None:
        for part in self.parts():
            out.write(part)


@dataclass
class MemoryShelf:
    """Documents and history; `undo` takes back what can be."""

    documents: tuple[Held, ...] = HELD
    deeds: list[Deed] = field(default_factory=lambda: list(DEEDS))

    def all(self) -> Sequence[Held]:
        return self.documents

    def get(self, document_id: str) -> Held | None:
        return next((one for one in self.documents if one.id == document_id), None)

    def history(self, document_id: str | None = None, *, limit: int = 200) -> Sequence[Deed]:
        return [deed for deed in self.deeds if document_id in (None, deed.document)][:limit]

    def undo(self, deed_id: int, *, by: str) -> Deed:
        for deed in self.deeds:
            if deed.id == deed_id and deed.undoable:
                undone = Deed(len(self.deeds) + 1, "2026-11-22T15:00Z", by, "undone", deed.document, deed.title)
                self.deeds = [undone, *(replace(one, undoable=False) if one is deed else one for one in self.deeds)]
                return undone
        raise UsageError("This cannot be undone any more: something newer stands on it.")


@dataclass
class MemoryDrafts:
    """Drafts on their way in."""

    drafts: tuple[Draft, ...] = DRAFTS
    progress: Reading = field(default_factory=lambda: Reading(2, 2))

    def all(self) -> Sequence[Draft]:
        return self.drafts

    def get(self, draft_id: str) -> Draft | None:
        return next((draft for draft in self.drafts if draft.id == draft_id), None)

    def reading(self) -> Reading:
        return self.progress


@dataclass
class MemoryStaff:
    """Everything that the desk can do."""

    gaps: MemoryGaps = field(default_factory=MemoryGaps)
    upkeep: MemoryUpkeep = field(default_factory=MemoryUpkeep)
    shelf: MemoryShelf = field(default_factory=MemoryShelf)
    drafts: MemoryDrafts = field(default_factory=MemoryDrafts)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def empty_staff() -> MemoryStaff:
    """Return a desk on its first day."""
    return MemoryStaff(MemoryGaps([]), MemoryUpkeep(()), MemoryShelf((), []), MemoryDrafts((), Reading(0, 0)))


@dataclass
class Desk:
    """The desk without Gradio, which is slow to start, behind the real gate; and a browser before it."""

    client: TestClient
    staff: MemoryStaff
    door: StaffDoor
    clock: Clock

    def log_in(self, name: str = "Kari", password: str = PASSWORD, **fields: str) -> Any:
        return self.client.post("/staff/login", data={"name": name, "password": password, **fields}, headers=OWN)

    def token(self, path: str = "/staff/upkeep") -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.client.get(path).text)
        assert found is not None, "no form there"
        return found[1]

    def send(self, path: str, **fields: Any) -> Any:
        """Send a form of a page, with the token that its page holds."""
        return self.client.post(path, data={"token": self.token(), **fields}, headers=OWN)


def make_desk(
    staff: MemoryStaff | None = None, *, trusted: str = "", prefix: str = "", peer: str = "203.0.113.7",
    upload_bytes: int = 1000, more: Callable[[FastAPI], None] = lambda app: None,
) -> Desk:  # fmt: skip
    """Return the desk; `more` may add what stands before its last routes."""
    staff, clock, app = staff or MemoryStaff(), Clock(), FastAPI()
    door = StaffDoor(PASSWORD_HASH, clock=clock)
    app.state.staff_door = door
    app.include_router(entering_router(door))
    app.include_router(overview_router(staff))
    app.include_router(board_router(staff))
    more(app)
    app.include_router(leaving_router(door))
    app.add_middleware(Gate, proxies=Proxies(trusted, prefix), staff=door, upload_bytes=upload_bytes)
    return Desk(TestClient(app, client=(peer, 4711), follow_redirects=False), staff, door, clock)
