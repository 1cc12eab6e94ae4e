"""Enumerated types (manual: CREATE TYPE ... AS ENUM)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core.aside import DataType
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
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


def _short(value: object) -> object:
    return {"values": value} if isinstance(value, list) else value


def _renames(old: EnumState, new: EnumState) -> dict[str, str]:
    """The declared renames that this very database has still before it."""
    gone, come = set(old.labels) - set(new.labels), set(new.labels) - set(old.labels)
    return {before: after for before, after in new.renamed if before in gone and after in come}


def _labels(old: Entry, new: Entry) -> Iterable[Statement]:
    type_name = qualified(*new.id.path)
    renames = _renames(old.state, new.state)
    for before, after in renames.items():
        hazards = application_break(new.id, f"say {before}")
        sql = f"ALTER TYPE {type_name} RENAME VALUE {literal(before)} TO {literal(after)}"
        yield Statement(sql, hazards=hazards)
    present = [renames.get(label, label) for label in old.state.labels]
    for number, label in enumerate(new.state.labels):
        if label in present[number : number + 1]:
            continue
        place = f" BEFORE {literal(present[number])}" if number < len(present) else ""
        sql = f"ALTER TYPE {type_name} ADD VALUE {literal(label)}{place}"
        yield Statement(sql, mode=Mode.COMMIT_AFTER)
        present.insert(number, label)


def _unless(old: EnumState, new: EnumState) -> str | None:
    renames = _renames(old, new)
    present = [renames.get(label, label) for label in old.labels]
    gone = [label for label in present if label not in new.labels]
    if gone:
        return f"PostgreSQL cannot remove a label of an enum: {', '.join(gone)}"
    if [label for label in new.labels if label in present] != present:
        return "PostgreSQL cannot change the order of an enum's labels"
    return None


class Enum(DataType[EnumState]):
    """An enumerated type."""

    name = "enum"
    said_as = 1
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

    def in_full(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"values": short}

    def stand_ins(self, entry: Entry) -> Mapping[str, str]:
        return dict(entry.state.removed)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        labels = ", ".join(map(literal, entry.state.labels))
        yield Statement(f"CREATE TYPE {qualified(*entry.id.path)} AS ENUM ({labels})")
