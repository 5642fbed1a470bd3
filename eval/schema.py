"""The JSON Schema of an answer line: what every surface and every system of this evaluation writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.jsonlines import write_json

SCHEMA_FILE = Path(__file__).parents[1] / "docs" / "answer.schema.json"

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_LANGUAGE = {"enum": ["en", "nb", "nn"]}
_OFFSET = {"type": "integer", "minimum": 0}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


_CITATION = _object(
    {
        "number": {"type": "integer", "minimum": 1, "description": "the n of the marker [n] in the text"},
        "quote": {"type": "string", "minLength": 1, "description": "equals the stored text from start to end"},
        "document": {"type": "string", "minLength": 1, "description": "POSIX path inside the corpus, NFC"},
        "version": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "title": _TEXT,
        "language": _LANGUAGE,
        "page": {"type": ["integer", "null"], "minimum": 1, "description": "physical page, from 1"},
        "page_label": _TEXT_OR_NULL,
        "heading": _TEXT_OR_NULL,
        "start": {**_OFFSET, "description": "code points into the stored text"},
        "end": {**_OFFSET, "description": "exclusive"},
        "source_url": {**_TEXT_OR_NULL, "description": "the publisher's address"},
        "link": {**_TEXT, "description": "our viewer, open at the quote"},
    }
)

_ANSWER = _object(
    {
        "text": {**_TEXT, "description": "carries [n] right after each supported sentence"},
        "outcome": {"enum": ["answered", "partly", "abstained", "small_talk"]},
        "abstained": {"type": "boolean"},
        "reason": {
            "enum": [None, "off_topic", "not_covered", "false_premise", "empty_corpus", "bad_question", "model_failed"]
        },
        "missing": {**_TEXT_OR_NULL, "description": "the part of the question that the sources do not hold"},
        "nearest": {"type": "array", "items": _TEXT, "description": "ids of the nearest documents"},
        "language": _LANGUAGE,
        "citations": {"type": "array", "items": _CITATION},
        "seconds": {"type": "number", "minimum": 0},
    },
    # `abstained` repeats the outcome for readers that only want to know that.
    **{
        "if": {"properties": {"outcome": {"const": "abstained"}}},
        "then": {"properties": {"abstained": {"const": True}, "reason": _TEXT}},
        "else": {"properties": {"abstained": {"const": False}}},
    },
)


def answer_line_schema() -> dict[str, Any]:
    """Return the schema of one line of an answer file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answer line",
        **_object({"id": {"type": "string"}, "answer": _ANSWER}),
    }


def write_schema(path: Path = SCHEMA_FILE) -> None:
    """Write the schema to its place in the documentation."""
    write_json(path, answer_line_schema())
