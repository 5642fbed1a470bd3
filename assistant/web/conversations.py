"""The conversations that are open now, in memory, so that a visitor can take one away or save it.

Nothing here is written down: a conversation is gone when it is left alone for long, pushed out, or the server stops.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from assistant.web.rendering import Exchange

Conversation = tuple[Exchange, ...]

# A lunch and a meeting fit between two questions.
KEPT_SECONDS = 6 * 3600.0
# An answer with its citations takes some 10 kB, so this is at most some hundred megabytes.
MOST_CONVERSATIONS = 1_000


@dataclass(frozen=True, slots=True)
class _Kept:
    used: float
    conversation: Conversation
    address: str


class Conversations:
    """Open conversations, each under a key of 128 bits that only its visitor's page knows. Safe for threads."""

    def __init__(
        self,
        *,
        seconds: float = KEPT_SECONDS,
        most: int = MOST_CONVERSATIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold no conversation yet.

        Args:
            seconds: How long one is kept after it was last used.
            most: How many are kept; beyond that one goes of those that came from the address with the most, the one
                that was used longest ago. So who fills the memory pushes out nobody else's.
            clock: Returns the time in seconds.
        """
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def keep(self, key: str | None, conversation: Conversation, address: str = "") -> str:
        """Keep a conversation and return its key: the one given, or a new one for None.

        Args:
            address: Where its visitor asks from; for sharing the room alone.
        """
        key = key or secrets.token_urlsafe(16)
        with self._lock:
            self._kept[key] = _Kept(self._clock(), conversation, address)
            self._kept.move_to_end(key)
            self._clear()
        return key

    def find(self, key: str) -> Conversation | None:
        """Return a conversation, or None when there is none under this key any more."""
        with self._lock:
            self._clear()
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept[key] = replace(found, used=self._clock())
            self._kept.move_to_end(key)
            return found.conversation

    def forget(self, key: str) -> None:
        """Let a conversation go; an unknown key is no error."""
        with self._lock:
            self._kept.pop(key, None)

    def _clear(self) -> None:
        """Let go what is too old or too much; the oldest stand first."""
        oldest = self._clock() - self._seconds
        while self._kept and next(iter(self._kept.values())).used < oldest:
            self._kept.popitem(last=False)
        while len(self._kept) > self._most:
            counts = Counter(kept.address for kept in self._kept.values())
            most = max(counts.values())
            del self._kept[next(key for key, kept in self._kept.items() if counts[kept.address] == most)]
