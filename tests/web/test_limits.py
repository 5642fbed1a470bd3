"""How often a visitor may do something, and all visitors behind one address together."""

from __future__ import annotations

import time

import pytest

from assistant.web.limits import Limit
from assistant.web.visits import Visit


def visitor(name="a", address="203.0.113.7"):
    """Return a visit with a session, or without one."""
    return Visit(address, name)


def test_so_many_times_and_then_one_waits():
    """The wait is never longer than the time that is counted over."""
    limit = Limit(2, 60)
    assert [limit.take(visitor()) for _ in range(2)] == [0, 0]
    assert 0 < limit.take(visitor()) <= 60


def test_a_cohort_behind_one_address_is_not_throttled_as_one_visitor():
    """Each session has a count of its own."""
    limit = Limit(1, 60)
    assert [limit.take(visitor(name)) for name in "abcd"] == [0] * 4
    assert limit.take(visitor("a")) > 0


@pytest.mark.parametrize(
    "names", [pytest.param([None] * 5, id="no session"), pytest.param("abcde", id="always a new session")]
)
def test_who_throws_the_session_away_is_stopped_by_the_address(names):
    """The address has a limit of its own; another address is not touched by it."""
    limit = Limit(2, 60, for_address=4)
    assert [limit.take(visitor(name)) > 0 for name in names] == [False] * 4 + [True]
    assert limit.take(visitor("f", "203.0.113.8")) == 0


def test_an_address_has_twenty_times_the_limit_of_a_visitor():
    """So twenty visitors may use all of theirs."""
    limit = Limit(2, 60)
    assert [limit.take(visitor(None)) > 0 for _ in range(41)] == [False] * 40 + [True]


def test_what_is_refused_does_not_count():
    """Who asks again while waiting does not wait longer for it, and does not use up what the neighbours have."""
    limit = Limit(1, 60, for_address=2)
    limit.take(visitor("a"))
    first = limit.take(visitor("a"))
    assert all(0 < limit.take(visitor("a")) <= first for _ in range(5))
    assert limit.take(visitor("b")) == 0


def test_asking_for_the_wait_counts_nothing():
    """One can look before one tries."""
    limit = Limit(1, 60)
    assert [limit.wait(visitor()) for _ in range(3)] == [0] * 3
    assert limit.take(visitor()) == 0
    assert limit.wait(visitor()) > 0


def test_there_is_room_again_after_the_time():
    """The wait that was told is enough."""
    limit = Limit(1, 1)
    limit.take(visitor())
    time.sleep(limit.take(visitor()) + 0.05)
    assert limit.take(visitor()) == 0


def test_no_limit_is_no_limit():
    """0 lets everything pass."""
    limit = Limit(0, 60)
    assert [limit.take(visitor()) for _ in range(1000)] == [0] * 1000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True, id="one network of 64 bits"),
        pytest.param("2001:db8:1:2::1", "2001:db8:1:3::1", False, id="two networks"),
        pytest.param("203.0.113.7", "203.0.113.8", False, id="two IPv4 addresses"),
        pytest.param("unknown", "unknown", True, id="no address"),
    ],
)
def test_what_counts_as_one_address(one, other, same):
    """A visitor can take any IPv6 address of a network, so the network counts."""
    limit = Limit(1, 60, for_address=1)
    limit.take(visitor(None, one))
    assert (limit.take(visitor(None, other)) > 0) is same
