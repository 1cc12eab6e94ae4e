"""From two catalogs to a plan: diff, order, words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.catalog import Catalog, Entry, compared
from reconciler.core.ident import ObjectId, qualified
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, Mode, Statement
from reconciler.engine.diff import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    diff,
    render_alter,
    with_answers,
)
from reconciler.engine.graph import Node, Ordered, Verb, order
from reconciler.engine.likeness import possible_renames
from reconciler.engine.plan import Action, Plan, Step, Touch
from reconciler.engine.registry import Registry

GROUP_SIZE = 100
"""Steps after which a transaction that only makes new things ends: every table, index and sequence in it
takes a slot of the server's lock table (max_locks_per_transaction)."""

Ask = Callable[[str, Mapping[str, str]], str | None]
"""Puts a kind's question to the target server."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the words of a plan need beside the catalogs."""

    server_major: int
    schema_digest: str
    sources: Mapping[ObjectId, str] = field(default_factory=dict)
    """Where the YAML declares each object: `schema/users.yaml:12`."""
    not_renamed: frozenset[ObjectId] = frozenset()
    ownership: bool = False
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    surroundings: tuple[Entry, ...] = ()
    """What of the live database is not managed and yet has effects."""
    fold: bool = True
    """Whether children may become clauses of their parent's CREATE; without it only structural ones do."""


def make_plan(
    current: Catalog, desired: Catalog, registry: Registry, context: Context, ask: Ask | None
) -> Plan:
    """The plan from `current` to `desired`; `ask` may be None where no retyping needs the server's word."""
    changes = diff(current, desired, registry, context.surroundings, context.ownership)
    if ask is not None:
        changes = with_answers(changes, _answers(changes, registry, ask))
    steps = steps_of(current, desired, changes, registry, context) if changes else ()
    return Plan(
        server_major=context.server_major,
        schema_digest=context.schema_digest,
        steps=steps,
        touches=_touches(current, desired, changes),
        ownership=context.ownership,
        unknown=context.unknown,
        notes=context.notes,
    )


def _answers(changes: Mapping[ObjectId, Change], registry: Registry, ask: Ask) -> dict[ObjectId, Entry]:
    answers: dict[ObjectId, Entry] = {}
    for id, change in changes.items():
        if isinstance(change, Alter):
            kind = registry.of(change.new)
            if question := kind.enquire(change.old, change.new):
                answers[id] = kind.informed(change.new, ask(*question))
    return answers


def _touches(current: Catalog, desired: Catalog, changes: Mapping[ObjectId, Change]) -> dict[ObjectId, Touch]:
    touched = set(changes)
    touched.update(change.old.id for change in changes.values() if isinstance(change, Rename))
    for id in changes:
        if new := desired.get(id):
            touched.update(needed for needed in new.needs if needed in desired and needed in current)
    return {id: Touch(_digest(current.get(id)), _digest(desired.get(id))) for id in sorted(touched)}


def _digest(entry: Entry | None) -> str | None:
    return None if entry is None else entry.digest()


@dataclass
class _Emission:
    current: Catalog
    desired: Catalog
    changes: Mapping[ObjectId, Change]
    registry: Registry
    context: Context
    ordered: Ordered
    new_relations: frozenset[str] = frozenset()
    new_parents: frozenset[ObjectId] = frozenset()
    renames: Mapping[ObjectId, str] = field(default_factory=dict)


def steps_of(
    current: Catalog,
    desired: Catalog,
    changes: Mapping[ObjectId, Change],
    registry: Registry,
    context: Context,
) -> tuple[Step, ...]:
    """The changes as numbered steps in an order that works."""
    ordered = order(current, desired, changes, registry, context.fold)
    created = frozenset(id for id, change in changes.items() if isinstance(change, Create | Replace))
    emission = _Emission(current, desired, changes, registry, context, ordered)
    emission.new_relations = frozenset(qualified(*id.path) for id in created if len(id.path) == 2)
    emission.new_parents = created
    emission.renames = possible_renames(current, desired, changes, registry, context.not_renamed)
    numbers: dict[Node, int] = {}
    steps: list[Step] = []
    for node in ordered.nodes:
        statements = tuple(_statements(emission, node))
        if statements:
            numbers[node] = len(steps) + 1
            earlier = sorted(numbers[other] for other in ordered.requires[node] if other in numbers)
            steps.append(_step(emission, node, statements, numbers[node], tuple(earlier)))
    return _grouped(steps, changes)


def _statements(emission: _Emission, node: Node) -> Iterable[Statement]:
    change = emission.changes[node.id]
    kind = emission.registry[node.id.kind]
    match node.verb:
        case Verb.CREATE:
            entry = change.entry if isinstance(change, Create) else _replace(change).new
            yield from kind.create(entry, _clauses(emission, node))
            for folded in _folded(emission, node):
                yield from emission.registry[folded.id.kind].settle(_made(emission, folded))
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
            yield from kind.follow(change.old, change.new, change.replaced) or ()
        case Verb.ALTER if isinstance(change, Rename):
            yield from kind.rename(change.old, change.new.id.path[-1])
        case Verb.ALTER:
            assert isinstance(change, Alter)
            yield from render_alter(change, emission.registry)


def _replace(change: Change) -> Replace:
    assert isinstance(change, Replace)
    return change


def _made(emission: _Emission, node: Node) -> Entry:
    return emission.desired[node.id]


def _folded(emission: _Emission, node: Node) -> list[Node]:
    """What was folded into a node, deeply, in the order in which people read it."""
    found: list[Node] = []
    inner = emission.ordered.folded.get(node, ())
    for child in sorted(inner, key=lambda folded: _reading_order(emission, folded)):
        found.append(child)
        found.extend(_folded(emission, child))
    return found


def _reading_order(emission: _Emission, node: Node) -> tuple[int, int, ObjectId]:
    entry = emission.desired.get(node.id) or emission.current[node.id]
    return (emission.registry.of(entry).rank, getattr(entry.state, "position", 0), node.id)


def _clauses(emission: _Emission, node: Node) -> Sequence[str]:
    inner = emission.ordered.folded.get(node, ())
    return [
        emission.registry[child.id.kind].clause(_made(emission, child), _clauses(emission, child))
        for child in sorted(inner, key=lambda folded: _reading_order(emission, folded))
    ]


def _with_losses(emission: _Emission, node: Node, statements: tuple[Statement, ...]) -> Iterable[Statement]:
    """A drop that takes others of its kind along (partitions) names what each of them loses."""
    lost: list[Hazard] = []
    for child in _folded(emission, node):
        if child.id.kind == node.id.kind:
            for statement in emission.registry[child.id.kind].drop(emission.current[child.id]):
                lost.extend(statement.hazards)
    if lost and statements:
        first = statements[0]
        yield dataclasses.replace(first, hazards=(*first.hazards, *lost))
        statements = statements[1:]
    yield from statements


def _step(
    emission: _Emission, node: Node, statements: tuple[Statement, ...], number: int, requires: tuple[int, ...]
) -> Step:
    change = emission.changes[node.id]
    # What comes into being inside the plan and must go again (default privileges) is in neither catalog.
    known = emission.desired.get(node.id) or emission.current.get(node.id)
    entry = change.entry if isinstance(change, Drop) else known
    assert entry is not None
    kind = emission.registry[node.id.kind]
    folded = _folded(emission, node) if node.verb is Verb.CREATE else ()
    return Step(
        number=number,
        action=Action.RENAME if isinstance(change, Rename) else _ACTIONS[node.verb],
        object=node.id,
        label=kind.label(entry),
        sql=tuple(statement.sql for statement in statements),
        why=_why(emission, node, change),
        source=_source(emission, entry),
        requires=requires,
        locks=_locks(emission, statements),
        hazards=_hazards(emission, node, statements),
        cost=max((statement.cost for statement in statements), key=list(Cost).index),
        mode=_mode(statements),
        folded=tuple(_label(emission, child) for child in folded),
    )


_ACTIONS = {
    Verb.DROP: Action.DROP,
    Verb.ASIDE: Action.RENAME,
    Verb.CREATE: Action.CREATE,
    Verb.ALTER: Action.ALTER,
    Verb.DROP_ASIDE: Action.DROP,
}


def _mode(statements: Iterable[Statement]) -> Mode:
    modes = {statement.mode for statement in statements}
    return next(mode for mode in (Mode.ALONE, Mode.COMMIT_AFTER, Mode.TRANSACTION) if mode in modes)


def _label(emission: _Emission, node: Node) -> str:
    entry = _made(emission, node)
    return emission.registry.of(entry).label(entry)


def _source(emission: _Emission, entry: Entry) -> str | None:
    sources = emission.context.sources
    while entry.id not in sources:
        parent = emission.desired.get(entry.parent)
        if parent is None:
            return None
        entry = parent
    return sources[entry.id]


def _why(emission: _Emission, node: Node, change: Change) -> tuple[str, ...]:
    match change:
        case Create():
            return ("declared, and not in the database",)
        case Drop():
            return ("in the database, and not declared",)
        case Replace(because=because):
            return (because,)
        case Follow(replaced=replaced):
            return (f"moves to the new {replaced}",)
        case Rename(old, _):
            return (f"is called {old.id.path[-1]} so far",)
        case Alter(old, new, fields):
            before, after = dict(compared(old.state)), dict(compared(new.state))
            return tuple(f"{_word(name)}: {_shown(before[name])} → {_shown(after[name])}" for name in fields)


def _word(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "…"


def _locks(emission: _Emission, statements: Iterable[Statement]) -> tuple[Lock, ...]:
    found = {lock for statement in statements for lock in statement.locks}
    return tuple(sorted(lock for lock in found if lock.relation not in emission.new_relations))


def _hazards(emission: _Emission, node: Node, statements: Iterable[Statement]) -> tuple[Hazard, ...]:
    found: dict[Hazard, None] = {}
    for statement in statements:
        for hazard in statement.hazards:
            if hazard.code is HazardCode.VALIDATION_LOST and isinstance(emission.changes[node.id], Replace):
                continue  # it comes back within the same transaction
            if hazard.code is HazardCode.DATA_LOSS or not _is_on_new(emission, hazard.object):
                found[hazard] = None
    if node.verb is Verb.DROP and node.id in emission.renames:
        found[Hazard(HazardCode.POSSIBLE_RENAME, node.id, emission.renames[node.id])] = None
    return tuple(found)


def _is_on_new(emission: _Emission, id: ObjectId) -> bool:
    """Whether what holds this object is itself made by this plan: nobody depends on it yet."""
    entry = emission.desired.get(id)
    return entry is not None and entry.parent in emission.new_parents


def _grouped(steps: Sequence[Step], changes: Mapping[ObjectId, Change]) -> tuple[Step, ...]:
    """Give each step its transaction. What is dropped to come back does so within one transaction."""
    is_split = all(isinstance(change, Create) for change in changes.values())
    grouped: list[Step] = []
    group, size, closed = 1, 0, False
    for step in steps:
        is_full = is_split and size >= GROUP_SIZE
        if grouped and (closed or is_full or step.mode is Mode.ALONE):
            group, size = group + 1, 0
        grouped.append(dataclasses.replace(step, group=group))
        size += 1
        closed = step.mode is not Mode.TRANSACTION
    return tuple(grouped)
