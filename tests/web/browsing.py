"""What the browser tests do again and again: ask a question, and wait for its reply."""

from __future__ import annotations

from playwright.sync_api import Locator, Page


def ask(page: Page, question: str) -> Locator:
    """Type a question, press Enter, wait for its reply."""
    count = page.locator(".exchange").count()
    page.locator("#box textarea").fill(question)
    page.locator("#box textarea").press("Enter")
    return reply(page, count)


def reply(page: Page, number: int) -> Locator:
    """Return the reply to the question of that number (from 0), once it is there."""
    there = page.locator(".exchange").nth(number).locator(".reply:not(.reading)")
    there.wait_for()
    return there
