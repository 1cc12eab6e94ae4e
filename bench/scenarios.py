"""What is measured: pg_dump, this project's commands, and the state that each of them starts from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.databases import Source
from bench.timing import Command
from reconciler.core.ident import quote
from reconciler.embedded import Installation, Server, choose, stop_at

COLUMN = "bench_note"
"""The one column that is added."""
_NO_CHANGES, _CHANGES = 0, 2
"""Exit codes of `reconcile plan --detailed-exitcode`."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One line of the table."""

    name: str
    command: Command
    prepare: Callable[[], None] = lambda: None
    """Run before each run, unmeasured."""
    target: float | None = None
    """The ratio to pg_dump that is aimed at; None for none."""
    limit_s: float | None = None
    """The wall time that is aimed at, where the target is no ratio."""
    is_warm_up: bool = False
    """Whether it is run once before all, unmeasured."""
    is_peer: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """The databases and folders of one source."""

    folder: Path
    installation: Installation
    urls: Mapping[str, str]
    """`base`, what is measured; `same`, a copy; `changed`, a copy with the column; `empty`."""
    changed_table: str


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server of the newest major for this run alone; scratch servers started for it end with it."""
    settings = {"max_locks_per_transaction": "1024"}
    with Server.start(choose().installation, settings=settings) as started:
        try:
            yield started
        finally:
            for lock in (_cache(folder) / "shared").glob("*.lock"):
                stop_at(lock.with_suffix(""))


def staged(source: Source, running: Server, folder: Path) -> Stage:
    """Make the databases of a source, and its schema as YAML with and without the change."""
    urls = {name: running.url(f"bench_{name}") for name in ("base", "same", "changed", "empty")}
    for name in urls:
        template = "bench_base" if name in ("same", "changed") else "template0"
        with psycopg.connect(running.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS bench_{name}".encode())
            connection.execute(f"CREATE DATABASE bench_{name} TEMPLATE {template}".encode())
        if name == "base":
            source.fill(urls["base"])
            with psycopg.connect(urls["base"], autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
    with psycopg.connect(urls["changed"], autocommit=True) as connection:
        add = f"ALTER TABLE public.{quote(source.changed_table)} ADD COLUMN {COLUMN} text"
        connection.execute(add.encode())
    stage = Stage(folder, choose().installation, urls, source.changed_table)
    _write_schema(stage)
    return stage


def _write_schema(stage: Stage) -> None:
    shutil.rmtree(stage.folder / "schema", ignore_errors=True)
    words = ("pull", "--url", stage.urls["base"], "--out", "schema")
    subprocess.run(
        [*_reconcile(), *words],
        check=True,
        cwd=stage.folder,
        env=environment(stage.folder),
        capture_output=True,
    )


@dataclass(slots=True)
class _Edits:
    """The file of the changed table, as pulled and with a column of another name each time."""

    path: Path
    pulled: str
    count: int = 0

    @classmethod
    def of(cls, stage: Stage) -> _Edits:
        (path,) = (stage.folder / "schema").rglob(f"{stage.changed_table}.yaml")
        return cls(path, path.read_text())

    def undo(self) -> None:
        self.path.write_text(self.pulled)

    def add_column(self) -> None:
        self.count += 1
        head, columns, rest = self.pulled.partition("\n    columns:\n")
        self.path.write_text(f"{head}{columns}      {COLUMN}_{self.count}: text\n{rest}")


def _reconcile() -> tuple[str, ...]:
    """The command as it is installed."""
    return (str(Path(sys.executable).with_name("reconcile")),)


def environment(folder: Path) -> dict[str, str]:
    """The caller's environment, with a cache of our own and with compiled modules kept, as users have it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "RECONCILE_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return kept | {"RECONCILE_CACHE_DIR": str(_cache(folder))}


def pg_dump(stage: Stage) -> Command:
    """What everything is compared with: the server's own pg_dump."""
    program = str(stage.installation.bin_dir / "pg_dump")
    words = (program, "--schema-only", f"--dbname={stage.urls['base']}")
    return Command(words, stage.folder, stage.installation.environment(), output="CREATE TABLE")


def ours(stage: Stage) -> tuple[Scenario, ...]:
    """This project's lines, in the order in which they are run: a repeated plan follows its first."""

    def plan(database: str, code: int, output: str = "") -> Command:
        words = ("plan", "--url", stage.urls[database], "--schema", "schema", "--detailed-exitcode")
        exit_codes = frozenset({code})
        folder = stage.folder
        return Command((*_reconcile(), *words), folder, environment(folder), exit_codes, output)

    edits = _Edits.of(stage)

    def forget() -> None:
        edits.undo()
        with suppress(FileNotFoundError):
            shutil.rmtree(_cache(stage.folder) / "elaborated")

    def forget_and_add_column() -> None:
        forget()
        edits.add_column()

    no_op = plan("base", _NO_CHANGES)
    one_column = plan("base", _CHANGES, COLUMN)
    first = plan("empty", _CHANGES, stage.changed_table)
    told = Command((*_reconcile(), "--help"), stage.folder, environment(stage.folder), output="plan")
    return (
        Scenario("no-op plan, nothing remembered", no_op, forget, target=6.0, is_warm_up=True),
        Scenario("no-op plan", no_op, edits.undo, target=1.0),
        Scenario("one-column plan", one_column, edits.add_column, target=1.2),
        Scenario("one-column plan, repeated", one_column),
        Scenario("one-column plan, nothing remembered", one_column, forget_and_add_column, target=6.0),
        Scenario("plan from an empty database, nothing remembered", first, forget, is_warm_up=True),
        Scenario("reconcile --help", told, limit_s=0.25),
    )


def _cache(folder: Path) -> Path:
    return folder / "cache"
