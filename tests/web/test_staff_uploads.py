"""Receiving files: part by part into a folder, with limits that hold while they come."""

from __future__ import annotations

import resource
import threading
from http.client import HTTPConnection

import fastapi
import pytest
import uvicorn
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from assistant.web.staff_uploads import UploadLimits, UploadRefused, receive

LIMITS = UploadLimits(file_bytes=1000, request_bytes=5000, files=3)
NAMES = [
    pytest.param("rapport & notat.pdf", id="plain"),
    pytest.param("../../etc/passwd", id="a way up"),
    pytest.param("Vår søknad – utkast.docx", id="not ASCII"),
    pytest.param('<img src=x onerror="alert(1)">.md', id="markup with quotes"),
    pytest.param("a" * 300 + ".txt", id="300 characters"),
    pytest.param("\u202efdp.exe", id="right to left"),
]


@pytest.fixture
def folder(tmp_path):
    """Where files are put; it does not exist yet."""
    return tmp_path / "uploads"


@pytest.fixture
def client(folder):
    """A site that says what it received."""
    app = fastapi.FastAPI()

    @app.post("/upload")
    async def upload(request: fastapi.Request) -> JSONResponse:
        try:
            received = await receive(request, folder, LIMITS)
        except UploadRefused as refused:
            return JSONResponse({"word": refused.word}, refused.status)
        files = [
            {"name": file.name, "refusal": file.refusal, "content": file.path.read_text() if file.path else None}
            for file in received.files
        ]
        return JSONResponse({"fields": dict(received.fields), "files": files})

    return TestClient(app)


def left_in(folder):
    """Return what lies in the folder."""
    return list(folder.iterdir()) if folder.exists() else []


def send(client, *files, **fields):
    """Send files as a browser does."""
    return client.post("/upload", data=fields, files=[("file", (name, content)) for name, content in files])


def test_fields_and_files_arrive_as_they_were(client, folder):
    """The first value of each field; each file under a random name that nobody else can read."""
    reply = send(client, ("a.txt", b"one"), ("b.txt", "två\r\n--x\r\n".encode()), purpose="draft").json()
    assert reply["fields"] == {"purpose": "draft"}
    assert [(file["name"], file["content"]) for file in reply["files"]] == [("a.txt", "one"), ("b.txt", "två\n--x\n")]
    lying = left_in(folder)
    assert len(lying) == 2
    assert not {file.name for file in lying} & {"a.txt", "b.txt"}
    assert {oct(file.stat().st_mode)[-3:] for file in lying} == {"600"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_kept_as_text_and_never_is_a_path(client, folder, name):
    """What lies in the folder has a name of ours, whatever the browser said."""
    reply = send(client, (name, b"x")).json()
    # A browser writes quotes so; whoever takes the file cleans the name.
    assert reply["files"][0]["name"].replace("\\", "") == name.replace("\\", "")
    assert [len(file.name) for file in left_in(folder)] == [32]
    assert left_in(folder)[0].parent == folder


def test_one_bad_file_does_not_stop_the_others(client, folder):
    """Too large and empty files are named; what they had written is gone."""
    reply = send(client, ("large.pdf", b"x" * 1001), ("empty.pdf", b""), ("good.pdf", b"x" * 1000)).json()
    assert [(file["name"], file["refusal"]) for file in reply["files"]] == [
        ("large.pdf", "file_too_large"),
        ("empty.pdf", "file_empty"),
        ("good.pdf", None),
    ]
    assert [file.stat().st_size for file in left_in(folder)] == [1000]


def test_a_field_for_files_in_which_none_was_chosen_is_no_file(client):
    """Browsers send it with an empty name."""
    raw = b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--x--\r\n'
    reply = client.post("/upload", content=raw, headers={"content-type": "multipart/form-data; boundary=x"})
    assert reply.json()["files"] == []


@pytest.mark.parametrize(
    ("files", "word"),
    [
        pytest.param([(f"{number}.txt", b"x") for number in range(4)], "upload_too_many", id="too many files"),
        pytest.param([(f"{number}.txt", b"x" * 2500) for number in range(3)], "upload_too_much", id="too much"),
    ],
)
def test_a_request_beyond_the_limits_leaves_nothing(client, folder, files, word):
    """Not even the files that had arrived."""
    reply = send(client, *files)
    assert (reply.status_code, reply.json()["word"]) == (413, word)
    assert left_in(folder) == []


def test_the_limit_holds_for_a_body_that_does_not_say_how_long_it_is(client, folder):
    """It is read no further than that."""
    read = 0

    def body():
        nonlocal read
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(1000):
            read += 500
            yield b"y" * 500

    reply = client.post("/upload", content=body(), headers={"content-type": "multipart/form-data; boundary=x"})
    assert (reply.status_code, reply.json()["word"]) == (413, "upload_too_much")
    assert left_in(folder) == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "word"),
    [
        pytest.param(b"file=x", "application/x-www-form-urlencoded", 415, "upload_no_form", id="another form"),
        pytest.param(b"{}", "multipart/form-data", 415, "upload_no_form", id="no boundary"),
        pytest.param(b"nothing", "multipart/form-data; boundary=x", 400, "upload_broken", id="no parts"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
            "multipart/form-data; boundary=x", 400, "upload_broken", id="cut off",
        ),
        pytest.param(b"--x\r\n" + b"a" * 20_000, "multipart/form-data; boundary=x", 413, "upload_too_much", id="noise"),
        pytest.param(
            b"--x\r\nContent-Disposition: form-data; name=f\r\nX-Long: " + b"a" * 4900,
            "multipart/form-data; boundary=" + "x" * 300, 400, "upload_broken", id="a boundary too long",
        ),
    ],
)  # fmt: skip
def test_what_is_no_form_with_files_is_refused(client, folder, content, kind, status, word):
    """With the key of a sentence, and nothing is left behind."""
    reply = client.post("/upload", content=content, headers={"content-type": kind})
    assert (reply.status_code, reply.json()["word"]) == (status, word)
    assert left_in(folder) == []


def test_a_visitor_who_leaves_in_the_middle_leaves_nothing(folder):
    """A connection that breaks off is not a file."""
    app, ended = fastapi.FastAPI(), threading.Event()
    limits = UploadLimits()

    @app.post("/upload")
    async def upload(request: fastapi.Request) -> None:
        try:
            await receive(request, folder, limits)
        finally:
            ended.set()

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        connection = HTTPConnection("127.0.0.1", port)
        connection.putrequest("POST", "/upload")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        connection.send(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"y" * 200_000)
        while not left_in(folder):
            threading.Event().wait(0.01)
        connection.close()
        assert ended.wait(10)
        assert left_in(folder) == []
    finally:
        server.should_exit = True
        thread.join()


def test_a_full_disk_is_a_sentence_about_the_file(client, folder):
    """The process may write files of 100 bytes only, which the system reports as it does a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        reply = send(client, ("a.txt", b"x" * 900), ("b.txt", b"short"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file["refusal"] for file in reply.json()["files"]] == ["disk_full", None]
    assert [file.stat().st_size for file in left_in(folder)] == [5]
