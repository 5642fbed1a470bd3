"""Documents: files to `Document`s and their chunks. Importing the wing imports none of the parsers' libraries."""

from __future__ import annotations

from assistant.documents.loading import (
    LOADER_VERSION,
    SUPPORTED_SUFFIXES,
    Limits,
    is_sidecar,
    load_document,
)
from assistant.documents.worker import ParsingWorker

__all__ = ["LOADER_VERSION", "SUPPORTED_SUFFIXES", "Limits", "ParsingWorker", "is_sidecar", "load_document"]
