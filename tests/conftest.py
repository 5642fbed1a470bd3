"""A tiny real corpus, the real bundled model, and assistants over them in the test's own folder."""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from assistant.build import Assistant
from assistant.build import runtime_cache as runtime_cache_of
from assistant.domain import Chunk, Document, Heading, Language, Metadata, Section, version_of
from assistant.index.embedding import ModelEmbedder
from assistant.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parent.parent
TEST_DATA = "ASSISTANT_TEST_DATA"

# Sentences that nobody else would write, so that a test can ask for them.
MENTORS = """\
---
title: Mentors of the harbour programme
language: en
publisher: The Harbour Office
published: 2024-03
---

# Mentors of the harbour programme

Every company meets the heron, a mentor who has sold three hearing devices in Ohio.

## Costs

The walrus fee is 4,711 dollars per company. It is paid in October.

- A tide table for every founder
- One pair of rubber boots
"""
LIGHTHOUSE = """\
Fyrtårnet i Bodø

Fyrvokteren i Bodø serverer vafler til alle gründere hver torsdag. Vaflene koster 25 kroner.
"""
HARBOUR_PAGES = (
    ["Harbour report", "", "The harbour counted 812 puffins in the spring of 2023."],
    ["Second page of the report", "", "Insurers in Texas repaid the cost of forty umbrellas."],
)


# ---- The session ----


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clear what the caller's environment chooses, and see that no test moves to another folder for good."""
    for name in list(os.environ):
        if name.startswith("ASSISTANT_") and name != TEST_DATA:
            monkeypatch.delenv(name)
    before = Path.cwd()
    yield
    monkeypatch.undo()
    assert Path.cwd() == before, "the test left its working directory"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_interrupts() -> None:
    """Let Ctrl-C end the processes that tests start, also where a shell runs the tests in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of shared documents that ASSISTANT_TEST_DATA names; skips where it is unset."""
    folder = os.environ.get(TEST_DATA)
    if not folder:
        pytest.skip(f"{TEST_DATA} is unset")
    return Path(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process of several waits for it at the end."""
    items.sort(key=lambda item: "own_data" not in getattr(item, "fixturenames", ()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line how many tests did not run for want of the shared documents."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if TEST_DATA in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} tests skipped because {TEST_DATA} is unset")


@pytest.fixture(scope="session", autouse=True)
def runtime_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache folder of the whole session, with the fast form of the bundled model, made once.

    Every process that a test starts finds it, as on a machine where the app has run before. Where it has, on this
    machine, its fast form is taken.
    """
    own = runtime_cache_of(Settings())
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CACHE_HOME", str(shared / "cache"))
        folder = runtime_cache_of(Settings())
        with (shared / "runtime.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if own.is_dir() and not folder.exists():
                shutil.copytree(own, folder)
            assert ModelEmbedder(exports=folder).make_export(), "the fast form of the model does not agree"
        yield folder


@pytest.fixture(scope="session")
def embedder(runtime_cache: Path) -> ModelEmbedder:
    """The bundled model, loaded once."""
    model = ModelEmbedder(exports=runtime_cache)
    model.embed(["ready"])
    return model


# ---- The corpus ----


@pytest.fixture(scope="session")
def two_page_pdf() -> bytes:
    """A real PDF of two pages."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1)
    for lines in HARBOUR_PAGES:
        for number, line in enumerate(lines):
            canvas.setFont("Helvetica", 11)
            canvas.drawString(72, 760 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.fixture
def corpus(tmp_path: Path, two_page_pdf: bytes) -> Path:
    """Three documents: Markdown with front matter, Norwegian text, and a PDF of two pages."""
    return write_corpus(tmp_path / "corpus", two_page_pdf)


def write_corpus(folder: Path, pdf: bytes) -> Path:
    """Write the three documents, and return their folder."""
    for name, content in {
        "programme/mentors.md": MENTORS.encode(),
        "notes/lighthouse.txt": LIGHTHOUSE.encode(),
        "reports/harbour.pdf": pdf,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder that does not exist yet."""
    return tmp_path / "data"


# ---- Assistants ----


@pytest.fixture
def open_over(corpus: Path, data: Path) -> Iterator[Callable[..., Assistant]]:
    """Open assistants over the tiny corpus (or another), and close them at the end.

    With `warm` the model is loaded first, so that no worker process has to be started for a few texts.
    """
    opened: list[Assistant] = []

    def open_one(*, warm: bool = True, **settings: object) -> Assistant:
        assistant = Assistant(read_settings(**{"corpus": corpus, "data": data, "ingest_threads": 1, **settings}))
        opened.append(assistant)
        if warm:
            assistant.warm_up()
        return assistant

    yield open_one
    for assistant in opened:
        assistant.close()


@pytest.fixture(scope="session")
def read_data(two_page_pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an assistant that has read the tiny corpus and was closed; for copies."""
    folder = tmp_path_factory.mktemp("read")
    settings = read_settings(corpus=write_corpus(folder / "corpus", two_page_pdf), data=folder / "data")
    with Assistant(settings) as assistant:
        assistant.warm_up()
        assistant.sync()
    return folder / "data"


@pytest.fixture
def synced(open_over: Callable[..., Assistant], read_data: Path, data: Path) -> Assistant:
    """An assistant that has read the tiny corpus."""
    shutil.copytree(read_data, data)
    return open_over()


@pytest.fixture(scope="session")
def own_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an assistant that has read this repository's corpus and was closed; for copies.

    This takes longest of all, so it is made once, also where several processes share the tests.
    """
    folder, threads = tmp_path_factory.getbasetemp(), 0
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder, threads = folder.parent, 1  # the other processors are at work
    made, making = folder / "own-data", folder / "own-data-in-the-making"
    with (folder / "own-data.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            settings = read_settings(corpus=ROOT / "corpus", data=making, ingest_threads=threads)
            with Assistant(settings) as assistant:
                assert not assistant.sync().failed
            making.rename(made)
    return made


@pytest.fixture(scope="session")
def found_in() -> Callable[[Assistant, str], list[str]]:
    """Return the ids of the documents that a question's hits come from, best first."""

    def ask(assistant: Assistant, question: str) -> list[str]:
        return list(dict.fromkeys(hit.chunk.document_id for hit in assistant.ask(question).hits))

    return ask


@pytest.fixture(scope="session")
def consistent() -> Callable[[Assistant], bool]:
    """Return whether both indexes hold exactly the chunks that may answer, all of them with vectors."""

    def check(assistant: Assistant) -> bool:
        library, index = assistant._library, assistant._index
        wanted = library.current_chunk_ids()
        assert index.lexical.ids() == wanted
        assert index.vectors.ids() == wanted
        assert all(now.embedded for now in library.current.values())
        return True

    return check


# ---- Documents and chunks without files ----


@pytest.fixture(scope="session")
def make_document() -> Callable[..., Document]:
    """Return a document from blocks; `# ` opens a heading, and each inner list is a section of its own."""

    def make(*sections: Sequence[str], id_: str = "made.md", language: Language = "en") -> Document:
        text, headings, made = "", [], []
        for blocks in sections:
            start = len(text)
            for block in blocks:
                words = block.lstrip("#").lstrip(" ") if block.startswith("#") else block
                if words is not block:
                    headings.append(Heading(len(text), len(text) + len(words), len(block) - len(block.lstrip("#"))))
                text += f"{words}\n\n"
            made.append(Section(start, len(text), "A made title", language))
        return Document(
            id_,
            "A made title",
            text,
            tuple(made),
            version_of(text.encode(), Metadata(), text),
            headings=tuple(headings),
        )

    return make


@pytest.fixture(scope="session")
def make_chunk() -> Callable[..., Chunk]:
    """Return a chunk that is a whole document."""

    def make(text: str, *, id_: str = "a.md", language: Language = "en", title: str = "", ordinal: int = 0) -> Chunk:
        version = version_of(text.encode(), Metadata(), text)
        chunk_id = f"{id_}:{version[:16]}:{ordinal}"
        return Chunk(chunk_id, id_, version, text, 0, len(text), title, None, None, language)

    return make


# ---- Processes ----


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a script of the repository (or Python code) in a process of its own, ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        first, *others = map(str, arguments)
        command = [sys.executable, str(ROOT / first)] if first.endswith(".py") else [sys.executable, "-c", first]
        process = subprocess.Popen(
            [*command, *others],
            cwd=tmp_path,
            # One thread: other tests may be at work on the other processors.
            env={**os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_INGEST_THREADS": "1", **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        # Not `communicate`: it waits for the children of what was killed, which are still at their work.
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture
def script(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script of the repository to its end."""

    def run(*arguments: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, env=env)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], None]:
    """Wait until something holds; fails after two minutes."""

    def wait_until(holds: Callable[[], object]) -> None:
        give_up = time.monotonic() + 120
        while not holds():
            assert time.monotonic() < give_up, "it never came true"
            time.sleep(0.05)

    return wait_until
