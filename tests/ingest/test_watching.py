"""The watch on the corpus: what comes in by other means appears by itself, once it is wholly written."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

from assistant.errors import AssistantError
from assistant.ingest.watching import SETTLED_SECONDS, Watcher

pytestmark = pytest.mark.slow


@pytest.fixture
def watching(synced):
    """An assistant whose corpus is watched, and the reports of what the watch brought in."""
    reports = []
    watcher = Watcher(
        synced.corpus,
        data=synced.data,
        known=lambda: synced._library.known,
        sync=synced.sync,
        changed=reports.append,
    )
    watcher.start()
    time.sleep(0.5)  # the system takes a moment to watch
    yield reports
    watcher.close()


def brought(reports):
    """Return what the watch brought about, by document."""
    return {each.document: each.change for report in reports for each in report.documents}


def test_files_appear_change_and_leave_by_themselves(watching, synced, corpus, until):
    """A new one, one with a sidecar that comes later, a changed one, a removed one, and a whole folder."""
    (corpus / "added.md").write_text("# Zebra fares\n\nThe zebra fare is 99 dollars a day.\n")
    (corpus / "notes" / "lighthouse.txt").unlink()
    until(lambda: brought(watching) == {"added.md": "added", "notes/lighthouse.txt": "removed"})
    assert "99 dollars" in synced.ask("What is the zebra fare?").text
    (corpus / "added.md.yaml").write_text("title: Fares of zebras\n")
    until(lambda: synced.document("added.md").title == "Fares of zebras")
    outside = corpus.parent / "folder"
    outside.mkdir()
    for name in ("one.md", "two.md"):
        (outside / name).write_text(f"# {name}\n\nThe text of {name} is short.\n")
    shutil.move(outside, corpus / "folder")
    until(lambda: {"folder/one.md", "folder/two.md"} <= set(synced._library.current))
    shutil.rmtree(corpus / "folder")
    until(lambda: not {"folder/one.md", "folder/two.md"} & set(synced._library.current))


def test_a_file_is_read_when_it_is_wholly_written(watching, synced, corpus, until):
    """While it grows nobody reads it, so half of it is never an answer."""
    path = corpus / "slow.txt"
    with path.open("w") as file:
        for number in range(6):
            file.write(f"Line {number} of the slow file about quokkas stands here.\n")
            file.flush()
            time.sleep(SETTLED_SECONDS / 3)
            assert "slow.txt" not in synced._library.current
    until(lambda: brought(watching) == {"slow.txt": "added"})
    assert "Line 5" in synced.document("slow.txt").text


def test_what_is_none_of_our_documents_is_passed_over(watching, synced, corpus, until):
    """Hidden files and what a program puts down while it saves; a bad file is a line in the log and no more."""
    (corpus / ".hidden.md").write_text("# Hidden\n")
    (corpus / "~$lock.docx").write_bytes(b"lock")
    (corpus / "gone.md").write_text("# Gone\n")
    (corpus / "gone.md").unlink()
    (corpus / "broken.pdf").write_bytes(b"no PDF")
    (corpus / "last.md").write_text("# Last\n\nThe last one is here.\n")
    until(lambda: brought(watching))
    assert brought(watching) == {"broken.pdf": "failed", "last.md": "added"}


def test_the_watch_outlives_a_sync_that_fails(corpus, data, until):
    """What could not be brought in is tried again with the next change."""
    tried = threading.Event()
    calls = []

    def sync(paths):
        calls.append([path.name for path in paths])
        if not tried.is_set():
            tried.set()
            raise AssistantError("The disk is full.")
        raise AssistantError("The disk is still full.")

    watcher = Watcher(corpus, data=data, known=tuple, sync=sync)
    watcher.start()
    try:
        time.sleep(0.5)
        (corpus / "a.md").write_text("# A\n")
        until(tried.is_set)
        (corpus / "b.md").write_text("# B\n")
        until(lambda: calls == [["a.md"], ["b.md"]])
    finally:
        watcher.close()
