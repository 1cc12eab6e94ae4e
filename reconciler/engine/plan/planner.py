"""From two catalogs to a plan: diff, order, words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId, qualified
from reconciler.core.statement import Mode
from reconciler.engine.compare.change import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    new_of,
    with_answers,
)
from reconciler.engine.compare.diff import diff
from reconciler.engine.compare.handover import with_handovers
from reconciler.engine.compare.rename_candidates import possible_renames
from reconciler.engine.compare.stand_ins import out_of_reach
from reconciler.engine.plan.emission import Emission, statements_of
from reconciler.engine.plan.graph import Node, order
from reconciler.engine.plan.model import Plan, Step, Touch
from reconciler.engine.plan.step import step_of
from reconciler.engine.registry import Registry

GROUP_SIZE = 400
"""Steps after which a transaction that only makes new things ends: every table, index and sequence in it
takes a slot of the server's lock table (max_locks_per_transaction)."""

USUAL_PATH = '"$user", public'
"""PostgreSQL's own search_path."""

Ask = Callable[[str, Mapping[str, str]], str | None]
"""Puts a kind's question to the target server."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the words of a plan need beside the catalogs."""

    server_major: int
    schema_digest: str
    sources: Mapping[ObjectId, str] = field(default_factory=dict)
    """Where the YAML declares each object: `schema/users.yaml:12`."""
    not_renamed: frozenset[ObjectId] = frozenset()
    ownership: bool = False
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    surroundings: tuple[Entry, ...] = ()
    """What of the live database is not managed and yet has effects."""
    search_path: Callable[[], str | None] = lambda: USUAL_PATH
    """The search_path of sessions that set none; asked where a step needs it."""
    fold: bool = True
    """Whether children may become clauses of their parent's CREATE; without it only structural ones do."""


def make_plan(
    current: Catalog, desired: Catalog, registry: Registry, context: Context, ask: Ask | None
) -> Plan:
    """The plan from `current` to `desired`; `ask` may be None where no retyping needs the server's word."""
    changes = diff(current, desired, registry, context.surroundings, context.ownership)
    changes = with_handovers(current, desired, changes, registry)
    _refuse_out_of_reach(changes, desired, registry, context)
    if ask is not None:
        changes = with_answers(changes, _answers(changes, registry, context.sources, ask))
    steps = steps_of(current, desired, changes, registry, context) if changes else ()
    return Plan(
        server_major=context.server_major,
        schema_digest=context.schema_digest,
        steps=steps,
        touches=_touches(current, desired, changes, registry),
        ownership=context.ownership,
        unknown=context.unknown,
        notes=context.notes,
    )


def _answers(
    changes: Mapping[ObjectId, Change], registry: Registry, sources: Mapping[ObjectId, str], ask: Ask
) -> dict[ObjectId, Entry]:
    answers: dict[ObjectId, Entry] = {}
    for id, change in changes.items():
        if isinstance(change, Alter):
            old, new = change.old, change.new
        elif isinstance(change, Create | Replace) and (
            registry.of(id).enquires_when_new or _hangs_on_what_is_there(change, changes)
        ):
            old, new = None, new_of(change)
        else:
            continue
        kind = registry.of(new)
        if question := kind.server_query(old, new):
            try:
                answers[id] = kind.with_server_answer(new, ask(*question))
            except Blocked as refusal:
                place = f"{sources[id]}: " if id in sources else ""
                raise Blocked(f"{place}{refusal.message}", hint=refusal.hint) from None
    return answers


def _refuse_out_of_reach(
    changes: Mapping[ObjectId, Change], desired: Catalog, registry: Registry, context: Context
) -> None:
    """Raise Blocked where a stand-in is declared for values that can occur inside others: rows that hold one
    would make the step fail."""
    for id, change in changes.items():
        if not isinstance(change, Follow) or registry.of(change.new).says_how(change.new):
            continue
        if hidden := out_of_reach(change.replaced, desired, registry):
            kind = registry.of(change.new)
            raise Blocked(
                f"{kind.label(change.new)}: values of its type can have {', '.join(hidden)} inside them, and "
                "`removed` replaces only whole values and elements of arrays",
                where=context.sources.get(id),
                hint="say how under the column: transition: {using: EXPRESSION}; or UPDATE the rows first, "
                f"and leave {', '.join(hidden)} out of `removed`",
            )


def _hangs_on_what_is_there(change: Create | Replace, changes: Mapping[ObjectId, Change]) -> bool:
    parent = new_of(change).parent
    return parent is not None and not isinstance(changes.get(parent), Create | Replace)


def _touches(
    current: Catalog, desired: Catalog, changes: Mapping[ObjectId, Change], registry: Registry
) -> dict[ObjectId, Touch]:
    touched = set(changes)
    touched.update(change.old.id for change in changes.values() if isinstance(change, Rename))
    for id in changes:
        if new := desired.get(id):
            touched.update(needed for needed in new.needs if needed in desired and needed in current)
    left = {
        id: registry.of(id).remaining_default(change.entry, changes)
        for id, change in changes.items()
        if isinstance(change, Drop) and change.entry.parent in desired
    }
    return {id: Touch.between(current.get(id), desired.get(id) or left.get(id)) for id in sorted(touched)}


def steps_of(
    current: Catalog,
    desired: Catalog,
    changes: Mapping[ObjectId, Change],
    registry: Registry,
    context: Context,
) -> tuple[Step, ...]:
    """The changes as numbered steps in an order that works."""
    ordered = order(current, desired, changes, registry, context.fold)
    created = frozenset(id for id, change in changes.items() if isinstance(change, Create | Replace))
    emission = Emission(current, desired, changes, registry, ordered, context.sources)
    emission.new_relations = frozenset(qualified(*id.path) for id in created if len(id.path) == 2)
    emission.new_parents = created
    emission.search_path = context.search_path
    emission.renames = possible_renames(current, desired, changes, registry, context.not_renamed)
    numbers: dict[Node, int] = {}
    steps: list[Step] = []
    for node in ordered.nodes:
        statements = tuple(statements_of(emission, node))
        if statements:
            numbers[node] = len(steps) + 1
            earlier = sorted(numbers[other] for other in ordered.requires[node] if other in numbers)
            steps.append(step_of(emission, node, statements, numbers[node], tuple(earlier)))
    return _grouped(steps, changes)


def _grouped(steps: Sequence[Step], changes: Mapping[ObjectId, Change]) -> tuple[Step, ...]:
    """Give each step its transaction. What is dropped to come back does so within one transaction."""
    is_split = all(isinstance(change, Create) for change in changes.values())
    grouped: list[Step] = []
    group, size, closed = 1, 0, False
    for step in steps:
        is_full = is_split and size >= GROUP_SIZE
        if grouped and (closed or is_full or step.mode is Mode.ALONE):
            group, size = group + 1, 0
        grouped.append(dataclasses.replace(step, group=group))
        size += 1
        closed = step.mode is not Mode.TRANSACTION
    return tuple(grouped)
