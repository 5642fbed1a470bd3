"""What Word and PowerPoint files share: the dialects of their XML, macros, and their core properties."""

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

# What a file is declared to be in the list of its parts: with macros, as a template, as a show, or as usual.
_TYPES = "[Content_Types].xml"
_MAIN_PART = re.compile(
    rb"application/vnd\.(?:ms-(word|powerpoint)\.(?:document|template|presentation|slideshow)\.?macroEnabled(?:Template)?"
    rb"|openxmlformats-officedocument\.(wordprocessingml|presentationml)\.(?:template|slideshow))\.main\+xml",
    re.IGNORECASE,
)
_MACROS = "holds macros, which were not run and cannot be searched: they do nothing here"

# What Office and the libraries write where nobody wrote anything.
_EMPTY_TITLES = re.compile(r"(?:word document|powerpoint presentation|presentation|document\d*|untitled|title)\Z", re.I)


def transitional(raw: bytes) -> bytes:
    """Return an Office file as the libraries read it.

    The strict namespaces are renamed to the usual ones, and a template, a show or a file with macros is declared an
    ordinary document; what else it holds is not looked at.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = {item.filename: archive.read(item) for item in archive.infolist() if _is_xml(item.filename)}
        changed = {
            name: _MAIN_PART.sub(_ordinary, content) if name == _TYPES else _STRICT.sub(_usual, content)
            for name, content in members.items()
            if _STRICT_ROOT in content or name == _TYPES
        }
        if all(content == members[name] for name, content in changed.items()):
            return raw
        rewritten = io.BytesIO()
        with zipfile.ZipFile(rewritten, "w") as copy:
            for item in archive.infolist():
                content = changed.get(item.filename)
                copy.writestr(item, archive.read(item) if content is None else content)
    return rewritten.getvalue()


def notices_of(raw: bytes) -> tuple[str, ...]:
    """Return what people should know about an Office file besides its text: that it holds macros."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in archive.namelist())
    return (_MACROS,) if has_macros else ()


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


def _ordinary(found: re.Match[bytes]) -> bytes:
    if (found[1] or found[2]).lower().startswith(b"word"):
        return b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"


def _usual(found: re.Match[bytes]) -> bytes:
    area, rest = found[1], found[2] or b""
    return b"http://schemas.openxmlformats.org/" + area + b"/2006" + _RENAMED.get(rest, rest)
