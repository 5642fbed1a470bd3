"""Which documents need a look: by their dates, status and translations, and whether anybody was led to them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta

from assistant.desk import HealthLine, Held

# A review date is near when it comes within so many days.
NEAR_DAYS = 60
# A document is too young to be missed among the citations before.
YOUNG_DAYS = 30


def health_of(
    held: Sequence[Held],
    *,
    cited: Collection[str],
    counted_since: str | None,
    translations: Mapping[str, Collection[str]],
    today: date,
) -> list[HealthLine]:
    """Return what is to be looked at, the most pressing kind first, and by day within a kind.

    Args:
        held: All documents; those that are not published need no look.
        cited: Ids of those that an answer has cited since `counted_since`.
        counted_since: The day since which citations are counted, or None where they are not.
        translations: By document, those that say the same in the other language.
    """
    published = [each for each in held if each.state == "published"]
    lines = [line for each in published for line in _by_date(each, today)]
    for each in published:
        if _is_old_enough(each, counted_since, today) and each.id not in cited:
            lines.append(HealthLine(each.id, each.title, "never_cited", counted_since))
        if each.metadata.status:
            lines.append(HealthLine(each.id, each.title, "not_approved"))
        if not translations.get(each.id):
            lines.append(HealthLine(each.id, each.title, "no_translation"))
    order = ("out_of_date", "review_past", "review_near", "not_approved", "never_cited", "no_translation")
    return sorted(lines, key=lambda line: (order.index(line.kind), line.day or "", line.document))


def _by_date(each: Held, today: date) -> Iterator[HealthLine]:
    day = each.metadata.valid_until
    if day is None:
        return
    past = today.isoformat()[: len(day)] > day
    near = (today + timedelta(days=NEAR_DAYS)).isoformat()[: len(day)] >= day
    if each.metadata.is_review_date:
        if past:
            yield HealthLine(each.id, each.title, "review_past", day)
        elif near:
            yield HealthLine(each.id, each.title, "review_near", day)
    elif past:
        yield HealthLine(each.id, each.title, "out_of_date", day)
    elif near:
        yield HealthLine(each.id, each.title, "review_near", day)


def _is_old_enough(each: Held, counted_since: str | None, today: date) -> bool:
    """Return whether it would have been cited by now if anybody had asked."""
    if counted_since is None:
        return False
    begun = max(counted_since, each.stored_at[:10])
    return begun <= (today - timedelta(days=YOUNG_DAYS)).isoformat()
