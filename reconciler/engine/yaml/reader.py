"""Reading YAML: text in, plain data with positions and every fault found out.

A fault that leaves the rest of a text readable does not end the reading, and nothing here raises for what a
file says: all faults of all files are told at once.
"""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import Any

import yaml

from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node
from reconciler.core.errors import Problem
from reconciler.engine.yaml.syntax_errors import syntax_problem
from reconciler.engine.yaml.tree import MOST_ALIASED, MOST_NESTED, Builder
from reconciler.engine.yaml.validation_errors import did_you_mean, problems_of

__all__ = [
    "MOST_ALIASED",
    "MOST_NESTED",
    "Read",
    "did_you_mean",
    "files_below",
    "problems_of",
    "read",
    "read_file",
    "read_folder",
]

_SUFFIXES = (".yaml", ".yml")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Read:
    """One file as read. Where there are problems, `root` holds what could be understood all the same."""

    file: str
    root: Node | None
    """None for an empty file and for one whose syntax is broken."""
    problems: tuple[Problem, ...] = ()


def read(text: str, file: str) -> Read:
    """Read one YAML document. `file` is the name that positions and problems carry; never raises."""
    builder = Builder(file)
    try:
        loader = _Loader(text.removeprefix("\ufeff"))
        try:
            builder.document(loader.get_event)
        finally:
            loader.dispose()
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        builder.problems.append(syntax_problem(error, text.removeprefix("\ufeff"), file))
    problems = sorted(builder.problems, key=lambda problem: problem.place)
    return Read(file, builder.root, tuple(problems))


def read_file(path: str | os.PathLike[str]) -> Read:
    """Read a file in UTF-8. What keeps it from being read is a problem at line 1, not an exception."""
    file = os.fspath(path)
    try:
        raw = FilePath(path).read_bytes()
    except IsADirectoryError:
        return _unread(file, "is a folder, expected a file")
    except OSError as error:
        return _refused(file, error)
    try:
        return read(raw.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return _unread(file, "is not UTF-8 here", line, column, "save the file as UTF-8")


def read_folder(path: str | os.PathLike[str]) -> list[Read]:
    """Read every *.yaml and *.yml below a folder, or the one file that `path` names, in sorted order.

    Hidden files and folders are skipped. Links are followed, each real folder once: a ConfigMap mounts its
    files as links into a hidden folder.
    """
    top = os.fspath(path)
    if not os.path.isdir(top):
        return [read_file(top) if os.path.lexists(top) else _unread(top, "does not exist")]
    files, failed = files_below(top)
    reads = [*failed, *map(read_file, files)]
    return sorted(reads, key=lambda found: found.file.split(os.sep))


def files_below(folder: str) -> tuple[list[str], list[Read]]:
    """The files that `read_folder` reads, in its order; beside them what it cannot even try."""
    files: list[str] = []
    failed: list[Read] = []
    _collect(folder, set(), files, failed)
    return sorted(files, key=lambda file: file.split(os.sep)), failed


def _collect(folder: str, seen: set[str], files: list[str], failed: list[Read]) -> None:
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        failed.append(_refused(folder, error))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            _collect(entry.path, seen, files, failed)
        elif entry.name.lower().endswith(_SUFFIXES):
            # To read a pipe may never end.
            if not entry.is_file() and os.path.exists(entry.path):
                failed.append(_unread(entry.path, "is a pipe or a device, expected a file"))
            else:
                files.append(entry.path)


def _refused(file: str, error: OSError) -> Read:
    said = f"cannot be read: {(error.strerror or str(error)).lower()}"
    return _unread(file, said, hint="the user that runs this must be able to read it")


def _unread(file: str, message: str, line: int = 1, column: int = 1, hint: str | None = None) -> Read:
    return Read(file, None, (Problem(file, line, column, None, message, hint),))
