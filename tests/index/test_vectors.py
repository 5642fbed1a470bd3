"""Vectors: nearest chunks by cosine, behind a Protocol that another engine could fill."""

from __future__ import annotations

import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from assistant.errors import IndexingError, VectorsAway, VectorsGone
from assistant.index.vectors import BATCH, SEARCHED, ChromaServerVectors, ChromaVectors


def unit(*values: float) -> np.ndarray:
    """Return one unit vector."""
    vector = np.asarray(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


class VectorIndexContract:
    """What every vector index keeps to; a subclass gives the fixture `index`, empty, and `reopen`."""

    def test_nearest_come_first_with_their_cosine(self, index):
        """Hits are ordered by cosine, and the number is the cosine itself."""
        index.add(["a", "b", "c"], np.stack([unit(1, 0, 0), unit(1, 1, 0), unit(0, 0, 1)]))
        found = index.search(unit(1, 0.1, 0), 3)
        assert [id_ for id_, _ in found] == ["a", "b", "c"]
        assert found[0][1] == pytest.approx(float(unit(1, 0.1, 0) @ unit(1, 0, 0)), abs=1e-4)
        assert found[2][1] == pytest.approx(0, abs=1e-4)

    def test_an_empty_index_finds_nothing(self, index):
        """No chunks, no hits, no error."""
        assert index.search(unit(1, 0, 0), 5) == []
        assert index.ids() == set()
        assert index.count() == 0

    def test_the_limit_is_kept(self, index):
        """Never more hits than asked for, and fewer where there are fewer."""
        index.add(["a", "b"], np.stack([unit(1, 0, 0), unit(0, 1, 0)]))
        assert len(index.search(unit(1, 0, 0), 1)) == 1
        assert len(index.search(unit(1, 0, 0), 50)) == 2

    def test_adding_again_replaces(self, index):
        """A chunk has one vector: the last one."""
        index.add(["a", "b"], np.stack([unit(1, 0, 0), unit(0, 1, 0)]))
        index.add(["a"], unit(0, 0, 1).reshape(1, 3))
        assert index.search(unit(0, 0, 1), 1)[0] == ("a", pytest.approx(1, abs=1e-4))
        assert index.ids() == {"a", "b"}

    def test_removed_is_forgotten(self, index):
        """A removed chunk is neither listed nor found; unknown ids and no ids are no error."""
        index.add(["a", "b"], np.stack([unit(1, 0, 0), unit(0, 1, 0)]))
        index.remove(["a", "unknown"])
        index.remove([])
        assert index.ids() == {"b"}
        assert [id_ for id_, _ in index.search(unit(1, 0, 0), 5)] == ["b"]

    def test_it_is_there_after_a_restart(self, index, reopen):
        """What was added is found by the next process."""
        index.add(["æ/ø å.md:0123:0"], unit(1, 2, 3).reshape(1, 3))
        again = reopen()
        assert again.search(unit(1, 2, 3), 1) == [("æ/ø å.md:0123:0", pytest.approx(1, abs=1e-4))]

    def test_many_are_found(self, index):
        """More chunks than one batch holds are all stored, and each is its own nearest."""
        count = BATCH + 50
        vectors = np.random.default_rng(7).normal(size=(count, 8)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index.add([f"c{number}" for number in range(count)], vectors)
        assert len(index.ids()) == index.count() == count
        for number in (0, BATCH - 1, BATCH, count - 1):
            assert index.search(vectors[number], 1)[0][0] == f"c{number}"

    def test_all_of_the_nearest_are_found(self, index):
        """Also for a question that is like none of the texts, where a graph of neighbours leads astray."""
        random = np.random.default_rng(11)
        vectors = random.normal(size=(3_000, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index.add([str(number) for number in range(len(vectors))], vectors)
        recall = []
        for _ in range(20):
            question = random.normal(size=64)
            nearest = np.argsort(-(vectors @ question))[:50]
            found = {int(id_) for id_, _ in index.search(question / np.linalg.norm(question), 50)}
            recall.append(len(found & set(nearest.tolist())) / 50)
        assert np.mean(recall) > 0.99, recall


class ChromaContract(VectorIndexContract):
    """What Chroma adds to it, wherever its collections are."""

    # Chroma's own, about what it wrote itself.
    @pytest.mark.filterwarnings("ignore:legacy embedding function config:DeprecationWarning")
    def test_a_collection_of_an_older_release_searches_as_far(self, index, reopen):
        """What it was made with is lifted when it is opened."""
        index._collection.modify(configuration={"hnsw": {"ef_search": 10}})
        reopen()
        again = reopen()
        assert again._collection.configuration_json["hnsw"]["ef_search"] == SEARCHED
        self.test_all_of_the_nearest_are_found(again)

    def test_a_collection_beside_is_empty_and_apart(self, index):
        """A rebuild fills another collection; the old one answers until it is dropped."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        name = f"{index.collection_name[:-1]}2"
        beside = index.beside(name)
        beside.add(["b"], unit(1, 0, 0, 0).reshape(1, 4))
        assert (index.ids(), beside.ids()) == ({"a"}, {"b"})
        assert index.beside(name).ids() == set(), "what was left half-filled is dropped"
        beside = index.beside(name)
        beside.drop_others()
        assert beside.search(unit(1, 0, 0), 3) == []
        with pytest.raises(Exception, match=r"does not (exist|hold)"):
            index.search(unit(1, 0, 0), 3)

    def test_reading_ahead_changes_nothing(self, index):
        """Also where there is nothing to read yet."""
        index.read_ahead()
        index.add(["a", "b"], np.eye(2, 3, dtype=np.float32))
        index.read_ahead()
        assert (index.ids(), index.search(unit(1, 0, 0), 1)[0][0]) == ({"a", "b"}, "a")

    def test_it_keeps_no_text(self, index):
        """Ids and vectors are all that it is given; the text stands in the library."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        held = index._collection.get(include=["documents", "metadatas", "uris"])
        assert (held["ids"], held["documents"], held["metadatas"], held["uris"]) == (["a"], [None], [None], [None])

    def test_a_look_tells_what_is_listed_and_what_is_found(self, index):
        """The doctor hears which chunks stand with another vector, and which collections were left."""
        index.add(["a", "b"], np.stack([unit(1, 0, 0), unit(0, 1, 0)]))
        name = f"{index.collection_name[:-1]}2"
        index.beside(name)
        seen = index.look(["a", "b", "c"], np.stack([unit(1, 0, 0), unit(0, 0, 1), unit(1, 1, 1)]))
        assert (seen.ids, seen.others, seen.lost, seen.collections) == ({"a", "b"}, ("b",), (), (name,))

    def test_a_write_that_fails_is_one_sentence(self, index):
        """What Chroma raises while writing reaches people as one sentence."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        with pytest.raises(IndexingError, match=r"cannot be (written|used) .*nothing was lost"):
            index.add(["b"], unit(1, 0).reshape(1, 2))


class TestChroma(ChromaContract):
    """Chroma, in a folder."""

    @pytest.fixture
    def opened(self):
        made = []
        yield made
        for index in made:
            index.close()

    @pytest.fixture
    def reopen(self, tmp_path, opened):
        def open_again() -> ChromaVectors:
            for index in opened:
                index.close()
            opened.append(ChromaVectors(tmp_path / "chroma", "library-1"))
            return opened[-1]

        return open_again

    @pytest.fixture
    def index(self, reopen):
        return reopen()

    def test_a_folder_that_cannot_be_is_one_sentence(self, tmp_path):
        """A file where the folder should be is named with the remedy."""
        (tmp_path / "file").write_text("x", encoding="utf-8")
        with pytest.raises(IndexingError, match=r"vector index in .*file cannot be opened.*--rebuild"):
            ChromaVectors(tmp_path / "file", "library-1")


class TestChromaServer(ChromaContract):
    """Chroma, at a server."""

    @pytest.fixture
    def at(self, chroma_server, door):
        """Open a collection at the shared server, or another address; closed with the test."""
        opened, own = [], secrets.token_hex(4)

        def open_at(name=f"library-{own}-1", address=chroma_server.address, **options) -> ChromaServerVectors:
            opened.append(ChromaServerVectors(address, name.replace("OWN", own), **options))
            return opened[-1]

        yield open_at
        door.open()
        for index in opened:
            index.close()

    @pytest.fixture
    def index(self, at):
        return at()

    @pytest.fixture
    def reopen(self, at):
        return at

    def test_other_libraries_are_left_alone(self, index, at):
        """Several apps share a server: nobody sees or drops the collections of another."""
        other = at("library-OWN-other-1")
        other.add(["theirs"], unit(1, 0, 0).reshape(1, 3))
        index.add(["ours"], unit(1, 0, 0).reshape(1, 3))
        index.drop_others()
        assert (index.ids(), other.ids()) == ({"ours"}, {"theirs"})
        assert index.look([], np.zeros((0, 3), np.float32)).collections == ()

    def test_a_server_that_is_away_is_one_sentence_and_is_used_again(self, at, door):
        """Nobody listens: the sentence names the address and how to start it. When it is back, it answers at once."""
        index = at(address=door.address)
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        door.shut()
        message = rf"at {door.address} does not answer .*chroma run --path FOLDER --host 127.0.0.1 --port {door.port},"
        for work in (lambda: index.search(unit(1, 0, 0), 1), index.ids, lambda: index.remove(["a"]), index.empty):
            with pytest.raises(VectorsAway, match=message):
                work()
        with pytest.raises(VectorsAway, match=message):
            at(address=door.address)
        door.open()
        assert index.search(unit(1, 0, 0), 1)[0][0] == "a"

    def test_a_server_that_hangs_is_not_waited_for(self, at, door):
        """A search ends after its time; then the server is left in peace for a while, and no question waits for it."""
        index = at(address=door.address, question_seconds=0.3)
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        door.held.set()
        with pytest.raises(VectorsAway, match=r"does not answer \(timed out\)"):
            index.search(unit(1, 0, 0), 1)
        before = door.visits
        with pytest.raises(VectorsAway, match="does not answer"):
            index.search(unit(1, 0, 0), 1)
        assert door.visits == before, "it was asked again at once"

    def test_a_collection_that_is_gone_is_told_apart(self, index, at):
        """Whoever empties the server is found out; listing begins the collection anew, so that it can be filled."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        at()._client.delete_collection(index.collection_name)
        for work in (lambda: index.search(unit(1, 0, 0), 1), index.count, lambda: index.add(["b"], np.eye(1, 3))):
            with pytest.raises(VectorsGone, match=r"does not hold the vectors .*Run: python ingest.py"):
                work()
        assert index.ids() == set()
        index.add(["b"], np.eye(1, 3, dtype=np.float32))
        assert index.ids() == {"b"}

    def test_without_creating_a_missing_collection_is_an_error(self, at, collections):
        """Looking makes nothing."""
        before = collections()
        with pytest.raises(VectorsGone, match="does not hold the vectors"):
            at("library-OWN-nobody-1", create=False)
        assert collections() == before

    @pytest.mark.parametrize(
        "answers",
        [
            pytest.param({}, id="no such pages"),
            pytest.param({"heartbeat": "<html>Welcome</html>", "version": "<html>"}, id="a web page"),
            pytest.param({"heartbeat": '{"status": "ok"}', "version": '"1.0.0"'}, id="another service"),
            pytest.param({"heartbeat": "[]", "version": "[]"}, id="lists"),
            pytest.param({"heartbeat": '{"nanosecond heartbeat": 1}', "version": '"0.6.3"'}, id="an old Chroma"),
        ],
    )
    def test_what_is_no_chroma_server_is_named(self, at, web_server, answers):
        """Something else on that port is told from a server that does not answer."""
        address = web_server(answers)
        with pytest.raises(IndexingError, match=rf"answers at {address} is no Chroma server of version 1 or later"):
            at(address=address)

    def test_a_server_that_fails_is_away(self, at, web_server):
        """What answers like Chroma and then only with errors, as a gateway before it does, is not used."""
        address = web_server({"heartbeat": '{"nanosecond heartbeat": 1}', "version": '"1.0.0"'})
        with pytest.raises(IndexingError, match=rf"server at {address} cannot be used .*nothing was lost"):
            at(address=address)

    @pytest.fixture
    def web_server(self):
        """Start a web server that has only these pages under /api/v2/."""
        started = []

        def start(pages: dict[str, str]) -> str:
            class Pages(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    page = pages.get(self.path.removeprefix("/api/v2/"))
                    self.send_response(200 if page else 404)
                    self.end_headers()
                    self.wfile.write((page or "not here").encode())

                def log_message(self, *arguments: object) -> None:
                    pass

            server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
            threading.Thread(target=server.serve_forever, args=[0.02]).start()
            started.append(server)
            return f"http://127.0.0.1:{server.server_port}"

        yield start
        for server in started:
            server.shutdown()
            server.server_close()


SOILED = """
import gc, sys, threading
from pathlib import Path
import numpy as np
from assistant.index.vectors import ChromaVectors

kept = []

def work():
    big = bytearray(30_000_000)
    del big
    texts = []
    for _ in range(60):
        texts.append(bytearray(b"SECRETWORD" * 20_000))
        kept.append(bytearray(5000))
    del texts
    gc.collect()

def much_work():
    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

folder = Path(sys.argv[1])
much_work()
vectors = ChromaVectors(folder / "second", "made")
vectors.add(["a", "b", "c"], np.eye(384, dtype=np.float32)[:3])
vectors.close()
print(sum(file.read_bytes().count(b"SECRETWORD") for file in folder.rglob("*") if file.is_file()))
"""


@pytest.mark.slow
def test_nothing_of_the_process_s_memory_gets_into_the_files(start, tmp_path):
    """A graph is written with the places that it has not filled: they hold no text that was in memory before."""
    told, errors = start(SOILED, tmp_path).communicate(timeout=120)
    assert (told, errors) == ("0\n", "")
