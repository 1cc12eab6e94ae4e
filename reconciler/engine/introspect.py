"""Reading a live, scratch or clone database into a catalog: one snapshot, one query a kind, one pipeline."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind
from reconciler.engine.reading import LOCK_TIMEOUT, patiently
from reconciler.engine.registry import Registry
from reconciler.engine.retry import Stop

if TYPE_CHECKING:
    from psycopg import Connection

JOURNAL_SCHEMA = "_reconcile"

_BEGIN: LiteralString = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_SHORT_WAITS: LiteralString = f"SELECT pg_catalog.set_config('lock_timeout', '{LOCK_TIMEOUT}', true)"

_DEPENDENCIES: LiteralString = """
    SELECT classid::pg_catalog.regclass::text, objid, objsubid,
        refclassid::pg_catalog.regclass::text, refobjid, refobjsubid, deptype::text
    FROM pg_catalog.pg_depend
    WHERE deptype <> 'p' AND (refobjid >= 16384 OR refobjid = 2200)
    ORDER BY classid, objid, objsubid"""

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

_SPECIAL = frozenset({"address", "path", "also", "parent", "carrier", "suffix", "needs"})
_INSIDE = frozenset({"i"})
"""pg_depend's internal dependencies: the object is a part of what it refers to (array types, row types)."""


@dataclass(slots=True)
class _Row:
    kind: Kind[Any]
    values: dict[str, Any]
    id: ObjectId | None = None


@dataclass(slots=True)
class _Reading:
    """What one snapshot says, before it becomes a catalog."""

    rows: list[_Row] = field(default_factory=list)
    ids: dict[str, ObjectId] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    """Address of an extension's member -> address of the extension."""
    whole: dict[str, str] = field(default_factory=dict)
    """Address of a part -> address of what it is a part of."""
    edges: list[tuple[str, str, str]] = field(default_factory=list)

    def known(self, address: str | None) -> ObjectId | None:
        """The id behind an address; a column that is no entry means its relation."""
        if address is None:
            return None
        found = self.ids.get(address)
        if found is None and not address.endswith("/0"):
            found = self.ids.get(address.rpartition("/")[0] + "/0")
        return found

    def resolve(self, address: str) -> ObjectId | None:
        """The id behind an address, through wholes and extensions."""
        for _ in range(4):
            found = self.known(address)
            if found is not None:
                return found
            whole = address if address.endswith("/0") else address.rpartition("/")[0] + "/0"
            following = self.members.get(whole) or self.whole.get(whole)
            if following is None:
                return None
            address = following
        return None


def introspect(connection: Connection[Any], registry: Registry, stop: Stop | None = None) -> Catalog:
    """Read the whole database behind `connection` (autocommit, empty search_path) in one snapshot.

    Raises Busy where a lock keeps it from that for long, and Terminated where `stop` is asked meanwhile.
    """
    reading = patiently(lambda: _read(connection, registry), connection, stop)
    entries = {entry.id: entry for entry in _entries(reading)}
    return Catalog(entries, unknown=_unknown(connection, reading))


def _read(connection: Connection[Any], registry: Registry) -> _Reading:
    major = connection.info.server_version // 10000
    reading = _Reading()
    kinds = list(registry)
    connection.execute(_BEGIN)
    try:
        with connection.pipeline():
            connection.execute(_SHORT_WAITS)
            cursors = [connection.execute(kind.query(major)) for kind in kinds]
            dependencies = connection.execute(_DEPENDENCIES)
            world = connection.execute(_GLOBAL)
        for classid, objid, sub, refclass, refobj, refsub, deptype in dependencies:
            _add_dependency(reading, f"{classid}/{objid}/{sub}", f"{refclass}/{refobj}/{refsub}", deptype)
        for kind, cursor in zip(kinds, cursors, strict=True):
            names = [column.name for column in cursor.description or ()]
            reading.rows.extend(_Row(kind, dict(zip(names, row, strict=True))) for row in cursor)
        reading.edges.extend((f"{cls}/{oid}/0", "world", "n") for cls, oid in world)
    finally:
        connection.execute("COMMIT")
    return reading


def _add_dependency(reading: _Reading, dependent: str, referenced: str, deptype: str) -> None:
    if deptype == "e":
        reading.members[dependent] = referenced
    elif deptype in _INSIDE and not dependent.startswith("pg_constraint"):
        reading.whole.setdefault(dependent, referenced)
        reading.edges.append((dependent, referenced, deptype))
    else:
        reading.edges.append((dependent, referenced, deptype))


def _entries(reading: _Reading) -> Iterator[Entry]:
    for row in reading.rows:
        path = row.values.get("path")
        if path is not None and row.values["address"] not in reading.members and path[0] != JOURNAL_SCHEMA:
            _register(reading, row, ObjectId(row.kind.name, tuple(path)))
    for row in reading.rows:
        if row.id is not None and _is_part(reading, row):
            del reading.ids[row.values["address"]]
            row.id = None
    kept = [row for row in reading.rows if _place(reading, row)]
    needs = _needs(reading, kept)
    for row in kept:
        assert row.id is not None
        carrier = reading.known(row.values.get("carrier"))
        if carrier is not None and carrier.kind != row.id.kind:
            carrier = None  # a key below a plain index: PostgreSQL refuses to drop the index first
        parent = reading.known(row.values.get("parent"))
        wanted = needs.get(row.id, set()) - {row.id, carrier}
        if parent is not None and parent != carrier:
            wanted.add(parent)
        yield Entry(row.id, _state(row), parent, frozenset(wanted), carrier)


def _register(reading: _Reading, row: _Row, id: ObjectId) -> None:
    row.id = id
    reading.ids[row.values["address"]] = id
    for address in row.values.get("also") or ():
        if address:
            reading.ids[address] = id


def _is_part(reading: _Reading, row: _Row) -> bool:
    """Whether the object belongs inside another entry: a range type's constructor functions."""
    address = reading.whole.get(row.values["address"])
    # A column of a partition key is tied to its table in the same way.
    if address is None or address == row.values.get("parent"):
        return False
    return reading.known(address) not in (None, row.id)


def _place(reading: _Reading, row: _Row) -> bool:
    """Give a facet its id; False for what hangs on something that is not ours (an extension's table)."""
    if "parent" not in row.values or row.values["parent"] is None:
        return row.id is not None
    parent = reading.known(row.values["parent"])
    if parent is None:
        return False
    if row.id is None:
        if row.values.get("path") is not None:
            return False  # a member of an extension, or a part of another object
        row.id = parent.facet(row.kind.name, *(row.values.get("suffix") or ()))
    return True


def _needs(reading: _Reading, rows: Iterable[_Row]) -> dict[ObjectId, set[ObjectId]]:
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
        for address in row.values.get("needs") or ():
            target = reading.resolve(address)
            if target is not None and row.id is not None:
                needs.setdefault(row.id, set()).add(target)
    return needs


def _state(row: _Row) -> Any:
    state: Any = row.kind.state
    values = row.values
    return state(**{name: _frozen(values[name]) for name in _fields(state) if name in values})


@cache
def _fields(state: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(state))


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _unknown(connection: Connection[Any], reading: _Reading) -> tuple[str, ...]:
    found: dict[tuple[str, int], None] = {}
    for dependent, referenced, _ in reading.edges:
        if not (referenced == "world" or referenced.startswith("pg_namespace/")):
            continue
        if reading.resolve(dependent) is not None or dependent in reading.members:
            continue
        classid, oid, _sub = dependent.split("/")
        found[(classid, int(oid))] = None
    if not found:
        return ()
    classes, oids = zip(*found, strict=True)
    rows = connection.execute(_IDENTIFY, {"classes": list(classes), "oids": list(oids)}).fetchall()
    return tuple(text for (text,) in rows if f"{JOURNAL_SCHEMA}." not in text)
