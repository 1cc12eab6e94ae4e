"""Collations, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection
from pydantic import TypeAdapter

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.kinds.collation import Collation
from reconciler.kinds.schema import Schema
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_built, assert_written, of_kind, read, run

KIND = Collation()
KINDS = (Schema(), KIND)
PLAIN = ObjectId("collation", ("app", "plain"))
OBJECTS = """
CREATE COLLATION app.plain (locale = 'C');
CREATE COLLATION app."Both halves" (lc_collate = 'C', lc_ctype = 'POSIX');
"""
ICU = """
CREATE COLLATION app.german (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION app.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
"""


def _has_icu(connection: Connection[Any]) -> bool:
    row = connection.execute("SELECT count(*) > 1 FROM pg_collation WHERE collprovider = 'i'").fetchone()
    return row is not None and bool(row[0])


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    objects, number = [OBJECTS], 2
    if _has_icu(source):
        objects, number = [*objects, ICU], number + 2
    if source.info.server_version >= 170000:
        objects.append("CREATE COLLATION app.built (provider = builtin, locale = 'C.UTF-8')")
        number += 1
    if _has_icu(source) and source.info.server_version >= 160000:
        objects.append("CREATE COLLATION app.ruled (provider = icu, locale = 'und', rules = '&b < a')")
        number += 1
    run(source, "CREATE SCHEMA app", *objects)
    run(empty, "CREATE SCHEMA app")
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == number
    assert_built(KIND, catalog, empty, KINDS)
    assert KIND.write(catalog[PLAIN], "app") == ("plain", {"locale": "C"})


def test_another_encoding_does_not_count(database: Database) -> None:
    source = database()
    run(source, "CREATE SCHEMA app", OBJECTS)
    run(source, "UPDATE pg_collation SET collencoding = 8 WHERE collname = 'plain'")
    assert PLAIN not in read(source, KINDS)


def test_set_aside_while_columns_move(database: Database) -> None:
    source = database()
    run(source, "CREATE SCHEMA app", OBJECTS, "CREATE TABLE app.t (a text COLLATE app.plain)")
    entry = read(source, KINDS)[PLAIN]
    aside = KIND.rename_aside(entry)
    assert aside is not None
    run(source, *aside[1], *KIND.create(entry))
    run(source, "ALTER TABLE app.t ALTER a TYPE text COLLATE app.plain", *KIND.drop_aside(entry, aside[0]))
    assert set(of_kind(read(source, KINDS), KIND)) == {PLAIN, ObjectId("collation", ("app", "Both halves"))}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"lc_collate": "C"},
        {"locale": "C", "lc_ctype": "C"},
        {"provider": "icu", "lc_collate": "C", "lc_ctype": "C"},
    ],
)
def test_incomplete_documents(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="locale"):
        list(KIND.declare("c", TypeAdapter(KIND.document).validate_python(said), Nest("app")))


def test_equal_halves_are_one_locale() -> None:
    said = {"lc_collate": "C", "lc_ctype": "C"}
    (declared,) = KIND.declare("c", TypeAdapter(KIND.document).validate_python(said), Nest("app"))
    assert (declared.state.locale, declared.state.lc_collate, declared.state.lc_ctype) == ("C", None, None)


def test_drop(database: Database) -> None:
    source = database()
    run(source, "CREATE SCHEMA app", OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
