"""What is true for every entry of a database with something of every kind."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import TypeAdapter

from reconciler.app import json_schema, live_catalog, registry, write_schema
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Kind, Nest
from reconciler.core.server_version import NEWEST_MAJOR
from reconciler.core.statement import Statement
from reconciler.engine.catalog.files import documents
from reconciler.engine.catalog.introspect import introspect
from reconciler.engine.compare.diff import diff
from reconciler.engine.declaration.load import load
from reconciler.engine.registry import Registry
from tests.conftest import AnyServer
from tests.laws.json_schema import faults

pytestmark = pytest.mark.matrix

KINDS = tuple(registry())
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
_ADDRESSING = {"address", "path", "also", "parent", "carrier", "suffix", "needs"}

_SINCE = {"not_null_comment": 17}
"""The first major that has any of the kind."""


def _of(kind: Kind[Any], catalog: Catalog) -> list[Entry]:
    return [entry for entry in catalog if entry.id.kind == kind.name]


@every_kind
def test_the_rich_database_has_some_of_it(kind: Kind[Any], rich_catalog: Catalog, server: AnyServer) -> None:
    is_known = server.major >= _SINCE.get(kind.name, 0)
    assert bool(_of(kind, rich_catalog)) is is_known, f"add a {kind.name} to tests/laws/rich.sql"


@every_kind
def test_the_columns_of_a_query_are_the_fields_of_the_state(
    kind: Kind[Any], rich: psycopg.Connection[Any], server: AnyServer
) -> None:
    cursor = rich.execute(kind.query(server.major))
    names = [column.name for column in cursor.description or ()]
    assert len(names) == len(set(names))
    fields = {field.name: field for field in dataclasses.fields(kind.state)}
    assert set(names) - _ADDRESSING <= set(fields)
    assert "address" in names
    # What only a person can say has no column, and a default.
    for name in fields.keys() - set(names):
        assert fields[name].default is not dataclasses.MISSING, name


@every_kind
def test_what_is_written_declares_the_same(kind: Kind[Any], rich_catalog: Catalog) -> None:
    """No server is asked between the two; carried entries are written only where they deviate."""
    for entry in _of(kind, rich_catalog):
        for home in ("app", "public"):
            key, data = kind.write(entry, home)
            document = TypeAdapter(kind.document).validate_python(json.loads(json.dumps(data)))
            lineage = _lineage(entry, rich_catalog)
            nest = Nest(
                home, entry.parent, lineage, parent_document=_document(entry.parent, rich_catalog, home)
            )
            (declared,) = kind.declare(key, document, nest)
            assert (declared.id, declared.parent) == (entry.id, entry.parent)
            assert declared.state == entry.state
            assert str(ObjectId.parse(str(entry.id))) == str(entry.id)


@every_kind
def test_what_a_declaration_names_is_known(kind: Kind[Any], rich_catalog: Catalog) -> None:
    for entry in _of(kind, rich_catalog):
        assert entry.parent is None or entry.parent in rich_catalog
        assert entry.carrier is None or entry.carrier in rich_catalog
        assert entry.needs <= rich_catalog.entries.keys()
        assert entry.id not in entry.needs


def _drop(kind: Kind[Any], entry: Entry) -> Iterable[Statement]:
    """The statements; none where the kind refuses because only CASCADE could do it."""
    try:
        return tuple(kind.drop(entry))
    except Blocked:
        return ()


@every_kind
def test_statements_are_single_and_take_nothing_along(kind: Kind[Any], rich_catalog: Catalog) -> None:
    for entry in _of(kind, rich_catalog):
        for statement in (*kind.create(entry), *_drop(kind, entry)):
            assert not statement.sql.endswith((";", "CASCADE"))
        assert kind.label(entry)
        assert all(part for name in kind.claims_names(entry) for part in name)


@every_kind
def test_a_short_form_can_be_told_in_full(kind: Kind[Any], rich_catalog: Catalog) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(kind.document)
    for entry in _of(kind, rich_catalog):
        _, data = kind.write(entry, "app")
        if isinstance(data, dict):
            assert kind.expand_short_form(data) == data
        elif entry.id in rich_catalog.children:
            full = dict(kind.expand_short_form(data))
            assert adapter.validate_python(full) == adapter.validate_python(data)


def test_two_readings_are_the_same(rich: psycopg.Connection[Any], rich_catalog: Catalog) -> None:
    again = live_catalog(rich)
    assert again.fingerprint() == rich_catalog.fingerprint()
    assert list(again.entries) == list(rich_catalog.entries)
    assert diff(again, rich_catalog, registry()) == {}


def test_what_is_pulled_fits_the_json_schema(rich_catalog: Catalog) -> None:
    schema = json_schema()
    for file, content in documents(rich_catalog, registry()).items():
        assert not list(faults(json.loads(json.dumps(content)), schema, schema)), file


def test_what_is_pulled_loads_as_what_is_there(rich_catalog: Catalog, tmp_path: Path) -> None:
    """The files of a pull, read again without a server, say every entry that nothing else brings along."""
    write_schema(documents(rich_catalog, registry()), tmp_path)
    declared = load(tmp_path, registry()).catalog(registry())
    differing = {
        str(entry.id)
        for entry in declared
        if entry.id in rich_catalog and rich_catalog[entry.id].state != entry.state
    }
    assert not differing
    assert not {str(entry.id) for entry in declared if entry.id not in rich_catalog}
    missing = {entry.id for entry in rich_catalog} - {entry.id for entry in declared}
    assert not {str(id) for id in missing if not _comes_by_itself(rich_catalog[id], rich_catalog)}


def _comes_by_itself(entry: Entry, catalog: Catalog) -> bool:
    kind = registry().of(entry)
    above = catalog.get(entry.parent)
    return (
        entry.carrier is not None
        or kind.built_in(entry)
        or (above is not None and _comes_by_itself(above, catalog))
    )


def test_nothing_is_unknown(rich_catalog: Catalog) -> None:
    assert rich_catalog.unknown == ()


def test_no_two_entries_have_one_name(rich_catalog: Catalog) -> None:
    taken: dict[tuple[str, ...], ObjectId] = {}
    for entry in rich_catalog:
        for name in registry().of(entry).claims_names(entry):
            other = taken.setdefault(name, entry.id)
            assert other == entry.id, name


def test_the_engine_reads_any_set_of_kinds(rich: psycopg.Connection[Any]) -> None:
    """A registry of one kind works too: kinds do not lean on one another."""
    for kind in KINDS:
        introspect(rich, Registry([kind]))


def test_names_are_quoted_as_postgresql_quotes_them(rich: psycopg.Connection[Any], server: AnyServer) -> None:
    words = [word for (word,) in rich.execute("SELECT word FROM pg_catalog.pg_get_keywords() ORDER BY 1")]
    names = [*words, "a", "A", "a b", "1a", "a1", "a$", "$a", 'q"q', "é", "_", "a-b", ""]
    query = "SELECT n, pg_catalog.quote_ident(n) FROM pg_catalog.unnest(%s::text[]) AS n"
    for name, said in rich.execute(query, (names,)):
        # PostgreSQL leaves é bare only in some encodings; quotes are right in all of them. A word that became
        # a keyword later is quoted in earlier majors too.
        is_later_keyword = server.major < NEWEST_MAJOR and quote(name) == f'"{said}"'
        assert quote(name) == said or name == "é" or is_later_keyword, name


def _lineage(entry: Entry, catalog: Catalog) -> tuple[ObjectId, ...]:
    found: list[ObjectId] = []
    parent = entry.parent
    while parent is not None:
        found.append(parent)
        parent = catalog[parent].parent
    return tuple(reversed(found))


def _document(id: ObjectId | None, catalog: Catalog, home: str) -> Any:
    if id is None:
        return None
    kind = registry().of(id)
    _, data = kind.write(catalog[id], home)
    return TypeAdapter(kind.document).validate_python(json.loads(json.dumps(data)))
