"""reconcile schema: about the format of schema files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(application: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="About the format of schema files.")
    group.callback()(_about)
    group.command("json-schema")(json_schema)
    application.add_typer(group, name="schema")


def _about() -> None:
    """About the format of schema files."""


def json_schema(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write it here.", show_default=False)
    ] = None,
) -> int:
    """The JSON Schema of schema files, for completion and checks in editors."""
    import json

    from reconciler import app
    from reconciler.cli.console import say, show_json

    made = app.json_schema()
    if out is None:
        show_json(made)
        return 0
    app.write_text(out, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    say(f"wrote {out}")
    return 0
