"""Reports as fixed-width tables, system beside system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eval.scoring import MEASURES, STRATA, STRATUM_QUESTIONS, Estimate, Report, Summary

CELL = 27
LABEL = 20
QUOTE_CHARACTERS = 70
# Misses shown in the table; all of them stand in the JSON.
MISSES_SHOWN = 20


def comparison(reports: Sequence[Report]) -> str:
    """Return all systems' measures: overall, by language, by language across, by kind. Nothing for no report."""
    if not reports:
        return ""
    blocks = [_block("all questions", reports, [report.overall for report in reports])]
    blocks += _groups("language", reports, [report.by_language for report in reports])
    blocks += _strata(reports)
    blocks += _groups("kind", reports, [report.by_kind for report in reports])
    blocks.append(_reasons(reports))
    blocks.extend(_misses(report) for report in reports)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _groups(title: str, reports: Sequence[Report], groups: Sequence[Mapping[str, Summary]]) -> list[str]:
    """Return a block a group; a single group says nothing that all questions did not."""
    names = sorted({name for group in groups for name in group})
    if len(names) < 2:
        return []
    return [_block(f"{title} {name}", reports, [group.get(name) for group in groups]) for name in names]


def _strata(reports: Sequence[Report]) -> list[str]:
    """Return a block a stratum of languages, also where there is one alone; small ones say that they are."""
    blocks = []
    for name in STRATA:
        summaries = [report.by_stratum.get(name) for report in reports]
        if size := _size(summaries):
            mark = f" (under {STRATUM_QUESTIONS}: no verdict)" if size < STRATUM_QUESTIONS else ""
            blocks.append(_block(f"language across: {name}", reports, summaries, mark))
    return blocks


def _size(summaries: Sequence[Summary | None]) -> int:
    return next((summary.questions for summary in summaries if summary), 0)


def _block(title: str, reports: Sequence[Report], summaries: Sequence[Summary | None], mark: str = "") -> str:
    lines = [f"{title} ({_size(summaries)}){mark}", _row("", [report.system for report in reports])]
    for measure in MEASURES:
        estimates = [summary.estimates.get(measure) if summary else None for summary in summaries]
        if any(estimates):
            lines.append(_row(measure, [_estimate(estimate) for estimate in estimates]))
    numbers = {
        "median_words": [_number(summary.median_words, 0) if summary else "-" for summary in summaries],
        "seconds p50 / p95": [_seconds(summary) for summary in summaries],
    }
    if any(summary.missing for summary in summaries if summary):
        numbers["without an answer"] = [str(summary.missing) if summary else "-" for summary in summaries]
    return "\n".join([*lines, *(_row(label, cells) for label, cells in numbers.items())])


def _row(label: str, cells: Sequence[str]) -> str:
    return (f"  {label:<{LABEL}}" + "".join(f"{cell:<{CELL}}" for cell in cells)).rstrip()


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "-"
    interval = estimate.interval
    return f"{estimate.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] {estimate.counted}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _seconds(summary: Summary | None) -> str:
    if summary is None or summary.seconds_p50 is None:
        return "-"
    return f"{_number(summary.seconds_p50, 3)} / {_number(summary.seconds_p95, 3)}"


def _reasons(reports: Sequence[Report]) -> str:
    lines = []
    for report in reports:
        for name, counts in report.overall.reasons.items():
            if counts:
                listed = ", ".join(f"{reason} {count}" for reason, count in counts.items())
                lines.append(f"  {report.system}, {name.replace('_', ' ')}: {listed}")
    return "\n".join(["reasons given when abstaining", *lines]) if lines else ""


def _misses(report: Report) -> str:
    lines = []
    for check, missed in report.misses.items():
        for id_, quote in missed[:MISSES_SHOWN]:
            words = " ".join(quote.quote.split())[:QUOTE_CHARACTERS]
            lines.append(f"  {check} {id_}: {quote.document} at {quote.start}: {words}")
        if len(missed) > MISSES_SHOWN:
            lines.append(f"  {check}: and {len(missed) - MISSES_SHOWN} more (all with --json)")
    return "\n".join([f"{report.system}: citations that are not what they say", *lines]) if lines else ""
