"""One evaluation of the project's own questions: three systems answer, and the assistant must not have got worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant import Assistant, AssistantError, open_assistant
from eval import gate, looks
from eval.answer_file import RunMeta, read_answers
from eval.answering import Say, answer_questions
from eval.errors import EvaluationError, Misuse
from eval.jsonlines import line_of, write_json
from eval.originals import Originals
from eval.question_set import Half, Question, read_questions
from eval.scoring import Report, Score, score
from eval.systems import SYSTEM_NAMES, SystemName, check_corpus, documents_fingerprint, open_system
from eval.tables import comparison

HERE = Path(__file__).parent
QUESTIONS = HERE / "questions" / "questions.jsonl"
RUNS = HERE / "runs"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does.

    Attributes:
        name: Folder below `runs`; an unfinished run of this name is gone on with.
        why: Reason for a look at the reporting half.
        strict: Fail already when a loss of over a point cannot be ruled out.
    """

    half: Half
    corpus: Path
    data: Path
    questions: Path = QUESTIONS
    runs: Path = RUNS
    baseline: Path = gate.BASELINE
    looks: Path = looks.LOOKS
    systems: Sequence[SystemName] = SYSTEM_NAMES
    name: str | None = None
    why: str | None = None
    strict: bool = False

    @property
    def folder(self) -> Path:
        """Where the run's files go."""
        stamp = looks.now().replace(":", "").replace("-", "")
        return self.runs / (self.name or f"{stamp}-{self.half}-{looks.commit()}")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a run found: its tables, and the reasons why it failed, if any."""

    folder: Path
    table: str
    reasons: Sequence[str]


def evaluate(plan: Plan, say: Say) -> Finding:
    """Answer, score, compare with the baseline, and write everything to the run's folder.

    Raises:
        Misuse: The reporting half without a reason, no such corpus, or a broken question file.
        AssistantError: The corpus or the data folder cannot be opened.
    """
    if plan.half == "reporting" and not (plan.why or "").strip():
        raise Misuse("A look at the reporting half needs a reason: --why TEXT. It is written to eval/looks.csv.")
    check_corpus(plan.corpus)
    questions = read_questions(plan.questions, plan.half)
    if not questions:
        raise Misuse(f"{plan.questions}: holds no question of the half {plan.half!r}.")
    if plan.half == "reporting":
        looks.log_look(plan.half, str(plan.why), plan.looks)
    folder = plan.folder
    with open_assistant(corpus=plan.corpus, data=plan.data) as assistant:
        failed_lines = {name: _answer(name, questions, assistant, plan, folder, say) for name in plan.systems}
        texts = stored_texts(assistant)
        reports = [_score(name, questions, plan, folder, texts) for name in plan.systems]
    return _finding(plan, folder, reports, failed_lines)


def stored_texts(assistant: Assistant) -> Callable[[str, str], str | None]:
    """Return a look-up of stored texts by document and version that knows None for what the library does not hold."""
    known: dict[tuple[str, str], str | None] = {}

    def text_of(document: str, version: str) -> str | None:
        if (document, version) not in known:
            try:
                known[document, version] = assistant.text(document, version)
            except (AssistantError, LookupError):
                known[document, version] = None
        return known[document, version]

    return text_of


def _answer(
    name: SystemName, questions: Sequence[Question], assistant: Assistant, plan: Plan, folder: Path, say: Say
) -> int:
    say(f"{name}: {len(questions)} questions of the half {plan.half!r}.")
    meta = RunMeta(name, documents_fingerprint(assistant.documents()))
    system = open_system(name, assistant, plan.data)
    return answer_questions(questions, system, folder / f"{name}.jsonl", meta=meta, say=say).failed


def _score(
    name: SystemName,
    questions: Sequence[Question],
    plan: Plan,
    folder: Path,
    texts: Callable[[str, str], str | None],
) -> Report:
    answers = read_answers(folder / f"{name}.jsonl")
    return score(name, questions, answers, text_of=texts, original_of=Originals(plan.corpus))


def _finding(plan: Plan, folder: Path, reports: Sequence[Report], failed_lines: dict[SystemName, int]) -> Finding:
    table = comparison(reports)
    reasons = [f"{name}: {count} questions could not be asked" for name, count in failed_lines.items() if count]
    reasons += [f"{one.system}: citations that are not verbatim" for one in reports if one.verbatim_failed]
    for report in reports:
        _write_failing(folder / f"{report.system}-failing.jsonl", report.scores)
        if report.system == "assistant":
            compared, regressions = _against_baseline(plan, report)
            table += "\n" + compared
            reasons += regressions
            _write_verdicts(folder, plan.half, report)
    write_json(folder / "report.json", {report.system: report.to_dict() for report in reports})
    (folder / "report.txt").write_text(table, encoding="utf-8")
    return Finding(folder, table, reasons)


def _against_baseline(plan: Plan, report: Report) -> tuple[str, list[str]]:
    baseline = gate.read_baseline(plan.half, plan.baseline)
    if baseline is None:
        return f"No baseline for the half {plan.half!r}: `python -m eval baseline` makes this run the baseline.\n", []
    comparisons = gate.compare(gate.verdicts(report.scores), baseline["verdicts"])
    regressed = [one for one in comparisons if one.regressed(strict=plan.strict)]
    reasons = [f"{one.measure} got worse: {one.difference:+.3f} over {one.questions} questions" for one in regressed]
    return gate.comparison_table(comparisons, strict=plan.strict), reasons


def _write_failing(path: Path, scores: Sequence[Score]) -> None:
    lines = [
        line_of(
            {
                "id": score.question.id,
                "failed": score.failures,
                "question": score.question.question,
                "facts": [fact.pattern for fact in score.question.facts],
                "outcome": score.answer.outcome if score.answer else None,
                "text": score.answer.text if score.answer else None,
            }
        )
        for score in scores
        if score.failures
    ]
    path.write_text("".join(lines), encoding="utf-8")


def _write_verdicts(folder: Path, half: Half, report: Report) -> None:
    values = {"half": half, "commit": looks.commit(), "date": looks.now(), "verdicts": gate.verdicts(report.scores)}
    write_json(folder / "verdicts.json", values)


def make_baseline(name: str | None = None, *, runs: Path = RUNS, baseline: Path = gate.BASELINE) -> str:
    """Make a finished run (the latest by default) the baseline of its half and say which.

    Raises:
        EvaluationError: There is no finished run of that name, or none at all.
    """
    finished = sorted(runs.glob("*/verdicts.json"), key=lambda path: path.stat().st_mtime)
    chosen = [path for path in finished if name in (None, path.parent.name)]
    if not chosen:
        raise EvaluationError(
            f"{runs}: holds no finished run{f' {name!r}' if name else ''}; `python -m eval run` first."
        )
    run = json.loads(chosen[-1].read_text(encoding="utf-8"))
    gate.write_baseline(run["half"], run["verdicts"], commit=run["commit"], date=run["date"], path=baseline)
    return f"{chosen[-1].parent.name} is the baseline of the half {run['half']!r} now ({baseline})."
