"""Any two states compared: databases and folders, in either place."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app import elaboration
from reconciler.app.comparison import Request, live_catalog
from reconciler.app.discovery import registry
from reconciler.core.catalog import Catalog
from reconciler.engine.scope import compared_with, without_needless

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.plan import Plan

State = str | Path
"""The URL of a database, or the path of a declared state."""

_OWNER = """
    SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
    WHERE datname = pg_catalog.current_database()"""


def difference(first: State, second: State, request: Request) -> Plan:
    """The plan that would turn the first state into the second; of `request` only scope and scratch count.

    Raises what `make_plan` raises; EmbeddedUnavailable for two folders where no server can be had.
    """
    from reconciler.engine.planner import Context, make_plan

    url = next((state for state in (first, second) if isinstance(state, str)), None)
    with _server(url, request) as (connection, server_url):
        asked = dataclasses.replace(request, url=server_url)
        if isinstance(second, str):
            wanted = _read(second, connection, server_url)
            current = _state(first, wanted, asked, connection)
        else:
            current = _state(first, Catalog({}), asked, connection)
            wanted = _state(second, current, asked, connection)
        kinds = registry()
        before = compared_with(current, wanted.entries, request.scope, kinds)
        after = compared_with(wanted, current.entries, request.scope, kinds)
        after = without_needless(after, current, (), kinds)
        major = connection.info.server_version // 10000
        context = Context(major, "", ownership=request.scope.ownership, surroundings=tuple(current))
        return make_plan(before, after, kinds, context, None)


@contextmanager
def _server(url: str | None, request: Request) -> Iterator[tuple[Connection[Any], str]]:
    """The database whose major and roles count, with its URL."""
    from reconciler.engine.session import opened

    chosen = url or request.scratch_url
    if chosen is None:
        from reconciler.embedded import shared_scratch

        chosen = shared_scratch().url()
    with opened(chosen, read_only=True) as connection:
        yield connection, chosen


def _read(url: str, connection: Connection[Any], open_url: str) -> Catalog:
    from reconciler.engine.session import opened

    if url == open_url:
        return live_catalog(connection)
    with opened(url, read_only=True) as other:
        return live_catalog(other)


def _state(state: State, other: Catalog, request: Request, connection: Connection[Any]) -> Catalog:
    """A state as a catalog; what a folder writes as the other state has it needs no scratch server."""
    if isinstance(state, str):
        return _read(state, connection, request.url)
    from reconciler.engine.load import load

    written = load(state, registry())
    row = connection.execute(_OWNER.encode()).fetchone()
    owner = str(row[0]) if row else ""
    urls = (request.url, request.scratch_url)
    return elaboration.desired(written, other, connection, urls, owner).catalog
