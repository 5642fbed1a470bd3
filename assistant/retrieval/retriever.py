"""A query to ranked hits: vector search and word search side by side, fused with weights by language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from assistant.domain import Chunk, Hit, Query
from assistant.index.embedding import Embedder, Vectors
from assistant.index.index import Index
from assistant.index.lexical import question_terms
from assistant.index.sentence_vectors import SentenceVectors
from assistant.language import load_lexicon
from assistant.retrieval.families import collapse, question_language_first, ranked_anew, text_mark
from assistant.retrieval.fusion import fuse
from assistant.retrieval.reranking import Reranker, not_lifted, reordered
from assistant.retrieval.validity import Judged, Standing, current_first, edition, standing
from assistant.store.library import Library
from assistant.tuning import Tuning

# A section that lists a document's sources names everything and answers nothing, unless sources are asked for.
_ABOUT_SOURCES = re.compile(
    r"\b(?:sources?|references|bibliography|kilder|referanser)\b|where does this information come from|"
    r"hvor kommer (?:opplysningene|informasjonen) fra",
    re.IGNORECASE,
)
LIST_OF_SOURCES = 0.3
# Of the passages that words find so many are looked at before the hits are known, as a share of the number of hits: in
# 339 searches of the tuning set, with 12 hits, the first was a hit in 96 %, the seventh in 59 %, the ninth in 42 %.
LIKELY = 0.6
# How many more passages are looked at where some documents must not answer: a document has seldom more.
MORE_CANDIDATES = 120
# A text of which the translation into the language of the question is found as well steps back so far.
TRANSLATED = 0.8


@lru_cache(maxsize=4_096)
def is_about_sources(text: str) -> bool:
    """Return whether a question asks for sources, or a heading stands above a list of them."""
    return bool(_ABOUT_SOURCES.search(text))


class Retriever(Protocol):
    """Finds chunks for a query."""

    def retrieve(
        self,
        query: Query,
        *,
        without: frozenset[str] = frozenset(),
        meanwhile: Callable[[Chunk], object] | None = None,
    ) -> list[Hit]:
        """Return the hits, best first, none from the documents named; empty when nothing matches.

        Args:
            meanwhile: Done, while one part of the search waits for another, with chunks that are likely to be hits;
                with none of them where nothing waits.
        """
        ...


class HybridRetriever:
    """Fuses Chroma's nearest chunks with tantivy's, drops what is not current, and collapses copies.

    With a reranker, that one puts the first `rerank_hits` of them in order.
    """

    def __init__(
        self,
        library: Library,
        index: Index,
        embedder: Embedder,
        sentences: SentenceVectors | None,
        *,
        candidates: int,
        hits: int,
        tuning: Tuning,
        reranker: Reranker | None = None,
        rerank_hits: int = 0,
        today: Callable[[], date] = date.today,
        beside: Executor | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            sentences: Without them the hits tell nothing of their sentences.
            beside: Where the model and the vector search run while words are searched; one after the other without it.
        """
        self._library = library
        self._index = index
        self._embedder = embedder
        self._sentences = sentences
        self._candidates = candidates
        self._hits = hits
        self._tuning = tuning
        self._reranker = reranker
        self._rerank_hits = rerank_hits if reranker else 0
        self._today = today
        self._beside = beside

    def retrieve(
        self,
        query: Query,
        *,
        without: frozenset[str] = frozenset(),
        meanwhile: Callable[[Chunk], object] | None = None,
    ) -> list[Hit]:
        """Return up to `hits` hits, best first; empty for an empty corpus.

        The set of current versions is pinned first: a version that becomes current while the question runs is seen by
        the next question, never mixed into this one.

        Args:
            without: Documents that must not answer: what the corpus says where it does not hold them.
            meanwhile: Done with the chunks that words find first, while the search by meaning runs beside.
        """
        pinned = self._library.current
        wide = self._candidates + (MORE_CANDIDATES if without else 0)
        nearest = self._beside.submit(self._nearest, query, wide) if self._beside is not None else None
        terms = question_terms(query.search_text, query.language, translation=self._tuning.translation)
        lexical = self._kept(self._index.search_words(terms, wide), without)
        chunks = self._library.chunks(list(lexical))
        if nearest is not None:
            self._look_at_likely([chunks[id_] for id_ in lexical if id_ in chunks], nearest, meanwhile)
        vector, found_near = nearest.result() if nearest is not None else self._nearest(query, wide)
        dense = self._kept(found_near, without)
        weight = self._tuning.dense_english if query.language == "en" else self._tuning.dense_norwegian
        fused = fuse([(dense, weight), (lexical, 1.0 - weight)])
        chunks |= self._library.chunks([id_ for id_ in fused if id_ not in chunks])
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
                lexical_score=lexical.get(id_),
            )
            for rank, id_ in enumerate(ordered[: 3 * max(self._hits, self._rerank_hits)], start=1)
        ]
        kept = self._families(found, query)[: self._hits]
        if self._sentences is None:
            return kept
        cosines = self._sentences.similarities(vector, [hit.chunk for hit in kept])
        return [replace(hit, sentences=cosines.get(hit.chunk.id, ())) for hit in kept]

    def _nearest(self, query: Query, limit: int) -> tuple[Vectors, list[tuple[str, float]]]:
        """Return the question's vector, and the chunks nearest to it."""
        vector = self._embedder.embed([self._dense_text(query)])[0]
        return vector, self._index.search_vectors(vector, limit)

    def _look_at_likely(
        self, chunks: Sequence[Chunk], nearest: Future[Any], meanwhile: Callable[[Chunk], object] | None
    ) -> None:
        """Do what every hit needs, for those that words find first, as long as the other search takes."""
        if self._sentences is not None:
            self._sentences.read_ahead(chunks[: self._hits])
        for place, chunk in enumerate(chunks[: 3 * self._hits]):
            if nearest.done():
                return
            text_mark(chunk.text)
            if meanwhile is not None and place < LIKELY * self._hits:
                meanwhile(chunk)

    def _kept(self, found: Sequence[tuple[str, float]], without: frozenset[str]) -> dict[str, float]:
        """Return the scores by chunk without those of some documents, as many as a search gives."""
        if not without:
            return dict(found)
        chunks = self._library.chunks([id_ for id_, _ in found])
        kept = [(id_, score) for id_, score in found if id_ in chunks and chunks[id_].document_id not in without]
        return dict(kept[: self._candidates])

    def _families(self, found: Sequence[Hit], query: Query) -> list[Hit]:
        """Return the hits, reranked, with copies collapsed, the newest edition and the question's language first."""
        known = {id_: self._library.metadata(id_) for id_ in dict.fromkeys(hit.chunk.document_id for hit in found)}
        today = self._today()
        about = {id_: one for id_, one in known.items() if one is not None}
        editions = {id_: edition(title, metadata, today) for id_, (title, metadata) in about.items()}
        standings = {id_: standing(metadata, today) for id_, (_, metadata) in about.items()}
        collapsed = collapse(found, editions, query.text)
        ordered = question_language_first(collapsed, self._library.translations, query.language)
        return self._reranked(current_first(ordered, standings, query.text), standings, query)

    def _reranked(self, judged: Sequence[Judged], standings: Mapping[str, Standing], query: Query) -> list[Hit]:
        """Return the hits, the first of them in the reranker's order, none outdated lifted over what holds."""
        first, others = judged[: self._rerank_hits], [one.hit for one in judged[self._rerank_hits :]]
        if self._reranker is None or not first:
            return others
        # As asked and in its own language; only a follow-up is completed, since alone it names nothing.
        question = query.search_text if query.history else query.text
        scores = self._reranker.scores(question, [one.hit.chunk.index_text for one in first])
        again = current_first(reordered([one.hit for one in first], scores), standings, query.text)
        held = [one.hit for one in not_lifted(again, first)]
        # An outdated hit that was lowered may fall behind hits that were not reranked.
        ordered = sorted([*held, *others], key=lambda hit: -hit.score)
        return ranked_anew(ordered)

    def _preferring(self, fused: Mapping[str, float], current: Mapping[str, Chunk], query: Query) -> dict[str, float]:
        """Return the scores with other languages lowered, twice where a translation into the question's is found.

        Lists of sources step back as well.
        """
        english = query.language == "en"
        found = {chunk.document_id for chunk in current.values() if (chunk.language == "en") == english}
        translations = self._library.translations
        asks_for_sources = is_about_sources(query.text)
        scores: dict[str, float] = {}
        for id_, score in fused.items():
            if id_ not in current:
                continue
            chunk = current[id_]
            if (chunk.language == "en") != english:
                score *= self._tuning.other_language
                if translations.get(chunk.document_id, frozenset()) & found:
                    score *= TRANSLATED
            if not asks_for_sources and is_about_sources(chunk.heading or ""):
                score *= LIST_OF_SOURCES
            scores[id_] = score
        return scores

    def _dense_text(self, query: Query) -> str:
        """Return what is embedded: for an English-only model a Norwegian question is glossed word by word."""
        if query.language == "en" or not self._tuning.gloss:
            return query.search_text
        return load_lexicon().gloss(query.search_text)


class OneDocument:
    """Finds passages of one document, whatever else its library holds."""

    def __init__(self, retriever: Retriever, document_id: str, library: Library) -> None:
        self._retriever = retriever
        self._document_id = document_id
        self._library = library

    def retrieve(
        self,
        query: Query,
        *,
        without: frozenset[str] = frozenset(),
        meanwhile: Callable[[Chunk], object] | None = None,
    ) -> list[Hit]:
        """Return the hits of that document, best first; empty when nothing matches."""
        others = frozenset(self._library.current) - {self._document_id}
        return self._retriever.retrieve(query, without=without | others, meanwhile=meanwhile)


def _ranks(scores: Mapping[str, float]) -> dict[str, int]:
    return {id_: rank for rank, id_ in enumerate(scores, start=1)}
