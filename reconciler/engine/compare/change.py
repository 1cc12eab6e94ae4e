"""What can happen to an object, and what is known while that is found out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import field

from reconciler.core.catalog import Catalog, Entry, compared
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance, InPlace, Recreate
from reconciler.core.statement import Statement
from reconciler.engine.compare.stand_ins import stand_ins_of
from reconciler.engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Create:
    """Declared, and not there."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Drop:
    """There, and not declared."""

    entry: Entry
    implied: bool = False
    """True where it comes into being inside this plan (default privileges)."""
    alone: bool = False
    """True where tables that inherit keep what they have of it."""


@dataclass(frozen=True, slots=True)
class Alter:
    """There in another state; ALTER can change it."""

    old: Entry
    new: Entry
    fields: tuple[str, ...]
    implied: bool = False
    """True where the old state comes into being inside this plan (default privileges)."""


@dataclass(frozen=True, slots=True)
class Replace:
    """There, dropped and made again: itself changed, or gives way to something that does."""

    old: Entry
    new: Entry
    because: str
    aside: bool = False
    """True where the old object is renamed and dropped only when everything has moved to the new one."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Stays, and moves from the renamed type to the new one of the same name."""

    old: Entry
    new: Entry
    replaced: ObjectId


@dataclass(frozen=True, slots=True)
class Rename:
    """The same object under another name: part of a partitioned table's index, so it cannot be dropped."""

    old: Entry
    new: Entry


Change = Create | Drop | Alter | Replace | Follow | Rename


@dataclass
class Work:
    """The changes found so far between two catalogs, and those whose effects are still to be followed."""

    current: Catalog
    desired: Catalog
    registry: Registry
    surroundings: tuple[Entry, ...]
    ownership: bool
    changes: dict[ObjectId, Change] = field(default_factory=dict)
    queue: list[ObjectId] = field(default_factory=list)

    def put(self, id: ObjectId, change: Change) -> None:
        """Note a change and that others may have to follow it."""
        self.changes[id] = change
        self.queue.append(id)


def old_of(change: Change) -> Entry:
    """The entry before the change; a creation has none."""
    assert not isinstance(change, Create)
    return change.entry if isinstance(change, Drop) else change.old


def new_of(change: Change) -> Entry:
    """The entry after the change; a drop has none."""
    assert not isinstance(change, Drop)
    return change.entry if isinstance(change, Create) else change.new


def is_implied(change: Change) -> bool:
    """Whether what changes comes into being inside this plan."""
    return isinstance(change, Alter | Drop) and change.implied


def differing(old: Entry, new: Entry) -> tuple[str, ...]:
    """The compared fields in which two states of one kind differ."""
    return tuple(name for name, value in compared(new.state) if getattr(old.state, name) != value)


def why_replaced(old: Entry, new: Entry, fields: Iterable[str], registry: Registry) -> str | None:
    """Why only DROP and CREATE make one state of those that differ in these fields; None where ALTER can."""
    rules = registry.of(new).rules
    for name in fields:
        rule = rules[name]
        if isinstance(rule, Recreate):
            return rule.why
        if isinstance(rule, InPlace) and rule.unless is not None:
            why = rule.unless(old.state, new.state)
            if why is not None:
                return why
    return None


def disturbances_of(change: Alter, registry: Registry) -> frozenset[Disturbance]:
    """What an alteration can do to those that depend on the object."""
    rules = registry.of(change.new).rules
    return frozenset(
        rule.disturbs
        for name in change.fields
        if isinstance(rule := rules[name], InPlace) and rule.disturbs is not None
    )


def beside_type(change: Follow, registry: Registry) -> Alter:
    """What is altered of an object that moves to a new type, beside that."""
    rules = registry.of(change.new).rules
    fields = [
        name
        for name in differing(change.old, change.new)
        if isinstance(rule := rules[name], InPlace) and rule.disturbs is not Disturbance.RETYPED
    ]
    return Alter(change.old, change.new, tuple(fields))


def alteration(change: Alter | Follow, desired: Catalog, registry: Registry) -> tuple[Statement, ...]:
    """The statements that alter an object: those of an Alter in the order of the kind's rules, each once."""
    kind = registry.of(change.new)
    statements: dict[Statement, None] = {}
    if isinstance(change, Follow):
        stand_ins = stand_ins_of(change.replaced, desired, registry)
        moved = kind.move_to_type(change.old, change.new, change.replaced, stand_ins)
        statements.update(dict.fromkeys(moved or ()))
        change = beside_type(change, registry)
    for name, rule in kind.rules.items():
        if name in change.fields and isinstance(rule, InPlace):
            statements.update(dict.fromkeys(rule.render(change.old, change.new)))
    return tuple(statements)


def with_answers(
    changes: Mapping[ObjectId, Change], answers: Mapping[ObjectId, Entry]
) -> dict[ObjectId, Change]:
    """The changes with the desired entries that the server's answers completed."""
    completed = dict(changes)
    for id, answer in answers.items():
        match changes[id]:
            case Create() as change:
                completed[id] = dataclasses.replace(change, entry=answer)
            case Alter() | Replace() as change:
                completed[id] = dataclasses.replace(change, new=answer)
    return completed
