"""Memberships in roles (manual: GRANT). Who granted one is nobody's concern."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.kind import Declared, Disturbance, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.role import OWN
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class MembershipState:
    """One role in another. Before PostgreSQL 16 there is only `admin`."""

    admin: bool = False
    """May grant the membership to others."""
    inherit: bool | None = None
    """Has the privileges of the other role without SET ROLE; None is what the member's own INHERIT says."""
    set: bool = True
    """May become the other role by SET ROLE."""
    grantors: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Who granted it, beside the superuser that initdb made; PostgreSQL 16 revokes each grant on its own."""
    is_others: bool = dataclasses.field(default=False, compare=False)
    """Whether neither role is this database's alone."""


class MembershipDocument(Document):
    """`member_of: {app_rw: {}, pg_monitor: {admin: true}}`"""

    admin: bool = False
    inherit: bool | None = None
    set: bool = True


def _words(entry: Entry) -> tuple[str, str]:
    member, role = entry.id.path
    return quote(role), quote(member)


def _hazards(entry: Entry) -> tuple[Hazard, ...]:
    member, role = entry.id.path
    message = f"what {member} may do as a member of {role} changes"
    return (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)


def _grant(entry: Entry, options: Sequence[str]) -> Statement:
    role, member = _words(entry)
    inside = f" WITH {', '.join(options)}" if options else ""
    return Statement(f"GRANT {role} TO {member}{inside}", hazards=_hazards(entry))


def _revoke(entry: Entry, prefix: str = "") -> Iterable[Statement]:
    role, member = _words(entry)
    by = [f" GRANTED BY {quote(grantor)}" if grantor else "" for grantor in entry.state.grantors]
    for grantor in by or [""]:
        yield Statement(f"REVOKE {prefix}{role} FROM {member}{grantor}", hazards=_hazards(entry))


def _admin(old: Entry, new: Entry) -> Iterable[Statement]:
    if new.state.admin:
        yield _grant(new, ["ADMIN OPTION"])
    else:
        yield from _revoke(old, "ADMIN OPTION FOR ")


def _option(name: str) -> InPlace[MembershipState]:
    def render(old: Entry, new: Entry) -> Iterable[Statement]:
        yield _grant(new, [f"{name.upper()} {'TRUE' if getattr(new.state, name) else 'FALSE'}"])

    def unless(old: MembershipState, new: MembershipState) -> str | None:
        only_new = getattr(new, name) is None
        return "only a new grant takes over what the member's own attribute says" if only_new else None

    return InPlace(render, unless=unless)


class Membership(Kind[MembershipState]):
    """That one role is a member of another; it hangs on the member."""

    name = "membership"
    section = "member_of"
    parents = ("role",)
    state = MembershipState
    document = MembershipDocument
    rank = 2
    elaborated = False
    is_shared = True
    managed_with_ownership = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "admin": InPlace(_admin),
        "inherit": _option("inherit"),
        "set": _option("set"),
        "grantors": Ignored("a fact about the grant"),
        "is_others": Ignored("a fact about the server"),
    }

    def query(self, major: int) -> LiteralString:
        options: LiteralString = "NULL::boolean AS inherit, true AS set, '{}'::text[] AS grantors"
        mine: LiteralString = "true"
        if major >= 16:
            options = """CASE WHEN bool_or(m.inherit_option) <> bool_or(r.rolinherit)
                    THEN bool_or(m.inherit_option) END AS inherit,
                bool_or(m.set_option) AS set,
                array_agg(CASE m.grantor WHEN 10 THEN '' ELSE pg_catalog.pg_get_userbyid(m.grantor)::text END
                    ORDER BY m.grantor) AS grantors"""
            # CREATE ROLE makes its caller, when it is no superuser, a member that may only administrate.
            mine = """NOT (m.grantor = 10 AND m.admin_option AND NOT m.inherit_option AND NOT m.set_option
                AND r.rolname = CURRENT_USER)"""
        return (
            "WITH"
            + OWN
            + """
            SELECT 'pg_auth_members/' || m.roleid || '.' || m.member || '/0' AS address,
                'pg_authid/' || m.member || '/0' AS parent,
                ARRAY[r.rolname, g.rolname]::text[] AS path,
                ARRAY['pg_authid/' || m.roleid || '/0'] AS needs,
                bool_or(m.admin_option) AS admin,
                m.member NOT IN (SELECT oid FROM own) AND m.roleid NOT IN (SELECT oid FROM own) AS is_others,
                """
            + options
            + """
            FROM pg_catalog.pg_auth_members m
            JOIN pg_catalog.pg_roles r ON r.oid = m.member
            JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
            WHERE r.rolname !~ '^pg_' AND r.oid <> 10 AND """
            + mine
            + """
            GROUP BY m.roleid, m.member, r.rolname, g.rolname
            ORDER BY r.rolname, g.rolname"""
        )

    def declare(self, name: str, document: MembershipDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        role = ObjectId("role", (bare_name(name),))
        if role == nest.parent:
            raise ValueError("a role cannot be a member of itself")
        yield Declared(
            nest.parent.child("membership", role.path[0]),
            MembershipState(document.admin, document.inherit, document.set),
            nest.parent,
            frozenset({nest.parent, role}),
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: MembershipState = entry.state
        data: dict[str, Any] = {"admin": True} if state.admin else {}
        if state.inherit is not None:
            data["inherit"] = state.inherit
        if not state.set:
            data["set"] = False
        return written_bare(entry.id.path[1]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: MembershipState = entry.state
        options = ["ADMIN OPTION"] if state.admin else []
        if state.inherit is not None:
            options.append(f"INHERIT {'TRUE' if state.inherit else 'FALSE'}")
        if not state.set:
            options.append("SET FALSE")
        yield _grant(entry, options)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _revoke(entry)

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        return disturbance is Disturbance.DEFAULTED and entry.state.inherit is None

    def label(self, entry: Entry) -> str:
        member, role = entry.id.path
        return f"membership of {member} in {role}"

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.is_others)
