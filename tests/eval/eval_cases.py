"""A small corpus, answers from it, and stand-ins for the protocols that the evaluation wing asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FEE = "The fee for a 510(k) submission is 26,067 US dollars."
SMALL = "Small businesses pay a quarter of it."
OFFICE = "The programme has an office in Boston."
TEXTS = {"fees.md": f"FDA fees\n\n{FEE} {SMALL}", "office.md": f"Office\n\n{OFFICE} It opens at nine."}


def answer_values(quotes: Sequence[tuple[str, str]] = (), **changes: Any) -> dict[str, Any]:
    """Return the `answer` object that shows (document, quote) pairs from TEXTS, each with its marker."""
    citations = [_citation(number, *cited) for number, cited in enumerate(quotes, start=1)]
    values = {
        "text": " ".join(f"{one['quote']} [{one['number']}]" for one in citations),
        "outcome": "answered" if quotes else "abstained",
        "abstained": not quotes,
        "reason": None if quotes else "not_covered",
        "missing": None,
        "nearest": [],
        "language": "en",
        "citations": citations,
        "seconds": 0.25,
    }
    return {**values, **changes}


def _citation(number: int, document: str, quote: str) -> dict[str, Any]:
    start = TEXTS[document].index(quote)
    return {
        "number": number,
        "quote": quote,
        "document": document,
        "version": version(document),
        "title": document,
        "language": "en",
        "page": None,
        "page_label": None,
        "heading": None,
        "start": start,
        "end": start + len(quote),
        "source_url": None,
        "link": f"/source/{document}",
    }


def version(document: str) -> str:
    """Return the version of a document of TEXTS."""
    return hashlib.sha256(TEXTS[document].encode()).hexdigest()


def text_of(document: str, wanted: str) -> str | None:
    """Return the stored text of a version of TEXTS, or None."""
    return TEXTS[document] if document in TEXTS and wanted == version(document) else None


class HashingEmbedder:
    """Words to a unit vector by hash: deterministic, needs no model, and shared words make texts near."""

    key = "hashing"

    def embed(self, texts: Sequence[str], /) -> npt.NDArray[np.float32]:
        """Return one unit vector a text, 64 numbers each."""
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().replace(".", " ").replace("?", " ").split():
                vectors[row, hashlib.sha256(word.encode()).digest()[0] % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class FixedSystem:
    """A system that knows its answers by heart, and breaks where it is told to."""

    def __init__(self, answers: Mapping[str, Mapping[str, Any]], breaks_at: Sequence[str] = ()) -> None:
        """Answer questions by their text."""
        self.answers = answers
        self.breaks_at = breaks_at
        self.asked: list[str] = []

    def ask(self, question: str, history: Sequence[Mapping[str, str | None]]) -> Mapping[str, Any]:
        """Return what is known, or raise for a question that breaks."""
        self.asked.append(question)
        if question in self.breaks_at:
            raise ValueError("the reader fell asleep")
        return self.answers.get(question, answer_values())
