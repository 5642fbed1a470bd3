"""`python -m eval support`: the judge of written sentences on labelled cases, and who may look at which half."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from eval import support
from eval.__main__ import main
from tests.eval.eval_cases import FEE, SMALL

pytestmark = pytest.mark.slow

FEES = {"title": "FDA fees", "heading": None, "text": f"{FEE} {SMALL}"}
WRONG_FEE = FEE.replace("26,067", "36,067")
OWN_CASES = Path(support.CASES)


def case(id_: str, template: str, claim: str, quote: str = FEE) -> dict[str, Any]:
    """Return the line of a case over one passage."""
    return {
        "id": id_,
        "template": template,
        "language": "en",
        "passages": [FEES],
        "quotes": [{"passage": 0, "words": quote}],
        "claim": claim,
    }


# The last one is labelled against what it is, so that the judge is found to be wrong.
TUNING = (case("same", "near", FEE), case("other", "amount_changed", WRONG_FEE), case("odd", "number_changed", FEE))
HELD_OUT = (case("held", "near", FEE),)
PUBLIC = {
    **case("public", "near", FEE),
    "passages": [{"file": "nowhere/corpus.jsonl", "line_id": "1", "start": 0, "end": 9, "sha256": "0"}],
}


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put cases of our own in the place of the project's, keep the log apart, and forget the public text."""
    monkeypatch.delenv("ASSISTANT_TEST_DATA", raising=False)
    monkeypatch.setattr("eval.looks.LOOKS", tmp_path / "looks.csv")
    monkeypatch.setattr("eval.__main__.SUPPORT_FILE", tmp_path / "support.json")
    monkeypatch.setattr(support, "CASES", tmp_path)

    def put(**halves: tuple[Mapping[str, Any], ...]) -> None:
        for name, lines in halves.items():
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            (tmp_path / f"{name.replace('_', '-')}.jsonl").write_text(text, encoding="utf-8")

    put(tuning_own=TUNING, held_out_own=HELD_OUT)
    return put


@pytest.mark.usefixtures("cases")
def test_the_table_tells_the_shares_and_the_wrong_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A row a category with its interval and target; the cases judged against their label follow, with their quotes."""
    assert main(["support", "--wrong"]) == 0
    table, _, wrong = capsys.readouterr().out.partition("\n\n")
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines()[1:]}
    assert rows["figures"][:2] == ["2", "0.500"]
    assert rows["near"][:2] == ["1", "0.000"]
    assert "removed >= 0.99" in table
    assert wrong.splitlines()[0].startswith("odd  shown")
    assert wrong.splitlines()[1:] == [f"    quote: {FEE}", f"    claim: {FEE}"]


@pytest.mark.usefixtures("cases")
def test_json_holds_the_categories(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts and interval bounds; the tuning half may be looked at without a word in the log."""
    assert main(["support", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["half"], found["cases"]) == ("tuning", 3)
    assert found["categories"]["figures"].items() >= {"n": 2, "removed": 1}.items()
    assert found["categories"]["polarity"]["n"] == 0
    assert "wrong" not in found
    assert not (support.CASES / "looks.csv").exists()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        pytest.param((), "needs a reason: --why", id="no reason"),
        pytest.param(("--why", "  "), "needs a reason: --why", id="a blank reason"),
        pytest.param(("--why", "a test", "--wrong"), "are not shown", id="to read its cases"),
        pytest.param(("--why", "a test", "--choose"), "tuning half alone", id="to choose on it"),
    ],
)
@pytest.mark.usefixtures("cases")
def test_the_held_out_half_is_guarded(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...], complaint: str
) -> None:
    """One sentence, nothing judged and nothing logged."""
    assert main(["support", "--half", "held-out", *more]) == 2
    told = capsys.readouterr()
    assert complaint in told.err
    assert not told.out
    assert not (support.CASES / "looks.csv").exists()


@pytest.mark.usefixtures("cases")
def test_a_look_at_the_held_out_half_is_logged_before_it_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a name of its own, with the reason."""
    log = support.CASES / "looks.csv"
    logged: list[bool] = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: logged.append(log.exists()))
    assert main(["support", "--half", "held-out", "--why", "a test"]) == 0
    assert logged == [True]
    assert log.read_text(encoding="utf-8").splitlines()[1].endswith(",support-held-out,a test")
    assert not capsys.readouterr().out


def test_a_half_that_cannot_be_read_is_not_looked_at(
    cases: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the public text that a held-out case rests on, the line is named and nothing is logged."""
    cases(held_out_own=(PUBLIC,))
    assert main(["support", "--half", "held-out", "--why", "a test"]) == 2
    assert "held-out-own.jsonl, line 1: rests on public text" in capsys.readouterr().err
    assert not (support.CASES / "looks.csv").exists()


def test_the_flag_names_the_public_text(
    cases: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it lacks the file, that is what is said."""
    cases(held_out_own=(PUBLIC,))
    command = ["support", "--half", "held-out", "--why", "a test", "--material", str(tmp_path)]
    assert main(command) == 2
    assert "corpus.jsonl cannot be read" in capsys.readouterr().err


def test_choosing_writes_the_numbers_with_their_run(
    cases: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of the project's tuning cases is enough to see it work; the file is what the assistant reads."""
    kept = ("near", "paraphrase", "unrelated_quote", "merged_claims")
    text = (OWN_CASES / "tuning-en-rest.jsonl").read_text(encoding="utf-8")
    lines = [line for line in map(json.loads, text.splitlines()) if line["template"] in kept]
    cases(tuning_own=tuple(lines[::2]))
    assert main(["support", "--choose"]) == 0
    written = (support.CASES / "support.json").read_text(encoding="utf-8")
    chosen = json.loads(written)
    assert list(chosen) == ["weights", "bias", "threshold", "run"]
    assert written == json.dumps(chosen, indent=2) + "\n"
    assert 0 < chosen["threshold"] < 1
    assert chosen["run"].startswith("python -m eval support --choose, ")
    assert capsys.readouterr().out == f"{chosen['run']}\n"
