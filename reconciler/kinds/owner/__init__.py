"""Owners (manual: ALTER ... OWNER TO). Only an owner that is not the usual one is an entry: the database's
owner, and for schema public pg_database_owner (the bootstrap superuser before 15)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of, saying
from reconciler.core.catalog import Entry
from reconciler.core.current_database import KIND as DATABASE
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId, qualified, quote
from reconciler.core.kind import Declared, Destination, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement, on
from reconciler.kinds.owner import former


@dataclass(frozen=True, slots=True)
class OwnerState:
    """The role that owns an object."""

    role: str
    usual: str = dataclasses.field(default="", compare=False)


def _give(entry: Entry, role: str) -> Iterable[Statement]:
    target = facet_of(entry.id)
    message = f"{target.kind.replace('_', ' ')} {'.'.join(target.path)} belongs to {role}"
    hazards = (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)
    locks = on(qualified(*target.path)) if target.kind in _RELATIONS else ()
    yield Statement(saying(target, "ALTER", f"OWNER TO {quote(role)}"), locks, hazards)


_RELATIONS = frozenset({"table", "view", "materialized_view", "sequence", "foreign_table"})
"""What ALTER ... OWNER TO locks: what is in pg_class."""


_OWNED: tuple[tuple[LiteralString, LiteralString, LiteralString], ...] = (
    ("pg_collation", "collowner", "true"),
    ("pg_conversion", "conowner", "true"),
    ("pg_event_trigger", "evtowner", "true"),
    ("pg_foreign_data_wrapper", "fdwowner", "true"),
    ("pg_foreign_server", "srvowner", "true"),
    ("pg_language", "lanowner", "true"),
    ("pg_opclass", "opcowner", "true"),
    ("pg_operator", "oprowner", "x.oprcode <> 0"),
    ("pg_opfamily", "opfowner", "true"),
    ("pg_proc", "proowner", "true"),
    ("pg_publication", "pubowner", "true"),
    ("pg_statistic_ext", "stxowner", "true"),
    ("pg_subscription", "subowner", "true"),
    ("pg_ts_config", "cfgowner", "true"),
    ("pg_ts_dict", "dictowner", "true"),
    (
        "pg_class",
        "relowner",
        """x.relkind IN ('r', 'p', 'v', 'm', 'f') OR x.relkind = 'S' AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = x.oid
                        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                        AND d.deptype IN ('a', 'i'))""",
    ),
    (
        "pg_type",
        "typowner",
        """x.typtype IN ('e', 'd', 'r')
                OR x.typtype IN ('b', 'p') AND NOT EXISTS (
                    SELECT FROM pg_catalog.pg_type e WHERE e.typarray = x.oid)
                OR x.typtype = 'c' AND EXISTS (
                    SELECT FROM pg_catalog.pg_class c WHERE c.oid = x.typrelid AND c.relkind = 'c')""",
    ),
)
"""Catalogs with the column that names the owner, and which of their rows (`x`) are objects of their own."""

_OBJECTS: LiteralString = """
                SELECT 'pg_namespace' AS class, n.oid, n.nspowner AS owner, n.nspname = 'public' AS public
                FROM pg_catalog.pg_namespace n
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                UNION ALL SELECT 'pg_database', d.oid, d.datdba, false FROM pg_catalog.pg_database d
                WHERE d.datname = pg_catalog.current_database()""" + "".join(
    """
                UNION ALL SELECT '""" + catalog + "', x.oid, x." + owner + ", false"
    " FROM pg_catalog." + catalog + " x WHERE x.oid >= 16384 AND (" + rows + ")"
    for catalog, owner, rows in _OWNED
)  # fmt: skip

_OWNERS: LiteralString = (
    "WITH object AS (" + _OBJECTS + """)
            SELECT 'owner/' || o.class || '.' || o.oid || '/0' AS address,
                o.class || '/' || o.oid || '/0' AS parent,
                ARRAY['pg_authid/' || o.owner || '/0'] AS needs,
                pg_catalog.pg_get_userbyid(o.owner)::text AS role,
                pg_catalog.pg_get_userbyid(usual.oid)::text AS usual
            FROM object o
            JOIN pg_catalog.pg_database b ON b.datname = pg_catalog.current_database()
            CROSS JOIN LATERAL (
                SELECT CASE WHEN o.class = 'pg_database' THEN 10 WHEN o.public THEN coalesce((
                    SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = 'pg_database_owner'
                        -- 14 has the role too, but initdb gives it the schema only since 15.
                        AND pg_catalog.current_setting('server_version_num')::integer >= 150000), 10)
                    ELSE b.datdba END AS oid) AS usual
            WHERE o.owner <> usual.oid OR o.class = 'pg_database'
            ORDER BY o.class, o.oid"""
)  # fmt: skip
"""The owners of all kinds of objects."""


class Owner(Kind[OwnerState]):
    """The owner of an object. An owned sequence has its table's owner."""

    name = "owner"
    section = "owner"
    parents = (
        "database",
        "schema",
        "table",
        "view",
        "materialized_view",
        "sequence",
        "function",
        "procedure",
        "aggregate",
        "enum",
        "domain",
        "composite",
        "range",
        "collation",
        "event_trigger",
        "foreign_data_wrapper",
        "foreign_table",
        "publication",
        "server",
        "statistics",
        "subscription",
        "base_type",
        "conversion",
        "language",
        "operator",
        "operator_class",
        "operator_family",
        "text_search_configuration",
        "text_search_dictionary",
    )
    singleton = True
    state = OwnerState
    document = str
    rank = 82
    is_facet = True
    managed_with_ownership = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "role": InPlace(lambda old, new: _give(new, new.state.role)),
        "usual": Ignored("a fact about the database"),
    }

    def query(self, major: int) -> LiteralString:
        return _OWNERS

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        needs = frozenset({ObjectId("role", (document,))})
        yield Declared(nest.parent.facet("owner"), OwnerState(document), nest.parent, needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "owner", entry.state.role

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _give(entry, entry.state.role)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _give(entry, entry.state.usual)

    def label(self, entry: Entry) -> str:
        target = facet_of(entry.id)
        return f"owner of {target.kind.replace('_', ' ')} {'.'.join(target.path)}"

    def save_properties(self, holder: ObjectId) -> Iterable[Statement]:
        return former.kept(holder)

    def restore_properties(self, holder: ObjectId) -> Iterable[Statement]:
        return former.given_back(holder)

    def built_in(self, entry: Entry) -> bool:
        return entry.id.path[0] == DATABASE and bool(entry.state.role == entry.state.usual)

    def normalized(self, entry: Entry, destination: Destination) -> Entry | None:
        if entry.id.path[0] == DATABASE:
            return entry
        is_public = facet_of(entry.id) == ObjectId("schema", ("public",))
        usual = "pg_database_owner" if is_public else destination.owner
        return None if entry.state.role == usual else entry
