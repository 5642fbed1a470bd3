"""Which documents need a look: by date, status, translation, and whether anybody was led to them."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.desk import Held
from assistant.domain import Metadata
from assistant.staff.health import health_of

TODAY = date(2026, 11, 22)
OLD = "2026-01-05T10:00:00Z"


def held(id_="a.md", *, state="published", stored_at=OLD, **metadata) -> Held:
    """Return a document with these details."""
    return Held(id_, id_.upper(), state, "v", "en", Metadata(**metadata), 3, None, embedded=True, stored_at=stored_at)


def kinds(*documents, cited=("a.md",), since="2026-01-01", translations=None):
    """Return the kinds of what is found, in order."""
    pairs = {"a.md": ["b.md"]} if translations is None else translations
    lines = health_of(documents, cited=cited, counted_since=since, translations=pairs, today=TODAY)
    return [line.kind for line in lines]


@pytest.mark.parametrize(
    ("metadata", "found"),
    [
        pytest.param({}, [], id="nothing said"),
        pytest.param({"valid_until": "2026-11-21"}, ["out_of_date"], id="ended yesterday"),
        pytest.param({"valid_until": "2026-11-22"}, ["review_near"], id="ends today"),
        pytest.param({"valid_until": "2027-01-21"}, ["review_near"], id="ends in sixty days"),
        pytest.param({"valid_until": "2027-01-22"}, [], id="ends later"),
        pytest.param({"valid_until": "2026"}, ["review_near"], id="ends this year"),
        pytest.param({"valid_until": "2025"}, ["out_of_date"], id="ended last year"),
        pytest.param({"valid_until": "2026-10"}, ["out_of_date"], id="ended last month"),
        pytest.param({"valid_until": "2026-11-21", "is_review_date": True}, ["review_past"], id="review is due"),
        pytest.param({"valid_until": "2026-12-01", "is_review_date": True}, ["review_near"], id="review comes"),
        pytest.param({"valid_until": "2028", "is_review_date": True}, [], id="review is far"),
        pytest.param({"status": "draft, not reviewed"}, ["not_approved"], id="nobody approved it"),
    ],
)
def test_dates_and_status(metadata, found):
    """A date of any precision counts as its last day."""
    assert kinds(held(**metadata)) == found


def test_what_nobody_was_led_to():
    """Only a document that has had time to be asked for, and only where citations are counted long enough."""
    assert kinds(held(), cited=()) == ["never_cited"]
    assert kinds(held(stored_at="2026-11-01T10:00:00Z"), cited=()) == []
    assert kinds(held(), cited=(), since="2026-11-01") == []
    assert kinds(held(), cited=(), since=None) == []


def test_a_missing_translation_is_named_last():
    """Dates come first, whatever the names."""
    assert kinds(held(valid_until="2020"), translations={}) == ["out_of_date", "no_translation"]


@pytest.mark.parametrize("state", ["unpublished", "withdrawn"])
def test_what_is_not_published_needs_no_look(state):
    """Nobody is answered from it."""
    assert kinds(held(state=state, valid_until="2020", status="draft"), cited=(), translations={}) == []
