"""reconcile ci: what pipelines do besides planning and applying."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import formats, options

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.forge import Asked, Credential, Place, Posted


class OfForge(StrEnum):
    """The forges, as the command line names them."""

    GITHUB = "github"
    GITLAB = "gitlab"


class WithoutPlan(StrEnum):
    """What a comment can say without a plan to show."""

    FAILED = "failed"
    STALE = "stale"
    APPLIED = "applied"


File = Annotated[str, typer.Option("--file", "-F", help="The text, Markdown; `-` is standard input.")]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", help="Whose comment it is; else the file says.", show_default=False),
]
StateChoice = Annotated[
    WithoutPlan | None,
    typer.Option("--state", help="There is no plan to show: the file is a log.", show_default=False),
]
LabelsFrom = Annotated[
    Path | None,
    typer.Option("--labels-from", help="A plan's JSON: put its labels on the request.", show_default=False),
]
ForgeChoice = Annotated[
    OfForge | None, typer.Option("--forge", help="Where; else found out.", show_default=False)
]
Repository = Annotated[
    str | None, typer.Option("--repo", help="OWNER/NAME; else the pipeline's.", show_default=False)
]
Number = Annotated[
    int | None,
    typer.Option("--number", min=1, help="Of the request; else the pipeline's.", show_default=False),
]
Commit = Annotated[
    str | None,
    typer.Option("--commit", help="The request that brought this commit.", show_default=False),
]
ApiUrl = Annotated[
    str | None, typer.Option("--api-url", help="The API; else the pipeline's.", show_default=False)
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="Read the token here, not from the environment.", show_default=False),
]


def register(application: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="For pipelines: the comment on a pull or merge request.")
    group.callback()(_about)
    group.command("comment")(comment)
    application.add_typer(group, name="ci")


def _about() -> None:
    """For pipelines: the comment on a pull or merge request."""


def comment(
    file: File,
    target: Target = None,
    state: StateChoice = None,
    labels_from: LabelsFrom = None,
    forge: ForgeChoice = None,
    repo: Repository = None,
    number: Number = None,
    commit: Commit = None,
    api_url: ApiUrl = None,
    token_file: TokenFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail where the comment fails.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and say what would be done.")] = False,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Write the plan's comment on the pull or merge request, or bring it up to date.

    One comment for each target, found again by its hidden first line. The token is GITHUB_TOKEN or
    GITLAB_TOKEN. A comment that fails is a warning, and the exit code stays 0, unless --strict.
    """
    from reconciler import forge as forges
    from reconciler.core.errors import InvalidInput, UsageError

    if commit is not None and number is not None:
        raise UsageError("--number and --commit each say which request: pass one")

    asked = forges.Asked(forges.ForgeName(forge) if forge else None, repo, number, api_url)
    place = None
    try:
        marker, body = forges.read_body(file, target, forges.Told(state) if state else None)
        labels = None if labels_from is None else forges.read_labels(labels_from)
        place, credential = _found(asked, commit, token_file)
        with forges.opened(place, credential) as request:
            posted = forges.post(request, marker, body, labels, dry_run)
    except (forges.ForgeFailed, InvalidInput) as error:
        if strict:
            raise
        _warn(error, place, format)
        return 0
    _show(posted, place, format)
    if strict and posted.labels_refused:
        raise forges.ForgeFailed(f"no labels: {posted.labels_refused}")
    return 0


def _found(asked: Asked, commit: str | None, token_file: Path | None) -> tuple[Place, Credential]:
    """The request, and the token to write with."""
    from reconciler import forge as forges

    if commit is None:
        place = forges.find_place(asked, os.environ)
        return place, forges.find_credential(place.forge, token_file, os.environ)
    project = forges.find_project(asked, os.environ)
    credential = forges.find_credential(project.forge, token_file, os.environ)
    brought = forges.Brought(commit, forges.find_branch(project.forge, os.environ))
    return forges.place_of_commit(project, credential, brought, os.environ), credential


def _warn(error: ReconcileError, place: Place | None, format: formats.Shape) -> None:
    """A comment must not decide whether a pipeline is green: its plan does."""
    from reconciler.cli.console import say, show_json

    hint = f"\n  hint: {error.hint}" if error.hint else ""
    say(f"warning: the comment was not written: {error.message}{hint}")
    if format is formats.Shape.JSON:
        show_json({**_where(place), "result": "failed", "error": error.message, "hint": error.hint})


def _show(posted: Posted, place: Place, format: formats.Shape) -> None:
    from reconciler.cli.console import say, show, show_json

    refused = posted.labels_refused
    added, removed = ((), ()) if refused else (posted.labels.add, posted.labels.remove)
    if refused:
        say(f"warning: the labels stay as they are: {refused}\n  hint: make them in the repository first")
    if format is formats.Shape.JSON:
        show_json({
            **_where(place), "result": posted.result, "url": posted.url, "dry_run": posted.is_dry,
            "outdated_deleted": posted.removed, "labels": {"added": list(added), "removed": list(removed)},
        })  # fmt: skip
        return
    done = {"created": "would be created", "updated": "would be updated"} if posted.is_dry else {}
    would = "would be " if posted.is_dry else ""
    where = f", {posted.url}" if posted.url else ""
    show(f"comment on {place}: {done.get(posted.result, posted.result)}{where}")
    if posted.removed:
        show(f"outdated comments {would}deleted: {posted.removed}")
    for word, labels in (("put on", added), ("taken off", removed)):
        if labels:
            show(f"labels {would}{word}: {', '.join(labels)}")


def _where(place: Place | None) -> dict[str, object]:
    if place is None:
        return {"forge": None, "repository": None, "number": None}
    return {"forge": place.forge.value, "repository": place.repository, "number": place.number}
