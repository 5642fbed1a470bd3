"""What computes vectors: sentence-transformers, which runs every model, and ONNX Runtime, which runs ours far sooner.

Both give the same vectors (see `exports`); a runtime reads texts that are no longer than the model reads at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from assistant.index.onnx_graph import MASK, TOKENS, VECTORS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]
NumberType = Literal["float32", "bfloat16"]

# On two cores batches of 8 to 16 stay in the cache and beat larger ones (measured, see docs/architecture.md).
BATCH_SIZE = 16


class Runtime(Protocol):
    """One model in memory, ready to compute. Safe to use from several threads."""

    @property
    def name(self) -> str:
        """What computes, for logs and reports."""
        ...

    @property
    def overlaps(self) -> bool:
        """Whether a second call computes with what the first leaves idle, instead of getting in its way."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimensions), float32; any number of texts but none."""
        ...


def has_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 itself; elsewhere it is imitated, and slow."""
    import torch

    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def open_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a model's folder, which neither cuts nor pads; whatever the library raises is raised."""
    from tokenizers import Tokenizer as FastTokenizer

    tokenizer = FastTokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class SentenceTransformersRuntime:
    """Any sentence-transformers model.

    With bfloat16 the products are computed in half the bits; vectors come back in float32, at unit length.
    """

    overlaps = False

    def __init__(self, address: str, *, threads: int, number_type: NumberType = "float32") -> None:
        """Load the model; whatever the libraries raise is the caller's to name.

        Args:
            address: A folder, or a name that the local model cache knows.
        """
        # Both must be set before the import: hub look-ups and progress bars have no place in a server's log.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library has no types here
        torch.set_num_threads(threads)
        options = {"dtype": torch.bfloat16} if number_type == "bfloat16" else {}
        self.model: Any = SentenceTransformer(address, device="cpu", model_kwargs=options)
        self.name = f"sentence-transformers, {number_type}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors."""
        found = self.model.encode(
            list(texts),
            batch_size=BATCH_SIZE,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        vectors = np.asarray(found, dtype=np.float32).reshape(len(texts), -1)
        # In bfloat16 the length itself was rounded.
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


class OnnxRuntime:
    """One of our own graphs in ONNX Runtime.

    Texts are computed by falling length, so that a batch holds little padding. Each thread takes whole batches: threads
    that share one product wait for each other, and on a busy machine they wait long.
    """

    name = "ONNX Runtime, float32"
    overlaps = True

    def __init__(self, graph: Path, tokenizer: Tokenizer, *, longest: int, threads: int) -> None:
        """Load the graph; whatever the library raises is the caller's to name.

        Args:
            longest: Tokens of a text at most, special ones included.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised; warnings on its own doings help nobody
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizer
        self._longest = longest
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="embedding") if threads > 1 else None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors."""
        tokens = [self._tokens(text) for text in texts]
        order = sorted(range(len(tokens)), key=lambda position: -len(tokens[position]))
        batches = [order[start : start + BATCH_SIZE] for start in range(0, len(order), BATCH_SIZE)]
        if self._threads is None or len(batches) == 1:
            computed: Iterator[Vectors] = (self._run([tokens[place] for place in batch]) for batch in batches)
        else:
            computed = self._threads.map(lambda batch: self._run([tokens[place] for place in batch]), batches)
        parts = list(computed)
        vectors = np.empty((len(texts), parts[0].shape[1]), dtype=np.float32)
        for batch, part in zip(batches, parts, strict=True):
            vectors[batch] = part
        return vectors

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        # A window that begins inside a word may take a few more; the last one ends a text.
        return ids if len(ids) <= self._longest else [*ids[: self._longest - 1], ids[-1]]

    def _run(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        width = max(map(len, tokens))
        ids = np.zeros((len(tokens), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, own in enumerate(tokens):
            ids[row, : len(own)] = own
            mask[row, : len(own)] = 1
        (vectors,) = self._session.run([VECTORS], {TOKENS: ids, MASK: mask})
        return np.asarray(vectors, dtype=np.float32)
