"""Copies of one text count once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.domain import Hit
from assistant.retrieval.families import collapse, overlap, shingles

STORY = "The heron meets every company in the harbour and sells three hearing devices in the state of Ohio each year."
EDITED = STORY.replace("each year", "every year")
OTHER = "Insurers in Texas repaid the cost of forty umbrellas after the long and windy spring of that year."
LONGER = f"{STORY} {OTHER} A tide table hangs in the hall, and the rubber boots stand below it for all founders to use."


@pytest.fixture
def ranked(make_chunk):
    """Return hits, best first, from pairs of document id and text."""

    def make(*found: tuple[str, str], language: str = "en") -> list[Hit]:
        return [
            Hit(make_chunk(text, id_=id_, ordinal=rank, language=language), rank, 1 / rank)
            for rank, (id_, text) in enumerate(found, start=1)
        ]

    return make


def documents(hits: Sequence[Hit]) -> list[str]:
    """Return where the hits stand, in order."""
    return [hit.chunk.document_id for hit in hits]


@pytest.mark.parametrize(
    ("found", "kept", "also_in"),
    [
        pytest.param([], [], [], id="no hits"),
        pytest.param([("a", STORY)], ["a"], [()], id="one hit"),
        pytest.param([("a", STORY), ("b", OTHER)], ["a", "b"], [(), ()], id="different texts"),
        pytest.param([("a", STORY), ("b", STORY)], ["a"], [("b",)], id="the same text"),
        pytest.param([("a", STORY), ("b", EDITED)], ["a"], [("b",)], id="lightly edited"),
        pytest.param([("a", STORY), ("b", STORY), ("c", EDITED)], ["a"], [("b", "c")], id="three copies"),
        pytest.param([("a", STORY), ("b", OTHER), ("c", STORY)], ["a", "b"], [("c",), ()], id="order stays"),
        pytest.param([("a", STORY), ("a", EDITED)], ["a", "a"], [(), ()], id="the same document repeats itself"),
        pytest.param([("a", STORY), ("b", LONGER)], ["a", "b"], [(), ()], id="a longer text says more"),
        pytest.param([("a", LONGER), ("b", STORY)], ["a"], [("b",)], id="a text inside a longer one"),
        pytest.param([("a", "!"), ("b", "?")], ["a", "b"], [(), ()], id="no words to compare"),
        pytest.param([("a", "Yes."), ("b", "yes")], ["a"], [("b",)], id="one word"),
    ],
)
def test_copies_collapse_into_the_first(ranked, found, kept, also_in):
    """The first of a family stays and names the documents of the others; nothing else goes."""
    hits = collapse(ranked(*found))
    assert documents(hits) == kept
    assert [hit.also_in for hit in hits] == also_in


@pytest.mark.parametrize(
    "found",
    [
        [("a", STORY), ("b", STORY), ("c", OTHER), ("a", OTHER), ("d", LONGER)],
        [("a", OTHER), ("a", STORY), ("b", STORY), ("c", EDITED), ("b", OTHER)],
    ],
)
def test_collapsing_ranks_anew_and_twice_is_once(ranked, found):
    """Ranks run from 1 without gaps, the order is kept, and a second collapse finds nothing left to do."""
    before = ranked(*found)
    hits = collapse(before)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.chunk for hit in hits] == [hit.chunk for hit in before if hit.chunk in {kept.chunk for kept in hits}]
    assert collapse(hits) == hits


def test_a_document_is_never_named_beside_itself(ranked):
    """`also_in` names other documents, each once."""
    for hit in collapse(ranked(("a", STORY), ("b", STORY), ("b", EDITED), ("a", EDITED))):
        assert hit.chunk.document_id not in hit.also_in
        assert len(set(hit.also_in)) == len(hit.also_in)


def test_a_translation_is_not_a_copy(ranked):
    """Texts in two languages share no words, so both stay for the language of the question to choose from."""
    english, norwegian = ranked(("a", STORY)), ranked(("b", "Hegren møter alle i havna hver dag."), language="nb")
    assert len(collapse([*english, *norwegian])) == 2


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        pytest.param("one two three four", "one two three four", 1.0, id="equal"),
        pytest.param("one two three four", "five six seven", 0.0, id="nothing in common"),
        pytest.param("one two three", "zero one two three four five", 1.0, id="contained"),
        pytest.param("one two three four", "one two three five", 0.5, id="half"),
        pytest.param("", "one two three", 0.0, id="empty"),
        pytest.param("", "", 0.0, id="both empty"),
    ],
)
def test_overlap_is_the_share_of_the_smaller_text(first, second, share):
    """Overlap is containment, the same both ways, from 0 to 1."""
    assert overlap(shingles(first), shingles(second)) == share
    assert overlap(shingles(second), shingles(first)) == share
