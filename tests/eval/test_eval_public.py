"""The public evaluation with the real assistant, on a set of ten documents that nobody else would write."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from assistant import load_embedder
from eval import run
from eval.__main__ import main
from eval.beir import read_set
from eval.errors import Misuse
from eval.public import PublicPlan, Refusals, evaluate_public
from eval.question_set import half_of
from eval.ranking import ndcg
from eval.retrieval import PROJECT_CORPUS, Place, Timing, check_place, floor_rankings, ranked_documents

TEXTS = {
    "heron": "The heron is a mentor who has sold three hearing devices in Ohio. Founders meet the heron in spring.",
    "walrus": "The walrus fee is 4,711 dollars per company. The walrus fee is paid in October.",
    "lighthouse": "The lighthouse in Bodø serves waffles every Thursday. The waffles cost 25 kroner.",
    "puffin": "The harbour counted 812 puffins in the spring of 2023. The puffins left in August.",
    "umbrella": "Insurers in Texas repaid the cost of forty umbrellas. The umbrellas were lost in a storm.",
    "boots": "Every founder is lent one pair of rubber boots. The boots are returned in June.",
    "ferry": "The ferry to Vega leaves at six in the morning. The ferry carries nine cars.",
    "glacier": "The glacier above the village shrank by eleven metres last summer. Tourists photograph it.",
    "organ": "The church organ was built by a carpenter from Namsos. The organ has two thousand pipes.",
    "cheese": "The brown cheese of the valley won a prize in Lyon. The cheese is made of goat milk.",
}
ASKED = {
    "walrus": ("What is the walrus fee per company?", r"4,711", "The walrus fee is 4,711 dollars per company."),
    "puffin": ("How many puffins did the harbour count in 2023?", r"812", None),
    "organ": ("Who built the church organ?", r"carpenter", None),
    "ferry": ("When does the ferry to Vega leave?", r"\bsix\b", None),
}
REMOVED = {"glacier": "How many metres did the glacier shrink last summer?", "umbrella": "Who repaid the umbrellas?"}


def ids_of(half: str, prefix: str) -> Iterator[str]:
    """Yield ids that belong to a half."""
    return (id_ for number in count() if half_of(id_ := f"{prefix}{number}") == half)


def write_set(folder: Path, *, queries: Sequence[Mapping[str, Any]], gold: Mapping[str, str]) -> None:
    """Write TEXTS as a set."""
    folder.mkdir(parents=True)
    write(folder / "corpus.jsonl", [{"_id": id_, "title": "", "text": text} for id_, text in TEXTS.items()])
    write(folder / "queries.jsonl", queries)
    grades = "".join(f"{query}\t{document}\t1\n" for query, document in gold.items())
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{grades}", encoding="utf-8")


def write(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Write objects as lines."""
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """Two sets under public names: single questions with removed documents, and follow-ups written out."""
    folder = tmp_path / "material"
    questions, removed, gold = [], [], {}
    for half in ("tuning", "reporting"):
        for (document, (asked, fact, evidence)), id_ in zip(ASKED.items(), ids_of(half, "q"), strict=False):
            labels = {"facts": [fact], "evidence": [evidence] if evidence else [], "gold": [document]}
            questions.append({"id": id_, "question": asked, "lang": "en", "answerable": True, **labels})
            gold[id_] = document
        for (document, asked), id_ in zip(REMOVED.items(), ids_of(half, "rm"), strict=False):
            removed.append(
                {
                    "id": id_,
                    "question": asked,
                    "lang": "en",
                    "answerable": False,
                    "remove": [document],
                    "kind": "removed",
                }
            )
    queries = [{"_id": one["id"], "text": one["question"]} for one in questions]
    write_set(folder / "data" / "norquad", queries=queries, gold=gold)
    write(folder / "data" / "norquad" / "questions.jsonl", questions)
    write(folder / "data" / "norquad" / "questions_removed.jsonl", removed)
    follow_up = next(ids_of("tuning", "t"))
    turns = [{"question": "What is the walrus fee?", "answer": "It is 4,711 dollars."}]
    rewritten = "When is the walrus fee paid?"
    query = {"_id": follow_up, "text": "When is it paid?", "history": turns, "rewritten": rewritten}
    write_set(folder / "data" / "mtrag-govt", queries=[query], gold={follow_up: "walrus"})
    return folder


# ---- The whole ----


@pytest.mark.slow
def test_a_second_run_embeds_nothing_and_finds_the_same(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Retrieval, answers and refusals of the tuning half, cold and warm, with the same figures."""
    data = tmp_path / "data"
    command = ["public", "--material", str(material), "--data", str(data), "--set", "norquad", "--set", "mtrag-govt"]
    assert main([*command, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["sets"]
    assert main([*command, "--json"]) == 0
    second = json.loads(capsys.readouterr().out)["sets"]

    norquad = first["norquad"]
    assert norquad["retrieval"]["queries"] == len(ASKED)
    assert norquad["retrieval"]["measures"]["assistant"]["nDCG@10"]["value"] == 1
    assert norquad["answers"]["measures"]["correct"]["value"] == 1
    assert norquad["answers"]["measures"]["verbatim"]["value"] == 1
    assert norquad["removed"]["measures"]["refused"]["counted"] == len(REMOVED)
    assert norquad["removed"]["measures"]["false refusals"]["counted"] == len(ASKED)
    assert set(norquad["removed"]["measures"]) == {
        "refused", "false refusals", "AUROC", "refused at 5 %", "false refusals there",
    }  # fmt: skip
    kept = {path.stem for path in (data / "norquad-removed" / "corpus").glob("*.txt")}
    assert kept == set(TEXTS) - set(REMOVED)
    govt = first["mtrag-govt"]
    assert set(govt["retrieval"]["measures"]) == {
        "assistant", "assistant, rewritten", "bm25", "minilm", "mean of both",
    }  # fmt: skip
    assert govt["retrieval"]["follow_ups"]["nDCG@10"]["queries"] == 1
    assert govt["answers"] is None

    assert norquad["retrieval"]["ingest"]["warm"] is None
    assert norquad["retrieval"]["ingest"]["cold_chunks"] >= len(TEXTS)
    assert norquad["removed"]["ingest"]["cold"] is None
    for name in first:
        assert second[name]["retrieval"]["ingest"]["warm"] is not None
        assert second[name]["retrieval"]["ingest"]["cold"] == first[name]["retrieval"]["ingest"]["cold"]
    assert _figures(first) == _figures(second)


def _figures(sets: Any) -> Any:
    """Return a report without its seconds."""
    if isinstance(sets, dict):
        return {key: _figures(value) for key, value in sets.items() if "seconds" not in key and key != "ingest"}
    return sets


@pytest.mark.slow
def test_the_reporting_half_is_logged_before_it_is_seen(material: Path, tmp_path: Path) -> None:
    """The look stands in the log, and the threshold still comes from the tuning half."""
    looks = tmp_path / "looks.csv"
    plan = PublicPlan(material, "reporting", ("norquad",), tmp_path / "data", looks=looks, why="a test")
    findings = evaluate_public(plan, lambda _: None)
    assert looks.read_text(encoding="utf-8").splitlines()[1].endswith(",public-reporting,a test")
    finding = next(findings)
    assert finding.refusals is not None
    assert finding.refusals.threshold is not None
    assert finding.retrieval.part == "reporting"
    for heading in ("norquad, half 'reporting': 4 queries over 10 documents", "answers: 4", "refused at 5 %", "cold"):
        assert heading in finding.table()


@pytest.mark.slow
def test_any_set_in_the_shape_can_be_ranked(material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`retrieval` takes all queries by default and prints the difference to the best floor."""
    assert main(["retrieval", str(material / "data" / "norquad"), "--data", str(tmp_path / "mine")]) == 0
    table = capsys.readouterr().out
    assert "norquad, all queries: 8 queries over 10 documents" in table
    assert "above the best floor" in table
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"corpus", "library", "floors", "cold.json"}


# ---- The parts ----


@pytest.mark.slow
def test_floors_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    """BM25 puts the document that says the word twice before the one that is meant; the model knows what is meant."""
    folder = tmp_path / "set"
    texts = {
        "tax": "Bank, bank and bank again.",
        "river": "The bank of a river is its muddy shore.",
        "sky": "Blue sky.",
    }
    folder.mkdir()
    write(folder / "corpus.jsonl", [{"_id": id_, "text": text} for id_, text in texts.items()])
    write(folder / "queries.jsonl", [{"_id": "q", "text": "bank beside flowing water"}])
    (folder / "qrels.tsv").write_text("q\triver\t1\n", encoding="utf-8")
    found = read_set(folder)
    rankings = floor_rankings(found, load_embedder(), tmp_path / "cache", lambda _: None)
    assert rankings["bm25"][0][:2] == ["tax", "river"]
    assert rankings["minilm"][0][0] == "river"
    assert ndcg(rankings["bm25"][0], found.gold["q"]) == pytest.approx(1 / math.log2(3))
    assert ndcg(rankings["minilm"][0], found.gold["q"]) == 1
    kept = sorted((tmp_path / "cache").iterdir())
    assert len(kept) == 2
    times = [path.stat().st_mtime_ns for path in kept]
    assert floor_rankings(found, load_embedder(), tmp_path / "cache", lambda _: None) == rankings
    assert [path.stat().st_mtime_ns for path in kept] == times


@pytest.mark.slow
def test_a_search_gives_as_many_hits_as_are_asked_for(synced) -> None:
    """Hits are ranked from 1, a longer list begins like the shorter, and a document stands at its best hit."""
    few, many = synced.search("walrus fee", limit=1), synced.search("walrus fee", limit=50)
    assert [hit.rank for hit in many] == list(range(1, len(many) + 1))
    assert len(few) == 1 < len(many)
    assert few[0].chunk.id == many[0].chunk.id
    assert ranked_documents(many)[0] == "programme/mentors.md"
    assert len(ranked_documents(many)) == len(set(ranked_documents(many)))
    with pytest.raises(Exception, match="0 hits makes no sense"):
        synced.search("walrus fee", limit=0)


def test_refusals_count_what_lies_below_the_threshold() -> None:
    """At the threshold itself a question is answered."""
    found = Refusals([0.1, 0.2, 0.6], [0.5, 0.7, 0.9, 0.3], None, None, 0.5, Timing(None, 0, None)).estimates()
    assert set(found) == {"AUROC", "refused at 5 %", "false refusals there"}
    assert found["refused at 5 %"].value == pytest.approx(2 / 3)
    assert found["false refusals there"].value == pytest.approx(1 / 4)
    assert found["AUROC"].value == pytest.approx((2 + 3 + 3 + 2) / 12)


# ---- Misuse ----


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "There is no material: name its folder with --material or in ASSISTANT_TEST_DATA", id="none"),
        pytest.param(["--material", "gone", "--set", "norquad"], "norquad is not there. Name the folder", id="missing"),
        pytest.param(["--material", "x", "--set", "sqad"], "--set sqad: is none of clapnq, norquad", id="unknown set"),
        pytest.param(["--material", "x", "--half", "reporting"], "needs a reason: --why TEXT", id="no reason"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(arguments, message, monkeypatch, capsys) -> None:
    """Nothing is opened and no look logged."""
    monkeypatch.delenv("ASSISTANT_TEST_DATA", raising=False)
    assert main(["public", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_an_unknown_gold_or_removed_document_is_named(material: Path, tmp_path: Path) -> None:
    """Before anything is embedded."""
    plan = PublicPlan(material, "tuning", ("norquad",), tmp_path / "data")
    path = material / "data" / "norquad" / "questions_removed.jsonl"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace('"umbrella"', '"stork"'), encoding="utf-8")
    with pytest.raises(Misuse, match=r"questions_removed\.jsonl, line 2: the document 'stork' does not stand"):
        evaluate_public(plan, lambda _: None)
    path.write_text(whole, encoding="utf-8")
    path = path.with_name("questions.jsonl")
    path.write_text(path.read_text(encoding="utf-8").replace('["ferry"]', '["stork"]'), encoding="utf-8")
    with pytest.raises(Misuse, match=r"names 'stork' as gold, which does not stand in corpus\.jsonl"):
        evaluate_public(plan, lambda _: None)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("inside", [PROJECT_CORPUS / "public", run.HERE.parent / "corpus"])
def test_nothing_is_written_into_the_projects_corpus(inside: Path, tmp_path: Path) -> None:
    """Nor into the set that is measured."""
    with pytest.raises(Misuse, match="which an evaluation never writes to"):
        check_place(Place(inside), tmp_path)
    with pytest.raises(Misuse, match="which an evaluation never writes to"):
        check_place(Place(tmp_path / "set" / "data"), tmp_path / "set")


def test_a_set_without_anything_of_the_half_is_left_out(material: Path, tmp_path: Path) -> None:
    """It is said; where nothing is left it is misuse."""
    plan = PublicPlan(material, "reporting", ("mtrag-govt",), tmp_path / "data", looks=tmp_path / "l.csv", why="a test")
    said: list[str] = []
    with pytest.raises(Misuse, match="None of the sets named holds anything of the half 'reporting'"):
        evaluate_public(plan, said.append)
    assert said == ["mtrag-govt: none of its ids belongs to the half 'reporting'; left out."]
    assert not plan.looks.exists()
