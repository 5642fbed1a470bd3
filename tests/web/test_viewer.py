"""The source viewer: the stored text, whole, with exactly the quote marked."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from assistant.documents import Limits, load_document
from assistant.documents.page_images import PageLook
from assistant.documents.quote_places import Box
from assistant.domain import Citation
from assistant.web import viewer
from assistant.web.among import Place, link_among, read_among, write_among
from assistant.web.sheets import Sheet

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """A page as a browser reads it: the article's text, the marked text, and each element's place."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.article = self.marked = self.whole = ""
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.languages: dict[str, str] = {}
        self.feed(html)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_startendtag(self, tag, attributes):
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.ids += [values["id"]] if values.get("id") else []
        if tag not in VOID:
            self.open.append((tag, values))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.whole += data
        tags = [tag for tag, _ in self.open]
        if "article" not in tags or any(values.get("class") == "page-mark" for _, values in self.open):
            return
        self.article += data
        if "mark" in tags:
            self.marked += data
        self.languages[data] = next(values["lang"] for tag, values in self.open if tag == "section")


def show(document, quote=None, *, language="en", current=..., **changes) -> Page:
    """Read the page of a document; `quote` is a pair of offsets."""
    start, end = (None, None) if quote is None else (str(quote[0]), str(quote[1]))
    current = document if current is ... else current
    return Page(viewer.page(document, language=language, start=start, end=end, current=current, **changes))


@pytest.mark.parametrize("name", ["programme", "norwegian", "report", "tricky"])
def test_the_page_holds_the_stored_text_once_and_in_order(documents, name):
    """Nothing is lost, added or moved, whatever the structure."""
    assert show(documents[name]).article == documents[name].text


QUOTES = [
    pytest.param("programme", "USA next! started", "January 2022.", id="a sentence"),
    pytest.param("programme", "What it costs", "What it costs", id="a heading"),
    pytest.param("programme", "Study trips", "Minneapolis.", id="inside an item"),
    pytest.param("programme", "- Workshops", "a week.", id="items and a nested item"),
    pytest.param("programme", "Boston\t", "\t12", id="a table row"),
    pytest.param("programme", "18,500", "Houston\tNOK", id="from cell to cell over two rows"),
    pytest.param("programme", "2. Meet", "three weeks.", id="numbered items"),
    pytest.param("programme", "American market.", "1. Send", id="heading, list, table and paragraph"),
    pytest.param("report", "the age of", "illnesses.", id="over a page break"),
    pytest.param("report", "Paying for care", "amerikanere.", id="over sections and pages"),
    pytest.param("tricky", "The fee", "{{value}}.", id="hostile words"),
    pytest.param("norwegian", "Fire norske", "markedet.", id="Norwegian letters"),
]


@pytest.mark.parametrize(("name", "first", "last"), QUOTES)
def test_exactly_the_quote_is_marked(documents, name, first, last):
    """The characters inside the marks, joined, are `text[start:end]`, and the first mark alone has the id."""
    document = documents[name]
    start = document.text.index(first)
    end = document.text.index(last, start) + len(last)
    page = show(document, (start, end))
    assert page.marked == document.text[start:end]
    assert page.article == document.text
    assert page.ids == ["quote"]


def test_every_quote_of_a_document_can_be_marked(documents):
    """No pair of offsets breaks the page or marks anything else."""
    document = documents["programme"]
    size = len(document.text)
    for start in range(0, size, 13):
        for end in range(start + 1, size + 1, 41):
            page = show(document, (start, end))
            assert page.marked == document.text[start:end]
            assert page.article == document.text


@pytest.mark.parametrize(
    ("start", "end"),
    [("9", "3"), ("0", "999999"), ("-1", "4"), ("a", "b"), ("3", None), ("", ""), ("5", "5"), ("9" * 5000, "1"),
     ("1e1", "20"), ("٣", "٩")],
)  # fmt: skip
def test_a_place_that_does_not_fit_marks_nothing(documents, start, end):
    """Wrong offsets are said, not guessed at."""
    page = Page(viewer.page(documents["report"], language="en", start=start, end=end, current=documents["report"]))
    assert page.marked == ""
    assert "so nothing is marked" in page.whole


def test_headings_lists_and_tables_are_shown_as_such(documents):
    """The stored text's structure becomes the page's."""
    tags = show(documents["programme"]).tags
    assert tags.count("h1") == 1
    tags = tags[tags.index("article") :]
    assert (tags.count("h2"), tags.count("h3")) == (1, 3)
    assert (tags.count("ul"), tags.count("ol"), tags.count("li")) == (2, 1, 7)
    assert (tags.count("table"), tags.count("tr"), tags.count("td")) == (1, 3, 9)


def test_pages_are_marked_with_their_printed_numbers(documents):
    """Each page start is named once, also inside a paragraph."""
    page = show(documents["report"])
    for label in ("Page i", "Page ii", "Page 3"):
        assert page.whole.count(label) >= 1
    assert "Side ii" in show(documents["report"], language="nb").whole


def test_pages_without_text_and_without_labels_are_marked_too(make):
    """Three pages that start at one place are three marks."""
    document = make("x.pdf", [("en", "One", ["One.", "Two."])], page_at=["One.", "Two.", "Two."])
    whole = show(document).whole
    assert [f"Page {number}" in whole for number in (1, 2, 3)] == [True, True, True]


def test_each_section_says_its_language(documents):
    """A screen reader changes its voice between the articles."""
    languages = show(documents["report"]).languages
    assert languages["Arbeidsgivere forsikrer omtrent halvparten av alle amerikanere."] == "nb"
    assert languages["Paying for care in the USA"] == "en"


def test_nothing_hostile_becomes_an_element(documents):
    """A document's HTML is text here."""
    page = show(documents["tricky"])
    assert not {"script", "img", "b"} & set(page.tags)


def test_an_earlier_version_says_so_and_links_the_current_one(documents, make):
    """Readers see what was quoted, and that it has changed since."""
    newer = make(documents["programme"].id, [("en", "USA next! in short", ["It ended."])])
    page = show(documents["programme"], current=newer)
    assert "an earlier version" in page.whole
    assert "taken out" in show(documents["programme"], current=None).whole
    assert "earlier version" not in show(documents["programme"]).whole


def test_the_head_says_what_is_known(documents):
    """Publisher, dates, language, version and status stand under the title."""
    whole = show(documents["programme"], language="nb").whole
    for words in ("Norwegian Smart Care Cluster", "utgitt 2021", "kontrollert 22. nov. 2026", "engelsk",
                  documents["programme"].version[:8], "draft, not reviewed"):  # fmt: skip
        assert words in whole


ODD_TEXTS = [
    pytest.param("", id="empty"),
    pytest.param("\n\n\n", id="blank lines only"),
    pytest.param("\n\nlate start\n", id="blank lines first"),
    pytest.param("a\tb\nwords\n- item\n  goes on\nand on\n\t\n", id="kinds without blank lines"),
    pytest.param("  - deep first\n- then flat\n      - very deep\n 2) odd\n", id="odd indents"),
    pytest.param("".join(f"{'  ' * depth}- {depth}\n" for depth in range(300)), id="nested three hundred deep"),
    pytest.param("- \n-\n1.\n", id="markers without words"),
    pytest.param("a  b \t c\u00a0d\n", id="spaces"),
]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_are_kept_too(make, text):
    """The law of the page holds for texts that no loader should make."""
    document = make("x.txt", [("en", "X", [text])])
    page = show(document, (0, len(document.text)))
    assert page.article == document.text
    assert page.marked == document.text


def look(*boxes, width=600.0, height=800.0) -> PageLook:
    """Return how a page looks, with marks at these edges: left, top, right, bottom."""
    return PageLook(width, height, tuple(Box(*edges) for edges in boxes))


def show_sheets(document, quote, *sheets, **changes) -> str:
    """Return the page of a document whose pages are shown as they look."""
    start, end = map(str, quote) if quote else (None, None)
    return viewer.page(document, language="en", start=start, end=end, current=document, sheets=sheets, **changes)


def test_the_mark_on_the_picture_is_what_the_address_leads_to(documents):
    """The text keeps its own mark, under another name; the picture says what it shows and what is marked."""
    report = documents["report"]
    html = show_sheets(report, (31, 60), Sheet(1, look((0.1, 0.5, 0.4, 0.6), (0.1, 0.62, 0.2, 0.7)), quoted=True))
    page = Page(html)
    assert page.ids == ["look", "look-title", "quote", "quote-in-text"]
    assert page.marked == report.text[31:60]
    assert page.article == report.text
    assert html.count("<rect") == 3
    assert 'viewBox="0 0 1000 1333"' in html
    assert f'role="img" aria-label="Marked on the page: “{report.text[31:60]}”"' in html
    assert f'src="../../page/reports/two%20languages.pdf?version={report.version}&amp;page=1"' in html
    assert "marked on the page and in the text" in page.whole
    assert "printed as i" in page.whole


@pytest.mark.parametrize(
    ("sheets", "quote", "says", "ids"),
    [
        pytest.param([Sheet(1, look(), True)], (31, 60), "could not be told for certain", ["quote"], id="not found"),
        pytest.param([Sheet(1, None, True)], (31, 60), "cannot be shown as a picture", ["quote"], id="no picture"),
        pytest.param([Sheet(3, look(), False)], (31, 60), "does not stand on this page", ["quote"], id="another page"),
        pytest.param([Sheet(1, look((0, 0, 1, 1)), True), Sheet(2, look((0, 0, 1, 1)), True)], (100, 160),
                     "goes on on the next page", ["quote", "quote-in-text"], id="two pages"),
        pytest.param([Sheet(1, look(), False)], None, "opens the whole document", [], id="no quote"),
    ],
)  # fmt: skip
def test_picture_and_text_say_each_what_is_marked(documents, sheets, quote, says, ids):
    """What the picture cannot show is said, and the text marks the words all the same."""
    page = Page(show_sheets(documents["report"], quote, *sheets))
    assert says in page.whole
    assert [name for name in page.ids if name.startswith("quote")] == ids
    assert page.marked == (documents["report"].text[slice(*quote)] if quote else "")


@pytest.mark.parametrize(
    ("asked", "quote", "expected"),
    [
        pytest.param(None, None, (1,), id="nothing"),
        pytest.param(None, (31, 60), (1,), id="a quote"),
        pytest.param(None, (100, 160), (1, 2), id="a quote over two pages"),
        pytest.param(None, (0, 350), (1, 2), id="a quote over three"),
        pytest.param("3", (31, 60), (3,), id="a page"),
        pytest.param("0", (31, 60), (1,), id="page 0"),
        pytest.param("4", None, (1,), id="one too many"),
        pytest.param("x", None, (1,), id="no number"),
        pytest.param("9" * 400, None, (1,), id="a long number"),
    ],
)
def test_the_pages_to_show(documents, asked, quote, expected):
    """The page asked for, else the quote's, else the first; a wrong number counts as none."""
    span = viewer.Span(*quote) if quote else None
    assert viewer.pages_to_show(documents["report"], span, asked) == expected
    assert viewer.pages_to_show(documents["programme"], None, asked) == ()


def test_pages_can_be_turned(documents):
    """Each page leads to the one before and after, and keeps the quote in its address."""
    html = show_sheets(documents["report"], (31, 60), Sheet(2, look(), quoted=False))
    version = documents["report"].version
    for number in (1, 3):
        assert (
            f"../../source/reports/two%20languages.pdf?version={version}&amp;start=31&amp;end=60&amp;page={number}#look"
        ) in html


def test_every_link_is_relative(documents):
    """The site works under any path: no own address starts with a slash."""
    html = show_sheets(documents["report"], (31, 60), Sheet(1, look((0, 0, 1, 1)), True)) + viewer.not_found(
        "nb", "No."
    )
    addresses = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert len(addresses) > 10
    assert [address for address in addresses if not address.startswith(("../", "#"))] == []


# ---- Among the quotes of one answer ----

VERSION = "0123456789abcdef" * 4
PLACES = (
    Place("programme/om næring & <odd>, 1!.md", VERSION, 20, 25),
    Place("reports/two languages.pdf", VERSION[::-1], 5, 9),
    Place("programme/om næring & <odd>, 1!.md", VERSION, 0, 3),
)


def cited(number: int, place: Place) -> Citation:
    """Return a citation of a place."""
    return Citation(
        number, "x", place.document, place.version, "T", "en", None, None, None, place.start, place.end, None
    )


def test_a_link_carries_the_other_quotes_of_its_answer():
    """What is written is read again, and plain links stay what they were."""
    citations = [cited(number, place) for number, place in enumerate(PLACES, start=1)]
    link = link_among(citations, 2)
    query = parse_qs(urlsplit(link).query)
    assert link.startswith("source/reports/two%20languages.pdf?")
    assert link.endswith("#quote")
    assert read_among(query["among"][0]) == PLACES
    assert re.fullmatch(r"[\w.~/$,!-]+", query["among"][0], re.ASCII)
    assert "among" not in link_among(citations[:1], 1)
    assert f"/{link_among(citations[:1], 1)}" == citations[0].link
    many = [cited(number, PLACES[0]) for number in range(1, 42)]
    assert f"/{link_among(many, 1)}" == many[0].link
    with pytest.raises(ValueError, match="There is no citation 4 among the 3"):
        link_among(citations, 4)


GOOD = write_among(PLACES)


@pytest.mark.parametrize(
    "written",
    [None, "", "x", "0.1.2", "!", GOOD[:-1] + "x", GOOD + "!", GOOD + "!9.1.2", GOOD.replace(",", ";"), GOOD * 40,
     GOOD.replace("!0.20.25", "!0.020.25"), GOOD + "!0.1." + "9" * 12, GOOD.replace("$", "$ff"), "\x00", "a,b!0.1.2",
     GOOD + "!x," + "A" * 43, "٣" * 9],
)  # fmt: skip
def test_a_list_of_quotes_that_is_not_ours_is_passed_over(written):
    """Nothing of it is believed, and nothing breaks."""
    assert read_among(written) == ()


def test_the_viewer_leads_to_the_quotes_before_and_after(documents):
    """It says which of how many this is; the ends have no link further."""
    report, programme = documents["report"], documents["programme"]
    among = (
        Place(programme.id, programme.version, 0, 4),
        Place(report.id, report.version, 31, 60),
        Place(report.id, report.version, 61, 70),
    )
    html = show_sheets(report, (31, 60), among=among)
    assert "Source 2 of 3" in Page(html).whole
    before, after = (re.search(rf'rel="{relation}" href="([^"]*)"', html)[1] for relation in ("prev", "next"))
    assert before.startswith(f"../../source/programme/usa-next.md?version={programme.version}&amp;start=0&amp;end=4")
    assert after.startswith(f"../../source/reports/two%20languages.pdf?version={report.version}&amp;start=61")
    for quote, missing in (((61, 70), "next"),):
        assert f'rel="{missing}"' not in show_sheets(report, quote, among=among)
    assert "Source" not in Page(show_sheets(report, (31, 59), among=among)).whole


# ---- Over HTTP, with a real PDF ----


@pytest.fixture
def printed(shelf, make, tmp_path):
    """A PDF of two pages on the shelf."""
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "printed.pdf"
    canvas = Canvas(str(path), invariant=1)
    for words in ("The fee is paid once a year, in October.", "Send the form with the fee."):
        canvas.drawString(72, 700, words)
        canvas.showPage()
    canvas.save()
    document = load_document(path, "guides/printed.pdf", Limits())
    shelf.put(document)
    shelf.original(document.id).write_bytes(path.read_bytes())
    return document


def test_a_page_of_a_pdf_is_sent_as_a_picture_that_browsers_keep(client, printed):
    """One version's page never changes; what is asked for again is not sent again."""
    response = client.get(f"/page/{printed.id}?version={printed.version}&page=2")
    assert response.content.startswith(b"\x89PNG")
    assert response.headers["content-type"] == "image/png"
    assert response.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "sandbox" in response.headers["content-security-policy"]
    tag = {"if-none-match": response.headers["etag"]}
    again = client.get(f"/page/{printed.id}?version={printed.version}&page=2", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"/page/{printed.id}?version={printed.version}&page=1", headers=tag).status_code == 200
    assert client.get(f"/page/{printed.id}?page=1").headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("page", ["0", "3", "-1", "x", "", "1.0", "9" * 40, "٢", "1&page=9"])
def test_a_page_that_is_not_there_is_not_found(client, printed, page):
    """Whatever the number, it is one sentence."""
    response = client.get(f"/page/{printed.id}?version={printed.version}&page={page}")
    assert response.status_code == 404
    assert "There is no such page here" in Page(response.text).whole


def test_only_pages_of_pdfs_are_shown(client, documents):
    """Other formats have none, and a file that is no PDF inside says so on its page."""
    for name in ("programme", "report"):
        document = documents[name]
        assert client.get(f"/page/{document.id}?version={document.version}&page=1").status_code == 404
    assert "cannot be shown as a picture" in client.get(f"/source/{documents['report'].id}").text
    assert "as it looks" not in client.get(f"/source/{documents['programme'].id}").text


def test_the_viewer_shows_the_page_of_the_quote(client, printed):
    """The mark lies on the words, and the page of another number shows none."""
    start = printed.text.index("Send the form")
    address = f"/source/{printed.id}?version={printed.version}&start={start}&end={start + 13}"
    html = client.get(address).text
    assert 'id="quote" class="target"' in html
    assert "&amp;page=2" in html
    assert "<svg" not in client.get(f"{address}&page=1").text
