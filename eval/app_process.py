"""`app.py` as a process of its own: started on a free port, waited for, told of by its log, and ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from eval.answering import Say
from eval.errors import EvaluationError
from eval.processes import ROOT, end

# An empty data folder is filled first; that takes minutes.
START_SECONDS, CALM_SECONDS, STOP_SECONDS = 1800.0, 300.0, 20.0


@dataclass(slots=True)
class Server:
    """A running app, and what its log told of each question of the page: when it was answered and how long it took.

    Attributes:
        number: The process's.
        answered: Time since the epoch in milliseconds, and seconds of the assistant, by question.
        last_words: The last line that it wrote.
    """

    address: str
    number: int = 0
    answered: list[tuple[float, float]] = field(default_factory=list)
    last_words: str = ""

    def listen(self, lines: Iterator[str]) -> None:
        """Read the app's log to its end; lines that are no JSON object are only kept as last words."""
        for line in lines:
            self.last_words = line.strip() or self.last_words
            try:
                facts = json.loads(line)
            except ValueError:
                continue
            if isinstance(facts, dict) and (facts.get("event"), facts.get("surface")) == ("question", "page"):
                at = datetime.fromisoformat(facts["time"]).timestamp() * 1000
                self.answered.append((at, facts["seconds"]))


@contextmanager
def serving(
    corpus: Path | None,
    data: Path | None,
    say: Say,
    *,
    settings: Mapping[str, str] | None = None,
    calm: bool = True,
) -> Iterator[Server]:
    """Start `app.py` on a free port, wait until it is ready, and end it afterwards.

    Args:
        settings: Variables of its environment.
        calm: Wait also until it has ended what it prepares behind the first visitors.

    Raises:
        EvaluationError: It ends before it is ready, with its own last words.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    chosen = [f"--{name}={value}" for name, value in (("corpus", corpus), ("data", data)) if value]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), f"--port={port}", *chosen],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ASSISTANT_LOG": "json", **(settings or {})},
    )
    assert process.stderr is not None
    server = Server(f"http://127.0.0.1:{port}", process.pid)
    listening = threading.Thread(target=server.listen, args=(process.stderr,), daemon=True)
    listening.start()
    try:
        _wait_until_ready(server, process, listening, say)
        if calm:
            _wait_until_calm(process.pid, say)
        yield server
    finally:
        end(process, STOP_SECONDS)
        listening.join()
        process.stderr.close()


def _wait_until_ready(server: Server, process: subprocess.Popen[str], listening: threading.Thread, say: Say) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < START_SECONDS:
        if process.poll() is not None:
            listening.join()
            raise EvaluationError(f"The app did not start: {server.last_words}")
        try:
            if httpx.get(f"{server.address}/ready", timeout=5).status_code == 200:
                say(f"app: ready after {time.monotonic() - begun:.0f} s")
                return
        except httpx.HTTPError:
            pass  # it does not listen yet
        time.sleep(0.2)
    raise EvaluationError(f"The app was not ready after {START_SECONDS:.0f} s. Its last words: {server.last_words}")


def _wait_until_calm(number: int, say: Say) -> None:
    """Wait until the app has ended what it prepares behind the first visitors, where the system tells its work."""
    begun, before = time.monotonic(), processor_seconds(number)
    while before is not None and time.monotonic() - begun < CALM_SECONDS:
        time.sleep(2)
        after = processor_seconds(number)
        if after is None or after - before < 0.1:
            break
        before = after
    say(f"app: its preparations took {time.monotonic() - begun:.0f} s more")


def processor_seconds(number: int) -> float | None:
    """Return the processor seconds of a process, or None where there is no such process, or no Linux to ask."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        # The clock of another process (clock_getcpuclockid(3)): /proc counts in hundredths of a second.
        return time.clock_gettime((~number << 3) | 2)
    except OSError:
        return None
