"""A desk over the tiny corpus, and files to bring to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.build import Assistant
from assistant.desk import Draft

TARIFF = (
    "# Tariff of the ferry\n\nThe ferry to the island costs 350 kroner for a car. Foot passengers pay 40 kroner.\n\n"
    "The first ferry of the day leaves at 6.15 from the northern quay, and the last one at 23.40.\n"
)


@pytest.fixture
def shelf(synced):
    """The shelf of an assistant that has read the tiny corpus."""
    return synced.staff.shelf


@pytest.fixture
def drafts(synced):
    """The drafts of the same assistant."""
    return synced.staff.drafts


@pytest.fixture
def bring(tmp_path: Path, synced: Assistant, until) -> Callable[..., Draft]:
    """Bring a file to the desk and return its draft once it is read."""
    count = 0

    def add(name: str, content: bytes | str, **more: str) -> Draft:
        nonlocal count
        count += 1
        file = tmp_path / f"upload-{count}"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        (draft,) = synced.staff.drafts.add(name, file, by="Kari", **more)
        until(lambda: synced.staff.drafts.get(draft.id).state in ("ready", "failed"))
        read = synced.staff.drafts.get(draft.id)
        assert read is not None
        return read

    return add
