"""The command line as a process of its own, in an empty folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler.cli import main
from tests.cli.team import PLANS, SETTINGS, git

ROOT = Path(__file__).resolve().parents[2]

SHOP = """
schema: public

enums:
  status: [open, paid]

tables:
  customers:
    columns:
      id: {type: bigint, not_null: true, identity: always}
      email: {type: text, not_null: true}
    primary_key: [id]
    unique:
      customers_email_key: [email]

  orders:
    comment: What was bought.
    columns:
      id: {type: bigint, not_null: true, identity: always}
      customer_id: {type: bigint, not_null: true}
      status: {type: status, not_null: true, default: "'open'"}
    primary_key: [id]
    foreign_keys:
      orders_customer_id_fkey: {columns: [customer_id], references: customers(id)}
    indexes:
      orders_customer_id_idx: [customer_id]
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it wrote with --format json."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Runs `reconcile` in a folder without a terminal; no settings come from the environment but these."""

    folder: Path

    def __call__(self, *arguments: str | Path, **variables: str) -> Finished:
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder, env=self.environment(**variables), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    def command(self, *arguments: str | Path) -> list[str]:
        """The words of the command."""
        return [sys.executable, "-m", "reconciler", *map(str, arguments)]

    def environment(self, **variables: str) -> dict[str, str]:
        """This process's environment without what would change the outcome."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "RECONCILE_"))}
        return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | variables

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Inside(Reconcile):
    """Calls `main` in this process: no start of an interpreter for each command."""

    def __call__(self, *arguments: str | Path, **variables: str) -> Finished:
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            environment = self.environment(**variables)
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = main([str(argument) for argument in arguments])
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return Finished(code, out.getvalue(), err.getvalue())


@pytest.fixture
def reconcile(tmp_path: Path) -> Reconcile:
    """The command line in an empty folder."""
    return Reconcile(tmp_path)


@dataclass(frozen=True, slots=True)
class Shop:
    """A small schema in `schema/`, and a database that does not have it yet."""

    reconcile: Reconcile
    url: str

    @property
    def options(self) -> tuple[str, ...]:
        """Which database and which schema."""
        return ("--url", self.url, "--schema", "schema")

    def declare(self, *changes: tuple[str, str]) -> None:
        """Write the schema with these replacements; each must apply."""
        text = SHOP
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.reconcile.write("schema/shop.yaml", text)

    def deploy(self) -> None:
        """Bring the database to what is declared."""
        done = self.reconcile("run", *self.options, "--allow", "all")
        assert done.code == 0, done.err

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL in the database; its rows, if it has any."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(sql.encode())
            return done.fetchall() if done.description else []


@pytest.fixture
def shop(reconcile: Reconcile, database: Callable[[], str]) -> Shop:
    """A schema that is not deployed yet."""
    made = Shop(reconcile, database())
    made.declare()
    return made


@pytest.fixture
def inside(tmp_path: Path, database: Callable[[], str]) -> Shop:
    """The same, by calls in this process."""
    made = Shop(Inside(tmp_path), database())
    made.declare()
    return made


@dataclass(frozen=True, slots=True)
class Clone(Inside):
    """One developer's clone of the project."""

    def declare(self, *changes: tuple[str, str]) -> None:
        text = SHOP
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write("schema/shop.yaml", text)

    def plan(self, *arguments: str) -> Finished:
        """Save the next plan, without any database."""
        done = self("plan", "--from", "chain", "--save", *arguments)
        assert done.code == 0, done.err
        return done

    def commit(self, message: str) -> None:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-qm", message)

    def check(self, *arguments: str) -> Finished:
        return self("plan", "--check", "--from", "chain", *arguments)

    def only(self, pattern: str) -> Path:
        (found,) = (self.folder / PLANS).glob(pattern)
        return found


@pytest.fixture
def ada(tmp_path: Path) -> Clone:
    """A project with one plan, committed."""
    folder = tmp_path / "ada"
    folder.mkdir()
    made = Clone(folder)
    made.write("reconcile.yaml", SETTINGS)
    made.declare()
    git(folder, "init", "-q", "-b", "main")
    made.plan("--name", "start")
    made.commit("the shop")
    return made


@pytest.fixture
def bob(ada: Clone, tmp_path: Path) -> Clone:
    """Another clone of it."""
    git(tmp_path, "clone", "-q", str(ada.folder), "bob")
    return Clone(tmp_path / "bob")
