"""Sentence vectors: one a unit, under its heading, made once, and compared in the order of the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.index.sentence_vectors import SentenceVectors
from assistant.sentences import split_units
from assistant.store.library import Library

ENGLISH = "The walrus fee is 4,711 dollars. The heron teaches sales.\n\nYear\tFee\n2026\t12 dollars"
NORWEGIAN = "Hvalrossavgiften koster 4711 dollar. Hegren lærer bort salg."


@pytest.fixture
def library(tmp_path: Path):
    """An empty library."""
    opened = Library(tmp_path / "library.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def chunks(make_chunk):
    """A chunk in either language."""
    return [make_chunk(ENGLISH, id_="en.md"), make_chunk(NORWEGIAN, id_="nb.md", language="nb")]


def filled(library, embedder, chunks, *, gloss: bool) -> SentenceVectors:
    """Sentence vectors as an ingest leaves them."""
    sentences = SentenceVectors(library, embedder.key, gloss=gloss)
    missing = sentences.missing(chunks)
    sentences.store(zip(missing, embedder.embed(list(missing.values())), strict=True))
    return sentences


def test_every_unit_has_one_cosine_in_the_order_of_the_text(library, embedder, chunks):
    """As many as the chunk has units, each between -1 and 1, the sentence asked for the highest."""
    sentences = filled(library, embedder, chunks, gloss=True)
    found = sentences.similarities(embedder.embed(["What is the walrus fee?"])[0], chunks)
    for chunk in chunks:
        cosines = found[chunk.id]
        assert len(cosines) == len(split_units(chunk.text))
        assert all(-1.0001 <= cosine <= 1.0001 for cosine in cosines)
    assert np.argmax(found[chunks[0].id]) == 0


def test_a_sentence_is_embedded_once(library, embedder, chunks):
    """What the library knows is not asked for again; without vectors nothing is missing from the order."""
    sentences = filled(library, embedder, chunks, gloss=True)
    assert sentences.missing(chunks) == {}
    assert set(sentences.texts(chunks).values()) >= {"The heron teaches sales."}


def test_without_vectors_there_is_no_cosine(library, embedder, chunks):
    """A chunk that only the words find yet has none, and a sentence that came later has 0."""
    sentences = SentenceVectors(library, embedder.key, gloss=True)
    vector = embedder.embed(["walrus"])[0]
    assert sentences.similarities(vector, chunks) == {}
    some = filled(library, embedder, chunks[:1], gloss=True)
    assert set(some.similarities(vector, chunks)[chunks[1].id]) == {0.0}


def test_a_norwegian_sentence_is_read_in_english_by_an_english_model(library, embedder, chunks):
    """Glossed it lies nearer to an English question; other models get it as written, in a space of their own."""
    glossed = filled(library, embedder, chunks, gloss=True)
    written = filled(library, embedder, chunks, gloss=False)
    assert glossed.key != written.key
    vector = embedder.embed(["The heron teaches sales."])[0]
    nearer, further = (each.similarities(vector, chunks)[chunks[1].id][1] for each in (glossed, written))
    assert nearer > further + 0.1
    assert NORWEGIAN.split(". ")[1] in written.texts(chunks).values()
    assert NORWEGIAN.split(". ")[1] not in glossed.texts(chunks).values()
