"""Measures what a language model writes, beside the quotes that answer the same questions without one.

The written answers are asked first and as many as the time allows; the quotes answer exactly those. Both go through the
measures of `eval.scoring`, and what only a model can do wrong is counted besides: sentences that no quote carries,
answers that fall back to quotes, and claims that do not depend on what they cite.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import Answer, Assistant, Citation, open_assistant, read_settings
from eval import looks
from eval.answer_file import GivenAnswer, given_answer
from eval.answering import PROGRESS_EVERY, Say
from eval.errors import Misuse
from eval.intervals import SEED, clustered_bootstrap, paired_bootstrap, wilson
from eval.matching import words
from eval.measures import percentile
from eval.question_set import Half, Question, read_questions
from eval.run import QUESTIONS, open_quoting
from eval.scoring import Estimate, Report, score
from eval.sentences import MARKER, without_markers
from eval.systems import check_corpus

# Measures of `eval.scoring` that are shown for the model and for the quotes.
COMPARED = ("lead", "citation_precision", "citation_recall")
_LABEL = 42


@dataclass(frozen=True, slots=True)
class WrittenPlan:
    """What one evaluation of written answers does.

    Attributes:
        sample: Questions at most.
        seconds: Time for asking the model; the question that is being asked when it is spent is still finished.
        asked_again: How many answers are asked again without the words that their first sentence cites.
        why: Reason for a look at the reporting half.
    """

    corpus: Path
    data: Path
    half: Half = "tuning"
    sample: int = 40
    seconds: float = 600.0
    asked_again: int = 10
    questions: Path = QUESTIONS
    looks: Path = looks.LOOKS
    why: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """One answer as it came from the stream.

    Attributes:
        sentences: The model's sentences that are shown, in order, each with its markers.
        first_seconds: From the question to the first text that cites something; None where nothing is cited.
        seconds: From the question to the whole answer.
    """

    question: Question
    answer: Answer
    sentences: tuple[str, ...]
    first_seconds: float | None
    seconds: float

    @property
    def asked_the_model(self) -> bool:
        """Whether the answer was the model's to write: a question refused before that, and a greeting, are not."""
        return self.answer.model is not None

    @property
    def fell_back(self) -> bool:
        """Whether quotes stand in for the model, whole or in part."""
        return self.answer.reason == "model_failed" or not self.sentences

    @property
    def first_cited(self) -> list[Citation]:
        """What the model's first sentence cites; empty without one."""
        numbers = {int(number) for number in MARKER.findall(self.sentences[0])} if self.sentences else set()
        return [citation for citation in self.answer.citations if citation.number in numbers]


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """An answer that was asked again without the words that its first sentence cites.

    Attributes:
        sentence: That sentence, without its markers.
        text: The answer that came then.
        faithful: The sentence is gone from it; None where the model failed and so said nothing about it.
    """

    question: Question
    sentence: str
    text: str
    faithful: bool | None


@dataclass(frozen=True, slots=True)
class WrittenFinding:
    """What was found.

    Attributes:
        model: The model's name, as configured.
        wanted: Questions in the sample; those that the time did not allow included.
        quotes: The answers without a model to the same questions, by question id.
        seconds: Time spent on asking the model.
    """

    model: str
    half: Half
    wanted: int
    written: Sequence[WrittenAnswer]
    again: Sequence[AskedAgain]
    quotes: Mapping[str, GivenAnswer]
    seconds: float

    @property
    def unfaithful(self) -> list[AskedAgain]:
        """The answers that kept their first sentence without what it had cited."""
        return [one for one in self.again if one.faithful is False]

    def estimates(self) -> dict[str, Estimate]:
        """Return all shares and means that there is something to count for, in the order of the table."""
        found = {
            "sentences shown per answer": _mean([len(one.sentences) for one in self._by_model]),
            "sentences lost": self._lost(),
            "answers fallen back to quotes": _share([one.fell_back for one in self._by_model if _is_shown(one)]),
            **self._compared(),
            "claims kept without their quote": _share(
                [not one.faithful for one in self.again if one.faithful is not None]
            ),
        }
        return {name: estimate for name, estimate in found.items() if estimate is not None}

    @property
    def _by_model(self) -> list[WrittenAnswer]:
        return [one for one in self.written if one.asked_the_model]

    def _lost(self) -> Estimate | None:
        lost = [one.answer.left_out for one in self._by_model]
        of = [one.answer.left_out + len(one.sentences) for one in self._by_model]
        if not sum(of):
            return None
        counted = sum(count > 0 for count in of)
        return Estimate(sum(lost) / sum(of), clustered_bootstrap(lost, of), sum(of), counted)

    def _compared(self) -> dict[str, Estimate | None]:
        written = self._report("written", {one.question.id: given_answer(one.answer.to_dict()) for one in self.written})
        quotes = self._report("quotes", self.quotes)
        found: dict[str, Estimate | None] = {}
        for measure in COMPARED:
            found[f"{measure}, written"] = written.overall.estimates.get(measure)
            found[f"{measure}, quotes"] = quotes.overall.estimates.get(measure)
            if measure == "lead":
                found["lead, written minus quotes"] = _mean(_differences(written, quotes, measure))
        return found

    def _report(self, system: str, answers: Mapping[str, GivenAnswer]) -> Report:
        return score(system, [one.question for one in self.written], answers)

    def times(self) -> dict[str, tuple[float | None, float | None]]:
        """Return p50 and p95 in seconds (nearest rank) of what was the model's to write; None for nothing."""
        first = [one.first_seconds for one in self._by_model if one.first_seconds is not None]
        whole = [one.seconds for one in self._by_model]
        named = {"first verified sentence": first, "whole answer": whole}
        return {name: (percentile(values, 0.5), percentile(values, 0.95)) for name, values in named.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values for JSON."""
        return {
            "model": self.model,
            "half": self.half,
            "sample": self.wanted,
            "asked": len(self.written),
            "shown": sum(_is_shown(one) for one in self.written),
            "seconds": round(self.seconds, 1),
            "measures": {name: estimate.to_dict() for name, estimate in self.estimates().items()},
            "times": {name: {"p50": _rounded(p50), "p95": _rounded(p95)} for name, (p50, p95) in self.times().items()},
            "asked_again": len(self.again),
            "not_judged": sum(one.faithful is None for one in self.again),
            "kept": [{"id": one.question.id, "sentence": one.sentence, "again": one.text} for one in self.unfaithful],
        }

    def as_table(self) -> str:
        """Return all figures as text."""
        asked, shown = len(self.written), sum(_is_shown(one) for one in self.written)
        lines = [
            f"{self.model}: {asked} of {self.wanted} questions of the half {self.half!r} asked in {self.seconds:.0f} "
            f"seconds, {shown} answered from the documents.",
            *(_row(name, estimate) for name, estimate in self.estimates().items()),
            *(f"  {f'{name}, s (p50 / p95)':<{_LABEL}}{_seconds(pair)}" for name, pair in self.times().items()),
        ]
        for one in self.unfaithful:
            lines.append(f"  kept without its quote, {one.question.id}: {one.sentence}")
        return "\n".join(lines) + "\n"


def evaluate_written(plan: WrittenPlan, say: Say) -> WrittenFinding:
    """Ask a sample of the answerable questions with the language model of the settings, then without one.

    Raises:
        Misuse: No language model is set, the sample or its time makes no sense, the reporting half is asked without a
            reason, there is no such corpus, or no answerable question in the half.
        AssistantError: The settings, the corpus, the data folder or the model cannot be used.
    """
    if plan.sample < 1:
        raise Misuse(f"--sample {plan.sample}: asks nothing; ask for 1 or more.")
    if not plan.seconds > 0:
        raise Misuse(f"--seconds {plan.seconds:g}: leaves no time to ask; give more than 0.")
    if plan.half == "reporting" and not (plan.why or "").strip():
        raise Misuse("A look at the reporting half needs a reason: --why TEXT. It is written to eval/looks.csv.")
    if read_settings(corpus=plan.corpus, data=plan.data).model is None:
        raise Misuse(
            "No language model is set, so no answer is written. Name one in ASSISTANT_MODEL, as provider:name."
        )
    check_corpus(plan.corpus)
    questions = drawn(read_questions(plan.questions, plan.half), plan.sample)
    if not questions:
        raise Misuse(f"{plan.questions}: holds no answerable question of the half {plan.half!r}.")
    if plan.half == "reporting":
        looks.log_look(plan.half, str(plan.why), plan.looks)
    with open_assistant(corpus=plan.corpus, data=plan.data) as assistant:
        model = assistant.writing_model
        assert model is not None, "a model was set"
        assistant.warm_up()
        say(f"{model.name} on {model.host}: {len(questions)} questions, {plan.seconds:g} seconds at most.")
        started = time.perf_counter()
        written, again = _ask(plan, questions, assistant, say)
        seconds = time.perf_counter() - started
    # One after the other: a data folder has one owner.
    with open_quoting(plan.corpus, plan.data) as assistant:
        say("The same questions without a model.")
        asked = [one.question for one in written]
        quotes = {one.id: given_answer(assistant.ask(one.question, one.history).to_dict()) for one in asked}
    return WrittenFinding(model.name, plan.half, len(questions), written, again, quotes, seconds)


def drawn(questions: Sequence[Question], count: int) -> list[Question]:
    """Return a seeded sample of the answerable questions, in an order of which each beginning is a sample too.

    Each beginning holds the languages in the proportions of all, as far as whole questions allow: a sample that the
    time cuts short is still one. Fewer where there are fewer.
    """
    chance = random.Random(SEED)  # noqa: S311 - a sample, no secret
    answerable = [one for one in questions if one.has_answer and one.kind != "small_talk"]
    placed = []
    for language in sorted({one.language for one in answerable}):
        group = [one for one in answerable if one.language == language]
        chance.shuffle(group)
        placed += [((place + 0.5) / len(group), language, one) for place, one in enumerate(group)]
    return [one for _, _, one in sorted(placed, key=lambda each: each[:2])][:count]


def _ask(
    plan: WrittenPlan, questions: Sequence[Question], assistant: Assistant, say: Say
) -> tuple[list[WrittenAnswer], list[AskedAgain]]:
    """Ask until the time is spent; what is asked again is so at once, so that a short time leaves some of both."""
    ends = time.perf_counter() + plan.seconds
    written: list[WrittenAnswer] = []
    again: list[AskedAgain] = []
    for question in questions:
        if time.perf_counter() >= ends:
            say(f"The time is spent after {len(written)} of {len(questions)} questions.")
            break
        one = write(assistant, question)
        written.append(one)
        if len(again) < plan.asked_again and one.first_cited and time.perf_counter() < ends:
            again.append(ask_again(assistant, one))
        if len(written) % PROGRESS_EVERY == 0:
            say(f"{len(written)} of {len(questions)} questions asked.")
    return written, again


def write(assistant: Assistant, question: Question) -> WrittenAnswer:
    """Return the answer to a question, with the model's sentences as they came and the time they took."""
    started = time.perf_counter()
    first_seconds: float | None = None
    sentences: list[str] = []
    begun = ""
    answers: Iterator[Answer] = assistant.stream(question.question, question.history)
    for answer in answers:
        if answer.citations and first_seconds is None:
            first_seconds = time.perf_counter() - started
        # Until it is complete the text holds the model's sentences alone, and grows by one at a time.
        if not answer.complete and answer.text != begun:
            sentences.append(answer.text[len(begun) :].strip())
            begun = answer.text
    return WrittenAnswer(question, answer, tuple(sentences), first_seconds, time.perf_counter() - started)


def ask_again(assistant: Assistant, one: WrittenAnswer) -> AskedAgain:
    """Ask once more as if the words that the first sentence cites stood nowhere, and see whether it is still said.

    A claim that rests on its quote goes with it. Where the same words come again, citing something else, or the whole
    text is the same, the quote was not what it rested on.
    """
    after = assistant.ask_without(one.question.question, one.first_cited, one.question.history)
    sentence = without_markers(one.sentences[0])
    # With no sentence of its own, shown or not, a model that failed has said nothing.
    failed = after.reason == "model_failed" and not after.left_out
    faithful = None if failed else not (after.text == one.answer.text or _says(after.text, sentence))
    return AskedAgain(one.question, sentence, after.text, faithful)


def _says(text: str, sentence: str) -> bool:
    """Return whether the words of a sentence stand in a text, one after the other."""
    said, wanted = words(without_markers(text)), words(sentence)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(said)} "


def _is_shown(one: WrittenAnswer) -> bool:
    return one.answer.outcome in ("answered", "partly")


# ---- Figures ----


def _share(verdicts: Sequence[bool]) -> Estimate | None:
    if not verdicts:
        return None
    hits, of = sum(verdicts), len(verdicts)
    return Estimate(hits / of, wilson(hits, of), of, of)


def _mean(values: Sequence[float]) -> Estimate | None:
    if not values:
        return None
    # The bootstrap of a mean, one value a question: differences or counts.
    return Estimate(sum(values) / len(values), paired_bootstrap(values), len(values), len(values))


def _differences(new: Report, old: Report, measure: str) -> list[float]:
    """Return new minus old, question by question, where the measure applies to both."""
    pairs = zip(new.scores, old.scores, strict=True)
    return [
        one.shares[measure].hits - other.shares[measure].hits
        for one, other in pairs
        if measure in one.shares and measure in other.shares
    ]


def _row(name: str, estimate: Estimate) -> str:
    interval = f"[{estimate.interval.low:.3f}, {estimate.interval.high:.3f}]"
    return f"  {name:<{_LABEL}}{estimate.value:.3f} {interval} {estimate.counted}"


def _seconds(pair: tuple[float | None, float | None]) -> str:
    return " / ".join("-" if value is None else f"{value:.2f}" for value in pair)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
