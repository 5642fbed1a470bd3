"""Questions grouped by meaning across both languages: pure functions over vectors.

Two questions are alike as far as their vectors point the same way. A Norwegian question has the vector of English
readings of it. What most questions here have in common (companies, America, prices) says nothing of their subject: it
is measured on a background of ordinary questions and taken off: what the questions of one language share, so that a
Norwegian question is not like another one for being a gloss, and the directions in which all differ most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.answering.suggesting import load_bank
from assistant.language import compound_parts, content_words, detect_language, load_lexicon, words
from assistant.tuning import load_grouping_tuning

Matrix = npt.NDArray[np.float32]
# One unit vector per text.
Embed = Callable[[Sequence[str]], Matrix]
_NEVER = -2.0
# So few texts at a time that founders who ask meanwhile hardly wait for the model.
_BATCH = 16
# Norwegian words that say nothing of a subject but would be glossed, some as a noun of the same form (`bør`, `før`).
_SAY_NOTHING = frozenset(
    """
    allerede altså blant borte burde bør ca dersom din dine dit ditt eller ennå enten evt fortsatt før gjerne hei her
    hit hver hverandre hvert ikke ingen innen jo kanskje lurer lurt osv rundt samt siden sin sine sitt slags slik slike
    sånn sånne takk vel verken vår våre vårt der både
    """.split()
)
# The gloss drops what is also a function word, such as EIN.
_ACRONYM = re.compile(r"\b[A-Z][A-Z0-9]{1,5}\b")


@dataclass(frozen=True, slots=True)
class Wording:
    """A question as it is compared.

    Attributes:
        vector: Of length 1 at most.
    """

    vector: Matrix
    norwegian: bool


@dataclass(frozen=True, slots=True)
class Background:
    """What ordinary questions have in common.

    Attributes:
        centres: The mean vector of English and of Norwegian ones.
        directions: A row each, of length 1 and square to each other: in which they differ most; none of none.
    """

    centres: tuple[Matrix, Matrix]
    directions: Matrix


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
        common: int | None = None,
        alike_from: float | None = None,
    ) -> None:
        """Embed nothing yet.

        Args:
            embed: Returns one unit vector per text.
            gloss: Whether a Norwegian question is embedded as its English readings; right for an English model only.
            ordinary: Questions of both languages whose common part says nothing of a subject; the bank's by default.
            common: See `GroupingTuning`, where the default stands; `alike_from` likewise.
        """
        tuning = load_grouping_tuning()
        self._embed = embed
        self._gloss = gloss
        self._ordinary = ordinary
        self._common = tuning.common if common is None else common
        self._alike_from = tuning.alike_from if alike_from is None else alike_from
        self._known: dict[str, Wording] = {}
        self._background: Background | None = None

    def compare(self, texts: Sequence[str]) -> Matrix:
        """Return one row per question, see `features`."""
        if self._background is None:
            ordinary = [text for one in load_bank() for text in (one.en, one.nb)]
            ordinary = ordinary if self._ordinary is None else list(self._ordinary)
            self._background = background(wordings(ordinary, self._embed, gloss=self._gloss), self._common)
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, wordings(new, self._embed, gloss=self._gloss), strict=True))
        return features([self._known[text] for text in texts], self._background)

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
    norwegian = [detect_language(text) != "en" for text in texts]
    read = [
        english_readings(text) if gloss and apart else (text,) for text, apart in zip(texts, norwegian, strict=True)
    ]
    flat = [reading for readings in read for reading in readings]
    vectors = iter([vector for start in range(0, len(flat), _BATCH) for vector in embed(flat[start : start + _BATCH])])
    means = _unit(np.array([np.mean([next(vectors) for _ in readings], axis=0) for readings in read]))
    return [Wording(vector, apart) for vector, apart in zip(means, norwegian, strict=True)]


def english_readings(text: str) -> tuple[str, ...]:
    """Return a Norwegian question in English words, read in two ways: with a second sense of each word, and with all.

    The lexicon's first word is often not the one that another founder uses; the mean of both readings is near either.
    Further senses are stems, as the lexicon keeps them. One reading where no word has a second sense.
    """
    lexicon = load_lexicon()
    kept = " ".join(part for part in text.split() if part.strip("?.,!;:()").lower() not in _SAY_NOTHING)
    gloss = lexicon.gloss(kept)
    there = set(words(gloss))
    acronyms = [found for found in _ACRONYM.findall(text) if not there.issuperset(words(found))]
    senses = [meanings for _, meanings in lexicon.translate(kept, "nb")]
    for word in content_words(kept, "nb"):
        if not lexicon.knows_norwegian(word):
            senses.extend(lexicon.to_english.get((part,), ()) for part in compound_parts(word))
    found = (
        " ".join([gloss, *acronyms, *(" ".join(sense) for meanings in senses for sense in meanings[1:last])])
        for last in (2, None)
    )
    return tuple(dict.fromkeys(found))


def background(ordinary: Sequence[Wording], common: int) -> Background:
    """Return what questions have in common; of a language without any, nothing is taken off.

    Args:
        common: How many directions, see `Background`; fewer where there are fewer questions.
    """
    centres = []
    for norwegian in (False, True):
        vectors = [one.vector for one in ordinary if one.norwegian is norwegian]
        centres.append(np.mean(vectors, axis=0) if vectors else np.zeros(1, dtype=np.float32))
    both = (centres[0], centres[1])
    if not ordinary:
        return Background(both, np.zeros((0, 1), dtype=np.float32))
    _, _, directions = np.linalg.svd(_meaning(ordinary, both), full_matrices=False)
    return Background(both, directions[:common])


def features(asked: Sequence[Wording], behind: Background) -> Matrix:
    """Return one row of length 1 at most per question; the product of two rows is how alike they are, -1 to 1."""
    if not asked:
        return np.zeros((0, 0), dtype=np.float32)
    meaning = _meaning(asked, behind.centres)
    if not len(behind.directions):
        return _unit(meaning)
    along = np.asarray((meaning @ behind.directions.T) @ behind.directions, dtype=np.float32)
    return _unit(meaning - along)


def _meaning(asked: Sequence[Wording], centres: tuple[Matrix, Matrix]) -> Matrix:
    return np.array([one.vector - centres[one.norwegian] for one in asked])


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
