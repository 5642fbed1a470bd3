"""What a question asks for, and which sentences hold it."""

from __future__ import annotations

import pytest

from assistant.answering.answer_types import answer_type, holds, is_dated


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How much does a De Novo request cost?", "amount"),
        ("What is the fee of a 510(k)?", "amount"),
        ("When is the fee paid?", "date"),
        ("Vi lager sensorer. Når må vi søke?", "date"),
        ("Who pays when a patient gets the device?", "person"),
        ("Do we need a US agent?", "yes_no"),
        ("Vi lager sensorer. Må vi ha en agent i USA?", "yes_no"),
        ("Hva koster det å delta?", "amount"),
        ("Kor mykje kostar mentoren?", "amount"),
        ("How many clusters take part?", "count"),
        ("Hvor mange klynger er med?", "count"),
        ("Kor mange klynger er med?", "count"),
        ("How long does a review take?", "duration"),
        ("Hvor lang tid tar det?", "duration"),
        ("Hvor lenge varer prosjektet?", "duration"),
        ("When did the project start?", "date"),
        ("Is there an application deadline?", "date"),
        ("Når startet prosjektet?", "date"),
        ("Hva er fristen?", "date"),
        ("Who leads USA next!?", "person"),
        ("Hvem leder USA neste!?", "person"),
        ("Kven leier prosjektet?", "person"),
        ("Where is the office?", "place"),
        ("Hvor ligger kontoret?", "place"),
        ("Kvar ligg kontoret?", "place"),
        ("Why the United States?", "reason"),
        ("Hvorfor USA?", "reason"),
        ("Kvifor USA?", "reason"),
        ("Which four clusters take part?", "list"),
        ("What are the four areas of activity?", "list"),
        ("Hvilke klynger er med?", "list"),
        ("Kva for klynger er med?", "list"),
        ("What is HIPAA?", "definition"),
        ("Hva betyr HIPAA?", "definition"),
        ("Kva er HIPAA?", "definition"),
        ("Tell me about HIPAA.", "other"),
        ("HIPAA", "other"),
        ("", "other"),
    ],
)
def test_a_question_asks_for_one_kind(question, kind):
    """The narrowest kind that fits is what the question asks for, whatever its letter case."""
    assert answer_type(question) == kind
    assert answer_type(question.upper()) == kind


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("person", "The project is led by Trine Radmann from Norway Health Tech."),
        ("person", "Jutta Heix er prosjektleder."),
        ("place", "The office lies in Boston."),
        ("yes_no", "A foreign maker must name a US agent."),
        ("yes_no", "En CE-merking gir ikke adgang."),
        ("place", "Kontoret ligger i Boston."),
        ("date", "It starts in January 2022."),
        ("date", "Prosjektet starter 17. mai."),
        ("amount", "The fee is USD 26,067."),
        ("amount", "Avgiften er 25 kroner."),
        ("amount", "Taking part is free."),
        ("amount", "Det er gratis."),
        ("duration", "The review takes 90 days."),
        ("duration", "Det tar tre måneder."),
        ("count", "There are over 700,000 health companies."),
        ("count", "Fire klynger deltar."),
        ("reason", "They chose it because it is large."),
        ("reason", "De valgte det fordi det er stort."),
        ("definition", "HIPAA is a law on privacy."),
        ("definition", "HIPAA er en lov om personvern."),
    ],
)
def test_a_sentence_holds_what_is_asked_for(kind, sentence):
    """A sentence that could answer is known by a pattern."""
    assert holds(kind, sentence)


@pytest.mark.parametrize(
    "kind", ["person", "place", "date", "amount", "duration", "count", "reason", "definition", "yes_no"]
)
@pytest.mark.parametrize("sentence", ["", "Tide tables hang near boots.", "Ask again!"])
def test_a_sentence_without_it_holds_no_kind(kind, sentence):
    """A sentence that says nothing of the kind does not hold it."""
    assert not holds(kind, sentence)


@pytest.mark.parametrize("kind", ["list", "other"])
def test_no_single_sentence_is_a_list(kind):
    """Kinds that no pattern can tell are never held."""
    assert not holds(kind, "First, second and third in Boston on 1 May 2022.")


@pytest.mark.parametrize(
    ("text", "dated"),
    [
        pytest.param("The fee is $500.", True, id="dollars"),
        pytest.param("The fee is USD 26,067.", True, id="currency code"),
        pytest.param("Vaflene koster 25 kroner.", True, id="kroner"),
        pytest.param("The project starts in January 2022.", True, id="year"),
        pytest.param("Fristen er 17. mai.", True, id="day, Norwegian"),
        pytest.param("It opens on October 3.", True, id="day, English"),
        pytest.param("FDA answers within 90 days.", True, id="time limit"),
        pytest.param("Svaret kommer innen tre uker.", True, id="time limit, Norwegian"),
        pytest.param("Trine Radmann leads the project.", False, id="a name"),
        pytest.param("Four clusters take part.", False, id="a count"),
        pytest.param("A 510(k) names a predicate device.", False, id="a code"),
        pytest.param("You may ask in May we hope.", False, id="a word that is also a month"),
        pytest.param("", False, id="empty"),
    ],
)
def test_what_grows_old_is_dated(text, dated):
    """A money sum, a date or a time limit is to be read beside the date of its source."""
    assert is_dated(text) is dated


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        pytest.param("date", "It may work.", id="may is a verb"),
        pytest.param("count", "He wants to go.", id="to is no Norwegian number in English"),
        pytest.param("place", "It starts in January.", id="a month is no place"),
    ],
)
def test_words_of_two_meanings_do_not_count(kind, text):
    """A word that only looks like an answer of the kind asked for is none."""
    assert not holds(kind, text)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        pytest.param("Finnes det en søknadsfrist?", "date", id="deadline in a compound"),
        pytest.param("Er det en deltakeravgift?", "amount", id="fee in a compound"),
    ],
)
def test_compounds_tell_the_kind_of_answer(question, kind):
    """A Norwegian compound asks for what its last part asks for."""
    assert answer_type(question) == kind
