"""The house: who may know whom, how large a thing may be, which words belong where."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.app import registry

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconciler"
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 5

KIND_WORDS_IN_ENGINE: dict[str, str] = {
    "engine/declaration/written.py:schema": "the key at the top of a file that names its namespace",
    "engine/elaborate/scratch.py:schema": "the parameter of a kind's question what a name means",
    "engine/plan/plan_file.py:server": "the key of the plan file that holds the server's major version",
    "engine/connection/server_errors.py:table": "PostgreSQL's name for a field of its error messages",
    "engine/connection/server_errors.py:column": "PostgreSQL's name for a field of its error messages",
    "engine/yaml/validation_errors.py:enum": "pydantic's name for a sort of error",
    "engine/plan/plan_file.py:schema": "the key of the plan file that holds the schema's digest",
    "engine/plan/file_format.py:schema": "the key of the plan file that holds the schema's digest",
}
"""Words of the engine that are also the name of a kind: `file:word` -> what the word means there."""


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


every_file = pytest.mark.parametrize("path", FILES, ids=_name)


@every_file
def test_a_file_is_no_longer_than_a_person_reads(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@every_file
def test_a_function_fits_on_a_screen(path: Path) -> None:
    too_long = [
        f"{node.name}: {lines} lines"
        for node in _functions(path)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > MOST_FUNCTION_LINES and not _is_query(node)
    ]
    assert not too_long


@every_file
def test_a_function_takes_few_parameters(path: Path) -> None:
    if "cli" in path.parts:
        return  # a command's options are its parameters
    too_many = [
        node.name
        for node in _functions(path)
        if len({argument.arg for argument in node.args.args} - {"self", "cls"}) > MOST_PARAMETERS
    ]
    assert not too_many


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def _is_query(node: ast.FunctionDef) -> bool:
    """A kind's query stands in its file, however long it is."""
    return node.name == "query"


@every_file
def test_a_file_says_what_it_is(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "it has no docstring"
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)


@every_file
def test_no_name_means_anything(path: Path) -> None:
    assert not {"util", "utils", "helper", "helpers", "manager", "misc", "common"} & {
        path.stem,
        path.parent.name,
    }


def test_no_file_of_the_engine_names_a_kind() -> None:
    names = {kind.name for kind in registry()}
    found = {
        f"engine/{path.relative_to(PACKAGE / 'engine')}:{node.value}"
        for path in (PACKAGE / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names
    }
    assert found - KIND_WORDS_IN_ENGINE.keys() == set()
    assert KIND_WORDS_IN_ENGINE.keys() - found == set(), "an exception that nothing needs any more"


def test_no_kind_imports_another() -> None:
    for path in (PACKAGE / "kinds").rglob("*.py"):
        own = path.relative_to(PACKAGE / "kinds").parts[0].removesuffix(".py")
        for module in _imports(path):
            if module.startswith("reconciler."):
                _, folder, *rest = module.split(".")
                assert folder == "core" or (folder == "kinds" and rest[:1] == [own]), f"{path.name}: {module}"


def test_core_imports_nothing_of_ours() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        outside = [module for module in _imports(path) if module.startswith("reconciler.")]
        assert all(module.startswith("reconciler.core") for module in outside), path.name


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_layers_are_as_drawn() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["apply", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    heavy = ("psycopg", "networkx", "sqlalchemy", "hypothesis", "reconciler.kinds.table")
    program = (
        "import sys\nfrom reconciler.cli import main\n"
        f"sys.argv = ['reconcile', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]
