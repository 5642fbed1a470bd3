"""Made-up vectors and passages for the indexes alone: a million of them take minutes, where embedding takes days.

The vectors stand in clusters, as those of real texts do, so that nearest neighbours mean something. The words of the
passages are as unequal as those of a language: a few stand in a quarter of all passages, most in a handful. One passage
in a hundred holds a code that stands nowhere else. Everything is made in blocks, each from its number alone, so that
nobody has to hold it all.

What is measured is the indexes themselves, below the `Assistant`: hence the imports from their rooms.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eval.processes import peaks

Vectors = npt.NDArray[np.float32]

# Raised whenever the same number would give another vector or passage: kept indexes are then built anew.
SYNTHETIC_VERSION = "1"
DIMENSIONS = 384
CLUSTERS = 2_000
# Two of one cluster have a cosine of about 0.6, a question and its own passage of about 0.9.
SPREAD, QUESTION_SPREAD = 0.8, 0.5
BLOCK = 2_000
WORDS, VOCABULARY = 50, 30_000
PASSAGES_PER_DOCUMENT = 200
# One passage in so many holds a code of its own.
CODED = 100
COLLECTION = "synthetic"
# Words of the passage that a question repeats, beside its code.
ASKED_WORDS = 5
COMMIT_EVERY = SAY_EVERY = 50_000
WARMING_QUESTIONS = 20
# What recall is counted among.
NEIGHBOURS = (10, 50)
EXACT_FILE = "exact.json"
_SYLLABLES = ("ba", "vel", "nor", "tri", "kas", "mo", "len", "dra", "fi", "sol", "ter", "ven", "ru", "pex", "ali",
              "cor", "dun", "hem", "jo", "kri", "lam", "ost", "pir", "rib", "sta", "tol", "und", "vor", "wen", "yar",
              "zel", "gru")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SyntheticQuestion:
    """A question to one passage: its vector stands near the passage's, its words are of the passage."""

    passage: int
    words: str
    vector: Vectors


def blocks(passages: int) -> Iterator[tuple[int, int]]:
    """Yield the number of each block with how many passages it has; all but the last are full."""
    for block in range(-(-passages // BLOCK)):
        yield block, min(BLOCK, passages - block * BLOCK)


def vectors_of(block: int, count: int) -> Vectors:
    """Return the unit vectors of the first `count` passages of a block, shape (count, DIMENSIONS)."""
    draw = _seeded("vectors", block)
    near = _centres()[draw.integers(0, CLUSTERS, BLOCK)]
    vectors = near + SPREAD / np.sqrt(DIMENSIONS) * draw.standard_normal((BLOCK, DIMENSIONS), dtype=np.float32)
    return _unit(vectors[:count].astype(np.float32, copy=False))


def texts_of(block: int, count: int) -> list[str]:
    """Return the words of the first `count` passages of a block."""
    vocabulary, cumulated = _vocabulary()
    numbers = np.searchsorted(cumulated, _seeded("texts", block).random((BLOCK, WORDS)))
    return [_sentence(block * BLOCK + row, [vocabulary[word] for word in numbers[row]]) for row in range(count)]


def code_of(passage: int) -> str | None:
    """Return the code that stands in this passage alone, or None where it holds none."""
    return f"zq{passage // CODED:05d}x" if passage % CODED == 0 else None


def chunk_id(passage: int) -> str:
    """Return the id of a passage, of the same shape as a real chunk's."""
    document, ordinal = divmod(passage, PASSAGES_PER_DOCUMENT)
    return f"{_document_id(document)}:{_version(document)[:16]}:{ordinal}"


def questions(passages: int, count: int) -> list[SyntheticQuestion]:
    """Return `count` questions to passages that hold a code, spread over all; fewer where fewer hold one."""
    coded = range(0, passages, CODED)
    chosen = [coded[round(step * (len(coded) - 1) / max(1, count - 1))] for step in range(min(count, len(coded)))]
    asked = []
    for passage in chosen:
        block, row = divmod(passage, BLOCK)
        draw = _seeded("question", passage)
        noise = QUESTION_SPREAD / np.sqrt(DIMENSIONS) * draw.standard_normal(DIMENSIONS, dtype=np.float32)
        vector = _unit((vectors_of(block, row + 1)[row] + noise).reshape(1, -1).astype(np.float32))[0]
        words = [word.strip(".").lower() for word in texts_of(block, row + 1)[row].split()]
        others = [word for word in words if word != code_of(passage)]
        picked = [others[number] for number in draw.choice(len(others), ASKED_WORDS, replace=False)]
        asked.append(SyntheticQuestion(passage, f"What does {code_of(passage)} say of {' '.join(picked)}?", vector))
    return asked


def _sentence(passage: int, words: list[str]) -> str:
    code = code_of(passage)
    if code:
        words[WORDS // 2] = code
    middle = WORDS // 2
    return f"{' '.join(words[:middle]).capitalize()}. {' '.join(words[middle:]).capitalize()}."


@cache
def _centres() -> Vectors:
    return _unit(_seeded("centres").standard_normal((CLUSTERS, DIMENSIONS), dtype=np.float32))


@cache
def _vocabulary() -> tuple[list[str], npt.NDArray[np.float64]]:
    """Return made-up words and how likely a word is one of the first n; Zipf's law without function words."""
    numbers = _seeded("vocabulary").permutation(len(_SYLLABLES) ** 3)[:VOCABULARY]
    size = len(_SYLLABLES)
    words = [_SYLLABLES[n // size**2] + _SYLLABLES[n // size % size] + _SYLLABLES[n % size] for n in numbers]
    likely = 1.0 / (np.arange(VOCABULARY) + 20.0)
    cumulated = np.cumsum(likely / likely.sum())
    cumulated[-1] = 1.0
    return words, cumulated


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _seeded(*what: object) -> np.random.Generator:
    digest = hashlib.sha256(":".join(map(str, (SYNTHETIC_VERSION, *what))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _document_id(document: int) -> str:
    return f"synthetic-{document:06d}.txt"


@cache
def _version(document: int) -> str:
    return hashlib.sha256(_document_id(document).encode()).hexdigest()


# --- the processes that measure ----------------------------------------------------------------------------------


@dataclass
class _Timed:
    """Time and processor time of what is called through it."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __call__(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        begun, cpu = time.perf_counter(), _cpu_seconds()
        done = work(*arguments, **named)
        self.seconds += time.perf_counter() - begun
        self.cpu_seconds += _cpu_seconds() - cpu
        return done

    def measured(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds, **peaks()}


def _cpu_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def _say(part: str, done: int, passages: int) -> None:
    print(f"synthetic {part}: {done} of {passages}", file=sys.stderr, flush=True)


def _build_vectors(folder: str, passages: int) -> dict[str, Any]:
    from assistant.index.vectors import ChromaVectors

    timed = _Timed()
    index = timed(ChromaVectors, Path(folder, "chroma"), COLLECTION)
    for block, count in blocks(passages):
        vectors = vectors_of(block, count)
        timed(index.add, [chunk_id(block * BLOCK + row) for row in range(count)], vectors)
        if (block + 1) * BLOCK % SAY_EVERY == 0:
            _say("vectors", block * BLOCK + count, passages)
    timed(index.close)
    return timed.measured()


def _build_words(folder: str, passages: int) -> dict[str, Any]:
    from assistant.index.lexical import LexicalIndex

    timed = _Timed()
    index = timed(LexicalIndex, Path(folder, "words"))
    waiting = 0
    for _, chunks in _documents(passages):
        timed(index.add, chunks)
        waiting += len(chunks)
        if waiting >= COMMIT_EVERY:
            timed(index.commit)
            waiting = 0
            _say("words", index.count(), passages)
    timed(index.commit)
    timed(index.close)
    return timed.measured()


def _build_library(folder: str, passages: int) -> dict[str, Any]:
    from assistant.store.library import Library

    timed = _Timed()
    library = timed(Library, Path(folder, "library.sqlite"))
    for number, (document, chunks) in enumerate(_documents(passages)):
        timed(library.store, document, chunks, fingerprint=document.version, original=document.id)
        timed(library.make_current, document.id, document.version, document.version)
        if (number + 1) * PASSAGES_PER_DOCUMENT % SAY_EVERY == 0:
            _say("library", (number + 1) * PASSAGES_PER_DOCUMENT, passages)
    timed(library.close)
    return timed.measured()


def _documents(passages: int) -> Iterator[tuple[Any, list[Any]]]:
    """Yield documents with their chunks."""
    from assistant import Chunk, Document
    from assistant.domain import Section

    for block, count in blocks(passages):
        texts = texts_of(block, count)
        for first in range(0, count, PASSAGES_PER_DOCUMENT):
            document = (block * BLOCK + first) // PASSAGES_PER_DOCUMENT
            id_, version, title = _document_id(document), _version(document), f"Synthetic volume {document}"
            held = texts[first : first + PASSAGES_PER_DOCUMENT]
            whole, start, chunks = "\n\n".join(held), 0, []
            for ordinal, text in enumerate(held):
                end = start + len(text)
                place = f"{id_}:{version[:16]}:{ordinal}"
                chunks.append(Chunk(place, id_, version, text, start, end, title, None, None, "en"))
                start = end + 2
            yield Document(id_, title, whole, (Section(0, len(whole), title, "en"),), version), chunks


def _find_exact(folder: str, passages: int, count: int) -> dict[str, Any]:
    """Write the true nearest passages of each question, found by comparing with every vector."""
    asked = np.stack([question.vector for question in questions(passages, count)])
    most = min(max(NEIGHBOURS), passages)
    best_ids = np.zeros((len(asked), 0), dtype=np.int64)
    best = np.zeros((len(asked), 0), dtype=np.float32)
    for block, held in blocks(passages):
        cosines = asked @ vectors_of(block, held).T
        ids = np.broadcast_to(np.arange(held) + block * BLOCK, cosines.shape)
        best, best_ids = np.hstack([best, cosines]), np.hstack([best_ids, ids])
        order = np.argsort(-best, axis=1, kind="stable")[:, :most]
        best, best_ids = np.take_along_axis(best, order, 1), np.take_along_axis(best_ids, order, 1)
    Path(folder, EXACT_FILE).write_text(json.dumps(best_ids.tolist()), encoding="utf-8")
    return peaks()


def _ask(folder: str, passages: int, count: int) -> dict[str, Any]:
    """Ask every question of all three and time each part; nothing is side by side, so the whole is their sum."""
    from assistant import read_settings
    from assistant.index.lexical import LexicalIndex, question_terms
    from assistant.index.vectors import ChromaVectors
    from assistant.retrieval.fusion import fuse
    from assistant.store.library import Library

    candidates = read_settings().candidates
    exact = json.loads(Path(folder, EXACT_FILE).read_text(encoding="utf-8"))
    asked = questions(passages, count)
    spent: dict[str, list[float]] = {name: [] for name in ("vectors", "words", "fusion", "library", "whole")}
    right, coded, together = dict.fromkeys(NEIGHBOURS, 0.0), 0, 0
    begun = time.perf_counter()
    library = Library(Path(folder, "library.sqlite"))
    vectors, words = ChromaVectors(Path(folder, "chroma"), COLLECTION), LexicalIndex(Path(folder, "words"))
    vectors.search(asked[0].vector, candidates)
    opened = time.perf_counter() - begun
    for number in range(-min(WARMING_QUESTIONS, len(asked)), len(asked)):
        question = asked[number]
        times = [time.perf_counter()]
        dense = vectors.search(question.vector, candidates)
        times.append(time.perf_counter())
        lexical = words.search(question_terms(question.words, "en"), candidates)
        times.append(time.perf_counter())
        fused = fuse([(dict(dense), 0.5), (dict(lexical), 0.5)])
        times.append(time.perf_counter())
        chunks = library.chunks(list(fused))
        times.append(time.perf_counter())
        if number < 0:  # the last questions, asked beforehand: they warm up
            continue
        for place, name in enumerate(("vectors", "words", "fusion", "library")):
            spent[name].append(times[place + 1] - times[place])
        spent["whole"].append(times[-1] - times[0])
        true = [chunk_id(passage) for passage in exact[number]]
        found = [id_ for id_, _ in dense]
        for among in NEIGHBOURS:
            wanted = set(true[:among])
            right[among] += len(wanted.intersection(found[:among])) / len(wanted)
        own = chunk_id(question.passage)
        coded += own in dict(lexical)
        together += own in chunks
    vectors.close()
    words.close()
    library.close()
    return {
        "spent": spent,
        "recall": {str(among): total / len(asked) for among, total in right.items()},
        "by_words": coded / len(asked),
        "found": together / len(asked),
        "opened": opened,
        "candidates": candidates,
        **peaks(),
    }


PARTS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "vectors": _build_vectors,
    "words": _build_words,
    "library": _build_library,
    "exact": _find_exact,
    "ask": _ask,
}


def main(arguments: Sequence[str]) -> None:
    """Run one part and print what it measured as the last line."""
    print(json.dumps(PARTS[arguments[0]](**json.loads(arguments[1]))))


if __name__ == "__main__":
    main(sys.argv[1:])
