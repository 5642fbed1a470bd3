"""Who owns a data folder, and whom a client may trust with its work."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from pathlib import Path

import pytest

from assistant.errors import AssistantError, DataFolderError, FolderOwned, UsageError
from assistant.store.owner import ADDRESS_NAME, FolderLock, HandOver, Owner, is_owned

HOLD = """
import sys
from pathlib import Path
from assistant.store.owner import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def held_by_another(start, tmp_path):
    """The data folder, locked by another process."""
    process = start(HOLD, tmp_path)
    assert process.stdout.readline() == "locked\n"
    return process


@pytest.fixture
def hand_over(tmp_path):
    """Let this process own the folder and do work, as an app does."""
    opened = []

    def own(work=lambda request, progress: {"done": request}) -> HandOver:
        opened.extend([FolderLock(tmp_path), HandOver(tmp_path, work)])
        return opened[1]

    yield own
    if opened:
        opened[1].close()
        opened[0].release()


def test_a_second_process_cannot_take_the_lock(held_by_another, tmp_path):
    """One process owns a data folder; the other is told so."""
    assert is_owned(tmp_path)
    with pytest.raises(FolderOwned, match=r"is in use by another process.*--data"):
        FolderLock(tmp_path)


@pytest.mark.parametrize("end", ["kill", "terminate", "leave"])
def test_the_lock_ends_with_its_process(held_by_another, tmp_path, end):
    """However the owner ends, the folder is free, with nothing to clean up."""
    if end == "leave":
        held_by_another.communicate("go\n")
    else:
        getattr(held_by_another, end)()
    held_by_another.wait()
    assert not is_owned(tmp_path)
    FolderLock(tmp_path).release()


def test_the_lock_is_given_back(tmp_path):
    """A released folder can be taken again, and releasing twice is no error."""
    with FolderLock(tmp_path / "new" / "folder") as lock:
        assert is_owned(tmp_path / "new" / "folder")
    lock.release()
    assert not is_owned(tmp_path / "new" / "folder")
    assert not is_owned(tmp_path / "never there")


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nowhere"])
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, place):
    """A file where the folder should be, or a place where none can be made, is named with the remedy."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(DataFolderError, match=r"data folder .* cannot be used .*--data"):
        FolderLock(tmp_path / place)


def test_the_address_is_for_the_user_alone(hand_over, tmp_path):
    """The file with the token can be read by nobody else, and goes with its owner."""
    opened = hand_over()
    file = tmp_path / ADDRESS_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    opened.close()
    assert not file.exists()


def test_closing_waits_for_nothing(tmp_path):
    """A closed hand-over listens no more, also where nobody ever called it; closing twice is no error."""
    opened = HandOver(tmp_path, lambda request, progress: {})
    address = opened._server.server_address
    opened.close()
    assert not opened._thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=60)
    opened.close()


def test_an_address_file_of_others_is_replaced(tmp_path):
    """A file that somebody put there before, readable for all, is not written into."""
    (tmp_path / ADDRESS_NAME).write_text("{}", encoding="utf-8")
    (tmp_path / ADDRESS_NAME).chmod(0o644)
    opened = HandOver(tmp_path, lambda request, progress: {})
    assert (tmp_path / ADDRESS_NAME).stat().st_mode & 0o777 == 0o600
    opened.close()


def test_work_is_done_by_the_owner(hand_over, tmp_path):
    """The request arrives as it was sent, progress comes back on the way, and then the result."""

    def work(request, progress):
        for number in range(3):
            progress({"number": number})
        return {"request": request}

    hand_over(work)
    seen = []
    assert Owner(tmp_path).do({"paths": ["æ"]}, seen.append) == {"request": {"paths": ["æ"]}}
    assert seen == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_the_owners_error_is_the_clients(hand_over, tmp_path, caplog):
    """What the owner refuses is said in its words and with its class; a crash of the owner's work shows no details."""
    raised = [UsageError("No such path."), FolderOwned("Busy."), RuntimeError("a secret")]
    hand_over(lambda request, progress: (_ for _ in ()).throw(raised[request["number"]]))
    owner = Owner(tmp_path)
    with pytest.raises(UsageError, match=r"^No such path\.$"):
        owner.do({"number": 0}, print)
    with pytest.raises(AssistantError, match=r"^Busy\.$"):
        owner.do({"number": 1}, print)
    with pytest.raises(AssistantError, match=r"^The app met an unexpected error; its log names it\.$"):
        owner.do({"number": 2}, print)
    assert "a secret" in caplog.text


@pytest.mark.parametrize("token", ["", "Bearer wrong", "Bearer ", "Bearer å", "Basic eDp5"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_token_is_refused(hand_over, tmp_path, token, method):
    """Without the token nobody learns the instance or gets anything done."""
    done = []
    hand_over(lambda request, progress: done.append(request) or {})
    port = json.loads((tmp_path / ADDRESS_NAME).read_text())["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, "/ingest", body="{}", headers={"Authorization": token.encode()} if token else {})
    with connection.getresponse() as response:
        assert response.status == 403
    connection.close()
    assert done == []


def test_it_listens_on_this_machine_only(hand_over):
    """The owner's port is on the loopback address."""
    assert hand_over()._server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no file"),
        pytest.param("", id="empty"),
        pytest.param("[]", id="not an object"),
        pytest.param('{"port": 1, "token": "t", "instance": "i"}', id="nobody listens"),
        pytest.param('{"port": "x", "token": "t", "instance": "i"}', id="no port"),
    ],
)
def test_a_bad_address_is_not_trusted(held_by_another, tmp_path, content):
    """A folder that is owned by somebody who takes no work is said to be in use."""
    if content is not None:
        (tmp_path / ADDRESS_NAME).write_text(content, encoding="utf-8")
    with pytest.raises(FolderOwned, match=r"in use by another process that takes no work"):
        Owner(tmp_path)


def test_a_stale_address_is_not_trusted(hand_over, tmp_path):
    """An app that listens but does not hold the lock any more gets no work."""
    opened = HandOver(tmp_path, lambda request, progress: {})
    with pytest.raises(FolderOwned):
        Owner(tmp_path)
    opened.close()


def test_another_instance_is_not_trusted(hand_over, tmp_path):
    """Whoever listens on the port of the file must be the one who wrote the file."""
    hand_over()
    file = tmp_path / ADDRESS_NAME
    address = json.loads(file.read_text())
    file.write_text(json.dumps({**address, "instance": "somebody else"}))
    with pytest.raises(FolderOwned):
        Owner(tmp_path)


def test_somebody_elses_server_is_not_trusted(held_by_another, tmp_path):
    """A port that another program has taken over meanwhile, and that answers nonsense, is not the owner."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        address = {"port": server.getsockname()[1], "token": "t", "instance": "i"}
        (tmp_path / ADDRESS_NAME).write_text(json.dumps(address))
        with pytest.raises(FolderOwned):
            Owner(tmp_path)
        thread.join()


def test_work_goes_on_when_the_client_leaves(hand_over, tmp_path, until):
    """A client that hangs up stops watching, not the work."""
    finished = threading.Event()

    def work(request, progress):
        for _ in range(20):
            progress({"filler": "x" * 10_000})
            time.sleep(0.01)
        finished.set()
        return {}

    hand_over(work)

    def leave(event):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Owner(tmp_path).do({}, leave)
    assert finished.wait(60)


def test_an_owner_that_is_lost_is_said_so(start, tmp_path):
    """An owner that dies midway leaves a clear sentence, and the same command can be run again."""
    process = start(
        """
import sys, os
from pathlib import Path
from assistant.store.owner import FolderLock, HandOver
lock = FolderLock(Path(sys.argv[1]))
def work(request, progress):
    progress({"first": 1})
    os._exit(1)
HandOver(Path(sys.argv[1]), work)
print("ready", flush=True)
sys.stdin.readline()
""",
        tmp_path,
    )
    assert process.stdout.readline() == "ready\n"
    seen = []
    with pytest.raises(
        AssistantError, match=r"lost before the work was done. Run the same command again; nothing is lost"
    ):
        Owner(tmp_path).do({}, seen.append)
    assert seen == [{"first": 1}]
    assert Path(tmp_path / ADDRESS_NAME).exists()
    with pytest.raises(FolderOwned):
        Owner(tmp_path)
