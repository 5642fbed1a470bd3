"""A query to ranked hits: vector search and word search side by side, fused with weights by language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from assistant.domain import Chunk, Hit, Query
from assistant.index.embedding import Embedder
from assistant.index.index import Index
from assistant.index.lexical import question_terms
from assistant.index.sentence_vectors import SentenceVectors
from assistant.language import load_lexicon
from assistant.retrieval.families import collapse
from assistant.retrieval.fusion import fuse
from assistant.store.library import Library
from assistant.tuning import Tuning

# A section that lists a document's sources names everything and answers nothing, unless sources are asked for.
ABOUT_SOURCES = re.compile(
    r"\b(?:sources?|references|bibliography|kilder|referanser)\b|where does this information come from|"
    r"hvor kommer (?:opplysningene|informasjonen) fra",
    re.IGNORECASE,
)
LIST_OF_SOURCES = 0.3
# A text of which the translation into the language of the question is found as well steps back so far.
TRANSLATED = 0.8


class Retriever(Protocol):
    """Finds chunks for a query."""

    def retrieve(self, query: Query) -> list[Hit]:
        """Return the hits, best first; empty when nothing matches."""
        ...


class HybridRetriever:
    """Fuses Chroma's nearest chunks with tantivy's, drops what is not current, and collapses copies."""

    def __init__(
        self,
        library: Library,
        index: Index,
        embedder: Embedder,
        sentences: SentenceVectors,
        *,
        candidates: int,
        hits: int,
        tuning: Tuning,
    ) -> None:
        self._library = library
        self._index = index
        self._embedder = embedder
        self._sentences = sentences
        self._candidates = candidates
        self._hits = hits
        self._tuning = tuning

    def retrieve(self, query: Query) -> list[Hit]:
        """Return up to `hits` hits, best first; empty for an empty corpus.

        The set of current versions is pinned first: a version that becomes current while the question runs is seen by
        the next question, never mixed into this one.
        """
        pinned = self._library.current
        vector = self._embedder.embed([self._dense_text(query)])[0]
        dense = dict(self._index.search_vectors(vector, self._candidates))
        terms = question_terms(query.search_text, query.language, translation=self._tuning.translation)
        lexical = dict(self._index.search_words(terms, self._candidates))
        weight = self._tuning.dense_english if query.language == "en" else self._tuning.dense_norwegian
        fused = fuse([(dense, weight), (lexical, 1.0 - weight)])
        chunks = self._library.chunks(list(fused))
        current = {
            id_: chunk
            for id_, chunk in chunks.items()
            if chunk.document_id in pinned and pinned[chunk.document_id].version == chunk.version
        }
        scores = self._preferring(fused, current, query)
        ordered = sorted(scores, key=lambda id_: -scores[id_])
        dense_ranks, lexical_ranks = _ranks(dense), _ranks(lexical)
        found = [
            Hit(
                chunk=current[id_],
                rank=rank,
                score=scores[id_],
                similarity=dense.get(id_),
                dense_rank=dense_ranks.get(id_),
                lexical_rank=lexical_ranks.get(id_),
            )
            for rank, id_ in enumerate(ordered[: 3 * self._hits], start=1)
        ]
        kept = collapse(found)[: self._hits]
        cosines = self._sentences.similarities(vector, [hit.chunk for hit in kept])
        return [replace(hit, sentences=cosines.get(hit.chunk.id, ())) for hit in kept]

    def _preferring(self, fused: Mapping[str, float], current: Mapping[str, Chunk], query: Query) -> dict[str, float]:
        """Return the scores with other languages lowered, twice where a translation into the question's is found.

        Lists of sources step back as well.
        """
        english = query.language == "en"
        found = {chunk.document_id for chunk in current.values() if (chunk.language == "en") == english}
        translations = self._library.translations
        asks_for_sources = bool(ABOUT_SOURCES.search(query.text))
        scores: dict[str, float] = {}
        for id_, score in fused.items():
            if id_ not in current:
                continue
            chunk = current[id_]
            if (chunk.language == "en") != english:
                score *= self._tuning.other_language
                if translations.get(chunk.document_id, frozenset()) & found:
                    score *= TRANSLATED
            if not asks_for_sources and ABOUT_SOURCES.search(chunk.heading or ""):
                score *= LIST_OF_SOURCES
            scores[id_] = score
        return scores

    def _dense_text(self, query: Query) -> str:
        """Return what is embedded: for an English-only model a Norwegian question is glossed word by word."""
        if query.language == "en" or not self._tuning.gloss:
            return query.search_text
        return load_lexicon().gloss(query.search_text)


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {id_: rank for rank, id_ in enumerate(scores, start=1)}
