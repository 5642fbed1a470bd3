"""What each measure says about an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eval import measures
from eval.answer_file import GivenAnswer, given_answer
from eval.errors import Misuse
from eval.intervals import wilson
from eval.matching import normalised, same_sentence, token_f1
from eval.measures import NOT_APPLICABLE, Share
from eval.question_set import Question, read_questions
from eval.scoring import named_missing, score, stratum
from eval.sentences import first_words, sentence_spans, shown_sentences
from eval.tables import comparison
from tests.eval.eval_cases import FEE, OFFICE, SMALL, answer_values, text_of

FACT = re.compile(r"26[,. ]?067", re.IGNORECASE)
QUESTION = Question("q", "?", answerable=True, facts=(FACT,), evidence=(FEE,), gold=("fees.md",), kind="single")
UNANSWERABLE = Question("u", "?", answerable=False, kind="off_topic")
SMALL_TALK = Question("s", "Hi", kind="small_talk")
PREMISE = Question("f", "Why is it free?", answerable=False, kind="false_premise", corrects=(FEE, "It is never free."))
PARTLY = replace(QUESTION, id="p", kind="partly", uncovered=(re.compile("Canad", re.I), re.compile("Brazil", re.I)))


def given(*quotes: tuple[str, str], **changes: object) -> GivenAnswer:
    """Return an answer that shows quotes."""
    return given_answer(answer_values(quotes, **changes), "here")


RIGHT = given(("fees.md", FEE))
LATE = given(("office.md", OFFICE), ("fees.md", FEE))
WRONG = given(("office.md", OFFICE))
ABSTAINED = given()
LONG = " ".join(["word"] * 80)
DOUBTED = given(("office.md", OFFICE), outcome="partly", reason="false_premise")
DENIED = given(("fees.md", FEE), outcome="abstained", abstained=True, reason="false_premise")
HALF = given(("fees.md", FEE), outcome="partly", missing="the fee in Canada")


@pytest.mark.parametrize(
    ("measure", "question", "answer", "expected"),
    [
        pytest.param("correct", QUESTION, RIGHT, Share(1, 1), id="correct: all facts"),
        pytest.param("correct", QUESTION, WRONG, Share(0, 1), id="correct: no fact"),
        pytest.param("correct", QUESTION, replace(RIGHT, text="See [1]"), Share(1, 1), id="correct: fact in a quote"),
        pytest.param("correct", QUESTION, replace(ABSTAINED, text=FEE), Share(0, 1), id="correct: abstained counts 0"),
        pytest.param("correct", QUESTION, None, Share(0, 1), id="correct: no answer counts 0"),
        pytest.param("correct", UNANSWERABLE, RIGHT, NOT_APPLICABLE, id="correct: unanswerable"),
        pytest.param("correct", replace(QUESTION, facts=()), RIGHT, NOT_APPLICABLE, id="correct: without facts"),
        pytest.param(
            "correct", replace(QUESTION, facts=(FACT, re.compile("x{9}"))), RIGHT, Share(0, 1), id="one of two"
        ),
        pytest.param("lead", QUESTION, replace(RIGHT, text=f"{LONG} {FEE} [1]"), Share(0, 1), id="lead: word 81"),
        pytest.param("lead", QUESTION, LATE, Share(1, 1), id="lead: second sentence"),
        pytest.param("lead", QUESTION, replace(RIGHT, text="See [1]"), Share(0, 1), id="lead: quotes do not count"),
        pytest.param("first", QUESTION, RIGHT, Share(1, 1), id="first: there"),
        pytest.param("first", QUESTION, LATE, Share(0, 1), id="first: second sentence"),
        pytest.param("first", QUESTION, replace(RIGHT, text=""), Share(0, 1), id="first: empty text"),
        pytest.param("evidence_share", QUESTION, LATE, Share(1, 2), id="evidence share: one of two"),
        pytest.param("evidence_share", QUESTION, ABSTAINED, NOT_APPLICABLE, id="evidence share: abstained"),
        pytest.param(
            "evidence_share", replace(QUESTION, evidence=()), RIGHT, NOT_APPLICABLE, id="evidence share: no label"
        ),
        pytest.param(
            "evidence_share", replace(QUESTION, evidence=("Else.",)), RIGHT, Share(1, 1), id="holds all facts"
        ),
        pytest.param(
            "evidence_recall", replace(QUESTION, evidence=(FEE, SMALL)), RIGHT, Share(1, 2), id="recall: half"
        ),
        pytest.param(
            "evidence_recall",
            replace(QUESTION, evidence=(FEE, SMALL, OFFICE), evidence_sets=((SMALL, OFFICE), (FEE,))),
            RIGHT,
            Share(1, 1),
            id="recall: one whole set is enough",
        ),
        pytest.param("citation_precision", QUESTION, LATE, Share(1, 2), id="precision: one of two"),
        pytest.param(
            "citation_precision", replace(QUESTION, gold=("x.md",)), RIGHT, Share(0, 1), id="precision: not gold"
        ),
        pytest.param("citation_precision", replace(QUESTION, gold=()), RIGHT, NOT_APPLICABLE, id="precision: no gold"),
        pytest.param(
            "citation_precision", QUESTION, replace(RIGHT, citations=()), NOT_APPLICABLE, id="precision: none"
        ),
        pytest.param("citation_recall", QUESTION, LATE, Share(2, 2), id="recall: all carried"),
        pytest.param(
            "citation_recall", QUESTION, replace(RIGHT, text=f"{FEE} [9]"), Share(0, 1), id="recall: no such [9]"
        ),
        pytest.param(
            "citation_recall", QUESTION, replace(RIGHT, text=f"So be it. {FEE} [1]"), Share(1, 2), id="one bare"
        ),
        pytest.param(
            "citation_recall",
            QUESTION,
            given(("fees.md", f"{FEE} {SMALL}")),
            Share(2, 2),
            id="one marker, two sentences",
        ),
        pytest.param("refusal", UNANSWERABLE, ABSTAINED, Share(1, 1), id="refusal: abstained"),
        pytest.param("refusal", UNANSWERABLE, WRONG, Share(0, 1), id="refusal: answered"),
        pytest.param("refusal", UNANSWERABLE, None, Share(0, 1), id="refusal: no answer"),
        pytest.param("refusal", QUESTION, ABSTAINED, NOT_APPLICABLE, id="refusal: answerable"),
        pytest.param("refusal", SMALL_TALK, ABSTAINED, NOT_APPLICABLE, id="refusal: nobody knows"),
        pytest.param("false_refusal", QUESTION, ABSTAINED, Share(1, 1), id="false refusal: abstained"),
        pytest.param("false_refusal", QUESTION, WRONG, Share(0, 1), id="false refusal: answered wrongly is none"),
        pytest.param("false_refusal", QUESTION, None, Share(1, 1), id="false refusal: no answer"),
        pytest.param("false_refusal", PARTLY, HALF, Share(0, 1), id="false refusal: half an answer is none"),
        pytest.param("false_refusal", PARTLY, ABSTAINED, Share(1, 1), id="false refusal: partly, nothing answered"),
        pytest.param(
            "false_refusal",
            replace(PARTLY, answerable=None),
            ABSTAINED,
            Share(1, 1),
            id="false refusal: partly has one",
        ),
        pytest.param("refusal", replace(PARTLY, answerable=False), HALF, NOT_APPLICABLE, id="refusal: partly"),
        pytest.param("not_confirmed", PREMISE, ABSTAINED, Share(1, 1), id="not confirmed: abstained"),
        pytest.param("not_confirmed", PREMISE, DOUBTED, Share(1, 1), id="not confirmed: doubted"),
        pytest.param("not_confirmed", PREMISE, RIGHT, Share(0, 1), id="not confirmed: answered"),
        pytest.param("not_confirmed", PREMISE, None, Share(0, 1), id="not confirmed: no answer"),
        pytest.param(
            "not_confirmed", replace(PREMISE, answerable=None), ABSTAINED, NOT_APPLICABLE, id="not confirmed: no label"
        ),
        pytest.param("not_confirmed", UNANSWERABLE, ABSTAINED, NOT_APPLICABLE, id="not confirmed: another kind"),
        pytest.param("corrected", PREMISE, RIGHT, Share(1, 1), id="corrected: shown"),
        pytest.param("corrected", PREMISE, DENIED, Share(1, 1), id="corrected: cited by an abstention"),
        pytest.param("corrected", PREMISE, replace(RIGHT, text="See [1]"), Share(1, 1), id="corrected: in a quote"),
        pytest.param(
            "corrected",
            PREMISE,
            given(("fees.md", f"{SMALL}"), ("fees.md", f"{FEE} {SMALL}")),
            Share(1, 1),
            id="corrected: a sentence of a long quote",
        ),
        pytest.param(
            "corrected", PREMISE, replace(ABSTAINED, text=FEE), Share(0, 1), id="corrected: own words are not"
        ),
        pytest.param("corrected", PREMISE, WRONG, Share(0, 1), id="corrected: something else"),
        pytest.param("corrected", PREMISE, None, Share(0, 1), id="corrected: no answer"),
        pytest.param("corrected", replace(PREMISE, corrects=()), RIGHT, NOT_APPLICABLE, id="corrected: no label"),
        pytest.param("half_answered", PARTLY, HALF, Share(1, 1), id="half answered: facts there"),
        pytest.param(
            "half_answered", PARTLY, replace(HALF, text=f"{LONG} {FEE} [1]"), Share(0, 1), id="half answered: word 81"
        ),
        pytest.param("half_answered", PARTLY, ABSTAINED, Share(0, 1), id="half answered: abstained"),
        pytest.param("half_answered", QUESTION, RIGHT, NOT_APPLICABLE, id="half answered: a whole question"),
        pytest.param("small_talk", SMALL_TALK, given(outcome="small_talk"), Share(1, 1), id="small talk: seen"),
        pytest.param("small_talk", SMALL_TALK, WRONG, Share(0, 1), id="small talk: answered"),
        pytest.param("small_talk", QUESTION, RIGHT, NOT_APPLICABLE, id="small talk: a question"),
    ],
)
def test_measure(measure: str, question: Question, answer: GivenAnswer | None, expected: Share) -> None:
    """A measure counts what its docstring says, and nothing where it does not apply."""
    assert getattr(measures, measure)(question, answer) == expected


@pytest.mark.parametrize(
    ("question", "answer", "missing", "expected"),
    [
        pytest.param(PARTLY, HALF, "the fee in CANADA", Share(1, 1), id="named"),
        pytest.param(PARTLY, HALF, "the fee in Brazil", Share(1, 1), id="any pattern names it"),
        pytest.param(PARTLY, HALF, "the fee", Share(0, 1), id="something else is named"),
        pytest.param(PARTLY, HALF, None, Share(0, 1), id="nothing is named"),
        pytest.param(PARTLY, RIGHT, "Canada", Share(0, 1), id="answered as if whole"),
        pytest.param(PARTLY, ABSTAINED, "Canada", Share(0, 1), id="abstained"),
        pytest.param(PARTLY, None, None, Share(0, 1), id="no answer"),
        pytest.param(replace(PARTLY, uncovered=()), HALF, "Canada", NOT_APPLICABLE, id="no label"),
        pytest.param(QUESTION, HALF, "Canada", NOT_APPLICABLE, id="another kind"),
    ],
)
def test_missing_named(question: Question, answer: GivenAnswer | None, missing: str | None, expected: Share) -> None:
    """An answer to half a message must say which half is missing."""
    assert measures.missing_named(question, answer, missing) == expected


def test_what_is_missing_is_read_from_the_answer_file(write_lines: Callable[..., Path]) -> None:
    """The measure is asked where the answer file is at hand, as a verdict with Wilson's interval; else left out."""
    line = answer_values([("fees.md", FEE)], outcome="partly", missing="a fee in Canada")
    path = write_lines("a.jsonl", {"id": "p", "answer": line}, {"id": "q", "answer": answer_values()})
    assert named_missing(path) == {"p": "a fee in Canada", "q": None}
    report = score("any", [PARTLY, QUESTION], {"p": HALF}, missing=named_missing(path))
    assert report.overall.estimates["missing_named"].interval == wilson(1, 1)
    assert "missing_named" in comparison([report])
    silent = score("any", [PARTLY], {"p": HALF}, missing={})
    assert "missing_named" in silent.scores[0].failures
    assert "missing_named" not in score("any", [PARTLY], {"p": HALF}).overall.estimates


LANGUAGES = {"en.md": "en", "nb.md": "nb", "nn.md": "nn"}


@pytest.mark.parametrize(
    ("language", "gold", "expected"),
    [
        pytest.param("en", ["en.md"], "en on en", id="English on English"),
        pytest.param("en", ["nb.md", "en.md"], "en on en", id="own language is there too"),
        pytest.param("en", ["en.md", "lost.md"], "en on en", id="own language is there, another unknown"),
        pytest.param("en", ["nb.md", "nn.md"], "en on nb only", id="English on Norwegian"),
        pytest.param("en", ["nb.md", "lost.md"], None, id="the unknown one may be in the own language"),
        pytest.param("nb", ["nn.md"], "nb on nb", id="Nynorsk documents are Norwegian"),
        pytest.param("nb", ["en.md"], "nb on en only", id="Norwegian on English"),
        pytest.param("nn", ["en.md"], "nn", id="Nynorsk on anything"),
        pytest.param("nn", [], None, id="no gold"),
        pytest.param("nb", ["lost.md"], None, id="nobody knows"),
        pytest.param("?", ["en.md"], None, id="question of no known language"),
    ],
)
def test_stratum(language: str, gold: list[str], expected: str | None) -> None:
    """Across languages counts only where no gold document is in the language of the question."""
    assert stratum(Question("a", "?", language=language, gold=tuple(gold)), LANGUAGES) == expected


def test_a_small_stratum_bears_no_verdict() -> None:
    """Strata stand in a fixed order in the table, and one of under 100 questions says so, in its heading."""
    across = [replace(QUESTION, id=f"a{n}", language="nb", gold=("en.md",)) for n in range(99)]
    own = [replace(QUESTION, id=f"b{n}", language="en", gold=("en.md",)) for n in range(100)]
    answers = {question.id: RIGHT for question in own}
    report = score("any", across + own, answers, languages=LANGUAGES)
    headings = [line for line in comparison([report]).splitlines() if line.startswith("language across")]
    assert headings == [
        "language across: en on en (100)",
        "language across: nb on en only (99) (under 100: no verdict)",
    ]
    assert report.to_dict()["by_stratum"]["en on en"]["measures"]["lead"]["value"] == 1
    assert "language across" not in comparison([score("any", across + own, answers)])


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        pytest.param({"uncovered": "Canada"}, "'uncovered' is no list of texts", id="uncovered is a text"),
        pytest.param({"uncovered": ["("]}, "a pattern of 'uncovered' is no regular expression", id="bad regex"),
        pytest.param(
            {"must_not": ["x?"]}, r"the pattern of 'must_not' 'x\?' stands in the empty text", id="of nothing"
        ),
        pytest.param({"must_not": [5]}, "'must_not' is no list of texts", id="must_not is a number"),
        pytest.param({"corrects": FEE}, "'corrects' is no list of texts", id="corrects is a text"),
    ],
)
def test_labels_of_the_wrong_shape(write_lines: Callable[..., Path], labels: dict[str, object], reason: str) -> None:
    """Each is refused with file, line and reason."""
    path = write_lines("q.jsonl", {"id": "a", "question": "?"}, {"id": "b", "question": "?", **labels})
    with pytest.raises(Misuse, match=rf"q\.jsonl, line 2: .*{reason}"):
        read_questions(path)


def test_labels_are_read(write_lines: Callable[..., Path]) -> None:
    """Patterns ignore case; sentences stay as they are; a question partly held has an answer."""
    labels = {"kind": "partly", "uncovered": ["canad"], "corrects": [FEE], "must_not": ["FREE"]}
    (question,) = read_questions(write_lines("q.jsonl", {"id": "a", "question": "?", **labels}))
    assert question.uncovered[0].search("Canada")
    assert question.must_not[0].search("free of charge")
    assert question.corrects == (FEE,)
    assert question.has_answer


QUOTED = RIGHT.citations[0]


@pytest.mark.parametrize(
    ("citation", "expected"),
    [
        pytest.param(QUOTED, True, id="equal"),
        pytest.param(replace(QUOTED, end=QUOTED.end - 1), False, id="offsets one off"),
        pytest.param(replace(QUOTED, quote=QUOTED.quote.lower()), False, id="other words"),
        pytest.param(replace(QUOTED, version="0" * 64), False, id="unknown version"),
        pytest.param(replace(QUOTED, document="none.md"), False, id="unknown document"),
        pytest.param(replace(QUOTED, quote="", end=QUOTED.start), False, id="empty quote"),
        pytest.param(replace(QUOTED, start=-1), False, id="negative offset"),
        pytest.param(replace(QUOTED, end=10**6), False, id="past the end"),
    ],
)
def test_verbatim(citation: object, expected: bool) -> None:
    """A citation is verbatim only if the stored text of its version is its quote at its offsets."""
    answer = replace(RIGHT, citations=(citation,))
    assert measures.verbatim(answer, text_of) == Share(int(expected), 1)


def test_no_citations_are_nothing_to_check() -> None:
    """Verbatim and in_source have nothing to count without an answer or without citations."""
    for answer in (None, ABSTAINED):
        assert measures.verbatim(answer, text_of) == NOT_APPLICABLE
        assert measures.in_source(answer, lambda _: "anything") == NOT_APPLICABLE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="empty"),
        pytest.param("One. [1] Two. [2][3]", [("One.", (1,)), ("Two.", (2, 3))], id="marker after the stop"),
        pytest.param("One [1]. Two [2].", [("One.", (1,)), ("Two.", (2,))], id="marker before the stop"),
        pytest.param("- Form 3514 [1]\n- Form 3881 [2]", [("- Form 3514", (1,)), ("- Form 3881", (2,))], id="list"),
        pytest.param("Row one [1] Row two [2]", [("Row one", (1,)), ("Row two", (2,))], id="no end marks"),
        pytest.param("It is [1] and stays [2] so.", [("It is and stays so.", (1, 2))], id="markers inside"),
        pytest.param(
            "The U.S. Congress met. No. 5 won.", [("The U.S. Congress met.", ()), ("No. 5 won.", ())], id="U.S."
        ),
        pytest.param("Se f.eks. FDA. Frist 1. mars.", [("Se f.eks. FDA.", ()), ("Frist 1. mars.", ())], id="Norwegian"),
        pytest.param("A heading\n\nA text.", [("A heading", ()), ("A text.", ())], id="blocks"),
    ],
)
def test_shown_sentences(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    """An answer falls into sentences, each with the markers that stand after it."""
    assert [(sentence.text, sentence.numbers) for sentence in shown_sentences(text)] == expected


def test_sentence_spans_point_at_their_words() -> None:
    """Every span is what stands at its offsets, and no word is lost."""
    text = f"  {FEE}\n\n- {SMALL}\n{OFFICE} And more"
    spans = sentence_spans(text)
    assert all(text[span.start : span.end] == span.text for span in spans)
    assert "".join("".join(span.text.split()) for span in spans) == "".join(text.split())


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param(FEE, FEE, True, id="equal"),
        pytest.param(FEE, f"In short: {FEE}", True, id="contained"),
        pytest.param(FEE.replace(" ", "\u00a0\n"), FEE, True, id="white space"),
        pytest.param("The FDA.", "It is written by The FDA.", False, id="two words inside prove nothing"),
        pytest.param("World War I , the end came soon", "World War I, the end came soon", True, id="tokenised text"),
        pytest.param(FEE, OFFICE, False, id="different"),
        pytest.param("", FEE, False, id="empty"),
        pytest.param("", "", False, id="both empty"),
    ],
)
def test_same_sentence(left: str, right: str, expected: bool) -> None:
    """Two sentences are the same when one contains the other or nearly all words are shared, in either order."""
    assert same_sentence(left, right) is expected
    assert same_sentence(right, left) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("health\u00adcare", "healthcare", id="soft hyphen"),
        pytest.param("regu-\nlation", "regulation", id="line-end hyphen"),
        pytest.param("regu\ufffe\nlation", "regulation", id="PDFium's line-end hyphen"),
        pytest.param("510-\n520", "510- 520", id="a range of numbers keeps its hyphen"),
        pytest.param(" a \t\n b ", "a b", id="white space"),
        pytest.param("\ufb01le", "file", id="ligature"),
        pytest.param("", "", id="empty"),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    """Normalisation changes layout, never words."""
    assert normalised(text) == expected


def test_small_functions_on_empty_input() -> None:
    """Everything is defined on nothing."""
    assert token_f1("", "") == 0
    assert first_words("", 80) == ""
    assert measures.median_words([]) is None
    assert measures.percentile([], 0.5) is None
    assert NOT_APPLICABLE.value is None


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1), (0.5, 10), (0.95, 19), (1.0, 20)])
def test_percentile_is_a_value_that_was_seen(share: float, expected: int) -> None:
    """The nearest rank of 1 to 20."""
    assert measures.percentile(range(20, 0, -1), share) == expected


def test_a_perfect_answer_scores_one_on_everything() -> None:
    """Every measure that applies is 1, and false_refusal 0."""
    answers = {"q": RIGHT, "u": ABSTAINED, "s": given(outcome="small_talk")}
    report = score(
        "perfect", [QUESTION, UNANSWERABLE, SMALL_TALK], answers, text_of=text_of, original_of=lambda _: normalised(FEE)
    )
    values = {name: estimate.value for name, estimate in report.overall.estimates.items()}
    assert values.pop("false_refusal") == 0
    assert len(values) == 11
    assert set(values.values()) == {1.0}
    assert not any(one.failures for one in report.scores)


def test_an_empty_answer_file_is_worst_in_every_verdict() -> None:
    """Nothing answered is nothing right; sentences and citations have nothing to count."""
    report = score("silent", [QUESTION, UNANSWERABLE, SMALL_TALK], {}, text_of=text_of)
    values = {name: estimate.value for name, estimate in report.overall.estimates.items()}
    assert values.pop("false_refusal") == 1
    assert set(values) == {"correct", "lead", "first", "refusal", "small_talk"}
    assert set(values.values()) == {0.0}
    assert report.overall.missing == 3


def test_always_abstaining_refuses_everything() -> None:
    """Refusal 1 is worth nothing without its false refusals, which are 1 too."""
    report = score("timid", [QUESTION, UNANSWERABLE], {"q": ABSTAINED, "u": ABSTAINED})
    assert report.overall.estimates["refusal"].value == 1
    assert report.overall.estimates["false_refusal"].value == 1
    assert report.overall.reasons["refusal"] == {"not_covered": 1}


def test_no_questions_score_nothing() -> None:
    """An empty question file has an empty report; an answer to an unknown question is named."""
    report = score("any", [], {"x": RIGHT})
    assert not report.overall.estimates
    assert report.unknown == ["x"]


def test_groups_add_up() -> None:
    """Every question stands in one language and one kind."""
    questions = [replace(QUESTION, id="1", language="en"), replace(QUESTION, id="2", language="nb", kind="other")]
    report = score("any", questions, {"1": RIGHT, "2": WRONG})
    assert {name: one.questions for name, one in report.by_language.items()} == {"en": 1, "nb": 1}
    assert {name: one.estimates["correct"].value for name, one in report.by_kind.items()} == {"single": 1, "other": 0}
