"""The one door to tantivy: BM25 over stems, with one field per language.

Words are cut and stemmed by `assistant.language`, the same for documents, questions and sentence scores; tantivy sees
only finished stems, so no punctuation in a question can break its query parser, which is never used.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from assistant.domain import Chunk, Language
from assistant.errors import IndexingError
from assistant.language import compound_parts, content_words, index_stems, load_lexicon, stem

logger = logging.getLogger(__name__)

# Raised whenever the same chunk would be indexed under other stems.
LEXICAL_VERSION = "3"
_FIELDS: Mapping[Language, str] = {"en": "en", "nb": "nb", "nn": "nb"}
_WORDS = "words"
_WRITER_HEAP_BYTES = 50_000_000
_SEGMENT_NAME_LENGTH = 32
_KEPT_RARITIES = 50_000


@dataclass(frozen=True, slots=True)
class Term:
    """One thing asked for, as alternatives in one language: the question's own word or its translations.

    Attributes:
        alternatives: Each a tuple of stems that must all stand in the text: one word, or the words of a phrase.
        weight: 1 for the question's own words, less for translations.
    """

    alternatives: tuple[tuple[str, ...], ...]
    weight: float = 1.0


# The words of a question are asked for by the search and by the scoring, and one by one by what is missing.
@lru_cache(maxsize=4_096)
def question_terms(question: str, language: Language, *, translation: float = 1.0) -> Mapping[str, tuple[Term, ...]]:
    """Return, per index field, the terms that a question asks for.

    In the field of its own language they are its words. In the other field they are its words as they stand (names,
    numbers and codes are alike in both languages) or, where the lexicon knows them, their translations as one group.

    Args:
        translation: The weight of a translated word, which may be the wrong sense.
    """
    own = _FIELDS[language]
    other: Language = "en" if own == "nb" else "nb"
    asked = list(dict.fromkeys(content_words(question, language)))
    # The joined form of `start-up` is an alternative to its parts, not one more thing to be found.
    joined = {"".join(pair): pair for pair in pairwise(content_words(question, language)) if "".join(pair) in asked}
    asked = [word for word in asked if word not in joined]
    own_terms = tuple(_own_term(word, language, joined) for word in asked)
    translated = load_lexicon().translate(question, language)
    covered = {part for source, _ in translated for part in source}
    across = [Term(targets, translation) for _, targets in translated]
    for word in asked:
        if stem(word, language) not in covered:
            across.append(Term(((stem(word, other),),)))
    return MappingProxyType({own: own_terms, _FIELDS[other]: tuple(across)})


def _own_term(word: str, language: Language, joined: Mapping[str, tuple[str, str]]) -> Term:
    """Return the term of one word; a compound is also met by its parts, the part of a hyphenated word by the whole."""
    alternatives: list[tuple[str, ...]] = [(stem(word, language),)]
    if language != "en" and (parts := compound_parts(word)):
        alternatives.append(parts)
    alternatives += [(stem(whole, language),) for whole, parts in joined.items() if word in parts]
    return Term(tuple(alternatives))


def _indexed(chunk: Chunk) -> str:
    """Return what a chunk is found by: its heading counts twice, since it says what the passage is about."""
    return f"{chunk.heading}\n{chunk.index_text}" if chunk.heading else chunk.index_text


@dataclass(frozen=True, slots=True)
class _Rarities:
    """The idf of stems, by stem and language, as one state of the index has them."""

    searcher: Any
    found: dict[tuple[str, Language], float]


class LexicalIndex:
    """A tantivy index in one folder, with the chunk's id and its stems."""

    def __init__(self, folder: Path, *, mend: bool = True) -> None:
        """Open the index, creating it when it is missing.

        Args:
            mend: Whether a damaged one is erased and begun anew.

        Raises:
            IndexingError: It cannot be opened or created; or it is damaged, where it is not to be mended.
        """
        import tantivy

        self._tantivy = tantivy
        self.folder = folder
        self._schema = self._build_schema()
        self._writer: Any = None
        try:
            if mend:
                _drop_unfinished(folder)
            self._index = self._open()
        except (OSError, ValueError) as error:
            if not mend:
                raise IndexingError(
                    f"The word index in {folder} cannot be opened ({error}). Run: python ingest.py --repair"
                ) from error
            # Damaged, or made by another release: it holds nothing that the library does not hold.
            logger.warning("The word index in %s cannot be opened and is built anew (%s).", folder, error)
            self.erase(folder)
            try:
                self._index = self._open()
            except (OSError, ValueError) as second_error:
                raise IndexingError(
                    f"The word index in {folder} cannot be opened ({second_error}). "
                    "Check that the data folder can be written and has room."
                ) from second_error
        self._searcher = self._index.searcher()
        self._rarities = _Rarities(self._searcher, {})

    def _open(self) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        index = self._tantivy.Index(self._schema, path=str(self.folder))
        # A damaged segment shows with its first use only.
        index.searcher().search(self._tantivy.Query.all_query(), 1)
        return index

    def _build_schema(self) -> Any:
        builder = self._tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        for name in dict.fromkeys(_FIELDS.values()):
            builder.add_text_field(name, stored=False, tokenizer_name="whitespace", index_option="freq")
        # The words as written: what a misspelt question is corrected to.
        builder.add_text_field(_WORDS, stored=False, tokenizer_name="whitespace", index_option="basic")
        return builder.build()

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Store or replace chunks; they are found after `commit`."""
        with self._writing() as writer:
            for chunk in chunks:
                writer.delete_documents_by_term("id", chunk.id)
                document = self._tantivy.Document()
                document.add_text("id", chunk.id)
                document.add_text(_FIELDS[chunk.language], " ".join(index_stems(_indexed(chunk), chunk.language)))
                document.add_text(_WORDS, " ".join(dict.fromkeys(content_words(chunk.index_text, chunk.language))))
                writer.add_document(document)

    def remove(self, ids: Iterable[str]) -> None:
        """Forget these chunks after the next `commit`; unknown ids are no error."""
        with self._writing() as writer:
            for id_ in ids:
                writer.delete_documents_by_term("id", id_)

    def commit(self) -> None:
        """Make all additions and removals findable and safe against a crash."""
        if self._writer is not None:
            with self._writing() as writer:
                writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """Give the writer; a full disk becomes one sentence, and the next attempt gets a new writer."""
        try:
            if self._writer is None:
                self._writer = self._index.writer(_WRITER_HEAP_BYTES, 1)
            yield self._writer
        except (OSError, ValueError) as error:
            self._writer = None
            raise IndexingError(
                f"The word index in {self.folder} cannot be written ({error}). "
                "Make room or make the data folder writable, then run the ingest again; nothing was lost."
            ) from error

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
        parts = [(self._tantivy.Occur.Must, query.term_query(self._schema, field, part)) for part in alternative]
        return query.boolean_query(parts)

    def inverse_document_frequency(self, stem_: str, language: Language) -> float:
        """Return the BM25 idf of a stem among all chunks, ln(1 + (N - n + 0.5) / (n + 0.5)); highest when unknown."""
        searcher, known = self._searcher, self._rarities
        if known.searcher is not searcher or len(known.found) >= _KEPT_RARITIES:
            known = self._rarities = _Rarities(searcher, {})
        rarity = known.found.get((stem_, language))
        if rarity is None:
            total = searcher.num_docs
            holding = min(searcher.doc_freq(_FIELDS[language], stem_), total)
            rarity = known.found[stem_, language] = math.log(1 + (total - holding + 0.5) / (holding + 0.5))
        return rarity

    def knows_word(self, word: str) -> bool:
        """Return whether a lower-case word stands in any chunk as written."""
        return bool(self._searcher.doc_freq(_WORDS, word))

    def knows_stem(self, stem_: str, language: Language) -> bool:
        """Return whether any chunk in the language holds a word with the stem."""
        return bool(self._searcher.doc_freq(_FIELDS[language], stem_))

    def words_like(self, prefix: str) -> list[tuple[str, int]]:
        """Return the words as written that begin with a prefix, with the number of chunks that hold each."""
        return list(self._searcher.terms_with_prefix(_WORDS, prefix))

    def holds(self, id_: str) -> bool:
        """Return whether a chunk can be found."""
        query = self._tantivy.Query.term_query(self._schema, "id", id_)
        return bool(self._searcher.search(query, 1).hits)

    def finds(self, chunk: Chunk) -> bool:
        """Return whether a chunk is found by each of its own stems."""
        query, field = self._tantivy.Query, _FIELDS[chunk.language]
        own = [query.term_query(self._schema, "id", chunk.id)]
        own += [query.term_query(self._schema, field, word) for word in index_stems(_indexed(chunk), chunk.language)]
        found = self._searcher.search(query.boolean_query([(self._tantivy.Occur.Must, part) for part in own]), 1)
        return bool(found.hits)

    def count(self) -> int:
        """Return how many chunks can be found."""
        return int(self._searcher.num_docs)

    def ids(self) -> set[str]:
        """Return the ids of all chunks that can be found."""
        searcher = self._searcher
        if not searcher.num_docs:
            return set()
        found = searcher.search(self._tantivy.Query.all_query(), searcher.num_docs, count=False)
        return {searcher.doc(address)["id"][0] for _, address in found.hits}

    def close(self) -> None:
        """Finish the writer; what was not committed is dropped and comes back with the next sync."""
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.rollback()
                writer.wait_merging_threads()
            except (OSError, ValueError) as error:
                logger.warning("The word index in %s was not closed properly (%s).", self.folder, error)

    @staticmethod
    def erase(folder: Path) -> None:
        """Remove an index that is no longer used."""
        shutil.rmtree(folder, ignore_errors=True)


def _drop_unfinished(folder: Path) -> None:
    """Delete what a commit that was killed has written and never listed.

    The next commit would give its own files the same names, and tantivy writes over none: it would fail for good.
    """
    meta = folder / "meta.json"
    if not meta.is_file():
        return
    listed = {
        segment["segment_id"].replace("-", ""): (segment.get("deletes") or {}).get("opstamp")
        for segment in json.loads(meta.read_text(encoding="utf-8")).get("segments", ())
    }
    for file in folder.glob("*.*"):
        segment, *rest = file.name.split(".")
        if len(segment) != _SEGMENT_NAME_LENGTH:
            continue
        is_deletions = len(rest) == 2 and rest[1] == "del"
        if segment not in listed or (is_deletions and rest[0] != str(listed[segment])):
            file.unlink()
