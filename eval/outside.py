"""Question sets for tuning made from public ones: the same files each time from the same material.

The material stays where it is (the folder that ASSISTANT_TEST_DATA names); what is made here is only for tuning and is
not committed. Public questions count as tuning by the rule of `question_set.half_of`: even sha1 of the id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.errors import Misuse
from eval.jsonlines import line_of, read_objects
from eval.question_set import half_of

# How many of each; the smallest sha1 first, which is a fixed random draw.
ANSWERABLE = 150
OFF_TOPIC_NORWEGIAN = 100
OFF_TOPIC_ENGLISH = 30

Line = Mapping[str, Any]


def make_tuning_sets(material: Path, out: Path) -> list[Path]:
    """Write `norquad/` and `public/` below `out`, each with `questions.jsonl`, and return those two files.

    `norquad/` has a corpus of its own, without the articles whose questions must then be refused; `public/` asks trivia
    and biology of the programme's corpus, where all of it is off topic.

    Raises:
        Misuse: The material is not there.
    """
    norquad, scifact = material / "data" / "norquad", material / "data" / "scifact"
    for folder in (norquad, scifact):
        if not folder.is_dir():
            raise Misuse(f"{folder} is not there. Name the folder that holds data/norquad and data/scifact.")
    return [_norquad(norquad, out / "norquad"), _off_topic(norquad, scifact, out / "public")]


def _norquad(source: Path, target: Path) -> Path:
    refused = _tuning(_lines(source / "questions_removed.jsonl"))
    removed = {name for line in _lines(source / "questions_removed.jsonl") for name in line["remove"]}
    for document in _lines(source / "corpus.jsonl"):
        if document["_id"] not in removed:
            _write_text(target / "corpus" / f"{document['_id']}.txt", document["text"])
    asked = _drawn(_tuning(_lines(source / "questions.jsonl")), ANSWERABLE)
    kept = [line for line in asked if not removed & set(line["gold"])]
    lines = [
        {
            **_labels(line, kind="natural", answerable=True),
            "facts": line["facts"],
            "evidence": line["evidence"],
            "gold": [f"{name}.txt" for name in line["gold"]],
        }
        for line in kept
    ]
    lines += [_labels(line, kind="absent_detail", answerable=False) for line in refused]
    return _write_lines(target / "questions.jsonl", lines)


def _off_topic(norquad: Path, scifact: Path, target: Path) -> Path:
    norwegian = _drawn(_tuning(_lines(norquad / "questions.jsonl")), OFF_TOPIC_NORWEGIAN)
    queries = _lines(scifact / "queries.jsonl")
    claims = [{"id": line["_id"], "question": line["text"], "lang": "en"} for line in queries]
    english = _drawn(_tuning(claims), OFF_TOPIC_ENGLISH)
    return _write_lines(
        target / "questions.jsonl",
        [_labels(line, kind="off_topic", answerable=False) for line in (*norwegian, *english)],
    )


def _lines(path: Path) -> list[Line]:
    return [line for _, line in read_objects(path)]


def _labels(line: Line, *, kind: str, answerable: bool) -> dict[str, Any]:
    return {
        "id": line["id"],
        "question": line["question"],
        "lang": line["lang"],
        "kind": kind,
        "answerable": answerable,
        "half": "tuning",
    }


def _tuning(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if half_of(line["id"]) == "tuning"]


def _drawn(lines: Sequence[Line], count: int) -> list[Line]:
    return sorted(lines, key=lambda line: hashlib.sha1(line["id"].encode(), usedforsecurity=False).hexdigest())[:count]


def _write_lines(path: Path, lines: Iterable[Line]) -> Path:
    _write_text(path, "".join(line_of(line) for line in lines))
    return path


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
