"""reconcile plan: compare and write the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options, stating
from reconciler.cli.reporting import failing_in_format

if TYPE_CHECKING:
    from reconciler.app import Compared, Request
    from reconciler.engine.plan import Plan


_Start = Annotated[
    str, typer.Option("--from", metavar="STATE", help=f"The state to plan from: {stating.FROM}")
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
    format: options.PlanFormat = options.Format.TEXT,
    max_chars: options.MaxChars = None,
) -> int:
    """Compare the declared state with the live database, or with the state that --from names.

    But for --from live and url: no database is connected to: a scratch server stands in for it.
    """
    from reconciler import app
    from reconciler.cli.output import say, show_plan
    from reconciler.cli.reporting import planned_around
    from reconciler.core.errors import UsageError
    from reconciler.engine import planfile

    is_live = start == stating.LIVE and renew is None and not (check and _is_offline(target, url, base))
    chosen = options.choose(target, url, schema, connects=is_live)
    if renew is not None:
        say(app.renew(chosen.plans, renew, options.offline_request(chosen, ownership, scratch_url)))
        return 0
    request = options.request_of(chosen, ownership, scratch_url)
    if check:
        if start not in (stating.LIVE, stating.CHAIN):
            raise UsageError(f"--check knows no --from {start}", hint="--from chain, or --base git:REF")
        _check(chosen, request, format) if is_live else _check_offline(chosen, request, format, base)
        return 0
    state = stating.state_of(start, target, url, schema, stating.FROM)
    compared = app.compare_from(state, request) if save or start != stating.LIVE else None
    made = compared.plan if compared is not None else app.make_plan(request)
    if strict:
        _refuse_unknown(made)
    if prove and not made.is_empty:
        say(app.prove(made, request) if start == stating.LIVE else app.prove_from(state, made, request))
    if out is not None:
        app.write_text(out, planfile.dump(made))
    file = out
    if save and compared is not None and not made.is_empty:
        file = _save(chosen, compared, request, name)
    elif (saved := app.saved_as(chosen.plans, made)) is not None:
        made, file = saved.plan, saved.path  # with the consent that was given since
    shown, context = planned_around(made, chosen, format, file, start == stating.LIVE)
    show_plan(shown, format, context, verbose, max_chars)
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


def _save(chosen: options.Chosen, compared: Compared, request: Request, name: str | None) -> Path:
    from reconciler import app
    from reconciler.cli.output import say

    path = app.save_plan(chosen.plans, compared, request.scope, name)
    if path is None:
        path = app.read_plans(chosen.plans)[-1].path
        say(f"saved already: {path}")
    else:
        say(f"saved as {path}")
    return path


def _is_offline(target: str | None, url: str | None, base: str | None) -> bool:
    """Whether a check has to do without the database: it is wanted, or nobody has said where that is."""
    from reconciler.cli.output import say
    from reconciler.core.errors import UsageError

    if base is not None:
        return True
    try:
        options.choose(target, url)
    except UsageError as error:
        options.choose(target, url, connects=False)
        say(f"{error.message}: checked without a database")
        return True
    return False


def _check_offline(
    chosen: options.Chosen, request: Request, format: options.Format, base: str | None
) -> None:
    """`_check` without a database; new plans are made again: Blocked where one comes out otherwise."""
    from reconciler import app
    from reconciler.cli.output import say, show, show_findings
    from reconciler.cli.reporting import told_around
    from reconciler.core.errors import UsageError
    from reconciler.report import findings

    word, _, ref = (base or "git:").partition(":")
    if word != "git" or (base is not None and not ref):
        raise UsageError(f"--base {base} is no commit", hint="--base git:origin/main")
    found = app.check_chain(chosen.plans, request, ref or None)
    for file, reason in found.edited:
        say(f"edited by hand: {file}: {reason}")
    if format in options.OF_FINDINGS:
        show_findings(findings.of_chain(told_around(chosen.target, str(chosen.schema))), format)
        return
    again = f", made again: {', '.join(found.remade)}" if found.remade else ""
    show(f"the chain leads to {chosen.schema}: {found.plans} saved{again}")


def _check(chosen: options.Chosen, request: Request, format: options.Format) -> None:
    """Raise InvalidInput where the chain is broken, NotApproved where nobody owns it and somebody must, and
    Blocked where it leads elsewhere than the YAML."""
    from reconciler import app
    from reconciler.cli.output import show, show_findings, show_plan
    from reconciler.cli.reporting import planned_around, told_around
    from reconciler.core.errors import Blocked, NotApproved
    from reconciler.report import findings

    chained = app.read_plans(chosen.plans)
    if unowned := app.uncovered_plans(chosen.plans, chosen.requirement):
        raise NotApproved(unowned)
    pending = app.place_in(chained, chosen.url).pending
    made = app.make_plan(request)
    differing = app.uncovered(pending, made)
    if differing:
        raise Blocked(
            "\n".join([f"the chain in {chosen.plans} is not what {chosen.schema} asks for:", *differing]),
            hint="save a plan for what is missing: reconcile apply --all, then reconcile plan --save",
        )
    if format is options.Format.TEXT:
        show(f"the chain leads to {chosen.schema}: {len(chained)} saved, {len(pending)} pending")
    elif format in options.OF_FINDINGS:
        context = told_around(chosen.target, str(chosen.schema))
        show_findings(findings.of_chain(context), format)
    else:
        shown, context = planned_around(made, chosen, format)
        show_plan(shown, format, context)
