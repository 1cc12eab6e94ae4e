"""A server that has extensions of our own, and the command line to look at its databases with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from reconciler.embedded import Installation, Server
from tests.cli.conftest import Finished, Inside
from tests.conftest import AnyServer
from tests.extensions.installation import extended

FOLDER = Path(__file__).parent / "files"


@dataclass(frozen=True, slots=True)
class Place:
    """A database, and a folder with its schema."""

    reconcile: Inside
    url: str

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL in the database; its rows, if it has any."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(sql.encode())
            return done.fetchall() if done.description else []

    def pull(self, *options: str) -> str:
        """Write what is there into the folder; the text of all files."""
        done = self.reconcile("pull", "--url", self.url, "--out", "schema", *options)
        assert done.code == 0, done.err
        return self.text()

    def text(self) -> str:
        files = sorted((self.reconcile.folder / "schema").rglob("*.yaml"))
        return "".join(file.read_text() for file in files)

    def edit(self, old: str, new: str) -> None:
        """Replace a text that stands in one file."""
        files = (self.reconcile.folder / "schema").rglob("*.yaml")
        (file,) = (file for file in files if old in file.read_text())
        file.write_text(file.read_text().replace(old, new))

    def steps(self, *options: str) -> list[str]:
        """The SQL of the plan."""
        done = self("plan", "--format", "json", *options)
        assert done.code == 0, done.err
        return [sql for step in done.data["steps"] for sql in _listed(step["sql"])]

    def run(self, *options: str) -> None:
        """Plan and apply, with consent to everything."""
        done = self("run", "--allow", "all", *options)
        assert done.code == 0, done.err

    def __call__(self, command: str, *options: str) -> Finished:
        return self.reconcile(command, "--url", self.url, "--schema", "schema", *options)


def _listed(sql: str | list[str]) -> list[str]:
    return [sql] if isinstance(sql, str) else sql


@contextmanager
def databases(server: AnyServer, folder: Path) -> Iterator[Callable[[], Place]]:
    """Makes an empty database and folder at each call; the databases are dropped in the end."""
    made: list[str] = []

    def make() -> Place:
        name = f"test_{uuid4().hex}"
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        made.append(name)
        own = folder / name
        own.mkdir()
        return Place(Inside(own), server.url(name))

    yield make
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def with_own(installation: Installation) -> Iterator[Server]:
    """A server of the same major that has the extensions of `files/`."""
    with Server.start(extended(installation, FOLDER.iterdir())) as own:
        yield own


@pytest.fixture
def place(with_own: Server, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    """Makes an empty database at each call, on a server that has the extensions of `files/`."""
    with databases(with_own, tmp_path) as make:
        yield make
