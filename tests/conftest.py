"""The PostgreSQL server that tests run on, and fresh databases in it.

RECONCILE_TEST_PG says which: `auto` (Docker where it answers, else embedded), `embedded`, `docker`, a major
such as `16` or a version such as `15.20` (an installation on this machine, see tests/matrix/fetch.py), or a
libpq URL of a superuser.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg.conninfo import make_conninfo

from reconciler.core.errors import EmbeddedUnavailable
from reconciler.core.server_version import NEWEST_MAJOR
from reconciler.embedded import Choice, Installation, Server, choose, find_installations, stop_at

QUICK_FOLDERS = ("unit", "laws")
RUN_FOLDER = "RECONCILE_TEST_RUN"
"""Set for the workers of one run by the process that controls them."""


class AnyServer(Protocol):
    """A server that tests may do anything to."""

    @property
    def major(self) -> int: ...

    def url(self, database: str = "postgres") -> str: ...


@dataclass(frozen=True, slots=True)
class External:
    """A server that somebody else runs."""

    base_url: str
    major: int

    def url(self, database: str = "postgres") -> str:
        return make_conninfo(self.base_url, dbname=database)

    @classmethod
    def at(cls, url: str) -> External:
        with psycopg.connect(url) as connection:
            return cls(url, connection.info.server_version // 10000)


settings.register_profile("reconcile", deadline=None)  # a busy machine is no failure
settings.load_profile("reconcile")


def pytest_configure(config: pytest.Config) -> None:
    if _controls(config):
        os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix="reconcile-test-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _controls(config) and RUN_FOLDER in os.environ:
        stop_at(_data_dir())
        shutil.rmtree(os.environ.pop(RUN_FOLDER), ignore_errors=True)


def pytest_report_header() -> str:
    wanted = _wanted()
    if "://" in wanted:
        return f"PostgreSQL: {make_conninfo(wanted, password='...') if '@' in wanted else wanted}"
    if _docker_wanted(wanted):
        return f"PostgreSQL: {NEWEST_MAJOR} in Docker"
    try:
        return f"PostgreSQL: embedded, {_choice(wanted).why}"
    except EmbeddedUnavailable as error:
        return f"PostgreSQL: none ({error})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0] if item.path.is_relative_to(here) else ""
        if folder in QUICK_FOLDERS and "server" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.quick)


@pytest.fixture(scope="session")
def server() -> Iterator[AnyServer]:
    """One server for the whole run: workers of one run share it."""
    wanted = _wanted()
    if "://" in wanted:
        yield External.at(wanted)
        return
    if _docker_wanted(wanted):
        try:
            container = _container()
        except Exception as error:  # whatever the Docker client raises: a pull that fails, a refused socket
            if wanted == "docker":
                raise
            print(f"Docker answers, but gives no server ({error}); using an embedded one")
        else:
            try:
                yield External.at(container.get_connection_url())
            finally:
                container.stop()
            return
    # Nobody stops it if the controlling process is killed: then it stops by itself.
    with Server.attach_or_start(_data_dir(), _choice(wanted).installation, idle_stop_s=10) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def installation(server: AnyServer) -> Installation:
    """The programs of the server, or where somebody else runs it, of its major."""
    return (
        _choice(_wanted()).installation if isinstance(server, Server) else choose(server.major).installation
    )


@pytest.fixture(scope="session")
def alone(server: AnyServer, installation: Installation) -> Iterator[AnyServer]:
    """A server that the tests of no other worker change, for what notices roles that come and go."""
    if not isinstance(server, Server):
        yield server
        return
    with Server.start(installation) as own:
        yield own


@pytest.fixture
def database(request: pytest.FixtureRequest, server: AnyServer) -> Iterator[Callable[[], str]]:
    """Makes an empty database at each call and returns its URL; dropped after the test."""
    if request.node.get_closest_marker("alone"):
        server = request.getfixturevalue("alone")
    made: list[str] = []

    def make() -> str:
        name = f"test_{uuid4().hex}"
        # Copying files is the faster way as long as fsync is off.
        quickly = " STRATEGY file_copy" if server.major >= 15 and isinstance(server, Server) else ""
        _administer(server, f"CREATE DATABASE {name}{quickly}")
        made.append(name)
        return server.url(name)

    yield make
    for name in made:
        _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _administer(server: AnyServer, statement: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def _wanted() -> str:
    return os.environ.get("RECONCILE_TEST_PG") or "auto"


def _controls(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def _data_dir() -> Path:
    return Path(os.environ[RUN_FOLDER], "pg")


def _choice(wanted: str) -> Choice:
    """Raises pytest.UsageError when the wanted major is not on this machine, or the word is unknown."""
    if wanted in ("auto", "embedded"):
        return choose(NEWEST_MAJOR)
    major, dot, minor = wanted.partition(".")
    if not major.isdigit() or (dot and not minor.isdigit()):
        raise pytest.UsageError("RECONCILE_TEST_PG is auto, embedded, docker, a version or a URL with ://")
    fitting = [one for one in find_installations() if wanted in (str(one.major), one.version)]
    if not fitting:
        raise pytest.UsageError(f"PostgreSQL {wanted} is not on this machine: see tests/matrix/fetch.py")
    return choose(int(major), installations=fitting)


def _docker_wanted(wanted: str) -> bool:
    return wanted == "docker" or (wanted == "auto" and _docker_answers())


def _docker_answers() -> bool:
    """Whether a Docker engine answers; that a client is installed proves nothing."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    scheme, _, rest = host.partition("://")
    family = socket.AF_UNIX if scheme == "unix" else socket.AF_INET
    name, _, port = rest.partition(":")
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(0.3)
            connection.connect(rest if scheme == "unix" else (name, int(port or 2375)))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except (OSError, ValueError):
        return False


def _container() -> Any:
    from testcontainers.community.postgres import PostgresContainer

    return PostgresContainer(f"postgres:{NEWEST_MAJOR}-alpine", driver=None).start()
