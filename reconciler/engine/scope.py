"""What of a database is ours: the part of the current catalog that a comparison looks at."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.prune import Prune
from reconciler.engine.registry import Registry
from reconciler.engine.shared import counted


@dataclass(frozen=True, slots=True)
class Scope:
    """The settings under `manage:`."""

    schemas: tuple[str, ...] = ()
    """Empty: every schema that is not PostgreSQL's own or an extension's."""
    ignore: tuple[str, ...] = ()
    """Patterns over ids: `table:public.spatial_*`, `*:partman.*`."""
    ownership: bool = False
    prune: Prune = "ask"


def managed(catalog: Catalog, scope: Scope) -> Catalog:
    """The entries that the settings put under management; what hangs on a left-out object is left out too."""
    kept = {entry.id: entry for entry in catalog if _is_managed(catalog, entry, scope)}
    return catalog if len(kept) == len(catalog) else dataclasses.replace(catalog, entries=kept)


def _is_managed(catalog: Catalog, entry: Entry, scope: Scope) -> bool:
    if not scope.schemas and not scope.ignore:
        return True
    holder: Entry | None = entry
    while holder is not None:
        if not _is_ours(holder, scope):
            return False
        holder = catalog.get(holder.parent)
    return True


def _is_ours(entry: Entry, scope: Scope) -> bool:
    path = entry.id.path
    if scope.schemas and len(path) > 1 and not entry.parent and path[0] not in scope.schemas:
        return False
    text = str(entry.id)
    return not any(fnmatchcase(text, pattern) for pattern in scope.ignore)


def compared_with(
    current: Catalog, declared: Mapping[ObjectId, Entry], scope: Scope, registry: Registry
) -> Catalog:
    """The managed part of `current` that a declared state is held against.

    Without `ownership` only those owners and privileges count that the YAML declares; what every database has
    (schema public) may stay undeclared.
    """
    kept = {
        entry.id: entry
        for entry in managed(current, scope)
        if entry.id in declared or _counts(entry, scope, registry)
    }
    ours = {
        id: entry
        for id, entry in kept.items()
        # A comment on a role that is somebody else's is theirs too.
        if entry.parent in kept or entry.parent is None or not registry.of(entry.parent).is_shared
    }
    return counted(dataclasses.replace(current, entries=ours), declared, registry)


def _counts(entry: Entry, scope: Scope, registry: Registry) -> bool:
    kind = registry.of(entry)
    if kind.managed_with_ownership and not scope.ownership:
        return False
    return not kind.built_in(entry)


def without_needless(
    desired: Catalog, current: Catalog, declared: Iterable[ObjectId], registry: Registry
) -> Catalog:
    """The desired catalog without what only a new database has, nobody declared and nothing needs."""
    wanted = frozenset(declared)
    needless = {
        entry.id
        for entry in desired
        if registry.of(entry).built_in(entry)
        and entry.id not in current
        and entry.id not in wanted
        and not any(dependent in desired for dependent in desired.dependents.get(entry.id, ()))
    }
    return desired.only(id for id in desired.entries if id not in needless) if needless else desired
