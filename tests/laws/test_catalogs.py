"""Each column of each system catalog is read by a kind, said to a person, or left out for a reason.

A new major version that adds a column, a catalog or a privilege fails this law by its name until somebody
decides what it means to us. The reasons are in excuses.py, the whole picture is in docs/coverage.md.
"""

from __future__ import annotations

import os
import re
from typing import Any

import psycopg
import pytest

from reconciler.app import registry
from reconciler.core.privilege import OBJECT_TYPES, PRIVILEGES
from reconciler.engine.catalog.fingerprint import LARGE
from reconciler.engine.catalog.fingerprint import _query as fingerprint_query
from reconciler.engine.catalog.unmodeled import beyond
from tests.conftest import AnyServer
from tests.laws import coverage
from tests.laws.catalog_columns import MAJORS, asked, keep, known, of_major
from tests.laws.excuses import DUMPED, EXCUSED, UNREAD

pytestmark = pytest.mark.matrix

_VIEWS = {
    name
    for major in MAJORS
    for text in (*coverage.queries(major).values(), beyond(major))
    for name in re.findall(r"\bpg_catalog\.(pg_[a-z_]+)\b(?!\s*\()", text)
}
"""What queries read, views among them (pg_roles)."""
_COLUMNS_OF_VIEW = """
    SELECT c.relname::text, a.attname::text
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relkind = 'v' AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
        AND c.relname = ANY (%s)"""
_PRIVILEGES = """
    SELECT DISTINCT t::text, pg_catalog.lower(a.privilege_type)
    FROM pg_catalog.unnest('{n,r,s,f,T,F,S,l,d}'::"char"[]) AS t,
        pg_catalog.aclexplode(pg_catalog.acldefault(t, 10)) AS a"""
_LETTERS = {
    "schemas": "n", "tables": "r", "sequences": "s", "functions": "f", "types": "T",
    "foreign_data_wrappers": "F", "foreign_servers": "S", "languages": "l", "databases": "d",
}  # fmt: skip
"""What acldefault() calls the object types."""


_READ = ("read by", coverage.SAID)
_SUMMED_AS = {"pg_authid": "pg_roles", "pg_user_mapping": "pg_user_mappings"}
"""Catalogs that not everybody may read -> the views in their place."""


def test_each_column_is_decided_on(server: AnyServer) -> None:
    with psycopg.connect(server.url()) as connection:
        columns = [(catalog, name) for catalog, names in asked(connection).items() for name in names]
        columns += connection.execute(_COLUMNS_OF_VIEW, (list(_VIEWS),)).fetchall()
    undecided = [
        f"{catalog}.{name}"
        for catalog, name in columns
        if coverage.treatment(catalog, name, server.major) is None
    ]
    assert not undecided, "let a kind read these, say them (unmodeled.py), or say why not in excuses.py"


def test_the_page_has_the_columns_of_this_server(server: AnyServer) -> None:
    with psycopg.connect(server.url()) as connection:
        columns = asked(connection)
    if os.environ.get("RECONCILE_GOLDEN"):
        keep(server.major, columns)
    there = of_major(server.major)
    assert {name: set(found) for name, found in there.items()} == {
        name: set(found) for name, found in columns.items()
    }, f"run `{coverage.COMMAND}`"


def test_each_privilege_of_this_server_is_known(server: AnyServer) -> None:
    with psycopg.connect(server.url()) as connection:
        there = connection.execute(_PRIVILEGES).fetchall()
    types = {letter: name for name, letter in _LETTERS.items()}
    unknown = [(types[letter], word) for letter, word in there if word not in PRIVILEGES[types[letter]]]
    assert not unknown
    assert set(OBJECT_TYPES.values()) == set(_LETTERS)


@pytest.mark.parametrize(("catalog", "columns", "more"), [large[:3] for large in LARGE])
def test_the_fingerprint_names_each_column_of_a_large_catalog(
    catalog: str, columns: str, more: str, server: AnyServer
) -> None:
    with psycopg.connect(server.url()) as connection:
        there = set(asked(connection)[catalog])
    named = set(re.findall(r"\w+", columns)) | set(re.findall(r" AS (\w+)", more))
    assert not there - named, "a change of these would go unseen: name them in fingerprint.LARGE"


def test_the_fingerprint_sums_up_each_catalog_that_is_read(server: AnyServer) -> None:
    """What it leaves out could change, and a remembered plan would still be shown."""
    text = fingerprint_query(server.major)
    read = [
        catalog
        for catalog, columns in of_major(server.major).items()
        if any((coverage.treatment(catalog, name, server.major) or "").startswith(_READ) for name in columns)
    ]
    assert not [name for name in read if not re.search(rf"\b{_SUMMED_AS.get(name, name)}\b", text)]


@pytest.mark.parametrize("catalog", EXCUSED)
def test_an_excuse_is_still_needed(catalog: str) -> None:
    """A column that every major reads needs none, nor one that no major has."""
    for name in EXCUSED[catalog]:
        had = [major for major in MAJORS if name in of_major(major).get(catalog, ())]
        assert had or catalog in _VIEWS, name
        assert not had or not all(coverage.readers(catalog, name, major) for major in had), name


@pytest.mark.parametrize("catalog", UNREAD)
def test_a_catalog_that_is_left_out_is_not_read(catalog: str) -> None:
    assert any(catalog in of_major(major) for major in MAJORS)
    columns = known().get(catalog, {})
    assert not any(coverage.readers(catalog, name, major) for name in columns for major in MAJORS)


def test_what_pg_dump_dumps_has_a_kind_or_a_reason() -> None:
    named = {kind for here in DUMPED.values() if not isinstance(here, str) for kind in here}
    kinds = {kind.name for kind in registry()}
    assert named <= kinds
    # These are parts of other entries of an archive, or in the dump of the server (pg_dumpall).
    assert kinds - named == {
        "column_options", "membership", "owner", "role", "typed_column",
    }  # fmt: skip


def test_the_page_is_up_to_date() -> None:
    page = coverage.page()
    if os.environ.get("RECONCILE_GOLDEN"):
        coverage.PAGE.write_text(page)
    assert coverage.PAGE.read_text() == page, f"run `{coverage.COMMAND}`"
    assert "undecided" not in page


def test_queries_are_read_from_pg_catalog(server: AnyServer) -> None:
    """search_path is empty, yet temporary tables still come first: a bare name could be somebody's table."""
    bare = re.compile(r"\b(?:FROM|JOIN)\s+(pg_(?!catalog\.)[a-z_]+)\b")
    found: dict[str, Any] = {
        kind.name: names for kind in registry() if (names := bare.findall(kind.query(server.major)))
    }
    assert not found
