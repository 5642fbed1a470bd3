"""Validity: whether a document's text still holds, and text that holds before text that does not. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from assistant.domain import Hit, Metadata
from assistant.retrieval.families import Edition, ranked_anew, years_in

Standing = Literal["current", "expired", "superseded"]

# Current text that scores at least this share of an outdated one is relevant as well, and goes before it.
STILL_RELEVANT = 0.5
# At the start of a status, or of one of its parts: "not yet replaced" says the opposite.
_SUPERSEDED = re.compile(
    r"(?:^|[;,.]\s*)(?:superseded|replaced\b|withdrawn|repealed|obsolete|"
    r"erstattet|erstatta|avløst|opphevet|oppheva|tilbaketrukket|trukket tilbake|utgått)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit, and whether the document that it stands in still holds."""

    hit: Hit
    standing: Standing


def standing(metadata: Metadata, today: date) -> Standing:
    """Return whether a document still holds, from its status and the end of its validity.

    A date without a day or month has passed when all of it has: `2026` on 1 January 2027. A document that says nothing
    is current; one that is both superseded and expired is superseded. A day of review ends nothing.
    """
    if _SUPERSEDED.search((metadata.status or "").strip()):
        return "superseded"
    until = metadata.valid_until
    if until and not metadata.is_review_date and today.isoformat()[: len(until)] > until:
        return "expired"
    return "current"


def edition(title: str, metadata: Metadata, today: date) -> Edition:
    """Return what tells the age of a document: the latest year in its title, its dates, whether it still holds."""
    return Edition(
        outdated=standing(metadata, today) != "current",
        year=max(years_in(title), default=None),
        published=metadata.published,
        valid_until=metadata.valid_until,
        checked=metadata.checked,
    )


def current_first(
    hits: Sequence[Hit], standings: Mapping[str, Standing], question: str = "", *, factor: float = STILL_RELEVANT
) -> list[Judged]:
    """Return the hits, each with its standing, ranked anew: none outdated before a current one that is relevant.

    Relevant is what scores at least `factor` times as much. An outdated hit keeps its place above weaker ones, since it
    may be all there is, and where it names a year that the question asks about. Its score is lowered by `factor`, so
    that the list stays sorted by score.

    Args:
        standings: By document id; a document that is not named is current.
        question: As asked; the years in it matter.
        factor: From 0 (current text always first) to 1 (order as it is).
    """
    asked = years_in(question)
    judged = [_judge(hit, standings.get(hit.chunk.document_id, "current"), asked, factor) for hit in hits]
    # Stable: equal scores keep their order, but for a current one that draws level with an outdated one.
    ordered = sorted(judged, key=lambda one: (-one.hit.score, one.standing != "current"))
    ranked = ranked_anew(one.hit for one in ordered)
    return [Judged(hit, one.standing) for hit, one in zip(ranked, ordered, strict=True)]


def _judge(hit: Hit, now: Standing, asked: frozenset[int], factor: float) -> Judged:
    if now == "current":
        return Judged(hit, now)
    if asked and asked & years_in(f"{hit.chunk.title} {hit.chunk.heading or ''} {hit.chunk.text}"):
        return Judged(hit, now)
    return Judged(replace(hit, score=hit.score * factor if hit.score > 0 else hit.score), now)
