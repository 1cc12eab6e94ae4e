"""reconcile pull: live database -> YAML."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.app import Pulled, Request


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("pull")(failing_in_format(pull))


def pull(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to; else the schema folder.", show_default=False),
    ] = None,
    snapshot: Annotated[
        Path | None,
        typer.Option(
            "--snapshot", help="Write one snapshot file instead, to plan from later.", show_default=False
        ),
    ] = None,
    target: options.Target = None,
    url: options.Url = None,
    ownership: options.Ownership = False,
    roles: Annotated[
        Literal["needed", "all"] | None,
        typer.Option(
            "--roles",
            help="With --ownership: the roles that the database needs, or all of the server.  "
            "[default: needed]",
            show_default=False,
        ),
    ] = None,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Write the live database as YAML: canonical, one file per table; or whole, as a snapshot."""
    from reconciler import app
    from reconciler.cli.console import say, show_json
    from reconciler.core.errors import UsageError

    chosen = options.choose(target, url)
    folder = out or chosen.schema
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    scope = chosen.project.scope(ownership, roles)
    if roles == "all" and not scope.ownership:
        raise UsageError("--roles all writes roles only with --ownership", hint="add --ownership")
    request = app.Request(chosen.url, folder, scope, scratch)
    if snapshot is not None:
        if out is not None:
            raise UsageError("--out and --snapshot do not go together", hint="run it twice")
        return _snapshot(request, snapshot, format)
    pulled = app.pull_into(folder, request)
    written = pulled.written
    if format is formats.Shape.JSON:
        left_out = dict(pulled.left_out)
        unknown_names = list(pulled.unknown)
        show_json(
            {"folder": str(folder), **written.as_data(), "unknown": unknown_names, "left_out": left_out}
        )
        return 0
    for word, names in (("wrote", written.new), ("changed", written.changed), ("removed", written.removed)):
        for name in names:
            say(f"{word:8} {folder / name}")
    say(f"{folder}: {written.summary}")
    _say_unknown(pulled.unknown)
    say_left_out(pulled)
    return 0


def _snapshot(request: Request, file: Path, format: formats.Shape) -> int:
    from reconciler import app
    from reconciler.cli.console import say, show_json

    objects, unknown = app.save_live(request, file)
    if format is formats.Shape.JSON:
        show_json({"snapshot": str(file), "objects": objects, "unknown": list(unknown)})
    else:
        say(f"wrote    {file}: {counted(objects, 'object')}")
        _say_unknown(unknown)
    return 0


def say_left_out(pulled: Pulled) -> None:
    """Who owns what and may do what is written only on request: how much that is, and how to get it."""
    from reconciler.cli.console import say

    if summary := pulled.left_out_summary:
        say(f"left out: {summary}; `reconcile pull --ownership` writes them down")


def _say_unknown(unknown: Iterable[str]) -> None:
    from reconciler.cli.console import say

    for name in unknown:
        say(f"not modelled, left alone: {name}")
