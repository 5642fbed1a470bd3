"""Connecting: the one way out of this program, to public addresses only and within a time.

A name is resolved once for each connection, every address that it has is checked, and the connection goes to an address
that was checked. So neither a redirect nor a name server that answers otherwise the second time leads anywhere else.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore

from assistant.errors import UsageError

Network = IPv4Network | IPv6Network
# Host name and port to addresses.
Resolve = Callable[[str, int], Sequence[str]]

# Where pages are served; other ports belong to databases, mail and the like.
PORTS = (80, 443, 8080, 8443)
# For one address of a host: it may have others that answer.
_CONNECT_SECONDS = 10.0

# Written out, since what Python counts as global differs between its releases.
_NOT_PUBLIC = tuple(
    map(
        ip_network,
        """
        0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
        192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
        203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
        168.63.129.16/32
        2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3ffe::/16 3fff::/20
        """.split(),
    )
)
# All of the internet's own IPv6 addresses; outside lie loopback, private and link-local ones, multicast, and most forms
# that carry an IPv4 address inside (mapped, compatible, NAT64). Teredo and 6to4 are in the list above.
_INTERNET_V6 = IPv6Network("2000::/3")


class Refusal(Exception):
    """Something must not be fetched, or cannot be: what happened, and what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet: no private, local, shared, reserved or wrapped one."""
    return _is_public(ip_address(address))


def read_networks(given: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and networks such as 10.0.0.0/8; blank ones are passed over.

    Raises:
        UsageError: One is neither.
    """
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in given if part.strip())
    except ValueError as error:
        raise UsageError(f"{error}. Write an address or network such as 10.0.0.0/8.") from error


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system knows them, in its order.

    Raises:
        OSError: It knows none.
    """
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


class GuardedBackend(httpcore.NetworkBackend):
    """Opens the connections of a connection pool: to public addresses, and never beyond the deadline.

    Raises `Refusal` for a host that has an address which is neither public nor in `networks`.
    """

    def __init__(self, *, networks: Sequence[Network], resolve: Resolve, deadline: float) -> None:
        """Prepare; nothing is opened yet.

        Args:
            networks: Allowed beyond public addresses, on any port.
            deadline: As `time.monotonic` counts, in seconds.
        """
        self._networks = networks
        self._resolve = resolve
        self._deadline = deadline
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of a host that answers; to none where one of them is refused."""
        addresses = self._checked(host, port)
        while True:
            address = addresses.pop(0)
            try:
                stream = self._plain.connect_tcp(
                    address, port, _left(self._deadline, _CONNECT_SECONDS), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise
            else:
                return _TimedStream(stream, self._deadline)

    def _checked(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of which may be connected to."""
        addresses = [ip_address(found) for found in self._looked_up(host, port)]
        if not addresses:
            raise _unknown(host)
        for address in addresses:
            if any(address in network for network in self._networks):
                continue
            if not _is_public(address):
                raise Refusal(
                    f"leads to {host if host == str(address) else f'{host} at {address}'}, which is no public address",
                    "Save the page and add the file, or allow that network with ASSISTANT_FETCH_NETWORKS",
                )
            if port not in PORTS:
                allowed = ", ".join(map(str, PORTS))
                raise Refusal(
                    f"leads to port {port}, where pages are seldom served",
                    f"Use an address on one of the ports {allowed}, or save the page and add the file",
                )
        return [str(address) for address in addresses]

    def _looked_up(self, host: str, port: int) -> Sequence[str]:
        """Resolve in a thread of its own: the system's look-up knows no time limit."""
        answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._resolve(host, port))
            except Exception as error:  # whatever it is, nobody should wait for an answer
                answers.put(error)

        threading.Thread(target=look_up, daemon=True).start()
        try:
            answer = answers.get(timeout=_left(self._deadline))
        except queue.Empty:
            raise httpcore.ConnectTimeout(f"{host} is not resolved in time") from None
        if isinstance(answer, Exception):
            raise _unknown(host) from answer
        return answer


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: a server that sends a byte now and then gains no time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._deadline, timeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _INTERNET_V6:
        return False
    # Python's own list besides: what it learns to refuse is refused here too.
    return address.is_global and not address.is_multicast and not any(address in network for network in _NOT_PUBLIC)


def _unknown(host: str) -> Refusal:
    return Refusal(f"has the host {host}, which is not known", "Check the address and the network connection")


def _left(deadline: float, timeout: float | None = None) -> float:
    """Return the seconds that a wait may take.

    Raises:
        httpcore.ReadTimeout: None is left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time is used up")
    return left if timeout is None else min(left, timeout)
