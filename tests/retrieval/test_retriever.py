"""What every retriever promises, and what the hybrid one adds, over real indexes in both languages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.build import Assistant
from assistant.domain import Chunk, Query
from assistant.index.sentence_vectors import SentenceVectors
from assistant.retrieval.conversation import make_query
from assistant.retrieval.retriever import HybridRetriever
from assistant.sentences import split_units
from assistant.tuning import load_tuning
from tests.retrieval.conftest import PAGES

QUESTIONS = [
    pytest.param("What is the walrus fee?", "en/mentors.md", id="fee"),
    pytest.param("Hva er hvalrossavgiften?", "nb/mentorer.md", id="avgift"),
    pytest.param("What does the programme Heron Exchange cover?", "en/mentors.md", id="a name, English"),
    pytest.param("Hva omfatter ordningen Heron Exchange?", "nb/mentorer.md", id="a name, Norwegian"),
    pytest.param("Who owns the lighthouse in Bodø?", "en/lighthouse.md", id="owner"),
    pytest.param("Hvem eier fyrtårnet i Bodø?", "nb/fyrtaarn.md", id="eier"),
    pytest.param("Kven eig fyrtårnet i Bodø?", "nb/fyrtaarn.md", id="Nynorsk"),
    pytest.param("Which code does a claim in Texas need?", "en/insurance.md", id="claim"),
    pytest.param("Hvilken kode må et krav i Texas ha?", "nb/forsikring.md", id="krav"),
]


class RetrieverContract:
    """Laws of `Retriever.retrieve`; a subclass gives the fixture `make_retriever(shelf, hits=...)`."""

    def test_a_sentence_finds_its_own_chunk_first(self, make_retriever, shelf):
        """Asked with the very words of a sentence, its chunk comes first, in both languages."""
        retriever = make_retriever(shelf)
        for chunk in shelf.current_chunks():
            for unit in split_units(chunk.text):
                sentence = chunk.text[unit.start : unit.end]
                if len(sentence.split()) < 6:
                    continue
                first = retriever.retrieve(Query(sentence, sentence, chunk.language))[0]
                assert first.chunk == chunk, sentence

    @pytest.mark.parametrize(("question", "document"), QUESTIONS)
    def test_the_version_in_the_question_s_language_is_up_front(self, make_retriever, shelf, question, document):
        """Where both languages say the same, the one of the question is among the first two."""
        hits = make_retriever(shelf).retrieve(make_query(question, ()))
        assert document in [hit.chunk.document_id for hit in hits[:2]]

    @pytest.mark.parametrize("hits", [1, 2, 3, 8, 100])
    def test_at_most_so_many_hits_ranked_from_one(self, make_retriever, shelf, hits):
        """Hits are no more than wanted, ranked 1, 2, 3 ... by falling score, and no chunk comes twice."""
        found = make_retriever(shelf, hits=hits).retrieve(make_query("What does the mentor in Bodø cost?", ()))
        assert 1 <= len(found) <= hits
        assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
        assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
        assert len({hit.chunk.id for hit in found}) == len(found)

    def test_a_hit_is_a_stored_chunk(self, make_retriever, shelf):
        """Text and place of a hit are those of the library, letter by letter."""
        for hit in make_retriever(shelf).retrieve(make_query("Who owns the lighthouse?", ())):
            document = shelf.library.document(hit.chunk.document_id, hit.chunk.version)
            assert document.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text

    def test_asking_twice_gives_the_same(self, make_retriever, shelf):
        """A question changes nothing, so the next one finds the same."""
        retriever, query = make_retriever(shelf), make_query("Hva koster en mentor?", ())
        assert retriever.retrieve(query) == retriever.retrieve(query)

    def test_what_is_done_meanwhile_changes_nothing(self, make_retriever, shelf):
        """The hits are the same, whatever is done with likely ones while the search goes on."""
        retriever, query, likely = make_retriever(shelf, hits=4), make_query("Hva koster en mentor?", ()), []
        assert retriever.retrieve(query, meanwhile=likely.append) == retriever.retrieve(query)
        assert len(likely) <= 4

    @pytest.mark.parametrize("question", ["Who leads the harbour?", "Hvem leder havna?", "?!", ""])
    def test_an_empty_corpus_has_no_hits(self, make_retriever, open_shelf, question):
        """Where nothing is, nothing is found, and nothing fails."""
        assert make_retriever(open_shelf()).retrieve(make_query(question, ())) == []

    @pytest.mark.parametrize(
        "question", ["", "?", "and the of", "😀", "什么", "'\"()[]{}^~*:\\/&|! AND OR NOT", "x" * 3000]
    )
    def test_no_question_breaks_the_search(self, make_retriever, shelf, question):
        """Signs that mean something to a search engine are only signs here."""
        assert len(make_retriever(shelf).retrieve(make_query(question, ()))) <= 8

    @pytest.mark.parametrize(("question", "document"), QUESTIONS)
    def test_documents_that_must_not_answer_are_not_found(self, make_retriever, shelf, question, document):
        """Without some documents the others answer, ranked from 1, as if those were not there."""
        retriever, query = make_retriever(shelf), make_query(question, ())
        for without in ({document}, {document, "en/lighthouse.md", "unknown.md"}, {id_ for id_, _ in PAGES}):
            found = retriever.retrieve(query, without=frozenset(without))
            assert not {hit.chunk.document_id for hit in found} & without
            assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
            assert bool(found) == (len(without) < len(PAGES))
        assert retriever.retrieve(query, without=frozenset()) == retriever.retrieve(query)

    @pytest.mark.slow
    def test_without_the_best_documents_the_next_fill_their_places(self, make_retriever, open_shelf, make_document):
        """What is left out is made up for: as many hits come back as are wanted, while there are any."""
        shelf = open_shelf()
        for number, animal in enumerate("heron walrus puffin otter lynx wolf badger ferret".split()):
            texts = [f"The fee of the {animal} is {number} dollars.", f"The {animal} of the harbour pays a fee in May."]
            shelf.add(make_document(texts, id_=f"{animal}.md"))
        retriever, query = make_retriever(shelf, hits=3), make_query("What is the fee of the walrus and the heron?", ())
        before = {hit.chunk.document_id for hit in retriever.retrieve(query)}
        found = retriever.retrieve(query, without=frozenset(before))
        assert {"walrus.md", "heron.md"} <= before
        assert len(found) == 3
        assert not {hit.chunk.document_id for hit in found} & before

    def test_only_current_versions_are_found(self, make_retriever, open_shelf, make_document):
        """A version that is written but not yet current never answers, nor one that was current."""
        shelf = open_shelf()
        old = make_document(["The walrus fee is 4,711 dollars."], id_="fee.md")
        new = make_document(["The walrus fee is 5,822 dollars."], id_="fee.md")
        retriever, query = make_retriever(shelf), make_query("What is the walrus fee?", ())

        shelf.add(old)
        shelf.add(new, current=False)
        assert {hit.chunk.version for hit in retriever.retrieve(query)} == {old.version}
        shelf.library.make_current("fee.md", new.version, "")
        assert {hit.chunk.version for hit in retriever.retrieve(query)} == {new.version}
        shelf.library.remove("fee.md")
        assert retriever.retrieve(query) == []

    @pytest.mark.slow
    def test_copies_count_once(self, make_retriever, open_shelf, make_document):
        """Five documents with one text are one hit that names the other four."""
        shelf = open_shelf()
        text = "The heron mentors every company in the harbour and sells three hearing devices in Ohio each year."
        for number in range(5):
            shelf.add(make_document([text], id_=f"copy-{number}.md"))
        (hit,) = make_retriever(shelf).retrieve(make_query("Who mentors every company?", ()))
        assert {hit.chunk.document_id, *hit.also_in} == {f"copy-{number}.md" for number in range(5)}


class TestHybridRetriever(RetrieverContract):
    """Vector search and word search, fused."""

    @pytest.fixture
    def make_retriever(self):
        """Return a retriever with the numbers that ship."""

        def make(shelf, *, hits: int = 8) -> HybridRetriever:
            sentences = SentenceVectors(shelf.library, shelf.embedder.key, gloss=load_tuning().gloss)
            parts = shelf.library, shelf.index, shelf.embedder, sentences
            return HybridRetriever(*parts, candidates=max(50, hits), hits=hits, tuning=load_tuning())

        return make

    def test_likely_hits_are_looked_at_while_the_other_search_takes(self, shelf):
        """Those that words find first, in their order, and no more than mostly are hits."""
        query, gate, likely = make_query("What does the mentor in Bodø cost?", ()), threading.Event(), []

        def look_at(chunk: Chunk) -> None:
            likely.append(chunk)
            if len(likely) == 2:
                gate.set()

        with ThreadPoolExecutor(1) as beside:
            beside.submit(gate.wait, 30)  # what searches beside has something else to do until then
            parts = shelf.library, shelf.index, shelf.embedder, SentenceVectors(shelf.library, "model", gloss=False)
            retriever = HybridRetriever(*parts, candidates=50, hits=4, tuning=load_tuning(), beside=beside)
            hits = retriever.retrieve(query, meanwhile=look_at)
        by_words = [hit.chunk for hit in sorted(hits, key=lambda hit: hit.lexical_rank or 100)]
        assert 2 <= len(likely) <= 3
        assert likely[:2] == by_words[:2]

    def test_a_hit_says_which_search_found_it(self, make_retriever, shelf):
        """Every hit was found by at least one search; a cosine belongs to a place in the vector search."""
        for hit in make_retriever(shelf).retrieve(make_query("Who owns the lighthouse?", ())):
            assert hit.dense_rank or hit.lexical_rank
            assert (hit.similarity is None) == (hit.dense_rank is None)
            assert hit.similarity is None or -1.0001 <= hit.similarity <= 1.0001

    def test_a_word_without_vectors_is_still_found(self, make_retriever, open_shelf, make_document):
        """While a document's vectors are still being made, its words answer."""
        shelf = open_shelf()
        shelf.add(make_document(["The puffins are counted every spring."], id_="puffins.md"), embedded=False)
        (hit,) = make_retriever(shelf).retrieve(make_query("When are the puffins counted?", ()))
        assert hit.chunk.document_id == "puffins.md"
        assert (hit.dense_rank, hit.lexical_rank) == (None, 1)

    def test_words_and_meaning_both_count(self, make_retriever, shelf):
        """A question in other words than the text's is found by the vector search, a bare code by the words."""
        meaning = make_retriever(shelf).retrieve(make_query("Where can entrepreneurs eat cake for free?", ()))
        assert "en/lighthouse.md" in [hit.chunk.document_id for hit in meaning[:3]]
        code = make_retriever(shelf).retrieve(make_query("U4711", ()))
        assert {hit.chunk.document_id for hit in code[:2]} == {"en/insurance.md", "nb/forsikring.md"}

    def test_lists_of_sources_step_back_unless_they_are_asked_for(self, make_retriever, open_shelf, make_document):
        """A list of sources names everything that its document speaks of, and answers nothing."""
        shelf = open_shelf()
        shelf.add(
            make_document(
                (
                    "# Walrus law",
                    "A walrus permit of the harbour office costs nothing.",
                    "## Which sources does this document rest on?",
                    "- Harbour office: The walrus permit, what a walrus permit costs, section 4711, read in 2026.",
                    "- Harbour office: Walrus permit costs, an overview of walrus permits, read in 2026.",
                ),
                id_="law.md",
            )
        )
        retriever = make_retriever(shelf)
        first = retriever.retrieve(make_query("What does the walrus permit of the harbour office cost?", ()))[0]
        assert "costs nothing" in first.chunk.text
        asked = retriever.retrieve(make_query("Which sources speak of the walrus permit?", ()))[0]
        assert "read in 2026" in asked.chunk.text


# ---- What holds before what does not ----

FEE = """\
---
title: {title}
language: en
{keys}
---

# {title}

The walrus fee of the harbour is {fee} dollars per company and is paid to the keeper in {month} of each year.
"""


@pytest.fixture
def over_pages(open_over: Callable[..., Assistant], tmp_path: Path) -> Callable[..., Callable[[str], list[str]]]:
    """Bring Markdown files in, and return the search for the documents that a question finds, best first."""

    def bring_in(**pages: str) -> Callable[[str], list[str]]:
        corpus = tmp_path / "pages"
        corpus.mkdir()
        for name, text in pages.items():
            (corpus / f"{name}.md").write_text(text, encoding="utf-8")
        assistant = open_over(corpus=corpus)
        report = assistant.sync()
        assert len(assistant.documents()) == len(pages), report
        return lambda question: [hit.chunk.document_id for hit in assistant.search(question)]

    return bring_in


def fee(keys: str, *, title: str = "Fees of the harbour", amount: int = 18, month: str = "October") -> str:
    """Return a page on the walrus fee with some keys in its front matter."""
    return FEE.format(title=title, keys=keys, fee=amount, month=month)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("published: 2023-05", "published: 2025-05", id="published later"),
        pytest.param("checked: 2024-01-01", "checked: 2026-01-01", id="checked later"),
        pytest.param("valid_until: 2020-12-31", "published: 2019-01", id="expired"),
        pytest.param("status: superseded by the new page\npublished: 2026-01", "published: 2024-01", id="superseded"),
        pytest.param("status: Erstattet av ny side", "language: en", id="superseded, Norwegian"),
    ],
)
def test_the_newest_edition_answers(over_pages, old, new):
    """Of two editions of one text with different figures only the one that holds is found."""
    found = over_pages(a_former=fee(old, amount=18), b_latter=fee(new, amount=23))
    assert found("What is the walrus fee of the harbour?") == ["b_latter.md"]


@pytest.mark.slow
def test_a_question_about_a_past_year_finds_that_year(over_pages):
    """The older edition is what answers a question about its time."""
    found = over_pages(
        old=fee("published: 2024-01", title="Fees of 2024", amount=18),
        new=fee("published: 2026-01", title="Fees of 2026", amount=23),
    )
    assert found("What is the walrus fee of the harbour?") == ["new.md"]
    assert found("What was the walrus fee of the harbour in 2024?")[0] == "old.md"


@pytest.mark.slow
@pytest.mark.parametrize("keys", ["valid_until: 2020-12-31", "status: withdrawn"], ids=["expired", "withdrawn"])
def test_what_no_longer_holds_is_never_first(over_pages, keys):
    """A text that holds goes before one that does not, also where that one speaks of the question more."""
    current = "---\nlanguage: en\n---\n\n# Harbour\n\nThe harbour takes a walrus fee from everybody who lands.\n"
    found = over_pages(outdated=fee(keys), current=current)
    assert found("What is the walrus fee of the harbour?") == ["current.md", "outdated.md"]


@pytest.mark.slow
@pytest.mark.parametrize("keys", ["valid_until: 2020-12-31", "status: withdrawn"], ids=["expired", "withdrawn"])
def test_what_no_longer_holds_answers_where_nothing_else_does(over_pages, keys):
    """An outdated text is better than none, and better than one that is about something else."""
    other = "---\nlanguage: en\n---\n\n# Waffles\n\nThe keeper serves waffles with jam every Thursday evening.\n"
    assert over_pages(outdated=fee(keys), other=other)("What is the walrus fee?")[0] == "outdated.md"


@pytest.mark.slow
def test_a_day_of_review_ends_nothing(over_pages):
    """`check_again_by` asks somebody to compare the text with its sources: when it has passed, the text still holds."""
    reviewed = fee("check_again_by: 2020-12-31\npublished: 2024-06", amount=18)
    found = over_pages(reviewed=reviewed, older=fee("published: 2023-06", amount=9))
    assert found("What is the walrus fee of the harbour?") == ["reviewed.md"]
