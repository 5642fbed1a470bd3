"""`python -m assistant`: what can be done with the assistant's files without starting it; run with --help."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from pathlib import Path

from assistant.answering.exporting import Check, QuoteCheck
from assistant.commands import check_export
from assistant.errors import AssistantError, SettingsError, UsageError
from assistant.settings import read_settings
from assistant.web.passwords import PasswordRefused, hash_password

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EXAMPLES = """\
examples:
  python -m assistant verify usa-next-answers-2026-11-22.docx
  python -m assistant verify board-paper.pdf --data /var/lib/usa-next --json
  python -m assistant hash-password
exit status of verify: 0 every quote holds, 1 some quote does not or an answer was changed, 2 misuse"""
HASH = """\
Ask for a password of the staff desk, twice, and print its hash, for the variable ASSISTANT_STAFF_PASSWORD_HASH. Where
standard input is no terminal, the password is its first line. The password itself is kept nowhere."""
VERIFY = """\
Check a conversation that was exported as .md, .docx or .pdf: every quote is compared with the documents as they are
now, and the words that the file shows with those that were exported. The assistant may run meanwhile; nothing is
changed."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    raw = argparse.RawDescriptionHelpFormatter
    described = argparse.ArgumentParser(
        prog="python -m assistant",
        description="Tools for the files of the USA next! assistant.",
        epilog=EXAMPLES,
        formatter_class=raw,
    )
    commands = described.add_subparsers(dest="command", metavar="COMMAND", required=True)
    verify = commands.add_parser(
        "verify", help="check the quotes of an export", description=VERIFY, epilog=EXAMPLES, formatter_class=raw
    )
    verify.add_argument("file", metavar="FILE", type=Path, help="an export of a conversation: .md, .docx or .pdf")
    verify.add_argument("--corpus", metavar="DIR", type=Path, help="folder of documents (default: corpus)")
    verify.add_argument("--data", metavar="DIR", type=Path, help="library and indexes (default: .assistant)")
    verify.add_argument("--json", action="store_true", help="one JSON object on standard output")
    commands.add_parser(
        "hash-password", help="make the hash of a password for the staff desk", description=HASH, formatter_class=raw
    )
    return described


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = parser().parse_args(arguments)
    return _print_hash() if options.command == "hash-password" else _verify(options)


def _verify(options: argparse.Namespace) -> int:
    try:
        if options.corpus is not None and not options.corpus.is_dir():
            raise UsageError(f"The corpus {options.corpus} is not a folder. Name another with --corpus, or none.")
        settings = read_settings(corpus=options.corpus, data=options.data)
        check = check_export(settings, options.file)
    except AssistantError as error:
        if options.json:
            _write(json.dumps({"error": str(error)}, ensure_ascii=False))
        sys.stderr.write(f"Error: {error}\n")
        return 2 if isinstance(error, SettingsError | UsageError) else 1
    _write(json.dumps(check.to_dict(), ensure_ascii=False) if options.json else described(options.file.name, check))
    return 0 if check.holds else 1


def _print_hash() -> int:
    """Ask for a password and print its hash as a line for a file of variables."""
    try:
        if sys.stdin.isatty():
            password = getpass.getpass("Password of the staff desk: ")
            if password != getpass.getpass("The same again: "):
                raise PasswordRefused("The two are not the same. Nothing was made.")
        else:
            password = sys.stdin.readline().rstrip("\r\n")
        made = hash_password(password)
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\nError: no password was given. Nothing was made.\n")
        return 2
    except PasswordRefused as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    _write(f"ASSISTANT_STAFF_PASSWORD_HASH='{made}'")
    return 0


def described(name: str, check: Check) -> str:
    """Return what a check found, for a person: one line for each quote, what was changed, and a summary."""
    questions = "1 question" if check.questions == 1 else f"{check.questions} questions"
    lines = [f"{name}: exported {check.date}, {questions}"]
    width = max((len(str(quote.number)) for quote in check.quotes), default=1) + 2
    for quote in check.quotes:
        lines.append(f"  {f'[{quote.number}]':<{width}} {_line(quote)}")
        if quote.found:
            lines.append(f"  {'':<{width}} the file says: {quote.found}")
    lines += [f"  {change}." for change in check.changes]
    lines += [f"  Note: {remark}" for remark in check.remarks]
    # A file may say what would order a terminal about.
    return "\n".join(_CONTROL.sub("\ufffd", line) for line in [*lines, _summary(check)])


def _line(quote: QuoteCheck) -> str:
    if quote.document is None:
        return quote.sentence
    place = f"{quote.document}, page {quote.page}" if quote.page else quote.document
    return f"{place}: {quote.sentence}"


def _summary(check: Check) -> str:
    total, good = len(check.quotes), sum(quote.holds for quote in check.quotes)
    bad = total - good
    if not total:
        said = "The file holds no quotes"
    elif not bad:
        said = "The quote holds" if total == 1 else f"All {total} quotes hold"
    else:
        said = f"{good} of {total} quotes hold, {bad} {'does' if bad == 1 else 'do'} not"
    if not check.changes:
        return f"{said}."
    changed = "1 text was" if len(check.changes) == 1 else f"{len(check.changes)} texts were"
    return f"{said}, and {changed} changed after the export."


def _write(text: str) -> None:
    """Write to standard output in UTF-8, whatever the terminal's settings, also to a reader who leaves early."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{text}\n".encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
