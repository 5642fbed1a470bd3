"""What the browser tests do again and again: ask a question, and wait for its reply."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def ask(page: Page, question: str) -> Locator:
    """Type a question, press Enter, wait for its reply with all that belongs to it."""
    count = page.locator(".exchange").count()
    page.locator("#box textarea").fill(question)
    page.locator("#box textarea").press("Enter")
    there = reply(page, count)
    # What comes last is drawn with the whole conversation once more: before that, nothing found on the page lasts.
    page.locator(".exchange").nth(count).locator(".foot, .notice.failure, .stopped").first.wait_for()
    return there


def reply(page: Page, number: int) -> Locator:
    """Return the reply to the question of that number (from 0), once it is there."""
    there = page.locator(".exchange").nth(number).locator(".reply:not(.reading)")
    there.wait_for()
    return there
