"""reconcile controller: the loop over a mounted directory."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options


class _Mode(StrEnum):
    OBSERVE = "observe"
    APPLY = "apply"


class _Heal(StrEnum):
    NEVER = "never"
    SAFE = "safe"


class _LogFormat(StrEnum):
    JSON = "json"
    TEXT = "text"


_Source = Annotated[
    Path, typer.Option("--source", help="The mounted directory.", envvar="RECONCILE_CONTROLLER_SOURCE")
]
_Targets = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", help="A target to watch. Repeatable.", show_default=False),
]
_ModeOption = Annotated[
    _Mode, typer.Option("--mode", help="Only look, or apply plans too.", envvar="RECONCILE_CONTROLLER_MODE")
]
_HealOption = Annotated[
    _Heal | None, typer.Option("--heal", help="Which drift is undone.", envvar="RECONCILE_CONTROLLER_HEAL")
]
_Interval = Annotated[
    float, typer.Option("--interval", help="Seconds between looks.", envvar="RECONCILE_CONTROLLER_INTERVAL")
]
_StatusFile = Annotated[
    Path | None,
    typer.Option("--status-file", help="Where the status goes.", envvar="RECONCILE_CONTROLLER_STATUS_FILE"),
]
_Listen = Annotated[
    str | None,
    typer.Option("--listen", help="HOST:PORT of probes and metrics.", envvar="RECONCILE_CONTROLLER_LISTEN"),
]
_LogOption = Annotated[_LogFormat, typer.Option("--log-format", envvar="RECONCILE_CONTROLLER_LOG_FORMAT")]


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("controller")(controller)


def controller(
    source: _Source,
    target: _Targets = None,
    mode: _ModeOption = _Mode.OBSERVE,
    heal: _HealOption = None,
    interval: _Interval = 15.0,
    status_file: _StatusFile = None,
    listen: _Listen = None,
    log_format: _LogOption = _LogFormat.JSON,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
) -> int:
    """Watch databases: report drift, apply approved plans.

    The directory holds reconcile.yaml, schema/ and plans/. Nothing is changed unless --mode apply says so.
    """
    import gc

    _require_libraries()
    from reconciler.cli import termination_message
    from reconciler.controller import Heal, Mode, Options, Wanted, serve
    from reconciler.core.errors import Terminated

    # A short command puts off the search for cycles; this one is to run for months.
    gc.set_threshold(700, 10, 10)
    wanted = Wanted(source.absolute(), tuple(target or ()), ownership, scratch_url)
    chosen = Options(
        wanted,
        Mode(mode.value),
        None if heal is None else Heal(heal.value),
        interval,
        status_file,
        listen,
        log_format.value,
    )
    try:
        serve(chosen)
    except Terminated as stop:
        # What was asked for is no error; the log's last line says it.
        termination_message.note_error(stop)
        return stop.exit_code
    return 0


def _require_libraries() -> None:
    """Raise UsageError where the libraries for metrics and logs are not installed: they are an extra."""
    from importlib.util import find_spec

    from reconciler.core.errors import UsageError

    absent = [name for name in ("prometheus_client", "structlog") if find_spec(name) is None]
    if absent:
        raise UsageError(
            f"the controller needs {' and '.join(absent)}",
            hint="install the extra: reconcile-postgres[controller]",
        )
