"""Fetching: links to files, from public addresses only, as a straight line: check, ask robots.txt, get, check, keep.

Every request goes through `connecting`, robots.txt and redirects too. No cookies, no passwords, no proxies of the
environment.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import ssl
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import httpcore
import httpx

from assistant.documents import content
from assistant.documents.connecting import GuardedBackend, Refusal, Resolve, read_networks, resolve
from assistant.documents.metadata import changed_sidecar, sidecar_of, sidecar_text, write_sidecar
from assistant.documents.robots import MAX_ROBOTS_BYTES, Robots, read_robots
from assistant.documents.unpacking import safe_name
from assistant.errors import FetchError, LoadError

AGENT = "usa-next-assistant"
# Where fetched copies stand in a corpus.
WEB_FOLDER = "web"

_BY_HAND = "Open it in a browser, save it and add the file"
_MAX_URL = 2000
_MAX_SHOWN = 200
_PIECE = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = (
    ("User-Agent", f"{AGENT} (gets a document that a person asked for)"),
    ("Accept", "text/html, application/pdf, text/markdown, text/plain, */*;q=0.5"),
    ("Accept-Encoding", "gzip"),
)

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/plain": ".txt",
}
# What servers say that do not know; then the name and the bytes decide.
_UNTOLD = (
    "", "application/octet-stream", "binary/octet-stream", "application/download", "application/x-download",
    "application/force-download",
)  # fmt: skip
_TOLD_BY_BYTES = (".pdf", ".docx", ".pptx")
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PASSWORD_FIELD = re.compile(rb"<input\b[^>]{0,1000}\btype\s*=\s*[\"']?password", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one fetch may cost.

    Attributes:
        seconds: Wall time of everything together: names, robots.txt, redirects, content.
        silence_seconds: How long a server may send nothing.
        bytes: Of the content, as sent and as unpacked.
        unpacked_bytes: What an Office file may unpack to.
        redirects: From one address to the next.
    """

    seconds: float = 60.0
    silence_seconds: float = 20.0
    bytes: int = 100_000_000
    unpacked_bytes: int = 300_000_000
    redirects: int = 5


DEFAULT_LIMITS = FetchLimits()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was fetched.

    Attributes:
        file: Where it lies, named by `stored_name`.
        asked: The address as it was asked for, in its usual spelling; the copy is named by it.
        url: Where redirects led in the end.
        content_type: As the server said, in lower case without parameters; may be empty.
        fetched_at: UTC to the minute.
        bytes: Its size, unpacked.
        etag: As the server said, or None; `last_modified` likewise.
    """

    file: Path
    asked: str
    url: str
    content_type: str
    fetched_at: str
    bytes: int
    etag: str | None = None
    last_modified: str | None = None

    @property
    def day(self) -> str:
        """The day it was fetched, ISO 8601."""
        return self.fetched_at[:10]


def usual_spelling(url: str) -> str:
    """Return a web address in the one spelling that names it: host in lower case, without default port and fragment.

    Raises:
        FetchError: It is no http:// or https:// address of a host, holds a password, or is longer than 2000 characters.
    """
    try:
        return str(_checked(url))
    except Refusal as refusal:
        raise FetchError(shown(url), refusal.reason, refusal.remedy) from refusal


def stored_name(url: str, suffix: str) -> str:
    """Return the name of an address's copy: readable by its start, told apart from all others by its end.

    Args:
        url: In its usual spelling.
        suffix: Of a format that is read, with its dot.
    """
    address = httpx.URL(url)
    path = PurePosixPath(unquote(address.path))
    words = path.with_suffix("") if path.suffix.lower() in content.FORMATS else path
    readable = re.sub(r"[^a-z0-9]+", "-", words.as_posix().lower()).strip("-")[:40].strip("-")
    host = re.sub(r"[^a-z0-9.-]+", "-", address.raw_host.decode("ascii").lower())[:50].strip(".-")
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    return safe_name("-".join(part for part in (host, readable, digest) if part) + suffix)


def shown(url: str) -> str:
    """Return a web address as messages show it: on one line, not at length, and without a password."""
    visible = "".join(character for character in url if character.isprintable())
    return re.sub(r"//[^/?#]*@", "//", visible)[:_MAX_SHOWN]


def fetch(
    url: str,
    folder: Path,
    *,
    networks: Sequence[str] = (),
    limits: FetchLimits = DEFAULT_LIMITS,
    resolve: Resolve = resolve,
) -> Fetched:
    """Get the file behind a web address into a folder that exists.

    Args:
        networks: Addresses and networks that are allowed beyond public addresses, on any port.
        resolve: Host name and port to addresses; the system's look-up unless given.

    Raises:
        FetchError: It cannot be fetched, or must not be; nothing is left in the folder.
        UsageError: `networks` holds something else.
    """
    backend = GuardedBackend(
        networks=read_networks(networks), resolve=resolve, deadline=time.monotonic() + limits.seconds
    )
    try:
        asked = _checked(url)
        with httpcore.ConnectionPool(network_backend=backend) as pool:  # verifies certificates, knows no proxy
            return _Visit(pool, limits).get(asked, folder)
    except Refusal as refusal:
        raise FetchError(shown(url), refusal.reason, refusal.remedy) from refusal
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise FetchError(shown(url), *_explained(error, limits)) from error
    except OSError as error:
        reason = f"cannot be stored ({error.strerror or error})"
        raise FetchError(shown(url), reason, "Check the room on the disk") from error


def keep(fetched: Fetched, corpus: Path) -> Path:
    """Put a fetched file into `web/` of a corpus, in the place of an earlier copy, and return where it stands.

    Its sidecar gets `url` (as asked for) and `checked` (the day); other keys that stand there stay.

    Raises:
        FetchError: `web/` or the place in it is a link or something else, the earlier copy is of another format, its
            sidecar is broken, or the disk is full; the earlier copy stays as it was.
    """
    target = corpus / WEB_FOLDER / stored_name(fetched.asked, fetched.file.suffix)
    try:
        _check_place(target, corpus)
        changes = {"url": fetched.asked, "checked": fetched.day}
        described = changed_sidecar(sidecar_text(target), changes, target.relative_to(corpus).as_posix())
        _replace(fetched.file, target)
        write_sidecar(target, described)
    except Refusal as refusal:
        raise FetchError(shown(fetched.asked), refusal.reason, refusal.remedy) from refusal
    except (OSError, UnicodeDecodeError, LoadError) as error:
        reason = f"cannot be kept as {WEB_FOLDER}/{target.name} ({getattr(error, 'reason', None) or error})"
        remedy = "Check that file, its sidecar, their permissions and the room on the disk"
        raise FetchError(shown(fetched.asked), reason, remedy) from error
    return target


# ---- Addresses ----


def _checked(given: str) -> httpx.URL:
    """Return an address that may be asked for, as far as the address itself tells."""
    usual = "Write it as https://example.org/page"
    if len(given) > _MAX_URL:
        raise Refusal(f"is longer than {_MAX_URL} characters", "Use a shorter address of the same page")
    if not given.isprintable() or given != given.strip():
        raise Refusal("holds characters that no address holds", usual)
    try:
        url = httpx.URL(given)
        host = url.raw_host
    except (httpx.InvalidURL, ValueError) as error:
        raise Refusal(f"is no web address ({error})", usual) from error
    if url.scheme not in ("http", "https") or not host:
        raise Refusal("is no address that starts with http:// or https:// and names a host", usual)
    if url.userinfo:
        raise Refusal("holds a user name or password", "Leave them out; pages behind a login are saved by hand")
    if not _HOST.fullmatch(host) or not 0 < (url.port or 80) < 65536:
        raise Refusal("is no web address: its host or port cannot be", usual)
    return url.copy_with(raw_path=url.raw_path, fragment=None)


def _next(current: httpx.URL, response: httpcore.Response) -> httpx.URL:
    """Return where a redirect leads."""
    location = _header(response, b"location")
    if not location:
        raise Refusal(f"answers {response.status} without saying where to go", _BY_HAND)
    try:
        url = _checked(str(current.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise Refusal(f"leads to something that is no web address ({error})", _BY_HAND) from error
    except Refusal as refusal:
        raise Refusal(f"leads to {shown(location)}, which {refusal.reason}", _BY_HAND) from refusal
    if current.scheme == "https" and url.scheme == "http":
        raise Refusal(f"leads from https to {shown(str(url))}, which anybody on the way could change", _BY_HAND)
    return url


# ---- The visit ----


class _Visit:
    """One fetch: what it may still do, and the rules of the sites that it has met."""

    def __init__(self, pool: httpcore.ConnectionPool, limits: FetchLimits) -> None:
        self._pool = pool
        self._limits = limits
        self._robots: dict[str, Robots] = {}

    def get(self, asked: httpx.URL, folder: Path) -> Fetched:
        """Follow redirects to the file, each address checked like the first."""
        url = asked
        for _ in range(self._limits.redirects + 1):
            self._ask_robots(url)
            with self._requested(url) as response:
                if response.status not in _REDIRECTS:
                    return self._take(response, asked, url, folder)
                url = _next(url, response)
        raise Refusal(f"leads on and on, more than {self._limits.redirects} times", _BY_HAND)

    def _requested(self, url: httpx.URL) -> AbstractContextManager[httpcore.Response]:
        silence = self._limits.silence_seconds
        return self._pool.stream(
            "GET",
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[("Host", url.netloc.decode("ascii")), *_HEADERS],
            extensions={"timeout": {"connect": silence, "read": silence, "write": silence, "pool": silence}},
        )

    def _ask_robots(self, url: httpx.URL) -> None:
        """Raise `Refusal` where the site asks programs to stay away."""
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if origin not in self._robots:
            self._robots[origin] = self._robots_of(httpx.URL(f"{origin}/robots.txt"))
        if not self._robots[origin].allows(url.raw_path.decode("ascii")):
            raise Refusal("is a page that its site asks programs not to read (robots.txt)", _BY_HAND)

    def _robots_of(self, url: httpx.URL) -> Robots:
        """Return a site's rules: none where it says that it has none, or leads on and on."""
        for _ in range(self._limits.redirects + 1):
            with self._requested(url) as response:
                if response.status in _REDIRECTS:
                    url = _next(url, response)
                    continue
                if response.status >= 500:
                    reason = f"cannot be read now: its site does not say whether programs may ({response.status})"
                    raise Refusal(reason, f"Try again later. {_BY_HAND}")
                if response.status != 200:
                    return Robots()
                raw = bytearray()
                for piece in _unpacked(response, self._limits.bytes):
                    raw += piece
                    if len(raw) >= MAX_ROBOTS_BYTES:
                        break
                return read_robots(bytes(raw), AGENT)
        return Robots()

    def _take(self, response: httpcore.Response, asked: httpx.URL, url: httpx.URL, folder: Path) -> Fetched:
        """Write an answer's content into the folder, once it has shown to be what it says."""
        _check_status(response.status)
        kind, suggested = _said(response)
        suffix = _suffix(kind, suggested or PurePosixPath(unquote(url.path)).name)
        part = folder / f".{stored_name(str(asked), '.part')}"
        try:
            with part.open("wb") as file:
                for piece in _unpacked(response, self._limits.bytes):
                    file.write(piece)
            raw = part.read_bytes()
            suffix = self._checked_suffix(raw, suffix, kind)
            if suffix == ".html" and url != asked and _PASSWORD_FIELD.search(raw):
                raise Refusal(f"leads to a login page ({shown(str(url))})", _BY_HAND)
            file_ = part.rename(folder / stored_name(str(asked), suffix))
        finally:
            part.unlink(missing_ok=True)
        return Fetched(
            file_,
            str(asked),
            str(url),
            kind,
            f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}",
            len(raw),
            _header(response, b"etag"),
            _header(response, b"last-modified"),
        )

    def _checked_suffix(self, raw: bytes, suffix: str | None, kind: str) -> str:
        """Return the suffix of what the bytes are; what the server says and what they are must agree."""
        if not raw:
            raise Refusal("is empty (0 bytes)", "Check the address in a browser")
        problem: LoadError | None = None
        for candidate in [suffix] if suffix else _TOLD_BY_BYTES:
            try:
                content.check_content(
                    raw, f"it{candidate}", content.FORMATS[candidate], unpacked_bytes=self._limits.unpacked_bytes
                )
                return candidate
            except LoadError as error:
                problem = error
        if suffix is None or problem is None:
            raise Refusal("does not say what kind of file it is, and does not look like one that is read", _BY_HAND)
        called = f"{kind} by what its server says" if kind in _SUFFIXES else f"{suffix} by its name"
        raise Refusal(f"is {called}, but {problem.reason}", _BY_HAND)


# ---- Answers ----


def _header(response: httpcore.Response, name: bytes) -> str | None:
    """Return a header on one line, or None; one that is given twice counts once."""
    value = next((value for key, value in response.headers if key.lower() == name), None)
    if value is None:
        return None
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return "".join(character for character in text if character.isprintable()).strip() or None


def _check_status(status: int) -> None:
    if status == 200:
        return
    if status in (401, 403, 407):
        raise Refusal(f"is not for everybody: it asks for a login, or refuses programs ({status})", _BY_HAND)
    if status in (404, 410):
        raise Refusal(f"is not there ({status})", "Check the address in a browser")
    if status == 429 or status >= 500:
        raise Refusal(f"cannot be had now: its server answers {status}", "Try again later")
    raise Refusal(f"is no page: its server answers {status}", "Check the address in a browser")


def _said(response: httpcore.Response) -> tuple[str, str]:
    """Return the content type and the file name that the server gives, both possibly empty."""
    told = Message()
    told["Content-Type"] = _header(response, b"content-type") or ""
    told["Content-Disposition"] = _header(response, b"content-disposition") or ""
    kind = str(told["Content-Type"]).partition(";")[0].partition(",")[0].strip().lower()
    return kind[:100], told.get_filename() or ""


def _suffix(kind: str, name: str) -> str | None:
    """Return the suffix of what a server says that it sends; None where only the bytes can tell."""
    named = PurePosixPath(name).suffix.lower()
    if kind == "text/plain" and named in (".md", ".markdown"):
        return ".md"
    if kind in _SUFFIXES:
        return _SUFFIXES[kind]
    if kind not in _UNTOLD:
        raise Refusal(f"is of the type {kind}, which is not read", "Link to a web page, PDF, Word or text file")
    return named if named in content.FORMATS else None


def _unpacked(response: httpcore.Response, limit: int) -> Iterator[bytes]:
    """Yield an answer's content, unpacked; neither what is sent nor what it unpacks to goes beyond the limit."""
    length = _header(response, b"content-length") or ""
    packing = (_header(response, b"content-encoding") or "identity").lower()
    if packing not in ("identity", "gzip", "x-gzip"):
        raise Refusal(f"is packed as {packing[:40]}, which nobody asked for", _BY_HAND)
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    sent = _limited(response.iter_stream(), limit)
    return sent if packing == "identity" else _limited(_gunzipped(sent), limit)


def _limited(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit:
            raise _too_large(limit)
        yield piece


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what gzip data holds, in small pieces, however much one byte stands for."""
    inflating = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            while piece:
                yield inflating.decompress(piece, _PIECE)
                piece = inflating.unconsumed_tail
                if inflating.eof:
                    piece = inflating.unused_data
                    if not piece.startswith(b"\x1f\x8b"):
                        return
                    inflating = zlib.decompressobj(wbits=31)
        yield inflating.flush()
    except zlib.error as error:
        raise Refusal("is packed as gzip, but damaged", "Try again later") from error
    if not inflating.eof:
        raise Refusal("breaks off in the middle", "Try again later")


def _too_large(limit: int) -> Refusal:
    return Refusal(
        f"is larger than {limit / 1e6:.0f} MB", "Link to a part of it, or save it, make it smaller and add it"
    )


def _explained(error: Exception, limits: FetchLimits) -> tuple[str, str]:
    """Return reason and remedy of a connection that fails."""
    if isinstance(error.__context__, ssl.SSLError):
        return ("has a certificate that cannot be trusted", "Check the address; a site of one's own needs a valid one")
    if isinstance(error, httpcore.TimeoutException):
        return (f"takes too long (more than {limits.seconds:.0f} s in all)", f"Try again later. {_BY_HAND}")
    if isinstance(error, httpcore.ConnectError):
        return ("cannot be reached", "Check the address and the network connection")
    if isinstance(error, httpcore.ProtocolError):
        return ("gets an answer that is not proper HTTP, or breaks off", f"Try again later. {_BY_HAND}")
    return ("breaks off in the middle", "Try again later")


# ---- The corpus ----


def _check_place(target: Path, corpus: Path) -> None:
    """Refuse a place to which a link leads the write, or at which something else stands."""
    folder = target.parent
    if not corpus.is_dir():
        raise Refusal(f"has nowhere to go: {corpus} is not a folder", "Create it or name another corpus")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Refusal(f"cannot be kept: {WEB_FOLDER}/ in the corpus is a link or a file", "Make it a folder")
    folder.mkdir(exist_ok=True)
    for place in (target, sidecar_of(target)):
        if place.is_symlink() or (place.exists() and not place.is_file()):
            raise Refusal(f"cannot be kept: {WEB_FOLDER}/{place.name} is a link or a folder", "Take it away")
    others = [target.with_suffix(suffix) for suffix in content.FORMATS if suffix != target.suffix]
    if earlier := next((other for other in others if other.exists()), None):
        reason = f"is a {target.suffix} file now, and {WEB_FOLDER}/{earlier.name} was a {earlier.suffix} file"
        raise Refusal(reason, f"Look at it in a browser; if the new one is right, remove {WEB_FOLDER}/{earlier.name}")


def _replace(file: Path, target: Path) -> None:
    """Copy a file over another; half a copy is never seen under its name."""
    temporary = target.with_name(f".fetched-{os.getpid()}.part")
    try:
        shutil.copyfile(file, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
