"""Answers that grow, read in threads: so many at the same time, the others in one line, and each can be stopped.

What makes an answer blocks; what shows it must not. Page and API share the threads, so they share the line.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Generic, TypeVar

Step = TypeVar("Step")

# More would wait for minutes; they hear at once that there is no room.
LONGEST_LINE = 200


class TooBusy(Exception):
    """So many wait already that nobody else is let into the line."""


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
                raise TooBusy(f"{len(self._line)} are waiting already")
        return reading

    def place(self, reading: Reading[Any]) -> int:
        """Return the place of a reading in the line, from 1; 0 for one that does not wait."""
        with self._lock:
            return self._line.index(reading) + 1 if reading in self._line else 0

    def leave(self, reading: Reading[Any]) -> None:
        """Take a reading out of the line; no error where it does not stand there."""
        with self._lock:
            behind = self._line[self._line.index(reading) + 1 :] if reading in self._line else None
            if behind is not None:
                self._line.remove(reading)
        for other in behind or ():
            other.move()

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
        for other in behind:
            other.move()
        return first


class Reading(Generic[Step]):
    """What one generator yields, as it comes. Belongs to the event loop in which it was begun.

    A stopped reading keeps its thread until the generator is closed: a step cannot be interrupted, and a limit that
    forgot the step would be none.
    """

    def __init__(self, readers: Readers, make: Callable[[], Generator[Step, None, None]]) -> None:
        self._loop = asyncio.get_running_loop()
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
        """Return whether a thread is free within that time, now or then."""
        try:
            await asyncio.wait_for(self._begun.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def waiting(self) -> AsyncGenerator[int, None]:
        """Yield the place in the line, and again whenever it has changed; ends when the reading begins or is stopped.

        Where a thread is free at once it yields nothing.
        """
        told = 0
        while place := self.place:
            self._moved.clear()
            if place != told:
                told = place
                yield place
            # What moved while the place was told is seen by asking again.
            if self.place == place:
                await self._moved.wait()

    def stop(self) -> None:
        """End the reading at once; the generator is closed when the step that it is in ends. Twice is no error."""
        self._leave.set()
        self._readers.leave(self)
        self._moved.set()
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

    def move(self) -> None:
        """Say that the place in the line has changed; from any thread."""
        self._tell(self._moved.set)

    def read(self) -> None:
        """Read to the end, in the thread."""
        self._tell(self._begun.set)
        self.move()
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

    def _tell(self, do: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(do)
        except RuntimeError:
            # The loop is closed, so nobody waits any more.
            self._leave.set()
