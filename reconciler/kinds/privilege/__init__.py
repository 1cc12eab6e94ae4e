"""Privileges (manual: GRANT): an entry per object and grantee that has something else than by default."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.address import facet_of, grant_target
from reconciler.core.catalog import Entry
from reconciler.core.current_database import KIND as DATABASE
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Destination, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.privilege import (
    OBJECT_TYPES,
    OF_PUBLIC,
    Privileges,
    Target,
    canonical,
    of_major,
    parsed,
    written,
)
from reconciler.core.statement import Hazard, HazardCode, Statement
from reconciler.kinds.privilege.query import PRIVILEGES


@dataclass(frozen=True, slots=True)
class PrivilegeState:
    """What one grantee may do with one object, in canonical form (core.privilege)."""

    privileges: tuple[str, ...] = ()
    usual: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """What the grantee has of a new object without being told."""
    of_owner: bool = dataclasses.field(default=False, compare=False)
    always_read: bool = dataclasses.field(default=False, compare=False)
    """Whether it is an entry even where it is as usual."""


_PUBLIC_IN_PUBLIC = ObjectId("schema", ("public",)).facet("privilege", "public")


class PrivilegeDocument(Document):
    """`app_rw: [select, insert, "update (name, email)"]`; for the owner with less than all of its privileges
    `{owner: true, privileges: [select]}`."""

    privileges: Privileges = ()
    owner: bool = False


def _short(value: object) -> object:
    return {"privileges": value} if isinstance(value, str | list) else value


def _object_type(id: ObjectId) -> str:
    return OBJECT_TYPES[id.path[0]]


def _target(entry: Entry) -> Target:
    holder = facet_of(ObjectId(entry.id.kind, entry.id.path[:-1]))
    grantee = entry.id.path[-1]
    message = f"what {grantee} may do with {holder.kind.replace('_', ' ')} {'.'.join(holder.path)} changes"
    hazards = (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)
    target = None if holder.kind == DATABASE else grant_target(holder)
    return Target(target, grantee, hazards=hazards)


def _change(old: Entry, new: Entry) -> Iterable[Statement]:
    return _target(new).change(old.state.privileges, new.state.privileges)


class Privilege(Kind[PrivilegeState]):
    """The privileges of one grantee on one object; `public` stands for all roles."""

    name = "privilege"
    section = "grants"
    parents = tuple(OBJECT_TYPES)
    state = PrivilegeState
    document = Annotated[PrivilegeDocument, BeforeValidator(_short)]
    rank = 85
    is_facet = True
    managed_with_ownership = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "privileges": InPlace(_change),
        "usual": Ignored("a fact about the object"),
        "of_owner": Ignored("a fact about the grantee"),
        "always_read": Ignored("a fact about the object and the grantee"),
    }

    def query(self, major: int) -> LiteralString:
        return PRIVILEGES

    def declare(self, name: str, document: PrivilegeDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        object_type = OBJECT_TYPES[nest.parent.kind]
        held = canonical(document.privileges, object_type)
        usual = OF_PUBLIC.get(object_type, ()) if name == "public" else ()
        if document.owner:
            usual = canonical(("all",), object_type)
        columns = {
            nest.parent.child("column", privilege.column)
            for text in document.privileges
            for privilege in parsed(text)
            if privilege.column is not None and nest.parent.kind in ("table", "foreign_table")
        }
        roles = {ObjectId("role", (name,))} if name != "public" else set()
        yield Declared(
            nest.parent.facet("privilege", name),
            PrivilegeState(held, usual, document.owner),
            nest.parent,
            frozenset(columns | roles),
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: PrivilegeState = entry.state
        privileges = written(state.privileges)
        if state.of_owner and state.privileges != state.usual:
            return entry.id.path[-1], {"owner": True, "privileges": privileges}
        return entry.id.path[-1], privileges

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"privileges": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _target(entry).change(entry.state.usual, entry.state.privileges)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _target(entry).change(entry.state.privileges, entry.state.usual)

    def remaining_default(self, entry: Entry, changing: Container[ObjectId]) -> Entry | None:
        state: PrivilegeState = entry.state
        assert entry.parent is not None
        if state.of_owner and entry.parent.facet("owner") in changing:
            return None  # it is read of the owner alone
        usual = dataclasses.replace(state, privileges=state.usual)
        return dataclasses.replace(entry, state=usual) if state.always_read else None

    def label(self, entry: Entry) -> str:
        kind, *names, grantee = entry.id.path
        return f"privileges of {grantee} on {kind.replace('_', ' ')} {'.'.join(names)}"

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.privileges == entry.state.usual)

    def normalized(self, entry: Entry, destination: Destination) -> Entry | None:
        object_type = _object_type(entry.id)
        held = of_major(entry.state.privileges, object_type, destination.major)
        state: PrivilegeState = dataclasses.replace(entry.state, privileges=held)
        entry = dataclasses.replace(entry, state=state)
        everything = canonical(("all",), object_type)
        if entry.id == _PUBLIC_IN_PUBLIC:
            return entry  # what is usual there depends on the server, and is always read
        is_owner = entry.id.path[-1] == destination.owner and entry.id.path[:2] != ("schema", "public")
        if is_owner and state.privileges == everything:
            return None
        return None if state.privileges == state.usual else entry

    def implied_entries(self, created: Entry, givers: Iterable[Entry]) -> Iterable[Entry]:
        """What the default privileges of the connected role give on what it makes.

        A plan is applied by the role that it was made with; under another role the second look after the
        plan tells the difference.
        """
        object_type = OBJECT_TYPES.get(created.id.kind)
        if object_type is None:
            return
        schema = created.id.path[0] if object_type != "schemas" else None
        for entry in givers:
            if entry.id.kind != "default_privilege" or not entry.state.connected:
                continue
            everything = canonical(("all",), object_type)
            of_new = {"public": OF_PUBLIC.get(object_type, ()), entry.id.path[0]: everything}
            mine = [grant for grant in entry.state.grants if grant[1] == object_type]
            for grantee, privileges in _given(mine, of_new, object_type, schema).items():
                usual = of_new.get(grantee, ())
                if privileges != usual:
                    id = created.id.facet("privilege", grantee)
                    role = {ObjectId("role", (grantee,))} if grantee != "public" else set()
                    needs = frozenset({created.id, *role})
                    yield Entry(id, PrivilegeState(privileges, usual), created.id, needs)


def _given(
    mine: Iterable[tuple[str, str, str, tuple[str, ...]]],
    of_new: Mapping[str, tuple[str, ...]],
    object_type: str,
    schema: str | None,
) -> Mapping[str, tuple[str, ...]]:
    """Grantee -> what default privileges on objects of its type give it: those for all schemas replace what
    each has of a new object, those of the object's schema add to it."""
    found = dict(of_new)
    found.update({grantee: privileges for place, _, grantee, privileges in mine if place == "*"})
    for place, _, grantee, privileges in mine:
        if place == schema:
            found[grantee] = canonical((*found.get(grantee, ()), *privileges), object_type)
    return found
