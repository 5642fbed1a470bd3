"""One question, as a straight line: query, hits, evidence, judgement, draft, verified answer."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from assistant.answering import answerability
from assistant.answering.citing import FindDocument, verify
from assistant.answering.evidence import Evidence, InverseDocumentFrequency, gather
from assistant.answering.extractive import Answerer
from assistant.answering.phrases import CONTACT, phrase, small_talk, small_talk_language
from assistant.domain import Answer, Hit, Query, Reason, Turn
from assistant.language import words
from assistant.retrieval.conversation import make_query
from assistant.retrieval.retriever import Retriever
from assistant.retrieval.spelling import Vocabulary, corrected
from assistant.tuning import Tuning

NEAREST_AT_MOST = 3
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


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
        history = [Turn(clean(turn.question), turn.answer) for turn in history]
        answer = self._unsearched(cleaned, history, corpus_is_empty=corpus_is_empty) or self._searched(cleaned, history)
        return replace(answer, seconds=time.perf_counter() - started)

    def gather(self, question: str, history: Sequence[Turn] = ()) -> tuple[Query, list[Hit], Evidence]:
        """Return the query, hits and scored evidence of a question: what *why this answer* is made of."""
        query = make_query(clean(question), history)
        query = replace(query, search_text=corrected(query.search_text, query.language, self._vocabulary))
        hits = self._retriever.retrieve(query)
        return query, hits, gather(query, hits, self._idf, self._tuning)

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

    def _searched(self, question: str, history: Sequence[Turn]) -> Answer:
        query, hits, evidence = self.gather(question, history)
        judgement = answerability.judge(query, evidence, self._tuning)
        if judgement.reason is None:
            text, citations = verify(self._answerer.draft(query, hits, evidence), hits, self._find_document)
            if citations:
                return Answer(
                    text,
                    "answered",
                    query.language,
                    query,
                    citations=citations,
                    hits=tuple(hits),
                    evidence=judgement.probability,
                )
        reason = judgement.reason or "not_covered"
        return self._abstain(query, hits, evidence, reason, judgement.probability)

    def _abstain(
        self, query: Query, hits: Sequence[Hit], evidence: Evidence, reason: Reason, probability: float
    ) -> Answer:
        language = query.language
        missing = _as_written(evidence.uncovered, query)
        nearest = (
            list(dict.fromkeys(hit.chunk.document_id for hit in hits))[:NEAREST_AT_MOST]
            if reason != "off_topic"
            else []
        )
        titles = {hit.chunk.document_id: hit.chunk.title for hit in reversed(hits)}
        sentences = [phrase("off_topic" if reason == "off_topic" else "not_covered", language)]
        if missing:
            sentences.append(phrase("missing", language, missing=missing))
        if nearest:
            listed = "; ".join(titles[id_] for id_ in nearest)
            sentences.append(phrase("nearest", language, titles=listed))
        sentences.append(self._contact or CONTACT["en" if language == "en" else "nb"])
        return Answer(
            " ".join(sentences),
            "abstained",
            language,
            query,
            reason=reason,
            missing=missing,
            nearest=tuple(nearest),
            hits=tuple(hits),
            evidence=probability,
        )


def clean(question: str) -> str:
    """Return the question without control, direction and surrogate characters, NFC, with single spaces."""
    whole = question.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", whole)).split())


def _own_words(query: Query, text: str, reason: Reason) -> Answer:
    return Answer(text, "abstained", query.language, query, reason=reason)


def _as_written(uncovered: Sequence[str], query: Query) -> str | None:
    """Return the uncovered words as the question wrote them, at most four, or None."""
    written = [token for token in query.search_text.split() if any(word in uncovered for word in words(token))]
    bare = list(dict.fromkeys(token.strip(".,;:!?()\"'«»“”") for token in written))
    return ", ".join(bare[:4]) or None
