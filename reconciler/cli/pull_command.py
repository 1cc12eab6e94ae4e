"""reconcile pull: live database -> YAML."""

from __future__ import annotations

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
    format: options.ResultFormat = options.Shape.TEXT,
) -> int:
    """Write the live database as YAML: canonical, one file per table."""
    from reconciler import app
    from reconciler.cli.output import say, show_json

    chosen = options.choose(target, url)
    folder = out or chosen.schema
    files, unknown = app.pull(chosen.url, chosen.project.scope(ownership))
    written = app.write_schema(files, folder)
    if format is options.Shape.JSON:
        show_json({"folder": str(folder), **written.as_data(), "unknown": list(unknown)})
        return 0
    for word, names in (("wrote", written.new), ("changed", written.changed), ("removed", written.removed)):
        for name in names:
            say(f"{word:8} {folder / name}")
    say(f"{len(files)} files in {folder}: {written.summary}")
    for name in unknown:
        say(f"not modelled, left alone: {name}")
    return 0
