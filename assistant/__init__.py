"""Answers founders' questions from the programme's documents, with quotes that can be checked word for word.

    from assistant import open_assistant

    with open_assistant(corpus="corpus", data=".assistant") as assistant:
        print(assistant.ask("Who leads USA next!?").text)

Importing the package loads no model, no vector database and no web server; that happens with their first use. Each name
below is imported from its room when it is asked for: whoever needs one light room does not wait for all of them.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.answering.grouping import Grouping
    from assistant.answering.support import SupportJudge
    from assistant.build import Assistant, check_open, load_embedder, open_assistant
    from assistant.domain import Answer, Chunk, Citation, Document, Hit, IngestReport, Query, Turn
    from assistant.errors import AssistantError
    from assistant.forest import Forest
    from assistant.settings import Settings, read_settings
    from assistant.tuning import SupportTuning, Tuning

__all__ = [
    "Answer",
    "Assistant",
    "AssistantError",
    "Chunk",
    "Citation",
    "Document",
    "Forest",
    "Grouping",
    "Hit",
    "IngestReport",
    "Query",
    "Settings",
    "SupportJudge",
    "SupportTuning",
    "Tuning",
    "Turn",
    "check_open",
    "load_embedder",
    "open_assistant",
    "read_settings",
]

# The room of each name, for those that are not of `domain`.
_ROOMS = {
    "Assistant": "build",
    "AssistantError": "errors",
    "Forest": "forest",
    "Grouping": "answering.grouping",
    "Settings": "settings",
    "SupportJudge": "answering.support",
    "SupportTuning": "tuning",
    "Tuning": "tuning",
    "check_open": "build",
    "load_embedder": "build",
    "open_assistant": "build",
    "read_settings": "settings",
}


# Libraries that report to their makers unless told otherwise: Chroma, Gradio, ONNX Runtime (from 1.29 on, on Linux as
# well) and Hugging Face's hub. They read these as they are loaded, here and in processes that are started from here.
os.environ.update(
    ANONYMIZED_TELEMETRY="False",
    GRADIO_ANALYTICS_ENABLED="False",
    ORT_DISABLE_TELEMETRY="1",
    HF_HUB_DISABLE_TELEMETRY="1",
)


def __getattr__(name: str) -> Any:
    """Import a public name from its room."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    thing = getattr(import_module(f"{__name__}.{_ROOMS.get(name, 'domain')}"), name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
