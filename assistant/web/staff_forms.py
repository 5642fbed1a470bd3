"""What the pages of the desk are built from: words, texts of others, addresses, buttons, and the form of metadata.

Pure functions. Each page of the desk lies one level below the site's root, so that links among them are bare names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape as escape_attribute
from typing import Any
from urllib.parse import urlencode

from assistant.domain import Metadata
from assistant.web.rendering import escape, format_date, is_past
from assistant.web.staff_access import TOKEN_FIELD
from assistant.web.staff_words import STAFF_WORDS
from assistant.web.words import SEGMENTS, STAGES, WORDS, InterfaceLanguage

# What documents call the fields and stages that a visitor may choose, in the order of `SEGMENTS` and `STAGES`.
AUDIENCES = dict(zip(("MD", "IVD", "DH", "BIO", "ELD"), SEGMENTS, strict=True))
STAGE_CODES = dict(zip(("S1", "S2", "S3", "S4"), STAGES, strict=True))
EVERYBODY = "ALL"

_LANGUAGES = ("en", "nb", "nn")
_ONE_LINE = ("title", "publisher", "published", "checked", "check_again_by", "valid_until", "status", "url")
_DATES = ("published", "checked", "check_again_by", "valid_until")
_MANY = ("audience", "stage")
# Longer is cut where it is shown among other things; a page of its own shows it whole.
LONGEST_NAME = 140
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}).*")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page is made for.

    Attributes:
        token: What each form of this session carries.
        today: The day that review dates are compared with.
    """

    language: InterfaceLanguage
    token: str
    today: date

    def say(self, word: str, **values: object) -> str:
        """Return words of the desk as HTML, with plain values filled in."""
        return escape(self.plain(word, **values))

    def plain(self, word: str, **values: object) -> str:
        """Return words of the desk as plain text; for one of something, the word with `_one` where there is such."""
        words = STAFF_WORDS[self.language]
        if values.get("count") == 1 and f"{word}_one" in words:
            word = f"{word}_one"
        shown = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return words[word].format(**shown)

    def number(self, value: int) -> str:
        """Return a number as people of the language write it."""
        return f"{value:,}".replace(",", "," if self.language == "en" else "\u00a0")

    def day(self, value: str) -> str:
        """Return a date of any precision, or the day of a moment, as plain text."""
        moment = _MOMENT.fullmatch(value)
        return format_date(moment[1] if moment else value, self.language)

    def moment(self, value: str) -> str:
        """Return a moment as HTML: day and time in UTC."""
        moment = _MOMENT.fullmatch(value)
        if not moment:
            return escape(self.day(value))
        return (
            f'<time datetime="{escape(value)}">{escape(self.day(value))}, '
            f'<span class="desk-nowrap">{moment[2]} UTC</span></time>'
        )


def foreign(text: str, most: int = LONGEST_NAME) -> str:
    """Return a text of somebody else as HTML, cut to `most` characters; its direction is its own affair."""
    return f"<bdi>{escape(cut(text, most))}</bdi>"


def cut(text: str, most: int) -> str:
    """Return a text on one line, cut to `most` characters, without marks that turn the direction of what follows."""
    line = " ".join(_TURNS.sub("", text).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def sentence(text: str) -> str:
    """Return words of a reason or a remedy as a sentence: with a capital letter and a full stop."""
    said = text.strip()
    return f"{said[:1].upper()}{said[1:]}{'' if said[-1:] in '.!?' else '.'}" if said else ""


def address(page: str, /, **values: object) -> str:
    """Return the address of a page of the desk, as an attribute can hold it; values that are None are left out."""
    known = {name: str(value).encode("utf-8", "replace") for name, value in values.items() if value is not None}
    return escape_attribute(f"{page}?{urlencode(known)}" if known else page)


def link(href: str, text: str, css: str = "") -> str:
    """Return a link; `href` and `text` are HTML already."""
    named = f' class="{css}"' if css else ""
    return f'<a{named} href="{href}">{text}</a>'


def chip(text: str, kind: str = "") -> str:
    """Return a short word on a coloured ground; `text` is HTML, `kind` one of ``, `care`, `good`, `quiet`."""
    return f'<span class="desk-chip{f" {kind}" if kind else ""}">{text}</span>'


def notice(html: str, kind: str = "") -> str:
    """Return a sentence that stands out: `care` for what needs a look, `good` for what went well."""
    return f'<div class="desk-note{f" {kind}" if kind else ""}">{html}</div>'


def hidden(values: Mapping[str, object], reader: Reader) -> str:
    """Return the hidden fields of a form: these values and the session's token."""
    fields = {**{name: value for name, value in values.items() if value is not None}, TOKEN_FIELD: reader.token}
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(str(value))}">' for name, value in fields.items()
    )


def button(
    reader: Reader, action: str, word: str, values: Mapping[str, object], *, css: str = "desk-quiet", about: str = ""
) -> str:
    """Return a form that is one button.

    Args:
        action: The name of the address that it posts to.
        word: The key of what stands on it.
        about: What assistive technology is told besides, such as the title of the document in whose line it stands.
    """
    more = f'<span class="hidden"> {escape(cut(about, LONGEST_NAME))}</span>' if about else ""
    return (
        f'<form class="desk-one" method="post" action="{escape_attribute(action)}">{hidden(values, reader)}'
        f'<button class="{css}" type="submit">{reader.say(word)}{more}</button></form>'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names with their values, both HTML; nothing for none."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f'<dl class="desk-facts">{rows}</dl>' if rows else ""


def languages(reader: Reader, codes: Sequence[str]) -> str:
    """Return the names of languages as HTML."""
    return escape(language_names(reader, codes))


def language_names(reader: Reader, codes: Sequence[str]) -> str:
    """Return the names of languages as plain text."""
    return ", ".join(WORDS[reader.language][f"language_{code}"] for code in codes)


def fields_of(reader: Reader, metadata: Metadata) -> str:
    """Return the fields that a document is meant for as plain text; empty where it does not say."""
    return ", ".join(audience_name(reader, code) for code in metadata.audience)


def audience_name(reader: Reader, code: str) -> str:
    """Return what a field is called, or its code where we know no other name."""
    if code == EVERYBODY:
        return reader.plain("audience_all")
    return WORDS[reader.language][f"segment_{AUDIENCES[code]}"] if code in AUDIENCES else code


def stage_name(reader: Reader, code: str) -> str:
    """Return what a stage is called, or its code where we know no other name."""
    return WORDS[reader.language][f"stage_{STAGE_CODES[code]}"] if code in STAGE_CODES else code


def review_chip(reader: Reader, metadata: Metadata) -> str:
    """Return what the last day or the review day of a document asks for; nothing where it asks for nothing."""
    until = metadata.valid_until
    if not until or not is_past(until, reader.today):
        return ""
    word = "chip_review_past" if metadata.is_review_date else "chip_out_of_date"
    return chip(reader.say(word, date=reader.day(until)), "care")


def status_chip(metadata: Metadata) -> str:
    """Return the status of a document as a chip; nothing where it has none."""
    return chip(foreign(metadata.status, 60), "quiet") if metadata.status else ""


# ---- The form of metadata ----


def values_of(metadata: Metadata) -> dict[str, Any]:
    """Return metadata as the form shows it: text by key, and lists of texts."""
    review = metadata.valid_until if metadata.is_review_date else None
    last = None if metadata.is_review_date else metadata.valid_until
    known = {
        "title": metadata.title, "language": metadata.language, "publisher": metadata.publisher,
        "published": metadata.published, "checked": metadata.checked, "check_again_by": review, "valid_until": last,
        "status": metadata.status, "url": metadata.url,
    }  # fmt: skip
    return {name: value or "" for name, value in known.items()} | {
        "audience": metadata.audience,
        "stage": metadata.stage,
    }


def seen(metadata: Metadata) -> str:
    """Return a mark of what a form was made from, so that nobody undoes what somebody else changed meanwhile."""
    return hashlib.sha256(repr(metadata).encode("utf-8", "replace")).hexdigest()[:16]


def typed_values(texts: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what a form brought, as `values_of` returns it."""
    one_line = {name: " ".join(texts.get(name, "").split()) for name in (*_ONE_LINE, "language")}
    return one_line | {name: tuple(dict.fromkeys(lists.get(name, ()))) for name in _MANY}


def changed_values(metadata: Metadata, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return those typed values that differ from what is known: a key that the form does not know stays as it is."""
    known = values_of(metadata)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in typed.items()
        if (set(value) != set(known[name]) if isinstance(value, tuple) else value != known[name])
    }


def metadata_form(
    reader: Reader,
    metadata: Metadata,
    action: str,
    document: Mapping[str, object],
    *,
    found_title: str,
    typed: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> str:
    """Return the form of what is known about a document.

    Args:
        document: The fields that say which one it is.
        found_title: What it is called where nobody gave it a title.
        typed: What was typed before and could not be kept.
        problem: Why; plain text.
    """
    values = dict(typed) if typed is not None else values_of(metadata)
    placeholders = {
        "title": found_title,
        "url": "https://",
        "status": reader.plain("field_status_such_as"),
        **dict.fromkeys(_DATES, reader.plain("field_date_such_as")),
    }
    inputs = {name: _line(reader, name, values[name], placeholders.get(name, "")) for name in _ONE_LINE}
    wrong = notice(f"<p>{foreign(problem, 600)}</p>", "care") if problem else ""
    audience = _boxes(reader, "audience", values["audience"], (EVERYBODY, *AUDIENCES), audience_name)
    stage = _boxes(reader, "stage", values["stage"], tuple(STAGE_CODES), stage_name)
    return (
        f'<form class="desk-form" method="post" action="{escape_attribute(action)}">{wrong}'
        f"{hidden({**document, 'seen': seen(metadata)}, reader)}"
        f'<div class="desk-fields">{inputs["title"]}{inputs["publisher"]}{_language(reader, values["language"])}'
        f"{inputs['url']}{inputs['published']}{inputs['checked']}{inputs['check_again_by']}{inputs['valid_until']}"
        f"{inputs['status']}</div>{audience}{stage}"
        f'<p class="desk-acts"><button class="own-button" type="submit">{reader.say("save_metadata")}</button></p>'
        "</form>"
    )


def _line(reader: Reader, name: str, value: str, placeholder: str) -> str:
    """Return one line to type in, with its name above and its help below."""
    wide = " wide" if name in ("title", "status", "url") else ""
    dated = ' inputmode="numeric" autocomplete="off" spellcheck="false"' if name in _DATES else ""
    web = ' inputmode="url" autocomplete="off" spellcheck="false"' if name == "url" else ""
    return (
        f'<p class="desk-field{wide}"><label for="field-{name}">{reader.say(f"field_{name}")}</label>'
        f'<input id="field-{name}" name="{name}" type="text" value="{escape(value)}" dir="auto" maxlength="1000" '
        f'placeholder="{escape(cut(placeholder, 80))}" aria-describedby="help-{name}"{dated}{web}>'
        f'<span class="desk-help" id="help-{name}">{reader.say(f"field_{name}_help")}</span></p>'
    )


def _language(reader: Reader, value: str) -> str:
    """Return the choice of a language; the first is none, and leaves it to the text."""
    options = "".join(
        f'<option value="{code}"{" selected" if code == value else ""}>'
        f"{languages(reader, (code,)) if code else reader.say('field_language_found')}</option>"
        for code in ("", *_LANGUAGES)
    )
    return (
        f'<p class="desk-field"><label for="field-language">{reader.say("field_language")}</label>'
        f'<select id="field-language" name="language" aria-describedby="help-language">{options}</select>'
        f'<span class="desk-help" id="help-language">{reader.say("field_language_help")}</span></p>'
    )


def _boxes(reader: Reader, name: str, chosen: Sequence[str], known: Sequence[str], called: Any) -> str:
    """Return boxes to tick: those that we know, and whatever else the document says already."""
    boxes = "".join(
        f'<label class="desk-tick"><input type="checkbox" name="{name}" value="{escape(code)}"'
        f"{' checked' if code in chosen else ''}> {foreign(called(reader, code), 60)}</label>"
        for code in dict.fromkeys((*known, *chosen))
    )
    return (
        f'<fieldset class="desk-ticks" aria-describedby="help-{name}"><legend>{reader.say(f"field_{name}")}</legend>'
        f'<div>{boxes}</div><span class="desk-help" id="help-{name}">{reader.say(f"field_{name}_help")}</span>'
        "</fieldset>"
    )
