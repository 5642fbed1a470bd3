"""The assistant as a part of LangChain: a runnable that answers, and a retriever.

    from assistant import open_assistant
    from assistant.runnables import AssistantRetriever, AssistantRunnable

    with open_assistant() as assistant:
        chain = AssistantRunnable(assistant) | (lambda answer: answer["text"])
        print(chain.invoke("Who leads USA next!?"))

Nobody imports this module by default. Callbacks see the question and the checked answer; what a language model writes
for the assistant reaches none of them, because an event stream shows people whatever a callback hears, and unchecked
sentences are shown to nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from contextvars import Context, copy_context
from functools import partial
from typing import Any, Protocol, TypeGuard, runtime_checkable

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import var_child_runnable_config
from langchain_core.utils.aiter import aclosing as aclosing_any

from assistant.domain import Answer, Hit, Turn
from assistant.errors import UsageError

# Asynchronous answers that one runnable works on at once; further ones wait. Most of the time is a model's silence.
ANSWERS_AT_ONCE = 32

Asked = str | Mapping[str, Any] | Sequence[BaseMessage] | PromptValue


@runtime_checkable
class Answers(Protocol):
    """Answers questions, as `assistant.Assistant` does."""

    def ask(self, question: str, history: Sequence[Turn]) -> Answer:
        """Return the answer to a question."""
        ...

    def stream(self, question: str, history: Sequence[Turn]) -> Generator[Answer, None, None]:
        """Yield the answer as far as it is written, at least once; the last one is whole."""
        ...


@runtime_checkable
class Searches(Protocol):
    """Finds passages, as `assistant.Assistant` does."""

    def search(self, question: str, history: Sequence[Turn] = (), limit: int | None = None) -> list[Hit]:
        """Return the hits of a question, best first."""
        ...


class AssistantRunnable(Runnable[Asked, dict[str, Any]]):
    """Answers a question with the `answer` object of an answer line, see `docs/answer.schema.json`.

    The input is one of three. A question. A mapping with `question` and perhaps `history`, oldest first, whose entries
    are mappings with `question` and perhaps `answer`, or messages; other keys are passed over. Or messages, also those
    of a prompt: the last human one is the question, those before it are the history, those after it do not count, and
    those of the system and of tools are passed over. A question without an answer is an answer that abstains.

    Streams yield the whole answer so far each time, not what is new in it; the last one is finished and, but for
    `seconds`, what `invoke` returns; without a language model it is the only one. Steps of LangChain that wait for
    the end of a stream get the last one. `pick` and `RunnablePassthrough.assign` do not wait, and what stands behind
    them in a chain gets the texts of all of them strung together: ask such a chain by `invoke`.

    Closing a stream closes the assistant's, which stops the language model; cancelling an asynchronous call does so as
    soon as the step under way ends: with the next sentence that is shown, or at the latest when the model's time is up.

    Raises:
        UsageError: From each call whose input is none of these.
    """

    def __init__(self, assistant: Answers, *, name: str | None = None) -> None:
        self.name = name
        self._assistant = assistant
        self._threads = ThreadPoolExecutor(ANSWERS_AT_ONCE, thread_name_prefix="assistant-runnable")

    def invoke(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the answer."""
        return self._call_with_config(self._answer, input, config, **kwargs)

    async def ainvoke(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the answer, which is made in another thread."""
        return await self._acall_with_config(self._answer_in_a_thread, input, config, **kwargs)

    def stream(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[dict[str, Any]]:
        """Yield the whole answer so far; the last one is finished."""
        yield from self._transform_stream_with_config(iter([input]), self._grow, config, **kwargs)

    async def astream(
        self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the whole answer so far, made in other threads; the last one is finished."""
        grown = self._atransform_stream_with_config(_only(input), self._grow_in_threads, config, **kwargs)
        async with aclosing_any(grown) as answers:
            async for answer in answers:
                yield answer

    def _answer(self, given: Asked) -> dict[str, Any]:
        question, history = _asked(given)
        return _apart().run(self._assistant.ask, question, history).to_dict()

    async def _answer_in_a_thread(self, given: Asked) -> dict[str, Any]:
        # By the stream, not by `ask`: it can be stopped between its steps.
        async with aclosing(self._grow_in_threads(_only(given))) as answers:
            *_, last = [answer async for answer in answers]
        return dict(last)

    def _grow(self, inputs: Iterator[Asked]) -> Iterator[dict[str, Any]]:
        """Yield the answers to the only input."""
        apart = _apart()
        for given in inputs:
            with closing(self._assistant.stream(*_asked(given))) as answers:
                shown = ""
                while (answer := apart.run(next, answers, None)) is not None:
                    if answer.complete or answer.text != shown:
                        yield _SoFar(answer.to_dict())
                    shown = answer.text

    async def _grow_in_threads(self, inputs: AsyncIterator[Asked]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the answers to the only input; the generator is closed at once, or when the step under way ends."""
        apart = _apart()
        async for given in inputs:
            answers = self._assistant.stream(*_asked(given))

            def step(answers: Generator[Answer, None, None] = answers) -> Answer | None:
                return apart.run(next, answers, None)

            under_way = self._threads.submit(step)
            try:
                shown = ""
                while (answer := await asyncio.wrap_future(under_way)) is not None:
                    if answer.complete or answer.text != shown:
                        yield _SoFar(answer.to_dict())
                    shown = answer.text
                    under_way = self._threads.submit(step)
            finally:
                # A running generator cannot be closed, and its thread goes on when the wait for it is cancelled.
                under_way.add_done_callback(partial(_close, answers))


class AssistantRetriever(BaseRetriever):
    """Finds the passages of a question, best first, as LangChain's documents; none where nothing matches.

    A document's id is its chunk's. Its metadata is plain values: `document`, `version`, `title`, `heading`, `page`,
    `language`, `start` and `end` in the stored text, `rank` from 1, and `score`, which says nothing across questions.

    Attributes:
        assistant: What searches.
        limit: How many passages at most; the assistant's own setting when not given.

    Raises:
        UsageError: From each call with something else than a text, or with a limit below 1.
    """

    assistant: Searches
    limit: int | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        if not isinstance(query, str):
            raise UsageError(f"The retriever was given {_kind(query)}. Give it the question as text.")
        return [_document(hit) for hit in self.assistant.search(query, limit=self.limit)]


class _SoFar(dict[str, Any]):
    """A state of a growing answer.

    LangChain adds up the parts of a stream for whatever needs all of it: here the later state holds the earlier. Plain
    mappings, which have no sum, would make it forget what stands beside them in a parallel step.
    """

    def __add__(self, later: dict[str, Any]) -> dict[str, Any]:
        return later


def _close(answers: Generator[Answer, None, None], _: object) -> None:
    answers.close()


def _apart() -> Context:
    """Return a copy of the current context in which LangChain does not know the caller's callbacks."""
    context = copy_context()
    context.run(var_child_runnable_config.set, None)
    return context


async def _only(given: Asked) -> AsyncGenerator[Asked, None]:
    yield given


def _document(hit: Hit) -> Document:
    chunk = hit.chunk
    return Document(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "document": chunk.document_id,
            "version": chunk.version,
            "title": chunk.title,
            "heading": chunk.heading,
            "page": chunk.page,
            "language": chunk.language,
            "start": chunk.start,
            "end": chunk.end,
            "rank": hit.rank,
            "score": float(hit.score),
        },
    )


# ---- What was asked ----


def _asked(given: object) -> tuple[str, list[Turn]]:
    """Return question and history of an input.

    Raises:
        UsageError: It holds no question, or something in it has the wrong type.
    """
    if isinstance(given, str):
        return given, []
    if isinstance(given, Mapping):
        return _question_in(given), _history_in(given)
    messages = given.to_messages() if isinstance(given, PromptValue) else given
    if not _are_messages(messages):
        raise UsageError(
            f"The assistant was given {_kind(given)}. Give it a question, a mapping with `question`, or messages."
        )
    turns = _turns(messages)
    if not turns:
        raise UsageError("None of the messages is a HumanMessage, so nothing is asked. Add one with the question.")
    return turns[-1].question, turns[:-1]


def _question_in(given: Mapping[str, Any]) -> str:
    if "question" not in given:
        keys = ", ".join(map(repr, given)) or "nothing"
        raise UsageError(f"The mapping holds no `question`, only {keys}. Put the question there.")
    if not isinstance(given["question"], str):
        raise UsageError(f"`question` is {_kind(given['question'])}. Give the question as text.")
    return given["question"]


def _history_in(given: Mapping[str, Any]) -> list[Turn]:
    history = given.get("history")
    if history is None:
        return []
    if _are_messages(history):
        return _turns(history)
    if not isinstance(history, list | tuple):
        raise UsageError(f"`history` is {_kind(history)}. Give a list of earlier questions, oldest first.")
    return [_turn(entry, number) for number, entry in enumerate(history, start=1)]


def _turn(entry: object, number: int) -> Turn:
    if isinstance(entry, Turn):
        return entry
    if isinstance(entry, Mapping):
        question, answer = entry.get("question"), entry.get("answer")
        if isinstance(question, str) and isinstance(answer, str | None):
            return Turn(question, answer)
    raise UsageError(
        f"Entry {number} of `history` is no earlier question. Give mappings with `question` and perhaps `answer`, both "
        "text, or messages alone."
    )


def _are_messages(given: object) -> TypeGuard[Sequence[BaseMessage]]:
    return isinstance(given, list | tuple) and all(isinstance(one, BaseMessage) for one in given)


def _turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """Return each human message with the last message of the model before the next."""
    turns: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            turns.append(Turn(str(message.text)))
        elif isinstance(message, AIMessage) and turns:
            turns[-1] = Turn(turns[-1].question, str(message.text))
    return turns


def _kind(value: object) -> str:
    """Return how to call a value of the wrong type: never what it holds, which may be private."""
    return "nothing" if value is None else f"a value of type {type(value).__name__}"
