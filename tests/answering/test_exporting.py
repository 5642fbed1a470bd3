"""Answers as files: every word comes back from every format, and whoever changes one is found out."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace

import docx
import pypdf
import pypdfium2
import pytest
from markdown_it import MarkdownIt
from reportlab.pdfgen.canvas import Canvas

from assistant.answering import exporting_markdown, exporting_pdf, exporting_word
from assistant.answering.exporting import FORMATS, Check, FindVersion, check, write
from assistant.answering.exporting_blocks import WORDS, Export, exported_quotes, shown, written_date
from assistant.answering.exporting_proof import PROOF_NAME, decode_proof, fold
from assistant.domain import Answer, Citation, Document, Metadata, Query, Section, version_of
from assistant.errors import UsageError

READ = {"md": exporting_markdown.read, "docx": exporting_word.read, "pdf": exporting_pdf.read}
EACH_FORMAT = pytest.mark.parametrize("ending", FORMATS)

FEE = "The walrus fee is 4,711 dollars per company."
NASTY = {
    "numbers": FEE,
    "html": 'Pay <b>$5</b> & <script>alert("1")</script> &amp; <!-- not a comment --> <img src=x onerror=y>.',
    "markdown": "**bold** _under_ `tick` |bar| back\\slash [link](https://evil.example) ~~no~~ $x$ # ^up^ <!-- x -->",
    "list": "- Workshops on purchasing.\n- Trips to Boston.\n  - Each takes a week.\n1. First\n2) Next\n+ third\n> 4",
    "brackets": "As shown before [1] and in [27], 510(k) devices need “special” and «general» controls.",
    "table": "Boston\tNOK 18,500\t12",
    "norwegian": "Blåbærsyltetøy på Ærø koster 25 kroner – ikke 30 … ≥ 5 % × § 7, é, €, •, —, ‘ja’.",
    "emoji": "The heron 🦩 says ☃ to 👩‍⚕️ and to 企業, H₂O and m².",
    "right_to_left": "The words مرحبا بالعالم and שלום stand here.",
    "hidden": "A soft\u00adhyphen, a zero\u200bwidth space, a bell \x07 and an order \u202eturned\u202c round.",
    "spaces": "NBSP\u00a0here, thin\u2009space, non\u2011breaking, and   three spaces.",
    "lines": "One line\nand the next\r\nand a third",
    "wide": "x" * 400 + " " + "https://example.org/" + "long/" * 60,
    "long": " ".join(f"Sentence {number} of a very long quote costs {number * 7} dollars." for number in range(400)),
    "placeholder": "It is written as [U+2603] in this manual.",
    "heading": "# Not a heading\n===\n---\n> no quote",
}  # fmt: skip


def make_document(*passages: str, document_id: str = "programme/fees.pdf", pages: int = 2) -> Document:
    """Return a document of these passages, the first on page ii, the others on page 7."""
    metadata = Metadata(
        publisher="The Harbour Office", published="2024-03", checked="2026-10-05", valid_until="2026-06",
        status="draft", url="https://publisher.example/fees?a=1&b=2",
    )  # fmt: skip
    text = "Fees\n\n" + "\n\n".join(passages)
    second = text.index(passages[1]) if len(passages) > 1 else len(text)
    return Document(
        document_id, "Fees of the harbour", text, (Section(0, len(text), "Fees of the harbour", "en"),),
        version_of(text.encode(), metadata, text), metadata, (0, second)[:pages], ("ii", "7")[:pages],
    )  # fmt: skip


def cite(document: Document, number: int, quote: str) -> Citation:
    """Return a quote of a document where it stands first."""
    start = document.text.index(quote)
    metadata = document.metadata
    return Citation(
        number, quote, document.id, document.version, document.sections[0].title, "en", document.page_at(start),
        document.page_label_at(start), document.heading_at(start), start, start + len(quote), metadata.url,
        metadata.publisher, metadata.published, metadata.checked, metadata.valid_until, metadata.status,
    )  # fmt: skip


def answered(document: Document, *quotes: str, question: str = "What does it cost?", **more: object) -> Answer:
    """Return an answer that says the quotes one after another, as the extractive answerer would."""
    citations = tuple(cite(document, number, quote) for number, quote in enumerate(quotes, start=1))
    text = "\n".join(f"So it is, says number {one.number}. [{one.number}]" for one in citations)
    return replace(Answer(text, "answered", "en", Query(question, question, "en"), citations=citations), **more)


def holding(*documents: Document) -> FindVersion:
    """Return a library that holds these documents, the last version of each being current."""

    def find(document_id: str, version: str | None) -> Document | None:
        versions = [document for document in documents if document.id == document_id]
        if version is None:
            return versions[-1] if versions else None
        return next((document for document in versions if document.version == version), None)

    return find


def paper(*answers: Answer, language: str = "en") -> Export:
    """Return an export of answers to their own questions."""
    exchanges = tuple((answer.query.text, answer) for answer in answers)
    return Export(exchanges, language, "2026-11-22", {"near.md": "A near document"})


def verdicts(found: Check) -> list[str]:
    """Return the verdicts by number."""
    return [quote.verdict for quote in found.quotes]


def replace_in_markdown(content: bytes, old: str, new: str) -> bytes:
    """Edit the visible text as in a text editor: every place."""
    head, proof = content.decode().rsplit("<!--", 1)
    assert old in head
    return (head.replace(old, new) + "<!--" + proof).encode()


def replace_in_word(content: bytes, old: str, new: str) -> bytes:
    """Edit the visible text as Word would, leaving every other part as it is."""
    source, target = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(target, "w") as written:
        for entry in source.infolist():
            part = source.read(entry)
            if entry.filename == "word/document.xml":
                assert old in part.decode()
                part = part.decode().replace(old, new).encode()
            written.writestr(entry, part)
    return target.getvalue()


def replace_in_pdf(content: bytes, old: str, new: str) -> bytes:
    """Edit the content streams of a PDF, whose typeface is coded as ASCII where it can be."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    seen = 0
    for page in writer.pages:
        stream = page.get_contents()
        seen += stream.get_data().count(old.encode())
        stream.set_data(stream.get_data().replace(old.encode(), new.encode()))
        page[pypdf.generic.NameObject("/Contents")] = writer._add_object(stream)
    assert seen
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


EDIT: dict[str, Callable[[bytes, str, str], bytes]] = {
    "md": replace_in_markdown,
    "docx": replace_in_word,
    "pdf": replace_in_pdf,
}


# ---- Round trip ----


@pytest.fixture(scope="module")
def nasty() -> Document:
    """A document of everything that a format would rather understand than show."""
    return make_document(*NASTY.values())


@pytest.fixture(scope="module")
def nasty_files(nasty: Document) -> dict[str, bytes]:
    """All nasty quotes in one paper, asked for by nasty questions, in every format."""
    hostile = [answered(nasty, quote, question=quote) for quote in NASTY.values()]
    return {ending: write(paper(*hostile), ending) for ending in FORMATS}


@EACH_FORMAT
def test_every_nasty_quote_comes_back_and_holds(ending, nasty, nasty_files):
    """What the library says, the file shows, whatever it is made of."""
    found = check(nasty_files[ending], f"answers.{ending}", holding(nasty))
    assert dict(zip(NASTY, verdicts(found), strict=True)) == dict.fromkeys(NASTY, "holds")
    assert found.holds
    assert found.changes == ()


@EACH_FORMAT
@pytest.mark.parametrize("name", NASTY)
def test_a_quote_is_recovered_word_for_word(ending, name, nasty_files):
    """From the proof exactly; from the visible words up to white space and signs that nobody sees."""
    visible, encoded = READ[ending](nasty_files[ending])
    number = list(NASTY).index(name) + 1
    assert decode_proof(encoded).quotes[number - 1].quote == NASTY[name]
    assert f'[{number}]"{fold(shown(NASTY[name])).characters}"' in fold(visible).characters


def test_markdown_means_nothing_that_a_text_says(nasty_files):
    """Another reader of Markdown sees our headings and links, and every text as text."""
    visible = re.sub(r"\A---\n.*?\n---\n", "", nasty_files["md"].decode(), flags=re.DOTALL).rsplit("<!--", 1)[0]
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(visible)
    inner = [token for block in tokens for token in (block, *(block.children or ()))]
    assert {token.attrGet("href") for token in inner if token.type == "link_open"} == {
        "https://publisher.example/fees?a=1&b=2"
    }
    assert not {token.type for token in inner} & {"image", "html_block", "html_inline", "table_open", "s_open", "fence"}
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1", *["h2", "h3"] * len(NASTY)]
    rendered = "".join(f" {token.content}" for token in inner if token.type in ("text", "code_inline", "softbreak"))
    for number, quote in enumerate(NASTY.values(), start=1):
        assert f'[{number}]"{fold(shown(quote)).characters}"' in fold(rendered).characters


def test_the_pdf_names_what_its_typeface_lacks(nasty_files):
    """A snowman stands as its number, Norwegian letters as themselves, and a note says what the numbers are."""
    visible, _ = exporting_pdf.read(nasty_files["pdf"])
    assert "[U+1F9A9]" in visible
    assert "Blåbærsyltetøy på Ærø" in visible
    assert WORDS["en"]["unicode"][:40] in visible
    plain, _ = exporting_pdf.read(write(paper(answered(make_document(FEE), FEE)), "pdf"))
    assert "U+" not in plain


@pytest.mark.parametrize("ending", ["md", "docx"])
def test_signs_that_turn_words_around_are_made_visible(ending, nasty_files):
    """An order to write from the right would let a reader see other words than the file holds."""
    visible, _ = READ[ending](nasty_files[ending])
    assert "[U+202E]turned[U+202C]" in visible
    assert "\u202e" not in visible


# ---- What stands in the paper ----


@pytest.mark.parametrize("language", ["en", "nb"])
@EACH_FORMAT
def test_a_source_says_whose_words_how_old_and_where(ending, language):
    """Publisher, title, page, document, version, dates, offsets, link and language stand under a quote."""
    document = make_document(FEE, "Other words.")
    visible, _ = READ[ending](write(paper(answered(document, FEE), language=language), ending))
    facts = {
        "en": ["published March 2024", "checked 5 October 2026", "page ii (page 1 of the file)", "in English"],
        "nb": ["utgitt mars 2024", "kontrollert 5. oktober 2026", "side ii (side 1 i filen)", "på engelsk"],
    }[language]
    flag = {"en": "Draft. Past its review date, June 2026.", "nb": "Draft. Fristen for ny kontroll er ute: juni 2026."}
    where = [document.id, document.version[:16], "6–50", "The Harbour Office", "Fees of the harbour"]
    exported = {"en": "Exported 22 November 2026. 1 question, 1 quote.", "nb": "Eksportert 22. november 2026."}
    link = "https://publisher.example/fees?a=1&b=2"
    for said in [*facts, *where, flag[language], exported[language], link]:
        assert fold(said).characters in fold(visible).characters


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"outcome": "abstained", "reason": "not_covered"}, "abstained", id="refused"),
        pytest.param({"outcome": "abstained", "reason": "off_topic"}, "abstained_off_topic", id="off-topic"),
        pytest.param({"outcome": "abstained", "reason": "false_premise"}, "abstained_false_premise", id="premise"),
        pytest.param({"outcome": "abstained", "reason": "model_failed"}, "abstained_model_failed", id="model"),
        pytest.param({"outcome": "partly"}, "partly", id="partly"),
        pytest.param({"outcome": "partly", "reason": "false_premise"}, "partly_false_premise", id="doubted"),
    ],
)
@pytest.mark.parametrize("language", ["en", "nb"])
def test_refused_and_partly_answered_questions_say_so(change, said, language):
    """A board must not take part of an answer for the whole."""
    export = paper(answered(make_document(FEE), FEE, **change), language=language)
    visible, _ = exporting_markdown.read(write(export, "md"))
    assert WORDS[language][said] in visible


def test_what_the_documents_do_not_hold_is_named():
    """The missing part stands in quotation marks of the paper's language."""
    export = paper(answered(make_document(FEE), FEE, outcome="partly", missing="the price in Japan"), language="nb")
    assert "Står ikke i dokumentene: «the price in Japan»." in write(export, "md").decode()


def test_a_refusal_names_the_nearest_documents():
    """By title, where the answer's own words do not."""
    refusal = Answer("No.", "abstained", "en", Query("Why?", "Why?", "en"), "not_covered", nearest=("near.md", "b.md"))
    assert "The nearest documents: A near document; b.md." in write(paper(refusal), "md").decode()


@pytest.mark.parametrize(
    ("left_out", "said"),
    [(0, "against the quotes.*"), (1, "One sentence was left out"), (3, "3 sentences were left out")],
)
def test_who_wrote_is_said(left_out, said):
    """A model's sentences are a model's, and those that nobody vouches for are counted."""
    written = write(paper(answered(make_document(FEE), FEE, model="openai:gpt", left_out=left_out)), "md").decode()
    assert "Written by openai:gpt and checked sentence by sentence against the quotes." in written
    assert said in written


def test_without_a_model_the_sentences_are_the_documents_own():
    """Said in one quiet line."""
    assert WORDS["en"]["own_words"] in write(paper(answered(make_document(FEE), FEE)), "md").decode()


def test_quotes_are_numbered_through_the_paper():
    """[3] means one quote, in whichever answer it stands; a number that is no marker stands in round brackets."""
    document = make_document(FEE, "Other words.", "More words.")
    first, second = answered(document, FEE, "Other words."), answered(document, "More words.")
    second = replace(second, text="See [7]. [1]")
    export = paper(first, second)
    written = write(export, "md").decode()
    assert "See (7). [3]" in written
    assert "**[3]** “More words.”" in written
    assert [quote.number for quote in exported_quotes(export)] == [1, 2, 3]


def test_a_follow_up_says_how_it_was_understood():
    """Alone in a paper, “And for two?” would mean nothing."""
    query = Query("And for two?", "What does it cost for two?", "en")
    export = paper(replace(answered(make_document(FEE), FEE), query=query))
    assert "*Understood as: What does it cost for two?*" in write(export, "md").decode()


def test_both_languages_have_the_same_words():
    """And none is empty."""
    assert WORDS["en"].keys() == WORDS["nb"].keys()
    assert all(text for words in WORDS.values() for text in words.values())


@pytest.mark.parametrize(
    ("value", "english", "norwegian"),
    [
        ("2026-11-02", "2 November 2026", "2. november 2026"),
        ("2026-03", "March 2026", "mars 2026"),
        ("2026", "2026", "2026"),
        ("2026-13", "2026-13", "2026-13"),
        ("spring 2021", "spring 2021", "spring 2021"),
    ],
)
def test_dates_are_written_as_people_write_them(value, english, norwegian):
    """Months by name; what is no date stays as it is."""
    assert written_date(value, "en") == english
    assert written_date(value, "nb") == norwegian


def test_nothing_to_export_is_refused():
    """An empty paper would look like a lost one."""
    with pytest.raises(UsageError, match="no answered question"):
        write(Export((), "en", "2026-11-22"), "md")


@pytest.mark.parametrize(("language", "locale"), [("en", "en-GB"), ("nb", "nb-NO")])
def test_a_pdf_is_a4_and_says_what_it_is(language, locale, nasty):
    """Title and language for readers' programs, an outline of the questions, page numbers, and an embedded typeface."""
    content = write(paper(answered(nasty, NASTY["long"]), answered(nasty, FEE), language=language), "pdf")
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert reader.metadata is not None
    assert reader.metadata.title == WORDS[language]["title"]
    assert reader.trailer["/Root"]["/Lang"] == locale
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]
    assert [entry.title for entry in reader.outline] == ["What does it cost?"] * 2
    pages = len(reader.pages)
    assert pages > 3
    for number, page in enumerate(reader.pages, start=1):
        assert WORDS[language]["page_of"].format(page=number, pages=pages) in page.extract_text()
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    used = [
        font for font in fonts if font["/BaseFont"] != "/Helvetica"
    ]  # the library's own default, which sets no word
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used)


@pytest.mark.parametrize(("language", "locale"), [("en", "en-GB"), ("nb", "nb-NO")])
def test_a_word_file_is_a4_and_says_what_it_is(language, locale):
    """Word's own heading styles, so that a company's template and the navigation pane work."""
    document = docx.Document(io.BytesIO(write(paper(answered(make_document(FEE), FEE), language=language), "docx")))
    properties = document.core_properties
    assert (properties.title, properties.language) == (WORDS[language]["title"], locale)
    assert properties.comments == ""
    page = document.sections[0]
    assert (round(page.page_width.cm, 1), round(page.page_height.cm, 1)) == (21, 29.7)
    styles = {paragraph.style.name: paragraph.text for paragraph in document.paragraphs}
    assert styles["Heading 1"] == "What does it cost?"
    assert styles["Heading 2"] == WORDS[language]["sources"]
    assert re.findall(r'w:instr="\s*(\w+)', document.sections[0].footer._element.xml) == ["PAGE", "NUMPAGES"]
    anchors = re.findall(r'w:anchor="(\w+)"', document.element.xml)
    assert anchors == re.findall(r'w:bookmarkStart [^>]*w:name="(\w+)"', document.element.xml) == ["quote_1"]


def test_a_markdown_file_names_title_language_and_date():
    """In front matter, which programs that turn Markdown into papers read."""
    head, _, _ = write(paper(answered(make_document(FEE), FEE), language="nb"), "md").decode().partition("\n\n")
    assert head.splitlines() == [
        "---",
        'title: "Svar fra USA next!-assistenten"',
        'author: "USA next! assistant"',
        "lang: nb",
        "date: 2026-11-22",
        "---",
    ]


# ---- Who changes a word is found out ----


@EACH_FORMAT
@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        pytest.param("4,711", "4,911", "words_changed", id="a digit of the quote"),
        pytest.param("per company", "per founder", "words_changed", id="a word of the quote"),
        pytest.param("ii", "iv", "place_changed", id="the page"),
        pytest.param("programme/fees", "programme/feet", "place_changed", id="the document"),
        pytest.param("2024", "2025", "place_changed", id="the date"),
        pytest.param("publisher.example", "pubIisher.example", "place_changed", id="the link"),
    ],
)
def test_a_changed_quote_or_place_is_found_out(ending, old, new, verdict):
    """One character is enough; the other quote still holds."""
    document = make_document(FEE, "Other words.")
    export = paper(answered(document, FEE))
    other = paper(*(answer for _, answer in export.exchanges), answered(document, "Other words.", question="Else?"))
    content = EDIT[ending](write(other, ending), old, new)
    found = check(content, f"x.{ending}", holding(document))
    assert verdicts(found)[0] == verdict
    assert not found.holds
    assert found.changes == ()
    if verdict == "words_changed":
        assert verdicts(found)[1] == "holds"
        assert found.quotes[0].found is not None
        assert new in found.quotes[0].found


@EACH_FORMAT
def test_a_changed_version_is_found_out(ending):
    """The digits of the version are visible words too."""
    document = make_document(FEE, "Other words.")
    content = EDIT[ending](write(paper(answered(document, FEE)), ending), document.version[:16], "0" * 16)
    assert verdicts(check(content, f"x.{ending}", holding(document))) == ["place_changed"]


@EACH_FORMAT
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param("So it is", "So is it", "the answer’s words were changed", id="answer"),
        pytest.param("What does it cost", "What did it cost", "the question’s words were changed", id="question"),
        pytest.param("Partly answered", "Well answered", "the answer’s words were changed", id="notice"),
        pytest.param("Written by test:m", "Written by test:x", "the answer’s words were changed", id="who wrote"),
    ],
)
def test_a_changed_question_or_answer_is_said(ending, old, new, said):
    """The quotes hold, and the file does not."""
    document = make_document(FEE, "Other words.")
    export = paper(answered(document, FEE, outcome="partly", model="test:m"))
    found = check(EDIT[ending](write(export, ending), old, new), f"x.{ending}", holding(document))
    assert verdicts(found) == ["holds"]
    assert len(found.changes) == 1
    assert said in found.changes[0]
    assert not found.holds


@pytest.mark.parametrize("ending", ["md", "docx"])
def test_a_space_that_splits_a_number_is_found_out(ending):
    """4,711 read as 4,7 11 is another number."""
    document = make_document(FEE, "Other words.")
    content = EDIT[ending](write(paper(answered(document, FEE)), ending), "4,711", "4,7 11")
    assert verdicts(check(content, f"x.{ending}", holding(document))) == ["words_changed"]


def insert_in_markdown(content: bytes, before: str, words: str) -> bytes:
    """Put a paragraph in before another."""
    return replace_in_markdown(content, before, f"{words}\n\n{before}")


def insert_in_word(content: bytes, before: str, words: str) -> bytes:
    """Put a paragraph in before another, as python-docx does."""
    document = docx.Document(io.BytesIO(content))
    next(one for one in document.paragraphs if one.text.startswith(before.lstrip("#* "))).insert_paragraph_before(words)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


INSERT = {"md": insert_in_markdown, "docx": insert_in_word}


@pytest.mark.parametrize("ending", INSERT)
def test_words_put_into_an_answer_are_found_out(ending):
    """A sentence more is an answer that was never given."""
    document = make_document(FEE, "Other words.")
    content = INSERT[ending](write(paper(answered(document, FEE)), ending), "### Sources", "And it is free. [1]")
    found = check(content, f"x.{ending}", holding(document))
    assert verdicts(found) == ["holds"]
    assert ["answer’s words" in change for change in found.changes] == [True]


@pytest.mark.parametrize("ending", INSERT)
def test_a_quote_without_proof_is_found_out(ending):
    """A quote that nobody exported has no place to compare it with."""
    document = make_document(FEE, "Other words.")
    before = "*Each number" if ending == "md" else "Each number"
    content = INSERT[ending](write(paper(answered(document, FEE)), ending), before, "[2] “It is free for all.”")
    found = check(content, f"x.{ending}", holding(document))
    assert verdicts(found) == ["holds", "without_proof"]
    assert found.quotes[1].number == 2
    assert not found.holds


@pytest.mark.parametrize("ending", INSERT)
def test_a_board_may_write_around_the_answers(ending):
    """A paragraph between two questions, or after the last, changes nothing that was exported."""
    document = make_document(FEE, "Other words.")
    export = paper(answered(document, FEE), answered(document, "Other words.", question="Anything else?"))
    content = INSERT[ending](write(export, ending), "## Anything else?", "The board notes this.")
    assert check(content, f"x.{ending}", holding(document)).holds


def remove_from_markdown(content: bytes, start: str, end: str) -> bytes:
    """Cut from one place to another."""
    text = content.decode()
    return (text[: text.index(start)] + text[text.index(end) :]).encode()


def test_a_question_may_be_left_out_whole():
    """The rest stands as it did, and the check says what is missing."""
    document = make_document(FEE, "Other words.")
    export = paper(answered(document, FEE), answered(document, "Other words.", question="Anything else?"))
    content = remove_from_markdown(write(export, "md"), "## What does it cost?", "## Anything else?")
    found = check(content, "x.md", holding(document))
    assert [(quote.number, quote.verdict) for quote in found.quotes] == [(2, "holds")]
    assert found.remarks == ("Question 1 was taken out of the file with its answer.",)
    assert found.holds


def test_a_quote_taken_from_under_its_answer_is_found_out():
    """The answer would rest on nothing."""
    document = make_document(FEE, "Other words.")
    content = remove_from_markdown(
        write(paper(answered(document, FEE, "Other words.")), "md"), "**[2]**", "*Each number"
    )
    found = check(content, "x.md", holding(document))
    assert verdicts(found) == ["holds", "taken_out"]
    assert not found.holds


@pytest.mark.parametrize(
    "saved_by",
    [
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("“", '"').replace("”", '"').replace("–", "-"), id="straight quotes"),
        pytest.param(lambda text: re.sub(r"(?m)^(.{60}\S*) ", r"\1\n", text), id="wrapped lines"),
        pytest.param(lambda text: text.replace("**[1]**", "__[1]__"), id="another emphasis"),
    ],
)
def test_what_an_editor_does_by_itself_is_no_change(saved_by):
    """Line ends, quotation marks and dashes are no words."""
    document = make_document(FEE, "Other words.")
    text = write(paper(answered(document, FEE)), "md").decode()
    head, proof = text.rsplit("<!--", 1)
    content = f"{saved_by(head)}<!--{proof}".encode()
    assert check(content, "x.md", holding(document)).holds


def test_word_files_are_read_as_word_shows_them():
    """Struck-out words are gone, words put in count, and hidden ones do not, also while changes are tracked."""
    document = make_document(FEE, "Other words.")
    content = write(paper(answered(document, FEE)), "docx")
    run = "4,711"
    tracked = (
        'The walrus fee is </w:t></w:r><w:del w:id="9" w:author="x"><w:r><w:delText>4,711</w:delText></w:r></w:del>'
        '<w:ins w:id="8" w:author="x"><w:r><w:t>4,911</w:t></w:r></w:ins><w:r><w:t xml:space="preserve">'
    )
    found = check(replace_in_word(content, f"The walrus fee is {run}", tracked), "x.docx", holding(document))
    assert verdicts(found) == ["words_changed"]
    assert found.quotes[0].found is not None
    assert "4,911 dollars" in found.quotes[0].found
    hidden = 'The walrus</w:t></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t>42</w:t></w:r><w:r><w:t xml:space="preserve">'
    assert check(replace_in_word(content, "The walrus", hidden), "x.docx", holding(document)).holds


# ---- The library has the last word ----

OTHER = make_document(FEE, "Other words.", "And more.")
WITHOUT_FEE = make_document(FEE.replace("4,711", "5,000"), "Other words.")


@pytest.mark.parametrize(
    ("library", "verdict"),
    [
        pytest.param(lambda document: [document], "holds", id="as it was"),
        pytest.param(lambda document: [document, OTHER], "moved_on", id="a newer version says so too"),
        pytest.param(lambda document: [document, WITHOUT_FEE], "no_longer", id="a newer version says otherwise"),
        pytest.param(lambda document: [OTHER], "not_in_library", id="another library"),
        pytest.param(lambda document: [], "not_in_library", id="an empty library"),
        pytest.param(
            lambda document: [replace(WITHOUT_FEE, version=document.version)], "not_in_source", id="words not there"
        ),
        pytest.param(lambda document: [replace(document, pages=(0, 3))], "other_place", id="another page"),
    ],
)
def test_a_quote_is_compared_with_the_documents(library: Callable[[Document], Sequence[Document]], verdict):
    """Then and now."""
    document = make_document(FEE, "Other words.")
    found = check(write(paper(answered(document, FEE)), "md"), "x.md", holding(*library(document)))
    assert verdicts(found) == [verdict]
    assert found.holds is (verdict in ("holds", "moved_on"))
    assert found.to_dict()["quotes"][0]["sentence"] == found.quotes[0].sentence


def test_a_withdrawn_document_is_named():
    """Its old version is kept, and answers no more."""
    document = make_document(FEE, "Other words.")

    def find(document_id: str, version: str | None) -> Document | None:
        return document if version else None

    assert verdicts(check(write(paper(answered(document, FEE)), "md"), "x.md", find)) == ["withdrawn"]


def test_who_rewrites_the_proof_as_well_meets_the_library():
    """The proof is no signature: such a file agrees with itself, and not with the documents."""
    document = make_document(FEE, "Other words.")
    forged = replace(cite(document, 1, FEE), quote=FEE.replace("4,711", "4,911"))
    export = paper(replace(answered(document, FEE), citations=(forged,)))
    assert verdicts(check(write(export, "pdf"), "x.pdf", holding(document))) == ["not_in_source"]


def test_a_proof_that_shows_other_words_than_it_proves_is_found_out():
    """The words that are compared with the library are those that people see."""
    document = make_document(FEE, "Other words.")
    honest = write(paper(answered(document, FEE)), "md").decode()
    lying = replace(answered(document, FEE), citations=(replace(cite(document, 1, FEE), quote=FEE[:-1] + "!"),))
    visible, _ = write(paper(lying), "md").decode().rsplit("<!--", 1)
    _, proof = honest.rsplit("<!--", 1)
    assert verdicts(check(f"{visible}<!--{proof}".encode(), "x.md", holding(document))) == ["words_changed"]


# ---- Files that are not ours ----


def _pdf_of_somebody() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(72, 700, "A board paper of somebody else")
    canvas.save()
    return buffer.getvalue()


def _word_of_somebody() -> bytes:
    buffer = io.BytesIO()
    docx.Document().save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param("notes.txt", b"words", r"only exports as \.md, \.docx or \.pdf", id="another format"),
        pytest.param("notes", b"words", r"only exports as \.md, \.docx or \.pdf", id="no ending"),
        pytest.param("notes.md", b"# Notes\n", "notes.md cannot be checked: it holds no proof", id="other Markdown"),
        pytest.param("notes.docx", _word_of_somebody(), "it holds no proof", id="another Word file"),
        pytest.param("notes.pdf", _pdf_of_somebody(), "it holds no proof", id="another PDF"),
        pytest.param("notes.docx", b"PK no zip", "not a Word file, or is damaged", id="no Word file"),
        pytest.param("notes.pdf", b"%PDF- no", "not a PDF, is damaged", id="no PDF"),
        pytest.param("x.md", f"<!-- {PROOF_NAME} AAAA -->".encode(), "its proof is damaged", id="damaged proof"),
        pytest.param("x.md", f"<!-- {PROOF_NAME} A -->".encode(), "its proof is damaged", id="no base64"),
        pytest.param("x.MD", b"", "it holds no proof", id="empty"),
    ],
)
def test_a_file_that_is_no_export_gets_one_sentence(name, content, sentence):
    """What happened, to which file."""
    with pytest.raises(UsageError, match=sentence):
        check(content, name, holding())


def test_a_word_file_that_unpacks_without_end_is_refused():
    """A few kilobytes may claim to be gigabytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("word/document.xml", b"\0" * 101_000_000)
    with pytest.raises(UsageError, match="unpacks to more"):
        check(target.getvalue(), "x.docx", holding())


def test_a_long_conversation_is_checked_without_haste_or_delay():
    """Fifty questions that repeat each other: every block is found in its own place."""
    document = make_document(FEE, "Other words.", *(f"Passage {number}." for number in range(50)))
    export = paper(*(answered(document, FEE, "Other words.", f"Passage {number}.") for number in range(50)))
    found = check(write(export, "md"), "x.md", holding(document))
    assert found.holds
    assert len(found.quotes) == 150


def test_the_check_reads_pages_as_they_are_drawn():
    """The PDF's footer is no part of the words, wherever a quote is broken."""
    document = make_document(NASTY["long"])
    content = write(paper(answered(document, NASTY["long"])), "pdf")
    with pypdfium2.PdfDocument(content) as drawn:
        assert len(drawn) > 3
    assert check(content, "x.pdf", holding(document)).holds
