"""reconcile adopt: take an existing database under management without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.app import Left


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("adopt")(failing_in_format(adopt))


def adopt(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    take_unfinished: Annotated[
        bool,
        typer.Option("--take-unfinished", help="Also where another tool has left a migration half done."),
    ] = False,
    wait_lock: options.WaitLock = 0.0,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Take a database under management as it is.

    Nothing of it is changed: its state is written down in the journal. The tables in which another tool keeps
    its history (Drizzle Kit, Alembic, Flyway, Liquibase, Django, ...) are put under manage.ignore.
    """
    from reconciler import app, settings
    from reconciler.cli.console import say, show, show_json

    chosen = options.choose(target, url, schema)
    file = chosen.project.root / settings.FILE if chosen.project.is_configured else None
    how = app.Adoption(file, wait_lock, app.read_plans(chosen.plans), take_unfinished)
    request = options.request_of(chosen, ownership, scratch_url)
    adopted = app.adopt(request, how)
    # The first plan of its chain starts from here, also where there is no database to ask.
    if chosen.target in chosen.project.settings.targets and app.save_baseline(request, chosen.plans):
        say(f"saved its state: {chosen.plans / 'baseline.yaml'}")
    if format is formats.Shape.JSON:
        show_json({
            "objects": adopted.objects, "run": adopted.run, "other_tools": left_data(adopted.left),
            "ignored": list(adopted.left.patterns), "taken_out": list(adopted.taken_out),
        })  # fmt: skip
        return 0
    show(f"adopted: {counted(adopted.objects, 'object')}, run {adopted.run}")
    tell_left(adopted.left)
    for name in adopted.taken_out:
        show(f"took what is another tool's out of {chosen.schema / name}")
    return 0


def left_data(left: Left) -> list[dict[str, Any]]:
    """What is another tool's, for machines."""
    return [
        {
            "object": str(one.table),
            "tool": one.tool,
            "last": one.last,
            "unfinished": list(one.unfinished),
            "ignore": list(one.patterns),
        }
        for one in left.histories
    ]


def tell_left(left: Left) -> None:
    """The same for people, on standard error."""
    from reconciler.cli.console import say
    from reconciler.report.words import visible

    for one in left.histories:
        last = f"; last applied: {visible(one.last)}" if one.last else ""
        say(f"{visible('.'.join(one.table.path))} belongs to {one.tool}{last}")
        for line in one.unfinished:
            say(f"  not finished: {visible(line)}")
    if not left.patterns:
        return
    if left.settings is not None:
        say(f"{options.near(left.settings)}: left alone from now on (manage.ignore):")
    else:
        say("to leave that alone, add to manage.ignore in reconcile.yaml; else a plan will want to drop it:")
    for pattern in left.patterns:
        say(f'  - "{visible(pattern)}"')
