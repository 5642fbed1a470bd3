"""Looking behind an answer: *why this answer*, the bare search, and how a corpus without some documents would look."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

import pytest

from assistant.answering.phrases import phrase
from assistant.build import Assistant
from assistant.domain import Turn
from assistant.errors import UsageError
from assistant.forest import Forest
from assistant.settings import read_settings

ANSWERED = [
    pytest.param("What is the walrus fee?", id="English"),
    pytest.param("Hva koster valrossen?", id="Norwegian"),
    pytest.param("Kven står bak fyrtårnet?", id="Nynorsk"),
    pytest.param("What does every founder receive?", id="a list"),
    pytest.param("When is the walrus fee paid?", id="a sentence that leans on another"),
]
REFUSED = [pytest.param("Who repairs bicycles?", id="refused")]
PARTLY = [
    pytest.param(
        "What is the walrus fee, and who repairs bicycles in Copenhagen?",
        "What is the walrus fee",
        "who repairs bicycles in Copenhagen",
        id="the second part missing",
    ),
    pytest.param(
        "Who repairs bicycles in Copenhagen? Who owns the lighthouse?",
        "Who owns the lighthouse",
        "Who repairs bicycles in Copenhagen",
        id="the first part missing",
    ),
    pytest.param(
        "Hvem eier fyrtårnet, og hvem reparerer sykler i København?",
        "Hvem eier fyrtårnet",
        "hvem reparerer sykler i København",
        id="Norwegian",
    ),
]
KEYS = (
    "outcome reason missing query probability threshold false_premise features for_and_against hits candidates"
).split()
# Judges that do not depend on what was learned: all is answered, and only what every word of is known.
ALL = {"threshold": 0.0, "premise_doubted": 1.1, "premise_denied": 1.1}
KNOWN = {
    "answerable": Forest(trees=(("known_words", 0.9, 0.0, -3.0, 3.0),)),
    "false_premise": Forest(offset=-3.0),
    "threshold": 0.5,
    "off_topic_below": 0.5,
    "premise_doubted": 0.8,
    "premise_denied": 0.9,
}


# ---- Why this answer ----


@pytest.mark.parametrize("question", [*ANSWERED, *REFUSED, *(case.values[0] for case in PARTLY)])
def test_an_explanation_has_a_fixed_form(harbour, question):
    """Plain values under fixed keys, so that it can be shown and kept."""
    found = harbour.explain(question)
    assert list(found) == KEYS
    assert " ".join(found["query"]) == "text search_text language wanted uncovered"
    for hit in found["hits"]:
        assert set(hit) >= {"rank", "document", "heading", "language", "score", "similarity", "also_in", "text"}
        assert {"dense_rank", "lexical_rank"} <= set(hit)
    for candidate in found["candidates"]:
        assert set(candidate) == {"document", "heading", "text", "score", "parts", "chosen"}
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize("question", [*ANSWERED, *REFUSED])
def test_an_explanation_is_that_of_the_answer(harbour, question):
    """Outcome, reason, query, hits and probability are those of the answer itself."""
    answer, found = harbour.ask(question), harbour.explain(question)
    assert (found["outcome"], found["reason"], found["missing"]) == (answer.outcome, answer.reason, answer.missing)
    assert found["probability"] == answer.evidence
    assert found["threshold"] == harbour.tuning.threshold
    assert found["query"]["search_text"] == answer.query.search_text
    assert [(hit["rank"], hit["document"], hit["text"]) for hit in found["hits"]] == [
        (hit.rank, hit.chunk.document_id, hit.chunk.text) for hit in answer.hits
    ]


@pytest.mark.parametrize("question", [*ANSWERED, *REFUSED])
def test_both_probabilities_follow_from_the_features(harbour, question):
    """Whoever has the features and the trees comes to the same probabilities and the same reasons for and against."""
    found, tuning = harbour.explain(question), harbour.tuning
    assert found["probability"] == tuning.answerable.probability(found["features"])
    assert found["false_premise"] == tuning.false_premise.probability(found["features"])
    assert found["for_and_against"] == tuning.answerable.contributions(found["features"])
    assert set(found["for_and_against"]) <= set(found["features"])


@pytest.mark.parametrize(("question", "answered", "missing"), PARTLY)
def test_of_a_message_answered_in_part_the_answered_part_is_explained(harbour_with, question, answered, missing):
    """Query, probability, hits and sentences are those of the part with an answer; the other part is named."""
    harbour = harbour_with(**KNOWN)
    answer, found = harbour.ask(question), harbour.explain(question)
    assert (found["outcome"], found["missing"]) == ("partly", missing) == (answer.outcome, answer.missing)
    assert (answer.query.text, found["query"]["text"]) == (question, answered)
    assert found["query"]["uncovered"] == []
    assert found["probability"] == answer.evidence == harbour.explain(answered)["probability"]
    assert found["probability"] >= found["threshold"]
    assert found["probability"] == harbour.tuning.answerable.probability(found["features"])
    assert [hit["text"] for hit in found["hits"]] == [hit.chunk.text for hit in answer.hits]
    chosen = [candidate["text"] for candidate in found["candidates"] if candidate["chosen"]]
    assert set(chosen) == {citation.quote for citation in answer.citations}
    assert chosen


@pytest.mark.parametrize(
    ("question", "outcome", "reason"),
    [
        pytest.param("Hello!", "small_talk", None, id="a greeting"),
        pytest.param("Takk skal du ha!", "small_talk", None, id="thanks, Norwegian"),
        pytest.param("", "abstained", "bad_question", id="no question"),
        pytest.param("\u200b?!", "abstained", "bad_question", id="no words"),
        pytest.param("fee " * 5000, "abstained", "bad_question", id="too long"),
    ],
)
def test_what_needs_no_search_has_nothing_to_explain(harbour, question, outcome, reason):
    """Where nothing was searched, outcome and reason are all there is, and they are those of the answer."""
    answer = harbour.ask(question)
    assert harbour.explain(question) == {"outcome": outcome, "reason": reason}
    assert (answer.outcome, answer.reason) == (outcome, reason)


def test_an_empty_corpus_has_nothing_to_explain(tmp_path):
    """Before any document is in, only outcome and reason are given."""
    (tmp_path / "corpus").mkdir()
    with Assistant(read_settings(corpus=tmp_path / "corpus", data=tmp_path / "data")) as assistant:
        explained, answer = assistant.explain("What is the walrus fee?"), assistant.ask("What is the walrus fee?")
    assert explained == {"outcome": "abstained", "reason": "empty_corpus"}
    assert answer.text == phrase("empty_corpus", "en")


@pytest.mark.parametrize("question", ANSWERED)
def test_chosen_are_exactly_the_sentences_shown(harbour_with, question):
    """What the answer quotes is marked among the candidates, nothing else is, and the best one is among it."""
    harbour = harbour_with(**ALL)
    answer, found = harbour.ask(question), harbour.explain(question)
    chosen = [candidate for candidate in found["candidates"] if candidate["chosen"]]
    assert {(one["document"], one["text"]) for one in chosen} == {
        (citation.document, citation.quote) for citation in answer.citations
    }
    assert found["candidates"][0]["chosen"]
    scores = [candidate["score"] for candidate in found["candidates"]]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_chosen_for_a_no(harbour_with):
    """A refusal shows no sentence, and its explanation says which words are nowhere."""
    harbour = harbour_with(**KNOWN)
    found = harbour.explain("Who repairs bicycles?")
    assert found["outcome"] == "abstained"
    assert found["probability"] < found["threshold"]
    assert not any(candidate["chosen"] for candidate in found["candidates"])
    assert set(found["query"]["uncovered"]) == {"repairs", "bicycles"}


def test_a_follow_up_is_explained_as_it_was_understood(harbour):
    """The explanation shows what a follow-up was searched with."""
    found = harbour.explain("When is it paid?", [Turn("What is the walrus fee?")])
    assert found["query"]["text"] == "When is it paid?"
    assert "walrus" in found["query"]["search_text"]


@pytest.mark.parametrize(
    ("before", "same"),
    [
        pytest.param("What\x00 is the walrus\u200b fee?\x1b", "What is the walrus fee ?", id="control characters"),
        pytest.param("What is the walrus fee?\ud800", "What is the walrus fee?", id="half a character"),
        pytest.param("  What is \n\t the walrus fee? ", "What is the walrus fee?", id="white space"),
        pytest.param(
            unicodedata.normalize("NFD", "What is the fee of the lighthouse in Bodø, Årdal?"),
            "What is the fee of the lighthouse in Bodø, Årdal?",
            id="letters in two parts",
        ),
    ],
)
def test_earlier_questions_are_cleaned_wherever_they_are_used(harbour, before, same):
    """Explanation, features and search read the conversation as the answer does: cleaned."""
    asked, given, clean = "When is it paid?", [Turn(before)], [Turn(same)]
    assert given != clean
    assert harbour.explain(asked, given) == harbour.explain(asked, clean)
    assert harbour.features(asked, given) == harbour.features(asked, clean)
    assert harbour.search(asked, given) == harbour.search(asked, clean)
    assert harbour.explain(asked, given)["query"]["search_text"] == harbour.ask(asked, given).query.search_text


# ---- The bare search ----


@pytest.mark.parametrize(("limit", "at_most"), [(None, 12), (1, 1), (2, 2), (1000, 50)])
def test_a_search_gives_ranked_hits_without_an_answer(harbour, limit, at_most):
    """The best hits first, no more than wanted and never more than the searches look at."""
    hits = harbour.search("What is the walrus fee?", limit=limit)
    assert 1 <= len(hits) <= at_most
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert "walrus fee" in hits[0].chunk.text
    assert [hit.chunk.id for hit in hits[:1]] == [harbour.search("What is the walrus fee?", limit=1)[0].chunk.id]


def test_a_search_finds_what_an_answer_is_made_of(harbour):
    """Without a limit the hits are those of the answer, also for a follow-up; it tells nothing of their sentences."""
    history = [Turn("What is the walrus fee?")]
    found, hits = harbour.search("When is it paid?", history), harbour.ask("When is it paid?", history).hits
    assert found == [replace(hit, sentences=()) for hit in hits]
    assert any(hit.sentences for hit in hits)
    assert harbour.search("When is it paid?", [{"question": "What is the walrus fee?"}]) == harbour.search(
        "When is it paid?", history
    )


@pytest.mark.parametrize("limit", [0, -1])
def test_a_search_for_nothing_is_refused(harbour, limit):
    """A limit below 1 is one sentence with the remedy."""
    with pytest.raises(UsageError, match=rf"A search for {limit} hits makes no sense\. Ask for 1 or more\."):
        harbour.search("What is the walrus fee?", limit=limit)


# ---- A corpus without some documents ----


def test_features_are_those_of_the_judgement(harbour):
    """What is learned from is what is judged by."""
    found, hits = harbour.features("What is the walrus fee?")
    assert found == harbour.explain("What is the walrus fee?")["features"]
    assert tuple(hits) == harbour.ask("What is the walrus fee?").hits


def test_an_answer_whose_document_is_taken_away_is_less_likely(harbour_with):
    """Without the documents that hold it, a question looks like one that nobody can answer."""
    harbour = harbour_with(**KNOWN)
    fees = frozenset({"en/mentors.md", "nb/mentorer.md"})
    whole, _ = harbour.features("What is the walrus fee?")
    found, hits = harbour.features("What is the walrus fee?", without=fees)
    assert hits
    assert not {hit.chunk.document_id for hit in hits} & fees
    judge = harbour.tuning.answerable
    assert judge.probability(found) < judge.probability(whole)
    assert found["covered"] < whole["covered"]


def test_without_every_document_nothing_is_found(harbour):
    """A corpus from which all is taken away is an empty one."""
    everything = frozenset(document.id for document in harbour.documents())
    found, hits = harbour.features("What is the walrus fee?", without=everything)
    assert hits == []
    assert (found["covered"], found["known_words"], found["best_rank"]) == (0.0, 0.0, 0.0)
    assert set(found) == set(harbour.features("What is the walrus fee?")[0])


@pytest.mark.slow
def test_translations_go_with_their_originals(open_over, tmp_path):
    """A document is taken away with what says the same in the other language, whichever of the two is named."""
    corpus = tmp_path / "pair"
    corpus.mkdir()
    for name, other, text in (("en.md", "nb.md", "The heron pays."), ("nb.md", "en.md", "Hegren betaler.")):
        (corpus / name).write_text(f"---\ntitle: {text}\ntranslations: [{other}]\n---\n\n{text}\n", encoding="utf-8")
    (corpus / "alone.md").write_text("The walrus sings alone in the harbour.\n", encoding="utf-8")
    assistant = open_over(corpus=corpus)
    assistant.sync()
    for name in ("en.md", "nb.md"):
        assert assistant.with_translations([name]) == {"en.md", "nb.md"}
    assert assistant.with_translations(["alone.md", "unknown.md"]) == {"alone.md", "unknown.md"}
    assert assistant.with_translations([]) == frozenset()
