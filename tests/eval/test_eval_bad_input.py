"""Input that does not fit: labels against a corpus, answers of another corpus, and labels of the wrong shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.answer_file import RunMeta, meta_path, read_answers
from eval.errors import Misuse
from eval.jsonlines import write_json
from eval.question_check import check_corpus_of, evidence_warning, stray_evidence
from eval.question_set import read_questions
from tests.eval.eval_cases import FEE, OFFICE, SMALL, TEXTS, answer_values, version

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        pytest.param({"id": " "}, "'id' is empty", id="empty id"),
        pytest.param({"question": ""}, "'question' is empty", id="empty question"),
        pytest.param({"question": None}, "'question' is no text", id="question is null"),
        pytest.param({"id": "a"}, "the id 'a' stands on line 1 already", id="id twice"),
        pytest.param({"lang": 5}, "'lang' is no text", id="language is a number"),
        pytest.param({"kind": ["natural"]}, "'kind' is no text", id="kind is a list"),
        pytest.param({"answerable": "yes"}, "'answerable' is 'yes', expected one of True, False, None", id="yes"),
        pytest.param({"facts": ["[a-"]}, r"a fact is no regular expression \(unterminated.*'\[a-'", id="bad regex"),
        pytest.param({"facts": ["a{99999999999}"]}, "a fact is no regular expression", id="regex too large"),
        pytest.param({"facts": ["fee", "x?"]}, r"the fact 'x\?' stands in the empty text", id="fact of nothing"),
        pytest.param({"facts": [5]}, "'facts' is no list of texts", id="fact is a number"),
        pytest.param({"gold": "fees.md"}, "'gold' is no list of texts", id="gold is a text"),
        pytest.param({"evidence": {"a": 1}}, "'evidence' is no list of texts", id="evidence is an object"),
        pytest.param({"evidence_sets": 5}, "'evidence_sets' is no list of lists", id="sets are a number"),
        pytest.param({"evidence_sets": ["One."]}, "'evidence_sets' is no list of texts", id="sets are texts"),
        pytest.param({"history": "before"}, "'history' is no list", id="history is a text"),
        pytest.param({"history": [{"answer": "x"}]}, "a turn of 'history' has no 'question'", id="turn of no question"),
        pytest.param({"history": [{"question": "x", "answer": 1}]}, "the 'answer' of a turn", id="answer is a number"),
        pytest.param({"half": "both"}, "'half' is 'both', expected", id="no such half"),
    ],
)
def test_labels_of_the_wrong_shape(write_lines: Write, labels: dict[str, Any], reason: str) -> None:
    """Each is refused with file, line and reason."""
    path = write_lines("q.jsonl", {"id": "a", "question": "?"}, {"id": "b", "question": "?", **labels})
    with pytest.raises(Misuse, match=rf"q\.jsonl, line 2: .*{reason}"):
        read_questions(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"text": None}, "'text' or 'reason' of the answer is no text", id="text is null"),
        pytest.param({"reason": 3}, "'text' or 'reason' of the answer is no text", id="reason is a number"),
        pytest.param({"citations": 5}, "cannot be read .TypeError", id="citations are a number"),
        pytest.param({"citations": ["x"]}, "cannot be read .TypeError", id="citation is a text"),
        pytest.param({"seconds": "long"}, "cannot be read .ValueError", id="seconds are a word"),
    ],
)
def test_answers_of_the_wrong_shape(write_lines: Write, changes: dict[str, Any], reason: str) -> None:
    """Each is refused with file, line and reason."""
    path = write_lines("a.jsonl", {"id": "a", "answer": {**answer_values(), **changes}})
    with pytest.raises(Misuse, match=rf"a\.jsonl, line 1: .*{reason}"):
        read_answers(path)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """TEXTS as files."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def line(id_: str, **labels: Any) -> dict[str, Any]:
    """Return an answerable question line on the fee."""
    return {"id": id_, "question": "What is the fee?", "answerable": True, "facts": ["26,067"], **labels}


def score(write_lines: Write, corpus: Path, *lines: dict[str, Any]) -> int:
    """Score one answer to those questions with the corpus at hand, and return the exit status."""
    answers = write_lines("a.jsonl", {"id": "a", "answer": answer_values([("fees.md", FEE)])})
    return main(["score", str(write_lines("q.jsonl", *lines)), str(answers), "--corpus", str(corpus)])


def test_unknown_gold_is_refused(write_lines: Write, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A label that names no document of the corpus would count every citation as bad."""
    others = [line("c", gold=["gone.md"]), line("d", gold=["fees.md", "gone.md"])]
    assert score(write_lines, corpus, line("a", gold=["fees.md"]), line("b", gold=["lost.md"]), *others) == 2
    said = capsys.readouterr().err
    assert "q.jsonl, line 2: 'gold' names 'lost.md', which" in said
    assert "2 more questions name such documents." in said


@pytest.mark.parametrize(
    ("labels", "warned"),
    [
        pytest.param({"gold": ["fees.md"], "evidence": [FEE, SMALL]}, None, id="stands there"),
        pytest.param({"gold": ["fees.md"], "evidence": ["FDA fees: the FEE for a 510(k)"]}, None, id="other signs"),
        pytest.param({"gold": ["office.md", "fees.md"], "evidence": [FEE]}, None, id="in one of two"),
        pytest.param({"evidence": ["Nowhere."]}, None, id="no gold, nowhere to look"),
        pytest.param({"gold": ["fees.md"], "evidence": [FEE, OFFICE]}, OFFICE, id="in another document"),
        pytest.param({"gold": ["fees.md"], "evidence": ["ee for a 510(k)"]}, "ee for", id="inside a word"),
        pytest.param({"gold": ["fees.md"], "evidence_sets": [[FEE], ["It is free."]]}, "It is free.", id="in a set"),
    ],
)
def test_evidence_in_no_gold_document_is_a_warning(
    write_lines: Write, corpus: Path, capsys: pytest.CaptureFixture[str], labels: dict[str, Any], warned: str | None
) -> None:
    """Counted and named with its line, and the scores are given nevertheless."""
    assert score(write_lines, corpus, line("a", **labels)) == 0
    captured = capsys.readouterr()
    assert "all questions (1)" in captured.out
    start = "Warning: 1 evidence sentences of 1 questions stand in no gold document; the first is "
    assert (start in captured.err) == (warned is not None)
    assert warned is None or "q.jsonl, line 1 (a)" in captured.err.split(warned)[0]


def test_a_document_of_no_known_format_holds_nothing(write_lines: Write) -> None:
    """Evidence is looked for in what can be read; the warning gives the count of all."""
    path = write_lines("q.jsonl", *(line(id_, gold=["x.bin"], evidence=["One.", "Two."]) for id_ in "abc"))
    strays = stray_evidence(read_questions(path), lambda _: None)
    assert len(strays) == 6
    assert "6 evidence sentences of 3 questions" in str(evidence_warning(path, strays))


VERSIONS = {name: version(name) for name in TEXTS}


@pytest.mark.parametrize(
    ("versions", "place"),
    [
        pytest.param(
            {**VERSIONS, "fees.md": "0" * 64}, r"a\.jsonl, line 2: cites another version of 'fees", id="version"
        ),
        pytest.param({"office.md": "0" * 64}, r"a\.jsonl, line 2: cites the unknown document 'fees", id="document"),
        pytest.param(VERSIONS, r"a\.jsonl\.meta\.json, line 3: the documents' fingerprint", id="nothing cited"),
    ],
)
def test_a_run_file_of_another_corpus(write_lines: Write, versions: dict[str, str], place: str) -> None:
    """Refused with file, line, and reason; the same documents pass, and so does a file that says nothing."""
    silent, cited = answer_values(), answer_values([("fees.md", FEE)])
    path = write_lines("a.jsonl", {"id": "a", "answer": silent}, {"id": "b", "answer": cited})
    check_corpus_of(path, "here", versions, Path("corpus"))
    write_json(meta_path(path), RunMeta("assistant", "there").to_dict())
    check_corpus_of(path, "there", versions, Path("corpus"))
    with pytest.raises(Misuse, match=place + ".* a run file of another corpus than corpus"):
        check_corpus_of(path, "here", versions, Path("corpus"))


@pytest.mark.parametrize("text", ["{", "[]"], ids=["no JSON", "no object"])
def test_a_broken_meta_file(write_lines: Write, text: str) -> None:
    """What cannot be read is named; what names no documents says nothing."""
    path = write_lines("a.jsonl", {"id": "a", "answer": answer_values()})
    meta_path(path).write_text(text, encoding="utf-8")
    if text == "{":
        with pytest.raises(Misuse, match=r"a\.jsonl\.meta\.json: not JSON"):
            check_corpus_of(path, "here", VERSIONS, Path("corpus"))
    else:
        check_corpus_of(path, "here", VERSIONS, Path("corpus"))
