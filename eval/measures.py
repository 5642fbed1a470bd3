"""The measures: pure functions of one question's labels and one answer, each with its formula.

Every measure returns a `Share` (hits, of). `of` is 0 where the measure does not apply, so shares of many questions add
up without special cases. No answer at all (None: the system crashed, or the run is not done) counts against the
system in every measure that has one verdict a question, since a founder got nothing; measures of sentences and
citations have nothing to count then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from eval.answer_file import CitedQuote, GivenAnswer
from eval.matching import holds, holds_all, is_evidence, normalised, words
from eval.question_set import Question
from eval.sentences import ShownSentence, first_words, sentence_spans, shown_sentences, without_markers

# What a founder reads before deciding to read on; design.md, "What it is for".
LEAD_WORDS = 80

TextOf = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` out of `of`; `of` is 0 where a measure does not apply."""

    hits: float
    of: int

    @property
    def value(self) -> float | None:
        """The share as a number from 0 to 1, or None where nothing was counted."""
        return self.hits / self.of if self.of else None


NOT_APPLICABLE = Share(0, 0)


def _verdict(hit: bool) -> Share:
    return Share(int(hit), 1)


# --- is the right answer there, and where ------------------------------------------------------------------------


def correct(question: Question, answer: GivenAnswer | None) -> Share:
    """Answerable questions with facts: 1 if every fact stands in the text or its quotes and it did not abstain."""
    return _facts_in(question, answer, _text_and_quotes)


def lead(question: Question, answer: GivenAnswer | None) -> Share:
    """Answerable questions with facts: 1 if every fact stands in the first 80 words, markers removed."""
    return _facts_in(question, answer, lambda given: first_words(given.text, LEAD_WORDS))


def first(question: Question, answer: GivenAnswer | None) -> Share:
    """Answerable questions with facts: 1 if every fact stands in the first sentence, markers removed."""
    return _facts_in(question, answer, _first_sentence)


def half_answered(question: Question, answer: GivenAnswer | None) -> Share:
    """Kind `partly` with facts: 1 if the facts of the covered part all stand in the first 80 words."""
    return lead(question, answer) if question.kind == "partly" else NOT_APPLICABLE


def _facts_in(question: Question, answer: GivenAnswer | None, part: Callable[[GivenAnswer], str]) -> Share:
    if not (question.has_answer and question.facts):
        return NOT_APPLICABLE
    return _verdict(answer is not None and not answer.abstained and holds_all(question.facts, part(answer)))


def _text_and_quotes(answer: GivenAnswer) -> str:
    return "\n".join([without_markers(answer.text), *(citation.quote for citation in answer.citations)])


def _first_sentence(answer: GivenAnswer) -> str:
    shown = shown_sentences(answer.text)
    return shown[0].text if shown else ""


# --- is what is shown worth showing ------------------------------------------------------------------------------


def evidence_share(question: Question, answer: GivenAnswer | None) -> Share:
    """Answered, answerable questions with evidence: shown sentences that are evidence, out of all shown.

    A shown sentence is evidence when it is the same sentence as one (`matching.same_sentence`) or holds all facts.
    """
    shown = _shown(answer)
    if not (question.has_answer and question.evidence and shown):
        return NOT_APPLICABLE
    return Share(sum(_carries(question, sentence.text) for sentence in shown), len(shown))


def evidence_recall(question: Question, answer: GivenAnswer | None) -> Share:
    """Answered, answerable questions with evidence: sentences of the best-covered evidence set that are shown, of it.

    Where there are several sets, showing one whole set is enough; where there is none, the evidence is the one set.
    """
    shown = [sentence.text for sentence in _shown(answer)]
    sets = [one for one in question.evidence_sets or (question.evidence,) if one]
    if not (question.has_answer and sets and shown):
        return NOT_APPLICABLE
    found = [Share(sum(is_evidence(sentence, shown) for sentence in one), len(one)) for one in sets]
    return max(found, key=lambda share: (share.hits / share.of, share.of))


def _carries(question: Question, text: str) -> bool:
    return is_evidence(text, question.evidence) or holds_all(question.facts, text)


def _shown(answer: GivenAnswer | None) -> list[ShownSentence]:
    return shown_sentences(answer.text) if answer is not None and answer.shows_sources else []


# --- citations ---------------------------------------------------------------------------------------------------


def citation_precision(question: Question, answer: GivenAnswer | None) -> Share:
    """Answered, answerable questions with gold documents, and evidence or facts: good citations out of all.

    A citation is good when its document is gold and its quote is the same sentence as some evidence or holds a fact
    (citation precision as in ALCE, Gao et al., EMNLP 2023, with labels in place of a model's judgement).
    """
    labelled = question.gold and (question.evidence or question.facts)
    if not (question.has_answer and labelled and answer is not None and answer.shows_sources):
        return NOT_APPLICABLE
    good = [citation for citation in answer.citations if _is_good(question, citation)]
    return Share(len(good), len(answer.citations))


def _is_good(question: Question, citation: CitedQuote) -> bool:
    if citation.document not in question.gold:
        return False
    # A long quote is judged by its sentences as well: one of them may be the evidence.
    sentences = [citation.quote, *(span.text for span in sentence_spans(citation.quote))]
    supports = any(is_evidence(sentence, question.evidence) for sentence in sentences)
    return supports or any(holds(fact, citation.quote) for fact in question.facts)


def citation_recall(question: Question, answer: GivenAnswer | None) -> Share:
    """All answered questions: shown sentences that carry a marker with a citation, out of all shown.

    A sentence is carried by the markers right after it, or by the next marker when that citation's quote contains the
    sentence word for word: one marker may stand after a quote of several sentences.
    """
    shown = _shown(answer)
    if not shown or answer is None:
        return NOT_APPLICABLE
    quotes = {citation.number: citation.quote for citation in answer.citations if citation.quote.strip()}
    carried = sum(_is_carried(shown, index, quotes) for index in range(len(shown)))
    return Share(carried, len(shown))


def _is_carried(shown: Sequence[ShownSentence], index: int, quotes: Mapping[int, str]) -> bool:
    if shown[index].numbers:
        return any(number in quotes for number in shown[index].numbers)
    following = next((sentence.numbers for sentence in shown[index + 1 :] if sentence.numbers), ())
    text = normalised(shown[index].text)
    return any(text in normalised(quotes[number]) for number in following if number in quotes)


def verbatim(answer: GivenAnswer | None, text_of: TextOf) -> Share:
    """All citations: those with text[start:end] == quote, out of all; an unknown document or version is a miss.

    `text_of(document, version)` returns the stored text, or None. The only good value is 1.0.
    """
    citations = answer.citations if answer is not None else ()
    return Share(sum(is_verbatim(citation, text_of) for citation in citations), len(citations))


def is_verbatim(citation: CitedQuote, text_of: TextOf) -> bool:
    """Return whether a citation's quote is, and is not empty, what stands at its offsets."""
    text = text_of(citation.document, citation.version)
    inside = text is not None and 0 <= citation.start < citation.end <= len(text)
    return inside and text is not None and text[citation.start : citation.end] == citation.quote


def in_source(answer: GivenAnswer | None, original_of: Callable[[str], str | None]) -> Share:
    """All citations: those whose quote stands in the original file after normalisation, out of all.

    `original_of(document)` returns the normalised text of the file by an extractor of its own, or None.
    """
    citations = answer.citations if answer is not None else ()
    return Share(sum(is_in_source(citation, original_of) for citation in citations), len(citations))


def is_in_source(citation: CitedQuote, original_of: Callable[[str], str | None]) -> bool:
    """Return whether a citation's quote stands in its original file, both normalised."""
    original = original_of(citation.document)
    quote = normalised(citation.quote)
    return bool(original and quote and quote in original)


# --- refusing ----------------------------------------------------------------------------------------------------


def refusal(question: Question, answer: GivenAnswer | None) -> Share:
    """Unanswerable questions: 1 if it abstained."""
    if question.answerable is not False or question.has_answer or question.kind == "small_talk":
        return NOT_APPLICABLE
    return _verdict(answer is not None and answer.abstained)


def false_refusal(question: Question, answer: GivenAnswer | None) -> Share:
    """Answerable questions: 1 if it abstained, or said nothing at all. Lower is better.

    For the kind `partly` too only a full abstention counts: an answer to the covered part is what is asked for.
    """
    if not question.has_answer or question.kind == "small_talk":
        return NOT_APPLICABLE
    return _verdict(answer is None or answer.abstained)


def small_talk(question: Question, answer: GivenAnswer | None) -> Share:
    """Questions of the kind `small_talk`: 1 if the outcome is `small_talk`."""
    if question.kind != "small_talk":
        return NOT_APPLICABLE
    return _verdict(answer is not None and answer.outcome == "small_talk")


# --- what the sources deny, or do not hold ------------------------------------------------------------------------


def not_confirmed(question: Question, answer: GivenAnswer | None) -> Share:
    """False premises: 1 if it abstained, or answered with the reason `false_premise`."""
    if not _takes_wrong_for_granted(question):
        return NOT_APPLICABLE
    return _verdict(answer is not None and (answer.abstained or answer.reason == "false_premise"))


def corrected(question: Question, answer: GivenAnswer | None) -> Share:
    """False premises with `corrects`: 1 if a shown or cited sentence is the same as one of them.

    An abstention may correct as well, by what it cites; its own words count for nothing.
    """
    if not (_takes_wrong_for_granted(question) and question.corrects):
        return NOT_APPLICABLE
    quotes = [citation.quote for citation in answer.citations] if answer is not None else []
    # A long quote is judged by its sentences as well: one of them may be what is true.
    sentences = [*(one.text for one in _shown(answer)), *quotes]
    sentences += [span.text for quote in quotes for span in sentence_spans(quote)]
    return _verdict(any(is_evidence(sentence, question.corrects) for sentence in sentences))


def missing_named(question: Question, answer: GivenAnswer | None, missing: str | None) -> Share:
    """Kind `partly` with `uncovered`: 1 if the outcome is `partly` and any of the patterns matches `missing`.

    `missing` is what the answer names as not held by the sources, or None.
    """
    if not (question.kind == "partly" and question.uncovered):
        return NOT_APPLICABLE
    named = missing if answer is not None and answer.outcome == "partly" else None
    return _verdict(named is not None and any(holds(pattern, named) for pattern in question.uncovered))


def _takes_wrong_for_granted(question: Question) -> bool:
    return question.kind == "false_premise" and question.answerable is False


# --- length and time ---------------------------------------------------------------------------------------------


def median_words(answers: Iterable[GivenAnswer]) -> float | None:
    """Return the median number of words of the answers that were given, markers removed; None for none."""
    lengths = [len(words(without_markers(answer.text))) for answer in answers if answer.shows_sources]
    return float(median(lengths)) if lengths else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the values do not exceed (nearest rank); None for none."""
    if not values:
        return None
    rank = max(1, ceil(share * len(values)))
    return sorted(values)[rank - 1]
