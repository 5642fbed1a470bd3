"""Growth: the generated documents keep their promises, and figures, curves and refusals follow from plain values."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from assistant import load_embedder
from assistant.documents.chunking import chunk_document
from assistant.documents.loading import load_document
from assistant.index.lexical import question_terms
from eval import growth_synthetic
from eval.__main__ import main
from eval.errors import EvaluationError, Misuse
from eval.growth import (
    MEASURED,
    Built,
    Grown,
    Growth,
    Indexes,
    Room,
    check_room,
    exponent,
    free_bytes,
    needs,
    read_growth,
    run_growth,
)
from eval.growth_plot import apart, growth_plot
from eval.growth_table import growth_table
from eval.growth_text import POOL, SECTIONS, filler, growth_documents, topics, write_growth
from eval.processes import measured_apart

SVG = "{http://www.w3.org/2000/svg}"


def grown(chunks: int, **others: object) -> Grown:
    """A library of so many chunks, with figures that are easy to reckon with."""
    one = Grown(
        chunks=chunks,
        documents=chunks // SECTIONS,
        questions=200,
        embed_p50_seconds=0.005,
        passages_p50_seconds=0.010,
        passages_p95_seconds=0.012,
        answer_p50_seconds=0.015,
        answer_p95_seconds=0.030,
        recall=1.0,
        quoted=0.9,
        ingest_seconds=chunks / 50,
        unchanged_seconds=chunks / 10_000,
        start_seconds=2.5,
        answering_megabytes=500.0,
        ingesting_megabytes=900.0,
        disk_bytes={"library.sqlite": chunks * 6_000, "chroma": chunks * 2_000},
    )
    return replace(one, **others)  # type: ignore[arg-type]


def indexes(passages: int, whole: tuple[float, float] = (0.008, 0.020), **others: object) -> Indexes:
    """The indexes alone over so many passages."""
    one = Indexes(
        passages=passages,
        questions=200,
        spent={name: whole for name in ("vectors", "words", "fusion", "library", "whole")},
        recall={"10": 0.97, "50": 0.9},
        by_words=1.0,
        found=1.0,
        opened_seconds=2.0,
        peak_megabytes=2_000.0,
        built={name: Built(600.0, 590.0, 4_000.0) for name in ("vectors", "words", "library")},
        disk_bytes={"chroma": passages * 2_000, "library.sqlite": passages * 1_500, "words": passages * 200},
        candidates=50,
    )
    return replace(one, **others)  # type: ignore[arg-type]


THREE = Growth((grown(1_000), grown(10_000), grown(100_000)), (indexes(1_000_000),))


# ---- Generated documents ----


def test_a_number_always_gives_the_same_document():
    """Kept libraries stay comparable, and parts made one by one are those made at once."""
    assert list(growth_documents(3, 2)) == list(islice(growth_documents(0, 5), 3, None))


def test_every_section_has_one_fact_that_stands_nowhere_else():
    """A planted sentence or question leads to one section of all, so a hit is a hit."""
    documents = list(growth_documents(0, 12))
    facts = [fact for document in documents for fact in document.facts]
    library = "\n".join(document.markdown for document in documents)
    assert len(facts) == 12 * SECTIONS
    assert len({fact.question for fact in facts}) == len(facts)
    assert {library.count(fact.sentence) for fact in facts} == {1}
    for document in documents:
        sections = document.markdown.split("\n## ")[1:]
        assert len({section.splitlines()[0] for section in sections}) == SECTIONS
        for section, fact in zip(sections, document.facts, strict=True):
            assert fact.sentence in section
            assert fact.document == document.name


def test_ordinary_sentences_come_from_a_pool_of_bounded_size():
    """However large the library is, what a section says beside its fact is one of a topic's sixty sentences."""
    pools = {topic: filler(topic) for topic in topics()}
    assert {len(set(pool)) for pool in pools.values()} == {POOL}
    for document in growth_documents(500, 5):
        for section, fact in zip(document.markdown.split("\n## ")[1:], document.facts, strict=True):
            topic, _, text = section.partition("\n")
            others = [part for part in text.strip().replace(fact.sentence, "").replace(".", ".\n").split("\n")]
            others = [part.strip() for part in others if part.strip()]
            assert 2 <= len(others) <= 3
            assert set(others) <= set(pools[topic])


def test_a_section_becomes_a_chunk_of_its_own(tmp_path):
    """So 2,000 documents are 100,000 chunks, each of about 60 of the model's tokens."""
    embedder = load_embedder()
    facts = write_growth(tmp_path, 0, 3)
    chunks = [
        chunk
        for file in sorted(tmp_path.iterdir())
        for chunk in chunk_document(load_document(file, file.name), embedder.count_tokens, max_tokens=200)
    ]
    assert len(chunks) == len(facts)
    assert all(fact.sentence in chunk.text for chunk, fact in zip(chunks, facts, strict=True))
    assert {chunk.language for chunk in chunks} == {"en"}
    tokens = embedder.count_tokens([chunk.index_text for chunk in chunks])
    assert 45 <= sum(tokens) / len(tokens) <= 75


# ---- Synthetic passages ----


def test_synthetic_blocks_do_not_depend_on_how_many_are_wanted():
    """The last block of a small run is the beginning of the same block of a large one."""
    assert np.array_equal(growth_synthetic.vectors_of(1, 20), growth_synthetic.vectors_of(1, 50)[:20])
    assert growth_synthetic.texts_of(1, 20) == growth_synthetic.texts_of(1, 50)[:20]
    assert list(growth_synthetic.blocks(2_007)) == [(0, 2_000), (1, 7)]


def test_synthetic_vectors_are_unit_and_stand_in_clusters():
    """Two of one cluster are far nearer to each other than two of different ones."""
    vectors = growth_synthetic.vectors_of(0, 2_000)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    cosines = vectors @ vectors.T - np.eye(len(vectors))
    assert 0.5 < np.median(cosines.max(axis=1)) < 0.7
    assert abs(np.median(cosines)) < 0.1


def test_a_code_stands_in_one_passage_and_its_question_asks_for_it():
    """A question names the code and words of its passage, and its vector is nearest to that passage."""
    texts = growth_synthetic.texts_of(0, 1_000)
    asked = growth_synthetic.questions(1_000, 5)
    assert [question.passage for question in asked] == [0, 200, 400, 700, 900]
    vectors = growth_synthetic.vectors_of(0, 1_000)
    for question in asked:
        code = growth_synthetic.code_of(question.passage)
        assert [number for number, text in enumerate(texts) if code in text.lower()] == [question.passage]
        assert code in question.words
        assert len(question_terms(question.words, "en")["en"]) >= growth_synthetic.ASKED_WORDS
        assert int(np.argmax(vectors @ question.vector)) == question.passage
    assert len(texts[0].split()) == growth_synthetic.WORDS


def test_fewer_questions_where_fewer_passages_hold_a_code():
    """One in a hundred does."""
    assert len(growth_synthetic.questions(500, 200)) == 5
    assert growth_synthetic.code_of(1) is None


# ---- Figures ----


@pytest.mark.parametrize(
    ("costs", "power"),
    [
        pytest.param((5.0, 5.0), 0.0, id="does not grow"),
        pytest.param((5.0, 50.0), 1.0, id="as the size"),
        pytest.param((1.0, math.sqrt(10)), 0.5, id="as its root"),
        pytest.param((1.0, 100.0), 2.0, id="as its square"),
        pytest.param((0.0, 1.0), None, id="from nothing"),
    ],
)
def test_how_cost_grows_is_a_power(costs, power):
    """Ten times the size, and so many times the cost."""
    found = exponent((1_000, 10_000), costs)
    assert found == (power if power is None else pytest.approx(power))


def test_the_same_size_twice_grows_nothing():
    """There is no power between a size and itself."""
    assert exponent((1_000, 1_000), (1.0, 2.0)) is None


def test_the_shares_of_an_answer_add_up_to_it():
    """A third each here: embedding, searching, answering."""
    assert grown(1_000).shares == {
        "embedding the question": pytest.approx(1 / 3),
        "searching and fetching": pytest.approx(1 / 3),
        "choosing and checking quotes": pytest.approx(1 / 3),
    }
    odd = grown(1_000, passages_p50_seconds=0.004, answer_p50_seconds=0.003).shares
    assert sum(odd.values()) == pytest.approx(1)
    assert min(odd.values()) >= 0


def test_targets_are_judged_at_their_own_sizes():
    """A size within a tenth stands for a target's; others have none but the unchanged sync."""
    verdicts = {target.what: (target.value, target.met) for target in THREE.targets}
    assert verdicts["at 10,000: question to passages / embedding"] == (pytest.approx(2.0), True)
    assert verdicts["at 10,000: answer / embedding"] == (pytest.approx(3.0), True)
    assert verdicts["at 100,000: unchanged sync / first ingest"] == (pytest.approx(0.005), True)
    assert verdicts["recall at 100,000 / at 10,000"] == (1.0, True)
    assert verdicts["at 1,000,000 synthetic: whole search p95, ms"] == (pytest.approx(20.0), True)
    worse = Growth(
        (grown(10_400, answer_p95_seconds=0.031), grown(95_000, recall=0.97, ingesting_megabytes=3_100.0)),
        (indexes(1_000_000, (0.05, 0.101)),),
    )
    missed = {target.what for target in worse.targets if not target.met}
    assert missed == {
        "at 10,000: answer p95 / p50",
        "at 100,000: memory of ingesting, GB",
        "recall at 100,000 / at 10,000",
        "at 1,000,000 synthetic: whole search p95, ms",
    }
    assert [target.what for target in Growth((grown(500),), ()).targets] == ["at 500: unchanged sync / first ingest"]


def test_the_table_has_a_row_a_size_and_says_what_dominates():
    """Each size once in each table, with verdicts at the end; nothing is said about what was not measured."""
    table = growth_table(THREE)
    blocks = {block.splitlines()[0]: block.splitlines()[1:] for block in table.split("\n\n")}
    questions = next(lines for title, lines in blocks.items() if title.startswith("Questions"))
    assert [line.split()[0] for line in questions] == ["chunks", "1,000", "10,000", "100,000"]
    grows = blocks["How cost grows: as the size to the power of"]
    assert grows[1].split() == [
        "1,000",
        "10,000",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "1.00",
        "1.00",
        "0.00",
        "1.00",
    ]
    assert "MISSED" not in table
    assert "How their cost grows" not in table
    slow = growth_table(Growth((grown(10_000, answer_p50_seconds=0.040, answer_p95_seconds=0.041),), ()))
    assert [line.split()[-1] for line in slow.splitlines() if "answer / embedding" in line] == ["MISSED"]
    assert "choosing and checking quotes\n" in slow
    assert "synthetic" not in slow


def test_figures_that_are_not_todays_are_named():
    """Of a library that was built earlier, and by other code."""
    table = growth_table(Growth((grown(1_000, built_before=True, built_otherwise=True), grown(10_000)), ()))
    assert "Built in an earlier run, so ingest was measured then: 1,000 chunks." in table
    assert "Built by other code than today's, so ingest, disk and indexes are not today's: 1,000 chunks." in table


# ---- The plot ----


def test_the_plot_holds_a_curve_for_each_figure_inside_its_panel():
    """Well-formed, with a mark for every measured point, names that do not overlap, and the figures in words."""
    drawn = ElementTree.fromstring(growth_plot(THREE))
    lines = drawn.findall(f"{SVG}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [3, 3, 3, 3, 1, 1, 3, 3, 3, 1, 1]
    width, height = (float(drawn.attrib[name]) for name in ("width", "height"))
    for circle in drawn.findall(f"{SVG}circle"):
        assert 0 < float(circle.attrib["cx"]) < width
        assert 100 < float(circle.attrib["cy"]) < height - 80
    names = [text for text in drawn.findall(f"{SVG}text") if text.attrib["class"] == "name"]
    for side in (names[:6], names[6:]):
        heights = [float(text.attrib["y"]) for text in side]
        assert all(after - before > 16 for before, after in pairwise(heights))
    assert "answer, median: 15 ms at 1,000, 15 ms at 10,000, 15 ms at 100,000." in drawn.findtext(f"{SVG}desc", "")


@pytest.mark.parametrize(
    ("growth", "curves"),
    [
        pytest.param(Growth((grown(1_000),), ()), 7, id="one size alone"),
        pytest.param(Growth((), (indexes(20_000), indexes(100_000))), 4, id="the indexes alone"),
    ],
)
def test_a_small_run_is_drawn_too(growth, curves):
    """What was not measured leaves no curve."""
    assert len(ElementTree.fromstring(growth_plot(growth)).findall(f"{SVG}polyline")) == curves


def test_nothing_measured_is_nothing_to_draw():
    """Rather than an empty frame."""
    with pytest.raises(ValueError, match="nothing to draw"):
        growth_plot(Growth((), ()))


@pytest.mark.parametrize(
    ("heights", "placed"),
    [
        pytest.param([100, 200], [100, 200], id="far enough"),
        pytest.param([100, 104, 300], [100, 116, 300], id="pushed down"),
        pytest.param([290, 299], [284, 300], id="pushed up at the bottom"),
        pytest.param([], [], id="none"),
    ],
)
def test_names_are_pushed_apart(heights, placed):
    """By no more than need be."""
    assert apart(heights, 16, 0, 300) == placed


# ---- Too much asked for ----


def test_what_a_run_needs_is_its_largest_part_in_memory_and_all_that_is_not_built_on_disk():
    """A library that is there takes no more disk."""
    small, large = needs([1_000], [], [1_000], []), needs([1_000, 100_000], [], [1_000, 100_000], [])
    assert large.memory == needs([100_000], [], [], []).memory > small.memory
    assert large.disk > needs([1_000, 100_000], [], [1_000], []).disk == small.disk
    million = needs([], [1_000_000], [], [1_000_000])
    assert 3 * 2**30 < million.memory < 6 * 2**30
    assert million.disk > 2 * 2**30


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        pytest.param(
            Room(2 * 2**30, 10 * 2**30),
            r"Too little memory for the sizes asked for: about 3\.0 GB are needed and 2\.0 GB are free\. .*--sizes",
            id="memory",
        ),
        pytest.param(
            Room(4 * 2**30, 2**29),
            r"Too little room on the disk .*: about 1\.0 GB are needed and 0\.5 GB are free at kept\. .*--sizes",
            id="disk",
        ),
    ],
)
def test_too_little_room_is_said_before_anything_begins(free, sentence):
    """With what is needed, what there is, and what to do."""
    with pytest.raises(Misuse, match=sentence):
        check_room(Room(3 * 2**30, 2**30), free, say_more=Path("kept"))


def test_a_size_for_no_machine_is_refused(tmp_path):
    """Nothing is built, and the message says how much it would take."""
    with pytest.raises(Misuse, match="Too little memory"):
        run_growth(tmp_path, sizes=[10**12], synthetic=[], questions=10, repeats=1, say=print)
    assert list(tmp_path.iterdir()) == []
    there = free_bytes(tmp_path)
    assert there.memory > 0
    assert there.disk > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--sizes", "10"], "--sizes takes 50 or more", id="a size below one document"),
        pytest.param(["--sizes", "0", "--synthetic", "20"], "--synthetic 100 or more", id="no code in so few"),
        pytest.param(["--sizes", "0", "--synthetic", "0"], "nothing to measure", id="nothing asked for"),
        pytest.param(["--plot", "nowhere/growth.svg"], "its folder does not exist", id="no folder for the plot"),
        pytest.param(["--from", "missing.json"], "missing.json: holds no figures of growth", id="no figures to show"),
    ],
)
def test_misuse_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, sentence):
    """Exit status 2, before anything is built."""
    monkeypatch.chdir(tmp_path)
    assert main(["growth", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_a_measuring_process_that_fails_is_named():
    """Its own words stand on standard error."""
    with pytest.raises(EvaluationError, match="'nothing' ended with status 1"):
        measured_apart("eval.growth_real", "nothing", 60.0)


# ---- A whole run ----


@pytest.mark.slow
def test_a_whole_run_is_measured_kept_written_and_drawn(tmp_path, capsys):
    """One document and five hundred synthetic passages: all planted is found, and a second run builds nothing."""
    folder, figures, plot = tmp_path / "kept", tmp_path / "growth.json", tmp_path / "growth.svg"
    arguments = ["growth", "--folder", str(folder), "--questions", "5", "--repeats", "1"]
    assert main([*arguments, "--sizes", "50", "--synthetic", "500", "--json", str(figures), "--plot", str(plot)]) == 0
    growth = read_growth(figures)
    (one,), (alone,) = growth.grown, growth.indexes
    assert (one.chunks, one.documents) == (SECTIONS, 1)
    assert one.recall == 1.0
    assert one.quoted > 0
    assert 0 < one.embed_p50_seconds < one.answer_p50_seconds
    assert {"library.sqlite", "chroma", "words", "originals"} <= one.disk_bytes.keys()
    assert not one.built_before
    assert not one.built_otherwise
    assert alone.questions == 5
    assert alone.recall["10"] > 0.9
    assert (alone.by_words, alone.found) == (1.0, 1.0)
    assert alone.disk_bytes.keys() == {"library.sqlite", "chroma", "words"}
    assert len(list(folder.glob(f"*/{MEASURED}"))) == 2
    ElementTree.fromstring(plot.read_text(encoding="utf-8"))
    assert growth_table(growth) == capsys.readouterr().out
    assert main([*arguments, "--sizes", "0", "--synthetic", "500", "--json", str(figures)]) == 0
    assert read_growth(figures).indexes[0].built_before
    assert json.loads(figures.read_text(encoding="utf-8"))["targets"] == []
