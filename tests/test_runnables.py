"""The assistant as a part of LangChain: one answer in every way of calling, in chains, streams and traces."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough

from assistant import Answer, Assistant, Turn, read_settings
from assistant.errors import UsageError
from assistant.runnables import AssistantRetriever, AssistantRunnable
from tests.conftest import LIGHTHOUSE, MENTORS
from tests.scripted_server import Reply, ScriptedServer

FEE = "How much is the walrus fee?"
WAFFLES = "Hva koster vaflene i Bodø?"
WHEN_PAID = "When is it paid?"
ASKED = [
    pytest.param(FEE, id="a question"),
    pytest.param({"question": FEE, "other": 1}, id="a mapping"),
    pytest.param({"question": FEE, "history": None}, id="no history"),
    pytest.param([HumanMessage(FEE)], id="a message"),
    pytest.param([SystemMessage("Be brief."), HumanMessage([{"type": "text", "text": FEE}])], id="parts of a message"),
    pytest.param(ChatPromptTemplate([("human", "{asked}")]).invoke({"asked": FEE}), id="a prompt"),
]
FOLLOWED_UP = [
    pytest.param({"question": WHEN_PAID, "history": [{"question": FEE}]}, id="questions"),
    pytest.param({"question": WHEN_PAID, "history": [{"question": FEE, "answer": "4,711 [1]"}]}, id="answers"),
    pytest.param({"question": WHEN_PAID, "history": [Turn(FEE)]}, id="turns"),
    pytest.param(
        {"question": WHEN_PAID, "history": (HumanMessage(FEE), AIMessage("4,711"))}, id="a history of messages"
    ),
    pytest.param([HumanMessage(FEE), AIMessage("4,711"), HumanMessage(WHEN_PAID)], id="messages"),
    pytest.param([HumanMessage(FEE), HumanMessage(WHEN_PAID), AIMessage("In May.")], id="an answer at the end"),
]
BAD = [
    pytest.param(
        None, r"^The assistant was given nothing\. Give it a question, a mapping with `question`", id="nothing"
    ),
    pytest.param(7, r"^The assistant was given a value of type int\.", id="a number"),
    pytest.param([FEE], r"^The assistant was given a value of type list\.", id="no messages"),
    pytest.param([], r"^None of the messages is a HumanMessage, so nothing is asked\.", id="an empty list"),
    pytest.param([AIMessage("Hello.")], r"^None of the messages is a HumanMessage", id="nobody asks"),
    pytest.param({}, r"^The mapping holds no `question`, only nothing\. Put the question there\.", id="empty mapping"),
    pytest.param({"input": FEE}, r"^The mapping holds no `question`, only 'input'\.", id="another key"),
    pytest.param({"question": None}, r"^`question` is nothing\. Give the question as text\.", id="no question"),
    pytest.param({"question": 7}, r"^`question` is a value of type int\.", id="no text"),
    pytest.param({"question": FEE, "history": FEE}, r"^`history` is a value of type str\. Give a list", id="no list"),
    pytest.param(
        {"question": FEE, "history": ["Why?"]}, r"^Entry 1 of `history` is no earlier question", id="no entry"
    ),
    pytest.param(
        {"question": FEE, "history": [{"question": FEE}, {"answer": "?"}]}, r"^Entry 2 of `history`", id="half an entry"
    ),
    pytest.param(
        {"question": FEE, "history": [{"question": FEE, "answer": 7}]}, r"^Entry 1 of `history`", id="no answer's text"
    ),
    pytest.param(
        {"question": FEE, "history": [{"question": FEE}, HumanMessage(FEE)]}, r"^Entry 2 of `history`", id="a mixture"
    ),
]
SENTENCES = ("The walrus fee is 4,711 dollars per company.", "It is paid in October.")
CLAIMS = tuple(f"QUOTE P1: {sentence}\nCLAIM: {sentence}\n" for sentence in SENTENCES)


class Listener(BaseCallbackHandler):
    """Notes what LangChain's tracing is told: what kind of thing happened, to whom, and what it gave."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.outputs: list[Any] = []

    def on_chain_start(self, serialized: Any, inputs: Any, **more: Any) -> None:
        self.told.append(("start", more["name"]))

    def on_chain_end(self, outputs: Any, **more: Any) -> None:
        self.told.append(("end", ""))
        self.outputs.append(outputs)

    def on_chain_error(self, error: BaseException, **more: Any) -> None:
        self.told.append(("error", type(error).__name__))

    def on_retriever_start(self, serialized: Any, query: str, **more: Any) -> None:
        self.told.append(("search", query))

    def on_retriever_end(self, documents: Any, **more: Any) -> None:
        self.told.append(("found", ""))

    def on_chat_model_start(self, serialized: Any, messages: Any, **more: Any) -> None:
        self.told.append(("model", ""))


# ---- Assistants ----


@pytest.fixture(scope="module")
def over_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Assistant]]:
    """Open assistants over two notes, in English and Norwegian; closed with the module."""
    folder = tmp_path_factory.mktemp("runnables")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "mentors.md").write_text(MENTORS, encoding="utf-8")
    (folder / "corpus" / "lighthouse.txt").write_text(LIGHTHOUSE, encoding="utf-8")
    opened: list[Assistant] = []

    def open_one(**settings: object) -> Assistant:
        data = folder / f"data-{len(opened)}"
        assistant = Assistant(read_settings(corpus=folder / "corpus", data=data, **settings))
        opened.append(assistant)
        assistant.warm_up()
        assert not assistant.sync().failed
        return assistant

    yield open_one
    for assistant in opened:
        assistant.close()


@pytest.fixture(scope="module")
def quoting(over_notes: Callable[..., Assistant]) -> Assistant:
    """An assistant without a language model."""
    return over_notes()


@pytest.fixture(scope="module")
def script() -> list[Reply]:
    """What the language model does next; the last reply is given again and again."""
    return [Reply(pieces=CLAIMS)]


@pytest.fixture(scope="module")
def server(script: list[Reply]) -> Iterator[ScriptedServer]:
    """A language model's server that does what `script` says."""
    with ScriptedServer(lambda request: script[-1]) as running:
        yield running


@pytest.fixture(scope="module")
def writing(over_notes: Callable[..., Assistant], server: ScriptedServer) -> Assistant:
    """An assistant with a language model behind a real socket."""
    return over_notes(model="openai:scripted", model_address=server.url)


@pytest.fixture
def silent(script: list[Reply]) -> Iterator[None]:
    """Let the model write its first claim and then say nothing for a minute."""
    script.append(Reply(pieces=CLAIMS, silent_after=1))
    yield
    script.pop()


@pytest.fixture(params=["quoting", "writing"])
def runnable(request: pytest.FixtureRequest) -> AssistantRunnable:
    """The runnable of an assistant that quotes, and of one that writes."""
    return AssistantRunnable(request.getfixturevalue(request.param))


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without how long it took."""
    assert answer["seconds"] >= 0
    return {key: value for key, value in answer.items() if key != "seconds"}


async def collected(answers: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all that an asynchronous stream yields."""
    return [answer async for answer in answers]


# ---- One answer, however it is asked for ----


@pytest.mark.parametrize("question", [FEE, WAFFLES, "Who won the 2018 World Cup?", ""])
def test_every_way_of_calling_gives_the_same_answer(runnable, question):
    """`invoke`, the end of a stream and of an asynchronous one, and `ainvoke`: the object of an answer line."""
    answer = timeless(runnable.invoke(question))
    assert answer == timeless(runnable._assistant.ask(question).to_dict())
    assert answer == timeless(list(runnable.stream(question))[-1])
    assert answer == timeless(asyncio.run(runnable.ainvoke(question)))
    assert answer == timeless(asyncio.run(collected(runnable.astream(question)))[-1])


@pytest.mark.parametrize("asked", ASKED)
def test_a_question_may_come_as_text_mapping_or_messages(quoting, asked):
    """Each kind of input asks the same."""
    assert "4,711 dollars" in AssistantRunnable(quoting).invoke(asked)["text"]


@pytest.mark.parametrize("asked", FOLLOWED_UP)
def test_a_follow_up_is_understood_by_its_history(quoting, asked):
    """The earlier question says what "it" is; how the history was written makes no difference."""
    answer = AssistantRunnable(quoting).invoke(asked)
    assert timeless(answer) == timeless(quoting.ask(WHEN_PAID, [Turn(FEE)]).to_dict())
    assert "October" in answer["text"]


@pytest.mark.parametrize(("asked", "sentence"), BAD)
def test_bad_input_gets_one_sentence(quoting, asked, sentence):
    """In every way of calling; values are never repeated, they may be private."""
    runnable = AssistantRunnable(quoting)
    with pytest.raises(UsageError, match=sentence):
        runnable.invoke(asked)
    with pytest.raises(UsageError, match=sentence):
        list(runnable.stream(asked))
    with pytest.raises(UsageError, match=sentence):
        asyncio.run(runnable.ainvoke(asked))
    with pytest.raises(UsageError, match=sentence):
        asyncio.run(collected(runnable.astream(asked)))


def test_batches_keep_the_order_of_their_questions(quoting):
    """Also asynchronous ones; a bad input is told apart from the answers where that is asked for."""
    runnable = AssistantRunnable(quoting)
    questions = [FEE, WAFFLES] * 3
    expected = [timeless(runnable.invoke(question)) for question in questions]
    assert [timeless(answer) for answer in runnable.batch(questions)] == expected
    assert [timeless(answer) for answer in asyncio.run(runnable.abatch(questions))] == expected
    good, bad = runnable.batch([FEE, {}], return_exceptions=True)
    assert timeless(good) == expected[0]
    assert isinstance(bad, UsageError)


# ---- Streams ----


def test_a_stream_gives_the_whole_answer_so_far(writing):
    """Each text begins with the one before; a synchronous stream and an asynchronous one are the same."""
    runnable = AssistantRunnable(writing)
    texts = [answer["text"] for answer in runnable.stream(FEE)]
    assert texts[0] == f"{SENTENCES[0]} [1]"
    assert texts[-1] == f"{SENTENCES[0]} [1] {SENTENCES[1]} [2]"
    assert all(later.startswith(text) for text, later in pairwise(texts))
    assert [answer["text"] for answer in asyncio.run(collected(runnable.astream(FEE)))] == texts


@pytest.mark.usefixtures("silent")
def test_closing_a_stream_stops_the_language_model(writing, server, until):
    """The connection to the model ends while it is silent, however the stream was read; also inside a chain."""
    before = server.closed_early

    async def read_one(stream: AsyncIterator[dict[str, Any]]) -> None:
        async with aclosing(stream) as answers:
            assert SENTENCES[0] in (await anext(answers))["text"]

    for count, runnable in enumerate((AssistantRunnable(writing), RunnablePassthrough() | AssistantRunnable(writing))):
        with closing(runnable.stream(FEE)) as answers:
            assert SENTENCES[0] in next(answers)["text"]
        until(lambda count=count: server.closed_early == before + 2 * count + 1)
        asyncio.run(read_one(runnable.astream(FEE)))
        until(lambda count=count: server.closed_early == before + 2 * count + 2)


class Interrupted:
    """An assistant whose second step lasts until `go_on` is set, and that notes when its stream is closed."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.waits, self.go_on, self.closed = threading.Event(), threading.Event(), threading.Event()
        # Held, so that only somebody who closes them ends them.
        self.streams: list[Generator[Answer, None, None]] = []

    def ask(self, question: str, history: Sequence[Turn]) -> Answer:
        return self.answer

    def stream(self, question: str, history: Sequence[Turn]) -> Generator[Answer, None, None]:
        self.streams.append(self._steps())
        return self.streams[-1]

    def _steps(self) -> Generator[Answer, None, None]:
        try:
            yield self.answer
            self.waits.set()
            assert self.go_on.wait(60)
            yield self.answer
            pytest.fail("nobody asked for a third step")
        finally:
            self.closed.set()


@pytest.mark.parametrize("name", ["stream", "astream"])
def test_whoever_stops_reading_closes_the_assistants_stream(quoting, name):
    """Between two steps it is closed at once, also where somebody else still holds it."""
    assistant = Interrupted(quoting.ask(FEE))
    runnable = AssistantRunnable(assistant)

    async def read_one() -> None:
        async with aclosing(runnable.astream(FEE)) as answers:
            await anext(answers)
            assert not assistant.closed.is_set()

    if name == "astream":
        asyncio.run(read_one())
    else:
        with closing(runnable.stream(FEE)) as answers:
            next(answers)
            assert not assistant.closed.is_set()
    assert assistant.closed.is_set()
    assert not assistant.waits.is_set()


@pytest.mark.parametrize("name", ["ainvoke", "astream"])
def test_a_cancelled_call_does_not_wait_and_closes_the_stream_after_its_step(quoting, name):
    """The step under way cannot be interrupted; whoever cancelled is free at once, and no further step is begun."""
    assistant = Interrupted(quoting.ask(FEE))
    runnable = AssistantRunnable(assistant)

    async def ask_and_cancel() -> None:
        call = runnable.ainvoke(FEE) if name == "ainvoke" else collected(runnable.astream(FEE))
        asking = asyncio.create_task(call)
        assert await asyncio.to_thread(assistant.waits.wait, 60)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(ask_and_cancel())
    assert not assistant.closed.is_set()
    assistant.go_on.set()
    assert assistant.closed.wait(60)


# ---- Chains ----


def test_it_sits_in_a_chain(runnable):
    """Behind what makes its question and before what uses its answer, in every way of calling."""
    chain = (
        RunnableLambda(lambda given: {"question": given["asked"]})
        | runnable
        | RunnableLambda(lambda answer: answer["text"])
    )
    text = runnable.invoke(FEE)["text"]
    assert "4,711 dollars" in text
    assert chain.invoke({"asked": FEE}) == text
    assert chain.batch([{"asked": FEE}]) == [text]
    assert list(chain.stream({"asked": FEE})) == [text]
    assert asyncio.run(chain.ainvoke({"asked": FEE})) == text
    assert asyncio.run(collected(chain.astream({"asked": FEE}))) == [text]


def test_a_prompt_may_stand_before_it(quoting):
    """The messages of a prompt are what is asked."""
    chain = ChatPromptTemplate([("system", "Be brief."), ("human", "{asked}")]) | AssistantRunnable(quoting)
    assert "4,711 dollars" in chain.invoke({"asked": FEE})["text"]


def test_a_stream_loses_nothing_beside_it(writing):
    """Of a growing answer in a parallel step the last state reaches what follows, and its neighbours do too."""
    chain = RunnableParallel(answer=AssistantRunnable(writing), asked=RunnablePassthrough()) | RunnableLambda(dict)
    (given,) = chain.stream(FEE)
    assert given["asked"] == FEE
    assert given["answer"]["text"].endswith(f"{SENTENCES[1]} [2]")


def test_an_answer_is_plain_values(runnable):
    """Both from a call and from a stream; the kinds of input and output can be asked for."""
    for answer in (runnable.invoke(FEE), *runnable.stream(FEE)):
        assert json.loads(json.dumps(answer)) == answer
    assert runnable.get_output_jsonschema()["type"] == "object"
    assert {"type": "string"} in runnable.get_input_jsonschema()["anyOf"]


# ---- Tracing ----


@pytest.mark.parametrize("name", ["invoke", "stream", "ainvoke", "astream"])
def test_callbacks_hear_of_the_question_and_of_the_checked_answer_alone(writing, name):
    """What the language model writes unchecked reaches none of them: event streams show people what they hear."""
    runnable, listener = AssistantRunnable(writing, name="USA next!"), Listener()
    config = {"callbacks": [listener]}
    {
        "invoke": lambda: runnable.invoke(FEE, config),
        "stream": lambda: list(runnable.stream(FEE, config)),
        "ainvoke": lambda: asyncio.run(runnable.ainvoke(FEE, config)),
        "astream": lambda: asyncio.run(collected(runnable.astream(FEE, config))),
    }[name]()
    assert listener.told == [("start", "USA next!"), ("end", "")]
    assert timeless(listener.outputs[0]) == timeless(runnable.invoke(FEE))


def test_an_event_stream_holds_checked_answers_alone(writing):
    """The same for whoever shows LangChain's events on a page."""
    events = asyncio.run(collected(AssistantRunnable(writing).astream_events(FEE)))
    assert {event["event"] for event in events} == {"on_chain_start", "on_chain_stream", "on_chain_end"}
    assert "CLAIM" not in str(events)


def test_callbacks_hear_of_bad_input(quoting):
    """An error is in the trace too."""
    listener = Listener()
    with pytest.raises(UsageError, match="holds no `question`"):
        AssistantRunnable(quoting).invoke({}, {"callbacks": [listener]})
    assert listener.told == [("start", "AssistantRunnable"), ("error", "UsageError")]


# ---- The retriever ----


def test_the_retriever_finds_what_a_search_finds(quoting):
    """In its order, with where each passage stands; plain values."""
    documents = AssistantRetriever(assistant=quoting).invoke(FEE)
    hits = quoting.search(FEE)
    assert [document.id for document in documents] == [hit.chunk.id for hit in hits]
    assert [document.metadata["rank"] for document in documents] == list(range(1, len(hits) + 1))
    best, hit = documents[0], hits[0]
    assert best.page_content == hit.chunk.text
    assert json.loads(json.dumps(best.metadata)) == {
        "document": "mentors.md",
        "version": hit.chunk.version,
        "title": "Mentors of the harbour programme",
        "heading": hit.chunk.heading,
        "page": None,
        "language": "en",
        "start": hit.chunk.start,
        "end": hit.chunk.end,
        "rank": 1,
        "score": hit.score,
    }
    assert quoting.text("mentors.md")[best.metadata["start"] : best.metadata["end"]] == best.page_content


def test_the_retriever_sits_in_a_chain_and_in_traces(quoting):
    """As LangChain's own retrievers do, also asynchronously."""
    listener = Listener()
    chain = AssistantRetriever(assistant=quoting, limit=1) | RunnableLambda(
        lambda documents: [document.metadata["document"] for document in documents]
    )
    assert chain.invoke(WAFFLES, {"callbacks": [listener]}) == ["lighthouse.txt"]
    assert ("search", WAFFLES) in listener.told
    assert ("found", "") in listener.told
    assert asyncio.run(chain.abatch([WAFFLES, FEE])) == [["lighthouse.txt"], ["mentors.md"]]


@pytest.mark.parametrize(
    ("limit", "query", "sentence"),
    [
        pytest.param(0, FEE, r"^A search for 0 hits makes no sense\. Ask for 1 or more\.$", id="no passages"),
        pytest.param(
            None,
            {"question": FEE},
            r"^The retriever was given a value of type dict\. Give it the .* text\.$",
            id="dict",
        ),
    ],
)
def test_a_search_that_makes_no_sense_gets_one_sentence(quoting, limit, query, sentence):
    """A limit below one, and a query that is no text."""
    with pytest.raises(UsageError, match=sentence):
        AssistantRetriever(assistant=quoting, limit=limit).invoke(query)
