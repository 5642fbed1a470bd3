"""Both indexes in step with the library: found out when harmed, rebuilt from it, and never mixed up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from assistant.errors import IndexingError, ManifestMismatch, ModelUnavailable
from assistant.store.library import Library

QUESTION = "What is the walrus fee?"


@pytest.fixture
def closed(synced, data):
    """The data folder of an assistant that has read the tiny corpus and was closed cleanly."""
    synced.close()
    return data


def nearest(assistant, embedder):
    """Return the document nearest to the question by its vector alone."""
    found = assistant._index.search_vectors(embedder.embed(["The walrus fee is 4,711 dollars per company."])[0], 1)
    return assistant._library.chunks([found[0][0]])[found[0][0]].document_id if found else None


def remember(data, **facts):
    """Write facts into a closed library."""
    library = Library(data / "library.sqlite")
    for name, value in facts.items():
        library.remember(name, value)
    library.close()


def in_chroma(data, pattern):
    """Return the files of the vector index with this name."""
    files = list((data / "chroma").rglob(pattern))
    assert files, f"Chroma keeps no {pattern} any more: adapt the test"
    return files


@pytest.mark.slow
@pytest.mark.parametrize("stop", ["open", None], ids=["after a crash", "after a clean stop"])
@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: shutil.rmtree(data / "chroma"), id="all gone"),
        pytest.param(
            lambda data: [shutil.rmtree(file.parent) for file in in_chroma(data, "header.bin")], id="vectors gone"
        ),
        pytest.param(
            lambda data: [os.truncate(file, 10) for file in in_chroma(data, "data_level0.bin")], id="truncated"
        ),
        pytest.param(
            lambda data: [file.write_bytes(b"\xff" * 100) for file in in_chroma(data, "*.bin")], id="overwritten"
        ),
        pytest.param(
            lambda data: (data / "chroma" / "chroma.sqlite3").write_bytes(b"no database"), id="catalogue damaged"
        ),
    ],
)
def test_a_harmed_vector_index_is_built_anew(closed, open_over, embedder, consistent, harm, stop):
    """Whatever happened to Chroma's files, the next start finds it out and every vector is found again."""
    if stop:
        remember(closed, stop=stop)
    harm(closed)
    assistant = open_over()
    assert nearest(assistant, embedder) == "programme/mentors.md"
    assert consistent(assistant)
    assert assistant.sync().embedded_chunks == 0


@pytest.mark.slow
def test_a_child_that_crashes_on_the_index_means_a_rebuild(closed, open_over, embedder, monkeypatch):
    """The self-test runs in a child, so an index that ends the process which opens it ends only the child."""
    remember(closed, stop="open")
    monkeypatch.setattr("assistant.index.index._SELF_TEST", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assistant = open_over()
    assert nearest(assistant, embedder) == "programme/mentors.md"


def test_a_sound_index_is_kept_after_a_crash(closed, open_over, embedder, monkeypatch):
    """After an unclean stop an index that passes its test is used as it is."""
    remember(closed, stop="open")
    monkeypatch.setattr("assistant.build.shutil.rmtree", lambda *arguments, **options: pytest.fail("thrown away"))
    assert nearest(open_over(), embedder) == "programme/mentors.md"


def test_the_self_test_tells_sound_from_lost(closed, embedder):
    """The child answers 0 for vectors that are found and another status for those that are not."""
    library = Library(closed / "library.sqlite", read_only=True)
    name = f"library-{library.library_id}-0"
    chunk = library.chunks([min(library.current_chunk_ids())])
    (id_, found), *_ = chunk.items()
    vector = library.vectors(embedder.key, [found.content_hash])[found.content_hash]
    library.close()

    def status(values) -> int:
        request = {"folder": str(closed / "chroma"), "collection": name, "probes": [[id_, values.tolist()]]}
        code = "import sys; from assistant.index.selftest import main; sys.exit(main())"
        child = subprocess.run([sys.executable, "-c", code], input=json.dumps(request), text=True, check=False)
        return child.returncode

    assert status(vector) == 0
    shutil.rmtree(closed / "chroma")
    assert status(vector) != 0


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: shutil.rmtree(data / "words-0"), id="gone"),
        pytest.param(lambda data: (data / "words-0" / "meta.json").write_text("{"), id="damaged"),
    ],
)
def test_a_harmed_word_index_is_built_anew(closed, open_over, consistent, harm):
    """Lost words are put in again at the next start, before anybody asks."""
    harm(closed)
    assistant = open_over(warm=False)
    assert consistent(assistant)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"chunk_tokens": 100}, r"chunking '\d+:200' \(now '\d+:100'\)", id="chunk size"),
        pytest.param({"embedding_model": "tiny"}, r"embedding 'all-MiniLM-L6-v2:.*' \(now 'tiny:", id="model"),
    ],
)
def test_other_settings_are_refused_with_the_remedy(closed, open_over, tmp_path, settings, message):
    """An index that was built with other settings is not searched; the message names both values and what to do."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    settings = {name: str(folder) if value == "tiny" else value for name, value in settings.items()}
    with pytest.raises(ManifestMismatch, match=rf"was built with {message}.*--rebuild, or go back to the former"):
        open_over(warm=False, **settings)
    assert open_over(warm=False).document_count == 3


def test_a_rebuild_takes_the_new_settings(closed, open_over, consistent, found_in):
    """After a rebuild the new settings hold, and the old indexes are gone."""
    from assistant.build import Assistant
    from assistant.settings import read_settings

    settings = read_settings(corpus=closed.parent / "corpus", data=closed, chunk_tokens=40)
    with Assistant(settings, check_index=False) as assistant:
        assistant.warm_up()
        assistant.rebuild()
        assert consistent(assistant)
    assistant = open_over(chunk_tokens=40)
    assert consistent(assistant)
    assert found_in(assistant, QUESTION)[0] == "programme/mentors.md"
    assert [folder.name for folder in closed.glob("words-*")] == ["words-1"]
    assistant.close()
    with pytest.raises(ManifestMismatch):
        open_over(chunk_tokens=200)


def test_an_empty_library_takes_any_settings(open_over, corpus, data, consistent):
    """Where nothing is in, another model or chunk size needs no rebuild."""
    mentors = (corpus / "programme" / "mentors.md").read_text()
    assistant = open_over()
    assistant.sync()
    for file in corpus.rglob("*.*"):
        file.unlink()
    assistant.sync()
    assistant.close()
    (corpus / "again.md").write_text(mentors)
    assistant = open_over(chunk_tokens=64)
    assistant.sync()
    assert consistent(assistant)
    assert assistant._index.generation == 1


def test_the_old_indexes_answer_until_the_switch(synced, found_in):
    """While a rebuild runs, questions are answered as before it."""
    seen = []
    synced.rebuild(lambda event: seen.append(found_in(synced, QUESTION)[0]))
    with synced._index.building():
        seen.append(found_in(synced, QUESTION)[0])
        assert synced._index._written_words.count() == 0
    assert set(seen) == {"programme/mentors.md"}


def test_a_rebuild_that_fails_changes_nothing(synced, found_in, consistent, monkeypatch):
    """A rebuild that cannot embed leaves the old indexes, chunks and manifest as they were."""
    manifest, generation = synced._library.fact("manifest"), synced._index.generation
    monkeypatch.setattr(synced._ingest, "_chunk_tokens", 40)

    def fail(texts):
        raise ModelUnavailable("no memory")

    monkeypatch.setattr(synced.embedder, "embed", fail)
    with pytest.raises(ModelUnavailable):
        synced.rebuild()
    monkeypatch.undo()
    assert (synced._library.fact("manifest"), synced._index.generation) == (manifest, generation)
    assert consistent(synced)
    assert found_in(synced, QUESTION)[0] == "programme/mentors.md"


def test_vectors_that_are_not_found_again_are_an_error(synced, make_chunk, embedder, monkeypatch):
    """What was stored is searched at once; an index that does not find it is not trusted."""
    monkeypatch.setattr(type(synced._index.vectors), "add", lambda *arguments: None)
    chunk = make_chunk("Completely different words about umbrellas.")
    with pytest.raises(IndexingError, match=r"does not find what was stored.*--rebuild"):
        synced._index.add_vectors([chunk], {chunk.content_hash: embedder.embed(["xyzzy"])[0]})


def test_nothing_to_add_is_no_error(synced):
    """No chunks need no vectors."""
    synced._index.add_vectors([], {})


def test_a_thousand_equal_passages_stop_nobody(synced, make_chunk, embedder):
    """A document that says the same again and again comes in, and leaves again."""
    chunks = [make_chunk("A long line of words.", ordinal=number) for number in range(1500)]
    before = synced._index.vectors.ids()
    synced._index.add_vectors(chunks, {chunks[0].content_hash: embedder.embed(["A long line of words."])[0]})
    assert len(synced._index.vectors.ids()) == 1500 + len(before)
    synced._index.remove([chunk.id for chunk in chunks])
    assert synced._index.vectors.ids() == before
