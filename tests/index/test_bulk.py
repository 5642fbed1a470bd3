"""The embedding worker: jobs one after the other without a pause, in parts that tell how fast it goes."""

from __future__ import annotations

import os
import signal
import threading
from itertools import pairwise

import numpy as np
import pytest

from assistant.errors import ModelUnavailable
from assistant.index.bulk import PART_CHARACTERS, PART_TEXTS, BulkEmbedder, parts_of
from assistant.index.embedding import BUNDLED_MODEL

LONG = "The heron eats a fish. " * 50


# ---- Parts ----


@pytest.mark.parametrize(
    "lengths",
    [
        pytest.param([], id="none"),
        pytest.param([7], id="one"),
        pytest.param([100] * 1000, id="all alike"),
        pytest.param([(37 * number) % 1500 for number in range(3000)], id="mixed"),
        pytest.param([PART_CHARACTERS * 2] * 40, id="each longer than a part"),
    ],
)
def test_every_text_stands_in_one_part(lengths):
    """No text is left out or embedded twice, and no part is empty."""
    parts = parts_of(lengths)
    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    assert all(parts)


def test_texts_of_a_part_are_of_like_length():
    """Parts follow each other in length without overlap, hold whole batches, and no more characters than they must."""
    lengths = [(37 * number) % 1500 for number in range(3000)]
    parts = sorted(parts_of(lengths), key=lambda part: max(lengths[place] for place in part))
    for part, longer in pairwise(parts):
        assert max(lengths[place] for place in part) <= min(lengths[place] for place in longer)
        assert len(part) % PART_TEXTS == 0
        assert sum(sorted(lengths[place] for place in part)[:-PART_TEXTS]) < PART_CHARACTERS


def test_long_and_short_texts_come_in_turn():
    """The first parts of a job hold what a job holds, so that they tell how long the rest takes."""
    lengths = [(37 * number) % 1500 for number in range(3000)]
    parts = parts_of(lengths)
    mean = sum(lengths) / len(lengths)
    for some in range(2, len(parts) + 1, 2):
        seen = [lengths[place] for part in parts[:some] for place in part]
        longest = sum(lengths[place] > mean for part in parts[:some] for place in part)
        assert 0 < longest < len(seen)


# ---- The worker ----


@pytest.fixture(scope="module")
def bulk():
    """One embedding worker for the tests of this module."""
    worker = BulkEmbedder(BUNDLED_MODEL, threads=2)
    yield worker
    worker.close()


@pytest.mark.slow
def test_a_worker_can_be_started_before_there_are_texts(bulk, until):
    """It loads its model while its owner reads; the first job finds it."""
    bulk.start()
    until(lambda: bulk._child is not None)
    child = bulk._child
    assert bulk.submit(["one"]).result().shape == (1, 384)
    assert bulk._child is child


@pytest.mark.slow
def test_parts_are_told_while_a_job_is_under_way(bulk, embedder):
    """Each part with its texts, characters and seconds; together they are the job, and vectors keep their order."""
    texts = [f"{LONG} {number}" for number in range(30)] + [f"Oar {number}." for number in range(10)]
    told, open_when_told = [], []
    job = None

    def tell(count, characters, seconds):
        told.append((count, characters))
        open_when_told.append(job is None or not job.done())
        assert seconds > 0

    job = bulk.submit(texts, tell)
    vectors = job.result()
    assert len(told) > 1
    assert all(open_when_told)
    assert sum(count for count, _ in told) == len(texts)
    assert sum(characters for _, characters in told) == sum(map(len, texts))
    for place in (0, 29, 30, 39):
        assert float(vectors[place] @ embedder.embed([texts[place]])[0]) > 0.999


@pytest.mark.slow
def test_many_jobs_from_many_threads_keep_apart(bulk):
    """Whoever submits gets the vectors of the own texts."""
    alone = {text: bulk.submit([text]).result()[0] for text in ("heron", "walrus", "puffin", "otter")}
    found = {}

    def ask(text):
        jobs = [bulk.submit([text] * (number + 1)) for number in range(5)]
        found[text] = np.concatenate([job.result() for job in jobs])

    threads = [threading.Thread(target=ask, args=(text,)) for text in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, vector in alone.items():
        assert found[text].shape == (15, 384)
        assert (found[text] @ vector > 0.999).all()


@pytest.mark.slow
def test_a_job_that_nobody_wants_any_more_disturbs_no_other(bulk):
    """A job that is cancelled, sent to the worker or not, has no vectors; those after it have their own."""
    first = bulk.submit([LONG] * 20)
    dropped = [bulk.submit(["walrus"]) for _ in range(3)]
    assert all(job.cancel() for job in dropped)
    last = bulk.submit(["heron"])
    assert first.result().shape == (20, 384)
    assert float(last.result()[0] @ bulk.submit(["heron"]).result()[0]) > 0.999
    assert all(job.cancelled() for job in dropped)


@pytest.mark.slow
def test_the_job_behind_a_worker_that_dies_gets_another(bulk):
    """One job fails, with a sentence; the next, although that worker had it already, is done."""
    bulk.submit(["one"]).result()
    begun = threading.Event()
    first = bulk.submit([LONG] * 64, lambda *part: begun.set())
    second = bulk.submit(["heron"])
    assert begun.wait(60)
    os.kill(bulk._child.pid, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match=r"worker ended unexpectedly.*Run the ingest again"):
        first.result()
    assert second.result().shape == (1, 384)


def test_nothing_can_be_submitted_after_the_end():
    """A closed worker takes no job, starts no process, and closing twice is no error."""
    worker = BulkEmbedder(BUNDLED_MODEL, threads=1)
    worker.close()
    assert worker.submit(["one"]).cancelled()
    worker.start()
    assert worker._child is None
    worker.close()


@pytest.mark.slow
def test_the_worker_gives_the_same_vectors(bulk, embedder):
    """Texts embedded in the worker process have the vectors that questions are compared with."""
    texts = ["The heron eats a fish.", "", "Fyrvokteren steker vafler. " * 200]
    there, here = bulk.submit(texts).result(), embedder.embed(texts)
    assert bulk.runtime_name in ("ONNX Runtime, float32", "sentence-transformers, float32")
    assert ((there * here).sum(axis=1) > 0.9999).all()


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(bulk):
    """A job whose worker is killed fails with one sentence, and the next job gets a new worker."""
    bulk.submit(["one"]).result()
    job = bulk.submit(["The heron eats a fish. " * 50] * 500)
    os.kill(bulk._child.pid, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match=r"worker ended unexpectedly.*Run the ingest again"):
        job.result()
    assert bulk.submit(["one"]).result().shape == (1, 384)


@pytest.mark.slow
def test_a_worker_reports_a_model_that_cannot_be_loaded():
    """What is wrong with the model is said in the worker's own words, and the worker goes on."""
    worker = BulkEmbedder("/nowhere/model", threads=1)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=r"/nowhere/model is not a folder"):
            worker.submit(["x"]).result()
    worker.close()


@pytest.mark.slow
def test_closing_ends_the_worker_at_once(until):
    """Closing kills the worker, waits for no job and leaves no process behind."""
    worker = BulkEmbedder(BUNDLED_MODEL, threads=1)
    running, queued = worker.submit(["x"] * 10), worker.submit(["y"])
    until(lambda: worker._child is not None)
    child = worker._child
    worker.close()
    assert child.poll() is not None
    assert running.exception() is not None
    assert queued.cancelled()


OWNER = """
import sys, time
from assistant.index.bulk import BulkEmbedder
from assistant.index.embedding import BUNDLED_MODEL
worker = BulkEmbedder(BUNDLED_MODEL, threads=1)
job = worker.submit(["The heron eats a fish. " * 50] * 10_000)
time.sleep(0.5)
print(worker._child.pid, job.done(), flush=True)
job.result()
"""


@pytest.mark.slow
def test_the_worker_ends_with_its_owner(start):
    """An owner that is killed leaves no worker behind that goes on with a job of minutes for nobody."""
    owner = start(OWNER)
    pid, is_done = owner.stdout.readline().split()
    assert is_done == "False"
    os.kill(int(pid), 0)  # it lives
    owner.kill()
    _, errors = owner.communicate(timeout=60)  # the worker holds the owner's error stream as long as it lives
    assert errors == ""
