"""From a catalog to files of YAML: canonical, stable, one file per table and one per kind otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.shared_objects import of_this_database
from reconciler.engine.declaration.written import HOME
from reconciler.engine.registry import Registry


def documents(
    catalog: Catalog, registry: Registry, *, all_roles: bool = False
) -> Mapping[str, Mapping[str, Any]]:
    """Relative path of each file -> its content as plain data, ready for the YAML writer.

    With `all_roles` what the server's databases share is written whole, not only what this database needs.
    """
    files: dict[str, dict[str, Any]] = {}
    catalog = catalog if all_roles else of_this_database(catalog, registry)
    told = [entry for entry in catalog if _is_told(entry, catalog, registry)]
    paths = {entry.id: _file(entry, registry) for entry in told}
    apart = _apart(paths.values())
    for entry in told:
        home = entry.id.path[0] if len(entry.id.path) > 1 else "public"
        path = apart[paths[entry.id]]
        content = files.setdefault(path, {HOME: home} if len(entry.id.path) > 1 else {})
        _put(content, entry, catalog, registry, home)
    return dict(sorted(files.items()))


def document(catalog: Catalog, registry: Registry) -> Mapping[str, Any]:
    """The whole catalog as the content of one file, in which every name is qualified."""
    content: dict[str, dict[str, Any]] = {}
    catalog = of_this_database(catalog, registry)
    for entry in sorted(catalog, key=lambda entry: entry.id):
        if not _is_told(entry, catalog, registry):
            continue
        _put(content, entry, catalog, registry, _NOWHERE)
    return {kind.section: content[kind.section] for kind in registry if kind.section in content}


def _put(content: dict[str, Any], entry: Entry, catalog: Catalog, registry: Registry, home: str) -> None:
    kind = registry.of(entry)
    key, data = kind.write(entry, home)
    whole = _with_children(entry, data, catalog, registry, home)
    if kind.singleton:
        content[kind.section] = whole
    else:
        content.setdefault(kind.section, {})[key] = whole


_NOWHERE = ""
"""No schema is called that: every name is written in full."""


def _is_told(entry: Entry, catalog: Catalog, registry: Registry) -> bool:
    """Whether it is written at the top of a file: not below another, and not what every database has."""
    kind = registry.of(entry)
    if entry.parent is not None or kind.parents:
        return False
    is_told_anyway = kind.built_in(entry) and not kind.is_shared
    return not is_told_anyway or any(_children(entry.id, catalog, registry))


def _file(entry: Entry, registry: Registry) -> str:
    kind = registry.of(entry)
    if len(entry.id.path) == 1:
        return f"{kind.section}.yaml"
    folder = _safe(entry.id.path[0])
    if kind.holds_data:
        return f"{folder}/{kind.section}/{_safe(entry.id.path[1])}.yaml"
    return f"{folder}/{kind.section}.yaml"


def _safe(name: str) -> str:
    """A name as a file name: what could confuse a shell or a file system is written as %XX."""
    return "".join(char if char.isalnum() or char in "_-" else f"%{ord(char):02X}" for char in name)[:200]


def _apart(paths: Iterable[str]) -> dict[str, str]:
    """Each path, with a number where a file system that folds case would merge it with another.

    The one in lower case keeps its name, and the others follow in the order of their names.
    """
    ordered = sorted(set(paths), key=lambda path: (path != path.lower(), path))
    taken = {path.casefold() for path in ordered}
    found: dict[str, str] = {}
    first: set[str] = set()
    for path in ordered:
        chosen, number = path, 1
        while chosen.casefold() in (taken if number > 1 else first):
            number += 1
            chosen = numbered(path, number)
        first.add(path.casefold())
        taken.add(chosen.casefold())
        found[path] = chosen
    return found


def numbered(path: str, number: int) -> str:
    """The path of a further file like that one."""
    return f"{path.removesuffix('.yaml')}_{number}.yaml"


def _with_children(entry: Entry, data: Any, catalog: Catalog, registry: Registry, home: str) -> Any:
    nested = dict(_sections(entry, catalog, registry, home))
    if not nested:
        return data
    return {**registry.of(entry).expand_short_form(data), **nested}


def _sections(entry: Entry, catalog: Catalog, registry: Registry, home: str) -> Iterator[tuple[str, Any]]:
    found: dict[str, Any] = {}
    for child in _children(entry.id, catalog, registry):
        kind = registry.of(child)
        key, data = kind.write(child, home)
        content = _with_children(child, data, catalog, registry, home)
        if kind.singleton:
            found[kind.section] = content
            continue
        is_own_kind = child.id.kind == entry.id.kind and kind.nested_section
        section = kind.nested_section if is_own_kind and kind.nested_section else kind.section
        found.setdefault(section, {})[key] = content
    sections = registry.under(entry.id.kind)
    order = {
        section: (not (kind.is_facet and kind.singleton), n)
        for n, (section, kind) in enumerate(sections.items())
    }
    # Comment and owner stand right under the name.
    yield from sorted(found.items(), key=lambda item: order.get(item[0], (True, len(order))))


def _children(id: ObjectId, catalog: Catalog, registry: Registry) -> Iterator[Entry]:
    for child in catalog.children.get(id, ()):
        kind = registry.of(child)
        is_told_anyway = kind.built_in(child) and (kind.is_opt_in or not kind.is_shared)
        if is_told_anyway and child.id not in catalog.children:
            continue
        carrier = catalog.get(child.carrier)
        if carrier is None or _is_worth_writing(child, carrier, catalog, registry):
            yield child


def _is_worth_writing(child: Entry, carrier: Entry, catalog: Catalog, registry: Registry) -> bool:
    if registry.of(child).deviates(child, carrier):
        return True
    return any(
        grandchild.carrier is None or _deviating(grandchild, catalog, registry)
        for grandchild in catalog.children.get(child.id, ())
    )


def _deviating(entry: Entry, catalog: Catalog, registry: Registry) -> bool:
    carrier = catalog.get(entry.carrier)
    return carrier is not None and registry.of(entry).deviates(entry, carrier)
