"""What Word and PowerPoint files share: the strict dialect of their XML, and their core properties."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from assistant.documents import metadata
from assistant.domain import Metadata

_STRICT_ROOT = b"http://purl.oclc.org/ooxml/"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/([A-Za-z]+)(/[A-Za-z/]*)?")
_RENAMED = {b"/customProperties": b"/custom-properties", b"/extendedProperties": b"/extended-properties"}

# What Office and the libraries write where nobody wrote anything.
_EMPTY_TITLES = re.compile(r"(?:word document|powerpoint presentation|presentation|document\d*|untitled|title)\Z", re.I)


def transitional(raw: bytes) -> bytes:
    """Return an Office file in the dialect that the libraries read: the strict namespaces renamed to the usual ones."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {item.filename: archive.read(item) for item in archive.infolist() if _is_xml(item.filename)}
        if not any(_STRICT_ROOT in content for content in members.values()):
            return raw
        rewritten = io.BytesIO()
        with zipfile.ZipFile(rewritten, "w") as copy:
            for item in archive.infolist():
                content = members.get(item.filename)
                copy.writestr(item, archive.read(item) if content is None else _STRICT.sub(_usual, content))
    return rewritten.getvalue()


def properties_of(core: Any) -> Metadata:
    """Return the title and the language that the core properties name.

    Their dates say when the file was made, not when it was published, and their author is often who set it up.
    """
    title = " ".join((core.title or "").split())
    return Metadata(
        title=title if title and not _EMPTY_TITLES.match(title) else None,
        language=metadata.language_of(core.language),
    )


def _is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels"))


def _usual(found: re.Match[bytes]) -> bytes:
    area, rest = found[1], found[2] or b""
    return b"http://schemas.openxmlformats.org/" + area + b"/2006" + _RENAMED.get(rest, rest)
