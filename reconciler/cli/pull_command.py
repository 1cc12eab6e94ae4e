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
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("schema"),
    target: options.Target = None,
    url: options.Url = None,
    ownership: options.Ownership = False,
) -> int:
    """Write the live database as YAML: canonical, one file per table."""
    from reconciler import app
    from reconciler.cli.output import say

    chosen = options.choose(target, url)
    files, unknown = app.pull(chosen.url, chosen.project.scope(ownership))
    written = app.write_files(files, out)
    say(f"{len(files)} files in {out}, {written} of them new or changed")
    for name in unknown:
        say(f"not modelled, left alone: {name}")
    return 0
