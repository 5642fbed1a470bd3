"""Hits without files, and one assistant over a small corpus in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.build import Assistant
from assistant.domain import Chunk, Document, Hit, Language, Metadata, Query, Section, version_of
from assistant.settings import read_settings

PAGES = {
    "en/mentors.md": """\
---
title: Mentors of the harbour programme
language: en
publisher: The Harbour Office
checked: 2026-10-01
url: https://harbour.example/mentors
---

# Mentors of the harbour programme

Every company meets the heron, a mentor who has sold three hearing devices in Ohio.

## What does a mentor cost?

The walrus fee is 4,711 dollars per company. It is paid in October.

## What does every founder receive?

Every founder receives three things:

- A tide table for the harbour
- One pair of rubber boots
- A waffle from the keeper of the lighthouse
""",
    "nb/mentorer.md": """\
---
title: Mentorer i havneprogrammet
language: nb
---

# Mentorer i havneprogrammet

Hver bedrift møter hegren, en mentor som har solgt tre høreapparater i Ohio.

## Hva koster en mentor?

Hvalrossavgiften er 4711 dollar per bedrift. Den betales i oktober.
""",
    "en/lighthouse.txt": """\
The lighthouse in Bodø

Who owns the lighthouse?

The lighthouse is owned by Fyrholm, a foundation of two universities in the north.

The keeper of the lighthouse serves waffles to all founders every Thursday evening.
""",
    "nb/fyrtårnet.txt": """\
Fyrtårnet i Bodø

Hvem eier fyrtårnet?

Fyrtårnet eies av Fyrholm, en stiftelse som to universiteter i nord står bak.
""",
}


@pytest.fixture(scope="session")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """An assistant over the four pages; tests only ask it."""
    folder = tmp_path_factory.mktemp("harbour")
    for name, text in PAGES.items():
        file: Path = folder / "corpus" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with Assistant(read_settings(corpus=folder / "corpus", data=folder / "data")) as assistant:
        assistant.warm_up()
        assistant.sync()
        yield assistant


@pytest.fixture
def harbour_with(harbour: Assistant) -> Iterator[Callable[..., Assistant]]:
    """Return the same assistant with other learned numbers, such as thresholds, until the test ends."""
    before = harbour.tuning

    def use(**numbers: object) -> Assistant:
        harbour.use_tuning(replace(before, **numbers))
        return harbour

    yield use
    harbour.use_tuning(before)


@pytest.fixture(scope="session")
def make_hit() -> Callable[..., Hit]:
    """Return a hit on a chunk that stands at `start` in a document of its own."""

    def make(
        text: str,
        *,
        id_: str = "a.md",
        title: str = "A made title",
        heading: str | None = None,
        language: Language = "en",
        rank: int = 1,
        start: int = 0,
        score: float | None = None,
        goes_on: bool = False,
    ) -> Hit:
        version = version_of(text.encode(), Metadata(), text)
        chunk_id, end = f"{id_}:{version[:16]}:{start}", start + len(text)
        chunk = Chunk(chunk_id, id_, version, text, start, end, title, heading, None, language, goes_on=goes_on)
        return Hit(
            chunk, rank, 1 / rank if score is None else score, similarity=0.5, dense_rank=rank, lexical_rank=rank
        )

    return make


@pytest.fixture(scope="session")
def document_of() -> Callable[[Hit], Document]:
    """Return the document that a made hit stands in; what lies before its chunk is filled with dots."""

    def make(hit: Hit) -> Document:
        text = "." * hit.chunk.start + hit.chunk.text
        section = Section(0, len(text), hit.chunk.title, hit.chunk.language)
        return Document(hit.chunk.document_id, hit.chunk.title, text, (section,), hit.chunk.version)

    return make


@pytest.fixture(scope="session")
def make_query() -> Callable[..., Query]:
    """Return a query that stands alone."""

    def make(question: str, language: Language = "en") -> Query:
        return Query(question, question, language)

    return make


@pytest.fixture(scope="session")
def idf() -> Callable[[str, Language], float]:
    """Weigh all stems alike."""
    return lambda stem, language: 1.0
