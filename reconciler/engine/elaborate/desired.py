"""The desired catalog, by the shortest way that is surely right.

Canonical text equal to the live catalog's text needs no server. What differs goes to the scratch server, and
what PostgreSQL writes differently when it reads its own words again is read twice.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import EMPTY, Catalog, Entry, State
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, ReconcileError
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Destination
from reconciler.engine.compare.implicit_objects import can_stand, come_along
from reconciler.engine.declaration.written import Written
from reconciler.engine.elaborate.affected import Disturbed, affected
from reconciler.engine.elaborate.partial_build import differing, part_of
from reconciler.engine.elaborate.scratch import Elaborated, ScratchLacks, elaborate, rebuild
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    from psycopg import Connection

Scratch = Callable[[], "AbstractContextManager[Connection[Any]]"]
"""Opens an empty database of its own each time."""

Remember = Callable[[str, Callable[[], Any]], Any]
"""A memory: answers with what was made under that name before, or makes it."""


@dataclass(frozen=True, slots=True)
class Desired:
    """The declared state in the words of the catalogs."""

    catalog: Catalog
    ids: Mapping[ObjectId, ObjectId]
    """Written id -> catalog id."""
    used_scratch: bool

    def told_of(self, written: Written) -> Desired:
        """The same without the ids of what is not `written` (what is given)."""
        if len(self.ids) == len(written.objects):
            return self
        return dataclasses.replace(self, ids={id: self.ids[id] for id in written.objects})


MOST_DRAFTED = 2000
"""More objects than this are not made in one transaction: the server's lock table is finite."""


class TooLittleRead(Exception):
    """What was not read of the declared state is needed to understand what was."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the declared state is elaborated with."""

    registry: Registry
    scratch: Scratch
    destination: Destination
    remember: Remember
    """`remember(name, make)` may answer with what `make` made before."""
    draft: Scratch | None = None
    """Like `scratch`, quicker, and for little: what PostgreSQL refuses there must be tried in `scratch`."""

    def build(self, written: Written, live: Catalog = EMPTY) -> Elaborated:
        """Make it on the scratch server and read it back. Raises InvalidInput for what PostgreSQL refuses."""
        with self.scratch() as connection:
            return elaborate(written, connection, self.registry, live)

    def build_again(self, elaborated: Elaborated) -> Catalog:
        """Make it from PostgreSQL's own words and read it back."""
        with self.scratch() as connection:
            return rebuild(elaborated.catalog, connection, self.registry)


def desired_catalog(written: Written, current: Catalog, workshop: Workshop) -> Desired:
    """What the declared state is, as the target's catalog would say it. Raises TooLittleRead."""
    registry = workshop.registry
    if (short := _by_part(written, current, workshop)) is not None:
        return short
    if written.unread:
        raise TooLittleRead
    elaborated: Elaborated = workshop.remember("built", lambda: workshop.build(written, current))

    def again() -> Catalog:
        remembered: Catalog = workshop.remember("again", lambda: workshop.build_again(elaborated))
        return remembered

    catalog = _settled(written, elaborated, current, registry, again)
    return Desired(_normal(catalog, registry, workshop.destination), elaborated.ids, used_scratch=True)


def _by_part(written: Written, current: Catalog, workshop: Workshop) -> Desired | None:
    """The desired catalog with only a part of it elaborated; None where that does not work out."""
    registry = workshop.registry
    changed = differing(written, current, registry)
    settled = _read_part(part_of(written, current, changed, registry), current, workshop)
    if settled is None:
        return None
    around = affected(written, settled, current, registry) - changed
    if not around.isdisjoint(written.known) or not around.isdisjoint(written.unread):
        raise TooLittleRead
    if around:
        settled = _read_part(part_of(written, current, changed, registry, around), current, workshop)
        if settled is None:
            return None
    return without_server(written, current, registry, workshop.destination, settled.entries)


def _read_part(part: Written | None, current: Catalog, workshop: Workshop) -> Catalog | None:
    """The part as PostgreSQL reads it; None where there is none, or only the whole can be understood."""
    if part is None:
        return None
    settled = _drafted(part, current, workshop)
    if settled is None:
        try:
            settled = _built(part, current, workshop)
        except ScratchLacks:
            raise
        except InvalidInput:
            return None  # the whole gives the better message, or has what the part lacks
    return settled


def _drafted(part: Written, current: Catalog, workshop: Workshop) -> Catalog | None:
    """The part as built in drafts; None where those do not serve."""
    import psycopg

    if workshop.draft is None or len(part.objects) > MOST_DRAFTED:
        return None
    try:
        return _built(part, current, dataclasses.replace(workshop, scratch=workshop.draft))
    except (ReconcileError, psycopg.Error):
        return None  # such as a statement that no transaction may hold


def _built(part: Written, current: Catalog, workshop: Workshop) -> Catalog:
    elaborated = workshop.build(part, current)
    again = functools.partial(workshop.build_again, elaborated)
    return _settled(part, elaborated, current, workshop.registry, again)


def without_server(
    written: Written,
    current: Catalog,
    registry: Registry,
    destination: Destination,
    elaborated: Mapping[ObjectId, Entry] = MappingProxyType({}),
) -> Desired | None:
    """The declared state where text alone tells it, beside what was `elaborated` already; None where only a
    server can."""
    entries: dict[ObjectId, Entry] = {id: current[id] for id in written.unread}
    for id, item in written.objects.items():
        if (real := written.known.get(id)) is not None:
            entries[real] = current[real]
            continue
        there = current.get(id)
        declared = item.declared
        if (known := elaborated.get(id)) is not None and registry.of(id).elaborated:
            is_same = there is not None and there.state == known.state and there.parent == known.parent
            entries[id] = there if is_same and there is not None else known
        elif there is not None and there.state == declared.state and there.parent == declared.parent:
            entries[id] = there
        elif registry.of(id).elaborated:
            return None
        else:
            needs = declared.needs | ({declared.parent} if declared.parent else set())
            entry = registry.of(id).normalized(Entry(id, declared.state, declared.parent, needs), destination)
            if entry is not None:
                entries[id] = entry
    for entry in elaborated.values():
        if registry.of(entry).elaborated and not registry.of(entry).built_in(entry):
            entries.setdefault(entry.id, entry)  # what comes by itself: a serial column's sequence
    if not come_along(entries, current, registry, elaborated) or not can_stand(entries, registry):
        return None
    catalog = dataclasses.replace(current, entries=entries)
    ids = {id: written.known.get(id, id) for id in written.objects}
    return Desired(catalog, ids, used_scratch=bool(elaborated))


def _settled(
    written: Written,
    elaborated: Elaborated,
    current: Catalog,
    registry: Registry,
    read_again: Callable[[], Catalog],
) -> Catalog:
    """Take the live text where the YAML says just that text; read what differs a second time."""
    entries = dict(elaborated.catalog.entries)
    names = {real: id for id, real in elaborated.ids.items()}
    taken: dict[ObjectId, Entry] = {}
    doubtful = False
    for id, entry in entries.items():
        if (item := written.objects.get(names.get(id, id))) is not None:
            entries[id] = dataclasses.replace(entry, state=with_intentions(entry.state, item.declared.state))
    for id, entry in entries.items():
        there = current.get(id)
        if not registry.of(id).reparses(entry) or (there is not None and there.state == entry.state):
            continue
        item = written.objects.get(names.get(id, id))
        if there is not None and item is not None and item.declared.state == there.state:
            taken[id] = entry
            entries[id] = dataclasses.replace(entry, state=there.state)
        else:
            doubtful = doubtful or item is None or item.declared.state != entry.state
    if doubtful or any(map(Disturbed(entries, current, registry), taken)):
        again = read_again()
        for id, entry in entries.items():
            there, second = current.get(id), again.get(id)
            if (
                second is not None
                and registry.of(id).reparses(entry)
                and (there is None or there.state != entry.state)
            ):
                entries[id] = dataclasses.replace(entry, state=second.state)
        disturbed = Disturbed(entries, current, registry)
        entries.update({id: again.get(id) or entry for id, entry in taken.items() if disturbed(id)})
    return dataclasses.replace(elaborated.catalog, entries=entries)


def with_intentions(state: State, declared: State) -> State:
    """The state with what only a person can say about the way there (fields that no catalog holds)."""
    said = {
        field.name: getattr(declared, field.name)
        for field in dataclasses.fields(declared)
        if not field.compare and getattr(state, field.name) == _default(field)
    }
    return dataclasses.replace(state, **said) if said else state


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _normal(catalog: Catalog, registry: Registry, destination: Destination) -> Catalog:
    entries = {}
    for id, entry in catalog.entries.items():
        kind = registry.of(entry)
        normal = entry if kind.elaborated else kind.normalized(entry, destination)
        if normal is not None:
            entries[id] = normal
    return dataclasses.replace(catalog, entries=entries)
