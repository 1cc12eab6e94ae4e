"""Which servers serve: for scratch databases, and as the embedded target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.core.ident import ObjectId, quote

if TYPE_CHECKING:
    from psycopg import Connection


def scratch_for(
    url: str, scratch_url: str | None, target: Connection[Any], declared: Mapping[ObjectId, Any]
) -> Callable[[], Any]:
    """Where scratch databases are made: --scratch-url, an embedded server of the target's major, a database on
    the target's own server, an embedded server of another major."""
    from reconciler.engine.scratch import scratch_database

    @contextmanager
    def scratch() -> Iterator[Any]:
        server = scratch_url or _scratch_server(url, target, declared)
        with scratch_database(server) as connection:
            _same_roles(connection, target)
            yield connection

    return scratch


def _scratch_server(url: str, target: Connection[Any], declared: Mapping[ObjectId, Any]) -> str:
    return url


def _same_roles(scratch: Connection[Any], target: Connection[Any]) -> None:
    """Roles belong to the server, and grants name them: a scratch server of our own learns the target's."""
    query = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'"
    wanted = {name for (name,) in target.execute(query)}
    present = {name for (name,) in scratch.execute(query)}
    for name in sorted(wanted - present):
        scratch.execute(f"CREATE ROLE {quote(name)}".encode())
