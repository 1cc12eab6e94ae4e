"""Any two states compared: live, declared, at a commit, in a file, in a chain; planning from any of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning import elaboration
from reconciler.app.planning.comparison import Compared, Request, compare, live_catalog
from reconciler.app.states.offline_state import declared_by, ground, major_of
from reconciler.app.states.state_name import Folder, InChain, Live, Nothing, Revision, State, Stored
from reconciler.core.catalog import EMPTY, Catalog
from reconciler.core.errors import Unsupported
from reconciler.engine.catalog.scope import compared_with, without_needless
from reconciler.engine.elaborate.given import with_given

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.declaration.written import Written
    from reconciler.engine.plan.model import Plan

_OWNER = """
    SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
    WHERE datname = pg_catalog.current_database()"""


def compare_from(state: State, request: Request, written: Written | None = None) -> Compared:
    """Compare what the request's schema declares (or what is `written`) with a state; only a live one is
    connected to.

    Raises InvalidInput for what is declared or stored, Unsupported where no scratch server of the state's
    major is there, and what `make_plan` raises.
    """
    from reconciler.engine.connection.session import opened
    from reconciler.engine.declaration.load import load

    written = written or load(request.schema, registry())
    if isinstance(state, Live):
        with opened(state.url, read_only=True) as connection:
            return compare(request, written, live_catalog(connection), connection)
    with ground(state, request, (written,)) as found:
        asked = dataclasses.replace(request, url=found.url)
        return compare(asked, written, found.catalog, found.connection)


def prove_from(state: State, plan: Plan, request: Request) -> str:
    """Carry the plan out, with made-up rows, on a database in the state that it starts from; what was shown.

    Raises NotConverged where the result is not what the plan promises, and what `compare_from` raises.
    """
    from reconciler.app.planning.comparison import observer
    from reconciler.app.planning.proof import prove
    from reconciler.engine.prove.proof import prove as proved_on

    if isinstance(state, Live):
        return prove(plan, dataclasses.replace(request, url=state.url))
    with ground(state, request) as found:
        return proved_on(plan, found.connection, observer(plan)).sentence()


def difference(first: State, second: State, request: Request) -> Plan:
    """The plan that would turn the first state into the second; of `request` only scope and scratch count.

    Raises what `compare_from` raises; EmbeddedUnavailable where no scratch server can be had.
    """
    from reconciler.engine.plan.planner import Context, make_plan

    with _both(first, second, request) as (current, wanted, connection):
        kinds = registry()
        before = compared_with(current, wanted.entries, request.scope, kinds)
        after = compared_with(wanted, current.entries, request.scope, kinds)
        after = without_needless(after, current, (), kinds)
        major = connection.info.server_version // 10000
        context = Context(major, "", ownership=request.scope.ownership, surroundings=tuple(current))

        def ask(query: str, parameters: Mapping[str, str]) -> str | None:
            row = connection.execute(query.encode(), parameters).fetchone()
            return row[0] if row else None

        # Only a database that is in the first state can be asked about it.
        can_ask = isinstance(first, Live) or not isinstance(second, Live)
        return make_plan(before, after, kinds, context, ask if can_ask else None)


@contextmanager
def _both(
    first: State, second: State, request: Request
) -> Iterator[tuple[Catalog, Catalog, Connection[Any]]]:
    """Both states in the words of one major, and a database of it: the live one, where there is one."""
    from reconciler.engine.connection.session import opened

    with ExitStack() as stack:
        live = next((state for state in (first, second) if isinstance(state, Live)), None)
        major = _common_major(first, second)
        if live is None:
            with_it = _declared(stack, second)
            found = stack.enter_context(ground(first, request, with_it, major))
            asked = dataclasses.replace(request, url=found.url)
            wanted = _catalog(second, found.catalog, asked, found.connection)
            yield found.catalog, wanted, found.connection
            return
        connection = stack.enter_context(opened(live.url, read_only=True))
        asked = dataclasses.replace(request, url=live.url)
        if isinstance(second, Live):
            wanted = _catalog(second, EMPTY, asked, connection)
            yield _catalog(first, wanted, asked, connection), wanted, connection
        else:
            current = _catalog(first, EMPTY, asked, connection)
            yield current, _catalog(second, current, asked, connection), connection


def _declared(stack: ExitStack, state: State) -> tuple[Any, ...]:
    if isinstance(state, Folder | Revision):
        return (stack.enter_context(declared_by(state)),)
    return ()


def _common_major(first: State, second: State) -> int | None:
    majors = [major for state in (first, second) if (major := major_of(state)) is not None]
    if len(set(majors)) > 1:
        raise Unsupported(
            f"one state is in the words of PostgreSQL {majors[0]}, the other of {majors[1]}",
            hint="compare states of one major: write the snapshot anew after an upgrade",
        )
    return majors[0] if majors else None


def _catalog(state: State, other: Catalog, request: Request, connection: Connection[Any]) -> Catalog:
    """A state as a catalog; what a folder writes as the other state has it needs no scratch server.
    `connection` is to the database whose major and roles count, `request.url` its server's."""
    if isinstance(state, Live):
        return _read(state.url, request.url, connection)
    if isinstance(state, Stored | InChain | Nothing):
        with ground(state, request) as found:
            return found.catalog
    row = connection.execute(_OWNER).fetchone()
    owner = str(row[0]) if row else ""
    with declared_by(state) as written:
        given = with_given(written, other, request.scope, registry())
        return elaboration.desired(given, other, connection, request.hosts, owner).catalog


def _read(url: str, open_url: str, connection: Connection[Any]) -> Catalog:
    from reconciler.engine.connection.session import opened

    if url == open_url:
        return live_catalog(connection)
    with opened(url, read_only=True) as other:
        return live_catalog(other)
