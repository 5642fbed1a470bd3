"""Both SQLite files as wholes: sound or damaged, copied as of one moment, and what they name."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from assistant.errors import DataFolderError
from assistant.store.inspection import copy_database, damage, originals
from assistant.store.library import Library


@pytest.fixture
def library(tmp_path, make_document):
    """An open library of two versions of one document."""
    with closing(Library(tmp_path / "library.sqlite")) as opened:
        for text in ("One.", "Two."):
            document = make_document([text], id_="a.md")
            opened.store(document, [], fingerprint=text, original=f"{text}md")
            opened.make_current("a.md", document.version, text)
        yield opened


def test_a_sound_file(library):
    """While its owner has it open, too."""
    assert damage(library.file) is None


@pytest.mark.parametrize("content", [b"", b"no database " * 100], ids=["empty", "something else"])
def test_what_is_no_database(tmp_path, content):
    """Something else is damage; an empty file is an empty database, as for SQLite."""
    (tmp_path / "x.sqlite").write_bytes(content)
    assert (damage(tmp_path / "x.sqlite") is None) == (content == b"")


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    """It is damage, and none appears."""
    assert damage(tmp_path / "none.sqlite") == "unable to open database file"
    assert not (tmp_path / "none.sqlite").exists()


def test_a_row_astray(library):
    """A current version that is not there is found, though the file is sound."""
    with closing(sqlite3.connect(library.file)) as connection:
        connection.execute("INSERT INTO current VALUES ('b.md', 'v', 'f', 0)")
        connection.commit()
    assert damage(library.file) == "a row of current belongs to no row of versions"


def test_the_original_of_each_version(library):
    """Older versions count: their links still open."""
    assert [(kept.document_id, kept.name) for kept in originals(library.file)] == [
        ("a.md", "One.md"),
        ("a.md", "Two.md"),
    ]


def test_a_copy_is_of_one_moment_and_holds_nothing_erased(library, tmp_path):
    """What was committed is in it, what another connection has begun is not, and no deleted word is."""
    with closing(sqlite3.connect(library.file, isolation_level=None)) as writer:
        writer.execute("CREATE TABLE notes (text TEXT)")
        writer.execute("INSERT INTO notes VALUES ('a secret word')")
        writer.execute("DELETE FROM notes")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO notes VALUES ('unfinished')")
        copy_database(library.file, tmp_path / "copy.sqlite")
        writer.execute("ROLLBACK")
    content = (tmp_path / "copy.sqlite").read_bytes()
    assert b"secret" not in content
    assert b"unfinished" not in content
    assert len(originals(tmp_path / "copy.sqlite")) == 2


def test_no_room_for_a_copy_is_one_sentence(library, tmp_path):
    """The folder that it should stand in is named."""
    with pytest.raises(DataFolderError, match=r"library.sqlite cannot be copied to .*none \("):
        copy_database(library.file, tmp_path / "none" / "copy.sqlite")
