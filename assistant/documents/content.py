"""What a file is by its content, whatever its name says."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import PurePath
from typing import Literal

from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, UnsupportedFormat

Format = Literal["text", "markdown", "html", "pdf", "docx", "pptx"]

FORMATS: dict[str, Format] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
}

# What the list of an Office file's parts names; the former are those of files with macros.
_KINDS = (
    (b"vnd.ms-word.", "docx"),
    (b"vnd.ms-powerpoint.", "pptx"),
    (b"wordprocessingml", "docx"),
    (b"presentationml", "pptx"),
    (b"spreadsheetml", "xlsx"),
    (b"vnd.ms-excel.", "xlsx"),
)

_NAMES = {
    "pdf": "a PDF",
    "docx": "a Word document",
    "pptx": "a PowerPoint presentation",
    "html": "an HTML page",
    "xlsx": "an Excel workbook",
    "epub": "an e-book",
    "odt": "an OpenDocument file",
    "zip": "a ZIP archive",
    "ole": "a document in the Office format of before 2007",
    "image": "an image",
    "rtf": "an RTF document",
}

_REMEDIES = {
    ".doc": "Save it as .docx",
    ".docm": "Save it as .docx",
    ".dotx": "Save it as .docx",
    ".dotm": "Save it as .docx",
    ".pptm": "Save it as .pptx",
    ".ppsx": "Save it as .pptx",
    ".potx": "Save it as .pptx",
    ".ppt": "Save it as .pptx",
    ".odt": "Save it as .docx",
    ".rtf": "Save it as .docx",
    ".odp": "Save it as .pptx",
    ".xlsx": "Save the tables as .docx, .md or .pdf",
    ".xls": "Save the tables as .docx, .md or .pdf",
    ".csv": "Save the tables as .docx, .md or .pdf",
    ".epub": "Save it as .html or .pdf",
    ".png": "Run OCR on it and add the result as .pdf",
    ".jpg": "Run OCR on it and add the result as .pdf",
    ".jpeg": "Run OCR on it and add the result as .pdf",
    ".tif": "Run OCR on it and add the result as .pdf",
    ".tiff": "Run OCR on it and add the result as .pdf",
}

# What to do about content that no renaming helps.
_REMEDIES_BY_CONTENT = {
    "ole": "Open it in Office and save it as .docx or .pptx",
    "image": "Run OCR on it and add the result as .pdf",
    "zip": "Unpack it and add the files in it",
}

# Beyond this ratio of unpacked to packed bytes no office document has been seen; bombs have 1000 and more.
_MAX_ZIP_RATIO = 200
_RATIO_FREE_BYTES = 10 * 1024 * 1024
# Presentations of hundreds of slides have some thousand parts.
_MOST_PARTS = 20_000
_PART_MARK = b"PK\x01\x02"

# In an encrypted Office file the package is one stream of this name in an OLE container.
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)
# What has matched is never tried in another way: thousands of comments would take for ever.
_HTML = re.compile(
    rb"(?>\s+|<!--(?>.*?-->)|<\?xml(?>[^>]*\?>))*+<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.DOTALL
)


def format_of(document_id: str) -> Format:
    """Return the format that a file's name promises.

    Raises:
        UnsupportedFormat: We do not read files of that name.
    """
    suffix = PurePath(document_id).suffix.lower()
    if suffix in FORMATS:
        return FORMATS[suffix]
    readable = ", ".join(FORMATS)
    raise UnsupportedFormat(
        document_id,
        f"files ending in {suffix} are not read" if suffix else "a file without an ending is not read",
        _REMEDIES.get(suffix, f"Save it as one of {readable}"),
    )


def check_content(raw: bytes, document_id: str, promised: Format, *, unpacked_bytes: int) -> None:
    """Make sure that a file is what its name promises, and no bomb.

    Raises:
        DamagedFile: The content is of another format, or the archive is broken.
        EncryptedFile: An Office file that needs a password.
        LimitExceeded: A ZIP-based file of very many parts, or one that unpacks to more than `unpacked_bytes`, or looks
            like a bomb.
    """
    if promised in ("docx", "pptx") and raw.count(_PART_MARK) > _MOST_PARTS:
        raise LimitExceeded(document_id, f"has more than {_MOST_PARTS} parts", "Split it")
    actual = _sniff(raw)
    if actual == "ole" and _ENCRYPTED_PACKAGE in raw and promised in ("docx", "pptx"):
        raise EncryptedFile(document_id, "needs a password", "Save a copy without a password and add that")
    if actual is not None and actual != promised and not (promised == "markdown" and actual == "html"):
        raise _wrongly_named(document_id, actual)
    if promised in ("docx", "pptx"):
        if actual is None:
            raise DamagedFile(
                document_id,
                f"is not {_NAMES[promised]}, or only a part of one",
                "Open it in Office, save it again and add that copy",
            )
        _check_archive(raw, document_id, unpacked_bytes)
    if promised == "pdf" and actual is None:
        raise DamagedFile(document_id, "is not a PDF", "Export or download it again")


def _wrongly_named(document_id: str, actual: str) -> DamagedFile:
    path = PurePath(document_id)
    remedy = f"Rename it to {path.with_suffix(f'.{actual}').name}"
    if f".{actual}" not in FORMATS:
        remedy = _REMEDIES_BY_CONTENT.get(actual, "Save it in a format that is read: " + ", ".join(FORMATS))
    return DamagedFile(document_id, f"is {_NAMES[actual]} by its content", remedy)


def _sniff(raw: bytes) -> str | None:
    """Return the format that a file's bytes show, or None where they show none."""
    head = raw[:2048]
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _sniff_archive(raw)
    for magic, name in (
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
        (b"{\\rtf", "rtf"),
        (b"\x89PNG\r\n", "image"),
        (b"\xff\xd8\xff", "image"),
        (b"GIF8", "image"),
    ):
        if head.startswith(magic):
            return name
    return "html" if _HTML.match(head.removeprefix(b"\xef\xbb\xbf")) else None


def _sniff_archive(raw: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                types = _read_start(archive, "[Content_Types].xml")
                for mark, name in _KINDS:
                    if mark in types:
                        return name
            kind = _read_start(archive, "mimetype") if "mimetype" in names else b""
    except _ARCHIVE_ERRORS:
        return None
    if b"epub" in kind:
        return "epub"
    return "odt" if b"opendocument" in kind else "zip"


def _read_start(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as member:
        return member.read(1024 * 1024)


def _check_archive(raw: bytes, document_id: str, unpacked_bytes: int) -> None:
    """Measure what an archive unpacks to, by really unpacking it: the sizes in its directory may lie."""
    total = 0
    limit = min(unpacked_bytes, max(_RATIO_FREE_BYTES, len(raw) * _MAX_ZIP_RATIO))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    while part := stream.read(1024 * 1024):
                        total += len(part)
                        if total > limit:
                            raise _bomb(document_id, limit)
    except _ARCHIVE_ERRORS as error:
        raise DamagedFile(
            document_id, "is damaged: its archive cannot be unpacked", "Save or download it again"
        ) from error


def _bomb(document_id: str, limit: int) -> LimitExceeded:
    return LimitExceeded(
        document_id,
        f"unpacks to more than {limit // 1_000_000} MB",
        "Make its pictures smaller or split it, if it is an honest document",
    )
