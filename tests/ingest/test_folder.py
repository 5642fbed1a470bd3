"""The corpus folder: what belongs to it, what it is called, and how files from elsewhere come in."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest

from assistant.errors import UsageError
from assistant.ingest.folder import CorpusFolder, fingerprint

NFD = unicodedata.normalize("NFD", "søknad på é.md")
NFC = unicodedata.normalize("NFC", NFD)


@pytest.fixture
def folder(tmp_path) -> CorpusFolder:
    """A corpus with two documents, a sidecar, and what should be passed over."""
    root = tmp_path / "corpus"
    for name in ("a.md", "sub/b.txt", "sub/b.txt.yaml", ".hidden.md", ".git/c.md", "~$lock.docx", ".data/library.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    return CorpusFolder(root, data=root / ".data")


def selected(folder, *paths, known=(), copy=True):
    """Return the ids that are looked at, the problems among them, and the ids to remove."""
    selection = folder.select([Path(path) for path in paths], known, copy=copy)
    problems = {file.document_id: file.problem.reason for file in selection.files if file.problem}
    return [file.document_id for file in selection.files], problems, selection.gone


def test_the_whole_corpus(folder):
    """Without a path every document is looked at, and those whose file is gone leave."""
    assert selected(folder, known=["a.md", "gone.md"]) == (["a.md", "sub/b.txt"], {}, ["gone.md"])


@pytest.mark.parametrize(
    ("given", "ids", "gone"),
    [
        pytest.param("a.md", ["a.md"], [], id="file"),
        pytest.param("sub", ["sub/b.txt"], ["sub/gone.md"], id="folder"),
        pytest.param(".", ["a.md", "sub/b.txt"], ["gone.md", "sub/gone.md", "old/x.md"], id="the corpus itself"),
        pytest.param("sub/../a.md", ["a.md"], [], id="detour"),
        pytest.param("sub/b.txt.yaml", ["sub/b.txt"], [], id="sidecar stands for its document"),
        pytest.param("gone.md", [], ["gone.md"], id="file that is gone"),
        pytest.param("old", [], ["old/x.md"], id="folder that is gone"),
    ],
)
def test_a_path_inside_stands_for_itself_alone(folder, given, ids, gone):
    """Only what was named is looked at or removed."""
    found, problems, left = selected(folder, folder.folder / given, known=["gone.md", "sub/gone.md", "old/x.md"])
    assert (found, problems, sorted(left)) == (ids, {}, sorted(gone))


@pytest.mark.parametrize("given", ["nothing.md", "../nothing.md", "sub/nothing"])
def test_a_path_that_is_not_there_is_misuse(folder, given):
    """A path that neither exists nor was a document is named."""
    with pytest.raises(UsageError, match=r"does not exist. Check the path."):
        selected(folder, folder.folder / given, known=["a.md"])


def test_no_corpus_is_misuse(tmp_path):
    """A corpus that is no folder is named with the remedy."""
    with pytest.raises(UsageError, match=r"is not a folder. Create it or name another one with --corpus"):
        selected(CorpusFolder(tmp_path / "none", data=tmp_path))


def test_an_empty_corpus_is_no_error(tmp_path):
    """No files, nothing to do."""
    (tmp_path / "corpus").mkdir()
    assert selected(CorpusFolder(tmp_path / "corpus", data=tmp_path)) == ([], {}, [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("picture.jpg", "files of type .jpg are not read", id="unknown type"),
        pytest.param("README", r"files of type \(none\) are not read", id="no ending"),
        pytest.param("lost.md.yaml", "files of type .yaml are not read", id="sidecar of nothing"),
    ],
)
def test_what_is_no_document_is_named(folder, name, reason):
    """A file that cannot be a document is a problem with a reason, not a crash and not silence."""
    (folder.folder / name).write_text("x", encoding="utf-8")
    ids, problems, _ = selected(folder)
    assert name in ids
    assert re.match(reason, problems[name])


def test_links(folder, tmp_path):
    """Links to folders are named and not followed; a link to nothing is left to the reader, who says so."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.md").write_text("x", encoding="utf-8")
    (folder.folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder.folder / "dangling.md").symlink_to(tmp_path / "nothing.md")
    ids, problems, _ = selected(folder)
    assert ids == ["a.md", "dangling.md", "link", "sub/b.txt"]
    assert problems == {"link": "is a link to a folder, and those are not followed"}
    assert selected(folder, folder.folder / "link")[1] == problems


def test_a_linked_corpus_is_one_corpus(folder, tmp_path):
    """A path that reaches the corpus by another way is inside it."""
    (tmp_path / "way").symlink_to(folder.folder)
    assert selected(folder, tmp_path / "way" / "a.md")[0] == ["a.md"]
    assert selected(CorpusFolder(tmp_path / "way", data=tmp_path), folder.folder / "a.md")[0] == ["a.md"]


def test_names_are_composed(folder):
    """An id is NFC whatever the disk says, and either spelling finds the file."""
    (folder.folder / NFD).write_text("x", encoding="utf-8")
    for given in (NFC, NFD):
        assert selected(folder, folder.folder / given, known=[NFC]) == ([NFC], {}, [])


def test_two_names_of_one_id(folder):
    """Of two files whose names differ in composition only, the composed one is read and the other is named."""
    for name in (NFD, NFC):
        (folder.folder / name).write_text(name, encoding="utf-8")
    selection = folder.select([], [], copy=False)
    files = {file.path.name: file.problem for file in selection.files if file.document_id == NFC}
    assert files[NFC] is None
    assert "other code points" in files[NFD].reason


def test_a_name_that_is_no_text(folder):
    """A name whose bytes are no UTF-8 is named as far as it can be shown."""
    (folder.folder / os.fsdecode(b"\xff.md")).write_text("x", encoding="utf-8")
    ids, problems, _ = selected(folder)
    assert problems == {"\ufffd.md": "has a name that is not valid UTF-8"}
    assert "\ufffd.md" in ids


def test_a_file_from_outside_is_copied(folder, tmp_path):
    """A file from elsewhere comes to added/ with its sidecar, and its original stays."""
    (tmp_path / "new.md").write_text("new", encoding="utf-8")
    (tmp_path / "new.md.yaml").write_text("title: New", encoding="utf-8")
    for _ in range(2):
        assert selected(folder, tmp_path / "new.md", known=["gone.md"]) == (["added/new.md"], {}, [])
    added = folder.folder / "added"
    assert sorted(file.name for file in added.iterdir()) == ["new.md", "new.md.yaml"]
    assert (added / "new.md.yaml").read_text() == "title: New"
    assert (tmp_path / "new.md").exists()


def test_nothing_is_written_over(folder, tmp_path):
    """Another file of the same name, or another sidecar, keeps its place; the new one gets a number."""
    for number, (text, sidecar) in enumerate(
        [("one", None), ("two", None), ("two", "title: B"), ("two", "title: C")], 1
    ):
        source = tmp_path / f"from{number}" / "new.md"
        source.parent.mkdir()
        source.write_text(text, encoding="utf-8")
        if sidecar:
            (source.parent / "new.md.yaml").write_text(sidecar, encoding="utf-8")
        selected(folder, source)
    contents = {file.name: file.read_text() for file in (folder.folder / "added").iterdir()}
    assert contents == {
        "new.md": "one", "new-2.md": "two", "new-2.md.yaml": "title: B", "new-3.md": "two", "new-3.md.yaml": "title: C",
    }  # fmt: skip


def test_a_folder_from_outside_keeps_its_shape(folder, tmp_path):
    """A folder is copied with its sub-folders; what cannot be read is named and stays out."""
    for name in ("in/a.md", "in/deep/b.txt", "in/.hidden.md", "in/picture.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    planned = selected(folder, tmp_path / "in", copy=False)
    assert not (folder.folder / "added").exists()
    done = selected(folder, tmp_path / "in")
    assert done == planned
    assert done[0] == ["added/in/a.md", "added/in/deep/b.txt", "added/in/picture.jpg"]
    assert list(done[1]) == ["added/in/picture.jpg"]
    assert sorted(file.name for file in (folder.folder / "added").rglob("*.*")) == ["a.md", "b.txt"]


def test_a_copy_that_fails_is_named(folder, tmp_path):
    """A disk that takes no copy makes that file a problem; the rest goes on."""
    (folder.folder / "added").write_text("a file where the folder should be", encoding="utf-8")
    (tmp_path / "new.md").write_text("new", encoding="utf-8")
    _, problems, _ = selected(folder, tmp_path / "new.md")
    assert problems["added/new.md"].startswith("cannot be copied into the corpus (")


def test_a_folder_that_holds_the_corpus_is_refused(folder, tmp_path):
    """The corpus is not copied into itself."""
    with pytest.raises(UsageError, match="holds the corpus itself"):
        selected(folder, tmp_path)


def test_the_fingerprint_follows_file_and_sidecar(tmp_path):
    """File and sidecar decide, each for itself; touching a file does not."""
    file, sidecar = tmp_path / "a.md", tmp_path / "a.md.yaml"
    seen = [file.write_text("one") and fingerprint(file)]
    seen.append(file.write_text("two") and fingerprint(file))
    seen.append(sidecar.write_text("title: T") and fingerprint(file))
    seen.append(sidecar.write_text("title: U") and fingerprint(file))
    assert len(set(seen)) == 4
    os.utime(file)
    assert fingerprint(file) == seen[-1]
    sidecar.unlink()
    assert fingerprint(file) == seen[1]


def test_a_file_too_large_to_be_read_is_not_read_to_compare_it(tmp_path):
    """Its size and its time tell whether it has changed; a sparse file of ten gigabytes costs nothing."""
    file = tmp_path / "huge.txt"
    with file.open("wb") as sparse:
        sparse.truncate(10_000_000_000)
    first = fingerprint(file)
    assert fingerprint(file) == first
    os.utime(file, ns=(1, 1))
    assert fingerprint(file) != first


def test_what_is_no_regular_file_has_no_bytes_to_tell_it_by(tmp_path):
    """A link to itself, a folder and nothing at all are alike, and none of them is opened."""
    loop, folder = tmp_path / "loop.md", tmp_path / "folder.md"
    loop.symlink_to(loop)
    folder.mkdir()
    assert fingerprint(loop) == fingerprint(folder) == fingerprint(tmp_path / "gone.md")


def test_a_file_of_several_pieces_is_read_whole(tmp_path):
    """The last byte of a large file tells it from another as the first does."""
    file = tmp_path / "large.md"
    seen = set()
    for content in (b"a" * 600_000, b"a" * 599_999 + b"b", b"a" * 600_001):
        file.write_bytes(content)
        seen.add(fingerprint(file))
    assert len(seen) == 3
