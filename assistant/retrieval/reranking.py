"""Hits in the order of a second model, which reads question and passage together: optional, by one setting.

Nothing heavy is imported before the first question. Models are loaded as those that embed: from a folder, or by a name
that the local model cache knows, and never over a network.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from assistant.domain import Hit
from assistant.errors import ModelUnavailable
from assistant.index.runtimes import BATCH_SIZE
from assistant.retrieval.fusion import scaled
from assistant.retrieval.validity import Judged

# The last hit keeps at least this share of the best one's score, since a score of 0 would say that nothing was found.
LEAST_SHARE = 0.05


class Reranker(Protocol):
    """Judges how well texts answer a question."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return one finite score per text, in their order, higher for better; empty for no texts.

        Scores compare texts of one call. A score depends on the question and its own text alone.
        """
        ...


class CrossEncoderReranker:
    """Any sentence-transformers `CrossEncoder` with one label, loaded with the first question.

    A pair that is longer than the model reads at once is cut by its tokenizer.
    """

    def __init__(self, model_name: str, threads: int) -> None:
        self.model_name = model_name
        self.threads = threads
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def is_loaded(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded is not None

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return the model's score of each text, through the activation that the model is saved with.

        Raises:
            ModelUnavailable: The model is missing, damaged, no CrossEncoder, or has more than one label.
        """
        if not texts:
            return []
        pairs = [(question, text) for text in texts]
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self.model_name, self.threads)
            predicted = self._loaded.predict(pairs, batch_size=BATCH_SIZE, show_progress_bar=False)
        found = [float(score) for score in predicted]
        if not all(map(math.isfinite, found)):
            raise ModelUnavailable(
                f"The reranker {self.model_name} gives scores that are no numbers, so its weights are damaged. "
                f"{_REMEDY}"
            )
        return found


def reordered(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    """Return the hits by falling score of a reranker, ranked anew; hits with equal scores keep their order.

    The scores are moved by min-max into the range that the hits' own scores span, since that is what the hits behind
    them and the weights of answering are measured by. They stay above 0 when the best of the hits' own scores is.

    Args:
        scores: One for each hit, of any range.
    """
    if not hits:
        return []
    places = scaled({hit.chunk.id: score for hit, score in zip(hits, scores, strict=True)})
    high = max(hit.score for hit in hits)
    low = max(min(hit.score for hit in hits), LEAST_SHARE * high)
    moved = [replace(hit, score=low + (high - low) * places[hit.chunk.id]) for hit in hits]
    # By the reranker and not by the moved scores, which are all equal where the hits' own scores are.
    ordered = sorted(moved, key=lambda hit: -places[hit.chunk.id])
    return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, start=1)]


def not_lifted(judged: Sequence[Judged], before: Sequence[Judged]) -> list[Judged]:
    """Return the hits with none outdated above a current one that stood above it before, ranked anew.

    However much a reranker likes a text that no longer holds, one that holds was found relevant and stays ahead of it.

    Args:
        judged: After reranking, sorted by score.
        before: The same hits before it, best first.
    """
    scores = {one.hit.chunk.id: one.hit.score for one in judged}
    ceiling, ceilings = math.inf, {}
    for one in before:
        id_ = one.hit.chunk.id
        if one.standing == "current":
            ceiling = min(ceiling, scores[id_])
        else:
            ceilings[id_] = ceiling
    lowered = [
        replace(one, hit=replace(one.hit, score=min(one.hit.score, ceilings.get(one.hit.chunk.id, math.inf))))
        for one in judged
    ]
    ordered = sorted(lowered, key=lambda one: (-one.hit.score, one.standing != "current"))
    return [replace(one, hit=replace(one.hit, rank=rank)) for rank, one in enumerate(ordered, start=1)]


_REMEDY = "Set ASSISTANT_RERANKER to a folder that holds a sentence-transformers CrossEncoder with one label."


def _load(name: str, threads: int) -> Any:
    folder = Path(name).expanduser()
    if not folder.is_dir() and (folder.is_absolute() or name.startswith(".")):
        raise ModelUnavailable(f"The reranker {name} is not a folder. {_REMEDY}")
    # Both must be set before the import, as for the model that embeds.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # the library has no types here
    torch.set_num_threads(threads)
    try:
        model = CrossEncoder(str(folder.resolve()) if folder.is_dir() else name, device="cpu")
    except Exception as error:  # torch, safetensors and transformers each raise their own
        place = f"the folder {folder}" if folder.is_dir() else "the local model cache"
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelUnavailable(f"The reranker {name} cannot be loaded from {place} ({reason}). {_REMEDY}") from error
    if not _judges_pairs(model):
        raise ModelUnavailable(f"The model {name} is no reranker: it was not made to judge pairs of texts. {_REMEDY}")
    if model.num_labels != 1:
        raise ModelUnavailable(
            f"The model {name} gives {model.num_labels} labels to a pair where a reranker gives one score. {_REMEDY}"
        )
    return model


def _judges_pairs(model: Any) -> bool:
    """Return whether the model was saved with what makes a score of a pair.

    The library gives any other model, such as one that embeds, a new head with random weights and only logs it.
    """
    makes_score_after_the_transformer = len(model) > 1
    saved_as = model.model.config.architectures or () if model.model is not None else ()
    return makes_score_after_the_transformer or any(name.endswith("ForSequenceClassification") for name in saved_as)
