"""The report of a run: one file that asks for nothing, shows everything, and runs nothing that a document says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from eval.__main__ import main
from eval.errors import Misuse
from eval.html_report import SharedTexts, write_report
from tests.eval.eval_cases import FEE, OFFICE, answer_values

HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\"> & \u2028"
RIGHT = answer_values([("fees.md", FEE)])
WRONG = answer_values([("office.md", OFFICE)])
LABELS: list[dict[str, Any]] = [
    {"id": "fee", "question": "What is the fee?", "lang": "en", "kind": "natural", "answerable": True,
     "facts": ["26,067"], "evidence": [FEE], "gold": ["fees.md"], "note": "read twice"},
    {"id": "gebyr", "question": "Og gebyret?", "lang": "nb", "kind": "follow_up", "answerable": True,
     "facts": ["26,067"], "gold": ["fees.md"], "history": [{"question": "Hva er FDA?", "answer": "Et tilsyn."}]},
    {"id": "cup", "question": f"Who won the cup? {HOSTILE}", "lang": "en", "kind": "off_topic", "answerable": False},
    {"id": "crash", "question": "What broke?", "lang": "en", "kind": "natural", "answerable": True, "facts": ["x1"]},
]  # fmt: skip
ANSWERS = {"fee": RIGHT, "gebyr": WRONG, "cup": answer_values(missing=HOSTILE, nearest=["fees.md"])}
WHY = {
    "query": {"text": "What is the fee?", "search_text": "fee", "language": "en"},
    "hits": [
        {"rank": 1, "document": "fees.md", "heading": HOSTILE, "score": 0.123456, "dense_rank": None, "text": FEE}
    ],
    "features": {"similarity": 0.8, "names_met": 1.0},
    "probability": 0.75,
    "threshold": 0.5,
    "candidates": [
        {"text": FEE, "score": 1.0, "parts": {"semantic": 0.5}, "chosen": True},
        {"text": OFFICE, "score": 0.1, "parts": {"semantic": 0.1}, "chosen": False},
    ],
    "unheard_of": [{"any": "thing"}],
}

Runs = Callable[..., Path]


@pytest.fixture
def run_folder(tmp_path: Path) -> Runs:
    """Write a run's folder below `runs` and return it."""

    def write(
        name: str,
        labels: Sequence[Mapping[str, Any]] = LABELS,
        answers: Mapping[str, Any] = ANSWERS,
        why: Mapping[str, Any] | None = None,
    ) -> Path:
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        lines = {"questions": labels, "assistant": [{"id": id_, "answer": one} for id_, one in answers.items()]}
        if why is not None:
            lines["assistant-why"] = [{"id": id_, "why": one} for id_, one in why.items()]
        for file, objects in lines.items():
            (folder / f"{file}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects), encoding="utf-8")
        record = {"half": "tuning", "commit": "abc", "documents": {"fees.md": "nb"}}
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return folder

    return write


def write(folder: Path, **options: Any) -> Path:
    """Write the report of a run folder, without a baseline."""
    nowhere = folder / "none"
    return write_report(folder.name, runs=folder.parent, question_file=nowhere, baseline=nowhere, **options)


def blocks(page: str) -> dict[str, Any]:
    """Return every JSON block of a page by its id."""
    found = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', page, re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def test_the_page_asks_for_nothing(run_folder: Runs) -> None:
    """No address, no import, no frame; the policy in its head forbids every request."""
    page = write(run_folder("one", why={"fee": WHY})).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"<(link|iframe|img|object|script src)|url\(|@import|fetch\(|XMLHttpRequest|innerHTML", page)


def test_no_text_ends_its_block(run_folder: Runs) -> None:
    """Whatever a question or an answer says, it stays data, and comes back as it was."""
    page = write(run_folder("one")).read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "<script>document.title" not in page
    found = blocks(page)
    row = next(row for row in found["index"] if row["id"] == "cup")
    assert row["question"].endswith(HOSTILE)
    assert found["texts"][found["d2"]["answer"]["missing"]["$"]] == HOSTILE


def test_every_question_has_its_details(run_folder: Runs) -> None:
    """Facts by where they stand, evidence and gold by whether they were shown, and what failed."""
    found = blocks(write(run_folder("one")).read_text(encoding="utf-8"))
    rows = {row["id"]: row for row in found["index"]}
    assert [rows[id_]["failed"] for id_ in ("fee", "gebyr", "cup")] == [[], ["correct", "lead", "first"], []]
    assert rows["crash"]["outcome"] == "no answer"
    assert [rows[id_]["pair"] for id_ in ("fee", "gebyr", "cup")] == ["en->nb", "nb->nb", "en->none"]
    fee, gebyr = found["d0"], found["d1"]
    assert fee["facts"] == [{"fact": "26,067", "first": True, "lead": True, "answer": True}]
    assert fee["evidence"][0]["shown"]
    assert fee["notes"] == {"note": "read twice"}
    assert gebyr["gold"] == [{"document": "fees.md", "cited": False}]
    assert gebyr["history"][0]["question"] == "Hva er FDA?"


def test_what_changed_against_another_run(run_folder: Runs) -> None:
    """Won and lost by measure, and a note where less than everything is shared."""
    run_folder("old", answers={"fee": WRONG, "gebyr": RIGHT, "cup": RIGHT}, labels=LABELS[:3])
    found = blocks(write(run_folder("new"), against="old").read_text(encoding="utf-8"))
    (against,) = found["against"]
    assert against == {"name": "run old", "note": "3 questions are shared"}
    changed = {row["id"]: row["changed"].get("run old", {}) for row in found["index"]}
    assert changed["fee"] == dict.fromkeys(("lead", "first", "correct"), "won")
    assert changed["gebyr"] == dict.fromkeys(("lead", "first", "correct"), "lost")
    assert changed["cup"] == {"refusal": "won"}
    assert changed["crash"] == {}


def test_a_run_without_shared_questions_is_refused(run_folder: Runs) -> None:
    """Nothing changed because nothing can be compared: said, not shown as zero."""
    run_folder("old", labels=[{"id": "x", "question": "?"}], answers={"x": RIGHT})
    with pytest.raises(Misuse, match="old asks no question of new"):
        write(run_folder("new"), against="old")


def test_the_baseline_is_compared(run_folder: Runs, tmp_path: Path) -> None:
    """The baseline of the run's half stands on the page by its commit."""
    folder = run_folder("one")
    baseline = tmp_path / "baseline.json"
    kept = {"tuning": {"commit": "base1", "date": "", "verdicts": {"lead": {"fee": 0, "gebyr": 0}}}}
    baseline.write_text(json.dumps(kept), encoding="utf-8")
    path = write_report("one", runs=folder.parent, question_file=folder / "none", baseline=baseline)
    found = blocks(path.read_text(encoding="utf-8"))
    assert found["index"][0]["changed"] == {"baseline base1": {"lead": "won"}}


def test_shared_texts_stand_once() -> None:
    """Long texts become references, short ones stay, and all of them can be put back."""
    shared, long = SharedTexts(), "a passage " * 20
    made = [shared.without({"hits": [{"text": long, "rank": 1, "score": 0.12345678}], "word": "short"}) for _ in "ab"]
    assert made[0] == made[1] == {"hits": [{"text": {"$": 0}, "rank": 1, "score": 0.12346}], "word": "short"}
    assert list(shared.places) == [long]


def test_html_command(run_folder: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m eval html RUN` writes the file into the run's folder and says where."""
    folder = run_folder("one")
    assert main(["html", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "report.html")
    assert main(["html", "no-such-run"]) == 2


# --- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def new_page() -> Iterator[Callable[..., Page]]:
    """Open files in a real Chromium; every complaint of a page fails the test that opened it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def open_page(path: Path, address: str = "", **options: Any) -> Page:
            page = browser.new_page(**options)
            page.on("pageerror", lambda error: pytest.fail(str(error)))
            page.on("console", lambda message: pytest.fail(message.text) if message.type == "error" else None)
            page.goto(path.resolve().as_uri() + address)
            return page

        yield open_page
        browser.close()


browser = pytest.mark.browser
slow = pytest.mark.slow


@browser
@slow
def test_a_question_opens_with_everything(run_folder: Runs, new_page: Callable[..., Page]) -> None:
    """By keyboard: the answer, labels, what was retrieved and chosen, and keys that nobody has heard of."""
    page = new_page(write(run_folder("one", why={"fee": WHY})))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    body = page.locator("details.question").first.locator(".body")
    for words in ("26,067 US dollars", "in the answer, in the lead", "fees.md", "read twice", "Retrieved (1)",
                  "Sentences considered (2, 1 chosen)", "probability 0.75, threshold 0.5: above it", "names met",
                  "unheard of", "0.1235"):  # fmt: skip
        expect(body).to_contain_text(words)
    expect(body.locator("tr.chosen")).to_have_count(1)
    expect(body.locator("mark")).to_have_text("26,067")


@browser
@slow
def test_hostile_words_stay_words(run_folder: Runs, new_page: Callable[..., Page]) -> None:
    """Markup of a question, an answer or a document is shown as it is written and runs nowhere."""
    page = new_page(write(run_folder("one", why={"cup": WHY})))
    page.locator("details.question", has_text="Who won the cup").locator("summary").first.click()
    expect(page.locator("details.question[open] .body")).to_contain_text("onerror")
    assert page.locator("img").count() == 0
    assert page.title() == "one, assistant"


@browser
@slow
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param("", ["fee", "gebyr", "cup", "crash"], id="all"),
        pytest.param("#kind=natural", ["fee", "crash"], id="kind"),
        pytest.param("#language=nb", ["gebyr"], id="language"),
        pytest.param("#pair=en->none", ["cup", "crash"], id="language pair"),
        pytest.param("#outcome=abstained", ["cup"], id="outcome"),
        pytest.param("#failed=lead", ["gebyr", "crash"], id="failed in the lead"),
        pytest.param("#failed=-", ["fee", "cup"], id="failed in nothing"),
        pytest.param("#failed=*&kind=natural", ["crash"], id="two at once"),
        pytest.param("#q=OFFICE+boston", ["gebyr"], id="words of the answer"),
        pytest.param("#changed=0:won", ["fee", "cup"], id="won against the other run"),
        pytest.param("#changed=0:lost", ["gebyr"], id="lost against the other run"),
        pytest.param("#changed=0:&measure=refusal", ["cup"], id="changed in one measure"),
    ],
)
def test_filters(run_folder: Runs, new_page: Callable[..., Page], address: str, shown: list[str]) -> None:
    """Filters stand in the address, so that what is seen can be sent to somebody."""
    run_folder("old", answers={"fee": WRONG, "gebyr": RIGHT, "cup": RIGHT})
    page = new_page(write(run_folder("new"), against="old"), address)
    assert page.locator("details.question:visible .id").all_inner_texts() == shown
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("details.question:visible")).to_have_count(4)


@browser
@slow
def test_a_figure_leads_to_its_questions(run_folder: Runs, new_page: Callable[..., Page]) -> None:
    """A cell of the table by group shows the questions that failed there."""
    page = new_page(write(run_folder("one")))
    page.get_by_role("row", name="natural").get_by_role("button").first.click()
    assert page.locator("details.question:visible .id").all_inner_texts() == ["crash"]


@browser
@slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_window_scrolls_down_only(run_folder: Runs, new_page: Callable[..., Page], scheme: str) -> None:
    """At 400 px nothing reaches over the edge, also with a question open."""
    page = new_page(
        write(run_folder("one", why={"fee": WHY})), viewport={"width": 400, "height": 800}, color_scheme=scheme
    )
    page.locator("details.question summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 400


@browser
@slow
def test_a_thousand_questions_open_fast(run_folder: Runs, new_page: Callable[..., Page]) -> None:
    """Details wait until they are asked for, so that a long list stands at once, even on a slow machine."""
    labels = [{**LABELS[0], "id": f"q{number}"} for number in range(1000)]
    hits = [{"rank": rank, "text": FEE * 5, "score": 1 / (rank + 1)} for rank in range(20)]
    folder = run_folder(
        "many",
        labels=labels,
        answers={line["id"]: RIGHT for line in labels},
        why={line["id"]: {**WHY, "hits": hits} for line in labels},
    )
    page = new_page(write(folder))
    assert page.locator("details.question").count() == 1000
    assert page.locator("details.question .body").count() == 0
