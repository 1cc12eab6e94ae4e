"""Making a plan by the shortest way that is surely right: remembered, by what has changed, or in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.app.comparison import Request, compare
from reconciler.app.discovery import registry

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.ahead import Ahead
    from reconciler.core.catalog import Catalog
    from reconciler.engine.load import Written
    from reconciler.engine.plan import Plan

_latest: list[object] = []
"""What was compared last, until something else is: to take 100,000 objects apart takes longer than to tell a
plan, and a command ends soon after that."""


def make_plan(request: Request) -> Plan:
    """Compare the declared state with the live database.

    Raises InvalidInput for the YAML, ConnectionFailed and ServerError for the servers.
    """
    from reconciler.app import memory, shortcut
    from reconciler.app.ahead import opened_ahead
    from reconciler.engine.plan import Plan
    from reconciler.engine.session import opened

    with (
        opened(request.url, read_only=True) as connection,
        opened_ahead(connection) as ahead,
        _collector_paused(),
    ):
        catalogs, contents, names = _summed_up(request, connection, ahead)
        if catalogs is None:
            written, live, _ = _both_sides(request, connection)
            return compare(request, written, live, connection).plan
        asked, name = (f"{said}-{memory.key(catalogs)}" for said in names)
        if (known := memory.read(name)) is not None:
            assert isinstance(known, Plan)
            return known
        plan = shortcut.plan_again(request, asked, contents, connection, ahead)
        if plan is not None:
            # The catalogs were not read again: they are as they were when they were summed up.
            if contents == memory.digests_of(request.schema):
                memory.write(name, plan)
            return plan
        written, live, still = _both_sides(request, connection)
        with shortcut.packed(live) as pack:
            compared = compare(request, written, live, connection, ahead)
            # What was read must be what the names say: nobody changed catalogs or files in between.
            if (catalogs, contents) == (still, memory.digests_of(request.schema)):
                shortcut.keep(asked, contents, written, compared, pack)
                memory.write(name, compared.plan)
        _latest[:] = [written, live, compared]
        return compared.plan


def _summed_up(
    request: Request, connection: Connection[Any], ahead: Ahead
) -> tuple[str | None, Mapping[str, str], tuple[str, str]]:
    """The fingerprint of the catalogs, digests of the files, and the names that those give. While the server
    works on the first, the files are read, and where a comparison is to be expected, what that needs is
    made ready."""
    from concurrent.futures import ThreadPoolExecutor

    from reconciler.app import memory
    from reconciler.engine.fingerprint import fingerprint

    with ThreadPoolExecutor(max_workers=1) as server:
        catalogs = server.submit(fingerprint, connection)
        contents = memory.digests_of(request.schema)
        names = _names(request, contents)
        if not memory.has_some(names[1]):
            if memory.has_some(names[0]) and not request.scratch_url:
                ahead.begin()
            registry()
        return catalogs.result(), contents, names


def _both_sides(request: Request, connection: Connection[Any]) -> tuple[Written, Catalog, str | None]:
    """The declared and the live state, and the catalogs' fingerprint after they were read. The files are read
    meanwhile where another process can."""
    from concurrent.futures import ThreadPoolExecutor

    from reconciler.app.comparison import live_catalog
    from reconciler.engine.fingerprint import fingerprint
    from reconciler.engine.loading import loading

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
    from reconciler.app import memory

    asked = (str(request.schema), repr(request.scope), str(request.scratch_url), str(request.base))
    files = [f"{file} {digest}" for file, digest in contents.items()]
    return f"sides-{memory.key(*asked)}", f"plan-{memory.key(*asked, *files)}"
