"""`python -m eval`: the commands that docs/evaluation.md describes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from eval.errors import EvaluationError, Misuse
from eval.question_set import HALVES, read_questions, split

SYSTEMS = ("assistant", "tutorial", "sentence")
DONE, FAILED, MISUSED = 0, 1, 2
SUPPORT_FILE = Path("assistant/support.json")
GROUPING_FILE = Path("assistant/grouping.json")

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 something failed, 2 misuse."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except Misuse as error:
        _say(str(error))
        return MISUSED
    except EvaluationError as error:
        _say(str(error))
        return FAILED


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _warn(words: str | None) -> None:
    if words:
        _say(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    answer = _add(commands, "answer", _answer, "answer a question file, line by line; goes on where it was stopped")
    answer.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl")
    _add_folders(answer, required=True)
    answer.add_argument("--out", type=Path, required=True, metavar="ANSWERS.jsonl")
    answer.add_argument("--system", choices=SYSTEMS, default="assistant")

    score = _add(commands, "score", _score, "measure answers against labels; several answer files stand side by side")
    score.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl")
    score.add_argument("answers", type=Path, nargs="+", metavar="ANSWERS.jsonl")
    score.add_argument("--json", action="store_true", help="one JSON object on stdout")
    score.add_argument("--half", choices=HALVES, help="only the questions of this half")
    score.add_argument("--corpus", type=Path, metavar="DIR", help="check quotes in the original files")
    score.add_argument("--data", type=Path, metavar="DIR", help="with --corpus: check quotes in the stored texts too")

    run = _add(commands, "run", _run, "evaluate three systems on the project's questions; fails on a regression")
    run.add_argument("--half", choices=HALVES, default="tuning")
    run.add_argument("--why", metavar="TEXT", help="reason for a look at the reporting half")
    run.add_argument("--name", metavar="NAME", help="folder below eval/runs; goes on with a run of that name")
    run.add_argument("--strict", action="store_true", help="fail unless a loss of over a point can be ruled out")
    run.add_argument("--system", choices=SYSTEMS, action="append", help="only this system (repeatable)")
    _add_folders(run, required=False)

    compare = _add(commands, "compare", _compare, "two runs question by question; fails on a real regression")
    compare.add_argument("old", metavar="RUN_A", help="a folder, below eval/runs or a path; or an answer file")
    compare.add_argument("new", metavar="RUN_B", help="the same; the change is RUN_B minus RUN_A")
    compare.add_argument("--questions", type=Path, metavar="FILE", help="RUN_A and RUN_B are answer files to it")
    compare.add_argument("--system", choices=SYSTEMS, default="assistant", help="whose answers, of run folders")
    compare.add_argument("--any-documents", action="store_true", help="the runs may have read other documents")
    compare.add_argument("--json", action="store_true", help="one JSON object on stdout")

    html = _add(commands, "html", _html, "write a run's report.html once more")
    html.add_argument("run", metavar="RUN", help="a folder, below eval/runs or a path")
    html.add_argument("--against", metavar="RUN", help="show what changed against this run")
    html.add_argument("--system", choices=SYSTEMS, default="assistant", help="whose questions are shown")

    worst = _add(commands, "worst", _worst, "the worst answers of a run of the assistant, each with its likely cause")
    worst.add_argument("run", metavar="RUN", help="a folder, below eval/runs or a path")
    worst.add_argument(
        "--count", type=int, default=10, metavar="N", help="how many wrong answers, and how many refusals (default: 10)"
    )

    baseline = _add(commands, "baseline", _baseline, "make a finished run the baseline of its half")
    baseline.add_argument("--run", metavar="NAME", help="the latest by default")

    splitting = _add(commands, "split", _split, "assign each question to the tuning or the reporting half, once")
    splitting.add_argument("questions", type=Path, metavar="QUESTIONS.jsonl")

    weights = _add(commands, "tune", _tune, "choose the assistant's learned numbers on the tuning half")
    weights.add_argument("questions", type=Path, nargs="?", metavar="QUESTIONS.jsonl")
    weights.add_argument(
        "--extra",
        nargs=3,
        action="append",
        default=[],
        metavar=("QUESTIONS", "CORPUS", "DATA"),
        help="one more question set whose tuning half steers the weights (repeatable)",
    )
    weights.add_argument(
        "--only", metavar="NAME,NAME", help="choose these weights of search and sentences, keep the others"
    )
    weights.add_argument(
        "--passes", type=int, default=2, metavar="N", help="how often each weight is tried (default: 2)"
    )
    weights.add_argument("--only-answerability", action="store_true", help="keep the weights of search and sentences")
    _add_folders(weights, required=False)

    ablation = _add(commands, "ablation", _ablation, "what each ingredient of search and sentences is worth")
    ablation.add_argument("questions", type=Path, nargs="?", metavar="QUESTIONS.jsonl")
    ablation.add_argument("--half", choices=HALVES, default="tuning")
    ablation.add_argument("--why", metavar="TEXT", help="reason for a look at the reporting half")
    ablation.add_argument("--only", metavar="NAME,NAME", help="leave out these ingredients in turn, not all")
    ablation.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _add_folders(ablation, required=False)

    outside = _add(commands, "outside", _outside, "make tuning sets from public question sets, for tune --extra")
    outside.add_argument("material", type=Path, metavar="DIR", help="the folder that ASSISTANT_TEST_DATA names")
    outside.add_argument("--out", type=Path, required=True, metavar="DIR")

    tune = _add(commands, "tune-sentence", _tune_sentence, "choose the sentence baseline's threshold")
    tune.add_argument("questions", type=Path, nargs="?", metavar="QUESTIONS.jsonl")
    _add_folders(tune, required=False)

    why = _add(commands, "why", _why, "answer one question and show how the answer came about")
    why.add_argument("question", metavar="QUESTION")
    _add_folders(why, required=False)

    bench = _add(commands, "bench", _bench, "time ingest, answers and start, each as a ratio; the page in a browser")
    bench.add_argument("--json", action="store_true", help="one JSON object on stdout")
    bench.add_argument("--folder", type=Path, default=Path(".bench"), metavar="DIR", help="built corpora are kept here")
    bench.add_argument("--quick", action="store_true", help="small sizes and few repeats: does it run, not how fast")
    bench.add_argument("--part", action="append", metavar="NAME", help="only this part (repeatable); page only by name")
    bench.add_argument("--corpus", type=Path, metavar="DIR", help="what the part page serves (default: as app.py)")
    bench.add_argument("--data", type=Path, metavar="DIR", help="its data folder (default: as app.py)")

    growth = _add(commands, "growth", _growth, "how cost grows: real libraries by size, and the indexes alone")
    growth.add_argument(
        "--sizes", type=_counts, metavar="N,N", help="chunks of real documents (1000,10000,100000); 0 for none"
    )
    growth.add_argument(
        "--synthetic", type=_counts, metavar="N,N", help="passages of the indexes (1000000); 0 for none"
    )
    growth.add_argument("--questions", type=int, default=200, metavar="N", help="asked at each size (default: 200)")
    growth.add_argument("--repeats", type=int, default=3, metavar="N", help="starts of a process (default: 3)")
    growth.add_argument("--folder", type=Path, default=Path(".bench"), metavar="DIR", help="what is built is kept here")
    growth.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    growth.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curves into this file")
    growth.add_argument("--from", dest="figures", type=Path, metavar="FILE", help="measure nothing: show a --json file")

    peers = _add(commands, "peers", _peers, "the assistant beside LangChain's tutorial, LlamaIndex and Haystack")
    peers.add_argument("--json", action="store_true", help="one JSON object on stdout")
    peers.add_argument("--folder", type=Path, default=Path(".peers"), metavar="DIR", help="emptied, then written to")
    peers.add_argument("--python", type=Path, metavar="PATH", help="where they are installed (.venv-peers/bin/python)")
    peers.add_argument("--quick", action="store_true", help="small sizes, no repeats: does it run, not how fast")

    robustness = _add(
        commands, "robustness", _robustness, "old editions, copies, hidden orders and contradictions; without a verdict"
    )
    robustness.add_argument("--json", action="store_true", help="one JSON object on stdout")

    soak = _add(
        commands, "soak", _soak, "kill -9 at seeded moments; every answer whole, nothing left over, nothing lost"
    )
    soak.add_argument("--each", type=int, default=50, metavar="N", help="kills of each of the four operations (50)")
    soak.add_argument("--seed", type=int, default=7, metavar="N", help="another seed kills at other moments (7)")
    soak.add_argument("--folder", type=Path, default=Path(".soak"), metavar="DIR", help="written to, then removed")
    soak.add_argument("--json", action="store_true", help="one JSON object on stdout")

    retrieval = _add(
        commands, "retrieval", _retrieval, "rank a set in BEIR's shape, beside BM25, MiniLM and their mean"
    )
    retrieval.add_argument("set", type=Path, metavar="DIR", help="corpus.jsonl, queries.jsonl, qrels.tsv")
    retrieval.add_argument("--data", type=Path, metavar="DATA", help="its vectors are kept here; .eval-public/NAME")
    retrieval.add_argument("--half", choices=("all", *HALVES), default="all")
    retrieval.add_argument("--json", action="store_true", help="one JSON object on stdout")

    public = _add(commands, "public", _public, "retrieval, answers and refusals on the public sets")
    public.add_argument("--material", type=Path, metavar="DIR", help="as the variable ASSISTANT_TEST_DATA")
    public.add_argument("--half", choices=HALVES, default="tuning")
    public.add_argument("--why", metavar="TEXT", help="reason for a look at the reporting half")
    public.add_argument("--set", action="append", metavar="NAME", help="only this set (repeatable)")
    public.add_argument("--data", type=Path, metavar="DATA", help="vectors are kept here; .eval-public")
    public.add_argument("--json", action="store_true", help="one JSON object on stdout")

    support = _add(commands, "support", _support, "the judge of written sentences on its labelled cases")
    support.add_argument("--half", choices=("tuning", "held-out"), default="tuning")
    support.add_argument("--material", type=Path, metavar="DIR", help="as the variable ASSISTANT_TEST_DATA")
    what = support.add_mutually_exclusive_group()
    what.add_argument("--choose", action="store_true", help="choose the judge's learned numbers and write them")
    what.add_argument("--wrong", action="store_true", help="list the cases that were judged wrongly")
    support.add_argument("--why", metavar="TEXT", help="reason for a look at the held-out half")
    support.add_argument("--json", action="store_true", help="one JSON object on stdout")

    gaps = _add(commands, "gaps", _gaps, "how well questions asked in vain are grouped by meaning, in both languages")
    gaps.add_argument("--half", choices=(*HALVES, "fresh"), default="tuning")
    gaps.add_argument("--choose", action="store_true", help="choose the learned numbers on the tuning half, write them")
    gaps.add_argument("--why", metavar="TEXT", help="reason for a look at the reporting half or the fresh questions")
    gaps.add_argument("--json", action="store_true", help="one JSON object on stdout")

    written = _add(commands, "written", _written, "what the language model of the settings writes, beside the quotes")
    written.add_argument("--sample", type=int, default=40, metavar="N", help="questions at most (default: 40)")
    written.add_argument(
        "--seconds", type=float, default=600.0, metavar="S", help="time for asking the model (default: 600)"
    )
    written.add_argument("--half", choices=HALVES, default="tuning")
    written.add_argument("--why", metavar="TEXT", help="reason for a look at the reporting half")
    written.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _add_folders(written, required=False)

    _add(commands, "schema", _schema, "write docs/answer.schema.json")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command, purpose: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    parser.set_defaults(command=command)
    return parser


def _add_folders(parser: argparse.ArgumentParser, *, required: bool) -> None:
    defaults = (None, None) if required else (Path("corpus"), Path(".assistant"))
    for name, default in zip(("--corpus", "--data"), defaults, strict=True):
        parser.add_argument(name, type=Path, required=required, default=default, metavar="DIR")


# Heavy libraries are imported by the command that needs them, so that help and misuse answer at once.


def _answer(options: argparse.Namespace) -> int:
    questions = read_questions(options.questions)
    _check_folders(options)
    from assistant import open_assistant
    from eval.answer_file import RunMeta
    from eval.answering import answer_questions
    from eval.systems import documents_fingerprint, open_system

    with _named_errors(), open_assistant(corpus=options.corpus, data=options.data) as assistant:
        meta = RunMeta(options.system, documents_fingerprint(assistant.documents()))
        system = open_system(options.system, assistant, options.data)
        progress = answer_questions(questions, system, options.out, meta=meta, say=_say)
    return FAILED if progress.failed else DONE


@contextmanager
def _named_errors() -> Iterator[None]:
    """Let what the assistant raises on purpose end the command with its sentence instead of a traceback."""
    from assistant import AssistantError

    try:
        yield
    except AssistantError as error:
        raise EvaluationError(str(error)) from error


def _check_folders(options: argparse.Namespace) -> None:
    if not options.corpus.is_dir():
        raise Misuse(f"{options.corpus}: is no folder; --corpus names the folder with the documents.")
    out = getattr(options, "out", None)
    if out is not None and out.resolve().is_relative_to(options.corpus.resolve()):
        raise Misuse(f"{out}: lies inside the corpus, which an evaluation never writes to.")
    if options.data is not None and options.data.resolve().is_relative_to(options.corpus.resolve()):
        raise Misuse(f"{options.data}: lies inside the corpus, which an evaluation never writes to.")


def _score(options: argparse.Namespace) -> int:
    from eval.answer_file import read_answers
    from eval.originals import Originals
    from eval.question_check import check_corpus_of, check_gold, corpus_files, evidence_warning, stray_evidence
    from eval.scoring import named_missing, score
    from eval.tables import comparison

    if options.data and not options.corpus:
        raise Misuse("--data needs --corpus: the stored texts belong to a corpus.")
    questions = read_questions(options.questions, options.half)
    columns = _columns(options.answers)
    answers = {name: read_answers(path) for name, path in columns.items()}
    with ExitStack() as stack:
        text_of = original_of = languages = None
        if options.corpus:
            _check_folders(options)
            original_of = Originals(options.corpus)
            check_gold(options.questions, questions, corpus_files(options.corpus), options.corpus)
            _warn(evidence_warning(options.questions, stray_evidence(questions, original_of)))
        if options.data:
            from eval.run import open_quoting, stored_texts
            from eval.run_record import main_language
            from eval.systems import documents_fingerprint

            stack.enter_context(_named_errors())
            assistant = stack.enter_context(open_quoting(options.corpus, options.data))
            documents = assistant.documents()
            versions = {document.id: document.version for document in documents}
            for path in options.answers:
                check_corpus_of(path, documents_fingerprint(documents), versions, options.corpus)
            text_of = stored_texts(assistant)
            languages = {document.id: main_language(document) for document in documents}
        reports = [
            score(
                name,
                questions,
                given,
                text_of=text_of,
                original_of=original_of,
                missing=named_missing(columns[name]),
                languages=languages,
            )
            for name, given in answers.items()
        ]
    if options.json:
        print(json.dumps({report.system: report.to_dict() for report in reports}, ensure_ascii=False, indent=2))
    else:
        print(comparison(reports), end="")
        if text_of is None:
            _say("verbatim was not measured: give --corpus and --data.")
    return FAILED if any(report.verbatim_failed for report in reports) else DONE


def _columns(paths: Sequence[Path]) -> dict[str, Path]:
    """Return answer files by the heading of their column: the name, with its folder where names are the same."""
    stems = [path.stem for path in paths]
    columns = {path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}/{path.stem}": path for path in paths}
    if len(columns) < len(paths):
        raise Misuse("Two answer files have the same name; each needs a column of its own.")
    return columns


def _run(options: argparse.Namespace) -> int:
    _check_folders(options)
    from eval.run import Plan, evaluate
    from eval.systems import SYSTEM_NAMES

    plan = Plan(
        half=options.half,
        corpus=options.corpus,
        data=options.data,
        systems=tuple(options.system) if options.system else SYSTEM_NAMES,
        name=options.name,
        why=options.why,
        strict=options.strict,
    )
    with _named_errors():
        finding = evaluate(plan, _say)
    print(finding.table, end="")
    _say(f"Answers, failing questions and the report as JSON: {finding.folder}")
    for reason in finding.reasons:
        _say(f"FAILED: {reason}")
    return FAILED if finding.reasons else DONE


def _compare(options: argparse.Namespace) -> int:
    from eval.compare import changes_table, compare_answers, compare_runs
    from eval.run import QUESTIONS, RUNS

    if options.questions:
        compared = compare_answers(
            Path(options.old), Path(options.new), options.questions, any_documents=options.any_documents
        )
    else:
        compared = compare_runs(
            options.old,
            options.new,
            system=options.system,
            runs=RUNS,
            question_file=QUESTIONS,
            any_documents=options.any_documents,
        )
    if options.json:
        print(json.dumps(compared.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(changes_table(compared), end="")
    return FAILED if compared.regressions else DONE


def _html(options: argparse.Namespace) -> int:
    from eval.html_report import write_report
    from eval.run import QUESTIONS, RUNS

    print(write_report(options.run, runs=RUNS, question_file=QUESTIONS, system=options.system, against=options.against))
    return DONE


def _worst(options: argparse.Namespace) -> int:
    from eval.calibration import worst_answers, worst_text
    from eval.run import QUESTIONS, RUNS
    from eval.run_record import read_run

    if options.count < 1:
        raise Misuse(f"--count {options.count}: shows nothing; ask for 1 or more.")
    print(worst_text(worst_answers(read_run(options.run, RUNS, QUESTIONS, "assistant")), options.count), end="")
    return DONE


def _baseline(options: argparse.Namespace) -> int:
    from eval.run import make_baseline

    print(make_baseline(options.run))
    return DONE


def _split(options: argparse.Namespace) -> int:
    counts = split(options.questions)
    print(", ".join(f"{half}: {count}" for half, count in counts.items()))
    return DONE


def _tune_sentence(options: argparse.Namespace) -> int:
    _check_folders(options)
    from eval.run import QUESTIONS
    from eval.tuning import tune_sentence

    with _named_errors():
        tuned = tune_sentence(options.questions or QUESTIONS, corpus=options.corpus, data=options.data, say=_say)
    print(json.dumps(tuned, indent=2))
    return DONE


def _tune(options: argparse.Namespace) -> int:
    _check_folders(options)
    from eval.run import QUESTIONS
    from eval.weights import tune

    extra = [(Path(asked), Path(corpus), Path(data)) for asked, corpus, data in options.extra]
    with _named_errors():
        tune(
            options.questions or QUESTIONS,
            options.corpus,
            options.data,
            extra=extra,
            only_answerability=options.only_answerability,
            only=tuple(name for name in (options.only or "").split(",") if name),
            passes=options.passes,
            say=_say,
        )
    return DONE


def _ablation(options: argparse.Namespace) -> int:
    _check_folders(options)
    from eval.ablation import AblationPlan, ablate, ablation_table
    from eval.run import QUESTIONS

    plan = AblationPlan(
        questions=options.questions or QUESTIONS,
        corpus=options.corpus,
        data=options.data,
        half=options.half,
        only=tuple(name for name in (options.only or "").split(",") if name),
        why=options.why,
    )
    with _named_errors():
        worths = ablate(plan, _say)
    if options.json:
        print(json.dumps({"half": plan.half, "worths": [one.to_dict() for one in worths]}, indent=2))
    else:
        print(ablation_table(worths), end="")
    return DONE


def _outside(options: argparse.Namespace) -> int:
    from eval.outside import make_tuning_sets

    for path in make_tuning_sets(options.material, options.out):
        print(path)
    return DONE


def _why(options: argparse.Namespace) -> int:
    _check_folders(options)
    from assistant import open_assistant
    from eval.why import explanation

    with _named_errors(), open_assistant(corpus=options.corpus, data=options.data) as assistant:
        print(explanation(assistant.ask(options.question), assistant.explain(options.question)), end="")
    return DONE


def _bench(options: argparse.Namespace) -> int:
    from eval.bench import run_bench

    findings = run_bench(
        options.folder,
        quick=options.quick,
        parts=options.part,
        say=_say,
        corpus=options.corpus,
        data=options.data,
    )
    print(findings.as_json() if options.json else findings.as_table())
    return FAILED if findings.faults else DONE


def _counts(text: str) -> tuple[int, ...]:
    """Return whole numbers parted by commas, without zeros."""
    return tuple(count for count in (int(part) for part in text.split(",")) if count)


def _growth(options: argparse.Namespace) -> int:
    from eval.growth import SIZES, SYNTHETIC, read_growth, run_growth
    from eval.growth_plot import growth_plot
    from eval.growth_table import growth_table

    options.folder.mkdir(parents=True, exist_ok=True)
    for file in filter(None, (options.json, options.plot)):
        if not file.absolute().parent.is_dir():
            raise Misuse(f"{file}: its folder does not exist, so nothing could be written after the run.")
    if options.figures:
        growth = read_growth(options.figures)
    else:
        growth = run_growth(
            options.folder,
            sizes=SIZES if options.sizes is None else options.sizes,
            synthetic=SYNTHETIC if options.synthetic is None else options.synthetic,
            questions=options.questions,
            repeats=options.repeats,
            say=_say,
        )
    if options.json:
        options.json.write_text(growth.as_json() + "\n", encoding="utf-8")
    if options.plot:
        options.plot.write_text(growth_plot(growth), encoding="utf-8")
    print(growth_table(growth), end="")
    return DONE


def _peers(options: argparse.Namespace) -> int:
    if options.folder.exists() and not (options.folder / "documents").is_dir() and any(options.folder.iterdir()):
        raise Misuse(f"{options.folder}: holds something else than an earlier run. Name another folder.")
    from eval.peers import DEFAULT_PYTHON, compare_with_peers

    findings = compare_with_peers(
        options.folder, python=options.python or DEFAULT_PYTHON, quick=options.quick, say=_say
    )
    print(findings.as_json() if options.json else findings.as_table())
    return DONE if findings.peers else FAILED


def _soak(options: argparse.Namespace) -> int:
    if options.each < 1:
        raise Misuse(f"--each {options.each}: nothing would be killed. Ask for 1 or more.")
    if options.folder.exists():
        raise Misuse(f"{options.folder}: exists. Delete what an earlier run left, or name another folder.")
    from eval.soak import run_soak

    with _named_errors():
        findings = run_soak(options.folder.absolute(), each=options.each, seed=options.seed, say=_say)
    print(json.dumps(findings.to_dict()) if options.json else findings.as_table(), end="" if not options.json else "\n")
    return FAILED if findings.faults else DONE


def _robustness(options: argparse.Namespace) -> int:
    from eval.robustness import run_robustness

    with _named_errors():
        findings = run_robustness(_say)
    print(json.dumps(findings.to_dict(), ensure_ascii=False, indent=2) if options.json else findings.as_table())
    return FAILED if findings.not_verbatim else DONE


def _retrieval(options: argparse.Namespace) -> int:
    from eval.beir import read_set
    from eval.retrieval import DEFAULT_FOLDER, Place, check_place, measure, opened, retrieval_table

    found = read_set(options.set).part(options.half)
    if not found.queries:
        raise Misuse(f"{options.set}: none of its queries belongs to the half {options.half!r}.")
    place = Place(options.data or DEFAULT_FOLDER / found.name)
    with _named_errors():
        check_place(place, options.set)
        with opened(found.documents, place, _say) as (assistant, timing):
            result = measure(found, options.half, assistant, place, timing, _say)
    print(json.dumps(result.to_dict(), indent=2) if options.json else retrieval_table(result))
    return DONE


def _public(options: argparse.Namespace) -> int:
    from eval.public import MATERIAL_VARIABLE, SETS, PublicPlan, evaluate_public
    from eval.retrieval import DEFAULT_FOLDER

    material = options.material or os.environ.get(MATERIAL_VARIABLE)
    if not material:
        raise Misuse(f"There is no material: name its folder with --material or in {MATERIAL_VARIABLE}.")
    unknown = [name for name in options.set or () if name not in SETS]
    if unknown:
        raise Misuse(f"--set {unknown[0]}: is none of {', '.join(SETS)}.")
    plan = PublicPlan(
        material=Path(material),
        half=options.half,
        sets=[name for name in SETS if name in (options.set or SETS)],
        folder=options.data or DEFAULT_FOLDER,
        why=options.why,
    )
    findings = []
    with _named_errors():
        for finding in evaluate_public(plan, _say):
            findings.append(finding)
            if not options.json:
                print(finding.table(), flush=True)
    if options.json:
        print(json.dumps({"half": plan.half, "sets": {one.name: one.to_dict() for one in findings}}, indent=2))
    return FAILED if any(one.verbatim_failed for one in findings) else DONE


def _support(options: argparse.Namespace) -> int:
    _check_support(options)
    from assistant import SupportJudge, load_embedder
    from eval import looks, support
    from eval.public import MATERIAL_VARIABLE

    named = options.material or os.environ.get(MATERIAL_VARIABLE)
    material = Path(named) if named else None
    if options.choose:
        return _choose_support(material, as_json=options.json)
    cases = support.cases_of(options.half, material)
    if options.half == "held-out":
        # The column says which half of which cases; the project's questions are called by their half alone.
        looks.log_look("support-held-out", options.why, looks.LOOKS)  # type: ignore[arg-type]
    with _named_errors():
        judged = support.judge_cases(cases, SupportJudge(load_embedder().embed))
    wrong = list(support.wrong(judged)) if options.wrong else None
    if options.json:
        found = {"half": options.half, "cases": len(judged), "categories": support.values(judged)}
        print(json.dumps(found | ({} if wrong is None else {"wrong": wrong}), ensure_ascii=False, indent=2))
    else:
        print("\n".join([support.table(judged), *([""] if wrong else []), *(wrong or [])]))
    return DONE


def _check_support(options: argparse.Namespace) -> None:
    if options.half != "held-out":
        return
    if options.choose:
        raise Misuse("The judge's numbers are chosen on the tuning half alone; leave --half held-out out.")
    if options.wrong:
        raise Misuse("The cases of the held-out half are not shown, or they would steer the judge; leave --wrong out.")
    if not (options.why or "").strip():
        raise Misuse("A look at the held-out half needs a reason: --why TEXT. It is written to eval/looks.csv.")


def _choose_support(material: Path | None, *, as_json: bool) -> int:
    from eval import support
    from eval.jsonlines import write_json

    with _named_errors():
        chosen = asdict(support.choose(_say, material))
    write_json(SUPPORT_FILE, chosen)
    print(json.dumps(chosen, ensure_ascii=False, indent=2) if as_json else chosen["run"])
    return DONE


def _gaps(options: argparse.Namespace) -> int:
    _check_gaps(options)
    from eval import gap_board, looks
    from eval.jsonlines import write_json

    if options.choose:
        with _named_errors():
            chosen = gap_board.choose(_say)
        write_json(GROUPING_FILE, chosen)
        print(json.dumps(chosen, ensure_ascii=False, indent=2) if options.json else chosen["run"])
        return DONE
    if options.half != "tuning":
        # The column says which half of which questions; the project's own are called by their half alone.
        looks.log_look(f"gaps-{options.half}", options.why, looks.LOOKS)  # type: ignore[arg-type]
    with _named_errors():
        found = gap_board.figures(options.half)
    if options.json:
        print(json.dumps({"half": options.half} | {name: one.to_dict() for name, one in found.items()}, indent=2))
    else:
        print(gap_board.table(found))
    return DONE


def _check_gaps(options: argparse.Namespace) -> None:
    if options.half == "tuning":
        return
    if options.choose:
        raise Misuse(f"The numbers are chosen on the tuning half alone; leave --half {options.half} out.")
    if not (options.why or "").strip():
        named = {"reporting": "the reporting half", "fresh": "the fresh questions"}[options.half]
        raise Misuse(f"A look at {named} needs a reason: --why TEXT. It is written to eval/looks.csv.")


def _written(options: argparse.Namespace) -> int:
    _check_folders(options)
    from eval.written import WrittenPlan, evaluate_written

    plan = WrittenPlan(
        corpus=options.corpus,
        data=options.data,
        half=options.half,
        sample=options.sample,
        seconds=options.seconds,
        why=options.why,
    )
    with _named_errors():
        finding = evaluate_written(plan, _say)
    if options.json:
        print(json.dumps(finding.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(finding.as_table(), end="")
    return DONE


def _schema(options: argparse.Namespace) -> int:
    from eval.schema import SCHEMA_FILE, write_schema

    write_schema()
    print(SCHEMA_FILE)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
