"""Copies of one text among the hits: found and collapsed, so that five copies count once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.domain import Hit
from assistant.language import words

# Share of the shorter text's word triples that the longer one holds, from which both count as one text. Two news pages
# with the same article edited lightly share about 0.9, different passages on one subject under 0.2.
SAME_TEXT = 0.75
_SHINGLE = 3


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Return the set of word triples of `text`; of shorter runs where it has fewer words than three."""
    found = words(text)
    length = min(_SHINGLE, len(found))
    if not length:
        return frozenset()
    return frozenset(tuple(found[i : i + length]) for i in range(len(found) - length + 1))


def overlap(first: frozenset[tuple[str, ...]], second: frozenset[tuple[str, ...]]) -> float:
    """Return the share of the smaller set that the larger one holds (containment), 0 for an empty set."""
    smaller = min(len(first), len(second))
    return len(first & second) / smaller if smaller else 0.0


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without near-identical texts of other documents, ranked anew; the first of each family stays.

    The documents of the others are named in its `also_in`. Texts much longer than their twin are kept, since they say
    more.
    """
    kept: list[Hit] = []
    sets: list[frozenset[tuple[str, ...]]] = []
    for hit in hits:
        own = shingles(hit.chunk.text)
        twin = _twin(hit, own, kept, sets)
        if twin is None:
            kept.append(hit)
            sets.append(own)
        else:
            others = dict.fromkeys((*kept[twin].also_in, hit.chunk.document_id, *hit.also_in))
            others.pop(kept[twin].chunk.document_id, None)
            kept[twin] = replace(kept[twin], also_in=tuple(others))
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, start=1)]


def _twin(
    hit: Hit, own: frozenset[tuple[str, ...]], kept: Sequence[Hit], sets: Sequence[frozenset[tuple[str, ...]]]
) -> int | None:
    for index, (other, theirs) in enumerate(zip(kept, sets, strict=True)):
        same_document = other.chunk.document_id == hit.chunk.document_id and other.chunk.language == hit.chunk.language
        longer = len(own) > 1.5 * len(theirs)
        if not same_document and not longer and overlap(own, theirs) >= SAME_TEXT:
            return index
    return None
