"""Growing the judges: trees that say what the library that grew them says, thresholds that refuse as few as stated."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from assistant import Forest, Tuning, open_assistant
from assistant.tuning import load_tuning
from eval import judges
from eval.errors import Misuse
from eval.judges import Example, auroc_by_label, choose_judges, examples_of, leave_one_corpus_out
from eval.question_set import Question, read_questions

# What is answered lies high in the first, a false premise in the second; the third says nothing.
NAMES = ("covered", "presumes", "noise")
CENTRES = {
    "natural": (0.8, 0.2),
    "partly": (0.7, 0.2),
    "off_topic": (0.1, 0.2),
    "absent_detail": (0.3, 0.2),
    "false_premise": (0.5, 0.9),
    "taken_away": (0.3, 0.2),
}
ANSWERABLE = ("natural", "partly")


def invented(origin: str, kind: str, count: int, *, spread: float = 0.02, seed: int = 0) -> list[Example]:
    """Return examples of one kind whose features scatter around its centre."""
    values = np.random.default_rng([seed, *kind.encode()]).normal((*CENTRES[kind], 0.5), spread, (count, 3))
    return [
        Example(origin, kind, f"{origin}-{kind}-{place}", kind in ANSWERABLE, dict(zip(NAMES, row, strict=True)))
        for place, row in enumerate(values.tolist())
    ]


def set_of(origin: str, size: int = 60, *, spread: float = 0.02, seed: int = 0) -> list[Example]:
    """Return a set of questions of every kind."""
    wanted = {"natural": size, "off_topic": size // 3, "absent_detail": size // 3, "false_premise": size // 3}
    wanted |= {"taken_away": size // 2, "partly": size // 6}
    return [one for kind, count in wanted.items() for one in invented(origin, kind, count, spread=spread, seed=seed)]


def probabilities(forest: Forest, examples: Sequence[Example]) -> np.ndarray:
    """Return what a judge says of each example."""
    return np.array([forest.probability(one.features) for one in examples])


@pytest.fixture(scope="module")
def separable() -> tuple[list[Example], Tuning, str]:
    """Examples that a person could tell apart, what was chosen for them, and its words."""
    examples = set_of("own")
    return examples, *choose_judges(examples, load_tuning())


@pytest.fixture(scope="module")
def mixed() -> tuple[list[Example], Tuning, str]:
    """Examples that overlap, of two corpora, what was chosen for them, and its words."""
    examples = [*set_of("own", 150, spread=0.3), *set_of("other", 60, spread=0.3, seed=1)]
    return examples, *choose_judges(examples, load_tuning())


# ---- AUROC ----


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        pytest.param([2.0, 3.0], [0.0, 1.0], 1.0, id="apart"),
        pytest.param([0.0, 1.0], [2.0, 3.0], 0.0, id="the wrong way round"),
        pytest.param([1.0, 1.0], [1.0], 0.5, id="all alike"),
        pytest.param([1.0, 3.0], [1.0, 2.0], 0.625, id="one tie: 0.5 + 0 + 1 + 1 of 4"),
        pytest.param([0.5], [0.1, 0.5, 0.9, 0.5], 0.5, id="two ties: 1 + 0.5 + 0 + 0.5 of 4"),
        pytest.param([-1e9, 1e9], [0.0], 0.5, id="far apart"),
    ],
)
def test_auroc_by_hand(right, wrong, expected):
    """The share of pairs in which the right one scores higher, a tie counting half; the order does not matter."""
    scores = np.array([*right, *wrong])
    labels = np.array([True] * len(right) + [False] * len(wrong))
    order = np.random.default_rng(0).permutation(len(scores))
    assert auroc_by_label(scores[order], labels[order]) == pytest.approx(expected)
    assert auroc_by_label(-scores, labels) == pytest.approx(1 - expected)
    assert auroc_by_label(scores * 3 + 7, labels) == pytest.approx(expected)


# ---- Trees ----


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
def test_the_exported_trees_say_what_the_grown_ones_say(depth, weighted):
    """Log odds by our numbers are those of the library, on what was learned from and on what was not.

    Left out is what lies on a cut itself, where the rounding of the file decides.
    """
    examples = set_of("own", 150, spread=0.3)
    table = judges._Table.of(examples)
    importance = table.importance() if weighted else np.ones(len(examples))
    growth = {**judges.GROWTH, "max_depth": depth}
    forest = judges._grow(table, table.answerable, importance, growth)
    grown = GradientBoostingClassifier(**growth).fit(table.values, table.answerable, sample_weight=importance)
    fresh = judges._Table.of(set_of("own", 90, spread=0.5, seed=7))
    cuts = {place: [cut for name, cut in cuts_of(forest) if name == each] for place, each in enumerate(NAMES)}
    for part in (table, fresh):
        clear = np.array([is_clear(row, cuts) for row in part.values])
        ours = np.array([forest.log_odds(row) for row in part.rows])
        assert clear.mean() > 0.95
        assert np.abs(ours - grown.decision_function(part.values))[clear].max() < 1e-3
    assert len(forest.trees) == growth["n_estimators"]


def cuts_of(forest: Forest) -> list[tuple[str, float]]:
    """Return the feature and cut of each split."""
    found, trees = [], list(forest.trees)
    while trees:
        tree = trees.pop()
        if not isinstance(tree, float):
            found.append(tree[:2])
            trees += tree[3:]
    return found


def is_clear(row: np.ndarray, cuts: dict[int, list[float]]) -> bool:
    """Return whether no value lies on a cut, as far as six digits tell."""
    return all(np.abs(np.array(cuts[place]) - value).min(initial=1.0) > 2e-6 for place, value in enumerate(row))


def test_a_split_knows_the_mean_of_both_sides():
    """The number at a split lies between those of its sides, so that contributions have a sign that means something."""
    table = judges._Table.of(set_of("own", 90, spread=0.3))
    for tree in judges._grow(table, table.answerable, np.ones(len(table.rows)), judges.GROWTH).trees:
        check_mean(tree)


def check_mean(tree) -> float:
    """Assert that each split's mean lies between its sides', and return the mean of the tree."""
    if isinstance(tree, float):
        return tree
    name, _, mean, low, high = tree
    sides = sorted((check_mean(low), check_mean(high)))
    assert name in NAMES
    assert sides[0] - 1e-5 <= mean <= sides[1] + 1e-5
    return mean


def test_examples_of_no_importance_are_not_learned_from():
    """What has no weight changes nothing: the forest is that of the others."""
    own, others = set_of("own", 90, spread=0.3), set_of("other", 90, spread=0.3, seed=3)
    alone, both = judges._Table.of(own), judges._Table.of([*own, *others])
    weights = np.array([1.0] * len(own) + [0.0] * len(others))
    grown = judges._grow(both, both.answerable, weights, judges.GROWTH)
    assert grown == judges._grow(alone, alone.answerable, np.ones(len(own)), judges.GROWTH)


def test_no_example_is_judged_by_trees_that_saw_its_question():
    """Out of fold, labels that nothing explains are not learned by heart: in the fold they are."""
    generator = np.random.default_rng(0)
    pairs = [
        Example("own", "natural", str(place // 2), bool(place // 2 % 2), {"noise": round(float(value), 3)})
        for place, value in enumerate(np.repeat(generator.normal(size=100), 2))
    ]
    table = judges._Table.of(pairs)
    ones = np.ones(len(pairs))
    seen = judges._grow(table, table.answerable, ones, judges.GROWTH)
    assert auroc_by_label(np.array([seen.log_odds(row) for row in table.rows]), table.answerable) > 0.8
    assert auroc_by_label(judges._out_of_fold(table, table.answerable, ones, judges.GROWTH), table.answerable) < 0.7


def test_both_kinds_count_alike_in_sum():
    """However many examples of either there are, their importance is the same, and what was taken away counts half."""
    table = judges._Table.of([*set_of("own"), *set_of("other", 30)])
    weight = table.importance()
    assert weight[table.answerable].sum() == pytest.approx(weight[~table.answerable].sum())
    assert weight.sum() == pytest.approx(len(weight))
    own, refused = table.own, ~table.answerable
    taken, asked = table.kind == "taken_away", table.kind == "off_topic"
    assert weight[own & taken][0] == pytest.approx(judges.TAKEN_AWAY_WEIGHT * weight[own & asked][0])
    assert weight[~own & asked][0] == pytest.approx(judges.ELSEWHERE_WEIGHT * weight[own & refused & asked][0])


# ---- Choosing ----


def test_what_can_be_told_apart_is_told_apart(separable):
    """On separable examples both judges are nearly always right, out of fold as well, and all of a kind are refused."""
    examples, chosen, words = separable
    (found,) = re.findall(r"own AUROC ([\d.]+)", words)
    assert float(found) > 0.99
    answerable = np.array([one.answerable for one in examples])
    wrong = np.array([one.kind == "false_premise" for one in examples])
    assert auroc_by_label(probabilities(chosen.answerable, examples), answerable) > 0.99
    assert auroc_by_label(probabilities(chosen.false_premise, examples), wrong) > 0.99
    for kind in ("off_topic", "absent_detail", "false_premise"):
        assert re.search(rf"\b{kind} 1\.000 \(20\)", words), words


def test_no_more_answerable_questions_are_refused_than_stated(mixed):
    """Out of fold, at most the stated shares of the own answerable questions are refused; the words say how many."""
    examples, chosen, words = mixed
    (refused,) = re.findall(r"own answerable ([\d.]+)", words)
    asked = [one for one in examples if one.origin == "own" and one.answerable]
    assert float(refused) <= judges.FALSE_REFUSALS + judges.DENIED_REFUSALS + 2 / len(asked)
    assert 0 < chosen.threshold < 1
    assert 0 < chosen.premise_doubted <= chosen.premise_denied < 1


def test_thresholds_come_from_what_was_not_seen(mixed):
    """The trees that ship saw the questions and refuse fewer of them still; so do they doubt fewer."""
    examples, chosen, _ = mixed
    asked = [one for one in examples if one.origin == "own" and one.kind == "natural"]
    assert (probabilities(chosen.answerable, asked) < chosen.threshold).mean() <= judges.FALSE_REFUSALS
    assert (probabilities(chosen.false_premise, asked) >= chosen.premise_doubted).mean() <= judges.DOUBTED


def test_calibrated_probabilities_are_near_the_shares(mixed):
    """Over all own questions that somebody asked, the mean probability is about the share that has an answer."""
    examples, chosen, _ = mixed
    asked = [one for one in examples if one.origin == "own" and one.kind != "taken_away"]
    share = np.mean([one.answerable for one in asked])
    assert probabilities(chosen.answerable, asked).mean() == pytest.approx(share, abs=0.1)


def test_what_is_off_topic_covers_little(separable):
    """The border of off topic is the median coverage of the questions that are."""
    examples, chosen, _ = separable
    covered = [one.features["covered"] for one in examples if one.kind == "off_topic"]
    assert chosen.off_topic_below == pytest.approx(np.median(covered), abs=1e-4)
    without = [one for one in examples if one.kind != "off_topic"]
    kept = choose_judges(without, replace(load_tuning(), off_topic_below=0.123))[0]
    assert kept.off_topic_below == 0.123


def test_choosing_twice_chooses_the_same(separable):
    """The same examples give the same numbers and words, and nothing but judges and thresholds changes."""
    examples, chosen, words = separable
    assert choose_judges(examples, load_tuning()) == (chosen, words)
    changed = {name for name, value in chosen.to_dict().items() if value != load_tuning().to_dict()[name]}
    assert changed <= {"threshold", "off_topic_below", "premise_denied", "premise_doubted"}
    assert Forest.read(json.loads(json.dumps(chosen.answerable.to_dict()))) == chosen.answerable


def test_each_origin_and_kind_is_reported(mixed):
    """The words name every kind without an answer with its number, and every corpus with its refusals."""
    _, _, words = mixed
    assert words.startswith("refused out of fold: ")
    for kind in ("off_topic", "absent_detail", "false_premise"):
        assert re.search(rf"\b{kind} [01]\.\d{{3}} \(\d+\)", words)
    for origin in ("own", "other"):
        for what in ("taken away", "answerable", "AUROC"):
            assert re.search(rf"\b{origin} {what} [01]\.\d{{3}}", words)
    assert "false premise refused or doubted" in words


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(["natural"], id="answerable ones alone"),
        pytest.param(["off_topic"], id="unanswerable ones alone"),
        pytest.param(["false_premise"], id="false premises alone"),
        pytest.param(["natural", "off_topic", "absent_detail", "taken_away"], id="no false premise"),
        pytest.param(["off_topic", "false_premise"], id="no answerable one"),
        pytest.param(["partly", "false_premise"], id="none wholly answerable"),
        pytest.param(["partly"], id="partly answerable ones alone"),
    ],
)
def test_without_answerable_questions_and_false_premises_nothing_is_learned(kinds):
    """The own set must hold both; another corpus cannot stand in."""
    own = [one for kind in kinds for one in invented("own", kind, 40)]
    with pytest.raises(Misuse, match=r"needs answerable questions and false premises in the tuning half"):
        choose_judges([*own, *set_of("other")], load_tuning())


def test_no_questions_teach_nothing():
    """Without a single example the sentence is the same."""
    with pytest.raises(Misuse, match=r"needs answerable questions and false premises in the tuning half"):
        choose_judges([], load_tuning())


# ---- Leaving a corpus out ----


def test_each_corpus_is_judged_by_the_others():
    """A line for each corpus that has both kinds, in the order of the sets, and none for one that has only one."""
    examples = [
        *set_of("own"),
        *set_of("norquad", seed=1),
        *set_of("govt", seed=2),
        *invented("public", "off_topic", 30),
    ]
    lines = leave_one_corpus_out(examples).split("\n")
    assert [line.split(":")[0] for line in lines] == ["own", "norquad", "govt"]
    for line in lines:
        pattern = r"\w+: AUROC (\S+), refused (\S+) at (\S+) false refusals, (\S+) at 0\.05"
        values = [float(value) for value in re.fullmatch(pattern, line).groups()]
        assert values[0] > 0.99
        assert all(0 <= value <= 1 for value in values)


def test_a_corpus_alone_has_nobody_to_be_judged_by():
    """With one corpus there is no line, and no error."""
    assert leave_one_corpus_out(set_of("own")) == ""


# ---- Examples ----


@pytest.mark.slow
def test_examples_are_each_question_and_the_answerable_ones_without_their_documents(tmp_path):
    """Small talk teaches nothing; a question loses its documents, unless the fact stands elsewhere too."""
    pages = {
        "fee.md": "---\ntitle: Fee\ntranslations: [avgift.md]\n---\n\nThe walrus fee is 4,711 dollars.\n",
        "avgift.md": "---\ntitle: Avgift\n---\n\nHvalrossavgiften er 4,711 dollar.\n",
        "owner.md": "The lighthouse is owned by Fyrholm.\n",
        "again.md": "Everybody knows that Fyrholm has owned the lighthouse since the storm.\n",
    }
    (tmp_path / "corpus").mkdir()
    for name, text in pages.items():
        (tmp_path / "corpus" / name).write_text(text, encoding="utf-8")
    asked = [
        question("fee", "What is the walrus fee?", True, "natural", facts=["4,711"], gold=["fee.md"]),
        question("owner", "Who owns the lighthouse?", True, "natural", facts=["Fyrholm"], gold=["owner.md"]),
        question("part", "What is the fee and who bikes?", True, "partly", facts=["4,711"], gold=["fee.md"]),
        question("bike", "Who repairs bicycles?", False, "off_topic"),
        question("hello", "Hello!", None, "small_talk"),
    ]
    with open_assistant(corpus=tmp_path / "corpus", data=tmp_path / "data") as assistant:
        assistant.warm_up()
        assistant.sync()
        examples = examples_of("own", assistant, read(asked, tmp_path / "questions.jsonl"))
    assert [(one.group, one.kind, one.answerable) for one in examples] == [
        ("fee", "natural", True),
        ("fee", "taken_away", False),
        ("owner", "natural", True),
        ("part", "partly", True),
        ("bike", "off_topic", False),
    ]
    assert {one.origin for one in examples} == {"own"}
    assert len({tuple(one.features) for one in examples}) == 1
    assert examples[1].features["covered"] < examples[0].features["covered"]


def question(id_: str, text: str, answerable: bool | None, kind: str, **labels: list[str]) -> dict[str, object]:
    """Return a line of a question file."""
    return {
        "id": id_,
        "question": text,
        "lang": "en",
        "answerable": answerable,
        "kind": kind,
        "half": "tuning",
        **labels,
    }


def read(lines: Sequence[dict[str, object]], path: Path) -> list[Question]:
    """Return the questions of lines as a file gives them."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return read_questions(path, "tuning")
