"""*Why this answer* as text: what was found, what each sentence scored, what spoke for and against an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import Assistant, Forest, open_assistant
from eval.__main__ import main
from eval.why import HITS_SHOWN, REASONS_SHOWN, SENTENCES_SHOWN, WIDTH, explanation
from tests.eval.eval_cases import FEE, OFFICE, TEXTS

SEARCHED, MISSING = "What is the fee for a 510(k) submission?", "Who repairs bicycles in Copenhagen?"
TABLE = "| Size | Fee |\n| --- | --- |\n| Small firm | 6,517 dollars |\n| Large firm | 26,067 dollars |\n"
# A judge that does not depend on what was learned: an answer is likely where every word of the question is known.
KNOWN = Forest(trees=(("known_words", 0.9, 0.0, -3.0, 3.0),))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TEXTS and a table as Markdown files."""
    folder = tmp_path_factory.mktemp("why") / "corpus"
    folder.mkdir()
    for name, text in {**TEXTS, "sizes.md": f"Sizes of firms\n\n{TABLE}"}.items():
        (folder / name).write_text(f"# {text}\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def assistant(corpus: Path) -> Iterator[Assistant]:
    """An assistant over the corpus that judges by known words."""
    with open_assistant(corpus=corpus, data=corpus.parent / "data") as opened:
        opened.sync()
        sure = {"threshold": 0.5, "off_topic_below": 0.2, "premise_doubted": 0.8, "premise_denied": 0.9}
        opened.use_tuning(replace(opened.tuning, answerable=KNOWN, false_premise=Forest(offset=-3.0), **sure))
        yield opened


def told(assistant: Assistant, question: str) -> str:
    """Return the explanation of a question."""
    return explanation(assistant.ask(question), assistant.explain(question))


def test_an_answer_is_shown_with_all_it_came_from(assistant: Assistant) -> None:
    """Verdict, answer, search, reasons, passages and sentences stand in this order, each under its name."""
    lines = told(assistant, SEARCHED).split("\n")
    assert lines[0] == "answered: an answer is 95% likely, asked for are 50%; a false premise 5%"
    assert lines[1] == f"{FEE} [1]"
    (searched,) = (line for line in lines if line.startswith("Searched: "))
    assert re.fullmatch(r"Searched: \S.*  \(en, asks for: \w+\)", searched)
    headings = ["For (+) and against (-) an answer, in log odds:", "Passages:", "Sentences (* is shown):"]
    places = [lines.index(heading) for heading in headings]
    assert places == sorted(places)
    assert lines[places[0] + 1 : places[1] - 1] == ["  +3.00  known_words = 1.00"]
    assert re.match(r"   1  \d\.\d\d  fees\.md: .+  \(by meaning (\d+|-), by words (\d+|-)\)$", lines[places[1] + 1])
    assert not any(line.startswith("In no passage") for line in lines)


def test_sentences_shown_are_marked(assistant: Assistant) -> None:
    """A star marks what the answer quotes, and below each sentence stands what its score is made of."""
    lines = told(assistant, SEARCHED).split("\n")
    sentences = lines[lines.index("Sentences (* is shown):") + 1 :]
    marked = [line for line in sentences if line.startswith("*")]
    assert [re.sub(r"^\* \d\.\d\d  ", "", line) for line in marked] == [FEE]
    assert re.fullmatch(r" {8}\w+ \d\.\d\d(?:, \w+ \d\.\d\d)*", sentences[1])


def test_a_refusal_says_why_and_what_is_nowhere(assistant: Assistant) -> None:
    """The reason stands beside the outcome, the words in no passage are named, and nothing is marked as shown."""
    text = told(assistant, MISSING)
    assert re.match(r"abstained \(off_topic\): an answer is 5% likely, asked for are 50%", text)
    (nowhere,) = re.findall(r"^In no passage: (.+)$", text, re.MULTILINE)
    assert set(nowhere.split(", ")) == {"repairs", "bicycles", "copenhagen"}
    assert "-3.00  known_words = 0.00" in text
    assert not re.search(r"^\* ", text, re.MULTILINE)


def test_of_a_message_answered_in_part_the_answered_part_is_shown(assistant: Assistant) -> None:
    """What was searched and how likely it is are those of the part with an answer."""
    text = told(assistant, f"Where does the programme have an office? {MISSING}")
    assert text.startswith("partly: an answer is 95% likely")
    assert OFFICE in text
    (searched,) = re.findall(r"^Searched: (.+?)  \(", text, re.MULTILINE)
    assert "bicycles" not in searched
    assert "In no passage" not in text


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        pytest.param("Hello!", "small_talk: nothing was searched", id="a greeting"),
        pytest.param("?", "abstained (bad_question): nothing was searched", id="no words"),
    ],
)
def test_what_was_not_searched_is_the_answer_alone(assistant: Assistant, question: str, verdict: str) -> None:
    """Two things are shown, the verdict and our own words."""
    assert told(assistant, question) == f"{verdict}\n{assistant.ask(question).text}\n"


@pytest.mark.parametrize("question", [SEARCHED, MISSING, "What does a large firm pay?", "Hvor er kontoret?"])
def test_lines_are_short_and_few(assistant: Assistant, question: str) -> None:
    """No line is wider than a screen, rows of a table keep their cells apart, and only the best of each is listed."""
    text = told(assistant, question)
    assert text.endswith("\n")
    assert "\t" not in text
    lines = text.split("\n")
    assert max(map(len, lines)) <= WIDTH
    assert len([line for line in lines if "(by meaning " in line]) <= HITS_SHOWN
    assert len(re.findall(r"^[* ] \d\.\d\d  ", text, re.MULTILINE)) <= SENTENCES_SHOWN
    assert len(re.findall(r"^  [+-]\d+\.\d\d  ", text, re.MULTILINE)) <= REASONS_SHOWN


def test_only_the_strongest_reasons_are_listed(assistant: Assistant) -> None:
    """However many features spoke, the eight that moved most are shown, the strongest first."""
    answer, why = assistant.ask(SEARCHED), assistant.explain(SEARCHED)
    moves = {name: (-1) ** place * (30.0 - place) for place, name in enumerate(why["features"])}
    text = explanation(answer, {**why, "for_and_against": moves})
    listed = re.findall(r"^  ([+-]\d+\.\d\d)  (\w+) = ", text, re.MULTILINE)
    assert listed == [(f"{move:+.2f}", name) for name, move in list(moves.items())[:REASONS_SHOWN]]


# ---- The command ----


@pytest.mark.slow
def test_the_command_brings_documents_in_and_explains(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a fresh data folder it says what the corpus holds, and changes nothing in it."""
    before = {path: path.read_bytes() for path in corpus.rglob("*")}
    assert main(["why", SEARCHED, "--corpus", str(corpus), "--data", str(tmp_path / "data")]) == 0
    shown = capsys.readouterr().out
    assert "nothing was searched" not in shown
    assert re.search(r"^Sentences \(\* is shown\):$", shown, re.MULTILINE)
    assert {path: path.read_bytes() for path in corpus.rglob("*")} == before


@pytest.mark.parametrize(
    ("folders", "complaint"),
    [
        pytest.param(
            ["--corpus", "nowhere", "--data", "data"],
            r"nowhere: is no folder; --corpus names the folder with the documents\.",
            id="no corpus",
        ),
        pytest.param(
            ["--corpus", "corpus", "--data", "corpus/data"],
            r"corpus.data: lies inside the corpus, which an evaluation never writes to\.",
            id="data inside the corpus",
        ),
        pytest.param(
            ["--corpus", "corpus", "--data", "corpus"], r"corpus: lies inside the corpus", id="data is the corpus"
        ),
    ],
)
def test_folders_that_do_not_fit_are_misuse(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folders: list[str],
    complaint: str,
) -> None:
    """One sentence on stderr, status 2, and nothing is created."""
    (tmp_path / "corpus").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["why", SEARCHED, *folders]) == 2
    out, said = capsys.readouterr()
    assert out == ""
    assert re.match(complaint, said)
    assert len(said.splitlines()) == 1
    assert [path.name for path in tmp_path.rglob("*")] == ["corpus"]


def test_without_a_question_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to explain is misuse."""
    with pytest.raises(SystemExit, match="2"):
        main(["why"])
    assert "QUESTION" in capsys.readouterr().err


def test_a_data_folder_that_another_assistant_owns_is_one_sentence(
    assistant: Assistant, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who asks beside a running app is told so, without a traceback."""
    assert main(["why", SEARCHED, "--corpus", str(assistant.corpus), "--data", str(assistant.data)]) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert str(assistant.data) in said
    assert len(said.splitlines()) == 1
