"""Declared renames: what the YAML calls a former name is renamed, never dropped and made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind
from reconciler.core.statement import Cost, Mode
from reconciler.engine.catalog.introspect import introspect
from reconciler.engine.compare.inheritance import below, twins
from reconciler.engine.compare.rename_search import Renaming, Search
from reconciler.engine.connection.session import server_error
from reconciler.engine.declaration.written import Written
from reconciler.engine.elaborate.scratch import clone
from reconciler.engine.plan.model import Action, Plan, Step, Touch
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection


def renamings(written: Written, live: Catalog, registry: Registry) -> tuple[Renaming, ...]:
    """The renames that are declared and not yet done, parents first: a column of a renamed table is looked
    for under the table's former name. Raises what `Search` raises."""
    search = Search(written.objects, live)
    renamed = [id for id, item in written.objects.items() if item.declared.former_names]
    for id in sorted(renamed, key=lambda id: len(id.path)):
        search.look(id)
    now = {renaming.old.id: id for id, renaming in search.found.items()}
    for renaming in search.found.values():
        _refuse_parting(renaming, now, written, live, registry)
    inner = _inner_renames(written, live, {id: old for old, id in now.items()}, registry)
    whole = _with_statements(list(search.found.values()), live, registry, frozenset(written.objects))
    return (*inner, *whole)


def _inner_renames(
    written: Written, live: Catalog, former: Mapping[ObjectId, ObjectId], registry: Registry
) -> Iterator[Renaming]:
    """Declared renames of parts of an object, carried out while it has its former name."""
    kinds = {kind.name: kind for kind in registry if type(kind).inner_renames is not Kind.inner_renames}
    for id, item in written.objects.items():
        kind = kinds.get(id.kind)
        old = live.get(former.get(id, id)) if kind is not None else None
        if kind is not None and old is not None:
            new = Entry(id, item.declared.state, item.declared.parent)
            place = f"{item.position.file}:{item.position.line}"
            for what, statement in kind.inner_renames(old, new):
                yield Renaming(old, id, place, (statement,), what)


def _refuse_parting(
    renaming: Renaming, now: Mapping[ObjectId, ObjectId], written: Written, live: Catalog, registry: Registry
) -> None:
    """Raise Blocked where an heir leaves as well: a new name reaches it for as long as it is one."""
    old = renaming.old
    pairs = [(old, twin) for twin in twins(live, old, registry)]
    pairs += [(heir, old) for heir in below(live, old, registry)]
    for heir, ancestor in pairs:
        table, above = live.get(heir.parent), live.get(ancestor.parent)
        if (
            table is None
            or above is None
            or (item := written.objects.get(now.get(table.id, table.id))) is None
        ):
            continue
        stays = now.get(above.id, above.id) in {*item.declared.needs, item.declared.parent}
        if stays or _name(heir, now) == _name(ancestor, now):
            continue
        leaving, left = (registry.of(each).label(each) for each in (table, above))
        raise Blocked(
            f"{registry.of(old).label(old)} is renamed while {leaving} leaves {left}, and they share it",
            hint="make it two plans: first the one, then the other",
        )


def _name(entry: Entry, now: Mapping[ObjectId, ObjectId]) -> str:
    return now.get(entry.id, entry.id).path[-1]


def _with_statements(
    found: list[Renaming], live: Catalog, registry: Registry, declared: frozenset[ObjectId]
) -> Iterator[Renaming]:
    """Children first, under their table's former name; then the table."""
    names = {renaming.old.id: renaming.id.path[-1] for renaming in found}
    for renaming in reversed(found):
        if renaming.old.id.path[-1] == renaming.id.path[-1]:
            continue  # only its table is renamed
        above = (names.get(twin.id) for twin in twins(live, renaming.old, registry))
        if renaming.id.path[-1] in above:
            continue  # an ancestor's new name reaches its heirs
        old, name = renaming.old, renaming.id.path[-1]
        along = (
            statement
            for child in sorted(live.children.get(old.id, ()), key=lambda entry: entry.id)
            for statement in registry.of(child).rename_with_parent(_named(child, names), name, declared)
        )
        statements = (*along, *registry.of(old).rename(old, name))
        yield Renaming(old, renaming.id, renaming.place, statements)


def _named(entry: Entry, names: Mapping[ObjectId, str]) -> Entry:
    """The entry under the name that it has when its table's turn comes."""
    name = names.get(entry.id, entry.id.path[-1])
    return dataclasses.replace(entry, id=ObjectId(entry.id.kind, (*entry.id.path[:-1], name)))


def after_renaming(
    live: Catalog,
    renames: tuple[Renaming, ...],
    scratch: AbstractContextManager[Connection[Any]],
    registry: Registry,
) -> Catalog:
    """The live catalog as it reads once the renames are done: PostgreSQL itself carries a new name into
    views, constraints and indexes, so a clone is asked. Raises ServerError for what it refuses."""
    import psycopg

    with scratch as connection:
        clone(live, connection, registry)
        for renaming in renames:
            for statement in renaming.statements:
                try:
                    connection.execute(statement.sql.encode(), binary=True)
                except psycopg.Error as error:
                    raise server_error(error, statement.sql, where=renaming.place) from None
        return _as_live(introspect(connection, registry), live, renames, registry)


def _as_live(cloned: Catalog, live: Catalog, renames: tuple[Renaming, ...], registry: Registry) -> Catalog:
    """The clone with what none can have of the live database: how things came to be what they are."""
    former = {renaming.id: renaming.old.id for renaming in renames}
    entries = {entry.id: entry for entry in live if registry.is_shared(entry)}
    for entry in cloned:
        if registry.is_shared(entry):
            continue
        there = live.get(_formerly(entry.id, cloned, former))
        entries[entry.id] = registry.of(entry).as_live(entry, there) if there is not None else entry
        for child in live.children.get(there.id, ()) if there is not None else ():
            if registry.of(child).needs_module:
                id = entry.id.facet(child.id.kind, child.id.path[-1])
                entries[id] = dataclasses.replace(child, id=id, parent=entry.id, needs=frozenset({entry.id}))
    return Catalog(entries, cloned.unknown, cloned.notes)


def _formerly(id: ObjectId, cloned: Catalog, former: Mapping[ObjectId, ObjectId]) -> ObjectId:
    """What the object was called before the renames."""
    if id in former:
        return former[id]
    parent = cloned[id].parent if id in cloned else None
    if parent is None or id.path[: len(parent.path)] != parent.path:
        return id
    return ObjectId(id.kind, (*_formerly(parent, cloned, former).path, *id.path[len(parent.path) :]))


def with_renames(
    plan: Plan, renames: tuple[Renaming, ...], live: Catalog, desired: Catalog, registry: Registry
) -> Plan:
    """The plan with the renames before the steps that rely on them, in the same transaction as those."""
    steps = _joined(plan.steps, renames, registry)
    near = {*plan.touches, *_concerned(plan, renames, live, desired)}
    between = {id: Touch.between(live.get(id), desired.get(id)) for id in sorted(near)}
    between |= {
        id: Touch(between[id].before, touch.after)  # what is left of a dropped facet is known there alone
        for id, touch in plan.touches.items()
    }
    touches = {
        id: touch for id, touch in between.items() if id in plan.touches or touch.before != touch.after
    }
    return dataclasses.replace(plan, steps=steps, touches=touches)


def _concerned(plan: Plan, renames: tuple[Renaming, ...], live: Catalog, desired: Catalog) -> set[ObjectId]:
    """What the plan changes and what a new name is carried into: everything but what was left unmanaged."""
    unmanaged = set(live.entries) - set(desired.entries)
    named = {renaming.old.id for renaming in renames}
    below = {id for id in unmanaged if any(_is_below(live, id, name) for name in named)}
    return set(desired.entries) | named | below | set(plan.touches)


def _is_below(live: Catalog, id: ObjectId, name: ObjectId) -> bool:
    entry = live.get(id)
    while entry is not None:
        if entry.id == name:
            return True
        entry = live.get(entry.parent)
    return False


def _joined(steps: Sequence[Step], renames: Sequence[Renaming], registry: Registry) -> tuple[Step, ...]:
    """The steps with the renames before them.

    What must be committed at once (a new label of an enum) comes before all renames that it does not need:
    a rename is committed together with the changes that follow from it.
    """
    early = tuple(takewhile(lambda step: step.mode is Mode.COMMIT_AFTER, steps))
    needed = {step.object for step in early}
    first = [renaming for renaming in renames if renaming.id in needed]
    others = [renaming for renaming in renames if renaming.id not in needed]
    later = steps[len(early) :]
    group = early[-1].group + 1 if early else 1
    placed = [
        *(_step(renaming, 1, registry) for renaming in first),
        *early,
        *(_step(renaming, group, registry) for renaming in others),
        *later,
    ]
    numbers = {step.number: number for number, step in enumerate(placed, start=1) if step.number}
    return tuple(
        dataclasses.replace(step, number=number, requires=tuple(numbers[each] for each in step.requires))
        for number, step in enumerate(placed, start=1)
    )


def _step(renaming: Renaming, group: int, registry: Registry) -> Step:
    """The step of a rename, without a number."""
    return Step(
        number=0,
        action=Action.ALTER if renaming.part else Action.RENAME,
        object=renaming.id,
        label=registry.of(renaming.old).label(renaming.old),
        sql=tuple(statement.sql for statement in renaming.statements),
        why=(renaming.part or f"declared under its new name {renaming.id.path[-1]}",),
        source=renaming.place,
        locks=tuple(sorted({lock for statement in renaming.statements for lock in statement.locks})),
        hazards=tuple(dict.fromkeys(h for statement in renaming.statements for h in statement.hazards)),
        cost=Cost.INSTANT,
        group=group,
    )
