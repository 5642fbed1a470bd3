"""Files with one JSON object a line: read with line numbers, so that every complaint can name its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.errors import Misuse


def read_objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number (from 1) and object; blank lines are passed over.

    Raises:
        Misuse: The file is missing or no UTF-8 text, or a line is not a JSON object.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise Misuse(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}).") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _object(path, number, line)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise Misuse(f"{path}, line {number}: not JSON ({error.msg} at column {error.colno}).") from error
    if not isinstance(value, dict):
        raise Misuse(f"{path}, line {number}: not a JSON object but {type(value).__name__}.")
    return value


def line_of(value: Mapping[str, Any]) -> str:
    """Return one object as its line, line end included, with Norwegian letters readable."""
    return json.dumps(value, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one object, indented, by way of a neighbour file, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    neighbour = path.with_name(path.name + ".part")
    neighbour.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    neighbour.replace(path)
