"""Tables: ordinary, unlogged, partitioned, partitions, inheriting, typed (manual: CREATE TABLE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.fragment import as_given, options_sql
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, written_path
from reconciler.core.inheritance import INHERITANCE, in_parentheses, locks_of_parents
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement, application_break, data_loss, on
from reconciler.kinds.table.alteration import (
    alter,
    detach_referenced,
    force_row_security,
    inherit,
    leave_ancestors,
    repartition,
    set_access_method,
    set_logged,
    set_options,
    set_replica_identity,
    set_row_security,
    set_tablespace,
    set_type,
)
from reconciler.kinds.table.default_partition import asked_for, beside_default, taken_out, with_default
from reconciler.kinds.table.documents import TableDocument, declared_state, inherited_by, written
from reconciler.kinds.table.state import TableState


class Table(Kind[TableState]):
    """A table, partitioned table or partition."""

    name = "table"
    text_name_parts = 1
    is_local = True
    section = "tables"
    nested_section = "partitions"
    state = TableState
    document = TableDocument
    rank = 30
    holds_data = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "unlogged": InPlace(set_logged, Disturbance.RELOGGED),
        "partition_key": Recreate("a partition key cannot be altered"),
        "partition_of": InPlace(repartition),
        "bound": InPlace(repartition),
        "inherits": InPlace(inherit),
        "of_type": InPlace(set_type),
        "options": InPlace(set_options),
        "options_order": Ignored("the order of storage parameters says nothing"),
        "access_method": InPlace(set_access_method),
        "tablespace": InPlace(set_tablespace),
        "row_security": InPlace(set_row_security),
        "force_row_security": InPlace(force_row_security),
        "replica_identity": InPlace(set_replica_identity),
        "referenced": Ignored("it follows from foreign keys of other tables"),
        "default_beside": Ignored("it follows from the partitioned table"),
        "default_partition": Ignored("it follows from the partitioned table"),
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                ARRAY['pg_type/' || c.reltype || '/0', 'pg_type/' || t.typarray || '/0'] AS also,
                CASE WHEN c.relispartition THEN (
                    SELECT 'pg_class/' || i.inhparent || '/0' FROM pg_catalog.pg_inherits i
                    WHERE i.inhrelid = c.oid)
                END AS parent,
                c.relpersistence = 'u' AS unlogged,
                pg_catalog.pg_get_partkeydef(c.oid) AS partition_key,"""
            + INHERITANCE + """,
                CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END AS of_type,
                ARRAY(
                    SELECT o FROM (
                        SELECT pg_catalog.unnest(c.reloptions) AS o
                        UNION ALL SELECT 'toast.' || pg_catalog.unnest(toast.reloptions)) AS u
                    ORDER BY o COLLATE "C") AS options,
                coalesce(c.reloptions, '{}') || ARRAY(
                    SELECT 'toast.' || o FROM pg_catalog.unnest(toast.reloptions) WITH ORDINALITY AS u (o, n)
                    ORDER BY n) AS options_order,
                CASE WHEN c.relkind = 'p' THEN am.amname ELSE nullif(am.amname, 'heap') END AS access_method,
                s.spcname AS tablespace,
                c.relrowsecurity AS row_security,
                c.relforcerowsecurity AS force_row_security,
                CASE c.relreplident WHEN 'd' THEN 'default' WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing'
                    ELSE 'index' END AS replica_identity,
                c.relispartition AND EXISTS (
                    SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.confrelid = c.oid AND k.contype = 'f' AND k.conparentid <> 0) AS referenced,
                CASE WHEN c.relispartition THEN (
                    SELECT pg_catalog.quote_ident(dn.nspname) || '.' || pg_catalog.quote_ident(d.relname)
                    FROM pg_catalog.pg_inherits i
                    JOIN pg_catalog.pg_partitioned_table w ON w.partrelid = i.inhparent
                    JOIN pg_catalog.pg_class d ON d.oid = w.partdefid AND d.oid <> c.oid
                    JOIN pg_catalog.pg_namespace dn ON dn.oid = d.relnamespace
                    WHERE i.inhrelid = c.oid)
                END AS default_beside
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
            LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
            LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
            WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""
        )  # fmt: skip

    def declare(self, name: str, document: TableDocument, nest: Nest) -> Iterable[Declared]:
        parent = nest.parent
        if parent is None and document.partition_of:
            parent = ObjectId("table", in_schema(document.partition_of, nest.schema))
        if parent is not None and document.for_values is None:
            raise ValueError('a partition needs `for_values`, such as "FROM (1) TO (10)" or "DEFAULT"')
        inherited = inherited_by(document, nest.schema)
        needs = {ObjectId("table", other) for other in inherited}
        if parent:
            needs.add(parent)
        yield Declared(
            ObjectId("table", in_schema(name, nest.schema)),
            declared_state(document, parent.path if parent else None, inherited),
            parent,
            frozenset(needs),
            document.transition.former_names,
            document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_path(entry.id.path, home), written(entry.state, home)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: TableState = entry.state
        body = in_parentheses(clauses)
        parts = [f"CREATE {'UNLOGGED ' if state.unlogged else ''}TABLE {qualified(*entry.id.path)}"]
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
            parts.append(f"WITH ({options_sql(as_given(state))})")
        if state.tablespace:
            parts.append(f"TABLESPACE {quote(state.tablespace)}")
        yield beside_default(entry, Statement(" ".join(parts), locks_of_parents(entry)))
        if state.row_security:
            yield from set_row_security(None, entry)
        if state.force_row_security:
            yield from force_row_security(None, entry)
        if state.replica_identity != "default":
            yield from set_replica_identity(None, entry)

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        return asked_for(old, new)

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        return with_default(new, answer)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = qualified(*entry.id.path)
        if entry.state.referenced:
            yield from detach_referenced(entry)
        message = f"drops table {'.'.join(entry.id.path)} and its rows"
        dropped = Statement(f"DROP TABLE {relation}", on(relation), data_loss(entry.id, message))
        yield taken_out(entry, dropped)

    def detach(self, old: Entry, new: Entry) -> Iterable[Statement]:
        return leave_ancestors(old, new)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        hazards = application_break(old.id, f"say {'.'.join(old.id.path)}")
        yield alter(old, f"RENAME TO {quote(name)}", hazards=hazards)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)
        yield ("type", *entry.id.path)

    def rename_signature(self, entry: Entry) -> object | None:
        return None if entry.parent else ("table", entry.id.path[0])
