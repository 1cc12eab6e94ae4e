"""reconcile adopt: take an existing database under management without running anything."""

from __future__ import annotations

import typer

from reconciler.cli import options


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("adopt")(adopt)


def adopt(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    wait_lock: options.WaitLock = 0.0,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = options.Shape.TEXT,
) -> int:
    """Take a database under management as it is.

    Nothing of it is changed: its state is written down in the journal.
    """
    from reconciler import app
    from reconciler.cli.output import say, show, show_json

    chosen = options.choose(target, url, schema)
    adopted = app.adopt(options.request_of(chosen, ownership, scratch_url), wait_lock)
    if format is options.Shape.JSON:
        others = [{"object": str(id), "tool": tool} for id, tool in adopted.predecessors]
        show_json({"objects": adopted.objects, "run": adopted.run, "other_tools": others})
        return 0
    show(f"adopted: {adopted.objects} objects, run {adopted.run}")
    for id, tool in adopted.predecessors:
        say(f'{".".join(id.path)} belongs to {tool}: to leave it alone, add "{id}" to manage.ignore')
    return 0
