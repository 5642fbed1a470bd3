"""Whether and how far a sentence holds: it must deny, demand, advise and allow as its source does."""

from __future__ import annotations

import pytest

from assistant.answering.polarity import disagreement, marks
from assistant.language import stem, words

# A source and a claim that turns it round. Id, language, source, claim.
TURNED = [
    # Denial
    ("ban-for-duty", "en", "The company must register the device.", "The company must not register the device."),
    ("no-fee-dropped", "en", "FDA does not charge a fee for the answer.", "FDA charges a fee for the answer."),
    ("not-added", "en", "FDA charges a fee for the answer.", "FDA does not charge a fee for the answer."),
    ("never-added", "en", "FDA charges a fee for the answer.", "FDA never charges a fee for the answer."),
    ("no-added", "en", "FDA charges a fee for the answer.", "FDA charges no fee for the answer."),
    ("cannot-added", "en", "The visa can be extended.", "The visa cannot be extended."),
    ("contraction-added", "en", "The visa can be extended.", "The visa can't be extended."),
    ("cannot-dropped", "en", "The visa cannot be extended.", "The visa can be extended."),
    ("no-dropped", "en", "Companies with no revenue can qualify.", "Companies with revenue can qualify."),
    ("neither-dropped", "en", "Neither founder needs a visa.", "Both founders need a visa."),
    ("confidential", "en", "The mentor's advice is confidential.", "The mentor's advice is not confidential."),
    ("ikke-added", "nb", "FDA tar gebyr for svaret.", "FDA tar ikke gebyr for svaret."),
    ("aldri-added", "nb", "FDA krever gebyr for svaret.", "FDA krever aldri gebyr for svaret."),
    ("ikke-dropped", "nb", "FDA krever ikke gebyr for svaret.", "FDA krever gebyr for svaret."),
    ("kan-ikke-added", "nb", "Oppholdet kan forlenges.", "Oppholdet kan ikke forlenges."),
    ("kan-ikke-dropped", "nb", "Oppholdet kan ikke forlenges.", "Oppholdet kan forlenges."),
    ("må-ikke", "nb", "Selskapet må registrere utstyret.", "Selskapet må ikke registrere utstyret."),
    ("fortrolig", "nb", "Samtalen er ikke fortrolig.", "Samtalen er fortrolig."),
    ("ikke-fortrolig", "nb", "Samtalen er fortrolig.", "Samtalen er ikke fortrolig."),
    # Duty
    ("must-may", "en", "The company must register the device.", "The company may register the device."),
    ("must-should", "en", "The company must register the device.", "The company should register the device."),
    ("must-free", "en", "The company must register the device.", "It is voluntary for the company to register it."),
    ("may-must", "en", "The company may register the device.", "The company must register the device."),
    ("should-must", "en", "The company should register the device.", "The company must register the device."),
    (
        "need-not-must",
        "en",
        "The company does not need to register the device.",
        "The company must register the device.",
    ),
    (
        "need-not-must-not",
        "en",
        "The company does not need to register the device.",
        "The company must not register the device.",
    ),
    (
        "must-not-need-not",
        "en",
        "The company must not register the device.",
        "The company does not need to register the device.",
    ),
    ("exempt", "en", "The device is exempt from the rule.", "The device is subject to the rule."),
    ("må-kan", "nb", "Selskapet må registrere utstyret.", "Selskapet kan registrere utstyret."),
    ("må-bør", "nb", "Selskapet må registrere utstyret.", "Selskapet bør registrere utstyret."),
    (
        "må-frivillig",
        "nb",
        "Selskapet må registrere utstyret.",
        "Det er frivillig for selskapet å registrere utstyret.",
    ),
    ("kan-må", "nb", "Selskapet kan registrere utstyret.", "Selskapet må registrere utstyret."),
    ("bør-må", "nb", "Selskapet bør registrere utstyret.", "Selskapet må registrere utstyret."),
    ("trenger-ikke-må", "nb", "Selskapet trenger ikke registrere utstyret.", "Selskapet må registrere utstyret."),
    ("trenger-ikke-kan-ikke", "nb", "Selskapet trenger ikke registrere det.", "Selskapet kan ikke registrere det."),
    ("unntatt", "nb", "Utstyret er unntatt fra regelen.", "Utstyret er omfattet av regelen."),
    # How sure, how often
    ("usually-always", "en", "The fee usually rises each year.", "The fee always rises each year."),
    ("proposed-done", "en", "The commission has proposed to change the rule.", "The commission has changed the rule."),
    ("planned-is", "en", "The commission plans to change the rule.", "The commission changes the rule."),
    ("planned-will", "en", "The commission plans to change the rule.", "The commission will change the rule."),
    ("vanligvis-alltid", "nb", "Gebyret stiger vanligvis hvert år.", "Gebyret stiger alltid hvert år."),
    ("foreslått-endret", "nb", "Kommisjonen har foreslått å endre regelen.", "Kommisjonen har endret regelen."),
    ("planlegger-endrer", "nb", "Kommisjonen planlegger å endre regelen.", "Kommisjonen endrer regelen."),
    # Opposites
    ("increase", "en", "The fee increases next year.", "The fee decreases next year."),
    ("approved", "en", "The application was approved.", "The application was rejected."),
    ("before", "en", "File the form before the first sale.", "File the form after the first sale."),
    ("øker", "nb", "Gebyret øker neste år.", "Gebyret synker neste år."),
    ("godkjent", "nb", "Søknaden ble godkjent.", "Søknaden ble avslått."),
    ("før", "nb", "Send skjemaet før det første salget.", "Send skjemaet etter det første salget."),
]
# Two sentences that say the same, one of either way: nothing is found in either direction. Id, language, both.
SAME = [
    ("required", "en", "The company must register the device.", "The company is required to register the device."),
    ("has-to", "en", "The company must register the device.", "The company has to register the device."),
    ("passive", "en", "The company must register the device.", "The device must be registered by the company."),
    (
        "does-not-have-to",
        "en",
        "The company does not need to register the device.",
        "The company doesn't have to register the device.",
    ),
    (
        "need-not",
        "en",
        "The company does not need to register the device.",
        "The company need not register the device.",
    ),
    ("contraction", "en", "The visa cannot be extended.", "The visa can't be extended."),
    ("possible", "en", "The visa can be extended.", "It is possible to extend the visa."),
    ("no-and-not", "en", "FDA does not charge a fee for the answer.", "FDA charges no fee for the answer."),
    (
        "proposes",
        "en",
        "The commission has proposed to change the rule.",
        "The commission proposes to change the rule.",
    ),
    ("not-a-denial", "en", "The visit lasts no more than 90 days.", "The visit lasts at most 90 days."),
    ("nødt", "nb", "Selskapet må registrere utstyret.", "Selskapet er nødt til å registrere utstyret."),
    ("behøver", "nb", "Selskapet trenger ikke registrere utstyret.", "Selskapet behøver ikke å registrere utstyret."),
    ("slipper", "nb", "Selskapet trenger ikke registrere utstyret.", "Selskapet slipper å registrere utstyret."),
    ("mulig", "nb", "Oppholdet kan forlenges.", "Det er mulig å forlenge oppholdet."),
    ("ikke-mulig", "nb", "Oppholdet kan ikke forlenges.", "Det er ikke mulig å forlenge oppholdet."),
    ("foreslår", "nb", "Kommisjonen har foreslått å endre regelen.", "Kommisjonen foreslår å endre regelen."),
    ("ikke-mer-enn", "nb", "Besøket varer ikke mer enn 90 dager.", "Besøket varer høyst 90 dager."),
]
# One word is put in before or after the main verb. Id, language, sentence, denied.
DENIED = [
    ("is", "en", "The interview is held in Oslo.", "The interview is not held in Oslo."),
    ("has", "en", "The company has opened an office.", "The company has not opened an office."),
    ("will", "en", "The mentor will read the plan.", "The mentor will not read the plan."),
    ("applies", "en", "The rule applies to software.", "The rule does not apply to software."),
    ("covers", "en", "The grant covers the travel.", "The grant doesn't cover the travel."),
    ("er", "nb", "Intervjuet er i Oslo.", "Intervjuet er ikke i Oslo."),
    ("har", "nb", "Selskapet har åpnet et kontor.", "Selskapet har ikke åpnet et kontor."),
    ("leser", "nb", "Mentoren leser planen.", "Mentoren leser ikke planen."),
    ("gjelder", "nb", "Regelen gjelder for programvare.", "Regelen gjelder ikke for programvare."),
    ("dekker", "nb", "Tilskuddet dekker reisen.", "Tilskuddet dekker aldri reisen."),
    ("gjeld", "nn", "Regelen gjeld for programvare.", "Regelen gjeld ikkje for programvare."),
]
KINDS = [
    ("must", "en", "The company must register.", ["duty"]),
    ("must-not", "en", "The company must not register.", ["ban"]),
    ("need-not", "en", "The company need not register.", ["no duty"]),
    ("may", "en", "The company may register.", ["possible"]),
    ("should", "en", "The company should register.", ["advice"]),
    ("never", "en", "The company never registers.", ["denial"]),
    ("always", "en", "The company always registers.", ["always"]),
    ("usually", "en", "The company usually registers.", ["usual"]),
    ("order", "en", "Register the device.", ["order"]),
    ("plain", "en", "The company registers the device.", []),
    ("not-only", "en", "The device is not only software.", []),
    ("no-later-than", "en", "The form is sent no later than Monday.", []),
    ("empty", "en", "", []),
    ("må", "nb", "Selskapet må registrere seg.", ["duty"]),
    ("kan-ikke", "nb", "Selskapet kan ikke registrere seg.", ["ban"]),
    ("trenger-ikke", "nb", "Selskapet trenger ikke melde seg.", ["no duty"]),
    ("bør", "nb", "Selskapet bør registrere seg.", ["advice"]),
    ("aldri", "nb", "Selskapet registrerer aldri utstyr.", ["denial"]),
    ("alltid", "nb", "Selskapet registrerer alltid utstyr.", ["always"]),
    ("ikke-bare", "nb", "Utstyret er ikke bare programvare.", []),
    ("ordinary", "nb", "Selskapet registrerer utstyret.", []),
    ("ikkje", "nn", "Selskapet registrerer ikkje utstyret.", ["denial"]),
]


def table(rows):
    """Return the rows of a table with their first column as id."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def differs(source, claim, language, before=()):
    """Return the disagreement; words are alike that share a stem."""
    return disagreement(claim, language, [(source, language)], lambda one, other: one == other, before)


# ---- What always holds ----


@pytest.mark.parametrize(
    ("language", "text"), table([(row[0], row[1], row[at]) for row in [*TURNED, *SAME, *DENIED] for at in (2, 3)])
)
def test_a_sentence_agrees_with_itself(language, text):
    """Whatever it denies, demands or allows; alone and beside other sentences."""
    assert differs(text, text, language) is None
    more = {"en": "The office opened in spring.", "nb": "Kontoret åpnet i vår.", "nn": "Kontoret opna i vår."}[language]
    assert differs(f"{more} {text}", text, language) is None


@pytest.mark.parametrize(("language", "sentence", "denied"), table(DENIED))
def test_one_word_that_denies_turns_a_sentence_round(language, sentence, denied):
    """Put in or left out."""
    assert differs(sentence, denied, language)
    assert differs(denied, sentence, language)


# ---- Examples ----


@pytest.mark.parametrize(("language", "source", "claim"), table(TURNED))
def test_what_turns_a_source_round_disagrees(language, source, claim):
    """Denial, duty, plans, habits and opposites."""
    assert differs(source, claim, language)


@pytest.mark.parametrize(("language", "one", "other"), table(SAME))
def test_other_words_of_the_same_force_agree(language, one, other):
    """Both ways."""
    assert differs(one, other, language) is None
    assert differs(other, one, language) is None


@pytest.mark.parametrize(
    ("language", "source", "claim"),
    [
        pytest.param(
            "en",
            "The interview is held in Oslo. The visa cannot be extended.",
            "The interview is held in Oslo.",
            id="english",
        ),
        pytest.param(
            "nb", "Intervjuet er i Oslo. Visumet kan ikke forlenges.", "Intervjuet er i Oslo.", id="norwegian"
        ),
        pytest.param(
            "en",
            "The mentor may read the plan. The company must register the device.",
            "The company must register the device.",
            id="duty-beside-leave",
        ),
    ],
)
def test_what_the_source_says_of_something_else_does_not_matter(language, source, claim):
    """A denial or a force elsewhere neither helps nor harms."""
    assert differs(source, claim, language) is None


def test_the_sentence_before_may_lend_a_denial_and_asks_for_none():
    """A sentence that opens with `that` is read with the one it leans on."""
    source, before = "That holds for every device.", [("Registration is not free.", "en")]
    assert differs(source, "Registration is not free, for every device.", "en", before) is None
    assert differs(source, "That holds for every device.", "en", before) is None
    assert differs(source, "Registration is not free, for every device.", "en")


# ---- Marks ----


@pytest.mark.parametrize(("language", "text", "kinds"), table(KINDS))
def test_marks_say_what_kind_of_force_a_word_has(language, text, kinds):
    """The longest turn of phrase wins, and turns that deny nothing give no mark."""
    assert [mark.kind for mark in marks(text, language)] == kinds


def test_a_mark_speaks_of_the_words_beside_it():
    """Not of those behind a comma or `but`."""
    (mark,) = marks("The visa cannot be extended, but the visit is free of charge.", "en")
    assert mark.words == "cannot"
    assert {stem(word, "en") for word in words("visa extended")} <= set(mark.keys)
    assert not {stem(word, "en") for word in words("visit charge")} & set(mark.keys)
