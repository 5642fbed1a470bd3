"""Answers that grow, read in threads: so many at the same time, the others in one line, and each can be stopped.

What makes an answer blocks; what shows it must not. Page and API share the threads, so they share the line.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, Generic, TypeVar

Step = TypeVar("Step")

# How many may wait: nobody longer than about half a minute, and who comes then hears at once that there is no room. Two
# busy cores gave 16 answers a second; a language model at eight answers of some seconds each about one.
LONGEST_LINE, LONGEST_LINE_OF_MODEL = 200, 40
# Answers are made by Python, which works on one at a time and only lets go of the others' turn while it embeds and
# searches: 50 visitors on two cores got 16 to 18 answers a second with one to eight at once, but making one took 0.06 s
# (median) with one, 0.08 s with two, 0.18 s with four and 0.35 s with eight. A second one fills the gaps, and lets the
# others pass a slow answer. A model's answers wait for its server.
FEWEST_AT_ONCE, MOST_AT_ONCE, AT_ONCE_OF_MODEL = 2, 4, 8
# Places that are told as often as they change, within the pace; who stands behind them hears of it less often, in
# proportion, so that telling a long line takes no longer than telling a short one.
NEAR_PLACES = 5


def at_once(cores: int | None = None, *, writes: bool = False) -> int:
    """Return how many answers are best made at the same time.

    Args:
        cores: Processor cores; those of this machine when not given.
        writes: Whether a language model writes them.
    """
    return AT_ONCE_OF_MODEL if writes else min(max(cores or os.cpu_count() or 1, FEWEST_AT_ONCE), MOST_AT_ONCE)


def longest_line(*, writes: bool = False) -> int:
    """Return how many may wait for about half a minute at most; fewer where a language model writes."""
    return LONGEST_LINE_OF_MODEL if writes else LONGEST_LINE


class TooBusy(Exception):
    """So many wait already that nobody else is let into the line.

    Attributes:
        waiting: How many.
    """

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} are waiting already")
        self.waiting = waiting


class Readers:
    """The threads that read generators, and the line before them: who comes first is read first."""

    def __init__(self, count: int, *, longest_line: int = LONGEST_LINE) -> None:
        """Start no thread yet.

        Args:
            count: How many generators are read at the same time.
            longest_line: How many more may wait.
        """
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="answer")
        self._lock = threading.Lock()
        self._free = count
        self._line: list[Reading[Any]] = []
        self._count, self._longest_line = count, longest_line

    @property
    def idle(self) -> bool:
        """Whether nothing is read and nobody waits."""
        with self._lock:
            return self._free == self._count

    @property
    def waiting(self) -> int:
        """How many stand in the line."""
        with self._lock:
            return len(self._line)

    def begin(self, make: Callable[[], Generator[Step, None, None]]) -> Reading[Step]:
        """Return the reading of the generator that `make` returns; called where an event loop runs.

        Raises:
            TooBusy: The line is full.
        """
        reading = Reading(self, make)
        with self._lock:
            if self._free:
                self._free -= 1
                self._pool.submit(self._work, reading)
            elif len(self._line) < self._longest_line:
                self._line.append(reading)
            else:
                raise TooBusy(len(self._line))
        return reading

    def place(self, reading: Reading[Any]) -> int:
        """Return the place of a reading in the line, from 1; 0 for one that does not wait."""
        with self._lock:
            return self._line.index(reading) + 1 if reading in self._line else 0

    def leave(self, reading: Reading[Any]) -> None:
        """Take a reading out of the line; no error where it does not stand there."""
        with self._lock:
            if reading not in self._line:
                return
            behind = self._line[self._line.index(reading) + 1 :]
            self._line.remove(reading)
        _move(behind)

    def _work(self, reading: Reading[Any] | None) -> None:
        """Read, then the next in line, until nobody waits; in a thread."""
        while reading is not None:
            try:
                reading.read()
            finally:
                reading = self._next()

    def _next(self) -> Reading[Any] | None:
        with self._lock:
            if not self._line:
                self._free += 1
                return None
            first = self._line.pop(0)
            behind = list(self._line)
        _move(behind)
        return first


def _move(readings: list[Reading[Any]]) -> None:
    """Tell those that look out for it that their place has changed; one message to each event loop."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Reading[Any]]] = defaultdict(list)
    for reading in readings:
        if reading.looks_out:
            by_loop[reading.loop].append(reading)
    for loop, together in by_loop.items():
        _tell(loop, partial(_moved, together))


def _moved(readings: list[Reading[Any]]) -> None:
    for reading in readings:
        reading.moved()


def _tell(loop: asyncio.AbstractEventLoop, do: Callable[[], object]) -> bool:
    """Let an event loop do something soon; return whether it still runs. From any thread."""
    try:
        loop.call_soon_threadsafe(do)
    except RuntimeError:
        return False
    return True


class Reading(Generic[Step]):
    """What one generator yields, as it comes. Belongs to the event loop in which it was begun.

    A stopped reading keeps its thread until the generator is closed: a step cannot be interrupted, and a limit that
    forgot the step would be none.

    Attributes:
        loop: The event loop.
        looks_out: Whether somebody waits to hear that the place in the line has changed.
    """

    def __init__(self, readers: Readers, make: Callable[[], Generator[Step, None, None]]) -> None:
        self.loop = asyncio.get_running_loop()
        self.looks_out = False
        self._readers, self._make = readers, make
        self._ended = False
        # A step comes in a tuple, so that nothing it can be is taken for a failure or the end.
        self._arrived: asyncio.Queue[tuple[Step] | Exception | None] = asyncio.Queue()
        self._begun, self._moved = asyncio.Event(), asyncio.Event()
        self._leave = threading.Event()

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before the generator ended."""
        return self._leave.is_set() and not self._ended

    @property
    def place(self) -> int:
        """The place in the line, from 1; 0 once it is read, has ended or was stopped."""
        return self._readers.place(self)

    async def begins(self, seconds: float) -> bool:
        """Return whether the waiting ends within that time: a thread is free, or it was stopped."""
        try:
            await asyncio.wait_for(self._begun.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def waiting(self, pace: float = 0.0) -> AsyncGenerator[int, None]:
        """Yield the place in the line, and again whenever it has changed; ends when the reading begins or is stopped.

        Where a thread is free at once it yields nothing.

        Args:
            pace: Seconds that pass at least between two places told; longer behind the first five, in proportion.
        """
        told = 0
        while place := self.place:
            if place != told:
                told = place
                yield place
                await self.begins(pace * max(1.0, place / NEAR_PLACES))
            self._moved.clear()
            self.looks_out = True
            # What moved before this is seen by asking again.
            if self.place == told:
                await self._moved.wait()
            self.looks_out = False

    def stop(self) -> None:
        """End the reading at once; the generator is closed when the step that it is in ends. Twice is no error."""
        self._leave.set()
        self._readers.leave(self)
        self._begin()
        self._arrived.put_nowait(None)

    async def steps(self) -> AsyncGenerator[Step, None]:
        """Yield each step; ends when the generator ends or the reading is stopped, and stops it when left early.

        Raises:
            Exception: What the generator raises.
        """
        try:
            while True:
                arrived = await self._arrived.get()
                if self._leave.is_set():
                    return
                if arrived is None:
                    self._ended = True
                    return
                if isinstance(arrived, Exception):
                    raise arrived
                yield arrived[0]
        finally:
            self.stop()

    def moved(self) -> None:
        """Notice that the place in the line has changed."""
        self._moved.set()

    def read(self) -> None:
        """Read to the end, in the thread."""
        self._tell(self._begin)
        if self._leave.is_set():
            return
        try:
            with closing(self._make()) as steps:
                for step in steps:
                    if self._leave.is_set():
                        return
                    self._put((step,))
        except Exception as error:  # whatever it is, it is raised where the steps are awaited
            self._put(error)
        finally:
            self._put(None)

    def _put(self, arrived: tuple[Step] | Exception | None) -> None:
        self._tell(lambda: self._arrived.put_nowait(arrived))

    def _begin(self) -> None:
        self._begun.set()
        self._moved.set()

    def _tell(self, do: Callable[[], object]) -> None:
        if not _tell(self.loop, do):
            # The loop is closed, so nobody waits any more.
            self._leave.set()
