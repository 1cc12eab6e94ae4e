"""Saving: a plan into its chain with the state that it leads to, and a live state into a snapshot file."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.files import section_keys, write_text
from reconciler.app.kind_discovery import registry
from reconciler.core.catalog import Catalog
from reconciler.core.errors import Blocked

if TYPE_CHECKING:
    from reconciler.app.planning.comparison import Compared, Request
    from reconciler.engine.catalog.scope import Scope
    from reconciler.engine.chain.chain import Link
    from reconciler.engine.plan.model import Plan


def after(compared: Compared) -> Catalog:
    """The whole state that a plan leads to: what it was compared with is as declared, the rest as it was."""
    left = {id: entry for id, entry in compared.renamed.entries.items() if id not in compared.current}
    return dataclasses.replace(compared.renamed, entries={**left, **compared.wanted.entries})


def snapshot_text(catalog: Catalog, scope: Scope, server: int, owner: str, plan: str | None = None) -> str:
    """The snapshot file of a state; `plan` is the id of the plan that leads there, where it is of a chain."""
    from reconciler.engine.chain import snapshot

    kinds = registry()
    facts = snapshot.Facts(server, owner, plan)
    return snapshot.dump(snapshot.whole(catalog, scope, kinds), facts, kinds, section_keys())


def save_plan(folder: Path, compared: Compared, scope: Scope, name: str | None) -> Path | None:
    """Append the plan to the chain, with the state that it leads to; its path, or None where it is the
    chain's last already.

    Raises Blocked where it does not start where the chain ends, InvalidInput where the chain is broken.
    """
    from reconciler.engine.chain.chain_file import changing

    folder.mkdir(parents=True, exist_ok=True)
    with changing(folder):
        return _appended(folder, compared, scope, name)


def _appended(folder: Path, compared: Compared, scope: Scope, name: str | None) -> Path | None:
    from reconciler.app.plans.target_chain import read_plans
    from reconciler.engine.chain import chain, snapshot
    from reconciler.engine.plan import plan_file

    plans = read_plans(folder)
    plan = _told_apart(compared.plan, chain.read_history(folder))
    if plan is None:
        return None
    if (found := chain.joint_problem([(one.link, one.plan) for one in plans], plan)) is not None:
        raise Blocked(
            f"the plan does not start where the chain in {folder} ends: {found[0]} is not as plan "
            f"{found[1].number:04} leaves it",
            hint="carry out what is pending (reconcile apply --all), or start from the chain: "
            "reconcile plan --from chain --save",
        )
    facts = (plan.server_major, compared.owner)
    files = [(snapshot.NAME, snapshot_text(after(compared), scope, *facts, plan_file.plan_id(plan)))]
    if not plans and _has_something(compared.before) and not (folder / snapshot.BASELINE).exists():
        files.insert(0, (snapshot.BASELINE, snapshot_text(compared.before, scope, *facts)))
    return chain.append(folder, plan, name or chain.next_slug(plan), files)


def _told_apart(plan: Plan, history: Sequence[Link]) -> Plan | None:
    """The plan with an id that no other of its chain has: one that does what was done before says so. None
    where it is the last already.

    The journal, and who signs, know a plan by its id.
    """
    from reconciler.engine.plan import plan_file
    from reconciler.engine.plan.notes import once_more

    links = {link.id: link for link in history}
    same: list[str] = []
    told = plan
    while (link := links.get(plan_file.plan_id(told))) is not None:
        if link is history[-1]:
            return None
        same.append(f"{link.number:04}_{link.slug}")
        told = dataclasses.replace(plan, notes=(*plan.notes, once_more(same)))
    return told


def save_live(request: Request, file: Path) -> tuple[int, tuple[str, ...]]:
    """Write the live state into a snapshot file: how many objects it holds, and what no kind models."""
    from reconciler.app.planning.comparison import live_catalog
    from reconciler.app.states.offline_state import owner_of
    from reconciler.engine.chain import snapshot
    from reconciler.engine.connection.session import opened

    with opened(request.url, read_only=True) as connection:
        catalog = live_catalog(connection)
        owner = owner_of(connection)
        major = connection.info.server_version // 10000
    write_text(file, snapshot_text(catalog, request.scope, major, owner))
    return len(snapshot.whole(catalog, request.scope, registry())), catalog.unknown


def save_baseline(request: Request, folder: Path) -> bool:
    """Write the live state down as the one that a chain begins at; False where there is a chain or one was
    written already."""
    from reconciler.engine.chain import chain, snapshot
    from reconciler.engine.chain.chain_file import changing

    folder.mkdir(parents=True, exist_ok=True)
    with changing(folder):
        if (folder / chain.CHAIN).exists() or (folder / snapshot.BASELINE).exists():
            return False
        save_live(request, folder / snapshot.BASELINE)
    return True


def _has_something(catalog: Catalog) -> bool:
    """Whether it is more than a new database."""
    kinds = registry()
    return any(not kinds.of(entry).is_shared and not kinds.of(entry).built_in(entry) for entry in catalog)
