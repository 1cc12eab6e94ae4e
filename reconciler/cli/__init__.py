"""The command line: one file per command, thin."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

_COMMANDS = (
    "init", "demo", "check", "pull", "plan", "show", "explain", "apply", "run", "push", "status", "history", "diff",
    "drift", "adopt", "verify", "schema",
)  # fmt: skip
"""In the order of --help: the way a schema goes."""

USAGE = 64
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (docs/format.md, section 4). Never raises."""
    from reconciler.core.errors import ReconcileError

    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except ReconcileError as error:
        from reconciler.cli.output import complain

        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    import typer
    from typer._click.exceptions import ClickException

    command = typer.main.get_command(_application())
    try:
        result = command.main(arguments, prog_name="reconcile", standalone_mode=False)
    except ClickException as error:
        error.show()
        return USAGE if error.exit_code in (1, 2) else error.exit_code
    return int(result) if isinstance(result, int) else 0


def _application() -> Any:
    from importlib import import_module

    import typer

    application = typer.Typer(
        name="reconcile",
        help="PostgreSQL schema as YAML in git: plan, review, apply, in sync.",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name in _COMMANDS:
        module = import_module(f"reconciler.cli.{name}_command")
        module.register(application)
    return application
