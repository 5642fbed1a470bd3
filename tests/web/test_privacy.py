"""The page that says what is stored: in both languages, true to the settings, and without a script."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from assistant.domain import WritingModel
from assistant.web import privacy
from assistant.web.visits import STAFF_COOKIE
from assistant.web.words import WORDS

HERE = WritingModel("ollama:qwen", "127.0.0.1", stays_here=True)
ELSEWHERE = WritingModel("openai:gpt", "api.example", stays_here=False)


def made(language, **chosen):
    """Return the page as HTML, with the settings' defaults but for what is chosen."""
    settings = {"saved_days": 180, "feedback_days": 365, "gap_days": 180, "gap_texts": True, "model": None}
    return privacy.page(language, **settings | chosen)


def words_of(page: str) -> str:
    """Return what a page shows."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("language", WORDS)
def test_the_page_says_all_of_it(keeping, language):
    """Every sentence about what is stored stands on the page, with its numbers."""
    page = keeping.client.get(f"/privacy?lang={language}")
    assert page.status_code == 200
    shown = words_of(page.text)
    others = ("privacy_model_here", "privacy_model_elsewhere", "privacy_gaps_no_texts")
    said = {key: text for key, text in WORDS[language].items() if key.startswith("privacy_") and key not in others}
    numbers = {"hours": 6}
    for key, text in said.items():
        days = {"privacy_feedback_end": 365, "privacy_saved_end": 180, "privacy_gaps_end": 180}.get(key, 30)
        assert text.format(days=days, **numbers) in shown, key


@pytest.mark.parametrize("language", WORDS)
def test_the_numbers_are_those_of_the_settings(language):
    """Whoever runs it may choose others."""
    shown = words_of(made(language, saved_days=12, feedback_days=34, gap_days=56))
    assert all(re.search(rf"\b{days} da", shown) for days in (12, 34, 56))
    assert not re.search(r"\b(180|365)\b", shown)


@pytest.mark.parametrize("language", WORDS)
def test_the_page_says_whether_words_of_questions_are_kept(language):
    """What staff see of them, that nothing says who asked, and for how long; or that they are counted alone."""
    words = WORDS[language]
    kept, counted = (words_of(made(language, gap_texts=texts)) for texts in (True, False))
    for key in ("privacy_gaps_texts", "privacy_gaps_who"):
        assert words[key] in kept
        assert words[key] not in counted
    assert words["privacy_gaps_no_texts"] in counted
    assert words["privacy_gaps_no_texts"] not in kept
    assert all(words["privacy_gaps_end"].format(days=180) in shown for shown in (kept, counted))


@pytest.mark.parametrize("language", WORDS)
def test_the_page_says_where_questions_go(keeping, shelf, language):
    """Nowhere, to a model on this machine, or to a host by its name."""
    shown = []
    for shelf.writing_model in (None, HERE, ELSEWHERE):
        shown.append(words_of(keeping.client.get(f"/privacy?lang={language}").text))
    words = WORDS[language]
    assert words["privacy_no_model"] in shown[0]
    assert words["privacy_model_here"].format(model="ollama:qwen") in shown[1]
    assert words["privacy_model_elsewhere"].format(model="openai:gpt", host="api.example") in shown[2]
    assert not any("api.example" in page for page in shown[:2])


def test_the_page_holds_no_script_and_leads_back(keeping):
    """One of our own pages, under the strict policy."""
    page = keeping.client.get("/privacy")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", page.text)
    assert '<a href="./">Ask the assistant</a>' in page.text
    assert '<a class="language" lang="nb" hreflang="nb" href="./privacy?lang=nb">Norsk</a>' in page.text


def test_the_page_names_everything_that_the_browser_keeps():
    """Each cookie that visitors get or send, and what the chat page's script remembers; not those of the staff desk.

    The room of all doors names the desk's, too.
    """
    web = Path(privacy.__file__).parent
    named = set()
    rooms = [file for file in web.glob("*.py") if not file.name.startswith("staff_")]
    for file in (*rooms, web / "static" / "chat.js"):
        named |= set(re.findall(r"[\"'`](usanext_\w+)", file.read_text(encoding="utf-8")))
    assert named - {STAFF_COOKIE} == {row for row in re.findall(r"<td>(usanext_\w+)</td>", made("en"))}
