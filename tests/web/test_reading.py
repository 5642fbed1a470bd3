"""Generators read in threads: their steps, their number, their end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from assistant.web.reading import Readers, TooBusy, at_once, longest_line


class Source:
    """A generator that counts, whose steps wait for `go`, and that says when it was closed."""

    def __init__(self, steps=3, *, error=None):
        self.steps, self.error = steps, error
        self.go, self.waits, self.closed = threading.Event(), threading.Event(), threading.Event()
        self.go.set()

    def __call__(self):
        try:
            for number in range(self.steps):
                self.waits.set()
                assert self.go.wait(10)
                yield number
            if self.error:
                raise self.error
        finally:
            self.closed.set()


@pytest.fixture
def readers():
    """One thread."""
    return Readers(1)


async def all_of(reading):
    """Return every step."""
    return [step async for step in reading.steps()]


def test_steps_come_in_order(readers):
    """The reading ends when the generator does."""

    async def read():
        reading = readers.begin(Source(5))
        assert await all_of(reading) == [0, 1, 2, 3, 4]
        assert not reading.stopped

    asyncio.run(read())


def test_what_the_generator_raises_is_raised_after_its_steps(readers):
    """Whoever awaits the steps hears of it."""

    async def read():
        steps = readers.begin(Source(1, error=ValueError("no more"))).steps()
        assert await anext(steps) == 0
        with pytest.raises(ValueError, match="no more"):
            await anext(steps)

    asyncio.run(read())


def test_stopping_ends_the_reading_at_once_and_closes_the_generator(readers):
    """Who waits is told while the step still runs; the generator is closed when that step has ended."""
    source = Source()
    source.go.clear()

    async def read():
        reading = readers.begin(source)
        waiting = asyncio.create_task(all_of(reading))
        await asyncio.to_thread(source.waits.wait, 10)
        reading.stop()
        reading.stop()
        assert await asyncio.wait_for(waiting, 1) == []
        assert reading.stopped
        assert not source.closed.is_set()
        source.go.set()
        assert await asyncio.to_thread(source.closed.wait, 10)

    asyncio.run(read())


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_who_leaves_early_closes_the_generator(readers, how):
    """Gradio closes or cancels what a visitor no longer waits for."""
    source = Source(1_000_000)

    async def read():
        steps = readers.begin(source).steps()
        await anext(steps)
        if how == "closed":
            await steps.aclose()
        else:
            source.go.clear()

            async def rest():
                async for _ in steps:
                    pass

            task = asyncio.create_task(rest())
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            source.go.set()
        assert await asyncio.to_thread(source.closed.wait, 10)

    asyncio.run(read())


def test_a_stopped_reading_keeps_its_thread_until_it_is_closed(readers):
    """Otherwise whoever asks and leaves again and again would start any number of threads."""
    first, second, third = Source(), Source(), Source()
    first.go.clear()

    async def read():
        stopped = readers.begin(first)
        await asyncio.to_thread(first.waits.wait, 10)
        stopped.stop()
        waiting, left = readers.begin(second), readers.begin(third)
        assert not await waiting.begins(0.05)
        left.stop()
        first.go.set()
        assert await waiting.begins(10)
        assert await all_of(waiting) == [0, 1, 2]
        assert not third.waits.is_set()

    asyncio.run(read())


def test_a_loop_that_is_gone_stops_the_reading(readers):
    """A server that ends does not leave a model writing for nobody."""
    source = Source(1_000_000)

    async def begin():
        readers.begin(source)
        await asyncio.to_thread(source.waits.wait, 10)

    asyncio.run(begin())
    assert source.closed.wait(10)


# ---- The line ----


async def places_of(reading, seen):
    """Note every place that a reading is told, until it begins."""
    async for place in reading.waiting():
        seen.append(place)


def test_a_reading_that_begins_at_once_has_no_place(readers):
    """Nobody is told of a line that is not there."""

    async def read():
        reading = readers.begin(Source())
        assert reading.place == 0
        assert [place async for place in reading.waiting()] == []
        assert await all_of(reading) == [0, 1, 2]

    asyncio.run(read())


def test_who_waits_sees_the_place_and_moves_up_in_order(readers):
    """First come, first read; each is told of each step forward, and the line is empty in the end."""
    sources = [Source(1) for _ in range(4)]
    for source in sources:
        source.go.clear()

    async def read():
        readings = [readers.begin(source) for source in sources]
        assert [reading.place for reading in readings] == [0, 1, 2, 3]
        assert not readers.idle
        seen = [[] for _ in readings]
        tasks = [asyncio.create_task(places_of(*each)) for each in zip(readings, seen, strict=True)]
        for source in sources:
            assert await asyncio.to_thread(source.waits.wait, 10)
            # Who waits has heard of its place before the next step.
            await asyncio.sleep(0.05)
            source.go.set()
        await asyncio.gather(*tasks)
        assert seen == [[], [1], [2, 1], [3, 2, 1]]
        assert [await all_of(reading) for reading in readings] == [[0]] * 4
        while not readers.idle:
            await asyncio.sleep(0.01)

    asyncio.run(read())


def test_who_leaves_the_line_lets_the_others_move_up_at_once(readers):
    """The generator of the one who left is never made, and its waiting ends."""
    first, second, third = Source(), Source(), Source()
    first.go.clear()

    async def read():
        _, left, last = (readers.begin(source) for source in (first, second, third))
        seen, seen_by_left = [], []
        task = asyncio.create_task(places_of(last, seen))
        leaving = asyncio.create_task(places_of(left, seen_by_left))
        await asyncio.sleep(0.05)
        left.stop()
        assert (left.place, last.place) == (0, 1)
        await asyncio.wait_for(leaving, 5)
        await asyncio.sleep(0.05)
        assert (seen, seen_by_left) == ([2, 1], [1])
        first.go.set()
        await asyncio.wait_for(task, 5)
        assert await all_of(last) == [0, 1, 2]
        assert left.stopped
        assert not second.waits.is_set()

    asyncio.run(read())


def test_a_full_line_takes_nobody_else():
    """Who would wait for minutes hears so at once; there is room again when somebody leaves."""
    readers, held = Readers(1, longest_line=2), Source()
    held.go.clear()

    async def read():
        readings = [readers.begin(held), readers.begin(Source()), readers.begin(Source())]
        with pytest.raises(TooBusy, match="2 are waiting already"):
            readers.begin(Source())
        readings[1].stop()
        assert readers.begin(Source()).place == 2
        held.go.set()

    asyncio.run(read())


def test_two_are_read_at_the_same_time_where_there_are_two_threads():
    """The line is one for all threads."""
    readers, sources = Readers(2), [Source() for _ in range(3)]
    for source in sources:
        source.go.clear()

    async def read():
        readings = [readers.begin(source) for source in sources]
        assert [reading.place for reading in readings] == [0, 0, 1]
        sources[1].go.set()
        assert await readings[2].begins(10)
        assert readings[0].place == readings[2].place == 0
        for source in sources:
            source.go.set()
        assert [await all_of(reading) for reading in readings] == [[0, 1, 2]] * 3

    asyncio.run(read())


# ---- How many, and what waiting costs ----


@pytest.mark.parametrize(
    ("cores", "writes", "count"),
    [
        pytest.param(1, False, 2, id="a slow answer is passed on one core too"),
        pytest.param(2, False, 2, id="two cores"),
        pytest.param(3, False, 3, id="three cores"),
        pytest.param(64, False, 4, id="Python works on one at a time on many cores too"),
        pytest.param(2, True, 8, id="a model's answers wait for its server"),
    ],
)
def test_as_many_are_read_at_once_as_the_cores_bear(cores, writes, count):
    """More would make each slower and all no faster."""
    assert at_once(cores, writes=writes) == count


def test_this_machine_has_a_number_and_a_models_line_is_shorter():
    """Nobody waits much longer than half a minute, and a model takes longer for an answer."""
    assert 2 <= at_once() <= 4
    assert longest_line(writes=True) < longest_line()


def test_who_waits_takes_no_thread():
    """A hundred in line are a hundred entries of a list: only those that are read have a thread."""
    readers, held = Readers(2), Source()
    held.go.clear()

    async def read():
        readings = [readers.begin(held) for _ in range(102)]
        assert readers.waiting == 100
        assert sum(thread.name.startswith("answer") for thread in threading.enumerate()) <= 2 + before
        for reading in reversed(readings):
            reading.stop()
        assert readers.waiting == 0
        held.go.set()

    before = sum(thread.name.startswith("answer") for thread in threading.enumerate())
    asyncio.run(read())


@pytest.mark.parametrize("how", ["read", "stopped"])
def test_a_place_is_told_at_the_pace_that_is_wanted_and_the_waiting_ends_at_once(readers, how):
    """An hour between two places: who stands third is told that, and then that the waiting is over."""
    first, second, third = Source(), Source(), Source()
    first.go.clear()

    async def read():
        readers.begin(first)
        between, last = readers.begin(second), readers.begin(third)
        seen = []

        async def watch():
            async for place in last.waiting(3600):
                seen.append(place)

        watching = asyncio.create_task(watch())
        await asyncio.sleep(0.05)
        between.stop()
        await asyncio.sleep(0.05)
        assert (last.place, seen) == (1, [2])
        first.go.set()
        if how == "stopped":
            last.stop()
        await asyncio.wait_for(watching, 5)
        assert seen == [2]
        assert await all_of(last) == ([] if how == "stopped" else [0, 1, 2])

    asyncio.run(read())
