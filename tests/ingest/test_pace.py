"""Pace: the time left, from bytes that are read and texts that are embedded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.ingest.pace import CHARACTERS_PER_TEXT, HALF_LIFE_SECONDS, Pace, in_words, load_of

# What the embedding worker told about generated documents and about seven of the corpus, in its processor seconds:
# those of a calm machine.
RECORDED = sorted((Path(__file__).parent / "timelines").glob("*.json"))


class Clock:
    """Seconds that go on when they are told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def pace(clock):
    """A pace that knows nothing yet."""
    return Pace(clock)


def embed(pace: Pace, clock: Clock, load: int, seconds: float) -> None:
    """Let time pass, and a part be embedded in it."""
    clock.now += seconds
    pace.has_embedded(load, seconds)


def test_a_text_costs_more_than_its_characters():
    """Many short texts take longer than one long one with as many characters; nothing costs nothing."""
    assert load_of(0, 0) == 0
    assert load_of(1, 1000) < load_of(10, 1000) == 1000 + 10 * CHARACTERS_PER_TEXT


def test_nothing_to_do_takes_no_time(pace):
    """A sync that finds nothing new is done."""
    assert pace.seconds_left() == 0
    pace.will_read({})
    assert pace.seconds_left() == 0


def test_nothing_is_said_before_anything_tells(pace, clock):
    """While nothing is read, and while the worker is still starting, there is no guess."""
    pace.will_read({".md": 1000})
    assert pace.seconds_left() is None
    clock.now += 1
    pace.has_read(".md", 1000, load=500)
    assert pace.seconds_left() is None
    embed(pace, clock, 100, 2.0)
    assert pace.seconds_left() is not None


@pytest.mark.parametrize("rate", [pytest.param(50.0, id="slow"), pytest.param(9_000.0, id="fast")])
def test_a_steady_pace_is_told_exactly(pace, clock, rate):
    """At an even pace every guess is right, from the first part to the last."""
    total = 100_000
    pace.will_embed(total)
    for done in range(10_000, total + 1, 10_000):
        embed(pace, clock, 10_000, 10_000 / rate)
        assert pace.seconds_left() == pytest.approx((total - done) / rate)


def test_the_start_of_the_worker_counts_for_nothing(pace, clock):
    """How long nobody embedded says nothing about how fast it goes."""
    pace.will_embed(1000)
    clock.now += 600
    embed(pace, clock, 500, 5.0)
    assert pace.seconds_left() == pytest.approx(5.0)


def test_the_part_under_way_is_taken_off(pace, clock):
    """Between two parts the time left goes down with the clock, at most by what the part before has taken."""
    pace.will_embed(1000)
    embed(pace, clock, 100, 4.0)
    told = []
    for _ in range(8):
        told.append(pace.seconds_left())
        clock.now += 1
    assert told == pytest.approx([36, 35, 34, 33, 32, 32, 32, 32])


def test_files_still_to_be_read_are_expected_to_hold_text(pace, clock):
    """Half of the bytes are read: the other half will give as much to embed."""
    pace.will_read({".md": 2000})
    clock.now += 0.1
    pace.has_read(".md", 1000, load=3000)
    embed(pace, clock, 1000, 1.0)
    assert pace.seconds_left() == pytest.approx(2 + 3)


def test_kinds_of_files_hold_more_or_less_text(pace, clock):
    """A byte of a kind that was read gives as much as that kind did, one of another kind as much as all did."""
    pace.will_read({".md": 2000, ".pdf": 10_000, ".docx": 1000})
    clock.now += 0.1
    pace.has_read(".md", 1000, load=2000)
    pace.has_read(".pdf", 5000, load=1000)
    embed(pace, clock, 1000, 1.0)
    assert pace.seconds_left() == pytest.approx((3000 - 1000 + 2000 + 1000 + 1000 * 3000 / 6000) / 1000)


def test_reading_that_takes_longer_than_embedding_tells_the_time(pace, clock):
    """Files are read while texts are embedded, so the longer of the two counts."""
    pace.will_read({".pdf": 1000})
    clock.now += 30
    pace.has_read(".pdf", 250, load=10)
    embed(pace, clock, 10, 0.1)
    assert pace.seconds_left() == pytest.approx(3 * 30.1)


def test_a_file_that_fails_is_read_and_gives_nothing(pace, clock):
    """Nobody waits for the text of a file that cannot be read, nor of one that nobody has asked about."""
    pace.will_read({".md": 1000, ".jpg": 0})
    clock.now += 1
    pace.has_read(".jpg", 0)
    pace.has_read(".md", 1000)
    assert pace.seconds_left() == 0


def test_what_was_long_ago_counts_less(pace, clock):
    """After a slow beginning on a busy machine the guess comes near the new pace, and never below it."""
    pace.will_embed(10_000)
    embed(pace, clock, 100, 100.0)
    for _ in range(100):
        embed(pace, clock, 50, 0.05 * HALF_LIFE_SECONDS)
    at_the_new_pace = (10_000 - 5100) / 50 * 0.05 * HALF_LIFE_SECONDS
    assert at_the_new_pace <= pace.seconds_left() + 0.05 * HALF_LIFE_SECONDS <= 1.1 * at_the_new_pace


def guesses(timeline: Mapping[str, list]) -> list[tuple[float, float]]:
    """Replay what a pace was told of real texts; return its guess at each moment that something was shown."""
    clock = Clock()
    clock.now = 0.0
    pace, told = Pace(clock), list(timeline["told"])
    found = []
    for shown in timeline["shown"]:
        while told and told[0][0] <= shown:
            clock.now, verb, *values = told.pop(0)
            getattr(pace, verb)(*values)
        clock.now = shown
        left = pace.seconds_left()
        if left is not None:
            found.append((shown, left))
    return found


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in RECORDED])
def test_real_runs_are_told_within_a_quarter(file):
    """After the first tenth of a recorded run nine guesses of ten are right within a quarter, or within two seconds."""
    timeline = json.loads(file.read_text())
    end = timeline["seconds"]
    later = [(at, left) for at, left in guesses(timeline) if at >= end / 10]
    right = [left for at, left in later if abs(left - (end - at)) <= max(2.0, (end - at) / 4)]
    assert len(later) > 10
    assert len(right) >= 0.9 * len(later) > 0


def test_there_are_recorded_runs():
    """The test above has something to replay."""
    assert RECORDED


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(0.0, "a few seconds left", id="none"),
        pytest.param(9.9, "a few seconds left", id="few"),
        pytest.param(41.0, "about 40 s left", id="seconds"),
        pytest.param(91.0, "about 2 min left", id="minutes"),
        pytest.param(5399.0, "about 90 min left", id="many-minutes"),
        pytest.param(7300.0, "about 2 h left", id="hours"),
    ],
)
def test_times_are_rounded_as_roughly_as_they_are_known(seconds, words):
    """Nobody reads a tenth of a second into a guess."""
    assert in_words(seconds) == words
