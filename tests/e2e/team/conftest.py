"""The stage of the play: production with its roles, a repository with two clones, and a cluster."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.cli.team import git
from tests.conftest import AnyServer
from tests.controller.test_process import Running
from tests.e2e.team import application
from tests.e2e.team.cluster import GitSync, Pod, arguments, committed
from tests.e2e.team.people import Person, PullRequest
from tests.forge.conftest import Quiet
from tests.forge.fakeforge import FakeGitHub, running

LONGEST_S = 240
"""What is left behind by mistake ends by itself after that."""
ROLES = ("deploy", "app", "reader")

SETTINGS = """
targets:
  prod: {url_file: /etc/reconcile/database/url}
"""
SHOP = """
enums:
  order_status: [open, paid]

tables:
  customers:
    columns:
      id: {type: bigint, not_null: true, identity: always}
      email: {type: text, not_null: true}
      name: text
      balance: {type: bigint, not_null: true, default: "0"}
      fax: text
    primary_key: [id]
    unique:
      customers_email_key: [email]

  orders:
    columns:
      id: {type: bigint, not_null: true, identity: always}
      customer_id: {type: bigint, not_null: true}
      amount: {type: bigint, not_null: true}
      status: {type: order_status, not_null: true, default: "'open'"}
      note: {type: text, not_null: true}
    primary_key: [id]
    unique:
      orders_note_key: [note]
    indexes:
      orders_customer_id_idx: [customer_id]
"""
ROWS = f"""
INSERT INTO customers (email, name, fax)
SELECT 'c' || n || '@example.org', 'customer ' || n, '555-' || n
FROM generate_series(1, {application.CUSTOMERS}) AS n;
INSERT INTO orders (customer_id, amount, note)
SELECT 1 + n % {application.CUSTOMERS}, 10, 'before-' || n FROM generate_series(1, 20000) AS n;
"""


@dataclass(frozen=True, slots=True)
class Production:
    """The database that matters, and who may do what in it."""

    superuser: str
    name: str
    passwords: dict[str, str]

    def url(self, role: str) -> str:
        """Where that role connects: `deploy` owns, `app` reads and writes, `reader` sees the journal."""
        return make_conninfo(self.superuser, user=f"{role}_{self.name}", password=self.passwords[role])

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL as the database's administrator does by hand; `{app}` stands for the role's name."""
        said = sql
        for role in ROLES:
            said = said.replace(f"{{{role}}}", f"{role}_{self.name}")
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            done = connection.execute(said.encode())
            return done.fetchall() if done.description else []

    def value(self, sql: str) -> Any:
        """The only value of the only row."""
        ((found,),) = self.execute(sql)
        return found


@dataclass(slots=True)
class Stage:
    """Everything that the play needs."""

    folder: Path
    production: Production
    scratch_url: str
    origin: Path
    ada: Person
    bob: Person
    git_sync: GitSync
    closing: ExitStack
    said: list[Path] = field(default_factory=list)
    """Logs, in which no secret may stand."""

    def opened(self, branch: str) -> PullRequest:
        """A pull request for a branch that was pushed."""
        forge = FakeGitHub()
        self.closing.enter_context(running(forge))
        place = self.folder / f"ci-{branch}"
        return PullRequest.opened(self.origin, branch, place, forge, self.scratch_url)

    def pod(self, commit: str, role: str = "deploy", **more: Any) -> Pod:
        """A pod with that commit mounted, whose secret is that role's."""
        folder = self.folder / f"pod-{len(self.said)}"
        made = Pod(folder, self.production.url(role), committed(self.origin, commit), **more)
        self.said.append(folder / "log")
        return made

    def started(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Have a process ended at the latest with the play."""

        def end() -> None:
            process.kill()
            process.wait()

        self.closing.callback(end)
        return process

    def application(self) -> subprocess.Popen[bytes]:
        """The application, once all its clients are at work."""
        process = subprocess.Popen(
            [sys.executable, application.__file__, self.production.url("app"), str(LONGEST_S)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.started(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "the application did not come up"
        return process

    def controller(self, role: str, **changed: str) -> Running:
        """The base's controller, or with other values of its flags, on what git-sync brings."""
        folder = self.folder / f"controller-{len(self.said)}"
        folder.mkdir()
        self.git_sync.url_file.parent.mkdir(parents=True, exist_ok=True)
        self.git_sync.url_file.write_text(self.production.url(role), encoding="utf-8")
        usual = {
            "--source": str(self.git_sync.link),
            "--interval": "0.2",
            "--status-file": str(folder / "status.json"),
            "--listen": "127.0.0.1:0",
        }
        words = arguments(
            "base/deployment-controller.yaml", usual | {f"--{name}": value for name, value in changed.items()}
        )
        quiet = Quiet(folder)
        given = {"HOME": str(folder), "TMPDIR": str(folder), "RECONCILE_SCRATCH_URL": self.scratch_url}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                quiet.command(*words), cwd=folder, env=quiet.environment(**given),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self.said.append(folder / "log")
        return Running(self.started(process), folder)


@pytest.fixture
def roles(server: AnyServer) -> Iterator[tuple[str, dict[str, str]]]:
    """A name that is nobody else's and each role's password; dropped when the database is gone."""
    name = uuid4().hex[:12]
    passwords = {role: f"secret-{uuid4().hex}" for role in ROLES}
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role, password in passwords.items():
            connection.execute(f"CREATE ROLE {role}_{name} LOGIN PASSWORD '{password}'".encode())
    yield name, passwords
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"DROP ROLE {role}_{name}".encode())


@pytest.fixture
def production(roles: tuple[str, dict[str, str]], database: Callable[[], str]) -> Production:
    """An empty database that belongs to the role that deploys."""
    made = Production(database(), *roles)
    made.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {deploy}', current_database()); END $$;"
        # Before PostgreSQL 15 the schema belongs to the superuser.
        " GRANT CREATE, USAGE ON SCHEMA public TO {deploy}; GRANT USAGE ON SCHEMA public TO {app};"
        " ALTER DEFAULT PRIVILEGES FOR ROLE {deploy} GRANT SELECT, INSERT, UPDATE ON TABLES TO {app}"
    )
    return made


@pytest.fixture
def stage(server: AnyServer, production: Production, tmp_path: Path) -> Iterator[Stage]:
    """Nothing is committed yet."""
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    people = {}
    for name in ("ada", "bob"):
        git(tmp_path, "clone", "-q", str(origin), name)
        people[name] = Person(tmp_path / name, server.url())
    with ExitStack() as closing:
        made = Stage(
            tmp_path,
            production,
            server.url(),
            origin,
            people["ada"],
            people["bob"],
            GitSync(tmp_path / "git", origin),
            closing,
        )
        yield made
    for log in made.said:
        text = log.read_text(encoding="utf-8")
        assert "Traceback" not in text, f"{log.parent.name} shows a traceback:\n{text}"
        for password in production.passwords.values():
            assert password not in text, f"a password stands in the log of {log.parent.name}"
