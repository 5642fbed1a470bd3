"""Questions to start with and to go on with, from a bank; only those are offered that the present corpus answers.

The bank is `assistant/questions.tsv`. Whether the corpus still answers a question is found out by asking it, since a
document can be changed or taken out at any time; what was found out holds until the corpus changes.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.domain import Answer, Citation, Language
from assistant.errors import UsageError
from assistant.language import words

QUESTIONS_PATH = Path(__file__).parent.parent / "questions.tsv"
COLUMNS = ("id", "segments", "stages", "sources", "en", "nb")
SEGMENTS = ("medtech", "diagnostics", "digital_health", "biotech", "elder_care")
STAGES = ("exploring", "preparing", "entering", "growing")

# Cosine from which two questions count as one. In the bank, whose questions all ask different things, the nearest
# other question lies below it for 95 of 100 (measured with the default model, English wordings).
PARAPHRASE = 0.74
# The first questions shown come from as many topics as this allows.
STARTERS_OF_A_TOPIC = 2
# What a question of the bank gains, in standard deviations of its cosines: with two, a question from the document that
# opened the answer is beaten only by those few of others that are unusually near, about one in forty; with one, one in
# six. Chosen for that meaning, not fitted to questions.
SAME_SOURCE = 2.0
NEAR_SOURCE = 1.0
# A long conversation is compared by meaning with its latest questions only; by words with all of them.
QUESTIONS_COMPARED = 8

LANGUAGES: tuple[Language, ...] = ("en", "nb")

Ask = Callable[[str], Answer]
Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
Corpus = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """One question of the bank, in both languages.

    Attributes:
        id: `topic.name`.
        segments: Whom it is for, among `SEGMENTS`; empty means everybody.
        stages: When it is asked, among `STAGES`; empty means at any time.
        sources: Ids of the documents whose words open its answer, with their translations.
    """

    id: str
    segments: frozenset[str]
    stages: frozenset[str]
    sources: frozenset[str]
    en: str
    nb: str

    @property
    def topic(self) -> str:
        """What it is about: the part of the id before the dot."""
        return self.id.split(".")[0]

    def text(self, language: Language) -> str:
        """Return the wording in a language; bokmål stands for nynorsk."""
        return self.en if language == "en" else self.nb


def read_bank(lines: Iterable[str]) -> tuple[BankQuestion, ...]:
    """Read questions from tab-separated lines under a line of column names; lines with `#` are comments.

    Raises:
        UsageError: A line has other columns than `COLUMNS`.
    """
    rows = [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]
    for number, row in enumerate(rows):
        if len(row) != len(COLUMNS) or (number == 0 and row != list(COLUMNS)):
            raise UsageError(
                f"Line {number + 1} of the bank of questions has other columns than {', '.join(COLUMNS)}: "
                f"{' | '.join(row)}. Part the cells by one tab each."
            )
    return tuple(
        BankQuestion(id_, frozenset(segments.split()), frozenset(stages.split()), frozenset(sources.split()), en, nb)
        for id_, segments, stages, sources, en, nb in rows[1:]
    )


@cache
def load_bank() -> tuple[BankQuestion, ...]:
    """Return the questions of `assistant/questions.tsv`, in the order of the file."""
    with QUESTIONS_PATH.open(encoding="utf-8") as lines:
        return read_bank(lines)


class Suggestions:
    """Chooses questions from a bank; safe to use from several threads.

    Nothing is asked or embedded before a suggestion is wanted. What the corpus answers is remembered until it changes.
    """

    def __init__(
        self,
        bank: Sequence[BankQuestion],
        ask: Ask,
        embed: Embed,
        corpus: Corpus,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the doors to what is outside.

        Args:
            bank: In the order in which questions are offered where nothing else decides.
            ask: Answers a question in quotes, without a history.
            embed: One unit vector per text, of either language.
            corpus: The current documents by id, with what changes when their text does: an unchanging picture.
            ready: Whether `ask` answers at once; until then questions are offered unasked if their documents are there.
        """
        self._bank = tuple(bank)
        self._ask = ask
        self._embed = embed
        self._corpus = corpus
        self._ready = ready
        self._lock = threading.Lock()
        self._picture: Mapping[str, Any] = {}
        self._openings: dict[tuple[str, bool], Citation | None] = {}
        self._vectors: dict[tuple[str, bool], npt.NDArray[np.float32]] = {}

    # ---- To start with ----

    def starters(
        self, segment: str | None = None, stage: str | None = None, language: Language = "en", count: int = 6
    ) -> tuple[str, ...]:
        """Return questions for a visitor of a segment at a stage, best fit first, from several topics.

        Where too few fit, questions for everybody and then those of other stages follow. The same arguments over the
        same corpus give the same questions; fewer than `count`, or none, where the corpus answers no more.

        Raises:
            UsageError: The segment or the stage is none of ours.
        """
        _check(segment, SEGMENTS, "segment")
        _check(stage, STAGES, "stage")
        return tuple(question.text(language) for question in self._start(segment, stage, language, count))

    def _start(
        self, segment: str | None, stage: str | None, language: Language, count: int, barred: Set[str] = frozenset()
    ) -> list[BankQuestion]:
        chosen: list[BankQuestion] = []
        topics: Counter[str] = Counter()
        candidates = [question for question in _by_fit(self._bank, segment, stage) if question.id not in barred]
        for of_a_topic in (STARTERS_OF_A_TOPIC, count):
            for question in candidates:
                if len(chosen) >= count:
                    return chosen
                if question in chosen or topics[question.topic] >= of_a_topic:
                    continue
                if self._may_be_offered(question, language):
                    chosen.append(question)
                    topics[question.topic] += 1
        return chosen

    def _may_be_offered(self, question: BankQuestion, language: Language) -> bool:
        if self._ready():
            return self._opening(question, language) is not None
        return not question.sources.isdisjoint(self._corpus())

    # ---- To go on with ----

    def follow_ups(
        self, asked: Sequence[str], answer: Answer, language: Language = "en", count: int = 3
    ) -> tuple[str, ...]:
        """Return questions near to the latest one and its answer, best first; none was asked, and each has an answer.

        Questions answered from the document that opened the answer are preferred, then those from the other documents
        cited and those on the same topics. After small talk and off-topic questions, which are near to nothing, it is
        questions to start with.

        Args:
            asked: The visitor's questions, oldest first; the last one is what `answer` answers.
        """
        worded = {_wording(question) for question in asked}
        barred = {one.id for one in self._bank if not worded.isdisjoint((_wording(one.en), _wording(one.nb)))}
        if answer.outcome == "small_talk" or answer.reason in {"off_topic", "empty_corpus", "bad_question"}:
            return tuple(one.text(language) for one in self._start(None, None, language, count, barred))
        picture = self._corpus()
        candidates = [one for one in self._bank if not one.sources.isdisjoint(picture)]
        if not candidates or count < 1:
            return ()
        bank = self._vectors_of(candidates, language)
        # The latest question as it stands alone: "and what does it cost?" is near to nothing.
        texts = [*asked[-QUESTIONS_COMPARED:-1], answer.query.search_text]
        opening = [citation.quote for citation in answer.citations[:1]]
        vectors = self._embed([*texts, *opening])
        paraphrases = (bank @ vectors[: len(texts)].T).max(axis=1) >= PARAPHRASE
        scores = _nearness(candidates, bank @ vectors[len(texts) - 1 :].mean(axis=0), answer)
        read = {(citation.document, citation.start) for citation in answer.citations}
        chosen: list[int] = []
        for place in map(int, np.argsort(-scores, kind="stable")):
            if len(chosen) == count:
                break
            question = candidates[place]
            if question.id in barred or paraphrases[place] or (bank[chosen] @ bank[place] >= PARAPHRASE).any():
                continue
            first = self._opening(question, language)
            # An answer that opens with words that were just read is the same answer again.
            if first is not None and (first.document, first.start) not in read:
                chosen.append(place)
        return tuple(candidates[place].text(language) for place in chosen)

    def _vectors_of(self, questions: Sequence[BankQuestion], language: Language) -> npt.NDArray[np.float32]:
        """Return one vector per question, shape (questions, dimensions); each is made once."""
        english = language == "en"
        missing = [one for one in questions if (one.id, english) not in self._vectors]
        if missing:
            made = self._embed([one.text(language) for one in missing])
            self._vectors.update({(one.id, english): vector for one, vector in zip(missing, made, strict=True)})
        return np.stack([self._vectors[one.id, english] for one in questions])

    # ---- What the corpus answers ----

    def prepare(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Find out ahead which questions the corpus answers, so that suggestions come at once.

        Rests three times as long as it works, so that visitors who ask meanwhile do not notice.

        Args:
            goes_on: Asked before each question; when it returns False, the rest is left to be found out when wanted.
        """
        for language in LANGUAGES:
            there = [one for one in self._bank if not one.sources.isdisjoint(self._corpus())]
            if there:
                self._vectors_of(there, language)
            for question in there:
                if not goes_on():
                    return
                started = time.perf_counter()
                self._opening(question, language)
                time.sleep(3 * (time.perf_counter() - started))

    def _opening(self, question: BankQuestion, language: Language) -> Citation | None:
        """Return the citation that opens the answer to a question of the bank, or None where it has no good answer."""
        picture = self._corpus()
        with self._lock:
            if picture is not self._picture and picture != self._picture:
                self._openings = {}
            self._picture = picture
            openings = self._openings
        key = question.id, language == "en"
        if key not in openings:
            openings[key] = None if question.sources.isdisjoint(picture) else self._asked(question, language)
        return openings[key]

    def _asked(self, question: BankQuestion, language: Language) -> Citation | None:
        answer = self._ask(question.text(language))
        if answer.outcome != "answered" or not answer.citations or (answer.language == "en") != (language == "en"):
            return None
        # With its documents taken out most questions still find something that looks like an answer elsewhere.
        return answer.citations[0] if answer.citations[0].document in question.sources else None


def _nearness(
    questions: Sequence[BankQuestion], cosines: npt.NDArray[np.float32], answer: Answer
) -> npt.NDArray[np.float32]:
    """Return how near each question is to an answer, shape (questions,): its cosine, raised for its documents."""
    cited = [citation.document for citation in answer.citations] or list(answer.nearest)
    topics = {one.topic for one in questions if not one.sources.isdisjoint(cited[:1])}
    gains = [
        SAME_SOURCE
        if not one.sources.isdisjoint(cited[:1])
        else NEAR_SOURCE * (one.topic in topics or not one.sources.isdisjoint(cited))
        for one in questions
    ]
    raised: npt.NDArray[np.float32] = cosines + cosines.std() * np.array(gains, dtype=np.float32)
    return raised


def _by_fit(bank: Sequence[BankQuestion], segment: str | None, stage: str | None) -> list[BankQuestion]:
    """Return the questions for a segment, best fit first; among equals each topic's first, then each one's second.

    A question of few segments fits each of them better than one of many, and one of the stage better than another.
    """

    def fit(question: BankQuestion) -> tuple[bool, bool]:
        other_stage = stage is not None and bool(question.stages) and stage not in question.stages
        return other_stage, segment is not None and not question.segments

    def width(question: BankQuestion) -> int:
        return 0 if segment is None else len(question.segments)

    allowed = [one for one in bank if segment is None or not one.segments or segment in one.segments]
    met: Counter[tuple[tuple[bool, bool], str]] = Counter()
    ranked: list[tuple[tuple[bool, bool], int, int, BankQuestion]] = []
    for question in sorted(allowed, key=width):
        ranked.append((fit(question), met[fit(question), question.topic], width(question), question))
        met[fit(question), question.topic] += 1
    return [question for *_, question in sorted(ranked, key=lambda one: one[:3])]


def _check(value: str | None, known: Sequence[str], name: str) -> None:
    if value is not None and value not in known:
        raise UsageError(f"There is no {name} {value!r}. Choose one of {', '.join(known)}, or none.")


def _wording(question: str) -> tuple[str, ...]:
    return tuple(words(question))
