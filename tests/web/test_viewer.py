"""The source viewer: the stored text, whole, with exactly the quote marked."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from assistant.web import viewer

VOID = {"meta", "link", "br"}


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
