"""Web pages: the main text without what surrounds it."""

from __future__ import annotations

import pytest

from assistant.errors import LimitExceeded, NoTextFound

from .conftest import PROSE, Load
from .test_loading import check_laws

PAGE = f"""<!doctype html><html lang="no"><head><meta charset="utf-8"><title>Veien inn | Klyngen</title>
<meta property="og:site_name" content="Klyngen"><meta property="article:published_time" content="2023-05-04T10:00:00Z">
<link rel="canonical" href="https://example.org/veien"></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About the cluster</a></li></ul></nav>
<div class="cookie-banner">We use cookies to improve.</div>
<main><article><h1>The road in</h1><p>{PROSE}</p><h2>Steps</h2>
<ul><li>Plan <b>coverage</b><ul><li>and coding</li></ul></li><li>Plan payment</li></ul>
<ol start="3"><li>Third</li></ol>
<table><tr><th>Code</th><th>Price</th></tr><tr><td>E0601</td><td>100 &euro;</td></tr></table>
<p>Read the <a href="https://x.y">whole guide</a> first. {PROSE}</p></article></main>
<footer>Copyright Klyngen</footer><script>alert("never")</script></body></html>"""


def test_main_text_stays_and_the_frame_goes(load: Load) -> None:
    """Headings, lists and tables stay; menu, footer and scripts do not."""
    text = load("x.html", PAGE).text
    assert text.startswith("The road in\n\nMedicare pays")
    assert "\n\nSteps\n\n- Plan coverage\n  - and coding\n- Plan payment" in text
    assert "Code\tPrice\nE0601\t100 €" in text
    assert "Read the whole guide first." in text
    for dropped in ("About the cluster", "Copyright", "never"):
        assert dropped not in text


def test_the_head_describes_the_page(load: Load) -> None:
    """Site, date and address come from the head; a language that the words contradict does not."""
    known = load("x.html", PAGE).metadata
    assert (known.publisher, known.published, known.url) == ("Klyngen", "2023-05-04", "https://example.org/veien")
    assert known.language is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("<meta charset=iso-8859-1><p>Blåbær – æ</p>".encode("cp1252"), "Blåbær – æ", id="as browsers do"),
        pytest.param("<p>Blåbær</p>".encode(), "Blåbær", id="utf-8 by its bytes"),
        pytest.param("<p>Blåbær</p>".encode("cp1252"), "Blåbær", id="windows-1252 by its bytes"),
        pytest.param("<meta charset=utf-8><p>Blåbær</p>".encode("cp1252"), "Blåbær", id="named wrongly"),
        pytest.param('<?xml version="1.0" encoding="utf-16"?><html><p>Blåbær</p></html>'.encode(), "Blåbær", id="xml"),
    ],
)  # fmt: skip
def test_encodings_are_honoured(load: Load, raw: bytes, expected: str) -> None:
    """The encoding that a page names counts, unless its bytes contradict it."""
    assert load("x.html", raw).text == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("<p>One<br>two</p>three", "One two\n\nthree", id="loose words"),
        pytest.param("<div>a<div>b</div>c</div>", "a\n\nb\n\nc", id="boxes"),
        pytest.param("<pre>x\n  y</pre>", "x\n  y", id="code"),
        pytest.param("<p>a<!-- hidden -->b</p>", "ab", id="comments"),
        pytest.param('<p hidden>secret</p><p style="display: none">secret</p><p>seen</p>', "seen", id="hidden"),
        pytest.param("<table><tr><td><h2>Head</h2><p>Words</p></td></tr></table>", "Head\n\nWords", id="layout table"),
        pytest.param("<table><tr><td>a<br>b</td><td><p>c</p><p>d</p></td></tr></table>", "a b\tc d", id="cells"),
    ],
)
def test_small_pages_are_read_whole(load: Load, body: str, expected: str) -> None:
    """Where there is little to find, nothing is thrown away."""
    assert load("x.html", f"<html><body>{body}</body></html>").text == expected


@pytest.mark.parametrize(
    "html",
    [
        pytest.param("<html><body></body></html>", id="empty body"),
        pytest.param("<html><body><div id=app></div><script>render('all')</script></body></html>", id="script only"),
        pytest.param("<html><body><img src=x.png alt=words></body></html>", id="image only"),
    ],
)
def test_a_page_without_words_says_so(load: Load, html: str) -> None:
    """A page that only a script fills is named with the remedy."""
    with pytest.raises(NoTextFound, match=r"page without text.*print it to PDF"):
        load("x.html", html)


SHAPES = [
    pytest.param("<!doctype html><html><head>{title}</head><body>{content}</body></html>", id="every tag"),
    pytest.param("<!doctype html>{title}{content}", id="no html, head and body"),
    pytest.param("<!doctype html><html lang=en>{title}\n<!-- c -->\n{content}</html>", id="no head and body"),
    pytest.param("<!doctype html><html>{title}<body>{content}</body></html>", id="no head"),
    pytest.param("<!doctype html><html><head>{title}</head>{content}</html>", id="no body"),
    pytest.param("<!doctype html><html><head>{title}{content}", id="head closed by the text"),
    pytest.param("<!doctype html><html><head>{title}<body>{content}", id="head closed by the body"),
    pytest.param("{title}{content}", id="a fragment"),
    pytest.param("<!DOCTYPE HTML><HTML><HEAD>{title}</HEAD>{content}</HTML>", id="upper case"),
    pytest.param("<!doctype html><html>{title}<body></body></html>{content}", id="text behind the page"),
]
LONG = f"One\n\n{PROSE}\n\nAgain: {PROSE}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("<main><p>One</main>two <b>three</b><p>four", "One\n\ntwo three\n\nfour", id="main"),
        pytest.param("<ARTICLE><P>One</ARTICLE><SECTION>two</SECTION>", "One\n\ntwo", id="upper case"),
        pytest.param("<header><h1>One</h1></header>\n<main>two</main>", "One\n\ntwo", id="header"),
        pytest.param("<my-app>One</my-app><figure><figcaption>two</figure>", "One\n\ntwo", id="elements of its own"),
        pytest.param("loose words", "loose words", id="words alone"),
        pytest.param(f"<main><h1>One</h1><p>{PROSE}<p>Again: {PROSE}</main>", LONG, id="a long page"),
    ],
)
def test_tags_that_html_lets_one_leave_out_are_not_missed(load: Load, shape: str, content: str, expected: str) -> None:
    """A page without <html>, <head> or <body> holds the text that a browser shows of it, in its order."""
    title = "<meta charset=utf-8><title>The title</title><style>p { margin: 0 }</style><script>never()</script>"
    document = load("x.html", shape.format(title=title, content=content))
    assert document.text == expected
    check_laws(document)


def test_articles_are_sections(load: Load) -> None:
    """Two articles on one page are two sections with their own titles."""
    articles = "".join(f"<article><h2>Article {name}</h2><p>{PROSE}</p></article>" for name in ("one", "two"))
    document = load("x.html", f"<html><body><main><h1>News</h1>{articles}</main></body></html>")
    assert [section.title for section in document.sections] == ["Article one", "Article two"]


def test_entities_are_not_resolved_and_depth_does_no_harm(load: Load) -> None:
    """A page is read to its end however deep it is nested, or refused; entities of its own stay what they are."""
    deep = "<div>" * 1500 + "deep words" + "</div>" * 1500
    text = load("x.html", f"<html><body><p>first words</p>{deep}<p>last words</p></body></html>").text
    assert all(words in text for words in ("first words", "deep words", "last words"))
    with pytest.raises(LimitExceeded, match="nested more than 2000 deep"):
        load("x.html", f"<html><body><p>first words</p>{'<div>' * 10_000}last words</body></html>")
    entity = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><html><body><p>seen &x;</p></body></html>'
    assert "root:" not in load("y.html", entity).text
