"""What is there though nobody wrote it: brought along by an ancestor, or by PostgreSQL itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.inheritance import table_of
from reconciler.engine.registry import Registry


def come_along(
    entries: dict[ObjectId, Entry],
    current: Catalog,
    registry: Registry,
    elaborated: Mapping[ObjectId, Entry] = MappingProxyType({}),
) -> bool:
    """Add what the live database has of what nobody need write. False where it has some of that otherwise
    than an ancestor makes it: a key may explain it (NOT NULL), which a server knows. What an `elaborated`
    column lacks is not added."""
    for entry in current:
        if entry.id in entries or (
            entry.parent in elaborated and registry.of(entry).is_overridden_by_partitions
        ):
            continue
        if entry.carrier is not None and _is_brought(entry, entries, current, registry):
            entries[entry.id] = entry
            carrier = current[entry.carrier]
            if not registry.of(entry).is_attachable and registry.of(entry).deviates(entry, carrier):
                return False
        elif (source := _inherited_too(entry, entries, current, registry)) is not None:
            entries[entry.id] = entry
            if registry.of(entry).deviates(entry, source):
                return False
        elif registry.of(entry).built_in(entry) and not registry.is_shared(entry):
            entries[entry.id] = entry
    return True


def can_stand(entries: dict[ObjectId, Entry], registry: Registry) -> bool:
    """Whether nothing stands on what goes: only a server can say whether such an object can stay. What an
    ancestor no longer carries becomes an object of its own."""
    for id, entry in entries.items():
        if entry.carrier is None and entry.needs <= entries.keys():
            continue
        if entry.carrier is not None and entry.carrier not in entries:
            entries[id] = dataclasses.replace(entry, carrier=None)
        # Not a difference with entries.keys(): that walks all keys for every entry.
        gone = [needed for needed in entry.needs if needed != entry.carrier and needed not in entries]
        if not all(registry.of(needed).is_shared for needed in gone):
            return False
    return True


def _is_brought(
    entry: Entry, entries: Mapping[ObjectId, Entry], current: Catalog, registry: Registry
) -> bool:
    """Whether an inherited object comes along unwritten: its table and its carrier are there."""
    if entry.parent is not None and entry.parent not in entries:
        return False
    carrier = current.get(entry.carrier)
    if carrier is None or _is_left(entry, carrier, entries, current, registry):
        return False
    declared = entries.get(carrier.id)
    if declared is None:
        return carrier.carrier is not None and _is_brought(carrier, entries, current, registry)
    # What a changed index brings along was elaborated with it, perhaps under another name.
    return declared.state == carrier.state or not registry.of(entry).is_attachable


def _inherited_too(
    entry: Entry, entries: Mapping[ObjectId, Entry], current: Catalog, registry: Registry
) -> Entry | None:
    """What an ancestor of its table has that is one with the entry, though it is the table's own too: as what
    an heir had before it became one is, and stays."""
    table = _shared_table(entry, current, registry)
    declared = entries.get(table) if table is not None else None
    if table is None or declared is None:
        return None
    for above in declared.ancestors if entry.carrier is None else ():
        id = ObjectId(entry.id.kind, (*above.path, *entry.id.path[len(table.path) :]))
        if id in entries:
            return entries[id]
        there = current.get(id)
        if there is not None and (
            _is_brought(there, entries, current, registry)
            or _inherited_too(there, entries, current, registry) is not None
        ):
            return there
    return None


def _shared_table(entry: Entry, current: Catalog, registry: Registry) -> ObjectId | None:
    """The table that a column, a check or a column's default is of; None for all that no heir inherits so."""
    kind = registry.of(entry)
    if not (kind.is_overridden_by_partitions or kind.reaches_children(entry)):
        return None
    return table_of(entry, current, registry)


def _is_left(
    entry: Entry, carrier: Entry, entries: Mapping[ObjectId, Entry], current: Catalog, registry: Registry
) -> bool:
    """Whether its table no longer inherits from the carrier's."""
    table, above = (table_of(each, current, registry) for each in (entry, carrier))
    before, after = current.get(table), entries.get(table) if table is not None else None
    return before is not None and after is not None and above in before.ancestors - after.ancestors
