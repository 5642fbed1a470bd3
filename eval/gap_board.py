"""Measures how the gap board groups questions, and chooses its two learned numbers.

Each part is a file of scripted questions in topics of their own, both languages in every topic; nobody asked them. The
reporting half was written before a number was chosen, the fresh part by somebody who did not know the method. Measured
is B-cubed (A. Bagga and B. Baldwin, 1998): for each question, which share of its group is of its topic (precision),
which share of its topic is in its group (recall).

The numbers are chosen on the tuning half alone, by the mean F1 of boards of several sizes, each drawn as whole topics:
the board of a young programme is small, and what suits twenty topics may join everything among four. What choosing in
this way is worth on topics that had no part in it is measured by choosing on a half of the topics, again and again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from assistant import Grouping, load_embedder
from eval.errors import Misuse
from eval.intervals import SEED
from eval.jsonlines import read_objects
from eval.looks import commit, now

FOLDER = Path(__file__).with_name("questions")
# Topics on a board, and how many boards of each size are drawn.
SIZES, DRAWS = (4, 12, 24), 12
# How often the topics are split into a half to choose on and one to measure.
SPLITS = 8
COMMON = (0, 1, 2, 3)
ALIKE_FROM = tuple(round(0.14 + 0.01 * step, 2) for step in range(12))
# Staff merge by hand what is left apart: more than so many groups a topic are no board.
MOST_GROUPS_A_TOPIC = 1.4
TARGETS = "F1 >= 0.800 in at most 18 groups"
# Parts of the scripted questions, by the names of their files.
Part = Literal["tuning", "reporting", "fresh"]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One scripted question and the topic that it is labelled with."""

    id: str
    question: str
    language: str
    topic: str


@dataclass(frozen=True, slots=True)
class Grouped:
    """How a grouping compares with the topics; all shares 0 to 1."""

    precision: float
    recall: float
    f1: float
    groups: int
    topics: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "groups": self.groups,
            "topics": self.topics,
        }


def read_asked(part: Part) -> list[Asked]:
    """Return the scripted questions of a part.

    Raises:
        Misuse: The file is missing, or a line lacks a key.
    """
    path = FOLDER / f"gap-{part}.jsonl"
    found = []
    for number, line in read_objects(path):
        try:
            found.append(Asked(line["id"], line["question"], line["lang"], line["topic"]))
        except KeyError as missing:
            raise Misuse(f"{path}, line {number}: the key {missing} is missing.") from missing
    return found


def b_cubed(groups: Sequence[int], topics: Sequence[str]) -> Grouped:
    """Return the figures of a grouping of at least one question, by its group and by its label."""
    same_group, same_topic = (np.equal.outer(labels, labels) for labels in map(np.array, (list(groups), list(topics))))
    both = (same_group & same_topic).sum(axis=1)
    precision, recall = (float((both / same.sum(axis=1)).mean()) for same in (same_group, same_topic))
    f1 = 2 * precision * recall / (precision + recall)
    return Grouped(precision, recall, f1, len(set(groups)), len(set(topics)))


def together(asked: Sequence[Asked], grouping: Grouping) -> list[int]:
    """Return the group of each question where all are grouped at once."""
    places = [0] * len(asked)
    for number, group in enumerate(grouping.group([one.question for one in asked])):
        for member in group.members:
            places[member] = number
    return places


def one_by_one(asked: Sequence[Asked], grouping: Grouping) -> list[int]:
    """Return the group of each question where they come one after the other and nobody merges or splits."""
    placed: list[int] = []
    opened = 0
    for number in range(len(asked)):
        texts = [one.question for one in asked[: number + 1]]
        groups = grouping.group(texts, [*placed, None])
        placed = [0] * len(texts)
        for group in groups:
            opened += group.gap is None
            for member in group.members:
                placed[member] = opened if group.gap is None else group.gap
    return placed


def shuffled(asked: Sequence[Asked]) -> list[Asked]:
    """Return the questions in an order in which topics do not follow each other; always the same one."""
    return random.Random(SEED).sample(list(asked), len(asked))  # noqa: S311 - an order, no secret


def figures(part: Part) -> dict[str, Grouped]:
    """Return how a part is grouped: `together` at once, `one_by_one` as the questions come."""
    asked, grouping = shuffled(read_asked(part)), Grouping(load_embedder().embed)
    topics = [one.topic for one in asked]
    return {
        "together": b_cubed(together(asked, grouping), topics),
        "one_by_one": b_cubed(one_by_one(asked, grouping), topics),
    }


def table(found: dict[str, Grouped]) -> str:
    """Return the figures as lines."""
    lines = [f"{'':12} {'precision':>9} {'recall':>9} {'F1':>9} {'groups':>9} {'topics':>9}  target: {TARGETS}"]
    for name, one in found.items():
        shares = f"{one.precision:>9.3f} {one.recall:>9.3f} {one.f1:>9.3f}"
        lines.append(f"{name.replace('_', ' '):12} {shares} {one.groups:>9} {one.topics:>9}")
    return "\n".join(lines)


def choose(say: Say) -> dict[str, Any]:
    """Return the numbers with the highest mean F1 over boards of all sizes, on the tuning half, and their run.

    Raises:
        Misuse: The half cannot be read, or no numbers make few enough groups.
    """
    asked = read_asked("tuning")
    boards, halves = list(_boards(asked)), list(_halves(asked))
    embed = _remembering(load_embedder().embed)
    best: tuple[float, int, float, str] | None = None
    # By setting, then by split: the two halves of the topics.
    apart: list[list[tuple[Grouped, Grouped]]] = []
    for common, alike_from in product(COMMON, ALIKE_FROM):
        if alike_from == ALIKE_FROM[0]:
            say(f"common {common}")
        grouping = Grouping(embed, common=common, alike_from=alike_from)
        apart.append([(_score(one, grouping), _score(other, grouping)) for one, other in halves])
        scores = [_mean([_score(board, grouping) for board in same]) for same in boards]
        mean = sum(one.f1 for one in scores) / len(scores)
        if all(map(_few, scores)) and (best is None or mean > best[0]):
            named = ", ".join(
                f"{size} topics F1 {one.f1:.3f} in {one.groups / one.topics:.2f} groups a topic"
                for size, one in zip(SIZES, scores, strict=True)
            )
            best = (mean, common, alike_from, named)
    if best is None:
        raise Misuse(f"No numbers make fewer than {MOST_GROUPS_A_TOPIC} groups a topic of the tuning half.")
    _, common, alike_from, named = best
    run = f"python -m eval gaps --choose, {now()}, commit {commit()}, tuning half ({len(asked)} questions): {named}"
    elsewhere = _elsewhere(apart)
    run += f"; chosen on half of the topics, on the others F1 {elsewhere.f1:.3f}"
    run += f" in {elsewhere.groups / elsewhere.topics:.2f} groups a topic"
    return {"common": common, "alike_from": alike_from, "run": run}


def _few(score: Grouped) -> bool:
    return score.groups <= MOST_GROUPS_A_TOPIC * score.topics


def _elsewhere(apart: Sequence[Sequence[tuple[Grouped, Grouped]]]) -> Grouped:
    """Return the mean figures, on each half of the topics, of the setting that is best on the other half."""
    found = []
    for split, (on, off) in product(range(len(apart[0])), ((0, 1), (1, 0))):
        scores = [setting[split] for setting in apart]
        found.append(max(scores, key=lambda score: (_few(score[on]), score[on].f1))[off])
    return _mean(found)


def _halves(asked: Sequence[Asked]) -> Iterator[tuple[list[Asked], list[Asked]]]:
    """Yield the two halves of the questions, whole topics drawn at random, as often as `SPLITS` says."""
    chance = random.Random(SEED)  # noqa: S311 - draws, no secret
    topics = list(dict.fromkeys(one.topic for one in asked))
    for _ in range(SPLITS):
        drawn = set(chance.sample(topics, len(topics) // 2))
        yield [one for one in asked if one.topic in drawn], [one for one in asked if one.topic not in drawn]


def _boards(asked: Sequence[Asked]) -> Iterator[list[list[Asked]]]:
    """Yield, size by size, boards of topics drawn at random; one board where all topics are on it."""
    chance = random.Random(SEED)  # noqa: S311 - draws, no secret
    topics = list(dict.fromkeys(one.topic for one in asked))
    for size in SIZES:
        draws = [chance.sample(topics, min(size, len(topics))) for _ in range(DRAWS if size < len(topics) else 1)]
        yield [[one for one in asked if one.topic in drawn] for drawn in draws]


def _score(board: Sequence[Asked], grouping: Grouping) -> Grouped:
    return b_cubed(together(board, grouping), [one.topic for one in board])


def _mean(scores: Sequence[Grouped]) -> Grouped:
    """Return the mean of boards of one size; groups and topics are sums, of which only the ratio is used."""
    precision, recall, f1 = (
        sum(getattr(one, name) for one in scores) / len(scores) for name in ("precision", "recall", "f1")
    )
    return Grouped(precision, recall, f1, sum(one.groups for one in scores), sum(one.topics for one in scores))


def _remembering(embed: Callable[[Sequence[str]], Any]) -> Callable[[Sequence[str]], Any]:
    """Return the same function, which embeds each text once however often it is asked."""
    known: dict[str, Any] = {}

    def embed_new(texts: Sequence[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, embed(new) if new else (), strict=True))
        return [known[text] for text in texts]

    return embed_new
