"""Bring documents into the assistant; run with --help."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from assistant.build import ingest, read_stored_text
from assistant.errors import AssistantError, SettingsError, UsageError
from assistant.ingest.reporting import Console
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


def main(arguments: list[str] | None = None) -> int:
    """Run one ingest and return the exit status."""
    options = parser().parse_args(arguments)
    console = Console(as_json=options.json)
    try:
        settings = read_settings(corpus=options.corpus, data=options.data)
        if options.text:
            sys.stdout.write(read_stored_text(settings, options.text, options.version))
            return 0
        for given in options.paths:
            if "://" in given:
                raise UsageError(f"{given} is a web address, and pages are not fetched yet. Save it and add the file.")
        report = ingest(
            settings,
            [Path(given).expanduser() for given in options.paths],
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
        sys.stdout.write(json.dumps(report.to_dict(), ensure_ascii=False) + "\n")
    return console.report(report)


if __name__ == "__main__":
    sys.exit(main())
