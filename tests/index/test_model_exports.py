"""Exports: our own graph of a model's weights, believed only where it agrees with sentence-transformers."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from assistant.index import exports as room
from assistant.index.embedding import BUNDLED_SHA256, ModelEmbedder
from assistant.index.exports import Export, Exports, agreement, agreement_texts, file_sha256, judge, make_export
from assistant.index.onnx_graph import write_graph
from assistant.index.runtimes import OnnxRuntime, SentenceTransformersRuntime, open_tokenizer

WEIGHTS = "ab" * 32


@pytest.fixture
def kept(runtime_cache: Path, tmp_path: Path) -> Exports:
    """A folder of the test's own that holds the graph of the bundled model."""
    shutil.copytree(runtime_cache, tmp_path / "kept")
    return Exports(tmp_path / "kept")


@pytest.fixture
def other_model(tiny_model: Path, tmp_path: Path) -> Path:
    """The tiny model with other weights."""
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "other"
    shutil.copytree(tiny_model, folder)
    weights = load_file(folder / "model.safetensors")
    flipped = {name: np.ascontiguousarray(value[::-1]) for name, value in weights.items()}
    save_file(flipped, folder / "model.safetensors")
    return folder


# ---- The graph ----


def test_a_graph_computes_what_the_library_computes(tiny_model, tmp_path):
    """Any BERT that pools by the mean can be written: the numbers of its configuration are its own."""
    write_graph(tiny_model, tmp_path / "tiny.onnx")
    texts = ["heron", "walrus boat tide", "", "puffin " * 20, "nobody knows these words"]
    fast = OnnxRuntime(tmp_path / "tiny.onnx", open_tokenizer(tiny_model), longest=12, threads=1)
    whole = SentenceTransformersRuntime(str(tiny_model), threads=1)
    assert np.allclose(fast.encode(texts), whole.encode(texts), atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3], ids=["one thread", "three threads"])
def test_the_order_of_the_texts_is_kept(tiny_model, tmp_path, threads):
    """Texts are computed by length and by several threads, and come back in their own order."""
    write_graph(tiny_model, tmp_path / "tiny.onnx")
    runtime = OnnxRuntime(tmp_path / "tiny.onnx", open_tokenizer(tiny_model), longest=12, threads=threads)
    texts = [" ".join(["heron", "tide", "boat", "walrus", "puffin"][: number % 5 + 1]) for number in range(70)]
    together = runtime.encode(texts)
    assert np.allclose(together, np.concatenate([runtime.encode([text]) for text in texts]), atol=1e-5)


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        pytest.param("config.json", {"model_type": "roberta"}, "it is no BERT encoder", id="another encoder"),
        pytest.param("config.json", {"hidden_act": "relu"}, "it is no BERT encoder", id="another activation"),
        pytest.param(
            "config.json", {"position_embedding_type": "relative_key"}, "positions are not abs", id="other positions"
        ),
        pytest.param("1_Pooling/config.json", {"pooling_mode": "cls", "pooling_mode_mean_tokens": False},
                     "does not pool by the mean", id="another pooling"),
        pytest.param("config.json", {"num_hidden_layers": 9}, "it lacks the weights", id="a layer too many"),
    ],
)  # fmt: skip
def test_another_kind_of_model_is_refused(tiny_model, tmp_path, file, change, reason):
    """What the graph cannot say is named; nothing is written that would be wrong."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    values = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps({**values, **change}))
    with pytest.raises(ValueError, match=reason):
        write_graph(folder, tmp_path / "graph.onnx")
    assert not (tmp_path / "graph.onnx").exists()


# ---- Agreement ----


def test_the_graph_of_the_bundled_model_agrees(kept):
    """The same ten neighbours for every text of the fixed set, and the same direction."""
    export = kept.find(BUNDLED_SHA256)
    assert export is not None
    assert export.accepted
    assert export.cosine >= 0.9999
    assert export.neighbours == 1.0
    assert export.texts == len(agreement_texts()) > 80
    assert export.bulk in ("float32", "bfloat16")


def test_a_graph_of_other_weights_is_not_accepted(tiny_model, other_model, tmp_path):
    """A graph that computes something else is told by its vectors, whatever its file is called."""
    write_graph(other_model, tmp_path / "other.onnx")
    export = judge(tiny_model, tmp_path / "other.onnx")
    assert not export.accepted
    assert export.reason.startswith("cosine ")
    assert export.sha256 == ""


def test_agreement_of_vectors_with_themselves_is_whole():
    """Whatever the vectors, they agree with themselves."""
    vectors = _unit(np.random.default_rng(0).normal(size=(30, 8)))
    cosine, neighbours = agreement(vectors, vectors)
    assert cosine == pytest.approx(1, abs=1e-6)
    assert neighbours == 1.0


def test_neighbours_tell_what_the_cosine_does_not():
    """Vectors that each moved a little may have other neighbours."""
    draw = np.random.default_rng(0)
    vectors = _unit(np.ones((40, 8)) + 0.01 * draw.normal(size=(40, 8)))
    cosine, neighbours = agreement(vectors, _unit(vectors + 0.002 * draw.normal(size=(40, 8))))
    assert cosine > 0.9999
    assert neighbours < 1.0


def test_who_is_equally_near_may_change_places():
    """Equal texts are equally near: which of them are the nearest ten is no difference."""
    vectors = np.concatenate([np.tile(_unit(np.eye(2)[:1]), (15, 1)), _unit(np.eye(2)[1:])]).astype(np.float32)
    _, neighbours = agreement(vectors, vectors[::-1][::-1] * np.float32(1.0000001))
    assert neighbours == 1.0


def _unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


# ---- The folder ----


def test_an_export_is_kept_whole_or_not_at_all(tiny_model, tmp_path):
    """What is found counts from the moment of its record; nothing else is left in the folder."""
    export = make_export(tiny_model, WEIGHTS, tmp_path / "kept")
    found = Exports(tmp_path / "kept")
    assert found.find(WEIGHTS) == export
    assert export.accepted == found.graph(WEIGHTS).exists()
    assert {path.suffix for path in found.folder.iterdir()} <= {".onnx", ".json"}


def test_two_processes_may_make_it_at_once(tiny_model, tmp_path):
    """Whoever is last writes the same again."""
    both = [threading.Thread(target=make_export, args=(tiny_model, WEIGHTS, tmp_path)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    found = Exports(tmp_path).find(WEIGHTS)
    assert found is not None
    assert found.sha256 == file_sha256(Exports(tmp_path).graph(WEIGHTS))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda graph: graph.write_bytes(graph.read_bytes()[:-1000]), id="cut off"),
        pytest.param(lambda graph: graph.write_bytes(b"other weights"), id="another file"),
        pytest.param(lambda graph: graph.unlink(), id="gone"),
    ],
)
def test_a_damaged_graph_is_not_known(kept, harm, caplog):
    """Its bytes are compared with those that were judged, at every start."""
    harm(kept.graph(BUNDLED_SHA256))
    assert kept.find(BUNDLED_SHA256) is None
    assert "is damaged and is made anew. sentence-transformers serves" in caplog.text


@pytest.mark.parametrize("text", ["{", "[]", '{"accepted": true, "colour": "red"}'], ids=["cut", "list", "other"])
def test_a_record_that_cannot_be_read_is_not_known(kept, text, caplog):
    """A damaged record is one sentence in the log."""
    kept.graph(BUNDLED_SHA256).with_suffix(".json").write_text(text)
    assert kept.find(BUNDLED_SHA256) is None
    assert "cannot be read and is made anew" in caplog.text


def test_other_weights_have_another_graph(kept):
    """A graph is found by the hash of the weights that it was made from."""
    assert kept.find(WEIGHTS) is None


def test_other_libraries_judge_anew(kept):
    """What one release computes right another may not."""
    record = kept.graph(BUNDLED_SHA256).with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "libraries": "onnxruntime 1.0"}))
    assert kept.find(BUNDLED_SHA256) is None


def test_a_folder_that_cannot_be_written_is_one_sentence(tiny_model, tmp_path, caplog):
    """Nothing is made, and the other form serves."""
    (tmp_path / "file").write_text("in the way")
    assert Exports(tmp_path / "file" / "kept").make(tiny_model, WEIGHTS) is None
    assert "was not made (" in caplog.text
    assert "cannot be written: Not a directory" in caplog.text


def test_closing_ends_what_is_being_made(tiny_model, tmp_path, until, caplog):
    """A process that ends waits for no graph; the next one makes it."""
    exports, made = Exports(tmp_path), []
    making = threading.Thread(target=lambda: made.append(exports.make(tiny_model, WEIGHTS)))
    making.start()
    until(lambda: exports._child is not None)
    exports.close()
    making.join(60)
    assert made == [None]
    assert Exports(tmp_path).find(WEIGHTS) is None
    assert exports.make(tiny_model, WEIGHTS) is None
    assert "was not made" not in caplog.text


# ---- What serves ----


def refuse(exports: Exports) -> None:
    """Note that the graph of the bundled model does not agree."""
    export = Export(False, "cosine 0.9, same neighbours 0.5", libraries=room.libraries())
    exports.graph(BUNDLED_SHA256).with_suffix(".json").write_text(json.dumps(asdict(export)))


def test_a_refused_graph_does_not_serve_and_is_not_tried_again(kept):
    """What was found once is true until a library changes."""
    refuse(kept)
    embedder = ModelEmbedder(exports=kept.folder)
    record = kept.graph(BUNDLED_SHA256).with_suffix(".json")
    before = record.stat().st_mtime_ns
    assert embedder.export is None
    assert not embedder.make_export()
    assert record.stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_graph_that_this_machine_cannot_run_is_replaced_by_the_library(kept, caplog):
    """Answers are the same and take longer."""
    graph = kept.graph(BUNDLED_SHA256)
    graph.write_bytes(b"instructions of another machine")
    found = Exports(kept.folder)
    record = graph.with_suffix(".json")
    export = Export(**json.loads(record.read_text()))
    record.write_text(json.dumps(asdict(replace(export, sha256=file_sha256(graph)))))
    assert found.find(BUNDLED_SHA256) is not None
    embedder = ModelEmbedder(exports=kept.folder)
    assert embedder.embed(["The heron eats a fish."]).shape == (1, 384)
    assert embedder.runtime_name == "sentence-transformers, float32"
    assert "cannot be run on this machine" in caplog.text


@pytest.mark.slow
def test_a_graph_serves_as_soon_as_it_is_made(kept, embedder, caplog):
    """While it is damaged the library serves; `make_export` makes it anew, and nobody sees a difference."""
    kept.graph(BUNDLED_SHA256).write_bytes(b"damaged")
    own = ModelEmbedder(exports=kept.folder)
    before = own.embed(["The heron eats a fish."])
    assert own.runtime_name == "sentence-transformers, float32"
    assert own.make_export()
    assert own.runtime_name == "ONNX Runtime, float32"
    assert np.allclose(before, own.embed(["The heron eats a fish."]), atol=1e-5)
    assert "is damaged and is made anew" in caplog.text


@pytest.mark.slow
def test_half_the_bits_serve_many_texts_where_they_are_faster(kept, embedder):
    """The vectors are at unit length, and as good as the same; a question is computed in all bits."""
    record = kept.graph(BUNDLED_SHA256).with_suffix(".json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "bulk": "bfloat16"}))
    bulk, single = ModelEmbedder(exports=kept.folder, bulk=True), ModelEmbedder(exports=kept.folder)
    texts = ["The heron eats a fish.", "Fyrvokteren steker vafler hver torsdag. " * 20]
    there, here = bulk.embed(texts), single.embed(texts)
    assert (bulk.runtime_name, single.runtime_name) == (
        "sentence-transformers, bfloat16",
        "ONNX Runtime, float32",
    )
    assert np.allclose(np.linalg.norm(there, axis=1), 1, atol=1e-6)
    assert ((there * here).sum(axis=1) > 0.999).all()


def test_other_models_are_computed_by_the_library(tiny_model, tmp_path):
    """Our graph is of the bundled model alone; any other works as before."""
    embedder = ModelEmbedder(str(tiny_model), exports=tmp_path)
    assert not embedder.make_export()
    assert embedder.embed(["heron"]).shape == (1, 16)
    assert embedder.runtime_name == "sentence-transformers, float32"
