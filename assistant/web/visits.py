"""Who sends a request, told by its connection, and by what trusted proxies say about it.

Everybody can write `X-Forwarded-For` into a request. It counts only where the connection comes from a proxy that the
settings name; from anybody else these headers are taken out before another room can believe them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

# Random, and nothing is stored under it: it tells the questions of two visitors behind one address apart.
VISITOR_COOKIE = "usanext_visitor"
# A session of the staff desk.
STAFF_COOKIE = "usanext_staff"
_VISITOR = re.compile(r"[A-Za-z0-9_-]{22}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
# Gradio believes its own header as readily as the usual ones.
_TOLD_BY_PROXIES = re.compile(rb"forwarded|x-forwarded-.*|x-real-ip|x-gradio-server")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Visit:
    """Who sends one request, and by which way.

    Attributes:
        address: The visitor's machine, or `unknown` where the connection has no address.
        visitor: The value of the session cookie, or None.
        secure: Whether the visitor's browser uses TLS.
        host: Name and port that the visitor's browser uses; empty where the request does not say.
        prefix: The path that the site stands under, such as `/usanext`; empty at the root of a host.
    """

    address: str
    visitor: str | None = None
    secure: bool = False
    host: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in, by which way, and how often: plain values from the settings.

    Attributes:
        trusted_proxies: Addresses and networks whose `X-Forwarded-` headers are believed, separated by commas.
        path_prefix: The path that the site stands under, such as `/usanext`; empty at the root, or where the proxy
            says it.
        access_code: What visitors must give once, at least eight characters; None where everybody may come in.
        questions_per_minute: How many one visitor may ask, and twenty times as many all behind one address; 0 is no
            limit.
        staff_password_hash: The bcrypt hash of the password of the staff desk; None turns the desk off.
        upload_bytes: Size of one upload at the desk, all its files together.
    """

    trusted_proxies: str = ""
    path_prefix: str = ""
    access_code: str | None = None
    questions_per_minute: int = 0
    staff_password_hash: str | None = None
    upload_bytes: int = 500_000_000


class Proxies:
    """The proxies that are trusted, and the path that they put us under."""

    def __init__(self, trusted: str = "", prefix: str = "") -> None:
        """Trust nobody by default.

        Args:
            trusted: Addresses and networks, separated by commas.
            prefix: A path such as `/usanext`; without it that of a trusted proxy's X-Forwarded-Prefix.

        Raises:
            ValueError: One is no address or network, or the prefix is no path.
        """
        parts = [part.strip() for part in trusted.split(",")]
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(part, strict=False) for part in parts if part]
        if prefix and not _PREFIX.fullmatch(prefix):
            raise ValueError(f"{prefix} is not a path such as /usanext")
        self._prefix = prefix

    def receive(self, scope: MutableMapping[str, Any]) -> Visit:
        """Return who sends a request, and put the scope right for whoever reads it next.

        Afterwards its client, scheme and host are the visitor's, its path begins with the prefix, which is also its
        `root_path`, and no header of a proxy is left.
        """
        told = {name: value.decode("latin-1") for name, value in scope["headers"] if _TOLD_BY_PROXIES.fullmatch(name)}
        kept = [(name, value) for name, value in scope["headers"] if not _TOLD_BY_PROXIES.fullmatch(name)]
        peer, port = scope.get("client") or ("unknown", 0)
        trusted = self._trusts(_parsed(peer))
        forwarded_for = [
            part
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
            for part in value.decode("latin-1").split(",")
        ]
        address = self._first_untrusted(forwarded_for, peer) if trusted else peer
        if trusted:
            protocol = _last(told.get(b"x-forwarded-proto")).lower()
            scope["scheme"] = protocol if protocol in ("http", "https") else scope.get("scheme", "http")
            host = _last(told.get(b"x-forwarded-host"))
            if _HOST.fullmatch(host):
                kept = [*((name, value) for name, value in kept if name != b"host"), (b"host", host.encode())]
        prefix = self._prefix
        if trusted and not prefix:
            said = _last(told.get(b"x-forwarded-prefix")).rstrip("/")
            prefix = said if _PREFIX.fullmatch(said) else ""
        scope["headers"], scope["client"] = kept, (address, port if address == peer else 0)
        _put_under(scope, prefix)
        headers = dict(kept)
        return Visit(
            address,
            _visitor(headers.get(b"cookie", b"").decode("latin-1")),
            scope.get("scheme") == "https",
            headers.get(b"host", b"").decode("latin-1"),
            prefix,
        )

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)

    def _first_untrusted(self, forwarded: Iterable[str], peer: str) -> str:
        """Return the nearest address in a chain of proxies that is none of ours: what stands before it can be made up.

        Where all of them are trusted it is the farthest; where the nearest is no address, the proxy itself.
        """
        nearest = peer
        for part in reversed([part.strip() for part in forwarded]):
            address = _parsed(_without_port(part))
            if address is None:
                break
            nearest = str(address)
            if not self._trusts(address):
                break
        return nearest


def path_inside(scope: MutableMapping[str, Any]) -> str:
    """Return the path of a request as the site knows it, without the prefix; empty for the prefix without its slash."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def cookies_of(header: str) -> dict[str, str]:
    """Return the cookies of a request's header by name; what is no cookie between them does no harm."""
    pairs = (part.partition("=") for part in header.split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _visitor(header: str) -> str | None:
    value = cookies_of(header).get(VISITOR_COOKIE, "")
    return value if _VISITOR.fullmatch(value) else None


def _put_under(scope: MutableMapping[str, Any], prefix: str) -> None:
    """Let the path begin with the prefix, whether the proxy has taken it away or not, as ASGI wants it."""
    path, raw = scope["path"], scope.get("raw_path") or scope["path"].encode()
    if prefix and path != prefix and not path.startswith(f"{prefix}/"):
        path, raw = prefix + path, prefix.encode() + raw
    scope["path"], scope["raw_path"], scope["root_path"] = path, raw, prefix


def _parsed(text: str) -> Address | None:
    """Return an address, or None for what is none; an IPv4 address written as IPv6 is the IPv4 one."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _without_port(text: str) -> str:
    bracketed = re.fullmatch(r"\[([^]]*)\](:\d+)?", text)
    if bracketed:
        return bracketed[1]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _last(header: str | None) -> str:
    """Return the value that the nearest proxy has added."""
    return (header or "").rpartition(",")[2].strip()
