"""What is built from the sources: the same each time, and read back by the assistant in the order of its source."""

from __future__ import annotations

from pathlib import Path

import pytest
from build import build, differences, sidecar_of
from review import units_of, words_of
from texts import BUILD_KEYS, CORPUS, Heading, Source, read_sources

from assistant.answering.tables import labelled
from assistant.documents.loading import load_document

SOURCES = [source for source in read_sources() if source.builds]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders, each with a fresh build."""
    folders = (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"))
    for folder in folders:
        build(folder)
    return folders


def test_building_twice_gives_the_same_bytes(twice: tuple[Path, Path]) -> None:
    """Documents and sidecars alike, so that a rebuild is no new version."""
    first, second = twice
    files = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    assert len(files) == 2 * len(SOURCES)
    assert [name for name in files if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_the_corpus_is_what_its_sources_build() -> None:
    """Nobody edits a built document by hand."""
    assert differences(CORPUS) == []


def test_a_changed_document_is_told(twice: tuple[Path, Path], tmp_path: Path) -> None:
    """Missing documents and changed sidecars are named, each in one sentence."""
    missing = differences(tmp_path)
    assert len(missing) == len(SOURCES)
    assert all("is missing" in sentence for sentence in missing)
    _, second = twice
    changed = sidecar_of(second / str(SOURCES[0].builds))
    kept = changed.read_bytes()
    changed.write_text("title: another\n")
    assert differences(second) == [f"The sidecar of corpus/{SOURCES[0].builds} differs from its source."]
    changed.write_bytes(kept)


@pytest.mark.parametrize("source", SOURCES, ids=[source.path.stem for source in SOURCES])
def test_the_assistant_reads_what_the_source_says_in_its_order(source: Source) -> None:
    """Headings in their order, also in two columns; each sentence, item and row whole; metadata as stated."""
    name = str(source.builds)
    document = load_document(CORPUS / name, name)
    text = words_of(document.text)
    position = 0
    for block in source.full_blocks:
        if isinstance(block, Heading):
            found = text.find(words_of(block.text), position)
            assert found >= 0, f"{block.text!r} is missing or stands too early"
            position = found
    lost = [unit for block in source.body if not isinstance(block, Heading) for unit, _ in units_of(block)
            if words_of(unit) not in text]  # fmt: skip
    assert lost == []
    if name.endswith(".docx"):  # each row in one piece with its header
        assert [part for part in document.text.split("\n\n") if "\t" in part and "\n" not in part] == []
    assert document.title == source.title
    assert document.metadata.status == source.metadata["status"]
    assert not any(f"{key}:" in sidecar_of(CORPUS / name).read_text() for key in BUILD_KEYS)


def test_the_rows_of_a_pdf_table_stand_under_its_header() -> None:
    """Rows of one line each are one table, so that a fee can be shown with the names of its columns."""
    name = "roadmap/510k-in-practice.pdf"
    text = load_document(CORPUS / name, name).text
    (table,) = (part for part in text.split("\n\n") if "FY 2027 (from 1 October 2026)\tUSD" in part)
    row = table.split("\n")[-1]
    shown = labelled(text, text.index(row), text.index(row) + len(row))
    assert shown is not None
    assert shown.startswith("Fiscal year: FY 2027 (from 1 October 2026); Standard fee for a 510(k): USD 28,653")
