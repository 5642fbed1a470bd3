"""Markdown: the words without the marks."""

from __future__ import annotations

import pytest

from assistant.errors import DamagedFile

from .conftest import Load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "A **bold** and *soft* `code` [link](http://x.y) \\*.", "A bold and soft code link *.", id="inline"
        ),
        pytest.param("# T #\n\nSub\n---\n\ntext", "T\n\nSub\n\ntext", id="headings"),
        pytest.param("a  \nb\nc", "a b c", id="line breaks"),
        pytest.param("![alt](http://x/y.png) words", "words", id="images are dropped"),
        pytest.param(
            "- a\n- b\n  - c\n\n    more\n\n3. x\n4. y", "- a\n- b\n  - c\n    more\n\n3. x\n4. y", id="lists"
        ),
        pytest.param("| a | b |\n|---|---|\n| **c** | d\\|e |", "a\tb\nc\td|e", id="tables"),
        pytest.param("```py\nx = 1\n\n  y\n```", "x = 1\n\n  y", id="code keeps its lines"),
        pytest.param("> quoted\n> text", "quoted text", id="quotations"),
        pytest.param("a<br>b <b>c</b><!-- d -->", "a b c", id="inline HTML"),
        pytest.param("<div>\n<p>In <i>it</i></p>\n<script>x()</script></div>", "In it", id="HTML block"),
        pytest.param("AT&amp;T &copy; 1&#46; &lt;p&gt;", "AT&T © 1. <p>", id="entities"),
        pytest.param("<https://x.y/z>", "https://x.y/z", id="an address is words"),
    ],
)
def test_marks_are_stripped_and_words_stay(load: Load, text: str, expected: str) -> None:
    """Emphasis, links and escapes go; what a reader sees stays."""
    assert load("x.md", text).text == expected


@pytest.mark.parametrize(
    ("text", "title", "stored"),
    [
        pytest.param("---\ntitle: A\n---\nb", "A", "b", id="front matter"),
        pytest.param("---\n---\nb c", "b c", "b c", id="empty"),
        pytest.param("---\n# note\ntitle: A\n...\nb", "A", "b", id="a comment, and dots below"),
        pytest.param("---\n\nJust words\n\n---\n\nmore", "Just words", "Just words\n\nmore", id="two rules"),
        pytest.param("\ufeff---\r\ntitle: A\r\n---\r\nb", "A", "b", id="Windows"),
    ],
)
def test_front_matter_is_not_text(load: Load, text: str, title: str, stored: str) -> None:
    """Keys above the text describe it; a rule across the page is not front matter."""
    document = load("x.md", text)
    assert (document.title, document.text) == (title, stored)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("---\na: b\ntitle: x: y\n---\nb", "line 3 of its front matter is not valid YAML", id="colon"),
        pytest.param("---\ntitle: x\n\nwords", "opens on line 1 is never closed. Put a line with ---", id="not closed"),
        pytest.param("---\ntitle: x\npublished: soon\n---\nb", "'published' .* expected a date", id="no date"),
    ],
)
def test_broken_front_matter_is_never_half_read(load: Load, text: str, message: str) -> None:
    """The line, and what to do."""
    with pytest.raises(DamagedFile, match=message):
        load("x.md", text)


def test_several_titles_make_several_sections(load: Load) -> None:
    """Each heading of level 1 opens an article; a page with one title is one article."""
    document = load("x.md", "Before.\n\n# First\n\nSome words.\n\n## Part\n\nMore.\n\n# Second\n\nOther words.\n")
    assert [section.title for section in document.sections] == ["x", "Second"] or [
        document.text[section.start : section.end].split("\n")[0] for section in document.sections
    ] == ["Before.", "Second"]
    assert len(load("y.md", "Intro.\n\n# Only\n\nText.").sections) == 1
