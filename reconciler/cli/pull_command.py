"""reconcile pull: live database -> YAML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("pull")(pull)


def pull(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write to; else the schema folder.", show_default=False),
    ] = None,
    target: options.Target = None,
    url: options.Url = None,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = options.Shape.TEXT,
) -> int:
    """Write the live database as YAML: canonical, one file per table."""
    from reconciler import app
    from reconciler.cli.output import say, show_json

    chosen = options.choose(target, url)
    folder = out or chosen.schema
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    request = app.Request(chosen.url, folder, chosen.project.scope(ownership), scratch)
    pulled = app.pull_into(folder, request)
    written = pulled.written
    if format is options.Shape.JSON:
        show_json({"folder": str(folder), **written.as_data(), "unknown": list(pulled.unknown)})
        return 0
    for word, names in (("wrote", written.new), ("changed", written.changed), ("removed", written.removed)):
        for name in names:
            say(f"{word:8} {folder / name}")
    say(f"{folder}: {written.summary}")
    for name in pulled.unknown:
        say(f"not modelled, left alone: {name}")
    return 0
