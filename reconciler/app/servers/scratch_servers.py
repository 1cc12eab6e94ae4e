"""Which servers serve for scratch databases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import EmbeddedUnavailable, ServerError
from reconciler.core.ident import ObjectId, quote
from reconciler.engine.elaborate.draft import Blank, blank_database, draft
from reconciler.engine.elaborate.scratch import scratch_database

if TYPE_CHECKING:
    from pathlib import Path

    from psycopg import Connection

    from reconciler.embedded import Server


@dataclass(frozen=True, slots=True)
class ScratchServer:
    """A server where scratch databases can be made, and why it was chosen."""

    url: str
    name: str
    """What it is and which version, for notes and cache keys."""
    is_own_major: bool
    """Whether it deparses as the target does."""
    is_ours: bool = False
    """Whether a database may stay on it for later."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """What there is to choose from."""

    url: str
    """The target's."""
    scratch_url: str | None = None
    """--scratch-url."""
    blank: Blank = blank_database
    """How drafts are connected to."""


def scratch_servers(
    hosts: Hosts, target: Connection[Any], declared: Iterable[ObjectId]
) -> Iterator[ScratchServer]:
    """The servers to try, best first: --scratch-url alone where it is given; else an embedded server of the
    target's major that has the declared extensions, the target's own server where the role may create
    databases, an embedded server of another major."""
    major = target.info.server_version // 10000
    if hosts.scratch_url:
        yield ScratchServer(hosts.scratch_url, "--scratch-url", is_own_major=True)
        return
    extensions = {id.path[0] for id in declared if id.kind == "extension"} - {"plpgsql"}
    ours = embedded(major, extensions)
    if ours is not None and ours.is_own_major:
        yield ours
    if _may_create_databases(target):
        yield ScratchServer(
            hosts.url, f"the target's own server {target.info.server_version}", is_own_major=True
        )
    elif ours is not None and not ours.is_own_major:
        yield ours


def embedded(major: int, extensions: Collection[str] = ()) -> ScratchServer | None:
    """The embedded server of that major with those extensions, else of another; None where there is none."""
    from reconciler.embedded import shared_scratch

    try:
        server = shared_scratch(major, set(extensions), needs_all=True)
    except EmbeddedUnavailable:
        return None
    found = ScratchServer(
        server.url(), f"embedded {server.data_dir.name}", server.major == major, is_ours=True
    )
    if _USED.setdefault(server.data_dir, server) is not server:
        server.close()
    return found


_USED: Final[dict[Path, Server]] = {}
"""What this process stands for, so that the servers run on: once each, however often a controller looks."""


def _may_create_databases(target: Connection[Any]) -> bool:
    query = "SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    row = target.execute(query).fetchone()
    return bool(row and row[0])


def scratch_on(
    server: ScratchServer, target: Connection[Any], declared: Collection[ObjectId] = ()
) -> Callable[[], AbstractContextManager[Connection[Any]]]:
    """A function that opens a new scratch database on that server each time. Roles among `declared` exist
    there, unless it is the target's own server: that gets its roles from the plan alone."""

    @contextmanager
    def scratch() -> Iterator[Connection[Any]]:
        with scratch_database(server.url) as connection:
            _same_roles(connection, target, declared)
            yield connection

    return scratch


def draft_on(
    server: ScratchServer,
    target: Connection[Any],
    declared: Collection[ObjectId] = (),
    blank: Blank = blank_database,
) -> Callable[[], AbstractContextManager[Connection[Any]]] | None:
    """The same as a draft, which is quicker and has its limits; None on a server that is not ours."""
    if not server.is_ours:
        return None

    @contextmanager
    def drafting() -> Iterator[Connection[Any]]:
        with blank(server.url) as connection:
            _same_roles(connection, target, declared)
            with draft(connection):
                yield connection

    return drafting


def no_scratch_server() -> ServerError:
    """What to say when there is none."""
    return ServerError(
        "the declared state needs a scratch server to be understood, and none can be had",
        hint="install the package's embedded server, pass --scratch-url, or let the role create databases",
    )


def _same_roles(scratch: Connection[Any], target: Connection[Any], declared: Iterable[ObjectId]) -> None:
    """Roles belong to the server, and policies name them: a scratch server of our own learns the target's and
    the declared ones."""
    import psycopg

    if is_same_server(scratch, target):
        return
    query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'"
    wanted = {name for (name,) in target.execute(query)}
    wanted |= {id.path[0] for id in declared if id.kind == "role"}
    present = {name for (name,) in scratch.execute(query)}
    for name in sorted(wanted - present):
        # Another run may be quicker.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            scratch.execute(f"CREATE ROLE {quote(name)}".encode())


def is_same_server(one: Connection[Any], other: Connection[Any]) -> bool:
    """Whether both connections are to databases of one server."""
    return bool(_started(one) == _started(other))


def _started(connection: Connection[Any]) -> Any:
    """What tells a server from others: when it was started, to the microsecond."""
    row = connection.execute("SELECT pg_catalog.pg_postmaster_start_time()").fetchone()
    return row and row[0]
