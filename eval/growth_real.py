"""The processes that measure a library of real documents: `python -m eval.growth_real PART ARGUMENTS`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.generate import PlantedFact
from eval.processes import peaks

WARMING = "Is this a question that warms everything up?"
# One line of progress for so many documents, or chunks.
PROGRESS_EVERY = 50


def _sync(built: str) -> dict[str, Any]:
    from assistant import open_assistant

    def say(event: Mapping[str, Any]) -> None:
        if "embedded" in event:
            print(f"embedded {event['embedded']} of {event['to_embed']} chunks", file=sys.stderr, flush=True)
        elif "done" in event and event["done"] % PROGRESS_EVERY == 0:
            print(f"read {event['done']} of {event['total']} documents", file=sys.stderr, flush=True)

    with open_assistant(corpus=Path(built, "corpus"), data=Path(built, "data"), sync=False) as assistant:
        begun = time.perf_counter()
        report = assistant.sync(progress=say)
        seconds = time.perf_counter() - begun
        chunks = sum(1 for _ in assistant.chunks())
    failed = [each for each in report.documents if each.change == "failed"]
    # After closing: only then are the children counted.
    return {"seconds": seconds, "chunks": chunks, "failed": len(failed), **peaks()}


def _first(built: str) -> dict[str, Any]:
    from assistant import open_assistant

    with open_assistant(corpus=Path(built, "corpus"), data=Path(built, "data")) as assistant:
        assistant.ask(_facts(built)[0].question)
        # perf_counter is the system's monotonic clock on Linux, the same one for parent and child.
        answered_at = time.perf_counter()
        assistant.sync()
        unchanged = time.perf_counter() - answered_at
    return {"answered_at": answered_at, "unchanged": unchanged, **peaks()}


def _ask(built: str, questions: int) -> dict[str, Any]:
    """Ask in turn for an answer, for passages, and for an embedding; never the same question, so no cache can help."""
    from assistant import open_assistant

    facts = _facts(built)
    threes = min(questions, len(facts) // 3)
    # Three different facts side by side, the threes spread over the library.
    firsts = [round(place * (len(facts) - 3) / max(1, threes - 1)) for place in range(threes)]
    spent: dict[str, list[float]] = {"answer": [], "passages": [], "embed": []}
    found = quoted = 0
    with open_assistant(corpus=Path(built, "corpus"), data=Path(built, "data"), sync=False) as assistant:
        assistant.ask(WARMING)
        assistant.search(WARMING)
        for first in firsts:
            asked, searched, embedded = facts[first : first + 3]
            times = [time.perf_counter()]
            answer = assistant.ask(asked.question)
            times.append(time.perf_counter())
            hits = assistant.search(searched.question)
            times.append(time.perf_counter())
            assistant.embedder.embed([embedded.question])
            times.append(time.perf_counter())
            for name, before, after in zip(spent, times, times[1:], strict=False):
                spent[name].append(after - before)
            found += _holds(answer.hits, asked) + _holds(hits, searched)
            quoted += any(asked.sentence in citation.quote for citation in answer.citations)
    return {**spent, "recall": found / (2 * threes), "quoted": quoted / threes, **peaks()}


def _holds(hits: Sequence[Any], fact: PlantedFact) -> bool:
    return any(hit.chunk.document_id == fact.document and fact.sentence in hit.chunk.text for hit in hits)


def _facts(built: str) -> list[PlantedFact]:
    values = json.loads(Path(built, "facts.json").read_text(encoding="utf-8"))
    return [PlantedFact(**value) for value in values]


PARTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "sync": _sync,
    "first": _first,
    "ask": _ask,
}


def main(arguments: Sequence[str]) -> None:
    """Run one part and print what it measured as the last line."""
    print(json.dumps(PARTS[arguments[0]](**json.loads(arguments[1]))))


if __name__ == "__main__":
    main(sys.argv[1:])
