"""What stands in a run's folder beside the answers, so that it can be read again on its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Document
from eval import looks
from eval.answer_file import read_answers
from eval.errors import Misuse
from eval.jsonlines import line_of, read_objects, write_json
from eval.question_check import check_ids
from eval.question_set import Half, Question, read_questions

RECORD = "run.json"
QUESTIONS = "questions.jsonl"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run and what it asked.

    Attributes:
        answers: The answer file of the system that is looked at.
        question_file: Where the questions were read from: the run's own copy, or the file of today for a run that
            kept none.
        questions: What was asked; for a run that kept no copy, what was answered.
        languages: The language of each document, as far as it is known.
    """

    name: str
    answers: Path
    question_file: Path
    questions: Sequence[Question]
    languages: Mapping[str, str]
    half: str | None = None
    commit: str | None = None
    date: str | None = None


def write_record(
    folder: Path, half: Half, question_file: Path, asked: Sequence[Question], documents: Sequence[Document]
) -> None:
    """Write `run.json` and a copy of the lines that were asked to a run's folder."""
    ids = {question.id for question in asked}
    lines = [line_of(line) for _, line in read_objects(question_file) if line["id"] in ids]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / QUESTIONS).write_text("".join(lines), encoding="utf-8")
    languages = {document.id: main_language(document) for document in documents}
    values = {"half": half, "commit": looks.commit(), "date": looks.now(), "documents": languages}
    write_json(folder / RECORD, values)


def main_language(document: Document) -> str:
    """Return the language that most of a document is written in."""
    lengths: Counter[str] = Counter()
    for section in document.sections:
        lengths[section.language] += section.end - section.start
    return lengths.most_common(1)[0][0] if lengths else "?"


def read_run(named: str, runs: Path, question_file: Path, system: str) -> RunRecord:
    """Read the run in a folder, named by its path or by its name below `runs`.

    Raises:
        Misuse: There is no such folder, or it holds no answers of that system, or answers to other questions.
    """
    folder = next((path for path in (Path(named), runs / named) if path.is_dir()), None)
    if folder is None:
        raise Misuse(f"{named}: is no folder, nor is there one of that name below {runs}.")
    answers = folder / f"{system}.jsonl"
    if not answers.is_file():
        held = ", ".join(path.name.removesuffix(".jsonl.meta.json") for path in sorted(folder.glob("*.meta.json")))
        raise Misuse(f"{folder}: holds no answers of the system {system!r}, only of: {held or 'none'}.")
    about = {**_json(folder / "verdicts.json"), **_json(folder / RECORD)}
    copied = (folder / QUESTIONS).is_file()
    source = folder / QUESTIONS if copied else question_file
    return RunRecord(
        name=folder.resolve().name,
        answers=answers,
        question_file=source,
        questions=read_questions(source) if copied else answered(answers, source),
        languages=about.get("documents") or {},
        half=about.get("half"),
        commit=about.get("commit"),
        date=about.get("date"),
    )


def answered(answers: Path, question_file: Path) -> list[Question]:
    """Return the questions of a file that an answer file answers.

    Raises:
        Misuse: It answers a question that the file does not hold; names its line.
    """
    questions = read_questions(question_file)
    given = read_answers(answers)
    check_ids(answers, question_file, {question.id for question in questions})
    return [question for question in questions if question.id in given]


def cited_languages(answers: Path) -> dict[str, str]:
    """Return the language of each document as an answer file's citations name it."""
    languages: dict[str, str] = {}
    for _, line in read_objects(answers):
        for citation in line["answer"]["citations"]:
            if isinstance(citation.get("language"), str):
                languages.setdefault(citation["document"], citation["language"])
    return languages


def language_pair(question: Question, languages: Mapping[str, str]) -> str:
    """Return the language of a question and of its gold documents, such as `nb->en` or `en->en+nb`.

    `none` stands for a question without gold documents, `?` for a document whose language nobody knows.
    """
    documents = sorted({languages.get(document, "?") for document in question.gold})
    return f"{question.language}->{'+'.join(documents) or 'none'}"


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Misuse(f"{path}: not JSON ({error}).") from error
    return values if isinstance(values, dict) else {}
