"""Real files of other people, where the folder named by ASSISTANT_TEST_DATA has them."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pytest

from assistant.documents import SUPPORTED_SUFFIXES, ParsingWorker, load_document
from assistant.documents.loading import Limits
from assistant.domain import Document
from assistant.errors import EncryptedFile, LoadError, NoTextFound, UnsupportedFormat

from .test_loading import check_laws

DATA = Path(os.environ.get("ASSISTANT_TEST_DATA", "/nonexistent"))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="ASSISTANT_TEST_DATA names no folder")


def _groups() -> list[Path]:
    return sorted(DATA.glob("data/awkward/*/expected.csv"))


@pytest.mark.parametrize("expected", _groups(), ids=lambda path: path.parent.name)
def test_awkward_files_get_the_verdict_that_is_due(expected: Path) -> None:
    """Text comes out, or the right reason: encrypted, no text, empty, not read; within the limits that all files have.

    That a format is not read is right only where the list says so, and only of formats that are not. `pytest -rP` shows
    the table: group, file, verdict due and given, seconds, note.
    """
    wrong, files = [], {path.name for path in (expected.parent / "files").iterdir()}
    with expected.open(encoding="utf-8") as lines, ParsingWorker() as worker:
        for row in csv.DictReader(lines):
            path = expected.parent / "files" / row["file"]
            files.discard(path.name)
            start = time.monotonic()
            verdict = _verdict(worker, path)
            seconds = f"{time.monotonic() - start:.1f}"
            print(expected.parent.name, path.name, row["kind"], verdict, seconds, row["note"], sep=" | ")  # noqa: T201
            may_be_unread = "unsupported" in row["note"] and path.suffix.lower() not in SUPPORTED_SUFFIXES
            if verdict not in {row["kind"], "unsupported" if may_be_unread else row["kind"]}:
                wrong.append(f"{path.name}: {verdict}, due {row['kind']}")
    assert wrong == []
    assert files == set(), "every file is on the list"


def _verdict(worker: ParsingWorker, path: Path) -> str:
    try:
        document = worker.load(path, path.name)
    except UnsupportedFormat:
        return "unsupported"
    except EncryptedFile:
        return "encrypted"
    except NoTextFound as error:
        return "empty" if "is empty" in error.reason else "no_text"
    except LoadError as error:
        return f"{type(error).__name__} ({error.reason})"
    check_laws(document)
    return "ok"


def _programme(name: str) -> Document:
    path = DATA / "documents" / "programme" / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return load_document(path, name, Limits())


def test_the_page_of_three_articles_has_three_sections() -> None:
    """English, Norwegian, English, each with its own title and its own words."""
    document = _programme("oslo-cancer-cluster-international.txt")
    check_laws(document)
    assert [(section.title, section.language) for section in document.sections] == [
        ("Joining forces to help life science start-ups", "en"),
        ("Felles veikart gjør veien til USA lettere", "nb"),
        ("A common road map secures the path to the American health market", "en"),
    ]
    starts = [document.text[section.start :].split("\n")[0] for section in document.sections]
    assert starts[1:] == [section.title for section in document.sections[1:]]


def test_the_page_of_one_article_has_one_section() -> None:
    """A page in one language with many headings is one article."""
    document = _programme("road-map-to-the-american-health-market.txt")
    check_laws(document)
    assert [section.language for section in document.sections] == ["en"]
    assert document.title == "A common road map secures the path to the American health market"
