"""The founders' page as its visitors meet it: `app.py` as a process, real Chromium pages, and many visitors at once.

Nothing of the page is patched. Its times are the browser's own; the moment at which the assistant has an answer is the
time of the server's log line for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from eval.answering import Say
from eval.app_process import Server, serving
from eval.bench import Crowd, Opened, PageSpeed, Sizes
from eval.measures import percentile
from eval.page_browser import NAME, Visit, find_chromium, mixed_visitors, opened_browser, visits
from eval.page_crowd import Told, crowd, quotes_alone

# Seconds; 95 of 100 visits must keep to them.
TITLE_TARGET, USABLE_TARGET, LAG_TARGET = 1.5, 3.5, 0.3


def measure_page(
    sizes: Sizes, questions: Sequence[str], say: Say, *, corpus: Path | None = None, data: Path | None = None
) -> PageSpeed:
    """Start the app and measure its page: visits one by one, then many visitors at once.

    Args:
        questions: At least as many as visitors come at once, each different.
        corpus: Folder of documents; the app's own choice without it.
        data: Data folder, which no other process may own; the app's own choice without it.

    Raises:
        EvaluationError: There is no Chromium, the app does not start, or the page does not answer.
    """
    chromium = find_chromium()
    say("page: starting the app")
    with serving(corpus, data, say) as server:
        return asyncio.run(measure(server, chromium, sizes, questions, say))


async def measure(server: Server, chromium: str, sizes: Sizes, questions: Sequence[str], say: Say) -> PageSpeed:
    """Measure the page of a running app, with as many visits and visitors as `sizes` says."""
    load_before = os.getloadavg()[0]
    async with opened_browser(chromium) as browser:
        # The first visit of all pays for the browser's own start and for what the server prepares once.
        await visits(browser, server.address, server.answered, questions[0], plain=[])
        cold: list[Visit] = []
        warm: list[Visit] = []
        plain: list[float] = []
        for number in range(sizes.openings):
            say(f"page: visit {number + 1} of {sizes.openings}, cold and warm")
            pair = await visits(browser, server.address, server.answered, questions[number % len(questions)], plain)
            cold.append(pair[0])
            warm.append(pair[1])
        asked = questions[: sizes.visitors]
        say(f"page: {len(asked)} visitors at once, {sizes.browsers} of them in Chromium")
        told = await crowd(mixed_visitors(browser, server.address, len(asked), sizes.browsers), asked)
    say("page: the same questions, one by one")
    alone = [await asyncio.to_thread(quotes_alone, server.address, question) for question in asked]
    at_once = crowd_figures(told, alone, sizes.browsers)
    return figures(cold, warm, plain, at_once, (load_before, os.getloadavg()[0]))


def figures(
    cold: Sequence[Visit], warm: Sequence[Visit], plain: Sequence[float], crowd: Crowd, load: tuple[float, float]
) -> PageSpeed:
    """Return the figures of all visits, the targets that were missed, and what is wrong.

    Args:
        load: The machine's load average before and after.
    """
    both = [*cold, *warm]
    lag, wait = [visit.lag for visit in both], [visit.wait for visit in both]
    opened = {"cold": _opened(cold), "warm": _opened(warm)}
    lag_p95 = _share(lag, 0.95)
    missed = [
        f"{what}: {seconds:.2f} s instead of {target} s (p95)"
        for what, seconds, target in (
            *((f"title, {name} cache", one.title_p95_seconds, TITLE_TARGET) for name, one in opened.items()),
            *((f"question box, {name} cache", one.usable_p95_seconds, USABLE_TARGET) for name, one in opened.items()),
            ("answer on screen", lag_p95, LAG_TARGET),
        )
        if seconds > target
    ]
    foreign = sorted({url for visit in both for url in visit.foreign})
    other = sum(visit.first_words != NAME for visit in both)
    lost = sum(not visit.words_kept for visit in both)
    faults = [f"asked another host: {url}" for url in foreign]
    faults += [f"{other} of {len(both)} visits painted something before the name"] if other else []
    faults += [f"{lost} of {len(both)} visits lost words typed early"] if lost else []
    faults += crowd.faults
    return PageSpeed(
        **opened,
        plain_page_p50_seconds=_share(plain, 0.5),
        lag_p50_seconds=_share(lag, 0.5),
        lag_p95_seconds=lag_p95,
        enter_to_screen_p50_seconds=_share(wait, 0.5),
        enter_to_screen_p95_seconds=_share(wait, 0.95),
        assistant_p50_seconds=_share([visit.assistant for visit in both], 0.5),
        visits=len(both),
        largest=tuple(f"{size / 1000:.1f} kB {path}" for path, size in cold[-1].largest()),
        crowd=crowd,
        load_before=load[0],
        load_after=load[1],
        missed=tuple(missed),
        faults=tuple(faults),
    )


def _opened(visits: Sequence[Visit]) -> Opened:
    title, usable = [visit.title for visit in visits], [visit.usable for visit in visits]
    return Opened(
        title_p50_seconds=_share(title, 0.5),
        title_p95_seconds=_share(title, 0.95),
        usable_p50_seconds=_share(usable, 0.5),
        usable_p95_seconds=_share(usable, 0.95),
        requests=round(_share([len(visit.sizes) for visit in visits], 0.5)),
        from_cache=round(_share([visit.from_cache for visit in visits], 0.5)),
        kilobytes=_share([sum(visit.sizes.values()) / 1000 for visit in visits], 0.5),
    )


def _share(values: Sequence[float], share: float) -> float:
    return percentile(values, share) or 0.0


def crowd_figures(told: Sequence[Told], alone: Sequence[frozenset[str]], browsers: int) -> Crowd:
    """Compare what each visitor got with what the question gets alone."""
    errors = [one for one in told if one.error or one.shown is None or one.shown.failed or one.shown.reading]
    wrong = [
        one
        for one, quotes in zip(told, alone, strict=True)
        if one not in errors and one.shown and (one.shown.questions != (one.question,) or one.shown.quotes != quotes)
    ]
    slowest = max(told, key=lambda one: one.seconds)
    faults = [f"no answer to {one.question!r}: {one.error or 'an error on the page'}" for one in errors]
    faults += [f"not its own answer: {one.question!r}" for one in wrong]
    return Crowd(
        visitors=len(told),
        in_chromium=min(browsers, len(told)),
        errors=len(errors),
        wrong_answers=len(wrong),
        different_answers=len(set(alone)),
        shown_a_place=sum(bool(one.places) for one in told),
        largest_place=max((place for one in told for place in one.places), default=0),
        answer_p50_seconds=_share([one.seconds for one in told], 0.5),
        slowest_seconds=slowest.seconds,
        places_of_the_slowest=slowest.places,
        faults=tuple(faults),
    )
