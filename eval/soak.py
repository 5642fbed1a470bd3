"""Soak: kill -9 at seeded moments of ingest, replace, remove and rebuild, and what is left of it.

Each moment is a process of its own that opens the assistant over a small folder and begins one operation. Every other
one answers questions meanwhile and is killed at a seeded fraction of the time that the operation takes; the others die
at a seeded one of its writes (to SQLite, Chroma, tantivy or the disk), right before or right after it. Then the folder
is opened again: every question must be answered from one whole version, the next sync must leave nothing differing, and
nothing may be lost. Vectors are at hand from a quiet run, so that time goes into the operations; some moments have to
embed, so that the worker process is killed at its work, too.

The processes are forked from one that has imported everything and opened nothing: a start would take longer than what
is tried.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal, cast

from assistant import Answer, Assistant, AssistantError, Settings, check_open, read_settings
from eval.answering import Say
from eval.errors import EvaluationError

Operation = Literal["ingest", "replace", "remove", "rebuild"]
By = Literal["time", "writes"]
OPERATIONS: tuple[Operation, ...] = ("ingest", "replace", "remove", "rebuild")
# One of so many moments of these has to embed.
EMBEDDING_EVERY = 10
EMBEDDING: frozenset[Operation] = frozenset({"ingest", "replace"})
_NAMES = ("heron", "walrus", "puffin", "otter", "gannet", "narwhal", "osprey", "lobster")
_PRICES = {"one": 400, "two": 700}
_SENTENCES = 6
_SENTENCES_TO_EMBED = 24
# What an operation calls to change something, by the names of the functions in C and Rust that do it.
_WRITES = frozenset(
    "execute executemany commit add_document delete_documents_by_term upsert delete create_collection "
    "delete_collection rename unlink rmdir mkdir write".split()
)
# The questions of one visit; the others are asked at other moments.
_ASKED = 3
_PATIENCE_SECONDS = 600.0
_GONE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One kill and what was found afterwards.

    Attributes:
        fraction: Of the operation's usual time, or of its writes, after which the kill came.
        by: What the fraction is of.
        landed: The operation had begun and was not done.
        embedding: It had to embed.
        answers: Answers that were looked at; `mixed` are those that are not from one whole version, or are wrong.
        orphans: Sentences of the doctor after the next sync.
        lost: What was there before and is not any more.
        survivors: Child processes of the killed one that lived on.
    """

    operation: Operation
    fraction: float
    by: By
    landed: bool
    embedding: bool
    answers: int
    mixed: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    survivors: int = 0


@dataclass(frozen=True, slots=True)
class SoakFindings:
    """All moments of a run."""

    moments: tuple[Moment, ...]
    seconds: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Everything that must not be, one sentence each."""
        return [
            f"{moment.operation} at {moment.fraction:.3f} of its {moment.by}: {what}"
            for moment in self.moments
            for what in (
                *moment.mixed, *moment.orphans, *moment.lost,
                *(["a child process lived on"] if moment.survivors else []),
            )
        ]  # fmt: skip

    def as_table(self) -> str:
        """Return a row for each operation and one for all."""
        rows = [self._row(name, [one for one in self.moments if one.operation == name]) for name in OPERATIONS]
        rows.append(self._row("all", list(self.moments)))
        head = ("operation", "kills", "landed inside", "embedding", "answers", "not one version", "orphans", "lost",
                "children left")  # fmt: skip
        return _table([head, *rows]) + "".join(f"{fault}\n" for fault in self.faults)

    @staticmethod
    def _row(name: str, moments: Sequence[Moment]) -> tuple[str, ...]:
        landed = sum(one.landed for one in moments)
        share = f"{landed} ({100 * landed / len(moments):.0f} %)" if moments else "0"
        return (
            name, str(len(moments)), share, str(sum(one.embedding for one in moments)),
            str(sum(one.answers for one in moments)), str(sum(len(one.mixed) for one in moments)),
            str(sum(len(one.orphans) for one in moments)), str(sum(len(one.lost) for one in moments)),
            str(sum(one.survivors for one in moments)),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"moments": [asdict(one) for one in self.moments], "seconds": round(self.seconds, 1)}


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


# ---- The documents ----


def _text(name: str, version: str, sentences: int = _SENTENCES) -> str:
    """Return a document in which every sentence tells its version."""
    number = _NAMES.index(name)
    price = _PRICES[version] + number
    lines = [f"# The {name} boat", "", f"The {name} boat costs {price} dollars to rent.", ""]
    for turn in range(sentences):
        painted = price + 10 * turn
        lines += [f"In edition {version}, plank {turn} of the {name} boat is painted for {painted} dollars.", ""]
    return "\n".join(lines)


def _write(corpus: Path, names: Sequence[str], version: str, sentences: int = _SENTENCES) -> None:
    """Let a corpus hold these documents and no others."""
    shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True)
    for name in names:
        (corpus / f"{name}.md").write_text(_text(name, version, sentences), encoding="utf-8")


def _question(name: str) -> str:
    return f"What does the {name} boat cost to rent?"


# ---- Before: the folders that every moment begins with ----


@dataclass(frozen=True, slots=True)
class _Stage:
    """A folder in the state before an operation: `corpus` as it is then, `data` as it was.

    Attributes:
        texts: The stored texts that a quiet run found, by document and version.
        stays: Names of the documents that are in before and after.
        link: The id of a saved conversation.
    """

    operation: Operation
    folder: Path
    texts: Mapping[tuple[str, str], str]
    stays: tuple[str, ...]
    link: str
    embedding: bool


def _settings(folder: Path) -> Settings:
    return read_settings(corpus=folder / "corpus", data=folder / "data", ingest_threads=1)


def _prepare(folder: Path, operation: Operation, *, embedding: bool) -> _Stage:
    """Write a stage: what is in before, and the corpus as it is when the operation begins."""
    corpus = folder / "corpus"
    half = len(_NAMES) // 2
    # Few texts would be embedded without the worker.
    before = _NAMES[: 1 if embedding else half] if operation == "ingest" else _NAMES
    after = _NAMES[:half] if operation == "remove" else _NAMES
    length = _SENTENCES_TO_EMBED if embedding else _SENTENCES
    texts: dict[tuple[str, str], str] = {}
    with Assistant(_settings(folder)) as assistant:
        assistant.warm_up()
        # What comes first, unless its vectors are to be made, is only to be remembered.
        for names, version in ((_NAMES, "two"), (_NAMES, "one"), (before, "one"))[2 if embedding else 0 :]:
            _write(corpus, names, version, length)
            assistant.sync()
            texts |= {(document.id, document.version): document.text for document in assistant.documents()}
        link = assistant.journal.save([_said(assistant.ask(_question(before[0])))], "en")
        assert not isinstance(link, str)
        assistant.journal.give_feedback(
            helpful=False, why="The boat leaks.", outcome="answered", reason=None, language="en", documents=[]
        )
    _write(corpus, after, _version_after(operation), length)
    return _Stage(operation, folder, texts, tuple(name for name in before if name in after), link.id, embedding)


def _version_after(operation: Operation) -> str:
    return "two" if operation == "replace" else "one"


@dataclass(frozen=True)
class _Said:
    """One saved question, as the journal wants it."""

    question: str
    answer: Answer | None
    failure: str | None = None
    failed: bool = False
    stopped: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)


def _said(answer: Answer) -> _Said:
    return _Said(answer.query.text, answer)


# ---- Answers ----


def _seen(answer: Answer) -> dict[str, Any]:
    """Return what is looked at of an answer, as plain values."""
    return {
        "outcome": answer.outcome,
        "text": answer.text,
        "citations": [[c.document, c.version, c.start, c.end, c.quote] for c in answer.citations],
        "hits": [[hit.chunk.document_id, hit.chunk.version] for hit in answer.hits],
    }


def _mixed(name: str, seen: Mapping[str, Any], stage: _Stage) -> Iterator[str]:
    """Yield what is wrong with an answer: not of one whole version, not in its version, or missing."""
    used: dict[str, set[str]] = {}
    for document, version in (*((c[0], c[1]) for c in seen["citations"]), *map(tuple, seen["hits"])):
        used.setdefault(document, set()).add(version)
    for document, found in used.items():
        if len(found) > 1:
            yield f"{_question(name)!r} is answered from two versions of {document}"
    for document, version, start, end, quote in seen["citations"]:
        text = stage.texts.get((document, version))
        if text is None and stage.embedding:  # a version that no quiet run has read
            written = document.removesuffix(".md")
            holds = quote in _text(written, _version_after(stage.operation), _SENTENCES_TO_EMBED)
        else:
            holds = text is not None and text[start:end] == quote
        if not holds:
            yield f"{quote!r} does not stand in version {version[:8]} of {document}"
    if name in stage.stays:
        number = _NAMES.index(name)
        prices = {str(price + number) for price in _PRICES.values()}
        told = {price for price in prices if price in seen["text"]}
        if seen["outcome"] != "answered" or len(told) != 1:
            yield f"{_question(name)!r} is {seen['outcome']}: {seen['text'][:80]!r}"


# ---- The process that is killed ----


def serve() -> None:
    """Fork a process for each line of standard input: the mother of all that are killed. Ends with its input."""
    while line := sys.stdin.readline():
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be_killed(request)
        print(json.dumps({"pid": pid}), flush=True)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        print(json.dumps({"ended": pid}), flush=True)
        sys.stdin.readline()  # until then nobody else can get its number
        os.waitpid(pid, 0)


def _be_killed(request: Mapping[str, Any]) -> None:
    """Open the assistant, do one operation and answer questions meanwhile, and wait for the end; never returns."""
    events = os.open(request["events"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)

    def tell(**values: Any) -> None:
        os.write(events, json.dumps(values).encode() + b"\n")

    try:
        assistant = Assistant(_settings(Path(request["folder"])))
        if request["asked"]:
            assistant.warm_up()
            for name in request["asked"]:
                assistant.ask(_question(name))
            threading.Thread(target=_ask_on, args=(assistant, request["asked"], tell), daemon=True).start()
        counter = _Counter(request["at"], tell)
        tell(event="started")
        started = time.perf_counter()
        if request["at"] is not None:
            threading.setprofile(counter)
            sys.setprofile(counter)
        assistant.rebuild() if request["operation"] == "rebuild" else assistant.sync()
        sys.setprofile(None)
        tell(event="done", seconds=time.perf_counter() - started, writes=counter.count)
    except BaseException as error:
        sys.setprofile(None)
        tell(event="failed", why=repr(error))
    while True:
        time.sleep(60)


def _ask_on(assistant: Assistant, names: Sequence[str], tell: Callable[..., None]) -> None:
    while True:
        for name in names:
            tell(event="answered", name=name, seen=_seen(assistant.ask(_question(name))))
            time.sleep(0.02)


class _Counter:
    """Counts the beginnings and ends of writes, in all threads of an operation, and ends the process at one of them."""

    def __init__(self, at: int | None, tell: Callable[..., None]) -> None:
        self.count = 0
        self._at = at
        self._tell = tell

    def __call__(self, frame: Any, event: str, argument: Any) -> None:
        if event not in ("c_call", "c_return") or argument.__name__ not in _WRITES:
            return
        self.count += 1
        if self.count == self._at:
            self._tell(event="write", children=_descendants(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)


class _Mother:
    """The process that all others are forked from: it has imported everything and opened nothing."""

    def __init__(self) -> None:
        heavy = "import chromadb, tantivy, tokenizers, numpy, sentence_transformers, torch; torch.set_num_threads(1)"
        words = "from assistant.language import load_lexicon; load_lexicon()"  # a second of every first question
        code = f"import sys; sys.path[:] = {sys.path!r}; {heavy}; {words}; from eval.soak import serve; serve()"
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    @contextmanager
    def child(self, **request: Any) -> Iterator[tuple[int, threading.Event]]:
        """Fork a process, and kill it and see its end when the block is left; give its number, and whether it ended."""
        self._write(request)
        pid, ended = int(self._line()["pid"]), threading.Event()

        def watch() -> None:
            self._line()
            ended.set()

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield pid, ended
        finally:
            os.kill(pid, signal.SIGKILL)
            watching.join()
            self._write({})

    def _write(self, value: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EvaluationError("The process that the others are forked from has ended.")
        return cast(dict[str, Any], json.loads(line))

    def close(self) -> None:
        """End it with its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _events(file: Path) -> list[dict[str, Any]]:
    """Return what a process told until it was killed, perhaps in the middle of a line."""
    if not file.exists():
        return []
    lines = file.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]


def _wait_for(file: Path, wanted: str, ended: threading.Event) -> dict[str, Any] | None:
    """Return what a process tells, or None when it has ended without."""
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up:
        is_over = ended.is_set()
        for event in _events(file):
            if event["event"] == wanted:
                return event
            if event["event"] == "failed":
                raise EvaluationError(f"The operation failed by itself: {event['why']}")
        if is_over:
            return None
        time.sleep(0.002)
    raise EvaluationError("A process of the soak does not get on. Is the machine very busy?")


# ---- Children of the killed one ----


def _descendants(pid: int) -> dict[int, str]:
    """Return the living processes below one, each with the moment it began; empty where the system tells nothing."""
    below: dict[int, list[tuple[int, str]]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        below.setdefault(int(fields[1]), []).append((int(path.parent.name), fields[19]))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child, began in below.get(waiting.pop(), ()):
            found[child] = began
            waiting.append(child)
    return found


def _living(pid: int, began: str) -> bool:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[19] == began and fields[0] not in "ZX"


def _survivors(children: Mapping[int, str]) -> int:
    give_up = time.monotonic() + _GONE_SECONDS
    left = dict(children)
    while left and time.monotonic() < give_up:
        left = {pid: began for pid, began in left.items() if _living(pid, began)}
        time.sleep(0.02)
    return len(left)


# ---- One moment ----


class Soak:
    """Stages and the process that the killed ones come from; a context manager."""

    def __init__(self, folder: Path, *, say: Say = lambda words: None) -> None:
        self._folder = folder
        self._say = say
        self._stages: dict[tuple[Operation, bool], _Stage] = {}
        self._seconds: dict[tuple[Operation, bool], list[float]] = {}
        self._writes: dict[tuple[Operation, bool], int] = {}
        self._mother = _Mother()
        self._count = 0

    def __enter__(self) -> Soak:
        return self

    def __exit__(self, *error: object) -> None:
        self._mother.close()

    def _stage(self, operation: Operation, *, embedding: bool) -> _Stage:
        key = (operation, embedding)
        if key not in self._stages:
            name = f"{operation}{'-embedding' if embedding else ''}"
            self._say(f"preparing {name}")
            stage = _prepare(self._folder / name, operation, embedding=embedding)
            self._seconds[key] = [self._quiet(stage, at=None)["seconds"]]
            self._writes[key] = self._quiet(stage, at=0)["writes"]
            self._stages[key] = stage
        return self._stages[key]

    @contextmanager
    def _child(
        self, stage: _Stage, asked: Sequence[str], at: int | None
    ) -> Iterator[tuple[Path, int, threading.Event]]:
        """Begin an operation in a copy of its stage; `at` is the write at which it ends, 0 for none, None uncounted."""
        self._count += 1
        folder = self._folder / f"moment-{self._count}"
        shutil.copytree(stage.folder, folder)
        request = {"folder": str(folder), "events": str(folder / "events"), "operation": stage.operation}
        with self._mother.child(**request, asked=list(asked), at=at) as (pid, ended):
            yield folder, pid, ended

    def _quiet(self, stage: _Stage, *, at: int | None) -> dict[str, Any]:
        """Let an operation come to its end, to know how long it takes and how often it writes."""
        asked = stage.stays[:1] if at is None and not stage.embedding else ()
        with self._child(stage, asked, at) as (folder, _, ended):
            done = _wait_for(folder / "events", "done", ended)
        shutil.rmtree(folder)
        assert done is not None
        return done

    def kill_at(self, operation: Operation, fraction: float, *, by: By, embedding: bool, seed: int) -> Moment:
        """Kill one operation at a fraction of its time or its writes, open the folder again and look at everything."""
        stage = self._stage(operation, embedding=embedding)
        asked = random.Random(seed).sample(_NAMES, _ASKED)  # noqa: S311 - not for secrets
        seconds = self._seconds[operation, embedding]
        at = 1 + int(fraction * self._writes[operation, embedding]) if by == "writes" else None
        # The worker, whose priority is low, would wait long for whoever asks.
        with self._child(stage, asked if by == "time" and not embedding else (), at) as (folder, pid, ended):
            events = folder / "events"
            _wait_for(events, "started", ended)
            if by == "time":
                time.sleep(fraction * median(seconds[-5:]))
                children = _descendants(pid)
            else:
                _wait_for(events, "done", ended)
                children = {}
        told = _events(events)
        for event in told:
            children |= {int(child): began for child, began in event.get("children", {}).items()}
        done = [event["seconds"] for event in told if event["event"] == "done"]
        if by == "time":
            seconds.extend(done)  # it takes less time than thought: the next ones aim better
        answers = [(event["name"], event["seen"]) for event in told if event["event"] == "answered"]
        failures = [event["why"] for event in told if event["event"] == "failed"]
        survivors = _survivors(children)
        after, orphans, lost = self._open_again(stage, folder, asked)
        mixed = [what for name, seen in (*answers, *after) for what in _mixed(name, seen, stage)]
        shutil.rmtree(folder)
        return Moment(
            operation, fraction, by, not done, embedding, len(answers) + len(after),
            tuple(mixed), tuple(orphans), (*lost, *failures), survivors,
        )  # fmt: skip

    def _open_again(
        self, stage: _Stage, folder: Path, asked: Sequence[str]
    ) -> tuple[list[tuple[str, dict[str, Any]]], list[str], list[str]]:
        """Ask, sync, ask again and let the doctor look; return the answers, what he found, and what is missing."""
        lost: list[str] = []
        try:
            with Assistant(_settings(folder)) as assistant:
                assistant.warm_up()
                answers = [(name, _seen(assistant.ask(_question(name)))) for name in asked]
                report = assistant.sync()
                lost += [f"{failed.document} could not be read: {failed.reason}" for failed in report.failed]
                orphans = [found.sentence for found in check_open(assistant).differences]
                final = [(name, _seen(assistant.ask(_question(name)))) for name in asked]
                lost += _lost(stage, folder, assistant)
        except AssistantError as error:
            return [], [], [f"the folder cannot be opened: {error}"]
        new = _version_after(stage.operation)
        for name, seen in final:
            price = str(_PRICES[new] + _NAMES.index(name))
            there = (folder / "corpus" / f"{name}.md").exists()
            if there and (seen["outcome"] != "answered" or price not in seen["text"]):
                lost.append(f"{_question(name)!r} is {seen['outcome']} after the sync: {seen['text'][:80]!r}")
        return answers + final, orphans, lost


def _lost(stage: _Stage, folder: Path, assistant: Assistant) -> Iterator[str]:
    """Yield what was there before, or should be there now, and is not."""
    expected = {path.name for path in (folder / "corpus").iterdir()}
    there = {document.id for document in assistant.documents()}
    if expected != there:
        yield f"the documents are {sorted(there)} and should be {sorted(expected)}"
    for (document, version), text in stage.texts.items():
        kept = assistant.document(document, version)
        if kept is None or kept.text != text:
            yield f"version {version[:8]} of {document} is not kept"
        elif assistant.original(document, version) is None:
            yield f"the original of version {version[:8]} of {document} is not kept"
    if assistant.journal.snapshot(stage.link) is None or len(assistant.journal.feedback()) != 1:
        yield "the journal lost what it held"


# ---- A run ----


@dataclass(frozen=True, slots=True)
class Plan:
    """One moment to come, see `Moment`; `seed` chooses its questions."""

    operation: Operation
    fraction: float
    by: By
    embedding: bool
    seed: int


def moments(each: int, seed: int) -> list[Plan]:
    """Return what is killed when.

    The fractions of an operation are spread evenly, each somewhere inside its own part.
    """
    dice = random.Random(seed)  # noqa: S311 - not for secrets
    planned: list[Plan] = []
    for operation in OPERATIONS:
        for number in range(each):
            by: By = "time" if number % 2 else "writes"
            embedding = operation in EMBEDDING and number % EMBEDDING_EVERY == 3
            fraction = (number + dice.random()) / each
            planned.append(Plan(operation, fraction, by, embedding, dice.randrange(1 << 30)))
    return planned


def run_soak(folder: Path, *, each: int = 50, seed: int = 7, say: Say = lambda words: None) -> SoakFindings:
    """Kill each operation so many times.

    Args:
        folder: Where everything is written; it must not exist, and is removed at the end.
    """
    started = time.perf_counter()
    found: list[Moment] = []
    folder.mkdir(parents=True)
    try:
        with Soak(folder, say=say) as soak:
            for plan in moments(each, seed):
                moment = soak.kill_at(
                    plan.operation, plan.fraction, by=plan.by, embedding=plan.embedding, seed=plan.seed
                )
                found.append(moment)
                where = "inside" if moment.landed else "after the end"
                embedding = ", embedding" if moment.embedding else ""
                faults = "".join(f"\n  {fault}" for fault in SoakFindings((moment,)).faults)
                what = f"{plan.operation} at {plan.fraction:.3f} of its {plan.by}{embedding}"
                say(f"{len(found)}: {what}, {where}{faults}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return SoakFindings(tuple(found), time.perf_counter() - started)
