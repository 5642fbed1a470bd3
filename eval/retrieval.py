"""The assistant's own ranking of one retrieval set beside three floors, measured query by query in the same run."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from assistant import Assistant, Hit, read_settings
from eval.answering import Say
from eval.beir import Part, RetrievalSet, SetDocument, write_corpus
from eval.errors import Misuse
from eval.intervals import Interval, clustered_bootstrap, paired_bootstrap
from eval.jsonlines import write_json
from eval.measures import percentile
from eval.ranking import Bm25, Scores, Vectors, best_first, mean_of_scaled, ndcg, recall, stems
from eval.run import open_quoting
from eval.scoring import Estimate

# Where corpus folders, libraries and vectors of public sets are kept; not committed.
DEFAULT_FOLDER = Path(".eval-public")
PROJECT_CORPUS = Path(__file__).parent.parent / "corpus"

MEASURES: Mapping[str, Callable[[Sequence[str], Mapping[str, int]], float]] = {
    "nDCG@10": lambda ranked, gold: ndcg(ranked, gold, 10),
    "R@5": lambda ranked, gold: recall(ranked, gold, 5),
    "R@1": lambda ranked, gold: recall(ranked, gold, 1),
}
DEEPEST = 10
ASSISTANT, REWRITTEN = "assistant", "assistant, rewritten"
FLOORS = ("bm25", "minilm", "mean of both")
# Texts embedded between two words of progress.
EMBED_BATCH = 512

Rankings = Sequence[Sequence[str]]


class Embedder(Protocol):
    """Text to unit vectors, one row a text."""

    @property
    def key(self) -> str:
        """Name the space that the vectors live in."""
        ...

    def embed(self, texts: Sequence[str], /) -> Vectors:
        """Return the vectors of texts, float32, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one set: its corpus, the assistant's library, and the floors' vectors.

    Attributes:
        root: Holds the three of them, and nothing else is touched.
    """

    root: Path

    @property
    def corpus(self) -> Path:
        """One text file a document."""
        return self.root / "corpus"

    @property
    def library(self) -> Path:
        """The assistant's data folder."""
        return self.root / "library"

    @property
    def floors(self) -> Path:
        """Vectors of whole documents and of queries."""
        return self.root / "floors"

    @property
    def cold(self) -> Path:
        """What the latest sync that embedded anything took."""
        return self.root / "cold.json"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from files to fully findable.

    Attributes:
        cold: Of the latest sync that embedded anything, whenever that was; None where none did.
        cold_chunks: Chunks that it embedded.
        warm: Of opening and syncing in this run; None where it had to embed.
    """

    cold: float | None
    cold_chunks: int
    warm: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the seconds as plain values for JSON."""
        return {"cold": self.cold, "cold_chunks": self.cold_chunks, "warm": self.warm}

    def __str__(self) -> str:
        cold = "-" if self.cold is None else f"{self.cold:.1f} ({self.cold_chunks} chunks)"
        return f"cold {cold}, warm {'-' if self.warm is None else f'{self.warm:.1f}'}"


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of per-query differences with its paired interval of 95 %."""

    value: float
    interval: Interval
    queries: int
    against: str

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as plain values for JSON."""
        return {
            "value": round(self.value, 4),
            "low": round(self.interval.low, 4),
            "high": round(self.interval.high, 4),
            "queries": self.queries,
            "against": self.against,
        }

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.interval.low:+.3f}, {self.interval.high:+.3f}] {self.against}"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well each system ranks one set.

    Attributes:
        documents: How many the set has.
        values: Per system and measure, one number a query, in the order of the queries.
        follow_up: Per query, whether it has a history.
        seconds: Per query, what the assistant's search took, with the model loaded.
    """

    name: str
    part: Part
    documents: int
    values: Mapping[str, Mapping[str, Sequence[float]]]
    follow_up: Sequence[bool]
    seconds: Sequence[float]
    timing: Timing

    def estimate(self, system: str, measure: str) -> Estimate:
        """Return the mean over queries of one measure, with a bootstrap over queries."""
        values = self.values[system][measure]
        interval = clustered_bootstrap(values, [1] * len(values))
        return Estimate(float(np.mean(values)), interval, len(values), len(values))

    def above_floor(self, measure: str) -> Difference:
        """Return the assistant less the floor that is best in this measure, on the same queries."""
        means = {floor: float(np.mean(self.values[floor][measure])) for floor in FLOORS}
        best = max(means, key=lambda floor: means[floor])
        return self._difference(measure, best, [True] * len(self.follow_up))

    def follow_up_loss(self, measure: str) -> Difference | None:
        """Return follow-ups as asked less the same written out in full; None for a set without them."""
        if REWRITTEN not in self.values or not any(self.follow_up):
            return None
        return self._difference(measure, REWRITTEN, self.follow_up)

    def _difference(self, measure: str, other: str, chosen: Sequence[bool]) -> Difference:
        pairs = zip(self.values[ASSISTANT][measure], self.values[other][measure], chosen, strict=True)
        differences = [ours - theirs for ours, theirs, is_chosen in pairs if is_chosen]
        return Difference(float(np.mean(differences)), paired_bootstrap(differences), len(differences), other)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON."""
        losses = {measure: self.follow_up_loss(measure) for measure in MEASURES}
        return {
            "half": self.part,
            "documents": self.documents,
            "queries": len(self.follow_up),
            "measures": {
                system: {measure: self.estimate(system, measure).to_dict() for measure in MEASURES}
                for system in self.values
            },
            "above_best_floor": {measure: self.above_floor(measure).to_dict() for measure in MEASURES},
            "follow_ups": {measure: loss.to_dict() for measure, loss in losses.items() if loss},
            "seconds_p50": percentile(self.seconds, 0.50),
            "seconds_p95": percentile(self.seconds, 0.95),
            "ingest": self.timing.to_dict(),
        }


# --- the assistant over a set ------------------------------------------------------------------------------------


def check_place(place: Place, source: Path) -> None:
    """Check that a set's folder lies neither in a corpus that people use nor in the set itself.

    Raises:
        Misuse: It does.
    """
    for holder in (PROJECT_CORPUS, read_settings().corpus, source):
        if place.root.resolve().is_relative_to(holder.resolve()):
            raise Misuse(
                f"{place.root}: lies inside {holder}, which an evaluation never writes to. Name another --data."
            )


@contextmanager
def opened(documents: Sequence[SetDocument], place: Place, say: Say) -> Iterator[tuple[Assistant, Timing]]:
    """Give the assistant over these documents, fully findable; what was embedded by an earlier run is kept.

    Raises:
        Misuse: The corpus folder holds something else.
        AssistantError: The library cannot be used.
    """
    write_corpus(documents, place.corpus)
    started = time.perf_counter()
    with open_quoting(place.corpus, place.library, sync=False) as assistant:
        report = assistant.sync()
        seconds = time.perf_counter() - started
        if report.failed:
            first = report.failed[0]
            say(f"{len(report.failed)} documents are not in; the first is {first.document}: {first.reason}.")
        if report.embedded_chunks:
            write_json(place.cold, {"seconds": round(seconds, 1), "chunks": report.embedded_chunks})
        assistant.warm_up()
        yield assistant, _timing(place, None if report.embedded_chunks else round(seconds, 1))


def _timing(place: Place, warm: float | None) -> Timing:
    if not place.cold.is_file():
        return Timing(None, 0, warm)
    cold = json.loads(place.cold.read_text(encoding="utf-8"))
    return Timing(cold["seconds"], cold["chunks"], warm)


def ranked_documents(hits: Sequence[Hit]) -> list[str]:
    """Return the documents of ranked hits, each at its best hit; copies of its text (`also_in`) follow right after."""
    return list(dict.fromkeys(id_ for hit in hits for id_ in (hit.chunk.document_id, *hit.also_in)))


# --- measuring ---------------------------------------------------------------------------------------------------


def measure(found: RetrievalSet, part: Part, assistant: Assistant, place: Place, timing: Timing, say: Say) -> Retrieval:
    """Rank every query with the assistant and the three floors, and count."""
    say(f"{found.name}: {len(found.queries)} queries over {len(found.documents)} documents.")
    asked, seconds = _assistant_rankings(found, assistant, [(one.text, one.history) for one in found.queries])
    rankings: dict[str, Rankings] = {ASSISTANT: asked}
    if all(one.rewritten for one in found.queries):
        rankings[REWRITTEN], _ = _assistant_rankings(
            found, assistant, [(one.rewritten or "", ()) for one in found.queries]
        )
    rankings |= floor_rankings(found, assistant.embedder, place.floors, say)
    grades = [found.gold[one.id] for one in found.queries]
    return Retrieval(
        name=found.name,
        part=part,
        documents=len(found.documents),
        values={system: _values(ranked, grades) for system, ranked in rankings.items()},
        follow_up=[bool(one.history) for one in found.queries],
        seconds=seconds,
        timing=timing,
    )


def _values(rankings: Rankings, grades: Sequence[Mapping[str, int]]) -> dict[str, list[float]]:
    return {
        name: [formula(ranked, gold) for ranked, gold in zip(rankings, grades, strict=True)]
        for name, formula in MEASURES.items()
    }


def _assistant_rankings(
    found: RetrievalSet, assistant: Assistant, asked: Sequence[tuple[str, Sequence[Mapping[str, str | None]]]]
) -> tuple[Rankings, list[float]]:
    ids = {document.file_name: document.id for document in found.documents}
    rankings, seconds = [], []
    for question, history in asked:
        started = time.perf_counter()
        # As many hits as the search has: several may belong to one document.
        hits = assistant.search(question, history, limit=assistant.settings.candidates)
        seconds.append(time.perf_counter() - started)
        rankings.append([ids[name] for name in ranked_documents(hits) if name in ids])
    return rankings, seconds


def floor_rankings(found: RetrievalSet, embedder: Embedder, cache: Path, say: Say) -> dict[str, Rankings]:
    """Return, per floor, the ten best documents of each query; the last turn as asked, without its history."""
    ids = [document.id for document in found.documents]
    words = Bm25([stems(document.whole, document.language) for document in found.documents])
    documents = _vectors([document.whole for document in found.documents], embedder, cache, say)
    queries = _vectors([query.text for query in found.queries], embedder, cache, say)
    rankings: dict[str, list[list[str]]] = {floor: [] for floor in FLOORS}
    for query, vector in zip(found.queries, queries, strict=True):
        lexical = words.scores(stems(query.text, query.language))
        dense: Scores = (documents @ vector).astype(np.float64)
        scored = (lexical, dense, mean_of_scaled(lexical, dense))
        for floor, scores in zip(FLOORS, scored, strict=True):
            rankings[floor].append(best_first(scores, ids, DEEPEST))
    return dict(rankings)


def _vectors(texts: Sequence[str], embedder: Embedder, cache: Path, say: Say) -> Vectors:
    """Return the vectors of texts, from the folder `cache` where an earlier run left them."""
    digest = hashlib.sha256("\0".join([embedder.key, *texts]).encode("utf-8", "replace")).hexdigest()
    path = cache / f"{digest[:32]}.npy"
    if path.is_file():
        kept: Vectors = np.load(path)
        return kept
    batches = []
    for first in range(0, len(texts), EMBED_BATCH):
        batches.append(embedder.embed(texts[first : first + EMBED_BATCH]))
        if len(texts) > EMBED_BATCH:
            say(f"MiniLM floor: {min(first + EMBED_BATCH, len(texts))} of {len(texts)} texts embedded.")
    vectors: Vectors = np.concatenate(batches)
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npy")
    np.save(part, vectors)
    part.replace(path)
    return vectors


# --- the table ---------------------------------------------------------------------------------------------------

LABEL = 24
CELL = 36


def row(label: str, cells: Sequence[str]) -> str:
    """Return one line of a table with wide cells."""
    return (f"  {label:<{LABEL}}" + "".join(f"{cell:<{CELL}}" for cell in cells)).rstrip()


def cell(estimate: Estimate) -> str:
    """Return value, interval and how many were counted."""
    interval = estimate.interval
    return f"{estimate.value:.3f} [{interval.low:.3f}, {interval.high:.3f}] {estimate.counted}"


def retrieval_table(result: Retrieval) -> str:
    """Return the measures of one set, system below system."""
    half = "all queries" if result.part == "all" else f"half {result.part!r}"
    lines = [f"{result.name}, {half}: {len(result.follow_up)} queries over {result.documents} documents"]
    lines.append(row("", list(MEASURES)))
    lines += [row(system, [cell(result.estimate(system, name)) for name in MEASURES]) for system in result.values]
    lines.append(row("above the best floor", [str(result.above_floor(name)) for name in MEASURES]))
    losses = [loss for name in MEASURES if (loss := result.follow_up_loss(name))]
    if losses:
        lines.append(row(f"follow-ups ({losses[0].queries})", [str(loss) for loss in losses]))
    p50, p95 = percentile(result.seconds, 0.50) or 0.0, percentile(result.seconds, 0.95) or 0.0
    lines.append(row("seconds", [f"{result.timing}, search p50 / p95 {p50:.3f} / {p95:.3f}"]))
    return "\n".join(lines) + "\n"
