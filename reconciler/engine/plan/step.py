"""From nodes to steps: why, from where, under which locks, with which hazards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.core.catalog import Entry, compared
from reconciler.core.ident import ObjectId, qualified
from reconciler.core.kind import Disturbance
from reconciler.core.statement import Cost, Hazard, HazardCode, Lock, LockMode, Mode, Statement
from reconciler.engine.compare.change import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    beside_type,
    disturbances_of,
)
from reconciler.engine.plan.emission import Emission, folded_into, made
from reconciler.engine.plan.graph import Node, Verb
from reconciler.engine.plan.model import Action, Step


def step_of(
    emission: Emission, node: Node, statements: tuple[Statement, ...], number: int, requires: tuple[int, ...]
) -> Step:
    """The step of a node with everything that a person must know about it."""
    change = emission.changes[node.id]
    # What comes into being inside the plan and must go again (default privileges) is in neither catalog.
    known = emission.desired.get(node.id) or emission.current.get(node.id)
    entry = change.entry if isinstance(change, Drop) else known
    assert entry is not None
    folded = folded_into(emission, node) if node.verb in (Verb.CREATE, Verb.ALTER) else []
    told = (node, *folded) if node.verb is Verb.ALTER else (node,)
    return Step(
        number=number,
        action=Action.RENAME if isinstance(change, Rename) else _ACTIONS[node.verb],
        object=node.id,
        label=_called(emission, entry) + (f" and {len(told) - 1} more" if len(told) > 1 else ""),
        sql=tuple(statement.sql for statement in statements),
        why=_whys(emission, told),
        source=_source(emission, entry),
        requires=requires,
        locks=_locks(emission, told, statements),
        hazards=_hazards(emission, node, statements),
        cost=max((statement.cost for statement in statements), key=list(Cost).index),
        mode=_mode(statements),
        folded=tuple(_label(emission, child) for child in folded),
        search_path=emission.search_path() if node in emission.ordered.evaluating else None,
    )


_ACTIONS = {
    Verb.DROP: Action.DROP,
    Verb.ASIDE: Action.RENAME,
    Verb.OPEN: Action.CREATE,
    Verb.LEAVE: Action.ALTER,
    Verb.CREATE: Action.CREATE,
    Verb.ALTER: Action.ALTER,
    Verb.DROP_ASIDE: Action.DROP,
}


def _mode(statements: Iterable[Statement]) -> Mode:
    modes = {statement.mode for statement in statements}
    return next(mode for mode in (Mode.ALONE, Mode.COMMIT_AFTER, Mode.TRANSACTION) if mode in modes)


def _label(emission: Emission, node: Node) -> str:
    return _called(emission, made(emission, node))


def _called(emission: Emission, entry: Entry) -> str:
    return emission.registry.of(entry).label(entry)


def _source(emission: Emission, entry: Entry) -> str | None:
    sources = emission.sources
    while entry.id not in sources:
        parent = emission.desired.get(entry.parent)
        if parent is None:
            return None
        entry = parent
    return sources[entry.id]


def _whys(emission: Emission, told: Sequence[Node]) -> tuple[str, ...]:
    """Why each is changed; of several it is said which."""
    if len(told) == 1:
        return _why(emission, emission.changes[told[0].id])
    every = [(_label(emission, node), _why(emission, emission.changes[node.id])) for node in told]
    return tuple(f"{label}: {why}" for label, whys in every for why in whys)


def _why(emission: Emission, change: Change) -> tuple[str, ...]:
    match change:
        case Create():
            return ("declared, and not in the database",)
        case Drop():
            return ("in the database, and not declared",)
        case Replace(because=because):
            return (because,)
        case Follow(old, new, replaced):
            moves = f"moves to the new {_called(emission, emission.desired[replaced])}"
            return (moves, *worded(old, new, beside_type(change, emission.registry).fields))
        case Rename(old, _):
            return (f"is called {old.id.path[-1]} so far",)
        case Alter(old, new, fields):
            return worded(old, new, fields)


def differing_fields(old: Entry, new: Entry) -> tuple[str, ...]:
    """The compared fields in which two states of one object differ."""
    before, after = dict(compared(old.state)), dict(compared(new.state))
    return tuple(name for name in before if name not in after or before[name] != after[name])


def worded(old: Entry, new: Entry, fields: Iterable[str]) -> tuple[str, ...]:
    """What becomes of each field: `type: text → bigint`."""
    before, after = dict(compared(old.state)), dict(compared(new.state))
    return tuple(f"{_word(name)}: {_shown(before[name])} → {_shown(after[name])}" for name in fields)


def _word(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(_item, value)) if isinstance(value, tuple) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "…"


def _item(value: object) -> str:
    """`street text` for an attribute, which may also have a collation."""
    parts = value if isinstance(value, tuple) else (value,)
    return " ".join(str(part) for part in parts if part is not None)


def _locks(emission: Emission, nodes: Sequence[Node], statements: Iterable[Statement]) -> tuple[Lock, ...]:
    own = {lock for statement in statements for lock in statement.locks}
    found = own.union(*(_locks_of_heirs(emission, node, own) for node in nodes))
    if nodes[0].verb not in (Verb.DROP, Verb.ASIDE):  # what comes back under its name is there now, in use
        found = {lock for lock in found if lock.relation not in emission.new_relations}
    strongest = {lock.relation: lock for lock in sorted(found, key=_strength)}
    return tuple(sorted(strongest.values()))


_MODES = list(LockMode)


def _strength(lock: Lock) -> int:
    return _MODES.index(lock.mode)


def _locks_of_heirs(emission: Emission, node: Node, locks: Iterable[Lock]) -> Iterator[Lock]:
    """The same locks on the partitions and children whose part of the object changes along with it."""
    change = emission.changes[node.id]
    known = emission.desired.get(node.id) or emission.current.get(node.id)
    if known is None or known.parent is None or not _reaches_heirs(emission, change):
        return
    relation = qualified(*known.parent.path)
    modes = [lock.mode for lock in locks if lock.relation == relation]
    for id in sorted(_heirs(emission, node.id)):
        yield from (Lock(qualified(*id.path), mode) for mode in modes)


def _reaches_heirs(emission: Emission, change: Change) -> bool:
    if not isinstance(change, Alter):
        return True
    kind = emission.registry.of(change.new)
    return any(kind.altered_with_carrier(name, change.new) for name in change.fields)


def _heirs(emission: Emission, id: ObjectId) -> set[ObjectId]:
    """The relations below the object's own that hold a part of it, before or afterwards."""
    found: set[ObjectId] = set()
    for catalog in (emission.current, emission.desired):
        for part in catalog.carried.get(id, ()):
            if part.parent is not None and part.parent in emission.current:
                found |= {part.parent, *_heirs(emission, part.id)}
    return found


def _hazards(emission: Emission, node: Node, statements: Iterable[Statement]) -> tuple[Hazard, ...]:
    found: dict[Hazard, None] = {}
    for statement in statements:
        for hazard in statement.hazards:
            if hazard.code is HazardCode.VALIDATION_LOST and _comes_back(emission, node.id):
                continue
            if hazard.code is HazardCode.DATA_LOSS or not _is_on_new(emission, hazard.object):
                found[hazard] = None
    if node.verb is Verb.DROP and node.id in emission.renames:
        found[Hazard(HazardCode.POSSIBLE_RENAME, node.id, emission.renames[node.id])] = None
    return tuple(found)


def _comes_back(emission: Emission, id: ObjectId) -> bool:
    """Whether the object is recreated in the same transaction, and refuses then what it refused before."""
    change = emission.changes[id]
    if not isinstance(change, Replace):
        return False
    kind = emission.registry.of(change.new)
    if kind.reparses(change.new) and _is_retyped(emission, change.new):
        return True  # the same condition has another text
    return not kind.relaxes(change.old.state, change.new.state)


def _is_retyped(emission: Emission, entry: Entry) -> bool:
    """Whether something that the object needs changes its type."""
    changes = (emission.changes.get(id) for id in entry.needs)
    return any(
        isinstance(change, Replace | Follow)
        or (isinstance(change, Alter) and Disturbance.RETYPED in disturbances_of(change, emission.registry))
        for change in changes
    )


def _is_on_new(emission: Emission, id: ObjectId) -> bool:
    """Whether what holds this object is itself made by this plan: nobody depends on it yet."""
    entry = emission.desired.get(id)
    return entry is not None and entry.parent in emission.new_parents
