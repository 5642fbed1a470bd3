"""Copies of one text count once, the newer edition stands for the older, translations stand in order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assistant.domain import Hit
from assistant.retrieval.families import (
    Edition,
    collapse,
    figures_in,
    is_newer,
    overlap,
    question_language_first,
    shingles,
)

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


# ---- Editions ----

FEE_2024 = "A company pays a participation fee of 18,500 kroner for one season in the harbour, due on 1 May 2024."
FEE_2026 = "A company pays a participation fee of 23,700 kroner for one season in the harbour, due on 1 June 2026."
DATE_ONLY = STORY.replace("each year", "on 3 May 2024"), STORY.replace("each year", "on 9 July 2025")
EDITIONS = {"old": Edition(published="2024-01"), "new": Edition(published="2026-01")}


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        pytest.param([("new", FEE_2026), ("old", FEE_2024)], ["new"], id="newer first"),
        pytest.param([("old", FEE_2024), ("new", FEE_2026)], ["new"], id="older first"),
        pytest.param([("old", FEE_2024), ("c", OTHER), ("new", FEE_2026)], ["new", "c"], id="takes the best place"),
        pytest.param([("x", FEE_2024), ("y", FEE_2026)], ["x", "y"], id="nobody knows which is right"),
        pytest.param([("old", OTHER), ("new", FEE_2026)], ["old", "new"], id="other texts"),
        pytest.param([("old", FEE_2024 + OTHER + LONGER), ("new", FEE_2026)], ["old", "new"], id="the older says more"),
        pytest.param([("old", "Fee: 100 kroner"), ("new", "Fee: 200 kroner")], ["old", "new"], id="too short to tell"),
        pytest.param([("old", DATE_ONLY[0]), ("new", DATE_ONLY[1])], ["new"], id="another date"),
    ],
)
def test_the_newer_edition_stands_for_its_family(ranked, found, kept):
    """It takes the best place and score; the older one is not named, since it does not say the same."""
    hits = collapse(ranked(*found), EDITIONS)
    assert documents(hits) == kept
    assert all(not hit.also_in for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


@pytest.mark.parametrize(
    ("question", "kept"),
    [("What is the fee?", ["new"]), ("What was the fee in 2024?", ["old", "new"]), ("The fee in 2026?", ["new"])],
)
def test_a_question_about_a_past_year_keeps_the_older_edition(ranked, question, kept):
    """The year that is asked about stands in the older text only."""
    assert documents(collapse(ranked(("old", FEE_2024), ("new", FEE_2026)), EDITIONS, question)) == kept


def test_the_newest_copy_stands_for_the_others(ranked):
    """Where the words are the same, the newest is shown and names the others; a longer text is never lost for it."""
    (hit,) = collapse(ranked(("old", STORY), ("new", EDITED)), EDITIONS)
    assert (hit.chunk.document_id, hit.also_in, hit.rank) == ("new", ("old",), 1)
    (hit,) = collapse(ranked(("old", LONGER), ("new", STORY)), EDITIONS)
    assert (hit.chunk.document_id, hit.also_in) == ("old", ("new",))


def test_a_copy_with_another_date_line_counts_once(ranked):
    """A date that differs makes no other text where nothing tells which is newer."""
    (hit,) = collapse(ranked(("a", DATE_ONLY[0]), ("b", DATE_ONLY[1])))
    assert hit.also_in == ("b",)


@pytest.mark.parametrize(
    ("first", "second", "newer"),
    [
        pytest.param(Edition(), Edition(), None, id="nothing known"),
        pytest.param(Edition(published="2026"), Edition(), None, id="one date"),
        pytest.param(Edition(published="2026"), Edition(published="2025-12-31"), True, id="published"),
        pytest.param(Edition(published="2026"), Edition(published="2026-03"), None, id="too vague"),
        pytest.param(Edition(published="2025", year=2026), Edition(published="2026", year=2025), True, id="title year"),
        pytest.param(Edition(valid_until="2025"), Edition(valid_until="2026"), False, id="validity"),
        pytest.param(Edition(checked="2026-02"), Edition(checked="2026-01"), True, id="checked"),
        pytest.param(Edition(outdated=True, published="2026"), Edition(published="2020"), False, id="outdated"),
    ],
)
def test_the_age_of_editions_is_compared_by_what_both_state(first, second, newer):
    """One answer, and its opposite the other way round; None both ways."""
    assert is_newer(first, second) is newer
    assert is_newer(second, first) is (None if newer is None else not newer)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        pytest.param("The fee of 4,711 dollars is due on 3 May 2024.", {"4711"}, id="a date is no figure"),
        pytest.param("Gebyret er 4 711 kroner fra 01.05.2024.", {"4711"}, id="Norwegian thousands"),
        pytest.param("2.5 percent since 2024-03-01", {"2.5"}, id="a fraction"),
        pytest.param("2,5 prosent", {"2.5"}, id="a comma"),
        pytest.param("none", set(), id="none"),
    ],
)
def test_figures_are_numbers_without_dates(text, figures):
    """However thousands are parted and decimals written."""
    assert figures_in(text) == figures


# ---- Translations ----


@pytest.mark.parametrize(
    ("language", "scores", "order"),
    [
        pytest.param("nb", (1.0, 0.7), ["nb", "en"], id="nearly as good"),
        pytest.param("nn", (1.0, 0.7), ["nb", "en"], id="Nynorsk reads Bokmål"),
        pytest.param("nb", (1.0, 0.3), ["en", "nb"], id="much weaker"),
        pytest.param("en", (1.0, 0.7), ["en", "nb"], id="already first"),
    ],
)
def test_the_language_of_the_question_goes_first_among_translations(make_chunk, language, scores, order):
    """The translation takes the place and score of what it translates."""
    english = Hit(make_chunk(STORY, id_="en"), 1, scores[0])
    norwegian = Hit(make_chunk("Hegren møter alle i havna.", id_="nb", language="nb"), 2, scores[1])
    pairs = {"en": frozenset({"nb"}), "nb": frozenset({"en"})}
    hits = question_language_first([english, norwegian], pairs, language)
    assert documents(hits) == order
    assert [hit.rank for hit in hits] == [1, 2]
    assert hits[0].score == 1.0
    assert documents(question_language_first([english, norwegian], {}, language)) == ["en", "nb"]
