"""Bring documents into the assistant; run with --help."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assistant.commands import back_up, check_folder, ingest, read_stored_text, repair_folder, restore_backup
from assistant.domain import DocumentReport, IngestReport
from assistant.errors import AssistantError, FetchError, SettingsError, UsageError
from assistant.ingest.reporting import Console, write_out
from assistant.settings import Settings, read_settings

DESCRIPTION = """\
Bring documents into the assistant. Without arguments the whole corpus is compared with the library: new and changed
documents come in, those whose file is gone leave. A path inside the corpus stands for itself alone; a file or folder
from elsewhere is copied to CORPUS/added/ first, a web address to CORPUS/web/. While the app runs, it does the work."""
EXAMPLES = """\
examples:
  python ingest.py
  python ingest.py ~/Downloads/fda-guide.pdf https://example.org/report.pdf
exit status: 0 all in, 1 some failed or differ (each named with its reason), 2 misuse"""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    described = argparse.ArgumentParser(
        prog="ingest.py", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    described.add_argument("paths", nargs="*", metavar="PATH", help="file, folder or web address; none: whole corpus")
    described.add_argument("--corpus", metavar="DIR", type=Path, help="folder of documents (default: corpus)")
    described.add_argument("--data", metavar="DIR", type=Path, help="library and indexes (default: .assistant)")
    described.add_argument("--rebuild", action="store_true", help="build the indexes anew from the library")
    described.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    described.add_argument("--json", action="store_true", help="one JSON object on standard output")
    described.add_argument("--check", action="store_true", help="compare corpus, library, indexes; change nothing")
    described.add_argument("--repair", action="store_true", help="the same, and mend what differs")
    described.add_argument("--backup", metavar="FILE", type=Path, help="write corpus, library, journal to one file")
    described.add_argument("--restore", metavar="FILE", type=Path, help="put a backup into empty folders")
    described.add_argument("--text", metavar="DOCUMENT", help="print the stored text that citations point into")
    described.add_argument("--version", metavar="V", help="with --text: which version (default: the current one)")
    return described


def _refuse_contradictions(options: argparse.Namespace) -> None:
    work = [name for name in ("paths", "rebuild", "dry_run") if getattr(options, name)]
    upkeep = [name for name in ("backup", "restore") if getattr(options, name) is not None]
    upkeep += ["check or --repair"] if options.check or options.repair else []
    if options.text is not None and (work or upkeep):
        raise UsageError("--text prints a text and does nothing else. Leave the other arguments out.")
    if upkeep and (work or len(upkeep) > 1):
        raise UsageError(f"--{upkeep[0]} does nothing else at the same time. Leave the other arguments out.")
    if options.version is not None and options.text is None:
        raise UsageError("--version belongs to --text. Name the document with --text.")
    if options.rebuild and len(work) > 1:
        raise UsageError("--rebuild takes no paths and no --dry-run: it builds the indexes of all documents anew.")


def _path(given: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{given} names a user without a home folder. Write the whole path.") from error


def _is_link(given: str) -> bool:
    """Tell whether somebody who wrote this meant a web address, not a path."""
    return "://" in given


def _fetched(
    links: Sequence[str], settings: Settings, console: Console, *, dry_run: bool
) -> tuple[list[Path], tuple[DocumentReport, ...]]:
    """Fetch web addresses into the corpus; return the copies, and a line for each that is not there."""
    if not settings.corpus.is_dir():
        raise UsageError(f"The corpus {settings.corpus} is not a folder. Create it or name another with --corpus.")
    from assistant.documents import fetching  # the web client, which nobody needs who brings no link

    copies, lines = [], []
    networks = (settings.fetch_networks or "").split(",")
    for link in links:
        line = None
        try:
            if dry_run:
                line = DocumentReport(fetching.usual_spelling(link), "added", notices=("would be fetched",))
            else:
                with tempfile.TemporaryDirectory() as folder:
                    fetched = fetching.fetch(link, Path(folder), networks=networks)
                    copies.append(fetching.keep(fetched, settings.corpus))
        except FetchError as error:
            line = DocumentReport(error.url, "failed", reason=error.reason, remedy=error.remedy)
        if line is not None:
            lines.append(line)
            console.progress(line.to_dict())
    return copies, tuple(lines)


def _keep_up(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Check, repair, back up or restore, and return the exit status."""
    if options.backup is not None:
        written = back_up(settings, _path(str(options.backup)), handed_over=console.handed_over)
        return console.backed_up(written.to_dict(), options.backup)
    if options.restore is not None:
        manifest, report = restore_backup(settings, _path(str(options.restore)))
        console.restored(options.restore, manifest.created)
    elif options.repair:
        report = repair_folder(settings, progress=console.progress, handed_over=console.handed_over)
    else:
        report = check_folder(settings, handed_over=console.handed_over)
    return console.checked(report, mended=options.repair)


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
        if options.check or options.repair or options.backup is not None or options.restore is not None:
            return _keep_up(options, settings, console)
        paths = [_path(given) for given in options.paths if not _is_link(given)]
        links = [given for given in options.paths if _is_link(given)]
        copies, lines = _fetched(links, settings, console, dry_run=options.dry_run) if links else ([], ())
        report = IngestReport(())
        if not links or paths or copies:  # no path would stand for the whole corpus
            report = ingest(
                settings,
                [*paths, *copies],
                rebuild=options.rebuild,
                dry_run=options.dry_run,
                progress=console.progress,
                handed_over=console.handed_over,
            )
        report = replace(report, documents=(*lines, *report.documents))
    except AssistantError as error:
        return console.failed(error, status=2 if isinstance(error, SettingsError | UsageError) else 1)
    except KeyboardInterrupt:
        return console.interrupted()
    if options.json:
        console.object(report.to_dict())
    return console.report(report)


if __name__ == "__main__":
    sys.exit(main())
