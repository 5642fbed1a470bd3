"""Answers founders' questions from the programme's documents, with quotes that can be checked word for word.

    from assistant import open_assistant

    with open_assistant(corpus="corpus", data=".assistant") as assistant:
        print(assistant.ask("Who leads USA next!?").text)

Importing the package loads no model, no vector database and no web server; that happens with their first use.
"""

from __future__ import annotations

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
