"""Indexes of partitions that PostgreSQL would make part of a partitioned table's, though nobody says so."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.catalog import Entry
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Create, Replace, Work
from reconciler.engine.compare.inheritance import heirs, parting


def refuse_adoption(work: Work) -> None:
    """Raise Blocked where what a partition is to keep as its own would be taken over.

    Manual: CREATE INDEX on a partitioned table; ALTER TABLE, ATTACH PARTITION.
    """
    for whole, table in _meetings(work):
        for entry in work.desired.children.get(table, ()):
            kind = work.registry.of(entry)
            if entry.id.kind != whole.id.kind or entry.carrier is not None or not _is_kept(work, entry):
                continue
            if kind.would_attach(whole, entry):
                part, all_of_it = kind.label(entry), kind.label(whole)
                raise Blocked(
                    f"{part}: PostgreSQL makes it a part of {all_of_it}, which is defined alike",
                    hint="declare it `attached: true`, or not at all: then the part has the name that "
                    "PostgreSQL chooses",
                )


def _is_kept(work: Work, entry: Entry) -> bool:
    return entry.id in work.current and not isinstance(work.changes.get(entry.id), Create | Replace)


def _meetings(work: Work) -> Iterator[tuple[Entry, ObjectId]]:
    """What a partitioned table gets, or has when a partition joins, and each partition that it meets."""
    for id, change in work.changes.items():
        if isinstance(change, Create | Replace) and work.registry.of(id).is_attachable:
            whole = work.desired[id]
            yield from ((whole, table) for table in _below(work, whole.parent))
            continue
        for above in parting(work.changes, id).joined:
            for whole in work.desired.children.get(above, ()):
                if work.registry.of(whole).is_attachable:
                    yield whole, id


def _below(work: Work, table: ObjectId | None) -> Iterator[ObjectId]:
    for heir in heirs(work.desired, table) if table is not None else ():
        yield heir.id
        yield from _below(work, heir.id)
