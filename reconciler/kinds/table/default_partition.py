"""A partition that comes or goes beside a default one, which PostgreSQL locks meanwhile.

The rows of the default one are read for one that is made or attached: none of them may belong to that
(manual: CREATE TABLE, PARTITION OF; ALTER TABLE, ATTACH PARTITION).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.ident import qualified
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement, on
from reconciler.kinds.table.state import TableState

__all__ = ["DEFAULT_PARTITION", "asked_for", "beside_default", "taken_out", "with_default"]

DEFAULT_PARTITION: LiteralString = """
    SELECT pg_catalog.json_agg(
        pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
        ORDER BY tree.level, n.nspname, c.relname)::text
    FROM pg_catalog.pg_partitioned_table whole
    CROSS JOIN LATERAL pg_catalog.pg_partition_tree(whole.partdefid) AS tree
    JOIN pg_catalog.pg_class c ON c.oid = tree.relid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE whole.partrelid = pg_catalog.to_regclass(%(whole)s)
        AND whole.partdefid IS DISTINCT FROM pg_catalog.to_regclass(%(partition)s)"""
"""The default partition of `%(whole)s` and those below, as JSON; null without one beside `%(partition)s`."""


def asked_for(old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
    """The question to the server where the table becomes a partition, or one with another bound."""
    state: TableState = new.state
    place = (state.partition_of, state.bound)
    stays = old is not None and (old.state.partition_of, old.state.bound) == place
    if stays or state.partition_of is None or state.bound == "DEFAULT":
        return None
    return DEFAULT_PARTITION, {"whole": state.partition_of, "partition": qualified(*new.id.path)}


def with_default(new: Entry, answer: str | None) -> Entry:
    """The table with the server's answer."""
    if answer is None:
        return new
    state = dataclasses.replace(new.state, default_partition=tuple(json.loads(answer)))
    return dataclasses.replace(new, state=state)


def taken_out(entry: Entry, statement: Statement) -> Statement:
    """The statement that detaches or drops the partition, which changes what belongs in the default one."""
    state: TableState = entry.state
    # Measured: the partitioned table and its default partition are locked too; not what is below that.
    relations = (state.partition_of, state.default_beside)
    more = tuple(lock for relation in relations if relation is not None for lock in on(relation))
    return dataclasses.replace(statement, locks=statement.locks + more)


def beside_default(entry: Entry, statement: Statement) -> Statement:
    """The statement that makes or attaches the partition, with what it does to the default one."""
    found: tuple[str, ...] = entry.state.default_partition
    if not found:
        return statement
    message = f"rows of {found[0]} that belong to the new partition make it fail: move them out first"
    return dataclasses.replace(
        statement,
        # Measured: the default partition and all below it are locked for as long as they are read.
        locks=statement.locks + tuple(lock for relation in found for lock in on(relation)),
        hazards=(*statement.hazards, Hazard(HazardCode.MAY_FAIL, entry.id, message)),
        cost=Cost.SCAN,
    )
