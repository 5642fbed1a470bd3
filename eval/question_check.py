"""Whether questions, answers and documents belong together."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from unicodedata import normalize

from eval.answer_file import meta_path, read_answers
from eval.errors import Misuse
from eval.jsonlines import read_objects
from eval.matching import words
from eval.question_set import Question

Versions = Mapping[str, str]


def corpus_files(corpus: Path) -> frozenset[str]:
    """Return the ids that the files of a corpus folder have: POSIX paths inside it, NFC."""
    paths = (path.relative_to(corpus).as_posix() for path in corpus.rglob("*") if path.is_file())
    return frozenset(normalize("NFC", path) for path in paths)


def check_gold(path: Path, questions: Sequence[Question], documents: Collection[str], corpus: Path) -> None:
    """Check that every gold document of the questions, read from `path`, is one of `documents`.

    Raises:
        Misuse: One is not; names the first line, the document and how many questions have such labels.
    """
    strays = {question.id: _unknown(question, documents) for question in questions if _unknown(question, documents)}
    if not strays:
        return
    first, missing = next(iter(strays.items()))
    others = f" {len(strays) - 1} more questions name such documents." if len(strays) > 1 else ""
    raise Misuse(
        f"{path}, line {line_of_id(path, first)}: 'gold' names {missing[0]!r}, which {corpus} does not hold; "
        f"correct the label or name the corpus that the questions were written for.{others}"
    )


def _unknown(question: Question, documents: Collection[str]) -> list[str]:
    return [one for one in question.gold if normalize("NFC", one) not in documents]


def stray_evidence(questions: Sequence[Question], text_of: Callable[[str], str | None]) -> list[tuple[str, str]]:
    """Return (question id, sentence) of evidence that stands in no gold document of its question.

    Compared word by word, case folded and without punctuation, since a table's cells are parted in many ways. A
    question without gold has nowhere to look and is passed over; so is a document that `text_of` does not know.
    """
    texts: dict[str, str] = {}
    strays = []
    for question in questions:
        for document in question.gold:
            if document not in texts:
                texts[document] = _as_words(text_of(document) or "")
        strays += [
            (question.id, sentence)
            for sentence in question.evidence
            if question.gold and not any(_as_words(sentence) in texts[document] for document in question.gold)
        ]
    return strays


def _as_words(text: str) -> str:
    # A space on both sides, so that a sentence cannot begin or end inside a word.
    return f" {' '.join(words(text))} "


def evidence_warning(path: Path, strays: Sequence[tuple[str, str]]) -> str | None:
    """Return one sentence on evidence that no gold document holds, with its count; None where there is none."""
    if not strays:
        return None
    id_, sentence = strays[0]
    questions = len({one for one, _ in strays})
    return (
        f"Warning: {len(strays)} evidence sentences of {questions} questions stand in no gold document; the first is "
        f"{path}, line {line_of_id(path, id_)} ({id_}): {sentence!r}."
    )


def line_of_id(path: Path, id_: str) -> int:
    """Return the number of the line that holds an id; 0 where none does."""
    return next((number for number, line in read_objects(path) if line.get("id") == id_), 0)


def check_ids(answers: Path, questions: Path, known: Collection[str]) -> None:
    """Check that an answer file answers no question but the known ones.

    Raises:
        Misuse: It answers another; names its line.
    """
    for number, line in read_objects(answers):
        if line.get("id") not in known:
            raise Misuse(
                f"{answers}, line {number}: answers {line.get('id')!r}, which {questions} does not ask; "
                "it belongs to another question file."
            )


def documents_key(answers: Path) -> str | None:
    """Return the fingerprint of the documents that an answer file was made from; None where nothing says so.

    Raises:
        Misuse: The small file beside it is not JSON.
    """
    beside = meta_path(answers)
    try:
        found = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Misuse(f"{beside}: not JSON ({error}).") from error
    key = found.get("documents") if isinstance(found, dict) else None
    return key if isinstance(key, str) else None


def cited_versions(answers: Path) -> Versions:
    """Return the version of each document that an answer file cites (the first one seen)."""
    versions: dict[str, str] = {}
    for answer in read_answers(answers).values():
        for citation in answer.citations:
            versions.setdefault(citation.document, citation.version)
    return versions


def check_corpus_of(answers: Path, key: str, versions: Versions, corpus: Path) -> None:
    """Check that an answer file was made from the documents of a corpus, with fingerprint `key`.

    A file that does not say what it was made from passes: its quotes are still checked one by one.

    Raises:
        Misuse: It was made from others; names the first line that cites another document or version, if any does.
    """
    found = documents_key(answers)
    if found in (None, key):
        return
    raise Misuse(
        f"{_where_strange(answers, versions, complete=True)}, so this is a run file of another corpus than {corpus}; "
        "name the corpus that it was made from, or answer again with `python -m eval answer`."
    )


def check_same_documents(old: Path, new: Path) -> None:
    """Check that two answer files were made from the same versions of the same documents.

    Where a file does not say, a document that both cite in different versions tells them apart.

    Raises:
        Misuse: They were not; names file, line and reason.
    """
    keys = documents_key(old), documents_key(new)
    if None not in keys and keys[0] == keys[1]:
        return
    versions = cited_versions(old)
    if None in keys and _strange_line(new, versions, complete=False) is None:
        return
    raise Misuse(
        f"{_where_strange(new, versions, complete=False)}, so this is a run file of another corpus than {old}; "
        "compare runs over the same documents, or say --any-documents to compare these nevertheless."
    )


def _where_strange(answers: Path, versions: Versions, *, complete: bool) -> str:
    strange = _strange_line(answers, versions, complete=complete)
    if strange is not None:
        line, document = strange
        what = "another version of" if document in versions else "the unknown document"
        return f"{answers}, line {line}: cites {what} {document!r}"
    beside = meta_path(answers)
    lines = beside.read_text(encoding="utf-8").splitlines()
    line = next((number for number, text in enumerate(lines, start=1) if '"documents"' in text), 1)
    return f"{beside}, line {line}: the documents' fingerprint differs"


def _strange_line(answers: Path, versions: Versions, *, complete: bool) -> tuple[int, str] | None:
    """Return line and document of the first citation that does not fit; unknown ones only where all are known."""
    given = read_answers(answers)
    for number, line in read_objects(answers):
        for citation in given[line["id"]].citations:
            known = versions.get(citation.document)
            if known != citation.version and (known is not None or complete):
                return number, citation.document
    return None
