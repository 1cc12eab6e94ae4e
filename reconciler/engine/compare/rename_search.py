"""Which object of the database has a former name that the YAML declares (`rename_from`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    part: str = ""
    """What of the object is renamed (`label: low → mid`); empty for the object itself."""


@dataclass(frozen=True, slots=True)
class Search:
    """Collects renames in `found`, parents first, so that the last are carried out first."""

    declared: Mapping[ObjectId, Located]
    live: Catalog
    found: dict[ObjectId, Renaming] = field(default_factory=dict)
    """By the new name. Where a takes the name of b, which takes another, a comes first."""

    def look(self, id: ObjectId) -> None:
        """Find what is to become `id`; parents must have been looked for before.

        A former name that is declared again is handed on where its object has a former name itself, and else
        belongs to a new object. Either way the rename is done once `id` exists.

        Raises Blocked where two former names exist, two objects have the same one, or an object would have to
        move to another schema; InvalidInput where names are swapped: a swap that is done looks the same.
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
        """The object with a former name of `id`, and what takes its place where that name is declared too."""
        item = self.declared[id]
        ways: list[tuple[Renaming, ...]] = []
        reused: list[tuple[Renaming, ...]] = []
        for former in dict.fromkeys(self._formers(id)):
            if former in seen[:-1]:
                raise _swapped(seen, item)
            if former not in self.live or former == id or self._goes_elsewhere(former, item):
                continue
            self._refuse_second_claim(former, id)
            place = f"{item.position.file}:{item.position.line}"
            this = Renaming(self.live[former], id, place, ())
            if former.path[:-1] != id.path[:-1] and item.declared.parent is None:
                raise _in_another_schema(former, id, item)
            if not self._is_kept(former):
                ways.append((this,))
            elif further := self._way(former, (*seen, former)):
                ways.append((this, *further))
            else:
                reused.append((this,))
        ways = ways or reused
        if len(ways) > 1:
            raise Blocked(
                f"{id} may be any of {', '.join(str(way[0].old.id) for way in ways)}: all of them exist",
                where=str(item.position),
                hint="leave one former name in `rename_from`; declare the other objects or drop them first",
            )
        return ways[0] if ways else ()

    def _goes_elsewhere(self, former: ObjectId, item: Located) -> bool:
        """Whether it leaves with its table, whose name is declared again for the table that `item` is in."""
        parent = self.live[former].parent
        return any(
            renaming.old.id == parent and renaming.id != item.declared.parent
            for renaming in self.found.values()
        )

    def _refuse_second_claim(self, former: ObjectId, id: ObjectId) -> None:
        other = next((one.id for one in self.found.values() if one.old.id == former), None)
        if other is not None:
            raise Blocked(
                f"{other} and {id} both say that they were {former}",
                where=str(self.declared[id].position),
                hint="only one of them can be that object: leave out `rename_from` at the other",
            )

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
        if name == id:
            raise _swapped(seen, self.declared[id])

    def _taken_from(self, id: ObjectId) -> ObjectId | None:
        """A declared object whose name `id` had."""
        return next((former for former in self._formers(id) if self._is_kept(former)), None)


def _path(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """`name`, as a person writes it, in the place of the last part of `path`; the schema may be said."""
    if len(path) != 2:
        return (*path[:-1], bare_name(name))
    parts = split_name(name)
    return parts if len(parts) == 2 else (*path[:-1], parts[-1])


def _swapped(ids: Iterable[ObjectId], item: Located) -> InvalidInput:
    at = item.position
    message = (
        f"{' and '.join(map(str, sorted(set(ids))))} have each other's former names: "
        "whether they have changed names already cannot be known"
    )
    hint = "leave out `rename_from` where that is done; to exchange names, use a third one, in two plans"
    return InvalidInput.of([Problem(at.file, at.line, at.column, None, message, hint)])


def _in_another_schema(former: ObjectId, id: ObjectId, item: Located) -> Blocked:
    return Blocked(
        f"{former} cannot become {id}: a plan moves nothing to another schema",
        where=str(item.position),
        hint="ALTER … SET SCHEMA by hand first, and plan again: what was moved is then taken as it is; "
        "or leave out `rename_from`, and it is dropped and made anew",
    )
