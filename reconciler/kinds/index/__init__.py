"""Indexes that no constraint made (manual: CREATE INDEX)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.constraint import (
    chosen_name,
    column_list,
    name_of,
    relation_of,
    short_columns,
    shortened,
)
from reconciler.core.fragment import (
    Fragment,
    Fragments,
    as_given,
    options_sql,
    without_defaults,
)
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.index_attributes import (
    ATTRIBUTE_RULES,
    ATTRIBUTES,
    ELEMENT,
    FROM_ELEMENTS,
    FROM_INDEX,
    IS_BOUND_TO_TYPES,
    STATISTICS,
    STATISTICS_RULE,
    attach_index,
    index_of,
    index_roles,
    outdated_keys,
    settle_index,
)
from reconciler.core.index_document import ExpressionIndexedDocument, attributes_from, attributes_to
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Statement, on
from reconciler.kinds.index.state import IndexState, doubts

_ATTACHED_TO: LiteralString = """CASE WHEN ic.relispartition THEN (
                    SELECT wc.relname::text FROM pg_catalog.pg_inherits h
                    JOIN pg_catalog.pg_index w ON w.indexrelid = h.inhparent
                    JOIN pg_catalog.pg_class wc ON wc.oid = w.indexrelid
                    WHERE h.inhrelid = i.indexrelid AND EXISTS (
                        SELECT FROM pg_catalog.pg_index o
                        JOIN pg_catalog.pg_class oc ON oc.oid = o.indexrelid AND oc.relam = wc.relam
                        WHERE o.indrelid = w.indrelid AND o.indexrelid <> w.indexrelid
                            AND o.indkey::text = w.indkey::text AND o.indclass::text = w.indclass::text
                            AND o.indcollation::text = w.indcollation::text
                            AND o.indisunique = w.indisunique
                            AND pg_catalog.pg_get_expr(o.indexprs, o.indrelid) IS NOT DISTINCT FROM
                                pg_catalog.pg_get_expr(w.indexprs, w.indrelid)
                            AND pg_catalog.pg_get_expr(o.indpred, o.indrelid) IS NOT DISTINCT FROM
                                pg_catalog.pg_get_expr(w.indpred, w.indrelid)))
                END"""


class IndexDocument(ExpressionIndexedDocument):
    """`users_created_at_idx: [created_at desc]`, or a mapping where more is said."""

    columns: Fragments
    unique: bool = False
    using: str = "btree"
    where: Fragment | None = None
    nulls_not_distinct: bool = False
    attached: bool | str = False


class Index(Kind[IndexState]):
    """An index; PostgreSQL builds it again by itself where a plain column changes its type."""

    name = "index"
    is_local = True
    is_attachable = True
    section = "indexes"
    parents = ("table", "materialized_view")
    state = IndexState
    document = Annotated[IndexDocument, BeforeValidator(short_columns)]
    rank = 40
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED})
    guarantee = frozenset({"columns", "unique", "where", "nulls_not_distinct"})
    rules: ClassVar[Mapping[str, Rule]] = {
        "columns": Recreate("the keys of an index cannot be altered"),
        "unique": Recreate("whether an index is unique cannot be altered"),
        "using": Recreate("the access method of an index cannot be altered"),
        "where": Recreate("the predicate of an index cannot be altered"),
        "nulls_not_distinct": Recreate("whether nulls are distinct is built into the index"),
        # It comes about by itself: whoever attaches or detaches the table, or makes or drops the partitioned
        # table's index, makes an equal index of the partition part of that, or leaves it on its own.
        "attached": InPlace(lambda old, new: ()),
        "attached_to": Ignored("PostgreSQL detaches no part of an index: it is decided when that is made"),
        "invalid": Recreate("an interrupted concurrent build left it invalid"),
        "statistics": STATISTICS_RULE,
        "bound_to_types": Ignored("it follows from the keys and the predicate"),
        **ATTRIBUTE_RULES,
    }

    def query(self, major: int) -> LiteralString:
        distinct: LiteralString = "i.indnullsnotdistinct" if major >= 15 else "false"
        return (
            """
            SELECT 'pg_class/' || i.indexrelid || '/0' AS address,
                ARRAY[n.nspname, ic.relname]::text[] AS path,
                'pg_class/' || c.oid || '/0' AS parent,
                ARRAY(SELECT """ + ELEMENT + FROM_ELEMENTS + """ ORDER BY u.n) AS columns,
                i.indisunique AS unique,
                am.amname::text AS using,
                pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS where,
                """ + distinct + """ AS nulls_not_distinct,
                ic.relispartition AS attached,
                """ + _ATTACHED_TO + """ AS attached_to,
                ic.relkind = 'i' AND NOT i.indisvalid AS invalid,
                """ + IS_BOUND_TO_TYPES + """ AS bound_to_types,"""
            + STATISTICS + "," + ATTRIBUTES + FROM_INDEX + """
            WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_constraint k
                    WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid
                        AND k.contype IN ('p', 'u', 'x'))
            ORDER BY n.nspname, ic.relname"""
        )  # fmt: skip

    def declare(self, name: str, document: IndexDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document.columns:
            raise ValueError("an index needs at least one column or expression")
        if document.nulls_not_distinct and not document.unique:
            raise ValueError("`nulls_not_distinct` says something of a unique index only")
        state = IndexState(
            columns=document.columns,
            unique=document.unique,
            using=document.using,
            where=document.where,
            nulls_not_distinct=document.nulls_not_distinct,
            **attributes_from(document),
            attached=bool(document.attached),
            attached_to=bare_name(document.attached) if isinstance(document.attached, str) else None,
        )
        yield Declared(
            ObjectId("index", (nest.parent.path[0], bare_name(name))),
            state,
            nest.parent,
            former_names=document.transition.former_names,
            not_renamed=document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: IndexState = entry.state
        data = {
            "columns": list(state.columns),
            "unique": state.unique,
            "using": state.using if state.using != "btree" else None,
            "include": [written_bare(column) for column in state.include],
            "where": state.where,
            "nulls_not_distinct": state.nulls_not_distinct,
            **attributes_to(state),
            "attached": written_bare(state.attached_to) if state.attached_to else state.attached,
        }
        return written_bare(entry.id.path[1]), shortened(without_defaults(data))

    def altered_with_carrier(self, field: str, new: Entry) -> bool:
        # SET TABLESPACE of a partitioned index leaves the indexes of its partitions where they are.
        return field != "tablespace"

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"columns": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: IndexState = entry.state
        relation = relation_of(entry)
        parts = [f"CREATE {'UNIQUE ' if state.unique else ''}INDEX {name_of(entry)}"]
        parts.append(f"ON {'ONLY ' if state.only else ''}{relation}")
        if state.using != "btree":
            parts.append(f"USING {quote(state.using)}")
        parts.append(f"({', '.join(state.columns)})")
        if state.include:
            parts.append(f"INCLUDE ({column_list(state.include)})")
        if state.nulls_not_distinct:
            parts.append("NULLS NOT DISTINCT")
        if state.options:
            parts.append(f"WITH ({options_sql(as_given(state))})")
        if state.tablespace:
            parts.append(f"TABLESPACE {quote(state.tablespace)}")
        if state.where:
            parts.append(f"WHERE {state.where}")
        hazards = tuple(Hazard(HazardCode.MAY_FAIL, entry.id, message) for message in doubts(state))
        cost = Cost.INSTANT if state.only else Cost.BUILD
        yield Statement(" ".join(parts), on(relation, LockMode.SHARE), hazards, cost=cost)
        yield from settle_index(entry)

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        return old is None

    def drop(self, entry: Entry) -> Iterable[Statement]:
        message = f"equal values in {', '.join(entry.state.columns)} are accepted from now on"
        hazards = (Hazard(HazardCode.VALIDATION_LOST, entry.id, message),) if entry.state.unique else ()
        yield Statement(f"DROP INDEX {index_of(entry)}", on(relation_of(entry)), hazards)

    def stale_content(self, entry: Entry) -> str | None:
        return outdated_keys(entry)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        locks = on(index_of(old), LockMode.SHARE_UPDATE_EXCLUSIVE)
        yield Statement(f"ALTER INDEX {index_of(old)} RENAME TO {quote(name)}", locks)

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        return disturbance in self.recreated_on and entry.state.bound_to_types

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        return index_roles(entry)

    def is_part_of(self, entry: Entry, carrier: Entry) -> bool:
        state: IndexState = entry.state
        is_meant = state.attached_to in (None, carrier.id.path[-1])
        return state.attached and is_meant and self.would_attach(carrier, entry)

    def would_attach(self, carrier: Entry, entry: Entry) -> bool:
        # Storage parameters and the like may differ; the definition may not (CompareIndexInfo).
        names = ("columns", "unique", "using", "include", "where", "nulls_not_distinct")
        own, other = entry.state, carrier.state
        return all(getattr(own, name) == getattr(other, name) for name in names)

    def inherited_form(self, entry: Entry, carrier: Entry) -> Entry:
        if entry.id.kind != carrier.id.kind:
            return carrier
        attached_to = entry.state.attached_to
        state = dataclasses.replace(carrier.state, attached=True, attached_to=attached_to)
        return dataclasses.replace(entry, state=state)

    def attach(self, entry: Entry, carrier: Entry) -> Iterable[Statement]:
        return attach_index(entry, carrier)

    def deviates(self, entry: Entry, carrier: Entry) -> bool:
        if super().deviates(entry, carrier) or entry.state.attached_to is not None:
            return True
        return entry.id.path[1] != self.attached_name(entry, carrier)

    def attached_name(self, entry: Entry, carrier: Entry) -> str:
        assert entry.parent is not None
        return chosen_name(entry.parent.path[-1], carrier.state.own_columns, "idx")
