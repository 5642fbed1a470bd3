"""What can be chosen: every default is written once, here, with its unit and reason.

Values come from `ASSISTANT_*` variables, then from `assistant.toml` in the working directory, then from the defaults.
Only `build` reads them; every other room takes the plain values that it needs.
"""

from __future__ import annotations

import difflib
import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from assistant.errors import SettingsError

PREFIX = "ASSISTANT_"
# Shorter codes can be guessed.
MIN_CODE = 8
# As bcrypt writes it; the two digits are its cost, and others would be too weak or take a server minutes.
_HASH = re.compile(r"\$2[aby]\$1[0-6]\$[./A-Za-z0-9]{53}")
# No message shows their value.
_SECRET = {"access_code", "staff_password_hash"}
# Read by the tests and by nothing else.
_FOREIGN = {"ASSISTANT_TEST_DATA"}


class Settings(BaseSettings):
    """The choices of one assistant."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        toml_file="assistant.toml",
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        hide_input_in_errors=True,
    )

    corpus: Path = Field(Path("corpus"), description="Folder of documents.")
    data: Path = Field(Path(".assistant"), description="Folder for the library and its indexes; rebuilt if lost.")

    embedding_model: str = Field(
        "all-MiniLM-L6-v2",
        description="Any sentence-transformers model: the bundled one, a folder, or a name in the local model cache.",
    )
    embedding_threads: int = Field(
        1, ge=1, le=64, description="Torch threads for a question; more wait for each other on a busy machine."
    )
    runtime_cache: Path | None = Field(
        None,
        description="Folder for the fast form of the bundled embedding model (90 MB), made by itself; the user's own "
        "cache folder when not set.",
    )
    ingest_threads: int = Field(
        0, ge=0, le=64, description="Torch threads of the embedding worker; 0 takes one per processor core."
    )
    chunk_tokens: int = Field(
        200, ge=32, le=8192, description="Longest chunk in tokens of the embedding model, title and heading included."
    )

    chroma_server: str | None = Field(
        None,
        description="Address of a Chroma server that keeps the vectors, such as http://127.0.0.1:8000; without it they "
        "stand in the data folder.",
    )

    candidates: int = Field(50, ge=5, le=1000, description="Chunks taken from each of the two searches.")
    hits: int = Field(12, ge=1, le=100, description="Chunks that the answer is looked for in, after fusion.")
    reranker: str | None = Field(
        None,
        description="Any sentence-transformers CrossEncoder with one label, a folder or a name in the local model "
        "cache, that puts the first hits in order; without it the two searches alone do.",
    )
    rerank_hits: int = Field(20, ge=2, le=200, description="Hits that the reranker reads for a question.")

    model: str | None = Field(
        None,
        description="Language model that writes the answers, as provider:name (openai, anthropic, google, mistral, "
        "ollama, or any that LangChain knows); without it answers are quotes alone. Its key stands in the provider's "
        "own variable, such as OPENAI_API_KEY.",
    )
    model_address: str | None = Field(
        None,
        description="Address of the model's server where it is not the provider's own: any OpenAI-compatible one with "
        "openai:name, such as http://127.0.0.1:8080/v1.",
    )
    model_seconds: float = Field(
        45, gt=0, le=600, description="Time in seconds for one answer of the model, tries included; then quotes follow."
    )
    model_silence_seconds: float = Field(
        20, gt=0, le=600, description="Time in seconds that the model may be silent, before and between its words."
    )
    model_retries: int = Field(
        2, ge=0, le=10, description="Further tries where its server is not reached or busy and nothing has come yet."
    )
    model_tokens: int = Field(1500, ge=50, le=32000, description="Most tokens that the model may write for one answer.")
    model_temperature: float | None = Field(
        0, ge=0, le=2, description="Randomness of the model; `none` leaves it to the provider."
    )
    model_passages: int = Field(
        8, ge=1, le=50, description="Passages that the model reads for one answer, the best first."
    )

    answer_words: int = Field(80, ge=20, le=400, description="Length in words up to which sentences are added.")
    question_characters: int = Field(2000, ge=100, le=20000, description="Longest question that is answered.")

    parse_seconds: float = Field(
        30, gt=0, le=86400, description="Time in seconds after which the reading of a file is stopped."
    )
    parse_memory_megabytes: int = Field(
        1500, ge=256, le=1_000_000, description="Memory that the reading of a file may take."
    )
    parse_pages: int = Field(3000, ge=1, description="Pages that a file may have.")
    parse_unpacked_megabytes: int = Field(300, ge=1, description="Size that a zipped format may unpack to.")

    host: str = Field("127.0.0.1", description="Address to listen on; beyond this machine only behind TLS.")
    port: int = Field(7860, ge=1, le=65535, description="Port of the page.")
    contact: str | None = Field(None, description="Whom a founder may ask when the documents hold no answer.")
    trusted_proxies: str | None = Field(
        None,
        description="Addresses or networks of the proxies before the app, separated by commas; only their "
        "X-Forwarded- headers are believed.",
    )
    path_prefix: str | None = Field(
        None, description="Path that the site stands under, such as /usanext; not set at the root of a host name."
    )
    fetch_networks: str | None = Field(
        None,
        description="Addresses or networks that links may lead to besides the public internet, separated by commas, "
        "such as an intranet's 10.2.0.0/16.",
    )
    access_code: SecretStr | None = Field(
        None, description="Code that visitors give once, at least 8 characters; without it everybody may come in."
    )
    concurrent_questions: int = Field(
        0,
        ge=0,
        le=64,
        description="Questions answered at the same time, the others wait in line; 0 takes one per processor core, "
        "from 2 to 4, and 8 where a language model writes.",
    )
    questions_per_minute: int = Field(
        12, ge=0, le=10_000, description="Questions of one visitor; 20 times as many of one address; 0 is no limit."
    )
    staff_password_hash: SecretStr | None = Field(
        None,
        description="Hash of the staff desk's password, as `python -m assistant hash-password` prints it; without it "
        "the desk is off.",
    )
    upload_megabytes: int = Field(
        500, ge=1, le=100_000, description="Size in MB of one upload at the staff desk, all its files together."
    )
    log: Literal["text", "json"] = Field(
        "text",
        description="`text` holds warnings and errors; `json` also a line for each question, without its words.",
    )
    saved_days: int = Field(180, ge=1, le=3650, description="Time in days for which a saved link opens.")
    feedback_days: int = Field(365, ge=1, le=3650, description="Time in days for which feedback is kept.")
    gap_texts: bool = Field(
        True,
        description="Keep the words of questions without a whole answer, cleaned of addresses and numbers; `false` "
        "keeps counts alone and erases the words that are there.",
    )
    gap_days: int = Field(
        180, ge=1, le=3650, description="Time in days for which such a question is kept after it was last asked."
    )

    @field_validator("model_temperature", mode="before")
    @classmethod
    def _none_in_words(cls, value: object) -> object:
        return None if isinstance(value, str) and value.strip().lower() == "none" else value

    @field_validator("trusted_proxies", "fetch_networks")
    @classmethod
    def _check_networks(cls, value: str | None) -> str | None:
        for part in filter(None, (part.strip() for part in (value or "").split(","))):
            try:
                ip_network(part, strict=False)
            except ValueError:
                raise ValueError(f"{part} is not an address or network such as 127.0.0.1 or 10.0.0.0/8") from None
        return value

    @field_validator("chroma_server")
    @classmethod
    def _check_server(cls, value: str | None) -> str | None:
        value = (value or "").rstrip("/") or None
        if value and not _is_server(value):
            raise ValueError("it is not the address of a server such as http://127.0.0.1:8000")
        return value

    @field_validator("path_prefix")
    @classmethod
    def _check_prefix(cls, value: str | None) -> str | None:
        value = (value or "").rstrip("/") or None
        if value and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
            raise ValueError("it is not a path such as /usanext")
        return value

    @field_validator("access_code")
    @classmethod
    def _check_code(cls, value: SecretStr | None) -> SecretStr | None:
        code = value.get_secret_value() if value is not None else ""
        if value is not None and (len(code) < MIN_CODE or code != code.strip() or not code.isprintable()):
            raise ValueError(f"it must have at least {MIN_CODE} characters, and no spaces around them")
        return value

    @field_validator("staff_password_hash")
    @classmethod
    def _check_hash(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _HASH.fullmatch(value.get_secret_value()):
            raise ValueError(
                "it is not the hash of a password. Make one with: python -m assistant hash-password, and write it in "
                "single quotes, since a shell changes what follows a dollar sign"
            )
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.hits > self.candidates:
            raise ValueError(f"hits is {self.hits} and must not be above candidates, {self.candidates}")
        if self.corpus.absolute() == self.data.absolute():
            raise ValueError(f"corpus and data are both {self.data} and must be two folders")
        if self.model is None and self.model_address is not None:
            raise ValueError("model_address names a server, but model names no language model on it")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment, then `assistant.toml`."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def _is_server(address: str) -> bool:
    """Return whether an address is one of http or https, with a host, and without a user, a question or an anchor."""
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or brackets around no address
        return False
    return known and not (parts.username or parts.password or parts.query or parts.fragment) and address.isprintable()


def read_settings(**arguments: object) -> Settings:
    """Return the settings; arguments that are None count as not given.

    Raises:
        SettingsError: A value is of the wrong type or out of range, two contradict each other, or a name is unknown.
    """
    _refuse_unknown_variables()
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic converts and checks each value
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(detail) for detail in error.errors())) from error
    except OSError as error:
        raise SettingsError(f"assistant.toml cannot be read: {error.strerror or error}.") from error
    except ValueError as error:  # tomllib's syntax error names line and column
        raise SettingsError(f"assistant.toml cannot be read: {error}. Correct that line.") from error


def _refuse_unknown_variables() -> None:
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in _FOREIGN:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.model_fields:
            raise SettingsError(f"{variable} is not a setting of the assistant.{_did_you_mean(name)}")


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f" Did you mean {PREFIX}{close[0].upper()}?" if close else ""


def _sentence(detail: object) -> str:
    assert isinstance(detail, dict)
    place = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not place:
        return f"Settings contradict each other: {message}"
    if detail["type"] == "extra_forbidden":
        return f"{place} is not a setting of the assistant.{_did_you_mean(place)}"
    lowered = message[:1].lower() + message[1:]
    if place in _SECRET:
        return f"The setting {PREFIX}{place.upper()} cannot be used: {lowered}"
    return f"The setting {PREFIX}{place.upper()} is {detail['input']!r}: {lowered}"
