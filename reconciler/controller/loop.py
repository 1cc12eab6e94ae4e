"""The loop: look at the source, at each target, rest. Level-based: each turn starts from what is there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from reconciler.controller.board import SourceEntry
from reconciler.controller.environment import Shared
from reconciler.controller.pacing import jittered
from reconciler.controller.snapshot import Snapshot, snapshot_of
from reconciler.controller.source import SourceStatus
from reconciler.controller.target import Target
from reconciler.core.errors import InvalidInput, Problem, ReconcileError, Terminated
from reconciler.core.redaction import brief
from reconciler.engine.connection.retry import Insistence

if TYPE_CHECKING:
    from reconciler.controller.settling import Copy, Look, Source


class Loop:
    """One controller: a source, its targets, and what is known of them."""

    def __init__(self, source: Source, shared: Shared) -> None:
        self._source, self._shared = source, shared
        self._snapshot: Snapshot | None = None
        self._refused: tuple[str, SourceEntry] | None = None
        """The digest of a settled source that is invalid, and what is wrong with it."""
        self._targets: dict[str, Target] = {}
        self._may_be_cut = False
        """Whether a signal may end what is done: so long as it only reads."""

    def run(self) -> None:
        """Turn until a stop is asked for; then raise Terminated, with every lock given back."""
        shared = self._shared
        try:
            with self._ended_by_signals():
                self._tell_of_start()
                while True:
                    self.turn()
                    shared.stop.pause(jittered(shared.interval_seconds, shared.clock), shared.clock)
        finally:
            for target in self._targets.values():
                target.close()
            shared.board.log.info("stopped")
            shared.board.write()

    def _tell_of_start(self) -> None:
        """Said once signals are heeded: whoever reads it may stop the controller, and is told that it did."""
        wanted, mode = self._shared.wanted, self._shared.mode
        self._shared.board.log.info(
            "started", source=str(wanted.source), mode=mode.value, interval=self._shared.interval_seconds
        )

    def turn(self) -> None:
        """One turn. Raises Terminated alone."""
        shared = self._shared
        shared.beat()
        with self._cut_short_by_signals():
            look = self._source.look()
            is_good = self._read(look)
        if self._snapshot is not None:
            for target in self._targets.values():
                shared.stop.check()
                with self._cut_short_by_signals():
                    target.pass_over(self._snapshot, is_good)
                shared.beat()
        shared.health.is_started = True
        shared.health.unready = self._unready()
        shared.board.write()

    def _read(self, look: Look) -> bool:
        """Take up what has settled; whether that is what the source says now, and it is valid."""
        entry = SourceEntry(look.status, look.message, look.revision, warning=look.warning)
        copy = look.settled
        if look.status is SourceStatus.OK and copy is not None:
            wrong = self._taken_up(copy)
            if wrong is not None:
                entry.status, entry.message, entry.problems = wrong.status, wrong.message, wrong.problems
        entry.in_use = self._snapshot.copy.revision if self._snapshot is not None else None
        self._shared.board.source(entry)
        return entry.status is SourceStatus.OK

    def _taken_up(self, copy: Copy) -> SourceEntry | None:
        """Work with this copy from here on; what is wrong with it, where it cannot be worked with."""
        if self._refused is not None and self._refused[0] == copy.digest:
            return self._refused[1]
        if self._snapshot is not None and self._snapshot.copy == copy:
            self._refused = None
            return None
        try:
            self._snapshot = snapshot_of(copy, self._shared.wanted)
        except ReconcileError as error:
            if isinstance(error, Terminated):
                raise
            self._refused = (copy.digest, _wrong(error, copy))
            return self._refused[1]
        self._refused = None
        self._watch(self._snapshot)
        self._source.keep_only({self._snapshot.copy.root})
        return None

    def _watch(self, snapshot: Snapshot) -> None:
        """Watch the targets that the source names now, and no others."""
        for name in self._targets.keys() - snapshot.aims.keys():
            self._targets.pop(name).close()
            self._shared.board.forget(name)
        for name in snapshot.aims:
            self._targets.setdefault(name, Target(name, self._shared))

    def _unready(self) -> tuple[str, ...]:
        if self._snapshot is None:
            return ("no source has been read yet",)
        return tuple(
            f"target {name}: the database cannot be reached"
            for name, target in self._targets.items()
            if not target.is_reachable
        )

    @contextmanager
    def _cut_short_by_signals(self) -> Iterator[None]:
        self._may_be_cut = True
        try:
            # A signal that came a moment ago has only asked.
            self._shared.stop.check()
            yield
        finally:
            self._may_be_cut = False

    @contextmanager
    def _ended_by_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end the loop: at once where it rests or reads, between two steps where it
        applies (there the run has its own handlers). The second one ends the process."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        insistence = Insistence()

        def end(number: int, _frame: FrameType | None) -> None:
            insistence.heard(number)
            self._shared.stop.ask()
            if self._may_be_cut:
                raise Terminated("stopped on request")

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _wrong(error: ReconcileError, copy: Copy) -> SourceEntry:
    """What is wrong with a settled source, with places relative to it."""
    prefix = f"{copy.root}/"
    problems: tuple[Problem, ...] = ()
    if isinstance(error, InvalidInput):
        problems = tuple(
            Problem(
                one.file.replace(prefix, ""),
                one.line,
                one.column,
                one.object,
                one.message.replace(prefix, ""),
                one.hint,
            )
            for one in error.problems
        )
    message = brief(error).replace(prefix, "")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        message = f"{problems[0].file}:{problems[0].line}: {problems[0].message}{more}"
    return SourceEntry(SourceStatus.INVALID, message, problems=problems)
