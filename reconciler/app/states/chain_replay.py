"""The state after a plan of a chain, found by running the chain on an empty scratch database."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import InvalidInput
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Mode

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.plans.target_chain import ChainedPlan
    from reconciler.engine.chain.snapshot import Snapshot
    from reconciler.engine.plan.model import Step

_HINT = "git has the snapshots of earlier states: reconcile plan --from snapshot:FILE"


def replayed(
    plans: Sequence[ChainedPlan], start: Catalog, head: Snapshot | None, connection: Connection[Any]
) -> Catalog:
    """Run the plans in a database that is in the state `start`; the state that they lead to.

    Roles are the server's and are left alone: what they are like is taken from `start` and from `head`, the
    chain's last state. Raises InvalidInput where a plan fails or leads elsewhere than it says.
    """
    from reconciler.engine.catalog.introspect import introspect

    for one in plans:
        for _, group in groupby(one.plan.steps, key=lambda step: step.group):
            _run(one, [step for step in group if not _is_shared(step.object)], connection)
    kinds = registry()
    read = introspect(connection, kinds)
    entries = {entry.id: entry for entry in read if not _is_shared(entry.id)}
    expected = _left_by(plans)
    known = {id: entry for id, entry in start.entries.items() if _is_shared(id)}
    known |= _shared_of(head)
    for id, entry in known.items():
        if expected.get(id, entry.digest()) == entry.digest():
            entries[id] = entry
    catalog = dataclasses.replace(read, entries=entries, unknown=plans[-1].plan.unknown)
    _must_agree(catalog, expected, plans[-1])
    return catalog


def _run(one: ChainedPlan, steps: Sequence[Step], connection: Connection[Any]) -> None:
    import psycopg

    from reconciler.engine.plan.step_path import with_path

    with _together(steps, connection):
        for step in steps:
            for sql in step.sql:
                try:
                    with with_path(step.search_path, connection):
                        connection.execute(sql.encode())
                except psycopg.Error as error:
                    message = error.diag.message_primary or type(error).__name__
                    raise InvalidInput(
                        f"{one.path}: step {step.number} ({step.label}) fails where the chain is run on an "
                        f"empty database: {message}",
                        hint=_HINT,
                    ) from None


def _together(steps: Sequence[Step], connection: Connection[Any]) -> Any:
    from contextlib import nullcontext

    is_alone = any(step.mode is Mode.ALONE for step in steps)
    return nullcontext() if is_alone else connection.transaction()


def _is_shared(id: ObjectId) -> bool:
    """Whether all databases of a server share it, or what it is about (a comment on a role)."""
    kinds = registry()
    kind = kinds.of(id)
    if kind.is_shared or not kind.is_facet:
        return kind.is_shared
    names = {other.name: other for other in kinds}
    return id.path[0] in names and names[id.path[0]].is_shared


def _shared_of(head: Snapshot | None) -> Mapping[ObjectId, Entry]:
    if head is None:
        return {}
    return {
        id: Entry(id, item.declared.state, item.declared.parent, item.declared.needs)
        for id, item in head.written.objects.items()
        if _is_shared(id)
    }


def _left_by(plans: Sequence[ChainedPlan]) -> Mapping[ObjectId, str | None]:
    """What the plans say of every object that they touch, in the words of the last one's major."""
    found: dict[ObjectId, str | None] = {}
    for one in plans:
        if one.plan.server_major == plans[-1].plan.server_major:
            found |= {id: touch.after for id, touch in one.plan.touches.items()}
    return found


def _must_agree(catalog: Catalog, expected: Mapping[ObjectId, str | None], last: ChainedPlan) -> None:
    differing = list(_differing(catalog, expected))
    if differing:
        shown = ", ".join(map(str, differing[:10]))
        raise InvalidInput(
            f"the plans up to {last.path}, run on an empty database, do not lead where they say: {shown}",
            hint=_HINT,
        )


def _differing(catalog: Catalog, expected: Mapping[ObjectId, str | None]) -> Iterator[ObjectId]:
    kinds = registry()
    for id, digest in expected.items():
        # Who owns what depends on who runs the plans.
        if kinds.of(id).managed_with_ownership or _is_shared(id):
            continue
        there = catalog.get(id)
        if (there.digest() if there else None) != digest:
            yield id
