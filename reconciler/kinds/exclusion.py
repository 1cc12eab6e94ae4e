"""Exclusion constraints (manual: CREATE TABLE, EXCLUDE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.constraint import (
    add_index_constraint,
    chosen_name,
    deferral,
    drop_constraint,
    name_of,
    rename_constraint,
)
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import (
    Fragment,
    Fragments,
    without_defaults,
)
from reconciler.core.ident import bare_name, quote, written_bare
from reconciler.core.index_attributes import (
    ATTRIBUTE_RULES,
    ATTRIBUTES,
    ELEMENT,
    FROM_ELEMENTS,
    FROM_INDEX,
    STATISTICS,
    STATISTICS_RULE,
    index_parameters,
    index_roles,
    outdated_keys,
    settle_index,
)
from reconciler.core.index_document import ExpressionIndexedDocument, attributes_from, attributes_to
from reconciler.core.kind import Declared, Disturbance, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class ExclusionState:
    """An exclusion constraint with its index."""

    elements: tuple[str, ...]
    """`room WITH =`: what is compared, and the operator that no two rows may answer true to."""
    using: str = "btree"
    where: str | None = None
    include: tuple[str, ...] = ()
    deferrable: bool = False
    initially_deferred: bool = False
    options: tuple[str, ...] = ()
    options_order: tuple[str, ...] = field(default=(), compare=False)
    """The options as they were given."""
    tablespace: str | None = None
    statistics: tuple[tuple[int, int], ...] = ()
    clustered: bool = False
    replica_identity: bool = False
    only: bool = False
    partitioned: bool = field(default=False, compare=False)
    own_columns: tuple[str, ...] = field(default=(), compare=False)


class ExclusionDocument(ExpressionIndexedDocument):
    """`no_overlap: {using: gist, elements: ["room WITH =", "during WITH &&"]}`"""

    elements: Fragments
    using: str = "btree"
    where: Fragment | None = None
    deferrable: bool = False
    initially_deferred: bool = False


class Exclusion(Kind[ExclusionState]):
    """No two rows compare true in all elements."""

    name = "exclusion"
    is_local = True
    is_attachable = True
    section = "exclusions"
    parents = ("table",)
    state = ExclusionState
    document = ExclusionDocument
    rank = 43
    folds_into = ("table",)
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED})
    guarantee = frozenset({"elements", "where"})
    rules: ClassVar[Mapping[str, Rule]] = {
        "elements": Recreate("the elements of an exclusion constraint cannot be altered"),
        "using": Recreate("the access method of an index cannot be altered"),
        "where": Recreate("the predicate of an index cannot be altered"),
        "deferrable": Recreate("only a foreign key's deferrability can be altered"),
        "initially_deferred": Recreate("only a foreign key's deferrability can be altered"),
        "statistics": STATISTICS_RULE,
        **ATTRIBUTE_RULES,
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_constraint/' || k.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, k.conname]::text[] AS path,
                ARRAY['pg_class/' || i.indexrelid || '/0'] AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                ARRAY(SELECT """ + ELEMENT + """ || ' WITH '
                        || CASE WHEN opn.nspname = 'pg_catalog' THEN op.oprname ELSE 'OPERATOR('
                            || pg_catalog.quote_ident(opn.nspname) || '.' || op.oprname || ')' END
                    """ + FROM_ELEMENTS.replace("WHERE", """
                    JOIN pg_catalog.pg_operator op ON op.oid = k.conexclop[u.n]
                    JOIN pg_catalog.pg_namespace opn ON opn.oid = op.oprnamespace
                    WHERE""") + """ ORDER BY u.n) AS elements,
                am.amname::text AS using,
                pg_catalog.pg_get_expr(i.indpred, i.indrelid) AS where,
                k.condeferrable AS deferrable,
                k.condeferred AS initially_deferred,"""
            + STATISTICS + "," + ATTRIBUTES + FROM_INDEX + """
            JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
            WHERE k.contype = 'x' AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, k.conname"""
        )  # fmt: skip

    def declare(self, name: str, document: ExclusionDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document.elements:
            raise ValueError('an exclusion constraint needs at least one element, such as "during WITH &&"')
        state = ExclusionState(
            elements=document.elements,
            using=document.using,
            where=document.where,
            deferrable=document.deferrable or document.initially_deferred,
            initially_deferred=document.initially_deferred,
            **attributes_from(document),
        )
        yield Declared(
            nest.parent.child("exclusion", bare_name(name)),
            state,
            nest.parent,
            former_names=document.transition.former_names,
            not_renamed=document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ExclusionState = entry.state
        data = {
            "using": state.using if state.using != "btree" else None,
            "elements": list(state.elements),
            "where": state.where,
            "include": [written_bare(column) for column in state.include],
            "deferrable": state.deferrable,
            "initially_deferred": state.initially_deferred,
            **attributes_to(state),
        }
        return written_bare(entry.id.path[2]), without_defaults(data)

    def foldable(self, entry: Entry) -> bool:
        return not entry.state.only

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: ExclusionState = entry.state
        where = f" WHERE ({state.where})" if state.where else ""
        return (
            f"CONSTRAINT {name_of(entry)} EXCLUDE USING {quote(state.using)} ({', '.join(state.elements)})"
            f"{index_parameters(entry)}{where}{deferral(state)}"
        )

    def after_clause(self, entry: Entry) -> Iterable[Statement]:
        return settle_index(entry)

    def altered_with_carrier(self, field: str, new: Entry) -> bool:
        # SET TABLESPACE of a partitioned index leaves the indexes of its partitions where they are.
        return field != "tablespace"

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        why = "rows that exclude one another make it fail"
        yield add_index_constraint(entry, self.clause(entry), why)
        yield from self.after_clause(entry)

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        return old is None

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield drop_constraint(entry, "rows that it kept apart are accepted from now on")

    def stale_content(self, entry: Entry) -> str | None:
        return outdated_keys(entry)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        yield rename_constraint(old, name)

    def label(self, entry: Entry) -> str:
        return f"exclusion constraint {'.'.join(entry.id.path)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("constraint", *entry.id.path)
        yield from index_roles(entry)

    def deviates(self, entry: Entry, carrier: Entry) -> bool:
        if entry.id.kind != carrier.id.kind or entry.state != carrier.state:
            return True
        return entry.id.path[2] != self.attached_name(entry, carrier)

    def attached_name(self, entry: Entry, carrier: Entry) -> str:
        return chosen_name(entry.id.path[1], carrier.state.own_columns, "excl")
