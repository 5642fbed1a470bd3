"""What a founder does with an answer, in a real browser: open its source, copy, judge, save, take along, go on."""

from __future__ import annotations

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.web.browsing import ask, reply

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

ENGLISH = "When did USA next! start?"
COST = "What does a place in the programme cost?"


@pytest.fixture
def journal(shelf):
    """The journal behind the site, with nothing in it yet."""
    shelf.journal.delete_feedback([kept.id for kept in shelf.journal.feedback()])
    return shelf.journal


# ---- The source ----


def test_the_source_opens_beside_the_answer_and_closes_again(visit, shelf):
    """One click to the marked words, Escape back to the marker; the frame leads nowhere but to sources."""
    page = visit()
    ask(page, ENGLISH)
    marker = page.locator("a.marker").first
    marker.click()
    beside = page.get_by_role("dialog")
    viewer = page.frame_locator("#beside iframe")
    assert viewer.locator("mark#quote").inner_text() == shelf.ask(ENGLISH).citations[0].quote
    assert viewer.locator("nav.top").count() == 0
    viewer.locator("body").press("Escape")
    beside.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.className") == "marker"
    page.locator(".card .open").first.click()
    viewer.locator("mark#quote").wait_for()
    page.get_by_role("button", name="Close").click()
    beside.wait_for(state="hidden")
    assert page.problems == []


@pytest.mark.parametrize(
    ("width", "modifiers"),
    [pytest.param(1280, ["Control"], id="a tab was asked for"), pytest.param(400, [], id="a phone")],
)
def test_the_source_opens_in_a_tab_where_that_is_better(visit, shelf, width, modifiers):
    """The link stays a link: with the key for a new tab, and where there is no room beside the answer."""
    page = visit(width=width)
    ask(page, ENGLISH)
    with page.context.expect_page() as opened:
        page.locator("a.marker").first.click(modifiers=modifiers)
    viewer = opened.value
    viewer.wait_for_load_state()
    mark = viewer.locator("mark#quote")
    assert mark.inner_text() == shelf.ask(ENGLISH).citations[0].quote
    assert 0 <= mark.bounding_box()["y"] < 900
    assert viewer.locator("nav.top a").first.is_visible()


# ---- Going on ----


def test_a_suggestion_is_asked_when_it_is_pressed(visit):
    """It stands under the latest answer, and is a question like any other."""
    page = visit()
    ask(page, ENGLISH)
    button = page.locator(".follow").first
    button.wait_for()
    question = button.inner_text()
    assert question == COST
    button.click()
    assert "NOK 25,000" in reply(page, 1).inner_text()
    assert page.locator(".question p").nth(1).inner_text() == question
    assert page.locator(".exchange").first.locator(".follow").count() == 0


def test_field_and_stage_choose_the_questions_and_are_remembered_in_the_browser(visit):
    """The first question is theirs; after a reload they are still chosen, and they can be taken back."""
    page = visit("nb-NO")
    page.get_by_label("Diagnostikk").check()
    page.get_by_label("Forbereder oss").check()
    starter = page.locator(".starter").first
    page.locator(".starter", has_text="preparing").wait_for()
    assert starter.inner_text() == "USA next! diagnostics preparing?"
    page.reload()
    page.locator(".banner:not(.unsettled)").wait_for()
    assert page.get_by_label("Diagnostikk").is_checked()
    assert page.get_by_label("Forbereder oss").is_checked()
    assert starter.inner_text() == "USA next! diagnostics preparing?"
    page.get_by_label("Alle områder").check()
    page.get_by_label("Alle stadier").check()
    page.locator(".starter", has_text="preparing").wait_for(state="detached")


# ---- Copying and taking along ----


def test_an_answer_is_copied_with_its_quotes(visit, shelf):
    """What lands in the clipboard can be checked where it is pasted."""
    page = visit()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, ENGLISH)
    page.get_by_role("button", name="Copy").click()
    page.locator(".copy", has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()").split("\n\n")
    citation = shelf.ask(ENGLISH).citations[0]
    assert copied[0] == ENGLISH
    assert copied[1] == f"{citation.quote} [1] (source 2021, checked 22 Nov 2026)"
    source, link = copied[2].split("\n")
    assert source == f"[1] “{citation.quote}” ({citation.title} · checked 22 Nov 2026)"
    assert link.startswith(page.url + citation.link.removeprefix("/").removesuffix("#quote"))


@pytest.mark.parametrize(("name", "suffix"), [("Word", "docx"), ("PDF", "pdf"), ("Markdown", "md")])
def test_the_conversation_is_taken_along_as_a_file(visit, name, suffix):
    """A press saves a file with the day in its name."""
    page = visit()
    ask(page, ENGLISH)
    with page.expect_download() as saving:
        page.locator("#along").get_by_role("link", name=name).click()
    assert saving.value.suggested_filename.endswith(f"2026-11-22.{suffix}")
    assert saving.value.failure() is None


# ---- Judging ----


def test_an_answer_is_judged_and_nothing_else_is_kept(visit, journal):
    """One press is enough, and it keeps neither question nor answer."""
    page = visit()
    ask(page, ENGLISH)
    helpful = page.get_by_role("button", name="Helpful", exact=True)
    helpful.click()
    page.locator("#told-1", has_text="Thank you.").wait_for()
    assert helpful.get_attribute("aria-pressed") == "true"
    [kept] = journal.feedback()
    assert kept.helpful
    assert (kept.why, kept.question) == (None, None)


def test_why_it_did_not_help_is_sent_with_the_question_only_by_consent(visit, journal):
    """The form opens under the answer; sent once more, it takes the place of what was sent before."""
    page = visit("nb-NO")
    question = "Hva koster en plass i programmet?"
    ask(page, question)
    page.get_by_role("button", name="Ikke nyttig").click()
    why = page.get_by_label("Hva manglet eller var feil?")
    why.wait_for()
    assert not page.locator(".share").is_checked()
    why.fill("Hva med mva?")
    page.locator(".share").check()
    why.press("Enter")
    why.wait_for(state="hidden")
    [kept] = journal.feedback()
    assert (kept.helpful, kept.why, kept.question) == (False, "Hva med mva?", question)


# ---- Saving, and taking it all back ----


def test_a_saved_link_opens_the_same_quotes_until_it_is_deleted(visit, shelf, journal, address):
    """For another visitor too; the button at the foot of the page deletes what was sent and saved."""
    page = visit()
    answer = ask(page, ENGLISH).locator(".answer").inner_text()
    erase = page.get_by_role("button", name="Delete what I have sent and saved")
    assert erase.count() == 0
    page.get_by_role("button", name="Helpful", exact=True).click()
    page.locator("#told-1", has_text="Thank you.").wait_for()
    page.get_by_role("button", name="Save link").click()
    link = page.locator(".saved-address")
    link.wait_for()
    last_day = datetime.now(UTC).date() + timedelta(days=journal.saved_days)
    assert f"until {last_day:%B} {last_day.day}, {last_day.year}" in page.locator("#saved-link").inner_text()

    other = visit().context.new_page()
    assert other.goto(link.get_attribute("href") and f"{address}/{link.get_attribute('href')}").status == 200
    assert other.locator(".answer").inner_text().split(".")[0] == answer.split(".")[0]
    assert shelf.ask(ENGLISH).citations[0].quote in other.locator(".card blockquote").first.inner_text()

    erase.click()
    page.locator("#erased", has_text="Deleted, here and on the server.").wait_for()
    assert other.reload().status == 404
    assert journal.feedback() == []
    assert erase.count() == 0
    assert page.evaluate("localStorage.getItem('usanext_sent')") is None


def test_what_is_stored_is_one_click_away(visit):
    """In the language of the page."""
    page = visit("nb-NO")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Hva som lagres").click()
    opened.value.wait_for_load_state()
    assert opened.value.locator("html").get_attribute("lang") == "nb"
    assert opened.value.locator("h1").inner_text() == "Hva som lagres"


# ---- Many at once ----


def test_who_waits_sees_the_place_in_line(visit, shelf, address):
    """Eight are answered at a time; the ninth sees how many stand before the answer, and gets it."""
    go, inside = threading.Event(), threading.Semaphore(0)

    def hold(question: str) -> None:
        if question.startswith("Busy"):
            inside.release()
            go.wait(60)

    shelf.before_answer = hold
    body = json.dumps({"question": f"Busy: {ENGLISH}"}).encode()
    request = urllib.request.Request(f"{address}/api/chat", body, {"content-type": "application/json"})
    with ThreadPoolExecutor(9) as others:
        asked = [others.submit(lambda: urllib.request.urlopen(request).status) for _ in range(9)]
        try:
            for _ in range(8):
                assert inside.acquire(timeout=60)
            page = visit()
            page.locator("#box textarea").fill(ENGLISH)
            page.locator("#box textarea").press("Enter")
            page.get_by_text("Number 2 in line").wait_for()
        finally:
            go.set()
        assert "January 2022" in reply(page, 0).inner_text()
        assert {one.result() for one in asked} == {200}
