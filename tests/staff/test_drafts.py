"""Drafts: read as they will be read, tried alone, and then published or thrown away."""

from __future__ import annotations

import io
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from assistant.errors import FetchError, UsageError
from tests.staff.conftest import TARIFF

HARBOUR = "reports/harbour.pdf"
FERRY = "What does the ferry cost for a car?"


def zipped(**files: str) -> bytes:
    """Return a zip file of these files; `__` in a name is a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def cited(synced, question):
    """Return the documents that an answer rests on."""
    return {citation.document for citation in synced.ask(question).citations}


def test_a_draft_is_read_and_answers_nobody(bring, drafts, synced, consistent):
    """Its receipt is there, it can be asked alone, and founders get nothing of it."""
    draft = bring("Tariff.md", TARIFF)
    assert (draft.state, draft.title, draft.document, draft.added_by) == (
        "ready", "Tariff of the ferry", "added/Tariff.md", "Kari"
    )  # fmt: skip
    assert draft.receipt.coverage == 1.0
    assert draft.receipt.languages == ("en",)
    assert drafts.preview(draft.id).document.text.startswith("Tariff of the ferry")
    answer = drafts.ask(draft.id, FERRY)
    assert "350 kroner" in answer.text
    assert "350" not in synced.ask(FERRY).text
    assert consistent(synced)


def test_a_draft_is_asked_alone(bring, drafts):
    """Neither another draft nor a published document answers for it."""
    ferry = bring("Tariff.md", TARIFF)
    other = bring("Other.md", "# Bicycles\n\nA bicycle costs 90 kroner a day at the harbour office.\n")
    assert "350" not in drafts.ask(other.id, FERRY).text
    assert "4,711" not in drafts.ask(ferry.id, "What is the walrus fee?").text


def test_a_published_draft_answers_at_once_and_is_no_draft_any_more(bring, drafts, synced, corpus, shelf, consistent):
    """The file stands in the corpus with its details; nothing is embedded twice; the history says who did it."""
    draft = bring("Tariff.md", TARIFF)
    drafts.describe(draft.id, {"publisher": "Port office", "published": "2026-05"}, by="Kari")
    report = drafts.publish(draft.id, by="Ola")
    assert (report.document, report.change) == ("added/Tariff.md", "added")
    assert (corpus / "added" / "Tariff.md").read_text() == TARIFF
    assert cited(synced, FERRY) == {"added/Tariff.md"}
    held = shelf.get("added/Tariff.md")
    assert (held.metadata.publisher, held.metadata.published) == ("Port office", "2026-05")
    assert drafts.all() == []
    assert drafts.get(draft.id) is None
    assert drafts.preview(draft.id) is None
    (deed,) = shelf.history()
    assert (deed.by, deed.action, deed.document) == ("Ola", "published", "added/Tariff.md")
    assert synced.sync().embedded_chunks == 0
    assert consistent(synced)
    with pytest.raises(UsageError, match="not there any more"):
        drafts.publish(draft.id, by="Ola")


def test_undoing_a_publication_takes_the_document_out(bring, drafts, synced, shelf, corpus):
    """And undoing that brings it in again."""
    drafts.publish(bring("Tariff.md", TARIFF).id, by="Ola")
    shelf.undo(shelf.history()[0].id, by="Kari")
    assert not (corpus / "added" / "Tariff.md").exists()
    assert cited(synced, FERRY) == set()
    shelf.undo(shelf.history()[0].id, by="Kari")
    assert cited(synced, FERRY) == {"added/Tariff.md"}


def test_a_name_that_ever_stood_for_a_document_stands_for_no_other(bring, drafts, synced, shelf):
    """Old links stay unmistaken, whatever became of the document."""
    first = drafts.publish(bring("Tariff.md", TARIFF).id, by="Ola")
    shelf.withdraw(first.document, by="Ola")
    second = drafts.publish(bring("Tariff.md", TARIFF.replace("350", "360")).id, by="Ola")
    assert second.document == "added/Tariff-2.md"


def test_a_new_version_takes_the_place_and_the_details_of_the_old(bring, drafts, synced, shelf, corpus):
    """Old citations still open the version that they quoted."""
    published = drafts.publish(bring("Tariff.md", TARIFF).id, by="Ola").document
    shelf.edit(published, {"publisher": "Port office"}, by="Ola")
    shelf.unpublish(published, by="Ola")
    quote = synced.document(published, shelf.get(published).version)
    draft = bring("ferry 2027.md", TARIFF.replace("350", "410"), replaces=published)
    assert (draft.document, draft.metadata.publisher) == (published, "Port office")
    lines = shelf.difference(published, draft_id=draft.id)
    assert {line.kind for line in lines if "410" in line.text} == {"added"}
    assert drafts.publish(draft.id, by="Kari").change == "changed"
    assert "410 kroner" in synced.ask(FERRY).text
    assert synced.document(published, quote.version) == quote
    assert shelf.history()[0].action == "replaced"
    shelf.undo(shelf.history()[0].id, by="Kari")
    assert shelf.get(published).state == "unpublished"


@pytest.mark.parametrize(
    ("name", "replaces", "message"),
    [
        pytest.param("tool.exe", None, r"tool.exe: files of type .exe are not read. Convert it", id="kind"),
        pytest.param("noname", None, r"files of type \(none\) are not read", id="no kind"),
        pytest.param("new.docx", HARBOUR, "is of another kind than reports/harbour.pdf", id="another kind"),
        pytest.param("new.pdf", "gone.pdf", "There is no document gone.pdf to replace", id="nothing to replace"),
        pytest.param("many.zip", HARBOUR, "a document is replaced by one file", id="zip for one"),
        pytest.param("broken.zip", None, r"broken.zip .*\. ", id="broken zip"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_sentence(drafts, tmp_path, name, replaces, message):
    """And leaves nothing behind."""
    file = tmp_path / "upload"
    file.write_bytes(b"no zip at all")
    with pytest.raises(UsageError, match=message):
        drafts.add(name, file, by="Kari", replaces=replaces)
    assert drafts.all() == []


def test_a_bad_file_is_a_failed_draft_with_its_remedy(bring, drafts):
    """It cannot be published, and can be discarded."""
    draft = bring("report.pdf", b"this is no PDF")
    assert draft.state == "failed"
    assert draft.problem.reason == "is not a PDF"
    assert draft.problem.remedy
    with pytest.raises(UsageError, match="cannot be published yet"):
        drafts.publish(draft.id, by="Kari")
    with pytest.raises(UsageError, match="cannot be asked"):
        drafts.ask(draft.id, "What?")
    drafts.discard(draft.id, by="Kari")
    assert drafts.all() == []


@pytest.mark.parametrize(
    "name", ["../../evil.md", "/etc/evil.md", "..\\evil.md", ".hidden.md", "evil.md\x00.md", "x" * 300 + ".md"]
)
def test_a_name_never_becomes_a_path(bring, drafts, corpus, name):
    """Whatever a browser calls a file, it lies in its own folder and is published in the folder of added ones."""
    draft = bring(name, TARIFF)
    published = drafts.publish(draft.id, by="Kari").document
    assert (corpus / published).parent == corpus / "added"
    assert (corpus / published).is_file()


def test_a_zip_file_becomes_a_draft_for_each_document(drafts, tmp_path, until):
    """What in it is no document is named as one that failed."""
    file = tmp_path / "upload"
    file.write_bytes(zipped(a__md=TARIFF, b__txt="Two lines about otters.\nThey swim.", tool__exe="MZ"))
    taken = drafts.add("All of them.zip", file, by="Kari")
    assert sorted(draft.name for draft in taken) == ["a.md", "b.txt", "tool.exe"]
    until(lambda: {draft.state for draft in drafts.all()} == {"ready", "failed"})
    assert {draft.name: draft.state for draft in drafts.all()} == {
        "a.md": "ready",
        "b.txt": "ready",
        "tool.exe": "failed",
    }
    until(lambda: drafts.reading().current is None)
    reading = drafts.reading()
    assert (reading.done, reading.total, reading.current, reading.seconds_left) == (2, 2, None, None)


def test_details_are_those_of_front_matter(bring, drafts):
    """What the file says is proposed; what staff say goes before; a wrong value changes nothing."""
    draft = bring("Tariff.md", f"---\npublisher: Port office\nstage: S2\n---\n{TARIFF}")
    assert (draft.metadata.publisher, draft.metadata.stage) == ("Port office", ("S2",))
    described = drafts.describe(draft.id, {"publisher": "Harbour master", "audience": ["ALL"]}, by="Kari")
    assert (described.metadata.publisher, described.metadata.audience) == ("Harbour master", ("ALL",))
    with pytest.raises(UsageError, match=r"'checked' .* expected a date"):
        drafts.describe(draft.id, {"checked": "yesterday"}, by="Kari")
    assert drafts.get(draft.id).metadata == described.metadata


def test_twins_are_named_before_anything_is_published(bring, drafts, shelf, corpus):
    """The same file, the same text, nearly the same text; also where the other is unpublished or a draft."""
    same = bring("copy.pdf", (corpus / HARBOUR).read_bytes())
    assert [(twin.document, twin.kind, twin.where) for twin in same.receipt.twins] == [
        (HARBOUR, "same_file", "published")
    ]
    shelf.unpublish(HARBOUR, by="Kari")
    again = bring("again.pdf", (corpus / HARBOUR).read_bytes())
    assert {(twin.kind, twin.where) for twin in again.receipt.twins} == {
        ("same_file", "unpublished"), ("same_file", "draft")
    }  # fmt: skip
    assert bring("Tariff.md", TARIFF).receipt.twins == ()


def test_a_draft_becomes_a_new_version_and_a_document_of_its_own_again(bring, drafts, shelf):
    """Only one draft replaces a document."""
    published = drafts.publish(bring("Tariff.md", TARIFF).id, by="Ola").document
    shelf.edit(published, {"publisher": "Port office"}, by="Ola")
    first, second = bring("a.md", TARIFF.replace("350", "1")), bring("b.md", TARIFF.replace("350", "2"))
    made = drafts.make_version_of(first.id, published, by="Kari")
    assert (made.replaces, made.document, made.metadata.publisher) == (published, published, "Port office")
    with pytest.raises(UsageError, match="Another draft is already to replace"):
        drafts.make_version_of(second.id, published, by="Kari")
    assert drafts.make_version_of(first.id, None, by="Kari").document == "added/a.md"


def test_drafts_outlive_a_restart(bring, drafts, synced, open_over, until):
    """What was known of them stands there again, and they are read once more."""
    draft = bring("Tariff.md", TARIFF)
    drafts.describe(draft.id, {"publisher": "Port office"}, by="Kari")
    bad = bring("bad.pdf", b"no PDF")
    synced.close()
    again = open_over().staff.drafts
    until(lambda: again.get(draft.id).state == "ready")
    assert again.get(draft.id).metadata.publisher == "Port office"
    assert again.get(bad.id).problem == bad.problem
    assert [each.id for each in again.all()] == [draft.id, bad.id]


def test_what_is_being_read_when_the_app_stops_is_read_after_the_next_start(drafts, synced, tmp_path, open_over, until):
    """Stopping in the middle is no failure of the file."""
    file = tmp_path / "upload"
    file.write_text("\n\n".join(f"Paragraph {number} tells of the ferry and its harbour." for number in range(150)))
    (draft,) = drafts.add("long.txt", file, by="Kari")
    until(lambda: drafts.get(draft.id).state == "reading")
    synced.close()
    again = open_over().staff.drafts
    until(lambda: again.get(draft.id).state in ("ready", "failed"))
    assert again.get(draft.id).state == "ready"


def test_what_was_discarded_has_left_no_word(bring, drafts, synced, data, open_over):
    """Not in the drafts' library and not among their originals; the indexes are cleared at the next start."""
    draft = bring("Secret.md", "# Secret\n\nThe quokka budget is 987654 dollars this year.\n")
    drafts.discard(draft.id, by="Kari")
    synced.close()
    open_over().staff  # noqa: B018 - opening the desk clears what no draft needs
    for file in data.rglob("*"):
        if file.is_file():
            assert b"quokka" not in file.read_bytes(), file


class Page(BaseHTTPRequestHandler):
    """A web page about the ferry, with a price that can be changed."""

    price = 350

    def do_GET(self):
        there = self.path == "/tariff"
        body = f"<html><body><h1>Tariff</h1><p>The ferry costs {self.price} kroner for a car.</p></body></html>"
        self.send_response(200 if there else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body.encode() if there else b"")

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def address():
    """A web server on this machine."""
    Page.price = 350
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_link_becomes_a_draft_and_is_fetched_again(synced, data, open_over, address, until):
    """Where an intranet is allowed; fetching again shows what changed before it is published."""
    synced.close()
    assistant = open_over(fetch_networks="127.0.0.0/8")
    drafts, shelf = assistant.staff.drafts, assistant.staff.shelf
    draft = drafts.add_link(f"{address}/tariff", by="Kari")
    until(lambda: drafts.get(draft.id).state == "ready")
    read = drafts.get(draft.id)
    assert (read.source_url, read.metadata.url) == (f"{address}/tariff", f"{address}/tariff")
    assert read.metadata.checked is not None
    published = drafts.publish(draft.id, by="Kari").document
    Page.price = 410
    again = shelf.fetch_again(published, by="Kari")
    until(lambda: drafts.get(again.id).state == "ready")
    assert [line.text for line in shelf.difference(published, draft_id=again.id) if line.kind == "added"] == [
        "The ferry costs 410 kroner for a car."
    ]
    drafts.publish(again.id, by="Kari")
    assert "410 kroner" in assistant.ask(FERRY).text
    with pytest.raises(FetchError, match="404"):
        drafts.add_link(f"{address}/gone", by="Kari")


def test_a_private_address_is_not_fetched_by_default(drafts, address):
    """And nothing is left of the attempt."""
    with pytest.raises(FetchError, match=r"not public|private|public"):
        drafts.add_link(f"{address}/tariff", by="Kari")
    assert drafts.all() == []


def test_a_document_without_an_address_cannot_be_fetched_again(shelf):
    """The sentence says where to write one."""
    with pytest.raises(UsageError, match=r"No web address is known of reports/harbour.pdf. Write it into its details"):
        shelf.fetch_again(HARBOUR, by="Kari")
