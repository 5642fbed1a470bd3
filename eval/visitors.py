"""Many visitors of a running app: answers a second, how long they wait, in which order, and whether all is right.

`app.py` and the visitors are processes of their own (`python -m eval.visitors load ARGUMENTS`), so that the processor
time of each can be told. The visitors ask at `POST /api/chat` over real connections, each its own questions one after
another.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx

from eval.answering import Say
from eval.app_process import Server, processor_seconds, serving
from eval.errors import EvaluationError
from eval.measures import percentile
from eval.processes import measured_apart

# Visitors at once, and how many questions each asks: the more come, the fewer, so that all together take a minute.
ROUNDS: Mapping[int, int] = {1: 20, 10: 4, 50: 2, 200: 1}
# Asked first by four visitors, so that nobody pays for what is read once.
WARMING = 12
# Above every wait that is meant to be; whoever waits longer gets an error.
PATIENCE_SECONDS = 60.0
# The visitors' process is ended after this; more than all sizes take on a busy machine.
MOST_SECONDS = 300.0
# Two that are sent within this time of each other come in no order, since one loop sends them and another reads them;
# nor do two that are begun within it: the app makes some at once, and their replies are read by one loop.
SAME_MOMENT_SECONDS = 0.1
# Its limits are for people, and all these visitors have one address.
NO_LIMIT = {"ASSISTANT_QUESTIONS_PER_MINUTE": "0"}


@dataclass(frozen=True, slots=True)
class Replied:
    """One question of one visitor. Times are seconds of the visitors' clock.

    Attributes:
        asked: When the visitor wanted to know.
        sent: When the last byte of the request had left, on a new connection where there was none.
        begun: When its answer was begun: when it came, less what the answer says it took.
        came: When its reply was whole.
        quotes: What is quoted in the answer; empty where nothing is.
        error: What came instead of an answer, or None.
    """

    question: str
    asked: float
    sent: float
    begun: float
    came: float
    quotes: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """So many visitors at once.

    Attributes:
        throughput_ratio: Answers a second, over processor cores / processor time per answer of the app.
        throughput_with_visitors_ratio: The same with the visitors' own processor time, which the same cores give.
        of_what_was_left_ratio: The app's and the visitors' processor time over what other programs left of all cores:
            the share that counts where they take much. Where nothing was left it is 1 and says nothing.
        wait_p50_seconds: From sending a question to its whole answer.
        in_order: Of all pairs that were sent at different moments and waited together, the share whose answers were
            begun in that order; 1 where there was no such pair.
        overtaken: How many questions at most were begun before one that had been sent earlier.
        wrong_answers: Answers with other quotes than the question gets where nobody else asks.
        server_milliseconds: Processor time of the app per answer; `visitors_milliseconds` that of the visitors.
        peak_megabytes: Of the app, since its start.
    """

    visitors: int
    throughput_ratio: float
    throughput_with_visitors_ratio: float
    of_what_was_left_ratio: float
    answers_a_second: float
    wait_p50_seconds: float
    wait_p95_seconds: float
    longest_wait_seconds: float
    in_order: float
    overtaken: int
    errors: int
    wrong_answers: int
    questions: int
    server_milliseconds: float
    visitors_milliseconds: float
    peak_megabytes: float


@dataclass(frozen=True, slots=True)
class Visitors:
    """Many visitors at once, few first.

    Attributes:
        cores: Of this machine.
        different_answers: How many sets of quotes the questions have: what a mix-up could be seen by.
        faults: What is wrong at any speed, one sentence each.
    """

    cores: int
    loads: tuple[Load, ...]
    different_answers: int
    faults: tuple[str, ...]


def measure_visitors(
    questions: Sequence[str],
    say: Say,
    *,
    rounds: Mapping[int, int] = ROUNDS,
    corpus: Path | None = None,
    data: Path | None = None,
) -> Visitors:
    """Start the app, let so many visitors ask at once as `rounds` says, and compare with what each gets alone.

    Args:
        questions: Different ones, at least as many as are asked in all: no answer can then be one that was kept.
        rounds: How many questions each visitor asks, by the number of visitors.
        corpus: Folder of documents; the app's own choice without it.
        data: Data folder, which no other process may own; the app's own choice without it.

    Raises:
        EvaluationError: There are too few questions, the app does not start, or the system has no /proc.
    """
    wanted = WARMING + sum(visitors * each for visitors, each in rounds.items())
    questions = list(dict.fromkeys(questions))
    if len(questions) < wanted:
        raise EvaluationError(f"The visitors ask {wanted} different questions, and there are {len(questions)}.")
    if processor_seconds(os.getpid()) is None:
        raise EvaluationError("Processor time is read from /proc, which this system does not have. Use Linux.")
    # Neighbours in the set resemble each other, and the sizes are to be alike.
    random.Random(1).shuffle(questions)  # noqa: S311 - no secrets
    asked, loads = questions[:wanted], []
    say(f"visitors: {', '.join(map(str, rounds))} at once")
    with serving(corpus, data, say, settings=NO_LIMIT) as server:
        place = 0
        for visitors, each in [(4, WARMING // 4), *rounds.items()]:
            theirs = [asked[first : first + each] for first in range(place, place + visitors * each, each)]
            place += visitors * each
            loads.append(ask_at_once(server, theirs))
            say(f"visitors: {visitors} at once, {visitors * each} questions in {loads[-1]['seconds']:.1f} s")
    # Another process: what it answers was not kept from before.
    say("visitors: the same questions, one by one")
    with serving(corpus, data, say, settings=NO_LIMIT, calm=False) as server:
        alone = ask_at_once(server, [asked[WARMING:]])
    return figures([visitors for visitors in rounds], loads[1:], alone)


def ask_at_once(server: Server, questions: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return what `load` measures in a process of its own."""
    return measured_apart(
        "eval.visitors", "load", MOST_SECONDS, address=server.address, number=server.number, questions=questions
    )


def figures(visitors: Sequence[int], loads: Sequence[Mapping[str, Any]], alone: Mapping[str, Any]) -> Visitors:
    """Return the figures of what was measured, and what is wrong.

    Args:
        visitors: How many asked in each of `loads`.
        loads: What `load` returned.
        alone: The same for one visitor who asked everything.
    """
    right = {one.question: one.quotes for one in _replies(alone) if one.error is None}
    faults = [f"asked alone, no answer to {one.question!r}: {one.error}" for one in _replies(alone) if one.error]
    made = []
    for count, measured in zip(visitors, loads, strict=True):
        replies = _replies(measured)
        failed = [one for one in replies if one.error is not None]
        wrong = [one for one in replies if one.error is None and one.quotes != right.get(one.question, one.quotes)]
        faults += [f"{count} visitors: no answer to {one.question!r}: {one.error}" for one in failed]
        faults += [f"{count} visitors: not its own answer: {one.question!r}" for one in wrong]
        made.append(_load(count, measured, replies, len(failed), len(wrong)))
    return Visitors(os.cpu_count() or 1, tuple(made), len(set(right.values())), tuple(faults))


def _replies(measured: Mapping[str, Any]) -> list[Replied]:
    return [Replied(**{**values, "quotes": tuple(values["quotes"])}) for values in measured["replies"]]


def _load(count: int, measured: Mapping[str, Any], replies: Sequence[Replied], failed: int, wrong: int) -> Load:
    seconds, cores = measured["seconds"], os.cpu_count() or 1
    ours, theirs = measured["server"], measured["visitors"]
    waits = [one.came - one.asked for one in replies]
    in_order, overtaken = order([one for one in replies if one.error is None])
    return Load(
        visitors=count,
        throughput_ratio=ours / (cores * seconds),
        throughput_with_visitors_ratio=(ours + theirs) / (cores * seconds),
        of_what_was_left_ratio=(ours + theirs) / max(ours + theirs + measured["idle"], 1e-9),
        answers_a_second=(len(replies) - failed) / seconds,
        wait_p50_seconds=percentile(waits, 0.5) or 0.0,
        wait_p95_seconds=percentile(waits, 0.95) or 0.0,
        longest_wait_seconds=max(waits),
        in_order=in_order,
        overtaken=overtaken,
        errors=failed,
        wrong_answers=wrong,
        questions=len(replies),
        server_milliseconds=1000 * ours / len(replies),
        visitors_milliseconds=1000 * theirs / len(replies),
        peak_megabytes=measured["peak"],
    )


def order(replies: Sequence[Replied]) -> tuple[float, int]:
    """Return the share of pairs that were begun as they were sent, and by how many one was overtaken at most.

    Only pairs count that were in line together, sent at different moments: the second one before the first was begun.
    """
    pairs = right = 0
    overtaken: Counter[int] = Counter()
    ordered = sorted(replies, key=lambda one: one.sent)
    for (place, first), (_, second) in combinations(enumerate(ordered), 2):
        if first.sent + SAME_MOMENT_SECONDS <= second.sent < first.begun:
            pairs += 1
            right += first.begun <= second.begun + SAME_MOMENT_SECONDS
            overtaken[place] += first.begun > second.begun + SAME_MOMENT_SECONDS
    return (right / pairs if pairs else 1.0), max(overtaken.values(), default=0)


# --- the visitors, in a process of their own ---------------------------------------------------------------------


def load(address: str, number: int, questions: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Let visitors ask at once, each its own questions one after another; return their replies and what it took.

    Args:
        number: The app's process.
        questions: Those of each visitor.
    """
    return asyncio.run(_load_of(address, number, questions))


async def _load_of(address: str, number: int, questions: Sequence[Sequence[str]]) -> dict[str, Any]:
    everybody = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS, limits=everybody) as client:
        server, own, idle, begun = _server_seconds(number), time.process_time(), _idle_seconds(), time.perf_counter()
        replies = await asyncio.gather(*(_visitor(client, own_questions) for own_questions in questions))
        return {
            "seconds": time.perf_counter() - begun,
            "server": _server_seconds(number) - server,
            "visitors": time.process_time() - own,
            "idle": _idle_seconds() - idle,
            "peak": _peak_megabytes(number),
            "replies": [asdict(one) for own_replies in replies for one in own_replies],
        }


async def _visitor(client: httpx.AsyncClient, questions: Sequence[str]) -> list[Replied]:
    return [await _ask(client, question) for question in questions]


async def _ask(client: httpx.AsyncClient, question: str) -> Replied:
    asked = sent = time.perf_counter()

    async def look(event: str, facts: object) -> None:
        nonlocal sent
        if event == "http11.send_request_body.complete":
            sent = time.perf_counter()

    try:
        reply = await client.post("/api/chat", json={"question": question}, extensions={"trace": look})
        came = time.perf_counter()
        if reply.status_code != 200:
            return Replied(question, asked, sent, came, came, (), f"status {reply.status_code}: {reply.text[:200]}")
        answer = reply.json()["answer"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        came = time.perf_counter()
        return Replied(question, asked, sent, came, came, (), f"{type(error).__name__}: {error}")
    quotes = tuple(citation["quote"] for citation in answer["citations"])
    return Replied(question, asked, sent, came - answer["seconds"], came, quotes)


def _server_seconds(number: int) -> float:
    return processor_seconds(number) or 0.0


def _idle_seconds() -> float:
    """Return for how many seconds the machine's cores had nothing to do, since it started."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(number: int) -> float:
    status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)


if __name__ == "__main__":
    print(json.dumps({"load": load}[sys.argv[1]](**json.loads(sys.argv[2]))))
