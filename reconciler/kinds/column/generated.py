"""Generated columns (manual: CREATE TABLE, GENERATED ALWAYS AS)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter
from reconciler.kinds.column.state import ColumnState


def drop_expression(old: Entry, new: Entry) -> Iterable[Statement]:
    """DROP EXPRESSION: the values stay as they are."""
    yield alter(new, "DROP EXPRESSION")


def set_expression(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET EXPRESSION: stored values are worked out anew."""
    if new.state.generated is not None:
        is_stored = new.state.generated == "stored"
        hazards = (
            (Hazard(HazardCode.TABLE_REWRITE, new.id, "every row is written anew"),) if is_stored else ()
        )
        cost = Cost.REWRITE if is_stored else Cost.INSTANT
        yield alter(new, f"SET EXPRESSION AS ({new.state.expression})", cost=cost, hazards=hazards)


def why_generated_stays(old: ColumnState, new: ColumnState) -> str | None:
    """None where it can become an ordinary column, or take another expression."""
    if old.generated == "stored" and new.generated is None:
        return None
    is_alike = (old.generated, old.type, old.collation) == (new.generated, new.type, new.collation)
    if old.takes_expression and is_alike:
        return None
    return "PostgreSQL cannot alter this generated column's expression"


def generated_clause(state: ColumnState) -> str:
    """GENERATED ALWAYS AS (...) STORED or VIRTUAL."""
    return f"GENERATED ALWAYS AS ({state.expression}) {(state.generated or '').upper()}"
