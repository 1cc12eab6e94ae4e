"""Columns (manual: CREATE TABLE, ALTER TABLE)."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId, bare_name, literal, qualified, quote, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement, application_break, data_loss
from reconciler.kinds.column.alteration import (
    alter_table,
    is_foreign,
    name_of,
    set_compression,
    set_options,
    set_statistics,
    set_storage,
    settings,
)
from reconciler.kinds.column.documents import ColumnDocument, declared_state, in_full, written
from reconciler.kinds.column.generated import (
    drop_expression,
    generated_clause,
    set_expression,
    why_generated_stays,
)
from reconciler.kinds.column.identity import (
    change_identity,
    change_identity_options,
    counter_of,
    identity_clause,
    position_asked,
    rename_sequence,
    sequence_names,
)
from reconciler.kinds.column.not_null import (
    add_not_null,
    change_not_null,
    change_not_null_itself,
    not_null_clause,
    rename_not_null,
    with_fixed_name,
    with_name_of_ancestor,
    with_own_name,
)
from reconciler.kinds.column.query import COLUMNS
from reconciler.kinds.column.retype import CAST_PATH, GUESS, recollate, retype
from reconciler.kinds.column.state import ColumnState


class Column(Kind[ColumnState]):
    """A column of a table."""

    name = "column"
    text_name_parts = 2
    is_local = True
    section = "columns"
    parents = ("table", "foreign_table")
    state = ColumnState
    document = Annotated[ColumnDocument, BeforeValidator(in_full)]
    rank = 31
    folds_into = ("table", "foreign_table")
    is_structural = True
    is_required_in_children = True
    holds_data = True
    child_specific_fields = frozenset({"not_null", "storage", "statistics"})
    rules: ClassVar[Mapping[str, Rule]] = {
        "type": InPlace(retype, Disturbance.RETYPED),
        "collation": InPlace(recollate, Disturbance.RETYPED),
        "generated": InPlace(drop_expression, unless=why_generated_stays),
        "expression": InPlace(set_expression, unless=why_generated_stays),
        "not_null": InPlace(change_not_null),
        "not_null_name": InPlace(change_not_null_itself),
        "not_null_flags": InPlace(change_not_null_itself),
        "identity": InPlace(change_identity),
        "identity_options": InPlace(change_identity_options),
        "storage": InPlace(set_storage),
        "compression": InPlace(set_compression),
        "statistics": InPlace(set_statistics),
        "options": InPlace(set_options),
        "inherited": Ignored("PostgreSQL decides it when the table is made, and no statement alters it"),
        "not_null_called": Ignored("a name that can be altered is in `not_null_name`"),
        "not_null_fixed": Ignored("it follows from the tables that inherit"),
        "not_null_as_usual": Ignored("it follows from the name"),
        "position": Ignored("the order of existing columns is never rebuilt"),
        "type_storage": Ignored("a fact about the type"),
        "using": Ignored("how to get there, not where to be"),
        "is_guess": Ignored("how to get there, not where to be"),
        "stands_past": Ignored("where a sequence stands is data"),
        "position_in": Ignored("how to get there, not where to be"),
        "takes_expression": Ignored("a fact about the server and the table"),
        "written_anew": Ignored("it follows from the type and the default"),
        "keyed_in": Ignored("it follows from the partition key"),
    }

    def inherited_form(self, entry: Entry, carrier: Entry) -> Entry:
        # CREATE TABLE takes over neither the statistics target nor n_distinct.
        altered = self.altered_along(entry, carrier)
        state = dataclasses.replace(altered.state, statistics=None, options=())
        return dataclasses.replace(entry, state=state)

    def altered_along(self, entry: Entry, carrier: Entry) -> Entry:
        # An inherited NOT NULL has the parent's name, and an identity stays the parent's.
        name = entry.state.not_null_name
        state = dataclasses.replace(carrier.state, not_null_name=name, identity=None, identity_options=())
        return dataclasses.replace(entry, state=state)

    def beside_ancestors(self, entry: Entry, above: Sequence[Entry]) -> Entry:
        # Below 16 an heir may not say what makes an inherited column, and has it from the ancestor.
        made = {(other.state.generated, other.state.expression) for other in above}
        if made != {(entry.state.generated, entry.state.expression)}:
            return entry
        return dataclasses.replace(
            entry, state=dataclasses.replace(entry.state, generated=None, expression=None)
        )

    def is_inherited(self, entry: Entry) -> bool:
        return bool(entry.state.inherited)

    def as_live(self, cloned: Entry, live: Entry) -> Entry:
        return with_fixed_name(cloned, live)

    def after_detach(self, entry: Entry) -> Entry:
        return with_own_name(entry)

    def before_attach(self, old: Entry, new: Entry, ancestor: Entry) -> Entry:
        return with_name_of_ancestor(old, new, ancestor)

    def query(self, major: int) -> LiteralString:
        return COLUMNS

    def declare(self, name: str, document: ColumnDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        yield Declared(
            nest.parent.child("column", bare_name(name)),
            declared_state(document, nest.parent.path[0], nest.position),
            nest.parent,
            former_names=document.transition.former_names,
            not_renamed=document.transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[2]), written(entry.state, entry.id.path[0])

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"type": short}

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: ColumnState = entry.state
        parts = [name_of(entry), state.type]
        if state.collation:
            parts.append(f"COLLATE {state.collation}")
        if state.generated:
            parts.append(generated_clause(state))
        if state.identity:
            parts.append(identity_clause(state))
        parts.extend(clauses)
        if state.not_null and "not valid" not in state.not_null_flags:
            parts.append(not_null_clause(entry))
        return " ".join(parts)

    def after_clause(self, entry: Entry) -> Iterable[Statement]:
        if "not valid" in entry.state.not_null_flags:
            yield add_not_null(entry)
        yield from settings(entry)

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        if old is None or old.state.type != new.state.type:
            return True
        return new.state.generated is not None and old.state != new.state

    def reads_indexes(self, old: Entry | None, new: Entry) -> bool:
        return old is not None or new.state.generated == "stored" or bool(new.state.written_anew)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ColumnState = entry.state
        hazards: tuple[Hazard, ...] = ()
        if state.not_null and not (clauses or state.identity or state.generated or is_foreign(entry)):
            message = "there is no default for existing rows: it fails on a table that holds any"
            hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, message),)
        cost = Cost.INSTANT
        if not is_foreign(entry) and (state.identity or state.generated == "stored" or state.written_anew):
            cost = Cost.REWRITE
            hazards += (Hazard(HazardCode.TABLE_REWRITE, entry.id, "every row is written anew"),)
        yield alter_table(entry, f"ADD COLUMN {self.clause(entry, clauses)}", hazards=hazards, cost=cost)
        yield from self.after_clause(entry)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        return sequence_names(entry)

    def altered_with_carrier(self, field: str, new: Entry) -> bool:
        # A partition can hold a NOT NULL of its own, which outlives the parent's.
        return field not in ("compression", "options") and (field != "not_null" or new.state.not_null)

    def is_taken_over(self, field: str, new: Entry) -> bool:
        return field == "not_null" and bool(new.state.not_null)

    def reparses(self, entry: Entry) -> bool:
        return entry.state.generated is not None

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        # PostgreSQL refuses to retype a column that a generated column is made of.
        return disturbance is Disturbance.RETYPED and entry.state.generated is not None

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield _dropped(entry)

    def drop_only(self, entry: Entry) -> Iterable[Statement]:
        if entry.state.not_null_called:  # else 18 takes what heirs have of it for inherited ever after
            yield alter_table(entry, f"ALTER COLUMN {name_of(entry)} DROP NOT NULL", "ONLY ")
        yield _dropped(entry, "ONLY ")

    def rename_signature(self, entry: Entry) -> object | None:
        return None if entry.state.generated else (entry.parent, entry.state.type)

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        hazards = application_break(old.id, f"say {old.id.path[2]}")
        yield alter_table(old, f"RENAME COLUMN {name_of(old)} TO {quote(name)}", hazards=hazards)
        yield from _renamed_parts(old, old.id.path[1], name)

    def rename_with_parent(
        self, old: Entry, table: str, declared: Container[ObjectId]
    ) -> Iterable[Statement]:
        return _renamed_parts(old, table, old.id.path[2])

    def move_to_type(
        self, old: Entry, new: Entry, replaced: ObjectId, stand_ins: Mapping[str, str]
    ) -> Iterable[Statement] | None:
        before, after = (state.type.removesuffix("[]") for state in (old.state, new.state))
        if new.state.using is None and after in (before, qualified(*replaced.path)):
            using = _through_text(quote(new.id.path[2]), new.state.type, stand_ins)
            new = dataclasses.replace(new, state=dataclasses.replace(new.state, using=using))
        return retype(old, new)

    def says_how(self, entry: Entry) -> bool:
        return entry.state.using is not None

    def stale_content(self, entry: Entry) -> str | None:
        if entry.state.generated != "stored":
            return None
        return "values stay until the columns are written that they are worked out from: UPDATE ... SET"

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        if old is None or is_foreign(new):
            return None
        if old.state.type == new.state.type or new.state.using:
            return position_asked(old, new)
        return CAST_PATH, {"old": old.state.type, "new": new.state.type}

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        if answer in ("within", "past"):
            state = dataclasses.replace(new.state, stands_past=answer == "past")
            return dataclasses.replace(new, state=state)
        return _with_using(new, answer) if answer else new

    def counter(self, entry: Entry) -> tuple[str, ...] | None:
        return counter_of(entry) if entry.state.identity else None

    def keeping_position(self, entry: Entry, store: str) -> Entry:
        return dataclasses.replace(entry, state=dataclasses.replace(entry.state, position_in=store))


def _dropped(entry: Entry, only: str = "") -> Statement:
    message = f"drops column {'.'.join(entry.id.path)} and its values"
    hazards = () if entry.state.generated or is_foreign(entry) else data_loss(entry.id, message)
    return alter_table(entry, f"DROP COLUMN {name_of(entry)}", only, hazards=hazards)


def _renamed_parts(old: Entry, table: str, column: str) -> Iterable[Statement]:
    """Its NOT NULL and the sequence of its identity after the table's or its own new name."""
    if old.state.not_null_as_usual:
        yield from rename_not_null(old, table, column)
    yield from rename_sequence(old, table, column)


def _with_using(entry: Entry, casts: str) -> Entry:
    """The column with `casts` (`::text::app.mood`) as the way for its old values."""
    is_guess = casts.startswith(GUESS)
    using = name_of(entry) + casts.removeprefix(GUESS)
    state = dataclasses.replace(entry.state, using=using, is_guess=is_guess)
    return dataclasses.replace(entry, state=state)


def _through_text(column: str, type_name: str, stand_ins: Mapping[str, str]) -> str:
    """The value as text, its stand-in where it has one, and back."""
    is_array = type_name.endswith("[]")
    value = f"{column}::{'text[]' if is_array else 'text'}"
    if is_array:
        for gone, stand_in in sorted(stand_ins.items()):
            value = f"pg_catalog.array_replace({value}, {literal(gone)}, {literal(stand_in)})"
        return f"{value}::{type_name}"
    if not stand_ins:
        return f"{value}::{type_name}"
    cases = " ".join(f"WHEN {literal(gone)} THEN {literal(to)}" for gone, to in sorted(stand_ins.items()))
    return f"(CASE {value} {cases} ELSE {value} END)::{type_name}"
