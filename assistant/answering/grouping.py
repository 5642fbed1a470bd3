"""Questions grouped by meaning across both languages: pure functions over vectors and words.

Two questions are alike as far as their vectors point the same way and they share rare words. A Norwegian question has
the vector and the words of its English gloss. What most questions here have in common (companies, America, prices)
says nothing of their subject: it is measured on a background of ordinary questions and taken off, for each language
apart, so that a Norwegian question is not like another one for being a gloss.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.answering.suggesting import load_bank
from assistant.language import detect_language, load_lexicon, stems
from assistant.tuning import load_grouping_tuning

Matrix = npt.NDArray[np.float32]
# One unit vector per text.
Embed = Callable[[Sequence[str]], Matrix]
_NEVER = -2.0
# So few texts at a time that founders who ask meanwhile hardly wait for the model.
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as it is compared.

    Attributes:
        vector: Of length 1.
        stems: English ones: its own, or those of its gloss and of all translations of its words.
    """

    vector: Matrix
    stems: frozenset[str]
    norwegian: bool


@dataclass(frozen=True, slots=True)
class Background:
    """What ordinary questions have in common.

    Attributes:
        centres: The mean vector of English and of Norwegian ones.
        frequencies: In how many of them a stem stands.
        size: How many there are.
    """

    centres: tuple[Matrix, Matrix]
    frequencies: Counter[str]
    size: int


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that mean the same, by their places in what was given, in order.

    Attributes:
        gap: The id of the group that it is from now on; None for a new one.
    """

    gap: int | None
    members: tuple[int, ...]


class Grouping:
    """Groups questions with one model before one background, and remembers how each question is compared.

    Not for several threads at once.
    """

    def __init__(
        self,
        embed: Embed,
        *,
        gloss: bool = True,
        ordinary: Sequence[str] | None = None,
        words: float | None = None,
        alike_from: float | None = None,
    ) -> None:
        """Embed nothing yet.

        Args:
            embed: Returns one unit vector per text.
            gloss: Whether a Norwegian question is embedded as its English gloss; right for an English model only.
            ordinary: Questions of both languages whose common part says nothing of a subject; the bank's by default.
            words: See `GroupingTuning`, where the default stands; `alike_from` likewise.
        """
        tuning = load_grouping_tuning()
        self._embed = embed
        self._gloss = gloss
        self._ordinary = ordinary
        self._words = tuning.words if words is None else words
        self._alike_from = tuning.alike_from if alike_from is None else alike_from
        self._known: dict[str, Wording] = {}
        self._background: Background | None = None

    def compare(self, texts: Sequence[str]) -> Matrix:
        """Return one row per question, see `features`."""
        if self._background is None:
            ordinary = [text for one in load_bank() for text in (one.en, one.nb)]
            ordinary = ordinary if self._ordinary is None else list(self._ordinary)
            self._background = background(wordings(ordinary, self._embed, gloss=self._gloss))
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, wordings(new, self._embed, gloss=self._gloss), strict=True))
        return features([self._known[text] for text in texts], self._background, self._words)

    def group(
        self, texts: Sequence[str], placed: Sequence[int | None] = (), fixed: Set[int] = frozenset()
    ) -> list[Group]:
        """Return the groups of all questions, see `group`; what is known of others is forgotten."""
        rows = self.compare(texts)
        self._known = {text: self._known[text] for text in texts}
        return group(rows, self._alike_from, placed, fixed)


def wordings(texts: Sequence[str], embed: Embed, *, gloss: bool = True) -> list[Wording]:
    """Return the questions as they are compared, in order; none for none."""
    if not texts:
        return []
    lexicon, norwegian = load_lexicon(), [detect_language(text) != "en" for text in texts]
    glossed = [lexicon.gloss(text) if apart else text for text, apart in zip(texts, norwegian, strict=True)]
    read = glossed if gloss else texts
    vectors = [vector for start in range(0, len(read), _BATCH) for vector in embed(read[start : start + _BATCH])]
    return [
        Wording(vector, _english_stems(text), apart)
        for text, vector, apart in zip(texts, vectors, norwegian, strict=True)
    ]


def _english_stems(text: str) -> frozenset[str]:
    language, lexicon = detect_language(text), load_lexicon()
    if language == "en":
        return frozenset(stems(text, "en"))
    translated = (part for _, meanings in lexicon.translate(text, language) for meaning in meanings for part in meaning)
    return frozenset(stems(lexicon.gloss(text), "en")).union(translated)


def background(ordinary: Sequence[Wording]) -> Background:
    """Return what questions have in common; of a language without any, nothing is taken off."""
    centres = []
    for norwegian in (False, True):
        vectors = [one.vector for one in ordinary if one.norwegian is norwegian]
        centres.append(np.mean(vectors, axis=0) if vectors else np.zeros(1, dtype=np.float32))
    frequencies = Counter(stem for one in ordinary for stem in one.stems)
    return Background((centres[0], centres[1]), frequencies, len(ordinary))


def features(asked: Sequence[Wording], behind: Background, words: float) -> Matrix:
    """Return one row of length 1 at most per question; the product of two rows is how alike they are, -1 to 1.

    Args:
        words: What shared rare words count beside the vectors (1 minus it).
    """
    if not asked:
        return np.zeros((0, 0), dtype=np.float32)
    meaning = np.array([one.vector - behind.centres[one.norwegian] for one in asked])
    frequencies = behind.frequencies + Counter(stem for one in asked for stem in one.stems)
    known = {stem: place for place, stem in enumerate(sorted({stem for one in asked for stem in one.stems}))}
    rare = np.zeros((len(asked), len(known)), dtype=np.float32)
    for row, one in zip(rare, asked, strict=True):
        for stem in one.stems:
            row[known[stem]] = _idf(frequencies[stem], behind.size + len(asked))
    return np.hstack([math.sqrt(1 - words) * _unit(meaning), math.sqrt(words) * _unit(rare)])


def _idf(frequency: int, size: int) -> float:
    return math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))


def _unit(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def group(
    rows: Matrix, alike_from: float, placed: Sequence[int | None] = (), fixed: Set[int] = frozenset()
) -> list[Group]:
    """Return the groups: the two that are most alike on average become one, until none are alike enough.

    Groups that staff have touched stay as they are, apart from each other, and only new questions may join them. The
    others are formed anew; each takes the id that most of its questions had.

    Args:
        rows: As `features` gives them.
        alike_from: How alike two groups are, on average, that become one.
        placed: The id of the group that each question stands in, None for a new one; empty where all are new.
        fixed: Ids of the groups that staff have touched.
    """
    standing = list(placed) or [None] * len(rows)
    clusters = _beginnings(standing, fixed)
    if not clusters:
        return []
    # The mean likeness of two groups is the product of their means, so that nobody compares every pair.
    sums = np.array([rows[list(one.members)].sum(axis=0) for one in clusters])
    sizes = np.array([len(one.members) for one in clusters], dtype=np.float32)
    likeness = (sums @ sums.T) / np.outer(sizes, sizes)
    apart = np.array([[not _may_merge(one, other) for other in clusters] for one in clusters])
    np.fill_diagonal(apart, val=True)
    likeness[apart] = _NEVER
    nearest, living = likeness.argmax(axis=1), dict(enumerate(clusters))
    while len(living) > 1:
        alike = likeness[np.arange(len(clusters)), nearest]
        one = int(alike.argmax())
        if alike[one] < alike_from:
            break
        first, second = sorted((one, int(nearest[one])))
        living[first] = _merged(living[first], living.pop(second))
        sums[first] += sums[second]
        sizes[first] += sizes[second]
        means = (sums @ sums[first]) / (sizes * sizes[first])
        for place in range(len(clusters)):
            if place == first or place not in living or not _may_merge(living[first], living[place]):
                means[place] = _NEVER
        likeness[first] = likeness[:, first] = means
        likeness[second] = likeness[:, second] = _NEVER
        stale = (nearest == first) | (nearest == second) | (means > likeness[np.arange(len(clusters)), nearest])
        stale[first] = True
        nearest[stale] = likeness[stale].argmax(axis=1)
    return _named(list(living.values()), standing)


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Questions on their way to a group.

    Attributes:
        gap: The id of the touched group that they are, or None.
        new: Whether none of them stands in a group yet.
    """

    members: tuple[int, ...]
    gap: int | None
    new: bool


def _beginnings(placed: Sequence[int | None], fixed: Set[int]) -> list[_Cluster]:
    """Return the touched groups as they are, and each other question as a cluster of its own."""
    touched: dict[int, list[int]] = {}
    for place, gap in enumerate(placed):
        if gap is not None and gap in fixed:
            touched.setdefault(gap, []).append(place)
    whole = [_Cluster(tuple(places), gap, new=False) for gap, places in sorted(touched.items())]
    alone = [_Cluster((place,), None, gap is None) for place, gap in enumerate(placed) if gap not in touched]
    return whole + alone


def _may_merge(one: _Cluster, other: _Cluster) -> bool:
    if one.gap is None and other.gap is None:
        return True
    return other.new if one.gap is not None else one.new


def _merged(one: _Cluster, other: _Cluster) -> _Cluster:
    gap = other.gap if one.gap is None else one.gap
    return _Cluster(tuple(sorted((*one.members, *other.members))), gap, one.new and other.new)


def _named(clusters: Sequence[_Cluster], placed: Sequence[int | None]) -> list[Group]:
    """Return the clusters as groups, the older ids first, each with the id that most of its questions had."""
    claims = Counter(
        (number, gap)
        for number, one in enumerate(clusters)
        for gap in (placed[member] for member in one.members)
        if gap is not None
    )
    names: dict[int, int] = {}
    # The largest share first; of equal ones the older group, then the older question.
    for (number, gap), _ in sorted(claims.items(), key=lambda claim: (-claim[1], claim[0][1], claim[0][0])):
        if number not in names and gap not in names.values():
            names[number] = gap
    groups = [Group(names.get(number), one.members) for number, one in enumerate(clusters)]
    return sorted(groups, key=lambda one: (one.gap is None, one.gap or 0, one.members))


def most_typical(rows: Matrix) -> int:
    """Return the place of the question that is most like all of them; the first of several."""
    return int((rows @ rows.sum(axis=0)).argmax())
