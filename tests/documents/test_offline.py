"""Nothing is fetched while a file is read, whatever it refers to."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assistant.documents.page_images import PageImages
from assistant.errors import DamagedFile

from . import zoo
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

        do_HEAD = do_POST = do_PUT = do_OPTIONS = do_PROPFIND = do_GET

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
                kinds = (
                    "image",
                    "attachedTemplate",
                    "footnotes",
                    "header",
                    "aFChunk",
                    "oleObject",
                    "hyperlink",
                    "settings",
                )
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


def test_a_presentation_fetches_nothing(
    load: Load, make_pptx: Callable[..., bytes], server: tuple[str, list[str]]
) -> None:
    """Remote pictures, films and linked notes are not followed."""
    url, asked = server

    def build(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Market entry"
        slide.placeholders[1].text = PROSE

    root = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = ("image", "video", "audio", "oleObject", "hyperlink", "comments")
    remote = "".join(
        f'<Relationship Id="x{kind}" Type="{root}/{kind}" Target="{url}/{kind}" TargetMode="External"/>'
        for kind in kinds
    )
    doctype = f'<!DOCTYPE p:sld SYSTEM "{url}/dtd" [<!ENTITY % x SYSTEM "{url}/entity"> %x;]>'.encode()
    raw = zoo.replaced(
        make_pptx(build),
        {
            "ppt/slides/_rels/slide1.xml.rels": lambda xml: xml.replace(
                b"</Relationships>", f"{remote}</Relationships>".encode()
            ),
            "ppt/slides/slide1.xml": lambda xml: xml.replace(b"<p:sld ", doctype + b"<p:sld ", 1),
        },
    )
    assert PROSE in load("x.pptx", raw).text
    assert asked == []


def test_a_pdf_fetches_nothing_and_its_pages_do_not_either(
    load: Load, server: tuple[str, list[str]], tmp_path: Path
) -> None:
    """Links, scripts, programs, other files, posted forms and XFA stay where they are, also in the viewer."""
    url, asked = server
    raw = zoo.pdf_that_acts(url)
    assert load("x.pdf", raw).text == zoo.WORDS
    with PageImages() as pages:
        assert pages.picture(tmp_path / "x.pdf", "x.pdf", 1).startswith(b"\x89PNG")
        assert pages.look(tmp_path / "x.pdf", "x.pdf", 1).width == 612
    assert asked == []


@pytest.mark.parametrize("kind", ["font-face", "import", "svg", "object", "srcset", "xinclude"])
def test_what_a_page_draws_on_is_not_fetched(load: Load, server: tuple[str, list[str]], kind: str) -> None:
    """Fonts, style sheets of style sheets, drawings, embedded files, sets of pictures."""
    url, asked = server
    parts = {
        "font-face": f"<style>@font-face {{ font-family: x; src: url({url}/font) }}</style>",
        "import": f"<style>@import url({url}/style)</style>",
        "svg": f'<svg><image href="{url}/image"/><use href="{url}/use#a"/></svg>',
        "object": f'<object data="{url}/data"></object><embed src="{url}/embed"><video poster="{url}/poster"></video>',
        "srcset": f'<picture><source srcset="{url}/a 1x"><img srcset="{url}/b 2x"></picture>',
        "xinclude": f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{url}/include"/>',
    }
    assert PROSE in load("x.html", f"<html><body>{parts[kind]}<p>{PROSE}</p></body></html>").text
    assert asked == []


def test_a_sidecar_fetches_nothing(load: Load, server: tuple[str, list[str]]) -> None:
    """An address is kept as text; a tag that would call something is refused."""
    url, asked = server
    assert load("x.txt", PROSE, sidecar=f"url: {url}/page\n").metadata.url == f"{url}/page"
    with pytest.raises(DamagedFile, match="expected an address"):
        load("x.txt", PROSE, sidecar=f'url: !!python/object/apply:urllib.request.urlopen ["{url}/yaml"]\n')
    assert asked == []
