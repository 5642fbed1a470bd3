"""Answers and citations as HTML: nothing from outside is ever more than text."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from assistant.domain import Answer, Citation, Query, WritingModel
from assistant.web import rendering
from assistant.web.rendering import Exchange
from assistant.web.words import WORDS

TODAY = date(2026, 11, 22)
OUR_TAGS = set("a blockquote div h1 h2 h3 i li ol p small span strong ul".split())
OUR_ATTRIBUTES = {"class", "dir", "href", "lang", "rel", "role", "target"}


class Reader(HTMLParser):
    """What a browser would understand: the text, the cards that open over it, the tags, the attributes."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.peeks, self.tags, self.attributes = "", [], [], []
        self.depth = 0  # of spans inside a card
        self.feed(html)
        self.close()

    def handle_data(self, data):
        if self.depth:
            self.peeks[-1] += data
        else:
            self.text += data

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if ("class", "peek") in attributes:
            self.peeks.append("")
        if self.depth or ("class", "peek") in attributes:
            self.depth += 1

    def handle_endtag(self, tag):
        self.depth = max(self.depth - 1, 0)

    def links(self):
        return [value for tag, name, value in self.attributes if (tag, name) == ("a", "href")]

    def letters(self):
        """Return the e-mails that are written for the visitor: recipient, subject and body of each."""
        letters = [urlsplit(link) for link in self.links() if link.startswith("mailto:")]
        return [(unquote(one.path), parse_qs(one.query)) for one in letters]


def make_citation(**changes) -> Citation:
    """Return a citation without dates, page or heading."""
    plain = Citation(
        1, "The words.", "a/b.md", "f" * 64, "A title", "en", None, None, None, 10, 20, None, "A publisher"
    )
    return replace(plain, **changes)


def make_answer(text="It is so. [1]", citations=None, **changes) -> Answer:
    """Return an answer with one citation."""
    query = Query("Is it so?", "Is it so?", "en")
    citations = (make_citation(),) if citations is None else citations
    return replace(Answer(text, "answered", "en", query, citations=citations), **changes)


def read(answer: Answer, language="en", **exchange) -> Reader:
    """Read the conversation of one answer."""
    return Reader(rendering.conversation([Exchange("Is it so?", answer=answer, **exchange)], language, "a@b.example"))


def card(interface="en", titles=None, **changes) -> Reader:
    """Read the panel of one citation."""
    answer = make_answer(citations=(make_citation(**changes),))
    return Reader(rendering.sources(answer, titles or {}, interface, TODAY))


ODD = [
    "$5 and $$x^2$$ \\(x\\) \\[y\\]",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "&amp; &lt; &#36; & < > \" '",
    "*a* _b_ `c` ~~d~~ [e](https://evil.example) ![f](https://evil.example/x.png)",
    "|a|b|\n|-|-|\n\n# not a heading\n\n```js\nx\n```\n- - -",
    "æøåÆØÅ § 7 – «så» 日本 \u202e 😀",
    "C:\\path\\n ${value} {{value}} {0} %s",
    '" onmouseover="alert(1)',
    "</div></span></article>",
    "javascript:alert(1) https://evil.example/ www.evil.example a@evil.example",
]


@pytest.mark.parametrize("odd", ODD)
def test_escaped_text_reads_back_as_it_was(odd):
    """`escape` loses nothing, and leaves no character that HTML, Markdown or LaTeX could take for its own."""
    escaped = rendering.escape(odd)
    reader = Reader(escaped)
    assert reader.text == odd
    assert reader.tags == []
    assert not set(escaped) & set("<>\"'$*_`|\\[](){}\n\t~^:/.-!+=%@")


def test_what_no_browser_can_show_becomes_a_replacement_character():
    """A NUL, a control character or a lone surrogate neither vanishes nor breaks the page."""
    assert rendering.escape("a\x00b\x1bc\ud800") == "a\ufffdb\ufffdc\ufffd"


@pytest.mark.parametrize("odd", ODD)
def test_nothing_hostile_leaves_its_text(odd):
    """Whatever stands in a question, an answer or a citation, the page holds our tags and attributes only."""
    citation = make_citation(
        quote=odd, document=f"x/{odd}", title=odd, heading=odd, publisher=odd, published=odd, checked=odd,
        valid_until=odd, status=odd, page_label=odd, source_url=odd, dated=True, also_in=(odd,), version="0" * 64,
    )  # fmt: skip
    query = Query(odd, odd + "?", "en")
    answers = [
        make_answer(f"{odd} [1]", (citation,), query=query, missing=odd, nearest=(odd,)),
        make_answer(odd, (), query=query, outcome="abstained", nearest=(odd,)),
    ]
    answers += [
        make_answer(f"{odd} [1]{end}", (citation,), model=odd, complete=complete, left_out=left_out, reason=reason)
        for end, complete, left_out, reason in (
            ("", False, 0, None), (f"\n\n{odd}", True, 2, None), (f"\n\n{odd}\n\n{odd} [1]", True, 0, "model_failed"),
        )
    ]  # fmt: skip
    exchanges = [Exchange(odd, answer=answer, titles={odd: odd}) for answer in answers]
    exchanges += [Exchange(odd, failure=odd), Exchange(odd), Exchange(odd, stopped=True)]
    exchanges += [Exchange(odd, answer=answers[2], failure=odd), Exchange(odd, answer=answers[2], stopped=True)]
    page = rendering.conversation(exchanges, "en", odd) + rendering.sources(answers[0], {odd: odd}, "nb", TODAY)
    page += "".join(rendering.announcement(exchange, "en") for exchange in exchanges) + rendering.hint(odd)
    model = WritingModel(odd, odd, stays_here=False)
    page += rendering.welcome("en", ready=False, model=model) + rendering.confidence_hint("nb", model)
    reader = Reader(page)
    assert set(reader.tags) <= OUR_TAGS
    assert {name for _, name, _ in reader.attributes} <= OUR_ATTRIBUTES
    assert all(link.startswith(("source/", "mailto:?subject=")) for link in reader.links())
    assert "\n" not in page


@pytest.mark.parametrize("odd", ODD)
def test_question_and_quote_are_shown_as_written(odd):
    """No character of them is lost on the way to the page."""
    assert odd in Reader(rendering.conversation([Exchange(odd)], "en")).text
    assert odd in card(quote=odd).text


def test_a_marker_is_a_link_to_its_quote():
    """The number opens the viewer at the quote, in a new tab, and a card shows the quote on the spot."""
    citation = make_citation(quote='Say "$5" <now>.', page=3, checked="2026-11-22")
    reader = read(make_answer("It is so. [1]", (citation,)))
    assert reader.links() == [citation.link.removeprefix("/")]
    assert reader.peeks == ['Say "$5" <now>.A title · page 3 · checked 22 Nov 2026']
    assert ("span", "role", "tooltip") in reader.attributes
    assert ("a", "rel", "noopener noreferrer") in reader.attributes
    assert "It is so.Source 1: A title" in reader.text


def test_a_number_without_a_citation_stays_text():
    """`[7]` may be part of the answer's words."""
    reader = read(make_answer("See footnote [7] and [99999999]. [1]"))
    assert "See footnote [7] and [99999999]." in reader.text
    assert len(reader.links()) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"published": "2021-03-04", "checked": "2026-11-22"}, "(source 2021, checked 22 Nov 2026)", id="both"
        ),
        pytest.param({"published": "2021"}, "(source 2021)", id="never checked"),
        pytest.param({"checked": "2026-11"}, "(date not stated, checked Nov 2026)", id="only checked"),
        pytest.param({}, "(date not stated)", id="neither"),
    ],
)
def test_an_amount_shows_how_old_its_source_is(changes, expected):
    """A dated quote has its source's dates right behind its marker; another has none."""
    assert expected in read(make_answer(citations=(make_citation(dated=True, **changes),))).text
    assert expected not in read(make_answer(citations=(make_citation(**changes),))).text


def test_neighbouring_markers_share_one_date():
    """The same dates are not said twice in a row."""
    citations = tuple(make_citation(number=number, dated=True, published="2021") for number in (1, 2))
    assert read(make_answer("So. [1][2]", citations)).text.count("(source 2021)") == 1


def test_the_same_dates_are_told_once_in_an_answer():
    """At the first quote of that age; another age is told where it stands."""
    citations = tuple(
        make_citation(number=number, dated=True, published=published)
        for number, published in ((1, "2021"), (2, "2021"), (3, "2024"))
    )
    text = read(make_answer("One. [1]\nTwo. [2]\nThree. [3]\nOne again. [1]", citations)).text
    assert text.count("(source 2021)") == 2
    assert text.index("(source 2021)") < text.index("Two.")
    assert text.index("Three.") < text.index("(source 2024)") < text.index("One again.")


def test_item_lines_become_a_list():
    """Lines keep their order; those that begin with a dash stand in a list."""
    reader = read(make_answer("You need:\n- a plan [1]\n- 5-10 people\nThen go. 3 - 2 = 1", (make_citation(),)))
    assert reader.tags.count("li") == 2
    assert reader.tags.count("ul") == 1
    assert "Then go. 3 - 2 = 1" in reader.text


def test_cells_of_a_table_row_are_parted_by_bars():
    """A tab cannot be seen; a bar can."""
    assert "Boston | NOK 18,500" in card(quote="Boston\tNOK 18,500").text


def test_a_follow_up_says_how_it_was_understood():
    """What the assistant filled in is shown, so that a wrong guess can be seen."""
    query = Query("And the price?", "What is the price of USA next!?", "en")
    assert "Understood as: What is the price of USA next!?" in read(make_answer(query=query)).text
    assert "Understood as" not in read(make_answer()).text


QUOTED = "HIPAA does not forbid it. [1]"
OWN_ENDINGS = [
    pytest.param("en", {"missing": "how long does the NMPA take"}, "The documents do not answer this part.",
                 "Not in the documents“how long does the NMPA take”", id="a part is missing"),
    pytest.param("nb", {"missing": "hva tar PMDA"}, "Dokumentene svarer ikke på denne delen.",
                 "Står ikke i dokumentene«hva tar PMDA»", id="en del mangler"),
    pytest.param("en", {"reason": "false_premise"}, "The documents may not confirm all of it.",
                 "The documents may not confirm all that the question takes for granted", id="a premise is doubted"),
    pytest.param("nb", {"reason": "false_premise"}, "Dokumentene bekrefter kanskje ikke alt.",
                 "Dokumentene bekrefter kanskje ikke alt spørsmålet tar for gitt", id="noe tas for gitt"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "changes", "own", "notice"), OWN_ENDINGS)
def test_what_is_left_open_stands_in_a_notice_and_only_there(language, changes, own, notice):
    """The sentence of our own at the end of the text is not shown a second time under the quotes."""
    reader = read(make_answer(f"{QUOTED}\n\n{own}", outcome="partly", **changes), language)
    assert notice in reader.text
    assert reader.text.count(own) == notice.count(own)
    assert "HIPAA does not forbid it." in reader.text
    assert ("a", "href", make_citation().link.removeprefix("/")) in reader.attributes


def test_a_doubt_stands_before_the_quotes_and_what_is_missing_after_them():
    """A reader meets each where it is needed."""
    doubted = read(make_answer(QUOTED, outcome="partly", reason="false_premise")).text
    assert doubted.index("may not confirm") < doubted.index("HIPAA")
    partly = read(make_answer(QUOTED, outcome="partly", missing="the price")).text
    assert partly.index("HIPAA") < partly.index("Not in the documents")


def test_half_an_answer_leads_to_the_rest():
    """What is missing comes with the nearest documents, where there are any, and a person."""
    reader = read(make_answer(outcome="partly", missing="the price", nearest=("a.md",)), titles={"a.md": "Prices"})
    assert reader.links()[-2] == "source/a.md"
    [(recipient, letter)] = reader.letters()
    assert recipient == "a@b.example"
    assert "only a part" in letter["body"][0]


def test_a_text_without_words_of_our_own_is_shown_whole():
    """Another assistant may end half an answer with a quote, or put an answer into paragraphs."""
    assert "It is so." in read(make_answer(outcome="partly", missing="the price")).text
    text = read(make_answer("First. [1]\n\nBetween.\n\nLast. [1]", outcome="partly", missing="the price")).text
    assert all(part in text for part in ("First.", "Between.", "Last."))
    assert "After." in read(make_answer("First. [1]\n\nAfter.")).text


@pytest.mark.parametrize(
    ("language", "title", "says"),
    [
        ("en", "The documents do not confirm what the question takes for granted", "This is what they say:"),
        ("nb", "Dokumentene bekrefter ikke det spørsmålet tar for gitt", "Dette er hva de sier:"),
    ],
)
def test_a_refused_premise_shows_what_the_documents_say_against_it(language, title, says):
    """Its quotes look like those of an answer, with markers and cards; each sentence stands there once."""
    text = f"{title}. {says}\n\n{QUOTED}\n\nAsk somebody."
    answer = make_answer(text, outcome="abstained", reason="false_premise", nearest=("a.md",))
    reader = read(answer, language)
    assert [reader.text.count(once) for once in (title, says, "HIPAA does not forbid it.")] == [1, 1, 1]
    assert "Ask somebody" not in reader.text
    assert reader.links()[0] == make_citation().link.removeprefix("/")
    assert "The words. (A title)" in reader.letters()[0][1]["body"][0]
    assert ("div", "class", "answer") in reader.attributes
    assert "The words." in Reader(rendering.sources(answer, {}, language, TODAY)).text


def test_a_refusal_shows_the_nearest_documents_and_a_person():
    """Refused answers look different and lead on."""
    answer = make_answer("Nothing.", (), outcome="abstained", reason="off_topic", nearest=("ø å/b#1.md",))
    reader = read(answer, titles={"ø å/b#1.md": "Nearest <one>"})
    assert "This lies outside what the assistant knows about" in reader.text
    assert "Nearest <one>" in reader.text
    assert reader.links()[0] == "source/%C3%B8%20%C3%A5/b%231.md"
    [(recipient, letter)] = reader.letters()
    assert recipient == "a@b.example"
    assert letter["subject"] == ["Question for USA next!: Is it so?"]
    assert "Nearest <one>" in letter["body"][0]
    assert any(value and "refused" in value for _, _, value in reader.attributes)


@pytest.mark.parametrize("reason", ["off_topic", "not_covered"])
def test_a_refusal_says_everything_once(reason):
    """The page names reason, missing words, nearest documents and person itself, so the text is not shown as well."""
    said = "No answer. I found nothing on: Texas. The nearest documents are: Prices. Ask a@b.example"
    answer = make_answer(said, (), outcome="abstained", reason=reason, missing="Texas", nearest=("a.md",))
    text = read(answer, titles={"a.md": "Prices"}).text
    assert [text.count(once) for once in ("Texas", "Prices", "a@b.example")] == [1, 1, 1]


def test_a_refusal_for_another_reason_speaks_for_itself():
    """How long a question may be stands in the answer's text alone."""
    answer = make_answer("At most 2000 characters.", (), outcome="abstained", reason="bad_question")
    assert "At most 2000 characters." in read(answer).text


@pytest.mark.parametrize("reason", ["off_topic", "not_covered", "false_premise", "empty_corpus", "bad_question",
                                    "model_failed", None])  # fmt: skip
@pytest.mark.parametrize("language", ["en", "nb"])
def test_every_reason_has_words(reason, language):
    """No reason of the domain is without a title."""
    answer = make_answer("", (), outcome="abstained", reason=reason)
    assert "notice-title" in rendering.conversation([Exchange("?", answer=answer)], language)


@pytest.mark.parametrize(
    ("contact", "links", "recipient"),
    [
        pytest.param("https://programme.example/contact", ["https://programme.example/contact"], "", id="page"),
        pytest.param("us@programme.example", [], "us@programme.example", id="e-mail"),
        pytest.param("your cluster", [], "", id="words"),
        pytest.param("javascript:alert(1)", [], "", id="script"),
        pytest.param(None, [], "", id="nobody"),
    ],
)
def test_a_person_is_named_and_an_e_mail_is_begun(contact, links, recipient):
    """Only web addresses become links; the e-mail goes to an address, or to whom the founder chooses."""
    answer = make_answer("No.", (), outcome="abstained")
    reader = Reader(rendering.conversation([Exchange("What is it?", answer=answer)], "en", contact))
    assert [link for link in reader.links() if not link.startswith("mailto:")] == links
    [(to, letter)] = reader.letters()
    assert to == recipient
    assert "What is it?" in letter["body"][0]
    assert (contact or "Trine Radmann") in reader.text


def test_the_place_in_line_is_told_until_the_turn_comes():
    """Whoever waits sees how long the line is."""
    assert "Number 3 in line" in Reader(rendering.conversation([Exchange("?", place=3)], "en")).text
    assert "Leter i dokumentene" in Reader(rendering.conversation([Exchange("?")], "nb")).text


def test_what_stands_below_an_exchange_belongs_to_it():
    """As many as there are exchanges, in their order."""
    page = rendering.conversation([Exchange("First?"), Exchange("Second?")], "en", None, ["<p>one</p>", "<p>two</p>"])
    places = [page.index(escaped) for escaped in map(rendering.escape, ("First?", "Second?"))]
    assert places[0] < page.index("<p>one</p>") < places[1] < page.index("<p>two</p>")


def test_a_card_says_whose_words_and_how_old():
    """Everything a reader needs to weigh a quote stands on its card."""
    text = card(
        published="2021", checked="2026-11-22", valid_until="2026-06", status="draft, not reviewed by the programme",
        page=3, page_label="iii", language="nb", also_in=("x.md",), titles={"x.md": "The other"},
    ).text  # fmt: skip
    for words in ("A publisher", "published 2021", "checked 22 Nov 2026", "past its review date (Jun 2026)",
                  "draft, not reviewed by the programme", "page iii", "quoted in Norwegian (bokmål)", "The words.",
                  "also in The other"):  # fmt: skip
        assert words in text


def test_quotes_from_one_source_share_its_card():
    """Title, publisher and dates stand there once, each quote with its number, its place and its link."""
    cited = tuple(
        make_citation(number=number, quote=f"Words {number}.", title=title, page=number, start=number)
        for number, title in ((1, "A title"), (2, "Another"), (3, "A title"))
    )
    reader = Reader(rendering.sources(make_answer(citations=cited), {}, "en", TODAY))
    assert reader.text.count("A title") == 1
    places = [reader.text.index(part) for part in ("A title", "Words 1.", "page 1", "Words 3.", "Another", "Words 2.")]
    assert places == sorted(places)
    assert reader.attributes.count(("li", "class", "card")) == 2
    assert reader.attributes.count(("a", "class", "open")) == 3


def test_a_card_in_norwegian():
    """The panel speaks the visitor's language, whatever the quote's."""
    text = card("nb", published="2021-05", checked="2026-11-22", heading="Costs").text
    assert "utgitt mai 2021" in text
    assert "kontrollert 22. nov. 2026" in text
    assert "under «Costs»" in text
    assert "sitert på engelsk" in text


def test_only_web_addresses_lead_to_the_publisher():
    """A `javascript:` address in a document's metadata is no link."""
    assert "https://p.example/x" in card(source_url="https://p.example/x").links()
    assert len(card(source_url="javascript:alert(1)").links()) == 1


@pytest.mark.parametrize(
    ("valid_until", "past"),
    [
        ("2026", False), ("2025", True), ("2026-11", False), ("2026-10", True), ("2026-11-22", False),
        ("2026-11-21", True), ("spring 2020", False), ("", False),
    ],
)  # fmt: skip
def test_a_review_date_has_passed_when_all_of_it_has(valid_until, past):
    """`2026` lasts until the year is over."""
    assert rendering.is_past(valid_until, TODAY) is past


@pytest.mark.parametrize(
    ("value", "english", "norwegian"),
    [
        ("2026-11-02", "2 Nov 2026", "2. nov. 2026"), ("2026-05", "May 2026", "mai 2026"), ("2021", "2021", "2021"),
        ("spring 2021", "spring 2021", "spring 2021"), ("2021-13", "2021-13", "2021-13"),
    ],
)  # fmt: skip
def test_dates_are_no_more_exact_than_their_source(value, english, norwegian):
    """A date of any precision is written as people write it; other words stay."""
    assert rendering.format_date(value, "en") == english
    assert rendering.format_date(value, "nb") == norwegian


def test_the_panel_is_calm_without_sources():
    """Before the first question, and after an answer without citations, one sentence stands there."""
    assert "stand here" in Reader(rendering.sources(None, {}, "en", TODAY)).text
    assert "No source was used" in Reader(rendering.sources(make_answer(citations=()), {}, "en", TODAY)).text


def test_a_failure_is_one_sentence_in_the_visitors_language():
    """An unforeseen error says nothing about itself; a foreseen one speaks."""
    unforeseen = rendering.conversation([Exchange("?", failed=True)], "nb")
    assert "Noe gikk galt hos oss" in Reader(unforeseen).text
    assert "Run it again." in Reader(rendering.conversation([Exchange("?", failure="Run it again.")], "nb")).text


WRITTEN = "A place costs money. [1]"
LEFT_OUT = "2 sentences of the language model were left out: no quote carries them."
TOO_SLOW = "The language model took too long. From the sources:"
QUOTES = "The words. [1]"


def written(text=WRITTEN, **changes) -> Answer:
    """Return an answer that a model wrote."""
    return make_answer(text, model="scripted:model", **changes)


@pytest.mark.parametrize(
    ("language", "by", "left_out", "one"),
    [
        ("en", "Written by scripted:model and checked sentence by sentence against the quotes.",
         "2 sentences were left out because no quote carries them.",
         "One sentence was left out because no quote carries it."),
        ("nb", "Skrevet av scripted:model og kontrollert setning for setning mot sitatene.",
         "2 setninger er utelatt fordi ingen av sitatene dekker dem.",
         "Én setning er utelatt fordi ingen av sitatene dekker den."),
    ],
)  # fmt: skip
def test_an_answer_says_which_model_wrote_it_and_what_is_not_shown(language, by, left_out, one):
    """In the visitor's language, under the sentences; what the text says of it is not said twice."""
    assert read(written(), language).text.endswith(by)
    text = read(written(f"{WRITTEN}\n\n{LEFT_OUT}", left_out=2), language).text
    assert text.endswith(f"{by} {left_out}")
    assert LEFT_OUT not in text
    assert read(written(left_out=1), language).text.endswith(f"{by} {one}")


@pytest.mark.parametrize("language", ["en", "nb"])
@pytest.mark.parametrize("answer", [make_answer(), make_answer("No.", (), outcome="abstained", model="scripted:model")])
def test_only_a_models_sentences_are_called_so(answer, language):
    """Quotes are the documents' own, and a refusal is the assistant's."""
    assert "scripted:model" not in read(answer, language).text


@pytest.mark.parametrize("language", ["en", "nb"])
def test_an_answer_in_writing_says_so_quietly(language):
    """Nothing is said yet of who wrote it or of what is left out; a stopped one says both, and that it was stopped."""
    words = WORDS[language]
    begun = written(complete=False, left_out=1)
    text = read(begun, language).text
    assert text.endswith(words["writing"])
    assert "scripted:model" not in text
    stopped = read(begun, language, stopped=True).text
    assert stopped.endswith(f"{words['left_out_one']}{words['stopped']}")
    assert words["writing"] not in stopped
    nothing = Reader(rendering.conversation([Exchange("?", stopped=True)], language))
    assert nothing.text.endswith(words["stopped_empty"])


@pytest.mark.parametrize(("language", "title"), [("en", "Straight from the documents"), ("nb", "Rett fra dokumentene")])
def test_where_the_model_gave_no_more_the_quotes_follow_under_a_calm_notice(language, title):
    """The sentences, who wrote them, why quotes follow, the quotes: in this order, each once, and no error."""
    answer = written(f"{WRITTEN}\n\n{TOO_SLOW}\n\n{QUOTES}", reason="model_failed", left_out=1)
    reader = read(answer, language)
    parts = ["A place costs money.", "scripted:model", WORDS[language]["left_out_one"], title, TOO_SLOW, "The words."]
    places = [reader.text.index(part) for part in parts]
    assert places == sorted(places)
    assert [reader.text.count(part) for part in parts] == [1] * len(parts)
    assert ("div", "class", "notice aside") in reader.attributes
    assert ("div", "class", "notice failure") not in reader.attributes


def test_quotes_alone_are_not_called_a_models_words():
    """The model was not reached, so it wrote nothing."""
    text = read(written(f"{TOO_SLOW}\n\n{QUOTES}", reason="model_failed")).text
    assert TOO_SLOW in text
    assert "scripted:model" not in text


def test_more_left_out_than_shown_is_said_by_the_notice_alone():
    """The answer's own words say how many, and that quotes follow."""
    text = read(written(f"{WRITTEN}\n\n{LEFT_OUT} From the sources:\n\n{QUOTES}", left_out=2)).text
    assert text.count("left out") == 1
    assert "The words." in text


@pytest.mark.parametrize("language", ["en", "nb"])
def test_part_of_an_answer_says_once_what_is_left_out_and_missing(language):
    """The paragraphs at the end are the page's to say."""
    text = f"{WRITTEN}\n\n{LEFT_OUT}\n\nThe documents do not answer this part: the price."
    reader = read(written(text, outcome="partly", missing="the price", left_out=2), language)
    assert reader.text.count(WORDS[language]["left_out"].format(count=2)) == 1
    assert reader.text.count("the price") == 1
    assert LEFT_OUT not in reader.text


@pytest.mark.parametrize("language", ["en", "nb"])
def test_a_model_that_found_only_part_of_an_answer_leads_to_a_person(language):
    """No part is named as missing, and still the reader is told."""
    text = f"{WRITTEN}\n\nThe documents may not answer all of the question."
    reader = read(written(text, outcome="partly"), language)
    assert reader.text.count(WORDS[language]["may_be_more"]) == 1
    assert reader.text.count("may not answer all") == (language == "en")
    assert [recipient for recipient, _ in reader.letters()] == ["a@b.example"]


def test_a_model_with_no_more_to_quote_still_says_why_it_ended():
    """Its own paragraph stands at the end, and no quotes follow."""
    assert TOO_SLOW in read(written(f"{WRITTEN}\n\n{TOO_SLOW}", reason="model_failed")).text


def test_a_failure_stands_under_what_was_shown():
    """Sentences that a visitor has read are not taken away."""
    reader = read(written(complete=False), failure="The library was closed.")
    assert reader.text.index("A place costs money.") < reader.text.index("The library was closed.")


@pytest.mark.parametrize(
    ("language", "stays_here", "line"),
    [
        ("en", False, "Answers are written by scripted:model. Your questions and passages of the documents leave this "
                      "machine and go to models.example."),
        ("nb", False, "Svarene skrives av scripted:model. Spørsmålene dine og utdrag av dokumentene forlater denne "
                      "maskinen og sendes til models.example."),
        ("en", True, "Answers are written by scripted:model, which runs on this machine."),
        ("nb", True, "Svarene skrives av scripted:model, som kjører på denne maskinen."),
    ],
)  # fmt: skip
def test_the_page_says_where_questions_go_before_the_first(language, stays_here, line):
    """Above the box, and under it as long as it is so."""
    model = WritingModel("scripted:model", "models.example", stays_here)
    assert line in Reader(rendering.welcome(language, ready=True, model=model)).text
    assert "scripted" not in Reader(rendering.welcome(language, ready=True)).text
    hint = Reader(rendering.confidence_hint(language, model)).text
    assert ("models.example" in hint) is not stays_here
    assert Reader(rendering.confidence_hint(language, None)).text == WORDS[language]["hint_memory"]
    kept = Reader(rendering.confidence_hint(language, model, keeps_words=True)).text
    assert kept == f"{hint} {WORDS[language]['hint_kept']}"


def test_a_screen_reader_hears_the_answer_once_and_whole():
    """That it is being written is the same sentence for every growth; a stopped one is said to be stopped."""
    growths = [Exchange("?", answer=written(f"{'So. ' * times}[1]", complete=False)) for times in (1, 2)]
    assert {rendering.announcement(growth, "en") for growth in growths} == {"<p>Writing</p>"}
    assert "A place costs money." in Reader(rendering.announcement(Exchange("?", answer=written()), "en")).text
    stopped = Reader(rendering.announcement(replace(growths[0], stopped=True), "nb")).text
    assert stopped.endswith("Stoppet her. Resten ble ikke skrevet.")
