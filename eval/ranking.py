"""Ranked documents: their measures, and the floors that a search must beat. Nothing here reads a file.

The floors rank whole documents: BM25 over stems, one vector a document, and the plain mean of the two. They share no
code with the assistant's own search, so that a mistake there cannot lift what it is compared with.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import snowballstemmer

from eval.intervals import RESAMPLES, SEED, Interval

Scores = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]

# Lucene's defaults.
K1 = 1.2
B = 0.75
_WORD = re.compile(r"\w+")
_STEMMERS = {"en": "english", "nb": "norwegian", "nn": "norwegian"}


# --- measures ----------------------------------------------------------------------------------------------------


def ndcg(ranked: Sequence[str], gold: Mapping[str, int], at: int = 10) -> float:
    """Return the nDCG of the first `at` documents, 0 to 1; 0 where nothing is relevant.

    DCG = sum of grade / log2(rank + 1) (Järvelin and Kekäläinen, TOIS 20, 2002, with linear gain as in trec_eval), out
    of the DCG of the best order there could be.
    """
    best = _dcg(sorted(gold.values(), reverse=True)[:at])
    return _dcg([gold.get(id_, 0) for id_ in ranked[:at]]) / best if best else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def recall(ranked: Sequence[str], gold: Mapping[str, int], at: int) -> float:
    """Return the share of the relevant documents that stand among the first `at`; 0 where nothing is relevant."""
    relevant = {id_ for id_, grade in gold.items() if grade > 0}
    return len(relevant.intersection(ranked[:at])) / len(relevant) if relevant else 0.0


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return the probability that a positive scores above a negative, ties counting half; None where a side is empty.

    The Mann-Whitney statistic, out of the number of pairs.
    """
    if not positives or not negatives:
        return None
    wins = np.subtract.outer(np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64))
    return float((np.count_nonzero(wins > 0) + 0.5 * np.count_nonzero(wins == 0)) / wins.size)


def auroc_interval(positives: Sequence[float], negatives: Sequence[float], resamples: int = RESAMPLES) -> Interval:
    """Return the 95 % bootstrap interval of `auroc`, both sides drawn on their own; 0 to 1 where a side is empty."""
    if not positives or not negatives:
        return Interval(0.0, 1.0)
    differences = np.subtract.outer(np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64))
    wins = (differences > 0) + 0.5 * (differences == 0)
    generator = np.random.default_rng(SEED)
    # A draw is how often each question was taken: the AUROC of a draw is then a product of two vectors and a matrix.
    above = _drawn_shares(generator, len(positives), resamples)
    below = _drawn_shares(generator, len(negatives), resamples)
    values = np.einsum("ij,ij->i", above @ wins, below)
    low, high = np.percentile(values, (2.5, 97.5))
    return Interval(float(low), float(high))


def _drawn_shares(generator: np.random.Generator, size: int, resamples: int) -> Scores:
    return generator.multinomial(size, np.full(size, 1 / size), size=resamples) / size


def threshold_at(answerable: Sequence[float], false_refusals: float) -> float | None:
    """Return the highest threshold below which at most this share of the answerable questions lies; None for none.

    A question is refused when its probability is below the threshold.
    """
    if not answerable:
        return None
    return sorted(answerable)[min(int(false_refusals * len(answerable)), len(answerable) - 1)]


# --- floors ------------------------------------------------------------------------------------------------------


def stems(text: str, language: str) -> list[str]:
    """Return the Snowball stems of all words, lower-cased; a language without a stemmer of ours is read as English."""
    return [str(word) for word in _stemmer(_STEMMERS.get(language, "english")).stemWords(_WORD.findall(text.lower()))]


@cache
def _stemmer(name: str) -> Any:
    return snowballstemmer.stemmer(name)


class Bm25:
    """BM25 over whole documents (Robertson and Zaragoza, 2009), k1 = 1.2, b = 0.75.

    score = sum over the query's words of idf * f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean length)), with
    Lucene's idf = ln(1 + (N - n + 0.5) / (n + 0.5)), which is never negative.
    """

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        """Index documents, each as its stems; no document, or none with a word, scores nothing."""
        lengths = np.asarray([len(words) for words in documents], dtype=np.float64)
        mean = float(lengths.mean()) if lengths.sum() else 1.0
        norms = K1 * (1 - B + B * lengths / mean)
        holders: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, words in enumerate(documents):
            for word, count in Counter(words).items():
                holders[word].append((place, count))
        self._size = len(documents)
        self._weights = {word: self._weigh(found, norms) for word, found in holders.items()}

    def _weigh(self, found: Sequence[tuple[int, int]], norms: Scores) -> tuple[npt.NDArray[np.int64], Scores]:
        places = np.asarray([place for place, _ in found], dtype=np.int64)
        counts = np.asarray([count for _, count in found], dtype=np.float64)
        idf = math.log(1 + (self._size - len(found) + 0.5) / (len(found) + 0.5))
        return places, idf * counts * (K1 + 1) / (counts + norms[places])

    def scores(self, query: Sequence[str]) -> Scores:
        """Return every document's score for a query given as stems, 0 for a document that holds none of them."""
        total = np.zeros(self._size)
        for word in query:
            if word in self._weights:
                places, weights = self._weights[word]
                total[places] += weights
        return total


def mean_of_scaled(first: Scores, second: Scores) -> Scores:
    """Return the plain mean of two score lists, each scaled to 0..1 by min-max; equal scores scale to 0."""
    return (_scaled(first) + _scaled(second)) / 2


def _scaled(scores: Scores) -> Scores:
    spread = float(np.ptp(scores)) if scores.size else 0.0
    return (scores - scores.min()) / spread if spread else np.zeros_like(scores)


def best_first(scores: Scores, ids: Sequence[str], limit: int) -> list[str]:
    """Return the ids of up to `limit` documents, best first; equal scores stand by id, so file order tells nothing."""
    nearest = np.lexsort((np.asarray(ids), -scores))[:limit]
    return [ids[place] for place in nearest]
