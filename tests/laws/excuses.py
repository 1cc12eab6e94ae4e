"""What of the system catalogs no kind reads, and why that is right: the one place for such reasons.

`docs/coverage.md` shows them, test_catalogs.py holds them to be complete and needed.
"""

from __future__ import annotations

from collections.abc import Mapping

_STATISTICS = "what ANALYZE or VACUUM counted last"
_FREEZING = "housekeeping of transaction ids"
_CACHED = "a copy of what another catalog says"
_OPERATORS = "follows from the columns and their types"
_WHOLE_DATABASE = "said when the database is created, and databases are not created here"
_SERVER = "belongs to the server, as tablespaces do; pg_dumpall has it"
_SECRET = "a secret, never read"

EXCUSED: Mapping[str, Mapping[str, str]] = {
    "pg_amop": {
        "amoplefttype": "part of the operator's own signature",
        "amoprighttype": "part of the operator's own signature",
        "amopmethod": "that of the operator family",
    },
    "pg_attribute": {
        "attlen": _CACHED,
        "attbyval": _CACHED,
        "attalign": _CACHED,
        "attndims": "documentation only: PostgreSQL does not hold arrays to it",
        "attcacheoff": "always -1 on disk",
        "atthasmissing": "how ADD COLUMN spared a rewrite",
        "attmissingval": "how ADD COLUMN spared a rewrite",
    },
    "pg_auth_members": {"grantor": "before 16 a membership is one, whoever granted it"},
    "pg_authid": {"rolpassword": _SECRET},
    "pg_roles": {"rolpassword": "always ********", "rolconfig": "read from pg_db_role_setting"},
    "pg_class": {
        "relfilenode": "where the rows are on disk",
        "relpages": _STATISTICS,
        "reltuples": _STATISTICS,
        "relallvisible": _STATISTICS,
        "relallfrozen": _STATISTICS,
        "relhasindex": _CACHED,
        "relisshared": "true for system catalogs only",
        "relnatts": _CACHED,
        "relchecks": _CACHED,
        "relhasrules": _CACHED,
        "relhastriggers": _CACHED,
        "relrewrite": "set only while a table is rewritten",
        "relfrozenxid": _FREEZING,
        "relminmxid": _FREEZING,
    },
    "pg_collation": {"collversion": "what the operating system had when the collation was made"},
    "pg_constraint": {
        "connamespace": _CACHED,
        "conpfeqop": _OPERATORS,
        "conppeqop": _OPERATORS,
        "conffeqop": _OPERATORS,
        "condefault": "the default partition is known by its bound",
    },
    "pg_database": {
        **dict.fromkeys(("datfrozenxid", "datminmxid"), _FREEZING),
        **dict.fromkeys(
            ("datlocprovider", "datcollate", "datctype", "datlocale", "daticulocale"), _WHOLE_DATABASE
        ),
        **dict.fromkeys(("daticurules", "datcollversion", "datlastsysoid", "dattablespace"), _WHOLE_DATABASE),
        **dict.fromkeys(("datallowconn", "dathasloginevt"), _WHOLE_DATABASE),
    },
    "pg_extension": {
        "extowner": "CREATE EXTENSION gives it to who runs it, and nothing changes it",
        "extconfig": "what the extension's own script says",
        "extcondition": "what the extension's own script says",
    },
    "pg_index": {
        "indnatts": _CACHED,
        "indisprimary": "pg_constraint says it",
        "indisexclusion": "pg_constraint says it",
        "indimmediate": "pg_constraint says it",
        "indcheckxmin": "set only while an index is built",
        "indisready": "set only while an index is built",
        "indislive": "set only while an index is dropped",
    },
    "pg_init_privs": {"privtype": "whether initdb or an extension granted it is all the same to a diff"},
    "pg_language": {"lanispl": "true for all but internal and C"},
    "pg_largeobject_metadata": {"lomowner": "said with their number"},
    "pg_operator": {"oprkind": "follows from the arguments", "oprresult": "that of the operator's function"},
    "pg_partitioned_table": dict.fromkeys(
        ("partstrat", "partnatts", "partattrs", "partclass", "partcollation", "partexprs"),
        "in pg_get_partkeydef's text",
    ),
    "pg_proc": {
        "provariadic": "pg_get_function_arguments says it",
        "prorettype": "pg_get_function_result says it",
        "proargdefaults": "pg_get_function_arguments says it",
    },
    "pg_rewrite": {
        "ev_type": "pg_get_ruledef says it",
        "is_instead": "pg_get_ruledef says it",
        "ev_qual": "pg_get_ruledef says it",
        "ev_action": "pg_get_ruledef says it",
    },
    "pg_shdepend": {
        "objid": "what matters is on which role",
        "objsubid": "what matters is on which role",
        "deptype": "what matters is on which role",
    },
    "pg_statistic_ext": {"stxexprs": "pg_get_statisticsobjdef_expressions says it"},
    "pg_subscription": {
        "subskiplsn": "an operator's one-time order, used up by the server",
        "subconninfo": _SECRET,
        "subenabled": "whether it runs is operation, not schema: pg_dump leaves it out too",
    },
    "pg_tablespace": {"spcowner": _SERVER, "spcacl": _SERVER, "spcoptions": _SERVER},
    "pg_trigger": {
        "tgconstrindid": "foreign keys only, whose triggers are not ours",
        "tgnargs": "pg_get_triggerdef says it",
        "tgargs": "pg_get_triggerdef says it",
    },
    "pg_user_mapping": {"oid": "read through pg_user_mappings", "umserver": "read through pg_user_mappings"},
    "pg_type": {"typndims": "documentation only: PostgreSQL does not hold arrays to it"},
}
"""Catalog -> column that no query names -> why not."""

UNREAD: Mapping[str, str] = {
    "pg_largeobject": "the contents of large objects are data",
    "pg_replication_origin": "how far replication is: the server's own bookkeeping, and no part of a dump",
    "pg_subscription_rel": "how far the first copy of each table is: the server's own bookkeeping",
    "pg_statistic": f"{_STATISTICS}; ANALYZE counts again",
    "pg_statistic_ext_data": f"{_STATISTICS}; ANALYZE counts again",
}
"""Catalogs that no query reads -> why not."""

DUMPED: Mapping[str, str | tuple[str, ...]] = {
    "ACCESS METHOD": ("access_method",),
    "ACL": ("privilege", "member_privilege"),
    "AGGREGATE": ("aggregate",),
    "BLOB, BLOBS, BLOB METADATA": "large objects are data; they are counted and named by `plan` and `pull`",
    "CAST": ("cast",),
    "CHECK CONSTRAINT": ("check", "domain"),
    "COLLATION": ("collation",),
    "COMMENT": ("comment", "column_comment", "not_null_comment", "index_comment"),
    "CONSTRAINT": ("primary_key", "unique", "exclusion"),
    "CONVERSION": ("conversion",),
    "DATABASE, DATABASE PROPERTIES": ("database", "database_settings", "database_connection_limit"),
    "DEFAULT": ("default",),
    "DEFAULT ACL": ("default_privilege",),
    "DOMAIN": ("domain",),
    "EVENT TRIGGER": ("event_trigger",),
    "EXTENSION": ("extension", "extension_version"),
    "FK CONSTRAINT": ("foreign_key",),
    "FOREIGN DATA WRAPPER": ("foreign_data_wrapper",),
    "FOREIGN TABLE": ("foreign_table",),
    "FUNCTION": ("function",),
    "INDEX, INDEX ATTACH": ("index",),
    "MATERIALIZED VIEW": ("materialized_view",),
    "MATERIALIZED VIEW DATA": "rows are data; a materialized view is filled when it is made",
    "OPERATOR": ("operator",),
    "OPERATOR CLASS": ("operator_class",),
    "OPERATOR FAMILY": ("operator_family",),
    "POLICY, ROW SECURITY": ("policy", "table"),
    "PROCEDURAL LANGUAGE": ("language",),
    "PROCEDURE": ("procedure",),
    "PUBLICATION": ("publication",),
    "PUBLICATION TABLE": ("publication_table",),
    "PUBLICATION TABLES IN SCHEMA": ("publication",),
    "RULE": ("rule",),
    "SCHEMA": ("schema",),
    "SECURITY LABEL": ("security_label",),
    "SEQUENCE": ("sequence",),
    "SEQUENCE OWNED BY": ("sequence_ownership",),
    "SEQUENCE SET": "how far a sequence has counted is data",
    "SERVER": ("server",),
    "SHELL TYPE": "a type without input and output functions is half made; it is named as not modelled",
    "STATISTICS": ("statistics",),
    "STATISTICS DATA": f"{_STATISTICS}; ANALYZE counts again",
    "SUBSCRIPTION": ("subscription",),
    "SUBSCRIPTION TABLE": "how far the first copy of each table is; pg_dump has it for pg_upgrade alone",
    "TABLE, TABLE ATTACH": ("table", "column"),
    "TABLE DATA": "rows are data",
    "TEXT SEARCH CONFIGURATION": ("text_search_configuration",),
    "TEXT SEARCH DICTIONARY": ("text_search_dictionary",),
    "TEXT SEARCH PARSER": ("text_search_parser",),
    "TEXT SEARCH TEMPLATE": ("text_search_template",),
    "TRANSFORM": ("transform",),
    "TRIGGER": ("trigger",),
    "TYPE": ("enum", "composite", "range", "base_type"),
    "USER MAPPING": ("user_mapping",),
    "VIEW": ("view",),
}
"""What pg_dump calls an entry of an archive -> the kinds that model it, or why none does."""
