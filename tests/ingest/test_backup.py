"""Backup and restore: one file holds all that cannot be made again; the same answers and links come back from it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from assistant.build import Assistant, check_open, write_backup
from assistant.commands import back_up, restore_backup
from assistant.errors import DataFolderError, FolderOwned, UsageError
from assistant.ingest.backup import save_backup
from assistant.ingest.restore import restore
from assistant.settings import read_settings
from assistant.store.owner import FolderLock
from tests.conftest import write_corpus

MENTORS = "programme/mentors.md"
QUESTIONS = ("What is the walrus fee?", "Hva koster vaflene i Bodø?", "Who repaid forty umbrellas?")


class Said:
    """One saved question."""

    failure, failed, stopped, titles = None, False, False, {}

    def __init__(self, question, answer):
        self.question, self.answer = question, answer


def live_in(assistant):
    """Give an assistant two versions of a document, a sidecar, a saved conversation and feedback; return its link."""
    (assistant.corpus / "reports" / "harbour.pdf.yaml").write_text("title: Puffins counted\n")
    answer = assistant.ask(QUESTIONS[0])
    link = assistant.journal.save([Said(QUESTIONS[0], answer)], "en")
    assistant.journal.give_feedback(
        helpful=True, why="Good.", outcome="answered", reason=None, language="en", documents=[]
    )
    mentors = assistant.corpus / MENTORS
    mentors.write_text(mentors.read_text().replace("4,711", "5,822"))
    assistant.sync()
    return link.id


@pytest.fixture
def lived_in(synced):
    """An assistant with something to lose, and the link of its saved conversation."""
    return synced, live_in(synced)


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory, read_data, two_page_pdf):
    """A backup of such an assistant, and the folder that it was made of."""
    folder = tmp_path_factory.mktemp("backed-up")
    shutil.copytree(read_data, folder / "data")
    with Assistant(read_settings(corpus=write_corpus(folder / "corpus", two_page_pdf), data=folder / "data")) as made:
        made.warm_up()
        live_in(made)
        with (folder / "backup.zip").open("wb") as out:
            write_backup(made, out)
    return folder / "backup.zip", folder


def answers(assistant):
    """Return all that founders get to see of the answers."""
    return [{**assistant.ask(question).to_dict(), "seconds": 0} for question in QUESTIONS]


def elsewhere(tmp_path, **more):
    """Return settings for folders that do not exist yet."""
    return read_settings(corpus=tmp_path / "new" / "corpus", data=tmp_path / "new" / "data", **more)


# ---- The way there and back ----


def test_everything_comes_back(lived_in, tmp_path):
    """The same answers, the same citations, the same saved link, without embedding a word; the doctor finds nothing."""
    assistant, link = lived_in
    before = answers(assistant)
    saved, feedback = assistant.journal.snapshot(link), assistant.journal.feedback()
    old = saved.exchanges[0].answer.citations[0]
    files = {path.relative_to(assistant.corpus): path.read_bytes() for path in assistant.corpus.rglob("*.*")}
    file = tmp_path / "backup.zip"
    with file.open("wb") as out:
        written = write_backup(assistant, out)
    assert written.left_out == ()
    assistant.close()

    settings = elsewhere(tmp_path)
    manifest, report = restore_backup(settings, file)
    assert report.differences == ()
    assert manifest.members.keys() == {info.filename for info in zipfile.ZipFile(file).infolist()} - {"manifest.json"}
    assert {path.relative_to(settings.corpus): path.read_bytes() for path in settings.corpus.rglob("*.*")} == files
    with Assistant(settings) as restored:
        restored.warm_up()
        assert answers(restored) == before
        assert restored.journal.snapshot(link) == saved
        assert restored.journal.feedback() == feedback
        text = restored.text(old.document, old.version)
        assert text[old.start : old.end] == old.quote
        assert "4,711" in restored.original(old.document, old.version).read_text()
        synced = restored.sync()
        assert (synced.count("unchanged"), synced.embedded_chunks) == (3, 0)


def test_what_is_in_it(backed_up):
    """Corpus, databases and originals with their sha256; no index, no lock, no address, no token."""
    file, folder = backed_up
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        contents = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    assert manifest["members"] == {
        name: [hashlib.sha256(content).hexdigest(), len(content)] for name, content in contents.items()
    }
    areas = {name.split("/")[1] if name.startswith("data/") else "corpus" for name in contents}
    assert areas == {"corpus", "library.sqlite", "journal.sqlite", "originals"}
    assert "corpus/reports/harbour.pdf.yaml" in contents
    assert sum(name.startswith("data/originals/") for name in contents) == 4
    assert not list((folder / "data").glob(".backup-*"))


def test_an_open_assistant_answers_meanwhile(synced, tmp_path):
    """A stream that cannot be wound back is written to, and feedback is taken in the middle of it."""

    class Stream(io.RawIOBase):
        """Takes bytes and nothing else."""

        def __init__(self):
            self.pieces = []

        def writable(self):
            return True

        def write(self, piece):
            if not self.pieces:
                synced.journal.give_feedback(
                    helpful=True, why=None, outcome="answered", reason=None, language="en", documents=[]
                )
            self.pieces.append(bytes(piece))
            return len(piece)

    stream = Stream()
    write_backup(synced, stream)
    assert len(synced.journal.feedback()) == 1
    (tmp_path / "b.zip").write_bytes(b"".join(stream.pieces))
    _, report = restore_backup(elsewhere(tmp_path), tmp_path / "b.zip")
    assert report.differences == ()


def test_what_cannot_be_read_is_named(synced, tmp_path):
    """A link that leads outside, one to nothing and a name that is no text stay out and are named."""
    (synced.corpus / "outside.md").symlink_to("/etc/hostname")
    (synced.corpus / "nothing.md").symlink_to(tmp_path / "nothing")
    (synced.corpus / os.fsdecode(b"\xff.md")).write_text("x")
    (synced.corpus / ".hidden.md").write_text("x")
    os.mkfifo(synced.corpus / "pipe.md")
    written = write_backup(synced, io.BytesIO())
    assert dict(written.left_out) == {
        "corpus/outside.md": "it is a link to a place outside the corpus",
        "corpus/nothing.md": "it is a link to a place outside the corpus",
        "corpus/?.md": "its name is not valid UTF-8",
        "corpus/pipe.md": "it is no file",
    }


# ---- Writing a file ----


def test_the_file_is_private_and_never_written_over(synced, tmp_path):
    """Only its owner may read it, and another backup takes another name."""
    synced.close()
    file = tmp_path / "backup.zip"
    assert back_up(synced.settings, file).files == 8
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    with pytest.raises(UsageError, match=r"backup.zip exists, and no backup is written over another file. Name a new"):
        back_up(synced.settings, file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param("corpus/b.zip", "which is backed up itself. Name a file elsewhere", id="in the corpus"),
        pytest.param("data/b.zip", "which is backed up itself. Name a file elsewhere", id="in the data folder"),
        pytest.param("nowhere/b.zip", "nowhere is not a folder. Create it, or name a file elsewhere", id="no folder"),
        pytest.param("corpus", "exists, and no backup is written over", id="a folder"),
    ],
)
def test_places_that_are_refused(synced, tmp_path, place, message):
    """A backup does not hold itself, and makes no folder."""
    synced.close()
    with pytest.raises(UsageError, match=message):
        back_up(synced.settings, tmp_path / place)


def test_without_a_library_there_is_nothing_to_back_up(corpus, data, tmp_path):
    """It says so and makes no data folder."""
    with pytest.raises(UsageError, match=r"There is no library in .*data. Run: python ingest.py"):
        back_up(read_settings(corpus=corpus, data=data), tmp_path / "b.zip")
    assert not data.exists()


def test_a_stopped_backup_leaves_nothing(tmp_path):
    """Whatever ends the writing, no file stands under the name, and none beside it."""

    def write(out):
        out.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_backup(tmp_path / "b.zip", write, kept=())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_full_disk_is_one_sentence(synced, script, tmp_path):
    """No room for the file: one sentence, nothing left behind, and the library is as it was."""
    synced.close()
    limited = (
        "import resource, sys, ingest\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "sys.exit(ingest.main())"
    )
    ended = script(limited, "--backup", tmp_path / "b.zip", "--corpus", synced.corpus, "--data", synced.data)
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Make room or" in ended.stderr
    assert not list(tmp_path.glob("*b.zip*"))
    assert not list(synced.data.glob(".backup-*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# ---- What a restore refuses ----


def changed(file: Path, change) -> Path:
    """Write a copy of a backup in which `change` turns name and content into others, or None; return it."""
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(other, "w") as target:
        for info in source.infolist():
            for name, content in change(info.filename, source.read(info)) or ():
                target.writestr(name, content)
    return other


def with_manifest(file: Path, members) -> Path:
    """Write a copy of a backup with further members, all of them listed as they should be."""

    def change(name, content):
        if name != "manifest.json":
            return [(name, content)]
        manifest = json.loads(content)
        for new, data in members.items():
            manifest["members"][new] = [hashlib.sha256(data).hexdigest(), len(data)]
        return [*members.items(), (name, json.dumps(manifest))]

    return changed(file, change)


def refused(settings, file, match):
    """Restore, see that it is refused, and that nothing was touched."""
    with pytest.raises(UsageError, match=match):
        restore(file, settings.corpus, settings.data)
    assert not settings.corpus.exists()
    assert not settings.data.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.md", "corpus/../../escaped.md", "/etc/escaped", "corpus/a\\..\\b.md", "data/owner.json",
        "data/library.sqlite/../x", "data/words-0/meta.json", "elsewhere/x.md", "corpus/.git/hooks/post-checkout",
        "data/originals/../library.sqlite", "corpus//x.md", "corpus/",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere(backed_up, tmp_path, name):
    """A member that would land outside, or where no backup writes, keeps the whole backup out."""
    refused(elsewhere(tmp_path), with_manifest(backed_up[0], {name: b"x"}), "has no place in a backup. Nothing was")
    assert not list(tmp_path.rglob("escaped*"))


def test_a_link_in_it(backed_up, tmp_path):
    """A member that would become a link is refused."""
    link = zipfile.ZipInfo("corpus/link.md")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    other = with_manifest(backed_up[0], {"corpus/link.md": b"/etc/passwd"})
    with zipfile.ZipFile(other) as source, zipfile.ZipFile(tmp_path / "linked.zip", "w") as target:
        for info in source.infolist():
            target.writestr(link if info.filename == link.filename else info.filename, source.read(info))
    refused(elsewhere(tmp_path), tmp_path / "linked.zip", "'corpus/link.md' has no place in a backup")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        pytest.param(
            lambda name, content: [(name, content + b"!" if name.endswith("mentors.md") else content)],
            "mentors.md is not what it was when the backup was written", id="other bytes",
        ),
        pytest.param(
            lambda name, content: [] if name.endswith("mentors.md") else [(name, content)],
            "does not hold exactly the files of its list", id="one is missing",
        ),
        pytest.param(
            lambda name, content: [(name, content)] + ([("corpus/more.md", b"x")] if name == "manifest.json" else []),
            "does not hold exactly the files of its list", id="one too many",
        ),
        pytest.param(
            lambda name, content: [(name, b"{}" if name == "manifest.json" else content)],
            "is no backup of the assistant. Name a file that --backup wrote", id="no list",
        ),
        pytest.param(
            lambda name, content: [(name, content.replace(b'"format": 1', b'"format": 9'))],
            "has format 9 and this program reads format 1", id="a later format",
        ),
    ],
)  # fmt: skip
def test_a_backup_that_is_not_as_it_was(backed_up, tmp_path, change, match):
    """Every checksum is compared before the first file is put in place."""
    refused(elsewhere(tmp_path), changed(backed_up[0], change), match)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_spoilt_bytes_and_half_a_file(backed_up, tmp_path, share):
    """Bytes that changed on the way, and a file that was cut off, are found before anything is put in place."""
    content = bytearray(backed_up[0].read_bytes())
    place = int(len(content) * share)
    content[place : place + 40] = bytes(byte ^ 0xFF for byte in content[place : place + 40])
    (tmp_path / "spoilt.zip").write_bytes(content)
    refused(elsewhere(tmp_path), tmp_path / "spoilt.zip", "cannot be restored: |is no backup")
    (tmp_path / "half.zip").write_bytes(content[:place])
    refused(elsewhere(tmp_path), tmp_path / "half.zip", "cannot be restored: ")


def test_a_file_that_is_not_there(tmp_path):
    """It is named."""
    with pytest.raises(DataFolderError, match=r"none.zip: No such file or directory"):
        restore(tmp_path / "none.zip", tmp_path / "c", tmp_path / "d")


@pytest.mark.parametrize("place", ["corpus", "data"])
def test_only_into_empty_folders(backed_up, tmp_path, place):
    """A folder that holds anything is refused, and stays as it is; an empty one is as good as none."""
    settings = elsewhere(tmp_path)
    folder = getattr(settings, place)
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=rf"is not empty, and a restore writes over nothing. .* with --{place}"):
        restore(backed_up[0], settings.corpus, settings.data)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    (folder / "mine.txt").unlink()
    assert restore_backup(settings, backed_up[0])[1].differences == ()


def test_a_folder_in_use(backed_up, tmp_path):
    """While somebody owns the data folder nothing is restored into it."""
    settings = elsewhere(tmp_path)
    with FolderLock(settings.data), pytest.raises(FolderOwned, match="in use by another process"):
        restore(backed_up[0], settings.corpus, settings.data)
    assert not settings.corpus.exists()


# ---- Killed ----


KILLED = """
import os, sys
from pathlib import Path
from assistant.ingest.restore import restore
count = 0
def hook(event, arguments):
    global count
    if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir") and sys.argv[3] in str(arguments[0]):
        count += 1
        if count == int(sys.argv[4]):
            os.kill(os.getpid(), 9)
sys.addaudithook(hook)
restore(Path(sys.argv[1]), Path(sys.argv[2]) / "corpus", Path(sys.argv[2]) / "data")
print("done", count)
"""


@pytest.mark.slow
def test_killed_anywhere_it_is_gone_on_with(backed_up, start, tmp_path):
    """Killed at any of its writes, the same command again restores everything, and never half of it stands there."""
    file, _ = backed_up
    ended = start(KILLED, file, tmp_path / "whole", "whole", 0)
    out, err = ended.communicate(timeout=120)
    assert out.startswith("done "), err
    writes = int(out.split()[1])
    expected = _contents(tmp_path / "whole")
    assert len(expected) == 10
    for number in range(1, writes + 1, max(1, writes // 9)):
        place = tmp_path / f"killed{number}"
        ended = start(KILLED, file, place, place.name, number)
        ended.communicate(timeout=120)
        assert ended.returncode == -9
        if (place / "data" / "library.sqlite").exists():  # it comes last: everything else is there
            assert set(_contents(place)) == set(expected)
        restore(file, place / "corpus", place / "data")
        assert _contents(place) == expected
        assert not list(place.rglob(".restoring"))


def _contents(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*")
            if path.is_file() and ".restoring" not in path.parts and path.name != "owner.lock"}  # fmt: skip


def test_what_came_in_since_is_not_written_over(backed_up, tmp_path):
    """A restore that goes on meets a file that somebody put there meanwhile: it is named and stays."""
    settings = elsewhere(tmp_path)
    restore(backed_up[0], settings.corpus, settings.data)
    # As if it had been killed when all was unpacked, and an app had been started over what was there.
    waiting = settings.data / ".restoring"
    waiting.mkdir()
    shutil.move(settings.data / "library.sqlite", waiting / "library.sqlite")
    with zipfile.ZipFile(backed_up[0]) as archive:
        members = json.loads(archive.read("manifest.json"))
    digest = hashlib.sha256(
        json.dumps([members["created"], *sorted((n, tuple(v)) for n, v in members["members"].items())]).encode()
    ).hexdigest()
    (waiting / "complete.json").write_text(json.dumps({"backup": digest, "corpus": str(settings.corpus)}))
    (settings.data / "library.sqlite").write_bytes(b"a new one")
    with pytest.raises(UsageError, match=r"library.sqlite has come in since the restore was begun. Empty .*data and"):
        restore(backed_up[0], settings.corpus, settings.data)
    assert (settings.data / "library.sqlite").read_bytes() == b"a new one"
    (settings.data / "library.sqlite").unlink()
    assert restore_backup(settings, backed_up[0])[1].differences == ()


def test_the_doctor_sees_half_a_restore(synced):
    """What a killed restore left is named with what to do."""
    (synced.data / ".restoring").mkdir()
    (synced.data / ".restoring" / "library.sqlite").write_bytes(b"x")
    (found,) = check_open(synced).differences
    assert (found.kind, found.repairable) == ("leftover", False)
    assert "holds the beginning of a restore. Stop the app and run the restore again." in found.sentence
