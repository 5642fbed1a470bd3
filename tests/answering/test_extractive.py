"""What every answerer promises, and what the extractive one adds: whole units, word for word."""

from __future__ import annotations

import random

import pytest

from assistant.answering.evidence import Evidence, gather
from assistant.answering.extractive import LIST_WORDS_AT_MOST, SENTENCES_AT_MOST, ExtractiveAnswerer
from assistant.domain import Draft, Hit
from assistant.sentences import split_units
from assistant.tuning import load_tuning

FEE = "Boats lie in the harbour. The walrus fee is 4,711 dollars. The walrus fee is paid in October."
ITEMS = "\n".join(["- A tide table", "- One pair of boots", "- A waffle from the keeper"])
LIST = f"Every founder receives three things:\n\n{ITEMS}\n\nBoats lie there."
LONG_LIST = "Every founder receives many things:\n\n" + "\n".join(
    f"- Thing number {number} is a tide table of the year {1900 + number}" for number in range(30)
)
WORDS = "walrus fee harbour heron mentor boots tide table founder keeper pays meets serves".split()


@pytest.fixture
def draft_for(answerer, idf, make_query):
    """Return what the answerer drafts for a question over hits, and the evidence it had."""

    def draft(question: str, hits: list[Hit]) -> tuple[Draft, Evidence]:
        query = make_query(question)
        evidence = gather(query, hits, idf, load_tuning())
        return answerer.draft(query, hits, evidence), evidence

    return draft


class AnswererContract:
    """Laws of `Answerer.draft`; a subclass gives the fixture `answerer`."""

    @pytest.mark.parametrize("question", ["What is the walrus fee?", "Hva koster det?", ""])
    def test_no_evidence_gives_an_empty_draft(self, draft_for, question):
        """Nothing found, nothing claimed."""
        assert draft_for(question, [])[0] == Draft(())

    @pytest.mark.parametrize("seed", range(40))
    def test_every_quote_stands_in_its_chunk_at_its_place(self, draft_for, make_hit, seed):
        """Every claim quotes, and every quote equals the words of a given hit at the offset it names."""
        generator = random.Random(seed)
        hits = random_hits(generator, make_hit)
        draft, _ = draft_for(" ".join(generator.sample(WORDS, 4)) + "?", hits)
        chunks = {hit.chunk.id: hit.chunk for hit in hits}
        for claim in draft.claims:
            assert claim.sentence.strip()
            assert claim.quotes
            for quote in claim.quotes:
                chunk = chunks[quote.chunk_id]
                offset = quote.start - chunk.start
                assert chunk.text[offset : offset + len(quote.words)] == quote.words != ""

    def test_the_answer_is_in_the_draft(self, draft_for, make_hit):
        """What is asked for and stands in a hit is claimed."""
        draft, _ = draft_for("What is the walrus fee?", [make_hit(FEE)])
        assert "4,711 dollars" in " ".join(claim.sentence for claim in draft.claims)

    def test_drafting_twice_gives_the_same(self, draft_for, make_hit):
        """The same evidence gives the same draft."""
        assert draft_for("What is the walrus fee?", [make_hit(FEE)]) == draft_for(
            "What is the walrus fee?", [make_hit(FEE)]
        )


def random_hits(generator: random.Random, make_hit) -> list[Hit]:
    """Return up to five hits of random sentences, lists and tables, each with one fact of its own."""
    hits = []
    for number in range(generator.randint(1, 5)):
        sentences = [
            f"{' '.join(generator.sample(WORDS, 5)).capitalize()} in {number}{line} cases."
            for line in range(generator.randint(1, 6))
        ]
        glue = generator.choice([" ", "\n\n", "\n- "])
        hits.append(
            make_hit(glue.join(sentences), id_=f"{number}.md", rank=number + 1, start=generator.choice([0, 7, 5000]))
        )
    return hits


class TestExtractiveAnswerer(AnswererContract):
    """The default answerer writes nothing itself."""

    @pytest.fixture
    def answerer(self):
        """The answerer with 80 words."""
        return ExtractiveAnswerer(answer_words=80, joins_from=0.8)

    @pytest.mark.parametrize("seed", range(40))
    def test_it_takes_whole_units_once_each(self, draft_for, make_hit, seed):
        """A claim is a whole sentence, item or row, equal to its quote, and none comes twice."""
        generator = random.Random(seed)
        hits = random_hits(generator, make_hit)
        draft, _ = draft_for(" ".join(generator.sample(WORDS, 4)) + "?", hits)
        whole = {
            (hit.chunk.id, hit.chunk.start + unit.start): hit.chunk.text[unit.start : unit.end]
            for hit in hits
            for unit in split_units(hit.chunk.text)
        }
        for claim in draft.claims:
            (quote,) = claim.quotes
            assert claim.sentence == quote.words == whole[quote.chunk_id, quote.start]
        assert len({claim.quotes for claim in draft.claims}) == len(draft.claims)

    @pytest.mark.parametrize("seed", range(40))
    def test_the_best_passage_comes_first_and_is_read_in_order(self, draft_for, make_hit, seed):
        """The best candidate opens, since it is the answer; the rest is read passage by passage, in its own order."""
        generator = random.Random(seed)
        draft, evidence = draft_for(" ".join(generator.sample(WORDS, 4)) + "?", random_hits(generator, make_hit))
        places = [(claim.quotes[0].chunk_id, claim.quotes[0].start) for claim in draft.claims]
        passages = [chunk_id for chunk_id, _ in places]
        if evidence.candidates:
            best = evidence.candidates[0]
            opening = next(
                place for place, (_, start) in enumerate(places) if start == best.hit.chunk.start + best.unit.start
            )
            assert set(passages[: opening + 1]) == {best.hit.chunk.id}
            after = places[opening + 1 :]
            rest = [place for place in after if place[0] != best.hit.chunk.id]
            assert rest == sorted(rest, key=lambda place: (passages.index(place[0]), place[1]))
            same = [start for chunk_id, start in after if chunk_id == best.hit.chunk.id]
            assert same == sorted(same)

    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("answer_words", [20, 40, 80])
    def test_it_keeps_to_the_word_limit(self, make_hit, make_query, idf, seed, answer_words):
        """Further sentences join only while the answer stays within the limit; there are never many."""
        generator = random.Random(seed)
        hits = [hit for hit in random_hits(generator, make_hit) if "\n- " not in hit.chunk.text]
        query = make_query(" ".join(generator.sample(WORDS, 4)) + "?")
        answerer = ExtractiveAnswerer(answer_words=answer_words, joins_from=0.0)
        draft = answerer.draft(query, hits, gather(query, hits, idf, load_tuning()))
        lengths = [len(claim.sentence.split()) for claim in draft.claims]
        assert len(lengths) <= SENTENCES_AT_MOST
        assert sum(lengths) <= answer_words or len(lengths) == 1

    def test_a_sentence_longer_than_the_limit_is_shown_whole(self, make_hit, make_query, idf):
        """A quote is never cut, so one long sentence may go beyond the limit, alone."""
        text = f"The walrus fee is {' and '.join(['four dollars'] * 40)}. The walrus fee is paid."
        query = make_query("What is the walrus fee of four dollars?")
        answerer = ExtractiveAnswerer(answer_words=20, joins_from=0.0)
        (claim,) = answerer.draft(query, [make_hit(text)], gather(query, [make_hit(text)], idf, load_tuning())).claims
        assert claim.sentence in text

    @pytest.mark.parametrize(
        "question",
        [
            pytest.param("What are the three things that every founder receives?", id="what are"),
            pytest.param("Which things does every founder receive?", id="which"),
            pytest.param("How many things does every founder receive?", id="how many"),
        ],
    )
    def test_a_list_is_shown_whole_under_its_sentence(self, draft_for, make_hit, question):
        """Who asks for a list gets the sentence that introduces it and every item, set as items."""
        draft, _ = draft_for(question, [make_hit(LIST)])
        shown = [(claim.sentence, claim.form) for claim in draft.claims[:4]]
        assert shown == [
            ("Every founder receives three things:", "sentence"),
            ("A tide table", "item"),
            ("One pair of boots", "item"),
            ("A waffle from the keeper", "item"),
        ]

    def test_a_table_is_shown_without_the_row_that_names_its_columns(self, draft_for, make_hit):
        """Each row is shown with the names of its columns, so the row that holds only names says nothing more."""
        table = "Three harbours receive founders:\n\nHarbour\tKeeper\nBodø\tHeron\nVardø\tWalrus\nHorten\tSeal"
        draft, _ = draft_for("Which harbours receive founders?", [make_hit(table)])
        shown = [claim.sentence for claim in draft.claims]
        assert shown == ["Three harbours receive founders:", "Bodø\tHeron", "Vardø\tWalrus", "Horten\tSeal"]

    def test_a_table_that_began_in_the_passage_before_keeps_its_first_row(self, draft_for, make_hit):
        """Its header stands elsewhere: the first row of the passage is one like the others."""
        rows = "Harbour of Bodø\tHeron\nHarbour of Vardø\tWalrus\nHarbour of Horten\tSeal"
        draft, _ = draft_for("Which harbours are there?", [make_hit(rows, goes_on=True)])
        assert {claim.sentence for claim in draft.claims} == set(rows.split("\n"))
        draft, _ = draft_for("Which harbours are there?", [make_hit(rows)])
        assert {claim.sentence for claim in draft.claims} == set(rows.split("\n")[1:])

    def test_a_list_may_be_longer_than_the_limit_but_not_endless(self, make_hit, make_query, idf):
        """A list is the answer also beyond the word limit; one above its own limit is not shown whole."""
        answerer, query = (
            ExtractiveAnswerer(answer_words=20, joins_from=0.8),
            make_query("Which things does every founder receive?"),
        )
        shown = {}
        for text in (LIST, LONG_LIST):
            draft = answerer.draft(query, [make_hit(text)], gather(query, [make_hit(text)], idf, load_tuning()))
            shown[text] = sum(len(claim.sentence.split()) for claim in draft.claims)
        assert shown[LIST] >= 15
        assert len(LONG_LIST.split()) > LIST_WORDS_AT_MOST >= shown[LONG_LIST]

    def test_copies_in_other_documents_are_not_repeated(self, draft_for, make_hit):
        """Two documents that say the same are quoted once."""
        hits = [make_hit(FEE, id_="a.md"), make_hit(FEE, id_="b.md", rank=2)]
        sentences = [claim.sentence for claim in draft_for("What is the walrus fee?", hits)[0].claims]
        assert len(sentences) == len(set(sentences))

    def test_an_answer_keeps_to_one_language(self, draft_for, make_hit):
        """An answer that has begun in one language goes on in it."""
        hits = [make_hit(FEE), make_hit("Walrus fee er 4711 dollar.", id_="nb.md", language="nb", rank=2)]
        draft, _ = draft_for("What is the walrus fee?", hits)
        assert {quote.chunk_id for claim in draft.claims for quote in claim.quotes} == {hits[0].chunk.id}
