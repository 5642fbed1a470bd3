"""Two runs over the same questions, question by question: what changed, and whether it can be chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from typing import Any

from eval.answer_file import GivenAnswer, read_answers
from eval.errors import Misuse
from eval.gate import TOLERATED_LOSS
from eval.intervals import Interval, paired_bootstrap
from eval.question_check import check_ids, check_same_documents, line_of_id
from eval.question_set import Question, read_questions
from eval.run_record import RunRecord, cited_languages, language_pair, read_run
from eval.scoring import LOWER_IS_BETTER, VERDICTS

MEASURES = ("lead", "first", "correct", "refusal", "false_refusal")
ALL = "all questions"
SURE = 0.05

Verdicts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Change:
    """One measure over one group of questions, new minus old.

    Attributes:
        group: `all questions`, `pair en->nb`, `kind typo`.
        interval: 95 % of the difference, by a paired bootstrap over questions.
        won: Ids that were wrong and are right now (for `false_refusal`: that were refused and no longer are).
        lost: Ids that were right and are wrong now.
        p: Exact McNemar: how likely so uneven a split of won and lost is if neither run were better.
        holm: `p` after Holm's correction within its family: all measures over all questions are one family, all
            measures of all smaller groups the other.
    """

    measure: str
    group: str
    questions: int
    old: float
    new: float
    difference: float
    interval: Interval
    won: Sequence[str]
    lost: Sequence[str]
    p: float
    holm: float = 1.0

    @property
    def worse(self) -> bool:
        """Whether the whole interval lies more than a point on the wrong side, as in the gate."""
        if self.measure in LOWER_IS_BETTER:
            return self.interval.low > TOLERATED_LOSS
        return self.interval.high < -TOLERATED_LOSS

    def to_dict(self) -> dict[str, Any]:
        """Return the change as plain values for JSON."""
        numbers = {"old": self.old, "new": self.new, "difference": self.difference}
        numbers |= {"low": self.interval.low, "high": self.interval.high, "p": self.p, "holm": self.holm}
        return {
            "measure": self.measure,
            "group": self.group,
            "questions": self.questions,
            **{name: round(value, 6) for name, value in numbers.items()},
            "won": list(self.won),
            "lost": list(self.lost),
            "worse": self.worse,
        }


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs and their changes: over all questions first, then group by group."""

    old: str
    new: str
    questions: int
    changes: Sequence[Change]

    @property
    def regressions(self) -> list[Change]:
        """Measures that got worse over all questions; smaller groups are shown and decide nothing."""
        return [change for change in self.changes if change.group == ALL and change.worse]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "old": self.old,
            "new": self.new,
            "questions": self.questions,
            "regressed": [change.measure for change in self.regressions],
            "changes": [change.to_dict() for change in self.changes],
        }


def mcnemar(won: int, lost: int) -> float:
    """Return the exact two-sided p of McNemar's test; 1 where nothing changed sides.

    If neither run were better, each question that changed sides would be a fair coin: p = 2 * P(X <= min(won, lost))
    for X ~ binomial(won + lost, 1/2), and 1 at most (Q. McNemar, Psychometrika 12, 1947).
    """
    changed = won + lost
    ways = sum(comb(changed, heads) for heads in range(min(won, lost) + 1))
    # Integers until the last step: the quotient of two large integers is exact to the last digit.
    chance: float = 2 * ways / (1 << changed)
    return min(1.0, chance)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected for how many there are (S. Holm, Scand. J. Stat. 6, 1979), in the same order.

    The smallest is multiplied by their number, the next by one less, and so on; none may fall below a smaller one's.
    """
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = highest
    return corrected


def verdicts_of(questions: Sequence[Question], answers: Mapping[str, GivenAnswer]) -> dict[str, dict[str, float]]:
    """Return 0 or 1 by measure and question id, for the measures that apply; no answer counts against the system."""
    verdicts: dict[str, dict[str, float]] = {name: {} for name in MEASURES}
    for name in MEASURES:
        for question in questions:
            share = VERDICTS[name](question, answers.get(question.id))
            if share.of:
                verdicts[name][question.id] = share.hits
    return verdicts


def changes_between(old: Verdicts, new: Verdicts, groups: Mapping[str, Sequence[str]]) -> list[Change]:
    """Compare verdicts over groups of question ids, the first group being all; what no run scored is left out."""
    found = [
        change
        for group, ids in groups.items()
        for name in MEASURES
        if (change := _change(name, group, ids, old.get(name, {}), new.get(name, {}))) is not None
    ]
    families = ([one for one in found if one.group == ALL], [one for one in found if one.group != ALL])
    return [
        replace(change, holm=corrected)
        for family in families
        for change, corrected in zip(family, holm([one.p for one in family]), strict=True)
    ]


def _change(
    measure: str, group: str, ids: Sequence[str], old: Mapping[str, float], new: Mapping[str, float]
) -> Change | None:
    shared = [id_ for id_ in ids if id_ in old and id_ in new]
    if not shared:
        return None
    differences = [new[id_] - old[id_] for id_ in shared]
    better = -1 if measure in LOWER_IS_BETTER else 1
    won = [id_ for id_, difference in zip(shared, differences, strict=True) if difference * better > 0]
    lost = [id_ for id_, difference in zip(shared, differences, strict=True) if difference * better < 0]
    return Change(
        measure=measure,
        group=group,
        questions=len(shared),
        old=sum(old[id_] for id_ in shared) / len(shared),
        new=sum(new[id_] for id_ in shared) / len(shared),
        difference=sum(differences) / len(shared),
        interval=paired_bootstrap(differences),
        won=won,
        lost=lost,
        p=mcnemar(len(won), len(lost)),
    )


def groups_of(questions: Sequence[Question], languages: Mapping[str, str]) -> dict[str, list[str]]:
    """Return question ids by group: all of them, by language pair, by kind."""
    groups = {ALL: [question.id for question in questions]}
    pairs = {question.id: f"pair {language_pair(question, languages)}" for question in questions}
    kinds = {question.id: f"kind {question.kind}" for question in questions}
    for names in (pairs, kinds):
        for name in sorted(set(names.values())):
            groups[name] = [id_ for id_, own in names.items() if own == name]
    return groups


def compare_runs(
    old: str, new: str, *, system: str, runs: Path, question_file: Path, any_documents: bool = False
) -> Compared:
    """Compare one system's answers in two run folders, given as paths or by their names below `runs`.

    With `any_documents` the runs may have read other versions: how a change of a reader is judged.

    Raises:
        Misuse: A run is missing or broken, or the two asked other questions or read other documents.
    """
    records = [read_run(name, runs, question_file, system) for name in (old, new)]
    _check_same_questions(*records)
    return _compared(*records, any_documents=any_documents)


def compare_answers(old: Path, new: Path, question_file: Path, *, any_documents: bool = False) -> Compared:
    """Compare two answer files over the questions that either answers; one without a line counts as wrong.

    Raises:
        Misuse: A file is missing or broken, answers a question that the question file does not hold, or the two
            were made from other documents.
    """
    questions = read_questions(question_file)
    given = set()
    for path in (old, new):
        check_ids(path, question_file, {question.id for question in questions})
        given |= set(read_answers(path))
    asked = [question for question in questions if question.id in given]
    records = [RunRecord(str(path), path, question_file, asked, {}) for path in (old, new)]
    return _compared(*records, any_documents=any_documents)


def _compared(old: RunRecord, new: RunRecord, *, any_documents: bool) -> Compared:
    if not any_documents:
        check_same_documents(old.answers, new.answers)
    cited = {**cited_languages(old.answers), **cited_languages(new.answers)}
    languages = {**cited, **old.languages, **new.languages}
    # Labels of the newer run: a corrected label must not look like a better answer.
    questions = new.questions
    before, after = (verdicts_of(questions, read_answers(one.answers)) for one in (old, new))
    changes = changes_between(before, after, groups_of(questions, languages))
    return Compared(old.name, new.name, len(questions), changes)


def _check_same_questions(old: RunRecord, new: RunRecord) -> None:
    asked = {question.id: (question.question, question.history) for question in old.questions}
    for question in new.questions:
        if asked.pop(question.id, None) != (question.question, question.history):
            _refuse_question(new, question.id, old)
    if asked:
        _refuse_question(old, next(iter(asked)), new)


def _refuse_question(holder: RunRecord, id_: str, other: RunRecord) -> None:
    raise Misuse(
        f"{holder.question_file}, line {line_of_id(holder.question_file, id_)}: {holder.name} asks {id_!r} and "
        f"{other.name} does not, or in other words; runs over different questions cannot be compared."
    )


def changes_table(compared: Compared) -> str:
    """Return the changes as a table, with the questions that changed sides below it.

    Lines of smaller groups in which nothing changed sides are left to `to_dict`.
    """
    lines = [f"old {compared.old}", f"new {compared.new}", f"{compared.questions} questions, new minus old"]
    heading = (
        f"  {'':<14}{'old':>6}{'new':>7}{'change':>8}  {'95 %':<17}{'n':>5}{'won':>5}{'lost':>5}{'p':>8}{'Holm':>8}"
    )
    group = None
    for change in compared.changes:
        if change.group != ALL and not (change.won or change.lost):
            continue
        if change.group != group:
            group = change.group
            lines += ["", group, heading]
        lines.append(_row(change))
    sides = [line for change in compared.changes if change.group == ALL for line in _sides(change)]
    if sides:
        lines += ["", "questions that changed sides", *sides]
    lines += ["", *(f"REGRESSED: {one.measure} ({one.difference:+.3f})" for one in compared.regressions)]
    return "\n".join(lines).rstrip() + "\n"


def _row(change: Change) -> str:
    interval = f"[{change.interval.low:+.3f}, {change.interval.high:+.3f}]"
    mark = "  worse" if change.worse else ""
    mark += "  sure" if change.holm < SURE else ""
    return (
        f"  {change.measure:<14}{change.old:>6.3f}{change.new:>7.3f}{change.difference:>+8.3f}  {interval:<17}"
        f"{change.questions:>5}{len(change.won):>5}{len(change.lost):>5}{change.p:>8.4f}{change.holm:>8.4f}{mark}"
    )


def _sides(change: Change) -> list[str]:
    sides = (("won", change.won), ("lost", change.lost))
    return [f"  {change.measure} {side} ({len(ids)}): {', '.join(ids)}" for side, ids in sides if ids]
