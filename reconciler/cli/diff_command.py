"""reconcile diff: any two states."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.settings import Project

_STATE = "live, url:URL, target:NAME, or a folder or file."


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("diff")(diff)


def diff(
    first: Annotated[
        str, typer.Argument(metavar="A", help=f"The state to start from: {_STATE}", show_default=False)
    ],
    second: Annotated[
        str, typer.Argument(metavar="B", help=f"The state to end at: {_STATE}", show_default=False)
    ],
    target: options.Target = None,
    url: options.Url = None,
    detailed_exitcode: options.DetailedExitcode = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = options.Format.TEXT,
) -> int:
    """What would turn state A into state B; nothing is changed."""
    from reconciler import app, settings
    from reconciler.cli.output import show_plan

    project = settings.find_project(Path.cwd())
    states = [_state(text, project, target, url) for text in (first, second)]
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    request = app.Request("", Path(), project.scope(ownership), scratch)
    found = app.difference(states[0], states[1], request)
    show_plan(found, format, f"{first} → {second}", verbose)
    return options.CHANGES if detailed_exitcode and not found.is_empty else 0


def _state(text: str, project: Project, target: str | None, url: str | None) -> str | Path:
    """A URL, or the path of a declared state. Raises UsageError for neither."""
    from reconciler.core.errors import UsageError

    word, _, rest = text.partition(":")
    if text == "live":
        return options.choose(target, url).url
    if word == "target" and rest:
        return options.choose(rest, None).url
    if word == "url" and rest:
        return rest
    if text.startswith(("postgres://", "postgresql://")):
        return text
    if Path(text).exists():
        return Path(text)
    raise UsageError(f"`{text}` is no state", hint=f"a state is {_STATE}")
