"""Reports of a command in the format that was asked for: of what it found, and of why it failed."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.cli.options import Format

if TYPE_CHECKING:
    from reconciler.app import Owners, Requirement
    from reconciler.cli.options import Chosen
    from reconciler.core.errors import ReconcileError
    from reconciler.core.size import Size
    from reconciler.engine.plan.model import Plan
    from reconciler.report.finding import Report
    from reconciler.report.plan_context import Context, Standing

_APPLYING = frozenset({"apply", "run", "push"})
_FOR_PEOPLE = frozenset({"text", "sql"})
_WITHOUT_SIZES = frozenset({Format.SQL, Format.GITLAB_TERRAFORM})


def failing_in_format(command: Callable[..., int]) -> Callable[..., int]:
    """The command with its failures written to standard output in its own `--format`.

    What a person reads of them still goes to standard error, and the exit code stays.
    """

    @functools.wraps(command)
    def run(**values: Any) -> int:
        try:
            return command(**values)
        except Exception as error:
            _report_failure(error, command.__name__, values)
            raise

    return run


def _report_failure(error: Exception, command: str, values: dict[str, Any]) -> None:
    from reconciler.cli.failure import as_ours
    from reconciler.cli.options import schema_place

    format = values["format"]
    if format.value in _FOR_PEOPLE or isinstance(error, BrokenPipeError):
        return
    place = values.get("schema") or schema_place()
    context = told_around(_subject(command, values), str(place))
    command = "plan-check" if values.get("check") else command
    sys.stdout.write(rendered_failure(as_ours(error), format, context, command, values.get("max_chars")))


def _subject(command: str, values: dict[str, Any]) -> str:
    """What the report of a success would be about."""
    from reconciler.cli.options import named_target, schema_place

    if command == "diff":
        return f"{state_named(values['first'])} → {state_named(values['second'])}"
    if command == "check":
        return str(values.get("schema") or schema_place())
    if command == "show" and values.get("plan") and Path(values["plan"]).is_file():
        return values.get("target") or "default"
    return named_target(values.get("target"), values.get("url"))


def state_named(text: str) -> str:
    """A state of `diff` as a report may show it: without a password."""
    from reconciler.core.redaction import without_credentials

    return without_credentials(text)


def rendered_failure(
    error: ReconcileError,
    format: StrEnum,
    context: Context,
    command: str,
    max_chars: int | None = None,
) -> str:
    """Why a command failed, in the chosen format; nothing in those that are for people."""
    import dataclasses

    from reconciler.cli.apply_flow import with_begun
    from reconciler.report import findings, gitlab, json, markdown

    match format.value:
        case "text" | "sql":
            return ""
        case "json":
            return json.render_failure(error, _around_failure(command))
        case "markdown":
            doing = "apply" if command in _APPLYING else "plan"
            failed = dataclasses.replace(context, standing=markdown.Standing.failed(error), doing=doing)
            return with_begun(markdown.render(None, failed, max_chars or markdown.BUDGET))
        case "gitlab-terraform":
            return gitlab.terraform_failure(error)
        case _:
            report = findings.of_failure(error, context, command)
            return rendered_findings(report, format, Path.cwd())


def _around_failure(command: str) -> Mapping[str, Any]:
    """What the JSON of a failure says besides the error."""
    from reconciler.cli import termination_message

    if command in _APPLYING:
        return termination_message.course().as_data()
    return {"is_valid": False} if command == "check" else {}


def rendered_findings(report: Report, format: StrEnum, folder: Path) -> str:
    """A report in one of the formats of findings; its files are told relative to `folder`."""
    import dataclasses

    from reconciler.report import github, gitlab, junit, sarif
    from reconciler.report.finding import relocated

    renders = {
        "sarif": sarif.render,
        "junit": junit.render,
        "github": github.render,
        "gitlab-codequality": gitlab.code_quality,
    }
    # Files are told as the YAML's place is; the place itself from where we stand.
    report = dataclasses.replace(report, place=str(Path.cwd() / report.place))
    return renders[format.value](relocated(report, folder, repository_around(Path.cwd())))


def sources_folder() -> Path:
    """The folder that a plan's sources are told from."""
    from reconciler import settings

    project = settings.find_project(Path.cwd())
    return project.root if project.is_configured else Path.cwd()


def repository_around(folder: Path) -> Path:
    """The top of the git repository that holds the folder; the folder itself outside of any."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), folder)


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
