"""The one door to tantivy: BM25 over stems, with one field per language.

Words are cut and stemmed by `assistant.language`, the same for documents, questions and sentence scores; tantivy sees
only finished stems, so no punctuation in a question can break its query parser, which is never used.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.domain import Chunk, Language
from assistant.errors import IndexingError
from assistant.language import content_words, load_lexicon, stem, stems

# Raised whenever the same chunk would be indexed under other stems.
LEXICAL_VERSION = "1"
# A translated word may be the wrong sense, so it counts for less than a word of the question itself.
TRANSLATION_WEIGHT = 0.6
_FIELDS: Mapping[Language, str] = {"en": "en", "nb": "nb", "nn": "nb"}
_WRITER_HEAP_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked for, as alternatives in one language: the question's own word or its translations.

    Attributes:
        alternatives: Each a tuple of stems that must stand together in the text's field (one stem, or a phrase).
        weight: 1 for the question's own words, less for translations.
    """

    alternatives: tuple[tuple[str, ...], ...]
    weight: float = 1.0


def question_terms(question: str, language: Language) -> dict[str, list[Term]]:
    """Return, per index field, the terms that a question asks for.

    In the field of its own language they are its words. In the other field they are its words as they stand (names,
    numbers and codes are alike in both languages) or, where the lexicon knows them, their translations as one group.
    """
    own = _FIELDS[language]
    other: Language = "en" if own == "nb" else "nb"
    terms = {own: [Term(((found,),)) for found in dict.fromkeys(stems(question, language))]}
    translated = load_lexicon().translate(question, language)
    covered = {part for source, _ in translated for part in source}
    across = [Term(targets, TRANSLATION_WEIGHT) for _, targets in translated]
    for word in dict.fromkeys(content_words(question, language)):
        if stem(word, language) not in covered:
            across.append(Term(((stem(word, other),),)))
    terms[_FIELDS[other]] = across
    return terms


class LexicalIndex:
    """A tantivy index in one folder, with the chunk's id and its stems."""

    def __init__(self, folder: Path) -> None:
        import tantivy

        self._tantivy = tantivy
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._schema = self._build_schema()
            self._index = tantivy.Index(self._schema, path=str(folder))
        except (OSError, ValueError) as error:
            raise IndexingError(
                f"The word index in {folder} cannot be opened ({error}). Run: python ingest.py --rebuild"
            ) from error
        self._writer: Any = None
        self._searcher = self._index.searcher()

    def _build_schema(self) -> Any:
        builder = self._tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        for name in dict.fromkeys(_FIELDS.values()):
            builder.add_text_field(name, stored=False, tokenizer_name="whitespace", index_option="position")
        return builder.build()

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Store or replace chunks; they are found after `commit`."""
        writer = self._open_writer()
        for chunk in chunks:
            writer.delete_documents("id", chunk.id)
            document = self._tantivy.Document()
            document.add_text("id", chunk.id)
            document.add_text(_FIELDS[chunk.language], " ".join(stems(chunk.index_text, chunk.language)))
            writer.add_document(document)

    def remove(self, ids: Iterable[str]) -> None:
        """Forget these chunks after the next `commit`; unknown ids are no error."""
        writer = self._open_writer()
        for id_ in ids:
            writer.delete_documents("id", id_)

    def commit(self) -> None:
        """Make all additions and removals findable and safe against a crash."""
        if self._writer is not None:
            self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def _open_writer(self) -> Any:
        if self._writer is None:
            self._writer = self._index.writer(_WRITER_HEAP_BYTES, 1)
        return self._writer

    def search(self, terms: Mapping[str, Sequence[Term]], limit: int) -> list[tuple[str, float]]:
        """Return up to `limit` chunk ids with their BM25 score, best first; empty for no terms."""
        clauses = [
            (self._tantivy.Occur.Should, self._clause(field, term))
            for field, wanted in terms.items()
            for term in wanted
        ]
        if not clauses:
            return []
        searcher = self._searcher
        found = searcher.search(self._tantivy.Query.boolean_query(clauses), limit, count=False)
        return [(searcher.doc(address)["id"][0], score) for score, address in found.hits]

    def _clause(self, field: str, term: Term) -> Any:
        query = self._tantivy.Query
        options = [self._alternative(field, alternative) for alternative in term.alternatives]
        best = options[0] if len(options) == 1 else query.disjunction_max_query(options)
        return best if term.weight == 1.0 else query.boost_query(best, term.weight)

    def _alternative(self, field: str, alternative: tuple[str, ...]) -> Any:
        query = self._tantivy.Query
        if len(alternative) == 1:
            return query.term_query(self._schema, field, alternative[0])
        return query.phrase_query(self._schema, field, list(alternative), slop=1)

    def inverse_document_frequency(self, stem_: str, language: Language) -> float:
        """Return the BM25 idf of a stem among all chunks, ln(1 + (N - n + 0.5) / (n + 0.5)); highest when unknown."""
        searcher = self._searcher
        total = searcher.num_docs
        holding = min(searcher.doc_freq(_FIELDS[language], stem_), total)
        return math.log(1 + (total - holding + 0.5) / (holding + 0.5))

    def holds(self, id_: str) -> bool:
        """Return whether a chunk can be found."""
        query = self._tantivy.Query.term_query(self._schema, "id", id_)
        return bool(self._searcher.search(query, 1).hits)

    def ids(self) -> set[str]:
        """Return the ids of all chunks that can be found."""
        searcher = self._searcher
        if not searcher.num_docs:
            return set()
        found = searcher.search(self._tantivy.Query.all_query(), searcher.num_docs, count=False)
        return {searcher.doc(address)["id"][0] for _, address in found.hits}

    def close(self) -> None:
        """Finish the writer; what was not committed is dropped and comes back with the next sync."""
        if self._writer is not None:
            self._writer.rollback()
            self._writer.wait_merging_threads()
            self._writer = None

    @staticmethod
    def erase(folder: Path) -> None:
        """Remove an index that is no longer used."""
        shutil.rmtree(folder, ignore_errors=True)
