"""Where a document was withdrawn: number, title and day, and none of its words, on every way that led to them."""

from __future__ import annotations

import html
import re

import pytest

ENGLISH = "When did USA next! start?"
MEDICARE = "Why does Medicare pay?"


@pytest.fixture
def get(keeping):
    """Open an address of the site."""
    return lambda address: keeping.client.get(f"/{address}", follow_redirects=False)


def words_of(page):
    """Return what a page shows, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "was withdrawn on 20 Nov 2026."), ("nb", "ble trukket tilbake 20. nov. 2026.")],
)
def test_an_old_link_tells_title_and_day(get, shelf, language, sentence):
    """The page, its pictures and its file are gone; one that never was is still only not found."""
    citation = shelf.ask(ENGLISH).citations[0]
    shelf.withdraw(citation.document)
    link = citation.link.lstrip("/").replace("#quote", f"&lang={language}")
    page = get(link)
    assert page.status_code == 410
    assert sentence in words_of(page.text)
    assert citation.title in words_of(page.text)
    assert citation.quote not in words_of(page.text)
    version = f"?version={citation.version}"
    assert get(f"original/{citation.document}{version}").status_code == 404
    assert get(f"page/{citation.document}{version}&page=1").status_code == 404
    assert get(f"source/{citation.document}?version={'0' * 64}").status_code == 404


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_saved_answer_shows_number_and_title_alone(save, get, shelf, language):
    """Answers that quote other documents stay as they were."""
    gone, stays = shelf.ask(ENGLISH), shelf.ask(MEDICARE)
    link = save(ENGLISH, MEDICARE, language=language)["link"]
    shelf.withdraw(gone.citations[0].document)
    page = words_of(get(link).text)
    assert f"[1] \u201c{gone.citations[0].title}\u201d" in page or f"[1] «{gone.citations[0].title}»" in page
    for citation in gone.citations:
        assert citation.quote not in page
    for citation in stays.citations:
        assert citation.quote.replace("\t", " | ") in page


@pytest.mark.parametrize("ending", ["md", "docx", "pdf"])
def test_a_file_holds_no_answer_that_rests_on_it(save, get, shelf, ending):
    """And where nothing is left there is no file, but a sentence."""
    both, one = save(ENGLISH, MEDICARE)["link"], save(ENGLISH)["link"]
    quote = shelf.ask(ENGLISH).citations[0]
    shelf.withdraw(quote.document)
    assert get(f"{both}/answers.{ending}").status_code == 200
    refused = get(f"{one}/answers.{ending}")
    assert refused.status_code == 404
    assert "quote documents that have been withdrawn" in words_of(refused.text)
    if ending == "md":
        assert quote.quote not in get(f"{both}/answers.{ending}").text
