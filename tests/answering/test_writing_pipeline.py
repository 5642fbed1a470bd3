"""Answers in a language model's words, from question to citation: the real assistant, a real server, a small corpus."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from assistant.answering.phrases import phrase
from assistant.build import Assistant
from assistant.domain import Answer, Turn
from assistant.errors import FailureKind, ModelUnavailable, SettingsError
from assistant.settings import read_settings
from tests.scripted_server import Reply, Request, ScriptedServer, honest, inventive

ROOT = Path(__file__).resolve().parents[2]
GRANT = "The lantern grant pays 52,000 kroner to each company in its first year."
DUE = "Applications for the lantern grant are due on 14 March 2027."
FERRY = "The ferry to the northern islands leaves the pier in Tromsø at 06:40 every weekday."
TILSKUDD = "Lykttilskuddet gir 52 000 kroner til hver bedrift i det første året."
PAGES = {
    "en/grant.md": f"""\
---
title: The lantern grant
language: en
publisher: The Lantern Office
checked: 2026-10-01
---

# The lantern grant

{GRANT} {DUE} Late applications are returned unread.

## Who may apply?

A company may apply once it has sold its device in Norway for two years.
""",
    "en/ferry.md": f"""\
---
title: The ferry to the islands
language: en
---

# The ferry to the islands

{FERRY} A ticket costs 89 kroner, and children travel free.
""",
    "en/lamps.md": """\
---
title: Lamps for the dark months
language: en
---

# Lamps for the dark months

Every clinic on the islands borrows two daylight lamps between November and February.
""",
    "nb/tilskudd.md": f"""\
---
title: Lykttilskuddet
language: nb
---

# Lykttilskuddet

{TILSKUDD} Søknadsfristen er 14. mars 2027. Søknader som kommer for sent, blir sendt tilbake ulest.
""",
}
ASKED = "How much does the lantern grant pay each company?"
SPURT = "Hvor mye gir lykttilskuddet til hver bedrift?"
OFF_TOPIC = "Who won the chess olympiad in Budapest?"
REWRITING = "You prepare a search"
SECONDS = 20.0
# The model's time, its tries, and judging and searching on a busy machine.
BOUND_SECONDS = SECONDS + 40.0

Script = Callable[[Request], Reply]


def quoting(*claims: tuple[str, str]) -> Script:
    """Return a model that writes claims, each with the words it quotes from the passage that holds them."""

    def write(request: Request) -> Reply:
        lines = []
        for quoted, claim in claims:
            passages = request.message.split("<passage ")[1:]
            key = next((one.split()[0] for one in passages if quoted in one), "P1")
            lines += [f"QUOTE {key}: {quoted}", f"CLAIM: {claim}"]
        return Reply("\n".join(lines) + "\n")

    return write


class Scene:
    """One assistant and the server of its model, which does what a test says.

    Attributes:
        requests: What the model was asked since then.
    """

    def __init__(self, assistant: Assistant, server: ScriptedServer) -> None:
        self.assistant = assistant
        self.server = server
        self._script: Script = honest
        self._before = 0

    def reply(self, request: Request) -> Reply:
        """Play the script of now."""
        return self._script(request)

    def plays(self, script: Script | Reply) -> Assistant:
        """Return the assistant, whose model now follows this script."""
        self._script = (lambda request: script) if isinstance(script, Reply) else script
        self._before = len(self.server.requests)
        return self.assistant

    @property
    def requests(self) -> list[Request]:
        return self.server.requests[self._before :]


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short articles in two languages."""
    folder = tmp_path_factory.mktemp("lantern")
    for name, text in PAGES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module", autouse=True)
def _own_keys_only() -> Iterator[None]:
    """Clear the variables that choose a server or a key."""
    with pytest.MonkeyPatch.context() as variables:
        for name in "OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_BASE HTTP_PROXY ALL_PROXY http_proxy all_proxy".split():
            variables.delenv(name, raising=False)
        yield


def open_over(corpus: Path, data: Path, **settings: object) -> Assistant:
    """Open an assistant with short limits that has read the corpus."""
    limits = {"model_seconds": SECONDS, "model_silence_seconds": 1.5, "model_retries": 1}
    assistant = Assistant(read_settings(corpus=corpus, data=data, **{**limits, **settings}))
    assistant.warm_up()
    assistant.sync()
    return assistant


@pytest.fixture(scope="module")
def scene(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The assistant and its model."""
    holder: list[Scene] = []
    with (
        ScriptedServer(lambda request: holder[0].reply(request)) as server,
        open_over(
            corpus_folder,
            tmp_path_factory.mktemp("written") / "data",
            model="openai:scripted",
            model_address=server.url,
        ) as assistant,
    ):
        holder.append(Scene(assistant, server))
        yield holder[0]


@pytest.fixture(scope="module")
def plain(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """The same assistant without a model."""
    with open_over(corpus_folder, tmp_path_factory.mktemp("plain") / "data") as assistant:
        yield assistant


def hold_word_for_word(assistant: Assistant, answer: Answer) -> bool:
    """Return whether every citation stands in the stored text, and every marker points to one, in order."""
    for citation in answer.citations:
        assert assistant.text(citation.document, citation.version)[citation.start : citation.end] == citation.quote
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert all(f"[{citation.number}]" in answer.text for citation in answer.citations)
    return True


# ---- Answered ----


def test_a_model_writes_and_its_quotes_are_cited(scene):
    """Its sentence is shown in its own words, and the quote below is the document's."""
    said = "Each company gets 52,000 kroner from the lantern grant in its first year."
    answer = scene.plays(quoting((GRANT, said))).ask(ASKED)
    assert (answer.text, answer.outcome, answer.reason) == (f"{said} [1]", "answered", None)
    assert (answer.model, answer.left_out, answer.complete) == ("openai:scripted", 0, True)
    assert [(one.quote, one.document) for one in answer.citations] == [(GRANT, "en/grant.md")]
    assert hold_word_for_word(scene.assistant, answer)
    assert len(scene.requests) == 1
    assert ASKED in scene.requests[0].message


def test_a_norwegian_question_is_answered_in_norwegian(scene):
    """The model is told the language, and the own words around it are Norwegian too."""
    answer = scene.plays(quoting((TILSKUDD, TILSKUDD))).ask(SPURT)
    assert (answer.text, answer.language, answer.outcome) == (f"{TILSKUDD} [1]", "nb", "answered")
    assert "Norwegian" in scene.requests[0].message.splitlines()[-1]


def test_an_honest_model_is_not_left_out(scene):
    """What copies its sources passes the judge."""
    answer = scene.plays(honest).ask(ASKED)
    assert (answer.outcome, answer.left_out, answer.reason) == ("answered", 0, None)
    assert GRANT in answer.text
    assert hold_word_for_word(scene.assistant, answer)


def test_the_answer_grows_as_it_is_judged(scene):
    """Each text begins with the one before it; only the last is complete, and `ask` gives the same."""
    script = quoting((GRANT, GRANT), (DUE, DUE), (GRANT, "The lantern grant pays 99,000 kroner to each company."))
    answers = list(scene.plays(lambda request: Reply(script(request).text, between_seconds=0.005)).stream(ASKED))
    texts = [answer.text for answer in answers]
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert [answer.complete for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert f"{GRANT} [1]" in texts
    assert f"{GRANT} [1] {DUE} [2]" in texts
    for answer in answers:
        assert hold_word_for_word(scene.assistant, answer)
    whole = scene.assistant.ask(ASKED)
    assert (whole.text, whole.citations, whole.left_out) == (answers[-1].text, answers[-1].citations, 1)


def test_closing_the_stream_stops_the_model(scene):
    """Whoever leaves the page pays for no further word."""
    before = scene.server.closed_early
    with closing(scene.plays(Reply("Let me see. ", endless=True, between_seconds=0.02)).stream(ASKED)) as answers:
        first = next(answers)
        assert (first.text, first.complete) == ("", False)
    give_up = time.monotonic() + 10  # before the model's own limits would close it
    while scene.server.closed_early == before and time.monotonic() < give_up:
        time.sleep(0.01)
    assert scene.server.closed_early == before + 1


# ---- Left out ----


def test_a_sentence_that_no_quote_carries_is_left_out_and_counted(scene):
    """The reader is told, in one sentence, and sees the others."""
    script = quoting((GRANT, GRANT), (DUE, "Applications for the lantern grant are due on 15 March 2027."))
    answer = scene.plays(script).ask(ASKED)
    assert answer.text == f"{GRANT} [1]\n\n{phrase('left_out_one', 'en')}"
    assert (answer.outcome, answer.left_out, answer.reason) == ("answered", 1, None)


def test_where_more_is_left_out_than_shown_the_quotes_follow(scene):
    """An answer with most of it missing is no answer: the documents' own sentences complete it."""
    script = quoting((GRANT, GRANT.replace("52", "53")), (DUE, DUE.replace("14", "15")), (FERRY, FERRY))
    answer = scene.plays(script).ask(ASKED)
    assert answer.text.startswith(FERRY)
    assert f"{phrase('left_out', 'en', count=2)} From the sources:\n\n{GRANT}" in answer.text
    assert (answer.outcome, answer.left_out) == ("answered", 2)
    assert hold_word_for_word(scene.assistant, answer)


@pytest.mark.parametrize(("question", "language"), [(ASKED, "en"), (SPURT, "nb")], ids=["English", "Norwegian"])
def test_a_model_that_invents_shows_nothing_of_its_own(scene, plain, question, language):
    """What is left is what the documents say."""
    answer = scene.plays(inventive).ask(question)
    assert answer.outcome == "answered"
    assert answer.left_out > 0
    assert answer.text.startswith(f"{phrase('nothing_held', language)} {phrase('from_the_sources', language)}\n\n")
    assert answer.text.partition("\n\n")[2] == plain.ask(question).text


# ---- Abstained ----


def test_a_model_may_say_that_the_passages_hold_no_answer(scene):
    """Then the assistant says so too, names the nearest documents, and shows no sentence."""
    answer = scene.plays(Reply("NOT IN SOURCES")).ask(ASKED)
    assert (answer.outcome, answer.reason, answer.citations) == ("abstained", "not_covered", ())
    assert answer.text.startswith(phrase("not_covered", "en"))
    assert answer.nearest[0] == "en/grant.md"
    assert (answer.model, answer.complete) == ("openai:scripted", True)


def test_an_answer_to_a_part_is_called_one(scene):
    """Claims and then the reserved line: the reader is told that there may be more."""
    script = quoting((GRANT, GRANT))
    answer = scene.plays(lambda request: Reply(script(request).text + "NOT IN SOURCES")).ask(ASKED)
    assert answer.text == f"{GRANT} [1]\n\n{phrase('may_be_more', 'en')}"
    assert (answer.outcome, answer.reason) == ("partly", None)


def test_a_part_that_the_documents_do_not_cover_is_named(scene):
    """The model answers the other part."""
    question = f"{ASKED} Who repairs bicycles in Copenhagen?"
    answer = scene.plays(quoting((GRANT, GRANT))).ask(question)
    assert answer.outcome == "partly"
    assert answer.missing == "Who repairs bicycles in Copenhagen"
    assert answer.text.startswith(f"{GRANT} [1]\n\n")
    assert phrase("partly", "en", missing=answer.missing) in answer.text


@pytest.mark.parametrize(
    "question",
    ["", "?!", "Hello!", "Takk for hjelpen", "x" * 3000],
    ids=["none", "signs", "greeting", "thanks", "long"],
)
def test_what_needs_no_search_asks_no_model(scene, plain, question):
    """Small talk and what is no question are answered as ever, and leave the machine for nobody."""
    answer, expected = scene.plays(honest).ask(question), plain.ask(question)
    assert (answer.text, answer.outcome, answer.model) == (expected.text, expected.outcome, None)
    assert scene.requests == []


@pytest.mark.parametrize("reply", [Reply("garbage"), Reply(status=503)], ids=["garbage", "busy"])
def test_what_is_off_topic_is_refused_before_the_model_is_asked_to_answer(scene, plain, reply):
    """It may be asked for other words to search by; no passage is sent, and the refusal is the same as ever."""
    answer, expected = scene.plays(reply).ask(OFF_TOPIC), plain.ask(OFF_TOPIC)
    assert (answer.text, answer.outcome, answer.reason) == (expected.text, "abstained", expected.reason)
    assert all(request.instructions.startswith(REWRITING) for request in scene.requests)
    assert not any("<passage" in request.message for request in scene.requests)


# ---- Failures: the documents' own sentences instead ----

PROSE = "I'm sorry, but I can't help with that request."
FAILURES = [
    pytest.param(Reply("x", silent_after=0), "timeout", id="silent"),
    pytest.param(Reply("x", before_seconds=20), "timeout", id="silent before the headers"),
    pytest.param(Reply(status=429), "busy", id="rate limit"),
    pytest.param(Reply(status=500), "busy", id="a failing server"),
    pytest.param(Reply(status=401), "key", id="a wrong key"),
    pytest.param(Reply(status=400, error_message="maximum context length exceeded"), "too_long", id="too long"),
    pytest.param(Reply(status=400, error_message="no"), "refused", id="refused by the server"),
    pytest.param(Reply(PROSE), "empty", id="refused in prose"),
    pytest.param(Reply(""), "empty", id="empty"),
    pytest.param(Reply("ha ha ha ", endless=True), "empty", id="endless"),
    pytest.param(Reply("Certainly!!", malformed=True), "broken", id="malformed"),
    pytest.param(Reply("Certainly!!", break_after=1), "broken", id="broken off"),
]


@pytest.mark.parametrize(("reply", "kind"), FAILURES)
def test_where_the_model_fails_the_sources_answer(scene, plain, reply, kind):
    """One sentence says why, then the same sentences as without a model, in time."""
    began = time.monotonic()
    answer = scene.plays(reply).ask(ASKED)
    assert time.monotonic() - began < BOUND_SECONDS
    why, _, quotes = answer.text.partition("\n\n")
    assert why == f"{phrase(f'model_{kind}', 'en')} From the sources:"
    assert quotes == plain.ask(ASKED).text
    assert (answer.outcome, answer.reason, answer.complete) == ("answered", "model_failed", True)
    assert hold_word_for_word(scene.assistant, answer)


def test_a_failure_is_told_in_the_language_of_the_question(scene, plain):
    """What the assistant says of its own is Norwegian around Norwegian sentences."""
    answer = scene.plays(Reply(PROSE)).ask(SPURT)
    assert answer.text == f"{phrase('model_empty', 'nb')} Fra kildene:\n\n{plain.ask(SPURT).text}"


@pytest.mark.parametrize(
    ("question", "language", "said"),
    [
        pytest.param(ASKED, "en", (GRANT, "Lykttilskuddet gir 52 000 kroner til hver bedrift i året."), id="English"),
        pytest.param(
            SPURT, "nb", (TILSKUDD, "This is what each company is paid by the grant in the first year."), id="Norwegian"
        ),
    ],
)
def test_an_answer_in_another_language_is_a_failure_too(scene, plain, question, language, said):
    """The reader would not know what to do with it."""
    answer = scene.plays(quoting(said)).ask(question)
    assert answer.text.startswith(f"{phrase('model_language', language)} {phrase('from_the_sources', language)}\n\n")
    assert answer.text.endswith(plain.ask(question).text)
    assert (answer.outcome, answer.reason) == ("answered", "model_failed")


def test_where_nobody_listens_the_sources_answer(corpus_folder, tmp_path, plain):
    """A model that is not there is no reason not to answer; whoever asks next is answered as well."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
    with open_over(corpus_folder, tmp_path / "data", model="openai:any", model_address=address) as assistant:
        for question, language in ((ASKED, "en"), (SPURT, "nb")):
            began = time.monotonic()
            answer = assistant.ask(question)
            assert time.monotonic() - began < BOUND_SECONDS
            why = f"{phrase('model_unreachable', language)} {phrase('from_the_sources', language)}"
            assert answer.text == f"{why}\n\n{plain.ask(question).text}"
            assert (answer.outcome, answer.reason) == ("answered", "model_failed")
        assert assistant.ask(OFF_TOPIC).outcome == "abstained"


def test_the_conversation_goes_on_after_a_failure(scene):
    """The next question is put to the model as if nothing had been."""
    failed = scene.plays(Reply("x", silent_after=0)).ask(ASKED)
    assert failed.reason == "model_failed"
    history = [Turn(ASKED, failed.text)]
    answer = scene.plays(quoting((DUE, DUE))).ask("When are applications for the lantern grant due?", history)
    assert (answer.text, answer.outcome, answer.reason) == (f"{DUE} [1]", "answered", None)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        pytest.param({"break_after": 1}, "broken", id="broken off"),
        pytest.param({"silent_after": 1}, "timeout", id="fallen silent"),
        pytest.param({"malformed": True}, "broken", id="malformed"),
    ],
)
def test_a_good_sentence_before_a_failure_stays(scene, plain, how, kind):
    """Then it is said why there is no more, and the quotes follow; nothing that was shown is taken back."""
    script = quoting((GRANT, GRANT))
    answers = list(
        scene.plays(lambda request: Reply(pieces=(script(request).text, "QUOTE P1: The"), **how)).stream(ASKED)
    )
    last = answers[-1]
    assert any(answer.text == f"{GRANT} [1]" and not answer.complete for answer in answers)
    assert last.text.startswith(f"{GRANT} [1]\n\n{phrase(f'model_{kind}', 'en')} From the sources:\n\n")
    assert last.citations[0].quote == GRANT
    assert {one.quote for one in last.citations} >= {one.quote for one in plain.ask(ASKED).citations}
    assert (last.outcome, last.reason, last.model) == ("answered", "model_failed", "openai:scripted")
    assert hold_word_for_word(scene.assistant, last)


def test_a_stopped_model_is_one_more_failure(corpus_folder, tmp_path):
    """Closing the assistant while it answers ends the answer, not the reader."""
    with ScriptedServer([Reply("x", silent_after=0)]) as server, ThreadPoolExecutor(1) as thread:
        named = {"model": "openai:any", "model_address": server.url, "model_silence_seconds": SECONDS}
        assistant = open_over(corpus_folder, tmp_path / "data", **named)
        try:
            asking = thread.submit(assistant.ask, ASKED)
            give_up = time.monotonic() + 30
            while not server.requests and time.monotonic() < give_up:
                time.sleep(0.01)
            assistant._model.close()
            assert asking.result(timeout=15).text.startswith(phrase("model_stopped", "en"))
        finally:
            assistant.close()


def test_there_is_a_sentence_for_every_failure():
    """In both languages: a kind without one would be an error while answering."""
    for kind in get_args(FailureKind):
        assert phrase(f"model_{kind}", "en") != phrase(f"model_{kind}", "nb")


# ---- Follow-ups ----

ALONE = "When are applications for the lantern grant due?"


def rewriting(text: str, then: Script) -> Script:
    """Return a model that rewrites with these words, and answers by another script."""
    return lambda request: Reply(text) if request.instructions.startswith(REWRITING) else then(request)


def test_a_follow_up_is_rewritten_before_it_is_searched(scene):
    """The rewrite is searched by and given to the model; what the reader sees is the question as asked."""
    script = rewriting(f"SAME: {ALONE}\nOTHER: Når er søknadsfristen for lykttilskuddet?", quoting((DUE, DUE)))
    answer = scene.plays(script).ask("And when is it due?", [Turn(ASKED, f"{GRANT} [1]")])
    first, second = scene.requests
    assert first.instructions.startswith(REWRITING)
    assert "<passage" not in first.message
    assert ASKED in first.message
    assert ALONE in second.message
    assert (answer.text, answer.outcome) == (f"{DUE} [1]", "answered")
    assert answer.query.text == "And when is it due?"


def test_a_rewritten_question_is_never_shown(scene):
    """Whatever a model makes of a question, the answer's query and text are free of it."""
    marked = "When are applications for the lantern grant due, dear zebra?"
    answer = scene.plays(rewriting(f"SAME: {marked}\nOTHER: {marked}", quoting((DUE, DUE)))).ask(
        "And when is it due?", [Turn(ASKED, GRANT)]
    )
    shown = f"{answer.query.text} {answer.query.search_text} {answer.text} {json.dumps(answer.to_dict())}"
    assert "zebra" not in shown


@pytest.mark.parametrize(
    "text", ["", "no", f"SAME: {SPURT}", "SAME: and\nOTHER: og"], ids=lambda text: text[:12] or "-"
)
def test_a_useless_rewrite_does_no_harm(scene, text):
    """The question is then searched with the topic of the one before, as without a model."""
    answer = scene.plays(rewriting(text, quoting((DUE, DUE)))).ask("And when is it due?", [Turn(ASKED, GRANT)])
    assert (answer.text, answer.outcome) == (f"{DUE} [1]", "answered")


def test_where_rewriting_fails_the_model_is_not_asked_again(scene):
    """Waiting twice for a model that does not come helps nobody."""
    began = time.monotonic()
    answer = scene.plays(Reply("x", silent_after=0)).ask("And when is it due?", [Turn(ASKED, GRANT)])
    assert len(scene.requests) == 1
    assert time.monotonic() - began < BOUND_SECONDS
    assert answer.text.startswith(f"{phrase('model_timeout', 'en')} From the sources:\n\n")
    assert (answer.outcome, answer.reason) == ("answered", "model_failed")


def test_a_first_question_is_not_rewritten(scene):
    """It stands alone: one request, and no wait for another."""
    scene.plays(quoting((GRANT, GRANT))).ask(ASKED)
    assert [request.instructions.startswith(REWRITING) for request in scene.requests] == [False]


# ---- Settings ----


def test_an_address_without_a_model_is_a_contradiction():
    """The sentence names both settings."""
    with pytest.raises(SettingsError, match="model_address names a server, but model names no language model on it"):
        read_settings(model_address="http://127.0.0.1:8080/v1")


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        pytest.param({"model": "llama"}, SettingsError, "write it as provider:model", id="no provider"),
        pytest.param(
            {"model": "openai:x", "model_address": "http://"},
            SettingsError,
            "not the address of a server",
            id="address",
        ),
        pytest.param({"model": "openai:x"}, ModelUnavailable, "in the variable OPENAI_API_KEY", id="no key"),
        pytest.param({"model": "walrus:x"}, ModelUnavailable, "Known providers are", id="an unknown provider"),
    ],
)
def test_a_model_that_cannot_be_opened_is_said_at_the_start(corpus_folder, tmp_path, settings, error, sentence):
    """In one sentence, not with the first question; and the data folder is free again."""
    with pytest.raises(error, match=sentence) as raised:
        Assistant(read_settings(corpus=corpus_folder, data=tmp_path / "data", **settings))
    assert "\n" not in str(raised.value)
    Assistant(read_settings(corpus=corpus_folder, data=tmp_path / "data")).close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_seconds", 0),
        ("model_silence_seconds", -1),
        ("model_retries", 11),
        ("model_tokens", 10),
        ("model_temperature", 3),
        ("model_temperature", "warm"),
        ("model_passages", 0),
    ],
)
def test_a_limit_out_of_range_names_its_variable(name, value):
    """One sentence with the setting and what was given."""
    with pytest.raises(SettingsError, match=f"ASSISTANT_{name.upper()} is {value!r}"):
        read_settings(model="openai:x", **{name: value})


def test_the_temperature_may_be_left_to_the_provider(monkeypatch):
    """`none` in a variable means it; without the variable it is 0."""
    assert read_settings().model_temperature == 0
    monkeypatch.setenv("ASSISTANT_MODEL_TEMPERATURE", "none")
    assert read_settings().model_temperature is None


def test_the_assistant_tells_which_model_writes_and_where(scene, plain):
    """The page shows it; without a model there is nothing to tell."""
    model = scene.assistant.writing_model
    assert (model.name, model.host, model.stays_here) == ("openai:scripted", "127.0.0.1", True)
    assert plain.writing_model is None


def test_questions_and_answers_are_in_no_log(scene, caplog):
    """Also where the model fails."""
    caplog.set_level(logging.INFO)
    for script in (
        quoting((GRANT, "A secret zebra.")),
        Reply(status=401, error_message=ASKED),
        Reply("x", silent_after=0),
    ):
        scene.plays(script).ask(ASKED)
    assert ASKED not in caplog.text
    assert "zebra" not in caplog.text


# ---- Without a model ----

WITHOUT_A_MODEL = """\
import sys
from assistant import open_assistant
with open_assistant(sys.argv[1], sys.argv[2], sync=False) as assistant:
    assistant.warm_up()
    assistant.sync()
    answer = assistant.ask(sys.argv[3])
    assert answer.outcome == "answered", answer.text
    assert answer.model is None and answer.complete and answer.left_out == 0
    assert len(list(assistant.stream(sys.argv[3]))) == 1
loaded = sorted(name for name in sys.modules if name.partition(".")[0].startswith(("langchain", "langgraph", "openai")))
assert not loaded, loaded
print(answer.text)
"""


def test_without_a_model_nothing_changes(corpus_folder, tmp_path, plain):
    """No package of language models is even loaded, and the answer comes at once."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_MODEL, str(corpus_folder), str(tmp_path / "data"), ASKED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == plain.ask(ASKED).text
