"""How cost grows with the library: real documents of 1,000 to 100,000 chunks, and the indexes alone up to a million.

As in `eval.bench`, every part runs in a process of its own, times of answers are ratios to the embedding of a question
measured beside them, and what was built is kept and used again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeVar

from eval import growth_real, growth_synthetic
from eval.answering import Say
from eval.errors import EvaluationError, Misuse
from eval.growth_text import GROWTH_VERSION, SECTIONS, write_growth
from eval.measures import percentile
from eval.processes import measured_apart

Sized = TypeVar("Sized", "Grown", "Indexes")

SIZES = (1_000, 10_000, 100_000)
SYNTHETIC = (1_000_000,)
# A child that takes longer hangs: on busy cores a hundred thousand chunks take hours.
CHILD_SECONDS = 6 * 3600.0
MEASURED = "measured.json"
MEGABYTE = 2**20
# What a size needs at least, in bytes: for the programs themselves and for each chunk or passage (measured, with room).
REAL_MEMORY, REAL_MEMORY_EACH = 1_600 * MEGABYTE, 12_000
REAL_DISK, REAL_DISK_EACH = 50 * MEGABYTE, 14_000
SYNTHETIC_MEMORY, SYNTHETIC_MEMORY_EACH = 400 * MEGABYTE, 5_000
SYNTHETIC_DISK, SYNTHETIC_DISK_EACH = 20 * MEGABYTE, 6_000
# Rooms whose code decides what an ingest costs and what it leaves on the disk.
_BUILDERS = ("assistant.index.vectors", "assistant.index.lexical", "assistant.store.library", "assistant.ingest.corpus")


@dataclass(frozen=True, slots=True)
class Grown:
    """A library of real documents of one size.

    Attributes:
        embed_p50_seconds: Embedding a like question alone, measured beside the others.
        recall: Share of planted sentences that stood in a hit of their question.
        quoted: Share that the answer quoted word for word.
        answering_megabytes: Peak of the process that answers and of its largest child together.
        ingesting_megabytes: The same of the process that brings the documents in.
        unchanged_seconds: A later sync that has nothing to do.
        start_seconds: From the start of a process to its first answer.
        disk_bytes: By part of the data folder.
        built_before: The ingest was measured in an earlier run, perhaps with other jobs beside it.
        built_otherwise: And by other code than today's: ingest and disk are not today's.
    """

    chunks: int
    documents: int
    questions: int
    embed_p50_seconds: float
    passages_p50_seconds: float
    passages_p95_seconds: float
    answer_p50_seconds: float
    answer_p95_seconds: float
    recall: float
    quoted: float
    ingest_seconds: float
    unchanged_seconds: float
    start_seconds: float
    answering_megabytes: float
    ingesting_megabytes: float
    disk_bytes: Mapping[str, int]
    built_before: bool = False
    built_otherwise: bool = False

    @property
    def size(self) -> int:
        """How many chunks."""
        return self.chunks

    @property
    def answer_ratio(self) -> float:
        """A whole answer in embeddings of its question, medians."""
        return self.answer_p50_seconds / self.embed_p50_seconds

    @property
    def passages_ratio(self) -> float:
        """Question to passages in embeddings of the question, medians."""
        return self.passages_p50_seconds / self.embed_p50_seconds

    @property
    def spread(self) -> float:
        """The 95th percentile of an answer over its median."""
        return self.answer_p95_seconds / self.answer_p50_seconds

    @property
    def chunks_per_second(self) -> float:
        """Of the first ingest."""
        return self.chunks / self.ingest_seconds

    @property
    def unchanged_ratio(self) -> float:
        """A sync that has nothing to do over the first ingest."""
        return self.unchanged_seconds / self.ingest_seconds

    @property
    def bytes_per_chunk(self) -> float:
        """Of the whole data folder."""
        return sum(self.disk_bytes.values()) / self.chunks

    @property
    def shares(self) -> dict[str, float]:
        """What an answer's median time goes to: embedding, the two searches with what they fetch, and the answer.

        The three are measured on different questions, so a difference below zero counts as nothing.
        """
        whole = max(self.answer_p50_seconds, self.passages_p50_seconds)
        embedding = min(self.embed_p50_seconds, whole)
        passages = min(max(self.passages_p50_seconds - embedding, 0.0), whole - embedding)
        return {
            "embedding the question": embedding / whole,
            "searching and fetching": passages / whole,
            "choosing and checking quotes": (whole - embedding - passages) / whole,
        }


@dataclass(frozen=True, slots=True)
class Built:
    """What the building of one index cost; the making of what went in is not counted."""

    seconds: float
    cpu_seconds: float
    peak_megabytes: float


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes alone, over synthetic vectors and passages.

    Attributes:
        spent: Median and 95th percentile in seconds, by part of a search and as a `whole`; one after the other.
        recall: Of the vector search against exact search, by how many neighbours.
        by_words: Share of passages that the word search found by their code.
        found: Share that was among what was fetched.
        opened_seconds: Until the first vector search of a process is answered.
        peak_megabytes: Of the process that asks all of them.
        built: By index.
        disk_bytes: By index.
    """

    passages: int
    questions: int
    spent: Mapping[str, tuple[float, float]]
    recall: Mapping[str, float]
    by_words: float
    found: float
    opened_seconds: float
    peak_megabytes: float
    built: Mapping[str, Built]
    disk_bytes: Mapping[str, int]
    candidates: int
    built_before: bool = False

    @property
    def size(self) -> int:
        """How many passages."""
        return self.passages

    @property
    def largest_peak(self) -> float:
        """Peak memory in megabytes, of asking and of building."""
        return max(self.peak_megabytes, *(one.peak_megabytes for one in self.built.values()))


@dataclass(frozen=True, slots=True)
class Target:
    """A figure, what it is compared with, and whether that was met."""

    what: str
    value: float
    bound: float
    kind: Literal["at most", "at least"] = "at most"

    @property
    def met(self) -> bool:
        """Whether the figure is on the right side."""
        return self.value <= self.bound if self.kind == "at most" else self.value >= self.bound


@dataclass(frozen=True, slots=True)
class Growth:
    """All sizes of one run, smallest first."""

    grown: tuple[Grown, ...]
    indexes: tuple[Indexes, ...]

    def as_json(self) -> str:
        """Return one JSON object, with the targets."""
        targets = [{**asdict(target), "met": target.met} for target in self.targets]
        return json.dumps({**asdict(self), "targets": targets}, indent=2)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What was promised of the sizes that were measured."""
        return tuple(self._targets())

    def _targets(self) -> Iterator[Target]:
        ten, hundred = (_near(self.grown, size) for size in (10_000, 100_000))
        if ten:
            yield Target("at 10,000: question to passages / embedding", ten.passages_ratio, 2.0)
            yield Target("at 10,000: answer / embedding", ten.answer_ratio, 3.0)
            yield Target("at 10,000: answer p95 / p50", ten.spread, 2.0)
        if hundred:
            yield Target("at 100,000: answer / embedding", hundred.answer_ratio, 4.0)
            yield Target("at 100,000: memory of answering, GB", hundred.answering_megabytes / 1024, 3.0)
            yield Target("at 100,000: memory of ingesting, GB", hundred.ingesting_megabytes / 1024, 3.0)
        if ten and hundred and ten.recall:
            yield Target("recall at 100,000 / at 10,000", hundred.recall / ten.recall, 0.98, "at least")
        for one in self.grown:
            yield Target(f"at {one.chunks:,}: unchanged sync / first ingest", one.unchanged_ratio, 0.01)
        million = _near(self.indexes, 1_000_000)
        if million:
            yield Target("at 1,000,000 synthetic: whole search p95, ms", million.spent["whole"][1] * 1000, 100.0)
            yield Target("at 1,000,000 synthetic: memory, GB", million.largest_peak / 1024, 6.0)


def read_growth(file: Path) -> Growth:
    """Return what an earlier run has written as JSON.

    Raises:
        Misuse: The file cannot be read, or holds something else.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        grown = tuple(Grown(**one) for one in values["grown"])
        indexes = tuple(_read_indexes(one) for one in values["indexes"])
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise Misuse(f"{file}: holds no figures of growth ({error}). Write such a file with --json.") from error
    return Growth(grown, indexes)


def _read_indexes(values: Mapping[str, Any]) -> Indexes:
    spent = {name: (times[0], times[1]) for name, times in values["spent"].items()}
    built = {name: Built(**cost) for name, cost in values["built"].items()}
    return Indexes(**{**values, "spent": spent, "built": built})


def _near(sizes: Sequence[Sized], wanted: int) -> Sized | None:
    """Return the measured size that stands for a target's: within a tenth of it."""
    return next((one for one in sizes if abs(one.size - wanted) <= wanted / 10), None)


def exponent(sizes: tuple[float, float], costs: tuple[float, float]) -> float | None:
    """Return e where cost grows as size to the power of e: 1 as the size, 0 not at all; None where that has no sense.

    Args:
        sizes: Two sizes, the smaller first.
        costs: What each of them costs.
    """
    if min(*sizes, *costs) <= 0 or sizes[0] == sizes[1]:
        return None
    return math.log(costs[1] / costs[0]) / math.log(sizes[1] / sizes[0])


def run_growth(
    folder: Path, *, sizes: Sequence[int], synthetic: Sequence[int], questions: int, repeats: int, say: Say
) -> Growth:
    """Measure all sizes, smallest first; what was built is kept below `folder` and used again.

    Args:
        sizes: In chunks of real documents.
        synthetic: In passages of the indexes alone.
        questions: How many are asked at each size.
        repeats: How often a start and a sync that has nothing to do are timed; the median counts.

    Raises:
        Misuse: A size is too small to be measured, or there is too little memory or room for it.
        EvaluationError: A measuring process failed.
    """
    smallest = growth_synthetic.CODED
    if (
        any(size < SECTIONS for size in sizes)
        or any(size < smallest for size in synthetic)
        or min(questions, repeats) < 1
    ):
        raise Misuse(
            f"--sizes takes {SECTIONS} or more, --synthetic {smallest} or more, --questions and --repeats 1 or more."
        )
    if not sizes and not synthetic:
        raise Misuse("Without --sizes and without --synthetic there is nothing to measure.")
    folder.mkdir(parents=True, exist_ok=True)
    to_build = [size for size in sizes if not (_real_folder(folder, size) / MEASURED).exists()]
    also = [size for size in synthetic if not (_synthetic_folder(folder, size) / MEASURED).exists()]
    check_room(needs(sizes, synthetic, to_build, also), free_bytes(folder), say_more=folder)
    grown = tuple(_grown(folder, size, questions, repeats, say) for size in sorted(set(sizes)))
    indexes = tuple(_indexes(folder, size, questions, say) for size in sorted(set(synthetic)))
    return Growth(grown, indexes)


# --- room --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of memory and of disk."""

    memory: int
    disk: int


def needs(
    sizes: Sequence[int], synthetic: Sequence[int], sizes_to_build: Sequence[int], synthetic_to_build: Sequence[int]
) -> Room:
    """Return what a run needs: memory for its largest part, disk for all that is not built yet."""
    memory = [REAL_MEMORY + size * REAL_MEMORY_EACH for size in sizes]
    memory += [SYNTHETIC_MEMORY + size * SYNTHETIC_MEMORY_EACH for size in synthetic]
    disk = sum(REAL_DISK + size * REAL_DISK_EACH for size in sizes_to_build)
    disk += sum(SYNTHETIC_DISK + size * SYNTHETIC_DISK_EACH for size in synthetic_to_build)
    return Room(max(memory, default=0), disk)


def check_room(needed: Room, free: Room, *, say_more: Path) -> None:
    """Refuse a run that this machine cannot hold, before anything is begun.

    Raises:
        Misuse: Says what is too little, how much is needed and what to do.
    """
    for what, need, there, where in (
        ("memory", needed.memory, free.memory, "are free"),
        ("room on the disk", needed.disk, free.disk, f"are free at {say_more}"),
    ):
        if need > there:
            raise Misuse(
                f"Too little {what} for the sizes asked for: about {_gigabytes(need)} are needed and "
                f"{_gigabytes(there)} {where}. Ask for less with --sizes and --synthetic, or make room."
            )


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GB"


def free_bytes(folder: Path) -> Room:
    """Return the memory and the disk that are free here; a container's own limit of memory counts."""
    return Room(_free_memory(), shutil.disk_usage(folder).free)


def _free_memory() -> int:
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        values = dict(line.split(":", 1) for line in meminfo.read_text(encoding="utf-8").splitlines())
        found = int(values["MemAvailable"].split()[0]) * 1024
    limit, used = (Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory.current"))
    if limit.exists() and used.exists() and (most := limit.read_text(encoding="utf-8").strip()).isdigit():
        found = min(found, int(most) - int(used.read_text(encoding="utf-8")))
    return found


# --- real documents ----------------------------------------------------------------------------------------------


def _real_folder(folder: Path, size: int) -> Path:
    return folder / f"real-{size}-{_digest(GROWTH_VERSION, ['assistant.documents.chunking'])}"


def _digest(version: str, modules: Sequence[str]) -> str:
    """Return a name for how something was built: another generator or other code means another one."""
    digest = hashlib.sha256(version.encode())
    for name in modules:
        found = importlib.util.find_spec(name)
        digest.update(Path(found.origin).read_bytes() if found and found.origin else b"")
    return digest.hexdigest()[:12]


def _grown(folder: Path, size: int, questions: int, repeats: int, say: Say) -> Grown:
    built, kept = _built(folder, size, say)
    say(f"{size:,} chunks: starting {repeats} times")
    starts, unchanged = [], []
    for _ in range(repeats):
        begun = time.perf_counter()
        first = _real("first", built=str(built))
        # The answer's own moment, not the end of the process: closing is not waiting.
        starts.append(first["answered_at"] - begun)
        unchanged.append(first["unchanged"])
    say(f"{size:,} chunks: {questions} questions for answers and {questions} for passages")
    asked = _real("ask", built=str(built), questions=questions)
    begin = json.loads((built / MEASURED).read_text(encoding="utf-8"))
    spent = {
        (name, share): percentile(asked[name], share) or 0.0
        for name in ("answer", "passages", "embed")
        for share in (0.50, 0.95)
    }
    return Grown(
        chunks=int(begin["chunks"]),
        documents=int(begin["documents"]),
        questions=len(asked["answer"]),
        embed_p50_seconds=spent["embed", 0.50],
        passages_p50_seconds=spent["passages", 0.50],
        passages_p95_seconds=spent["passages", 0.95],
        answer_p50_seconds=spent["answer", 0.50],
        answer_p95_seconds=spent["answer", 0.95],
        recall=asked["recall"],
        quoted=asked["quoted"],
        ingest_seconds=begin["seconds"],
        unchanged_seconds=median(unchanged),
        start_seconds=median(starts),
        answering_megabytes=asked["peak"] + asked["children_peak"],
        ingesting_megabytes=begin["peak"] + begin["children_peak"],
        disk_bytes=_disk(built / "data"),
        built_before=kept,
        built_otherwise=begin["built_by"] != _digest("", _BUILDERS),
    )


def _built(folder: Path, size: int, say: Say) -> tuple[Path, bool]:
    """Return a folder with `corpus`, `data` and `facts.json` of about `size` chunks, and whether it was there."""
    built = _real_folder(folder, size)
    if (built / MEASURED).exists():
        return built, True
    say(f"{size:,} chunks: building a library in {built}; it is kept for the next time")
    shutil.rmtree(built, ignore_errors=True)
    documents = -(-size // SECTIONS)
    facts = write_growth(built / "corpus", 0, documents)
    (built / "facts.json").write_text(json.dumps([asdict(fact) for fact in facts]), encoding="utf-8")
    measured = _real("sync", built=str(built))
    if measured["chunks"] != len(facts):
        raise EvaluationError(
            f"{len(facts)} sections became {measured['chunks']} chunks, so the generated text no longer fits the "
            "chunking. Mend eval/growth_text.py."
        )
    measured |= {"documents": documents, "built_by": _digest("", _BUILDERS)}
    (built / MEASURED).write_text(json.dumps(measured), encoding="utf-8")
    say(f"{size:,} chunks: brought in after {measured['seconds']:.0f} s")
    return built, False


def _real(part: str, **arguments: Any) -> dict[str, Any]:
    return measured_apart(growth_real.__name__, part, CHILD_SECONDS, **arguments)


def _disk(data: Path) -> dict[str, int]:
    """Return the size of each part of a data folder; a database with what stands beside it."""
    sizes: dict[str, int] = {}
    for file in data.rglob("*"):
        if file.is_file():
            name = file.relative_to(data).parts[0].removesuffix("-wal").removesuffix("-shm")
            # The word index is named after its generation.
            name = "words" if name.startswith("words-") else name
            sizes[name] = sizes.get(name, 0) + file.stat().st_size
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


# --- the indexes alone -------------------------------------------------------------------------------------------


def _synthetic_folder(folder: Path, size: int) -> Path:
    how = _digest(growth_synthetic.SYNTHETIC_VERSION, _BUILDERS[:3])
    return folder / f"synthetic-{size}-{how}"


def _indexes(folder: Path, size: int, questions: int, say: Say) -> Indexes:
    built = _synthetic_folder(folder, size)
    kept = (built / MEASURED).exists()
    if not kept:
        say(f"{size:,} synthetic: building the indexes in {built}; they are kept for the next time")
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(parents=True)
        costs = {part: _synthetic(part, built, size) for part in ("vectors", "words", "library")}
        (built / MEASURED).write_text(json.dumps(costs), encoding="utf-8")
    say(f"{size:,} synthetic: {questions} questions")
    _synthetic("exact", built, size, count=questions)
    asked = _synthetic("ask", built, size, count=questions)
    costs = json.loads((built / MEASURED).read_text(encoding="utf-8"))
    disk = _disk(built)
    return Indexes(
        passages=size,
        questions=len(asked["spent"]["whole"]),
        spent={
            name: (percentile(times, 0.50) or 0.0, percentile(times, 0.95) or 0.0)
            for name, times in asked["spent"].items()
        },
        recall=asked["recall"],
        by_words=asked["by_words"],
        found=asked["found"],
        opened_seconds=asked["opened"],
        peak_megabytes=asked["peak"],
        built={part: Built(one["seconds"], one["cpu_seconds"], one["peak"]) for part, one in costs.items()},
        disk_bytes={name: size for name, size in disk.items() if not name.endswith(".json")},
        candidates=asked["candidates"],
        built_before=kept,
    )


def _synthetic(part: str, built: Path, size: int, **arguments: Any) -> dict[str, Any]:
    return measured_apart(growth_synthetic.__name__, part, CHILD_SECONDS, folder=str(built), passages=size, **arguments)
