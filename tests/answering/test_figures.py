"""Figures of a claim are held by a source that says the same number, date or code in its own way, and by no other."""

from __future__ import annotations

import pytest

from assistant.answering.figures import figures, unsupported_figure

# Two sentences that say the same: what either claims, the other holds. Id, language, sentence, language, sentence.
SAME = [
    # Thousands and decimals
    ("thousands-comma-and-space", "en", "The fee is 1,000 dollars.", "nb", "Gebyret er 1 000 dollar."),
    ("thousands-comma-and-stop", "en", "The fee is 1,000 dollars.", "nb", "Gebyret er 1.000 dollar."),
    ("thousands-narrow-space", "en", "It costs 26,067 dollars.", "nb", "Det koster 26\u202f067 dollar."),
    ("thousands-unbroken-space", "en", "It costs 26,067 dollars.", "nb", "Det koster 26\u00a0067 dollar."),
    ("thousands-bare", "en", "It costs 26,067 dollars.", "en", "It costs 26067 dollars."),
    ("cents-comma", "en", "It costs USD 1,234.50.", "nb", "Det koster 1 234,50 dollar."),
    ("cents-stop-and-comma", "en", "It costs USD 1,234.50.", "nb", "Det koster 1.234,50 dollar."),
    ("decimal-comma", "en", "The share is 4.5 percent.", "nb", "Andelen er 4,5 prosent."),
    # Percent
    ("percent-sign", "en", "The share is 4.5 percent.", "en", "The share is 4.5%."),
    ("per-cent-in-two-words", "en", "The share is 4.5 per cent.", "nb", "Andelen er 4,5 %."),
    ("percentage-points", "en", "It rose by 2 percentage points.", "nb", "Den steg med 2 prosentpoeng."),
    ("half-is-fifty-percent", "en", "Half of the companies are new.", "en", "50 percent of the companies are new."),
    ("half-in-both-languages", "en", "Half of the companies are new.", "nb", "Halvparten av selskapene er nye."),
    # Millions and billions
    ("millions", "en", "The fee is 2.5 million dollars.", "nb", "Gebyret er 2,5 millioner dollar."),
    ("millions-as-digits", "en", "The fee is 2.5 million dollars.", "en", "The fee is USD 2,500,000."),
    ("millions-as-letter", "en", "The fee is $2.5m.", "en", "The fee is 2.5 million dollars."),
    ("billions", "en", "The fund holds 3 billion kroner.", "nb", "Fondet har 3 milliarder kroner."),
    ("billions-shortened", "en", "The fund holds NOK 3 billion.", "nb", "Fondet har 3 mrd. kroner."),
    # Numbers in words
    ("words-and-digits", "en", "It takes twelve weeks.", "en", "It takes 12 weeks."),
    ("words-in-both-languages", "en", "It takes twelve weeks.", "nb", "Det tar tolv uker."),
    ("words-with-hyphen", "en", "It takes twenty-five days.", "en", "It takes 25 days."),
    ("hundred-and-fifty", "en", "It costs two hundred and fifty dollars.", "en", "It costs 250 dollars."),
    ("hundre-og-femti", "nb", "Det koster to hundre og femti kroner.", "nb", "Det koster 250 kroner."),
    ("five-thousand", "nb", "Det koster fem tusen dollar.", "en", "It costs 5,000 dollars."),
    ("two-words-for-seven", "nb", "Det gjelder sju selskaper.", "nb", "Det gjelder syv selskaper."),
    ("a-dozen", "en", "A dozen companies came.", "en", "Twelve companies came."),
    # Ranges
    ("range-with-to", "en", "The visa takes 3 to 6 months.", "nb", "Visumet tar 3–6 måneder."),
    ("range-in-words", "en", "The visa takes three to six months.", "nb", "Visumet tar tre til seks måneder."),
    ("range-with-between", "en", "The visa takes between 3 and 6 months.", "en", "The visa takes 3-6 months."),
    ("range-of-money", "en", "It costs $10 to $20.", "nb", "Det koster 10 til 20 dollar."),
    # Units
    ("a-year-is-twelve-months", "nb", "Oppholdet varer i ett år.", "nb", "Oppholdet varer i 12 måneder."),
    ("a-year-in-words", "en", "The stay lasts a year.", "nb", "Oppholdet varer i tolv måneder."),
    ("two-years", "en", "The stay lasts two years.", "nb", "Oppholdet varer i 24 måneder."),
    ("weeks-in-days", "en", "It takes two weeks.", "nb", "Det tar 14 dager."),
    ("hours-in-minutes", "en", "It takes 90 minutes.", "nb", "Det tar 1,5 timer."),
    ("kilos-in-grams", "en", "It weighs 3 kg.", "nb", "Den veier 3000 gram."),
    ("metres-in-millimetres", "en", "It is 30 cm long.", "nb", "Den er 300 mm lang."),
    ("tonnes", "en", "It weighs 12 tonnes.", "nb", "Den veier 12 tonn."),
    ("working-days", "en", "Answer within five working days.", "nb", "Svar innen fem virkedager."),
    ("business-days", "en", "Answer within 5 business days.", "nb", "Svar innen 5 arbeidsdager."),
    ("employees", "en", "The company has 50 employees.", "nb", "Selskapet har 50 ansatte."),
    ("unit-in-a-table-head", "en", "The fee is 28,653 dollars.", "en", "Fee in dollars ; 28,653"),
    # Money
    ("dollar-sign", "en", "It costs USD 28,653.", "en", "It costs $28,653."),
    ("dollar-of-the-us", "en", "It costs US$ 28,653.", "nb", "Det koster 28 653 dollar."),
    ("euro-sign", "en", "It costs 500 euros.", "nb", "Det koster €500."),
    ("kroner-code", "en", "It costs NOK 500.", "nb", "Det koster 500 kroner."),
    ("kroner-before", "en", "It costs NOK 500.", "nb", "Det koster kr 500."),
    ("kroner-after", "en", "It costs 500 kroner.", "nb", "Det koster 500 kr."),
    # Dates
    ("american-and-norwegian", "en", "It started on October 1, 2026.", "nb", "Det startet 1. oktober 2026."),
    ("with-ordinal", "en", "It started on 1 October 2026.", "en", "It started on October 1st, 2026."),
    ("with-of", "en", "It started on the 1st of October 2026.", "nb", "Det startet 1. oktober 2026."),
    ("iso", "en", "It started on 1 October 2026.", "en", "It started on 2026-10-01."),
    ("norwegian-digits", "nb", "Det startet 1. oktober 2026.", "nb", "Det startet 01.10.2026."),
    ("norwegian-short-digits", "nb", "Det startet 1. oktober 2026.", "nb", "Det startet 1.10.2026."),
    ("month-and-year", "en", "It started in October 2026.", "nb", "Det startet i oktober 2026."),
    ("month-shortened", "en", "It started in October 2026.", "en", "It started in Oct. 2026."),
    ("month-iso", "en", "It started in October 2026.", "en", "It started 2026-10."),
    ("may-is-a-month", "en", "It started on 15 May 2026.", "nb", "Det startet 15. mai 2026."),
    ("month-alone", "en", "It starts in March.", "nb", "Det starter i mars."),
    ("quarter", "en", "It ends in the first quarter.", "nb", "Det slutter i første kvartal."),
    ("quarter-as-code", "en", "It ends in Q1 2027.", "nb", "Det slutter i 1. kvartal 2027."),
    # Labels
    ("class", "en", "It is Class II.", "nb", "Det er klasse II."),
    ("class-as-digit", "nb", "Det er klasse 2.", "en", "It is Class II."),
    ("class-with-letter", "en", "It is class IIa.", "nb", "Det er klasse IIa."),
    ("part", "en", "See part 820.", "nb", "Se del 820."),
    ("section", "en", "See section 513(g).", "nb", "Se paragraf 513(g)."),
    ("section-sign", "en", "See § 513(g).", "en", "See section 513(g)."),
    ("article", "en", "See article 5.", "nb", "Se artikkel 5."),
    ("annex", "en", "See annex 2.", "nb", "Se vedlegg 2."),
    ("chapter-in-roman", "en", "See chapter III.", "nb", "Se kapittel 3."),
    ("phase", "en", "It is a phase 2 study.", "nb", "Det er en studie i fase II."),
    # Codes
    ("510(k)", "en", "The device needs a 510(k).", "nb", "Utstyret trenger en 510(k)."),
    ("510(k)-compound", "nb", "Utstyret er 510(k)-unntatt.", "en", "The device is exempt from 510(k)."),
    ("cfr-with-part", "en", "The rule is 21 CFR 820.", "nb", "Regelen er 21 CFR del 820."),
    ("visa-compound", "nb", "Med et E-2-visum kan hun arbeide.", "en", "With an E-2 visa she can work."),
    ("visa-letters", "nb", "Søk om L-1A.", "en", "Apply for L-1A."),
    ("standard", "en", "The standard is ISO 13485.", "nb", "Standarden er ISO 13485."),
    ("form", "en", "File Form I-129.", "nb", "Send skjema I-129."),
    # Rates
    ("per-month", "en", "The fee is 500 dollars per month.", "nb", "Gebyret er 500 dollar i måneden."),
    ("per-year", "en", "The fee is 500 dollars a year.", "nb", "Gebyret er 500 dollar per år."),
    ("yearly", "en", "The fee is paid annually.", "nb", "Gebyret betales årlig."),
    # Bounds
    ("at-least", "en", "The company has at least 50 employees.", "nb", "Selskapet har minst 50 ansatte."),
    ("at-most", "en", "It takes at most 90 days.", "nb", "Det tar høyst 90 dager."),
    ("up-to", "en", "It takes up to 90 days.", "nb", "Det tar inntil 90 dager."),
    ("more-than", "en", "It has more than 700,000 companies.", "nb", "Den har mer enn 700 000 selskaper."),
    ("no-figure-at-all", "en", "The fee is announced later.", "nb", "Gebyret kunngjøres senere."),
]
# The source does not hold what the claim says. Id, language, claim, language, source.
OTHER = [
    # Numbers
    ("another-amount", "en", "The fee is 1,000 dollars.", "en", "The fee is 1,500 dollars."),
    ("ten-times-as-much", "en", "The fee is 10,000 dollars.", "en", "The fee is 1,000 dollars."),
    ("digits-swapped", "en", "The fee is 26,067 dollars.", "nb", "Gebyret er 26 076 dollar."),
    ("decimal-mark-lost", "en", "The share is 4.5 percent.", "nb", "Andelen er 45 prosent."),
    ("decimal-mark-moved", "en", "The share is 0.45 percent.", "nb", "Andelen er 4,5 prosent."),
    ("million-for-milliard", "en", "It costs 2.5 million dollars.", "nb", "Det koster 2,5 milliarder dollar."),
    ("billion-for-million", "en", "It costs 2.5 billion dollars.", "nb", "Det koster 2,5 millioner dollar."),
    ("another-word", "en", "It takes twelve weeks.", "en", "It takes eleven weeks."),
    ("another-word-across", "nb", "Det tar tolv uker.", "en", "It takes eleven weeks."),
    ("another-norwegian-word", "nb", "Det gjelder sju selskaper.", "nb", "Det gjelder seks selskaper."),
    ("another-factor", "en", "Twice as many came.", "en", "Three times as many came."),
    ("half-of-a-third", "nb", "Halvparten av selskapene er nye.", "nb", "En tredel av selskapene er nye."),
    ("none-in-the-source", "en", "The fee is 500 dollars.", "en", "The fee is announced later."),
    ("no-count-in-the-source", "en", "It takes three weeks.", "en", "It takes some weeks."),
    ("range-end", "en", "The visa takes 3 to 9 months.", "en", "The visa takes 3 to 6 months."),
    ("range-start", "en", "The visa takes 2 to 6 months.", "nb", "Visumet tar 3–6 måneder."),
    ("range-unit", "en", "The visa takes 3 to 6 weeks.", "en", "The visa takes 3 to 6 months."),
    # Units
    ("days-for-months", "en", "It takes 90 days.", "en", "It takes 90 months."),
    ("weeks-for-months", "en", "It takes 12 weeks.", "en", "It takes 12 months."),
    ("days-for-weeks", "en", "It takes 12 days.", "nb", "Det tar 12 uker."),
    ("years-for-months", "en", "It takes 12 years.", "nb", "Det tar 12 måneder."),
    ("hours-for-days", "en", "It takes 72 hours.", "nb", "Det tar 72 dager."),
    ("thirteen-months-a-year", "en", "The stay lasts 13 months.", "en", "The stay lasts one year."),
    ("working-days-for-days", "en", "It takes 5 working days.", "en", "It takes 5 days."),
    ("calendar-days-for-working-days", "en", "It takes 30 calendar days.", "en", "It takes 30 working days."),
    ("kilos-for-grams", "en", "It weighs 2 kg.", "en", "It weighs 2 g."),
    ("pounds-for-kilos", "en", "It weighs 2 pounds.", "nb", "Den veier 2 kilo."),
    ("miles-for-kilometres", "en", "It is 2 miles away.", "nb", "Den er 2 kilometer unna."),
    ("percent-for-points", "en", "It rose by 2 percent.", "en", "It rose by 2 percentage points."),
    ("points-for-percent", "en", "It rose by 2 percentage points.", "nb", "Den steg med 2 prosent."),
    # Money
    ("dollars-for-kroner", "en", "It costs 500 dollars.", "nb", "Det koster 500 kroner."),
    ("euros-for-kroner", "en", "It costs 500 euros.", "nb", "Det koster 500 kroner."),
    ("euros-for-dollars", "en", "It costs EUR 500.", "en", "It costs $500."),
    ("pounds-for-dollars", "en", "It costs £500.", "en", "It costs $500."),
    # Dates
    ("another-day", "en", "It started on October 2, 2026.", "nb", "Det startet 1. oktober 2026."),
    ("another-day-in-digits", "nb", "Det startet 2.10.2026.", "nb", "Det startet 1.10.2026."),
    ("another-month", "en", "It started on 1 November 2026.", "nb", "Det startet 1. oktober 2026."),
    ("another-month-in-digits", "nb", "Det startet 1.11.2026.", "nb", "Det startet 1. oktober 2026."),
    ("day-and-month-swapped", "en", "It started on 2026-01-10.", "en", "It started on 1 October 2026."),
    ("another-year", "en", "It started on 1 October 2025.", "nb", "Det startet 1. oktober 2026."),
    ("another-month-of-the-year", "en", "It started in November 2026.", "en", "It started in October 2026."),
    ("another-year-of-the-month", "en", "It started in October 2025.", "en", "It started in October 2026."),
    ("another-year-alone", "en", "It started in 2025.", "en", "It started in 2026."),
    ("another-month-alone", "en", "It starts in April.", "nb", "Det starter i mars."),
    ("day-made-up", "en", "It started on 1 October 2026.", "en", "It started in October 2026."),
    ("year-made-up", "en", "It started on 1 October 2026.", "en", "It started on 1 October."),
    ("another-quarter", "en", "It ends in the second quarter.", "nb", "Det slutter i første kvartal."),
    ("another-quarter-as-code", "en", "It ends in Q2 2027.", "en", "It ends in Q1 2027."),
    # Labels
    ("another-class", "en", "It is Class II.", "nb", "Det er klasse III."),
    ("another-class-as-digit", "en", "It is Class II.", "en", "It is class 1."),
    ("another-letter", "en", "It is Class IIa.", "en", "It is class IIb."),
    ("another-class-of-two", "en", "It is in Classes I and III.", "en", "It is in Classes I and II."),
    ("another-part", "en", "See part 821.", "nb", "Se del 820."),
    ("another-section", "en", "See section 513(f).", "nb", "Se paragraf 513(g)."),
    ("another-article", "en", "See article 5.", "nb", "Se artikkel 6."),
    ("another-annex", "en", "See annex 2.", "nb", "Se vedlegg 3."),
    ("another-phase", "en", "It is a phase 3 study.", "nb", "Det er en studie i fase 2."),
    # Codes
    ("another-submission", "en", "The device needs a 510(k).", "en", "The device needs a 513(g)."),
    ("another-part-of-cfr", "en", "The rule is 21 CFR 820.", "nb", "Regelen er 21 CFR del 807."),
    ("another-title-of-cfr", "en", "The rule is 45 CFR 820.", "en", "The rule is 21 CFR 820."),
    ("another-visa", "nb", "Med et E-1-visum kan hun arbeide.", "en", "With an E-2 visa she can work."),
    ("another-visa-letter", "en", "Apply for L-1B.", "en", "Apply for L-1A."),
    ("another-standard", "en", "The standard is ISO 13485.", "nb", "Standarden er ISO 14971."),
    ("another-form", "en", "File Form I-140.", "nb", "Send skjema I-129."),
    ("another-billing-code", "en", "Use code 99470.", "en", "Use code 99457."),
    # Rates
    ("month-for-year", "en", "The fee is 500 dollars per month.", "en", "The fee is 500 dollars per year."),
    ("month-for-year-across", "nb", "Gebyret er 500 dollar i måneden.", "en", "The fee is 500 dollars a year."),
    ("monthly-for-yearly", "en", "The fee is paid monthly.", "nb", "Gebyret betales årlig."),
    # Bounds
    ("at-least-for-at-most", "en", "It costs at least $50.", "en", "It costs at most $50."),
    ("at-most-for-at-least", "en", "It costs at most $50.", "en", "It costs at least $50."),
    ("less-for-more", "en", "It costs less than $90.", "en", "It costs more than $90."),
    ("minst-for-høyst", "nb", "Minst femti selskaper kom.", "nb", "Høyst femti selskaper kom."),
    ("høyst-for-at-least", "nb", "Høyst femti selskaper kom.", "en", "At least fifty companies came."),
]
# Nothing here claims a figure of its own. Id, language, claim.
NO_FIGURE = [
    ("may-the-verb", "en", "The company may apply for support."),
    ("mars-in-a-word", "nb", "Selskapet markedsfører utstyret."),
    ("one-as-a-pronoun", "en", "No one has to pay for it."),
    ("ett-av", "nb", "Det er ett av målene."),
    ("a-pair", "en", "The mentor brings a pair of boots."),
    ("i-the-pronoun", "en", "What I learned is written down."),
]
LISTED = [
    ("of-the-three", "en", "Each of the three founders signs.", "Kari, Ola and Per sign."),
    ("de-tre", "nb", "Alle de tre gründerne signerer.", "Kari, Ola og Per signerer."),
]


def table(rows: list[tuple[str, ...]]) -> list[object]:
    """Return the rows of a table with their first column as id."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def missing(claim: str, language: str, source: str, source_language: str) -> str | None:
    """Return the first figure of the claim that the source lacks."""
    return unsupported_figure(figures(claim, language), figures(source, source_language))


# ---- What always holds ----


@pytest.mark.parametrize(("language", "text"), table([(row[0], *row[at : at + 2]) for row in SAME for at in (1, 3)]))
def test_a_sentence_holds_its_own_figures(language, text):
    """Whatever is read in a claim is read in the same words of a source."""
    assert missing(text, language, text, language) is None


@pytest.mark.parametrize(("language", "text"), table([(row[0], *row[at : at + 2]) for row in OTHER for at in (1, 3)]))
def test_a_source_may_say_more(language, text):
    """What stands around a figure does not take it away."""
    around = {
        "en": ("The office opened in 1990 with 3 rooms.", "There were 17 visitors."),
        "nb": ("Kontoret åpnet i 1990 med 3 rom.", "Det kom 17 gjester."),
    }[language]
    assert missing(text, language, f"{around[0]} {text} {around[1]}", language) is None


@pytest.mark.parametrize(
    ("language", "claim"), table([*NO_FIGURE, ("empty", "en", ""), ("plain", "nb", "Mentoren hjelper.")])
)
def test_a_sentence_without_figures_is_held_by_anything(language, claim):
    """Small words that may be numbers or months elsewhere claim nothing."""
    assert missing(claim, language, "The mentor helps.", "en") is None


# ---- Two conventions, one figure ----


@pytest.mark.parametrize(("language", "one", "other_language", "other"), table(SAME))
def test_the_same_figure_in_other_conventions_is_held_both_ways(language, one, other_language, other):
    """Marks, words, units, currencies, dates, labels and codes are compared by what they mean."""
    assert missing(one, language, other, other_language) is None
    assert missing(other, other_language, one, language) is None


@pytest.mark.parametrize(("language", "claim", "source"), table(LISTED))
def test_a_small_count_of_what_the_source_lists_is_held(language, claim, source):
    """The source names three and counts none."""
    assert missing(claim, language, source, language) is None


# ---- Another figure ----


@pytest.mark.parametrize(("language", "claim", "source_language", "source"), table(OTHER))
def test_another_figure_is_not_held(language, claim, source_language, source):
    """Another number, unit, currency, date, label, code, rate or bound is named."""
    assert missing(claim, language, source, source_language)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        pytest.param("It costs 500 dollars since 3 May 2026.", "3 May 2026", id="date-first"),
        pytest.param("It costs 500 dollars.", "500", id="number"),
        pytest.param("It is class 3.", "class:3", id="label"),
        pytest.param("It needs a 510(k).", "510k", id="code"),
        pytest.param("It takes twelve weeks.", "twelve", id="word"),
    ],
)
def test_what_is_missing_is_named(claim, said):
    """The first that fails, dates before labels, codes and numbers."""
    assert missing(claim, "en", "Nothing is known.", "en") == said


def test_the_same_words_are_numbers_in_one_language_only():
    """`fire` is four in Norwegian and no number in English, `to` two and none."""
    assert missing("Fire selskaper kom.", "nb", "Many companies came.", "en") == "Fire"
    assert missing("The fire went to the roof.", "en", "Many companies came.", "en") is None


# ---- What is read ----


def test_digits_that_can_mean_two_things_keep_both():
    """`1.000` is a thousand in Norwegian and one in English: a source may mean either."""
    assert figures("1.000", "nb").numbers[0].plain == {1000.0, 1.0}
    assert missing("It is 1,000 metres.", "en", "Det er 1.000 meter.", "nb") is None


def test_a_figure_is_read_once():
    """A date is no number, a label no code."""
    read = figures("Form I-129 was changed on 1 April 2024.", "en")
    assert (read.numbers, read.codes) == ((), ())
    assert [day.words for day in read.dates] == ["1 April 2024"]
    assert not figures("See 21 CFR part 820.", "en").codes


@pytest.mark.parametrize("text", ["", " ", "…", "No figures here.", "Ingen tall her."])
def test_nothing_is_read_where_nothing_stands(text):
    """Empty and plain texts."""
    for language in ("en", "nb"):
        read = figures(text, language)
        assert not any((read.numbers, read.dates, read.labels, read.codes, read.rates))
