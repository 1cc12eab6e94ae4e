"""The scratch server: PostgreSQL itself says what the written state means."""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import EMPTY, Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, Problem, ServerError
from reconciler.core.ident import ObjectId, quote
from reconciler.engine.catalog.introspect import introspect, present
from reconciler.engine.compare.diff import diff
from reconciler.engine.connection.session import opened
from reconciler.engine.declaration.written import Located, Written
from reconciler.engine.elaborate.bound_objects import bound, explained, without
from reconciler.engine.elaborate.opaque_fields import bare, clothed
from reconciler.engine.elaborate.routine_bodies import broken_bodies
from reconciler.engine.elaborate.scratch_path import everywhere, looking_everywhere, search_path
from reconciler.engine.plan.model import Action, Step
from reconciler.engine.plan.planner import Context, steps_of
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection

BATCH = 200
"""Steps sent at once; each batch is a transaction of its own, so that the lock table does not fill up."""

_FEW = 200
"""With more objects the queries that read them are planned anew: what suits empty catalogs is slow then."""

_SHOWN_PROBLEMS = 20


class ScratchRefuses(InvalidInput):
    """What is declared is refused, for reasons that PostgreSQL has these codes for."""

    sqlstates: frozenset[str] = frozenset()


class ScratchLacks(ScratchRefuses):
    """The scratch server cannot make what is declared; another may."""


@dataclass(frozen=True, slots=True)
class Elaborated:
    """The declared state as PostgreSQL understands it."""

    catalog: Catalog
    ids: Mapping[ObjectId, ObjectId]
    """What each written id is called in the catalog."""


@contextmanager
def scratch_database(admin_url: str) -> Iterator[Connection[Any]]:
    """A fresh database on the server behind `admin_url`, dropped at the end.

    Raises ConnectionFailed, and ServerError where the role may not create databases.
    """
    from psycopg.conninfo import make_conninfo

    name = f"reconcile_scratch_{secrets.token_hex(6)}"
    with opened(admin_url) as admin:
        strategy = " STRATEGY wal_log" if admin.info.server_version >= 150000 else ""
        admin.execute(f"CREATE DATABASE {quote(name)} TEMPLATE template0{strategy}".encode())
        try:
            with opened(make_conninfo(admin_url, dbname=name)) as connection:
                connection.execute("SET statement_timeout = 0; SET client_min_messages = error")
                try:
                    yield connection
                finally:
                    _drop_subscriptions(connection)
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {quote(name)} WITH (FORCE)".encode())


def _drop_subscriptions(connection: Connection[Any]) -> None:
    """PostgreSQL drops no database that has one."""
    import psycopg

    query = """
        SELECT s.subname FROM pg_catalog.pg_subscription s
        JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database()"""
    with suppress(psycopg.Error):
        for (name,) in connection.execute(query).fetchall():
            for action in ("DISABLE", "SET (slot_name = NONE)"):
                connection.execute(f"ALTER SUBSCRIPTION {quote(name)} {action}".encode())
            connection.execute(f"DROP SUBSCRIPTION {quote(name)}".encode())


def elaborate(
    written: Written, connection: Connection[Any], registry: Registry, live: Catalog = EMPTY
) -> Elaborated:
    """Build the written state in an empty database and read it back. What is `live` just so needs no proof
    beyond that. Raises InvalidInput with PostgreSQL's message at the place in the YAML."""
    objects = {id: item for id, item in written.objects.items() if registry.of(id).elaborated}
    catalog = written.catalog(registry).only(objects)
    schemas = {id: item.schema for id, item in objects.items()}
    failed = _build(bare(catalog, registry), schemas, connection, registry)
    kept = bound(_by_object(failed), catalog, live, registry) if failed else {}
    if failed := [pair for pair in failed if pair[0].object not in kept]:
        if missing := without(kept, registry):
            raise InvalidInput.of(list(explained(_problems(failed, objects).problems, missing)))
        raise _refusal(failed, objects)
    read = _beside(kept, introspect(connection, registry))
    ids = dict(_resolved(written.objects, read, connection, registry))
    if problems := list(_smuggled(objects, read, ids, registry)):
        raise InvalidInput.of(problems)
    read = clothed(read, catalog, ids, registry)
    made = ((read.get(ids[id]), item) for id, item in objects.items())
    unproved = [(entry, item) for entry, item in made if entry is not None and not _is_in(live, entry)]
    if problems := list(broken_bodies(unproved, connection, registry, search_path)):
        raise InvalidInput.of(problems)
    return Elaborated(_with_plain(written, read, ids, registry), ids)


def _smuggled(
    objects: Mapping[ObjectId, Located], read: Catalog, ids: Mapping[ObjectId, ObjectId], registry: Registry
) -> Iterator[Problem]:
    """What a text made beside what it stands for: `a > 0), check (b > 0` is two checks."""
    declared = {ids[id]: item for id, item in objects.items()}
    for entry in read:
        if entry.id in declared or entry.carrier is not None or entry.parent not in declared:
            continue
        kind = registry.of(entry)
        if kind.is_required_in_children:
            place = declared[entry.parent].position
            message = "nobody declares it: a text beside it holds more than one clause"
            yield Problem(place.file, place.line, place.column, kind.label(entry), message)


def _is_in(live: Catalog, entry: Entry) -> bool:
    there = live.get(entry.id)
    return there is not None and there.state == entry.state


def rebuild(catalog: Catalog, connection: Connection[Any], registry: Registry) -> Catalog:
    """Build an elaborated catalog in an empty database and read it back."""
    own = catalog.only(entry.id for entry in catalog if registry.of(entry).elaborated)
    failed = _build(bare(own, registry), {}, connection, registry)
    kept = bound(_by_object(failed), own, own, registry) if failed else {}
    for step, error in failed:
        if step.object not in kept:
            raise InvalidInput.of([_problem(step, error, {})])
    return clothed(_beside(kept, introspect(connection, registry)), own, {}, registry)


def clone(catalog: Catalog, connection: Connection[Any], registry: Registry) -> Catalog:
    """Make an empty database into a copy of what a live one was read as, facets and all, and read it back.

    Raises ServerError where that cannot be done.
    """
    own = catalog.only(
        entry.id for entry in catalog if not registry.is_shared(entry) and not registry.of(entry).needs_module
    )
    failed = _build(own, {}, connection, registry)
    if failed:
        step, error = failed[0]
        raise ServerError(
            f"a clone of the database cannot be made: {step.label}: {error.diag.message_primary}",
            hint="point --scratch-url at a server with the same extensions",
        )
    return introspect(connection, registry)


_Failed = list[tuple[Step, Any]]


def _by_object(failed: _Failed) -> Mapping[ObjectId, Any]:
    return {step.object: error for step, error in failed}


def _beside(kept: Mapping[ObjectId, Entry], read: Catalog) -> Catalog:
    """What was built, and what it was built without."""
    return dataclasses.replace(read, entries={**kept, **read.entries}) if kept else read


def _build(
    catalog: Catalog, schemas: Mapping[ObjectId, str | None], connection: Connection[Any], registry: Registry
) -> _Failed:
    there = present(connection, {registry.of(entry) for entry in catalog})
    if len(catalog) > _FEW:
        connection.prepare_threshold = None
    missing = catalog.only(entry.id for entry in catalog if entry.id not in there)
    failed = _attempt(missing, schemas, connection, registry, fold=True)
    if not failed or _lacks(failed):
        return failed
    altered = {step.object: (step, error) for step, error in failed if step.action is Action.ALTER}
    missing = _remaining(missing, failed, connection, registry)
    # One by one they say better what is wrong, but for what is no longer there to be altered.
    again = _attempt(missing, schemas, connection, registry, fold=False)
    return [altered.get(step.object, (step, error)) for step, error in again]


def _remaining(catalog: Catalog, failed: _Failed, connection: Connection[Any], registry: Registry) -> Catalog:
    """What is still to be made when folded statements failed: the failed objects and what was folded in."""
    there = introspect(connection, registry)
    objects = {step.object for step, _ in failed}
    return catalog.only(
        entry.id
        for entry in catalog
        if entry.id in objects or (_hangs_on(entry, objects, catalog) and entry.id not in there)
    )


def _hangs_on(entry: Entry, objects: set[ObjectId], catalog: Catalog) -> bool:
    parent = catalog.get(entry.parent)
    return parent is not None and (parent.id in objects or _hangs_on(parent, objects, catalog))


def _attempt(
    catalog: Catalog,
    schemas: Mapping[ObjectId, str | None],
    connection: Connection[Any],
    registry: Registry,
    fold: bool,
) -> _Failed:
    """Make everything; what fails for want of something later is tried again until nothing moves."""
    changes = diff(EMPTY, catalog, registry)
    path = functools.partial(everywhere, catalog)
    context = Context(connection.info.server_version // 10000, "", search_path=path, fold=fold)
    pending: Sequence[Step] = steps_of(EMPTY, catalog, changes, registry, context)
    failed: _Failed = []
    is_wide = False
    while pending:
        failed = list(_run(pending, schemas, connection))
        is_stuck = len(failed) == len(pending)
        pending = [step for step, _ in failed]
        if _lacks(failed) or (is_stuck and is_wide):
            break
        if is_stuck:
            is_wide, (before, pending) = True, (pending, looking_everywhere(pending, catalog, registry))
            if before == pending:
                break
    return failed


def _lacks(failed: _Failed) -> bool:
    """Whether the server lacks a file or a feature (an extension, ICU), so that no later step can mend it."""
    return any(error.sqlstate in ("58P01", "0A000") for _, error in failed)


def _run(
    steps: Sequence[Step], schemas: Mapping[ObjectId, str | None], connection: Connection[Any]
) -> Iterator[Any]:
    import psycopg

    for batch in _batches(steps, schemas):
        path = search_path(schemas.get(batch[0].object), batch[0].search_path)
        try:
            with connection.transaction():
                _execute(connection, path, batch)
        except psycopg.Error as error:
            if len(batch) == 1:
                yield batch[0], error
                continue
            for step in batch:
                try:
                    with connection.transaction():
                        _execute(connection, path, [step])
                except psycopg.Error as error:
                    yield step, error
    connection.execute("SET search_path = ''")


def _execute(connection: Connection[Any], path: str, steps: Sequence[Step]) -> None:
    """Run the steps' statements, in one message where none can be two.

    A text of the YAML could end its statement and begin another, which would run here as whoever plans: what
    holds a `;` goes by the extended protocol, which takes one (manual: Extended Query).
    """
    if not any(map(_may_be_two, steps)):
        connection.execute((path + "".join(map(_text, steps))).encode())
        return
    connection.execute(path.encode())
    for step in steps:
        for sql in step.sql:
            connection.execute(sql.encode(), binary=True)


def _may_be_two(step: Step) -> bool:
    return any(";" in sql for sql in step.sql)


def _way(step: Step, schemas: Mapping[ObjectId, str | None]) -> tuple[str | None, str | None, bool]:
    return schemas.get(step.object), step.search_path, _may_be_two(step)


def _batches(steps: Sequence[Step], schemas: Mapping[ObjectId, str | None]) -> Iterator[list[Step]]:
    batch: list[Step] = []
    for step in steps:
        if batch and (len(batch) == BATCH or _way(step, schemas) != _way(batch[0], schemas)):
            yield batch
            batch = []
        batch.append(step)
    if batch:
        yield batch


def _text(step: Step) -> str:
    return "".join(f"{sql};\n" for sql in step.sql)


def _resolved(
    objects: Mapping[ObjectId, Located], catalog: Catalog, connection: Connection[Any], registry: Registry
) -> Iterator[tuple[ObjectId, ObjectId]]:
    for id, item in objects.items():
        query = registry.of(id).resolve
        if id in catalog or query is None:
            yield id, id
            continue
        connection.execute(search_path(item.schema).encode())
        row = connection.execute(query, {"schema": id.path[0], "name": id.path[-1]}).fetchone()
        yield id, ObjectId(id.kind, (*id.path[:-1], row[0])) if row and row[0] else id
    connection.execute("SET search_path = ''")


def _with_plain(
    written: Written, read: Catalog, ids: Mapping[ObjectId, ObjectId], registry: Registry
) -> Catalog:
    """Add what needed no server: comments, owners. What the scratch server has of its own says nothing."""
    its = read.only(entry.id for entry in read if not registry.of(entry).is_shared)
    entries = {id: entry for id, entry in its.entries.items() if entry.parent is None or entry.parent in its}
    for id, item in written.objects.items():
        if registry.of(id).elaborated:
            continue
        parent = item.declared.parent
        real = ids.get(parent, parent) if parent else None
        own = id
        if parent and real and real != parent:
            own = real.facet(id.kind, *id.path[1 + len(parent.path) :])
        needs = {ids.get(needed, needed) for needed in item.declared.needs} | ({real} if real else set())
        entries[own] = Entry(own, item.declared.state, real, frozenset(needs))
    return Catalog(entries, read.unknown, read.notes)


def _problems(failed: _Failed, objects: Mapping[ObjectId, Located]) -> InvalidInput:
    """The errors that are causes come first: what only misses something that failed itself says little."""
    roots = [pair for pair in failed if not _is_consequence(pair[1])] or failed
    return InvalidInput.of([_problem(step, error, objects) for step, error in roots[:_SHOWN_PROBLEMS]])


def _refusal(failed: _Failed, objects: Mapping[ObjectId, Located]) -> ScratchRefuses:
    told = _problems(failed, objects)
    made = ScratchLacks if _lacks(failed) else ScratchRefuses
    refused = made(told.message, told.problems)
    refused.sqlstates = frozenset(error.sqlstate or "" for _, error in failed)
    return refused


def _is_consequence(error: Any) -> bool:
    return (error.sqlstate or "") in ("42P01", "42704", "42703", "3F000")


def _problem(step: Step, error: Any, objects: Mapping[ObjectId, Located]) -> Problem:
    item = objects.get(step.object)
    message = f"PostgreSQL refuses it: {error.diag.message_primary or type(error).__name__}"
    if error.diag.message_primary == _TWO:
        message = "it is more than one statement"
    hint = error.diag.message_hint or _EXPLAINED.get(error.sqlstate or "")
    if error.diag.message_primary == _BARE_DEFAULT:
        hint = """a text needs SQL's quotes within YAML's: default: "'new'" """.rstrip()
    if item is None:
        return Problem("", 1, 1, str(step.object), message, hint)
    place = item.position
    return Problem(place.file, place.line, place.column, step.label, message, hint)


_TWO = "cannot insert multiple commands into a prepared statement"

_BARE_DEFAULT = "cannot use column reference in DEFAULT expression"

_EXPLAINED: Mapping[str, str] = {
    "42P01": "declare the relation too, or qualify its name with its schema",
    "42704": "declare the type, role or extension too, or qualify its name with its schema",
    "42883": "declare the function too, or qualify its name with its schema",
    "0A000": "PostgreSQL does not do this: declare it otherwise; where the target does it, being of another "
    "version or build, point --scratch-url at a server like it",
    "58P01": "the extension is not installed on the scratch server; use --scratch-url",
}
