"""Extensions that people use, from an installation on this machine that has them (tests/matrix/fetch.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from reconciler.embedded import Installation, Server, find_installations
from tests.extensions.conftest import Place, databases

pytestmark = pytest.mark.matrix


@dataclass(frozen=True, slots=True)
class Case:
    """What is looked at of some extensions."""

    extensions: tuple[str, ...]
    sql: str
    """What makes them, and what uses them."""


CASES = {
    "contrib": Case(
        ("hstore", "citext", "pg_trgm", "btree_gist", "ltree", "cube", "earthdistance"),
        """
        CREATE TABLE public.t (
            tags public.hstore DEFAULT '', name public.citext UNIQUE, path public.ltree, at public.cube,
            CHECK (path OPERATOR(public.~) '*.a'), EXCLUDE USING gist (path WITH =));
        CREATE INDEX ON public.t USING gist (name public.gist_trgm_ops (siglen = 32));
        CREATE VIEW public.v AS SELECT tags OPERATOR(public.->) 'a' AS a FROM public.t WHERE name = 'x'""",
    ),
    "postgis": Case(
        ("postgis", "postgis_topology"),
        """
        CREATE TABLE public.places (
            id serial PRIMARY KEY, at public.geometry(Point, 4326) DEFAULT public.st_makepoint(0, 0),
            area public.geography, topology topology.topogeometry, CHECK (public.st_isvalid(at)));
        CREATE INDEX ON public.places USING gist (at);
        CREATE FUNCTION public.area(public.geometry) RETURNS double precision LANGUAGE sql
            AS 'SELECT public.st_area($1)';
        CREATE VIEW public.near AS SELECT id, public.st_buffer(at, 1) AS around FROM public.places;
        CREATE MATERIALIZED VIEW public.far AS SELECT id, at FROM public.places;
        CREATE INDEX ON public.far USING gist (at)""",
    ),
    "pg_partman": Case(
        ("pg_partman",),
        """
        CREATE TABLE public.events (id integer, at timestamptz NOT NULL) PARTITION BY RANGE (at);
        SELECT public.create_parent('public.events', 'at', 'native', 'daily')""",
    ),
    "pgq": Case(("pgq",), "SELECT pgq.create_queue('orders')"),
    "periods": Case(
        ("periods",),
        """
        CREATE TABLE public.prices (id integer PRIMARY KEY, starts date, ends date);
        SELECT periods.add_period('public.prices', 'valid', 'starts', 'ends');
        SELECT periods.add_system_time_period('public.prices')""",
    ),
    "ip4r": Case(
        ("ip4r",),
        """
        CREATE TABLE public.t (
            ip public.ip4r DEFAULT '1.2.3.4', EXCLUDE USING gist (ip WITH OPERATOR(public.&&)))""",
    ),
    "hll": Case(
        ("hll",),
        """
        CREATE TABLE public.t (seen public.hll DEFAULT public.hll_empty());
        CREATE VIEW public.v AS SELECT public.hll_cardinality(seen) AS n FROM public.t""",
    ),
}


@pytest.fixture(scope="session")
def server_with(installation: Installation) -> Iterator[Callable[[tuple[str, ...]], Server | None]]:
    """The server that has extensions, of the installation under test or else another; None where none has."""
    running: dict[Path, Server] = {}
    with ExitStack() as stack:

        def found(names: tuple[str, ...]) -> Server | None:
            for one in (installation, *find_installations()):
                if not set(names) <= one.extensions:
                    continue
                if one.bin_dir not in running:
                    running[one.bin_dir] = stack.enter_context(Server.start(one))
                if _can_make(running[one.bin_dir], names):
                    return running[one.bin_dir]
            return None

        yield found


def _can_make(server: Server, names: tuple[str, ...]) -> bool:
    """Whether their libraries are there too."""
    with psycopg.connect(server.url()) as connection:
        try:
            for name in names:
                connection.execute(f"CREATE EXTENSION {name} CASCADE".encode())
        except psycopg.errors.UndefinedFile:
            return False
        finally:
            connection.rollback()
    return True


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def real(
    case: Case, server_with: Callable[[tuple[str, ...]], Server | None], tmp_path: Path
) -> Iterator[Callable[[], Place]]:
    """Makes an empty database at each call on a server that has the extensions."""
    server = server_with(case.extensions)
    if server is None:
        pytest.skip(f"no PostgreSQL on this machine has {', '.join(case.extensions)}: make matrix-binaries")
    with databases(server, tmp_path) as make:
        yield make


def test_what_was_pulled_is_what_is_there_and_can_be_built_again(
    case: Case, real: Callable[[], Place]
) -> None:
    one, other, third = real(), real(), real()
    for name in case.extensions:
        one.execute(f"CREATE EXTENSION {name} CASCADE")
    one.execute(case.sql)
    one.pull("--ownership")
    assert one.steps() == one.steps("--ownership") == []
    rebuilt = Place(one.reconcile, other.url)
    rebuilt.run("--ownership")
    assert rebuilt.steps("--ownership") == []
    # Roles are the whole server's, so that they are told of the database that made them.
    assert other.pull() == Place(third.reconcile, one.url).pull()
