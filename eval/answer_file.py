"""Answer lines on disk: read for scoring, appended one by one, and mended after a kill."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import Misuse
from eval.jsonlines import line_of, read_objects, write_json

OUTCOMES = ("answered", "partly", "abstained", "small_talk")


@dataclass(frozen=True, slots=True)
class CitedQuote:
    """One citation as an answer line shows it; offsets are code points into the stored text of `version`."""

    number: int
    quote: str
    document: str
    version: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """One answer as an answer line shows it."""

    text: str
    outcome: str
    reason: str | None = None
    citations: tuple[CitedQuote, ...] = ()
    seconds: float = 0.0

    @property
    def abstained(self) -> bool:
        """Whether the system declined to answer."""
        return self.outcome == "abstained"

    @property
    def shows_sources(self) -> bool:
        """Whether this is an answer from the corpus, whole or in part."""
        return self.outcome in ("answered", "partly")


def read_answers(path: Path) -> dict[str, GivenAnswer]:
    """Read an answer file into answers by question id.

    Raises:
        Misuse: The file is missing, or a line is not JSON, is no answer line, or repeats an id.
    """
    answers: dict[str, GivenAnswer] = {}
    for number, line in read_objects(path):
        where = f"{path}, line {number}"
        if not isinstance(line.get("id"), str) or not isinstance(line.get("answer"), dict):
            raise Misuse(f"{where}: no answer line; it needs 'id' and 'answer'.")
        if line["id"] in answers:
            raise Misuse(f"{where}: the id {line['id']!r} was answered before.")
        answers[line["id"]] = given_answer(line["answer"], where)
    return answers


def given_answer(values: Mapping[str, Any], where: str = "answer") -> GivenAnswer:
    """Return the answer of one line as the measures see it.

    Raises:
        Misuse: A field is missing or of the wrong kind; names `where`.
    """
    try:
        answer = GivenAnswer(
            text=str(values["text"]),
            outcome=str(values["outcome"]),
            reason=values.get("reason"),
            citations=tuple(_cited_quote(citation) for citation in values["citations"]),
            seconds=float(values["seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Misuse(f"{where}: the answer cannot be read ({type(error).__name__}: {error}).") from error
    if not isinstance(values["text"], str) or not isinstance(answer.reason, str | None):
        raise Misuse(f"{where}: 'text' or 'reason' of the answer is no text.")
    if answer.outcome not in OUTCOMES:
        raise Misuse(f"{where}: the outcome {answer.outcome!r} is none of {', '.join(OUTCOMES)}.")
    return answer


def _cited_quote(values: Mapping[str, Any]) -> CitedQuote:
    return CitedQuote(
        number=int(values["number"]),
        quote=str(values["quote"]),
        document=str(values["document"]),
        version=str(values["version"]),
        start=int(values["start"]),
        end=int(values["end"]),
    )


@dataclass(frozen=True, slots=True)
class RunMeta:
    """What an answer file was made from: it decides whether a later run may go on with it.

    Attributes:
        system: Which system answered.
        documents: Fingerprint of the documents' versions.
    """

    system: str
    documents: str

    def to_dict(self) -> dict[str, str]:
        """Return the fields as plain values for JSON."""
        return {"system": self.system, "documents": self.documents}


class AnswerFile:
    """An answer file that grows by one line an answer and survives being killed.

    What it was made from stands beside it in `<name>.meta.json`, never in the file itself.

    Attributes:
        answered: Ids that the file held when it was opened.
    """

    def __init__(self, path: Path, meta: RunMeta) -> None:
        """Open `path` for more answers, mending a half-written last line.

        Raises:
            Misuse: The file was made by another system or from other documents, or is no answer file.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        _mend(path)
        if path.exists() and path.stat().st_size:
            _check_meta(path, meta)
            self.answered = frozenset(read_answers(path))
        else:
            write_json(meta_path(path), meta.to_dict())
            self.answered = frozenset()

    def append(self, question_id: str, answer: Mapping[str, Any]) -> None:
        """Add one answer line and hand it to the operating system before returning."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line_of({"id": question_id, "answer": answer}))


def meta_path(path: Path) -> Path:
    """Return the place of the small file that says what an answer file was made from."""
    return path.with_name(path.name + ".meta.json")


def _mend(path: Path) -> None:
    """Complete or cut a last line without a line end: a kill came between two writes."""
    if not path.exists():
        return
    content = path.read_bytes()
    if not content or content.endswith(b"\n"):
        return
    whole, _, last = content.rpartition(b"\n")
    try:
        complete = isinstance(json.loads(last), dict)
    except ValueError:
        complete = False
    kept = content + b"\n" if complete else (whole + b"\n" if whole else b"")
    path.write_bytes(kept)


def _check_meta(path: Path, meta: RunMeta) -> None:
    beside = meta_path(path)
    advice = "Name another --out, or move the old file away."
    if not beside.exists():
        raise Misuse(f"{path}: has answers but no {beside.name}, so nothing says which system gave them. {advice}")
    try:
        found = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Misuse(f"{beside}: not JSON ({error}). {advice}") from error
    if not isinstance(found, dict):
        raise Misuse(f"{beside}: not a JSON object. {advice}")
    if found.get("system") != meta.system:
        raise Misuse(f"{path}: holds answers of the system {found.get('system')!r}, not {meta.system!r}. {advice}")
    if found.get("documents") != meta.documents:
        raise Misuse(f"{path}: was answered from other documents, or other versions of them. {advice}")
