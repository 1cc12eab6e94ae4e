"""reconcile wait: block until the database is where a program needs it; for init containers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format

if TYPE_CHECKING:
    from reconciler.app import Goal


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("wait")(failing_in_format(wait))


def wait(
    target: options.Target = None,
    url: options.Url = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="The fingerprint (fp1:...) of a plan's end.", show_default=False),
    ] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="A plan file, for its end.", show_default=False)
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds; 0: look once.")] = 300.0,
    interval: Annotated[float, typer.Option("--interval", help="Seconds between looks.")] = 2.0,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Block until the database is at the end of the target's chain, of a plan, or at a fingerprint.

    A database that has gone on from there counts, one that cannot be reached yet is waited for. A role that
    may only read is enough. When the time is over: 6 where the database is elsewhere, 1 where it never
    answered.
    """
    from reconciler.cli.console import show, show_json
    from reconciler.core.errors import UsageError

    if interval <= 0:
        raise UsageError("--interval must be more than 0 seconds")
    if timeout < 0:
        raise UsageError("--timeout must not be less than 0 seconds", hint="0 looks once")
    goal = _goal(target, url, to, plan)
    seconds = _waited(goal, target, url, (timeout, interval))
    if format is formats.Shape.JSON:
        show_json({"at": goal.name, "plan": goal.plan_id, "waited_seconds": round(seconds, 3)})
    else:
        show(f"the database is at {goal.name}")
    return 0


def _goal(target: str | None, url: str | None, to: str | None, plan: Path | None) -> Goal:
    from reconciler import app
    from reconciler.core.errors import UsageError
    from reconciler.engine.plan.model import is_fingerprint

    if to is not None and plan is not None:
        raise UsageError("--to and --plan name two goals", hint="pass one of them")
    if plan is not None:
        return app.Goal.of_plan(app.read_plan(plan)[0], plan.name)
    chosen = options.choose(target, url)
    chain = app.read_plans(chosen.plans)
    if to is not None:
        if not is_fingerprint(to):
            hint = "it is fp1: and 32 hexadecimal digits: `to:` in a plan file, the last column of CHAIN"
            raise UsageError(f"--to {to}: this is no fingerprint", hint=hint)
        return app.Goal.of_fingerprint(to, chain)
    if not chain:
        raise UsageError(
            f"target `{chosen.target}` has no chain of plans in {chosen.plans}",
            hint="mount the plans folder, or say what is waited for: --plan FILE, --to FINGERPRINT",
        )
    return app.Goal.of_chain(chain)


def _waited(goal: Goal, target: str | None, url: str | None, pace: tuple[float, float]) -> float:
    """Seconds until the database was there. In the end raises Busy where it is elsewhere, ConnectionFailed
    where it did not answer."""
    from reconciler.app import missing
    from reconciler.cli import termination_message
    from reconciler.cli.console import say
    from reconciler.core.errors import Busy, ConnectionFailed
    from reconciler.engine.connection.retry import Clock, Stop

    termination_message.note(plan=goal.name)
    timeout, interval = pace
    clock, stop = Clock(), Stop()
    start, told = clock.now(), ""
    while True:
        refused: ConnectionFailed | Busy | None = None
        try:
            # Chosen anew each time: the URL may stand in a file that is replaced.
            why = missing(goal, options.choose(target, url).url)
        except (ConnectionFailed, Busy) as error:
            why, refused = error.message, error
        if why is None:
            return clock.now() - start
        if why != told:
            say(f"waiting: {why}")
            told = why
        left = start + timeout - clock.now()
        if left <= 0 and refused is not None:
            raise refused
        if left <= 0:
            raise Busy(
                f"not there after {timeout:g} s: {why}", hint="see reconcile status; wait on with --timeout"
            )
        stop.pause(min(left, interval * (0.9 + 0.2 * clock.random())), clock)
