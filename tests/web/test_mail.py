"""The e-mail that is begun for a founder: question and findings filled in, short enough for every mail program."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from assistant.domain import Answer, Citation, Query
from assistant.web import mail

QUOTE = Citation(1, "A place costs\tNOK 25,000.", "a.md", "f" * 64, "Prices", "en", None, None, None, 0, 25, None)
REFUSED = Answer("No.", "abstained", "en", Query("?", "?", "en"), "not_covered", nearest=("a.md", "b.md"))
PARTLY = replace(REFUSED, outcome="partly", reason=None, nearest=(), citations=(QUOTE,))


def read(address: str) -> tuple[str, str, str]:
    """Return recipient, subject and body as a mail program reads them."""
    parts = urlsplit(address)
    fields = parse_qs(parts.query, strict_parsing=True)
    return unquote(parts.path), fields["subject"][0], fields["body"][0]


def test_a_refused_question_comes_with_the_nearest_documents():
    """The person who is asked sees what was asked and where to look."""
    recipient, subject, body = read(
        mail.draft("What is it?", REFUSED, {"a.md": "Prices"}, "us@programme.example", "en")
    )
    assert recipient == "us@programme.example"
    assert subject == "Question for USA next!: What is it?"
    assert body.split("\r\n") == [
        "Hello,", "", "I asked the USA next! assistant:", "What is it?", "", "It found no answer in its documents.", "",
        "The nearest documents:", "- Prices", "- b.md", "", "Can you help me with this?",
    ]  # fmt: skip


def test_half_an_answer_comes_with_its_quotes():
    """In the visitor's language, each quote on one line with its document."""
    _, subject, body = read(mail.draft("Hva koster det & når?", PARTLY, {}, None, "nb"))
    assert subject == "Spørsmål til USA neste!: Hva koster det & når?"
    assert "- A place costs NOK 25,000. (Prices)" in body.split("\r\n")
    assert "bare en del av svaret" in body


@pytest.mark.parametrize("contact", ["https://programme.example", "your cluster", "a@b.example?bcc=c@d.example", None])
def test_only_an_address_is_a_recipient(contact):
    """Other contacts leave the recipient to the founder, and can add none of their own."""
    assert read(mail.draft("What?", REFUSED, {}, contact, "en"))[0] == ""


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("æøå 日本 " * 300, id="long"),
        pytest.param("one\r\nBcc: x@y.example\r\n", id="lines"),
        pytest.param("a&body=b#c%0D%0A", id="its own fields"),
        pytest.param("\ud800 and so on", id="a lone surrogate"),
    ],
)
def test_any_question_makes_one_short_address(question):
    """Nothing in a question adds a field or a line to the head, and the address stays short enough."""
    many = replace(PARTLY, citations=(replace(QUOTE, quote="word " * 100),) * 30)
    address = mail.draft(question, many, {}, "us@programme.example", "en")
    assert len(address) <= mail.MAX_ADDRESS_CHARACTERS or "- " not in read(address)[2]
    assert len(address) < 9_000
    recipient, subject, body = read(address)
    assert recipient == "us@programme.example"
    assert "\n" not in subject
    assert body.endswith("Can you help me with this?")
