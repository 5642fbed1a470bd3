"""The nouns: frozen, derived from plain values, and the same after a trip through JSON."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest

from assistant import domain
from assistant.domain import (
    Answer,
    Chunk,
    Citation,
    Document,
    DocumentReport,
    Heading,
    IngestReport,
    Metadata,
    Query,
    Section,
    version_of,
)

NOUNS = sorted(
    (noun for _, noun in inspect.getmembers(domain, dataclasses.is_dataclass) if noun.__module__ == domain.__name__),
    key=lambda noun: noun.__name__,
)
#       0         1         2         3
#       0123456789012345678901234567890123456789
TEXT = "One\n\nfirst text\n\nTo\n\nandre tekst\n\n"
DOCUMENT = Document(
    id="both.txt",
    title="Both",
    text=TEXT,
    sections=(Section(0, 17, "One", "en"), Section(17, len(TEXT), "To", "nb")),
    version="0" * 64,
    pages=(0, 17),
    page_labels=("i", "1"),
    headings=(Heading(0, 3, 1), Heading(17, 19, 1)),
)


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_nouns_are_frozen_and_have_slots(noun):
    """A noun travels between rooms and is never changed on the way; change is `replace`."""
    assert noun.__dataclass_params__.frozen
    assert "__dict__" not in dir(noun)


def test_frozen_means_an_assignment_fails():
    """Assigning to a field of a noun is an error."""
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'title'"):
        DOCUMENT.title = "Another"


# ---- Versions ----


@pytest.mark.parametrize(
    ("file_bytes", "metadata", "text"),
    [
        pytest.param(b"b ", Metadata(title="t"), "x", id="bytes"),
        pytest.param(b"b", Metadata(title="t", status="draft"), "x", id="metadata"),
        pytest.param(b"b", Metadata(title="t", topics=("a",)), "x", id="a list in the metadata"),
        pytest.param(b"b", Metadata(title="t"), "x\n", id="stored text"),
        pytest.param(b"", Metadata(title="t"), "bx", id="the same letters moved from file to text"),
    ],
)
def test_version_changes_with_each_of_its_three_parts(file_bytes, metadata, text):
    """The version tells whether file bytes, metadata or stored text changed."""
    assert version_of(file_bytes, metadata, text) != version_of(b"b", Metadata(title="t"), "x")


def test_version_is_a_sha256_that_depends_on_nothing_else():
    """Equal parts give the same 64 hexadecimal digits, in every process."""
    version = version_of("å".encode(), Metadata(title="ø", audience=("ALL",)), "æ")
    assert version == version_of("å".encode(), Metadata(title="ø", audience=("ALL",)), "æ")
    assert len(version) == 64
    assert set(version) <= set("0123456789abcdef")


# ---- Places in a document ----


@pytest.mark.parametrize(
    ("offset", "section", "page", "label", "heading"),
    [
        pytest.param(0, "One", 1, "i", "One", id="first character"),
        pytest.param(4, "One", 1, "i", "One", id="between heading and text"),
        pytest.param(16, "One", 1, "i", "One", id="last character of a section"),
        pytest.param(17, "To", 2, "1", "To", id="first character of the next section"),
        pytest.param(len(TEXT) - 1, "To", 2, "1", "To", id="last character"),
        pytest.param(len(TEXT), "To", 2, "1", "To", id="end of the text"),
        pytest.param(len(TEXT) + 9, "To", 2, "1", "To", id="past the end"),
    ],
)
def test_every_offset_has_its_section_page_and_heading(offset, section, page, label, heading):
    """A section and a page begin at their start offset and end before the next one's."""
    assert DOCUMENT.section_at(offset).title == section
    assert DOCUMENT.page_at(offset) == page
    assert DOCUMENT.page_label_at(offset) == label
    assert DOCUMENT.heading_at(offset) == heading


def test_no_pages_means_no_page_number():
    """A format without pages gives None, never page 0 or 1."""
    without = dataclasses.replace(DOCUMENT, pages=(), page_labels=())
    assert without.page_at(0) is None
    assert without.page_label_at(0) is None


def test_a_page_without_a_printed_number_has_no_label():
    """A physical page is known also where no printed number is."""
    assert dataclasses.replace(DOCUMENT, page_labels=("i",)).page_label_at(20) is None


def test_text_before_the_first_heading_has_none():
    """A heading speaks for what follows it, never for what stands before."""
    late = dataclasses.replace(DOCUMENT, headings=(Heading(17, 19, 1),))
    assert late.heading_at(16) is None
    assert late.heading_at(17) == "To"


def test_a_heading_ends_with_its_section():
    """A section without a heading of its own does not inherit the last one of the section before."""
    assert dataclasses.replace(DOCUMENT, headings=(Heading(0, 3, 1),)).heading_at(20) is None


# ---- Chunks ----


@pytest.mark.parametrize(
    ("title", "heading", "text", "expected"),
    [
        pytest.param("Guide", "Costs", "It is 5.", "Guide. Costs\nIt is 5.", id="both travel along"),
        pytest.param("Guide", None, "It is 5.", "Guide\nIt is 5.", id="no heading"),
        pytest.param("Guide", "Guide", "It is 5.", "Guide\nIt is 5.", id="the heading is the title"),
        pytest.param("Guide", "Costs", "Costs\n\nIt is 5.", "Guide\nCosts\n\nIt is 5.", id="opens with its heading"),
        pytest.param("Guide", None, "Guide\n\nIt is 5.", "Guide\n\nIt is 5.", id="opens with its title"),
    ],
)
def test_title_and_heading_are_embedded_once(title, heading, text, expected):
    """What is embedded names its subject, and names it once."""
    chunk = Chunk("a:1:0", "a", "1", text, 0, len(text), title, heading, None, "en")
    assert chunk.index_text == expected
    assert text in chunk.index_text


def test_equal_text_under_equal_headings_shares_one_vector():
    """The content hash follows what is embedded, not where it stands."""
    chunk = Chunk("a:1:0", "a", "1", "It is 5.", 0, 8, "Guide", "Costs", None, "en")
    elsewhere = dataclasses.replace(chunk, id="b:2:7", document_id="b", version="2", start=90, end=98, page=3)
    assert elsewhere.content_hash == chunk.content_hash
    assert dataclasses.replace(chunk, heading="Prices").content_hash != chunk.content_hash


# ---- Citations and answers ----


def cite(document: str = "a.md", number: int = 1) -> Citation:
    """Return a citation of one word."""
    return Citation(number, "word", document, "f" * 64, "A", "en", None, None, None, 3, 7, None)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param("programme/a.md", "programme/a.md", id="folders keep their slash"),
        pytest.param("two words.md", "two%20words.md", id="space"),
        pytest.param("blåbær.md", "bl%C3%A5b%C3%A6r.md", id="Norwegian letters"),
        pytest.param("a#b?c&d=e.md", "a%23b%3Fc%26d%3De.md", id="signs that mean something in an address"),
        pytest.param("50%.md", "50%25.md", id="percent sign"),
        pytest.param("<b>'\".md", "%3Cb%3E%27%22.md", id="signs that mean something in a page"),
    ],
)
def test_link_encodes_the_path_and_names_version_and_place(document, path):
    """The link opens the quote in the version it was read from, whatever the file is called."""
    assert cite(document).link == f"/source/{path}?version={'f' * 64}&start=3&end=7#quote"


def test_markers_are_not_part_of_the_plain_text():
    """The plain text is the answer without markers; other brackets stay."""
    answer = Answer("A fee [see note] is due. [1] [12]\n- Pay it. [2]", "answered", "en", Query("?", "?", "en"))
    assert answer.plain_text == "A fee [see note] is due.\n- Pay it."


@pytest.mark.parametrize("outcome", ["answered", "partly", "abstained", "small_talk"])
def test_abstained_is_an_outcome_and_nothing_else(outcome):
    """`abstained` is true exactly for that outcome."""
    assert Answer("", outcome, "en", Query("", "", "en")).abstained is (outcome == "abstained")


# ---- Reports ----

REPORT = IngestReport(
    (
        DocumentReport("a.pdf", "added", 4, pages=2, searchable_pages=1, language="nn", notices=("Page 2 is empty",)),
        DocumentReport("b.doc", "failed", reason="it is a .doc file", remedy="Save it as .docx"),
        DocumentReport("c.md", "failed", reason="it is empty", remedy="Write something"),
    ),
    seconds=1.25,
    embedded_chunks=4,
)


def test_report_survives_json():
    """A report is the same after it was sent to another process as JSON."""
    assert IngestReport.from_dict(json.loads(json.dumps(REPORT.to_dict()))) == REPORT


def test_report_counts_every_change_and_names_each_failure():
    """The counts hold all five changes and add up to the number of documents."""
    counts = REPORT.to_dict()["counts"]
    assert counts == {"added": 1, "changed": 0, "unchanged": 0, "removed": 0, "failed": 2}
    assert sum(counts.values()) == len(REPORT.documents)
    assert [(report.document, report.remedy) for report in REPORT.failed] == [
        ("b.doc", "Save it as .docx"),
        ("c.md", "Write something"),
    ]


def test_empty_report_is_a_report():
    """A sync of nothing counts nothing."""
    assert not any(IngestReport(()).to_dict()["counts"].values())
    assert not IngestReport(()).failed
