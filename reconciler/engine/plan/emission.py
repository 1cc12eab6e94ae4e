"""From nodes to SQL: what is folded into a CREATE becomes its clauses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance, Kind
from reconciler.core.statement import (
    Hazard,
    HazardCode,
    Lock,
    Statement,
    application_break,
    data_loss,
    joined,
)
from reconciler.engine.compare.change import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    alteration,
    disturbances_of,
    new_of,
    old_of,
)
from reconciler.engine.compare.inheritance import twins
from reconciler.engine.plan.graph import Node, Ordered, Verb
from reconciler.engine.registry import Registry


@dataclass
class Emission:
    """All that the steps of a plan are made from."""

    current: Catalog
    desired: Catalog
    changes: Mapping[ObjectId, Change]
    registry: Registry
    ordered: Ordered
    sources: Mapping[ObjectId, str] = field(default_factory=dict)
    new_relations: frozenset[str] = frozenset()
    new_parents: frozenset[ObjectId] = frozenset()
    renames: Mapping[ObjectId, str] = field(default_factory=dict)
    search_path: Callable[[], str | None] = lambda: None
    """Asked where a step needs it: the path that the database's own sessions have."""

    @cached_property
    def new_names(self) -> frozenset[tuple[str, str]]:
        """Schemas and names of what the plan makes, and nothing that hangs on something else."""
        created = (change.entry for change in self.changes.values() if isinstance(change, Create))
        return frozenset(_called(self, entry) for entry in created if entry.parent is None)


def statements_of(emission: Emission, node: Node) -> Iterable[Statement]:
    """The SQL of one node, with that of everything folded into it."""
    change = emission.changes[node.id]
    kind = emission.registry[node.id.kind]
    match node.verb:
        case Verb.CREATE:
            if isinstance(change, Create) and _needs_what_is_there(emission, change.entry):
                yield from kind.before_create(change.entry)
            statements = tuple(kind.create(new_of(change), _clauses(emission, node)))
            yield from _adding(statements, _narrowed(emission, change))
            yield from _given_back(emission, change)
            for folded in folded_into(emission, node):
                yield from emission.registry[folded.id.kind].after_clause(made(emission, folded))
            if kind.is_attachable:
                for part in emission.desired.carried.get(node.id, ()):
                    yield from kind.attach(part, new_of(change))
        case Verb.OPEN:
            yield from kind.create_shell(emission.desired[node.id])
        case Verb.DROP:
            yield from _kept(emission, change)
            is_alone = isinstance(change, Drop) and change.alone
            dropped = kind.drop_only(old_of(change)) if is_alone else kind.drop(old_of(change))
            lost, locked = _lost_along(emission, node)
            yield from _adding(tuple(dropped), [*_missed(emission, change), *lost], locked)
        case Verb.ASIDE:
            aside = kind.rename_aside(old_of(change))
            assert aside is not None
            yield from _kept(emission, change)
            yield from aside[1]
        case Verb.DROP_ASIDE:
            aside = kind.rename_aside(old_of(change))
            assert aside is not None
            yield from kind.drop_aside(old_of(change), aside[0])
        case Verb.LEAVE:
            assert isinstance(change, Alter)
            yield from kind.detach(change.old, change.new)
        case Verb.ALTER if isinstance(change, Rename):
            yield from kind.rename(change.old, change.new.id.path[-1])
        case Verb.ALTER:
            yield from _adding(_altered(emission, node), _outdated(emission, change))


def _altered(emission: Emission, node: Node) -> tuple[Statement, ...]:
    """The alteration with those that are said in one with it: their first statements, then the others."""
    changes = [emission.changes[each.id] for each in (node, *folded_into(emission, node))]
    each = [
        alteration(change, emission.desired, emission.registry)
        for change in changes
        if isinstance(change, Alter | Follow)
    ]
    if len(each) < 2:
        return each[0]
    firsts = [_naming_what_it_hurts(emission, first) for first, *_ in each]
    return (joined(firsts), *(other for _, *others in each for other in others))


def _naming_what_it_hurts(emission: Emission, statement: Statement) -> Statement:
    hazards = tuple(
        dataclasses.replace(hazard, message=f"{_label(emission, hazard.object)}: {hazard.message}")
        for hazard in statement.hazards
    )
    return dataclasses.replace(statement, hazards=hazards)


def _label(emission: Emission, id: ObjectId) -> str:
    return emission.registry.of(id).label(emission.desired[id])


def _adding(
    statements: tuple[Statement, ...], hazards: Sequence[Hazard], locks: Sequence[Lock] = ()
) -> Iterable[Statement]:
    """The statements; the first of them says these hazards and locks too."""
    if not statements or not (hazards or locks):
        return statements
    first = statements[0]
    more = dataclasses.replace(first, hazards=(*first.hazards, *hazards), locks=(*first.locks, *locks))
    return (more, *statements[1:])


def _needs_what_is_there(emission: Emission, entry: Entry) -> bool:
    return any(id in emission.current and id not in emission.new_parents for id in entry.needs)


def _kept(emission: Emission, change: Change) -> Iterable[Statement]:
    for facet in _unsaid(emission, change):
        yield from facet.save_properties(old_of(change).id)


def _given_back(emission: Emission, change: Change) -> Iterable[Statement]:
    for facet in _unsaid(emission, change):
        yield from facet.restore_properties(new_of(change).id)


def _unsaid(emission: Emission, change: Change) -> Iterable[Kind[Any]]:
    """The kinds of what can hang on an object that comes back, and of which neither side says anything."""
    if not isinstance(change, Replace):
        return
    for facet in emission.registry:
        if facet.is_facet and facet.singleton and change.new.id.kind in facet.parents:
            id = change.new.id.facet(facet.name)
            if id not in emission.current and id not in emission.desired:
                yield facet


def made(emission: Emission, node: Node) -> Entry:
    """The entry that a node makes."""
    return emission.desired[node.id]


def folded_into(emission: Emission, node: Node) -> list[Node]:
    """What was folded into a node, deeply, in the order in which people read it."""
    found: list[Node] = []
    inner = emission.ordered.folded.get(node, ())
    for child in sorted(inner, key=lambda folded: _reading_order(emission, folded)):
        found.append(child)
        found.extend(folded_into(emission, child))
    return found


def _reading_order(emission: Emission, node: Node) -> tuple[int, int, ObjectId]:
    entry = emission.desired.get(node.id) or emission.current[node.id]
    return (emission.registry.of(entry).rank, getattr(entry.state, "position", 0), node.id)


def _clauses(emission: Emission, node: Node) -> Sequence[str]:
    inner = emission.ordered.folded.get(node, ())
    return [
        emission.registry[child.id.kind].clause(_said(emission, child), _clauses(emission, child))
        for child in sorted(inner, key=lambda folded: _reading_order(emission, folded))
        # What is inherited from a table that is no entry (an extension's) comes by itself.
        if not emission.registry[child.id.kind].is_inherited(made(emission, child))
    ]


def _said(emission: Emission, node: Node) -> Entry:
    """The entry as a clause says it: without what its table's ancestors give it anyway."""
    entry = made(emission, node)
    kind = emission.registry.of(entry)
    if not kind.is_structural:
        return entry
    above = tuple(twins(emission.desired, entry, emission.registry))
    return kind.beside_ancestors(entry, above) if above else entry


def _outdated(emission: Emission, change: Change) -> tuple[Hazard, ...]:
    """What is stored of what a function gave, where it is defined anew and the object stays as it is."""
    if not isinstance(change, Alter) or Disturbance.REDEFINED not in disturbances_of(
        change, emission.registry
    ):
        return ()
    ids = emission.current.dependents.get(change.new.id, ())
    stay = [emission.current[id] for id in ids if id in emission.desired and id not in emission.changes]
    told = [(entry, emission.registry.of(entry)) for entry in stay]
    return tuple(
        Hazard(HazardCode.OUTDATED, entry.id, f"{kind.label(entry)}: {words}")
        for entry, kind in told
        if (words := kind.stale_content(entry)) is not None
    )


def _lost_along(emission: Emission, node: Node) -> tuple[list[Hazard], list[Lock]]:
    """What a drop says of others of its kind that it takes along (partitions): what each loses, and locks."""
    lost: list[Hazard] = []
    locked: list[Lock] = []
    for child in folded_into(emission, node):
        if child.id.kind == node.id.kind:
            for statement in emission.registry[child.id.kind].drop(emission.current[child.id]):
                lost.extend(hazard for hazard in statement.hazards if hazard.code is not HazardCode.MAY_FAIL)
                locked.extend(statement.locks)
    return lost, locked


def _missed(emission: Emission, change: Change) -> tuple[Hazard, ...]:
    """What fails once the object is gone, unless something of its name takes its place."""
    if not isinstance(change, Drop) or _called(emission, change.entry) in emission.new_names:
        return ()
    use = emission.registry.of(change.entry).application_use(change.entry)
    return application_break(change.entry.id, use) if use is not None else ()


def _called(emission: Emission, entry: Entry) -> tuple[str, str]:
    return entry.id.path[0], emission.registry.of(entry).name_in_text(entry.id) or entry.id.path[-1]


def _narrowed(emission: Emission, change: Change) -> tuple[Hazard, ...]:
    """What is lost by the values that move over to what takes the place of an object set aside."""
    if not (isinstance(change, Replace) and change.aside and _is_moved_to(emission, change.new.id)):
        return ()
    message = emission.registry.of(change.new).narrowing(change.old, change.new)
    return data_loss(change.new.id, message) if message is not None else ()


def _is_moved_to(emission: Emission, id: ObjectId) -> bool:
    """Whether anything moves over to it, or to what is made of it."""
    for dependent in emission.current.dependents.get(id, ()):
        change = emission.changes.get(dependent)
        if isinstance(change, Follow):
            return True
        if isinstance(change, Replace) and change.aside and _is_moved_to(emission, dependent):
            return True
    return False
