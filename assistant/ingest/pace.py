"""How long an ingest still takes, from what it has read and embedded so far; pure.

Files are read while texts are embedded, so the rest takes as long as the longer of the two. Sizes are known from the
start; how much text a byte gives is learnt by kind of file, and how fast texts are embedded from the worker's own
clock, so that its start and its waiting count for nothing.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping

# What a text costs beside its characters: the model's special tokens, and its share of a batch.
CHARACTERS_PER_TEXT = 15
# Work of so many seconds ago counts half: other programs come and go on a shared machine.
HALF_LIFE_SECONDS = 120.0


def load_of(texts: int, characters: int) -> int:
    """Return what it costs to embed so many texts with so many characters in all, in characters."""
    return characters + CHARACTERS_PER_TEXT * texts


class Pace:
    """The rates of one run and what is left to do, in bytes of files and in the load of texts, see `load_of`.

    Safe to use from several threads.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with nothing to do.

        Args:
            clock: Seconds that never go back.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._unread: dict[str, int] = {}
        self._read: defaultdict[str, int] = defaultdict(int)
        self._asked_by_kind: defaultdict[str, int] = defaultdict(int)
        self._asked = 0
        self._embedded = 0
        self._began: float | None = None
        self._lately = (0.0, 0.0)  # load and seconds
        self._reported = 0.0
        self._part = 0.0  # seconds of the last part

    def will_read(self, bytes_by_kind: Mapping[str, int]) -> None:
        """Note what is to be read, from now on: bytes by the kind of file."""
        with self._lock:
            self._unread = dict(bytes_by_kind)
            self._began = self._clock()

    def has_read(self, kind: str, size: int, load: int = 0) -> None:
        """Note that a file is read, whether it came in or not, and the load of its texts that are to be embedded."""
        with self._lock:
            self._unread[kind] = max(0, self._unread.get(kind, 0) - size)
            self._read[kind] += size
            self._asked_by_kind[kind] += load
            self._asked += load

    def will_embed(self, load: int) -> None:
        """Note texts to embed that come from no file of this run."""
        with self._lock:
            self._asked += load

    def has_embedded(self, load: int, seconds: float) -> None:
        """Note texts that are embedded, and how long that took whoever did it."""
        with self._lock:
            before, spent = self._lately
            kept = 0.5 ** (seconds / HALF_LIFE_SECONDS)
            self._lately = (before * kept + load, spent * kept + seconds)
            self._embedded += load
            self._reported, self._part = self._clock(), seconds

    def seconds_left(self) -> float | None:
        """Return how long the rest takes; None as long as nothing tells."""
        with self._lock:
            now = self._clock()
            unread = sum(self._unread.values())
            read = sum(self._read.values())
            if unread and not read:
                return None
            reading = (now - (self._began or now)) * unread / read if unread else 0.0
            to_embed = self._asked - self._embedded + self._expected()
            if to_embed <= 0:
                return reading
            load, seconds = self._lately
            if load <= 0 or seconds <= 0:
                return None
            # The part under way is not told yet, and takes about as long as the one before.
            under_way = min(now - self._reported, self._part)
            return max(reading, to_embed * seconds / load - under_way, 0.0)

    def _expected(self) -> float:
        """Return the load that the files still to be read will give: as those of their kind, else as all."""
        read, asked = sum(self._read.values()), sum(self._asked_by_kind.values())
        overall = asked / read if read else 0.0
        return sum(
            size * (self._asked_by_kind[kind] / self._read[kind] if self._read[kind] else overall)
            for kind, size in self._unread.items()
        )


def in_words(seconds: float) -> str:
    """Return a time left as people say it, rounded as roughly as it is known."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {5 * round(seconds / 5)} s left"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"
