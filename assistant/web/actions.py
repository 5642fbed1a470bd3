"""What can be done with an answer: copy it, take it along, save it, judge it, go on. HTML; `static/chat.js` acts on it.

Gradio's sanitising leaves buttons, inputs, classes and ids, and takes away `aria-*` and `data-*`: so a button says what
it is for in its text, and the conversation's key travels in the links. The same rules as in `rendering` hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.web.rendering import Exchange, escape
from assistant.web.words import WORDS, InterfaceLanguage

_FORMATS = (("docx", "as_word"), ("pdf", "as_pdf"), ("md", "as_markdown"))


def foot(number: int, language: InterfaceLanguage) -> str:
    """Return the row under a whole answer: copy, and whether it helped; `number` is its place, from 1."""
    words = WORDS[language]
    copy = (
        f'<button type="button" class="act copy">{_icon("copy")}'
        f'<span class="said">{escape(words["copy"])}</span></button>'
    )
    judge = "".join(
        f'<button type="button" class="act judge {name}" id="{name}-{number}">{_icon(name)}'
        f'<span class="said">{escape(words[word])}</span></button>'
        for name, word in (("helpful", "helpful"), ("unhelpful", "not_helpful"))
    )
    told = f'<span class="told" id="told-{number}"></span>'
    return (
        f'<div class="foot" id="foot-{number}"><div class="acts">{copy}{judge}{told}</div>'
        f"{_feedback_form(number, language)}</div>"
    )


def _feedback_form(number: int, language: InterfaceLanguage) -> str:
    """Return the form that opens when an answer was judged: why, and whether the question may be kept with it."""
    words = WORDS[language]
    why, share = f"why-{number}", f"share-{number}"
    return (
        f'<form class="feedback closed" id="feedback-{number}">'
        f'<label for="{why}">{escape(words["feedback_why"])}</label>'
        f'<input type="text" id="{why}" class="why" maxlength="1000" autocomplete="off">'
        f'<p class="consent"><input type="checkbox" id="{share}" class="share">'
        f'<label for="{share}">{escape(words["feedback_share"])}</label></p>'
        f'<button type="submit" class="send">{escape(words["feedback_send"])}</button></form>'
    )


def take_along(key: str, language: InterfaceLanguage) -> str:
    """Return the row that takes the whole conversation along: as a file, or as a saved link."""
    words = WORDS[language]
    links = "".join(
        f'<a class="act file" href="{escape(f"conversation/{key}/answers.{suffix}?lang={language}")}" download>'
        f"{escape(words[word])}</a>"
        for suffix, word in _FORMATS
    )
    save = f'<button type="button" class="act save" id="save">{_icon("link")}{escape(words["save"])}</button>'
    return (
        f'<div class="along"><h2 class="along-title">{escape(words["take_along"])}</h2>'
        f'<div class="acts">{links}{save}</div><div id="saved-link"></div></div>'
    )


def suggestions(questions: Sequence[str], title: str) -> str:
    """Return questions to go on with, as buttons; nothing without any."""
    if not questions:
        return ""
    buttons = "".join(
        f'<li><button type="button" class="follow">{escape(question)}</button></li>' for question in questions
    )
    return f'<div class="go-on"><h3 class="go-on-title">{escape(title)}</h3><ul>{buttons}</ul></div>'


def below(exchanges: Sequence[Exchange], key: str | None, language: InterfaceLanguage) -> tuple[str, ...]:
    """Return what stands below each exchange: its foot once it is whole, and below the last one how to go on."""
    words = WORDS[language]
    feet = [
        foot(number, language) if key and exchange.answer and exchange.answer.complete else ""
        for number, exchange in enumerate(exchanges, start=1)
    ]
    if exchanges:
        latest = exchanges[-1]
        refused = latest.answer is not None and latest.answer.abstained
        feet[-1] += suggestions(latest.suggestions, words["instead" if refused else "go_on"])
    return tuple(feet)


def told_words(language: InterfaceLanguage) -> str:
    """Return the sentences that `chat.js` says itself, hidden, each under its name."""
    words = WORDS[language]
    names = (
        "copied", "copy_failed", "saved_copy", "saved_delete", "save_failed", "gone", "feedback_thanks",
        "feedback_failed", "feedback_undo", "erased", "erase_failed", "skip", "close", "open_in_tab", "sources",
    )  # fmt: skip
    said = "".join(f'<span id="say-{name}">{escape(words[name])}</span>' for name in (*names, "saved"))
    return f'<div class="page-words">{said}</div>'


def stored(language: InterfaceLanguage) -> str:
    """Return the foot of the page: what is stored, and the button that deletes it."""
    words = WORDS[language]
    return (
        f'<p class="stored"><a href="privacy?lang={language}" target="_blank" rel="noopener">'
        f'{escape(words["stored"])}</a> <button type="button" id="erase" class="closed">'
        f'{escape(words["erase"])}</button> <span id="erased"></span></p>'
    )


def _icon(name: str) -> str:
    """Return an empty place that the style sheet draws a sign in."""
    return f'<span class="icon {name}"></span>'
