"""What a report says around a plan: target, owners, sizes, rules, the CI run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.formats import Format

if TYPE_CHECKING:
    from reconciler.app import Owners, Requirement
    from reconciler.cli.options import Chosen
    from reconciler.core.size import Size
    from reconciler.engine.plan.model import Plan
    from reconciler.report.plan_context import Context, Standing


_WITHOUT_SIZES = frozenset({Format.SQL, Format.GITLAB_TERRAFORM})


def told_around(target: str, place: str, file: str | None = None, again: str | None = None) -> Context:
    """What a report says besides a plan, as far as this machine's environment knows it."""
    import dataclasses

    from reconciler.report.plan_context import Context

    context = Context(target, file, run_url=_run_url(), place=place)
    return dataclasses.replace(context, again=again) if again else context


def planned_around(
    plan: Plan, chosen: Chosen, format: Format, file: Path | None = None, is_live: bool = True
) -> tuple[Plan, Context]:
    """A plan and what there is to say around it: what the target's rules allow counts as consent.

    The target's database is asked for sizes where the format tells them, and not where `is_live` is False:
    then the plan was made without it.
    """
    import dataclasses

    context = told_around(
        chosen.target, str(chosen.schema), str(file) if file else None, _again(chosen, format)
    )
    if format is Format.TEXT and not _tells_its_target(file, chosen):
        context = dataclasses.replace(context, database_said=chosen.database_said)
    owners = () if plan.is_empty else owners_around(file, chosen.plans, chosen.requirement)
    context = dataclasses.replace(context, owners=owners)
    plan = _allowed_by_rules(plan, chosen)
    if is_live and format not in _WITHOUT_SIZES and not plan.is_empty:
        context = dataclasses.replace(
            context, sizes=_sizes(plan, chosen.url), standing=_held_back(plan, chosen)
        )
    return plan, context


def _tells_its_target(file: Path | None, chosen: Chosen) -> bool:
    is_target = chosen.target in chosen.project.settings.targets
    return is_target and file is not None and file.absolute().parent == chosen.plans.absolute()


def _again(chosen: Chosen, format: Format) -> str | None:
    """The command that plans again. Only who typed it is told what it said of a server."""
    if chosen.target in chosen.project.settings.targets:
        return f"reconcile plan --target {shlex.quote(chosen.target)} --save"
    if format is Format.TEXT:
        said = ("reconcile plan", chosen.database_said, chosen.schema_said, "--save")
        return " ".join(filter(None, said))
    return None


def owners_around(file: Path | None, plans: Path, requirement: Requirement) -> tuple[Owners, ...]:
    """Who must approve a plan of the chain in `plans`: saved as `file`, or to be saved there.

    None where there is no chain, or where CODEOWNERS cannot be read: a check complains of that.
    """
    from reconciler import app
    from reconciler.core.errors import UsageError
    from reconciler.engine.chain.chain_file import CHAIN

    if file is None or file.absolute().parent != plans.absolute():
        if not (plans / CHAIN).exists():
            return ()
        file = plans / "0001_x.plan.yaml"
    try:
        return app.owners_of(file, plans.absolute().parent, requirement.codeowners)
    except UsageError:
        return ()


def _allowed_by_rules(plan: Plan, chosen: Chosen) -> Plan:
    import dataclasses

    from reconciler.engine.plan.model import Ack

    by_rule = tuple(
        Ack(step.number, hazard.code, f"`approve: {{{hazard.code}: always}}` of target {chosen.target}")
        for step, hazard in plan.blocking
        if hazard.code in chosen.policy.always
    )
    return dataclasses.replace(plan, acks=(*plan.acks, *by_rule))


def _held_back(plan: Plan, chosen: Chosen) -> Standing | None:
    from reconciler.core.errors import Blocked
    from reconciler.engine.plan.consent import Consent
    from reconciler.report.plan_context import Standing

    try:
        chosen.policy.hold_back(plan, chosen.url, chosen.policy.consent(Consent.parse([])))
    except Blocked as error:
        return Standing.failed(error)
    return None


def _sizes(plan: Plan, url: str) -> dict[str, Size]:
    from reconciler.app.relation_sizes import sizes

    return dict(sizes(plan, url))


def _run_url() -> str | None:
    """The page of the CI run that we are in; None elsewhere."""
    environment = os.environ
    if environment.get("GITHUB_ACTIONS") == "true":
        parts = [environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
        return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
    return environment.get("CI_JOB_URL")
