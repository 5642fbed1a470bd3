"""The founders' page and the viewer in a real browser."""

from __future__ import annotations

import re
import threading

import pytest

from assistant.domain import WritingModel
from tests.web.browsing import ask, reply

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    # Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

ENGLISH = "When did USA next! start?"
WRITTEN = "Which company can join?"
NORWEGIAN = "Hva koster en plass i programmet?"


def test_a_question_is_answered_with_its_sources_and_nobody_else_is_told(visit, address, shelf):
    """The answer, its sources, the viewer at the quote; every request of the browser stays on this machine."""
    page = visit()
    answer = ask(page, ENGLISH)
    quote = shelf.ask(ENGLISH).citations[0].quote
    assert quote in answer.inner_text()
    assert page.locator(".card blockquote").first.inner_text() == quote
    also = page.locator(".card .also")
    assert also.bounding_box()["y"] > page.locator(".card .place").bounding_box()["y"] + 10
    assert "(source 2021, checked 22 Nov 2026)" in answer.inner_text()
    page.locator("a.marker").first.hover()
    card = page.locator(".answer .peek").first
    assert card.locator(".peek-quote").inner_text() == quote
    card.hover()  # the pointer may go into it, to select words
    assert card.is_visible()
    page.keyboard.press("Escape")
    assert card.is_hidden()

    page.locator("a.marker").first.click()
    viewer = page.frame_locator("#beside iframe")
    mark = viewer.locator("mark#quote")
    assert mark.inner_text() == quote
    box = mark.bounding_box()
    assert 0 <= box["y"] < 900
    assert all(url.startswith((address, "data:", "blob:")) for url in page.requested)
    assert page.problems == []


def test_a_table_row_is_marked_cell_by_cell_in_view(visit, shelf, documents):
    """A quote that spans cells can be seen at once, however far down it stands."""
    document = documents["programme"]
    start = document.text.index("Houston\tNOK")
    page = visit(width=390, height=500)
    page.goto(page.url + f"source/{document.id}?version={document.version}&start={start}&end={start + 21}#quote")
    marks = page.locator("mark")
    assert "".join(marks.all_text_contents()) == document.text[start : start + 21]
    assert page.locator("#quote").bounding_box()["y"] < 500


def test_hostile_text_is_shown_as_written(visit, hostile, shelf):
    """Question, answer and quote: no character becomes HTML, Markdown or LaTeX in the browser."""
    page = visit()
    answer = ask(page, f"star under tick {hostile}")
    assert page.locator(".question p").inner_text() == f"star under tick {hostile}"
    assert hostile in answer.inner_text()
    assert page.locator(".card blockquote").first.inner_text() == hostile
    assert page.locator("#conversation :is(img, script, b, em, code, .katex, .latex-block)").count() == 0
    assert not [url for url in page.requested if "evil" in url]


@pytest.mark.parametrize(("locale", "language"), [("en-GB", "en"), ("nb-NO", "nb"), ("nn-NO", "nb")])
def test_the_page_speaks_the_browsers_language(visit, locale, language):
    """Words, language attribute and title follow the browser."""
    page = visit(locale)
    asked = {"en": "Ask in English or Norwegian", "nb": "Spør på norsk eller engelsk"}[language]
    assert page.locator("#box textarea").get_attribute("placeholder") == asked
    assert page.locator("html").get_attribute("lang") == language
    assert page.title() == {"en": "USA next! – questions and answers", "nb": "USA next! – spørsmål og svar"}[language]


def test_the_language_can_be_switched_and_is_remembered(visit):
    """The switch changes the words around a conversation, not the conversation, and lasts."""
    page = visit()
    answer = ask(page, ENGLISH).locator(".answer").inner_text()
    page.get_by_text("Norsk", exact=True).click()
    page.get_by_role("heading", name="Kilder").wait_for()
    assert page.locator(".answer").inner_text().split(".")[0] == answer.split(".")[0]
    assert "kilde 2021" in page.locator(".answer").inner_text()
    page.reload()
    page.get_by_role("button", name="Spør", exact=True).wait_for()
    assert page.get_by_label("Norsk").is_checked()


def test_a_starter_question_is_asked_in_the_language_of_its_button(visit, shelf):
    """Pressing a button asks what stands on it."""
    page = visit("nb-NO")
    button = page.locator(".starter").nth(1)
    question = button.inner_text()
    assert question == shelf.starters(None, None, "nb")[1]
    button.click()
    reply(page, 0)
    assert page.locator(".question p").inner_text() == question
    assert page.locator(".starter").count() == 0


def test_a_follow_up_and_a_new_conversation(visit):
    """The history travels along, says how it was understood, and can be left behind."""
    page = visit()
    ask(page, ENGLISH)
    assert "Understood as: When did USA next! start? And what" in ask(page, "And what does a place cost?").inner_text()
    page.get_by_role("button", name="New conversation").click()
    page.locator(".starter").first.wait_for()
    assert page.locator(".exchange").count() == 0
    assert "Understood as" not in ask(page, "And what does a place cost?").inner_text()


def test_a_refusal_looks_different_and_leads_on(visit):
    """A notice with the nearest documents and a person, and no sources."""
    page = visit()
    refused = ask(page, "xyzzy?")
    assert "refused" in refused.get_attribute("class")
    assert refused.locator(".nearest a").count() == 2
    assert "usanext@programme.example" in refused.inner_text()
    letter = refused.get_by_role("link", name="Write an e-mail").get_attribute("href")
    assert letter.startswith("mailto:usanext@programme.example?subject=")
    assert page.locator(".card").count() == 0


def test_a_refused_premise_is_answered_with_quotes_and_their_sources(visit, shelf):
    """The notice, then the quotes with their markers; the panel holds a card for each."""
    page = visit(width=400)
    refused = ask(page, "Why does USA next! start in 2030?")
    quote = shelf.ask(ENGLISH).citations[0].quote
    assert refused.locator(".notice").inner_text().startswith("The documents do not confirm what the question takes")
    assert quote in refused.locator(".answer").inner_text()
    assert page.locator(".card blockquote").first.inner_text() == quote
    assert refused.locator("a.marker").count() == page.locator(".card .quoted").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_half_an_answer_names_the_other_half_in_a_notice(visit):
    """The missing part stands in a box below the quotes, once."""
    answer = ask(visit(), "When did USA next! start, and what does a place in Japan cost?")
    assert "what a place in Japan costs" in answer.locator(".notice.gap").inner_text()
    assert answer.inner_text().count("in Japan") == 1
    below = answer.locator(".notice.gap").bounding_box()["y"]
    assert below > answer.locator(".answer").bounding_box()["y"]


def test_errors_are_calm_and_the_conversation_goes_on(visit, caplog):
    """A foreseen error speaks for itself; another one is logged and says nothing about itself."""
    page = visit()
    assert "The model <b>cannot</b> be loaded: run `make chat` again." in ask(page, "Raise").inner_text()
    failed = ask(page, "Crash").inner_text()
    assert "Something went wrong on our side" in failed
    assert "secret" not in page.content()
    assert "a question failed" in caplog.text
    assert "2022" in ask(page, ENGLISH).inner_text()


def test_an_empty_question_is_not_sent(visit, shelf):
    """A hint, no exchange, and the assistant is not troubled."""
    asked = []
    shelf.before_answer = asked.append
    page = visit()
    page.locator("#box textarea").fill("   ")
    page.locator("#box textarea").press("Enter")
    page.locator(".hint.warning").wait_for()
    assert page.locator(".hint").inner_text() == "Write a question first."
    assert page.locator(".exchange").count() == 0
    assert asked == []


def test_the_box_takes_two_thousand_characters(visit):
    """The browser holds the rest back."""
    assert visit().locator("#box textarea").get_attribute("maxlength") == "2000"


def test_two_visitors_never_see_each_others_conversation(visit, shelf):
    """Asked at the same time, each gets the answer to the own question, and only that."""
    both = threading.Barrier(2, timeout=10)
    shelf.before_answer = lambda question: both.wait() and None
    first, second = visit(), visit("nb-NO")
    for page, question in ((first, ENGLISH), (second, NORWEGIAN)):
        page.locator("#box textarea").fill(question)
        page.locator("#box textarea").press("Enter")
    answers = [reply(page, 0).inner_text() for page in (first, second)]
    assert "January 2022" in answers[0]
    assert "25 000 kroner" in answers[1]
    for page, foreign in ((first, "kroner"), (second, "January")):
        assert page.locator(".exchange").count() == 1
        assert foreign not in page.locator("body").inner_text()


@pytest.mark.parametrize("path", ["", "source/programme/usa-next.md?start=30&end=700"])
def test_a_phone_needs_no_sideways_scrolling(visit, path):
    """At 390 pixels nothing sticks out, and the sources stand below the conversation."""
    page = visit(width=390, height=844)
    if path:
        page.goto(page.url + path)
    else:
        ask(page, ENGLISH)
        assert page.locator("#sources").bounding_box()["y"] > page.locator("#ask").bounding_box()["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_page_can_be_used_without_seeing_it(visit):
    """Names, roles, a region that speaks, and every control reached by the keyboard."""
    page = visit()
    status = page.locator("#announcement[role=status]")
    assert status.get_attribute("aria-live") == "polite"
    assert page.get_by_role("textbox", name="Your question").count() == 1
    assert page.get_by_role("button", name="Ask", exact=True).count() == 1
    assert page.get_by_role("radio", name="Norsk").count() == 1
    assert page.get_by_role("group", name="Language of the page").count() == 1
    ask(page, ENGLISH)
    assert "January 2022" in status.inner_text()
    marker = page.get_by_role("link", name=re.compile(r"Source 1\s*: USA next! in short, opens in a new tab"))
    assert marker.count() == 1
    page.locator("#box textarea").focus()
    reached = []
    for _ in range(6):
        page.keyboard.press("Shift+Tab")
        reached.append(page.evaluate("document.activeElement.className.split(' ').slice(-1)[0]"))
    assert reached == ["follow", "follow", "unhelpful", "helpful", "copy", "marker"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.parametrize(
    ("colours", "paper", "ink"),
    [("light", "rgb(250, 248, 244)", "rgb(29, 42, 51)"), ("dark", "rgb(18, 25, 29)", "rgb(232, 236, 238)")],
)
def test_the_page_follows_the_systems_colours(visit, colours, paper, ink):
    """Light paper and dark ink by day, the other way round by night; a question in between hangs neither."""
    page = visit(colours=colours)
    ask(page, ENGLISH)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
    assert page.evaluate("getComputedStyle(document.querySelector('.answer p')).color") == ink


@pytest.fixture
def writer(shelf):
    """A language model that waits before its second sentence until the event is set."""
    shelf.writing_model = WritingModel("scripted:model", "models.example", stays_here=False)
    go = threading.Event()
    shelf.holds = lambda number: number > 1 and not go.is_set()
    yield go
    go.set()


def send(page, question):
    """Type a question and press Enter."""
    page.locator("#box textarea").fill(question)
    page.locator("#box textarea").press("Enter")


def wait_until(page, condition):
    """Wait until something is so; at most five seconds."""
    for _ in range(100):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never was so")


def test_an_answer_is_read_while_it_is_written(visit, shelf, writer):
    """Where questions go; the first sentence before the last is written; then who wrote it. Nothing is withdrawn."""
    page = visit()
    assert "leave this machine and go to models.example." in page.locator(".who-writes").inner_text()
    assert page.locator("#stop").count() == 0
    send(page, WRITTEN)
    page.locator(".in-writing").wait_for()
    first = page.locator(".answer p").inner_text()
    assert "Four Norwegian health clusters" in first
    assert "NOK 25,000" not in first
    assert page.locator(".card .quoted").count() == 1
    assert page.locator("#announcement").inner_text().strip() == "Writing"
    assert page.get_by_role("button", name="Stop").count() == 1
    writer.set()
    page.locator(".written").wait_for()
    assert page.locator(".answer p").inner_text().startswith(first)
    assert page.locator(".written").inner_text().startswith("Written by scripted:model and checked")
    assert page.locator(".in-writing, #stop").count() == 0
    assert page.locator(".card .quoted").count() == 3
    assert "NOK 25,000" in page.locator("#announcement").inner_text()
    assert "go to models.example" in page.locator(".hint").inner_text()
    assert shelf.closed == page.problems == []


def test_what_is_sent_before_the_answer_is_complete_gets_a_sentence(visit, writer):
    """Nothing is dropped without a word, and the warning outlasts the answer; Enter pressed twice is no question."""
    page = visit()
    send(page, WRITTEN)
    page.locator(".in-writing").wait_for()
    send(page, WRITTEN)
    page.wait_for_timeout(300)
    assert page.locator(".hint.warning").count() == 0
    send(page, " ")
    page.get_by_text("Write a question first").wait_for()
    send(page, ENGLISH)
    page.get_by_text("Your last question is still being answered.").wait_for()
    writer.set()
    page.locator(".exchange .foot").wait_for()
    assert page.locator(".hint.warning").count() == 1
    assert page.locator("#box textarea").input_value() == ENGLISH
    ask(page, ENGLISH)
    assert page.locator(".hint.warning").count() == 0
    assert page.locator(".question p").all_inner_texts() == [WRITTEN, ENGLISH]


def test_a_question_sent_while_suggestions_come_waits_for_them(visit, shelf):
    """The answer is on the screen: the next question is taken, and both stand in the conversation."""
    page, slow = visit(), threading.Event()
    shelf.before_suggestions = lambda: slow.wait(10)
    send(page, ENGLISH)
    page.locator(".exchange .answer").wait_for()
    send(page, WRITTEN)
    page.wait_for_timeout(300)
    assert page.locator(".hint.warning").count() == 0
    slow.set()
    page.locator(".exchange").nth(1).locator(".foot").wait_for()
    assert page.locator(".question p").all_inner_texts() == [ENGLISH, WRITTEN]


def test_stopping_keeps_what_is_there_and_closes_the_model(visit, shelf, writer):
    """At once, whatever the model does; the keyboard goes on in the box, and the conversation goes on."""
    page = visit("nb-NO")
    send(page, WRITTEN)
    page.locator(".in-writing").wait_for()
    first = page.locator(".answer p").inner_text()
    page.get_by_role("button", name="Stopp").click()
    page.locator(".reply .stopped").wait_for()
    assert page.locator(".answer p").inner_text() == first
    assert page.locator(".stopped").inner_text() == "Stoppet her. Resten ble ikke skrevet."
    assert page.locator("#stop").count() == 0
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    wait_until(page, lambda: shelf.closed == [WRITTEN])
    writer.set()
    follow_up = ask(page, "And what does a place cost?").inner_text()
    assert f"Forstått som: {WRITTEN} And what" in follow_up
    assert page.locator(".exchange").count() == 2
    assert page.locator(".stopped").count() == 1
    assert page.problems == []


def test_a_new_conversation_and_another_language_while_an_answer_is_written(visit, shelf, writer):
    """The switch turns the rest of the answer's page too; a new start forgets the answer and closes its model."""
    page = visit()
    send(page, WRITTEN)
    page.locator(".in-writing").wait_for()
    page.get_by_text("Norsk", exact=True).click()
    page.get_by_text("Skriver", exact=False).first.wait_for()
    assert page.get_by_role("button", name="Stopp").count() == 1
    assert page.locator(".exchange").count() == 1
    page.get_by_role("button", name="Ny samtale").click()
    page.locator(".starter").first.wait_for()
    wait_until(page, lambda: shelf.closed == [WRITTEN])
    writer.set()
    page.wait_for_timeout(200)
    assert page.locator(".exchange, #stop, .card").count() == 0
    assert "NOK" in ask(page, ENGLISH.replace("start", "cost a place")).inner_text()


def test_who_leaves_stops_the_model(visit, shelf, writer):
    """A closed tab is no reader."""
    page = visit()
    send(page, WRITTEN)
    page.locator(".in-writing").wait_for()
    other = page.context.new_page()
    page.close()
    wait_until(other, lambda: shelf.closed == [WRITTEN])


def test_what_a_model_writes_is_text(visit, hostile, writer, shelf):
    """No link or picture of a model's becomes one: the links are our markers."""
    page = visit()
    writer.set()
    send(page, f"star under tick {hostile}")
    page.locator(".written").wait_for()
    assert hostile in page.locator(".answer").inner_text()
    assert page.locator("#conversation :is(img, script, b, em, code, .katex, .latex-block)").count() == 0
    links = page.locator("#conversation .reply a")
    assert {links.nth(place).get_attribute("class") for place in range(links.count())} == {"marker"}
    assert not [url for url in page.requested if "evil" in url]


def test_a_quote_opens_under_its_marker_by_keyboard(visit, shelf):
    """Without a mouse the words behind a sentence are as near as with one."""
    page = visit(width=390)
    ask(page, ENGLISH)
    marker = page.locator("a.marker").last
    marker.focus()
    card = page.locator(f"#{marker.get_attribute('aria-describedby')}")
    assert card.locator(".peek-quote").inner_text() == shelf.ask(ENGLISH).citations[-1].quote
    box = card.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
