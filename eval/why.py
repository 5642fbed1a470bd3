"""*Why this answer*, as text: what was found, what each sentence scored, what spoke for and against an answer."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from assistant import Answer

WIDTH = 110
HITS_SHOWN = 6
SENTENCES_SHOWN = 8
REASONS_SHOWN = 8


def explanation(answer: Answer, why: Mapping[str, Any]) -> str:
    """Return the answer to a question and how it came about, from `Assistant.explain`, in lines of 110 columns."""
    if "query" not in why:
        return (
            f"{answer.outcome}{f' ({answer.reason})' if answer.reason else ''}: nothing was searched\n{answer.text}\n"
        )
    query = why["query"]
    lines = [
        f"{answer.outcome}{f' ({answer.reason})' if answer.reason else ''}: "
        f"an answer is {why['probability']:.0%} likely, asked for are {why['threshold']:.0%}; "
        f"a false premise {why['false_premise']:.0%}",
        *_wrapped(answer.text, ""),
        "",
        *_wrapped(f"{query['search_text']}  ({query['language']}, asks for: {query['wanted']})", "Searched: "),
    ]
    if query["uncovered"]:
        lines += _wrapped(", ".join(query["uncovered"]), "In no passage: ")
    lines += ["", "For (+) and against (-) an answer, in log odds:", *_moves(why), "", "Passages:"]
    lines += [_hit(hit) for hit in why["hits"][:HITS_SHOWN]]
    lines += ["", "Sentences (* is shown):"]
    for candidate in why["candidates"][:SENTENCES_SHOWN]:
        lines += _candidate(candidate)
    return "\n".join(lines) + "\n"


def _moves(why: Mapping[str, Any]) -> list[str]:
    moves = list(why["for_and_against"].items())[:REASONS_SHOWN]
    return [f"  {moved:+.2f}  {name} = {why['features'][name]:.2f}" for name, moved in moves] or ["  nothing was found"]


def _hit(hit: Mapping[str, Any]) -> str:
    places = f"by meaning {hit['dense_rank'] or '-'}, by words {hit['lexical_rank'] or '-'}"
    named = f"{hit['document']}: {hit['heading'] or 'no heading'}"
    return f"  {hit['rank']:>2}  {hit['score']:.2f}  {textwrap.shorten(named, 70, placeholder=' …')}  ({places})"


def _candidate(candidate: Mapping[str, Any]) -> Sequence[str]:
    added = ", ".join(f"{name} {value:.2f}" for name, value in candidate["parts"].items() if value)
    mark = "*" if candidate["chosen"] else " "
    return [*_wrapped(candidate["text"], f"{mark} {candidate['score']:.2f}  "), f"        {added}"]


def _wrapped(text: str, opening: str) -> list[str]:
    wrapped = [
        textwrap.wrap(paragraph, WIDTH - len(opening)) or [""] for paragraph in text.replace("\t", " | ").split("\n")
    ]
    flat = [line for paragraph in wrapped for line in paragraph]
    return [f"{opening if number == 0 else ' ' * len(opening)}{line}" for number, line in enumerate(flat)]
