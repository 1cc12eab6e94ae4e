"""Options that several commands share, and what they lead to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reconciler.app import Request
    from reconciler.settings import Project

Target = Annotated[str | None, typer.Option("--target", "-t", help="A target of reconcile.yaml.", show_default=False)]
Url = Annotated[
    str | None,
    typer.Option("--url", help="A libpq URL or keyword string, or `embedded`; wins over --target.", show_default=False),
]
Schema = Annotated[
    Path | None, typer.Option("--schema", "-s", help="Folder or file of the declared state.", show_default=False)
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
    typer.Option("--allow", help="Consent to a hazard: all, CODE or CODE:object. Repeatable.", show_default=False),
]
WaitLock = Annotated[
    float, typer.Option("--wait-lock", help="Seconds to wait for another run to end.", show_default=True)
]


class Format(StrEnum):
    """How a result is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SQL = "sql"


OutputFormat = Annotated[Format, typer.Option("--format", "-f", help="How to show the result.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options point at."""

    project: Project
    target: str
    url: str
    schema: Path
    pooler: str


def choose(target: str | None, url: str | None, schema: Path | None = None) -> Chosen:
    """Resolve target, URL and schema folder from flags, environment and reconcile.yaml.

    Raises UsageError, and InvalidInput for a broken reconcile.yaml.
    """
    from reconciler import settings

    project = settings.find_project(Path.cwd())
    url = url or os.environ.get("RECONCILE_URL")
    name, chosen = project.target(target) if target or not url else (target or "default", settings.TargetSettings())
    found = url if url else settings.url_of(chosen, name, os.environ)
    if found == settings.EMBEDDED:
        from reconciler.app import embedded_url

        found = embedded_url(project.root)
    return Chosen(project, name, found, schema or project.schema, chosen.pooler)


def request_of(chosen: Chosen, ownership: bool, scratch_url: str | None) -> Request:
    """The comparison that the options ask for."""
    from reconciler.app import Request

    base = chosen.project.root if chosen.project.is_configured else None
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    return Request(chosen.url, chosen.schema, chosen.project.scope(ownership), scratch, base)
