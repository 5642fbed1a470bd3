"""Typing errors in a question, mended with the words that the corpus knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from rapidfuzz.distance import OSA

from assistant.domain import Language
from assistant.language import STOP_WORDS, compound_parts, load_lexicon, stem

# Letters only: a word that touches a digit is a name or a code (`Inven2`, `510k`).
_TOKEN = re.compile(r"(?<![\w])[^\W\d_]+(?!\w)")
# Shorter words have too many neighbours.
_SHORTEST = 5
_LONG = 8
# The first letters are seldom wrong, and looking only at words that share them keeps the search small.
_PREFIX = 2


class Vocabulary(Protocol):
    """The words of the corpus, as written, in lower case."""

    def knows_word(self, word: str) -> bool:
        """Return whether the corpus holds the word."""
        ...

    def knows_stem(self, stem_: str, language: Language) -> bool:
        """Return whether a text of the language holds a word with the stem."""
        ...

    def words_like(self, prefix: str) -> list[tuple[str, int]]:
        """Return the corpus's words that begin with a prefix, each with how often it occurs."""
        ...


def corrected(question: str, language: Language, vocabulary: Vocabulary) -> str:
    """Return the question with misspelt words replaced by the nearest words of the corpus.

    A word is left alone when the corpus, the lexicon or the language's function words know it, when it is short, or
    when nothing is near: one edit, two for a longer word in English. A word split in two is joined
    when the corpus knows the whole (`Astra Zeneca`).
    """
    tokens = list(_TOKEN.finditer(question))
    result, position, index = [], 0, 0
    while index < len(tokens):
        token = tokens[index]
        found, used = _mend([match.group() for match in tokens[index : index + 2]], language, vocabulary)
        if found is not None:
            result += [question[position : token.start()], found]
            position = tokens[index + used - 1].end()
        index += used
    return "".join(result) + question[position:] if result else question


def _mend(pair: Sequence[str], language: Language, vocabulary: Vocabulary) -> tuple[str | None, int]:
    """Return the replacement of the first word (or of both, joined), or None, and how many words were read."""
    word = pair[0].lower()
    if len(pair) == 2 and not (
        _is_known(word, language, vocabulary) and _is_known(pair[1].lower(), language, vocabulary)
    ):
        whole = "".join(pair).lower()
        joined = whole if vocabulary.knows_word(whole) else None
        if joined is None and len(whole) >= _LONG and len(word) > 1:
            joined = _nearest(whole, language, vocabulary, at_most=1)
        if joined is not None:
            return _cased(joined, pair[0]), 2
    if len(word) < _SHORTEST or _is_known(word, language, vocabulary):
        return None, 1
    if language != "en" and vocabulary.knows_stem(stem(word, language), language):
        return None, 1
    # Norwegian inflects more than the corpus shows: two edits from an unknown form stands most often another word.
    at_most = 2 if language == "en" and len(word) >= _LONG else 1
    nearest = _function_word(word, language) or _nearest(word, language, vocabulary, at_most=at_most)
    return (_cased(nearest, pair[0]) if nearest else None), 1


def _is_known(word: str, language: Language, vocabulary: Vocabulary) -> bool:
    if word in STOP_WORDS["en"] or word in STOP_WORDS["nb"] or vocabulary.knows_word(word):
        return True
    lexicon = load_lexicon()
    if language == "en":
        return lexicon.knows_english(word)
    return lexicon.knows_norwegian(word) or bool(compound_parts(word))


def _function_word(word: str, language: Language) -> str | None:
    """Return the function word that is one edit away (`hvordn`), so that it is not taken for a word of the subject."""
    near = (known for known in STOP_WORDS[language] if len(known) >= _SHORTEST and known[0] == word[0])
    return min((known for known in near if OSA.distance(word, known, score_cutoff=1) <= 1), default=None)


def _nearest(word: str, language: Language, vocabulary: Vocabulary, *, at_most: int) -> str | None:
    """Return the nearest word of the corpus, the more frequent of equally near ones; None when it is only inflected.

    A word that only texts of the other language hold is no correction (`stoppet` is not `stopped`).
    """
    best: tuple[int, int, str] | None = None
    for known, count in vocabulary.words_like(word[:_PREFIX]):
        if abs(len(known) - len(word)) > at_most or len(known) < _SHORTEST - 1:
            continue
        if not vocabulary.knows_stem(stem(known, language), language):
            continue
        distance = OSA.distance(word, known, score_cutoff=at_most)
        if distance <= at_most and (best is None or (distance, -count) < best[:2]):
            best = (distance, -count, known)
    if best is None or stem(best[2], "en") == stem(word, "en") or stem(best[2], "nb") == stem(word, "nb"):
        return None
    return best[2]


def _cased(word: str, original: str) -> str:
    return word.capitalize() if original[:1].isupper() else word
