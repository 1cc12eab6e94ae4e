"""reconcile plan: compare and write the plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options

CHANGES = 2


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("plan")(plan)


def plan(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the plan file here.", show_default=False)] = None,
    save: Annotated[bool, typer.Option("--save", help="Append the plan to the chain under plans/.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="The plan's slug with --save.", show_default=False)] = None,
    prove: Annotated[bool, typer.Option("--prove", help="Run the plan on a clone with seeded rows first.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what no kind models.")] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there are changes.")
    ] = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.OutputFormat = options.Format.TEXT,
) -> int:
    """Compare the declared state with the live database."""
    from reconciler import app
    from reconciler.cli.output import say, show_plan
    from reconciler.core.errors import Blocked
    from reconciler.engine import chain, planfile

    chosen = options.choose(target, url, schema)
    request = options.request_of(chosen, ownership, scratch_url)
    made = app.make_plan(request)
    if strict and made.unknown:
        raise Blocked(
            f"{len(made.unknown)} objects are not modelled: {', '.join(made.unknown)}",
            hint="put them under manage.ignore in reconcile.yaml, or leave out --strict",
        )
    if prove and not made.is_empty:
        app.prove(made, request)
        say("proved on a clone: the result equals the declared state, and the rows are kept")
    if out is not None:
        app.write_text(out, planfile.dump(made))
    if save and not made.is_empty:
        path = chain.append(chosen.project.plans / chosen.target, made, name or chain.next_slug(made))
        say(f"saved as {path}")
    show_plan(made, format, chosen.target)
    return CHANGES if detailed_exitcode and not made.is_empty else 0
