"""reconcile verify: is the database what is declared, and do others agree?"""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format

DISAGREES = 3


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("verify")(failing_in_format(verify))


def verify(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    auditors: Annotated[
        list[str] | None,
        typer.Option("--with", help="A second opinion: pg_dump or migra. Repeatable.", show_default=False),
    ] = None,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Whether the database is as declared; --with asks others too."""
    from reconciler import app
    from reconciler.cli.console import show, show_json, show_wrapped
    from reconciler.core.errors import UsageError

    asked = list(dict.fromkeys(auditors or ()))
    if unheard := [name for name in asked if name not in app.AUDITORS]:
        raise UsageError(f"there is no auditor `{unheard[0]}`", hint=f"one of: {', '.join(app.AUDITORS)}")
    chosen = options.choose(target, url, schema)
    request = options.request_of(chosen, ownership, scratch_url)
    own = tuple(f"{step.action.value} {step.label}" for step in app.make_plan(request).steps)
    opinions = [app.Opinion("reconcile", own)]
    if asked:
        with app.fresh_build(request) as fresh_url:
            opinions += [app.opinion(name, request, fresh_url) for name in asked]
    is_agreed = not any(one.findings for one in opinions)
    if format is formats.Shape.JSON:
        found = [
            {
                "auditor": one.auditor,
                "findings": list(one.findings),
                "blind": list(one.blind),
                "unreliable": list(one.unreliable),
            }
            for one in opinions
        ]
        show_json({"is_verified": is_agreed, "opinions": found})
        return 0 if is_agreed else DISAGREES
    for one in opinions:
        sees = "✗ {} sees differences:" if one.findings else "✓ {} sees no difference"
        show(sees.format(one.auditor))
        for finding in one.findings:
            show("\n".join(f"    {line}" for line in finding.splitlines()))
        if one.findings and one.unreliable:
            show_wrapped(f"it can be wrong about {', '.join(one.unreliable)}", "  ")
        if one.blind:
            show_wrapped(f"it does not look at {', '.join(one.blind)}", "  ")
    return 0 if is_agreed else DISAGREES
