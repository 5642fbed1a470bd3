"""The server: where it listens, that it changes its site while it runs, and how it stops."""

from __future__ import annotations

import http.client
import logging
import signal
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from assistant.errors import AssistantError
from assistant.web.serving import Serving

ROOT = Path(__file__).parents[2]


class Readers:
    """What makes answers: here, nothing ever."""

    idle = True


async def first(scope, receive, send):
    """Answer while there is nothing else."""
    await PlainTextResponse("first")(scope, receive, send)


def site(told, lifespan_fails=False):
    """Return a site that tells when it starts and ends, and takes its time where it is asked to."""

    @asynccontextmanager
    async def lifespan(app):
        told.append("begun")
        if lifespan_fails:
            raise ValueError("no queue")
        yield
        told.append("ended")

    app = Starlette(lifespan=lifespan)
    app.add_route("/", lambda request: PlainTextResponse("second"))
    return app


def test_it_changes_its_site_while_it_runs():
    """A connection that is open already meets the new site; its lifespan is entered before and left at the end."""
    told = []
    with Serving(first, "127.0.0.1", 0) as serving, httpx.Client(base_url=serving.address) as client:
        assert client.get("/").text == "first"
        assert told == []
        serving.hand_over(site(told), Readers())
        assert told == ["begun"]
        assert client.get("/").text == "second"
    assert told == ["begun", "ended"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(serving.address)


def test_what_is_being_answered_goes_on():
    """A request that the first site has taken gets its answer from there."""
    taken, may_go_on = threading.Event(), threading.Event()

    async def slow(scope, receive, send):
        import asyncio

        taken.set()
        await asyncio.to_thread(may_go_on.wait, 20)
        await first(scope, receive, send)

    with Serving(slow, "127.0.0.1", 0) as serving:
        answers = []
        asking = threading.Thread(target=lambda: answers.append(httpx.get(serving.address, timeout=20).text))
        asking.start()
        assert taken.wait(20)
        serving.hand_over(site([]), Readers())
        assert httpx.get(serving.address).text == "second"
        may_go_on.set()
        asking.join()
    assert answers == ["first"]


@pytest.fixture
def uvicorn_log(caplog, monkeypatch):
    """What uvicorn logs, whatever other servers of this process have set: its loggers are the process's."""
    for name in ("uvicorn", "uvicorn.error"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        caplog.set_level(logging.INFO, logger=name)
    return caplog


def test_a_site_that_does_not_start_is_not_served(uvicorn_log):
    """Whoever hands it over hears of it; the first one goes on answering."""
    told = []
    with Serving(first, "127.0.0.1", 0) as serving:
        with pytest.raises(RuntimeError, match="could not be started"):
            serving.hand_over(site(told, lifespan_fails=True), Readers())
        assert httpx.get(serving.address).text == "first"
    assert told == ["begun"]
    assert "no queue" in uvicorn_log.text


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:", id="this machine"),
        pytest.param("0.0.0.0", "http://127.0.0.1:", id="every address"),
        pytest.param("localhost", "http://localhost:", id="a name"),
    ],
)
def test_the_address_opens_in_a_browser_on_this_machine(host, shown):
    """Also where it listens everywhere; port 0 is any free one."""
    with Serving(first, host, 0) as serving:
        assert serving.address.startswith(shown)
        assert httpx.get(serving.address).text == "first"


def test_a_busy_port_is_one_clear_sentence():
    """Nobody needs a traceback to choose another port; nothing is started before."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssistantError, match=rf"Port {port} is in use .* choose another with --port"):
            Serving(first, "127.0.0.1", port)


def test_an_address_of_another_machine_is_one_clear_sentence():
    """As is a host that is not ours."""
    with pytest.raises(AssistantError, match="--host"):
        Serving(first, "192.0.2.1", 0)


SERVE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
conftest.serve(conftest.make_app(conftest.fill(conftest.Shelf(Path(sys.argv[2])))))
print("stopped")
"""


@pytest.mark.slow
def test_the_server_stops_while_a_page_is_open(tmp_path):
    """Open pages are hung up on, since their streams would never end."""
    arguments = [sys.executable, "-c", SERVE, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline().rpartition(":")[2])
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as page:
                page.request("GET", "/gradio_api/heartbeat/abc")
                stream = page.getresponse()
                assert stream.status == 200
                process.send_signal(signal.SIGINT)
                with suppress(http.client.IncompleteRead):
                    stream.read()
            out, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert out == "stopped\n"
    assert "Traceback" not in errors
    assert "Cancel" not in errors
    assert process.returncode == 0
