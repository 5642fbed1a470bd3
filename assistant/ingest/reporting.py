"""An ingest as people see it on the command line: progress, and one line per document that needs a look."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.desk import CheckReport
from assistant.domain import Change, DocumentReport, IngestReport
from assistant.errors import AssistantError
from assistant.ingest.pace import in_words

_MARKS: Mapping[Change, str] = {"added": "+", "changed": "~", "removed": "-", "failed": "!", "unchanged": "="}


class Console:
    """Writes an ingest's progress and report for a person, or stays silent but for errors when JSON is asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._handed_over = False
        self._terminal = sys.stderr.isatty()
        self._shown = ""

    def progress(self, event: Mapping[str, Any]) -> None:
        """Show one event: a document that is done, or how many passages have their vectors; and the time left."""
        left = event.get("seconds_left")
        time_left = "" if left is None else f", {in_words(left)}"
        if "embedded" in event:
            self._transient(f"Embedding passages: {event['embedded']} of {event['to_embed']}", time_left)
            return
        if event["change"] != "unchanged":
            self._line(_document_line(DocumentReport.from_dict(_without_counts(event))))
        if self._terminal and "done" in event:
            self._transient(f"Documents: {event['done']} of {event['total']}", time_left)

    def handed_over(self, event: Mapping[str, Any]) -> None:
        """Say that the running app does the work."""
        self._handed_over = True
        self._line(f"The running app owns {event['data']} and does the work. Ctrl-C stops watching, not the work.")

    def report(self, report: IngestReport) -> int:
        """Write the closing lines and return the exit status."""
        counts = ", ".join(f"{report.count(change)} {change}" for change in _MARKS if report.count(change))
        self._line(f"{counts or 'No documents'}. {report.embedded_chunks} passages embedded in {report.seconds:.1f} s.")
        return 1 if report.failed else 0

    def checked(self, report: CheckReport, *, mended: bool = False) -> int:
        """Write what the doctor found, or has left, and return the exit status."""
        if self._as_json:
            self.object(report.to_dict())
        for found in report.differences:
            self._line(f"! {found.sentence}{' --repair mends it.' if found.repairable and not mended else ''}")
        count = len(report.differences)
        verdict = f"{count} difference{'s' if count > 1 else ''}{' left' if mended else ''}" if count else "all agrees"
        sample = "" if report.searched == report.chunks else f" (a sample of {report.searched} was searched for)"
        by = f" Embedded by {report.embedded_by}." if report.embedded_by else ""
        self._line(
            f"{report.documents} documents, {report.chunks} passages{sample}: {verdict}. {report.seconds:.1f} s.{by}"
        )
        return 1 if report.differences else 0

    def backed_up(self, written: Mapping[str, Any], file: Path) -> int:
        """Say what a backup holds and what it lacks, and return the exit status."""
        if self._as_json:
            self.object({**written, "file": str(file)})
        for name, why in written["left_out"]:
            self._line(f"! {name} is not in the backup: {why}.")
        self._line(f"{written['files']} files, {written['bytes'] / 1e6:.1f} MB before packing, are in {file}.")
        return 1 if written["left_out"] else 0

    def restored(self, file: Path, created: str) -> None:
        """Say what was put in place."""
        self._line(f"Restored {file} of {created}; the indexes were built from it.")

    def failed(self, error: AssistantError, *, status: int) -> int:
        """Write the error's sentence and return the exit status."""
        if self._as_json:
            self.object({"error": str(error)})
        self._always(f"Error: {error}")
        return status

    def object(self, value: Mapping[str, Any]) -> None:
        """Write the one JSON object of `--json`."""
        write_out(json.dumps(value, ensure_ascii=False) + "\n")

    def interrupted(self) -> int:
        """Say what an interrupt means and return the exit status."""
        if self._handed_over:
            self._always("No longer watching; the app goes on with the work.")
        else:
            self._always("Stopped. What was reported is in; run the same command again for the rest.")
        return 130

    def _line(self, text: str) -> None:
        if not self._as_json:
            self._always(text)

    def _always(self, text: str) -> None:
        clear = "\r\033[K" if self._terminal else ""
        sys.stderr.write(f"{clear}{text}\n")

    def _transient(self, text: str, time_left: str) -> None:
        """Show what will be written over; where nothing can be, a line for each step and none for the time alone."""
        if self._as_json or (not self._terminal and text == self._shown):
            return
        self._shown = text
        sys.stderr.write(f"\r\033[K{text}{time_left}" if self._terminal else f"{text}{time_left}\n")
        sys.stderr.flush()


def write_out(text: str) -> None:
    """Write to standard output, in UTF-8 and with its line ends as they are, whatever the terminal's settings."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has had enough; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _without_counts(event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in ("done", "total", "seconds_left")}


def _document_line(report: DocumentReport) -> str:
    line = f"{_MARKS[report.change]} {report.document}"
    if report.change == "failed":
        line += f": {report.reason}. {report.remedy}"
    elif report.change in ("added", "changed") and report.chunks:
        pages = f", {report.searchable_pages} of {report.pages} pages with text" if report.pages else ""
        line += f" ({report.chunks} passages{pages})"
    return "\n".join([line, *(f"    {notice}" for notice in report.notices)])
