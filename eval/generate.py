"""Made-up documents for measuring speed: varied, plausible, seeded, with one planted fact in every section.

Nothing in them is true, and nothing is claimed about answer quality on them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Raised whenever the same seed would give other text: kept corpora are then built anew.
GENERATOR_VERSION = "1"
SECTIONS = 6
SENTENCES = 9

_SYLLABLES = (
    "ba",
    "vel",
    "nor",
    "tri",
    "kas",
    "mo",
    "len",
    "dra",
    "fi",
    "sol",
    "ter",
    "ven",
    "ru",
    "pex",
    "ali",
    "cor",
)
_SUBJECTS = ("The manufacturer", "A sponsor", "The importer", "The clinical team", "Each hospital", "The reviewer")
_VERBS = ("documents", "submits", "reviews", "updates", "keeps", "compares", "signs", "reports")
_OBJECTS = (
    "the risk analysis",
    "the labelling of the device",
    "a summary of clinical data",
    "the supplier agreement",
    "the complaint file",
    "the software release notes",
    "a cybersecurity plan",
    "the reimbursement dossier",
)
_CIRCUMSTANCES = (
    "before the first sale in {state}",
    "within {number} working days",
    "for at least {number} months after release {number}",
    "when more than {number} patients are enrolled",
    "under procedure {code}",
    "together with form {code}",
    "at the site in {state}",
)
_STATES = ("Massachusetts", "Minnesota", "Texas", "California", "Ohio", "Utah", "Georgia", "Maryland")
_TOPICS = ("Fees", "Clinical evidence", "Labelling", "Quality system", "Reimbursement", "Security")


@dataclass(frozen=True, slots=True)
class PlantedFact:
    """One sentence of the corpus and the question that it answers."""

    document: str
    sentence: str
    question: str


@dataclass(frozen=True, slots=True)
class GeneratedDocument:
    """One Markdown file and the facts planted in it, one a section."""

    name: str
    markdown: str
    facts: tuple[PlantedFact, ...]


def generated_documents(first: int, count: int) -> Iterator[GeneratedDocument]:
    """Yield `count` documents from number `first` on; a number always gives the same document."""
    for number in range(first, first + count):
        yield _document(number)


def write_documents(folder: Path, first: int, count: int) -> list[PlantedFact]:
    """Write documents as Markdown files into a folder and return what was planted."""
    folder.mkdir(parents=True, exist_ok=True)
    facts: list[PlantedFact] = []
    for document in generated_documents(first, count):
        (folder / document.name).write_text(document.markdown, encoding="utf-8")
        facts.extend(document.facts)
    return facts


def _document(number: int) -> GeneratedDocument:
    draw = random.Random(f"{GENERATOR_VERSION}:{number}")  # noqa: S311 - made-up text, no secrets
    device = _name(draw) + f" {number}"
    name = f"device-{number:06d}.md"
    parts = [f"# Handbook of the {device} monitor\n"]
    facts = []
    for topic in _TOPICS[:SECTIONS]:
        fact = _fact(draw, device, topic, name)
        sentences = [_sentence(draw) for _ in range(SENTENCES)]
        sentences.insert(draw.randrange(SENTENCES), fact.sentence)
        middle = SENTENCES // 2
        parts.append(f"## {topic}\n\n{' '.join(sentences[:middle])}\n\n{' '.join(sentences[middle:])}\n")
        facts.append(fact)
    return GeneratedDocument(name, "\n".join(parts), tuple(facts))


def _name(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3)).capitalize()


def _fact(draw: random.Random, device: str, topic: str, document: str) -> PlantedFact:
    amount, city = draw.randrange(1_000, 99_999), f"{_name(draw)} County"
    sentence = f"The {topic.lower()} office for the {device} monitor is in {city} and charges {amount} dollars."
    return PlantedFact(document, sentence, f"Where is the {topic.lower()} office for the {device} monitor?")


def _sentence(draw: random.Random) -> str:
    circumstance = draw.choice(_CIRCUMSTANCES).format(
        state=draw.choice(_STATES), number=draw.randrange(2, 400), code=f"{_name(draw)}-{draw.randrange(10, 999)}"
    )
    return f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_OBJECTS)} {circumstance}."
