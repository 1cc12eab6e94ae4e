"""What primary keys and unique constraints share: columns and a unique index (manual: CREATE TABLE)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.constraint import (
    add_index_constraint,
    bare_names,
    chosen_name,
    column_list,
    deferral,
    drop_constraint,
    name_of,
    rename_constraint,
    shortened,
)
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Names, without_defaults
from reconciler.core.ident import written_bare
from reconciler.core.index_attributes import (
    ATTRIBUTE_RULES,
    ATTRIBUTES,
    FROM_INDEX,
    attach_index,
    index_parameters,
    index_roles,
    settle_index,
)
from reconciler.core.index_document import IndexedDocument, attributes_from, attributes_to
from reconciler.core.kind import Ignored, Kind, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class KeyState:
    """A primary key or unique constraint with its index."""

    columns: tuple[str, ...]
    without_overlaps: bool = False
    """The last column is a range that must not overlap (18)."""
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    options: tuple[str, ...] = ()
    options_order: tuple[str, ...] = field(default=(), compare=False)
    """The options as they were given."""
    tablespace: str | None = None
    clustered: bool = False
    replica_identity: bool = False
    only: bool = False
    """On a partitioned table: some partition has no such index yet."""
    partitioned: bool = field(default=False, compare=False)
    own_columns: tuple[str, ...] = field(default=(), compare=False)
    lent: bool = field(default=False, compare=False)
    """Its index is part of the partitioned table's plain index. PostgreSQL drops neither before the other."""


class KeyDocument(IndexedDocument):
    """`[id]`, or a mapping where more is said."""

    columns: Names
    without_overlaps: bool = False
    deferrable: bool = False
    initially_deferred: bool = False


class KeyConstraint(Kind[KeyState]):
    """Base of the two kinds."""

    parents = ("table",)
    is_attachable = True
    state = KeyState
    folds_into = ("table",)
    letter: ClassVar[LiteralString]
    """pg_constraint.contype."""
    words: ClassVar[str]
    """What SQL calls it."""
    suffix: ClassVar[str]
    """The end of the name that PostgreSQL chooses."""
    rules: ClassVar[Mapping[str, Rule]] = {
        "columns": Recreate("the columns of a constraint cannot be altered"),
        "without_overlaps": Recreate("an index either orders or finds overlaps"),
        "nulls_not_distinct": Recreate("whether nulls are distinct is built into the index"),
        "deferrable": Recreate("only a foreign key's deferrability can be altered"),
        "initially_deferred": Recreate("only a foreign key's deferrability can be altered"),
        **ATTRIBUTE_RULES,
        "lent": Ignored("it follows from the partitioned table's index"),
    }

    def default_name(self, table: str, columns: Iterable[str]) -> str:
        """The name that PostgreSQL chooses where none is given: a primary key's leaves the columns out."""
        return chosen_name(table, () if self.suffix == "pkey" else columns, self.suffix)

    def query(self, major: int) -> LiteralString:
        distinct: LiteralString = "i.indnullsnotdistinct" if major >= 15 else "false"
        period: LiteralString = "k.conperiod" if major >= 18 else "false"
        head: LiteralString = """
            SELECT 'pg_constraint/' || k.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, k.conname]::text[] AS path,
                ARRAY['pg_class/' || i.indexrelid || '/0'] AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                ARRAY(SELECT a.attname::text
                    FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS u (attnum, n)
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                    WHERE u.n <= i.indnkeyatts ORDER BY u.n) AS columns,
                k.condeferrable AS deferrable,
                k.condeferred AS initially_deferred,
                CASE WHEN ic.relispartition THEN NOT EXISTS (
                        SELECT FROM pg_catalog.pg_inherits h
                        JOIN pg_catalog.pg_constraint pk
                            ON pk.conindid = h.inhparent AND pk.contype IN ('p', 'u', 'x')
                        WHERE h.inhrelid = i.indexrelid)
                    ELSE false END AS lent,
                """
        tail: LiteralString = """
            JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
            WHERE c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND k.contype = '"""
        return (
            head + period + " AS without_overlaps, " + distinct + " AS nulls_not_distinct,"
            + ATTRIBUTES + FROM_INDEX + tail + self.letter + "' ORDER BY n.nspname, c.relname, k.conname"
        )  # fmt: skip

    def state_of(self, document: KeyDocument, nulls_not_distinct: bool = False) -> KeyState:
        """The state that a document declares. Raises ValueError where it names no column."""
        if not document.columns:
            raise ValueError(f"a {self.words.lower()} constraint needs at least one column")
        return KeyState(
            columns=bare_names(document.columns),
            without_overlaps=document.without_overlaps,
            nulls_not_distinct=nulls_not_distinct,
            deferrable=document.deferrable or document.initially_deferred,
            initially_deferred=document.initially_deferred,
            **attributes_from(document),
        )

    def written(self, entry: Entry, name: str | None = None) -> Any:
        """The document of an entry; `name` where the document itself holds it."""
        state: KeyState = entry.state
        data = without_defaults(
            {
                "name": name,
                "columns": [written_bare(column) for column in state.columns],
                "without_overlaps": state.without_overlaps,
                "include": [written_bare(column) for column in state.include],
                "nulls_not_distinct": state.nulls_not_distinct,
                "deferrable": state.deferrable,
                "initially_deferred": state.initially_deferred,
                **attributes_to(state),
            }
        )
        return shortened(data)

    def foldable(self, entry: Entry) -> bool:
        return not entry.state.only

    def merges_with(self, entry: Entry, other: Entry) -> bool:
        # transformIndexConstraints() drops what it takes for a repetition; a primary key is never dropped.
        return isinstance(other.state, KeyState) and other.id < entry.id and _same_key(entry, other)

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: KeyState = entry.state
        words = f"{self.words} NULLS NOT DISTINCT" if state.nulls_not_distinct else self.words
        columns = column_list(state.columns) + (" WITHOUT OVERLAPS" if state.without_overlaps else "")
        return f"CONSTRAINT {name_of(entry)} {words} ({columns}){index_parameters(entry)}{deferral(state)}"

    def after_clause(self, entry: Entry) -> Iterable[Statement]:
        return settle_index(entry)

    def attach(self, entry: Entry, carrier: Entry) -> Iterable[Statement]:
        return attach_index(entry, carrier)

    def altered_with_carrier(self, field: str, new: Entry) -> bool:
        # SET TABLESPACE of a partitioned index leaves the indexes of its partitions where they are.
        return field != "tablespace"

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"columns": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield add_index_constraint(entry, self.clause(entry), self.why_it_may_fail)
        yield from self.after_clause(entry)

    @property
    def why_it_may_fail(self) -> str:
        """What in existing rows stands against it."""
        return "rows with equal values make it fail"

    def drop(self, entry: Entry) -> Iterable[Statement]:
        columns = ", ".join(entry.state.columns)
        statement = drop_constraint(entry, f"equal values in {columns} are accepted from now on")
        yield _doubtful(entry, statement) if entry.state.lent else statement

    def relaxes(self, old: KeyState, new: KeyState) -> bool:
        # Fewer columns refuse more rows.
        has_more = not set(new.columns) <= set(old.columns) or new.without_overlaps > old.without_overlaps
        return has_more or old.nulls_not_distinct > new.nulls_not_distinct

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        yield rename_constraint(old, name)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("constraint", *entry.id.path)
        yield from index_roles(entry)

    def is_part_of(self, entry: Entry, carrier: Entry) -> bool:
        names = ("columns", "without_overlaps", "include", "nulls_not_distinct")
        return all(getattr(entry.state, name) == getattr(carrier.state, name) for name in names)

    def deviates(self, entry: Entry, carrier: Entry) -> bool:
        if entry.id.kind != carrier.id.kind or entry.state != carrier.state:
            return True
        return entry.id.path[2] != self.attached_name(entry, carrier)

    def attached_name(self, entry: Entry, carrier: Entry) -> str:
        return self.default_name(entry.id.path[1], carrier.state.own_columns)


def _doubtful(entry: Entry, drop: Statement) -> Statement:
    message = (
        "its index is part of an index of the partitioned table, and PostgreSQL drops neither before the "
        "other: this fails unless the partition was detached first, by ALTER TABLE ... DETACH PARTITION"
    )
    hazard = Hazard(HazardCode.MAY_FAIL, entry.id, message)
    return dataclasses.replace(drop, hazards=(*drop.hazards, hazard))


def _same_key(one: Entry, other: Entry) -> bool:
    names = (
        "columns",
        "include",
        "without_overlaps",
        "nulls_not_distinct",
        "deferrable",
        "initially_deferred",
    )
    return all(getattr(one.state, name) == getattr(other.state, name) for name in names)
