"""The page that says what is stored, for how long, and how to delete it: short, and without a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Protocol

import fastapi
from fastapi.responses import HTMLResponse

from assistant.domain import WritingModel
from assistant.web.access import ACCESS_COOKIE, COOKIE_SECONDS
from assistant.web.conversations import KEPT_SECONDS
from assistant.web.pages import framed, language_of, own_page
from assistant.web.recording import KeepsQuestions
from assistant.web.visits import VISITOR_COOKIE
from assistant.web.words import ABOUT_COOKIE, LANGUAGE_COOKIE, WORDS, InterfaceLanguage

# What `static/chat.js` calls its list of what was sent and saved.
SENT = "usanext_sent"


class Keeping(Protocol):
    """The journal, as this page sees it."""

    @property
    def saved_days(self) -> int:
        """How many days a saved link opens."""
        ...

    @property
    def feedback_days(self) -> int:
        """How many days feedback is kept."""
        ...

    @property
    def questions(self) -> KeepsQuestions:
        """Questions that were not wholly answered."""
        ...


def add_privacy(app: fastapi.FastAPI, journal: Keeping, model: Callable[[], WritingModel | None]) -> None:
    """Add the page.

    Args:
        model: Returns the language model that writes the answers, or None where they are quotes alone.
    """

    @app.api_route("/privacy", methods=["GET", "HEAD"])
    def privacy(request: fastapi.Request) -> HTMLResponse:
        shown = page(
            language_of(request),
            saved_days=journal.saved_days,
            feedback_days=journal.feedback_days,
            gap_days=journal.questions.days,
            gap_texts=journal.questions.texts,
            model=model(),
        )
        return own_page(shown)


def page(
    language: InterfaceLanguage,
    *,
    saved_days: int,
    feedback_days: int,
    gap_days: int,
    gap_texts: bool,
    model: WritingModel | None,
) -> str:
    """Return the whole page.

    Args:
        saved_days: How many days a saved link opens.
        feedback_days: How many days feedback is kept.
        gap_days: How many days a question without a whole answer is kept after it was last asked.
        gap_texts: Whether its words are kept.
    """
    words = WORDS[language]
    hours = round(KEPT_SECONDS / 3600)
    if model is None:
        writes = words["privacy_no_model"]
    else:
        word = "privacy_model_here" if model.stays_here else "privacy_model_elsewhere"
        writes = words[word].format(model=model.name, host=model.host)
    body = (
        f'<h1>{escape(words["privacy_title"])}</h1><p class="own-lead">{escape(words["privacy_lead"])}</p>'
        + _part(words["privacy_conversation"], words["privacy_conversation_what"].format(hours=hours), writes)
        + _part(
            words["privacy_gaps"],
            *(
                [words["privacy_gaps_texts"], words["privacy_gaps_who"]]
                if gap_texts
                else [words["privacy_gaps_no_texts"]]
            ),
            words["privacy_gaps_end"].format(days=gap_days),
        )
        + _part(
            words["privacy_feedback"],
            words["privacy_feedback_what"],
            words["privacy_feedback_texts"],
            words["privacy_feedback_end"].format(days=feedback_days),
        )
        + _part(
            words["privacy_saved"],
            words["privacy_saved_what"],
            words["privacy_saved_end"].format(days=saved_days),
        )
        + _part(words["privacy_browser"], words["privacy_browser_what"])
        + _table(language)
        + _part(words["privacy_log"], words["privacy_log_what"])
        + _part(words["privacy_erased"], words["privacy_erased_what"])
    )
    return framed(language, words["privacy_title"], f'<div class="own-text">{body}</div>', here="privacy")


def _part(title: str, *paragraphs: str) -> str:
    """Return a heading and its paragraphs."""
    return f"<h2>{escape(title)}</h2>" + "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)


def _table(language: InterfaceLanguage) -> str:
    """Return what stands in the visitor's browser: its name, what it is for, how long it stays."""
    words = WORDS[language]
    year, session = words["privacy_year"], words["privacy_session"]
    access = words["privacy_days"].format(days=COOKIE_SECONDS // 86_400)
    rows = (
        (LANGUAGE_COOKIE, words["privacy_cookie_language"], year),
        (ABOUT_COOKIE, words["privacy_cookie_about"], year),
        (VISITOR_COOKIE, words["privacy_cookie_visitor"], session),
        (ACCESS_COOKIE, words["privacy_cookie_access"], access),
        (SENT, words["privacy_sent"], words["privacy_until_deleted"]),
    )
    head = _row("th", [words["privacy_name"], words["privacy_use"], words["privacy_time"]])
    lines = "".join(_row("td", row) for row in rows)
    return f'<div class="own-table"><table><thead>{head}</thead><tbody>{lines}</tbody></table></div>'


def _row(tag: str, cells: Sequence[str]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f"<tr>{''.join(f'<{tag}{scope}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
