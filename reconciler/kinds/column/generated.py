"""Generated columns (manual: CREATE TABLE, GENERATED ALWAYS AS)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.statement import Statement
from reconciler.kinds.column.alteration import alter
from reconciler.kinds.column.state import ColumnState


def drop_expression(old: Entry, new: Entry) -> Iterable[Statement]:
    """DROP EXPRESSION: the values stay as they are."""
    yield alter(new, "DROP EXPRESSION")


def why_generated_stays(old: ColumnState, new: ColumnState) -> str | None:
    """None where it can become an ordinary column."""
    if old.generated == "stored" and new.generated is None:
        return None
    return "a generated column's expression cannot be altered"


def generated_clause(state: ColumnState) -> str:
    """GENERATED ALWAYS AS (...) STORED or VIRTUAL."""
    return f"GENERATED ALWAYS AS ({state.expression}) {(state.generated or '').upper()}"
