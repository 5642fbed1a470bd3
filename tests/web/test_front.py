"""The page as it is sent: our name, title and style are in its first bytes, and nobody else's."""

from __future__ import annotations

import pytest

from assistant.web.front import front_page

PAGE = (
    '<!doctype html>\n<html\n\tlang="en"\n\tstyle="x"\n>\n<head><meta charset="utf-8" />\n<base href="./" />\n'
    '<meta property="og:title" content="Elsewhere" /><meta\n\tname="twitter:image"\n\tcontent="https://x.example/y" />'
    '<link rel="manifest" href="/manifest.json" /></head><body style="y"><main></main></body></html>'
)


@pytest.mark.parametrize(
    ("sent", "language", "title"),
    [
        pytest.param({"accept-language": "nb-NO"}, "nb", "spørsmål og svar", id="the browser's"),
        pytest.param({"accept-language": "nb-NO", "cookie": "usanext_language=en"}, "en", "questions", id="remembered"),
        pytest.param({}, "en", "questions", id="English"),
    ],
)
def test_the_first_bytes_carry_name_title_and_style(client, sent, language, title):
    """What a browser paints before any script has run, in the visitor's language."""
    reply = client.get("/", headers=sent)
    page = reply.text
    assert reply.status_code == 200
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert f'<html lang="{language}"' in page
    assert title in page.partition("</title>")[0]
    assert '<div id="splash">USA next!</div>' in page
    assert page.index("static/usanext/chat.css") < page.index("<script")
    assert "<noscript>" in page


def test_nothing_in_it_speaks_for_others(client):
    """A link preview shows neither another's name nor another's picture."""
    head = client.get("/").text.partition("window.gradio_config")[0]
    for foreign in ("twitter:", "og:", "githubusercontent", "Click to try out", "manifest"):
        assert foreign not in head


def test_asked_for_by_its_address_the_language_is_that_one(client):
    """`?lang=` goes before everything, as on every page of ours."""
    assert '<html lang="nb"' in client.get("/?x=1&lang=nb", headers={"accept-language": "en"}).text


def test_other_answers_pass_as_they_are(client):
    """Only the page at the root is completed."""
    assert "splash" not in client.get("/config").text


def test_the_rest_of_the_page_is_kept():
    """What stands around what is put in and taken out stays as it was."""
    page = front_page(PAGE, "nb")
    assert page.startswith('<!doctype html>\n<html lang="nb"\n\tstyle="x"\n>\n<head><meta charset="utf-8" />')
    assert page.endswith("<main></main></body></html>")
    assert "Elsewhere" not in page
    assert "x.example" not in page


@pytest.mark.parametrize("page", ["", "<p>An error</p>", "<html><head></head><body></body></html>"])
def test_a_page_of_another_build_is_left_alone(page):
    """It works as it is; it only comes later to the screen."""
    assert front_page(page, "en") == page
