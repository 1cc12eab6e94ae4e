"""What a command says when it fails, and the exit code that tells a script why."""

from __future__ import annotations

import sys
import traceback

from reconciler.core.errors import ReconcileError

UNEXPECTED = 1
INTERRUPTED = 130


def told(error: BaseException, is_debugging: bool) -> int:
    """Say what went wrong on standard error, never with a traceback unless it is asked for; the exit code."""
    from reconciler.cli import termination_message
    from reconciler.cli.console import complain

    if is_debugging:
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    ours = as_ours(error)
    termination_message.note_error(ours)
    complain(ours)
    return ours.exit_code


def as_ours(error: BaseException) -> ReconcileError:
    """Any error as one of ours, in words that a person can act on."""
    if isinstance(error, ReconcileError):
        return error
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(error, psycopg.Error):
        from reconciler.engine.connection.session import server_error

        return server_error(error)
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return ReconcileError(f"{named}{error.strerror or type(error).__name__}")
    if isinstance(error, RecursionError):
        return ReconcileError("the input is nested too deeply")
    return ReconcileError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a defect: run again with --debug and report what it shows",
    )
