"""How soon the app answers: its health address, its page, and the first question on the page, from the process's start.

What it is compared to, the import of the two libraries that a web service in Python cannot do without, runs beside it
in processes of its own, in turn with the app, so that a busy minute hits both.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

from eval.answering import Say
from eval.errors import EvaluationError
from eval.page_crowd import protocol_visitor
from eval.processes import ROOT, end

IMPORT_LINE = "import fastapi, uvicorn"
# Any question will do: what counts is that the page gets an answer at all.
QUESTION = "What does the programme cost?"
# How often the address is tried while nobody listens: often enough for the result, too seldom to slow the start.
LOOK_SECONDS = 0.005
START_SECONDS, STOP_SECONDS = 300.0, 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """Fresh processes to the first answer of the health address, over fresh processes that import and say so.

    Attributes:
        ratio: Median of what each repeat gives; the page is mounted later in the same process.
        health_seconds: From the start of the process to the whole answer; medians, as the three that follow.
        page_seconds: To the line that says the page is there.
        answer_seconds: To the answer to a first question on that page, which waits for the models.
    """

    ratio: float
    health_seconds: float
    imports_seconds: float
    import_line: str
    page_seconds: float
    answer_seconds: float
    repeats: int


@dataclass(frozen=True, slots=True)
class _Start:
    """One start of the app: seconds from the start of its process."""

    health: float
    page: float
    answer: float


def measure_health(repeats: int, corpus: Path, data: Path, say: Say) -> Health:
    """Start the app over a data folder again and again, in turn with bare imports; each time ask on its page.

    Args:
        corpus: The folder of documents.
        data: A data folder that has read it: what the app would do first is no part of this.

    Raises:
        EvaluationError: The app ends before it is ready, or a question on its page fails.
    """
    imported, starts = [], []
    for repeat in range(repeats):
        say(f"health: repeat {repeat + 1} of {repeats}")
        imported.append(_import_seconds())
        starts.append(_start(corpus, data))
    return Health(
        ratio=median(start.health / bare for start, bare in zip(starts, imported, strict=True)),
        health_seconds=median(start.health for start in starts),
        imports_seconds=median(imported),
        import_line=IMPORT_LINE,
        page_seconds=median(start.page for start in starts),
        answer_seconds=median(start.answer for start in starts),
        repeats=repeats,
    )


def _import_seconds() -> float:
    """Return the time from the start of a process until it has imported; its end is not waited for, nor the app's."""
    begun = time.perf_counter()
    command = [sys.executable, "-c", f"{IMPORT_LINE}; print('there', flush=True)"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - begun
    if not line:
        raise EvaluationError(f"{IMPORT_LINE} fails in a process of its own.")
    return seconds


def _start(corpus: Path, data: Path) -> _Start:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), f"--port={port}", f"--corpus={corpus}", f"--data={data}"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            _wait_for_health(process, port, begun, errors)
            health = time.perf_counter() - begun
            _wait_for_page(process, errors)
            page = time.perf_counter() - begun
            asyncio.run(_ask(f"http://127.0.0.1:{port}"))
            answer = time.perf_counter() - begun
        finally:
            end(process, STOP_SECONDS)
            assert process.stdout is not None
            process.stdout.close()
    return _Start(health, page, answer)


def _wait_for_health(process: subprocess.Popen[str], port: int, begun: float, errors: IO[str]) -> None:
    while time.perf_counter() - begun < START_SECONDS:
        if process.poll() is not None:
            raise EvaluationError(f"The app did not start: {_last_line(errors)}")
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)) as connection:
                connection.request("GET", "/health")
                response = connection.getresponse()
                response.read()
        except OSError:  # nobody listens yet
            time.sleep(LOOK_SECONDS)
            continue
        if response.status != 200:
            raise EvaluationError(f"The health address answered {response.status}.")
        return
    raise EvaluationError(f"The health address did not answer within {START_SECONDS:.0f} s.")


def _wait_for_page(process: subprocess.Popen[str], errors: IO[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if " is ready: " in line:
            return
    raise EvaluationError(f"The app ended before its page was there: {_last_line(errors)}")


async def _ask(address: str) -> None:
    """Ask on the page, as it asks, and see that an answer comes."""
    async with protocol_visitor(address) as visitor:
        told = await visitor.ask(QUESTION)
    if told.error or told.shown is None or told.shown.failed:
        raise EvaluationError(f"The page did not answer its first question: {told.error or 'it showed none'}.")


def _last_line(errors: IO[str]) -> str:
    errors.seek(0)
    return (errors.read().strip().splitlines() or ["it said nothing"])[-1]
