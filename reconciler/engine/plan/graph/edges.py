"""What must come before what: needs, parents, carriers, names that are free only once."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Alter, Change, Create, Drop, is_implied, new_of, old_of
from reconciler.engine.compare.handover import handovers
from reconciler.engine.compare.inheritance import is_twin, parting, twins
from reconciler.engine.plan.graph.moves import is_between, is_released
from reconciler.engine.plan.graph.node import Node, Verb, Wiring, is_entangled


def link(wiring: Wiring, node: Node) -> None:
    """Add the edges of one node."""
    change = wiring.changes[node.id]
    match node.verb:
        case Verb.CREATE:
            _link_create(wiring, node, change)
        case Verb.DROP | Verb.ASIDE:
            entry = old_of(change)
            if is_implied(change) and not is_released(wiring, entry):
                _after_makers(wiring, node, entry)
                for needed in entry.needs:
                    later = wiring.node(Verb.DROP, needed)
                    if later and not wiring.node(Verb.CREATE, needed):  # what is replaced goes first
                        wiring.graph.add_edge(node, later)
            else:
                _after_ancestors(wiring, node, entry)
                is_type = node.verb is Verb.DROP and wiring.registry.of(entry).rename_aside(entry) is not None
                verbs = _GONE if is_type else _BEFORE
                _before_needs(wiring, node, _wanted(entry) - _moving(wiring, entry), verbs)
        case Verb.DROP_ASIDE:
            wiring.graph.add_edge(Node(Verb.CREATE, node.id), node)
            _before_needs(wiring, node, _wanted(old_of(change)), _GONE)
            for dependent in wiring.current.dependents.get(node.id, ()):
                if (moved := wiring.node(Verb.ALTER, dependent)) and moved != node:
                    wiring.graph.add_edge(moved, node)
        case Verb.OPEN:
            _link_opening(wiring, node)
        case Verb.LEAVE:
            wiring.graph.add_edge(node, Node(Verb.ALTER, node.id))
            _before_drops(wiring, node, parting(wiring.changes, node.id).left)
        case Verb.ALTER:
            _link_alter(wiring, node, change)


def _link_opening(wiring: Wiring, node: Node) -> None:
    entry = wiring.desired[node.id]
    apart = {id for id in entry.needs if not is_entangled(wiring, wiring.desired, id, node.id)}
    _after_needs(wiring, node, apart)
    wiring.graph.add_edge(node, Node(Verb.CREATE, node.id))
    if earlier := wiring.node(Verb.DROP, node.id):
        wiring.graph.add_edge(earlier, node)


def _link_create(wiring: Wiring, node: Node, change: Change) -> None:
    entry = new_of(change)
    waits = _wanted(entry) - _joined_later(wiring, node, entry) - _lent(wiring, node, entry)
    _after_needs(wiring, node, waits - _moving(wiring, entry))
    _after_what_it_inherits(wiring, node, entry)
    for before in (Verb.DROP, Verb.ASIDE):
        if earlier := wiring.node(before, node.id):
            wiring.graph.add_edge(earlier, node)
    if entry.carrier and (carrier := wiring.node(Verb.CREATE, entry.carrier)):
        wiring.graph.add_edge(node, carrier)
        _after_others_alike(wiring, node, entry)
    for twin in _twins_of_what_stays(wiring, entry):
        if later := wiring.node(Verb.CREATE, twin.id):
            wiring.graph.add_edge(node, later)  # which finds it there, and makes one of both
    if wiring.registry.of(entry).is_attachable and entry.carrier is None:
        _link_own(wiring, node, entry)
    former = wiring.current.get(node.id)
    if former and former.carrier and (gone := wiring.node(Verb.DROP, former.carrier)):
        wiring.graph.add_edge(gone, node)


def _after_others_alike(wiring: Wiring, node: Node, entry: Entry) -> None:
    """Of a partitioned table's indexes that are defined alike, each takes the first part that it finds: the
    first is made with its parts before those of the next are there."""
    kind, whole = wiring.registry.of(entry), wiring.desired.get(entry.carrier)
    if not kind.is_attachable or whole is None or whole.parent is None:
        return
    for other in wiring.desired.children.get(whole.parent, ()):
        is_before = other.id.kind == whole.id.kind and other.id < whole.id
        if is_before and kind.would_attach(other, entry) and (earlier := wiring.node(Verb.CREATE, other.id)):
            wiring.graph.add_edge(earlier, node)


def _link_own(wiring: Wiring, node: Node, entry: Entry) -> None:
    """An index of a partition that shall not become part of the partitioned table's waits for that: an index
    made later would adopt it."""
    holder = wiring.desired.get(entry.parent)
    if holder is None or holder.parent is None or holder.parent.kind != holder.id.kind:
        return
    for other in wiring.desired.children.get(holder.parent, ()):
        if other.id.kind == entry.id.kind and (earlier := wiring.node(Verb.CREATE, other.id)):
            wiring.graph.add_edge(earlier, node)


def _link_alter(wiring: Wiring, node: Node, change: Change) -> None:
    waits = _wanted(new_of(change)) - _joined_later(wiring, node, new_of(change))
    _after_needs(wiring, node, waits - _moving(wiring, new_of(change)))
    if is_implied(change):
        _after_makers(wiring, node, new_of(change))
        for twin in _twins_of_what_stays(wiring, new_of(change)):
            if reaching := wiring.node(Verb.ALTER, twin.id):
                wiring.graph.add_edge(reaching, node)  # and would take again what this one gives back
        return
    if (
        isinstance(change, Alter)
        and change.new.carrier
        and (carrier := wiring.node(Verb.ALTER, change.new.carrier))
    ):
        wiring.graph.add_edge(carrier, node)
    _after_ancestors(wiring, node, old_of(change))
    _link_twins(wiring, node, change)
    left = parting(wiring.changes, node.id).left if wiring.node(Verb.LEAVE, node.id) else frozenset()
    _before_drops(wiring, node, _wanted(old_of(change)) - left)


def _before_drops(wiring: Wiring, node: Node, needed: Iterable[ObjectId]) -> None:
    for id in needed:
        for verb in (Verb.DROP, Verb.DROP_ASIDE):
            if later := wiring.node(verb, id):
                wiring.graph.add_edge(node, later)


def _moving(wiring: Wiring, entry: Entry) -> set[ObjectId]:
    """The object's table, where `link_moves` says what comes before what."""
    return {entry.parent} if entry.parent is not None and is_between(wiring, entry) else set()


def _link_twins(wiring: Wiring, node: Node, change: Change) -> None:
    """Ancestors change first what heirs declare too, unless they take over what those have."""
    if not isinstance(change, Alter) or change.new.carrier is not None:
        return
    kind = wiring.registry.of(change.new)
    is_taken_over = any(kind.is_taken_over(name, change.new) for name in change.fields)
    for twin in _twins_of_what_stays(wiring, change.new):
        if other := wiring.node(Verb.ALTER, twin.id):
            wiring.graph.add_edge(*((node, other) if is_taken_over else (other, node)))
        elif created := wiring.node(Verb.CREATE, twin.id):
            wiring.graph.add_edge(node, created)


def _twins_of_what_stays(wiring: Wiring, entry: Entry) -> Iterable[Entry]:
    """What the ancestors of a table that was there and stays an heir have that is one with the entry."""
    if entry.parent is None or entry.parent not in wiring.current:
        return
    before = wiring.current[entry.parent].ancestors
    for twin in twins(wiring.desired, entry, wiring.registry):
        if twin.parent in before:
            yield twin


def _after_what_it_inherits(wiring: Wiring, node: Node, entry: Entry) -> None:
    """A table that inherits from several must find that they agree in what they have in common."""
    for needed in entry.needs:
        if needed.kind != entry.id.kind:
            continue
        for child in wiring.desired.children.get(needed, ()):
            if wiring.registry.of(child).is_structural and (earlier := wiring.node(Verb.ALTER, child.id)):
                wiring.graph.add_edge(earlier, node)
                wiring.soft.add((earlier, node))


def _after_ancestors(wiring: Wiring, node: Node, entry: Entry) -> None:
    """Of what an heir declares too, or is to keep, the ancestor's goes first and leaves the heir's: what is
    inherited can be neither dropped nor altered."""
    before, after = wiring.current.get(entry.parent), wiring.desired.get(entry.parent)
    for above in before.needs & after.needs if before is not None and after is not None else ():
        twin = wiring.current.get(above.child(entry.id.kind, entry.id.path[-1]))
        if twin is None or not is_twin(entry, twin, wiring.registry):
            continue
        if earlier := wiring.node(Verb.DROP, twin.id):
            wiring.graph.add_edge(earlier, node)


def _lent(wiring: Wiring, node: Node, entry: Entry) -> set[ObjectId]:
    """The partitioned table's index that a key of a partition serves as a part of: PostgreSQL drops the key
    first, and takes it over where it is there when the index is made."""
    holder = wiring.desired.get(entry.parent)
    if not wiring.registry.of(entry).is_attachable or holder is None:
        return set()
    found = {
        needed
        for needed in entry.needs
        if wiring.registry.of(needed).is_attachable
        and (whole := wiring.desired.get(needed)) is not None
        and whole.parent == holder.parent
    }
    for needed in found:
        if later := wiring.node(Verb.CREATE, needed):
            wiring.graph.add_edge(node, later)
    return found


def _joined_later(wiring: Wiring, node: Node, entry: Entry) -> set[ObjectId]:
    """The table that becomes a partition, or an heir: what it must have in common with its new ancestor comes
    first."""
    holder, before = wiring.desired.get(entry.parent), wiring.current.get(entry.parent)
    if holder is None or before is None:
        return set()
    joined = holder.ancestors - before.ancestors
    if not joined or not any(twin.parent in joined for twin in twins(wiring.desired, entry, wiring.registry)):
        return set()
    attaching = wiring.node(Verb.ALTER, holder.id)
    if attaching is None or attaching == node:
        return set()
    wiring.graph.add_edge(node, attaching)
    return {holder.id}


def _after_needs(wiring: Wiring, node: Node, needs: Iterable[ObjectId]) -> None:
    for needed in needs:
        opened = wiring.node(Verb.OPEN, needed)
        if opened and is_entangled(wiring, wiring.desired, node.id, needed):
            wiring.graph.add_edge(opened, node)
        elif earlier := wiring.node(Verb.CREATE, _changing(wiring, wiring.desired, needed)):
            if earlier != node:
                wiring.graph.add_edge(earlier, node)
        elif (earlier := wiring.node(Verb.ALTER, needed)) and earlier != node:
            wiring.graph.add_edge(earlier, node)
            if node.verb is Verb.ALTER:
                wiring.soft.add((earlier, node))


_BEFORE = (Verb.DROP, Verb.ASIDE, Verb.ALTER)
_GONE = (Verb.DROP, Verb.DROP_ASIDE, Verb.ALTER)
"""What waits for a type to go: what it is made of may stand aside before, and what was of it moves first."""


def _before_needs(
    wiring: Wiring,
    node: Node,
    needs: Iterable[ObjectId],
    verbs: Iterable[Verb] = _BEFORE,
) -> None:
    for needed in needs:
        for verb in verbs:
            later = wiring.node(verb, needed)
            if not later or later == node or later in wiring.early or is_implied(wiring.changes[later.id]):
                continue
            wiring.graph.add_edge(node, later)
            if node.verb is Verb.DROP_ASIDE and verb is Verb.ALTER:
                wiring.soft.add((node, later))  # the type that takes its place may need the altered one
        holder = _changing(wiring, wiring.current, needed)
        if holder not in (needed, node.id) and (later := wiring.node(Verb.DROP, holder)):
            wiring.graph.add_edge(node, later)


def _changing(wiring: Wiring, catalog: Catalog, id: ObjectId) -> ObjectId:
    """What brings an object along that has no change of its own: the table of an inherited column."""
    while id not in wiring.changes and (entry := catalog.get(id)) is not None and entry.parent is not None:
        id = entry.parent
    return id


def _after_makers(wiring: Wiring, node: Node, entry: Entry) -> None:
    """What comes into being by itself is there when what brings it along is."""
    for maker in (entry.parent, entry.carrier):
        if maker and (leaving := wiring.node(Verb.LEAVE, maker)):
            wiring.graph.add_edge(leaving, node)
            continue
        for verb in (Verb.CREATE, Verb.ALTER, Verb.DROP):
            if maker and (earlier := wiring.node(verb, maker)):
                wiring.graph.add_edge(earlier, node)


def _wanted(entry: Entry) -> set[ObjectId]:
    return {*entry.needs, entry.parent} if entry.parent else set(entry.needs)


def link_rules(wiring: Wiring) -> None:
    """A new rule of a type that is there (a domain's check) comes before anything else is made of the type:
    PostgreSQL does not look into arrays and rows for the values that it would have to check."""
    for change in wiring.changes.values():
        holder = change.entry.parent if isinstance(change, Create) else None
        if not isinstance(change, Create) or holder is None or holder not in wiring.current:
            continue
        kind = wiring.registry.of(change.entry)
        made = wiring.node(Verb.CREATE, change.entry.id)
        if made and holder.kind in kind.folds_into and not wiring.registry.of(holder).holds_data:
            for later in _made_of(wiring, holder) - {made}:
                wiring.graph.add_edge(made, later)
                wiring.soft.add((made, later))


def _made_of(wiring: Wiring, type: ObjectId) -> set[Node]:
    """What is done to all that is of a type, or of one that is made of it."""
    found: set[Node] = set()
    waiting = [type]
    while waiting:
        for id in wiring.desired.dependents.get(waiting.pop(), ()):
            nodes = {node for verb in (Verb.CREATE, Verb.ALTER) if (node := wiring.node(verb, id))}
            if not nodes and not wiring.registry.of(id).holds_data:
                waiting.append(id)
            found |= nodes
    return found


def link_handovers(wiring: Wiring) -> None:
    """What goes on where another stopped counting waits until that position is known."""
    for each in handovers(wiring.current, wiring.desired, wiring.changes, wiring.registry):
        earlier = wiring.node(Verb.DROP, each.source) or wiring.node(Verb.ALTER, each.source)
        later = wiring.node(Verb.CREATE, each.target) or wiring.node(Verb.ALTER, each.target)
        if earlier and later:
            wiring.graph.add_edge(earlier, later)


def link_names(wiring: Wiring) -> None:
    """Who takes a name waits for who gives it up."""
    freed: dict[tuple[str, ...], list[Node]] = {}
    taken: list[tuple[tuple[str, ...], Node]] = []
    for node in wiring.graph:
        gives, takes = _names(wiring, node)
        for name in gives:
            freed.setdefault(name, []).append(node)
        taken.extend((name, node) for name in takes)
    for name, node in taken:
        for earlier in freed.get(name, ()):
            if earlier != node:
                wiring.graph.add_edge(earlier, node)


def _names(wiring: Wiring, node: Node) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """The names that a node gives up, and those that it takes."""
    change = wiring.changes[node.id]
    old = None if isinstance(change, Create) else old_of(change)
    new = None if isinstance(change, Drop) else new_of(change)
    had = set(wiring.registry.of(old).claims_names(old)) if old else set()
    has = set(wiring.registry.of(new).claims_names(new)) if new else set()
    match node.verb:
        case Verb.DROP | Verb.ASIDE:
            return had, set()
        case Verb.CREATE:
            return set(), has
        case Verb.ALTER:
            return had - has, has - had
        case Verb.DROP_ASIDE | Verb.OPEN | Verb.LEAVE:
            return set(), set()
