"""Text that still holds goes before text that does not."""

from __future__ import annotations

from datetime import date

import pytest

from assistant.documents.metadata import read_yaml
from assistant.domain import Hit, Metadata
from assistant.retrieval.families import Edition
from assistant.retrieval.validity import current_first, edition, standing

TODAY = date(2026, 11, 22)


@pytest.fixture
def ranked(make_chunk):
    """Return hits from triples of document id, score and text."""

    def make(*found):
        return [
            Hit(make_chunk(text, id_=id_, ordinal=rank), rank, score)
            for rank, (id_, score, text) in enumerate(found, start=1)
        ]

    return make


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param(Metadata(), "current", id="nothing said"),
        pytest.param(Metadata(valid_until="2026-11-22"), "current", id="the last day"),
        pytest.param(Metadata(valid_until="2026-11-21"), "expired", id="the day after"),
        pytest.param(Metadata(valid_until="2026-11"), "current", id="the month is not over"),
        pytest.param(Metadata(valid_until="2026-10"), "expired", id="the month is over"),
        pytest.param(Metadata(valid_until="2026"), "current", id="the year is not over"),
        pytest.param(Metadata(valid_until="2025"), "expired", id="the year is over"),
        pytest.param(Metadata(valid_until="2025", is_review_date=True), "current", id="only a day of review"),
        pytest.param(Metadata(status="draft, not reviewed by the programme"), "current", id="a draft"),
        pytest.param(Metadata(status="Superseded by fees.md"), "superseded", id="superseded"),
        pytest.param(Metadata(status="approved; withdrawn in May"), "superseded", id="a later part"),
        pytest.param(Metadata(status="erstattet av satser.md"), "superseded", id="in Norwegian"),
        pytest.param(Metadata(status="not yet replaced"), "current", id="denied"),
        pytest.param(Metadata(status="replaced", valid_until="2020"), "superseded", id="both"),
    ],
)
def test_a_document_holds_until_its_metadata_say_otherwise(metadata, expected):
    """Status first, then the end of validity, which has passed when all of it has."""
    assert standing(metadata, TODAY) == expected


def test_front_matter_says_what_supersedes_a_document():
    """`superseded_by` becomes the first part of the status, which readers see beside each quote."""
    found = read_yaml("superseded_by: fees-2026.md\nstatus: draft\n", "x.md", where="its front matter")
    assert found.status == "superseded by fees-2026.md; draft"
    assert standing(found, TODAY) == "superseded"


def test_an_edition_is_what_tells_the_age_of_a_document():
    """The latest year in the title, and the dates as they are."""
    metadata = Metadata(published="2024-05", checked="2025", valid_until="2024-12-31")
    assert edition("Fees 2023 to 2024", metadata, TODAY) == Edition(True, 2024, "2024-05", "2024-12-31", "2025")
    assert edition("Fees", Metadata(), TODAY) == Edition()


@pytest.mark.parametrize(
    ("found", "order"),
    [
        pytest.param([], [], id="no hits"),
        pytest.param([("old", 1.0, "a"), ("new", 0.5, "b")], ["new", "old"], id="relevant enough"),
        pytest.param([("old", 1.0, "a"), ("new", 0.4, "b")], ["old", "new"], id="too weak"),
        pytest.param([("old", 0.9, "a")], ["old"], id="all there is"),
        pytest.param([("new", 0.9, "a"), ("other", 0.8, "b"), ("old", 0.7, "c")], ["new", "other", "old"], id="below"),
        pytest.param([("old", 0.0, "a"), ("new", 0.0, "b")], ["new", "old"], id="no score"),
        pytest.param([("old", -0.1, "a"), ("new", -0.2, "b")], ["old", "new"], id="below zero"),
    ],
)
def test_relevant_current_text_goes_first(ranked, found, order):
    """An outdated hit steps back behind every current one of half its score, and says what it is."""
    judged = current_first(ranked(*found), {"old": "superseded"})
    assert [one.hit.chunk.document_id for one in judged] == order
    assert [one.standing for one in judged] == ["superseded" if id_ == "old" else "current" for id_ in order]
    assert [one.hit.rank for one in judged] == list(range(1, len(order) + 1))
    scores = [one.hit.score for one in judged]
    assert scores == sorted(scores, reverse=True)


def test_a_question_about_a_past_year_gets_that_year(ranked):
    """Outdated text that names the year asked about keeps its place, and is marked all the same."""
    hits = ranked(("old", 1.0, "The fee of 2024 was 18 kroner."), ("new", 0.9, "The fee of 2026 is 23 kroner."))
    then = current_first(hits, {"old": "expired"}, "What was the fee in 2024?")
    assert [(one.hit.chunk.document_id, one.standing) for one in then] == [("old", "expired"), ("new", "current")]
    now = current_first(hits, {"old": "expired"}, "What is the fee?")
    assert [one.hit.chunk.document_id for one in now] == ["new", "old"]


@pytest.mark.parametrize(("factor", "first"), [(0.0, "new"), (1.0, "old")])
def test_the_factor_goes_from_always_to_never(ranked, factor, first):
    """0 puts any current text first, 1 leaves the order as it is."""
    hits = ranked(("old", 1.0, "a"), ("new", 0.1, "b"))
    assert current_first(hits, {"old": "expired"}, factor=factor)[0].hit.chunk.document_id == first
