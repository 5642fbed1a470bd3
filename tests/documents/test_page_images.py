"""Pages of a PDF as pictures, and the quote on them: found however it is set, and never in a wrong place."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdf
import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from assistant.documents import load_document
from assistant.documents.loading import Limits
from assistant.documents.page_images import PageImages, PageLook, passage_on
from assistant.documents.quote_places import Box, Letter, Passage, boxes_of_quote
from assistant.errors import DamagedFile, EncryptedFile, LimitExceeded

Draw = Callable[[Canvas], None]


@pytest.fixture(scope="module")
def images() -> Iterator[PageImages]:
    """One child for all tests that do not kill it."""
    with PageImages() as images:
        yield images


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., Path]:
    """Make a PDF: one function for each page."""

    def make(*pages: Draw, size: tuple[float, float] = A4, name: str = "made.pdf", **changes: object) -> Path:
        path = tmp_path / name
        canvas = Canvas(str(path), pagesize=size, **changes)
        for page in pages:
            canvas.setFont("Helvetica", 12)
            page(canvas)
            canvas.showPage()
        canvas.save()
        return path

    return make


def lines(*texts: str, x: float = 70, top: float = 700, leading: float = 16) -> Draw:
    """Draw lines of text, one below the other."""

    def page(canvas: Canvas) -> None:
        for place, text in enumerate(texts):
            canvas.drawString(x, top - place * leading, text)

    return page


def places(look: PageLook) -> list[tuple[int, int]]:
    """Return left edge and distance from the top of each box, in points of an A4 page, rounded to 10."""
    return [(round(box.left * A4[0], -1), round(box.top * A4[1], -1)) for box in look.boxes]


def find(images: PageImages, path: Path, text: str, quote: str, page: int = 1, nth: int = 1) -> PageLook:
    """Look for the nth place of a quote in a page's stored text."""
    start = -1
    for _ in range(nth):
        start = text.index(quote, start + 1)
    return images.look(path, path.name, page, Passage(text, start, start + len(quote)))


SETTINGS = [
    pytest.param(("The fee is paid once", "a year, in October."), "The [fee is paid once a year], in October.", 2,
                 id="a line break"),
    pytest.param(("Ask for reimburse-", "ment before you sell."), "Ask [for reimbursement before] you sell.", 2,
                 id="a hyphen at the end of a line"),
    pytest.param(("It is a follow-", "up study of a year."), "It is [a follow-up study] of a year.", 2,
                 id="a hyphen that stays"),
    pytest.param(("\u2022 Workshops on buying", "\u2022 Trips to Boston"), "[- Workshops on buying\n- Trips] to Boston",
                 2, id="a list"),
    pytest.param(("She  said \u201cyes\u201d \u2013 twice.",), 'She [said "yes" - twice].', 1,
                 id="quotation marks, dashes and wide spaces"),
    pytest.param(("Contents and more", "Fees ........................ 12"), "Contents and more\n[Fees\t12]", 2,
                 id="a row of dots"),
    pytest.param(("Røde æpler på åsen.",), "Røde [æpler på] åsen.", 1, id="Norwegian letters"),
]  # fmt: skip


@pytest.mark.parametrize(("printed", "stored", "boxes"), SETTINGS)
def test_a_quote_is_found_however_it_is_set(images, draw, printed, stored, boxes):
    """What only the setting of the page has put there does not hide the words."""
    before, quote, after = re.split(r"[\[\]]", stored)
    look = find(images, draw(lines(*printed)), f"{before}{quote}{after}", quote)
    assert len(look.boxes) == boxes


def test_a_ligature_is_its_letters():
    """A font that draws fi as one sign shows the words all the same."""
    letters = [Letter(sign, Box(10 * at, 0, 10 * at + 9, 12)) for at, sign in enumerate("the \ufb01nal of\ufb01ce")]
    (box,) = boxes_of_quote(letters, Passage("the final office", 4, 16))
    assert (box.left, box.right) == (40, 139)


def test_a_raised_number_does_not_part_a_sentence(images, draw):
    """A note's number stands higher and smaller, on the same line."""

    def page(canvas: Canvas) -> None:
        canvas.drawString(70, 700, "The user fee is high")
        canvas.setFont("Helvetica", 7)
        canvas.drawString(182, 705, "12")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(192, 700, "and grows each year.")

    quote = "fee is high12 and grows"
    look = find(images, draw(page), f"The user {quote} each year.", quote)
    assert len(look.boxes) == 1


@pytest.mark.parametrize("by_rows", [True, False], ids=["written row by row", "written column by column"])
def test_a_quote_follows_its_column(images, draw, by_rows):
    """Two columns stand side by side; a quote goes down the first, whatever the order of the file."""
    left = ["Device makers must", "register each year", "and pay the fee."]
    right = ["Laboratories need a", "certificate of their", "own from the state."]

    def page(canvas: Canvas) -> None:
        order = [(x, row) for row in range(3) for x in (70, 320)]
        for x, row in order if by_rows else sorted(order):
            canvas.drawString(x, 700 - 16 * row, (left if x == 70 else right)[row])

    look = find(images, draw(page), f"{' '.join(left)} {' '.join(right)}", "must register each year and pay")
    assert [x < 300 for x, _ in places(look)] == [True, True, True]
    across = find(images, draw(page), f"{' '.join(left)} {' '.join(right)}", "pay the fee. Laboratories need")
    assert [x > 300 for x, _ in places(across)] == [False, True]


@pytest.mark.parametrize("by_rows", [True, False], ids=["written row by row", "written column by column"])
def test_a_row_of_a_table_is_marked_cell_by_cell(images, draw, by_rows):
    """Cells are parted by tabs in the stored text, and equal cells of other rows stay unmarked."""
    rows = [("Boston", "NOK 18,500", "12"), ("Houston", "NOK 18,500", "12"), ("Oslo", "NOK 900", "12")]

    def page(canvas: Canvas) -> None:
        order = [(column, row) for row in range(3) for column in range(3)]
        for column, row in order if by_rows else sorted(order):
            canvas.drawString(70 + 150 * column, 700 - 20 * row, rows[row][column])

    text = "\n".join("\t".join(row) for row in rows)
    look = find(images, draw(page), text, "Houston\tNOK 18,500\t12")
    assert [x for x, _ in places(look)] == [70, 220, 370]
    assert len({y for _, y in places(look)}) == 1
    assert places(look)[0][1] == round(A4[1] - 680 - 11, -1)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_page_is_marked_as_it_is_shown(images, draw, tmp_path, turn):
    """The mark lies on the words as a reader sees them."""
    writer = pypdf.PdfWriter()
    page = pypdf.PdfReader(draw(lines("Up in the corner", "and below it"), name="straight.pdf")).pages[0]
    writer.add_page(page.rotate(turn))
    path = tmp_path / "turned.pdf"
    writer.write(path)
    look = find(images, path, "Up in the corner and below it", "Up in the corner")
    (box,) = look.boxes
    across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    expected = {0: (0.2, 0.17), 90: (0.83, 0.2), 180: (0.8, 0.83), 270: (0.17, 0.8)}[turn]
    assert (across, down) == pytest.approx(expected, abs=0.03)
    assert (look.width < look.height) == (turn in (0, 180))
    assert (box.right - box.left > box.bottom - box.top) == (turn in (0, 180) or look.width < 2 * look.height / 3)


def test_a_cut_page_is_marked_as_it_is_shown(images, draw, tmp_path):
    """The corner that a reader sees first is the cut page's."""
    writer = pypdf.PdfWriter()
    page = pypdf.PdfReader(draw(lines("Up in the corner"), name="whole.pdf")).pages[0]
    page.cropbox = pypdf.generic.RectangleObject((50, 500, 350, 750))
    writer.add_page(page)
    path = tmp_path / "cut.pdf"
    writer.write(path)
    look = find(images, path, "Up in the corner", "Up in the corner")
    assert (look.width, look.height) == (300, 250)
    assert look.boxes[0].left == pytest.approx(20 / 300, abs=0.01)
    page.cropbox = pypdf.generic.RectangleObject((50, 50, 350, 300))
    writer = pypdf.PdfWriter()
    writer.add_page(page)
    writer.write(tmp_path / "away.pdf")
    assert find(images, tmp_path / "away.pdf", "Up in the corner", "Up in the corner").boxes == ()


TWICE = ("The fee is due in October. Send it.", "Something else stands in between.", "Clinics know it.",
         "The fee is due in October. Ask for more time.")  # fmt: skip


@pytest.mark.parametrize(("nth", "row"), [(1, 0), (2, 3)])
def test_of_two_places_the_one_with_the_right_neighbours_is_marked(images, draw, nth, row):
    """The stored text before and after the quote tells them apart."""
    look = find(images, draw(lines(*TWICE)), " ".join(TWICE), "The fee is due in October.", nth=nth)
    assert places(look) == [(70, round(A4[1] - 700 + 16 * row - 11, -1))]


@pytest.mark.parametrize(
    ("printed", "text", "quote"),
    [
        pytest.param(
            ["Nothing of the kind."], "The fee is due in October.", "The fee is due in October.", id="not there"
        ),
        pytest.param(["Yes", "Yes", "Yes"], "Yes Yes Yes", "Yes", id="three equal lines"),
        pytest.param(["Fees"], "Read on. Fees stand below, in the table.", "Fees", id="a short word out of its place"),
        pytest.param(["The fee is 25.5 dollars."], "The fee is 255.", "The fee is 255.", id="a point more"),
        pytest.param([], "The fee.", "The fee.", id="an empty page"),
        pytest.param(["- \u2022 -"], "a - b", "-", id="nothing to look for"),
    ],
)
def test_a_place_that_is_not_sure_is_not_marked(images, draw, printed, text, quote):
    """A wrong mark is worse than none."""
    assert find(images, draw(lines(*printed)), text, quote).boxes == ()


def test_a_running_head_is_not_taken_for_the_heading(images, draw):
    """The head of the page has the same words and no neighbours."""
    page = (
        "Reimbursement",
        "",
        "An earlier paragraph ends here.",
        "Reimbursement",
        "Medicare pays for what it covers.",
    )
    text = "An earlier paragraph ends here.\n\nReimbursement\n\nMedicare pays for what it covers."
    assert places(find(images, draw(lines(*page)), text, "Reimbursement")) == [(70, round(A4[1] - 700 + 48 - 11, -1))]


def test_a_quote_over_two_pages_has_a_part_on_each(images, draw):
    """The word that is parted between the pages is marked on both."""
    path = draw(
        lines("A maker sends the notice", "and asks for reimburse-", top=120), lines("ment by the state.", "The end.")
    )
    document = load_document(path, path.name, Limits())
    start = document.text.index("and asks")
    end = document.text.index(" The end") if " The end" in document.text else document.text.index("The end") - 1
    parts = [images.look(path, path.name, page, passage_on(document, page, start, end)) for page in (1, 2)]
    assert [len(look.boxes) for look in parts] == [1, 1]
    assert passage_on(document, 1, end, len(document.text)) is None
    assert [passage_on(document, page, start, end) for page in (0, 3)] == [None, None]


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(A4, (1191, 1684), id="A4"),
        pytest.param((14_000, 14_000), (1613, 1613), id="as large as a wall"),
        pytest.param((14_000, 3), (4000, 1), id="a ribbon"),
        pytest.param((3, 3), (6, 6), id="a dot"),
    ],
)
def test_a_picture_is_sharp_and_never_huge(images, draw, size, expected):
    """However large the page says it is, its picture is bounded."""
    width, height = size_of(images.picture(draw(lambda canvas: canvas.rect(0, 0, 1, 1), size=size), "made.pdf", 1))
    assert (width, height) == pytest.approx(expected, abs=2)


def test_a_picture_shows_the_page(images, draw):
    """A page with words is another picture than an empty one, and the same page twice is the same."""
    path = draw(lines("Words"), lines())
    words, empty = (images.picture(path, path.name, page) for page in (1, 2))
    assert len(words) > len(empty) > 100
    with PageImages() as others:
        assert others.picture(path, path.name, 1) == words


@pytest.mark.parametrize("page", [0, -1, 3, 10**6])
def test_a_page_that_is_not_there_is_said(images, draw, page):
    """Pages count from 1."""
    path = draw(lines("One"), lines("Two"))
    for ask in (images.picture, images.look):
        with pytest.raises(DamagedFile, match=rf"made.pdf: has no page {page}. Ask for 1 to 2"):
            ask(path, "made.pdf", page)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no PDF at all", id="text"),
        pytest.param(b"%PDF-1.7\n1 0 obj\n<< broken", id="torn"),
    ],
)
def test_a_damaged_file_is_said(images, tmp_path, raw):
    """The reader gets one sentence, and the next page comes as ever."""
    path = tmp_path / "x.pdf"
    path.write_bytes(raw)
    for _ in range(2):
        with pytest.raises(DamagedFile, match=r"x.pdf: cannot be shown as pages"):
            images.picture(path, "x.pdf", 1)
    with pytest.raises(DamagedFile, match="cannot be shown"):
        images.look(tmp_path / "gone.pdf", "gone.pdf", 1)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_file_that_opens_without_a_password_is_shown(images, draw, tmp_path, algorithm):
    """Many publishers only lock printing; a real password is said."""
    for password in ("", "secret"):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(draw(lines("Locked words")).read_bytes()))
        writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
        writer.write(tmp_path / f"locked{password}.pdf")
    look = find(images, tmp_path / "locked.pdf", "Locked words", "Locked words")
    assert len(look.boxes) == 1
    with pytest.raises(EncryptedFile, match="needs a password"):
        images.picture(tmp_path / "lockedsecret.pdf", "lockedsecret.pdf", 1)


def test_a_page_that_takes_too_long_is_given_up_once(draw):
    """The limit ends the child; asked again, the page costs no second wait, and another page is shown."""

    def heavy(canvas: Canvas) -> None:
        canvas.beginForm("circles")
        for _ in range(200):
            canvas.circle(300, 400, 290, fill=1)
        canvas.endForm()
        for _ in range(200):
            canvas.doForm("circles")

    slow, quick = draw(heavy, name="slow.pdf"), draw(lines("Quick"), name="quick.pdf")
    with PageImages(Limits(seconds=0.4, memory_bytes=800_000_000)) as images:
        for _ in range(2):
            with pytest.raises(LimitExceeded, match=r"slow.pdf: took more than 0.4 seconds"):
                images.picture(slow, "slow.pdf", 1)
        assert images.look(quick, "quick.pdf", 1).width == pytest.approx(A4[0], abs=1)
