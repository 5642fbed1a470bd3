"""What passes through to the site: from where, by whom, which addresses, how large, how often; and the headers on all.

Plain ASGI, because Starlette's `BaseHTTPMiddleware` would hold Gradio's event streams back.
"""

from __future__ import annotations

import math
import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, unquote

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from assistant.web import api
from assistant.web.access import ACCESS_COOKIE, AccessCode
from assistant.web.limits import Limit, household
from assistant.web.staff_words import STAFF_WORDS
from assistant.web.visits import STAFF_COOKIE, VISITOR_COOKIE, Proxies, Visit, cookies_of, path_inside
from assistant.web.words import LANGUAGE_COOKIE, WORDS, InterfaceLanguage, preferred_language

# Our own pages hold no script at all.
STRICT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# The same for a page of ours that holds a form.
FORM_POLICY = STRICT_POLICY.replace("form-action 'none'", "form-action 'self'")
# Gradio's page holds inline scripts and styles; it is still kept from asking any other machine for anything.
GRADIO_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'self'"
)
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: forms of our own pages would then name no origin. Other hosts are told nothing either way.
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
# Only where a trusted proxy has said that the visitor came by TLS: a browser remembers it for a year.
_HSTS = ("strict-transport-security", "max-age=31536000")

_OWN_GET = re.compile(
    r"/(health|ready|enter|privacy|favicon\.ico|saved/[^/]+(/delete)?|(conversation|saved)/[^/]+/answers\.(md|docx|pdf)"
    r"|(source|original|page)/.*)",
    re.DOTALL,
)
_OWN_POST = re.compile(r"/(enter|feedback/delete|saved/[^/]+/delete|conversation/[^/]+/(save|feedback))")
# What Gradio's page needs; the rest of its interface (uploads, API page, recordings, links to other spaces) is shut.
_GRADIO_GET = re.compile(
    r"/(|config|theme\.css|robots\.txt|manifest\.json|(assets|static|svelte)/.*"
    r"|gradio_api/(queue/data|heartbeat/[^/]+|app_id))"
)
_GRADIO_POST = re.compile(r"/gradio_api/(queue/join|cancel|reset)")
# A question of 2,000 characters fits ten times over, whatever letters it is written in; so do 50 turns as people talk.
MAX_BODY_BYTES = 100_000


# The staff desk: who may see what is the concern of its routes. While it is off, one page says how to turn it on.
_DESK = re.compile(r"/staff(/.*)?", re.DOTALL)
DESK_PAGE = "/staff"
# The one address that takes a large body, from somebody who has logged in.
UPLOAD = "/staff/upload"


# What an access code does not shut: signs of life, and what the page that asks for it needs.
_OPEN = re.compile(r"/(health|ready|enter|favicon\.ico|robots\.txt|static/.*)")
# What is written down for a visitor: saved links and feedback.
WRITINGS, WRITINGS_SECONDS = 30, 3600
# Files of a conversation: a long one takes two seconds of a processor.
FILES, FILES_OF_ADDRESS, FILES_SECONDS = 20, 100, 600
# What the page asks of Gradio: opening, a question, a choice. For each new page Gradio keeps 100 kB, and what waits to
# be read of 2,000 pages at most.
EVENTS, EVENTS_OF_ADDRESS, EVENTS_SECONDS = 60, 600, 60
# Requests of one address that are answered at the same time; an open page holds one or two.
OPEN_AT_ONCE = 500
_FILE = re.compile(r"/(conversation|saved)/[^/]+/answers\..*")


class KnowsStaff(Protocol):
    """The door of the staff desk, as the gate sees it."""

    def session(self, token: str) -> object | None:
        """Return the session of whoever has logged in, or None."""
        ...


class Gate:
    """Middleware around everything: shuts what is not offered, and puts the security headers on every response.

    What passes carries its `Visit` as `request.state.visit`.
    """

    def __init__(
        self,
        app: Callable[..., Any],
        proxies: Proxies | None = None,
        access: AccessCode | None = None,
        staff: KnowsStaff | None = None,
        upload_bytes: int = 0,
    ) -> None:
        """Stand before an application.

        Args:
            access: Where it is given, nobody comes in without it; the desk has a password of its own.
            staff: The desk's door; None while the desk is off.
            upload_bytes: Size of the body that somebody who has logged in may send to `UPLOAD`.
        """
        self._app = app
        self._proxies = proxies or Proxies()
        self._access = access
        self._staff = staff
        self._upload_bytes = upload_bytes
        self._writings = Limit(WRITINGS, WRITINGS_SECONDS)
        self._files = Limit(FILES, FILES_SECONDS, for_address=FILES_OF_ADDRESS)
        self._events = Limit(EVENTS, EVENTS_SECONDS, for_address=EVENTS_OF_ADDRESS)
        self._open_at_once: Counter[str] = Counter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        visit = self._proxies.receive(scope)
        scope["state"] = {**scope.get("state", {}), "visit": visit}
        path = path_inside(scope)
        started = False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = self._with_ours(message.get("headers", []), visit, path)
            await send(message)

        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(path, scope["method"], headers, visit) or self._shut_out(scope, path, headers, visit)
        home = household(visit.address)
        if self._open_at_once[home] >= OPEN_AT_ONCE:
            refusal = PlainTextResponse(_words(headers)["too_busy"], 503, {"retry-after": "60"})
        self._open_at_once[home] += 1
        try:
            await (refusal or self._app)(scope, receive, send_with_headers)
        except Exception:
            # Starlette's own answer would go out around us, without these headers.
            if not started:
                failed = PlainTextResponse(_words(headers)["unexpected"], 500, {"cache-control": "no-store"})
                await failed(scope, receive, send_with_headers)
            raise
        finally:
            self._open_at_once[home] -= 1
            if not self._open_at_once[home]:
                del self._open_at_once[home]

    def _with_ours(self, headers: Sequence[tuple[bytes, bytes]], visit: Visit, path: str) -> list[tuple[bytes, bytes]]:
        """Return the headers with ours added; what a route has set itself, such as another policy, stands."""
        present = {name.lower() for name, _ in headers}
        added = {**SECURITY_HEADERS, "content-security-policy": GRADIO_POLICY if path == "/" else STRICT_POLICY}
        if visit.secure:
            added |= dict([_HSTS])
        if self._access and not _OPEN.fullmatch(path):
            added["cache-control"] = "private"
        ours = [(name.encode(), value.encode()) for name, value in added.items() if name.encode() not in present]
        if path == "/" and visit.visitor is None:
            ours.append((b"set-cookie", cookie_header(VISITOR_COOKIE, secrets.token_urlsafe(16), visit).encode()))
        return [*((name, value) for name, value in headers if name.lower() != b"server"), *ours]

    def _shut_out(
        self, scope: MutableMapping[str, Any], path: str, headers: Mapping[str, str], visit: Visit
    ) -> Response | None:
        """Return the answer to who may not come in, or has written too much; else None."""
        words = _words(headers)
        if self._access and not _OPEN.fullmatch(path) and not _DESK.fullmatch(path):
            bearer = re.fullmatch(r"Bearer +(.+)", headers.get("authorization", ""), re.IGNORECASE)
            if bearer:
                seconds = self._access.wait(visit, "program")
                if seconds:
                    return too_often(words["too_many_tries"], seconds, as_json=path == api.PATH)
                if not self._access.opens(bearer[1].encode("latin-1"), visit, "program"):
                    return _locked(words["code_wrong"], path)
            elif not self._access.admits(cookies_of(headers.get("cookie", "")).get(ACCESS_COOKIE, "")):
                page = scope["method"] != "POST" and (path == "/" or not _GRADIO_GET.fullmatch(path))
                return _to_enter(scope) if page else _locked(words["code_missing"], path)
        limited = self._limited(scope["method"], path)
        if limited:
            limit, sentence = limited
            seconds = limit.take(visit)
            if seconds:
                return too_often(words[sentence], seconds, as_json=limit is self._events)
        return None

    def _refusal(self, path: str, method: str, headers: Mapping[str, str], visit: Visit) -> Response | None:
        """Return the answer to a request that nobody here has a use for, or None."""
        words = _words(headers)
        if visit.prefix and path == "":
            # Relative, as all our links: whoever stands before the proxy may call this host by another name.
            return RedirectResponse(f"{visit.prefix.rpartition('/')[2]}/", 308)
        if path.startswith("/gradio_api/upload"):
            return PlainTextResponse(words["upload_refused"], 403)
        if not (self._offers_desk(path, method) if _DESK.fullmatch(path) else _offered(path, method)):
            return PlainTextResponse(words["not_offered"], 404)
        refused: tuple[str, int] | None = None
        if method == "POST" and not _from_our_page(path, headers, visit):
            refused = words["foreign_page"], 403
        elif method == "POST" and path == UPLOAD:
            refused = self._upload_refusal(headers)
        elif method == "POST" and not _is_small(headers):
            refused = words["too_large"], 413
        if refused is None:
            return None
        sentence, status = refused
        return JSONResponse({"error": sentence}, status) if path == api.PATH else PlainTextResponse(sentence, status)

    def _offers_desk(self, path: str, method: str) -> bool:
        """Return whether the desk has a use for a request; while it is off, its first page alone."""
        if self._staff is None:
            return path == DESK_PAGE and method in ("GET", "HEAD")
        return method in ("GET", "HEAD", "POST")

    def _upload_refusal(self, headers: Mapping[str, str]) -> tuple[str, int] | None:
        """Return why the body of an upload is not read at all, or None.

        It must say how long it is: the server then reads no further.
        """
        words = STAFF_WORDS[_language(headers)]
        token = cookies_of(headers.get("cookie", "")).get(STAFF_COOKIE, "")
        if self._staff is None or self._staff.session(token) is None:
            return words["upload_no_session"], 401
        if not _is_small(headers, self._upload_bytes):
            return words["upload_too_large"].format(megabytes=self._upload_bytes // 1_000_000), 413
        return None

    def _limited(self, method: str, path: str) -> tuple[Limit, str] | None:
        """Return the limit that a request counts for, and the key of its sentence; None for what has none here."""
        if method != "POST":
            return (self._files, "too_many_files") if _FILE.fullmatch(path) else None
        if _GRADIO_POST.fullmatch(path):
            return self._events, "too_many_events"
        if _OWN_POST.fullmatch(path) and path != "/enter":
            return self._writings, "too_many_writings"
        return None


def cookie_header(name: str, value: str, visit: Visit, *, max_age: int | None = None) -> str:
    """Return the header that sets a cookie which scripts cannot read and other sites' requests do not carry.

    Args:
        max_age: In seconds; None lets it end with the browser's session.
    """
    lasting = f"; Max-Age={max_age}" if max_age is not None else ""
    secure = "; Secure" if visit.secure else ""
    return f"{name}={value}; Path={visit.prefix}/; HttpOnly; SameSite=Lax{lasting}{secure}"


def too_often(sentence: str, seconds: float, *, as_json: bool = False) -> Response:
    """Return the answer to who has to wait; the sentence has a place for `{wait}`, in minutes and seconds."""
    whole = max(math.ceil(seconds), 1)
    said = sentence.format(wait=waiting_time(seconds))
    headers = {"retry-after": str(whole), "cache-control": "no-store"}
    return JSONResponse({"error": said}, 429, headers) if as_json else PlainTextResponse(said, 429, headers)


def waiting_time(seconds: float) -> str:
    """Return a time to wait as both languages read it: `40 s`, or whole minutes from two on."""
    return f"{math.ceil(seconds / 60)} min" if seconds > 120 else f"{max(math.ceil(seconds), 1)} s"


def is_page(path: str) -> bool:
    """Return whether a path, with or without a query, is one that a visitor can be led to."""
    inside = unquote(re.split("[?#]", path, maxsplit=1)[0])
    return not re.search(r"/\.{1,2}(/|$)|[\\\x00-\x1f]", inside) and _offered(inside, "GET")


def _words(headers: Mapping[str, str]) -> Mapping[str, str]:
    return WORDS[_language(headers)]


def _language(headers: Mapping[str, str]) -> InterfaceLanguage:
    remembered = cookies_of(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    return preferred_language(remembered=remembered, accept_language=headers.get("accept-language"))


def _from_our_page(path: str, headers: Mapping[str, str], visit: Visit) -> bool:
    """Return whether a request that changes something comes from a page of this site.

    A browser says so itself, over TLS and on the own machine; elsewhere the origin must be the host that was asked. A
    program sends neither: it may ask questions, and nothing else.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        return bool(visit.host) and origin.partition("://")[2].lower() == visit.host.lower()
    return path == api.PATH


def _to_enter(scope: MutableMapping[str, Any]) -> Response:
    """Return the way to the page that asks for the code, and from there back."""
    raw = scope["raw_path"].removeprefix(scope["root_path"].encode())
    query = scope.get("query_string", b"")
    wanted = quote(raw[1:] + (b"?" + query if query else b""), safe="")
    up = "../" * (raw.count(b"/") - 1) or "./"
    headers = {"cache-control": "no-store", "vary": "cookie"}
    return RedirectResponse(f"{up}enter" + (f"?next={wanted}" if wanted else ""), 303, headers)


def _locked(sentence: str, path: str) -> Response:
    """Return the answer to a program, or a part of the page, without the code."""
    headers = {"www-authenticate": "Bearer", "cache-control": "no-store"}
    if path == api.PATH:
        return JSONResponse({"error": sentence}, 401, headers)
    return PlainTextResponse(sentence, 401, headers)


def _offered(path: str, method: str) -> bool:
    """Return whether a path is one of our own or one that Gradio's page needs."""
    if method == "POST":
        return path == api.PATH or bool(_OWN_POST.fullmatch(path) or _GRADIO_POST.fullmatch(path))
    if method not in ("GET", "HEAD"):
        return False
    return bool(_OWN_GET.fullmatch(path) or _GRADIO_GET.fullmatch(path))


def _is_small(headers: Mapping[str, str], most: int = MAX_BODY_BYTES) -> bool:
    """Return whether a request says that its body is small; one that does not say, or says two things, is refused."""
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers:
        return False
    return bool(re.fullmatch(r"[0-9]{1,12}", length)) and int(length) <= most
