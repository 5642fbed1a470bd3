"""Reports as fixed-width tables, system beside system."""

from __future__ import annotations

from collections.abc import Sequence

from eval.scoring import MEASURES, Estimate, Report, Summary

CELL = 27
LABEL = 20
QUOTE_CHARACTERS = 70
# Misses shown in the table; all of them stand in the JSON.
MISSES_SHOWN = 20


def comparison(reports: Sequence[Report]) -> str:
    """Return all systems' measures: overall, then by language, then by kind. Nothing for no report."""
    if not reports:
        return ""
    blocks = [_block("all questions", reports, [report.overall for report in reports])]
    for title, groups in (("language", "by_language"), ("kind", "by_kind")):
        names = sorted({name for report in reports for name in getattr(report, groups)})
        for name in names if len(names) > 1 else ():
            blocks.append(_block(f"{title} {name}", reports, [getattr(one, groups).get(name) for one in reports]))
    blocks.append(_reasons(reports))
    blocks.extend(_misses(report) for report in reports)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _block(title: str, reports: Sequence[Report], summaries: Sequence[Summary | None]) -> str:
    size = next((summary.questions for summary in summaries if summary), 0)
    lines = [f"{title} ({size})", _row("", [report.system for report in reports])]
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
