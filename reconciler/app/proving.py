"""Proving a plan on a clone: a new database with the live one's objects, and made-up rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.comparison import Request, live_catalog, observer
from reconciler.app.discovery import registry
from reconciler.app.servers import scratch_on, scratch_servers
from reconciler.core.errors import ServerError

if TYPE_CHECKING:
    from reconciler.engine.plan import Plan


def prove(plan: Plan, request: Request) -> str:
    """Carry the plan out on a clone of the target's major, with made-up rows; returns what was shown.

    Raises NotConverged where the result is not what the plan promises, ServerError where no clone can be had.
    """
    from reconciler.engine.prove import prove as proved_on
    from reconciler.engine.scratch import clone
    from reconciler.engine.session import opened

    refused = ServerError("no server for a clone of the target's major", hint="pass --scratch-url")
    with opened(request.url, read_only=True) as target:
        live = live_catalog(target)
        for server in scratch_servers(request.url, request.scratch_url, target, live.entries):
            if not server.is_own_major:
                continue
            try:
                with scratch_on(server, target)() as connection:
                    clone(live, connection, registry())
                    return proved_on(plan, connection, observer(plan)).sentence()
            except ServerError as error:
                refused = error
    raise refused
