"""What must happen to each object, from two catalogs: derived equality is the diff."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import (
    Alter,
    Change,
    Create,
    Drop,
    Replace,
    Work,
    differing,
    new_of,
    why_replaced,
)
from reconciler.engine.compare.index_attachment import refuse_adoption
from reconciler.engine.compare.inheritance import Parting, lines, parting
from reconciler.engine.compare.inherited_changes import keep_names, leave_out_carried, rename_parts
from reconciler.engine.compare.propagation import spread
from reconciler.engine.registry import Registry


def diff(
    current: Catalog,
    desired: Catalog,
    registry: Registry,
    surroundings: Iterable[Entry] = (),
    ownership: bool = True,
) -> Mapping[ObjectId, Change]:
    """The changes that lead from `current` to `desired`, keyed by id; empty where nothing differs.

    `surroundings` are entries of the live database that are not managed and yet have effects (default
    privileges). Without `ownership` what those give is left where nobody declares otherwise.
    """
    work = Work(current, desired, registry, tuple(surroundings), ownership)
    for id in {**current.entries, **desired.entries}:
        old, new = current.get(id), desired.get(id)
        if old is not new and (change := _compare(work, old, new)) is not None:
            work.changes[id] = change
    work.queue.extend(sorted(work.changes))
    _settle(work)
    rename_parts(work)
    _settle(work)
    _imply(work)
    _part(work)
    refuse_adoption(work)
    leave_out_carried(work)
    keep_names(work)
    return {id: work.changes[id] for id in sorted(work.changes)}


def _settle(work: Work) -> None:
    """Spread every new change until nothing follows from it any more."""
    while work.queue:
        id = work.queue.pop()
        if id in work.changes:
            spread(work, id, work.changes[id])


def _compare(work: Work, old: Entry | None, new: Entry | None) -> Change | None:
    if old is None:
        assert new is not None
        return Create(new)
    if new is None:
        return Drop(old)
    if old.parent != new.parent and not work.registry.of(new).holds_data:
        return Replace(old, new, f"it hangs on {new.parent} now")
    return _alter_or_replace(work, old, new) if old.state != new.state else None


def _alter_or_replace(work: Work, old: Entry, new: Entry) -> Change:
    fields = differing(old, new)
    why = why_replaced(old, new, fields, work.registry)
    if why is not None:
        return Replace(old, new, why, aside=work.registry.of(new).rename_aside(old) is not None)
    return Alter(old, new, fields)


def _imply(work: Work) -> None:
    """Account for entries that appear by themselves when another is made (default privileges)."""
    around = work.surroundings or work.current
    givers = tuple(entry for entry in around if work.registry.of(entry).shapes_new_objects)
    facets = [kind for kind in work.registry if kind.is_facet] if givers else []
    for change in list(work.changes.values()):
        if not isinstance(change, Create | Replace):
            continue
        for kind in facets:
            for entry in kind.implied_entries(new_of(change), givers):
                _meet(work, entry, comes_back=isinstance(change, Replace))


def _part(work: Work) -> None:
    """Account for what is a table's own between leaving ancestors and joining others."""
    for id in list(work.changes):
        moves = parting(work.changes, id)
        for entry in work.current.children.get(id, ()) if moves.left or moves.joined else ():
            _between(work, entry, moves)
        for above in lines(work.current, moves.left):
            for entry in work.current.children.get(above, ()):
                for kept in work.registry.of(entry).entries_after_detach(entry, id):
                    _meet(work, kept, comes_back=True)


def _between(work: Work, old: Entry, moves: Parting) -> None:
    new, present = work.desired.get(old.id), work.changes.get(old.id)
    if new is None or not (present is None or isinstance(present, Alter)):
        return
    kind = work.registry.of(old)
    ancestor = work.desired.get(new.carrier)
    before = kind.after_detach(old) if moves.left else old
    after = kind.before_attach(before, new, ancestor) if ancestor and ancestor.parent in moves.joined else new
    if before.state == old.state and after.state == new.state:
        return
    if (change := _compare(work, before, after)) is not None:
        work.changes[old.id] = change
    else:
        work.changes.pop(old.id, None)


def _meet(work: Work, implied: Entry, comes_back: bool) -> None:
    wanted = work.desired.get(implied.id)
    kind = work.registry.of(implied)
    if wanted is None:
        # What comes back had none of it before.
        if (work.ownership or comes_back) and not kind.built_in(implied):
            work.changes[implied.id] = Drop(implied, implied=True)
    elif wanted.state == implied.state:
        work.changes.pop(implied.id, None)
    else:
        change = _alter_or_replace(work, implied, wanted)
        work.changes[implied.id] = (
            dataclasses.replace(change, implied=True) if isinstance(change, Alter) else change
        )
