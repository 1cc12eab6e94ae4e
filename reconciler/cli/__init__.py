"""The command line: one file per command, thin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

COMMANDS = (
    "init", "demo", "check", "pull", "plan", "show", "explain", "ack", "sign", "apply", "run", "push",
    "status", "history", "diff", "drift", "undo", "squash", "adopt", "verify", "schema", "ci",
    "controller", "wait", "health",
)  # fmt: skip
"""In the order of --help: the way a schema goes. Each is a module of `commands` with `register`."""

USAGE = 64
_DEBUG = "--debug"


def run() -> NoReturn:
    """The program: `main`, and the process ends without taking itself apart, which takes as long as a plan
    where nothing is to do. All that must be given back was given back by then, in `finally` clauses."""
    import logging

    # No plugin of pydantic has a say here; to look for them reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = main()
    logging.shutdown()
    os._exit(code if _flushed() else code or 1)


def _flushed() -> bool:
    """Whether all that was said has arrived. A reader that has gone (`| head`) wanted no more."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return True
    except OSError:
        return False
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (docs/format.md, section 4). Never raises."""
    from reconciler.cli import termination_message

    words = list(sys.argv[1:] if arguments is None else arguments)
    is_debugging = _DEBUG in words or os.environ.get("RECONCILE_DEBUG") not in (None, "", "0")
    words = [word for word in words if word != _DEBUG]
    termination_message.begin(words)
    code = _ended(words, is_debugging)
    termination_message.write(code)
    return code


def _ended(words: list[str], is_debugging: bool) -> int:
    """Run the command; the exit code, whatever happens."""
    try:
        with _ended_by_sigterm():
            return _run(words)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BaseException as error:
        if isinstance(error, SystemExit | GeneratorExit):
            raise
        from reconciler.cli.failure import told

        return told(error, is_debugging)


def _run(arguments: list[str]) -> int:
    import gc

    import typer
    from typer._click.exceptions import ClickException

    # A command allocates a million small values and ends: looking for cycles among them takes a third of it.
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
    command = typer.main.get_command(_application(arguments))
    try:
        result = command.main(arguments, prog_name="reconcile", standalone_mode=False)
    except ClickException as error:
        from reconciler.cli import termination_message

        termination_message.note(message=error.format_message())
        error.show()
        return USAGE if error.exit_code in (1, 2) else error.exit_code
    return int(result) if isinstance(result, int) else 0


def _application(arguments: Sequence[str]) -> Any:
    """The commands that these arguments can mean: importing one is quicker than importing all."""
    from importlib import import_module

    import typer

    from reconciler.cli.options import before_command
    from reconciler.core.server_version import NEWEST_MAJOR, OLDEST_MAJOR

    application = typer.Typer(
        name="reconcile",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    what = "PostgreSQL schema as YAML in git: plan, review, apply, in sync."
    served = f"Serves PostgreSQL {OLDEST_MAJOR} to {NEWEST_MAJOR}."
    application.callback(help=f"{what} {served}")(before_command)
    named = next((word for word in arguments if not word.startswith("-")), None)
    for name in (named,) if named in COMMANDS else COMMANDS:
        import_module(f"reconciler.cli.commands.{name}").register(application)
    return application


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends the command through its `finally` clauses, so that scratch databases are dropped."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        from reconciler.core.errors import Terminated

        raise Terminated("stopped on request")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
