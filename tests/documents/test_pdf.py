"""PDF: pages, paragraphs, tables, hyphens, and files that hold no text."""

from __future__ import annotations

import io
import random
import textwrap
import zlib

import pypdf
import pytest

from assistant.documents import Limits
from assistant.documents.layout import joined
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded, NoTextFound

from .conftest import PROSE, Load, MakePdf

BOLD = "Helvetica-Bold"


@pytest.mark.parametrize(
    ("lines", "hyphenated", "expected"),
    [
        pytest.param(["The reim-", "bursement"], [], "The reimbursement", id="a word parted at the line end"),
        pytest.param(["Oslo-", "Bergen"], [], "Oslo-Bergen", id="upper case goes on"),
        pytest.param(["the COVID-", "19 code"], [], "the COVID-19 code", id="a digit goes on"),
        pytest.param(["within 30-", "day periods"], [], "within 30-day periods", id="after a digit"),
        pytest.param(["a 30-", "or 60-day period"], [], "a 30- or 60-day period", id="two numbers"),
        pytest.param(["a long-", "term plan"], ["long-term"], "a long-term plan", id="known with its hyphen"),
        pytest.param(["state-of-the-", "art"], [], "state-of-the-art", id="one hyphen of many"),
        pytest.param(["helse-", "og omsorg"], [], "helse- og omsorg", id="a part that follows later"),
        pytest.param(["reim\u00ad", "bursement"], [], "reimbursement", id="soft hyphen"),
        pytest.param(["from 2020 -", "and on"], [], "from 2020 - and on", id="a dash"),
        pytest.param(["one", "two"], [], "one two", id="no hyphen"),
    ],
)
def test_hyphens_at_line_ends_are_mended(lines: list[str], hyphenated: list[str], expected: str) -> None:
    """A hyphen that only the line end put there goes; one that belongs to the word stays."""
    assert joined(lines, [1] * len(lines), hyphenated) == expected


def test_pages_paragraphs_and_headings(load: Load, make_pdf: MakePdf) -> None:
    """Lines join to paragraphs, larger and bold lines are headings, each page has its start and label."""
    page = [
        (72, None, "The road to America", 20, BOLD), "", *textwrap.wrap(PROSE, 80), "",
        (72, None, "Coverage", 11, BOLD), "", *textwrap.wrap(PROSE, 80),
    ]  # fmt: skip
    document = load("x.pdf", make_pdf(page, ["On the second page."]))
    assert document.text == f"The road to America\n\n{PROSE}\n\nCoverage\n\n{PROSE}\n\nOn the second page."
    assert [document.text[h.start : h.end] for h in document.headings] == ["The road to America", "Coverage"]
    assert document.text[document.pages[1] :] == "On the second page."
    assert (document.title, document.page_labels) == ("The road to America", ("1", "2"))


def test_a_paragraph_runs_over_a_page_break(load: Load, make_pdf: MakePdf) -> None:
    """The second page starts at its first word, in the middle of the sentence and even of a word."""
    first = ["The hospital sends the claim to the insurer and waits for the reim-"]
    document = load("x.pdf", make_pdf(first, ["bursement that follows."]))
    assert document.text.endswith("waits for the reimbursement that follows.")
    assert document.text[document.pages[1] :] == "bursement that follows."


@pytest.mark.parametrize(
    ("last", "first", "gap"),
    [
        pytest.param("so that all clauses have the force of", "US law for a maker.", " ", id="a preposition"),
        pytest.param("slik at alle kravene her gjelder for", "Norge og for USA.", " ", id="in Norwegian"),
        pytest.param("what a maker has to know of clauses", "US law is for makers.", "\n\n", id="perhaps a caption"),
        pytest.param("makers of", "US law is for makers.", "\n\n", id="room for the next word"),
    ],
)
def test_a_single_line_goes_on_over_a_page_break(
    load: Load, make_pdf: MakePdf, last: str, first: str, gap: str
) -> None:
    """A capital starts a paragraph of its own, unless the full line before it cannot end there."""
    text = load("x.pdf", make_pdf(["It is so for makers here.", "", last], [first])).text
    assert text.endswith(f"{last}{gap}{first}")


@pytest.mark.parametrize(
    ("last", "first", "gap"),
    [
        pytest.param("The clauses that it incorporates have the force of", "US law.", " ", id="a preposition"),
        pytest.param("Medicare paid about 21 percent and Medicaid", "18 percent.", " ", id="a figure"),
        pytest.param("Fristen for Medicaid og de andre er den fastsatte", "(se der).", " ", id="a bracket"),
        pytest.param("Medicare paid about 21 percent and Medicaid", "Sources of it.", "\n\n", id="a capital"),
        pytest.param("Medicare paid about 21 percent.", "18 percent is Medicaid's.", "\n\n", id="an end"),
        pytest.param("Medicare", "18 percent", "\n\n", id="no prose"),
        pytest.param("What FDA asks of a device of class I", "It is little.", "\n\n", id="a Roman number"),
        pytest.param("What a founder reads about Medicare Part A", "It is long.", "\n\n", id="a letter as a name"),
    ],
)
def test_words_that_are_tied_together_go_on_below(
    load: Load, make_pdf: MakePdf, last: str, first: str, gap: str
) -> None:
    """Room for the next word starts a paragraph only where one can start: the word may be tied to the one behind it."""
    wide = "A line with the words of a paragraph that is a good deal wider than those."
    assert f"{last}{gap}{first}\n\n{wide}" in load("x.pdf", make_pdf([last, first, "", wide])).text


def test_printed_page_numbers_are_kept_as_labels(load: Load, make_pdf: MakePdf) -> None:
    """Front pages in Roman numbers, then Arabic ones from 1."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["a b"], ["c d"], ["e f"])))
    writer.set_page_label(0, 1, style="/r")
    writer.set_page_label(2, 2, style="/D", start=1)
    document = load("x.pdf", _written(writer))
    assert document.page_labels == ("i", "ii", "1")
    assert document.page_label_at(document.text.index("e f")) == "1"


def test_running_headers_and_page_numbers_are_dropped(load: Load, make_pdf: MakePdf) -> None:
    """What stands at the same height on most pages is no text of the document."""
    pages = [
        [(72, 800, "Annual report 2023", 9, "Helvetica"), f"Words of page {name}.",
         (300, 30, str(number), 9, "Helvetica")]
        for number, name in enumerate(["one", "two", "three", "four"], start=1)
    ]  # fmt: skip
    text = load("x.pdf", make_pdf(*pages)).text
    assert text == "Words of page one.\n\nWords of page two.\n\nWords of page three.\n\nWords of page four."


def test_columns_are_read_one_after_the_other(load: Load, make_pdf: MakePdf) -> None:
    """Two columns stay apart, whether they were written one by one or line by line across both."""
    left, right = textwrap.wrap(PROSE, 38), textwrap.wrap(PROSE.upper(), 30)
    one_by_one = [(60, 740 - 14 * n, words, 10, "Helvetica") for n, words in enumerate(left)]
    one_by_one += [(320, 740 - 14 * n, words, 10, "Helvetica") for n, words in enumerate(right)]
    across = sorted(one_by_one, key=lambda line: (-line[1], line[0]))
    for lines in (one_by_one, across):
        text = load("x.pdf", make_pdf(lines)).text
        assert PROSE in text
        assert text.index(PROSE) < text.index("MEDICARE PAYS")


def test_tables_become_rows(load: Load, make_pdf: MakePdf) -> None:
    """Columns are parted by tabs; a line below a cell goes on in that cell."""
    cells = [("Code", "Text", "Price"), ("E0601", "A device for the airways", "100"), ("", "at night", "")]
    cells.append(("E0602", "Pump", "50"))
    lines = [
        (x, 700 - 13 * row, words, 10, "Helvetica")
        for row, line in enumerate(cells)
        for x, words in zip((72, 150, 400), line, strict=True)
    ]
    text = load("x.pdf", make_pdf(lines)).text
    assert text == "Code\tText\tPrice\nE0601\tA device for the airways at night\t100\nE0602\tPump\t50"


def cell_by_cell(rows: list[list[list[str]]]) -> list[tuple[int, int, str, int, str]]:
    """Return the lines of a table as most programs print it: each cell from its top to its end, then the next one."""
    printed, top = [], 720
    for row in rows:
        for x, cell in zip((72, 190, 310, 430), row, strict=False):
            printed += [(x, top - 12 * place, words, 10, "Helvetica") for place, words in enumerate(cell)]
        top -= 12 * max(map(len, row)) + 7
    return printed


@pytest.mark.parametrize("columns", [2, 3, 4])
@pytest.mark.parametrize("seed", range(8))
def test_cells_of_several_lines_stay_in_their_row(load: Load, make_pdf: MakePdf, seed: int, columns: int) -> None:
    """Whichever cells of a row run over several lines, the row is whole, and so is what stands below the table."""
    generator = random.Random(seed)
    words = "fee pump claim code payer ward bed tide gull pilot buoy kelp".split()
    head = [[f"Column {number}"] for number in range(columns)]
    rows = [
        [
            [" ".join(generator.sample(words, generator.randint(1, 3))) for _ in range(generator.choice((1, 1, 2, 3)))]
            for _ in range(columns)
        ]
        for _ in range(6)
    ]
    text = load("x.pdf", make_pdf(["Fees of the harbour are these:"], [*cell_by_cell([head, *rows]), PROSE[:90]])).text
    expected = "\n".join("\t".join(" ".join(cell) for cell in row) for row in (head, *rows))
    assert f"\n\n{expected}\n\n" in text


def test_words_below_a_table_are_no_row(load: Load, make_pdf: MakePdf) -> None:
    """A note in the table's first column, with nothing beside it, is a paragraph, as are two columns of text."""
    table = cell_by_cell([[["Code"], ["Price"]], [["E0601", "at night"], ["100 dollars"]]])
    note = (72, 665, "Prices of 2026, without tax.", 10, "Helvetica")
    left = [(72, 600 - 14 * n, words, 10, "Helvetica") for n, words in enumerate(textwrap.wrap(PROSE, 38))]
    right = [(320, 600 - 14 * n, words, 10, "Helvetica") for n, words in enumerate(textwrap.wrap(PROSE.upper(), 30))]
    text = load("x.pdf", make_pdf([*table, note, *left, *right])).text
    table_text = "Code\tPrice\nE0601 at night\t100 dollars"
    assert text.startswith(f"{table_text}\n\n{note[2]}\n\n{PROSE}\n\n{PROSE.upper()[:100]}")
    assert "\t" not in text[len(table_text) :]


def test_lists_keep_their_marks(load: Load, make_pdf: MakePdf) -> None:
    """Bullets and numbers stay items, with the lines that go on below them."""
    lines = ["You need:", "• a code for the device that the hospital can use when it sends its", "  bill"]
    lines += ["• a price", "1. Ask", "2. Wait"]
    text = load("x.pdf", make_pdf(lines)).text
    assert "- a code for the device that the hospital can use when it sends its bill\n- a price" in text
    assert "1. Ask\n2. Wait" in text


def test_scanned_pages_among_others_are_named(load: Load, make_pdf: MakePdf) -> None:
    """A mixed file is read, and people learn which of its pages cannot be searched; blank pages are no matter."""
    document = load("x.pdf", make_pdf(["First."], [], ["Third."], [], [], picture=(2, 4)))
    assert document.text == "First.\n\nThird."
    assert document.notices == (
        "pages 2, 4 of 5 without text, probably scanned, cannot be searched: run OCR on the file",
    )
    assert [document.page_at(document.text.index(word)) for word in ("First", "Third")] == [1, 3]


def test_a_scan_has_no_text(load: Load, make_pdf: MakePdf) -> None:
    """A file of pictures is refused with its number of pages and the remedy."""
    with pytest.raises(NoTextFound, match=r"scan.pdf: has 12 pages and no text. Run OCR on it first"):
        load("scan.pdf", make_pdf(*([[]] * 12), picture=range(1, 13)))


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_password_is_asked_for(load: Load, make_pdf: MakePdf, algorithm: str) -> None:
    """A file with a password is refused; one that opens with the empty password is read."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["Secret words."])))
    writer.encrypt("sesame", algorithm=algorithm)
    with pytest.raises(EncryptedFile, match=r"needs a password. Save a copy without"):
        load("x.pdf", _written(writer))
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["Open words."])))
    writer.encrypt("", "owner", algorithm=algorithm)
    assert load("y.pdf", _written(writer)).text == "Open words."


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda raw: raw[:60], id="truncated to its head"),
        pytest.param(lambda raw: raw[: len(raw) // 2], id="cut in half"),
        pytest.param(lambda raw: b"%PDF-1.7\n" + b"garbage " * 100, id="garbage"),
        pytest.param(lambda raw: b"not a pdf at all", id="text"),
    ],
)
def test_broken_files_are_refused(load: Load, make_pdf: MakePdf, damage: object) -> None:
    """No traceback and no half document."""
    assert callable(damage)
    with pytest.raises(DamagedFile, match=r"x.pdf: "):
        load("x.pdf", damage(make_pdf([PROSE])))


def test_pages_are_limited(load: Load, make_pdf: MakePdf) -> None:
    """Both numbers are named."""
    with pytest.raises(LimitExceeded, match=r"has 3 pages and the limit is 2"):
        load("x.pdf", make_pdf(["a"], ["b"], ["c"]), limits=Limits(pages=2))


def test_a_stream_that_unpacks_without_end_is_refused(load: Load, make_pdf: MakePdf) -> None:
    """A few kilobytes that unpack to hundreds of megabytes cost neither time nor memory."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make_pdf(["a"])))
    stream = pypdf.generic.StreamObject()
    stream[pypdf.generic.NameObject("/Filter")] = pypdf.generic.NameObject("/FlateDecode")
    stream._data = zlib.compress(b" " * 200_000_000, 9)
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    with pytest.raises(LimitExceeded, match=r"unpacks to more than a PDF should"):
        load("x.pdf", _written(writer))


def test_ligatures_are_letters(load: Load) -> None:
    """The five Latin ligatures become the letters that people search for."""
    from assistant.documents.layout import Cell, Line, lay_out

    line = Line((Cell("eﬃcient ﬁnal ﬂow oﬀ baﬄe ½", 0, 100),), 1, 700, 10, False)
    assert lay_out([[line]]).blocks[0].text == "efficient final flow off baffle ½"


def _written(writer: pypdf.PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_a_page_never_loses_all_its_sentences_as_a_header(load, make_pdf):
    """Sentences that differ in their numbers alone stay; a header and a page number on every page do not."""
    pages = [
        ["Guide of the port", f"The fee in year {year} is {year * 10} dollars for each boat.", f"Page {year} of 6"]
        for year in range(1, 7)
    ]
    text = load("fees.pdf", make_pdf(*pages)).text
    for year in range(1, 7):
        assert f"The fee in year {year} is {year * 10} dollars for each boat." in text
    assert "Guide of the port" not in text
    assert "Page 3 of 6" not in text
