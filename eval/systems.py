"""The systems that can answer a question file, behind one small protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from assistant import Assistant, Document
from eval.errors import Misuse

SystemName = Literal["assistant", "tutorial", "sentence"]
SYSTEM_NAMES: tuple[SystemName, ...] = get_args(SystemName)

History = Sequence[Mapping[str, str | None]]


class System(Protocol):
    """Answers one question; returns the `answer` object of an answer line."""

    def ask(self, question: str, history: History) -> Mapping[str, Any]:
        """Return the answer to a question that follows an earlier conversation, oldest turn first."""
        ...


class AssistantSystem:
    """The assistant itself, through its public door."""

    def __init__(self, assistant: Assistant) -> None:
        """Ask an open assistant; whoever opened it closes it."""
        self.assistant = assistant

    def ask(self, question: str, history: History) -> Mapping[str, Any]:
        """Return the assistant's answer as plain values."""
        return self.assistant.ask(question, history=history).to_dict()


def open_system(name: SystemName, assistant: Assistant, data: Path) -> System:
    """Return the named system over the documents of an open assistant; baselines keep vectors in `data/baselines`."""
    # `seconds` of an answer line is measured with the model loaded.
    assistant.warm_up()
    if name == "assistant":
        return AssistantSystem(assistant)
    from eval import baselines

    documents = assistant.documents()
    chunks = baselines.ChunkIndex(documents, assistant.embedder, cache=data / "baselines")
    if name == "tutorial":
        return baselines.Tutorial(chunks)
    return baselines.BestSentence(chunks, assistant.embedder, threshold=baselines.sentence_threshold())


def documents_fingerprint(documents: Sequence[Document]) -> str:
    """Return sha256 over the ids and versions of documents: equal exactly when the systems read the same texts."""
    lines = sorted(f"{document.id}\t{document.version}\n" for document in documents)
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def check_corpus(corpus: Path) -> None:
    """Check that a corpus folder is there, before anything heavy is loaded.

    Raises:
        Misuse: It is not a folder.
    """
    if not corpus.is_dir():
        raise Misuse(f"{corpus}: is no folder; --corpus names the folder with the documents.")
