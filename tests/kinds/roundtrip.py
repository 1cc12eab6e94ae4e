"""The laws that every kind keeps, as functions: what is read can be written, declared, created and read
again."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from typing import Any, cast

from psycopg import Connection
from pydantic import TypeAdapter

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest
from reconciler.core.statement import LockMode, Statement
from reconciler.engine.catalog.introspect import introspect
from reconciler.engine.registry import Registry


def run(connection: Connection[Any], *statements: str | Statement) -> None:
    """Execute SQL, one text or statement at a time."""
    for statement in statements:
        sql = statement if isinstance(statement, str) else statement.sql
        connection.execute(cast("Any", sql))


def read(connection: Connection[Any], kinds: Iterable[Kind[Any]]) -> Catalog:
    """What those kinds see in a database."""
    run(connection, "SET search_path = ''")
    return introspect(connection, Registry(kinds))


def of_kind(catalog: Catalog, kind: Kind[Any]) -> dict[ObjectId, Entry]:
    """The entries of one kind."""
    return {entry.id: entry for entry in catalog if entry.id.kind == kind.name}


def declare(kind: Kind[Any], entry: Entry, home: str) -> Declared:
    """What the document says that the kind writes for an entry, by way of plain data."""
    key, data = kind.write(entry, home)
    document = TypeAdapter(kind.document).validate_python(json.loads(json.dumps(data)))
    lineage = (entry.parent,) if entry.parent else ()
    (declared,) = kind.declare(key, document, Nest(home, entry.parent, lineage))
    return declared


def assert_written(kind: Kind[Any], catalog: Catalog, homes: Iterable[str] = ("app", "public")) -> int:
    """declare(write(entry)) is the entry, whatever the file's schema. Returns how many were looked at."""
    entries = of_kind(catalog, kind)
    for entry in entries.values():
        for home in homes:
            declared = declare(kind, entry, home)
            assert (declared.id, declared.state, declared.parent) == (entry.id, entry.state, entry.parent)
            assert set(kind.rules) >= {f.name for f in dataclasses.fields(entry.state) if f.compare}
    return len(entries)


def assert_built(
    kind: Kind[Any], catalog: Catalog, empty: Connection[Any], kinds: Iterable[Kind[Any]]
) -> None:
    """Created elsewhere, where only what they stand on exists, the entries are what they were."""
    wanted = of_kind(catalog, kind)
    for entry in wanted.values():
        carrier = catalog.get(entry.carrier)
        if carrier is not None and kind.deviates(entry, carrier):
            run(empty, *kind.create(entry))  # before its carrier, which adopts it
    for entry in wanted.values():
        if entry.carrier is None:
            statements = list(kind.create(entry))
            assert_locks(empty, *statements)
            run(empty, *statements)
    built = of_kind(read(empty, kinds), kind)
    assert {id: entry.state for id, entry in built.items()} == {
        id: entry.state for id, entry in wanted.items()
    }


def alterations(kind: Kind[Any], old: Entry, new: Entry) -> list[Statement]:
    """The statements of the rules whose fields differ; fails where one of them cannot be altered in place."""
    statements: dict[Statement, None] = {}
    for name, rule in kind.rules.items():
        if isinstance(rule, Ignored):
            continue
        if getattr(old.state, name) != getattr(new.state, name):
            assert isinstance(rule, InPlace), f"{name} is not altered in place"
            assert rule.unless is None or rule.unless(old.state, new.state) is None, name
            statements.update(dict.fromkeys(rule.render(old, new)))
    return list(statements)


def refusal(kind: Kind[Any], field: str, old: Entry, new: Entry) -> str | None:
    """Why the kind says that this field cannot be altered in place from one entry to the other."""
    rule = kind.rules[field]
    assert isinstance(rule, InPlace)
    return rule.unless(old.state, new.state) if rule.unless else None


def rendered(kind: Kind[Any], field: str, old: Entry, new: Entry) -> list[Statement]:
    """The statements of one field's rule, whether or not it applies."""
    rule = kind.rules[field]
    assert isinstance(rule, InPlace)
    return list(rule.render(old, new))


_STRENGTH = list(LockMode)
_HELD = """
    SELECT c.oid::regclass::text, l.mode
    FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
    WHERE l.pid = pg_catalog.pg_backend_pid() AND c.relkind IN ('r', 'p', 'm', 'f') AND c.oid >= 16384
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid)"""


_EXISTING = "SELECT pg_catalog.array_agg(oid::regclass::text) FROM pg_catalog.pg_class WHERE oid >= 16384"


def assert_locks(connection: Connection[Any], *statements: Statement) -> None:
    """Run in one transaction that is rolled back: each lock on a table that a statement takes, above access
    share, is what it declares, no more and no less. What it does to partitions and children is the engine's
    to say."""
    with connection.transaction(force_rollback=True):
        run(connection, "SET LOCAL search_path = ''")
        (existing,) = connection.execute(cast("Any", _EXISTING)).fetchone() or ([],)
        for statement in statements:
            before = _held(connection)
            run(connection, statement)
            after = _held(connection)
            declared = {lock.relation: lock.mode for lock in statement.locks}
            for relation, mode in after.items():
                if relation not in existing:
                    continue  # what is created here is seen by nobody
                is_old = before.get(relation) is mode or mode is LockMode.ACCESS_SHARE
                assert is_old or declared.get(relation) is mode, (statement.sql, relation, mode)
            for relation in declared.keys() & after.keys():
                said, held = (_STRENGTH.index(modes[relation]) for modes in (declared, after))
                assert said <= held, (statement.sql, relation, after[relation])


def _held(connection: Connection[Any]) -> dict[str, LockMode]:
    strongest: dict[str, LockMode] = {}
    for relation, mode in connection.execute(cast("Any", _HELD)):
        words = re.sub(r"(?<!^)(?=[A-Z])", " ", mode.removesuffix("Lock")).lower()
        found = LockMode(words)
        if relation not in strongest or _STRENGTH.index(strongest[relation]) < _STRENGTH.index(found):
            strongest[relation] = found
    return strongest


def assert_altered(
    connection: Connection[Any], kind: Kind[Any], id: ObjectId, kinds: Iterable[Kind[Any]], **fields: Any
) -> None:
    """Altering those fields on the server leads to the state with those fields, and back again."""
    kinds = list(kinds)
    first = read(connection, kinds)[id]
    second = dataclasses.replace(first, state=dataclasses.replace(first.state, **fields))
    assert second.state != first.state
    for old, new in ((first, second), (second, first)):
        statements = alterations(kind, old, new)
        assert statements
        assert_locks(connection, *statements)
        run(connection, *statements)
        assert read(connection, kinds)[id].state == new.state
