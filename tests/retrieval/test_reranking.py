"""Reranking: what every reranker promises, what a CrossEncoder adds, and what the retriever makes of its scores."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.domain import Document, Hit, Metadata, Query, Turn
from assistant.errors import ModelUnavailable
from assistant.index.embedding import ModelEmbedder
from assistant.index.sentence_vectors import SentenceVectors
from assistant.retrieval.conversation import make_query
from assistant.retrieval.reranking import CrossEncoderReranker, Reranker, not_lifted, reordered
from assistant.retrieval.retriever import HybridRetriever
from assistant.retrieval.validity import Judged
from assistant.tuning import load_tuning

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["heron", "walrus", "puffin", "lighthouse", "mentor", "fee", "harbour", "who", "what", "##s", "hva", "hvem"]
LETTERS = [prefix + letter for letter in "abcdefghijklmnopqrstuvwxyzæøå0123456789.,?" for prefix in ("", "##")]
READS_TOKENS = 96


# ---- Real models, made here ----


def write_cross_encoder(folder: Path, *, labels: int = 1, weight: float | None = None) -> Path:
    """Write a small CrossEncoder with random weights, always the same; `weight` fills its last layer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    folder.mkdir(parents=True)
    vocabulary = [*SPECIAL, *WORDS, *LETTERS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), model_max_length=READS_TOKENS, strip_accents=False)
    assert tokenizer.tokenize("Herons på 7") == ["heron", "##s", "p", "##å", "7"]
    tokenizer.save_pretrained(folder)
    torch.manual_seed(4711)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=READS_TOKENS, num_labels=labels, initializer_range=0.5,
        )
    )  # fmt: skip
    if weight is not None:
        torch.nn.init.constant_(model.classifier.weight, weight)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real CrossEncoder with one label."""
    return write_cross_encoder(tmp_path_factory.mktemp("reranker") / "model")


@pytest.fixture(scope="module")
def loaded(cross_encoder: Path) -> CrossEncoderReranker:
    """The same model, loaded once."""
    return CrossEncoderReranker(str(cross_encoder), threads=1)


class Liking:
    """A reranker that counts how often a text holds a word, and remembers what it was given to read."""

    def __init__(self, word: str = "heron") -> None:
        self.word = word
        self.read: list[tuple[str, list[str]]] = []

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one count per text."""
        self.read.append((question, list(texts)))
        return [float(text.lower().count(self.word)) for text in texts]


# ---- What every reranker promises ----


class RerankerContract:
    """Laws of `Reranker.scores`; a subclass gives the fixture `reranker`."""

    QUESTION = "Who is the heron of the harbour?"
    TEXTS = ("The heron herons.", "A fee of 4711.", "Hegren på øya er en heron.", "", "Herons, heron and heron?")

    def test_one_finite_score_per_text(self, reranker):
        """Every text has a score that can be sorted by, also an empty one; they tell texts apart."""
        scores = reranker.scores(self.QUESTION, self.TEXTS)
        assert len(scores) == len(self.TEXTS)
        assert all(type(score) is float and math.isfinite(score) for score in scores)
        assert len(set(scores)) > 1

    def test_a_score_is_that_of_its_own_text(self, reranker):
        """Neighbours and order change no score, so that a list can be cut anywhere."""
        together = reranker.scores(self.QUESTION, self.TEXTS)
        assert reranker.scores(self.QUESTION, self.TEXTS[::-1])[::-1] == pytest.approx(together, abs=1e-5)
        alone = [reranker.scores(self.QUESTION, [text])[0] for text in self.TEXTS]
        assert alone == pytest.approx(together, abs=1e-5)

    def test_no_texts_have_no_scores(self, reranker):
        """Nothing in, nothing out."""
        assert reranker.scores(self.QUESTION, []) == []

    @pytest.mark.parametrize(
        ("question", "text"),
        [
            pytest.param("", "", id="nothing"),
            pytest.param("heron " * 2000, "fee " * 2000, id="longer than a model reads"),
            pytest.param("什么 😀", "[SEP] [CLS] \x00", id="odd signs"),
        ],
    )
    def test_no_text_breaks_it(self, reranker, question, text):
        """Whatever people write is scored."""
        (score,) = reranker.scores(question, [text])
        assert math.isfinite(score)


class TestLiking(RerankerContract):
    """The counting one of these tests."""

    @pytest.fixture
    def reranker(self) -> Reranker:
        return Liking()


class TestCrossEncoderReranker(RerankerContract):
    """A real model from its folder."""

    @pytest.fixture
    def reranker(self, loaded: CrossEncoderReranker) -> Reranker:
        return loaded

    def test_scores_are_the_library_s(self, reranker, cross_encoder):
        """Scores are those that sentence-transformers itself gives the pairs of question and text."""
        from sentence_transformers import CrossEncoder

        pairs = [(self.QUESTION, text) for text in self.TEXTS]
        expected = CrossEncoder(str(cross_encoder), device="cpu").predict(pairs)
        assert reranker.scores(self.QUESTION, self.TEXTS) == pytest.approx(expected.tolist(), abs=1e-5)

    def test_the_question_counts(self, reranker):
        """Another question gives a text another score."""
        first, second = (reranker.scores(question, ["The fee."])[0] for question in ("What fee?", "Hvem er heron?"))
        assert first != pytest.approx(second, abs=1e-4)


# ---- Loading ----


def test_a_model_is_loaded_with_the_first_question(cross_encoder):
    """Neither making a reranker nor asking it nothing loads a model; the first texts do."""
    reranker = CrossEncoderReranker(str(cross_encoder), threads=1)
    assert reranker.scores("What?", []) == []
    assert not reranker.is_loaded
    reranker.scores("What?", ["The fee."])
    assert reranker.is_loaded


@pytest.mark.slow
def test_a_reranker_that_was_not_asked_imports_nothing_heavy():
    """A process that only plans or reports stays light."""
    code = (
        "from assistant.retrieval.reranking import CrossEncoderReranker; import sys;"
        "CrossEncoderReranker('model', threads=1).scores('What?', []);"
        "print(*{'torch', 'sentence_transformers', 'transformers'} & set(sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("/nowhere/model", r"^The reranker /nowhere/model is not a folder\. Set", id="no such folder"),
        pytest.param("./nowhere", r"^The reranker ./nowhere is not a folder\. Set", id="no such relative folder"),
        pytest.param("no-such-model-xyz", r"no-such-model-xyz cannot be loaded from the local model cache", id="name"),
        pytest.param("\0", "cannot be loaded from|is not a folder", id="no name at all"),
    ],
)
def test_a_missing_model_is_one_sentence(name, message):
    """The message says what was looked for and which setting to change, each time anew."""
    reranker = CrossEncoderReranker(name, threads=1)
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match=message) as caught:
            reranker.scores("What?", ["The fee."])
        assert "Set ASSISTANT_RERANKER to a folder" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda folder: (folder / "model.safetensors").write_bytes(b"not weights"), id="damaged weights"),
        pytest.param(lambda folder: (folder / "model.safetensors").unlink(), id="no weights"),
        pytest.param(lambda folder: (folder / "tokenizer.json").write_text("{"), id="damaged tokenizer"),
        pytest.param(lambda folder: (folder / "config.json").write_text("{"), id="damaged configuration"),
        pytest.param(lambda folder: [shutil.rmtree(folder), folder.mkdir()], id="empty folder"),
    ],
)
def test_a_damaged_folder_is_one_sentence(harm, cross_encoder, tmp_path):
    """Whatever is wrong with the folder, the message names it and the setting."""
    folder = tmp_path / "model"
    shutil.copytree(cross_encoder, folder)
    harm(folder)
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded from the folder .*Set ASSISTANT_RERANKER"):
        CrossEncoderReranker(str(folder), threads=1).scores("What?", ["The fee."])


def test_a_model_that_embeds_is_no_reranker():
    """The library would give it a head of random weights; here it is refused."""
    folder = ModelEmbedder().folder
    with pytest.raises(ModelUnavailable, match=r"is no reranker: it was not made to judge pairs.*ASSISTANT_RERANKER"):
        CrossEncoderReranker(str(folder), threads=1).scores("What?", ["The fee."])


def test_more_than_one_label_is_refused(tmp_path):
    """Three labels, as of a model that judges contradiction, are no order."""
    folder = write_cross_encoder(tmp_path / "model", labels=3)
    with pytest.raises(ModelUnavailable, match=r"gives 3 labels to a pair .*Set ASSISTANT_RERANKER"):
        CrossEncoderReranker(str(folder), threads=1).scores("What?", ["The fee."])


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    """Damaged weights that load all the same would shuffle the hits."""
    folder = write_cross_encoder(tmp_path / "model", weight=math.nan)
    with pytest.raises(ModelUnavailable, match=r"gives scores that are no numbers.*Set ASSISTANT_RERANKER"):
        CrossEncoderReranker(str(folder), threads=1).scores("What?", ["The fee."])


# ---- Hits and scores, without a model ----


@pytest.fixture
def make_hits(make_chunk) -> Callable[..., list[Hit]]:
    """Return hits with the scores given, named a, b, c ..."""

    def make(*scores: float) -> list[Hit]:
        return [
            Hit(make_chunk(f"Text {name}.", id_=name), rank, score)
            for rank, (name, score) in enumerate(zip("abcdefgh", scores, strict=False), start=1)
        ]

    return make


def ids(hits: Sequence[Hit]) -> str:
    """Return the names of the hits in a row."""
    return "".join(hit.chunk.document_id for hit in hits)


@pytest.mark.parametrize(
    ("own", "scores", "order", "moved"),
    [
        pytest.param((0.9, 0.5, 0.1), (-7, 0, 7), "cba", (0.9, 0.5, 0.1), id="turned round"),
        pytest.param((0.9, 0.5, 0.1), (1, 4, 2), "bca", (0.9, 0.1 + 0.8 / 3, 0.1), id="spread as the scores are"),
        pytest.param((0.9, 0.5, 0.1), (3, 3, 3), "abc", (0.9, 0.9, 0.9), id="all alike"),
        pytest.param((0.8, 0.8), (1, 2), "ba", (0.8, 0.8), id="own scores alike"),
        pytest.param((0.8, 0.0), (1, 2), "ba", (0.8, 0.04), id="never zero"),
        pytest.param((0.7,), (-3,), "a", (0.7,), id="one"),
        pytest.param((), (), "", (), id="none"),
    ],
)
def test_hits_take_the_order_of_the_scores(make_hits, own, scores, order, moved):
    """The best score goes first; scores move into the range of the hits' own."""
    found = reordered(make_hits(*own), scores)
    assert ids(found) == order
    assert [hit.score for hit in found] == pytest.approx(moved)
    assert [hit.rank for hit in found] == list(range(1, len(own) + 1))


def test_an_outdated_hit_is_not_lifted(make_hits):
    """What no longer holds stays behind what stood before it, and may pass what stood behind it."""
    before = [Judged(hit, "expired" if hit.chunk.document_id == "b" else "current") for hit in make_hits(4, 3, 2)]
    after = [before[1], before[2], before[0]]
    liked = [replace(one, hit=replace(one.hit, score=score)) for one, score in zip(after, (9, 5, 4), strict=True)]
    found = not_lifted(liked, before)
    assert ids([one.hit for one in found]) == "cab"
    assert [(one.hit.score, one.hit.rank) for one in found] == [(5, 1), (4, 2), (4, 3)]
    assert not_lifted([], []) == []


# ---- The retriever with a reranker ----


@pytest.fixture
def retriever_over() -> Callable[..., HybridRetriever]:
    """Return a retriever over a shelf, with a reranker or without."""

    def make(shelf, reranker: Reranker | None = None, *, hits: int = 8, rerank_hits: int = 20) -> HybridRetriever:
        tuning = load_tuning()
        sentences = SentenceVectors(shelf.library, shelf.embedder.key, gloss=tuning.gloss)
        return HybridRetriever(
            shelf.library, shelf.index, shelf.embedder, sentences, candidates=50, hits=hits, tuning=tuning,
            reranker=reranker, rerank_hits=rerank_hits,
        )  # fmt: skip

    return make


QUESTIONS = pytest.mark.parametrize("question", ["What does a mentor cost?", "Hvem eier fyrtårnet i Bodø?"])


def chunk_ids(hits: Sequence[Hit]) -> list[str]:
    """Return the ids of the chunks, best first."""
    return [hit.chunk.id for hit in hits]


@QUESTIONS
def test_the_order_is_that_of_the_model(retriever_over, shelf, loaded, question):
    """A real model's scores put the same hits in another order, and each hit keeps what the searches said of it."""
    query = make_query(question, ())
    plain = retriever_over(shelf, hits=20).retrieve(query)
    found = retriever_over(shelf, loaded, hits=20).retrieve(query)
    scores = loaded.scores(question, [hit.chunk.index_text for hit in plain])
    expected = [hit for _, hit in sorted(zip(scores, plain, strict=True), key=lambda pair: -pair[0])]
    assert chunk_ids(found) == chunk_ids(expected) != chunk_ids(plain)
    assert [replace(hit, rank=0, score=0) for hit in found] == [replace(hit, rank=0, score=0) for hit in expected]


@QUESTIONS
@pytest.mark.parametrize("hits", [1, 3, 100])
def test_scores_and_ranks_stay_those_of_one_list(retriever_over, shelf, question, hits):
    """Reranked hits are ranked from 1 by falling positive score, no more than wanted, no chunk twice."""
    found = retriever_over(shelf, Liking("e"), hits=hits, rerank_hits=5).retrieve(make_query(question, ()))
    assert 1 <= len(found) <= hits
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert all(hit.score > 0 for hit in found[:5])
    assert len(set(chunk_ids(found))) == len(found)


def test_only_the_first_hits_are_read(retriever_over, shelf):
    """Hits behind `rerank_hits` keep their places behind those that the model read."""
    query, reranker = make_query("What does a mentor cost?", ()), Liking("waffles")
    plain = retriever_over(shelf).retrieve(query)
    found = retriever_over(shelf, reranker, rerank_hits=3).retrieve(query)
    ((_, texts),) = reranker.read
    assert texts == [hit.chunk.index_text for hit in plain[:3]]
    assert sorted(chunk_ids(found[:3])) == sorted(chunk_ids(plain[:3]))
    assert chunk_ids(found[3:]) == chunk_ids(plain[3:])


def test_the_list_is_cut_after_reranking(retriever_over, shelf):
    """A hit far down that the model likes is the one that stays when only one is wanted."""
    (found,) = retriever_over(shelf, Liking("umbrellas"), hits=1).retrieve(make_query("What does a mentor cost?", ()))
    assert found.chunk.document_id == "en/insurance.md"


@pytest.mark.parametrize(
    ("query", "read"),
    [
        pytest.param(make_query("Hva er hvalrossavgiften?", ()), "Hva er hvalrossavgiften?", id="Norwegian"),
        pytest.param(Query("Walrus fe?", "Walrus fee?", "en"), "Walrus fe?", id="typing errors and all"),
        pytest.param(
            Query("And what is it?", "And what is the walrus fee?", "en", (Turn("Is there a fee?", "Yes."),)),
            "And what is the walrus fee?", id="a follow-up is completed",
        ),
    ],
)  # fmt: skip
def test_the_model_reads_the_question_as_asked(retriever_over, shelf, query, read):
    """Neither translated nor mended; with each passage under its title and heading."""
    reranker = Liking()
    retriever_over(shelf, reranker).retrieve(query)
    ((question, texts),) = reranker.read
    assert question == read
    assert set(texts) <= {chunk.index_text for chunk in shelf.current_chunks()}
    assert any(text.startswith("A made title. Mentorer i havna\nMentorordningen heter") for text in texts)


def test_copies_stay_collapsed(retriever_over, open_shelf, make_document):
    """Five documents with one text are read once and are one hit."""
    shelf, reranker = open_shelf(), Liking()
    text = "The heron mentors every company in the harbour and sells three hearing devices in Ohio each year."
    for number in range(5):
        shelf.add(make_document([text], id_=f"copy-{number}.md"))
    (hit,) = retriever_over(shelf, reranker).retrieve(make_query("Who mentors every company?", ()))
    assert {hit.chunk.document_id, *hit.also_in} == {f"copy-{number}.md" for number in range(5)}
    assert [len(texts) for _, texts in reranker.read] == [1]


@pytest.mark.parametrize(
    "metadata",
    [Metadata(valid_until="2020-12-31"), Metadata(status="withdrawn")],
    ids=["expired", "withdrawn"],
)
@pytest.mark.parametrize("others", [0, 6], ids=["alone", "among others"])
def test_what_no_longer_holds_is_not_lifted_over_what_does(
    retriever_over, open_shelf, make_document: Callable[..., Document], metadata, others
):
    """However much the model likes an outdated text, relevant text that holds goes before it."""
    shelf = open_shelf()
    shelf.add(make_document(["The harbour takes a walrus fee from everybody who lands."], id_="current.md"))
    outdated = make_document(["The walrus fee is 18 dollars: heron, heron, heron."], id_="outdated.md")
    shelf.add(replace(outdated, metadata=metadata))
    for number, animal in enumerate("puffin otter lynx wolf badger ferret".split()[:others]):
        shelf.add(make_document([f"The {animal} is fed {number} times a day by its keeper."], id_=f"{animal}.md"))
    query = make_query("Who pays the walrus fee of the harbour?", ())
    plain = [hit.chunk.document_id for hit in retriever_over(shelf).retrieve(query)]
    found = [hit.chunk.document_id for hit in retriever_over(shelf, Liking("heron")).retrieve(query)]
    assert plain[:2] == ["current.md", "outdated.md"]
    assert found.index("current.md") < found.index("outdated.md")


def test_an_empty_corpus_asks_no_reranker(retriever_over, open_shelf):
    """Where nothing is found, there is nothing to put in order and no model to load."""
    reranker = Liking()
    assert retriever_over(open_shelf(), reranker).retrieve(make_query("Who?", ())) == []
    assert reranker.read == []


# ---- The whole assistant ----

PAGES = {
    "fees.md": "The walrus fee of the harbour is 4,711 dollars per company and is paid in October.",
    "keeper.md": "The keeper of the harbour serves waffles with jam to every founder on Thursday evenings.",
}


@pytest.fixture
def two_documents(tmp_path: Path) -> Path:
    """A corpus of two documents."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, text in PAGES.items():
        (folder / name).write_text(f"---\nlanguage: en\n---\n\n# The harbour\n\n{text}\n", encoding="utf-8")
    return folder


def test_the_assistant_answers_with_a_reranker(open_over, two_documents, cross_encoder, loaded, monkeypatch):
    """Chosen by one variable, the model orders the hits, and the answer proves itself as ever."""
    monkeypatch.setenv("ASSISTANT_RERANKER", str(cross_encoder))
    assistant = open_over(corpus=two_documents)
    assistant.sync()
    assert assistant.ready
    question = "What is the walrus fee of the harbour?"
    answer = assistant.ask(question)
    assert answer.outcome == "answered", answer.text
    assert "4,711 dollars" in answer.text
    for cited in answer.citations:
        assert assistant.text(cited.document, cited.version)[cited.start : cited.end] == cited.quote
    found = assistant.search(question)
    scores = loaded.scores(question, [hit.chunk.index_text for hit in found])
    assert scores == sorted(scores, reverse=True)
    assert len(found) == 2


def test_the_assistant_opens_without_loading_the_reranker(open_over, two_documents):
    """A wrong name is told with the first question, or when the app loads what that would wait for; ingest goes on."""
    assistant = open_over(corpus=two_documents, reranker="/nowhere/model", warm=False)
    assistant.embedder.embed(["ready"])
    assert not assistant.sync().failed
    assert not assistant.ready
    for step in (lambda: assistant.search("What is the walrus fee?"), assistant.warm_up):
        with pytest.raises(ModelUnavailable, match="The reranker /nowhere/model is not a folder"):
            step()
