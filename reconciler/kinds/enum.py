"""Enumerated types (manual: CREATE TYPE ... AS ENUM)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core.aside import DataType
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.fragment import Document, Names
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, written_path
from reconciler.core.kind import Declared, Ignored, InPlace, Nest, Rule
from reconciler.core.statement import Mode, Statement, application_break
from reconciler.core.transition import RenameTransition


@dataclass(frozen=True, slots=True)
class EnumState:
    """The labels in their sort order."""

    labels: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)
    """(former, present) labels, as the YAML's transition says."""
    removed: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)
    """(removed, its stand-in) labels: what rows that hold a removed label shall hold."""


class Removed(Document):
    """`removed: {team_lead: {map_to: team_member}}`"""

    map_to: str


class EnumTransition(RenameTransition):
    """How to get there from what was: inert once the database is there."""

    renamed: dict[str, str] = Field(default_factory=dict)
    removed: dict[str, Removed] = Field(default_factory=dict)


class EnumDocument(Document):
    """`user_type: [customer, partner]`, or with `values:` where more is said."""

    values: Names = ()
    transition: EnumTransition | None = None


def _refuse_circle(renamed: Mapping[str, str]) -> None:
    """Raise ValueError where labels exchange their names: afterwards nobody can tell that it was done."""
    for start in renamed:
        label = renamed[start]
        for _ in renamed:
            if label == start:
                raise ValueError(
                    f"the label {start} is renamed to itself in the end, and whether that was done cannot be "
                    "told: rename one label to a third name first, in a plan of its own"
                )
            if label not in renamed:
                break
            label = renamed[label]


def _short(value: object) -> object:
    return {"values": value} if isinstance(value, list) else value


def _pending(labels: Iterable[str], renamed: Mapping[str, str]) -> dict[str, str]:
    """The declared renames that a type with these labels still lacks, in an order in which each is possible.

    A rename is done, and says nothing, once its new label exists and is not about to be renamed itself.
    """
    present = set(labels)
    ordered: dict[str, str] = {}
    # From the end of each chain: of `low: mid, mid: high` the second goes first.
    waiting = dict(renamed)
    while ready := [before for before, after in waiting.items() if after not in waiting]:
        for before in ready:
            after = waiting.pop(before)
            if before in present and after not in present:
                ordered[before] = after
                present = present - {before} | {after}
    return ordered


def _merged(old: EnumState, new: EnumState) -> Iterable[tuple[str, str]]:
    """Labels that are declared as renamed to one that exists beside them, and are not declared any more."""
    pending = _pending(old.labels, dict(new.renamed))
    removed = {label for label, _ in new.removed}
    for before, after in new.renamed:
        is_left = before in old.labels and before not in new.labels and before not in removed
        if is_left and before not in pending and after in old.labels:
            yield before, after


def _labels(old: Entry, new: Entry) -> Iterable[Statement]:
    type_name = qualified(*new.id.path)
    present = list(old.state.labels)
    for number, label in enumerate(new.state.labels):
        if label in present[number : number + 1]:
            continue
        place = f" BEFORE {literal(present[number])}" if number < len(present) else ""
        sql = f"ALTER TYPE {type_name} ADD VALUE {literal(label)}{place}"
        yield Statement(sql, mode=Mode.COMMIT_AFTER)
        present.insert(number, label)


def _unless(old: EnumState, new: EnumState) -> str | None:
    gone = [label for label in old.labels if label not in new.labels]
    if gone:
        return f"PostgreSQL cannot remove a label of an enum: {', '.join(gone)}"
    if [label for label in new.labels if label in old.labels] != list(old.labels):
        return "PostgreSQL cannot change the order of an enum's labels"
    return None


class Enum(DataType[EnumState]):
    """An enumerated type."""

    name = "enum"
    text_name_parts = 1
    is_ambient = True
    is_local = True
    section = "enums"
    state = EnumState
    document = Annotated[EnumDocument, BeforeValidator(_short)]
    rank = 10
    rules: ClassVar[Mapping[str, Rule]] = {
        "labels": InPlace(_labels, unless=_unless),
        "renamed": Ignored("how to get there, not where to be"),
        "removed": Ignored("how to get there, not where to be"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_type/' || t.oid || '/0' AS address, ARRAY[n.nspname, t.typname]::text[] AS path,
                ARRAY['pg_type/' || t.typarray || '/0'] AS also,
                ARRAY(
                    SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid
                    ORDER BY e.enumsortorder) AS labels
            FROM pg_catalog.pg_type t
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            WHERE t.typtype = 'e' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, t.typname"""

    def declare(self, name: str, document: EnumDocument, nest: Nest) -> Iterable[Declared]:
        twice = sorted({label for label in document.values if document.values.count(label) > 1})
        if twice:
            raise ValueError(f"a label stands twice: {', '.join(twice)}")
        transition = document.transition or EnumTransition()
        _refuse_circle(transition.renamed)
        twice = sorted(label for label, times in Counter(transition.renamed.values()).items() if times > 1)
        if twice:
            raise ValueError(
                f"two labels are renamed to {', '.join(twice)}: rename one, and map the other under `removed`"
            )
        for label, stand_in in transition.removed.items():
            if stand_in.map_to not in document.values:
                raise ValueError(f"{label} is mapped to {stand_in.map_to}, which is none of the labels")
        yield Declared(
            ObjectId("enum", in_schema(name, nest.schema)),
            EnumState(
                document.values,
                renamed=tuple(transition.renamed.items()),
                removed=tuple((label, other.map_to) for label, other in transition.removed.items()),
            ),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_path(entry.id.path, home), list(entry.state.labels)

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"values": short}

    def inner_renames(self, old: Entry, new: Entry) -> Iterable[tuple[str, Statement]]:
        for before, after in _merged(old.state, new.state):
            raise Blocked(
                f"{self.label(old)}: label {before} cannot be renamed to {after}, which exists beside it",
                hint=f"to turn one into the other, map it under `removed`: {before}: {{map_to: {after}}}",
            )
        for before, after in _pending(old.state.labels, dict(new.state.renamed)).items():
            sql = f"ALTER TYPE {qualified(*old.id.path)} RENAME VALUE {literal(before)} TO {literal(after)}"
            yield (
                f"label: {before} → {after}",
                Statement(sql, hazards=application_break(new.id, f"say {before}")),
            )

    def replaced_values(self, entry: Entry) -> Mapping[str, str]:
        return dict(entry.state.removed)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        labels = ", ".join(map(literal, entry.state.labels))
        yield Statement(f"CREATE TYPE {qualified(*entry.id.path)} AS ENUM ({labels})")
