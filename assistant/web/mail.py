"""The e-mail with which a founder turns to a person: opened in the founder's own mail program, sent by nobody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote as percent_encode

from assistant.domain import Answer
from assistant.web.words import WORDS, InterfaceLanguage

# Mail programs and browsers cut long addresses; Windows hands over some 2,000 characters.
MAX_ADDRESS_CHARACTERS = 1_900
_SUBJECT_CHARACTERS = 90
_QUOTE_CHARACTERS = 240
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")


def is_mail_address(contact: str | None) -> bool:
    """Return whether a contact is an e-mail address, and not words or a web address."""
    return bool(contact and _ADDRESS.fullmatch(contact))


def draft(
    question: str, answer: Answer, titles: Mapping[str, str], contact: str | None, language: InterfaceLanguage
) -> str:
    """Return a `mailto:` address with the question and what was found filled in; the recipient is empty without one.

    What does not fit is left out from the end, line by line; the question is cut only where it alone is too long.
    """
    words = WORDS[language]
    recipient = percent_encode(contact, safe="@") if contact and is_mail_address(contact) else ""
    subject = words["mail_subject"].format(question=_cut(question, _SUBJECT_CHARACTERS))
    head = f"mailto:{recipient}?subject={percent_encode(subject)}&body="
    found = _found(answer, titles, language)
    opening = [words["mail_greeting"], "", words["mail_asked"], _cut(question, 600), ""]
    closing = ["", words["mail_ask"]]
    while True:
        address = head + percent_encode("\r\n".join([*opening, *found, *closing]))
        if len(address) <= MAX_ADDRESS_CHARACTERS or not found:
            return address
        found.pop()


def _found(answer: Answer, titles: Mapping[str, str], language: InterfaceLanguage) -> list[str]:
    """Return the lines on what the assistant said: how much of an answer, its quotes, else the nearest documents."""
    words = WORDS[language]
    lines = [words["mail_refused"]] if answer.abstained else []
    lines += [words["mail_partly"]] if answer.outcome == "partly" else []
    if answer.citations:
        lines += ["", words["mail_quotes"]]
        lines += [f"- {_cut(one.quote, _QUOTE_CHARACTERS)} ({one.title})" for one in answer.citations]
    elif answer.nearest:
        lines += ["", words["mail_nearest"], *(f"- {titles.get(id_, id_)}" for id_ in answer.nearest)]
    return lines


def _cut(text: str, characters: int) -> str:
    """Return a text on one line, at most so long; what was cut ends in an ellipsis."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= characters else f"{line[: characters - 1].rstrip()}…"
