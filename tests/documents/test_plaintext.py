"""Plain text: encodings, paragraphs, lists and headings."""

from __future__ import annotations

import pytest

from assistant.documents.plaintext import looks_like_heading
from assistant.errors import DamagedFile

from .conftest import Load


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("Blåbær på ære".encode(), id="utf-8"),
        pytest.param("Blåbær på ære".encode("utf-8-sig"), id="utf-8 with byte order mark"),
        pytest.param("Blåbær på ære".encode("utf-16"), id="utf-16 with byte order mark"),
        pytest.param("Blåbær på ære".encode("cp1252"), id="windows-1252"),
    ],
)
def test_encodings_are_recognised(load: Load, raw: bytes) -> None:
    """Norwegian letters arrive from every usual encoding."""
    assert load("x.txt", raw).text == "Blåbær på ære"


@pytest.mark.parametrize(
    "raw", [pytest.param(b"abc\0def", id="NUL"), pytest.param(bytes(range(1, 9)) * 50 + b"abc", id="controls")]
)
def test_what_is_not_text_is_refused(load: Load, raw: bytes) -> None:
    """Binary data is never stored as text."""
    with pytest.raises(DamagedFile, match=r"x.txt: is not text"):
        load("x.txt", raw)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("This line is wrapped\nright here.", "This line is wrapped right here.", id="wrapped lines join"),
        pytest.param("a b\r\n\r\nc d", "a b\n\nc d", id="Windows line ends"),
        pytest.param("Do this:\n  • one\n  • two\n", "Do this:\n\n- one\n- two", id="bullets"),
        pytest.param("- one\n  goes on\n    - deeper\n- two", "- one goes on\n  - deeper\n- two", id="nested"),
        pytest.param("1. one\n2. two", "1. one\n2. two", id="numbers"),
        pytest.param("– Vi tror på det, sier hun.\n\n– Ja.", "– Vi tror på det, sier hun.\n\n– Ja.", id="dialogue"),
        pytest.param("The amount was paid in the spring of\n2021. It was large.",
                     "The amount was paid in the spring of 2021. It was large.", id="a year at a line's start"),
        pytest.param("Street 1\n0150 Oslo, the capital\nNorway", "Street 1\n0150 Oslo, the capital\nNorway",
                     id="an address keeps its lines"),
    ],
)  # fmt: skip
def test_lines_become_blocks(load: Load, text: str, expected: str) -> None:
    """Blank lines part blocks; bullets and numbers are items; dashes of dialogue are not."""
    assert load("x.txt", text).text == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Access to industry specialists", True),
        ("2023: Health Tech in the spotlight", True),
        ("«USA neste!» starter nå", True),
        ("It ends like a sentence.", False),
        ("Contact us:", False),
        ("lower case start", False),
        ("– En replikk", False),
        ("• a bullet", False),
        ("HVEM: Norway Health Tech", False),
        ("A view of the site. Photo: AstraZeneca", False),
        ("Logo til Viken Fylkeskommune", False),
        ("one two three four five six seven eight nine ten eleven twelve thirteen", False),
        ("12 345", False),
    ],
)
def test_headings_are_told_from_captions_and_labels(line: str, expected: bool) -> None:
    """A short line without an end mark is a heading, as far as its words tell."""
    assert looks_like_heading(line) is expected


def test_the_first_heading_is_the_title(load: Load) -> None:
    """Level 1 for the first, 2 for the others; a last line has nothing below it and is no heading."""
    document = load("x.txt", "The title\n\nSome text here.\n\nA part\n\nMore text.\n\nNo heading")
    assert [(document.text[h.start : h.end], h.level) for h in document.headings] == [("The title", 1), ("A part", 2)]
    assert document.title == "The title"
