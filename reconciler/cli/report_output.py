"""Rendering plans and findings in the format that the person asked for."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.console import has_colour, width
from reconciler.cli.formats import FindingsFormat, Format

if TYPE_CHECKING:
    from reconciler.engine.plan.model import Plan
    from reconciler.report.finding import Report
    from reconciler.report.plan_context import Context


def show_plan(
    plan: Plan,
    format: Format,
    context: Context,
    verbose: bool = False,
    max_chars: int | None = None,
    command: str = "plan",
) -> None:
    """Write a plan to standard output; `max_chars` is for Markdown, `command` for formats of findings."""
    sys.stdout.write(rendered(plan, format, context, verbose, max_chars, command))


def rendered(
    plan: Plan,
    format: Format,
    context: Context,
    verbose: bool = False,
    max_chars: int | None = None,
    command: str = "plan",
) -> str:
    """A plan in the chosen format."""
    match format:
        case Format.JSON:
            from reconciler.report import json

            return json.render(plan, context)
        case Format.MARKDOWN:
            from reconciler.report import markdown

            return markdown.render(plan, context, max_chars or markdown.BUDGET)
        case Format.SQL:
            from reconciler.report import sql

            return sql.render(plan)
        case Format.TEXT:
            from reconciler.report import text

            colour = has_colour(sys.stdout)
            return text.render(plan, context, colour=colour, width=width(), verbose=verbose)
        case Format.GITLAB_TERRAFORM:
            from reconciler.report import gitlab

            return gitlab.terraform(plan)
        case _:
            from reconciler.report import findings

            return rendered_findings(findings.of_plan(plan, context, command), format, sources_folder())


def show_findings(report: Report, format: FindingsFormat | Format) -> None:
    """Write a report of findings to standard output."""
    sys.stdout.write(rendered_findings(report, format, sources_folder()))


def show_markdown(context: Context, plan: Plan | None = None, max_chars: int | None = None) -> None:
    """Write a comment to standard output; without a plan it says what the standing says."""
    from reconciler.report import markdown

    sys.stdout.write(markdown.render(plan, context, max_chars or markdown.BUDGET))


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
