"""Questions with their labels, and the split into a tuning half and a reporting half."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from eval.errors import Misuse
from eval.jsonlines import line_of, read_objects

Half = Literal["tuning", "reporting"]
HALVES: tuple[Half, ...] = get_args(Half)


@dataclass(frozen=True, slots=True)
class Question:
    """One question line. The assistant sees `question` and `history`; the rest are labels for scoring.

    Attributes:
        history: Earlier turns, oldest first, each with `question` and maybe `answer`.
        answerable: Whether the corpus holds the answer; None where nobody can say, such as small talk.
        facts: Case-insensitive regexes that a right answer matches, all of them.
        evidence: Sentences, word for word, that carry the answer; those of every set included.
        evidence_sets: Alternatives: citing one whole set is enough.
        gold: Ids of the documents that hold the answer.
        uncovered: Regexes for the part that the corpus does not hold; any of them names it (kind `partly`).
        corrects: Sentences, word for word, that say what is true where the question takes something wrong for granted.
        must_not: Regexes for what a right answer never says.
    """

    id: str
    question: str
    history: tuple[Mapping[str, str | None], ...] = ()
    language: str = "?"
    answerable: bool | None = None
    facts: tuple[re.Pattern[str], ...] = ()
    evidence: tuple[str, ...] = ()
    evidence_sets: tuple[tuple[str, ...], ...] = ()
    gold: tuple[str, ...] = ()
    kind: str = "?"
    half: Half | None = None
    uncovered: tuple[re.Pattern[str], ...] = ()
    corrects: tuple[str, ...] = ()
    must_not: tuple[re.Pattern[str], ...] = ()

    @property
    def has_answer(self) -> bool:
        """Whether the corpus holds the answer or, for the kind `partly`, a part of it."""
        return self.answerable is True or self.kind == "partly"


def read_questions(path: Path, half: Half | None = None) -> list[Question]:
    """Read a question file; with `half`, only the questions of that half.

    Raises:
        Misuse: The file is missing, a line is not JSON, lacks a key, repeats an id or carries a label of the wrong
            type; or the half is asked for and a line names none.
    """
    first_seen: dict[str, int] = {}
    questions = []
    for number, line in read_objects(path):
        where = f"{path}, line {number}"
        question = _question(line, where)
        if question.id in first_seen:
            raise Misuse(f"{where}: the id {question.id!r} stands on line {first_seen[question.id]} already.")
        first_seen[question.id] = number
        if half and question.half is None:
            raise Misuse(f"{where}: no half; run `python -m eval split {path}` first.")
        if half in (None, question.half):
            questions.append(question)
    return questions


def _question(line: Mapping[str, Any], where: str) -> Question:
    for key in ("id", "question"):
        if key not in line:
            raise Misuse(f"{where}: the key {key!r} is missing.")
        if not isinstance(line[key], str):
            raise Misuse(f"{where}: {key!r} is no text.")
        if not line[key].strip():
            raise Misuse(f"{where}: {key!r} is empty.")
    evidence_sets = _sets(line.get("evidence_sets") or (), where)
    in_sets = tuple(sentence for one in evidence_sets for sentence in one)
    return Question(
        id=line["id"],
        question=line["question"],
        history=_history(line.get("history") or (), where),
        language=_word(line.get("lang"), "lang", where),
        answerable=_choice(line.get("answerable"), (True, False, None), "answerable", where),
        facts=_patterns(line, "facts", where),
        evidence=tuple(dict.fromkeys(_texts(line.get("evidence") or (), "evidence", where) + in_sets)),
        evidence_sets=evidence_sets,
        gold=_texts(line.get("gold") or (), "gold", where),
        kind=_word(line.get("kind"), "kind", where),
        half=_choice(line.get("half"), (*HALVES, None), "half", where),
        uncovered=_patterns(line, "uncovered", where),
        corrects=_texts(line.get("corrects") or (), "corrects", where),
        must_not=_patterns(line, "must_not", where),
    )


def _history(turns: Any, where: str) -> tuple[Mapping[str, str | None], ...]:
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        raise Misuse(f"{where}: 'history' is no list.")
    for turn in turns:
        if not isinstance(turn, Mapping) or not isinstance(turn.get("question"), str):
            raise Misuse(f"{where}: a turn of 'history' has no 'question'.")
        if not isinstance(turn.get("answer"), str | None):
            raise Misuse(f"{where}: the 'answer' of a turn of 'history' is no text.")
    return tuple({"question": turn["question"], "answer": turn.get("answer")} for turn in turns)


def _word(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str | None):
        raise Misuse(f"{where}: {key!r} is no text.")
    return value or "?"


def _sets(values: Any, where: str) -> tuple[tuple[str, ...], ...]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise Misuse(f"{where}: 'evidence_sets' is no list of lists of texts.")
    return tuple(_texts(one, "evidence_sets", where) for one in values)


def _texts(values: Any, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(isinstance(one, str) for one in values):
        raise Misuse(f"{where}: {key!r} is no list of texts.")
    return tuple(values)


# What one regex of a label is called in a complaint.
_NAMED = {"facts": "fact", "uncovered": "pattern of 'uncovered'", "must_not": "pattern of 'must_not'"}


def _patterns(line: Mapping[str, Any], key: str, where: str) -> tuple[re.Pattern[str], ...]:
    return tuple(_pattern(one, _NAMED[key], where) for one in _texts(line.get(key) or (), key, where))


def _pattern(text: str, named: str, where: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise Misuse(f"{where}: a {named} is no regular expression ({error}): {text!r}.") from error
    if pattern.search(""):
        raise Misuse(f"{where}: the {named} {text!r} stands in the empty text, so every answer would hold it.")
    return pattern


def _choice(value: Any, choices: Sequence[Any], key: str, where: str) -> Any:
    # `in` alone would let 1 pass for True.
    if not any(value is choice or (isinstance(value, str) and value == choice) for choice in choices):
        raise Misuse(f"{where}: {key!r} is {value!r}, expected one of {', '.join(map(repr, choices))}.")
    return value


def half_of(question_id: str) -> Half:
    """Return the half that an id belongs to: the parity of its sha1, even for tuning, odd for reporting.

    The rule needs no random seed and no knowledge of the other questions, so a question keeps its half for ever.
    """
    parity = hashlib.sha1(question_id.encode("utf-8"), usedforsecurity=False).digest()[-1] % 2
    return "reporting" if parity else "tuning"


def split(path: Path) -> dict[Half, int]:
    """Write `half` into every line that has none and return how many questions each half holds.

    Raises:
        Misuse: The file cannot be read, or a line already stands in the other half: a question that was tuned on
            must never be reported on.
    """
    read_questions(path)
    lines = []
    counts: dict[Half, int] = dict.fromkeys(HALVES, 0)
    for number, line in read_objects(path):
        half = half_of(line["id"])
        if line.get("half") not in (None, half):
            raise Misuse(f"{path}, line {number}: {line['id']!r} is in the half {line['half']!r}; not reassigned.")
        counts[half] += 1
        lines.append(line_of({**line, "half": half}))
    part = path.with_name(path.name + ".part")
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(path)
    return counts
