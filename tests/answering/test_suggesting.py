"""Questions to start with and to go on with: the bank, and what of it is offered over a corpus."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.answering.suggesting import (
    COLUMNS,
    SEGMENTS,
    STAGES,
    BankQuestion,
    Suggestions,
    load_bank,
    read_bank,
)
from assistant.errors import UsageError
from assistant.language import detect_language

CORPUS = Path(__file__).resolve().parents[2] / "corpus"
LONGEST = 70

MENTORS, MENTORS_NB = "en/mentors.md", "nb/mentorer.md"
LIGHTHOUSE, LIGHTHOUSE_NB = "en/lighthouse.txt", "nb/fyrtårnet.txt"


def bank_question(id_: str, en: str, nb: str, *sources: str, segments: str = "", stages: str = "") -> BankQuestion:
    """Return a question of a made bank."""
    return BankQuestion(id_, frozenset(segments.split()), frozenset(stages.split()), frozenset(sources), en, nb)


COST = bank_question(
    "mentors.cost", "What does a mentor cost?", "Hva koster en mentor?", MENTORS, MENTORS_NB, stages="preparing"
)
OWNER = bank_question(
    "lighthouse.owner",
    "Who owns the lighthouse?",
    "Hvem eier fyrtårnet?",
    LIGHTHOUSE,
    LIGHTHOUSE_NB,
    segments="biotech",
    stages="exploring",
)
RECEIVES = bank_question(
    "mentors.receives", "What does every founder receive?", "Hva får hver gründer?", MENTORS, segments="medtech"
)
WAFFLES = bank_question("lighthouse.waffles", "Who serves waffles?", "Hvem serverer vafler?", LIGHTHOUSE)
MOON = bank_question("moon.price", "What does a flight to the moon cost?", "Hva koster en månereise?", "en/moon.md")
BANK = (COST, OWNER, RECEIVES, WAFFLES, MOON)


@pytest.fixture
def suggestions_over(harbour):
    """Return suggestions from a bank over the four pages, asked and embedded as the assistant does."""

    def make(*bank: BankQuestion, **doors: object) -> Suggestions:
        usual = {
            "ask": harbour.ask,
            "embed": harbour._embed_questions,
            "corpus": lambda: harbour._library.current,
        }
        return Suggestions(bank or BANK, **{**usual, **doors})

    return make


# ---- The bank ----


def test_every_question_has_an_id_of_its_own_and_a_topic():
    """The id names the question in logs and tests."""
    ids = [question.id for question in load_bank()]
    assert len(ids) == len(set(ids)) >= 100
    assert all(question.topic and question.id.removeprefix(f"{question.topic}.") for question in load_bank())


@pytest.mark.parametrize("language", ["en", "nb"])
def test_every_question_is_short_and_in_its_language(language):
    """A suggestion fits on a button, and no column holds the other language."""
    texts = [question.text(language) for question in load_bank()]
    assert len(texts) == len(set(texts))
    assert [text for text in texts if not text.endswith("?") or len(text) > LONGEST or text != text.strip()] == []
    assert [text for text in texts if detect_language(text) != language] == []


@pytest.mark.parametrize(("known", "column"), [(SEGMENTS, "segments"), (STAGES, "stages")], ids=["segments", "stages"])
def test_each_segment_and_each_stage_has_at_least_twelve_questions_that_name_it(known, column):
    """Whoever chooses one is offered something that others are not, and no value is misspelt."""
    named = Counter(value for question in load_bank() for value in getattr(question, column))
    assert set(named) == set(known)
    assert min(named.values()) >= 12


def test_every_source_is_a_document_of_the_corpus():
    """A question whose documents are misspelt would never be offered."""
    assert {
        source for question in load_bank() for source in question.sources if not (CORPUS / source).is_file()
    } == set()
    assert [question.id for question in load_bank() if not question.sources] == []


@pytest.mark.parametrize(
    "lines",
    [["id\ten\tnb"], ["\t".join(COLUMNS), "programme.what\tWhat is it?\tHva er det?"]],
    ids=["other columns", "a cell too few"],
)
def test_a_bank_with_other_columns_is_refused(lines):
    """A line that lost a tab is named."""
    with pytest.raises(UsageError, match="of the bank of questions has other columns than id, segments"):
        read_bank(lines)


def test_comments_and_empty_lines_are_no_questions():
    """The file explains itself."""
    lines = ["# Why\n", "\n", "\t".join(COLUMNS) + "\n", "a.b\tmedtech biotech\t\tone.md two.md\tWhat?\tHva?\n"]
    (question,) = read_bank(lines)
    assert question == BankQuestion(
        "a.b", frozenset({"medtech", "biotech"}), frozenset(), frozenset({"one.md", "two.md"}), "What?", "Hva?"
    )


# ---- To start with ----


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", (COST.en, OWNER.en, WAFFLES.en)), ("nb", (COST.nb, OWNER.nb)), ("nn", (COST.nb, OWNER.nb))],
    ids=["English", "bokmål", "nynorsk"],
)
def test_starters_are_questions_that_the_corpus_answers(suggestions_over, language, expected):
    """Nothing is offered without an answer in that language; bokmål stands for nynorsk."""
    offered = suggestions_over().starters(None, None, language)
    assert set(expected) <= set(offered)
    assert not {MOON.en, MOON.nb} & set(offered)


@pytest.mark.parametrize(
    ("segment", "stage", "expected"),
    [
        (None, None, [COST, OWNER, RECEIVES, WAFFLES]),
        ("medtech", None, [RECEIVES, COST, WAFFLES]),
        ("biotech", None, [OWNER, COST, WAFFLES]),
        ("elder_care", None, [COST, WAFFLES]),
        (None, "exploring", [OWNER, RECEIVES, WAFFLES, COST]),
        ("biotech", "preparing", [COST, WAFFLES, OWNER]),
    ],
    ids=["everybody", "medtech", "biotech", "a segment without own", "a stage", "another stage last"],
)
def test_starters_fit_best_first(suggestions_over, segment, stage, expected):
    """One's own segment before everybody's, never another's; the stage before other stages; each topic in turn."""
    offered = suggestions_over().starters(segment, stage)
    assert list(offered) == [question.en for question in expected]
    assert offered == suggestions_over().starters(segment, stage)


def test_starters_come_from_several_topics(suggestions_over):
    """A third question of one topic waits until every other topic had its turn."""
    third = replace(COST, id="mentors.again")
    offered = suggestions_over(COST, RECEIVES, third, OWNER).starters(count=3)
    assert offered == (COST.en, OWNER.en, RECEIVES.en)


def test_before_the_models_are_loaded_nothing_is_asked(suggestions_over):
    """The first page waits for nothing: what has its documents in the corpus is shown."""

    def ask(question: str) -> None:
        raise AssertionError(f"{question} was asked")

    offered = suggestions_over(ask=ask, ready=lambda: False).starters()
    assert set(offered) == {question.en for question in BANK} - {MOON.en}


@pytest.mark.parametrize(
    ("segment", "stage", "match"),
    [
        ("dentists", None, "no segment 'dentists'. Choose one of medtech"),
        (None, "S1", "no stage 'S1'. Choose one of ex"),
    ],
    ids=["segment", "stage"],
)
def test_an_unknown_segment_or_stage_is_refused(suggestions_over, segment, stage, match):
    """One sentence says what there is."""
    with pytest.raises(UsageError, match=match):
        suggestions_over().starters(segment, stage)


# ---- To go on with ----


@pytest.mark.parametrize(
    ("asked", "language", "first"),
    [
        ("Whom do companies meet?", "en", RECEIVES.en),
        ("Hvem møter hver bedrift?", "nb", COST.nb),
    ],
    ids=["English", "Norwegian"],
)
def test_follow_ups_are_near_to_the_question_and_its_answer(harbour, suggestions_over, asked, language, first):
    """What comes next is about the same thing, in the language asked for."""
    offered = suggestions_over().follow_ups([asked], harbour.ask(asked), language, count=1)
    assert offered == (first,)


@pytest.mark.parametrize(
    ("document", "first"),
    [(MENTORS, {RECEIVES.en}), (LIGHTHOUSE, {OWNER.en, WAFFLES.en})],
    ids=["mentors", "lighthouse"],
)
def test_questions_from_the_document_that_opened_the_answer_come_first(harbour, suggestions_over, document, first):
    """Whoever reads in a document is offered what else it says."""
    asked = "What else is there to know?"
    answer = harbour.ask("What does a mentor cost?")
    cited = replace(answer.citations[0], document=document, start=0, quote="There is more to know.")
    answer = replace(answer, query=harbour.ask(asked).query, citations=(cited,))
    offered = suggestions_over(RECEIVES, OWNER, WAFFLES).follow_ups([asked], answer, count=1)
    assert set(offered) <= first
    assert offered


@pytest.mark.parametrize(
    "asked",
    ["What does a mentor cost?", "what does a MENTOR cost", "Hva koster en mentor?", "How much does a mentor cost?"],
    ids=["as it stands", "other case", "the other language", "a paraphrase"],
)
def test_what_was_asked_is_not_offered_again(harbour, suggestions_over, asked):
    """Neither in the same words nor in others, also when something else was asked since."""
    latest = "Who owns the lighthouse?"
    suggestions = suggestions_over()
    for conversation in ([asked], [asked, latest]):
        offered = suggestions.follow_ups(conversation, harbour.ask(conversation[-1]))
        assert COST.en not in offered
        assert RECEIVES.en in offered


def test_an_answer_that_was_just_read_is_not_offered_again(harbour, suggestions_over):
    """Words may differ so much that no likeness tells: the quote that would open the answer does."""
    answer = harbour.ask("What does a mentor cost?")
    other_words = "Tell me of the money"
    assert COST.en not in suggestions_over().follow_ups([other_words], replace(answer, query=harbour.ask("x").query))


def test_follow_ups_do_not_repeat_each_other(harbour, suggestions_over):
    """Of two that ask the same only one is offered."""
    twin = replace(COST, id="fees.mentor", en="How much does a mentor cost?")
    asked = "Who owns the lighthouse?"
    offered = suggestions_over(COST, twin, OWNER, RECEIVES).follow_ups([asked], harbour.ask(asked))
    assert len({COST.en, twin.en} & set(offered)) == 1


@pytest.mark.parametrize("asked", ["Hello!", "Thank you"])
def test_after_small_talk_come_questions_to_start_with(harbour, suggestions_over, asked):
    """Small talk is near to nothing."""
    suggestions = suggestions_over()
    assert suggestions.follow_ups([asked], harbour.ask(asked)) == suggestions.starters(count=3)


@pytest.mark.parametrize(
    ("bank", "count"), [((MOON,), 3), (BANK, 0)], ids=["nothing answered", "none wanted"]
)  # fmt: skip
def test_there_may_be_no_follow_up(harbour, suggestions_over, bank, count):
    """Better none than one in vain."""
    asked = "Who owns the lighthouse?"
    assert suggestions_over(*bank).follow_ups([asked], harbour.ask(asked), count=count) == ()


# ---- What the corpus answers ----


def test_an_answer_from_other_documents_does_not_count(suggestions_over):
    """Something that looks like an answer is found for most questions, also when the right document is gone."""
    elsewhere = replace(COST, id="mentors.elsewhere", sources=frozenset({LIGHTHOUSE}))
    assert suggestions_over(COST, elsewhere).starters() == (COST.en,)


def test_each_question_is_asked_once_until_the_corpus_changes(harbour, suggestions_over):
    """What was found out holds for one state of the corpus."""
    asked: list[str] = []

    def ask(question: str):
        asked.append(question)
        return harbour.ask(question)

    states = [dict(harbour._library.current)]
    suggestions = suggestions_over(ask=ask, corpus=lambda: states[-1])
    first = suggestions.starters()
    assert suggestions.starters() == first
    assert sorted(asked) == sorted({COST.en, OWNER.en, RECEIVES.en, WAFFLES.en})
    states.append({id_: version for id_, version in states[-1].items() if id_ not in (MENTORS, MENTORS_NB)})
    assert suggestions.starters() == (OWNER.en, WAFFLES.en)
    assert len(asked) == 6


def test_prepared_suggestions_ask_nothing_more(harbour, suggestions_over):
    """Everything can be found out ahead, in both languages, and given up at any time."""
    asked: list[str] = []

    def ask(question: str):
        asked.append(question)
        return harbour.ask(question)

    suggestions = suggestions_over(ask=ask)
    suggestions.prepare(goes_on=lambda: len(asked) < 2)
    assert len(asked) == 2
    suggestions.prepare()
    assert len(asked) == len(set(asked)) == 8
    suggestions.starters(language="nb")
    suggestions.follow_ups([OWNER.en], harbour.ask(OWNER.en))
    assert len(asked) == 8


# ---- In the assistant ----


def test_the_assistant_offers_nothing_over_a_corpus_that_does_not_hold_the_bank_s_documents(harbour):
    """Over somebody else's documents our questions would be asked in vain."""
    assert harbour.starters() == ()
    asked = "Who owns the lighthouse?"
    assert harbour.follow_ups([asked], harbour.ask(asked)) == ()


def test_the_assistant_stops_offering_what_was_removed(open_over, corpus, data):
    """A bank question is offered while its document is in, and not a moment longer."""
    page = corpus / "programme" / "what-is-usa-next.md"
    page.write_bytes((CORPUS / "programme" / "what-is-usa-next.md").read_bytes())
    assistant = open_over()
    assistant.sync()
    assert "What is USA next!?" in assistant.starters()
    asked = "When did USA next! start?"
    assert "What is USA next!?" in assistant.follow_ups([asked], assistant.ask(asked))
    page.unlink()
    assistant.sync()
    assert assistant.starters() == ()
    assert assistant.follow_ups([asked], assistant.ask(asked)) == ()
