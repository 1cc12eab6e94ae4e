"""Which object of the database has a former name that the YAML declares (`rename_from`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput, Problem
from reconciler.core.ident import ObjectId, bare_name, split_name
from reconciler.core.statement import Statement
from reconciler.engine.declaration.written import Located


@dataclass(frozen=True, slots=True)
class Renaming:
    """One object under its former and its new name."""

    old: Entry
    id: ObjectId
    place: str
    """Where the YAML says so."""
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Collects renames in `found`, parents first, so that the last are carried out first."""

    declared: Mapping[ObjectId, Located]
    live: Catalog
    found: dict[ObjectId, Renaming] = field(default_factory=dict)
    """By the new name. Where a takes the name of b, which takes another, a comes first."""

    def look(self, id: ObjectId) -> None:
        """Find what is to become `id`; parents must have been looked for before.

        Raises Blocked where two former names exist or an object would have to move to another schema, and
        InvalidInput where names are swapped: nobody can tell that from a swap that is done.
        """
        if id in self.found:
            return  # it makes way for another
        if self._is_there(id):
            self._refuse_swap(id)
            return
        way = self._way(id, (id,))
        for renaming in reversed(way):
            self.found[renaming.id] = renaming

    def _way(self, id: ObjectId, seen: tuple[ObjectId, ...]) -> tuple[Renaming, ...]:
        """What has a former name of `id` takes its name; where that is declared too, what takes its place."""
        item = self.declared[id]
        ways: list[tuple[Renaming, ...]] = []
        for former in dict.fromkeys(self._formers(id)):
            if former not in self.live or former in seen:
                continue
            place = f"{item.position.file}:{item.position.line}"
            this = Renaming(self.live[former], id, place, ())
            if former.path[:-1] != id.path[:-1] and item.declared.parent is None:
                raise _in_another_schema(former, id, item)
            if not self._is_kept(former):
                ways.append((this,))
            elif further := self._way(former, (*seen, former)):
                ways.append((this, *further))
        if len(ways) > 1:
            raise Blocked(
                f"{id} may be any of {', '.join(str(way[0].old.id) for way in ways)}: all of them exist",
                where=str(item.position),
                hint="leave one former name in `rename_from`; declare the other objects or drop them first",
            )
        return ways[0] if ways else ()

    def _formers(self, id: ObjectId) -> Iterator[ObjectId]:
        item = self.declared[id]
        parent = item.declared.parent
        path = id.path
        if parent is not None and parent in self.found and path[: len(parent.path)] == parent.path:
            path = (*self.found[parent].old.id.path, *path[len(parent.path) :])
            yield ObjectId(id.kind, path)
        for name in item.declared.former_names:
            yield ObjectId(id.kind, _path(name, path))

    def _is_there(self, id: ObjectId) -> bool:
        """Whether it exists, and not below a table that takes another name."""
        entry = self.live.get(id)
        return entry is not None and not self._leaves(entry)

    def _is_kept(self, id: ObjectId) -> bool:
        """Whether what has this name in the database is declared under it."""
        return id in self.declared and self._is_there(id)

    def _leaves(self, entry: Entry) -> bool:
        return any(renaming.old.id == entry.parent for renaming in self.found.values())

    def _refuse_swap(self, id: ObjectId) -> None:
        seen, name = [id], self._taken_from(id)
        while name is not None and name not in seen:
            seen.append(name)
            name = self._taken_from(name)
        if name != id:
            return
        at = self.declared[id].position
        message = (
            f"{' and '.join(map(str, sorted(seen)))} have each other's former names, and all of them exist: "
            "whether they have changed names already cannot be told"
        )
        hint = "leave out `rename_from` where that is done; to exchange names, use a third one, in two plans"
        raise InvalidInput.of([Problem(at.file, at.line, at.column, None, message, hint)])

    def _taken_from(self, id: ObjectId) -> ObjectId | None:
        """A declared object whose name `id` had."""
        return next((former for former in self._formers(id) if self._is_kept(former)), None)


def _path(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """`name`, as a person writes it, in the place of the last part of `path`; the schema may be said."""
    if len(path) != 2:
        return (*path[:-1], bare_name(name))
    parts = split_name(name)
    return parts if len(parts) == 2 else (*path[:-1], parts[-1])


def _in_another_schema(former: ObjectId, id: ObjectId, item: Located) -> Blocked:
    return Blocked(
        f"{former} cannot become {id}: a plan moves nothing to another schema",
        where=str(item.position),
        hint="ALTER … SET SCHEMA by hand first, and plan again: what was moved is then taken as it is; "
        "or leave out `rename_from`, and it is dropped and made anew",
    )
