"""One question, as a straight line: query, hits, evidence, judgement, draft, verified answer."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from assistant.answering import answerability
from assistant.answering.answerability import Judgement
from assistant.answering.citing import FindDocument, Verifier, unmarked
from assistant.answering.evidence import Asked, Candidate, Evidence, InverseDocumentFrequency
from assistant.answering.extractive import Answerer
from assistant.answering.kept import KeptAnswers
from assistant.answering.parts import asks, names_in, parts
from assistant.answering.phrases import CONTACT, phrase, small_talk, small_talk_language
from assistant.answering.planted import is_planted
from assistant.domain import Answer, Citation, Claim, Hit, Language, Query, Reason, Turn
from assistant.errors import ModelFailed
from assistant.language import words
from assistant.retrieval.conversation import make_query
from assistant.retrieval.retriever import Retriever
from assistant.retrieval.spelling import Vocabulary, corrected
from assistant.tuning import Tuning

NEAREST_AT_MOST = 3
EXPLAINED_SENTENCES = 20
# What each further search of a rewritten question adds to the passages.
ADDED_HITS = 4
# A part of a message is not covered below these probabilities of an answer to it alone, the second where it names what
# no hit names. Tried by hand on the tuning half; `python -m eval run --half tuning` at 219904e: the uncovered part is
# named in 0.686 of 35 such messages, and 7 of 105 wholly covered messages of several parts are called partly answered.
PART_MISSING = 0.3
NAMED_PART_MISSING = 0.5
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ADDRESS = re.compile(r"://|\bwww\.|\]\(|@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found for one question.

    Attributes:
        alone: The question as a language model made it stand alone; never shown.
        failed: Why the language model is not asked again, or None.
    """

    query: Query
    hits: list[Hit]
    evidence: Evidence
    judgement: Judgement
    alone: str | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Writer:
    """What writes answers in a language model's words.

    Attributes:
        name: The model's, as configured.
        answerer: Yields its claims.
        rewrite: Gives a question with its history as it stands alone, in its own language and in the other; raises
            `ModelFailed`.
    """

    name: str
    answerer: Answerer
    rewrite: Callable[[str, Sequence[Turn], Language], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Drafted:
    """An answer's sentences so far.

    Attributes:
        left_out: How many sentences of a model are not shown.
        failed: Why the model gave no more, or None.
        abstained: The model says that the passages hold no answer.
        ended: Nothing more will come.
    """

    text: str
    citations: tuple[Citation, ...]
    model: str | None = None
    left_out: int = 0
    failed: str | None = None
    abstained: bool = False
    ended: bool = True


class Pipeline:
    """Answers questions with one retriever and one answerer; safe to use from several threads.

    With a writer the sentences are a language model's, checked one by one; the answerer stands in where it fails.
    """

    def __init__(
        self,
        *,
        retriever: Retriever,
        answerer: Answerer,
        writer: Writer | None = None,
        find_document: FindDocument,
        idf: InverseDocumentFrequency,
        vocabulary: Vocabulary,
        tuning: Tuning,
        question_characters: int,
        contact: str | None,
        documents: Callable[[], object] | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Put the parts together.

        Args:
            documents: The unchanging picture of the current versions; with it the last answers are kept as long as it
                is the same one.
        """
        self._retriever = retriever
        self._answerer = answerer
        self._writer = writer
        self._find_document = find_document
        self._idf = idf
        self._vocabulary = vocabulary
        self._tuning = tuning
        self._question_characters = question_characters
        self._contact = contact
        self._documents = documents
        self._today = today
        self._kept = KeptAnswers()

    def answer(self, question: str, history: Sequence[Turn] = (), *, corpus_is_empty: bool = False) -> Answer:
        """Return the answer to one question, or an answer that says why there is none; never raises for a question."""
        *_, answer = self.stream(question, history, corpus_is_empty=corpus_is_empty)
        return answer

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        corpus_is_empty: bool = False,
        hidden: Sequence[Citation] = (),
    ) -> Generator[Answer, None, None]:
        """Yield the answer as far as it is written and checked; each text begins with the one before it.

        All but the last are not `complete`. While a language model is silent the same comes again now and then, and an
        empty text before its first sentence, so that its reader can stop: closing the generator stops the model.
        Without a model, and where nothing is written, the whole answer comes at once.

        Args:
            hidden: Words that are treated as if they stood nowhere.
        """
        started = time.perf_counter()
        cleaned = clean(question)
        history = self._clean_turns(history)
        answers = self._answers(cleaned, history, hidden, corpus_is_empty=corpus_is_empty)
        with closing(answers):
            for answer in answers:
                yield replace(answer, seconds=time.perf_counter() - started)

    def _answers(
        self, question: str, history: Sequence[Turn], hidden: Sequence[Citation], *, corpus_is_empty: bool
    ) -> Generator[Answer, None, None]:
        """Yield the answer as it grows; one that was given before in the same state comes at once."""
        unsearched = self._unsearched(question, history, corpus_is_empty=corpus_is_empty)
        if unsearched is not None:
            yield unsearched
            return
        if self._documents is None or self._writer is not None or hidden:
            yield from self._searched(question, history, hidden)
            return
        key, documents, day = (question, tuple(history)), self._documents(), self._today()
        answer = self._kept.find(key, documents, day)
        if answer is None:
            *_, answer = self._searched(question, history, hidden)
            self._kept.keep(key, documents, day, answer)
        yield answer

    def gather(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        without: frozenset[str] = frozenset(),
        hidden: Sequence[Citation] = (),
    ) -> tuple[Query, list[Hit], Evidence]:
        """Return the query, hits and scored evidence of a question: what *why this answer* is made of.

        Args:
            without: Documents that must not answer, see `Retriever.retrieve`.
            hidden: Words that are treated as if they stood nowhere.
        """
        query = self._query(question, history)
        asked = Asked(query, self._idf, self._tuning)
        hits = self._retriever.retrieve(query, without=without, meanwhile=asked.look_at)
        if hidden:
            hits = [_without_words(hit, hidden) for hit in hits]
        return query, hits, asked.evidence(hits)

    def search(self, question: str, history: Sequence[Turn], retriever: Retriever) -> list[Hit]:
        """Return the hits of a question by another retriever, best first, and judge nothing."""
        return retriever.retrieve(self._query(question, history))

    def _query(self, question: str, history: Sequence[Turn]) -> Query:
        query = make_query(clean(question), self._clean_turns(history))
        return replace(query, search_text=corrected(query.search_text, query.language, self._vocabulary))

    def explain(self, question: str, history: Sequence[Turn] = (), *, corpus_is_empty: bool = False) -> dict[str, Any]:
        """Return how the answer to a question comes about, as plain values; see `Assistant.explain`.

        Of a message answered in part it is the answered part that is explained. Where nothing was searched, such as for
        a greeting, only outcome and reason are given.
        """
        cleaned, history = clean(question), self._clean_turns(history)
        unsearched = self._unsearched(cleaned, history, corpus_is_empty=corpus_is_empty)
        if unsearched is not None:
            return {"outcome": unsearched.outcome, "reason": unsearched.reason}
        found, query, missing = self._choose(cleaned, history, self._find(cleaned, history))
        *_, answer = self._reply(found, query, missing, None)
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

    def _clean_turns(self, history: Sequence[Turn]) -> list[Turn]:
        """Return the history with questions no longer than one that is answered: a follow-up is searched with them."""
        return [Turn(clean(turn.question)[: self._question_characters], turn.answer) for turn in history]

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

    def _searched(
        self, question: str, history: Sequence[Turn], hidden: Sequence[Citation]
    ) -> Generator[Answer, None, None]:
        """Yield the answer as it grows."""
        found = self._found(question, history, hidden)
        yield from self._reply(*self._choose(question, history, found), self._writer)

    def _choose(self, question: str, history: Sequence[Turn], found: _Found) -> tuple[_Found, Query, str | None]:
        """Return what to answer from, the query as asked, and the part of the message that is not covered."""
        if not history and (parted := self._parted(question, found)):
            return parted[0], found.query, parted[1]
        return found, found.query, None

    def _reply(
        self, found: _Found, query: Query, missing: str | None, writer: Writer | None
    ) -> Generator[Answer, None, None]:
        if found.judgement.reason is None:
            yield from self._answered(found, query, missing, writer)
        else:
            yield self._abstain(found, found.judgement.reason)

    def _find(self, question: str, history: Sequence[Turn] = (), hidden: Sequence[Citation] = ()) -> _Found:
        query, hits, evidence = self.gather(question, history, hidden=hidden)
        return _Found(query, hits, evidence, answerability.judge(query, hits, evidence, self._tuning))

    def _found(self, question: str, history: Sequence[Turn], hidden: Sequence[Citation]) -> _Found:
        """Return what was found, with a model's help where the question leans on history or seems to have no answer.

        Its wording is searched by and never shown. Of several searches the one counts that most likely found an
        answer; the best hits of the others are added to it.
        """
        found = self._find(question, history, hidden)
        if self._writer is None or not (history or found.judgement.reason):
            return found
        try:
            same, other = self._writer.rewrite(question, history, found.query.language)
        except ModelFailed as failure:
            return replace(found, failed=failure.kind)
        more = [self._find(asked, hidden=hidden) for asked in (same, other) if asked]
        best = max([found, *more], key=lambda one: one.judgement.probability)
        known = {hit.chunk.id for hit in best.hits}
        added: list[Hit] = []
        for one in [found, *more]:
            for hit in one.hits[:ADDED_HITS]:
                if hit.chunk.id not in known:
                    known.add(hit.chunk.id)
                    added.append(hit)
        return replace(best, query=found.query, hits=[*best.hits, *added], alone=same or None)

    def _drafts(self, found: _Found, writer: Writer | None) -> Generator[_Drafted, None, None]:
        """Yield the sentences as they come; without a writer all at once."""
        verifier = Verifier(found.hits, self._find_document)
        if writer is None:
            self._add_extracts(verifier, found)
            yield _Drafted(verifier.text, tuple(verifier.citations))
            return
        query = replace(found.query, search_text=found.alone or found.query.search_text)
        left_out, shown, failed, abstained = 0, 0, found.failed, False
        if failed is None:
            with closing(writer.answerer.claims(query, found.hits, found.evidence)) as claims:
                for claim in claims:
                    if isinstance(claim, Claim):
                        shown += verifier.add(claim)
                        yield _so_far(verifier, writer, left_out)
                    elif claim.kind == "waiting":
                        yield _so_far(verifier, writer, left_out)
                    elif claim.kind == "left_out":
                        left_out += 1
                    elif claim.kind == "failed":
                        failed = claim.detail
                    else:
                        abstained = True
        language = found.query.language
        if not shown and abstained and not left_out:
            yield _Drafted("", (), writer.name, abstained=True)
            return
        if failed or not shown or left_out > shown:
            why = phrase(f"model_{failed}", language) if failed else _left_out(left_out, shown, language)
            verifier.remark(f"{why} {phrase('from_the_sources', language)}")
            self._add_extracts(verifier, found)
        elif left_out:
            verifier.remark(_left_out(left_out, shown, language))
        yield replace(
            _so_far(verifier, writer, left_out),
            failed=failed or (None if shown else "empty"),
            abstained=abstained,
            ended=True,
        )

    def _add_extracts(self, verifier: Verifier, found: _Found) -> None:
        for claim in self._answerer.claims(found.query, found.hits, found.evidence):
            if isinstance(claim, Claim):
                verifier.add(claim)

    def _answered(
        self, found: _Found, query: Query, missing: str | None, writer: Writer | None
    ) -> Generator[Answer, None, None]:
        """Yield the answer as it grows; at its end it says what is missing, or that the premise is doubtful."""
        language = query.language
        remarks = [phrase("partly", language, missing=missing)] if missing else []
        doubtful = found.judgement.doubtful and not missing
        if doubtful:
            remarks.append(phrase("premise_doubted", language))
        for drafted in self._drafts(found, writer):
            if drafted.ended and not drafted.citations:
                yield replace(self._abstain(replace(found, query=query), "not_covered"), model=drafted.model)
                continue
            more = [phrase("may_be_more", language)] if drafted.abstained and not remarks else []
            reason: Reason | None = "false_premise" if doubtful else "model_failed" if drafted.failed else None
            yield Answer(
                "\n\n".join([drafted.text, *(remarks + more if drafted.ended else [])]),
                "partly" if remarks or more else "answered",
                language,
                query,
                reason=reason,
                missing=missing,
                citations=drafted.citations,
                hits=tuple(found.hits),
                evidence=found.judgement.probability,
                model=drafted.model,
                left_out=drafted.left_out,
                complete=drafted.ended,
            )

    def _parted(self, question: str, found: _Found) -> tuple[_Found, str] | None:
        """Return what was found for the covered part of a message of which another part is not covered, and that part.

        A part counts as not covered when it asks, holds a word that no hit holds, and would be refused alone. None
        where the message is covered whole, or no part of it is.
        """
        uncovered = set(found.evidence.uncovered)
        asked = parts(question)
        open_parts = [part for part in asked if asks(part) and uncovered & set(words(part))] if len(asked) > 1 else []
        missing = [part for part in open_parts if self._is_missing(part, uncovered)]
        covered = [part for part in asked if part not in missing]
        if not missing or not any(asks(part) for part in covered):
            return None
        rest = self._find(". ".join(covered))
        if rest.judgement.reason is not None or not rest.evidence.candidates:
            return None
        return rest, unmarked("; ".join(missing))

    def _is_missing(self, part: str, uncovered: set[str]) -> bool:
        unknown_name = any(uncovered & set(words(name)) for name in names_in(part))
        limit = NAMED_PART_MISSING if unknown_name else PART_MISSING
        return self._find(part).judgement.probability < limit

    def _abstain(self, found: _Found, reason: Reason) -> Answer:
        query, hits, language = found.query, found.hits, found.query.language
        verifier = Verifier(hits, self._find_document)
        if reason == "false_premise":
            self._add_extracts(verifier, found)
        text, citations = verifier.text, tuple(verifier.citations)
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
            listed = "; ".join(PurePosixPath(id_).name if is_planted(titles[id_]) else titles[id_] for id_ in nearest)
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
        "parts": candidate.parts,
        "chosen": chosen,
    }


def _without_words(hit: Hit, hidden: Sequence[Citation]) -> Hit:
    """Return a hit with blanks where hidden words stand, so that every other word keeps its place."""
    chunk = hit.chunk
    text = chunk.text
    for citation in hidden:
        if (citation.document, citation.version) != (chunk.document_id, chunk.version):
            continue
        start, end = max(citation.start - chunk.start, 0), min(citation.end - chunk.start, len(text))
        if start < end:
            text = text[:start] + " " * (end - start) + text[end:]
    return hit if text == chunk.text else replace(hit, chunk=replace(chunk, text=text), sentences=())


def _so_far(verifier: Verifier, writer: Writer, left_out: int) -> _Drafted:
    return _Drafted(verifier.text, tuple(verifier.citations), writer.name, left_out, ended=False)


def _left_out(count: int, shown: int, language: Language) -> str:
    if not shown:
        return phrase("nothing_held", language)
    return phrase("left_out_one", language) if count == 1 else phrase("left_out", language, count=count)


def clean(question: str) -> str:
    """Return the question without control, direction and surrogate characters, NFC, with single spaces."""
    whole = question.encode("utf-8", "ignore").decode("utf-8")
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", whole)).split())


def _own_words(query: Query, text: str, reason: Reason) -> Answer:
    return Answer(text, "abstained", query.language, query, reason=reason)


def _as_written(uncovered: Sequence[str], query: Query) -> str | None:
    """Return the uncovered words as the question wrote them, at most four, or None."""
    written = [
        token
        for token in query.search_text.split()
        # No address is repeated as ours: a browser would make a link of it.
        if not _ADDRESS.search(token) and any(word in uncovered for word in words(token))
    ]
    bare = list(dict.fromkeys(token.strip(".,;:!?()\"'«»“”") for token in written))
    return unmarked(", ".join(bare[:4])) or None
