"""The manual is true: what README.md, CONTRIBUTING.md, CHANGELOG.md and docs/*.md say is compared with the program.

`python tests/test_readme.py --write` puts the current help texts into README.md and the current table into
docs/settings.md. Everything else that fails here is mended by hand.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

import assistant
from assistant.documents import SUPPORTED_SUFFIXES
from assistant.documents.metadata import _READERS
from assistant.settings import PREFIX, Settings
from assistant.tuning import Tuning

ROOT = Path(__file__).resolve().parent.parent
README, SETTINGS, ARCHITECTURE, OPERATIONS, CONTRIBUTING = (
    ROOT / name
    for name in ("README.md", "docs/settings.md", "docs/architecture.md", "docs/operations.md", "CONTRIBUTING.md")
)
MANUAL = [README, CONTRIBUTING, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
EACH_FILE = pytest.mark.parametrize("path", MANUAL, ids=lambda path: path.relative_to(ROOT).as_posix())
HELP = {"python ingest.py --help": ("ingest.py", "--help"), "python app.py --help": ("app.py", "--help")}
# Put together here, so that this file does not name them either.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"py" + r"pi\.org|python" + r"hosted\.org|deb\.deb" + r"ian\.org|registry\.npm" + r"js\.org",
            r"(?<![\w.])/(?:wo" + r"rk|fa" + r"rm|home|root)/|/tmp/|/opt/py|/opt/whe",
            r"(?<![\w/])sha" + r"red/",
        ]
    )
)


def read(path: Path) -> str:
    """Return a text file's content."""
    return path.read_text(encoding="utf-8")


def code_blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def table_after(text: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table below a heading, each as its cells, without the head."""
    below = text[text.index(f"{heading}\n") :]
    lines = re.search(r"(?:^\|.*\n?)+", below, re.MULTILINE)
    assert lines, f"no table below {heading!r}"
    rows = [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in lines.group().strip().split("\n")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def spans(text: str) -> list[str]:
    """Return what stands in backticks."""
    return re.findall(r"`([^`\n]+)`", text)


# ---- What is generated ----


@cache
def help_text(*arguments: str) -> str:
    """Return the real help of a script, a hundred columns wide and without colours."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    env |= {"COLUMNS": "100", "NO_COLOR": "1", "PYTHON_COLORS": "0", "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=True
    )
    return run.stdout


def with_help(text: str) -> str:
    """Return README's text with the help blocks as they should be: each opens with its command after a `$`."""
    for command, arguments in HELP.items():
        block = f"```text\n$ {command}\n{help_text(*arguments).rstrip()}\n```"
        pattern = rf"^```text\n\$ {re.escape(command)}\n.*?^```$"
        text, count = re.subn(pattern, lambda _, new=block: new, text, flags=re.MULTILINE | re.DOTALL)
        assert count == 1, f"README.md needs one block that opens with '$ {command}'"
    return text


def settings_table() -> str:
    """Return the table of all settings, in the order of the program."""
    rows = ["| environment variable | default | allowed | meaning |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "not set" if field.default is None else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {_allowed(field.metadata)} | {field.description} |")
    return "\n".join(rows)


def _allowed(constraints: list[object]) -> str:
    words = {"ge": "from {}", "gt": "above {}", "le": "to {}", "lt": "below {}"}
    limits = [(name, getattr(constraint, name, None)) for constraint in constraints for name in words]
    return " ".join(words[name].format(value) for name, value in limits if value is not None) or "any"


def with_settings(text: str) -> str:
    """Return the text of docs/settings.md with the table as it should be."""
    new, count = re.subn(r"^(?:\|.*\n)+", settings_table() + "\n", text, count=1, flags=re.MULTILINE)
    assert count == 1, "docs/settings.md needs a table"
    return new


def test_help_texts_are_the_real_ones():
    """README shows what the scripts print; `python tests/test_readme.py --write` mends it."""
    assert read(README) == with_help(read(README))


def test_settings_table_is_current():
    """docs/settings.md lists every setting as the program has it; the same command mends it."""
    assert read(SETTINGS) == with_settings(read(SETTINGS))


# ---- README ----


def test_readme_is_short():
    """README stays under 150 lines, so that people read it."""
    assert read(README).count("\n") < 150


@pytest.mark.parametrize("block", code_blocks(read(README), "python"))
def test_python_in_the_readme_works_as_written(block):
    """Each example compiles, and what it takes from the package is public there."""
    tree = ast.parse(block)
    compile(tree, "README.md", "exec")
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "assistant"
        for alias in node.names
    }
    assert imported
    assert imported <= set(assistant.__all__)


@pytest.mark.slow
def test_the_python_example_answers(own_data, tmp_path):
    """The example runs over the starter corpus and prints an answer with its sources."""
    shutil.copytree(own_data, tmp_path / "data")
    (block,) = code_blocks(read(README), "python")
    (tmp_path / "example.py").write_text(block, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ASSISTANT_DATA": str(tmp_path / "data"), "PYTHONUTF8": "1"}
    run = subprocess.run(
        [sys.executable, tmp_path / "example.py"], cwd=ROOT, env=env, capture_output=True, encoding="utf-8", check=True
    )
    assert "[1]" in run.stdout
    assert "programme/" in run.stdout


def test_formats_are_those_that_are_read():
    """The endings that README lists are the ones that the loader takes."""
    (line,) = [line for line in read(README).split("\n") if line.startswith("Formats: ")]
    assert {span for span in spans(line) if span.startswith(".")} == SUPPORTED_SUFFIXES


def test_front_matter_keys_are_those_that_are_accepted():
    """The table of keys names each key of the loader, and no other."""
    rows = table_after(read(README), "### Describe a document")
    named = [key for row in rows for key in spans(row[0])]
    assert sorted(named) == sorted(_READERS)


def test_settings_named_in_the_manual_exist():
    """Every ASSISTANT_ variable in the manual is a setting, or the folder of outside test material."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {f"{PREFIX}TEST_DATA"}
    named = {variable for path in MANUAL for variable in re.findall(rf"\b{PREFIX}[A-Z_]+\b", read(path))}
    assert named <= known


# ---- Commands ----


def test_make_targets_exist_and_are_named():
    """Every `make X` of the manual is a target, and every target stands in README or CONTRIBUTING."""
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {path: set(re.findall(r"(?:`|^ *|\$ )make ([a-z]+)", read(path), re.MULTILINE)) for path in MANUAL}
    assert set().union(*named.values()) <= targets
    assert targets <= named[README] | named[CONTRIBUTING]


def test_eval_commands_exist():
    """Every `python -m eval X` of the manual is a command of the evaluation."""
    known = set(re.findall(r"^    ([a-z-]+)(?: |$)", help_text("-m", "eval", "--help"), re.MULTILINE))
    named = {name for path in MANUAL for name in re.findall(r"python -m eval ([a-z-]+)", read(path))}
    assert named
    assert named <= known


@pytest.mark.parametrize("script", ["ingest.py", "app.py"])
def test_options_exist(script):
    """Every option that the manual gives to a script is in its help."""
    known = set(re.findall(r"--[a-z-]+", help_text(script, "--help")))
    calls = [call for path in MANUAL for call in re.findall(rf"python {re.escape(script)}([^`\n]*)", read(path))]
    assert {option for call in calls for option in re.findall(r"--[a-z-]+", call)} <= known


# ---- Links, names, hosts ----


@EACH_FILE
def test_relative_links_lead_somewhere(path):
    """A link to a file of the repository names one that is there, and a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", read(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), target


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", read(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH_FILE
def test_paths_in_backticks_exist(path):
    """A file or folder of the repository that the manual names in backticks is there."""
    roots = ("assistant/", "eval/", "tests/", "docs/", "corpus/")
    for span in spans(re.sub(r"```.*?```", "", read(path), flags=re.DOTALL)):
        if not span.startswith(roots) or re.search(r"[\s*A-Z{<]", span):
            continue
        made_later = span.startswith(("eval/runs", "eval/baseline", "eval/looks", "corpus/added"))
        assert made_later or (ROOT / span).exists(), span


@EACH_FILE
def test_public_names_exist(path):
    """What the manual imports from the package, or calls `assistant.name`, is there."""
    text = read(path)
    imported = re.findall(r"from assistant import ([\w, ]+)", text)
    assert {name.strip() for names in imported for name in names.split(",")} <= set(assistant.__all__)
    called = re.findall(r"\bassistant\.(\w+)\(", text)
    assert [name for name in called if not hasattr(assistant.Assistant, name)] == []


def test_public_names_are_listed():
    """The list of public names in docs/architecture.md is the package's own."""
    (line,) = [line for line in read(ARCHITECTURE).split("\n") if line.startswith("Public names: ")]
    assert sorted(spans(line)) == sorted(assistant.__all__)


@EACH_FILE
def test_no_foreign_hosts_or_paths(path):
    """The manual names no package registry's host and no path of somebody's machine."""
    assert [line for line in read(path).split("\n") if FORBIDDEN.search(line)] == []


# ---- Architecture and operations ----


def test_every_room_is_in_the_table():
    """The table of rooms names every module of the package, and nothing that is not there."""
    named = [span for row in table_after(read(ARCHITECTURE), "## The rooms") for span in spans(row[1])]
    rooms = {
        path.relative_to(ROOT / "assistant").as_posix()
        for path in (ROOT / "assistant").rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "assistant"
    }
    assert sorted(named) == sorted(rooms)


def test_wings_import_what_the_table_says():
    """The last column of the table of wings is what the imports of each wing really are."""
    stated = {row[0].strip("`/"): set(spans(row[1])) for row in table_after(read(ARCHITECTURE), "### Who imports whom")}
    assert stated == _imports_by_wing()


def _imports_by_wing() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "assistant").glob("*/*.py"):
        wing = path.parent.name
        modules = [
            f"{node.module}.{alias.name}".split(".")
            for node in ast.walk(ast.parse(read(path)))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ]
        others = {parts[1] for parts in modules if parts[0] == "assistant"}
        found.setdefault(wing, set()).update(others - {wing})
    return found


def test_tables_of_the_library_are_described():
    """docs/architecture.md describes each table of the library."""
    from assistant.store import library

    tables = re.findall(r"CREATE TABLE (\w+)", library._SCHEMA)
    assert [row[0].strip("`") for row in table_after(read(ARCHITECTURE), "## The library")] == tables


def test_learned_numbers_are_described():
    """docs/architecture.md says what each number of assistant/tuning.json is."""
    named = [name for row in table_after(read(ARCHITECTURE), "### The learned numbers") for name in spans(row[0])]
    assert named == [field.name for field in fields(Tuning)]


@pytest.mark.parametrize("fragment", [row[0] for row in table_after(read(OPERATIONS), "## Messages")])
def test_messages_are_the_programs_own(fragment):
    """Each message that docs/operations.md explains is one that the program can give."""
    sources = [ROOT / "app.py", ROOT / "ingest.py", *(ROOT / "assistant").rglob("*.py")]
    texts = [read(path) for path in sources]
    for words in spans(fragment):
        assert any(words in text for text in texts), words


def write() -> None:
    """Bring what is generated up to date."""
    README.write_text(with_help(read(README)), encoding="utf-8")
    SETTINGS.write_text(with_settings(read(SETTINGS)), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python tests/test_readme.py --write")
    write()
