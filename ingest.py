"""Bring documents into the assistant; run with --help."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from assistant.build import ingest, read_stored_text
from assistant.errors import AssistantError, SettingsError, UsageError
from assistant.ingest.reporting import Console, write_out
from assistant.settings import read_settings

DESCRIPTION = """\
Bring documents into the assistant. Without arguments the whole corpus is compared with the library: new and changed
documents come in, those whose file is gone leave. A path inside the corpus stands for itself alone; a file or folder
from elsewhere is copied to CORPUS/added/ first. While the app runs, it does the work."""
EXAMPLES = """\
examples:
  python ingest.py
  python ingest.py ~/Downloads/fda-guide.pdf
exit status: 0 all in, 1 some failed (each named with its reason), 2 misuse"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    described = argparse.ArgumentParser(
        prog="ingest.py", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    described.add_argument("paths", nargs="*", metavar="PATH", help="file or folder; none means the whole corpus")
    described.add_argument("--corpus", metavar="DIR", type=Path, help="folder of documents (default: corpus)")
    described.add_argument("--data", metavar="DIR", type=Path, help="library and indexes (default: .assistant)")
    described.add_argument("--rebuild", action="store_true", help="build the indexes anew from the library")
    described.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    described.add_argument("--json", action="store_true", help="one JSON object on standard output")
    described.add_argument("--text", metavar="DOCUMENT", help="print the stored text that citations point into")
    described.add_argument("--version", metavar="V", help="with --text: which version (default: the current one)")
    return described


def _refuse_contradictions(options: argparse.Namespace) -> None:
    work = [name for name in ("paths", "rebuild", "dry_run") if getattr(options, name)]
    if options.text is not None and work:
        raise UsageError("--text prints a text and does nothing else. Leave the other arguments out.")
    if options.version is not None and options.text is None:
        raise UsageError("--version belongs to --text. Name the document with --text.")
    if options.rebuild and len(work) > 1:
        raise UsageError("--rebuild takes no paths and no --dry-run: it builds the indexes of all documents anew.")


def _path(given: str) -> Path:
    if "://" in given:
        raise UsageError(f"{given} is a web address, and pages are not fetched yet. Save it and add the file.")
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{given} names a user without a home folder. Write the whole path.") from error


def main(arguments: list[str] | None = None) -> int:
    """Run one ingest and return the exit status."""
    options = parser().parse_args(arguments)
    console = Console(as_json=options.json)
    try:
        _refuse_contradictions(options)
        settings = read_settings(corpus=options.corpus, data=options.data)
        if options.text is not None:
            write_out(read_stored_text(settings, options.text, options.version))
            return 0
        report = ingest(
            settings,
            [_path(given) for given in options.paths],
            rebuild=options.rebuild,
            dry_run=options.dry_run,
            progress=console.progress,
            handed_over=console.handed_over,
        )
    except AssistantError as error:
        return console.failed(error, status=2 if isinstance(error, SettingsError | UsageError) else 1)
    except KeyboardInterrupt:
        return console.interrupted()
    if options.json:
        console.object(report.to_dict())
    return console.report(report)


if __name__ == "__main__":
    sys.exit(main())
