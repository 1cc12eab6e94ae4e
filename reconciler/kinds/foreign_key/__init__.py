"""Foreign keys (manual: CREATE TABLE, FOREIGN KEY)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.constraint import (
    add_constraint,
    bare_names,
    deferral,
    drop_constraint,
    name_of,
    read_reference,
    relation_of,
    rename_constraint,
    validate_constraint,
    write_reference,
)
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, without_defaults
from reconciler.core.ident import ObjectId, bare_name, qualified, quote, split_name, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, LockMode, Statement, on
from reconciler.core.transition import RenameTransition, no_transition
from reconciler.kinds.foreign_key.query import foreign_keys

Action = Literal["no action", "restrict", "cascade", "set null", "set default"]


@dataclass(frozen=True, slots=True)
class ForeignKeyState:
    """A foreign key of a table; what partitions have of it is part of it."""

    columns: tuple[str, ...]
    referenced: str
    """The referenced table as SQL writes it."""
    referenced_columns: tuple[str, ...] = ()
    """Empty only as written: the primary key."""
    on_delete: str = "no action"
    on_update: str = "no action"
    match: str = "simple"
    on_delete_columns: tuple[str, ...] = ()
    """SET NULL or SET DEFAULT touch these alone (15)."""
    deferrable: bool = False
    initially_deferred: bool = False
    not_valid: bool = False
    not_enforced: bool = False
    """Only declared (18)."""
    period: bool = False
    """The last column of either side is a range that must be covered (18)."""
    parts: tuple[tuple[str, str, str], ...] = dataclasses.field(default=(), compare=False)
    """(schema, table, name) of what partitions have of it."""


class ForeignKeyDocument(Document):
    """`users_org_id_fkey: {columns: [org_id], references: orgs(id), on_delete: cascade}`"""

    columns: Names
    references: str
    on_delete: Action = "no action"
    on_update: Action = "no action"
    match: Literal["simple", "full"] = "simple"
    on_delete_columns: Names = ()
    deferrable: bool = False
    initially_deferred: bool = False
    not_valid: bool = False
    not_enforced: bool = False
    period: bool = False
    transition: RenameTransition = Field(default_factory=no_transition)


def _both(entry: Entry, own: LockMode, referenced: LockMode) -> tuple[Lock, ...]:
    return tuple(sorted({*on(relation_of(entry), own), *on(entry.state.referenced, referenced)}))


def _alter(entry: Entry, action: str) -> str:
    return f"ALTER TABLE {relation_of(entry)} ALTER CONSTRAINT {name_of(entry)} {action}"


def _deferral(old: Entry, new: Entry) -> Iterable[Statement]:
    yield Statement(_alter(new, deferral(new.state).strip() or "NOT DEFERRABLE"), on(relation_of(new)))


def _validate(old: Entry, new: Entry) -> Iterable[Statement]:
    if not new.state.not_valid and not new.state.not_enforced:
        yield validate_constraint(new, on(new.state.referenced, LockMode.ROW_SHARE))


def _unless_valid(old: ForeignKeyState, new: ForeignKeyState) -> str | None:
    return "a constraint that is looked at in full cannot be made NOT VALID" if new.not_valid else None


def _enforcement(old: Entry, new: Entry) -> Iterable[Statement]:
    own = LockMode.ACCESS_EXCLUSIVE
    if new.state.not_enforced:
        hazards = (Hazard(HazardCode.VALIDATION_LOST, new.id, _lost(new)),)
        yield Statement(_alter(new, "NOT ENFORCED"), _both(new, own, own), hazards)
    else:
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, _WHY_IT_MAY_FAIL),)
        locks = _both(new, own, LockMode.SHARE_ROW_EXCLUSIVE)
        yield Statement(_alter(new, "ENFORCED"), locks, hazards, cost=Cost.SCAN)


_WHY_IT_MAY_FAIL = "a row that refers to nothing makes it fail"


def _lost(entry: Entry) -> str:
    return f"rows may refer to nothing in {entry.state.referenced} from now on"


def _columns(names: Sequence[str], period: bool) -> str:
    quoted = [quote(name) for name in names]
    if period and quoted:
        quoted[-1] = f"PERIOD {quoted[-1]}"
    return ", ".join(quoted)


class ForeignKey(Kind[ForeignKeyState]):
    """A reference to rows of a table. It comes after both tables, never inside a CREATE TABLE."""

    name = "foreign_key"
    is_local = True
    section = "foreign_keys"
    parents = ("table",)
    state = ForeignKeyState
    document = ForeignKeyDocument
    rank = 50
    recreated_on = frozenset({Disturbance.RETYPED})
    guarantee = frozenset({"columns", "referenced", "referenced_columns", "match", "period"})
    rules: ClassVar[Mapping[str, Rule]] = {
        "columns": Recreate("the columns of a foreign key cannot be altered"),
        "referenced": Recreate("what a foreign key refers to cannot be altered"),
        "referenced_columns": Recreate("what a foreign key refers to cannot be altered"),
        "on_delete": Recreate("the actions of a foreign key cannot be altered"),
        "on_update": Recreate("the actions of a foreign key cannot be altered"),
        "match": Recreate("the match type of a foreign key cannot be altered"),
        "on_delete_columns": Recreate("the actions of a foreign key cannot be altered"),
        "deferrable": InPlace(_deferral),
        "initially_deferred": InPlace(_deferral),
        "not_valid": InPlace(_validate, unless=_unless_valid),
        "not_enforced": InPlace(_enforcement),
        "period": Recreate("the columns of a foreign key cannot be altered"),
        "parts": Ignored("it follows from the partitions"),
    }

    def query(self, major: int) -> LiteralString:
        return foreign_keys(major)

    def declare(self, name: str, document: ForeignKeyDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        schema, table, referenced_columns = read_reference(document.references, nest.schema)
        if referenced_columns and len(referenced_columns) != len(document.columns):
            raise ValueError(f"{len(document.columns)} columns refer to {len(referenced_columns)} columns")
        state = ForeignKeyState(
            columns=bare_names(document.columns),
            referenced=qualified(schema, table),
            referenced_columns=referenced_columns,
            on_delete=document.on_delete,
            on_update=document.on_update,
            match=document.match,
            on_delete_columns=bare_names(document.on_delete_columns),
            deferrable=document.deferrable or document.initially_deferred,
            initially_deferred=document.initially_deferred,
            not_valid=document.not_valid and not document.not_enforced,
            not_enforced=document.not_enforced,
            period=document.period,
        )
        yield Declared(
            nest.parent.child("foreign_key", bare_name(name)),
            state,
            nest.parent,
            frozenset({nest.parent, ObjectId("table", (schema, table))}),
            document.transition.former_names,
            document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ForeignKeyState = entry.state
        schema, table = split_name(state.referenced)
        data = {
            "columns": [written_bare(column) for column in state.columns],
            "references": write_reference(schema, table, state.referenced_columns, home),
            "on_delete": state.on_delete if state.on_delete != "no action" else None,
            "on_update": state.on_update if state.on_update != "no action" else None,
            "match": state.match if state.match != "simple" else None,
            "on_delete_columns": [written_bare(column) for column in state.on_delete_columns],
            "deferrable": state.deferrable,
            "initially_deferred": state.initially_deferred,
            "not_valid": state.not_valid,
            "not_enforced": state.not_enforced,
            "period": state.period,
        }
        return written_bare(entry.id.path[2]), without_defaults(data)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ForeignKeyState = entry.state
        text = f"CONSTRAINT {name_of(entry)} FOREIGN KEY ({_columns(state.columns, state.period)})"
        text += f" REFERENCES {state.referenced}"
        if state.referenced_columns:
            text += f" ({_columns(state.referenced_columns, state.period)})"
        text += " MATCH FULL" if state.match == "full" else ""
        text += f" ON UPDATE {state.on_update.upper()}" if state.on_update != "no action" else ""
        text += f" ON DELETE {state.on_delete.upper()}" if state.on_delete != "no action" else ""
        text += f" ({_columns(state.on_delete_columns, False)})" if state.on_delete_columns else ""
        text += deferral(state)
        text += " NOT VALID" if state.not_valid else " NOT ENFORCED" if state.not_enforced else ""
        looks = not state.not_valid and not state.not_enforced
        why = _WHY_IT_MAY_FAIL if looks else None
        locks = _both(entry, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE)
        yield add_constraint(entry, text, why, Cost.SCAN if looks else Cost.INSTANT, locks)

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        return not new.state.not_valid and not new.state.not_enforced

    def reads_indexes(self, old: Entry | None, new: Entry) -> bool:
        return True

    def drop(self, entry: Entry) -> Iterable[Statement]:
        locks = _both(entry, LockMode.ACCESS_EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE)
        yield drop_constraint(entry, _lost(entry), locks)

    def entries_after_detach(self, entry: Entry, table: ObjectId) -> Iterable[Entry]:
        state: ForeignKeyState = entry.state
        needs = (entry.needs - {entry.parent}) | {table}
        for part in state.parts:
            if part[:2] == table.path:
                own = dataclasses.replace(state, parts=())
                yield Entry(ObjectId("foreign_key", part), own, table, needs, entry.id)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        yield rename_constraint(old, name)

    def label(self, entry: Entry) -> str:
        return f"foreign key {'.'.join(entry.id.path)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("constraint", *entry.id.path)
