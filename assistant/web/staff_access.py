"""Who may sit at the staff desk: the password, sessions in memory, and the one dependency behind which every page lies.

The password's hash stands in the environment; a cookie holds a random token, and the server only its hash. A session
ends after two idle hours, after twelve in all, when somebody logs out, and with the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import parse_qs

import fastapi
from fastapi.concurrency import run_in_threadpool

from assistant.web import passwords
from assistant.web.limits import Limit, household
from assistant.web.visits import STAFF_COOKIE, Visit

# Every form holds the session's token under this name; a script sends it as this header.
TOKEN_FIELD, TOKEN_HEADER = "token", "x-desk-token"
LONGEST_SESSION, LONGEST_IDLE = 12 * 3600, 2 * 3600
# Wrong passwords for one address; right ones do not count.
TRIES, TRIES_SECONDS = 10, 600
# Passwords that are compared at the same time, and those that may wait: each takes a quarter of a second.
AT_ONCE, WAITING, WAITING_OF_ADDRESS = 2, 30, 3
# Sessions at the same time; the one idle longest makes room.
MOST_SESSIONS = 200
LONGEST_NAME = 60
LONGEST_PASSWORD = 500
_MOST_FIELDS = 5000

NoticeKind = Literal["done", "problem"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence that the next page of a session shows: plain text."""

    sentence: str
    kind: NoticeKind = "done"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has logged in.

    Attributes:
        name: Who it is, as given at the door; not checked.
        form_token: What each form of this session carries.
        notices: What the next page says.
    """

    name: str
    form_token: str
    notices: list[Notice] = field(default_factory=list, compare=False)


class NotSignedIn(Exception):
    """A request of nobody who has logged in."""


class FormRefused(Exception):
    """A request that would change something, without the token of its session, or with a form that cannot be read.

    Attributes:
        status: The HTTP status.
        word: The sentence's key in `staff_words`.
    """

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status
        self.word = word


@dataclass(slots=True)
class _Seat:
    session: Session
    began: float
    used: float


class StaffDoor:
    """The desk's door: compares passwords, and keeps the sessions."""

    def __init__(self, password_hash: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Let nobody in yet.

        Args:
            password_hash: A bcrypt hash, as `python -m assistant hash-password` prints it.
            clock: Seconds that only grow.

        Raises:
            ValueError: It is no such hash.
        """
        if not passwords.is_hash(password_hash):
            raise ValueError("the password of the staff desk is no bcrypt hash")
        self._hash = password_hash
        self._clock = clock
        self._seats: dict[str, _Seat] = {}
        self._tries = Limit(TRIES, TRIES_SECONDS, for_address=TRIES)
        self._comparing = asyncio.Semaphore(AT_ONCE)
        self._waiting: Counter[str] = Counter()

    def wait(self, visit: Visit) -> float:
        """Return the seconds until a password may be tried from this address, 0 for now."""
        return self._tries.wait(visit)

    def is_busy(self, visit: Visit) -> bool:
        """Return whether too many passwords are being compared already, for this address or for all."""
        return self._waiting[household(visit.address)] >= WAITING_OF_ADDRESS or self._waiting.total() >= WAITING

    async def opens(self, password: str, visit: Visit) -> bool:
        """Return whether a password is the right one; a wrong one counts, and while one has to wait none is right."""
        home = household(visit.address)
        self._waiting[home] += 1
        try:
            async with self._comparing:
                # Asked here, so that tries that were sent together do not all come before the first is counted.
                if self.wait(visit):
                    return False
                right = await run_in_threadpool(passwords.fits, password[:LONGEST_PASSWORD], self._hash)
                if not right:
                    self._tries.take(visit)
                return right
        finally:
            self._waiting[home] -= 1
            self._waiting += Counter()  # names that wait no more are forgotten

    def begin(self, name: str) -> str:
        """Begin a session and return its token, for the cookie: 256 random bits."""
        now = self._clock()
        self._end_old(now)
        while len(self._seats) >= MOST_SESSIONS:
            del self._seats[min(self._seats, key=lambda key: self._seats[key].used)]
        token = secrets.token_urlsafe(32)
        self._seats[_digest(token)] = _Seat(Session(name, secrets.token_urlsafe(32)), now, now)
        return token

    def session(self, token: str) -> Session | None:
        """Return the session of a token, which is in use from now on; None for one that is unknown or has ended."""
        now = self._clock()
        key = _digest(token)
        seat = self._seats.get(key)
        if seat is None:
            return None
        if _is_over(seat, now):
            del self._seats[key]
            return None
        seat.used = now
        return seat.session

    def end(self, token: str) -> None:
        """End the session of a token, if there is one."""
        self._seats.pop(_digest(token), None)

    def end_all(self) -> None:
        """End every session, on all machines."""
        self._seats.clear()

    def _end_old(self, now: float) -> None:
        self._seats = {key: seat for key, seat in self._seats.items() if not _is_over(seat, now)}


class Form:
    """What a form of the desk brought: texts by name, cleaned of nothing."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """Return the last value of a field without spaces around it; empty where it is missing."""
        return self._values.get(name, ("",))[-1].strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values of a field, such as of boxes that were ticked."""
        return tuple(self._values.get(name, ()))

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return the values of a field that are whole numbers of at most 15 digits."""
        return tuple(
            int(value) for value in self.texts(name) if value.isascii() and value.isdecimal() and len(value) < 16
        )

    def __contains__(self, name: str) -> bool:
        return name in self._values


async def signed_in(request: fastapi.Request) -> Session:
    """Return the session of a request: the dependency of every route of the desk.

    A request that may change something (all but GET and HEAD) carries the session's token: as the field `token` of a
    form, as the header `x-desk-token`, or, for `multipart/form-data` alone, whose body is not read here, as `?token=`.
    That it comes from a page of ours the gate has seen already. `form_of` then gives the form.

    Raises:
        NotSignedIn: There is no session, or it has ended.
        FormRefused: The token is missing or another one (403), or the form cannot be read (400).
    """
    door: StaffDoor = request.app.state.staff_door
    session = door.session(request.cookies.get(STAFF_COOKIE, ""))
    if session is None:
        raise NotSignedIn
    request.state.session = session
    if request.method in ("GET", "HEAD"):
        return session
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = await read_form(request) if kind == "application/x-www-form-urlencoded" else Form({})
    given = request.headers.get(TOKEN_HEADER) or form.text(TOKEN_FIELD)
    if not given and kind == "multipart/form-data":
        given = request.query_params.get(TOKEN_FIELD, "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), session.form_token.encode()):
        raise FormRefused(403, "token_wrong")
    request.state.form = form
    return session


SignedIn = Annotated[Session, fastapi.Depends(signed_in)]


def form_of(request: fastapi.Request) -> Form:
    """Return the form that `signed_in` has read; empty where the request brought none."""
    form: Form = getattr(request.state, "form", None) or Form({})
    return form


async def read_form(request: fastapi.Request) -> Form:
    """Return the form in a request's body, which the gate has let pass as small.

    Raises:
        FormRefused: It has more fields than any of our forms (400).
    """
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return Form(parse_qs(body, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise FormRefused(400, "form_broken") from None


def clean_name(given: str) -> str:
    """Return who somebody says to be, on one line, without what cannot be seen, at most 60 characters; may be empty."""
    composed = unicodedata.normalize("NFC", given)
    seen = "".join(" " if unicodedata.category(one) in ("Zl", "Zp", "Cc") else one for one in composed)
    kept = "".join(one for one in seen if unicodedata.category(one)[0] != "C")
    return " ".join(kept.split())[:LONGEST_NAME].strip()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _is_over(seat: _Seat, now: float) -> bool:
    return now - seat.began >= LONGEST_SESSION or now - seat.used >= LONGEST_IDLE
