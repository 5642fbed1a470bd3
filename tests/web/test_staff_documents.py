"""The pages of documents and drafts: what they say of real nouns, and what their forms do to a real desk."""

from __future__ import annotations

import io
import itertools
import json
import re
import zipfile
from dataclasses import dataclass, replace
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from assistant.desk import (
    ChangedLine,
    Deed,
    Draft,
    Held,
    HeldVersion,
    PageCheck,
    Preview,
    Problem,
    Reading,
    Receipt,
    Twin,
)
from assistant.domain import Answer, Chunk, Findings, HiddenText, Metadata, Query
from assistant.web import staff_documents as documents
from assistant.web import staff_drafts as drafts
from assistant.web import staff_forms as forms
from assistant.web import staff_receipts as receipts
from assistant.web.staff_forms import Reader
from assistant.web.staff_frame import desk_router
from assistant.web.staff_uploads import UploadLimits
from tests.web.desk import HOSTILE, OWN, MemoryStaff, make_desk

TODAY = date(2026, 11, 22)
LIMITS = UploadLimits(file_bytes=20_000_000, request_bytes=50_000_000)
READING = Reading(2, 2)
LONG = "Very " * 60 + "long"


@pytest.fixture(params=["en", "nb"])
def reader(request):
    """Somebody at the desk, in either language."""
    return Reader(request.param, "the-token", TODAY)


@pytest.fixture
def english():
    """Somebody at the desk who reads English."""
    return Reader("en", "the-token", TODAY)


RECEIPT = Receipt(
    "added/fee.pdf", "The fee", "v" * 64, ("en",), 5400, 1234, 9, 4, (3,),
    Findings(2, ("Menu Home Contact",), (HiddenText("same_colour", f"Buy Acme {HOSTILE}", 2),)),
    notices=("3 pictures hold no text.",),
    checks=(PageCheck(1, True, 3, 3), PageCheck(2, True, 3, 2), PageCheck(3, False, 0, 0), PageCheck(4, True, 0, 0)),
    problems=(Problem("page 3 holds no text, it may be scanned", "Run OCR on it"),),
)  # fmt: skip
DRAFT = Draft(
    "d1", "fee.pdf", "ready", "Kari", "2026-11-22T08:05Z", "added/fee.pdf", "The fee",
    Metadata(title="The fee", publisher="FDA", published="2026-10", valid_until="2027-05-01", is_review_date=True,
             audience=("MD", "SPACE"), stage=("S2",)),
    receipt=RECEIPT,
)  # fmt: skip
HELD = Held(
    "programme/a b & c.md", "What it costs", "published", "a" * 64, "en",
    Metadata(publisher="USA next!", valid_until="2026-06", is_review_date=True, status="draft", audience=("ALL",),
             url="https://publisher.example/costs"),
    12, None, True, "2026-11-20T08:00Z",
)  # fmt: skip


def text_of(html: str) -> str:
    """Return what a page shows, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def shown_by(draft=DRAFT, reader=None, **more):
    """Return the page of a draft."""
    return drafts.draft_page(reader or Reader("en", "the-token", TODAY), draft, READING, LIMITS, **more)


def chunks_of(document, *starts: str) -> tuple[Chunk, ...]:
    """Cut a document where these words begin."""
    cuts = [*(document.text.index(words) for words in starts), len(document.text)]
    return tuple(
        Chunk(f"c{number}", document.id, document.version, document.text[start:end], start, end, document.title,
              document.heading_at(start), document.page_at(start), document.section_at(start).language)
        for number, (start, end) in enumerate(itertools.pairwise(cuts))
    )  # fmt: skip


# ---- Receipts ----


def test_a_receipt_says_what_was_read_what_not_and_what_helps(english):
    """Numbers, empty pages, tables, what was dropped, hidden words, and each problem with its remedy."""
    said = text_of(receipts.receipt(english, RECEIPT, "draft-text", "d1"))
    for words in (
        "One thing needs a look", "Page 3 holds no text, it may be scanned. What helps: Run OCR on it.", "Pages 4",
        "Passages 9", "Words 1,234", "Language English", "Tables 2", "Pages without text 3",
        "One piece was left out as a menu, header, footer or the like", "Menu Home Contact",
        "One passage that a reader of the file would not see:", "In the colour of the page, Page 2", "Buy Acme",
        "3 pictures hold no text.",
    ):  # fmt: skip
        assert words in said


def test_a_receipt_shows_page_by_page_whether_it_is_found(english):
    """Each page is a link to its text, and what is not quite all is never called all."""
    html = receipts.receipt(english, RECEIPT, "draft-text", "d1")
    said = text_of(html)
    assert "6 of its own sentences were searched for, and 5 of them brought their passage back: 83 %." in said
    assert re.findall(r'<li class="(\w+)"><a href="([^"]+)"', html) == [
        ("good", "draft-text?id=d1&amp;page=1#page-1"),
        ("care", "draft-text?id=d1&amp;page=2#page-2"),
        ("empty", "draft-text?id=d1&amp;page=3#page-3"),
        ("quiet", "draft-text?id=d1&amp;page=4#page-4"),
    ]
    almost = replace(RECEIPT, problems=(), empty_pages=(), checks=(PageCheck(None, True, 1000, 999),))
    assert "99 % of its sentences are found." in text_of(receipts.verdict(english, almost))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(
            {"problems": (), "empty_pages": (), "checks": (PageCheck(1, True, 2, 2),)}, "good", id="all found"
        ),
        pytest.param({"problems": (), "checks": (PageCheck(1, True, 2, 2),)}, "care", id="a page without text"),
        pytest.param({"problems": (), "checks": ()}, "", id="nothing searched"),
        pytest.param({}, "care", id="problems"),
    ],
)
def test_only_a_document_that_is_found_whole_is_called_good(reader, change, kind):
    """In either language."""
    verdict = receipts.verdict(reader, replace(RECEIPT, **change))
    assert verdict.startswith(f'<div class="desk-note{f" {kind}" if kind else ""}">')


def test_a_document_of_a_thousand_pages_shows_those_that_need_a_look(english):
    """The others are counted."""
    checks = [PageCheck(page, page != 500, 1, 1) for page in range(1, 1001)]
    html = receipts.receipt(english, replace(RECEIPT, pages=1000, checks=tuple(checks)), "draft-text", "d1")
    assert html.count('<li class="empty">') == 1
    assert html.count('<li class="good">') == 0
    assert "on the other 999 pages" in text_of(html)


@pytest.mark.parametrize(
    ("pages", "shown"),
    [((3,), "3"), ((1, 2, 3), "1–3"), ((7, 3, 8, 9), "3, 7–9"), ((), "")],
    ids=["one", "a run", "both", "none"],
)
def test_page_numbers_are_written_as_people_do(pages, shown):
    """Runs are drawn together."""
    assert receipts.page_ranges(pages) == shown


# ---- The text ----


def test_a_text_stands_in_boxes_of_its_passages_with_the_marks_of_its_pages(english, documents):
    """Every character of every passage, once, and each page where it begins."""
    document = documents["report"]
    chunks = chunks_of(document, "Paying for care", "Medicaid insures", "Hvem betaler")
    html = receipts.preview(english, Preview(document, chunks), None, "draft-text", id="d1")
    boxes = re.findall(r'<section class="desk-passage"[^>]*>(.*?)</section>', html)
    assert len(boxes) == 3
    for box, chunk in zip(boxes, chunks, strict=True):
        words = re.sub(r'<span class="desk-page".*?</span>|<h2.*?</h2>', "", box)
        assert unescape(re.sub(r"<[^>]+>", "", words)) == chunk.text
    assert re.findall(r'id="(page-\d)" lang="en">([^<]+)<', html) == [
        ("page-1", "Page 1&#44; printed as i"), ("page-2", "Page 2&#44; printed as ii"), ("page-3", "Page 3"),
    ]  # fmt: skip


def test_pages_without_text_are_named_where_they_stand(english, make):
    """Also those at the end."""
    document = replace(make("scan.pdf", [("en", "Scan", ["# Scan", "Words of page two."])]), pages=(0, 0, 25, 25))
    document = replace(document, pages=(0, 0, len(document.text), len(document.text)))
    html = receipts.preview(english, Preview(document, chunks_of(document, "Scan")), None, "draft-text", id="d1")
    assert re.findall(r'id="page-(\d)" lang="en">([^<]+)<', html) == [
        ("1", "Page 1 – no text"), ("2", "Page 2"), ("3", "Page 3 – no text"), ("4", "Page 4 – no text"),
    ]  # fmt: skip


def test_a_long_text_is_turned_twenty_pages_at_a_time(english, make):
    """An address outside the text leads to its end, a wrong one to its beginning."""
    blocks = [f"These are the words of page {number}." for number in range(1, 46)]
    document = make("long.pdf", [("en", "Long", blocks)], page_at=blocks)
    preview = Preview(document, chunks_of(document, *blocks))
    for asked, first, last in (("1", 1, 20), ("25", 21, 40), ("999", 41, 45), ("x", 1, 20), (None, 1, 20)):
        html = receipts.preview(english, preview, asked, "draft-text", id="d1")
        pages = [int(page) for page in re.findall(r'id="page-(\d+)"', html)]
        assert pages == list(range(first, last + 1)), asked
        assert f"words of page {first}&#46;" in html
        assert f"Pages {first} to {last} of 45" in text_of(html)


# ---- Differences ----


def test_a_comparison_shows_changes_and_a_little_around_them(english):
    """Words of files are text, and what is the same at length is counted."""
    same = [ChangedLine("same", f"line {number}") for number in range(20)]
    lines = [ChangedLine("removed", "<b>old</b>"), *same, ChangedLine("added", f"new {HOSTILE}")]
    html = receipts.difference(english, lines)
    said = text_of(html)
    assert "1 lines added, 1 taken away." in said
    assert "16 lines are the same" in said
    assert ("line 1" in said, "line 10" in said, "line 19" in said) == (True, False, True)
    assert "<b>" not in html
    assert "<script" not in html
    assert html.count("<ins>") == html.count("<del>") == 1


def test_lines_that_resemble_each_other_are_compared_word_by_word(english):
    """Only what differs is marked; a line without its like is marked whole."""
    lines = [
        ChangedLine("removed", "The fee is 4,711 dollars per company."),
        ChangedLine("added", "The fee is 5,000 dollars per company & year."),
        ChangedLine("added", "A new line."),
    ]
    html = receipts.difference(english, lines)
    assert [unescape(words) for words in re.findall(r"<del>(.*?)</del>", html)] == ["4,711"]
    assert [unescape(words) for words in re.findall(r"<ins>(.*?)</ins>", html)] == ["5,000", " & year", "A new line."]


def test_texts_that_are_the_same_are_called_so(reader):
    """Nothing is listed."""
    assert "<p" in receipts.difference(reader, [])
    assert "desk-difference" not in receipts.difference(reader, [])


# ---- Drafts ----


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("same_file", "The very same file: What it costs (published)"),
        ("same_text", "The same text, word for word: What it costs (published)"),
        ("nearly_same", "93 % the same: What it costs (published)"),
    ],
)
def test_a_twin_is_named_before_publishing_with_three_ways_out(kind, words):
    """Publish all the same, make it a new version, throw it away."""
    twin = Twin("programme/a.md", "What it costs", kind, 0.934, "published")
    html = shown_by(replace(DRAFT, receipt=replace(RECEIPT, twins=(twin,))))
    assert words in text_of(html)
    assert html.index("desk-twins") < html.index("draft-publish")
    forms_there = re.findall(r'action="([^"]+)"', html)
    assert {"draft-version", "draft-publish", "draft-discard"} <= set(forms_there)
    assert "Publish all the same" in text_of(html)


def test_another_draft_is_a_twin_that_nothing_can_be_a_version_of():
    """It is named and linked."""
    html = shown_by(replace(DRAFT, receipt=replace(RECEIPT, twins=(Twin("d2", "Fee", "same_file", 1.0, "draft"),))))
    assert "draft?id=d2" in html
    assert "draft-version" not in html


def test_what_a_draft_replaces_is_no_twin_of_it():
    """It is named as what it replaces, with the way to what changes."""
    twin = Twin(HELD.id, HELD.title, "nearly_same", 0.9, "published")
    draft = replace(DRAFT, replaces=HELD.id, receipt=replace(RECEIPT, twins=(twin,)))
    html = shown_by(draft, replaced=HELD)
    assert "desk-twins" not in html
    assert "This is a new version of What it costs ." in text_of(html)
    assert "document-difference" in html
    assert "Publish the new version" in text_of(html)


def test_a_draft_that_cannot_be_read_says_why_and_takes_another_file():
    """It cannot be published."""
    failed = replace(DRAFT, state="failed", receipt=None, problem=Problem("has 2 pages and no text", "Run OCR"))
    html = shown_by(failed)
    assert "Has 2 pages and no text. What helps: Run OCR." in text_of(html)
    assert "instead=d1" in html
    assert "multipart/form-data" in html
    assert "draft-publish" not in html


@pytest.mark.parametrize("state", ["waiting", "reading"])
def test_a_draft_that_is_being_read_says_how_long(reader, state):
    """And that one can leave."""
    html = drafts.draft_page(reader, replace(DRAFT, state=state, receipt=None), Reading(1, 4, "x", 130.0), LIMITS)
    assert 'id="reading" data-watch="d1&#58;' in html
    assert "3" in drafts.time_left(reader, 130.0)
    assert "<form" in html  # only to throw it away
    assert html.count("<form") == 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (0.2, "About 5 seconds left."), (42, "About 45 seconds left."), (61, "About 2 minutes left."),
     (60, "About one minute left.")],
    ids=["unknown", "soon", "seconds", "minutes", "a minute"],
)  # fmt: skip
def test_time_left_is_said_as_people_say_it(english, seconds, words):
    """Rounded up: nobody waits longer than was said."""
    assert drafts.time_left(english, seconds) == words


def test_a_test_question_shows_the_answer_with_its_quotes(documents, shelf):
    """Words of the document are text, and nothing links to a document that is not in yet."""
    answer = shelf.ask("What does a place in the programme cost?")
    html = shown_by(question="What does it cost?", answer=answer)
    part = html[html.index('id="answer"') : html.index("<aside")]
    assert "The draft answers this:" in text_of(part)
    assert answer.citations[0].quote in text_of(part)
    assert "source/" not in part
    refused = Answer("The documents say nothing.", "abstained", "en", Query("?", "?", "en"), "not_covered")
    assert "The draft does not answer this." in text_of(shown_by(question="?", answer=refused))


def test_the_list_of_drafts_lets_only_those_be_chosen_that_are_ready(english):
    """Each with its state, what was read, and who added it."""
    failed = replace(DRAFT, id="d2", state="failed", receipt=None, problem=Problem("is damaged", "Send it again"))
    html = drafts.drafts_page(english, [DRAFT, failed, replace(DRAFT, id="d3", state="reading")], Reading(2, 3, "x", 9))
    assert re.findall(r'type="checkbox" name="id" value="(\w+)"', html) == ["d1"]
    said = text_of(html)
    for words in ("4 pages, 9 passages", "1 thing to look at", "Is damaged.", "Kari", "22 Nov 2026, 08:05 UTC"):
        assert words in said
    assert "Reading document 3 of 3. About 10 seconds left." in said


def test_what_our_script_is_told_is_what_the_page_would_say(reader):
    """Sentences in the language of the page, as plain text."""
    values = drafts.reading_values(reader, [DRAFT], Reading(0, 1, None, 30.0))
    assert json.loads(json.dumps(values)) == values
    assert values["drafts"][0]["href"] == "draft?id=d1"
    assert values["drafts"][0]["says"] == reader.plain("draft_ready_with", count=1)
    assert values["sentence"].startswith(reader.plain("reading_now", place=1, total=1))


# ---- Metadata ----


def test_the_form_brings_back_what_it_was_made_from(reader):
    """Nothing is changed by saving a form as it is; a field that we have no name for stays ticked."""
    html = forms.metadata_form(reader, DRAFT.metadata, "draft-describe", {"id": "d1"}, found_title="The fee")
    texts = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" type="text" value="([^"]*)"', html)}
    ticked: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="checkbox" name="(\w+)" value="(\w+)" checked', html):
        ticked.setdefault(name, []).append(value)
    assert texts["check_again_by"] == "2027-05-01"
    assert texts["valid_until"] == ""
    assert ticked == {"audience": ["MD", "SPACE"], "stage": ["S2"]}
    assert forms.changed_values(DRAFT.metadata, forms.typed_values(texts, ticked)) == {}


def test_only_what_was_changed_is_sent_on():
    """A key that the form cannot show, such as a second date, is left alone."""
    typed = forms.typed_values(
        {"title": " The  new fee ", "publisher": "FDA", "published": "2026-10", "check_again_by": "2027-05-01"},
        {"audience": ("MD", "MD"), "stage": ("S2",)},
    )
    assert forms.changed_values(DRAFT.metadata, typed) == {"title": "The new fee", "audience": ["MD"]}


def test_what_could_not_be_kept_stands_in_the_form_again(english):
    """With why, and nothing typed is lost."""
    typed = {**forms.values_of(DRAFT.metadata), "published": "soon", "title": HOSTILE}
    html = shown_by(typed=typed, problem="'published' is 'soon', expected a date.")
    assert "expected a date." in text_of(html)
    assert 'name="published" type="text" value="soon"' in html
    assert unescape(re.search(r'name="title" type="text" value="([^"]*)"', html)[1]) == HOSTILE


# ---- Documents ----

SHELF = (
    HELD,
    replace(HELD, id="b.md", title="Aase's notes", language="nb", stored_at="2026-11-22T08:00Z",
            metadata=Metadata(publisher="Oslo", audience=("MD",), valid_until="2027-01")),
    replace(HELD, id="c.pdf", title="Zebra", state="unpublished", since="2026-11-01", chunks=99,
            metadata=Metadata(audience=("ELD",), valid_until="2026-12-01", is_review_date=True)),
    replace(HELD, id="gone.md", title="Gone", state="withdrawn", since="2026-11-01", erase_on="2026-12-01"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "titles"),
    [
        pytest.param({}, ["Aase's notes", "What it costs", "Zebra"], id="all but withdrawn ones, by title"),
        pytest.param({"state": "unpublished"}, ["Zebra"], id="state"),
        pytest.param({"state": "withdrawn"}, ["Gone"], id="withdrawn"),
        pytest.param({"state": "review"}, ["What it costs"], id="past their date"),
        pytest.param({"state": "nonsense"}, ["Aase's notes", "What it costs", "Zebra"], id="an unknown state"),
        pytest.param({"language": "nb"}, ["Aase's notes"], id="language"),
        pytest.param({"field": "MD"}, ["Aase's notes", "What it costs"], id="a field, with those for all"),
        pytest.param({"text": "oslo NOTES"}, ["Aase's notes"], id="words of title and publisher"),
        pytest.param({"text": "a b &"}, ["What it costs"], id="words of the path"),
        pytest.param({"order": "newest"}, ["Aase's notes", "What it costs", "Zebra"], id="newest first"),
        pytest.param({"order": "review"}, ["What it costs", "Zebra", "Aase's notes"], id="by date"),
        pytest.param({"order": "size"}, ["Zebra", "What it costs", "Aase's notes"], id="by size"),
        pytest.param({"order": "publisher"}, ["Aase's notes", "What it costs", "Zebra"], id="by publisher"),
        pytest.param({"text": "nowhere"}, [], id="nothing fits"),
    ],
)
def test_the_list_shows_what_was_chosen_in_the_order_that_was_chosen(english, chosen, titles):
    """And says how many they are."""
    html = documents.documents_page(english, SHELF, documents.Chosen(**chosen))
    assert [unescape(title) for title in re.findall(r'class="first".*?<bdi>(.*?)</bdi></a>', html)] == titles
    assert (f"{len(titles)} document" in text_of(html)) or not titles


def test_a_long_list_is_turned_a_hundred_at_a_time(english):
    """Filters stay chosen."""
    many = [replace(HELD, id=f"{number:03}.md", title=f"Document {number:03}") for number in range(250)]
    html = documents.documents_page(english, many, documents.Chosen(language="en", place=101))
    assert html.count("<tr>") == 101
    assert "101 to 200 of 250" in text_of(html)
    assert "documents?language=en&amp;place=201" in html


def test_a_document_says_what_is_known_and_what_can_be_done(english):
    """Each thing that changes what founders see says so in a sentence."""
    deeds = [Deed(5, "2026-11-22T09:00Z", "Ola", "edited", HELD.id, HELD.title, "title, valid_until", True)]
    versions = [HeldVersion("a" * 64, "2026-11-20T08:00Z", True), HeldVersion("b" * 64, "2026-10-01T08:00Z", False)]
    html = documents.document_page(english, HELD, versions, deeds)
    said = text_of(html)
    for words in (
        "Published", "Review date passed: Jun 2026", "Publisher USA next!", "Fields All fields", "Passages 12",
        "Version aaaaaaaa answers now", "Details changed Title, Last day", "Fetch it again",
        "No question is answered from it any more. Old links still open, and you can publish it again.",
        "All of it is erased after 30 days.",
    ):  # fmt: skip
        assert words in said
    assert 'name="deed" value="5"' in html
    assert html.count("document-difference?id") == 2  # the tab, and since the older version


def test_an_unpublished_document_can_be_published_again_and_a_withdrawn_one_is_but_its_history(english):
    """What was withdrawn shows no text, and can be undone until it is erased."""
    unpublished = documents.document_page(english, SHELF[2], [], [])
    assert "Unpublished since 1 Nov 2026." in text_of(unpublished)
    assert "document-republish" in unpublished
    assert "document-unpublish" not in unpublished
    deed = Deed(9, "2026-11-01T09:00Z", "Ola", "withdrawn", "gone.md", "Gone", "2026-12-01", True)
    withdrawn = documents.document_page(english, SHELF[3], [], [deed])
    assert "All of it is erased on 1 Dec 2026; until then this can be undone below." in text_of(withdrawn)
    assert "document-text" not in withdrawn
    assert 'name="deed" value="9"' in withdrawn
    erased = documents.document_page(english, replace(SHELF[3], erase_on=None), [], [])
    assert "Only its title, its number and that day are left." in text_of(erased)


@pytest.mark.parametrize(
    ("title", "confirmed_by"),
    [
        ("What it costs", "What it costs"),
        (LONG, "Very Very Very Very Very"),
        ("\u202e\u200bFee", "Fee"),
        ("\u202e\u200b", HELD.id),
    ],
    ids=["short", "long", "with marks of direction", "nothing to see"],
)
def test_withdrawing_is_confirmed_by_something_that_can_be_typed(title, confirmed_by):
    """However the title is written."""
    assert documents.confirmation(replace(HELD, title=title)) == confirmed_by


# ---- Hostile names and texts ----


@pytest.mark.parametrize("text", [HOSTILE, LONG, "\u202eright to left", "\x00\x1b[31m\ud800"], ids=range(4))
def test_names_and_texts_of_others_are_text_and_nothing_else(english, text):
    """On every page, in every place: nothing becomes a tag or an attribute, and the direction ends where it began."""
    metadata = Metadata(
        title=text, publisher=text, status=text, url=f"javascript:{text}", audience=(text,), stage=(text,)
    )
    held = replace(HELD, id=f"{text}.md", title=text, metadata=metadata)
    twin = Twin(f"{text}.md", text, "same_text", 1.0, "published")
    found = replace(RECEIPT, title=text, notices=(text,), problems=(Problem(text, text),), twins=(twin,),
                    findings=Findings(0, (text,), (HiddenText("tiny", text, None),)))  # fmt: skip
    draft = replace(DRAFT, name=text, title=text, added_by=text, document=text, source_url=text, metadata=metadata,
                    receipt=found)  # fmt: skip
    deed = Deed(1, "2026-11-22T09:00Z", text, "discarded", held.id, text, text, True)
    failed = replace(draft, state="failed", problem=Problem(text, text))
    pages = [
        shown_by(draft), shown_by(replace(draft, replaces=held.id), replaced=held), shown_by(failed),
        shown_by(question=text, answer=text, problem=text),
        drafts.drafts_page(english, [draft, failed], READING),
        drafts.add_page(english, LIMITS, waiting=1, url=text, link_problem=text),
        documents.document_page(english, held, [HeldVersion("a" * 64, "2026-11-22T09:00Z", False)], [deed]),
        documents.documents_page(english, [held], documents.Chosen(text=text, field=text, language=text)),
        documents.edit_page(english, held, problem=text), documents.replace_page(english, held, LIMITS),
        documents.withdraw_page(english, held, typed=text, problem=text),
    ]  # fmt: skip
    for html in pages:
        assert not re.search(r"<script|<img|onerror=|javascript:|[\x00-\x08\x1b\ud800-\udfff]", html)
        for tag in re.findall(r"<[^<>]*>", html):
            assert re.fullmatch(r'</?[a-z][a-z0-9]*( [a-z-]+(="[^"<>]*"|=[a-z]+)?)* ?/?>', tag), tag
        # What turns the direction of the words after it is left out, except from what somebody types on.
        assert "\u202e" not in re.sub(r'value="[^"]*"', "", html)


# ---- A real desk ----


@dataclass
class Sitting:
    """Somebody who has logged in at a desk over the tiny corpus."""

    assistant: object
    desk: object
    until: object
    uploads: Path

    def get(self, path: str, **query: str):
        return self.desk.client.get(f"/staff/{path}", params=query, headers=OWN)

    def send(self, path: str, **fields: object):
        return self.desk.client.post(f"/staff/{path}", data={"token": self.token, **fields}, headers=OWN)

    @property
    def token(self) -> str:
        return re.search(r'name="token" value="([^"]+)"', self.get("add").text)[1]

    def upload(self, *files: tuple[str, bytes | str], script: bool = False, **query: str):
        parts = [
            ("file", (name, content if isinstance(content, bytes) else content.encode())) for name, content in files
        ]
        headers = {**OWN, **({"accept": "application/json"} if script else {})}
        return self.desk.client.post(
            "/staff/upload", params={"token": self.token, **query}, files=parts, headers=headers
        )

    def read(self) -> None:
        """Wait until everything has been read."""
        drafts_now = self.assistant.staff.drafts
        self.until(lambda: all(draft.state in ("ready", "failed") for draft in drafts_now.all()))

    def add(self, name: str, content: bytes | str, **query: str) -> str:
        """Send a file and return the id of its draft, once it is read."""
        answer = self.upload((name, content), **query)
        assert answer.status_code == 303, answer.text
        self.read()
        return re.fullmatch(r"\.\./staff/draft\?id=([\w-]+)", answer.headers["location"])[1]

    def follow(self, answer) -> str:
        """Return what the page says that a form led to."""
        assert answer.status_code == 303, answer.text
        return text_of(
            self.desk.client.get("/staff/" + answer.headers["location"].removeprefix("../staff/"), headers=OWN).text
        )


@pytest.fixture
def sitting(synced, until, tmp_path):
    """A desk whose drafts and documents are real."""
    staff, uploads = MemoryStaff(drafts=synced.staff.drafts, shelf=synced.staff.shelf), tmp_path / "uploads"

    def more(app):
        router = desk_router()
        drafts.add_drafts(router, staff.drafts, staff.shelf, folder=uploads, limits=LIMITS, today=lambda: TODAY)
        documents.add_documents(router, staff.drafts, staff.shelf, limits=LIMITS, today=lambda: TODAY)
        app.include_router(router)

    desk = make_desk(staff, upload_bytes=LIMITS.request_bytes, more=more)
    desk.log_in()
    return Sitting(synced, desk, until, uploads)


FERRY = "# The ferry\n\nThe ferry to the island costs 350 kroner for a car.\n\nThe first ferry leaves at 6.15.\n"


def test_a_file_becomes_a_draft_that_is_tried_described_and_published(sitting):
    """Nothing is answered from it before; afterwards it is."""
    draft = sitting.add("ferry.md", FERRY)
    page = text_of(sitting.get("draft", id=draft).text)
    assert "The ferry" in page
    assert "1 passage" in page.lower().replace("passages 1", "1 passage")
    asked = text_of(sitting.get("draft", id=draft, question="What does the ferry cost for a car?").text)
    assert "350 kroner" in asked
    assert "The draft answers this:" in asked
    assert "350" not in sitting.assistant.ask("What does the ferry cost for a car?").text

    form = sitting.get("draft", id=draft).text
    seen = re.search(r'name="seen" value="(\w+)"', form)[1]
    described = sitting.send("draft-describe", id=draft, seen=seen, title="Ferry fares", publisher="The Quay")
    assert "The details are saved." in sitting.follow(described)
    sitting.read()
    published = sitting.follow(sitting.send("draft-publish", id=draft))
    assert "Published. Questions are answered from this document now." in published
    assert "Ferry fares" in published
    assert "Publisher The Quay" in published
    assert "350 kroner" in sitting.assistant.ask("What does the ferry cost for a car?").text
    assert sitting.get("draft", id=draft).status_code == 404
    assert list(sitting.uploads.iterdir()) == []


def test_each_file_of_many_gets_its_own_sentence(sitting):
    """A bad one stops nobody, a zip file is opened, and our script is told in JSON."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.txt", "The eel of the harbour sleeps in the winter.")
        archive.writestr("deep/two.txt", "The crab of the harbour walks in the summer.")
    said = sitting.follow(
        sitting.upload(
            ("ferry.md", FERRY), ("photo.jpg", b"\xff\xd8"), ("empty.txt", b""), ("both.zip", packed.getvalue())
        )
    )
    assert "3 drafts were added." in said
    assert "photo.jpg" in said
    assert "empty.txt: It is empty (0 bytes)." in said
    reply = sitting.upload(("photo.jpg", b"\xff\xd8"), script=True)
    assert reply.status_code == 422
    assert ".jpg" in reply.json()["error"]
    assert reply.json()["drafts"] == []
    good = sitting.upload(("more.txt", "The gull eats what the ferry leaves."), script=True).json()
    sitting.read()
    now = sitting.get("reading").json()
    assert [draft["state"] for draft in now["drafts"] if draft["id"] == good["drafts"][0]["id"]] == ["ready"]
    assert list(sitting.uploads.iterdir()) == []


def test_a_new_version_shows_what_changes_and_can_be_undone(sitting):
    """Old versions stay readable, and the history says who did what."""
    document = "programme/mentors.md"
    old = sitting.assistant.staff.shelf.preview(document).document.text
    draft = sitting.add("mentors.md", f"# Mentors\n\n{old.replace('4,711', '5,000')}", replaces=document)
    change = text_of(sitting.get("document-difference", id=document, draft=draft).text)
    assert "5,000" in change
    assert "4,711" in change
    assert "The new version is published." in sitting.follow(sitting.send("draft-publish", id=draft))
    page = sitting.get("document", id=document).text
    deed = re.search(r'name="deed" value="(\d+)"', page)[1]
    assert "Kari" in text_of(page)
    assert "5,000" in sitting.assistant.ask("What is the walrus fee per company?").text
    assert "Undone. All is as it was before." in sitting.follow(sitting.send("document-undo", id=document, deed=deed))
    assert "4,711" in sitting.assistant.ask("What is the walrus fee per company?").text
    again = sitting.follow(sitting.send("document-undo", id=document, deed=deed))
    assert "cannot be undone" in again


def test_a_twin_is_recognised_and_can_become_a_new_version(sitting):
    """Before it is published."""
    text = sitting.assistant.staff.shelf.preview("programme/mentors.md").document.text
    draft = sitting.add("copy.md", f"---\ntitle: Mentors\nlanguage: en\n---\n\n{text}\n\nOne line more.\n")
    page = sitting.get("draft", id=draft).text
    assert "says the same" in text_of(page)
    chosen = sitting.send("draft-version", id=draft, document="programme/mentors.md")
    assert "is now a new version of that document" in sitting.follow(chosen)
    own = sitting.follow(sitting.send("draft-version", id=draft, document=""))
    assert "a document of its own again" in own


def test_unpublishing_withdrawing_and_coming_back(sitting):
    """What was withdrawn shows its text nowhere, and its title is typed first."""
    document = "programme/mentors.md"
    one = {"id": document}
    assert "No question is answered from this document now" in sitting.follow(sitting.send("document-unpublish", **one))
    assert "4,711" not in sitting.assistant.ask("What is the walrus fee per company?").text
    assert "Published again." in sitting.follow(sitting.send("document-republish", **one))
    wrong = sitting.send("document-withdraw", **one, title="something else")
    assert wrong.status_code == 422
    assert "Nothing was changed." in text_of(wrong.text)
    gone = sitting.follow(sitting.send("document-withdraw", **one, title=" mentors of the HARBOUR programme "))
    assert "Its text is shown nowhere from now on." in gone
    assert "until then this can be undone below" in gone
    for path in ("document-text", "document-edit", "document-receipt", "document-difference", "document-withdraw"):
        assert sitting.get(path, id=document).status_code == 404
    deed = re.search(r'name="deed" value="(\d+)"', sitting.get("document", id=document).text)[1]
    assert "Undone." in sitting.follow(sitting.send("document-undo", id=document, deed=deed))
    assert "4,711" in sitting.assistant.ask("What is the walrus fee per company?").text


def test_details_are_saved_refused_with_a_reason_or_kept_from_undoing_others(sitting):
    """What was typed is never lost."""
    document = "programme/mentors.md"

    def save(seen=None, **fields):
        page = sitting.get("document-edit", id=document).text
        seen = seen or re.search(r'name="seen" value="(\w+)"', page)[1]
        return sitting.send("document-edit", id=document, seen=seen, **fields)

    known = {"title": "Mentors of the harbour programme", "language": "en", "publisher": "The Harbour Office"}
    before = re.search(r'name="seen" value="(\w+)"', sitting.get("document-edit", id=document).text)[1]
    assert "Nothing was changed" in sitting.follow(save(**known, published="2024-03"))
    refused = save(**known, published="next spring", status="new")
    assert refused.status_code == 422
    assert 'value="next&#32;spring"' in refused.text or 'value="next spring"' in refused.text
    assert "expected a date" in text_of(refused.text)
    saved = sitting.follow(save(**known, published="2024-03", check_again_by="2025-01", audience=["MD", "DH"]))
    assert "Review date passed: Jan 2025" in saved
    assert "Medtech, Digital health" in saved
    late = save(seen=before, **known, published="2020")
    assert late.status_code == 422
    assert "Somebody has changed these details" in text_of(late.text)
    assert 'value="2020"' in late.text


def test_pages_of_a_document_open(sitting):
    """Its text, its receipt searched just now, its details, the list."""
    pages = sitting.get("document-text", id="reports/harbour.pdf").text
    assert 'id="page-2"' in pages
    assert "umbrellas" in pages
    receipt = text_of(sitting.get("document-receipt", id="reports/harbour.pdf").text)
    assert "Searched for just now." in receipt
    assert "100 %" in receipt
    assert "3 documents" in text_of(sitting.get("documents").text)
    alone = sitting.get("document-difference", id="reports/harbour.pdf")
    assert "There is only one version of this document" in text_of(alone.text)
    wrong = sitting.get("document-difference", id="reports/harbour.pdf", version="f" * 64)
    assert wrong.status_code == 422
    assert "no earlier version" in text_of(wrong.text)


def test_several_drafts_are_published_or_thrown_away_together(sitting):
    """Those that cannot be are named."""
    one = sitting.add("eel.txt", "The eel of the harbour sleeps in the winter.")
    two = sitting.add("crab.txt", "The crab of the harbour walks in the summer.")
    assert "Choose at least one draft first." in sitting.follow(sitting.send("drafts-publish"))
    assert "One draft was thrown away." in sitting.follow(sitting.send("drafts-publish", id=[two], discard="1"))
    said = sitting.follow(sitting.send("drafts-publish", id=[one, two]))
    assert "One document is published" in said
    assert sitting.assistant.staff.drafts.all() == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("draft", {"id": "nothing"}), ("draft-text", {"id": ""}), ("document", {"id": "../../etc/passwd"}),
        ("document-text", {"id": "programme/mentors.md", "version": "f" * 64}), ("document-replace", {"id": "\u202e"}),
    ],
)  # fmt: skip
def test_what_is_not_there_says_so(sitting, path, query):
    """With the way on."""
    answer = sitting.get(path, **query)
    assert answer.status_code == 404
    assert '<a href="d' in answer.text


@pytest.mark.parametrize(
    "path", ["draft-publish", "draft-discard", "draft-describe", "document-edit", "document-withdraw", "document-undo"]
)
def test_a_form_about_what_is_gone_changes_nothing(sitting, path):
    """Somebody else was quicker."""
    answer = sitting.send(path, id="nothing", deed="99999", title="x")
    assert answer.status_code in (303, 404)
    assert len(sitting.assistant.staff.shelf.all()) == 3


def test_an_upload_without_the_token_is_not_taken(sitting):
    """Nor one from another site."""
    files = [("file", ("ferry.md", FERRY))]
    without = sitting.desk.client.post("/staff/upload", files=files, headers=OWN)
    foreign = sitting.desk.client.post(
        "/staff/upload", params={"token": sitting.token}, files=files, headers={"sec-fetch-site": "cross-site"}
    )
    assert (without.status_code, foreign.status_code) == (403, 403)
    assert sitting.assistant.staff.drafts.all() == []
