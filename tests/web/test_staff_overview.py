"""The desk's first page, documents that need a look, the history, the doctor and backups."""

from __future__ import annotations

import re
import threading
from datetime import date
from html import unescape
from typing import get_args, get_type_hints

import pytest

from assistant.desk import Action, CheckReport, Deed, Difference, HealthLine, Reading
from assistant.errors import DataFolderError
from assistant.web.staff_forms import Reader
from assistant.web.staff_overview import (
    HEALTH_KINDS,
    Checked,
    Now,
    health_body,
    history_body,
    sent_while_written,
    today_body,
    upkeep_body,
)
from tests.web.desk import DEEDS, DRAFTS, GAPS, HEALTH, HELD, HOSTILE, OWN, empty_staff, make_desk

ENGLISH = Reader("en", "token", date(2026, 11, 22))
NORWEGIAN = Reader("nb", "token", date(2026, 11, 22))
LANGUAGES = pytest.mark.parametrize("reader", [ENGLISH, NORWEGIAN], ids=["en", "nb"])
ORPHAN = Difference("orphan", "a.md", f"3 passages of {HOSTILE} are left over.")
LOST = Difference("original", "b.pdf", "The original of b.pdf is missing. Put the file back.", repairable=False)
FOUND = Checked(CheckReport((ORPHAN,), 2, 52, 1.25), "2026-11-22T14:05Z")
BUSY = Now(HELD, DRAFTS, Reading(1, 4, "c.pdf", 20.0), GAPS, HEALTH, DEEDS, FOUND)


@pytest.fixture
def desk():
    """The desk, to which Kari has logged in."""
    made = make_desk()
    made.log_in()
    return made


def words(html: str) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


# ---- The first page ----


def test_the_first_page_says_what_needs_doing_most_urgent_first():
    """Each line leads to where it is done."""
    html = today_body(ENGLISH, BUSY)
    assert "2 documents answer questions 2 drafts wait to be published 2 open topics" in words(html)
    assert "2 documents past or near a review date" in words(html)
    things = [
        words(line) for line in re.findall(r"<li>(.*?)</li>", html.partition("desk-todo")[2].partition("</ul>")[0])
    ]
    assert things == [
        "Documents are being read: 1 of 4 are done.",
        "One draft cannot be read: see why, and what helps.",
        "One draft is read and waits to be published.",
        "The doctor found one difference.",
        "One document is past its review date, which founders see.",
        "One topic of the gap board is answered now, but still marked open.",
        "Asked 15 times without an answer: What does an FDA 510(k) cost?",
        "One document is found by its words, and by its meaning in a few minutes.",
    ]
    assert {"drafts", "upkeep", "health#review_past", "gap?id=9", "gap?id=7"} <= set(
        re.findall(r'href="([^"]+)"', unescape(html))
    )


def test_a_quiet_day_says_so():
    """Somebody who sees nothing does not know whether it works."""
    now = Now(HELD[:1], (), Reading(0, 0), (), (), (), None)
    assert "Nothing waits for you. Founders can ask about one document." in words(today_body(ENGLISH, now))


@LANGUAGES
def test_the_first_day_begins_with_adding_a_document(reader):
    """The way there stands on the page."""
    html = today_body(reader, Now((), (), Reading(0, 0), (), (), (), None))
    assert reader.plain("today_empty") in words(html)
    assert 'href="add"' in html


def test_every_page_works_on_the_first_day():
    """Nothing fails where nothing is."""
    desk = make_desk(empty_staff())
    desk.log_in()
    for path in ("today", "gaps", "health", "history", "upkeep", "why"):
        assert desk.client.get(f"/staff/{path}").status_code == 200


# ---- Health ----


def test_documents_that_need_a_look_are_grouped_by_why():
    """The most urgent first; each leads to its document."""
    html = health_body(ENGLISH, HEALTH)
    assert re.findall(r'<section id="(\w+)"', html) == ["review_past", "review_near", "not_approved", "never_cited"]
    assert "USA next! in short since Jun 2026" in words(html)
    assert "FDA fees on 1 Dec 2026" in words(html)
    assert 'href="document?id=reports%2Ffda.pdf"' in unescape(html)


@LANGUAGES
def test_there_are_words_for_every_kind(reader):
    """Of health and of what can be done."""
    kinds = get_args(get_type_hints(HealthLine)["kind"])
    assert set(HEALTH_KINDS) == set(kinds)
    text = words(health_body(reader, [HealthLine("a.md", "A", kind) for kind in kinds]))
    assert [kind for kind in kinds if reader.plain(f"health_{kind}") not in text] == []
    deeds = [
        Deed(number, "2026-11-22T14:05Z", "Ola", action, "a.md", "A") for number, action in enumerate(get_args(Action))
    ]
    text = words(history_body(reader, deeds))
    assert [action for action in get_args(Action) if reader.plain(f"deed_{action}") not in text] == []


def test_many_of_one_kind_are_shown_on_demand():
    """So that the other kinds stay in sight."""
    lines = [HealthLine(f"{number}.md", f"Number {number}", "not_approved") for number in range(50)]
    html = health_body(ENGLISH, [*lines, HEALTH[2]])
    assert html.count("<li>") == 51
    assert "Show the other 38 Number 12" in words(html)


def test_nothing_to_look_at_is_said():
    """In one sentence."""
    assert "All documents are in date" in words(health_body(ENGLISH, ()))


# ---- History ----


def test_the_history_tells_who_did_what_and_when():
    """Newest first, with the button where something can be taken back."""
    html = history_body(ENGLISH, DEEDS)
    assert (
        "Details changed USA next! in short Title, Date published 22 Nov 2026, 14:05 UTC · Kari <b>Nordmann</b>"
        in words(html)
    )
    assert re.findall(r'name="deed" value="(\d+)"', html) == ["3"]
    assert "<b>Nordmann" not in html
    assert "<script" not in html


def test_a_deed_is_undone_by_who_has_logged_in(desk):
    """Once; the second time the backend's sentence says why not."""
    response = desk.send("/staff/history/undo", deed=3)
    assert (response.status_code, response.headers["location"]) == (303, "../../staff/history")
    assert desk.staff.shelf.deeds[0].by == "Kari"
    page = desk.client.get("/staff/history")
    assert "Undone: USA next! in short" in words(page.text)
    assert "history/undo" not in page.text
    again = desk.send("/staff/history/undo", deed=3)
    assert again.status_code == 422
    assert "This cannot be undone any more: something newer stands on it." in words(again.text)


def test_the_history_of_one_document(desk):
    """With the way back to all."""
    page = words(desk.client.get("/staff/history", params={"document": "programme/usa-next.md"}).text)
    assert "Who did what: USA next! in short All documents" in page
    assert "Ola" not in page
    assert "Nothing has been done" in words(desk.client.get("/staff/history?document=none.md").text)


# ---- The doctor ----


def test_the_doctor_looks_when_told_and_what_was_found_stays(desk):
    """For everybody who comes later."""
    desk.staff.upkeep.differences = (ORPHAN, LOST)
    assert "Not checked since the assistant was started." in words(desk.client.get("/staff/upkeep").text)
    assert desk.send("/staff/upkeep/check").status_code == 303
    page = desk.client.get("/staff/upkeep").text
    assert "2 differences" in words(page)
    assert "in 1.2 s: 2 documents, 52 passages." in words(page)
    assert "are left over. Can be mended" in words(page)
    assert "Put the file back. By hand" in words(page)
    assert "<script" not in page
    assert "The doctor found 2 differences." in words(desk.client.get("/staff/today").text)


def test_the_doctor_mends_what_can_be_mended(desk):
    """And says what is left; the button is there only where it helps."""
    desk.staff.upkeep.differences = (ORPHAN, LOST)
    desk.send("/staff/upkeep/check")
    desk.send("/staff/upkeep/repair")
    page = desk.client.get("/staff/upkeep").text
    assert "One difference is left." in words(page)
    assert "upkeep/repair" not in page


def test_all_well_is_one_line():
    """With when, and how much was compared; no button to mend nothing."""
    html = upkeep_body(NORWEGIAN, Checked(CheckReport((), 1234, 5678, 0.5), "2026-11-22T14:05Z"))
    assert "Alt stemmer overens. Kontrollert 22. nov. 2026, 14:05 UTC, på 0,5 s: 1 234 dokumenter" in words(html)
    assert "upkeep/repair" not in html


def test_everybody_can_be_logged_out(desk):
    """By a button of the same page."""
    other = desk.door.begin("Ola")
    form = desk.client.get("/staff/upkeep").text.rpartition('action="logout"')[2]
    assert 'name="everywhere" value="1"' in form
    desk.send("/staff/logout", everywhere="1")
    assert desk.door.session(other) is None


def test_looking_changes_nothing(desk):
    """A link, a reload or a browser that looks ahead runs no check and makes no backup."""
    for path in ("upkeep/check", "upkeep/repair", "upkeep/backup", "history/undo", "gaps/again", "logout"):
        assert desk.client.get(f"/staff/{path}").status_code == 404
    assert desk.staff.shelf.deeds == list(DEEDS)
    assert desk.client.get("/staff/upkeep").status_code == 200


# ---- Backups ----


def test_a_backup_is_downloaded_under_a_name_with_the_day(desk):
    """Byte by byte what the backend writes; kept by no browser."""
    response = desk.send("/staff/upkeep/backup")
    assert response.content == b"PK\x03\x04the rest"
    assert re.fullmatch(
        r'attachment; filename="usa-next-backup-\d{4}-\d\d-\d\d\.zip"', response.headers["content-disposition"]
    )
    assert response.headers["cache-control"] == "no-store"


def test_what_goes_wrong_at_once_is_a_sentence(desk):
    """And the next one can be tried."""

    def broken():
        raise DataFolderError("There is no room on the disk. Make some and try again.")

    desk.staff.upkeep.parts = broken
    response = desk.send("/staff/upkeep/backup")
    assert response.status_code == 422
    assert "There is no room on the disk." in words(response.text)
    desk.staff.upkeep.parts = lambda: (b"PK",)
    assert desk.send("/staff/upkeep/backup").content == b"PK"


def test_what_goes_wrong_later_breaks_the_download_off(desk):
    """Half a backup must not look like a whole one."""

    def half():
        yield b"PK"
        raise DataFolderError("The disk is gone.")

    desk.staff.upkeep.parts = half
    with pytest.raises(DataFolderError, match="The disk is gone"):
        desk.send("/staff/upkeep/backup")


def test_one_backup_is_made_at_a_time(desk):
    """Each costs a disk minutes; who comes second is told."""
    begun, go_on = threading.Event(), threading.Event()

    def slow():
        begun.set()
        yield b"PK"
        assert go_on.wait(10)

    desk.staff.upkeep.parts = slow
    token, first = desk.token(), []
    fields = {"data": {"token": token}, "headers": OWN}
    thread = threading.Thread(target=lambda: first.append(desk.client.post("/staff/upkeep/backup", **fields)))
    thread.start()
    assert begun.wait(10)
    second = desk.client.post("/staff/upkeep/backup", **fields)
    go_on.set()
    thread.join()
    assert second.headers["location"] == "../../staff/upkeep"
    assert first[0].content == b"PK"


def test_who_leaves_in_the_middle_ends_the_writing():
    """Nothing goes on writing into nowhere."""
    ended = threading.Event()
    written = []

    def endless(out):
        while True:
            written.append(out.write(b"x" * 10))

    parts = sent_while_written(endless, ended.set)
    assert next(parts) == b"x" * 10
    parts.close()
    assert ended.wait(10)
    assert len(written) < 100


def test_little_of_a_backup_is_in_memory_at_a_time():
    """A slow reader slows the writing down."""
    sizes = []

    def large(out):
        for _ in range(200):
            sizes.append(out.write(b"x" * 1000))

    parts = sent_while_written(large, lambda: None)
    next(parts)
    assert len(sizes) < 30
    assert sum(map(len, parts)) == 199_000
