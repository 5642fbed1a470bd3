"""Fixtures of the evaluation wing's tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.domain import Document, Section
from tests.eval.eval_cases import TEXTS, version


@pytest.fixture
def documents() -> list[Document]:
    """TEXTS as current documents."""
    return [Document(id_, id_, text, (Section(0, len(text), id_, "en"),), version(id_)) for id_, text in TEXTS.items()]


@pytest.fixture
def write_lines(tmp_path: Path) -> Callable[..., Path]:
    """Write objects (or raw text) as lines of a file in the test's folder."""

    def write(name: str, *lines: Mapping[str, Any] | str) -> Path:
        path = tmp_path / name
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
        return path

    return write
