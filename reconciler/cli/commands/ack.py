"""reconcile ack: write a person's consent to a hazard into a plan file."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("ack")(failing_in_format(ack))


def ack(
    plan: Annotated[str, typer.Argument(help="A plan file, or a number or slug of the chain.")],
    step: Annotated[int, typer.Argument(help="The step's number.")],
    code: Annotated[str, typer.Argument(help="The hazard: data_loss, possible_rename, ...")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why that is right.")],
    by: Annotated[
        str | None, typer.Option("--by", help="Who says so, as CODEOWNERS has it.", show_default=False)
    ] = None,
    target: options.Target = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Consent to a hazard of a saved plan: an entry under `acks` in its file, to be reviewed with it.

    The rest of the file stays as it is. A signature made before does not cover it: sign again.
    """
    from reconciler import app
    from reconciler.cli.console import say, show, show_json
    from reconciler.cli.plan_argument import named_plan

    path = named_plan(plan, target).path
    done = app.acknowledge(path, step, code, reason, by)
    if format is formats.Shape.JSON:
        show_json({
            "file": str(path), "step": step, "code": done.ack.code.value,
            "was_there": done.was_there, "remaining": list(done.remaining),
        })  # fmt: skip
    else:
        word = "has consent already" if done.was_there else "has consent now"
        show(f"{path}: step {step} {word} to {done.ack.code.value}")
        for line in done.remaining:
            show(f"  still without: {line}")
    if not done.was_there and app.signature_path(path).exists():
        say(f"the signature is of the file before: reconcile sign {path}")
    return 0
