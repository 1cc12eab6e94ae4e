"""Default privileges: what others get of objects that a role will make (manual: ALTER DEFAULT PRIVILEGES)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from pydantic import RootModel

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Declared, Destination, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.privilege import OF_PUBLIC, Privileges, Target, canonical, of_major, written
from reconciler.core.statement import Hazard, HazardCode, Statement

EVERYWHERE = "*"
"""In place of a schema: for objects in all schemas."""

Grant = tuple[str, str, str, tuple[str, ...]]
"""Schema or `*`, object type (`tables`), grantee, privileges in canonical form."""

ObjectType = Literal["tables", "sequences", "functions", "types", "schemas", "large_objects"]


@dataclass(frozen=True, slots=True)
class DefaultPrivilegeState:
    """All default privileges of one role, sorted. For all schemas only what differs from PostgreSQL's own
    defaults; in one schema what is added there."""

    grants: tuple[Grant, ...] = ()
    connected: bool = dataclasses.field(default=False, compare=False)
    """Whether it is the role that reads this."""


class DefaultPrivilegeDocument(RootModel[dict[str, dict[ObjectType, dict[str, Privileges]]]]):
    """`app_owner: {app: {tables: {app_rw: [select, insert]}}, "*": {functions: {public: []}}}`"""


def _usual(role: str, place: str, object_type: str, grantee: str) -> tuple[str, ...]:
    if place != EVERYWHERE:
        return ()
    if grantee == role:
        return canonical(("all",), object_type)
    return OF_PUBLIC.get(object_type, ()) if grantee == "public" else ()


def _change(old: Entry | None, new: Entry | None) -> Iterable[Statement]:
    entry = new or old
    assert entry is not None
    role = entry.id.path[0]
    before = {grant[:3]: grant[3] for grant in old.state.grants} if old else {}
    after = {grant[:3]: grant[3] for grant in new.state.grants} if new else {}
    for place, object_type, grantee in sorted({*before, *after}):
        key = (place, object_type, grantee)
        usual = _usual(role, *key)
        where = "" if place == EVERYWHERE else f"IN SCHEMA {quote(place)} "
        message = f"what {grantee} may do with {object_type.replace('_', ' ')} that {role} will make changes"
        target = Target(
            object_type.replace("_", " ").upper(),
            grantee,
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {quote(role)} {where}",
            (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),),
        )
        yield from target.change(before.get(key, usual), after.get(key, usual))


_DEFAULT_PRIVILEGES: LiteralString = """
            WITH word AS (
                SELECT d.oid, d.defaclrole AS role, a.grantee,
                    pg_catalog.lower(a.privilege_type) AS word,
                    bool_or(a.is_grantable AND a.grantee <> d.defaclrole) AS passes
                FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) AS a
                GROUP BY 1, 2, 3, 4),
            usual AS (
                SELECT d.oid, a.grantee, count(*) AS number
                FROM pg_catalog.pg_default_acl d
                CROSS JOIN LATERAL pg_catalog.aclexplode(pg_catalog.acldefault(
                    CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END::"char",
                    d.defaclrole)) AS a
                GROUP BY 1, 2),
            held AS (
                SELECT w.oid, w.grantee, count(*) AS number, bool_and(w.passes) AS every,
                    pg_catalog.jsonb_agg(x.text ORDER BY x.text COLLATE "C") AS words,
                    coalesce(pg_catalog.jsonb_agg(x.text ORDER BY x.text COLLATE "C") FILTER (WHERE w.passes),
                        '[]') AS passing
                FROM word w
                CROSS JOIN LATERAL (
                    SELECT w.word || CASE WHEN w.passes THEN ' with grant option' ELSE '' END) AS x (text)
                GROUP BY 1, 2),
            pair AS (
                SELECT d.oid, d.defaclrole AS role, d.defaclnamespace AS place, d.defaclobjtype AS type,
                    g.grantee, h.number, h.every, h.passing, coalesce(h.words, '[]') AS words,
                    CASE WHEN d.defaclnamespace = 0 THEN coalesce(u.number, 0) ELSE 0 END AS usual,
                    o.number AS total
                FROM pg_catalog.pg_default_acl d
                JOIN (SELECT oid, grantee FROM held UNION SELECT oid, grantee FROM usual) AS g
                    ON g.oid = d.oid
                JOIN usual o ON o.oid = d.oid AND o.grantee = d.defaclrole
                LEFT JOIN held h ON h.oid = d.oid AND h.grantee = g.grantee
                LEFT JOIN usual u ON u.oid = d.oid AND u.grantee = g.grantee
                -- Who may read the journal is not the schema's business.
                WHERE d.defaclnamespace NOT IN (
                    SELECT j.oid FROM pg_catalog.pg_namespace j WHERE j.nspname = '_reconcile'))
            SELECT 'default_privilege/' || p.role || '/0' AS address,
                ARRAY[pg_catalog.pg_get_userbyid(p.role)::text] AS path,
                array_agg(DISTINCT 'pg_default_acl/' || p.oid || '/0') AS also,
                array_agg(DISTINCT 'pg_namespace/' || n.oid || '/0') FILTER (WHERE n.oid IS NOT NULL)
                    || array_agg(DISTINCT 'pg_authid/' || p.grantee || '/0')
                    || ('pg_authid/' || p.role || '/0') AS needs,
                pg_catalog.pg_get_userbyid(p.role) = CURRENT_USER AS connected,
                pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(coalesce(n.nspname, '*'), y.name, r.name,
                    CASE WHEN p.number IS DISTINCT FROM p.total OR p.total = 1 THEN p.words
                        WHEN p.every THEN '["all with grant option"]' ELSE '["all"]' || p.passing END)
                    ORDER BY coalesce(n.nspname, '*') COLLATE "C", y.name COLLATE "C", r.name COLLATE "C"
                ) AS grants
            FROM pair p
            JOIN (VALUES ('r'::"char", 'tables'), ('S', 'sequences'), ('f', 'functions'), ('T', 'types'),
                ('n', 'schemas'), ('L', 'large_objects')) AS y (type, name) ON y.type = p.type
            CROSS JOIN LATERAL (
                SELECT CASE p.grantee WHEN 0 THEN 'public'
                    ELSE pg_catalog.pg_get_userbyid(p.grantee)::text END) AS r (name)
            LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.place
            -- PUBLIC and the owner have all or nothing by default: as many without grant option are the same.
            WHERE (p.place <> 0 AND p.number > 0) OR (p.place = 0
                AND (coalesce(p.number, 0) <> p.usual OR p.passing <> '[]'))
            GROUP BY p.role
            ORDER BY 2"""
"""What pg_default_acl holds, one row an object type, schema and role."""


class DefaultPrivilege(Kind[DefaultPrivilegeState]):
    """The default privileges of one role."""

    name = "default_privilege"
    section = "default_privileges"
    state = DefaultPrivilegeState
    document = DefaultPrivilegeDocument
    rank = 95
    managed_with_ownership = True
    shapes_new_objects = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "grants": InPlace(_change),
        "connected": Ignored("a fact about the session"),
    }

    def query(self, major: int) -> LiteralString:
        return _DEFAULT_PRIVILEGES

    def declare(self, name: str, document: DefaultPrivilegeDocument, nest: Nest) -> Iterable[Declared]:
        grants: list[Grant] = []
        for place, types in document.root.items():
            for object_type, grantees in types.items():
                if place != EVERYWHERE and object_type in ("schemas", "large_objects"):
                    raise ValueError(f"default privileges on {object_type} hold everywhere: put them under *")
                for grantee, privileges in grantees.items():
                    held = canonical(privileges, object_type)
                    if held != _usual(name, place, object_type, grantee):
                        grants.append((place, object_type, grantee, held))
        if any("(" in privilege for *_, privileges in grants for privilege in privileges):
            raise ValueError("default privileges are never for single columns")
        schemas = {ObjectId("schema", (place,)) for place in document.root if place != EVERYWHERE}
        roles = {ObjectId("role", (role,)) for role in {name, *(grant[2] for grant in grants)} - {"public"}}
        yield Declared(
            ObjectId("default_privilege", (name,)),
            DefaultPrivilegeState(tuple(sorted(grants))),
            needs=frozenset(schemas | roles),
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        data: dict[str, dict[str, dict[str, list[str]]]] = {}
        for place, object_type, grantee, privileges in entry.state.grants:
            data.setdefault(place, {}).setdefault(object_type, {})[grantee] = written(privileges)
        return entry.id.path[0], data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _change(None, entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _change(entry, None)

    def label(self, entry: Entry) -> str:
        return f"default privileges of {entry.id.path[0]}"

    def normalized(self, entry: Entry, destination: Destination) -> Entry | None:
        if not entry.state.grants:
            return None
        grants = tuple(
            (*grant[:3], of_major(grant[3], grant[1], destination.major)) for grant in entry.state.grants
        )
        return dataclasses.replace(entry, state=dataclasses.replace(entry.state, grants=grants))
