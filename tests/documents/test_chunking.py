"""Chunking: whole sentences with exact spans, counted by the model's own tokenizer."""

from __future__ import annotations

import random

import pytest

from assistant.documents.chunking import chunk_document
from assistant.sentences import split_units

LIMIT = 64
SENTENCES = [
    "The heron pays.", "Medicare covers a device when it is reasonable and necessary for the care of one patient.",
    "Søknadsfristen for refusjon utløper i oktober, sier Helsedirektoratet.", "It costs $ 4,711.",
    "A 510(k) takes the FDA about five months, and each question from the reviewer stops that clock.",
    "Otorhinolaryngological instruments " * 3 + "are listed.",
]  # fmt: skip


@pytest.fixture
def chunk(embedder):
    """Cut a document into chunks of at most LIMIT tokens."""
    return lambda document, limit=LIMIT: chunk_document(document, embedder.count_tokens, max_tokens=limit)


def random_blocks(dice: random.Random) -> list[str]:
    """Return headings, paragraphs, lists, tables and introductions in any order."""
    blocks = []
    for _ in range(dice.randint(1, 25)):
        some = [dice.choice(SENTENCES) for _ in range(dice.randint(1, 6))]
        blocks.append(
            dice.choice(
                [
                    " ".join(some),
                    "\n".join(f"- {one}" for one in some),
                    "\n".join(f"{number}. {one}" for number, one in enumerate(some, 1)),
                    "\n".join(f"{one}\t{number}" for number, one in enumerate(some)),
                    "You need these things:",
                    f"{'#' * dice.randint(1, 4)} A heading {dice.randint(1, 99)}",
                ]
            )
        )
    return blocks


@pytest.mark.parametrize("seed", range(12))
def test_the_laws_of_chunks(seed, make_document, chunk, embedder):
    """Spans match, units are whole and in one chunk each, sections are not crossed, and lengths are kept."""
    dice = random.Random(seed)
    document = make_document(*(random_blocks(dice) for _ in range(dice.randint(1, 4))))
    chunks = chunk(document)
    assert [found.text for found in chunks] == [document.text[found.start : found.end] for found in chunks]
    assert [found.id for found in chunks] == [f"made.md:{document.version[:16]}:{i}" for i in range(len(chunks))]
    units = [
        (section.start + unit.start, section.start + unit.end)
        for section in document.sections
        for unit in split_units(document.text[section.start : section.end])
    ]
    holding = [[i for i, found in enumerate(chunks) if found.start <= a and b <= found.end] for a, b in units]
    assert all(len(places) == 1 for places in holding)
    assert [places[0] for places in holding] == sorted(places[0] for places in holding)
    for number, found in enumerate(chunks):
        section = document.section_at(found.start)
        assert section.start <= found.start < found.end <= section.end
        sole = [places[0] for places in holding].count(number) == 1
        assert sole or embedder.count_tokens([found.index_text])[0] <= LIMIT


def holding(chunks, *words):
    """Return the one chunk that holds all these words."""
    (found,) = [chunk for chunk in chunks if all(word in chunk.text for word in words)]
    return found


FILLER = " ".join(["The tide comes in twice a day and leaves the harbour again."] * 3)


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param(["- first reed\n- second reed\n- third reed"], id="list"),
        pytest.param(["first reed\t1\nsecond reed\t2\nthird reed\t3"], id="table"),
        pytest.param(["You need, among others, first reed:", "- second reed\n- third reed"], id="introduced list"),
        pytest.param(["## first reed", "The second reed and the third reed."], id="heading with its paragraph"),
        pytest.param(["## first reed", "Take these second reed:", "- third reed"], id="heading, introduction, list"),
    ],
)
@pytest.mark.parametrize("before", range(4))
def test_what_belongs_together_stays_together(blocks, before, make_document, chunk):
    """A short list or table, with its introduction and heading, is in one chunk wherever it stands."""
    chunks = chunk(make_document([*[FILLER] * before, *blocks, FILLER]))
    assert holding(chunks, "first reed", "second reed", "third reed")


def test_a_long_list_is_parted_between_items(make_document, chunk):
    """A list that cannot fit begins with its introduction and heading and is cut only between items."""
    items = [f"Item {number} weighs {number} kilos and floats on the water of the fjord." for number in range(20)]
    chunks = chunk(make_document(["## Weights", "All the weights are here:", "\n".join(f"- {item}" for item in items)]))
    assert len(chunks) > 3
    assert holding(chunks, "Weights", "All the weights are here:", "Item 0 weighs")
    assert all(holding(chunks, item) for item in items)


@pytest.mark.parametrize("before", range(3))
def test_a_passage_knows_that_a_table_goes_on_in_it(make_document, chunk, before):
    """All that hold a part of a long table but the first go on; none that begins with a block of its own does."""
    rows = [f"Item {number} of the harbour\t{number} kilos\tfloats on the water" for number in range(20)]
    document = make_document([*[FILLER] * before, "Item\tWeight\tRemark\n" + "\n".join(rows), "The tide comes."])
    chunks = chunk(document)
    parts = [found for found in chunks if "floats" in found.text]
    assert len(parts) > 3
    assert "Weight" in parts[0].text
    assert all(found.goes_on for found in parts[1:])
    for found in chunks:
        assert found.goes_on == (found.start > 0 and document.text[: found.start][-2:] != "\n\n")


def test_list_marks_count(make_document, chunk, embedder):
    """Marks between items are read by the model too, so a chunk of many short items still fits."""
    numbered = "\n".join(f"{number}. Oar" for number in range(1, 200))
    for found in chunk(make_document([numbered])):
        assert embedder.count_tokens([found.index_text])[0] <= LIMIT


def test_a_single_sentence_is_never_cut(make_document, chunk):
    """A sentence longer than the limit stands alone and whole."""
    giant = "We ship " + ", ".join(f"crate {number}" for number in range(100)) + " to Boston."
    chunks = chunk(make_document(["Before it. " + giant + " After it."]))
    assert giant in [found.text for found in chunks]


def test_sections_are_never_crossed(make_document, chunk):
    """Three short articles on one page are three chunks, each with its own title and language."""
    chunks = chunk(make_document(["One is short."], ["Two is short."], ["Three is short."]))
    assert [found.text for found in chunks] == ["One is short.", "Two is short.", "Three is short."]


def test_chunks_know_their_heading(make_document, chunk):
    """A chunk names the nearest heading above it in its own section."""
    chunks = chunk(make_document(["# Top", FILLER, "## Below", FILLER], [FILLER]))
    assert [found.heading for found in chunks] == ["Top", "Below", None]


@pytest.mark.parametrize("text", ["", " \n\n ", "- \n- "], ids=["nothing", "white space", "marks only"])
def test_no_words_give_no_chunks(text, make_document, chunk):
    """A text without a word has nothing to search."""
    assert chunk(make_document([text])) == []


def test_a_heading_longer_than_the_limit_leaves_sentences_alone(make_document, chunk):
    """Even a heading that fills a chunk by itself loses no sentence."""
    chunks = chunk(make_document(["# " + "long heading " * 60, "One sentence. Another sentence."]))
    assert " ".join(found.text for found in chunks).endswith("One sentence. Another sentence.")
