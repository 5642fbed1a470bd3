"""Sections: articles and languages of one document."""

from __future__ import annotations

from itertools import pairwise

import pytest

from assistant.documents.blocks import Block, assemble
from assistant.documents.sections import find_sections
from assistant.domain import Metadata, Section

ENGLISH = (
    "The hospital pays for the device when it is needed, and the company must show that it helps the patient. " * 5
)
NORWEGIAN = "Sykehuset betaler for utstyret når det er nødvendig, og bedriften må vise at det hjelper pasienten. " * 5
NYNORSK = "Sjukehuset betaler for utstyret når det ikkje er nødvendig, og eg veit at dei vil vise kva det gjer. " * 5


def _sections(*blocks: Block) -> list[tuple[str, str, str]]:
    """Return title, language and first line of each section, after the laws that hold for all of them."""
    stored = assemble(blocks)
    sections = find_sections(stored, "Title", Metadata())
    _check_laws(sections, len(stored.text))
    return [(each.title, each.language, stored.text[each.start :].split("\n")[0][:30]) for each in sections]


def _check_laws(sections: tuple[Section, ...], length: int) -> None:
    assert sections[0].start == 0
    assert sections[-1].end == length
    assert all(left.end == right.start for left, right in pairwise(sections))


def _heading(words: str, level: int = 2) -> Block:
    return Block("heading", words, level=level)


def _text(words: str) -> Block:
    return Block("paragraph", words)


def test_one_language_is_one_section() -> None:
    """However many headings a document has."""
    found = _sections(_heading("A"), _text(ENGLISH), _heading("B"), _text(ENGLISH))
    assert found == [("Title", "en", "A")]


def test_a_change_of_language_starts_a_section_at_its_headings() -> None:
    """The boundary moves up to the headings in the new language; one in the old language above them stays behind."""
    found = _sections(
        _heading("News"), _heading("Joining forces for you"), _text(ENGLISH),
        _heading("A flag and a bridge"), _heading("Felles veikart for bedriftene"), _heading("USA neste!"),
        _text(NORWEGIAN),
    )  # fmt: skip
    assert found == [
        ("Joining forces for you", "en", "News"),
        ("USA neste!", "nb", "Felles veikart for bedriftene"),
    ]


def test_a_change_without_a_heading_starts_at_the_paragraph() -> None:
    """Its title is then the document's."""
    assert _sections(_text(ENGLISH), _text(NORWEGIAN))[1] == ("Title", "nb", NORWEGIAN[:30])


@pytest.mark.parametrize(
    "foreign",
    [
        pytest.param([_text("Scroll down for an English version of this article.")], id="a note"),
        pytest.param([_text(f"“{ENGLISH[:200]}”")], id="a quotation"),
        pytest.param([_heading("Head of International Affairs"), _text("The Life Science Cluster.")], id="names"),
    ],
)
def test_short_foreign_runs_make_no_section(foreign: list[Block]) -> None:
    """A sentence, a caption or a quotation in another language does not end an article."""
    assert len(_sections(_text(NORWEGIAN), *foreign, _text(NORWEGIAN))) == 1


def test_the_two_written_forms_of_norwegian_are_one_language() -> None:
    """Bokmål and Nynorsk may stand in one section."""
    assert len(_sections(_text(NORWEGIAN), _text(NYNORSK))) == 1


def test_metadata_speaks_for_a_document_of_one_section_only() -> None:
    """Language and date of the document hold for its only article, not for each of several."""
    known = Metadata(language="nn", published="2021", url="https://x.y")
    stored = assemble([_text(NORWEGIAN)])
    assert find_sections(stored, "T", known) == (Section(0, len(stored.text), "T", "nn", "2021", "https://x.y"),)
    stored = assemble([_text(ENGLISH), _text(NORWEGIAN)])
    assert [(each.language, each.published, each.url) for each in find_sections(stored, "T", known)] == [
        ("en", None, "https://x.y"),
        ("nb", None, "https://x.y"),
    ]


def test_a_stated_language_holds_for_the_whole_document() -> None:
    """Where somebody has said which language a document is in, a list of titles in another one is no new article."""
    stored = assemble([_text(NORWEGIAN), _text(ENGLISH)])
    assert find_sections(stored, "T", Metadata(language="nb"), one_language=True) == (
        Section(0, len(stored.text), "T", "nb", None, None),
    )


def test_declared_articles_are_sections() -> None:
    """Where the format says that an article starts, one does, unless there would be nothing but headings in it."""
    start = Block("heading", "Second", level=1, starts_section=True)
    assert [title for title, _, _ in _sections(_heading("First", 1), _text("Words."), start, _text("More."))] == [
        "First",
        "Second",
    ]
    assert len(_sections(_heading("First", 1), start, _text("More."))) == 1
    assert len(_sections(_heading("First", 1), _text("Words."), start)) == 1
