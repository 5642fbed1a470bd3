"""One question, as a straight line: query, hits, evidence, judgement, draft, verified answer."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.answering import answerability
from assistant.answering.answerability import Judgement
from assistant.answering.citing import FindDocument, unmarked, verify
from assistant.answering.evidence import Candidate, Evidence, InverseDocumentFrequency, gather
from assistant.answering.extractive import Answerer
from assistant.answering.parts import asks, names_in, parts
from assistant.answering.phrases import CONTACT, phrase, small_talk, small_talk_language
from assistant.domain import Answer, Citation, Hit, Query, Reason, Turn
from assistant.language import words
from assistant.retrieval.conversation import make_query
from assistant.retrieval.retriever import Retriever
from assistant.retrieval.spelling import Vocabulary, corrected
from assistant.tuning import Tuning

NEAREST_AT_MOST = 3
EXPLAINED_SENTENCES = 20
# A part of a message is not covered below these probabilities of an answer to it alone, the second where it names what
# no hit names. Tried by hand on the tuning half; `python -m eval run --half tuning` at 219904e: the uncovered part is
# named in 0.686 of 35 such messages, and 7 of 105 wholly covered messages of several parts are called partly answered.
PART_MISSING = 0.3
NAMED_PART_MISSING = 0.5
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class _Found:
    """What one search gave for one question."""

    query: Query
    hits: list[Hit]
    evidence: Evidence
    judgement: Judgement


class Pipeline:
    """Answers questions with one retriever and one answerer; safe to use from several threads."""

    def __init__(
        self,
        *,
        retriever: Retriever,
        answerer: Answerer,
        find_document: FindDocument,
        idf: InverseDocumentFrequency,
        vocabulary: Vocabulary,
        tuning: Tuning,
        question_characters: int,
        contact: str | None,
    ) -> None:
        self._retriever = retriever
        self._answerer = answerer
        self._find_document = find_document
        self._idf = idf
        self._vocabulary = vocabulary
        self._tuning = tuning
        self._question_characters = question_characters
        self._contact = contact

    def answer(self, question: str, history: Sequence[Turn] = (), *, corpus_is_empty: bool = False) -> Answer:
        """Return the answer to one question, or an answer that says why there is none; never raises for a question."""
        started = time.perf_counter()
        cleaned = clean(question)
        history = _clean_turns(history)
        answer = (
            self._unsearched(cleaned, history, corpus_is_empty=corpus_is_empty) or self._searched(cleaned, history)[0]
        )
        return replace(answer, seconds=time.perf_counter() - started)

    def gather(
        self, question: str, history: Sequence[Turn] = (), *, without: frozenset[str] = frozenset()
    ) -> tuple[Query, list[Hit], Evidence]:
        """Return the query, hits and scored evidence of a question: what *why this answer* is made of.

        Args:
            without: Documents that must not answer, see `Retriever.retrieve`.
        """
        query = make_query(clean(question), _clean_turns(history))
        query = replace(query, search_text=corrected(query.search_text, query.language, self._vocabulary))
        hits = self._retriever.retrieve(query, without=without)
        return query, hits, gather(query, hits, self._idf, self._tuning)

    def explain(self, question: str, history: Sequence[Turn] = (), *, corpus_is_empty: bool = False) -> dict[str, Any]:
        """Return how the answer to a question comes about, as plain values; see `Assistant.explain`.

        Of a message answered in part it is the answered part that is explained. Where nothing was searched, such as for
        a greeting, only outcome and reason are given.
        """
        cleaned, history = clean(question), _clean_turns(history)
        unsearched = self._unsearched(cleaned, history, corpus_is_empty=corpus_is_empty)
        if unsearched is not None:
            return {"outcome": unsearched.outcome, "reason": unsearched.reason}
        answer, found = self._searched(cleaned, history)
        judgement, tuning = found.judgement, self._tuning
        return {
            "outcome": answer.outcome,
            "reason": answer.reason,
            "missing": answer.missing,
            "query": {
                "text": found.query.text,
                "search_text": found.query.search_text,
                "language": found.query.language,
                "wanted": found.evidence.wanted,
                "uncovered": list(found.evidence.uncovered),
            },
            "probability": judgement.probability,
            "threshold": tuning.threshold,
            "false_premise": judgement.premise,
            "features": dict(judgement.features),
            "for_and_against": tuning.answerable.contributions(judgement.features) if judgement.features else {},
            "hits": [_hit_values(hit) for hit in found.hits],
            "candidates": [
                _candidate_values(candidate, answer) for candidate in found.evidence.candidates[:EXPLAINED_SENTENCES]
            ],
        }

    def _unsearched(self, question: str, history: Sequence[Turn], *, corpus_is_empty: bool) -> Answer | None:
        """Return the reply to what needs no search: no question, too long a one, small talk, an empty corpus."""
        if len(question) > self._question_characters:
            query = make_query(question[: self._question_characters], ())
            values = {"length": len(question), "limit": self._question_characters}
            return _own_words(query, phrase("too_long", query.language, **values), "bad_question")
        query = make_query(question, ())
        if not words(question):
            language = make_query(history[-1].question, ()).language if history else query.language
            return _own_words(replace(query, language=language), phrase("no_words", language), "bad_question")
        if reply := small_talk(question):
            before = make_query(history[-1].question, ()).language if history else query.language
            query = replace(query, language=small_talk_language(question) or before)
            return Answer(phrase(reply, query.language), "small_talk", query.language, query)
        if corpus_is_empty:
            return _own_words(query, phrase("empty_corpus", query.language), "empty_corpus")
        return None

    def _searched(self, question: str, history: Sequence[Turn]) -> tuple[Answer, _Found]:
        """Return the answer and what it was made from."""
        found = self._find(question, history)
        if not history and (partly := self._partly(question, found)):
            return partly
        judgement = found.judgement
        if judgement.reason is None:
            text, citations = self._drafted(found)
            if citations:
                return self._answered(found, text, citations), found
        return self._abstain(found, judgement.reason or "not_covered"), found

    def _find(self, question: str, history: Sequence[Turn] = ()) -> _Found:
        query, hits, evidence = self.gather(question, history)
        return _Found(query, hits, evidence, answerability.judge(query, hits, evidence, self._tuning))

    def _drafted(self, found: _Found) -> tuple[str, tuple[Citation, ...]]:
        draft = self._answerer.draft(found.query, found.hits, found.evidence)
        return verify(draft, found.hits, self._find_document)

    def _answered(self, found: _Found, text: str, citations: tuple[Citation, ...]) -> Answer:
        """Return the answer; where the premise is doubtful it says so, and counts as a part of one."""
        doubtful = found.judgement.doubtful
        language = found.query.language
        return Answer(
            f"{text}\n\n{phrase('premise_doubted', language)}" if doubtful else text,
            "partly" if doubtful else "answered",
            language,
            found.query,
            reason="false_premise" if doubtful else None,
            citations=citations,
            hits=tuple(found.hits),
            evidence=found.judgement.probability,
        )

    def _partly(self, question: str, found: _Found) -> tuple[Answer, _Found] | None:
        """Return the answer to the covered part of a message of which another part is not covered, or None.

        A part counts as not covered when it asks, holds a word that no hit holds, and would be refused alone.
        """
        uncovered = set(found.evidence.uncovered)
        asked = parts(question)
        open_parts = [part for part in asked if asks(part) and uncovered & set(words(part))] if len(asked) > 1 else []
        missing = [part for part in open_parts if self._is_missing(part, uncovered)]
        covered = [part for part in asked if part not in missing]
        if not missing or not any(asks(part) for part in covered):
            return None
        rest = self._find(". ".join(covered))
        if rest.judgement.reason is not None:
            return None
        text, citations = self._drafted(rest)
        if not citations:
            return None
        language, named = found.query.language, unmarked("; ".join(missing))
        answer = Answer(
            f"{text}\n\n{phrase('partly', language, missing=named)}",
            "partly",
            language,
            found.query,
            missing=named,
            citations=citations,
            hits=tuple(rest.hits),
            evidence=rest.judgement.probability,
        )
        return answer, rest

    def _is_missing(self, part: str, uncovered: set[str]) -> bool:
        unknown_name = any(uncovered & set(words(name)) for name in names_in(part))
        limit = NAMED_PART_MISSING if unknown_name else PART_MISSING
        return self._find(part).judgement.probability < limit

    def _abstain(self, found: _Found, reason: Reason) -> Answer:
        query, hits, language = found.query, found.hits, found.query.language
        text, citations = self._drafted(found) if reason == "false_premise" else ("", ())
        if reason == "false_premise" and not citations:
            reason = "not_covered"
        missing = None if citations else _as_written(found.evidence.uncovered, query)
        nearest = (
            list(dict.fromkeys(hit.chunk.document_id for hit in hits))[:NEAREST_AT_MOST]
            if reason != "off_topic"
            else []
        )
        titles = {hit.chunk.document_id: hit.chunk.title for hit in reversed(hits)}
        sentences = [phrase(reason, language)]
        if missing:
            sentences.append(phrase("missing", language, missing=missing))
        if nearest and not citations:
            listed = "; ".join(titles[id_] for id_ in nearest)
            sentences.append(phrase("nearest", language, titles=listed))
        contact = self._contact or CONTACT["en" if language == "en" else "nb"]
        own = " ".join(sentences)
        return Answer(
            f"{own}\n\n{text}\n\n{contact}" if citations else f"{own} {contact}",
            "abstained",
            language,
            query,
            reason=reason,
            missing=missing,
            nearest=tuple(nearest),
            citations=citations,
            hits=tuple(hits),
            evidence=found.judgement.probability,
        )


def _hit_values(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "document": hit.chunk.document_id,
        "heading": hit.chunk.heading,
        "language": hit.chunk.language,
        "score": hit.score,
        "similarity": hit.similarity,
        "dense_rank": hit.dense_rank,
        "lexical_rank": hit.lexical_rank,
        "also_in": list(hit.also_in),
        "text": hit.chunk.text,
    }


def _candidate_values(candidate: Candidate, answer: Answer) -> dict[str, Any]:
    chunk = candidate.hit.chunk
    start = chunk.start + candidate.unit.start
    chosen = any(
        citation.document == chunk.document_id and citation.start <= start < citation.end
        for citation in answer.citations
    )
    return {
        "document": chunk.document_id,
        "heading": chunk.heading,
        "text": candidate.text,
        "score": candidate.score,
        "parts": dict(candidate.parts),
        "chosen": chosen,
    }


def clean(question: str) -> str:
    """Return the question without control, direction and surrogate characters, NFC, with single spaces."""
    whole = question.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", whole)).split())


def _clean_turns(history: Sequence[Turn]) -> list[Turn]:
    return [Turn(clean(turn.question), turn.answer) for turn in history]


def _own_words(query: Query, text: str, reason: Reason) -> Answer:
    return Answer(text, "abstained", query.language, query, reason=reason)


def _as_written(uncovered: Sequence[str], query: Query) -> str | None:
    """Return the uncovered words as the question wrote them, at most four, or None."""
    written = [token for token in query.search_text.split() if any(word in uncovered for word in words(token))]
    bare = list(dict.fromkeys(token.strip(".,;:!?()\"'«»“”") for token in written))
    return unmarked(", ".join(bare[:4])) or None
