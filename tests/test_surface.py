"""What the package shows to others: a dozen names, all of them described, and nothing printed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import assistant

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "assistant").rglob("*.py"))
HEAVY = (
    "torch sentence_transformers transformers onnxruntime tokenizers chromadb tantivy gradio fastapi pypdf pypdfium2 "
    "docx pptx reportlab lxml trafilatura langchain httpx httpcore pandas scipy sklearn"
).split()
MODULES = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "assistant").as_posix())


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_all_is_sorted_and_complete():
    """`__all__` names, in order and once, exactly what `assistant/__init__.py` imports."""
    imported = {
        alias.asname or alias.name
        for statement in ast.walk(_tree(ROOT / "assistant" / "__init__.py"))
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith("assistant.")
        for alias in statement.names
    }
    assert assistant.__all__ == sorted(set(assistant.__all__))
    assert set(assistant.__all__) == imported


@pytest.mark.parametrize("name", assistant.__all__)
def test_public_names_exist_and_are_described(name):
    """Every public name is there and says in its docstring what it is."""
    assert getattr(assistant, name).__doc__


def test_the_surface_stays_small():
    """About a dozen names: whoever needs more knows which room to import from."""
    assert len(assistant.__all__) <= 20


@MODULES
def test_every_public_thing_says_what_it_is(path):
    """Every module, public class, function and method has a docstring."""
    tree = _tree(path)
    silent = [] if ast.get_docstring(tree) else ["the module"]
    public_classes = [thing for thing in tree.body if isinstance(thing, ast.ClassDef) and thing.name[0] != "_"]
    for owner in (tree, *public_classes):
        silent += [
            thing.name
            for thing in owner.body
            if isinstance(thing, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not thing.name.startswith("_")
            and not _is_overload(thing)
            and not ast.get_docstring(thing)
        ]
    assert not silent


def _is_overload(thing: ast.stmt) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in getattr(thing, "decorator_list", ()))


@MODULES
def test_no_room_prints(path):
    """Only the scripts speak to the terminal; a room logs or returns."""
    calls = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "pprint")]


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "misc"])
def test_there_is_no_drawer(name):
    """A helper lives in the room whose noun it speaks of."""
    assert not [path for path in SOURCES if path.stem == name or path.parent.name == name]


def test_every_package_is_shipped():
    """The list of packages in pyproject.toml is the list of folders with Python files, and the page's style sheets."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in SOURCES}
    packages = set(project["tool"]["setuptools"]["packages"])
    assert {name for name in packages if name.split(".")[0] == "assistant"} == folders | {"assistant.web.static"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import assistant", id="the package"),
        pytest.param("import assistant.settings, assistant.domain, assistant.language", id="the ground floor"),
        pytest.param("import assistant.retrieval.retriever, assistant.answering.pipeline", id="the line of a question"),
        pytest.param("import assistant.documents, assistant.ingest.corpus", id="the line of a document"),
        pytest.param("from assistant import open_assistant", id="what answers from Python"),
        pytest.param("import app", id="what answers first"),
    ],
)
def test_importing_loads_nothing_heavy(statement):
    """Models, databases, parsers, clients and the web framework are loaded with their first use alone."""
    code = f"{statement}\nimport sys\nprint(*sorted(set({HEAVY}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.slow
def test_the_server_answers_before_the_search_is_imported():
    """Its first answers wait for no room of the search, no numbers and no web framework."""
    later = {"numpy", "fastapi", "assistant.build", "assistant.web.chat"}
    code = f"import app, sys\nprint(*sorted({later} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["app.py", "ingest.py", "-m eval", "-m assistant"])
def test_help_loads_nothing_heavy(command):
    """Whoever wants to know how a command is typed waits for no model, database, parser or web framework."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *command.split(), "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    assert run.stdout.startswith("usage: ")
    assert "argparse" in loaded
    assert not loaded & set(HEAVY)
