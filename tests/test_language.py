"""Language: which one, which words, and what the lexicon knows."""

from __future__ import annotations

import pytest

from assistant.language import (
    content_words,
    detect_language,
    load_lexicon,
    read_lexicon,
    stem,
    stems,
    words,
)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("What does the programme cost?", "en", id="English question"),
        pytest.param("Hva koster programmet?", "nb", id="Bokmål question"),
        pytest.param("Kva kostar programmet, og kven kan søkje?", "nn", id="Nynorsk question"),
        pytest.param("Korleis får eg hjelp frå ein mentor?", "nn", id="Nynorsk question with ein and frå"),
        pytest.param("Programmet hjelper våre bedrifter", "nb", id="Bokmål without a marker"),
        pytest.param("Hvem leder USA next?", "nb", id="short Bokmål"),
        pytest.param("Who leads it?", "en", id="short English"),
        pytest.param("Hvem?", "nb", id="one Norwegian word"),
        pytest.param("Why?", "en", id="one English word"),
        pytest.param("refusjon helsevesen", "nb", id="Norwegian keywords"),
        pytest.param("reimbursement hospital", "en", id="English keywords"),
        pytest.param("søknadsfrist", "nb", id="one Norwegian keyword"),
        pytest.param("Oslo Cancer Cluster", "en", id="English names only"),
        pytest.param("FDA 510(k)", "en", id="codes only"),
        pytest.param("", "en", id="nothing"),
        pytest.param("12345 !?", "en", id="no words"),
        pytest.param("What is Helseklyngen?", "en", id="English question with a Norwegian name"),
        pytest.param("Hva er the Norwegian Smart Care Cluster?", "nb", id="Norwegian question with an English name"),
    ],
)
def test_language_is_detected(text, language):
    """Function words decide; endings, letters and the lexicon settle what has none; silence is English."""
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("The 510(k) fee", ["the", "510k", "fee"], id="code with brackets"),
        pytest.param("a 510 (k) or 510k", ["a", "510k", "or", "510k"], id="code in all spellings"),
        pytest.param("start-up", ["start", "up", "startup"], id="hyphen gives parts and whole"),
        pytest.param("e‑health", ["e", "health", "ehealth"], id="non-breaking hyphen"),
        pytest.param("the company's", ["the", "company"], id="genitive"),
        pytest.param("Øyvind ÆRLIG", ["øyvind", "ærlig"], id="Norwegian letters in lower case"),
        pytest.param("ﬁle № １２", ["file", "no", "12"], id="compatibility characters"),
        pytest.param("", [], id="nothing"),
        pytest.param("?!… — (", [], id="punctuation only"),
    ],
)
def test_words_are_cut_alike(text, expected):
    """Spellings of one thing give the same words."""
    assert words(text) == expected


@pytest.mark.parametrize("spelling", ["USA", "US", "U.S.", "U.S.A.", "U. S.", "United States", "the us", "in us"])
def test_the_country_is_one_word(spelling):
    """All spellings of the United States are `usa`; the pronoun stays what it is."""
    assert "usa" in words(f"They sell to {spelling} now") or "usa" in words(f"They sell {spelling} now")
    assert "usa" not in words("Please tell us more")


def test_stems_join_forms_and_leave_function_words_out():
    """Numbers and forms of a word share a stem, and words without meaning are not searched for."""
    assert stems("the hospitals", "en") == stems("a hospital", "en")
    assert stems("kostnadene", "nb") == stems("kostnad", "nn")
    assert content_words("what is the fee", "en") == ["fee"]
    assert stems("hva er det", "nb") == []
    assert stem("startup", "en") in stems("start-ups and startups", "en")


def test_lexicon_lines_are_read_both_ways():
    """A line gives both directions; comments, lines without a tab and empty entries are passed over."""
    lexicon = read_lexicon(
        ["# comment\n", "no tab\n", "\tnothing\n", "helseklynge\thealth cluster; cluster\n", "sykehus\thospital; \n"]
    )
    assert lexicon.knows_norwegian("sykehuset")
    assert lexicon.knows_english("hospitals")
    assert not lexicon.knows_english("tab")
    source = (stem("helseklynge", "nb"),)
    assert lexicon.to_english[source] == (tuple(stems("health cluster", "en")), (stem("cluster", "en"),))
    assert len(lexicon.to_english) == 2


def test_the_longest_phrase_is_translated():
    """A known phrase is translated as one, and its words are not looked up again."""
    lexicon = read_lexicon(["klynge\tcluster\n", "kliniske studier\tclinical trials\n", "studie\tstudy\n"])
    found = lexicon.translate("hvilke kliniske studier gjør klyngen", "nb")
    assert [targets[0] for _, targets in found] == [tuple(stems("clinical trials", "en")), (stem("cluster", "en"),)]
    back = lexicon.translate("clinical trials", "en")
    assert back == [(tuple(stems("clinical trials", "en")), (tuple(stems("kliniske studier", "nb")),))]
    assert lexicon.translate("xyzzy", "nb") == []


def test_the_lexicon_that_ships_knows_the_trade():
    """The lexicon is there, is large, and holds the words that founders use."""
    lexicon = load_lexicon()
    assert len(lexicon.to_english) > 1000
    for word in ("refusjon", "sykehus", "søknad", "kostnad"):
        assert lexicon.knows_norwegian(word), word


def test_the_terms_of_the_glossary_are_known():
    """A term of several words is translated as one, both ways, and its gloss is the English term."""
    lexicon = read_lexicon(["studie\tstudy\n", "forhåndsmelding til FDA\tPremarket notification; 510k\n"])
    (found,) = lexicon.translate("Forhåndsmelding til FDA?", "nb")
    assert found[1] == (tuple(stems("premarket notification", "en")), ("510k",))
    assert lexicon.translate("510(k)", "en")[0][1] == (
        tuple(stem(word, "nb") for word in "forhåndsmelding til fda".split()),
    )
    assert lexicon.gloss("Hva er en forhåndsmelding til FDA?") == "Premarket notification"
