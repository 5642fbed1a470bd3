"""Answers that grow, read in threads: so many at the same time, and each of them can be stopped.

What makes an answer blocks; what shows it must not. Page and API share the threads, so they share the limit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Generic, TypeVar

Step = TypeVar("Step")


class Readers:
    """The threads that read generators; what comes when all are busy waits in line."""

    def __init__(self, count: int) -> None:
        """Start no thread yet.

        Args:
            count: How many generators are read at the same time.
        """
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="answer")

    def begin(self, make: Callable[[], Generator[Step, None, None]]) -> Reading[Step]:
        """Return the reading of the generator that `make` returns; called where an event loop runs."""
        return Reading(self._pool, make)


class Reading(Generic[Step]):
    """What one generator yields, as it comes. Belongs to the event loop in which it was begun.

    A stopped reading keeps its thread until the generator is closed: a step cannot be interrupted, and a limit that
    forgot the step would be none.
    """

    def __init__(self, pool: ThreadPoolExecutor, make: Callable[[], Generator[Step, None, None]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = False
        # A step comes in a tuple, so that nothing it can be is taken for a failure or the end.
        self._arrived: asyncio.Queue[tuple[Step] | Exception | None] = asyncio.Queue()
        self._begun = asyncio.Event()
        self._leave = threading.Event()
        self._work = pool.submit(self._read, make)

    @property
    def stopped(self) -> bool:
        """Whether it was stopped before the generator ended."""
        return self._leave.is_set() and not self._ended

    async def begins(self, seconds: float) -> bool:
        """Return whether a thread is free within that time, now or then."""
        try:
            await asyncio.wait_for(self._begun.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def stop(self) -> None:
        """End the reading at once; the generator is closed when the step that it is in ends. Twice is no error."""
        self._leave.set()
        self._work.cancel()
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

    def _read(self, make: Callable[[], Generator[Step, None, None]]) -> None:
        """Read to the end, in the thread."""
        self._tell(self._begun.set)
        try:
            with closing(make()) as steps:
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
