"""Planning without the database: a state of git, of a file or of a chain, built in a scratch database.

The scratch database stands in for the live one, so that one way of planning serves both and comes to the same
plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.states.state_name import Folder, InChain, Live, Nothing, Revision, State, Stored
from reconciler.core.catalog import EMPTY, Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Unsupported
from reconciler.core.ident import ObjectId, quote

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.planning.comparison import Request
    from reconciler.app.plans.target_chain import ChainedPlan
    from reconciler.engine.chain.snapshot import Snapshot
    from reconciler.engine.declaration.written import Written


@dataclass(frozen=True, slots=True)
class Ground:
    """A state, and a scratch database that is in it."""

    catalog: Catalog
    connection: Connection[Any]
    url: str
    """Of the scratch server."""
    owner: str
    """Of the database that the state is of."""


@dataclass(frozen=True, slots=True)
class _Material:
    """What a state is built from."""

    written: Written
    snapshot: Snapshot | None = None
    plans: tuple[ChainedPlan, ...] = ()
    """Plans to run on what is written."""
    head: Snapshot | None = None
    """A later state of the same chain, which tells what no scratch server can hold: roles."""

    @property
    def major(self) -> int | None:
        if self.plans:
            return self.plans[-1].plan.server_major
        return self.snapshot.facts.server if self.snapshot else None


@contextmanager
def ground(
    state: State, request: Request, declared: Iterable[Written] = (), major: int | None = None
) -> Iterator[Ground]:
    """A state that is not live, in a scratch database of its major. `declared` is what else will be built
    on that server; `major` counts where the state has none of its own.

    Raises InvalidInput for what cannot be read or built, Unsupported where no server of the major is there,
    UsageError for a state that does not exist.
    """
    from reconciler.engine.elaborate.scratch import scratch_database

    with _material(state) as material, ExitStack() as stack:
        wanted = material.major or major
        every = [material.written, *declared, *([material.head.written] if material.head else [])]
        url = _server(wanted, {id.path[0] for id in _ids(every) if id.kind == "extension"}, request)
        connection = stack.enter_context(scratch_database(url))
        found = connection.info.server_version // 10000
        if wanted is not None and found != wanted:
            raise Unsupported(
                f"the state is in the words of PostgreSQL {wanted}, and the scratch server is {found}",
                hint=f"point --scratch-url at a server of PostgreSQL {wanted}",
            )
        told = material.snapshot or material.head
        facts = told.facts if told is not None else None
        _make_roles(connection, _role_names(every, material.plans) | ({facts.owner} if facts else set()))
        catalog = _built(material, request, connection, url)
        if facts is not None:
            name = quote(connection.info.dbname)
            connection.execute(f"ALTER DATABASE {name} OWNER TO {quote(facts.owner)}".encode())
        catalog = _as_read(catalog, connection, is_new=material.snapshot is None and not material.plans)
        yield Ground(catalog, connection, url, facts.owner if facts else owner_of(connection))


def major_of(state: State) -> int | None:
    """The major in whose words a state is; None where it is in a person's own."""
    if isinstance(state, Live):
        from reconciler.engine.connection.session import opened

        with opened(state.url, read_only=True) as connection:
            return connection.info.server_version // 10000
    if isinstance(state, Stored | InChain):
        with _material(state) as material:
            return material.major
    return None


@contextmanager
def declared_by(state: Folder | Revision) -> Iterator[Written]:
    """What a folder declares, now or at a commit. Raises InvalidInput, and UsageError for what is missing."""
    from reconciler.engine.declaration.load import load

    if isinstance(state, Folder):
        yield load(state.path, registry())
        return
    from reconciler.app.states.git_revisions import exported

    with exported(state.ref, state.path) as found:
        yield load(found.path, registry())


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot file. Raises InvalidInput; OSError where it cannot be read."""
    from reconciler.engine.chain import snapshot

    return snapshot.load(path.read_text(encoding="utf-8", errors="replace"), str(path), registry())


@contextmanager
def _material(state: State) -> Iterator[_Material]:
    if isinstance(state, Folder | Revision):
        with declared_by(state) as written:
            yield _Material(written)
    elif isinstance(state, Stored):
        read = read_snapshot(state.path)
        yield _Material(read.written, read)
    elif isinstance(state, InChain):
        yield _of_chain(state)
    elif isinstance(state, Nothing):
        from reconciler.engine.declaration.written import Written

        yield _Material(Written({}))
    else:
        raise TypeError("a live database needs no ground")


def _of_chain(state: InChain) -> _Material:
    from reconciler.app.plans.target_chain import read_plans
    from reconciler.core.errors import UsageError
    from reconciler.engine.chain import snapshot
    from reconciler.engine.declaration.written import Written

    plans = read_plans(state.folder)
    numbers = [one.link.number for one in plans]
    number = state.number if state.number is not None else (numbers or [0])[-1]
    if number not in (0, *numbers):
        known = ", ".join(("0 (before the first)", *(f"{known:04}" for known in numbers)))
        raise UsageError(f"{state.folder} has no plan {number:04}", hint=f"there are: {known}")
    head = state.folder / snapshot.NAME
    at_head = read_snapshot(head) if head.exists() else None
    if plans and number == numbers[-1] and at_head is not None:
        return _Material(at_head.written, at_head)
    before = state.folder / snapshot.BASELINE
    start = read_snapshot(before) if before.exists() else None
    replayed = tuple(one for one in plans if one.link.number <= number)
    return _Material(start.written if start else Written({}), start, replayed, at_head)


def _server(major: int | None, extensions: set[str], request: Request) -> str:
    if request.scratch_url:
        return request.scratch_url
    from reconciler.embedded import shared_scratch

    return shared_scratch(major, extensions - {"plpgsql"}).url()


def _ids(every: Iterable[Written]) -> Iterator[ObjectId]:
    for written in every:
        for id, item in written.objects.items():
            yield id
            yield from item.declared.needs


def _role_names(every: Iterable[Written], plans: Iterable[ChainedPlan]) -> set[str]:
    names = {id.path[0] for id in _ids(every) if id.kind == "role"}
    for one in plans:
        for id in one.plan.touches:
            if id.kind in ("role", "privilege"):
                names.add(id.path[-1])
    return names - {"public"}


def _make_roles(connection: Connection[Any], names: Iterable[str]) -> None:
    """Roles belong to the server: those that are named get to be there, without any rights."""
    from contextlib import suppress

    import psycopg

    present = {name for (name,) in connection.execute("SELECT rolname FROM pg_catalog.pg_roles")}
    for name in sorted(set(names) - present):
        # Another run may be quicker.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE ROLE {quote(name)}".encode())


def _built(material: _Material, request: Request, connection: Connection[Any], url: str) -> Catalog:
    """Bring the empty scratch database into the state; the state as its own words have it."""
    from reconciler.app.planning import elaboration
    from reconciler.app.servers.scratch_servers import Hosts
    from reconciler.app.states.chain_replay import replayed
    from reconciler.engine.chain.snapshot import state_of
    from reconciler.engine.elaborate.scratch import clone, elaborate

    kinds = registry()
    if material.snapshot is not None:
        elaborated = elaborate(material.written, connection, kinds).catalog
        catalog = state_of(material.snapshot, elaborated, kinds)
        clone(catalog, connection, kinds)
    elif material.written.objects:
        hosts = Hosts(url, request.scratch_url)
        found = elaboration.desired(material.written, EMPTY, connection, hosts, owner_of(connection))
        catalog = found.catalog
        clone(catalog, connection, kinds)
    else:
        catalog = EMPTY
    return replayed(material.plans, catalog, material.head, connection) if material.plans else catalog


def _as_read(catalog: Catalog, connection: Connection[Any], is_new: bool) -> Catalog:
    """The state with what only a server knows: what each object needs, and facts that no file holds.

    `is_new`: what every new database has belongs to the state too.
    """
    from reconciler.engine.catalog.introspect import introspect

    kinds = registry()
    read = introspect(connection, kinds)
    entries: dict[ObjectId, Entry] = {}
    for entry in catalog:
        there = read.get(entry.id)
        # Whose a role is cannot be seen on another server.
        if there is None or there.parent != entry.parent or kinds.of(entry).is_shared:
            entries[entry.id] = entry
        else:
            state = there.state if there.state == entry.state else entry.state
            entries[entry.id] = dataclasses.replace(there, state=state)
    for entry in read if is_new else ():
        if not kinds.is_shared(entry) and kinds.of(entry).built_in(entry):
            entries.setdefault(entry.id, entry)
    return dataclasses.replace(catalog, entries=entries)


def owner_of(connection: Connection[Any]) -> str:
    """The role that owns the database."""
    query = """
        SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
        WHERE datname = pg_catalog.current_database()"""
    row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""
