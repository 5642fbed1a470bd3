"""The rules of the library: a whole document gives no finding, and each defect one that names line and remedy."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from glossary import HEADER, glossary_rules, search_pairs, terms_of
from review import Statement, bears_figure, figures_of, read_review, words_of
from rules import (
    copy_rules,
    metadata_rules,
    reading_level,
    review_rules,
    source_list_rules,
    statement_rules,
    text_rules,
    translation_rules,
    well_formed,
)
from texts import BadText, Finding, Source, read_source, sources_section

TODAY = dt.date(2026, 11, 22)

FRONT_MATTER = """\
title: How to ship a sample
language: en
publisher: USA next!
author_role: author of the tests
published: 2026-11-20
checked: 2026-11-21
check_again_by: 2027-05-21
audience: [MD, IVD]
stage: [S1]
topics: [samples]
status: draft, not reviewed by the programme
sources:
- authority: Post office
  title: Rates
  section: page 2
  url: https://post.example/rates
  accessed: 2026-11-21
  supports:
  - What does a parcel cost?
- authority: Congress
  title: An act
  section: section 1
  basis: general knowledge, not opened
"""

NOTICE = (
    "Scope: samples. Date checked: 21 November 2026. Next date to check: 21 May 2027. "
    "Status: draft, not reviewed by the programme. This document is not legal advice."
)

BODY = f"""
# How to ship a sample

{NOTICE}

## What is the short answer?

{" ".join(f"Samples travel in box number {word} with a cold pack." for word in ("one", "two", "three"))}

{" ".join(["The sender packs the sample well and tells the receiver the hour of arrival."] * 70)}

## What does a parcel cost?

- A parcel costs 12 dollars in 2026.

| Year | Price of a box |
| --- | --- |
| 2026 | 12 dollars |

"""


def source_of(tmp_path: Path, front_matter: str = FRONT_MATTER, body: str = BODY, name: str = "sample.md") -> Source:
    """Write a text with its section on sources and read it."""
    path = tmp_path / name
    path.write_text(f"---\n{front_matter}---\n{body}", encoding="utf-8")
    source = read_source(path)
    if "## Which sources" not in body:
        path.write_text(f"---\n{front_matter}---\n{body}{sources_section(source.metadata)}", encoding="utf-8")
        source = read_source(path)
    return source


def all_findings(source: Source, name: str = "roadmap/sample.md") -> list[Finding]:
    """What the rules on one document find."""
    return [*metadata_rules(source, TODAY), *source_list_rules(source), *text_rules(source, name)]


def test_a_whole_document_has_no_finding(tmp_path: Path) -> None:
    """The text that the other tests damage is whole."""
    assert all_findings(source_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        pytest.param("publisher: USA next!\n", "", 1, "the key 'publisher' is missing", id="key-missing"),
        pytest.param("topics: [samples]", "topics: []", 11, "the key 'topics' is missing or empty", id="key-empty"),
        pytest.param("checked: 2026-11-21", "checked: soon", 7, "the key 'checked' is 'soon'", id="no-date"),
        pytest.param("topics:", "topix: [a]\ntopics:", 11, "the key 'topix' is not known", id="unknown-key"),
        pytest.param("[MD, IVD]", "[MD, XX]", 9, "audience holds 'XX'", id="unknown-audience"),
        pytest.param("[S1]", "[S9]", 10, "stage holds 'S9'", id="unknown-stage"),
        pytest.param("language: en", "language: sv", 3, "the language is 'sv'", id="unknown-language"),
        pytest.param("status: draft, not", "status: fine, not", 12, "the status is 'fine", id="unknown-status"),
        pytest.param("published: 2026-11-20", "published: 2026-11-22", 6, "published after it was", id="dates-turned"),
        pytest.param("again_by: 2027-05-21", "again_by: 2026-11-21", 8, "before it was checked", id="review-before"),
        pytest.param("again_by: 2027-05-21", "again_by: 2028-05-21", 8, "more than a year", id="review-too-far"),
        pytest.param("  section: page 2\n", "", 13, "source 1 has no section", id="source-without-section"),
        pytest.param("  accessed: 2026-11-21\n", "", 13, "source 1 has both or neither", id="source-without-basis"),
        pytest.param("accessed: 2026-11-21", "accessed: 2026-11-22", 13, "after the document was", id="accessed-later"),
        pytest.param("basis: general", "basis: vague", 13, "source 2 has the basis", id="unknown-basis"),
        pytest.param("https://post.example/rates", "post example", 13, "source 1 has the address", id="bad-address"),
        pytest.param("- What does a parcel cost?", "- Cost", 13, "supports 'Cost'", id="unknown-heading"),
        pytest.param(
            "  supports:\n  - What does a parcel cost?\n", "", None, "has figures and no source", id="no-source"
        ),
    ],
)
def test_a_defect_of_the_metadata_is_named(tmp_path: Path, old: str, new: str, line: int | None, problem: str) -> None:
    """Each defect gives a finding on the line of its key, with a remedy."""
    assert old in FRONT_MATTER
    body = BODY + sources_section(source_of(tmp_path).metadata)
    found = all_findings(source_of(tmp_path, FRONT_MATTER.replace(old, new, 1), body))
    named = [each for each in found if problem in each.problem]
    assert named, found
    assert all(each.remedy for each in named)
    assert line is None or named[0].line == line


def test_a_document_past_its_review_date_is_a_finding(tmp_path: Path) -> None:
    """The day itself still counts."""
    source = source_of(tmp_path)
    assert list(metadata_rules(source, dt.date(2027, 5, 21))) == []
    assert "should have been checked by 2027-05-21" in next(metadata_rules(source, dt.date(2027, 5, 22))).problem


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("# How to ship a sample", "# How to send it", "does not open with its title", id="other-title"),
        pytest.param(
            "## What does a parcel", "## What is the short answer?\n\n## What", "stands twice", id="heading-twice"
        ),
        pytest.param("- A parcel costs", "- A **parcel** costs", "bold or italics", id="bold"),
        pytest.param("- A parcel costs", "- A [parcel](x.md) costs", "a Markdown link", id="link"),
        pytest.param("- A parcel costs", "- A <b>parcel costs", "HTML", id="html"),
        pytest.param("21 May 2027", "22 May 2027", "does not say 'Next date to check: 21 May 2027.'", id="other-date"),
        pytest.param("not legal advice", "for you", "does not say 'not legal advice'", id="no-legal-notice"),
        pytest.param(NOTICE, "- a list", "no notice follows", id="no-notice"),
        pytest.param("The sender packs the sample well and tells", "X", "words", id="too-short"),
    ],
)
def test_a_defect_of_the_text_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Each defect gives a finding with a remedy."""
    assert old in BODY
    found = all_findings(source_of(tmp_path, body=BODY.replace(old, new)))
    assert any(problem in each.problem and each.remedy for each in found), found


def test_a_section_on_sources_that_differs_from_the_front_matter_is_a_finding(tmp_path: Path) -> None:
    """The section is written from the front matter and never by hand."""
    source = source_of(tmp_path)
    source.path.write_text(source.path.read_text().replace("Post office: Rates", "Bank: Rates"))
    assert [each.problem for each in text_rules(source, "roadmap/sample.md")] == [
        "its section on sources is not what its front matter says"
    ]


def test_the_section_on_sources_says_what_was_read_and_what_was_not(tmp_path: Path) -> None:
    """A reader sees which sources were opened, and when."""
    section = sources_section(source_of(tmp_path).metadata)
    read, not_opened = section.split("Not opened")
    assert "- Post office: Rates, page 2, read on 21 November 2026. https://post.example/rates" in read
    assert "- Congress: An act, section 1." in not_opened


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("# No front matter", "must begin with front matter", id="no-front-matter"),
        pytest.param("---\ntitle: a: b\n---\n# a", ":2: the front matter is not valid YAML", id="no-yaml"),
        pytest.param("---\n- a\n---\n# a", "lines of 'key: value'", id="a-list"),
        pytest.param(
            "---\ntitle: a\n---\n# a\n\n| a | b |\n| - | - |\n| c |", ":8: a table row needs 2 cells", id="ragged"
        ),
    ],
)
def test_a_text_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    """File, line and what is expected."""
    path = tmp_path / "broken.md"
    path.write_text(text)
    with pytest.raises(BadText, match=r"broken\.md") as caught:
        read_source(path)
    assert problem in str(caught.value)


def test_translations_name_each_other_in_two_languages(tmp_path: Path) -> None:
    """A pair is named from both sides and is for the same readers."""
    english = source_of(tmp_path, FRONT_MATTER + "translations: [roadmap/nb.md]\n")
    other = FRONT_MATTER.replace("language: en", "language: nb") + "translation_of: roadmap/en.md\n"
    norwegian = source_of(tmp_path, other, name="nb.md")
    library = {"roadmap/en.md": english, "roadmap/nb.md": norwegian}
    assert list(translation_rules(english, library, "roadmap/en.md")) == []
    assert list(translation_rules(norwegian, library, "roadmap/nb.md")) == []
    assert "is not in the library" in next(translation_rules(english, {}, "roadmap/en.md")).problem
    lonely = {"roadmap/nb.md": source_of(tmp_path, FRONT_MATTER.replace("[S1]", "[S2]"), name="lonely.md")}
    problems = " ".join(each.problem for each in translation_rules(english, lonely, "roadmap/en.md"))
    assert "does not name it in return" in problems
    assert "in the same language" in problems
    assert "its stage differs" in problems


def test_the_same_sentence_in_two_documents_is_a_finding_and_the_notice_is_not(tmp_path: Path) -> None:
    """One line says where the words stood first."""
    first = source_of(tmp_path)
    copied = BODY.replace("- A parcel costs 12 dollars in 2026.", "- Another line stands here, in this document alone.")
    second = source_of(tmp_path, body=copied.replace("packs the sample well", "packs it better"), name="second.md")
    found = list(copy_rules({"roadmap/sample.md": first, "roadmap/second.md": second}))
    assert [name for name, _ in found] == ["roadmap/second.md"]
    assert "the same words stand in roadmap/sample.md" in found[0][1].problem


# The review.

REVIEW_TEXT = """\
# Review

## sample.md

| Statement | Read where | Words that support it | Verdict |
| --- | --- | --- | --- |
| A parcel costs 12 dollars in 2026. | Rates, page 2 | "12 dollars a parcel" | supported, mended |
| 2026 / 12 dollars | not opened |  | not opened |
"""


def test_a_review_is_read_row_by_row() -> None:
    """Heading, cells and line."""
    first, second = read_review(REVIEW_TEXT)
    assert first == Statement(
        "sample.md", "A parcel costs 12 dollars in 2026.", "Rates, page 2", "12 dollars a parcel", "supported", True, 7
    )
    assert (second.verdict, second.words, second.mended) == ("not opened", "", False)


def test_every_figure_is_reviewed_and_every_reviewed_statement_stands(tmp_path: Path) -> None:
    """Document and review cover each other."""
    source = source_of(tmp_path)
    statements = read_review(REVIEW_TEXT)
    assert [text for text, _ in figures_of(source)] == [each.text for each in statements]
    assert list(review_rules(source, statements)) == []
    assert "was not reviewed: 'A parcel costs" in next(review_rules(source, statements[1:])).problem
    standing = [words_of(text) for text, _ in figures_of(source)]
    assert [finding for each in statements for finding in statement_rules(each, standing)] == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param("12 dollars in 2026", "13 dollars in 2026", "does not say", id="text-changed"),
        pytest.param("supported, mended", "surely", "the verdict is 'surely'", id="unknown-verdict"),
        pytest.param('"12 dollars a parcel"', "", "supported by no words", id="no-words"),
        pytest.param("Rates, page 2", "", "does not say where", id="no-place"),
        pytest.param("12 dollars a parcel", "word " * 26, "it quotes 26 words", id="too-many-words"),
        pytest.param(" | supported, mended", "", "the verdict is ''", id="three-cells"),
    ],
)
def test_a_defect_of_the_review_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """Each defect gives a finding on its line of the review."""
    assert old in REVIEW_TEXT
    standing = [words_of(text) for text, _ in figures_of(source_of(tmp_path))]
    statement = read_review(REVIEW_TEXT.replace(old, new))[0]
    found = list(statement_rules(statement, standing))
    assert any(problem in each.problem and each.line == 7 and each.remedy for each in found), found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 510(k) names a predicate.", False),
        ("ISO 13485:2016 is a standard.", False),
        ("An E-2 visa follows the owners.", False),
        ("A 510(k) takes 90 days.", True),
        ("See 21 CFR 807.81.", True),
        ("No figure stands here.", False),
    ],
)
def test_names_with_digits_are_no_figures(text: str, expected: bool) -> None:
    """A name such as 510(k) states nothing that could be checked."""
    assert bears_figure(text) is expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [("https://www.fda.gov/x", True), ("ftp://fda.gov", False), ("https://fda", False), ("https://a.b/ c", False)],
)
def test_an_address_is_whole_or_not(address: str, expected: bool) -> None:
    """Scheme, host and no white space."""
    assert well_formed(address) is expected


def test_the_reading_level_is_words_a_sentence_plus_the_share_of_long_words(tmp_path: Path) -> None:
    """Ten words in two sentences, two of them longer than six letters: 5 + 20 (LIX)."""
    body = f"# How to ship a sample\n\n{NOTICE}\n\nOne two three four sentences. A bee sees yellow flowers.\n"
    assert reading_level(source_of(tmp_path, body=body + "\n## Which sources does this document rest on?\n")) == 25.0


# The glossary.


def glossary_of(tmp_path: Path, rows: list[str]) -> Source:
    """Write a document with one table of terms and read it."""
    table = "\n".join([f"| {' | '.join(HEADER)} |", "| --- | --- | --- | --- |", *rows])
    return source_of(tmp_path, body=f"# How to ship a sample\n\n{NOTICE}\n\n## Terms?\n\n{table}\n\n")


def test_a_glossary_holds_each_term_once_and_names_documents_of_the_library(tmp_path: Path) -> None:
    """Two hundred whole rows are enough, one less is not."""
    rows = [f"| term {number} | ord {number} | What it means. | sample.md |" for number in range(200)]
    assert list(glossary_rules(glossary_of(tmp_path, rows), {"sample.md"})) == []
    problems = " ".join(each.problem for each in glossary_rules(glossary_of(tmp_path, rows[:-1]), set()))
    assert "has 199 terms" in problems
    assert "'sample.md' is no document" in problems
    broken = [*rows, rows[0], "| new |  | What it means. | sample.md |"]
    problems = " ".join(each.problem for each in glossary_rules(glossary_of(tmp_path, broken), {"sample.md"}))
    assert "'term 0' stands on line" in problems
    assert "'new' has an empty cell" in problems


def test_a_document_without_a_table_of_terms_is_no_glossary(tmp_path: Path) -> None:
    """The rules of the glossary leave other documents alone."""
    assert list(glossary_rules(source_of(tmp_path), set())) == []


@pytest.mark.parametrize(
    ("english", "norwegian", "expected"),
    [
        ("Premarket approval (PMA)", "markedsgodkjenning", "markedsgodkjenning\tPremarket approval; PMA"),
        (
            "Premarket notification (510(k))",
            "forhåndsmelding til FDA (510(k))",
            "forhåndsmelding til FDA\tPremarket notification; 510k",
        ),
        ("Payer (who pays)", "betaler, finansieringskilde", "betaler\tPayer\nfinansieringskilde\tPayer"),
        ("De Novo", "De Novo", ""),
    ],
)
def test_the_search_is_told_of_each_pair_that_differs(
    tmp_path: Path, english: str, norwegian: str, expected: str
) -> None:
    """Abbreviations in brackets are names too; explanations in brackets are not; what is the same is left out."""
    source = glossary_of(tmp_path, [f"| {english} | {norwegian} | What it means. | sample.md |"])
    assert "\n".join(search_pairs(terms_of(source)).splitlines()[1:]) == expected
