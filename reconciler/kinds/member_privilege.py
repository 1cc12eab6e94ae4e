"""Privileges on an extension's own relations and routines that are not those that its script leaves (manual:
pg_init_privs)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Destination, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.privilege import PRIVILEGES, Privileges, Target, canonical, parsed
from reconciler.core.statement import Hazard, HazardCode, Statement

_Grants = tuple[tuple[str, tuple[str, ...]], ...]

_SQL_WORDS = {
    "function": ("FUNCTION", "functions"),
    "aggregate": ("FUNCTION", "functions"),
    "procedure": ("PROCEDURE", "functions"),
    "sequence": ("SEQUENCE", "sequences"),
    "table": ("TABLE", "tables"),
    "view": ("TABLE", "tables"),
    "materialized view": ("TABLE", "tables"),
    "foreign table": ("TABLE", "tables"),
}
"""Type of object as pg_identify_object calls it -> the word of GRANT, the object type of privileges."""


@dataclass(frozen=True, slots=True)
class MemberPrivilegeState:
    """Who may do what with one member, for those who have something else than the script gave them."""

    grants: _Grants
    """(grantee, privileges), sorted."""
    usual: _Grants = dataclasses.field(default=(), compare=False)
    """What the script left to the same grantees."""


def _split(named: str) -> tuple[str, str]:
    """`function public.f(integer)` -> type and identity. Raises ValueError."""
    for type in sorted(_SQL_WORDS, key=len, reverse=True):
        if named.startswith(f"{type} "):
            return type, named[len(type) + 1 :]
    raise ValueError(f"{named!r} does not begin with what it is: {', '.join(_SQL_WORDS)}")


def _target(entry: Entry, grantee: str) -> Target:
    type, identity = _split(entry.id.path[-1])
    message = f"what {grantee} may do with {entry.id.path[-1]} changes"
    hazards = (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)
    return Target(f"{_SQL_WORDS[type][0]} {identity}", grantee, hazards=hazards)


def _change(old: Entry, new: Entry) -> Iterable[Statement]:
    before: dict[str, tuple[str, ...]] = dict(old.state.grants)
    usual: dict[str, tuple[str, ...]] = dict(old.state.usual)
    after: dict[str, tuple[str, ...]] = dict(new.state.grants)
    for grantee in sorted({*before, *after}):
        had = before.get(grantee, ("all",))
        yield from _target(new, grantee).change(had, after.get(grantee, usual.get(grantee, ())))


class MemberPrivilege(Kind[MemberPrivilegeState]):
    """Privileges on a member of an extension, where they are not those that the extension's script leaves."""

    name = "member_privilege"
    section = "member_grants"
    parents = ("extension",)
    state = MemberPrivilegeState
    document = dict[str, Privileges]
    rank = 86
    is_facet = True
    managed_with_ownership = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "grants": InPlace(_change),
        "usual": Ignored("a fact about the extension"),
    }

    def query(self, major: int) -> LiteralString:
        return _MEMBERS

    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        type, identity = _split(name)
        object_type = _SQL_WORDS[type][1]
        grants = tuple(sorted((who, _in_full(held, object_type)) for who, held in document.items()))
        roles = frozenset(ObjectId("role", (who,)) for who in document if who != "public")
        # pg_identify_object leaves no space between the types of arguments.
        named = f"{type} {identity.replace(', ', ',')}"
        id = nest.parent.facet("member_privilege", named)
        yield Declared(id, MemberPrivilegeState(grants), nest.parent, roles)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return entry.id.path[-1], {who: list(held) for who, held in entry.state.grants}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        for who, held in entry.state.grants:
            yield from _target(entry, who).change(("all",), held)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        usual = dict(entry.state.usual)
        for who, held in entry.state.grants:
            yield from _target(entry, who).change(held, usual.get(who, ()))

    def label(self, entry: Entry) -> str:
        return f"privileges on {entry.id.path[-1]} of extension {entry.id.path[1]}"

    def normalized(self, entry: Entry, destination: Destination) -> Entry | None:
        if destination.major >= _MAJOR_OF_MAINTAIN:
            return entry
        kept = tuple(
            (who, tuple(text for text in held if not text.startswith("maintain")))
            for who, held in entry.state.grants
        )
        return dataclasses.replace(entry, state=MemberPrivilegeState(kept))


_MAJOR_OF_MAINTAIN = 17


def _in_full(items: Iterable[str], object_type: str) -> tuple[str, ...]:
    """Each privilege by itself, sorted. Raises ValueError for one that such objects do not have."""
    found: dict[str, bool] = {}
    for text in canonical(items, object_type):
        for word, column, grantable in parsed(text):
            if column is not None:
                raise ValueError("privileges on columns of an extension's table are not managed")
            for each in PRIVILEGES[object_type] if word == "all" else (word,):
                found[each] = found.get(each, False) or grantable
    return tuple(sorted(f"{word}{' with grant option' if passes else ''}" for word, passes in found.items()))


_MEMBERS: LiteralString = """
    WITH object AS (
        SELECT d.classid, d.objid, d.refobjid AS extension, c.relacl AS acl, c.relowner AS owner,
            pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) AS usual
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
        WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        UNION ALL
        SELECT d.classid, d.objid, d.refobjid, f.proacl, f.proowner,
            pg_catalog.acldefault('f', f.proowner)
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_proc f ON f.oid = d.objid
        WHERE d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass),
    changed AS MATERIALIZED (
        SELECT o.classid, o.objid, o.extension, coalesce(o.acl, o.usual) AS now,
            coalesce(p.initprivs, o.usual) AS first
        FROM object o
        LEFT JOIN pg_catalog.pg_init_privs p
            ON p.classoid = o.classid AND p.objoid = o.objid AND p.objsubid = 0
        WHERE (o.acl IS NOT NULL OR p.objoid IS NOT NULL)
            AND coalesce(o.acl, o.usual) <> coalesce(p.initprivs, o.usual)),
    word AS (
        SELECT c.classid, c.objid, a.grantee, true AS is_now, pg_catalog.lower(a.privilege_type)
            || CASE WHEN bool_or(a.is_grantable) THEN ' with grant option' ELSE '' END AS word
        FROM changed c, pg_catalog.aclexplode(c.now) AS a GROUP BY 1, 2, 3, a.privilege_type
        UNION ALL
        SELECT c.classid, c.objid, a.grantee, false, pg_catalog.lower(a.privilege_type)
            || CASE WHEN bool_or(a.is_grantable) THEN ' with grant option' ELSE '' END
        FROM changed c, pg_catalog.aclexplode(c.first) AS a GROUP BY 1, 2, 3, a.privilege_type),
    side AS (
        SELECT w.classid, w.objid, w.grantee,
            CASE w.grantee WHEN 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(w.grantee)::text END AS who,
            coalesce(array_agg(w.word ORDER BY w.word COLLATE "C") FILTER (WHERE w.is_now), '{}') AS now,
            coalesce(array_agg(w.word ORDER BY w.word COLLATE "C") FILTER (WHERE NOT w.is_now), '{}') AS first
        FROM word w GROUP BY 1, 2, 3)
    SELECT 'member_privilege.' || c.classid || '.' || c.objid || '/0' AS address,
        'pg_extension/' || c.extension || '/0' AS parent,
        ARRAY[i.type || ' ' || i.identity] AS suffix,
        pg_catalog.json_agg(pg_catalog.json_build_array(s.who, s.now) ORDER BY s.who COLLATE "C") AS grants,
        pg_catalog.json_agg(pg_catalog.json_build_array(s.who, s.first) ORDER BY s.who COLLATE "C") AS usual,
        array_agg('pg_authid/' || s.grantee || '/0') AS needs
    FROM changed c
    JOIN side s ON s.classid = c.classid AND s.objid = c.objid AND s.now <> s.first,
        LATERAL pg_catalog.pg_identify_object(c.classid, c.objid, 0) AS i
    GROUP BY c.classid, c.objid, c.extension, i.type, i.identity
    ORDER BY 3"""
