"""Made-up documents for measuring how cost grows: many short sections, each with one planted fact of its own.

A section is one chunk of about 60 of the model's tokens, less than a real chunk has: 100,000 full ones would be
embedded for hours. Beside its fact a section holds two or three ordinary sentences out of a pool of a few thousand for
the whole library, however large it is, as real libraries repeat what every document says; a sentence that stands under
the same heading twice is embedded once. So what grows with the library here is the number of passages, of facts and of
documents, and ingest is quicker per chunk than with long passages and no repetition. Nothing in the documents is true,
and nothing is claimed about answer quality on them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from eval.generate import GeneratedDocument, PlantedFact

# Raised whenever the same number would give another document: kept libraries are then built anew.
GROWTH_VERSION = "1"
SECTIONS = 50
# Ordinary sentences per topic: 50 topics have 3,000 together.
POOL = 60

_TOPICS = (
    "Fees", "Clinical evidence", "Labelling", "Quality system", "Reimbursement", "Security", "Complaints", "Training",
    "Suppliers", "Sterilisation", "Packaging", "Shipping", "Customs", "Insurance", "Contracts", "Recalls", "Audits",
    "Software updates", "Batteries", "Accessories", "Calibration", "Maintenance", "Cleaning", "Disposal", "Privacy",
    "Consent", "Enrolment", "Monitoring visits", "Adverse events", "Statistics", "Publications", "Patents",
    "Trademarks", "Licences", "Export control", "Tax", "Payroll", "Visas", "Leases", "Utilities", "Laboratories",
    "Biocompatibility", "Electrical safety", "Usability", "Translations", "Advertising", "Pricing", "Tenders",
    "Warranties", "Archives",
)  # fmt: skip
_SYLLABLES = (
    "ba", "vel", "nor", "tri", "kas", "mo", "len", "dra", "fi", "sol", "ter", "ven", "ru", "pex", "ali", "cor",
    "dun", "hem", "jo", "kri", "lam", "ost", "pir", "qua", "rib", "sta", "tol", "und", "vor", "wen", "yar", "zel",
)  # fmt: skip
# A sentence and the question that it answers; `name`, `place` and `number` are the section's own.
_FACTS = (
    ("The {topic} office for the {device} monitor is in {place} County and opened with {number} staff.",
     "Where is the {topic} office for the {device} monitor?"),
    ("{name} {place} has looked after {topic} for the {device} monitor since contract {number} was signed.",
     "Who looks after {topic} for the {device} monitor?"),
    ("For {topic} the maker of the {device} monitor set aside {number} dollars in {place} County.",
     "How many dollars did the maker of the {device} monitor set aside for {topic}?"),
    ("The rules on {topic} for the {device} monitor are kept in binder {number} at {place} Hall.",
     "In which binder are the rules on {topic} for the {device} monitor kept?"),
)  # fmt: skip
_SUBJECTS = (
    "The manufacturer", "A sponsor", "The importer", "The clinical team", "Each hospital", "The reviewer",
    "The distributor", "A notified laboratory", "The project lead", "The finance team",
)  # fmt: skip
_VERBS = ("documents", "submits", "reviews", "updates", "keeps", "compares", "signs", "reports", "checks", "sends")
_OBJECTS = (
    "the risk analysis", "the checklist", "a summary of the findings", "the supplier agreement", "the complaint file",
    "the release notes", "a plan for the next period", "the dossier", "the minutes of the meeting",
    "the open questions",
)  # fmt: skip
_CIRCUMSTANCES = (
    "before the first sale in {state}", "within {days} working days", "for at least {days} months",
    "when more than {days} patients are enrolled", "together with form {days}", "at the site in {state}",
    "after the yearly meeting in {state}", "in step {days} of the procedure",
)  # fmt: skip
_STATES = ("Massachusetts", "Minnesota", "Texas", "California", "Ohio", "Utah", "Georgia", "Maryland")


def growth_documents(first: int, count: int, *, sections: int = SECTIONS) -> Iterator[GeneratedDocument]:
    """Yield `count` documents from number `first` on, each with `sections` planted facts, one a section.

    A number always gives the same document.
    """
    for number in range(first, first + count):
        yield _document(number, sections)


def write_growth(folder: Path, first: int, count: int, *, sections: int = SECTIONS) -> list[PlantedFact]:
    """Write documents as Markdown files into a folder and return what was planted."""
    folder.mkdir(parents=True, exist_ok=True)
    facts: list[PlantedFact] = []
    for document in growth_documents(first, count, sections=sections):
        (folder / document.name).write_text(document.markdown, encoding="utf-8")
        facts.extend(document.facts)
    return facts


@cache
def filler(topic: str) -> tuple[str, ...]:
    """Return the ordinary sentences that sections on a topic draw from, all different."""
    draw = _seeded("filler", topic)
    sentences: dict[str, None] = {}
    while len(sentences) < POOL:
        circumstance = draw.choice(_CIRCUMSTANCES).format(state=draw.choice(_STATES), days=draw.randrange(2, 60))
        sentences[f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_OBJECTS)} {circumstance}."] = None
    return tuple(sentences)


def topics() -> tuple[str, ...]:
    """Return what sections are about; a document has no two of a kind."""
    return _TOPICS


def _seeded(*what: object) -> random.Random:
    return random.Random(":".join(map(str, (GROWTH_VERSION, *what))))  # noqa: S311 - made-up text, no secrets


def _document(number: int, sections: int) -> GeneratedDocument:
    draw = _seeded("document", number)
    device = f"{_word(draw, 2)} {number}"
    name = f"handbook-{number:06d}.md"
    parts, facts = [f"# {device} monitor\n"], []
    for topic in draw.sample(_TOPICS, sections):
        sentence, question = (
            text.format(
                topic=topic.lower(), device=device, name=_word(draw, 2), place=_word(draw, 2), number="{number}"
            )
            for text in draw.choice(_FACTS)
        )
        sentence = sentence.format(number=draw.randrange(1_000, 99_999))
        sentences = draw.sample(filler(topic), draw.choice((2, 2, 3)))
        sentences.insert(draw.randrange(len(sentences) + 1), sentence)
        parts.append(f"## {topic}\n\n{' '.join(sentences)}\n")
        facts.append(PlantedFact(name, sentence, question))
    return GeneratedDocument(name, "\n".join(parts), tuple(facts))


def _word(draw: random.Random, syllables: int) -> str:
    return "".join(draw.choices(_SYLLABLES, k=syllables)).capitalize()
