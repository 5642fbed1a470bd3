"""Cleaning: what leads to a person is taken out of a question, and what a question is about stays."""

from __future__ import annotations

import pytest

from assistant.store.cleaning import without_personal

TAKEN_OUT = [
    pytest.param("Write to ola.nordmann+usa@firma.no, please", "Write to [e-mail], please", id="e-mail"),
    pytest.param("ola (at) firma [dot] no", "[e-mail]", id="e-mail in words"),
    pytest.param("mailto:ola@firma", "[e-mail]", id="e-mail without a country"),
    pytest.param("Ring meg på 912 34 567!", "Ring meg på [number]!", id="Norwegian telephone"),
    pytest.param("+47 91234567 or 0047 91 23 45 67", "[number] or [number]", id="with a country"),
    pytest.param("call (555) 123-4567 now", "call [number] now", id="American telephone"),
    pytest.param("født 010190 12345", "født [number]", id="national identity number"),
    pytest.param("01019012345", "[number]", id="the same in one run"),
    pytest.param("SSN 123-45-6789", "SSN [number]", id="American social security number"),
    pytest.param("card 4111 1111 1111 1111", "card [number]", id="card"),
    pytest.param("Acme AS, org. 987 654 321", "Acme AS, org. [number]", id="number of a company"),
    pytest.param("9\u200b1\u200b2 34 567", "[number]", id="hidden marks between the digits"),
    pytest.param("９１２３４５６７", "[number]", id="wide digits"),
    pytest.param("٩١٢٣٤٥٦٧", "[number]", id="digits of another script"),
    pytest.param("see https://x.no/a?token=abc ok", "see [link] ok", id="link with a question"),
    pytest.param("https://ola:geheim@x.no/", "[link]", id="link with a user"),
    pytest.param("https://d.example/file/1AbCdEfGhIjKlMnOpQrStUv/view", "[link]", id="link with a token"),
    pytest.param("my key sk-abcdefghij0123456789ABCDEF", "my key [key]", id="key"),
    pytest.param("from 192.168.12.34:8080", "from [number]", id="address of a machine"),
    pytest.param("from 2001:db8:85a3::8a2e:370:7334", "from [number]", id="newer address of a machine"),
    pytest.param("follow @olanordmann", "follow [profile]", id="profile"),
]
LEFT_IN = [
    "What does a place cost in 2026-2027, and by 2026-11-22 or 22.11.2026?",
    "Is 25,000,000 USD, 1 500 000 kroner or $ 1,234,567.89 enough? 1 000 000?",
    "ISO 10993-18:2020, IEC 60601-1-2 and 21 CFR 820.30",
    "Do we need a 510(k) like K123456, or CPT 99453, 99454, 99457?",
    "What does https://www.fda.gov/medical-devices/510k say?",
    "Hva koster det for Ærfugl AS å søke?",
]


@pytest.mark.parametrize(("text", "left"), TAKEN_OUT)
def test_what_leads_to_a_person_is_taken_out(text, left):
    """With a mark that says what stood there."""
    assert without_personal(text) == left


@pytest.mark.parametrize("text", LEFT_IN)
def test_what_a_question_is_about_stays(text):
    """Dates, amounts, standards, codes and public links."""
    assert without_personal(text) == text


def test_a_text_becomes_one_line():
    """So that it stands in one cell of a table."""
    assert without_personal("  What\n\tdoes  it\r\ncost? ") == "What does it cost?"


def test_what_was_cleaned_is_clean():
    """Cleaning twice changes nothing more."""
    for text, left in ((one.values[0], one.values[1]) for one in TAKEN_OUT):
        assert without_personal(left) == left, text


@pytest.mark.parametrize("text", ["a" * 2000, "a@" * 1000, "1-" * 1000, "1:" * 1000, "(at)" * 500, "a1-" * 666])
def test_odd_texts_take_no_time(text):
    """Longer than any question, and made to be searched again and again."""
    assert len(without_personal(text)) <= 5 * len(text)
