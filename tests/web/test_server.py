"""The routes, their headers, and what is shut."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "assistant" / "web"
FORBIDDEN = {"chromadb", "langchain", "sentence_transformers", "torch", "tantivy"}


def test_health_says_whether_questions_can_be_answered(client, shelf):
    """A monitor reads one small object."""
    assert client.get("/health").json() == {"status": "ok", "ready": True, "documents": 4}
    shelf.ready = False
    assert client.get("/health").json()["ready"] is False
    assert client.head("/health").status_code == 200


def test_ready_says_what_is_missing(client, shelf):
    """200 once questions can be answered; a proxy or a service manager looks at the status alone."""
    assert (client.get("/ready").status_code, client.get("/ready").json()) == (200, {"ready": True, "missing": []})
    shelf.ready = False
    response = client.get("/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False, "missing": ["model"]})
    shelf.documents.clear()
    assert client.get("/ready").json()["missing"] == ["model", "documents"]
    assert client.head("/ready").status_code == 503
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/health", "/config", "/source/programme/usa-next.md", "/source/nothing", "/original/nothing",
             "/static/usanext/viewer.css", "/favicon.ico", "/gradio_api/upload", "/nowhere", "/theme.css"],
)  # fmt: skip
def test_every_response_carries_the_security_headers(client, path):
    """Ours, Gradio's and refusals alike."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'self'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/source/programme/usa-next.md", "/source/nothing", "/original/nothing", "/saved/nothing", "/nowhere",
             "/conversation/nothing/answers.pdf", "/privacy", "/health", "/ready"],
)  # fmt: skip
def test_only_the_chat_page_allows_script(client, path):
    """The policy of everything else starts from nothing and allows styles and pictures of ours."""
    policy = client.get(path).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "<script" not in client.get(path).text


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/upload?upload_id=1", "/gradio_api/upload/"])
def test_uploads_are_refused(client, path):
    """Gradio would take anybody's files."""
    response = client.post(path, files={"files": ("x.txt", b"x")})
    assert response.status_code == 403
    assert response.text == "This assistant takes no files."
    assert client.post(path, headers={"accept-language": "nb"}).text == "Denne assistenten tar ikke imot filer."


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gradio_api/info"), ("GET", "/gradio_api/openapi.json"), ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/proxy=https://evil.example/"), ("GET", "/gradio_api/deep_link"), ("GET", "/docs"),
        ("POST", "/gradio_api/call/respond"), ("POST", "/gradio_api/run/predict"), ("POST", "/gradio_api/api/x"),
        ("POST", "/gradio_api/process_recording"), ("POST", "/gradio_api/component_server"), ("GET", "/openapi.json"),
        ("GET", "/monitoring"), ("POST", "/login"), ("POST", "/health"), ("DELETE", "/"), ("OPTIONS", "/"),
        ("GET", "/gradio_api/profiling/traces"), ("GET", "/gradio_api/runs"), ("GET", "//etc/passwd"),
    ],
)  # fmt: skip
def test_what_nobody_needs_is_shut(client, method, path):
    """Gradio's other doors answer with one sentence."""
    response = client.request(method, path)
    assert response.status_code == 404
    assert response.text == "This address is not offered here."


def test_a_large_request_is_refused_before_it_is_read(client):
    """A question is small."""
    assert client.post("/gradio_api/queue/join", content=b"x" * 100_001).status_code == 413
    assert client.post("/gradio_api/queue/join", content=iter([b"x"])).status_code == 413


def test_the_page_tells_nobody_and_offers_no_api(client):
    """No analytics, no footer, no share, no named events."""
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert {dependency["api_visibility"] for dependency in config["dependencies"]} == {"private"}


def test_the_viewer_shows_the_quote_of_a_link(client, shelf):
    """A citation's link leads to its words."""
    for question in ("When did USA next! start?", "Hva koster en plass?"):
        answer = shelf.ask(question)
        assert answer.citations
        for citation in answer.citations:
            page = client.get(citation.link)
            assert page.status_code == 200
            assert f'<mark id="quote">{citation.quote}</mark>' in page.text


def test_a_quoted_version_stays_readable_when_a_newer_one_comes(client, shelf, documents, make):
    """The link names its version; the page links the current one."""
    old = documents["programme"]
    shelf.put(make(old.id, [("en", old.title, ["It ended in 2030."])]))
    page = client.get(f"/source/{old.id}?version={old.version}&start=20&end=30").text
    assert "earlier version" in page
    assert "NOK 25,000" in page
    assert re.search(rf'href="(\.\./)*source/{old.id}"', page)
    assert "It ended in 2030." in client.get(f"/source/{old.id}").text


BAD_PATHS = [
    "nothing.md", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "programme/../../../etc/passwd", "..\\..\\etc\\passwd", "programme/usa-next.md%00.txt", "", ".", "programme",
    "programme/usa-next.md/", "%ff%fe", "%ED%A0%80", "a" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
@pytest.mark.parametrize("route", ["source", "original"])
def test_only_documents_are_served(client, route, path):
    """Whatever the path, an unknown document is a 404 with one sentence, never a file of the machine."""
    response = client.get(f"/{route}/{path}")
    assert response.status_code == 404
    assert "root:" not in response.text


@pytest.mark.parametrize("route", ["source", "original"])
def test_no_path_with_a_way_up_reaches_the_assistant(app, shelf, client, route):
    """Even an assistant that trusted its caller would not be asked."""
    shelf.documents["../secret"] = shelf.documents["programme/usa-next.md"]
    assert client.get(f"/{route}/%2e%2e%2fsecret").status_code == 404


@pytest.mark.parametrize("route", ["source", "original"])
def test_an_unknown_version_is_not_found(client, route):
    """A link to a version that is not kept says so."""
    response = client.get(f"/{route}/programme/usa-next.md?version=0000")
    assert response.status_code == 404
    assert "<h1>Not found</h1>" in response.text


def test_originals_are_downloaded_never_shown(client, documents):
    """The file comes under its own name, as an attachment, and cannot run as a page."""
    response = client.get("/original/reports/two languages.pdf")
    assert response.text == documents["report"].text
    assert response.headers["content-type"] == "application/pdf"
    assert response.headers["content-disposition"].startswith("attachment")
    assert "two%20languages.pdf" in response.headers["content-disposition"]
    assert "sandbox" in response.headers["content-security-policy"]


def test_the_viewer_follows_the_language(client):
    """Asked for in the address, remembered, or the browser's."""
    path = "/source/programme/usa-next.md"
    assert '<html lang="en">' in client.get(path).text
    assert '<html lang="nb">' in client.get(path, headers={"accept-language": "nb-NO"}).text
    assert '<html lang="nb">' in client.get(f"{path}?lang=nb").text
    assert '<html lang="nb">' in client.get(path, headers={"cookie": "usanext_language=nb"}).text


def test_static_files_come_with_their_types(client):
    """Ours by exact name; the rest of `/static/` is Gradio's."""
    assert client.get("/static/usanext/viewer.css").headers["content-type"].startswith("text/css")
    assert client.get("/static/usanext/chat.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/static/usanext/../words.py").status_code == 404
    assert client.get("/static/usanext/%2e%2e/words.py").status_code == 404


@pytest.mark.parametrize("style", ["SourceSansPro-Regular", "SourceSansPro-Bold"])
def test_the_fonts_our_styles_name_are_there(client, style):
    """Gradio brings them; an upgrade that drops them is seen here."""
    assert len(client.get(f"/static/fonts/SourceSansPro/{style}.woff2").content) > 50_000


def test_the_wing_imports_nothing_of_the_search():
    """`web` gets its assistant passed in."""
    for path in WEB.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & FORBIDDEN
            ours = [name for name in names if name.startswith("assistant.")]
            assert all(
                name.startswith(("assistant.web", "assistant.desk", "assistant.domain", "assistant.errors"))
                for name in ours
            )
