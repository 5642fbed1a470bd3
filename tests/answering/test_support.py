"""Does the quote carry the sentence? What equals its quote is shown, what says something else is not."""

from __future__ import annotations

import random
import re
from itertools import permutations
from pathlib import Path

import pytest

from assistant.answering.support import (
    FEATURES,
    Ground,
    SupportJudge,
    is_in_other_language,
    judge,
    leans,
    unknown_name,
)
from assistant.documents.chunking import chunk_document
from assistant.documents.loading import load_document
from assistant.sentences import split_units
from assistant.tuning import load_support_tuning

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
SAMPLED = 75
# What a digit is changed to must not stand beside it as a number in words.
NUMBER_WORDS = {
    1: "one a an single en ett én", 2: "two both pair to begge par", 3: "three tre", 4: "four fire", 5: "five fem",
    6: "six seks", 7: "seven sju syv", 8: "eight åtte", 9: "nine ni",
}  # fmt: skip


def table(rows):
    """Return the rows of a table with their first column as id."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


@pytest.fixture(scope="module")
def units():
    """Sentences and list items of our own Markdown documents: each chunk with the words of one.

    Titles of English sources that a Norwegian list names are passed over: an answer is in one language.
    """
    found = []
    for path in sorted(CORPUS.rglob("*.md")):
        document = load_document(path, path.relative_to(CORPUS).as_posix())
        for chunk in chunk_document(document, lambda texts: [len(text.split()) for text in texts], max_tokens=180):
            for unit in split_units(chunk.text):
                words = chunk.text[unit.start : unit.end]
                if unit.kind in ("sentence", "item") and not is_in_other_language(words, chunk.language):
                    found.append((chunk, words))
    return found


@pytest.fixture(scope="module")
def supports(embedder):
    """Return the judge with the real bundled model and the numbers that ship; a text is embedded once."""
    known = {}

    def embed(texts):
        fresh = [text for text in dict.fromkeys(texts) if text not in known]
        if fresh:
            known.update(zip(fresh, embedder.embed(fresh), strict=True))
        return [known[text] for text in texts]

    return SupportJudge(embed)


@pytest.fixture
def verdicts(supports, make_chunk):
    """Return the verdicts on a claim whose quote is a whole passage."""

    def ask(claim, source, language="en", source_language=None, *, title="", **more):
        chunk = make_chunk(source, language=source_language or language, title=title)
        return [verdict for _, verdict in supports.claim(claim, language, [(chunk, source)], **more)]

    return ask


@pytest.fixture
def reason(verdicts):
    """Return why the one sentence of a claim is not shown, or None."""

    def ask(*arguments, **more):
        (verdict,) = verdicts(*arguments, **more)
        assert verdict.supported == (verdict.reason is None)
        return verdict.reason

    return ask


# ---- What always holds, over our own documents ----


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_sentence_that_equals_its_quote_is_supported(units, supports, language):
    """Word for word from the passage: nothing is missing, whatever it denies, demands, names or counts."""
    own = [(chunk, words) for chunk, words in units if chunk.language == language]
    for chunk, words in random.Random(1).sample(own, SAMPLED):
        for sentence, verdict in supports.claim(words, language, [(chunk, words)]):
            assert verdict.supported, (sentence, verdict.reason, verdict.detail)
            assert [found.words for found in verdict.found] == [words]


def test_a_changed_digit_is_never_supported(units, supports):
    """A claim that equals its quote but for one digit is removed, unless the new number stands there too."""
    chance, tried = random.Random(2), 0
    for chunk, words in units:
        places = [place for place, character in enumerate(words) if character in "123456789"]
        if not places or "http" in words:
            continue
        place = chance.choice(places)
        digit = chance.choice([one for one in "123456789" if one != words[place]])
        claim = words[:place] + digit + words[place + 1 :]
        if stands(number_at(claim, place), f"{chunk.title} {chunk.heading} {words}"):
            continue
        if re.search(r"(?<!\d)[.,]$", words[:place]):  # `.9` of `numbered .9`
            continue
        tried += 1
        found = [verdict for _, verdict in supports.claim(claim, chunk.language, [(chunk, words)])]
        assert not all(verdict.supported for verdict in found), (words, claim)
    assert tried > 300


def number_at(text, place):
    """Return the run of digits around a place."""
    return next(match[0] for match in re.finditer(r"\d+", text) if match.start() <= place < match.end())


def stands(number, text):
    """Return whether a number stands in a text, in digits or in words."""
    said = NUMBER_WORDS.get(int(number), "").split()
    return number in re.findall(r"\d+", text) or bool(set(said) & set(re.findall(r"\w+", text.lower())))


def test_the_order_of_quotes_does_not_matter(units, supports):
    """Three quotes, in every order, give one verdict."""
    for language in ("en", "nb"):
        own = [(chunk, words) for chunk, words in units if chunk.language == language and len(words) < 300]
        chance = random.Random(3)
        for _ in range(5):
            quotes = chance.sample(own, 3)
            claim = quotes[0][1]
            found = [
                [verdict.reason for _, verdict in supports.claim(claim, language, list(order))]
                for order in permutations(quotes)
            ]
            assert all(one == found[0] for one in found)


def test_more_quotes_than_needed_do_no_harm(units, supports):
    """A sentence that equals one of its quotes has its figures and names, whatever is quoted beside it."""
    for language in ("en", "nb"):
        own = [(chunk, words) for chunk, words in units if chunk.language == language]
        for first, second in zip(*(random.Random(seed).sample(own, 15) for seed in (4, 5)), strict=True):
            for _, verdict in supports.claim(first[1], language, [first, second]):
                assert verdict.reason not in ("quote", "figure", "name", "markup", "language")


# ---- Clear cases ----

SUPPORTED = [
    (
        "left-out-clause",
        "en",
        "The visa lasts two years and can be extended once.",
        "en",
        "The visa lasts two years.",
    ),
    (
        "reordered",
        "en",
        "Viken was divided into Akershus, Buskerud and Østfold on 1 January 2024.",
        "en",
        "On 1 January 2024 Viken was divided into Akershus, Buskerud and Østfold.",
    ),
    (
        "translated-duty",
        "en",
        "The company must register the device.",
        "nb",
        "Selskapet må registrere utstyret.",
    ),
    (
        "translated-no-duty",
        "en",
        "The company does not need to register the device.",
        "nb",
        "Selskapet trenger ikke å registrere utstyret.",
    ),
    ("translated-ban", "en", "The visa cannot be extended.", "nb", "Visumet kan ikke forlenges."),
    (
        "from-norwegian",
        "nb",
        "Selskapet må registrere utstyret.",
        "en",
        "The company must register the device.",
    ),
    (
        "money-translated",
        "nb",
        "Gebyret er 4 711 dollar per selskap.",
        "en",
        "The fee is 4,711 dollars per company.",
    ),
    ("citation-mark-of-ours", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars [1]."),
    ("citation-mark-of-the-model", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars [P1]."),
    ("quotation-marks", "en", "The fee is 500 dollars.", "en", "“The fee is 500 dollars.”"),
    (
        "address-of-the-source",
        "en",
        "See https://fda.example/fees for the fee.",
        "en",
        "See https://fda.example/fees for the fee.",
    ),
]
REMOVED = [
    ("figure", "another-amount", "en", "The fee is 500 dollars.", "en", "The fee is 600 dollars."),
    ("figure", "another-amount-across", "en", "The fee is 500 dollars.", "nb", "Gebyret er 600 dollar."),
    ("figure", "another-currency", "nb", "Gebyret er 500 kroner.", "nb", "Gebyret er 500 dollar."),
    ("figure", "another-class", "en", "The device is Class II.", "nb", "Utstyret er i klasse III."),
    ("figure", "another-date", "nb", "Det startet 1. januar 2024.", "en", "The start was on 2 January 2024."),
    ("name", "another-person", "en", "Kari Nordmann leads the work.", "en", "Ola Hansen leads the work."),
    ("name", "another-agency", "en", "The device is cleared by FDA.", "en", "The device is cleared by CMS."),
    ("name", "another-country", "nb", "Kontoret ligger i Norge.", "nb", "Kontoret ligger i Sverige."),
    ("polarity", "denied", "en", "The visa can be extended.", "en", "The visa cannot be extended."),
    ("polarity", "affirmed", "nb", "Visumet kan ikke forlenges.", "nb", "Visumet kan forlenges."),
    ("polarity", "denied-across", "en", "The visa can be extended.", "nb", "Visumet kan ikke forlenges."),
    (
        "polarity",
        "weakened-across",
        "en",
        "The company must register the device.",
        "nb",
        "Selskapet kan registrere utstyret.",
    ),
    (
        "polarity",
        "strengthened-across",
        "nb",
        "Selskapet kan registrere utstyret.",
        "en",
        "The company must register the device.",
    ),
    (
        "coverage",
        "something-else",
        "en",
        "Every company meets a mentor who has sold hearing devices.",
        "en",
        "The office serves waffles to hungry seagulls.",
    ),
    (
        "coverage",
        "something-else-norwegian",
        "nb",
        "Hvert selskap møter en mentor som har solgt høreapparater.",
        "nb",
        "Selskapet serverer vafler til sultne måker.",
    ),
    ("markup", "link", "en", "The fee is 500 dollars.", "en", "The fee is [500 dollars](https://other.example)."),
    ("markup", "address", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars: https://other.example."),
    ("markup", "www", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars, see www.other.example."),
    (
        "markup",
        "other-address",
        "en",
        "See https://fda.example/fees for the fee.",
        "en",
        "See https://other.example for the fee.",
    ),
    ("markup", "image", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars ![x](y)."),
    ("markup", "html", "en", "The fee is 500 dollars.", "en", "The fee is <b>500</b> dollars."),
    ("markup", "script", "en", "The fee is 500 dollars.", "en", "The fee is 500 dollars <script>x</script>."),
    ("markup", "comment", "en", "The fee is 500 dollars.", "en", "The fee is <!-- not --> 500 dollars."),
    ("markup", "bold", "en", "The fee is 500 dollars.", "en", "The fee is **500** dollars."),
    (
        "language",
        "norwegian-for-english",
        "en",
        "The company must register the device.",
        "en",
        "Selskapet må registrere utstyret hos FDA før det første salget.",
    ),
    (
        "language",
        "english-for-norwegian",
        "nb",
        "Selskapet må registrere utstyret.",
        "nb",
        "The company must register the device.",
    ),
]


@pytest.mark.parametrize(("source_language", "source", "language", "claim"), table(SUPPORTED))
def test_what_the_quote_says_is_supported(reason, source_language, source, language, claim):
    """In its own words, fewer, another order, or the other language."""
    assert reason(claim, source, language, source_language) is None


@pytest.mark.parametrize(
    ("expected", "source_language", "source", "language", "claim"),
    [pytest.param(row[0], *row[2:], id=f"{row[0]}-{row[1]}") for row in REMOVED],
)
def test_what_the_quote_does_not_say_is_removed(reason, expected, source_language, source, language, claim):
    """With the check that failed."""
    assert reason(claim, source, language, source_language) == expected


def test_heading_and_title_speak_with_the_quote(reason):
    """A name in the title is known; without it, it is not."""
    claim, source = "The fee at Delaware is 500 dollars.", "The fee is 500 dollars."
    assert reason(claim, source, title="Delaware") is None
    assert reason(claim, source) == "name"


def test_two_quotes_carry_a_sentence_together(supports, make_chunk):
    """What neither shows alone."""
    fee, payer = make_chunk("The fee is 500 dollars."), make_chunk("The company pays the fee in October.", id_="b.md")
    claim = "The company pays the fee of 500 dollars in October."
    quotes = [(fee, fee.text), (payer, payer.text)]
    for order in (quotes, quotes[::-1]):
        assert [verdict.reason for _, verdict in supports.claim(claim, "en", order)] == [None]
    assert [verdict.reason for _, verdict in supports.claim(claim, "en", quotes[:1])] == ["figure"]
    assert [verdict.reason for _, verdict in supports.claim(claim, "en", quotes[1:])] == ["figure"]


# ---- The judge, sentence by sentence ----


def test_every_sentence_has_its_verdict_in_order(supports, make_chunk):
    """A false sentence between true ones is removed alone."""
    chunk = make_chunk("The fee is 500 dollars. Companies pay the fee in October.")
    claim = "The fee is 500 dollars. The fee is 600 dollars. Companies pay the fee in October."
    found = [(sentence, verdict.reason) for sentence, verdict in supports.claim(claim, "en", [(chunk, chunk.text)])]
    assert found == [
        ("The fee is 500 dollars.", None),
        ("The fee is 600 dollars.", "figure"),
        ("Companies pay the fee in October.", None),
    ]


@pytest.mark.parametrize("claim", ["", "  \n ", "“”", "**"])
def test_an_empty_claim_has_no_sentence(supports, make_chunk, claim):
    """Nothing to judge."""
    chunk = make_chunk("The fee is 500 dollars.")
    assert list(supports.claim(claim, "en", [(chunk, chunk.text)])) == []


def test_a_quote_that_is_not_found_removes_everything(supports, make_chunk):
    """Made up, of a passage that does not exist, of another passage, one of two, or none at all."""
    fee, other = make_chunk("The fee is 500 dollars."), make_chunk("The office opens at nine.", id_="b.md")
    for quotes in (
        [],
        [(None, "The fee is 500 dollars.")],
        [(fee, "The fee is five hundred dollars.")],
        [(fee, "")],
        [(other, "The fee is 500 dollars.")],
        [(fee, "The fee is 500 dollars."), (other, "The office never opens.")],
        [(None, "The fee is 500 dollars."), (fee, "The fee is 500 dollars.")],
    ):
        found = list(supports.claim("The fee is 500 dollars. It is 500 dollars.", "en", quotes))
        assert [verdict.reason for _, verdict in found] == ["quote", "quote"]
        assert not any(verdict.supported for _, verdict in found)


def test_what_was_found_is_told_also_where_a_sentence_is_removed(supports, make_chunk):
    """For whoever asks why."""
    fee = make_chunk("The fee is 500 dollars.")
    ((_, verdict),) = supports.claim("The fee is 600 dollars.", "en", [(fee, "the fee is 500"), (fee, "not there")])
    assert verdict.reason == "quote"
    assert [found.words for found in verdict.found] == ["The fee is 500 dollars."]
    ((_, verdict),) = supports.claim("The fee is 600 dollars.", "en", [(fee, "the fee is 500")])
    assert (verdict.reason, verdict.detail.strip()) == ("figure", "600")
    assert [found.words for found in verdict.found] == ["The fee is 500 dollars."]


@pytest.mark.parametrize(
    ("claim", "language", "quote", "expected"),
    [
        pytest.param("Gebyret er 600 euro og betales ikke av selskapet.", "en", "not there", "quote", id="quote-first"),
        pytest.param(
            "Gebyret er 600 euro og betales ikke av <b>selskapet</b>.", "en", None, "language", id="then-language"
        ),
        pytest.param("The <b>fee</b> in Texas is not 600 dollars.", "en", None, "markup", id="then-markup"),
        pytest.param("The fee in Texas is not 600 dollars.", "en", None, "figure", id="then-figure"),
        pytest.param("The fee in Texas is not 500 dollars.", "en", None, "name", id="then-name"),
        pytest.param("The fee is not 500 dollars.", "en", None, "polarity", id="then-polarity"),
        pytest.param("The fee is 500 dollars.", "en", None, None, id="then-supported"),
    ],
)
def test_the_first_check_that_fails_is_named(supports, make_chunk, claim, language, quote, expected):
    """Quote, language, markup, figure, name, polarity, coverage."""
    chunk = make_chunk("The fee is 500 dollars.")
    assert [verdict.reason for _, verdict in supports.claim(claim, language, [(chunk, quote or chunk.text)])] == [
        expected
    ]


# ---- Sentences that lean on the one before ----

LEANING = [
    ("they", "They meet a mentor.", True),
    ("this", "This costs 500 dollars.", True),
    ("both", "Both are free.", True),
    ("therefore", "Therefore the fee is due.", True),
    ("however", "However, the fee is due.", True),
    ("den", "Den er gratis.", True),
    ("de", "De møter en mentor.", True),
    ("dette", "Dette koster 500 kroner.", True),
    ("derfor", "Derfor betaler de.", True),
    ("han", "Han leser planen.", True),
    ("begge", "Begge er gratis.", True),
    ("dei", "Dei møter ein mentor.", True),
    ("ho", "Ho les planen.", True),
    ("noun", "The fee is due.", False),
    ("possible", "It is possible to extend the visa.", False),
    ("thesis", "Thesis work is free.", False),
    ("italy", "Italy pays.", False),
    ("det-er", "Det er gratis å delta.", False),
    ("det-finnes", "Det finnes et gebyr.", False),
    ("de-fleste", "De fleste betaler.", False),
    ("de-amerikanske", "De amerikanske reglene gjelder.", False),
    ("detroit", "Detroit betaler.", False),
    ("substantiv", "Gebyret betales.", False),
    ("empty", "", False),
]


@pytest.mark.parametrize(("sentence", "expected"), table(LEANING))
def test_a_sentence_that_opens_with_a_pronoun_leans(sentence, expected):
    """Not one that opens with an empty subject or a noun."""
    assert leans(sentence) is expected


@pytest.mark.parametrize(
    ("language", "source", "leaning", "freely"),
    [
        pytest.param(
            "en",
            "The fee is 500 dollars. This is paid in October. The mentor is free.",
            "This is paid in October.",
            "The mentor is free.",
            id="english",
        ),
        pytest.param(
            "nb",
            "Gebyret er 500 kroner. Dette betales i oktober. Mentoren er gratis.",
            "Dette betales i oktober.",
            "Mentoren er gratis.",
            id="norwegian",
        ),
    ],
)
def test_a_leaning_sentence_goes_with_the_one_it_leans_on(verdicts, language, source, leaning, freely):
    """Only after one that was left out, in this claim or before it; one that stands alone stays."""
    false = {"en": "The fee is 900 dollars.", "nb": "Gebyret er 900 kroner."}[language]

    def reasons(claim, **more):
        return [verdict.reason for verdict in verdicts(claim, source, language, **more)]

    assert reasons(f"{false} {leaning}") == ["figure", "leans"]
    assert reasons(f"{false} {leaning} {freely}") == ["figure", "leans", None]
    assert reasons(f"{false} {freely} {leaning}") == ["figure", None, None]
    assert reasons(leaning) == [None]
    assert reasons(leaning, after_lost=True) == ["leans"]
    assert reasons(f"{freely} {leaning}", after_lost=True) == [None, None]
    assert reasons(f"{leaning} {leaning}", after_lost=True) == ["leans", "leans"]


# ---- Languages ----


@pytest.mark.parametrize(
    ("sentence", "language", "other"),
    [
        pytest.param("The company must register the device with FDA.", "nb", True, id="english"),
        pytest.param("Selskapet må registrere utstyret hos FDA før det første salget.", "en", True, id="norwegian"),
        pytest.param("Selskapet må ikkje registrere utstyret.", "nb", False, id="nynorsk-is-norwegian"),
        pytest.param("Jeg vet ikke hva det koster.", "nn", False, id="bokmål-is-norwegian"),
        pytest.param("The company must register the device.", "en", False, id="same-english"),
        pytest.param("Selskapet må registrere utstyret.", "nb", False, id="same-norwegian"),
        pytest.param("Norway Health Tech.", "nb", False, id="english-name"),
        pytest.param("Kari Nordmann.", "en", False, id="norwegian-name"),
        pytest.param("FDA, CMS.", "nb", False, id="acronyms"),
        pytest.param("510(k)", "nb", False, id="code"),
        pytest.param("", "en", False, id="empty"),
    ],
)
def test_a_sentence_is_plainly_in_the_other_language_or_not(sentence, language, other):
    """Names and codes are in neither."""
    assert is_in_other_language(sentence, language) is other


# ---- Names ----

KNOWN_NAMES = [
    ("same", "en", "Norway Health Tech leads the project.", "en", "Norway Health Tech leads the project."),
    ("us-and-usa", "en", "The US is a large market.", "nb", "USA er et stort marked."),
    ("united-states", "nb", "USA er et stort marked.", "en", "The United States is a large market."),
    ("american", "en", "American hospitals buy it.", "nb", "Sykehus i USA kjøper det."),
    ("swedish", "nb", "Det svenske selskapet selger det.", "en", "The company from Sweden sells it."),
    ("german", "nb", "Tyske sykehus kjøper det.", "en", "Hospitals in Germany buy it."),
    ("norwegian", "en", "Companies in Norway can apply.", "nb", "Norske selskaper kan søke."),
    (
        "acronym-spelt-out",
        "en",
        "It is approved by the Food and Drug Administration.",
        "en",
        "FDA approves it.",
    ),
    ("acronym", "en", "FDA approves it.", "en", "The Food and Drug Administration approves it."),
    (
        "longer-acronym",
        "en",
        "CMS pays.",
        "en",
        "The Centers for Medicare and Medicaid Services pays.",
    ),
    ("genitive", "en", "FDA's answer is final.", "en", "The answer of FDA is final."),
    ("norwegian-genitive", "nb", "FDAs svar er endelig.", "en", "The answer of FDA is final."),
    ("compound", "nb", "Et ESTA-besøk varer 90 dager.", "en", "A visit on ESTA lasts 90 days."),
    ("programme", "en", "USA next! started in January.", "nb", "USA neste! startet i januar."),
    ("form-of-address", "en", "Mr Hansen leads it.", "en", "Hansen leads it."),
    ("opening-noun", "en", "Companies can apply.", "en", "A company can apply."),
    ("opening-word", "en", "However, companies can apply.", "en", "A company can apply."),
    ("norwegian-opening-noun", "nb", "Mentorer i Oslo hjelper.", "nb", "En mentor i Oslo hjelper."),
    ("month", "en", "It starts in October.", "nb", "Det starter i oktober."),
    ("none", "en", "it is free", "en", "Nothing."),
    ("empty", "en", "", "en", ""),
]
UNKNOWN_NAMES = [
    ("country", "en", "The work is led by Sweden.", "en", "The work is led by Norway.", "Sweden"),
    ("country-across", "nb", "Sykehus i Danmark kjøper det.", "en", "Hospitals in Germany buy it.", "Danmark"),
    ("company", "en", "The company Pfizer pays.", "en", "The company Novartis pays.", "Pfizer"),
    ("company-that-opens", "en", "AstraZeneca pays.", "en", "Novartis pays.", "AstraZeneca"),
    ("norwegian-opening", "nb", "Pfizer betaler.", "nb", "Novartis betaler.", "Pfizer"),
    ("organisation", "nb", "Støtten gis av Innovasjon Norge.", "nb", "Støtten gis av Forskningsrådet.", "Innovasjon"),
    ("first-name", "en", "Kari Nordmann leads it.", "en", "Ola Nordmann leads it.", "Kari"),
    ("last-name", "en", "It is led by Kari Hansen.", "en", "It is led by Kari Nordmann.", "Hansen"),
    ("acronym", "en", "It is approved by CMS.", "en", "FDA approves it.", "CMS"),
    ("acronym-of-others", "en", "It is approved by CDC.", "en", "The Food and Drug Administration did.", "CDC"),
    ("city", "en", "The office is in Bergen.", "en", "The office is in Oslo.", "Bergen"),
    ("city-that-opens", "en", "Bergen leads the work.", "en", "Oslo leads the work.", "Bergen"),
    ("state", "en", "The office is in Texas.", "nb", "Kontoret er i Ohio.", "Texas"),
    ("one-of-two", "en", "Google pays with Microsoft.", "en", "Google pays.", "Microsoft"),
    ("department", "en", "The Department of State decides.", "en", "The Department of Commerce decides.", "State"),
]


@pytest.mark.parametrize(("language", "claim", "source_language", "source"), table(KNOWN_NAMES))
def test_a_name_is_known_in_its_other_forms(language, claim, source_language, source):
    """Countries and their people, acronyms, genitives, compounds; a common word that opens a sentence is no name."""
    assert unknown_name(claim, language, source, source_language) is None


@pytest.mark.parametrize(("language", "claim", "source_language", "source", "name"), table(UNKNOWN_NAMES))
def test_another_name_is_unknown(language, claim, source_language, source, name):
    """Within a sentence and where it opens one."""
    assert unknown_name(claim, language, source, source_language) == name


def test_a_sentence_knows_its_own_names():
    """Whatever stands in a table above."""
    for _, language, claim, source_language, source, *_ in [*KNOWN_NAMES, *UNKNOWN_NAMES]:
        assert unknown_name(claim, language, claim, language) is None
        assert unknown_name(source, source_language, source, source_language) is None


# ---- What the score is made of ----


def test_the_features_are_named_and_fall_with_what_is_not_covered(supports, make_chunk):
    """Between 0 and 1; everything is covered in a copy, less in another sentence, nothing where no quote stands."""
    chunk = make_chunk("Every company meets a mentor who has sold hearing devices.")
    same = supports.features(chunk.text, "en", [(chunk, chunk.text)])
    other = supports.features("The office serves waffles to hungry seagulls.", "en", [(chunk, chunk.text)])
    assert tuple(same) == tuple(other) == FEATURES
    assert same["covered"] == same["weakest_clause"] == 1.0
    assert same["uncovered_run"] == 0.0
    assert same["cosine"] > other["cosine"]
    assert other["covered"] < same["covered"]
    assert supports.features(chunk.text, "en", [(chunk, "not there")]) == {}


def test_vectors_that_are_known_are_not_made_again(embedder, make_chunk):
    """The library's vectors of the units stand in for the quote."""
    chunk = make_chunk("The fee is 500 dollars. Companies pay the fee in October.")
    vectors = embedder.embed([chunk.text[unit.start : unit.end] for unit in split_units(chunk.text)])
    asked = []

    def embed(texts):
        asked.extend(texts)
        return embedder.embed(texts)

    claim = "Companies pay the fee in October."
    ((_, verdict),) = SupportJudge(embed, lambda chunk: list(vectors)).claim(claim, "en", [(chunk, claim)])
    assert (verdict.supported, asked) == (True, [claim])
    asked.clear()
    ((_, verdict),) = SupportJudge(embed, lambda chunk: [None, None]).claim(claim, "en", [(chunk, claim)])
    assert (verdict.supported, asked) == (True, [claim, claim])


def test_the_sentence_before_speaks_with_a_quote_that_leans(embedder):
    """Its figures and names are known, although it is not cited."""
    tuning = load_support_tuning()
    claim = "The walrus fee of 500 dollars is paid in October."
    leaning = Ground("It is paid in October.", "", "en", before="The walrus fee is 500 dollars.")
    alone = Ground("It is paid in October.", "", "en")
    assert judge(claim, "en", [leaning], embedder.embed, tuning).supported
    assert judge(claim, "en", [alone], embedder.embed, tuning).reason == "figure"
