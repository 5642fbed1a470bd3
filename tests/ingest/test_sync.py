"""A sync: documents in, up to date, and out; a bad file is a line, and nothing is done twice."""

from __future__ import annotations

import json
import threading
import time
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest

from assistant.errors import AssistantError, ModelUnavailable, UsageError
from assistant.ingest.corpus import EMBED_BATCH, EMBED_HERE_AT_MOST

WALRUS = "What is the walrus fee?"


def changes(report):
    """Return what became of each document."""
    return {one.document: one.change for one in report.documents}


def test_everything_comes_in(open_over, found_in, consistent):
    """A first sync adds every document, and each is found by a question that only it can answer."""
    assistant = open_over()
    report = assistant.sync()
    assert changes(report) == dict.fromkeys(
        ["notes/lighthouse.txt", "programme/mentors.md", "reports/harbour.pdf"], "added"
    )
    assert report.embedded_chunks == sum(one.chunks for one in report.documents) > 0
    pdf = report.documents[-1]
    assert (pdf.pages, pdf.searchable_pages, pdf.language) == (2, 2, "en")
    for question, document in {
        WALRUS: "programme/mentors.md",
        "Hva koster vaflene i Bodø?": "notes/lighthouse.txt",
        "Who repaid forty umbrellas?": "reports/harbour.pdf",
    }.items():
        assert found_in(assistant, question)[0] == document
    assert consistent(assistant)


def test_a_second_sync_does_nothing(synced, consistent):
    """Without a change nothing is read, embedded or written to an index."""
    before = dict(synced._library.current)
    report = synced.sync()
    assert set(changes(report).values()) == {"unchanged"}
    assert report.embedded_chunks == 0
    assert dict(synced._library.current) == before
    assert consistent(synced)


def test_a_changed_file_is_a_new_version(synced, corpus, found_in, consistent):
    """The new words answer, the old ones do not, and the old version can still be opened."""
    old = synced.document("programme/mentors.md")
    file = corpus / "programme" / "mentors.md"
    file.write_text(file.read_text().replace("walrus fee is 4,711", "narwhal fee is 5,000"))
    assert changes(synced.sync())["programme/mentors.md"] == "changed"
    assert "narwhal" in synced.text("programme/mentors.md")
    assert synced.text("programme/mentors.md", old.version) == old.text
    assert found_in(synced, "What is the narwhal fee?")[0] == "programme/mentors.md"
    assert consistent(synced)


def test_a_removed_file_leaves(synced, corpus, found_in, consistent):
    """A document whose file is gone answers no more, and its versions stay for old citations."""
    old = synced.document("programme/mentors.md")
    (corpus / "programme" / "mentors.md").unlink()
    assert changes(synced.sync())["programme/mentors.md"] == "removed"
    assert "programme/mentors.md" not in found_in(synced, WALRUS)
    assert synced.document("programme/mentors.md") is None
    assert synced.document("programme/mentors.md", old.version) == old
    assert synced.original("programme/mentors.md", old.version).read_bytes().startswith(b"---")
    assert consistent(synced)


def test_what_comes_back_is_not_embedded_again(synced, corpus, consistent):
    """A document that was out and comes in again finds its vectors in the library."""
    file = corpus / "programme" / "mentors.md"
    content = file.read_bytes()
    file.unlink()
    synced.sync()
    file.write_bytes(content)
    report = synced.sync()
    assert (changes(report)["programme/mentors.md"], report.embedded_chunks) == ("added", 0)
    assert consistent(synced)


def test_a_renamed_file_is_another_document(synced, corpus, consistent):
    """The id is the path: a new name is an added document and a removed one, without embedding anything."""
    (corpus / "programme" / "mentors.md").rename(corpus / "programme" / "herons.md")
    report = synced.sync()
    assert changes(report)["programme/herons.md"] == "added"
    assert changes(report)["programme/mentors.md"] == "removed"
    assert report.embedded_chunks == 0
    assert consistent(synced)


def test_a_changed_sidecar_is_a_change(synced, corpus):
    """Metadata beside a file is part of its version."""
    sidecar = corpus / "reports" / "harbour.pdf.yaml"
    titles = []
    for content in ("title: Puffins counted\n", "title: Puffins recounted\n", None):
        sidecar.write_text(content) if content else sidecar.unlink()
        assert changes(synced.sync())["reports/harbour.pdf"] == "changed"
        titles.append(synced.document("reports/harbour.pdf").title)
    assert titles[:2] == ["Puffins counted", "Puffins recounted"]
    assert titles[2] not in titles[:2]


def test_a_bad_file_is_a_line_and_the_others_go_on(open_over, corpus, consistent):
    """Each bad file is named with reason and remedy; the good ones come in."""
    for name, content in {
        "bad/empty.md": b"",
        "bad/broken.pdf": b"%PDF-1.4 nothing",
        "bad/not.docx": b"plain text",
        "bad/picture.jpg": b"\xff\xd8\xff",
    }.items():
        (corpus / name).parent.mkdir(exist_ok=True)
        (corpus / name).write_bytes(content)
    (corpus / "bad" / "link.md").symlink_to("/etc/passwd")
    assistant = open_over()
    report = assistant.sync()
    assert {one.document for one in report.failed} == {
        "bad/empty.md", "bad/broken.pdf", "bad/not.docx", "bad/picture.jpg", "bad/link.md",
    }  # fmt: skip
    assert all(one.reason and one.remedy for one in report.failed)
    assert report.count("added") == assistant.document_count == 3
    assert consistent(assistant)


@pytest.mark.parametrize(
    ("name", "content", "sidecar", "reason"),
    [
        pytest.param(
            "fees.md",
            "---\nchecked: last week\n---\n# Fees\n\nThe gannet fee is 12.\n",
            None,
            "the key 'checked'",
            id="date",
        ),
        pytest.param(
            "fees.md",
            "---\ntitle: a: b\n---\n# Fees\n\nThe gannet fee is 12.\n",
            None,
            "line 2 of its front",
            id="yaml",
        ),
        pytest.param(
            "fees.txt", "The gannet fee is 12.\n", "language: xx\n", "the key 'language'", id="sidecar-language"
        ),
        pytest.param("fees.txt", "The gannet fee is 12.\n", "url: somewhere\n", "the key 'url'", id="sidecar-address"),
    ],
)
def test_a_document_with_broken_metadata_is_left_out_whole(
    open_over, corpus, found_in, consistent, name, content, sidecar, reason
):
    """Reported by name with key and remedy; not a word of it is indexed, the others come in, and mended it comes in."""
    file = corpus / "roadmap" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    beside = file.with_name(f"{name}.yaml")
    if sidecar:
        beside.write_text(sidecar)
    assistant = open_over()
    report = assistant.sync()
    (failed,) = report.failed
    assert failed.document == f"roadmap/{name}"
    assert reason in failed.reason
    assert failed.remedy
    assert f"roadmap/{name}" not in found_in(assistant, "What is the gannet fee?")
    assert assistant.document_count == 3
    assert consistent(assistant)
    beside.unlink(missing_ok=True)
    file.write_text("The gannet fee is 12.\n")
    assert changes(assistant.sync())[f"roadmap/{name}"] == "added"
    assert found_in(assistant, "What is the gannet fee?")[0] == f"roadmap/{name}"


def test_a_file_that_breaks_keeps_its_old_version(synced, corpus, found_in):
    """A damaged file is a failure, and what it said before still answers."""
    (corpus / "reports" / "harbour.pdf").write_bytes(b"%PDF-1.4 nothing")
    report = synced.sync()
    assert report.failed[0].document == "reports/harbour.pdf"
    assert report.failed[0].notices == ("The version of before still answers.",)
    assert found_in(synced, "Who repaid forty umbrellas?")[0] == "reports/harbour.pdf"


def test_a_path_inside_stands_for_itself_alone(open_over, corpus):
    """One path brings in that document and leaves all others as they are."""
    assistant = open_over()
    assert changes(assistant.sync([corpus / "programme" / "mentors.md"])) == {"programme/mentors.md": "added"}
    assert assistant.document_count == 1
    assert changes(assistant.sync([corpus / "notes"])) == {"notes/lighthouse.txt": "added"}
    (corpus / "notes" / "lighthouse.txt").unlink()
    assert changes(assistant.sync([corpus / "notes" / "lighthouse.txt"])) == {"notes/lighthouse.txt": "removed"}


def test_a_path_that_is_named_twice_is_read_once(open_over, corpus, consistent):
    """The same file under several spellings is one document."""
    assistant = open_over()
    file = corpus / "programme" / "mentors.md"
    report = assistant.sync([file, file, corpus / "notes" / ".." / "programme", file.parent])
    assert changes(report) == {"programme/mentors.md": "added"}
    assert len(report.documents) == 1
    assert consistent(assistant)


def test_a_file_from_outside_is_a_document(synced, corpus, tmp_path, found_in):
    """A file from elsewhere is copied to added/ and answers; nothing else is touched."""
    (tmp_path / "osprey.txt").write_text("The osprey rents its nest for nine crowns.", encoding="utf-8")
    (corpus / "notes" / "lighthouse.txt").unlink()
    assert changes(synced.sync([tmp_path / "osprey.txt"])) == {"added/osprey.txt": "added"}
    assert found_in(synced, "What does the osprey rent?")[0] == "added/osprey.txt"
    assert synced.document_count == 4
    assert changes(synced.sync([tmp_path / "osprey.txt"])) == {"added/osprey.txt": "unchanged"}


def test_ids_are_composed(open_over, corpus, found_in):
    """A file whose name the disk keeps decomposed has a composed id, from the first sync to the removal."""
    name = "blåskjell på kai.md"
    file = corpus / unicodedata.normalize("NFD", name)
    file.write_text("Blue mussels cost three kroner on the quay.", encoding="utf-8")
    assistant = open_over()
    assert changes(assistant.sync())[name] == "added"
    assert changes(assistant.sync([corpus / name]))[name] == "unchanged"
    assert found_in(assistant, "What do blue mussels cost?")[0] == name
    file.unlink()
    assert changes(assistant.sync())[name] == "removed"


def test_an_empty_corpus_is_no_error(open_over, tmp_path):
    """Nothing in, nothing found, and an answer that says so."""
    (tmp_path / "empty").mkdir()
    assistant = open_over(corpus=tmp_path / "empty")
    assert assistant.sync().documents == ()
    assert assistant.ask("What is the walrus fee?").reason == "empty_corpus"


def test_no_corpus_is_misuse(open_over, tmp_path):
    """A corpus that is no folder is named."""
    with pytest.raises(UsageError, match=r"none is not a folder"):
        open_over(corpus=tmp_path / "none", warm=False).sync()


def test_a_text_without_words_comes_in(open_over, corpus, consistent):
    """A document of marks alone has no chunk and disturbs nobody."""
    (corpus / "marks.txt").write_text("- \n- \n", encoding="utf-8")
    assistant = open_over()
    assert changes(assistant.sync())["marks.txt"] in ("added", "failed")
    assert consistent(assistant)


def test_a_dry_run_says_what_a_run_does(synced, corpus, tmp_path):
    """The plan names what would happen, and nothing happens."""
    (corpus / "new.md").write_text("New words here.", encoding="utf-8")
    (corpus / "bad.jpg").write_bytes(b"x")
    (corpus / "notes" / "lighthouse.txt").unlink()
    with (corpus / "programme" / "mentors.md").open("a") as file:
        file.write("\nMore.\n")
    before = dict(synced._library.current)
    planned = changes(synced.sync(dry_run=True))
    assert dict(synced._library.current) == before
    assert planned == {
        "bad.jpg": "failed", "new.md": "added", "programme/mentors.md": "changed", "reports/harbour.pdf": "unchanged",
        "notes/lighthouse.txt": "removed",
    }  # fmt: skip
    assert changes(synced.sync()) == planned


def test_progress_names_every_document(open_over):
    """Each document is an event as soon as it is in, with how many are done; then come the vectors."""
    events = []
    open_over().sync(progress=events.append)
    documents = [event for event in events if "document" in event]
    assert [(event["done"], event["total"]) for event in documents] == [(1, 3), (2, 3), (3, 3)]
    assert events[-1]["embedded"] == events[-1]["to_embed"] > 0
    assert json.dumps(events)


def test_events_tell_the_time_left(open_over):
    """As soon as something is embedded each event says how long the rest takes, to the end."""
    events = []
    open_over().sync(progress=events.append)
    assert all("seconds_left" in event for event in events)
    assert events[0]["seconds_left"] is None
    assert events[-1]["seconds_left"] == 0


def test_a_sync_that_finds_nothing_new_is_done_at_once(synced):
    """What is unchanged is neither read nor waited for."""
    events = []
    synced.sync(progress=events.append)
    assert [event["seconds_left"] for event in events] == [0, 0, 0]


def test_words_are_found_before_the_vectors_exist(open_over, found_in):
    """A document answers by its words as soon as it is reported, while its vectors are still to come."""
    assistant = open_over()
    seen = {}

    def look(event):
        if event.get("document") == "programme/mentors.md":
            seen["embedded"] = assistant._library.current["programme/mentors.md"].embedded
            seen["found"] = found_in(assistant, WALRUS)

    assistant.sync(progress=look)
    assert not seen["embedded"]
    assert seen["found"][0] == "programme/mentors.md"


def test_a_slow_file_keeps_no_other_from_being_found(open_over, corpus, monkeypatch):
    """What was read is findable, also while the next file takes long to read: here until the others are in."""
    (corpus / "zzz.md").write_text("The slowest file of all.", encoding="utf-8")
    assistant = open_over()
    load, told, others_are_in = assistant._worker.load, [], threading.Event()

    def load_slowly(path: Path, document_id: str):
        if document_id == "zzz.md":
            assert others_are_in.wait(60)
        return load(path, document_id)

    def tell(event):
        told.append(event.get("document"))
        if {"notes/lighthouse.txt", "programme/mentors.md", "reports/harbour.pdf"} <= set(told):
            others_are_in.set()

    monkeypatch.setattr(assistant._worker, "load", load_slowly)
    assert assistant.sync(progress=tell).count("added") == 4


def test_a_file_is_read_while_another_is_written(open_over, corpus, monkeypatch):
    """The next file is under way before the one before it is in the library."""
    (corpus / "zzz.md").write_text("The last file of all.", encoding="utf-8")
    assistant = open_over()
    load, store, last_is_read = assistant._worker.load, assistant._library.store, threading.Event()

    def load_and_tell(path: Path, document_id: str):
        if document_id == "zzz.md":
            last_is_read.set()
        return load(path, document_id)

    def store_when_read(document, *arguments, **named):
        if document.id == "reports/harbour.pdf":
            assert last_is_read.wait(60)
        store(document, *arguments, **named)

    monkeypatch.setattr(assistant._worker, "load", load_and_tell)
    monkeypatch.setattr(assistant._library, "store", store_when_read)
    assert assistant.sync().count("added") == 4


def test_a_small_sync_embeds_here_where_the_library_is_imported(open_over, embedder, consistent):
    """No worker process is started for a few texts when this process has what a worker would have to import."""
    assistant = open_over(warm=False)
    assert embedder.is_at_hand
    assert not assistant.embedder.is_loaded
    assert assistant.sync().count("added") == 3
    assert assistant._bulk._child is None
    assert consistent(assistant)


def test_a_large_sync_leaves_the_model_to_questions(open_over, corpus, until):
    """More texts than a few are embedded by the worker, also when the model is loaded here."""
    lines = (f"Oar {number} of the harbour is painted in its own colour." for number in range(EMBED_HERE_AT_MOST + 1))
    (corpus / "oars.md").write_text("# Oars\n\n" + "\n\n".join(lines), encoding="utf-8")
    assistant = open_over()

    def sync():
        with suppress(AssistantError):  # it was stopped: its end is not waited for here
            assistant.sync()

    thread = threading.Thread(target=sync)
    thread.start()
    until(lambda: assistant._bulk._child or not thread.is_alive())
    worker = assistant._bulk._child
    assistant.close()
    thread.join()
    assert worker is not None


@pytest.mark.parametrize(
    "batch", [pytest.param(1, id="at the first document"), pytest.param(EMBED_BATCH, id="at the end")]
)
def test_a_model_that_fails_leaves_the_words(open_over, found_in, consistent, monkeypatch, batch):
    """When vectors cannot be made, every document is still found by its words, and the next sync adds the vectors."""
    monkeypatch.setattr("assistant.ingest.corpus.EMBED_BATCH", batch)
    assistant = open_over()
    embed = assistant.embedder.embed

    def fail(texts):
        if texts and "ready" not in texts[0] and len(texts) + len(texts[0]) > 40:
            raise ModelUnavailable("The model is out of memory.")
        return embed(texts)

    monkeypatch.setattr(assistant.embedder, "embed", fail)
    with pytest.raises(ModelUnavailable):
        assistant.sync()
    assert assistant.document_count == 3
    assert found_in(assistant, WALRUS)[0] == "programme/mentors.md"
    monkeypatch.undo()
    assert set(changes(assistant.sync()).values()) == {"unchanged"}
    assert consistent(assistant)


def test_a_file_that_changes_while_it_is_read(open_over, corpus, monkeypatch):
    """A file that is being written is read again, and a file that never rests is a line."""
    assistant = open_over()
    load, restless = assistant._worker.load, corpus / "restless.md"
    restless.write_text("One.", encoding="utf-8")
    writes = iter(["Two.", None])

    def load_and_write(path: Path, document_id: str):
        document = load(path, document_id)
        if path == restless and (text := next(writes, "Never " + str(time.perf_counter()))):
            restless.write_text(text, encoding="utf-8")
        return document

    monkeypatch.setattr(assistant._worker, "load", load_and_write)
    assistant.sync([restless])
    assert assistant.text("restless.md") == "Two."
    restless.write_text("Three.", encoding="utf-8")
    (failed,) = assistant.sync([restless]).failed
    assert failed.reason == "changed while it was read"
    assert assistant.text("restless.md") == "Two."


def test_an_interrupted_sync_goes_on_next_time(open_over, corpus, consistent):
    """Ctrl-C in the middle leaves whole versions, and the next sync does the rest."""
    for number in range(6):
        (corpus / f"more{number}.md").write_text(f"Oar number {number} is blue.", encoding="utf-8")
    assistant = open_over()

    def interrupt(event):
        if event.get("done") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assistant.sync(progress=interrupt)
    assert all(document.text for document in assistant.documents())
    assistant.sync()
    assert assistant.document_count == 9
    assert consistent(assistant)


def test_closing_stops_a_sync_in_another_thread(open_over, corpus, monkeypatch):
    """Closing the assistant ends a running sync soon, with a sentence, and the rest is done next time."""
    for number in range(30):
        (corpus / f"more{number}.md").write_text(f"Oar number {number} is blue.", encoding="utf-8")
    assistant = open_over()
    raised, running = [], threading.Event()
    pauses = iter([0.2] * 10)

    def slowly(event):
        running.set()
        time.sleep(next(pauses, 0))

    def sync():
        try:
            assistant.sync(progress=slowly)
        except AssistantError as error:
            raised.append(str(error))

    thread = threading.Thread(target=sync)
    thread.start()
    assert running.wait(30)
    assistant.close()
    thread.join()
    assert raised == ["The work was stopped before it was done. Run the same command again; nothing is lost."]
    again = open_over()
    assert again.sync().count("failed") == 0
    assert again.document_count == 33


def test_questions_are_answered_during_a_sync(synced, corpus, found_in):
    """A sync in one thread and questions in others do not disturb each other."""
    for number in range(20):
        (corpus / f"more{number}.md").write_text(f"Oar number {number} is blue. " * 20, encoding="utf-8")
    answers, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answers.append(found_in(synced, WALRUS)[0])

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for thread in askers:
        thread.start()
    synced.sync()
    done.set()
    for thread in askers:
        thread.join()
    assert set(answers) == {"programme/mentors.md"}
    assert len(answers) > 2
