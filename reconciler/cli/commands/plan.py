"""reconcile plan: compare and write the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import formats, options, state_argument
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app import Compared, Request, State
    from reconciler.engine.plan.model import Plan
    from reconciler.report.plan_context import Context


_Start = Annotated[
    str, typer.Option("--from", metavar="STATE", help=f"The state to plan from: {state_argument.FROM}")
]
_Out = Annotated[
    Path | None, typer.Option("--out", "-o", help="Write the plan file here.", show_default=False)
]
_Save = Annotated[bool, typer.Option("--save", help="Append the plan to the target's chain.")]
_Name = Annotated[str | None, typer.Option("--name", help="The plan's slug with --save.", show_default=False)]
_Check = Annotated[
    bool, typer.Option("--check", help="Verify the chain, and that it does all that the YAML asks for.")
]
_Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="git:REF",
        help="With --check: make all plans again that this commit does not have; no database.",
        show_default=False,
    ),
]
_Renew = Annotated[
    int | None,
    typer.Option(
        "--renew",
        metavar="NUMBER",
        help="Prove a saved plan that was edited by hand, and write its new id; no database.",
        show_default=False,
    ),
]
_Prove = Annotated[bool, typer.Option("--prove", help="Run the plan on a clone with seeded rows first.")]
_Strict = Annotated[bool, typer.Option("--strict", help="Refuse what no kind models.")]


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("plan")(failing_in_format(plan))


def plan(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    start: _Start = "live",
    out: _Out = None,
    save: _Save = False,
    name: _Name = None,
    check: _Check = False,
    base: _Base = None,
    renew: _Renew = None,
    prove: _Prove = False,
    strict: _Strict = False,
    detailed_exitcode: options.DetailedExitcode = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = formats.Format.TEXT,
    max_chars: options.MaxChars = None,
) -> int:
    """Compare the declared state with the live database, or with the state that --from names.

    But for --from live and url: no database is connected to: a scratch server stands in for it.
    """
    from reconciler.cli.chain_report import Checking, check_plans
    from reconciler.cli.report_output import show_plan

    where = options.Where(target, url, schema, ownership, scratch_url)
    if renew is not None:
        _renew(where, renew)
        return 0
    if check:
        check_plans(where, Checking(start, base, format))
        return 0
    made = _make(where, start, prove, strict, _Kept(out, save, name))
    shown, context = _around(made, start, format)
    show_plan(shown, format, context, verbose, max_chars)
    return options.CHANGES if detailed_exitcode and not made.plan.is_empty else 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where the plan is to stay."""

    out: Path | None
    in_chain: bool
    name: str | None


@dataclass(frozen=True, slots=True)
class _Made:
    """A plan, and the file that it stands in."""

    plan: Plan
    chosen: options.Chosen
    file: Path | None


def _renew(where: options.Where, number: int) -> None:
    from reconciler import app
    from reconciler.cli.console import say

    chosen = where.chosen(connects=False)
    say(app.renew(chosen.plans, number, where.offline_request(chosen)))


def _make(where: options.Where, start: str, prove: bool, strict: bool, kept: _Kept) -> _Made:
    """Plan, prove and save as asked. Raises Blocked with `strict` where the plan leaves something out."""
    from reconciler import app
    from reconciler.cli.console import say
    from reconciler.core.errors import UsageError

    if kept.out is not None and kept.out.is_dir():
        raise UsageError(f"--out {kept.out}: this is a folder", hint="name the file in it too")
    is_live = start == state_argument.LIVE
    chosen = where.chosen(connects=is_live)
    request = where.request(chosen)
    state = _beginning(
        state_argument.state_of(start, where.target, where.url, where.schema, state_argument.FROM), start
    )
    compared = app.compare_from(state, request) if kept.in_chain or not is_live else None
    made = compared.plan if compared is not None else app.make_plan(request)
    if strict:
        _refuse_unknown(made)
    if prove and not made.is_empty:
        say(app.prove(made, request) if is_live else app.prove_from(state, made, request))
    if kept.out is not None:
        from reconciler.engine.plan import plan_file

        app.write_text(kept.out, plan_file.dump(made))
    if kept.in_chain and compared is not None and not made.is_empty:
        _save(chosen, compared, request, kept.name)
    if (saved := app.saved_as(chosen.plans, made)) is not None:
        # With its own id, and with the consent that was given since.
        return _Made(saved.plan, chosen, saved.path)
    return _Made(made, chosen, kept.out)


def _beginning(state: State, said: str) -> State:
    """The state; nothing at all where a commit has no schema yet, and then that is told."""
    from reconciler import app
    from reconciler.cli.console import say

    if not isinstance(state, app.Revision) or app.is_at(state):
        return state
    say(f"there is no {state.path} at {said}: planned from nothing")
    return app.Nothing()


def _around(made: _Made, start: str, format: formats.Format) -> tuple[Plan, Context]:
    import dataclasses

    from reconciler.cli.failure_report import state_named
    from reconciler.cli.report_context import planned_around

    shown, context = planned_around(made.plan, made.chosen, format, made.file, start == state_argument.LIVE)
    if start == state_argument.LIVE or start.startswith("url:"):
        return shown, context
    settled = f"{state_named(start)} is as declared; no database was asked."
    return shown, dataclasses.replace(context, settled=settled)


def _refuse_unknown(made: Plan) -> None:
    from reconciler.core.errors import Blocked

    if made.unknown:
        raise Blocked(
            "\n".join(
                [f"objects that no kind models: {len(made.unknown)}", *(f"  {name}" for name in made.unknown)]
            ),
            hint="put them under manage.ignore in reconcile.yaml, or leave out --strict",
        )


def _save(chosen: options.Chosen, compared: Compared, request: Request, name: str | None) -> None:
    from reconciler import app
    from reconciler.cli.console import say

    path = app.save_plan(chosen.plans, compared, request.scope, name)
    if path is None:
        say(f"saved already: {app.read_plans(chosen.plans)[-1].path}")
    else:
        say(f"saved as {path}")
