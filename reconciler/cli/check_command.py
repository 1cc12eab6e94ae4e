"""reconcile check: validate the files; with --build, for certain."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from reconciler.cli import options


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("check")(check)


def check(
    schema: options.Schema = None,
    build: Annotated[bool, typer.Option("--build", help="Really build it in a scratch database.")] = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = options.Shape.TEXT,
) -> int:
    """Validate the schema files; with --build, ask PostgreSQL too."""
    from reconciler import app
    from reconciler.cli.output import show, show_json
    from reconciler.core.errors import InvalidInput

    folder = options.schema_folder(schema)
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    try:
        checked = app.check(folder, build or scratch_url is not None, scratch)
    except InvalidInput as error:
        if format is options.Shape.TEXT:
            raise
        show_json({"is_valid": False, "problems": [_problem(problem) for problem in error.problems]})
        return error.exit_code
    if format is options.Shape.JSON:
        show_json({
            "is_valid": True, "problems": [], "files": checked.files, "objects": checked.objects,
            "kinds": checked.counts, "schema": checked.digest, "built_on": checked.server,
        })  # fmt: skip
        return 0
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in checked.counts.items())
    listed = f" ({kinds})" if kinds else ""
    show(f"✓ {folder}: {checked.objects} objects in {checked.files} files{listed}")
    show(f"✓ built on {checked.server}" if checked.server else "  --build asks PostgreSQL too")
    return 0


def _problem(problem: object) -> dict[str, object]:
    import dataclasses

    from reconciler.core.errors import Problem

    assert isinstance(problem, Problem)
    return dataclasses.asdict(problem)
