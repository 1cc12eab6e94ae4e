"""Each column of each system catalog that kinds read is read, or excused with a reason.

A new major version that adds a column fails this law until somebody decides what the column means to us.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from reconciler.app import registry
from reconciler.engine.catalog.fingerprint import LARGE
from tests.conftest import AnyServer

pytestmark = pytest.mark.matrix

_STATISTICS = "what ANALYZE or VACUUM counted last"
_FREEZING = "housekeeping of transaction ids"
_CACHED = "a copy of what another catalog says"
_OPERATORS = "follows from the columns and their types"
_WHOLE_DATABASE = "an attribute of the database, which is not ours to change"
_SERVER = "an attribute of the server, which is not ours to change"
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
        "attinhcount": "attislocal says whether a column is the table's own",
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
        **dict.fromkeys(("datallowconn", "dathasloginevt", "datconnlimit", "datacl"), _WHOLE_DATABASE),
        "datistemplate": _WHOLE_DATABASE,
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
    "pg_inherits": {
        "inhdetachpending": "a concurrent DETACH was interrupted: still a partition until it is finished"
    },
    "pg_language": {
        "lanispl": "true for all but internal and C",
        "lanacl": "a gap: privileges on languages are not managed yet",
    },
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
    "pg_type": {"typndims": "documentation only: PostgreSQL does not hold arrays to it"},
}
"""Catalog -> column that no query names -> why not."""

_COLUMNS = """
    SELECT a.attname::text FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_CATALOG = re.compile(r"\bpg_catalog\.(pg_[a-z_]+)\b(?!\s*\()")


def _queries(major: int) -> list[str]:
    return [kind.query(major) for kind in registry()]


def _read(catalog: str, queries: list[str]) -> str:
    """The text of the queries that read the catalog."""
    return " ".join(text for text in queries if re.search(rf"\b{catalog}\b", text))


CATALOGS = tuple(
    sorted({name for major in (14, 18) for text in _queries(major) for name in _CATALOG.findall(text)})
)


@pytest.mark.parametrize("catalog", CATALOGS)
def test_each_column_is_read_or_excused(catalog: str, server: AnyServer) -> None:
    with psycopg.connect(server.url()) as connection:
        row = connection.execute("SELECT pg_catalog.to_regclass(%s)", (f"pg_catalog.{catalog}",)).fetchone()
        if row is None or row[0] is None:
            return  # a type (pg_catalog.pg_lsn), or a catalog of another major
        columns = [name for (name,) in connection.execute(_COLUMNS, (f"pg_catalog.{catalog}",))]
    text = _read(catalog, _queries(server.major))
    undecided = [
        name
        for name in columns
        if not re.search(rf"\b{name}\b", text) and name not in EXCUSED.get(catalog, {})
    ]
    assert not undecided, f"{catalog}: read these columns, or say why not in EXCUSED"


@pytest.mark.parametrize(("catalog", "columns", "more"), [large[:3] for large in LARGE])
def test_the_fingerprint_names_each_column_of_a_large_catalog(
    catalog: str, columns: str, more: str, server: AnyServer
) -> None:
    with psycopg.connect(server.url()) as connection:
        there = {name for (name,) in connection.execute(_COLUMNS, (f"pg_catalog.{catalog}",))}
    named = set(re.findall(r"\w+", columns)) | set(re.findall(r" AS (\w+)", more))
    assert not there - named, "a change of these would go unseen: name them in fingerprint.LARGE"


@pytest.mark.parametrize("catalog", EXCUSED)
def test_an_excuse_is_still_needed(catalog: str) -> None:
    assert catalog in CATALOGS
    read_in_all = [_read(catalog, _queries(major)) for major in (14, 15, 16, 17, 18)]
    for name in EXCUSED[catalog]:
        assert not all(re.search(rf"\b{name}\b", text) for text in read_in_all), name


def test_queries_are_read_from_pg_catalog(server: AnyServer) -> None:
    """search_path is empty, yet temporary tables still come first: a bare name could be somebody's table."""
    bare = re.compile(r"\b(?:FROM|JOIN)\s+(pg_(?!catalog\.)[a-z_]+)\b")
    found: dict[str, Any] = {
        kind.name: names for kind in registry() if (names := bare.findall(kind.query(server.major)))
    }
    assert not found
