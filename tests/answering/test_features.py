"""The numbers that tell a question which the hits answer from one that they do not."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from assistant.answering.evidence import gather
from assistant.answering.features import features
from assistant.domain import Hit
from assistant.tuning import load_tuning

COSINES = ("similarity_english", "similarity_norwegian", "sentence_similarity")
# Sums of idf, and differences of scores and cosines.
OTHERS = ("met", "words_score", "words_margin", "sentence_margin", "meaning_lead")
ENGLISH = "what is the walrus fee in 2024 2025 510(k) 30 percent USD heron Fyrholm Bodø not never why who since , . ? $"
NORWEGIAN = (
    "hva er hvalrossavgiften i 2024 2025 14 dager 30 prosent kroner hegren Fyrholm Bodø ikke aldri hvorfor , . ? når"
)
NYNORSK = (
    "kva er kvalrossavgifta i 2024 14 dagar 30 prosent kroner hegren Fyrholm Bodø ikkje aldri kvifor , . ? korleis"
)
VOCABULARY = {"en": ENGLISH.split(), "nb": NORWEGIAN.split(), "nn": NYNORSK.split()}


@pytest.fixture
def found(idf, make_query, make_hit):
    """Return the features of a question over hits, or over one hit with one text in the question's language."""

    def of(question: str, *hits: Hit | str, language: str = "en", title: str = "A page") -> Mapping[str, float]:
        query = make_query(question, language)
        made = [
            make_hit(hit, id_=f"{rank}.md", language=language, rank=rank, title=title) if isinstance(hit, str) else hit
            for rank, hit in enumerate(hits, start=1)
        ]
        return features(query, made, gather(query, made, idf, load_tuning()))

    return of


# ---- Whatever is asked ----


@pytest.mark.parametrize("language", VOCABULARY)
def test_every_feature_is_a_finite_number_within_its_bounds(found, make_hit, language):
    """Over many made-up questions and hits: shares from 0 to 1, cosines from -1 to 1, the same names each time."""
    generator = random.Random(language)
    names = set(found("What is the walrus fee?"))
    for _ in range(150):
        question = " ".join(generator.choices(VOCABULARY[language], k=generator.randint(0, 12)))
        values = found(question, *some_hits(generator, make_hit), language=language)
        assert set(values) == names
        assert all(math.isfinite(value) for value in values.values())
        shares = names - {*COSINES, *OTHERS}
        assert {name: values[name] for name in shares if not 0 <= values[name] <= 1 + 1e-9} == {}
        assert all(-1 <= values[name] <= 1 for name in COSINES)
        assert values["met"] >= 0
        assert values["words_score"] >= 0


def some_hits(generator: random.Random, make_hit) -> list[Hit]:
    """Return up to six hits of random sentences, found by either search or both, with vectors or without."""
    hits = []
    for rank in range(1, generator.randint(0, 6) + 1):
        language = generator.choice(tuple(VOCABULARY))
        sentences = [
            " ".join(generator.choices(VOCABULARY[language], k=generator.randint(1, 9))) for _ in range(rank % 3 + 1)
        ]
        hit = make_hit(" ".join(f"{one}." for one in sentences), id_=f"{rank % 4}.md", language=language, rank=rank)
        by_meaning, by_words = generator.choice(((True, True), (True, False), (False, True)))
        hits.append(
            replace(
                hit,
                similarity=generator.uniform(-1, 1) if by_meaning else None,
                dense_rank=generator.randint(1, 60) if by_meaning else None,
                lexical_rank=generator.randint(1, 60) if by_words else None,
                lexical_score=generator.uniform(0, 30) if by_words else None,
                sentences=tuple(generator.uniform(-1, 1) for _ in range(generator.randint(0, 8))),
            )
        )
    return hits


@pytest.mark.parametrize(
    ("question", "language"),
    [("What is the walrus fee?", "en"), ("Hvorfor er avgiften i 2024 ikke 30 prosent, Ola?", "nb"), ("", "en")],
)
def test_without_hits_every_feature_is_zero_or_one(found, question, language):
    """Nothing found is a defined state: nothing is covered, nothing is near, nothing is denied."""
    values = found(question, language=language)
    assert set(values.values()) <= {0.0, 1.0}
    assert {values[name] for name in ("covered", "matched", "met", "agreement", "best_rank", "denied", *COSINES)} == {0}


def test_the_same_question_has_the_same_features(found, make_hit):
    """Nothing is drawn by chance, and the order of names is fixed."""
    hit = make_hit("The walrus fee is 4,711 dollars.")
    assert list(found("What is the walrus fee?", hit).items()) == list(found("What is the walrus fee?", hit).items())


# ---- Words covered ----


def test_coverage_counts_the_words_that_are_there(found):
    """All words, half of them, none: in one sentence, and by three sentences together."""
    text = "The walrus fee is paid. The heron sleeps."
    whole, half, none = (
        found(question, text) for question in ("What is the walrus fee?", "What is the walrus visa?", "Who bikes?")
    )
    assert (whole["matched_by_best"], half["matched_by_best"], none["matched_by_best"]) == pytest.approx(
        (1.0, 0.5, 0.0)
    )
    assert (whole["rarest_unmet"], half["rarest_unmet"], none["rarest_unmet"]) == (0.0, 1.0, 1.0)
    assert (whole["known_words"], half["known_words"], none["known_words"]) == (1.0, 0.5, 0.0)
    spread = found("Which walrus pays the heron?", "The walrus sings. It is cold. The heron sleeps. Nobody pays now.")
    assert spread["met_by_three"] > spread["matched_by_best"]


# ---- Years, figures, names ----


@pytest.mark.parametrize(
    ("question", "text", "language", "met", "known"),
    [
        pytest.param("What was the fee in 2024?", "The fee of 2024 was 18.", "en", 1.0, 1.0, id="there"),
        pytest.param("What was the fee in 2024?", "The fee of 2025 was 18.", "en", 0.0, 0.0, id="another year"),
        pytest.param("How did the fee change from 2023 to 2024?", "The fee of 2024 was 18.", "en", 0.5, 0.5, id="half"),
        pytest.param("What is the fee?", "The fee of 2025 was 18.", "en", 1.0, 1.0, id="none asked for"),
        pytest.param("Hva var avgiften i 2024?", "Avgiften i 2024 var 18.", "nb", 1.0, 1.0, id="there, Norwegian"),
        pytest.param("Hva var avgiften i 2024?", "Avgiften i 2025 var 18.", "nb", 0.0, 0.0, id="another, Norwegian"),
        pytest.param("Kva var avgifta i 2024?", "Avgifta i 2024 var 18.", "nn", 1.0, 1.0, id="there, Nynorsk"),
        pytest.param("What is code 120245?", "The code stands here.", "en", 1.0, 1.0, id="digits of a longer number"),
    ],
)
def test_years(found, question, text, language, met, known):
    """The share of the years asked about that the best sentences name, and that anything found names."""
    values = found(question, text, language=language)
    assert (values["years_met"], values["years_known"]) == (met, known)


def test_a_year_is_known_that_the_best_sentences_do_not_name(found, make_hit):
    """A year in a passage far down is known to the sources, and met by none of the best sentences."""
    fees = make_hit("The walrus fee was low. The walrus fee is high. The walrus fee fell.", score=1.0)
    gulls = make_hit("Gulls of 2024 cried.", id_="b.md", rank=9, score=0.01)
    values = found("What was the walrus fee in 2024?", fees, gulls)
    assert (values["years_met"], values["years_known"]) == (0.0, 1.0)


def test_a_year_in_the_title_is_met(found):
    """A sentence is read under its title: a report of 2024 speaks of 2024."""
    assert found("What was the fee in 2024?", "The fee was 18.", title="Report of 2024")["years_met"] == 1.0


@pytest.mark.parametrize(
    ("question", "text", "language", "met", "other"),
    [
        pytest.param("Is the fee 30 percent?", "The fee is 30 percent.", "en", 1.0, 0.0, id="the same share"),
        pytest.param("Is the fee 30%?", "The fee is 30 percent.", "en", 1.0, 0.0, id="the same, written otherwise"),
        pytest.param("Is the fee 30 percent?", "The fee is 20 percent.", "en", 0.0, 1.0, id="another share"),
        pytest.param("Is the fee 30 percent?", "The fee is low.", "en", 0.0, 0.0, id="no figure there"),
        pytest.param("Is the fee high?", "The fee is 20 percent.", "en", 1.0, 0.0, id="no figure asked for"),
        pytest.param("Is it 4 711 dollars?", "It is 4,711 dollars.", "en", 1.0, 0.0, id="separators of thousands"),
        pytest.param("Does a 510(k) cost a fee?", "The fee is 20 percent.", "en", 1.0, 0.0, id="a code is no figure"),
        pytest.param("Er avgiften 30 prosent?", "Avgiften er 30 prosent.", "nb", 1.0, 0.0, id="Norwegian"),
        pytest.param("Er fristen 14 dager?", "Fristen er 30 dager.", "nb", 0.0, 1.0, id="days, Norwegian"),
        pytest.param("Er fristen 14 dagar?", "Fristen er 14 dagar.", "nn", 1.0, 0.0, id="days, Nynorsk"),
        pytest.param("Er prisen 900 kroner?", "Prisen er 900 kr.", "nb", 1.0, 0.0, id="kroner"),
        pytest.param("Is the fee $250?", "The fee is 250 dollars.", "en", 1.0, 0.0, id="a sign before the number"),
        pytest.param("Is the fee $250?", "The fee is $300.", "en", 0.0, 1.0, id="a sign before another number"),
        pytest.param("Is the fee NOK 200?", "The fee is 200 kroner.", "en", 1.0, 0.0, id="a currency before"),
        pytest.param("Is the fee 200 NOK?", "The fee is NOK 300.", "en", 0.0, 1.0, id="a currency before another"),
        pytest.param("Er prisen USD 4711?", "Prisen er 4 711 dollar.", "nb", 1.0, 0.0, id="a currency, Norwegian"),
        pytest.param("Is the share 4.5 percent?", "The share is 4.5%.", "en", 1.0, 0.0, id="a decimal"),
        pytest.param("Is the share 4.5 percent?", "The share is 45 percent.", "en", 0.0, 1.0, id="not ten times"),
        pytest.param("Er delen 4,5 prosent?", "The share is 4.5 percent.", "nb", 1.0, 0.0, id="a decimal comma"),
        pytest.param("Er prisen 4 711 kr?", "Prisen er 4.711 kr.", "nb", 1.0, 0.0, id="thousands, Norwegian"),
        pytest.param("Is it $1,000,000?", "It is 1 000 000 dollars.", "en", 1.0, 0.0, id="several separators"),
    ],
)
def test_figures(found, question, text, language, met, other):
    """The share of the amounts and times in the question that the best sentences hold, or whether they hold others."""
    values = found(question, text, language=language)
    assert (values["figures_met"], values["other_figures"]) == (met, other)


@pytest.mark.parametrize(
    ("question", "text", "language", "met", "known"),
    [
        pytest.param("Does the heron of Fyrholm pay?", "The heron of Fyrholm pays.", "en", 1.0, 1.0, id="there"),
        pytest.param("Does the heron of Fyrholm pay?", "The heron of Vardø pays.", "en", 0.0, 0.0, id="another"),
        pytest.param("Do Fyrholm and Vardø pay?", "Fyrholm pays.", "en", 0.5, 0.5, id="half"),
        pytest.param("Does the heron pay?", "The heron of Vardø pays.", "en", 1.0, 1.0, id="none asked for"),
        pytest.param("Hvem eier tårnet i Bodø?", "Tårnet i Bodø eies av Ada.", "nb", 1.0, 1.0, id="there, Norwegian"),
        pytest.param(
            "Hvem eier tårnet i Ålesund?", "Tårnet i Bodø eies av Ada.", "nb", 0.0, 0.0, id="another, Norwegian"
        ),
        pytest.param("Kven eig tårnet i Bodø?", "Tårnet i Bodø er sal.", "nn", 1.0, 1.0, id="there, Nynorsk"),
    ],
)
def test_names(found, question, text, language, met, known):
    """The share of names inside the question that the best sentences hold, and that anything found holds."""
    values = found(question, text, language=language)
    assert (values["names_met"], values["names_known"]) == (met, known)


# ---- What is denied and presumed ----


@pytest.mark.parametrize(
    ("text", "language", "denied"),
    [
        pytest.param("No company pays the fee.", "en", True, id="no"),
        pytest.param("The fee is not paid.", "en", True, id="not"),
        pytest.param("The fee isn't paid.", "en", True, id="n't"),
        pytest.param("The fee isn’t paid.", "en", True, id="n’t"),
        pytest.param("The fee is never paid.", "en", True, id="never"),
        pytest.param("The fee is paid.", "en", False, id="affirmed"),
        pytest.param("The notary notes the fee.", "en", False, id="a word that begins like one"),
        pytest.param("The ferry Ingen leaves at nine.", "en", False, id="a Norwegian denial in English"),
        pytest.param("Ingen bedrift betaler avgiften.", "nb", True, id="ingen"),
        pytest.param("Avgiften betales ikke.", "nb", True, id="ikke"),
        pytest.param("Bedriften betaler uten avgift.", "nb", True, id="uten"),
        pytest.param("Avgiften betales.", "nb", False, id="affirmed, Norwegian"),
        pytest.param("Avgifta vert ikkje betalt.", "nn", True, id="ikkje"),
        pytest.param("Inga avgift vert betalt.", "nn", True, id="inga"),
        pytest.param("Avgifta vert betalt.", "nn", False, id="affirmed, Nynorsk"),
        pytest.param("Avgifta vert betalt no.", "nn", False, id="no, which is now in Nynorsk"),
    ],
)
def test_denials(found, text, language, denied):
    """A denial in the best sentence, as a share of three, and in the question itself: each in its own language."""
    question = {"en": "Who pays the fee?", "nb": "Hvem betaler avgiften?", "nn": "Kven betalar avgifta?"}[language]
    values = found(question, text, language=language)
    assert values["denied"] == denied
    assert values["denials"] == pytest.approx(denied / 3)
    assert values["asks_denial"] == 0.0
    assert found(text, "The fee is paid.", language=language)["asks_denial"] == denied


def test_a_source_denies_in_its_own_language(found, make_hit):
    """What an English question finds in Norwegian is read as Norwegian, whatever the question is written in."""
    values = found("Who pays the walrus fee?", make_hit("Ingen betaler walrus fee.", language="nb"))
    assert (values["denied"], values["asks_denial"]) == (1.0, 0.0)
    values = found("Hvem betaler ikke walrus fee?", make_hit("Ikke pays the walrus fee."), language="nb")
    assert (values["denied"], values["asks_denial"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("question", "language", "presumes"),
    [
        pytest.param("Since the fee is paid, who pays it?", "en", True, id="since"),
        pytest.param("Why do we pay because of the heron?", "en", True, id="because"),
        pytest.param("We are in Ohio. Who pays the fee?", "en", True, id="a statement before"),
        pytest.param("Who pays the fee?", "en", False, id="nothing"),
        pytest.param("Siden avgiften er betalt, hvem betaler den?", "nb", True, id="siden"),
        pytest.param("Vi er i Ohio. Hvem betaler?", "nb", True, id="a statement before, Norwegian"),
        pytest.param("Hvem betaler avgiften?", "nb", False, id="nothing, Norwegian"),
        pytest.param("Sidan avgifta er betalt, kven betalar?", "nn", True, id="sidan"),
        pytest.param("Kven betalar avgifta?", "nn", False, id="nothing, Nynorsk"),
    ],
)
def test_what_is_taken_for_granted(found, question, language, presumes):
    """A clause of reason or time, or a statement before the question, takes something for granted."""
    assert found(question, "The fee is paid.", language=language)["presumes"] == presumes


@pytest.mark.parametrize(
    ("question", "language", "how_or_why", "yes_no"),
    [
        ("Why is the fee paid?", "en", True, False),
        ("How is the fee paid?", "en", True, False),
        ("Do we need boots?", "en", False, True),
        ("Hvorfor betales avgiften?", "nb", True, False),
        ("Må vi ha støvler?", "nb", False, True),
        ("Treng vi støvlar?", "nn", False, True),
        ("Korleis betalar vi?", "nn", True, False),
        ("Hvem betaler avgiften?", "nb", False, False),
    ],
)
def test_forms_of_questions(found, question, language, how_or_why, yes_no):
    """How and why ask openly, a yes or no wants a ruling."""
    values = found(question, "The fee is paid.", language=language)
    assert (values["asks_how_or_why"], values["asks_yes_no"]) == (how_or_why, yes_no)


@pytest.mark.parametrize(
    ("text", "held"), [("The review is done in 90 days.", True), ("The review is done by herons.", False)]
)
def test_the_kind_of_answer_asked_for(found, text, held):
    """Who asks how long it takes is answered by a sentence with a time; without such a kind all is well."""
    assert found("How long is the review?", text)["type_held"] == held
    assert found("What is the review?", text)["type_held"] == 1.0


# ---- The searches ----


def test_both_searches_and_one_document(found, make_hit):
    """Hits that both searches rank highly agree; a search that found a passage far down does not count."""
    near = [make_hit("The walrus fee is paid.", start=100 * rank, rank=rank) for rank in (1, 2, 3)]
    agreed = found("What is the walrus fee?", *near)
    assert (agreed["agreement"], agreed["found_twice"], agreed["one_document"]) == (1.0, 1.0, 1.0)
    far = [replace(hit, dense_rank=40) for hit in near]
    assert found("What is the walrus fee?", *far)["agreement"] == 0.0
    scattered = [make_hit("The walrus fee is paid.", id_=f"{rank}.md", rank=rank) for rank in range(1, 6)]
    assert found("What is the walrus fee?", *scattered)["one_document"] == 0.0


def test_the_best_document_stands_out(found, make_hit):
    """The lead of the best document over the next, in words and in meaning, and whether both name the same one."""
    first, second = (make_hit(f"The walrus fee is {id_}.", id_=id_) for id_ in ("a.md", "b.md"))
    hits = (replace(first, lexical_score=8.0, similarity=0.9), replace(second, lexical_score=6.0, similarity=0.5))
    values = found("What is the walrus fee?", *hits)
    assert values["words_lead"] == pytest.approx(0.25)
    assert values["meaning_lead"] == pytest.approx(0.4)
    assert values["same_document"] == 1.0
    swapped = (hits[0], replace(hits[1], similarity=0.95))
    assert found("What is the walrus fee?", *swapped)["same_document"] == 0.0


@pytest.mark.parametrize(
    ("language", "text_language", "english", "norwegian", "own"),
    [
        ("en", "en", 0.5, 0.0, 1.0),
        ("nb", "en", 0.0, 0.5, 0.0),
        ("nb", "nb", 0.0, 0.0, 1.0),
        ("nb", "nn", 0.0, 0.0, 1.0),
    ],
)
def test_cosines_are_told_apart_by_language(found, make_hit, language, text_language, english, norwegian, own):
    """The model knows English: a cosine with a Norwegian passage says nothing, one with a gloss something else."""
    values = found("walrus?", make_hit("The walrus sings.", language=text_language), language=language)
    assert (values["similarity_english"], values["similarity_norwegian"], values["own_language"]) == (
        english, norwegian, own,
    )  # fmt: skip


def test_sentences_that_mean_the_same_stand_out(found, make_hit):
    """The best cosine of a sentence, its lead over the background, and that of the best candidate."""
    hit = make_hit("The walrus fee is paid. " + "Gulls cry over boats. " * 6)
    values = found("What is the walrus fee?", replace(hit, sentences=(0.9, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2)))
    assert values["sentence_similarity"] == values["best_similarity"] == 0.9
    assert values["sentence_margin"] == pytest.approx(0.7)
    assert values["words_and_meaning"] == pytest.approx(0.9)
