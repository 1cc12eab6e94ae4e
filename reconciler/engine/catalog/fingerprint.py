"""A digest of everything in the catalogs that a comparison can depend on, worked out by the server in one
query.

Contents are hashed, not transaction numbers: a restored copy has the same fingerprint, and VACUUM and ANALYZE
change nothing. Equal fingerprints mean that reading the catalogs again would say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, LiteralString

from reconciler.core.attribute_options import SAID_OPTION

if TYPE_CHECKING:
    from psycopg import Connection

_OF_SESSIONS: Final[LiteralString] = """
    WITH temporary AS MATERIALIZED (
            SELECT oid FROM pg_catalog.pg_class WHERE relpersistence = 't'),
        temporary_schema AS MATERIALIZED (
            SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_'),
        temporary_type AS MATERIALIZED (
            SELECT oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM temporary_schema))"""
"""What other sessions make for themselves is no part of the schema, and changes by the second. Looked up once
for the whole query."""

_TEMPORARY: Final[LiteralString] = "(SELECT oid FROM temporary)"
_TEMPORARY_SCHEMAS: Final[LiteralString] = "(SELECT oid FROM temporary_schema)"

_CLASS: Final[LiteralString] = (
    "(SELECT oid, relname, relnamespace, reltype, reloftype, relowner, relam, reltablespace, reltoastrelid,"
    " relpersistence, relkind, relnatts, relrowsecurity, relforcerowsecurity, relispopulated, relreplident,"
    " relispartition, relacl, reloptions, pg_catalog.md5(relpartbound::text) FROM pg_catalog.pg_class"
    " WHERE oid >= 16384 AND relpersistence <> 't')"
)
"""Without what VACUUM and ANALYZE write."""

_RECORD: Final[LiteralString] = "pg_catalog.hash_record_extended(t, 0)"
_TEXT: Final[LiteralString] = "pg_catalog.hashtextextended(t::text, 0)"
"""For rows with a column whose type has no hash function (pg_node_tree, int2vector). Takes twice as long."""

_ATTRIBUTE: Final[LiteralString] = (
    "(SELECT attrelid, attname, atttypid, attnum, atttypmod, attstorage, attcompression, attnotnull,"
    " attidentity, attgenerated, attisdropped, attislocal, attcollation, attstattarget, attacl,"
    " attfdwoptions, CASE WHEN attoptions IS NOT NULL THEN nullif(ARRAY("
    f"SELECT o FROM pg_catalog.unnest(attoptions) AS o WHERE {SAID_OPTION}), '{{}}') END AS attoptions"
    " FROM pg_catalog.pg_attribute"
    f" WHERE attrelid >= 16384 AND attnum > 0 AND attrelid NOT IN {_TEMPORARY})"
)
"""Without system columns, what a default was when the column came (attmissingval), options that nobody said,
and what other catalogs say too."""

_SINCE: Final[tuple[tuple[LiteralString, int], ...]] = (
    ("confdelsetcols", 15),
    ("indnullsnotdistinct", 15),
    ("conenforced", 18),
    ("conperiod", 18),
    ("subtwophasestate", 15),
    ("subdisableonerr", 15),
    ("suborigin", 16),
    ("subpasswordrequired", 16),
    ("subrunasowner", 16),
    ("subfailover", 17),
)
"""Columns that not every major has, and the first that has them."""

LARGE: Final[tuple[tuple[LiteralString, LiteralString, LiteralString, LiteralString], ...]] = (
    (
        "pg_constraint",
        "oid, conname, connamespace, contype, condeferrable, condeferred, conenforced, convalidated,"
        " conrelid, contypid, conindid, conparentid, confrelid, confupdtype, confdeltype, confmatchtype,"
        " conislocal, coninhcount, connoinherit, conperiod, conkey, confkey, conpfeqop, conppeqop, conffeqop,"
        " confdelsetcols, conexclop",
        "pg_catalog.hashtextextended(conbin::text, 0) AS conbin",
        f"oid >= 16384 AND connamespace NOT IN {_TEMPORARY_SCHEMAS}",
    ),
    (
        "pg_attrdef",
        "oid, adrelid, adnum",
        "pg_catalog.hashtextextended(adbin::text, 0) AS adbin",
        f"adrelid NOT IN {_TEMPORARY}",
    ),
    (
        "pg_type",
        "oid, typname, typnamespace, typowner, typlen, typbyval, typtype, typcategory, typispreferred,"
        " typisdefined, typdelim, typrelid, typsubscript, typelem, typarray, typinput, typoutput, typreceive,"
        " typsend, typmodin, typmodout, typanalyze, typalign, typstorage, typnotnull, typbasetype, typtypmod,"
        " typndims, typcollation, typdefault, typacl",
        "pg_catalog.hashtextextended(typdefaultbin::text, 0) AS typdefaultbin",
        f"oid >= 16384 AND typnamespace NOT IN {_TEMPORARY_SCHEMAS}",
    ),
    (
        "pg_trigger",
        "oid, tgrelid, tgparentid, tgname, tgfoid, tgtype, tgenabled, tgisinternal, tgconstrrelid,"
        " tgconstrindid, tgconstraint, tgdeferrable, tginitdeferred, tgnargs, tgargs, tgoldtable, tgnewtable",
        "tgattr::int2[] AS tgattr, pg_catalog.hashtextextended(tgqual::text, 0) AS tgqual",
        f"tgrelid NOT IN {_TEMPORARY}",
    ),
    (
        "pg_index",
        "indexrelid, indrelid, indnatts, indnkeyatts, indisunique, indnullsnotdistinct, indisprimary,"
        " indisexclusion, indimmediate, indisclustered, indisvalid, indcheckxmin, indisready, indislive,"
        " indisreplident, indcollation, indclass",
        "indkey::int2[] AS indkey, indoption::int2[] AS indoption,"
        " pg_catalog.hashtextextended(indexprs::text, 0) AS indexprs,"
        " pg_catalog.hashtextextended(indpred::text, 0) AS indpred",
        f"indexrelid >= 16384 AND indexrelid NOT IN {_TEMPORARY}",
    ),
)
"""Catalogs with many rows whose columns are named one by one, so that their records can be hashed: the name,
the columns, those whose type has no hash function, which rows."""

_TABLES: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (
    ("pg_enum", "true"),
    ("pg_range", "rngtypid >= 16384"),
    ("pg_proc", "oid >= 16384"),
    ("pg_aggregate", "aggfnoid >= 16384"),
    ("pg_operator", "oid >= 16384"),
    ("pg_opclass", "oid >= 16384"),
    ("pg_opfamily", "oid >= 16384"),
    ("pg_amop", "oid >= 16384"),
    ("pg_amproc", "oid >= 16384"),
    ("pg_am", "oid >= 16384"),
    ("pg_cast", "oid >= 16384"),
    ("pg_collation", "oid >= 16384"),
    ("pg_conversion", "oid >= 16384"),
    ("pg_language", "true"),
    ("pg_namespace", f"oid NOT IN {_TEMPORARY_SCHEMAS}"),
    ("pg_description", "objoid >= 16384 OR objoid = 2200"),
    ("pg_event_trigger", "true"),
    ("pg_rewrite", f"oid >= 16384 AND ev_class NOT IN {_TEMPORARY}"),
    ("pg_policy", "true"),
    ("pg_inherits", f"inhrelid NOT IN {_TEMPORARY}"),
    ("pg_partitioned_table", "true"),
    ("pg_sequence", f"seqrelid NOT IN {_TEMPORARY}"),
    ("pg_statistic_ext", "true"),
    ("pg_foreign_data_wrapper", "true"),
    ("pg_foreign_server", "true"),
    ("pg_foreign_table", "true"),
    ("pg_user_mappings", "true"),
    ("pg_publication", "true"),
    ("pg_publication_rel", "true"),
    ("pg_ts_config", "oid >= 16384"),
    ("pg_ts_config_map", "mapcfg >= 16384"),
    ("pg_ts_dict", "oid >= 16384"),
    ("pg_ts_parser", "oid >= 16384"),
    ("pg_ts_template", "oid >= 16384"),
    ("pg_transform", "true"),
    ("pg_default_acl", "true"),
    ("pg_extension", "true"),
    ("pg_seclabel", "true"),
    ("pg_shseclabel", "true"),
    ("pg_init_privs", "objoid >= 16384"),
    ("pg_shdescription", "true"),
    (
        "pg_shdepend",
        "dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
        f" AND objid NOT IN {_TEMPORARY}",
    ),
    ("pg_roles", "true"),
    ("pg_auth_members", "true"),
    ("pg_db_role_setting", "true"),
    ("pg_tablespace", "true"),
)

_LASTING_DEPENDENCY: Final[LiteralString] = (
    f"objid NOT IN {_TEMPORARY} AND refobjid NOT IN {_TEMPORARY}"
    " AND objid NOT IN (SELECT oid FROM temporary_type)"
    " AND NOT (deptype = 'i' AND classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass)"
)
"""Without what pg_trigger.tgconstraint says too."""

_ROLES_ELSEWHERE: Final[LiteralString] = (
    "(SELECT DISTINCT refobjid FROM pg_catalog.pg_shdepend"
    " WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND dbid <>"
    " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))"
)
"""Which roles other databases refer to: those are nobody's to drop here."""

_SUBSCRIPTION: Final[LiteralString] = (
    "SELECT oid, subdbid, subname, subowner, subtwophasestate, subdisableonerr, suborigin,"
    " subpasswordrequired, subrunasowner, subfailover, subbinary, substream, subslotname, subsynccommit,"
    " subpublications FROM pg_catalog.pg_subscription"
)
"""Without how to connect, which only superusers may read."""

_LARGE_OBJECTS: Final[LiteralString] = (
    "(SELECT oid, lomacl FROM pg_catalog.pg_largeobject_metadata LIMIT 1001)"
)
"""As many as are counted (unmodeled.py): there can be millions."""

_SETTING: Final[LiteralString] = """
    SELECT 'server', 1, pg_catalog.hashtextextended(concat_ws(' ', pg_catalog.version(), current_user, d.oid,
        d.datname, d.datdba, d.datacl::text, d.datconnlimit, d.datistemplate), 0)::numeric
    FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()"""


def fingerprint(connection: Connection[Any]) -> str | None:
    """The digest of the catalogs behind `connection`; None where the role may not read one of them."""
    import hashlib

    import psycopg

    try:
        rows = connection.execute(_query(connection.info.server_version // 10000)).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _query(major: int) -> LiteralString:
    parts: list[LiteralString] = [
        _SETTING,
        _sum("pg_class", _CLASS, "true", _RECORD),
        _sum("pg_attribute", _ATTRIBUTE, "true", _RECORD),
        _sum("pg_depend", "pg_catalog.pg_depend", _LASTING_DEPENDENCY, _RECORD),
        _sum("pg_subscription", f"({_of(major, _SUBSCRIPTION)})", "true"),
        _sum("large objects", _LARGE_OBJECTS, "true"),
        _sum("roles elsewhere", _ROLES_ELSEWHERE, "true", _RECORD),
    ]
    parts.extend(
        _sum(
            name,
            f"(SELECT {_of(major, columns)}, {more} FROM pg_catalog.{name} WHERE {rows})",
            "true",
            _RECORD,
        )
        for name, columns, more, rows in LARGE
    )
    parts.extend(_sum(name, f"pg_catalog.{name}", rows) for name, rows in _TABLES)
    if major >= 15:
        parts.extend(
            _sum(name, f"pg_catalog.{name}", "true")
            for name in ("pg_publication_namespace", "pg_parameter_acl")
        )
    return _OF_SESSIONS + " UNION ALL ".join(parts) + " ORDER BY 1"


def _of(major: int, columns: LiteralString) -> LiteralString:
    """The columns that this major has."""
    for column, first in _SINCE:
        if major < first:
            columns = columns.replace(f" {column},", "")
    return columns


def _sum(
    name: LiteralString, source: LiteralString, rows: LiteralString, hashed: LiteralString = _TEXT
) -> LiteralString:
    return f"SELECT '{name}', pg_catalog.count(*), pg_catalog.sum({hashed}) FROM {source} AS t WHERE {rows}"
