"""A small library in both languages with both real indexes, to be searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.documents.chunking import chunk_document
from assistant.domain import Chunk, Document
from assistant.index.embedding import Embedder
from assistant.index.index import Index
from assistant.store.library import Library

# Pairs that say the same in both languages, in sentences that nobody else would write.
PAGES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("en/mentors.md", "en"): (
        "# Mentors of the harbour",
        "Every company meets the heron, a mentor who has sold three hearing devices in Ohio.",
        "The mentoring programme is called Heron Exchange and covers sales, pricing and hospital contracts.",
        "## What does a mentor cost?",
        "The walrus fee is 4,711 dollars per company. It is paid in October.",
    ),
    ("nb/mentorer.md", "nb"): (
        "# Mentorer i havna",
        "Hver bedrift møter hegren, en mentor som har solgt tre høreapparater i Ohio.",
        "Mentorordningen heter Heron Exchange og omfatter salg, prissetting og avtaler med sykehus.",
        "## Hva koster en mentor?",
        "Hvalrossavgiften er 4711 dollar per bedrift. Den betales i oktober.",
    ),
    ("en/lighthouse.md", "en"): (
        "# The lighthouse in Bodø",
        "The keeper of the lighthouse in Bodø serves waffles to all founders every Thursday evening.",
        "## Who owns the lighthouse?",
        "The lighthouse is owned by Fyrholm, a foundation of two universities in the north.",
    ),
    ("nb/fyrtaarn.md", "nb"): (
        "# Fyrtårnet i Bodø",
        "Fyrvokteren i Bodø serverer vafler til alle gründere hver torsdag kveld.",
        "## Hvem eier fyrtårnet?",
        "Fyrtårnet eies av Fyrholm, en stiftelse som to universiteter i nord står bak.",
    ),
    ("en/insurance.md", "en"): (
        "# Insurers in Texas",
        "Insurers in Texas repaid the cost of forty umbrellas after the spring storms of 2023.",
        "A claim is sent with code U4711 and is settled within ninety days.",
    ),
    ("nb/forsikring.md", "nb"): (
        "# Forsikringsselskaper i Texas",
        "Forsikringsselskaper i Texas dekket utgiftene til førti paraplyer etter vårstormene i 2023.",
        "Et krav sendes med koden U4711 og gjøres opp innen nitti dager.",
    ),
}


@dataclass(frozen=True)
class Shelf:
    """A library and its indexes."""

    library: Library
    index: Index
    embedder: Embedder

    def add(self, document: Document, *, current: bool = True, embedded: bool = True) -> None:
        """Store and index a document, and let it answer unless `current` is False."""
        chunks = chunk_document(document, self.embedder.count_tokens, max_tokens=64)
        self.library.store(document, chunks, fingerprint="", original="")
        self.index.add_words(chunks)
        self.index.commit_words()
        if embedded:
            vectors = self.embedder.embed([chunk.index_text for chunk in chunks])
            self.index.add_vectors(chunks, dict(zip([chunk.content_hash for chunk in chunks], vectors, strict=True)))
        if current:
            self.library.make_current(document.id, document.version, "")

    def current_chunks(self) -> list[Chunk]:
        """Return what may be found."""
        return [
            chunk for id_, now in self.library.current.items() for chunk in self.library.chunks_of(id_, now.version)
        ]


@pytest.fixture(scope="module")
def open_shelf(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Callable[[], Shelf]]:
    """Open empty shelves, closed at the end of the module."""
    opened: list[Shelf] = []

    def open_one() -> Shelf:
        folder: Path = tmp_path_factory.mktemp("shelf")
        library = Library(folder / "library.sqlite")
        opened.append(Shelf(library, Index(folder, library), embedder))
        return opened[-1]

    yield open_one
    for shelf in opened:
        shelf.index.close()
        shelf.library.close()


@pytest.fixture(scope="module")
def shelf(open_shelf: Callable[[], Shelf], make_document: Callable[..., Document]) -> Shelf:
    """The pages in both languages."""
    filled = open_shelf()
    for (id_, language), blocks in PAGES.items():
        filled.add(make_document(blocks, id_=id_, language=language))
    return filled
