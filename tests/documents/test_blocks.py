"""Blocks become stored text in one way for all formats."""

from __future__ import annotations

import unicodedata

import pytest

from assistant.documents.blocks import Block, assemble


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([Block("paragraph", "one\ntwo")], "one two", id="line breaks in a paragraph are spaces"),
        pytest.param([Block("paragraph", "a"), Block("paragraph", "b")], "a\n\nb", id="a blank line parts blocks"),
        pytest.param([Block("item", "a"), Block("item", "b")], "- a\n- b", id="items of one list follow"),
        pytest.param([Block("item", "a"), Block("item", "b", level=1)], "- a\n  - b", id="two spaces a level"),
        pytest.param([Block("item", "a", marker="1."), Block("item", "b", marker="2.")], "1. a\n2. b", id="numbers"),
        pytest.param([Block("item", "a"), Block("item", "more", marker="")], "- a\n  more", id="item goes on"),
        pytest.param([Block("row", "a\tb"), Block("row", "c\td")], "a\tb\nc\td", id="rows of one table follow"),
        pytest.param([Block("row", "a\tb"), Block("row", "c\td", starts_group=True)], "a\tb\n\nc\td", id="two tables"),
        pytest.param([Block("row", " a  x \t\t")], "a x", id="a row has no trailing tabs"),
        pytest.param([Block("paragraph", "a\n  b", lines_kept=True)], "a\n  b", id="code keeps its lines"),
        pytest.param([Block("paragraph", " \n"), Block("paragraph", "b")], "b", id="blocks without words vanish"),
        pytest.param([Block("paragraph", "re\u00adim\x07burse\u00a0now")], "reimburse now", id="invisible characters"),
        pytest.param([Block("paragraph", "A\u030a\ud800b")], "Åb", id="NFC, and no lone surrogates"),
        pytest.param([Block("paragraph", "a\u2028b\x0bc")], "a b c", id="odd line ends are spaces"),
    ],
)
def test_blocks_are_written_down(blocks: list[Block], expected: str) -> None:
    """White space, marks and characters follow one rule."""
    assert assemble(blocks).text == expected


def test_headings_are_listed_with_their_offsets() -> None:
    """A heading stands on its own line without marks, and its offsets hold exactly its words."""
    stored = assemble([Block("paragraph", "a"), Block("heading", " The  title ", level=9), Block("item", "b")])
    (heading,) = stored.headings
    assert stored.text[heading.start : heading.end] == "The title"
    assert heading.level == 6


@pytest.mark.parametrize(
    ("blocks", "count", "starts"),
    [
        pytest.param([Block("paragraph", "a", page=1), Block("paragraph", "b", page=2)], 2, ["a", "b"], id="each"),
        pytest.param([Block("paragraph", "a", page=1), Block("paragraph", "c", page=3)], 3, ["a", "c", "c"], id="gap"),
        pytest.param([Block("paragraph", "a", page=1)], 3, ["a", "", ""], id="empty at the end"),
        pytest.param([Block("paragraph", "one \ftwo", page=1)], 2, ["one", "two"], id="inside a paragraph"),
        pytest.param([Block("paragraph", "reim\fbursement", page=1)], 2, ["reim", "bursement"], id="inside a word"),
        pytest.param([Block("item", "x \f\f y", page=1)], 3, ["- x", "y", "y"], id="over an empty page"),
    ],
)
def test_every_page_start_is_recorded(blocks: list[Block], count: int, starts: list[str]) -> None:
    """A page starts at its first word; one without words starts where the next words stand."""
    stored = assemble(blocks, count)
    assert len(stored.pages) == count
    for start, words in zip(stored.pages, starts, strict=True):
        assert stored.text[start:].startswith(words)
        assert words or start == len(stored.text)


def test_a_word_parted_by_a_page_break_is_one_word() -> None:
    """Only the page start remembers the break."""
    assert assemble([Block("paragraph", "reim\fbursement", page=1)], 2).text == "reimbursement"


def test_text_is_nfc() -> None:
    """The text is in Unicode NFC also where blocks meet."""
    text = assemble([Block("item", "\u0301e\u0301"), Block("row", "a\t\u0301")]).text
    assert unicodedata.is_normalized("NFC", text)
