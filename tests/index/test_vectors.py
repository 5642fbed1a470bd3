"""Vectors: nearest chunks by cosine, behind a Protocol that another engine could fill."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.errors import IndexingError
from assistant.index.vectors import BATCH, ChromaVectors


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
        assert len(index.ids()) == count
        for number in (0, BATCH - 1, BATCH, count - 1):
            assert index.search(vectors[number], 1)[0][0] == f"c{number}"


class TestChroma(VectorIndexContract):
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

    def test_a_collection_beside_is_empty_and_apart(self, index):
        """A rebuild fills another collection; the old one answers until it is dropped."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        beside = index.beside("library-2")
        beside.add(["b"], unit(1, 0, 0, 0).reshape(1, 4))
        assert (index.ids(), beside.ids()) == ({"a"}, {"b"})
        assert index.beside("library-2").ids() == set(), "what was left half-filled is dropped"
        beside = index.beside("library-2")
        beside.drop_others()
        assert beside.search(unit(1, 0, 0), 3) == []
        with pytest.raises(Exception, match=r"does not exist"):
            index.ids()

    def test_a_folder_that_cannot_be_is_one_sentence(self, tmp_path):
        """A file where the folder should be is named with the remedy."""
        (tmp_path / "file").write_text("x", encoding="utf-8")
        with pytest.raises(IndexingError, match=r"vector index in .*file cannot be opened.*--rebuild"):
            ChromaVectors(tmp_path / "file", "library-1")

    def test_a_write_that_fails_is_one_sentence(self, index):
        """What Chroma raises while writing reaches people as one sentence."""
        index.add(["a"], unit(1, 0, 0).reshape(1, 3))
        with pytest.raises(IndexingError, match=r"cannot be written .*nothing was lost"):
            index.add(["b"], unit(1, 0).reshape(1, 2))
