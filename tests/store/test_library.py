"""The library: every change is one transaction, and what was stored can always be opened again."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.documents.chunking import chunk_document
from assistant.domain import Findings, HiddenText, Metadata, version_of
from assistant.errors import DataFolderError
from assistant.store.library import Library


@pytest.fixture
def file(tmp_path) -> Path:
    """Where the library lies."""
    return tmp_path / "library.sqlite"


@pytest.fixture
def library(file):
    """An empty library."""
    opened = Library(file)
    yield opened
    opened.close()


@pytest.fixture
def put(library, make_document):
    """Store one text as the current version of a document and return it with its chunks."""

    def store(text: str, id_: str = "a.md"):
        document = make_document([text], id_=id_)
        chunks = chunk_document(document, lambda texts: [len(text.split()) for text in texts], max_tokens=50)
        library.store(document, chunks, fingerprint=f"print of {text}", original="or/iginal.md")
        library.make_current(id_, document.version, f"print of {text}")
        return document, chunks

    return store


def test_what_is_stored_comes_back(library, put, file):
    """Documents and chunks come back as they went in, also after a restart."""
    document, chunks = put("Ærlig talt. The heron pays.")
    library.close()
    with closing(Library(file)) as again:
        assert again.document("a.md") == document
        assert again.chunks_of("a.md", document.version) == chunks
        assert again.chunks([chunks[0].id, "unknown"]) == {chunks[0].id: chunks[0]}
        assert again.original("a.md") == "or/iginal.md"
        assert again.current_chunk_ids() == {chunk.id for chunk in chunks}
        assert again.chunk_count() == len(chunks)


def test_a_passage_that_goes_on_with_a_table_is_stored_as_such(library, put, file):
    """Whether its first row names the columns is known of each passage, however it is looked up."""
    rows = "\n".join(f"Item {number}\t{number} kilos\tfloats on the water of the harbour" for number in range(30))
    document, chunks = put(f"Item\tWeight\tRemark\n{rows}")
    assert {chunk.goes_on for chunk in chunks} == {False, True}
    library.close()
    with closing(Library(file)) as again:
        assert again.chunks_of("a.md", document.version) == chunks
        assert again.chunks([chunk.id for chunk in chunks[1:]]) == {chunk.id: chunk for chunk in chunks[1:]}


def test_nothing_is_known_of_the_unknown(library):
    """Questions about documents that are not there have answers, not errors."""
    assert library.document("x.md") is None
    assert library.document("x.md", "version") is None
    assert library.original("x.md") is None
    assert library.chunks([]) == {}
    assert library.chunks_of("x.md", "version") == []
    assert library.vectors("model", ["hash"]) == {}
    assert (dict(library.current), library.chunk_count()) == ({}, 0)


def test_a_stored_version_is_not_current_yet(library, make_document):
    """Writing a version changes nothing for questions until it is made current."""
    document = make_document(["New."])
    library.store(document, [], fingerprint="f", original="o")
    assert library.document("made.md") is None
    assert library.document("made.md", document.version) == document


def test_metadata_is_that_of_the_current_version(library, make_document):
    """Title and metadata come back as they went in, without the text, and follow the version that answers."""
    first, second = (
        replace(
            make_document([text], id_="a.md"),
            title=f"Title of {text}",
            version=text,
            metadata=Metadata(published=day, audience=("founders",), translations=("b.md",), is_review_date=review),
        )
        for text, day, review in (("one", "2024-03", True), ("two", "2026-03-01", False))
    )
    assert library.metadata("a.md") is None
    library.store(first, [], fingerprint="f", original="o")
    assert library.metadata("a.md") is None
    library.make_current("a.md", "one", "f")
    assert library.metadata("a.md") == ("Title of one", first.metadata)
    library.store(second, [], fingerprint="f", original="o")
    assert library.metadata("a.md") == ("Title of one", first.metadata)
    library.make_current("a.md", "two", "f")
    assert library.metadata("a.md") == ("Title of two", second.metadata)
    assert library.metadata("a.md") == (library.document("a.md").title, library.document("a.md").metadata)
    library.remove("a.md")
    assert library.metadata("a.md") is None


def test_metadata_of_others_stays_when_one_document_changes(library, put):
    """Every change of the picture is read anew, and each document keeps its own title."""
    put("First.", "a.md")
    assert library.metadata("a.md") == ("A made title", Metadata())
    put("Second.", "b.md")
    library.remove("a.md")
    assert library.metadata("b.md") == ("A made title", Metadata())
    assert library.metadata("a.md") is None


def test_metadata_written_before_a_key_was_known_can_be_read(library, put, file):
    """A library of an older program lacks what that did not know: it counts as not said."""
    document, _ = put("First.")
    library._connection.execute("UPDATE versions SET details = json_remove(details, '$.metadata.is_review_date')")
    library.close()
    with closing(Library(file, read_only=True)) as older:
        assert older.metadata("a.md") == ("A made title", document.metadata)
        assert older.document("a.md") == document


def test_findings_come_back_and_may_be_missing(library, make_document, file):
    """What was found in a file stays with its version; one that was stored before it was looked for has none."""
    found = Findings(2, ("Menu",), (HiddenText("tiny", "small print", 3), HiddenText("not_shown", "aside")), (4,), (5,))
    document = replace(make_document(["Ærlig talt."]), findings=found)
    library.store(document, [], fingerprint="f", original="o")
    assert library.document(document.id, document.version) == document
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE versions SET details = json_remove(details, '$.findings')")
    with closing(Library(file)) as opened_anew:
        assert opened_anew.document(document.id, document.version) == replace(document, findings=Findings())


def test_old_versions_stay(library, put):
    """Old citations can be opened after a change and after a removal."""
    first, _ = put("First.")
    second, _ = put("Second.")
    assert library.document("a.md") == second
    library.remove("a.md")
    assert library.document("a.md") is None
    assert library.document("a.md", first.version) == first
    assert library.document("a.md", second.version) == second
    assert library.original("a.md", first.version) == "or/iginal.md"


def test_a_pinned_picture_does_not_change(library, put):
    """A question sees one set of versions from its start to its end."""
    first, _ = put("First.")
    pinned = library.current
    second, _ = put("Second.")
    put("Another.", "b.md")
    library.remove("a.md")
    assert {id_: now.version for id_, now in pinned.items()} == {"a.md": first.version}
    assert list(library.current) == ["b.md"]
    with pytest.raises(TypeError):
        pinned["a.md"] = None
    assert second.version != first.version


def test_the_picture_is_what_the_file_says(library, put, file):
    """The picture in memory is kept in step with the file, in the order of ids."""
    for id_ in ("m.md", "z.md", "a.md", "q.md"):
        document, _ = put(f"Text of {id_}", id_)
        library.mark_embedded(id_, document.version)
    library.mark_not_embedded("z.md")
    library.remove("q.md")
    library.mark_embedded("a.md", "not its version")
    with closing(Library(file, read_only=True)) as other:
        assert list(other.current.items()) == list(library.current.items())
    assert [(id_, now.embedded) for id_, now in library.current.items()] == [
        ("a.md", True),
        ("m.md", True),
        ("z.md", False),
    ]
    library.mark_nothing_embedded()
    assert not any(now.embedded for now in library.current.values())


def test_many_versions_become_current_in_one_step(library, put, file):
    """Whoever looks sees none or all of them; those that staff had unpublished rest no longer."""
    before = library.current
    documents = [put(f"Text of {id_}", id_)[0] for id_ in ("m.md", "z.md", "a.md")]
    library.rest("z.md", documents[1].version, "print")
    library.remove("a.md")
    library.make_all_current([(document.id, document.version, "new print") for document in documents])
    library.mark_all_embedded([(document.id, document.version) for document in documents[:2]])
    assert not before
    assert not library.resting
    assert [(id_, now.fingerprint, now.embedded) for id_, now in library.current.items()] == [
        ("a.md", "new print", False),
        ("m.md", "new print", True),
        ("z.md", "new print", True),
    ]
    with closing(Library(file, read_only=True)) as other:
        assert list(other.current.items()) == list(library.current.items())


def test_one_unknown_version_keeps_all_from_becoming_current(library, put):
    """A step that cannot be taken whole is not taken."""
    document, _ = put("Text.")
    library.remove("a.md")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        library.make_all_current([("a.md", document.version, "print"), ("b.md", "never stored", "print")])
    assert not library.current


def test_the_passages_of_a_version_are_counted(library, put):
    """Without reading them; a version that is not there has none."""
    document, chunks = put("Text. " * 200)
    assert library.chunk_count_of("a.md", document.version) == len(chunks) > 1
    assert library.chunk_count_of("a.md", "unknown") == 0


def test_a_new_version_waits_for_its_vectors(library, put):
    """A version is embedded when its own vectors are in; the same version again keeps them."""
    first, _ = put("First.")
    library.mark_embedded("a.md", first.version)
    library.make_current("a.md", first.version, "another print")
    assert library.current["a.md"].embedded
    put("Second.")
    assert not library.current["a.md"].embedded


def test_vectors_are_kept_by_the_hash_of_their_text(library):
    """Equal texts share one vector per model, and models do not mix."""
    vector = np.asarray([0.6, 0.8], dtype=np.float32)
    library.store_vectors("model", [("hash", vector), *((f"h{i}", vector) for i in range(1200))])
    found = library.vectors("model", ["hash", "unknown", *(f"h{i}" for i in range(1200))])
    assert len(found) == 1201
    assert np.array_equal(found["hash"], vector)
    assert library.vectors("other model", ["hash"]) == {}


def test_whether_texts_have_vectors_is_known_without_reading_them(library):
    """By model: whether there are any, and which of these texts have one."""
    vector = np.asarray([0.6, 0.8], dtype=np.float32)
    assert not library.has_vectors("model")
    library.store_vectors("model", ((f"h{i}", vector) for i in reversed(range(1200))))
    assert library.has_vectors("model")
    assert not library.has_vectors("other model")
    assert library.hashes_with_vectors("model", ["unknown", "h3", "h1199", "h3"]) == {"h3", "h1199"}
    assert len(library.hashes_with_vectors("model", [f"h{i}" for i in range(2000)])) == 1200
    assert library.hashes_with_vectors("other model", ["h3"]) == set()


def test_a_generation_is_switched_in_one_transaction(library, put):
    """Chunks, manifest and number of the indexes change together, or not at all."""
    document, chunks = put("One. Two.")
    with pytest.raises(sqlite3.IntegrityError):
        library.switch_generation(1, manifest="new", chunks={"a.md": [chunks[0], chunks[0]]})
    assert (library.fact("generation"), library.chunks_of("a.md", document.version)) == (None, chunks)
    library.switch_generation(1, manifest="new", chunks={"a.md": chunks})
    assert (library.fact("generation"), library.fact("manifest")) == ("1", "new")
    assert library.current["a.md"].embedded


@pytest.mark.parametrize("change", ["stored again", "switched", "erased"])
def test_passages_that_were_read_are_read_again_once_they_change(library, put, change):
    """What is kept in memory of a passage never outlives it, and what is unknown now may come."""
    document, chunks = put("One. Two.")
    ids = [chunk.id for chunk in chunks]
    wanted = ["made.md:later:0", *ids]
    assert library.chunks(wanted) == library.chunks(wanted) == dict(zip(ids, chunks, strict=True))
    new = [replace(chunk, title="Another title") for chunk in chunks]
    if change == "stored again":
        library.store(document, new, fingerprint="f", original="o")
    elif change == "switched":
        library.switch_generation(1, manifest="new", chunks={"a.md": new})
    else:
        library.remove("a.md")
        library.erase("a.md", document.version, [])
        new = []
    assert library.chunks(wanted) == {chunk.id: chunk for chunk in new}


def test_more_passages_than_are_kept_are_all_read(library, put, monkeypatch):
    """Which are kept is nothing that a reader notices, whatever was read before."""
    monkeypatch.setattr("assistant.store.library._KEPT_CHUNKS", 3)
    put("One.", "first.md")
    chunks = {chunk.id: chunk for number in range(8) for chunk in put(f"Number {number}.", f"{number}.md")[1]}
    ids = list(chunks)
    for wanted in (ids[:2], ids, ids[1:6], [], ids[::-1], ids[:2]):
        assert library.chunks(wanted) == {id_: chunks[id_] for id_ in wanted}


def test_passages_are_the_newest_while_others_read_them(library, put):
    """A reader in another thread never brings back what was written over."""
    document, chunks = put("One. Two.")
    ids, done = [chunk.id for chunk in chunks], threading.Event()
    seen: set[int] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(len(library.chunks(ids)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(100):
            new = [replace(chunk, title=f"Title {number}") for chunk in chunks]
            library.store(document, new, fingerprint="f", original="o")
            assert list(library.chunks(ids).values()) == new
    finally:
        done.set()
        reader.join()
    assert seen == {len(chunks)}


def test_a_failed_change_leaves_nothing(library, put, make_document):
    """A version whose chunks cannot be written is not there at all."""
    _, chunks = put("One.")
    document = make_document(["Two."])
    with pytest.raises(sqlite3.IntegrityError):
        library.store(document, [chunks[0], chunks[0]], fingerprint="f", original="o")
    assert library.document("made.md", document.version) is None
    library.remember("still", "works")
    assert library.fact("still") == "works"


def test_facts_are_remembered_and_replaced(library, file):
    """Small facts survive, and the library's own name never changes."""
    name = library.library_id
    library.remember("stop", "open")
    library.remember("stop", "clean")
    library.close()
    with closing(Library(file)) as again:
        assert (again.fact("stop"), again.library_id, again.fact("unknown")) == ("clean", name, None)


def test_a_full_disk_is_one_sentence_and_loses_nothing(library, put, make_document):
    """When no page is left the change fails as a whole, and the library goes on when there is room again."""
    first, _ = put("First.")
    pages = library._connection.execute("PRAGMA page_count").fetchone()[0]
    library._connection.execute(f"PRAGMA max_page_count = {pages}")
    large = make_document(["word " * 100_000], id_="a.md")
    with pytest.raises(DataFolderError, match=r"cannot be written .*full.*Make room.*nothing was lost"):
        library.store(large, [], fingerprint="f", original="o")
    assert library.document("a.md") == first
    library._connection.execute("PRAGMA max_page_count = 100000")
    library.store(large, [], fingerprint="f", original="o")
    assert library.document("a.md", large.version) == large


OLD_VECTORS = """
DROP TABLE embeddings;
DROP TABLE models;
CREATE TABLE embeddings (
    model TEXT NOT NULL, content_hash TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (model, content_hash)) WITHOUT ROWID;
"""


@pytest.mark.parametrize("release", [1, 2], ids=["format 1", "format 2"])
def test_a_library_of_an_earlier_release_is_brought_up_to_date_and_can_be_read_before(put, library, file, release):
    """Reading alone changes nothing; opening it adds what is new and keeps all documents and vectors."""
    first, _ = put("First.")
    second, _ = put("Second.", id_="b.md")
    library.rest("b.md", second.version, "f")
    library._connection.executescript(OLD_VECTORS)
    for model, content_hash, number in (("one", "a", 1), ("one", "b", 2), ("two", "a", 3)):
        vector = np.full(4, number, dtype=np.float32).tobytes()
        library._connection.execute("INSERT INTO embeddings VALUES (?, ?, ?)", (model, content_hash, vector))
    if release == 1:
        for table in ("resting", "withdrawn"):
            library._connection.execute(f"DROP TABLE {table}")
    library._connection.execute(f"PRAGMA user_version = {release}")
    library.close()
    before = file.read_bytes()
    with closing(Library(file, read_only=True)) as reader:
        assert reader.document("a.md") == first
        assert list(reader.resting) == ([] if release == 1 else ["b.md"])
        assert reader.all_withdrawn() == []
        assert vectors_in(reader) == {("one", "a"): 1, ("one", "b"): 2, ("two", "a"): 3}
    assert file.read_bytes() == before
    with closing(Library(file)) as opened:
        assert opened.document("a.md") == first
        assert vectors_in(opened) == {("one", "a"): 1, ("one", "b"): 2, ("two", "a"): 3}
        opened.rest("a.md", first.version, "f")
        assert "a.md" in opened.resting


def vectors_in(library: Library) -> dict[tuple[str, str], float]:
    """Return the first number of each vector of two models and two texts."""
    return {
        (model, content_hash): float(vector[0])
        for model in ("one", "two", "three")
        for content_hash, vector in library.vectors(model, ["a", "b"]).items()
    }


def test_a_resting_version_is_kept_and_is_not_current(put, library):
    """Its old links still open by their version; making it current again ends its rest."""
    first, _ = put("First.")
    library.rest("a.md", first.version, "f2")
    assert library.current == {}
    assert library.document("a.md") is None
    assert library.document("a.md", first.version) == first
    assert library.known["a.md"].fingerprint == "f2"
    assert library.chunk_count() == 0
    library.make_current("a.md", first.version, "f3")
    assert library.resting == {}
    assert library.current["a.md"].version == first.version


def test_a_withdrawn_document_is_shown_in_no_version(put, library):
    """Neither text nor original; bringing it back shows all of them again."""
    first, _ = put("First.")
    second, _ = put("Second.")
    library.withdraw("a.md", today="2026-11-22", erase_on="2026-12-22")
    for version in (None, first.version, second.version):
        assert library.document("a.md", version) is None
        assert library.original("a.md", version) is None
    withdrawn = library.withdrawn("a.md", first.version)
    assert (withdrawn.title, withdrawn.withdrawn_on, withdrawn.erased) == (first.title, "2026-11-22", False)
    assert library.bring_back("a.md") is True
    assert library.document("a.md", first.version) == first
    assert library.bring_back("a.md") is False


def test_an_erased_version_leaves_its_title_and_days_alone(put, library, file):
    """No word of it is in the file any more, or in the log beside it; what another version needs stays."""
    first, chunks = put("Salamander secrets stand here.")
    second, _ = put("Second.")
    hash_ = chunks[0].content_hash
    vector = np.full(384, 0.123456, dtype=np.float32)
    library.store_vectors("m", [(hash_, vector), ("other", vector * 2)])
    library.withdraw("a.md", today="2026-11-22", erase_on="2026-12-22")
    assert library.own_original("a.md", first.version) is None  # the second has the same one
    library.erase("a.md", first.version, [hash_])
    assert library.own_original("a.md", second.version) == "or/iginal.md"
    library.erase("a.md", second.version, [])
    assert library.vectors("m", [hash_, "other"]).keys() == {"other"}
    assert library.withdrawn("a.md", first.version).erased
    assert library.bring_back("a.md") is False
    for kept in file.parent.glob(f"{file.name}*"):
        assert b"Salamander" not in kept.read_bytes()
        assert vector.tobytes() not in kept.read_bytes()


def test_another_format_is_refused(library, file):
    """A library of another release is neither read nor changed."""
    library._connection.execute("PRAGMA user_version = 99")
    library.close()
    for read_only in (False, True):
        with pytest.raises(
            DataFolderError, match=r"has format 99 and this program reads format 3.*another data folder"
        ):
            Library(file, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no database at all " * 100, id="text"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 5000, id="damaged"),
    ],
)
def test_what_is_no_library_is_one_sentence(file, content, read_only):
    """A file of another kind is named with the remedy, and left as it is."""
    file.write_bytes(content)
    with pytest.raises(DataFolderError, match=r"library .*library.sqlite cannot be opened .*can be deleted"):
        Library(file, read_only=read_only)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "place", ["/proc/nowhere/library.sqlite", "{tmp}/file/library.sqlite"], ids=["no folder", "file"]
)
def test_a_place_that_cannot_be_is_one_sentence(tmp_path, place):
    """A folder that is none is named, not a traceback."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DataFolderError, match=r"cannot be opened"):
        Library(Path(place.format(tmp=tmp_path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path):
    """A folder that may not be written is named with the remedy."""
    tmp_path.chmod(0o500)
    with pytest.raises(DataFolderError, match=r"Check that the folder can be written"):
        Library(tmp_path / "library.sqlite")


@pytest.mark.parametrize("owner", ["closed", "open"])
def test_reading_leaves_no_trace(library, put, file, owner):
    """A library that is opened to read creates and changes nothing, whether its owner runs or not."""
    document, _ = put("First.")
    if owner == "closed":
        library.close()
    before = {path.name: path.stat().st_size for path in file.parent.iterdir()}
    with closing(Library(file, read_only=True)) as reader:
        assert reader.document("a.md") == document
        with pytest.raises(DataFolderError, match=r"cannot be written"):
            reader.remember("x", "y")
    assert {path.name: path.stat().st_size for path in file.parent.iterdir()} == before


def test_reading_goes_on_while_somebody_writes(library, put, make_document):
    """Readers in other threads see whole versions all the time, never an error."""
    put("Version 0. " * 50)
    failures, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            now = library.current["a.md"]
            document = library.document("a.md", now.version)
            text = " ".join(chunk.text for chunk in library.chunks_of("a.md", now.version))
            if document is None or len(set(text.split())) != 2 or version_of(
                document.text.encode(), Metadata(), document.text
            ) != now.version:  # fmt: skip
                failures.append(now)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for thread in readers:
        thread.start()
    for number in range(1, 60):
        put(f"Version {number}. " * 50)
    done.set()
    for thread in readers:
        thread.join()
    assert failures == []
