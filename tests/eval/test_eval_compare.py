"""Two runs compared: the statistics by hand, what counts as a regression, and which runs are refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.answer_file import RunMeta, meta_path
from eval.compare import ALL, Change, compare_answers, compare_runs, holm, mcnemar
from eval.errors import Misuse
from eval.jsonlines import write_json
from tests.eval.eval_cases import FEE, OFFICE, answer_values

Write = Callable[..., Path]

RIGHT = answer_values([("fees.md", FEE)])
WRONG = answer_values([("office.md", OFFICE)])
SILENT = answer_values()


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [
        pytest.param(0, 0, 1.0, id="nothing changed"),
        pytest.param(1, 1, 1.0, id="even"),
        pytest.param(0, 5, 2 / 32, id="five to none"),
        pytest.param(10, 2, 2 * (1 + 12 + 66) / 4096, id="ten to two"),
        pytest.param(0, 2000, 0.0, id="beyond what a float can hold"),
    ],
)
def test_mcnemar_by_hand(won: int, lost: int, p: float) -> None:
    """The exact p from the binomial with a fair coin, two-sided, whichever side won."""
    assert mcnemar(won, lost) == pytest.approx(p)
    assert mcnemar(lost, won) == mcnemar(won, lost)


@pytest.mark.parametrize("changed", range(1, 9))
def test_mcnemar_counts_outcomes(changed: int) -> None:
    """The p is the share of all ways to fall that are at least as uneven, counted one by one."""
    ways = [sum(coins) for coins in product((0, 1), repeat=changed)]
    for won in range(changed + 1):
        uneven = abs(2 * won - changed)
        assert mcnemar(won, changed - won) == pytest.approx(
            sum(abs(2 * heads - changed) >= uneven for heads in ways) / len(ways)
        )


@pytest.mark.parametrize(
    ("given", "corrected"),
    [
        pytest.param([], [], id="none"),
        pytest.param([0.03], [0.03], id="one stays"),
        pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], id="none falls below a smaller one"),
        pytest.param([0.5, 0.6], [1.0, 1.0], id="one at most"),
    ],
)
def test_holm_by_hand(given: list[float], corrected: list[float]) -> None:
    """Each p times the number of those not smaller, never below a smaller one's."""
    assert holm(given) == pytest.approx(corrected)


def label(id_: str, **changes: Any) -> dict[str, Any]:
    """Return an answerable question whose fact stands in FEE."""
    line = {"id": id_, "question": f"What is the fee ({id_})?", "lang": "nb", "kind": "natural", "answerable": True}
    return {**line, "facts": ["26,067"], "gold": ["fees.md"], **changes}


IDS = [f"q{number}" for number in range(20)]
LABELS = [*(label(id_) for id_ in IDS), label("z", answerable=False, kind="off_topic", gold=[], facts=[])]


def answer_lines(right: Sequence[str], **others: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one answer line a label: RIGHT for those ids, the named ones as given, WRONG for the rest."""
    given = dict.fromkeys((line["id"] for line in LABELS), WRONG) | dict.fromkeys(right, RIGHT) | others
    return [{"id": id_, "answer": answer} for id_, answer in given.items()]


@pytest.fixture
def pair(write_lines: Write) -> Callable[..., list[str]]:
    """Write the questions and two answer files, and return the arguments that compare them."""

    def write(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[str]:
        questions = write_lines("q.jsonl", *LABELS)
        files = [str(write_lines("old.jsonl", *old)), str(write_lines("new.jsonl", *new))]
        return ["compare", *files, "--questions", str(questions)]

    return write


def changes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[tuple[str, str], Any]]:
    """Compare and return the exit status and the changes by group and measure."""
    status = main([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    return status, {(one["group"], one["measure"]): one for one in found["changes"]}


def test_questions_that_changed_sides(pair: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Values of both, the difference, and who won and lost; by language pair and by kind as well."""
    status, found = changes(pair(answer_lines(IDS[:10]), answer_lines(IDS[1:12], z=SILENT)), capsys)
    assert status == 0
    lead = found[ALL, "lead"]
    assert (lead["old"], lead["new"], lead["difference"], lead["questions"]) == (0.5, 0.55, 0.05, 20)
    assert (lead["won"], lead["lost"], lead["p"]) == (["q10", "q11"], ["q0"], 1.0)
    assert found[ALL, "refusal"]["won"] == ["z"]
    assert {group for group, _ in found} == {ALL, "pair nb->en", "pair nb->none", "kind natural", "kind off_topic"}
    assert found["pair nb->en", "lead"]["won"] == ["q10", "q11"]


def test_a_real_regression_fails(pair: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 when a whole interval lies on the wrong side; the table names measure and questions."""
    assert main(pair(answer_lines(IDS), answer_lines(IDS[10:]))) == 1
    table = capsys.readouterr().out
    assert "REGRESSED: lead (-0.500)" in table
    assert "lead lost (10): q0, q1," in table


def test_more_false_refusals_are_a_loss(pair: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Where lower is better, a higher value is the regression and the question counts as lost."""
    silent = {id_: SILENT for id_ in IDS}
    status, found = changes(pair(answer_lines([]), answer_lines([], **silent)), capsys)
    refused = found[ALL, "false_refusal"]
    assert status == 1
    assert (refused["difference"], refused["won"], refused["lost"], refused["worse"]) == (1.0, [], IDS, True)


def test_a_question_without_an_answer_counts_as_wrong(
    pair: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A crash is a loss; what neither file answers is left out."""
    old, new = answer_lines(IDS)[1:], answer_lines(IDS)[2:]
    _, found = changes(pair(old, new), capsys)
    assert found[ALL, "lead"]["lost"] == ["q1"]
    assert found[ALL, "lead"]["questions"] == 19


def test_holm_has_two_families(pair: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    """Small groups do not water down the measures over all questions."""
    _, found = changes(pair(answer_lines([]), answer_lines(IDS)), capsys)
    overall = [one for (group, _), one in found.items() if group == ALL]
    lead = found[ALL, "lead"]
    assert lead["holm"] == pytest.approx(lead["p"] * len(overall), abs=1e-5)


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., Path]:
    """Write a run's folder below `runs`: its own questions, its answers and what they were made from."""

    def write(name: str, labels: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]], key: str) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        for file, lines in (("questions.jsonl", labels), ("assistant.jsonl", answers)):
            (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        write_json(meta_path(folder / "assistant.jsonl"), RunMeta("assistant", key).to_dict())
        return folder

    return write


def compare_folders(folder: Path, **options: Any) -> list[Change]:
    """Compare the runs `old` and `new` below a folder."""
    found = compare_runs("old", "new", system="assistant", runs=folder, question_file=folder / "none.jsonl", **options)
    return list(found.changes)


def test_labels_of_the_newer_run_hold(runs: Callable[..., Path]) -> None:
    """A label that was corrected between two runs is no better answer."""
    wrong_label = [label(id_, facts=["no such fact"]) for id_ in IDS]
    runs("old", wrong_label, answer_lines(IDS)[:20], "k")
    folder = runs("new", [label(id_) for id_ in IDS], answer_lines(IDS)[:20], "k").parent
    assert {change.difference for change in compare_folders(folder)} == {0.0}


@pytest.mark.parametrize(
    ("asked", "line", "reason"),
    [
        pytest.param([label("q0"), label("q2")], 2, "new asks 'q2' and old does not", id="another question"),
        pytest.param([label("q0"), label("q1", question="Other?")], 2, "in other words", id="other words"),
        pytest.param([label("q0")], 2, "old asks 'q1' and new does not", id="one less"),
        pytest.param([label("q0"), label("q1", history=[{"question": "?"}])], 2, "new asks 'q1'", id="history"),
    ],
)
def test_runs_over_other_questions_are_refused(
    runs: Callable[..., Path], asked: list[dict[str, Any]], line: int, reason: str
) -> None:
    """File, line and the question that only one of them asked."""
    runs("old", [label("q0"), label("q1")], answer_lines([])[:2], "k")
    answers = [{"id": one["id"], "answer": RIGHT} for one in asked]
    folder = runs("new", asked, answers, "k").parent
    with pytest.raises(Misuse, match=rf"questions\.jsonl, line {line}: .*{reason}"):
        compare_folders(folder)


def cited_in(version: str) -> dict[str, Any]:
    """Return RIGHT, cited from another version of its document."""
    return {**RIGHT, "citations": [{**RIGHT["citations"][0], "version": version}]}


@pytest.mark.parametrize(
    ("answers", "place"),
    [
        pytest.param(
            answer_lines(IDS), r"assistant\.jsonl\.meta\.json, line 3: the documents' finger", id="meta alone"
        ),
        pytest.param(
            answer_lines(IDS, q1=cited_in("0" * 64)),
            r"assistant\.jsonl, line 2: cites another version of 'fees\.md'",
            id="a citation",
        ),
    ],
)
def test_a_run_of_another_corpus_is_refused(
    runs: Callable[..., Path], answers: list[dict[str, Any]], place: str
) -> None:
    """File, line and reason; unless the documents may differ on purpose."""
    runs("old", LABELS, answer_lines(IDS), "k")
    folder = runs("new", LABELS, answers, "other").parent
    with pytest.raises(Misuse, match=place + r".* a run file of another corpus than .*old"):
        compare_folders(folder)
    assert compare_folders(folder, any_documents=True)


def test_citations_tell_where_no_meta_stands(write_lines: Write) -> None:
    """Without the small file beside it, a document cited in two versions gives another corpus away."""
    questions = write_lines("q.jsonl", *LABELS)
    old = write_lines("old.jsonl", *answer_lines(IDS))
    new = write_lines("new.jsonl", *answer_lines(IDS, q3=cited_in("1" * 64)))
    with pytest.raises(Misuse, match=r"new\.jsonl, line 4: cites another version of 'fees\.md'"):
        compare_answers(old, new, questions)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        pytest.param("none", "none", "none: is no folder, nor is there one of that name", id="no such run"),
        pytest.param(".", ".", "holds no answers of the system 'assistant', only of: none", id="no answers"),
        pytest.param("old.jsonl", "new.jsonl --questions q.jsonl", "new.jsonl, line 1: answers 'x'", id="unknown id"),
        pytest.param("old.jsonl", "none.jsonl --questions q.jsonl", "none.jsonl: cannot be read", id="no such file"),
    ],
)
def test_misuse(
    write_lines: Write,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    reason: str,
) -> None:
    """Exit 2 with a sentence on stderr and nothing on stdout."""
    monkeypatch.chdir(write_lines("q.jsonl", *LABELS).parent)
    write_lines("old.jsonl", *answer_lines([]))
    write_lines("new.jsonl", {"id": "x", "answer": RIGHT})
    assert main(["compare", old, *new.split()]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert not captured.out
