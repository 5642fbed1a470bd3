"""Real files of other people, where the folder named by ASSISTANT_TEST_DATA has them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from assistant.documents import ParsingWorker, load_document
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
    """Text comes out, or the right reason: encrypted, no text, empty, not read."""
    wrong = []
    with expected.open(encoding="utf-8") as lines, ParsingWorker(Limits(seconds=300)) as worker:
        for row in csv.DictReader(lines):
            verdict = _verdict(worker, expected.parent / "files" / row["file"])
            accepted = {row["kind"], "unsupported" if "unsupported" in row["note"] else row["kind"]}
            if verdict not in accepted:
                wrong.append(f"{row['file']}: {verdict}, due {row['kind']}")
    assert wrong == []


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
