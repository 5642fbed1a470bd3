"""What kind of answer a question asks for, and whether a sentence holds one. Patterns only."""

from __future__ import annotations

import re
from typing import Literal

AnswerType = Literal[
    "person", "place", "date", "amount", "duration", "count", "list", "reason", "definition", "yes_no", "other"
]

# Kinds of which a sentence can be seen to hold one or not.
TELLING_TYPES: tuple[AnswerType, ...] = ("person", "place", "date", "amount", "duration", "count")

_MONTH = (
    r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|(?-i:March|Mar|mars)|apr(?:il)?|(?-i:May|mai)|june?|juni|july?|juli|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?|des(?:ember)?)"
)
_NUMBER_WORD = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|twelve|to|tre|fire|fem|seks|sju|syv|åtte|ni|ti|tolv|hundred|hundre|"
    r"thousand|tusen|million|millioner)"
)
_CURRENCY = r"(?:USD|US\$|\$|€|EUR|NOK|kroner|kr\.?|dollars?)"

# Where a question begins, also inside a message: "We make sensors. When ...?" but not "who pays when ...".
_OPENS = r"(?:^|[,.;:?!–-]\s+|\b(?:and|or|but|og|eller|men|så)\s+)"

# The first pattern that fits decides, so the narrow questions stand before the wide ones.
_QUESTIONS: tuple[tuple[AnswerType, str], ...] = (
    ("date", rf"{_OPENS}(?:when|når)\b"),
    ("amount", r"\bhow much\b|\bcosts?\b|\bprice|\bfees?\b|\bhvor mye\b|\bkor mykje\b|\bkoste|\bpris|gebyr|avgift"),
    ("count", r"\bhow many\b|\bnumber of\b|\bhvor mange\b|\bkor mange\b|\bantall\b|\bantal\b"),
    ("duration", r"\bhow long\b|\bhvor lang|\bhvor lenge\b|\bkor leng|\bvarighet|\bduration\b"),
    ("date", r"\bwhat (?:year|date|month)\b|\bwhich (?:year|month)\b|\bhvilket år\b|"
             r"\bdeadline|frist\w{0,4}\b|\bsince\b|\bdates?\b|dato\w{0,3}\b"),
    ("person", r"\bwho(?:m|se)?\b|\bhvem\b|\bkven\b|\bcontact\b|\bkontakt|\bleader\b|\bleder\b"),
    ("place", r"\bwhere\b|\bhvor\b(?! (?:mye|mange|lang|lenge|stor|ofte|mykje))|\bkvar\b|\bwhich (?:city|country|county)"),
    ("reason", r"\bwhy\b|\bhvorfor\b|\bkvifor\b|\breason"),
    ("list", r"\bwhich\b|\bwhat are\b|\blist\b|\bhvilke\b|\bkva for\b|\bname the\b|\bnevn\b|\bexamples?\b|\beksempl"),
    ("definition", r"\bwhat(?:'s| is| does)\b|\bhva (?:er|betyr|menes)\b|\bkva er\b|\bmean(?:s|ing)?\b|\bdefin"),
    ("yes_no", rf"{_OPENS}(?:do|does|is|are|can|could|may|must|should|will|would|has|have|did|need|er|må|kan|skal|bør|har|får|"
               r"trenger|gjelder|blir|finnes|fins|vil|holder|regnes|slipper|kreves|går|teller|treng|gjeld)(?:n['’]t)? \w"),
)  # fmt: skip

_NAME = re.compile(
    r"(?<![.!?] )(?<!^)\b[A-ZÆØÅ][\w'-]+ (?:[A-ZÆØÅ][\w'-]+ )?[A-ZÆØÅ][\w'-]+|^[A-ZÆØÅ][a-zæøå]+ [A-ZÆØÅ][a-zæøå]+"
)
_DATE = re.compile(rf"\b(?:19|20)\d\d\b|\b\d{{1,2}}\.? {_MONTH}\b|\b{_MONTH} \d{{1,2}}\b|\b{_MONTH}\b", re.IGNORECASE)
_AMOUNT = re.compile(
    rf"{_CURRENCY}\s?\d|\d[\d .,]*\s?(?:{_CURRENCY}|million|mill|billion|mrd|%|percent|prosent)|\bfree\b|\bgratis\b",
    re.IGNORECASE,
)
_DURATION = re.compile(
    rf"(?:\d+|{_NUMBER_WORD})[ -](?:calendar |business |working )?(?:days?|weeks?|months?|years?|dager?|uker?|måneder|måned|år|timer?|hours?)\b",
    re.IGNORECASE,
)
# Without the Norwegian number words that are common English words: `to` above all.
_COUNT = re.compile(rf"\b\d[\d .,]*\b|\b(?!(?:to|ti|ni)\b){_NUMBER_WORD}\b", re.IGNORECASE)
_REASON = re.compile(
    r"\bbecause\b|\bsince\b|\bso that\b|\btherefore\b|\bin order to\b|\bfordi\b|\bderfor\b|\bslik at\b|\bfor å\b|\bettersom\b|\bdue to\b",
    re.IGNORECASE,
)
_DEFINITION = re.compile(r"\b(?:is|are|means|er|betyr|kalles|called)\b", re.IGNORECASE)
# Duty, permission, exception or denial: what a yes or a no consists of.
_RULING = re.compile(
    r"\b(?:no|not|never|cannot|must|may|can|needs?|required?|requires|requirement|allowed|allows?|only|exempt|without|unless|"
    r"enough|normally|always|nei|ikke|ikkje|aldri|må|kan|skal|krever|kreves|trenger|trengs|tillatt|bare|unntatt|uten|normalt|"
    r"alltid|nok)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(rf"\b(?:in|at|near|i|på|ved|fra|from)\s+(?!(?i:{_MONTH}))[A-ZÆØÅ]\w+")

_HOLDS: dict[AnswerType, re.Pattern[str]] = {
    "person": _NAME,
    "place": _PLACE,
    "date": _DATE,
    "amount": _AMOUNT,
    "duration": _DURATION,
    "count": _COUNT,
    "reason": _REASON,
    "definition": _DEFINITION,
    "yes_no": _RULING,
}
# A money sum, a calendar date or a time limit: what a reader must date before relying on it.
_DATED = re.compile(
    rf"{_CURRENCY}\s?\d|\d[\d .,]*\s?{_CURRENCY}|\b(?:19|20)\d\d\b|\b\d{{1,2}}\.? {_MONTH}\b|\b{_MONTH} \d{{1,2}}\b|"
    rf"{_DURATION.pattern}",
    re.IGNORECASE,
)


def answer_type(question: str) -> AnswerType:
    """Return the kind of answer that a question asks for, in English or Norwegian; `other` when none is plain."""
    for kind, pattern in _QUESTIONS:
        if re.search(pattern, question, re.IGNORECASE):
            return kind
    return "other"


def holds(kind: AnswerType, text: str) -> bool:
    """Return whether a text holds an answer of this kind; False for kinds that no pattern can tell."""
    pattern = _HOLDS.get(kind)
    return bool(pattern and pattern.search(text))


def is_dated(text: str) -> bool:
    """Return whether a text names an amount, a date or a time limit."""
    return bool(_DATED.search(text))
