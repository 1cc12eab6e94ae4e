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


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("controller")(controller)


def controller(
    source: Annotated[
        Path,
        typer.Option("--source", help="The mounted directory.", envvar="RECONCILE_CONTROLLER_SOURCE"),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option("--target", "-t", help="A target to watch. Repeatable.", show_default=False),
    ] = None,
    mode: Annotated[
        _Mode,
        typer.Option("--mode", help="Only look, or apply plans too.", envvar="RECONCILE_CONTROLLER_MODE"),
    ] = _Mode.OBSERVE,
    heal: Annotated[
        _Heal | None,
        typer.Option("--heal", help="Which drift is undone.", envvar="RECONCILE_CONTROLLER_HEAL"),
    ] = None,
    interval: Annotated[
        float,
        typer.Option("--interval", help="Seconds between looks.", envvar="RECONCILE_CONTROLLER_INTERVAL"),
    ] = 15.0,
    status_file: Annotated[
        Path | None,
        typer.Option(
            "--status-file", help="Where the status goes.", envvar="RECONCILE_CONTROLLER_STATUS_FILE"
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", help="HOST:PORT of probes and metrics.", envvar="RECONCILE_CONTROLLER_LISTEN"
        ),
    ] = None,
    log_format: Annotated[
        _LogFormat, typer.Option("--log-format", envvar="RECONCILE_CONTROLLER_LOG_FORMAT")
    ] = _LogFormat.JSON,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
) -> int:
    """Watch databases: report drift, apply approved plans.

    The directory holds reconcile.yaml, schema/ and plans/. Nothing is changed unless --mode apply says so.
    """
    import gc

    _require_libraries()
    from reconciler.controller import Heal, Mode, Options, Wanted, serve

    # A short command puts off the search for cycles; this one is to run for months.
    gc.set_threshold(700, 10, 10)
    wanted = Wanted(source.absolute(), tuple(target or ()), ownership, scratch_url)
    serve(
        Options(
            wanted,
            Mode(mode.value),
            None if heal is None else Heal(heal.value),
            interval,
            status_file,
            listen,
            log_format.value,
        )
    )
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
