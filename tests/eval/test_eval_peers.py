"""The assistant beside its peers: arithmetic and table from plain values, and a run where no peer is installed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import pytest

from eval.__main__ import main
from eval.peers import CELL, LABEL, OURS, PEERS, Findings, Measured, Sizes, ratio
from eval.peers_install import EVERYONE, REQUIREMENTS, blocks, install, reason_in

FAST = Measured(
    versions={"usa-next-assistant": "0.1.0"},
    settings="as it comes",
    documents=100,
    passages=620,
    passage_words=127,
    tokens=123_456,
    start=(2.0, 3.0, 4.0),
    ingest=(20.0, 40.0),
    ingest_from_start=(24.0, 44.0),
    p50=(0.005, 0.006, 0.010),
    p95=(0.010, 0.012, 0.020),
    recall=0.975,
    ingest_megabytes=(700.0, 702.0),
    ask_megabytes=(300.0, 301.0, 302.0),
    ingest_processor=(48.0, 50.0),
    start_processor=(2.5, 2.5, 2.5),
)
SLOW = replace(
    FAST,
    versions={"llama-index-core": "0.14.25"},
    settings="its own defaults",
    start=(12.0, 15.0, 12.0),
    ingest=(28.0, 56.0),
    p50=(0.025, 0.024, 0.020),
    recall=0.9,
)
FOUND = Findings(
    measured={OURS: FAST, "llamaindex": SLOW, "haystack": replace(SLOW, recall=1.0)},
    reasons={"langchain": "No module named 'langchain_chroma'"},
    sizes=Sizes(),
    cores=2,
    load=0.5,
)


def test_a_ratio_compares_what_ran_side_by_side():
    """The median of the repeats' own ratios: a busy repeat slows both and changes nothing."""
    assert ratio((12.0, 100.0, 14.0), (2.0, 20.0, 2.0)) == 6.0
    with pytest.raises(ValueError, match="shorter"):
        ratio((1.0, 2.0), (1.0,))


def test_verdicts_are_given_by_target_and_peer():
    """At least so many times as fast, exactly so many included; recall may not be lower than the peer's."""
    assert FOUND.verdicts() == {
        "start: at least 3x": {"llamaindex": "met (5.00x)", "haystack": "met (5.00x)"},
        "ingest: at least 1.5x": {"llamaindex": "MISSED (1.40x)", "haystack": "MISSED (1.40x)"},
        "question to passages, p50: at least 3x": {"llamaindex": "met (4.00x)", "haystack": "met (4.00x)"},
        "recall@5: not lower": {"llamaindex": "met (+0.075)", "haystack": "MISSED (-0.025)"},
    }


@pytest.mark.parametrize(
    ("start", "row", "times"),
    [
        pytest.param("start", "start: at least 3x", (6.0, 9.0, 12.0), id="start"),
        pytest.param("ingest", "ingest: at least 1.5x", (30.0, 60.0), id="ingest"),
        pytest.param("p50", "question to passages, p50: at least 3x", (0.015, 0.018, 0.030), id="question"),
    ],
)
def test_exactly_the_target_is_enough(start, row, times):
    """A target says "at least"."""
    found = replace(FOUND, measured={OURS: FAST, "haystack": replace(FAST, **{start: times})})
    assert found.verdicts()[row]["haystack"].startswith("met")


def test_the_table_shows_every_system_and_what_is_missing():
    """A column a system, the ratio to ours in brackets, a verdict a peer, and the reason why a peer is missing."""
    lines = FOUND.as_table().splitlines()

    def row(label: str) -> list[str]:
        line = next(line for line in lines if line[:LABEL].strip() == label and line[LABEL:].strip())
        return [line[start : start + CELL].strip() for start in range(LABEL, len(line), CELL)]

    assert row("") == ["assistant", "LlamaIndex", "Haystack"]
    assert row("targets") == ["LangChain tutorial", "LlamaIndex", "Haystack"]
    assert row("start to first passages, s") == ["3.00", "12.00 (5.00x)", "12.00 (5.00x)"]
    assert row("ingest, documents/s") == ["3.33", "2.38 (1.40x)", "2.38 (1.40x)"]
    assert row("question to passages p50, ms") == ["6.0", "24.0 (4.00x)", "24.0 (4.00x)"]
    assert row("recall@5") == ["0.975", "0.900", "1.000"]
    assert row("tokens embedded") == ["123,456"] * 3
    assert row("start: at least 3x") == ["not measured", "met (5.00x)", "met (5.00x)"]
    assert "  llama-index-core 0.14.25" in lines
    assert lines[-2:] == ["LangChain tutorial", "  not measured: No module named 'langchain_chroma'"]


def test_a_near_miss_looks_like_one():
    """Three digits: 1.49 times as fast does not stand there as 1.5."""
    found = replace(FOUND, measured={OURS: FAST, "haystack": replace(FAST, ingest=(29.8, 59.6))})
    assert found.verdicts()["ingest: at least 1.5x"]["haystack"] == "MISSED (1.49x)"


def test_the_json_says_the_same():
    """Every repeat, every verdict and every reason as plain values."""
    value = json.loads(FOUND.as_json())
    assert value["systems"]["llamaindex"]["start"] == [12.0, 15.0, 12.0]
    assert value["targets"]["ingest: at least 1.5x"]["haystack"] == "MISSED (1.40x)"
    assert value["not_measured"] == {"langchain": "No module named 'langchain_chroma'"}


# ---- A real run, where no peer is installed ----


@pytest.mark.slow
def test_a_peer_that_is_not_installed_is_named_and_the_run_goes_on(tmp_path, capsys):
    """The project's own Python knows none of them: each is named with its reason, ours is measured, the status is 1."""
    options = ["--quick", "--json", "--folder", str(tmp_path / "run"), "--python", sys.executable]
    assert main(["peers", *options]) == 1
    value = json.loads(capsys.readouterr().out)
    assert list(value["systems"]) == [OURS]
    for peer, module in zip(PEERS, ("langchain_", "llama_index", "haystack"), strict=True):
        assert f"No module named '{module}" in value["not_measured"][peer]
    ours = value["systems"][OURS]
    assert ours["recall"] == 1.0
    assert ours["passages"] > ours["documents"]
    assert 0 < ours["p50"][0] <= ours["p95"][0] < ours["start"][0]
    assert 0 < ours["ingest"][0] < ours["ingest_from_start"][0]


def test_a_folder_with_other_things_is_not_emptied(tmp_path, capsys):
    """The run begins by emptying its folder, so it takes none that an earlier run did not leave."""
    (tmp_path / "thesis.md").write_text("Years of work.", encoding="utf-8")
    assert main(["peers", "--folder", str(tmp_path)]) == 2
    assert "holds something else than an earlier run. Name another folder." in capsys.readouterr().err
    assert (tmp_path / "thesis.md").exists()


# ---- What is installed ----


def test_every_peer_has_its_block_of_exact_versions():
    """The file lists what all need and each peer's own; every version is pinned."""
    found = blocks(REQUIREMENTS.read_text(encoding="utf-8"))
    assert list(found) == [EVERYONE, *PEERS]
    assert all(requirement.count("==") == 1 for requirements in found.values() for requirement in requirements)


def test_what_cannot_be_installed_has_a_reason(monkeypatch):
    """The installer's own sentence, from a real try without any registry."""
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    reason = install(["no-such-peer==1.0"])
    assert reason == "Could not find a version that satisfies the requirement no-such-peer==1.0"
    assert install(["pytest"]) is None


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param(
            "Collecting reef\nERROR: Could not find a version that satisfies the requirement kelp>=9 (from reef) "
            "(from versions: 7, 8)\nERROR: No matching distribution found for kelp>=9\n",
            "Could not find a version that satisfies the requirement kelp>=9 (from reef)",
            id="the list of versions is left out",
        ),
        pytest.param(
            "ERROR: Cannot install reef==1.0 because of conflicts.\n\nThe conflict is caused by:\n"
            "    reef 1.0 depends on kelp>=9\n    tide 2.0 depends on kelp<9\n\nTo fix this you could try to:\n",
            "Cannot install reef==1.0 because of conflicts. reef 1.0 depends on kelp>=9; tide 2.0 depends on kelp<9",
            id="the cause of a conflict is told",
        ),
        pytest.param("", "pip did not say why", id="nothing was said"),
    ],
)
def test_the_reason_is_one_line(said, reason):
    """The first error, and what a conflict is caused by."""
    assert reason_in(said) == reason
