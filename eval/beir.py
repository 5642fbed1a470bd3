"""Retrieval sets in BEIR's shape: read with every flaw named by file and line, and written out as a corpus folder.

A set is a folder with `corpus.jsonl` (`_id`, `text`, perhaps `title` and `lang`), `queries.jsonl` (`_id`, `text`,
perhaps `lang`, `history` and `rewritten`), and `qrels.tsv` or `qrels/test.tsv` (query, document, grade).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from eval.errors import Misuse
from eval.jsonlines import read_objects
from eval.question_set import half_of

Part = Literal["all", "tuning", "reporting"]
PARTS: tuple[Part, ...] = ("all", "tuning", "reporting")

# An id that is a good file name as it stands; any other is hashed.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}")
# Says that a folder was written by `write_corpus`; hidden, so that it is no document.
MARK = ".written-by-eval"
ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class SetDocument:
    """One line of `corpus.jsonl`."""

    id: str
    title: str
    text: str
    language: str

    @property
    def whole(self) -> str:
        """The title as a line of its own above the text, unless the text begins with it; what every system reads."""
        if not self.title or self.text.lstrip().startswith(self.title):
            return self.text
        return f"{self.title}\n\n{self.text}"

    @property
    def file_name(self) -> str:
        """The name of the document's file in a corpus folder: its id in the assistant."""
        if _FILE_NAME.fullmatch(self.id):
            return f"{self.id}.txt"
        return f"id-{hashlib.sha256(self.id.encode('utf-8', 'replace')).hexdigest()[:40]}.txt"


@dataclass(frozen=True, slots=True)
class SetQuery:
    """One line of `queries.jsonl`.

    Attributes:
        history: Earlier turns, oldest first, each with `question` and maybe `answer`.
        rewritten: The question written out so that it needs no history, or None. For scoring only.
    """

    id: str
    text: str
    language: str
    history: tuple[Mapping[str, str | None], ...] = ()
    rewritten: str | None = None


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """One set, with the queries that have a relevant document.

    Attributes:
        documents: By id, so that the order of the file tells nothing.
        gold: Grade by document, by query; 1 or more is relevant.
    """

    name: str
    documents: Sequence[SetDocument]
    queries: Sequence[SetQuery]
    gold: Mapping[str, Mapping[str, int]]

    def part(self, part: Part) -> RetrievalSet:
        """Return the set with the queries of one half (`question_set.half_of`), which may be none, or with all."""
        return replace(self, queries=[one for one in self.queries if part == "all" or half_of(one.id) == part])


def read_set(folder: Path) -> RetrievalSet:
    """Read a set with all its queries.

    Raises:
        Misuse: A file is missing; a line lacks a key, repeats an id, or grades what is not there; or there is nothing
            to measure.
    """
    if not folder.is_dir():
        raise Misuse(f"{folder}: is no folder; name one with corpus.jsonl, queries.jsonl and qrels.tsv.")
    documents = read_documents(folder / "corpus.jsonl")
    queries = [_query(line, where) for line, where in _lines_with_ids(folder / "queries.jsonl")]
    gold = _read_grades(_grades_file(folder), {one.id for one in queries}, {one.id for one in documents})
    asked = [one for one in queries if any(grade > 0 for grade in gold.get(one.id, {}).values())]
    if not asked:
        raise Misuse(f"{folder}: holds no query with a relevant document; there is nothing to measure.")
    return RetrievalSet(folder.resolve().name, documents, asked, gold)


def read_documents(path: Path) -> list[SetDocument]:
    """Read `corpus.jsonl`, sorted by id.

    Raises:
        Misuse: As `read_set`; also for a file without a document.
    """
    documents = [_document(line, where) for line, where in _lines_with_ids(path)]
    if not documents:
        raise Misuse(f"{path}: holds no document.")
    return sorted(documents, key=lambda one: one.id)


def _lines_with_ids(path: Path) -> Iterator[tuple[Mapping[str, Any], str]]:
    first_seen: dict[str, int] = {}
    for number, line in read_objects(path):
        where = f"{path}, line {number}"
        for key in ("_id", "text"):
            if not isinstance(line.get(key), str):
                raise Misuse(f"{where}: {key!r} is missing or no text.")
        if line["_id"] in first_seen:
            raise Misuse(f"{where}: the id {line['_id']!r} stands on line {first_seen[line['_id']]} already.")
        first_seen[line["_id"]] = number
        yield line, where


def _document(line: Mapping[str, Any], where: str) -> SetDocument:
    return SetDocument(line["_id"], _text(line, "title", where) or "", line["text"], _language(line, where))


def _query(line: Mapping[str, Any], where: str) -> SetQuery:
    history = _history(line.get("history") or (), where)
    return SetQuery(line["_id"], line["text"], _language(line, where), history, _text(line, "rewritten", where))


def _language(line: Mapping[str, Any], where: str) -> str:
    return _text(line, "lang", where) or ENGLISH


def _text(line: Mapping[str, Any], key: str, where: str) -> str | None:
    value = line.get(key)
    if value is not None and not isinstance(value, str):
        raise Misuse(f"{where}: {key!r} is no text.")
    return value


def _history(turns: Any, where: str) -> tuple[Mapping[str, str | None], ...]:
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        raise Misuse(f"{where}: 'history' is no list.")
    for turn in turns:
        if not isinstance(turn, Mapping) or not isinstance(turn.get("question"), str):
            raise Misuse(f"{where}: a turn of 'history' has no 'question'.")
    return tuple({"question": turn["question"], "answer": turn.get("answer")} for turn in turns)


def _grades_file(folder: Path) -> Path:
    for path in (folder / "qrels.tsv", folder / "qrels" / "test.tsv"):
        if path.is_file():
            return path
    raise Misuse(f"{folder}: has neither qrels.tsv nor qrels/test.tsv, so nothing says what is relevant.")


def _read_grades(path: Path, queries: set[str], documents: set[str]) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        where = f"{path}, line {number}"
        cells = [cell.strip() for cell in line.split("\t")]
        if not line.strip() or (number == 1 and cells[-1] == "score"):
            continue
        if len(cells) != 3 or not re.fullmatch(r"-?\d+", cells[2]):
            raise Misuse(f"{where}: expected query, document and a whole number, parted by tabs.")
        query, document, grade = cells[0], cells[1], int(cells[2])
        if query not in queries:
            raise Misuse(f"{where}: the query {query!r} does not stand in queries.jsonl.")
        if document not in documents:
            raise Misuse(f"{where}: the document {document!r} does not stand in corpus.jsonl.")
        if document in grades.setdefault(query, {}):
            raise Misuse(f"{where}: the document {document!r} is graded for {query!r} already.")
        grades[query][document] = max(0, grade)
    return grades


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise Misuse(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}).") from error


def write_corpus(documents: Sequence[SetDocument], folder: Path) -> None:
    """Make `folder` hold exactly these documents, a text file each; files that are right already are not touched.

    Raises:
        Misuse: The folder holds files that are not ours to replace.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise Misuse(f"{folder}: holds files that this command did not write. Name another folder with --data.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    wanted = {document.file_name: document.whole.encode("utf-8", "replace") for document in documents}
    for path in folder.iterdir():
        if path.name != MARK and path.name not in wanted:
            path.unlink()
    for name, content in wanted.items():
        path = folder / name
        if not (path.is_file() and path.read_bytes() == content):
            path.write_bytes(content)
