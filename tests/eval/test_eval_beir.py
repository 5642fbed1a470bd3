"""Sets in BEIR's shape: what is read, what each flaw is called, and what a corpus folder then holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.beir import MARK, SetDocument, read_set, write_corpus
from eval.errors import Misuse
from eval.question_set import half_of

DOCUMENTS = [
    {"_id": "heron", "title": "Herons", "text": "The heron sells hearing devices.", "lang": "en"},
    {"_id": "a/b", "text": "An id that is no file name."},
]
QUERIES = [{"_id": "q1", "text": "Who sells hearing devices?", "lang": "en"}, {"_id": "q2", "text": "What is an id?"}]
GRADES = "query-id\tcorpus-id\tscore\nq1\theron\t1\nq1\ta/b\t0\nq2\ta/b\t2\n"

MakeSet = Callable[..., Path]


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """Write a set; a file given as None is left out."""

    def make(
        documents: Sequence[Mapping[str, Any]] | None = DOCUMENTS,
        queries: Sequence[Mapping[str, Any]] | None = QUERIES,
        grades: str | None = GRADES,
        grades_file: str = "qrels.tsv",
    ) -> Path:
        folder = tmp_path / "set"
        (folder / grades_file).parent.mkdir(parents=True, exist_ok=True)
        for name, lines in (("corpus.jsonl", documents), ("queries.jsonl", queries)):
            if lines is not None:
                (folder / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        if grades is not None:
            (folder / grades_file).write_text(grades, encoding="utf-8")
        return folder

    return make


@pytest.mark.parametrize("grades_file", ["qrels.tsv", "qrels/test.tsv"])
def test_a_set_is_read(make_set, grades_file):
    """Documents by id, queries with what is relevant to them, and a language by default."""
    found = read_set(make_set(grades_file=grades_file))
    assert found.name == "set"
    assert [document.id for document in found.documents] == ["a/b", "heron"]
    assert [query.id for query in found.queries] == ["q1", "q2"]
    assert found.gold == {"q1": {"heron": 1, "a/b": 0}, "q2": {"a/b": 2}}
    assert {document.language for document in found.documents} == {"en"}


def test_grades_need_no_heading(make_set):
    """The first line counts when it is no heading."""
    assert read_set(make_set(grades="q1\theron\t1\n")).gold == {"q1": {"heron": 1}}


def test_a_query_without_a_relevant_document_is_left_out(make_set):
    """There is no best order to compare with."""
    assert [query.id for query in read_set(make_set(grades="q1\theron\t1\nq2\theron\t0\n")).queries] == ["q1"]


def test_a_half_holds_its_own_queries(make_set):
    """By the parity of the id's sha1, as everywhere."""
    found = read_set(make_set())
    for half in ("tuning", "reporting"):
        wanted = [query["_id"] for query in QUERIES if half_of(query["_id"]) == half]
        assert [query.id for query in found.part(half).queries] == wanted
    assert found.part("all") == found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"documents": None}, r"corpus\.jsonl: cannot be read", id="no corpus"),
        pytest.param({"queries": None}, r"queries\.jsonl: cannot be read", id="no queries"),
        pytest.param({"grades": None}, r"has neither qrels\.tsv nor qrels/test\.tsv", id="no grades"),
        pytest.param({"documents": []}, r"corpus\.jsonl: holds no document", id="an empty corpus"),
        pytest.param({"grades": ""}, "holds no query with a relevant document", id="no grade"),
        pytest.param(
            {"documents": [*DOCUMENTS, DOCUMENTS[0]]},
            r"corpus\.jsonl, line 3: the id 'heron' stands on line 1 already",
            id="a document twice",
        ),
        pytest.param(
            {"queries": [*QUERIES, QUERIES[1]]},
            r"queries\.jsonl, line 3: the id 'q2' stands on line 2 already",
            id="a query twice",
        ),
        pytest.param({"documents": [{"_id": "a"}]}, r"line 1: 'text' is missing or no text", id="no text"),
        pytest.param({"documents": [{"_id": 7, "text": ""}]}, r"line 1: '_id' is missing or no text", id="id a number"),
        pytest.param({"documents": [{"_id": "a", "text": "", "title": 7}]}, "'title' is no text", id="title a number"),
        pytest.param({"queries": [{"_id": "q", "text": "?", "history": "x"}]}, "'history' is no list", id="history"),
        pytest.param(
            {"queries": [{"_id": "q", "text": "?", "history": [{}]}]}, "a turn of 'history' has no", id="an empty turn"
        ),
        pytest.param(
            {"grades": "q1\theron\t1\nq1\tstork\t1\n"},
            r"qrels\.tsv, line 2: the document 'stork' does not stand in corpus\.jsonl",
            id="an unknown document",
        ),
        pytest.param(
            {"grades": "q9\theron\t1\n"},
            r"qrels\.tsv, line 1: the query 'q9' does not stand in queries\.jsonl",
            id="an unknown query",
        ),
        pytest.param(
            {"grades": "q1\theron\t1\nq1\theron\t0\n"}, r"line 2: the document 'heron' is graded for 'q1' already",
            id="graded twice",
        ),
        pytest.param({"grades": "q1 heron 1\n"}, "line 1: expected query, document and a whole number", id="no tabs"),
        pytest.param({"grades": "q1\theron\tgood\n"}, "line 1: expected query, document and a", id="grade a word"),
    ],
)  # fmt: skip
def test_a_flaw_is_named_by_file_line_and_reason(make_set, changes, message):
    """Nothing is guessed and nothing passed over."""
    with pytest.raises(Misuse, match=message):
        read_set(make_set(**changes))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """One sentence says what should be in it."""
    with pytest.raises(Misuse, match=r"none: is no folder; name one with corpus\.jsonl"):
        read_set(tmp_path / "none")


@pytest.mark.parametrize(
    ("title", "text", "whole"),
    [
        pytest.param("Herons", "They fish.", "Herons\n\nThey fish.", id="a title of its own"),
        pytest.param("Herons", "\nHerons\nThey fish.", "\nHerons\nThey fish.", id="the text begins with its title"),
        pytest.param("", "They fish.", "They fish.", id="no title"),
    ],
)
def test_the_title_stands_once_above_the_text(title, text, whole):
    """All systems read the same."""
    assert SetDocument("a", title, text, "en").whole == whole


def test_a_corpus_folder_holds_exactly_the_documents(make_set, tmp_path):
    """Every document gets a file, one that is right is not touched, and one that is gone leaves with it."""
    documents = read_set(make_set()).documents
    folder = tmp_path / "corpus"
    write_corpus(documents, folder)
    heron = folder / "heron.txt"
    assert heron.read_text(encoding="utf-8") == "Herons\n\nThe heron sells hearing devices."
    assert {path.name for path in folder.iterdir()} == {MARK, *(document.file_name for document in documents)}
    before = heron.stat().st_mtime_ns
    write_corpus([document for document in documents if document.id == "heron"], folder)
    assert {path.name for path in folder.iterdir()} == {MARK, "heron.txt"}
    assert heron.stat().st_mtime_ns == before


@pytest.mark.parametrize("id_", ["a/b", "../up", ".hidden", "~$lock", "", "x" * 300, "å ø"])
def test_any_id_becomes_a_plain_file_name(id_):
    """Nothing leaves the folder or hides in it, and two ids never share a file."""
    name = SetDocument(id_, "", "", "en").file_name
    assert Path(name).name == name
    assert name[0].isalnum()
    assert len(name) < 130
    assert name != SetDocument(f"{id_}!", "", "", "en").file_name


def test_files_of_others_are_never_replaced(make_set, tmp_path):
    """A folder with files that the command did not write is refused and stays as it was."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear all", encoding="utf-8")
    with pytest.raises(Misuse, match="holds files that this command did not write"):
        write_corpus(read_set(make_set()).documents, folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
