"""Weights of a BERT encoder to an ONNX graph that gives unit vectors: mean pooling and normalisation inside.

Written node by node from the weights, in standard operators alone: no framework is loaded for it, and the runtime
fuses what it can. The graph is BERT's own (Devlin et al. 2019, arXiv:1810.04805), the pooling that of Sentence-BERT
(Reimers and Gurevych 2019, arXiv:1908.10084).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = Mapping[str, npt.NDArray[np.float32]]

# Raised whenever the same weights would give another graph: kept exports are then made anew.
GRAPH_VERSION = "1"
TOKENS, MASK, VECTORS = "input_ids", "attention_mask", "vectors"
_OPSET = 20
_FORMAT = 10


def write_graph(model: Path, file: Path) -> None:
    """Write the graph of a sentence-transformers folder: BERT, mean pooling, unit length.

    The graph reads token ids and their mask, int64 of shape (texts, tokens), and gives float32 of shape (texts,
    dimensions).

    Raises:
        ValueError: The folder holds another kind of model, or lacks one of its weights.
        OSError: A file cannot be read or written.
    """
    import onnx
    from safetensors.numpy import load_file

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    pooling = json.loads((model / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
        raise ValueError("it is no BERT encoder with the activation gelu")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError("its positions are not absolute")
    # Older files have a flag for each way, newer ones name the one.
    if not (pooling.get("pooling_mode_mean_tokens") or pooling.get("pooling_mode") in ("mean", ["mean"])):
        raise ValueError("it does not pool by the mean")
    try:
        graph = _Graph(load_file(model / "model.safetensors"), config)
        onnx.save(graph.build(), str(file))
    except KeyError as error:
        raise ValueError(f"it lacks the weights {error}") from error


class _Graph:
    """The nodes and the weights, as far as they are written."""

    def __init__(self, weights: Weights, config: Mapping[str, Any]) -> None:
        self._weights = weights
        self._heads = int(config["num_attention_heads"])
        self._width = int(config["hidden_size"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def build(self) -> Any:
        """Return the whole model."""
        from onnx import TensorProto, helper

        hidden = self._embeddings()
        bias = self._attention_bias()
        for number in range(self._layers):
            hidden = self._layer(hidden, bias, f"encoder.layer.{number}.")
        self._pool(hidden)
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in (TOKENS, MASK)
        ]
        output = helper.make_tensor_value_info(VECTORS, TensorProto.FLOAT, ["texts", self._width])
        graph = helper.make_graph(self._nodes, "encoder", inputs, [output], list(self._constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_FORMAT)

    def _embeddings(self) -> str:
        # All texts are of one kind, so that the vector of the kind is part of each position.
        places = self._weight("embeddings.position_embeddings.weight")
        kind = self._weight("embeddings.token_type_embeddings.weight")[0]
        words = self._constant("words", self._weight("embeddings.word_embeddings.weight"))
        length = self._node("Shape", TOKENS, start=1, end=2)
        first = self._constant("first", np.array([0], np.int64))
        positions = self._node("Slice", self._constant("positions", places + kind), first, length, first)
        hidden = self._node("Add", self._node("Gather", words, TOKENS, axis=0), positions)
        return self._normalised(hidden, "embeddings.LayerNorm")

    def _attention_bias(self) -> str:
        """Return what is added to the scores of attention: nothing for tokens, next to minus infinity for padding."""
        counts = self._node("Unsqueeze", self._as_float(MASK), self._constant("axes_1_2", np.array([1, 2], np.int64)))
        missing = self._node("Sub", self._constant("one", np.array(1, np.float32)), counts)
        lowest = self._constant("lowest", np.array(np.finfo(np.float32).min, np.float32))
        return self._node("Mul", missing, lowest)

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        attention = f"{name}attention."
        attended = self._linear(self._attended(hidden, bias, attention), f"{attention}output.dense")
        hidden = self._normalised(self._node("Add", attended, hidden), f"{attention}output.LayerNorm")
        inner = self._node("Gelu", self._linear(hidden, f"{name}intermediate.dense"), approximate="none")
        outer = self._linear(inner, f"{name}output.dense")
        return self._normalised(self._node("Add", outer, hidden), f"{name}output.LayerNorm")

    def _attended(self, hidden: str, bias: str, name: str) -> str:
        """Return the values of all heads side by side; query, key and value come from one product."""
        scale = np.float32(1 / np.sqrt(self._width // self._heads))
        parts = [(f"{name}self.{part}", scale if part == "query" else np.float32(1)) for part in _PARTS]
        weight = np.concatenate([self._weight(f"{part}.weight").T * factor for part, factor in parts], axis=1)
        offset = np.concatenate([self._weight(f"{part}.bias") * factor for part, factor in parts])
        product = self._node("MatMul", hidden, self._constant(f"{name}weight", weight))
        whole = self._node("Add", product, self._constant(f"{name}bias", offset))
        split = self._nodes_out("Split", [whole], len(_PARTS), axis=-1, num_outputs=len(_PARTS))
        by_head = self._constant("by_head", np.array([0, 0, self._heads, self._width // self._heads], np.int64))
        query, key, value = (self._node("Reshape", part, by_head) for part in split)
        query, value = (self._node("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value))
        scores = self._node("MatMul", query, self._node("Transpose", key, perm=[0, 2, 3, 1]))
        shares = self._node("Softmax", self._node("Add", scores, bias), axis=-1)
        values = self._node("Transpose", self._node("MatMul", shares, value), perm=[0, 2, 1, 3])
        return self._node("Reshape", values, self._constant("joined", np.array([0, 0, self._width], np.int64)))

    def _pool(self, hidden: str) -> None:
        """Write the sum over the tokens at unit length, which is that of the mean."""
        from onnx import helper

        axis = self._constant("axis_1", np.array([1], np.int64))
        counts = self._node("Unsqueeze", self._as_float(MASK), axis)
        total = self._node("Squeeze", self._node("MatMul", counts, hidden), axis)
        length = self._node("ReduceL2", total, self._constant("last", np.array([-1], np.int64)), keepdims=1)
        self._nodes.append(helper.make_node("Div", [total, length], [VECTORS], name=VECTORS))

    def _linear(self, hidden: str, name: str) -> str:
        product = self._node("MatMul", hidden, self._constant(f"{name}.weight", self._weight(f"{name}.weight").T))
        return self._node("Add", product, self._constant(f"{name}.bias", self._weight(f"{name}.bias")))

    def _normalised(self, hidden: str, name: str) -> str:
        scale, offset = (
            self._constant(f"{name}.{part}", self._weight(f"{name}.{part}")) for part in ("weight", "bias")
        )
        return self._node("LayerNormalization", hidden, scale, offset, axis=-1, epsilon=self._epsilon)

    def _as_float(self, name: str) -> str:
        from onnx import TensorProto

        return self._node("Cast", name, to=TensorProto.FLOAT)

    def _weight(self, name: str) -> npt.NDArray[np.float32]:
        return np.asarray(self._weights[name], dtype=np.float32)

    def _constant(self, name: str, value: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self._nodes_out(kind, inputs, 1, **attributes)[0]

    def _nodes_out(self, kind: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        from onnx import helper

        name = f"{kind}_{len(self._nodes)}"
        names = [f"{name}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=name, **attributes))
        return names


_PARTS = ("query", "key", "value")
