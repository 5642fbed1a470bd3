"""Twins: documents that say the same as another one, byte by byte, word by word, or nearly.

Compared are runs of three words, as hashes: of each text a sketch of its smallest hashes is enough to tell strangers,
and only texts that may be twins are compared as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from assistant.desk import Twin
from assistant.domain import Document
from assistant.retrieval.families import SAME_TEXT

Where = Literal["published", "unpublished", "draft"]
Hashes = npt.NDArray[np.uint64]

# From this share of the longer text's runs that the shorter one holds too, two documents nearly say the same. Two
# chapters of one guide share under 0.05 of them, an edition with every fifth paragraph written anew about 0.65.
NEARLY_SAME = 0.5
# A text of which the longer one holds nearly all stands in it as a part.
_PART = 0.9
_PART_RUNS = 150
_SKETCH = 512
_RUN = 3
# A guess from a sketch is off by 0.1 at most, as good as always.
_DOUBT = 0.15

# Typographic signs part words as well; of ASCII, letters and digits belong to words.
_SIGNS = re.compile("[\u00a0\u00ab\u00bb\u2010-\u2027\u202f\u2030-\u205e]")
_IN_WORD = np.array([byte >= 0x80 or chr(byte).isalnum() for byte in range(256)])
# Odd, so that it has an inverse among the numbers of 64 bits.
_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_MIXERS = tuple(np.uint64(each) for each in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93))
# Characters that are hashed at once: a longer text only loses the runs across an edge.
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """A text as some numbers, equal for equal words; signs, case and white space do not count.

    Attributes:
        runs: How many different runs of three words it has; of fewer words, one.
        smallest: Their smallest hashes, in order, at most 512.
    """

    runs: int
    smallest: Hashes


@dataclass(frozen=True, slots=True)
class Other:
    """A document that may be a twin of another.

    Attributes:
        version: A name for its text: equal versions have one sketch.
        original: sha256 of its file, or the name under which its bytes are kept.
    """

    id: str
    version: str
    title: str
    original: str
    text: str
    where: Where = "published"


def find_twins(
    document: Document,
    original: str,
    others: Iterable[Other],
    sketches: MutableMapping[str, Sketch] | None = None,
) -> tuple[Twin, ...]:
    """Return the documents that say the same as one, the most alike first; never itself.

    Args:
        original: As the originals of the others are named.
        others: All that it is compared with; one of the same id is passed over.
        sketches: Sketches by version; those that are missing are made and put in.
    """
    known = {} if sketches is None else sketches
    own = hashes_of(document.text)
    own_sketch = _sketch(own)
    twins = []
    for other in others:
        if other.id == document.id:
            continue
        if other.original == original:
            twins.append(Twin(other.id, other.title, "same_file", 1.0, other.where))
        elif (twin := _near_twin(own, own_sketch, other, known)) is not None:
            twins.append(twin)
    order = ("same_file", "same_text", "nearly_same")
    return tuple(sorted(twins, key=lambda twin: (order.index(twin.kind), -twin.similarity, twin.document)))


def sketch_of(text: str) -> Sketch:
    """Return the sketch of a text; one of no words has no runs."""
    return _sketch(hashes_of(text))


def hashes_of(text: str) -> Hashes:
    """Return the hashes of the runs of three words of a text, in order, each once; the same on every machine."""
    pieces = [_hashes_of_piece(text[start : start + _PIECE]) for start in range(0, len(text), _PIECE)]
    if not pieces:
        return np.empty(0, dtype=np.uint64)
    hashes = np.sort(np.concatenate(pieces))
    return hashes[np.concatenate(([True], hashes[1:] != hashes[:-1]))] if len(hashes) else hashes


def _hashes_of_piece(text: str) -> Hashes:
    raw = np.frombuffer(_SIGNS.sub(" ", text.lower()).encode("utf-8", errors="replace"), dtype=np.uint8)
    in_word = _IN_WORD[raw]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], in_word, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return np.empty(0, dtype=np.uint64)
    # Word by word a polynomial of its bytes, all at once from running sums; numbers of 64 bits wrap around.
    powers, inverses = _powers(1 << (len(raw) - 1).bit_length())
    sums = np.zeros(len(raw) + 1, dtype=np.uint64)
    np.cumsum((raw.astype(np.uint64) + np.uint64(1)) * powers[: len(raw)], out=sums[1:])
    words = (sums[ends] - sums[starts]) * inverses[starts]
    length = min(_RUN, len(words))
    count = len(words) - length + 1
    runs = np.zeros(count, dtype=np.uint64)
    for place in range(length):
        runs += _mixed(words[place : place + count] + _MIXERS[place]) * _MIXERS[place]
    return _mixed(runs)


def _near_twin(own: Hashes, own_sketch: Sketch, other: Other, known: MutableMapping[str, Sketch]) -> Twin | None:
    sketch = known.get(other.version)
    if sketch is None:
        sketch = known[other.version] = sketch_of(other.text)
    if not _may_be_alike(own_sketch, sketch):
        return None
    hashes = hashes_of(other.text)
    common = len(np.intersect1d(own, hashes, assume_unique=True))
    shorter, longer = sorted((len(own), len(hashes)))
    if common == shorter == longer:
        return Twin(other.id, other.title, "same_text", 1.0, other.where)
    is_part = shorter >= _PART_RUNS and common >= _PART * shorter
    # A short text has few runs, and a word that was changed breaks three of them.
    is_near = common >= NEARLY_SAME * longer or (common >= SAME_TEXT * shorter and 2 * shorter >= longer)
    if not (is_part or is_near):
        return None
    return Twin(other.id, other.title, "nearly_same", round(min(common / shorter, 0.999), 3), other.where)


def _sketch(hashes: Hashes) -> Sketch:
    return Sketch(len(hashes), hashes[:_SKETCH].copy())


def _may_be_alike(first: Sketch, second: Sketch) -> bool:
    """Tell by two sketches whether the shorter text may hold half of the longer one's runs, or stand in it."""
    if not first.runs or not second.runs:
        return False
    limits = [each.smallest[-1] for each in (first, second) if each.runs > len(each.smallest)]
    one, other = first.smallest, second.smallest
    if limits:
        one, other = one[one <= min(limits)], other[other <= min(limits)]
    fewer = min(len(one), len(other))
    if fewer < 20:
        # Too few to judge by: one text is many times as long as the other, and is read as a whole.
        return min(first.runs, second.runs) >= _PART_RUNS or not limits
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common >= (NEARLY_SAME - _DOUBT) * fewer


def _mixed(numbers: Hashes) -> Hashes:
    """Stir the bits of numbers, so that neighbours part."""
    stirred = (numbers ^ (numbers >> np.uint64(30))) * _MIXERS[0]
    stirred = (stirred ^ (stirred >> np.uint64(27))) * _MIXERS[1]
    return stirred ^ (stirred >> np.uint64(31))


@lru_cache(maxsize=4)
def _powers(length: int) -> tuple[Hashes, Hashes]:
    """Return the powers of the base and of its inverse, from 0 on."""
    bases = [np.full(length, base, dtype=np.uint64) for base in (_BASE, _BASE_INVERSE)]
    for base in bases:
        base[0] = 1
    return np.cumprod(bases[0]), np.cumprod(bases[1])
