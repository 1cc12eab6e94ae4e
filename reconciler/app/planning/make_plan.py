"""Making a plan by the shortest way that is surely right: remembered, by what has changed, or in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import Request, compare

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.planning.prewarm import Ahead
    from reconciler.core.catalog import Catalog
    from reconciler.engine.declaration.written import Written
    from reconciler.engine.plan.model import Plan

_latest: list[object] = []
"""What was compared last, until something else is: to take 100,000 objects apart takes longer than to tell a
plan, and a command ends soon after that."""


def make_plan(request: Request) -> Plan:
    """Compare the declared state with the live database.

    Raises InvalidInput for the YAML, ConnectionFailed and ServerError for the servers.
    """
    from reconciler.app.planning import comparison_cache, incremental
    from reconciler.app.planning.prewarm import opened_ahead
    from reconciler.engine.connection.session import opened
    from reconciler.engine.plan.model import Plan

    with (
        opened(request.url, read_only=True) as connection,
        opened_ahead(connection) as ahead,
        _collector_paused(),
    ):
        catalogs, contents, names = _summed_up(request, connection, ahead)
        if catalogs is None:
            written, live, _ = _both_sides(request, connection)
            return compare(request, written, live, connection).plan
        asked, name = (f"{said}-{comparison_cache.key(catalogs)}" for said in names)
        if (known := comparison_cache.read(name)) is not None:
            assert isinstance(known, Plan)
            return known
        plan = incremental.plan_again(request, asked, contents, connection, ahead)
        if plan is not None:
            # The catalogs were not read again: they are as they were when they were summed up.
            if contents == comparison_cache.digests_of(request.schema):
                comparison_cache.write(name, plan)
            return plan
        written, live, still = _both_sides(request, connection)
        with incremental.packed(live) as pack:
            compared = compare(request, written, live, connection, ahead)
            # What was read must be what the names say: nobody changed catalogs or files in between.
            if (catalogs, contents) == (still, comparison_cache.digests_of(request.schema)):
                incremental.keep(asked, contents, written, compared, pack)
                comparison_cache.write(name, compared.plan)
        _latest[:] = [written, live, compared]
        return compared.plan


def _summed_up(
    request: Request, connection: Connection[Any], ahead: Ahead
) -> tuple[str | None, Mapping[str, str], tuple[str, str]]:
    """The fingerprint of the catalogs, digests of the files, and the names that those give. While the server
    works on the first, the files are read, and where a comparison is to be expected, what that needs is
    made ready."""
    from concurrent.futures import ThreadPoolExecutor

    from reconciler.app.planning import comparison_cache
    from reconciler.engine.catalog.fingerprint import fingerprint

    with ThreadPoolExecutor(max_workers=1) as server:
        catalogs = server.submit(fingerprint, connection)
        contents = comparison_cache.digests_of(request.schema)
        names = _names(request, contents)
        if not comparison_cache.has_some(names[1]):
            if comparison_cache.has_some(names[0]) and not request.scratch_url:
                ahead.begin()
            registry()
        return catalogs.result(), contents, names


def _both_sides(request: Request, connection: Connection[Any]) -> tuple[Written, Catalog, str | None]:
    """The declared and the live state, and the catalogs' fingerprint after they were read. The files are read
    meanwhile where another process can."""
    from concurrent.futures import ThreadPoolExecutor

    from reconciler.app.planning.comparison import live_catalog
    from reconciler.engine.catalog.fingerprint import fingerprint
    from reconciler.engine.declaration.load import loading

    with loading(request.schema, registry()) as written, ThreadPoolExecutor(max_workers=1) as server:
        live = live_catalog(connection)
        after = server.submit(fingerprint, connection)
        return written(), live, after.result()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the garbage collector, which would walk 100,000 entries again and again and find no cycle."""
    import gc

    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _names(request: Request, contents: Mapping[str, str]) -> tuple[str, str]:
    """What names a comparison, without the catalogs: for any files, and for just these."""
    from reconciler.app.planning import comparison_cache

    asked = (str(request.schema), repr(request.scope), str(request.scratch_url), str(request.base))
    files = [f"{file} {digest}" for file, digest in contents.items()]
    return f"sides-{comparison_cache.key(*asked)}", f"plan-{comparison_cache.key(*asked, *files)}"
