"""`python -m eval`: answer, score, run, baseline, split, outside, tune, tune-sentence, bench, schema."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from eval.errors import EvaluationError, Misuse
from eval.question_set import HALVES, read_questions, split

SYSTEMS = ("assistant", "tutorial", "sentence")
DONE, FAILED, MISUSED = 0, 1, 2

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
    weights.add_argument("--only-answerability", action="store_true", help="keep the weights of search and sentences")
    _add_folders(weights, required=False)

    outside = _add(commands, "outside", _outside, "make tuning sets from public question sets, for tune --extra")
    outside.add_argument("material", type=Path, metavar="DIR", help="the folder that ASSISTANT_TEST_DATA names")
    outside.add_argument("--out", type=Path, required=True, metavar="DIR")

    tune = _add(commands, "tune-sentence", _tune_sentence, "choose the sentence baseline's threshold")
    tune.add_argument("questions", type=Path, nargs="?", metavar="QUESTIONS.jsonl")
    _add_folders(tune, required=False)

    bench = _add(commands, "bench", _bench, "time ingest, answers and start, each as a ratio")
    bench.add_argument("--json", action="store_true", help="one JSON object on stdout")
    bench.add_argument("--folder", type=Path, default=Path(".bench"), metavar="DIR", help="built corpora are kept here")
    bench.add_argument("--quick", action="store_true", help="small sizes and few repeats: does it run, not how fast")
    bench.add_argument("--part", action="append", metavar="NAME", help="only this part (repeatable)")

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
    from eval.scoring import score
    from eval.tables import comparison

    if options.data and not options.corpus:
        raise Misuse("--data needs --corpus: the stored texts belong to a corpus.")
    questions = read_questions(options.questions, options.half)
    answers = {name: read_answers(path) for name, path in _columns(options.answers).items()}
    with ExitStack() as stack:
        text_of = original_of = None
        if options.corpus:
            _check_folders(options)
            original_of = Originals(options.corpus)
        if options.data:
            from assistant import open_assistant
            from eval.run import stored_texts

            stack.enter_context(_named_errors())
            text_of = stored_texts(stack.enter_context(open_assistant(corpus=options.corpus, data=options.data)))
        reports = [
            score(name, questions, given, text_of=text_of, original_of=original_of) for name, given in answers.items()
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
            say=_say,
        )
    return DONE


def _outside(options: argparse.Namespace) -> int:
    from eval.outside import make_tuning_sets

    for path in make_tuning_sets(options.material, options.out):
        print(path)
    return DONE


def _bench(options: argparse.Namespace) -> int:
    from eval.bench import run_bench

    findings = run_bench(options.folder, quick=options.quick, parts=options.part, say=_say)
    print(findings.as_json() if options.json else findings.as_table())
    return DONE


def _schema(options: argparse.Namespace) -> int:
    from eval.schema import SCHEMA_FILE, write_schema

    write_schema()
    print(SCHEMA_FILE)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
