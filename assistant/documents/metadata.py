"""Metadata: what people write about a document, on top of it (front matter) or beside it (a sidecar).

Known keys are checked for type and value and refused with key, value and what is expected; other keys are accepted
and ignored, so that the front matter of other tools does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from assistant.documents.reading import read_file
from assistant.domain import Language, Metadata
from assistant.errors import DamagedFile, LimitExceeded, LoadError

MAX_YAML_BYTES = 64 * 1024
_SHORTER = "Keep only the keys that describe it"

# How YAML writes "no value".
_NOTHING: tuple[object, ...] = ("", "~", "null", [])

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}.*)?)?)?\Z")


class _WrongValue(Exception):
    """A value that its key does not accept; the text says what is expected."""


def sidecar_of(path: Path) -> Path:
    """Return where the sidecar of a document stands: `name.pdf.yaml` beside `name.pdf`."""
    return path.with_name(f"{path.name}.yaml")


def read_sidecar(path: Path, document_id: str, corpus: Path | None = None) -> Metadata:
    """Return what the sidecar of the document at `path` says; empty metadata where there is none.

    Args:
        corpus: The folder that the sidecar must lie in, links followed; None where any place will do.

    Raises:
        DamagedFile: The sidecar leads out of the corpus, is not valid YAML, or a known key holds a wrong value.
        LimitExceeded: The sidecar is larger than 64 KB.
    """
    sidecar = sidecar_of(path)
    if not sidecar.is_file():
        return Metadata()
    called = f"its sidecar {sidecar.name}"
    raw = read_file(sidecar, document_id, corpus=corpus, limit=MAX_YAML_BYTES, remedy=_SHORTER, called=f"{called} ")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DamagedFile(document_id, f"{called} cannot be read as UTF-8 text", "Save the sidecar as UTF-8") from error
    return read_yaml(text, document_id, where=called)


def sidecar_text(path: Path) -> str | None:
    """Return what stands in the sidecar of the document at `path`, or None where there is none."""
    sidecar = sidecar_of(path)
    return sidecar.read_text(encoding="utf-8-sig") if sidecar.is_file() else None


def sidecar_details(text: str | None) -> dict[str, Any]:
    """Return the keys of a sidecar's text that we know, with their values as written; nothing where it is broken."""
    try:
        values = _parse(text or "", "", "the sidecar", 1)
    except LoadError:
        return {}
    return {key: value for key, value in values.items() if key in _READERS}


def changed_sidecar(text: str | None, changes: Mapping[str, Any], document_id: str) -> str:
    """Return the text of a sidecar with some keys changed; other keys stay, comments do not.

    Args:
        text: What stands in it now; None where there is none.
        changes: Known keys with text or a list of texts; nothing (None, "", an empty list) takes a key out.

    Raises:
        DamagedFile: The sidecar is broken, a key is unknown, or a value is wrong: which, and what is expected.
    """
    import yaml  # as above

    where = "the details"
    values = dict(_parse(text or "", document_id, where, 1))
    for key, value in changes.items():
        if key not in _READERS:
            raise DamagedFile(document_id, f"{key!r} is no detail of a document", "Leave it out")
        values.pop(key, None)
        if value is not None and value not in _NOTHING:
            values[key] = value
    written = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=1000) if values else ""
    read_yaml(written, document_id, where=where)
    return written


def write_sidecar(path: Path, text: str | None) -> None:
    """Put a text into the sidecar of the document at `path`, whole or not at all; None or "" takes the sidecar away."""
    sidecar = sidecar_of(path)
    if not text:
        sidecar.unlink(missing_ok=True)
        return
    temporary = sidecar.with_name(f".{sidecar.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(sidecar)


def read_yaml(text: str, document_id: str, *, where: str, first_line: int = 1) -> Metadata:
    """Return the metadata that YAML text holds.

    Args:
        where: What to call the YAML in an error: "its front matter", "its sidecar x.yaml".
        first_line: The line of the file on which the YAML starts, for errors.

    Raises:
        DamagedFile: Not valid YAML, not a list of keys and values, or a known key holds a wrong value.
        LimitExceeded: More than 64 KB.
    """
    values = _parse(text, document_id, where, first_line)
    found: dict[str, Any] = {}
    for key, read in _READERS.items():
        if values.get(key, "") in _NOTHING:
            continue
        try:
            found[key] = read(values[key])
        except _WrongValue as expected:
            raise DamagedFile(
                document_id,
                f"the key '{key}' in {where} is {_shown(values[key])}, expected {expected}",
                f"Correct '{key}' and add the document again",
            ) from expected
    return _metadata(found)


def merge(strong: Metadata, weak: Metadata) -> Metadata:
    """Return `strong` with the gaps filled from `weak`."""
    gaps = {
        each.name: getattr(weak, each.name) for each in fields(Metadata) if getattr(strong, each.name) in (None, ())
    }
    if "valid_until" in gaps:  # what kind of date it is goes with the date
        gaps["is_review_date"] = weak.is_review_date
    return replace(strong, **gaps)


def language_of(tag: str | None) -> Language | None:
    """Return our language for a tag such as `en-US` or `no`; None for a language that we do not speak."""
    base = re.split(r"[-_]", (tag or "").strip().lower())[0]
    base = {"no": "nb", "nob": "nb", "nno": "nn", "eng": "en", "nor": "nb"}.get(base, base)
    return cast(Language, base) if base in get_args(Language) else None


def date_of(text: str) -> str | None:
    """Return a date as YYYY, YYYY-MM or YYYY-MM-DD; None where the text is no such date or the day does not exist."""
    found = _DATE.match(text.strip())
    if not found:
        return None
    year, month, day = found.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def _parse(text: str, document_id: str, where: str, first_line: int) -> Mapping[str, Any]:
    import yaml  # here and not above, so that importing the wing stays cheap

    if len(text.encode()) > MAX_YAML_BYTES:
        raise LimitExceeded(document_id, f"{where} is larger than 64 KB", _SHORTER)
    try:
        # The base loader keeps every scalar as text: a date or number is judged by its key, not by how it looks.
        values = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  (it builds texts, lists and mappings, nothing else)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise DamagedFile(
            document_id,
            f"line {line} of {where} is not valid YAML ({problem})",
            "Put quotes around values that hold a colon or other special characters, and check the indentation",
        ) from error
    except RecursionError as error:
        raise DamagedFile(document_id, f"{where} is nested too deeply", "Keep it to keys and plain values") from error
    if values is None or values == "":
        return {}
    if not isinstance(values, dict):
        raise DamagedFile(document_id, f"{where} does not hold keys and values", "Write it as lines of 'key: value'")
    return values


def _shown(value: object) -> str:
    """Show a value in an error, never at length: a few YAML aliases can stand for gigabytes."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:60]}…")
    return "a list" if isinstance(value, list) else "a mapping"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongValue("one line of text")
    return " ".join(value.split())


def _texts(value: object) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise _WrongValue("a list of short texts")
    return tuple(" ".join(each.split()) for each in values if each.strip())


def _language(value: object) -> Language:
    language = language_of(value) if isinstance(value, str) else None
    if language is None:
        raise _WrongValue("en, nb or nn")
    return language


def _date(value: object) -> str:
    found = date_of(value) if isinstance(value, str) else None
    if found is None:
        raise _WrongValue("a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD")
    return found


def _url(value: object) -> str:
    try:
        parts = urlsplit(value.strip()) if isinstance(value, str) else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", parts.geturl()):
        raise _WrongValue("an address that starts with http:// or https://")
    return parts.geturl()


def _sources(value: object) -> None:
    """Accept a list of addresses or of mappings; who reads them decides more."""
    if not isinstance(value, str | list):
        raise _WrongValue("a list of sources")


_READERS: Mapping[str, Callable[[object], Any]] = {
    "title": _text,
    "language": _language,
    "publisher": _text,
    "published": _date,
    "checked": _date,
    "valid_until": _date,
    "check_again_by": _date,
    "status": _text,
    "superseded_by": _text,
    "url": _url,
    "audience": _texts,
    "stage": _texts,
    "topics": _texts,
    "translation_of": _text,
    "translations": _texts,
    "author_role": _text,
    "sources": _sources,
    "unpublished": _date,
}


def _metadata(found: Mapping[str, Any]) -> Metadata:
    original = (found["translation_of"],) if "translation_of" in found else ()
    return Metadata(
        title=found.get("title"),
        language=found.get("language"),
        publisher=found.get("publisher"),
        published=found.get("published"),
        checked=found.get("checked"),
        valid_until=found.get("valid_until") or found.get("check_again_by"),
        status=_status(found),
        url=found.get("url"),
        audience=found.get("audience", ()),
        stage=found.get("stage", ()),
        topics=found.get("topics", ()),
        translations=tuple(dict.fromkeys(original + found.get("translations", ()))),
        is_review_date="valid_until" not in found and "check_again_by" in found,
        unpublished=found.get("unpublished"),
    )


def _status(found: Mapping[str, Any]) -> str | None:
    """Return the status, with what supersedes the document in front: readers must see that before anything else."""
    parts = [f"superseded by {found['superseded_by']}"] if "superseded_by" in found else []
    parts += [found["status"]] if "status" in found else []
    return "; ".join(parts) or None
