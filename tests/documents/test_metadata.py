"""Front matter and sidecars: what is accepted, and what each mistake is called."""

from __future__ import annotations

import pytest

from assistant.documents.metadata import language_of, read_yaml
from assistant.errors import DamagedFile, LimitExceeded

from .conftest import Load


def test_known_keys_are_read_and_unknown_ones_ignored() -> None:
    """All of our keys arrive; those of other tools do no harm."""
    found = read_yaml(
        "title: 'Price: a guide'\nlanguage: no\npublisher: CMS\npublished: 2021-11\nchecked: 2026-01-05\n"
        "check_again_by: 2027\nurl: https://example.org/a\naudience: [founders]\nstage: idea\ntopics: [a, b]\n"
        "translation_of: a.md\ntranslations: [b.md, a.md]\nauthor_role: editor\nsources: [x]\nnav: {order: 4}\n"
        "status: ~\n",
        "x.md",
        where="its front matter",
    )
    assert (found.title, found.language, found.publisher) == ("Price: a guide", "nb", "CMS")
    assert (found.published, found.checked, found.valid_until) == ("2021-11", "2026-01-05", "2027")
    assert (found.audience, found.stage, found.topics) == (("founders",), ("idea",), ("a", "b"))
    assert found.translations == ("a.md", "b.md")
    assert (found.url, found.status) == ("https://example.org/a", None)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        pytest.param("language: fr", "'language' in its front matter is 'fr', expected en, nb or nn", id="language"),
        pytest.param("published: 2023-02-30", "'published' .* '2023-02-30', expected a date that exists", id="no day"),
        pytest.param("checked: yesterday", "'checked' .* expected a date", id="no date"),
        pytest.param("title: [a, b]", "'title' .* a list, expected one line of text", id="list for text"),
        pytest.param("topics: {a: b}", "'topics' .* a mapping, expected a list", id="mapping for list"),
        pytest.param("url: javascript:alert(1)", "'url' .* expected an address", id="dangerous address"),
        pytest.param("url: 'http://[bad'", "'url' .* expected an address", id="broken address"),
        pytest.param("title: a: b", "line 1 of its front matter is not valid YAML .* quotes", id="colon"),
        pytest.param("ok: 1\ntitle: 'open", "line [23] of its front matter is not valid YAML", id="open quote"),
        pytest.param("- a\n- b", "does not hold keys and values", id="a list"),
        pytest.param("a: " + "[" * 5000, "not valid YAML|nested too deeply", id="deep"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(yaml: str, message: str) -> None:
    """Key, value and what is expected, or the line where YAML broke."""
    with pytest.raises(DamagedFile, match=message):
        read_yaml(yaml, "x.md", where="its front matter")


def test_aliases_that_stand_for_gigabytes_cost_nothing() -> None:
    """A YAML bomb in a known key is refused without being written out."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(DamagedFile, match="'topics'"):
        read_yaml(f"{bomb}topics: *i\n", "x.md", where="its front matter")


def test_metadata_has_a_size_limit() -> None:
    """More than 64 KB is no description."""
    with pytest.raises(LimitExceeded, match="larger than 64 KB"):
        read_yaml(f"note: {'x' * 70_000}", "x.md", where="its front matter")


@pytest.mark.parametrize(
    ("tag", "language"), [("en-US", "en"), ("no", "nb"), ("nb_NO", "nb"), ("nn-NO", "nn"), ("de", None), (None, None)]
)
def test_language_tags_are_understood(tag: str | None, language: str | None) -> None:
    """Regions are dropped, Norwegian without more is Bokmål, other languages are none of ours."""
    assert language_of(tag) == language


def test_the_sidecar_wins_over_front_matter(load: Load) -> None:
    """What stands beside a file is stronger than what stands in it; the gaps are filled from there."""
    document = load("x.md", "---\ntitle: In it\nstatus: draft\n---\n\nWords.\n", sidecar="title: Beside it\n")
    assert (document.title, document.metadata.status) == ("Beside it", "draft")


def test_a_broken_sidecar_is_an_error_of_its_document(load: Load) -> None:
    """A sidecar that cannot be read never leaves its document without its metadata silently."""
    with pytest.raises(DamagedFile, match=r"x.pdf.yaml"):
        load("x.pdf", b"%PDF-1.4", sidecar="title: a: b")


def test_metadata_is_part_of_the_version(load: Load) -> None:
    """Another sidecar makes another version of the same bytes."""
    before = load("x.txt", "Some words.")
    after = load("x.txt", "Some words.", sidecar="status: draft")
    assert before.version != after.version
    assert before.text == after.text
