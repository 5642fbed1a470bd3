"""What is shown where a document was withdrawn: number, title and day; none of its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from assistant.desk import Withdrawn
from assistant.domain import Answer, Citation
from assistant.web.rendering import Exchange, format_date
from assistant.web.words import WORDS, InterfaceLanguage


class Withdraws(Protocol):
    """What these sentences need of the assistant."""

    def withdrawn(self, document_id: str, version: str) -> Withdrawn | None:
        """Return what is known of a version that was withdrawn, or None for one that was not."""
        ...


class Answered(Protocol):
    """A question with what was answered."""

    @property
    def answer(self) -> Answer | None:
        """The answer, or None where there was none."""
        ...


Asked = TypeVar("Asked", bound=Answered)


def sentence(withdrawn: Withdrawn, language: InterfaceLanguage) -> str:
    """Return that a document was withdrawn, and when."""
    day = format_date(withdrawn.withdrawn_on, language)
    return WORDS[language]["withdrawn_on"].format(title=withdrawn.title, date=day)


def without_withdrawn(asked: Sequence[Asked], assistant: Withdraws) -> list[Asked]:
    """Return the questions whose answers rest on nothing that was withdrawn."""
    return [one for one in asked if not _gone(one.answer, assistant)]


def as_shown(exchange: Exchange, language: InterfaceLanguage, assistant: Withdraws) -> Exchange:
    """Return an exchange as it may be shown: an answer that rests on withdrawn words gives way to what was withdrawn.

    What else it quoted stays among its sources.
    """
    gone = _gone(exchange.answer, assistant)
    if not gone or exchange.answer is None:
        return exchange
    lines = [f"[{citation.number}] {sentence(withdrawn, language)}" for citation, withdrawn in gone]
    numbers = {citation.number for citation, _ in gone}
    left = tuple(citation for citation in exchange.answer.citations if citation.number not in numbers)
    return replace(
        exchange,
        answer=replace(exchange.answer, text="", citations=left),
        failure=" ".join([WORDS[language]["withdrawn_answer"], *lines]),
    )


def _gone(answer: Answer | None, assistant: Withdraws) -> list[tuple[Citation, Withdrawn]]:
    found = []
    for citation in answer.citations if answer else ():
        withdrawn = assistant.withdrawn(citation.document, citation.version)
        if withdrawn is not None:
            found.append((citation, withdrawn))
    return found
