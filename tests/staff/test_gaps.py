"""The gap board over a real assistant: groups, what staff do with them, and what a new document answers."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import pytest

from assistant.answering.grouping import Grouping
from assistant.domain import Answer, Citation, Query
from assistant.errors import UsageError
from assistant.staff.gaps import COLUMNS, GapBoard
from assistant.store.journal import Journal

FERRY = ("What does the ferry to the island cost for a car?", "When does the last ferry of the day leave?")
VISA = ("Which visa do our engineers need in the United States?", "Hvilket visum trenger ingeniørene våre i USA?")
TAX = "Do we have to collect sales tax in Texas?"
TARIFF = (
    "# Tariff of the ferry\n\nThe ferry to the island costs 350 kroner for a car. Foot passengers pay 40 kroner.\n\n"
    "The first ferry of the day leaves at 6.15 from the northern quay, and the last ferry of the day leaves at 23.40.\n"
)


def refusal(text: str, **changes) -> Answer:
    """Return a refusal of a question that nobody asked the assistant."""
    nearest = changes.pop("nearest", ("notes/lighthouse.txt", "gone.md"))
    language = changes.pop("language", "en")
    return Answer("No.", "abstained", language, Query(text, text, language), "not_covered", nearest=nearest)


@pytest.fixture
def journal(tmp_path):
    """An empty journal."""
    with closing(Journal(tmp_path / "journal.sqlite")) as opened:
        yield opened


@pytest.fixture
def board(journal, embedder):
    """A board with the bundled model; nothing is answered again."""
    titles = {"notes/lighthouse.txt": "The lighthouse"}
    grouping = Grouping(embedder.embed)
    return GapBoard(journal.questions, grouping, ask=refusal, title_of=titles.get, explain=lambda text: {"asked": text})


def asked(journal: Journal, *texts: str) -> None:
    """Let founders ask in vain."""
    for text in texts:
        journal.questions.record(refusal(text))


def titles(gaps) -> list[tuple[str, ...]]:
    """Return the questions of each group."""
    return [tuple(question.text for question in gap.questions) for gap in gaps]


# ---- Looking ----


def test_questions_stand_in_groups_with_counts_and_nearest_documents(board, journal):
    """Those asked most first; the question asked most stands for its group; documents that are gone are not named."""
    asked(journal, *VISA, TAX, *[VISA[1]] * 2)
    visa, tax = board.board()
    assert (visa.title, visa.count, tax.title, tax.count) == (VISA[1], 4, TAX, 1)
    assert {question.text for question in visa.questions} == set(VISA)
    assert visa.counts == ((visa.questions[0].first_day[:7], 4),)
    assert visa.nearest == (("notes/lighthouse.txt", "The lighthouse"),)
    assert (visa.status, visa.note) == ("open", "")


def test_a_group_keeps_its_id_as_questions_come(board, journal):
    """A link to it opens it tomorrow too."""
    asked(journal, VISA[0])
    (before,) = board.board()
    asked(journal, TAX, VISA[1])
    assert {gap.id: gap.count for gap in board.board()}[before.id] == 2


def test_open_groups_stand_before_the_others(board, journal):
    """Then what is being written, answered, out of scope."""
    asked(journal, VISA[0], VISA[0], TAX)
    visa, tax = board.board()
    board.set_status(visa.id, "out_of_scope", by="Kari", note="Ask a lawyer.")
    assert [(gap.id, gap.status, gap.note) for gap in board.board()] == [
        (tax.id, "open", ""), (visa.id, "out_of_scope", "Ask a lawyer."),
    ]  # fmt: skip


def test_without_words_questions_meet_at_the_nearest_document(tmp_path, embedder):
    """Nothing else is known of them; such a group has no title, and is never asked again."""
    with closing(Journal(tmp_path / "apart.sqlite", gap_texts=False)) as journal:
        grouping = Grouping(embedder.embed)
        board = GapBoard(journal.questions, grouping, ask=refusal, title_of=lambda id_: id_, explain=dict)
        journal.questions.record(refusal(VISA[0], nearest=("a.md", "b.md")))
        journal.questions.record(refusal(TAX, nearest=("b.md",)))
        assert len(board.board()) == 2
        journal.questions.record(refusal(VISA[1], nearest=("a.md",), language="nb"))
        first, second = board.board()
        assert [(gap.title, gap.count, gap.nearest[0]) for gap in (first, second)] == [
            ("", 2, ("a.md", "a.md")), ("", 1, ("b.md", "b.md")),
        ]  # fmt: skip
        assert board.ask_again() == []
        assert (board.keeping.texts, board.keeping.days) == (False, 180)


def test_why_explains_any_question(board):
    """As the assistant explains it."""
    assert board.why(TAX) == {"asked": TAX}


# ---- What staff do ----


def test_what_staff_merge_stays_merged_and_what_they_split_stays_split(board, journal):
    """Also when new questions come."""
    asked(journal, *VISA, TAX)
    visa, tax = board.board()
    both = board.merge([visa.id, tax.id], by="Kari")
    assert (both.id, both.count) == (min(visa.id, tax.id), 3)
    norwegian = next(question.id for question in both.questions if question.text == VISA[1])
    alone = board.split(both.id, [norwegian], by="Kari")
    assert titles([alone]) == [(VISA[1],)]
    asked(journal, "Hvilket visum trenger ingeniørene?", "Which visa do engineers need?")
    groups = {frozenset(texts) for texts in titles(board.board())}
    assert any({VISA[0], TAX} <= texts and VISA[1] not in texts for texts in groups)
    assert sum(len(texts) for texts in groups) == 5


def test_a_note_outlives_a_merge(board, journal):
    """Where the older group has none."""
    asked(journal, VISA[0], TAX)
    first, second = sorted(board.board(), key=lambda gap: gap.id)
    board.set_status(second.id, "writing", by="Kari", note="Ola asks the harbour.")
    merged = board.merge([first.id, second.id], by="Kari")
    assert (merged.status, merged.note) == ("open", "Ola asks the harbour.")


def test_what_cannot_be_done_gets_one_sentence(board, journal):
    """And changes nothing."""
    asked(journal, *VISA)
    (gap,) = board.board()
    every = [question.id for question in gap.questions]
    for wrong in (lambda: board.set_status(99, "open", by="K"), lambda: board.split(99, [1], by="K"),
                  lambda: board.merge([gap.id, 99], by="K")):  # fmt: skip
        with pytest.raises(UsageError, match=r"^There is no group 99 any more"):
            wrong()
    with pytest.raises(UsageError, match=r"^One group alone cannot be merged"):
        board.merge([gap.id, gap.id], by="K")
    with pytest.raises(UsageError, match=r"^Question 99 is not in group"):
        board.split(gap.id, [99], by="K")
    for chosen in ([], every):
        with pytest.raises(UsageError, match=r"at least one, and not all"):
            board.split(gap.id, chosen, by="K")
    assert board.board() == [gap]


# ---- A new document ----


def test_a_new_document_flips_exactly_what_it_covers(synced, corpus):
    """Refused before, answered after, by a real ingest; the group of both is answered, the others stay open."""
    questions = synced.journal.questions
    board = GapBoard(
        questions,
        Grouping(synced.embedder.embed),
        ask=synced.ask,
        title_of=lambda id_: getattr(synced.document(id_), "title", None),
        explain=synced.explain,
    )
    for text in (*FERRY, VISA[0], TAX):
        answer = synced.ask(text)
        assert answer.outcome == "abstained", text
        questions.record(answer)
    assert board.ask_again() == []
    assert {question.answered_now for gap in board.board() for question in gap.questions} == {False}
    ferry = {gap.id for gap in board.board() if gap.questions[0].text in FERRY}
    (corpus / "ferry.md").write_text(TARIFF, encoding="utf-8")
    assert not synced.sync().failed
    assert {gap.id for gap in board.ask_again()} == ferry
    flipped = {question.text: question.answered_now for gap in board.board() for question in gap.questions}
    assert flipped == dict.fromkeys(FERRY, True) | dict.fromkeys((VISA[0], TAX), False)
    assert {gap.id for gap in board.board() if gap.status == "answered"} == ferry
    assert {gap.status for gap in board.board() if gap.id not in ferry} == {"open"}
    assert board.ask_again() == [], "what is answered is told once"


def test_what_staff_put_out_of_scope_is_not_asked_again(board, journal):
    """Nobody waits for it."""
    asked(journal, "Who leads the programme?", VISA[0])
    for gap in board.board():
        board.set_status(gap.id, "out_of_scope", by="Kari")
    board.ask_again()
    assert {question.answered_now for gap in board.board() for question in gap.questions} == {None}


@pytest.mark.parametrize("outcome", ["answered", "partly"])
def test_a_group_with_one_question_half_answered_stays_open(journal, outcome):
    """Wholly answered is every question, and each of them whole."""
    asked(journal, *VISA)
    board = _board(journal, lambda text: _answer(text, outcome if text == VISA[0] else "answered"))
    closed = board.ask_again()
    assert len(closed) == (outcome == "answered")
    assert board.board()[0].status == ("answered" if outcome == "answered" else "open")


def test_what_did_not_help_needs_another_source(journal):
    """It was answered before: the same version once more is no better, a new one is."""
    given = {"why": None, "outcome": "answered", "reason": None, "language": "en", "documents": []}
    journal.give_feedback(**given, helpful=False, in_vain=_answer(VISA[0], "answered", "v1"))
    assert _board(journal, lambda text: _answer(text, "answered", "v1")).ask_again() == []
    (closed,) = _board(journal, lambda text: _answer(text, "answered", "v2")).ask_again()
    assert closed.questions[0].answered_now is True


def _answer(text: str, outcome: str, version: str = "v1") -> Answer:
    citation = Citation(1, "A fee.", "fees.md", version, "Fees", "en", None, None, None, 0, 6, None)
    return Answer("A fee. [1]", outcome, "en", Query(text, text, "en"), citations=(citation,))


def _board(journal: Journal, ask) -> GapBoard:
    """Return a board that groups everything, without a model."""
    grouping = Grouping(lambda texts: [[1.0, 0.0]] * len(texts), ordinary=(), alike_from=-1.0)
    return GapBoard(journal.questions, grouping, ask=ask, title_of=lambda id_: None, explain=dict)


# ---- The file ----


def test_the_file_holds_a_line_a_question(board, journal):
    """With a byte order mark, so that every spreadsheet reads the letters, with both days and all counts."""
    asked(journal, "Hva koster ærfugl?", "Hva koster ærfugl?")
    (gap,) = board.board()
    board.set_status(gap.id, "writing", by="Kari", note="Ola, fredag")
    content = board.csv()
    assert content.startswith(b"\xef\xbb\xbf")
    head, line = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    day = gap.questions[0].first_day
    assert tuple(head) == COLUMNS
    assert line == [
        str(gap.id), "Hva koster ærfugl?", "writing", "Ola, fredag", "Hva koster ærfugl?", "en", "refused",
        "not_covered", "", day, day, "2", f"{day[:7]}: 2", "", "notes/lighthouse.txt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "  =1+1", "|calc", "\uff1d1+1", "%0A=1"],
)
def test_no_cell_is_a_formula(board, journal, text):
    """Whatever a founder, or somebody else, asked; the words are still readable."""
    asked(journal, text)
    (gap,) = board.board()
    board.set_status(gap.id, "open", by="Kari", note=text)
    _, line = csv.reader(io.StringIO(board.csv().decode("utf-8-sig")))
    assert all(cell[:1] not in tuple("=+-@|%\uff1d") for cell in line)
    assert line[3] == f"'{text}"
