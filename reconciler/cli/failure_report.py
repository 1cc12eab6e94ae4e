"""Why a command failed, in the format that was asked for."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.report.plan_context import Context

_APPLYING = frozenset({"apply", "run", "push"})
_FOR_PEOPLE = frozenset({"text", "sql"})


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
    from reconciler.cli.report_context import told_around

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

    from reconciler.cli.failure_report import with_begun
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
            from reconciler.cli.report_output import rendered_findings

            report = findings.of_failure(error, context, command)
            return rendered_findings(report, format, Path.cwd())


def _around_failure(command: str) -> Mapping[str, Any]:
    """What the JSON of a failure says besides the error."""
    from reconciler.cli import termination_message

    if command in _APPLYING:
        return termination_message.course().as_data()
    return {"is_valid": False} if command == "check" else {}


def with_begun(comment: str) -> str:
    """The comment on a failure, with the plans that were begun where that is more than one."""
    from reconciler.cli import termination_message
    from reconciler.report import applied

    course = termination_message.course()
    if len(course.plans) < 2:
        return comment
    told = [
        applied.Done(
            one.plan,
            len(one.ran) + (len(one.verdict.resumed_after) if one.verdict is not None else 0),
            one.seconds,
            one.file,
            one.verdict is not None and one.verdict.was_applied,
            has_failed=one.verdict is None,
        )
        for one in course.plans
    ]
    behind = (course.pending or 0) - (course.failed is not None)
    return applied.with_plans(comment, told, behind)
