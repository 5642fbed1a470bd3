"""A question without what leads to a person: addresses, numbers of telephones and persons, keys, private links.

Names stay: no list knows them all, and half of them gone would promise what it cannot keep.
"""

from __future__ import annotations

import re
import unicodedata

E_MAIL, PROFILE, LINK, KEY, NUMBER = "[e-mail]", "[profile]", "[link]", "[key]", "[number]"
# Fewer digits are a year, a price, a paragraph or a standard.
_PERSONAL_DIGITS = 7

_AT = re.compile(r"\s*[\[({]\s*(?:at|krøllalfa|alfakrøll)\s*[\])}]\s*", re.IGNORECASE)
_DOT = re.compile(r"(?<=\w)\s*[\[({]\s*(?:dot|punktum)\s*[\])}]\s*(?=\w)", re.IGNORECASE)
_E_MAIL = re.compile(r"(?:mailto:)?[\w.!#$%&'*+/=?^`{|}~-]+@(?:[\w-]+(?:\.[\w-]+)*|\[[^\]\s]*\])")
_LINK = re.compile(r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"“”«»]+", re.IGNORECASE)
# A link is kept where all of it are words: no visitor's part, no question, no long mixture of letters and digits.
_PLAIN_LINK = re.compile(r"(?:https?://)?[\w.-]+(?::\d+)?(?:/[\w.,~-]*)*[.,;:!?)]*", re.IGNORECASE)
_TOKEN = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{20,}|[0-9a-fA-F-]{32,}")
_PROFILE = re.compile(r"(?<![\w/])@[A-Za-z_]\w+")
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\b(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE)
_DIGITS = re.compile(r"(?:\+|\b00)?\(?\d(?:(?:,(?=\d)|[ \t.()/–‐‑-]){0,3}\d)*")
# What has as many digits and leads to nobody: dates, spans of years, round amounts, standards with their parts.
_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d|\d{1,2}[./]\s?\d{1,2}[./]\s?(?:19|20)\d\d|\d{1,2}/\d{1,2}/\d\d")
_YEARS = re.compile(r"(?:(?:19|20)\d\d[ ,/–‐‑-]{0,3})+")
_AMOUNT = re.compile(r"[1-9]\d{0,2}([ .,])\d{3}(?:\1\d{3})*(?:[.,]\d{1,2})?")
_ROUND = re.compile(r".*[ .,]000")
_MONEY_BEFORE = re.compile(r"(?:[$€£]|\b(?:USD|NOK|EUR|US\$|dollars?|kroner?|kr\.?))\s*$", re.IGNORECASE)
_MONEY_AFTER = re.compile(r"\s*(?:[$€£]|(?:USD|NOK|EUR|dollars?|kroner?|kr|million|mill)\b)", re.IGNORECASE)
_STANDARD_BEFORE = re.compile(r"\b(?:ISO|IEC|EN|NS|ASTM|AAMI|ANSI|UL|CFR|USC|IEEE|HTS|HS|MDR|TR|TS)[ /-]*$")


def without_personal(text: str) -> str:
    """Return a text on one line, with a mark such as `[e-mail]` where it led to a person.

    Taken out are addresses of e-mail and of machines, profiles, links that hold more than words, keys, and runs of
    seven or more digits (telephones, national identity numbers, accounts) that are no date, amount or standard.
    """
    text = "".join(character for character in unicodedata.normalize("NFKC", text) if _can_be_seen(character))
    text = _DOT.sub(".", _AT.sub("@", " ".join(text.split())))
    text = _LINK.sub(lambda link: link.group() if _is_plain(link.group()) else LINK, text)
    text = _E_MAIL.sub(E_MAIL, text)
    text = _TOKEN.sub(KEY, text)
    text = _PROFILE.sub(PROFILE, text)
    text = _ADDRESS.sub(NUMBER, text)
    return _DIGITS.sub(_number_or_mark, text)


def _can_be_seen(character: str) -> bool:
    """Return whether a character is more than a mark between others, which would part the digits of a number."""
    return unicodedata.category(character) not in ("Cf", "Cs", "Co")


def _is_plain(link: str) -> bool:
    return bool(_PLAIN_LINK.fullmatch(link)) and not _TOKEN.search(link) and not re.search(r"\d{7,}", link)


def _number_or_mark(found: re.Match[str]) -> str:
    run = found.group()
    if sum(character.isdigit() for character in run) < _PERSONAL_DIGITS:
        return run
    if _YEARS.fullmatch(run) or all(_DATE.fullmatch(part) for part in re.split(r"\s*[–‐‑]\s*|\s+-\s+|,\s+", run)):
        return run
    before, after = found.string[: found.start()], found.string[found.end() :]
    if _STANDARD_BEFORE.search(before):
        return run
    is_money = _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after) or _ROUND.fullmatch(run)
    return run if is_money and _AMOUNT.fullmatch(run) else NUMBER
