"""Erasing: nothing is left of a withdrawn document but its title and its days."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from assistant.domain import Chunk
from assistant.index.sentence_vectors import SentenceVectors
from assistant.store.journal import Journal
from assistant.store.library import Library

logger = logging.getLogger(__name__)

# Who did it, in the history.
ASSISTANT = "assistant"


def erase_due(
    library: Library, sentences: SentenceVectors, originals: Path, journal: Journal, today: date
) -> list[str]:
    """Erase every withdrawn version whose day has come, and return the ids of their documents.

    The indexes are rebuilt by whoever calls: they keep words and vectors of what left them, where nobody can search.
    """
    due = [gone for gone in library.all_withdrawn() if not gone.erased and gone.erase_on <= today.isoformat()]
    for gone in due:
        journal.erase_quotes(gone.document_id, gone.version)
        erase_version(library, sentences, originals, gone.document_id, gone.version)
    erased = {gone.document_id: gone.title for gone in due}
    for document_id, title in erased.items():
        journal.deeds.forget_undo(document_id)
        journal.deeds.add(ASSISTANT, "erased", document_id, title)
        logger.info("%s was erased.", document_id)
    return list(erased)


def erase_version(
    library: Library, sentences: SentenceVectors, originals: Path, document_id: str, version: str
) -> None:
    """Erase one version that is not current: text, chunks, the vectors that no other text needs, and its original."""
    mine = _hashes(library.chunks_of(document_id, version), sentences)
    others = _hashes(library.other_chunks(document_id, version), sentences) if mine else set()
    original = library.own_original(document_id, version)
    if original is not None:  # first: what is cut off after it is erased once more at the next start
        (originals / original).unlink(missing_ok=True)
    library.erase(document_id, version, mine - others)


def _hashes(chunks: Iterable[Chunk], sentences: SentenceVectors) -> set[str]:
    """Return the hashes of everything that is embedded of these chunks."""
    found: set[str] = set()
    for chunk in chunks:
        found.add(chunk.content_hash)
        found.update(sentences.hashes(chunk))
    return found
