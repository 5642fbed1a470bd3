"""Reports how the judge of written sentences does on labelled cases, and chooses its learned numbers.

The numbers are chosen on the tuning half alone: a logistic regression over the features of `SupportJudge`, with more
examples made of the cases themselves (a true claim under another sentence of its passage; two true claims joined, with
the quote of one). The threshold is the highest one at which, out of fold, the score alone removes at most
`LOST_AT_MOST` of the paraphrased true claims: the other checks take the rest of what may be lost.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant import Chunk, SupportJudge, SupportTuning, load_embedder
from eval.errors import Misuse
from eval.intervals import SEED, wilson
from eval.looks import commit, now
from eval.support_cases import TEMPLATES, SupportCase, load_cases

CASES = Path(__file__).with_name("support")
_PUBLIC = "public"
HALVES = {"tuning": "tuning-*.jsonl", "held-out": "held-out-*.jsonl"}
LOST_AT_MOST = 0.14
FOLDS = 5
# Joined claims are few among the cases and what a model does most easily.
_WEIGHTS = {"merged_claims": 4.0, "joined": 1.0}
# What the issue of the judge promises: category to (share never shown, or share of true claims lost).
TARGETS: Mapping[str, str] = {
    "figures": "removed >= 0.99",
    "polarity": "removed >= 0.95",
    "quotes": "removed >= 0.98",
    "relations": "reported",
    "near": "lost <= 0.05",
    "paraphrase": "lost <= 0.20",
    "translated": "reported",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """One case with the verdict on it.

    Attributes:
        removed: At least one sentence of the claim is not shown.
        reason: The first reason, with what failed; empty where nothing did.
        score: The lowest score of its sentences; 0 where another check removed one.
    """

    case: SupportCase
    removed: bool
    reason: str
    score: float


def cases_of(half: str, material: Path | None) -> list[SupportCase]:
    """Return the cases of a half; without the material the tuning half is its cases of our own documents alone.

    Raises:
        Misuse: The half is neither `tuning` nor `held-out`, or the held-out half's public text is not there.
    """
    if half not in HALVES:
        raise Misuse(f"{half!r} is no half of the cases. Choose one of {', '.join(HALVES)}.")
    paths = sorted(CASES.glob(HALVES[half]))
    if half == "tuning" and material is None:
        paths = [path for path in paths if _PUBLIC not in path.name]
    return load_cases(paths, material)


def judge_cases(cases: Sequence[SupportCase], judge: SupportJudge) -> list[Judged]:
    """Return the verdict on each case, in order."""
    return [_judged(case, judge) for case in cases]


def _judged(case: SupportCase, judge: SupportJudge) -> Judged:
    chunks = chunks_of(case)
    quotes = [(chunks[quote.passage], quote.words) for quote in case.quotes]
    verdicts = [verdict for _, verdict in judge.claim(case.claim, case.language, quotes)]
    failed = [verdict for verdict in verdicts if not verdict.supported]
    reason = f"{failed[0].reason}: {failed[0].detail}".rstrip(": ") if failed else ""
    return Judged(case, bool(failed), reason, min((verdict.score for verdict in verdicts), default=0.0))


def chunks_of(case: SupportCase) -> list[Chunk]:
    """Return the passages of a case as the chunks that a search would give."""
    return [
        Chunk(
            id=f"{case.id}:{number}",
            document_id=case.id,
            version="case",
            text=passage.text,
            start=0,
            end=len(passage.text),
            title=passage.title,
            heading=passage.heading,
            page=None,
            language=passage.language,
        )
        for number, passage in enumerate(case.passages)
    ]


def table(judged: Sequence[Judged]) -> str:
    """Return the shares by category and template, with 95 % intervals, as text."""
    lines = [f"{'':34} {'n':>4}  {'not shown':>9}  95 %           en / nb       target"]
    for category, target in TARGETS.items():
        rows = [one for one in judged if one.case.category == category]
        if not rows:
            continue
        lines.append(_line(category, rows, target))
        names = [name for name, template in TEMPLATES.items() if template.category == category]
        if len(names) > 1:
            lines += [_line(f"  {name}", [one for one in rows if one.case.template == name], "") for name in names]
    return "\n".join(lines)


def _line(name: str, rows: Sequence[Judged], target: str) -> str:
    removed = sum(one.removed for one in rows)
    interval = wilson(removed, len(rows))
    shares = [
        f"{sum(one.removed for one in part) / len(part):.2f}" if part else "-"
        for part in ([one for one in rows if one.case.language == language] for language in ("en", "nb"))
    ]
    share = removed / len(rows) if rows else 0.0
    bounds = f"[{interval.low:.3f}, {interval.high:.3f}]"
    return f"{name:34} {len(rows):>4}  {share:>9.3f}  {bounds:15} {' / '.join(shares):12}  {target}".rstrip()


def values(judged: Sequence[Judged]) -> dict[str, Any]:
    """Return the same by category as plain values."""
    found = {}
    for category in TARGETS:
        rows = [one for one in judged if one.case.category == category]
        removed = sum(one.removed for one in rows)
        interval = wilson(removed, len(rows))
        found[category] = {"n": len(rows), "removed": removed, "low": interval.low, "high": interval.high}
    return found


def wrong(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield each case that was judged against its label, with its quotes, for reading."""
    for one in judged:
        if one.removed == one.case.supported:
            yield f"{one.case.id}  {one.reason or f'shown, score {one.score:.2f}'}"
            yield from (f"    quote: {quote.words}" for quote in one.case.quotes)
            yield f"    claim: {one.case.claim}"


# ---- Choosing ----


@dataclass(frozen=True, slots=True)
class _Example:
    group: str
    template: str
    supported: bool
    features: Mapping[str, float]


def choose(say: Say, material: Path | None = None) -> SupportTuning:
    """Return the numbers chosen on the tuning half."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    cases = cases_of("tuning", material)
    judge = SupportJudge(load_embedder().embed)
    say(f"Features of {len(cases)} cases ...")
    examples = list(_examples(cases, judge))
    names = sorted(examples[0].features)
    rows = np.array([[one.features[name] for name in names] for one in examples])
    labels = np.array([one.supported for one in examples])
    weights = np.array([_WEIGHTS.get(one.template, 1.0) for one in examples])
    folds = np.array([_fold(one.group) for one in examples])
    out = np.zeros(len(examples))
    for fold in range(FOLDS):
        fitted = LogisticRegression(max_iter=1000).fit(
            rows[folds != fold], labels[folds != fold], weights[folds != fold]
        )
        out[folds == fold] = fitted.predict_proba(rows[folds == fold])[:, 1]
    paraphrases = np.sort(out[[one.template == "paraphrase" for one in examples]])
    threshold = float(paraphrases[int(LOST_AT_MOST * len(paraphrases))])
    fitted = LogisticRegression(max_iter=1000).fit(rows, labels, weights)
    shares = {
        name: float(np.mean(out[[one.template == name for one in examples]] < threshold))
        for name in dict.fromkeys(one.template for one in examples)
    }
    run = (
        f"python -m eval support --choose, {now()}, commit {commit()}, {len(examples)} examples, out of fold: "
        f"AUROC {roc_auc_score(labels, out):.3f}; removed at the threshold by the score alone: "
        + ", ".join(f"{name} {share:.3f}" for name, share in shares.items())
    )
    chosen = {name: round(float(weight), 4) for name, weight in zip(names, fitted.coef_[0], strict=True)}
    return SupportTuning(chosen, round(float(fitted.intercept_[0]), 4), round(threshold, 4), run)


def _sentences(text: str) -> list[str]:
    pieces = re.split(r"(?<=[.!?])\s+(?=[A-ZÆØÅ])|\n", text)
    return [piece.strip() for piece in pieces if len(piece.split()) > 5]


def _fold(group: str) -> int:
    return random.Random(f"{SEED}:{group}").randrange(FOLDS)  # noqa: S311 - folds, no secret


def _examples(cases: Sequence[SupportCase], judge: SupportJudge) -> Iterator[_Example]:
    chosen = [case for case in cases if case.supported or case.category == "quotes"]
    chance = random.Random(SEED)  # noqa: S311
    true = [case for case in chosen if case.supported]
    for case in chosen:
        chunks = chunks_of(case)
        quotes = [(chunks[quote.passage], quote.words) for quote in case.quotes]
        if found := judge.features(case.claim, case.language, quotes):
            yield _Example(case.id, case.template, case.supported, found)
    for case in true:
        chunk = chunks_of(case)[case.quotes[0].passage]
        quoted = [quote.words for quote in case.quotes]
        others = [one for one in _sentences(chunk.text) if not any(one in words or words in one for words in quoted)]
        if others and (found := judge.features(case.claim, case.language, [(chunk, chance.choice(others))])):
            yield _Example(case.id, "other sentence", False, found)
    for case, other in zip(true, [*true[7:], *true[:7]], strict=True):
        if case.language == other.language and case.template == other.template:
            link = "and" if case.language == "en" else "og"
            joined = f"{case.claim.rstrip('.')}, {link} {other.claim[:1].lower()}{other.claim[1:]}"
            quotes = [(chunks_of(case)[quote.passage], quote.words) for quote in case.quotes]
            if found := judge.features(joined, case.language, quotes):
                yield _Example(case.id, "joined", False, found)
