"""Putting a controller together, and running it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path
from typing import TextIO

from reconciler.controller.board import Board
from reconciler.controller.environment import Heal, Mode, Shared
from reconciler.controller.http import Pages, address, served
from reconciler.controller.logs import LogFormat, log_to
from reconciler.controller.loop import Loop
from reconciler.controller.metrics import Metrics
from reconciler.controller.pacing import Health
from reconciler.controller.settling import Source
from reconciler.controller.snapshot import Wanted
from reconciler.controller.source import Limits
from reconciler.controller.workfolder import work_folder
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Terminated, UsageError
from reconciler.engine.catalog.bounded_read import listen
from reconciler.engine.connection.retry import Clock, Stop


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says. What tests replace stands at the end."""

    wanted: Wanted
    mode: Mode = Mode.OBSERVE
    heal: Heal | None = None
    """None: as the source's settings say."""
    interval_seconds: float = 15.0
    status_file: Path | None = None
    listen: str | None = None
    log_format: LogFormat = "json"
    limits: Limits = field(default_factory=Limits)
    stalled_after_seconds: float = 300.0
    log_stream: TextIO | None = None
    clock: Clock = field(default_factory=Clock)
    wall: Callable[[], float] = time.time
    """Seconds since the epoch."""
    stop: Stop = field(default_factory=Stop)


def serve(options: Options) -> None:
    """Run a controller until it is stopped; then raise Terminated. Raises UsageError for options that do not
    fit together, and ReconcileError where it cannot listen."""
    _check(options)
    with ExitStack() as stack:
        loop, pages, board = assembled(options, stack.enter_context(work_folder()))
        if options.listen is not None:
            board.log.info("listening", address=stack.enter_context(served(options.listen, pages)))
        listen(board.log.warning)
        try:
            loop.run()
        except Terminated:
            raise Terminated("the controller was stopped") from None


def assembled(options: Options, work: Path) -> tuple[Loop, Pages, Board]:
    """A controller that does not run yet; `work` is a folder of its own."""
    from reconciler import __version__

    health = Health(options.clock, max(options.stalled_after_seconds, 10 * options.interval_seconds))
    metrics = Metrics(__version__)
    facts = {
        "version": __version__,
        "mode": options.mode.value,
        "stalled_after_seconds": health.stalled_after_seconds,
    }
    log = log_to(options.log_stream, options.log_format)
    board = Board(metrics, log, options.wall, facts, options.status_file)
    shared = Shared(
        options.wanted,
        options.mode,
        options.heal,
        options.interval_seconds,
        board,
        health,
        options.clock,
        options.stop,
    )
    loop = Loop(Source(options.wanted.source, work, options.limits), shared)
    return loop, Pages(health, metrics.registry, board.as_data), board


def _check(options: Options) -> None:
    if options.interval_seconds <= 0:
        raise UsageError("--interval must be more than 0 seconds")
    if options.heal is Heal.SAFE and options.mode is Mode.OBSERVE:
        raise UsageError("--heal safe changes the database", hint="pass --mode apply too")
    if options.listen is not None:
        address(options.listen)
