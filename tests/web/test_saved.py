"""Saved links: the same answers with the same quotes, for whoever has the link, until it ends or is deleted."""

from __future__ import annotations

import html
import logging
import re
from dataclasses import replace

import pytest

from assistant.domain import WritingModel
from assistant.web import rendering
from assistant.web.rendering import Exchange

QUESTION = "When did USA next! start?"


@pytest.fixture
def get(keeping):
    """Open an address of the site as a new visitor would, without following what it leads to."""
    return lambda address, **headers: keeping.client.get(f"/{address}", headers=headers, follow_redirects=False)


def words_of(page: str) -> str:
    """Return what a page shows, without its tags and with one space between words."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_saving_answers_with_a_link_a_way_to_delete_it_and_its_last_day(save):
    """Relative to the root of the site, wherever that is."""
    made = save(QUESTION)
    link = re.fullmatch(r"saved/([\w-]{22})", made["link"])
    assert re.fullmatch(rf"saved/{link[1]}/delete\?key=[\w-]{{22}}", made["delete"])
    assert made["expires"] == "2027-05-21"


def test_nothing_is_written_down_before_the_button_is_pressed(keeping, shelf, get):
    """A conversation that is open stays in memory."""
    key = keeping.talk(Exchange(QUESTION, shelf.ask(QUESTION)))
    assert get(f"saved/{key}").status_code == 404
    assert b"started in January" not in keeping.file.read_bytes()


@pytest.mark.parametrize("language", ["en", "nb"])
def test_the_page_shows_the_same_answers_with_the_same_quotes(save, get, shelf, language):
    """What the chat page shows of each answer and of its sources, word for word."""
    questions = (QUESTION, "Hva koster en plass?", "What does a place in Japan cost?", "Why does Medicare pay?", "zzz")
    page = get(save(*questions, language=language)["link"]).text
    assert f'<html lang="{language}">' in page
    for question in questions:
        answer = shelf.ask(question)
        for citation in answer.citations:
            assert words_of(rendering.escape(citation.quote.replace("\t", " | "))) in words_of(page)
        there = rendering.conversation([Exchange(question, answer)], language, "usanext@programme.example")
        assert words_of(there) in words_of(page)


def test_the_page_says_when_it_was_saved_and_when_it_ends(save, get):
    """In the reader's form."""
    link = save(QUESTION)["link"]
    assert "Saved 22 Nov 2026 opens until 21 May 2027" in words_of(get(link).text)
    assert "Lagret 22. nov. 2026 kan åpnes til og med 21. mai 2027" in words_of(get(f"{link}?lang=nb").text)


def test_every_link_of_the_page_leads_somewhere(save, get, keeping):
    """Quotes open in the viewer at their place, files are offered, nothing depends on where the site stands."""
    link = save(QUESTION, "zzz")["link"]
    page = get(link)
    addresses = {html.unescape(found) for found in re.findall(r'(?:href|action)="([^"]*)"', page.text)}
    ours = {one for one in addresses if not one.startswith(("mailto:", "https://publisher.example"))}
    assert not [one for one in ours if one.startswith(("/", "http"))]
    for address in ours - {"../"}:
        if "static/" not in address:
            assert keeping.client.get(str(page.url.join(address))).status_code == 200, address
    quotes = [one for one in ours if "start=" in one]
    assert quotes
    assert all('<mark id="quote"' in keeping.client.get(str(page.url.join(one))).text for one in quotes)


def test_the_page_stays_out_of_search_engines_caches_and_other_sites_logs(save, get):
    """And runs no script, holds no style of its own, and sets no cookie."""
    page = get(save(QUESTION)["link"])
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert '<meta name="robots" content="noindex">' in page.text
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
    assert "set-cookie" not in page.headers
    assert get("robots.txt").text == "User-agent: *\nDisallow: /\n"


def test_texts_of_documents_and_questions_stay_texts(save, get, keeping, hostile):
    """Whatever they hold."""
    made = save(f'{QUESTION} <img src=x onerror="alert(1)"> href="source/x"', "What is the fee in § 7?")
    for address in (made["link"], made["delete"]):
        page = get(address).text
        assert "<img" not in page
        assert "<script" not in page
        assert "&#60;img" in page
    assert words_of(rendering.escape(hostile)) in words_of(get(made["link"]).text)


@pytest.mark.parametrize(
    ("query", "headers", "language"),
    [
        pytest.param("", {}, "nb", id="as it was saved"),
        pytest.param("", {"accept-language": "en"}, "nb", id="not what the browser would like"),
        pytest.param("", {"cookie": "usanext_language=en"}, "en", id="as the reader chose"),
        pytest.param("?lang=en", {"cookie": "usanext_language=nb"}, "en", id="as was asked for"),
    ],
)
def test_the_page_is_in_the_readers_language_else_in_its_own(save, get, query, headers, language):
    """The answers keep theirs."""
    assert f'<html lang="{language}">' in get(save(QUESTION, language="nb")["link"] + query, **headers).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param("newer", "“USA next! in short” has a newer version. Open the current version", id="newer"),
        pytest.param("gone", "“USA next! in short” has been taken out.", id="withdrawn"),
        pytest.param("same", None, id="unchanged"),
    ],
)
def test_the_page_says_what_became_of_the_documents(save, get, shelf, documents, make, change, sentence):
    """Once for each document; the quotes stay those of the version that was quoted."""
    link = save(QUESTION, QUESTION)["link"]
    old = documents["programme"]
    if change == "newer":
        shelf.put(make(old.id, [("en", old.title, ["It ended in 2030."])]))
    if change == "gone":
        del shelf.documents[old.id]
    shown = words_of(get(link).text)
    assert shown.count("Changed in the collection since then") == (0 if sentence is None else 1)
    assert sentence is None or shown.count(sentence) == 1
    assert "USA next! started in January 2022." in shown


def test_a_model_a_failure_and_a_stop_are_shown_as_they_were(keeping, shelf, get):
    """Who wrote, what went wrong, what was stopped."""
    shelf.writing_model = WritingModel("openai:gpt", "api.example", stays_here=False)
    stopped = replace(shelf.ask(QUESTION), complete=False)
    key = keeping.talk(
        Exchange(QUESTION, shelf.ask(QUESTION)), Exchange("One?", failure="The model <is> gone."),
        Exchange("Two?", failed=True), Exchange("Three?", stopped, stopped=True), Exchange("Four?"),
    )  # fmt: skip
    shown = words_of(get(keeping.client.post(f"/conversation/{key}/save", json={}).json()["link"]).text)
    assert "Written by openai:gpt" in shown
    assert "The model <is> gone." in shown
    assert "Something went wrong on our side" in shown
    assert "Stopped here. The rest was not written." in shown
    assert "Four?" not in shown


@pytest.mark.parametrize(("ending", "begins"), [("md", b'---\ntitle: "Svar fra'), ("docx", b"PK"), ("pdf", b"%PDF")])
def test_a_saved_conversation_can_be_taken_along(save, get, ending, begins):
    """In every format that the chat page offers, in the language of the page; answers that were refused too."""
    reply = get(f"{save(QUESTION, 'zzz', language='nb')['link']}/answers.{ending}")
    assert reply.status_code == 200
    assert reply.content.startswith(begins)
    assert f".{ending}" in reply.headers["content-disposition"]
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-robots-tag"] == "noindex, nofollow"


def test_no_other_format_is_offered(save, get):
    """A calm page says that there is nothing."""
    assert get(f"{save(QUESTION)['link']}/answers.exe").status_code == 404


@pytest.mark.parametrize("below", ["", "/delete?key=x", "/answers.md"], ids=["page", "delete", "file"])
def test_unknown_expired_and_malformed_links_are_the_same(save, get, keeping, below):
    """Nobody learns from the page whether there ever was something."""
    expired = save(QUESTION)["link"]
    keeping.calendar.day = keeping.calendar.day.replace(year=2027, month=5, day=22)
    pages = [get(f"{link}{below}") for link in (expired, f"saved/{'x' * 22}", "saved/x", "saved/%ED%A0%80%00")]
    assert {page.status_code for page in pages} == {404}
    assert len({re.sub(r'href="[^"]*lang=nb"', "", page.text) for page in pages}) == 1
    assert "There is nothing under this link." in words_of(pages[0].text)
    assert {page.headers["cache-control"] for page in pages} == {"no-store"}
    assert b"started in January" not in keeping.file.read_bytes()


def test_deleting_asks_first_and_is_final(save, get, keeping):
    """The page has one form, which sends the key; after it the link opens nothing."""
    made = save(QUESTION, "zzz")
    asking = get(made["delete"])
    assert "form-action 'self'" in asking.headers["content-security-policy"]
    assert asking.headers["cache-control"] == "no-store"
    assert words_of(asking.text).count("zzz") == 1
    assert get(made["link"]).status_code == 200, "looking at the page deletes nothing"
    key = re.search(r'<input type="hidden" name="key" value="([\w-]+)">', asking.text)[1]
    action = asking.url.join(html.unescape(re.search(r'<form [^>]*action="([^"]+)"', asking.text)[1]))
    deleted = keeping.client.post(str(action), data={"key": key})
    assert (deleted.status_code, "The saved answers are erased" in words_of(deleted.text)) == (200, True)
    assert get(made["link"]).status_code == 404
    assert keeping.client.post(str(action), data={"key": key}).status_code == 404
    assert b"started in January" not in keeping.file.read_bytes()


def test_a_script_may_send_the_address_that_it_was_given(save, get, keeping):
    """The page's own button deletes all that was saved so."""
    made = save(QUESTION)
    assert keeping.client.post(f"/{made['delete']}").status_code == 200
    assert get(made["link"]).status_code == 404


@pytest.mark.parametrize("key", ["", "x" * 22, "%ED%A0%80", "<b>"], ids=["none", "another", "unsendable", "hostile"])
def test_a_wrong_key_deletes_nothing(save, get, keeping, key):
    """One calm sentence, whether one looks or presses."""
    link = save(QUESTION)["link"]
    for reply in (
        get(f"{link}/delete?key={key}"),
        keeping.client.post(f"/{link}/delete?key={key}"),
        keeping.client.post(f"/{link}/delete", content=f"key={key}"),
    ):
        assert reply.status_code == 403
        assert "The key in this address does not fit." in words_of(reply.text)
    assert get(link).status_code == 200


def test_a_large_form_is_not_read(save, get, keeping):
    """A key is short."""
    made = save(QUESTION)
    reply = keeping.client.post(f"/{made['delete']}", content=b"x" * 20_001)
    assert (reply.status_code, "This request is too large." in words_of(reply.text)) == (413, True)
    assert get(made["link"]).status_code == 200


@pytest.mark.parametrize(
    ("exchanges", "body", "status", "sentence"),
    [
        pytest.param((), {}, 422, "There is no answer to save yet", id="nothing asked"),
        pytest.param((Exchange("Now?"),), {}, 422, "There is no answer to save yet", id="nothing answered"),
        pytest.param((Exchange("x" * 1_000_001, failed=True),), {}, 413, "too long to be saved", id="too long"),
        pytest.param((Exchange("a", failed=True),), {"language": "de"}, 422, "language must be", id="language"),
        pytest.param((Exchange("a", failed=True),), {"expires": 9}, 422, "no field “expires”", id="unknown field"),
    ],
)
def test_what_cannot_be_saved_gets_one_sentence(keeping, exchanges, body, status, sentence):
    """And nothing is kept."""
    reply = keeping.client.post(f"/conversation/{keeping.talk(*exchanges)}/save", json=body)
    assert reply.status_code == status
    assert sentence in reply.json()["error"]


def test_a_conversation_that_is_gone_cannot_be_saved(keeping):
    """It says what to do, in the page's language."""
    reply = keeping.client.post(f"/conversation/{'x' * 22}/save", json={"language": "nb"})
    assert (reply.status_code, reply.json()["error"][:13]) == (404, "Denne samtale")


def test_a_journal_that_fails_is_one_calm_sentence(save, get, keeping, shelf, caplog):
    """On the page and in the reply; the log says why, and holds no word of the visitor."""
    made, key = save(QUESTION), keeping.talk(Exchange(QUESTION, shelf.ask(QUESTION)))
    keeping.journal.close()
    with caplog.at_level(logging.WARNING):
        replies = [
            get(made["link"]), get(f"{made['link']}/answers.md"), get(made["delete"]),
            keeping.client.post(f"/{made['delete']}"), keeping.client.post(f"/conversation/{key}/save", json={}),
        ]  # fmt: skip
    for reply in replies:
        assert reply.status_code == 503
        assert "cannot be read or written just now" in reply.text
    assert "journal" in caplog.text
    assert QUESTION not in caplog.text


def test_a_quote_that_was_changed_in_the_journal_is_not_shown(keeping, shelf, get, caplog):
    """Nothing is shown that is not found in its source, also where somebody has written into the file."""
    answer = shelf.ask(QUESTION)
    [citation, *others] = answer.citations
    forged = replace(answer, citations=(replace(citation, quote="USA next! is free."), *others))
    link = keeping.journal.save([Exchange(QUESTION, forged)], "en")
    for address in (f"saved/{link.id}", f"saved/{link.id}/answers.md"):
        reply = get(address)
        assert reply.status_code == 404
        assert "is free" not in reply.text
    assert "not in its version" in caplog.text
