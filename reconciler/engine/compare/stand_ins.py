"""What takes the place of values that a type no longer has, and where no stand-in reaches such a value."""

from __future__ import annotations

from reconciler.core.aside import DataType
from reconciler.core.catalog import Catalog
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry


def stand_ins_of(id: ObjectId, desired: Catalog, registry: Registry) -> dict[str, str]:
    """The stand-ins for values that a type, or one below it (a domain over an enum), no longer has.

    Those inside a compound value are left out: its text is never equal to the value of one of its parts.
    """
    return _collected(id, desired, registry, inside=False)


def out_of_reach(id: ObjectId, desired: Catalog, registry: Registry) -> tuple[str, ...]:
    """The values with a stand-in that can occur inside values of the type, as in a composite's attribute."""
    everywhere = _collected(id, desired, registry, inside=True)
    reached = _collected(id, desired, registry, inside=False)
    return tuple(sorted(everywhere.keys() - reached.keys()))


def _collected(id: ObjectId, desired: Catalog, registry: Registry, *, inside: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[ObjectId] = set()
    waiting = [id]
    while waiting:
        entry = desired.get(waiting.pop())
        if entry is None or entry.id in seen:
            continue
        seen.add(entry.id)
        kind = registry.of(entry)
        found = {**kind.replaced_values(entry), **found}
        if inside or not kind.is_compound(entry):
            # A function that a domain's check calls may have types of its own: values never go there.
            waiting.extend(need for need in sorted(entry.needs) if isinstance(registry.of(need), DataType))
    return found
