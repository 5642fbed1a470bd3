"""Reading: one regular file of the corpus, bounded, whatever happens to it meanwhile."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from assistant.documents import Limits, load_document
from assistant.documents.reading import corpus_of, read_file
from assistant.errors import DamagedFile, LimitExceeded, LoadError

HONEST = b"honest words " * 100


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with one honest file, and a secret beside it."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "x.txt").write_bytes(HONEST)
    (tmp_path / "secret.txt").write_text("title: the combination of the safe")
    return folder


def _read(corpus: Path, name: str = "x.txt", limit: int = 1_000_000) -> bytes:
    return read_file(corpus / name, name, corpus=corpus, limit=limit, remedy="Split it")


def test_the_bytes_of_an_honest_file_come_back(corpus: Path) -> None:
    """All of them, also of an empty one."""
    (corpus / "empty.txt").touch()
    assert _read(corpus) == HONEST
    assert _read(corpus, "empty.txt") == b""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("out.txt", "is a link that leads out of the corpus", id="link"),
        pytest.param("far/secret.txt", "is a link that leads out of the corpus", id="link to a folder"),
        pytest.param("pipe.txt", "is not a regular file", id="pipe"),
        pytest.param("socket.txt", "is not a regular file", id="socket"),
        pytest.param("device.txt", "is not a regular file", id="device that gives zeros for ever"),
        pytest.param("circle.txt", "is a link to a file that does not exist", id="link to itself"),
        pytest.param("gone.txt", "does not exist", id="gone"),
        pytest.param("folder.txt", "is a folder", id="folder"),
    ],
)
def test_what_is_no_file_of_the_corpus_is_refused(corpus: Path, name: str, reason: str) -> None:
    """At once, and not opened where opening could wait for ever."""
    (corpus / "out.txt").symlink_to(corpus.parent / "secret.txt")
    (corpus / "far").symlink_to(corpus.parent)
    os.mkfifo(corpus / "pipe.txt")
    os.mknod(corpus / "socket.txt", 0o600 | stat.S_IFSOCK)
    (corpus / "device.txt").symlink_to("/dev/zero")
    (corpus / "circle.txt").symlink_to("circle.txt")
    (corpus / "folder.txt").mkdir()
    with pytest.raises(DamagedFile, match=reason):
        _read(corpus, name)


def test_a_link_inside_the_corpus_is_followed(corpus: Path) -> None:
    """Also where the corpus itself is reached by a link."""
    (corpus / "twin.txt").symlink_to("x.txt")
    (corpus.parent / "way").symlink_to(corpus)
    assert _read(corpus, "twin.txt") == HONEST
    assert _read(corpus.parent / "way", "twin.txt") == HONEST


def test_a_file_of_many_gigabytes_that_are_not_there_is_refused_unread(corpus: Path) -> None:
    """A sparse file takes no room on the disk and would fill the memory."""
    with (corpus / "sparse.txt").open("wb") as file:
        file.truncate(10_000_000_000)
    with pytest.raises(LimitExceeded, match=r"is 10000 MB and the limit is 1 MB. Split it"):
        _read(corpus, "sparse.txt")


def test_a_file_that_grows_while_it_is_read_is_refused(corpus: Path) -> None:
    """Its bytes would be a part of what it is going to be."""
    (corpus / "x.txt").write_bytes(bytes(50_000_000))
    stopped, grown = threading.Event(), threading.Event()

    def grow() -> None:
        with (corpus / "x.txt").open("ab", buffering=0) as file:
            while not stopped.wait(0.0001):
                file.write(b"more")
                grown.set()

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        assert grown.wait(10)
        with pytest.raises(DamagedFile, match=r"was written while it was read. Add it again when it is written"):
            _read(corpus, limit=100_000_000)
    finally:
        stopped.set()
        writer.join()


def test_a_file_that_becomes_a_link_between_look_and_reading_gives_nothing_away(corpus: Path) -> None:
    """However the two are swapped: honest bytes, or an error, never those behind the link."""
    honest, link = corpus / "honest.part", corpus / "link.part"
    stopped = threading.Event()

    def swap() -> None:
        while not stopped.is_set():
            link.symlink_to(corpus.parent / "secret.txt")
            link.replace(corpus / "x.txt")
            honest.write_bytes(HONEST)
            honest.replace(corpus / "x.txt")

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    try:
        for _ in range(2000):
            try:
                seen.add(_read(corpus))
            except LoadError as error:
                seen.add(error.reason.encode())
    finally:
        stopped.set()
        swapper.join()
    assert HONEST in seen
    assert b"is a link that leads out of the corpus" in seen
    assert not [each for each in seen if b"combination" in each]


def test_a_sidecar_is_read_with_the_same_care(corpus: Path) -> None:
    """It neither brings in what lies outside nor fills the memory."""
    sidecar = corpus / "x.txt.yaml"
    sidecar.symlink_to(corpus.parent / "secret.txt")
    with pytest.raises(DamagedFile, match=r"its sidecar x.txt.yaml is a link that leads out of the corpus"):
        load_document(corpus / "x.txt", "x.txt", Limits())
    sidecar.unlink()
    with sidecar.open("wb") as file:
        file.truncate(10_000_000_000)
    with pytest.raises(LimitExceeded, match=r"its sidecar x.txt.yaml is 10000 MB and the limit is 66 KB. Keep only"):
        load_document(corpus / "x.txt", "x.txt", Limits())
    sidecar.unlink()
    os.mkfifo(sidecar)
    assert load_document(corpus / "x.txt", "x.txt", Limits()).text


def test_the_corpus_is_known_by_the_id(tmp_path: Path) -> None:
    """What stands before it in the path; nothing where the path ends otherwise."""
    assert corpus_of(tmp_path / "a" / "b.txt", "a/b.txt") == tmp_path
    assert corpus_of(tmp_path / "other.txt", "a/b.txt") is None
