"""Which columns the system catalogs of each major have: asked of a server, and kept for the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psycopg import Connection

MAJORS = (14, 15, 16, 17, 18)
_FILE = Path(__file__).parent / "catalog_columns.json"

_COLUMNS = """
    SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.oid < 16384
    GROUP BY 1 ORDER BY 1"""


def asked(connection: Connection[Any]) -> dict[str, list[str]]:
    """Catalog -> its columns, as the server has them."""
    return dict(connection.execute(_COLUMNS).fetchall())


def known() -> Mapping[str, Mapping[str, list[int]]]:
    """Catalog -> column -> majors that have it, as servers answered."""
    found: Mapping[str, Mapping[str, list[int]]] = json.loads(_FILE.read_text())
    return found


def of_major(major: int) -> dict[str, list[str]]:
    """What is known of one major."""
    columns = {
        name: [one for one, majors in rows.items() if major in majors] for name, rows in known().items()
    }
    return {name: found for name, found in columns.items() if found}


def keep(major: int, columns: Mapping[str, list[str]]) -> None:
    """Write down what a server of the major answered, beside what those of others did."""
    majors: dict[str, dict[str, set[int]]] = {}
    for catalog, rows in (known() if _FILE.exists() else {}).items():
        for column, had in rows.items():
            majors.setdefault(catalog, {})[column] = set(had) - {major}
    for catalog, names in columns.items():
        for column in names:
            majors.setdefault(catalog, {}).setdefault(column, set()).add(major)
    lines = [
        f"{json.dumps(catalog)}: {{\n" + ",\n".join(
            f"  {json.dumps(column)}: {json.dumps(sorted(had))}" for column, had in rows.items() if had
        ) + "\n}"
        for catalog, rows in sorted(majors.items())
    ]  # fmt: skip
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
