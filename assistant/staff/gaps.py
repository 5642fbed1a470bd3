"""The gap board: what founders asked in vain, in groups of one meaning, and whether the documents answer it by now."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from assistant.answering.grouping import Grouping, most_typical
from assistant.desk import AskedInVain, Gap, GapKeeping, GapStatus
from assistant.domain import Answer
from assistant.errors import UsageError
from assistant.store.questions import Kept, KeptGap, Placed, Questions

Ask = Callable[[str], Answer]
# The title of a current document, or None where there is none of that id.
TitleOf = Callable[[str], str | None]
Explain = Callable[[str], Mapping[str, Any]]

NEAREST_SHOWN = 3
_ORDER: Mapping[GapStatus, int] = {"open": 0, "writing": 1, "answered": 2, "out_of_scope": 3}
COLUMNS = (
    "gap", "gap_title", "status", "note", "question", "language", "kind", "reason", "missing", "first_day", "last_day",
    "count", "by_month", "answered_now", "nearest",
)  # fmt: skip
# What makes a spreadsheet read a cell as a formula, also behind spaces; the full-width forms are read alike.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "|", "%")


class GapBoard:
    """The gap board over the journal; safe to use from several threads.

    A question is put into a group when somebody looks at the board, not while a founder waits.
    """

    def __init__(
        self, questions: Questions, grouping: Grouping, *, ask: Ask, title_of: TitleOf, explain: Explain
    ) -> None:
        """Read nothing yet.

        Args:
            ask: Answers a question from the current documents, without a history.
            title_of: Returns the title of a current document, or None.
            explain: Returns *why this answer*.
        """
        self._questions = questions
        self._grouping = grouping
        self._ask = ask
        self._title_of = title_of
        self._explain = explain
        self._lock = threading.RLock()

    @property
    def keeping(self) -> GapKeeping:
        """What is kept, and for how long."""
        return GapKeeping(self._questions.days, self._questions.texts)

    # ---- Looking ----

    def board(self) -> Sequence[Gap]:
        """Return the groups: open ones first, then those being written, answered, out of scope; most asked first."""
        with self._lock:
            self._place()
            gaps, kept = self._questions.gaps(), self._questions.all()
            found = [self._gap(gaps[id_], of_it) for id_, of_it in _by_gap(kept).items() if id_ in gaps]
        return sorted(found, key=lambda gap: (_ORDER[gap.status], -gap.count, gap.id))

    def why(self, question: str) -> Mapping[str, Any]:
        """Return *why this answer* for a question."""
        return self._explain(question)

    def csv(self) -> bytes:
        """Return the board as CSV, a line a question, in UTF-8 with a byte order mark; no cell starts a formula."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        months = {one.question.id: one.months for one in self._questions.all()}
        for gap in self.board():
            nearest = "; ".join(id_ for id_, _ in gap.nearest)
            for one in gap.questions:
                by_month = "; ".join(f"{month}: {count}" for month, count in months.get(one.id, ()))
                answered = {None: "", True: "yes", False: "no"}[one.answered_now]
                cells = (
                    gap.id, gap.title, gap.status, gap.note, one.text, one.language, one.kind, one.reason, one.missing,
                    one.first_day, one.last_day, one.count, by_month, answered, nearest,
                )  # fmt: skip
                writer.writerow([cell if isinstance(cell, int) else _harmless(cell or "") for cell in cells])
        return out.getvalue().encode("utf-8-sig")

    # ---- What staff do ----

    def set_status(self, gap_id: int, status: GapStatus, *, by: str, note: str | None = None) -> Gap:
        """Change what is being done about a group.

        Raises:
            UsageError: There is no such group.
        """
        with self._lock:
            self._check([gap_id])
            self._questions.set_status(gap_id, status, note)
            return self._one(gap_id)

    def merge(self, gap_ids: Sequence[int], *, by: str) -> Gap:
        """Make one group of several: the oldest, with its status, and its note unless another one alone has any.

        Raises:
            UsageError: There are fewer than two, or one of them is not there.
        """
        chosen = sorted(set(gap_ids))
        if len(chosen) < 2:
            raise UsageError("One group alone cannot be merged. Choose two or more.")
        with self._lock:
            gaps = self._check(chosen)
            first, *others = (gaps[id_] for id_ in chosen)
            notes = [one.note for one in (first, *others) if one.note]
            if notes and not first.note:
                self._questions.set_status(first.id, first.status, notes[0])
            self._questions.merge(first.id, [one.id for one in others])
            return self._one(first.id)

    def split(self, gap_id: int, question_ids: Sequence[int], *, by: str) -> Gap:
        """Make an open group of its own of some questions of another, and return it.

        Raises:
            UsageError: There is no such group, it lacks one of the questions, or none or all of them are named.
        """
        with self._lock:
            self._check([gap_id])
            there = {question.id for question in self._one(gap_id).questions}
            chosen = list(dict.fromkeys(question_ids))
            for id_ in chosen:
                if id_ not in there:
                    raise UsageError(f"Question {id_} is not in group {gap_id} any more. Open the group again.")
            if not chosen or len(chosen) == len(there):
                raise UsageError("A group is split by choosing some of its questions: at least one, and not all.")
            return self._one(self._questions.split(gap_id, chosen))

    def ask_again(self) -> Sequence[Gap]:
        """Ask the open questions once more, and return the groups of which every question is answered now.

        Asked are those of groups that are open or being written. Without its words no question can be asked.
        """
        with self._lock:
            self._place()
            gaps, kept = self._questions.gaps(), self._questions.all()
        waiting = [one for one in kept if one.gap in gaps and gaps[one.gap].status in ("open", "writing")]
        # Without the lock: the board is looked at meanwhile.
        answered = {
            one.question.id: _answers(self._ask(one.question.text), one)
            for one in waiting
            if one.question.text is not None
        }
        with self._lock:
            closed = self._questions.mark(answered)
            return [self._one(id_) for id_ in closed]

    # ---- Groups ----

    def _check(self, gap_ids: Iterable[int]) -> dict[int, KeptGap]:
        gaps = self._questions.gaps()
        for id_ in gap_ids:
            if id_ not in gaps:
                raise UsageError(f"There is no group {id_} any more: it was merged, or its time was over. Look again.")
        return gaps

    def _one(self, gap_id: int) -> Gap:
        gap = self._check([gap_id])[gap_id]
        return self._gap(gap, _by_gap(self._questions.all())[gap_id])

    def _gap(self, gap: KeptGap, kept: Sequence[Kept]) -> Gap:
        counts: dict[str, int] = {}
        for month, count in sorted(month for one in kept for month in one.months):
            counts[month] = counts.get(month, 0) + count
        near: dict[str, int] = {}
        for one in kept:
            for place, (document, _) in enumerate(one.documents):
                near[document] = near.get(document, 0) + one.question.count * (len(one.documents) - place)
        titled = ((document, self._title_of(document)) for document in sorted(near, key=lambda id_: -near[id_]))
        nearest = tuple((document, title) for document, title in titled if title is not None)[:NEAREST_SHOWN]
        questions = tuple(sorted((one.question for one in kept), key=lambda one: (-one.count, one.id)))
        return Gap(gap.id, self._title(questions), gap.status, questions, tuple(counts.items()), nearest, gap.note)

    def _title(self, questions: Sequence[AskedInVain]) -> str:
        """Return the question asked most, of equals the most typical one; empty where no words are kept."""
        worded = [one for one in questions if one.text is not None]
        often = [one.text for one in worded if one.text is not None and one.count == worded[0].count]
        if len(often) > 1:
            return often[most_typical(self._grouping.compare(often))]
        return often[0] if often else ""

    def _place(self) -> None:
        """Put the questions into groups where one of them stands in none yet."""
        kept = self._questions.all()
        if all(one.gap is not None for one in kept):
            return
        gaps = self._questions.gaps()
        fixed = {id_ for id_, gap in gaps.items() if gap.by_staff or gap.status != "open"}
        worded = [one for one in kept if one.question.text is not None]
        groups = self._grouping.group([one.question.text or "" for one in worded], [one.gap for one in worded], fixed)
        places = [Placed(group.gap, tuple(worded[member].question.id for member in group.members)) for group in groups]
        self._questions.place([*places, *_by_document(one for one in kept if one.question.text is None)])


def _by_gap(kept: Iterable[Kept]) -> dict[int, list[Kept]]:
    found: dict[int, list[Kept]] = {}
    for one in kept:
        if one.gap is not None:
            found.setdefault(one.gap, []).append(one)
    return found


def _by_document(wordless: Iterable[Kept]) -> list[Placed]:
    """Return where new questions without words belong: with those that come nearest to the same document."""
    standing: dict[str, int] = {}
    new: dict[str, list[int]] = {}
    for one in wordless:
        nearest = one.documents[0][0] if one.documents else ""
        if one.gap is None:
            new.setdefault(nearest, []).append(one.question.id)
        else:
            standing.setdefault(nearest, one.gap)
    return [Placed(standing.get(nearest), tuple(ids)) for nearest, ids in new.items()]


def _answers(answer: Answer, kept: Kept) -> bool:
    """Return whether an answer is one at last.

    What did not help was an answer already: it takes one that cites a version which that one did not.
    """
    if answer.outcome != "answered":
        return False
    cited = {(citation.document, citation.version) for citation in answer.citations}
    return kept.question.kind != "unhelpful" or not cited <= set(kept.documents)


def _harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" \u00a0").startswith(_FORMULA) else cell
