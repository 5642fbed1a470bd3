"""What passes through to the site: which addresses are offered, how large a request may be, and the headers on all.

Plain ASGI, because Starlette's `BaseHTTPMiddleware` would hold Gradio's event streams back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse, PlainTextResponse, Response

from assistant.web import api
from assistant.web.words import WORDS, preferred_language

# Our own pages hold no script at all.
STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# Gradio's page holds inline scripts and styles; it is still kept from asking any other machine for anything.
GRADIO_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "content-security-policy": GRADIO_POLICY,
}

# What Gradio's page needs; the rest of its interface (uploads, API page, recordings, links to other spaces) is shut.
_GRADIO_GET = re.compile(
    r"/(|config|theme\.css|robots\.txt|manifest\.json|(assets|static|svelte)/.*"
    r"|gradio_api/(queue/data|heartbeat/[^/]+|startup-events|app_id))"
)
_GRADIO_POST = re.compile(r"/gradio_api/(queue/join|cancel|reset)")
# A question of 2,000 characters fits ten times over, whatever letters it is written in; so do 50 turns as people talk.
MAX_BODY_BYTES = 100_000


class Gate:
    """Middleware around everything: shuts what is not offered, and puts the security headers on every response."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_security(message.get("headers", []))
            await send(message)

        refusal = _refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)


def _with_security(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers with ours added; what a route has set itself, such as a stricter policy, stands."""
    present = {name.lower() for name, _ in headers}
    added = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
    kept = [(name, value) for name, value in headers if name.lower() != b"server"]
    return [*kept, *((name, value) for name, value in added if name not in present)]


def _refusal(scope: MutableMapping[str, Any]) -> Response | None:
    """Return the answer to a request that nobody here has a use for, or None."""
    path, method = scope["path"], scope["method"]
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    words = WORDS[preferred_language(accept_language=headers.get("accept-language"))]
    if path.startswith("/gradio_api/upload"):
        return PlainTextResponse(words["upload_refused"], 403)
    if not _offered(path, method):
        return PlainTextResponse(words["not_offered"], 404)
    if method == "POST" and not _is_small(headers):
        too_large = words["too_large"]
        return JSONResponse({"error": too_large}, 413) if path == api.PATH else PlainTextResponse(too_large, 413)
    return None


def _offered(path: str, method: str) -> bool:
    """Return whether a path is one of our own or one that Gradio's page needs."""
    if method == "POST":
        return path == api.PATH or bool(_GRADIO_POST.fullmatch(path))
    if method not in ("GET", "HEAD"):
        return False
    own = path in ("/health", "/favicon.ico") or path.startswith(("/source/", "/original/"))
    return own or bool(_GRADIO_GET.fullmatch(path))


def _is_small(headers: Mapping[str, str]) -> bool:
    """Return whether a request says that its body is small; one that does not say is refused."""
    length = headers.get("content-length", "")
    return bool(re.fullmatch(r"[0-9]{1,9}", length)) and int(length) <= MAX_BODY_BYTES
