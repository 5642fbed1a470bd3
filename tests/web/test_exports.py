"""The addresses at which an open conversation is taken along as a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import docx
import fastapi
import pytest
from fastapi.testclient import TestClient

from assistant.answering import exporting
from assistant.answering.exporting_blocks import Export
from assistant.domain import Document
from assistant.web.conversations import Conversations
from assistant.web.exports import MEDIA_TYPES, add_exports
from assistant.web.rendering import Exchange
from assistant.web.words import WORDS

WHEN, COST = "When did USA next! start?", "What does a place in the programme cost?"
EACH_FORMAT = pytest.mark.parametrize("ending", MEDIA_TYPES)


@dataclass(frozen=True)
class Site:
    """A site of these addresses alone, and a conversation of five questions on it."""

    client: TestClient
    find: Callable[[str, str | None], Document | None]
    key: str

    def get(self, ending: str, query: str = "", key: str | None = None) -> fastapi.Response:
        """Ask for the conversation as a file."""
        return self.client.get(f"/conversation/{key or self.key}/answers.{ending}{query}")


def export(exchanges, file_format, *, language, date, titles):
    """Make the file, as the assistant does."""
    return exporting.write(Export(tuple(exchanges), language, date, titles), file_format)


@pytest.fixture
def site(shelf) -> Site:
    """Two whole answers, one that was stopped, one failure, and a refusal that names a document by its id."""
    first, second, refused = shelf.ask(WHEN), shelf.ask(COST), shelf.ask("zzz qqq")
    conversations = Conversations()
    key = conversations.keep(
        None,
        (
            Exchange(WHEN, first),
            Exchange("Stopped?", replace(second, complete=False), stopped=True),
            Exchange("Failed?", failure="No."),
            Exchange(COST, second),
            Exchange("zzz qqq", refused, titles={id_: f"Title of {id_}" for id_ in refused.nearest}),
        ),
    )
    app = fastapi.FastAPI()
    add_exports(app, conversations, shelf, export, lambda: date(2026, 11, 22))
    return Site(TestClient(app), shelf.document, key)


@EACH_FORMAT
def test_a_conversation_is_taken_along_and_holds(ending, site):
    """All whole answers, checked as the command checks them; what was stopped or failed is left out."""
    reply = site.get(ending)
    assert reply.status_code == 200
    found = exporting.check(reply.content, f"x.{ending}", site.find)
    assert found.holds
    assert found.questions == 3
    assert len(found.quotes) >= 2


@EACH_FORMAT
@pytest.mark.parametrize(("language", "name"), [("en", "usa-next-answers"), ("nb", "usa-next-svar")])
def test_a_download_has_a_good_name_and_is_kept_by_nobody(ending, language, name, site):
    """By language and day; no cache keeps it, no search engine lists it, and it never runs as a page."""
    reply = site.get(ending, f"?lang={language}")
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}-2026-11-22.{ending}"'
    assert reply.headers["content-type"] == MEDIA_TYPES[ending]
    assert reply.headers["cache-control"] == "no-store"
    assert "noindex" in reply.headers["x-robots-tag"]
    assert "sandbox" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("query", "headers", "title"),
    [
        ("?lang=nb", {"accept-language": "en"}, "Svar fra USA next!-assistenten"),
        ("", {"accept-language": "nb-NO"}, "Svar fra USA next!-assistenten"),
        ("", {}, "Answers from the USA next! assistant"),
    ],
)
def test_the_words_around_the_answers_are_in_the_readers_language(query, headers, title, site):
    """As asked for, else as the browser prefers; questions and answers stay as they are."""
    reply = site.client.get(f"/conversation/{site.key}/answers.docx{query}", headers=headers)
    document = docx.Document(io.BytesIO(reply.content))
    assert document.paragraphs[0].text == title
    assert WHEN in [paragraph.text for paragraph in document.paragraphs]


def test_one_question_alone(site):
    """Counted as the page counts them, with those that were not answered."""
    text = site.get("md", "?number=4").text
    assert f"## {COST}" in text
    assert WHEN not in text
    assert "Exported 22 November 2026. 1 question" in text


def test_documents_named_by_id_have_their_titles(site):
    """As the page shows them."""
    assert "Title of programme/usa-next.md" in site.get("md", "?number=5").text


@pytest.mark.parametrize(
    ("ending", "query", "known", "word"),
    [
        pytest.param("pdf", "", False, "export_gone", id="unknown key"),
        pytest.param("exe", "", True, "not_offered", id="unknown format"),
        pytest.param("md", "?number=2", True, "export_nothing", id="stopped"),
        pytest.param("md", "?number=3", True, "export_nothing", id="failed"),
        pytest.param("md", "?number=6", True, "export_nothing", id="past the end"),
        pytest.param("md", "?number=0", True, "export_nothing", id="zero"),
        pytest.param("md", "?number=-1", True, "export_nothing", id="negative"),
        pytest.param("md", "?number=x", True, "export_nothing", id="no number"),
        pytest.param("md", "?number=99999999999999999999", True, "export_nothing", id="too large"),
    ],
)
@pytest.mark.parametrize("language", ["en", "nb"])
def test_nothing_to_take_along_is_a_calm_page(ending, query, known, word, language, site):
    """A page of ours with the way back, in the reader's language; nobody keeps it."""
    separator = "&" if query else "?"
    reply = site.get(ending, f"{query}{separator}lang={language}", key=None if known else "gone")
    assert reply.status_code == 404
    assert WORDS[language][word] in reply.text
    assert 'href="../../"' in reply.text
    assert reply.headers["cache-control"] == "no-store"
    assert "script-src" not in reply.headers["content-security-policy"]


@EACH_FORMAT
def test_asking_for_the_headers_alone_works(ending, site):
    """Download managers look first."""
    reply = site.client.head(f"/conversation/{site.key}/answers.{ending}")
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["content-disposition"].endswith(f'.{ending}"')
