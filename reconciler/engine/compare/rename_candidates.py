"""What disappears and what appears may be one thing under two names: only a person knows."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Change, Create, Drop
from reconciler.engine.registry import Registry

ALIKE = 0.6
"""The share of common children names from which two objects with children count as alike."""


def possible_renames(
    current: Catalog,
    desired: Catalog,
    changes: Mapping[ObjectId, Change],
    registry: Registry,
    not_renamed: frozenset[ObjectId],
) -> dict[ObjectId, str]:
    """For each dropped object that a created one resembles: the sentence that asks which it is."""
    made: dict[object, list[Entry]] = {}
    for change in changes.values():
        if isinstance(change, Create) and change.entry.id not in not_renamed:
            likeness = registry.of(change.entry).resemblance(change.entry)
            if likeness is not None and not _has_new_parent(changes, change.entry):
                made.setdefault((change.entry.id.kind, likeness), []).append(change.entry)
    found: dict[ObjectId, str] = {}
    for id, change in changes.items():
        if isinstance(change, Drop) and not isinstance(changes.get(change.entry.parent), Drop):  # type: ignore[arg-type]
            likeness = registry.of(change.entry).resemblance(change.entry)
            for other in made.get((id.kind, likeness), ()):
                if likeness is not None and _alike(current, desired, change.entry, other):
                    found.setdefault(id, _question(registry, change.entry, other))
    return found


def _has_new_parent(changes: Mapping[ObjectId, Change], entry: Entry) -> bool:
    return entry.parent is not None and isinstance(changes.get(entry.parent), Create)


def _alike(current: Catalog, desired: Catalog, old: Entry, new: Entry) -> bool:
    before = {(child.id.kind, child.id.path[-1]) for child in current.children.get(old.id, ())}
    after = {(child.id.kind, child.id.path[-1]) for child in desired.children.get(new.id, ())}
    if not before and not after:
        return True
    return len(before & after) >= ALIKE * len(before | after)


def _question(registry: Registry, old: Entry, new: Entry) -> str:
    name = old.id.path[-1]
    return (
        f"{registry.of(old).label(old)} goes and {registry.of(new).label(new)} comes: "
        f"if it is the same under a new name, say `transition: {{rename_from: {name}}}` there; "
        "if not, `transition: {not_renamed: true}`"
    )
