"""The one door to language models: a prompt to pieces of text, whatever the provider, within a bounded time.

LangChain's `init_chat_model` knows the providers; here stand the limits that hold for all of them. Models run on an
event loop of their own, so that whoever stops reading closes the connection at once, also while the server is silent.
Keys come from the variables that the provider's own package reads; they and the words of a provider's error, which may
repeat one, are neither logged nor shown.
"""

from __future__ import annotations

import asyncio
import contextvars
import ipaddress
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from assistant.errors import ModelFailed, ModelUnavailable, SettingsError

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.5
# While a model is silent its reader is given an empty piece as often as this, and can close the connection.
SILENT_PIECE_SECONDS = 0.2
# A server of one's own needs none, but its client asks for one.
_PLACEHOLDER_KEY = "not-needed"


@dataclass(frozen=True, slots=True)
class _Provider:
    """What differs between providers.

    Attributes:
        extra: Our extra that installs its package.
        key: The variable that holds its key, or None where it needs none.
        host: Where questions go unless another address is set.
        tokens: Its name for the most tokens of an answer.
    """

    extra: str
    key: str | None
    host: str
    tokens: str = "max_tokens"


_PROVIDERS: Mapping[str, _Provider] = {
    "openai": _Provider("openai", "OPENAI_API_KEY", "api.openai.com"),
    "anthropic": _Provider("anthropic", "ANTHROPIC_API_KEY", "api.anthropic.com"),
    "google_genai": _Provider("google", "GOOGLE_API_KEY", "generativelanguage.googleapis.com", "max_output_tokens"),
    "mistralai": _Provider("mistral", "MISTRAL_API_KEY", "api.mistral.ai"),
    "ollama": _Provider("ollama", None, "127.0.0.1", "num_predict"),
}
_ALIASES = {"google": "google_genai", "mistral": "mistralai"}
# Where the address of a provider may also come from, in the order in which its own package reads them.
_ADDRESS_VARIABLES = {"openai": ("OPENAI_API_BASE", "OPENAI_BASE_URL"), "ollama": ("OLLAMA_HOST",)}
_TOO_LONG = re.compile(r"context|too (?:long|large|many tokens)|maximum.{0,40}tokens|exceed", re.IGNORECASE)
_SERVER_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class TextModel(Protocol):
    """Writes text."""

    def stream(
        self, instructions: str, message: str, *, tokens: int | None = None, seconds: float | None = None
    ) -> Generator[str, None, None]:
        """Yield an answer piece by piece, empty ones while it is silent; closing the generator ends the model's work.

        Args:
            tokens: A lower ceiling than the configured one.
            seconds: A shorter time than the configured one.

        Raises:
            ModelFailed: It gives no answer, or none that ends.
        """
        ...


class ChatModel:
    """Any chat model that LangChain can open.

    Attributes:
        name: As configured, `provider:model`.
        host: The machine that questions are sent to.
        stays_here: Whether that is this machine.
    """

    def __init__(
        self,
        name: str,
        *,
        address: str | None,
        seconds: float,
        silence_seconds: float,
        retries: int,
        tokens: int,
        temperature: float | None,
    ) -> None:
        """Open a model without asking it anything.

        Raises:
            SettingsError: The name is not `provider:model`, or the address is none.
            ModelUnavailable: The provider's package or key is missing.
        """
        provider, model = _parted(name)
        self.name = name
        self._seconds, self._silence_seconds, self._retries, self._tokens = seconds, silence_seconds, retries, tokens
        self._provider = provider
        self.host = _host(provider, address)
        self.stays_here = _is_here(self.host)
        self._model = _open(provider, model, address, seconds, tokens, temperature)
        self._at_work: set[Future[None]] = set()

    def stream(
        self, instructions: str, message: str, *, tokens: int | None = None, seconds: float | None = None
    ) -> Generator[str, None, None]:
        """Yield the answer piece by piece, empty ones while it is silent; closing the generator closes the connection.

        Args:
            tokens: A lower ceiling than the configured one.
            seconds: A shorter time than the configured one.

        Raises:
            ModelFailed: The server is not reached, refuses, breaks off, is silent for too long or does not end in time.
        """
        pieces: queue.SimpleQueue[str | ModelFailed | None] = queue.SimpleQueue()
        ceiling, limit = min(tokens or self._tokens, self._tokens), min(seconds or self._seconds, self._seconds)
        stopped = threading.Event()
        writing = self._write(instructions, message, ceiling, limit, pieces, stopped)
        # In a context of its own: LangChain hands a caller's callbacks on by context, and what is not yet judged is
        # nobody's to see.
        work = contextvars.Context().run(_submit, writing)
        self._at_work.add(work)
        # Whatever ends it, the reader is told; a cancelled task that never began could not do so itself.
        work.add_done_callback(lambda done: pieces.put(_ending(done)))
        try:
            while True:
                try:
                    piece = pieces.get(timeout=SILENT_PIECE_SECONDS)
                except queue.Empty:
                    yield ""
                    continue
                if piece is None:
                    return
                if isinstance(piece, ModelFailed):
                    raise piece
                yield piece
        finally:
            stopped.set()
            work.cancel()
            self._at_work.discard(work)

    def close(self) -> None:
        """End what is still being written; closing twice is no error."""
        for work in list(self._at_work):
            work.cancel()

    async def _write(
        self,
        instructions: str,
        message: str,
        tokens: int,
        seconds: float,
        pieces: queue.SimpleQueue[Any],
        stopped: threading.Event,
    ) -> None:
        """Put the pieces into the queue; tries again, with growing pauses, while nothing has come."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        opened: list[AsyncGenerator[Any, Any]] = []
        _OPENED.set(opened)
        try:
            async with asyncio.timeout(seconds):
                for attempt in range(self._retries + 1):
                    began = False
                    try:
                        async with aclosing(self._pieces(instructions, message, tokens)) as written:
                            async for piece in written:
                                began = began or bool(piece)
                                pieces.put(piece)
                                # A client that always has the next piece at hand may swallow a cancellation.
                                if stopped.is_set() or loop.time() > deadline:
                                    raise ModelFailed("timeout", self.host)
                        return
                    except ModelFailed as failure:
                        if began and failure.kind == "unreachable":
                            raise ModelFailed("broken", self.host) from None
                        if began or attempt == self._retries or failure.kind not in ("unreachable", "busy"):
                            raise
                    finally:
                        await _close(opened)
                    await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        except TimeoutError as error:
            raise ModelFailed("timeout", self.host) from error

    async def _pieces(self, instructions: str, message: str, tokens: int) -> AsyncGenerator[str, None]:
        """Yield one attempt's text; an exception of whatever library becomes a `ModelFailed`."""
        messages = [("system", instructions), ("human", message)]
        model, options = _limited(self._model, self._provider, tokens)
        try:
            async with aclosing(model.astream(messages, **options)) as written:
                while True:
                    async with asyncio.timeout(self._silence_seconds):
                        chunk = await anext(written, None)
                    if chunk is None:
                        return
                    yield str(chunk.text)
        except TimeoutError as error:
            raise ModelFailed("timeout", self.host) from error
        except Exception as error:  # every provider's package raises its own
            kind = _kind(error)
            # The class and status tell what happened; the message may hold a key or the question.
            logger.warning("%s: %s (%s).", self.name, kind, type(error).__name__)
            raise ModelFailed(kind, self.host) from None


def _submit(writing: Coroutine[Any, Any, None]) -> Future[None]:
    """Start writing, without LangChain's tracer: it sends questions to a third party where a variable says so."""
    from langsmith.run_helpers import tracing_context  # LangChain has imported it when a model is open

    with tracing_context(enabled=False):
        return asyncio.run_coroutine_threadsafe(writing, _LOOP.running())


# The asynchronous generators that a call has begun, also those deep in the providers' packages, outermost first.
_OPENED: contextvars.ContextVar[list[AsyncGenerator[Any, Any]]] = contextvars.ContextVar("_OPENED")


def _note_generators() -> None:
    """Have this thread's loop write down which call begins which generator."""
    begin, end = sys.get_asyncgen_hooks()

    def note(generator: AsyncGenerator[Any, Any]) -> None:
        if begin is not None:
            begin(generator)
        with suppress(LookupError):
            _OPENED.get().append(generator)

    sys.set_asyncgen_hooks(firstiter=note, finalizer=end)


async def _close(generators: list[AsyncGenerator[Any, Any]]) -> None:
    """Close what the packages left open after a failure; what has ended is closed already.

    Left to the garbage collector, which may run in any thread, one of them is ended twice at once, and the interpreter
    prints that it is "already executing".
    """
    while generators:
        # The call has its answer or its failure; what a package says while it is closed changes nothing.
        with suppress(Exception):
            await generators.pop(0).aclose()


def _ending(done: Future[None]) -> ModelFailed | None:
    if done.cancelled():
        return ModelFailed("stopped", "")
    error = done.exception()
    if error is None or isinstance(error, ModelFailed):
        return error
    logger.error("A language model failed in a way that is not foreseen.", exc_info=error)
    return ModelFailed("broken", "")


class _Loop:
    """The one event loop of the process, started with its first use.

    The providers' packages share their connections between models with the same address, and a connection that was
    opened on one loop fails on every other.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def running(self) -> asyncio.AbstractEventLoop:
        """Return the loop, which runs in a thread of its own until the process ends."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.call_soon(_note_generators)
                threading.Thread(target=self._loop.run_forever, name="language-model", daemon=True).start()
            return self._loop


_LOOP = _Loop()


def _parted(name: str) -> tuple[str, str]:
    provider, colon, model = name.partition(":")
    if not (provider and colon and model):
        raise SettingsError(
            f"The setting ASSISTANT_MODEL is {name!r}: write it as provider:model, such as ollama:llama3.1 or "
            "openai:gpt-4o-mini."
        )
    return _ALIASES.get(provider, provider), model


def _host(provider: str, address: str | None) -> str:
    """Return the host that questions are sent to; the provider's name where it is not known."""
    variables = (os.environ.get(variable) for variable in _ADDRESS_VARIABLES.get(provider, ()))
    found = address or next((value for value in variables if value), None)
    if found is None:
        return _PROVIDERS[provider].host if provider in _PROVIDERS else provider
    try:
        host = urlsplit(found if "://" in found else f"//{found}").hostname
    except ValueError:
        host = None
    if not host:
        raise SettingsError(f"{found!r} is not the address of a server. Write it as http://127.0.0.1:8080/v1.")
    return host


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _open(
    provider: str, model: str, address: str | None, seconds: float, tokens: int, temperature: float | None
) -> Any:
    """Return LangChain's model. Its package is imported here and nowhere else."""
    from langchain.chat_models import init_chat_model

    known = _PROVIDERS.get(provider)
    options: dict[str, Any] = {known.tokens if known else "max_tokens": tokens}
    if provider == "ollama":
        options["client_kwargs"] = {"timeout": seconds}
    else:
        options |= {"timeout": seconds, "max_retries": 0}
    if provider == "openai":
        options["stream_chunk_timeout"] = 0  # our own limits hold; its own swallows a cancellation now and then
    if temperature is not None:
        options["temperature"] = temperature
    if address:
        options["base_url"] = address
        # A server of one's own asks for no key, its client does.
        if provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
            options["api_key"] = _PLACEHOLDER_KEY
    if known and known.key and "api_key" not in options and not os.environ.get(known.key):
        raise ModelUnavailable(f"The language model {provider}:{model} needs its key in the variable {known.key}.")
    try:
        return init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        package = f'-e ".[{known.extra}]"' if known else f"langchain-{provider.replace('_', '-')}"
        raise ModelUnavailable(
            f"The package for the language models of {provider} is missing. "
            f"Install it: pip install -c constraints.txt {package}"
        ) from error
    except ValueError as error:
        # LangChain's word for a provider that it does not know; a bad key or value is a ValueError too.
        raise ModelUnavailable(
            f"The language model {provider}:{model} cannot be opened ({type(error).__name__}). "
            f"Known providers are {', '.join(_PROVIDERS)}; check the name, the key and ASSISTANT_MODEL_ADDRESS."
        ) from None


def _limited(model: Any, provider: str, tokens: int) -> tuple[Any, dict[str, int]]:
    """Return the model and the options of one call under a ceiling of tokens; Ollama's takes no such option."""
    name = _PROVIDERS[provider].tokens if provider in _PROVIDERS else "max_tokens"
    if provider == "ollama":
        return model.model_copy(update={name: tokens}), {}
    return model, {name: tokens}


def _kind(error: Exception) -> Any:
    """Return what went wrong, from the status code that most packages give, else from the name of the exception."""
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    name = " ".join(type(one).__name__ for one in (error, error.__cause__, error.__context__) if one is not None)
    if isinstance(status, int):
        if status in (401, 403):
            return "key"
        if status in _SERVER_BUSY:
            return "busy"
        if status == 413 or (status == 400 and _TOO_LONG.search(str(error))):
            return "too_long"
        return "refused"
    if "Timeout" in name:
        return "timeout"
    if "RateLimit" in name or "ResourceExhausted" in name:
        return "busy"
    if "Connect" in name:
        return "unreachable"
    return "broken"
