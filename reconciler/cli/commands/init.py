"""reconcile init: scaffold a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format

if TYPE_CHECKING:
    from reconciler.app import Left, Pulled
    from reconciler.settings import Project


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("init")(failing_in_format(init))


def init(
    folder: Annotated[Path, typer.Argument(help="The project's folder.")] = Path(),
    url: Annotated[
        str | None,
        typer.Option("--url", help="Start from this database: its schema is pulled.", show_default=False),
    ] = None,
    ownership: options.Ownership = False,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Scaffold a project: settings, schema/, plans/, CI workflow.

    Nothing that exists is overwritten.
    """
    from reconciler import app, settings
    from reconciler.cli.commands.adopt import tell_left
    from reconciler.cli.commands.pull import say_left_out
    from reconciler.cli.console import say, show, show_json

    options.refuse_empty("--url", url)
    written = list(app.scaffold(folder, example=url is None))
    if url is not None:
        left = _left_alone(folder, url)
        project = settings.find_project(folder.resolve())
        pulled = _pulled(project, url, ownership)
        place = project.settings.schema_path.rstrip("/")
        written += [f"{place}/{name}" for name in (*pulled.written.new, *pulled.written.changed)]
        for name in pulled.unknown:
            say(f"not modelled, left alone: {name}")
        say_left_out(pulled)
        tell_left(left)
    if format is formats.Shape.JSON:
        show_json({"folder": str(folder), "written": written})
        return 0
    for name in written:
        show(f"wrote {folder / name}")
    if not written:
        show("everything is there already")
    start = "" if folder == Path() else f"cd {folder} && "
    show(f"\nNext: {start}reconcile {f'adopt --url {options.pasted(url)}' if url else 'push'}")
    return 0


def _pulled(project: Project, url: str, ownership: bool) -> Pulled:
    """Pull; at a terminal a person decides on owners and privileges where there are any."""
    from reconciler import app
    from reconciler.cli.console import can_ask

    def pull(ownership: bool) -> Pulled:
        return app.pull_into(project.schema, app.Request(url, project.schema, project.scope(ownership)))

    pulled = pull(ownership)
    summary = pulled.left_out_summary
    if summary and can_ask() and typer.confirm(f"The database has {summary}. Write them down?", err=True):
        return pull(True)
    return pulled


def _left_alone(folder: Path, url: str) -> Left:
    """What another tool keeps in the database, which is not to be pulled."""
    from reconciler import app, settings

    project = settings.find_project(folder.resolve())
    request = app.Request(url, project.schema, project.scope(False))
    return app.leave_alone(request, project.root / settings.FILE)
