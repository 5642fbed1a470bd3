"""The judge: only what stands word for word in its source is cited, whoever drafted it."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from assistant.answering.citing import unmarked, verify
from assistant.domain import Chunk, Citation, Claim, Document, Draft, Heading, Hit, Metadata, Quote, Section, version_of

SOURCES = Path(__file__).resolve().parents[2] / "assistant"
LETTERS = "abcdefg  \n.æøå–😀\u0301"


@dataclass
class Shelf:
    """Documents by id and version, each cut into chunks, and hits on some of them."""

    documents: dict[tuple[str, str], Document]
    hits: list[Hit]

    def find(self, document_id: str, version: str) -> Document | None:
        """Return a stored version of a document."""
        return self.documents.get((document_id, version))


def make_shelf(generator: random.Random) -> Shelf:
    """Return three documents in two versions each, of random letters; the hits are chunks of either version."""
    documents, hits = {}, []
    for id_ in ("a.md", "b/c.txt", "å.pdf"):
        for _ in range(2):
            text = "".join(generator.choices(LETTERS, k=generator.randint(40, 120)))
            half = len(text) // 2
            document = Document(
                id_,
                "Title",
                text,
                (
                    Section(0, half, "First", "en"),
                    Section(half, len(text), "Second", "nb", "2024", "https://x.example"),
                ),
                version_of(text.encode(), Metadata(), text),
                pages=(0, half),
                headings=(Heading(0, 3, 1),),
            )
            documents[id_, document.version] = document
            for number, (start, end) in enumerate(((0, half), (half, len(text)))):
                chunk = Chunk(
                    f"{id_}:{document.version[:16]}:{number}", id_, document.version, text[start:end], start, end,
                    "First", None, None, "en",
                )  # fmt: skip
                hits.append(Hit(chunk, len(hits) + 1, 0.5))
    generator.shuffle(hits)
    return Shelf(documents, hits[:8])


def right_quote(generator: random.Random, hit: Hit) -> Quote:
    """Return words that stand in the hit, at their place."""
    first, last = sorted(generator.sample(range(len(hit.chunk.text) + 1), 2))
    return Quote(hit.chunk.id, hit.chunk.text[first:last], hit.chunk.start + first)


def spoil(generator: random.Random, quote: Quote, shelf: Shelf) -> Quote:
    """Return the quote with one thing wrong."""
    hits = {hit.chunk.id: hit.chunk for hit in shelf.hits}
    place = generator.randrange(len(quote.words))
    return generator.choice(
        [
            replace(quote, words=quote.words[:place] + "#" + quote.words[place + 1 :]),
            replace(quote, words=quote.words + "#"),
            replace(quote, words=""),
            replace(quote, chunk_id="nowhere:0:0"),
            replace(quote, chunk_id=next(id_ for id_, chunk in hits.items() if id_ != quote.chunk_id), words="#"),
            replace(quote, start=hits[quote.chunk_id].end),
            replace(quote, start=-len(quote.words) - 1),
            replace(quote, words=quote.words * 200),
        ]
    )


def make_draft(generator: random.Random, shelf: Shelf) -> tuple[Draft, list[list[Quote]]]:
    """Return a draft of right and spoilt quotes, and the right ones of each claim."""
    claims, right = [], []
    for number in range(generator.randint(0, 6)):
        good = [right_quote(generator, hit) for hit in generator.choices(shelf.hits, k=generator.randint(0, 2))]
        bad = [
            spoil(generator, right_quote(generator, hit), shelf)
            for hit in generator.choices(shelf.hits, k=generator.randint(0, 2))
        ]
        quotes = [*good, *bad]
        generator.shuffle(quotes)
        claims.append(Claim(f"Claim {number}.", tuple(quotes), generator.choice(["sentence", "item", "row"])))
        right.append([quote for quote in quotes if quote in good])
    return Draft(tuple(claims)), right


@pytest.mark.parametrize("seed", range(300))
def test_exactly_the_right_quotes_become_citations(seed):
    """Whatever a draft claims, its citations are the right quotes, numbered in order of first use."""
    generator = random.Random(seed)
    shelf = make_shelf(generator)
    draft, right = make_draft(generator, shelf)
    text, citations = verify(draft, shelf.hits, shelf.find)

    chunks = {hit.chunk.id: hit.chunk for hit in shelf.hits}
    expected = [
        (chunks[quote.chunk_id].document_id, chunks[quote.chunk_id].version, quote.start, quote.words)
        for quotes in right
        for quote in quotes
    ]
    assert [(cited.document, cited.version, cited.start, cited.quote) for cited in citations] == list(
        dict.fromkeys(expected)
    )
    assert [cited.number for cited in citations] == list(range(1, len(citations) + 1))
    for cited in citations:
        document = shelf.find(cited.document, cited.version)
        assert document.text[cited.start : cited.end] == cited.quote != ""

    kept = [claim.sentence for claim, quotes in zip(draft.claims, right, strict=True) if quotes]
    assert re.findall(r"Claim \d\.", text) == kept
    assert [int(number) for number in dict.fromkeys(re.findall(r"\[(\d+)\]", text))] == [
        cited.number for cited in citations
    ]
    assert all(re.search(re.escape(sentence) + r" \[\d+\]", text) for sentence in kept)


# ---- Case by case ----

WORDS = "Mentors meet in Bodø. The walrus fee is 4,711 dollars. It is paid in October."


@pytest.fixture
def hit(make_hit):
    """A chunk that begins at offset 10 of its document."""
    return make_hit(WORDS, start=10)


def claim(hit: Hit, words: str, *, sentence: str | None = None, at: int | None = None, form: str = "sentence") -> Claim:
    """Return a claim that quotes words of a hit, at their place unless another is given."""
    start = hit.chunk.start + hit.chunk.text.index(words) if at is None else at
    return Claim(sentence or words, (Quote(hit.chunk.id, words, start),), form)


def judge(claims: Sequence[Claim], hit: Hit, document: Document) -> tuple[str, tuple[Citation, ...]]:
    """Return what is left of the claims when only this version is stored."""
    return verify(Draft(tuple(claims)), [hit], lambda id_, version: document if version == document.version else None)


def test_a_right_quote_is_cited_right_after_its_sentence(hit, document_of):
    """The marker stands after the sentence it carries, which need not be the quote itself."""
    text, (first, second) = judge(
        [
            claim(hit, "The walrus fee is 4,711 dollars.", sentence="It costs 4,711 dollars."),
            claim(hit, "It is paid in October."),
        ],
        hit,
        document_of(hit),
    )
    assert text == "It costs 4,711 dollars. [1] It is paid in October. [2]"
    assert (first.quote, first.start, first.dated) == ("The walrus fee is 4,711 dollars.", 32, True)
    assert (second.start, second.end, second.dated) == (65, 87, False)


@pytest.mark.parametrize(
    ("words", "at"),
    [
        pytest.param("the walrus fee is 4,711 dollars.", 32, id="another case"),
        pytest.param("The walrus fee is 4,712 dollars.", 32, id="one digit"),
        pytest.param("The walrus fee is 4,711 dollars", 33, id="one place further"),
        pytest.param("The walrus fee is 4,711 dollars.", 22, id="offset of the chunk, not of the document"),
        pytest.param("The  walrus fee", 32, id="two spaces"),
        pytest.param("Bodo\u0308", 26, id="another Unicode form"),
        pytest.param("", 32, id="empty"),
        pytest.param("...", 0, id="in the document, before the chunk"),
        pytest.param(WORDS + "!", 10, id="beyond the chunk"),
        pytest.param("The walrus fee is 4,711 dollars.", -55, id="counted from the end"),
    ],
)
def test_a_wrong_quote_leaves_nothing(hit, document_of, caplog, words, at):
    """Without a quote that holds there is no sentence and no citation, and the log says that one was left out."""
    assert judge([claim(hit, words, sentence="A claim.", at=at)], hit, document_of(hit)) == ("", ())
    assert "left out" in caplog.text


def test_a_quote_of_another_version_does_not_hold(hit, document_of):
    """Words are judged by the version they were found in, even when the new one still holds them."""
    newer = replace(document_of(hit), version="f" * 64)
    assert judge([claim(hit, "It is paid in October.")], hit, newer) == ("", ())


def test_a_quote_of_a_chunk_that_was_not_found_does_not_hold(hit, make_hit, document_of):
    """An answerer may only quote what it was given."""
    other = make_hit(WORDS, id_="b.md")
    assert judge([claim(other, "It is paid in October.")], hit, document_of(other)) == ("", ())


def test_one_right_quote_carries_a_claim(hit, document_of):
    """Of a right and a wrong quote the right one stays and carries the sentence alone."""
    right, wrong = claim(hit, "It is paid in October.").quotes[0], Quote(hit.chunk.id, "In June.", 10)
    text, (cited,) = judge([Claim("Paid in October.", (wrong, right))], hit, document_of(hit))
    assert text == "Paid in October. [1]"
    assert cited.quote == "It is paid in October."


def test_one_place_has_one_number(hit, document_of):
    """Two sentences that rest on the same words share a citation; a sentence on two places has two markers."""
    paid, fee = claim(hit, "It is paid in October.").quotes[0], claim(hit, "The walrus fee").quotes[0]
    claims = [Claim("A.", (paid,)), Claim("B.", (fee, paid)), Claim("C.", (paid, paid))]
    text, citations = judge(claims, hit, document_of(hit))
    assert text == "A. [1] B. [2] [1] C. [1]"
    assert len(citations) == 2


@pytest.mark.parametrize(
    ("forms", "expected"),
    [
        pytest.param(["sentence", "sentence"], "A. [1] B. [1]", id="running text"),
        pytest.param(["sentence", "item", "item"], "A. [1]\n- B. [1]\n- C. [1]", id="a list under its sentence"),
        pytest.param(["item", "sentence"], "- A. [1]\nB. [1]", id="text after a list"),
        pytest.param(["row", "row"], "A. [1]\nB. [1]", id="rows"),
    ],
)
def test_the_form_of_a_claim_shows(hit, document_of, forms, expected):
    """Sentences run on, items become a list, rows stand on lines of their own."""
    claims = [claim(hit, "October", sentence=f"{name}.", form=form) for name, form in zip("ABC", forms, strict=False)]
    assert judge(claims, hit, document_of(hit))[0] == expected


def test_a_citation_tells_all_about_its_place(make_hit):
    """Section, page, heading, address and dates are those of the place the quote stands at."""
    text = "One\n\nfirst text\n\nTo\n\nandre tekst\n\n"
    hit = make_hit(text, id_="b/c.pdf")
    document = Document(
        "b/c.pdf", "Both", text,
        (Section(0, 17, "One", "en"), Section(17, len(text), "To", "nb", "2022-10", "https://x.example/to")),
        hit.chunk.version,
        Metadata(publisher="P", published="2020", checked="2026", valid_until="2027", status="draft", url="https://x.example"),
        pages=(0, 17), page_labels=("i", "1"), headings=(Heading(0, 3, 1), Heading(17, 19, 1)),
    )  # fmt: skip
    _, (first, second) = judge(
        [claim(hit, "first text"), claim(hit, "andre tekst")], replace(hit, also_in=("d.md",)), document
    )
    assert (first.title, first.language, first.page, first.page_label, first.heading) == ("One", "en", 1, "i", "One")
    assert (first.source_url, first.published) == ("https://x.example", "2020")
    assert (second.title, second.language, second.page, second.page_label, second.heading) == ("To", "nb", 2, "1", "To")
    assert (second.source_url, second.published) == ("https://x.example/to", "2022-10")
    assert (second.publisher, second.checked, second.valid_until, second.status) == ("P", "2026", "2027", "draft")
    assert second.also_in == ("d.md",)


def test_an_empty_draft_is_an_empty_answer(hit, document_of):
    """Nothing claimed, nothing said."""
    assert judge([], hit, document_of(hit)) == ("", ())


def test_nobody_else_makes_a_citation():
    """`Citation(` is called where quotes are judged, and where the journal reads back what was made there."""
    makers = {
        path.relative_to(SOURCES).as_posix()
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == "Citation"
    }
    assert makers == {"answering/citing.py", "store/journal.py"}


def test_two_versions_of_one_document_have_numbers_of_their_own():
    """The same place in another version of a document is another citation."""
    versions = {}
    hits = []
    for rank, (version, text) in enumerate(
        (("a" * 64, "The fee is 4 dollars."), ("b" * 64, "The fee is 5 dollars.")), start=1
    ):
        section = Section(0, len(text), "Fees", "en")
        versions[version] = Document("a.md", "Fees", text, (section,), version)
        chunk = Chunk(f"a.md:{version[:16]}:0", "a.md", version, text, 0, len(text), "Fees", None, None, "en")
        hits.append(Hit(chunk, rank, 1.0))
    claims = tuple(Claim(hit.chunk.text, (Quote(hit.chunk.id, hit.chunk.text, 0),)) for hit in hits)
    text, citations = verify(Draft(claims), hits, lambda document_id, version: versions[version])
    assert text == "The fee is 4 dollars. [1] The fee is 5 dollars. [2]"
    assert [citation.quote for citation in citations] == ["The fee is 4 dollars.", "The fee is 5 dollars."]


def test_a_table_row_is_shown_under_its_columns_and_quoted_as_it_stands():
    """The answer names the columns with the table's own words; the quote stays the row, letter by letter."""
    text = "Fees\n\nYear\tFee\n2026\t12 dollars\n2027\t13 dollars"
    document = Document(
        "fees.md", "Fees", text, (Section(0, len(text), "Fees", "en"),), version_of(text.encode(), Metadata(), text)
    )
    chunk = Chunk("fees.md:0", "fees.md", document.version, text, 0, len(text), "Fees", None, None, "en")
    row = "2027\t13 dollars"
    draft = Draft((Claim(row, (Quote(chunk.id, row, text.index(row)),), "row"),))
    shown, (citation,) = verify(draft, [Hit(chunk, 1, 1.0)], lambda *_: document)
    assert shown == "Year: 2027; Fee: 13 dollars [1]"
    assert citation.quote == row == text[citation.start : citation.end]


# ---- Marks that are not ours ----


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        pytest.param("She lived there for years [12].", "She lived there for years.", id="footnote"),
        pytest.param("The course is held on Mondays. [9]", "The course is held on Mondays.", id="after the full stop"),
        pytest.param("It costs 5 dollars. [1] [2]", "It costs 5 dollars.", id="two of them"),
        pytest.param("Fees [3], dates[4] and places.", "Fees, dates(4) and places.", id="inside a sentence"),
        pytest.param("By source [1] and [2] it is free.", "By source (1) and (2) it is free.", id="spoken of"),
        pytest.param("[7] A guide to fees.", "(7) A guide to fees.", id="number of an entry"),
        pytest.param("[7]", "(7)", id="nothing else"),
        pytest.param("In [a], [12a] and [2-3] of § 5(b).", "In [a], [12a] and [2-3] of § 5(b).", id="other brackets"),
    ],
)  # fmt: skip
def test_square_brackets_of_others_are_no_markers(written, shown):
    """What is left of a source's own numbers cannot be taken for one of our markers."""
    assert unmarked(written) == shown
    assert unmarked(shown) == shown


def test_a_forged_marker_stays_in_the_quote_and_leaves_the_text(make_hit, document_of):
    """In the text `[n]` is ours alone; the citation keeps the source's words letter by letter."""
    words = "The fee is 0 dollars [2], as proven [1]."
    hit = make_hit(f"{words} It is paid in October.")
    claims = [claim(hit, words), claim(hit, "It is paid in October.")]
    text, citations = judge(claims, hit, document_of(hit))
    assert text == "The fee is 0 dollars, as proven. [1] It is paid in October. [2]"
    assert [cited.quote for cited in citations] == [words, "It is paid in October."]


def test_a_forged_marker_in_a_table_or_a_list_is_none_either():
    """Rows under their columns and items are texts of a source as well."""
    text = "Fees\n\nYear [1]\tFee\n2027 [3]\t[2]\n\n- A free place [1]"
    document = Document(
        "fees.md", "Fees", text, (Section(0, len(text), "Fees", "en"),), version_of(text.encode(), Metadata(), text)
    )
    chunk = Chunk("fees.md:0", "fees.md", document.version, text, 0, len(text), "Fees", None, None, "en")
    row, item = "2027 [3]\t[2]", "A free place [1]"
    quotes = [Quote(chunk.id, words, text.index(words)) for words in (row, item)]
    draft = Draft((Claim(row, (quotes[0],), "row"), Claim(item, (quotes[1],), "item")))
    shown, citations = verify(draft, [Hit(chunk, 1, 1.0)], lambda *_: document)
    assert shown == "Year: 2027; Fee: (2) [1]\n- A free place [2]"
    assert [cited.quote for cited in citations] == [row, item]
