"""Reading a live, scratch or clone database into a catalog: one snapshot, one query a kind, one pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind
from reconciler.engine.catalog.bounded_read import LOCK_TIMEOUT, patiently
from reconciler.engine.catalog.rows import Columns, Reading, Row
from reconciler.engine.catalog.unmodeled import beyond
from reconciler.engine.connection.retry import Stop
from reconciler.engine.connection.session import set_local
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection

JOURNAL_SCHEMA = "_reconcile"

_BEGIN: LiteralString = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SHORT_WAITS: LiteralString = f"SELECT pg_catalog.set_config('lock_timeout', '{LOCK_TIMEOUT}', true)"

_DEPENDENCIES: LiteralString = """
    SELECT dc.relname, d.objid, d.objsubid, rc.relname, d.refobjid, d.refobjsubid, d.deptype::text
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class dc ON dc.oid = d.classid
    JOIN pg_catalog.pg_class rc ON rc.oid = d.refclassid
    WHERE d.deptype <> 'p' AND (d.refobjid >= 16384 OR d.refobjid = 2200)
    ORDER BY d.classid, d.objid, d.objsubid"""

_GLOBAL: LiteralString = """
    SELECT 'pg_event_trigger', oid FROM pg_catalog.pg_event_trigger WHERE oid >= 16384
    UNION ALL SELECT 'pg_publication', oid FROM pg_catalog.pg_publication
    UNION ALL SELECT 'pg_foreign_data_wrapper', oid FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server', oid FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'pg_cast', oid FROM pg_catalog.pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'pg_transform', oid FROM pg_catalog.pg_transform WHERE oid >= 16384
    UNION ALL SELECT 'pg_am', oid FROM pg_catalog.pg_am WHERE oid >= 16384
    UNION ALL SELECT 'pg_language', oid FROM pg_catalog.pg_language WHERE oid >= 16384"""

_IDENTIFY: LiteralString = """
    SELECT i.type || ' ' || i.identity
    FROM ROWS FROM (pg_catalog.unnest(%(classes)s::text[]), pg_catalog.unnest(%(oids)s::oid[]))
            AS a (class, oid),
        pg_catalog.pg_identify_object(('pg_catalog.' || a.class)::pg_catalog.regclass, a.oid, 0) AS i
    WHERE i.type IS NOT NULL AND coalesce(i.schema, '') !~ '^pg_'
        AND coalesce(i.schema, '') <> 'information_schema'
    ORDER BY 1"""

_INSIDE = frozenset({"i"})
"""pg_depend's internal dependencies: the object is a part of what it refers to (array types, row types)."""


def introspect(connection: Connection[Any], registry: Registry, stop: Stop | None = None) -> Catalog:
    """Read the whole database behind `connection` (autocommit) in one snapshot.

    Raises Busy where a lock keeps it from that for long, and Terminated where `stop` is asked meanwhile.
    """
    reading = patiently(lambda: _read(connection, list(registry)), connection, stop)
    entries = {entry.id: entry for entry in _entries(reading)}
    return Catalog(entries, unknown=_unknown(connection, reading))


def present(connection: Connection[Any], kinds: Iterable[Kind[Any]]) -> frozenset[ObjectId]:
    """Which objects of these kinds there are. Facets are told where the kind of their parent is among them.

    Raises what `introspect` raises.
    """
    wanted = list(Registry(kinds))
    reading = patiently(lambda: _read(connection, wanted), connection)
    return frozenset(entry.id for entry in _entries(reading))


@contextmanager
def _one_snapshot(connection: Connection[Any]) -> Iterator[None]:
    """A transaction to read in; the open one where there is one: what is read then is its own work."""
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status == TransactionStatus.INTRANS:
        yield
        return
    connection.execute(_BEGIN)
    try:
        yield
    finally:
        connection.execute("COMMIT")


def _read(connection: Connection[Any], kinds: Sequence[Kind[Any]]) -> Reading:
    major = connection.info.server_version // 10000
    reading = Reading()
    with _one_snapshot(connection):
        with connection.pipeline():
            # The script of an extension can have set another search_path for the session.
            set_local(connection)
            connection.execute(_SHORT_WAITS)
            cursors = [connection.execute(kind.query(major), prepare=True) for kind in kinds]
            dependencies = connection.execute(_DEPENDENCIES)
            world = connection.execute(_GLOBAL)
            others = connection.execute(beyond(major))
        for classid, objid, sub, refclass, refobj, refsub, deptype in dependencies.fetchall():
            _add_dependency(reading, f"{classid}/{objid}/{sub}", f"{refclass}/{refobj}/{refsub}", deptype)
        for kind, cursor in zip(kinds, cursors, strict=True):
            columns = Columns(kind, [column.name for column in cursor.description or ()])
            reading.rows.extend(Row(columns, row) for row in cursor.fetchall())
        reading.beyond.extend(text for (text,) in others)
        reading.edges.extend((f"{cls}/{oid}/0", "world", "n") for cls, oid in world)
    return reading


def _add_dependency(reading: Reading, dependent: str, referenced: str, deptype: str) -> None:
    if deptype == "e":
        reading.members[dependent] = referenced
    elif deptype in _INSIDE and not dependent.startswith("pg_constraint"):
        reading.whole.setdefault(dependent, referenced)
        reading.edges.append((dependent, referenced, deptype))
    else:
        reading.edges.append((dependent, referenced, deptype))


def _entries(reading: Reading) -> Iterator[Entry]:
    for row in reading.rows:
        _register(reading, row)
    for row in reading.rows:
        if row.id is not None and _is_part(reading, row):
            del reading.ids[row.address]
            row.id = None
    kept = [row for row in reading.rows if _place(reading, row)]
    needs = _needs(reading, kept)
    for row in kept:
        assert row.id is not None
        carrier = reading.known(row.get("carrier"))
        if carrier is not None and carrier.kind != row.id.kind:
            carrier = None  # a key below a plain index: PostgreSQL refuses to drop the index first
        parent = reading.known(row.parent)
        wanted = needs.get(row.id, set()) - {row.id, carrier}
        if parent is not None and parent != carrier:
            wanted.add(parent)
        yield Entry(row.id, row.state(), parent, frozenset(wanted), carrier)


def _register(reading: Reading, row: Row) -> None:
    """Give an object its id. What belongs to an extension, or stands under what does, has none.

    Most parents come before their children, as kinds have ranks. Where one does not (a partition's table, the
    materialized view of an index), the object is taken for ours.
    """
    if row.path is None or row.path[0] == JOURNAL_SCHEMA or row.address in reading.members:
        return
    if row.parent is not None and reading.known(row.parent) is None:
        extension = reading.extension_of(row.parent)
        if extension is not None:
            reading.members.update(dict.fromkeys(_addresses(row), extension))
            return
    row.id = ObjectId(row.kind.name, tuple(row.path))
    for address in _addresses(row):
        reading.ids[address] = row.id


def _addresses(row: Row) -> Iterator[str]:
    """The addresses of an object: its own, and those of what PostgreSQL keeps beside it."""
    yield row.address
    yield from filter(None, row.get("also") or ())


def _is_part(reading: Reading, row: Row) -> bool:
    """Whether the object belongs inside another entry: a range type's constructor functions."""
    address = reading.whole.get(row.address)
    # A column of a partition key is tied to its table in the same way.
    if address is None or address == row.parent:
        return False
    return reading.known(address) not in (None, row.id)


def _place(reading: Reading, row: Row) -> bool:
    """Give a facet its id; False for what is not ours or hangs on what is not (an extension's table)."""
    if row.parent is None:
        return row.id is not None
    parent = reading.known(row.parent)
    if parent is None:
        return False
    if row.id is None:
        if row.path is not None:
            return False  # an extension's, or a part of another object
        row.id = parent.facet(row.kind.name, *(row.get("suffix") or ()))
    return True


def _needs(reading: Reading, rows: Iterable[Row]) -> dict[ObjectId, set[ObjectId]]:
    ignores = {row.id: row.kind.ignores for row in rows if row.id is not None and row.kind.ignores}
    needs: dict[ObjectId, set[ObjectId]] = {}
    for dependent, referenced, _ in reading.edges:
        source = reading.known(dependent) or reading.known(reading.whole.get(dependent))
        if source is None:
            continue
        target = reading.resolve(referenced)
        if target is None or target == source or target.kind in ignores.get(source, ()):
            continue
        needs.setdefault(source, set()).add(target)
    for row in rows:
        for address in row.get("needs") or ():
            target = reading.resolve(address)
            if target is not None and row.id is not None:
                needs.setdefault(row.id, set()).add(target)
    return needs


def _is_of_journal(identity: str) -> bool:
    return f"{JOURNAL_SCHEMA}." in identity or f" schema {JOURNAL_SCHEMA} " in f"{identity} "


def _unknown(connection: Connection[Any], reading: Reading) -> tuple[str, ...]:
    found: dict[tuple[str, int], None] = {}
    for dependent, referenced, _ in reading.edges:
        if not (referenced == "world" or referenced.startswith("pg_namespace/")):
            continue
        if reading.resolve(dependent) is not None or dependent in reading.members:
            continue
        classid, oid, _sub = dependent.split("/")
        found[(classid, int(oid))] = None
    if not found:
        return tuple(reading.beyond)
    classes, oids = zip(*found, strict=True)
    rows = connection.execute(_IDENTIFY, {"classes": list(classes), "oids": list(oids)}).fetchall()
    return (*(text for (text,) in rows if not _is_of_journal(text)), *reading.beyond)
