"""The short way to the desired catalog: only what differs from the live text goes to the scratch server, with
all that it can possibly name. Where that cannot be told, the long way is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.text_names import meant, said
from reconciler.engine.declaration.written import Located, Written
from reconciler.engine.registry import Registry

LARGEST = 400
"""More differing objects than this, and the long way costs no more."""


def differing(written: Written, live: Catalog, registry: Registry) -> frozenset[ObjectId]:
    """The written objects that a server must elaborate: not there, or with another text."""
    return frozenset(
        id
        for id, item in written.objects.items()
        if registry.of(id).elaborated and id not in written.known and not _is_same(item, live.get(id))
    )


def _is_same(item: Located, there: Entry | None) -> bool:
    return there is not None and there.state == item.declared.state and there.parent == item.declared.parent


def part_of(
    written: Written,
    live: Catalog,
    changed: frozenset[ObjectId],
    registry: Registry,
    around: frozenset[ObjectId] = frozenset(),
) -> Written | None:
    """The smallest part of the declared state in which the changed objects, and those `around` that depend on
    them, surely mean what they mean in the whole; None where that cannot be told.

    An expression of a table names its own columns, and functions, types, operators and sequences: all of
    those that it can mean are in the part, so that no name can find another object than it finds in the
    whole. A view or a policy can name anything. Where one is declared as it is there, its names are those of
    what it needs there, each with its schema.
    """
    if not changed or len(changed) > LARGEST or not all(registry.of(id).is_local for id in changed):
        return None
    unsaid = {id for id in written.objects if registry.of(id).is_ambient}
    read = changed | around
    frontier = [_holder(id, written) for id in read]
    below = _children(written)

    def is_own(child: ObjectId) -> bool:
        """Whether it belongs to what its table is, and leads to no other table as a foreign key does."""
        home = _holder(child, written)
        return registry.of(child).is_local and all(
            (holder := _holder(_told(needed, written, live), written)) == home
            or registry.of(holder).is_ambient
            for needed in _needs(child, written, live)
        )

    heirs = _heirs(written)
    chosen: set[ObjectId] = set()
    while frontier or (found := meant(texts_of(chosen, written), unsaid - chosen, registry)):
        if not frontier:
            frontier.extend(found)
        id = frontier.pop()
        if id in written.unread:
            return None
        if id in chosen or id not in written.objects:
            continue
        chosen.add(id)
        frontier.extend(child for child in below.get(id, ()) if child in read or is_own(child))
        frontier.extend(heirs.get(id, ()))
        frontier.extend(_holder(needed, written) for needed in _needs(id, written, live))
    objects = {id: item for id, item in written.objects.items() if id in chosen}
    return Written(objects)


def texts_of(chosen: Iterable[ObjectId], written: Written) -> str:
    """All that these objects say, for `meant`; with it the names that PostgreSQL makes of theirs."""
    return said(f"{written.objects[id].declared!r} {'_'.join(id.path[1:])}" for id in chosen)


def _needs(id: ObjectId, written: Written, live: Catalog) -> Iterable[ObjectId]:
    yield from written.objects[id].declared.needs
    if (there := live.get(id)) is not None:
        yield from there.needs


def _told(id: ObjectId, written: Written, live: Catalog) -> ObjectId:
    """The object, or what of it is written down: the table of an inherited column."""
    while id not in written.objects and (there := live.get(id)) is not None and there.parent is not None:
        id = there.parent
    return id


def _holder(id: ObjectId, written: Written) -> ObjectId:
    """The object at the top that this one hangs on: the table of a column."""
    item = written.objects.get(id)
    while item is not None and item.declared.parent is not None:
        id = item.declared.parent
        item = written.objects.get(id)
    return id


def _children(written: Written) -> Mapping[ObjectId, list[ObjectId]]:
    found: dict[ObjectId, list[ObjectId]] = {}
    for id, item in written.objects.items():
        if item.declared.parent is not None:
            found.setdefault(item.declared.parent, []).append(id)
    return found


def _heirs(written: Written) -> Mapping[ObjectId, list[ObjectId]]:
    """The tables that inherit from each, and its partitions."""
    found: dict[ObjectId, list[ObjectId]] = {}
    for id, item in written.objects.items():
        declared = item.declared
        for above in Entry(id, declared.state, needs=declared.needs).ancestors:
            found.setdefault(above, []).append(id)
    return found
