"""A follow-up and its history to a query that stands alone, without a language model.

A question that leans on the one before gets that one's content words added; a question with a subject of its own drops
the old topic whole, so that nothing of it leaks into the search.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from assistant.domain import Language, Query, Turn
from assistant.language import STOP_WORDS, content_words, detect_language, stem, words

# Asked of one question several times.
_language_of = lru_cache(maxsize=256)(detect_language)

# Openings that continue what was said.
_OPENING = re.compile(
    r"\s*(?:and|or|but|so|then|also|what about|how about|what if|og|eller|men|så|hva med|kva med|enn|hva så|i så fall)\b",
    re.IGNORECASE,
)
# Words that point back when nothing in the question itself is meant by them.
_POINTERS: Mapping[Language, frozenset[str]] = {
    "en": frozenset(
        """
        it its they them their theirs that this these those he him his she her hers there one ones same former latter
        """.split()
    ),
    "nb": frozenset(
        """
        den det dem de deres dens dets dette denne disse han ham hans hun henne hennes der slik slikt sånn sånne sånt
        samme dei deira ho vedkommende
        """.split()
    ),
}
# A name, an acronym or a code is a subject of its own, however short the question.
_OWN_SUBJECT = re.compile(r"(?<!^)(?<![.?!] )\b(?:[A-ZÆØÅ]\w+|\w*\d\w*)|\b[A-ZÆØÅ]{2,}\b")
_NOT_POINTING = re.compile(
    r"\b(?:is|are|was|does) (?:there|it (?:true|possible|necessary|required|legal|ok|worth))\b|"
    r"\b(?:er|finnes|fins|går|finst) det\b|\bdet (?:er|finnes|å)\b|\bthat (?:is|are|the|a)\b|\bde (?:fire|tre|to|fem|norske|\w+ene)\b|"
    r"\b(?:this|that|these|those|denne|dette|disse) \w{4,}|\b(?:there|der) (?:is|are|er)\b|"
    r"\b(?:den|det|de) (?!være|have|koste|gjelde|bety|virke|passe|ta|bli|gjøre|kunne|skulle|måtte|ville)\w{3,}(?:e|en|et|ene)\b",
    re.IGNORECASE,
)
# What a question asks with rather than about; not carried over from one question to the next.
_ASKING_WORDS = frozenset(
    """
    tell explain describe give name list mean means work works kind type time long often cost costs start starts
    begin fortell forklar beskriv gi nevn betyr bety virker fungerer slags type tid lenge ofte koster starter
    begynner
    """.split()
)
# A question with fewer content words than this says too little to be searched alone.
_STANDS_ALONE_FROM = 2


def leans_on_history(question: str, language: Language) -> bool:
    """Return whether a question needs the one before to be understood."""
    content = content_words(question, language)
    opens = bool(_OPENING.match(question))
    pointing = _points_back(question, language)
    if opens and (pointing or len(content) <= 3):
        return True
    if pointing and len(content) <= 4:
        return True
    return len(content) < _STANDS_ALONE_FROM and not _OWN_SUBJECT.search(question)


def _points_back(question: str, language: Language) -> bool:
    pointers = _POINTERS["en" if language == "en" else "nb"]
    return any(word in pointers for word in words(_NOT_POINTING.sub(" ", question)))


def topic_words(question: str, language: Language) -> list[str]:
    """Return what a question is about: its content words as written, without the words it asks with."""
    wanted = set(content_words(question, language)) - _ASKING_WORDS
    found: list[str] = []
    for token in re.findall(r"[^\s,;:?!\"“”«»]+", question):
        parts = [word for word in words(token) if word in wanted]
        bare = token.strip(".") if not parts else token.rstrip(".")
        if parts and bare not in found:
            found.append(bare)
    return found


def stand_alone(question: str, history: Sequence[Turn]) -> str:
    """Return the question with the topic of the history added where it leans on it, otherwise the question itself.

    The history is folded from its start, so that a chain of follow-ups keeps the topic that its first question set.
    """
    resolved = ""
    for asked in [*(turn.question for turn in history), question]:
        resolved = _resolve(asked, resolved)
    return resolved


def _resolve(question: str, before: str) -> str:
    language = _language_of(f"{question} {before}" if len(words(question)) < 4 else question)
    if not before or not leans_on_history(question, language):
        return question
    own = {stem(word, language) for word in words(question)}
    carried = [
        token
        for token in topic_words(before, language)
        if not all(stem(word, language) in own or word in STOP_WORDS[language] for word in words(token))
    ]
    return f"{question} ({' '.join(carried)})" if carried else question


def make_query(question: str, history: Sequence[Turn]) -> Query:
    """Return the query of a question; its language is that of the question, or of the one before when it tells nothing."""
    tells_little = len(words(question)) < 3 and bool(history)
    language = _language_of(f"{question} {history[-1].question}" if tells_little else question)
    return Query(question, stand_alone(question, history), language, tuple(history))
