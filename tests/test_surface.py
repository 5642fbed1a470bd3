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
MODULES = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT / "assistant").as_posix())


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_all_is_sorted_and_complete():
    """`__all__` names, in order and once, exactly what `assistant/__init__.py` imports."""
    imported = {
        alias.asname or alias.name
        for statement in _tree(ROOT / "assistant" / "__init__.py").body
        if isinstance(statement, ast.ImportFrom) and statement.module != "__future__"
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
    """Only the scripts speak to the terminal; a room logs or returns. The server alone says where it listens."""
    calls = [node.func for node in ast.walk(_tree(path)) if isinstance(node, ast.Call)]
    prints = [call for call in calls if isinstance(call, ast.Name) and call.id in ("print", "pprint")]
    assert len(prints) == (path.parent.name == "web" and path.name == "server.py")


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
    ],
)
def test_importing_loads_nothing_heavy(statement):
    """Models, databases, parsers and the web server are loaded with their first use, not with the import."""
    heavy = "torch sentence_transformers transformers chromadb tantivy gradio fastapi pypdf docx pptx langchain"
    code = f"{statement}\nimport sys\nprint(*sorted(set({heavy.split()}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
