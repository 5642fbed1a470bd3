"""One evaluation of the project's own questions: three systems answer, and the assistant must not have got worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant import Assistant, AssistantError, open_assistant
from eval import gate, looks
from eval.answer_file import RunMeta, read_answers
from eval.answering import Say, answer_questions
from eval.calibration import Calibration, calibrate, calibration_table, read_explanations
from eval.errors import EvaluationError, Misuse
from eval.html_report import write_report
from eval.jsonlines import line_of, write_json
from eval.originals import Originals
from eval.question_check import check_gold, evidence_warning, stray_evidence
from eval.question_set import Half, Question, read_questions
from eval.run_record import main_language, write_record
from eval.scoring import Report, Score, named_missing, score
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
    with open_quoting(plan.corpus, plan.data) as assistant:
        _check_labels(plan, questions, assistant, say)
        failed_lines = {name: _answer(name, questions, assistant, plan, folder, say) for name in plan.systems}
        write_record(folder, plan.half, plan.questions, questions, assistant.documents())
        if "assistant" in plan.systems:
            _write_why(folder / "assistant-why.jsonl", questions, assistant, say)
        texts = stored_texts(assistant)
        languages = {document.id: main_language(document) for document in assistant.documents()}
        reports = [_score(name, questions, plan, folder, texts, languages) for name in plan.systems]
    return _finding(plan, folder, reports, failed_lines)


def open_quoting(corpus: Path, data: Path, *, sync: bool = True) -> Assistant:
    """Open the assistant over a corpus as `open_assistant` does, but without a language model, whatever is set.

    What is measured from labels must not change with who writes. Documents that cannot be read are logged.

    Raises:
        AssistantError: The settings, the corpus or the data folder cannot be used.
    """
    return open_assistant(corpus, data, sync=sync, writing=False)


def _check_labels(plan: Plan, questions: Sequence[Question], assistant: Assistant, say: Say) -> None:
    texts = {document.id: document.text for document in assistant.documents()}
    check_gold(plan.questions, questions, texts, plan.corpus)
    warning = evidence_warning(plan.questions, stray_evidence(questions, texts.get))
    if warning:
        say(warning)


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


def _write_why(path: Path, questions: Sequence[Question], assistant: Assistant, say: Say) -> None:
    """Write what was retrieved, chosen and refused for each question, where the assistant can explain itself."""
    explain = getattr(assistant, "explain", None)
    if explain is None:
        return
    lines = []
    for question in questions:
        try:
            lines.append(line_of({"id": question.id, "why": explain(question.question, question.history)}))
        except Exception as error:  # an explanation is for reading; without it the answer still counts
            say(f"{question.id}: no explanation ({type(error).__name__}: {error})")
    path.write_text("".join(lines), encoding="utf-8")


def _score(
    name: SystemName,
    questions: Sequence[Question],
    plan: Plan,
    folder: Path,
    texts: Callable[[str, str], str | None],
    languages: Mapping[str, str],
) -> Report:
    path = folder / f"{name}.jsonl"
    return score(
        name,
        questions,
        read_answers(path),
        text_of=texts,
        original_of=Originals(plan.corpus),
        missing=named_missing(path),
        languages=languages,
    )


def _finding(plan: Plan, folder: Path, reports: Sequence[Report], failed_lines: dict[SystemName, int]) -> Finding:
    table = comparison(reports)
    reasons = [f"{name}: {count} questions could not be asked" for name, count in failed_lines.items() if count]
    reasons += [f"{one.system}: citations that are not verbatim" for one in reports if one.verbatim_failed]
    values = {report.system: report.to_dict() for report in reports}
    for report in reports:
        _write_failing(folder / f"{report.system}-failing.jsonl", report.scores)
        if report.system == "assistant":
            if (calibration := _calibration(folder, report)) is not None:
                table += "\n" + calibration_table(calibration, learned_here=plan.half == "tuning")
                values[report.system]["calibration"] = calibration.to_dict()
            compared, regressions = _against_baseline(plan, report)
            table += "\n" + compared
            reasons += regressions
            _write_verdicts(folder, plan.half, report)
    write_json(folder / "report.json", values)
    (folder / "report.txt").write_text(table, encoding="utf-8")
    shown = "assistant" if "assistant" in plan.systems else plan.systems[0]
    write_report(str(folder), runs=plan.runs, question_file=plan.questions, baseline=plan.baseline, system=shown)
    return Finding(folder, table, reasons)


def _calibration(folder: Path, report: Report) -> Calibration | None:
    why = folder / "assistant-why.jsonl"
    if not why.is_file():
        return None
    return calibrate([score.question for score in report.scores], read_explanations(why))


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
