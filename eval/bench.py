"""Speed, each figure as a ratio to something measured beside it in the same run, since machines differ and are shared.

Every part runs in processes of its own (`python -m eval.bench PART ARGUMENTS`), so that peak memory is that part's, and
repeats alternate with what they are compared to, so that a busy minute hits both.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from statistics import median
from typing import Any

from eval.answering import Say
from eval.errors import EvaluationError, Misuse
from eval.generate import GENERATOR_VERSION, PlantedFact, write_documents
from eval.measures import percentile
from eval.processes import measured_apart, peaks
from eval.question_set import read_questions
from eval.run import QUESTIONS
from eval.starting import Health, measure_health
from eval.visitors import ROUNDS, Visitors, measure_visitors

# Units of a passage: an upper bound.
MORE_THAN_ANY_PASSAGE = 500
ROOT = Path(__file__).parents[1]
IMPORT_LINE = "import onnxruntime, tokenizers, chromadb, fastapi"
# A child that takes longer hangs: 10,000 chunks take ten minutes on two free cores, and far more on busy ones.
CHILD_SECONDS = 7200
# Generated documents do not repeat between parts: each part counts from its own first number.
FIRST_COLD, FIRST_WARM, FIRST_FINDABLE, FIRST_BESIDE, FIRST_SIZED = 0, 10_000, 20_000, 30_000, 100_000
# How many documents fill a corpus is learnt from this many.
SAMPLE_DOCUMENTS = 5
# A visitor reads before asking again.
BETWEEN_QUESTIONS_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured how often."""

    ingest_documents: int = 50
    ingest_repeats: int = 3
    corpora: tuple[int, ...] = (1_000, 10_000)
    questions: int = 60
    start_repeats: int = 5
    findable_documents: int = 10
    findable_repeats: int = 3
    beside_documents: int = 200
    asked_at_rest: int = 100
    openings: int = 10
    visitors: int = 50
    browsers: int = 5


QUICK = Sizes(
    ingest_documents=2, ingest_repeats=1, corpora=(60,), questions=6, start_repeats=1, findable_documents=1,
    findable_repeats=1, beside_documents=1, asked_at_rest=5, openings=1, visitors=4, browsers=1,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ingest:
    """Chunks per second from files to fully findable, over those of the model alone on the very same texts.

    The model alone is what embeds them here too, in the same runtime with as many threads, and all texts at hand.

    Attributes:
        cold_ratio: The first sync of a process: the start of the embedding worker counts.
        warm_ratio: A later sync of the same process.
        unchanged_ratio: A sync of the whole library that finds nothing new, over the two that brought it in.
        chunks: Texts embedded in each of the two.
        peak_megabytes: Of the owner, and of its largest child process.
    """

    cold_ratio: float
    warm_ratio: float
    unchanged_ratio: float
    chunks: int
    cold_seconds: float
    warm_seconds: float
    unchanged_seconds: float
    raw_cold_texts_seconds: float
    raw_warm_texts_seconds: float
    peak_megabytes: float
    children_peak_megabytes: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Question to answer, and to passages, over the median time of embedding such a question alone.

    Attributes:
        spread: 95th percentile of whole answers over their median.
        runtime: What computes a question's vector.
    """

    p50_ratio: float
    p95_ratio: float
    passages_p50_ratio: float
    passages_p95_ratio: float
    spread: float
    chunks: int
    ask_p50_seconds: float
    ask_p95_seconds: float
    passages_p50_seconds: float
    runtime: str
    embed_p50_seconds: float
    questions: int
    found: float
    peak_megabytes: float


@dataclass(frozen=True, slots=True)
class Start:
    """A fresh process to its first answer, over a fresh process that imports the libraries of the line and ends."""

    ratio: float
    first_answer_seconds: float
    imports_seconds: float
    import_line: str
    peak_megabytes: float
    repeats: int


@dataclass(frozen=True, slots=True)
class Findable:
    """From the start of a sync of new documents until they are found by words, and fully.

    Reading the files is included, so both are upper bounds of the time from the end of parsing. A question that is
    asked over and over finds out; the time of one answer is the resolution.
    """

    by_words_seconds: float
    fully_seconds: float
    ratio: float
    chunks: int
    asked_times: int
    repeats: int


@dataclass(frozen=True, slots=True)
class Judging:
    """Judging one written sentence with the vector of its quote at hand, over embedding that sentence alone."""

    p50_ratio: float
    p95_ratio: float
    judge_p50_seconds: float
    embed_p50_seconds: float
    claims: int


@dataclass(frozen=True, slots=True)
class Opened:
    """Opening the page, from the start of the navigation.

    Attributes:
        title_p50_seconds: Until our name is painted.
        usable_p50_seconds: Until the question box takes letters.
        from_cache: How many of the requests the browser answered itself.
        kilobytes: Over the network, headers included, in 1000 bytes.
    """

    title_p50_seconds: float
    title_p95_seconds: float
    usable_p50_seconds: float
    usable_p95_seconds: float
    requests: int
    from_cache: int
    kilobytes: float


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many visitors who ask at the same moment, each a question of its own, over the page's own ways.

    Attributes:
        wrong_answers: Who saw another question than the own one, or other quotes than it gets asked alone.
        different_answers: How many sets of quotes the questions have: what a mix-up could be seen by.
        shown_a_place: How many saw a place in line while they waited.
        faults: What went wrong, one sentence each.
    """

    visitors: int
    in_chromium: int
    errors: int
    wrong_answers: int
    different_answers: int
    shown_a_place: int
    largest_place: int
    answer_p50_seconds: float
    slowest_seconds: float
    places_of_the_slowest: tuple[int, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageSpeed:
    """The founders' page in a real browser on the same machine.

    Attributes:
        cold: A new visitor's first visit.
        warm: The visit after it.
        plain_page_p50_seconds: First contentful paint of a page of ours without script, to compare with.
        lag_p50_seconds: From the assistant's having an answer (its line in the log) to its standing on the screen.
        enter_to_screen_p50_seconds: The visitor's own wait.
        assistant_p50_seconds: The assistant's share of it.
        largest: The heaviest requests of a cold visit.
        load_before: The machine's load average over the last minute.
        missed: Targets that were missed, with the figure.
        faults: What is wrong at any speed.
    """

    cold: Opened
    warm: Opened
    plain_page_p50_seconds: float
    lag_p50_seconds: float
    lag_p95_seconds: float
    enter_to_screen_p50_seconds: float
    enter_to_screen_p95_seconds: float
    assistant_p50_seconds: float
    visits: int
    largest: tuple[str, ...]
    crowd: Crowd
    load_before: float
    load_after: float
    missed: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Answers while many documents come in, and at rest, over the same corpus in one process.

    Attributes:
        p95_ratio: 95th percentile during the ingest to that at rest; the target is at most 2.
        rest_p50_seconds: Of the questions asked before the ingest; `during_` while it ran.
        answered: How many questions were asked during the ingest, all of which were answered.
        documents: How many came in meanwhile.
    """

    p50_ratio: float
    p95_ratio: float
    rest_p50_seconds: float
    rest_p95_seconds: float
    during_p50_seconds: float
    during_p95_seconds: float
    answered: int
    documents: int
    ingest_seconds: float


Part = Ingest | Answers | Start | Findable | Judging | Beside | Health | PageSpeed | Visitors
# Serves a corpus as the app does.
NEEDS_THE_CORPUS = ("page", "visitors")


@dataclass(frozen=True, slots=True)
class Findings:
    """All parts of one bench."""

    parts: Mapping[str, Part]

    def as_json(self) -> str:
        """Return one JSON object by part."""
        return json.dumps({name: asdict(part) for name, part in self.parts.items()}, indent=2)

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong at any speed, of all parts."""
        return tuple(
            fault for part in self.parts.values() if isinstance(part, PageSpeed | Visitors) for fault in part.faults
        )

    def as_table(self) -> str:
        """Return a fixed-width table, ratios first as each part declares them."""
        return "\n\n".join("\n".join([name, *_lines(part, "  ")]) for name, part in self.parts.items())


def _lines(part: Any, margin: str) -> list[str]:
    """Return a line for each figure; those of a part of a part stand below its name."""
    lines = []
    for field in fields(part):
        value = getattr(part, field.name)
        if is_dataclass(value):
            lines += [f"{margin}{field.name}", *_lines(value, f"{margin}  ")]
        elif value and isinstance(value, tuple) and is_dataclass(value[0]):
            for one in value:
                lines += [f"{margin}{field.name}", *_lines(one, f"{margin}  ")]
        elif value and isinstance(value, tuple) and isinstance(value[0], str):
            lines += [f"{margin}{field.name}", *(f"{margin}  {one}" for one in value)]
        else:
            lines.append(f"{margin}{field.name:<32}{_shown(value)}")
    return lines


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def run_bench(
    folder: Path,
    *,
    quick: bool,
    parts: Sequence[str] | None,
    say: Say,
    corpus: Path | None = None,
    data: Path | None = None,
) -> Findings:
    """Measure the named parts; built corpora are kept below `folder` and used again.

    The fast form of the embedding model is made first where there is none yet, so that no part waits for it. Without
    names it is every part but `page` and `visitors`, which need a data folder that nobody else owns, and a browser.

    Args:
        corpus: What the parts `page` and `visitors` serve; the app's own choice without it.
        data: Its data folder; the app's own choice without it.

    Raises:
        Misuse: There is no such part.
        EvaluationError: A measuring process failed.
    """
    sizes = QUICK if quick else Sizes()
    known: dict[str, Callable[[], Part]] = {
        "ingest": lambda: ingest(folder, sizes, say),
        **{f"answers at {size}": _answers_at(folder, size, sizes, say) for size in sizes.corpora},
        "start": lambda: start(folder, sizes, say),
        "findable": lambda: findable(folder, sizes, say),
        "judging": lambda: judging(say),
        "beside": lambda: beside(folder, sizes, say),
        "health": lambda: health(folder, sizes, say),
        "visitors": lambda: visitors(quick, say, corpus, data),
        "page": lambda: page(sizes, say, corpus, data),
    }
    wanted = parts or [name for name in known if name not in NEEDS_THE_CORPUS]
    chosen = [name for name in known if name in wanted or name.split()[0] in wanted]
    if not chosen or (parts and not all(any(one in (name, name.split()[0]) for name in known) for one in parts)):
        raise Misuse(f"--part names one of: {', '.join(known)}.")
    _child("ready")
    return Findings({name: known[name]() for name in chosen})


def _answers_at(folder: Path, size: int, sizes: Sizes, say: Say) -> Callable[[], Part]:
    return lambda: answers(folder, size, sizes, say)


# --- the parts ---------------------------------------------------------------------------------------------------


def ingest(folder: Path, sizes: Sizes, say: Say) -> Ingest:
    """Measure the throughput of ingest; each repeat starts from an empty data folder."""
    work = _emptied(folder / "ingest")
    cold = write_documents(work / "cold", FIRST_COLD, sizes.ingest_documents)
    write_documents(work / "warm", FIRST_WARM, sizes.ingest_documents)
    runs, raws = [], []
    for repeat in range(sizes.ingest_repeats):
        say(f"ingest: repeat {repeat + 1} of {sizes.ingest_repeats}, {len(cold)} sections twice")
        runs.append(_child("ingest", work=str(work)))
        raws.append(_child("raw", work=str(work)))
    cold_ratios = [raw["cold"] / run["cold"] for run, raw in zip(runs, raws, strict=True)]
    warm_ratios = [raw["warm"] / run["warm"] for run, raw in zip(runs, raws, strict=True)]
    return Ingest(
        cold_ratio=median(cold_ratios),
        warm_ratio=median(warm_ratios),
        unchanged_ratio=median(run["unchanged"] / (run["cold"] + run["warm"]) for run in runs),
        chunks=int(runs[0]["warm_chunks"]),
        cold_seconds=_median(runs, "cold"),
        warm_seconds=_median(runs, "warm"),
        unchanged_seconds=_median(runs, "unchanged"),
        raw_cold_texts_seconds=_median(raws, "cold"),
        raw_warm_texts_seconds=_median(raws, "warm"),
        peak_megabytes=_median(runs, "peak"),
        children_peak_megabytes=_median(runs, "children_peak"),
        repeats=sizes.ingest_repeats,
    )


def answers(folder: Path, size: int, sizes: Sizes, say: Say) -> Answers:
    """Measure answers over a corpus of about `size` chunks, built on the first call and kept."""
    built = _built(folder, size, say)
    say(f"answers at {size}: {sizes.questions} questions")
    measured = _child("answers", built=str(built), questions=sizes.questions)
    embed_p50 = percentile(measured["embed"], 0.50) or 0.0
    ask_p50, ask_p95 = (percentile(measured["ask"], share) or 0.0 for share in (0.50, 0.95))
    passages_p50, passages_p95 = (percentile(measured["passages"], share) or 0.0 for share in (0.50, 0.95))
    return Answers(
        p50_ratio=ask_p50 / embed_p50,
        p95_ratio=ask_p95 / embed_p50,
        passages_p50_ratio=passages_p50 / embed_p50,
        passages_p95_ratio=passages_p95 / embed_p50,
        spread=ask_p95 / ask_p50,
        chunks=int(measured["chunks"]),
        ask_p50_seconds=ask_p50,
        ask_p95_seconds=ask_p95,
        passages_p50_seconds=passages_p50,
        runtime=measured["runtime"],
        embed_p50_seconds=embed_p50,
        questions=sizes.questions,
        found=measured["found"],
        peak_megabytes=measured["peak"],
    )


def start(folder: Path, sizes: Sizes, say: Say) -> Start:
    """Measure a fresh process to its first answer over the largest kept corpus, alternating with bare imports."""
    built = _built(folder, max(sizes.corpora), say)
    asked, imported, peaks = [], [], []
    for repeat in range(sizes.start_repeats):
        say(f"start: repeat {repeat + 1} of {sizes.start_repeats}")
        begun = time.perf_counter()
        first = measured_apart("eval.first_answer", "first", CHILD_SECONDS, built=str(built))
        # The answer's own moment, not the end of the process: closing is not waiting.
        asked.append(first["answered_at"] - begun)
        peaks.append(first["peak"])
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", IMPORT_LINE], check=True, cwd=ROOT, timeout=CHILD_SECONDS)
        imported.append(time.perf_counter() - begun)
    return Start(
        ratio=median(ask / bare for ask, bare in zip(asked, imported, strict=True)),
        first_answer_seconds=median(asked),
        imports_seconds=median(imported),
        import_line=IMPORT_LINE,
        peak_megabytes=median(peaks),
        repeats=sizes.start_repeats,
    )


def findable(folder: Path, sizes: Sizes, say: Say) -> Findable:
    """Measure how soon new documents are found; each repeat starts from a copy of the smallest kept corpus."""
    built = _built(folder, min(sizes.corpora), say)
    runs = []
    for repeat in range(sizes.findable_repeats):
        say(f"findable: repeat {repeat + 1} of {sizes.findable_repeats}")
        work = _emptied(folder / "findable")
        shutil.copytree(built, work / "built")
        first = FIRST_FINDABLE + repeat * sizes.findable_documents
        runs.append(_child("findable", built=str(work / "built"), first=first, documents=sizes.findable_documents))
    return Findable(
        by_words_seconds=_median(runs, "by_words"),
        fully_seconds=_median(runs, "fully"),
        ratio=median(run["by_words"] / run["fully"] for run in runs),
        chunks=int(runs[0]["chunks"]),
        asked_times=int(_median(runs, "asked_times")),
        repeats=sizes.findable_repeats,
    )


def beside(folder: Path, sizes: Sizes, say: Say) -> Beside:
    """Measure answers while documents come in; the same questions at the same pace as at rest."""
    built = _built(folder, min(sizes.corpora), say)
    say(f"beside: {sizes.beside_documents} documents come in while questions are asked")
    work = _emptied(folder / "beside")
    shutil.copytree(built, work / "built")
    run = _child(
        "beside",
        built=str(work / "built"),
        first=FIRST_BESIDE,
        documents=sizes.beside_documents,
        at_rest=sizes.asked_at_rest,
    )
    at = {name: sorted(run[name]) for name in ("rest", "during")}
    p95 = {name: times[int(0.95 * len(times))] for name, times in at.items()}
    p50 = {name: median(times) for name, times in at.items()}
    return Beside(
        p50_ratio=p50["during"] / p50["rest"],
        p95_ratio=p95["during"] / p95["rest"],
        rest_p50_seconds=p50["rest"],
        rest_p95_seconds=p95["rest"],
        during_p50_seconds=p50["during"],
        during_p95_seconds=p95["during"],
        answered=len(at["during"]),
        documents=sizes.beside_documents,
        ingest_seconds=run["seconds"],
    )


def judging(say: Say) -> Judging:
    """Measure the judge of written sentences on the true claims of its tuning half."""
    say("judging: every true claim once, embedded alone and judged")
    run = _child("judging")
    ratios = sorted(one / other for one, other in zip(run["judge"], run["embed"], strict=True))
    return Judging(
        p50_ratio=median(ratios),
        p95_ratio=ratios[int(0.95 * len(ratios))],
        judge_p50_seconds=median(run["judge"]),
        embed_p50_seconds=median(run["embed"]),
        claims=len(ratios),
    )


def health(folder: Path, sizes: Sizes, say: Say) -> Health:
    """Measure how soon a fresh app answers at its health address, and on its page."""
    built = _built(folder, min(sizes.corpora), say)
    return measure_health(sizes.start_repeats, built / "corpus", built / "data", say)


def visitors(quick: bool, say: Say, corpus: Path | None, data: Path | None) -> Visitors:
    """Measure many visitors at once; they ask questions of the tuning half."""
    asked = [one.question for one in read_questions(QUESTIONS, "tuning") if one.has_answer and not one.history]
    rounds = {1: 2, 4: 1} if quick else ROUNDS
    return measure_visitors(asked, say, rounds=rounds, corpus=corpus, data=data)


def page(sizes: Sizes, say: Say, corpus: Path | None, data: Path | None) -> PageSpeed:
    """Measure the founders' page; its visitors ask questions of the tuning half."""
    try:
        from eval.page_bench import measure_page
    except ModuleNotFoundError as error:
        raise EvaluationError(
            f"The page cannot be measured: {error.name} is not installed. Run `pip install -e .[dev]` first."
        ) from error
    asked = [one.question for one in read_questions(QUESTIONS, "tuning") if one.has_answer and not one.history]
    return measure_page(sizes, list(dict.fromkeys(asked)), say, corpus=corpus, data=data)


def _median(runs: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(median(run[key] for run in runs))


# --- corpora that are kept ---------------------------------------------------------------------------------------


def _built(folder: Path, size: int, say: Say) -> Path:
    """Return a folder with `corpus`, `data` and `facts.json` of about `size` chunks, building it if need be."""
    built = folder / f"{size}-{_recipe()}"
    if (built / "facts.json").exists():
        return built
    say(f"building a corpus of {size} chunks in {built}; it is kept for the next time")
    _emptied(built)
    begun = time.perf_counter()
    write_documents(built / "corpus", FIRST_SIZED, SAMPLE_DOCUMENTS)
    chunks = int(_child("sync", built=str(built))["chunks"])
    documents = max(SAMPLE_DOCUMENTS, -(-size * SAMPLE_DOCUMENTS // chunks))
    facts = write_documents(built / "corpus", FIRST_SIZED, documents)
    _child("sync", built=str(built))
    (built / "facts.json").write_text(json.dumps([asdict(fact) for fact in facts]), encoding="utf-8")
    say(f"built {documents} documents in {time.perf_counter() - begun:.0f} s")
    return built


def _recipe() -> str:
    """Return a name for how kept corpora were made: another generator or chunking means another corpus."""
    found = importlib.util.find_spec("assistant.documents.chunking")
    source = Path(found.origin).read_bytes() if found and found.origin else b""
    return hashlib.sha256(GENERATOR_VERSION.encode() + source).hexdigest()[:12]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# --- the processes that measure ----------------------------------------------------------------------------------


def _child(part: str, **arguments: Any) -> dict[str, Any]:
    return measured_apart("eval.bench", part, CHILD_SECONDS, **arguments)


def _measure_ingest(work: str) -> dict[str, Any]:
    from assistant import open_assistant

    folder = Path(work)
    corpus, data = _emptied(folder / "corpus"), folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    measured: dict[str, Any] = {}
    with open_assistant(corpus=corpus, data=data) as assistant:
        for phase in ("cold", "warm"):
            shutil.copytree(folder / phase, corpus, dirs_exist_ok=True)
            before = {chunk.id for chunk in assistant.chunks()}
            begun = time.perf_counter()
            assistant.sync()
            measured[phase] = time.perf_counter() - begun
            new = [chunk for chunk in assistant.chunks() if chunk.id not in before]
            measured[f"{phase}_chunks"] = len(new)
            texts = json.dumps(assistant.embedded_texts(new))
            (folder / f"{phase}-texts.json").write_text(texts, encoding="utf-8")
        begun = time.perf_counter()
        assistant.sync()
        measured["unchanged"] = time.perf_counter() - begun
    return {**measured, **peaks()}


def _measure_raw(work: str) -> dict[str, Any]:
    from assistant import load_embedder

    model = load_embedder(bulk=True)
    model.embed(["ready"])
    measured: dict[str, Any] = {}
    for phase in ("cold", "warm"):
        texts = json.loads(Path(work, f"{phase}-texts.json").read_text(encoding="utf-8"))
        begun = time.perf_counter()
        model.embed(texts)
        measured[phase] = time.perf_counter() - begun
    return {**measured, **peaks()}


def _measure_ready() -> dict[str, Any]:
    """Make the fast form of the embedding model where there is none yet."""
    from assistant import load_embedder

    return {"made": load_embedder().make_export()}


def _measure_sync(built: str) -> dict[str, Any]:
    from assistant import open_assistant

    said: set[int] = set()

    def say(event: Mapping[str, Any]) -> None:
        if "embedded" in event and event["embedded"] not in said:  # a document that is read is told of as well
            said.add(event["embedded"])
            print(f"embedded {event['embedded']} of {event['to_embed']} chunks", file=sys.stderr, flush=True)

    with open_assistant(corpus=Path(built, "corpus"), data=Path(built, "data"), sync=False) as assistant:
        assistant.sync(progress=say)
        return {"chunks": sum(1 for _ in assistant.chunks()), **peaks()}


def _measure_answers(built: str, questions: int) -> dict[str, Any]:
    from assistant import open_assistant

    facts = _facts(built)
    # Spread over the corpus; the sibling of the same section elsewhere is embedded, so that no cache can help.
    step = max(1, len(facts) // (2 * questions))
    asked, siblings = facts[::step][::2][:questions], facts[::step][1::2][:questions]
    ask, passages, embed, found = [], [], [], 0
    with open_assistant(corpus=Path(built, "corpus"), data=Path(built, "data")) as assistant:
        assistant.ask("Is this a question that warms everything up?")
        for fact, sibling in zip(asked, siblings, strict=True):
            begun = time.perf_counter()
            answer = assistant.ask(fact.question)
            answered = time.perf_counter()
            assistant.embedder.embed([sibling.question])
            embedded = time.perf_counter()
            assistant.search(sibling.question)
            passages.append(time.perf_counter() - embedded)
            embed.append(embedded - answered)
            ask.append(answered - begun)
            found += any(citation.document == fact.document for citation in answer.citations)
        chunks = sum(1 for _ in assistant.chunks())
        runtime = assistant.embedder.runtime_name or ""
    return {
        "ask": ask,
        "passages": passages,
        "embed": embed,
        "found": found / len(asked),
        "chunks": chunks,
        "runtime": runtime,
        **peaks(),
    }


def _measure_findable(built: str, first: int, documents: int) -> dict[str, Any]:
    from assistant import open_assistant

    corpus = Path(built, "corpus")
    with open_assistant(corpus=corpus, data=Path(built, "data")) as assistant:
        assistant.ask("Is this a question that warms everything up?")
        before = sum(1 for _ in assistant.chunks())
        fact = write_documents(corpus, first, documents)[-1]
        syncing = threading.Thread(target=assistant.sync)
        begun = time.perf_counter()
        syncing.start()
        by_words = fully = 0.0
        asked_times = 0
        ended = False
        while not (ended or (by_words and fully)):
            ended = not syncing.is_alive()  # before asking: the last question comes after the sync
            asked_times += 1
            hits = [hit for hit in assistant.ask(fact.question).hits if hit.chunk.document_id == fact.document]
            passed = time.perf_counter() - begun
            by_words = by_words or (passed if any(hit.lexical_rank for hit in hits) else 0.0)
            fully = fully or (passed if any(hit.dense_rank for hit in hits) else 0.0)
        syncing.join()
        if not (by_words and fully):
            raise EvaluationError(f"{fact.question!r} does not find {fact.document} although the sync has ended.")
        chunks = sum(1 for _ in assistant.chunks()) - before
    return {"by_words": by_words, "fully": fully, "chunks": chunks, "asked_times": asked_times, **peaks()}


def _measure_beside(built: str, first: int, documents: int, at_rest: int) -> dict[str, Any]:
    from assistant import open_assistant

    corpus, facts = Path(built, "corpus"), _facts(built)
    with open_assistant(corpus=corpus, data=Path(built, "data")) as assistant:
        assistant.ask("Is this a question that warms everything up?")

        def ask(number: int) -> float:
            fact = facts[(number * 7) % len(facts)]
            begun = time.perf_counter()
            answer = assistant.ask(fact.question)
            passed = time.perf_counter() - begun
            if answer.outcome not in ("answered", "partly", "abstained"):
                raise EvaluationError(f"{fact.question!r} was not answered while documents came in.")
            time.sleep(BETWEEN_QUESTIONS_SECONDS)
            return passed

        rest = [ask(number) for number in range(at_rest)]
        write_documents(corpus, first, documents)
        syncing = threading.Thread(target=assistant.sync)
        begun = time.perf_counter()
        syncing.start()
        during: list[float] = []
        while syncing.is_alive():
            during.append(ask(len(during)))
        return {"rest": rest, "during": during, "seconds": time.perf_counter() - begun, **peaks()}


def _measure_judging() -> dict[str, Any]:
    from assistant import SupportJudge, load_embedder
    from eval.support import cases_of, chunks_of

    embedder = load_embedder()
    cases = [case for case in cases_of("tuning", None) if case.supported]
    chunks = {case.id: chunks_of(case) for case in cases}
    # As in the library: the vectors of the quoted units are there already. Which vector it is changes no time.
    ready = [embedder.embed(["ready"])[0]] * MORE_THAN_ANY_PASSAGE
    judge = SupportJudge(embedder.embed, lambda chunk: ready)
    measured: dict[str, list[float]] = {"judge": [], "embed": []}
    for case in cases:
        quotes = [(chunks[case.id][quote.passage], quote.words) for quote in case.quotes]
        begun = time.perf_counter()
        embedder.embed([case.claim])
        between = time.perf_counter()
        list(judge.claim(case.claim, case.language, quotes))
        measured["embed"].append(between - begun)
        measured["judge"].append(time.perf_counter() - between)
    return {**measured, **peaks()}


def _facts(built: str) -> list[PlantedFact]:
    values = json.loads(Path(built, "facts.json").read_text(encoding="utf-8"))
    return [PlantedFact(**value) for value in values]


_CHILDREN: Mapping[str, Callable[..., dict[str, Any]]] = {
    "ingest": _measure_ingest,
    "raw": _measure_raw,
    "ready": _measure_ready,
    "sync": _measure_sync,
    "answers": _measure_answers,
    "findable": _measure_findable,
    "judging": _measure_judging,
    "beside": _measure_beside,
}

if __name__ == "__main__":
    print(json.dumps(_CHILDREN[sys.argv[1]](**json.loads(sys.argv[2]))))
