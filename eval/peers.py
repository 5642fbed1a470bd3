"""The assistant beside what anybody could have instead, in one run: LangChain's tutorial, LlamaIndex and Haystack.

All get the same documents, the same questions and the same embedding weights; each has its own defaults otherwise, and
none a language model. Each part runs in a process of its own, in the environment of that system (`peers_measuring`),
and the systems take turns, so that a busy minute hits all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from textwrap import wrap
from typing import Any

from eval.answering import Say
from eval.errors import EvaluationError
from eval.generate import PlantedFact, write_documents
from eval.measures import percentile
from eval.peers_install import NOT_INSTALLED
from eval.peers_measuring import PASSAGES
from eval.processes import ROOT

OURS = "assistant"
PEERS = ("langchain", "llamaindex", "haystack")
TITLES = {OURS: "assistant", "langchain": "LangChain tutorial", "llamaindex": "LlamaIndex", "haystack": "Haystack"}
DEFAULT_PYTHON = Path(".venv-peers/bin/python")
# A system that takes longer hangs.
CHILD_SECONDS = 1200
# Nothing is fetched, nothing is reported, and nobody looks for a GPU.
CHILD_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "ANONYMIZED_TELEMETRY": "False",
    "ORT_DISABLE_TELEMETRY": "1",
    "LANGSMITH_TRACING": "false",
    "CUDA_VISIBLE_DEVICES": "",
    "TQDM_DISABLE": "1",
}
LABEL, CELL, WIDTH = 40, 22, 120


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured how often, and whether after a small round that does not count."""

    documents: int = 100
    questions: int = 120
    ingest_repeats: int = 2
    ask_repeats: int = 3
    trial: bool = True


QUICK = Sizes(documents=2, questions=8, ingest_repeats=1, ask_repeats=1, trial=False)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one system needed; tuples hold one figure a repeat, in the order of the repeats.

    Attributes:
        start: Seconds from the start of a process to the passages of its first question.
        ingest: Seconds from files to searchable and kept, the model loaded before.
        ingest_from_start: The same from the start of the process.
        p50: Of the seconds from a question to its passages, warm; `p95` is their 95th percentile.
        recall: Share of the questions whose planted sentence stands in one of the first five passages.
        ingest_megabytes: Peak memory of the process that ingests, and of its largest child process; likewise
            `ask_megabytes` of the one that is asked.
        ingest_processor: Processor time in seconds of the process that ingests and of its children, from its start to
            its end; `start_processor` that of the process that is asked, until the passages of its first question.
        passage_words: The median.
        tokens: How many the model read to ingest the documents.
    """

    versions: Mapping[str, str]
    settings: str
    documents: int
    passages: int
    passage_words: float
    tokens: int
    start: tuple[float, ...]
    ingest: tuple[float, ...]
    ingest_from_start: tuple[float, ...]
    p50: tuple[float, ...]
    p95: tuple[float, ...]
    recall: float
    ingest_megabytes: tuple[float, ...]
    ask_megabytes: tuple[float, ...]
    ingest_processor: tuple[float, ...]
    start_processor: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Target:
    """How many times as long as ours a peer must take, at least."""

    name: str
    times: float
    seconds: Callable[[Measured], tuple[float, ...]]


TARGETS = (
    Target("start", 3.0, lambda one: one.start),
    Target("ingest", 1.5, lambda one: one.ingest),
    Target("question to passages, p50", 3.0, lambda one: one.p50),
)


def ratio(peer: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median of the peer's figures over ours of the same repeat."""
    return median(one / other for one, other in zip(peer, ours, strict=True))


@dataclass(frozen=True, slots=True)
class Findings:
    """One run: systems by name, ours among them, and peers that could not be measured, with the reason."""

    measured: Mapping[str, Measured]
    reasons: Mapping[str, str]
    sizes: Sizes
    cores: int
    load: float

    @property
    def peers(self) -> dict[str, Measured]:
        """The measured peers by name."""
        return {name: one for name, one in self.measured.items() if name != OURS}

    def verdicts(self) -> dict[str, dict[str, str]]:
        """Return by target and peer whether it was met, with the figure."""
        ours = self.measured[OURS]
        found: dict[str, dict[str, str]] = {}
        for target in TARGETS:
            times = {name: ratio(target.seconds(peer), target.seconds(ours)) for name, peer in self.peers.items()}
            found[f"{target.name}: at least {target.times:g}x"] = {
                name: f"{_met(one >= target.times)} ({_times(one)})" for name, one in times.items()
            }
        found[f"recall@{PASSAGES}: not lower"] = {
            name: f"{_met(ours.recall >= peer.recall)} ({ours.recall - peer.recall:+.3f})"
            for name, peer in self.peers.items()
        }
        return found

    def as_json(self) -> str:
        """Return one JSON object."""
        value = {
            "cores": self.cores,
            "load": self.load,
            "systems": {name: one.to_dict() for name, one in self.measured.items()},
            "not_measured": dict(self.reasons),
            "targets": self.verdicts(),
        }
        return json.dumps(value, ensure_ascii=False, indent=2)

    def as_table(self) -> str:
        """Return the figures, how they compare, and what was measured with which settings."""
        ours = self.measured[OURS]
        head = (
            f"{ours.documents} made-up documents, {self.sizes.questions} questions, {PASSAGES} passages each; "
            f"all-MiniLM-L6-v2 everywhere, no language model.\n"
            f"{self.cores} cores, load average {self.load:.1f} at the end; median of alternating repeats: "
            f"{len(ours.ingest)} of ingest, {len(ours.start)} of start and questions.\n"
            "In brackets: how many times as long as ours it took, or as much as ours."
        )
        if self.sizes == QUICK:
            head += "\nThese small sizes show that everything runs; they say little about speed."
        return "\n\n".join([head, self._figures(), self._targets(), self._systems()])

    def _figures(self) -> str:
        """Return a row a measure, a column a system."""

        def shown(times: Callable[[Measured], tuple[float, ...]], show: Callable[[float], str]) -> list[str]:
            """Return the median of each system, with its ratio to ours."""
            cells = []
            for name, one in self.measured.items():
                compared = "" if name == OURS else f" ({_times(ratio(times(one), times(self.measured[OURS])))})"
                cells.append(show(median(times(one))) + compared)
            return cells

        everyone = list(self.measured.values())
        documents = everyone[0].documents
        rows = {
            "": [TITLES[name] for name in self.measured],
            "start to first passages, s": shown(lambda one: one.start, "{:.2f}".format),
            "processor time of that, s": shown(lambda one: one.start_processor, "{:.2f}".format),
            "ingest, documents/s": shown(lambda one: one.ingest, lambda seconds: f"{documents / seconds:.2f}"),
            "start and ingest, s": shown(lambda one: one.ingest_from_start, "{:.1f}".format),
            "processor time of both, s": shown(lambda one: one.ingest_processor, "{:.1f}".format),
            "question to passages p50, ms": shown(lambda one: one.p50, _milliseconds),
            "question to passages p95, ms": shown(lambda one: one.p95, _milliseconds),
            "peak memory of ingest, MB": shown(lambda one: one.ingest_megabytes, "{:.0f}".format),
            "peak memory of questions, MB": shown(lambda one: one.ask_megabytes, "{:.0f}".format),
            f"recall@{PASSAGES}": [f"{one.recall:.3f}" for one in everyone],
            "passages": [str(one.passages) for one in everyone],
            "words in a passage": [f"{one.passage_words:.0f}" for one in everyone],
            "tokens embedded": [f"{one.tokens:,}" for one in everyone],
            "tokens embedded/s": [f"{one.tokens / median(one.ingest):,.0f}" for one in everyone],
        }
        return "\n".join(_row(label, cells) for label, cells in rows.items())

    def _targets(self) -> str:
        """Return a row a target, a column a peer, measured or not."""
        rows = [_row("targets", [TITLES[name] for name in PEERS])]
        for target, by_peer in self.verdicts().items():
            rows.append(_row(target, [by_peer.get(name, "not measured") for name in PEERS]))
        return "\n".join(rows)

    def _systems(self) -> str:
        """Return versions and settings of each system, and why a peer is missing."""
        lines = []
        for name, one in self.measured.items():
            versions = ", ".join(f"{package} {version}" for package, version in one.versions.items())
            lines += [TITLES[name], *_wrapped(versions), *_wrapped(one.settings)]
        for name, reason in self.reasons.items():
            lines += [TITLES[name], *_wrapped(f"not measured: {reason}")]
        return "\n".join(lines)


def _wrapped(words: str) -> list[str]:
    return wrap(words, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


def _times(value: float) -> str:
    """Return three digits, so that what just misses a target does not look as if it met it."""
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}x"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.1f}"


def _row(label: str, cells: Sequence[str]) -> str:
    return (f"{label:<{LABEL}}" + "".join(f"{cell:<{CELL}}" for cell in cells)).rstrip()


class _NotMeasured(EvaluationError):
    """A system could not be measured; the text says why."""


def compare_with_peers(folder: Path, *, python: Path, quick: bool, say: Say) -> Findings:
    """Measure the assistant and each peer that is installed.

    Args:
        folder: Emptied first; documents and what the systems keep lie here.
        python: Of the environment that the peers are installed in.

    Raises:
        EvaluationError: The assistant itself could not be measured.
    """
    sizes = QUICK if quick else Sizes()
    shutil.rmtree(folder, ignore_errors=True)
    folder = folder.absolute()
    facts = write_documents(folder / "documents", 0, sizes.documents)
    run = _Run(folder, python, facts, sizes, say)
    # Not counted: what is done once for a user or a machine, such as bringing files into the system's cache.
    run.round("prepare", run.prepare)
    if sizes.trial:
        write_documents(folder / "trial", sizes.documents, 1)
        run.round("trial", lambda name: run.ingest(name, folder / "trial"))
    ingests = [
        run.round(f"ingest {repeat + 1} of {sizes.ingest_repeats}", lambda name: run.ingest(name, folder / "documents"))
        for repeat in range(sizes.ingest_repeats)
    ]
    asks = [run.round(f"questions {repeat + 1} of {sizes.ask_repeats}", run.ask) for repeat in range(sizes.ask_repeats)]
    measured = {
        name: _measured(sizes, [one[name] for one in ingests], [one[name] for one in asks]) for name in run.systems
    }
    return Findings(measured, run.reasons, sizes, os.cpu_count() or 1, os.getloadavg()[0])


class _Run:
    """The systems that are still in the run, and why others are not."""

    def __init__(self, folder: Path, python: Path, facts: Sequence[PlantedFact], sizes: Sizes, say: Say) -> None:
        self.systems = [OURS, *PEERS]
        self.reasons: dict[str, str] = {}
        self._folder = folder
        # Not resolved: the link's place is what tells Python its environment.
        self._pythons = dict.fromkeys(PEERS, python.absolute()) | {OURS: Path(sys.executable)}
        self._first = facts[-1].question
        # Spread over the documents and their sections.
        step = max(1, len(facts) // sizes.questions)
        self._planted = [(fact.question, " ".join(fact.sentence.split())) for fact in facts[::step][: sizes.questions]]
        self._say = say

    def round(self, title: str, part: Callable[[str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Measure a part of each system in turn; a peer that fails leaves the run."""
        found = {}
        for name in list(self.systems):
            self._say(f"{title}: {TITLES[name]}")
            try:
                found[name] = part(name)
            except _NotMeasured as error:
                if name == OURS:
                    raise EvaluationError(f"The assistant could not be measured: {error}") from error
                self._say(f"{TITLES[name]} is left out: {error}")
                self.reasons[name] = str(error)
                self.systems.remove(name)
        return found

    def prepare(self, name: str) -> dict[str, Any]:
        """Let a system do what it does once."""
        self._empty(name)
        return self._child(name, "prepare")

    def ingest(self, name: str, documents: Path) -> dict[str, Any]:
        """Measure one ingest into an emptied folder."""
        self._empty(name)
        return self._child(name, "ingest", documents=str(documents))

    def ask(self, name: str) -> dict[str, Any]:
        """Measure a start and the questions, over what was brought in last."""
        return self._child(name, "ask", first=self._first, planted=self._planted)

    def _empty(self, name: str) -> None:
        shutil.rmtree(self._folder / name, ignore_errors=True)
        (self._folder / name).mkdir(parents=True)

    def _child(self, name: str, part: str, **arguments: Any) -> dict[str, Any]:
        python = self._pythons[name]
        arguments |= {"work": str(self._folder / name), "begun": time.perf_counter()}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        try:
            done = subprocess.run(
                [str(python), "-m", "eval.peers_measuring", name, part, json.dumps(arguments)],
                capture_output=True,
                text=True,
                check=False,
                timeout=CHILD_SECONDS,
                env={**os.environ, **CHILD_ENVIRONMENT, "PYTHONPATH": path},
            )
        except FileNotFoundError as error:
            raise _NotMeasured(f"there is no {python}; `make peers` installs it") from error
        except subprocess.TimeoutExpired as error:
            raise _NotMeasured(f"its part {part!r} took more than {CHILD_SECONDS} s") from error
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["without a word"]
            raise _NotMeasured(f"its part {part!r} ended with status {done.returncode}: {last[0].strip()}")
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if "missing" in measured:
            raise _NotMeasured(_why_not_installed(python, name) or measured["missing"])
        return measured


def _why_not_installed(python: Path, name: str) -> str | None:
    """Return what the installation noted about this peer, or None where it noted nothing."""
    noted = python.parent.parent / NOT_INSTALLED
    reasons: dict[str, str] = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else {}
    return reasons.get(name)


def _measured(sizes: Sizes, ingests: Sequence[Mapping[str, Any]], asks: Sequence[Mapping[str, Any]]) -> Measured:
    return Measured(
        versions=asks[-1]["versions"],
        settings=asks[-1]["settings"],
        documents=sizes.documents,
        passages=ingests[-1]["passages"],
        passage_words=ingests[-1]["passage_words"],
        tokens=ingests[-1]["tokens"],
        start=tuple(one["start"] for one in asks),
        ingest=tuple(one["seconds"] for one in ingests),
        ingest_from_start=tuple(one["from_start"] for one in ingests),
        p50=tuple(percentile(one["seconds"], 0.50) or 0.0 for one in asks),
        p95=tuple(percentile(one["seconds"], 0.95) or 0.0 for one in asks),
        recall=median(one["recall"] for one in asks),
        ingest_megabytes=tuple(one["megabytes"] for one in ingests),
        ask_megabytes=tuple(one["megabytes"] for one in asks),
        ingest_processor=tuple(one["processor"] for one in ingests),
        start_processor=tuple(one["start_processor"] for one in asks),
    )
