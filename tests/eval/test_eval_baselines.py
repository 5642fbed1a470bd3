"""The two baselines, on a real Chroma, and the choice of the threshold."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import numpy as np
import pytest

from assistant.domain import Document, Section
from eval.baselines import BestSentence, ChunkIndex, Tutorial, split_documents
from eval.errors import Misuse
from eval.schema import answer_line_schema
from eval.tuning import Trial, choose_threshold
from tests.eval.eval_cases import OFFICE, HashingEmbedder, text_of


@pytest.fixture
def chunks(documents: list[Document], tmp_path: Path) -> ChunkIndex:
    """TEXTS as chunks."""
    return ChunkIndex(documents, HashingEmbedder(), cache=tmp_path)


def test_tutorial_shows_chunks_and_never_abstains(chunks: ChunkIndex) -> None:
    """The nearest chunk stands first, every quote is verbatim, and nonsense is answered too."""
    system = Tutorial(chunks)
    answer = system.ask("The programme has an office in Boston?", ())
    assert OFFICE in answer["citations"][0]["quote"]
    assert all(text_of(c["document"], c["version"])[c["start"] : c["end"]] == c["quote"] for c in answer["citations"])  # type: ignore[index]
    assert system.ask("Xyzzy?", ())["outcome"] == "answered"


def test_best_sentence_abstains_below_its_threshold(chunks: ChunkIndex) -> None:
    """One sentence, or none."""
    question = "has the programme an office in Boston"
    shown = BestSentence(chunks, HashingEmbedder(), threshold=0.3).ask(question, ())
    assert shown["text"] == f"{OFFICE} [1]"
    refused = BestSentence(chunks, HashingEmbedder(), threshold=1.01).ask(question, ())
    assert (refused["outcome"], refused["nearest"], refused["citations"]) == ("abstained", ["office.md"], [])


def test_baselines_write_answer_lines(chunks: ChunkIndex) -> None:
    """Both systems' answers validate against the schema of the assistant's."""
    for system in (Tutorial(chunks), BestSentence(chunks, HashingEmbedder(), threshold=0.9)):
        jsonschema.validate({"id": "a", "answer": system.ask("office in Boston", ())}, answer_line_schema())


def test_an_empty_corpus_has_no_answer(tmp_path: Path) -> None:
    """Even the tutorial has nothing to show then."""
    empty = ChunkIndex([], HashingEmbedder(), cache=tmp_path)
    assert Tutorial(empty).ask("Anything?", ())["reason"] == "empty_corpus"
    assert BestSentence(empty, HashingEmbedder(), threshold=0).ask("Anything?", ())["reason"] == "empty_corpus"


def test_vectors_are_kept(documents: list[Document], tmp_path: Path) -> None:
    """The second index of the same chunks embeds nothing."""

    class Tired(HashingEmbedder):
        """Embeds questions only."""

        def embed(self, texts, /):  # type: ignore[no-untyped-def]
            """Refuse more than one text."""
            assert len(texts) == 1
            return super().embed(texts)

    ChunkIndex(documents, HashingEmbedder(), cache=tmp_path)
    assert ChunkIndex(documents, Tired(), cache=tmp_path).search("office", 1)
    assert np.load(next(tmp_path.glob("*.npy"))).shape == (2, 64)


def test_passages_stand_where_they_say() -> None:
    """Chunks of a long text are cut as the tutorial does, and each is what stands at its offsets."""
    text = "\n\n".join(f"Paragraph {number}. " + "Same words again. " * 20 for number in range(12))
    document = Document("a.md", "a", text, (Section(0, len(text), "a", "en"),), "0" * 64)
    passages = split_documents([document])
    assert len(passages) > 3
    assert all(0 < len(passage.text) <= 1000 for passage in passages)
    assert max(passage.end for passage in passages) >= len(text.rstrip())


@pytest.mark.parametrize(
    ("trials", "threshold"),
    [
        pytest.param([(0.9, True, True), (0.2, False, False)], 0.9, id="the one answerable question is kept"),
        pytest.param([(0.3, True, True), (0.4, True, True), (0.5, False, False)], 0.3, id="few: none may be refused"),
        pytest.param(
            [*((0.5 + number / 100, True, True) for number in range(25)), (0.1, False, False)],
            0.52,
            id="two of twenty-five may be refused",
        ),
    ],
)
def test_choose_threshold(trials: list[tuple[float, bool, bool]], threshold: float) -> None:
    """The threshold is the highest that refuses at most 8 % of the answerable questions."""
    assert choose_threshold([Trial(*trial) for trial in trials]).threshold == threshold


def test_tuning_needs_both_kinds() -> None:
    """With answerable questions alone, answering everything would be best."""
    with pytest.raises(Misuse, match="Tuning needs answerable questions"):
        choose_threshold([Trial(0.5, True, True)])
