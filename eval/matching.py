"""When two texts count as the same: the one normalisation of the measures, and word overlap."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

# Two sentences with this share of words in common count as one; set before any system was scored.
SAME_WORDS = 0.8
# Fewer words than this prove nothing by standing inside another sentence ("The FDA.").
CONTAINED_WORDS = 3

_SOFT_HYPHEN = "\u00ad"
# PDFium writes U+FFFE, older versions U+0002, for a hyphen that only breaks a word at the end of a line.
_LINE_END_HYPHEN = re.compile("[\ufffe\x02]\\s*|(?<=[^\\W\\d_])[-\u2010]\\s*\n\\s*(?=[^\\W\\d_])")
_WHITE_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")


def normalised(text: str) -> str:
    """Return text as it is compared: NFKC, soft and line-end hyphens removed, runs of white space to one space."""
    # Hyphens first: NFKC leaves them alone, and a line end is still a line end here.
    joined = _LINE_END_HYPHEN.sub("", text.replace(_SOFT_HYPHEN, ""))
    return _WHITE_SPACE.sub(" ", unicodedata.normalize("NFKC", joined)).strip()


def words(text: str) -> list[str]:
    """Return the words of a text, case folded, without punctuation."""
    return _WORD.findall(normalised(text).casefold())


def token_f1(left: str, right: str) -> float:
    """Return the word F1 of two texts: 2 * common / (words of one + words of the other); 0 if either is empty.

    Common words are counted as often as both hold them (Rajpurkar et al., SQuAD, EMNLP 2016).
    """
    left_words, right_words = words(left), words(right)
    common = sum((Counter(left_words) & Counter(right_words)).values())
    return 2 * common / (len(left_words) + len(right_words)) if common else 0.0


def same_sentence(shown: str, evidence: str) -> bool:
    """Return whether two sentences say the same in the same words.

    True when one contains the other after normalisation, the inner one with at least 3 words or all of the outer's,
    or when their word F1 is 0.8 or more. Empty text equals nothing.
    """
    inner, outer = sorted((normalised(shown), normalised(evidence)), key=len)
    if not inner:
        return False
    contained = inner in outer and (inner == outer or len(words(inner)) >= CONTAINED_WORDS)
    return contained or token_f1(shown, evidence) >= SAME_WORDS


def is_evidence(shown: str, evidence: Iterable[str]) -> bool:
    """Return whether a text is the same sentence as any of the evidence."""
    return any(same_sentence(shown, sentence) for sentence in evidence)


def holds(fact: re.Pattern[str], text: str) -> bool:
    """Return whether a fact stands in a text, as written or normalised (a regex may name what NFKC changes)."""
    return bool(fact.search(text) or fact.search(normalised(text)))


def holds_all(facts: Sequence[re.Pattern[str]], text: str) -> bool:
    """Return whether every fact stands in a text; False where there is no fact to hold."""
    return bool(facts) and all(holds(fact, text) for fact in facts)
