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
ANSWERABLE = 400
OFF_TOPIC_NORWEGIAN = 120
OFF_TOPIC_CLAIMS = 40
OFF_TOPIC_CHATS = 60

Line = Mapping[str, Any]


def make_tuning_sets(material: Path, out: Path) -> list[Path]:
    """Write `norquad/`, `govt/` and `public/` below `out`, each with `questions.jsonl`, and return those three files.

    `norquad/` and `govt/` have a corpus of their own, Norwegian articles and pages of American authorities; `public/`
    asks trivia, biology and finance of the programme's corpus, where all of it is off topic.

    Raises:
        Misuse: The material is not there.
    """
    data = material / "data"
    for name in ("norquad", "scifact", "mtrag-govt", "mtrag-fiqa", "mtrag-clapnq"):
        if not (data / name).is_dir():
            raise Misuse(f"{data / name} is not there. Name the folder that holds data/{name}.")
    return [
        _with_corpus(data / "norquad", out / "norquad"),
        _with_corpus(data / "mtrag-govt", out / "govt"),
        _off_topic(data, out / "public"),
    ]


def _with_corpus(source: Path, target: Path) -> Path:
    for document in _lines(source / "corpus.jsonl"):
        title, text = document.get("title") or "", document["text"]
        _write_text(
            target / "corpus" / _file(document["_id"]), text if text.startswith(title) else f"{title}\n\n{text}"
        )
    asked = _tuning(line for line in _lines(source / "questions.jsonl") if line["answerable"] is not None)
    lines = [
        {
            **_labels(line, kind="natural" if line["answerable"] else "absent_detail", answerable=line["answerable"]),
            "history": line["history"],
            "facts": line["facts"],
            "evidence": line["evidence"],
            "gold": [_file(name) for name in line["gold"]],
        }
        for line in _drawn(asked, ANSWERABLE)
    ]
    return _write_lines(target / "questions.jsonl", lines)


def _file(name: str) -> str:
    return f"{name.replace('/', '_')}.txt"


def _off_topic(data: Path, target: Path) -> Path:
    norwegian = _drawn(_tuning(_lines(data / "norquad" / "questions.jsonl")), OFF_TOPIC_NORWEGIAN)
    claims = _drawn(_tuning(map(_as_question, _lines(data / "scifact" / "queries.jsonl"))), OFF_TOPIC_CLAIMS)
    chats = [
        _as_question(line)
        for name in ("mtrag-fiqa", "mtrag-clapnq")
        for line in _lines(data / name / "queries.jsonl")
        if not line.get("history")
    ]
    lines = (*norwegian, *claims, *_drawn(_tuning(chats), OFF_TOPIC_CHATS))
    return _write_lines(
        target / "questions.jsonl", [_labels(line, kind="off_topic", answerable=False) for line in lines]
    )


def _as_question(line: Line) -> Line:
    return {"id": line["_id"], "question": line["text"], "lang": "en"}


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
