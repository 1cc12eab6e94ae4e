"""Settings of single columns of a materialized view (manual: ALTER MATERIALIZED VIEW)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.fragment import Document, Option
from reconciler.core.ident import literal, qualified, quote
from reconciler.core.statement import LockMode, Statement, on
from reconciler.kinds.materialized_view.state import MaterializedViewState


class ColumnSettingsDocument(Document):
    """`total: {statistics: 500, storage: external}`"""

    statistics: int | None = None
    storage: Literal["plain", "external", "extended", "main"] | None = None
    compression: Literal["pglz", "lz4"] | None = None
    options: dict[str, Option] = Field(default_factory=dict)


def alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    """ALTER MATERIALIZED VIEW with an action."""
    relation = qualified(*entry.id.path)
    return Statement(f"ALTER MATERIALIZED VIEW {relation} {action}", on(relation, mode), **more)


def set_storage(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """SET STORAGE where it is said."""
    before = old.state.storage if old else ()
    for column, storage in new.state.storage:
        if (column, storage) not in before:
            yield alter(new, f"ALTER COLUMN {quote(column)} SET STORAGE {storage.upper()}")


def why_storage_stays(old: MaterializedViewState, new: MaterializedViewState) -> str | None:
    """None where no column goes back to what its type says."""
    gone = dict(old.storage).keys() - dict(new.storage).keys()
    return "storage goes back to the type's own only where the view is made anew" if gone else None


def set_column_settings(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """SET and RESET of statistics, compression and attribute options."""
    before = {row[:2]: row[2] for row in old.state.column_settings} if old else {}
    after = {row[:2]: row[2] for row in new.state.column_settings}
    for column, setting in sorted({*before, *after}):
        value = after.get((column, setting))
        if before.get((column, setting)) == value:
            continue
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        if setting == "statistics":
            action = f"SET STATISTICS {'-1' if value is None else value}"
        elif setting == "compression":
            action, mode = f"SET COMPRESSION {value or 'default'}", LockMode.ACCESS_EXCLUSIVE
        elif value is None:
            action = f"RESET ({quote(setting)})"
        else:
            action = f"SET ({quote(setting)}={literal(value)})"
        yield alter(new, f"ALTER COLUMN {quote(column)} {action}", mode)


def storage_from(said: Mapping[str, ColumnSettingsDocument]) -> tuple[tuple[str, str], ...]:
    """(column, storage) as the state keeps it."""
    return tuple((column, one.storage) for column, one in sorted(said.items()) if one.storage)


def settings_from(said: Mapping[str, ColumnSettingsDocument]) -> tuple[tuple[str, str, str], ...]:
    """(column, setting, value) as the state keeps it."""
    return tuple(row for column, one in sorted(said.items()) for row in _rows(column, one))


def _rows(column: str, said: ColumnSettingsDocument) -> Iterable[tuple[str, str, str]]:
    found = dict(said.options)
    if said.statistics is not None:
        found["statistics"] = str(said.statistics)
    if said.compression is not None:
        found["compression"] = said.compression
    return ((column, setting, value) for setting, value in sorted(found.items()))


def written_settings(state: MaterializedViewState) -> dict[str, Any]:
    """The YAML mapping of both fields: the inverse of `storage_from` and `settings_from`."""
    found: dict[str, dict[str, Any]] = {}
    for column, storage in state.storage:
        found.setdefault(column, {})["storage"] = storage
    for column, setting, value in state.column_settings:
        of = found.setdefault(column, {})
        if setting == "statistics":
            of["statistics"] = int(value)
        elif setting == "compression":
            of["compression"] = value
        else:
            of.setdefault("options", {})[setting] = value
    return found
