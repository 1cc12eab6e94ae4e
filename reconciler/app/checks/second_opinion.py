"""Second opinions: the live database held against a fresh build of the declared state, by others than us."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString

from reconciler.app.approval.requirement import Requirement
from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import Request
from reconciler.app.planning.make_plan import make_plan
from reconciler.app.run.apply import Application, apply_plan
from reconciler.app.servers.scratch_servers import scratch_on, scratch_servers
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Unsupported, UsageError

AUDITORS = ("pg_dump", "migra")

_WITHOUT_JOURNAL: LiteralString = "DROP SCHEMA IF EXISTS _reconcile CASCADE"


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one auditor says."""

    auditor: str
    findings: tuple[str, ...]
    """Empty: it sees no difference."""
    blind: tuple[str, ...] = ()
    """Kinds that it has no say in."""
    unreliable: tuple[str, ...] = ()
    """Kinds about which it sees differences that are none."""


@contextmanager
def fresh_build(request: Request) -> Iterator[str]:
    """A new database that holds just the declared state; its URL. Gone at the end.

    Raises Unsupported where no server of the target's major can serve, and what planning and applying raise.
    """
    from psycopg.conninfo import make_conninfo

    from reconciler.engine.connection.session import opened
    from reconciler.engine.declaration.load import load
    from reconciler.engine.plan.consent import Consent

    written = load(request.schema, registry())
    with opened(request.url, read_only=True) as target:
        servers = scratch_servers(request.hosts, target, written.objects)
        server = next((one for one in servers if one.is_own_major), None)
        if server is None:
            raise Unsupported("no scratch server of the target's major can be had", hint="pass --scratch-url")
        with scratch_on(server, target)() as scratch:
            url = make_conninfo(server.url, dbname=scratch.info.dbname)
            plan = make_plan(dataclasses.replace(request, url=url))
            apply_plan(plan, Application(url, Consent(everything=True), requirement=Requirement()))
            scratch.execute(_WITHOUT_JOURNAL)
            yield url


def opinion(auditor: str, request: Request, fresh_url: str) -> Opinion:
    """What an auditor finds between the live database and a fresh build of the declared state.

    Raises UsageError for an auditor that does not exist, AuditError where it cannot do its work.
    """
    if auditor == "pg_dump":
        from reconciler.audit import pg_dump

        ownership = request.scope.ownership
        how = pg_dump.Comparison(column_order=False, owners=ownership, privileges=ownership)
        return Opinion(auditor, pg_dump.differences(request.url, fresh_url, how))
    if auditor == "migra":
        from reconciler.audit import migra

        verdict = migra.audit(request.url, fresh_url)
        found = (verdict.differences,) if verdict.differences else ()
        return Opinion(auditor, found, verdict.blind, verdict.unreliable)
    raise UsageError(f"there is no auditor `{auditor}`", hint=f"one of: {', '.join(AUDITORS)}")
