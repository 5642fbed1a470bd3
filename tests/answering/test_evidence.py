"""Sentences scored for a question, and what of the question is nowhere to be found."""

from __future__ import annotations

import pytest

from assistant.answering.evidence import Asked, Evidence, gather
from assistant.domain import Hit
from assistant.tuning import load_tuning


@pytest.fixture
def score(idf, make_query):
    """Return the evidence of hits for a question, every stem weighing the same."""

    def gather_for(question: str, hits: list[Hit], language: str = "en") -> Evidence:
        return gather(make_query(question, language), hits, idf, load_tuning())

    return gather_for


def texts(evidence: Evidence) -> list[str]:
    """Return the candidates' words, best first."""
    return [candidate.text for candidate in evidence.candidates]


HARBOUR = "Boats lie in the harbour.\n\nThe walrus fee is 4,711 dollars. Gulls cry in the morning."


def test_no_hits_give_no_candidates(score):
    """Nothing found is nothing to answer with, and all words of the question are missing."""
    evidence = score("What is the walrus fee?", [])
    assert evidence.candidates == ()
    assert set(evidence.uncovered) == {"walrus", "fee"}


def test_every_unit_of_every_hit_is_scored(score, make_hit):
    """Sentences, items and rows are candidates, each at its place in its chunk."""
    hits = [make_hit(HARBOUR), make_hit("It needs:\n\n- Boots\n- A tide table", id_="b.md", rank=2)]
    evidence = score("What is the walrus fee?", hits)
    assert sorted(texts(evidence)) == sorted(
        [
            "Boats lie in the harbour.",
            "The walrus fee is 4,711 dollars.",
            "Gulls cry in the morning.",
            "It needs:",
            "Boots",
            "A tide table",
        ]
    )
    for candidate in evidence.candidates:
        assert candidate.hit in hits


def test_the_sentence_that_holds_the_question_s_words_comes_first(score, make_hit):
    """Candidates are sorted by score, which is never negative, and the best meets the question."""
    evidence = score("What is the walrus fee?", [make_hit(HARBOUR)])
    scores = [candidate.score for candidate in evidence.candidates]
    assert texts(evidence)[0] == "The walrus fee is 4,711 dollars."
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= 0


@pytest.mark.parametrize(
    ("question", "language", "text", "best"),
    [
        pytest.param(
            "Hva er hvalrossavgiften?",
            "nb",
            "Måker skriker. Hvalrossavgiften er 4711 dollar.",
            "Hvalrossavgiften er 4711 dollar.",
            id="Norwegian",
        ),
        pytest.param(
            "Who are the mentors?",
            "en",
            "Gulls cry here. A mentor helps you.",
            "A mentor helps you.",
            id="another form",
        ),
        pytest.param(
            "How long is the review?",
            "en",
            "The review is fair. The review is done in 90 days.",
            "The review is done in 90 days.",
            id="the right kind",
        ),
        pytest.param(
            "Who leads the harbour?",
            "en",
            "The harbour is led well. The harbour is led by Ada Berg.",
            "The harbour is led by Ada Berg.",
            id="a person",
        ),
    ],
)
def test_the_best_sentence(score, make_hit, question, language, text, best):
    """Other forms of a word count, and of equal sentences the one with the right kind of answer."""
    assert texts(score(question, [make_hit(text, language=language)], language))[0] == best


def test_a_heading_lends_its_words_to_what_stands_below(score, make_hit):
    """A sentence under a heading that asks the same beats an equal one under another heading."""
    hits = [
        make_hit("It is seven.", id_="a.md", heading="Puffins in spring", rank=1, score=0.5),
        make_hit("It is eight.", id_="b.md", heading="Walrus fee", rank=1, score=0.5),
    ]
    evidence = score("What is the walrus fee?", hits)
    assert texts(evidence) == ["It is eight.", "It is seven."]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("What is the walrus fee?\n\nIt is 4,711 dollars.", id="a question as heading"),
        pytest.param("The walrus fee\n\nIt is 4,711 dollars.", id="a short line"),
    ],
)
def test_a_heading_is_no_answer(score, make_hit, text):
    """A heading repeats the question and is never a candidate while there is anything else."""
    assert texts(score("What is the walrus fee?", [make_hit(text, heading=text.split("\n")[0])])) == [
        "It is 4,711 dollars."
    ]


def test_a_heading_is_better_than_nothing(score, make_hit):
    """Where a chunk holds headings only, they are candidates."""
    assert texts(score("What is the walrus fee?", [make_hit("The walrus fee")])) == ["The walrus fee"]


@pytest.mark.parametrize("weak", ["Is the walrus fee paid?", "Walrus fee:"])
def test_questions_and_fragments_are_weak(score, make_hit, weak):
    """A sentence that asks, or hardly is one, stands behind a statement of the same words."""
    evidence = score("What is the walrus fee?", [make_hit(f"{weak} The walrus fee is paid.")])
    assert texts(evidence)[0].endswith("is paid.")
    assert texts(evidence)[0] != weak


def test_sources_answer_only_who_asks_for_them(score, make_hit):
    """The part of a document that lists its sources stands back, unless the question is about sources."""
    sources = make_hit(
        "The walrus fee is listed by the harbour office.", id_="a.md", heading="Sources", rank=1, score=0.5
    )
    facts = make_hit("The walrus fee is listed by the harbour keeper.", id_="b.md", heading="Facts", rank=1, score=0.5)
    assert texts(score("Who lists the walrus fee?", [sources, facts]))[0].endswith("keeper.")
    assert texts(score("Which sources list the walrus fee?", [sources, facts]))[0].endswith("office.")


@pytest.mark.parametrize(
    ("question", "language", "text", "uncovered"),
    [
        pytest.param("What is the walrus fee?", "en", HARBOUR, set(), id="all there"),
        pytest.param("What is the walrus visa?", "en", HARBOUR, {"visa"}, id="one missing"),
        pytest.param("Who repairs bicycles?", "en", HARBOUR, {"repairs", "bicycles"}, id="as the question wrote them"),
        pytest.param("Hva er hvalrossvisumet?", "nb", HARBOUR, {"hvalrossvisumet"}, id="Norwegian"),
        pytest.param("Finnes det et marked?", "nb", "The market is large.", set(), id="found in translation"),
        pytest.param("Is there a market?", "en", "Markedet er stort.", set(), id="found in Norwegian"),
    ],
)
def test_words_that_no_hit_holds_are_named(score, make_hit, question, language, text, uncovered):
    """A word is missing when it stands in no hit, in neither language; function words never are."""
    hit = make_hit(text, language="nb" if text.startswith("Markedet") else "en")
    assert set(score(question, [hit], language).uncovered) == uncovered


def test_the_rarest_missing_word_comes_first(make_hit, make_query):
    """What would tell most about the question is named first."""
    rarity = {"bicycl": 9.0, "repair": 2.0}
    evidence = gather(
        make_query("Who repairs bicycles?"),
        [make_hit(HARBOUR)],
        lambda stem, language: rarity.get(stem, 1.0),
        load_tuning(),
    )
    assert evidence.uncovered == ("bicycles", "repairs")


@pytest.mark.parametrize("goes_on", [True, False])
def test_the_first_row_names_the_columns_unless_the_table_began_before(score, make_hit, goes_on):
    """A row that names columns answers nothing alone; the first row of a passage may be one of many."""
    rows = ["Walrus fee\t4,711 dollars", "Heron fee\t12 dollars", "Seal fee\t7 dollars"]
    evidence = score("What is the walrus fee?", [make_hit("\n".join(rows), goes_on=goes_on)])
    assert sorted(texts(evidence)) == sorted(rows if goes_on else rows[1:])


@pytest.mark.parametrize("looked_at", [[], [0], [1, 0], [2, 2, 1], [0, 1, 2]])
def test_passages_may_be_looked_at_before_they_are_hits(make_hit, make_query, idf, looked_at):
    """The evidence is the same, whichever passages were looked at before, hits or not."""
    query = make_query("What is the walrus fee?")
    texts = (HARBOUR, "It needs:\n\n- Boots\n- A walrus table", "The fee is no hit, and the walrus is none.")
    hits = [make_hit(text, id_=f"{rank}.md", rank=rank) for rank, text in enumerate(texts, start=1)]
    asked = Asked(query, idf, load_tuning())
    for place in looked_at:
        asked.look_at(hits[place].chunk)
    assert asked.evidence(hits[:2]) == gather(query, hits[:2], idf, load_tuning())


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the walrus fee?", "en"),
        ("Hva er hvalrossavgiften på 4711 dollar?", "nb"),
        ("How do I repair a bicycle?", "en"),
        ("?", "en"),
        ("and the of", "en"),
    ],
)
def test_shares_lie_between_zero_and_one(score, make_hit, question, language):
    """What a candidate holds of the question is a share, whatever is asked, and in step with the terms' weights."""
    hits = [make_hit(HARBOUR), make_hit("Avgiften er 25 kroner.", language="nb", rank=2)]
    evidence = score(question, hits, language)
    for candidate in evidence.candidates:
        assert 0 <= candidate.matched <= candidate.covered <= 1 + 1e-9
        assert all(0 <= met <= 1 for met in candidate.terms)
        assert len(candidate.terms) == len(evidence.weights[candidate.hit.chunk.language])


def test_a_candidate_says_what_its_score_is_made_of(score, make_hit):
    """Every ingredient adds 0 or more, at most its weight; a sentence that nothing makes weak scores their sum."""
    numbers = load_tuning().to_dict()
    weights = {**numbers, "semantic": numbers["semantic_english"]}
    for candidate in score("What is the walrus fee?", [make_hit(HARBOUR)]).candidates:
        assert candidate.score == pytest.approx(sum(candidate.parts.values()))
        assert all(0 <= part <= weights[name] + 1e-9 for name, part in candidate.parts.items())
        assert {"sentence", "window", "hit", "heading", "semantic", "answer_type"} <= set(candidate.parts)


def test_what_makes_a_sentence_weak_lowers_the_score_below_its_parts(score, make_hit):
    """The parts tell what speaks for a sentence; that it asks, or is in another language, is taken off their sum."""
    asks = score("What is the walrus fee?", [make_hit("Is the walrus fee paid? The walrus fee is paid.")]).candidates
    (question,) = [candidate for candidate in asks if candidate.text.endswith("?")]
    assert 0 < question.score < sum(question.parts.values())
    (foreign,) = score("Hva er en gebyrfrist?", [make_hit("The deadline of the fee is in May.")], "nb").candidates
    assert foreign.score < sum(foreign.parts.values())
