"""The cases for the judge of written sentences: every bad line is told by file and line, every good one is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from eval.errors import Misuse
from eval.support_cases import TEMPLATES, load_cases

CASES = Path(__file__).resolve().parents[2] / "eval" / "support"
FEE = "The fee is 500 dollars. It is paid in October."
PUBLIC = "Herons nest in the harbour. Puffins do not."

GOOD = {
    "id": "made-1",
    "template": "near",
    "language": "en",
    "passages": [{"title": "Fees", "heading": None, "text": FEE}],
    "quotes": [{"passage": 0, "words": "The fee is 500 dollars."}],
    "claim": "The fee: 500 dollars.",
}


def sha(text):
    """Return the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def material(tmp_path):
    """A folder with a plain file and a corpus of public text."""
    data = tmp_path / "material" / "data"
    (data / "birds").mkdir(parents=True)
    (data / "birds" / "harbour.txt").write_text(PUBLIC, encoding="utf-8")
    lines = [{"_id": "7", "title": "Herons", "text": PUBLIC}, {"_id": "8", "text": "Ærfugl og måker."}]
    (data / "birds" / "corpus.jsonl").write_text(
        "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8"
    )
    return tmp_path / "material"


@pytest.fixture
def load(write_lines, material):
    """Load lines that differ from the good one."""

    def read(*changes, at=material):
        lines = [{**GOOD, **change} if isinstance(change, dict) else change for change in changes]
        return load_cases([write_lines("cases.jsonl", *lines)], at)

    return read


def public(**changes):
    """Return a passage of public text."""
    end = len("Herons nest in the harbour.")
    return {"file": "birds/harbour.txt", "start": 0, "end": end, "sha256": sha(PUBLIC[:end]), **changes}


# ---- Lines that cannot be read ----

BAD = [
    ("no-json", "{", r"cases\.jsonl, line 1: not JSON"),
    ("no-object", "[1]", r"line 1: not a JSON object but list"),
    ("unknown-template", {"template": "nonsense"}, r"line 1: 'nonsense' is no template\. Choose one of number_changed"),
    ("other-language", {"language": "nn"}, r"line 1: the language 'nn' is neither en nor nb"),
    ("empty-claim", {"claim": "  "}, r"line 1: a case needs a claim, a passage and a quote"),
    ("no-quote", {"quotes": []}, r"line 1: a case needs a claim, a passage and a quote"),
    ("no-passage", {"passages": [], "quotes": []}, r"line 1: a case needs a claim, a passage and a quote"),
    ("passages-a-number", {"passages": 3}, r"line 1: a field is missing or of the wrong kind"),
    ("passage-without-title", {"passages": [{"text": FEE}]}, r"line 1: a field is missing .*'title'"),
    ("passage-a-text", {"passages": ["The fee"]}, r"line 1: a field is missing or of the wrong kind"),
    ("quote-without-passage", {"quotes": [{"words": "The fee"}]}, r"line 1: a field is missing .*'passage'"),
    ("quote-without-place", {"quotes": [{"passage": 0, "start": 3}]}, r"line 1: a field is missing .*'end'"),
    ("claim-of-no-quote", {"claim": {"quote": 1, "edits": []}}, r"line 1: a field is missing or of the wrong kind"),
    ("claim-without-edits", {"claim": {"quote": 0}}, r"line 1: a field is missing .*'edits'"),
    (
        "edit-of-nothing",
        {"claim": {"quote": 0, "edits": [["900", "600"]]}},
        r"line 1: '900' stands 0 times in 'The fee is 500 dollars\.', not once",
    ),
    (
        "edit-of-two",
        {"claim": {"quote": 0, "edits": [["e", "i"]]}},
        r"line 1: 'e' stands 3 times in 'The fee is 500 dollars\.', not once",
    ),
    (
        "quote-elsewhere",
        {"quotes": [{"passage": 0, "words": "The fee is 900 dollars."}]},
        r"line 1: the quote does not stand in the passage it names",
    ),
    (
        "second-quote-elsewhere",
        {"quotes": [*GOOD["quotes"], {"passage": 0, "words": "Nobody pays."}]},
        r"line 1: the quote does not stand in the passage it names",
    ),
    (
        "invented-but-true",
        {"template": "invented_quote"},
        r"line 1: the quote stands in the passage it names, which invented_quote must not",
    ),
    (
        "other-passage-but-true",
        {"template": "other_passage"},
        r"line 1: the quote stands in the passage it names, which other_passage must not",
    ),
]


@pytest.mark.parametrize(("line", "reason"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_a_bad_line_is_told(load, line, reason):
    """File, line, and what is wrong."""
    with pytest.raises(Misuse, match=reason):
        load(line)


@pytest.mark.parametrize("field", list(GOOD))
def test_a_missing_field_is_told(write_lines, field):
    """By its name."""
    path = write_lines("cases.jsonl", GOOD, {name: value for name, value in GOOD.items() if name != field})
    with pytest.raises(Misuse, match=rf"cases\.jsonl, line 2: a field is missing .*'{field}'"):
        load_cases([path])


def test_an_id_stands_once(load, write_lines):
    """In one file, and in all files that are read together."""
    with pytest.raises(Misuse, match=r"line 2: the id made-1 stands twice"):
        load({}, {})
    files = [write_lines(name, GOOD) for name in ("one.jsonl", "two.jsonl")]
    with pytest.raises(Misuse, match=r"two\.jsonl, line 1: the id made-1 stands twice"):
        load_cases(files)


def test_a_missing_file_is_told(tmp_path):
    """By its path."""
    with pytest.raises(Misuse, match=r"nowhere\.jsonl: cannot be read"):
        load_cases([tmp_path / "nowhere.jsonl"])


# ---- Public text that cannot be read ----

BAD_PUBLIC = [
    ("another-text", public(sha256=sha("Herons")), r"line 1: birds/harbour\.txt holds another text at 0:27"),
    ("another-place", public(start=1), r"line 1: birds/harbour\.txt holds another text at 1:27"),
    ("beyond-the-end", public(start=900, end=950), r"line 1: birds/harbour\.txt holds another text at 900:950"),
    ("no-file", public(file="birds/nowhere.txt"), r"line 1: .*nowhere\.txt cannot be read \(No such file"),
    ("no-corpus", public(file="birds/no.jsonl", line_id="7"), r"line 1: .*no\.jsonl cannot be read \(No such file"),
    ("no-line", public(file="birds/corpus.jsonl", line_id="9"), r"line 1: .*corpus\.jsonl has no line with the id 9"),
    ("no-sha256", {"file": "birds/harbour.txt", "start": 0, "end": 9}, r"line 1: a field is missing .*'sha256'"),
    ("no-place", {"file": "birds/harbour.txt", "sha256": "0"}, r"line 1: a field is missing .*'start'"),
    ("nothing", {"title": "Herons"}, r"line 1: a field is missing .*'file'"),
]


@pytest.mark.parametrize(("passage", "reason"), [pytest.param(*row[1:], id=row[0]) for row in BAD_PUBLIC])
def test_public_text_that_is_not_there_or_changed_is_told(load, passage, reason):
    """By file and place."""
    with pytest.raises(Misuse, match=reason):
        load({"passages": [passage], "quotes": [{"passage": 0, "start": 0, "end": 6}]})


def test_public_text_needs_its_folder(load):
    """The variable that names it is told."""
    with pytest.raises(Misuse, match=r"line 1: rests on public text\. Name the folder with it in ASSISTANT_TEST_DATA"):
        load({"passages": [public()]}, at=None)


# ---- Lines that can be read ----


def test_a_case_of_our_own(load):
    """As it is written; blank lines are passed over."""
    case, other = load({}, "", {"id": "made-2", "template": "number_changed", "claim": "The fee is 600 dollars."})
    assert (case.id, case.template, case.language, case.claim) == ("made-1", "near", "en", "The fee: 500 dollars.")
    assert (case.passages[0].title, case.passages[0].heading, case.passages[0].text) == ("Fees", None, FEE)
    assert [(quote.passage, quote.words) for quote in case.quotes] == [(0, "The fee is 500 dollars.")]
    assert (case.category, case.supported) == ("near", True)
    assert (other.category, other.supported) == ("figures", False)


def test_files_are_read_in_order(write_lines):
    """All cases of the first, then of the second; none of none."""
    first = write_lines("a.jsonl", GOOD, {**GOOD, "id": "made-2"})
    second = write_lines("b.jsonl", {**GOOD, "id": "made-3"})
    assert [case.id for case in load_cases([second, first])] == ["made-3", "made-1", "made-2"]
    assert load_cases([]) == load_cases([write_lines("empty.jsonl")]) == []


def test_a_claim_may_be_kept_as_changes_to_its_quote(load):
    """One after another."""
    (case,) = load({"claim": {"quote": 0, "edits": [["500", "600"], ["is 600", "was 600"]]}})
    assert case.claim == "The fee was 600 dollars."
    assert case.quotes[0].words == "The fee is 500 dollars."


def test_public_text_is_read_from_its_place(load):
    """From a plain file or a line of a corpus; title and heading may be given."""
    quote = {"passage": 0, "start": 0, "end": 11}
    (plain,) = load({"passages": [public()], "quotes": [quote]})
    assert (plain.passages[0].title, plain.passages[0].text) == ("harbour", "Herons nest in the harbour.")
    assert plain.quotes[0].words == "Herons nest"
    line = public(file="birds/corpus.jsonl", line_id="7")
    (corpus,) = load({"passages": [line], "quotes": [quote]})
    assert (corpus.passages[0].title, corpus.passages[0].text) == ("Herons", plain.passages[0].text)
    (named,) = load({"passages": [{**line, "title": "Birds", "heading": "Nests"}], "quotes": [quote]})
    assert (named.passages[0].title, named.passages[0].heading) == ("Birds", "Nests")


def test_a_false_quote_is_kept_as_changes_or_as_another_passage(load):
    """`edits` of true words, or `of` the passage that they stand in."""
    passages = [public(), {"title": "Fees", "heading": None, "text": FEE}]
    (invented,) = load(
        {
            "template": "invented_quote",
            "passages": passages,
            "quotes": [{"passage": 0, "start": 0, "end": 27, "edits": [["Herons", "Gulls"]]}],
        }
    )
    assert invented.quotes[0].words == "Gulls nest in the harbour."
    (elsewhere,) = load(
        {
            "template": "other_passage",
            "passages": passages,
            "quotes": [{"passage": 1, "of": 0, "start": 0, "end": 11}],
        }
    )
    assert (elsewhere.quotes[0].passage, elsewhere.quotes[0].words) == (1, "Herons nest")
    assert not elsewhere.supported


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("The fee is paid by the company.", "en", id="english"),
        pytest.param("Gebyret betales av selskapet og ikke av mentoren.", "nb", id="norwegian"),
        pytest.param("Ærfugl ved fjorden.", "nb", id="letters"),
        pytest.param("510(k)", "en", id="nothing-to-tell-by"),
    ],
)
def test_the_language_of_a_passage_is_told_by_its_words(load, text, language):
    """Whatever the language of the claim."""
    (case,) = load({"passages": [{"title": "T", "text": text}], "quotes": [{"passage": 0, "words": text}]})
    assert case.passages[0].language == language


# ---- The files of the repository ----

OWN = sorted(CASES.glob("tuning-??-*.jsonl"))
TUNING = sorted(CASES.glob("tuning-*.jsonl"))
HELD_OUT = sorted(CASES.glob("held-out-*.jsonl"))
KINDS = {(template, language) for template in TEMPLATES for language in ("en", "nb")}


def kinds(cases):
    """Return the templates of the cases, each with its language."""
    return {(case.template, case.language) for case in cases}


def test_the_cases_of_our_own_documents_load_without_public_text():
    """Every template in both languages."""
    assert kinds(load_cases(OWN)) == KINDS


def test_a_changed_figure_or_force_changes_the_quote():
    """A label would be wrong where the claim is its quote."""
    for case in load_cases(OWN):
        if case.category in ("figures", "polarity"):
            assert all(case.claim != quote.words for quote in case.quotes)


def test_both_halves_load_with_public_text(test_data):
    """Every template in both languages, and no case or claim in both."""
    tuning, held_out = load_cases(TUNING, test_data), load_cases(HELD_OUT, test_data)
    assert kinds(tuning) == kinds(held_out) == KINDS
    assert not {case.id for case in held_out} & {case.id for case in tuning}
    assert not {case.claim for case in held_out} & {case.claim for case in tuning}


def test_the_held_out_half_copies_no_public_text():
    """It names the place, and asks for the folder."""
    with pytest.raises(Misuse, match=r"held-out-.*\.jsonl, line 1: rests on public text"):
        load_cases(HELD_OUT)
