"""Check the library: the documents of the corpus, their sources, their translations and their review.

::

    python docs/sources/check.py              every defect as file:line: problem. Remedy.
    python docs/sources/check.py --report     counts, reading levels and review totals as well
    python docs/sources/check.py --write      first bring the sections on sources up to date

Exit status: 0 no finding, 1 findings, 2 misuse.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from build import differences
from glossary import glossary_rules
from review import REVIEW, VERDICTS, Statement, by_document, read_review, units_of, words_of
from rules import (
    copy_rules,
    metadata_rules,
    reading_level,
    review_rules,
    source_list_rules,
    statement_rules,
    text_rules,
    translation_rules,
    word_count,
)
from texts import (
    CORPUS,
    ROADMAP,
    SOURCE_HEADINGS,
    BadText,
    Finding,
    Heading,
    Source,
    read_source,
    read_sources,
    sources_section,
)

ROOT = CORPUS.parent

FOLDERS = ("programme", "roadmap")
"""The folders of the corpus that the programme writes; what staff add from elsewhere keeps its own form."""


def read_library(corpus: Path = CORPUS) -> tuple[dict[str, Source], list[str]]:
    """Return the texts of the library by their path inside the corpus, and one line for each that cannot be read."""
    documents: dict[str, Source] = {}
    broken: list[str] = []
    try:
        built = {source.builds: source for source in read_sources() if source.builds}
    except BadText as error:
        return {}, [f"docs/sources/{error}. Mend this first; nothing else was checked."]
    for path in sorted(path for folder in FOLDERS for path in (corpus / folder).rglob("*") if path.is_file()):
        name = path.relative_to(corpus).as_posix()
        if path.suffix == ".md":
            try:
                documents[name] = read_source(path)
            except BadText as error:
                broken.append(
                    f"corpus/{path.parent.relative_to(corpus).as_posix()}/{error}. It was left out of the check."
                )
        elif path.suffix != ".yaml" and name not in built:
            broken.append(f"corpus/{name}:0: it has no text in docs/sources. Write its source there, or take it out.")
    return documents | {str(name): source for name, source in built.items()}, broken


def findings(documents: Mapping[str, Source], statements: list[Statement], today: dt.date) -> Iterator[str]:
    """Yield one line for each defect: file, line, problem, remedy."""
    reviewed = by_document(statements)
    for name, source in documents.items():
        found = [*metadata_rules(source, today), *source_list_rules(source)]
        found += [*translation_rules(source, documents, name), *text_rules(source, name)]
        if name.startswith(ROADMAP):
            found += review_rules(source, reviewed.get(Path(name).name, []))
            found += glossary_rules(source, {Path(each).name for each in documents})
        yield from (_line(source.path, each) for each in found)
    yield from (_line(documents[name].path, each) for name, each in copy_rules(documents))
    units = {Path(name).name: _units(source) for name, source in documents.items()}
    for statement in statements:
        yield from (_line(REVIEW, each) for each in statement_rules(statement, units.get(statement.document, [])))


def _units(source: Source) -> list[str]:
    return [words_of(text) for block in source.body if not isinstance(block, Heading) for text, _ in units_of(block)]


def _line(path: Path, finding: Finding) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{finding.line}: {finding.problem}. {finding.remedy}."


def write_source_sections(documents: Mapping[str, Source]) -> list[str]:
    """Bring the section on sources of each Markdown document of the roadmap up to date; return the names changed."""
    changed = []
    for name, source in documents.items():
        if source.builds or not name.startswith(ROADMAP):
            continue
        text = source.path.read_text(encoding="utf-8")
        heading = "\n## " + SOURCE_HEADINGS[str(source.metadata["language"])]
        fresh = text.split(heading)[0].rstrip("\n") + "\n\n" + sources_section(source.metadata)
        if fresh != text:
            source.path.write_text(fresh, encoding="utf-8")
            changed.append(name)
    return changed


# The report.


def report(documents: Mapping[str, Source], statements: list[Statement]) -> str:
    """Return counts of documents, their words and reading levels, and the totals of the review, as text."""
    reviewed = by_document(statements)
    heads = ("words", "LIX", "sources", "opened", "statements", "supported")
    lines = [f"{'document':58} lang " + " ".join(f"{head:>10}" for head in heads)]
    for name, source in documents.items():
        sources = source.metadata.get("sources") or []
        opened = sum(bool(each.get("accessed")) for each in sources)
        own = reviewed.get(Path(name).name, [])
        supported = sum(each.verdict == "supported" for each in own)
        lines.append(
            f"{name:58} {source.metadata['language']!s:4} {word_count(source):10} {reading_level(source):10.0f} "
            f"{len(sources):10} {opened:10} {len(own):10} {supported:10}"
        )
    lines.append("")
    roadmap = {name: source for name, source in documents.items() if name.startswith(ROADMAP)}
    for what, chosen in (("library", documents), ("roadmap", roadmap)):
        lines.append(f"{what}: {len(chosen)} documents")
        for key in ("language", "format", "audience", "stage", "status"):
            counts = Counter(value for name, source in chosen.items() for value in _values(name, source.metadata, key))
            lines.append(f"  {key}: " + ", ".join(f"{value} {count}" for value, count in sorted(counts.items())))
    lines.append(review_totals(statements))
    return "\n".join(lines)


def review_totals(statements: list[Statement]) -> str:
    """Return one line on the review: statements, their verdicts, and how many were mended."""
    verdicts = Counter(each.verdict for each in statements)
    told = ", ".join(f"{verdict} {verdicts[verdict]}" for verdict in VERDICTS)
    share = verdicts["supported"] / len(statements) if statements else 0.0
    mended = sum(each.mended for each in statements)
    return f"review: {len(statements)} statements; {told}; mended {mended}; share opened {share:.2f}"


def _values(name: str, about: Mapping[str, Any], key: str) -> list[str]:
    if key == "format":
        return [Path(name).suffix.lstrip(".")]
    value = about.get(key, "")
    return [str(each) for each in value] if isinstance(value, list) else [str(value)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description="Check the documents of the library, their sources and their review.")
    parser.add_argument("--today", type=dt.date.fromisoformat, default=dt.date.today(), help="the day to check for")
    parser.add_argument("--report", action="store_true", help="print counts, reading levels and review totals as well")
    parser.add_argument("--write", action="store_true", help="bring the sections on sources up to date first")
    options = parser.parse_args(arguments)
    documents, broken = read_library()
    if options.write:
        for name in write_source_sections(documents):
            print(f"corpus/{name}: section on sources written")
        documents, broken = read_library()
    statements = read_review(REVIEW.read_text(encoding="utf-8")) if REVIEW.exists() else []
    found = [*broken, *findings(documents, statements, options.today)] if documents else broken
    if documents and not broken:
        found += [f"{sentence} Run: python docs/sources/build.py" for sentence in differences(CORPUS)]
    if options.report:
        print(report(documents, statements))
    for line in found:
        print(line, file=sys.stderr)
    print(f"{len(documents)} documents checked, {len(found)} findings.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
