"""Answers that were given last, as long as nothing has changed that they rest on."""

from __future__ import annotations

import threading
from collections.abc import Hashable

from assistant.domain import Answer, Turn

ANSWERS_AT_MOST = 500

Key = tuple[str, tuple[Turn, ...]]


class KeptAnswers:
    """The last answers by question and history, for one state of the documents. Safe to use from several threads."""

    def __init__(self) -> None:
        self._state: tuple[object, Hashable] | None = None
        self._answers: dict[Key, Answer] = {}
        self._lock = threading.Lock()

    def find(self, key: Key, documents: object, day: Hashable) -> Answer | None:
        """Return the answer that was kept in the same state, or None.

        Args:
            documents: The picture of the current versions: another object is another state.
            day: Answers tell what is out of date.
        """
        with self._lock:
            return self._answers.get(key) if self._is_now(documents, day) else None

    def keep(self, key: Key, documents: object, day: Hashable, answer: Answer) -> None:
        """Keep a whole answer that was begun in this state; those of another state are forgotten.

        An answer for which nothing was searched by meaning is not kept: vectors may still be on their way, or a server
        of vectors may be away for a moment.
        """
        if not any(hit.dense_rank is not None for hit in answer.hits):
            return
        with self._lock:
            if not self._is_now(documents, day):
                self._answers.clear()
                self._state = (documents, day)
            self._answers.pop(key, None)
            if len(self._answers) >= ANSWERS_AT_MOST:
                self._answers.pop(next(iter(self._answers)))
            self._answers[key] = answer

    def _is_now(self, documents: object, day: Hashable) -> bool:
        return self._state is not None and self._state[0] is documents and self._state[1] == day
