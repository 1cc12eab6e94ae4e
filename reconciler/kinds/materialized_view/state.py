"""What is known of a materialized view."""

from __future__ import annotations

from dataclasses import field

from reconciler.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class MaterializedViewState:
    """A materialized view; its indexes are entries of their own."""

    query: str
    """As pg_get_viewdef writes it, without the final semicolon."""
    column_names: tuple[str, ...] = ()
    """Names written beside the query; PostgreSQL makes them part of it, so a catalog never has any here."""
    with_data: bool = True
    """Whether it has been populated, so that it can be read."""
    options: tuple[str, ...] = ()
    options_order: tuple[str, ...] = field(default=(), compare=False)
    """The options as they were given."""
    access_method: str | None = None
    """None is heap."""
    tablespace: str | None = None
    storage: tuple[tuple[str, str], ...] = ()
    """(column, storage) where it is not the type's own."""
    column_settings: tuple[tuple[str, str, str], ...] = ()
    """(column, setting, value): statistics, compression and the attribute options n_distinct."""
