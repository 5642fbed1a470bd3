"""The access code: one code for everybody who may come in, and the cookie that remembers who has given it.

The cookie holds the time at which it ends and a signature made with the code. So nothing is stored, and another code
logs everybody out.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from assistant.web.limits import Limit
from assistant.web.visits import Visit

ACCESS_COOKIE = "usanext_access"
COOKIE_SECONDS = 30 * 24 * 3600
# Wrong codes for one address; right ones do not count, so a cohort can come in at once.
TRIES, TRIES_SECONDS = 10, 600
_COOKIE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")


class AccessCode:
    """The door: looks at codes and cookies, and at how often somebody was wrong."""

    def __init__(self, code: str) -> None:
        """Keep what the code is compared with, and not the code.

        Args:
            code: At least eight characters.
        """
        self._digest = hashlib.sha256(code.encode()).digest()
        # Slow, since a cookie would otherwise let its owner's thief try a billion codes a second at home.
        self._key = hashlib.scrypt(code.encode(), salt=b"usanext access", n=2**14, r=8, p=1)
        self._tries = {way: Limit(TRIES, TRIES_SECONDS, for_address=TRIES) for way in ("page", "program")}

    def wait(self, visit: Visit, way: str = "page") -> float:
        """Return the seconds until a code may be tried from this address, 0 for now.

        Args:
            way: `page` or `program`: a program with an old code does not shut the page for people behind its address.
        """
        return self._tries[way].wait(visit)

    def opens(self, code: str | bytes, visit: Visit, way: str = "page") -> bool:
        """Return whether a code is the right one; a wrong one counts as a try, and while one has to wait none is."""
        if self.wait(visit, way):
            return False
        given = code.encode("utf-8", "surrogatepass") if isinstance(code, str) else code
        right = hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)
        if not right:
            self._tries[way].take(visit)
        return right

    def cookie(self, now: float | None = None) -> str:
        """Return the value of a new cookie, made at `now` (seconds since 1970)."""
        ends = str(int(time.time() if now is None else now) + COOKIE_SECONDS)
        return f"{ends}.{self._signature(ends)}"

    def admits(self, cookie: str, now: float | None = None) -> bool:
        """Return whether a cookie was made with this code and has not ended."""
        parts = _COOKIE.fullmatch(cookie)
        if parts is None or not hmac.compare_digest(parts[2], self._signature(parts[1])):
            return False
        return (time.time() if now is None else now) < int(parts[1])

    def _signature(self, ends: str) -> str:
        return hmac.new(self._key, ends.encode(), hashlib.sha256).hexdigest()
