"""`POST /api/chat`: answers for programs, whole or as they are written, and one sentence for everything else."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import AsyncExitStack, ExitStack
from html import unescape

import pytest
from fastapi.testclient import TestClient

from assistant.domain import WritingModel
from assistant.web import api
from assistant.web.gate import Gate
from assistant.web.limits import Limit
from assistant.web.reading import Readers, at_once, longest_line
from eval.page_crowd import protocol_visitor

PATH = "/api/chat"
QUESTION = "Which company can join?"
# Fifty visitors with questions whose answers differ.
ASKED = ["When did USA next! start?", "What does a place cost?", "Who insures people?", "Hva koster en plass?",
         "Why does it cost so much?"]  # fmt: skip
MANY = {f"visitor-{number}": ASKED[number % len(ASKED)] for number in range(50)}
ONE_SENTENCE = "The model <b>cannot</b> be loaded: run `make chat` again."
SORRY = "Something went wrong on our side, and this question was not answered. Please try again."

pytestmark = [
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]


@pytest.fixture
def model(shelf):
    """A language model writes the answers."""
    shelf.writing_model = WritingModel("scripted:model", "models.example", stays_here=False)
    return shelf.writing_model


def without_time(answer):
    """Return an answer object without how long it took."""
    return {name: value for name, value in answer.items() if name != "seconds"}


def events_of(text):
    """Return the events of a stream as pairs of name and data; comments are passed over."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block and not block.startswith(":")]
    assert all(len(block) == 2 for block in blocks)
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


def test_a_question_is_answered_with_the_answer_lines_object(client, shelf):
    """Outcome, text and citations are those that the assistant gives."""
    response = client.post(PATH, json={"question": "When did USA next! start?"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert list(response.json()) == ["answer"]
    assert without_time(response.json()["answer"]) == without_time(shelf.ask("When did USA next! start?").to_dict())


def test_an_id_comes_back_with_its_answer(client):
    """So that many questions can be told apart: the reply is an answer line."""
    assert client.post(PATH, json={"question": "Hva koster det?", "id": "q-ø"}).json()["id"] == "q-ø"


def test_the_history_travels_along(client, shelf):
    """A follow-up is answered as on the page, with or without what was answered before."""
    history = [{"question": "Who insures people?", "answer": None}, {"question": "What does a place cost?"}]
    asked = {"question": "And the study trips?", "history": history}
    assert "NOK 25,000" in client.post(PATH, json=asked).json()["answer"]["text"]


def test_what_a_model_writes_is_given_whole_at_the_end(client, model, shelf):
    """Without streaming nothing of a half answer is seen."""
    answer = client.post(PATH, json={"question": QUESTION}).json()["answer"]
    assert without_time(answer) == without_time(shelf.ask(QUESTION).to_dict())
    assert shelf.closed == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param({"question": QUESTION, "stream": True, "id": "7"}, {}, id="asked in the body"),
        pytest.param({"question": QUESTION, "id": "7"}, {"accept": "text/event-stream"}, id="asked in the header"),
    ],
)
def test_a_stream_grows_and_ends_with_the_answer(client, model, shelf, body, headers):
    """Each text begins with the one before, comes with its citations, and the last event is the whole."""
    response = client.post(PATH, json=body, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    events = events_of(response.text)
    assert [name for name, _ in events] == ["progress", "progress", "progress", "answer"]
    growths = [data for _, data in events[:-1]]
    assert [len(growth["citations"]) for growth in growths] == [1, 2, 3]
    texts = [*(growth["text"] for growth in growths), events[-1][1]["answer"]["text"]]
    assert all(texts[place + 1].startswith(text) for place, text in enumerate(texts[:-1]))
    assert events[-1][1]["id"] == "7"
    assert without_time(events[-1][1]["answer"]) == without_time(shelf.ask(QUESTION).to_dict())


def test_a_stream_without_a_model_is_the_answer_alone(client):
    """Quotes come at once."""
    assert [name for name, _ in events_of(client.post(PATH, json={"question": QUESTION, "stream": True}).text)] == [
        "answer"
    ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("question", "status", "sentence"),
    [
        pytest.param("Raise", 503, ONE_SENTENCE, id="foreseen"),
        pytest.param("Crash", 500, SORRY, id="a bug"),
        pytest.param("Unfinished: which company can join?", 500, SORRY, id="no end"),
    ],
)
def test_a_failure_is_one_sentence_without_a_trace(client, model, question, status, sentence, stream, caplog):
    """A stream has begun by then, so it says so in an event."""
    response = client.post(PATH, json={"question": question, "stream": stream})
    if stream:
        assert response.status_code == 200
        assert events_of(response.text)[-1] == ("error", {"error": sentence})
    else:
        assert response.status_code == status
        assert response.json() == {"error": sentence}
    assert "secret" not in response.text
    assert question not in caplog.text


def test_a_failure_in_the_middle_ends_the_stream(client, model):
    """What was sent stands; the error follows."""
    asked = {"question": "Break: which company can join?", "stream": True}
    assert [name for name, _ in events_of(client.post(PATH, json=asked).text)] == ["progress", "error"]


JSON_TYPE = {"content-type": "application/json"}
TOO_MANY = [{"question": "?"}] * 51
BAD_BODIES = [
    pytest.param(b"", 400, "The body is not JSON", id="nothing"),
    pytest.param(b"question=What", 400, "The body is not JSON", id="a form"),
    pytest.param(b'{"question": "\xff"}', 400, "The body is not JSON", id="not UTF-8"),
    pytest.param(b"[" * 50_000, 400, "The body is not JSON", id="endless brackets"),
    pytest.param(b'["What?"]', 422, "The body is not a JSON object", id="a list"),
    pytest.param(b"{}", 422, "The field question is missing.", id="no question"),
    pytest.param(b'{"question": null}', 422, "The field question is missing.", id="null"),
    pytest.param(b'{"question": ["What?"]}', 422, "The field question is not a string.", id="a list of questions"),
    pytest.param(b'{"question": " \\n "}', 422, "The field question is empty.", id="spaces"),
    pytest.param(b'{"question": "?", "stream": "yes"}', 422, "The field stream is neither", id="stream"),
    pytest.param(b'{"question": "?", "id": 7}', 422, "The field id is not a string.", id="id"),
    pytest.param(b'{"question": "?", "histroy": []}', 422, 'There is no field "histroy" here.', id="a slip"),
    pytest.param(b'{"question": "?", "history": "?"}', 422, "The field history is not a list", id="history"),
    pytest.param(b'{"question": "?", "history": ["?"]}', 422, "Turn 1 of the history is not an", id="a turn"),
    pytest.param(b'{"question": "?", "history": [{"question": "?"}, {}]}', 422,
                 "Turn 2 of the history: its question is missing.", id="a turn without a question"),
    pytest.param(b'{"question": "?", "history": [{"question": "?", "answer": 1}]}', 422,
                 "Turn 1 of the history has an answer that is not a string.", id="a turn's answer"),
    pytest.param(json.dumps({"question": "?", "history": TOO_MANY}).encode(), 422,
                 "The history has 51 turns, and 50 are read.", id="too long a history"),
    pytest.param(json.dumps({"question": "?" * 100_001}).encode(), 413, "This request is too large.", id="too large"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "sentence"), BAD_BODIES)
def test_a_bad_body_is_refused_with_one_sentence(client, shelf, body, status, sentence):
    """Before the assistant is asked."""
    asked = []
    shelf.before_answer = asked.append
    response = client.post(PATH, content=body, headers=JSON_TYPE)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert response.json()["error"].startswith(sentence)
    assert asked == []


def test_fifty_turns_are_read(client):
    """As many as a visitor's conversation holds."""
    assert client.post(PATH, json={"question": QUESTION, "history": TOO_MANY[:50]}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(client, kind):
    """A foreign page can send the others without asking for leave; JSON it cannot."""
    body = b'{"question": "Which company can join?"}'
    response = client.post(PATH, content=body, headers={"content-type": kind})
    assert response.status_code == 415
    assert response.json()["error"].startswith("Only JSON is read here.")


def test_no_foreign_page_is_given_leave(client):
    """No CORS header on a reply, no reply to the question for leave, and none to the question itself."""
    foreign = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    replies = [client.post(PATH, json={"question": QUESTION}, headers=foreign), client.options(PATH, headers=foreign)]
    assert [reply.status_code for reply in replies] == [403, 404]
    assert replies[0].json()["error"].startswith("This request came from no page of this site")
    assert not [name for reply in replies for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", PATH), ("PUT", PATH), ("POST", f"{PATH}/"), ("POST", "/api/other")]
)
def test_exactly_this_path_is_offered_and_only_for_post(client, method, path):
    """Its neighbours are shut."""
    assert client.request(method, path).status_code == 404


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "\\u202e"])
def test_letters_that_cannot_be_sent_do_no_harm(client, odd):
    """JSON can write half a letter."""
    body = f'{{"question": "{QUESTION} {odd}", "id": "{odd}", "history": [{{"question": "?", "answer": "{odd}"}}]}}'
    response = client.post(PATH, content=body.encode(), headers=JSON_TYPE)
    assert response.status_code == 200
    assert isinstance(response.json()["id"], str)


@pytest.fixture
def held(shelf, model):
    """A model that waits before its second sentence until the event is set."""
    go = threading.Event()
    shelf.holds = lambda number: number > 1 and not go.is_set()
    yield go
    go.set()


def until(condition):
    """Wait until something is so; at most five seconds."""
    ends = time.monotonic() + 5
    while not condition() and time.monotonic() < ends:
        time.sleep(0.01)
    assert condition()


@pytest.mark.slow
def test_a_sentence_is_sent_before_the_next_is_written_and_a_client_that_leaves_stops_the_model(address, shelf, held):
    """Over a real connection: the first event is read while the model still waits; then the client goes."""
    httpx = pytest.importorskip("httpx")
    with (
        httpx.Client(timeout=10) as browser,
        browser.stream("POST", address + PATH, json={"question": QUESTION, "stream": True}) as response,
    ):
        first = next(response.iter_lines())
        assert first == "event: progress"
        assert shelf.closed == []
    until(lambda: shelf.closed == [QUESTION])


@pytest.mark.slow
def test_a_client_that_leaves_before_its_answer_stops_the_model(address, shelf, held):
    """Also where nothing was streamed: nobody pays for an answer that nobody reads."""
    httpx = pytest.importorskip("httpx")
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(address + PATH, json={"question": QUESTION}, timeout=0.3)
    until(lambda: shelf.closed == [QUESTION])


@pytest.mark.slow
def test_a_question_too_many_is_told_to_come_again(shelf, held, monkeypatch):
    """Page and programs share their places; who waits too long for one hears so, and the next is answered."""
    monkeypatch.setattr(api, "PATIENCE_SECONDS", 0.1)
    chat = api.Chat(shelf.stream, Readers(1))

    async def post():
        sent, gone = [], asyncio.Event()
        body = {"type": "http.request", "body": json.dumps({"question": QUESTION}).encode()}

        async def receive():
            if not gone.is_set():
                gone.set()
                return body
            return await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        await chat({"type": "http", "headers": [(b"content-type", b"application/json")]}, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"]), dict(sent[0]["headers"])

    async def three():
        first = asyncio.create_task(post())
        await asyncio.sleep(0.05)
        status, said, headers = await post()
        assert (status, list(said), headers[b"retry-after"]) == (503, ["error"], b"60")
        assert "this question is still number 1 in line" in said["error"]
        held.set()
        assert (await first)[0] == 200
        assert (await post())[0] == 200

    asyncio.run(three())


@pytest.mark.slow
def test_fifty_visitors_at_once_get_their_own_answers(address, shelf):
    """More than are answered at the same time: the others wait, and nobody gets an error or another's answer."""
    httpx = pytest.importorskip("httpx")
    expected = {id_: shelf.ask(question).text for id_, question in MANY.items()}
    together = threading.Barrier(len(MANY))
    replies = {}

    def ask(id_):
        with httpx.Client(timeout=30) as visitor:
            together.wait()
            replies[id_] = visitor.post(address + PATH, json={"question": MANY[id_], "id": id_})

    threads = [threading.Thread(target=ask, args=(id_,)) for id_ in MANY]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {reply.status_code for reply in replies.values()} == {200}
    assert {id_: reply.json()["id"] for id_, reply in replies.items()} == {id_: id_ for id_ in MANY}
    assert {id_: reply.json()["answer"]["text"] for id_, reply in replies.items()} == expected


@pytest.mark.slow
def test_a_stream_tells_the_place_in_the_line(address, shelf, held):
    """Nine ask while eight are answered: the ninth sees that it is the first in line, and is answered in its turn."""
    httpx = pytest.importorskip("httpx")
    asked = {"question": QUESTION, "stream": True}
    with ExitStack() as opened:
        streams = []
        for _ in range(9):
            browser = opened.enter_context(httpx.Client(timeout=10))
            stream = opened.enter_context(browser.stream("POST", address + PATH, json=asked)).iter_lines()
            streams.append((next(stream), stream))
        assert [first for first, _ in streams] == ["event: progress"] * 8 + ["event: waiting"]
        last = streams[-1][1]
        assert next(last) == 'data: {"place": 1}'
        held.set()
        assert [line for line in last if line.startswith("event")][-1] == "event: answer"


@pytest.fixture
def served(another_app):
    """Serve a site over real HTTP: its address and its readers."""
    uvicorn = pytest.importorskip("uvicorn")
    with ExitStack() as stack:

        def serve(**chosen):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
            site = another_app(**chosen)
            server = uvicorn.Server(uvicorn.Config(site, log_level="error", timeout_graceful_shutdown=1))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            stack.callback(thread.join)
            stack.callback(setattr, server, "should_exit", True)
            until(lambda: server.started)
            return f"http://127.0.0.1:{listener.getsockname()[1]}", site.state.readers

        yield serve


async def in_line(readers, count):
    """Wait until so many stand in line behind one that is read."""
    async with asyncio.timeout(20):
        while readers.idle or readers.waiting < count:
            await asyncio.sleep(0.01)


@pytest.mark.slow
def test_page_and_programs_stand_in_one_line_and_are_answered_as_they_came(served, shelf):
    """Also beyond the forty events that Gradio would run at once: nobody waits unseen, and nobody is overtaken."""
    httpx = pytest.importorskip("httpx")
    address, readers = served(concurrent_questions=1)
    go, begun = threading.Event(), []
    shelf.before_answer = lambda question: (go.wait(60), begun.append(question))
    asked = [f"Visitor {number}: when did USA next! start?" for number in range(45)]

    async def program(client, question):
        return (await client.post(PATH, json={"question": question})).raise_for_status()

    async def crowd():
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60))
            page = [await stack.enter_async_context(protocol_visitor(address)) for _ in range(42)]
            asking = []
            for number, question in enumerate(asked):
                ask = program(client, question) if number % 15 == 14 else page.pop().ask(question)
                asking.append(asyncio.create_task(ask))
                await in_line(readers, number)
            go.set()
            return await asyncio.gather(*asking)

    told = asyncio.run(crowd())
    assert begun == asked
    on_page = [one for number, one in enumerate(told) if number % 15 != 14]
    assert [one.shown.questions for one in on_page] == [(one.question,) for one in on_page]
    assert not any(one.error or one.shown.failed for one in on_page)
    assert [one.places[:1] for one in on_page[1:]] == [(n,) for n in range(1, 45) if n % 15 != 14]


@pytest.mark.slow
def test_a_full_line_is_told_politely_and_answers_nobody_wrongly(served, shelf, model):
    """Beyond the bound a program gets 503 and when to come again, a visitor a sentence; later both are answered."""
    httpx = pytest.importorskip("httpx")
    address, readers = served()
    go = threading.Event()
    shelf.before_answer = lambda question: go.wait(60)
    whole = at_once(writes=True) + longest_line(writes=True)

    async def crowd():
        async with httpx.AsyncClient(base_url=address, timeout=60) as client, protocol_visitor(address) as visitor:
            sent = [asyncio.create_task(client.post(PATH, json={"question": QUESTION})) for _ in range(whole)]
            await in_line(readers, longest_line(writes=True))
            refused, told = await client.post(PATH, json={"question": QUESTION}), await visitor.ask(QUESTION)
            go.set()
            answered = await asyncio.gather(*sent)
            return refused, told, answered, await visitor.ask(QUESTION)

    refused, told, answered, again = asyncio.run(crowd())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
    full = f"Very many people are asking just now: {longest_line(writes=True)} wait in line already."
    assert refused.json() == {"error": f"{full} Try again in a minute."}
    assert told.shown is None
    assert f"{full} Your question was not sent; please send it again in a minute." in unescape(told.hint)
    assert {reply.status_code for reply in answered} == {200}
    assert {reply.json()["answer"]["text"] for reply in answered} == {shelf.ask(QUESTION).text}
    assert again.shown.questions == (QUESTION,)
    assert not again.shown.failed


def test_a_visitor_who_asks_too_often_waits(limited):
    """The third question in a minute is not taken: how long to wait stands in the header and in the sentence."""
    statuses = [limited.post(PATH, json={"question": QUESTION}).status_code for _ in range(2)]
    assert statuses == [200, 200]
    response = limited.post(PATH, json={"question": QUESTION})
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert response.json() == {
        "error": f"Too many questions in a short time. Ask again in {response.headers['retry-after']} s."
    }


def test_a_question_that_cannot_be_read_does_not_count(limited):
    """Only what is answered costs something."""
    assert [limited.post(PATH, json={}).status_code for _ in range(3)] == [422] * 3
    assert limited.post(PATH, json={"question": QUESTION}).status_code == 200


@pytest.fixture
def limited(shelf):
    """A visitor with a session, who may ask twice a minute."""
    chat = api.Chat(shelf.stream, Readers(1), Limit(2, 60))
    return TestClient(Gate(chat), cookies={"usanext_visitor": "v" * 22})
