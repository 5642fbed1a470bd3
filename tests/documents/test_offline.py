"""Nothing is fetched while a file is read, whatever it refers to."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .conftest import PROSE, Load


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}", asked
        httpd.shutdown()
        thread.join()


def test_a_web_page_fetches_nothing(load: Load, server: tuple[str, list[str]]) -> None:
    """Images, frames, style sheets, base addresses and external entities stay unread."""
    url, asked = server
    page = (
        f'<!DOCTYPE html SYSTEM "{url}/dtd" [<!ENTITY x SYSTEM "{url}/entity">]><html><head><base href="{url}/">'
        f'<link rel="stylesheet" href="{url}/css"><link rel="canonical" href="{url}/page">'
        f'<meta http-equiv="refresh" content="0; url={url}/next"></head><body><h1>T</h1><p>{PROSE} &x;</p>'
        f'<img src="{url}/img"><iframe src="{url}/frame"></iframe><script src="{url}/js"></script><p>{PROSE}</p></body>'
    )
    assert PROSE in load("x.html", page).text
    assert asked == []


def test_markdown_fetches_nothing(load: Load, server: tuple[str, list[str]]) -> None:
    """Images and links are words or nothing."""
    url, asked = server
    text = load(
        "x.md", f"![a]({url}/img) [words]({url}/link) <img src='{url}/b'>\n\n<iframe src='{url}/c'></iframe>\n"
    ).text
    assert text == "words"
    assert asked == []


def test_a_word_document_fetches_nothing(
    load: Load, one_of_each: dict[str, bytes], server: tuple[str, list[str]]
) -> None:
    """A remote picture, template or entity is not followed."""
    url, asked = server
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(one_of_each["e.docx"])) as source, zipfile.ZipFile(buffer, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/_rels/document.xml.rels":
                kinds = ("image", "attachedTemplate", "footnotes", "header")
                root = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
                remote = "".join(
                    f'<Relationship Id="x{kind}" Type="{root}/{kind}" Target="{url}/{kind}" TargetMode="External"/>'
                    for kind in kinds
                )
                content = content.replace(b"</Relationships>", f"{remote}</Relationships>".encode())
            if name == "word/document.xml":
                start = content.index(b"<w:document")
                dtd = f'<!DOCTYPE w:document SYSTEM "{url}/dtd" [<!ENTITY x SYSTEM "{url}/entity">]>'.encode()
                content = content[:start] + dtd + content[start:].replace(b"Market entry", b"Market entry&x;", 1)
            copy.writestr(name, content)
    assert "Market entry" in load("x.docx", buffer.getvalue()).text
    assert asked == []
