"""Open conversations: kept in memory, under keys nobody guesses, for a bounded time and in a bounded number."""

from __future__ import annotations

from assistant.web.conversations import Conversations
from assistant.web.rendering import Exchange

HELLO = (Exchange("What does it cost?"),)


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_conversation_is_found_under_its_key_and_grows_there():
    """A later keep under the same key replaces what was there."""
    kept = Conversations()
    key = kept.keep(None, HELLO)
    assert kept.find(key) == HELLO
    longer = (*HELLO, Exchange("And for two?"))
    assert kept.keep(key, longer) == key
    assert kept.find(key) == longer


def test_keys_differ_and_hold_128_bits():
    """Twenty-two characters of 6 bits each hold 16 random bytes."""
    kept = Conversations()
    keys = {kept.keep(None, HELLO) for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {22}


def test_one_that_was_left_alone_is_gone():
    """Use keeps it; time without use ends it."""
    clock = Clock()
    kept = Conversations(seconds=10, clock=clock)
    key = kept.keep(None, HELLO)
    clock.now = 9
    assert kept.find(key) == HELLO
    clock.now = 18
    assert kept.find(key) == HELLO
    clock.now = 29
    assert kept.find(key) is None


def test_too_many_push_out_the_one_used_longest_ago():
    """The number is bounded, so the memory is."""
    kept = Conversations(most=2)
    first, second = kept.keep(None, HELLO), kept.keep(None, HELLO)
    kept.find(first)
    third = kept.keep(None, HELLO)
    assert kept.find(second) is None
    assert kept.find(first) == kept.find(third) == HELLO


def test_forgetting_is_final_and_safe_to_repeat():
    """Whoever deletes a conversation need not know whether it is still there."""
    kept = Conversations()
    key = kept.keep(None, HELLO)
    kept.forget(key)
    kept.forget(key)
    assert kept.find(key) is None
