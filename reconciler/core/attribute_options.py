"""Options of single columns as the catalogs keep them (manual: ALTER TABLE ... ALTER COLUMN SET)."""

from __future__ import annotations

from typing import Final, LiteralString

SAID_OPTION: Final[LiteralString] = "NOT pg_catalog.starts_with(o, 'pg_attver=')"
"""SQL: whether an item `o` of pg_attribute.attoptions is somebody's option. Some minor versions keep an entry
of their own in each column. It differs from column to column, and pg_dump leaves it out."""
