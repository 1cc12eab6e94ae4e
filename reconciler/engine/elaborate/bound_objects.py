"""What only the target's database can hold: extensions that refuse any other one, and what uses them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry

_REFUSED_BY_SCRIPT = "P0001"


def bound(
    failed: Mapping[ObjectId, Any], declared: Catalog, live: Catalog, registry: Registry
) -> Mapping[ObjectId, Entry]:
    """What a scratch build goes on without.

    These are extensions that could not be made there, though the target has them just so or their own script
    refuses that database (pg_cron), and what needs them and is declared as it is live.
    """
    found: dict[ObjectId, Entry] = {}
    for id, error in failed.items():
        if registry.of(id).is_bound_to_database and id in declared:
            there = live.get(id)
            if there is not None and there.state == declared[id].state:
                found[id] = there
            elif there is None and error.sqlstate == _REFUSED_BY_SCRIPT:
                found[id] = declared[id]
    pending = list(found)
    while pending:
        for id in live.dependents.get(pending.pop(), ()):
            own = declared.get(id)
            if id not in found and own is not None and own.state == live[id].state:
                found[id] = live[id]
                pending.append(id)
    return found


def without(kept: Mapping[ObjectId, Entry], registry: Registry) -> str | None:
    """Which of these extensions a scratch build went on without, in words; None for none."""
    names = [
        registry.of(entry).label(entry) for entry in kept.values() if registry.of(entry).is_bound_to_database
    ]
    return ", ".join(sorted(names)) or None


def explained(problems: Iterable[Problem], missing: str) -> Iterable[Problem]:
    """The problems of a build that had to go on without an extension, each with the way on."""
    for problem in problems:
        hint = (
            f"{missing} can be made in no scratch database. What uses it can only stay as it is: change it"
            " by hand and pull, or leave it out with `manage.ignore`"
        )
        yield dataclasses.replace(problem, hint=hint)
