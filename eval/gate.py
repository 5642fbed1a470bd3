"""The gate: a run compared with the committed baseline, question by question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import Misuse
from eval.intervals import Interval, paired_bootstrap
from eval.jsonlines import write_json
from eval.question_set import Half
from eval.scoring import Score

BASELINE = Path(__file__).with_name("baseline.json")
GATED = ("lead", "correct", "refusal")
# One point: less is within what two people labelling the same questions differ by.
TOLERATED_LOSS = 0.01

Verdicts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure, new minus old, over the questions that both runs scored.

    Attributes:
        lost: Ids of questions that were right and are wrong now.
        won: Ids of questions that were wrong and are right now.
    """

    measure: str
    questions: int
    difference: float
    interval: Interval
    lost: Sequence[str]
    won: Sequence[str]

    def regressed(self, *, strict: bool = False) -> bool:
        """Whether the run fails: the whole 95 % interval lies below -0.01; with `strict`, its lower bound does.

        The strict rule asks for proof that nothing got worse, and a small set seldom gives it: it suits a release,
        not every change.
        """
        return (self.interval.low if strict else self.interval.high) < -TOLERATED_LOSS


def verdicts(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Return 0 or 1 by gated measure and question id: what a baseline keeps."""
    return {name: {s.question.id: s.shares[name].hits for s in scores if name in s.shares} for name in GATED}


def compare(new: Verdicts, old: Verdicts) -> list[Comparison]:
    """Compare two runs' verdicts over the questions they share; a measure without a shared question is left out."""
    comparisons = []
    for name in GATED:
        new_hits, old_hits = new.get(name, {}), old.get(name, {})
        shared = sorted(set(new_hits) & set(old_hits))
        differences = {id_: new_hits[id_] - old_hits[id_] for id_ in shared}
        if not shared:
            continue
        comparisons.append(
            Comparison(
                measure=name,
                questions=len(shared),
                difference=sum(differences.values()) / len(shared),
                interval=paired_bootstrap(list(differences.values())),
                lost=[id_ for id_, difference in differences.items() if difference < 0],
                won=[id_ for id_, difference in differences.items() if difference > 0],
            )
        )
    return comparisons


def read_baseline(half: Half, path: Path = BASELINE) -> dict[str, Any] | None:
    """Return the baseline of a half, with its `verdicts`, `commit` and `date`; None where none was written.

    Raises:
        Misuse: The file is not JSON.
    """
    try:
        halves = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Misuse(f"{path}: not JSON ({error}).") from error
    baseline: dict[str, Any] | None = halves.get(half)
    return baseline


def write_baseline(half: Half, new: Verdicts, *, commit: str, date: str, path: Path = BASELINE) -> None:
    """Make a run's verdicts the baseline of its half; the other half stays."""
    halves = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    halves[half] = {"commit": commit, "date": date, "verdicts": new}
    write_json(path, dict(sorted(halves.items())))


def comparison_table(comparisons: Sequence[Comparison], *, strict: bool = False) -> str:
    """Return the comparison as a table, with the questions that changed sides."""
    lines = []
    for one in comparisons:
        verdict = "REGRESSED" if one.regressed(strict=strict) else "ok"
        interval = f"[{one.interval.low:+.3f}, {one.interval.high:+.3f}]"
        lines.append(f"  {one.measure:<10}{one.difference:+.3f} {interval} {one.questions:>5}  {verdict}")
        for side, ids in (("lost", one.lost), ("won", one.won)):
            if ids:
                lines.append(f"    {side}: {', '.join(ids)}")
    return "\n".join(["against the baseline (new minus old, 95 %)", *lines]) + "\n"
