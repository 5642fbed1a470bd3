"""Many visitors of the app: what is counted as wrong, late or out of order, and a small real run."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing
from dataclasses import asdict

import pytest

from assistant.settings import PREFIX, Settings
from eval.app_process import Server
from eval.errors import EvaluationError
from eval.visitors import NO_LIMIT, WARMING, Replied, ask_at_once, figures, measure_visitors, order
from tests.web.conftest import Shelf, fill, make_app

FEE = "What does a place cost?"
START = "When did it start?"


def reply(sent, begun, *, question=FEE, quotes=("NOK 25,000",), error=None):
    """Return a reply that came a tenth of a second after it was begun."""
    return Replied(question, sent - 0.1, sent, begun, begun + 0.1, quotes, error)


def measured(*replies, seconds=2.0, server=2.0, visitors=0.5, idle=0.5):
    """Return what a visitors' process measures."""
    values = [asdict(one) for one in replies]
    return {
        "seconds": seconds, "server": server, "visitors": visitors, "idle": idle, "peak": 700.0, "replies": values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([], (1.0, 0), id="nobody"),
        pytest.param([(0.0, 1.0), (0.2, 2.0), (0.4, 3.0)], (1.0, 0), id="as they came"),
        pytest.param([(0.4, 3.0), (0.0, 1.0), (0.2, 2.0)], (1.0, 0), id="listed in another order"),
        pytest.param([(0.0, 3.0), (0.2, 1.0), (0.4, 2.0)], (1 / 3, 2), id="the first begun last"),
        pytest.param([(0.0, 1.05), (0.2, 1.0)], (1.0, 0), id="begun at the same moment"),
        pytest.param([(0.0, 2.0), (0.05, 1.0)], (1.0, 0), id="sent at the same moment"),
        pytest.param([(0.0, 0.0), (0.2, 0.2), (5.0, 5.0)], (1.0, 0), id="never in line together"),
    ],
)
def test_order_counts_pairs_that_waited_together(times, expected):
    """Whoever is sent first is begun first; what one loop sends at one moment has no order."""
    assert order([reply(*one) for one in times]) == expected


def test_figures_are_ratios_to_the_processor_time_of_the_same_run():
    """Half of the machine's cores busy is a ratio of a half, whatever an answer costs."""
    cores = os.cpu_count()
    load = measured(reply(0.0, 0.1), reply(0.0, 0.3), server=1.0 * cores, visitors=0.2, idle=0.3)
    found = figures([2], [load], measured(reply(0.0, 0.1)))
    (at_two,) = found.loads
    assert (found.cores, found.different_answers, found.faults) == (cores, 1, ())
    assert at_two.throughput_ratio == pytest.approx(0.5)
    assert at_two.throughput_with_visitors_ratio == pytest.approx(0.5 + 0.1 / cores)
    assert at_two.of_what_was_left_ratio == pytest.approx((cores + 0.2) / (cores + 0.5))
    assert (at_two.answers_a_second, at_two.longest_wait_seconds) == (1.0, pytest.approx(0.5))
    assert (at_two.server_milliseconds, at_two.visitors_milliseconds) == (500.0 * cores, 100.0)
    assert (at_two.errors, at_two.wrong_answers, at_two.peak_megabytes) == (0, 0, 700.0)


@pytest.mark.parametrize(
    ("replies", "errors", "wrong", "fault"),
    [
        pytest.param([reply(0, 1), reply(0, 1, question=START, quotes=("2022",))], 0, 0, None, id="all right"),
        pytest.param([reply(0, 1, quotes=("2022",))], 0, 1, f"3 visitors: not its own answer: {FEE!r}", id="mixed up"),
        pytest.param([reply(0, 1, quotes=())], 0, 1, f"3 visitors: not its own answer: {FEE!r}", id="no quote"),
        pytest.param(
            [reply(0, 1, quotes=(), error="status 503: busy")],
            1, 0, f"3 visitors: no answer to {FEE!r}: status 503: busy", id="refused",
        ),
    ],
)  # fmt: skip
def test_an_answer_must_be_that_of_the_question_asked_alone(replies, errors, wrong, fault):
    """Its quotes are compared: who gets another's answer is told by them."""
    alone = measured(reply(0, 1), reply(0, 1, question=START, quotes=("2022",)))
    found = figures([3], [measured(*replies)], alone)
    assert (found.loads[0].errors, found.loads[0].wrong_answers) == (errors, wrong)
    assert found.faults == (() if fault is None else (fault,))
    assert found.different_answers == 2


def test_a_question_without_an_answer_where_nobody_else_asks_is_a_fault():
    """There is nothing to compare it with."""
    found = figures([1], [measured(reply(0, 1))], measured(reply(0, 1, quotes=(), error="status 500: bug")))
    assert found.faults == (f"asked alone, no answer to {FEE!r}: status 500: bug",)


def test_each_question_is_asked_once():
    """An answer that was kept from before would cost nothing."""
    with pytest.raises(EvaluationError, match=rf"ask {WARMING + 2} different questions, and there are 1\."):
        measure_visitors([FEE] * 100, lambda words: None, rounds={1: 2})


@pytest.fixture
def served(tmp_path):
    """The site over a library in memory, in this process: what tells of it is this process's number."""
    import uvicorn

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        shelf = fill(Shelf(tmp_path))
        site = uvicorn.Server(uvicorn.Config(make_app(shelf), log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=site.run, kwargs={"sockets": [listener]})
        thread.start()
        while not site.started:
            time.sleep(0.02)
        yield Server(f"http://127.0.0.1:{listener.getsockname()[1]}", os.getpid())
        site.should_exit = True
        thread.join()
        shelf.journal.close()
        shelf.pages.close()


@pytest.mark.slow
# Gradio 6.31's queue counts its events with pandas in ways that pandas 3 gives up.
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning")
def test_a_small_crowd_in_a_process_of_its_own(served):
    """Real visitors over real connections: all are answered, as they are alone, and one that fails is told of."""
    failing = "Crash: when did it start?"
    asked = [[f"Visitor {number}: {START}", f"Visitor {number}: {FEE}"] for number in range(6)]
    alone = ask_at_once(served, [[question for theirs in asked for question in theirs]])
    found = figures([6], [ask_at_once(served, [*asked, [failing]])], alone)
    (six,) = found.loads
    assert (six.questions, six.errors, six.wrong_answers, six.in_order) == (13, 1, 0, 1.0)
    (fault,) = found.faults
    assert fault.startswith(f"6 visitors: no answer to {failing!r}: status 500: ")
    assert found.different_answers == 2
    assert 0 < six.throughput_ratio <= six.throughput_with_visitors_ratio
    assert six.peak_megabytes > 50


def test_the_settings_of_the_run_are_settings_of_the_app():
    """A misspelt variable would leave the limit on."""
    assert {name.removeprefix(PREFIX).lower() for name in NO_LIMIT} <= set(Settings.model_fields)
