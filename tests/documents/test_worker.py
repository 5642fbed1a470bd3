"""The parsing worker: it survives every file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.documents import Limits, ParsingWorker, load_document
from assistant.documents.confinement import landlock_version
from assistant.errors import DamagedFile, LimitExceeded, NoTextFound

from . import zoo


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A file that takes many seconds to read: a table of a million cells."""
    path = tmp_path / "slow.md"
    path.write_text("| a | b |\n|---|---|\n" + "| *c* | [d](e) |\n" * 300_000)
    return path


@pytest.fixture
def greedy(tmp_path: Path) -> Path:
    """A file that at once takes twice its size: its bytes, and its characters."""
    path = tmp_path / "greedy.txt"
    path.write_bytes(b"Good words. " * 7_500_000)
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file that is read in no time."""
    path = tmp_path / "good.txt"
    path.write_text("Good words.")
    return path


@pytest.fixture(scope="module")
def shared() -> Iterator[ParsingWorker]:
    """One worker for the tests that do not kill it."""
    with ParsingWorker() as worker:
        yield worker


def test_documents_are_the_same_as_without_it(
    shared: ParsingWorker, one_of_each: dict[str, bytes], tmp_path: Path
) -> None:
    """One child reads all formats, one after the other."""
    pids = set()
    for name, raw in one_of_each.items():
        (tmp_path / name).write_bytes(raw)
        assert shared.load(tmp_path / name, name) == load_document(tmp_path / name, name, Limits())
        pids.add(shared.pid)
    assert len(pids) == 1


def test_errors_travel_with_all_their_parts(shared: ParsingWorker, tmp_path: Path) -> None:
    """Document, reason and remedy arrive."""
    (tmp_path / "x.txt").write_bytes(b"")
    with pytest.raises(NoTextFound, match=r"is empty") as caught:
        shared.load(tmp_path / "x.txt", "x.txt")
    assert (caught.value.document, caught.value.remedy) == ("x.txt", "Save or download it again")


def test_it_starts_when_it_is_needed_and_ends_with_its_block(good: Path) -> None:
    """No child before the first file, none after the last."""
    with ParsingWorker() as worker:
        assert worker.pid is None
        worker.load(good, "good.txt")
        pid = worker.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert worker.load(good, "good.txt").text == "Good words."
    worker.close()


def test_a_slow_file_is_given_up(slow: Path, good: Path) -> None:
    """After the limit the child is replaced, and the next file is read."""
    with ParsingWorker(Limits(seconds=0.7)) as worker:
        with pytest.raises(LimitExceeded, match=r"slow.md: took more than 0.7 seconds to read"):
            worker.load(slow, "slow.md")
        assert worker.pid is None
        worker.limits = Limits()
        assert worker.load(good, "good.txt").text == "Good words."


def test_a_greedy_file_is_given_up(greedy: Path, good: Path) -> None:
    """A file that needs more memory than it may is refused with that reason, long before its time is over."""
    with ParsingWorker(Limits(memory_bytes=120_000_000, seconds=600)) as worker:
        with pytest.raises(LimitExceeded, match=r"needs more than 0.1 GB of memory to read"):
            worker.load(greedy, "greedy.txt")
        assert worker.load(good, "good.txt").text == "Good words."


@pytest.mark.parametrize(
    ("death", "error", "message"),
    [
        pytest.param(signal.SIGSEGV, DamagedFile, "the program that reads it crashed on it", id="crash"),
        pytest.param(signal.SIGKILL, LimitExceeded, "GB of memory", id="the kernel's memory killer"),
    ],
)
def test_a_deadly_file_kills_only_the_child(
    slow: Path,
    good: Path,
    until: Callable[[Callable[[], object]], None],
    death: signal.Signals,
    error: type[Exception],
    message: str,
) -> None:
    """A parser that dies takes its file with it and nothing else."""
    with ParsingWorker() as worker:
        worker.load(good, "good.txt")
        pid = worker.pid
        assert pid is not None
        idle = _ticks(pid)

        def kill_at_work() -> None:
            until(lambda: _ticks(pid) > idle + 10)
            os.kill(pid, death)

        killer = threading.Thread(target=kill_at_work)
        killer.start()
        with pytest.raises(error, match=message):
            worker.load(slow, "slow.md")
        killer.join()
        assert worker.load(good, "good.txt").text == "Good words."
        assert worker.pid != pid


def _ticks(pid: int) -> int:
    """Return how long a process has worked, in ticks of 10 ms; one that waits for a file works none."""
    numbers = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(numbers[11]) + int(numbers[12])


def test_a_child_that_died_between_two_files_is_replaced(good: Path) -> None:
    """Its death is no fault of the next file."""
    with ParsingWorker() as worker:
        worker.load(good, "good.txt")
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
        assert worker.load(good, "good.txt").text == "Good words."


def test_threads_take_turns(shared: ParsingWorker, good: Path) -> None:
    """Answers never get to the wrong caller."""
    texts: list[str] = []
    paths = []
    for number in range(6):
        path = good.with_name(f"{number}.txt")
        path.write_text(f"Words of file {number}.")
        paths.append(path)
    threads = [
        threading.Thread(target=lambda each=path: texts.append(shared.load(each, each.name).text)) for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(texts) == [f"Words of file {number}." for number in range(6)]


def test_nothing_is_written_to_the_parents_output(
    shared: ParsingWorker, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What parsers grumble about stays in the child."""
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< broken")
    with pytest.raises(DamagedFile):
        shared.load(tmp_path / "x.pdf", "x.pdf")
    assert capfd.readouterr() == ("", "")


# ---- What a file that has taken the child over could do ----


def test_the_child_is_told_nothing(monkeypatch: pytest.MonkeyPatch, good: Path, tmp_path: Path) -> None:
    """No key, no proxy, no home folder, no folder of the parent's; paths are found all the same."""
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ASSISTANT_STAFF_PASSWORD", "secret")
    monkeypatch.chdir(tmp_path)
    with ParsingWorker() as worker:
        seen = worker.call(zoo.look_around, "x")
        assert worker.load(Path(good.name), "good.txt").text == "Good words."
    assert not {"OPENAI_API_KEY", "HTTPS_PROXY", "ASSISTANT_STAFF_PASSWORD", "HOME", "PATH"} & set(seen["environment"])
    assert seen["folder"] == "/"


def test_the_child_has_limits_of_its_own(shared: ParsingWorker) -> None:
    """No core files, nothing written, no processes, few files, and processor time for one file."""
    seen = shared.call(zoo.look_around, "x")
    assert seen["core"] == seen["file size"] == seen["processes"] == (0, 0)
    assert seen["files"] <= 128
    assert 0 < seen["processor"] < 120


def test_the_child_cannot_write(shared: ParsingWorker, tmp_path: Path) -> None:
    """Neither a new file nor into one that is there."""
    there = tmp_path / "there.txt"
    there.write_text("as it was")
    for path in (there, tmp_path / "new.txt"):
        with pytest.raises(DamagedFile, match=r"write failed with (PermissionError|OSError)"):
            shared.call(zoo.write, "x", str(path))
    assert not (tmp_path / "new.txt").exists() or (tmp_path / "new.txt").read_text() == ""


needs_landlock = pytest.mark.skipif(landlock_version() < 6, reason="the kernel has no Landlock, or an old one")


@needs_landlock
def test_the_child_has_no_network(shared: ParsingWorker) -> None:
    """Not even to this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(DamagedFile, match=r"call_home failed with PermissionError"):
            shared.call(zoo.call_home, "x", server.getsockname()[1])
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


@needs_landlock
def test_the_child_starts_no_program_and_leaves_others_alone(shared: ParsingWorker) -> None:
    """What it would start or signal is not its own."""
    with pytest.raises(DamagedFile, match=r"start_a_program failed with (PermissionError|BlockingIOError)"):
        shared.call(zoo.start_a_program, "x")
    with pytest.raises(DamagedFile, match=r"look_for_a_process failed with PermissionError"):
        shared.call(zoo.look_for_a_process, "x", os.getpid())


def test_an_answer_is_plain_values(tmp_path: Path, good: Path) -> None:
    """What would run something where it is taken apart is not taken apart."""
    with ParsingWorker() as worker:
        with pytest.raises(DamagedFile, match=r"the program that reads it crashed on it"):
            worker.call(zoo.answer_with_a_trap, "x", str(tmp_path / "planted"))
        assert not (tmp_path / "planted").exists()
        assert worker.load(good, "good.txt").text == "Good words."


def test_the_child_ends_with_its_parent(until: Callable[[Callable[[], object]], None]) -> None:
    """Even in the middle of a file, and however the parent ended."""
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import os, threading\n"
        "from assistant.documents import ParsingWorker\n"
        f"from {zoo.__name__} import look_around, work_on\n"
        "worker = ParsingWorker()\n"
        "worker.call(look_around, 'x')\n"
        "print(worker.pid, flush=True)\n"
        "worker.call(work_on, 'x', 25.0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        idle = _ticks(pid)
        until(lambda: _ticks(pid) > idle + 2)
        parent.kill()
    until(lambda: not _is_running(pid))


def _is_running(pid: int) -> bool:
    """Tell whether a process is there and has not ended; an orphan may wait for somebody to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_processor_time_ends_a_file_when_nobody_else_does(good: Path) -> None:
    """The kernel counts too, and the verdict is the same."""
    with ParsingWorker(Limits(seconds=600)) as worker:
        with pytest.raises(LimitExceeded, match=r"took more than 600 seconds"):
            worker.call(zoo.work_without_time, "x")
        assert worker.load(good, "good.txt").text == "Good words."
