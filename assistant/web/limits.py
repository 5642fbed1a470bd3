"""How often a visitor may do something: the visitor's session first, then, more generously, the address.

A cohort behind one address is not throttled as one visitor, and who throws the session away is still stopped by the
address. The counts stay in memory.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from assistant.web.visits import Visit

# How many visitors behind one address may each do as much as one visitor may.
VISITORS_OF_ADDRESS = 20


class Limit:
    """So many times within so many seconds."""

    def __init__(self, count: int, seconds: int, *, for_address: int | None = None) -> None:
        """Count nothing yet.

        Args:
            count: How often for one visitor; 0 is no limit.
            for_address: How often for all behind one address; 20 times as often by default.
        """
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._seconds = seconds
        self._last_taken: OrderedDict[str, float] = OrderedDict()
        self._visitor = RateLimitItemPerSecond(count, seconds) if count else None
        whole = count * VISITORS_OF_ADDRESS if for_address is None else for_address
        self._address = RateLimitItemPerSecond(whole, seconds) if count else None

    def take(self, visit: Visit) -> float:
        """Count one more and return 0, or count nothing and return the seconds to wait until there is room."""
        seconds = self.wait(visit)
        if not seconds:
            for item, key in self._counted(visit):
                self._limiter.hit(item, *key)
                self._note(item.key_for(*key))
        return seconds

    def wait(self, visit: Visit) -> float:
        """Return the seconds until there is room for one more, 0 for now; nothing is counted."""
        waits = [0.0]
        for item, key in self._counted(visit):
            if not self._limiter.test(item, *key):
                # Never 0 for somebody who has to wait, also where the time is just over.
                waits.append(max(self._limiter.get_window_stats(item, *key).reset_time - time.time(), 0.01))
        return max(waits)

    def _note(self, key: str) -> None:
        """Remember a name that was counted, and forget those whose time is over: the storage keeps names for ever."""
        now = time.time()
        self._last_taken[key] = now
        self._last_taken.move_to_end(key)
        while next(iter(self._last_taken.values())) < now - self._seconds - 1:
            self._storage.clear(self._last_taken.popitem(last=False)[0])

    def _counted(self, visit: Visit) -> list[tuple[RateLimitItem, tuple[str, str]]]:
        """Return what a visit counts for."""
        counted: list[tuple[RateLimitItem, tuple[str, str]]] = []
        if self._visitor and visit.visitor:
            counted.append((self._visitor, ("visitor", visit.visitor)))
        if self._address:
            counted.append((self._address, ("address", household(visit.address))))
        return counted


def household(address: str) -> str:
    """Return what stands for one address: of IPv6 the network of 64 bits, in which a visitor can take any."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)
