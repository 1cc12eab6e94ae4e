"""What of a database is ours: the part of the current catalog that a comparison looks at."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.shared_objects import counted
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from reconciler.engine.declaration.written import Written

Prune = Literal["never", "ask", "always"]
"""never: it stays. ask: it goes, with consent where data is lost. always: that consent is given."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The settings under `manage:`."""

    schemas: tuple[str, ...] = ()
    """Empty: every schema that is not PostgreSQL's own or an extension's."""
    ignore: tuple[str, ...] = ()
    """Patterns over ids: `table:public.spatial_*`, `*:partman.*`."""
    ownership: bool = False
    prune: Prune = "ask"
    all_roles: bool = False
    """Whether a pull with ownership writes every role of the server."""


def managed(catalog: Catalog, scope: Scope, registry: Registry) -> Catalog:
    """The entries that the settings put under management; what hangs on a left-out object is left out too."""
    kept = {entry.id: entry for entry in catalog if _is_managed(catalog, entry, scope, registry)}
    return catalog if len(kept) == len(catalog) else dataclasses.replace(catalog, entries=kept)


def _is_managed(catalog: Catalog, entry: Entry, scope: Scope, registry: Registry) -> bool:
    if not scope.schemas and not scope.ignore:
        return True
    holder: Entry | None = entry
    while holder is not None:
        if _left_out_by(holder.id, holder.parent, scope, registry) is not None:
            return False
        holder = catalog.get(holder.parent)
    return True


def left_out(
    written: Written, ids: Mapping[ObjectId, ObjectId], scope: Scope, registry: Registry
) -> Iterator[Problem]:
    """What is declared and left out of management at once: its live side would not be looked at, so that it
    would be created again with each plan. `ids` is what each written id is called in the catalog."""
    if not scope.schemas and not scope.ignore:
        return
    for id, item in written.objects.items():
        by = _left_out_by(ids.get(id, id), item.declared.parent, scope, registry)
        if by is not None:
            at = item.position
            message = f"it is declared here, and left out by {by} in reconcile.yaml"
            hint = "declare it no more, or leave it out no more"
            yield Problem(at.file, at.line, at.column, str(id), message, hint)


def _left_out_by(id: ObjectId, parent: ObjectId | None, scope: Scope, registry: Registry) -> str | None:
    """The setting that leaves an object out by itself, as a person wrote it; None where none does."""
    has_schema = len(id.path) > 1 or registry.of(id).is_namespace
    if scope.schemas and has_schema and not parent and id.path[0] not in scope.schemas:
        return f"`manage.schemas: [{', '.join(scope.schemas)}]`"
    text = str(id)
    pattern = next((one for one in scope.ignore if fnmatchcase(text, one)), None)
    return f"`{pattern}` under `manage.ignore`" if pattern is not None else None


def compared_with(
    current: Catalog, declared: Mapping[ObjectId, Entry], scope: Scope, registry: Registry
) -> Catalog:
    """The managed part of `current` that a declared state is held against.

    Without `ownership` only those owners and privileges count that the YAML declares; what every database has
    (schema public) may stay undeclared.
    """
    said = {(entry.id.kind, entry.parent) for entry in declared.values() if _is_opt_in(entry, registry)}
    kept = {
        entry.id: entry
        for entry in managed(current, scope, registry)
        if entry.id in declared or _counts(entry, scope, registry, said)
    }
    ours = {
        id: entry
        for id, entry in kept.items()
        # A comment on a role that is somebody else's is theirs too.
        if entry.parent is None or entry.parent in kept or not registry.of(entry.parent).is_shared
    }
    return counted(dataclasses.replace(current, entries=ours), declared, registry)


def _is_opt_in(entry: Entry, registry: Registry) -> bool:
    return registry.of(entry).is_opt_in or (entry.parent is not None and registry.of(entry.parent).is_opt_in)


def _counts(
    entry: Entry, scope: Scope, registry: Registry, said: Container[tuple[str, ObjectId | None]]
) -> bool:
    """`said` is what is declared of what counts only then, by kind and parent."""
    kind = registry.of(entry)
    if _is_opt_in(entry, registry) and (entry.id.kind, entry.parent) not in said:
        return False
    if kind.managed_with_ownership and not scope.ownership:
        return False
    return not kind.built_in(entry)


def with_access(
    live: Catalog, current: Catalog, wanted: Catalog, scope: Scope, registry: Registry
) -> tuple[Catalog, Catalog]:
    """Both sides with the owners and privileges that nobody declares and nobody manages: they stay as they
    are, and come back with an object that is dropped and made again."""
    kept = {
        entry.id: entry
        for entry in live
        if entry.id not in current
        and entry.id not in wanted
        and entry.parent in current
        and entry.parent in wanted
        and registry.of(entry).managed_with_ownership
        and registry.of(entry).is_facet
        and not registry.of(entry).built_in(entry)
        and _is_managed(live, entry, scope, registry)
    }
    if not kept:
        return current, wanted
    return (
        dataclasses.replace(current, entries={**current.entries, **kept}),
        dataclasses.replace(wanted, entries={**wanted.entries, **kept}),
    )


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
