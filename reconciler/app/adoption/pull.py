"""Pulling into a folder that may hold files already: each object is written where it is declared now."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.files import Written, schema_files, write_schema
from reconciler.app.kind_discovery import registry
from reconciler.app.planning import elaboration
from reconciler.app.planning.comparison import Request, live_catalog
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.document import Node, Position
from reconciler.core.errors import ReconcileError
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import compared_with, managed
from reconciler.engine.catalog.shared_objects import of_this_database
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection

_OWNER = b"""
    SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
    WHERE datname = pg_catalog.current_database()"""

Files = dict[str, dict[str, Any]]

_Way = tuple[str, ...]
"""A file, and the keys from its root to an object."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull wrote, and left."""

    written: Written
    unknown: tuple[str, ...]
    """Objects that no kind models."""
    left_out: Mapping[str, int]
    """How many owners, privileges and the like are there and were not written, by kind."""

    @property
    def left_out_summary(self) -> str | None:
        """`3 owners, 92 privileges`; None where nothing was left out."""
        found = (counted(number, kind.replace("_", " ")) for kind, number in self.left_out.items())
        return ", ".join(found) or None


@dataclass(frozen=True, slots=True)
class _Home:
    """Where an object is declared now."""

    file: str
    section: str
    key: str
    schema: str
    """The namespace of the file."""


@dataclass(slots=True)
class _Existing:
    """What the folder declares before the pull."""

    homes: Mapping[ObjectId, _Home] = field(default_factory=dict)
    unchanged: frozenset[ObjectId] = frozenset()
    """Objects that are in the database just as they are declared, with all that hangs on them."""
    heads: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """For each file the keys that are no sections: its namespace, where it is said."""
    singletons: Mapping[str, str] = field(default_factory=dict)
    """Section that holds one document -> the file that it stands in."""
    kept: frozenset[_Way] = frozenset()
    """Where the unchanged objects are declared, those within others too."""


def pull_into(folder: Path, request: Request) -> Pulled:
    """Write the live database into a folder; of `request` its schema path does not count.

    What is declared as it is in the database keeps its lines. Raises InvalidInput where files of the folder
    cannot be read, and ConnectionFailed.
    """
    from reconciler.engine.catalog.files import documents
    from reconciler.engine.connection.session import opened

    kinds = registry()
    with opened(request.url, read_only=True) as connection:
        whole = live_catalog(connection)
        live = managed(whole, request.scope, registry())
        left_out: Mapping[str, int] = {}
        if not request.scope.ownership:
            left_out = _ownership_of(live, kinds)
            live = live.only(entry.id for entry in live if not kinds.of(entry).managed_with_ownership)
        existing = _existing(folder, whole, request, connection)
        live = _with_unusual(live, connection)
    pulled = documents(live, kinds, all_roles=request.scope.all_roles)
    files = (
        _placed(pulled, live, existing)
        if existing.homes
        else {name: dict(data) for name, data in pulled.items()}
    )

    def same_in(file: str) -> Callable[[tuple[str, ...], Any, Any], bool]:
        from reconciler.engine.yaml.writer import canonical

        return lambda path, old, new: (file, *path) in existing.kept or canonical(old) == canonical(new)

    return Pulled(write_schema(files, folder, same_in), live.unknown, left_out)


def _ownership_of(live: Catalog, kinds: Registry) -> Mapping[str, int]:
    """How many owners, privileges, roles and the like `ownership` would write, by kind."""
    written = of_this_database(live, kinds)
    return Counter(
        entry.id.kind
        for entry in sorted(written, key=lambda entry: entry.id.kind)
        if kinds.of(entry).managed_with_ownership
        and (kinds.of(entry).is_shared or not kinds.of(entry).built_in(entry))
    )


def _with_unusual(live: Catalog, connection: Connection[Any]) -> Catalog:
    """The catalog with what is written though it is built in: it is not as a new database would have it."""
    entries = dict(live.entries)
    for kind in registry():
        for (path,) in connection.execute(kind.unusual) if kind.unusual else ():
            if (entry := entries.get(ObjectId(kind.name, tuple(path)))) is not None:
                entries[entry.id] = dataclasses.replace(
                    entry, state=dataclasses.replace(entry.state, usual=False)
                )
    return dataclasses.replace(live, entries=entries)


def _existing(folder: Path, live: Catalog, request: Request, connection: Connection[Any]) -> _Existing:
    from reconciler.engine.declaration.load import load
    from reconciler.engine.elaborate.given import with_given

    if not folder.is_dir() or not schema_files(folder):
        return _Existing()
    kinds = registry()
    written = load(folder, kinds)
    row = connection.execute(_OWNER).fetchone()
    owner = str(row[0]) if row else ""
    try:
        given = with_given(written, live, request.scope, kinds)
        desired = elaboration.desired(given, live, connection, request.hosts, owner)
    except ReconcileError:
        # What PostgreSQL refuses cannot be compared: names and text must do.
        ids: Mapping[ObjectId, ObjectId] = {}
        unchanged: frozenset[ObjectId] = frozenset()
    else:
        ids = desired.ids
        current = compared_with(live, desired.catalog.entries, request.scope, kinds)
        unchanged = _unchanged(current, desired.catalog)
    ways, heads = _ways(folder)
    places = {
        ids.get(id, id): ways[place]
        for id, item in written.objects.items()
        if (place := item.position) in ways
    }
    homes = {id: home for id, way in places.items() if (home := _home(way, heads)) is not None}
    singletons = {way[1]: way[0] for way in places.values() if len(way) < _AT_TOP}
    kept = frozenset(way for id, way in places.items() if id in unchanged)
    return _Existing(homes, unchanged, heads, singletons, kept)


def _home(way: _Way, heads: Mapping[str, dict[str, Any]]) -> _Home | None:
    from reconciler.engine.declaration.written import HOME

    if len(way) != _AT_TOP:
        return None
    file, section, key = way
    return _Home(file, section, key, heads[file].get(HOME, "public"))


_AT_TOP = 3
"""File, section and name: how an object at the top is reached."""


def _ways(folder: Path) -> tuple[dict[Position, _Way], dict[str, dict[str, Any]]]:
    """The way to each key of all files by its place, and the files' heads."""
    from reconciler.engine.declaration.written import HOME
    from reconciler.engine.yaml.reader import read_folder

    ways: dict[Position, _Way] = {}
    heads: dict[str, dict[str, Any]] = {}
    for read in read_folder(folder):
        if read.root is None:
            continue
        name = Path(read.file).relative_to(folder).as_posix()
        heads[name] = {HOME: read.root.data[HOME]} if HOME in read.root.data else {}
        ways |= {node.key_position(): way for way, node in _below((name,), read.root)}
    return ways, heads


def _below(way: _Way, node: Node) -> Iterator[tuple[_Way, Node]]:
    for key, inner in node.items():
        yield (*way, key), inner
        yield from _below((*way, key), inner)


def _unchanged(current: Catalog, desired: Catalog) -> frozenset[ObjectId]:
    """The objects that are the same in both, with all that hangs on them."""
    before, after = _trees(current), _trees(desired)
    return frozenset(id for id, tree in after.items() if before.get(id) == tree)


def _trees(catalog: Catalog) -> dict[ObjectId, set[tuple[ObjectId, str]]]:
    """Each object with what hangs on it, itself included."""
    trees: dict[ObjectId, set[tuple[ObjectId, str]]] = {}
    for entry in catalog:
        own = (entry.id, entry.digest())
        above: Entry | None = entry
        while above is not None:
            trees.setdefault(above.id, set()).add(own)
            above = catalog.get(above.parent)
    return trees


def _placed(pulled: Mapping[str, Mapping[str, Any]], live: Catalog, existing: _Existing) -> Files:
    """The pulled objects by the files that declare them now; new ones by the files that are theirs by name.

    An object that changed moves out of a file with another namespace, whose unqualified names mean others.
    """
    from reconciler.engine.declaration.written import HOME

    kinds = registry()
    ids = {
        (
            kinds.of(entry).section,
            kinds.of(entry).write(entry, _schema(entry.id))[0],
            _schema(entry.id),
        ): entry.id
        for entry in live
        if entry.parent is None and not kinds.of(entry).parents
    }
    files: Files = {name: dict(head) for name, head in existing.heads.items()}
    folded = {name.casefold(): name for name in files}
    for name, content in pulled.items():
        schema = content.get(HOME, "public")
        for section, entries in content.items():
            if section == HOME:
                continue
            if kinds.top[section].singleton:
                files.setdefault(existing.singletons.get(section, name), {})[section] = entries
                continue
            for key, data in entries.items():
                id = ids.get((section, key, schema))
                home = existing.homes.get(id) if id is not None else None
                if home is not None and (home.schema == schema or id in existing.unchanged):
                    new_key = home.key if id in existing.unchanged else key
                    files[home.file].setdefault(home.section, {})[new_key] = data
                else:
                    file = _free(name, schema, files, folded)
                    files.setdefault(file, {HOME: schema} if HOME in content else {})
                    files[file].setdefault(section, {})[key] = data
    return {name: content for name, content in files.items() if set(content) - {HOME}}


def _free(name: str, schema: str, files: Files, folded: dict[str, str]) -> str:
    """The file of that name, or the first like it, whose namespace is `schema` and that no file system merges
    with another file: `folded` has the files by their names without case."""
    from reconciler.engine.catalog.files import numbered
    from reconciler.engine.declaration.written import HOME

    number, chosen = 1, name
    while (present := folded.get(chosen.casefold())) is not None:
        if present == chosen and files[chosen].get(HOME, "public") == schema:
            break
        number += 1
        chosen = numbered(name, number)
    folded[chosen.casefold()] = chosen
    return chosen


def _schema(id: ObjectId) -> str:
    return id.path[0] if len(id.path) > 1 else "public"
