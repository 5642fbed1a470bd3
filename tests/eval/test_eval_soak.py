"""Soak: 20 of the 200 moments, each killed for good; every answer whole, nothing left over, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from eval.__main__ import main
from eval.soak import OPERATIONS, Moment, Soak, SoakFindings, _descendants, _survivors, moments

EACH = 5


def test_moments_are_spread_and_repeatable():
    """Fifty of each operation, evenly over its length, half by time and half by writes, the same for the same seed."""
    planned = moments(50, 7)
    assert planned == moments(50, 7) != moments(50, 8)
    for operation in OPERATIONS:
        own = [plan for plan in planned if plan.operation == operation]
        assert [int(50 * plan.fraction) for plan in own] == list(range(50))
        assert [plan.by for plan in own].count("time") == 25
        assert sum(plan.embedding for plan in own) == (5 if operation in ("ingest", "replace") else 0)


def test_the_table_counts_what_must_not_be():
    """A row for each operation and one for all, and a sentence for each fault."""
    found = SoakFindings(
        (
            Moment("ingest", 0.25, "time", True, False, 6),
            Moment("rebuild", 0.5, "writes", False, True, 3, ("mixed",), ("orphan",), ("lost",), 1),
        )
    )
    lines = found.as_table().splitlines()
    assert lines[1].split() == ["ingest", "1", "1", "(100", "%)", "0", "6", "0", "0", "0", "0"]
    assert lines[5].split() == ["all", "2", "1", "(50", "%)", "1", "9", "1", "1", "1", "1"]
    assert lines[6:] == [
        f"rebuild at 0.500 of its writes: {what}" for what in ("mixed", "orphan", "lost", "a child process lived on")
    ]


def test_a_child_that_lives_on_is_seen():
    """Processes below another are found, and counted while they live."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    children = {pid: began for pid, began in _descendants(os.getpid()).items() if pid == child.pid}
    child.communicate(b"\n")
    assert list(children) == [child.pid]
    assert _survivors(children) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--each", "0"], "--each 0: nothing would be killed", id="none"),
        pytest.param(["--folder", "."], ".: exists. Delete what an earlier run left", id="a folder that is there"),
    ],
)
def test_misuse(arguments, message, capsys):
    """A run that makes no sense, or would write into something, is refused."""
    assert main(["soak", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture(scope="module")
def soak(tmp_path_factory):
    """The folders that all moments begin with, on cached vectors."""
    with Soak(tmp_path_factory.mktemp("soak")) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(
    "plan",
    [pytest.param(plan, id=f"{plan.operation} {plan.fraction:.3f} {plan.by}") for plan in moments(EACH, 11)],
)
def test_killed_anywhere(soak, plan):
    """Whatever the moment: one whole version answers, the next sync leaves no orphan, and nothing is lost."""
    moment = soak.kill_at(plan.operation, plan.fraction, by=plan.by, embedding=False, seed=plan.seed)
    assert SoakFindings((moment,)).faults == []
    assert moment.answers >= 3
    assert moment.landed or moment.by == "time"
