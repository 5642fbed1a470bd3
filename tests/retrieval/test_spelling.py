"""Typing errors are mended with the corpus's own words, and everything else is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.index.lexical import LexicalIndex
from assistant.retrieval.spelling import corrected

ENGLISH = """\
AstraZeneca offers mentoring to start-ups at the University of Oslo. Inven2 is owned by Oslo University Hospital.
The premarket notification names a predicate device. Norway Health Tech leads the clusters and their founders.
The reimbursement of remote monitoring depends on the payer. Trine Radmann answers questions about the roadmap."""
NORWEGIAN = """\
Mentorordningen til AstraZeneca gjelder oppstartsbedrifter. Fylkeskommunen finansierte prosjektet for helseklyngene.
Søknadsfristen står ikke i kunngjøringen. Veikartet er laget for gründere med medisinsk utstyr."""


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory, make_chunk):
    """The words of two short texts, in a real word index."""
    folder: Path = tmp_path_factory.mktemp("words")
    index = LexicalIndex(folder)
    index.add([make_chunk(ENGLISH, id_="en.md"), make_chunk(NORWEGIAN, id_="nb.md", language="nb")])
    index.commit()
    yield index
    index.close()


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        pytest.param("What is a roadmp for?", "en", "What is a roadmap for?", id="a letter missing"),
        pytest.param("Who owns the Hosppital?", "en", "Who owns the Hospital?", id="a letter too many, capital kept"),
        pytest.param("Is there a prediacte?", "en", "Is there a predicate?", id="two letters changed places"),
        pytest.param("What is a premarkt notificaton?", "en", "What is a premarket notification?", id="two words"),
        pytest.param("monitorrinng, or not?", "en", "monitoring, or not?", id="punctuation stays"),
        pytest.param("Does Astrazenca help?", "en", "Does Astrazeneca help?", id="a name"),
        pytest.param("What does Astra Zeneca offer?", "en", "What does Astrazeneca offer?", id="a name cut in two"),
        pytest.param("Hva er mentorordningn?", "nb", "Hva er mentorordningen?", id="Norwegian"),
        pytest.param("Når er søknadsfrsten?", "nb", "Når er søknadsfristen?", id="Norwegian letters"),
        pytest.param("Hvordn søker vi?", "nb", "Hvordan søker vi?", id="a function word"),
        pytest.param("Kva er fylkeskomunen?", "nn", "Kva er fylkeskommunen?", id="Nynorsk"),
    ],
)
def test_a_typing_error_becomes_the_word_of_the_corpus(vocabulary, question, language, expected):
    """A misspelt word is replaced by the nearest word of the corpus; the rest of the question stays as it is."""
    assert corrected(question, language, vocabulary) == expected


@pytest.mark.parametrize(
    ("question", "language"),
    [
        pytest.param("", "en", id="empty"),
        pytest.param("?! … 42", "en", id="no words"),
        pytest.param("Who leads the clusters, and why?", "en", id="all known"),
        pytest.param("Does a founder notify the payers?", "en", id="other inflections of known words"),
        pytest.param("What is a predicat device?", "en", id="an error that the stem forgives"),
        pytest.param("Is my apps ok on a Mac?", "en", id="short words"),
        pytest.param("Who owns Inven2?", "en", id="a name with a digit"),
        pytest.param("What is the capital of Mongolia?", "en", id="nothing near"),
        pytest.param("How do I register a trademark and a licence?", "en", id="words of the lexicon"),
        pytest.param("Should they themselves have been there?", "en", id="function words"),
        pytest.param("Kan gründeren søke med veikartene?", "nb", id="Norwegian inflections"),
        pytest.param("Blir vi mentored av klyngene?", "nb", id="a word of the other language is no correction"),
        pytest.param("Er det en reimbursemant?", "nb", id="nor is one with a typing error"),
        pytest.param("Gjelder det fylkeskommunalt?", "nb", id="two edits from another inflection"),
        pytest.param("Hvem er ansvarlig for sykehusavtaler?", "nb", id="compounds of known parts"),
        pytest.param("Ask Trine  Radmann\tabout  AstraZeneca!", "en", id="names and white space"),
        pytest.param("什么是 устройство?", "en", id="other scripts"),
    ],
)
def test_a_question_with_nothing_to_mend_is_returned_as_it_is(vocabulary, question, language):
    """Known, short and far-off words are left alone, letter by letter."""
    assert corrected(question, language, vocabulary) is question


@pytest.mark.parametrize(
    "question", ["Is there a prediacte?", "What does Astra Zeneca offer?", "Når er søknadsfrsten?"]
)
def test_mending_twice_is_mending_once(vocabulary, question):
    """A mended question holds nothing more to mend."""
    language = "nb" if "Når" in question else "en"
    once = corrected(question, language, vocabulary)
    assert corrected(once, language, vocabulary) == once


@pytest.mark.parametrize("question", ["Who owns Inven?", "Is there a prediacte?"])
def test_an_empty_corpus_mends_nothing(tmp_path, question):
    """Without a corpus there is no word to mend with."""
    index = LexicalIndex(tmp_path / "words")
    assert corrected(question, "en", index) is question
    index.close()
