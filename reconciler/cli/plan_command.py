"""reconcile plan: compare and write the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.app import Request
    from reconciler.engine.plan import Plan


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("plan")(plan)


def plan(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the plan file here.", show_default=False)
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Append the plan to the target's chain.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="The plan's slug with --save.", show_default=False)
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Verify the chain, and that it does all that the YAML asks for.")
    ] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Run the plan on a clone with seeded rows first.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse what no kind models.")] = False,
    detailed_exitcode: options.DetailedExitcode = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = options.Format.TEXT,
) -> int:
    """Compare the declared state with the live database."""
    from reconciler import app
    from reconciler.cli.output import say, show_plan
    from reconciler.engine import planfile

    chosen = options.choose(target, url, schema)
    request = options.request_of(chosen, ownership, scratch_url)
    if check:
        _check(chosen, request)
        return 0
    made = app.make_plan(request)
    if strict:
        _refuse_unknown(made)
    if prove and not made.is_empty:
        say(app.prove(made, request))
    if out is not None:
        app.write_text(out, planfile.dump(made))
    if save and not made.is_empty:
        _save(chosen, made, name)
    show_plan(made, format, chosen.target, verbose, str(out) if out else None)
    return options.CHANGES if detailed_exitcode and not made.is_empty else 0


def _refuse_unknown(made: Plan) -> None:
    from reconciler.core.errors import Blocked

    if made.unknown:
        raise Blocked(
            "\n".join(
                [f"objects that no kind models: {len(made.unknown)}", *(f"  {name}" for name in made.unknown)]
            ),
            hint="put them under manage.ignore in reconcile.yaml, or leave out --strict",
        )


def _save(chosen: options.Chosen, made: Plan, name: str | None) -> None:
    from reconciler.cli.output import say
    from reconciler.engine import chain, planfile

    last = chain.read_chain(chosen.plans)[-1:]
    if last and last[0].id == planfile.plan_id(made):
        say(f"saved already: {chosen.plans / last[0].file_name}")
        return
    path = chain.append(chosen.plans, made, name or chain.next_slug(made))
    say(f"saved as {path}")


def _check(chosen: options.Chosen, request: Request) -> None:
    """Raise InvalidInput where the chain is broken, and Blocked where it leads elsewhere than the YAML."""
    from reconciler import app
    from reconciler.cli.output import show
    from reconciler.core.errors import Blocked

    chained = app.read_plans(chosen.plans)
    pending = app.place_in(chained, chosen.url).pending
    differing = app.uncovered(pending, app.make_plan(request))
    if differing:
        raise Blocked(
            "\n".join([f"the chain in {chosen.plans} is not what {chosen.schema} asks for:", *differing]),
            hint="save a plan for what is missing: reconcile apply --all, then reconcile plan --save",
        )
    show(f"the chain leads to {chosen.schema}: {len(chained)} saved, {len(pending)} pending")
