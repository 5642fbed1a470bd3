"""Links to files: what is fetched, what never is, and what is kept; against real servers on this machine."""

from __future__ import annotations

import datetime
import gzip
import io
import ipaddress
import re
import ssl
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assistant.documents.connecting import is_public, read_networks
from assistant.documents.fetching import (
    AGENT,
    DEFAULT_LIMITS,
    Fetched,
    fetch,
    keep,
    shown,
    stored_name,
    usual_spelling,
)
from assistant.documents.robots import MAX_ROBOTS_BYTES, read_robots
from assistant.errors import FetchError, UsageError

HERE = ("127.0.0.1",)
PAGE = b"<!doctype html><html><title>Puffins</title><body><h1>Puffins</h1><p>There are 812 of them.</p></body></html>"
HTML = ("Content-Type", "text/html; charset=utf-8")
PDF = ("Content-Type", "application/pdf")
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """A web server on this machine, what it answers by path, and what it was asked for."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/page", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def pages(self) -> list[str]:
        """What it was asked for besides robots.txt."""
        return [path for path in self.asked if path != "/robots.txt"]


def says(body: bytes = PAGE, *headers: tuple[str, str], status: int = 200) -> Answer:
    """Answer with a body that has its length."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers or (HTML,):
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


NO_RULES = says(b"User-agent: *\nAllow: /\n", ("Content-Type", "text/plain"))


def leads_to(target: str, status: int = 302) -> Answer:
    """Answer with a redirect, and close the connection, so that the next request needs a new one."""
    return says(b"", ("Location", target), ("Connection", "close"), status=status)


def pours(piece: bytes, *headers: tuple[str, str], pause: float = 0.0, times: int = 1_000_000) -> Answer:
    """Answer with a body that goes on and on, until the other side hangs up."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        for _ in range(times):
            request.wfile.write(piece)
            time.sleep(pause)
        request.close_connection = True

    return answer


def writes(raw: bytes) -> Answer:
    """Answer with bytes as they are, and hang up."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(raw)
        request.close_connection = True

    return answer


@pytest.fixture
def serve() -> Iterator[Callable[..., Site]]:
    """Start web servers on this machine."""
    opened: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(tls: ssl.SSLContext | None = None) -> Site:
        site = Site()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                site.connections += 1
                super().setup()

            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.headers.append(dict(self.headers))
                missing = says(b"not there", ("Content-Type", "text/plain"), status=404)
                try:
                    site.answers.get(self.path, missing)(self)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Stay quiet: clients hang up on purpose here."""

        httpd = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        opened.append((httpd, thread))
        site.port = httpd.server_address[1]
        return site

    yield start
    for httpd, thread in opened:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    """A web server with one page."""
    one = serve()
    one.answers["/page"] = says()
    return one


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where files are fetched to; nothing half-done stays there."""
    place = tmp_path / "fetched"
    place.mkdir()
    yield place
    assert not list(place.glob(".*"))


# ---- What is fetched ----


def test_a_page_is_fetched(site, folder):
    """The file is what the server sent, named after its address; what the server said about it is known."""
    site.answers["/page"] = says(PAGE, HTML, ("ETag", '"7"'), ("Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT"))
    before = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
    fetched = fetch(site.url(), folder, networks=HERE)
    assert fetched.file.read_bytes() == PAGE
    assert list(folder.iterdir()) == [fetched.file]
    assert re.fullmatch(r"127\.0\.0\.1-page-[0-9a-f]{12}\.html", fetched.file.name)
    assert (fetched.asked, fetched.url) == (site.url(), site.url())
    assert (fetched.content_type, fetched.bytes) == ("text/html", len(PAGE))
    assert (fetched.etag, fetched.last_modified) == ('"7"', "Sun, 22 Nov 2026 10:00:00 GMT")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", fetched.fetched_at)
    assert before <= fetched.day <= f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"


def test_it_says_who_asks_and_no_more(site, folder, monkeypatch):
    """Every request names the assistant and its host; no cookie that was set comes back, no proxy is asked."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    site.answers["/start"] = says(b"", ("Location", "/page"), ("Set-Cookie", "who=me"), status=302)
    fetch(site.url("/start"), folder, networks=HERE)
    assert site.asked == ["/robots.txt", "/start", "/page"]
    for sent in site.headers:
        assert sent["User-Agent"].startswith(AGENT)
        assert sent["Host"] == f"127.0.0.1:{site.port}"
        assert not {name.lower() for name in sent} & {"cookie", "authorization", "referer"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "suffix"),
    [
        pytest.param("/a", b"%PDF-1.4\n%%EOF", (PDF,), ".pdf", id="pdf"),
        pytest.param("/a", b"%PDF-1.4\n", (("Content-Type", "Application/PDF ; q=1"),), ".pdf", id="pdf in capitals"),
        pytest.param("/a", PAGE, (("Content-Type", "application/xhtml+xml"),), ".html", id="xhtml"),
        pytest.param("/a", b"Hei", (("Content-Type", "text/plain; charset=utf-8"),), ".txt", id="text"),
        pytest.param("/a.md", b"# Hei", (("Content-Type", "text/plain"),), ".md", id="markdown served as text"),
        pytest.param("/a", b"# Hei", (("Content-Type", "text/markdown"),), ".md", id="markdown"),
        pytest.param("/a", b"%PDF-1.4\n", (("Content-Type", "application/octet-stream"),), ".pdf", id="pdf by bytes"),
        pytest.param("/a.md", b"# Hei", (("X-Nothing", "1"),), ".md", id="no type, by the address"),
        pytest.param(
            "/a", b"Hei", (("Content-Disposition", "attachment; filename*=UTF-8''note%20%C3%A5.txt"),), ".txt",
            id="no type, by the name to save it under",
        ),
        pytest.param("/a", gzip.compress(PAGE), (HTML, ("Content-Encoding", "gzip")), ".html", id="gzip"),
        pytest.param(
            "/a", gzip.compress(PAGE[:20]) + gzip.compress(PAGE[20:]), (HTML, ("Content-Encoding", "gzip")), ".html",
            id="gzip in two members",
        ),
    ],
)  # fmt: skip
def test_formats_that_are_read_are_fetched(site, folder, path, body, headers, suffix):
    """What the server says decides; the name and the bytes where it says nothing."""
    site.answers[path] = says(body, *headers)
    fetched = fetch(site.url(path), folder, networks=HERE)
    assert fetched.file.suffix == suffix
    packed = ("Content-Encoding", "gzip") in headers
    assert fetched.file.read_bytes() == (PAGE if packed else body)


def test_a_word_document_is_told_by_its_bytes(site, folder, one_of_each):
    """An Office file under a type that says nothing comes in with its own ending."""
    site.answers["/download?id=7"] = says(one_of_each["e.docx"], ("Content-Type", "application/octet-stream"))
    assert fetch(site.url("/download?id=7"), folder, networks=HERE).file.suffix == ".docx"


def test_redirects_are_followed_to_the_end(site, folder):
    """Up to five steps; the copy is named by what was asked for, so that fetching again finds it."""
    for step in range(4):
        site.answers[f"/{step}"] = leads_to(f"/{step + 1}", (301, 302, 303, 307)[step])
    site.answers["/4"] = leads_to("page#part", 308)
    fetched = fetch(site.url("/0"), folder, networks=HERE)
    assert (fetched.asked, fetched.url) == (site.url("/0"), site.url("/page"))
    assert fetched.file.name == stored_name(site.url("/0"), ".html")
    site.answers["/again"] = leads_to("/0")
    with pytest.raises(FetchError, match="leads on and on, more than 5 times"):
        fetch(site.url("/again"), folder, networks=HERE)


# ---- Public addresses only ----


@pytest.mark.parametrize(
    "address",
    """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.1.2.3
    169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
    168.63.129.16 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::7f00:1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:a9fe:a9fe ::ffff:0:7f00:1
    64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1
    2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3ffe::1 3fff::1 4000::1 5f00::1 fc00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
    """.split(),
)
def test_what_is_not_public(address):
    """Private, local, shared, documentation, multicast and reserved addresses, and those that wrap another."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    """
    8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 128.0.0.1 169.253.255.255 169.255.0.0 172.15.255.255
    172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:4860:4860::8888
    2003::1 2606:4700::1111 2a00:1450:400f::200e
    """.split(),
)
def test_what_is_public(address):
    """The open internet, up to the borders of the networks above."""
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "LOCALHOST.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0",
        "[::1]", "[::ffff:127.0.0.1]", "[::]", "[0:0:0:0:0:ffff:7f00:1]", "①②⑦.0.0.1",
    ],
)  # fmt: skip
def test_this_machine_is_never_asked(site, folder, host):
    """However it is written, this machine is refused before a connection is opened."""
    with pytest.raises(FetchError, match=r"is no public address|is not known|is no web address"):
        fetch(site.url(host=host), folder)
    assert (site.asked, site.connections) == ([], 0)


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.7", "192.168.0.1", "::ffff:169.254.169.254", "fd00::1"])
def test_a_name_that_leads_inside_is_refused(site, folder, address):
    """A host of the internet whose name leads into a local network; also where only one of its addresses does."""
    written = re.escape(str(ipaddress.ip_address(address)))
    for addresses in ([address], ["127.0.0.1", address], [address, "127.0.0.1"]):
        with pytest.raises(FetchError, match=rf"leads to inside\.example at {written}, which is no public address"):
            fetch(site.url(host="inside.example"), folder, networks=HERE, resolve=lambda *_, found=addresses: found)
    assert site.connections == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "169.254.169.254", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "localhost.me"]
)
def test_a_redirect_inside_is_refused(serve, site, folder, host):
    """A page of the internet cannot lead us inside: the server behind it sees nothing."""
    inside = serve()
    inside.answers["/page"] = says()
    site.answers["/start"] = leads_to(inside.url(host=host))
    answers = {"localhost.me": ["127.0.0.3"]}
    with pytest.raises(FetchError, match="is no public address"):
        fetch(
            site.url("/start"), folder, networks=HERE,
            resolve=lambda host, port: answers.get(host, [host]),
        )  # fmt: skip
    assert (inside.asked, inside.connections) == ([], 0)
    assert site.pages == ["/start"]


def test_a_robots_txt_cannot_lead_inside_either(serve, site, folder):
    """The same guard stands before robots.txt and its redirects."""
    inside = serve()
    site.answers["/robots.txt"] = leads_to(inside.url("/robots.txt", host="0.0.0.0"))
    with pytest.raises(FetchError, match=r"0\.0\.0\.0, which is no public address"):
        fetch(site.url(), folder, networks=HERE)
    assert (inside.connections, site.pages) == (0, [])


@pytest.mark.parametrize("inside", ["0.0.0.0", "::1", "169.254.169.254"])
def test_a_name_server_that_changes_its_mind_gains_nothing(site, folder, inside):
    """A name is resolved once for a connection and checked each time; 0.0.0.0 would reach this very server."""
    site.answers |= {"/robots.txt": NO_RULES, "/start": leads_to(site.url(host="rebinding.example"))}
    answers = iter([["127.0.0.1"], [inside], [inside]])
    with pytest.raises(FetchError, match=f"at {inside}, which is no public address"):
        fetch(
            site.url("/start", host="rebinding.example"), folder, networks=HERE,
            resolve=lambda *_: next(answers),
        )  # fmt: skip
    assert site.asked == ["/robots.txt", "/start"]
    # One look-up served robots.txt and the first page; the second was the one refused; nobody looked up a third time.
    assert list(answers) == [[inside]]


def test_a_connection_goes_to_the_address_that_was_checked(site, folder):
    """A resolver that answers well only once is asked only once; the server still sees the name that was asked for."""
    site.answers["/robots.txt"] = NO_RULES
    answers = iter([["127.0.0.1"]])
    fetch(site.url(host="once.example"), folder, networks=HERE, resolve=lambda *_: next(answers))
    assert {sent["Host"] for sent in site.headers} == {f"once.example:{site.port}"}


def test_the_next_address_is_tried(site, folder):
    """A host with an address that does not answer is reached by another."""
    found = ["127.0.0.9", "127.0.0.1"]
    fetched = fetch(site.url(host="two.example"), folder, networks=("127.0.0.0/8",), resolve=lambda *_: found)
    assert fetched.bytes == len(PAGE)


def test_networks_are_addresses():
    """What is allowed besides is checked when it is read; blanks are nothing."""
    assert [str(network) for network in read_networks(["10.2.0.0/16", " ", "::1"])] == ["10.2.0.0/16", "::1/128"]
    with pytest.raises(UsageError, match="'intranet' does not appear to be an IPv4 or IPv6 network"):
        read_networks(["intranet"])


@pytest.mark.parametrize("port", [22, 25, 3306, 6379, 9200])
def test_odd_ports_are_refused(folder, port):
    """Beyond the networks that are named, only ports on which pages are served are connected to."""
    with pytest.raises(FetchError, match=f"leads to port {port}, where pages are seldom served"):
        fetch(f"http://ports.example:{port}/", folder, resolve=lambda *_: ["8.8.8.8"])


# ---- Addresses ----


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("ftp://example.org/x", "is no address that starts with http", id="ftp"),
        pytest.param("file:///etc/passwd", "is no address that starts with http", id="file"),
        pytest.param("gopher://127.0.0.1:6379/_x", "is no address that starts with http", id="gopher"),
        pytest.param("https://", "is no address that starts with http", id="no host"),
        pytest.param("https:///x", "is no address that starts with http", id="no host but a path"),
        pytest.param("example.org", "is no address that starts with http", id="no scheme"),
        pytest.param("https://me@example.org/", "holds a user name or password", id="user"),
        pytest.param("https://me:pass@example.org/", "holds a user name or password", id="password"),
        pytest.param("https://example.org:99999/", "is no web address", id="port"),
        pytest.param("https://example.org/a\r\nHost: x", "holds characters that no address holds", id="line break"),
        pytest.param("https://example.org/\u202ex", "holds characters that no address holds", id="turned text"),
        pytest.param(" https://example.org/", "holds characters that no address holds", id="space"),
        pytest.param("https://ex ample.org/", "is no web address", id="space in the host"),
        pytest.param("https://example.org/" + "x" * 2000, "is longer than 2000 characters", id="long"),
        pytest.param("https://" + "a" * 64 + ".example/", "is no web address|is not known", id="long label"),
    ],
)
def test_what_is_no_address_is_refused(folder, url, message):
    """One clear sentence, before anything is looked up."""

    def nothing_is_known(host: str, port: int) -> list[str]:
        raise OSError("nobody should have asked")

    with pytest.raises(FetchError, match=message) as caught:
        fetch(url, folder, resolve=nothing_is_known)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_passwords_are_not_repeated():
    """A message shows an address without its password, on one line."""
    assert shown("https://me:secret@example.org/a\nb") == "https://example.org/ab"
    with pytest.raises(FetchError) as caught:
        usual_spelling("https://me:secret@example.org/")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("https://example.org:443/a#part", "https://example.org/a"),
        ("http://example.org:80/a?b=1", "http://example.org/a?b=1"),
        ("https://blåbær.example/æ", "https://xn--blbr-roah.example/%C3%A6"),
        ("https://example.org/a/../b", "https://example.org/b"),
    ],
)
def test_one_address_has_one_spelling(written, usual):
    """However it is written, an address names the same copy."""
    assert stored_name(usual_spelling(written), ".pdf") == stored_name(usual_spelling(usual), ".pdf")


def test_an_unknown_host(folder):
    """A host that no name server knows is one sentence."""

    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FetchError, match=r"has the host nowhere\.example, which is not known"):
        fetch("https://nowhere.example/", folder, resolve=unknown)
    with pytest.raises(FetchError, match="is not known"):
        fetch("https://nowhere.example/", folder, resolve=lambda *_: [])


def test_a_closed_port(serve, folder):
    """A server that is not there is one sentence."""
    with pytest.raises(FetchError, match="cannot be reached"):
        fetch("http://127.0.0.1:1/", folder, networks=HERE)


# ---- Limits ----


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/drip", "takes too long", id="a byte now and then"),
        pytest.param("/headers", "takes too long", id="headers that never end"),
        pytest.param("/silent", "takes too long", id="nothing"),
        pytest.param("/endless", "is larger than 0 MB", id="endless"),
        pytest.param("/bomb", "is larger than 0 MB", id="gzip bomb"),
        pytest.param("/announced", "is larger than 0 MB", id="announced"),
        pytest.param("/fat", "not proper HTTP", id="fat headers"),
        pytest.param("/robots", "takes too long", id="robots.txt that drips"),
    ],
)  # fmt: skip
def test_no_server_takes_more_than_its_share(serve, site, folder, path, message):
    """Time holds for everything together, size for what is sent and for what it unpacks to."""
    limits = replace(DEFAULT_LIMITS, seconds=0.8, bytes=200_000)
    site.answers |= {
        "/drip": pours(b"x", HTML, pause=0.05, times=200),
        "/headers": lambda request: [request.wfile.write(b"HTTP/1.1 200 OK\r\n")] + [
            (request.wfile.write(b"A: b\r\n"), time.sleep(0.05)) for _ in range(200)
        ],
        "/silent": lambda request: time.sleep(3),
        "/endless": pours(b"x" * 65536, HTML),
        "/bomb": says(gzip.compress(b"\0" * 50_000_000), HTML, ("Content-Encoding", "gzip")),
        "/announced": writes(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000000000\r\n\r\n"),
        "/fat": writes(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 300_000 + b"\r\n\r\n"),
    }  # fmt: skip
    if path == "/robots":
        site.answers["/robots.txt"] = pours(b"#", ("Content-Type", "text/plain"), pause=0.05, times=200)
    with pytest.raises(FetchError, match=message):
        fetch(site.url(path), folder, networks=HERE, limits=limits)
    assert not list(folder.iterdir())


def test_a_name_server_that_is_silent(folder):
    """Looking a name up counts as well."""
    with pytest.raises(FetchError, match="takes too long"):
        fetch(
            "https://slow.example/", folder, limits=replace(DEFAULT_LIMITS, seconds=0.2),
            resolve=lambda *_: time.sleep(2) or ["8.8.8.8"],
        )  # fmt: skip


def test_an_office_file_that_is_a_bomb(site, folder):
    """What a file unpacks to is limited, too."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"wordprocessingml")
        archive.writestr("word/document.xml", b"\0" * 30_000_000)
    site.answers["/a"] = says(bomb.getvalue(), ("Content-Type", DOCX))
    with pytest.raises(FetchError, match="unpacks to more than"):
        fetch(site.url("/a"), folder, networks=HERE)


# ---- What is no document ----


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(says(status=404), r"is not there \(404\)", id="404"),
        pytest.param(says(status=410), r"is not there \(410\)", id="410"),
        pytest.param(says(status=401), "asks for a login, or refuses programs", id="401"),
        pytest.param(says(status=403), "asks for a login, or refuses programs", id="403"),
        pytest.param(says(status=429), "cannot be had now: its server answers 429", id="429"),
        pytest.param(says(status=503), "cannot be had now: its server answers 503", id="503"),
        pytest.param(says(status=206), "is no page: its server answers 206", id="206"),
        pytest.param(says(status=202), "is no page: its server answers 202", id="202"),
        pytest.param(says(status=300), "is no page: its server answers 300", id="300"),
        pytest.param(says(b"", HTML, status=302), "without saying where to go", id="redirect to nowhere"),
        pytest.param(leads_to("file:///etc/hosts"), "leads to file:///etc/hosts, which is no address", id="to a file"),
        pytest.param(leads_to("http://u:p@127.0.0.1/"), "which holds a user name or password", id="to a password"),
        pytest.param(leads_to("http://["), r"leads to http://\[, which is no web address", id="to nonsense"),
        pytest.param(says(b""), r"is empty \(0 bytes\)", id="empty"),
        pytest.param(says(b"\x89PNG\r\n", ("Content-Type", "image/png")), "is of the type image/png", id="image"),
        pytest.param(says(b"{}", ("Content-Type", "application/json")), "is of the type application/json", id="json"),
        pytest.param(says(b"PK", ("Content-Type", "application/zip")), "is of the type application/zip", id="zip"),
        pytest.param(says(PAGE, PDF), "is application/pdf by what its server says, but is an HTML", id="page as pdf"),
        pytest.param(says(b"%PDF-1.4"), "is text/html by what its server says, but is a PDF", id="pdf as page"),
        pytest.param(
            says(PAGE, ("Content-Type", "text/plain")), "is text/plain by what its server says, but is an HTML page",
            id="page as text",
        ),
        pytest.param(says(b"x", ("Content-Type", DOCX)), "is not a Word document", id="text as word"),
        pytest.param(says(b"what?", ("X-Nothing", "1")), "does not say what kind of file it is", id="anybody's guess"),
        pytest.param(says(PAGE, HTML, ("Content-Encoding", "br")), "is packed as br, which nobody asked for", id="br"),
        pytest.param(says(PAGE, HTML, ("Content-Encoding", "gzip, gzip")), "is packed as gzip, gzip", id="gzip twice"),
        pytest.param(says(PAGE, HTML, ("Content-Encoding", "gzip")), "is packed as gzip, but damaged", id="no gzip"),
        pytest.param(
            says(gzip.compress(PAGE)[:-20], HTML, ("Content-Encoding", "gzip")), "breaks off", id="half a gzip"
        ),
        pytest.param(
            writes(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<html>"), "breaks off",
            id="half a page",
        ),
        pytest.param(writes(b"SSH-2.0-OpenSSH_9.2\r\n"), "not proper HTTP", id="another protocol"),
        pytest.param(writes(b""), "not proper HTTP, or breaks off", id="nothing"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(site, folder, answer, message):
    """A bad answer is one sentence with a remedy, and leaves nothing."""
    site.answers["/page"] = answer
    with pytest.raises(FetchError, match=message) as caught:
        fetch(site.url(), folder, networks=HERE)
    assert str(caught.value).startswith(f"{site.url()}: ")
    assert caught.value.remedy
    assert not list(folder.iterdir())


def test_a_login_page_at_the_end_is_no_document(site, folder):
    """A page with a password field is one when somebody asked for it, and a closed door when a redirect led there."""
    site.answers["/login"] = says(PAGE.replace(b"</body>", b'<form><input name=p type="password"></form></body>'))
    site.answers["/paper"] = leads_to("/login?next=/paper")
    site.answers["/login?next=/paper"] = site.answers["/login"]
    with pytest.raises(FetchError, match="leads to a login page"):
        fetch(site.url("/paper"), folder, networks=HERE)
    assert fetch(site.url("/login"), folder, networks=HERE).bytes


# ---- TLS ----


def certificate(folder: Path, *names: str) -> Path:
    """Write a certificate of its own making, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    others = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names]
    )
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(others, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{names[0]}.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_certificates_are_verified(serve, folder, tmp_path, monkeypatch):
    """A certificate of unknown making is refused before anything is asked; a known one must name the host."""
    file = certificate(tmp_path, "safe.example")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    names: list[str | None] = []
    tls.sni_callback = lambda connection, name, context: names.append(name)
    site = serve(tls)
    site.answers["/page"] = says()
    options: dict[str, Any] = {"networks": HERE, "resolve": lambda *_: ["127.0.0.1"]}
    url = f"https://safe.example:{site.port}/page"
    with pytest.raises(FetchError, match="has a certificate that cannot be trusted"):
        fetch(url, folder, **options)
    assert site.asked == []
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert fetch(url, folder, **options).bytes == len(PAGE)
    assert set(names) == {"safe.example"}
    with pytest.raises(FetchError, match="has a certificate that cannot be trusted"):
        fetch(f"https://other.example:{site.port}/page", folder, **options)
    site.answers["/down"] = leads_to(f"http://safe.example:{site.port}/page")
    with pytest.raises(FetchError, match=r"leads from https to http://safe\.example"):
        fetch(f"https://safe.example:{site.port}/down", folder, **options)
    assert site.pages == ["/page", "/down"]


# ---- robots.txt ----


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        pytest.param("", "/a", True, id="empty"),
        pytest.param("User-agent: *\nDisallow: /", "/a", False, id="nothing for anybody"),
        pytest.param("User-agent: *\nDisallow: /", "/robots.txt", True, id="the rules themselves"),
        pytest.param("User-agent: *\nDisallow:", "/a", True, id="empty rule"),
        pytest.param("User-agent: other\nDisallow: /", "/a", True, id="for another"),
        pytest.param(f"User-agent: *\nDisallow: /\n\nUser-agent: {AGENT}\nDisallow: /b", "/a", True, id="ours wins"),
        pytest.param(f"user-AGENT: {AGENT.upper()}/2.0\ndisALLOW: /a", "/a", False, id="capitals and version"),
        pytest.param(f"User-agent: {AGENT}\nUser-agent: other\nDisallow: /a", "/a", False, id="two heads"),
        pytest.param(
            f"User-agent: {AGENT}\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: {AGENT}\nDisallow: /b", "/b",
            False, id="two groups are one",
        ),
        pytest.param(f"User-agent: {AGENT}\n\nUser-agent: x\nDisallow: /a", "/a", False, id="blank lines part nothing"),
        pytest.param("User-agent: *\nSitemap: /s\nDisallow: /a", "/a", False, id="other lines part nothing"),
        pytest.param("Disallow: /a", "/a", True, id="a rule for nobody"),
        pytest.param("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True, id="the longest rule"),
        pytest.param("User-agent: *\nDisallow: /a\nAllow: /a", "/a", True, id="the kind one of two"),
        pytest.param("User-agent: *\nDisallow: /a*c", "/a/b/c/d", False, id="star"),
        pytest.param("User-agent: *\nDisallow: /*.pdf$", "/x.pdf", False, id="end"),
        pytest.param("User-agent: *\nDisallow: /*.pdf$", "/x.pdf?y", True, id="not the end"),
        pytest.param("User-agent: *\nDisallow: /a$", "/a", False, id="whole path"),
        pytest.param("User-agent: *\nDisallow: /a$", "/ab", True, id="not the whole path"),
        pytest.param("User-agent: *\nDisallow: /a*a$", "/a", True, id="star needs both"),
        pytest.param("User-agent: *\nDisallow: /*q=1", "/a?b&q=1", False, id="query"),
        pytest.param("User-agent: *\nDisallow: /%7Ejoe", "/~joe/x", False, id="encoded for nothing"),
        pytest.param("User-agent: *\nDisallow: /æ", "/%C3%A6", False, id="not encoded"),
        pytest.param("User-agent: *\nDisallow: /%c3%a6", "/%C3%A6", False, id="small letters"),
        pytest.param("User-agent: *\nDisallow: /a%2Fb", "/a/b", True, id="another path"),
        pytest.param("User-agent: * # all\r\nDisallow: /a # this\r\n", "/a", False, id="comments"),
        pytest.param("\ufeffUser-agent: *\rDisallow: /a", "/a", False, id="mark and old line ends"),
        pytest.param("<html>\nDisallow: /\n", "/a", True, id="a page"),
        pytest.param("User-agent: *\nDisallow: /" + "a*" * 5000 + "b", "/" + "a" * 1900, True, id="many stars"),
        pytest.param("#" * MAX_ROBOTS_BYTES + "\nUser-agent: *\nDisallow: /", "/a", True, id="beyond the limit"),
    ],
)  # fmt: skip
def test_robots_rules(rules, path, allowed):
    """The rules are read by the standard."""
    assert read_robots(rules.encode(), AGENT).allows(path) is allowed


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(says(b"User-agent: *\nDisallow: /", ("Content-Type", "text/plain")), "asks programs", id="no"),
        pytest.param(says(b"", status=503), r"its site does not say whether programs may \(503\)", id="failing"),
        pytest.param(writes(b""), "breaks off", id="broken"),
        pytest.param(
            says(gzip.compress(b"User-agent: *\nDisallow: /"), ("Content-Encoding", "gzip")), "asks programs", id="gzip"
        ),
    ],
)  # fmt: skip
def test_a_site_that_asks_programs_to_stay_away(site, folder, answer, message):
    """Its page is not asked for, also where the site cannot say now what it wants."""
    site.answers["/robots.txt"] = answer
    with pytest.raises(FetchError, match=message):
        fetch(site.url(), folder, networks=HERE)
    assert site.pages == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(says(b"Disallow", status=404), id="none"),
        pytest.param(says(b"", status=403), id="not for us"),
        pytest.param(leads_to("/robots.txt"), id="in a circle"),
        pytest.param(says(b"User-agent: *\nDisallow: /other", ("Content-Type", "text/plain")), id="other pages"),
    ],
)
def test_a_site_that_asks_for_nothing(site, folder, answer):
    """Without rules everything may be read."""
    site.answers["/robots.txt"] = answer
    assert fetch(site.url(), folder, networks=HERE).bytes == len(PAGE)


def test_every_site_on_the_way_is_asked(serve, site, folder):
    """A redirect to another site meets that site's rules, and its page is not asked for."""
    other = serve()
    other.answers["/robots.txt"] = says(b"User-agent: *\nDisallow: /private", ("Content-Type", "text/plain"))
    site.answers["/start"] = leads_to(other.url("/private/x"))
    with pytest.raises(FetchError, match="asks programs not to read"):
        fetch(site.url("/start"), folder, networks=HERE)
    assert (site.asked, other.asked) == (["/robots.txt", "/start"], ["/robots.txt"])


# ---- What is kept ----


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """An empty corpus."""
    corpus = tmp_path / "library"
    corpus.mkdir()
    return corpus


def fetched_file(
    folder: Path, url: str = "https://example.org/a", body: bytes = PAGE, suffix: str = ".html"
) -> Fetched:
    """Return a file as if it had been fetched."""
    file = folder / stored_name(url, suffix)
    file.write_bytes(body)
    return Fetched(file, url, url, "text/html", "2026-11-22T14:05Z", len(body))


def test_a_copy_is_kept_with_its_address_and_day(kept, folder):
    """It stands in web/ with a sidecar, and nothing else is there."""
    path = keep(fetched_file(folder), kept)
    assert path.read_bytes() == PAGE
    assert path.with_name(f"{path.name}.yaml").read_text() == "url: https://example.org/a\nchecked: '2026-11-22'\n"
    assert sorted(kept.rglob("*")) == [kept / "web", path, path.with_name(f"{path.name}.yaml")]


def test_fetching_again_replaces_the_copy(kept, folder):
    """The same address is the same file; what people wrote in the sidecar stays, but for the day and the address."""
    path = keep(fetched_file(folder), kept)
    sidecar = path.with_name(f"{path.name}.yaml")
    sidecar.write_text("title: Fugler på Røst\nchecked: 2020\naudience:\n- founders\nunknown: kept\n", encoding="utf-8")
    assert keep(replace(fetched_file(folder, body=b"<html>new"), fetched_at="2026-12-01T08:00Z"), kept) == path
    assert path.read_bytes() == b"<html>new"
    assert sidecar.read_text(encoding="utf-8") == (
        "title: Fugler på Røst\naudience:\n- founders\nunknown: kept\n"
        "url: https://example.org/a\nchecked: '2026-12-01'\n"
    )


def test_two_addresses_are_two_files():
    """Readable, safe and never the same, however alike two addresses are."""
    urls = [
        f"{scheme}://{host}{path}{query}"
        for scheme in ("http", "https")
        for host in ("example.org", "example.org:8080", "www.example.org", "xn--blbr-roah.example", "[2001:db8::1]")
        for path in ("/", "/a", "/A", "/a/", "/a.pdf", "/a-pdf", "/%2e%2e/%2e%2e/etc/passwd", "/a%00b", "/" + "x" * 900,
                     "/.hidden", "/con", "/a%E2%80%AEb", "/..%5c..%5cx")
        for query in ("", "?", "?b=1", "?B=1")
    ]  # fmt: skip
    names = [stored_name(url, ".html") for url in dict.fromkeys(map(usual_spelling, urls))]
    assert len({name.lower() for name in names}) == len(names) >= 500
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.-]{8,91}-[0-9a-f]{12}\.html", name) for name in names)
    assert stored_name("https://www.fda.gov/Devices/510(k).pdf", ".pdf").startswith("www.fda.gov-devices-510-k-")


@pytest.mark.parametrize("place", ["web", "file", "sidecar", "folder in the way", "file in the way"])
def test_no_link_leads_the_copy_elsewhere(kept, folder, tmp_path, place):
    """A link in the place of the folder, the file or the sidecar is refused, and what it leads to stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("title: mine\n")
    fetched = fetched_file(folder)
    target = kept / "web" / fetched.file.name
    if place == "web":
        (kept / "web").symlink_to(outside)
    elif place == "file in the way":
        (kept / "web").write_text("x")
    else:
        (kept / "web").mkdir()
        if place == "folder in the way":
            target.mkdir()
        else:
            (target if place == "file" else target.with_name(f"{target.name}.yaml")).symlink_to(outside / "precious")
    before = sorted(kept.rglob("*"))
    with pytest.raises(FetchError, match=r"cannot be kept: web/.* is a link or a f"):
        keep(fetched, kept)
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "title: mine\n"
    assert sorted(kept.rglob("*")) == before


def test_a_copy_of_another_format_is_not_put_beside_the_first(kept, folder):
    """Where a PDF was and a page is now, people decide; the PDF stays."""
    pdf = keep(fetched_file(folder, body=b"%PDF-1.4", suffix=".pdf"), kept)
    with pytest.raises(FetchError, match=rf"is a \.html file now, and web/{re.escape(pdf.name)} was a \.pdf file"):
        keep(fetched_file(folder), kept)
    assert sorted(path.suffix for path in (kept / "web").iterdir()) == [".pdf", ".yaml"]


def test_a_broken_sidecar_is_named(kept, folder):
    """What people wrote and what cannot be read is not written over; the earlier copy stays too."""
    path = keep(fetched_file(folder), kept)
    sidecar = path.with_name(f"{path.name}.yaml")
    for broken in (b"a: [", b"\xff\xfe\x00", b"published: soon\n"):
        sidecar.write_bytes(broken)
        with pytest.raises(FetchError, match=f"cannot be kept as web/{re.escape(path.name)}"):
            keep(fetched_file(folder, body=b"<html>new"), kept)
        assert (sidecar.read_bytes(), path.read_bytes()) == (broken, PAGE)


def test_a_corpus_that_is_not_there(folder, tmp_path):
    """There is nowhere to put the copy."""
    with pytest.raises(FetchError, match="is not a folder"):
        keep(fetched_file(folder), tmp_path / "nowhere")


def test_many_at_once(site, folder):
    """Fetches do not get in each other's way."""
    for number in range(12):
        site.answers[f"/{number}"] = says(PAGE + b"%d" % number)
    sizes: dict[int, bytes] = {}

    def one(number: int) -> None:
        sizes[number] = fetch(site.url(f"/{number}"), folder, networks=HERE).file.read_bytes()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sizes == {number: PAGE + b"%d" % number for number in range(12)}
