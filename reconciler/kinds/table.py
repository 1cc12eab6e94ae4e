"""Tables: ordinary, unlogged, partitioned, partitions, inheriting, typed (manual: CREATE TABLE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.fragment import (
    Document,
    Names,
    Option,
    option_actions,
    options_from,
    options_sql,
    options_to,
    without_defaults,
)
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, split_name, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Statement, data_loss, on


@dataclass(frozen=True, slots=True)
class TableState:
    """A table without its columns, constraints and indexes: those are entries of their own."""

    unlogged: bool = False
    partition_key: str | None = None
    """As pg_get_partkeydef writes it: `RANGE (occurred_at)`."""
    partition_of: str | None = None
    """The partitioned table as SQL writes it."""
    bound: str | None = None
    """`FOR VALUES ...` or `DEFAULT`."""
    inherits: tuple[str, ...] = ()
    of_type: str | None = None
    options: tuple[str, ...] = ()
    access_method: str | None = None
    """None is heap, whatever default_table_access_method says."""
    tablespace: str | None = None
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "default"


class TableDocument(Document):
    """`tables: {users: {...}}`; what hangs on the table nests under it."""

    unlogged: bool = False
    partition_by: str | None = None
    partition_of: str | None = None
    for_values: str | None = None
    inherits: Names = ()
    of_type: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)
    access_method: str | None = None
    tablespace: str | None = None
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: Literal["default", "full", "nothing", "index"] = "default"


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path)


def _alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    relation = _relation(entry)
    return Statement(f"ALTER TABLE {relation} {action}", on(relation, mode), **more)


def _logged(old: Entry, new: Entry) -> Iterable[Statement]:
    hazards = (Hazard(HazardCode.TABLE_REWRITE, new.id, "the table is written anew"),)
    yield _alter(
        new, "SET UNLOGGED" if new.state.unlogged else "SET LOGGED", cost=Cost.REWRITE, hazards=hazards
    )


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    for action, _ in option_actions(old.state.options, new.state.options):
        yield _alter(new, action, LockMode.SHARE_UPDATE_EXCLUSIVE)


def _partition(old: Entry, new: Entry) -> Iterable[Statement]:
    relation = _relation(new)
    if old.state.partition_of:
        locks = on(old.state.partition_of) + on(relation)
        yield Statement(f"ALTER TABLE {old.state.partition_of} DETACH PARTITION {relation}", locks)
    if new.state.partition_of:
        locks = on(new.state.partition_of, LockMode.SHARE_UPDATE_EXCLUSIVE) + on(relation)
        yield Statement(
            f"ALTER TABLE {new.state.partition_of} ATTACH PARTITION {relation} {new.state.bound}",
            locks,
            (Hazard(HazardCode.MAY_FAIL, new.id, "rows outside the bound make it fail"),),
            cost=Cost.SCAN,
        )


def _bound(old: Entry, new: Entry) -> Iterable[Statement]:
    return _partition(old, new) if old.state.partition_of == new.state.partition_of else ()


def _inherits(old: Entry, new: Entry) -> Iterable[Statement]:
    for parent in old.state.inherits:
        if parent not in new.state.inherits:
            yield _alter(new, f"NO INHERIT {parent}")
    for parent in new.state.inherits:
        if parent not in old.state.inherits:
            yield _alter(new, f"INHERIT {parent}")


def _of_type(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"OF {new.state.of_type}" if new.state.of_type else "NOT OF")


def _row_security(old: Entry | None, new: Entry) -> Iterable[Statement]:
    verb = "ENABLE" if new.state.row_security else "DISABLE"
    message = f"row-level security: {verb.lower()}d"
    yield _alter(
        new, f"{verb} ROW LEVEL SECURITY", hazards=(Hazard(HazardCode.ACCESS_CHANGE, new.id, message),)
    )


def _force(old: Entry | None, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"{'' if new.state.force_row_security else 'NO '}FORCE ROW LEVEL SECURITY")


def _replica_identity(old: Entry | None, new: Entry) -> Iterable[Statement]:
    # "index" is said by the index that serves: it must exist first.
    if new.state.replica_identity != "index":
        yield _alter(new, f"REPLICA IDENTITY {new.state.replica_identity.upper()}")


def _access_method(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"SET ACCESS METHOD {quote(new.state.access_method or 'heap')}", cost=Cost.REWRITE)


def _tablespace(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"SET TABLESPACE {quote(new.state.tablespace or 'pg_default')}", cost=Cost.REWRITE)


class Table(Kind[TableState]):
    """A table, partitioned table or partition."""

    name = "table"
    section = "tables"
    nested_section = "partitions"
    state = TableState
    document = TableDocument
    rank = 30
    holds_data = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "unlogged": InPlace(_logged),
        "partition_key": Recreate("a partition key cannot be altered"),
        "partition_of": InPlace(_partition),
        "bound": InPlace(_bound),
        "inherits": InPlace(_inherits),
        "of_type": InPlace(_of_type),
        "options": InPlace(_options),
        "access_method": InPlace(_access_method),
        "tablespace": InPlace(_tablespace),
        "row_security": InPlace(_row_security),
        "force_row_security": InPlace(_force),
        "replica_identity": InPlace(_replica_identity),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                ARRAY['pg_type/' || c.reltype || '/0', 'pg_type/' || t.typarray || '/0'] AS also,
                CASE WHEN c.relispartition THEN (
                    SELECT 'pg_class/' || i.inhparent || '/0' FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
                END AS parent,
                c.relpersistence = 'u' AS unlogged,
                pg_catalog.pg_get_partkeydef(c.oid) AS partition_key,
                CASE WHEN c.relispartition THEN (
                    SELECT i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
                END AS partition_of,
                pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
                CASE WHEN c.relispartition THEN '{}' ELSE ARRAY(
                    SELECT i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i
                    WHERE i.inhrelid = c.oid ORDER BY i.inhseqno)
                END AS inherits,
                CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END AS of_type,
                ARRAY(
                    SELECT o FROM (
                        SELECT pg_catalog.unnest(c.reloptions) AS o
                        UNION ALL SELECT 'toast.' || pg_catalog.unnest(toast.reloptions)) AS u
                    ORDER BY o COLLATE "C") AS options,
                nullif(am.amname, 'heap') AS access_method,
                s.spcname AS tablespace,
                c.relrowsecurity AS row_security,
                c.relforcerowsecurity AS force_row_security,
                CASE c.relreplident WHEN 'd' THEN 'default' WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing'
                    ELSE 'index' END AS replica_identity
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
            LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
            LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
            WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""

    def declare(self, name: str, document: TableDocument, nest: Nest) -> Iterable[Declared]:
        schema, table = in_schema(name, nest.schema)
        parent = nest.parent
        if parent is None and document.partition_of:
            parent = ObjectId("table", in_schema(document.partition_of, nest.schema))
        if parent is not None and document.for_values is None:
            raise ValueError('a partition needs `for_values`, such as "FROM (1) TO (10)" or "DEFAULT"')
        state = TableState(
            unlogged=document.unlogged,
            partition_key=document.partition_by,
            partition_of=qualified(*parent.path) if parent else None,
            bound=_bound_text(document.for_values) if document.for_values else None,
            inherits=tuple(qualified(*in_schema(other, nest.schema)) for other in document.inherits),
            of_type=document.of_type,
            options=options_from(document.options),
            access_method=document.access_method,
            tablespace=document.tablespace,
            row_security=document.row_security,
            force_row_security=document.force_row_security,
            replica_identity=document.replica_identity,
        )
        needs = {ObjectId("table", in_schema(other, nest.schema)) for other in document.inherits}
        if parent:
            needs.add(parent)
        yield Declared(ObjectId("table", (schema, table)), state, parent, frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: TableState = entry.state
        bound = state.bound.removeprefix("FOR VALUES ") if state.bound else None
        data = without_defaults(
            {
                "unlogged": state.unlogged,
                "partition_by": state.partition_key,
                "for_values": bound,
                "inherits": [written_path(split_name(parent), home) for parent in state.inherits],
                "of_type": state.of_type,
                "options": options_to(state.options),
                "access_method": state.access_method,
                "tablespace": state.tablespace,
                "row_security": state.row_security,
                "force_row_security": state.force_row_security,
                "replica_identity": state.replica_identity if state.replica_identity != "default" else None,
            }
        )
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: TableState = entry.state
        inside = ",\n".join(f"    {clause}" for clause in clauses)
        body = f" (\n{inside}\n)" if clauses else ""
        parts = [f"CREATE {'UNLOGGED ' if state.unlogged else ''}TABLE {_relation(entry)}"]
        if state.partition_of:
            parts.append(f"PARTITION OF {state.partition_of}{body} {state.bound}")
        elif state.of_type:
            parts.append(f"OF {state.of_type}{body}")
        else:
            parts[0] += body or " ()"
        if state.inherits:
            parts.append(f"INHERITS ({', '.join(state.inherits)})")
        if state.partition_key:
            parts.append(f"PARTITION BY {state.partition_key}")
        if state.access_method:
            parts.append(f"USING {quote(state.access_method)}")
        if state.options:
            parts.append(f"WITH ({options_sql(state.options)})")
        if state.tablespace:
            parts.append(f"TABLESPACE {quote(state.tablespace)}")
        yield Statement(" ".join(parts), on(state.partition_of) if state.partition_of else ())
        if entry.state.row_security:
            yield from _row_security(None, entry)
        if entry.state.force_row_security:
            yield from _force(None, entry)
        if entry.state.replica_identity != "default":
            yield from _replica_identity(None, entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        message = f"drops table {'.'.join(entry.id.path)} and its rows"
        yield Statement(f"DROP TABLE {relation}", on(relation), data_loss(entry.id, message))

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)
        yield ("type", *entry.id.path)

    def resemblance(self, entry: Entry) -> object | None:
        return None if entry.parent else ("table", entry.id.path[0])


def _bound_text(text: str) -> str:
    stripped = text.strip()
    if stripped.upper() == "DEFAULT":
        return "DEFAULT"
    return stripped if stripped.upper().startswith("FOR VALUES") else f"FOR VALUES {stripped}"
