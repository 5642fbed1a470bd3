"""Loading: what holds for every format, and what each unusable file is called."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest

from assistant.documents import SUPPORTED_SUFFIXES, Limits, is_sidecar, load_document
from assistant.domain import Document, version_of
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, LoadError, NoTextFound, UnsupportedFormat

from .conftest import Load

NAMES = ["a.txt", "b.md", "c.html", "d.pdf", "e.docx", "f.pptx"]


def check_laws(document: Document) -> None:
    """The laws of a `Document`, whatever its format."""
    text = document.text
    assert text == text.strip(" \n")
    assert unicodedata.is_normalized("NFC", text)
    assert not re.search(r"[^\S\n]+$", text, re.MULTILINE), "trailing spaces"
    assert not re.search(r"\n{3,}", text)
    assert not any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t" for each in text)
    assert "\u00ad" not in text
    assert document.sections[0].start == 0
    assert document.sections[-1].end == len(text)
    assert all(
        a.end == b.start and a.start < a.end for a, b in zip(document.sections, document.sections[1:], strict=False)
    )
    assert all(section.title and section.language in ("en", "nb", "nn") for section in document.sections)
    assert list(document.pages) == sorted(document.pages)
    assert len(document.page_labels) == len(document.pages)
    assert all(0 <= start <= len(text) for start in document.pages)
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(set(starts))
    for heading in document.headings:
        words = text[heading.start : heading.end]
        assert words
        assert words == words.strip()
        assert "\n" not in words
        assert heading.start == 0 or text[heading.start - 2 : heading.start] == "\n\n"
    assert document.title


@pytest.mark.parametrize("name", NAMES)
def test_the_laws_hold_for_every_format(load: Load, one_of_each: dict[str, bytes], name: str) -> None:
    """Sections cover the text, offsets hold the words, the version is what the domain says."""
    document = load(name, one_of_each[name])
    check_laws(document)
    assert document.title == "Market entry"
    assert "Medicare pays for a medical device when the device is reasonable" in document.text
    assert document.version == version_of(one_of_each[name], document.metadata, document.text)
    assert document == load(name, one_of_each[name])


def test_all_supported_formats_are_tried_here() -> None:
    """A new format gets a file in `one_of_each`."""
    assert {Path(name).suffix for name in NAMES} | {".markdown", ".htm"} == SUPPORTED_SUFFIXES


@pytest.mark.parametrize("name", NAMES[2:])
@pytest.mark.parametrize("wrong", [".txt", ".pdf", ".docx", ".pptx"])
def test_a_wrong_name_is_found_by_the_content(load: Load, one_of_each: dict[str, bytes], name: str, wrong: str) -> None:
    """The message says what the file is and how to name it."""
    right = Path(name).suffix
    if wrong != right:
        with pytest.raises(DamagedFile, match=rf"x{wrong}: is an? .* by its content. Rename it to x{right}"):
            load(f"x{wrong}", one_of_each[name])


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        pytest.param("x.xlsx", b"PK", UnsupportedFormat, ".xlsx are not read. Save the tables as", id="xlsx"),
        pytest.param("x.doc", b"x", UnsupportedFormat, ".doc are not read. Save it as .docx", id="doc"),
        pytest.param("x.zzz", b"x", UnsupportedFormat, "Save it as one of .txt", id="unknown"),
        pytest.param("README", b"x", UnsupportedFormat, "without an ending", id="no ending"),
        pytest.param("x.txt", b"", NoTextFound, r"is empty \(0 bytes\)", id="0 bytes"),
        pytest.param("x.txt", b" \n\n", NoTextFound, "holds no text", id="only spaces"),
        pytest.param("x.docx", b"PK\x03\x04 torn", DamagedFile, "not a Word document, or only a part", id="torn"),
        pytest.param("x.docx", b"plain words", DamagedFile, "is not a Word document", id="text named docx"),
        pytest.param("x.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
                     EncryptedFile, "needs a password", id="docx with password"),
        pytest.param("x.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", DamagedFile, "of before 2007", id="old doc"),
        pytest.param("x.pdf", b"\x89PNG\r\n\x1a\n", DamagedFile, "an image by its content. Run OCR", id="image"),
    ],
)  # fmt: skip
def test_unusable_files_are_named(load: Load, name: str, content: bytes, error: type[LoadError], message: str) -> None:
    """One sentence says what is wrong, the next what to do."""
    with pytest.raises(error, match=message) as caught:
        load(name, content)
    assert caught.value.document == name
    assert caught.value.remedy


def test_places_that_are_no_files(tmp_path: Path) -> None:
    """Missing files, folders, pipes and links out of the corpus are refused, each with its reason."""
    corpus = tmp_path / "corpus"
    (corpus / "folder.txt").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("secret")
    (corpus / "out.txt").symlink_to(tmp_path / "outside.txt")
    (corpus / "dead.txt").symlink_to(tmp_path / "nowhere.txt")
    (corpus / "real.txt").write_text("words")
    (corpus / "in.txt").symlink_to(corpus / "real.txt")
    os.mkfifo(corpus / "pipe.txt")
    for name, message in (
        ("missing.txt", "does not exist"),
        ("folder.txt", "is a folder"),
        ("out.txt", "leads out of the corpus"),
        ("dead.txt", "link to a file that does not exist"),
        ("pipe.txt", "not a regular file"),
    ):
        with pytest.raises(DamagedFile, match=message):
            load_document(corpus / name, name, Limits())
    assert load_document(corpus / "in.txt", "in.txt", Limits()).text == "words"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    """The remedy is the permission."""
    path = tmp_path / "x.txt"
    path.write_text("words")
    path.chmod(0)
    with pytest.raises(DamagedFile, match=r"may not be read by this user. Grant read permission"):
        load_document(path, "x.txt", Limits())


def test_a_large_file_is_refused_unread(load: Load) -> None:
    """Both sizes are named."""
    with pytest.raises(LimitExceeded, match=r"is 3 MB and the limit is 1 MB"):
        load("x.txt", b"x" * 3_000_000, limits=Limits(file_bytes=1_000_000))


@pytest.mark.parametrize("name", ["e.docx", "f.pptx"])
def test_archives_that_unpack_without_end_are_refused(load: Load, one_of_each: dict[str, bytes], name: str) -> None:
    """A bomb is found by its ratio, and a large honest archive by its size, before anything is parsed."""
    buffer = io.BytesIO(one_of_each[name])
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("media/bomb.xml", b" " * 60_000_000)
    with pytest.raises(LimitExceeded, match=r"unpacks to more than"):
        load(name, buffer.getvalue())
    with pytest.raises(LimitExceeded, match=r"unpacks to more than 0 MB"):
        load(name, one_of_each[name], limits=Limits(unpacked_bytes=20_000))


def test_sidecars_are_recognised(tmp_path: Path) -> None:
    """Only beside the document that they name."""
    for name in ("a.pdf", "a.pdf.yaml", "b.pdf.yaml", "c.yaml", "d.csv", "d.csv.yaml"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in sorted(tmp_path.iterdir()) if is_sidecar(path)] == ["a.pdf.yaml"]


@pytest.mark.parametrize(
    ("name", "content", "sidecar", "title"),
    [
        pytest.param("x.md", "# One\n\ntext", "title: Beside", "Beside", id="metadata"),
        pytest.param("x.md", "## Two\n\n# One\n\ntext", None, "One", id="first heading of level 1"),
        pytest.param("x.html", "<title>Head</title><h2>Two</h2><p>text", None, "Head", id="file property"),
        pytest.param("x.md", "## Two\n\ntext", None, "Two", id="first heading"),
        pytest.param("x.md", "A short line\n\nmore", None, "A short line", id="first short line"),
        pytest.param("sub/my-file.md", "word " * 40, None, "my-file", id="file name"),
    ],
)
def test_every_document_has_a_title(load: Load, name: str, content: str, sidecar: str | None, title: str) -> None:
    """The best source there is."""
    assert load(name, content, sidecar=sidecar).title == title


def test_the_id_is_nfc(load: Load) -> None:
    """A path that a Mac wrote decomposed is the same document."""
    assert load(unicodedata.normalize("NFD", "søk-å.txt"), "words").id == unicodedata.normalize("NFC", "søk-å.txt")


def test_importing_the_wing_imports_no_parser() -> None:
    """The owner of the data folder never loads a parser's library; the worker does."""
    heavy = ("pypdf", "docx", "pptx", "trafilatura", "lxml", "markdown_it", "yaml", "torch", "chromadb")
    code = f"import sys, assistant.documents; print([name for name in {heavy!r} if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_original_is_never_changed(load: Load, one_of_each: dict[str, bytes], tmp_path: Path) -> None:
    """Loading only reads."""
    for name in NAMES:
        load(name, one_of_each[name])
        assert hashlib.sha256((tmp_path / name).read_bytes()).digest() == hashlib.sha256(one_of_each[name]).digest()
