"""Public question sets become tuning sets: the same files each time, with a corpus that holds what is asked of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.errors import Misuse
from eval.jsonlines import read_objects
from eval.outside import make_tuning_sets
from eval.question_set import half_of, read_questions

FOLDERS = ("norquad", "scifact", "mtrag-govt", "mtrag-fiqa", "mtrag-clapnq")
# Ids of the tuning half by the rule for all sets, and one that is not.
TUNING = [f"q{number}" for number in range(40) if half_of(f"q{number}") == "tuning"]
REPORTING = next(f"q{number}" for number in range(40) if half_of(f"q{number}") == "reporting")


def line(id_: str, answerable: bool | None = True, **labels: Any) -> dict[str, Any]:
    """Return a question of a set with a corpus."""
    asked = {"id": id_, "question": f"Who is {id_}?", "lang": "nb", "history": [], "answerable": answerable}
    return {**asked, "facts": ["Ada"], "evidence": ["Ada is it."], "gold": ["a/1"], **labels}


def query(id_: str, history: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """Return a question of a set whose corpus is not used."""
    return {"_id": id_, "text": f"What of {id_}?", "lang": "en", "history": list(history)}


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """A few lines in the form of the public material."""
    follow_up = [{"question": "What is it?", "answer": "A walrus."}]
    files = {
        "norquad/corpus.jsonl": [
            {"_id": "a/1", "title": "Ada", "text": "Ada is it."},
            {"_id": "b", "title": "Fyrtårnet", "text": "Det lyser."},
            {"_id": "c", "text": "No title here."},
        ],
        "norquad/questions.jsonl": [line(TUNING[0]), line(REPORTING), line(TUNING[1], None)],
        "mtrag-govt/corpus.jsonl": [{"_id": "a/1", "title": "Page", "text": "Ada is it."}],
        "mtrag-govt/questions.jsonl": [
            line(TUNING[2], history=follow_up, lang="en"),
            line(TUNING[3], False, facts=[], evidence=[], gold=[], lang="en"),
        ],
        "scifact/queries.jsonl": [query(TUNING[4]), query(REPORTING)],
        "mtrag-fiqa/queries.jsonl": [query(TUNING[5]), query(TUNING[6], follow_up)],
        "mtrag-clapnq/queries.jsonl": [query(TUNING[7])],
    }
    for name, lines in files.items():
        path = tmp_path / "material" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
    return tmp_path / "material"


@pytest.mark.parametrize("missing", FOLDERS)
def test_missing_material_is_named(tmp_path, missing):
    """Without one part of the material one sentence says which folder is missing, and nothing is written."""
    for name in FOLDERS:
        if name != missing:
            (tmp_path / "data" / name).mkdir(parents=True)
    with pytest.raises(Misuse, match=rf"{missing} is not there\. Name the folder that holds data/{missing}\."):
        make_tuning_sets(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_three_sets_are_made(material, tmp_path):
    """Two sets have a corpus of their own, the third asks what is off topic; the files can be read as questions."""
    norquad, govt, public = make_tuning_sets(material, tmp_path / "out")
    assert [path.parent.name for path in (norquad, govt, public)] == ["norquad", "govt", "public"]
    assert [(path.parent / "corpus").is_dir() for path in (norquad, govt, public)] == [True, True, False]
    asked = {path.parent.name: read_questions(path, "tuning") for path in (norquad, govt, public)}
    assert [one.id for one in asked["norquad"]] == [TUNING[0]]
    assert {one.id for one in asked["govt"]} == {TUNING[2], TUNING[3]}
    assert {one.id for one in asked["public"]} == {TUNING[place] for place in (0, 1, 4, 5, 7)}


def test_only_the_tuning_half_is_taken(material, tmp_path):
    """What is reported on by the rule for public questions is in no tuning set, nor is what nobody can label."""
    lines = [one for path in make_tuning_sets(material, tmp_path / "out") for _, one in read_objects(path)]
    assert REPORTING not in {one["id"] for one in lines}
    assert {one["half"] for one in lines} == {"tuning"}
    assert all(one["answerable"] in (True, False) for one in lines)


def test_labels_and_history_stay(material, tmp_path):
    """Answerable questions keep facts, evidence, history and documents; the others are of a kind that is refused."""
    norquad, govt, public = make_tuning_sets(material, tmp_path / "out")
    ((_, kept),) = read_objects(norquad)
    assert (kept["kind"], kept["facts"], kept["evidence"]) == ("natural", ["Ada"], ["Ada is it."])
    assert kept["gold"] == ["a_1.txt"]
    found = {one["id"]: one for _, one in read_objects(govt)}
    assert found[TUNING[2]]["history"] == [{"question": "What is it?", "answer": "A walrus."}]
    assert (found[TUNING[3]]["kind"], found[TUNING[3]]["answerable"]) == ("absent_detail", False)
    assert {(one["kind"], one["answerable"]) for _, one in read_objects(public)} == {("off_topic", False)}


def test_each_document_is_a_file_under_its_title(material, tmp_path):
    """A file has the name of its document without folders, and opens with the title, once."""
    corpus = make_tuning_sets(material, tmp_path / "out")[0].parent / "corpus"
    assert {path.name: path.read_text(encoding="utf-8") for path in corpus.iterdir()} == {
        "a_1.txt": "Ada is it.",
        "b.txt": "Fyrtårnet\n\nDet lyser.",
        "c.txt": "No title here.",
    }


@pytest.mark.slow
def test_the_sets_are_consistent_and_repeatable(tmp_path):
    """Answerable questions have their article in the corpus, and a second run writes the same bytes."""
    folder = os.environ.get("ASSISTANT_TEST_DATA")
    if not folder:
        pytest.skip("ASSISTANT_TEST_DATA is unset")
    first = make_tuning_sets(Path(folder), tmp_path / "a")
    second = make_tuning_sets(Path(folder), tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    norquad, govt, public = ([one for _, one in read_objects(path)] for path in first)
    for path, lines in zip(first[:2], (norquad, govt), strict=True):
        corpus = {one.name for one in (path.parent / "corpus").iterdir()}
        assert all(set(one["gold"]) <= corpus for one in lines if one["answerable"])
    assert {one["answerable"] for one in norquad} == {True}
    assert {one["answerable"] for one in govt} == {True, False}
    assert {one["answerable"] for one in public} == {False}
    assert {one["kind"] for one in public} == {"off_topic"}
