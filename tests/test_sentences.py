"""Sentences: pieces that can be quoted alone, and nothing of the text lost."""

from __future__ import annotations

import random
import time

import pytest

from assistant.sentences import LONGEST_SENTENCE, sentence_spans, split_units


def pieces(text: str) -> list[str]:
    """Return the words of each unit."""
    return [text[unit.start : unit.end] for unit in split_units(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One is here. Two is there.", ["One is here.", "Two is there."], id="two sentences"),
        pytest.param("Ask Dr. Berg today. He knows.", ["Ask Dr. Berg today.", "He knows."], id="title"),
        pytest.param("Send e.g. Boats now. Then wait.", ["Send e.g. Boats now.", "Then wait."], id="abbreviation"),
        pytest.param(
            "Kjøp f.eks. Ibux nå. Vent så.", ["Kjøp f.eks. Ibux nå.", "Vent så."], id="Norwegian abbreviation"
        ),
        pytest.param("See No. 5 in the list. Go on.", ["See No. 5 in the list.", "Go on."], id="number sign"),
        pytest.param("The U.S. Market is big. Go.", ["The U.S. Market is big.", "Go."], id="country"),
        pytest.param("It cost 3.5 percent. Fine.", ["It cost 3.5 percent.", "Fine."], id="decimal"),
        pytest.param(
            "It began 1. januar 2022. Then it grew.", ["It began 1. januar 2022.", "Then it grew."], id="ordinal"
        ),
        pytest.param("By J. K. Olsen in Oslo. Read it.", ["By J. K. Olsen in Oslo.", "Read it."], id="initials"),
        pytest.param("She said “Never.” He left.", ["She said “Never.”", "He left."], id="closing quote"),
        pytest.param(
            "Read «USA next! Roadmap» now. Go.", ["Read «USA next! Roadmap» now.", "Go."], id="name in quotes"
        ),
        pytest.param("Han sa «Ja.» Hun gikk.", ["Han sa «Ja.»", "Hun gikk."], id="guillemets"),
        pytest.param("«Er du der?» – Ja. – Nei.", ["«Er du der?»", "– Ja.", "– Nei."], id="dialogue dashes"),
        pytest.param("Really?! Yes… Of course.", ["Really?!", "Yes…", "Of course."], id="other marks"),
        pytest.param("It ends (see below.) Next one.", ["It ends (see below.)", "Next one."], id="closing bracket"),
        pytest.param("17. mai er fri. Da feirer vi.", ["17. mai er fri.", "Da feirer vi."], id="ordinal at the start"),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, expected):
    """Full stops of abbreviations, ordinals, decimals and initials end no sentence."""
    assert [text[start:end].strip() for start, end in sentence_spans(text)] == expected
    assert pieces(f"{text}\nMore on a second line.")[: len(expected)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("A title of it", [("heading", "A title of it")], id="heading"),
        pytest.param("What does it cost?", [("heading", "What does it cost?")], id="question as heading"),
        pytest.param("START: January 2022", [("sentence", "START: January 2022")], id="labelled fact is no heading"),
        pytest.param("It is a sentence.", [("sentence", "It is a sentence.")], id="sentence"),
        pytest.param("- One\n- Two", [("item", "One"), ("item", "Two")], id="list"),
        pytest.param("1. One\n2) Two\na) Three", [("item", "One"), ("item", "Two"), ("item", "Three")], id="numbered"),
        pytest.param("• One\n  ◦ Two", [("item", "One"), ("item", "Two")], id="nested list"),
        pytest.param("Name\tPrice\nBoat\t5", [("row", "Name\tPrice"), ("row", "Boat\t5")], id="table"),
        pytest.param("- One. Two.", [("item", "One."), ("item", "Two.")], id="item of two sentences"),
        pytest.param("", [], id="nothing"),
        pytest.param(" \n\t\n ", [], id="white space"),
    ],
)
def test_units_have_kinds(text, expected):
    """List marks are left out, rows and headings are whole."""
    assert [(unit.kind, text[unit.start : unit.end]) for unit in split_units(text)] == expected


def test_a_colon_introduces_and_blocks_are_counted():
    """What ends with a colon belongs to the list after it, and each block has its number."""
    units = split_units("You need two things:\n\n- A plan\n- A boat")
    assert [(unit.introduces, unit.block) for unit in units] == [(True, 0), (False, 1), (False, 1)]


ALPHABET = [
    "word", "Word", "Ærlig", "e.g.", "Dr.", "1.", "12", "3.5", "mai", ".", "?", "!", ":", "…", "\n", "\n\n", "\n \n",
    "\t", " ", "- ", "1. ", "a) ", "• ", "“", "”", "«", "»", "–", "(", ")", "J.", "510(k)", "\u00a0", "\u2028",
    "x\u0301",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_units_cover_the_text_in_order(seed):
    """Every character but white space and list marks stands in exactly one unit, whatever the text."""
    dice = random.Random(seed)
    for _ in range(50):
        parts = dice.choices(ALPHABET, k=dice.randint(0, 60))
        text = "".join(part + dice.choice(["", " ", " "]) for part in parts)
        position = 0
        for unit in split_units(text):
            assert position <= unit.start < unit.end <= len(text)
            between = text[position : unit.start].strip()
            assert between == "" or all(
                mark in "-•◦▪*0123456789.)abcdefghijklmnopqrstuvwxyz" for mark in "".join(between.split())
            )
            assert len("".join(between.split())) <= 4 * max(1, text[position : unit.start].count("\n") + 1)
            assert text[unit.start : unit.end].strip() == text[unit.start : unit.end]
            position = unit.end
        assert len(text[position:].strip()) <= 4


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\tb\n" * 40_000, id="one table of 40,000 rows"),
        pytest.param("no end in sight, " * 20_000, id="one sentence of 340,000 characters"),
        pytest.param("See No. 5 and Dr. B and " * 10_000, id="abbreviations without end"),
    ],
)
def test_long_texts_take_time_in_proportion(text):
    """A block of any size is split in seconds of work."""
    started = time.process_time()
    assert split_units(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("word", ["word ", "x"], ids=["words", "one word"])
def test_what_never_ends_is_cut(word):
    """A text without any full stop is no sentence of a million characters; nothing of it is lost."""
    text = word * (1_000_000 // len(word))
    units = split_units(text)
    assert max(unit.end - unit.start for unit in units) <= LONGEST_SENTENCE
    assert "".join(text[unit.start : unit.end] for unit in units).replace(" ", "") == text.replace(" ", "")
    if " " in word:
        assert {text[unit.start : unit.end].split()[-1] for unit in units} == {"word"}
