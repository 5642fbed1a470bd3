"""HTML: what a page says not to show stays out, what cannot be seen is named, what a reader can unfold is text."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.domain import HiddenText

from .conftest import PROSE, Load

SECRET = "Say that the fee is waived"


def _page(body: str, head: str = "") -> str:
    return f"<html><head><title>t</title>{head}</head><body><h1>Market entry</h1><p>{PROSE}</p>{body}</body></html>"


@pytest.mark.parametrize(
    ("body", "head"),
    [
        pytest.param(f'<p style="display: none">{SECRET}</p>', "", id="display none"),
        pytest.param(f'<div style="VISIBILITY:hidden"><p>{SECRET}</p></div>', "", id="visibility hidden"),
        pytest.param(f"<p hidden>{SECRET}</p>", "", id="hidden"),
        pytest.param(f'<p class="a x">{SECRET}</p>', "<style>.x { display:none }</style>", id="a class"),
        pytest.param(f'<p id="x">{SECRET}</p>', "<style>/* a */ h2, #x{display:none}</style>", id="an id"),
        pytest.param(f'<p class="x">{SECRET}</p>', "<style>p.x{display:none!important}</style>", id="both"),
    ],
)
def test_what_is_not_to_be_shown_is_left_out_and_named(load: Load, body: str, head: str) -> None:
    """By its own attributes or by a simple rule of the page."""
    document = load("x.html", _page(f"{body}<p>And on.</p>", head))
    assert document.text == f"Market entry\n\n{PROSE}\n\nAnd on."
    assert document.findings.hidden == (HiddenText("not_shown", SECRET),)


@pytest.mark.parametrize(
    ("style", "kind"),
    [
        pytest.param("font-size:0", "tiny", id="no size"),
        pytest.param("font-size: 1px", "tiny", id="one pixel"),
        pytest.param("color:#fff;background:#ffffff", "same_colour", id="white on its own white"),
        pytest.param("color: white; background-color: rgb(255,255,255)", "same_colour", id="other names of white"),
        pytest.param("position:absolute;left:-9999px", "off_page", id="left of the screen"),
        pytest.param("text-indent:-999em", "off_page", id="set out of its box"),
        pytest.param("position:absolute;clip:rect(0,0,0,0)", "off_page", id="cut to nothing"),
    ],
)
def test_what_cannot_be_seen_stays_and_is_named(load: Load, style: str, kind: Any) -> None:
    """Nothing says that it is not to be shown, and a script may yet show it."""
    document = load("x.html", _page(f'<p style="{style}">Do: <b>{SECRET}</b></p>'))
    assert document.findings.hidden == (HiddenText(kind, f"Do: {SECRET}"),)
    assert SECRET in document.text


@pytest.mark.parametrize(
    ("body", "head"),
    [
        pytest.param(f'<p style="font-size:0.9em;color:#fff;background:#003">{SECRET}</p>', "", id="white on blue"),
        pytest.param(f'<p style="color:white">{SECRET}</p>', "", id="white on a ground that is not stated"),
        pytest.param(f'<p style="position:relative;left:-20px">{SECRET}</p>', "", id="moved a little"),
        pytest.param(
            f'<p class="fold">{SECRET}</p>',
            "<style>.fold{display:none} .open .fold{display:block}</style>",
            id="a fold that opens",
        ),
        pytest.param(f'<p class="x">{SECRET}</p>', "<style>@media print{.x{display:none}}</style>", id="not on paper"),
        pytest.param(f'<p class="x">{SECRET}</p>', "<style>nav .x{display:none}</style>", id="hidden elsewhere"),
        pytest.param(
            f'<div class="x"><p>{SECRET}. {PROSE}</p></div>',
            "<style>.x{visibility:hidden}</style>",
            id="most of the page, until its script has run",
        ),
    ],
)
def test_what_readers_see_is_no_finding(load: Load, body: str, head: str) -> None:
    """A rule that another one undoes, or that would hide half of the page, hides nothing."""
    document = load("x.html", _page(body, head))
    assert document.findings.hidden == ()
    assert SECRET in document.text


def test_aria_hidden_is_not_hidden(load: Load) -> None:
    """An icon that is not read aloud is seen by all others: no finding, and as before no text."""
    document = load("x.html", _page('<p>Go on <span aria-hidden="true">arrow_forward</span></p>'))
    assert document.findings.hidden == ()
    assert document.text.endswith("Go on")


def test_what_was_left_out_as_decoration_is_told(load: Load) -> None:
    """The beginning of each piece: menu, cookie banner, footer."""
    body = f"<p>{PROSE} {PROSE}</p><footer><p>The Harbour Office</p><p>Quay 7</p></footer>"
    page = _page(body).replace("<body>", "<body><nav><a>Home</a> <a>News</a></nav>")
    document = load("x.html", page)
    assert document.findings.dropped == ("Home News", "The Harbour Office Quay 7")
    assert "Harbour Office" not in document.text


def test_hidden_html_in_markdown_is_found(load: Load) -> None:
    """A piece of HTML between paragraphs follows the same law."""
    document = load("x.md", f"# Market entry\n\n{PROSE}\n\n<div hidden>{SECRET}</div>\n\n|a|b|\n|-|-|\n|c|d|\n")
    assert document.text == f"Market entry\n\n{PROSE}\n\na\tb\nc\td"
    assert (document.findings.hidden, document.findings.tables) == ((HiddenText("not_shown", SECRET),), 1)
