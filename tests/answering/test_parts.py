"""A message that asks more than one thing, taken apart; one clause stays whole."""

from __future__ import annotations

import pytest

from assistant.answering.parts import WORDS_AT_LEAST, asks, names_in, parts

SEVERAL = [
    pytest.param(
        "What is the walrus fee, and who pays it?", ["What is the walrus fee", "who pays it"], id="and, with a comma"
    ),
    pytest.param(
        "What is the walrus fee and when is it paid in Oslo?",
        ["What is the walrus fee", "when is it paid in Oslo"],
        id="and",
    ),
    pytest.param(
        "Who owns the lighthouse? When is the fee paid?",
        ["Who owns the lighthouse", "When is the fee paid"],
        id="two questions",
    ),
    pytest.param(
        "In which month is the fee paid, or does nobody pay it?",
        ["In which month is the fee paid", "does nobody pay it"],
        id="or",
    ),
    pytest.param("What is the fee, where is it paid?", ["What is the fee", "where is it paid"], id="comma alone"),
    pytest.param("What is the fee - who pays it then?", ["What is the fee", "who pays it then"], id="dash"),
    pytest.param(
        "Tell me about boots; where is the office in Oslo?",
        ["Tell me about boots", "where is the office in Oslo"],
        id="semicolon",
    ),
    pytest.param(
        "Who leads it, what does it cost, and when does it start?",
        ["Who leads it", "what does it cost", "when does it start"],
        id="three",
    ),
    pytest.param(
        "Hva koster en mentor, og hvem betaler avgiften?",
        ["Hva koster en mentor", "hvem betaler avgiften"],
        id="Norwegian og",
    ),
    pytest.param(
        "Hva koster det her, men hvor betaler vi avgiften?",
        ["Hva koster det her", "hvor betaler vi avgiften"],
        id="Norwegian men",
    ),
    pytest.param(
        "Hvem eier fyrtårnet? Finnes det vafler der?",
        ["Hvem eier fyrtårnet", "Finnes det vafler der"],
        id="two questions, Norwegian",
    ),
    pytest.param(
        "Kva kostar ein mentor, og kven betaler for han?",
        ["Kva kostar ein mentor", "kven betaler for han"],
        id="Nynorsk",
    ),
    pytest.param(
        "Kvifor har de støvlar, eller korleis får eg dei?",
        ["Kvifor har de støvlar", "korleis får eg dei"],
        id="Nynorsk eller",
    ),
]
ONE_CLAUSE = [
    pytest.param("What is the walrus fee?", id="English"),
    pytest.param("Hva er hvalrossavgiften?", id="Norwegian"),
    pytest.param("Kva er kvalrossavgifta?", id="Nynorsk"),
    pytest.param("Which companies meet the heron and the walrus?", id="and between nouns"),
    pytest.param("Hvilke bedrifter møter hegren og hvalrossen?", id="og between nouns"),
    pytest.param("Kven møter hegren eller kvalrossen i Bodø?", id="eller between nouns"),
    pytest.param("Who mentors hearing, imaging and sensor companies?", id="a list with commas"),
    pytest.param("Do we need a 510(k) in the well-known market?", id="hyphen"),
    pytest.param("Do we meet the U.S. Food and Drug Administration?", id="an abbreviation before a capital"),
    pytest.param("Do we pay in Ohio, e.g. for a walrus?", id="an abbreviation before a small letter"),
    pytest.param("Må vi betale for f.eks. en hvalross i Bodø?", id="an abbreviation, Norwegian"),
    pytest.param("Gjelder avgiften bl.a. Bodø havn?", id="an abbreviation before a capital, Norwegian"),
    pytest.param("Må vi betale for t.d. ein kvalross?", id="an abbreviation, Nynorsk"),
]
SITUATIONS = [
    pytest.param("We make hearing aids in Bodø. Do we need a 510(k)?", "Do we need a 510(k)", id="English"),
    pytest.param("Vi lager høreapparater i Bodø. Må vi ha en 510(k)?", "Må vi ha en 510(k)", id="Norwegian"),
    pytest.param("Vi lagar høyreapparat i Bodø. Må vi ha ein 510(k)?", "Må vi ha ein 510(k)", id="Nynorsk"),
]


@pytest.mark.parametrize(("question", "expected"), SEVERAL)
def test_each_clause_that_asks_is_a_part(question, expected):
    """Clauses that could stand alone are parts, in order and as written; each of them asks."""
    assert parts(question) == expected
    assert all(asks(part) for part in parts(question))


@pytest.mark.parametrize("question", ONE_CLAUSE)
def test_one_clause_stays_whole(question):
    """Words joined inside one clause are no parts of a message."""
    assert parts(question) == [question]
    assert asks(question)


@pytest.mark.parametrize(("question", "asked"), SITUATIONS)
def test_a_situation_is_a_part_that_does_not_ask(question, asked):
    """Who tells about themselves first asks one thing: the first part tells, the second asks."""
    told, asking = parts(question)
    assert asking == asked
    assert (asks(told), asks(asking)) == (False, True)


@pytest.mark.parametrize(
    "question", ["", "?", "Fee?", "Who pays?", "Who pays and how?", "Hvem, hva?", "...", "a. b. c. d"]
)
def test_what_is_too_short_for_parts_stays_whole(question):
    """Clauses of a word or two are not understood alone: the message stays what it is."""
    assert parts(question) == [question]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        pytest.param(
            "What is the walrus fee, and why? Who owns the lighthouse?",
            ["What is the walrus fee, why", "Who owns the lighthouse"],
            id="in the middle",
        ),
        pytest.param(
            "Who owns the lighthouse? What is the walrus fee, and who pays?",
            ["Who owns the lighthouse", "What is the walrus fee, who pays"],
            id="at the end",
        ),
        pytest.param(
            "Vi er i Bodø. Hva koster en mentor? Hvorfor?",
            ["Vi er i Bodø", "Hva koster en mentor, Hvorfor"],
            id="Norwegian",
        ),
        pytest.param(
            "Kven eig fyrtårnet? Kva kostar ein mentor, og korleis?",
            ["Kven eig fyrtårnet", "Kva kostar ein mentor, korleis"],
            id="Nynorsk",
        ),
    ],
)
def test_a_part_too_short_to_stand_alone_stays_with_the_one_before(question, expected):
    """What a clause of a word or two leaves out stands in the part before it, so nothing of the message is lost."""
    assert parts(question) == expected


@pytest.mark.parametrize(("question", "_"), [*SEVERAL, *SITUATIONS])
def test_parts_are_words_of_the_question_in_order(question, _):
    """No word is made up or moved, and no part is shorter than what can be understood or falls apart again."""
    place = 0
    for part in parts(question):
        place = question.index(part, place) + len(part)
        assert len(part.split()) >= WORDS_AT_LEAST
        assert parts(part) == [part]


@pytest.mark.parametrize(
    ("part", "does_ask"),
    [
        pytest.param("who pays the fee", True, id="who"),
        pytest.param("In which month is it paid", True, id="with a preposition"),
        pytest.param("I hvilken måned betales den", True, id="with a preposition, Norwegian"),
        pytest.param("På kva dag kjem han", True, id="with a preposition, Nynorsk"),
        pytest.param("Name the mentors of the harbour", True, id="name"),
        pytest.param("Nevn mentorene i havna", True, id="nevn"),
        pytest.param("Skal vi betale avgiften", True, id="skal"),
        pytest.param("We make hearing aids", False, id="a situation"),
        pytest.param("Vi lager høreapparater", False, id="a situation, Norwegian"),
        pytest.param("Eg lagar høyreapparat", False, id="a situation, Nynorsk"),
        pytest.param("Whoever pays the fee", False, id="a word that begins like one"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_asking_is_told_from_telling(part, does_ask):
    """A part asks when it opens with a word that asks or orders, maybe behind a preposition."""
    assert asks(part) is does_ask


@pytest.mark.parametrize(
    ("part", "names"),
    [
        pytest.param("What is the walrus fee in Oslo", ["Oslo"], id="a place"),
        pytest.param("Who leads the Oslo Cancer Cluster", ["Oslo", "Cancer", "Cluster"], id="several words"),
        pytest.param("Hvem leder Fyrholm i Bodø", ["Fyrholm", "Bodø"], id="Norwegian"),
        pytest.param("Kva er Årdal sin avgift", ["Årdal"], id="a letter of our own"),
        pytest.param("what did it cost in 2024", ["2024"], id="a year"),
        pytest.param("Do we need a 510(k) from the FDA", ["510", "FDA"], id="number and abbreviation"),
        pytest.param("Fyrholm owns the lighthouse", [], id="the first word is always written large"),
        pytest.param("who owns the lighthouse", [], id="none"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_names_of_a_part(part, names):
    """Names and numbers inside a part are what it may ask about in vain."""
    assert names_in(part) == names
