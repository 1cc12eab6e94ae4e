"""What the demonstration works on: a copy of a schema folder, and a database of its own."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path
from typing import LiteralString

from reconciler.app.files import schema_files, write_text
from reconciler.app.servers.local_server import embedded_url, local_folder
from reconciler.core.dataclass import dataclass

NEW_COLUMN = "nickname"
_DATABASE = "reconcile_demo"
_DROP: LiteralString = f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)"
_CREATE: LiteralString = f"CREATE DATABASE {_DATABASE} TEMPLATE template0"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a demonstration takes place."""

    url: str
    schema: Path
    """A copy that may be changed."""
    plans: Path
    is_example: bool
    """Whether the schema is the built-in example, there being no other."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A line that was added to a file."""

    file: Path
    line: int
    text: str
    table: str


def set_stage(root: Path, schema: Path) -> Stage:
    """Start the local server if need be, make an empty database, and copy the schema folder (or an example).

    Raises EmbeddedUnavailable.
    """
    from psycopg.conninfo import make_conninfo

    from reconciler.engine.connection.session import opened

    admin = embedded_url(root)
    with opened(admin) as connection:
        connection.execute(_DROP)
        connection.execute(_CREATE)
    folder = local_folder(root) / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    is_example = not (schema.is_dir() and schema_files(schema))
    if is_example:
        text = (
            files("reconciler.app.adoption").joinpath("templates", "tables.yaml").read_text(encoding="utf-8")
        )
        write_text(folder / "schema" / "tables.yaml", text)
    else:
        shutil.copytree(schema, folder / "schema", ignore=shutil.ignore_patterns(".*"))
    url = make_conninfo(admin, dbname=_DATABASE)
    return Stage(url, folder / "schema", folder / "plans", is_example)


def add_column(schema: Path) -> Edit | None:
    """Add a column to the first table whose columns stand one on a line; None where there is no such table.

    A table `users` comes before others: it is what people look for.
    """
    found = sorted(_places(schema), key=lambda edit: edit.table != "users")
    if not found:
        return None
    edit = found[0]
    lines = edit.file.read_text(encoding="utf-8").split("\n")
    lines.insert(edit.line - 1, edit.text)
    write_text(edit.file, "\n".join(lines))
    return edit


def _places(schema: Path) -> list[Edit]:
    from reconciler.engine.yaml.reader import read_folder

    found = []
    for read in read_folder(schema):
        tables = read.root.at("tables") if read.root is not None else None
        for name, table in tables.items() if tables is not None else ():
            columns = table.at("columns")
            entries = list(columns.items()) if columns is not None else []
            if len({entry.spot.key_line for _, entry in entries}) == len(entries) > 1:
                last = entries[-1][1].spot
                text = f"{' ' * (last.key_column - 1)}{NEW_COLUMN}: text"
                found.append(Edit(Path(read.file), last.key_line, text, name))
    return found
