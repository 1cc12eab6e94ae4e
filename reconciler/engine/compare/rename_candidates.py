"""What disappears and what appears may be one thing under two names: only a person knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

from reconciler.core.catalog import Catalog, Entry, compared
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
    """For each dropped object that a created one resembles most: the sentence that asks which it is.

    No created object is asked about twice: the pairs that are most alike come first.
    """
    made: dict[object, list[Entry]] = {}
    for change in changes.values():
        if isinstance(change, Create) and change.entry.id not in not_renamed:
            likeness = registry.of(change.entry).rename_signature(change.entry)
            if likeness is not None and not _has_new_parent(changes, change.entry):
                made.setdefault((change.entry.id.kind, likeness), []).append(change.entry)
    pairs: list[tuple[float, Entry, Entry]] = []
    for id, change in changes.items():
        if made and isinstance(change, Drop) and not isinstance(changes.get(change.entry.parent), Drop):  # type: ignore[arg-type]
            likeness = registry.of(change.entry).rename_signature(change.entry)
            for other in made.get((id.kind, likeness), ()):
                if likeness is not None and _alike(current, desired, change.entry, other):
                    pairs.append((_likeness(current, desired, change.entry, other), change.entry, other))
    return {old.id: _question(registry, old, new) for old, new in _assigned(pairs)}


def _assigned(pairs: list[tuple[float, Entry, Entry]]) -> Iterator[tuple[Entry, Entry]]:
    """Each object at most once, from the most alike pair on."""
    seen: set[ObjectId] = set()
    for _, old, new in sorted(pairs, key=lambda pair: (-pair[0], pair[1].id, pair[2].id)):
        if old.id not in seen and new.id not in seen:
            seen |= {old.id, new.id}
            yield old, new


def _likeness(current: Catalog, desired: Catalog, old: Entry, new: Entry) -> float:
    """How much two objects of one shape have in common: name, attributes, place among the others, what hangs
    on them and mentions them. The name counts most."""
    names = SequenceMatcher(None, old.id.path[-1].lower(), new.id.path[-1].lower(), autojunk=False).ratio()
    before, after = compared(old.state), compared(new.state)
    attributes = sum(one == other for one, other in zip(before, after, strict=True)) / max(len(before), 1)
    apart: int = abs(getattr(old.state, "position", 0) - getattr(new.state, "position", 0))
    around = _shared(_around(current, old), _around(desired, new))
    return 2 * names + attributes + around + 1 / (1 + apart)


def _around(catalog: Catalog, entry: Entry) -> set[object]:
    """The kinds of what needs the object, and what hangs on it."""
    below: set[object] = {(child.id.kind, child.state) for child in catalog.children.get(entry.id, ())}
    return below | {id.kind for id in catalog.dependents.get(entry.id, ())}


def _shared(one: set[object], other: set[object]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


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
