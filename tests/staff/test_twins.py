"""Twins: files and texts that say the same are found among many, and texts on one subject are not."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.documents import load_document
from assistant.domain import Document
from assistant.staff.twins import Other, find_twins, hashes_of, sketch_of

CORPUS = Path(__file__).resolve().parents[2] / "corpus"


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """The Markdown files of our own corpus."""
    return [
        load_document(path, path.relative_to(CORPUS).as_posix())
        for path in sorted(CORPUS.rglob("*.md"))
        if path.stat().st_size < 40_000
    ]


@pytest.fixture(scope="module")
def others(documents: list[Document]) -> list[Other]:
    """The same documents as they are compared with."""
    return [Other(each.id, each.version, each.title, f"file of {each.id}", each.text) for each in documents]


def _new(document: Document, text: str) -> Document:
    return replace(document, id="new.md", text=text)


def test_our_own_documents_are_no_twins(documents: list[Document], others: list[Other]) -> None:
    """Chapters of one guide, pages of one programme and translations say different things."""
    assert [find_twins(each, f"file of {each.id}", others) for each in documents] == [()] * len(documents)


def test_the_same_file_is_named_first(documents: list[Document], others: list[Other]) -> None:
    """Byte by byte under another name; where it lies is told."""
    twin, *_ = find_twins(_new(documents[0], documents[0].text), others[0].original, others)
    assert (twin.document, twin.kind, twin.similarity, twin.where) == (
        documents[0].id, "same_file", 1.0, "published",
    )  # fmt: skip
    draft = replace(others[0], id="draft.md", where="draft")
    found = find_twins(_new(documents[0], documents[0].text), "another file", [draft])
    assert [(each.kind, each.where) for each in found] == [("same_text", "draft")]


def test_the_same_words_in_another_format_are_the_same_text(documents: list[Document], others: list[Other]) -> None:
    """Signs, case and white space do not count."""
    text = documents[3].text.replace("\n", "  ").replace("- ", "• ").replace('"', "“").upper()
    (twin,) = find_twins(_new(documents[3], text), "another file", others)
    assert (twin.document, twin.kind) == (documents[3].id, "same_text")


@pytest.mark.parametrize(
    ("share", "least"), [pytest.param(0.02, 0.9, id="few words"), pytest.param(0.1, 0.6, id="every tenth word")]
)
def test_an_edited_text_is_nearly_the_same(
    documents: list[Document], others: list[Other], share: float, least: float
) -> None:
    """The one that it was edited from is named, with how much of it is left."""
    chance = random.Random(7)
    for number in (2, 9, 14):
        words = ["edited" if chance.random() < share else word for word in documents[number].text.split()]
        twin, *_ = find_twins(_new(documents[number], " ".join(words)), "another file", others)
        assert (twin.document, twin.kind) == (documents[number].id, "nearly_same")
        assert least < twin.similarity < 1


def test_a_chapter_of_a_document_is_found_in_it(documents: list[Document], others: list[Other]) -> None:
    """Nearly all of a part stands in the whole, however long that is; a few sentences of it are no twin."""
    whole = max(documents, key=lambda each: len(each.text))
    paragraphs = whole.text.split("\n\n")
    (twin,) = find_twins(_new(whole, "\n\n".join(paragraphs[4:12])), "another file", others)
    assert (twin.document, twin.kind) == (whole.id, "nearly_same")
    quoted = f"{documents[0].text}\n\n{' '.join(whole.text.split()[:60])}"
    assert whole.id not in [each.document for each in find_twins(_new(whole, quoted), "another file", others)]


def test_a_document_is_no_twin_of_itself_and_silence_of_nothing(documents: list[Document], others: list[Other]) -> None:
    """A text without words is like no other."""
    assert find_twins(documents[0], others[0].original, others[:1]) == ()
    assert find_twins(_new(documents[0], "?!"), "another file", others) == ()
    assert sketch_of("?!").runs == 0


def test_sketches_are_kept_by_version(documents: list[Document], others: list[Other]) -> None:
    """Where one is known it is used: here it says, falsely, that nothing is alike."""
    known = {}
    text = documents[5].text + " And one more sentence."
    assert find_twins(_new(documents[5], text), "another file", others, known)
    assert known.keys() == {each.version for each in others}
    stranger = sketch_of(" ".join(f"word{number}" for number in range(5000)))
    false = dict.fromkeys(known, stranger)
    assert find_twins(_new(documents[5], text), "another file", others, false) == ()


def test_hashes_are_the_same_on_every_machine() -> None:
    """They may be kept: the numbers depend on the words alone."""
    assert hashes_of("The ferry to the island").tolist() == hashes_of("the FERRY, to - the “island”!").tolist()
    assert len(hashes_of("one two three four")) == 2
    assert len(hashes_of("one two")) == 1
    assert np.all(np.diff(hashes_of(" ".join(map(str, range(5000)))).astype(object)) > 0)
