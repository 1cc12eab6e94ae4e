"""reconcile check: validate the files; with --build, for certain."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.counting import counted


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("check")(failing_in_format(check))


def check(
    schema: options.Schema = None,
    build: Annotated[bool, typer.Option("--build", help="Really build it in a scratch database.")] = False,
    scratch_url: options.ScratchUrl = None,
    format: options.FindingsShape = formats.FindingsFormat.TEXT,
) -> int:
    """Validate the schema files; with --build, ask PostgreSQL too."""
    from reconciler import app
    from reconciler.cli.approval_note import unowned
    from reconciler.cli.console import show, show_json, show_wrapped
    from reconciler.cli.report_context import told_around
    from reconciler.cli.report_output import show_findings
    from reconciler.report import findings

    folder = options.schema_folder(schema)
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    checked = app.check(folder, build or scratch_url is not None, scratch)
    if format is formats.FindingsFormat.JSON:
        show_json({
            "is_valid": True, "problems": [], "files": checked.files, "objects": checked.objects,
            "kinds": checked.counts, "schema": checked.digest, "built_on": checked.server,
        })  # fmt: skip
        return 0
    if format is not formats.FindingsFormat.TEXT:
        context = told_around(str(folder), str(folder))
        show_findings(findings.of_files(context, checked.server is not None), format)
        return 0
    space = "\N{NO-BREAK SPACE}"
    told = (counted(count, kind.replace("_", " ")) for kind, count in checked.counts.items())
    kinds = ", ".join(one.replace(" ", space) for one in told)
    listed = f" ({kinds})" if kinds else ""
    counts = f"{counted(checked.objects, 'object')} in {counted(checked.files, 'file')}"
    show_wrapped(f"{folder}: {counts}{listed}", "✓ ")
    show(f"✓ built on {checked.server}" if checked.server else "  --build asks PostgreSQL too")
    for line in unowned():
        show(f"! {line}")
    return 0
