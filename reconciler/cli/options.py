"""Options that several commands share, and what they lead to."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.cli.formats import AppliedFormat, FindingsFormat, Format, Shape
from reconciler.core.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app import Policy, Request, Requirement
    from reconciler.settings import Project

Target = Annotated[
    str | None, typer.Option("--target", "-t", help="A target of reconcile.yaml.", show_default=False)
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="A libpq URL or keyword string, or `embedded`; wins over --target.", show_default=False
    ),
]
Schema = Annotated[
    Path | None,
    typer.Option("--schema", "-s", help="Folder or file of the declared state.", show_default=False),
]
Ownership = Annotated[
    bool, typer.Option("--ownership", help="Manage owners, privileges and default privileges in full.")
]
ScratchUrl = Annotated[
    str | None,
    typer.Option("--scratch-url", help="A server where scratch databases may be made.", show_default=False),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", help="Consent to a hazard: all, CODE or CODE:object. Repeatable.", show_default=False
    ),
]
WaitLock = Annotated[
    float, typer.Option("--wait-lock", help="Seconds to wait for another run to end.", show_default=True)
]
DetailedExitcode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every detail of every step.")]

CHANGES = 2
"""The exit code of --detailed-exitcode where there are changes."""


PlanFormat = Annotated[Format, typer.Option("--format", "-f", help="How to show the plan.")]
FindingsShape = Annotated[FindingsFormat, typer.Option("--format", "-f", help="How to show what was found.")]
MaxChars = Annotated[
    int | None,
    typer.Option(
        "--max-chars", min=6000, help="Most characters of --format markdown.  [default: 60000]",
        show_default=False,
    ),
]  # fmt: skip
AppliedShape = Annotated[
    AppliedFormat, typer.Option("--format", "-f", help="How to show the result; markdown is a comment.")
]
ResultFormat = Annotated[Shape, typer.Option("--format", "-f", help="How to show the result.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options point at."""

    project: Project
    target: str
    url: str
    schema: Path
    pooler: Literal["refuse", "session"]
    policy: Policy
    requirement: Requirement
    database_said: str
    """The flag that names the database, as it can be pasted; empty where the command line had none."""
    schema_said: str
    """The same of the schema."""

    @property
    def plans(self) -> Path:
        """The folder of the target's chain."""
        return near(self.project.plans / self.target)


def choose(target: str | None, url: str | None, schema: Path | None = None, connects: bool = True) -> Chosen:
    """Resolve target, URL and schema folder from flags, environment and reconcile.yaml. Without `connects`
    the URL is not looked for: it is empty where nobody gave one.

    Raises UsageError, and InvalidInput for a broken reconcile.yaml.
    """
    from reconciler import settings
    from reconciler.app import Policy, Requirement
    from reconciler.cli import termination_message

    refuse_empty("--target", target)
    refuse_empty("--url", url)
    given = url
    project = settings.find_project(Path.cwd())
    if target is None:
        # A target that is named on the command line is meant, whatever the environment says.
        url = url or settings.url_in(os.environ)
    if target or not url:
        name, chosen = project.target(target)
    else:
        name, chosen = "default", settings.TargetSettings()
    termination_message.note(target=name)
    found = url or (settings.url_of(chosen, name, os.environ, project.root) if connects else "")
    if found == settings.EMBEDDED:
        from reconciler.app import embedded_url

        found = embedded_url(project.root)
    if connects:
        from reconciler.cli.console import say
        from reconciler.engine.catalog.bounded_read import listen

        listen(say)
    policy = Policy.parse(chosen.approve, name)
    requirement = Requirement.of(chosen.require, project.root, os.environ)
    place = schema or near(project.schema)
    said = f"--schema {shlex.quote(str(schema))}" if schema else ""
    pooler = chosen.pooler
    return Chosen(
        project, name, found, place, pooler, policy, requirement, database_said(target, given), said
    )


def database_said(target: str | None, url: str | None) -> str:
    """The flag that names the database, as it can be pasted; empty where neither was given."""
    if target:
        return f"--target {shlex.quote(target)}"
    return f"--url {pasted(url)}" if url else ""


def pasted(url: str) -> str:
    """The URL as a shell takes it; a variable where it holds a password, which is shown nowhere."""
    from reconciler.engine.connection.session import holds_secret

    return '"$DATABASE_URL"' if holds_secret(url) else shlex.quote(url)


def refuse_empty(option: str, value: str | None) -> None:
    """Where a script's variable is not set, no other database than the one that was meant must be taken."""
    if value is not None and not value.strip():
        from reconciler.core.errors import UsageError

        raise UsageError(f"{option} is empty", hint="is the variable set that stands there?")


@dataclass(frozen=True, slots=True)
class Where:
    """The options that say what is compared with what."""

    target: str | None
    url: str | None
    schema: Path | None
    ownership: bool
    scratch_url: str | None

    def chosen(self, connects: bool = True) -> Chosen:
        """`choose` for these options."""
        return choose(self.target, self.url, self.schema, connects)

    def request(self, chosen: Chosen) -> Request:
        """`request_of` for these options."""
        return request_of(chosen, self.ownership, self.scratch_url)

    def offline_request(self, chosen: Chosen) -> Request:
        """`offline_request` for these options."""
        return offline_request(chosen, self.ownership, self.scratch_url)


def named_target(target: str | None, url: str | None) -> str:
    """The name of the target that `choose` would choose, as far as it can be known: never raises."""
    from reconciler import settings
    from reconciler.core.errors import ReconcileError

    try:
        if not target and (url or settings.url_in(os.environ)):
            return "default"
        return settings.find_project(Path.cwd()).target(target)[0]
    except ReconcileError:
        return target or os.environ.get("RECONCILE_TARGET") or "default"


def schema_place() -> Path:
    """Where the declared state would be looked for, as far as it can be known: never raises."""
    from reconciler import settings
    from reconciler.core.errors import ReconcileError

    try:
        return near(settings.find_project(Path.cwd()).schema)
    except ReconcileError:
        return Path(settings.FILE)


def schema_folder(schema: Path | None) -> Path:
    """The folder or file of the declared state, for commands that need no database. Raises UsageError."""
    from reconciler import settings

    return _existing(schema or near(settings.find_project(Path.cwd()).schema))


def near(path: Path) -> Path:
    """The path as a person here says it: relative where it lies below the current folder."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _existing(schema: Path) -> Path:
    from reconciler.core.errors import UsageError

    if not os.path.lexists(schema):
        hint = "pass --schema, or start with: reconcile init"
        raise UsageError(f"there is no schema at {schema}", hint=hint)
    return schema


def request_of(chosen: Chosen, ownership: bool, scratch_url: str | None) -> Request:
    """The comparison that the options ask for. Raises UsageError where the schema folder does not exist."""
    from reconciler.app import Request

    schema = _existing(chosen.schema)
    base = chosen.project.root if chosen.project.is_configured else None
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    return Request(chosen.url, schema, chosen.project.scope(ownership), scratch, base)


def offline_request(chosen: Chosen, ownership: bool, scratch_url: str | None) -> Request:
    """The settings of a comparison of states of the chain: the schema folder may be missing."""
    from reconciler.app import Request

    base = chosen.project.root if chosen.project.is_configured else None
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    return Request("", chosen.schema, chosen.project.scope(ownership), scratch, base)


def _show_version(wanted: bool) -> None:
    if wanted:
        from reconciler import __version__

        typer.echo(f"reconcile {__version__}")
        raise typer.Exit


def before_command(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug", help="Show the traceback of an error; anywhere on the line. (RECONCILE_DEBUG=1)"
        ),
    ] = False,
) -> None:
    """What every command has."""
