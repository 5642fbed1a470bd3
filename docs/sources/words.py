"""List the ordinary words of the library: what the documents write with a small letter.

The judge of written sentences takes an unknown word with a capital for a name, except at the start of a sentence, where
every word has one: there it looks the word up in `assistant/ordinary_words.txt`, which this command writes::

    python docs/sources/words.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "assistant" / "ordinary_words.txt"
SMALL = re.compile(r"(?<![\w/@.#-])[a-zæøåéòü]{2,}(?![\w/@])")
ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|`[^`]*`")
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def ordinary_words() -> str:
    """Return the words, sorted, one a line."""
    found: set[str] = set()
    for path in sorted([*(ROOT / "corpus").rglob("*.md"), *(ROOT / "docs" / "sources").glob("*.md")]):
        text = FRONT_MATTER.sub("", path.read_text(encoding="utf-8"))
        found.update(SMALL.findall(ADDRESS.sub(" ", text)))
    return "".join(f"{word}\n" for word in sorted(found))


if __name__ == "__main__":
    TARGET.write_text(ordinary_words(), encoding="utf-8")
