"""Mistakes of grammar inside routines, which PostgreSQL lets pass until somebody calls them.

Routines are made with `check_function_bodies` off, so that their order does not matter (as pg_dump does it).
Once all is there, the language's own validator reads each body. What a body names is not asked for: it may be
made at run time, or be found by another search_path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import Problem
from reconciler.core.ident import ObjectId, quote

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.load import Located
    from reconciler.engine.scratch import Elaborated

_VALIDATORS = {"sql": "fmgr_sql_validator", "plpgsql": "plpgsql_validator"}
_SYNTAX_ERROR = "42601"

_SOURCES = """
    SELECT p.oid, l.lanname FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid = pg_catalog.to_regprocedure(%s) AND p.prosqlbody IS NULL AND p.prokind IN ('f', 'p')"""


def broken_bodies(
    elaborated: Elaborated, objects: Mapping[ObjectId, Located], connection: Connection[Any]
) -> list[Problem]:
    """Syntax errors in the bodies of routines that were just built, at the routines' places in the YAML."""
    import psycopg

    found = []
    connection.execute("SET check_function_bodies = on")
    for id, item in objects.items():
        if id.kind not in ("function", "procedure"):
            continue
        schema, signature = elaborated.ids.get(id, id).path
        connection.execute("SET search_path = ''")
        row = connection.execute(_SOURCES, (f"{quote(schema)}.{signature}",)).fetchone()
        if row is None or row[1] not in _VALIDATORS:
            continue
        path = ", ".join(dict.fromkeys((quote(item.schema), "public")))
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL search_path = {path}".encode())
                connection.execute(f"SELECT pg_catalog.{_VALIDATORS[row[1]]}(%s)".encode(), (row[0],))
        except psycopg.Error as error:
            if error.sqlstate == _SYNTAX_ERROR:
                found.append(_problem(f"{id.kind} {schema}.{signature}", item, error.diag))
    return found


def _problem(label: str, item: Located, diag: Any) -> Problem:
    offset = int(diag.internal_position or 0)
    before = (diag.internal_query or "")[: max(offset - 1, 0)]
    where = f" in line {before.count(chr(10)) + 1} of its body" if offset else ""
    place = item.position
    message = f"PostgreSQL refuses it: {diag.message_primary}{where}"
    return Problem(place.file, place.line, place.column, label, message)
