"""What every retriever promises, and what the hybrid one adds, over real indexes in both languages."""

from __future__ import annotations

import pytest

from assistant.domain import Query
from assistant.index.sentence_vectors import SentenceVectors
from assistant.retrieval.conversation import make_query
from assistant.retrieval.retriever import HybridRetriever
from assistant.sentences import split_units
from assistant.tuning import load_tuning

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
