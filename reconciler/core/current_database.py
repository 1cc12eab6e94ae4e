"""The database that a plan is carried out in. A plan is for any database that is in its first state, so that
only the server knows its name."""

from __future__ import annotations

from reconciler.core.ident import ObjectId, dollar_quoted, literal

KIND = "database"
ID = ObjectId(KIND, ("current",))


def with_name(before: str, after: str) -> str:
    """`before`, the database's name, `after`: a statement that the server puts together."""
    first, last = (text.replace("%", "%%") for text in (before, after))
    command = literal(f"{first} %I {last}")
    block = f"BEGIN EXECUTE pg_catalog.format({command}, pg_catalog.current_database()); END"
    return f"DO {dollar_quoted(block)}"
