"""The shelf: every change goes the way of a file, is written down, and can be taken back while nothing stands on it."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from assistant.desk import ChangedLine
from assistant.errors import UsageError
from assistant.staff.erasing import erase_due
from assistant.staff.shelf import Standing, changed_lines
from assistant.store.journal import SavedExchange

MENTORS = "programme/mentors.md"
HARBOUR = "reports/harbour.pdf"
WALRUS = "What is the walrus fee?"
UMBRELLAS = "Who repaid forty umbrellas?"


def found(synced, question):
    """Return the documents that an answer rests on."""
    return {citation.document for citation in synced.ask(question).citations}


def test_all_documents_are_listed_by_id(shelf):
    """What staff see of each: where it stands, what is known of it, how much there is."""
    held = {each.id: each for each in shelf.all()}
    assert list(held) == sorted(held) == ["notes/lighthouse.txt", MENTORS, HARBOUR]
    assert {each.state for each in held.values()} == {"published"}
    pdf = held[HARBOUR]
    assert (pdf.pages, pdf.language, pdf.embedded) == (2, "en", True)
    assert pdf.chunks > 0
    assert shelf.get("nothing.md") is None


def test_details_are_changed_in_the_sidecar_and_answer_at_once(shelf, synced, corpus):
    """The file itself is not touched; other keys of the sidecar stay; the history names the keys."""
    before = (corpus / HARBOUR).read_bytes()
    sidecar = corpus / f"{HARBOUR}.yaml"
    sidecar.write_text("nav: {order: 4}\npublisher: Port office\n")
    held = shelf.edit(HARBOUR, {"title": "Umbrellas: 'a' report", "stage": ["S1", "S2"]}, by="Kari")
    assert (held.title, held.metadata.stage, held.metadata.publisher) == (
        "Umbrellas: 'a' report", ("S1", "S2"), "Port office"
    )  # fmt: skip
    assert (corpus / HARBOUR).read_bytes() == before
    assert "order" in sidecar.read_text()
    assert synced.ask(UMBRELLAS).citations[0].title == "Umbrellas: 'a' report"
    (deed,) = shelf.history(HARBOUR)
    assert (deed.by, deed.action, deed.detail, deed.undoable) == ("Kari", "edited", "title, stage", True)
    assert shelf.edit(HARBOUR, {"publisher": ""}, by="Kari").metadata.publisher is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"published": "2023-02-30"}, "'published' .* '2023-02-30', expected a date that exists", id="day"),
        pytest.param({"language": "fr"}, "'language' .* expected en, nb or nn", id="language"),
        pytest.param({"url": "javascript:alert(1)"}, "'url' .* expected an address", id="address"),
        pytest.param({"colour": "red"}, "'colour' is no detail", id="unknown"),
    ],
)
def test_a_wrong_detail_changes_nothing(shelf, corpus, values, message):
    """One sentence says which, and what is expected."""
    with pytest.raises(UsageError, match=message):
        shelf.edit(HARBOUR, values, by="Kari")
    assert not (corpus / f"{HARBOUR}.yaml").exists()
    assert shelf.history() == []


def test_an_unpublished_document_answers_no_more_and_its_links_open(shelf, synced, corpus, consistent):
    """Its version stays the one that it was, also through a restart of the sync; republished it answers again."""
    version = synced.document(HARBOUR).version
    held = shelf.unpublish(HARBOUR, by="Kari")
    assert (held.state, held.version, held.since is not None) == ("unpublished", version, True)
    assert HARBOUR not in found(synced, UMBRELLAS)
    assert synced.document(HARBOUR) is None
    assert synced.document(HARBOUR, version).version == version
    assert synced.original(HARBOUR, version).is_file()
    report = synced.sync()
    assert {each.document: each.change for each in report.documents}[HARBOUR] == "unchanged"
    assert consistent(synced)
    assert shelf.republish(HARBOUR, by="Kari").version == version
    assert found(synced, UMBRELLAS) == {HARBOUR}
    assert not (corpus / f"{HARBOUR}.yaml").exists()
    assert consistent(synced)
    with pytest.raises(UsageError, match="is not unpublished"):
        shelf.republish(HARBOUR, by="Kari")


def test_a_document_that_calls_itself_unpublished_stays_so(shelf, synced, corpus):
    """What stands in the file is the file's: the desk says which line to take out."""
    file = corpus / "quiet.md"
    file.write_text("---\nunpublished: 2026-11-01\n---\n# Quiet\n\nThe quiet fee is 12 dollars.\n")
    report = synced.sync()
    assert report.documents[-1].notices == () or "unpublished" in str(report.to_dict())
    assert shelf.get("quiet.md").state == "unpublished"
    with pytest.raises(UsageError, match="in its own front matter"):
        shelf.republish("quiet.md", by="Kari")


def test_each_deed_can_be_undone_while_nothing_stands_on_it(shelf, synced, corpus):
    """Newest first; an older one says what stands on it; undoing can be undone."""
    shelf.edit(MENTORS, {"title": "First title"}, by="Kari")
    shelf.edit(MENTORS, {"title": "Second title"}, by="Ola")
    second, first = shelf.history(MENTORS)
    with pytest.raises(UsageError, match=r"was changed since. Undo the newer change first"):
        shelf.undo(first.id, by="Kari")
    undone = shelf.undo(second.id, by="Kari")
    assert (undone.action, undone.by, shelf.get(MENTORS).title) == ("undone", "Kari", "First title")
    with pytest.raises(UsageError, match="cannot be undone any more"):
        shelf.undo(second.id, by="Kari")
    shelf.undo(first.id, by="Kari")
    assert not (corpus / f"{MENTORS}.yaml").exists()
    shelf.undo(shelf.history(MENTORS)[0].id, by="Ola")
    assert shelf.get(MENTORS).title == "First title"


def test_what_was_changed_beside_the_desk_is_not_undone_over(shelf, corpus):
    """A file that somebody has changed since is not overwritten."""
    shelf.edit(MENTORS, {"title": "First title"}, by="Kari")
    (corpus / MENTORS).write_text("# Mentors\n\nAll is new.\n")
    with pytest.raises(UsageError, match="was changed since"):
        shelf.undo(shelf.history(MENTORS)[0].id, by="Kari")
    assert "All is new" in (corpus / MENTORS).read_text()


def test_a_withdrawn_document_is_shown_nowhere_and_can_come_back(shelf, synced, corpus, consistent):
    """File, text and original are gone from sight in every version; undoing within the days brings all back."""
    version = synced.document(HARBOUR).version
    content = (corpus / HARBOUR).read_bytes()
    held = shelf.withdraw(HARBOUR, by="Kari")
    assert held.state == "withdrawn"
    assert date.fromisoformat(held.erase_on).toordinal() - date.fromisoformat(held.since).toordinal() == 30
    assert not (corpus / HARBOUR).exists()
    assert HARBOUR not in found(synced, UMBRELLAS)
    assert synced.document(HARBOUR, version) is None
    assert synced.original(HARBOUR, version) is None
    assert shelf.preview(HARBOUR, version) is None
    assert shelf.versions(HARBOUR) == []
    synced.sync()
    assert consistent(synced)
    with pytest.raises(UsageError, match="There is no document"):
        shelf.edit(HARBOUR, {"title": "x"}, by="Kari")
    shelf.undo(shelf.history(HARBOUR)[0].id, by="Kari")
    assert (corpus / HARBOUR).read_bytes() == content
    assert synced.document(HARBOUR).version == version
    assert found(synced, UMBRELLAS) == {HARBOUR}


def test_what_is_erased_has_left_no_word(shelf, synced, corpus, data):
    """Not in the library, not in an index, not among the originals; its title and its days are what is left."""
    (corpus / "secret.md").write_text("# Secret\n\nThe quokka budget is 987654 dollars this year.\n")
    synced.sync()
    version = synced.document("secret.md").version
    answer = synced.ask("What is the quokka budget?")
    assert "987654" in answer.text
    saved = synced.journal.save([SavedExchange("What is the budget?", answer)], "en")
    feedback = {"helpful": True, "why": None, "outcome": answer.outcome, "reason": None, "language": "en"}
    documents = [(citation.document, citation.version) for citation in answer.citations]
    synced.journal.give_feedback(**feedback, documents=documents, question="The budget?", answer=answer.text)
    shelf.withdraw("secret.md", by="Kari")
    erase_on = date.fromisoformat(shelf.get("secret.md").erase_on)
    synced.erase_due(date.fromordinal(erase_on.toordinal() - 1))
    assert shelf.get("secret.md").erase_on is not None
    assert synced.erase_due(erase_on) == ["secret.md"]
    gone = shelf.get("secret.md")
    assert (gone.title, gone.state, gone.erase_on) == ("Secret", "withdrawn", None)
    assert synced.document("secret.md", version) is None
    erased, withdrawn = shelf.history("secret.md")
    assert (erased.action, withdrawn.undoable) == ("erased", False)
    (exchange,) = synced.journal.snapshot(saved.id).exchanges
    assert exchange.question == "What is the budget?"
    assert exchange.answer.text == exchange.answer.citations[0].quote == ""
    assert exchange.answer.citations[0].title == "Secret"
    (given,) = synced.journal.feedback()
    assert (given.question, given.answer) == ("The budget?", None)
    synced.close()
    for file in data.rglob("*"):
        if file.is_file():
            assert b"987654" not in file.read_bytes(), file


def test_nothing_is_erased_before_its_day_or_twice(synced, shelf, data):
    """An erasure with nothing due does nothing."""
    shelf.withdraw(HARBOUR, by="Kari")
    journal, library = synced.journal, synced._library
    for _ in range(2):
        erased = erase_due(library, synced._sentences, data / "originals", journal, date(2020, 1, 1))
        assert erased == []


def test_two_versions_are_compared_line_by_line(shelf, synced, corpus):
    """What was added and removed, with what stands around it; nothing where nothing changed."""
    file = corpus / MENTORS
    file.write_text(file.read_text().replace("4,711", "5,000"))
    synced.sync()
    lines = shelf.difference(MENTORS)
    assert [line.kind for line in lines if "4,711" in line.text] == ["removed"]
    assert [line.kind for line in lines if "5,000" in line.text] == ["added"]
    newest, oldest = shelf.versions(MENTORS)
    assert (newest.current, oldest.current) == (True, False)
    assert shelf.difference(MENTORS, version=oldest.version) == lines
    with pytest.raises(UsageError, match="no earlier version"):
        shelf.difference(HARBOUR)


def test_all_lines_of_two_texts_are_compared_and_blank_ones_do_not_count():
    """Whoever shows them shortens what is the same."""
    before = [f"Line {number}" for number in range(5)]
    after = [*before[:2], "New line", *before[3:]]
    assert changed_lines("\n".join(before), "\n\n".join(after)) == [
        ChangedLine("same", "Line 0"),
        ChangedLine("same", "Line 1"),
        ChangedLine("removed", "Line 2"),
        ChangedLine("added", "New line"),
        ChangedLine("same", "Line 3"),
        ChangedLine("same", "Line 4"),
    ]
    assert changed_lines("a\nb", "a\n\nb") == []


@pytest.mark.parametrize("id_", ["../outside.md", "/etc/hostname", "programme/../../outside.md"])
def test_an_id_that_leads_out_of_the_corpus_is_refused(shelf, corpus, id_):
    """No change of the desk reaches a file outside."""
    (corpus.parent / "outside.md").write_text("# Outside\n")
    for change in (shelf.unpublish, shelf.withdraw):
        with pytest.raises(UsageError):
            change(id_, by="Kari")
    with pytest.raises(UsageError):
        shelf.edit(id_, {"title": "x"}, by="Kari")
    assert (corpus.parent / "outside.md").read_text() == "# Outside\n"


def test_a_change_that_cannot_be_read_leaves_everything_as_it_was(shelf, synced, corpus):
    """The former file stands in its place, and answers."""
    broken = synced.data / "originals" / "00" / "broken.pdf"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes(b"%PDF-1.7 nothing")
    content = (corpus / HARBOUR).read_bytes()
    with pytest.raises(UsageError, match=r"reports/harbour.pdf: .*\."):
        shelf.put(HARBOUR, Standing("00/broken.pdf"), "replaced", by="Kari")
    assert (corpus / HARBOUR).read_bytes() == content
    assert found(synced, UMBRELLAS) == {HARBOUR}
    assert shelf.history() == []


def test_no_other_document_is_read_again_for_a_change(shelf, synced):
    """A change at the desk costs one document, however large the library is."""
    before = {id_: now for id_, now in synced._library.current.items() if id_ != MENTORS}
    shelf.edit(MENTORS, {"title": "New"}, by="Kari")
    assert {id_: now for id_, now in synced._library.current.items() if id_ != MENTORS} == before


def test_a_change_does_not_wait_for_a_long_ingest(shelf, synced, monkeypatch):
    """Whoever sits at the desk hears it in a sentence; once the ingest is over, the change is made."""
    monkeypatch.setattr("assistant.build.DESK_PATIENCE_SECONDS", 0.2)
    reading, over = threading.Event(), threading.Event()

    def read_for_long():
        with synced._ingest_lock:
            reading.set()
            over.wait(30)

    ingest = threading.Thread(target=read_for_long)
    ingest.start()
    reading.wait(30)
    with pytest.raises(UsageError, match="Other documents are being read just now, so nothing was changed"):
        shelf.unpublish(HARBOUR, by="Kari")
    over.set()
    ingest.join()
    assert shelf.unpublish(HARBOUR, by="Kari").state == "unpublished"
