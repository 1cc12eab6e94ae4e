"""From nodes to SQL: what is folded into a CREATE becomes its clauses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance, InPlace
from reconciler.core.statement import Hazard, HazardCode, Lock, Statement, data_loss
from reconciler.engine.change import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    render_alter,
)
from reconciler.engine.graph import Node, Ordered, Verb
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


def statements_of(emission: Emission, node: Node) -> Iterable[Statement]:
    """The SQL of one node, with that of everything folded into it."""
    change = emission.changes[node.id]
    kind = emission.registry[node.id.kind]
    match node.verb:
        case Verb.CREATE:
            entry = change.entry if isinstance(change, Create) else _replace(change).new
            yield from _with_narrowing(emission, change, tuple(kind.create(entry, _clauses(emission, node))))
            for folded in folded_into(emission, node):
                yield from emission.registry[folded.id.kind].settle(made(emission, folded))
        case Verb.OPEN:
            yield from kind.opening(emission.desired[node.id])
        case Verb.DROP:
            old = change.entry if isinstance(change, Drop) else _replace(change).old
            yield from _with_losses(emission, node, tuple(kind.drop(old)))
        case Verb.ASIDE:
            aside = kind.aside(_replace(change).old)
            assert aside is not None
            yield from aside[1]
        case Verb.DROP_ASIDE:
            aside = kind.aside(_replace(change).old)
            assert aside is not None
            yield from kind.drop_aside(_replace(change).old, aside[0])
        case Verb.ALTER if isinstance(change, Follow):
            yield from _followed(emission, change)
        case Verb.ALTER if isinstance(change, Rename):
            yield from kind.rename(change.old, change.new.id.path[-1])
        case Verb.ALTER:
            assert isinstance(change, Alter)
            outdated = _outdated(emission, change)
            for statement in render_alter(change, emission.registry):
                yield dataclasses.replace(statement, hazards=(*statement.hazards, *outdated))


def _replace(change: Change) -> Replace:
    assert isinstance(change, Replace)
    return change


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
        emission.registry[child.id.kind].clause(made(emission, child), _clauses(emission, child))
        for child in sorted(inner, key=lambda folded: _reading_order(emission, folded))
    ]


def _outdated(emission: Emission, change: Alter) -> tuple[Hazard, ...]:
    """What is stored of what a function gave, where it is defined anew and the object stays as it is."""
    rules = emission.registry.of(change.new).rules
    disturbances = [rule.disturbs for name in change.fields if isinstance(rule := rules[name], InPlace)]
    if Disturbance.REDEFINED not in disturbances:
        return ()
    ids = emission.current.dependents.get(change.new.id, ())
    stay = [emission.current[id] for id in ids if id in emission.desired and id not in emission.changes]
    told = [(entry, emission.registry.of(entry)) for entry in stay]
    return tuple(
        Hazard(HazardCode.OUTDATED, entry.id, f"{kind.label(entry)}: {words}")
        for entry, kind in told
        if (words := kind.outdated(entry)) is not None
    )


def _with_losses(emission: Emission, node: Node, statements: tuple[Statement, ...]) -> Iterable[Statement]:
    """A drop that takes others of its kind along (partitions) names what each of them loses, and locks."""
    lost: list[Hazard] = []
    locked: list[Lock] = []
    for child in folded_into(emission, node):
        if child.id.kind == node.id.kind:
            for statement in emission.registry[child.id.kind].drop(emission.current[child.id]):
                lost.extend(hazard for hazard in statement.hazards if hazard.code is not HazardCode.MAY_FAIL)
                locked.extend(statement.locks)
    if (lost or locked) and statements:
        first = statements[0]
        hazards, locks = (*first.hazards, *lost), (*first.locks, *locked)
        yield dataclasses.replace(first, hazards=hazards, locks=locks)
        statements = statements[1:]
    yield from statements


def _with_narrowing(
    emission: Emission, change: Change, statements: tuple[Statement, ...]
) -> Iterable[Statement]:
    """What takes the place of an object set aside says what is lost by the values that move over to it."""
    if isinstance(change, Replace) and change.aside and statements and _is_moved_to(emission, change.new.id):
        message = emission.registry.of(change.new).narrowed(change.old, change.new)
        if message is not None:
            hazards = (*statements[0].hazards, *data_loss(change.new.id, message))
            yield dataclasses.replace(statements[0], hazards=hazards)
            statements = statements[1:]
    yield from statements


def _is_moved_to(emission: Emission, id: ObjectId) -> bool:
    """Whether anything moves over to it, or to what is made of it."""
    for dependent in emission.current.dependents.get(id, ()):
        change = emission.changes.get(dependent)
        if isinstance(change, Follow):
            return True
        if isinstance(change, Replace) and change.aside and _is_moved_to(emission, dependent):
            return True
    return False


def _followed(emission: Emission, change: Follow) -> Iterable[Statement]:
    replaced = emission.desired[change.replaced]
    stand_ins = emission.registry.of(replaced).stand_ins(replaced)
    return emission.registry.of(change.new).follow(change.old, change.new, change.replaced, stand_ins) or ()
