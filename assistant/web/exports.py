"""Take it with you: an open conversation as Markdown, Word or PDF, with its numbered quotes and their proof.

`GET conversation/KEY/answers.md`, `.docx` or `.pdf`, with `?lang=en` or `nb` for the words around the answers, and
`&number=2` for the second question alone. Questions without a whole answer are left out. The file is made when it is
asked for, and nobody keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Literal, Protocol

import fastapi
from fastapi.responses import HTMLResponse, Response

from assistant.domain import Answer
from assistant.web.conversations import Conversations
from assistant.web.gate import STRICT_POLICY
from assistant.web.pages import framed, language_of, own_page
from assistant.web.withdrawn import Withdraws, without_withdrawn
from assistant.web.words import WORDS, InterfaceLanguage

FileFormat = Literal["md", "docx", "pdf"]
MEDIA_TYPES: Mapping[FileFormat, str] = {
    "md": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow", "referrer-policy": "no-referrer"}


class Asked(Protocol):
    """One question of a conversation, as the page or a saved link keeps it."""

    @property
    def question(self) -> str:
        """The question as asked."""
        ...

    @property
    def answer(self) -> Answer | None:
        """The answer, or None where there was none."""
        ...

    @property
    def titles(self) -> Mapping[str, str]:
        """Titles of the documents that the answer names only by id."""
        ...


class Exports(Protocol):
    """Makes the file; the assistant's `export`."""

    def __call__(
        self,
        exchanges: Sequence[tuple[str, Answer]],
        file_format: FileFormat,
        *,
        language: InterfaceLanguage,
        date: str,
        titles: Mapping[str, str],
    ) -> bytes:
        """Return the questions and their whole answers, at least one, as a file in a format."""
        ...


def add_exports(
    app: fastapi.FastAPI,
    conversations: Conversations,
    assistant: Withdraws,
    export: Exports,
    today: Callable[[], date] = date.today,
) -> None:
    """Add the addresses at which an open conversation is taken along."""

    @app.api_route("/conversation/{key}/answers.{ending}", methods=["GET", "HEAD"])
    def answers(request: fastapi.Request, key: str, ending: str, number: str | None = None) -> Response:
        language = language_of(request)
        file_format = _format(ending)
        if file_format is None:
            return _sorry(language, ending, WORDS[language]["not_offered"])
        conversation = conversations.find(key)
        if conversation is None:
            return _sorry(language, ending, WORDS[language]["export_gone"])
        chosen: Sequence[Asked] = conversation
        if number is not None:
            chosen = conversation[int(number) - 1 : int(number)] if _NUMBER.fullmatch(number) else ()
        return as_file(chosen, file_format, language, assistant, export=export, day=today())


def as_file(
    asked: Sequence[Asked],
    file_format: FileFormat,
    language: InterfaceLanguage,
    assistant: Withdraws,
    *,
    export: Exports,
    day: date,
) -> Response:
    """Return a conversation as a download, or a page that says why there is none.

    Args:
        asked: Its questions; those without a whole answer, or that rest on a withdrawn document, are left out.
        day: The day of the export; it stands in the file and in its name.
    """
    answered = [one for one in asked if one.answer is not None and one.answer.complete]
    shown = without_withdrawn(answered, assistant)
    if not shown:
        return _sorry(language, file_format, WORDS[language]["withdrawn_export" if answered else "export_nothing"])
    exchanges = [(one.question, one.answer) for one in shown if one.answer is not None]
    titles = {id_: title for one in asked for id_, title in one.titles.items()}
    content = export(exchanges, file_format, language=language, date=day.isoformat(), titles=titles)
    name = f"{WORDS[language]['export_name']}-{day.isoformat()}.{file_format}"
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        # Should a browser show it all the same, it runs nothing.
        "content-security-policy": f"{STRICT_POLICY}; sandbox",
        **_PRIVATE,
    }
    return Response(content, media_type=MEDIA_TYPES[file_format], headers=headers)


def _format(ending: str) -> FileFormat | None:
    return next((name for name in MEDIA_TYPES if name == ending), None)


def _sorry(language: InterfaceLanguage, ending: str, sentence: str) -> HTMLResponse:
    """Return a calm page with the way back to the assistant."""
    title = WORDS[language]["export_title"]
    body = f'<h1>{escape(title)}</h1><p class="own-lead">{escape(sentence)}</p>'
    response = own_page(framed(language, title, body, up="../../", here=f"answers.{escape(ending)}"), 404)
    response.headers.update(_PRIVATE)
    return response
