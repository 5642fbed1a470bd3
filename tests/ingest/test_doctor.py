"""The doctor: every difference is named with its document and mended where it can be; looking changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from assistant.build import check_open, repair_open
from assistant.commands import check_folder, repair_folder
from assistant.desk import CheckReport
from assistant.index.index import Index
from assistant.index.lexical import LexicalIndex
from assistant.settings import read_settings
from assistant.store.library import Library

MENTORS = "programme/mentors.md"
DOCUMENTS = ["notes/lighthouse.txt", MENTORS, "reports/harbour.pdf"]
DELETE_VECTORS = "DELETE FROM embeddings WHERE model = (SELECT id FROM models WHERE name = ?)"


def named(report: CheckReport) -> set[tuple[str, str | None, bool]]:
    """Return kind, document and whether it can be mended of each difference."""
    return {(found.kind, found.document, found.repairable) for found in report.differences}


def sentences(report: CheckReport) -> str:
    """Return what the report says."""
    return "\n".join(found.sentence for found in report.differences)


def tree(folder: Path) -> dict[Path, bytes]:
    """Return the files below a folder that looking must not change: all but what an open index writes for itself."""
    passed_over = ("chroma", "owner.lock")
    return {path: path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and not set(passed_over) & set(path.relative_to(folder).parts)}  # fmt: skip


def chunk_ids(library: Library, document: str = MENTORS) -> list[str]:
    """Return the chunks of a document's current version."""
    return [chunk.id for chunk in library.chunks_of(document, library.current[document].version)]


# ---- Healthy ----


def test_a_healthy_folder(synced):
    """Nothing differs, and everything was searched for."""
    report = check_open(synced)
    assert report.differences == ()
    assert (report.documents, report.searched) == (3, report.chunks)
    assert report.chunks == len(list(synced.chunks()))
    assert report.embedded_by in ("ONNX Runtime, float32", "sentence-transformers, float32")
    assert CheckReport.from_dict(report.to_dict()).to_dict() == report.to_dict()


def test_looking_from_outside_changes_nothing(synced):
    """A folder that nobody has open is looked at without a change to library, words, originals and journal."""
    synced.close()
    before = tree(synced.data)
    assert check_folder(synced.settings).differences == ()
    assert tree(synced.data) == before


# ---- Damage, and what is said of it. Each case: what is done to an open assistant, what is named ----


def forget_words(assistant):
    """Take a document's words out of the word index."""
    assistant._index.lexical.remove(chunk_ids(assistant._library))
    assistant._index.commit_words()


def foreign_words(assistant):
    """Put a passage into the word index that the library does not know."""
    (chunk, *_) = assistant._library.chunks_of(MENTORS, assistant._library.current[MENTORS].version)
    assistant._index.add_words([_renamed(chunk)])
    assistant._index.commit_words()


def wrong_words(assistant):
    """Index a passage under the words of another."""
    mine, other = (assistant._library.chunks_of(id_, assistant._library.current[id_].version)[0]
                   for id_ in (MENTORS, "reports/harbour.pdf"))  # fmt: skip
    values = {name: getattr(other, name) for name in other.__slots__}
    assistant._index.add_words([type(other)(**{**values, "id": mine.id, "language": mine.language})])
    assistant._index.commit_words()


def forget_vectors(assistant):
    """Take a document's vectors out of the vector index."""
    assistant._index.vectors.remove(chunk_ids(assistant._library))


def foreign_vectors(assistant):
    """Put a passage of no document into the vector index."""
    assistant._index.vectors.add(["gone.md:0123456789abcdef:0"], np.full((1, 384), 384**-0.5, dtype=np.float32))


def wrong_vectors(assistant):
    """Store a document's passages under another vector."""
    ids = chunk_ids(assistant._library)
    vectors = np.zeros((len(ids), 384), dtype=np.float32)
    vectors[:, 5] = 1.0
    assistant._index.vectors.add(ids, vectors)


def forget_sentences(assistant):
    """Lose the vectors of all sentences."""
    with closing(sqlite3.connect(assistant.data / "library.sqlite")) as connection:
        connection.execute(DELETE_VECTORS, (assistant._sentences.key,))
        connection.commit()


def forget_stored_vectors(assistant):
    """Lose the library's vectors of all passages."""
    with closing(sqlite3.connect(assistant.data / "library.sqlite")) as connection:
        connection.execute(DELETE_VECTORS, (assistant._embedder.key,))
        connection.commit()


def wrong_chunks(assistant):
    """Let passages say another place than their own."""
    with closing(sqlite3.connect(assistant.data / "library.sqlite")) as connection:
        connection.execute("UPDATE chunks SET start = start + 1 WHERE document_id = ?", (MENTORS,))
        connection.commit()


def lose_original(assistant):
    """Delete an original."""
    assistant.original(MENTORS).unlink()


def damage_original(assistant):
    """Write other bytes into an original."""
    assistant.original(MENTORS).write_bytes(b"other bytes")


def add_file(assistant):
    """Add a document."""
    (assistant.corpus / "new.md").write_text("# New\n\nThe osprey pays nine crowns.\n")


def change_file(assistant):
    """Change a document."""
    (assistant.corpus / MENTORS).write_text("# Mentors\n\nThe heron has left.\n")


def describe_file(assistant):
    """Write a sidecar."""
    (assistant.corpus / "reports" / "harbour.pdf.yaml").write_text("title: Puffins\n")


def remove_file(assistant):
    """Delete a document's file."""
    (assistant.corpus / MENTORS).unlink()


def half_a_rebuild(assistant):
    """Leave what a killed rebuild leaves: a collection and a folder of the next generation."""
    assistant._index.vectors.beside(f"library-{assistant._library.library_id}-9")
    LexicalIndex(assistant.data / "words-9").close()


def half_a_copy(assistant):
    """Leave what killed copies leave."""
    (assistant.corpus / "added").mkdir()
    (assistant.corpus / "added" / ".copy-1.part").write_bytes(b"half")
    original = assistant.original(MENTORS)
    original.with_suffix(".part").write_bytes(b"half")


MENDED = {
    "words forgotten": (forget_words, ("words", MENTORS), f"of {MENTORS} are missing from the word index: 1 of"),
    "foreign words": (foreign_words, ("words", MENTORS), f"of {MENTORS} are in the word index and may not answer: 1."),
    "other words": (wrong_words, ("words", MENTORS), f"of {MENTORS} are not found by their own words: 1 of 1."),
    "vectors forgotten": (forget_vectors, ("vectors", MENTORS), f"{MENTORS} are missing from the vector index: 1"),
    "foreign vectors": (foreign_vectors, ("vectors", "gone.md"), "gone.md are in the vector index and may not"),
    "other vectors": (wrong_vectors, ("vectors", MENTORS), f"Passages of {MENTORS} stand with another vector in the"),
    "sentences": (forget_sentences, ("sentences", MENTORS), f"Sentences of {MENTORS} have no vector: "),
    "stored vectors": (forget_stored_vectors, ("vectors", MENTORS), f"{MENTORS} have no vector in the library: 1"),
    "chunks": (wrong_chunks, ("library", MENTORS), f"Passages of {MENTORS} are not what stands at their place in its"),
    "original lost": (lose_original, ("original", MENTORS), "is missing"),
    "original damaged": (damage_original, ("original", MENTORS), "is damaged: its bytes are not those of its name"),
    "new file": (add_file, ("corpus", "new.md"), "new.md is in the corpus and not in the library."),
    "changed file": (change_file, ("corpus", MENTORS), "mentors.md is not what the library has read: its file has"),
    "sidecar": (describe_file, ("corpus", "reports/harbour.pdf"), "its sidecar or the program that reads it has"),
    "file gone": (remove_file, ("corpus", MENTORS), "programme/mentors.md is in the library, and its file"),
    "half a rebuild": (half_a_rebuild, ("leftover", None), "words-9 was left by something that was ended midway."),
    "half a copy": (half_a_copy, ("leftover", None), "added/.copy-1.part was left by"),
}  # fmt: skip
EACH_DAMAGE = pytest.mark.parametrize(("harm", "named_as", "said"), MENDED.values(), ids=MENDED)


def _renamed(chunk):
    values = {name: getattr(chunk, name) for name in chunk.__slots__}
    return type(chunk)(**{**values, "id": f"{MENTORS}:0123456789abcdef:0"})


@EACH_DAMAGE
def test_each_difference_is_named_and_mended(synced, consistent, harm, named_as, said):
    """One sentence with kind and document; repaired, everything agrees and answers again."""
    harm(synced)
    found = check_open(synced)
    assert (*named_as, True) in named(found)
    assert said in sentences(found)
    left = repair_open(synced)
    assert left.differences == ()
    assert consistent(synced)
    assert check_open(synced).differences == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm", [forget_vectors, wrong_vectors, forget_words, half_a_rebuild], ids=lambda f: f.__name__
)
def test_the_same_from_outside(synced, harm):
    """A folder that nobody has open tells the same, and its repair opens it."""
    harm(synced)
    wanted = named(check_open(synced))
    synced.close()
    assert named(check_folder(synced.settings)) == wanted
    assert repair_folder(synced.settings).differences == ()


# ---- What cannot be mended ----


def test_what_a_person_has_to_mend(synced):
    """Files that are none, sidecars without a document, translations of nothing: each with what to do."""
    (synced.corpus / "picture.jpg").write_bytes(b"x")
    (synced.corpus / "lost.md.yaml").write_text("title: Lost")
    (synced.corpus / "norsk.md").write_text("---\ntranslation_of: english.md\n---\n# Norsk\n\nHegren er mentor.\n")
    synced.sync()
    left = repair_open(synced)
    assert named(left) == {
        ("corpus", "picture.jpg", False), ("sidecar", "lost.md.yaml", False), ("translation", "norsk.md", False),
    }  # fmt: skip
    assert "picture.jpg cannot be read: files of type .jpg are not read." in sentences(left)
    assert "lost.md.yaml describes a document that is not beside it. Put" in sentences(left)
    assert "norsk.md names english.md as its translation, and there is no such document. Correct" in sentences(left)


def test_a_file_that_breaks_says_why(synced):
    """After a repair that could not read a file, the difference that is left says why."""
    (synced.corpus / "reports" / "harbour.pdf").write_bytes(b"%PDF-1.4 nothing")
    left = repair_open(synced)
    assert named(left) == {("corpus", "reports/harbour.pdf", False)}
    assert "It could not be read: " in sentences(left)


def test_an_empty_corpus_does_not_empty_the_library(synced, consistent):
    """A corpus that has lost everything is named, and the documents go on answering, also after a repair."""
    shutil.rmtree(synced.corpus)
    synced.corpus.mkdir()
    forget_vectors(synced)
    left = repair_open(synced)
    assert named(left) == {("corpus", None, False)}
    assert "is empty, while the library holds 3 documents. Put the files back" in sentences(left)
    assert consistent(synced)


def test_an_original_of_an_older_version(synced):
    """An original that no file holds any more cannot be made again, and one that nobody needs is not thrown away."""
    original = synced.original(MENTORS)
    (synced.corpus / MENTORS).write_text("# Mentors\n\nThe heron has left.\n")
    synced.sync()
    other = original.with_name("ab" * 32 + ".md")
    original.rename(other)
    left = repair_open(synced)
    assert named(left) == {("original", MENTORS, False), ("leftover", None, False)}
    assert "Only a backup brings it back." in sentences(left)
    assert "It cannot be made again: delete it by hand if nobody needs it." in sentences(left)
    assert other.exists()


def test_a_citation_without_its_version(synced):
    """A saved conversation that cites a version which the library has lost is named; a withdrawn version is not."""
    answer = synced.ask("What is the walrus fee?")
    assert not isinstance(synced.journal.save([_Said("What is the walrus fee?", answer)], "en"), str)
    version = answer.citations[0].version
    synced._library.withdraw(MENTORS, today="2026-11-22", erase_on="2026-12-22")
    synced._library.erase(MENTORS, version, [])
    assert "A saved conversation" not in sentences(check_open(synced))
    with closing(sqlite3.connect(synced.data / "library.sqlite")) as connection:
        connection.execute("DELETE FROM withdrawn")
        connection.commit()
    found = [one for one in check_open(synced).differences if one.kind == "journal"]
    assert [(one.document, one.repairable) for one in found] == [(MENTORS, False)]
    assert f"cites version {version[:12]} of programme/mentors.md, which the library does not hold" in found[0].sentence


class _Said:
    """One saved question."""

    failure, failed, stopped, titles = None, False, False, {}

    def __init__(self, question, answer):
        self.question, self.answer = question, answer


def spoil(file: Path) -> None:
    """Overwrite the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 4 : 3 * len(content) // 4] = b"\x5a" * (3 * len(content) // 4 - len(content) // 4)
    file.write_bytes(content)


def test_a_damaged_journal_is_set_aside_and_kept(synced):
    """It is named, the repair begins a new one, and the old one stays under another name."""
    for _ in range(30):
        synced.journal.give_feedback(helpful=True, why="Good. " * 50, outcome="answered", reason=None, language="en",
                                     documents=[])  # fmt: skip
    synced.close()
    spoil(synced.data / "journal.sqlite")
    assert named(check_folder(synced.settings)) == {("journal", None, True)}
    assert repair_folder(synced.settings).differences == ()
    assert (synced.data / "journal.sqlite.damaged-1").is_file()


@pytest.mark.parametrize("how", ["no database", "spoilt"])
def test_a_damaged_library_is_left_alone(synced, how):
    """Nothing can be said of the rest; the sentence says what to do, and a repair touches nothing."""
    synced.close()
    file = synced.data / "library.sqlite"
    spoil(file) if how == "spoilt" else file.write_text("no database " * 100)
    before = file.read_bytes()
    for report in (check_folder(synced.settings), repair_folder(synced.settings)):
        assert named(report) == {("library", None, False)}
        assert "damaged" in sentences(report)
    assert file.read_bytes() == before


def test_no_library_at_all(corpus, data):
    """A folder that does not exist stays so when it is looked at; a repair brings the corpus in."""
    settings = read_settings(corpus=corpus, data=data)
    report = check_folder(settings)
    assert named(report) == {("library", None, True)}
    assert not data.exists()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["chroma.sqlite3", "data_level0.bin", "everything"])
def test_a_damaged_vector_index_ends_no_process(synced, part, consistent, open_over):
    """One that cannot be opened, or finds nothing, is named by a process that outlives it, and built anew."""
    synced.close()
    for file in [*(synced.data / "chroma").rglob("*")]:
        if file.is_file() and part in (file.name, "everything") and file.stat().st_size > 100:
            spoil(file)
    found = check_folder(synced.settings)
    assert {one.kind for one in found.differences} <= {"vectors"}
    assert repair_folder(synced.settings).differences == ()
    assert consistent(open_over(warm=False))


def test_a_missing_word_index(synced, consistent, open_over):
    """Without its folder it is named, and looking does not make it."""
    synced.close()
    shutil.rmtree(synced.data / "words-0")
    assert named(check_folder(synced.settings)) == {("words", None, True)}
    assert not (synced.data / "words-0").exists()
    assert repair_folder(synced.settings).differences == ()
    assert consistent(open_over(warm=False))


def test_other_settings_are_a_difference(synced):
    """Indexes that were built with other chunks are named with both values, and a repair builds them anew."""
    synced.close()
    settings = synced.settings.model_copy(update={"chunk_tokens": 48})
    found = check_folder(settings)
    assert ("library", None, True) in named(found)
    assert "The indexes were built with chunking '" in sentences(found)
    assert repair_folder(settings).differences == ()


def test_what_a_killed_rebuild_left_goes_with_the_next_start(synced, open_over):
    """Opening an index drops every other generation, so that nothing of a killed rebuild stays."""
    half_a_rebuild(synced)
    synced.close()
    assert check_folder(synced.settings).differences
    open_over(warm=False).close()
    assert check_folder(synced.settings).differences == ()


def test_many_chunks_are_sampled(synced, monkeypatch):
    """Of more chunks than a check can search for a sample is searched, the ids of all are compared, and it says so."""
    monkeypatch.setattr("assistant.ingest.doctor.SEARCHED_AT_MOST", 2)
    assert check_open(synced).searched == 2
    forget_vectors(synced)
    report = check_open(synced)
    assert report.chunks > report.searched == 2
    assert ("vectors", MENTORS, True) in named(report)


def test_unpublished_documents_agree(synced):
    """A document that is kept and not searched is no difference."""
    synced._library.rest(
        MENTORS, synced._library.current[MENTORS].version, synced._library.current[MENTORS].fingerprint
    )
    synced._index.remove(
        [chunk.id for chunk in synced._library.chunks_of(MENTORS, synced._library.known[MENTORS].version)]
    )
    synced._index.commit_words()
    report = check_open(synced)
    assert report.differences == ()
    assert report.documents == 3


def test_an_index_is_looked_at_as_it_is(synced):
    """What is listed, held with another vector, or not found are told apart."""
    index: Index = synced._index
    library = synced._library
    chunks = [chunk for id_ in DOCUMENTS for chunk in library.chunks_of(id_, library.current[id_].version)]
    known = library.vectors(synced._embedder.key, [chunk.content_hash for chunk in chunks])
    matrix = np.stack([known[chunk.content_hash] for chunk in chunks])
    look = index.look([chunk.id for chunk in chunks], matrix)
    assert (look.ids, look.others, look.lost, look.collections) == ({chunk.id for chunk in chunks}, (), (), ())
    wrong_vectors(synced)
    assert set(index.look([chunk.id for chunk in chunks], matrix).others) == set(chunk_ids(library))
