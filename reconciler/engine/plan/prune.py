"""What nobody declares (`manage.prune`): whether it goes.

Meant are whole objects: what stands at the top of a file, and partitions. What a declared object has that is
not declared (a column, an index) goes in any case: there the declaration says what the object is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode
from reconciler.engine.catalog.scope import Prune
from reconciler.engine.plan.model import Ack, Action, Plan, Step
from reconciler.engine.registry import Registry

_CONSENTED = "manage.prune is always"
_HINT = "declare it, drop it by hand, or leave `manage.prune` at ask"


@dataclass(frozen=True, slots=True)
class Spared:
    """The desired catalog with what is left as it is, and its outermost objects."""

    desired: Catalog
    left: tuple[ObjectId, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each object that is left."""
        return tuple(f"{id} is not declared; it is left, as manage.prune is never" for id in self.left)


def spared(prune: Prune, current: Catalog, desired: Catalog, registry: Registry) -> Spared:
    """With `never`, leave everything that nobody declares. Raises Blocked where it cannot stay: it needs
    something that goes, or has a name that is declared for something else."""
    if prune != "never":
        return Spared(desired, ())
    known: dict[ObjectId, bool] = {}
    kept = {entry.id: entry for entry in current if _is_spared(entry.id, current, desired, registry, known)}
    obstacles = [*_needing(kept, current, desired), *_named_alike(kept, current, desired, registry)]
    if obstacles:
        raise Blocked(
            "\n".join(["what is not declared shall stay (manage.prune is never), and cannot:", *obstacles]),
            hint=_HINT,
        )
    left = tuple(sorted(id for id, entry in kept.items() if entry.parent not in kept))
    return Spared(dataclasses.replace(desired, entries={**desired.entries, **kept}), left)


def _is_spared(
    id: ObjectId, current: Catalog, desired: Catalog, registry: Registry, known: dict[ObjectId, bool]
) -> bool:
    if id not in known:
        known[id] = False  # should parents ever go in a circle
        entry = current.get(id)
        known[id] = (
            entry is not None
            and id not in desired
            and (
                _stands_alone(entry, registry)
                or (entry.parent is not None and _is_spared(entry.parent, current, desired, registry, known))
            )
            and (
                entry.carrier is None
                or entry.carrier in desired
                or _is_spared(entry.carrier, current, desired, registry, known)
            )
        )
    return known[id]


def _stands_alone(entry: Entry, registry: Registry) -> bool:
    kind = registry.of(entry)
    if kind.is_facet or (kind.managed_with_ownership and not kind.is_shared):
        return False  # default privileges: `ownership` says that what is not declared is revoked
    return entry.parent is None or entry.parent.kind == entry.id.kind


def _needing(kept: Mapping[ObjectId, Entry], current: Catalog, desired: Catalog) -> Iterator[str]:
    for id, entry in sorted(kept.items()):
        gone = sorted(
            needed
            for needed in entry.needs
            if needed in current and needed not in desired and needed not in kept
        )
        if gone:
            yield f"  {id} needs {', '.join(map(str, gone))}, which goes"


def _named_alike(
    kept: Mapping[ObjectId, Entry], current: Catalog, desired: Catalog, registry: Registry
) -> Iterator[str]:
    made = {
        name: entry.id
        for entry in desired
        if entry.id not in current
        for name in registry.of(entry).claims_names(entry)
    }
    for id, entry in sorted(kept.items()):
        for name in registry.of(entry).claims_names(entry):
            if name in made:
                yield f"  {id} has the name that is declared for {made[name]}"
                break


def consented(prune: Prune, plan: Plan, current: Catalog, desired: Catalog, registry: Registry) -> Plan:
    """With `always`, the plan with consent to what is lost with objects that nobody declares."""
    if prune != "always":
        return plan
    acks = tuple(
        Ack(step.number, HazardCode.DATA_LOSS, _CONSENTED)
        for step in plan.steps
        if _is_pruning(step, current, desired, registry)
    )
    return dataclasses.replace(plan, acks=(*plan.acks, *acks)) if acks else plan


def _is_pruning(step: Step, current: Catalog, desired: Catalog, registry: Registry) -> bool:
    entry = current.get(step.object)
    return (
        step.action is Action.DROP
        and entry is not None
        and step.object not in desired
        and _stands_alone(entry, registry)
        and any(hazard.code is HazardCode.DATA_LOSS for hazard in step.hazards)
    )
