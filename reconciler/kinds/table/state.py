"""What is known of a table."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from reconciler.core.dataclass import dataclass
from reconciler.core.inheritance import KIN


@dataclass(frozen=True, slots=True)
class TableState:
    """A table without its columns, constraints and indexes: those are entries of their own."""

    kin: ClassVar[frozenset[str]] = KIN

    unlogged: bool = False
    partition_key: str | None = None
    """As pg_get_partkeydef writes it: `RANGE (occurred_at)`."""
    partition_of: str | None = None
    """The partitioned table as SQL writes it."""
    bound: str | None = None
    """`FOR VALUES ...` or `DEFAULT`."""
    inherits: tuple[str, ...] = ()
    of_type: str | None = None
    options: tuple[str, ...] = ()
    options_order: tuple[str, ...] = field(default=(), compare=False)
    """The options as they were given."""
    access_method: str | None = None
    """None is heap, whatever default_table_access_method says; a partitioned table then has none (17)."""
    tablespace: str | None = None
    row_security: bool = False
    force_row_security: bool = False
    replica_identity: str = "default"
    referenced: bool = field(default=False, compare=False)
    """Of a partition: a foreign key refers to the whole, so that PostgreSQL drops it only once detached."""
    default_beside: str | None = field(default=None, compare=False)
    """Of a partition that is there: the default one beside it, as SQL writes it."""
    default_partition: tuple[str, ...] = field(default=(), compare=False)
    """Of a partition to be made or attached: the default one beside it, then those below that, as SQL writes
    them; found by `server_query`."""
