"""What a visitor's page posts to us: one small JSON object, checked before anything is done with it.

Only `application/json` is read: another site's page cannot send that without asking us first, and we never agree.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

import fastapi
from fastapi.responses import JSONResponse

from assistant.web.gate import STRICT_POLICY
from assistant.web.words import WORDS, InterfaceLanguage

# A reason of 1,000 characters fits, and so do 200 ids, whatever letters they are written in.
MAX_BODY_BYTES = 20_000


class Refused(Exception):
    """A request that is not done, with its status and the sentence that says why.

    Attributes:
        status: The HTTP status.
        word: The sentence's key in `words`; `values` fill it in.
    """

    def __init__(self, status: int, word: str, **values: object) -> None:
        super().__init__(word)
        self.status = status
        self.word = word
        self.values = values

    def reply(self, language: InterfaceLanguage) -> JSONResponse:
        """Return the reply that says so in the visitor's language."""
        return json_reply({"error": WORDS[language][self.word].format(**self.values)}, self.status)


def json_reply(values: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """Return a reply that no browser or proxy keeps."""
    return JSONResponse(
        dict(values), status, headers={"cache-control": "no-store", "content-security-policy": STRICT_POLICY}
    )


async def read_object(request: fastapi.Request, allowed: Collection[str]) -> dict[str, Any]:
    """Return the object that a request brings.

    Args:
        allowed: The names that it may hold.

    Raises:
        Refused: It is no JSON by its header (415), too large (413), no JSON (400), or another kind of JSON (422).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "post_type")
    try:
        values = json.loads(await read_body(request))
    except (ValueError, RecursionError):
        raise Refused(400, "post_broken") from None
    if not isinstance(values, dict):
        raise Refused(422, "post_no_object")
    for name in values:
        if name not in allowed:
            raise Refused(422, "post_unknown", name=shown(name))
    return values


async def read_body(request: fastapi.Request) -> bytes:
    """Return a request's body, read no further than it may be long.

    Raises:
        Refused: It is too large (413).
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Refused(413, "too_large")
    return body


def read_language(values: Mapping[str, Any], otherwise: InterfaceLanguage) -> InterfaceLanguage:
    """Return the field `language`, or the other one where it is missing.

    Raises:
        Refused: It is none of ours.
    """
    language = values.get("language", otherwise)
    if not isinstance(language, str) or language not in WORDS:
        raise Refused(422, "post_language")
    return cast(InterfaceLanguage, language)


def shown(name: str) -> str:
    """Return a name as a sentence can hold it, however long and whatever it is."""
    short = name if len(name) <= 40 else f"{name[:40]}…"
    return short.encode("utf-8", "replace").decode("utf-8")
