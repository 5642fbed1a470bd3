"""Vectors at a Chroma server: the same answers, none lost while it is away, and all put right from the library."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from datetime import date

import pytest

from assistant.build import Assistant, check_open
from assistant.commands import check_folder, repair_folder
from assistant.domain import Answer
from assistant.errors import IndexingError, VectorsAway
from assistant.settings import read_settings

QUESTION = "What is the walrus fee?"
LATER = "# Gulls\n\nThe gull permit costs 96 dollars per season.\n"
GULL = "How much does the gull permit cost?"

APP = """
import json, sys
from assistant import open_assistant
with open_assistant(sys.argv[1], sys.argv[2]) as assistant:
    for line in sys.stdin:
        assistant.use_tuning(assistant.tuning)  # which forgets the answers that were kept
        answer = assistant.ask(line.strip())
        found = [hit.chunk.document_id for hit in answer.hits if hit.dense_rank is not None]
        print(json.dumps([answer.text, found]), flush=True)
"""


@pytest.fixture
def open_at(open_over, read_data, data, door) -> Callable[..., Assistant]:
    """Open an assistant over what was read, with its vectors at the shared server, behind the door."""

    def open_one(**settings: object) -> Assistant:
        if not data.exists():
            shutil.copytree(read_data, data)
        return open_over(**{"chroma_server": door.address, **settings})

    return open_one


def dense(assistant: Assistant, question: str = QUESTION) -> int:
    """Return how many hits of a question were found by meaning."""
    return sum(hit.dense_rank is not None for hit in assistant.search(question))


def ours(assistant: Assistant, names: set[str]) -> list[str]:
    """Return the collections that belong to the data folder of an assistant."""
    return sorted(name for name in names if name.startswith(assistant._index._collection_name))


def found(answer: Answer) -> list[tuple[str, int | None]]:
    """Return the chunks that were found, with their places in the search by meaning."""
    return [(hit.chunk.id, hit.dense_rank) for hit in answer.hits]


# ---- At rest ----


def test_it_answers_as_over_its_folder(open_at, data, consistent):
    """Every vector stands at the server, none in the data folder, and no text was embedded again for it."""
    at_home = open_at(chroma_server=None)
    expected = at_home.ask(QUESTION)
    at_home.close()
    assistant = open_at()
    assert consistent(assistant)
    assert not (data / "chroma").exists()
    answer = assistant.ask(QUESTION)
    assert answer.text == expected.text
    assert found(answer) == found(expected)
    assert assistant.sync().embedded_chunks == 0
    assert check_open(assistant).differences == ()


def test_documents_come_in_change_and_leave(open_at, corpus, consistent, found_in):
    """A sync keeps the server in step with the library."""
    assistant = open_at()
    (corpus / "gulls.md").write_text(LATER)
    assert assistant.sync().embedded_chunks == 1
    assert found_in(assistant, GULL)[0] == "gulls.md"
    (corpus / "gulls.md").write_text(LATER.replace("96", "97"))
    (corpus / "notes" / "lighthouse.txt").unlink()
    assistant.sync()
    assert consistent(assistant)
    assert "97 dollars" in assistant.ask(GULL).text


def test_a_rebuild_fills_another_collection_and_drops_the_old_one(open_at, collections, consistent):
    """What has left the indexes leaves the server, too: one collection stays."""
    assistant = open_at()
    (before,) = ours(assistant, collections())
    assistant.rebuild()
    (after,) = ours(assistant, collections())
    assert (before[-2:], after[-2:]) == ("-0", "-1")
    assert consistent(assistant)
    assert dense(assistant)


def test_a_rebuild_that_was_killed_leaves_nothing(open_at, collections):
    """A half-filled collection is dropped at the next start."""
    assistant = open_at()
    (kept,) = ours(assistant, collections())
    assistant._index.vectors.beside(f"{kept[:-1]}1")
    assert len(ours(assistant, collections())) == 2
    assistant.close()
    assert ours(open_at(), collections()) == [kept]


def test_what_is_erased_is_gone_from_the_server(open_at, corpus, collections):
    """The vectors of an erased document are in no collection."""
    assistant = open_at()
    (before,) = ours(assistant, collections())
    assistant.staff.shelf.withdraw("notes/lighthouse.txt", by="Kari")
    (held,) = [held for held in assistant._library.all_withdrawn() if held.document_id == "notes/lighthouse.txt"]
    assert assistant.erase_due(date.fromisoformat(held.erase_on)) == ["notes/lighthouse.txt"]
    assert not [id_ for id_ in assistant._index.vectors.ids() if id_.startswith("notes/")]
    assert before not in collections()


def test_a_copy_of_the_data_folder_has_a_collection_of_its_own(open_at, open_over, data, door, collections):
    """Two apps over copies of a library do not write to one collection, and neither drops the other's."""
    first = open_at()
    first.close()
    shutil.copytree(data, data.parent / "copy")
    copy = open_over(data=data.parent / "copy", chroma_server=door.address)
    copy.rebuild()
    first = open_at()
    assert len(ours(copy, collections())) == len(ours(first, collections())) == 1
    assert dense(first) == dense(copy) > 0


def test_from_the_folder_to_the_server_and_back(open_at, corpus, data, consistent, found_in):
    """Whatever changed meanwhile, each place holds what is current, and nothing is embedded twice."""
    first = open_at()
    count = first._index.vectors.count()
    first.close()
    at_home = open_at(chroma_server=None)
    assert consistent(at_home)
    assert (data / "chroma").is_dir()
    (corpus / "gulls.md").write_text(LATER)
    (corpus / "notes" / "lighthouse.txt").unlink()  # as many passages as before
    at_home.sync()
    assert at_home._library.chunk_count() == count
    at_home.close()
    assistant = open_at()
    assert consistent(assistant)
    assert assistant.sync().embedded_chunks == 0
    assert found_in(assistant, GULL)[0] == "gulls.md"
    assert dense(assistant, GULL)


def test_drafts_keep_their_vectors_in_the_data_folder(open_at, data, until, collections):
    """They are few, and thrown away with their folder; a published one is found at the server."""
    assistant = open_at()
    before = collections()
    draft, *_ = assistant.staff.drafts.add("gulls.md", _file(data, LATER), by="Kari")
    until(lambda: assistant.staff.drafts.get(draft.id).state == "ready")
    assert collections() == before
    assert (data / "drafts" / "index" / "chroma").is_dir()
    assert "96 dollars" in assistant.staff.drafts.ask(draft.id, GULL).text
    assistant.staff.drafts.publish(draft.id, by="Kari")
    assert dense(assistant, GULL)


def _file(data, text):
    file = data.parent / "gulls.md"
    file.write_text(text)
    return file


# ---- A server that has lost something ----


def _another_vector(index) -> None:
    index.add(sorted(index.ids()), index.stored(min(index.ids())).reshape(1, -1).repeat(len(index.ids()), axis=0))


HARM = pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda index: index._client.delete_collection(index.collection_name), id="collection gone"),
        pytest.param(lambda index: index.remove(sorted(index.ids())), id="emptied"),
        pytest.param(lambda index: index.remove([min(index.ids())]), id="one missing"),
        pytest.param(lambda index: index.add(["nobody's"], index.stored(min(index.ids()))[None]), id="one too many"),
        pytest.param(_another_vector, id="other vectors"),
    ],
)


@HARM
def test_the_next_start_puts_right_what_the_server_lost(open_at, consistent, harm):
    """An emptied or another server is found out by a few small requests, and filled from the library."""
    assistant = open_at()
    expected = assistant.ask(QUESTION)
    harm(assistant._index.vectors)
    assistant.close()
    assistant = open_at()
    assert consistent(assistant)
    assert found(assistant.ask(QUESTION)) == found(expected)
    assert assistant.sync().embedded_chunks == 0


def test_a_collection_that_vanishes_meanwhile_is_put_back_by_the_next_sync(open_at, consistent, caplog):
    """Questions go on with words, the log says so once, and nobody has to restart the app."""
    assistant = open_at()
    assistant._index.vectors._client.delete_collection(assistant._index.vectors.collection_name)
    for _ in range(3):
        assert "4,711 dollars" in assistant.ask(QUESTION).text
    assert [record.message.count("Run: python ingest.py") for record in caplog.records] == [1]
    assert assistant.sync().embedded_chunks == 0
    assert consistent(assistant)
    assert dense(assistant)


# ---- A server that is away ----


def test_without_its_server_it_does_not_start(open_at, door, data):
    """The sentence names the server and both ways out; the data folder is free again, and nothing is lost."""
    open_at().close()
    door.shut()
    with pytest.raises(VectorsAway, match=rf"server at {door.address} does not answer .*or remove the setting"):
        open_at()
    door.open()
    assert dense(open_at())


def test_a_question_is_answered_by_words_while_the_server_is_away(open_at, door, caplog):
    """No answer is lost, the log says it once a minute, and the server is used again as soon as it is back."""
    assistant = open_at()
    expected = assistant.ask(QUESTION)
    door.shut()
    for number in (1, 2, 3):
        assistant.use_tuning(assistant.tuning)  # which forgets the answers that were kept
        answer = assistant.ask(QUESTION)
        assert answer.text == expected.text
        assert {hit.dense_rank for hit in answer.hits} == {None}
        assert assistant._index.searched_without_vectors == number
    said = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.message.endswith("answered by their words alone.") for record in said] == [True]
    door.open()
    assert found(assistant.ask(QUESTION)) == found(expected)
    assert assistant._index.searched_without_vectors == 3


def test_documents_come_in_by_words_while_the_server_is_away(open_at, corpus, door, consistent, found_in):
    """The sync says why their vectors are missing; the next one adds them, and embeds nothing again."""
    assistant = open_at()
    door.shut()
    (corpus / "gulls.md").write_text(LATER)
    (corpus / "programme" / "mentors.md").write_text("# Mentors\n\nThe walrus fee is 5,000 dollars per company.\n")
    (corpus / "notes" / "lighthouse.txt").unlink()
    with pytest.raises(VectorsAway, match="does not answer"):
        assistant.sync()
    assert "96 dollars" in assistant.ask(GULL).text
    assert "5,000 dollars" in assistant.ask(QUESTION).text
    assert {id_ for id_, now in assistant._library.current.items() if not now.embedded} == {
        "gulls.md",
        "programme/mentors.md",
    }
    door.open()
    assert assistant.sync().embedded_chunks == 0
    assert consistent(assistant)
    assert found_in(assistant, GULL)[0] == "gulls.md"


def test_what_leaves_and_comes_back_while_the_server_is_away_stays(open_at, corpus, door, consistent):
    """A removal that waits for the server does not take what has come in again."""
    assistant = open_at()
    door.shut()
    kept = (corpus / "notes" / "lighthouse.txt").read_text()
    (corpus / "notes" / "lighthouse.txt").unlink()
    assistant.sync()
    door.open()
    (corpus / "notes" / "lighthouse.txt").write_text(kept)
    assistant.sync()
    (corpus / "reports" / "harbour.pdf").unlink()
    assistant.sync()
    assert consistent(assistant)


def test_a_removal_that_still_waits_is_done_at_the_next_start(open_at, corpus, door, consistent):
    """Nobody is answered from it meanwhile, and it does not stay at the server for good."""
    assistant = open_at()
    door.shut()
    (corpus / "notes" / "lighthouse.txt").unlink()
    assistant.sync()
    assistant.close()
    door.open()
    assert consistent(open_at())


def test_a_rebuild_that_loses_its_server_changes_nothing(open_at, door, consistent):
    """The old indexes and the manifest stay as they were."""
    assistant = open_at()
    generation = assistant._index.generation
    door.shut()
    with pytest.raises(VectorsAway, match="does not answer"):
        assistant.rebuild()
    door.open()
    assert assistant._index.generation == generation
    assert consistent(assistant)


# ---- The doctor ----


@pytest.fixture
def closed_at(open_at, corpus, data, door):
    """The settings of an assistant whose vectors stand at the server and which is closed."""
    open_at().close()
    return read_settings(corpus=corpus, data=data, chroma_server=door.address)


def test_the_doctor_looks_at_the_server(closed_at, chroma_server):
    """All agrees; what is missing there is named, and mended."""
    assert check_folder(closed_at).differences == ()
    with Assistant(closed_at) as assistant:
        assistant._index.vectors.remove([id_ for id_ in assistant._index.vectors.ids() if id_.startswith("notes/")])
    (missing,) = check_folder(closed_at).differences
    assert (missing.kind, missing.document, missing.repairable) == ("vectors", "notes/lighthouse.txt", True)
    assert repair_folder(closed_at).differences == ()
    assert check_folder(closed_at).differences == ()


def test_the_doctor_names_a_collection_that_is_missing_and_makes_none(closed_at, collections):
    """Looking changes nothing, at the server either; mending does."""
    with Assistant(closed_at) as assistant:
        assistant._index.vectors._client.delete_collection(assistant._index.vectors.collection_name)
    before = collections()
    (missing,) = check_folder(closed_at).differences
    assert missing.sentence.startswith("The vector index is missing")
    assert collections() == before
    assert repair_folder(closed_at).differences == ()


def test_the_doctor_compares_the_rest_without_the_server(closed_at, corpus, door):
    """A server that is away is one difference, which no repair mends, beside those that are found all the same."""
    (corpus / "gulls.md").write_text(LATER)
    door.shut()
    differences = {difference.kind: difference for difference in check_folder(closed_at).differences}
    assert set(differences) == {"corpus", "vectors"}
    assert "does not answer" in differences["vectors"].sentence
    assert not differences["vectors"].repairable
    with pytest.raises(IndexingError, match="does not answer"):
        repair_folder(closed_at)


# ---- Processes ----


@pytest.mark.slow
def test_the_command_line_says_it_in_one_sentence(script, corpus, data, door):
    """`ingest.py` ends with status 1, and no traceback."""
    door.shut()
    env = {"ASSISTANT_CHROMA_SERVER": door.address}
    done = script("ingest.py", "--corpus", corpus, "--data", data, env=env)
    assert done.returncode == 1
    assert f"The Chroma server at {door.address} does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def app(start, read_data, corpus, tmp_path):
    """Start an app over a data folder of its own and a server; return its process and a way to ask it."""

    def run(name: str, address: str):
        folder = tmp_path / name
        if not folder.exists():
            shutil.copytree(read_data, folder)
        process = start(APP, corpus, folder, env={"ASSISTANT_CHROMA_SERVER": address})

        def send(question: str = QUESTION) -> None:
            process.stdin.write(f"{question}\n")
            process.stdin.flush()

        def ask(question: str = QUESTION):
            send(question)
            return json.loads(process.stdout.readline() or process.stderr.read())

        return process, send, ask

    return run


@pytest.mark.slow
def test_two_apps_share_a_server_and_one_is_killed(app, chroma_server):
    """The other answers every question, and the killed one, started again, answers as before."""
    one, send, ask_one = app("one", chroma_server.address)
    _, _, ask_other = app("other", chroma_server.address)
    expected = ask_one()
    assert expected[1], "nothing was found by meaning"
    assert ask_other() == expected
    for _ in range(20):
        send()  # it is killed over these
    answers = [ask_other() for _ in range(3)]
    one.kill()
    one.wait()
    answers += [ask_other() for _ in range(10)]
    _, _, ask_one = app("one", chroma_server.address)
    assert [ask_one(), *answers] == [expected] * 14


@pytest.mark.slow
def test_a_server_that_is_killed_costs_no_answer(app, own_server):
    """While it is down words answer; started again, it has everything that it had."""
    _, _, ask = app("one", own_server.address)
    expected = ask()
    assert expected[1]
    own_server.kill()
    assert ask() == [expected[0], []]
    own_server.start()
    assert ask() == expected
