"""The figures of growth as fixed-width tables, one row a size, and what they say in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from eval.growth import Grown, Growth, Indexes, Target, exponent

One = TypeVar("One")
Cells = Mapping[str, str]

_COSTS: Mapping[str, Callable[[Grown], float]] = {
    "embedding": lambda one: one.embed_p50_seconds,
    "passages": lambda one: one.passages_p50_seconds,
    "answer": lambda one: one.answer_p50_seconds,
    "answer p95": lambda one: one.answer_p95_seconds,
    "start": lambda one: one.start_seconds,
    "ingest": lambda one: one.ingest_seconds,
    "unchanged": lambda one: one.unchanged_seconds,
    "memory": lambda one: one.answering_megabytes,
    "disk": lambda one: float(sum(one.disk_bytes.values())),
}
_INDEX_COSTS: Mapping[str, Callable[[Indexes], float]] = {
    "vector search": lambda one: one.spent["vectors"][0],
    "word search": lambda one: one.spent["words"][0],
    "fetching": lambda one: one.spent["library"][0],
    "whole": lambda one: one.spent["whole"][0],
    "whole p95": lambda one: one.spent["whole"][1],
    "building": lambda one: sum(built.seconds for built in one.built.values()),
    "memory": lambda one: one.peak_megabytes,
    "disk": lambda one: float(sum(one.disk_bytes.values())),
}


def growth_table(growth: Growth) -> str:
    """Return all tables; what was not measured is left out."""
    return "\n\n".join(_parts(growth)) + "\n"


def _parts(growth: Growth) -> Iterator[str]:
    if growth.grown:
        yield _block("Questions (medians / 95th percentiles in ms; ratios to the embedding beside them)",
                     [_asked(one) for one in growth.grown])  # fmt: skip
        yield _block("Bringing documents in, and starting", [_brought(one) for one in growth.grown])
        yield _block("Memory (peaks in MB) and disk (bytes per chunk)", [_held(one) for one in growth.grown])
        yield _block("What an answer's time goes to", [_dominating(one) for one in growth.grown])
        if len(growth.grown) > 1:
            yield _block("How cost grows: as the size to the power of", list(_growing(growth.grown, _COSTS)))
        yield from _warnings(growth.grown)
    if growth.indexes:
        yield _block("The indexes alone, synthetic (medians / 95th percentiles in ms, one after the other)",
                     [_searched(one) for one in growth.indexes])  # fmt: skip
        yield _block("Building them", [row for one in growth.indexes for row in _building(one)])
        if len(growth.indexes) > 1:
            yield _block("How their cost grows: as the size to the power of",
                         list(_growing(growth.indexes, _INDEX_COSTS)))  # fmt: skip
    if growth.targets:
        yield _block("Targets", [_judged(target) for target in growth.targets])


def _asked(one: Grown) -> Cells:
    return {
        "chunks": f"{one.chunks:,}",
        "embedding": _ms(one.embed_p50_seconds),
        "passages": f"{_ms(one.passages_p50_seconds)} / {_ms(one.passages_p95_seconds)}",
        "ratio": f"{one.passages_ratio:.2f}",
        "answer": f"{_ms(one.answer_p50_seconds)} / {_ms(one.answer_p95_seconds)}",
        "ratio ": f"{one.answer_ratio:.2f}",
        "p95/p50": f"{one.spread:.2f}",
        "recall": f"{one.recall:.3f}",
        "quoted": f"{one.quoted:.3f}",
        "asked": str(one.questions),
    }


def _brought(one: Grown) -> Cells:
    return {
        "chunks": f"{one.chunks:,}",
        "documents": f"{one.documents:,}",
        "ingest s": f"{one.ingest_seconds:,.1f}",
        "chunks/s": f"{one.chunks_per_second:.1f}",
        "documents/s": f"{one.documents / one.ingest_seconds:.2f}",
        "unchanged s": f"{one.unchanged_seconds:.3f}",
        "unchanged/ingest": f"{one.unchanged_ratio:.4f}",
        "first answer s": f"{one.start_seconds:.2f}",
    }


def _held(one: Grown) -> Cells:
    parts = {name: f"{size / one.chunks:,.0f}" for name, size in one.disk_bytes.items() if size >= one.chunks}
    return {
        "chunks": f"{one.chunks:,}",
        "answering": f"{one.answering_megabytes:,.0f}",
        "ingesting": f"{one.ingesting_megabytes:,.0f}",
        "per chunk": f"{one.bytes_per_chunk:,.0f}",
        **dict(sorted(parts.items())),
    }


def _dominating(one: Grown) -> Cells:
    shares = one.shares
    most = max(shares, key=lambda name: shares[name])
    return {
        "chunks": f"{one.chunks:,}",
        **{name: f"{share:.0%}" for name, share in shares.items()},
        "most": most,
    }


def _growing(sizes: Sequence[One], costs: Mapping[str, Callable[[One], float]]) -> Iterator[Cells]:
    for before, after in pairwise(sizes):
        first, second = (one.size for one in (before, after))  # type: ignore[attr-defined]  # both kinds have one
        powers = {name: exponent((first, second), (cost(before), cost(after))) for name, cost in costs.items()}
        yield {
            "from": f"{first:,}",
            "to": f"{second:,}",
            **{name: "-" if power is None else f"{power:.2f}" for name, power in powers.items()},
        }


def _warnings(grown: Sequence[Grown]) -> Iterator[str]:
    before = [f"{one.chunks:,}" for one in grown if one.built_before]
    otherwise = [f"{one.chunks:,}" for one in grown if one.built_otherwise]
    lines = []
    if before:
        lines.append(f"Built in an earlier run, so ingest was measured then: {', '.join(before)} chunks.")
    if otherwise:
        lines.append(
            f"Built by other code than today's, so ingest, disk and indexes are not today's: {', '.join(otherwise)} "
            "chunks. Delete the folder to measure them anew."
        )
    if lines:
        yield "\n".join(lines)


def _searched(one: Indexes) -> Cells:
    return {
        "passages": f"{one.passages:,}",
        **{
            name: f"{_ms(one.spent[part][0])} / {_ms(one.spent[part][1])}"
            for part, name in (("vectors", "vectors"), ("words", "words"), ("library", "fetching"), ("whole", "whole"))
        },
        **{f"recall@{among}": f"{share:.3f}" for among, share in one.recall.items()},
        "by words": f"{one.by_words:.3f}",
        "found": f"{one.found:.3f}",
        "first s": f"{one.opened_seconds:.2f}",
        "peak MB": f"{one.peak_megabytes:,.0f}",
        "asked": str(one.questions),
    }


def _building(one: Indexes) -> Iterator[Cells]:
    files = {"vectors": "chroma", "words": "words", "library": "library.sqlite"}
    for part, built in one.built.items():
        yield {
            "passages": f"{one.passages:,}",
            "part": part,
            "seconds": f"{built.seconds:,.1f}",
            "cpu seconds": f"{built.cpu_seconds:,.1f}",
            "peak MB": f"{built.peak_megabytes:,.0f}",
            "disk MB": f"{one.disk_bytes.get(files[part], 0) / 2**20:,.1f}",
            "bytes each": f"{one.disk_bytes.get(files[part], 0) / one.passages:,.0f}",
        }


def _judged(target: Target) -> Cells:
    return {
        "what": target.what,
        "figure": f"{target.value:.3f}",
        "target": f"{target.kind} {target.bound:g}",
        "": "met" if target.met else "MISSED",
    }


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def _block(title: str, rows: Sequence[Cells]) -> str:
    """Return rows under their headings: numbers to the right, words to the left."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[row.get(name, "-") for name in names] for row in rows]
    widths = [max(len(name), *(len(row[place]) for row in cells)) for place, name in enumerate(names)]
    to_left = [all(row[place][:1].isalpha() for row in cells) for place in range(len(names))]
    lines = [title]
    for row in [names, *cells]:
        aligned = [
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, to_left, strict=True)
        ]
        lines.append("  " + "  ".join(aligned).rstrip())
    return "\n".join(lines)
